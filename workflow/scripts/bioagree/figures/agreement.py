"""Bland-Altman plots of several pairs of methods, and all features at a glance."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bioagree.comparison import Pair
from bioagree.features.dictionary import title_of
from bioagree.figures import bland_altman, canvas
from bioagree.tables import Columns
from bioagree.truth import TRUTH


def draw(path: str | Path, pairs: Sequence[Pair]) -> None:
    """Draw one Bland-Altman plot a pair; each point is one image, coloured by session."""
    figure, panels = canvas.grid(len(pairs), columns=2, panel=(6.0, 4.4))
    if not pairs:
        canvas.say(panels[0], "No two methods to compare.")
    for axes, pair in zip(panels, pairs, strict=False):
        bland_altman.draw(
            axes,
            pair.first_values,
            pair.second_values,
            pair.result,
            quantity=pair.quantity.title,
            unit=pair.quantity.unit,
            first_name=pair.first,
            second_name=pair.second,
            groups=pair.sessions,
        )
    canvas.save(figure, path)


def draw_overview(path: str | Path, columns: Columns) -> None:
    """Draw how far each method agrees with the truth on every feature of single objects.

    Parameters
    ----------
    path : str or Path
    columns : dict of str to numpy.ndarray
        From :func:`bioagree.statistics.object_agreement.agree`, with `dimensions`, `first`,
        `second` and `feature`. Without a truth, every two methods are columns.
    """
    columns = {name: np.asarray(values) for name, values in columns.items()}
    truth = columns["second"] == TRUTH
    shown = truth if truth.any() else np.ones(len(truth), bool)
    kinds = sorted(set(columns["dimensions"][shown].tolist()))
    figure, panels = canvas.grid(len(kinds), columns=2, panel=(6.4, 1.6 + 0.21 * _most(columns)))
    if not kinds:
        canvas.say(panels[0], "No objects that two methods share.")
    for axes, dimensions in zip(panels, kinds, strict=False):
        _draw_concordance(axes, columns, shown & (columns["dimensions"] == dimensions), dimensions)
    canvas.save(figure, path)


def _draw_concordance(axes, columns: Columns, here: np.ndarray, dimensions: int) -> None:
    from matplotlib.colors import Normalize

    features = list(dict.fromkeys(columns["feature"][here].tolist()))
    first, second = columns["first"][here], columns["second"][here]
    pairs = list(dict.fromkeys(zip(first.tolist(), second.tolist(), strict=True)))
    grid = np.full((len(features), len(pairs)), np.nan)
    for index in np.flatnonzero(here):
        pair = (str(columns["first"][index]), str(columns["second"][index]))
        grid[features.index(columns["feature"][index]), pairs.index(pair)] = columns["ccc"][index]
    features = [name for name, row in zip(features, grid, strict=True) if np.isfinite(row).any()]
    if not features:
        canvas.say(axes, f"{dimensions}D: no objects whose agreement can be told.")
        return
    grid = grid[np.isfinite(grid).any(axis=1)]
    order = np.argsort(-np.nanmean(grid, axis=1), kind="stable")
    axes.imshow(grid[order], cmap="cividis", norm=Normalize(0, 1), aspect="auto")
    for (row, column), value in np.ndenumerate(grid[order]):
        text = "–" if np.isnan(value) else f"{value:.2f}".replace("-", "−")
        colour = "black" if value > 0.6 else "white"
        colour = "black" if np.isnan(value) else colour
        axes.text(column, row, text, ha="center", va="center", fontsize=7.5, color=colour)
    axes.set_yticks(range(len(features)), [title_of(features[i]) for i in order], fontsize=8)
    names = [one if other == TRUTH else f"{one} − {other}" for one, other in pairs]
    axes.set_xticks(range(len(pairs)), names, rotation=30, ha="left", fontsize=8)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    n = columns["n"][here]
    against = "the truth" if pairs[0][1] == TRUTH else "each other"
    axes.set_title(
        f"Agreement with {against} on each object, {dimensions}D\n"
        f"Lin's concordance: 1 equal, 0 none\n"
        f"up to {n.max(initial=0)} matched objects in "
        f"{columns['clusters'][here].max(initial=0)} image"
        f"{'s' if columns['clusters'][here].max(initial=0) != 1 else ''}",
        fontsize=10,
        loc="left",
    )


def _most(columns: Columns) -> int:
    """Return how many features the dimension with the most features has."""
    kinds = set(columns["dimensions"].tolist())
    here = [columns["feature"][columns["dimensions"] == kind] for kind in kinds]
    return max((len(set(names.tolist())) for names in here), default=1)
