"""Generated images of known truth: the only data whose right answer is exact.

Ellipses (2D) or ellipsoids (3D) are placed at random without overlap, drawn on a possibly
anisotropic grid, blurred like a microscope and given photon and read noise.
"""

import csv
from pathlib import Path

import numpy as np

from bioagree import images
from bioagree.errors import InputError
from bioagree.images import Image

ATTEMPTS = 2000  # to place one object before giving up
EDGE_TEXTURE = 0.15  # relative spread of brightness between objects


def nuclei(
    *,
    seed: int,
    shape_z: int = 1,
    shape_y: int,
    shape_x: int,
    voxel_z_um: float = 1.0,
    voxel_xy_um: float,
    count: int,
    radius_um: float,
    radius_spread: float = 0.15,
    gap_um: float = 0.1,
    blur_xy_um: float = 0.3,
    blur_z_um: float = 0.6,
    photons: float = 200.0,
    background: float = 20.0,
    read_noise: float = 2.0,
    noise_seed: int | None = None,
) -> tuple[Image, Image, list[dict]]:
    """Draw nuclei that may nearly touch, 2D when `shape_z` is 1.

    Parameters
    ----------
    seed : int
        Of everything random.
    shape_z, shape_y, shape_x : int
        Voxels along each axis.
    voxel_z_um, voxel_xy_um : float
        Voxel edges in µm.
    count : int
        Number of objects.
    radius_um : float
        Mean semi-axis in µm.
    radius_spread : float
        Standard deviation of the semi-axes relative to `radius_um`.
    gap_um : float
        Least distance between the bounding balls of two objects, in µm.
    blur_xy_um, blur_z_um : float
        Standard deviation of the point spread function, in µm.
    photons, background : float
        Mean signal in and outside objects.
    read_noise : float
        Standard deviation of the camera's noise.
    noise_seed : int, optional
        Of the noise alone, to take an image of the same objects once more.

    Returns
    -------
    image : Image
        16-bit intensities.
    truth : Image
        Labels: a voxel belongs to the object that holds its centre.
    objects : list of dict
        Per object the exact `area_um2` or `volume_um3`, and its centre in µm.

    Raises
    ------
    InputError
        When that many objects do not fit.
    """
    from scipy.ndimage import gaussian_filter

    random = np.random.default_rng(seed)
    flat = shape_z == 1
    shape = (shape_y, shape_x) if flat else (shape_z, shape_y, shape_x)
    spacing = (voxel_xy_um,) * 2 if flat else (voxel_z_um, voxel_xy_um, voxel_xy_um)
    blur = (blur_xy_um,) * 2 if flat else (blur_z_um, blur_xy_um, blur_xy_um)
    size = np.array(shape) * spacing
    labels = np.zeros(shape, np.uint32)
    signal = np.zeros(shape, np.float64)
    objects: list[dict] = []
    placed: list[tuple[np.ndarray, float]] = []
    for number in range(1, count + 1):
        axes = np.clip(random.normal(radius_um, radius_spread * radius_um, len(shape)), 0.4, None)
        centre = _free_place(random, size, axes.max() + gap_um / 2, placed, number)
        inside, box = _ellipsoid(centre, axes, _rotation(random, len(shape)), spacing, shape)
        labels[box][inside] = number
        signal[box][inside] = random.normal(1, EDGE_TEXTURE)
        ball = np.pi * axes.prod() * (1 if flat else 4 / 3)
        objects.append(
            {"label": number, ("area_um2" if flat else "volume_um3"): ball}
            | {f"centre_{a}_um": c for a, c in zip("zyx"[-len(shape) :], centre, strict=True)}
        )
    signal = gaussian_filter(signal, np.array(blur) / spacing, mode="constant")
    if noise_seed is not None:
        random = np.random.default_rng([seed, noise_seed])
    noisy = random.poisson(background + photons * np.clip(signal, 0, None))
    noisy = noisy + random.normal(0, read_noise, shape)
    pixels = np.clip(np.round(noisy), 0, 65535).astype(np.uint16)
    grid = Image(pixels, "YX" if flat else "ZYX", spacing, "phantom", ("nuclei",))
    return grid, grid.with_array(labels), objects


PHANTOMS = {"nuclei": nuclei}


def generate(name: str, folder: str | Path, **parameters) -> list[Path]:
    """Write a phantom as ``image.ome.tif``, ``truth.ome.tif`` and ``objects.csv``.

    Parameters
    ----------
    name : str
        A key of :data:`PHANTOMS`.
    folder : str or Path
        Where to write.
    **parameters
        Of the phantom's function.

    Returns
    -------
    list of Path
        What was written.
    """
    image, truth, objects = PHANTOMS[name](**parameters)
    folder = Path(folder)
    paths = [folder / "image.ome.tif", folder / "truth.ome.tif", folder / "objects.csv"]
    images.write(paths[0], [image])
    images.write_labels(paths[1], [truth])
    with open(paths[2], "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, objects[0] if objects else ["label"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(objects)
    return paths


def _free_place(random, size, radius, placed, number) -> np.ndarray:
    """Find a centre whose bounding ball meets no other; objects may leave the image's edge."""
    for _ in range(ATTEMPTS):
        centre = random.uniform(0, size)
        if all(np.linalg.norm(centre - other) >= radius + reach for other, reach in placed):
            placed.append((centre, radius))
            return centre
    raise InputError(
        f"phantom: object {number} finds no room in {ATTEMPTS} attempts; "
        "allowed are fewer or smaller objects, or a larger image"
    )


def _rotation(random, ndim: int) -> np.ndarray:
    """Return a rotation drawn uniformly (QR of a Gaussian matrix)."""
    q, r = np.linalg.qr(random.normal(size=(ndim, ndim)))
    return q * np.sign(np.diag(r))


def _ellipsoid(centre, axes, rotation, spacing, shape):
    """Return which voxel centres lie inside, and the slices of the box that was looked at."""
    start = np.clip(np.floor((centre - axes.max()) / spacing), 0, shape).astype(int)
    stop = np.clip(np.ceil((centre + axes.max()) / spacing) + 1, 0, shape).astype(int)
    box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    grid = np.stack(
        np.meshgrid(*(np.arange(a, b) for a, b in zip(start, stop, strict=True)), indexing="ij"), -1
    )
    local = (grid * np.array(spacing) - centre) @ rotation
    return ((local / axes) ** 2).sum(-1) <= 1, box
