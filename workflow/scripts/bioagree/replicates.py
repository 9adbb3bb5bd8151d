"""A sample once more, under a change that should not matter: noise, a shift, or nothing at all."""

import math
from dataclasses import replace

import numpy as np

from bioagree import phantoms
from bioagree.errors import InputError
from bioagree.images import Image

SHIFT_VOXELS = 0.5  # no grid is further from another


def perturb(
    image: Image, change: str, seed: int, amount: float | None = None
) -> tuple[Image, dict]:
    """Return an image as it would look if it had been taken again.

    Parameters
    ----------
    image : Image
        Raw intensities.
    change : {"noise", "shift", "device"}
        `noise` adds normal noise to every voxel. `shift` moves the image by a distance drawn
        uniformly along each axis, with cubic splines in between voxels and the outermost voxels
        repeated. `device` changes nothing: the same image is processed elsewhere.
    seed : int
        Of this replicate; every image has a random stream of its own, by its name.
    amount : float, optional
        Standard deviation of the noise in grey values, else the image's own, as :func:`noise_of`
        estimates it; or the largest shift in voxels, else half a voxel.

    Returns
    -------
    Image
        Of the same type and grid.
    dict
        What was done: `image` and `noise_sd`, or `shift_voxels`.

    Notes
    -----
    Noise comes on top of the noise that a real image has, so that its standard deviation grows by
    a factor of √2 where the amount is estimated: repeatability is slightly underrated, never
    overrated.
    """
    random = np.random.default_rng([seed, *image.name.encode()])
    if change == "device":
        return image, {"image": image.name}
    if change == "noise":
        sd = noise_of(image) if amount is None else amount
        noisy = image.array + random.normal(0, 1, image.array.shape) * sd
        return _like(image, noisy), {"image": image.name, "noise_sd": np.ravel(sd).tolist()}
    if change == "shift":
        largest = SHIFT_VOXELS if amount is None else amount
        shift = random.uniform(-largest, largest, image.ndim)
        moved = _like(image, _shift(image, shift))
        return moved, {"image": image.name, "shift_voxels": shift.tolist()}
    raise InputError(f"change {change!r} is unknown; allowed are noise, shift and device")


def again(dataset: dict, seed: int, name: str) -> tuple[Image, dict] | None:
    """Take a phantom's image again, with fresh noise; None when the dataset is not a phantom.

    Parameters
    ----------
    dataset : dict
        With its `files`, if they are fetched.
    seed : int
        Of the noise.
    name : str
        What the image is called.
    """
    for entry in dataset.get("files", ()):
        scheme, _, kind = entry["url"].partition(":")
        if scheme == "phantom":
            image, _, _ = phantoms.PHANTOMS[kind](**entry["parameters"], noise_seed=seed)
            return replace(image, name=name), {"image": name, "noise_seed": seed}
    return None


def noise_of(image: Image) -> np.ndarray:
    """Estimate the standard deviation of an image's noise.

    Parameters
    ----------
    image : Image
        Raw intensities.

    Returns
    -------
    numpy.ndarray
        In grey values, one for each time point, channel and slice; broadcasts over the image.

    Notes
    -----
    The image is convolved with the difference of two Laplacians, which structures with straight
    edges hardly excite; then sqrt(pi/2)/6 of the mean absolute response is the standard deviation
    of normal noise: Immerkær, Computer Vision and Image Understanding 64, 300-302 (1996).
    """
    from scipy.ndimage import convolve

    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], float)
    planes = image.array.astype(float)
    response = convolve(planes, kernel.reshape((1,) * (planes.ndim - 2) + (3, 3)))
    inner = response[..., 1:-1, 1:-1] if min(planes.shape[-2:]) > 2 else response
    return math.sqrt(math.pi / 2) / 6 * np.abs(inner).mean(axis=(-2, -1), keepdims=True)


def _shift(image: Image, voxels: np.ndarray) -> np.ndarray:
    from scipy.ndimage import shift

    whole = [0.0] * (image.array.ndim - image.ndim)
    return shift(image.array.astype(float), [*whole, *voxels], order=3, mode="nearest")


def _like(image: Image, values: np.ndarray) -> Image:
    """Return values on the image's grid, in its type."""
    kind = image.array.dtype
    if kind.kind in "ui":
        limits = np.iinfo(kind)
        values = np.clip(np.round(values), limits.min, limits.max)
    return image.with_array(values.astype(kind), image.channels)
