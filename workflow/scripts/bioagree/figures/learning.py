"""Maps of the objects, how stable their clusters are, and how well a group is predicted."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from bioagree.figures import canvas
from bioagree.statistics.learning import Map, PrincipalComponents
from bioagree.statistics.partitions import Partition, composition
from bioagree.statistics.prediction import Prediction
from bioagree.tables import Columns

SHOWN_FEATURES = 12
LEFT_OUT = {"images": ("o", "new images"), "blocks": ("D", "a new session")}


def draw_maps(
    path: str | Path,
    components: PrincipalComponents,
    places: Map,
    groups: ArrayLike,
    blocks: ArrayLike,
) -> None:
    """Draw the objects by principal components and by UMAP, coloured by group and by session.

    Parameters
    ----------
    path : str or Path
        Where to write.
    components, places : PrincipalComponents, Map
        Of the same objects.
    groups, blocks : array_like, shape (n,)
        Group and imaging session of each.
    """
    figure, panels = canvas.grid(4, columns=2, panel=(5.2, 4.2))
    first = 0  # sessions take the colours after those of the groups
    for row, (kind, names) in enumerate((("group", groups), ("imaging session", blocks))):
        names = np.asarray(names).astype(str)
        left, right = panels[2 * row : 2 * row + 2]
        if components.scores.shape[1] < 2:
            canvas.say(left, textwrap.fill(components.note or "There is one component only.", 40))
        else:
            _scatter(left, components.scores, names, first)
            for axis, share, number in zip("xy", components.share, (1, 2), strict=False):
                left.set(**{f"{axis}label": f"Component {number} ({share:.0%} of the variance)"})
        left.set_title(f"Principal components, colour: {kind}", fontsize=10, loc="left")
        if places.note:
            canvas.say(right, textwrap.fill(places.note, 40))
        else:
            _scatter(right, places.places, names, first)
            right.set(xticks=[], yticks=[])
            right.set(xlabel="near = similar; axes have no unit", ylabel="")
            handles, texts = right.get_legend_handles_labels()
            right.legend(
                handles,
                texts,
                title=kind,
                loc="center left",
                bbox_to_anchor=(1, 0.5),
                frameon=False,
                fontsize=8,
                markerscale=2,
            )
        right.set_title(f"UMAP, colour: {kind}", fontsize=10, loc="left")
        first = len(np.unique(names))
    figure.supxlabel(
        f"One dot an object, n = {components.n}. Where colours by session separate, the images "
        "differ, and not only the objects.",
        fontsize=9,
    )
    canvas.save(figure, path, dpi=150)


def draw_partitions(
    path: str | Path,
    partitions: Sequence[Partition],
    groups: ArrayLike,
    blocks: ArrayLike,
    images: ArrayLike,
) -> None:
    """Draw the stability of clusterings, the silhouettes that chose k, and where clusters are from.

    Parameters
    ----------
    path : str or Path
        Where to write.
    partitions : sequence of Partition
        Of the same objects.
    groups, blocks, images : array_like, shape (n,)
        Group, imaging session and image of each object.
    """
    figure, panels = canvas.grid(2 + len(partitions), columns=2, panel=(5.4, 3.2))
    _draw_stability(panels[0], partitions)
    _draw_choices(panels[1], partitions)
    for axes, partition in zip(panels[2:], partitions, strict=True):
        axes.set_title(f"{partition.method}: whence the clusters' objects", fontsize=10, loc="left")
        if not partition.k:
            canvas.say(axes, textwrap.fill(partition.note, 50))
            continue
        _draw_origins(axes, composition(partition.labels, groups, blocks, images))
    figure.supxlabel(
        f"n = {partitions[0].n} objects in {partitions[0].images} images. A cluster of one colour "
        "by session shows how images were taken.",
        fontsize=9,
    )
    canvas.save(figure, path)


def draw_prediction(
    path: str | Path, predictions: Mapping[str, Sequence[Prediction]], shown: str
) -> None:
    """Draw the accuracy for each source of features, and what it rests on for one of them.

    Parameters
    ----------
    path : str or Path
        Where to write.
    predictions : mapping of str to sequence of Prediction
        By source: the truth and the methods that the features were measured on.
    shown : str
        The source whose importances and calibration are drawn.
    """
    figure, panels = canvas.grid(3, columns=3, panel=(5.0, max(3.8, 1.6 + 0.35 * len(predictions))))
    _draw_accuracy(panels[0], predictions)
    first = predictions[shown][0]
    if first.folds:
        _draw_importance(panels[1], first)
        _draw_calibration(panels[2], first)
    else:
        canvas.say(panels[1], textwrap.fill(first.note, 40))
        panels[2].set_axis_off()
    panels[1].set_title(f"What does it rest on? ({shown})", fontsize=10, loc="left")
    panels[2].set_title(f"Are its probabilities right? ({shown})", fontsize=10, loc="left", pad=16)
    canvas.save(figure, path)


def _scatter(axes, places: np.ndarray, names: np.ndarray, first: int) -> None:
    """Draw dots in random order, so that no group hides another."""
    distinct = np.unique(names)
    colours = np.array(
        [canvas.COLOURS[(first + i) % len(canvas.COLOURS)] for i in range(len(distinct))]
    )
    order = np.random.default_rng(0).permutation(len(places))
    own = colours[np.searchsorted(distinct, names)] if len(names) else colours[:0]
    axes.scatter(*places[order, :2].T, s=8, c=own[order], linewidths=0, alpha=0.7, rasterized=True)
    for name, colour in zip(distinct, colours, strict=True):
        count = np.count_nonzero(names == name)
        axes.scatter([], [], s=12, color=colour, label=f"{name} (n = {count})")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_stability(axes, partitions: Sequence[Partition]) -> None:
    for row, partition in enumerate(partitions):
        if math.isnan(partition.stability):
            axes.text(0.02, row, textwrap.fill(partition.note, 45), va="center", fontsize=8)
            continue
        axes.plot([partition.stability_low, partition.stability_high], [row, row], "k-", lw=1.5)
        axes.plot(partition.stability, row, "o", color=canvas.COLOURS[row], markersize=8)
    axes.set_yticks(
        range(len(partitions)),
        [f"{p.method}\n{p.k} clusters\n{p.noise} in none" for p in partitions],
    )
    axes.set(xlim=(-0.1, 1.05), ylim=(len(partitions) - 0.5, -0.5))
    axes.axvline(0, color="0.6", lw=0.8, ls=":")
    axes.axvline(1, color="0.6", lw=0.8, ls=":")
    draws = max((p.draws for p in partitions), default=0)
    axes.set_xlabel(
        "Adjusted Rand index: 0 chance, 1 the same clusters\n"
        f"(mean and 95 % range of {draws} resamples of images)",
        fontsize=9,
    )
    axes.set_title("Are the clusters found again?", fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_choices(axes, partitions: Sequence[Partition]) -> None:
    axes.set_title("How many clusters? (k-means)", fontsize=10, loc="left")
    tried = [p for p in partitions if p.choices["k"].size]
    if not tried:
        canvas.say(axes, "No number of clusters was tried.")
        return
    for partition in tried:
        axes.plot(partition.choices["k"], partition.choices["silhouette"], "o", color="0.4")
        axes.plot(partition.k, np.nanmax(partition.choices["silhouette"]), "o", color="black", ms=9)
    axes.set_ylim(min(0, axes.get_ylim()[0]), 1)
    axes.set(xlabel="Number of clusters", ylabel="Mean silhouette\n(0 overlap, 1 far apart)")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_origins(axes, table: Columns) -> None:
    """Draw each cluster as a line divided by group, and one divided by session."""
    rows, labels = 0, []
    wanted = [kind for kind in ("group", "block") if kind in table["kind"]]
    for cluster in np.unique(table["cluster"]):
        for kind in wanted:
            here = (table["cluster"] == cluster) & (table["kind"] == kind)
            left = 0.0
            for i, (origin, share) in enumerate(
                zip(table["origin"][here], table["share"][here], strict=True)
            ):
                # sessions take the colours after those of the groups
                first = len(np.unique(table["origin"][table["kind"] == "group"]))
                colour = canvas.COLOURS[(i + (first if kind == "block" else 0)) % 8]
                axes.barh(rows, share, left=left, color=colour, edgecolor="white", label=origin)
                left += share
            size = table["cluster_n"][here][0]
            name = "session" if kind == "block" else kind
            labels.append(f"cluster {cluster + 1} (n = {size})\nby {name}")
            rows += 1
    axes.set_yticks(range(rows), labels, fontsize=8)
    axes.set(xlim=(0, 1), ylim=(rows - 0.5, -0.5), xlabel="Share of the cluster's objects")
    handles, names = axes.get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    axes.legend(
        unique.values(),
        unique.keys(),
        fontsize=7,
        frameon=False,
        loc="center left",
        bbox_to_anchor=(1, 0.5),
    )
    axes.spines[["top", "right"]].set_visible(False)


def _draw_accuracy(axes, predictions: Mapping[str, Sequence[Prediction]]) -> None:
    labels, seen = [], set()
    for row, (source, results) in enumerate(predictions.items()):
        labels.append(f"{source}\nn = {results[0].n}, {results[0].clusters} images")
        shifts = np.linspace(-0.15, 0.15, len(results)) if len(results) > 1 else [0]
        for shift, result in zip(shifts, results, strict=True):
            scores = {name: i for i, name in enumerate(result.scores["score"])}
            if not result.folds:
                axes.text(0.02, row + shift, textwrap.fill(result.note, 40), fontsize=7)
                continue
            low, middle, high = (
                result.scores[name][scores["accuracy"]] for name in ("low", "estimate", "high")
            )
            marker, tested = LEFT_OUT[result.left_out]
            axes.plot([low, high], [row + shift] * 2, color=canvas.COLOURS[0], lw=1.5)
            axes.plot(
                middle,
                row + shift,
                marker,
                color=canvas.COLOURS[0],
                label=None if marker in seen else f"random forest, tested on {tested}",
            )
            majority = result.scores["estimate"][scores["majority"]]
            axes.plot(
                [majority] * 2,
                [row + shift - 0.14, row + shift + 0.14],
                color=canvas.COLOURS[1],
                lw=2.5,
                label=None if seen else "always guessing the majority",
            )
            seen.add(marker)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set(xlim=(0, 1), ylim=(len(labels) - 0.5, -0.5))
    axes.set_xlabel("Accuracy: share predicted rightly\n(line: interval over images or sessions)")
    axes.set_title("Can the group be predicted?", fontsize=10, loc="left")
    if seen:
        axes.figure.legend(fontsize=9, frameon=False, loc="outside lower left", ncols=3)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_importance(axes, result: Prediction) -> None:
    names = result.importance["feature"][:SHOWN_FEATURES]
    for row, losses in enumerate(result.fold_importance[:SHOWN_FEATURES]):
        axes.plot(losses, np.full(len(losses), row), "o", color="0.6", ms=4, alpha=0.8)
        axes.plot(result.importance["mean"][row], row, "|", color="black", ms=12, mew=2)
    axes.axvline(0, color="0.6", lw=0.8)
    stand_ins = result.importance["correlated_with"][:SHOWN_FEATURES]
    marks = [f"{n}*" if o else n for n, o in zip(names, stand_ins, strict=True)]
    axes.set_yticks(range(len(marks)), [textwrap.fill(mark, 26) for mark in marks], fontsize=8)
    axes.invert_yaxis()
    starred = (
        "\n* others stand in for it: looks less important than it is" if any(stand_ins) else ""
    )
    axes.set_xlabel(
        f"Loss of ROC AUC when shuffled (no unit)\n● one of {result.folds} folds, | mean{starred}",
        fontsize=9,
    )
    axes.spines[["top", "right"]].set_visible(False)


def _draw_calibration(axes, result: Prediction) -> None:
    axes.plot([0, 1], [0, 1], color="0.6", lw=0.8, ls="--")
    # with two groups, the probability of one says that of the other
    groups = result.classes[-1:] if len(result.classes) == 2 else result.classes
    for i, group in enumerate(groups):
        here = result.calibration["group"] == group
        predicted, observed, low, high, n = (
            result.calibration[name][here]
            for name in ("predicted", "observed", "observed_low", "observed_high", "n")
        )
        colour = canvas.COLOURS[i % len(canvas.COLOURS)]
        axes.vlines(predicted, low, high, color=colour, lw=1.2)
        axes.plot(predicted, observed, "o", color=colour, ms=6, label=group)
        if len(groups) == 1:
            for x, count in zip(predicted, n, strict=True):
                axes.annotate(str(count), (x, 1.03), fontsize=7, ha="center", annotation_clip=False)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_xlabel(f"Predicted probability of {groups[0] if len(groups) == 1 else 'the group'}")
    axes.set_ylabel("Share observed, with interval")
    if len(groups) == 1:
        axes.text(0.02, 0.93, "above: objects per dot", fontsize=7, transform=axes.transAxes)
    else:
        axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
