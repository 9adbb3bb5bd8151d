"""Three or more groups at once: one test of whether any differs."""

import math
from dataclasses import dataclass

import numpy as np

from bioagree.statistics.effects import WITHIN, sentence


@dataclass(frozen=True)
class OmnibusTest:
    """A test of all groups at once; NaN where undefined, and `note` says why."""

    test: str
    primary: bool
    statistic: float
    freedom: float
    freedom_groups: float
    p: float
    clusters: int
    note: str


def tests(
    values: np.ndarray, groups: np.ndarray, clusters: np.ndarray, design: str, cluster_unit: str
) -> list[OmnibusTest]:
    """Test whether any of the groups differs from the others, one mean a cluster and group.

    Parameters
    ----------
    values : numpy.ndarray, shape (objects,)
        Without NaN.
    groups, clusters : numpy.ndarray of int, shape (objects,)
    design : str
    cluster_unit : str

    Returns
    -------
    list of OmnibusTest
        The primary one (analysis of variance), then the one of ranks.
    """
    number, count = clusters.max(initial=-1) + 1, groups.max(initial=-1) + 1
    sums, n = np.zeros((number, count)), np.zeros((number, count))
    np.add.at(sums, (clusters, groups), values)
    np.add.at(n, (clusters, groups), 1)
    means, held = sums / np.maximum(n, 1), n > 0
    rounding = 8 * np.finfo(float).eps * np.abs(values).max(initial=0.0)
    if design == WITHIN:
        table = means[held.all(axis=1)]
        names = ("repeated-measures analysis of variance (Greenhouse-Geisser)", "Friedman test")
        results = repeated_measures(table, rounding), _friedman(table, rounding)
        used = len(table)
    else:
        pure = held.sum(axis=1) == 1
        sides = [means[pure & held[:, group], group] for group in range(count)]
        names = ("Welch's analysis of variance", "Kruskal-Wallis test")
        results = welch(sides, rounding), _kruskal(sides, rounding)
        used = sum(side.size for side in sides)
    return [
        OmnibusTest(f"{name} of {cluster_unit} means", i == 0, *result[:4], used, result[4])
        for i, (name, result) in enumerate(zip(names, results, strict=True))
    ]


def repeated_measures(table: np.ndarray, rounding: float = 0.0):
    """One-way analysis of variance for repeated measures, freedoms times Greenhouse's epsilon.

    Parameters
    ----------
    table : numpy.ndarray, shape (clusters, groups)
    rounding : float
        Spread that counts as none.

    Returns
    -------
    statistic, freedom, freedom_groups, p : float
    note : str

    Notes
    -----
    Greenhouse & Geisser, Psychometrika 1959;24:95-112, :doi:`10.1007/BF02289823`.
    """
    from scipy.special import fdtrc

    rows, columns = table.shape
    if rows < 2:
        return *[math.nan] * 4, sentence(["fewer than two clusters hold every group"])
    of_groups = table.mean(axis=0) - table.mean()
    left = table - table.mean(axis=1, keepdims=True) - of_groups
    if np.abs(left).max() <= 4 * rounding:
        return *[math.nan] * 4, sentence(["groups differ by the same in every cluster"])
    covariance = left.T @ left / (rows - 1)
    epsilon = np.trace(covariance) ** 2 / ((columns - 1) * (covariance**2).sum())
    f = rows * (of_groups**2).sum() * (rows - 1) / (left**2).sum()
    freedom_groups = epsilon * (columns - 1)
    freedom = freedom_groups * (rows - 1)
    return float(f), freedom, freedom_groups, float(fdtrc(freedom_groups, freedom, f)), ""


def welch(sides: list[np.ndarray], rounding: float = 0.0):
    """Welch's analysis of variance, which does not need equal variances.

    Parameters
    ----------
    sides : list of numpy.ndarray
        Independent values of each group.
    rounding : float
        Spread that counts as none.

    Returns
    -------
    statistic, freedom, freedom_groups, p : float
    note : str

    Notes
    -----
    Welch, Biometrika 1951;38:330-336, :doi:`10.1093/biomet/38.3-4.330`.
    """
    from scipy.special import fdtrc

    if min(side.size for side in sides) < 2:
        return *[math.nan] * 4, sentence(["a group has fewer than two clusters"])
    if min(np.ptp(side) for side in sides) <= 2 * rounding:
        return *[math.nan] * 4, sentence(["the cluster means of a group are all equal"])
    count = len(sides)
    sizes = np.array([side.size for side in sides])
    means = np.array([side.mean() for side in sides])
    weights = sizes / np.array([side.var(ddof=1) for side in sides])
    centre = weights @ means / weights.sum()
    imbalance = ((1 - weights / weights.sum()) ** 2 / (sizes - 1)).sum()
    between = weights @ (means - centre) ** 2 / (count - 1)
    f = between / (1 + 2 * (count - 2) / (count**2 - 1) * imbalance)
    freedom = (count**2 - 1) / (3 * imbalance)
    return float(f), float(freedom), count - 1.0, float(fdtrc(count - 1, freedom, f)), ""


def _friedman(table, rounding):
    from scipy.stats import friedmanchisquare

    if len(table) < 2 or np.ptp(table, axis=1).max() <= 2 * rounding:
        return *[math.nan] * 4, sentence(["nothing to rank within clusters"])
    result = friedmanchisquare(*table.T)
    return float(result.statistic), math.nan, table.shape[1] - 1.0, float(result.pvalue), ""


def _kruskal(sides, rounding):
    from scipy.stats import kruskal

    if min(side.size for side in sides) < 1:
        return *[math.nan] * 4, sentence(["a group has no cluster of its own"])
    if np.ptp(np.concatenate(sides)) <= 2 * rounding:
        return *[math.nan] * 4, sentence(["all cluster means are equal"])
    result = kruskal(*sides)
    return float(result.statistic), math.nan, len(sides) - 1.0, float(result.pvalue), ""
