"""Which method is best: mean ranks with their intervals, and which of them are not told apart."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bioagree.figures import canvas
from bioagree.statistics.rank_tests import not_told_apart
from bioagree.statistics.ranking import Ranking

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GROUP = "0.35"


def draw(path: str | Path, rankings: Mapping[str, Ranking], methods: Sequence[str]) -> None:
    """Draw one panel a score: methods by mean rank, and bars that join those not told apart.

    Parameters
    ----------
    path : str or Path
    rankings : mapping of str to Ranking
        By what people call the score.
    methods : sequence of str
        In the order in which they were ranked.
    """
    height = 1.8 + 0.4 * len(methods)
    figure, panels = canvas.grid(len(rankings), columns=2, panel=(6.2, height))
    if not rankings:
        canvas.say(panels[0], "No scores to rank methods by.")
    for axes, (score, ranking) in zip(panels, rankings.items(), strict=False):
        if ranking.n == 0 or len(methods) < 2:
            canvas.say(axes, f"{score}\n\n{ranking.note}")
        else:
            _draw_panel(axes, score, ranking, methods)
    drawn = [ranking for ranking in rankings.values() if ranking.n > 1]
    if drawn:
        room = int(figure.get_figwidth() * 16)  # characters of this size
        legend = textwrap.fill(_legend(drawn[0].confidence), room)
        figure.supxlabel(legend, fontsize=8)
        figure.get_layout_engine().set(wspace=0.06)
    canvas.save(figure, path)


def headline(ranking: Ranking, methods: Sequence[str]) -> str:
    """Say in a few words who leads and from whom the leader is not told apart.

    Examples
    --------
    >>> from bioagree.statistics.ranking import rank
    >>> headline(rank([[0.9, 0.2, 0.3]] * 20), ["watershed", "Otsu", "Voronoi"])
    'watershed is best'
    >>> headline(rank([[0.9, 0.2, 0.3], [0.8, 0.4, 0.9]] * 3), ["watershed", "Otsu", "Voronoi"])
    'watershed leads, not told apart from Voronoi'
    """
    best = int(np.argmin(ranking.mean_rank))
    if np.isnan(ranking.critical_difference):
        return f"{methods[best]} leads"
    groups = not_told_apart(ranking.mean_rank, ranking.critical_difference)
    others = [methods[each] for group in groups if best in group for each in group if each != best]
    if not others:
        return f"{methods[best]} is best"
    if len(others) == len(methods) - 1:
        return "No method is told apart from the leader"
    return f"{methods[best]} leads, not told apart from {' and '.join(others)}"


def _legend(confidence: float) -> str:
    return (
        f"dot and coloured bar: mean rank and its {100 * confidence:.4g} % bootstrap interval; "
        "percentages: how often the method leads when images are drawn anew; "
        "grey bars join methods whose mean ranks differ by no more than the critical difference: "
        "these images do not tell them apart (Nemenyi)"
    )


def _draw_panel(axes: "Axes", score: str, ranking: Ranking, methods: Sequence[str]) -> None:
    order = np.argsort(ranking.mean_rank, kind="stable")
    rows = np.arange(order.size)
    for row, method in zip(rows, order.tolist(), strict=True):
        colour = canvas.COLOURS[method % len(canvas.COLOURS)]
        ends = [ranking.rank_low[method], ranking.rank_high[method]]
        axes.plot(ends, [row, row], color=colour, lw=3, solid_capstyle="butt", alpha=0.5)
        axes.plot(ranking.mean_rank[method], row, "o", color=colour, markersize=9, zorder=3)
    axes.set_yticks(rows, [methods[method] for method in order.tolist()])
    axes.set_ylim(order.size - 0.5, -1.3)
    axes.set_xlim(0.8, len(methods) + 0.2)
    axes.set_xticks(range(1, len(methods) + 1))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.3)
    images = "1 image" if ranking.n == 1 else f"{ranking.n} images"
    note = "".join(f"\n{line}" for line in textwrap.wrap(ranking.note, 64))
    axes.set_xlabel(f"mean rank over {images} (1 = best){note}", fontsize=9)
    axes.set_title(f"{score}\n{headline(ranking, methods)}", fontsize=10, loc="left")
    _draw_best_shares(axes, ranking, order)
    if not np.isnan(ranking.critical_difference):
        _draw_groups(axes, ranking, order)


def _draw_best_shares(axes: "Axes", ranking: Ranking, order: np.ndarray) -> None:
    """Write right of each row how often the method leads."""
    if np.isnan(ranking.best_share).any():
        return
    for row, share in enumerate(ranking.best_share[order]):
        axes.annotate(
            f"{100 * share:.0f} %",
            (1.17, row),
            xycoords=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=8,
            annotation_clip=False,
        )


def _draw_groups(axes: "Axes", ranking: Ranking, order: np.ndarray) -> None:
    """Draw Nemenyi's critical difference, and a bar along rows that differ by no more than it."""
    place = {method: row for row, method in enumerate(order.tolist())}
    groups = not_told_apart(ranking.mean_rank, ranking.critical_difference)
    for number, group in enumerate(groups):
        rows = sorted(place[method] for method in group)
        axes.plot(
            [1.02 + 0.02 * (number % 3)] * 2,
            [rows[0] - 0.25, rows[-1] + 0.25],
            color=_GROUP,
            lw=4,
            solid_capstyle="butt",
            transform=axes.get_yaxis_transform(),
            clip_on=False,
        )
    width = min(ranking.critical_difference, len(ranking.mean_rank) - 0.9)
    axes.plot([1, 1 + width], [-0.85] * 2, color=_GROUP, lw=1.5, marker="|", markersize=8)
    axes.annotate(
        f"  critical difference {ranking.critical_difference:.2f}",
        (1 + width, -0.85),
        va="center",
        fontsize=8,
        color=_GROUP,
    )
