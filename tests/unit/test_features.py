"""Are objects measured as scikit-image measures them, in µm?"""

import numpy as np
import pytest
from bioagree.features.dictionary import FEATURES, unit_of
from bioagree.features.table import measure, measure_images
from bioagree.images import Image
from skimage.measure import regionprops_table

GRIDS = [((20, 30), (0.5, 0.5)), ((20, 30), (0.7, 0.3)), ((6, 12, 14), (1.1, 0.4, 0.3))]


def labels(array, spacing=None, name="A01"):
    array = np.asarray(array)
    return Image(array, "ZYX"[-array.ndim :], spacing or (1.0,) * array.ndim, name)


def intensities(array, spacing=None, channels=("n",), axes=None):
    array = np.asarray(array)
    axes = axes or "ZYX"[-array.ndim :]
    return Image(array, axes, spacing or (1.0,) * axes.count("Z") + (1.0, 1.0), "A01", channels)


def scattered(shape, seed):
    """Return labels with gaps and fragments, some beyond 16 bits."""
    rng = np.random.default_rng(seed)
    numbers = np.array([0, 0, 0, 2, 3, 9, 40, 70_000])
    coarse = rng.choice(numbers, [size // 2 + 1 for size in shape])
    for axis in range(len(shape)):
        coarse = coarse.repeat(2, axis)
    return coarse[tuple(slice(size) for size in shape)].astype(np.uint32)


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
@pytest.mark.parametrize("seed", range(3))
def test_features_are_scikit_images(shape, spacing, seed):
    array = scattered(shape, seed)
    pixels = np.random.default_rng(seed).integers(0, 60_000, shape).astype("uint16")
    found = measure(labels(array, spacing), intensities(pixels, spacing))
    expected = regionprops_table(
        array.astype(int),
        pixels,
        properties=[
            "label",
            "area",
            "equivalent_diameter_area",
            "centroid",
            "bbox",
            "intensity_mean",
        ],
        spacing=spacing,
    )
    np.testing.assert_array_equal(found["label"], expected["label"])
    assert len(found["label"]) >= 3
    size = "area_um2" if len(shape) == 2 else "volume_um3"
    np.testing.assert_allclose(found[size], expected["area"], rtol=1e-12)
    np.testing.assert_allclose(
        found["equivalent_diameter_um"], expected["equivalent_diameter_area"], rtol=1e-12
    )
    np.testing.assert_allclose(found["intensity_mean_n"], expected["intensity_mean"], rtol=1e-12)
    voxels = np.bincount(array.ravel())[found["label"]]
    np.testing.assert_allclose(
        found["intensity_total_n"], expected["intensity_mean"] * voxels, rtol=1e-12
    )
    for index, axis in enumerate("zyx"[-len(shape) :]):
        np.testing.assert_allclose(
            found[f"centroid_{axis}_um"], expected[f"centroid-{index}"], rtol=1e-12
        )
        np.testing.assert_array_equal(found[f"bbox_{axis}_start"], expected[f"bbox-{index}"])
        stop = expected[f"bbox-{index + len(shape)}"]
        np.testing.assert_array_equal(found[f"bbox_{axis}_stop"], stop)


def test_one_object_by_hand():
    array = np.zeros((5, 6), np.uint32)
    array[1:3, 2:5] = 4
    pixels = np.arange(30).reshape(5, 6)
    found = measure(labels(array, (0.5, 0.2)), intensities(pixels, (0.5, 0.2)))
    assert {name: column.tolist() for name, column in found.items()} == {
        "frame": [0],
        "label": [4],
        "area_um2": [pytest.approx(0.6)],
        "equivalent_diameter_um": [pytest.approx(np.sqrt(2.4 / np.pi))],
        "centroid_y_um": [pytest.approx(0.75)],
        "bbox_y_start": [1],
        "bbox_y_stop": [3],
        "centroid_x_um": [pytest.approx(0.6)],
        "bbox_x_start": [2],
        "bbox_x_stop": [5],
        "touches_border": [False],
        "intensity_mean_n": [12.0],
        "intensity_total_n": [72.0],
    }


@pytest.mark.parametrize("ndim", [2, 3])
def test_every_face_of_the_image_is_a_border(ndim):
    for axis in range(ndim):
        for place, touches in ((0, True), (1, False), (2, False), (3, True)):
            array = np.zeros((4,) * ndim, np.uint32)
            index = [1] * ndim
            index[axis] = place
            array[tuple(index)] = 1
            assert measure(labels(array))["touches_border"].tolist() == [touches]


def test_labels_beyond_16_bits_are_objects_of_their_own():
    found = measure(labels(np.array([[1, 65_537, 131_073], [0, 0, 0]], np.uint32)))
    assert found["label"].tolist() == [1, 65_537, 131_073]
    assert found["area_um2"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5)])
def test_without_object_the_columns_are_there_with_the_same_types(shape):
    pixels = intensities(np.ones(shape))
    empty = measure(labels(np.zeros(shape, np.uint32)), pixels)
    some = measure(labels(np.ones(shape, np.uint32)), pixels)
    assert list(empty) == list(some)
    for name in some:
        assert len(empty[name]) == 0
        assert empty[name].dtype == some[name].dtype


def test_labels_alone_have_no_intensities():
    found = measure(labels(np.ones((3, 3), np.uint32)))
    assert not [name for name in found if name.startswith("intensity")]


def test_every_channel_is_measured_under_its_name():
    pixels = np.stack([np.full((2, 3), 5), np.full((2, 3), 7)])
    found = measure(
        labels(np.ones((2, 3), np.uint32)),
        intensities(pixels, (1.0, 1.0), ("nuclei", "actin"), "CYX"),
    )
    assert found["intensity_mean_nuclei"].tolist() == [5]
    assert found["intensity_total_actin"].tolist() == [42]


def test_sums_of_bright_voxels_do_not_overflow():
    pixels = np.full((100, 100), 65_535, np.uint16)
    found = measure(labels(np.ones((100, 100), np.uint8)), intensities(pixels))
    assert found["intensity_total_n"].tolist() == [65_535 * 10_000]


def test_time_points_are_measured_one_by_one():
    frames = np.array([[[1, 1, 0]], [[0, 0, 0]], [[0, 1, 2]]], np.uint32)
    pixels = np.array([[[1, 3, 9]], [[9, 9, 9]], [[9, 5, 7]]])
    movie = Image(frames, "TYX", (1.0, 2.0), "m", (), 1.0)
    found = measure(movie, Image(pixels, "TYX", (1.0, 2.0), "m", ("n",), 1.0))
    assert found["frame"].tolist() == [0, 2, 2]
    assert found["label"].tolist() == [1, 1, 2]
    assert found["area_um2"].tolist() == [4, 2, 2]
    assert found["intensity_mean_n"].tolist() == [2, 5, 7]


def test_a_table_lists_all_images_also_those_without_object():
    pairs = [
        (labels(np.ones((2, 3), np.uint32), name="a"), intensities(np.ones((2, 3)))),
        (labels(np.zeros((4, 4), np.uint32), name="b"), intensities(np.ones((4, 4)))),
        (labels(np.array([[1, 0, 5]], np.uint32), name="c"), intensities(np.ones((1, 3)))),
    ]
    table = measure_images(iter(pairs))
    assert table.columns["image"].tolist() == ["a", "c", "c"]
    assert table.columns["label"].tolist() == [1, 1, 5]
    assert table.about == {
        "images": [{"image": name, "frames": 1} for name in "abc"],
        "dimensions": 2,
    }
    assert {len(column) for column in table.columns.values()} == {3}
    assert table.units["area_um2"] == "µm²"


def test_a_table_of_no_object_at_all_is_valid():
    empty = labels(np.zeros((2, 3, 4), np.uint32))
    table = measure_images([(empty, intensities(np.ones((2, 3, 4))))])
    assert len(table) == 0
    assert "volume_um3" in table.columns
    assert table.about["dimensions"] == 3


def test_frames_are_counted_in_the_table():
    movie = Image(np.zeros((4, 2, 2), np.uint32), "TYX", (1.0, 1.0), "m", (), 1.0)
    pixels = Image(np.zeros((4, 2, 2)), "TYX", (1.0, 1.0), "m", ("n",), 1.0)
    assert measure_images([(movie, pixels)]).about["images"] == [{"image": "m", "frames": 4}]


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("volume_um3", "µm³"),
        ("area_um2", "µm²"),
        ("centroid_z_um", "µm"),
        ("label", ""),
        ("bbox_x_stop", ""),
        ("intensity_mean_um_signal", ""),
    ],
)
def test_the_unit_of_a_column_stands_at_the_end_of_its_name(column, unit):
    assert unit_of(column) == unit


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_dictionary_declares_every_column_and_no_other(ndim):
    shape = (2,) * ndim
    columns = measure(labels(np.ones(shape, np.uint32)), intensities(np.ones(shape)))
    declared = {
        feature.name.format(axis=axis, channel="n"): feature.unit
        for feature in FEATURES
        for axis in "zyx"[-ndim:]
        if ndim in feature.dimensions
    }
    assert declared.keys() == columns.keys() - {"frame", "label"}
    assert all(unit_of(name) == unit for name, unit in declared.items())
    assert all(feature.definition for feature in FEATURES)
