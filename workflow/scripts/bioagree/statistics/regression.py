"""Method-comparison regression: a line between two methods that both have errors."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import _check_probability, _normal_quantile
from bioagree.statistics.clusters import FEWEST_CLUSTERS
from bioagree.statistics.samples import (
    complete_pairs,
    jackknife_interval,
    moments,
    rounding,
    sentence,
)
from bioagree.statistics.slopes import Counted, Listed

MOST_PAIRWISE = 3000
"""Up to so many points all slopes are listed (some 300 MB); beyond, they are counted instead."""


@dataclass(frozen=True)
class Line:
    """A line second = intercept + slope * first, as `deming` and `passing_bablok` compute it.

    The slope has the unit of second over first, the intercept that of second. What could not be
    computed is NaN, and `note` says why.

    Attributes
    ----------
    n, missing : int
        Points used, and points dropped because a value is NaN.
    clusters : int
        Clusters the intervals rest on; n where the points count as independent.
    slope, slope_low, slope_high : float
        Slope and its interval.
    intercept, intercept_low, intercept_high : float
        Intercept and its interval.
    slope_error, intercept_error : float
        Standard errors; NaN where the interval is one of ranks.
    confidence : float
        As given.
    interval : str
        How the intervals were made.
    note : str
        Empty, or one sentence that says what could not be computed and why.
    """

    n: int
    missing: int
    clusters: int
    slope: float
    slope_low: float
    slope_high: float
    intercept: float
    intercept_low: float
    intercept_high: float
    slope_error: float
    intercept_error: float
    confidence: float
    interval: str
    note: str


@dataclass(frozen=True)
class Deming(Line):
    """A Deming regression.

    Attributes
    ----------
    ratio : float
        Error variance of the first method over that of the second, as given or estimated.
    """

    ratio: float


@dataclass(frozen=True)
class PassingBablok(Line):
    """A Passing-Bablok regression.

    Attributes
    ----------
    slopes : int
        Pairs of points with a defined slope other than -1.
    shift : int
        Slopes below -1, by which the median is shifted.
    cusum : float
        Largest absolute cumulative sum of the linearity test over sqrt(points below the line + 1).
    linearity_p : float
        p value of "the relation is linear", from the limit distribution of Kolmogorov.
    """

    slopes: int
    shift: int
    cusum: float
    linearity_p: float


def deming(
    first: ArrayLike,
    second: ArrayLike,
    *,
    ratio: float | None = 1.0,
    confidence: float = 0.95,
    clusters: ArrayLike | None = None,
) -> Deming:
    """Deming regression of the second method on the first.

    Parameters
    ----------
    first, second : array_like, shape (n,) or (n, replicates)
        Values of each method per object. Of replicates, the means are used. Objects where a method
        has no value are dropped and counted; single missing replicates are left out.
    ratio : float or None
        Error variance of the first method over that of the second, both as they enter the
        regression; 1 is the orthogonal regression. None estimates it from replicates.
    confidence : float
        Confidence level of the intervals.
    clusters : array_like, shape (n,), optional
        The image or subject of each object. With it, the jackknife leaves out one cluster at a
        time.

    Returns
    -------
    Deming

    Raises
    ------
    ValueError
        If shapes do not fit, a value is infinite, `ratio` is not positive, or is None without
        replicates of both methods, or `confidence` is not between 0 and 1.

    Notes
    -----
    Estimate and jackknife standard errors by Linnet [1]_: Student's t with n - 2 degrees of
    freedom, or clusters - 1 where clusters are given. Swapping the methods (and inverting the
    ratio) gives the inverse slope.

    References
    ----------
    .. [1] Linnet, Clinical Chemistry 1993;39:424-432, :doi:`10.1093/clinchem/39.3.424`

    Examples
    --------
    >>> line = deming([7.0, 8.3, 10.5, 9.0, 5.1, 8.2], [7.9, 8.2, 9.6, 9.0, 6.5, 7.3])
    >>> print(f"{line.slope:.3f} {line.intercept:.3f}")
    0.586 3.383
    """
    _check_probability(confidence, "confidence")
    if ratio is not None and not 0 < ratio < math.inf:
        raise ValueError(f"ratio must be a positive number, but is {ratio}.")
    first, first_variance = _means_of_replicates(first, "first")
    second, second_variance = _means_of_replicates(second, "second")
    first, second, codes, missing = complete_pairs(first, second, clusters)
    n, total = first.size, int(codes.max(initial=-1)) + 1
    reasons = []
    if ratio is None:
        if math.isnan(first_variance) or math.isnan(second_variance):
            raise ValueError("ratio=None needs replicates of both methods: shape (n, replicates).")
        ratio = first_variance / second_variance if second_variance else math.nan
        if not 0 < ratio < math.inf:
            reasons.append("replicates of a method never differ, so the error ratio is undefined")
    estimates = {name: (math.nan,) * 4 for name in ("slope", "intercept")}
    if n < 2:
        reasons.append("fewer than two complete pairs have no line")
    elif not reasons:
        whole, left_out = moments(first, second, codes)
        spreads = whole[3:5] <= n * np.array([rounding(first), rounding(second)]) ** 2
        if spreads.all():
            reasons.append("both methods give the same value everywhere, so there is no line")
        elif spreads[0]:
            reasons.append("the first method gives the same value everywhere: the line is vertical")
        else:
            parts = zip(_deming_line(whole, ratio), _deming_line(left_out, ratio), strict=True)
            freedom = n - 2 if clusters is None else total - 1
            reason = _reason(total, freedom, clusters is not None)
            for name, (value, others) in zip(estimates, parts, strict=True):
                if math.isnan(value):
                    reason = "the methods do not correlate, so no line fits best"
                elif freedom < 1 or total < 2:
                    estimates[name] = (float(value), math.nan, math.nan, math.nan)
                elif np.isnan(others).any():
                    reason = "leaving out one cluster leaves no line, so there is no interval"
                    estimates[name] = (float(value), math.nan, math.nan, math.nan)
                else:
                    spread = jackknife_interval(float(value), others, freedom, confidence)
                    estimates[name] = (float(value), *spread)
            reasons.append(reason)
    return Deming(
        n=n,
        missing=missing,
        clusters=total,
        **_named(estimates),
        confidence=confidence,
        interval=f"jackknife, t with {'n - 2' if clusters is None else 'clusters - 1'}",
        note=sentence(reasons),
        ratio=float(ratio),
    )


def passing_bablok(
    first: ArrayLike,
    second: ArrayLike,
    *,
    confidence: float = 0.95,
    clusters: ArrayLike | None = None,
) -> PassingBablok:
    """Passing-Bablok regression of the second method on the first.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        One value of each method per object. Pairs with NaN are dropped and counted.
    confidence : float
        Confidence level of the intervals.
    clusters : array_like, shape (n,), optional
        The image or subject of each object. With it, intervals are a delete-one-cluster jackknife
        with clusters - 1 degrees of freedom (of the slope's angle), since ranks take the points as
        independent; and the linearity test is left out for the same reason.

    Returns
    -------
    PassingBablok

    Raises
    ------
    ValueError
        If inputs are not one-dimensional, differ in length or hold an infinite value, or
        `confidence` is not between 0 and 1.

    Notes
    -----
    The procedure of 1983 [1]_ for methods that measure the same quantity with a positive relation:
    the median of all slopes between two points, shifted by the number of slopes below -1. Pairs of
    identical points and slopes of -1 are left out. With an even number of slopes the median is the
    mean of the middle two. Of a vertical slope the sign depends on the order of the points; since
    the shift counts those of -infinity, they rank like +infinity, and are taken as such. The
    intercept is the median of second - slope * first; its interval comes from the ends of that of
    the slope. Where the interval of the slope holds a vertical line, its upper end is infinite.

    Swapping the methods gives the inverse slope (with an even number of slopes, up to the distance
    of the middle two). Scaling both alike leaves it; scaling one does not scale it exactly.

    The linearity test compares the cumulative sum of scores of points above and below the line,
    taken along the line, with the distribution of Kolmogorov and Smirnov: 1.36 at 5 %.

    Beyond `MOST_PAIRWISE` points, slopes are counted instead of listed, with the same result to
    rounding, in O(n log n) time for each bit.

    References
    ----------
    .. [1] Passing & Bablok, Journal of Clinical Chemistry and Clinical Biochemistry
       1983;21:709-720, :doi:`10.1515/cclm.1983.21.11.709`

    Examples
    --------
    >>> line = passing_bablok([1, 2, 3, 4, 5, 6, 7], [1.2, 1.9, 3.2, 4.1, 5.3, 6.0, 7.4])
    >>> print(f"{line.slope:.3f} {line.intercept:.3f}")
    1.033 0.100
    """
    _check_probability(confidence, "confidence")
    first, second, codes, missing = complete_pairs(first, second, clusters)
    n, total = first.size, int(codes.max(initial=-1)) + 1
    estimates = {name: (math.nan,) * 4 for name in ("slope", "intercept")}
    slopes = shift = 0
    cusum = linearity_p = math.nan
    reasons = []
    if n < 2:
        reasons.append("fewer than two complete pairs have no line")
    else:
        ranked = _ranked(first, second, None if clusters is None else codes)
        slopes, shift = ranked.total, ranked.shift
        slope = _median(ranked)
        intercept = float(np.median(second - slope * first)) if math.isfinite(slope) else math.nan
        if slopes == 0:
            reasons.append("all points are the same or lie on lines of slope -1")
        elif math.isinf(slope):
            reasons.append(
                "the median slope is vertical or below -1: there is no positive relation"
            )
        else:
            if clusters is None:
                ends, reason = _rank_interval(first, second, ranked, confidence)
            else:
                ends, reason = _cluster_interval(
                    first, second, codes, ranked, (slope, intercept), confidence
                )
            reasons.append(reason)
            estimates = {"slope": (slope, *ends[0]), "intercept": (intercept, *ends[1])}
            if clusters is None:
                cusum, linearity_p, reason = _linearity(first, second, slope, intercept)
                reasons.append(reason)
    return PassingBablok(
        n=n,
        missing=missing,
        clusters=total,
        **_named(estimates),
        confidence=confidence,
        interval="ranks" if clusters is None else "delete-one-cluster jackknife",
        note=sentence(reasons),
        slopes=slopes,
        shift=shift,
        cusum=cusum,
        linearity_p=linearity_p,
    )


def _means_of_replicates(values: ArrayLike, name: str) -> tuple[np.ndarray, float]:
    """Return the mean of each object's replicates, and the error variance of these means."""
    values = np.asarray(values, dtype=float)
    if values.ndim == 1:
        return values, math.nan
    if values.ndim != 2:
        raise ValueError(
            f"{name} must have one or two dimensions, but its shape is {values.shape}."
        )
    if np.isinf(values).any():
        raise ValueError(f"{name} holds an infinite value: give finite ones, or NaN for missing.")
    present = ~np.isnan(values)
    counts = present.sum(1)
    sums = np.where(present, values, 0).sum(1)
    means = np.divide(sums, counts, out=np.full(len(values), math.nan), where=counts > 0)
    deviations = np.where(present, values - means[:, np.newaxis], 0)
    freedom = int((counts[counts > 0] - 1).sum())
    if freedom == 0:
        return means, math.nan
    deviations[np.abs(deviations) <= rounding(values[present])] = 0
    variance = float((deviations**2).sum()) / freedom
    return means, variance * float((1 / counts[counts > 0]).mean())


def _deming_line(sums: np.ndarray, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and intercept from size, means and sums of squares; NaN where undefined."""
    _, x, y, xx, yy, xy = sums
    flat = xx - ratio * yy
    root = np.hypot(flat, 2 * math.sqrt(ratio) * xy)
    # the form that does not cancel
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(flat >= 0, 2 * xy / (flat + root), (root - flat) / (2 * ratio * xy))
    slope = np.where(np.isfinite(slope), slope, math.nan)
    return slope, y - slope * x


def _ranked(first: np.ndarray, second: np.ndarray, codes: np.ndarray | None) -> Listed | Counted:
    if first.size > MOST_PAIRWISE:
        return Counted(first, second)
    return Listed(first, second, codes)


def _median(ranked: Listed | Counted) -> float:
    """Return the median slope: NaN without slopes, infinite from the vertical on."""
    if not ranked.total:
        return math.nan
    middle = ranked.at((ranked.total + 1) // 2)
    return middle if ranked.total % 2 else (middle + ranked.at(ranked.total // 2 + 1)) / 2


def _rank_interval(
    first: np.ndarray, second: np.ndarray, ranked: Listed | Counted, confidence: float
) -> tuple[list[tuple[float, float, float]], str]:
    """Return error, low and high of slope and intercept from ranks, and a reason."""
    n = first.size
    width = _normal_quantile(confidence) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    lowest = math.floor((ranked.total - width) / 2 + 0.5)
    if lowest < 1:
        return [(math.nan,) * 3] * 2, f"{n} points are too few for an interval by ranks"
    low, high = ranked.at(lowest), ranked.at(ranked.total - lowest + 1)
    if math.isinf(low):
        return [(math.nan,) * 3] * 2, "too many slopes are vertical for an interval"
    upper = float(np.median(second - low * first))
    if math.isinf(high):
        reason = "the interval of the slope reaches the vertical, so that of the intercept is open"
        return [(math.nan, low, high), (math.nan, math.nan, math.nan)], reason
    lower = float(np.median(second - high * first))
    return [(math.nan, low, high), (math.nan, *sorted((lower, upper)))], ""


def _cluster_interval(
    first: np.ndarray,
    second: np.ndarray,
    codes: np.ndarray,
    ranked: Listed | Counted,
    line: tuple[float, float],
    confidence: float,
) -> tuple[list[tuple[float, float, float]], str]:
    """Return error, low and high of slope and intercept by leaving out clusters, and a reason."""
    total = int(codes.max()) + 1
    nothing = [(math.nan,) * 3] * 2
    if total < 2:
        return nothing, _reason(total, total - 1, True)
    kept = [codes != code for code in range(total)]
    if isinstance(ranked, Listed):
        slopes = np.array([_median(rest) for rest in ranked.without_each()])
    else:
        slopes = np.array([_median(_ranked(first[k], second[k], None)) for k in kept])
    if not np.isfinite(slopes).all():
        return nothing, "leaving out one cluster leaves no line, so there is no interval"
    intercepts = np.array(
        [np.median(second[k] - b * first[k]) for k, b in zip(kept, slopes, strict=True)]
    )
    slope, intercept = line
    error, low, high = jackknife_interval(
        math.atan(slope), np.arctan(slopes), total - 1, confidence
    )
    reasons = [_reason(total, total - 1, True)]
    spread = jackknife_interval(intercept, intercepts, total - 1, confidence)
    if error == 0:
        return [(0.0, slope, slope), spread], reasons[0]
    if high >= math.pi / 2:
        reasons.append("the interval of the slope reaches the vertical")
    if low <= -math.pi / 2:
        reasons.append("the interval of the slope reaches the vertical from below")
    ends = (
        error * (1 + slope**2),
        math.tan(low) if low > -math.pi / 2 else -math.inf,
        math.tan(high) if high < math.pi / 2 else math.inf,
    )
    return [ends, spread], "; ".join(filter(None, reasons))


def _linearity(
    first: np.ndarray, second: np.ndarray, slope: float, intercept: float
) -> tuple[float, float, str]:
    """Return statistic and p of the cumulative-sum test of linearity, and a reason."""
    from scipy.special import kolmogorov

    residuals = second - intercept - slope * first
    residuals[np.abs(residuals) <= rounding(second, slope * first, np.array([intercept]))] = 0
    above, below = np.count_nonzero(residuals > 0), np.count_nonzero(residuals < 0)
    if not above or not below:
        return (
            math.nan,
            math.nan,
            "the points do not lie on both sides of the line, so linearity is not tested",
        )
    scores = np.where(residuals > 0, math.sqrt(below / above), -math.sqrt(above / below))
    scores[residuals == 0] = 0
    # position along the line
    order = np.argsort(first + slope * second, kind="stable")
    cusum = float(np.abs(np.cumsum(scores[order])).max() / math.sqrt(below + 1))
    return cusum, float(kolmogorov(cusum)), ""


def _reason(clusters: int, freedom: int, clustered: bool) -> str:
    """Say what is wrong with a jackknife over so many clusters or points."""
    if not clustered:
        return "two points give a line but no interval" if freedom < 1 else ""
    if clusters < 2:
        return "with fewer than two clusters there is no interval"
    if clusters < FEWEST_CLUSTERS:
        return f"the interval rests on fewer than {FEWEST_CLUSTERS} clusters, too few to trust it"
    return ""


def _named(estimates: dict[str, tuple[float, float, float, float]]) -> dict[str, float]:
    """Name value, error, low and high of slope and intercept as the results do."""
    parts = ("", "_error", "_low", "_high")
    return {
        f"{name}{part}": value
        for name, values in estimates.items()
        for part, value in zip(parts, values, strict=True)
    }
