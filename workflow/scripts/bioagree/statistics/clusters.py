"""Means over objects whose neighbours in the same image or subject are not independent."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import _check_probability, _t_quantile
from bioagree.tables import Columns

FEWEST_CLUSTERS = 5
"""With fewer clusters an interval is still given, but its note warns."""


@dataclass(frozen=True)
class ClusterMean:
    """Mean over objects with an interval that respects their clusters.

    What could not be computed is NaN, and `note` says why.

    Attributes
    ----------
    n, clusters : int
        Objects used, and clusters that hold them.
    mean, low, high : float
        Mean over the objects, each with the same weight, and its interval.
    error : float
        Cluster-robust standard error of the mean.
    freedom : float
        Degrees of freedom of the interval and the test: clusters - 1 where all clusters hold
        equally many objects, fewer where they do not.
    p : float
        p value of "the mean is zero", two-sided.
    missing : int
        Values dropped because they are NaN.
    confidence : float
        As given.
    note : str
        Empty, or what could not be computed and why.
    """

    n: int
    clusters: int
    mean: float
    low: float
    high: float
    error: float
    freedom: float
    p: float
    missing: int
    confidence: float
    note: str


def cluster_mean(
    values: ArrayLike, clusters: ArrayLike, *, confidence: float = 0.95
) -> ClusterMean:
    """Mean over objects, its cluster-robust standard error, interval and test.

    Parameters
    ----------
    values : array_like, shape (n,)
        One value per object. NaN marks a missing value: it is dropped and counted.
    clusters : array_like, shape (n,)
        Image or subject of each object.
    confidence : float
        Confidence level of the interval.

    Returns
    -------
    ClusterMean

    Raises
    ------
    ValueError
        If the shapes do not fit, a value is infinite, a label is missing, or `confidence` is not
        between 0 and 1.

    Notes
    -----
    Any correlation within a cluster is allowed for; clusters are taken to be independent. With s_i
    the sum of the deviations from the mean in cluster i and h_i its share of the objects, the
    variance of the mean is sum(s_i^2 / (1 - h_i)) / n^2, which is unbiased where objects are
    independent (CR2 of Bell & McCaffrey [1]_). Student's t has Satterthwaite's degrees of freedom
    [2]_. With I clusters of the same size that is the usual I / (I - 1) sum(s_i^2) / n^2 with I - 1
    degrees of freedom; where sizes differ, the latter covers the mean too rarely (88 % with 5
    images and 89 % with 10, if the spread of the sizes is as large as they are).

    References
    ----------
    .. [1] Bell & McCaffrey, Survey Methodology 2002;28:169-181
    .. [2] Imbens & Kolesar, Review of Economics and Statistics 2016;98:701-712,
       :doi:`10.1162/REST_a_00552`

    Examples
    --------
    >>> result = cluster_mean([1, 2, 3, 4, 6, 8], ["a", "a", "b", "b", "c", "c"])
    >>> print(f"{result.mean:.1f} ({result.low:.2f} to {result.high:.2f})")
    4.0 (-2.92 to 10.92)
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1:
        raise ValueError(f"values must be one-dimensional, but its shape is {values.shape}.")
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise ValueError(
            f"values[{infinite[0]}] is {values[infinite[0]]}: "
            "give finite values, or NaN for a missing one."
        )
    columns = cluster_means(values[:, np.newaxis], clusters, confidence=confidence)
    return ClusterMean(
        **{
            name: columns[name][0].item()
            for name in ClusterMean.__dataclass_fields__
            if name != "confidence"
        },
        confidence=confidence,
    )


def cluster_means(values: ArrayLike, clusters: ArrayLike, *, confidence: float = 0.95) -> Columns:
    """Means of many features over the same objects.

    Parameters
    ----------
    values : array_like, shape (n, features)
        One row per object. NaN marks a missing value, which is left out of its own column only;
        infinite values are treated like missing ones, and the note says so.
    clusters : array_like, shape (n,)
        Image or subject of each object.
    confidence : float
        Confidence level of the intervals.

    Returns
    -------
    dict of str to numpy.ndarray, shape (features,)
        The attributes of `ClusterMean`, and `infinite`, the number of infinite values (they also
        count as missing).

    Raises
    ------
    ValueError
        If the shapes do not fit, a label is missing, or `confidence` is not between 0 and 1.
    """
    _check_probability(confidence, "confidence")
    values = np.asarray(values, dtype=float)
    if values.ndim != 2:
        raise ValueError(f"values must be two-dimensional, but its shape is {values.shape}.")
    codes, total = encode(clusters)
    if codes.size != len(values):
        raise ValueError(
            f"values holds {len(values)} objects and clusters {codes.size}: "
            "give one cluster per object."
        )
    rows = [_describe(column, codes, total, confidence) for column in values.T]
    kinds = {name: np.int64 for name in ("n", "clusters", "missing", "infinite")} | {"note": str}
    names = (*ClusterMean.__dataclass_fields__, "infinite")
    return {name: np.array([row[name] for row in rows], kinds.get(name, float)) for name in names}


def encode(clusters: ArrayLike) -> tuple[np.ndarray, int]:
    """Number the labels of clusters.

    Parameters
    ----------
    clusters : array_like, shape (n,)
        Labels of one kind: text, or numbers.

    Returns
    -------
    codes : numpy.ndarray of int, shape (n,)
        Position of each label among the sorted distinct ones.
    n : int
        Number of distinct labels.

    Raises
    ------
    ValueError
        If `clusters` is not one-dimensional or a label is missing (NaN or None).

    Examples
    --------
    >>> encode(["b", "a", "b"])
    (array([1, 0, 1]), 2)
    """
    labels = np.asarray(clusters)
    if labels.ndim != 1:
        raise ValueError(f"clusters must be one-dimensional, but its shape is {labels.shape}.")
    absent = labels != labels if labels.dtype.kind in "fc" else np.zeros(labels.shape, bool)
    if labels.dtype == object:
        absent = np.array([label is None or label != label for label in labels], bool)
    if absent.any():
        raise ValueError(f"clusters[{np.flatnonzero(absent)[0]}] is missing: give every label.")
    distinct, codes = np.unique(labels, return_inverse=True)
    return codes, len(distinct)


def few_clusters(clusters: int) -> str:
    """Say what is wrong with an interval from this many clusters; nothing from `FEWEST_CLUSTERS`.

    Parameters
    ----------
    clusters : int
        Number of independent clusters.
    """
    if clusters < 2:
        return "With fewer than two clusters there is no interval and no test."
    if clusters < FEWEST_CLUSTERS:
        return (
            f"The interval rests on {clusters} clusters only: fewer than {FEWEST_CLUSTERS} are "
            "too few to trust it."
        )
    return ""


def robust_error(sizes: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard error of a mean over clustered objects, and its degrees of freedom.

    Parameters
    ----------
    sizes : numpy.ndarray, shape (..., clusters)
        Objects in each cluster; at least two clusters must not be empty.
    sums : numpy.ndarray, shape (..., clusters)
        Sum of the deviations from the mean over all objects, in each cluster.

    Returns
    -------
    error, freedom : numpy.ndarray, shape (...)
        As defined by `cluster_mean`.
    """
    n = sizes.sum(axis=-1, keepdims=True)
    share = sizes / n
    rest = 1 - share
    error = np.sqrt((sums**2 / rest).sum(axis=-1)) / n[..., 0]
    freedom = 1 / (
        (share**2 * (1 - 2 * share) / rest**2).sum(axis=-1) + (share**2 / rest).sum(axis=-1) ** 2
    )
    return error, freedom


def robust_slope(
    sizes: np.ndarray, x: np.ndarray, xx: np.ndarray, y: np.ndarray, xy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least-squares slope over clustered objects, its standard error and degrees of freedom.

    Parameters
    ----------
    sizes : numpy.ndarray, shape (..., clusters)
        Objects in each cluster; at least two clusters must not be empty.
    x, xx, y, xy : numpy.ndarray, shape (..., clusters)
        In each cluster, the sums of x, x^2, y and x y, with x and y as deviations from their means
        over all objects.

    Returns
    -------
    slope, error, freedom : numpy.ndarray, shape (...)
        NaN where x does not vary; error and freedom are NaN where it varies in one cluster only.

    Notes
    -----
    CR2 of Bell & McCaffrey, Survey Methodology 2002;28:169-181, with Satterthwaite's degrees of
    freedom for a working model of independent objects, as by Imbens & Kolesar, Review of Economics
    and Statistics 2016;98:701-712, :doi:`10.1162/REST_a_00552`. The matrices of the paper, as large
    as the clusters, are taken to 2 x 2 by X f(X'X M) = f(X M X') X.
    """
    n = sizes.sum(axis=-1, keepdims=True)
    spread = xx.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = xy.sum(axis=-1, keepdims=True) / spread
        # I - X_i'X_i M, its determinant and its square root
        b11, b12, b21, b22 = 1 - sizes / n, -x / spread, -x / n, 1 - xx / spread
        determinant = b11 * b22 - b12 * b21
        root = np.sqrt(np.where(determinant > 1e-12, determinant, np.nan))
        scale = np.sqrt(b11 + b22 + 2 * root)
        p11, p12, p21, p22 = (b11 + root) / scale, b12 / scale, b21 / scale, (b22 + root) / scale
        scores = (p11 * (xy - slope * xx) - p21 * (y - slope * x)) / root
        error = np.sqrt((scores**2).sum(axis=-1)) / spread[..., 0]

        v1, v2 = x / spread, xx / spread
        own = (b11 * v2 - b21 * v1) / determinant / spread
        u1, u2 = (p22 * v1 - p12 * v2) / root, (p11 * v2 - p21 * v1) / root
        shared = u1**2 / n + u2**2 / spread
        total = [(one * two).sum(axis=-1) for one, two in ((u1, u1), (u1, u2), (u2, u2))]
        n, spread = n[..., 0], spread[..., 0]
        cross = (total[0] / n) ** 2 + 2 * total[1] ** 2 / (n * spread) + (total[2] / spread) ** 2
        freedom = (own - shared).sum(axis=-1) ** 2 / (
            (own**2 - 2 * own * shared).sum(axis=-1) + cross
        )
    return slope[..., 0], error, freedom


def _describe(column: np.ndarray, codes: np.ndarray, total: int, confidence: float) -> dict:
    """Return the row of one feature."""
    from scipy.special import stdtr

    finite = np.isfinite(column)
    x, groups = column[finite], codes[finite]
    n = x.size
    sizes = np.bincount(groups, minlength=total)
    clusters = int(np.count_nonzero(sizes))
    infinite = int(np.count_nonzero(np.isinf(column)))
    mean = float(x[0] + (x - x[0]).mean()) if n else math.nan
    error = half = p = freedom = math.nan
    notes = ["Infinite values were left out."] if infinite else []
    notes.append(few_clusters(clusters) if n else "There is no value, hence nothing to compute.")
    if clusters > 1:
        sums = np.bincount(groups, x - mean, minlength=total)
        if np.ptp(x) <= 4 * np.finfo(float).eps * np.abs(x).max():
            sums[:] = 0
        error, freedom = map(float, robust_error(sizes, sums))
        half = _t_quantile(freedom, confidence) * error
        if error:
            p = 2 * float(stdtr(freedom, -abs(mean) / error))
        else:
            notes.append("Nothing varies between clusters, so there is no test.")
    return {
        "n": n,
        "clusters": clusters,
        "mean": mean,
        "low": mean - half,
        "high": mean + half,
        "error": error,
        "freedom": freedom,
        "p": p,
        "missing": column.size - n,
        "infinite": infinite,
        "confidence": confidence,
        "note": " ".join(filter(None, notes)),
    }
