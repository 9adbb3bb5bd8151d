"""What a reader of the screening's figures relies on."""

import itertools

import matplotlib.figure
import numpy as np
import pytest
from bioagree.figures import screening
from bioagree.statistics.hypotheses import false_discovery_rates
from bioagree.statistics.screening import screen, survival
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

NAMES = ["area", "roundness", "texture", "brightness", "granularity", "copy"]
TITLES = {"truth": "Manual truth", "one": "Method one", "two": "Method two"}


@pytest.fixture
def study():
    random = np.random.default_rng(0)
    clusters, blocks = np.repeat(np.arange(12), 30), np.repeat(np.arange(12) // 4, 30)
    groups = random.random(360) < 0.5
    base = random.normal(size=(360, 6))
    shifts = {"truth": [1, 1, 0, 0, 1, 1], "one": [1, 0, 0, 0, -1, 1], "two": [1, 0, 1, 0, -1, 1]}
    sources = {
        name: (base + groups[:, None] * np.array(shift, float), groups, clusters, blocks)
        for name, shift in shifts.items()
    }
    columns = screen(sources, NAMES)
    columns["q"] = false_discovery_rates(columns["p"])
    return columns, survival(columns, represented_by={"copy": "area"})


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were saved."""
    figures = []
    save = matplotlib.figure.Figure.savefig

    def keep(self, *arguments, **options):
        figures.append(self)
        return save(self, *arguments, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)
    return figures


def draw(path, study, **options):
    words = {"units": {"area": "µm²"}, "titles": TITLES, "labels": {"area": "Area of the nucleus"}}
    screening.draw(path, *study, **(words | options))


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text().strip()]


def joined(figure):
    return " ".join(" ".join(texts(figure)).split())


def test_title_answers_whether_the_segmentation_matters(study, drawn, tmp_path):
    draw(tmp_path / "figure.png", study)
    found = joined(drawn[0])
    assert "Does the answer depend on the segmentation? Yes, for 3 of the 5 findings" in found
    assert (
        "Of 6 features measured, 2 differ whatever the method, 2 under some methods only, "
        "1 in opposite directions, 1 show no evidence." in found
    )


def test_every_row_says_its_answer_and_effect_in_words(study, drawn, tmp_path):
    draw(tmp_path / "figure.png", study)
    found = joined(drawn[0])
    for answer in (
        "holds under every method",
        "only under Manual truth",
        "only under Method two",
        "larger under Manual truth, smaller under Method one and Method two",
        "no evidence",
        "differs from the truth: Method one, Method two",
        "Area of the nucleus",
    ):
        assert answer in found, answer
    assert any(text.startswith("truth: difference +") and "µm²" in text for text in texts(drawn[0]))


def test_n_images_and_sessions_are_named(study, drawn, tmp_path):
    draw(tmp_path / "figure.png", study)
    found = joined(drawn[0])
    columns, _ = study
    assert f"truth {columns['n_first'][0]} with micronucleus" in found
    assert "12 images, 3 sessions" in found


def test_filled_dots_are_evidence_and_intervals_are_those_of_the_table(study, drawn, tmp_path):
    draw(tmp_path / "figure.png", study)
    columns, found = study
    axes = drawn[0].axes[0]
    dots = [line for line in axes.lines if len(line.get_xdata()) == 1]
    shown = np.isin(columns["feature"], [f for f in found["feature"] if f != "copy"])
    assert len(dots) == shown.sum()
    effects = dict(zip(columns["standardised"].tolist(), columns["q"].tolist(), strict=True))
    for dot in dots:
        filled = dot.get_markerfacecolor() == dot.get_markeredgecolor()
        assert filled == (effects[float(dot.get_xdata()[0])] < 0.05)
    spans = {tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2}
    assert set(zip(columns["low"][shown], columns["high"][shown], strict=True)) <= spans


def test_redundant_features_are_left_to_the_table(study, drawn, tmp_path):
    draw(tmp_path / "figure.png", study)
    assert "copy" not in texts(drawn[0])
    assert "(1 say the same as others)" in joined(drawn[0])


def test_choice_shares_rows_between_answers():
    count = 30
    found = {
        "feature": np.array([f"f{i}" for i in range(count)]),
        "represented_by": np.array([f"f{i}" for i in range(count)]),
        "category": np.array(["all methods"] * 10 + ["some methods"] * 10 + ["none"] * 10),
        "least": np.linspace(0, 0.5, count),
        "most": np.linspace(0.1, 1, count),
    }
    chosen = screening.choose(found, 12)
    assert {name: len(features) for name, features in chosen.items()} == {
        "all methods": 5, "some methods": 5, "none": 2, "opposite signs": 0,
    }  # fmt: skip
    assert chosen["all methods"][0] == "f9"
    found["category"][:20] = "none"
    assert sum(map(len, screening.choose(found, 12).values())) == 4


@pytest.mark.parametrize("most", [1, 3, 12])
def test_no_text_runs_into_another_or_out_of_the_figure(study, drawn, tmp_path, most):
    long = {
        "titles": TITLES | {"two": "StarDist, versatile fluorescence model"},
        "labels": {"granularity": "Granularity of the chromatin texture at the nuclear rim"},
    }
    draw(tmp_path / "figure.png", study, most=most, **long)
    figure = drawn[0]
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    boxes = [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_text().strip() and text.get_visible()
    ]
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in boxes:
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= 0, text
    for (first, a), (second, b) in itertools.combinations(boxes, 2):
        apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 2 or b.y1 <= a.y0 + 2
        assert apart, (first, second)


def test_a_relation_to_a_number_is_called_one(drawn, tmp_path):
    random = np.random.default_rng(0)
    clusters, x = np.repeat(np.arange(8), 20), random.normal(size=160)
    values = np.column_stack([x + random.normal(size=160), random.normal(size=160)])
    columns = screen({"truth": (values, x, clusters, None)}, ["area", "noise"])
    columns["q"] = false_discovery_rates(columns["p"])
    draw(tmp_path / "figure.png", (columns, survival(columns)), groups=("time",))
    found = joined(drawn[0])
    assert "Correlation with time" in found
    assert "rises with time" in found
    assert "truth: slope" in found


def test_a_study_without_any_feature_says_so(study, drawn, tmp_path):
    columns, found = study
    nothing = {name: column[:0] for name, column in found.items()}
    draw(tmp_path / "figure.png", ({n: c[:0] for n, c in columns.items()}, nothing))
    assert "No feature to show." in joined(drawn[0])


def test_heat_map_shows_all_features_in_bands(study, drawn, tmp_path):
    columns, found = study
    columns["standardised"][3] = np.nan
    words = {"titles": TITLES, "labels": {}}
    screening.draw_all(tmp_path / "all.png", columns, found, **words)
    axes = drawn[0].axes[0]
    rows = [text.get_text() for text in axes.get_yticklabels()]
    assert sorted(rows) == sorted(NAMES)
    assert rows[-1] == "brightness"
    matrix = axes.images[0].get_array()
    i, j = rows.index("area"), 1
    here = (columns["feature"] == "area") & (columns["source"] == "one")
    assert matrix[i, j] == columns["standardised"][here][0]
    assert axes.images[0].norm.vmin == -axes.images[0].norm.vmax
    dots = {tuple(point) for point in axes.collections[0].get_offsets().tolist()}
    assert len(dots) == (columns["q"] < 0.05).sum()
    assert (j, i) in dots


def test_equal_figures_are_equal_files(study, tmp_path):
    for name in ("a.svg", "b.svg"):
        draw(tmp_path / name, study)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
