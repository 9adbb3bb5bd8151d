"""Pieces and holes of each object, found by joining its runs, and the gaps between them."""

import numba
import numpy as np

from bioagree.features.runs import Runs


def count(runs: Runs, ndim: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count pieces and holes.

    Voxels of an object hang together when they share a corner (8- or 26-connected), and those of
    its background when they share a side (4- or 6-connected), which is the only consistent pair.

    Parameters
    ----------
    runs : Runs
    ndim : int
        In 2D nothing passes above and below the plane.

    Returns
    -------
    pieces : numpy.ndarray of int64, shape (n,)
    holes : numpy.ndarray of int64, shape (n,)
        Pieces of background from which no way leads outside.
    hidden : numpy.ndarray of int64, shape (n,)
        Voxels in holes, whatever they belong to.
    """
    counts = np.empty((3, len(runs.first) - 1), np.int64)
    runs.share(_count, runs.shape[1], ndim, counts)
    return counts[0], counts[1], counts[2]


@numba.njit(cache=True, nogil=True)
def _count(low, high, first, row, start, stop, height, ndim, counts):
    for index in range(low, high):
        begin, end = first[index], first[index + 1]
        key = np.empty(end - begin, np.int64)
        for run in range(begin, end):
            key[run - begin] = row[run] + row[run] // height  # rows of layers do not follow on
        a, b = start[begin:end], stop[begin:end]
        counts[0, index] = _count_pieces(key, a, b, height + 1)
        counts[1, index], counts[2, index] = _count_holes(key, a, b, height + 1, ndim)


@numba.njit(cache=True, nogil=True)
def _count_pieces(key, start, stop, width):
    pieces = key.size
    parent = np.arange(key.size)
    for shift in (1, width - 1, width, width + 1):
        other = 0
        for run in range(key.size):
            line = key[run] - shift
            while key[other] < line or (key[other] == line and stop[other] < start[run]):
                other += 1
            touching = other
            while key[touching] == line and start[touching] <= stop[run]:
                pieces -= _join(parent, run, touching)
                touching += 1
    return pieces


@numba.njit(cache=True, nogil=True)
def _count_holes(key, start, stop, width, ndim):
    """Gap i is between the runs i and i + 1 of a row; the last number stands for outside."""
    is_gap = key[1:] == key[:-1]
    if not is_gap.any():
        return 0, 0
    outside = key.size
    parent = np.arange(key.size + 1)
    shifts = np.array([1, -1, width, -width])
    for gap in np.flatnonzero(is_gap):
        for shift in shifts[: 2 * ndim - 2]:
            line, a, b = key[gap] + shift, stop[gap], start[gap + 1]
            # The first run of the other row that ends behind the begin of the gap.
            low, high = 0, key.size
            while low < high:
                middle = (low + high) // 2
                if key[middle] < line or (key[middle] == line and stop[middle] <= a):
                    low = middle + 1
                else:
                    high = middle
            while a < b:
                if low == key.size or key[low] != line:
                    _join(parent, gap, outside)
                    break
                if start[low] > a:
                    inner = low > 0 and key[low - 1] == line
                    _join(parent, gap, low - 1 if inner else outside)
                a = stop[low]
                low += 1
    holes = hidden = 0
    for gap in np.flatnonzero(is_gap):
        if _root(parent, gap) != _root(parent, outside):
            hidden += start[gap + 1] - stop[gap]
            holes += parent[gap] == gap
    return holes, hidden


@numba.njit(cache=True, nogil=True)
def _root(parent, node):
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@numba.njit(cache=True, nogil=True)
def _join(parent, one, other):
    """Join two trees and return whether they were separate."""
    one, other = _root(parent, one), _root(parent, other)
    parent[max(one, other)] = min(one, other)
    return one != other
