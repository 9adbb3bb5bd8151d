"""Colocalisation of every two channels, object by object."""

from itertools import combinations

import numba
import numpy as np

from bioagree import colocalisation
from bioagree.features.objects import Objects
from bioagree.tables import Columns


def measure(objects: Objects, *, background_percent: float = 1.0) -> Columns:
    """Measure how every two channels go together in each object.

    Parameters
    ----------
    objects : Objects
    background_percent : float
        Percentile of a channel in the whole image that is taken off as background.

    Returns
    -------
    dict of str to numpy.ndarray
        Five columns for every two channels, in the order of the channels.
    """
    columns: Columns = {}
    for first, second in combinations(objects.channels, 2):
        found = _measure_pair(objects, first, second, background_percent)
        columns |= {f"{name}_{first}_{second}": values for name, values in found.items()}
    return columns


def _measure_pair(objects: Objects, first: str, second: str, percent: float) -> Columns:
    numbers = objects.numbers
    images = objects.channel(first), objects.channel(second)
    none = np.array([colocalisation.background(image, percent) for image in images])
    inside = numbers > 0
    shares = [image[inside] - low for image, low in zip(images, none, strict=True)]
    thresholds = np.array(colocalisation.costes_thresholds(*shares))
    del shares, inside
    totals = np.zeros((len(objects) + 1, 3))
    centred = np.zeros((len(objects) + 1, 4))
    above = np.zeros((len(objects) + 1, 7))
    for plane in _planes(numbers, images):
        _add_totals(*plane, totals)
    means = totals[:, 1:] / np.maximum(totals[:, :1], 1)
    for plane in _planes(numbers, images):
        _add_products(*plane, means, none, thresholds, centred, above)
    aa, bb, ab, same = centred[1:].T
    sum_a, sum_b, square_a, square_b, product, a_where_b, b_where_a = above[1:].T
    if np.isnan(thresholds).any():
        a_where_b, b_where_a = np.full((2, len(objects)), np.nan)
    return {
        "pearson": _ratio(ab, np.sqrt(aa * bb)),
        "overlap_coefficient": _ratio(product, np.sqrt(square_a * square_b)),
        "manders_m1": _ratio(a_where_b, sum_a),
        "manders_m2": _ratio(b_where_a, sum_b),
        "correlation_quotient": same / totals[1:, 0] - 0.5,
    }


def _planes(numbers: np.ndarray, images):
    """Yield numbers and intensities plane by plane, since whole copies would fill the memory."""
    for plane, a, b in zip(numbers, *images, strict=True):
        yield np.ascontiguousarray(plane), a.astype(np.float64), b.astype(np.float64)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide; NaN where the divisor is 0."""
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)


@numba.njit(cache=True, nogil=True)
def _add_totals(numbers, a, b, totals):
    """Add the number of voxels and both sums of one plane."""
    for y in range(numbers.shape[0]):
        for x in range(numbers.shape[1]):
            i = numbers[y, x]
            totals[i, 0] += 1
            totals[i, 1] += a[y, x]
            totals[i, 2] += b[y, x]


@numba.njit(cache=True, nogil=True)
def _add_products(numbers, a, b, means, none, thresholds, centred, above):
    """Add the centred products of one plane, and those of what is above the background."""
    for y in range(numbers.shape[0]):
        for x in range(numbers.shape[1]):
            i = numbers[y, x]
            da, db = a[y, x] - means[i, 0], b[y, x] - means[i, 1]
            centred[i, 0] += da * da
            centred[i, 1] += db * db
            centred[i, 2] += da * db
            centred[i, 3] += da * db > 0
            pa, pb = max(a[y, x] - none[0], 0.0), max(b[y, x] - none[1], 0.0)
            above[i, 0] += pa
            above[i, 1] += pb
            above[i, 2] += pa * pa
            above[i, 3] += pb * pb
            above[i, 4] += pa * pb
            if pb > thresholds[1]:
                above[i, 5] += pa
            if pa > thresholds[0]:
                above[i, 6] += pb
