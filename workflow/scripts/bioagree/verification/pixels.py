"""Image files compared: label images voxel by voxel, intensities by their recorded summary."""

import re
from collections.abc import Mapping
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path

import numpy as np

from bioagree import images
from bioagree.verification.difference import Difference

# Of the voxels of objects, where devices or processors differ; the number of objects may not.
# Where kernels round otherwise, single voxels fall on the other side of a threshold: those whose
# float32 value is within some 1e-6 of it, of a range of which an edge passes through 1 % in a
# voxel, hence one voxel of an outline in 10,000, and outlines are a part of the objects.
LABELS_SHARE = 1e-4
BLOCKS = 4  # along each spatial axis
# A handful of float32 operations, each right to 1.2e-7 of its result, or a few roundings to whole
# grey levels among the thousand voxels of a block: what a mean may be off, in parts of the range.
MEANS_SHARE = 8 * float(np.finfo(np.float32).eps)


def compare_labels(recorded: Path, found: Path) -> Difference:
    """Compare the label images of two files; one image of each is in memory at a time."""
    sentences, within, old, new = [], True, None, None
    for old, new in zip_longest(images.read(recorded), images.read(found)):
        if old is None or new is None:
            one = (old or new).name
            return Difference(f"image {one} was {'recorded' if new is None else 'not recorded'}")
        if other := _other_calibration(_calibration(old), _calibration(new)):
            return Difference(other)
        differing = old.array != new.array
        if not differing.any():
            continue
        count = np.count_nonzero(differing)
        objects = np.count_nonzero((old.array > 0) | (new.array > 0))
        before, after = _labels_of(old.array), _labels_of(new.array)
        within = within and count <= LABELS_SHARE * objects and len(before) == len(after)
        sentences.append(_where(old, new, differing, count, objects, before, after))
    if sentences:
        return Difference("; ".join(sentences), within=within)
    if _metadata(recorded) != _metadata(found):
        return Difference("same labels and voxel sizes, other OME metadata", within=True)
    return Difference("", same=True)


def _labels_of(array: np.ndarray) -> np.ndarray:
    labels = np.unique(array)
    return labels[labels > 0]


def _where(old, new, differing, count, objects, before, after) -> str:
    place = np.unravel_index(np.argmax(differing), differing.shape)
    coordinates = ", ".join(f"{a} {i}" for a, i in zip(old.axes.lower(), place, strict=True))
    touched = _labels_of(np.concatenate([old.array[differing], new.array[differing]]))
    named = ", ".join(map(str, touched[:5])) + (", …" if len(touched) > 5 else "")
    number = f"{len(before)} objects recorded, {len(after)} found"
    if len(before) == len(after):
        number = f"{len(before)} objects, as recorded"
    return (
        f"image {old.name}: {count:,} of {objects:,} voxels of objects "
        f"{'differs' if count == 1 else 'differ'}, first at {coordinates} "
        f"(label {old.array[place]} recorded, {new.array[place]} found), in "
        f"{'label' if len(touched) == 1 else 'labels'} {named}; {number}"
    )


def _metadata(path: Path) -> str:
    """Return the OME-XML without what names the file and the program that wrote it."""
    import tifffile

    with tifffile.TiffFile(path) as tif:
        return re.sub(r' (UUID|Creator)="[^"]*"|urn:uuid:[\w-]*', "", tif.ome_metadata or "")


def summary(path: Path) -> list[dict]:
    """Describe the images of a file: calibration, hash of the pixels, means of blocks."""
    return [_describe(image) for image in images.read(path)]


def compare_images(recorded: list[Mapping], path: Path) -> Difference:
    """Compare the images of a file with the summary of recorded ones."""
    found = summary(path)
    if len(found) != len(recorded):
        return Difference(f"{len(recorded)} images recorded, {len(found)} found")
    worst, sentence = 0.0, ""
    for old, new in zip(recorded, found, strict=True):
        if other := _other_calibration(old["calibration"], new["calibration"]):
            return Difference(other)
        if old["pixels"] == new["pixels"]:
            continue
        before, after = np.array(old["means"]), np.array(new["means"])
        off = np.abs(after - before) / ((old["range"][1] - old["range"][0]) or 1)
        if not sentence or off.max() > worst:
            worst, where = float(off.max()), np.unravel_index(off.argmax(), off.shape)
            block = ", ".join(
                f"{axis} {index + 1}"
                for axis, index in zip(old["calibration"]["axes"].lower(), where, strict=True)
            )
            sentence = (
                f"pixels differ in image {old['calibration']['name']}; means of blocks by at most "
                f"{worst:.1g} of the range: {before[where]:.9g} recorded, {after[where]:.9g} "
                f"found in block {block} (of {BLOCKS} along an axis)"
            )
    return Difference(sentence, same=not sentence, within=worst <= MEANS_SHARE)


def _describe(image: images.Image) -> dict:
    array = means = image.array
    for axis in range(array.ndim - image.ndim, array.ndim):
        edges = np.linspace(0, array.shape[axis], BLOCKS + 1).astype(int)
        edges = np.unique(edges)[:-1]  # an axis may be shorter than that
        sizes = np.diff([*edges, array.shape[axis]])
        sums = np.add.reduceat(means, edges, axis=axis, dtype=np.float64)
        means = sums / np.expand_dims(sizes, [i for i in range(array.ndim) if i != axis])
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return {
        "calibration": _calibration(image),
        "pixels": sha256(np.ascontiguousarray(little)).hexdigest(),
        "range": [float(array.min()), float(array.max())],
        "means": means.tolist(),
    }


def _calibration(image: images.Image) -> dict:
    return {
        "name": image.name,
        "axes": image.axes,
        "size": list(image.array.shape),
        "type": str(image.array.dtype),
        "voxel size (µm)": list(image.spacing),
        "channels": list(image.channels),
        "time step (s)": image.time_step,
    }


def _other_calibration(old: Mapping, new: Mapping) -> str:
    return "; ".join(
        f"image {old['name']}: {key} {old[key]} recorded, {new[key]} found"
        for key in old
        if old[key] != new[key]
    )
