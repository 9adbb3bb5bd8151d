"""How a surface runs through one cell: the 256 cases of marching cubes, derived.

A cell has a voxel centre at each of its eight corners. The surface crosses the middle of every
edge between a voxel of the object and another one, since a binary object says no more.

The table follows from two choices. Where the two object voxels of a face of the cell lie on a
diagonal, they are joined; both cells at that face decide alike, and so the surface has no gap. And
each loop of crossings is closed by triangles without any edge that lies in a face of the cell,
where the next cell could have the same edge. Both together make every surface a closed manifold.
"""

from functools import cache
from itertools import product

import numpy as np

# Corners by number, as (z, y, x), and each edge as its two corners; an edge has the number
# 4 * axis + 2 * first + second coordinate along the other two axes.
CORNERS = tuple(product((0, 1), repeat=3))
EDGES = tuple(
    tuple(4 * z + 2 * y + x for z, y, x in (np.insert(place, axis, end) for end in (0, 1)))
    for axis in range(3)
    for place in product((0, 1), repeat=2)
)
MIDDLES = np.array([np.add(CORNERS[a], CORNERS[b]) - 1 for a, b in EDGES])  # cell: -1 to 1
MOST_TRIANGLES = 5
Triangle = tuple[int, int, int]


@cache
def table() -> tuple[np.ndarray, np.ndarray]:
    """Return the triangles of all cells and how many there are.

    Returns
    -------
    triangles : numpy.ndarray of int8, shape (256, 15)
        Edges that a cell's triangles have as corners, three by three; a cell is a number whose
        bit 4 z + 2 y + x is set when that corner is a voxel of the object.
    counts : numpy.ndarray of int64, shape (256,)
        Triangles of each cell.

    Notes
    -----
    Area and volume equal those of scikit-image's default method, but in 32 of the 256 cells: where
    three voxels meet at edges only (8 cells), and where five voxels have two separate gaps between
    them (24 cells), it bores a tunnel through the voxels, and in the latter its triangles may have
    edges in common with those of the next cell.
    """
    triangles = np.zeros((256, 3 * MOST_TRIANGLES), np.int8)
    counts = np.zeros(256, np.int64)
    for cell in range(1, 255):
        found = [corner for loop in _loops(cell) for t in _close(tuple(loop)) for corner in t]
        triangles[cell, : len(found)] = found
        counts[cell] = len(found) // 3
    return triangles, counts


def _loops(cell: int) -> list[list[int]]:
    """Return the closed lines of crossed edges in which the surface meets the cell's faces."""
    after = {}
    for ring in _rings():
        inside = [cell >> corner & 1 for corner in ring]
        for k in range(4):
            if inside[k] and not inside[(k + 1) % 4]:
                # Round the outer corners that follow, so that inner ones are joined.
                end = k + 1
                while not inside[(end + 1) % 4]:
                    end += 1
                after[_edge(ring, k)] = _edge(ring, end)
    loops = []
    while after:
        loop = [min(after)]
        while (following := after.pop(loop[-1])) != loop[0]:
            loop.append(following)
        loops.append(loop)
    return loops


@cache
def _rings() -> tuple[tuple[int, ...], ...]:
    """Return the corners of each face in turn, counterclockwise from outside in (x, y, z)."""
    rings = []
    for axis, side in product(range(3), (0, 1)):
        places = [np.insert(place, axis, side) for place in ((0, 0), (0, 1), (1, 1), (1, 0))]
        turn = np.cross(*np.diff(places[:3], axis=0))[axis]
        # (z, y, x) mirrors (x, y, z), and with it the sense of rotation.
        if (turn > 0) == (side == 0):
            places.reverse()
        rings.append(tuple(int(4 * z + 2 * y + x) for z, y, x in places))
    return tuple(rings)


def _edge(ring: tuple[int, ...], k: int) -> int:
    ends = sorted((ring[k % 4], ring[(k + 1) % 4]))
    return EDGES.index(tuple(ends))


@cache
def _close(loop: tuple[int, ...]) -> list[Triangle]:
    """Return the triangles that close a loop.

    Loops of up to six corners are closed as near to the centre of the cell as can be, and those of
    seven by the smallest area: these have scikit-image's area and volume.
    """
    allowed = [choice for choice in _triangulations(loop) if not _has_edge_in_face(choice, loop)]
    return min(allowed, key=_area if len(loop) == 7 else _bulge)


def _triangulations(loop: tuple[int, ...]) -> list[list[Triangle]]:
    """Return all the ways to cut a polygon into triangles at its corners."""
    if len(loop) < 3:
        return [[]]
    return [
        [*left, (loop[0], loop[k], loop[-1]), *right]
        for k in range(1, len(loop) - 1)
        for left in _triangulations(loop[: k + 1])
        for right in _triangulations(loop[k:])
    ]


def _has_edge_in_face(triangles: list[Triangle], loop: tuple[int, ...]) -> bool:
    neighbours = {frozenset(pair) for pair in zip(loop, loop[1:] + loop[:1], strict=True)}
    edges = {frozenset((t[k - 1], t[k])) for t in triangles for k in range(3)}
    return any(
        (MIDDLES[a] * MIDDLES[b] == 1).any() for a, b in (tuple(e) for e in edges - neighbours)
    )


def _area(triangles: list[Triangle]) -> float:
    a, b, c = MIDDLES[np.transpose(triangles)]
    return round(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum(), 9)


def _bulge(triangles: list[Triangle]) -> int:
    """Return six times the volume between the triangles and the centre of the cell."""
    return abs(round(np.linalg.det(MIDDLES[np.array(triangles)]).sum()))
