"""Texture of each object: Haralick's features of grey level co-occurrence, as IBSI defines them.

Grey levels have one width for the whole study. Levels that are fitted to each object or image, as
many tools do, make texture depend on the brightest voxel, and values cannot be compared.
"""

import numpy as np

from bioagree.errors import InputError
from bioagree.features import glcm
from bioagree.features.objects import Objects
from bioagree.features.voxels import DIRECTIONS, in_parallel, sorted_voxels
from bioagree.tables import Columns

CHUNK = 2**18


def measure(
    objects: Objects,
    *,
    bin_size: float | None = None,
    bin_start: float = 0.0,
    distance_voxels: int = 1,
    max_anisotropy: float = 1.5,
) -> Columns:
    """Measure the 25 co-occurrence features of IBSI [1]_ for each object and channel.

    Parameters
    ----------
    objects : Objects
    bin_size : float
        Width of a grey level in units of intensity, the same for the whole study. Has no default,
        since there is no width that suits all cameras: take about 1/32 of the range from the
        background to the brightest objects, and never less than the noise.
    bin_start : float
        Lower end of the first grey level, at most the lowest intensity in an object. An intensity
        I has the level ``floor((I - bin_start) / bin_size) + 1``.
    distance_voxels : int
        Length of a step, in voxels along each axis of its direction.
    max_anisotropy : float
        Steps between slices are left out when the largest voxel edge is more than so many times
        the smallest; there are then 4 directions, each with the pairs of all slices.

    Returns
    -------
    dict of str to numpy.ndarray
        ``glcm_…``: mean over the 4 (2D) or 13 (3D) directions; ``glcm_merged_…``: of one matrix
        with the pairs of all directions.

    Raises
    ------
    InputError
        Without a usable `bin_size`, `bin_start` or `distance_voxels`, when an object has more
        than 256 grey levels, or intensities below the first one or that are no numbers.

    References
    ----------
    .. [1] A. Zwanenburg et al. The Image Biomarker Standardization Initiative. Radiology 295,
       328-338 (2020). :doi:`10.1148/radiol.2020191145`
    """
    if bin_size is None or bin_size <= 0:
        raise InputError(
            f"texture: bin_size is {bin_size}; it must be the width of a grey level in units of "
            "intensity, above 0 and the same for the whole study, for example 1/32 of the range "
            "from the background to the brightest objects"
        )
    if distance_voxels < 1:
        raise InputError(f"texture: distance_voxels is {distance_voxels}; it is at least 1")
    starts, voxels = sorted_voxels(objects)
    steps = _steps(objects, max_anisotropy) * distance_voxels
    columns: Columns = {}
    for channel in objects.channels:
        levels = _levels(objects, channel, bin_size, bin_start)
        averaged, merged = np.empty((2, len(objects), len(glcm.NAMES)))
        images = objects.numbers, levels
        in_parallel(glcm.measure, starts, voxels, *images, steps, averaged, merged)
        columns |= {f"glcm_{n}_{channel}": averaged[:, i] for i, n in enumerate(glcm.NAMES)}
        columns |= {f"glcm_merged_{n}_{channel}": merged[:, i] for i, n in enumerate(glcm.NAMES)}
    return columns


def _steps(objects: Objects, max_anisotropy: float) -> np.ndarray:
    """Return the directions in which pairs are counted."""
    flat = objects.ndim == 2 or max(objects.spacing) > max_anisotropy * min(objects.spacing)
    return DIRECTIONS[DIRECTIONS[:, 0] == 0] if flat else DIRECTIONS


def _levels(objects: Objects, channel: str, size: float, start: float) -> np.ndarray:
    """Return grey levels minus 1, 0 outside of objects, piece by piece to spare memory."""
    image, numbers = objects.channel(channel).ravel(), objects.numbers.ravel()
    levels = np.zeros(objects.numbers.shape, np.uint8)
    flat = levels.ravel()
    for first in range(0, image.size, CHUNK):
        piece = slice(first, first + CHUNK)
        inside = numbers[piece] > 0
        values = image[piece][inside]
        level = np.floor((values.astype(np.float64) - start) / size)
        if not np.isfinite(level).all():
            raise InputError(f"texture: channel {channel!r} has objects with values such as NaN")
        if level.min(initial=0) < 0:
            raise InputError(
                f"texture: channel {channel!r} has objects with intensities down to "
                f"{values.min():g}; bin_start, which is {start:g}, must not be above"
            )
        if level.max(initial=0) >= glcm.HIGHEST_LEVEL:
            raise InputError(
                f"texture: with bin_size {size:g} the intensity {values.max():g} in channel "
                f"{channel!r} is beyond grey level {glcm.HIGHEST_LEVEL}; a bin_size above "
                f"{(values.max() - start) / glcm.HIGHEST_LEVEL:g} is allowed, and 16 to 64 levels "
                "are usual"
            )
        flat[piece][inside] = level
    return levels
