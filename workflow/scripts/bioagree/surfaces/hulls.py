"""The convex hull of each object's mesh."""

import numba
import numpy as np

from bioagree.features.hulls import compact, extremes
from bioagree.features.objects import Objects
from bioagree.features.quickhull import quickhull


def hull_volumes(objects: Objects) -> np.ndarray:
    """Return the volume of the convex hull of each mesh of marching cubes, in µm³.

    The vertices of a mesh are half a voxel away from the centres of voxels, along one axis. Its
    hull is therefore that of the voxel centres that are corners of their own hull, each moved by
    half a voxel to all six sides: whole numbers of half voxels, for which hulls are exact.
    """
    runs, moments = objects.runs, objects.moments
    volumes = np.zeros(len(moments.count))
    arrays = runs.first, runs.row, runs.start, runs.stop, runs.shape[1]
    _volumes(*arrays, volumes)
    return volumes * np.prod(objects.spacing)


@numba.njit(cache=True, nogil=True, parallel=True)
def _volumes(first, row, start, stop, height, volumes):
    for i in numba.prange(len(volumes)):
        points, _ = extremes(first[i], first[i + 1], row, start, stop, height)
        volumes[i] = _volume(points)


@numba.njit(cache=True, nogil=True)
def _volume(points):
    faces = quickhull(points)
    if len(faces):
        points, faces = compact(points, faces)
    middles = np.repeat(2 * points, 6).reshape(len(points), 3, 6)
    for k in range(6):
        middles[:, k // 2, k] += 2 * (k % 2) - 1
    middles = np.ascontiguousarray(middles.transpose(0, 2, 1)).reshape(-1, 3)
    volume = 0
    for a, b, c in quickhull(middles):
        p, q, r = middles[a], middles[b], middles[c]
        volume += p[0] * (q[1] * r[2] - q[2] * r[1])
        volume += p[1] * (q[2] * r[0] - q[0] * r[2])
        volume += p[2] * (q[0] * r[1] - q[1] * r[0])
    return volume / 48
