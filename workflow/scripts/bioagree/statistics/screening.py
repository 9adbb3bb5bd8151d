"""Every feature under every segmentation: what is related to X, and does the answer survive?"""

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics import effects
from bioagree.statistics.hypotheses import false_discovery_rates
from bioagree.tables import Columns

ALL, SOME = "all methods", "some methods"
OPPOSITE, NONE = "opposite signs", "none"
CATEGORIES = (ALL, SOME, OPPOSITE, NONE)

Source = tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike | None]


def screen(
    sources: Mapping[str, Source],
    feature_names: Sequence[str],
    *,
    reference: str = "truth",
    confidence: float = 0.95,
) -> Columns:
    """Relate every feature to a group or to a number, as each source has measured them.

    Parameters
    ----------
    sources : mapping of str to (values, groups, clusters, blocks)
        Of each segmentation: values, shape (objects, features), NaN and infinite values being
        missing; groups, shape (objects,), bool (True - False is the difference) or a number X;
        clusters, shape (objects,), by names that all sources share; blocks likewise, or None.
    feature_names : sequence of str
    reference : str
        Source that the others are compared with; where there is none of this name, they are not.
    confidence : float

    Returns
    -------
    dict of str to numpy.ndarray
        A row a source and feature, in that order: `source`, `feature`; `effect`, `effect_low`,
        `effect_high` in the unit of the feature (a slope: per unit of X); `standardised`, `low`,
        `high` in standard deviations (Hedges' g; of a numeric X: the correlation), `sd`,
        `standardised_by`; `statistic`, `freedom`, `p`; `n_first`, `n_second` (objects of group True
        and False; of a numeric X: all, and 0), `clusters`, `blocks`, `missing`, `design`.

        `change`, `change_low`, `change_high`, `change_p`: standardised effect here minus that of
        the reference, paired by cluster. That an effect is significant here and not there is not
        such a difference.

        `block_low`, `block_high`: smallest and largest standardised effect with one block left out;
        `block_p`: the largest p with one left out; `block_most`: the block that, left out, changes
        the effect most.

        `note`: what could not be computed and why.

    Raises
    ------
    ValueError
        If shapes do not fit, a cluster lies in two blocks, or `confidence` is not between 0 and 1.

    Notes
    -----
    Estimators are those of :func:`bioagree.statistics.effects.difference` and
    :func:`bioagree.statistics.effects.slope`; the design (within or between clusters) is found for
    each source. The error of `change` comes from how far each cluster moves either effect, so that
    what the two sources have in common cancels; t on (shared clusters - 1) degrees of freedom.
    """
    effects.check_confidence(confidence)
    read = {name: _read(name, *source, len(feature_names)) for name, source in sources.items()}
    names = sorted({str(c) for _, _, clusters, _, _ in read.values() for c in clusters.tolist()})
    place = {name: i for i, name in enumerate(names)}
    parts, found = [], {}
    for name, (values, x, clusters, blocks, missing) in read.items():
        index = np.array([place[str(cluster)] for cluster in clusters.tolist()], dtype=int)
        estimate, design = _estimator(values, x, index, len(names), confidence)
        effect = found[name] = estimate(np.ones(len(names), dtype=bool))
        part = {
            "source": np.full(len(feature_names), name, dtype=object),
            "feature": np.array(list(feature_names), dtype=object),
        }
        for field in fields(effects.Effects):
            if field.name not in ("influence", "note"):
                part[field.name] = getattr(effect, field.name)
        part["missing"] = missing
        part["design"] = np.full(len(feature_names), design, dtype=object)
        part |= _without_blocks(name, estimate, effect, index, blocks, len(names))
        part["note"] = effect.note
        parts.append(part)
    for name, part in zip(found, parts, strict=True):
        other = found.get(reference) if name != reference else None
        part |= _change(found[name], other, len(feature_names), confidence)
    if not parts:
        return {}
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def survival(
    columns: Columns,
    reference: str = "truth",
    alpha: float = 0.05,
    represented_by: Mapping[str, str] | None = None,
) -> Columns:
    """Say of every feature whether its answer survives a change of segmentation.

    Parameters
    ----------
    columns : dict of str to numpy.ndarray
        From :func:`screen`, with a column `q`: p adjusted over all tests of the study. `change_q`
        is used where it is there, else the `change_p` of this table are adjusted.
    reference : str
    alpha : float
        False-discovery rate that counts as evidence.
    represented_by : mapping of str to str, optional
        Of redundant features, the one that stands for it.

    Returns
    -------
    dict of str to numpy.ndarray
        A row a feature: `category` ("all methods": evidence for the same sign under every source;
        "opposite signs": evidence for both; "some methods"; "none"); `evidence` (sources with
        q < alpha, separated by ", "), `sources` and `with_evidence` (counts); `changed` (methods
        whose effect is shown to differ from the reference's), `largest_change` and `changed_most`
        (the one that differs most); `answer` (in words); `least`, `most` (of the standardised
        effects); `one_block` (sources whose evidence hangs on one block, with that block: without
        it p >= alpha or the sign turns); `represented_by`.
    """
    if "q" not in columns:
        raise ValueError("survival needs a column q: adjust p over all tests of the study first.")
    change_q = columns.get("change_q")
    if change_q is None:
        change_q = false_discovery_rates(columns["change_p"])
    rows = []
    for feature in dict.fromkeys(columns["feature"].tolist()):
        here = np.flatnonzero(columns["feature"] == feature)
        row = {"feature": feature}
        row |= _category(columns, here, reference, alpha)
        row |= _changes(columns, here, change_q, alpha)
        stands = (represented_by or {}).get(feature, feature)
        rows.append(row | {"represented_by": stands})
    if not rows:
        return {}
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


def sensitivity(columns: Columns, other: Columns, alpha: float = 0.05) -> Columns:
    """Compare two screenings that differ in one choice, e.g. with objects at the border.

    Parameters
    ----------
    columns, other : dict of str to numpy.ndarray
        From :func:`screen`, each with `q`; rows are matched by source and feature.
    alpha : float

    Returns
    -------
    dict of str to numpy.ndarray
        A row a source: `features` compared; `correlation` of the standardised effects and their
        `largest_difference` with the feature it is at; how many features keep evidence (`kept`),
        lose or gain it, and `reversed` (evidence with opposite signs).
    """
    keys = list(zip(other["source"].tolist(), other["feature"].tolist(), strict=True))
    place = {key: i for i, key in enumerate(keys)}
    rows = []
    for source in dict.fromkeys(columns["source"].tolist()):
        mine = [
            (i, place[source, columns["feature"][i]])
            for i in np.flatnonzero(columns["source"] == source)
            if (source, columns["feature"][i]) in place
        ]
        a, b = (np.array(side, dtype=int) for side in zip(*mine, strict=True)) if mine else ([], [])
        first, second = columns["standardised"][a], other["standardised"][b]
        both = ~np.isnan(first) & ~np.isnan(second)
        gap = np.where(both, second - first, 0.0)
        varied = both.sum() > 1 and np.ptp(first[both]) > 0 and np.ptp(second[both]) > 0
        before, after = columns["q"][a] < alpha, other["q"][b] < alpha
        widest = int(np.argmax(np.abs(gap))) if len(gap) else 0
        rows.append(
            {
                "source": source,
                "features": int(both.sum()),
                "correlation": np.corrcoef(first[both], second[both])[0, 1] if varied else np.nan,
                "largest_difference": gap[widest] if len(gap) else np.nan,
                "feature": columns["feature"][a][widest] if len(gap) else "",
                "kept": int((before & after & (first * second > 0)).sum()),
                "lost": int((before & ~after).sum()),
                "gained": int((~before & after).sum()),
                "reversed": int((before & after & (first * second < 0)).sum()),
            }
        )
    return {key: np.array([row[key] for row in rows]) for key in rows[0]} if rows else {}


def _read(name, values, groups, clusters, blocks, features):
    """Check one source; return values, X, clusters, blocks, and missing values per feature."""
    values = np.array(values, dtype=float)
    groups, clusters = np.asarray(groups), np.asarray(clusters)
    blocks = None if blocks is None else np.asarray(blocks)
    if values.ndim != 2 or values.shape[1] != features:
        raise ValueError(
            f"values of {name} must have the shape (objects, {features}), but have {values.shape}."
        )
    for what, array in (("groups", groups), ("clusters", clusters), ("blocks", blocks)):
        if array is not None and array.shape != values.shape[:1]:
            raise ValueError(
                f"{what} of {name} must have one entry an object, {len(values)} in all, "
                f"but have the shape {array.shape}."
            )
    if groups.dtype.kind not in "biuf":
        raise ValueError(f"groups of {name} must be true or false, or numbers.")
    values[np.isinf(values)] = np.nan
    missing = np.isnan(values).sum(axis=0)
    if groups.dtype.kind != "b":
        groups = np.where(np.isinf(groups.astype(float)), np.nan, groups.astype(float))
    return values, groups, clusters, blocks, missing


def _estimator(values, x, clusters, count, confidence):
    """Return a function that gives the effects in a choice of clusters, and the design."""
    if x.dtype.kind != "b":

        def relate(kept):
            objects = kept[clusters]
            return effects.slope(values[objects], x[objects], clusters[objects], count, confidence)

        return relate, "slope"
    groups = np.zeros((count, 2), dtype=int)
    np.add.at(groups, (clusters, (~x).astype(int)), 1)
    design = effects.find_design(groups) if len(groups) else effects.BETWEEN
    cells = effects.cells(values, ~x, clusters, count)

    def compare(kept):
        return effects.difference(cells.only(kept), design, confidence)

    return compare, design


def _without_blocks(name, estimate, effect, clusters, blocks, count):
    """Return how the effects change when one block is left out."""
    features = len(effect.effect)
    empty = {
        "blocks": np.zeros(features, dtype=int),
        "block_low": np.full(features, np.nan),
        "block_high": np.full(features, np.nan),
        "block_p": np.full(features, np.nan),
        "block_most": np.full(features, "", dtype=object),
    }
    if blocks is None:
        return empty
    labels, index = np.unique(blocks.astype(str), return_inverse=True)
    of_cluster = np.full(count, -1)
    of_cluster[clusters] = index
    if (of_cluster[clusters] != index).any():
        raise ValueError(f"{name} has a cluster in two blocks: a cluster belongs to one.")
    empty["blocks"] = np.full(features, len(labels))
    if len(labels) < 2:
        return empty
    without = [estimate(of_cluster != i) for i in range(len(labels))]
    moved = np.array([other.standardised for other in without])
    p = np.array([other.p for other in without])
    known = ~np.isnan(moved) & ~np.isnan(effect.standardised)
    any_known = known.any(axis=0)
    gap = np.where(known, np.abs(moved - effect.standardised), -1.0)
    return {
        "blocks": empty["blocks"],
        "block_low": np.where(any_known, np.where(known, moved, np.inf).min(axis=0), np.nan),
        "block_high": np.where(any_known, np.where(known, moved, -np.inf).max(axis=0), np.nan),
        "block_p": np.where(np.isnan(p).any(axis=0), np.nan, p.max(axis=0)),
        "block_most": np.where(any_known, labels.astype(object)[gap.argmax(axis=0)], ""),
    }


def _change(effect, other, features, confidence):
    """Return the paired difference of two sources' standardised effects."""
    names = ("change", "change_low", "change_high", "change_p")
    if other is None:
        return {name: np.full(features, np.nan) for name in names}
    change = effect.standardised - other.standardised
    moves = np.nan_to_num(effect.influence) - np.nan_to_num(other.influence)
    undefined = np.isnan(effect.influence).all(axis=0) | np.isnan(other.influence).all(axis=0)
    error = np.where(undefined, np.nan, np.sqrt((moves**2).sum(axis=0)))
    level = 64 * np.finfo(float).eps * np.maximum(1, np.abs(effect.standardised))
    change = np.where(np.abs(change) <= level, 0.0, change)
    error = np.where(error <= level, 0.0, error)
    freedom = np.minimum(effect.freedom, other.freedom)
    half = effects.quantile(freedom, confidence) * error
    _, p = effects.student(change, error, freedom)
    return dict(zip(names, (change, change - half, change + half, p), strict=True))


def _category(columns, here, reference, alpha):
    names = columns["source"][here].tolist()
    q, effect = columns["q"][here].astype(float), columns["standardised"][here].astype(float)
    evidence = q < alpha
    signs = set(np.sign(effect[evidence]).tolist())
    with_evidence = [name for name, yes in zip(names, evidence, strict=True) if yes]
    if not with_evidence:
        category, answer = NONE, "no evidence"
    elif len(signs) > 1:
        category = OPPOSITE
        more = [n for n, e, yes in zip(names, effect, evidence, strict=True) if yes and e > 0]
        less = [n for n in with_evidence if n not in more]
        answer = f"larger under {_list(more)}, smaller under {_list(less)}"
    elif evidence.all():
        category, answer = ALL, "holds under every method"
    else:
        category = SOME
        without = [name for name in names if name not in with_evidence]
        few = len(with_evidence) <= len(without)
        answer = f"only under {_list(with_evidence)}" if few else f"not under {_list(without)}"
    known = effect[~np.isnan(effect)]
    return {
        "category": category,
        "answer": answer,
        "evidence": ", ".join(with_evidence),
        "with_evidence": len(with_evidence),
        "sources": len(names),
        "reference_evidence": bool(reference in with_evidence),
        "least": known.min() if known.size else np.nan,
        "most": known.max() if known.size else np.nan,
        "one_block": _one_block(columns, here[evidence], alpha),
    }


def _one_block(columns, rows, alpha) -> str:
    """Name the sources whose effect is not the same without one block, and the block."""
    turns = columns["block_low"][rows] * columns["block_high"][rows] < 0
    hangs = rows[turns | (columns["block_p"][rows] >= alpha)]
    return ", ".join(f"{columns['source'][i]} ({columns['block_most'][i]})" for i in hangs)


def _changes(columns, here, change_q, alpha):
    changed = change_q[here] < alpha
    change = columns["change"][here].astype(float)
    known = ~np.isnan(change)
    widest = int(np.argmax(np.where(known, np.abs(change), -1.0)))
    return {
        "changed": ", ".join(columns["source"][here][changed].tolist()),
        "largest_change": change[widest] if known.any() else np.nan,
        "changed_most": str(columns["source"][here][widest]) if known.any() else "",
    }


def _list(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + f" and {names[-1]}"
