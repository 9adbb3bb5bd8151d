"""Is shape measured as others define it, and does it change only as it should?"""

import math

import numba
import numpy as np
import pytest
import SimpleITK as sitk
from bioagree.features import ibsi, intensity, shape, size
from bioagree.features.autocorrelation import moran_and_geary
from bioagree.features.dictionary import features_of
from bioagree.features.objects import Objects
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from label_images import GRIDS, blobs, scattered, solids
from scipy import ndimage
from skimage.measure import regionprops_table

SPACING = (1.3, 0.4, 0.7)
IMAGES = arrays.arrays(
    np.uint8, arrays.array_shapes(min_dims=2, max_dims=3, max_side=6), elements=st.integers(0, 3)
)
SAME = {
    "extent": "extent",
    "axis_major_um": "axis_major_length",
    "axis_minor_um": "axis_minor_length",
    "euler_number": "euler_number",
}
SAME_2D = {"eccentricity": "eccentricity", "orientation_y_to_x_deg": "orientation"}


def measure(labels, spacing=None, image=None):
    labels = np.asarray(labels)
    channels = {} if image is None else {"n": image}
    objects = Objects(labels, spacing or (1.0,) * labels.ndim, channels)
    return size.measure(objects) | shape.measure(objects) | intensity.measure(objects)


def one(mask, spacing=None):
    """Return the features of a single object with a margin around."""
    mask = np.pad(np.asarray(mask, np.uint8), 1)
    return {name: values.item() for name, values in measure(mask, spacing).items()}


@pytest.mark.parametrize("image", [scattered, blobs])
@pytest.mark.parametrize(("grid", "spacing"), GRIDS)
def test_what_scikit_image_defines_alike_is_equal(image, grid, spacing):
    labels = image(grid, 0)
    names = SAME | (SAME_2D if labels.ndim == 2 else {})
    expected = regionprops_table(
        labels.astype(np.int32), properties=list(names.values()), spacing=spacing
    )
    expected["orientation"] = np.degrees(expected.get("orientation", 0))
    found = measure(labels, spacing)
    for ours, theirs in names.items():
        defined = ~np.isnan(found[ours])
        assert defined.sum() >= 5
        np.testing.assert_allclose(
            found[ours][defined], expected[theirs][defined], rtol=1e-6, atol=1e-6, err_msg=ours
        )


@pytest.mark.parametrize("image", [scattered, blobs])
@pytest.mark.parametrize(("grid", "spacing"), GRIDS)
def test_what_simpleitk_defines_alike_is_equal(image, grid, spacing):
    labels = image(grid, 1).astype(np.uint32)
    found = measure(labels, spacing)
    itk_image = sitk.GetImageFromArray(labels)
    itk_image.SetSpacing(spacing[::-1])
    itk = sitk.LabelShapeStatisticsImageFilter()
    itk.ComputeFeretDiameterOn()
    itk.Execute(itk_image)
    ids = [int(label) for label in np.unique(labels[labels > 0])]
    scale = {2: 4, 3: 2 * math.sqrt(5)}[labels.ndim]
    variances = np.maximum([itk.GetPrincipalMoments(i) for i in ids], 0)
    axes = [name for name in found if name.startswith("axis_m") and name.endswith("_um")]
    for name, values in zip(axes, variances.T[::-1], strict=True):
        np.testing.assert_allclose(found[name], scale * np.sqrt(values), atol=1e-6)
    np.testing.assert_allclose(
        found["feret_max_um"], [itk.GetFeretDiameter(i) for i in ids], atol=1e-9
    )
    if labels.ndim == 2:
        names = {"elongation_major_minor": itk.GetElongation}
    else:
        names = {
            "elongation_major_middle": itk.GetElongation,
            "flatness_middle_minor": itk.GetFlatness,
        }
    for name, function in names.items():
        defined = ~np.isnan(found[name])
        expected = np.array([function(i) for i in ids])
        np.testing.assert_allclose(found[name][defined], expected[defined], rtol=1e-6)


@settings(deadline=None)
@given(IMAGES)
def test_pieces_and_holes_are_those_of_scipy(labels):
    found = measure(labels)
    for index, label in enumerate(np.unique(labels[labels > 0])):
        mask = labels == label
        everything = np.ones((3,) * labels.ndim)
        filled = ndimage.binary_fill_holes(mask)
        assert found["n_pieces"][index] == ndimage.label(mask, everything)[1]
        assert found["n_holes"][index] == ndimage.label(filled & ~mask)[1]
        assert found["filled_fraction"][index] == mask.sum() / filled.sum()
        if labels.ndim == 2:
            holes = found["n_pieces"][index] - found["euler_number"][index]
            assert found["n_holes"][index] == holes


def test_a_torus_has_a_tunnel_and_a_shell_has_a_cavity():
    torus = np.ones((1, 3, 3))
    torus[0, 1, 1] = 0
    shell = np.ones((3, 3, 3))
    shell[1, 1, 1] = 0
    assert [one(torus)[name] for name in ("euler_number", "n_pieces", "n_holes")] == [0, 1, 0]
    assert [one(shell)[name] for name in ("euler_number", "n_pieces", "n_holes")] == [2, 1, 1]
    assert one(shell)["filled_fraction"] == 26 / 27


def test_axes_and_ratios_of_a_block_follow_from_its_variances():
    found = one(np.ones((2, 4, 8)), (1.0, 0.5, 2.0))
    # n points at distance s: variance s² (n² − 1) / 12
    z, y, x = (s**2 * (n**2 - 1) / 12 for n, s in ((2, 1.0), (4, 0.5), (8, 2.0)))
    assert found["axis_major_um"] == pytest.approx(2 * math.sqrt(5 * x))
    assert found["axis_middle_um"] == pytest.approx(2 * math.sqrt(5 * y))
    assert found["axis_minor_um"] == pytest.approx(2 * math.sqrt(5 * z))
    assert found["elongation_major_minor"] == pytest.approx(math.sqrt(x / z))
    assert found["elongation_major_middle"] == pytest.approx(math.sqrt(x / y))
    assert found["flatness_middle_minor"] == pytest.approx(math.sqrt(y / z))
    assert found["radius_of_gyration_um"] == pytest.approx(math.sqrt(x + y + z))
    assert [found[f"axis_major_along_{axis}"] for axis in "zyx"] == pytest.approx([0, 0, 1])
    assert found["extent"] == 1
    assert found["solidity"] == 1


@pytest.mark.parametrize("turn", [False, True])
def test_axes_of_large_ellipsoids_are_their_axes(turn):
    found = measure(solids((6, 9, 14), (1.0, 1.0, 1.0), 20, seed=0, turn=turn))
    axes = [found[f"axis_{name}_um"].mean() for name in ("major", "middle", "minor")]
    assert axes == pytest.approx([28, 18, 12], rel=0.01)


def test_the_orientation_turns_from_y_to_x():
    y, x = np.indices((40, 60))
    for degrees in (-80, -45, -10, 0, 30, 90):
        along = np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
        across = np.array([-along[1], along[0]])
        offsets = np.stack([y - 20, x - 30], -1)
        bar = (abs(offsets @ along) < 15.7) & (abs(offsets @ across) < 2.7)
        assert one(bar)["orientation_y_to_x_deg"] == pytest.approx(degrees, abs=1)


def test_a_circle_is_round_circular_and_not_eccentric():
    found = measure(solids((20, 20), (1.0, 1.0), 50, seed=0))
    for name, value in {"circularity": 1, "roundness": 1, "eccentricity": 0.08}.items():
        assert found[name].mean() == pytest.approx(value, abs=0.02), name
    assert found["feret_max_um"].mean() == pytest.approx(40, rel=0.02)
    assert found["feret_min_um"].mean() == pytest.approx(40, rel=0.02)


def test_ratios_follow_from_their_parts():
    flat = measure(blobs((40, 50), 6), (0.7, 0.3))
    solid = measure(blobs((14, 20, 22), 6), (1.1, 0.4, 0.3))
    area, volume = flat["area_um2"], solid["volume_um3"]
    np.testing.assert_allclose(
        flat["circularity"], 4 * math.pi * area / flat["perimeter_um"] ** 2, rtol=1e-9
    )
    ball = math.pi * (6 * volume / math.pi) ** (2 / 3)
    np.testing.assert_allclose(solid["sphericity"], ball / solid["surface_area_um2"], rtol=1e-9)
    disc = math.pi / 4 * flat["axis_major_um"] ** 2
    extended = disc > 0
    np.testing.assert_allclose(
        flat["roundness"][extended], (area[extended] / disc[extended]), rtol=1e-9
    )
    for found, size_, hull in (
        (flat, area, flat["hull_area_um2"]),
        (solid, volume, solid["hull_volume_um3"]),
    ):
        np.testing.assert_allclose(found["solidity"], size_ / hull, rtol=1e-9)


NAN_WITHOUT_EXTENT = {
    "elongation_major_minor",
    "elongation_major_middle",
    "flatness_middle_minor",
    "hull_area_um2",
    "hull_volume_um3",
    "solidity",
}
NAN_OF_A_POINT = NAN_WITHOUT_EXTENT | {
    "eccentricity",
    "roundness",
    "orientation_y_to_x_deg",
    "axis_major_along_z",
    "axis_major_along_y",
    "axis_major_along_x",
}


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_single_voxel_has_every_feature_but_ratios_of_nothing(ndim):
    found = one(np.ones((1,) * ndim), SPACING[-ndim:])
    undefined = {name for name, value in found.items() if math.isnan(value)}
    assert undefined == NAN_OF_A_POINT & found.keys()
    assert found["feret_max_um"] == found["axis_major_um"] == 0
    assert [found[name] for name in ("euler_number", "n_pieces", "n_holes")] == [1, 1, 0]


@pytest.mark.parametrize("extent", [(1, 1, 5), (5, 1, 1), (1, 5), (5, 1)])
def test_a_line_has_a_length_but_no_width(extent):
    found = one(np.ones(extent))
    undefined = {name for name, value in found.items() if math.isnan(value)}
    assert undefined == NAN_WITHOUT_EXTENT & found.keys()
    assert found["axis_minor_um"] == 0
    assert found["feret_max_um"] == 4
    if len(extent) == 2:
        assert found["eccentricity"] == 1
        assert found["feret_min_um"] == pytest.approx(1)


def test_a_diagonal_line_has_no_width_either():
    found = one(np.eye(9), (0.3, 0.7))
    assert found["axis_minor_um"] == 0
    assert math.isnan(found["elongation_major_minor"])
    assert math.isnan(found["solidity"])
    assert found["feret_max_um"] == pytest.approx(8 * math.hypot(0.3, 0.7))


@pytest.mark.parametrize("extent", [(1, 5, 6), (5, 1, 6), (5, 6, 1)])
def test_a_plane_has_two_axes_but_no_hull(extent):
    found = one(np.ones(extent))
    undefined = {name for name, value in found.items() if math.isnan(value)}
    assert undefined == {
        "elongation_major_minor",
        "flatness_middle_minor",
        "hull_volume_um3",
        "solidity",
    }
    assert found["axis_middle_um"] > 0


def test_a_cube_has_no_major_axis():
    found = one(np.ones((3, 3, 3)))
    assert all(math.isnan(found[f"axis_major_along_{axis}"]) for axis in "zyx")
    assert found["elongation_major_minor"] == pytest.approx(1)
    assert math.isnan(one(np.ones((3, 3)))["orientation_y_to_x_deg"])


@pytest.mark.parametrize("ndim", [2, 3])
def test_an_object_that_fills_the_image_is_measured_as_with_a_margin(ndim):
    inside, filling = one(np.ones((4,) * ndim)), measure(np.ones((4,) * ndim, np.uint8))
    for name in shape.measure(Objects(np.ones((4,) * ndim, np.uint8), (1.0,) * ndim)):
        np.testing.assert_allclose(filling[name], inside[name], err_msg=name)
    assert filling["touches_border"].all()


def test_a_hundred_thousand_voxels_are_a_hundred_thousand_objects():
    labels = np.zeros((100, 100, 100), np.uint32)
    labels[::2, ::2, ::2] = np.arange(1, 125_001).reshape(50, 50, 50)
    found = measure(labels, (3.0, 1.0, 1.0))
    single = one(np.ones((1, 1, 1)), (3.0, 1.0, 1.0))
    for name, value in single.items():
        if not name.startswith(("centroid", "bbox", "touches")):
            np.testing.assert_allclose(found[name], value, err_msg=name)


@pytest.mark.parametrize("shape_", [(4, 5), (3, 4, 5), (0, 4), (2, 0, 3)])
def test_without_object_the_columns_are_there(shape_):
    image = np.ones(shape_)
    spacing = (1.0,) * len(shape_)
    empty = Objects(np.zeros(shape_, np.uint8), spacing, {"n": image})
    some = Objects(
        np.ones((3,) * len(shape_), np.uint8), spacing, {"n": np.ones((3,) * len(shape_))}
    )
    for group in (size, shape, intensity, ibsi):
        columns = group.measure(empty)
        assert list(columns) == list(group.measure(some))
        assert all(len(column) == 0 for column in columns.values())


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("group", [shape, ibsi])
def test_the_dictionary_declares_every_column_and_no_other(group, ndim):
    ones = np.ones((2,) * ndim, np.uint8)
    columns = group.measure(Objects(ones, (1.0,) * ndim, {"n": ones}))
    declared = {
        feature.name.format(axis=axis, channel="n")
        for feature in features_of(group.__name__.rpartition(".")[2])
        for axis in "zyx"[-ndim:]
        if ndim in feature.dimensions
    }
    assert columns.keys() == declared


def assert_equal_but(found, expected, changed=()):
    assert found.keys() == expected.keys()
    for name in found:
        if not name.startswith(changed or "no column"):
            np.testing.assert_allclose(
                found[name], expected[name], rtol=1e-9, atol=1e-7, err_msg=name
            )


PLACE = ("centroid", "bbox", "touches")


@settings(deadline=None)
@given(IMAGES)
def test_flipping_changes_place_and_orientation_only(labels):
    spacing = SPACING[-labels.ndim :]
    image = np.arange(labels.size).reshape(labels.shape)
    expected = measure(labels, spacing, image)
    for axis, name in enumerate("zyx"[-labels.ndim :]):
        found = measure(np.flip(labels, axis), spacing, np.flip(image, axis))
        changed = (f"centroid_{name}", f"bbox_{name}", "orientation")
        assert_equal_but(found, expected, changed)
        length = labels.shape[axis]
        np.testing.assert_allclose(
            found[f"centroid_{name}_um"],
            (length - 1) * spacing[axis] - expected[f"centroid_{name}_um"],
            atol=1e-9,
        )
        np.testing.assert_array_equal(
            found[f"bbox_{name}_start"], length - expected[f"bbox_{name}_stop"]
        )
        if labels.ndim == 2:
            angle = expected["orientation_y_to_x_deg"]
            np.testing.assert_allclose(
                (found["orientation_y_to_x_deg"] + angle + 1e-6) % 180,
                1e-6 + 0 * angle,
                atol=1e-5,
            )


@settings(deadline=None)
@given(IMAGES)
def test_turning_by_90_degrees_swaps_axes_only(labels):
    spacing = SPACING[-labels.ndim :]
    image = np.arange(labels.size).reshape(labels.shape)
    expected = measure(labels, spacing, image)
    order = np.roll(np.arange(labels.ndim), 1)
    turned = np.transpose(labels, order), tuple(spacing[i] for i in order)
    found = measure(*turned, np.transpose(image, order))
    assert_equal_but(found, expected, (*PLACE, "orientation", "axis_major_along"))
    axes = "zyx"[-labels.ndim :]
    for axis, old in zip(axes, order, strict=True):
        for name in ("centroid_{}_um", "bbox_{}_start", "bbox_{}_stop", "axis_major_along_{}"):
            if name.format(axis) in found:
                np.testing.assert_allclose(
                    found[name.format(axis)], expected[name.format(axes[old])], atol=1e-7
                )
    if labels.ndim == 2:
        angle = expected["orientation_y_to_x_deg"]
        both = found["orientation_y_to_x_deg"] + angle - 90
        np.testing.assert_allclose((both + 1e-6) % 180, 1e-6 + 0 * angle, atol=1e-5)


@settings(deadline=None)
@given(IMAGES, st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 3))
def test_moving_changes_the_place_only(labels, margins):
    spacing, margins = SPACING[-labels.ndim :], margins[-labels.ndim :]
    image = np.arange(labels.size).reshape(labels.shape)
    expected = measure(labels, spacing, image)
    found = measure(np.pad(labels, margins), spacing, np.pad(image, margins))
    assert_equal_but(found, expected, PLACE)
    for axis, step, (before, _) in zip("zyx"[-labels.ndim :], spacing, margins, strict=True):
        moved = found[f"centroid_{axis}_um"] - expected[f"centroid_{axis}_um"]
        np.testing.assert_allclose(moved, before * step, atol=1e-9)


@settings(deadline=None)
@given(IMAGES, st.permutations([7, 300, 70_000]))
def test_other_labels_change_nothing(labels, others):
    spacing = SPACING[-labels.ndim :]
    image = np.arange(labels.size).reshape(labels.shape)
    expected = measure(labels, spacing, image)
    found = measure(np.array([0, *others])[labels], spacing, image)
    ids = np.unique(labels[labels > 0])
    order = np.argsort(np.array([0, *others])[ids])
    assert_equal_but(found, {name: values[order] for name, values in expected.items()})


@settings(deadline=None)
@given(IMAGES, st.integers(2, 3))
def test_cutting_voxels_into_smaller_ones_changes_only_what_depends_on_their_size(labels, factor):
    spacing = np.array(SPACING[-labels.ndim :])
    image = np.arange(labels.size).reshape(labels.shape)
    expected = measure(labels, tuple(spacing), image)
    for axis in range(labels.ndim):
        labels, image = labels.repeat(factor, axis), image.repeat(factor, axis)
    found = measure(labels, tuple(spacing / factor), image)
    names = ("area_um2", "volume_um3", "equivalent", "extent", "euler", "n_", "filled", "touches")
    values = (
        "intensity_mean",
        "intensity_sd",
        "intensity_min",
        "intensity_max",
        "intensity_median",
    )
    for name in found:
        if name.startswith(names + values):
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, err_msg=name)
    pixels = factor**labels.ndim
    np.testing.assert_allclose(
        found["intensity_total_n"], expected["intensity_total_n"] * pixels, rtol=1e-9
    )
    for axis, step in zip("zyx"[-labels.ndim :], spacing, strict=True):
        # The first voxel's centre is the origin, and that moves.
        np.testing.assert_allclose(
            found[f"centroid_{axis}_um"],
            expected[f"centroid_{axis}_um"] + step / 2 * (1 - 1 / factor),
            rtol=1e-9,
        )
        for end in ("start", "stop"):
            np.testing.assert_array_equal(
                found[f"bbox_{axis}_{end}"], expected[f"bbox_{axis}_{end}"] * factor
            )
    # A voxel has the variance s² / 12, and its parts' centres have all but their own.
    gained = (spacing**2).sum() / 12 * (1 - 1 / factor**2)
    np.testing.assert_allclose(
        found["radius_of_gyration_um"] ** 2, expected["radius_of_gyration_um"] ** 2 + gained
    )


def test_results_do_not_depend_on_the_number_of_threads():
    labels = np.tile(blobs((30, 40, 50), 5), (2, 3, 4))
    threads, results = numba.get_num_threads(), []
    for n in (1, threads):
        numba.set_num_threads(n)
        results.append(measure(labels, SPACING, labels))
    for name in results[0]:
        np.testing.assert_array_equal(results[0][name], results[1][name], err_msg=name)


@pytest.mark.parametrize("pairs", [0, np.inf])
def test_autocorrelation_is_the_sum_over_all_pairs(monkeypatch, pairs):
    monkeypatch.setattr("bioagree.features.autocorrelation.PAIRS", pairs)
    labels = scattered((5, 6, 7), 2)
    image = np.random.default_rng(0).random(labels.shape)
    objects = Objects(labels, SPACING)
    moran, geary = moran_and_geary(objects, image.reshape(-1, 7))
    for index, label in enumerate(objects.ids):
        values = image[labels == label]
        places = np.argwhere(labels == label) * SPACING
        distances = np.linalg.norm(places[:, np.newaxis] - places, axis=-1)
        np.fill_diagonal(distances, np.inf)
        weights = 1 / distances
        residuals = values - values.mean()
        scale = weights.sum() * (residuals @ residuals)
        differences = (values[:, np.newaxis] - values) ** 2
        assert moran[index] == pytest.approx(
            len(values) * (residuals @ weights @ residuals) / scale
        )
        assert geary[index] == pytest.approx(
            (len(values) - 1) / 2 * (weights * differences).sum() / scale
        )


def test_ibsi_features_of_a_single_voxel_are_defined_or_nan():
    mask = np.zeros((3, 3, 3), np.uint8)
    mask[1, 1, 1] = 1
    found = ibsi.measure(Objects(mask, (1.0, 1.0, 1.0), {"n": mask * 4}))
    undefined = {name for name, (value,) in found.items() if np.isnan(value)}
    assert undefined == {
        *(f"ibsi_axis_{name}_um" for name in ("major", "minor", "least")),
        "ibsi_elongation_minor_major",
        "ibsi_flatness_least_major",
        "ibsi_volume_density_ellipsoid",
        "ibsi_area_density_ellipsoid",
        "ibsi_morans_i_n",
        "ibsi_gearys_c_n",
    }
    assert found["ibsi_volume_density_hull"] == pytest.approx(1)
    assert found["ibsi_volume_mesh_um3"] == pytest.approx(1 / 6)  # an octahedron
