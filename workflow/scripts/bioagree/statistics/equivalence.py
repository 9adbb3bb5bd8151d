"""Equivalence of two methods or groups within a margin: two one-sided t tests."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import _check_probability, _t_quantile
from bioagree.statistics.clusters import FEWEST_CLUSTERS, cluster_mean
from bioagree.statistics.samples import codes_of, rounding, sentence


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided t tests, as `tost` and `tost_independent` compute them.

    Values have the unit of the measurements unless said otherwise. What could not be computed is
    NaN, and `note` says why.

    Attributes
    ----------
    n : int
        Differences used; of independent samples, values of both.
    missing : int
        Values dropped because they are NaN.
    clusters : int
        Clusters the test rests on; n where values count as independent.
    mean, error : float
        Mean difference and its standard error (n - 1 in the denominator of variances).
    low, high : float
        Interval of the mean difference at confidence 1 - 2 alpha.
    lower, upper : float
        Margins of equivalence.
    t_lower, t_upper : float
        Statistics of "the difference is at most `lower`" and "at least `upper`".
    p_lower, p_upper, p : float
        Their one-sided p values, and the larger of the two, which is that of "not equivalent".
    freedom : float
        Degrees of freedom.
    alpha : float
        As given.
    equivalent : bool
        Whether p < alpha.
    verdict : str
        The result in one sentence.
    note : str
        Empty, or one sentence that says what could not be computed and why.
    """

    n: int
    missing: int
    clusters: int
    mean: float
    error: float
    low: float
    high: float
    lower: float
    upper: float
    t_lower: float
    t_upper: float
    p_lower: float
    p_upper: float
    p: float
    freedom: float
    alpha: float
    equivalent: bool
    verdict: str
    note: str


def tost(
    differences: ArrayLike,
    margin: float | None = None,
    *,
    lower: float | None = None,
    upper: float | None = None,
    alpha: float = 0.05,
    clusters: ArrayLike | None = None,
) -> Equivalence:
    """Equivalence of two methods from paired differences.

    Parameters
    ----------
    differences : array_like, shape (n,)
        First minus second method per object. NaN marks a missing value: it is dropped and counted.
    margin : float, optional
        Differences between -margin and +margin are taken to be of no importance. In the unit of the
        differences, and chosen before the data are seen.
    lower, upper : float, optional
        Margins that differ; each replaces that end of -/+ margin.
    alpha : float
        Level of each one-sided test; the interval has confidence 1 - 2 alpha.
    clusters : array_like, shape (n,), optional
        The image or subject of each object. With it, the standard error is cluster-robust, with
        clusters - 1 degrees of freedom; without it, differences count as independent.

    Returns
    -------
    Equivalence

    Raises
    ------
    ValueError
        If shapes do not fit, a value is infinite, the margins are missing or in the wrong order, or
        `alpha` is not between 0 and 0.5.

    Notes
    -----
    Schuirmann [1]_. A large p does not show that the methods differ, nor does a small one in a
    test of difference that they are not equivalent.

    References
    ----------
    .. [1] Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 1987;15:657-680,
       :doi:`10.1007/BF01068419`

    Examples
    --------
    >>> result = tost([0.2, -0.1, 0.3, 0.1, -0.2, 0.0], 0.5)
    >>> print(f"{result.p:.4f} ({result.low:.2f} to {result.high:.2f})")
    0.0010 (-0.10 to 0.20)
    """
    lower, upper = _margins(margin, lower, upper, alpha)
    values, kept = _values(differences, "differences")
    codes = codes_of(clusters, kept)
    n, total = values.size, int(codes.max(initial=-1)) + 1
    reasons, mean, error, freedom = [], math.nan, math.nan, math.nan
    if n == 0:
        reasons.append("there is no difference to test")
    elif total < 2:
        mean = float(values.mean())
        reasons.append(
            "one difference has no standard error, hence there is no test"
            if clusters is None
            else "with fewer than two clusters there is no interval and no test"
        )
    elif clusters is None:
        mean, freedom = float(values.mean()), n - 1
        error = math.sqrt(_variance(values) / n)
    else:
        robust = cluster_mean(values, codes)
        mean, error, freedom = robust.mean, robust.error, robust.freedom
        if total < FEWEST_CLUSTERS:
            reasons.append(
                f"the test rests on fewer than {FEWEST_CLUSTERS} clusters, too few to trust it"
            )
    counts = {"n": n, "missing": int(np.count_nonzero(~kept)), "clusters": total}
    return _test(counts, mean, error, freedom, lower, upper, alpha, reasons)


def tost_independent(
    first: ArrayLike,
    second: ArrayLike,
    margin: float | None = None,
    *,
    lower: float | None = None,
    upper: float | None = None,
    alpha: float = 0.05,
    equal_variances: bool = False,
) -> Equivalence:
    """Equivalence of the means of two independent samples.

    Parameters
    ----------
    first, second : array_like, shape (n,) and (m,)
        Independent values: of clustered objects, give the mean of each image or subject. NaN marks
        a missing value: it is dropped and counted.
    margin, lower, upper, alpha
        As for `tost`, for the mean of first minus that of second.
    equal_variances : bool
        Pool the variances, with n + m - 2 degrees of freedom, instead of Welch's test.

    Returns
    -------
    Equivalence

    Raises
    ------
    ValueError
        As for `tost`.

    Notes
    -----
    Welch's degrees of freedom: Biometrika 1947;34:28-35, :doi:`10.1093/biomet/34.1-2.28`.
    """
    lower, upper = _margins(margin, lower, upper, alpha)
    first, kept_first = _values(first, "first")
    second, kept_second = _values(second, "second")
    sizes = np.array([first.size, second.size])
    reasons, mean, error, freedom = [], math.nan, math.nan, math.nan
    if sizes.min() == 0:
        reasons.append("a group is empty, hence there is nothing to compare")
    else:
        mean = float(first.mean() - second.mean())
        if sizes.min() == 1:
            reasons.append("a group with one value has no variance, hence there is no test")
        else:
            variances = np.array([_variance(first), _variance(second)])
            parts = variances / sizes
            if equal_variances:
                freedom = int(sizes.sum()) - 2
                pooled = float((sizes - 1) @ variances) / freedom
                error = math.sqrt(pooled * float((1 / sizes).sum()))
            else:
                error = math.sqrt(float(parts.sum()))
                below = float((parts**2 / (sizes - 1)).sum())
                freedom = float(parts.sum()) ** 2 / below if below else float(sizes.sum() - 2)
    missing = int(np.count_nonzero(~kept_first) + np.count_nonzero(~kept_second))
    total = int(sizes.sum())
    counts = {"n": total, "missing": missing, "clusters": total}
    return _test(counts, mean, error, freedom, lower, upper, alpha, reasons)


def _test(
    counts: dict[str, int],
    mean: float,
    error: float,
    freedom: float,
    lower: float,
    upper: float,
    alpha: float,
    reasons: list[str],
) -> Equivalence:
    """Test a mean with its standard error against both margins."""
    from scipy.special import stdtr

    half = t_lower = t_upper = p_lower = p_upper = math.nan
    if error > 0:
        half = _t_quantile(freedom, 1 - 2 * alpha) * error
        t_lower, t_upper = (mean - lower) / error, (mean - upper) / error
        p_lower, p_upper = float(stdtr(freedom, -t_lower)), float(stdtr(freedom, t_upper))
    elif error == 0:
        half = 0.0
        p_lower, p_upper = float(mean <= lower), float(mean >= upper)
        reasons.append(
            "the values do not vary, so the test only compares their mean with the margins"
        )
    p = max(p_lower, p_upper)
    return Equivalence(
        **counts,
        mean=mean,
        error=error,
        low=mean - half,
        high=mean + half,
        lower=lower,
        upper=upper,
        t_lower=t_lower,
        t_upper=t_upper,
        p_lower=p_lower,
        p_upper=p_upper,
        p=p,
        freedom=freedom,
        alpha=alpha,
        equivalent=p < alpha,
        verdict=_verdict(p, mean - half, mean + half, lower, upper, alpha),
        note=sentence(reasons),
    )


def _verdict(p: float, low: float, high: float, lower: float, upper: float, alpha: float) -> str:
    """Say in one sentence what the tests show."""
    if math.isnan(p):
        return "Equivalence could not be tested."
    interval = f"the {100 * (1 - 2 * alpha):.4g} % interval {low:.4g} to {high:.4g}"
    margins = f"the margins {lower:.4g} and {upper:.4g}"
    if p < alpha:
        return f"Equivalent: {interval} lies within {margins}."
    if low > upper or high < lower:
        return f"Not equivalent: {interval} lies outside {margins}."
    return f"Equivalence not shown: {interval} reaches beyond {margins}."


def _margins(
    margin: float | None, lower: float | None, upper: float | None, alpha: float
) -> tuple[float, float]:
    """Return both margins, checked."""
    _check_probability(2 * alpha, "2 * alpha")
    if margin is not None and not 0 < margin < math.inf:
        raise ValueError(f"margin must be a positive number, but is {margin}.")
    if margin is None and (lower is None or upper is None):
        raise ValueError("Give a margin, or both lower and upper.")
    lower = -margin if lower is None else lower
    upper = margin if upper is None else upper
    if not -math.inf < lower < upper < math.inf:
        raise ValueError(f"lower must be below upper, but they are {lower} and {upper}.")
    return float(lower), float(upper)


def _values(values: ArrayLike, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the values that are not NaN, and which they are."""
    values = np.asarray(values, dtype=float)
    if values.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, but its shape is {values.shape}.")
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise ValueError(
            f"{name}[{infinite[0]}] is {values[infinite[0]]}: "
            "give finite values, or NaN for a missing one."
        )
    kept = ~np.isnan(values)
    return values[kept], kept


def _variance(values: np.ndarray) -> float:
    """Return the sample variance, zero where values differ by rounding only."""
    return 0.0 if np.ptp(values) <= rounding(values) else float(values.var(ddof=1))
