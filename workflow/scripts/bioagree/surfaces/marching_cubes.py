"""Marching cubes of every object of a label image, at the level 0.5 of its binary mask.

W. E. Lorensen & H. E. Cline. Marching cubes: a high resolution 3D surface construction algorithm.
SIGGRAPH 1987, 163-169. doi:10.1145/37401.37422. The cells are those of
:mod:`bioagree.surfaces.cells`.
"""

from collections.abc import Iterator

import numba
import numpy as np

from bioagree.errors import InputError
from bioagree.features.objects import Objects
from bioagree.surfaces.cells import table
from bioagree.surfaces.mesh import Meshes, concatenate, offsets_of

BATCH_BYTES = 2**26  # of vertices and faces: more would not be faster


def marching_cubes(objects: Objects) -> Meshes:
    """Return the surfaces of all objects of a 3D label image.

    Parameters
    ----------
    objects : Objects
        Each is meshed on its own; what lies beyond the image is background, so that objects at
        the border are closed there, half a voxel outside the outermost voxel centres.

    Returns
    -------
    Meshes
        Closed manifolds, in the order of ``objects.ids``. Voxels that share a face or an edge
        are joined, those that share only a corner are not, and background voxels are joined
        through faces: the Euler number is twice that of the object with 18 neighbours.

    Raises
    ------
    InputError
        If the image is not 3D.

    Notes
    -----
    Area and volume equal ``skimage.measure.marching_cubes`` on the padded mask (T. Lewiner et al.
    2003, :doi:`10.1080/10867651.2003.10487582`) to six digits, unless one of the cells occurs in
    which that bores a tunnel, see :func:`bioagree.surfaces.cells.table`: in one of 14 touching
    nuclei (Voronoi cells), whose area then differs by up to 1 %.
    """
    return concatenate(in_batches(objects, limit=2**62))


def in_batches(objects: Objects, limit: int = BATCH_BYTES) -> Iterator[Meshes]:
    """Yield the surfaces of a few objects after the other, so that they need little memory.

    Parameters
    ----------
    objects : Objects
    limit : int, optional
        Bytes of vertices and faces of one batch. An object with more is a batch of its own.
    """
    if objects.ndim != 3:
        raise InputError(f"surfaces need a 3D image; this one has {objects.ndim} dimensions")
    triangles, n_triangles = table()
    runs, moments = objects.runs, objects.moments
    image = (runs.first, runs.row, runs.start, runs.stop, runs.shape[1])
    image += (moments.start, moments.stop)
    counts = _count(*image, n_triangles)
    size = np.cumsum(counts @ [24, 12])
    spacing, first = np.array(objects.spacing, float), 0
    while first < len(objects):
        before = size[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(size, before + limit, "right")))
        offsets = [offsets_of(counts[first:last, column]) for column in (0, 1)]
        vertices = np.empty((offsets[0][-1], 3))
        faces = np.empty((offsets[1][-1], 3), np.int32)
        _fill(*image, n_triangles, triangles, first, spacing, *offsets, vertices, faces)
        yield Meshes(objects.ids[first:last], vertices, faces, *offsets)
        first = last


@numba.njit(cache=True, nogil=True)
def _enter(plane, z, y, x, run, end, row, start, stop, height):
    """Move one slice up: bit 0 of `plane` is the slice below the cells, bit 4 the one above.

    Returns the first run of the slice after.
    """
    for j in range(plane.shape[0]):
        for i in range(plane.shape[1]):
            plane[j, i] >>= 4
    while run < end and row[run] // height == z:
        line = plane[row[run] % height - y + 1]
        for i in range(start[run] - x + 1, stop[run] - x + 1):
            line[i] |= 16
        run += 1
    return run


@numba.njit(cache=True, nogil=True, parallel=True)
def _count(first, row, start, stop, height, low, high, n_triangles):
    """Return how many vertices and faces each object has."""
    counts = np.zeros((len(low), 2), np.int64)
    for i in numba.prange(len(low)):
        runs = first[i], first[i + 1], row, start, stop, height
        counts[i, 0], counts[i, 1] = _count_one(runs, low[i], high[i], n_triangles)
    return counts


@numba.njit(cache=True, nogil=True)
def _count_one(runs, low, high, n_triangles):
    run, end, row, start, stop, height = runs
    rows, columns = high[1] - low[1] + 2, high[2] - low[2] + 2
    plane = np.zeros((rows, columns), np.uint8)
    n_vertices = n_faces = 0
    for z in range(low[0], high[0] + 1):
        run = _enter(plane, z, low[1], low[2], run, end, row, start, stop, height)
        for j in range(rows - 1):
            front, back, left = plane[j], plane[j + 1], np.uint8(0)
            for i in range(1, columns):
                right = front[i] | back[i] << 2
                cell = left | right << 1
                left = right
                if cell != 0 and cell != 255:
                    n_faces += n_triangles[cell]
                    last = cell >> 7
                    n_vertices += (last ^ (cell >> 6 & 1)) + (last ^ (cell >> 5 & 1))
                    n_vertices += last ^ (cell >> 3 & 1)
    return n_vertices, n_faces


@numba.njit(cache=True, nogil=True, parallel=True)
def _fill(
    first,
    row,
    start,
    stop,
    height,
    low,
    high,
    n_triangles,
    triangles,
    skip,
    spacing,
    vertex_offsets,
    face_offsets,
    vertices,
    faces,
):
    """Mesh as many objects as there are offsets for, after the first `skip`."""
    for i in numba.prange(len(vertex_offsets) - 1):
        k = skip + i
        runs = first[k], first[k + 1], row, start, stop, height
        points = vertices[vertex_offsets[i] : vertex_offsets[i + 1]]
        corners = faces[face_offsets[i] : face_offsets[i + 1]]
        _fill_one(runs, low[k], high[k], n_triangles, triangles, spacing, points, corners)


@numba.njit(cache=True, nogil=True)
def _fill_one(runs, low, high, n_triangles, triangles, spacing, vertices, faces):
    run, end, row, start, stop, height = runs
    rows, columns = high[1] - low[1] + 2, high[2] - low[2] + 2
    plane = np.zeros((rows, columns), np.uint8)
    # The vertex on each edge: along z of this slab, along y and x of the slices below and above.
    size = rows * columns
    known = np.empty(5 * size, np.int32)
    place = np.empty(12, np.int64)
    v = f = 0
    for z in range(low[0], high[0] + 1):
        run = _enter(plane, z, low[1], low[2], run, end, row, start, stop, height)
        lower = z & 1
        for a in range(2):
            for b in range(2):
                place[2 * a + b] = a * columns + b
                place[4 + 2 * a + b] = (1 + (lower ^ a)) * size + b
                place[8 + 2 * a + b] = (3 + (lower ^ a)) * size + b * columns
        for j in range(rows - 1):
            front, back, left = plane[j], plane[j + 1], np.uint8(0)
            for i in range(columns - 1):
                right = front[i + 1] | back[i + 1] << 2
                cell = left | right << 1
                left = right
                if cell == 0 or cell == 255:
                    continue
                # The three edges at the last corner are new; all others were met before.
                here, last = j * columns + i, cell >> 7
                y, x = low[1] + j, low[2] + i
                if last != cell >> 3 & 1:
                    known[here + place[3]] = v
                    _put(vertices, v, (z - 0.5) * spacing[0], y * spacing[1], x * spacing[2])
                    v += 1
                if last != cell >> 5 & 1:
                    known[here + place[7]] = v
                    _put(vertices, v, z * spacing[0], (y - 0.5) * spacing[1], x * spacing[2])
                    v += 1
                if last != cell >> 6 & 1:
                    known[here + place[11]] = v
                    _put(vertices, v, z * spacing[0], y * spacing[1], (x - 0.5) * spacing[2])
                    v += 1
                for t in range(n_triangles[cell]):
                    for corner in range(3):
                        edge = triangles[cell, 3 * t + corner]
                        faces[f, corner] = known[here + place[edge]]
                    f += 1


@numba.njit(cache=True, nogil=True)
def _put(vertices, v, z, y, x):
    vertices[v, 0], vertices[v, 1], vertices[v, 2] = z, y, x
