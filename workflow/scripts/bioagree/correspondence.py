"""Which objects of each two label images are the same: where every comparison of objects starts."""

from collections.abc import Iterable

import numpy as np

from bioagree.contingency import contingency
from bioagree.images import Image
from bioagree.tables import Columns, from_rows

SAME = 0.5  # least intersection over union of two outlines of one object
TYPES = {
    "image": str,
    "frame": int,
    "first": str,
    "second": str,
    "first_label": int,
    "second_label": int,
    "iou": float,
}


def overlaps(pairs: Iterable[tuple[str, str, Image, Image]]) -> Columns:
    """List the objects of label images that overlap.

    Parameters
    ----------
    pairs : iterable of (str, str, Image, Image)
        Names of two sources, and the labels that each has of the same image.

    Returns
    -------
    dict of str to numpy.ndarray
        One row for two objects that share a voxel: `image`, `frame`, `first` and `second` (names),
        `first_label`, `second_label`, and `iou`, their intersection over union.
    """
    rows = []
    for first, second, one, other in pairs:
        for frame, (labels, others) in enumerate(zip(one.stack, other.stack, strict=True)):
            table = contingency(labels, others)
            found = table.pairs
            keys = {"image": one.name, "frame": frame, "first": first, "second": second}
            parts = {
                "first_label": table.truth_labels[found.truth].astype(np.int64),
                "second_label": table.predicted_labels[found.predicted].astype(np.int64),
                "iou": found.iou,
            }
            rows += [
                keys | dict(zip(parts, values, strict=True))
                for values in zip(*(part.tolist() for part in parts.values()), strict=True)
            ]
    return from_rows(rows, TYPES)


def one_to_one(columns: Columns, threshold: float = SAME) -> np.ndarray:
    """Say which rows of overlaps are two outlines of one object.

    Parameters
    ----------
    columns : dict of str to numpy.ndarray
        From :func:`overlaps`, with a column `sample` where there are several.
    threshold : float
        Least IoU, from 0.5 on. At exactly 0.5 an object can have two partners; then it has none.

    Returns
    -------
    numpy.ndarray of bool
    """
    near = columns["iou"] >= threshold
    names = ("sample", "image", "frame", "first", "second")
    place = [columns[name] for name in names if name in columns]
    first, second = (_alone([*place, columns[f"{s}_label"]], near) for s in ("first", "second"))
    return near & first & second


def _alone(keys: list[np.ndarray], chosen: np.ndarray) -> np.ndarray:
    """Say which rows have keys that at most one chosen row has."""
    codes = np.zeros(len(chosen), np.int64)
    for key in keys:
        _, code = np.unique(key, return_inverse=True)
        _, codes = np.unique(codes * (code.max(initial=0) + 1) + code, return_inverse=True)
    return np.bincount(codes[chosen], minlength=codes.max(initial=0) + 1)[codes] <= 1
