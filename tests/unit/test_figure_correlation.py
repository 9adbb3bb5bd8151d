"""What a reader of the correlation matrices relies on."""

import matplotlib.figure
import numpy as np
import pytest
from bioagree.figures import correlation as figures
from bioagree.statistics.correlation import (
    cluster_order,
    correlations,
    difference,
    redundant_groups,
)
from matplotlib.patches import Rectangle
from matplotlib.text import Text

NAMES = ["area", "brightness", "diameter", "noise", "constant"]


@pytest.fixture
def drawn(monkeypatch):
    saved = []
    save = matplotlib.figure.Figure.savefig

    def keep(self, *arguments, **options):
        saved.append(self)
        return save(self, *arguments, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)
    return saved


@pytest.fixture
def nuclei():
    random = np.random.default_rng(0)
    size = random.normal(size=300)
    values = np.column_stack(
        [size, random.normal(size=300), size + 0.1 * random.normal(size=300),
         random.normal(size=300), np.ones(300)]
    )  # fmt: skip
    return values, np.repeat(np.arange(10), 30)


def draw(path, nuclei):
    found = correlations(*nuclei)
    order = cluster_order(found.pearson_within)
    groups = redundant_groups(found.pearson_within, NAMES)
    figures.draw(
        path, found, NAMES, order=order, groups=groups, labels={"area": "Area of the nucleus"}
    )
    return found, order


def said(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text)).replace("\n", " ")


def test_pearson_stands_below_the_diagonal_and_spearman_above(nuclei, drawn, tmp_path):
    found, order = draw(tmp_path / "a.png", nuclei)
    matrix = drawn[0].axes[0].images[0].get_array().filled(np.nan)
    lower, upper = np.tril_indices(5, -1), np.triu_indices(5, 1)
    ordered = np.ix_(order, order)
    np.testing.assert_array_equal(matrix[lower], found.pearson_within[ordered][lower])
    np.testing.assert_array_equal(matrix[upper], found.spearman_within[ordered][upper])
    assert drawn[0].axes[0].images[0].get_clim() == (-1, 1)
    assert "n = 300 objects, 10 images" in said(drawn[0])


def test_redundant_features_are_framed_and_named(nuclei, drawn, tmp_path):
    draw(tmp_path / "a.png", nuclei)
    axes = drawn[0].axes[0]
    assert "Area of the nucleus stands for 1 other" in said(drawn[0])
    labels = [text.get_text() for text in axes.get_yticklabels()]
    frames = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert len(frames) == 1
    first = round(frames[0].get_y() + 0.5)
    assert set(labels[first : first + 2]) == {"Area of the nucleus", "diameter"}


def test_differences_keep_the_order_and_mark_what_exceeds_chance(nuclei, drawn, tmp_path):
    values, clusters = nuclei
    worse = values.copy()
    worse[:, 2] += np.random.default_rng(1).normal(0, 4, 300)
    found = {
        "bad": difference(worse, clusters, values, clusters),
        "same": difference(values, clusters, values, clusters),
    }
    order = np.array([4, 3, 2, 1, 0])
    figures.draw_differences(
        tmp_path / "a.png", found, NAMES, order=order, titles={"bad": "Bad method"}, labels={}
    )
    bad, same = drawn[0].axes[:2]
    matrix = bad.images[0].get_array().filled(np.nan)
    assert matrix[2, 4] == found["bad"].difference[2, 0]
    assert "Bad method − truth" in bad.get_title(loc="left")
    assert bad.collections[0].get_offsets().tolist() == [[2.0, 4.0]]  # column, row
    assert "area × diameter: +1.00 → " in bad.get_xlabel()
    assert same.get_xlabel() == "No difference beyond chance."
    assert len(same.collections[0].get_offsets()) == 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_feature_is_drawn_or_said(drawn, tmp_path, count):
    values = np.random.default_rng(0).normal(size=(20, count))
    found = correlations(values, np.zeros(20))
    figures.draw(
        tmp_path / "a.png", found, NAMES[:count], order=np.arange(count), groups=[], labels={}
    )
    assert ("No feature" in said(drawn[0])) == (count == 0)


def test_no_method_is_said(drawn, tmp_path):
    figures.draw_differences(
        tmp_path / "a.png", {}, NAMES, order=np.arange(5), titles={}, labels={}
    )
    assert "No method to compare" in said(drawn[0])


def test_equal_figures_are_equal_files(nuclei, tmp_path):
    for name in ("a.svg", "b.svg"):
        draw(tmp_path / name, nuclei)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
