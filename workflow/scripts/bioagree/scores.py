"""Segmentation quality of one label image against another, from one contingency table.

`contingency` reads both images once and keeps how many pixels each pair of labels shares. Every
score is then a few operations on that short list, so adding a score never costs another pass.

Pixels mean voxels in 3D. Label 0 is background. Scores never raise or warn on an image without
objects: what is not defined there is NaN, by the rule stated for each key.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bioagree.errors import InputError

TIE_RULE = (
    "A true and a predicted object match when their intersection over union (IoU) is strictly "
    "greater than the threshold."
)
# Divided, not np.arange(0.5, 1, 0.05): each is then the float nearest to its decimal, as is every
# IoU, so that a tie is recognised as a tie.
AP_THRESHOLDS = np.arange(10, 20) / 20

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


def pixel_scores(table: Contingency) -> dict[str, float]:
    """Compare foreground with foreground, pixel by pixel, whatever the labels.

    Parameters
    ----------
    table : Contingency

    Returns
    -------
    dict of float
        With true and false, positive and negative pixels TP, FP, FN, TN:

        - ``accuracy``: (TP + TN) / all pixels; 1 where both images are background only, NaN where
          the images have no pixels.
        - ``precision``: TP / (TP + FP); NaN without predicted foreground.
        - ``recall``: TP / (TP + FN); NaN without true foreground.
        - ``f1``: 2 TP / (2 TP + FP + FN), the Dice coefficient; NaN without any foreground.
        - ``jaccard``: TP / (TP + FP + FN); NaN without any foreground.

    Notes
    -----
    Accuracy counts agreement on background: cropping empty margins lowers it and leaves the other
    four as they are.

    Examples
    --------
    >>> pixel_scores(contingency(np.array([0, 7, 7, 7]), np.array([0, 0, 1, 2])))["jaccard"]
    0.6666666666666666
    """
    n = table.n_pixels
    n_truth, n_predicted = int(table.truth_sizes[1:].sum()), int(table.predicted_sizes[1:].sum())
    both = int(table.pairs.overlap.sum())
    union = n_truth + n_predicted - both
    return {
        "accuracy": _ratio(n - union + both, n),
        "precision": _ratio(both, n_predicted),
        "recall": _ratio(both, n_truth),
        "f1": _ratio(2 * both, n_truth + n_predicted),
        "jaccard": _ratio(both, union),
    }


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator else float("nan")


def match(table: Contingency, threshold: float = 0.5) -> np.ndarray:
    """Pair true with predicted objects, one to one.

    A pair may match when its IoU is strictly greater than `threshold`, which panoptic quality [1]_
    needs at 0.5, and which the rules of the 2018 Data Science Bowl [2]_ say at every threshold.
    Libraries that count ``>=`` differ on exact ties only.

    Parameters
    ----------
    table : Contingency
    threshold : float, optional
        At least 0 and less than 1. From 0.5 on an object has at most one candidate. Below, the
        matches are those that are most in number and, among these, have the highest sum of IoU;
        time and memory then grow with the cube and the square of the number of objects that have
        a choice.

    Returns
    -------
    (n_matched,) structured array
        Fields ``truth`` and ``predicted`` (labels) and ``iou``, sorted by ``truth``.

    Raises
    ------
    InputError
        If the threshold is not in that range.

    References
    ----------
    .. [1] A. Kirillov et al. Panoptic segmentation. CVPR 2019, 9404-9413.
       :doi:`10.1109/CVPR.2019.00963`
    .. [2] J. C. Caicedo et al. Nucleus segmentation across imaging experiments: the 2018 Data
       Science Bowl. Nat. Methods 16, 1247-1253 (2019). :doi:`10.1038/s41592-019-0612-7`

    Examples
    --------
    >>> table = contingency(np.array([0, 7, 7, 7]), np.array([0, 0, 1, 1]))
    >>> [row.tolist() for row in match(table)]
    [(7, 1, 0.6666666666666666)]
    """
    if not 0 <= threshold < 1:
        raise InputError(
            f"the threshold is {threshold}; an IoU threshold is at least 0 and less than 1"
        )
    truth, predicted, _, iou = table.pairs
    keep = np.flatnonzero(iou > threshold)
    if threshold < 0.5:
        keep = keep[_assign(truth[keep], predicted[keep], iou[keep])]
    matched = np.empty(keep.size, [("truth", "u8"), ("predicted", "u8"), ("iou", "f8")])
    matched["truth"] = table.truth_labels[truth[keep]]
    matched["predicted"] = table.predicted_labels[predicted[keep]]
    matched["iou"] = iou[keep]
    return matched


def _assign(truth: np.ndarray, predicted: np.ndarray, iou: np.ndarray) -> np.ndarray:
    """Return which candidate pairs make the largest one-to-one matching, ties broken by IoU."""
    contested = (np.bincount(truth)[truth] > 1) | (np.bincount(predicted)[predicted] > 1)
    keep = ~contested
    if contested.any():
        from scipy.optimize import linear_sum_assignment

        _, row = np.unique(truth[contested], return_inverse=True)
        _, column = np.unique(predicted[contested], return_inverse=True)
        gain = np.zeros((row.max() + 1, column.max() + 1))
        # All IoU together weigh less than one more match.
        gain[row, column] = 1 + iou[contested] / (2 * min(gain.shape))
        chosen = np.zeros(gain.shape, dtype=bool)
        chosen[linear_sum_assignment(gain, maximize=True)] = True
        keep[contested] = chosen[row, column]
    return keep


def object_matches(table: Contingency) -> np.ndarray:
    """Describe how well each true object was found.

    Parameters
    ----------
    table : Contingency

    Returns
    -------
    (n_truth,) structured array
        Fields ``truth`` (label), ``size`` (pixels), ``predicted`` (label of the prediction with
        the highest IoU, the lowest such label on a tie, 0 where none overlaps), ``iou`` (that IoU,
        0 where none overlaps) and ``matched`` (IoU > 0.5), sorted by ``truth``.

    Examples
    --------
    >>> table = contingency(np.array([0, 4, 7, 7, 7]), np.array([0, 0, 2, 1, 1]))
    >>> [row.tolist() for row in object_matches(table)]
    [(4, 1, 0, 0.0, False), (7, 3, 1, 0.6666666666666666, True)]
    """
    fields = [("truth", "u8"), ("size", "i8"), ("predicted", "u8"), ("iou", "f8"), ("matched", "?")]
    rows = np.zeros(table.n_truth, fields)
    rows["truth"], rows["size"] = table.truth_labels[1:], table.truth_sizes[1:]
    truth, predicted, _, iou = table.pairs
    order = np.lexsort((-iou, truth))
    found, first = np.unique(truth[order], return_index=True)
    best = order[first]
    rows["predicted"][found - 1] = table.predicted_labels[predicted[best]]
    rows["iou"][found - 1] = iou[best]
    rows["matched"] = rows["iou"] > 0.5
    return rows


def instance_scores(table: Contingency) -> dict[str, float]:
    """Compare object with object.

    Parameters
    ----------
    table : Contingency

    Returns
    -------
    dict of int or float
        Objects:

        - ``n_truth``, ``n_predicted``: objects in each image.
        - ``true_positive``: matches at IoU > 0.5 (see `match`); ``false_positive``: predictions
          without a match; ``false_negative``: true objects without a match.
        - ``precision_50``: TP / (TP + FP); NaN without predictions.
        - ``recall_50``: TP / (TP + FN); NaN without true objects.
        - ``f1_50``: 2 TP / (2 TP + FP + FN); NaN when both images are empty.
        - ``ap_50``: TP / (TP + FP + FN), the average precision of the 2018 Data Science Bowl
          [2]_; NaN when both images are empty.
        - ``ap_50_95``: mean of that over the IoU thresholds 0.50, 0.55, ..., 0.95; NaN when both
          images are empty.

        Overlap:

        - ``pq``: panoptic quality [1]_, sum of matched IoU / (TP + FP/2 + FN/2); 0 when objects
          exist and none match, NaN when both images are empty.
        - ``sq``: segmentation quality, the mean IoU of the matches, and ``mean_matched_iou``, the
          same number by its common name; NaN without a match.
        - ``rq``: recognition quality, equal to ``f1_50``. ``pq`` is ``sq`` times ``rq``.
        - ``seg``: SEG of the Cell Tracking Challenge [3]_, the mean over true objects of the IoU
          with the prediction that holds more than half of the object, 0 where none does; NaN
          without true objects.
        - ``sparse_jaccard``: mean over true objects of the highest IoU with any prediction, 0 where
          none overlaps; predictions elsewhere cost nothing, so it suits sparse annotation; NaN
          without true objects.

        Errors of the partition:

        - ``n_splits``: true objects that contain two or more predictions, each more than half
          inside; ``n_merges``: predictions that contain two or more true objects, each more than
          half inside.
        - ``vi_split_bits``, ``vi_merge_bits``: the two parts of the variation of information [4]_,
          H(prediction | truth) and H(truth | prediction), in bits per pixel, background being one
          more label; 0 when both images are empty, NaN where the images have no pixels.

    References
    ----------
    .. [1] A. Kirillov et al. Panoptic segmentation. CVPR 2019, 9404-9413.
       :doi:`10.1109/CVPR.2019.00963`
    .. [2] J. C. Caicedo et al. Nucleus segmentation across imaging experiments: the 2018 Data
       Science Bowl. Nat. Methods 16, 1247-1253 (2019). :doi:`10.1038/s41592-019-0612-7`
    .. [3] V. Ulman et al. An objective comparison of cell-tracking algorithms. Nat. Methods 14,
       1141-1152 (2017). :doi:`10.1038/nmeth.4473`
    .. [4] M. Meilă. Comparing clusterings: an information based distance. J. Multivar. Anal. 98,
       873-895 (2007). :doi:`10.1016/j.jmva.2006.11.013`

    Examples
    --------
    >>> scores = instance_scores(contingency(np.array([0, 7, 7, 7]), np.array([0, 0, 1, 1])))
    >>> scores["true_positive"], scores["pq"]
    (1, 0.6666666666666666)
    """
    return _detection(table) | _overlap_quality(table) | _partition_errors(table)


def _detection(table: Contingency) -> dict[str, float]:
    n_truth, n_predicted = table.n_truth, table.n_predicted
    # From 0.5 on each candidate is a match, so that counting candidates counts matches.
    hits = np.count_nonzero(table.pairs.iou[:, None] > AP_THRESHOLDS, axis=0).tolist()
    precisions = [_ratio(hit, n_truth + n_predicted - hit) for hit in hits]
    return {
        "n_truth": n_truth,
        "n_predicted": n_predicted,
        "true_positive": hits[0],
        "false_positive": n_predicted - hits[0],
        "false_negative": n_truth - hits[0],
        "f1_50": _ratio(2 * hits[0], n_truth + n_predicted),
        "precision_50": _ratio(hits[0], n_predicted),
        "recall_50": _ratio(hits[0], n_truth),
        "ap_50": precisions[0],
        "ap_50_95": float(np.mean(precisions)),
    }


def _overlap_quality(table: Contingency) -> dict[str, float]:
    truth, _, overlap, iou = table.pairs
    matched = match(table)["iou"]
    n_objects = table.n_truth + table.n_predicted
    mean_matched_iou = _ratio(matched.sum(), matched.size)
    most_of_truth = 2 * overlap > table.truth_sizes[truth]
    return {
        "pq": _ratio(2 * matched.sum(), n_objects),
        "sq": mean_matched_iou,
        "rq": _ratio(2 * matched.size, n_objects),
        "mean_matched_iou": mean_matched_iou,
        "seg": _ratio(iou[most_of_truth].sum(), table.n_truth),
        "sparse_jaccard": _ratio(object_matches(table)["iou"].sum(), table.n_truth),
    }


def _partition_errors(table: Contingency) -> dict[str, float]:
    truth, predicted, overlap, _ = table.pairs
    most_of_truth = 2 * overlap > table.truth_sizes[truth]
    most_of_predicted = 2 * overlap > table.predicted_sizes[predicted]
    return {
        "n_splits": int(np.count_nonzero(np.bincount(truth[most_of_predicted]) > 1)),
        "n_merges": int(np.count_nonzero(np.bincount(predicted[most_of_truth]) > 1)),
        "vi_split_bits": _conditional_entropy(table.truth_sizes[table.truth_index], table.overlap),
        "vi_merge_bits": _conditional_entropy(
            table.predicted_sizes[table.predicted_index], table.overlap
        ),
    }


def _conditional_entropy(given: np.ndarray, joint: np.ndarray) -> float:
    """Return the entropy in bits of a label given the other, which has `given` pixels."""
    return _ratio(np.sum(joint * np.log2(given / joint)), joint.sum())


def score(truth: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """Return every score of a prediction against the truth.

    Parameters
    ----------
    truth, prediction : integer array
        Label images, as for `contingency`.

    Returns
    -------
    dict of int or float
        The keys of `pixel_scores`, which compare foregrounds, and of `instance_scores`, which
        compare objects.

    Raises
    ------
    InputError
        As `contingency`.

    Examples
    --------
    >>> truth = np.array([[1, 1, 0], [0, 2, 2]])
    >>> scores = score(truth, truth)
    >>> scores["accuracy"], scores["pq"], scores["vi_split_bits"]
    (1.0, 1.0, 0.0)
    """
    table = contingency(truth, prediction)
    return pixel_scores(table) | instance_scores(table)
