"""Drift of the stage or the specimen, estimated from the objects themselves and subtracted.

Only points are needed, so that labels without intensities can be corrected too. What all objects
do together is called drift: in a tissue that flows as a whole, leave it in.
"""

import numpy as np
from scipy.spatial import cKDTree

from bioagree.errors import InputError
from bioagree.tables import Columns, Table
from bioagree.tracks.forest import centroid_names, centroids, movies
from bioagree.tracks.linking import nearest_neighbour_um

ROUNDS = 50  # the median settles in about five; a pair of frames may also swap between two values


def estimate_drift(objects: Table, *, max_drift_um: float | None = None) -> Table:
    """Estimate where each frame lies relative to the first one.

    Parameters
    ----------
    objects : Table
        `image`, `frame` and `centroid_{axis}_um`, one row for each object and frame.
    max_drift_um : float, optional
        The largest drift between two frames. Unless given, three times the median distance to the
        nearest neighbour, movie by movie.

    Returns
    -------
    Table
        One row for each image and frame: `image`, `frame`, `drift_{axis}_um`, 0 in the first
        frame. Frames without objects have the drift of the frame before.

    Raises
    ------
    InputError
        When the largest drift is no distance.

    Notes
    -----
    Between two frames, each difference of two centroids votes for a drift; the one with the most
    others near it (within a quarter of the distance to the nearest neighbour) is a first guess.
    Then the frames are laid upon each other, objects that are mutually nearest are paired, and the
    median of their displacements, axis by axis, corrects the guess until it no longer changes.
    The median stays where it is as long as fewer than half of the objects have moves of their own.

    The error of one step is about 1.25 s / √n for n pairs whose own displacements scatter by s
    along an axis, and errors add up like a random walk over the frames.
    """
    if max_drift_um is not None and not 0 < max_drift_um < np.inf:
        raise InputError(f"max_drift_um is {max_drift_um}; it is a distance in µm greater than 0")
    place, frames = centroids(objects.columns), objects.columns["frame"]
    images, numbers, drifts = [], [], [np.zeros((0, place.shape[1]))]
    lengths = {entry["image"]: entry["frames"] for entry in objects.about.get("images", ())}
    for name, rows in movies(objects):
        count = lengths.get(name, frames[rows].max(initial=-1) + 1)
        images += [name] * count
        numbers.append(np.arange(count))
        drifts.append(_drift_of_movie(place[rows], frames[rows], count, max_drift_um))
    columns: Columns = {
        "image": np.array(images, dtype=str),
        "frame": np.concatenate([*numbers, []]).astype(np.int32),
    }
    names = [name.replace("centroid", "drift") for name in centroid_names(objects.columns)]
    columns |= dict(zip(names, np.concatenate(drifts).T, strict=True))
    about = {"images": objects.about.get("images", [])}
    return Table(columns, {name: "µm" for name in names}, about)


def correct(objects: Table, drift: Table) -> Table:
    """Return the objects with the drift of their frame subtracted from every centroid.

    Raises
    ------
    InputError
        When the drift of a frame is missing.
    """
    keys = zip(drift.columns["image"].tolist(), drift.columns["frame"].tolist(), strict=True)
    row_of = {key: row for row, key in enumerate(keys)}
    wanted = list(
        zip(objects.columns["image"].tolist(), objects.columns["frame"].tolist(), strict=True)
    )
    for image, frame in wanted:
        if (image, frame) not in row_of:
            raise InputError(f"image {image!r} has objects in frame {frame}, but no drift there")
    rows = np.array([row_of[key] for key in wanted], dtype=np.intp)
    corrected = {
        name: objects.columns[name] - drift.columns[name.replace("centroid", "drift")][rows]
        for name in centroid_names(objects.columns)
    }
    return Table(objects.columns | corrected, objects.units, objects.about)


def _drift_of_movie(place, frames, count: int, max_drift_um: float | None) -> np.ndarray:
    """Return the drift of each frame of one movie."""
    drift = np.zeros((count, place.shape[1]))
    spacing = nearest_neighbour_um(place, frames)
    largest = max_drift_um or 3 * spacing
    before = None
    for frame in range(count):
        here = place[frames == frame]
        drift[frame] = drift[frame - 1] if frame else 0
        if not len(here):
            continue
        if before is not None:
            drift[frame] += _step(before, here, largest, spacing / 4)
        before = here
    return drift


def _step(before: np.ndarray, after: np.ndarray, largest: float, near: float) -> np.ndarray:
    """Return by how much the points `after` are shifted against the points `before`."""
    step = np.zeros(before.shape[1])
    if np.isnan(near):  # one object a frame: its move cannot be told from drift
        return step
    tree, later = cKDTree(before), cKDTree(after)
    pairs = tree.query_ball_tree(later, largest)
    votes = [after[found] - point for point, found in zip(before, pairs, strict=True) if found]
    if not votes:
        return step
    votes = np.concatenate(votes)
    supporters = cKDTree(votes).query_ball_point(votes, near, return_length=True)
    best = votes[supporters == supporters.max()]
    step = best[np.linalg.norm(best, axis=1).argmin()]
    for _ in range(ROUNDS):
        nearest = later.query(before + step)[1]
        mutual = tree.query(after - step)[1][nearest] == np.arange(len(before))
        moved = np.median(after[nearest[mutual]] - before[mutual], axis=0)
        if np.allclose(moved, step, rtol=0, atol=1e-9):
            break
        step = moved
    return step
