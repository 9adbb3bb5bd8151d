"""Statistics of the intensities in each object, channel by channel."""

from collections.abc import Sequence

import numba
import numpy as np

from bioagree.errors import InputError
from bioagree.features.objects import Objects
from bioagree.tables import Columns

STATISTICS = ("mean", "sd", "total", "min", "max")
NARROW = 16  # whole numbers are counted where they span at most so many times the voxels


def measure(objects: Objects, *, percentiles: Sequence[float] = (10, 90)) -> Columns:
    """Measure the raw intensities; see :mod:`bioagree.features.dictionary.intensity`.

    Parameters
    ----------
    objects : Objects
        Without channels the result has no columns.
    percentiles : sequence of float
        In percent, 0 to 100; the median is always there.

    Returns
    -------
    dict of str to numpy.ndarray
        One row per object, in the order of `objects.ids`.

    Raises
    ------
    InputError
        When a percentile is not between 0 and 100.
    """
    wrong = [percent for percent in percentiles if not 0 <= percent <= 100]
    if wrong:
        raise InputError(f"the percentile {wrong[0]} is impossible; allowed are 0 to 100")
    columns: Columns = {}
    for channel in objects.channels:
        for name, values in zip(STATISTICS, summarise(objects, channel), strict=True):
            columns[f"intensity_{name}_{channel}"] = values
        levels = quantiles(objects, channel, [50, *percentiles])
        columns[f"intensity_median_{channel}"] = levels[0]
        for percent, values in zip(percentiles, levels[1:], strict=True):
            columns[f"intensity_p{percent:g}_{channel}"] = values
    return columns


def summarise(objects: Objects, channel: str) -> np.ndarray:
    """Return :data:`STATISTICS` of one channel, as an array of shape (5, n)."""
    scan, image = objects.scan, pixels(objects, channel)
    count, kind = objects.moments.count, _zero(image).dtype
    # Deviations from the first voxel: since it counts itself, what cancels in the variance is
    # never more than the number of voxels times what remains.
    origin = image[scan.places].astype(kind)
    parts = np.zeros((len(scan.parts) - 1, len(objects), 4), kind)
    parts[:, :, 2:] = origin[:, np.newaxis]
    scan.share(_summarise, image, origin, parts)
    total, squares = parts[:, :, :2].sum(axis=0).T
    table = np.full((len(STATISTICS), len(objects)), np.nan)
    finite = np.isfinite(squares)
    origin, total, squares, count = (values[finite] for values in (origin, total, squares, count))
    deviation = total / count
    table[0, finite] = origin + deviation
    table[1, finite] = np.sqrt(np.maximum(squares / count - deviation**2, 0))
    table[2, finite] = origin * count + total
    table[3, finite] = parts[:, finite, 2].min(axis=0)
    table[4, finite] = parts[:, finite, 3].max(axis=0)
    return table


def quantiles(objects: Objects, channel: str, percents: Sequence[float]) -> np.ndarray:
    """Return percentiles of one channel, as an array of shape (percents, n).

    Between two voxels it is interpolated linearly (definition 7 of Hyndman & Fan 1996), as NumPy
    does.
    """
    runs, image = objects.runs, pixels(objects, channel)
    order = np.argsort(percents)
    fractions = np.array(percents, float)[order] / 100
    table = np.empty((len(order), len(objects)))
    runs.share(_quantiles, image, _zero(image), fractions, table)
    return table[np.argsort(order)]


def _zero(image: np.ndarray) -> np.ndarray:
    """Return a zero of the type to compute with: sums of whole numbers are then exact."""
    return np.zeros(1, np.int64 if image.dtype.kind == "u" else np.float64)


def pixels(objects: Objects, channel: str) -> np.ndarray:
    """Return a channel as contiguous rows, of one of the four types that kernels know."""
    image = objects.channel(channel)
    image = image.reshape(-1, image.shape[-1])
    kinds = (np.uint8, np.uint16, np.float32, np.float64)
    kind = next((kind for kind in kinds if np.can_cast(image.dtype, kind)), np.float64)
    return np.ascontiguousarray(image, kind)


@numba.njit(cache=True, nogil=True)
def _summarise(low, high, parts, first, owner, start, stop, image, origins, table):
    """Add up deviations and their squares, and find the smallest and largest value."""
    for part in range(low, high):
        for row in range(parts[part], parts[part + 1]):
            for run in range(first[row], first[row + 1]):
                index = owner[run]
                values = image[row][start[run] : stop[run]]
                origin = origins[index]
                total = squares = origin - origin
                lowest = highest = values[0]
                for x in range(values.size):
                    deviation = values[x] - origin
                    total += deviation
                    squares += deviation * deviation
                    lowest = min(lowest, values[x])
                    highest = max(highest, values[x])
                table[part, index, 0] += total
                table[part, index, 1] += squares
                table[part, index, 2] = min(table[part, index, 2], lowest)
                table[part, index, 3] = max(table[part, index, 3], highest)


@numba.njit(cache=True, nogil=True)
def _quantiles(low, high, first, row, start, stop, image, zero, fractions, out):
    for index in range(low, high):
        values = gather(first[index], first[index + 1], row, start, stop, image, zero)
        _quantiles_one(values, fractions, out[:, index])


@numba.njit(cache=True, nogil=True)
def gather(begin, end, row, start, stop, image, zero):
    """Return the intensities of one object's voxels, in the type of `zero`."""
    count = 0
    for run in range(begin, end):
        count += stop[run] - start[run]
    values = np.full(count, zero[0])
    # One voxel of each run first: the memory then delivers many of them at the same time.
    for run in range(begin, end):
        values[0] += image[row[run], start[run]]
    place = 0
    for run in range(begin, end):
        for x in range(start[run], stop[run]):
            values[place] = image[row[run], x]
            place += 1
    return values


@numba.njit(cache=True, nogil=True)
def _quantiles_one(values, fractions, out):
    lowest = highest = values[0]
    whole = finite = True
    for value in values:
        finite &= np.isfinite(value)
        whole &= value == np.floor(value)
        lowest = min(lowest, value)
        highest = max(highest, value)
    if not finite:
        out[:] = np.nan
    elif whole and highest - lowest < NARROW * values.size:
        _count_quantiles(values, np.int64(lowest), np.int64(highest), fractions, out)
    else:
        _select_quantiles(values, fractions, out)


@numba.njit(cache=True, nogil=True)
def _count_quantiles(values, lowest, highest, fractions, out):
    """Write quantiles of whole numbers at ascending fractions, from how often each occurs."""
    counts = np.zeros(highest - lowest + 1, np.int64)
    for value in values:
        counts[np.int64(value) - lowest] += 1
    level, upto = 0, counts[0]
    for k in range(fractions.size):
        place = fractions[k] * (values.size - 1)
        first = np.int64(place)
        while upto <= first:
            level += 1
            upto += counts[level]
        following = level
        if upto == first + 1 and place > first:  # the next voxel is brighter
            following += 1
            while counts[following] == 0:
                following += 1
        out[k] = lowest + level + (following - level) * (place - first)


@numba.njit(cache=True, nogil=True)
def _select_quantiles(values, fractions, out):
    """Write quantiles at ascending fractions; values are reordered."""
    low = 0
    for k in range(fractions.size):
        place = fractions[k] * (values.size - 1)
        first = np.int64(place)
        _select(values, low, first)
        low = first
        lower = float(values[first])
        upper = float(values[first + 1 :].min()) if place > first else lower
        out[k] = lower + (upper - lower) * (place - first)


@numba.njit(cache=True, nogil=True)
def _select(values, low, place):
    """Move the value that sorting would bring to `place` there, smaller ones before it."""
    high = values.size - 1
    while low < high:
        middle = values[(low + high) // 2]
        a, b = values[low], values[high]
        pivot = max(min(a, b), min(max(a, b), middle))
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if place <= j:
            high = j
        elif place >= i:
            low = i
        else:
            break
