"""Limits of agreement that need no normal law: centiles and shares of the differences."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import _check_probability, _complete_pairs


@dataclass(frozen=True)
class RankLimits:
    """Limits of agreement without a normal law, as `rank_limits` computes them.

    Attributes
    ----------
    n, missing : int
        Pairs used, and pairs dropped because either value is NaN.
    median, median_low, median_high : float
        Median difference first - second, and its interval.
    lower, lower_low, lower_high, upper, upper_low, upper_high : float
        Centiles of the differences that enclose the share `coverage`, and their intervals.
    within, within_low, within_high : float
        Share of the differences within the stated margin, and its interval; NaN without a margin.
    coverage, confidence : float
        As given.
    note : str
        Empty, or what could not be computed and why.
    """

    n: int
    missing: int
    median: float
    median_low: float
    median_high: float
    lower: float
    lower_low: float
    lower_high: float
    upper: float
    upper_low: float
    upper_high: float
    within: float
    within_low: float
    within_high: float
    coverage: float
    confidence: float
    note: str


def rank_limits(
    first: ArrayLike,
    second: ArrayLike,
    *,
    margin: float | None = None,
    coverage: float = 0.95,
    confidence: float = 0.95,
) -> RankLimits:
    """Limits of agreement from centiles of the differences, which need no normal law.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        One value of each method per object, in the same order and unit. NaN marks a missing value:
        its pair is dropped and counted.
    margin : float, optional
        Largest difference that does not matter.
    coverage : float
        Share of the differences between both centiles.
    confidence : float
        Confidence level of the intervals.

    Returns
    -------
    RankLimits

    Raises
    ------
    ValueError
        As `bland_altman`, and if `margin` is not positive.

    Notes
    -----
    Bland & Altman, Statistical Methods in Medical Research 1999;8:135-160,
    :doi:`10.1177/096228029900800204`, section 6. Centile q is the order statistic q (n + 1),
    interpolated. Its interval lies between two order statistics by the binomial distribution
    (Conover, Practical Nonparametric Statistics, 3.2), that of the share is by Clopper & Pearson
    (Biometrika 1934;26:404-413, :doi:`10.1093/biomet/26.4.404`); both cover at least as often as
    they say. Pairs count as independent.
    """
    from scipy.special import betaincinv
    from scipy.stats import binom

    _check_probability(coverage, "coverage")
    _check_probability(confidence, "confidence")
    if margin is not None and not margin > 0:
        raise ValueError(f"margin must be positive, but is {margin}.")
    first, second, missing = _complete_pairs(first, second)
    differences = np.sort(first - second)
    n, tail = differences.size, (1 - confidence) / 2
    values, open_ends = [], False
    for q in (0.5, (1 - coverage) / 2, (1 + coverage) / 2):
        if not n:
            values += [math.nan] * 3
            continue
        low, high = int(binom.ppf(tail, n, q)), int(binom.ppf(1 - tail, n, q)) + 1
        ends = [differences[k - 1] if 1 <= k <= n else math.nan for k in (low, high)]
        open_ends |= bool(np.isnan(ends).any())
        values += [np.quantile(differences, q, method="weibull"), *ends]
    share = (math.nan,) * 3
    if margin is not None and n:
        inside = int(np.count_nonzero(np.abs(differences) <= margin))
        low = betaincinv(inside, n - inside + 1, tail) if inside else 0.0
        high = betaincinv(inside + 1, n - inside, 1 - tail) if inside < n else 1.0
        share = (inside / n, float(low), float(high))
    notes = [] if n else ["There is no complete pair, hence nothing to compute."]
    if n > 0 and (n + 1) * (1 - coverage) / 2 < 1:
        notes.append("So few pairs do not reach the outer centiles: these are the extremes.")
    if open_ends:
        notes.append("An interval that would end beyond the data has no such end.")
    return RankLimits(
        n, missing, *map(float, values), *share, coverage, confidence, " ".join(notes)
    )
