"""Means and slopes over objects that share images."""

import math

import numpy as np
import pytest
from bioagree.statistics.clusters import (
    FEWEST_CLUSTERS,
    cluster_mean,
    cluster_means,
    encode,
    robust_slope,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

quick = settings(max_examples=60, deadline=None)
SIZES = np.array([3, 7, 12, 5, 2])


@pytest.fixture
def unequal():
    """Values of 29 objects in five images of unequal size, and their images."""
    random = np.random.default_rng(3)
    images = np.repeat(np.arange(5), SIZES)
    return random.normal(2, 1, 29) + random.normal(0, 1, 5)[images], images


def matrices(x, y, images):
    """Estimate, CR2 error and Satterthwaite's freedom of the last coefficient, from the matrices of
    Bell & McCaffrey as they are printed."""
    n, total = len(y), images.max() + 1
    inverse = np.linalg.inv(x.T @ x)
    annihilator = np.eye(n) - x @ inverse @ x.T
    residuals = annihilator @ y
    pick = np.eye(x.shape[1])[-1]
    variance, vectors = 0, np.zeros((total, n))
    for image in range(total):
        own = images == image
        values, axes = np.linalg.eigh(annihilator[np.ix_(own, own)])
        adjusted = (axes / np.sqrt(values)) @ axes.T @ x[own] @ inverse @ pick
        variance += (adjusted @ residuals[own]) ** 2
        vectors[image] = annihilator[:, own] @ adjusted
    products = vectors @ vectors.T
    estimate = (inverse @ x.T @ y)[-1]
    return estimate, math.sqrt(variance), np.trace(products) ** 2 / (products**2).sum()


# -- mean ------------------------------------------------------------------------------------------


def test_mean_has_the_cr2_error_and_satterthwaite_freedom(unequal):
    values, images = unequal
    result = cluster_mean(values, images)
    expected = matrices(np.ones((29, 1)), values, images)
    assert (result.mean, result.error, result.freedom) == pytest.approx(expected)
    half = stats.t.ppf(0.975, expected[2]) * expected[1]
    assert (result.low, result.high) == pytest.approx((result.mean - half, result.mean + half))
    assert result.p == pytest.approx(2 * stats.t.sf(abs(result.mean) / result.error, expected[2]))
    assert (result.n, result.clusters, result.missing, result.note) == (29, 5, 0, "")


def test_images_of_one_size_give_what_statsmodels_gives():
    from statsmodels.api import OLS

    random = np.random.default_rng(1)
    images = np.repeat(np.arange(8), 6)
    values = random.normal(1, 1, 48) + random.normal(0, 1, 8)[images]
    fit = OLS(values, np.ones(48)).fit(cov_type="cluster", cov_kwds={"groups": images}, use_t=True)
    result = cluster_mean(values, images)
    assert result.freedom == pytest.approx(7)
    assert (result.error, result.p) == pytest.approx((fit.bse[0], fit.pvalues[0]))
    assert (result.low, result.high) == pytest.approx(tuple(fit.conf_int()[0]))


def test_objects_that_are_their_own_clusters_give_students_t():
    values = np.random.default_rng(2).normal(1, 1, 12)
    result = cluster_mean(values, np.arange(12), confidence=0.9)
    expected = stats.ttest_1samp(values, 0)
    assert (result.p, result.freedom) == pytest.approx((expected.pvalue, 11))
    assert (result.low, result.high) == pytest.approx(tuple(expected.confidence_interval(0.9)))


@pytest.mark.parametrize("spread", [0, 1])
def test_interval_covers_the_mean_of_images_of_equal_and_of_unequal_size(spread):
    random = np.random.default_rng(5)
    covered = []
    for _ in range(40):
        sizes = np.ceil(20 * np.exp(spread * random.normal(0, 1, 6))).astype(int)
        images = np.repeat(np.arange(6), sizes)
        between = random.normal(0, math.sqrt(0.2), (6, 100))[images]
        values = between + random.normal(0, math.sqrt(0.8), (images.size, 100))
        result = cluster_means(values, images)
        covered.append((result["low"] <= 0) & (result["high"] >= 0))
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_many_columns_equal_one_column_at_a_time(unequal):
    values, images = unequal
    table = np.stack([values, values**2, np.where(values > 2, np.nan, values)], axis=1)
    columns = cluster_means(table, images, confidence=0.8)
    for i, column in enumerate(table.T):
        alone = cluster_mean(column, images, confidence=0.8)
        for name in alone.__dataclass_fields__:
            assert columns[name][i] == getattr(alone, name)
    assert columns["missing"].tolist() == [0, 0, (values > 2).sum()]


@quick
@given(st.lists(st.integers(-800, 800), min_size=4, max_size=20), st.integers(-80, 80))
def test_shift_and_sign_move_the_interval_as_algebra_says(numbers, shift):
    values, images = np.array(numbers) / 8, np.arange(len(numbers)) % 3
    result = cluster_mean(values, images)
    moved = cluster_mean(-values + shift, images)
    assert (moved.low, moved.high) == pytest.approx((shift - result.high, shift - result.low))
    assert moved.error == pytest.approx(result.error)
    assert moved.freedom == pytest.approx(result.freedom)


# -- slope -----------------------------------------------------------------------------------------


def test_slope_has_the_cr2_error_and_satterthwaite_freedom(unequal):
    y, images = unequal
    x = np.random.default_rng(7).normal(size=29) + images / 3
    x, y = x - x.mean(), y - y.mean()
    sums = [np.bincount(images, values) for values in (np.ones(29), x, x * x, y, x * y)]
    expected = matrices(np.stack([np.ones(29), x], axis=1), y, images)
    assert [float(value) for value in robust_slope(*sums)] == pytest.approx(expected)


@pytest.mark.filterwarnings("error")
def test_slope_within_a_single_image_has_no_error():
    x = np.array([0.0, 0, 0, 0, -1, 1])
    images = np.array([0, 0, 1, 1, 2, 2])
    y = np.array([1.0, -1, 0, 0, -2, 2])
    sums = [np.bincount(images, values) for values in (np.ones(6), x, x * x, y, x * y)]
    slope, error, freedom = robust_slope(*sums)
    assert slope == 2
    assert np.isnan([error, freedom]).all()


# -- what cannot be computed -----------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("values", "images", "mean", "note"),
    [
        ([], [], math.nan, "There is no value"),
        ([math.nan], [1], math.nan, "There is no value"),
        ([3.0], [1], 3, "fewer than two clusters there is no interval and no test"),
        ([3.0, 5.0], [1, 1], 4, "fewer than two clusters there is no interval and no test"),
    ],
)
def test_without_two_images_there_is_no_interval(values, images, mean, note):
    result = cluster_mean(values, images)
    assert result.mean == pytest.approx(mean, nan_ok=True)
    assert np.isnan([result.low, result.high, result.error, result.freedom, result.p]).all()
    assert note in result.note


@pytest.mark.filterwarnings("error")
def test_few_images_are_flagged():
    values = np.arange(10.0)
    few, enough = (cluster_mean(values, np.arange(10) % k) for k in (4, FEWEST_CLUSTERS))
    assert "rests on 4 clusters only" in few.note
    assert enough.note == ""
    assert math.isfinite(few.low)


@pytest.mark.filterwarnings("error")
def test_constant_values_have_an_interval_of_no_width_and_no_test():
    result = cluster_mean([0.1 + 0.2] * 9 + [0.3], np.arange(10) // 2)
    assert result.low == result.high == result.mean == pytest.approx(0.3)
    assert math.isnan(result.p)
    assert "no test" in result.note


def test_infinite_values_are_refused_for_one_column_and_left_out_of_many():
    with pytest.raises(ValueError, match=r"values\[1\] is inf: give finite values"):
        cluster_mean([1, math.inf], [1, 2])
    columns = cluster_means([[1, 2], [math.inf, 3], [3, 4]], [1, 2, 3])
    assert columns["n"].tolist() == [2, 3]
    assert columns["infinite"].tolist() == columns["missing"].tolist() == [1, 0]
    assert "Infinite values were left out." in columns["note"][0]
    assert "Infinite" not in columns["note"][1]


@pytest.mark.parametrize(
    ("values", "images", "message"),
    [
        ([1, 2], [1], "values holds 2 objects and clusters 1"),
        ([[1]], [1], "values must be one-dimensional"),
        ([1, 2], [[1, 2]], "clusters must be one-dimensional"),
        ([1, 2], [1, math.nan], r"clusters\[1\] is missing"),
        ([1, 2], np.array(["a", None], dtype=object), r"clusters\[1\] is missing"),
    ],
)
def test_unusable_input_is_refused_in_one_sentence(values, images, message):
    with pytest.raises(ValueError, match=message) as caught:
        cluster_mean(values, images)
    assert str(caught.value).count(". ") == 0


def test_labels_of_any_kind_become_numbers():
    codes, n = encode(np.array(["b", "a", "b"], dtype=object))
    assert (codes.tolist(), n) == ([1, 0, 1], 2)
    assert encode([])[1] == 0


@pytest.mark.filterwarnings("error")
def test_no_features_give_empty_columns():
    assert all(len(column) == 0 for column in cluster_means(np.empty((3, 0)), [1, 2, 3]).values())
