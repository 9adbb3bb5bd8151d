"""Convex hulls of points with whole coordinates, exact in integers.

Voxels lie on a grid: most hulls have many points in a plane, and hulls in floating-point numbers
must then be repaired or joggled. With whole numbers "on which side of this plane" has an exact
answer, so nothing needs a tolerance.

References
----------
.. [1] A. M. Andrew. Another efficient algorithm for convex hulls in two dimensions. Inf. Process.
   Lett. 9, 216-219 (1979). :doi:`10.1016/0020-0190(79)90072-3`
.. [2] C. B. Barber, D. P. Dobkin, H. Huhdanpaa. The quickhull algorithm for convex hulls. ACM
   Trans. Math. Softw. 22, 469-483 (1996). :doi:`10.1145/235815.235821`
"""

import numba
import numpy as np

# The triangles of a tetrahedron, and which one is across each of their edges.
FIRST_FACES = np.array([(0, 1, 2), (0, 3, 1), (1, 3, 2), (2, 3, 0)])
FIRST_NEIGHBOURS = np.array([(1, 2, 3), (3, 2, 0), (1, 3, 0), (2, 1, 0)])


@numba.njit(cache=True, nogil=True)
def chain(y, x, side):
    """Return which points of a curve x(y) are corners of its hull, on one side.

    Parameters
    ----------
    y, x : numpy.ndarray of int64, shape (n,)
        y ascending, each once.
    side : int
        1 for the side of small x, -1 for that of large x.

    Returns
    -------
    numpy.ndarray of int64
        Positions, ascending; both ends always, and no point between two others on a line.
    """
    kept = np.empty(y.size, np.int64)
    size = 0
    for i in range(y.size):
        while size >= 2:
            a, b = kept[size - 2], kept[size - 1]
            if side * ((y[b] - y[a]) * (x[i] - x[a]) - (x[b] - x[a]) * (y[i] - y[a])) > 0:
                break
            size -= 1
        kept[size] = i
        size += 1
    return kept[:size]


@numba.njit(cache=True, nogil=True)
def quickhull(points):
    """Return the hull of points in space.

    Parameters
    ----------
    points : numpy.ndarray of int64, shape (n, 3)
        Differences of coordinates up to 10⁶.

    Returns
    -------
    numpy.ndarray of int64, shape (m, 3)
        Triangles as positions in `points`, anticlockwise as seen from outside; no triangle when
        all points are in a plane. Triangles may lie in one plane, but none has the area 0.
    """
    corners, found = _tetrahedron(points)
    if not found:
        return np.empty((0, 3), np.int64)
    n = len(points)
    capacity = 2 * n + 4
    faces, neighbours = np.empty((capacity, 3), np.int64), np.empty((capacity, 3), np.int64)
    planes = np.empty((capacity, 4), np.int64)
    alive, queued = np.zeros(capacity, np.bool_), np.zeros(capacity, np.bool_)
    seen = np.full(capacity, -1)
    # Each point above a face is in the list of one face that it is above of.
    head, following = np.full(capacity, -1), np.full(n, -1)
    queue, free = np.empty(capacity, np.int64), np.arange(capacity)[::-1].copy()
    n_queue, n_free = 0, capacity - 4
    for face in range(4):
        faces[face] = corners[FIRST_FACES[face]]
        neighbours[face] = FIRST_NEIGHBOURS[face]
        _set_plane(points, faces, planes, face)
        alive[face] = queued[face] = True
        queue[n_queue] = face
        n_queue += 1
    for point in range(n):
        for face in range(4):
            if _height(points, planes, face, point) > 0:
                following[point] = head[face]
                head[face] = point
                break
    visible = np.empty(capacity, np.int64)
    ring = np.empty((capacity, 4), np.int64)
    new_of = np.empty(n, np.int64)  # the new face whose first corner is this point
    while n_queue:
        n_queue -= 1
        start = queue[n_queue]
        queued[start] = False
        if not alive[start] or head[start] < 0:
            continue
        apex = head[start]
        best = _height(points, planes, start, apex)
        point = following[apex]
        while point >= 0:
            height = _height(points, planes, start, point)
            if height > best:
                apex, best = point, height
            point = following[point]

        # All faces below the apex, and the ring of edges around them.
        visible[0] = start
        seen[start] = apex
        n_visible, n_ring, position = 1, 0, 0
        while position < n_visible:
            face = visible[position]
            position += 1
            for edge in range(3):
                other = neighbours[face, edge]
                if seen[other] == apex:
                    continue
                if _height(points, planes, other, apex) > 0:
                    seen[other] = apex
                    visible[n_visible] = other
                    n_visible += 1
                else:
                    a, b = faces[face, edge], faces[face, (edge + 1) % 3]
                    back = 0
                    while faces[other, back] != b:
                        back += 1
                    ring[n_ring] = a, b, other, back
                    n_ring += 1

        orphans = -1
        for position in range(n_visible):
            face = visible[position]
            alive[face] = False
            free[n_free] = face
            n_free += 1
            point = head[face]
            while point >= 0:
                after = following[point]
                if point != apex:
                    following[point] = orphans
                    orphans = point
                point = after
            head[face] = -1
        first_new = n_free
        for position in range(n_ring):
            a, b, other, back = ring[position]
            n_free -= 1
            face = free[n_free]
            alive[face] = True
            seen[face] = -1
            faces[face] = a, b, apex
            neighbours[face, 0] = other
            neighbours[other, back] = face
            new_of[a] = face
            _set_plane(points, faces, planes, face)
            if not queued[face]:
                queued[face] = True
                queue[n_queue] = face
                n_queue += 1
        for position in range(n_free, first_new):
            face = free[position]
            beside = new_of[faces[face, 1]]
            neighbours[face, 1] = beside
            neighbours[beside, 2] = face
        while orphans >= 0:
            after = following[orphans]
            for position in range(n_free, first_new):
                face = free[position]
                if _height(points, planes, face, orphans) > 0:
                    following[orphans] = head[face]
                    head[face] = orphans
                    break
            orphans = after
    return faces[alive]


@numba.njit(cache=True, nogil=True)
def _tetrahedron(points):
    """Find four points that are not in a plane; the last is below the first three."""
    corners = np.zeros(4, np.int64)
    origin = points[0]
    best = 0.0
    for i in range(1, len(points)):
        size = np.sum((points[i] - origin).astype(np.float64) ** 2)
        if size > best:
            corners[1], best = i, size
    if best == 0:
        return corners, False
    along = points[corners[1]] - origin
    best = 0.0
    for i in range(1, len(points)):
        size = np.sum(_cross(along, points[i] - origin).astype(np.float64) ** 2)
        if size > best:
            corners[2], best = i, size
    if best == 0:
        return corners, False
    normal = _cross(along, points[corners[2]] - origin)
    best_height = 0
    for i in range(1, len(points)):
        height = np.sum(normal * (points[i] - origin))
        if abs(height) > abs(best_height):
            corners[3], best_height = i, height
    if best_height > 0:
        corners[1], corners[2] = corners[2], corners[1]
    return corners, best_height != 0


@numba.njit(cache=True, nogil=True)
def _cross(a, b):
    return np.array(
        [
            a[1] * b[2] - a[2] * b[1],
            a[2] * b[0] - a[0] * b[2],
            a[0] * b[1] - a[1] * b[0],
        ]
    )


@numba.njit(cache=True, nogil=True)
def _set_plane(points, faces, planes, face):
    i, j, k = faces[face]
    a0, a1, a2 = points[i]
    b0, b1, b2 = points[j, 0] - a0, points[j, 1] - a1, points[j, 2] - a2
    c0, c1, c2 = points[k, 0] - a0, points[k, 1] - a1, points[k, 2] - a2
    n0, n1, n2 = b1 * c2 - b2 * c1, b2 * c0 - b0 * c2, b0 * c1 - b1 * c0
    planes[face] = n0, n1, n2, n0 * a0 + n1 * a1 + n2 * a2


@numba.njit(cache=True, nogil=True)
def _height(points, planes, face, point):
    """Say how far a point is above a face, in a unit of that face."""
    return (
        planes[face, 0] * points[point, 0]
        + planes[face, 1] * points[point, 1]
        + planes[face, 2] * points[point, 2]
        - planes[face, 3]
    )
