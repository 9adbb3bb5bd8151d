"""One row per object: size, place and intensity."""

from collections.abc import Iterable

import numpy as np

from bioagree.features.dictionary import unit_of
from bioagree.images import Image
from bioagree.segmentation.postprocess import equivalent_diameter
from bioagree.tables import Columns, Table


def measure_images(pairs: Iterable[tuple[Image, Image]]) -> Table:
    """Measure the objects of several images, given as pairs of labels and intensities.

    Returns
    -------
    Table
        The columns of :func:`measure` behind a column `image`; `about` lists all images, those
        without any object too.
    """
    parts, names, ndim = [], [], 2
    for labels, intensities in pairs:
        part = measure(labels, intensities)
        parts.append({"image": np.full(len(part["label"]), labels.name, object)} | part)
        names.append({"image": labels.name, "frames": len(labels.stack)})
        ndim = labels.ndim
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns["image"] = columns["image"].astype(str)
    return Table(columns, {n: unit_of(n) for n in columns}, {"images": names, "dimensions": ndim})


def measure(labels: Image, intensities: Image | None = None) -> Columns:
    """Measure every object of a label image; definitions stand in the feature dictionary.

    Parameters
    ----------
    labels : Image
        Labels; gaps in the numbering are no objects.
    intensities : Image, optional
        Raw intensities on the same grid, with or without channel axis.

    Returns
    -------
    dict of str to numpy.ndarray
        Columns `frame`, `label` and the features, one row per object and time point; all columns
        are there, with no rows, when there is no object.
    """
    parts = [
        _measure_frame(index, array, labels, _channels(intensities, index))
        for index, array in enumerate(labels.stack)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _channels(intensities: Image | None, frame: int) -> dict[str, np.ndarray]:
    if intensities is None:
        return {}
    return {name: intensities.channel(name).stack[frame] for name in intensities.channels}


def _measure_frame(index: int, array: np.ndarray, labels: Image, channels) -> Columns:
    voxels = np.flatnonzero(array)
    owner = array.ravel()[voxels].astype(np.int64)
    counts = np.bincount(owner, minlength=1)
    present = np.flatnonzero(counts)
    counts = counts[present]
    size = counts * np.prod(labels.spacing)
    columns: Columns = {
        "frame": np.full(len(present), index, np.int32),
        "label": present.astype(np.int64),
        ("area_um2" if labels.ndim == 2 else "volume_um3"): size,
        "equivalent_diameter_um": equivalent_diameter(size, labels.ndim),
    }
    border = np.zeros(len(present), bool)
    places = np.unravel_index(voxels, array.shape)
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], present)
    axes = labels.axes[-labels.ndim :].lower()
    for axis, place, step, length in zip(axes, places, labels.spacing, array.shape, strict=True):
        place = place[order]
        columns[f"centroid_{axis}_um"] = (
            _reduce(np.add, place.astype(float), starts) / counts * step
        )
        columns[f"bbox_{axis}_start"] = _reduce(np.minimum, place, starts)
        columns[f"bbox_{axis}_stop"] = _reduce(np.maximum, place, starts) + 1
        border |= (columns[f"bbox_{axis}_start"] == 0) | (columns[f"bbox_{axis}_stop"] == length)
    columns["touches_border"] = border
    for name, intensity in channels.items():
        total = np.bincount(owner, intensity.ravel()[voxels], minlength=1)[present].astype(float)
        columns[f"intensity_mean_{name}"] = total / counts
        columns[f"intensity_total_{name}"] = total
    return columns


def _reduce(function: np.ufunc, values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Reduce runs of `values`; without any run, return an empty array."""
    return function.reduceat(values, starts) if len(starts) else values[:0]
