"""What a reader of the curves of average precision and of the distances relies on."""

import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from bioagree.figures import canvas, quality
from bioagree.scores import AP_KEYS, AP_THRESHOLDS
from matplotlib.text import Text

METHODS = ["Otsu", "StarDist"]


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Return a function that draws into a file, checks it, and gives the figure."""
    figures, save = [], canvas.save

    def keep(figure, path, **options):
        figures.append(figure)
        save(figure, path, **options)

    monkeypatch.setattr(canvas, "save", keep)

    def draw(function, *arguments, **options):
        path = tmp_path / "a.svg"
        function(path, *arguments, **options)
        assert ElementTree.fromstring(path.read_bytes()).tag.endswith("svg")
        return figures[-1]

    return draw


def scored(images, dimensions=2, seed=0):
    """Return the columns of two methods on the same images."""
    random = np.random.default_rng(seed)
    n = images * len(METHODS)
    curves = -np.sort(-random.uniform(0, 1, (n, 10)), axis=1)
    return {
        "sample": np.full(n, "s"),
        "image": np.tile([f"i{k}" for k in range(images)], len(METHODS)),
        "method": np.repeat(METHODS, images),
        "dimensions": np.full(n, dimensions),
        **dict(zip(AP_KEYS, curves.T, strict=True)),
        **{score: random.uniform(0, 1, n) for score in quality.SHOWN},
        "accuracy_of_nothing": np.full(n, 0.8),
        "mean_assd_um": random.uniform(0, 1, n),
        "mean_hd95_um": random.uniform(1, 2, n),
        "true_positive": np.full(n, 3),
        "n_truth": np.full(n, 4),
    }


def texts(artist):
    return [text.get_text() for text in artist.findobj(Text) if text.get_text()]


def merged(*parts):
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def test_every_image_has_its_curve_and_every_method_its_median(drawn):
    columns = scored(5)
    figure = drawn(quality.draw_ap, columns, METHODS)
    for axes, method in zip(figure.axes, METHODS, strict=True):
        mine = columns["method"] == method
        curves = np.stack([columns[key][mine] for key in AP_KEYS], axis=1)
        thin = [line.get_ydata() for line in axes.lines if line.get_linewidth() < 1]
        assert np.array_equal(thin, curves)
        (thick,) = [line for line in axes.lines if line.get_linewidth() > 2]
        assert thick.get_ydata().tolist() == np.median(curves, axis=0).tolist()
        assert thick.get_xdata().tolist() == AP_THRESHOLDS.tolist()
        assert axes.get_title() == f"{method}\n5 2D images"


def test_two_images_have_no_median_and_undefined_curves_are_left_out(drawn):
    columns = scored(3, dimensions=3)
    for key in AP_KEYS:
        columns[key][::3] = np.nan
    figure = drawn(quality.draw_ap, columns, METHODS)
    assert [len(axes.lines) for axes in figure.axes] == [2, 2]
    assert figure.axes[0].get_title() == "Otsu\n2 3D images"


def test_two_and_three_dimensions_stand_in_rows_of_their_own(drawn):
    figure = drawn(quality.draw_ap, merged(scored(4), scored(3, dimensions=3)), METHODS)
    assert [axes.get_title().split("\n")[1] for axes in figure.axes] == [
        *["4 2D images"] * 2,
        *["3 3D images"] * 2,
    ]


def test_distances_are_drawn_in_micrometres_beside_what_was_found(drawn):
    columns = scored(6)
    axes = drawn(quality.draw_distances, columns, METHODS, dimensions=2).axes[0]
    marks = [line.get_xdata() for line in axes.lines if line.get_marker() == "o"]
    drawn_values = np.concatenate(marks)
    expected = np.concatenate([columns["mean_assd_um"], columns["mean_hd95_um"]])
    assert sorted(drawn_values) == sorted(expected)
    assert "(µm)" in axes.get_xlabel()
    assert texts(axes).count("18 of 24\nobjects matched (75 %)") == 2
    assert [label.get_text() for label in axes.get_yticklabels()] == METHODS


def test_images_without_a_match_have_no_mark_but_count(drawn):
    columns = scored(6)
    otsu = columns["method"] == "Otsu"
    for name, value in (("mean_assd_um", np.nan), ("mean_hd95_um", np.nan), ("true_positive", 0)):
        columns[name][otsu] = value
    axes = drawn(quality.draw_distances, columns, METHODS, dimensions=2).axes[0]
    marks = [line.get_xdata() for line in axes.lines if line.get_marker() == "o"]
    assert sum(map(len, marks)) == 12
    assert "0 of 24\nobjects matched (0 %)" in texts(axes)


def test_without_any_match_the_figure_says_so(drawn):
    columns = scored(2) | {"mean_assd_um": np.full(4, np.nan)}
    figure = drawn(quality.draw_distances, columns, METHODS, dimensions=2)
    assert any("No matched objects in 2D images" in text for text in texts(figure))
    figure = drawn(quality.draw_distances, scored(2), METHODS, dimensions=3)
    assert any("No matched objects in 3D images" in text for text in texts(figure))


def test_the_panel_of_accuracy_shows_what_finding_nothing_scores(drawn):
    figure = drawn(quality.draw, scored(5), METHODS)
    accuracy, jaccard = figure.axes[:2]
    dashed = [line for line in accuracy.lines if line.get_linestyle() == "--"]
    assert [line.get_xdata()[0] for line in dashed] == [0.8]
    assert any("finding nothing: 0.80" in text for text in texts(accuracy))
    assert not any("finding nothing" in text for text in texts(jaccard))


def test_equal_scores_are_equal_files(tmp_path):
    for name in ("a", "b"):
        quality.draw_ap(tmp_path / f"{name}1.svg", scored(4), METHODS)
        quality.draw_distances(tmp_path / f"{name}2.svg", scored(4), METHODS, dimensions=2)
    for number in (1, 2):
        assert (tmp_path / f"a{number}.svg").read_bytes() == (
            tmp_path / f"b{number}.svg"
        ).read_bytes()
