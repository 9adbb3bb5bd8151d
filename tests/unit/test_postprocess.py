"""Do the steps on label images change what they say, and nothing else?"""

import numpy as np
import pytest
from bioagree.images import Image
from bioagree.segmentation import postprocess
from bioagree.segmentation.postprocess import (
    STEPS,
    equivalent_diameter,
    fill_holes,
    remove_border,
    remove_large,
    remove_small,
    renumber,
    split_fragments,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage
from skimage.measure import label as connected
from skimage.measure import regionprops
from skimage.segmentation import clear_border

PARAMETERS = {"remove_small": {"min_diameter_um": 2.0}, "remove_large": {"max_diameter_um": 2.0}}
label_images = arrays(
    np.uint32,
    array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=7),
    elements=st.sampled_from([0, 0, 1, 2, 5]),
)


def labels(array, spacing=None):
    array = np.asarray(array)
    spacing = spacing or (1.0,) * array.ndim
    return Image(array, "ZYX"[-array.ndim :], spacing)


def drawn(text):
    """Return a label image from lines of digits."""
    return np.array([list(map(int, line)) for line in text.split()])


# Fragments


def test_the_largest_fragment_keeps_the_label_and_the_others_get_new_ones():
    found = split_fragments(labels(drawn("1101110 0000000 2201000")))
    assert found.tolist() == drawn("3301110 0000000 2204000").tolist()


def test_fragments_that_touch_at_a_corner_are_one():
    array = drawn("100 010 001")
    assert (split_fragments(labels(array)) == array).all()


def test_touching_labels_do_not_join():
    assert (split_fragments(labels(drawn("1122 1122"))) == drawn("1122 1122")).all()


@given(label_images)
def test_split_fragments_yields_connected_objects_of_the_same_voxels(array):
    found = split_fragments(labels(array))
    np.testing.assert_array_equal(found > 0, array > 0)
    for number in np.unique(found[found > 0]):
        assert connected(found == number).max() == 1
        assert len(np.unique(array[found == number])) == 1
    for number in np.unique(array[array > 0]):
        sizes = np.bincount(connected(array == number).ravel())[1:]
        assert np.count_nonzero(found == number) == sizes.max()
        assert len(np.unique(found[array == number])) == len(sizes)


# Holes


def test_holes_are_filled_but_not_what_is_open_or_shared():
    before = drawn("1111000 1010222 1110202 1111202 0000222 3330012 3030010 3000010")
    after = drawn("1111000 1110222 1110222 1111222 0000222 3330012 3030010 3000010")
    assert fill_holes(labels(before)).tolist() == after.tolist()


def test_a_hole_between_two_objects_stays():
    array = drawn("1122 1002 1122")
    assert (fill_holes(labels(array)) == array).all()


def test_a_hole_that_is_open_at_a_corner_only_is_filled():
    assert fill_holes(labels(drawn("0110 1010 1110"))).tolist() == drawn("0110 1110 1110").tolist()


def test_a_hole_at_the_edge_of_the_image_stays():
    array = drawn("1101 1111")
    assert (fill_holes(labels(array)) == array).all()


def test_a_tunnel_is_no_hole_in_3d():
    array = np.ones((3, 5, 5), int)
    array[:, 2, 2] = 0
    assert (fill_holes(labels(np.pad(array, 1))) == np.pad(array, 1)).all()
    array[0] = array[2] = 1
    assert fill_holes(labels(np.pad(array, 1)))[2, 3, 3] == 1


@pytest.mark.parametrize("shape", [(12, 14), (6, 8, 7)])
def test_holes_of_one_object_are_those_that_scipy_fills(shape):
    for seed in range(20):
        array = np.random.default_rng(seed).random(shape) < 0.7
        np.testing.assert_array_equal(
            fill_holes(labels(array.astype(int))), ndimage.binary_fill_holes(array)
        )


@given(label_images)
def test_filling_twice_changes_nothing_and_foreground_never_changes(array):
    once = fill_holes(labels(array))
    np.testing.assert_array_equal(once[array > 0], array[array > 0])
    assert set(np.unique(once)) <= set(np.unique(array))
    np.testing.assert_array_equal(fill_holes(labels(once)), once)


# Size


@pytest.mark.parametrize("spacing", [(0.3, 0.3), (0.5, 0.2), (0.9, 0.3, 0.2)])
def test_the_threshold_of_size_is_the_equivalent_diameter_itself(spacing):
    array = np.zeros((8,) * len(spacing), int)
    array[(slice(0, 3),) * len(spacing)] = 1
    array[(slice(4, 8),) * len(spacing)] = 7
    for number, other in ((1, 7), (7, 1)):
        voxels = np.count_nonzero(array == number)
        size = voxels * np.prod(spacing)
        diameter = 2 * np.sqrt(size / np.pi) if array.ndim == 2 else np.cbrt(6 * size / np.pi)
        diameter_seen = float(equivalent_diameter(size, array.ndim))
        assert diameter_seen == pytest.approx(diameter, rel=1e-14)
        larger, smaller = (np.nextafter(diameter_seen, to) for to in (np.inf, 0))
        image = labels(array, spacing)
        assert (remove_small(image, min_diameter_um=diameter_seen) == number).any()
        assert not (remove_small(image, min_diameter_um=larger) == number).any()
        assert (remove_large(image, max_diameter_um=diameter_seen) == number).any()
        assert not (remove_large(image, max_diameter_um=smaller) == number).any()
        kept = remove_small(image, min_diameter_um=diameter_seen)
        assert (kept == other).any() == (other == 7)


@settings(max_examples=50)
@given(label_images, st.floats(0.2, 4))
def test_size_is_scikit_images_equivalent_diameter(array, diameter):
    spacing = (0.9, 0.5, 0.4)[-array.ndim :]
    image = labels(array, spacing)
    for remove, name, keeps in (
        (remove_small, "min_diameter_um", np.greater_equal),
        (remove_large, "max_diameter_um", np.less_equal),
    ):
        found = remove(image, **{name: diameter})
        for region in regionprops(array.astype(int), spacing=spacing):
            d = region.equivalent_diameter_area
            kept = (found[array == region.label] == region.label).all()
            assert kept == keeps(d, diameter) or abs(d - diameter) < 1e-9
        assert not found[array == 0].any()


@pytest.mark.parametrize(("size", "ndim", "expected"), [(np.pi, 2, 2), (np.pi / 6, 3, 1)])
def test_a_circle_of_area_pi_is_two_wide_and_a_ball_of_volume_pi_sixths_one(size, ndim, expected):
    assert equivalent_diameter(size, ndim) == pytest.approx(expected)


# Border


def test_objects_at_any_edge_are_removed():
    array = drawn("1000000 0220330 0220300 0000300 0440305")
    assert remove_border(labels(array)).tolist() == (array * (array == 2)).tolist()


def test_the_first_and_last_slice_are_edges():
    array = np.zeros((4, 5, 5), int)
    array[0, 2, 1] = 1
    array[1:3, 2, 2] = 2
    array[3, 2, 3] = 3
    assert np.unique(remove_border(labels(array))).tolist() == [0, 2]


@given(label_images)
def test_border_objects_are_those_that_scikit_image_clears(array):
    pieces = connected(array)  # scikit-image looks at pieces, not at labels
    np.testing.assert_array_equal(remove_border(labels(pieces)), clear_border(pieces))


# Numbers


@given(arrays(np.uint32, (4, 5), elements=st.sampled_from([0, 3, 4, 70_000])))
def test_labels_are_renumbered_in_their_order_without_gaps(array):
    found = renumber(array)
    assert found.dtype == np.uint32
    present = np.setdiff1d(array, 0)
    assert np.setdiff1d(found, 0).tolist() == list(range(1, len(present) + 1))
    for position, number in enumerate(present, start=1):
        assert (found[array == number] == position).all()
    assert not found[array == 0].any()


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, np.uint32])
def test_labels_of_any_type_are_renumbered(dtype):
    assert renumber(np.array([[0, 9, 9, 4]], dtype)).tolist() == [[0, 2, 2, 1]]


# Chains


def test_steps_run_in_order():
    array = drawn("00000000 01111000 01001000 01111020 00000000")
    image = labels(array)
    steps = [{"fill_holes": {}}, {"remove_small": {"min_diameter_um": 3.7}}]
    found = postprocess.apply(image, steps).array
    assert np.count_nonzero(found) == 12
    assert not postprocess.apply(image, steps[::-1]).array.any()
    assert postprocess.apply(image, []) is image
    assert np.count_nonzero(array) == 11


@pytest.mark.parametrize("shape", [(5, 6), (1, 6), (1, 1), (3, 5, 6), (1, 5, 6)])
@pytest.mark.parametrize("name", STEPS)
def test_no_object_goes_through_every_step(name, shape):
    empty = labels(np.zeros(shape, np.uint32))
    found = postprocess.apply(empty, [{name: PARAMETERS.get(name, {})}])
    assert found.array.shape == shape
    assert not found.array.any()
    assert not renumber(found.array).any()


@pytest.mark.parametrize("name", STEPS)
def test_an_object_without_background_goes_through_every_step(name):
    full = labels(np.full((5, 6), 3, np.uint32))
    found = postprocess.apply(full, [{name: PARAMETERS.get(name, {})}]).array
    expected = 0 if name in ("remove_border", "remove_large") else 3
    assert (found == expected).all()


@given(label_images)
def test_no_step_changes_its_input(array):
    before = array.copy()
    for name in STEPS:
        postprocess.apply(labels(array), [{name: PARAMETERS.get(name, {})}])
    np.testing.assert_array_equal(array, before)
