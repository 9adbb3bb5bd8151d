"""Label images as runs: stretches of equal voxels along x.

A nucleus of 5,000 voxels has 400 runs, so that whatever can be computed from runs costs a tenth of
a walk over the voxels, and its cost depends neither on the background nor on the bounding box.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np

from bioagree.features.threads import share

TABLE = 8  # a look-up table may be so many times as long as there are runs
PARTS = 16  # in which an image is read at most
# (BYTES << 8 k) >> SHIFT is k: the number of the byte in which a single bit is set.
BYTES, SHIFT, ONE = np.uint64(0x0001020304050607), np.uint64(56), np.uint64(1)


@dataclass(frozen=True)
class Scan:
    """The runs of n objects in the order of the image.

    Attributes
    ----------
    first : numpy.ndarray of int64, shape (z * y + 1,)
        A row of the image has the runs ``first[row] … first[row + 1] - 1``.
    owner : numpy.ndarray of int32
        Object of the run, 0 … n - 1.
    start, stop : numpy.ndarray of int32
        First voxel of the run in its row, and the one behind its last.
    n : int
        Number of objects.
    shape : tuple of int
        Shape (z, y, x) of the image.
    """

    first: np.ndarray
    owner: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    n: int
    shape: tuple[int, int, int]

    @cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and x of the first voxel of each object."""
        row, x = np.empty(self.n, np.int64), np.empty(self.n, np.int64)
        _find_first(self.first, self.owner, self.start, row, x)
        return row, x

    @cached_property
    def parts(self) -> np.ndarray:
        """Rows at which to cut the image, so that each part may have a table of all objects.

        This depends on nothing but the image, and so do sums that are added part by part.
        """
        parts = min(max(len(self.owner) // max(8 * self.n, 1), 1), PARTS)
        levels = np.linspace(0, len(self.owner), parts + 1)
        return np.searchsorted(self.first[:-1], levels)

    def share(self, kernel: Callable, *arguments) -> None:
        """Call a kernel for ranges of parts, in threads.

        The kernel gets the first part of the range, the one behind the last, :attr:`parts`, the
        four arrays of runs, and `arguments`.
        """
        work = self.first[self.parts]
        share(kernel, work, self.parts, self.first, self.owner, self.start, self.stop, *arguments)


@dataclass(frozen=True)
class Runs:
    """The runs of n objects, those of an object one after the other in the order of the image.

    Attributes
    ----------
    first : numpy.ndarray of int64, shape (n + 1,)
        Object i has the runs ``first[i] … first[i + 1] - 1``.
    row : numpy.ndarray of int32
        Row of the image, ``z * shape[1] + y``.
    start, stop : numpy.ndarray of int32
        First voxel of the run in its row, and the one behind its last.
    shape : tuple of int
        Shape (z, y, x) of the image.
    """

    first: np.ndarray
    row: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    shape: tuple[int, int, int]

    def share(self, kernel: Callable, *arguments) -> None:
        """Call a kernel for ranges of objects, in threads.

        The kernel gets the first object of the range, the one behind the last, the four arrays
        of runs, and `arguments`.
        """
        share(kernel, self.first, self.first, self.row, self.start, self.stop, *arguments)


@dataclass(frozen=True)
class Moments:
    """Zeroth to second moments of the voxels of n objects, in voxels.

    Attributes
    ----------
    count : numpy.ndarray of int64, shape (n,)
        Number of voxels.
    start, stop : numpy.ndarray of int64, shape (n, 3)
        Bounding box along z, y, x; `stop` is the index behind the last.
    mean : numpy.ndarray of float64, shape (n, 3)
        Mean index along z, y, x.
    covariance : numpy.ndarray of float64, shape (n, 3, 3)
        Mean product of deviations from the mean: divided by the count, and without the extent of
        the voxel itself, so that a single voxel has zeros.
    """

    count: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray


def encode(labels: np.ndarray) -> tuple[np.ndarray, Scan]:
    """Find the objects of a label image and their runs.

    Parameters
    ----------
    labels : numpy.ndarray of int, shape (z, y, x)
        Contiguous. Labels below 1 are background.

    Returns
    -------
    ids : numpy.ndarray of int64
        The labels that occur, ascending.
    Scan
    """
    rows = labels.reshape(-1, labels.shape[-1])
    first = np.zeros(len(rows) + 1, np.int64)
    work = np.arange(len(rows) + 1) * rows.shape[1]
    share(_count, work, rows, first[1:])
    np.cumsum(first, out=first)
    label = np.empty(first[-1], labels.dtype)
    start, stop = np.empty(first[-1], np.int32), np.empty(first[-1], np.int32)
    share(_find, work, rows, first, label, start, stop)
    ids, owner = _number(label)
    return ids, Scan(first, owner, start, stop, len(ids), labels.shape)


def _number(label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels that occur, and for each run the position of its own among them."""
    largest = int(label.max(initial=0))
    if largest > max(TABLE * label.size, np.iinfo(np.uint16).max):
        ids, owner = np.unique(label, return_inverse=True)
        return ids.astype(np.int64), owner.astype(np.int32)
    table = np.zeros(largest + 1, np.int32)
    table[label] = 1
    ids = np.flatnonzero(table)
    table[ids] = np.arange(len(ids))
    return ids, table[label]


def by_object(scan: Scan) -> Runs:
    """Sort runs by object."""
    first = np.zeros(scan.n + 2, np.int64)
    first[2:] = np.cumsum(np.bincount(scan.owner, minlength=scan.n))
    arrays = [np.empty(len(scan.owner), np.int32) for _ in range(3)]
    _sort(scan.first, scan.owner, scan.start, scan.stop, first[1:], *arrays)
    return Runs(first[:-1], *arrays, scan.shape)


def paint(scan: Scan) -> np.ndarray:
    """Return the image in which object i has the value i + 1, in 32 bits."""
    numbers = np.zeros(scan.shape, np.int32)
    scan.share(_paint, numbers.reshape(-1, scan.shape[-1]))
    return numbers


def moments(scan: Scan) -> Moments:
    """Compute the moments of all objects from their runs."""
    rows, x = scan.places
    origin = np.stack([*np.divmod(rows, scan.shape[1]), x], axis=1)
    # Sums of whole numbers, relative to a voxel of the object: exact wherever it lies. One table
    # for everything, since the memory brings neighbours along.
    table = np.zeros((len(scan.parts) - 1, scan.n, 16), np.int64)
    table[:, :, 10:] = np.concatenate([origin, -origin - 1], axis=1)
    scan.share(_sum_moments, scan.shape[1], origin, table)
    sums, boxes = table[:, :, :10].sum(axis=0), table[:, :, 10:].min(axis=0)
    count = sums[:, 0]
    means = sums[:, 1:] / count[:, np.newaxis]
    mean = means[:, :3]
    covariance = np.empty((scan.n, 3, 3))
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    for (i, j), product in zip(pairs, means[:, 3:].T, strict=True):
        covariance[:, i, j] = covariance[:, j, i] = product - mean[:, i] * mean[:, j]
    return Moments(count, boxes[:, :3], -boxes[:, 3:], origin + mean, covariance)


@numba.njit(cache=True, nogil=True)
def _count(low, high, rows, counts):
    for row in range(low, high):
        line = rows[row]
        here, before = line[1:], line[:-1]
        count = np.int64(line.size > 0 and line[0] > 0)
        for x in range(here.size):
            count += (here[x] != before[x]) & (here[x] > 0)
        counts[row] = count


@numba.njit(cache=True, nogil=True)
def _find(low, high, rows, first, label, start, stop):
    ends = np.zeros((rows.shape[1] + 7) // 8 * 8, np.uint8)
    words = ends.view(np.uint64)
    for row in range(low, high):
        place = first[row]
        if place == first[row + 1]:
            continue
        line = rows[row]
        here, before = line[1:], line[:-1]
        for x in range(here.size):
            ends[x] = here[x] != before[x]
        ends[here.size] = 1
        begin = 0
        for index in range(words.size):
            # Eight voxels at once: each that ends a run is a byte of 1, the first one the lowest.
            word = words[index]
            while word:
                x = 8 * index + np.int64((BYTES * (word & (~word + ONE))) >> SHIFT)
                word &= word - ONE
                if line[begin] > 0:
                    label[place] = line[begin]
                    start[place] = begin
                    stop[place] = x + 1
                    place += 1
                begin = x + 1


@numba.njit(cache=True, nogil=True)
def _find_first(first, owner, start, out_row, out_x):
    for row in range(len(first) - 2, -1, -1):
        for run in range(first[row + 1] - 1, first[row] - 1, -1):
            out_row[owner[run]] = row
            out_x[owner[run]] = start[run]


@numba.njit(cache=True, nogil=True)
def _sort(first, owner, start, stop, places, out_row, out_start, out_stop):
    """Write each run to the place of its object, in the order of the image."""
    for row in range(len(first) - 1):
        for run in range(first[row], first[row + 1]):
            place = places[owner[run]]
            places[owner[run]] += 1
            out_row[place] = row
            out_start[place] = start[run]
            out_stop[place] = stop[run]


@numba.njit(cache=True, nogil=True)
def _paint(low, high, parts, first, owner, start, stop, numbers):
    for row in range(parts[low], parts[high]):
        for run in range(first[row], first[row + 1]):
            numbers[row, start[run] : stop[run]] = owner[run] + 1


@numba.njit(cache=True, nogil=True)
def _sum_moments(low, high, parts, first, owner, start, stop, height, origin, table):
    """Add up moments, and find the smallest z, y, x and -z, -y, -x."""
    for part in range(low, high):
        for row in range(parts[part], parts[part + 1]):
            z, y = row // height, row % height
            for run in range(first[row], first[row + 1]):
                index = owner[run]
                dz, dy = z - origin[index, 0], y - origin[index, 1]
                a, b = start[run] - origin[index, 2], stop[run] - origin[index, 2]
                n = b - a
                sum_x = n * (a + b - 1) // 2
                table[part, index, 0] += n
                table[part, index, 1] += n * dz
                table[part, index, 2] += n * dy
                table[part, index, 3] += sum_x
                table[part, index, 4] += n * dz * dz
                table[part, index, 5] += n * dz * dy
                table[part, index, 6] += dz * sum_x
                table[part, index, 7] += n * dy * dy
                table[part, index, 8] += dy * sum_x
                table[part, index, 9] += n * a * (b - 1) + (n - 1) * n * (2 * n - 1) // 6
                table[part, index, 10] = min(table[part, index, 10], z)
                table[part, index, 11] = min(table[part, index, 11], y)
                table[part, index, 12] = min(table[part, index, 12], start[run])
                table[part, index, 13] = min(table[part, index, 13], -z - 1)
                table[part, index, 14] = min(table[part, index, 14], -y - 1)
                table[part, index, 15] = min(table[part, index, 15], -stop[run])
