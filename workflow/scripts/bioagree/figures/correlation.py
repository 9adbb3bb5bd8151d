"""Correlation matrices of features, in an order that shows which ones say the same."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bioagree.figures import canvas
from bioagree.statistics.correlation import Correlations, Difference, Group

_COLOURS = "RdBu_r"  # diverging, readable with the common colour blindnesses


def draw(
    path: str | Path,
    found: Correlations,
    names: Sequence[str],
    *,
    order: np.ndarray,
    groups: Sequence[Group],
    labels: Mapping[str, str],
    within: bool = True,
    source: str = "",
    cluster_unit: str = "image",
) -> None:
    """Draw Pearson's correlations below the diagonal and Spearman's above it.

    Parameters
    ----------
    path : str or Path
    found : Correlations
    names : sequence of str
        Of the features, as in the matrices.
    order : numpy.ndarray of int
        From :func:`bioagree.statistics.correlation.cluster_order`.
    groups : sequence of Group
        Redundant features: outlined, and named by the one that stands for them.
    labels : mapping of str to str
        What people read for a feature.
    within : bool
        Draw the correlations within clusters instead of the pooled ones.
    source : str
        Whose measurements these are.
    cluster_unit : str
        What a cluster is.
    """
    from matplotlib.figure import Figure

    pearson, spearman = (
        (found.pearson_within, found.spearman_within) if within else (found.pearson, found.spearman)
    )
    count = len(names)
    matrix = np.where(np.tri(count, dtype=bool), pearson[np.ix_(order, order)], np.nan)
    upper = np.triu(np.ones((count, count), dtype=bool), 1)
    matrix[upper] = spearman[np.ix_(order, order)][upper]
    np.fill_diagonal(matrix, np.nan)

    cell = min(0.3, max(0.15, 9 / max(count, 1)))
    left, top, right, bottom = 3.0, 0.85, 3.3, 0.95
    size = max(cell * count, 2.0)
    width, height = left + size + right, top + size + bottom
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes([left / width, bottom / height, size / width, size / height])
    if not count:
        canvas.say(axes, "No feature to correlate.")
        canvas.save(figure, path)
        return
    axes.set_facecolor("0.85")
    drawn = axes.imshow(matrix, cmap=_COLOURS, vmin=-1, vmax=1)
    axes.plot([-0.5, count - 0.5], [-0.5, count - 0.5], color="0.3", linewidth=0.8)
    ordered = [names[i] for i in order]
    axes.set_yticks(range(count), [labels.get(name, name) for name in ordered])
    axes.set_xticks([])
    standing = {group.name for group in groups}
    redundant = {member for group in groups for member in group.members} - standing
    for text, name in zip(axes.get_yticklabels(), ordered, strict=True):
        text.set_fontsize(min(9.0, cell * 45))
        text.set_color("0.5" if name in redundant else "black")
        text.set_fontweight("bold" if name in standing else "normal")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _outline(axes, ordered, groups, labels, cell)
    images = f"{found.clusters} {cluster_unit}{'' if found.clusters == 1 else 's'}"
    objects = f"n = {_range(found.n[upper])} objects" if count > 1 else ""
    kind = f"within {cluster_unit}s" if within else "over all objects"
    title = f"Which features say the same? Correlations {kind}"
    figure.text(0.12 / width, 1 - 0.25 / height, title, fontsize=13, weight="bold", va="center")
    line = ", ".join(part for part in (source, objects, images) if part)
    line += ". Below the diagonal Pearson, above it Spearman; grey: undefined."
    figure.text(0.12 / width, 1 - 0.52 / height, line, fontsize=9.5, va="center")
    bar = figure.add_axes([left / width, 0.42 / height, min(size, 3.5) / width, 0.13 / height])
    figure.colorbar(drawn, cax=bar, orientation="horizontal", ticks=[-1, -0.5, 0, 0.5, 1])
    bar.tick_params(labelsize=8.5)
    bar.set_title("correlation (no unit)", fontsize=9, pad=3)
    canvas.save(figure, path)


def draw_differences(
    path: str | Path,
    differences: Mapping[str, Difference],
    names: Sequence[str],
    *,
    order: np.ndarray,
    titles: Mapping[str, str],
    labels: Mapping[str, str],
    cluster_unit: str = "image",
) -> None:
    """Draw, for each method, its correlations minus those of the truth, in the same order.

    Dots mark differences beyond what chance between clusters explains; the three largest of them
    are named. Parameters are those of :func:`draw`.
    """
    from bioagree.statistics.hypotheses import false_discovery_rates

    figure, panels = canvas.grid(len(differences), columns=2, panel=(5.2, 5.6))
    if not differences:
        canvas.say(panels[0], "No method to compare with the truth.")
        canvas.save(figure, path)
        return
    largest = max(np.nanmax(np.abs(d.difference), initial=0.0) for d in differences.values())
    edge = max(0.1, float(largest))
    count = len(names)
    i, j = np.triu_indices(count, 1)
    for axes, (method, found) in zip(panels, differences.items(), strict=False):
        matrix = found.difference[np.ix_(order, order)].copy()
        np.fill_diagonal(matrix, np.nan)
        axes.set_facecolor("0.85")
        drawn = axes.imshow(matrix, cmap=_COLOURS, vmin=-edge, vmax=edge)
        q = np.full(matrix.shape, np.nan)
        q[i, j] = q[j, i] = false_discovery_rates(found.p[i, j])
        rows, columns = np.nonzero(np.tril(q[np.ix_(order, order)] < 0.05))
        axes.scatter(columns, rows, s=max(1.0, 260 / max(count, 1) ** 1.4), c="black", linewidths=0)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        beyond = int(np.count_nonzero(q[i, j] < 0.05))
        axes.set_title(
            f"{titles.get(method, method)} − truth\n"
            f"{beyond} of {np.count_nonzero(~np.isnan(found.p[i, j]))} pairs differ (dots); "
            f"{found.clusters} {cluster_unit}s",
            fontsize=10,
            loc="left",
        )
        rows = [row for row in found.largest(names, count * count) if row["exceeds_error"]][:3]
        lines = [
            f"{labels.get(row['first'], row['first'])} × {labels.get(row['second'], row['second'])}"
            f": {_signed(row['truth'])} → {_signed(row['method'])}"
            for row in rows
        ]
        text = "\n".join(textwrap.fill(line, 66) for line in lines)
        axes.set_xlabel(
            text or found.note or "No difference beyond chance.", fontsize=8, loc="left"
        )
    bar = figure.colorbar(
        drawn, ax=panels.tolist(), orientation="horizontal", shrink=0.5, aspect=40
    )
    bar.set_label(
        f"difference of correlations within {cluster_unit}s (Pearson, no unit); below: "
        "the largest that exceed chance, truth → method",
        fontsize=9,
    )
    canvas.save(figure, path)


def _outline(axes, ordered, groups, labels, cell):
    """Frame each group on the diagonal and say at the right what stands for it."""
    from matplotlib.patches import Rectangle

    place = {name: i for i, name in enumerate(ordered)}
    count, free = len(ordered), -1.0
    # a line of text must not run into the one above
    step = 0.17 / cell
    spans = []
    for group in groups:
        here = sorted(place[member] for member in group.members)
        if here[-1] - here[0] == len(here) - 1:
            spans.append((here[0], len(here), group))
    for start, length, group in sorted(spans, key=lambda span: span[0]):
        axes.add_patch(
            Rectangle(
                (start - 0.5, start - 0.5), length, length, fill=False, edgecolor="black", lw=1.6
            )
        )
        middle = start + (length - 1) / 2
        others = length - 1
        text = f"{labels.get(group.name, group.name)} stands for {others} other"
        lines = textwrap.wrap(text + ("s" if others > 1 else ""), 40)
        y = max(middle, free + step * len(lines) / 2)
        free = y + step * len(lines) / 2
        axes.annotate(
            "\n".join(lines),
            xy=(start + length - 0.5, middle),
            xytext=(count + 1.0 / (cell * 4), y),
            fontsize=8.5,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "linewidth": 0.6, "color": "0.4", "relpos": (0, 0.5)},
        )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _range(numbers: np.ndarray) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    return f"{low}" if low == high else f"{low}–{high}"
