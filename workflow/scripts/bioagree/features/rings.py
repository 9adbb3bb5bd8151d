"""Intensities in the background around each object."""

import numba
import numpy as np

from bioagree.features.objects import Objects
from bioagree.features.voxels import in_parallel

ROUNDING = 1e-6  # relative; a voxel at just the given distance belongs to the ring
GAP = 2**20  # more than there can be runs near one row


def means(objects: Objects, image, starts, voxels, gap_um: float, ring_um: float) -> np.ndarray:
    """Return the mean intensity of the ring around each object.

    The ring holds the background voxels whose centres are more than `gap_um`, and at most
    `gap_um` + `ring_um`, away from the nearest voxel centre of the object. Rings of neighbouring
    objects may overlap.

    Parameters
    ----------
    objects : Objects
    image : float array of the shape of `Objects.numbers`
    starts, voxels : see `bioagree.features.voxels.sorted_voxels`
    gap_um, ring_um : float

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        NaN where the ring has no voxel.
    """
    result = np.empty(len(objects))
    reaches = [_reach(objects, gap_um), _reach(objects, gap_um + ring_um)]
    if gap_um == 0:
        reaches[0] = np.full_like(reaches[0], -1)
    in_parallel(_means, starts, voxels, objects.numbers, image, *reaches, result)
    return result


def _reach(objects: Objects, radius_um: float) -> np.ndarray:
    """Return for steps of dz ≥ 0 and dy ≥ 0 how many voxels a ball reaches along x; -1 for none."""
    step = np.array(objects.spacing_zyx)
    shape = np.array(objects.numbers.shape)
    size = np.minimum(radius_um * (1 + ROUNDING) / step, shape - 1).astype(int)
    z, y = np.ogrid[: size[0] + 1, : size[1] + 1]
    square = (radius_um * (1 + ROUNDING)) ** 2 - (z * step[0]) ** 2 - (y * step[1]) ** 2
    return np.where(square >= 0, np.sqrt(np.maximum(square, 0)) // step[2], -1).astype(np.int64)


@numba.njit(cache=True, nogil=True)
def _means(first, last, starts, voxels, numbers, image, gap, ring, result):
    """Widen the object's runs of voxels into every row that the ring can reach, and add up there.

    Time grows with the number of runs times the rows in reach, not with the object's box.
    """
    n_z, n_y, n_x = numbers.shape
    reach_z, reach_y = ring.shape[0] - 1, ring.shape[1] - 1
    steps = np.zeros(n_x + 1, np.int64)  # by how much more runs cover x than x - 1
    cursor = np.empty(2 * reach_z + 1, np.int64)
    for i in range(first, last):
        lines, line_runs, runs = _runs(voxels[starts[i] : starts[i + 1]], n_x)
        planes = _planes(lines, n_y)
        z_first, z_last = lines[0] // n_y, lines[-1] // n_y
        total, n = 0.0, 0
        for z in range(max(0, z_first - reach_z), min(n_z - 1, z_last + reach_z) + 1):
            for dz in range(-reach_z, reach_z + 1):
                inside = z_first <= z + dz <= z_last
                cursor[dz + reach_z] = planes[z + dz - z_first] if inside else -1
            y = 0
            while y < n_y:
                low, high, y_next = n_x, 0, n_y
                for dz in range(-reach_z, reach_z + 1):
                    k = cursor[dz + reach_z]
                    if k < 0:
                        continue
                    stop = planes[z + dz - z_first + 1]
                    base = (z + dz) * n_y
                    while k < stop and lines[k] - base < y - reach_y:
                        k += 1
                    cursor[dz + reach_z] = k
                    if k < stop:
                        y_next = min(y_next, max(y + 1, lines[k] - base - reach_y))
                    while k < stop and lines[k] - base <= y + reach_y:
                        dy = abs(lines[k] - base - y)
                        widen = ring[abs(dz), dy]
                        spare = -1
                        if abs(dz) < gap.shape[0] and dy < gap.shape[1]:
                            spare = gap[abs(dz), dy]
                        if widen >= 0:
                            for r in range(line_runs[k], line_runs[k + 1]):
                                start = max(0, runs[r, 0] - widen)
                                end = min(n_x, runs[r, 1] + widen)
                                steps[start] += 1
                                steps[end] -= 1
                                low, high = min(low, start), max(high, end)
                                if spare >= 0:
                                    steps[max(0, runs[r, 0] - spare)] -= GAP
                                    steps[min(n_x, runs[r, 1] + spare)] += GAP
                        k += 1
                cover = 0
                for x in range(low, high):
                    cover += steps[x]
                    steps[x] = 0
                    if cover > 0 and numbers[z, y, x] == 0:
                        total += image[z, y, x]
                        n += 1
                if high > 0:
                    steps[high] = 0
                y = y_next
        result[i] = total / n if n else np.nan


@numba.njit(cache=True, nogil=True)
def _runs(members, n_x):
    """Find the rows with voxels (z * n_y + y), where the runs of each begin, and the runs."""
    n_lines, n_runs = 0, 0
    for k in range(len(members)):
        new_line = k == 0 or members[k] // n_x != members[k - 1] // n_x
        n_lines += new_line
        n_runs += new_line or members[k] != members[k - 1] + 1
    lines, line_runs = np.empty(n_lines, np.int64), np.empty(n_lines + 1, np.int64)
    runs = np.empty((n_runs, 2), np.int64)
    n_lines, n_runs = 0, 0
    for k in range(len(members)):
        new_line = k == 0 or members[k] // n_x != members[k - 1] // n_x
        if new_line:
            lines[n_lines], line_runs[n_lines] = members[k] // n_x, n_runs
            n_lines += 1
        if new_line or members[k] != members[k - 1] + 1:
            runs[n_runs, 0] = members[k] % n_x
            n_runs += 1
        runs[n_runs - 1, 1] = members[k] % n_x + 1
    line_runs[n_lines] = n_runs
    return lines, line_runs, runs


@numba.njit(cache=True, nogil=True)
def _planes(lines, n_y):
    """Return where the lines of each plane begin, from the object's first plane to its last."""
    first = lines[0] // n_y
    planes = np.empty(lines[-1] // n_y - first + 2, np.int64)
    plane = 0
    for k in range(len(lines)):
        while plane <= lines[k] // n_y - first:
            planes[plane] = k
            plane += 1
    planes[plane] = len(lines)
    return planes
