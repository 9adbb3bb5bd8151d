"""Are surface features those of the IBSI, of trimesh, and of balls?"""

import numpy as np
import pytest
import trimesh
from bioagree.features.dictionary import feature_of, features_of
from bioagree.features.objects import Objects
from bioagree.features.surface import measure
from bioagree.surfaces.marching_cubes import marching_cubes
from scipy.spatial import ConvexHull, cKDTree

# The IBSI's digital phantom and its reference values with tolerance: A. Zwanenburg et al.,
# arXiv:1612.07003, and https://github.com/theibsi/data_sets (CC BY 4.0). Voxels of 2 mm, here um.
PHANTOM = np.ones((4, 4, 5), np.uint8)
for _outside in ((1, 2, 0), (2, 0, 3), (2, 0, 4), (2, 2, 2), (3, 0, 3), (3, 0, 4)):
    PHANTOM[_outside] = 0
REFERENCE = {
    "mesh_volume_um3": (556, 4),
    "mesh_area_um2": (388, 3),
    "mesh_sphericity": (0.843, 0.005),
    "mesh_solidity": (0.961, 0.006),
}


def ball(radius, spacing, seed=0):
    shift = np.random.default_rng(seed).random(3) * spacing
    sides = [
        np.arange(-radius - 2 * s, radius + 2 * s, s) + d
        for s, d in zip(spacing, shift, strict=True)
    ]
    z, y, x = np.meshgrid(*sides, indexing="ij")
    return (z**2 + y**2 + x**2 <= radius**2).astype(np.uint8)


def blobs(n=20, size=32):
    rng = np.random.default_rng(0)
    grid = np.indices((size,) * 3).reshape(3, -1).T
    distance, nearest = cKDTree(rng.uniform(0, size, (n, 3))).query(grid)
    return np.where(distance < 9, 5 * nearest + 1, 0).reshape((size,) * 3)


@pytest.mark.parametrize("name", REFERENCE)
def test_the_phantom_has_the_ibsis_value(name):
    value, tolerance = REFERENCE[name]
    assert measure(Objects(PHANTOM, (2.0, 2.0, 2.0)))[name] == pytest.approx(value, abs=tolerance)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 5)])
def test_columns_are_those_declared_with_and_without_objects(shape):
    spacing = (1.0, 0.5, 0.5)[-len(shape) :]
    declared = [f for f in features_of("surface") if len(shape) in f.dimensions]
    for value in (0, 5):
        found = measure(Objects(np.full(shape, value), spacing))
        assert sorted(found) == sorted(feature.name for feature in declared)
        assert all(len(values) == (value > 0) for values in found.values())
        assert all(feature_of(name) in declared for name in found)
        integers = {feature.name for feature in declared if feature.kind == "integer"}
        assert {n for n, values in found.items() if values.dtype.kind == "i"} == integers


def test_values_are_trimeshs():
    objects = Objects(blobs(), (1.5, 0.5, 0.5))
    found, meshes = measure(objects), marching_cubes(objects)
    assert len(objects) > 10
    for i in range(len(objects)):
        vertices, faces = meshes.mesh(i)
        expected = trimesh.Trimesh(vertices[:, ::-1], faces, process=False)
        hull = ConvexHull(vertices)
        assert found["mesh_area_um2"][i] == pytest.approx(expected.area)
        assert found["mesh_volume_um3"][i] == pytest.approx(expected.volume)
        assert found["mesh_euler_number"][i] == expected.euler_number
        assert found["mesh_solidity"][i] == pytest.approx(expected.volume / hull.volume)


@pytest.mark.parametrize(("spacing", "tolerance"), [((1.0, 1.0, 1.0), 0.03), ((3.0, 1, 1), 0.06)])
@pytest.mark.parametrize("radius", [6, 12])
def test_balls_have_their_curvature(radius, spacing, tolerance):
    found = measure(Objects(ball(radius, spacing), spacing))
    mean = [f"mean_curvature_{name}_per_um" for name in ("mean", "median")]
    for name in mean:
        assert found[name] * radius == pytest.approx(1, rel=tolerance)
    assert found["gaussian_curvature_median_per_um2"] * radius**2 == pytest.approx(
        1, rel=2 * tolerance
    )
    integral = found["mean_curvature_integral_um"]
    assert integral == pytest.approx(4 * np.pi * radius, rel=tolerance)
    assert found["concave_fraction"] == 0
    low, middle, high = (found[f"mean_curvature_{n}_per_um"] for n in ("p5", "median", "p95"))
    assert low < middle < high < 1.4 * middle
    assert found["mean_curvature_sd_per_um"] < 0.2 * middle


def test_marching_cubes_is_biased_as_documented():
    cubic, flat = (
        measure(Objects(ball(10, spacing), spacing)) for spacing in ((1.0, 1, 1), (3.0, 1, 1))
    )
    for found, bias in ((cubic, 1.09), (flat, 1.16)):
        assert found["mesh_area_um2"] / (4 * np.pi * 10**2) == pytest.approx(bias, abs=0.015)
    assert cubic["mesh_sphericity"] == pytest.approx(0.92, abs=0.01)
    assert cubic["mesh_solidity"] == pytest.approx(0.95, abs=0.02)


def test_a_ball_with_a_dent_is_concave_there():
    radius, dent, away = 26, 18, 28
    z, y, x = np.indices((60, 60, 60)) - 30
    labels = (z**2 + y**2 + x**2 < radius**2) & ((z - away) ** 2 + y**2 + x**2 > dent**2)
    found = measure(Objects(labels.astype(int), (1.0, 1.0, 1.0)))
    # Both spheres meet at this height, and areas of caps are 2 pi radius times height.
    rim = (radius**2 - dent**2 + away**2) / (2 * away)
    hollow, rest = dent * (rim - away + dent), radius * (radius + rim)
    # Next to the rim, averages over three voxels are convex.
    assert found["concave_fraction"] == pytest.approx(hollow / (hollow + rest), rel=0.35)
    assert found["concave_fraction"] < hollow / (hollow + rest)
    assert found["mean_curvature_p5_per_um"] == pytest.approx(-1 / dent, rel=0.15)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 7), (1, 7, 7), (2, 2, 2), (7, 1, 1)])
def test_single_voxels_lines_and_planes_have_values(shape):
    found = measure(Objects(np.ones(shape, int), (3.0, 1.0, 1.0)))
    assert all(np.isfinite(values).all() for values in found.values())
    assert found["mesh_euler_number"] == 2
    assert found["mesh_solidity"] == pytest.approx(1)
    # Gauss and Bonnet: convex everywhere.
    assert found["gaussian_curvature_median_per_um2"] > 0


def test_turns_and_moves_change_nothing_and_scale_only_units():
    labels = blobs(8, 16)
    found = measure(Objects(labels, (1.5, 0.5, 0.7)))
    turned = measure(Objects(labels.transpose(2, 0, 1)[::-1, :, ::-1], (0.7, 1.5, 0.5)))
    moved = measure(Objects(np.pad(labels, ((3, 0), (0, 2), (1, 4))), (1.5, 0.5, 0.7)))
    larger = measure(Objects(labels, (3.0, 1.0, 1.4)))
    power = {"um": 1, "um2": 2, "um3": 3, "per_um": -1, "per_um2": -2}
    exact = {"mesh_area_um2", "mesh_volume_um3", "mesh_sphericity", "mesh_solidity"}
    for name, values in found.items():
        np.testing.assert_allclose(moved[name], values, rtol=1e-6, atol=1e-9)
        unit = name.split("_per_")[-1] if "_per_" in name else name.rsplit("_")[-1]
        scale = 2.0 ** power.get(("per_" if "_per_" in name else "") + unit, 0)
        np.testing.assert_allclose(larger[name], scale * values, rtol=1e-6, atol=1e-9)
        if name in exact:
            np.testing.assert_allclose(turned[name], values, rtol=1e-9)
    np.testing.assert_array_equal(turned["mesh_euler_number"], found["mesh_euler_number"])
    # The diagonals of some faces lie otherwise after a turn.
    integral = "mean_curvature_integral_um"
    np.testing.assert_allclose(turned[integral], found[integral], rtol=0.02)


def test_gaps_and_large_labels_and_fragments_are_objects():
    labels = np.zeros((6, 6, 20), np.uint32)
    labels[1:4, 1:4, 1:4], labels[1, 1, 10:12], labels[4, 4, 18] = 3, 2**32 - 1, 2**32 - 1
    objects = Objects(labels, (1.0, 1.0, 1.0))
    found = measure(objects)
    assert objects.ids.tolist() == [3, 2**32 - 1]
    assert found["mesh_euler_number"].tolist() == [2, 4]
    alone = measure(Objects((labels == 3).astype(np.uint8), (1.0, 1.0, 1.0)))
    for name, values in alone.items():
        np.testing.assert_allclose(found[name][0], values[0])


def test_more_smoothing_makes_curvature_more_even():
    objects = Objects(ball(10, (3.0, 1, 1)), (3.0, 1.0, 1.0))
    spread = [
        measure(objects, smoothing_iterations=n)["mean_curvature_sd_per_um"][0] for n in (0, 5, 40)
    ]
    assert spread[0] > spread[1] > spread[2]
