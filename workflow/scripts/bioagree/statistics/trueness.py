"""How far one method is from exact values: bias, spread, and the error made of both."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import _check_probability
from bioagree.statistics.clusters import FEWEST_CLUSTERS, cluster_mean
from bioagree.statistics.samples import rounding, sentence
from bioagree.statistics.within_subject import check_measurements, describe, few, nested


@dataclass(frozen=True)
class Trueness:
    """Measurements against exact values, as `trueness` computes it.

    In the words of ISO 5725: trueness is the bias, precision the spread of repeated measurements,
    and accuracy both together. What could not be computed is NaN, and `note` says why.

    Attributes
    ----------
    n, subjects, missing : int
        Measurements used, subjects that hold them, and measurements dropped because they or their
        exact value are NaN.
    clusters : int
        Clusters the interval of the bias rests on.
    bias, bias_low, bias_high : float
        Mean of measurement - exact value, and its interval.
    percent, percent_low, percent_high : float
        Mean of 100 (measurement - exact value) / exact value, and its interval; NaN unless all
        exact values are positive.
    repeatability_sd, repeatability_low, repeatability_high : float
        Within-subject standard deviation and its interval.
    mean_squared_error, bias_squared, variance : float
        Mean squared error, and its two parts: that of the bias (trueness) and that of the spread of
        all errors about it (n in the denominator; precision, and differences between subjects).
    confidence : float
        As given.
    note : str
        Empty, or one sentence that says what could not be computed and why.
    """

    n: int
    subjects: int
    missing: int
    clusters: int
    bias: float
    bias_low: float
    bias_high: float
    percent: float
    percent_low: float
    percent_high: float
    repeatability_sd: float
    repeatability_low: float
    repeatability_high: float
    mean_squared_error: float
    bias_squared: float
    variance: float
    confidence: float
    note: str


def trueness(
    values: ArrayLike,
    exact: ArrayLike | float,
    subjects: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Trueness:
    """Bias against exact values, repeatability, and the mean squared error made of both.

    Parameters
    ----------
    values : array_like, shape (n,)
        All measurements. NaN marks a missing one: it is dropped and counted.
    exact : array_like, shape (n,), or float
        The exact value of what was measured, from the construction of a phantom for instance.
    subjects : array_like, shape (n,)
        Subject or object of each measurement.
    clusters : array_like, shape (n,), optional
        Image of each measurement. Without it, subjects count as independent.
    confidence : float
        Confidence level of the intervals.

    Returns
    -------
    Trueness

    Raises
    ------
    ValueError
        If shapes do not fit, a value is infinite, a label is missing, or `confidence` is not
        between 0 and 1.

    Notes
    -----
    ISO 5725-1:2023. Intervals of the bias are cluster-robust. Where one subject was measured again
    and again, measurements count as independent, and the interval speaks of that subject only.

    Examples
    --------
    >>> result = trueness([10.2, 10.4, 20.5, 20.1], [10, 10, 20, 20], [1, 1, 2, 2])
    >>> print(f"{result.bias:.2f} {result.percent:.2f} {result.repeatability_sd:.2f}")
    0.30 2.25 0.22
    """
    _check_probability(confidence, "confidence")
    values = np.asarray(values, dtype=float)
    check_measurements(values, "values")
    exact = np.asarray(exact, dtype=float)
    exact = np.full(values.shape, float(exact)) if exact.ndim == 0 else exact
    check_measurements(exact, "exact")
    if exact.size != values.size:
        raise ValueError(f"There are {exact.size} exact values for {values.size}: give one each.")
    codes, cluster_of = nested(values.size, subjects, clusters)
    errors = values - exact
    kept = ~np.isnan(errors)
    errors, exact, limit = errors[kept], exact[kept], rounding(values[kept], exact[kept])
    errors[np.abs(errors) <= limit] = 0
    known = codes[kept]
    subject_count = np.unique(known).size
    units = known if cluster_of is None else cluster_of[known]
    reasons = []
    if clusters is None and subject_count == 1 and errors.size > 1:
        units = np.arange(errors.size)
        reasons.append("one subject was measured, so the interval of the bias speaks of it only")
    bias = cluster_mean(errors, units, confidence=confidence)
    if not errors.size:
        reasons.append("there is no measurement with an exact value")
    elif bias.clusters < FEWEST_CLUSTERS:
        reasons.append(few(bias.clusters))
    percent = (math.nan,) * 3
    if errors.size and (exact > 0).all():
        relative = cluster_mean(100 * errors / exact, units, confidence=confidence)
        percent = relative.mean, relative.low, relative.high
    elif errors.size:
        reasons.append("not all exact values are positive, so there is no error in percent")
    spread = describe(errors, known, cluster_of, confidence, limit)
    if errors.size and not spread["freedom"]:
        reasons.append("no subject was measured twice, so there is no repeatability")
    squared = float((errors**2).mean()) if errors.size else math.nan
    return Trueness(
        n=errors.size,
        subjects=subject_count,
        missing=int(np.count_nonzero(~kept)),
        clusters=bias.clusters,
        bias=bias.mean,
        bias_low=bias.low,
        bias_high=bias.high,
        percent=percent[0],
        percent_low=percent[1],
        percent_high=percent[2],
        repeatability_sd=spread["sd"],
        repeatability_low=spread["sd_low"],
        repeatability_high=spread["sd_high"],
        mean_squared_error=squared,
        bias_squared=bias.mean**2,
        variance=max(squared - bias.mean**2, 0.0) if errors.size else math.nan,
        confidence=confidence,
        note=sentence(reasons),
    )
