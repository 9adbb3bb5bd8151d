"""Are the intensities in each object summarised as NumPy and scikit-image do it?"""

import numpy as np
import pytest
from bioagree.errors import InputError
from bioagree.features import intensity
from bioagree.features.dictionary import features_of
from bioagree.features.objects import Objects
from label_images import GRIDS, blobs, scattered
from skimage.measure import regionprops_table


def measure(labels, image, **parameters):
    objects = Objects(labels, (1.0,) * labels.ndim, {"n": image})
    return objects, intensity.measure(objects, **parameters)


@pytest.mark.parametrize("image", [scattered, blobs])
@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
def test_statistics_are_scikit_images(image, shape, spacing):
    labels = image(shape, 0)
    pixels = np.random.default_rng(0).integers(0, 60_000, shape).astype(np.uint16)
    found = intensity.measure(Objects(labels, spacing, {"n": pixels}))
    names = {"mean": "mean", "std": "sd", "min": "min", "max": "max", "median": "median"}
    expected = regionprops_table(
        labels.astype(np.int32), pixels, properties=[f"intensity_{name}" for name in names]
    )
    for theirs, ours in names.items():
        np.testing.assert_allclose(
            found[f"intensity_{ours}_n"], expected[f"intensity_{theirs}"], rtol=1e-12
        )


@pytest.mark.parametrize("highest", [2, 250, 60_000])
@pytest.mark.parametrize(
    "dtype", ["?", "u1", "i1", "u2", ">u2", "i2", "u4", "i8", "f2", "f4", ">f4", "f8"]
)
def test_every_type_of_pixels_is_summarised_as_numpy_does(dtype, highest):
    labels = scattered((7, 9, 11), 1)
    pixels = np.random.default_rng(1).integers(0, highest, labels.shape)
    pixels = (pixels - highest // 2 if "i" in dtype else pixels).astype(dtype)
    percentiles = (90, 0, 33.3, 100)
    objects, found = measure(labels, pixels, percentiles=percentiles)
    for index, label in enumerate(objects.ids):
        values = pixels[labels == label].astype(float)
        expected = {
            "mean": values.mean(),
            "sd": values.std(),
            "total": values.sum(),
            "min": values.min(),
            "max": values.max(),
            "median": np.median(values),
        } | {f"p{percent:g}": np.percentile(values, percent) for percent in percentiles}
        for name, value in expected.items():
            assert found[f"intensity_{name}_n"][index] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize("dtype", [np.float64, np.uint32])
def test_the_standard_deviation_keeps_its_digits_far_from_zero(dtype):
    labels = np.ones((50, 60), np.uint8)
    steps = np.random.default_rng(2).integers(0, 10, labels.shape)
    _, found = measure(labels, (4e9 + steps).astype(dtype))
    assert found["intensity_sd_n"][0] == pytest.approx(steps.std(), rel=1e-8)


def test_an_outlier_at_the_first_voxel_costs_no_digits():
    pixels = np.full((20, 20), 1e9)
    pixels[0, 0] = 0
    pixels[1:] += np.random.default_rng(3).random((19, 20))
    _, found = measure(np.ones(pixels.shape, np.uint8), pixels)
    assert found["intensity_sd_n"][0] == pytest.approx(pixels.std(), rel=1e-12)
    labels = np.ones(pixels.shape, np.uint8)
    labels[0] = 2
    _, found = measure(labels, pixels)
    assert found["intensity_sd_n"][0] == pytest.approx(pixels[1:].std(), rel=1e-6)


def test_sums_of_bright_voxels_do_not_overflow():
    _, found = measure(np.ones((300, 300), np.uint8), np.full((300, 300), 65_535, np.uint16))
    assert found["intensity_total_n"].tolist() == [65_535 * 90_000]
    assert found["intensity_sd_n"].tolist() == [0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_voxel_that_is_not_finite_makes_its_object_nan_and_no_other(bad, dtype):
    labels = np.array([[1, 1, 2, 2], [1, 1, 2, 2]], np.uint8)
    pixels = np.arange(8).reshape(2, 4).astype(dtype)
    pixels[1, 0] = bad
    _, found = measure(labels, pixels)
    for values in found.values():
        assert np.isnan(values[0])
        assert np.isfinite(values[1])


def test_a_single_voxel_has_all_statistics():
    labels = np.array([[0, 3]], np.uint8)
    _, found = measure(labels, np.array([[1, 7]], np.uint16))
    values = {name.split("_")[1]: column.tolist() for name, column in found.items()}
    assert values == {"sd": [0]} | {
        name: [7] for name in ("mean", "total", "min", "max", "median", "p10", "p90")
    }


def test_every_channel_is_measured_under_its_name():
    labels = np.ones((2, 3), np.uint8)
    channels = {"nuclei": np.full((2, 3), 5), "actin": np.full((2, 3), 7)}
    found = intensity.measure(Objects(labels, (1.0, 1.0), channels))
    assert found["intensity_mean_nuclei"].tolist() == [5]
    assert found["intensity_total_actin"].tolist() == [42]


def test_labels_alone_have_no_intensities():
    assert intensity.measure(Objects(np.ones((3, 3), np.uint8), (1.0, 1.0))) == {}


@pytest.mark.parametrize("percent", [-1, 100.5, np.nan])
def test_impossible_percentiles_are_refused(percent):
    with pytest.raises(InputError, match="percentile"):
        measure(np.ones((2, 2), np.uint8), np.ones((2, 2)), percentiles=(percent,))


def test_without_object_the_columns_are_there():
    _, empty = measure(np.zeros((3, 4), np.uint8), np.ones((3, 4)))
    _, some = measure(np.ones((3, 4), np.uint8), np.ones((3, 4)))
    assert list(empty) == list(some)
    assert all(column.shape == (0,) and column.dtype == float for column in empty.values())


def test_the_dictionary_declares_every_column_and_no_other():
    _, columns = measure(np.ones((2, 2), np.uint8), np.ones((2, 2)), percentiles=(5, 99.5))
    patterns = {feature.name: feature.pattern for feature in features_of("intensity")}
    matched = [
        [name for name, pattern in patterns.items() if pattern.fullmatch(column)]
        for column in columns
    ]
    assert all(len(names) == 1 for names in matched), matched
    assert {names[0] for names in matched} == patterns.keys()
