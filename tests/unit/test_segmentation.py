"""Do the segmenters find objects whose place is known, on every grid?"""

import warnings

import numpy as np
import pytest
from bioagree import device, segmentation
from bioagree.errors import InputError
from bioagree.images import Image
from bioagree.segmentation import postprocess, registry
from bioagree.segmentation.registry import FAMILIES
from bioagree.segmentation.watershed import _apart
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.filters import threshold_otsu

METHODS = {
    "gauss_otsu": {"sigma_um": 0.5},
    "voronoi_otsu": {"spot_sigma_um": 1.5, "outline_sigma_um": 0.5},
    "distance_watershed": {"seed_distance_um": 3.0},
    "local_threshold_watershed": {"window_um": 8.0, "seed_distance_um": 3.0, "offset_sd": 0.6},
}
LEARNED = {"pixel_forest"}  # tested in test_forest.py
# Kernels are compiled for every new shape, so scenes share few of them.
FLAT, DEEP, COARSE = (54, 54), (24, 44, 44), (12, 44, 44)
APART = {
    "2D": (FLAT, (0.5, 0.5), [(6, 6), (6, 20), (20, 7), (21, 21), (13, 13)], 3.5),
    "2D anisotropic": (FLAT, (0.5, 0.25), [(6, 6), (20, 7)], 3.5),
    "3D": (DEEP, (0.5, 0.5, 0.5), [(6, 6, 6), (6, 6, 16), (6, 16, 6), (6, 16, 17)], 3.5),
    "3D slightly anisotropic": (DEEP, (0.7, 0.5, 0.5), [(6, 6, 6), (10, 16, 6), (8, 15, 16)], 3.5),
    "3D anisotropic": (COARSE, (1, 0.5, 0.5), [(6, 6, 6), (6, 6, 16), (6, 16, 6)], 3.5),
}
TOUCHING = {
    "2D": (FLAT, (0.5, 0.5), [(13, 9), (13, 16)], 4.0),
    "2D anisotropic": (FLAT, (0.5, 0.25), [(10, 6.5), (17, 6.5)], 4.0),
    "3D": (DEEP, (0.5, 0.5, 0.5), [(6, 9, 6), (6, 9, 13)], 4.0),
    "3D anisotropic": (COARSE, (1, 0.5, 0.5), [(6, 9, 6), (6, 9, 13)], 4.0),
}


def distances(shape, spacing, centres):
    """Return each voxel's distance in µm to each centre."""
    places = np.moveaxis(np.indices(shape), 0, -1) * spacing
    return np.stack([np.linalg.norm(places - centre, axis=-1) for centre in centres])


def scene(shape, spacing, centres, radius):
    """Return noisy discs or balls with soft edges, and their exact labels."""
    distance = distances(shape, spacing, centres)
    signal = 1 / (1 + np.exp((distance.min(0) - radius) / 0.15))
    noise = np.random.default_rng(0).normal(0, 5, shape)
    array = (100 + 900 * signal + noise).astype("float32")
    truth = np.where(distance.min(0) <= radius, distance.argmin(0) + 1, 0)
    return Image(array, "ZYX"[-len(shape) :], spacing, "scene", ("n",)), truth


def label(image, name, **more):
    return segmentation.label(image, registry.segmenter(name), METHODS[name] | more)


def assert_finds(labels, truth):
    """Check that every object is one label that covers it, and nothing else is there."""
    count = truth.max()
    assert np.unique(labels).tolist() == list(range(count + 1))
    partners = []
    for number in range(1, count + 1):
        found = np.bincount(labels[truth == number], minlength=count + 1)[1:].argmax() + 1
        union = np.count_nonzero((labels == found) | (truth == number))
        assert np.count_nonzero((labels == found) & (truth == number)) > 0.8 * union
        partners.append(found)
    assert sorted(partners) == list(range(1, count + 1))


def test_every_segmenter_is_tested_here():
    assert METHODS.keys() | LEARNED == FAMILIES.keys()


@pytest.mark.parametrize("grid", APART)
@pytest.mark.parametrize("name", METHODS)
def test_separate_objects_are_found_one_label_each(name, grid):
    image, truth = scene(*APART[grid])
    labels = label(image, name)
    assert_finds(labels.array, truth)
    assert labels.array.dtype == np.uint32
    assert (labels.axes, labels.spacing, labels.channels) == (image.axes, image.spacing, ())


@pytest.mark.parametrize("grid", TOUCHING)
@pytest.mark.parametrize("name", [name for name in METHODS if name != "gauss_otsu"])
def test_touching_objects_are_split(name, grid):
    image, truth = scene(*TOUCHING[grid])
    assert_finds(label(image, name).array, truth)


@pytest.mark.parametrize("grid", TOUCHING)
def test_touching_objects_stay_one_where_nothing_splits_them(grid):
    image, _ = scene(*TOUCHING[grid])
    assert label(image, "gauss_otsu").array.max() == 1


@pytest.mark.parametrize("grid", ["2D", "3D anisotropic"])
@pytest.mark.parametrize("name", METHODS)
def test_finer_voxels_do_not_change_the_count(name, grid):
    for shape, spacing, centres, radius in (APART[grid], TOUCHING[grid]):
        coarse, _ = scene(shape, spacing, centres, radius)
        array = coarse.array
        for axis in range(array.ndim):
            array = array.repeat(2, axis)
        fine = Image(array, coarse.axes, tuple(step / 2 for step in spacing), channels=("n",))
        specks = [{"remove_small": {"min_diameter_um": 2.0}}]
        counts = [
            segmentation.label(image, registry.segmenter(name), METHODS[name], specks).array.max()
            for image in (coarse, fine)
        ]
        assert counts[0] == counts[1] > 0


@pytest.mark.parametrize("grid", ["2D", "3D"])
def test_voronoi_otsu_is_clesperantos_bit_for_bit_on_cubes(grid):
    cle = device.kernels()
    for image, _ in (scene(*APART[grid]), scene(*TOUCHING[grid])):
        noisy = image.array + np.random.default_rng(1).normal(0, 300, image.array.shape)
        given = Image(noisy.astype("float32"), image.axes, image.spacing)
        expected = cle.pull(
            cle.voronoi_otsu_labeling(given.array, spot_sigma=1.2 / 0.5, outline_sigma=0.6 / 0.5)
        )
        actual = registry.segmenter("voronoi_otsu")(given, spot_sigma_um=1.2, outline_sigma_um=0.6)
        assert expected.max() > 1
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("grid", ["2D", "3D"])
@pytest.mark.parametrize("name", METHODS)
def test_labels_repeat_exactly_and_the_image_is_not_changed(name, grid):
    image, _ = scene(*TOUCHING[grid])
    before = image.array.copy()
    np.testing.assert_array_equal(label(image, name).array, label(image, name).array)
    np.testing.assert_array_equal(image.array, before)


@pytest.mark.parametrize("value", [0, 7])
@pytest.mark.parametrize("name", METHODS)
def test_a_constant_image_has_no_object_and_no_warning(name, value):
    image = Image(np.full(FLAT, value, "float32"), "YX", (0.5, 0.5), channels=("n",))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels = segmentation.label(
            image, registry.segmenter(name), METHODS[name], [{"fill_holes": {}}]
        )
    assert labels.array.dtype == np.uint32
    assert not labels.array.any()


def test_no_object_goes_through_every_step():
    image, _ = scene(*APART["2D"])
    steps = [
        {name: {"remove_small": {"min_diameter_um": 1.0}}.get(name, {})}
        for name in postprocess.STEPS
        if name != "remove_large"
    ]
    parameters = METHODS["local_threshold_watershed"] | {"offset_sd": 100.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels = segmentation.label(
            image, registry.segmenter("local_threshold_watershed"), parameters, steps
        )
    assert labels.array.shape == FLAT
    assert not labels.array.any()


@pytest.mark.parametrize("name", METHODS)
def test_time_points_are_segmented_and_numbered_one_by_one(name):
    several, _ = scene(*APART["2D"])
    two, _ = scene(*TOUCHING["2D"])
    empty = np.full(FLAT, 5, "float32")
    frames = np.stack([several.array, empty, two.array])
    movie = Image(frames, "TYX", (0.5, 0.5), "movie", ("n",), 1.0)
    labels = label(movie, name)
    assert labels.time_step == 1.0
    np.testing.assert_array_equal(labels.array[0], label(several, name).array)
    np.testing.assert_array_equal(labels.array[2], label(two, name).array)
    assert not labels.array[1].any()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
@pytest.mark.parametrize("name", METHODS)
def test_every_pixel_type_is_segmented(name, dtype):
    image, truth = scene(*APART["2D"])
    array = np.clip(image.array / 5, 0, 255).astype(dtype)
    assert_finds(label(image.with_array(array), name).array, truth)


def test_postprocessing_is_applied_in_order_and_labels_are_renumbered():
    image, truth = scene(FLAT, (0.5, 0.5), [(3, 3), (13, 13), (21, 21)], 3.5)
    steps = [{"remove_border": {}}]
    found = segmentation.label(
        image, registry.segmenter("gauss_otsu"), METHODS["gauss_otsu"], steps
    ).array
    assert np.unique(found).tolist() == [0, 1, 2]
    assert not found[truth == 1].any()


def test_several_channels_are_refused():
    image = Image(np.zeros((2, *FLAT)), "CYX", (0.5, 0.5), "a", ("m", "n"))
    with pytest.raises(InputError, match="choose one first"):
        label(image, "gauss_otsu")


@pytest.mark.parametrize("spacing", [(1.5, 0.3), (0.3, 1.5)])
def test_the_blur_before_the_threshold_is_in_micrometres(spacing):
    noise = np.random.default_rng(0).normal(0, 1, FLAT).astype("float32")
    blurred = gaussian_filter(noise, [0.9 / step for step in spacing], mode="nearest")
    found = registry.segmenter("gauss_otsu")(Image(noise, "YX", spacing), sigma_um=0.9)
    # Two histograms of 256 bins may put the threshold into neighbouring bins.
    assert np.mean((found > 0) == (blurred > threshold_otsu(blurred))) > 0.95


@pytest.mark.parametrize(
    ("name", "shape", "spacing", "centres", "radius"),
    [
        ("voronoi_otsu", COARSE, (1.5, 0.5, 0.5), [(6, 8, 7), (10.5, 10, 12)], 3.5),
        ("distance_watershed", FLAT, (1.0, 0.25), [(20, 5), (26, 9)], 4.0),
        ("distance_watershed", FLAT, (0.25, 1.0), [(5, 20), (9, 26)], 4.0),
    ],
)
def test_objects_that_touch_askew_are_cut_half_way_in_micrometres(
    name, shape, spacing, centres, radius
):
    image, truth = scene(shape, spacing, centres, radius)
    labels = label(image, name).array
    assert labels.max() == 2
    both = (labels > 0) & (truth > 0)
    agreement = np.mean(labels[both] == truth[both])
    assert max(agreement, 1 - agreement) > (0.99 if name == "voronoi_otsu" else 0.96)


def test_the_deepest_seed_is_kept_where_several_are_too_near():
    """A large disc with a bump on either side: the bumps are near to it, not to each other."""
    distance = distances(FLAT, (0.5, 0.5), [(13, 13), (13, 6.5), (13, 19.5)])
    array = (distance < np.array([5, 2.5, 2.5])[:, None, None]).any(0).astype("float32")
    image = Image(array, "YX", (0.5, 0.5))
    assert label(image, "distance_watershed", seed_distance_um=3.0).array.max() == 3
    assert label(image, "distance_watershed", seed_distance_um=8.0).array.max() == 1


@pytest.mark.parametrize("radius", [3.0, 3.5, 4.0])
def test_a_disc_between_pixels_is_one_object_whatever_the_distance_of_seeds(radius):
    image, _ = scene(FLAT, (0.5, 0.5), [(13.25, 13.25)], radius)
    assert label(image, "distance_watershed", seed_distance_um=0.6).array.max() == 1


def test_empty_regions_stay_empty_under_a_local_threshold():
    image, truth = scene(FLAT, (0.5, 0.5), [(5, 5)], 3.5)
    found = label(image, "local_threshold_watershed", window_um=1.5, offset_sd=0.0).array
    assert np.mean(found[truth == 0] > 0) < 0.03


@pytest.mark.parametrize("name", ["distance_watershed", "local_threshold_watershed"])
def test_seeds_that_are_too_near_become_one_object(name):
    image, _ = scene(*TOUCHING["2D"])  # centres 7 µm apart
    assert label(image, name, seed_distance_um=6.0).array.max() == 2
    assert label(image, name, seed_distance_um=8.0).array.max() == 1


def test_a_dim_object_beside_a_bright_one_needs_a_local_threshold():
    distance = distances(FLAT, (0.5, 0.5), [(8, 8), (19, 19)])
    array = 50 + 5000 * (distance[0] < 3.5) + 500 * (distance[1] < 3.5)
    array = array + np.random.default_rng(0).normal(0, 5, FLAT)
    image = Image(array.astype("float32"), "YX", (0.5, 0.5))
    assert label(image, "distance_watershed").array.max() == 1
    found = label(image, "local_threshold_watershed", window_um=4.0, offset_sd=0.0).array
    assert found[38, 38]
    assert found[38, 38] != found[16, 16] > 0


def test_a_larger_offset_keeps_less():
    image, _ = scene(*APART["2D"])
    sizes = [
        np.count_nonzero(label(image, "local_threshold_watershed", offset_sd=offset).array)
        for offset in (0.0, 1.0, 1.5)
    ]
    assert sizes[0] > sizes[1] > sizes[2] > 0


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), max_size=25), st.floats(0.5, 5))
def test_seeds_keep_their_distance_and_none_is_dropped_without_a_reason(places, distance):
    places = np.array(places).reshape(-1, 2)
    keep = _apart(places, distance)
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    kept = np.flatnonzero(keep)
    assert (apart[np.ix_(kept, kept)][~np.eye(len(kept), dtype=bool)] > distance - 1e-9).all()
    for index in np.flatnonzero(~keep):
        assert (apart[index, kept[kept < index]] <= distance + 1e-9).any()
