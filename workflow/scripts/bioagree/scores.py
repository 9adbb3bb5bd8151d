"""Segmentation quality of one label image against another, from one contingency table.

`contingency` reads both images once and keeps how many pixels each pair of labels shares. Every
score is then a few operations on that short list, so adding a score never costs another pass.

Pixels mean voxels in 3D. Label 0 is background. Scores never raise or warn on an image without
objects: what is not defined there is NaN, by the rule stated for each key.
"""

import numpy as np
from numpy.typing import ArrayLike

from bioagree.contingency import Contingency, Pairs, contingency
from bioagree.matching import TIE_RULE, match, object_matches, per_object

__all__ = [
    "AP_KEYS",
    "AP_THRESHOLDS",
    "TIE_RULE",
    "Contingency",
    "Pairs",
    "ap_curve",
    "contingency",
    "instance_scores",
    "match",
    "object_matches",
    "per_object",
    "pixel_scores",
    "score",
    "why_accuracy_flatters",
]

# Divided, not np.arange(0.5, 1, 0.05): each is then the float nearest to its decimal, as is every
# IoU, so that a tie is recognised as a tie.
AP_THRESHOLDS = np.arange(10, 20) / 20
AP_KEYS = tuple(f"ap_{percent}" for percent in range(50, 100, 5))

# Matula et al., PLoS ONE 2015;10:e0144959: what it costs to mend the vertices of the graph by hand.
_SPLIT_COST, _ADD_COST, _DELETE_COST = 5, 10, 1


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
        - ``accuracy_of_nothing``: (TN + FP) / all pixels, the share of true background, which is
          the accuracy of a prediction that finds nothing; NaN where the images have no pixels.

    Notes
    -----
    Accuracy counts agreement on background: cropping empty margins lowers it and leaves precision,
    recall, F1 and the Jaccard index as they are.

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
        "accuracy_of_nothing": _ratio(n - n_truth, n),
    }


def why_accuracy_flatters(accuracy_of_nothing: ArrayLike) -> str:
    """Say with the numbers of a study why pixel accuracy flatters.

    Parameters
    ----------
    accuracy_of_nothing : array_like, shape (n_images,)
        Of `pixel_scores`, one value an image; NaN is left out.

    Returns
    -------
    str
        A sentence or two; empty without a value.

    Examples
    --------
    >>> print(why_accuracy_flatters([0.7, 0.82, 0.91]))
    Pixel accuracy flatters: background is 82 % of the median image (70 to 91 % over 3 images), so \
a method that finds nothing has an accuracy of 0.82 there, and a Jaccard index of 0.
    """
    shares = np.asarray(accuracy_of_nothing, dtype=float)
    shares = shares[~np.isnan(shares)]
    if not shares.size:
        return ""
    median, low, high = np.median(shares), shares.min(), shares.max()
    over = f" ({100 * low:.0f} to {100 * high:.0f} % over {shares.size} images)"
    return (
        f"Pixel accuracy flatters: background is {100 * median:.0f} % of the "
        f"{'median image' if shares.size > 1 else 'image'}{over if shares.size > 1 else ''}, so a "
        f"method that finds nothing has an accuracy of {median:.2f} there, and a Jaccard index "
        "of 0."
    )


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator else float("nan")


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
        - ``ap_50``, ``ap_55``, ... ``ap_95``: TP / (TP + FP + FN) for matches at an IoU above
          0.50, 0.55, ... 0.95 (see `ap_curve`); NaN when both images are empty.
        - ``ap_50_95``: mean of these ten; NaN when both images are empty.
        - ``aogm_d``: cost of mending the detections by hand [5]_, 5 for each split of a prediction
          that covers several true objects, 10 for each true object to be added, 1 for each
          prediction to be deleted. A prediction covers the true objects of which it holds more
          than half.
        - ``det``: DET of the Cell Tracking Challenge [3]_ for this one image,
          1 - min(AOGM-D, 10 n_truth) / (10 n_truth), where 10 n_truth is the cost of starting from
          an empty image; NaN without true objects. DET of a movie is this of the sums of
          ``aogm_d`` and ``n_truth``, not the mean of ``det``.

        Overlap:

        - ``pq``: panoptic quality [1]_, sum of matched IoU / (TP + FP/2 + FN/2); 0 when objects
          exist and none match, NaN when both images are empty.
        - ``sq``: segmentation quality, the mean IoU of the matches, and ``mean_matched_iou``, the
          same number by its common name; ``mean_matched_dice``, the mean Dice coefficient
          2 IoU / (1 + IoU) of the matches; NaN without a match.
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
    .. [5] P. Matula et al. Cell tracking accuracy measurement based on comparison of acyclic
       oriented graphs. PLoS ONE 10, e0144959 (2015). :doi:`10.1371/journal.pone.0144959`

    Examples
    --------
    >>> scores = instance_scores(contingency(np.array([0, 7, 7, 7]), np.array([0, 0, 1, 1])))
    >>> scores["true_positive"], scores["pq"]
    (1, 0.6666666666666666)
    """
    return _detection(table) | _overlap_quality(table) | _partition_errors(table)


def ap_curve(table: Contingency) -> np.ndarray:
    """Average precision over the IoU that a match needs.

    Parameters
    ----------
    table : Contingency

    Returns
    -------
    (10,) float array
        TP / (TP + FP + FN), the average precision of the 2018 Data Science Bowl [1]_, for matches
        at an IoU above each of `AP_THRESHOLDS`; never rising; NaN when both images are empty.

    References
    ----------
    .. [1] J. C. Caicedo et al. Nucleus segmentation across imaging experiments: the 2018 Data
       Science Bowl. Nat. Methods 16, 1247-1253 (2019). :doi:`10.1038/s41592-019-0612-7`

    Examples
    --------
    >>> ap_curve(contingency(np.array([0, 7, 7, 7]), np.array([0, 0, 1, 1]))).tolist()
    [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    hits = _hits(table)
    objects = table.n_truth + table.n_predicted
    return hits / (objects - hits) if objects else np.full(hits.size, np.nan)


def _hits(table: Contingency) -> np.ndarray:
    """Return the number of matches at each of `AP_THRESHOLDS`."""
    # From 0.5 on each candidate is a match, so that counting candidates counts matches.
    return np.count_nonzero(table.pairs.iou[:, None] > AP_THRESHOLDS, axis=0)


def _detection(table: Contingency) -> dict[str, float]:
    n_truth, n_predicted = table.n_truth, table.n_predicted
    hit = int(_hits(table)[0])
    precisions = ap_curve(table)
    cost, from_nothing = _cost_of_mending(table), _ADD_COST * n_truth
    return {
        "n_truth": n_truth,
        "n_predicted": n_predicted,
        "true_positive": hit,
        "false_positive": n_predicted - hit,
        "false_negative": n_truth - hit,
        "f1_50": _ratio(2 * hit, n_truth + n_predicted),
        "precision_50": _ratio(hit, n_predicted),
        "recall_50": _ratio(hit, n_truth),
        **dict(zip(AP_KEYS, precisions.tolist(), strict=True)),
        "ap_50_95": float(precisions.mean()),
        "aogm_d": cost,
        "det": _ratio(from_nothing - min(cost, from_nothing), from_nothing),
    }


def _cost_of_mending(table: Contingency) -> int:
    """Return AOGM-D, the cost of turning the predicted detections into the true ones."""
    truth, predicted, overlap, _ = table.pairs
    covers = np.bincount(predicted[2 * overlap > table.truth_sizes[truth]])
    found, covering = int(covers.sum()), int(np.count_nonzero(covers))
    return (
        _SPLIT_COST * (found - covering)
        + _ADD_COST * (table.n_truth - found)
        + _DELETE_COST * (table.n_predicted - covering)
    )


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
        "mean_matched_dice": _ratio((2 * matched / (1 + matched)).sum(), matched.size),
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
