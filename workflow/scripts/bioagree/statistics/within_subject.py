"""What repeatability and trueness share: the spread of repeated measurements of a subject."""

import math

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.clusters import FEWEST_CLUSTERS, encode
from bioagree.statistics.samples import jackknife_interval, moments, rounding, sentence

DEPENDS = 0.05
"""Below this p the within-subject standard deviation is taken to change with the mean."""


def describe(
    column: np.ndarray,
    codes: np.ndarray,
    cluster_of: np.ndarray | None,
    confidence: float,
    limit: float | None = None,
) -> dict:
    """Return the spread of the repeated measurements of one feature.

    Parameters
    ----------
    column : numpy.ndarray of float, shape (n,)
        Measurements; what is not finite is missing.
    codes : numpy.ndarray of int, shape (n,)
        Number of each measurement's subject.
    cluster_of : numpy.ndarray of int, shape (subjects,), or None
        Number of each subject's cluster; None where subjects are independent.
    confidence : float
    limit : float, optional
        Deviations up to this count as zero; without it, those at the level of rounding.

    Returns
    -------
    dict
        The attributes of `bioagree.statistics.repeatability.Repeatability`.
    """
    finite = np.isfinite(column)
    counts = np.bincount(codes[finite], minlength=codes.max(initial=-1) + 1)
    single = int(np.count_nonzero(counts == 1))
    used = finite & (counts[codes] > 1)
    values, groups = column[used], np.unique(codes[used], return_inverse=True)[1]
    limit = rounding(values) if limit is None else limit
    present = np.flatnonzero(counts > 1)
    owners = np.arange(present.size) if cluster_of is None else cluster_of[present]
    owners = np.unique(owners, return_inverse=True)[1]
    infinite = int(np.count_nonzero(np.isinf(column)))
    squares, means = _within(values, groups, limit)
    freedoms = counts[present] - 1
    freedom, total = int(freedoms.sum()), int(owners.max(initial=-1)) + 1
    clustered = cluster_of is not None

    def spread(squares):
        if not freedom:
            return (math.nan,) * 3
        sd = math.sqrt(squares.sum() / freedom)
        if clustered:
            return sd, *_jackknife(squares, freedoms, owners, confidence)
        return sd, *_chi_square(sd, freedom, confidence)

    sd = spread(squares)
    mean = float(values.mean()) if values.size else math.nan
    cv = tuple(part / mean for part in sd) if mean > 0 else (math.nan,) * 3
    log_cv = (math.nan,) * 3
    if values.size and values.min() > 0:
        relative = limit / float(values.min())
        log_cv = tuple(
            _relative(part) for part in spread(_within(np.log(values), groups, relative)[0])
        )
    rank, rank_p = _dependence(np.sqrt(squares / np.maximum(freedoms, 1)), means, owners, clustered)
    reasons = ["infinite values were left out"] if infinite else []
    if not freedom:
        reasons.append("no subject was measured twice, so there is no repeatability")
    elif sd[0] == 0:
        reasons.append("repeated measurements are all equal")
    elif clustered and math.isnan(sd[1]):
        reasons.append(
            few(total)
            if total < 2
            else "one cluster holds all the spread or all the repeats, so there is no interval"
        )
    elif clustered and total < FEWEST_CLUSTERS:
        reasons.append(few(total))
    if freedom and not mean > 0:
        reasons.append("the mean is not positive, so there is no coefficient of variation")
    if rank_p < DEPENDS:
        word = "grows" if rank > 0 else "falls"
        advice = ": use log_cv" if rank > 0 and not math.isnan(log_cv[0]) else ""
        reasons.append(f"the within-subject standard deviation {word} with the mean{advice}")
    named = {"sd": sd, "cv": cv, "log_cv": log_cv}
    named["coefficient_1979"] = tuple(2 * math.sqrt(2) * part for part in sd)
    named["coefficient_1999"] = tuple(1.96 * math.sqrt(2) * part for part in sd)
    return {
        "n": values.size,
        "subjects": present.size,
        "freedom": freedom,
        "missing": column.size - int(np.count_nonzero(finite)),
        "single": single,
        "infinite": infinite,
        "clusters": total,
        "mean": mean,
        **{
            f"{name}{part}": value
            for name, triple in named.items()
            for part, value in zip(("", "_low", "_high"), triple, strict=True)
        },
        "rank_correlation": rank,
        "rank_p": rank_p,
        "rank_statistic": "Spearman rho" if clustered else "Kendall tau",
        "confidence": confidence,
        "note": sentence(reasons),
    }


def _within(values: np.ndarray, groups: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of squares about the mean of each subject, and this mean."""
    counts = np.bincount(groups)
    start = values.min(initial=math.inf) if values.size else 0.0
    means = start + np.bincount(groups, values - start) / counts
    deviations = values - means[groups]
    deviations[np.abs(deviations) <= limit] = 0
    return np.bincount(groups, deviations**2), means


def _chi_square(sd: float, freedom: int, confidence: float) -> tuple[float, float]:
    """Return the interval of a standard deviation of normal values."""
    from scipy.special import chdtri

    tail = (1 - confidence) / 2
    return tuple(sd * math.sqrt(freedom / float(chdtri(freedom, p))) for p in (tail, 1 - tail))


def _jackknife(
    squares: np.ndarray, freedoms: np.ndarray, owners: np.ndarray, confidence: float
) -> tuple[float, float]:
    """Return the interval of s_w by leaving out clusters."""
    if not squares.any():
        return 0.0, 0.0
    left_squares = squares.sum() - np.bincount(owners, squares)
    left_freedoms = freedoms.sum() - np.bincount(owners, freedoms)
    if left_squares.size < 2 or (left_freedoms < 0.5).any():
        return math.nan, math.nan
    # what is left of a difference of sums is rounding
    if (left_squares <= 1e-12 * squares.sum()).any():
        return math.nan, math.nan
    whole = math.log(squares.sum() / freedoms.sum())
    logarithms = np.log(left_squares / left_freedoms)
    _, low, high = jackknife_interval(whole, logarithms, logarithms.size - 1, confidence)
    return math.exp(low / 2), math.exp(high / 2) if high < 1400 else math.inf


def _relative(deviation: float) -> float:
    """Return the coefficient of variation that belongs to a standard deviation of logarithms."""
    return math.expm1(deviation) if not deviation > 700 else math.inf


def _dependence(
    deviations: np.ndarray, means: np.ndarray, owners: np.ndarray, clustered: bool
) -> tuple[float, float]:
    """Return the rank correlation of standard deviations with means, and its p value."""
    from scipy.special import stdtr
    from scipy.stats import kendalltau, rankdata

    if means.size < 3 or np.ptp(deviations) == 0 or np.ptp(means) == 0:
        return math.nan, math.nan
    if not clustered:
        tau = kendalltau(deviations, means)
        return float(tau.statistic), float(tau.pvalue)
    # ranks of the whole sample stay when a cluster is left out
    whole, left_out = moments(rankdata(deviations), rankdata(means), owners)
    rho = float(whole[5] / math.sqrt(whole[3] * whole[4]))
    total = left_out.shape[1]
    if total < 2 or not (left_out[3:5] > 0).all() or 1 - abs(rho) < 1e-12:
        return rho, math.nan
    z = np.arctanh(np.clip(left_out[5] / np.sqrt(left_out[3] * left_out[4]), -1 + 1e-15, 1 - 1e-15))
    error, _, _ = jackknife_interval(math.atanh(rho), z, total - 1, 0.95)
    return rho, 2 * float(stdtr(total - 1, -abs(math.atanh(rho)) / error)) if error else math.nan


def nested(
    size: int, subjects: ArrayLike, clusters: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Number the subjects of measurements, and give the cluster of each subject.

    Parameters
    ----------
    size : int
        Number of measurements.
    subjects, clusters : array_like, shape (size,)
        Labels; equal subjects in two clusters are two subjects. No clusters: None.

    Returns
    -------
    codes : numpy.ndarray of int, shape (size,)
    cluster_of : numpy.ndarray of int, shape (subjects,), or None

    Raises
    ------
    ValueError
        If lengths differ or a label is missing.
    """
    codes, total = encode(subjects)
    if codes.size != size:
        raise ValueError(f"There are {codes.size} subjects for {size} measurements: give one each.")
    if clusters is None:
        return codes, None
    groups, _ = encode(clusters)
    if groups.size != size:
        raise ValueError(
            f"There are {groups.size} clusters for {size} measurements: give one each."
        )
    keys, codes = np.unique(groups * total + codes, return_inverse=True)
    return codes, keys // max(total, 1)


def check_measurements(values: np.ndarray, name: str) -> None:
    """Raise ValueError unless values are one-dimensional and not infinite."""
    if values.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, but its shape is {values.shape}.")
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise ValueError(
            f"{name}[{infinite[0]}] is {values[infinite[0]]}: "
            "give finite values, or NaN for a missing one."
        )


def few(clusters: int) -> str:
    """Say what is wrong with an interval from so few clusters."""
    if clusters < 2:
        return "with fewer than two clusters there is no interval"
    return f"the interval rests on fewer than {FEWEST_CLUSTERS} clusters, too few to trust it"
