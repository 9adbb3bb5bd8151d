"""Bland-Altman plots of several pairs of methods, side by side."""

from collections.abc import Sequence
from pathlib import Path

from bioagree.comparison import Pair
from bioagree.figures import bland_altman, canvas


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
