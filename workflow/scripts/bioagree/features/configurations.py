"""Sums over the 2 × 2 × 2 neighbourhoods of each object, for anything local.

Around every corner of a voxel there are eight voxels, each inside the object or not: 256
configurations. Surface area, Euler number, and the area and volume of a marching-cubes mesh are
sums of a value per configuration; here all are added in one pass over the runs.
"""

import numba
import numpy as np

from bioagree.features.runs import Runs

# Offset (z, y, x) of each of the eight voxels from the first; voxel i has the bit 1 << i.
OFFSETS = np.array([(z, y, x) for x in (0, 1) for z in (0, 1) for y in (0, 1)])
# Whether each configuration has each voxel, with the shape (256, z, y, x).
INSIDE = np.zeros((256, 2, 2, 2), bool)
for _bit, _offset in enumerate(OFFSETS):
    INSIDE[(slice(None), *_offset)] = np.arange(256) >> _bit & 1


def add_up(runs: Runs, values: np.ndarray) -> np.ndarray:
    """Add the values of all neighbourhoods of each object; outside the image is background.

    Parameters
    ----------
    runs : Runs
    values : numpy.ndarray of float, shape (256, k)
        Of each configuration; all background must be 0.

    Returns
    -------
    numpy.ndarray of float64, shape (n, k)
    """
    sums = np.zeros((len(runs.first) - 1, values.shape[1]))
    values = np.ascontiguousarray(values, float)
    runs.share(_add_up, runs.shape[1], values, sums)
    return sums


@numba.njit(cache=True, nogil=True)
def _add_up(low, high, first, row, start, stop, height, values, sums):
    for index in range(low, high):
        histogram = np.zeros(256, np.int64)
        _count(first[index], first[index + 1], row, start, stop, height, histogram)
        for configuration in range(1, 256):
            if histogram[configuration]:
                for k in range(values.shape[1]):
                    sums[index, k] += histogram[configuration] * values[configuration, k]


@numba.njit(cache=True, nogil=True)
def _count(begin, end, row, start, stop, height, histogram):
    """Count the configurations of one object.

    The corners with the same z and y lie between four rows of voxels. Each of these four walks
    through the runs of the object, and the corners of a line are visited where one of the rows
    begins or ends a run; in between nothing changes.
    """
    width = height + 1  # of a layer of corners, so that y + 1 is never the next layer
    # A row of voxels takes part in four lines of corners: as the last, …, as the first.
    shifts = (width + 1, width, 1, 0)
    run = np.full(4, begin)
    key = np.empty(4, np.int64)
    place = row[begin] + row[begin] // height
    for k in range(4):
        key[k] = place + shifts[k]
    none = np.iinfo(np.int64).max
    stops = np.empty(4, np.int64)
    edge = np.empty(4, np.int64)
    while True:
        line = min(min(key[0], key[1]), min(key[2], key[3]))
        if line == none:
            break
        for k in range(4):
            stops[k] = run[k]
            edge[k] = none
            if key[k] == line:
                edge[k] = start[run[k]]
                last = row[run[k]]
                while stops[k] < end and row[stops[k]] == last:
                    stops[k] += 1
                if stops[k] < end:
                    key[k] = row[stops[k]] + row[stops[k]] // height + shifts[k]
                else:
                    key[k] = none
        before, x = 0, np.int64(0)
        while True:
            here = min(min(edge[0], edge[1]), min(edge[2], edge[3]))
            if here == none:
                break
            if before:
                histogram[before | before << 4] += here - x - 1
            after = before
            for k in range(4):
                if edge[k] == here:
                    after ^= 1 << k
                    if after >> k & 1:
                        edge[k] = stop[run[k]]
                    else:
                        run[k] += 1
                        edge[k] = start[run[k]] if run[k] < stops[k] else none
            histogram[before | after << 4] += 1
            before, x = after, here
