"""Maps, clusterings and predictions: are they right, stable, and honest about what they are?"""

import warnings

import numpy as np
import pytest
from bioagree.statistics.learning import pca, prepare, umap
from bioagree.statistics.partitions import composition, hdbscan, kmeans
from bioagree.statistics.prediction import _auc, predict
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_auc_score

NAMES = ("area", "length", "brightness")


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", FutureWarning)
        yield


def blobs(per_image=12, images=10, gap=8.0, seed=0):
    """Return values, image and true cluster of objects, half of each image in either cluster."""
    random = np.random.default_rng(seed)
    truth = np.tile(np.arange(per_image * images) % 2, 1)
    values = random.normal(size=(truth.size, 3)) + gap * truth[:, np.newaxis]
    return values, np.repeat(np.arange(images), per_image), truth


def table(images=12, per_image=20, effect=1.0, seed=0):
    """Return features, groups, images and sessions; the first feature differs by group."""
    random = np.random.default_rng(seed)
    n = images * per_image
    groups = random.integers(2, size=n)
    values = random.normal(size=(n, 3))
    values[:, 0] += effect * groups
    image = np.repeat(np.arange(images), per_image)
    return values, np.array(["without", "with"])[groups], image, image // 3


def score(result, name, column="estimate"):
    return result.scores[column][result.scores["score"] == name][0]


@pytest.fixture(scope="module")
def result():
    """Predictions on new images and on new sessions."""
    values, groups, images, sessions = table()
    return predict(values, NAMES, groups, images, blocks=sessions, seed=0, trees=60)


class TestPrepare:
    def test_median_and_absolute_deviation_become_zero_and_one(self):
        values = np.random.default_rng(0).normal([5, -2, 0], [3, 0.1, 1e6], (501, 3))
        prepared = prepare(values, NAMES)
        np.testing.assert_allclose(np.median(prepared.values, axis=0), 0, atol=1e-12)
        deviations = np.median(np.abs(prepared.values), axis=0)
        np.testing.assert_allclose(1.4826 * deviations, 1)
        np.testing.assert_allclose(prepared.values * prepared.scale + prepared.centre, values)

    def test_what_is_dropped_is_named_and_counted(self):
        values = np.arange(40.0).reshape(10, 4) ** 1.5
        values[:, 1] = 7
        values[:6, 2] = np.nan
        values[3, 0] = np.nan
        values[4, 3] = np.inf
        prepared = prepare(values, [*NAMES, "depth"])
        assert prepared.names == ("area", "depth")
        assert prepared.constant == ("length",)
        assert prepared.mostly_missing == ("brightness",)
        assert (prepared.n, prepared.missing) == (8, 2)
        assert prepared.rows.tolist() == [0, 1, 2, 5, 6, 7, 8, 9]
        for part in (
            "1 infinite",
            "missing: brightness",
            "equal: length",
            "2 objects were dropped",
        ):
            assert part in prepared.note

    def test_a_feature_that_is_mostly_equal_is_kept(self):
        values = np.column_stack([[0, 0, 0, 0, 1, 5], np.arange(6)])
        assert prepare(values, ["holes", "area"]).names == ("holes", "area")

    def test_rounding_is_no_variation(self):
        values = np.array([[0.1 + 0.2], [0.3], [0.3]])
        assert prepare(values, ["area"]).constant == ("area",)

    @pytest.mark.parametrize("n", [0, 1, 2])
    def test_hardly_any_object_is_no_error(self, n):
        prepared = prepare(np.arange(3.0 * n).reshape(n, 3), NAMES)
        assert prepared.n == n
        assert prepared.note or n == 2

    def test_shapes_must_fit(self):
        with pytest.raises(ValueError, match="names 2"):
            prepare(np.zeros((3, 3)), NAMES[:2])
        with pytest.raises(ValueError, match="two-dimensional"):
            prepare(np.zeros(3), NAMES)


class TestPrincipalComponents:
    def test_equal_scikit_learns_but_for_the_sign(self):
        values = np.random.default_rng(0).normal(size=(60, 5)) @ np.diag([5, 3, 2, 1, 0.5])
        result, expected = pca(values, "abcde", 3), PCA(3).fit(values)
        np.testing.assert_allclose(result.variance, expected.explained_variance_)
        np.testing.assert_allclose(result.share, expected.explained_variance_ratio_)
        np.testing.assert_allclose(np.abs(result.loadings.T), np.abs(expected.components_))
        np.testing.assert_allclose(np.abs(result.scores), np.abs(expected.transform(values)))

    def test_the_largest_weight_is_positive_whatever_the_signs_given(self):
        values = np.random.default_rng(0).normal(size=(60, 4))
        for given_values in (values, -values):
            loadings = pca(given_values, "abcd", 4).loadings
            assert (loadings[np.abs(loadings).argmax(axis=0), range(4)] > 0).all()
        np.testing.assert_allclose(
            pca(values, "abcd", 4).loadings, pca(-values, "abcd", 4).loadings
        )

    @pytest.mark.parametrize("n", [0, 1, 2])
    def test_few_objects_have_few_components_and_a_note(self, n):
        result = pca(np.arange(3.0 * n).reshape(n, 3), NAMES, 2)
        assert result.scores.shape == (n, max(0, n - 1))
        assert f"{n} objects" in result.note

    def test_equal_objects_are_said_so(self):
        result = pca(np.ones((5, 3)), NAMES, 2)
        assert np.isnan(result.share).all()
        assert "equal" in result.note

    def test_missing_values_are_refused(self):
        with pytest.raises(ValueError, match="prepare them first"):
            pca([[1, np.nan], [2, 3]], "ab")


class TestUmap:
    @pytest.mark.parametrize(("n", "why"), [(14, "fewest"), (20, "equal")])
    def test_no_map_where_there_is_nothing_to_see(self, n, why):
        result = umap(np.ones((n, 3)), seed=0)
        assert np.isnan(result.places).all()
        assert why in result.note

    @pytest.mark.slow
    def test_separate_groups_are_apart_and_a_seed_repeats(self):
        values, _, truth = blobs()
        first, again = umap(values, seed=3), umap(values, seed=3)
        np.testing.assert_array_equal(first.places, again.places)
        apart = np.linalg.norm(np.diff([first.places[truth == k].mean(0) for k in (0, 1)], axis=0))
        assert apart > 2 * first.places[truth == 0].std(axis=0).max()
        assert umap(values[:15], seed=0).places.shape == (15, 2)


class TestPartitions:
    @pytest.mark.parametrize("find", [kmeans, hdbscan])
    def test_separate_clusters_are_found_and_stable(self, find):
        values, images, truth = blobs()
        result = find(values, images, 0, draws=20)
        assert result.k == 2
        inside = result.labels >= 0
        assert inside.mean() > 0.8
        # numbered by size; here equal, so that either order is right
        agreement = np.mean(result.labels[inside] == truth[inside])
        assert agreement in (0, 1)
        assert result.stability > 0.8
        assert result.stability_low <= result.stability <= result.stability_high <= 1
        assert (result.n, result.images, result.draws) == (120, 10, 20)

    def test_every_number_of_clusters_is_reported_and_the_best_taken(self):
        values, images, _ = blobs()
        choices = kmeans(values, images, 0, draws=2).choices
        assert choices["k"].tolist() == [2, 3, 4, 5, 6, 7, 8]
        assert choices["silhouette"].argmax() == 0

    def test_one_cloud_is_no_stable_clustering(self):
        values, images, _ = blobs(gap=0.0)
        assert kmeans(values, images, 0, draws=30).stability < 0.8
        dense = hdbscan(values, images, 0, fewest=30, draws=5)
        assert dense.k < 2
        assert np.isnan(dense.stability)
        assert "no separate clusters" in dense.note

    def test_whole_images_are_drawn_and_not_objects(self):
        """Each image is a cluster: what leaves an image out never finds its cluster."""
        values, images, _ = blobs(images=3, gap=0.0)
        values += 30 * np.eye(3)[images]
        by_image = kmeans(values, images, 0, draws=30)
        by_object = kmeans(values, np.arange(len(values)), 0, draws=30)
        assert by_image.k == by_object.k == 3
        assert by_object.stability == 1
        assert by_image.stability < 0.8

    @pytest.mark.parametrize("find", [kmeans, hdbscan])
    def test_one_image_has_clusters_but_no_stability(self, find):
        values, _, _ = blobs()
        result = find(values, np.zeros(len(values)), 0)
        assert result.k == 2
        assert np.isnan(result.stability)
        assert "two images" in result.note

    @pytest.mark.parametrize("find", [kmeans, hdbscan])
    @pytest.mark.parametrize("values", [np.zeros((0, 3)), np.ones((1, 3)), np.ones((2, 3))])
    def test_nothing_to_divide_is_said(self, find, values):
        result = find(values, np.arange(len(values)), 0)
        assert result.k == 0
        assert result.note

    def test_equal_objects_are_not_divided(self):
        assert "distinct" in kmeans(np.ones((50, 3)), np.arange(50) // 5, 0).note

    def test_a_seed_repeats(self):
        values, images, _ = blobs(gap=1.0)
        one, two = (kmeans(values, images, 5, draws=5) for _ in range(2))
        np.testing.assert_array_equal(one.labels, two.labels)
        assert one.stability == two.stability

    def test_a_cluster_of_one_session_is_called_so(self):
        labels = np.array([0] * 10 + [1] * 10 + [-1] * 2)
        sessions = np.array(["a"] * 9 + ["b"] + ["a"] * 3 + ["b"] * 7 + ["b"] * 2)
        rows = composition(labels, ["g"] * 22, sessions, np.arange(22))
        noted = rows["note"] != ""
        assert noted.sum() == 1
        assert (rows["cluster"][noted], rows["kind"][noted], rows["origin"][noted]) == (
            0,
            "block",
            "a",
        )
        assert "90% of this cluster come from one block" in rows["note"][noted][0]
        for cluster in (0, 1):
            for kind in ("group", "block", "image"):
                here = (rows["cluster"] == cluster) & (rows["kind"] == kind)
                assert rows["share"][here].sum() == pytest.approx(1)
                assert rows["n"][here].sum() == 10

    def test_a_study_of_one_session_has_no_session_effect(self):
        rows = composition([0] * 10, ["g"] * 10, ["a"] * 10, np.arange(10))
        assert not (rows["note"] != "").any()


class TestPrediction:
    def test_scores_are_scikit_learns_on_the_same_probabilities(self, result):
        _, groups, _, _ = table()
        for one in result:
            truth = (groups == one.classes[1]).astype(int)
            chance = one.probabilities[:, 1]
            hard = one.probabilities.argmax(axis=1)
            assert score(one, "accuracy") == pytest.approx(np.mean(hard == truth))
            assert score(one, "balanced_accuracy") == pytest.approx(
                balanced_accuracy_score(truth, hard)
            )
            assert score(one, "brier") == pytest.approx(brier_score_loss(truth, chance))
            folds = [one.fold == number for number in range(one.folds)]
            pairs = [truth[f].sum() * (1 - truth[f]).sum() for f in folds]
            areas = [roc_auc_score(truth[f], chance[f]) for f in folds]
            assert score(one, "auc") == pytest.approx(np.average(areas, weights=pairs))
            assert one.confusion.sum(axis=1).tolist() == list(one.counts)
            assert np.trace(one.confusion) == np.count_nonzero(hard == truth)

    def test_no_image_and_no_session_is_in_two_folds(self, result):
        _, _, images, sessions = table()
        assert [one.left_out for one in result] == ["images", "blocks"]
        for one, units in zip(result, (images, sessions), strict=True):
            for unit in np.unique(units):
                assert len(np.unique(one.fold[units == unit])) == 1
        assert result[1].folds == len(np.unique(sessions))

    def test_the_feature_that_differs_is_the_important_one(self, result):
        for one in result:
            assert one.importance["feature"][0] == "area"
            assert one.importance["mean"][0] > 0.1 > one.importance["mean"][1]
            np.testing.assert_allclose(one.fold_importance.mean(axis=1), one.importance["mean"])
            assert score(one, "gain", "low") > 0

    def test_calibration_covers_every_object_once_per_group(self, result):
        for one in result:
            for group in one.classes:
                here = one.calibration["group"] == group
                assert one.calibration["n"][here].sum() == one.n
                share = np.average(
                    one.calibration["observed"][here], weights=one.calibration["n"][here]
                )
                assert share == pytest.approx(one.counts[one.classes.index(group)] / one.n)

    def test_groups_at_random_are_not_predicted(self):
        areas = []
        for seed in range(4):
            values, groups, images, _ = table(effect=0.0, seed=seed)
            (one,) = predict(values, NAMES, groups, images, seed=0, trees=20)
            areas.append(score(one, "auc"))
        assert 0.42 < np.mean(areas) < 0.58

    def test_a_label_of_the_image_does_not_help_on_new_images(self):
        """Each image has its own brightness and one group mostly: only a leak would gain."""
        random = np.random.default_rng(0)
        image = np.repeat(np.arange(20), 15)
        mostly = random.permutation(np.arange(20) % 2)[image]
        groups = np.where(random.uniform(size=300) < 0.9, mostly, 1 - mostly).astype(str)
        values = random.normal(size=(20, 1))[image] + 0.01 * random.normal(size=(300, 1))
        (one,) = predict(values, ["brightness"], groups, image, seed=0, trees=60)
        leak = predict(values, ["brightness"], groups, np.arange(300), seed=0, trees=60)[0]
        assert score(leak, "accuracy") > 0.8
        assert score(one, "accuracy") < 0.75

    def test_missing_values_are_replaced_within_the_folds_and_counted(self):
        values, groups, images, _ = table()
        values[:5, 1] = np.nan
        values[7, 2] = np.inf
        values[9] = np.nan
        groups = groups.astype(object)
        groups[3] = None
        (one,) = predict(values, NAMES, groups, images, seed=0, trees=20)
        assert (one.n, one.missing, one.imputed) == (238, 2, 5)
        assert np.isnan(one.probabilities[[3, 9]]).all()
        assert one.fold[[3, 9]].tolist() == [-1, -1]
        assert np.isfinite(np.delete(one.probabilities, [3, 9], axis=0)).all()

    def test_three_groups_have_one_score_each(self):
        random = np.random.default_rng(0)
        truth = random.integers(3, size=240)
        values = random.normal(size=(240, 2)) + 2 * np.eye(3)[truth][:, :2]
        images = np.repeat(np.arange(12), 20)
        (one,) = predict(values, "ab", np.array(list("xyz"))[truth], images, seed=0, trees=40)
        hot = np.eye(3)[truth]
        squares = ((one.probabilities - hot) ** 2).sum(axis=1).mean()
        assert score(one, "brier") == pytest.approx(squares)
        assert one.confusion.shape == (3, 3)
        assert score(one, "auc") > 0.8

    @pytest.mark.parametrize(
        ("groups", "images", "why"),
        [
            (["a"] * 40, np.arange(40) // 4, "one group"),
            (["a"] * 36 + ["b"] * 4, np.arange(40) // 4, "Group b occurs in one image only"),
            ([""] * 40, np.arange(40) // 4, "no group"),
            (["a", "b"] * 20, np.zeros(40), "occurs in one image only"),
        ],
    )
    def test_what_cannot_be_predicted_is_said(self, groups, images, why):
        values = np.random.default_rng(0).normal(size=(40, 3))
        for one in predict(values, NAMES, groups, images, blocks=np.zeros(40), seed=0, trees=5):
            assert one.folds == 0
            assert np.isnan(one.scores["estimate"]).all()
            assert all(one.scores["note"])
        first = predict(values, NAMES, groups, images, seed=0, trees=5)[0]
        assert why in first.note

    def test_no_object_at_all_is_no_error(self):
        (one,) = predict(np.zeros((0, 3)), NAMES, [], [], seed=0)
        assert (one.n, one.folds) == (0, 0)
        assert one.note

    def test_fewer_folds_where_a_group_is_rare(self):
        values, groups, images, _ = table()
        groups[images > 2] = "with"
        (one,) = predict(values, NAMES, groups, images, seed=0, trees=10)
        assert one.folds == 3
        assert "3 folds instead of 5" in one.note

    def test_few_images_are_said_to_be_few(self):
        values, groups, images, _ = table(images=3)
        (one,) = predict(values, NAMES, groups, images, seed=0, trees=10)
        assert all("too few" in note for note in one.scores["note"])

    def test_a_seed_repeats_and_constant_features_are_worthless(self):
        values, groups, images, _ = table()
        values[:, 2] = 4
        one, two = (predict(values, NAMES, groups, images, seed=1, trees=10)[0] for _ in range(2))
        np.testing.assert_array_equal(one.probabilities, two.probabilities)
        np.testing.assert_array_equal(one.importance["mean"], two.importance["mean"])
        assert one.importance["mean"][one.importance["feature"] == "brightness"] == 0

    def test_stand_ins_are_named(self):
        values, groups, images, _ = table()
        values[:, 1] = values[:, 0] ** 3
        (one,) = predict(values, NAMES, groups, images, seed=0, trees=10)
        others = dict(
            zip(one.importance["feature"], one.importance["correlated_with"], strict=True)
        )
        assert others == {"area": "length", "length": "area", "brightness": ""}
        assert "stand in for each other" in one.note

    def test_wrong_shapes_and_settings_are_refused(self):
        values, groups, images, _ = table()
        with pytest.raises(ValueError, match="holds 240 objects and groups 3"):
            predict(values, NAMES, groups[:3], images, seed=0)
        with pytest.raises(ValueError, match="folds must be at least 2"):
            predict(values, NAMES, groups, images, seed=0, folds=1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_the_auc_by_object_averages_to_that_of_all_pairs(pairs):
    chance = np.array([value / 5 for value, _ in pairs])
    hot = np.eye(2)[[int(group) for _, group in pairs]]
    parts = _auc(np.column_stack([1 - chance, chance]), hot, np.zeros(len(pairs), int))
    if 0 < hot[:, 1].sum() < len(pairs):
        assert np.mean(parts) == pytest.approx(roc_auc_score(hot[:, 1], chance))
    else:
        assert np.isnan(parts).all()
