"""Rank-based comparisons of two groups: probability of superiority, and shifts with intervals."""

import math

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.effects import combine

_EXACT = 60  # up to here the distribution of the rank sum is counted out, beyond it is normal


def superiority_within(
    values: np.ndarray, second: np.ndarray, clusters: np.ndarray
) -> tuple[float, float, float, int]:
    """Probability that an object of the first group exceeds one of the second of its own cluster.

    Parameters
    ----------
    values : numpy.ndarray, shape (objects,)
    second : numpy.ndarray of bool, shape (objects,)
    clusters : numpy.ndarray of int, shape (objects,)

    Returns
    -------
    probability, error, freedom : float
        Average over clusters, its standard error, and (clusters - 1).
    count : int
        Clusters that hold both groups.

    Notes
    -----
    U / (n1 n2) of Mann & Whitney in each cluster; ties count one half.
    """
    estimates = []
    for cluster in np.unique(clusters):
        here = clusters == cluster
        first, other = values[here & ~second], values[here & second]
        if first.size and other.size:
            estimates.append(_above(first, np.sort(other), None).mean())
    if not estimates:
        return math.nan, math.nan, math.nan, 0
    mean, error, _ = combine(np.array(estimates)[:, None])
    return float(mean[0]), float(error[0]), len(estimates) - 1.0, len(estimates)


def superiority_between(
    values: np.ndarray, second: np.ndarray, clusters: np.ndarray
) -> tuple[float, float, float]:
    """Probability that an object of the first group exceeds one of the second, clusters counted.

    Every cluster weighs the same; clusters must hold one group each.

    Returns
    -------
    probability, error, freedom : float
        Error from the placements of the clusters, freedom after Satterthwaite.

    Notes
    -----
    With one object a cluster, these are the variance of DeLong et al., Biometrics 1988;44:837-845,
    :doi:`10.2307/2531595`, and the freedom of Brunner & Munzel, Biometrical Journal 2000;42:17-25.
    """
    placements = []
    for of_first in (True, False):
        mine = second != of_first
        other = ~mine
        order = np.argsort(values[other], kind="stable")
        _, index, sizes = np.unique(clusters[other], return_inverse=True, return_counts=True)
        weights = (1 / sizes[index] / sizes.size)[order]
        above = _above(values[mine], values[other][order], weights)
        _, index, sizes = np.unique(clusters[mine], return_inverse=True, return_counts=True)
        placements.append(np.bincount(index, above) / sizes)
    first, other = placements
    variances = [
        part.var(ddof=1) / part.size if part.size > 1 else math.nan for part in (first, other)
    ]
    total = sum(variances)
    shares = sum(
        v**2 / max(part.size - 1, 1) for v, part in zip(variances, placements, strict=True)
    )
    freedom = total**2 / shares if shares > 0 else math.nan
    return float(first.mean()), math.sqrt(total), float(freedom)


def signed_rank(differences: ArrayLike, confidence: float) -> dict[str, float]:
    """Wilcoxon signed-rank test of the differences, Hodges-Lehmann estimate and its interval.

    Returns
    -------
    dict
        `statistic` (the smaller rank sum), `p`, `effect` (median of the pairwise means),
        `low`, `high` (NaN where so few differences allow no such confidence).

    Notes
    -----
    Zeros are left out of the test (Wilcoxon's way); exact up to 50 differences without ties or
    zeros. The interval takes pairwise means from both ends (Hollander, Wolfe & Chicken,
    Nonparametric Statistical Methods, 3rd ed. 2014, section 3.3), exact up to 60 differences.
    """
    from scipy.stats import wilcoxon

    d = np.asarray(differences, float)
    n = d.size
    if n == 0:
        return dict.fromkeys(("statistic", "p", "effect", "low", "high"), math.nan)
    i, j = np.triu_indices(n)
    pairwise = np.sort((d[i] + d[j]) / 2)
    cut = _cut(lambda: _signed_rank_counts(n), n <= _EXACT, *_signed_rank_moments(n), confidence)
    low, high = _ends(pairwise, cut)
    moving = np.count_nonzero(d)
    result = wilcoxon(d) if moving else None
    return {
        "statistic": float(result.statistic) if moving else math.nan,
        "p": float(result.pvalue) if moving else math.nan,
        "effect": float(np.median(pairwise)),
        "low": low,
        "high": high,
    }


def rank_sum(first: ArrayLike, second: ArrayLike, confidence: float) -> dict[str, float]:
    """Mann-Whitney test, Hodges-Lehmann shift first - second and its interval.

    Returns
    -------
    dict
        `statistic` (U of `first`), `p`, `effect` (median of all differences), `low`, `high`.

    Notes
    -----
    Exact without ties where one group has at most 8 values, else with the normal approximation
    and the correction for ties. The interval takes differences from both ends (Hollander, Wolfe &
    Chicken, section 4.3), exact up to 60 values.
    """
    from scipy.stats import mannwhitneyu

    x, y = np.asarray(first, float), np.asarray(second, float)
    m, n = x.size, y.size
    if m == 0 or n == 0:
        return dict.fromkeys(("statistic", "p", "effect", "low", "high"), math.nan)
    shifts = np.sort((x[:, None] - y).ravel())
    mean, deviation = m * n / 2, math.sqrt(m * n * (m + n + 1) / 12)
    cut = _cut(lambda: _rank_sum_counts(m, n), m + n <= _EXACT, mean, deviation, confidence)
    low, high = _ends(shifts, cut)
    varied = np.ptp(np.concatenate([x, y])) > 0
    result = mannwhitneyu(x, y) if varied else None
    return {
        "statistic": float(result.statistic) if varied else math.nan,
        "p": float(result.pvalue) if varied else math.nan,
        "effect": float(np.median(shifts)),
        "low": low,
        "high": high,
    }


def _above(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return for each x the share of the sorted y below it, ties half."""
    if weights is None:
        weights = np.full(y.size, 1 / y.size)
    below = np.concatenate([[0.0], np.cumsum(weights)])
    return (below[np.searchsorted(y, x, "left")] + below[np.searchsorted(y, x, "right")]) / 2


def _cut(counts, exact: bool, mean: float, deviation: float, confidence: float) -> int:
    """Return how many ordered values lie outside the interval on each side; -1 where none can."""
    from scipy.special import ndtri

    tail = (1 - confidence) / 2
    if not exact:
        return int(math.floor(mean - ndtri(1 - tail) * deviation - 0.5))
    shares = counts()
    return int(np.searchsorted(np.cumsum(shares), tail * (1 + 1e-12), "right")) - 1


def _ends(ordered: np.ndarray, cut: int) -> tuple[float, float]:
    if cut < 0:
        return math.nan, math.nan
    return float(ordered[cut]), float(ordered[-1 - cut])


def _signed_rank_moments(n: int) -> tuple[float, float]:
    return n * (n + 1) / 4, math.sqrt(n * (n + 1) * (2 * n + 1) / 24)


def _signed_rank_counts(n: int) -> np.ndarray:
    """Return the probability of every sum of positive ranks."""
    shares = np.zeros(n * (n + 1) // 2 + 1)
    shares[0] = 1.0
    for rank in range(1, n + 1):
        moved = np.zeros_like(shares)
        moved[rank:] = shares[:-rank]
        shares = (shares + moved) / 2
    return shares


def _rank_sum_counts(m: int, n: int) -> np.ndarray:
    """Return the probability of every value of U (Mann & Whitney's recursion)."""
    table = [np.array([1.0])] * (n + 1)  # of m = 0 values against 0 … n
    for a in range(1, m + 1):
        row = [np.array([1.0])]
        for b in range(1, n + 1):
            now = np.zeros(a * b + 1)
            now[b:] += a / (a + b) * table[b]  # the largest value is one of the a: above all b
            now[: a * (b - 1) + 1] += b / (a + b) * row[b - 1]
            row.append(now)
        table = row
    return table[n]
