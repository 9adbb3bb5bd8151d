"""Ground truth: mended by written rules, with every change counted, and the groups of its objects.

Annotations have faults: one id painted on two nuclei, stray pixels, holes. They are never mended
by hand; the rules stand in ``datasets.yaml``, and what each one changed is reported.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bioagree.errors import InputError
from bioagree.features.dictionary import feature_of
from bioagree.images import Image
from bioagree.segmentation import postprocess
from bioagree.tables import Columns, Table

TRUTH = "truth"  # stands where a method's name stands
CONDITION = "condition"  # the sheet's column that divides samples into groups


def repair(labels: Image, rules: list[dict]) -> tuple[Image, list[dict]]:
    """Apply post-processing steps to a label image, counting what each one changes.

    Parameters
    ----------
    labels : Image
        Labels as annotated, with or without a time axis.
    rules : list of dict
        Steps of :mod:`bioagree.segmentation.postprocess`, in order.

    Returns
    -------
    mended : Image
        Labels that were not touched keep their number, so they can be traced to the source;
        only numbers larger than the image has voxels are renumbered, since every table indexed
        by label would be as long.
    report : list of dict
        One entry a rule: `rule`, `objects_before`, `objects_after`, `changed_voxels`.
    """
    report = []
    if labels.array.max(initial=0) > labels.array.size:
        numbers = np.union1d(labels.array, 0)
        labels = labels.with_array(np.searchsorted(numbers, labels.array).astype(np.uint32))
        report.append(_entry("renumber", labels, labels))
    for rule in rules:
        mended = labels.with_array(
            labels.map_frames(lambda frame, rule=rule: postprocess.apply(frame, [rule]).array)
        )
        report.append(_entry(next(iter(rule)), labels, mended))
        labels = mended
    return labels, report


def objects(mended: Image, original: Image, marks: dict[str, Image]) -> list[dict]:
    """List the objects of a mended truth, and to which groups annotators assigned them.

    Parameters
    ----------
    mended, original : Image
        Labels after and before repair.
    marks : dict of str to Image
        By the name of the group: marks that carry the id of their object as annotated.

    Returns
    -------
    list of dict
        `image`, `frame`, `label`, and one true or false for each group.
    """
    rows = []
    for frame, labels in enumerate(mended.stack):
        members = {
            group: objects_with(mark.stack[frame], original.stack[frame], labels, mended.spacing)
            for group, mark in marks.items()
        }
        rows += [
            {"image": mended.name, "frame": frame, "label": int(label)}
            | {group: int(label) in found for group, found in members.items()}
            for label in np.setdiff1d(np.unique(labels), 0)
        ]
    return rows


def parents(objects: Columns, paths: Mapping[str, Path], described: Mapping) -> np.ndarray:
    """Return the parent of each object's branch, as a deposited lineage says.

    Parameters
    ----------
    objects : dict of str to numpy.ndarray
        `image`, `frame` and `label` of every object; the label is the branch.
    paths : mapping of str to Path
        File with the lineage of each image.
    described : mapping
        `format` and `columns` of these files, see :mod:`bioagree.tracks.lineage`.

    Returns
    -------
    numpy.ndarray of int64
        Branch that the object's branch came from, 0 for none.

    Raises
    ------
    InputError
        When labels and lineage are not of each other; with file and line.
    """
    from bioagree.tracks import lineage

    found = np.zeros(len(objects["label"]), np.int64)
    for image, path in paths.items():
        here = objects["image"] == image
        part = {name: objects[name][here] for name in ("image", "frame", "label")}
        branches = lineage.read_lineage(
            path, format=described["format"], **described.get("columns", {})
        )
        lineage.check(branches, part, path)
        found[here] = lineage.true_tracks(Table(part), branches).columns["parent"]
    return found


def add_values(objects: Columns, paths: Mapping[str, Path]) -> Columns:
    """Add what is known of the objects of a truth, such as the exact volumes of a phantom.

    Parameters
    ----------
    objects : dict of str to numpy.ndarray
        `image` and `label` of every object.
    paths : mapping of str to Path
        By image: a CSV file with a column `label`, and features by their names; others are ignored.

    Returns
    -------
    dict of str to numpy.ndarray
        With a column for each feature; NaN where an object is not listed.

    Raises
    ------
    InputError
        When a file cannot be read so; with file and row.
    """
    found = dict(objects)
    for image, path in paths.items():
        rows = _rows_of(path)
        names = [name for name in (rows[0] if rows else ()) if feature_of(name)]
        if rows and ("label" not in rows[0] or not names):
            raise InputError(
                f"{path} needs a column 'label' and one or more features (docs/features.md); its "
                f"header is {', '.join(rows[0])}"
            )
        listed = {}
        for number, row in enumerate(rows, start=2):
            try:
                listed[int(row["label"])] = [float(row[name]) for name in names]
            except (TypeError, ValueError):
                raise InputError(f"{path}, row {number} must hold numbers: {row}") from None
        here = np.flatnonzero(objects["image"] == image)
        for column, name in enumerate(names):
            values = found.setdefault(name, np.full(len(objects["label"]), np.nan))
            unknown = [np.nan] * len(names)
            labels = objects["label"][here].tolist()
            values[here] = [listed.get(label, unknown)[column] for label in labels]
    return found


def _rows_of(path: Path) -> list[dict[str, str]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a CSV table ({error})") from None


def objects_with(marks: np.ndarray, original: np.ndarray, mended: np.ndarray, spacing) -> set[int]:
    """Return the objects that an annotator's marks belong to.

    A mark carries the id of its object as annotated. Where that id was painted on several objects,
    the mark belongs to the nearest one.

    Parameters
    ----------
    marks, original, mended : numpy.ndarray of int
        Marks, labels before and labels after repair, of the same shape.
    spacing : tuple of float
        Voxel size in µm.

    Returns
    -------
    set of int
        Labels in `mended`. A mark whose object is gone, or was never annotated, adds none.
    """
    from scipy.ndimage import label
    from scipy.spatial import cKDTree

    found: set[int] = set()
    for identity in np.setdiff1d(np.unique(marks), 0):
        heirs = np.setdiff1d(np.unique(mended[original == identity]), 0)
        if len(heirs) <= 1:
            found.update(heirs.tolist())
            continue
        places = np.argwhere(np.isin(mended, heirs))
        tree = cKDTree(places * spacing)
        pieces, count = label(marks == identity)
        for piece in range(1, count + 1):
            distance, nearest = tree.query(np.argwhere(pieces == piece) * spacing)
            found.add(int(mended[tuple(places[nearest[distance.argmin()]])]))
    return found


def _entry(rule: str, before: Image, after: Image) -> dict:
    return {
        "rule": rule,
        "objects_before": _count(before),
        "objects_after": _count(after),
        "changed_voxels": int(np.count_nonzero(before.array != after.array)),
    }


def _count(labels: Image) -> int:
    return sum(int(np.count_nonzero(np.bincount(frame.ravel())[1:])) for frame in labels.stack)
