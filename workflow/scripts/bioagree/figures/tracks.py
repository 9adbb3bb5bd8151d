"""Tracks in space, and as a tree over time; found against true where the truth is known."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bioagree.errors import InputError
from bioagree.figures import canvas
from bioagree.figures.outlines import BAR_UM
from bioagree.tables import Table
from bioagree.tracks.forest import Forest, centroids, forest, movies, partners, same_order

TIME_MAP = "viridis"  # even in lightness, and told apart with every common colour blindness
RIGHT, FALSE, MISSED = "#BBBBBB", canvas.COLOURS[1], canvas.COLOURS[0]
DIVISION = {"marker": "o", "markersize": 6, "mfc": "none", "mec": "black", "mew": 1.2, "ls": "none"}
WIDTH = 7.5  # inches
TALLEST = 11.0


def draw_paths(
    path: str | Path,
    objects: Table,
    tracks: Table,
    image: str,
    *,
    time_step_s: float,
    note: str = "",
) -> None:
    """Draw the tracks of one image from above, and from the side where it has depth.

    Parameters
    ----------
    path : str or Path
        Where to write.
    objects : Table
        `image`, `frame`, `label` and `centroid_{axis}_um`.
    tracks : Table
        One row for each object.
    image : str
        Which movie of the tables.
    time_step_s : float
        Seconds between frames.
    note : str
        Written behind the length of the scale bar, e.g. that the calibration is nominal.
    """
    from matplotlib.collections import LineCollection

    place, frames, made = _movie(objects, tracks, image)
    figure, panels = _projections(place)
    seconds = frames * time_step_s
    factor, unit = _unit_of_time(seconds)
    lines = None
    for axes, across, down in panels:
        earlier, later = made.links()
        order = np.argsort(frames[earlier], kind="stable")
        earlier, later = earlier[order], later[order]
        segments = np.stack([place[earlier][:, [across, down]], place[later][:, [across, down]]], 1)
        lines = LineCollection(
            segments, array=seconds[later] / factor, cmap=TIME_MAP, linewidths=1.3, capstyle="round"
        )
        lines.set_clim(0, max(seconds.max(initial=0) / factor, 1e-9))
        axes.add_collection(lines)
        mothers = made.last[made.divides]
        axes.plot(*place[mothers][:, [across, down]].T, **DIVISION)
    _scale_bar(panels[0][0], note)
    figure.colorbar(
        lines,
        ax=[axes for axes, *_ in panels],
        location="bottom",
        label=f"time ({unit})",
        shrink=0.6,
        aspect=40,
    )
    figure.suptitle(
        f"{image}: {len(made)} tracks of {len(place)} objects, {int(made.divides.sum())} divisions "
        "(circles)",
        fontsize=10,
    )
    canvas.save(figure, path, dpi=150)


def draw_errors(
    path: str | Path,
    objects: Table,
    tracks: Table,
    truth: tuple[Table, Table],
    image: str,
    *,
    matches: Mapping[str, np.ndarray] | None = None,
    note: str = "",
) -> None:
    """Draw which links of one image are right, false, and missed.

    Parameters
    ----------
    path, objects, tracks, image, note
        As for :func:`draw_paths`.
    truth : tuple of Table
        The true objects, and their tracks.
    matches : mapping of str to numpy.ndarray, optional
        Which found object is which true one, see :func:`bioagree.tracks.scores.match_objects`;
        unless given, they have the same image, frame and label.
    """
    from matplotlib.collections import LineCollection

    place, _, made = _movie(objects, tracks, image)
    true_place, _, true_made = _movie(*truth, image)
    here, there = (_of_image(table, image).columns for table in (objects, truth[0]))
    partner = partners(here, there, matches)
    true_links = set(zip(*(rows.tolist() for rows in true_made.links()), strict=True))
    found = list(zip(*(rows.tolist() for rows in made.links()), strict=True))
    as_true = [(int(partner[a]), int(partner[b])) for a, b in found]
    groups = (
        (
            "right",
            RIGHT,
            place,
            [p for p, q in zip(found, as_true, strict=True) if q in true_links],
        ),
        ("missed", MISSED, true_place, sorted(true_links - set(as_true))),
        (
            "false",
            FALSE,
            place,
            [p for p, q in zip(found, as_true, strict=True) if q not in true_links],
        ),
    )
    figure, panels = _projections(true_place if len(true_place) else place)
    for axes, across, down in panels:
        for name, colour, points, links in groups:
            segments = points[np.array(links, dtype=int).reshape(-1, 2)][..., [across, down]]
            width = 0.8 if name == "right" else 2.2
            style = (0, (2.0, 1.2)) if name == "missed" else "solid"
            axes.add_collection(
                LineCollection(
                    segments,
                    colors=colour,
                    linewidths=width,
                    linestyles=style,
                    label=f"{name} ({len(links)})",
                )
            )
    _scale_bar(panels[0][0], note)
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(f"{image}: links between objects, all frames", fontsize=10)
    canvas.save(figure, path, dpi=150)


def draw_tree(path: str | Path, tracks: Table, image: str, *, time_step_s: float) -> None:
    """Draw the lineages of one image: time to the right, a line for each track, forks to divide.

    Tracks that neither divide nor came from a division stand below, as they are.

    Parameters
    ----------
    path, tracks, image, time_step_s
        As for :func:`draw_paths`.
    """
    from matplotlib.collections import LineCollection

    tracks = _of_image(tracks, image)
    made = forest(tracks)
    frames = tracks.columns["frame"]
    factor, unit = _unit_of_time(frames * time_step_s)
    time = frames * time_step_s / factor
    height = _heights(made)
    figure, (axes,) = canvas.grid(1, 1, (WIDTH, min(TALLEST, 1.2 + 0.09 * max(len(made), 10))))
    family = np.isin(np.arange(len(made)), made.parent) | (made.parent >= 0)
    for members, colour in ((~family, "#999999"), (family, canvas.COLOURS[0])):
        ends = np.stack([time[made.first], time[made.last]], 1)[members]
        level = np.repeat(height[members, None], 2, axis=1)
        axes.add_collection(
            LineCollection(np.stack([ends, level], 2), colors=colour, linewidths=1.3)
        )
        axes.plot(time[made.first][members], height[members], "|", color=colour, markersize=3)
    child = np.flatnonzero(made.parent >= 0)
    mother = made.parent[child]
    forks = np.stack(
        [
            np.stack([time[made.last[mother]], height[mother]], 1),
            np.stack([time[made.first[child]], height[child]], 1),
        ],
        1,
    )
    axes.add_collection(LineCollection(forks, colors=canvas.COLOURS[1], linewidths=1.3))
    axes.plot(time[made.last[made.divides]], height[made.divides], **DIVISION)
    earlier, later = made.steps()
    gap = frames[later] - frames[earlier] > 1
    between = np.stack([time[earlier[gap]], time[later[gap]]], 1)
    level = np.repeat(height[made.owner[earlier[gap]], None], 2, axis=1)
    axes.add_collection(
        LineCollection(np.stack([between, level], 2), colors="white", linewidths=1.6)
    )
    axes.set_ylim(height.max(initial=0) + 1, -1)
    axes.set_xlim(-0.02 * time.max(initial=1), 1.02 * time.max(initial=1))
    axes.set_yticks([])
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.set_xlabel(f"time ({unit})")
    founders = int((made.parent < 0).sum())
    axes.set_title(
        f"{image}: {len(made)} tracks from {founders} founders, {int(made.divides.sum())} "
        "divisions (circles)\nblue: families, grey: single tracks, interrupted: gaps",
        fontsize=10,
    )
    canvas.save(figure, path, dpi=150)


def _of_image(table: Table, image: str) -> Table:
    """Return the rows of one image."""
    rows = dict(movies(table)).get(image)
    if rows is None:
        raise InputError(f"there is no image {image!r}; there are {', '.join(dict(movies(table)))}")
    columns = {name: values[rows] for name, values in table.columns.items()}
    return Table(columns, table.units)


def _movie(objects: Table, tracks: Table, image: str) -> tuple[np.ndarray, np.ndarray, Forest]:
    """Return centroids, frames and tracks of one image."""
    objects, tracks = _of_image(objects, image), _of_image(tracks, image)
    tracks = same_order(tracks, objects)
    return centroids(objects.columns), objects.columns["frame"].astype(np.int64), forest(tracks)


def _projections(place: np.ndarray):
    """Return a figure and its panels (axes, coordinate across, coordinate down), to one scale."""
    from matplotlib.figure import Figure

    deep = place.shape[1] == 3
    low, high = (
        f(place, axis=0) if len(place) else np.zeros(place.shape[1]) for f in (np.min, np.max)
    )
    # No side shorter than a quarter of the longest, nor than four times the shortest scale bar.
    shortest = max((high - low).max() / 4, 4 * BAR_UM[0])
    extent = np.maximum(high - low, shortest) * 1.06
    rows = [(extent.shape[0] - 1, extent.shape[0] - 2)] + ([(2, 0)] if deep else [])
    tall = [extent[down] / extent[rows[0][0]] for _, down in rows]
    height = min(WIDTH * 0.93 * sum(tall) + 1.5, TALLEST)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    panels = figure.subplots(len(rows), 1, squeeze=False, height_ratios=tall)[:, 0]
    for axes, (across, down) in zip(panels, rows, strict=True):
        middle = (low + high) / 2
        axes.set_xlim(middle[across] - extent[across] / 2, middle[across] + extent[across] / 2)
        axes.set_ylim(middle[down] + extent[down] / 2, middle[down] - extent[down] / 2)
        axes.set_aspect("equal")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_xlabel("zyx"[across + 3 - place.shape[1]])
        axes.set_ylabel("zyx"[down + 3 - place.shape[1]])
    return figure, [(axes, *row) for axes, row in zip(panels, rows, strict=True)]


def _scale_bar(axes, note: str) -> None:
    """Draw a bar of a round length below the right corner of a panel."""
    left, right = axes.get_xlim()
    length = max((bar for bar in BAR_UM if bar <= (right - left) / 4), default=BAR_UM[0])
    below = axes.get_xaxis_transform()
    axes.plot(
        [right - length, right],
        [-0.025, -0.025],
        color="black",
        lw=3,
        solid_capstyle="butt",
        transform=below,
        clip_on=False,
    )
    text = f"{length} µm {note}".rstrip()
    axes.text(right, -0.045, text, ha="right", va="top", fontsize=8, transform=below)


def _unit_of_time(seconds: np.ndarray) -> tuple[float, str]:
    """Return the unit in which a time span reads well."""
    for factor, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds.max(initial=0) >= 3 * factor:
            return factor, unit
    return 1.0, "s"


def _heights(made: Forest) -> np.ndarray:
    """Return where each track stands: families together, a mother midway between her daughters."""
    height = np.zeros(len(made))
    has_family = np.isin(np.arange(len(made)), made.parent)
    children: dict[int, list[int]] = {}
    for child in np.flatnonzero(made.parent >= 0).tolist():
        children.setdefault(int(made.parent[child]), []).append(child)
    level = 0
    founders = np.flatnonzero(made.parent < 0)
    for founder in [*founders[has_family[founders]], *founders[~has_family[founders]]]:
        for track in _leaves_first(int(founder), children):
            own = children.get(track)
            if own is None:
                height[track], level = level, level + 1
            else:
                height[track] = np.mean(height[own])
        level += bool(has_family[founder])
    return height


def _leaves_first(founder: int, children: Mapping[int, list[int]]) -> list[int]:
    """Return the tracks of a family, daughters before their mother, sisters beside each other."""
    order, waiting = [], [founder]
    while waiting:
        track = waiting.pop()
        order.append(track)
        waiting += children.get(track, [])
    return order[::-1]
