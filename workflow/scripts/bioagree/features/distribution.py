"""Where in and around each object the intensity is."""

import numba
import numpy as np

from bioagree.errors import InputError
from bioagree.features import extrema, rings
from bioagree.features.distances import squared_depths
from bioagree.features.objects import Objects
from bioagree.features.voxels import centroids, intensities, sorted_voxels
from bioagree.tables import Columns

NOISES = 3.0  # Local extrema stand out by three standard deviations of the noise.
ROUNDING = 1e-5  # in bins; a voxel at the limit of two bins belongs to the outer one


def measure(
    objects: Objects,
    *,
    ring_um: float = 2.0,
    gap_um: float = 0.0,
    bins: int = 4,
    peak_height: float | None = None,
) -> Columns:
    """Measure how the intensity of each channel is distributed in and around each object.

    Parameters
    ----------
    objects : Objects
    ring_um : float
        Width of the ring of background around each object.
    gap_um : float
        Distance between object and ring, for blurred images: about the resolution.
    bins : int
        Number of shells from the centre to the border.
    peak_height : float, optional
        How far local maxima (minima) at least stand out, in units of intensity; for counts that
        are to be compared between images. Three times the noise of each image when not given,
        see `bioagree.features.extrema.noise`.

    Returns
    -------
    dict of str to numpy.ndarray
        For each channel: centre of mass, its distance from the centroid, local maxima and minima,
        mean and contrast of the ring, and two columns for each shell, of which 1 is the innermost.

    Raises
    ------
    InputError
        When a parameter is out of range.
    """
    if not ring_um > 0 or gap_um < 0 or not 1 <= bins <= 255 or (peak_height or 0) < 0:
        raise InputError(
            f"distribution: ring_um is {ring_um}, gap_um {gap_um}, bins {bins} and peak_height "
            f"{peak_height}; allowed are above 0, at least 0, 1 to 255, and at least 0"
        )
    shells, in_shell = _shells(objects, bins)
    starts, voxels = sorted_voxels(objects)
    counts, centres = centroids(objects)
    columns: Columns = {}
    for channel in objects.channels:
        image = intensities(objects, channel)
        sums, moments = np.zeros((len(objects), bins)), np.zeros((len(objects), 3))
        _add_intensities(objects.numbers, image, shells, sums, moments)
        total = sums.sum(axis=1)
        mean = total / counts
        mass = _ratio(moments, total[:, np.newaxis]) * objects.spacing_zyx
        height = NOISES * extrema.noise(objects, image) if peak_height is None else peak_height
        maxima, minima = extrema.count(objects, image, starts, voxels, float(height))
        around = rings.means(objects, image, starts, voxels, gap_um, ring_um)
        columns |= {
            f"centre_of_mass_{axis}_um_{channel}": mass[:, "zyx".index(axis)]
            for axis in objects.axes
        }
        columns |= {
            f"centre_of_mass_shift_um_{channel}": np.sqrt(((mass - centres) ** 2).sum(axis=1)),
            f"maxima_count_{channel}": maxima,
            f"minima_count_{channel}": minima,
            f"ring_mean_{channel}": around,
            f"ring_contrast_{channel}": _ratio(mean - around, mean + around),
        }
        fractions = _ratio(sums, total[:, np.newaxis])
        ratios = _ratio(_ratio(sums, in_shell), mean[:, np.newaxis])
        for i in range(bins):
            columns[f"radial_fraction_{i + 1}of{bins}_{channel}"] = fractions[:, i]
            columns[f"radial_mean_ratio_{i + 1}of{bins}_{channel}"] = ratios[:, i]
    return columns


def _shells(objects: Objects, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the shell of each voxel, 0 for the innermost, and how many voxels each shell has."""
    depths = squared_depths(objects)
    deepest = np.zeros(len(objects), np.float32)
    _find_deepest(objects.numbers, depths, deepest)
    shells = np.zeros(depths.shape, np.uint8)
    counts = np.zeros((len(objects), bins), np.int64)
    _fill_shells(objects.numbers, depths, deepest, shells, counts)
    return shells, counts


@numba.njit(cache=True, nogil=True)
def _find_deepest(numbers, depths, deepest):
    flat_numbers, flat = numbers.ravel(), depths.ravel()
    for k in range(flat.size):
        i = flat_numbers[k] - 1
        if i >= 0 and flat[k] > deepest[i]:
            deepest[i] = flat[k]


@numba.njit(cache=True, nogil=True)
def _fill_shells(numbers, depths, deepest, shells, counts):
    flat_numbers, flat, flat_shells = numbers.ravel(), depths.ravel(), shells.ravel()
    bins = counts.shape[1]
    for k in range(flat.size):
        i = flat_numbers[k] - 1
        if i >= 0:
            depth = np.sqrt(flat[k] / deepest[i])
            shell = min(int(bins * (1 - depth) + ROUNDING), bins - 1)
            flat_shells[k] = shell
            counts[i, shell] += 1


@numba.njit(cache=True, nogil=True)
def _add_intensities(numbers, image, shells, sums, moments):
    """Add up the intensity of each shell, and the intensity times the index along each axis."""
    for z in range(numbers.shape[0]):
        for y in range(numbers.shape[1]):
            for x in range(numbers.shape[2]):
                i = numbers[z, y, x] - 1
                if i >= 0:
                    value = image[z, y, x]
                    sums[i, shells[z, y, x]] += value
                    moments[i, 0] += z * value
                    moments[i, 1] += y * value
                    moments[i, 2] += x * value


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide; NaN where the divisor is not above 0."""
    above, below = np.broadcast_arrays(above, below)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
