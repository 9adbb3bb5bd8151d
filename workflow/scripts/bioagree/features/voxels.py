"""The voxels of each object in one list, and small helpers that several groups share."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from bioagree.features.objects import Objects

SHARES = 8  # for each thread, so that none has to wait long for the last one
# Half of the 8 (2D) or 26 (3D) steps to a neighbour: the other half goes the opposite way.
DIRECTIONS = np.array(
    [(z, y, x) for z in (-1, 0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1) if (z, y, x) > (0, 0, 0)]
)


def sorted_voxels(objects: Objects) -> tuple[np.ndarray, np.ndarray]:
    """List the voxels of all objects, object after object.

    Returns
    -------
    starts : numpy.ndarray of int64, shape (n + 1,)
        Where the voxels of object i begin and end: ``voxels[starts[i] : starts[i + 1]]``.
    voxels : numpy.ndarray of int32, or int64 for images of 2³¹ voxels and more
        Positions in the flattened `Objects.numbers`, ascending in each object.
    """
    numbers = objects.numbers.ravel()
    starts = np.zeros(len(objects) + 2, np.int64)
    _count(numbers, starts)
    np.cumsum(starts, out=starts)
    voxels = np.empty(starts[-1], np.int32 if numbers.size < 2**31 else np.int64)
    _fill(numbers, starts, voxels)
    return starts[:-1], voxels


@numba.njit(cache=True, nogil=True)
def _count(numbers, starts):
    for number in numbers:
        if number:
            starts[number + 1] += 1


@numba.njit(cache=True, nogil=True)
def _fill(numbers, starts, voxels):
    """Leave in `starts[i]` where object i + 1 began, which `_count` had one place further."""
    for position in range(numbers.size):
        number = numbers[position]
        if number:
            voxels[starts[number]] = position
            starts[number] += 1


def in_parallel(kernel: Callable, starts: np.ndarray, *arguments) -> None:
    """Call ``kernel(first, last, starts, *arguments)`` for shares of all objects, in threads.

    Shares have about equally many voxels. The kernel must release the GIL; it compiles in a third
    of the time that Numba's own parallel loops take.
    """
    threads = numba.get_num_threads()
    marks = np.linspace(0, starts[-1], SHARES * threads + 1)
    edges = np.unique(np.searchsorted(starts, marks))
    with ThreadPoolExecutor(threads) as pool:
        shares = zip(edges[:-1], edges[1:], strict=True)
        for share in [pool.submit(kernel, *edge, starts, *arguments) for edge in shares]:
            share.result()


def intensities(objects: Objects, channel: str) -> np.ndarray:
    """Return a channel as float32 where that holds every value of its type, else as float64.

    The kernels are then compiled for two types only.
    """
    image = objects.channel(channel)
    return np.ascontiguousarray(image, np.result_type(image.dtype, np.float32))


def centroids(objects: Objects) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of voxels of each object, and its centroid as (z, y, x) in µm."""
    counts = np.zeros(len(objects), np.int64)
    sums = np.zeros((len(objects), 3), np.int64)
    _add_positions(objects.numbers, counts, sums)
    return counts, sums / counts[:, np.newaxis] * objects.spacing_zyx


@numba.njit(cache=True, nogil=True)
def _add_positions(numbers, counts, sums):
    for z in range(numbers.shape[0]):
        for y in range(numbers.shape[1]):
            for x in range(numbers.shape[2]):
                i = numbers[z, y, x] - 1
                if i >= 0:
                    counts[i] += 1
                    sums[i, 0] += z
                    sums[i, 1] += y
                    sums[i, 2] += x
