"""Do pictures of channels and surfaces show what was measured?"""

import numpy as np
import pytest
from bioagree import colocalisation
from bioagree.features.objects import Objects
from bioagree.figures import colocalisation as channels
from bioagree.figures import surfaces
from bioagree.images import Image
from bioagree.surfaces.files import write_glb
from bioagree.surfaces.viewing import for_viewing
from matplotlib.image import imread

QUESTION = {"channels": ["a", "b"], "psf_um": 1.0, "draws": 9}


def balls(radius):
    grid = np.indices((20, 30, 30)).transpose(1, 2, 3, 0)
    labels = np.zeros((20, 30, 30), int)
    for number, centre in enumerate([(9, 8, 8), (10, 20, 20)], start=1):
        labels[np.linalg.norm(grid - centre, axis=-1) <= radius] = number
    return Objects(labels, (1.0, 0.5, 0.5))


def inked(path):
    """Return the share of a picture's pixels that have a colour."""
    picture = imread(path)[..., :3]
    return float(np.mean(np.ptp(picture, axis=-1) > 0.05))


def test_a_scene_is_drawn_with_its_sizes_and_colours(tmp_path):
    found = []
    for radius in (3, 7):
        scene = tmp_path / f"{radius}.glb"
        write_glb(scene, {"a": for_viewing(balls(radius), smoothing_iterations=5, faces=0.3)})
        surfaces.draw(tmp_path / "s.png", {"m": scene}, "x")
        found.append(surfaces._triangles(scene))
    (small, _, two), (large, colours, _) = found
    assert two == 2
    assert np.ptp(large[..., 0]) > np.ptp(small[..., 0])
    assert len(np.unique(colours, axis=0)) == 2
    assert inked(tmp_path / "s.png") > 0.02


def test_surfaces_of_nothing_are_a_picture_too(tmp_path):
    nothing = Objects(np.zeros((4, 5, 6), int), (1.0, 1.0, 1.0))
    write_glb(tmp_path / "n.glb", {"a": for_viewing(nothing, smoothing_iterations=5, faces=0.3)})
    surfaces.draw(tmp_path / "n.png", {"truth": tmp_path / "n.glb"}, "x")
    assert inked(tmp_path / "n.png") == 0


@pytest.mark.parametrize("shape", [(20, 30), (4, 20, 30)])
@pytest.mark.parametrize("inside", [True, False])
def test_channels_are_drawn_whatever_the_region(tmp_path, shape, inside):
    rng = np.random.default_rng(0)
    axes = "C" + "ZYX"[-len(shape) :]
    pixels = rng.exponential(50, shape) + rng.normal(100, 1, (2, *shape))
    image = Image(pixels, axes, (1.0, 0.5, 0.5)[-len(shape) :], "i", ("a", "b"))
    region = np.zeros(shape, np.uint32)
    if inside:
        region[..., 4:16, 5:25] = 1
    labels = [image.with_array(region)] * 3
    (comparison,) = colocalisation.compare(image, labels, QUESTION)
    channels.draw(tmp_path / "c.png", comparison, ["a", "b"])
    assert imread(tmp_path / "c.png").shape[1] > 1000


def test_the_picture_shows_the_region_and_little_around_it():
    plane = np.zeros((200, 300), bool)
    plane[50:90, 100:200] = True
    assert channels._around(plane) == (slice(46, 94), slice(90, 210))
    assert channels._around(plane & False) == (slice(None), slice(None))
