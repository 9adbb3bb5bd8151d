"""Mean and Gaussian curvature at the vertices of closed meshes."""

from typing import NamedTuple

import numba
import numpy as np

from bioagree.surfaces.mesh import Meshes, after, before, degrees, normal, twins_of

# How often integrals are shared with neighbours: what is left of the voxel grid is then small.
SHARING = 20


class Curvatures(NamedTuple):
    """Curvatures of all vertices, in the order of ``meshes.vertices``.

    Attributes
    ----------
    mean : numpy.ndarray of float64, shape (v,)
        Mean of the two principal curvatures in 1/µm; positive where the surface is convex.
    gaussian : numpy.ndarray of float64, shape (v,)
        Their product in 1/µm².
    area : numpy.ndarray of float64, shape (v,)
        Weight of the vertex in µm²: the sum over an object is its surface area, that of
        ``area * mean`` the integral of the mean curvature, and that of ``area * gaussian`` 2 pi
        times the Euler number (Gauss & Bonnet).
    """

    mean: np.ndarray
    gaussian: np.ndarray
    area: np.ndarray


def curvatures(meshes: Meshes) -> Curvatures:
    """Estimate curvatures as integrals over the surroundings of a vertex by their area.

    The integral of the mean curvature is half the sum over the edges of their length times the
    angle by which the surface turns there; that of the Gaussian curvature is the sum of the
    angles that the faces at the vertices lack to a full turn. Both are exact in the sense of
    Steiner's formula. Integrals and area of each vertex are then shared in equal parts with its
    neighbours, `SHARING` times, which averages over about three voxels around.

    Notes
    -----
    D. Cohen-Steiner & J.-M. Morvan. Restricted Delaunay triangulations and normal cycle. SoCG
    2003, 312-321. :doi:`10.1145/777792.777839`. Integrals allow for the uneven faces of marching
    cubes, on which cotangent weights (M. Meyer et al. 2003,
    :doi:`10.1007/978-3-662-05105-4_2`) are unstable.
    """
    n = len(meshes.vertices)
    found = Curvatures(np.empty(n), np.empty(n), np.empty(n))
    _curvatures(meshes.vertices, meshes.faces, *meshes.offsets, *found)
    return found


@numba.njit(cache=True, nogil=True, parallel=True)
def _curvatures(vertices, faces, vertex_offsets, face_offsets, mean, gaussian, area):
    for i in numba.prange(len(vertex_offsets) - 1):
        first, last = vertex_offsets[i], vertex_offsets[i + 1]
        corners = faces[face_offsets[i] : face_offsets[i + 1]]
        sums = np.zeros((last - first, 3))
        _integrate(vertices[first:last], corners, sums)
        _share(corners, sums)
        for v in range(last - first):
            area[first + v] = sums[v, 0]
            mean[first + v] = sums[v, 1] / sums[v, 0]
            gaussian[first + v] = sums[v, 2] / sums[v, 0]


@numba.njit(cache=True, nogil=True)
def _integrate(vertices, faces, sums):
    """Add up area, turning along edges, and lack of angle at each vertex."""
    origins = faces.ravel()
    twins = twins_of(origins, len(vertices))
    sums[:, 2] = 2 * np.pi
    for h in range(len(origins)):
        a, b, c = origins[h], origins[after(h)], origins[before(h)]
        one = normal(vertices[a], vertices[b], vertices[c])
        size = np.sqrt(_dot(one, one))
        sums[a, 0] += size / 6
        p, q = _difference(vertices[b], vertices[a]), _difference(vertices[c], vertices[a])
        sums[a, 2] -= np.arctan2(size, _dot(p, q))
        if h < twins[h]:
            d = origins[before(twins[h])]
            other = normal(vertices[b], vertices[a], vertices[d])
            length = np.sqrt(_dot(p, p))
            # Sine and cosine of the angle between the normals, both times the normals' lengths;
            # the far corner of the next face lies below this one where the edge is convex.
            sine = -_dot(one, _difference(vertices[d], vertices[a])) * length
            angle = np.arctan2(sine, _dot(one, other))
            sums[a, 1] += length * angle / 4
            sums[b, 1] += length * angle / 4


@numba.njit(cache=True, nogil=True)
def _share(faces, sums):
    """Give each vertex and its neighbours equal parts of what the vertex has, again and again."""
    count = degrees(faces, len(sums))
    part = np.empty_like(sums)
    for _ in range(SHARING):
        for v in range(len(sums)):
            for k in range(3):
                part[v, k] = sums[v, k] / (1 + count[v])
                sums[v, k] = part[v, k]
        for f in range(len(faces)):
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            for k in range(3):
                sums[a, k] += part[b, k]
                sums[b, k] += part[c, k]
                sums[c, k] += part[a, k]


@numba.njit(cache=True, nogil=True)
def _dot(p, q):
    return p[0] * q[0] + p[1] * q[1] + p[2] * q[2]


@numba.njit(cache=True, nogil=True)
def _difference(p, q):
    return p[0] - q[0], p[1] - q[1], p[2] - q[2]
