"""The intraclass correlations of Shrout & Fleiss: agreement of any number of raters."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import _check_probability
from bioagree.statistics.samples import codes_of, jackknife_correlation, rounding, sentence


@dataclass(frozen=True)
class Intraclass:
    """One form of the intraclass correlation, as `icc` computes it.

    Attributes
    ----------
    form : str
        Name by Shrout & Fleiss, e.g. "ICC(2,1)".
    mcgraw_wong : str
        Name by McGraw & Wong, e.g. "ICC(A,1)".
    icc, low, high : float
        Coefficient and its interval (unitless).
    f, freedom_between, freedom_within, p : float
        F test of "no differences between subjects".
    """

    form: str
    mcgraw_wong: str
    icc: float
    low: float
    high: float
    f: float
    freedom_between: int
    freedom_within: int
    p: float


@dataclass(frozen=True)
class IntraclassTable:
    """The six intraclass correlations of Shrout & Fleiss, as `icc` computes them.

    Attributes
    ----------
    n, raters, missing : int
        Subjects used, raters, and subjects dropped because a rating is NaN.
    clusters : int
        Clusters the intervals rest on; n where subjects count as independent.
    between_subjects, within_subjects, between_raters, residual : float
        Mean squares of the analysis of variance (unit of the ratings, squared).
    forms : dict of str to Intraclass
        By the name of Shrout & Fleiss: ICC(1,1), ICC(2,1), ICC(3,1), ICC(1,k), ICC(2,k), ICC(3,k).
    confidence : float
        As given to `icc`.
    interval : str
        How the intervals were made: "F" or "delete-one-cluster jackknife".
    note : str
        Empty, or one sentence that says what could not be computed and why.
    """

    n: int
    raters: int
    missing: int
    clusters: int
    between_subjects: float
    within_subjects: float
    between_raters: float
    residual: float
    forms: dict[str, Intraclass]
    confidence: float
    interval: str
    note: str


def icc(
    ratings: ArrayLike, *, confidence: float = 0.95, clusters: ArrayLike | None = None
) -> IntraclassTable:
    """The six intraclass correlations of Shrout & Fleiss.

    Parameters
    ----------
    ratings : array_like, shape (subjects, raters)
        One row per subject or object, one column per rater or method, in one unit. Rows with NaN
        are dropped and counted.
    confidence : float
        Confidence level of the intervals.
    clusters : array_like, shape (subjects,), optional
        The image of each object. With it, intervals are delete-one-cluster jackknives of Fisher's z
        with clusters - 1 degrees of freedom, which speaks of these raters only; F tests, which need
        independent subjects, are NaN.

    Returns
    -------
    IntraclassTable

    Raises
    ------
    ValueError
        If `ratings` is not two-dimensional, has fewer than two columns or holds an infinite value,
        if the clusters do not fit, or if `confidence` is not between 0 and 1.

    Notes
    -----
    Forms 1: each subject has its own raters (one-way). Forms 2: the raters are a random sample of
    raters, absolute agreement. Forms 3: these raters only, consistency. "k" is the mean of all
    raters. Forms, F tests and intervals by [1]_; names "A" (absolute agreement) and "C"
    (consistency) by [2]_. Coefficients below zero are given as they are.

    References
    ----------
    .. [1] Shrout & Fleiss, Psychological Bulletin 1979;86:420-428,
       :doi:`10.1037/0033-2909.86.2.420`
    .. [2] McGraw & Wong, Psychological Methods 1996;1:30-46, :doi:`10.1037/1082-989X.1.1.30`

    Examples
    --------
    >>> table = icc([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9]])
    >>> print(f"{table.forms['ICC(2,1)'].icc:.2f} {table.forms['ICC(3,1)'].icc:.2f}")
    0.33 0.75
    """
    _check_probability(confidence, "confidence")
    ratings = np.asarray(ratings, dtype=float)
    if ratings.ndim != 2 or ratings.shape[1] < 2:
        raise ValueError(
            f"ratings must have one row per subject and at least two columns, one per rater, "
            f"but its shape is {ratings.shape}."
        )
    infinite = np.argwhere(np.isinf(ratings))
    if infinite.size:
        raise ValueError(
            f"ratings{infinite[0].tolist()} is infinite: give finite values, "
            "or NaN for a missing one."
        )
    complete = ~np.isnan(ratings).any(axis=1)
    codes = codes_of(clusters, complete)
    missing, ratings = int(np.count_nonzero(~complete)), ratings[complete]
    n, k = ratings.shape
    squares, reasons = np.full(4, math.nan), []
    if n < 2:
        reasons.append("fewer than two complete subjects have no variance between subjects")
        single = np.full(3, math.nan)
    else:
        sizes, squares, left_out_sizes, left_out = _mean_squares(ratings, codes)
        smallest = k * rounding(ratings) ** 2
        squares[squares <= smallest] = 0
        single = _coefficients(sizes, k, *squares)
        if not squares.any():
            reasons.append("all ratings are equal")
        elif not squares[0]:
            reasons.append("all subjects have the same mean, so there are no intervals")
        elif not squares[1]:
            reasons.append("the raters agree in every subject, so the intervals have no width")
    if clusters is None:
        bounds = _f_bounds(n, k, *squares, single[1], confidence)
    else:
        bounds = np.full((3, 2), math.nan)
        if n > 1 and not reasons:
            each = _coefficients(left_out_sizes, k, *left_out)
            for i in range(3):
                *bounds[i], reason = jackknife_correlation(single[i], each[i], confidence, k)
            reasons.append(reason)
        elif n > 1 and not squares[1]:
            bounds = np.stack([single, single], 1)
    tests = _f_tests(n, k, *squares)
    if clusters is not None:
        tests = [(f, between, within, math.nan) for f, between, within, _ in tests]
    forms = {}
    for size, sign in ((1, "1"), (k, "k")):
        for i, letter in enumerate(("", "A", "C")):
            name = f"ICC({i + 1},{sign})"
            coefficient, low, high = _average([single[i], *bounds[i]], size)
            other = f"ICC({letter},{sign})" if letter else f"ICC({sign})"
            forms[name] = Intraclass(name, other, coefficient, low, high, *tests[i])
    averages = [forms[f"ICC({i},k)"].low for i in (1, 2, 3)]
    if (np.isnan(averages) & ~np.isnan(bounds[:, 0])).any():
        reasons.append("where ratings correlate negatively, their mean has no reliability")
    between, within, raters, residual = map(float, squares)
    return IntraclassTable(
        n=n,
        raters=k,
        missing=missing,
        clusters=int(codes.max(initial=-1)) + 1,
        between_subjects=between,
        within_subjects=within,
        between_raters=raters,
        residual=residual,
        forms=forms,
        confidence=confidence,
        interval="F" if clusters is None else "delete-one-cluster jackknife of Fisher z",
        note=sentence(reasons),
    )


def _mean_squares(
    ratings: np.ndarray, codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return subjects and mean squares of all ratings, and of those without each cluster.

    Mean squares are those between subjects, within subjects, between raters, and residual.
    """
    k = ratings.shape[1]
    ratings = ratings - ratings.mean()
    subjects, raters = ratings.mean(1), ratings.mean(0)
    # centred twice, so that a constant offset between raters leaves no residual
    rest = ratings - subjects[:, np.newaxis] - raters
    terms = [None, subjects, subjects**2, (rest**2).sum(1), *rest.T]
    sums = np.stack([np.bincount(codes, term) for term in terms])

    def squares(sums):
        n = sums[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            offsets = sums[4:] / n
            between = k * (sums[2] - sums[1] ** 2 / n)
            residual = sums[3] - n * (offsets**2).sum(0)
            shifts = n * ((raters.reshape(-1, *[1] * n.ndim) + offsets) ** 2).sum(0)
            parts = [
                between / (n - 1),
                (residual + shifts) / (n * (k - 1)),
                shifts / (k - 1),
                residual / ((n - 1) * (k - 1)),
            ]
        return n, np.maximum(parts, 0)

    return *squares(sums.sum(1)), *squares(sums.sum(1, keepdims=True) - sums)


def _coefficients(n, k, between, within, raters, residual) -> np.ndarray:
    """Return the three coefficients of a single rating, NaN where undefined."""
    above = np.stack([between - within, between - residual, between - residual])
    below = np.stack(
        [
            between + (k - 1) * within,
            between + (k - 1) * residual + k * (raters - residual) / n,
            between + (k - 1) * residual,
        ]
    )
    # a denominator that cancels to rounding has no sign to trust
    largest = np.max([between, within, raters, residual], axis=0)
    defined = below > 1e-12 * largest
    return np.divide(above, below, out=np.full(above.shape, math.nan), where=defined)


def _f_bounds(n, k, between, within, raters, residual, agreement, confidence) -> np.ndarray:
    """Return the intervals of the three coefficients of a single rating, shape (3, 2)."""
    from scipy.special import fdtri

    if math.isnan(agreement) or not between:
        return np.full((3, 2), math.nan)
    upper = (1 + confidence) / 2
    freedom = (n - 1) * (k - 1)

    def of_ratio(error, freedom):
        factors = fdtri(n - 1, freedom, upper), 1 / fdtri(freedom, n - 1, upper)
        return [(between - f * error) / (between + (k - 1) * f * error) for f in factors]

    part = (n * (1 + (k - 1) * agreement) - k * agreement) * residual
    rated = k * agreement * raters
    total = (n - 1) * rated**2 + part**2
    if total == 0:
        bounds = [agreement, agreement]
    else:
        effective = freedom * (rated + part) ** 2 / total
        factors = fdtri(n - 1, effective, upper), 1 / fdtri(effective, n - 1, upper)
        spread = k * raters + (k * n - k - n) * residual
        bounds = [n * (between - f * residual) / (f * spread + n * between) for f in factors]
    return np.array([of_ratio(within, n * (k - 1)), bounds, of_ratio(residual, freedom)])


def _f_tests(n, k, between, within, raters, residual) -> list[tuple[float, int, int, float]]:
    """Return F, its degrees of freedom and p of the three models."""
    from scipy.special import fdtrc

    tests = []
    for error, freedom in (
        (within, n * (k - 1)),
        (residual, (n - 1) * (k - 1)),
        (residual, (n - 1) * (k - 1)),
    ):
        if error > 0:
            f = float(between / error)
            tests.append((f, n - 1, freedom, float(fdtrc(n - 1, freedom, f))))
        elif between > 0:
            tests.append((math.inf, n - 1, freedom, 0.0))
        else:
            tests.append((math.nan, max(n - 1, 0), max(freedom, 0), math.nan))
    return tests


def _average(values, size: int) -> list[float]:
    """Return the reliability of the mean of `size` ratings (Spearman-Brown)."""
    parts = [(size * v, 1 + (size - 1) * v) for v in values]
    return [float(above / below) if below > 1e-12 else math.nan for above, below in parts]
