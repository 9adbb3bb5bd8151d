"""Slopes between all pairs of points, ranked from -1 through 0 and the vertical back to -1.

That is the order in which Passing-Bablok regression takes its median. Turned by 45 degrees it is
the usual order: a slope b becomes (b - 1) / (b + 1), and the pairs that the procedure leaves out,
identical points and slopes of -1, are those without a distance along the turned axis.
"""

import math
from collections.abc import Iterator

import numpy as np

from bioagree.statistics.samples import rounding


class Listed:
    """All slopes of up to a few thousand points, sorted.

    Parameters
    ----------
    first, second : numpy.ndarray of float, shape (n,)
    codes : numpy.ndarray of int, shape (n,), optional
        Clusters of the points, for `without_each`.

    Attributes
    ----------
    total : int
        Pairs that are neither identical points nor on a line of slope -1.
    shift : int
        Slopes below -1.
    """

    def __init__(self, first: np.ndarray, second: np.ndarray, codes: np.ndarray | None = None):
        i, j = np.triu_indices(first.size, 1)
        x, y = first[j] - first[i], second[j] - second[i]
        x[np.abs(x) <= rounding(first)] = 0
        y[np.abs(y) <= rounding(second)] = 0
        used = np.abs(x + y) > rounding(first, second)
        x, y = x[used], y[used]
        slopes = np.divide(y, x, out=np.full(x.shape, math.inf), where=x != 0)
        # ranks behind the vertical are never told apart
        self.shift = int(np.count_nonzero(slopes < -1))
        slopes[slopes < -1] = math.inf
        order = None if codes is None else np.argsort(slopes)
        self._slopes = np.sort(slopes) if order is None else slopes[order]
        self._ends = None if order is None else (codes[i[used]][order], codes[j[used]][order])
        self.total = slopes.size

    def at(self, rank: int) -> float:
        """Return the slope at a rank from 1 to `total`; infinite from the vertical on."""
        return float(self._slopes[rank - 1])

    def without_each(self) -> Iterator["Listed"]:
        """Yield the slopes that remain when one cluster is left out."""
        first, second = self._ends
        for code in range(max(first.max(), second.max()) + 1):
            rest = Listed.__new__(Listed)
            rest._slopes = self._slopes[(first != code) & (second != code)]
            rest.total = rest._slopes.size
            yield rest


class Counted:
    """Slopes of many points, counted by inversions when a rank is asked for.

    Takes O(n) memory. Attributes and `at` as in `Listed`.

    Notes
    -----
    In the order along the turned axis, the pairs with a turned slope below t are those that are
    inverted across a line of slope t: Dillencourt, Mount & Netanyahu, International Journal of
    Computational Geometry & Applications 1992;2:1-27, :doi:`10.1142/S0218195992000020`.
    """

    def __init__(self, first: np.ndarray, second: np.ndarray):
        limit = rounding(first, second)
        first, second, along = (_snap(part, limit) for part in (first, second, first + second))
        self._first, self._along, self._across = first, along, second - first
        n = along.size
        ties = np.unique(along, return_counts=True)[1]
        self.total = n * (n - 1) // 2 - int((ties * (ties - 1) // 2).sum())
        vertical = np.unique(first, return_counts=True)[1]
        same = np.unique(np.stack([first, second]), axis=1, return_counts=True)[1]
        upright = int((vertical * (vertical - 1) // 2).sum() - (same * (same - 1) // 2).sum())
        self._positive = self._below(1.0)
        self.shift = self.total - self._positive - upright

    def at(self, rank: int) -> float:
        """Return the slope at a rank from 1 to `total`; infinite from the vertical on."""
        if rank > self._positive:
            return math.inf
        low, high = -math.pi / 2, math.pi / 4  # angles: below(low) < rank <= below(high)
        while True:
            middle = (low + high) / 2
            if not low < middle < high or high - low < 1e-15:
                turned = math.tan(high)
                return (1 + turned) / (1 - turned) if turned < 1 else math.inf
            if self._below(math.tan(middle)) < rank:
                low = middle
            else:
                high = middle

    def _below(self, turned: float) -> int:
        """Count pairs with a turned slope below `turned`."""
        # at 1, which is the vertical, equal values of the first method must tie exactly
        heights = -self._first if turned == 1 else self._across - turned * self._along
        heights = heights[np.lexsort((heights, self._along))]
        ranks = np.empty(heights.size, np.int64)
        ranks[np.argsort(heights, kind="stable")] = np.arange(heights.size)
        return inversions(ranks)


def inversions(ranks: np.ndarray) -> int:
    """Count the pairs of a permutation of 0 to n - 1 that stand in the wrong order.

    From the highest bit on, values with equal higher bits stand together; a pair is inverted at
    the bit where the two first differ.
    """
    n, count = ranks.size, 0
    values = ranks.copy()
    for bit in range(max(n - 1, 0).bit_length() - 1, -1, -1):
        ones = (values >> bit) & 1
        start = (values >> (bit + 1)) << (bit + 1)  # where the values of a group begin
        before = np.concatenate([[0], np.cumsum(ones)])
        ones_before = before[:-1] - before[start]
        count += int(ones_before[ones == 0].sum())
        places = np.where(ones == 1, start + (1 << bit) + ones_before, np.arange(n) - ones_before)
        values[places] = values.copy()
    return count


def _snap(values: np.ndarray, limit: float) -> np.ndarray:
    """Make values equal that differ by no more than `limit`."""
    order = np.argsort(values)
    ordered = values[order]
    groups = np.cumsum(np.diff(ordered, prepend=ordered[:1]) > limit)
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    snapped = np.empty_like(values)
    snapped[order] = ordered[starts][groups]
    return snapped
