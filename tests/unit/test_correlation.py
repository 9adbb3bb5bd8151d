"""What correlation matrices of features must get right."""

import math
import warnings

import numpy as np
import pandas
import pytest
from bioagree.statistics.correlation import (
    cluster_order,
    correlations,
    difference,
    redundant_groups,
    represented_by,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

NAMES = ["area", "diameter", "hull", "brightness", "contrast", "noise"]


def nuclei(seed=0, images=10, objects=30):
    """Two families of features that say the same, and one of its own."""
    random = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(images), objects)
    size, light, other = random.normal(size=(3, clusters.size))
    values = np.column_stack([size, size**3, size, light, -light, other])
    values += 0.1 * random.normal(size=values.shape)
    return values + random.normal(0, 2, (images, 1))[clusters], clusters


def test_pooled_matrices_are_those_of_pandas_with_missing_values():
    values, clusters = nuclei()
    values[np.random.default_rng(1).random(values.shape) < 0.1] = np.nan
    found = correlations(values, clusters)
    frame = pandas.DataFrame(values)
    np.testing.assert_allclose(found.pearson, frame.corr(), atol=1e-12)
    np.testing.assert_allclose(found.spearman, frame.corr("spearman"), atol=1e-12)
    known = ~np.isnan(values)
    assert found.n[0, 1] == (known[:, 0] & known[:, 1]).sum()
    assert found.missing.tolist() == (~known).sum(axis=0).tolist()


def test_within_images_is_the_correlation_of_what_is_left_after_the_image_mean():
    values, clusters = nuclei()
    some = (clusters < 3) | (np.arange(300) % 5 == 0)  # images of 30 objects, and of 6
    values, clusters = values[some], clusters[some]
    found = correlations(values, clusters)
    frame = pandas.DataFrame(values)
    centred = frame - frame.groupby(clusters).transform("mean")
    np.testing.assert_allclose(found.pearson_within, centred.corr(), atol=1e-12)
    ranked = frame.groupby(clusters).rank(pct=True)
    ranked = ranked - ranked.groupby(clusters).transform("mean")
    np.testing.assert_allclose(found.spearman_within, ranked.corr(), atol=1e-12)


def test_ties_share_their_mean_rank():
    values = np.array([[1, 2], [1, 2], [2, 1], [3, 5], [3, 4.0]])
    found = correlations(values, np.zeros(5))
    assert found.spearman[0, 1] == pytest.approx(stats.spearmanr(*values.T).statistic)


def test_what_differs_between_images_counts_in_pooled_correlations_only():
    random = np.random.default_rng(2)
    clusters = np.repeat(np.arange(20), 50)
    values = random.normal(size=(1000, 2)) + random.normal(0, 3, (20, 1))[clusters]
    found = correlations(values, clusters)
    assert found.pearson[0, 1] > 0.8
    assert found.spearman[0, 1] > 0.8
    assert abs(found.pearson_within[0, 1]) < 0.1
    assert abs(found.spearman_within[0, 1]) < 0.1


def test_order_and_groups_bring_together_what_says_the_same():
    values, clusters = nuclei()
    found = correlations(values, clusters)
    order = cluster_order(found.spearman_within)
    place = {NAMES[feature]: i for i, feature in enumerate(order)}
    for family in (["area", "diameter", "hull"], ["brightness", "contrast"]):
        places = sorted(place[name] for name in family)
        assert places[-1] - places[0] == len(family) - 1
    groups = redundant_groups(found.spearman_within, NAMES)
    assert {group.members for group in groups} == {
        ("area", "diameter", "hull"),
        ("brightness", "contrast"),
    }
    for group in groups:
        assert group.name in group.members
        assert group.least > 0.85
    stands = represented_by(groups)
    assert stands["contrast"] == stands["brightness"]
    assert "noise" not in stands


def test_the_medoid_stands_for_its_group():
    matrix = np.array([[1, 0.99, 0.9], [0.99, 1, 0.98], [0.9, 0.98, 1.0]])
    (group,) = redundant_groups(matrix, ["a", "b", "c"])
    assert group.name == "b"
    assert group.least == pytest.approx(0.9)


def test_order_is_the_same_whatever_order_features_come_in():
    values, clusters = nuclei()
    matrix = correlations(values, clusters).pearson_within
    turned = np.array([4, 2, 0, 5, 1, 3])
    first = [NAMES[i] for i in cluster_order(matrix)]
    second = [NAMES[turned[i]] for i in cluster_order(matrix[np.ix_(turned, turned)])]
    assert second in (first, first[::-1])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(-1e6, 1e6), st.floats(0.01, 100))
def test_shifting_and_scaling_change_nothing_but_the_sign(seed, shift, scale):
    values, clusters = nuclei(seed, images=4, objects=8)
    plain = correlations(values, clusters)
    moved = correlations(shift + scale * values, clusters)
    turned = correlations(values * [-1, 1, 1, 1, 1, 1], clusters)
    for name in ("pearson", "spearman", "pearson_within", "spearman_within"):
        matrix = getattr(plain, name)
        np.testing.assert_allclose(getattr(moved, name), matrix, atol=1e-6)
        np.testing.assert_allclose(getattr(turned, name)[0, 1:], -matrix[0, 1:], atol=1e-12)
        assert np.abs(matrix).max() <= 1
        np.testing.assert_allclose(matrix, matrix.T)


def test_constant_and_missing_features_are_nan_with_a_note():
    values, clusters = nuclei()
    values[:, 1], values[:, 2], values[5, 3] = 0.1 + 0.2, np.nan, np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = correlations(values, clusters)
        order = cluster_order(found.pearson_within)
        groups = redundant_groups(found.pearson_within, NAMES)
    assert np.isnan(found.pearson[1]).all()
    assert np.isnan(found.spearman_within[2]).all()
    assert found.note == "2 features are constant or missing; their correlations are NaN."
    assert found.missing.tolist() == [0, 0, 300, 1, 0, 0]
    assert sorted(order[-2:]) == [1, 2]
    assert sorted(order) == list(range(6))
    assert [group.members for group in groups] == [("brightness", "contrast")]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_objects_do_not_crash(n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = correlations(np.arange(2.0 * n).reshape(n, 2), np.zeros(n))
        assert found.n[0, 1] == n
        assert math.isnan(found.pearson[0, 1]) == (n < 2)
        assert cluster_order(found.pearson).tolist() == [0, 1]
        gap = difference(np.ones((n, 2)), np.zeros(n), np.ones((n, 2)), np.zeros(n))
    assert gap.note == "Fewer than two shared clusters."


def test_difference_has_the_error_of_leaving_out_images():
    truth, clusters = nuclei(1)
    method = truth + np.random.default_rng(3).normal(0, 1, truth.shape) * [0, 0, 0, 0, 0, 3]
    method, other = method[:-30], clusters[:-30]  # the method lacks the last image
    found = difference(method, other, truth, clusters)
    assert found.clusters == 9

    def gap(kept):
        parts = [correlations(values[kept(c)], c[kept(c)]).pearson_within
                 for values, c in ((method, other), (truth[:-30], clusters[:-30]))]  # fmt: skip
        return parts[0] - parts[1]

    np.testing.assert_allclose(found.difference, gap(lambda c: c >= 0), atol=1e-9)
    without = np.array([gap(lambda c, i=i: c != i) for i in range(9)])
    error = np.sqrt(8 / 9 * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(found.error, error, atol=1e-9)


def test_a_method_that_breaks_a_correlation_is_named():
    truth, clusters = nuclei(1)
    method = truth.copy()
    method[:, 1] += np.random.default_rng(3).normal(0, 5, len(method))
    found = difference(method, clusters, truth, clusters)
    first = found.largest(NAMES, 2)
    assert {(row["first"], row["second"]) for row in first} == {
        ("area", "diameter"), ("diameter", "hull"),
    }  # fmt: skip
    assert all(row["exceeds_error"] and row["difference"] < 0 for row in first)
    rest = found.largest(NAMES, 99)[8:]
    assert not any(row["exceeds_error"] for row in rest)


def test_identical_measurements_do_not_differ():
    values, clusters = nuclei()
    found = difference(values, clusters, values, clusters)
    assert (found.difference == 0).all()
    assert (found.error == 0).all()
    assert not any(row["exceeds_error"] for row in found.largest(NAMES))


def test_wrong_shapes_and_thresholds_are_refused():
    with pytest.raises(ValueError, match="must have the shape"):
        correlations([1, 2], [0, 0])
    with pytest.raises(ValueError, match="threshold must lie between 0 and 1"):
        redundant_groups(np.eye(2), ["a", "b"], 1.0)


@pytest.mark.slow
def test_errors_of_differences_reject_five_percent_without_one():
    random = np.random.default_rng(0)
    p = []
    for _ in range(100):
        clusters = np.repeat(np.arange(15), 20)
        truth = random.normal(size=(300, 6)) + random.normal(size=(300, 1))
        noise = random.normal(size=(2, 300, 6))
        # both sides have the same population correlation
        found = difference(truth + noise[0], clusters, truth + noise[1], clusters)
        p.append(found.p[np.triu_indices(6, 1)])
    assert 0.03 < np.mean(np.concatenate(p) < 0.05) < 0.07
