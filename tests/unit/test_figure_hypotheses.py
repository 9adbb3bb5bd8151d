"""What a reader of the figure of a group comparison relies on."""

import matplotlib.figure
import numpy as np
import pytest
from bioagree.figures import hypotheses
from bioagree.statistics.hypotheses import compare_groups
from matplotlib.text import Text


@pytest.fixture
def drawn(monkeypatch):
    figures = []
    save = matplotlib.figure.Figure.savefig

    def keep(self, *arguments, **options):
        figures.append(self)
        return save(self, *arguments, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)
    return figures


def comparison(between=False, kinds=2, objects=20):
    random = np.random.default_rng(0)
    clusters = np.repeat(np.arange(6), objects)
    groups = clusters % kinds if between else np.arange(clusters.size) % kinds
    values = random.normal(100, 10, clusters.size) + 5 * groups
    words = {"quantity": "area", "quantity_unit": "µm²", "unit": "nuclei"}
    return compare_groups(values, groups, clusters, **words), values, groups


def lines(axes, points):
    return [line for line in axes.lines if len(line.get_xdata()) == points]


def test_images_are_joined_between_groups_that_share_them(drawn, tmp_path):
    result, values, groups = comparison()
    hypotheses.draw(tmp_path / "a.png", [(result, values, groups)])
    axes, beside = drawn[0].axes
    joined = {tuple(line.get_ydata()) for line in lines(axes, 2)}
    assert joined == {tuple(row) for row in result.cluster_means}
    assert axes.get_ylabel() == "Area (µm²)"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [
        "nuclei of group 0\nn = 60 nuclei\n6 images",
        "nuclei of group 1\nn = 60 nuclei\n6 images",
    ]
    assert sum(len(line.get_xdata()) for line in lines(axes, 60)) == 120
    interval = [line for line in lines(beside, 2) if line.get_linewidth() > 2]
    assert tuple(interval[0].get_ydata()) == (result.primary.low, result.primary.high)
    assert beside.get_ylabel() == "Difference (µm²)"


def test_images_of_one_group_are_not_joined(drawn, tmp_path):
    result, values, groups = comparison(between=True)
    hypotheses.draw(tmp_path / "a.png", [(result, values, groups)])
    axes = drawn[0].axes[0]
    assert not lines(axes, 2)
    assert [len(line.get_xdata()) for line in axes.lines if line.get_marker() == "o"] == [3, 3]


def test_outliers_are_counted_instead_of_hiding_the_rest(drawn, tmp_path):
    result, values, groups = comparison(objects=60)
    values[0] = 1e6
    tamed = np.where(values > 1e5, 100, values)
    again = compare_groups(tamed, groups, np.repeat(range(6), 60))
    hypotheses.draw(tmp_path / "a.png", [(again, values, groups)])
    axes = drawn[0].axes[0]
    assert axes.get_ylim()[1] < 1e4
    assert "beyond the axis" in axes.get_title(loc="left")
    assert result.clusters == 6


def test_three_groups_are_drawn_without_a_single_difference(drawn, tmp_path):
    result, values, groups = comparison(kinds=3)
    hypotheses.draw(tmp_path / "a.png", [(result, values, groups)], titles=["Three drugs"])
    axes, beside = drawn[0].axes
    assert len(axes.get_xticklabels()) == 3
    assert not beside.axison
    assert any("Three drugs" in text.get_text() for text in drawn[0].findobj(Text))


@pytest.mark.parametrize(
    ("values", "groups", "clusters"),
    [([], [], []), ([1.0], [0], [0]), ([1.0, 2.0], [0, 1], [0, 0]), ([np.nan] * 2, [0, 1], [0, 0]),
     ([3.0] * 4, [0, 1] * 2, [0, 0, 1, 1])],
)  # fmt: skip
def test_too_little_data_is_drawn_or_explained(drawn, tmp_path, values, groups, clusters):
    result = compare_groups(values, groups, clusters)
    hypotheses.draw(tmp_path / "a.png", [(result, values, groups)])
    said = " ".join(text.get_text() for text in drawn[0].findobj(Text))
    assert result.primary.note.split(":")[0].split()[0] in said


def test_no_comparison_is_said(drawn, tmp_path):
    hypotheses.draw(tmp_path / "a.png", [])
    assert any("No comparison" in text.get_text() for text in drawn[0].findobj(Text))


def test_equal_figures_are_equal_files(tmp_path):
    for name in ("a.svg", "b.svg"):
        hypotheses.draw(tmp_path / name, [comparison(), comparison(kinds=3)])
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
