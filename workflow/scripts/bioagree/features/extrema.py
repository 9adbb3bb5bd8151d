"""Local maxima and minima that stand out: connected plateaus of the h-maxima and h-minima."""

import numba
import numpy as np

from bioagree.features.objects import Objects
from bioagree.features.voxels import DIRECTIONS, in_parallel

SAMPLES = 2**20
# Standard deviation over median absolute value of a normal distribution, 1 / Phi^-1(3/4).
MEDIAN_TO_SD = 1.482602218505602


def count(objects: Objects, image, starts, voxels, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Count the maxima and the minima of each object.

    Parameters
    ----------
    objects : Objects
    image : float array of the shape of `Objects.numbers`
    starts, voxels : see `bioagree.features.voxels.sorted_voxels`
    height : float
        How far one must at least go down (up) from a maximum (minimum) to reach one that is higher
        (lower); of those that are equally high all but one count by the same rule. With 0 every
        plateau counts that has only lower (higher) neighbours.

    Returns
    -------
    maxima, minima : numpy.ndarray of int64, shape (n,)
        At least 1, as the highest voxel of each connected piece counts.

    Notes
    -----
    Voxels outside the object play no part; neighbours are the 8 (2D) or 26 (3D) adjacent voxels.
    Voxels are added from the highest to the lowest, while sets of connected ones are joined. When
    two sets meet, the lower of their maxima ends: it is that high above the meeting point. The
    h-maxima of Soille [1]_ leave out maxima of exactly that height, too.

    References
    ----------
    .. [1] P. Soille. Morphological Image Analysis. 2nd ed., Springer (2003), chapter 6.
       :doi:`10.1007/978-3-662-05088-0`
    """
    found = np.empty((2, len(objects)), np.int64)
    around = np.concatenate([DIRECTIONS, -DIRECTIONS])
    if len(image) == 1:
        around = around[around[:, 0] == 0]
    parent = np.empty(image.size, voxels.dtype)
    images = objects.numbers, image
    in_parallel(_count, starts, voxels, *images, around, height, parent, found)
    return found[1], found[0]


@numba.njit(cache=True, nogil=True)
def _count(first, last, starts, voxels, numbers, image, around, height, parent, found):
    for i in range(first, last):
        members = voxels[starts[i] : starts[i + 1]]
        values = np.empty(len(members), image.dtype)
        for k in range(len(members)):
            values[k] = image.ravel()[members[k]]
        members = members[np.argsort(values)]
        for k in range(2):  # minima from the lowest voxel on, then maxima from the highest
            found[k, i] = _flood(members, 1 - 2 * k, numbers, image, around, height, parent)
            members = members[::-1].copy()


@numba.njit(cache=True, nogil=True)
def _flood(members, sign, numbers, image, around, height, parent):
    """Count the minima of ``sign * image``, the members being in the order of that."""
    n_z, n_y, n_x = numbers.shape
    flat_numbers, flat = numbers.ravel(), image.ravel()
    shifts = (around[:, 0] * n_y + around[:, 1]) * n_x + around[:, 2]
    number = flat_numbers[members[0]]
    for voxel in members:
        parent[voxel] = -1
    found = 0
    for voxel in members:
        row = voxel // n_x
        z, x = row // n_y, voxel - row * n_x
        y = row - z * n_y
        inner = 0 < z < n_z - 1 and 0 < y < n_y - 1 and 0 < x < n_x - 1
        level = sign * np.float64(flat[voxel])
        root = voxel
        parent[voxel] = voxel
        found += 1
        for k in range(len(around)):
            if not inner and not (
                0 <= z + around[k, 0] < n_z
                and 0 <= y + around[k, 1] < n_y
                and 0 <= x + around[k, 2] < n_x
            ):
                continue
            other = voxel + shifts[k]
            if flat_numbers[other] != number or parent[other] < 0:
                continue
            while parent[other] != other:
                parent[other] = parent[parent[other]]
                other = parent[other]
            if other == root:
                continue
            ends = root
            if sign * flat[other] > sign * flat[root]:
                ends, other = other, root
            depth = level - sign * np.float64(flat[ends])
            if depth <= 0 or depth < height:
                found -= 1
            parent[ends] = other
            root = other
    return found


def noise(objects: Objects, image: np.ndarray) -> float:
    """Estimate the standard deviation of the noise inside objects.

    From the median absolute second difference along x, which smooth structures change little;
    exact for independent normal noise. 0 without any three voxels in a row.
    """
    differences = np.empty(SAMPLES, np.float64)
    triples = _second_differences(objects.numbers, image, 1, differences[:0])
    every = max(1, -(-triples // SAMPLES))
    n = _second_differences(objects.numbers, image, every, differences)
    found = differences[: min(SAMPLES, -(-n // every))]
    return float(np.median(found)) * MEDIAN_TO_SD / np.sqrt(6) if len(found) else 0.0


@numba.njit(cache=True, nogil=True)
def _second_differences(numbers, image, every, differences):
    """Store the absolute second differences, one out of `every`, and return how many there are."""
    n = 0
    for z in range(numbers.shape[0]):
        for y in range(numbers.shape[1]):
            for x in range(1, numbers.shape[2] - 1):
                here = numbers[z, y, x]
                if here and numbers[z, y, x - 1] == here and numbers[z, y, x + 1] == here:
                    if len(differences) and n % every == 0:
                        a, b, c = image[z, y, x - 1], image[z, y, x], image[z, y, x + 1]
                        differences[n // every] = abs(np.float64(a) - 2 * np.float64(b) + c)
                    n += 1
    return n
