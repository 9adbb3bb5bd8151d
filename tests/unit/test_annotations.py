"""Are simulated strokes what a careful person would draw, and are bad annotations refused?"""

import numpy as np
import pytest
from bioagree import annotations, phantoms
from bioagree.errors import InputError
from bioagree.images import Image
from scipy.ndimage import label


@pytest.fixture(scope="module")
def truth():
    """Many discs, and two that touch along a line."""
    _, labels, _ = phantoms.nuclei(
        seed=1, shape_y=400, shape_x=400, voxel_xy_um=0.5, count=40, radius_um=7
    )
    array = labels.array.copy()
    array[100:140, 100:120], array[100:140, 120:140] = 901, 902
    return labels.with_array(array)


@pytest.fixture(scope="module")
def stack():
    _, labels, _ = phantoms.nuclei(
        seed=1, shape_z=24, shape_y=90, shape_x=90, voxel_xy_um=0.5, count=8, radius_um=7
    )
    return labels


def test_strokes_tell_the_truth(truth):
    drawn = annotations.scribbles(truth, seed=0).array
    assert (truth.array[drawn == annotations.BACKGROUND] == 0).all()
    assert (truth.array[drawn == annotations.OBJECT] > 0).all()
    for y, x in np.argwhere(drawn == annotations.BOUNDARY):
        around = np.unique(truth.array[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2])
        assert len(around[around > 0]) > 1


def test_one_object_alone_has_no_boundary():
    array = np.zeros((100, 100), np.uint32)
    array[30:60, 30:60] = 1
    drawn = annotations.scribbles(Image(array, "YX", (1, 1)), seed=0).array
    assert set(np.unique(drawn)) == {0, annotations.BACKGROUND, annotations.OBJECT}


@pytest.mark.parametrize("share", [0.001, 0.01, 0.03])
def test_at_most_the_share_is_drawn_and_most_of_it_is_used(truth, share):
    drawn = annotations.scribbles(truth, seed=0, share=share).array
    assert 0.8 * share < np.mean(drawn > 0) <= share


def test_at_most_the_share_of_a_stack_is_drawn_on_some_planes(stack):
    drawn = annotations.scribbles(stack, seed=0).array
    assert 0 < np.mean(drawn > 0) <= 0.01
    used = (drawn > 0).any(axis=(1, 2))
    assert 1 < used.sum() < len(used) / 2
    assert np.mean(drawn[used] > 0) <= 0.01


def test_every_time_point_is_drawn_on(truth):
    movie = Image(np.stack([truth.array, truth.array]), "TYX", truth.spacing, time_step=1.0)
    drawn = annotations.scribbles(movie, seed=0)
    assert drawn.axes == "TYX"
    assert all((frame == number).any() for frame in drawn.array for number in (1, 2))
    assert (drawn.array[0] != drawn.array[1]).any()


def test_strokes_are_long_and_thin_and_leave_objects_out(truth):
    drawn = annotations.scribbles(truth, seed=0, share=0.005).array
    pieces, count = label(drawn == annotations.BACKGROUND, np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())[1:]
    assert 10 < np.median(sizes) < 150
    assert count > 5
    inside = np.unique(truth.array[drawn == annotations.OBJECT])
    assert 3 < len(inside) < len(np.unique(truth.array)) - 1


def test_background_is_also_drawn_beside_objects(truth):
    from scipy.ndimage import distance_transform_edt

    distance = distance_transform_edt(truth.array == 0)
    drawn = annotations.scribbles(truth, seed=0).array == annotations.BACKGROUND
    assert (distance[drawn] <= 2).any()
    assert (distance[drawn] > 10).any()


def test_the_same_seed_draws_the_same_and_another_does_not(truth):
    first, again, other = (annotations.scribbles(truth, seed=seed).array for seed in (0, 0, 1))
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_an_image_without_objects_gets_background_only():
    empty = Image(np.zeros((80, 80), np.uint32), "YX", (1, 1))
    drawn = annotations.scribbles(empty, seed=0).array
    assert set(np.unique(drawn)) == {0, annotations.BACKGROUND}


def test_a_description_counts_each_class():
    array = np.array([[0, 1, 1], [2, 0, 3]], np.uint8)
    assert annotations.describe(Image(array, "YX", (1, 1))) == {
        "background": 2,
        "object": 1,
        "boundary": 1,
        "share": 4 / 6,
    }


@pytest.mark.parametrize(
    ("array", "axes", "message"),
    [
        (np.array([[0, 1, 2]]), "YX", r"shape \(1, 3\), but the image \(2, 3\)"),
        (np.array([[0, 1, 2], [4, 0, 0]]), "YX", "holds the value 4; allowed are 0"),
        (np.array([[0, 1, 2], [-1, 0, 0]]), "YX", "holds the value -1"),
        (np.array([[0, 1, 2], [1.5, 0, 0]]), "YX", "holds the value 1.5"),
        (np.array([[0, 1, 1], [0, 0, 0]]), "YX", "marks no object"),
        (np.array([[0, 2, 3], [0, 0, 0]]), "YX", "marks no background"),
        (np.zeros((2, 3)), "YX", "marks no background"),
        (np.ones((1, 2, 3)), "ZYX", "has the axes ZYX, and the image YX"),
    ],
)
def test_bad_annotations_are_refused_in_one_sentence(array, axes, message):
    image = Image(np.zeros((2, 3)), "YX", (1, 1), "field 7")
    drawn = Image(array, axes, (1,) * len(axes), "drawn")
    with pytest.raises(InputError, match=message) as error:
        annotations.check(drawn, image)
    assert "\n" not in str(error.value)


def test_good_annotations_pass_with_and_without_boundaries():
    image = Image(np.zeros((2, 3)), "YX", (1, 1))
    for last in (0, 3):
        annotations.check(image.with_array(np.array([[1, 2, 0], [0, 0, last]])), image)
