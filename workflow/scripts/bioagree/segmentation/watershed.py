"""Watershed segmenters on scikit-image and SciPy (CPU rules)."""

import numpy as np

from bioagree.images import Image
from bioagree.parameters import in_voxels


def distance_watershed(image: Image, *, seed_distance_um: float) -> np.ndarray:
    """Threshold by Otsu's method and split the foreground along its necks.

    Parameters
    ----------
    image : Image
        One channel, one time point.
    seed_distance_um : float
        Least distance between two seeds, in µm; about an object's radius. Larger joins
        neighbours, smaller splits objects.

    Returns
    -------
    numpy.ndarray
        Labels.

    References
    ----------
    Beucher S, Lantuéjoul C. Use of watersheds in contour detection. Int Workshop on Image
    Processing, Rennes (1979).
    """
    from skimage.filters import threshold_otsu

    return _split(image.array > threshold_otsu(image.array), image.spacing, seed_distance_um)


def local_threshold_watershed(
    image: Image, *, window_um: float, seed_distance_um: float, offset_sd: float = 0.0
) -> np.ndarray:
    """Compare each voxel with its neighbourhood's mean, then split along the necks.

    A voxel is foreground when it exceeds both the Gaussian-weighted mean around it and the
    image's triangle threshold, which keeps empty regions empty.

    Parameters
    ----------
    image : Image
        One channel, one time point.
    window_um : float
        Standard deviation of the neighbourhood, in µm; about an object's diameter.
    seed_distance_um : float
        Least distance between two seeds, in µm; about an object's radius.
    offset_sd : float
        Added to the local mean, in standard deviations of the image.

    Returns
    -------
    numpy.ndarray
        Labels.

    References
    ----------
    Zack GW, Rogers WE, Latt SA. Automatic measurement of sister chromatid exchange frequency.
    J Histochem Cytochem 25, 741-753 (1977).
    """
    from scipy.ndimage import gaussian_filter
    from skimage.filters import threshold_triangle

    array = image.array.astype("float32", copy=False)
    local = gaussian_filter(array, in_voxels(window_um, image.spacing), mode="nearest")
    foreground = (array > local + offset_sd * array.std()) & (array > threshold_triangle(array))
    return _split(foreground, image.spacing, seed_distance_um)


def _split(foreground: np.ndarray, spacing, seed_distance_um: float) -> np.ndarray:
    """Flood the foreground from the maxima of its distance to the background, in µm."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter, maximum_filter
    from skimage.segmentation import watershed

    distance = distance_transform_edt(foreground, sampling=spacing).astype("float32")
    # A digital disc has many equal maxima; a blur of a voxel leaves one.
    distance = gaussian_filter(distance, 1.0) * foreground
    peaks = np.argwhere((distance == maximum_filter(distance, 3)) & foreground)
    peaks = peaks[np.argsort(-distance[tuple(peaks.T)], kind="stable")]
    peaks = peaks[_apart(peaks * spacing, seed_distance_um)]
    seeds = np.zeros(foreground.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return watershed(-distance, seeds, mask=foreground)


def _apart(places: np.ndarray, distance: float) -> np.ndarray:
    """Say which places to keep so that none is nearer than `distance` to one before it."""
    from scipy.spatial import cKDTree

    keep = np.ones(len(places), bool)
    if not len(places):
        return keep
    neighbours = cKDTree(places).query_ball_point(places, distance)
    for index, near in enumerate(neighbours):
        if keep[index]:
            keep[[other for other in near if other > index]] = False
    return keep
