"""Measures of each object's mesh: size, form, and how it is curved."""

import numba
import numpy as np

from bioagree.features.objects import Objects
from bioagree.surfaces.curvature import curvatures
from bioagree.surfaces.hulls import hull_volumes
from bioagree.surfaces.marching_cubes import in_batches
from bioagree.surfaces.mesh import Meshes
from bioagree.surfaces.smoothing import smooth
from bioagree.tables import Columns

SUMMARIES = ("mean", "sd", "p5", "median", "p95")
QUANTILES = np.array([0.05, 0.5, 0.95])


def measure(objects: Objects, *, smoothing_iterations: int = 20) -> Columns:
    """Measure meshes; see :mod:`bioagree.features.dictionary.surface`.

    Parameters
    ----------
    objects : Objects
        3D; in 2D there is nothing to measure.
    smoothing_iterations : int, optional
        Of the mesh on which curvatures are measured, see
        :func:`bioagree.surfaces.smoothing.smooth`.

    Returns
    -------
    dict of str to numpy.ndarray
        One row per object, in the order of `objects.ids`.
    """
    if objects.ndim != 3:
        return {}
    parts = [_measure_meshes(meshes, smoothing_iterations) for meshes in in_batches(objects)]
    area, volume, euler, integral, concave, *summaries = np.concatenate(
        [np.empty((0, 5 + 2 * len(SUMMARIES))), *parts]
    ).T
    mean, gaussian = summaries[: len(SUMMARIES)], summaries[len(SUMMARIES) :]
    columns = {
        "mesh_area_um2": area,
        "mesh_volume_um3": volume,
        "mesh_sphericity": np.cbrt(36 * np.pi * volume**2) / area,
        "mesh_euler_number": euler.astype(np.int64),
        "mesh_solidity": volume / hull_volumes(objects),
        "mean_curvature_integral_um": integral,
        "concave_fraction": concave,
    }
    for name, values in zip(SUMMARIES, mean, strict=True):
        columns[f"mean_curvature_{name}_per_um"] = values
    # The mean of the Gaussian curvature is 2 pi times the Euler number by the area: nothing new.
    for name, values in zip(SUMMARIES[1:], gaussian[1:], strict=True):
        columns[f"gaussian_curvature_{name}_per_um2"] = values
    return columns


def _measure_meshes(meshes: Meshes, smoothing_iterations: int) -> np.ndarray:
    """Return a row for each mesh; its parts are named where they are taken apart."""
    area, volume = meshes.areas_and_volumes()
    found = curvatures(smooth(meshes, smoothing_iterations))
    summaries = np.empty((len(meshes), 2 + 2 * len(SUMMARIES)))
    _summarise(found.mean, found.gaussian, found.area, meshes.vertex_offsets, summaries)
    return np.column_stack([area, volume, meshes.euler_numbers, summaries])


@numba.njit(cache=True, nogil=True, parallel=True)
def _summarise(mean, gaussian, area, offsets, summaries):
    for i in numba.prange(len(summaries)):
        vertices = slice(offsets[i], offsets[i + 1])
        weights, row = area[vertices], summaries[i]
        total = concave = 0.0
        for v in range(offsets[i], offsets[i + 1]):
            total += mean[v] * area[v]
            if mean[v] < 0:
                concave += area[v]
        row[0], row[1] = total, concave / weights.sum()
        n = len(SUMMARIES)
        _describe(mean[vertices], weights, row[2 : 2 + n])
        _describe(gaussian[vertices], weights, row[2 + n :])


@numba.njit(cache=True, nogil=True)
def _describe(values, weights, out):
    """Set `out` to mean, standard deviation and quantiles, all weighted by area."""
    whole = weights.sum()
    mean = (values * weights).sum() / whole
    out[0], out[1] = mean, np.sqrt(((values - mean) ** 2 * weights).sum() / whole)
    order = np.argsort(values)
    for k in range(len(QUANTILES)):
        position, below = 0, weights[order[0]]
        while below < QUANTILES[k] * whole and position < len(order) - 1:
            position += 1
            below += weights[order[position]]
        out[2 + k] = values[order[position]]
