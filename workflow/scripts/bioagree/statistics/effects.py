"""Differences and slopes of many features at once, with clusters instead of objects counted.

Everything is computed from sums over cells (the objects of one group in one cluster), so that a
thousand features cost little more than one, and leaving a cluster out costs nothing.
"""

import math
from dataclasses import dataclass

import numpy as np

from bioagree.statistics.clusters import FEWEST_CLUSTERS

WITHIN, BETWEEN = "within clusters", "between clusters"
SD_WITHIN = "SD within group and cluster"
SD_TOTAL = "SD within group"


@dataclass(frozen=True)
class Cells:
    """What two groups amount to in every cluster.

    Parameters
    ----------
    n, mean, squares : numpy.ndarray, shape (clusters, 2, features)
        Values, their mean (0 of none), and their sum of squared deviations from it.
    rounding : numpy.ndarray, shape (features,)
        Spread below which the values of a feature count as equal.
    """

    n: np.ndarray
    mean: np.ndarray
    squares: np.ndarray
    rounding: np.ndarray

    def only(self, clusters: np.ndarray) -> "Cells":
        """Return the cells of the clusters where the mask is true."""
        return Cells(self.n[clusters], self.mean[clusters], self.squares[clusters], self.rounding)


@dataclass(frozen=True)
class Effects:
    """One number a feature that says how much it changes, and how sure that is.

    Arrays have the shape (features,). What could not be computed is NaN, and `note` says why.

    Parameters
    ----------
    effect, effect_low, effect_high : numpy.ndarray
        Difference of the groups in the unit of the feature, or slope in units per unit of X.
    standardised, low, high : numpy.ndarray
        The same in standard deviations (Hedges' g), or the correlation with X.
    sd : numpy.ndarray
        What the standardised effect was divided by.
    standardised_by : numpy.ndarray of str
        Which standard deviation that is.
    statistic, freedom, p : numpy.ndarray
        Student t of the effect.
    n_first, n_second : numpy.ndarray
        Objects used of each group (of a numeric X: all, and 0).
    clusters : numpy.ndarray
        Clusters used.
    influence : numpy.ndarray, shape (clusters, features)
        How far each cluster moves the standardised effect; the squares add up to its variance.
    note : numpy.ndarray of str
    """

    effect: np.ndarray
    effect_low: np.ndarray
    effect_high: np.ndarray
    standardised: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sd: np.ndarray
    standardised_by: np.ndarray
    statistic: np.ndarray
    freedom: np.ndarray
    p: np.ndarray
    n_first: np.ndarray
    n_second: np.ndarray
    clusters: np.ndarray
    influence: np.ndarray
    note: np.ndarray


def cells(values: np.ndarray, second: np.ndarray, clusters: np.ndarray, count: int) -> Cells:
    """Sum up values by cluster and group.

    Parameters
    ----------
    values : numpy.ndarray, shape (objects, features)
        NaN is missing.
    second : numpy.ndarray of bool, shape (objects,)
        Whether an object belongs to the second group rather than to the first.
    clusters : numpy.ndarray of int, shape (objects,)
        Number of the cluster, from 0 to `count` - 1.
    count : int
        Number of clusters.
    """
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    cell = 2 * clusters + second
    order = np.argsort(cell, kind="stable")
    present, starts = np.unique(cell[order], return_index=True)
    shape = (2 * count, values.shape[1])

    def total(array):
        sums = np.zeros(shape)
        if len(present):
            sums[present] = np.add.reduceat(array[order], starts, axis=0)
        return sums

    n = total(known.astype(float))
    mean = total(filled) / np.maximum(n, 1)
    squares = total(np.where(known, (filled - mean[cell]) ** 2, 0.0))
    largest = np.abs(filled).max(axis=0, initial=0.0)
    rounding = 8 * np.finfo(float).eps * largest
    squares[squares <= n * rounding**2] = 0.0
    folded = (count, 2, values.shape[1])
    return Cells(n.reshape(folded), mean.reshape(folded), squares.reshape(folded), rounding)


def find_design(n: np.ndarray) -> str:
    """Say whether groups are compared within clusters or between them.

    Parameters
    ----------
    n : numpy.ndarray, shape (clusters, groups)
        Objects of each group in each cluster.

    Notes
    -----
    Within, where clusters that hold every group are at least as many as those that hold only the
    rarest one: what differs between clusters then cancels. A few mixed clusters between many pure
    ones do not make a design.
    """
    present = n > 0
    whole = np.count_nonzero(present.all(axis=1))
    alone = present[present.sum(axis=1) == 1].sum(axis=0)
    return WITHIN if whole and whole >= alone.min() else BETWEEN


def difference(table: Cells, design: str, confidence: float) -> Effects:
    """Compare the first group with the second: first - second, as the design asks.

    Notes
    -----
    Within clusters, each cluster gives the difference of its two means, and these are averaged:
    the paired t test of cluster means, on (clusters - 1) degrees of freedom. Every cluster weighs
    the same. Weights by precision, as meta-analyses take them (DerSimonian & Laird, with the errors
    of Hartung & Knapp), were tried and rejected: without any effect and with 5 to 40 objects a
    cluster, 5.1 to 5.6 % of their tests were below 0.05 instead of 4.4 to 5.2 % here
    (20,000 simulated features each), because weights that are estimated from the same differences
    make these look more alike than they are.

    Between clusters, it is Welch's t test of the cluster means.

    The standardised effect is divided by the standard deviation within group and cluster (the
    spread that a reader sees within one image), or, between clusters and where cells are too small
    for that, within group; with Hedges' factor 1 - 3 / (4 f - 1) of its f degrees of freedom [1]_.
    Its interval adds the uncertainty of that standard deviation, taken from the clusters
    (delta method).

    References
    ----------
    .. [1] Hedges, Journal of Educational Statistics 1981;6:107-128,
       :doi:`10.3102/10769986006002107`
    """
    return (_within if design == WITHIN else _between)(table, confidence)


def combine(estimates: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average the estimates of clusters, each of which weighs the same.

    Parameters
    ----------
    estimates : numpy.ndarray, shape (clusters, features)
        NaN where a cluster has none.

    Returns
    -------
    mean, error : numpy.ndarray, shape (features,)
        Mean and its standard error, NaN without a cluster, and with one.
    weights : numpy.ndarray, shape (clusters, features)
        They add up to 1; 0 where a cluster has no estimate.
    """
    used = ~np.isnan(estimates)
    count = used.sum(axis=0)
    weights = used / np.maximum(count, 1)
    mean = np.where(used, estimates, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = (np.where(used, estimates - mean, 0.0) ** 2).sum(axis=0)
    error = np.sqrt(squares / np.maximum(count - 1, 1) / np.maximum(count, 1))
    return np.where(count > 0, mean, np.nan), np.where(count > 1, error, np.nan), weights


def slope(
    values: np.ndarray, x: np.ndarray, clusters: np.ndarray, count: int, confidence: float
) -> Effects:
    """Relate features to a number that every object, or every cluster, has.

    Parameters
    ----------
    values : numpy.ndarray, shape (objects, features)
    x : numpy.ndarray, shape (objects,)
    clusters : numpy.ndarray of int, shape (objects,)
    count : int
        Number of clusters.
    confidence : float

    Notes
    -----
    Where X varies within clusters: the slope common to all clusters after the mean of every cluster
    has been taken off, standardised as the correlation within clusters; errors are clustered
    (Liang & Zeger, Biometrika 1986;73:13-22, :doi:`10.1093/biomet/73.1.13`), Student t on
    (clusters - 1). Where X is a property of clusters: least squares on cluster means, t on
    (clusters - 2), the interval of the correlation by the delta method as well.
    """
    known = ~np.isnan(values) & ~np.isnan(x)[:, None]
    y = np.where(known, values, 0.0)
    x = np.where(known, np.nan_to_num(x)[:, None], 0.0)
    sums = _summer(clusters, count)
    n = sums(known.astype(float))
    rounding_y, rounding_x = (8 * np.finfo(float).eps * np.abs(a).max(0, initial=0) for a in (y, x))
    mean_x, mean_y = sums(x) / np.maximum(n, 1), sums(y) / np.maximum(n, 1)
    dx = np.where(known, x - mean_x[clusters], 0.0)
    dy = np.where(known, y - mean_y[clusters], 0.0)
    a, b, c = sums(dx * dy), sums(dx * dx), sums(dy * dy)
    within = (b.sum(axis=0) > n.sum(axis=0) * rounding_x**2).any()
    used = n > (1 if within else 0)
    k = used.sum(axis=0)
    if within:
        freedom = k - 1.0
    else:
        center_x, center_y = (
            np.where(used, m, 0).sum(axis=0) / np.maximum(k, 1) for m in (mean_x, mean_y)
        )
        dx = np.where(used, mean_x - center_x, 0.0)
        dy = np.where(used, mean_y - center_y, 0.0)
        a, b, c = dx * dy, dx * dx, dy * dy
        freedom = k - 2.0
    total_a, total_b, total_c = a.sum(axis=0), b.sum(axis=0), c.sum(axis=0)
    size = n.sum(axis=0) if within else k
    flat_x, flat_y = total_b <= size * rounding_x**2, total_c <= size * rounding_y**2
    defined = ~flat_x & ~flat_y & (freedom > 0)
    safe_b, safe_c = np.where(flat_x, 1, total_b), np.where(flat_y, 1, total_c)
    gradient = total_a / safe_b
    r = np.clip(total_a / np.sqrt(safe_b * safe_c), -1, 1)
    correction = np.sqrt(np.maximum(k, 2) / np.maximum(k - 1, 1))
    influence = correction * (a / np.sqrt(safe_b * safe_c) - r / 2 * (b / safe_b + c / safe_c))
    if within:
        error = correction * np.sqrt(((a - gradient * b) ** 2).sum(axis=0)) / safe_b
    else:
        residual = np.maximum(total_c - gradient * total_a, 0)
        error = np.sqrt(residual / np.maximum(freedom, 1) / safe_b)
    notes = _notes(k, n.sum(axis=0) > 0)
    notes = _add(notes, flat_x & (k > 0), "X is the same everywhere")
    notes = _add(notes, flat_y & (k > 0), "all values are equal")
    exact = defined & (error <= 1e-10 * np.abs(gradient))
    notes = _add(notes, exact, "the values follow X exactly: nothing to test")
    error = np.where(defined, np.where(exact, 0.0, error), np.nan)
    gradient = np.where(flat_x | (k == 0), np.nan, gradient)
    half = quantile(freedom, confidence) * error
    statistic, p = student(gradient, error, freedom)
    spread = np.sqrt((influence**2).sum(axis=0)) * quantile(freedom, confidence)
    r = np.where(flat_x | flat_y | (k == 0), np.nan, r)
    spread = np.where(defined, spread, np.nan)
    return Effects(
        gradient,
        gradient - half,
        gradient + half,
        r,
        np.maximum(r - spread, -1),
        np.minimum(r + spread, 1),
        np.sqrt(np.where(flat_y, 0, total_c) / np.maximum(size - 1, 1)),
        np.full(len(r), "SD within cluster" if within else "SD of cluster means"),
        statistic,
        np.where(defined, freedom, np.nan),
        p,
        (n * used).sum(axis=0).astype(int),
        np.zeros(len(r), int),
        k,
        np.where(defined, influence, np.nan),
        _sentences(notes),
    )


def _within(table: Cells, confidence: float) -> Effects:
    both = (table.n > 0).all(axis=1)
    n = np.where(both[:, None], table.n, 0.0)
    squares = np.where(both[:, None], table.squares, 0.0)
    k = both.sum(axis=0)
    differences = np.where(both, table.mean[:, 0] - table.mean[:, 1], np.nan)

    sizes = n.sum(axis=(0, 1))
    freedom_cells = sizes - 2 * k
    pooled = squares.sum(axis=(0, 1)) / np.maximum(freedom_cells, 1)
    pooled[freedom_cells < k] = np.nan  # fewer than three objects a cluster: no such spread
    mean, error, weights = combine(differences)
    spread = np.nanmax(np.abs(np.where(both, differences - mean, 0)), axis=0, initial=0.0)
    equal = (spread <= 2 * table.rounding) & (k > 1)
    error = np.where(equal, 0.0, error)
    mean = np.where(np.abs(mean) <= table.rounding, 0.0, mean)

    # the variance that standardises, and what each cluster adds to or takes from it
    total, total_shares, total_freedom = _total(n, table.mean, squares)
    use_cells = ~np.isnan(pooled)
    variance = np.where(use_cells, np.nan_to_num(pooled), total)
    freedom = np.where(use_cells, freedom_cells, total_freedom)
    pulls = np.where(
        use_cells,
        (squares.sum(axis=1) - np.nan_to_num(pooled) * np.maximum(n.sum(axis=1) - 2 * both, 0))
        / np.maximum(freedom_cells, 1),
        total_shares,
    )
    sd, standardised, factor = _standardise(mean, variance, freedom, table.rounding)
    safe = np.where(sd > 0, sd, 1.0)
    pull = np.nan_to_num(standardised) * pulls / (2 * safe**2)
    own = np.where(both, np.nan_to_num(differences - mean) * factor / safe, 0.0)
    own = own - pull / np.where(weights > 0, weights, 1.0)
    spread = np.sqrt((weights * own**2).sum(axis=0) / np.maximum(k - 1, 1))
    influence = weights * own * np.sqrt(np.maximum(k, 2) / np.maximum(k - 1, 1))
    defined = (k > 1) & (sd > 0)

    notes = _notes(k, sizes > 0)
    notes = _add(notes, equal, "the groups differ by the same in every cluster: nothing to test")
    notes = _add(notes, (k > 0) & ~(sd > 0), "objects of one group are all equal, so no SD")
    return _effects(
        mean,
        error,
        k - 1.0,
        (standardised, np.where(defined, spread, np.nan), sd),
        np.where(use_cells, SD_WITHIN, SD_TOTAL),
        n.sum(axis=0),
        k,
        np.where(defined, influence, np.nan),
        notes,
        confidence,
    )


def _between(table: Cells, confidence: float) -> Effects:
    pure = (table.n > 0).sum(axis=1) == 1
    n = np.where(pure[:, None], table.n, 0.0)
    squares = np.where(pure[:, None], table.squares, 0.0)
    held = n > 0
    k = held.sum(axis=0)  # (2, features)
    means = np.where(held, table.mean, 0.0).sum(axis=0) / np.maximum(k, 1)
    off = np.where(held, table.mean - means, 0.0)
    off[np.abs(off) <= table.rounding] = 0.0
    variances = (off**2).sum(axis=0) / np.maximum(k - 1, 1) / np.maximum(k, 1)
    mean = np.where((k > 0).all(axis=0), means[0] - means[1], np.nan)
    mean = np.where(np.abs(mean) <= table.rounding, 0.0, mean)
    enough = (k > 1).all(axis=0)
    error = np.where(enough, np.sqrt(variances.sum(axis=0)), np.nan)
    shares = (variances**2 / np.maximum(k - 1, 1)).sum(axis=0)
    freedom = variances.sum(axis=0) ** 2 / np.where(shares > 0, shares, 1.0)
    freedom = np.where(shares > 0, freedom, k.sum(axis=0) - 2.0)

    variance, pulls, total_freedom = _total(n, table.mean, squares)
    sd, standardised, factor = _standardise(mean, variance, total_freedom, table.rounding)
    safe = np.where(sd > 0, sd, 1.0)
    moves = off * np.array([1.0, -1.0])[:, None] / np.maximum(k, 1) * factor / safe
    moves = moves - held * (np.nan_to_num(standardised) * pulls / (2 * safe**2))[:, None]
    moves = np.where(held, moves - (moves * held).sum(axis=0) / np.maximum(k, 1), 0.0)
    moves = moves * np.sqrt(k / np.maximum(k - 1, 1))
    influence = moves.sum(axis=1)
    spread = np.sqrt((influence**2).sum(axis=0))
    defined = enough & (sd > 0)

    notes = _notes(k.min(axis=0), n.sum(axis=(0, 1)) > 0, "in one group")
    notes = _add(notes, enough & (error == 0), "the means of all clusters of a group are equal")
    notes = _add(notes, (k > 0).all(axis=0) & ~(sd > 0), "objects of one group are all equal")
    return _effects(
        mean,
        error,
        freedom,
        (standardised, np.where(defined, spread, np.nan), sd),
        np.full(len(mean), SD_TOTAL),
        n.sum(axis=0),
        k.sum(axis=0),
        np.where(defined, influence, np.nan),
        notes,
        confidence,
    )


def _total(n, mean, squares):
    """Return the variance within groups over objects, the pull of each cluster, and its freedom."""
    of_group = n.sum(axis=0)
    centre = (n * mean).sum(axis=0) / np.maximum(of_group, 1)
    about = (squares + n * (mean - centre) ** 2).sum(axis=1)
    objects = of_group.sum(axis=0)
    freedom = objects - 2
    variance = about.sum(axis=0) / np.maximum(freedom, 1)
    expected = variance * n.sum(axis=1) * freedom / np.maximum(objects, 1)
    return variance, (about - expected) / np.maximum(freedom, 1), freedom


def _standardise(mean, variance, freedom, rounding):
    """Return SD, Hedges' g and its factor; NaN where there is no spread."""
    sd = np.sqrt(variance)
    sd = np.where((sd > rounding) & (freedom > 0), sd, 0.0)
    factor = 1 - 3 / np.maximum(4 * freedom - 1, 3)
    standardised = np.where(sd > 0, factor * mean / np.where(sd > 0, sd, 1.0), np.nan)
    return sd, standardised, factor


def _effects(mean, error, freedom, standard, by, n, clusters, influence, notes, confidence):
    standardised, spread, sd = standard
    factor = quantile(freedom, confidence)
    statistic, p = student(mean, error, freedom)
    return Effects(
        mean,
        mean - factor * error,
        mean + factor * error,
        standardised,
        standardised - factor * spread,
        standardised + factor * spread,
        sd,
        by,
        statistic,
        np.where(np.isnan(error), np.nan, freedom),
        p,
        n[0].astype(int),
        n[1].astype(int),
        clusters,
        influence,
        _sentences(notes),
    )


def student(effect, error, freedom):
    """Return Student's t and its two-sided p; NaN where nothing varies."""
    from scipy.special import stdtr

    testable = error > 0
    statistic = np.where(testable, effect / np.where(testable, error, 1.0), np.nan)
    return statistic, 2 * stdtr(np.where(testable, freedom, 1.0), -np.abs(statistic))


def quantile(freedom, confidence):
    """Return t within whose negative and itself Student's t lies with this probability."""
    from scipy.special import stdtrit

    known = freedom > 0
    return np.where(known, stdtrit(np.where(known, freedom, 1.0), (1 + confidence) / 2), np.nan)


def _summer(clusters, count):
    order = np.argsort(clusters, kind="stable")
    present, starts = np.unique(clusters[order], return_index=True)

    def sums(array):
        total = np.zeros((count, array.shape[1]))
        if len(present):
            total[present] = np.add.reduceat(array[order], starts, axis=0)
        return total

    return sums


def _notes(k, any_value, where=""):
    """Return per feature a list of reasons that the number of clusters gives."""
    notes = [[] for _ in k]
    place = f" {where}" if where else ""
    for reasons, count, some in zip(notes, k.tolist(), any_value.tolist(), strict=True):
        if not some:
            reasons.append("no cluster allows the comparison")
        elif count < 2:
            reasons.append(
                f"{count} cluster{place}: no interval and no test"
                if count
                else f"no cluster{place}"
            )
        elif count < FEWEST_CLUSTERS:
            reasons.append(f"only {count} clusters{place}: the interval rests on too few")
    return notes


def _add(notes, where, reason):
    for reasons, add in zip(notes, where.tolist(), strict=True):
        if add:
            reasons.append(reason)
    return notes


def _sentences(notes):
    return np.array([sentence(reasons) for reasons in notes], dtype=object)


def sentence(reasons: list[str]) -> str:
    """Join reasons to one sentence, empty without any."""
    text = "; ".join(reasons)
    return text[:1].upper() + text[1:] + "." if text else ""


def check_confidence(confidence: float) -> None:
    """Raise ValueError unless the level lies between 0 and 1."""
    if not 0 < confidence < 1 or math.isnan(confidence):
        raise ValueError(
            f"confidence must lie between 0 and 1, both excluded, but is {confidence}."
        )
