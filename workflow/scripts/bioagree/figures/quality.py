"""Scores of every image, method by method."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bioagree.figures import canvas
from bioagree.tables import Columns

SHOWN = {
    "accuracy": "Pixel accuracy\n(flatters: background counts)",
    "jaccard": "Jaccard index\n(foreground pixels)",
    "f1_50": "F1 of objects\n(IoU > 0.5)",
    "ap_50_95": "Average precision\n(IoU 0.50 to 0.95)",
    "pq": "Panoptic quality",
    "seg": "SEG\n(Cell Tracking Challenge)",
}


def draw(path: str | Path, columns: Columns, methods: Sequence[str]) -> None:
    """Draw one panel a score: a dot an image, a line at the median, 2D and 3D told apart."""
    figure, panels = canvas.grid(len(SHOWN), columns=3, panel=(4.2, 3.4))
    spread = np.random.default_rng(0)
    for axes, (score, title) in zip(panels, SHOWN.items(), strict=True):
        for row, method in enumerate(methods):
            for dimensions, marker in ((2, "o"), (3, "^")):
                here = (columns["method"] == method) & (columns["dimensions"] == dimensions)
                values = columns[score][here]
                heights = row + spread.uniform(-0.22, 0.22, len(values))
                axes.plot(
                    values,
                    heights,
                    marker,
                    color=canvas.COLOURS[row % len(canvas.COLOURS)],
                    markersize=5,
                    alpha=0.7,
                    markeredgewidth=0,
                )
                if dimensions == 2 and np.isfinite(values).any():
                    median = np.nanmedian(values)
                    axes.plot([median] * 2, [row - 0.35, row + 0.35], color="black", lw=1.5)
        axes.set_title(title, fontsize=10)
        axes.set_xlim(-0.02, 1.02)
        axes.set_yticks(range(len(methods)), methods)
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", alpha=0.3)
    flat, deep = (len(np.unique(_keys(columns, dimensions))) for dimensions in (2, 3))
    figure.supxlabel(
        f"score (no unit); one mark an image: ● {flat} 2D images, ▲ {deep} 3D images; "
        "black line: median of the 2D images",
        fontsize=9,
    )
    canvas.save(figure, path)


def _keys(columns: Columns, dimensions: int) -> np.ndarray:
    here = columns["dimensions"] == dimensions
    return np.char.add(
        np.char.add(columns["sample"][here].astype(str), "/"), columns["image"][here].astype(str)
    )
