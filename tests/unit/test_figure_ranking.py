"""What a reader of the critical-difference picture relies on."""

import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from bioagree.figures import canvas
from bioagree.figures.ranking import draw, headline
from bioagree.statistics.ranking import rank
from matplotlib.text import Text

METHODS = ["Otsu", "StarDist", "watershed"]
# StarDist always first, the other two take turns.
CLEAR = [[0.5, 0.9, 0.6], [0.6, 0.9, 0.5]] * 6
# All take turns.
OPEN = [[1, 2, 3], [2, 3, 1], [3, 1, 2]] * 3


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Return a function that draws rankings into a file, checks it, and gives the figure."""
    figures, save = [], canvas.save

    def keep(figure, path, **options):
        figures.append(figure)
        save(figure, path, **options)

    monkeypatch.setattr(canvas, "save", keep)

    def draw_it(rankings, methods=METHODS):
        path = tmp_path / "a.svg"
        draw(path, rankings, methods)
        assert ElementTree.fromstring(path.read_bytes()).tag.endswith("svg")
        return figures[-1]

    return draw_it


def texts(artist):
    return [text.get_text() for text in artist.findobj(Text) if text.get_text()]


def bars(axes):
    """Return the rows that each vertical bar joins."""
    lines = [line for line in axes.lines if line.get_linewidth() == 4]
    return [[round(end) for end in line.get_ydata()] for line in lines]


def test_methods_stand_in_order_of_their_mean_rank_each_on_its_row(drawn):
    result = rank(CLEAR)
    axes = drawn({"SEG": result}).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["StarDist", "Otsu", "watershed"]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [dot.get_xdata()[0] for dot in dots] == sorted(result.mean_rank)
    assert [dot.get_ydata()[0] for dot in dots] == [0, 1, 2]


def test_the_interval_of_each_mean_rank_is_drawn(drawn):
    result = rank(CLEAR)
    axes = drawn({"SEG": result}).axes[0]
    ends = [tuple(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 3]
    order = [1, 0, 2]
    assert ends == list(zip(result.rank_low[order], result.rank_high[order], strict=True))


def test_bars_join_the_methods_that_are_not_told_apart(drawn):
    assert bars(drawn({"SEG": rank(CLEAR)}).axes[0]) == [[1, 2]]
    assert bars(drawn({"SEG": rank(OPEN)}).axes[0]) == [[0, 2]]
    assert bars(drawn({"SEG": rank([[1, 2, 3]] * 40)}).axes[0]) == []


def test_the_critical_difference_is_drawn_to_scale_and_named(drawn):
    result = rank(CLEAR)
    axes = drawn({"SEG": result}).axes[0]
    (ruler,) = [line for line in axes.lines if line.get_marker() == "|"]
    assert np.ptp(ruler.get_xdata()) == pytest.approx(result.critical_difference)
    assert any(f"critical difference {result.critical_difference:.2f}" in t for t in texts(axes))


def test_the_title_says_what_was_found():
    assert headline(rank(CLEAR), METHODS) == "StarDist is best"
    assert headline(rank(OPEN), METHODS) == "No method is told apart from the leader"
    assert headline(rank([[1, 2, 3], [3, 2, 1], [1, 3, 2]] * 4), METHODS).startswith("No method")
    assert headline(rank([[1, 2, 3]]), METHODS) == "watershed leads"
    both = rank([[1, 9, 8], [1, 8, 9]] * 9)
    assert headline(both, METHODS) == "StarDist leads, not told apart from watershed"


def test_methods_keep_their_colour_from_score_to_score(drawn):
    figure = drawn({"SEG": rank(CLEAR), "AP": rank(-np.array(CLEAR))})
    colours = []
    for axes in figure.axes:
        names = [label.get_text() for label in axes.get_yticklabels()]
        dots = [line.get_color() for line in axes.lines if line.get_marker() == "o"]
        colours.append(dict(zip(names, dots, strict=True)))
    assert colours[0] == colours[1]
    assert len(set(colours[0].values())) == 3


def test_what_limits_a_ranking_is_written_below_it(drawn):
    figure = drawn({"SEG": rank(CLEAR[:3])})
    assert "3 images are too few" in figure.axes[0].get_xlabel()
    assert "over 3 images" in figure.axes[0].get_xlabel()


@pytest.mark.parametrize(
    ("scores", "methods", "sentence"),
    [
        (np.zeros((0, 3)), METHODS, "No image has a score of every method"),
        (np.ones((4, 1)), METHODS[:1], "fewer than two methods"),
        ([[1, 2, 3]], METHODS, "over 1 image (1 = best)"),
        (np.ones((6, 3)), METHODS, "All methods score alike"),
    ],
)
def test_what_cannot_be_ranked_is_said(drawn, scores, methods, sentence):
    figure = drawn({"SEG": rank(scores)}, methods)
    assert any(sentence in text.replace("\n", " ") for text in texts(figure))


def test_without_scores_the_figure_says_so(drawn):
    assert "No scores to rank methods by." in texts(drawn({}))


def test_equal_rankings_are_equal_files(tmp_path):
    for name in ("a.svg", "b.svg"):
        draw(tmp_path / name, {"SEG": rank(CLEAR)}, METHODS)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
