"""Are figures drawn for normal and for degenerate results, the same every time, and to scale?"""

import warnings
from types import SimpleNamespace
from xml.etree import ElementTree

import imageio.v3 as imageio
import numpy as np
import pytest
from bioagree.comparison import pairs, per_image
from bioagree.figures import agreement, canvas, outlines, quality, rulegraph
from bioagree.images import Image
from bioagree.tables import Table


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Return a function that draws into a file, checks that it is one, and gives the figure."""
    figures = []
    save = canvas.save

    def keep(figure, path, **options):
        figures.append(figure)
        save(figure, path, **options)

    monkeypatch.setattr(canvas, "save", keep)

    def draw(module, *arguments, suffix=".svg"):
        path = tmp_path / f"a{suffix}"
        module.draw(path, *arguments)
        if suffix == ".svg":
            assert ElementTree.fromstring(path.read_bytes()).tag.endswith("svg")
        else:
            assert imageio.imread(path).std() > 0
        return figures[-1]

    return draw


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


# Canvas


@pytest.mark.parametrize(
    ("panels", "columns", "shape"),
    [(0, 3, (1, 1)), (1, 3, (1, 1)), (3, 3, (1, 3)), (4, 3, (2, 3)), (7, 3, (3, 3))],
)
def test_a_grid_has_room_for_every_panel_and_hides_the_rest(panels, columns, shape):
    figure, axes = canvas.grid(panels, columns)
    assert len(axes) == max(panels, 1)
    assert len(figure.axes) == shape[0] * shape[1]
    assert sum(a.axison for a in figure.axes) == panels
    assert list(figure.get_size_inches()) == pytest.approx(
        [canvas.PANEL[0] * shape[1], canvas.PANEL[1] * shape[0]]
    )


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_equal_figures_are_equal_files_and_others_are_not(tmp_path, suffix):
    def saved(value):
        figure, (axes,) = canvas.grid(1, 1)
        axes.plot([0, value], [0, 1], "o", clip_on=True)
        path = tmp_path / f"a{suffix}"
        canvas.save(figure, path)
        return path.read_bytes()

    assert saved(1) == saved(1) != saved(2)


# Agreement


def measured(counts):
    """Return what methods say of images, from lists of object counts by method."""

    def table(numbers):
        names = [f"i{index}" for index in range(len(numbers))]
        return Table(
            {
                "image": np.repeat(names, numbers),
                "frame": np.zeros(sum(numbers), int),
                "area_um2": np.linspace(10, 20, sum(numbers)),
            },
            about={
                "images": [{"image": name, "frames": 1} for name in names],
                "dimensions": 2,
            },
        )

    row = {"session": "day", "subject": ""}
    tables = (("s", row, method, table(numbers)) for method, numbers in counts.items())
    columns = per_image(tables, ["area_um2", "volume_um3"])
    return list(pairs(columns, [method for method in counts if method != "truth"]))


@pytest.mark.parametrize(
    "counts",
    [
        {"x": [3, 5, 4, 9], "y": [2, 5, 6, 8], "truth": [3, 5, 5, 9]},
        {"x": [3], "truth": [4]},
        {"x": [0, 0, 0], "truth": [0, 0, 0]},
        {"x": [0, 0], "truth": [2, 3]},
        {"x": [2, 2, 2], "y": [2, 2, 2]},
    ],
)
def test_agreement_is_drawn_for_any_number_of_images_and_objects(drawn, counts):
    found = measured(counts)
    for name in {pair.figure for pair in found}:
        chosen = [pair for pair in found if pair.figure == name]
        figure = drawn(agreement, chosen)
        assert sum(axes.axison for axes in figure.axes) <= len(chosen)


def test_an_overview_says_where_no_agreement_can_be_told(drawn):
    """Two dimensions, in one of which the methods share no object."""
    columns = {
        "dimensions": [2, 3],
        "first": ["x", "x"],
        "second": ["truth", "truth"],
        "feature": ["area_um2", "volume_um3"],
        "n": [9, 0],
        "clusters": [1, 0],
        "ccc": [0.8, np.nan],
    }
    figure = drawn(SimpleNamespace(draw=agreement.draw_overview), columns)
    assert "3D: no objects whose agreement can be told." in texts(figure)


def test_without_pairs_a_figure_says_so(drawn):
    assert "No two methods to compare." in texts(drawn(agreement, []))


# Quality


def scored(rows):
    """Return score columns from (sample, method, image, dimensions, value)."""
    columns = {
        name: np.array([row[index] for row in rows])
        for index, name in enumerate(("sample", "method", "image", "dimensions"))
    }
    values = np.array([row[4] for row in rows], float)
    return columns | {score: values for score in quality.SHOWN}


@pytest.mark.parametrize(
    "rows",
    [
        [("s", m, f"i{k}", 2, k / 4) for m in ("x", "y") for k in range(4)],
        [("s", "x", "i", 3, np.nan)],
        [("s", "x", "i", 2, 0.5), ("s", "x", "j", 3, np.nan), ("s", "y", "i", 2, 0.1)],
    ],
)
def test_quality_is_drawn_also_where_scores_are_undefined(drawn, rows):
    methods = list(dict.fromkeys(row[1] for row in rows))
    figure = drawn(quality, scored(rows), methods)
    assert len(figure.axes) == len(quality.SHOWN)
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == methods


def test_quality_shows_every_image_once_and_counts_them(drawn):
    rows = [(s, m, "i", d, 0.4) for s, d in (("a", 2), ("b", 2), ("c", 3)) for m in ("x", "y")]
    figure = drawn(quality, scored(rows), ["x", "y"])
    dots = [line for line in figure.axes[0].lines if line.get_marker() in ("o", "^")]
    assert sum(len(line.get_xdata()) for line in dots) == 6
    assert any("2 2D images" in text and "1 3D images" in text for text in texts(figure))


# Outlines


def field(shape, spacing, objects=(), value=None):
    """Return an image, and labels with square objects given by their corner and edge."""
    array = np.random.default_rng(0).integers(50, 200, shape).astype("uint16")
    labels = np.zeros(shape, np.uint32)
    for number, (row, column, edge) in enumerate(objects, start=1):
        labels[..., row : row + edge, column : column + edge] = number
    image = Image(array, "ZYX"[-len(shape) :], spacing, "A01", ("n",))
    if value is not None:
        image = image.with_array(np.full(shape, value, "uint16"), ("n",))
    return image, image.with_array(labels)


@pytest.mark.parametrize(
    ("shape", "objects", "value"),
    [
        ((40, 50), [(2, 3, 8), (20, 20, 10), (30, 40, 10)], None),
        ((40, 50), [], None),
        ((40, 50), [(2, 3, 8)], 7),
        ((40, 50), [(0, 0, 50)], None),
        ((40, 50), [(10, 10, 1), (39, 49, 1)], None),
        ((5, 40, 50), [(2, 3, 8)], None),
        ((1, 40, 50), [(2, 3, 8)], None),
        ((1, 50), [(0, 3, 8)], None),
        ((40, 1), [(3, 0, 8)], None),
    ],
)
def test_outlines_are_drawn_on_any_image(drawn, shape, objects, value):
    image, labels = field(shape, (0.5,) * len(shape), objects, value)
    none = labels.with_array(np.zeros(shape, np.uint32))
    found = {"truth": labels, "x": labels, "none": none}
    figure = drawn(outlines, image, found, "A01", suffix=".png")
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    counts = [title.split("\n")[1].split()[0] for title in titles]
    assert counts == [str(len(objects)), str(len(objects)), "0"]
    assert [title.split("\n")[0] for title in titles] == ["truth", "x", "none"]


def test_a_movie_shows_its_first_frame_and_a_volume_its_middle(drawn):
    image, labels = field((5, 40, 50), (0.5, 0.5, 0.5), [(2, 3, 8)])
    array = labels.array.copy()
    array[:2] = array[3:] = 0
    array[2, 20:25, 20:25] = 9
    figure = drawn(outlines, image, {"x": labels.with_array(array)}, "A01", suffix=".png")
    assert figure.axes[0].get_title().split("\n")[1].startswith("2 objects")
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), image.array[2])
    movie = Image(image.array, "TYX", (0.5, 0.5), "m", ("n",), 1.0)
    frames = movie.with_array(np.where(np.arange(5)[:, None, None] == 0, labels.array, 0))
    figure = drawn(outlines, movie, {"x": frames}, "A01", suffix=".png")
    assert figure.axes[0].get_title().split("\n")[1].startswith("1 object")
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), image.array[0])


@pytest.mark.parametrize("spacing", [(0.1, 0.1), (0.3, 0.645), (2.0, 0.5)])
def test_the_scale_bar_is_as_long_as_its_caption_says(drawn, spacing):
    image, labels = field((300, 400), spacing, [(100, 100, 40)])
    figure = drawn(outlines, image, {"x": labels}, "A01", suffix=".png")
    axes = figure.axes[0]
    bars = [line for line in axes.lines if line.get_color() == "white"]
    ((start, stop),) = [bar.get_xdata() for bar in bars]
    (caption,) = [t.get_text() for t in axes.texts if t.get_text().endswith("µm")]
    assert (stop - start) * spacing[1] == pytest.approx(float(caption.split()[0]))
    rows, columns = axes.images[0].get_array().shape
    assert 0 < start < stop < columns / 2
    assert rows * spacing[0] <= outlines.CROP_UM + spacing[0]
    assert columns * spacing[1] <= outlines.CROP_UM + spacing[1]
    assert axes.get_aspect() == pytest.approx(spacing[0] / spacing[1])


def test_outlines_lie_on_the_edge_of_their_object(drawn):
    image, labels = field((40, 50), (0.5, 0.5), [(10, 20, 8)])
    figure = drawn(outlines, image, {"x": labels}, "A01", suffix=".png")
    axes = figure.axes[0]
    corners = np.concatenate(
        [path.vertices for collection in axes.collections for path in collection.get_paths()]
    )
    np.testing.assert_allclose(corners.min(0), [19.5, 9.5])  # x, y
    np.testing.assert_allclose(corners.max(0), [27.5, 17.5])


# Rules


def record(rule, inputs, outputs):
    return {"rule": rule, "inputs": dict.fromkeys(inputs, ""), "outputs": dict.fromkeys(outputs)}


def test_the_rulegraph_shows_every_rule_with_its_jobs_and_what_flowed(drawn):
    records = [
        record("fetch", [], ["raw/a.tif"]),
        *(record("filter", ["raw/a.tif", "raw/b.tif"], [f"f/{n}.tif"]) for n in range(3)),
        record("segment_gpu", ["f/0.tif", "f/1.tif"], ["l/0.tif"]),
        record("measure", ["l/0.tif", "raw/a.tif"], ["m/0.parquet"]),
    ]
    figure = drawn(rulegraph, records)
    shown = texts(figure)
    for box in ("fetch\n× 1", "filter\n× 3", "segment\ngpu\n× 1", "measure\n× 1"):
        assert box in shown
    arrows = [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 4  # fetch to filter and measure, filter to segment, segment to measure
    shuffled = drawn(rulegraph, records[::-1])
    assert sorted(texts(shuffled)) == sorted(shown)


def test_the_rulegraph_of_one_rule_or_none(drawn):
    assert "No job has left a record." in texts(drawn(rulegraph, []))
    assert "fetch\n× 1" in texts(drawn(rulegraph, [record("fetch", ["x"], ["y"])]))


# All


def test_equal_results_are_equal_files(tmp_path):
    def files(number):
        image, labels = field((40, 50), (0.5, 0.5), [(10, 20, 8)])
        records = [record("fetch", [], ["a"]), record("filter", ["a"], ["b"])]
        for suffix, module, *arguments in (
            (".svg", agreement, measured({"x": [3, 5, 4], "truth": [3, 5, 5]})),
            (".svg", quality, scored([("s", "x", "i", 2, 0.5), ("s", "x", "j", 2, 0.6)]), ["x"]),
            (".png", outlines, image, {"x": labels}, "A01"),
            (".svg", rulegraph, records),
        ):
            path = tmp_path / f"{number}{suffix}"
            module.draw(path, *arguments)
            yield path.read_bytes()

    for once, again in zip(files(1), files(2), strict=True):
        assert once == again
