"""How well two methods agree on many features of the same objects, clustered by image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import _check_probability, _normal_quantile
from bioagree.statistics.clusters import encode, few_clusters, robust_error, robust_slope
from bioagree.statistics.magnitude import ratio_recommended
from bioagree.statistics.replicates import mover_limits
from bioagree.tables import Columns

VALUES_AT_ONCE = 2**17
"""Values of one method that are worked on together, so that they stay in the cache."""

LIMITS = ("lower", "lower_low", "lower_high", "upper", "upper_low", "upper_high")
RATIOS = {"ratio": "bias", "ratio_low": "bias_low", "ratio_high": "bias_high"} | {
    f"ratio_{name}": name for name in LIMITS
}
"""Columns of the ratio scale, and what they are the exponentials of."""


def agree(
    first: ArrayLike,
    second: ArrayLike,
    clusters: ArrayLike,
    *,
    margins: ArrayLike | None = None,
    confidence: float = 0.95,
    coverage: float = 0.95,
) -> Columns:
    """Agreement of two methods on every feature, with intervals clustered by image.

    Parameters
    ----------
    first, second : array_like, shape (objects, features)
        Values of each method on matched objects. A pair with NaN is missing, of its feature only.
        Pairs with infinite values are left out like missing ones, and the note says so.
    clusters : array_like, shape (objects,)
        Image or subject of each object.
    margins : array_like, shape (features,), optional
        Largest difference that does not matter, in the unit of the feature; NaN for none.
    confidence : float
        Confidence level of every interval. Tests of equivalence are at the level 1 - confidence.
    coverage : float
        Share of the differences that the limits are to enclose.

    Returns
    -------
    dict of str to numpy.ndarray, shape (features,)
        In the order:

        - n, clusters, missing, infinite: pairs used, clusters that hold them, pairs left out, and
          how many of these for an infinite value.
        - bias, bias_low, bias_high, bias_freedom, bias_p: mean of first - second over the objects,
          its interval, degrees of freedom, and the p value of no bias; as in `cluster_mean`.
        - sd, sd_between, sd_within: standard deviation of the difference for a new object of a new
          image, and its components between and within images (one-way analysis of variance, I - 1
          and n - I degrees of freedom, a negative component counts as zero).
        - lower, upper, each with _low and _high: limits of agreement; as in `replicated_varying`.
        - slope, slope_low, slope_high, slope_p: proportional bias, the least-squares slope of the
          difference on the mean, cluster-robust.
        - spread_slope, spread_slope_p: slope of the absolute residuals on the mean, cluster-robust.
        - scale: "difference" or "ratio", as `ratio_recommended` says.
        - ratio (geometric mean of first / second), ratio_lower, ratio_upper, each with _low and
          _high, ratio_slope and ratio_slope_p: the same from logarithms. NaN where a value is not
          positive.
        - ccc, ccc_low, ccc_high: Lin's concordance correlation (variances divided by n), with the
          delete-one-cluster jackknife of Fisher's z and I - 1 degrees of freedom.
        - deming_slope, deming_intercept, each with _low and _high: second = intercept + slope *
          first for equal error variances, with the delete-one-cluster jackknife and I - 1 degrees
          of freedom.
        - margin, equivalence_p, verdict: two one-sided cluster-robust t tests of the bias against
          the margin; "equivalent", "not shown", or "" without a margin.
        - confidence, coverage, note: as given, and what could not be computed and why.

    Raises
    ------
    ValueError
        If shapes do not fit, a label is missing, a margin is not positive, or `confidence` or
        `coverage` is not between 0 and 1.

    Notes
    -----
    n counts objects, but intervals rest on clusters. Objects that neither or only one method found
    are not here: agreement on matched objects says nothing about detection.

    References: bias and slope Bell & McCaffrey, Survey Methodology 2002;28:169-181; limits Bland &
    Altman, Journal of Biopharmaceutical Statistics 2007;17:571-582,
    :doi:`10.1080/10543400701329422`, with intervals by Zou, Statistical Methods in Medical Research
    2013;22:630-642, :doi:`10.1177/0962280211402548`; concordance Lin, Biometrics 1989;45:255-268,
    :doi:`10.2307/2532051`; Deming regression Linnet, Clinical Chemistry 1993;39:424-432,
    :doi:`10.1093/clinchem/39.3.424`; equivalence Schuirmann, Journal of Pharmacokinetics and
    Biopharmaceutics 1987;15:657-680, :doi:`10.1007/BF01068419`.

    All follow from sums of each cluster, so that 100,000 objects take about as long as reading
    them a few times.
    """
    _check_probability(confidence, "confidence")
    _check_probability(coverage, "coverage")
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 2 or first.shape != second.shape:
        raise ValueError(
            f"first has the shape {first.shape} and second {second.shape}: "
            "give one row per object and one column per feature of each."
        )
    codes, _ = encode(clusters)
    objects, features = first.shape
    if codes.size != objects:
        raise ValueError(
            f"There are {codes.size} clusters for {objects} objects: give one per object."
        )
    margin = _margins(margins, features)
    order = None
    if (np.diff(codes) < 0).any():
        order = np.argsort(codes, kind="stable")
        codes = codes[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    # at least eight columns at once, which is what a cache line holds
    width = max(8, VALUES_AT_ONCE // max(objects, 1))
    blocks = []
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for left in range(0, max(features, 1), width):
            x, y = (_columns(values, order, left, left + width) for values in (first, second))
            few = margin[left : left + width]
            blocks.append(_block(x, y, starts, few, confidence, coverage))
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


@dataclass(frozen=True)
class _Scale:
    """Sums of the differences d, the means m, and the absolute residuals r of d on m.

    Sums are of the deviations of d from `mean`, of m from `centre` and of r from its mean, in each
    cluster, of the shape (features, clusters); all else is of the shape (features,).
    """

    sizes: np.ndarray
    mean: np.ndarray
    centre: np.ndarray
    d: np.ndarray
    m: np.ndarray
    dd: np.ndarray
    mm: np.ndarray
    dm: np.ndarray
    r: np.ndarray
    rm: np.ndarray
    equal_differences: np.ndarray
    equal_means: np.ndarray
    strength: np.ndarray


def _columns(values: np.ndarray, order: np.ndarray | None, left: int, right: int) -> np.ndarray:
    """Return some columns as rows, in the order of the clusters."""
    some = values[:, left:right]
    return np.ascontiguousarray((some if order is None else some[order]).T, dtype=float)


def _margins(margins: ArrayLike | None, features: int) -> np.ndarray:
    margin = np.full(features, np.nan) if margins is None else np.asarray(margins, dtype=float)
    if margin.shape != (features,):
        raise ValueError(
            f"margins has the shape {margin.shape}, but there are {features} features."
        )
    wrong = np.flatnonzero(~(np.isnan(margin) | (margin > 0)))
    if wrong.size:
        raise ValueError(
            f"margins[{wrong[0]}] is {margin[wrong[0]]}: give a positive number, or NaN for none."
        )
    return margin


def _block(x, y, starts, margin, confidence, coverage) -> Columns:
    """Return all columns for some features."""
    low, high = _range(x, y)
    valid, positive = None, low > 0
    missing = infinite = np.zeros(len(x), np.int64)
    if not np.isfinite([low, high]).all():
        infinite = np.count_nonzero(np.isinf(x) | np.isinf(y), axis=1)
        valid = np.isfinite(x) & np.isfinite(y)
        missing = np.count_nonzero(~valid, axis=1)
        x, y = np.where(valid, x, 0), np.where(valid, y, 0)
        positive = ((x > 0) & (y > 0) | ~valid).all(axis=1) & valid.any(axis=1)
    scale = _summarise(x, y, valid, starts)
    n = scale.sizes.sum(axis=1)
    clusters = np.count_nonzero(scale.sizes, axis=1)
    enough = clusters > 1
    columns = {
        "n": n.astype(np.int64),
        "clusters": clusters,
        "missing": missing,
        "infinite": infinite,
    }
    columns |= _describe(scale, enough, confidence, coverage)

    ratios = {name: np.full(len(x), np.nan) for name in (*RATIOS, "ratio_slope", "ratio_slope_p")}
    ratio_strength = np.full(len(x), np.nan)
    if positive.any():
        logs, known = [x[positive], y[positive]], None
        if valid is not None:
            known = valid[positive]
            # a value of 1 has the logarithm 0, which adds nothing where a pair is missing
            logs = [np.where(known, values, 1) for values in logs]
        log_scale = _summarise(*(np.log(values, out=values) for values in logs), known, starts)
        described = _describe(log_scale, enough[positive], confidence, coverage)
        for name in RATIOS:
            ratios[name][positive] = np.exp(described[RATIOS[name]])
        for name in ("slope", "slope_p"):
            ratios[f"ratio_{name}"][positive] = described[name]
        ratio_strength[positive] = log_scale.strength
    recommended = ratio_recommended(
        columns["slope_p"],
        columns["spread_slope"],
        columns["spread_slope_p"],
        scale.strength,
        ratio_strength,
        1 - confidence,
    )
    columns["scale"] = np.where(n == 0, "", np.where(recommended, "ratio", "difference"))
    columns |= ratios
    columns |= _correlate(scale, enough, confidence)
    columns |= _equivalence(columns, margin, confidence)
    columns["confidence"] = np.full(len(x), confidence)
    columns["coverage"] = np.full(len(x), coverage)
    columns["note"] = _notes(columns, scale, positive)
    del columns["bias_error"]
    return columns


def _range(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest value of both methods; NaN if there is one."""
    low = np.minimum(x.min(axis=1, initial=np.inf), y.min(axis=1, initial=np.inf))
    high = np.maximum(x.max(axis=1, initial=-np.inf), y.max(axis=1, initial=-np.inf))
    return low, high


def _summarise(x, y, valid, starts) -> _Scale:
    """Return the sums of one scale; x and y hold zeros where not valid, None if all are."""
    step = max(1, VALUES_AT_ONCE // max(x.shape[1], 1))
    rows = [slice(i, i + step) for i in range(0, max(len(x), 1), step)]
    parts = [
        _summarise_some(x[few], y[few], None if valid is None else valid[few], starts)
        for few in rows
    ]
    return _Scale(*map(np.concatenate, zip(*parts, strict=True)))


def _summarise_some(x, y, valid, starts) -> tuple[np.ndarray, ...]:
    """Return the fields of `_Scale` for as many features as fit into the cache."""

    def add(values):
        return np.add.reduceat(values, starts, axis=1, dtype=float)

    def centre(values):
        middle = values.sum(axis=1) / n
        values -= middle[:, np.newaxis]
        if valid is not None:
            values *= valid
        return middle

    if valid is None:
        sizes = np.tile(np.diff(starts, append=x.shape[1]).astype(float), (len(x), 1))
    else:
        sizes = add(valid)
    n = np.maximum(sizes.sum(axis=1), 1)
    rounding = 4 * np.finfo(float).eps * np.abs(_range(x, y)).max(axis=0)
    d = x - y
    m = x + y
    m /= 2
    middles, equal = [], []
    for values in (d, m):
        middles.append(centre(values))
        spread = values.max(axis=1, initial=0) - values.min(axis=1, initial=0)
        equal.append(spread <= rounding)
        values[equal[-1]] = 0
    product = d * m
    sums = [add(d), add(m), None, None, add(product)]
    for place, values in ((2, d), (3, m)):
        np.multiply(values, values, out=product)
        sums[place] = add(product)
    dd, mm, dm = (values.sum(axis=1) for values in sums[2:])
    r = np.multiply(m, np.nan_to_num(dm / mm)[:, np.newaxis], out=product)
    r = np.abs(np.subtract(d, r, out=r), out=r)
    r[r.max(axis=1, initial=0) <= rounding] = 0
    centre(r)
    rr = np.einsum("ij,ij->i", r, r)
    sums.append(add(r))
    sums.append(add(np.multiply(r, m, out=r)))
    strength = [dm**2 / mm / dd, sums[6].sum(axis=1) ** 2 / mm / rr]
    return sizes, *middles, *sums, *equal, np.nan_to_num(strength).sum(axis=0)


def _describe(scale: _Scale, enough, confidence, coverage) -> Columns:
    """Return bias, limits and slopes of one scale."""
    from scipy.special import stdtr, stdtrit

    sizes = scale.sizes
    total = sizes.sum(axis=1)
    clusters = np.count_nonzero(sizes, axis=1)
    tail = (1 + confidence) / 2

    def test(value, error, freedom):
        p = 2 * stdtr(freedom, -np.abs(value) / error)
        return np.where(enough & (error > 0), p, np.nan)

    bias = np.where(total > 0, scale.mean, np.nan)
    error, freedom = robust_error(sizes, scale.d)
    error, freedom = (np.where(enough, values, np.nan) for values in (error, freedom))
    half = stdtrit(freedom, tail) * error

    means = np.where(sizes > 0, scale.d / sizes, 0)
    square_between = (means * scale.d).sum(axis=1)
    square_within = np.maximum(scale.dd.sum(axis=1) - square_between, 0)
    free = total - clusters
    within = np.where(free > 0, square_within / free, 0)
    size = (total - (sizes**2).sum(axis=1) / total) / (clusters - 1)
    between = np.maximum((square_between / (clusters - 1) - within) / size, 0)
    between = np.where(enough, between, np.nan)
    sd = np.sqrt(between + within)

    inverse = np.where(sizes > 0, 1 / sizes, 0).sum(axis=1) / clusters
    shift = means.sum(axis=1) / clusters
    squares = np.where(sizes > 0, (means - shift[:, np.newaxis]) ** 2, 0).sum(axis=1)
    moment = np.where(enough, squares / (clusters - 1), np.nan)
    parts = [(moment, np.maximum(clusters - 1, 1)), ((1 - inverse) * within, free)]
    ends = mover_limits(bias + shift, np.sqrt(moment / clusters), parts, coverage, confidence)
    z = _normal_quantile(coverage)

    slope, slope_error, slope_freedom = robust_slope(sizes, scale.m, scale.mm, scale.d, scale.dm)
    unknown = ~enough | scale.equal_means
    flat = scale.equal_differences & ~scale.equal_means
    slope = np.where(scale.equal_means | (total < 2), np.nan, slope)
    slope_half = stdtrit(slope_freedom, tail) * slope_error
    slope_half = np.where(unknown, np.nan, np.where(flat, 0, slope_half))
    spread, spread_error, spread_freedom = robust_slope(sizes, scale.m, scale.mm, scale.r, scale.rm)
    spread = np.where(scale.equal_means | (total < 3), np.nan, spread)
    return {
        "bias": bias,
        "bias_low": bias - half,
        "bias_high": bias + half,
        "bias_error": error,
        "bias_freedom": freedom,
        "bias_p": test(bias, error, freedom),
        "sd": sd,
        "sd_between": np.sqrt(between),
        "sd_within": np.where(free > 0, np.sqrt(within), np.nan),
        "lower": bias - z * sd,
        "lower_low": ends[0],
        "lower_high": ends[1],
        "upper": bias + z * sd,
        "upper_low": ends[2],
        "upper_high": ends[3],
        "slope": slope,
        "slope_low": slope - slope_half,
        "slope_high": slope + slope_half,
        "slope_p": np.where(
            (slope_error == 0) & (slope != 0), 0.0, test(slope, slope_error, slope_freedom)
        ),
        "spread_slope": spread,
        "spread_slope_p": test(spread, spread_error, spread_freedom),
    }


def _correlate(scale: _Scale, enough, confidence) -> Columns:
    """Return concordance and Deming regression with delete-one-cluster jackknife intervals."""
    from scipy.special import stdtrit

    sums = np.stack([scale.sizes, scale.d, scale.m, scale.dd, scale.mm, scale.dm])
    together = sums.sum(axis=2, keepdims=True)
    present = scale.sizes > 0
    clusters = np.count_nonzero(present, axis=1)
    t = stdtrit(np.where(enough, clusters - 1, np.nan), (1 + confidence) / 2)
    middle = scale.mean[:, np.newaxis], scale.centre[:, np.newaxis]
    whole, left_out = (_lines(values, *middle) for values in (together, together - sums))
    single = scale.equal_means & scale.equal_differences
    dd, mm, dm = (values.sum(axis=1) for values in (scale.dd, scale.mm, scale.dm))
    # sums of squares of first and second; rounding of their parts counts as zero
    fixed = mm + dd / 4 - np.abs(dm) <= 1e-14 * (mm + dd / 4)
    columns = {}
    for name, value, others in zip(
        ("ccc", "deming_slope", "deming_intercept"), whole, left_out, strict=True
    ):
        value = np.where(single, np.nan, value[:, 0])
        if name == "ccc":
            inside = 1 - 1e-15
            points, others = (
                np.arctanh(np.clip(values, -inside, inside)) for values in (value, others)
            )
        else:
            points = value
        others = np.where(present, others, 0)
        mean = others.sum(axis=1) / clusters
        squares = np.where(present, (others - mean[:, np.newaxis]) ** 2, 0).sum(axis=1)
        half = t * np.sqrt((clusters - 1) / clusters * squares)
        low, high = points - half, points + half
        if name == "ccc":
            low, high = np.tanh(low), np.tanh(high)
            sure = enough & (1 - np.abs(value) < 1e-14)
            low, high = (np.where(sure, value, end) for end in (low, high))
            low, high = (np.where(fixed, np.nan, end) for end in (low, high))
        columns |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return columns


def _lines(sums, mean, centre) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return concordance, Deming slope and intercept from sums about `mean` and `centre`."""
    n, d, m, dd, mm, dm = sums
    # about their own means; squares of first, second and their product are combinations of these
    dd, mm, dm = (np.maximum(dd - d * d / n, 0), np.maximum(mm - m * m / n, 0), dm - d * m / n)
    bias, level = mean + d / n, centre + m / n
    apart = dd + n * bias**2
    ccc = 1 - apart / (2 * mm + dd / 2 + n * bias**2)
    product = mm - dd / 4
    root = np.hypot(dm, product)
    slope = np.where(dm >= 0, product / (dm + root), (root - dm) / product)
    slope = np.where(np.isfinite(slope), slope, np.nan)
    return ccc, slope, level - bias / 2 - slope * (level + bias / 2)


def _equivalence(columns: Columns, margin: np.ndarray, confidence: float) -> Columns:
    """Return p value and verdict of the two one-sided tests."""
    from scipy.special import stdtr

    bias, error, freedom = (columns[f"bias{part}"] for part in ("", "_error", "_freedom"))
    t = (np.abs(bias) - margin) / error
    p = np.where(error == 0, np.where(np.abs(bias) < margin, 0.0, 1.0), stdtr(freedom, t))
    p = np.where(np.isnan(margin) | np.isnan(error), np.nan, p)
    verdict = np.where(p < 1 - confidence, "equivalent", "not shown")
    return {
        "margin": margin,
        "equivalence_p": p,
        "verdict": np.where(np.isnan(margin), "", verdict),
    }


def _notes(columns: Columns, scale: _Scale, positive: np.ndarray) -> np.ndarray:
    """Say of each feature what could not be computed and why."""
    notes = []
    for i, (n, clusters) in enumerate(zip(columns["n"], columns["clusters"], strict=True)):
        parts = []
        if columns["infinite"][i]:
            parts.append("Infinite values were left out.")
        if not n:
            parts.append("There is no complete pair, hence nothing to compute.")
            notes.append(" ".join(parts))
            continue
        parts.append(few_clusters(clusters))
        if not positive[i]:
            parts.append("Some values are not positive, so there is no ratio scale.")
        if n > 1 and clusters > 1 and n == clusters:
            parts.append("No image has two objects, so the spread within images is unknown.")
        if scale.equal_differences[i] and n > 1:
            parts.append("All differences are equal: limits equal the bias, nothing is tested.")
        elif clusters > 1 and np.isnan(columns["bias_p"][i]):
            parts.append("All images have the same mean difference, so the bias is not tested.")
        if scale.equal_means[i]:
            parts.append("All means are equal, so slopes are undefined.")
        elif clusters > 1 and np.isnan(columns["slope_low"][i]):
            parts.append("Without one image no slope is left, so slopes have no interval.")
        elif clusters > 1 and n > 1 and np.isnan(columns["spread_slope_p"][i]):
            parts.append("The spread about the line does not vary, so its slope is not tested.")
        if np.isnan(columns["deming_slope"][i]) and n > 1:
            parts.append("No line fits both methods best, so Deming regression is undefined.")
        elif clusters > 1 and np.isnan(columns["deming_slope_low"][i]):
            parts.append("Without one image no line is left, so Deming regression has no interval.")
        if clusters > 1 and np.isnan(columns["ccc_low"][i]):
            parts.append("The CCC has no interval: a method does not vary, or only in one image.")
        notes.append(" ".join(filter(None, parts)))
    return np.array(notes, dtype=str)
