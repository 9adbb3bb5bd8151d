"""Otsu-based segmenters on pyclesperanto's kernels (GPU rules)."""

import numpy as np

from bioagree import device
from bioagree.images import Image
from bioagree.parameters import in_voxels

# Growing regions counts voxel steps. Up to this ratio of voxel edges the error stays below the
# spread between annotators; beyond it the image is resampled to cubes first.
ISOTROPIC_ENOUGH = 1.5


def gauss_otsu(image: Image, *, sigma_um: float) -> np.ndarray:
    """Blur, threshold by Otsu's method, and label what is connected.

    Parameters
    ----------
    image : Image
        One channel, one time point.
    sigma_um : float
        Standard deviation of the blur, in µm; larger smooths outlines and joins fragments.

    Returns
    -------
    numpy.ndarray
        Labels; objects that touch share one.

    References
    ----------
    Otsu N. A threshold selection method from gray-level histograms.
    IEEE Trans Syst Man Cybern 9, 62-66 (1979).
    """
    cle = device.kernels()
    blurred = _blur(image.array, sigma_um, image.spacing)
    return cle.pull(cle.connected_component_labeling(cle.threshold_otsu(blurred)))


def voronoi_otsu(image: Image, *, spot_sigma_um: float, outline_sigma_um: float) -> np.ndarray:
    """Find one seed per object and grow the seeds over the Otsu foreground until they meet.

    Parameters
    ----------
    image : Image
        One channel, one time point.
    spot_sigma_um : float
        Blur before looking for seeds, in µm; about a third of an object's radius. Larger joins
        neighbours, smaller splits objects.
    outline_sigma_um : float
        Blur before thresholding, in µm; larger smooths outlines.

    Returns
    -------
    numpy.ndarray
        Labels; objects that touch are divided half-way between their seeds.

    Notes
    -----
    The steps are those of clesperanto's `voronoi_otsu_labeling`, with the blur following the
    voxel size. Voxels longer than 1.5 times another edge are resampled to cubes before growing.
    """
    cle = device.kernels()
    array, spacing = cle.push(image.array.astype("float32", copy=False)), image.spacing
    if max(spacing) > ISOTROPIC_ENOUGH * min(spacing):
        array, spacing = _to_cubes(array, spacing)
    seeds = cle.detect_maxima(_blur(array, spot_sigma_um, spacing), connectivity="box")
    foreground = cle.threshold_otsu(_blur(array, outline_sigma_um, spacing))
    seeds = cle.binary_and(seeds, foreground)
    labels = cle.pull(cle.masked_voronoi_labeling(seeds, foreground))
    return _from_cubes(labels, image.array.shape)


def _blur(array, sigma_um: float, spacing):
    sigma = dict(zip("xyz", reversed(in_voxels(sigma_um, spacing)), strict=False))
    return device.kernels().gaussian_blur(array, **{f"sigma_{a}": s for a, s in sigma.items()})


def _to_cubes(array, spacing):
    """Resample to cubes with the shortest edge, by linear interpolation."""
    edge = min(spacing)
    factors = dict(zip("xyz", (step / edge for step in reversed(spacing)), strict=False))
    scaled = device.kernels().scale(
        array,
        **{f"factor_{axis}": factor for axis, factor in factors.items()},
        interpolate=True,
        resize=True,
    )
    return scaled, (edge,) * len(spacing)


def _from_cubes(labels: np.ndarray, shape) -> np.ndarray:
    """Take the label at the centre of each original voxel."""
    for axis, size in enumerate(shape):
        if labels.shape[axis] != size:
            centres = (np.arange(size) + 0.5) * labels.shape[axis] / size
            labels = labels.take(centres.astype(int), axis=axis)
    return labels
