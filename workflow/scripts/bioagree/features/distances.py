"""How deep each voxel lies in its object."""

import numba
import numpy as np

from bioagree.features.objects import Objects


def squared_depths(objects: Objects) -> np.ndarray:
    """Return the squared Euclidean distance of each voxel to the nearest one outside its object.

    Distances are between voxel centres. Outside is whatever is not the same object: background,
    a touching object, and what lies beyond the edge of the image. The time grows linearly with the
    number of voxels [1]_.

    Returns
    -------
    numpy.ndarray of float32, shape of `Objects.numbers`
        In µm²; 0 in the background.

    References
    ----------
    .. [1] P. F. Felzenszwalb, D. P. Huttenlocher. Distance transforms of sampled functions.
       Theory of Computing 8, 415-428 (2012). :doi:`10.4086/toc.2012.v008a019`
    """
    z, y, x = objects.spacing_zyx
    depths = np.empty(objects.numbers.shape, np.float32)
    _along_rows(objects.numbers, x, depths)
    _along_columns(objects.numbers, y, depths)
    if objects.ndim == 3:
        _along_columns(objects.numbers.swapaxes(0, 1), z, depths.swapaxes(0, 1))
    return depths


@numba.njit(cache=True, nogil=True)
def _along_rows(numbers, step, depths):
    """Fill in the squared distance to the nearer end of each run of equal numbers."""
    n = numbers.shape[2]
    for z in range(numbers.shape[0]):
        for y in range(numbers.shape[1]):
            start = 0
            while start < n:
                stop = start + 1
                while stop < n and numbers[z, y, stop] == numbers[z, y, start]:
                    stop += 1
                inside = numbers[z, y, start] > 0
                for x in range(start, stop):
                    distance = min(x - start, stop - 1 - x) + 1 if inside else 0
                    depths[z, y, x] = (distance * step) ** 2
                start = stop


@numba.njit(cache=True, nogil=True)
def _along_columns(numbers, step, depths):
    """Replace f(y) by the least f(q) + (distance between y and q)² along the middle axis."""
    n = numbers.shape[1]
    line = np.empty(n + 2)
    centres, limits = np.empty(n + 2, np.int64), np.empty(n + 3)
    for z in range(numbers.shape[0]):
        for x in range(numbers.shape[2]):
            start = 0
            while start < n:
                number = numbers[z, start, x]
                stop = start + 1
                while stop < n and numbers[z, stop, x] == number:
                    stop += 1
                if number:
                    line[0] = line[stop - start + 1] = 0  # the voxels before and behind the run
                    for y in range(start, stop):
                        line[y - start + 1] = depths[z, y, x]
                    _lower_envelope(line, stop - start + 2, step * step, centres, limits)
                    k = 0
                    for y in range(start, stop):
                        q = y - start + 1
                        while limits[k + 1] < q:
                            k += 1
                        depths[z, y, x] = line[centres[k]] + (step * (q - centres[k])) ** 2
                start = stop


@numba.njit(cache=True, nogil=True)
def _lower_envelope(line, n, square, centres, limits):
    """Find the parabolas that are lowest somewhere, and from where to where each is."""
    k = 0
    centres[0] = 0
    limits[0], limits[1] = -np.inf, np.inf
    for q in range(1, n):
        while True:
            p = centres[k]
            crossing = ((line[q] - line[p]) / square + q * q - p * p) / (2 * (q - p))
            if crossing > limits[k]:
                break
            k -= 1
        k += 1
        centres[k] = q
        limits[k], limits[k + 1] = crossing, np.inf
