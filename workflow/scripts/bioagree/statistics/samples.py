"""What statistics of paired and clustered samples share: complete cases, jackknife, notes."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import _complete_pairs, _t_quantile
from bioagree.statistics.clusters import FEWEST_CLUSTERS, encode


def complete_pairs(
    first: ArrayLike, second: ArrayLike, clusters: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Return the pairs without NaN, the number of each pair's cluster, and the pairs dropped.

    Parameters
    ----------
    first, second : array_like, shape (n,)
    clusters : array_like, shape (n,), or None
        None makes every pair a cluster of its own.

    Returns
    -------
    first, second : numpy.ndarray of float, shape (complete,)
    codes : numpy.ndarray of int, shape (complete,)
        0 to clusters - 1, each present.
    missing : int

    Raises
    ------
    ValueError
        If the inputs are not one-dimensional, differ in length or hold an infinite value, or the
        label of a cluster is missing.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    kept_first, kept_second, missing = _complete_pairs(first, second)
    complete = ~(np.isnan(first) | np.isnan(second))
    return kept_first, kept_second, codes_of(clusters, complete), missing


def codes_of(clusters: ArrayLike | None, kept: np.ndarray) -> np.ndarray:
    """Number the clusters of the objects that are `kept`; without clusters, the objects."""
    if clusters is None:
        return np.arange(np.count_nonzero(kept))
    codes, _ = encode(clusters)
    if codes.size != kept.size:
        raise ValueError(
            f"There are {codes.size} clusters for {kept.size} objects: give one per object."
        )
    return np.unique(codes[kept], return_inverse=True)[1]


def rounding(*values: np.ndarray) -> float:
    """Return the spread that counts as zero: a few units in the last place of the largest value."""
    largest = max((np.abs(part).max() for part in values if part.size), default=0.0)
    return float(4 * np.finfo(float).eps * largest)


def jackknife_interval(
    whole: float, left_out: np.ndarray, freedom: int, confidence: float
) -> tuple[float, float, float]:
    """Return error and interval of an estimate from its values with one cluster left out each.

    Parameters
    ----------
    whole : float
        Estimate from all data.
    left_out : numpy.ndarray, shape (clusters,)
        Estimates with one cluster left out.
    freedom : int
        Degrees of freedom of Student's t.
    confidence : float

    Returns
    -------
    error, low, high : float

    Notes
    -----
    Miller, Biometrika 1974;61:1-15, :doi:`10.1093/biomet/61.1.1`.
    """
    total = left_out.size
    squares = float(((left_out - left_out.mean()) ** 2).sum())
    error = math.sqrt((total - 1) / total * squares)
    half = _t_quantile(freedom, confidence) * error
    return error, whole - half, whole + half


def jackknife_correlation(
    whole: float, left_out: np.ndarray, confidence: float, raters: int = 2
) -> tuple[float, float, str]:
    """Return the interval of a correlation from Fisher's z with one cluster left out each.

    Parameters
    ----------
    whole : float
        Correlation of all data.
    left_out : numpy.ndarray, shape (clusters,)
        Correlations with one cluster left out.
    confidence : float
    raters : int
        Of an intraclass correlation; Fisher's z of 1921 is that of two.

    Returns
    -------
    low, high : float
    reason : str
        What is wrong with the interval, if anything.
    """
    total = left_out.size
    if total < 2:
        return math.nan, math.nan, "with fewer than two clusters there is no interval"
    if np.isnan(left_out).any():
        return math.nan, math.nan, "leaving out one cluster leaves nothing to correlate"

    def z(value):
        value = np.clip(value, -1 / (raters - 1) + 1e-12, 1 - 1e-15)
        return np.log((1 + (raters - 1) * value) / (1 - value)) / 2

    _, *bounds = jackknife_interval(z(whole), z(left_out), total - 1, confidence)
    low, high = ((math.exp(2 * b) - 1) / (math.exp(2 * b) + raters - 1) for b in bounds)
    few = f"the interval rests on fewer than {FEWEST_CLUSTERS} clusters, too few to trust it"
    return low, high, few if total < FEWEST_CLUSTERS else ""


def moments(
    first: np.ndarray, second: np.ndarray, codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return size, means and sums of squares and products, of all pairs and without each cluster.

    Parameters
    ----------
    first, second : numpy.ndarray, shape (n,)
    codes : numpy.ndarray of int, shape (n,)

    Returns
    -------
    whole : numpy.ndarray, shape (6,)
        Number of pairs, mean of first and of second, sum of squares of first and of second and of
        products, all about the means.
    left_out : numpy.ndarray, shape (6, clusters)
        The same with one cluster left out.
    """
    middle = np.array([first.mean(), second.mean()])
    x, y = first - middle[0], second - middle[1]
    terms = (None, x, y, x * x, y * y, x * y)
    sums = np.stack([np.bincount(codes, term) for term in terms])
    return _about_means(sums.sum(1), middle), _about_means(
        sums.sum(1, keepdims=True) - sums, middle[:, np.newaxis]
    )


def _about_means(sums: np.ndarray, middle: np.ndarray) -> np.ndarray:
    n = np.maximum(sums[0], 1)
    x, y = sums[1] / n, sums[2] / n
    squares = np.maximum(sums[3:5] - n * np.stack([x, y]) ** 2, 0)
    return np.stack([sums[0], x + middle[0], y + middle[1], *squares, sums[5] - n * x * y])


def sentence(reasons: Iterable[str]) -> str:
    """Join reasons to one sentence; nothing without reasons."""
    text = "; ".join(reason for reason in reasons if reason)
    return text[:1].upper() + text[1:] + "." if text else ""
