"""Who touches whom, how far the others are, and how crowded it is around each object."""

import numba
import numpy as np

from bioagree.errors import InputError
from bioagree.features.objects import Objects
from bioagree.features.voxels import centroids
from bioagree.tables import Columns


def measure(objects: Objects, *, distance_um: float = 20.0, nearest: int = 3) -> Columns:
    """Measure contacts, distances between centroids, and local density.

    Parameters
    ----------
    objects : Objects
    distance_um : float
        Neighbours count, and density is measured, up to this distance between centroids: about
        twice the usual distance to the nearest neighbour. Stands in the names of the columns.
    nearest : int
        How many neighbours the mean distance is over. Stands in the name of the column.

    Returns
    -------
    dict of str to numpy.ndarray
        Objects at the edge of the image miss the neighbours beyond it; only the density is
        corrected for that.

    Raises
    ------
    InputError
        When `distance_um` is not above 0, or `nearest` not at least 1.
    """
    if not distance_um > 0 or nearest < 1:
        raise InputError(
            f"topology: distance_um is {distance_um} and nearest is {nearest}; the first must be "
            "above 0, the second at least 1"
        )
    return _contacts(objects) | _distances(objects, distance_um, nearest)


def _contacts(objects: Objects) -> Columns:
    n = len(objects)
    neighbours, touching, surface = np.zeros(n, np.int64), np.zeros(n), np.zeros(n)
    z, y, x = objects.spacing_zyx
    areas = np.array([y * x, z * x, z * y])
    pairs, contact = _scan(objects.numbers, areas, surface)
    for side in pairs.T:
        neighbours += np.bincount(side, minlength=n)
        touching += np.bincount(side, contact, minlength=n)
    return {
        "touching_neighbours": neighbours,
        "contact_length_um" if objects.ndim == 2 else "contact_area_um2": touching,
        "contact_fraction": np.divide(touching, surface, out=np.full(n, np.nan), where=surface > 0),
    }


@numba.njit(cache=True, nogil=True)
def _scan(numbers, areas, surface):
    """Add up the faces of every object, and return pairs of touching objects with their contact.

    Pairs stand in a hash table while they are found; most faces belong to the pair before them.
    """
    n_z, n_y, n_x = numbers.shape
    used = 0
    keys = np.full(1024, -1, np.int64)
    contact = np.zeros(1024)
    last, slot = np.int64(-1), 0
    for z in range(n_z):
        for y in range(n_y):
            for x in range(n_x):
                here = numbers[z, y, x]
                for axis in range(3):
                    if axis == 0 and z + 1 < n_z:
                        there = numbers[z + 1, y, x]
                    elif axis == 1 and y + 1 < n_y:
                        there = numbers[z, y + 1, x]
                    elif axis == 2 and x + 1 < n_x:
                        there = numbers[z, y, x + 1]
                    else:
                        continue
                    if here == there:
                        continue
                    if here:
                        surface[here - 1] += areas[axis]
                    if there:
                        surface[there - 1] += areas[axis]
                    if not (here and there):
                        continue
                    key = (np.int64(min(here, there)) << 32) | np.int64(max(here, there))
                    if key != last:
                        if 2 * used >= len(keys):
                            keys, contact = _grow(keys, contact)
                        last, slot = key, _slot(keys, key)
                        if keys[slot] < 0:
                            keys[slot] = key
                            used += 1
                    contact[slot] += areas[axis]
    pairs = np.empty((used, 2), np.int64)
    total = np.empty(used)
    found = 0
    for i in range(len(keys)):
        if keys[i] >= 0:
            pairs[found, 0], pairs[found, 1] = (keys[i] >> 32) - 1, (keys[i] & 0xFFFFFFFF) - 1
            total[found] = contact[i]
            found += 1
    return pairs, total


@numba.njit(cache=True, nogil=True)
def _slot(keys, key):
    """Return where a key is, or where it belongs; the length of `keys` is a power of 2."""
    mask = len(keys) - 1
    slot = (key ^ (key >> 32) * 0x9E3779B1) & mask
    while keys[slot] >= 0 and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@numba.njit(cache=True, nogil=True)
def _grow(keys, contact):
    more_keys = np.full(2 * len(keys), -1, np.int64)
    more_contact = np.zeros(2 * len(keys))
    for i in range(len(keys)):
        if keys[i] >= 0:
            slot = _slot(more_keys, keys[i])
            more_keys[slot] = keys[i]
            more_contact[slot] = contact[i]
    return more_keys, more_contact


def _distances(objects: Objects, distance_um: float, nearest: int) -> Columns:
    from scipy.spatial import cKDTree

    n, ndim = len(objects), objects.ndim
    centres = centroids(objects)[1][:, -ndim:]
    near, within = np.full((n, nearest), np.nan), np.zeros(n, np.int64)
    if n > 1:
        tree = cKDTree(centres)
        # The first of each row is the object itself, or one at the very same place.
        found = tree.query(centres, min(nearest + 1, n))[0][:, 1:]
        near[:, : found.shape[1]] = found
        threads = numba.get_num_threads()
        within = tree.query_ball_point(centres, distance_um, workers=threads, return_length=True)
        within -= 1
    step = np.array(objects.spacing)
    size = np.array(objects.labels.shape) * step
    low = centres + step / 2  # from the image's first face
    room = _part_of_ball(distance_um, low, size - low)
    return {
        "nearest_distance_um": near[:, 0],
        f"nearest_{nearest}_mean_distance_um": near.mean(axis=1),
        f"neighbours_within_{distance_um:g}um": within,
        f"density_within_{distance_um:g}um_per_um{ndim}": within / room,
    }


def _part_of_ball(radius: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return how much of a disc or ball lies in a box.

    Parameters
    ----------
    radius : float
    low, high : (n, ndim) float64 array
        From the ball's centre to the two faces of the box along each axis.
    """
    whole = np.pi * radius**2 * (1 if low.shape[1] == 2 else 4 / 3 * radius)
    room = np.full(len(low), whole)
    cut = np.flatnonzero((low < radius).any(axis=1) | (high < radius).any(axis=1))
    room[cut] = 0
    sides = np.stack([low[cut], high[cut]])
    for corner in np.ndindex((2,) * low.shape[1]):
        edges = np.sort([sides[side, :, axis] for axis, side in enumerate(corner)], axis=0)
        room[cut] += _quarter(radius, *edges) if len(edges) == 2 else _eighth(radius, *edges)
    return room


def _quarter(radius, a, b):
    """Return the area of the disc around the origin between 0 and a, and 0 and b."""
    a, b = np.minimum(a, radius), np.minimum(b, radius)
    turn = np.minimum(np.sqrt(radius**2 - a**2), b)  # up to there the disc is wider than a
    return a * turn + _half_disc(radius, b) - _half_disc(radius, turn)


def _half_disc(radius, y):
    """Return the integral of the half-width of a disc from 0 to y."""
    angle = np.arcsin(np.divide(y, radius, out=np.zeros_like(y), where=radius > 0))
    return (y * np.sqrt(np.maximum(radius**2 - y**2, 0)) + radius**2 * angle) / 2


def _eighth(radius, c, a, b):
    """Return the volume of the ball around the origin between 0 and c, 0 and a, 0 and b.

    The area of a slice is smooth along c but where the slice begins to reach a, b, or the corner
    of both: Gauss-Legendre quadrature between these heights, with c the shortest edge, is exact
    to 1 in 10⁷.
    """
    nodes, weights = np.polynomial.legendre.leggauss(16)
    top = np.minimum(c, radius)
    reach = [a**2, b**2, a**2 + b**2]
    heights = [np.sqrt(np.clip(radius**2 - square, 0, top**2)) for square in reach]
    heights = np.sort([np.zeros_like(top), *heights, top], axis=0)
    volume = np.zeros_like(top)
    for low, high in zip(heights[:-1], heights[1:], strict=True):
        for node, weight in zip(nodes, weights, strict=True):
            z = low + (high - low) * (node + 1) / 2
            slice_radius = np.sqrt(np.maximum(radius**2 - z**2, 0))
            volume += (high - low) / 2 * weight * _quarter(slice_radius, a, b)
    return volume
