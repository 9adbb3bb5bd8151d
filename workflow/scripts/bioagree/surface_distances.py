"""How far the outlines of matched objects lie apart, in µm."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bioagree.errors import InputError

UNMATCHED_RULE = "Only matched objects have distances: an object that was missed is not far away."
FIELDS = (
    ("truth", "u8"),
    ("predicted", "u8"),
    ("hausdorff_um", "f8"),
    ("hd95_um", "f8"),
    ("assd_um", "f8"),
    ("nsd", "f8"),
    ("truth_border", "i8"),
    ("predicted_border", "i8"),
    ("touches_border", "?"),
)
# In pixels of the shortest side: 257 pixels of a volume with cubic voxels are that close.
_REACH = 4
_AVERAGED = ("hausdorff_um", "hd95_um", "assd_um", "nsd")


class _Border(NamedTuple):
    """Border pixels of one object of each pair, pair by pair, in an image with a margin."""

    pixel: np.ndarray  # flat index in `owner`
    start: np.ndarray  # of each pair, and the end
    owner: np.ndarray  # image of the object that a border pixel belongs to, 0 elsewhere
    object: np.ndarray  # that number, for each pair
    at_edge: np.ndarray  # whether the object touches the edge of the image


def surface_distances(
    truth: np.ndarray,
    prediction: np.ndarray,
    pairs: np.ndarray | Sequence[tuple[int, int]],
    spacing: Sequence[float],
    *,
    tolerance_um: float,
) -> np.ndarray:
    """Measure how far the outlines of pairs of objects lie apart.

    Parameters
    ----------
    truth, prediction : integer array
        Label images of one shape, in 2D or 3D, 0 for background.
    pairs : (n_pairs,) structured array or sequence of (int, int)
        Labels in the truth and in the prediction: what `bioagree.matching.match` returns, or pairs
        of labels.
    spacing : sequence of float
        Size of a pixel along each axis of the images, in µm.
    tolerance_um : float
        Distance in µm up to which outlines count as the same in the normalised surface distance:
        what two people who draw the same outline differ by.

    Returns
    -------
    (n_pairs,) structured array
        In the order of the pairs:

        - ``truth``, ``predicted``: labels.
        - ``hausdorff_um``: Hausdorff distance, the largest distance of a border pixel of either
          object from the border of the other.
        - ``hd95_um``: the larger of the two 95th percentiles, that of the distances from the true
          border and that of the distances from the predicted one (linear interpolation).
        - ``assd_um``: average symmetric surface distance, the mean over the border pixels of both.
        - ``nsd``: normalised surface distance, the share of the border pixels of both that lie
          within the tolerance of the border of the other; 0 to 1, no unit.
        - ``truth_border``, ``predicted_border``: number of border pixels.
        - ``touches_border``: either object touches the edge of the image.

    Raises
    ------
    InputError
        If the shapes differ, the spacing does not fit the axes or is not positive, the tolerance is
        negative or not finite, or a label of a pair does not occur.

    Notes
    -----
    Definitions are those of Metrics Reloaded [1]_ (the percentile is taken in each direction, not
    of both directions pooled: other tools differ). The border of an object is the object minus
    its erosion with the 4 (2D) or 6 (3D) nearest neighbours, and distances are those between
    centres of pixels, so that nothing below a pixel is resolved. Other outlines of the same
    pixels, such as meshes, give other numbers [2]_.

    The outside of the image counts as background. An object that the edge cuts off has a border
    along the cut, where truth and prediction agree by construction: its distances are too small.

    References
    ----------
    .. [1] L. Maier-Hein et al. Metrics reloaded: recommendations for image analysis validation.
       Nat. Methods 21, 195-212 (2024). :doi:`10.1038/s41592-023-02151-z`
    .. [2] G. Podobnik & T. Vrtovec. Understanding implementation pitfalls of distance-based metrics
       for image segmentation. arXiv (2024). :doi:`10.48550/arXiv.2410.02630`

    Examples
    --------
    >>> truth = np.zeros((5, 9), int)
    >>> truth[1:4, 1:4] = 7
    >>> prediction = np.roll(truth, 2, axis=1)
    >>> row = surface_distances(truth, prediction, [(7, 7)], (0.5, 0.5), tolerance_um=0.5)[0]
    >>> print(f"{row['hausdorff_um']:.1f} {row['assd_um']:.2f} {row['nsd']:.3f}")
    1.0 0.50 0.625
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    scale = _check(truth, prediction, spacing, tolerance_um)
    labels = _labels(pairs)
    rows = np.zeros(len(labels), list(FIELDS))
    rows["truth"], rows["predicted"] = labels.T
    if not len(rows):
        return rows
    shells, margin = _shells(scale)
    borders = [
        _border(image, labels[:, side], margin, name)
        for side, (image, name) in enumerate(((truth, "truth"), (prediction, "prediction")))
    ]
    there, back = (_nearest(*order, shells, scale) for order in (borders, borders[::-1]))
    starts = [border.start for border in borders]
    n_there, n_back = (np.diff(start) for start in starts)
    sums, within, highest, percentile = zip(
        *(
            _summarise(distance, start, tolerance_um)
            for distance, start in zip((there, back), starts, strict=True)
        ),
        strict=True,
    )
    rows["hausdorff_um"] = np.maximum(*highest)
    rows["hd95_um"] = np.maximum(*percentile)
    rows["assd_um"] = (sums[0] + sums[1]) / (n_there + n_back)
    rows["nsd"] = (within[0] + within[1]) / (n_there + n_back)
    rows["truth_border"], rows["predicted_border"] = n_there, n_back
    rows["touches_border"] = borders[0].at_edge | borders[1].at_edge
    return rows


def summarise_surface_distances(distances: np.ndarray) -> dict[str, float]:
    """Average the distances of one image over its matched objects.

    Parameters
    ----------
    distances : (n_pairs,) structured array
        From `surface_distances`.

    Returns
    -------
    dict of int or float
        ``n_outlines``: pairs; ``mean_hausdorff_um``, ``mean_hd95_um``, ``mean_assd_um`` and
        ``mean_nsd``: means over the pairs, each with the same weight, NaN without a pair.

    Notes
    -----
    Missed and spurious objects have no distance and are left out, so that a method that finds only
    the easy objects has small distances: read them beside the number of objects found.
    """
    n = len(distances)
    return {"n_outlines": n} | {
        f"mean_{name}": float(distances[name].mean()) if n else float("nan") for name in _AVERAGED
    }


def _check(truth: np.ndarray, prediction: np.ndarray, spacing, tolerance_um: float) -> np.ndarray:
    """Return the spacing as an array once the arguments fit together."""
    if truth.shape != prediction.shape:
        raise InputError(
            f"the truth has shape {truth.shape} and the prediction {prediction.shape}; "
            "label images to compare must have the same shape"
        )
    scale = np.asarray(spacing, dtype=float)
    if scale.shape != (truth.ndim,) or not (np.isfinite(scale) & (scale > 0)).all():
        raise InputError(
            f"the spacing is {spacing}; an image with {truth.ndim} axes needs {truth.ndim} "
            "positive numbers, in µm"
        )
    if not 0 <= tolerance_um < np.inf:
        raise InputError(f"the tolerance is {tolerance_um}; it is a distance in µm of at least 0")
    return scale


def _labels(pairs: ArrayLike) -> np.ndarray:
    """Return the labels of the pairs as an (n_pairs, 2) array."""
    pairs = np.asarray(pairs)
    if pairs.dtype.names:
        return np.stack([pairs["truth"], pairs["predicted"]], axis=1)
    return pairs.astype(np.uint64).reshape(-1, 2)


def _border(image: np.ndarray, labels: np.ndarray, margin: np.ndarray, name: str) -> _Border:
    """Find the border pixels of the object with each of these labels."""
    border, edge = _border_mask(image)
    pixel = np.flatnonzero(border)
    label = image.reshape(-1)[pixel].astype(np.uint64)
    wanted, position = np.unique(labels, return_inverse=True)
    place = np.searchsorted(wanted, label)
    keep = wanted[np.minimum(place, wanted.size - 1)] == label
    pixel, place = pixel[keep], place[keep]
    count = np.bincount(place, minlength=wanted.size)
    if not count.all():
        raise InputError(
            f"the {name} has no object {wanted[count == 0][0]}; pairs name objects that occur"
        )
    owner = np.zeros(image.shape + 2 * margin, np.int32)
    inside = np.unravel_index(pixel, image.shape)
    pixel = np.ravel_multi_index(
        tuple(each + before for each, before in zip(inside, margin, strict=True)), owner.shape
    )
    owner.reshape(-1)[pixel] = place + 1
    # Sort the pixels by object (small integers sort fast), then give each pair its object's.
    place = place.astype(np.min_scalar_type(wanted.size))
    pixel = pixel[np.argsort(place, kind="stable")]
    first, chosen = (np.cumsum(count) - count)[position], count[position]
    start = np.concatenate(([0], np.cumsum(chosen)))
    pixel = pixel[np.arange(start[-1]) + np.repeat(first - start[:-1], chosen)]
    return _Border(pixel, start, owner, position + 1, np.isin(wanted, edge)[position])


def _border_mask(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which pixels have a neighbour of another label or the edge, and labels at the edge."""
    border = np.zeros(image.shape, bool)
    at_edge = []
    for axis in range(image.ndim):
        ahead, behind = (
            tuple(part if each == axis else slice(None) for each in range(image.ndim))
            for part in (slice(1, None), slice(None, -1))
        )
        change = image[ahead] != image[behind]
        border[ahead] |= change
        border[behind] |= change
        for end in (slice(0, 1), slice(-1, None)):
            face = tuple(end if each == axis else slice(None) for each in range(image.ndim))
            border[face] = True
            at_edge.append(np.unique(image[face]))
    border &= image > 0
    return border, np.unique(np.concatenate(at_edge))


def _shells(scale: np.ndarray) -> tuple[list[tuple[float, np.ndarray]], np.ndarray]:
    """Return steps to all pixels nearby, by distance, and how far they reach along each axis."""
    reach = _REACH * scale.min()
    margin = np.floor(reach / scale).astype(np.intp)
    steps = np.indices(2 * margin + 1).reshape(scale.size, -1).T - margin
    lengths = np.linalg.norm(steps * scale, axis=1)
    return [
        (length, steps[lengths == length]) for length in np.unique(lengths) if length <= reach
    ], margin


def _nearest(own: _Border, other: _Border, shells, scale: np.ndarray) -> np.ndarray:
    """Return the distance of each own border pixel from the border of the other object, in µm.

    Outlines of matched objects are close: the first border pixel of the other object that is met
    going outwards is the nearest. What is farther is left to a tree.
    """
    distance = np.empty(own.pixel.size)
    waiting, pixel = np.arange(own.pixel.size), own.pixel
    wanted = np.repeat(other.object, np.diff(own.start)).astype(other.owner.dtype)
    jumps = np.array(other.owner.strides) // other.owner.itemsize
    owner = other.owner.reshape(-1)
    for length, steps in shells:
        met = np.zeros(waiting.size, bool)
        for jump in steps @ jumps:
            met |= owner[pixel + jump] == wanted
        distance[waiting[met]] = length
        waiting, pixel, wanted = waiting[~met], pixel[~met], wanted[~met]
        if not waiting.size:
            return distance
    distance[waiting] = _nearest_by_tree(own, other, waiting, scale)
    return distance


def _nearest_by_tree(
    own: _Border, other: _Border, waiting: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Return the distance of some own border pixels, whatever it is."""
    from scipy.spatial import cKDTree

    # One tree for all pairs: another axis keeps them too far apart to be neighbours.
    apart = 2 * np.linalg.norm(own.owner.shape * scale)

    def points(border, chosen, pair):
        axes = np.unravel_index(border.pixel[chosen], border.owner.shape)
        return np.column_stack([pair * apart, np.stack(axes, axis=1) * scale])

    pair = np.searchsorted(own.start, waiting, side="right") - 1
    all_pairs = np.repeat(np.arange(other.object.size), np.diff(other.start))
    chosen = np.isin(all_pairs, pair)
    tree = cKDTree(points(other, chosen, all_pairs[chosen]))
    return tree.query(points(own, waiting, pair))[0]


def _summarise(
    distance: np.ndarray, start: np.ndarray, tolerance_um: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return sum, number within tolerance, maximum and 95th percentile of each run of distances."""
    first, last = start[:-1], start[1:] - 1
    run = np.repeat(np.arange(first.size), np.diff(start))
    # A distance that equals the tolerance but for rounding is within it.
    close = distance <= tolerance_um * (1 + 1e-9)
    ordered = distance[np.lexsort((distance, run))]
    place = first + 0.95 * (last - first)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, last)
    percentile = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    return (
        np.add.reduceat(distance, first),
        np.add.reduceat(close.astype(np.int64), first),
        ordered[last],
        percentile,
    )
