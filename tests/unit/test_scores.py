"""Do the scores of a segmentation mean what their definitions say?"""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
from bioagree.scores import (
    AP_KEYS,
    AP_THRESHOLDS,
    ap_curve,
    contingency,
    instance_scores,
    match,
    object_matches,
    per_object,
    pixel_scores,
    score,
    why_accuracy_flatters,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

COUNTS = (
    "n_truth",
    "n_predicted",
    "true_positive",
    "false_positive",
    "false_negative",
    "n_splits",
    "n_merges",
    "aogm_d",
)
ONE_SIDED = ("accuracy_of_nothing", "aogm_d", "det", "seg", "sparse_jaccard")
ALL_AP = " ".join((*AP_KEYS, "ap_50_95"))


def line(*runs, dtype=np.uint16):
    """Return a 1D label image from (label, length) runs."""
    return np.concatenate([np.full(length, label, dtype) for label, length in runs])


def blobs(seed, n=25, shape=(60, 70)):
    """Return touching labels and a noisy copy with missing, split, merged and moved ones."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, shape, (n, 2))

    def label(centres, names):
        distance = np.linalg.norm(np.indices(shape)[..., None] - centres.T[:, None, None], axis=0)
        return np.where(distance.min(-1) < 7, names[distance.argmin(-1)], 0).astype(np.int32)

    names = np.arange(1, n + 1)
    moved = np.concatenate([centres, centres[:5] + 4]) + rng.normal(0, 1.2, (n + 5, 2))
    renamed = np.concatenate([np.where(names % 6 == 0, names - 1, names), n + 1 + np.arange(5)])
    return label(centres, names), label(moved[3:], renamed[3:])


@st.composite
def image_pairs(draw):
    """Two small images with labels 0 to 4, either possibly without objects."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 6)))
    images = arrays(np.uint8, shape, elements=st.integers(0, 4))
    return draw(images), draw(images)


def assert_same_scores(actual, expected, but=()):
    assert actual.keys() == expected.keys()
    for key in actual.keys() - set(but):
        assert actual[key] == pytest.approx(expected[key], abs=1e-12, nan_ok=True), key


# Cases computed by hand


def test_one_object_half_found():
    scores = score(line((0, 2), (3, 4), (0, 4)), line((0, 4), (8, 4), (0, 2)))
    expected = {
        "accuracy": 0.6,
        "precision": 0.5,
        "recall": 0.5,
        "f1": 0.5,
        "jaccard": 1 / 3,
        "accuracy_of_nothing": 0.6,
        "n_truth": 1,
        "n_predicted": 1,
        "true_positive": 0,
        "false_positive": 1,
        "false_negative": 1,
        "f1_50": 0,
        "precision_50": 0,
        "recall_50": 0,
        **dict.fromkeys(AP_KEYS, 0),
        "ap_50_95": 0,
        # The prediction holds half of the object, not more: one to add, one to delete.
        "aogm_d": 11,
        "det": 0,
        "pq": 0,
        "sq": np.nan,
        "rq": 0,
        "mean_matched_iou": np.nan,
        "mean_matched_dice": np.nan,
        "seg": 0,
        "sparse_jaccard": 1 / 3,
        "n_splits": 0,
        "n_merges": 0,
        # H(prediction | truth): 6 background pixels as 4 + 2, 4 object pixels as 2 + 2.
        "vi_split_bits": 0.6 * (np.log2(6) - (4 * 2 + 2) / 6) + 0.4,
        "vi_merge_bits": 0.6 * (np.log2(6) - (4 * 2 + 2) / 6) + 0.4,
    }
    assert_same_scores(scores, expected)


def test_two_objects_one_found_one_invented():
    truth = line((1, 10), (2, 10), (0, 20))
    prediction = line((5, 8), (0, 22), (6, 10))
    scores = instance_scores(contingency(truth, prediction))
    assert [scores[key] for key in COUNTS] == [2, 2, 1, 1, 1, 0, 0, 11]
    assert scores["f1_50"] == scores["rq"] == scores["precision_50"] == scores["recall_50"] == 0.5
    assert scores["ap_50"] == pytest.approx(1 / 3)
    # IoU 0.8 passes the thresholds 0.50 to 0.75, six of ten: strictly greater.
    assert scores["ap_50_95"] == pytest.approx(0.6 / 3)
    assert [scores[key] for key in AP_KEYS] == pytest.approx([1 / 3] * 6 + [0] * 4)
    assert scores["sq"] == scores["mean_matched_iou"] == pytest.approx(0.8)
    assert scores["mean_matched_dice"] == pytest.approx(16 / 18)
    assert scores["det"] == pytest.approx(1 - 11 / 20)
    assert scores["pq"] == scores["seg"] == scores["sparse_jaccard"] == pytest.approx(0.4)


def test_perfect_prediction_scores_one_whatever_its_labels():
    truth = np.array([[[1, 1, 0], [0, 2, 2]], [[4, 0, 0], [0, 0, 0]]], np.uint8)
    scores = score(truth, truth.astype(np.uint32) * 70_001)
    zeros = {"false_positive", "false_negative", "n_splits", "n_merges"}
    zeros |= {"vi_split_bits", "vi_merge_bits", "aogm_d"}
    threes = {"n_truth", "n_predicted", "true_positive"}
    assert scores.pop("accuracy_of_nothing") == pytest.approx(7 / 12)
    assert {key for key, value in scores.items() if value == 0} == zeros
    assert {key for key, value in scores.items() if value == 3} == threes
    assert all(value == 1 for key, value in scores.items() if key not in zeros | threes)


def test_counts_are_integers_and_the_rest_floats():
    scores = score(*blobs(0))
    assert {key for key, value in scores.items() if type(value) is int} == set(COUNTS)
    assert all(type(value) is float for key, value in scores.items() if key not in COUNTS)


NOTHING = np.zeros((3, 4), np.uint16)
SOMETHING = np.array([[1, 1, 0, 0], [0, 0, 9, 0], [0, 0, 0, 0]], np.uint16)


@pytest.mark.parametrize(
    ("truth", "prediction", "undefined", "zero", "one"),
    [
        (
            NOTHING,
            NOTHING,
            "precision recall f1 jaccard f1_50 precision_50 recall_50 det pq sq rq "
            f"mean_matched_iou mean_matched_dice seg sparse_jaccard {ALL_AP}",
            "vi_split_bits vi_merge_bits",
            "accuracy accuracy_of_nothing",
        ),
        (
            NOTHING,
            SOMETHING,
            "recall recall_50 sq mean_matched_iou mean_matched_dice seg sparse_jaccard det",
            f"precision f1 jaccard f1_50 precision_50 pq rq vi_merge_bits {ALL_AP}",
            "accuracy_of_nothing",
        ),
        (
            SOMETHING,
            NOTHING,
            "precision precision_50 sq mean_matched_iou mean_matched_dice",
            "recall f1 jaccard f1_50 recall_50 pq rq seg sparse_jaccard det "
            f"vi_split_bits {ALL_AP}",
            "",
        ),
    ],
    ids=["both empty", "truth empty", "prediction empty"],
)
def test_empty_images_follow_the_documented_rules(truth, prediction, undefined, zero, one):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score(truth, prediction)
    assert {key for key, value in scores.items() if np.isnan(value)} == set(undefined.split())
    ratios = {key: value for key, value in scores.items() if key not in COUNTS}
    assert {key for key, value in ratios.items() if value == 0} == set(zero.split())
    assert {key for key, value in ratios.items() if value == 1} == set(one.split())


@pytest.mark.filterwarnings("error")
def test_images_without_pixels_have_counts_of_zero_and_no_ratios():
    scores = score(np.zeros((0, 5), np.uint8), np.zeros((0, 5), np.uint8))
    assert all(value == 0 if key in COUNTS else np.isnan(value) for key, value in scores.items())


def test_images_without_background_count_every_object():
    scores = score(line((1, 3), (2, 3)), line((2, 3), (1, 3)))
    assert (scores["n_truth"], scores["n_predicted"], scores["pq"]) == (2, 2, 1)


def test_split_object_is_counted_once_and_the_swapped_case_is_a_merge():
    whole = line((0, 2), (1, 12), (0, 2))
    parts = line((0, 2), (1, 4), (2, 4), (3, 5), (0, 1))
    split, merge = score(whole, parts), score(parts, whole)
    assert (split["n_splits"], split["n_merges"]) == (1, 0)
    assert (merge["n_splits"], merge["n_merges"]) == (0, 1)
    assert split["vi_split_bits"] > split["vi_merge_bits"]


def test_a_prediction_exactly_half_inside_does_not_split():
    truth = line((1, 6), (0, 2))
    assert score(truth, line((1, 4), (2, 4)))["n_splits"] == 0
    assert score(truth, line((1, 3), (2, 4), (0, 1)))["n_splits"] == 1


def test_seg_needs_more_than_half_of_the_true_object():
    truth = line((1, 6), (0, 4))
    assert score(truth, line((1, 3), (0, 7)))["seg"] == 0
    assert score(truth, line((1, 4), (0, 6)))["seg"] == pytest.approx(4 / 6)
    # More than half of it, though the IoU is below one half: SEG counts, a match does not.
    large = score(truth, line((0, 2), (1, 8)))
    assert (large["seg"], large["true_positive"]) == (0.4, 0)


def test_gaps_in_numbering_are_not_objects():
    truth = line((0, 3), (200, 4), (7, 2))
    table = contingency(truth, truth)
    assert table.truth_labels.tolist() == [0, 7, 200]
    assert table.truth_sizes.tolist() == [3, 2, 4]
    assert score(truth, truth)["sparse_jaccard"] == 1


def test_labels_up_to_32_bits_stay_apart():
    top = 2**32 - 1
    truth = line((0, 2), (1, 3), (65_537, 3), (top, 2), dtype=np.uint32)
    prediction = line((top, 2), (1, 3), (65_536, 3), (top - 1, 2), dtype=np.uint32)
    rows = [row.tolist() for row in match(contingency(truth, prediction))]
    assert rows == [(1, 1, 1.0), (65_537, 65_536, 1.0), (top, top - 1, 1.0)]


def test_a_tie_with_the_threshold_is_no_match():
    table = contingency(line((1, 4), (0, 4)), line((1, 2), (0, 6)))
    assert table.pairs.iou.tolist() == [0.5]
    assert match(table).size == 0
    assert match(table, 0.499).size == 1
    assert instance_scores(table)["true_positive"] == 0


@pytest.mark.parametrize("twentieths", range(1, 20))
def test_ties_are_seen_at_every_threshold_of_average_precision(twentieths):
    table = contingency(line((1, 20)), line((1, twentieths), (0, 20 - twentieths)))
    scores = instance_scores(table)
    assert scores["ap_50_95"] == pytest.approx(max(0, twentieths - 10) / 10)
    assert match(table, twentieths / 20).size == 0
    assert match(table, float(f"{twentieths * 0.05:.2f}")).size == 0


def test_below_one_half_more_matches_win_over_better_ones():
    # IoU: 1-1 4/12, 1-2 3/9, 2-1 3/11; the best pair alone would leave 2 without a partner.
    truth = line((1, 4), (1, 3), (2, 3), (2, 3), (0, 3))
    prediction = line((1, 4), (2, 3), (1, 3), (0, 3), (3, 3))
    rows = [row.tolist()[:2] for row in match(contingency(truth, prediction), 0.2)]
    assert rows == [(1, 2), (2, 1)]


def test_object_matches_name_the_best_prediction_of_each_object():
    truth = line((0, 2), (5, 10), (6, 4), (7, 3))
    prediction = line((0, 2), (1, 2), (9, 8), (9, 2), (0, 2), (0, 3))
    rows = object_matches(contingency(truth, prediction))
    assert rows.dtype.names == ("truth", "size", "predicted", "iou", "matched")
    assert [row.tolist() for row in rows] == [
        (5, 10, 9, pytest.approx(8 / 12), True),
        (6, 4, 9, pytest.approx(2 / 12), False),
        (7, 3, 0, 0, False),
    ]


def test_the_table_counts_every_pixel_once_across_chunks():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 30, (90, 100)).repeat(8, 0).repeat(7, 1)
    prediction = np.roll(truth, 3, axis=1) * (truth > 3)
    for scale in (1, 1_000_003):
        table = contingency(truth * scale, prediction * scale)
        labels, counts = np.unique(
            np.stack([truth.ravel(), prediction.ravel()]) * scale, axis=1, return_counts=True
        )
        assert table.truth_labels[table.truth_index].tolist() == labels[0].tolist()
        assert table.predicted_labels[table.predicted_index].tolist() == labels[1].tolist()
        assert table.overlap.tolist() == counts.tolist()
        assert table.n_pixels == truth.size


@pytest.mark.parametrize("dtype", ["u1", "i2", ">u2", "u4", "i8", "u8"])
def test_type_and_memory_layout_do_not_matter(dtype):
    truth, prediction = blobs(4)
    expected = score(truth, prediction)
    assert score(np.asfortranarray(truth.astype(dtype)), prediction) == expected
    assert score(truth[::-1, ::2], prediction.astype(dtype)[::-1, ::2]) == score(
        truth[::-1, ::2].copy(), prediction[::-1, ::2].copy()
    )


def test_det_counts_what_a_person_would_mend():
    # Prediction 1 covers the true 1 and 2 (one split), 3 is missed, 9 is invented.
    truth = line((1, 4), (2, 4), (3, 4), (0, 8), (4, 3))
    prediction = line((1, 8), (0, 6), (9, 6), (7, 3))
    scores = score(truth, prediction)
    assert scores["aogm_d"] == 5 + 10 + 1
    assert scores["det"] == pytest.approx(1 - 16 / 40)
    # More work than starting from an empty image is no worse than that.
    clutter = line(*((label, 1) for label in range(1, 24)))
    assert score(line((50, 2), (0, 21)), clutter)["aogm_d"] == 10 + 23
    assert score(line((50, 2), (0, 21)), clutter)["det"] == 0


def test_the_curve_of_average_precision_is_the_scores_of_each_threshold():
    truth = line((1, 100), (2, 100), (3, 10))
    prediction = line((1, 72), (0, 28), (2, 91), (0, 9), (4, 10))
    table = contingency(truth, prediction)
    # IoU 0.72, 0.91 and 1: three of three up to 0.70, then two, then one.
    assert ap_curve(table).tolist() == [1] * 5 + [2 / 4] * 4 + [1 / 5]
    scores = instance_scores(table)
    assert [scores[key] for key in AP_KEYS] == ap_curve(table).tolist()
    assert [key.removeprefix("ap_") for key in AP_KEYS] == [f"{100 * t:.0f}" for t in AP_THRESHOLDS]


def test_a_prediction_that_finds_nothing_has_the_accuracy_said():
    truth, _ = blobs(2)
    nothing = score(truth, np.zeros_like(truth))
    assert nothing["accuracy"] == nothing["accuracy_of_nothing"] == (truth == 0).mean()
    assert nothing["jaccard"] == 0


def test_the_sentence_on_accuracy_has_the_numbers_of_the_study():
    sentence = why_accuracy_flatters([0.75, np.nan, 0.9, 0.8])
    assert "80 % of the median image (75 to 90 % over 3 images)" in sentence
    assert "accuracy of 0.80" in sentence
    assert "background is 60 % of the image, so" in why_accuracy_flatters([0.6])
    assert why_accuracy_flatters([np.nan]) == ""


# What became of each object


def outcomes(truth, prediction):
    columns = per_object(contingency(truth, prediction))
    return {
        (side, label): outcome
        for side, label, outcome in zip(
            *(columns[name].tolist() for name in ("side", "label", "outcome")), strict=True
        )
    }


def test_each_object_has_one_outcome():
    truth = line((1, 10), (0, 2), (2, 10), (0, 2), (3, 5), (4, 5), (0, 2), (5, 10), (0, 5), (6, 4))
    prediction = line(
        (1, 9), (0, 3), (21, 5), (22, 5), (0, 2), (34, 10), (0, 2), (5, 4), (0, 9), (8, 2), (0, 4)
    )
    assert outcomes(truth, prediction) == {
        ("truth", 1): "matched",
        ("truth", 2): "split",
        ("truth", 3): "merged",
        ("truth", 4): "merged",
        ("truth", 5): "poorly outlined",
        ("truth", 6): "missed",
        ("prediction", 1): "matched",
        ("prediction", 5): "poorly outlined",
        ("prediction", 8): "spurious",
        ("prediction", 21): "split",
        ("prediction", 22): "split",
        ("prediction", 34): "merged",
    }


def test_a_brush_with_the_prediction_of_a_neighbour_is_a_miss():
    truth, prediction = line((1, 12), (2, 3)), line((1, 14), (0, 1))
    # 2 lies mostly in prediction 1, as 1 does: merged. With less of it there, it is missed.
    assert outcomes(truth, prediction)["truth", 2] == "merged"
    assert outcomes(line((1, 12), (2, 4)), line((1, 14), (0, 2)))["truth", 2] == "missed"
    assert outcomes(line((1, 12), (2, 4)), line((0, 14), (5, 2)))["truth", 2] == "poorly outlined"
    # An IoU of 0.1 is not an outline, more is.
    assert outcomes(line((1, 10)), line((1, 1), (0, 9)))["truth", 1] == "missed"
    assert outcomes(line((1, 9)), line((1, 1), (0, 8)))["truth", 1] == "poorly outlined"


def test_a_matched_object_with_a_loose_part_stays_matched():
    truth, prediction = line((1, 10)), line((1, 8), (2, 2))
    columns = per_object(contingency(truth, prediction))
    assert columns["outcome"].tolist() == ["matched", "matched", "split"]
    assert columns["parts"].tolist() == [2, 1, 0]
    assert columns["siblings"].tolist() == [0, 1, 1]
    assert columns["iou"].tolist() == [0.8, 0.8, 0.2]
    assert columns["dice"].tolist() == pytest.approx([16 / 18, 16 / 18, 4 / 12])
    assert columns["best"].tolist() == [1, 1, 1]
    assert columns["pixels"].tolist() == [10, 8, 2]


def test_no_objects_give_no_rows_but_all_columns():
    columns = per_object(contingency(NOTHING, NOTHING))
    assert len(columns) == 10
    assert all(values.size == 0 for values in columns.values())
    assert set(outcomes(SOMETHING, NOTHING).values()) == {"missed"}
    assert set(outcomes(NOTHING, SOMETHING).values()) == {"spurious"}


# What is refused


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        (np.zeros((2, 3), int), np.zeros((3, 2), int), r"\(2, 3\).*\(3, 2\).*same shape"),
        (np.zeros(3), np.zeros(3, int), "truth has type float64; labels are integers from 0"),
        (np.zeros(3, int), np.zeros(3, bool), "prediction has type bool"),
        (np.zeros(3, int), np.array([0, -3, 1]), "prediction holds -3"),
        (np.array([2**32]), np.array([0]), "truth holds 4294967296.*to 4294967295"),
    ],
)
def test_other_than_label_images_of_one_shape_are_refused(truth, prediction, message):
    with pytest.raises(ValueError, match=message):
        score(truth, prediction)


@pytest.mark.parametrize("threshold", [-0.1, 1, 50, np.nan])
def test_thresholds_that_cannot_be_an_iou_are_refused(threshold):
    with pytest.raises(ValueError, match="at least 0 and less than 1"):
        match(contingency(NOTHING, NOTHING), threshold)


# Other implementations


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("threshold", [0.1, 0.3, *AP_THRESHOLDS])
def test_matches_equal_stardist(seed, threshold):
    from stardist.matching import matching

    truth, prediction = blobs(seed)
    # stardist counts IoU >= threshold, in single precision: a hair more makes it IoU > threshold.
    theirs = matching(truth, prediction, threshold + 1e-6, report_matches=True)
    ours = match(contingency(truth, prediction), threshold)
    pairs = [theirs.matched_pairs[i] for i in theirs.matched_tps]
    assert ours.size == theirs.tp
    assert ours["iou"].sum() == pytest.approx(theirs.mean_matched_score * theirs.tp, rel=1e-5)
    if threshold >= 0.5:
        assert [row.tolist()[:2] for row in ours] == pairs


@pytest.mark.parametrize("seed", range(4))
def test_detection_scores_equal_stardist(seed):
    from stardist.matching import matching

    truth, prediction = blobs(seed)
    scores = score(truth, prediction)
    theirs = matching(truth, prediction, tuple(AP_THRESHOLDS + 1e-6))
    same = {
        "n_truth": "n_true",
        "n_predicted": "n_pred",
        "true_positive": "tp",
        "false_positive": "fp",
        "false_negative": "fn",
        "f1_50": "f1",
        "precision_50": "precision",
        "recall_50": "recall",
        "ap_50": "accuracy",
        "pq": "panoptic_quality",
        "sq": "mean_matched_score",
    }
    for ours, name in same.items():
        assert scores[ours] == pytest.approx(getattr(theirs[0], name), rel=1e-5), ours
    assert scores["ap_50_95"] == pytest.approx(np.mean([each.accuracy for each in theirs]))
    assert 0 < scores["ap_50_95"] < scores["ap_50"] < 1


@pytest.mark.parametrize("seed", range(4))
def test_seg_equals_the_cell_tracking_challenge(seed, tmp_path):
    from ctc_metrics.metrics.technical.seg import seg
    from ctc_metrics.utils.representations import match as match_files

    truth, prediction = (image.astype(np.uint16) for image in blobs(seed))
    paths = [str(tmp_path / name) for name in ("truth.tif", "prediction.tif")]
    for path, image in zip(paths, (truth, prediction), strict=True):
        tifffile.imwrite(path, image)
    labels, _, _, _, iou = match_files(*paths)
    assert score(truth, prediction)["seg"] == pytest.approx(seg([labels], [iou]))


@pytest.mark.parametrize("seed", range(4))
def test_det_equals_the_cell_tracking_challenge(seed, tmp_path):
    from ctc_metrics.metrics.technical.det import det
    from ctc_metrics.utils import representations

    pairs = [[image.astype(np.uint16) for image in blobs(seed + k)] for k in (0, 10)]
    frames, mended = [], []
    for frame, pair in enumerate(pairs):
        paths = [str(tmp_path / f"{frame}{name}.tif") for name in ("truth", "prediction")]
        for path, image in zip(paths, pair, strict=True):
            tifffile.imwrite(path, image)
        frames.append(representations.match(*paths)[:4])
        mended.append(score(*pair))

    def theirs(*frames):
        no_tracks, frames = np.zeros((0, 4), int), (*frames, ([], [], [], []))
        return det(
            **representations.count_acyclic_graph_correction_operations(
                no_tracks, no_tracks, *map(list, zip(*frames, strict=True))
            )
        )

    assert [scores["det"] for scores in mended] == pytest.approx([theirs(f) for f in frames])
    cost, from_nothing = (sum(each[key] for each in mended) for key in ("aogm_d", "n_truth"))
    assert 1 - cost / (10 * from_nothing) == pytest.approx(theirs(*frames))
    assert 0 < theirs(*frames) < 1


@pytest.mark.parametrize("seed", range(4))
def test_variation_of_information_equals_scikit_image(seed):
    from skimage.metrics import variation_of_information

    truth, prediction = blobs(seed)
    scores = score(truth, prediction)
    theirs = variation_of_information(truth, prediction)
    assert [scores["vi_split_bits"], scores["vi_merge_bits"]] == pytest.approx(theirs.tolist())


@pytest.mark.parametrize("seed", range(2))
def test_pixel_scores_equal_scikit_learn(seed):
    from sklearn import metrics

    truth, prediction = blobs(seed)
    foregrounds = (truth.ravel() > 0, prediction.ravel() > 0)
    scores = pixel_scores(contingency(truth, prediction))
    nothing = metrics.accuracy_score(foregrounds[0], np.zeros(truth.size, bool))
    assert scores.pop("accuracy_of_nothing") == pytest.approx(nothing)
    for key, value in scores.items():
        theirs = getattr(metrics, f"{key}_score")(*foregrounds)
        assert value == pytest.approx(theirs), key


# What holds for every pair of images


@settings(max_examples=60, deadline=None)
@given(image_pairs(), st.lists(st.integers(1, 2**32 - 1), min_size=8, max_size=8, unique=True))
def test_labels_are_only_names(images, names):
    truth, prediction = images
    new_truth = np.array([0, *names[:4]], np.uint32)[truth]
    new_prediction = np.array([0, *names[4:]], np.uint32)[prediction]
    assert_same_scores(score(new_truth, new_prediction), score(truth, prediction))


@settings(max_examples=60, deadline=None)
@given(image_pairs())
def test_swapping_the_images_swaps_what_they_are_blamed_for(images):
    truth, prediction = images
    swaps = {
        "precision": "recall",
        "precision_50": "recall_50",
        "n_truth": "n_predicted",
        "false_positive": "false_negative",
        "n_splits": "n_merges",
        "vi_split_bits": "vi_merge_bits",
    }
    swaps |= {there: here for here, there in swaps.items()}
    swapped = score(prediction, truth)
    expected = {key: swapped[swaps.get(key, key)] for key in swapped}
    assert_same_scores(
        score(truth, prediction), expected, but={"seg", "sparse_jaccard", *ONE_SIDED}
    )


@settings(max_examples=60, deadline=None)
@given(image_pairs())
def test_more_background_flatters_accuracy_alone(images):
    cropped = score(*images)
    padded = score(*(np.pad(image, ((0, 9), (0, 0))) for image in images))
    changing = {"accuracy", "accuracy_of_nothing", "vi_split_bits", "vi_merge_bits"}
    assert_same_scores(padded, cropped, but=changing)
    assert padded["accuracy"] > cropped["accuracy"] or cropped["accuracy"] == 1


@settings(max_examples=60, deadline=None)
@given(image_pairs(), st.sampled_from([0, 0.2, 0.4, 0.5, 0.7]))
def test_matches_are_one_to_one_and_add_up(images, threshold):
    table = contingency(*images)
    matched = match(table, threshold)
    assert np.unique(matched["truth"]).size == np.unique(matched["predicted"]).size == matched.size
    assert (matched["iou"] > threshold).all()
    scores = instance_scores(table)
    if scores["true_positive"]:
        assert scores["pq"] == pytest.approx(scores["sq"] * scores["rq"])
    assert np.count_nonzero(object_matches(table)["matched"]) == scores["true_positive"]


@settings(max_examples=60, deadline=None)
@given(image_pairs(), st.sampled_from([0.05, 0.2, 0.35, 0.5, 0.65]))
def test_number_of_matches_equals_stardist_on_any_images(images, threshold):
    from stardist.matching import matching

    truth, prediction = images
    theirs = matching(truth, prediction, threshold + 1e-6)
    ours = match(contingency(truth, prediction), threshold)
    assert ours.size == theirs.tp
    assert ours["iou"].sum() == pytest.approx(theirs.mean_matched_score * theirs.tp, rel=1e-5)


@settings(max_examples=100, deadline=None)
@given(image_pairs())
def test_outcomes_add_up_to_the_scores_of_the_image(images):
    table = contingency(*images)
    scores, columns = instance_scores(table), per_object(table)
    truth = columns["side"] == "truth"
    assert [truth.sum(), (~truth).sum()] == [scores["n_truth"], scores["n_predicted"]]
    assert (columns["outcome"] == "matched").tolist() == columns["matched"].tolist()
    assert columns["matched"][truth].sum() == scores["true_positive"]
    assert columns["matched"][~truth].sum() == scores["true_positive"]
    assert (columns["parts"][truth] > 1).sum() == scores["n_splits"]
    assert (columns["parts"][~truth] > 1).sum() == scores["n_merges"]
    assert columns["iou"][truth].tolist() == object_matches(table)["iou"].tolist()
    if scores["n_truth"]:
        assert columns["iou"][truth].mean() == pytest.approx(scores["sparse_jaccard"])
    if scores["true_positive"]:
        dice = columns["dice"][truth & columns["matched"]].mean()
        assert dice == pytest.approx(scores["mean_matched_dice"])


@settings(max_examples=100, deadline=None)
@given(image_pairs())
def test_swapping_the_images_swaps_split_with_merged_and_missed_with_spurious(images):
    other = {"split": "merged", "merged": "split", "missed": "spurious", "spurious": "missed"}
    sides = {"truth": "prediction", "prediction": "truth"}
    swapped = {
        (sides[side], label): other.get(outcome, outcome)
        for (side, label), outcome in outcomes(*images[::-1]).items()
    }
    assert swapped == outcomes(*images)


def test_scoring_loads_nothing_heavier_than_numpy():
    code = (
        "import sys, numpy; from bioagree.scores import score; image = numpy.eye(3, dtype='u1'); "
        "score(image, image); sys.exit('scipy' in sys.modules)"
    )
    library = Path(sys.modules["bioagree.scores"].__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(library)}, check=True)
