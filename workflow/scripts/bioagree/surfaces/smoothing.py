"""Smoothing that does not shrink."""

import numba
import numpy as np

from bioagree.surfaces.mesh import Meshes, degrees, normal, pieces

# Steps of Taubin's filter, of opposite sign: 1 / SHRINK + 1 / SWELL = 0.11 is where it stops to
# pass details; 0.1 is what he advises.
SHRINK, SWELL = 0.5, -0.53


def smooth(meshes: Meshes, iterations: int) -> Meshes:
    """Take the steps of the voxel grid away and keep the shape, the place and the volume.

    Parameters
    ----------
    meshes : Meshes
    iterations : int
        Each moves every vertex by `SHRINK` of the way to the mean of its neighbours, and then by
        `SWELL` of it, which is back.

    Returns
    -------
    Meshes
        The same faces; each connected piece of surface has the volume and the centroid that it
        had.

    Notes
    -----
    G. Taubin. A signal processing approach to fair surface design. SIGGRAPH 1995, 351-358.
    :doi:`10.1145/218380.218473`. The filter keeps the volume of what is many voxels wide, but
    pieces of a few voxels are nothing but detail and would shrink to a point. Each piece is
    therefore scaled back to its volume, as in M. Desbrun et al. SIGGRAPH 1999, 317-324,
    :doi:`10.1145/311535.311576`, around its centroid; a piece that lost more than half of its
    volume before that stays as it was.
    """
    if iterations == 0:
        return meshes
    return meshes.with_vertices(_smooth(meshes.vertices, meshes.faces, *meshes.offsets, iterations))


@numba.njit(cache=True, nogil=True, parallel=True)
def _smooth(vertices, faces, vertex_offsets, face_offsets, iterations):
    moved = np.empty_like(vertices)
    for i in numba.prange(len(vertex_offsets) - 1):
        first, last = vertex_offsets[i], vertex_offsets[i + 1]
        corners = faces[face_offsets[i] : face_offsets[i + 1]]
        _smooth_one(vertices[first:last], corners, moved[first:last], iterations)
    return moved


@numba.njit(cache=True, nogil=True)
def _smooth_one(vertices, faces, moved, iterations):
    moved[:] = vertices
    count = degrees(faces, len(vertices))
    total = np.empty_like(vertices)
    for step in range(2 * iterations):
        # Each neighbour is met once in this sense of rotation.
        total[:] = 0
        for f in range(len(faces)):
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            for axis in range(3):
                total[a, axis] += moved[b, axis]
                total[b, axis] += moved[c, axis]
                total[c, axis] += moved[a, axis]
        size = SWELL if step % 2 else SHRINK
        for v in range(len(vertices)):
            for axis in range(3):
                moved[v, axis] += size * (total[v, axis] / count[v] - moved[v, axis])
    piece, n = pieces(faces, len(vertices))
    before = _centroids_and_volumes(vertices, faces, piece, n)
    after = _centroids_and_volumes(moved, faces, piece, n)
    for v in range(len(vertices)):
        old, new = before[piece[v]], after[piece[v]]
        if new[3] / old[3] > 0.5:
            scale = (old[3] / new[3]) ** (1 / 3)
            for axis in range(3):
                moved[v, axis] = old[axis] + scale * (moved[v, axis] - new[axis])
        else:
            moved[v] = vertices[v]


@numba.njit(cache=True, nogil=True)
def _centroids_and_volumes(vertices, faces, piece, n):
    """Return (z, y, x, volume) of what each piece encloses; the volume of a cavity is negative."""
    found = np.zeros((n, 4))
    start = np.zeros((n, 3))
    for v in range(len(vertices) - 1, -1, -1):
        start[piece[v]] = vertices[v]
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        p, part = start[piece[a]], found[piece[a]]
        z, y, x = normal(vertices[a], vertices[b], vertices[c])
        volume = z * (vertices[a, 0] - p[0]) + y * (vertices[a, 1] - p[1])
        volume = (volume + x * (vertices[a, 2] - p[2])) / 6
        for axis in range(3):
            sum_of_corners = vertices[a, axis] + vertices[b, axis] + vertices[c, axis]
            part[axis] += volume * (sum_of_corners - 3 * p[axis]) / 4
        part[3] += volume
    for k in range(n):
        for axis in range(3):
            found[k, axis] = start[k, axis] + found[k, axis] / found[k, 3]
    return found
