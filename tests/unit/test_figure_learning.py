"""Are maps, clusterings and predictions drawn, also where there is nothing to draw?"""

import warnings

import numpy as np
import pytest
from bioagree.figures import canvas, learning
from bioagree.statistics.learning import Map, pca
from bioagree.statistics.partitions import hdbscan, kmeans
from bioagree.statistics.prediction import predict

N = 80
NAMES = ("area", "length", "brightness")
GROUPS = np.array(["with", "without"])[np.arange(N) % 2]
IMAGES = np.repeat(np.arange(8), 10)
SESSIONS = np.repeat(["day 1", "day 2"], 40)
VALUES = np.random.default_rng(0).normal(size=(N, 3)) + (SESSIONS == "day 2")[:, None] * 6
PLACES = Map(VALUES[:, :2], N, 15, 0, "")


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """Return a function that draws twice, checks that both are equal, and gives all words."""
    figures = []
    save = canvas.save

    def keep(figure, path, **options):
        figures.append(figure)
        save(figure, path, **options)

    monkeypatch.setattr(canvas, "save", keep)

    def run(function, *arguments):
        paths = [tmp_path / "a.svg", tmp_path / "b.svg"]
        for path in paths:
            function(path, *arguments)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        from matplotlib.text import Text

        texts = [text.get_text().replace("\n", " ") for text in figures[-1].findobj(Text)]
        return figures[-1], " | ".join(texts)

    return run


@pytest.fixture(scope="module")
def predicted():
    values = VALUES + (GROUPS == "with")[:, None] * np.array([2, 0, 0])
    return predict(values, NAMES, GROUPS, IMAGES, blocks=SESSIONS, seed=0, trees=10)


def test_maps_show_every_object_in_every_panel_and_count_the_groups(draw):
    figure, words = draw(learning.draw_maps, pca(VALUES, NAMES), PLACES, GROUPS, SESSIONS)
    for axes in figure.axes:
        assert len(axes.collections[0].get_offsets()) == N
    for part in ("with (n = 40)", "day 2 (n = 40)", "% of the variance", f"n = {N}"):
        assert part in words


def test_maps_that_are_not_there_are_replaced_by_the_reason(draw):
    few = Map(np.full((2, 2), np.nan), 2, 15, 0, "With 2 objects there is no map.")
    _, words = draw(learning.draw_maps, pca(VALUES[:2], NAMES), few, GROUPS[:2], SESSIONS[:2])
    assert "With 2 objects there is no map." in words
    assert "have 1 components, not 2" in words


def test_clusterings_show_stability_choice_and_sources(draw):
    found = [kmeans(VALUES, IMAGES, 0, draws=5), hdbscan(VALUES, IMAGES, 0, draws=5)]
    figure, words = draw(learning.draw_partitions, found, GROUPS, SESSIONS, IMAGES)
    assert "5 resamples of images" in words
    dots = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert dots == [one.stability for one in found]
    lengths = [bar.get_width() for bar in figure.axes[2].patches]
    assert sum(lengths) == pytest.approx(2 * found[0].k)  # by group and by session


def test_clusterings_that_found_nothing_say_so(draw):
    found = [kmeans(VALUES[:2], IMAGES[:2], 0), hdbscan(VALUES[:2], IMAGES[:2], 0)]
    _, words = draw(learning.draw_partitions, found, GROUPS[:2], SESSIONS[:2], IMAGES[:2])
    assert "cannot be divided" in words
    assert "too few" in words


def test_predictions_show_accuracy_beside_the_majority(draw, predicted):
    results = {"truth": predicted, "otsu": predicted}
    figure, words = draw(learning.draw_prediction, results, "truth")
    accuracy = predicted[0].scores["estimate"][0]
    drawn = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert drawn == [accuracy, accuracy]
    for part in ("always guessing the majority", "tested on new images", "n = 80, 8 images"):
        assert part in words
    assert len(figure.axes[1].lines) == 2 * 3 + 1  # folds and mean of each feature, and zero


def test_a_prediction_that_is_not_possible_says_why(draw):
    none = predict(VALUES, NAMES, ["a"] * N, IMAGES, seed=0)
    _, words = draw(learning.draw_prediction, {"truth": none}, "truth")
    assert "nothing to predict" in words
