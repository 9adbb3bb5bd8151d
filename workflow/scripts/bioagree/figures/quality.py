"""Scores of every image, method by method: how many objects, how well outlined, how far off."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bioagree.figures import canvas
from bioagree.scores import AP_KEYS, AP_THRESHOLDS
from bioagree.tables import Columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = {
    "accuracy": "Pixel accuracy\n(flatters: background counts)",
    "jaccard": "Jaccard index\n(foreground pixels)",
    "f1_50": "F1 of objects\n(IoU > 0.5)",
    "ap_50_95": "Average precision\n(IoU 0.50 to 0.95)",
    "pq": "Panoptic quality",
    "seg": "SEG\n(Cell Tracking Challenge)",
}

_FEWEST_FOR_MEDIAN = 3


def draw(path: str | Path, columns: Columns, methods: Sequence[str]) -> None:
    """Draw one panel a score: a dot an image, a line at the median, 2D and 3D told apart.

    In the panel of pixel accuracy a dashed line shows what finding nothing would score.
    """
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
        if score == "accuracy":
            _draw_accuracy_of_nothing(axes, columns)
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


def draw_ap(path: str | Path, columns: Columns, methods: Sequence[str]) -> None:
    """Draw how average precision falls as a match is asked to overlap more.

    One panel a method and dimension: a thin line an image, a thick one at their median, and in grey
    the medians of the other methods. Of fewer than three images no median is drawn.
    """
    dimensions = sorted(set(columns["dimensions"].tolist()))
    figure, panels = canvas.grid(
        len(dimensions) * len(methods), columns=len(methods), panel=(2.9, 2.9)
    )
    if not dimensions or not len(methods):
        canvas.say(panels[0], "No scores to draw.")
    else:
        for row, dimension in enumerate(dimensions):
            here = panels[row * len(methods) : (row + 1) * len(methods)]
            _draw_ap_of_dimension(here, columns, methods, dimension)
        figure.supxlabel("IoU that a match has to exceed", fontsize=9)
        figure.supylabel("average precision: TP / (TP + FP + FN)", fontsize=9)
        figure.suptitle(
            "How many objects are still right when outlines have to agree better?\n"
            "thin line: an image; thick line: median of three or more; grey: medians of the others",
            fontsize=10,
        )
    canvas.save(figure, path)


def draw_distances(
    path: str | Path, columns: Columns, methods: Sequence[str], *, dimensions: int
) -> None:
    """Draw how far the outlines of matched objects are from the true ones, in µm.

    Parameters
    ----------
    path : str or Path
    columns : dict of str to numpy.ndarray
        Scores with those of `summarise_surface_distances`, one row an image and method.
    methods : sequence of str
        From top to bottom.
    dimensions : int
        2 or 3: which images.
    """
    figure, (axes,) = canvas.grid(1, columns=1, panel=(7.0, 1.9 + 0.62 * len(methods)))
    here = columns["dimensions"] == dimensions
    known = here & ~np.isnan(columns["mean_assd_um"].astype(float))
    if not known.any():
        canvas.say(axes, f"No matched objects in {dimensions}D images: no outlines to compare.")
        canvas.save(figure, path)
        return
    spread = np.random.default_rng(0)
    kinds = (
        ("mean_assd_um", "mean distance (ASSD)", -0.17, True),
        ("mean_hd95_um", "largest distance but for 5 % (HD95)", 0.17, False),
    )
    for row, method in enumerate(methods):
        mine = known & (columns["method"] == method)
        colour = canvas.COLOURS[row % len(canvas.COLOURS)]
        for key, _, shift, filled in kinds:
            values = columns[key][mine]
            heights = row + shift + spread.uniform(-0.1, 0.1, len(values))
            axes.plot(
                values,
                heights,
                "o",
                markersize=5,
                color=colour,
                markerfacecolor=colour if filled else "white",
                alpha=0.8,
            )
            if len(values) >= _FEWEST_FOR_MEDIAN:
                ends = [row + shift - 0.15, row + shift + 0.15]
                axes.plot([np.median(values)] * 2, ends, color="black", lw=1.5)
        _write_matched_share(axes, columns, here & (columns["method"] == method), row)
    for _, title, _, filled in kinds:
        axes.plot(
            [], [], "o", color="0.3", markerfacecolor="0.3" if filled else "white", label=title
        )
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, frameon=False)
    figure.suptitle(
        "How far are the outlines of the objects that were found from the true ones?", fontsize=10
    )
    axes.set_xlim(left=0)
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.set_yticks(range(len(methods)), methods)
    axes.set_xlabel(
        "distance between outlines of matched objects (µm), mean of an image\n"
        "one mark an image; black line: median of three or more; other objects have no distance",
        fontsize=9,
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    canvas.save(figure, path)


def _draw_accuracy_of_nothing(axes: "Axes", columns: Columns) -> None:
    """Draw a line at the accuracy of finding nothing, on the median 2D image."""
    flat = columns["dimensions"] == 2  # as the other medians here
    shares = columns.get("accuracy_of_nothing", np.full(flat.size, np.nan))[flat]
    if np.isnan(shares).all():
        return
    median = np.nanmedian(shares)
    axes.axvline(median, color="0.4", lw=1, ls="--", zorder=0)
    axes.annotate(
        f"finding nothing: {median:.2f} ",
        (median, 0.02),
        xycoords=axes.get_xaxis_transform(),
        ha="right" if median > 0.5 else "left",
        fontsize=8,
        color="0.4",
    )


def _draw_ap_of_dimension(
    panels: Sequence["Axes"], columns: Columns, methods: Sequence[str], dimension: int
) -> None:
    curves = []
    for method in methods:
        mine = (columns["dimensions"] == dimension) & (columns["method"] == method)
        each = np.stack([columns[key][mine] for key in AP_KEYS], axis=1)
        curves.append(each[~np.isnan(each).any(axis=1)])
    enough = [len(each) >= _FEWEST_FOR_MEDIAN for each in curves]
    medians = [np.median(each, axis=0) for each in curves] if all(enough) else []
    for row, (axes, method) in enumerate(zip(panels, methods, strict=True)):
        colour = canvas.COLOURS[row % len(canvas.COLOURS)]
        for other, median in enumerate(medians):
            if other != row:
                axes.plot(AP_THRESHOLDS, median, color="0.75", lw=1.5)
        for curve in curves[row]:
            axes.plot(AP_THRESHOLDS, curve, color=colour, lw=0.6 if medians else 2, alpha=0.6)
        if medians:
            axes.plot(AP_THRESHOLDS, medians[row], color=colour, lw=2.5)
        axes.set_title(f"{method}\n{len(curves[row])} {dimension}D images", fontsize=9)
        axes.set_xlim(0.49, 0.96)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xticks([0.5, 0.6, 0.7, 0.8, 0.9])
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)


def _write_matched_share(axes: "Axes", columns: Columns, mine: np.ndarray, row: int) -> None:
    """Write right of a row how many of the true objects were matched."""
    matched, objects = (int(columns[key][mine].sum()) for key in ("true_positive", "n_truth"))
    share = f" ({100 * matched / objects:.0f} %)" if objects else ""
    axes.annotate(
        f"{matched} of {objects}\nobjects matched{share}",
        (1.02, row),
        xycoords=axes.get_yaxis_transform(),
        va="center",
        fontsize=8,
    )


def _keys(columns: Columns, dimensions: int) -> np.ndarray:
    here = columns["dimensions"] == dimensions
    return np.char.add(
        np.char.add(columns["sample"][here].astype(str), "/"), columns["image"][here].astype(str)
    )
