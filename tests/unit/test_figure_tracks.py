"""Do pictures of tracks show what was found, for normal and for empty movies, and to scale?"""

import warnings
from xml.etree import ElementTree

import imageio.v3 as imageio
import numpy as np
import pytest
from bioagree.errors import InputError
from bioagree.figures import canvas, tracks
from bioagree.tables import Table
from bioagree.tracks.linking import link


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
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

    def draw(function, *arguments, suffix=".svg", **options):
        path = tmp_path / f"a{suffix}"
        function(path, *arguments, **options)
        if suffix == ".svg":
            assert ElementTree.fromstring(path.read_bytes()).tag.endswith("svg")
        else:
            assert imageio.imread(path).std() > 0
        return figures[-1]

    return draw


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def family(ndim=2):
    """A mother that divides at frame 2, beside one that is missing in frame 3."""
    rows = [(t, 1, 20 + t, 20) for t in range(3)]
    rows += [(t, i, 24, x) for t in range(3, 6) for i, x in ((2, 16 - t), (3, 24 + t))]
    rows += [(t, 4, 20, 60) for t in range(6) if t != 3]
    frame, label, y, x = (np.array(values) for values in zip(*rows, strict=True))
    columns = {"image": np.full(len(rows), "a"), "frame": frame, "label": label}
    place = {"centroid_z_um": 3.0 * frame} if ndim == 3 else {}
    place |= {"centroid_y_um": y.astype(float), "centroid_x_um": x.astype(float)}
    diameter = {"equivalent_diameter_um": np.full(len(rows), 8.0)}
    return Table(columns | place | diameter, {}, {"images": [{"image": "a", "frames": 6}]})


def nothing(ndim=2):
    columns = {name: values[:0] for name, values in family(ndim).columns.items()}
    return Table(columns, {}, {"images": [{"image": "a", "frames": 6}]})


def segments(figure):
    from matplotlib.collections import LineCollection

    panel = figure.axes[0]
    return sum(len(c.get_segments()) for c in panel.collections if isinstance(c, LineCollection))


@pytest.mark.parametrize(("ndim", "panels"), [(2, 1), (3, 2)])
def test_every_link_is_drawn_once_in_each_projection(drawn, ndim, panels):
    objects = family(ndim)
    figure = drawn(tracks.draw_paths, objects, link(objects), "a", time_step_s=60, note="(nominal)")
    drawings = [axes for axes in figure.axes if axes.get_xlabel() == "x"]
    assert len(drawings) == panels
    assert segments(figure) == 2 + 2 * 3 + 4
    assert any(text.endswith("µm (nominal)") for text in texts(figure))
    assert "time (min)" in texts(figure)
    assert "a: 4 tracks of 14 objects, 1 divisions (circles)" in texts(figure)


def test_projections_share_their_scale(drawn):
    objects = family(3)
    figure = drawn(tracks.draw_paths, objects, link(objects), "a", time_step_s=1, suffix=".png")
    above, side = (axes for axes in figure.axes if axes.get_xlabel() == "x")
    assert above.get_xlim() == side.get_xlim()
    figure.canvas.draw()
    scales = []
    for axes in (above, side):
        height = abs(np.subtract(*axes.get_ylim()))
        scales.append(axes.get_window_extent().height / height)
    assert scales[0] == pytest.approx(scales[1], rel=1e-3)


def test_the_scale_bar_is_as_long_as_it_says(drawn):
    objects = family()
    figure = drawn(tracks.draw_paths, objects, link(objects), "a", time_step_s=1)
    bar = [line for line in figure.axes[0].lines if line.get_linewidth() == 3]
    length = next(text for text in texts(figure) if text.endswith("µm")).split()[0]
    assert np.ptp(bar[0].get_xdata()) == pytest.approx(float(length))


def test_a_tree_keeps_mothers_between_their_daughters(drawn):
    objects = family()
    figure = drawn(tracks.draw_tree, link(objects), "a", time_step_s=3600)
    assert "time (h)" in texts(figure)
    assert any("4 tracks from 2 founders, 1 divisions" in text for text in texts(figure))
    height = tracks._heights(tracks.forest(link(objects)))
    assert height.tolist() == [0.5, 3, 0, 1] or height.tolist() == [0.5, 3, 1, 0]


def test_right_missed_and_false_links_are_counted(drawn):
    objects = family()
    found, truth = link(objects, divisions=False), link(objects)
    figure = drawn(tracks.draw_errors, objects, found, (objects, truth), "a")
    assert segments(figure) == 12
    legend = {text for text in texts(figure) if text.startswith(("right", "missed", "false"))}
    assert legend == {"right (11)", "missed (1)", "false (0)"}


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_movie_without_objects_is_drawn_empty(drawn, ndim):
    objects = nothing(ndim)
    drawn(tracks.draw_paths, objects, link(objects), "a", time_step_s=1)
    drawn(tracks.draw_tree, link(objects), "a", time_step_s=1)
    drawn(tracks.draw_errors, objects, link(objects), (objects, link(objects)), "a")


def test_an_unknown_image_is_refused(tmp_path):
    with pytest.raises(InputError, match="no image 'b'; there are a"):
        tracks.draw_tree(tmp_path / "a.svg", link(family()), "b", time_step_s=1)
