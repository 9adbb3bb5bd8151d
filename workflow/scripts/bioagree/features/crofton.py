"""Perimeter and surface area by counting intersections with lines (Crofton).

A line that crosses an object meets its surface twice or more. The mean number of crossings over
all lines is proportional to the surface area (in 2D: the perimeter), and lines through the grid in
a few directions are a sample of all lines. No mesh is needed, and the steps of a digital surface
do not count as area.

References
----------
.. [1] D. Legland, K. Kiêu, M.-F. Devaux. Computation of Minkowski measures on 2D and 3D binary
   images. Image Anal. Stereol. 26, 83-92 (2007). :doi:`10.5566/ias.v26.p83-92`
.. [2] J. Ohser, F. Mücklich. Statistical analysis of microstructures in materials science. Wiley
   (2000).
"""

import math

import numpy as np

from bioagree.features.configurations import INSIDE, OFFSETS

# Steps (z, y, x) to half of the 26 neighbours, and to half of the 8 in a plane.
DIRECTIONS = np.array(
    [(z, y, x) for z in (0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1) if (z, y, x) > (0, 0, 0)]
)
PLANAR = DIRECTIONS[DIRECTIONS[:, 0] == 0]


def area_values(spacing: tuple[float, float, float]) -> np.ndarray:
    """Return what each configuration adds to the surface area, in µm².

    With the number n of crossings along direction k, the distance d between voxels along it, and
    the share c of the sphere that is closest to it (of all 13), the area is
    2 Σ c n v / d, v being the volume of a voxel [1]_. Directions and shares are those of the real
    voxel, not of a cube.
    """
    values = np.zeros(256)
    shares = sphere_shares(DIRECTIONS * spacing)
    for step, share in zip(DIRECTIONS, shares, strict=True):
        distance = np.linalg.norm(step * spacing)
        values += 2 * share * math.prod(spacing) / distance * crossings(step)
    return values


def perimeter_values(spacing: tuple[float, float]) -> np.ndarray:
    """Return what each configuration adds to the perimeter of a plane object, in µm.

    As in 3D, with four directions, shares of the circle, and π / 2 Σ c n a / d; a is the area of a
    pixel. The neighbourhoods of a plane object lie half above and half below it.
    """
    values = np.zeros(256)
    shares = circle_shares(PLANAR[:, 1:] * spacing)
    for step, share in zip(PLANAR, shares, strict=True):
        distance = np.linalg.norm(step[1:] * spacing)
        values += np.pi / 2 * share * math.prod(spacing) / distance * crossings(step)
    return values


def crossings(step: np.ndarray) -> np.ndarray:
    """Return how often each configuration has the surface between two voxels `step` apart.

    Several neighbourhoods share such a pair of voxels, and each of them gets its part.
    """
    pairs = [
        INSIDE[(slice(None), *a)] != INSIDE[(slice(None), *b)]
        for a in OFFSETS
        for b in OFFSETS
        if np.array_equal(b - a, step)
    ]
    return np.sum(pairs, axis=0) / 2 ** np.count_nonzero(step == 0)


def sphere_shares(vectors: np.ndarray) -> np.ndarray:
    """Return the part of all directions in space that is closest to each vector or its opposite.

    These are the areas of the cells of a Voronoi tessellation of the sphere.
    """
    from scipy.spatial import SphericalVoronoi

    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cells = SphericalVoronoi(np.concatenate([units, -units])).calculate_areas()
    return cells.reshape(2, -1).sum(axis=0) / (4 * np.pi)


def circle_shares(vectors: np.ndarray) -> np.ndarray:
    """Return the part of all directions in the plane that is closest to each vector."""
    angles = np.arctan2(vectors[:, 0], vectors[:, 1]) % np.pi
    order = np.argsort(angles)
    gaps = np.diff(angles[order], append=angles[order[0]] + np.pi)
    shares = np.empty(len(angles))
    shares[order] = (gaps + np.roll(gaps, 1)) / (2 * np.pi)
    return shares


def euler_values() -> np.ndarray:
    """Return what each configuration adds to the Euler number.

    An object is the union of its closed voxels, so that voxels that share a corner touch
    (8-connected in 2D, 26-connected in 3D): corners − edges + faces − voxels. A corner belongs to
    one neighbourhood, an edge to two, a face to four, and a voxel to eight.
    """
    values = np.any(INSIDE, axis=(1, 2, 3)).astype(float)
    for axis in (1, 2, 3):
        others = tuple({1, 2, 3} - {axis})
        # An edge runs along an axis: it is there with any of the four voxels around it.
        values -= np.any(INSIDE, axis=others).sum(axis=1) / 2
        # A face lies across an axis.
        values += np.any(INSIDE, axis=axis).sum(axis=(1, 2)) / 4
    return values - INSIDE.sum(axis=(1, 2, 3)) / 8
