"""How many pixels each pair of labels of two label images shares: the table behind all scores."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bioagree.errors import InputError

_HIGHEST_LABEL = 2**32 - 1
# Large enough to hide the cost of the loop, small enough for its temporaries to stay in cache.
_CHUNK = 2**18


class Pairs(NamedTuple):
    """Pairs of objects that share at least one pixel, background left out.

    Attributes
    ----------
    truth, predicted : (n,) int64 array
        Positions in the label and size arrays of the `Contingency`.
    overlap : (n,) int64 array
        Pixels that both objects hold.
    iou : (n,) float64 array
        Intersection over union (Jaccard index), 0 < IoU <= 1.
    """

    truth: np.ndarray
    predicted: np.ndarray
    overlap: np.ndarray
    iou: np.ndarray


@dataclass(frozen=True, eq=False)
class Contingency:
    """Pixel counts of every pair of labels that occurs in two label images.

    Background is always at position 0, even in an image without background pixels; an object is a
    label that occurs, so gaps in the numbering count for nothing.

    Attributes
    ----------
    truth_labels, predicted_labels : (n_truth + 1,) and (n_predicted + 1,) uint64 array
        Labels in ascending order, 0 first.
    truth_sizes, predicted_sizes : int64 array
        Pixels of each label.
    truth_index, predicted_index : (n_entries,) int64 array
        Positions of the two labels of each entry, sorted by truth, then prediction.
    overlap : (n_entries,) int64 array
        Pixels of each entry, never 0.
    """

    truth_labels: np.ndarray
    predicted_labels: np.ndarray
    truth_sizes: np.ndarray
    predicted_sizes: np.ndarray
    truth_index: np.ndarray
    predicted_index: np.ndarray
    overlap: np.ndarray

    @property
    def n_truth(self) -> int:
        """Number of objects in the truth."""
        return self.truth_labels.size - 1

    @property
    def n_predicted(self) -> int:
        """Number of objects in the prediction."""
        return self.predicted_labels.size - 1

    @property
    def n_pixels(self) -> int:
        """Number of pixels of each image."""
        return int(self.overlap.sum())

    @cached_property
    def pairs(self) -> Pairs:
        """Entries between two objects, with their IoU."""
        objects = (self.truth_index > 0) & (self.predicted_index > 0)
        truth, predicted = self.truth_index[objects], self.predicted_index[objects]
        overlap = self.overlap[objects]
        union = self.truth_sizes[truth] + self.predicted_sizes[predicted] - overlap
        return Pairs(truth, predicted, overlap, overlap / union)


def contingency(truth: np.ndarray, prediction: np.ndarray) -> Contingency:
    """Count the pixels of every pair of labels of two label images.

    Parameters
    ----------
    truth, prediction : integer array
        Label images of one shape, any number of dimensions, 0 for background, labels up to
        4,294,967,295 in any order and with any gaps. Arrays that are not C-contiguous are copied.

    Returns
    -------
    Contingency

    Raises
    ------
    InputError
        If the shapes differ, or if an image holds anything but integers from 0 to 4,294,967,295.

    Notes
    -----
    Label images are long runs of equal pixels, so runs are counted instead of pixels, a chunk of
    the image at a time. Besides the images this needs a few MB, and 8 bytes for each possible pair
    of labels where that is no more than 8 bytes per pixel (a sort replaces it otherwise).

    Examples
    --------
    >>> table = contingency(np.array([0, 7, 7, 7]), np.array([0, 0, 1, 1]))
    >>> table.truth_labels, table.truth_sizes
    (array([0, 7], dtype=uint64), array([1, 3]))
    >>> table.pairs.iou
    array([0.66666667])
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    if truth.shape != prediction.shape:
        raise InputError(
            f"the truth has shape {truth.shape} and the prediction {prediction.shape}; "
            "label images to compare must have the same shape"
        )
    n_rows = _highest_label(truth, "truth") + 1
    n_columns = _highest_label(prediction, "prediction") + 1
    count = _count_dense if n_rows * n_columns <= max(truth.size, 1) else _count_sparse
    key, overlap = count(truth.reshape(-1), prediction.reshape(-1), n_rows, n_columns)
    truth_labels, truth_index = _positions(key // n_columns)
    predicted_labels, predicted_index = _positions(key % n_columns)
    return Contingency(
        truth_labels,
        predicted_labels,
        _sum_by_index(truth_index, overlap, truth_labels.size),
        _sum_by_index(predicted_index, overlap, predicted_labels.size),
        truth_index,
        predicted_index,
        overlap,
    )


def _highest_label(image: np.ndarray, name: str) -> int:
    """Return the highest label of an image once it is known to be a label image."""
    allowed = f"labels are integers from 0 (background) to {_HIGHEST_LABEL}"
    if image.dtype.kind not in "ui":
        raise InputError(f"the {name} has type {image.dtype}; {allowed}")
    lowest, highest = int(image.min(initial=0)), int(image.max(initial=0))
    if lowest < 0 or highest > _HIGHEST_LABEL:
        raise InputError(f"the {name} holds {lowest if lowest < 0 else highest}; {allowed}")
    return highest


def _runs(
    truth: np.ndarray, prediction: np.ndarray, n_columns: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield key (truth * n_columns + prediction) and length of the runs of equal pixels."""
    for start in range(0, truth.size, _CHUNK):
        rows, columns = truth[start : start + _CHUNK], prediction[start : start + _CHUNK]
        change = rows[1:] != rows[:-1]
        change |= columns[1:] != columns[:-1]
        first = np.concatenate(([0], np.flatnonzero(change) + 1))
        # The highest key is 2**64 - 1: unsigned integers just hold it.
        key = rows[first].astype(np.uint64) * np.uint64(n_columns)
        key += columns[first].astype(np.uint64)
        yield key, np.diff(first, append=rows.size)


def _count_dense(
    truth: np.ndarray, prediction: np.ndarray, n_rows: int, n_columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return ascending keys and pixel counts, using a cell for each possible key."""
    counts = np.zeros(n_rows * n_columns, dtype=np.int64)
    for key, length in _runs(truth, prediction, n_columns):
        np.add.at(counts, key.astype(np.intp), length)
    key = np.flatnonzero(counts)
    return key.astype(np.uint64), counts[key]


def _count_sparse(
    truth: np.ndarray, prediction: np.ndarray, n_rows: int, n_columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return ascending keys and pixel counts, by sorting."""
    parts = [_sum_by_key(*runs) for runs in _runs(truth, prediction, n_columns)]
    return _sum_by_key(*map(np.concatenate, zip(*parts, strict=True)))


def _sum_by_key(key: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(key)
    key = key[order]
    first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    return key[first], np.add.reduceat(count[order], first)


def _sum_by_index(index: np.ndarray, count: np.ndarray, n: int) -> np.ndarray:
    # bincount adds floats, which hold whole numbers up to 2**53 exactly.
    return np.bincount(index, weights=count, minlength=n).astype(np.int64)


def _positions(label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted labels that occur, 0 always first, and the position of each input."""
    labels = np.unique(np.append(label, np.uint64(0)))
    return labels, np.searchsorted(labels, label)
