"""A table of tracks as what it says: which object follows which, and which tracks divide.

A table of tracks has one row for each object and frame: `image`, `frame`, `label`, `track` (1, 2, …
within the image) and `parent` (the track it came from, 0 for none). What a linker found and what
is true have the same form, so that they are read, scored and drawn alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bioagree.errors import InputError
from bioagree.tables import Columns, Table

KEYS = ("image", "frame", "label")


@dataclass(frozen=True, eq=False)
class Forest:
    """The tracks of a table, numbered 0, 1, … by image and track.

    Attributes
    ----------
    order : (n_objects,) integer array
        Rows of the table, sorted by track, then frame.
    starts, stops : (n_tracks,) integer array
        The part of `order` that each track has.
    parent : (n_tracks,) integer array
        The track that each track came from, -1 for none.
    """

    order: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    parent: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def first(self) -> np.ndarray:
        """Row of the first object of each track."""
        return self.order[self.starts]

    @property
    def last(self) -> np.ndarray:
        """Row of the last object of each track."""
        return self.order[self.stops - 1]

    @property
    def lengths(self) -> np.ndarray:
        """Number of objects of each track."""
        return self.stops - self.starts

    @cached_property
    def owner(self) -> np.ndarray:
        """The track of each row of the table."""
        owner = np.empty(len(self.order), np.intp)
        owner[self.order] = np.repeat(np.arange(len(self)), self.lengths)
        return owner

    @property
    def daughters(self) -> np.ndarray:
        """Number of tracks that came from each track."""
        return np.bincount(self.parent[self.parent >= 0], minlength=len(self))

    @property
    def divides(self) -> np.ndarray:
        """Whether at least two tracks came from each track."""
        return self.daughters >= 2

    def rows(self, track: int) -> np.ndarray:
        """Return the rows of one track, in the order of time."""
        return self.order[self.starts[track] : self.stops[track]]

    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of each object and of the next one in the same track."""
        inside = np.ones(len(self.order), bool)
        inside[self.starts] = False
        later = np.flatnonzero(inside)
        return self.order[later - 1], self.order[later]

    def links(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of each object and of what follows: itself, or one of its daughters."""
        earlier, later = self.steps()
        children = np.flatnonzero(self.parent >= 0)
        return (
            np.concatenate([earlier, self.last[self.parent[children]]]),
            np.concatenate([later, self.first[children]]),
        )

    def divisions(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each track that divides, and the tracks that came from it."""
        by_parent = np.argsort(self.parent, kind="stable")
        for mother in np.flatnonzero(self.divides):
            start, stop = np.searchsorted(self.parent, [mother, mother + 1], sorter=by_parent)
            yield int(mother), by_parent[start:stop]


def forest(tracks: Table) -> Forest:
    """Put the rows of a table of tracks in order.

    Raises
    ------
    InputError
        When a parent is no track of its image, or does not end before its daughter begins.
    """
    columns = tracks.columns
    _, image = np.unique(columns["image"], return_inverse=True)
    names = 1 + max(columns["track"].max(initial=0), columns["parent"].max(initial=0))
    key = image * names + columns["track"]
    order = np.lexsort((columns["frame"], key))
    present, starts = np.unique(key[order], return_index=True)
    stops = np.append(starts, len(order))[1:].astype(np.intp)
    first = order[starts]
    named = columns["parent"][first]
    parent_key = np.where(named > 0, image[first] * names + named, -1)
    parent = np.searchsorted(present, parent_key)
    parent = np.where(parent < len(present), parent, 0)
    known = present[parent] == parent_key if len(present) else parent_key < 0
    parent = np.where(known, parent, -1)
    made = Forest(order, starts, stops, parent)
    ends = columns["frame"][made.last]
    wrong = (parent_key >= 0) & (~known | (ends[parent] >= columns["frame"][first]))
    for row in first[wrong][:1]:
        raise InputError(
            f"image {columns['image'][row]!r}: track {columns['track'][row]} begins in frame "
            f"{columns['frame'][row]} and names track {columns['parent'][row]} as its parent, "
            "which must be a track of this image that ends before"
        )
    return made


def movies(objects: Table) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the rows of each image, also of those without any object."""
    images = objects.columns["image"]
    names = [entry["image"] for entry in objects.about.get("images", ())]
    for name in dict.fromkeys([*names, *np.unique(images).tolist()]):
        yield name, np.flatnonzero(images == name)


def centroid_names(columns: Columns) -> list[str]:
    """Return the names of the centroid's columns, in the order z, y, x."""
    names = [f"centroid_{axis}_um" for axis in "zyx" if f"centroid_{axis}_um" in columns]
    if len(names) < 2:
        raise InputError(
            "objects without the columns centroid_y_um and centroid_x_um cannot be tracked; "
            f"there are {', '.join(columns)}"
        )
    return names


def centroids(columns: Columns) -> np.ndarray:
    """Return the centroids in µm, shape (n, 2) or (n, 3)."""
    return np.stack([columns[name] for name in centroid_names(columns)], axis=1).astype(float)


def same_order(tracks: Table, objects: Table) -> Table:
    """Return the rows of a table of tracks in the order of the objects.

    Raises
    ------
    InputError
        Unless every object has exactly one row.
    """
    there, here = ({n: t.columns[n] for n in KEYS} for t in (tracks, objects))
    if all(np.array_equal(there[name], here[name]) for name in KEYS):
        return tracks
    rows = find(there, here)
    if len(tracks) != len(objects) or (rows < 0).any() or len(np.unique(rows)) != len(rows):
        raise InputError(
            f"{len(objects)} objects and {len(tracks)} rows of tracks are not of the same images; "
            "every object needs exactly one row of tracks"
        )
    columns = {name: values[rows] for name, values in tracks.columns.items()}
    return Table(columns, tracks.units, tracks.about)


def partners(found: Columns, truth: Columns, matches: Columns | None) -> np.ndarray:
    """Return the row of the true object for each found one, -1 where there is none.

    Parameters
    ----------
    found, truth : dict of str to numpy.ndarray
        `image`, `frame` and `label` of the objects.
    matches : dict of str to numpy.ndarray or None
        `image`, `frame`, `label`, and the label of the true object as `truth`; None when objects
        of the same image, frame and label are the same.
    """
    if matches is None:
        return find(truth, found)
    # No object has the label 0, which stands last, where row -1 points to.
    label = np.append(matches["truth"], 0)[find(matches, found)]
    return find(truth, {"image": found["image"], "frame": found["frame"], "label": label})


def find(columns: Columns, wanted: Columns) -> np.ndarray:
    """Return the row of each wanted image, frame and label, -1 where there is none."""
    index = {key: row for row, key in enumerate(_keys(columns))}
    return np.array([index.get(key, -1) for key in _keys(wanted)], dtype=np.intp)


def _keys(columns: Columns) -> Iterator[tuple]:
    return zip(*(columns[name].tolist() for name in KEYS), strict=True)
