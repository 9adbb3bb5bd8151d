"""Size and place of each object."""

import math

import numpy as np

from bioagree.features.objects import Objects
from bioagree.tables import Columns


def measure(objects: Objects) -> Columns:
    """Measure what every table has; see :mod:`bioagree.features.dictionary.size`.

    Parameters
    ----------
    objects : Objects

    Returns
    -------
    dict of str to numpy.ndarray
        One row per object, in the order of `objects.ids`.
    """
    moments, ndim = objects.moments, objects.ndim
    size = moments.count * math.prod(objects.spacing)
    columns: Columns = {
        ("area_um2" if ndim == 2 else "volume_um3"): size,
        "equivalent_diameter_um": (2 * ndim / np.pi * size) ** (1 / ndim),
    }
    border = np.zeros(len(objects), bool)
    for axis, name in enumerate(objects.axes, start=3 - ndim):
        start, stop = moments.start[:, axis], moments.stop[:, axis]
        columns[f"centroid_{name}_um"] = moments.mean[:, axis] * objects.spacing_zyx[axis]
        columns[f"bbox_{name}_start"] = start
        columns[f"bbox_{name}_stop"] = stop
        border |= (start == 0) | (stop == objects.shape[axis])
    columns["touches_border"] = border
    return columns
