"""Do thinned meshes stay closed, keep their topology, and stay close to what they were?"""

import numpy as np
import pytest
from bioagree.features.objects import Objects
from bioagree.surfaces.decimation import FEWEST, decimate
from bioagree.surfaces.marching_cubes import marching_cubes
from bioagree.surfaces.mesh import concatenate
from bioagree.surfaces.smoothing import smooth
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import cKDTree
from trimesh import Trimesh

SPACING = (2.0, 0.5, 0.5)


def mesh(labels, spacing=SPACING):
    return marching_cubes(Objects(np.asarray(labels), spacing))


def blobs(n=30, size=40, seed=0):
    rng = np.random.default_rng(seed)
    grid = np.indices((size,) * 3).reshape(3, -1).T
    distance, nearest = cKDTree(rng.uniform(0, size, (n, 3))).query(grid)
    return np.where(distance < 9, nearest + 1, 0).reshape((size,) * 3)


def trimesh_of(meshes, i):
    vertices, faces = meshes.mesh(i)
    return Trimesh(vertices[:, ::-1], faces, process=False)


def assert_closed(meshes):
    for i in range(len(meshes)):
        found = trimesh_of(meshes, i)
        assert found.is_watertight
        assert found.is_winding_consistent
        assert np.unique(found.faces).size == len(found.vertices)
        assert len(np.unique(np.sort(found.faces), axis=0)) == len(found.faces)


def test_the_fraction_is_met_and_every_mesh_stays_closed():
    found = mesh(blobs())
    thin = decimate(found, 0.1)
    assert_closed(thin)
    before, after = np.diff(found.face_offsets), np.diff(thin.face_offsets)
    np.testing.assert_array_equal(after, np.maximum(FEWEST, before * 0.1 // 2 * 2))
    np.testing.assert_array_equal(thin.euler_numbers, found.euler_numbers)
    np.testing.assert_array_equal(thin.ids, found.ids)


def test_all_faces_kept_is_no_change():
    found = mesh(blobs(5, 20))
    kept = decimate(found, 1.0)
    np.testing.assert_array_equal(kept.faces, found.faces)
    np.testing.assert_allclose(kept.vertices, found.vertices, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.uint8, (4, 6, 5), elements=st.integers(0, 2)),
    st.sampled_from([0.0, 0.1, 0.5]),
)
def test_any_labels_keep_their_topology(labels, keep):
    found = mesh(labels)
    thin = decimate(found, keep)
    assert_closed(thin)
    np.testing.assert_array_equal(thin.euler_numbers, found.euler_numbers)
    for i in range(len(found)):
        pieces = [trimesh_of(part, i).body_count for part in (found, thin)]
        assert pieces[0] == pieces[1]
    assert (np.diff(thin.face_offsets) <= np.diff(found.face_offsets)).all()


def test_every_piece_keeps_its_share():
    labels = np.zeros((12, 30, 30), int)
    labels[1:11, 1:20, 1:20] = 1
    labels[5, 25, 25] = 1
    labels[4:8, 8:12, 8:12] = 0
    sizes = [len(piece.faces) for piece in trimesh_of(mesh(labels), 0).split()]
    thin = trimesh_of(decimate(mesh(labels), 0.1), 0)
    assert thin.is_watertight
    kept = [len(piece.faces) for piece in thin.split(only_watertight=False)]
    assert sorted(kept) == sorted(max(FEWEST, n // 10 // 2 * 2) for n in sizes)
    assert min(kept) == FEWEST


def test_a_torus_keeps_its_hole():
    z, y, x = np.indices((9, 30, 30)) - np.array([4, 15, 15]).reshape(3, 1, 1, 1)
    torus = (np.hypot(y, x) - 9) ** 2 + z**2 < 3.5**2
    thin = decimate(mesh(torus, (1.0, 1.0, 1.0)), 0.02)
    assert thin.euler_numbers == [0]
    assert_closed(thin)


def test_a_box_keeps_its_faces_with_few_triangles():
    labels = np.zeros((12, 14, 16), int)
    labels[1:-1, 1:-1, 1:-1] = 1
    found = mesh(labels, (1.0, 1.0, 1.0))
    thin = decimate(found, 0.1)
    assert len(thin.faces) <= 0.1 * len(found.faces)
    assert thin.areas_and_volumes()[1] == pytest.approx(found.areas_and_volumes()[1], rel=0.01)
    assert np.abs(thin.vertices.max(axis=0) - found.vertices.max(axis=0)).max() < 0.3


def test_thin_meshes_stay_near():
    found = mesh(blobs(), (1.0, 1.0, 1.0))
    thin = decimate(found, 0.1)
    volumes = found.areas_and_volumes()[1], thin.areas_and_volumes()[1]
    large = volumes[0] > 1000
    np.testing.assert_allclose(volumes[1][large], volumes[0][large], rtol=0.03)
    distances = [
        cKDTree(trimesh_of(thin, i).sample(40_000, seed=1)).query(found.mesh(i)[0][:, ::-1])[0]
        for i in np.flatnonzero(large)
    ]
    assert max(d.max() for d in distances) < 1.5
    assert np.mean(np.concatenate(distances)) < 0.2


def test_thinning_is_the_same_at_any_scale_and_place():
    labels = blobs(5, 20)
    near = decimate(mesh(labels), 0.1)
    far = decimate(mesh(np.pad(labels, ((8, 0), (16, 0), (32, 0)))), 0.1)
    np.testing.assert_array_equal(near.faces, far.faces)
    np.testing.assert_allclose(
        far.vertices - near.vertices, np.tile([16.0, 8, 16], (len(near.vertices), 1))
    )
    large = decimate(mesh(labels, tuple(1024 * step for step in SPACING)), 0.1)
    np.testing.assert_array_equal(near.faces, large.faces)


def test_smoothed_meshes_can_be_thinned():
    thin = decimate(smooth(mesh(blobs()), 10), 0.1)
    assert_closed(thin)


def test_nothing_stays_nothing():
    assert len(decimate(concatenate([]), 0.1)) == 0
