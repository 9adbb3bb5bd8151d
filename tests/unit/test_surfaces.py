"""Are meshes closed, of the right topology, and as large and as curved as they should be?"""

from itertools import permutations, product

import numba
import numpy as np
import pytest
import trimesh
from bioagree.errors import InputError
from bioagree.features.objects import Objects
from bioagree.surfaces.cells import table
from bioagree.surfaces.curvature import curvatures
from bioagree.surfaces.decimation import decimate
from bioagree.surfaces.marching_cubes import in_batches, marching_cubes
from bioagree.surfaces.mesh import Meshes, concatenate
from bioagree.surfaces.smoothing import smooth
from bioagree.surfaces.viewing import for_viewing
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes as scikit_image
from skimage.measure import mesh_surface_area

CUBIC, FLAT = (1.0, 1.0, 1.0), (1.5, 0.5, 0.5)
SPACINGS = [CUBIC, FLAT, (0.7, 0.3, 0.45)]


def mesh(labels, spacing=CUBIC):
    return marching_cubes(Objects(np.asarray(labels), spacing))


def ball(radius, spacing=CUBIC, seed=0):
    """Draw a ball with its centre at a random place within a voxel."""
    shift = np.random.default_rng(seed).random(3) * spacing
    sides = [
        np.arange(-radius - 2 * s, radius + 2 * s, s) + d
        for s, d in zip(spacing, shift, strict=True)
    ]
    z, y, x = np.meshgrid(*sides, indexing="ij")
    return (z**2 + y**2 + x**2 <= radius**2).astype(np.uint8)


def cells(n=40, size=48, seed=0):
    """Draw touching objects: what is closest to each of some points, and not too far away."""
    rng = np.random.default_rng(seed)
    grid = np.indices((size,) * 3).reshape(3, -1).T
    distance, nearest = cKDTree(rng.uniform(0, size, (n, 3))).query(grid)
    return np.where(distance < 9, nearest + 1, 0).reshape((size,) * 3)


def assert_closed(meshes):
    """Every edge is in two faces, which run along it in opposite directions."""
    for i in range(len(meshes)):
        vertices, faces = meshes.mesh(i)
        assert faces.min() == 0
        assert faces.max() == len(vertices) - 1
        edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
        assert len(np.unique(edges, axis=0)) == len(edges)
        forth, back = (np.sort(e @ [len(vertices), 1]) for e in (edges, edges[:, ::-1]))
        np.testing.assert_array_equal(forth, back)


def signed_volume(vertices, faces):
    """Volume by the divergence theorem in x, y, z; positive when normals point outwards."""
    a, b, c = vertices[:, ::-1][faces.T]
    return np.einsum("ij,ij->", a, np.cross(b, c)) / 6


def turned(labels):
    """Yield an image turned and mirrored in all 48 ways, each with the old axes in new order."""
    for axes in permutations(range(3)):
        for flips in product((1, -1), repeat=3):
            yield axes, np.transpose(labels, axes)[tuple(slice(None, None, f) for f in flips)]


@pytest.mark.parametrize("spacing", SPACINGS)
def test_area_and_volume_are_scikit_images(spacing):
    labels = cells()
    found = mesh(labels, spacing)
    areas, volumes = found.areas_and_volumes()
    compared = 0
    for label, area, volume in zip(found.ids, areas, volumes, strict=True):
        crop = np.pad(labels == label, 1).astype(np.float32)
        vertices, faces, *_ = scikit_image(crop, 0.5, spacing=spacing)
        edges = np.unique(np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)), axis=0)
        if len(vertices) - len(edges) + len(faces) != 2:  # it bored a tunnel through a convex cell
            continue
        compared += 1
        assert area == pytest.approx(mesh_surface_area(vertices, faces), rel=1e-5)
        assert volume == pytest.approx(abs(signed_volume(vertices, faces)), rel=1e-5)
    assert compared > 0.8 * len(found)
    assert set(found.euler_numbers) == {2}


def test_all_cells_but_32_are_scikit_images():
    triangles, counts = table()
    different = []
    for cell in range(1, 255):
        cube = np.array([cell >> corner & 1 for corner in range(8)], np.float32).reshape(2, 2, 2)
        vertices, faces, *_ = scikit_image(cube, 0.5)
        middles = np.array([vertex for axis in range(3) for vertex in middles_along(axis)])
        ours = middles[triangles[cell, : 3 * counts[cell]].reshape(-1, 3)]
        area = np.linalg.norm(np.cross(ours[:, 1] - ours[:, 0], ours[:, 2] - ours[:, 0]), axis=1)
        if area.sum() / 2 != pytest.approx(mesh_surface_area(vertices, faces), rel=1e-5):
            different.append(cell)
    assert len(different) == 32


def middles_along(axis):
    for first in (0, 1):
        for second in (0, 1):
            yield np.insert([float(first), float(second)], axis, 0.5)


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint32, (4, 5, 6), elements=st.sampled_from([0, 0, 1, 1, 3, 70_000, 2**32 - 1])))
def test_meshes_of_any_labels_are_closed_and_face_outwards(labels):
    found = mesh(labels, FLAT)
    np.testing.assert_array_equal(found.ids, np.unique(labels[labels > 0]))
    assert_closed(found)
    _, volumes = found.areas_and_volumes()
    for i in range(len(found)):
        assert volumes[i] == pytest.approx(signed_volume(*found.mesh(i)), rel=1e-9)
    assert (volumes > 0).all()


@pytest.mark.parametrize("density", [0.1, 0.5, 0.9])
def test_noise_has_closed_manifolds(density):
    noise = np.random.default_rng(1).random((20, 20, 20)) < density
    found = mesh(noise)
    assert_closed(found)
    # In a manifold, the faces around a vertex are one fan: as many as there are edges.
    faces = found.mesh(0)[1]
    following = {(a, b): c for t in faces.tolist() for a, b, c in (t, t[1:] + t[:1], t[2:] + t[:2])}
    degrees = np.bincount(faces.ravel())
    for vertex, first in dict(faces[:, :2].tolist()).items():
        fan, other = 1, following[vertex, first]
        while other != first:
            fan, other = fan + 1, following[vertex, other]
        assert fan == degrees[vertex]


def test_one_voxel_is_an_octahedron():
    found = mesh(np.full((1, 1, 1), 9), (2.0, 1.0, 0.5))
    vertices, faces = found.mesh(0)
    np.testing.assert_allclose(sorted(np.abs(vertices).max(axis=1)), [0.25, 0.25, 0.5, 0.5, 1, 1])
    assert len(faces) == 8
    assert found.areas_and_volumes()[1] == pytest.approx(2 * 1 * 0.5 / 6)


def shapes():
    solid = np.zeros((7, 7, 7), bool)
    solid[1:6, 1:6, 1:6] = True
    torus = solid.copy()
    torus[:, 3, 3] = False
    hollow = solid.copy()
    hollow[3, 3, 3] = False
    two = np.zeros((3, 3, 7), bool)
    two[1, 1, [1, 5]] = True
    at_edge, at_corner = np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool)
    at_edge[0, 0, 0] = at_edge[0, 1, 1] = True
    at_corner[0, 0, 0] = at_corner[1, 1, 1] = True
    three = np.zeros((2, 2, 2), bool)
    three[0, 0, 1] = three[0, 1, 0] = three[1, 0, 0] = True
    return [
        (solid, 2),
        (torus, 0),
        (hollow, 4),
        (two, 4),
        (at_edge, 2),
        (at_corner, 4),
        (three, 2),
        (np.ones((1, 1, 6), bool), 2),
        (np.ones((1, 6, 6), bool), 2),
        (np.ones((3, 3, 3), bool), 2),
    ]


@pytest.mark.parametrize(("shape", "expected"), shapes())
def test_euler_number_is_the_topology(shape, expected):
    for _, turn in turned(shape):
        found = mesh(turn)
        assert found.euler_numbers == [expected]
    assert_closed(found)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_no_turn_changes_area_or_volume(spacing):
    labels = np.random.default_rng(5).integers(1, 3, (5, 6, 4))
    expected = mesh(labels, spacing)
    for axes, turn in turned(labels):
        found = mesh(turn, tuple(spacing[axis] for axis in axes))
        for one, two in zip(found.areas_and_volumes(), expected.areas_and_volumes(), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-12)
        np.testing.assert_array_equal(found.face_offsets, expected.face_offsets)
        np.testing.assert_array_equal(found.vertex_offsets, expected.vertex_offsets)


def test_moving_an_object_moves_its_mesh():
    labels = np.zeros((20, 20, 20), int)
    labels[2:8, 3:9, 4:10] = ball(2.4)[:6, :6, :6]
    moved = np.roll(labels, (5, 7, 9), (0, 1, 2))
    one, two = mesh(labels, FLAT), mesh(moved, FLAT)
    np.testing.assert_array_equal(one.faces, two.faces)
    np.testing.assert_allclose(
        two.vertices - one.vertices, np.tile([7.5, 3.5, 4.5], (len(one.vertices), 1))
    )


def test_the_border_closes_an_object_as_background_does():
    labels = cells(8, 16)
    inside, padded = mesh(labels), mesh(np.pad(labels, 2))
    np.testing.assert_array_equal(inside.faces, padded.faces)
    np.testing.assert_allclose(inside.vertices, padded.vertices - 2)


def test_spacing_scales_as_it_should():
    labels = cells(8, 16)
    areas, volumes = mesh(labels).areas_and_volumes()
    larger = mesh(labels, (3.0, 3.0, 3.0)).areas_and_volumes()
    np.testing.assert_allclose(larger[0], 9 * areas)
    np.testing.assert_allclose(larger[1], 27 * volumes)
    np.testing.assert_allclose(mesh(labels, (5.0, 2.0, 3.0)).areas_and_volumes()[1], 30 * volumes)


def test_finer_voxels_of_the_same_object_tend_to_the_area_of_the_voxels():
    labels = np.zeros((4, 4, 4), int)
    labels[1, 1:3, 1:3] = labels[2, 1, 1] = 1
    exposed = sum(np.abs(np.diff(labels, axis=axis)).sum() for axis in range(3))
    deviations = []
    for factor in (1, 2, 4, 8):
        fine = labels
        for axis in range(3):
            fine = fine.repeat(factor, axis)
        area, volume = mesh(fine, (1 / factor,) * 3).areas_and_volumes()
        deviations.append([abs(area[0] / exposed - 1), abs(volume[0] / labels.sum() - 1)])
    assert (np.diff(deviations, axis=0) < 0).all()
    assert max(deviations[-1]) < 0.06


def test_objects_keep_precision_far_from_the_origin():
    labels = np.zeros((2, 2, 60_000), np.uint8)
    labels[:, :, -2:] = 1
    area, volume = mesh(labels, (0.1, 0.1, 0.1)).areas_and_volumes()
    near = mesh(labels[:, :, -2:], (0.1, 0.1, 0.1)).areas_and_volumes()
    assert area == pytest.approx(near[0], rel=1e-9)
    assert volume == pytest.approx(near[1], rel=1e-9)


def test_no_object_gives_no_mesh():
    found = mesh(np.zeros((3, 4, 5), int))
    assert len(found) == 0
    assert found.vertices.shape == found.faces.shape == (0, 3)
    assert len(smooth(found, 10)) == len(curvatures(found).mean) == 0


def test_plane_images_have_no_surfaces():
    with pytest.raises(InputError, match="3D"):
        marching_cubes(Objects(np.ones((3, 3), int), (1.0, 1.0)))


def test_batches_hold_the_same_meshes():
    objects = Objects(cells(), FLAT)
    batches = list(in_batches(objects, limit=200_000))
    assert len(batches) > 5
    whole, joined = marching_cubes(objects), concatenate(batches)
    for name in ("ids", "vertices", "faces", "vertex_offsets", "face_offsets"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(joined, name))


@pytest.mark.parametrize("spacing", SPACINGS)
def test_smoothing_keeps_volume_and_place_and_lessens_area(spacing):
    found = mesh(cells(), spacing)
    smoothed = smooth(found, 10)
    np.testing.assert_allclose(smoothed.areas_and_volumes()[1], found.areas_and_volumes()[1])
    large = np.diff(found.face_offsets) > 100
    assert (smoothed.areas_and_volumes()[0] < found.areas_and_volumes()[0])[large].all()
    for i in range(len(found)):
        centres = [centroid(*part.mesh(i)) for part in (found, smoothed)]
        np.testing.assert_allclose(*centres, atol=1e-9)
    assert np.abs((smoothed.vertices - found.vertices) / spacing).max() < 1


def centroid(vertices, faces):
    a, b, c = vertices[faces.T]
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c))
    return volumes @ (a + b + c) / 4 / volumes.sum()


@pytest.mark.parametrize("radius", [5, 10])
def test_smoothed_balls_have_the_area_of_balls(radius):
    found = smooth(mesh(ball(radius)), 10)
    assert found.areas_and_volumes()[0] == pytest.approx(4 * np.pi * radius**2, rel=0.02)


def test_smoothing_alone_leaves_what_is_too_small_in_place():
    labels = np.zeros((3, 3, 20), int)
    labels[1, 1, 1], labels[1, 1, 5:15], labels[:, :, 17:] = 1, 2, 1
    found = mesh(labels)
    smoothed = smooth(found, 30)
    assert np.abs(smoothed.vertices - found.vertices).max() < 1
    np.testing.assert_allclose(smoothed.areas_and_volumes()[1], found.areas_and_volumes()[1])


@pytest.mark.parametrize(("shape", "euler"), shapes())
def test_gaussian_curvature_sums_to_the_euler_number(shape, euler):
    found = curvatures(smooth(mesh(shape, FLAT), 10))
    assert (found.gaussian * found.area).sum() == pytest.approx(2 * np.pi * euler)


def test_mean_curvature_of_a_box_is_exact():
    # Steiner: the integral is pi times the sum of the three sides; bevelled edges keep it.
    corners = np.array(np.meshgrid(*[[0, side] for side in (2.0, 3.0, 5.0)])).reshape(3, -1).T
    found = curvatures(hull(corners))
    assert (found.mean * found.area).sum() == pytest.approx(np.pi * (2 + 3 + 5))
    assert found.area.sum() == pytest.approx(2 * (2 * 3 + 3 * 5 + 2 * 5))


def hull(points):
    """Return the convex hull of points x, y, z as meshes of one object."""
    found = trimesh.convex.convex_hull(points)
    vertices, faces = np.ascontiguousarray(found.vertices[:, ::-1]), found.faces.astype(np.int32)
    ends = np.array([0, len(vertices)]), np.array([0, len(faces)])
    return Meshes(np.array([1]), vertices, faces, *ends)


@pytest.mark.parametrize(("spacing", "tolerance"), [(CUBIC, 0.03), ((3.0, 1.0, 1.0), 0.06)])
@pytest.mark.parametrize("radius", [5, 10, 20])
def test_balls_have_the_curvature_of_balls(radius, spacing, tolerance):
    found = curvatures(smooth(mesh(ball(radius, spacing), spacing), 20))
    assert np.median(found.mean) == pytest.approx(1 / radius, rel=tolerance)
    assert np.median(found.gaussian) == pytest.approx(1 / radius**2, rel=2 * tolerance)
    total = (found.mean * found.area).sum()
    assert total == pytest.approx(4 * np.pi * radius, rel=tolerance)


def test_a_dent_is_concave():
    labels = np.zeros((30, 30, 30), int)
    z, y, x = np.indices(labels.shape) - 15
    labels[(z**2 + y**2 + x**2 < 13**2) & ((z - 14) ** 2 + y**2 + x**2 > 9**2)] = 1
    found = smooth(mesh(labels), 20)
    vertices = found.vertices - 15
    dented = np.linalg.norm(vertices - [14, 0, 0], axis=1) < 9.5
    inner = dented & (vertices[:, 0] < 6.5)
    curved = curvatures(found)
    assert (curved.mean[inner] < 0).all()
    assert np.median(curved.mean[inner]) == pytest.approx(-1 / 9, rel=0.1)
    assert (curved.mean[vertices[:, 0] < 0] > 0).mean() > 0.99


def test_meshes_for_viewing_are_the_smoothed_and_thinned_ones():
    objects = Objects(cells(12, 20), FLAT)
    found = for_viewing(objects, smoothing_iterations=5, faces=0.2)
    expected = decimate(smooth(marching_cubes(objects), 5), 0.2)
    np.testing.assert_array_equal(found.vertices, expected.vertices)
    np.testing.assert_array_equal(found.faces, expected.faces)
    assert_closed(found)


def test_results_do_not_depend_on_threads():
    objects = Objects(cells(), FLAT)
    many = for_viewing(objects, smoothing_iterations=5, faces=0.1)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = for_viewing(objects, smoothing_iterations=5, faces=0.1)
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(one.vertices, many.vertices)
    np.testing.assert_array_equal(one.faces, many.faces)
