"""Whether the assumptions of a comparison hold, and whether one cluster or block carries it."""

import math
from dataclasses import dataclass

import numpy as np

from bioagree.statistics import effects
from bioagree.statistics.effects import WITHIN

_LEVEL = 0.05


@dataclass(frozen=True)
class Check:
    """One assumption.

    Attributes
    ----------
    check : str
        What is assumed or tried.
    method : str
        How.
    n : int
        Numbers that went in.
    statistic, p : float
        Of a test of the assumption; a large p does not prove that it holds.
    low, high : float
        Of "left out": the smallest and largest effect, in the unit of the values; of equal
        spread within clusters: interval of the ratio of the standard deviations, first / second.
    holds : str
        "yes", "no" or "unknown".
    note : str
    """

    check: str
    method: str
    n: int
    statistic: float = math.nan
    p: float = math.nan
    low: float = math.nan
    high: float = math.nan
    holds: str = "unknown"
    note: str = ""


def check(
    values: np.ndarray,
    groups: np.ndarray,
    clusters: np.ndarray,
    blocks: np.ndarray | None,
    *,
    design: str,
    cluster_names: tuple[str, ...],
    block_names: tuple[str, ...],
    cluster_unit: str,
    block_unit: str,
    confidence: float,
) -> tuple[Check, ...]:
    """Check what a comparison of groups rests on.

    Parameters
    ----------
    values : numpy.ndarray, shape (objects,)
        Without NaN.
    groups, clusters, blocks : numpy.ndarray of int, shape (objects,)
    design : str
    cluster_names, block_names : tuple of str
    cluster_unit, block_unit : str
        What clusters and blocks are.
    confidence : float

    Notes
    -----
    Normality: Shapiro & Wilk, of what the t test averages. Equal spread: between clusters, Brown &
    Forsythe's test of the cluster means (Welch's test does not need it); within clusters, a t test
    of the log ratio of the two standard deviations of every cluster. Left out: the effect without
    each cluster, and without each block, in turn; it holds where the sign never changes.
    """
    number = len(cluster_names)
    enough = number >= effects.FEWEST_CLUSTERS
    found = [
        Check(
            f"enough {cluster_unit}s",
            f"at least {effects.FEWEST_CLUSTERS}",
            number,
            holds="yes" if enough else "no",
            note="" if enough else "Intervals and tests rest on too few to be relied on.",
        )
    ]
    count = int(groups.max(initial=-1)) + 1
    if count < 2:
        return tuple(found)
    means, held = _means(values, groups, clusters, (number, count))
    if design == WITHIN:
        whole = held.all(axis=1)
        centred = means[whole] - means[whole].mean(axis=1, keepdims=True)
        residuals = centred - centred.mean(axis=0) if count > 2 else centred[:, 0] * 2
        what = f"normal {cluster_unit} differences"
    else:
        pure = held.sum(axis=1) == 1
        sides = [means[pure & held[:, group], group] for group in range(count)]
        residuals = np.concatenate([side - side.mean() for side in sides if side.size])
        what = f"normal {cluster_unit} means"
    rounding = 8 * np.finfo(float).eps * np.abs(values).max(initial=0.0)
    found.append(_normal(what, np.ravel(residuals), rounding))
    if design == WITHIN and count == 2:
        found.append(_spread_within(values, groups, clusters, number, cluster_unit, confidence))
    elif design != WITHIN:
        found.append(_spread_between(sides, cluster_unit, rounding))
    if count == 2:
        cells = effects.cells(values[:, None], groups == 1, clusters, number)
        found.append(_leave_out(cells, np.arange(number), cluster_names, design, cluster_unit))
        if blocks is not None and len(block_names) > 1:
            of_cluster = np.zeros(number, dtype=int)
            of_cluster[clusters] = blocks
            found.append(_leave_out(cells, of_cluster, block_names, design, block_unit))
    return tuple(found)


def _means(values, groups, clusters, shape):
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, (clusters, groups), values)
    np.add.at(counts, (clusters, groups), 1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan), counts > 0


def _normal(what: str, numbers: np.ndarray, rounding: float) -> Check:
    from scipy.stats import shapiro

    method = "Shapiro-Wilk"
    if numbers.size < 3:
        return Check(what, method, numbers.size, note="Fewer than three numbers: not testable.")
    if np.ptp(numbers) <= 2 * rounding:
        return Check(what, method, numbers.size, note="All numbers are equal: not testable.")
    if numbers.size > 5000:
        return Check(what, method, numbers.size, note="More than 5000: means are normal enough.")
    result = shapiro(numbers)
    holds = result.pvalue >= _LEVEL
    return Check(
        what,
        method,
        numbers.size,
        float(result.statistic),
        float(result.pvalue),
        holds="yes" if holds else "no",
        note="" if holds else "The rank tests do not need it: see whether they agree.",
    )


def _spread_within(values, groups, clusters, number, cluster_unit, confidence) -> Check:
    what, method = f"equal spread within {cluster_unit}s", "t test of log SD ratios"
    cells = effects.cells(values[:, None], groups == 1, clusters, number)
    freedom = cells.n[:, :, 0] - 1
    usable = ((freedom > 0) & (cells.squares[:, :, 0] > 0)).all(axis=1)
    logs = np.log(cells.squares[usable, :, 0] / freedom[usable]) / 2
    ratios = logs[:, 0] - logs[:, 1]
    mean, error, _ = effects.combine(ratios[:, None])
    if ratios.size < 2 or not error[0] > 0:
        return Check(what, method, ratios.size, note=f"Too few {cluster_unit}s to test it.")
    left = np.array(ratios.size - 1.0)
    statistic, p = effects.student(mean[0], error[0], left)
    half = effects.quantile(left, confidence) * error[0]
    holds = p >= _LEVEL
    return Check(
        what,
        method,
        ratios.size,
        float(statistic),
        float(p),
        float(np.exp(mean[0] - half)),
        float(np.exp(mean[0] + half)),
        "yes" if holds else "no",
        "" if holds else "The t test of the differences does not need it; the mixed model does.",
    )


def _spread_between(sides, cluster_unit, rounding) -> Check:
    from scipy.stats import levene

    what, method = f"equal spread of {cluster_unit} means", "Brown-Forsythe"
    n = sum(side.size for side in sides)
    if min(side.size for side in sides) < 2:
        return Check(what, method, n, note=f"A group has fewer than two {cluster_unit}s.")
    centred = [np.abs(side - np.median(side)) for side in sides]
    if max(np.ptp(side) for side in centred) <= 2 * rounding:
        return Check(what, method, n, note="All numbers are equal: not testable.")
    result = levene(*sides, center="median")
    holds = result.pvalue >= _LEVEL
    return Check(
        what,
        method,
        n,
        float(result.statistic),
        float(result.pvalue),
        holds="yes" if holds else "no",
        note="" if holds else "Welch's test does not need it; the mixed model does.",
    )


def _leave_out(cells, parts, names, design, unit) -> Check:
    """Take out each part (cluster or block) in turn."""
    what, method = f"no {unit} carries the effect", f"each {unit} left out"
    whole = effects.difference(cells, design, 0.95).effect[0]
    without = np.array(
        [
            effects.difference(cells.only(parts != part), design, 0.95).effect[0]
            for part in range(len(names))
        ]
    )
    known = ~np.isnan(without)
    if np.isnan(whole) or known.sum() < 2:
        return Check(what, method, len(names), note=f"Too few {unit}s to leave one out.")
    most = int(np.nanargmax(np.abs(without - whole)))
    stable = (np.sign(without[known]) == np.sign(whole)).all()
    return Check(
        what,
        method,
        len(names),
        low=float(np.nanmin(without)),
        high=float(np.nanmax(without)),
        holds="yes" if stable else "no",
        note=f"Without {unit} {names[most]} the effect is {without[most]:.3g} "
        f"instead of {whole:.3g}.",
    )
