"""Shape of each object: boundary, axes, hull, and topology."""

import math

import numpy as np

from bioagree.features import configurations, crofton, hulls, pieces
from bioagree.features.objects import Objects
from bioagree.tables import Columns

FLAT = 1e-13  # variances below this part of the largest are rounding errors


def measure(objects: Objects) -> Columns:
    """Measure shape; see :mod:`bioagree.features.dictionary.shape`.

    Parameters
    ----------
    objects : Objects

    Returns
    -------
    dict of str to numpy.ndarray
        One row per object, in the order of `objects.ids`.
    """
    size = objects.moments.count * math.prod(objects.spacing)
    boundary, euler = _boundary(objects)
    n_pieces, n_holes, hidden = pieces.count(objects.runs, objects.ndim)
    box = np.prod(objects.moments.stop - objects.moments.start, axis=1)
    topology = {
        "extent": objects.moments.count / box,
        "euler_number": euler,
        "n_pieces": n_pieces,
        "n_holes": n_holes,
        "filled_fraction": objects.moments.count / (objects.moments.count + hidden),
    }
    if objects.ndim == 2:
        circularity = {
            "perimeter_um": boundary,
            "circularity": 4 * np.pi * size / boundary**2,
        }
        return circularity | _axes_2d(objects, size) | _hulls(objects) | topology
    sphericity = {
        "surface_area_um2": boundary,
        "sphericity": np.cbrt(36 * np.pi * size**2) / boundary,
    }
    return sphericity | _axes_3d(objects) | _hulls(objects) | topology


def _boundary(objects: Objects) -> tuple[np.ndarray, np.ndarray]:
    """Return perimeter or surface area, and Euler number."""
    if objects.ndim == 2:
        values = crofton.perimeter_values(objects.spacing)
    else:
        values = crofton.area_values(objects.spacing)
    values = np.stack([values, crofton.euler_values()], axis=1)
    sums = configurations.add_up(objects.runs, values)
    return sums[:, 0], np.rint(sums[:, 1]).astype(np.int64)


def _hulls(objects: Objects) -> Columns:
    count, longest, narrowest = hulls.measure(objects.runs, objects.spacing).T
    columns = {
        ("hull_area_um2" if objects.ndim == 2 else "hull_volume_um3"): (
            count * math.prod(objects.spacing)
        ),
        "solidity": objects.moments.count / count,
        "feret_max_um": longest,
    }
    return columns | ({"feret_min_um": narrowest} if objects.ndim == 2 else {})


def _axes_2d(objects: Objects, area: np.ndarray) -> Columns:
    variances, vectors = principal_axes(objects)
    major, minor = variances.T
    axis = vectors[:, :, 0]
    # From the y axis towards the x axis; the axis has no direction, so that half a turn is enough.
    angle = np.degrees(np.arctan2(axis[:, 1], axis[:, 0]))
    angle = np.where(angle > 90, angle - 180, np.where(angle <= -90, angle + 180, angle))
    return {
        "axis_major_um": 4 * np.sqrt(major),
        "axis_minor_um": 4 * np.sqrt(minor),
        "elongation_major_minor": _ratio_of_lengths(major, minor),
        "eccentricity": np.sqrt(1 - divide(minor, major)),
        "roundness": divide(area, 4 * np.pi * major),
        "orientation_y_to_x_deg": np.where(_differ(major, minor, major), angle, np.nan),
        "radius_of_gyration_um": np.sqrt(major + minor),
    }


def _axes_3d(objects: Objects) -> Columns:
    variances, vectors = principal_axes(objects)
    major, middle, minor = variances.T
    columns = {
        "axis_major_um": 2 * np.sqrt(5 * major),
        "axis_middle_um": 2 * np.sqrt(5 * middle),
        "axis_minor_um": 2 * np.sqrt(5 * minor),
        "elongation_major_minor": _ratio_of_lengths(major, minor),
        "elongation_major_middle": _ratio_of_lengths(major, middle),
        "flatness_middle_minor": _ratio_of_lengths(middle, minor),
        "radius_of_gyration_um": np.sqrt(major + middle + minor),
    }
    for index, axis in enumerate("zyx"):
        share = np.abs(vectors[:, index, 0])
        columns[f"axis_major_along_{axis}"] = np.where(_differ(major, middle, major), share, np.nan)
    return columns


def principal_axes(objects: Objects) -> tuple[np.ndarray, np.ndarray]:
    """Return variances of the voxel centres along the principal axes, and these axes.

    Returns
    -------
    variances : numpy.ndarray of float64, shape (n, ndim)
        In µm², largest first; exactly 0 where an object has no extent.
    vectors : numpy.ndarray of float64, shape (n, ndim, ndim)
        ``vectors[:, :, i]`` are the unit vectors (z, y, x) of axis i.
    """
    inner = slice(3 - objects.ndim, None)
    covariance = objects.moments.covariance[:, inner, inner]
    covariance = covariance * np.multiply.outer(objects.spacing, objects.spacing)
    variances, vectors = np.linalg.eigh(covariance)
    variances, vectors = variances[:, ::-1], vectors[:, :, ::-1]
    return np.where(_differ(variances, 0, variances[:, :1]), variances, 0.0), vectors


def _differ(a: np.ndarray, b: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return a - b > FLAT * scale


def divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Divide, with NaN for a division by zero."""
    return np.divide(a, b, out=np.full(len(a), np.nan), where=b != 0)


def _ratio_of_lengths(larger: np.ndarray, smaller: np.ndarray) -> np.ndarray:
    return np.sqrt(divide(larger, smaller))
