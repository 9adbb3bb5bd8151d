"""Agreement in one number: Lin's concordance correlation (and, beside it, the intraclass ones)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import _check_probability, _normal_quantile
from bioagree.statistics.intraclass import icc as icc
from bioagree.statistics.samples import (
    complete_pairs,
    jackknife_correlation,
    moments,
    rounding,
    sentence,
)


@dataclass(frozen=True)
class Concordance:
    """Lin's concordance correlation of two methods, as `lins_ccc` computes it.

    All but the counts are unitless. What could not be computed is NaN, and `note` says why.

    Attributes
    ----------
    n, missing : int
        Pairs used, and pairs dropped because either value is NaN.
    clusters : int
        Clusters the interval rests on; n where the pairs count as independent.
    ccc, low, high : float
        Concordance correlation coefficient and its interval.
    precision : float
        Pearson's correlation: how closely the points follow any line.
    accuracy : float
        Bias correction factor C_b: how close that line is to equality; ccc = precision * accuracy.
    location_shift : float
        Difference of the means over the geometric mean of the standard deviations (first - second).
    scale_shift : float
        Standard deviation of the first over that of the second.
    ddof : int
        Variances divide by n - ddof.
    confidence : float
        As given to `lins_ccc`.
    interval : str
        How the interval was made: "Fisher z" or "delete-one-cluster jackknife of Fisher z".
    note : str
        Empty, or one sentence that says what could not be computed and why.
    """

    n: int
    missing: int
    clusters: int
    ccc: float
    low: float
    high: float
    precision: float
    accuracy: float
    location_shift: float
    scale_shift: float
    ddof: int
    confidence: float
    interval: str
    note: str


def lins_ccc(
    first: ArrayLike,
    second: ArrayLike,
    *,
    confidence: float = 0.95,
    ddof: int = 0,
    clusters: ArrayLike | None = None,
) -> Concordance:
    """Lin's concordance correlation coefficient of two methods.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        One value of each method per object, in the same order and unit. Pairs with NaN are dropped
        and counted.
    confidence : float
        Confidence level of the interval.
    ddof : {0, 1}
        Variances divide by n - ddof. Lin 1989 divides by n; 1 gives what programs with the usual
        sample variances print. They differ by the weight of the difference of the means.
    clusters : array_like, shape (n,), optional
        The image or subject of each pair. With it, the interval is a delete-one-cluster jackknife
        of Fisher's z with clusters - 1 degrees of freedom; without it, pairs count as independent.

    Returns
    -------
    Concordance

    Raises
    ------
    ValueError
        If inputs are not one-dimensional, differ in length or hold an infinite value, or
        `confidence` is not between 0 and 1, or `ddof` is neither 0 nor 1.

    Notes
    -----
    Definition of Lin [1]_, interval by Fisher's z with the variance as corrected in 2000 [2]_. It
    assumes normal pairs, and covers less than it says with few pairs: `known_coverage`.

    References
    ----------
    .. [1] Lin, Biometrics 1989;45:255-268, :doi:`10.2307/2532051`
    .. [2] Lin, Biometrics 2000;56:324-325, :doi:`10.1111/j.0006-341X.2000.00324.x`

    Examples
    --------
    >>> result = lins_ccc([1.0, 2.1, 2.9, 4.2, 5.0], [1.2, 1.9, 3.1, 4.0, 5.3])
    >>> print(f"{result.ccc:.3f} ({result.low:.3f} to {result.high:.3f})")
    0.988 (0.894 to 0.999)
    """
    _check_probability(confidence, "confidence")
    if ddof not in (0, 1):
        raise ValueError(f"ddof must be 0 or 1, but is {ddof}.")
    first, second, codes, missing = complete_pairs(first, second, clusters)
    n, total = first.size, int(codes.max(initial=-1)) + 1
    ccc, precision, accuracy, location, scale = (math.nan,) * 5
    low = high = math.nan
    reasons = []
    if n < 2:
        reasons.append("fewer than two complete pairs have no correlation")
    else:
        whole, left_out = moments(first, second, codes)
        smallest = n * rounding(first, second) ** 2
        whole[3:5][whole[3:5] <= smallest] = 0
        ccc, precision, accuracy, location, scale = map(float, _concordance(whole, ddof))
        if math.isnan(ccc):
            reasons.append("both methods give one and the same value everywhere")
        elif math.isnan(precision):
            reasons.append("a method gives the same value everywhere, so there is no interval")
        elif 1 - abs(ccc) < 1e-14:
            low = high = ccc
            reasons.append("all points lie on one line, so the interval has no width")
        elif clusters is not None:
            low, high, reason = jackknife_correlation(
                ccc, _concordance(left_out, ddof)[0], confidence
            )
            reasons.append(reason)
        elif n == 2:
            reasons.append("two pairs give no interval")
        else:
            half = _normal_quantile(confidence) * _z_error(n, ccc, precision, accuracy, location)
            low, high = math.tanh(math.atanh(ccc) - half), math.tanh(math.atanh(ccc) + half)
    return Concordance(
        n=n,
        missing=missing,
        clusters=total,
        ccc=ccc,
        low=low,
        high=high,
        precision=precision,
        accuracy=accuracy,
        location_shift=location,
        scale_shift=scale,
        ddof=ddof,
        confidence=confidence,
        interval="Fisher z" if clusters is None else "delete-one-cluster jackknife of Fisher z",
        note=sentence(reasons),
    )


def _concordance(sums: np.ndarray, ddof: int) -> np.ndarray:
    """Return coefficient, precision, accuracy, location and scale shift; NaN where undefined."""
    n, x, y, xx, yy, xy = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        variances, product = np.stack([xx, yy]) / (n - ddof), xy / (n - ddof)
        deviation = np.sqrt(variances)
        mean_deviation = np.sqrt(deviation[0] * deviation[1])
        return np.stack(
            [
                2 * product / (variances[0] + variances[1] + (x - y) ** 2),
                np.clip(product / mean_deviation**2, -1, 1),
                2 * mean_deviation**2 / (variances[0] + variances[1] + (x - y) ** 2),
                (x - y) / mean_deviation,
                deviation[0] / deviation[1],
            ]
        )


def _z_error(n: int, ccc: float, precision: float, accuracy: float, location: float) -> float:
    """Return the standard error of Fisher's z of the coefficient, as corrected in 2000.

    Lin divides powers of the coefficient by powers of the precision; accuracy stands for their
    ratio, which holds for a precision of zero too.
    """
    rest = 1 - ccc**2
    variance = (
        (1 - precision**2) * accuracy**2 / rest
        + 2 * accuracy * ccc**2 * (1 - ccc) * location**2 / rest**2
        - (accuracy * ccc * location**2) ** 2 / (2 * rest**2)
    ) / (n - 2)
    return math.sqrt(max(variance, 0))
