"""Agreement that depends on the magnitude: limits as ratios, and as straight lines."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import (
    _complete_pairs,
    _normal_quantile,
    _slope,
    bland_altman,
)


@dataclass(frozen=True)
class RatioAgreement:
    """Agreement of two methods as ratios first / second, as `ratio_agreement` computes it.

    All but the counts are unitless. What could not be computed is NaN, and `note` says why.

    Attributes
    ----------
    n, missing : int
        Pairs used, and pairs dropped because either value is NaN.
    not_positive : int
        Pairs with a value that is zero or negative; with any, there is no ratio scale.
    ratio, ratio_low, ratio_high : float
        Geometric mean of the ratios, and its interval.
    sd : float
        Standard deviation of the natural logarithms of the ratios (n - 1 in the denominator).
    lower, lower_low, lower_high, upper, upper_low, upper_high : float
        Limits of agreement of the ratio, and their exact intervals.
    slope, slope_p : float
        Slope of the logarithm of the ratio on the mean logarithm, and p value of "no slope": what
        the logarithms left of a proportional bias.
    coverage, confidence : float
        As given.
    note : str
        Empty, or what could not be computed and why.
    """

    n: int
    missing: int
    not_positive: int
    ratio: float
    ratio_low: float
    ratio_high: float
    sd: float
    lower: float
    lower_low: float
    lower_high: float
    upper: float
    upper_low: float
    upper_high: float
    slope: float
    slope_p: float
    coverage: float
    confidence: float
    note: str


@dataclass(frozen=True)
class RegressionLimits:
    """Bias and limits of agreement as straight lines, as `regression_limits` computes them.

    Lines are functions of the mean of both methods. Slopes are unitless, all else has the unit of
    the measurements. What could not be computed is NaN, and `note` says why.

    Attributes
    ----------
    n, missing : int
        Pairs used, and pairs dropped because either value is NaN.
    intercept, slope, slope_low, slope_high, slope_p : float
        Line of the bias, the interval of its slope, and the p value of "no slope".
    residual_sd : float
        Standard deviation of the differences about that line (n - 2 in the denominator).
    spread_intercept, spread_slope, spread_slope_low, spread_slope_high, spread_slope_p : float
        Line of the standard deviation about the bias, the interval of its slope, and the p value of
        "no slope".
    spread : str
        "line" if the limits follow the line of the standard deviation, "constant" if they are
        parallel to the bias because the standard deviation shows no slope.
    lower_intercept, lower_slope, upper_intercept, upper_slope : float
        Lines of the limits of agreement.
    coverage, confidence : float
        As given.
    note : str
        Empty, or what could not be computed and why.
    """

    n: int
    missing: int
    intercept: float
    slope: float
    slope_low: float
    slope_high: float
    slope_p: float
    residual_sd: float
    spread_intercept: float
    spread_slope: float
    spread_slope_low: float
    spread_slope_high: float
    spread_slope_p: float
    spread: str
    lower_intercept: float
    lower_slope: float
    upper_intercept: float
    upper_slope: float
    coverage: float
    confidence: float
    note: str


def ratio_agreement(
    first: ArrayLike, second: ArrayLike, *, coverage: float = 0.95, confidence: float = 0.95
) -> RatioAgreement:
    """Bias and limits of agreement as ratios, from logarithms.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        One value of each method per object, all positive. NaN marks a missing value: its pair is
        dropped and counted.
    coverage : float
        Share of the ratios that the limits are to enclose.
    confidence : float
        Confidence level of every interval.

    Returns
    -------
    RatioAgreement

    Raises
    ------
    ValueError
        As `bland_altman`.

    Notes
    -----
    Logarithms are analysed like differences, and results taken back by the exponential function:
    Bland & Altman, Statistical Methods in Medical Research 1999;8:135-160,
    :doi:`10.1177/096228029900800204`, section 3.1. Pairs count as independent.

    Examples
    --------
    >>> result = ratio_agreement([11, 23, 42, 89], [10, 20, 40, 80])
    >>> print(f"{result.ratio:.3f} ({result.lower:.3f} to {result.upper:.3f})")
    1.103 (1.024 to 1.187)
    """
    first, second, missing = _complete_pairs(first, second)
    refused = int(np.count_nonzero((first <= 0) | (second <= 0)))
    logs = (np.empty(0),) * 2 if refused else (np.log(first), np.log(second))
    result = bland_altman(*logs, coverage=coverage, confidence=confidence)
    names = ("lower", "lower_low", "lower_high", "upper", "upper_low", "upper_high")
    note = result.note
    if refused:
        note = (
            f"Of {first.size} pairs {refused} hold a value that is zero or negative, "
            "so there is no ratio scale."
        )
    return RatioAgreement(
        n=first.size,
        missing=missing,
        not_positive=refused,
        ratio=math.exp(result.bias),
        ratio_low=math.exp(result.bias_low),
        ratio_high=math.exp(result.bias_high),
        sd=result.sd,
        **{name: math.exp(getattr(result, name)) for name in names},
        slope=result.slope,
        slope_p=result.slope_p,
        coverage=coverage,
        confidence=confidence,
        note=note.replace("differences", "ratios").replace("bias", "mean ratio"),
    )


def regression_limits(
    first: ArrayLike, second: ArrayLike, *, coverage: float = 0.95, confidence: float = 0.95
) -> RegressionLimits:
    """Bias and limits of agreement as straight lines, where they depend on the magnitude.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        One value of each method per object, in the same order and unit. NaN marks a missing value:
        its pair is dropped and counted.
    coverage : float
        Share of the differences that the limits are to enclose.
    confidence : float
        Confidence level of the intervals; the spread follows a line if its slope has a p value
        below 1 - confidence.

    Returns
    -------
    RegressionLimits

    Raises
    ------
    ValueError
        As `bland_altman`.

    Notes
    -----
    Bland & Altman, Statistical Methods in Medical Research 1999;8:135-160,
    :doi:`10.1177/096228029900800204`, section 3.2: the difference is regressed on the mean, then
    the absolute residuals on the mean. Absolute values of a normal variable have the mean sd
    sqrt(2 / pi), so the second line times sqrt(pi / 2) is that of the standard deviation. Pairs
    count as independent. The interval of the slope of the spread holds it too rarely (88 % with 10
    pairs, 93 % with 50), as residuals that spread unevenly are regressed as if they did not.

    Examples
    --------
    >>> result = regression_limits([1.2, 2.1, 3.5, 4.2, 5.8], [1.0, 2.0, 3.0, 4.0, 5.0])
    >>> print(f"{result.intercept:.2f} + {result.slope:.2f} mean, sd {result.residual_sd:.2f}")
    -0.05 + 0.13 mean, sd 0.22
    """
    result = bland_altman(first, second, coverage=coverage, confidence=confidence)
    first, second, missing = _complete_pairs(first, second)
    z, n = _normal_quantile(coverage), first.size
    bias = spread = (math.nan,) * 5
    sd, kind, note = math.nan, "constant", result.note
    if n > 1 and math.isnan(result.slope):
        note = "All means are equal, so there is no line."
    elif n > 1:
        means, differences = (first + second) / 2, first - second
        middle = float(means.mean())
        line = (result.slope, result.slope_low, result.slope_high, result.slope_p)
        bias = (result.bias - result.slope * middle, *line)
        residuals = differences - bias[0] - result.slope * means
        rounding = 4 * np.finfo(float).eps * max(np.abs(first).max(), np.abs(second).max())
        if n > 2:
            certain = np.abs(residuals).max() <= rounding
            sd = 0.0 if certain else math.sqrt(residuals @ residuals / (n - 2))
            sizes = np.abs(residuals) * math.sqrt(math.pi / 2) * (not certain)
            varies = float(np.ptp(sizes) > rounding)
            line = _slope(means, sizes, varies, confidence)
            spread = (float(sizes.mean()) - line[0] * middle, *line)
            if spread[4] < 1 - confidence:
                kind = "line"
                ends = spread[0] + spread[1] * np.array([means.min(), means.max()])
                if ends.min() < 0:
                    note = "The line of the standard deviation is negative at one end of the data."
        else:
            note = "Two pairs give a line but no spread about it."
    around = spread[:2] if kind == "line" else (sd, 0.0)
    return RegressionLimits(
        n,
        missing,
        *bias,
        sd,
        *spread,
        kind,
        bias[0] - z * around[0],
        bias[1] - z * around[1],
        bias[0] + z * around[0],
        bias[1] + z * around[1],
        coverage,
        confidence,
        note,
    )


def recommended_scale(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> str:
    """Say on which scale two methods should be compared.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        One value of each method per object, in the same order and unit.
    confidence : float
        p values below 1 - confidence count.

    Returns
    -------
    str
        "difference" or "ratio", by the rule of `ratio_recommended`.

    Raises
    ------
    ValueError
        As `bland_altman`.
    """
    first, second, _ = _complete_pairs(first, second)
    if first.size < 3 or (first <= 0).any() or (second <= 0).any():
        return "difference"
    lines = regression_limits(first, second, confidence=confidence)
    logs = np.log(first), np.log(second)
    recommended = ratio_recommended(
        lines.slope_p,
        lines.spread_slope,
        lines.spread_slope_p,
        _strength(first, second),
        _strength(*logs),
        1 - confidence,
    )
    return "ratio" if recommended else "difference"


def ratio_recommended(
    slope_p: ArrayLike,
    spread_slope: ArrayLike,
    spread_slope_p: ArrayLike,
    strength: ArrayLike,
    ratio_strength: ArrayLike,
    level: float,
) -> np.ndarray:
    """Say whether limits of agreement should be ratios instead of differences.

    Parameters
    ----------
    slope_p : array_like
        p value of "the difference does not depend on the mean".
    spread_slope, spread_slope_p : array_like
        Slope of the absolute residuals on the mean, and the p value of "no slope".
    strength, ratio_strength : array_like
        How much of the differences and of their absolute residuals the mean explains (sum of both
        shares of variance), as measured and after taking logarithms; NaN where a value is not
        positive.
    level : float
        p values below it count.

    Returns
    -------
    numpy.ndarray of bool

    Notes
    -----
    The rule: there is a proportional bias, or the spread grows with the mean, and both together are
    weaker after taking logarithms. Bland & Altman, Statistical Methods in Medical Research
    1999;8:135-160, :doi:`10.1177/096228029900800204`, section 3, take logarithms for both reasons.
    """
    related = np.less(slope_p, level)
    related |= np.less(spread_slope_p, level) & np.greater(spread_slope, 0)
    return related & np.less(ratio_strength, strength)


def _strength(first: np.ndarray, second: np.ndarray) -> float:
    """Return how much of the differences and of their absolute residuals the mean explains."""
    x = (first + second) / 2
    y = first - second
    x, y = x - x.mean(), y - y.mean()
    rounding = 4 * np.finfo(float).eps * max(np.abs(first).max(), np.abs(second).max())
    if np.ptp(x) <= rounding or np.ptp(y) <= rounding:
        return 0.0
    residuals = np.abs(y - (x @ y) / (x @ x) * x)
    strength = (x @ y) ** 2 / (x @ x) / (y @ y)
    residuals -= residuals.mean()
    if np.ptp(residuals) > rounding:
        strength += (x @ residuals) ** 2 / (x @ x) / (residuals @ residuals)
    return float(strength)
