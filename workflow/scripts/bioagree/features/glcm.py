"""Grey level co-occurrence matrices of all objects, and the 25 IBSI features of each matrix.

A matrix is kept as counts of unordered pairs of the grey levels that occur in the object, with a
list of the cells in use. Time then grows with the number of voxels, not with the square of the
number of grey levels.
"""

import numba
import numpy as np

NAMES = (
    "joint_maximum",
    "joint_average",
    "joint_variance",
    "joint_entropy",
    "difference_average",
    "difference_variance",
    "difference_entropy",
    "sum_average",
    "sum_variance",
    "sum_entropy",
    "angular_second_moment",
    "contrast",
    "dissimilarity",
    "inverse_absolute_difference",
    "normalised_inverse_absolute_difference",
    "inverse_difference_moment",
    "normalised_inverse_difference_moment",
    "inverse_variance",
    "correlation",
    "autocorrelation",
    "cluster_tendency",
    "cluster_shade",
    "cluster_prominence",
    "information_correlation_1",
    "information_correlation_2",
)
HIGHEST_LEVEL = 256  # levels are held as 8-bit integers, one less than their number


@numba.njit(cache=True, nogil=True)
def measure(first, last, starts, voxels, numbers, levels, steps, averaged, merged):
    """Fill in the features of objects `first` to `last` - 1.

    Parameters
    ----------
    first, last : int
    starts, voxels : see `bioagree.features.voxels.sorted_voxels`
    numbers : int32 array of shape (z, y, x)
        Object i as i + 1.
    levels : uint8 array of shape (z, y, x)
        Grey level minus 1.
    steps : int64 array of shape (d, 3)
        Directions, as voxel steps; the opposite ones are counted with them.
    averaged, merged : float64 arrays of shape (n, 25), output
        Mean over directions of the features of each direction's matrix, and features of the sum
        of all matrices. NaN where nothing is defined.
    """
    for i in range(first, last):
        members = voxels[starts[i] : starts[i + 1]]
        present, index = _levels_of(members, levels.ravel())
        counts = np.zeros((len(present), len(present)), np.int64)
        totals = np.zeros((len(present), len(present)), np.int64)
        most = min(len(members), counts.size)
        cells, all_cells = np.empty((most, 2), np.int64), np.empty((counts.size, 2), np.int64)
        n_all_cells = 0
        values, sums, defined = np.empty(25), np.zeros(25), np.zeros(25)
        for step in steps:
            n_cells = _count_pairs(numbers, levels, members, step, index, counts, cells)
            for k in range(n_cells):
                a, b = cells[k, 0], cells[k, 1]
                if totals[a, b] == 0:
                    all_cells[n_all_cells, 0], all_cells[n_all_cells, 1] = a, b
                    n_all_cells += 1
                totals[a, b] += counts[a, b]
            if n_cells > 0:
                _features(counts, cells[:n_cells], present, values)
                for k in range(25):
                    if not np.isnan(values[k]):
                        sums[k] += values[k]
                        defined[k] += 1
        for k in range(25):
            averaged[i, k] = sums[k] / defined[k] if defined[k] else np.nan
        _features(totals, all_cells[:n_all_cells], present, merged[i])


@numba.njit(cache=True, nogil=True)
def _levels_of(members, levels):
    """Return the grey levels of an object, ascending, and the place of each level in that list."""
    index = np.zeros(HIGHEST_LEVEL, np.int64)
    for voxel in members:
        index[levels[voxel]] = 1
    present = np.empty(index.sum(), np.int64)
    n = 0
    for level in range(HIGHEST_LEVEL):
        if index[level]:
            present[n] = level + 1
            index[level] = n
            n += 1
    return present, index


@numba.njit(cache=True, nogil=True)
def _count_pairs(numbers, levels, members, step, index, counts, cells):
    """Count the pairs of one direction and return how many `cells` of the upper triangle hold any.

    `counts` must be zero but where `_features` clears it.
    """
    n_z, n_y, n_x = numbers.shape
    flat_numbers, flat_levels = numbers.ravel(), levels.ravel()
    shift = (step[0] * n_y + step[1]) * n_x + step[2]
    number = flat_numbers[members[0]]
    n_cells = 0
    row_stop = 0
    inside = False
    for voxel in members:
        if voxel >= row_stop:  # members ascend, so that one division serves a whole row
            row = voxel // n_x
            z, y = row // n_y + step[0], row % n_y + step[1]
            inside = 0 <= z < n_z and 0 <= y < n_y
            row_stop = (row + 1) * n_x
        if not (inside and 0 <= n_x + voxel - row_stop + step[2] < n_x):
            continue
        other = voxel + shift
        if flat_numbers[other] != number:
            continue
        one, two = index[flat_levels[voxel]], index[flat_levels[other]]
        a, b = min(one, two), max(one, two)
        if counts[a, b] == 0:
            cells[n_cells, 0], cells[n_cells, 1] = a, b
            n_cells += 1
        counts[a, b] += 1
    return n_cells


@numba.njit(cache=True, nogil=True)
def _features(counts, cells, present, values):
    """Fill in the 25 features of one matrix, in the order of `NAMES`, and clear it.

    The matrix is symmetric: a pair of different levels stands in it twice, with half its weight.
    """
    values[:] = np.nan
    pairs = 0
    for c in range(len(cells)):
        pairs += counts[cells[c, 0], cells[c, 1]]
    if pairs == 0:
        return
    highest = present[-1]
    one = np.zeros(len(present))  # p(i)
    difference = np.zeros(highest)  # p(|i - j| = k)
    total = np.zeros(2 * highest + 1)  # p(i + j = k)
    maximum = entropy = second = contrast = dissimilarity = 0.0
    inverse = inverse_n = moment = moment_n = variance = product = 0.0
    for c in range(len(cells)):
        a, b = cells[c, 0], cells[c, 1]
        i, j = present[a], present[b]
        p = counts[a, b] / pairs  # both cells together
        cell = p if a == b else p / 2
        k = j - i
        one[a] += p / 2
        one[b] += p / 2
        difference[k] += p
        total[i + j] += p
        maximum = max(maximum, cell)
        entropy -= p * np.log2(cell)
        second += p * cell
        contrast += p * k * k
        dissimilarity += p * k
        inverse += p / (1 + k)
        inverse_n += p / (1 + k / highest)
        moment += p / (1 + k * k)
        moment_n += p / (1 + (k / highest) ** 2)
        if k:
            variance += p / (k * k)
        product += p * i * j
        counts[a, b] = 0
    mean = mean_square = one_entropy = 0.0
    for a in range(len(present)):
        mean += present[a] * one[a]
        one_entropy -= _p_log_p(one[a])
    for a in range(len(present)):
        mean_square += (present[a] - mean) ** 2 * one[a]
    difference_variance = difference_entropy = 0.0
    for k in range(highest):
        difference_variance += (k - dissimilarity) ** 2 * difference[k]
        difference_entropy -= _p_log_p(difference[k])
    sum_entropy = tendency = shade = prominence = 0.0
    for k in range(2 * highest + 1):
        if total[k] > 0:
            d = k - 2 * mean
            sum_entropy -= _p_log_p(total[k])
            tendency += d**2 * total[k]
            shade += d**3 * total[k]
            prominence += d**4 * total[k]
    values[0] = maximum
    values[1] = mean
    values[2] = mean_square
    values[3] = entropy
    values[4] = dissimilarity
    values[5] = difference_variance
    values[6] = difference_entropy
    values[7] = 2 * mean
    values[8] = tendency
    values[9] = sum_entropy
    values[10] = second
    values[11] = contrast
    values[12] = dissimilarity
    values[13] = inverse
    values[14] = inverse_n
    values[15] = moment
    values[16] = moment_n
    values[17] = variance
    values[19] = product
    values[20] = tendency
    values[21] = shade
    values[22] = prominence
    # Both HXY1 and HXY2 of the standard are twice HX, as the matrix is symmetric.
    values[24] = np.sqrt(max(0.0, 1 - np.exp(-2 * (2 * one_entropy - entropy))))
    if mean_square > 0:
        values[18] = (product - mean**2) / mean_square
        values[23] = (entropy - 2 * one_entropy) / one_entropy


@numba.njit(cache=True, nogil=True)
def _p_log_p(p):
    return p * np.log2(p) if p > 0 else 0.0
