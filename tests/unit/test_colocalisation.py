"""Do channels and objects that lie together say so, and those that do not, not?"""

import numpy as np
import pytest
from bioagree import colocalisation
from bioagree.features.colocalisation import measure
from bioagree.features.dictionary import features_of
from bioagree.features.objects import Objects
from bioagree.images import Image
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import measure as skimage_measure

RNG = np.random.default_rng(3)


def correlated(share, size=20_000, seed=0):
    """Return two skewed channels of which a share of the voxels carries the same signal."""
    rng = np.random.default_rng(seed)
    signal = rng.exponential(100, size) * (rng.random(size) < share)
    return signal + rng.normal(20, 4, size), 0.7 * signal + rng.normal(30, 4, size)


def brute_costes(x, y):
    """Walk down all positions on the line, as the paper describes it."""
    slope, intercept = colocalisation.orthogonal_line(x, y)
    for t in np.unique(np.maximum(x, (y - intercept) / slope))[::-1]:
        below = (x < t) & (y < slope * t + intercept)
        if below.sum() < 3 or np.corrcoef(x[below], y[below])[0, 1] <= 0:
            return t
    return None


@pytest.mark.parametrize("seed", range(3))
def test_coefficients_are_scikit_images(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 4000, (2, 30, 40)).astype(np.uint16)
    mask = rng.random((30, 40)) < 0.6
    inside = a[mask].astype(float), b[mask].astype(float)
    pearson = skimage_measure.pearson_corr_coeff(a, b, mask)[0]
    assert colocalisation.pearson(*inside) == pytest.approx(pearson, abs=1e-12)
    # As floats: its products of 16-bit integers overflow, which gives coefficients above 1.
    overlap = skimage_measure.manders_overlap_coeff(a.astype(float), b.astype(float), mask)
    assert colocalisation.overlap_coefficient(*inside) == pytest.approx(overlap, abs=1e-12)
    m1 = skimage_measure.manders_coloc_coeff(a, b > 1500, mask)
    m2 = skimage_measure.manders_coloc_coeff(b, a > 2500, mask)
    assert colocalisation.manders(*inside, (2500, 1500)) == pytest.approx((m1, m2), abs=1e-12)


def test_the_orthogonal_line_is_the_first_principal_axis():
    x, y = correlated(0.5)
    slope, intercept = colocalisation.orthogonal_line(x, y)
    axis = np.linalg.eigh(np.cov(x, y))[1][:, -1]
    assert slope == pytest.approx(axis[1] / axis[0])
    assert intercept == pytest.approx(y.mean() - slope * x.mean())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("whole", [False, True])
def test_costes_thresholds_are_those_of_a_walk_down_the_line(seed, whole):
    x, y = correlated(0.3, 400, seed)
    if whole:  # equal voxels, as every camera gives them
        x, y = np.rint(x), np.rint(y)
    t1, t2 = colocalisation.costes_thresholds(x, y)
    walked = brute_costes(x, y)
    slope, intercept = colocalisation.orthogonal_line(x, y)
    position = np.unique(np.maximum(x, (y - intercept) / slope))
    step = np.searchsorted(position, walked)
    assert position[step - 1] < t1 < walked
    assert t2 == pytest.approx(slope * t1 + intercept)


def test_costes_thresholds_divide_signal_from_noise():
    rng = np.random.default_rng(1)
    signal = rng.uniform(100, 200, 20_000) * (rng.random(20_000) < 0.2)
    x, y = signal + rng.normal(20, 4, 20_000), 0.7 * signal + rng.normal(30, 4, 20_000)
    t1, t2 = colocalisation.costes_thresholds(x, y)
    assert 20 < t1 < 120
    m1, m2 = colocalisation.manders(x - 20, y - 30, (t1 - 20, t2 - 30))
    assert m1 == pytest.approx(1, abs=0.1)
    assert m2 == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.arange(50.0), -np.arange(50.0)),
        (np.ones(50), np.arange(50.0)),
        (np.empty(0), np.empty(0)),
        (np.ones(1), np.ones(1)),
    ],
    ids=["opposed", "constant", "empty", "one voxel"],
)
def test_without_a_common_rise_there_is_no_threshold(x, y):
    thresholds = colocalisation.costes_thresholds(x, y)
    assert np.isnan(thresholds).all()
    assert np.isnan(colocalisation.manders(x, y, thresholds)).all()


def test_scrambling_finds_chance_where_there_is_no_relation():
    p = [
        colocalisation.scrambled(
            *np.random.default_rng(seed).normal(size=(2, 60, 60)),
            np.ones((60, 60), bool),
            (3, 3),
            draws=99,
            seed=seed,
        ).p_value
        for seed in range(40)
    ]
    assert min(p) < 0.2  # uniform between 0.01 and 1
    assert 0.3 < np.mean(p) < 0.7


def test_scrambling_finds_what_goes_together():
    signal = RNG.exponential(1, (40, 40))
    found = colocalisation.scrambled(
        signal,
        signal + RNG.normal(0, 0.1, (40, 40)),
        np.ones((40, 40), bool),
        (2, 2),
        draws=99,
        seed=1,
    )
    assert found.p_value == 1 / 100
    assert abs(found.expected) < 0.05
    assert found.observed > 0.9


def test_single_voxels_overstate_what_blurred_noise_shares():
    """Two blurred noises are unrelated; blocks as wide as the blur know that, voxels do not."""
    from scipy.ndimage import gaussian_filter

    small, large = [], []
    for seed in range(30):
        a, b = (gaussian_filter(n, 3) for n in np.random.default_rng(seed).normal(size=(2, 96, 96)))
        for width, values in ((1, small), (12, large)):
            found = colocalisation.scrambled(
                a, b, np.ones(a.shape, bool), (width, width), draws=99, seed=seed
            )
            values.append(found.p_value < 0.05)
    assert np.mean(small) > 0.3
    assert np.mean(large) <= 0.25


def test_only_blocks_inside_the_region_count():
    region = np.zeros((9, 9), bool)
    region[:6, :6] = True
    image = np.zeros((9, 9))
    image[:6, :6] = RNG.random((6, 6))
    far = image.copy()
    far[6:] = 1e6
    one, other = (
        colocalisation.scrambled(image, changed, region, (3, 3), draws=9, seed=0)
        for changed in (image, far)
    )
    assert one.observed == other.observed == pytest.approx(1)


def test_centroids_anywhere_are_as_often_inside_as_chance_says():
    labels = np.zeros((50, 50), int)
    labels[:, :10] = 1
    region = np.ones((50, 50), bool)
    places = RNG.uniform(0, 49, (2000, 2))
    found = colocalisation.centroids_inside(places, labels, region, draws=500, seed=0)
    assert found.expected == pytest.approx(0.2, abs=0.005)
    assert found.observed == pytest.approx(0.2, abs=0.03)
    assert 0.01 < found.p_value < 0.99
    inside = colocalisation.centroids_inside(places[:20] / 6, labels, region, draws=500, seed=0)
    assert (inside.observed, inside.p_value) == (1.0, 1 / 501)


def test_objects_by_hand():
    first, second = np.zeros((2, 12, 12), int)
    first[1:4, 1:4] = 3
    first[8:10, 8:10] = 70_000
    second[2:5, 1:4] = 1
    row = colocalisation.compare_objects(
        first, second, np.ones((12, 12), bool), (0.5, 0.5), draws=50, seed=0
    )
    assert (row["objects_first"], row["objects_second"]) == (2, 1)
    assert row["first_in_second"] == 0.5
    assert row["second_in_first"] == 1.0
    assert row["objects_iou"] == pytest.approx(6 / 16)
    assert row["share_of_first"] == pytest.approx(6 / 13)
    assert row["share_of_second"] == pytest.approx(6 / 9)
    near, far = 0.5, np.hypot(8.5 - 3, 8.5 - 2) * 0.5
    assert row["nearest_first_um"] == pytest.approx((near + far) / 2)
    assert row["nearest_second_um"] == pytest.approx(near)


def test_objects_outside_the_region_do_not_count():
    first = np.zeros((10, 10), int)
    first[1:3, 1:3], first[7:9, 7:9] = 1, 2
    region = np.zeros((10, 10), bool)
    region[:5] = True
    row = colocalisation.compare_objects(first, first, region, (1.0, 1.0), draws=5, seed=0)
    assert row["objects_first"] == 1


def test_nothing_to_compare_gives_empty_values_and_no_error():
    nothing = np.zeros((6, 6), int)
    row = colocalisation.compare_objects(nothing, nothing, nothing > 0, (1.0, 1.0), draws=5, seed=0)
    assert row["objects_first"] == 0
    assert np.isnan(row["first_in_second"])
    assert np.isnan(row["nearest_first_um"])
    channels, chance = colocalisation.compare_channels(
        RNG.random((6, 6)),
        RNG.random((6, 6)),
        nothing > 0,
        (1.0, 1.0),
        psf_um=1.0,
        background_percent=1.0,
        draws=5,
        seed=0,
    )
    assert channels["voxels"] == 0
    assert np.isnan(channels["pearson"])
    assert np.isnan(chance.p_value)


def test_an_image_gives_exactly_the_declared_columns():
    pixels = np.stack([RNG.random((3, 20, 20)), RNG.random((3, 20, 20))], axis=1)
    movie = Image(pixels, "TCYX", (1.0, 1.0), "m", ("a", "b"), 5.0)
    labels = movie.with_array(np.ones((3, 20, 20), np.uint32))
    question = {"channels": ["b", "a"], "psf_um": 2.0, "draws": 9}
    found = list(colocalisation.compare(movie, [labels, labels], question))
    declared = [f.name for f in features_of("colocalisation") if f.of == "image"]
    assert [comparison.row["frame"] for comparison in found] == [0, 1, 2]
    assert sorted(found[0].row) == sorted(["image", "frame", *declared])
    np.testing.assert_array_equal(found[1].channels[0], pixels[1, 1])


def test_a_threshold_that_separates_nothing_is_told():
    fine = {"image": "a", "frame": 0, "present_first": 0.2, "present_second": 0.3}
    assert colocalisation.doubts([fine]) == []
    for value in (0.99, np.nan):
        (sentence,) = colocalisation.doubts([fine, fine | {"image": "b", "present_second": value}])
        assert "b (frame 0)" in sentence
        assert "a (frame 0)" not in sentence


@pytest.mark.parametrize("shape", [(24, 30), (5, 12, 14)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_objects_are_compared_one_by_one(shape, dtype):
    rng = np.random.default_rng(8)
    labels = rng.integers(0, 4, shape) * 30_000
    a, b = (rng.random((2, *shape)) * 200).astype(dtype)
    found = measure(Objects(labels, (1.0,) * len(shape), {"a": a, "b": b, "c": a}))
    assert list(found)[:2] == ["pearson_a_b", "overlap_coefficient_a_b"]
    assert len(found) == 15
    np.testing.assert_allclose(found["pearson_a_c"], 1)
    low_a, low_b = (np.percentile(channel, 1.0) for channel in (a, b))
    for row, label in enumerate((30_000, 60_000, 90_000)):
        here = a[labels == label].astype(float), b[labels == label].astype(float)
        assert found["pearson_a_b"][row] == pytest.approx(np.corrcoef(*here)[0, 1])
        assert found["correlation_quotient_a_b"][row] == pytest.approx(
            colocalisation.correlation_quotient(*here)
        )
        above = [np.maximum(v - low, 0) for v, low in zip(here, (low_a, low_b), strict=True)]
        assert found["overlap_coefficient_a_b"][row] == pytest.approx(
            colocalisation.overlap_coefficient(*above)
        )
    inside = labels > 0
    thresholds = colocalisation.costes_thresholds(a[inside] - low_a, a[inside] - low_a)
    expected = [
        colocalisation.manders(*[a[labels == label] - low_a] * 2, thresholds)[0]
        for label in (30_000, 60_000, 90_000)
    ]
    np.testing.assert_allclose(found["manders_m1_a_c"], expected)


def test_one_channel_has_nothing_to_go_with():
    assert measure(Objects(np.ones((3, 3), int), (1.0, 1.0), {"a": np.ones((3, 3))})) == {}


@pytest.mark.parametrize("labels", [np.zeros((4, 4), int), np.eye(4, dtype=int)])
def test_odd_objects_have_values_or_nan(labels):
    found = measure(Objects(labels, (1.0, 1.0), {"a": np.ones((4, 4)), "b": np.ones((4, 4))}))
    assert {len(values) for values in found.values()} == {int(labels.max())}
    assert np.isnan(found["pearson_a_b"]).all()
    assert not any(np.isinf(values).any() for values in found.values())


@settings(deadline=None, max_examples=30)
@given(
    gain=st.floats(0.1, 50),
    offset=st.floats(-100, 1000),
    seed=st.integers(0, 1000),
)
def test_pearson_knows_neither_gain_nor_offset(gain, offset, seed):
    a, b = np.random.default_rng(seed).random((2, 100))
    assert colocalisation.pearson(gain * a + offset, b) == pytest.approx(
        colocalisation.pearson(a, b), abs=1e-6
    )
