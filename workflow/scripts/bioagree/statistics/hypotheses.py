"""Groups of objects compared within clusters: effect, tests, assumptions, and the sentence."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics import assumptions, effects, omnibus, ranks
from bioagree.statistics.assumptions import Check
from bioagree.statistics.effects import BETWEEN, WITHIN
from bioagree.statistics.mixed import random_intercepts


@dataclass(frozen=True)
class GroupTest:
    """One test of a comparison; what it does not have is NaN, and `note` says why where it should.

    Attributes
    ----------
    test : str
        Name of the test.
    primary : bool
        Whether the answer rests on this one.
    statistic : float
        Student's t, F, rank sum, U or chi-squared, as the test has it.
    freedom, freedom_groups : float
        Degrees of freedom of the error, and, of F and chi-squared, of the groups.
    effect, low, high : float
        First group - second, in the unit of the values (of "probability of superiority": the
        probability that an object of the first group exceeds one of the second), with interval.
    p : float
        Two-sided.
    standardised, standardised_low, standardised_high : float
        Hedges' g and its interval.
    first, second : str
        The groups; empty in a test of all groups at once.
    n_first, n_second, n : int
        Objects used of each, and of all groups.
    clusters : int
        Clusters used.
    note : str
    """

    test: str
    primary: bool = False
    statistic: float = math.nan
    freedom: float = math.nan
    freedom_groups: float = math.nan
    effect: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    standardised: float = math.nan
    standardised_low: float = math.nan
    standardised_high: float = math.nan
    first: str = ""
    second: str = ""
    n_first: int = 0
    n_second: int = 0
    n: int = 0
    clusters: int = 0
    note: str = ""


@dataclass(frozen=True)
class GroupComparison:
    """What :func:`compare_groups` finds.

    Attributes
    ----------
    design : str
        "within clusters" or "between clusters".
    groups : tuple of str
        In order; differences are first - second.
    n_of_groups : tuple of int
        Objects of each group.
    n, clusters, blocks, missing : int
        Objects, clusters and blocks with any value; values dropped.
    quantity, quantity_unit, unit, cluster_unit, block_unit : str
        Words of the sentences.
    confidence : float
    sd : float
        What the primary effect is standardised by.
    standardised_by : str
        Which standard deviation that is.
    tests : tuple of GroupTest
        The primary one first.
    checks : tuple of Check
        Assumptions, and what one cluster or block alone does.
    hypothesis : str
        The null hypothesis in words.
    note : str
    cluster_names : tuple of str
    cluster_means, cluster_n : numpy.ndarray, shape (clusters, groups)
        Mean (NaN without any) and number of values of each group in each cluster.
    """

    design: str
    groups: tuple[str, ...]
    n_of_groups: tuple[int, ...]
    n: int
    clusters: int
    blocks: int
    missing: int
    quantity: str
    quantity_unit: str
    unit: str
    cluster_unit: str
    block_unit: str
    confidence: float
    sd: float
    standardised_by: str
    tests: tuple[GroupTest, ...]
    checks: tuple[Check, ...]
    hypothesis: str
    note: str
    cluster_names: tuple[str, ...] = field(repr=False)
    cluster_means: np.ndarray = field(repr=False, compare=False)
    cluster_n: np.ndarray = field(repr=False, compare=False)

    @property
    def primary(self) -> GroupTest:
        """The test that the answer rests on."""
        return self.tests[0]

    def as_rows(self) -> list[dict]:
        """Return a row a test, with what holds for all of them."""
        common = {
            "design": self.design,
            "quantity": self.quantity,
            "unit": self.quantity_unit,
            "blocks": self.blocks,
            "missing": self.missing,
            "standardised_by": self.standardised_by,
            "confidence": self.confidence,
        }
        return [common | asdict(test) for test in self.tests]

    def check_rows(self) -> list[dict]:
        """Return a row a checked assumption."""
        return [{"quantity": self.quantity} | asdict(check) for check in self.checks]

    def sentence(self, q: float | None = None, alpha: float = 0.05) -> str:
        """Say what was found.

        Parameters
        ----------
        q : float, optional
            p adjusted over all tests of the study: decides instead of p.
        alpha : float
            Level of the test, or of the false-discovery rate.
        """
        return _conclude(self, q, alpha)


def compare_groups(
    values: ArrayLike,
    groups: ArrayLike,
    clusters: ArrayLike,
    *,
    blocks: ArrayLike | None = None,
    names: Mapping | None = None,
    quantity: str = "value",
    quantity_unit: str = "",
    unit: str = "objects",
    cluster_unit: str = "image",
    block_unit: str = "session",
    confidence: float = 0.95,
) -> GroupComparison:
    """Compare two or more groups of objects, with clusters instead of objects counted.

    Parameters
    ----------
    values : array_like, shape (objects,)
        NaN is missing: dropped and counted.
    groups : array_like, shape (objects,)
        Label of the group of each object; None or NaN is missing.
    clusters, blocks : array_like, shape (objects,)
        Image or subject of each object, and the imaging session that it belongs to.
    names : mapping, optional
        The groups to compare, in order, and what sentences call their objects, e.g.
        ``{True: "nuclei with micronuclei", False: "nuclei without"}``. Differences are first -
        second. Without it: all groups, sorted, but True before False.
    quantity, quantity_unit : str
        What was measured, and its unit.
    unit, cluster_unit, block_unit : str
        What one value, cluster and block are (`unit` in the plural).
    confidence : float

    Returns
    -------
    GroupComparison

    Raises
    ------
    ValueError
        If lengths differ, a value is infinite, a cluster lies in two blocks, `names` names no group
        that exists, or `confidence` is not between 0 and 1.

    Notes
    -----
    The design is found from the data (:func:`bioagree.statistics.effects.find_design`).

    Two groups: the primary test is that of :func:`bioagree.statistics.effects.difference`. The
    probability of superiority is that of Mann & Whitney in each cluster, averaged; Wilcoxon's
    signed-rank test (between clusters: the Mann-Whitney test) takes one number a cluster. The mixed
    model takes the difference to be the same in every cluster.

    More groups: within clusters, the analysis of variance for repeated measures of cluster means
    with the correction of Greenhouse & Geisser, and Friedman's test; between clusters, Welch's
    analysis of variance and the Kruskal-Wallis test of cluster means. Then every two groups.

    Examples
    --------
    >>> result = compare_groups([1, 2, 3, 5, 4, 5.5], [0, 1, 0, 1, 0, 1], [1, 1, 2, 2, 3, 3])
    >>> result.design, round(result.primary.effect, 2)
    ('within clusters', -1.5)
    """
    effects.check_confidence(confidence)
    data = _read(values, groups, clusters, blocks, names)
    words = (quantity, quantity_unit, unit, cluster_unit, block_unit)
    titles = [_title(label, names, unit) for label in data.labels]
    design = effects.find_design(data.counts) if len(titles) > 1 else BETWEEN
    tests = _tests(data, design, titles, confidence, cluster_unit, block_unit)
    first = _cells(data, (0, 1)) if len(titles) > 1 else None
    effect = effects.difference(first, design, confidence) if len(titles) == 2 else None
    checks = assumptions.check(
        data.values,
        data.groups,
        data.clusters,
        data.blocks,
        design=design,
        cluster_names=data.cluster_names,
        block_names=data.block_names,
        cluster_unit=cluster_unit,
        block_unit=block_unit,
        confidence=confidence,
    )
    return GroupComparison(
        design,
        tuple(titles),
        tuple(int(n) for n in data.counts.sum(axis=0)),
        int(data.counts.sum()),
        len(data.cluster_names),
        len(data.block_names),
        data.missing,
        *words,
        confidence,
        float(effect.sd[0]) if effect else math.nan,
        str(effect.standardised_by[0]) if effect else "",
        tests,
        checks,
        _hypothesis(titles, design, quantity, cluster_unit),
        _note(data, design, len(titles), cluster_unit),
        data.cluster_names,
        _means(data),
        data.counts,
    )


def false_discovery_rates(p: ArrayLike) -> np.ndarray:
    """Adjust p values for their number, so that of those below alpha at most alpha are false.

    Parameters
    ----------
    p : array_like
        Of all tests of the study; NaN are tests that could not be made, and do not count.

    Returns
    -------
    numpy.ndarray
        q values of the same shape, NaN where p is.

    Raises
    ------
    ValueError
        If a p is outside 0 … 1.

    Notes
    -----
    Benjamini & Hochberg, Journal of the Royal Statistical Society B 1995;57:289-300,
    :doi:`10.1111/j.2517-6161.1995.tb02031.x`. It holds for independent tests and for those that
    depend positively, as features of the same objects do (Benjamini & Yekutieli, Annals of
    Statistics 2001;29:1165-1188, :doi:`10.1214/aos/1013699998`).
    """
    from scipy.stats import false_discovery_control

    p = np.asarray(p, dtype=float)
    known = ~np.isnan(p)
    if ((p[known] < 0) | (p[known] > 1)).any():
        raise ValueError("p values must lie between 0 and 1, or be NaN where there is no test.")
    q = np.full(p.shape, np.nan)
    if known.any():
        q[known] = false_discovery_control(p[known])
    return q


@dataclass(frozen=True)
class _Data:
    values: np.ndarray
    groups: np.ndarray
    clusters: np.ndarray
    blocks: np.ndarray | None
    labels: list
    cluster_names: tuple[str, ...]
    block_names: tuple[str, ...]
    counts: np.ndarray
    missing: int


def _read(values, groups, clusters, blocks, names) -> _Data:
    """Check the input, drop what is missing, and number groups, clusters and blocks."""
    values = np.asarray(values, dtype=float)
    groups, clusters = _labels(groups), _labels(clusters)
    arrays = {"values": values, "groups": groups, "clusters": clusters}
    if blocks is not None:
        arrays["blocks"] = blocks = _labels(blocks)
    for name, array in arrays.items():
        if array.ndim != 1 or array.size != values.size:
            raise ValueError(
                f"values, groups, clusters and blocks need one entry an object, but {name} has the "
                f"shape {array.shape} and values {values.shape}."
            )
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise ValueError(
            f"values[{infinite[0]}] is {values[infinite[0]]}: "
            "give finite values, or NaN for a missing one."
        )
    labels = list(names) if names else _sorted(groups)
    unknown = [label for label in labels if not (groups == label).any()]
    if names and values.size and len(unknown) == len(labels):
        raise ValueError(
            f"names has {labels}, but the groups are {_sorted(groups)}: name groups that exist."
        )
    number = np.full(values.size, -1)
    for i, label in enumerate(labels):
        number[groups == label] = i
    absent = np.array([_is_missing(cluster) for cluster in clusters], dtype=bool)
    used = ~np.isnan(values) & (number >= 0) & ~absent
    cluster_names, cluster_index = _number(clusters[used])
    block_names, of_cluster = (), None
    if blocks is not None:
        block_names, of_cluster = _number(blocks[used])
        pairs = np.unique(np.column_stack([cluster_index, of_cluster]), axis=0)
        twice = np.flatnonzero(np.diff(pairs[:, 0]) == 0)
        if twice.size:
            cluster = cluster_names[pairs[twice[0], 0]]
            raise ValueError(f"cluster {cluster} lies in two blocks: a cluster belongs to one.")
    counts = np.zeros((len(cluster_names), len(labels)), dtype=int)
    np.add.at(counts, (cluster_index, number[used]), 1)
    return _Data(
        values[used],
        number[used],
        cluster_index,
        of_cluster,
        labels,
        cluster_names,
        block_names,
        counts,
        int(np.count_nonzero(~used)),
    )


def _labels(labels: ArrayLike) -> np.ndarray:
    array = np.asarray(labels)
    return array.astype(object) if array.dtype.kind in "UST" else array


def _is_missing(label) -> bool:
    return label is None or (isinstance(label, float | np.floating) and math.isnan(label))


def _sorted(labels: np.ndarray) -> list:
    """Return the labels that occur, True before False, else in the order of their text or value."""
    found = {label for label in labels.tolist() if not _is_missing(label)}
    if all(isinstance(label, bool) for label in found):
        return sorted(found, reverse=True)
    numbers = all(isinstance(label, int | float) for label in found)
    return sorted(found, key=None if numbers else str)


def _number(labels: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    names = _sorted(labels)
    place = {name: i for i, name in enumerate(names)}
    index = np.array([place[label] for label in labels.tolist()], dtype=int)
    return tuple(str(name) for name in names), index


def _cells(data: _Data, pair: tuple[int, int]) -> effects.Cells:
    first, second = pair
    here = (data.groups == first) | (data.groups == second)
    return effects.cells(
        data.values[here, None],
        data.groups[here] == second,
        data.clusters[here],
        len(data.cluster_names),
    )


def _means(data: _Data) -> np.ndarray:
    sums = np.zeros(data.counts.shape)
    np.add.at(sums, (data.clusters, data.groups), data.values)
    return np.where(data.counts > 0, sums / np.maximum(data.counts, 1), np.nan)


def _tests(data, design, titles, confidence, cluster_unit, block_unit) -> tuple[GroupTest, ...]:
    if len(titles) < 2:
        note = "There is one group: nothing to compare it with." if titles else "There is no group."
        return (GroupTest("none", primary=True, n=data.values.size, note=note),)
    if len(titles) == 2:
        return _two_groups(data, design, titles, confidence, cluster_unit, block_unit)
    common = {"n": data.values.size, "clusters": len(data.cluster_names)}
    tests = [
        GroupTest(**(common | asdict(test)))
        for test in omnibus.tests(data.values, data.groups, data.clusters, design, cluster_unit)
    ]
    model = random_intercepts(
        data.values, data.groups, data.clusters, data.blocks, within=design == WITHIN
    )
    tests.append(
        GroupTest(
            _mixed_name(data, cluster_unit, block_unit),
            statistic=model.statistic,
            freedom=model.freedom,
            freedom_groups=model.freedom_groups,
            p=model.p,
            note=_mixed_note(model, cluster_unit, block_unit),
            **common,
        )
    )
    for pair in combinations(range(len(titles)), 2):
        of_pair = effects.find_design(data.counts[:, pair])
        tests.append(_primary(data, of_pair, titles, pair, confidence, cluster_unit, False))
    return tuple(tests)


def _primary(data, design, titles, pair, confidence, cluster_unit, primary=True) -> GroupTest:
    effect = effects.difference(_cells(data, pair), design, confidence)
    name = {
        WITHIN: f"t test of the differences within {cluster_unit}s",
        BETWEEN: f"Welch's t test of {cluster_unit} means",
    }[design]
    return GroupTest(
        name,
        primary,
        statistic=float(effect.statistic[0]),
        freedom=float(effect.freedom[0]),
        effect=float(effect.effect[0]),
        low=float(effect.effect_low[0]),
        high=float(effect.effect_high[0]),
        p=float(effect.p[0]),
        standardised=float(effect.standardised[0]),
        standardised_low=float(effect.low[0]),
        standardised_high=float(effect.high[0]),
        first=titles[pair[0]],
        second=titles[pair[1]],
        note=str(effect.note[0]),
        **_sizes(effect),
    )


def _sizes(effect: effects.Effects) -> dict[str, int]:
    first, second = int(effect.n_first[0]), int(effect.n_second[0])
    sizes = {"n_first": first, "n_second": second, "n": first + second}
    return sizes | {"clusters": int(effect.clusters[0])}


def _two_groups(data, design, titles, confidence, cluster_unit, block_unit):
    primary = _primary(data, design, titles, (0, 1), confidence, cluster_unit)
    common = {
        name: getattr(primary, name)
        for name in ("first", "second", "n_first", "n_second", "n", "clusters")
    }
    present = (data.counts > 0).sum(axis=1)
    used = (present == (2 if design == WITHIN else 1))[data.clusters]
    values, groups, clusters = data.values[used], data.groups[used], data.clusters[used]
    blocks = None if data.blocks is None else data.blocks[used]
    tests = [primary, _superiority(values, groups, clusters, design, confidence, common)]

    means = _means(data)
    if design == WITHIN:
        differences = (means[:, 0] - means[:, 1])[present == 2]
        name = f"Wilcoxon signed-rank test of {cluster_unit} differences"
        result = ranks.signed_rank(_level(differences, data.values), confidence)
    else:
        name = f"Mann-Whitney test of {cluster_unit} means"
        sides = [means[(present == 1) & (data.counts[:, i] > 0), i] for i in (0, 1)]
        result = ranks.rank_sum(*sides, confidence)
    note = ""
    if math.isnan(result["p"]):
        note = f"The {cluster_unit}s do not differ, or are missing: nothing to rank."
    elif math.isnan(result["low"]):
        note = f"Too few {cluster_unit}s for an interval of {100 * confidence:g} %."
    tests.append(GroupTest(name, **result, **common, note=note))

    model = random_intercepts(values, groups, clusters, blocks, within=design == WITHIN)
    half = float(effects.quantile(np.array(model.freedom), confidence)) * model.error
    tests.append(
        GroupTest(
            _mixed_name(data, cluster_unit, block_unit),
            statistic=model.statistic,
            freedom=model.freedom,
            freedom_groups=model.freedom_groups,
            effect=model.effect,
            low=model.effect - half,
            high=model.effect + half,
            p=model.p,
            note=_mixed_note(model, cluster_unit, block_unit),
            **common,
        )
    )
    if blocks is not None and len(data.block_names) > 1:
        coarse = effects.cells(values[:, None], groups == 1, blocks, len(data.block_names))
        own = effects.find_design(coarse.n[:, :, 0])
        effect = effects.difference(coarse, own, confidence)
        tests.append(
            GroupTest(
                f"t test, {block_unit}s instead of {cluster_unit}s counted",
                statistic=float(effect.statistic[0]),
                freedom=float(effect.freedom[0]),
                effect=float(effect.effect[0]),
                low=float(effect.effect_low[0]),
                high=float(effect.effect_high[0]),
                p=float(effect.p[0]),
                note=str(effect.note[0]).replace("cluster", block_unit),
                **(common | _sizes(effect)),
            )
        )
    return tuple(tests)


def _level(differences, values):
    """Take differences at the level of rounding for zero."""
    rounding = 8 * np.finfo(float).eps * np.abs(values).max(initial=0.0)
    return np.where(np.abs(differences) <= rounding, 0.0, differences)


def _superiority(values, groups, clusters, design, confidence, common) -> GroupTest:
    name = "probability of superiority (Mann-Whitney)"
    if not (values.size and common["n_first"] and common["n_second"]):
        return GroupTest(name, note="No cluster allows the comparison.", **common)
    if design == WITHIN:
        probability, error, freedom, _ = ranks.superiority_within(values, groups == 1, clusters)
    else:
        probability, error, freedom = ranks.superiority_between(values, groups == 1, clusters)
    if not error > 1e-12:
        note = (
            "One cluster: no interval and no test."
            if math.isnan(error)
            else ("All clusters give the same probability: no interval and no test.")
        )
        return GroupTest(name, effect=probability, note=note, **common)
    half = float(effects.quantile(np.array(freedom), confidence)) * error
    statistic, p = effects.student(np.array(probability - 0.5), np.array(error), np.array(freedom))
    return GroupTest(
        name,
        statistic=float(statistic),
        freedom=freedom,
        effect=probability,
        low=max(probability - half, 0.0),
        high=min(probability + half, 1.0),
        p=float(p),
        **common,
    )


def _mixed_name(data, cluster_unit, block_unit) -> str:
    nested = f" nested in {block_unit}" if data.blocks is not None else ""
    return f"mixed model, random {cluster_unit}{nested}"


def _mixed_note(model, cluster_unit, block_unit) -> str:
    reasons = [model.note] if model.note else []
    if not math.isnan(model.p):
        shares = f"{100 * model.share_clusters:.0f} % of the variance lies between {cluster_unit}s"
        if not math.isnan(model.share_blocks):
            shares += f", {100 * model.share_blocks:.0f} % between {block_unit}s"
        reasons.append(shares)
    return effects.sentence(reasons)


def _title(label, names, unit) -> str:
    return str(names[label]) if names else f"{unit} of group {label}"


def _hypothesis(titles, design, quantity, cluster_unit) -> str:
    if len(titles) < 2:
        return ""
    where = {WITHIN: f"Within the {cluster_unit}s of the population", BETWEEN: "In the population"}
    listed = ", ".join(titles[:-1]) + f" and {titles[-1]}"
    return f"{where[design]}, {listed} have on average the same {quantity}."


def _note(data, design, groups, cluster_unit) -> str:
    reasons = []
    present = (data.counts > 0).sum(axis=1)
    left_out = int(np.count_nonzero(present != (groups if design == WITHIN else 1)))
    if groups > 1 and left_out:
        kind = "lack a group" if design == WITHIN else "hold more than one group"
        reasons.append(f"{left_out} of {len(present)} {cluster_unit}s {kind} and are left out")
    return effects.sentence(reasons)


def _conclude(result: GroupComparison, q, alpha) -> str:
    test = result.primary
    clusters = f"{test.clusters} {result.cluster_unit}{'' if test.clusters == 1 else 's'}"
    decides = test.p if q is None else q
    known = f"p {_short(test.p)}" + ("" if q is None else f", q {_short(q)}")
    if math.isnan(decides):
        return f"No answer on {result.quantity}: {test.note or 'there is no test.'}"
    if not test.first:
        verdict = "differ" if decides < alpha else "show no evidence of differing"
        return (
            f"{_capital(', '.join(result.groups))} {verdict} in {result.quantity} "
            f"({known}; {test.n} {result.unit}, {clusters}). {test.note}"
        ).strip()
    unit = f" {result.quantity_unit}" if result.quantity_unit else ""
    interval = f"{100 * result.confidence:g} % CI {_signed(test.low)} to {_signed(test.high)}"
    counts = f"{known}; {clusters}, {test.n_first} and {test.n_second} {result.unit}"
    if decides < alpha:
        way = "larger" if test.effect > 0 else "smaller"
        text = (
            f"{_capital(test.first)} have on average a {way} {result.quantity} than {test.second}: "
            f"by {_digits(abs(test.effect))}{unit}, or {abs(test.standardised):.2f} SD "
            f"(difference {interval}{unit}; {counts})."
        )
    else:
        text = (
            f"No evidence that {test.first} and {test.second} differ in {result.quantity}: the "
            f"difference is {_signed(test.effect)}{unit} ({interval}{unit}; {counts}), which does "
            "not show that they are the same."
        )
    return f"{text} {test.note}".strip()


def _short(p: float) -> str:
    if math.isnan(p):
        return "unknown"
    return f"= {p:.2g}" if p >= 0.001 else "< 0.001"


def _digits(value: float) -> str:
    return f"{value:.3g}"


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
