"""Are convex hulls exact, and what is read off them?"""

import numpy as np
import pytest
from bioagree.features import hulls
from bioagree.features.objects import Objects
from bioagree.features.quickhull import quickhull
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from label_images import scattered, solids
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

POINTS = arrays.arrays(
    np.int64,
    st.tuples(st.integers(1, 40), st.just(3)),
    elements=st.one_of(st.integers(0, 3), st.integers(-50, 50)),
)
MASKS = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=3, max_side=6))


def faces_of(points):
    return tuple(points[quickhull(points)].transpose(1, 0, 2))


def qhull(points):
    """Return the hull, or None when the points are in a plane (in 2D: on a line)."""
    try:
        return ConvexHull(points)
    except (QhullError, ValueError):
        return None


def measure(mask, spacing):
    objects = Objects(mask.astype(np.uint8), spacing)
    return hulls.measure(objects.runs, objects.spacing)[0]


@settings(deadline=None)
@given(POINTS)
def test_hulls_are_those_of_qhull(points):
    a, b, c = faces_of(points)
    expected = qhull(points)
    if expected is None:
        assert len(a) == 0
        return
    normals = np.cross(b - a, c - a)
    assert (a * normals).sum() / 6 == pytest.approx(expected.volume)
    assert np.linalg.norm(normals, axis=1).sum() / 2 == pytest.approx(expected.area)


@settings(deadline=None)
@given(POINTS)
def test_hulls_are_closed_and_contain_every_point(points):
    faces = quickhull(points)
    a, b, c = faces_of(points)
    normals = np.cross(b - a, c - a)
    heights = ((points[:, np.newaxis] - a) * normals).sum(-1)
    assert (heights <= 0).all()
    assert (normals != 0).any(axis=1).all()
    sides = [(f[k], f[(k + 1) % 3]) for f in faces.tolist() for k in range(3)]
    assert len(set(sides)) == len(sides)
    assert {(b, a) for a, b in sides} == set(sides)
    if len(faces):
        assert len(np.unique(faces)) - len(sides) / 2 + len(faces) == 2


def test_a_hull_with_thousands_of_corners_is_that_of_qhull():
    points = np.random.default_rng(0).normal(size=(5000, 3))
    points = np.rint(points / np.linalg.norm(points, axis=1, keepdims=True) * 1e5).astype(int)
    a, b, c = faces_of(points)
    volume = (a * np.cross(b, c)).astype(float).sum() / 6
    assert volume == pytest.approx(ConvexHull(points).volume, rel=1e-12)
    assert len(a) > 9000


@settings(deadline=None)
@given(MASKS.filter(np.any))
def test_the_count_of_grid_points_is_that_of_the_planes_of_qhull(mask):
    hull = qhull(np.argwhere(mask))
    count, _, _ = measure(mask, (1.0,) * mask.ndim)
    if hull is None:
        assert np.isnan(count)
        return
    grid = np.argwhere(np.ones_like(mask))
    planes = hull.equations
    inside = (grid @ planes[:, :-1].T + planes[:, -1] <= 1e-9).all(axis=1)
    assert count == inside.sum()


@pytest.mark.parametrize(
    ("shape", "spacing"), [((30, 40), (0.7, 0.3)), ((12, 14, 16), (1.1, 0.4, 0.3))]
)
def test_the_diameter_is_the_largest_distance_of_two_voxels(shape, spacing):
    labels = scattered(shape, 0)
    objects = Objects(labels, spacing)
    found = hulls.measure(objects.runs, objects.spacing)[:, 1]
    expected = [pdist(np.argwhere(labels == label) * spacing).max() for label in objects.ids]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@settings(deadline=None)
@given(MASKS.filter(lambda mask: mask.ndim == 2 and mask.any()))
def test_the_width_is_the_smallest_over_all_directions(mask):
    spacing = np.array((0.7, 0.3))
    middles = np.array([(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)])
    points = ((np.argwhere(mask)[:, np.newaxis] + middles) * spacing).reshape(-1, 2)
    angles = np.linspace(0, np.pi, 3601)
    widths = np.ptp(points @ np.stack([np.sin(angles), np.cos(angles)]), axis=0)
    found = measure(mask, tuple(spacing))[2]
    assert found <= widths.min() + 1e-12
    assert found >= widths.min() - 2 * np.pi / 3600 * np.ptp(points, axis=0).sum()


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (3.0, 1.0), (1.0, 1.0, 1.0), (3.0, 1.0, 1.0)])
def test_what_was_convex_fills_its_hull_at_any_voxel_size(spacing):
    axes = (6, 9, 14)[: len(spacing)]
    objects = Objects(solids(axes, spacing, 50, seed=0, turn=True), spacing)
    counts = hulls.measure(objects.runs, objects.spacing)[:, 0]
    np.testing.assert_array_equal(counts, objects.moments.count)


def test_a_ball_with_a_notch_does_not_fill_its_hull():
    ball = solids((10, 10, 10), (1.0, 1.0, 1.0), 1, seed=1) > 0
    notched = ball.copy()
    notched[: len(ball) // 2, len(ball) // 2 - 2 : len(ball) // 2 + 2] = False
    count, _, _ = measure(notched, (1.0, 1.0, 1.0))
    assert notched.sum() / count == pytest.approx(notched.sum() / ball.sum(), abs=0.02)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 7), (7, 1), (1, 1, 1), (1, 1, 9), (9, 1, 1), (1, 5, 6), (5, 1, 6)]
)
def test_what_has_no_extent_in_a_direction_has_no_hull_but_a_length(shape):
    mask = np.pad(np.ones(shape, bool), 1)
    count, length, width = measure(mask, (1.0,) * len(shape))
    assert np.isnan(count)
    assert length == pytest.approx(np.linalg.norm(np.array(shape) - 1))
    assert np.isnan(width) == (len(shape) == 3)


def test_an_oblique_plane_of_voxels_has_no_hull():
    z, y, x = np.indices((6, 6, 6))
    count, length, _ = measure(z == x, (1.0, 1.0, 1.0))
    assert np.isnan(count)
    assert length == pytest.approx(np.sqrt(75))


def test_a_cube_fills_its_hull():
    count, length, _ = measure(np.pad(np.ones((3, 3, 3), bool), 2), (1.0, 2.0, 3.0))
    assert count == 27
    assert length == pytest.approx(np.linalg.norm((2, 4, 6)))
