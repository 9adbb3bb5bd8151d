"""Steps on label images: part of a method, and the written rules that mend a ground truth.

Every step is one function ``step(labels, *, ...)`` from a label image of one time point to a
label array on the same grid. Lengths are in µm.
"""

import numpy as np

from bioagree.images import Image


def apply(labels: Image, steps: list[dict]) -> Image:
    """Run steps in order on the labels of one time point.

    Parameters
    ----------
    labels : Image
        Labels without channel and time axes.
    steps : list of dict
        One-key mappings from the step's name to its parameters.
    """
    for step in steps:
        ((name, parameters),) = step.items()
        labels = labels.with_array(STEPS[name](labels, **parameters))
    return labels


def split_fragments(labels: Image) -> np.ndarray:
    """Give every connected piece a label of its own; the largest piece of a label keeps it."""
    from skimage.measure import label

    pieces = label(labels.array, background=0)
    sizes = np.bincount(pieces.ravel())
    owner = np.zeros(len(sizes), np.int64)
    owner[pieces.ravel()] = labels.array.ravel()
    order = np.lexsort((-sizes, owner))  # by label, the largest piece first
    order = order[owner[order] > 0]
    first = np.r_[True, owner[order][1:] != owner[order][:-1]][: len(order)]
    new = np.zeros(len(sizes), np.int64)
    new[order[first]] = owner[order[first]]
    extra = order[~first]
    new[extra] = owner.max(initial=0) + 1 + np.arange(len(extra))
    return new[pieces]


def fill_holes(labels: Image) -> np.ndarray:
    """Fill background that one object encloses; what lies between objects or at the edge stays."""
    from scipy.ndimage import label

    array = labels.array.astype(np.int64)
    holes, count = label(array == 0)
    around = np.full((2, count + 1), -1, np.int64)
    around[0] = np.iinfo(np.int64).max
    for axis in range(array.ndim):
        for here, there in ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))):
            hole = holes[(slice(None),) * axis + (here,)]
            neighbour = array[(slice(None),) * axis + (there,)]
            touching = (hole > 0) & (neighbour > 0)
            np.minimum.at(around[0], hole[touching], neighbour[touching])
            np.maximum.at(around[1], hole[touching], neighbour[touching])
        for edge in (0, -1):
            around[0, holes.take(edge, axis=axis)] = 0
    fill = np.where(around[0] == around[1], around[0], 0)
    fill[0] = 0
    return array + fill[holes]


def remove_small(labels: Image, *, min_diameter_um: float) -> np.ndarray:
    """Remove objects smaller than a circle (2D) or ball (3D) of that diameter."""
    sizes = np.bincount(labels.array.ravel()) * np.prod(labels.spacing)
    return _keep(labels.array, equivalent_diameter(sizes, labels.ndim) >= min_diameter_um)


def remove_large(labels: Image, *, max_diameter_um: float) -> np.ndarray:
    """Remove objects larger than a circle (2D) or ball (3D) of that diameter."""
    sizes = np.bincount(labels.array.ravel()) * np.prod(labels.spacing)
    return _keep(labels.array, equivalent_diameter(sizes, labels.ndim) <= max_diameter_um)


def remove_border(labels: Image) -> np.ndarray:
    """Remove objects that touch the edge of the image, since part of them is missing."""
    keep = np.ones(labels.array.max(initial=0) + 1, bool)
    for axis in range(labels.array.ndim):
        for edge in (0, -1):
            keep[labels.array.take(edge, axis=axis)] = False
    return _keep(labels.array, keep)


STEPS = {
    "split_fragments": split_fragments,
    "fill_holes": fill_holes,
    "remove_small": remove_small,
    "remove_large": remove_large,
    "remove_border": remove_border,
}


def renumber(labels: np.ndarray) -> np.ndarray:
    """Number the labels 1, 2, … in their order, without gaps, as 32-bit integers."""
    present = np.bincount(labels.ravel()) > 0
    present[0] = False
    numbers = np.cumsum(present, dtype=np.uint32) * present
    return numbers.astype(np.uint32)[labels]


def equivalent_diameter(size, ndim: int):
    """Return the diameter of the circle or ball of that area (µm²) or volume (µm³), in µm."""
    return np.sqrt(4 * size / np.pi) if ndim == 2 else np.cbrt(6 * size / np.pi)


def _keep(labels: np.ndarray, keep: np.ndarray) -> np.ndarray:
    numbers = np.arange(len(keep)) * keep
    numbers[0] = 0
    return numbers[labels]
