"""One row per object: the groups of features that a study chose, side by side."""

from collections.abc import Iterable

import numpy as np

from bioagree.features import registry
from bioagree.features.dictionary import unit_of
from bioagree.features.objects import Objects
from bioagree.images import Image
from bioagree.tables import Columns, Table

KEYS = ("image", "frame", "label")


def measure_images(pairs: Iterable[tuple[Image, Image]], features: dict | None = None) -> Table:
    """Measure the objects of several images, given as pairs of labels and intensities.

    Parameters
    ----------
    pairs : iterable of (Image, Image)
        Labels, and raw intensities on the same grid; an image without channels has none.
    features : dict, optional
        As in the config: `use` lists groups or features; each group's parameters stand under its
        name. Only size and place unless given.

    Returns
    -------
    Table
        The columns of :func:`measure` behind a column `image`; `about` lists all images, those
        without any object too.
    """
    parts, names, ndim = [], [], 2
    for labels, intensities in pairs:
        part = measure(labels, intensities, features)
        parts.append({"image": np.full(len(part["label"]), labels.name, object)} | part)
        names.append({"image": labels.name, "frames": len(labels.stack)})
        ndim = labels.ndim
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns["image"] = columns["image"].astype(str)
    return Table(columns, {n: unit_of(n) for n in columns}, {"images": names, "dimensions": ndim})


def measure(
    labels: Image, intensities: Image | None = None, features: dict | None = None
) -> Columns:
    """Measure every object of a label image; definitions stand in the feature dictionary.

    Parameters
    ----------
    labels : Image
        Labels; gaps in the numbering are no objects.
    intensities : Image, optional
        Raw intensities on the same grid, with or without channel axis.
    features : dict, optional
        As for :func:`measure_images`.

    Returns
    -------
    dict of str to numpy.ndarray
        Columns `frame`, `label` and the features, one row per object and time point; all columns
        are there, with no rows, when there is no object. Features that need intensities are
        absent where there are none, those that need two channels where there is one.
    """
    features = features or {"use": []}
    parts = [
        _measure_frame(
            frame, Objects(array, labels.spacing, _channels(intensities, frame)), features
        )
        for frame, array in enumerate(labels.stack)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _channels(intensities: Image | None, frame: int) -> dict[str, np.ndarray]:
    if intensities is None:
        return {}
    return {name: intensities.channel(name).stack[frame] for name in intensities.channels}


def _measure_frame(frame: int, objects: Objects, features: dict) -> Columns:
    columns: Columns = {
        "frame": np.full(len(objects), frame, np.int32),
        "label": objects.ids.astype(np.int64),
    }
    for group in registry.groups_of(features["use"]):
        measured = registry.load(group)(objects, **features.get(group, {}))
        columns |= {n: v for n, v in measured.items() if registry.is_chosen(n, features["use"])}
    return columns
