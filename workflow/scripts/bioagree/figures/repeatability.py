"""By how much each method differs from itself when the same image is taken again."""

from pathlib import Path

import numpy as np

from bioagree.features.dictionary import title_of
from bioagree.figures import canvas
from bioagree.tables import Columns

MOST = 16  # features shown; the table has all
WIDEST = 100  # percent; intervals from few images reach much further
CHANGES = {
    "noise": "under fresh noise",
    "shift": "shifted by part of a voxel",
    "device": "on another device",
}


def draw(path: str | Path, columns: Columns, change: str) -> None:
    """Draw the within-subject coefficient of variation: a row a feature, a dot a method.

    Parameters
    ----------
    path : str or Path
    columns : dict of str to numpy.ndarray
        From :func:`bioagree.statistics.repeatability.repeatabilities`, with `sample`, `level`,
        `method` and `feature`.
    change : {"noise", "shift", "device"}
        What was changed between the images.
    """
    columns = {name: np.asarray(values) for name, values in columns.items()}
    samples = dict.fromkeys(columns["sample"].tolist())
    panels = [(sample, level) for sample in samples for level in ("image", "object")]
    methods = list(dict.fromkeys(columns["method"].tolist()))
    figure, axes = canvas.grid(len(panels), columns=2, panel=(6.6, 5.0))
    if not panels:
        canvas.say(axes[0], "Nothing was measured twice.")
    for one, (sample, level) in zip(axes, panels, strict=False):
        here = (columns["sample"] == sample) & (columns["level"] == level)
        _draw_panel(one, columns, here, methods, f"{sample}, each {level}")
    figure.suptitle(
        "How far a method differs from itself when the same image is taken again "
        f"{CHANGES[change]}",
        fontsize=11.5,
        fontweight="bold",
    )
    if panels:
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    canvas.save(figure, path)


def _draw_panel(axes, columns: Columns, here: np.ndarray, methods: list[str], title: str) -> None:
    percent = {n: 100 * columns[n].astype(float) for n in ("cv", "cv_low", "cv_high")}
    known = here & np.isfinite(percent["cv"])
    if not known.any():
        canvas.say(axes, f"{title}: nothing was measured twice.")
        return
    features = list(dict.fromkeys(columns["feature"][known].tolist()))[:MOST]
    for index, method in enumerate(methods):
        rows = [i for i in np.flatnonzero(known) if columns["method"][i] == method]
        rows = [i for i in rows if columns["feature"][i] in features]
        place = np.array([features.index(columns["feature"][i]) for i in rows], float)
        place += (index - (len(methods) - 1) / 2) * 0.13
        colour = canvas.COLOURS[index % 6]
        low, high = (np.clip(percent[f"cv_{end}"][rows], 0, WIDEST) for end in ("low", "high"))
        axes.hlines(place, low, high, color=colour, lw=1.2)
        axes.plot(percent["cv"][rows], place, "o", color=colour, markersize=4, label=method)
    axes.set_yticks(range(len(features)), [title_of(name) for name in features], fontsize=8)
    axes.set_ylim(len(features) - 0.5, -0.5)
    axes.set_xscale("symlog", linthresh=0.1)
    axes.set_xlim(0, min(WIDEST, 1.5 * np.nanmax(percent["cv"][known]) + 1))
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    subjects = columns["subjects"][known]
    least, most = subjects.min(), subjects.max()
    n = f"{least} to {most}" if least < most else str(most)
    axes.set_title(f"{title} (n = {n})", fontsize=10, loc="left")
    axes.set_xlabel("within-subject SD (% of the mean), 95 % interval")
