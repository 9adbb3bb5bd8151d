"""Limits of agreement where every subject was measured more than once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import (
    _check_probability,
    _complete_pairs,
    _normal_quantile,
    _t_quantile,
)
from bioagree.statistics.clusters import encode, few_clusters, robust_error


@dataclass(frozen=True)
class Replicated:
    """Agreement of two methods with replicates, for single measurements of a new subject.

    Values have the unit of the measurements, variances its square. What could not be computed is
    NaN, and `note` says why.

    Attributes
    ----------
    design : str
        "constant" or "varying": what the true value does between the replicates of a subject.
    subjects : int
        Subjects with at least one measurement of both methods; the number the intervals rest on.
    measurements_first, measurements_second : int
        Measurements used.
    bias, bias_low, bias_high : float
        Mean difference first - second, and its Student t interval.
    sd : float
        Standard deviation of the difference of one measurement of each method, in a new subject.
    lower, lower_low, lower_high : float
        Lower limit of agreement and its interval.
    upper, upper_low, upper_high : float
        Upper limit of agreement and its interval.
    variance_means : float
        Variance of the subjects' mean differences (subjects - 1 in the denominator).
    variance_between : float
        Variance component of the difference between subjects; not below zero.
    variance_within : float
        Variance component of the difference within subjects.
    variance_first, variance_second : float
        Variance within subjects of each method. NaN where the true value varies: it cannot be
        told from the error of measurement.
    missing : int
        Measurements (or, where they come in pairs, pairs) dropped because they are NaN.
    coverage, confidence : float
        As given.
    note : str
        Empty, or what could not be computed and why.
    """

    design: str
    subjects: int
    measurements_first: int
    measurements_second: int
    bias: float
    bias_low: float
    bias_high: float
    sd: float
    lower: float
    lower_low: float
    lower_high: float
    upper: float
    upper_low: float
    upper_high: float
    variance_means: float
    variance_between: float
    variance_within: float
    variance_first: float
    variance_second: float
    missing: int
    coverage: float
    confidence: float
    note: str


def replicated_constant(
    first: ArrayLike,
    first_subjects: ArrayLike,
    second: ArrayLike,
    second_subjects: ArrayLike,
    *,
    coverage: float = 0.95,
    confidence: float = 0.95,
) -> Replicated:
    """Limits of agreement where each method measured every subject several times.

    The true value of a subject is taken to stay the same. Replicates need not come in pairs, and
    their numbers may differ between subjects and methods.

    Parameters
    ----------
    first, second : array_like, shape (n_first,) and (n_second,)
        Measurements of each method. NaN marks a missing one: it is dropped and counted.
    first_subjects, second_subjects : array_like, shape (n_first,) and (n_second,)
        Subject of each measurement, named alike for both methods.
    coverage : float
        Share of the differences that the limits are to enclose.
    confidence : float
        Confidence level of every interval.

    Returns
    -------
    Replicated

    Raises
    ------
    ValueError
        If the shapes do not fit, a value is infinite, a label is missing, or `coverage` or
        `confidence` is not between 0 and 1.

    Notes
    -----
    The bias is the mean of the subjects' mean differences, each subject with the same weight. The
    variance of a single difference is s²(d) + (1 - mean(1/m_x)) s²(xw) + (1 - mean(1/m_y)) s²(yw)
    ([1]_, section 5.2; with two replicates each, the correction of 1986 [2]_), with s²(d) the
    variance of the subjects' mean differences and s²(xw), s²(yw) the pooled variances within
    subjects. Intervals of the limits: MOVER [3]_; they take the differences, and the measurements
    within subjects, to be normal.

    References
    ----------
    .. [1] Bland & Altman, Statistical Methods in Medical Research 1999;8:135-160,
       :doi:`10.1177/096228029900800204`
    .. [2] Bland & Altman, Lancet 1986;327:307-310, :doi:`10.1016/S0140-6736(86)90837-8`
    .. [3] Zou, Statistical Methods in Medical Research 2013;22:630-642,
       :doi:`10.1177/0962280211402548`
    """
    _check_probability(coverage, "coverage")
    _check_probability(confidence, "confidence")
    one, subjects_one, missing_one = _measurements(first, first_subjects, "first")
    two, subjects_two, missing_two = _measurements(second, second_subjects, "second")
    codes, _ = encode(np.concatenate([subjects_one, subjects_two]))
    both = np.intersect1d(codes[: one.size], codes[one.size :])
    groups = (
        _group(one, codes[: one.size], both),
        _group(two, codes[one.size :], both),
    )
    notes = []
    alone = len(np.unique(codes)) - len(both)
    if alone:
        notes.append(f"{alone} of the subjects were measured by one method only and left out.")
    means = groups[0].means - groups[1].means
    moment = _moment(means, max(group.rounding for group in groups))
    n = len(means)
    bias = float(means.mean()) if n else math.nan
    half = _t_quantile(n - 1, confidence) * math.sqrt(moment / n) if n > 1 else math.nan
    parts = [(moment, n - 1), *((group.excess * group.variance, group.freedom) for group in groups)]
    total = sum(value for value, _ in parts)
    variances = [group.variance if group.freedom else math.nan for group in groups]
    between = max(moment - sum(g.variance * g.inverse for g in groups), 0) if n > 1 else math.nan
    return _result(
        design="constant",
        subjects=n,
        measurements_first=int(groups[0].sizes.sum()),
        measurements_second=int(groups[1].sizes.sum()),
        bias=bias,
        bias_low=bias - half,
        bias_high=bias + half,
        sd=math.sqrt(total),
        intervals=(bias, math.sqrt(moment / n) if n > 1 else math.nan, parts),
        variance_means=moment,
        variance_between=between,
        variance_within=sum(variances),
        variance_first=variances[0],
        variance_second=variances[1],
        missing=missing_one + missing_two,
        coverage=coverage,
        confidence=confidence,
        notes=notes,
    )


def replicated_varying(
    first: ArrayLike,
    second: ArrayLike,
    subjects: ArrayLike,
    *,
    coverage: float = 0.95,
    confidence: float = 0.95,
) -> Replicated:
    """Limits of agreement of pairs of measurements, several pairs for each subject.

    The true value of a subject may change from pair to pair; both methods of a pair measure the
    same value.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        One value of each method per pair. NaN marks a missing value: its pair is dropped and
        counted.
    subjects : array_like, shape (n,)
        Subject of each pair.
    coverage : float
        Share of the differences that the limits are to enclose.
    confidence : float
        Confidence level of every interval.

    Returns
    -------
    Replicated

    Raises
    ------
    ValueError
        If the shapes do not fit, a value is infinite, a label is missing, or `coverage` or
        `confidence` is not between 0 and 1.

    Notes
    -----
    The bias is the mean over all pairs. The variance of a difference is the sum of the components
    between and within subjects of a one-way analysis of variance of the differences; with unequal
    numbers m of pairs, the component between I subjects is (mean square between - mean square
    within) (I - 1) sum(m) / (sum(m)^2 - sum(m^2)) [1]_, and zero if that is negative.

    The interval of the bias is that of `cluster_mean`. The intervals of the limits are those of
    Zou (MOVER) [2]_, who weighs every subject alike, also where their numbers of pairs differ; they
    take both components to be normal.

    References
    ----------
    .. [1] Bland & Altman, Journal of Biopharmaceutical Statistics 2007;17:571-582,
       :doi:`10.1080/10543400701329422`
    .. [2] Zou, Statistical Methods in Medical Research 2013;22:630-642,
       :doi:`10.1177/0962280211402548`
    """
    _check_probability(coverage, "coverage")
    _check_probability(confidence, "confidence")
    labels, _ = encode(subjects)
    complete = ~np.isnan(np.asarray(first, float)) & ~np.isnan(np.asarray(second, float))
    one, two, missing = _complete_pairs(first, second)
    if labels.size != complete.size:
        raise ValueError(
            f"There are {labels.size} subjects for {complete.size} pairs: give one per pair."
        )
    labels = labels[complete]
    differences = one - two
    group = _group(differences, labels, np.unique(labels))
    rounding = (
        4 * np.finfo(float).eps * max(np.abs(one).max(), np.abs(two).max()) if one.size else 0
    )
    if one.size and np.ptp(differences) <= rounding:
        group = _group(np.full_like(differences, differences[0]), labels, np.unique(labels))
    n, total = len(group.means), differences.size
    moment = _moment(group.means, rounding)
    bias = float(differences.mean()) if total else math.nan
    half = between = sd = math.nan
    if n > 1:
        error, freedom = robust_error(group.sizes, group.sizes * (group.means - bias))
        half = _t_quantile(float(freedom), confidence) * float(error) if moment else 0.0
        square = float(group.sizes @ (group.means - bias) ** 2) / (n - 1) if moment else 0.0
        size = (total - float(group.sizes @ group.sizes) / total) / (n - 1)
        between = max((square - group.variance) / size, 0.0)
        sd = math.sqrt(between + group.variance)
    parts = [(moment, n - 1), (group.excess * group.variance, group.freedom)]
    centre = float(group.means.mean()) if n else math.nan
    return _result(
        design="varying",
        subjects=n,
        measurements_first=total,
        measurements_second=total,
        bias=bias,
        bias_low=bias - half,
        bias_high=bias + half,
        sd=sd,
        intervals=(centre, math.sqrt(moment / n) if n > 1 else math.nan, parts),
        variance_means=moment,
        variance_between=between,
        variance_within=group.variance if group.freedom else math.nan,
        variance_first=math.nan,
        variance_second=math.nan,
        missing=missing,
        coverage=coverage,
        confidence=confidence,
        notes=[],
    )


def mover_limits(
    mean: ArrayLike,
    error: ArrayLike,
    parts: Sequence[tuple[ArrayLike, ArrayLike]],
    coverage: float,
    confidence: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Intervals of both limits of agreement, where the variance is a sum of mean squares.

    Parameters
    ----------
    mean, error : array_like
        Bias and its standard error.
    parts : sequence of (array_like, array_like)
        Each part of the variance, already multiplied by its coefficient, and its degrees of
        freedom. A part without degrees of freedom must be zero.
    coverage, confidence : float
        As for the limits.

    Returns
    -------
    lower_low, lower_high, upper_low, upper_high : numpy.ndarray

    Notes
    -----
    Method of variance estimates recovery: Zou, Statistical Methods in Medical Research
    2013;22:630-642, :doi:`10.1177/0962280211402548`. The error of the bias counts with a normal
    quantile, as in the paper.
    """
    from scipy.special import chdtri

    tail = (1 - confidence) / 2
    z, t = _normal_quantile(coverage), _normal_quantile(confidence)
    total = down = up = 0.0
    for value, freedom in parts:
        value, freedom = np.asarray(value, float), np.asarray(freedom, float)
        some = np.maximum(freedom, 1)
        total = total + value
        down = down + (value * (1 - some / chdtri(some, tail))) ** 2
        up = up + (value * (some / chdtri(some, 1 - tail) - 1)) ** 2
    sd = np.sqrt(total)
    inner = sd - np.sqrt(np.maximum(total - np.sqrt(down), 0))
    outer = np.sqrt(total + np.sqrt(up)) - sd
    near = np.sqrt((t * np.asarray(error)) ** 2 + (z * inner) ** 2)
    far = np.sqrt((t * np.asarray(error)) ** 2 + (z * outer) ** 2)
    lower, upper = mean - z * sd, mean + z * sd
    return lower - far, lower + near, upper - near, upper + far


@dataclass(frozen=True)
class _Group:
    """Means and variance within subjects of some measurements."""

    sizes: np.ndarray
    means: np.ndarray
    variance: float
    freedom: int
    rounding: float

    @property
    def inverse(self) -> float:
        """Mean of 1 / (number of measurements) over the subjects."""
        return float((1 / self.sizes).mean()) if self.sizes.size else 1.0

    @property
    def excess(self) -> float:
        """Share of the variance within subjects that their means do not hold."""
        return 1 - self.inverse


def _measurements(
    values: ArrayLike, subjects: ArrayLike, name: str
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the measurements without NaN, their subjects, and how many were dropped."""
    values, labels = np.asarray(values, dtype=float), np.asarray(subjects)
    encode(labels)
    if values.ndim != 1 or values.shape != labels.shape:
        raise ValueError(
            f"{name} has the shape {values.shape} and {name}_subjects {labels.shape}: "
            "give one subject per measurement."
        )
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise ValueError(
            f"{name}[{infinite[0]}] is {values[infinite[0]]}: "
            "give finite values, or NaN for a missing one."
        )
    kept = ~np.isnan(values)
    return values[kept], labels[kept], int(np.count_nonzero(~kept))


def _group(values: np.ndarray, codes: np.ndarray, subjects: np.ndarray) -> _Group:
    """Return sizes, means and variance of the measurements of the named subjects."""
    known = np.isin(codes, subjects)
    values, codes = values[known], np.searchsorted(subjects, codes[known])
    rounding = 4 * np.finfo(float).eps * np.abs(values).max() if values.size else 0.0
    sizes = np.bincount(codes, minlength=len(subjects))
    start = values[0] if values.size else 0.0
    means = start + np.bincount(codes, values - start, minlength=len(subjects)) / sizes
    freedom = int(values.size - len(subjects))
    residuals = values - means[codes]
    varies = freedom > 0 and np.abs(residuals).max() > rounding
    variance = float(residuals @ residuals) / freedom if varies else 0.0
    return _Group(sizes, means, variance, freedom, rounding)


def _moment(means: np.ndarray, rounding: float) -> float:
    """Return the variance of the subjects' means, NaN for fewer than two."""
    if means.size < 2:
        return math.nan
    return 0.0 if np.ptp(means) <= rounding else float(means.var(ddof=1))


def _result(*, intervals, notes, **known) -> Replicated:
    """Add limits and notes."""
    z = _normal_quantile(known["coverage"])
    subjects = known["subjects"]
    limits = dict.fromkeys(("lower_low", "lower_high", "upper_low", "upper_high"), math.nan)
    if not subjects:
        notes.append("There is no subject with both methods, hence nothing to compute.")
    elif subjects == 1:
        notes.append("With one subject there are no limits and no intervals.")
    else:
        ends = mover_limits(*intervals, known["coverage"], known["confidence"])
        limits = dict(zip(limits, map(float, ends), strict=True))
        notes.append(few_clusters(subjects).replace("clusters", "subjects"))
        if known["measurements_first"] + known["measurements_second"] == 2 * subjects:
            notes.append("No subject has replicates, so the variance within subjects is unknown.")
        if known["sd"] == 0:
            notes.append("All differences are equal, so the limits equal the bias.")
    return Replicated(
        **known,
        **limits,
        lower=known["bias"] - z * known["sd"],
        upper=known["bias"] + z * known["sd"],
        note=" ".join(filter(None, notes)),
    )
