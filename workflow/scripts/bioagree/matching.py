"""Which predicted object belongs to which true one, and what became of each object."""

from typing import NamedTuple

import numpy as np

from bioagree.contingency import Contingency
from bioagree.errors import InputError
from bioagree.tables import Columns

TIE_RULE = (
    "A true and a predicted object match when their intersection over union (IoU) is strictly "
    "greater than the threshold."
)
# Bolya et al., TIDE, ECCV 2020, :doi:`10.1007/978-3-030-58580-8_33`: below, it is not an outline
# of that object.
_FAINTEST_IOU = 0.1


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
    >>> from bioagree.contingency import contingency
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
    >>> from bioagree.contingency import contingency
    >>> table = contingency(np.array([0, 4, 7, 7, 7]), np.array([0, 0, 2, 1, 1]))
    >>> [row.tolist() for row in object_matches(table)]
    [(4, 1, 0, 0.0, False), (7, 3, 1, 0.6666666666666666, True)]
    """
    fields = [("truth", "u8"), ("size", "i8"), ("predicted", "u8"), ("iou", "f8"), ("matched", "?")]
    rows = np.zeros(table.n_truth, fields)
    rows["truth"], rows["size"] = table.truth_labels[1:], table.truth_sizes[1:]
    truth, predicted, _, iou = table.pairs
    found, best = _best(truth, iou)
    rows["predicted"][found - 1] = table.predicted_labels[predicted[best]]
    rows["iou"][found - 1] = iou[best]
    rows["matched"] = rows["iou"] > 0.5
    return rows


def per_object(table: Contingency) -> Columns:
    """Say of every object of both images what became of it.

    Parameters
    ----------
    table : Contingency

    Returns
    -------
    dict of str to numpy.ndarray
        One row an object, those of the truth first, each in order of its label. "Other" objects
        are those of the other image.

        - ``side``: "truth" or "prediction"; ``label``; ``pixels``: size.
        - ``best``: label of the other object with the highest IoU, the lowest such label on a tie,
          0 where none overlaps; ``iou`` and ``dice`` with it, 0 where none overlaps.
        - ``matched``: whether that IoU is above 0.5; an object then has one match, which is `best`.
        - ``parts``: other objects of which more than half lies inside this one.
        - ``siblings``: objects of its own image that lie, like this one, more than half in the
          same other object.
        - ``outcome``: the first that applies of

          - "matched": `matched`.
          - "split": a true object with `parts` > 1; a prediction with `siblings` > 0.
          - "merged": a true object with `siblings` > 0; a prediction with `parts` > 1.
          - "poorly outlined": IoU above 0.1 with an object that matches no other.
          - "missed" (truth) or "spurious" (prediction): none of these.

    Notes
    -----
    `parts` are tried before `siblings`, so that swapping the images swaps split with merged and
    missed with spurious and changes nothing else. A matched object may have several parts as
    well: rows with `parts` > 1 are as many as ``n_splits`` (truth) and ``n_merges`` (prediction)
    of `instance_scores`, matched ones included.

    The lower bound of 0.1 is the background threshold of TIDE [1]_: less overlap than that is a
    brush with a neighbour rather than an outline.

    References
    ----------
    .. [1] D. Bolya et al. TIDE: a general toolbox for identifying object detection errors.
       ECCV 2020, 558-573. :doi:`10.1007/978-3-030-58580-8_33`

    Examples
    --------
    >>> from bioagree.contingency import contingency
    >>> table = contingency(np.array([0, 4, 7, 7, 7]), np.array([3, 0, 2, 2, 2]))
    >>> columns = per_object(table)
    >>> list(zip(columns["side"].tolist(), columns["label"].tolist(), columns["outcome"].tolist()))
    [('truth', 4, 'missed'), ('truth', 7, 'matched'), ('prediction', 2, 'matched'), \
('prediction', 3, 'spurious')]
    """
    truth, predicted, overlap, iou = table.pairs
    half_of_truth = 2 * overlap > table.truth_sizes[truth]
    half_of_predicted = 2 * overlap > table.predicted_sizes[predicted]
    of_truth = _Side("truth", table.truth_labels, table.truth_sizes, truth, half_of_truth)
    of_prediction = _Side(
        "prediction", table.predicted_labels, table.predicted_sizes, predicted, half_of_predicted
    )
    sides = (
        _fates(of_truth, of_prediction, iou, several="split", one_of="merged", neither="missed"),
        _fates(of_prediction, of_truth, iou, several="merged", one_of="split", neither="spurious"),
    )
    return {name: np.concatenate([side[name] for side in sides]) for name in sides[0]}


class _Side(NamedTuple):
    """One of the two images: its labels and sizes, and of each pair of objects its own."""

    name: str
    labels: np.ndarray
    sizes: np.ndarray
    position: np.ndarray  # of the object, for each pair
    most_inside: np.ndarray  # whether more than half of it lies in the other, for each pair


def _fates(
    own: _Side, other: _Side, iou: np.ndarray, *, several: str, one_of: str, neither: str
) -> Columns:
    """Return the rows of `per_object` for the objects of one side."""
    n = own.labels.size
    found, entry = _best(own.position, iou)
    best, best_iou = np.zeros(n, np.uint64), np.zeros(n)
    best[found], best_iou[found] = other.labels[other.position[entry]], iou[entry]
    matched = best_iou > 0.5
    parts = np.bincount(own.position[other.most_inside], minlength=n)
    guests = np.bincount(other.position[own.most_inside], minlength=other.labels.size)
    siblings = np.zeros(n, np.int64)
    siblings[own.position[own.most_inside]] = guests[other.position[own.most_inside]] - 1
    taken = np.bincount(other.position[iou > 0.5], minlength=other.labels.size) > 0
    outlined = np.zeros(n, bool)
    outlined[own.position[(iou > _FAINTEST_IOU) & ~taken[other.position]]] = True
    outcome = np.select(
        [matched, parts > 1, siblings > 0, outlined],
        ["matched", several, one_of, "poorly outlined"],
        neither,
    )
    columns = {
        "side": np.full(n, own.name),
        "label": own.labels,
        "pixels": own.sizes,
        "best": best,
        "iou": best_iou,
        "dice": 2 * best_iou / (1 + best_iou),
        "matched": matched,
        "parts": parts,
        "siblings": siblings,
        "outcome": outcome,
    }
    return {name: values[1:] for name, values in columns.items()}  # without background


def _best(own: np.ndarray, iou: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the objects that overlap any, and for each the pair with the highest IoU."""
    order = np.lexsort((-iou, own))
    found, first = np.unique(own[order], return_index=True)
    return found, order[first]
