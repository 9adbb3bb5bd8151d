"""Closed triangle meshes of many objects in flat arrays, and what one reads off them.

Every mesh here is closed, orientable, and a manifold: each edge lies in two faces, which run along
it in opposite directions. Whatever makes or changes meshes in this package keeps that.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numba
import numpy as np


@dataclass(frozen=True, eq=False)
class Meshes:
    """The surfaces of the objects of one label image.

    Parameters
    ----------
    ids : numpy.ndarray of int64, shape (n,)
        Label of each object.
    vertices : numpy.ndarray of float64, shape (v, 3)
        Positions ``(z, y, x)`` in µm; the centre of the image's first voxel is 0. Half steps of
        small voxels far from the origin would not fit into 32 bits.
    faces : numpy.ndarray of int32, shape (f, 3)
        Numbers of the corners among the vertices of the same object. Seen from outside they turn
        counterclockwise in right-handed ``(x, y, z)`` coordinates.
    vertex_offsets, face_offsets : numpy.ndarray of int64, shape (n + 1,)
        Object i has the vertices and faces from its offset to the next.
    """

    ids: np.ndarray
    vertices: np.ndarray
    faces: np.ndarray
    vertex_offsets: np.ndarray
    face_offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def mesh(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Return vertices and faces of object i as views."""
        vertices = self.vertices[self.vertex_offsets[i] : self.vertex_offsets[i + 1]]
        return vertices, self.faces[self.face_offsets[i] : self.face_offsets[i + 1]]

    def with_vertices(self, vertices: np.ndarray) -> "Meshes":
        """Return the same meshes with moved vertices."""
        return replace(self, vertices=vertices)

    @property
    def euler_numbers(self) -> np.ndarray:
        """Vertices minus edges plus faces of each object, edges being 3/2 of the faces.

        Every closed piece of surface adds 2 and every handle takes 2 away: a ball has 2, a torus
        0, a ball with a cavity 4.
        """
        return np.diff(self.vertex_offsets) - np.diff(self.face_offsets) // 2

    def areas_and_volumes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the surface area in µm² and the enclosed volume in µm³ of each object.

        The volume is the sum of the signed tetrahedra between the faces and a point of the mesh
        (Zhang & Chen, ICIP 2001, doi:10.1109/ICIP.2001.958278); cavities count as outside.
        """
        return _areas_and_volumes(self.vertices, self.faces, *self.offsets)

    @property
    def offsets(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertex and face offsets, as kernels take them."""
        return self.vertex_offsets, self.face_offsets


def concatenate(parts: Iterable[Meshes]) -> Meshes:
    """Join meshes of different objects in the order given; there may be none."""
    parts = list(parts) or [_nothing()]
    if len(parts) == 1:
        return parts[0]
    return Meshes(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces for part in parts]),
        offsets_of(np.concatenate([np.diff(part.vertex_offsets) for part in parts])),
        offsets_of(np.concatenate([np.diff(part.face_offsets) for part in parts])),
    )


def offsets_of(counts: np.ndarray) -> np.ndarray:
    """Return where each object begins, and the end, from how much each object has."""
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))


def _nothing() -> Meshes:
    ids, start = np.zeros(0, np.int64), np.zeros(1, np.int64)
    return Meshes(ids, np.zeros((0, 3)), np.zeros((0, 3), np.int32), start, start)


@numba.njit(cache=True, nogil=True, parallel=True)
def _areas_and_volumes(vertices, faces, vertex_offsets, face_offsets):
    n = len(vertex_offsets) - 1
    areas, volumes = np.zeros(n), np.zeros(n)
    for i in numba.prange(n):
        points = vertices[vertex_offsets[i] : vertex_offsets[i + 1]]
        corners = faces[face_offsets[i] : face_offsets[i + 1]]
        areas[i], volumes[i] = area_and_volume(points, corners)
    return areas, volumes


@numba.njit(cache=True, nogil=True)
def area_and_volume(vertices, faces):
    """Return area and volume of one mesh."""
    area = volume = 0.0
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        z, y, x = normal(vertices[a], vertices[b], vertices[c])
        area += np.sqrt(z * z + y * y + x * x) / 2
        # The distance to a vertex, not to the origin, which may be far away.
        volume += z * (vertices[a, 0] - vertices[0, 0]) / 6
        volume += y * (vertices[a, 1] - vertices[0, 1]) / 6
        volume += x * (vertices[a, 2] - vertices[0, 2]) / 6
    return area, volume


@numba.njit(cache=True, nogil=True)
def pieces(faces, n_vertices):
    """Return the number of the connected piece of each vertex, and how many there are."""
    parent = np.arange(n_vertices)
    for f in range(len(faces)):
        for c in range(2):
            a, b = faces[f, c], faces[f, c + 1]
            while parent[a] != a:
                parent[a] = parent[parent[a]]
                a = parent[a]
            while parent[b] != b:
                parent[b] = parent[parent[b]]
                b = parent[b]
            # The lowest vertex is the root, so that a root comes before the rest of its piece.
            parent[max(a, b)] = min(a, b)
    piece, n = np.empty(n_vertices, np.int32), 0
    for v in range(n_vertices):
        if parent[v] == v:
            piece[v] = n
            n += 1
        else:
            piece[v] = piece[parent[v]]
    return piece, n


@numba.njit(cache=True, nogil=True)
def normal(a, b, c):
    """Return the outward normal of a face as (z, y, x), twice as long as its area."""
    # In (z, y, x) order the cross product of right-handed coordinates changes its sign.
    pz, py, px = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    qz, qy, qx = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    return px * qy - py * qx, pz * qx - px * qz, py * qz - pz * qy


@numba.njit(cache=True, nogil=True)
def degrees(faces, n_vertices):
    """Return the number of neighbours of each vertex, which is that of its faces."""
    found = np.zeros(n_vertices, np.int32)
    for f in range(len(faces)):
        for c in range(3):
            found[faces[f, c]] += 1
    return found


@numba.njit(cache=True, nogil=True)
def after(h):
    """Return the half-edge that follows in the same face; 3 f + c begins at corner c of face f."""
    return h + 1 if h % 3 < 2 else h - 2


@numba.njit(cache=True, nogil=True)
def before(h):
    """Return the half-edge that precedes in the same face."""
    return h - 1 if h % 3 > 0 else h + 2


@numba.njit(cache=True, nogil=True)
def twins_of(origins, n_vertices):
    """Return the half-edge that runs the other way along each edge."""
    starts = np.zeros(n_vertices + 1, np.int32)
    for h in range(len(origins)):
        starts[origins[h] + 1] += 1
    starts = np.cumsum(starts)
    order, filled = np.empty(len(origins), np.int32), starts[:-1].copy()
    for h in range(len(origins)):
        order[filled[origins[h]]] = h
        filled[origins[h]] += 1
    twins = np.empty(len(origins), np.int32)
    for h in range(len(origins)):
        u, v = origins[h], origins[after(h)]
        for k in range(starts[v], starts[v + 1]):
            if origins[after(order[k])] == u:
                twins[h] = order[k]
    return twins
