"""Tests of whether methods that are ranked on the same images differ."""

import math

import numpy as np
from numpy.typing import ArrayLike

_MOST_EXACT = 100
_PAIR_FIELDS = (
    ("first", "i8"),
    ("second", "i8"),
    ("rank_difference", "f8"),
    ("nemenyi_p", "f8"),
    ("difference", "f8"),
    ("difference_low", "f8"),
    ("difference_high", "f8"),
    ("ties", "i8"),
    ("wilcoxon_t", "f8"),
    ("wilcoxon_p", "f8"),
    ("holm_p", "f8"),
)
FRIEDMAN = (
    "chi2",
    "f",
    "p",
    "chi2_ties",
    "p_ties",
)


def rank_within_images(scores: ArrayLike, *, largest_is_best: bool = True) -> np.ndarray:
    """Rank the methods on each image, 1 for the best, equal scores sharing the mean of their ranks.

    Parameters
    ----------
    scores : array_like, shape (n_images, n_methods)
        Finite scores.
    largest_is_best : bool
        False for distances and counts of errors.

    Returns
    -------
    (n_images, n_methods) float array

    Examples
    --------
    >>> rank_within_images([[0.5, 0.9, 0.9]]).tolist()
    [[3.0, 1.5, 1.5]]
    """
    scores = np.asarray(scores, dtype=float)
    ahead = scores[:, np.newaxis, :] - scores[:, :, np.newaxis]  # of the last over the middle
    if not largest_is_best:
        ahead = -ahead
    rounding = 4 * np.finfo(float).eps * np.abs(scores).max(axis=1, initial=0)
    level = np.abs(ahead) <= rounding[:, np.newaxis, np.newaxis]
    better = (ahead > 0) & ~level
    return better.sum(axis=2) + (level.sum(axis=2) + 1) / 2


def critical_difference(methods: int, images: int, level: float = 0.05) -> float:
    """Nemenyi's critical difference of mean ranks.

    Parameters
    ----------
    methods, images : int
        At least 2 and 1.
    level : float
        Probability of telling any two methods apart when all are alike.

    Returns
    -------
    float
        q sqrt(k (k + 1) / (6 n)), q the quantile of the studentised range over infinitely many
        degrees of freedom, divided by the root of 2 (Demšar, Journal of Machine Learning Research
        2006;7:1-30).

    Examples
    --------
    >>> f"{critical_difference(4, 14):.2f} {critical_difference(4, 14, 0.1):.2f}"
    '1.25 1.12'
    """
    from scipy.stats import studentized_range

    quantile = studentized_range.ppf(1 - level, methods, np.inf) / math.sqrt(2)
    return float(quantile * _rank_error(methods, images))


def not_told_apart(mean_rank: ArrayLike, critical_difference: float) -> list[tuple[int, ...]]:
    """Name the groups of methods that Nemenyi's test does not tell apart.

    Parameters
    ----------
    mean_rank : array_like, shape (k,)
    critical_difference : float
        Mean ranks that differ by no more are not told apart.

    Returns
    -------
    list of tuple of int
        Positions of the methods of each group in order of their mean rank. Groups have two or more
        members, none lies within another, and a method may be in several.

    Examples
    --------
    >>> not_told_apart([3.1, 1.2, 2.0], 1.25)
    [(1, 2), (2, 0)]
    """
    mean_rank = np.asarray(mean_rank, dtype=float)
    order = np.argsort(mean_rank, kind="stable")
    ordered = mean_rank[order]
    # Equal but for rounding counts as equal.
    ends = np.searchsorted(ordered, ordered + critical_difference + 1e-9, side="right")
    groups, reached = [], 0
    for start, end in enumerate(ends.tolist()):
        if end > reached and end - start > 1:
            groups.append(tuple(order[start:end].tolist()))
        reached = max(reached, end)
    return groups


def friedman(ranks: np.ndarray) -> dict[str, float]:
    """Test whether all methods are alike.

    Parameters
    ----------
    ranks : (n_images, n_methods) float array
        From `rank_within_images`, of two or more images and methods.

    Returns
    -------
    dict of float
        Keys `FRIEDMAN`, as the attributes of `bioagree.statistics.ranking.Ranking`; those
        corrected for ties are NaN where all ranks are tied.
    """
    from scipy.special import chdtrc, fdtrc

    n, k = ranks.shape
    deviations = ((ranks.mean(axis=0) - (k + 1) / 2) ** 2).sum()
    chi2 = 12 * n / (k * (k + 1)) * deviations
    most = n * (k - 1)
    # Of the ranks, the variance that ties leave: all of it without ties.
    spread = ((ranks - (k + 1) / 2) ** 2).sum()
    result = dict.fromkeys(FRIEDMAN, math.nan) | {"chi2": float(chi2)}
    if most - chi2 > 1e-9:
        f = (n - 1) * chi2 / (most - chi2)
        result |= {"f": float(f), "p": float(fdtrc(k - 1, (k - 1) * (n - 1), f))}
    else:  # all images rank alike, which chance does once in k! for each image after the first
        result |= {"f": math.inf, "p": math.factorial(k) ** (1.0 - n)}
    if spread > 1e-9:
        corrected = n**2 * (k - 1) * deviations / spread
        result |= {
            "chi2_ties": float(corrected),
            "p_ties": float(chdtrc(k - 1, corrected)),
        }
    return result


def _rank_error(methods: int, images: int) -> float:
    """Return the standard error of a difference of mean ranks when all methods are alike."""
    return math.sqrt(methods * (methods + 1) / (6 * images))


def compare_pairs(scores: np.ndarray, mean_rank: np.ndarray, confidence: float) -> np.ndarray:
    """Compare every two methods.

    Parameters
    ----------
    scores : (n_images, n_methods) float array
        Finite scores.
    mean_rank : (n_methods,) float array
    confidence : float
        Confidence level of the intervals.

    Returns
    -------
    (n_methods (n_methods - 1) / 2,) structured array
        As ``pairs`` of `bioagree.statistics.ranking.Ranking`; intervals and p values are NaN for
        one image.
    """
    n, k = scores.shape
    first, second = np.triu_indices(k, 1)
    rows = np.zeros(first.size, list(_PAIR_FIELDS))
    rows["first"], rows["second"] = first, second
    for name, kind in _PAIR_FIELDS:
        if kind == "f8":
            rows[name] = math.nan
    if not rows.size or not n:
        return rows
    rows["rank_difference"] = mean_rank[first] - mean_rank[second]
    differences = scores[:, first] - scores[:, second]
    rounding = 4 * np.finfo(float).eps * np.abs(scores).max(axis=1, keepdims=True)
    differences[np.abs(differences) <= rounding] = 0
    rows["difference"] = differences.mean(axis=0)
    rows["ties"] = (differences == 0).sum(axis=0)
    if n > 1:
        _test_pairs(rows, differences, float(rounding.max()), k, confidence)
    return rows


def _test_pairs(
    rows: np.ndarray, differences: np.ndarray, rounding: float, k: int, confidence: float
) -> None:
    """Fill in intervals and p values."""
    from scipy.special import stdtrit
    from scipy.stats import studentized_range

    n = len(differences)
    distance = np.abs(rows["rank_difference"]) / _rank_error(k, n)
    rows["nemenyi_p"] = studentized_range.sf(distance * math.sqrt(2), k, np.inf)
    alike = np.ptp(differences, axis=0) <= rounding
    spread = np.where(alike, 0, differences.std(axis=0, ddof=1))
    half = stdtrit(n - 1, (1 + confidence) / 2) * spread / math.sqrt(n)
    rows["difference_low"] = rows["difference"] - half
    rows["difference_high"] = rows["difference"] + half
    tests = [_wilcoxon(each, rounding) for each in differences.T]
    rows["wilcoxon_t"], rows["wilcoxon_p"] = zip(*tests, strict=True)
    rows["holm_p"] = _holm(rows["wilcoxon_p"])


def _wilcoxon(differences: np.ndarray, rounding: float) -> tuple[float, float]:
    """Return Wilcoxon's smaller sum of signed ranks, zeros shared, and its two-sided p value."""
    size = np.abs(differences)
    order = np.argsort(size)
    level = np.empty(size.size, np.intp)
    level[order] = np.cumsum(np.diff(size[order], prepend=size[order[0]]) > rounding)
    count = np.bincount(level)
    twice = (2 * np.cumsum(count) - count + 1)[level]  # twice the mean rank of equals: an integer
    ranks = twice[differences != 0]
    positive = int(twice[differences > 0].sum())
    lesser = min(positive, int(ranks.sum()) - positive)
    t = (lesser + twice[differences == 0].sum() / 2) / 2
    if ranks.size > _MOST_EXACT:
        from scipy.special import ndtr

        z = (lesser - ranks.sum() / 2) / math.sqrt((ranks.astype(float) ** 2).sum() / 4)
        return t, float(2 * ndtr(z))
    chance = np.ones(1)  # of each sum of the ranks whose sign is positive
    for step in ranks:
        chance = (np.pad(chance, (0, step)) + np.pad(chance, (step, 0))) / 2
    return t, min(1.0, float(2 * chance[: lesser + 1].sum()))


def _holm(p: np.ndarray) -> np.ndarray:
    """Correct p values for their number by Holm's method."""
    order = np.argsort(p)
    corrected = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    result = np.empty(p.size)
    result[order] = np.minimum(corrected, 1)
    return result
