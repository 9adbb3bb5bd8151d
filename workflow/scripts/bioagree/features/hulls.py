"""The convex hull of each object: how much it holds, and how long and wide it is.

The hull is that of the voxel centres. Whatever is digitised from a convex body contains all grid
points of that hull, so that the number of grid points in it is an unbiased size: the solidity of a
convex body is 1, at any voxel size. Only the ends of runs can be corners of the hull, and in each
plane only those of the plane's own hull.
"""

import numba
import numpy as np

from bioagree.features.quickhull import chain, quickhull
from bioagree.features.runs import Runs


def measure(runs: Runs, spacing: tuple[float, ...]) -> np.ndarray:
    """Measure the hulls of all objects.

    Parameters
    ----------
    runs : Runs
    spacing : tuple of float
        Voxel size (z, y, x), or pixel size (y, x), in µm.

    Returns
    -------
    numpy.ndarray of float64, shape (n, 3)
        Number of voxel centres in the hull, NaN when all are in a plane (in 2D images: on a
        line); largest distance between two voxel centres in µm; and smallest distance between
        two parallel lines with the middles of all pixel sides in between, in µm, NaN in 3D.
    """
    kernel = _measure_polygons if len(spacing) == 2 else _measure_hulls
    table = np.empty((len(runs.first) - 1, 3))
    runs.share(kernel, runs.shape[1], np.array((1.0, *spacing)[-3:], float), table)
    return table


@numba.njit(cache=True, nogil=True)
def _measure_polygons(low, high, first, row, start, stop, height, spacing, out):
    for index in range(low, high):
        points, n_left = extremes(first[index], first[index + 1], row, start, stop, height)
        out[index, 0] = _count_in_polygon(points, n_left)
        out[index, 1] = diameter(points, spacing)
        out[index, 2] = _width(points, n_left, spacing)


@numba.njit(cache=True, nogil=True)
def _measure_hulls(low, high, first, row, start, stop, height, spacing, out):
    for index in range(low, high):
        points, _ = extremes(first[index], first[index + 1], row, start, stop, height)
        faces = quickhull(points)
        if len(faces):
            points, faces = compact(points, faces)
        out[index, 0] = _count_in_hull(points, faces)
        out[index, 1] = diameter(points, spacing)
        out[index, 2] = np.nan


@numba.njit(cache=True, nogil=True)
def extremes(begin, end, row, start, stop, height):
    """Return the corners of the hulls of each plane of an object.

    Returns
    -------
    points : numpy.ndarray of int64, shape (n, 3)
        Indices z, y, x relative to a voxel of the object; in each plane those with small x and y
        ascending, then those with large x.
    n_left : int
        Number of the former in the last plane.
    """
    y, low, high = np.empty((3, end - begin), np.int64)
    points = np.empty((2 * (end - begin), 3), np.int64)
    origin_z, origin_y, origin_x = row[begin] // height, row[begin] % height, start[begin]
    n_points = n_left = n_rows = 0
    z = origin_z
    for run in range(begin, end + 1):
        if run == end or row[run] // height != z:
            left = chain(y[:n_rows], low[:n_rows], 1)
            right = chain(y[:n_rows], high[:n_rows], -1)
            n_left = left.size
            for i in left:
                points[n_points] = z - origin_z, y[i] - origin_y, low[i] - origin_x
                n_points += 1
            for i in right:
                if low[i] != high[i] or (0 < i < n_rows - 1):
                    points[n_points] = z - origin_z, y[i] - origin_y, high[i] - origin_x
                    n_points += 1
            n_rows = 0
            if run == end:
                break
            z = row[run] // height
        here = row[run] % height
        if n_rows == 0 or y[n_rows - 1] != here:
            y[n_rows], low[n_rows] = here, start[run]
            n_rows += 1
        high[n_rows - 1] = stop[run] - 1
    return points[:n_points], n_left


@numba.njit(cache=True, nogil=True)
def compact(points, faces):
    """Drop the points that are no corners."""
    number = np.full(len(points), -1)
    corners = np.empty_like(points)
    n = 0
    faces = faces.copy()
    for face in range(len(faces)):
        for k in range(3):
            point = faces[face, k]
            if number[point] < 0:
                number[point] = n
                corners[n] = points[point]
                n += 1
            faces[face, k] = number[point]
    return corners[:n], faces


@numba.njit(cache=True, nogil=True)
def _ring(points, n_left):
    """Return the corners of a polygon in order."""
    return np.concatenate((points[:n_left], points[n_left:][::-1]))


@numba.njit(cache=True, nogil=True)
def _count_in_polygon(points, n_left):
    """Count grid points with Pick's theorem, those on the sides included."""
    ring = _ring(points, n_left)
    double_area = border = 0
    for i in range(len(ring)):
        y0, x0 = ring[i - 1, 1], ring[i - 1, 2]
        y1, x1 = ring[i, 1], ring[i, 2]
        double_area += x0 * y1 - x1 * y0
        a, b = abs(y1 - y0), abs(x1 - x0)
        while b:
            a, b = b, a % b
        border += a
    if double_area == 0:
        return np.nan
    return (abs(double_area) + border) / 2 + 1


@numba.njit(cache=True, nogil=True)
def _count_in_hull(points, faces):
    """Count grid points along each row between the lower and the upper faces."""
    if len(faces) == 0:
        return np.nan
    z0, y0 = points[:, 0].min(), points[:, 1].min()
    shape = points[:, 0].max() - z0 + 1, points[:, 1].max() - y0 + 1
    # Ends of the rows: where the faces that look to small and to large x cut them.
    low, high = np.zeros(shape, np.int64), np.full(shape, -1)
    for face in range(len(faces)):
        i, j, k = faces[face]
        az, ay, ax = points[i, 0] - z0, points[i, 1] - y0, points[i, 2]
        bz, by, bx = points[j, 0] - z0, points[j, 1] - y0, points[j, 2]
        cz, cy, cx = points[k, 0] - z0, points[k, 1] - y0, points[k, 2]
        nx = (bz - az) * (cy - ay) - (by - ay) * (cz - az)
        if nx == 0:
            continue
        nz = (by - ay) * (cx - ax) - (bx - ax) * (cy - ay)
        ny = (bx - ax) * (cz - az) - (bz - az) * (cx - ax)
        offset = nz * az + ny * ay + nx * ax
        for z in range(min(az, bz, cz), max(az, bz, cz) + 1):
            y_low, y_high = shape[1], np.int64(-1)
            for z1, y1, z2, y2 in ((az, ay, bz, by), (bz, by, cz, cy), (cz, cy, az, ay)):
                if z1 == z2:
                    if z == z1:
                        y_low, y_high = min(y_low, y1, y2), max(y_high, y1, y2)
                elif min(z1, z2) <= z <= max(z1, z2):
                    if z1 > z2:
                        z1, y1, z2, y2 = z2, y2, z1, y1
                    rise = (y2 - y1) * (z - z1)
                    y_low = min(y_low, y1 - -rise // (z2 - z1))
                    y_high = max(y_high, y1 + rise // (z2 - z1))
            for y in range(y_low, y_high + 1):
                rest = offset - nz * z - ny * y
                if nx > 0:
                    high[z, y] = rest // nx
                else:
                    low[z, y] = -(-rest // nx)
    count = 0
    for z in range(shape[0]):
        for y in range(shape[1]):
            count += max(high[z, y] - low[z, y] + 1, 0)
    return count


@numba.njit(cache=True, nogil=True)
def diameter(points, spacing):
    """Return the largest distance between two points."""
    largest = 0.0
    for i in range(len(points)):
        for j in range(i):
            square = 0.0
            for axis in range(3):
                square += ((points[i, axis] - points[j, axis]) * spacing[axis]) ** 2
            largest = max(largest, square)
    return np.sqrt(largest)


@numba.njit(cache=True, nogil=True)
def _width(points, n_left, spacing):
    """Return the smallest distance between two parallel lines around the pixels of a plane.

    One of the two lies along a side, either of the polygon or of the rhombus that stands for a
    pixel, with its corners at the middles of the pixel's sides.
    """
    ring = _ring(points, n_left)[:, 1:] * spacing[1:]
    sides = ring - np.concatenate((ring[-1:], ring[:-1]))
    rhombus = np.array([[1.0, 1.0], [1.0, -1.0]]) * spacing[1:]
    smallest = np.inf
    for dy, dx in np.concatenate((sides, rhombus)):
        length = np.hypot(dy, dx)
        if length > 0:
            across = (dx * ring[:, 0] - dy * ring[:, 1]) / length
            pixel = max(abs(dx) * spacing[1], abs(dy) * spacing[2]) / length
            smallest = min(smallest, across.max() - across.min() + pixel)
    return smallest
