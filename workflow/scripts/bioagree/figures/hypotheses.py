"""Groups compared image by image: every object, every image, and the effect beside them."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

import numpy as np
from numpy.typing import ArrayLike

from bioagree.figures import canvas
from bioagree.statistics.effects import WITHIN
from bioagree.statistics.hypotheses import GroupComparison

_SHIFT = 0.33  # of objects, and of means, from the middle of their group


def draw(
    path: str | Path,
    comparisons: Sequence[tuple[GroupComparison, ArrayLike, ArrayLike]],
    titles: Sequence[str] | None = None,
) -> None:
    """Draw each comparison: objects as small dots, image means as large ones, effect at the right.

    Parameters
    ----------
    path : str or Path
    comparisons : sequence of (GroupComparison, values, groups)
        With the values, shape (objects,), and the index of each object's group in
        `GroupComparison.groups`, -1 for none.
    titles : sequence of str, optional
        Of each panel; else what was measured.

    Notes
    -----
    Objects within images and image means after Lord et al., Journal of Cell Biology
    2020;219:e202001064, :doi:`10.1083/jcb.202001064`.
    """
    from matplotlib.figure import Figure

    count = len(comparisons)
    columns = min(2, max(count, 1))
    rows = max(1, -(-count // columns))
    figure = Figure(figsize=(6.6 * columns, 4.7 * rows), layout="constrained")
    panels = figure.subfigures(rows, columns, squeeze=False).ravel()
    if not count:
        canvas.say(panels[0].subplots(), "No comparison of groups to show.")
    for i, (result, values, groups) in enumerate(comparisons):
        title = titles[i] if titles else _capital(result.quantity)
        _panel(panels[i], result, np.asarray(values, float), np.asarray(groups), title)
    canvas.save(figure, path)


def _panel(figure, result: GroupComparison, values, groups, title):
    two = len(result.groups) == 2
    axes, beside = figure.subplots(
        1, 2, width_ratios=[2.4, 1] if two else [1, 0.01], gridspec_kw={"wspace": 0.05}
    )
    figure.suptitle(title, fontsize=11.5, weight="bold", x=0.02, ha="left")
    unit = f" ({result.quantity_unit})" if result.quantity_unit else ""
    known = ~np.isnan(values) & (groups >= 0)
    if not known.any():
        canvas.say(axes, result.primary.note or "No values.")
        beside.set_axis_off()
        return
    values, groups = values[known], groups[known]
    random = np.random.default_rng(0)
    for group in range(len(result.groups)):
        mine = values[groups == group]
        side = -_SHIFT / 2 if two and group == 0 else _SHIFT / 2 if two else 0.0
        axes.plot(
            group + side + random.uniform(-0.14, 0.14, mine.size),
            mine,
            ".",
            color=canvas.COLOURS[group % 6],
            markersize=3 if mine.size > 200 else 5,
            alpha=0.35,
            markeredgewidth=0,
            zorder=1,
            rasterized=mine.size > 300,
        )
    _draw_means(axes, result, two)
    low, high = _view(values, result.cluster_means)
    axes.set_ylim(low, high)
    beyond = int(np.count_nonzero((values < low) | (values > high)))
    images = [int(np.count_nonzero(result.cluster_n[:, i])) for i in range(len(result.groups))]
    ticks = [
        f"{fill(name, 20)}\nn = {n} {result.unit}\n{_count(count, result.cluster_unit)}"
        for name, n, count in zip(result.groups, result.n_of_groups, images, strict=True)
    ]
    axes.set_xticks(range(len(ticks)), ticks, fontsize=8.5)
    axes.set_xlim(-0.6, len(ticks) - 0.4)
    axes.set_ylabel(_capital(result.quantity) + unit)
    axes.spines[["top", "right"]].set_visible(False)
    note = f"small: {result.unit}; large: {result.cluster_unit} means"
    if beyond:
        note += f"; {beyond} {result.unit} beyond the axis"
    if not two and result.primary.note:
        note += f"\n{fill(result.primary.note, 80)}"
    axes.set_title(note, fontsize=8, loc="left", color="0.35")
    if two:
        _draw_effect(beside, result, unit)
    else:
        beside.set_axis_off()


def _draw_means(axes, result, two):
    means = result.cluster_means
    x = np.arange(means.shape[1]) + (np.array([_SHIFT, -_SHIFT]) / 2 if two else 0.0)
    if result.design == WITHIN:
        for row in means[~np.isnan(means).any(axis=1)]:
            axes.plot(x, row, color="0.25", linewidth=0.8, alpha=0.7, zorder=2)
    for group in range(means.shape[1]):
        mine = means[~np.isnan(means[:, group]), group]
        axes.plot(
            np.full(mine.size, x[group]),
            mine,
            "o",
            markersize=7,
            color=canvas.COLOURS[group % 6],
            markeredgecolor="white",
            markeredgewidth=0.8,
            zorder=3,
        )


def _draw_effect(axes, result, unit):
    """Draw the difference with its interval, over the differences of the images it comes from."""
    test = result.primary
    means = result.cluster_means
    if result.design == WITHIN:
        differences = means[:, 0] - means[:, 1]
        differences = differences[~np.isnan(differences)]
        spread = np.random.default_rng(0).uniform(-0.12, 0.12, differences.size)
        axes.plot(spread - 0.25, differences, "o", color="0.6", markersize=5, markeredgewidth=0)
    axes.axhline(0, color="0.35", linewidth=0.8)
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(f"Difference{unit}")
    axes.set_xticks([])
    axes.set_xlim(-0.6, 0.7)
    axes.spines[["top", "left", "bottom"]].set_visible(False)
    if np.isnan(test.effect):
        axes.set_xlabel(fill(test.note, 28), fontsize=8.5)
        return
    if not np.isnan(test.low):
        axes.plot([0.3, 0.3], [test.low, test.high], color="black", linewidth=2.2)
    axes.plot(0.3, test.effect, "D", color="black", markersize=8)
    ends = [test.low, test.high, test.effect, 0.0]
    if result.design == WITHIN:
        ends += differences.tolist()
    margin = 0.08 * (np.nanmax(ends) - np.nanmin(ends) or 1.0)
    axes.set_ylim(np.nanmin(ends) - margin, np.nanmax(ends) + margin)
    lines = [f"{_signed(test.effect)} ({_signed(test.low)} to {_signed(test.high)})"]
    if not np.isnan(test.standardised):
        lines.append(f"{_signed(test.standardised)} SD")
    lines.append(f"p {'< 0.001' if test.p < 0.001 else f'= {test.p:.2g}'}")
    lines.append(_count(test.clusters, result.cluster_unit))
    if test.note:
        lines.append(fill(test.note, 30))
    axes.set_xlabel("\n".join(lines), fontsize=8.5)
    axes.set_title("difference, interval", fontsize=8, loc="right", color="0.35")


def _view(values, means):
    """Return limits that show all means and 99 % of the objects, so that outliers hide nothing."""
    low, high = (
        np.quantile(values, [0.005, 0.995]) if values.size > 200 else (values.min(), values.max())
    )
    low, high = min(low, np.nanmin(means)), max(high, np.nanmax(means))
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def _signed(value: float) -> str:
    return "unknown" if np.isnan(value) else f"{value:+.3g}".replace("-", "−")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
