"""Are distances between outlines what their definitions say, in µm and at every spacing?"""

import warnings

import numpy as np
import pytest
from bioagree.scores import contingency, match
from bioagree.surface_distances import FIELDS, summarise_surface_distances, surface_distances
from hypothesis import given, settings
from hypothesis import strategies as st

DISTANCES = ("hausdorff_um", "hd95_um", "assd_um")


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def blob(shape, centre, radius):
    """Return which pixels are within a radius, in pixels, of a centre."""
    distance = np.indices(shape) - np.reshape(centre, (-1, *[1] * len(shape)))
    return (distance**2).sum(axis=0) <= radius**2


def scene(seed, shape, n=6):
    """Return a label image of balls and a copy that is moved, grown and shrunk."""
    random = np.random.default_rng(seed)
    truth, prediction = np.zeros(shape, np.uint16), np.zeros(shape, np.uint16)
    for label in range(1, n + 1):
        centre = random.uniform(0, shape)
        radius = random.uniform(4, 7)
        truth[blob(shape, centre, radius)] = 3 * label
        shift = random.normal(0, 1.5, len(shape))
        prediction[blob(shape, centre + shift, radius + random.normal())] = 50 - label
    return truth, prediction


def overlapping(truth, prediction):
    """Return all pairs of objects that share a pixel, good matches or not."""
    table = contingency(truth, prediction)
    truth, predicted, *_ = table.pairs
    return np.stack([table.truth_labels[truth], table.predicted_labels[predicted]], axis=1)


def brute_force(truth, prediction, spacing, tolerance):
    """Compute the row of two masks by distance transforms of the whole image."""
    from scipy import ndimage

    masks = [np.pad(mask, 1) for mask in (truth, prediction)]
    borders = [mask & ~ndimage.binary_erosion(mask) for mask in masks]
    maps = [ndimage.distance_transform_edt(~border, sampling=spacing) for border in borders]
    there, back = maps[1][borders[0]], maps[0][borders[1]]
    both = np.concatenate([there, back])
    return {
        "hausdorff_um": both.max(),
        "hd95_um": max(np.percentile(there, 95), np.percentile(back, 95)),
        "assd_um": both.mean(),
        "nsd": (both <= tolerance + 1e-9).mean(),
        "truth_border": there.size,
        "predicted_border": back.size,
    }


# Cases computed by hand


def test_identical_objects_are_at_distance_zero():
    truth, _ = scene(0, (30, 40))
    labels = np.unique(truth)[1:]
    rows = surface_distances(
        truth, truth, np.stack([labels] * 2, axis=1), (0.2, 0.3), tolerance_um=0
    )
    assert all((rows[name] == 0).all() for name in DISTANCES)
    assert (rows["nsd"] == 1).all()
    assert (rows["truth_border"] == rows["predicted_border"]).all()


def test_a_square_one_pixel_larger_is_one_pixel_away_but_for_its_corners():
    truth, prediction = np.zeros((9, 9), int), np.zeros((9, 9), int)
    truth[3:6, 3:6], prediction[2:7, 2:7] = 1, 1
    row = surface_distances(truth, prediction, [(1, 1)], (0.5, 0.5), tolerance_um=0.5)[0]
    # 8 border pixels inside, all one pixel away; 16 outside, of which the four corners are
    # a diagonal away.
    diagonal = 0.5 * 2**0.5
    assert (row["truth_border"], row["predicted_border"]) == (8, 16)
    assert row["hausdorff_um"] == pytest.approx(diagonal)
    assert row["hd95_um"] == pytest.approx(diagonal)
    assert row["assd_um"] == pytest.approx((20 * 0.5 + 4 * diagonal) / 24)
    assert row["nsd"] == pytest.approx(20 / 24)
    assert not row["touches_border"]


def test_the_spacing_of_each_axis_counts():
    truth, prediction = np.zeros((8, 6, 6), np.uint8), np.zeros((8, 6, 6), np.uint8)
    truth[1, 2, 2], prediction[3, 3, 2] = 4, 9
    row = surface_distances(truth, prediction, [(4, 9)], (2.0, 0.5, 0.1), tolerance_um=4)[0]
    for name in DISTANCES:
        assert row[name] == pytest.approx(np.hypot(4, 0.5))
    assert row["nsd"] == 0


def test_percentiles_are_taken_in_each_direction_and_the_larger_counts():
    truth, prediction = np.zeros((1, 400), int), np.zeros((1, 400), int)
    truth[0, :100], prediction[0, :110] = 1, 1
    row = surface_distances(truth, prediction, [(1, 1)], (1, 1), tolerance_um=0)[0]
    # All pixels are border. From the truth every distance is 0; from the prediction they are
    # 0 (100 times) and 1 ... 10: position 0.95 * 109 = 103.55 lies between 4 and 5.
    assert row["hd95_um"] == pytest.approx(4.55)
    pooled = np.percentile(np.r_[np.zeros(200), 1:11], 95)
    assert pooled == 0
    assert row["hausdorff_um"] == 10


def test_a_distance_equal_to_the_tolerance_is_within_it():
    truth, prediction = np.zeros((3, 9), int), np.zeros((3, 9), int)
    truth[1, 1], prediction[1, 4] = 1, 1
    assert 3 * 0.1 > 0.3
    for tolerance, share in ((0.3, 1), (0.299, 0)):
        rows = surface_distances(truth, prediction, [(1, 1)], (0.1, 0.1), tolerance_um=tolerance)
        assert rows["nsd"].tolist() == [share]


def test_objects_cut_off_by_the_edge_are_named_and_have_a_border_along_it():
    truth, prediction = np.zeros((6, 6), int), np.zeros((6, 6), int)
    truth[0:3, 1:5], prediction[1:3, 1:5] = 1, 1
    truth[4, 2], prediction[4, 2] = 2, 2
    rows = surface_distances(truth, prediction, [(1, 1), (2, 2)], (1, 1), tolerance_um=1)
    assert rows["touches_border"].tolist() == [True, False]
    assert rows["truth_border"].tolist() == [10, 1]
    assert rows["hausdorff_um"].tolist() == [1, 0]


def test_objects_far_apart_are_measured_too():
    truth, prediction = np.zeros((5, 300), int), np.zeros((5, 300), int)
    truth[1:4, 1:4], prediction[1:4, 291:294] = 1, 1
    truth[1:4, 100:103], prediction[1:4, 101:104] = 2, 2
    rows = surface_distances(truth, prediction, [(1, 1), (2, 2)], (1, 1), tolerance_um=1)
    assert rows["hausdorff_um"].tolist() == [290, 1]


def test_an_object_may_be_in_several_pairs_and_pairs_keep_their_order():
    truth, prediction = scene(3, (40, 40))
    pairs = [(6, 48), (3, 49), (6, 49), (6, 48)]
    rows = surface_distances(truth, prediction, pairs, (1, 1), tolerance_um=1)
    assert [row.tolist()[:2] for row in rows] == pairs
    assert rows[0].tolist() == rows[3].tolist()
    alone = surface_distances(truth, prediction, pairs[2:3], (1, 1), tolerance_um=1)
    assert alone[0].tolist() == rows[2].tolist()


def test_no_pairs_give_no_rows():
    image = np.zeros((4, 4), np.uint8)
    pairs = match(contingency(image, image))
    rows = surface_distances(image, image, pairs, (1, 1), tolerance_um=1)
    assert rows.size == 0
    assert rows.dtype.names == tuple(name for name, _ in FIELDS)
    summary = summarise_surface_distances(rows)
    assert summary.pop("n_outlines") == 0
    assert all(np.isnan(value) for value in summary.values())


def test_the_summary_is_the_mean_over_matched_objects():
    truth, prediction = scene(5, (60, 60))
    pairs = match(contingency(truth, prediction))
    rows = surface_distances(truth, prediction, pairs, (0.5, 0.5), tolerance_um=0.5)
    summary = summarise_surface_distances(rows)
    assert summary["n_outlines"] == len(pairs) > 1
    for name in (*DISTANCES, "nsd"):
        assert summary[f"mean_{name}"] == pytest.approx(np.mean(rows[name]))


# What is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prediction": np.ones((3, 3), int)}, "same shape"),
        ({"spacing": (1, 1, 1)}, "image with 2 axes needs 2 positive numbers"),
        ({"spacing": (1, 0)}, "positive numbers"),
        ({"spacing": (1, np.nan)}, "positive numbers"),
        ({"tolerance_um": -1}, "tolerance is -1"),
        ({"tolerance_um": np.nan}, "tolerance is nan"),
        ({"pairs": [(1, 7)]}, "prediction has no object 7"),
        ({"pairs": [(0, 1)]}, "truth has no object 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(change, message):
    image = np.ones((4, 4), int)
    given = {"truth": image, "prediction": image, "pairs": [(1, 1)], "spacing": (1, 1)}
    with pytest.raises(ValueError, match=message):
        surface_distances(**given | {"tolerance_um": 1} | change)


# Other implementations


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("shape", "spacing"),
    [((60, 70), (1, 1)), ((60, 70), (0.2, 0.5)), ((24, 30, 32), (0.6, 0.25, 0.25))],
)
def test_distances_equal_distance_transforms(seed, shape, spacing):
    truth, prediction = scene(seed, shape, n=8)
    pairs = overlapping(truth, prediction)
    rows = surface_distances(truth, prediction, pairs, spacing, tolerance_um=1)
    assert len(rows) > 3
    assert rows["hausdorff_um"].max() > 4 * min(spacing) > rows["assd_um"].min()
    for row in rows:
        expected = brute_force(truth == row["truth"], prediction == row["predicted"], spacing, 1)
        for name, value in expected.items():
            assert row[name] == pytest.approx(value), name


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.3, 0.2)])
def test_hausdorff_distances_of_borders_equal_simpleitk(spacing):
    import SimpleITK as sitk
    from scipy import ndimage

    truth, prediction = scene(1, (24, 30, 32), n=8)
    rows = surface_distances(
        truth, prediction, overlapping(truth, prediction), spacing, tolerance_um=1
    )
    for row in rows:
        images = []
        for mask in (truth == row["truth"], prediction == row["predicted"]):
            mask = np.pad(mask, 1)
            images.append(sitk.GetImageFromArray((mask & ~ndimage.binary_erosion(mask)) * 1))
            images[-1].SetSpacing(spacing[::-1])
        filtered = sitk.HausdorffDistanceImageFilter()
        filtered.Execute(*images)
        assert row["hausdorff_um"] == pytest.approx(filtered.GetHausdorffDistance(), rel=1e-5)


# What holds for every pair of objects


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(0, 3))
def test_swapping_and_scaling_do_what_algebra_says(seed, factor, tolerance):
    truth, prediction = scene(seed, (25, 30), n=3)
    pairs = overlapping(truth, prediction)
    rows = surface_distances(truth, prediction, pairs, (0.5, 0.8), tolerance_um=tolerance)
    swapped = surface_distances(
        prediction, truth, pairs[:, ::-1], (0.5, 0.8), tolerance_um=tolerance
    )
    scaled = surface_distances(
        truth,
        prediction,
        pairs,
        (0.5 * factor, 0.8 * factor),
        tolerance_um=tolerance * factor,
    )
    for name in DISTANCES:
        assert swapped[name] == pytest.approx(rows[name])
        assert scaled[name] == pytest.approx(rows[name] * factor)
    assert swapped["nsd"] == pytest.approx(rows["nsd"])
    assert (rows["assd_um"] <= rows["hausdorff_um"]).all()
    assert (rows["hd95_um"] <= rows["hausdorff_um"]).all()
    assert ((rows["nsd"] >= 0) & (rows["nsd"] <= 1)).all()
