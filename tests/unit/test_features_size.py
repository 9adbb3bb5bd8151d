"""Are objects found, placed and sized right, whatever the label image looks like?"""

import numba
import numpy as np
import pytest
import SimpleITK as sitk
from bioagree.features import size
from bioagree.features.dictionary import features_of
from bioagree.features.objects import Objects
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from label_images import GRIDS, blobs, scattered
from skimage.measure import regionprops_table

IMAGES = arrays.arrays(
    np.int16, arrays.array_shapes(min_dims=2, max_dims=3, max_side=7), elements=st.integers(-1, 4)
)


@pytest.mark.parametrize("image", [scattered, blobs])
@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
def test_size_and_place_are_scikit_images(image, shape, spacing):
    labels = image(shape, 0)
    found = size.measure(Objects(labels, spacing))
    expected = regionprops_table(
        labels.astype(np.int32),
        properties=["area", "equivalent_diameter_area", "centroid", "bbox"],
        spacing=spacing,
    )
    ndim = len(shape)
    assert len(expected["area"]) >= 5
    name = "area_um2" if ndim == 2 else "volume_um3"
    np.testing.assert_allclose(found[name], expected["area"], rtol=1e-12)
    np.testing.assert_allclose(
        found["equivalent_diameter_um"], expected["equivalent_diameter_area"], rtol=1e-12
    )
    for index, axis in enumerate("zyx"[-ndim:]):
        np.testing.assert_allclose(
            found[f"centroid_{axis}_um"], expected[f"centroid-{index}"], rtol=1e-12
        )
        np.testing.assert_array_equal(found[f"bbox_{axis}_start"], expected[f"bbox-{index}"])
        stop = expected[f"bbox-{index + ndim}"]
        np.testing.assert_array_equal(found[f"bbox_{axis}_stop"], stop)


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
def test_size_and_place_are_those_of_simpleitk(shape, spacing):
    labels = blobs(shape, 1)
    objects = Objects(labels, spacing)
    found = size.measure(objects)
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(spacing[::-1])
    itk = sitk.LabelShapeStatisticsImageFilter()
    itk.Execute(image)
    ids = [int(label) for label in objects.ids]
    ndim = len(shape)
    volumes = found["area_um2" if ndim == 2 else "volume_um3"]
    np.testing.assert_allclose(volumes, [itk.GetPhysicalSize(i) for i in ids], rtol=1e-12)
    centroids = np.stack([found[f"centroid_{axis}_um"] for axis in "xyz"[:ndim]], 1)
    np.testing.assert_allclose(centroids, [itk.GetCentroid(i) for i in ids], atol=1e-9)


def test_one_object_by_hand():
    labels = np.zeros((5, 6), np.uint32)
    labels[1:3, 2:5] = 4
    objects = Objects(labels, (0.5, 0.2))
    assert objects.ids.tolist() == [4]
    assert {name: column.tolist() for name, column in size.measure(objects).items()} == {
        "area_um2": [pytest.approx(0.6)],
        "equivalent_diameter_um": [pytest.approx(np.sqrt(2.4 / np.pi))],
        "centroid_y_um": [pytest.approx(0.75)],
        "bbox_y_start": [1],
        "bbox_y_stop": [3],
        "centroid_x_um": [pytest.approx(0.6)],
        "bbox_x_start": [2],
        "bbox_x_stop": [5],
        "touches_border": [False],
    }


@pytest.mark.parametrize("ndim", [2, 3])
def test_every_face_of_the_image_is_a_border(ndim):
    for axis in range(ndim):
        for place, touches in ((0, True), (1, False), (2, False), (3, True)):
            labels = np.zeros((4,) * ndim, np.uint32)
            index = [1] * ndim
            index[axis] = place
            labels[tuple(index)] = 1
            found = size.measure(Objects(labels, (1.0,) * ndim))
            assert found["touches_border"].tolist() == [touches]


def test_all_objects_of_a_single_slice_touch_the_border():
    labels = np.zeros((1, 5, 5), np.uint8)
    labels[0, 2, 2] = 1
    assert size.measure(Objects(labels, (1.0, 1.0, 1.0)))["touches_border"].tolist() == [True]


@settings(deadline=None)
@given(IMAGES)
def test_objects_are_the_labels_that_occur_and_numbers_follow_their_order(labels):
    objects = Objects(labels, (1.0,) * labels.ndim)
    expected = np.unique(labels[labels > 0])
    np.testing.assert_array_equal(objects.ids, expected)
    numbers = np.where(labels > 0, np.searchsorted(expected, labels) + 1, 0)
    assert objects.numbers.dtype == np.int32
    np.testing.assert_array_equal(objects.numbers, numbers.reshape(objects.shape))


@settings(deadline=None)
@given(IMAGES)
def test_runs_hold_each_voxel_once_and_are_as_long_as_can_be(labels):
    objects = Objects(labels, (1.0,) * labels.ndim)
    runs = objects.runs
    rows = np.zeros(objects.shape, np.int64).reshape(-1, objects.shape[-1])
    for index in range(len(objects)):
        last = (-1, -1)
        for run in range(runs.first[index], runs.first[index + 1]):
            place = (runs.row[run], runs.start[run])
            assert place > last
            rows[runs.row[run], runs.start[run] : runs.stop[run]] += objects.ids[index]
            last = (runs.row[run], runs.stop[run])
    np.testing.assert_array_equal(rows.ravel(), np.maximum(labels, 0).ravel())


@pytest.mark.parametrize(
    "dtype", ["?", "u1", "i1", "u2", ">u2", "i2", "u4", ">i4", "i8", "u8", ">u8"]
)
def test_every_type_of_labels_gives_the_same_objects(dtype):
    labels = (blobs((20, 30), 2) % 2).astype(dtype)
    objects = Objects(labels, (1.0, 1.0))
    assert objects.ids.tolist() == [1]
    assert objects.moments.count.tolist() == [np.count_nonzero(labels)]


def test_labels_without_gaps_are_not_copied():
    labels = np.array([[0, 1, 1], [2, 3, 0]], np.uint32)
    assert np.shares_memory(Objects(labels, (1.0, 1.0)).numbers, labels)


@pytest.mark.parametrize("labels", [[1, 65_537, 131_073], [7, 2**31, 2**32 - 1]])
def test_labels_beyond_16_bits_are_objects_of_their_own(labels):
    objects = Objects(np.array([labels, [0, 0, 0]], np.uint32), (1.0, 1.0))
    assert objects.ids.tolist() == labels
    assert objects.moments.count.tolist() == [1, 1, 1]


def test_an_image_may_be_a_view():
    labels = np.asfortranarray(blobs((20, 30), 3))[::2, ::-1]
    found = size.measure(Objects(labels, (1.0, 1.0)))
    expected = size.measure(Objects(labels.copy(order="C"), (1.0, 1.0)))
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name])


def test_a_hundred_thousand_single_voxels():
    labels = np.zeros((100, 100, 100), np.uint32)
    labels[::2, ::2, ::2] = np.arange(1, 125_001).reshape(50, 50, 50)
    found = size.measure(Objects(labels, (1.0, 0.5, 0.5)))
    assert len(found["volume_um3"]) == 125_000
    assert (found["volume_um3"] == 0.25).all()
    np.testing.assert_array_equal(found["centroid_z_um"], np.repeat(np.arange(0.0, 100, 2), 2500))


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5)])
def test_without_object_the_columns_are_there_with_the_same_types(shape):
    spacing = (1.0,) * len(shape)
    empty = size.measure(Objects(np.zeros(shape, np.uint32), spacing))
    some = size.measure(Objects(np.ones(shape, np.uint32), spacing))
    assert list(empty) == list(some)
    for name in some:
        assert len(empty[name]) == 0
        assert empty[name].dtype == some[name].dtype


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_dictionary_declares_every_column_and_no_other(ndim):
    columns = size.measure(Objects(np.ones((2,) * ndim, np.uint8), (1.0,) * ndim))
    declared = {
        feature.name.format(axis=axis)
        for feature in features_of("size")
        for axis in "zyx"[-ndim:]
        if ndim in feature.dimensions
    }
    assert columns.keys() == declared


def test_results_do_not_depend_on_the_number_of_threads():
    labels = blobs((30, 40, 50), 4)
    threads = numba.get_num_threads()
    results = []
    for n in (1, threads):
        numba.set_num_threads(n)
        results.append(size.measure(Objects(labels, (1.1, 0.4, 0.3))))
    for name in results[0]:
        np.testing.assert_array_equal(results[0][name], results[1][name])
