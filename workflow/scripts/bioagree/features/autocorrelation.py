"""Moran's I and Geary's C: are near voxels alike, with weights of one over their distance?

Both are sums over all pairs of voxels. A small object has few pairs; for a large one the sums over
all other voxels are a convolution of its box, done by Fourier transform.
"""

import math

import numba
import numpy as np

from bioagree.features.objects import Objects

PAIRS = 50  # a Fourier transform costs as much as so many pairs for each voxel of the padded box


def moran_and_geary(objects: Objects, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure spatial autocorrelation.

    Parameters
    ----------
    objects : Objects
    image : numpy.ndarray, shape (rows, x)
        Intensities.

    Returns
    -------
    moran, geary : numpy.ndarray of float64, shape (n,)
        IBSI [N365] and [NPT7]; NaN where an object has a single voxel or is constant.
    """
    runs, moments = objects.runs, objects.moments
    spacing = np.array(objects.spacing_zyx)
    moran, geary = np.full(len(objects), np.nan), np.full(len(objects), np.nan)
    for i in range(len(objects)):
        part = slice(runs.first[i], runs.first[i + 1])
        places = voxels(runs.row[part], runs.start[part], runs.stop[part])
        values = image[places[:, 0], places[:, 1]].astype(float)
        values -= values.mean()
        squares = values @ values
        if not squares > 0:
            continue
        box = moments.stop[i] - moments.start[i]
        places = np.stack([*np.divmod(places[:, 0], runs.shape[1]), places[:, 1]], axis=1)
        places -= moments.start[i]
        if len(values) ** 2 <= PAIRS * math.prod(2 * box):
            near, weights = _sum_pairs(places * spacing, values)
        else:
            near, weights = _convolve(places, values, box, spacing)
        # Σ w (a − b)² = Σ w a² + Σ w b² − 2 Σ w a b
        total, n = weights.sum(), len(values)
        moran[i] = n / total * (values @ near) / squares
        geary[i] = (n - 1) / total * (values**2 @ weights - values @ near) / squares
    return moran, geary


@numba.njit(cache=True, nogil=True)
def voxels(row, start, stop):
    """Return the voxels of an object's runs as (row, x)."""
    places = np.empty((np.sum(stop - start), 2), np.int64)
    n = 0
    for run in range(len(row)):
        for x in range(start[run], stop[run]):
            places[n, 0], places[n, 1] = row[run], x
            n += 1
    return places


@numba.njit(cache=True, nogil=True)
def _sum_pairs(places, values):
    """Return the weighted sum of the other voxels' values, and the sum of weights, of each."""
    near, weights = np.zeros(values.size), np.zeros(values.size)
    for i in range(values.size):
        for j in range(i):
            square = 0.0
            for axis in range(3):
                square += (places[i, axis] - places[j, axis]) ** 2
            weight = 1 / np.sqrt(square)
            near[i] += weight * values[j]
            near[j] += weight * values[i]
            weights[i] += weight
            weights[j] += weight
    return near, weights


def _convolve(places, values, box, spacing):
    """Do the same with Fourier transforms of the box."""
    from scipy import fft

    shape = [fft.next_fast_len(int(2 * size - 1), real=True) for size in box]
    steps = [np.minimum(np.arange(n), n - np.arange(n)) for n in shape]
    steps = [step * size for step, size in zip(steps, spacing, strict=True)]
    distance = np.sqrt(sum(np.square(step) for step in np.ix_(*steps)))
    distance[0, 0, 0] = np.inf
    kernel = fft.rfftn(1 / distance)
    results = []
    for content in (values, np.ones_like(values)):
        grid = np.zeros(shape)
        grid[tuple(places.T)] = content
        results.append(fft.irfftn(fft.rfftn(grid) * kernel, shape)[tuple(places.T)])
    return results
