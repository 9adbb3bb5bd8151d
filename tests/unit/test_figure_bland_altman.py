"""What a reader of the Bland-Altman plot relies on."""

import itertools

import numpy as np
import pytest
from bioagree.figures.bland_altman import draw
from bioagree.statistics.agreement import bland_altman
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

SESSIONS = [f"session {i % 6 + 1}" for i in range(21)]


@pytest.fixture
def methods():
    """Volumes of 21 cells in µm³ by two methods."""
    random = np.random.default_rng(3)
    truth = random.uniform(200, 600, 21)
    return truth + random.normal(8, 20, 21), truth + random.normal(0, 20, 21)


def plot(first, second, **options):
    """Draw at the size of the report; return the axes, laid out, and the result."""
    figure = Figure(figsize=(6.5, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    result = bland_altman(first, second)
    names = {
        "quantity": "volume",
        "unit": "µm³",
        "first_name": "StarDist",
        "second_name": "watershed",
    }
    draw(axes, first, second, result, **(names | options))
    figure.draw_without_rendering()
    return axes, result


def points(axes):
    return np.concatenate([np.asarray(drawn.get_offsets()) for drawn in axes.collections])


def levels(axes):
    """Heights of the horizontal lines."""
    return [line.get_ydata()[0] for line in axes.lines if np.ptp(line.get_ydata()) == 0]


def test_axes_name_quantity_unit_and_direction(methods):
    axes, _ = plot(*methods)
    assert axes.get_ylabel().split("\n") == [
        "Difference in volume (µm³)",
        "StarDist −\u00a0watershed",
    ]
    assert axes.get_xlabel() == "Mean of StarDist and watershed: volume (µm³)"
    assert axes.get_title(loc="left").startswith("n = 21,")


def test_every_pair_is_drawn_at_its_mean_and_difference(methods):
    axes, _ = plot(*methods, groups=SESSIONS)
    expected = np.column_stack([np.mean(methods, axis=0), np.subtract(*methods)])
    np.testing.assert_allclose(np.sort(points(axes), axis=0), np.sort(expected, axis=0))


def test_lines_and_bands_lie_where_the_result_says(methods):
    axes, result = plot(*methods)
    assert levels(axes) == [0, result.bias, result.lower, result.upper]
    bands = sorted((patch.get_y(), patch.get_y() + patch.get_height()) for patch in axes.patches)
    expected = [
        (result.lower_low, result.lower_high),
        (result.bias_low, result.bias_high),
        (result.upper_low, result.upper_high),
    ]
    np.testing.assert_allclose(bands, expected)
    low, high = axes.get_ylim()
    assert low < result.lower_low < result.upper_high < high


def test_numbers_beside_the_lines_have_two_digits_of_the_standard_error(methods):
    axes, result = plot(*methods)
    texts = [text.get_text() for text in axes.texts]
    # sd 19.6, standard error 4.3: one decimal
    assert f"Bias\n{result.bias:.1f} ({result.bias_low:.1f} to {result.bias_high:.1f})" in texts
    assert any(text.startswith("Lower limit\n−25.9 (−45.8 to") for text in texts)


def test_groups_have_distinct_looks_and_stand_in_the_legend(methods):
    axes, _ = plot(*methods, groups=SESSIONS)
    entries = [text.get_text() for text in axes.get_legend().get_texts()]
    assert entries == list(dict.fromkeys(SESSIONS))
    colours = {tuple(drawn.get_facecolor()[0]) for drawn in axes.collections}
    assert len(colours) == len(entries)


def test_proportional_bias_is_drawn_and_said(methods):
    axes, result = plot(1.3 * methods[1], methods[1])
    assert "Difference changes with mean: slope 0.26" in axes.get_title(loc="left")
    assert any(line.get_linestyle() == ":" for line in axes.lines)


@pytest.mark.parametrize(("scale", "power"), [(1e4, "10³"), (1e-6, "10⁻⁶")])
def test_large_and_small_values_are_given_in_powers_of_ten(methods, scale, power):
    axes, _ = plot(scale * methods[0], scale * methods[1])
    assert f"({power}\u00a0µm³)" in axes.get_ylabel()
    assert all(len(label.get_text()) <= 5 for label in axes.get_yticklabels())


def test_missing_pairs_are_left_out_and_counted(methods):
    methods[0][3] = np.nan
    axes, _ = plot(*methods, groups=SESSIONS)
    assert len(points(axes)) == 20
    assert axes.get_title(loc="left").startswith("n = 20 (+ 1 with a missing value)")


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_pairs_show_the_points_and_the_reason(methods, n):
    axes, result = plot(*(values[:n] for values in methods), groups=SESSIONS[:n])
    assert sum(len(drawn.get_offsets()) for drawn in axes.collections) == n
    assert levels(axes) == []
    assert result.note in axes.get_title(loc="left").replace("\n", " ")


def test_equal_differences_show_one_line_and_the_reason(methods):
    axes, result = plot(methods[0] + 5, methods[0])
    assert set(np.round(levels(axes), 9)) == {0, 5}
    assert [text.get_text() for text in axes.texts] == ["Bias\n5"]
    assert result.note in axes.get_title(loc="left").replace("\n", " ")


@pytest.mark.parametrize("n", [3, 4, 8, 21])
@pytest.mark.parametrize("name", ["StarDist", "clesperanto_voronoi_otsu_spot2um_outline1um"])
def test_texts_stay_in_the_figure_and_apart(methods, n, name):
    first, second = (values[:n] for values in methods)
    axes, _ = plot(first, second, groups=SESSIONS[:n], first_name=name)
    (title,) = (t for t in axes.findobj(Text) if t.get_text() == axes.get_title(loc="left"))
    texts = [*axes.texts, axes.xaxis.label, axes.yaxis.label, title, axes.get_legend()]
    boxes = [text.get_window_extent() for text in texts]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    page = axes.figure.bbox
    assert all(box.x0 >= 0 and box.x1 <= page.x1 for box in boxes)
    assert all(box.y0 >= 0 and box.y1 <= page.y1 for box in boxes)


def test_result_of_other_pairs_is_refused(methods):
    result = bland_altman(methods[0][:20], methods[1][:20])
    axes = Figure().subplots()
    names = {"quantity": "volume", "unit": "µm³", "first_name": "A", "second_name": "B"}
    with pytest.raises(ValueError, match="computed from 20 pairs, but 21 are given"):
        draw(axes, *methods, result, **names)
    with pytest.raises(ValueError, match="2 groups for 21 pairs"):
        draw(axes, *methods, result, **names, groups=["a", "b"])
