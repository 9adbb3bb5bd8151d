"""Do tables hold what a study chose, for every image and time point, under declared names?"""

import re
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
import yaml
from bioagree.errors import InputError
from bioagree.features import registry
from bioagree.features.dictionary import (
    GROUPS,
    KINDS,
    feature_of,
    features_of,
    unit_of,
)
from bioagree.features.table import measure, measure_images
from bioagree.images import Image

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = {"use": list(registry.OF_OBJECTS), "texture": {"bin_size": 20.0}}
DECLARED = [(group, feature) for group in GROUPS for feature in features_of(group)]


def labels(array, name="A01"):
    array = np.asarray(array)
    return Image(array, "ZYX"[-array.ndim :], (1.5, 0.5, 0.5)[-array.ndim :], name)


def intensities(array, channels=("n",), axes=None):
    array = np.asarray(array)
    axes = axes or "ZYX"[-array.ndim :]
    return Image(array, axes, (1.5, 0.5, 0.5)[-(axes.count("Z") + 2) :], "A01", channels)


def some(ndim, seed=0):
    """Return labels of blocks, and two channels."""
    rng = np.random.default_rng(seed)
    shape = (8, 24, 28)[-ndim:]
    array = np.zeros(shape, np.uint32)
    array[..., 2:9, 3:11] = 4
    array[..., 12:20, 3:9] = 9
    array[..., 10:22, 14:25] = 70_000
    if ndim == 3:
        array[:2] = array[-2:] = 0
    pixels = rng.integers(0, 200, (2, *shape)).astype(np.uint16)
    return labels(array), intensities(pixels, ("a", "b"), "C" + "ZYX"[-ndim:])


@pytest.mark.parametrize("ndim", [2, 3])
def test_every_column_is_declared_and_every_declared_feature_measured(ndim):
    found = measure(*some(ndim), EVERYTHING)
    columns = [name for name in found if name not in ("frame", "label")]
    assert all(feature_of(name) for name in columns)
    for group, feature in DECLARED:
        if feature.of == "object" and ndim in feature.dimensions and group != "motion":
            assert [name for name in columns if feature.pattern.fullmatch(name)], feature.name


@pytest.mark.parametrize("ndim", [2, 3])
def test_no_value_is_infinite_and_kinds_are_as_declared(ndim):
    kinds = {"number": "f", "integer": "iu", "boolean": "b", "string": "U"}
    for name, values in measure(*some(ndim), EVERYTHING).items():
        if name in ("frame", "label"):
            continue
        assert values.dtype.kind in kinds[feature_of(name).kind], name
        assert not np.isinf(values.astype(float)).any(), name


@pytest.mark.parametrize("ndim", [2, 3])
def test_without_object_the_columns_are_there_with_the_same_types(ndim):
    found, pixels = some(ndim)
    empty = measure(found.with_array(np.zeros_like(found.array)), pixels, EVERYTHING)
    full = measure(found, pixels, EVERYTHING)
    assert list(empty) == list(full)
    assert {len(values) for values in empty.values()} == {0}
    assert {n: v.dtype for n, v in empty.items()} == {n: v.dtype for n, v in full.items()}


@pytest.mark.parametrize(
    "array",
    [
        np.eye(6, dtype=int)[None].repeat(1, 0),
        np.pad(np.ones((1, 1, 1), int), 3),
        np.pad(np.ones((1, 1, 9), int), 3),
        np.pad(np.ones((1, 6, 6), int), 3),
        np.ones((5, 5, 5), int),
        np.indices((4, 5, 6)).sum(0) % 2 * (1 + np.arange(120).reshape(4, 5, 6)),
    ],
    ids=["diagonal", "one voxel", "line", "plane", "whole image", "scattered voxels"],
)
@pytest.mark.parametrize("ndim", [2, 3])
def test_objects_that_break_other_tools_have_values_or_nan(array, ndim):
    array = array if ndim == 3 else array[array.shape[0] // 2]
    pixels = np.random.default_rng(0).integers(0, 90, (2, *array.shape))
    images = intensities(pixels, ("a", "b"), "C" + "ZYX"[-ndim:])
    with np.errstate(all="raise", under="ignore"):
        found = measure(labels(array), images, EVERYTHING)
    for name, values in found.items():
        assert len(values) == len(np.unique(array[array > 0])), name
        assert not np.isinf(values.astype(float)).any(), name


def test_one_object_by_hand():
    array = np.zeros((5, 6), np.uint32)
    array[1:3, 2:5] = 4
    found = measure(labels(array))
    assert {name: column.tolist() for name, column in found.items()} == {
        "frame": [0],
        "label": [4],
        "area_um2": [pytest.approx(1.5)],
        "equivalent_diameter_um": [pytest.approx(np.sqrt(6 / np.pi))],
        "centroid_y_um": [pytest.approx(0.75)],
        "bbox_y_start": [1],
        "bbox_y_stop": [3],
        "centroid_x_um": [pytest.approx(1.5)],
        "bbox_x_start": [2],
        "bbox_x_stop": [5],
        "touches_border": [False],
    }


def test_single_features_can_be_chosen():
    use = ["intensity_mean_{channel}", "solidity", "pearson_a_b"]
    found = measure(*some(2), {"use": use})
    places = ("frame", "label", "area_um2", "equivalent_diameter_um", "touches_border")
    chosen = [name for name in found if name not in places and not re.match("centroid|bbox", name)]
    assert chosen == ["intensity_mean_a", "intensity_mean_b", "solidity", "pearson_a_b"]


def test_parameters_reach_their_group():
    found = measure(*some(2), {"use": ["intensity"], "intensity": {"percentiles": [25]}})
    assert "intensity_p25_a" in found
    assert "intensity_p90_a" not in found


def test_labels_alone_have_no_intensities():
    found = measure(some(2)[0], None, EVERYTHING)
    needing = {f.name for _, f in DECLARED if f.needs in ("intensity", "channels")}
    assert not [name for name in found if (f := feature_of(name)) and f.name in needing]
    assert "solidity" in found


def test_one_channel_is_compared_with_none():
    array, pixels = some(2)
    found = measure(array, pixels.channel("a"), EVERYTHING)
    assert not [name for name in found if name.startswith("pearson")]


def test_time_points_are_measured_one_by_one():
    frames = np.array([[[1, 1, 0]], [[0, 0, 0]], [[0, 1, 2]]], np.uint32)
    pixels = np.array([[[1, 3, 9]], [[9, 9, 9]], [[9, 5, 7]]])
    movie = Image(frames, "TYX", (1.0, 2.0), "m", (), 1.0)
    found = measure(
        movie, Image(pixels, "TYX", (1.0, 2.0), "m", ("n",), 1.0), {"use": ["intensity"]}
    )
    assert found["frame"].tolist() == [0, 2, 2]
    assert found["label"].tolist() == [1, 1, 2]
    assert found["area_um2"].tolist() == [4, 2, 2]
    assert found["intensity_mean_n"].tolist() == [2, 5, 7]


def test_a_table_lists_all_images_also_those_without_object():
    pairs = [
        (labels(np.ones((2, 3), np.uint32), "a"), intensities(np.ones((2, 3)))),
        (labels(np.zeros((4, 4), np.uint32), "b"), intensities(np.ones((4, 4)))),
        (labels(np.array([[1, 0, 5]], np.uint32), "c"), intensities(np.ones((1, 3)))),
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


def test_frames_are_counted_in_the_table():
    movie = Image(np.zeros((4, 2, 2), np.uint32), "TYX", (1.0, 1.0), "m", (), 1.0)
    pixels = Image(np.zeros((4, 2, 2)), "TYX", (1.0, 1.0), "m", ("n",), 1.0)
    assert measure_images([(movie, pixels)]).about["images"] == [{"image": "m", "frames": 4}]


def test_of_several_features_that_fit_a_column_has_the_most_specific():
    column = "ibsi_mean_absolute_deviation_dapi"
    fitting = [f.name for _, f in DECLARED if f.pattern.fullmatch(column)]
    assert len(fitting) == 2
    assert feature_of(column).name == "ibsi_mean_absolute_deviation_{channel}"


@pytest.mark.parametrize(("group", "feature"), DECLARED, ids=[f.name for _, f in DECLARED])
def test_every_feature_is_fully_declared(group, feature):
    assert feature.kind in KINDS
    assert feature.of in ("object", "track", "image")
    assert feature.needs in ("", "intensity", "channels", "time")
    assert feature.definition.endswith(".")
    assert feature.dimensions
    units = {"um": "µm", "um2": "µm²", "um3": "µm³", "s": "s", "deg": "°"}
    end = re.sub(r"_\{\w+\}", "", feature.name).rpartition("_")[2]
    if feature.unit in units.values():
        assert units[end] == feature.unit
    elif end in units and "_per_" not in feature.name:
        assert not feature.unit or feature.unit.startswith(units[end])


def test_names_are_declared_once():
    names = [(feature.of, feature.name) for _, feature in DECLARED]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("volume_um3", "µm³"),
        ("area_um2", "µm²"),
        ("centroid_z_um", "µm"),
        ("label", ""),
        ("bbox_x_stop", ""),
        ("intensity_mean_um_signal", ""),
        ("speed_um_per_s", "µm/s"),
    ],
)
def test_the_unit_of_a_column_is_the_declared_one(column, unit):
    assert unit_of(column) == unit


def test_a_choice_that_nobody_declared_is_told():
    known = ["shape", "area_um2", "intensity_mean_dapi", "pearson_{channel}_{other}"]
    registry.check({"use": known}, "config: features")
    for name in ("shapes", "motion", "speed_um_per_s", "intensity_mean_{chanel}"):
        with pytest.raises(InputError, match=f"features.use names {re.escape(repr(name))}"):
            registry.check({"use": [name]}, "config: features")


@pytest.mark.parametrize("name", ["texture", "glcm_contrast_dapi"])
def test_texture_without_a_width_of_grey_levels_is_told_before_any_job(name):
    registry.check({"use": [name], "texture": {"bin_size": 50}}, "config: features")
    with pytest.raises(InputError, match="needs texture.bin_size"):
        registry.check({"use": [name]}, "config: features")


@pytest.mark.parametrize("group", registry.OF_OBJECTS)
def test_the_config_takes_exactly_the_parameters_of_a_group(group):
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    allowed = schema["properties"]["features"]["properties"].get(group, {}).get("properties", {})
    declared = signature(registry.load(group)).parameters.values()
    assert set(allowed) == {p.name for p in declared if p.kind is p.KEYWORD_ONLY}
