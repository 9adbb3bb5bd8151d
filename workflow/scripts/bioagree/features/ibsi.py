"""What the Image Biomarker Standardisation Initiative defines otherwise than we do.

Morphology is that of a marching-cubes mesh and of variances divided by n − 1; intensities have 18
statistics. The reference manual is A. Zwanenburg et al., arXiv:1612.07003; the standard is A.
Zwanenburg et al., Radiology 295, 328-338 (2020), :doi:`10.1148/radiol.2020191145`.
"""

import numba
import numpy as np

from bioagree.features.autocorrelation import moran_and_geary
from bioagree.features.hulls import compact, diameter, extremes
from bioagree.features.intensity import gather, pixels
from bioagree.features.objects import Objects
from bioagree.features.quickhull import quickhull
from bioagree.features.shape import divide, principal_axes
from bioagree.tables import Columns

SERIES = 20  # degree of the last term
STATISTICS = (
    "mean",
    "variance",
    "skewness",
    "kurtosis",
    "median",
    "min",
    "p10",
    "p90",
    "max",
    "interquartile_range",
    "range",
    "mean_absolute_deviation",
    "robust_mean_absolute_deviation",
    "median_absolute_deviation",
    "coefficient_of_variation",
    "quartile_coefficient_of_dispersion",
    "energy",
    "root_mean_square",
)


def measure(objects: Objects) -> Columns:
    """Measure the IBSI's variants; see :mod:`bioagree.features.dictionary.ibsi`.

    Parameters
    ----------
    objects : Objects
        In 2D only the statistics of intensities are defined.

    Returns
    -------
    dict of str to numpy.ndarray
        One row per object, in the order of `objects.ids`.
    """
    columns: Columns = {}
    if objects.ndim == 3:
        columns = _morphology(objects)
    for channel in objects.channels:
        statistics = _statistics(objects, channel)
        columns |= {
            f"ibsi_{name}_{channel}": values
            for name, values in zip(STATISTICS, statistics, strict=True)
        }
        if objects.ndim == 3:
            integrated = columns["ibsi_volume_mesh_um3"] * columns[f"ibsi_mean_{channel}"]
            moran, geary = moran_and_geary(objects, pixels(objects, channel))
            columns |= {
                f"ibsi_integrated_intensity_{channel}": integrated,
                f"ibsi_centre_of_mass_shift_um_{channel}": _shift(objects, channel),
                f"ibsi_morans_i_{channel}": moran,
                f"ibsi_gearys_c_{channel}": geary,
            }
    return columns


def _morphology(objects: Objects) -> Columns:
    area, volume = _meshes(objects)
    hull_area, hull_volume, longest = _hulls(objects)
    count = objects.moments.count.astype(float)
    variances = principal_axes(objects)[0].T * divide(count, count - 1)
    # Four standard deviations, as in a plane; the axes of the equal ellipsoid would be √20.
    major, minor, least = 4 * np.sqrt(variances)
    box = ((objects.moments.stop - objects.moments.start) * objects.spacing).T
    compactness = 36 * np.pi * volume**2 / area**3
    return {
        "ibsi_volume_mesh_um3": volume,
        "ibsi_surface_area_mesh_um2": area,
        "ibsi_surface_to_volume_ratio_per_um": area / volume,
        "ibsi_compactness_1": volume / np.sqrt(np.pi * area**3),
        "ibsi_compactness_2": compactness,
        "ibsi_spherical_disproportion": np.cbrt(1 / compactness),
        "ibsi_sphericity": np.cbrt(compactness),
        "ibsi_asphericity": np.cbrt(1 / compactness) - 1,
        "ibsi_maximum_diameter_um": longest,
        "ibsi_axis_major_um": major,
        "ibsi_axis_minor_um": minor,
        "ibsi_axis_least_um": least,
        "ibsi_elongation_minor_major": divide(minor, major),
        "ibsi_flatness_least_major": divide(least, major),
        "ibsi_volume_density_box": volume / np.prod(box, axis=0),
        "ibsi_area_density_box": area / _box_area(*box),
        "ibsi_volume_density_ellipsoid": divide(volume, np.pi / 6 * major * minor * least),
        "ibsi_area_density_ellipsoid": divide(area, _ellipsoid_area(major, minor, least)),
        "ibsi_volume_density_hull": volume / hull_volume,
        "ibsi_area_density_hull": area / hull_area,
    }


def _meshes(objects: Objects) -> tuple[np.ndarray, np.ndarray]:
    from bioagree.surfaces.marching_cubes import in_batches

    parts = [meshes.areas_and_volumes() for meshes in in_batches(objects)]
    if not parts:
        return np.empty(0), np.empty(0)
    return tuple(np.concatenate(values) for values in zip(*parts, strict=True))


def _box_area(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    return 2 * (a * b + b * c + c * a)


def _ellipsoid_area(major: np.ndarray, minor: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Return what the manual calls the ellipsoid's area: 20 terms of a series [RDD2].

    It is not that area: the series gives 4πab (1 − e²/3 − …) for a prolate spheroid,
    where the area is 4πab (1 − e²/6 − …). The reference values follow the series.
    """
    alpha, beta = 1 - divide(minor, major) ** 2, 1 - divide(least, major) ** 2
    middle, product = (alpha + beta) / 2, alpha * beta
    # (αβ)^ν P_ν((α² + β²) / 2αβ), α² and β² being `alpha` and `beta`, by Legendre's recurrence.
    before, term = np.zeros_like(major), np.ones_like(major)
    total = np.zeros_like(major)
    for degree in range(SERIES + 1):
        total += term / (1 - 4 * degree**2)
        following = (2 * degree + 1) * middle * term - degree * product * before
        before, term = term, following / (degree + 1)
    return np.pi * major * minor * total


def _hulls(objects: Objects) -> np.ndarray:
    """Return area, volume and diameter of the hull of each object's mesh, with shape (3, n)."""
    runs = objects.runs
    table = np.empty((3, len(objects)))
    runs.share(_measure_hulls, runs.shape[1], np.array(objects.spacing, float), table)
    return table


@numba.njit(cache=True, nogil=True)
def _measure_hulls(low, high, first, row, start, stop, height, spacing, out):
    for index in range(low, high):
        points, _ = extremes(first[index], first[index + 1], row, start, stop, height)
        out[0, index], out[1, index], out[2, index] = _measure_hull(points, spacing)


@numba.njit(cache=True, nogil=True)
def _measure_hull(points, spacing):
    faces = quickhull(points)
    if len(faces):
        points, faces = compact(points, faces)
    # Vertices of the mesh are the middles of voxel sides: whole numbers of half voxels.
    middles = np.empty((6 * len(points), 3), np.int64)
    for i in range(len(points)):
        for k in range(6):
            middles[6 * i + k] = 2 * points[i]
            middles[6 * i + k, k // 2] += 2 * (k % 2) - 1
    points, faces = compact(middles, quickhull(middles))
    corners = points * (spacing / 2)
    area = volume = 0.0
    for i, j, k in faces:
        a = corners[i]
        normal = np.cross(corners[j] - a, corners[k] - a)
        area += np.sqrt(np.sum(normal**2)) / 2
        volume += np.sum(normal * a) / 6
    return area, volume, diameter(points, spacing / 2)


def _shift(objects: Objects, channel: str) -> np.ndarray:
    """Return the distance between the centroid and the centre of mass, in µm."""
    runs = objects.runs
    shifts = np.empty(len(objects))
    spacing = np.array(objects.spacing, float)
    image, centre = pixels(objects, channel), objects.moments.mean
    runs.share(_measure_shift, runs.shape[1], image, centre, spacing, shifts)
    return shifts


@numba.njit(cache=True, nogil=True)
def _measure_shift(low, high, first, row, start, stop, height, image, centre, spacing, out):
    for index in range(low, high):
        total = sum_z = sum_y = sum_x = 0.0
        for run in range(first[index], first[index + 1]):
            z, y = row[run] // height - centre[index, 0], row[run] % height - centre[index, 1]
            for x in range(start[run], stop[run]):
                value = image[row[run], x]
                total += value
                sum_z += value * z
                sum_y += value * y
                sum_x += value * (x - centre[index, 2])
        sum_z, sum_y, sum_x = sum_z * spacing[0], sum_y * spacing[1], sum_x * spacing[2]
        defined = np.isfinite(total) and total != 0
        length = np.sqrt(sum_z**2 + sum_y**2 + sum_x**2)
        out[index] = length / abs(total) if defined else np.nan


def _statistics(objects: Objects, channel: str) -> np.ndarray:
    """Return :data:`STATISTICS` of one channel, as an array of shape (18, n)."""
    runs = objects.runs
    table = np.empty((len(STATISTICS), len(objects)))
    runs.share(_measure_statistics, pixels(objects, channel), np.zeros(1), table)
    return table


@numba.njit(cache=True, nogil=True)
def _measure_statistics(low, high, first, row, start, stop, image, zero, out):
    for index in range(low, high):
        values = gather(first[index], first[index + 1], row, start, stop, image, zero)
        _describe(values, out[:, index])


@numba.njit(cache=True, nogil=True)
def _describe(values, out):
    """Write the statistics of some values, in the order of STATISTICS."""
    if not np.isfinite(values).all():
        out[:] = np.nan
        return
    values.sort()
    mean = values.mean()
    variance = np.mean((values - mean) ** 2)
    p10, p25, p75, p90 = [_quantile(values, fraction) for fraction in (0.1, 0.25, 0.75, 0.9)]
    median = _quantile(values, 0.5)
    robust = values[(values >= p10) & (values <= p90)]
    energy = np.sum(values**2)
    out[0] = mean
    out[1] = variance
    out[2] = np.mean((values - mean) ** 3) / variance**1.5 if variance else 0.0
    out[3] = np.mean((values - mean) ** 4) / variance**2 - 3 if variance else 0.0
    out[4] = median
    out[5] = values[0]
    out[6] = p10
    out[7] = p90
    out[8] = values[-1]
    out[9] = p75 - p25
    out[10] = values[-1] - values[0]
    out[11] = np.mean(np.abs(values - mean))
    out[12] = np.mean(np.abs(robust - robust.mean())) if robust.size else np.nan
    out[13] = np.mean(np.abs(values - median))
    out[14] = np.sqrt(variance) / mean if mean else np.nan
    out[15] = (p75 - p25) / (p75 + p25) if p75 + p25 else np.nan
    out[16] = energy
    out[17] = np.sqrt(energy / values.size)


@numba.njit(cache=True, nogil=True)
def _quantile(values, fraction):
    place = fraction * (values.size - 1)
    lower = int(place)
    upper = min(lower + 1, values.size - 1)
    return values[lower] + (values[upper] - values[lower]) * (place - lower)
