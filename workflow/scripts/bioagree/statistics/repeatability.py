"""How well one method repeats itself, and (from `trueness`) how far it is from an exact value."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import _check_probability
from bioagree.statistics.trueness import Trueness as Trueness
from bioagree.statistics.trueness import trueness as trueness
from bioagree.statistics.within_subject import check_measurements, describe, nested
from bioagree.tables import Columns


@dataclass(frozen=True)
class Repeatability:
    """Spread of repeated measurements, as `repeatability` computes it.

    Values have the unit of the measurements unless said otherwise. What could not be computed is
    NaN, and `note` says why.

    Attributes
    ----------
    n, subjects, freedom : int
        Measurements used, subjects with at least two, and degrees of freedom n - subjects.
    missing, single, infinite : int
        Measurements dropped because they are NaN or infinite, subjects dropped because only one
        measurement is left, and infinite ones among the missing.
    clusters : int
        Clusters the intervals rest on; subjects where these count as independent.
    mean : float
        Mean of all measurements used.
    sd, sd_low, sd_high : float
        Within-subject standard deviation s_w and its interval.
    cv, cv_low, cv_high : float
        s_w over the mean (a fraction) where the mean is positive; the interval leaves out the
        uncertainty of the mean.
    coefficient_1979, coefficient_1979_low, coefficient_1979_high : float
        Repeatability coefficient of the British Standards Institution, 2 sqrt(2) s_w.
    coefficient_1999, coefficient_1999_low, coefficient_1999_high : float
        That of Bland & Altman 1999, 1.96 sqrt(2) s_w.
    rank_correlation, rank_p : float
        Rank correlation of the subjects' standard deviations with their means, and its p value.
    rank_statistic : str
        Which: Kendall's tau of independent subjects, Spearman's rho of clustered ones.
    log_cv, log_cv_low, log_cv_high : float
        Coefficient of variation exp(s_w of logarithms) - 1 (a fraction), where all are positive:
        what to use where s_w grows with the mean.
    confidence : float
        As given.
    note : str
        Empty, or one sentence on what could not be computed or what to use instead.
    """

    n: int
    subjects: int
    freedom: int
    missing: int
    single: int
    infinite: int
    clusters: int
    mean: float
    sd: float
    sd_low: float
    sd_high: float
    cv: float
    cv_low: float
    cv_high: float
    coefficient_1979: float
    coefficient_1979_low: float
    coefficient_1979_high: float
    coefficient_1999: float
    coefficient_1999_low: float
    coefficient_1999_high: float
    rank_correlation: float
    rank_p: float
    rank_statistic: str
    log_cv: float
    log_cv_low: float
    log_cv_high: float
    confidence: float
    note: str


def repeatability(
    values: ArrayLike,
    subjects: ArrayLike,
    *,
    confidence: float = 0.95,
    clusters: ArrayLike | None = None,
) -> Repeatability:
    """Within-subject standard deviation and repeatability coefficients of one method.

    Parameters
    ----------
    values : array_like, shape (n,)
        All measurements. NaN marks a missing one: it is dropped and counted.
    subjects : array_like, shape (n,)
        Subject or object of each measurement; the number of measurements may differ.
    confidence : float
        Confidence level of the intervals.
    clusters : array_like, shape (n,), optional
        Image of each measurement, where objects are nested in images: equal subjects in two
        clusters are two subjects. With it, intervals are a delete-one-cluster jackknife of
        log s_w^2 with clusters - 1 degrees of freedom instead of chi-square's.

    Returns
    -------
    Repeatability

    Raises
    ------
    ValueError
        If shapes do not fit, a value is infinite, a label is missing, or `confidence` is not
        between 0 and 1.

    Notes
    -----
    s_w^2 is the within-subject mean square of a one-way analysis of variance [1]_ [2]_. The 1986
    paper doubles the rounded standard deviation of the differences of two readings, so that its
    43.2 and 56.4 l/min are 43.29 and 56.32 without rounding. Whether s_w depends on the mean: [3]_;
    coefficient of variation from logarithms: [4]_.

    References
    ----------
    .. [1] Bland & Altman, Lancet 1986;327:307-310, :doi:`10.1016/S0140-6736(86)90837-8`
    .. [2] Bland & Altman, Statistical Methods in Medical Research 1999;8:135-160,
       :doi:`10.1177/096228029900800204`
    .. [3] Bland & Altman, BMJ 1996;312:1654, :doi:`10.1136/bmj.312.7047.1654`
    .. [4] Bland & Altman, BMJ 1996;313:106, :doi:`10.1136/bmj.313.7049.106`

    Examples
    --------
    >>> result = repeatability([5.1, 5.3, 7.0, 6.8, 9.1, 9.4], [1, 1, 2, 2, 3, 3])
    >>> print(f"{result.sd:.3f} ({result.sd_low:.3f} to {result.sd_high:.3f})")
    0.168 (0.095 to 0.628)
    """
    values = np.asarray(values, dtype=float)
    check_measurements(values, "values")
    columns = repeatabilities(
        values[:, np.newaxis], subjects, clusters=clusters, confidence=confidence
    )
    return Repeatability(**{f.name: columns[f.name][0].item() for f in fields(Repeatability)})


def repeatabilities(
    values: ArrayLike,
    subjects: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Columns:
    """Repeatability of many features of the same measurements.

    Parameters
    ----------
    values : array_like, shape (measurements, features)
        NaN marks a missing value, which is left out of its own column only; infinite values are
        treated like missing ones, and the note says so.
    subjects, clusters, confidence
        As for `repeatability`.

    Returns
    -------
    dict of str to numpy.ndarray, shape (features,)
        The attributes of `Repeatability`.

    Raises
    ------
    ValueError
        If shapes do not fit, a label is missing, or `confidence` is not between 0 and 1.
    """
    _check_probability(confidence, "confidence")
    values = np.asarray(values, dtype=float)
    if values.ndim != 2:
        raise ValueError(f"values must be two-dimensional, but its shape is {values.shape}.")
    codes, cluster_of = nested(len(values), subjects, clusters)
    rows = [describe(column, codes, cluster_of, confidence) for column in values.T]
    kinds = {"int": np.int64, "str": str, "float": float}
    return {
        f.name: np.array([row[f.name] for row in rows], kinds[f.type.__name__])
        for f in fields(Repeatability)
    }
