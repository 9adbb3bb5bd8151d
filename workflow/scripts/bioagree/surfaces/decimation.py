"""Fewer triangles for the same surface."""

import math

import numba
import numpy as np

from bioagree.surfaces.mesh import Meshes, after, before, normal, offsets_of, pieces, twins_of

FEWEST = 8  # faces of a piece: the surface of a single voxel has no more
# A little of the edge's squared length beside the squared distance, so that flat places are thinned
# evenly, and a little pull to the middle of the edge, where the quadric leaves its place open.
EVENNESS, PULL = 1e-3, 1e-2
TURN = 0.5  # cosine of the angle by which one collapse may turn a face
FATNESS = 0.05  # smallest area of a face, as part of its longest edge squared
BUCKETS = 2**12
NONE = np.int32(-1)


def decimate(meshes: Meshes, keep: float) -> Meshes:
    """Collapse edges, cheapest first, until a fraction of the faces is left.

    Parameters
    ----------
    meshes : Meshes
    keep : float
        Fraction of the faces of each connected piece of surface to keep, rounded down to the
        next even number (a closed surface has no odd one), but 8 faces at least.

    Returns
    -------
    Meshes
        Closed manifolds with the same Euler numbers. Some have more faces than asked for, where
        no further edge can be collapsed without a fold.

    Notes
    -----
    An edge becomes the point with the least sum of squared distances from the planes of the faces
    that its ends stand for, weighted by area (M. Garland & P. S. Heckbert. Surface simplification
    using quadric error metrics. SIGGRAPH 1997, 209-216. :doi:`10.1145/258734.258849`). The order is
    by that sum times the square of the larger of the two ends' mean squared distances: a sum alone
    would give up small tips, which are what the largest distance between the surfaces is about. An
    edge stays if its collapse would change the topology, by the link condition (T. K. Dey et al.
    Topology preserving edge contraction. Publ. Inst. Math. Beograd 66, 23-45 (1999)), or turn a
    face too far. Edges wait in buckets of costs within 6 % of each other, the newest first: the
    result is the same everywhere.
    """
    if keep == 1:
        return meshes
    vertices, faces = meshes.vertices.copy(), meshes.faces.copy()
    counts = _decimate(vertices, faces, *meshes.offsets, keep)
    old = meshes.offsets
    new = offsets_of(counts[:, 0]), offsets_of(counts[:, 1])
    kept = np.empty((new[0][-1], 3)), np.empty((new[1][-1], 3), np.int32)
    for source, target, starts, ends in zip((vertices, faces), kept, old, new, strict=True):
        for i in range(len(meshes)):
            n = ends[i + 1] - ends[i]
            target[ends[i] : ends[i + 1]] = source[starts[i] : starts[i] + n]
    return Meshes(meshes.ids, *kept, *new)


@numba.njit(cache=True, nogil=True, parallel=True)
def _decimate(vertices, faces, vertex_offsets, face_offsets, keep):
    n = len(vertex_offsets) - 1
    counts = np.zeros((n, 2), np.int64)
    for i in numba.prange(n):
        points = vertices[vertex_offsets[i] : vertex_offsets[i + 1]]
        corners = faces[face_offsets[i] : face_offsets[i + 1]]
        counts[i, 0], counts[i, 1] = _decimate_one(points, corners, keep)
    return counts


@numba.njit(cache=True, nogil=True)
def _decimate_one(vertices, faces, keep):
    """Thin one mesh in place and return how many vertices and faces are left, in front."""
    origin = vertices[0].copy()
    vertices -= origin
    piece, n = pieces(faces, len(vertices))
    spare = np.zeros(n, np.int64)  # faces that each piece may lose
    for f in range(len(faces)):
        spare[piece[faces[f, 0]]] += 1
    for k in range(n):
        spare[k] -= max(FEWEST, int(keep * spare[k]) // 2 * 2)
    # Half-edge 3 f + c runs from corner c of face f to the next one.
    origins = faces.ravel()
    twins = twins_of(origins, len(vertices))
    leaving = np.empty(len(vertices), np.int32)
    for h in range(len(origins)):
        leaving[origins[h]] = h
    quadrics = _quadrics(vertices, faces)
    heads = np.full(BUCKETS, NONE)
    chain = np.full((len(origins), 3), NONE)  # next and previous in the bucket, and the bucket
    places = np.empty((len(origins), 3))
    marks = np.zeros(len(vertices), np.int32)
    lowest, mark = BUCKETS, np.int32(0)
    for h in range(len(origins)):
        if h < twins[h]:
            bucket = _judge(h, origins, twins, vertices, quadrics, places)
            _insert(heads, chain, h, bucket)
            lowest = min(lowest, bucket)
    while True:
        while lowest < BUCKETS and heads[lowest] == NONE:
            lowest += 1
        if lowest == BUCKETS:
            break
        h = heads[lowest]
        _remove(heads, chain, h)
        t, place = twins[h], (places[h, 0], places[h, 1], places[h, 2])
        u, v = origins[h], origins[t]
        if spare[piece[u]] < 2:
            continue
        mark += 1
        if not _keeps_topology(h, origins, twins, marks, mark):
            continue
        if _folds(h, origins, twins, vertices, place) or _folds(t, origins, twins, vertices, place):
            continue
        _collapse(h, origins, twins, leaving, heads, chain)
        spare[piece[u]] -= 2
        for axis in range(3):
            vertices[v, axis] = place[axis]
        for k in range(10):
            quadrics[v, k] += quadrics[u, k]
        start = leaving[v]
        g = start
        while True:
            edge = min(g, twins[g])
            _remove(heads, chain, edge)
            bucket = _judge(edge, origins, twins, vertices, quadrics, places)
            _insert(heads, chain, edge, bucket)
            lowest = min(lowest, bucket)
            g = twins[before(g)]
            if g == start:
                break
    counts = _compact(vertices, faces, twins)
    vertices += origin
    return counts


@numba.njit(cache=True, nogil=True)
def _quadrics(vertices, faces):
    """Return xx, xy, xz, yy, yz, zz, x, y, z, 1 of each vertex's quadric, weighted by area."""
    quadrics = np.zeros((len(vertices), 10))
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        n = normal(vertices[a], vertices[b], vertices[c])
        length = np.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2])
        if length == 0:
            continue
        p, q, r = n[0] / length, n[1] / length, n[2] / length
        d = -(p * vertices[a, 0] + q * vertices[a, 1] + r * vertices[a, 2])
        values = (p * p, p * q, p * r, q * q, q * r, r * r, p * d, q * d, r * d, d * d)
        for v in (a, b, c):
            for k in range(10):
                quadrics[v, k] += values[k] * length / 2
    return quadrics


@numba.njit(cache=True, nogil=True)
def _judge(h, origins, twins, vertices, quadrics, places):
    """Find where an edge would best be collapsed to, and return the bucket of its cost."""
    u, v = origins[h], origins[twins[h]]
    a = quadrics[u, 0] + quadrics[v, 0]
    b = quadrics[u, 1] + quadrics[v, 1]
    c = quadrics[u, 2] + quadrics[v, 2]
    d = quadrics[u, 3] + quadrics[v, 3]
    e = quadrics[u, 4] + quadrics[v, 4]
    f = quadrics[u, 5] + quadrics[v, 5]
    x = (vertices[u, 0] + vertices[v, 0]) / 2
    y = (vertices[u, 1] + vertices[v, 1]) / 2
    z = (vertices[u, 2] + vertices[v, 2]) / 2
    # The gradient at the middle, and the step from there to the minimum.
    gx = a * x + b * y + c * z + quadrics[u, 6] + quadrics[v, 6]
    gy = b * x + d * y + e * z + quadrics[u, 7] + quadrics[v, 7]
    gz = c * x + e * y + f * z + quadrics[u, 8] + quadrics[v, 8]
    pull = PULL * (a + d + f)
    a, d, f = a + pull, d + pull, f + pull
    aa, bb, cc = d * f - e * e, c * e - b * f, b * e - c * d
    dd, ee, ff = a * f - c * c, b * c - a * e, a * d - b * b
    scale = 1 / (a * aa + b * bb + c * cc)
    x -= (aa * gx + bb * gy + cc * gz) * scale
    y -= (bb * gx + dd * gy + ee * gz) * scale
    z -= (cc * gx + ee * gy + ff * gz) * scale
    places[h, 0], places[h, 1], places[h, 2] = x, y, z
    evenness = EVENNESS * _distance(vertices, u, vertices[v, 0], vertices[v, 1], vertices[v, 2])
    one, two = _error(quadrics, u, x, y, z), _error(quadrics, v, x, y, z)
    one_area = quadrics[u, 0] + quadrics[u, 3] + quadrics[u, 5]
    two_area = quadrics[v, 0] + quadrics[v, 3] + quadrics[v, 5]
    one, two = one + evenness * one_area, two + evenness * two_area
    return _bucket((one + two) * max(one / one_area, two / two_area) ** 2)


@numba.njit(cache=True, nogil=True)
def _error(quadrics, v, x, y, z):
    """Return the squared distances of a place from the planes of a vertex, weighted by area."""
    error = x * (quadrics[v, 0] * x + 2 * (quadrics[v, 1] * y + quadrics[v, 2] * z))
    error += y * (quadrics[v, 3] * y + 2 * quadrics[v, 4] * z) + z * quadrics[v, 5] * z
    error += 2 * (quadrics[v, 6] * x + quadrics[v, 7] * y + quadrics[v, 8] * z) + quadrics[v, 9]
    return max(error, 0.0)


@numba.njit(cache=True, nogil=True)
def _distance(vertices, v, x, y, z):
    """Return the squared distance of a vertex from a place."""
    p, q, r = vertices[v, 0] - x, vertices[v, 1] - y, vertices[v, 2] - z
    return p * p + q * q + r * r


@numba.njit(cache=True, nogil=True)
def _bucket(cost):
    """Return the leading bits of a number: 16 steps from each power of two to the next."""
    mantissa, exponent = math.frexp(cost)
    return min(max(16 * (exponent + 128) + int(32 * mantissa) - 16, 0), BUCKETS - 1)


@numba.njit(cache=True, nogil=True)
def _insert(heads, chain, h, bucket):
    following = heads[bucket]
    chain[h, 0], chain[h, 1], chain[h, 2] = following, NONE, bucket
    if following != NONE:
        chain[following, 1] = h
    heads[bucket] = h


@numba.njit(cache=True, nogil=True)
def _remove(heads, chain, h):
    """Take an edge out of its bucket, if it is in one."""
    following, previous, bucket = chain[h, 0], chain[h, 1], chain[h, 2]
    if bucket == NONE:
        return
    if previous == NONE:
        heads[bucket] = following
    else:
        chain[previous, 0] = following
    if following != NONE:
        chain[following, 1] = previous
    chain[h, 2] = NONE


@numba.njit(cache=True, nogil=True)
def _keeps_topology(h, origins, twins, marks, mark):
    """Whether the ends have no common neighbours but the two corners that face their edge.

    These must have more than three neighbours, or their last faces would fall together.
    """
    t = twins[h]
    for half in (h, t):
        corner = before(half)
        g, degree = corner, 0
        while True:
            degree += 1
            g = twins[before(g)]
            if g == corner:
                break
        if degree < 4:
            return False
    g = h
    while True:
        marks[origins[twins[g]]] = mark
        g = twins[before(g)]
        if g == h:
            break
    common, g = 0, t
    while True:
        common += marks[origins[twins[g]]] == mark
        g = twins[before(g)]
        if g == t:
            break
    return common == 2


@numba.njit(cache=True, nogil=True)
def _folds(h, origins, twins, vertices, place):
    """Whether a face at the start of `h` that stays would turn too far or become a needle."""
    u = origins[h]
    x, y, z = vertices[u, 0], vertices[u, 1], vertices[u, 2]
    stop = after(twins[h])
    g = twins[before(h)]
    while g != stop:
        p, q = origins[after(g)], origins[before(g)]
        px, py, pz = vertices[p, 0], vertices[p, 1], vertices[p, 2]
        qx, qy, qz = vertices[q, 0] - px, vertices[q, 1] - py, vertices[q, 2] - pz
        ax, ay, az = x - px, y - py, z - pz
        bx, by, bz = place[0] - px, place[1] - py, place[2] - pz
        ax, ay, az = ay * qz - az * qy, az * qx - ax * qz, ax * qy - ay * qx
        nx, ny, nz = by * qz - bz * qy, bz * qx - bx * qz, bx * qy - by * qx
        turn = ax * nx + ay * ny + az * nz
        size = nx * nx + ny * ny + nz * nz
        if turn <= 0 or turn * turn <= TURN**2 * size * (ax * ax + ay * ay + az * az):
            return True
        longest = max(bx * bx + by * by + bz * bz, qx * qx + qy * qy + qz * qz)
        longest = max(longest, _distance(vertices, q, place[0], place[1], place[2]))
        if size <= (2 * FATNESS * longest) ** 2:
            return True
        g = twins[before(g)]
    return False


@numba.njit(cache=True, nogil=True)
def _collapse(h, origins, twins, leaving, heads, chain):
    """Move all edges of the start of `h` to its end, and take away the two faces along it."""
    t = twins[h]
    v = origins[t]
    g = h
    while True:
        origins[g] = v
        g = twins[before(g)]
        if g == h:
            break
    for half in (h, t):
        one, two = after(half), before(half)
        p, q = twins[one], twins[two]
        _remove(heads, chain, min(one, p))
        _remove(heads, chain, min(two, q))
        twins[p], twins[q] = q, p
        leaving[origins[p]], leaving[origins[q]] = p, q
        twins[one] = twins[two] = twins[half] = NONE


@numba.njit(cache=True, nogil=True)
def _compact(vertices, faces, twins):
    """Move what is left to the front."""
    number = np.full(len(vertices), NONE)
    n_faces = 0
    for f in range(len(faces)):
        if twins[3 * f] != NONE:
            faces[n_faces] = faces[f]
            n_faces += 1
            for c in range(3):
                number[faces[f, c]] = 0
    n_vertices = 0
    for v in range(len(vertices)):
        if number[v] != NONE:
            vertices[n_vertices] = vertices[v]
            number[v] = n_vertices
            n_vertices += 1
    for f in range(n_faces):
        for c in range(3):
            faces[f, c] = number[faces[f, c]]
    return n_vertices, n_faces
