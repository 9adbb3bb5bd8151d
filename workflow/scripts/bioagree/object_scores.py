"""Everything by which one segmentation of one image is scored: the image, and each object."""

import numpy as np

from bioagree.contingency import contingency
from bioagree.matching import match, per_object
from bioagree.scores import instance_scores, pixel_scores
from bioagree.surface_distances import summarise_surface_distances, surface_distances
from bioagree.tables import Columns

DISTANCES = ("hausdorff_um", "hd95_um", "assd_um", "nsd")


def score_image(
    truth: np.ndarray, labels: np.ndarray, spacing: tuple[float, ...], tolerance_um: float
) -> tuple[dict[str, float], Columns]:
    """Score a segmentation of one image.

    Parameters
    ----------
    truth, labels : integer array
        Label images of one shape.
    spacing : tuple of float
        Voxel size in µm.
    tolerance_um : float
        Up to which distance outlines count as the same.

    Returns
    -------
    scores : dict of str to float
        Of :mod:`bioagree.scores` and :mod:`bioagree.surface_distances`.
    objects : dict of str to numpy.ndarray
        Of :func:`bioagree.matching.per_object`, with the :data:`DISTANCES` of matched objects; NaN
        of others.
    """
    table = contingency(truth, labels)
    matched = match(table)
    distances = surface_distances(truth, labels, matched, spacing, tolerance_um=tolerance_um)
    found = pixel_scores(table) | instance_scores(table) | summarise_surface_distances(distances)
    objects = per_object(table)
    for name in DISTANCES:
        objects[name] = np.full(len(objects["label"]), np.nan)
        for side, labelled in (("truth", "truth"), ("prediction", "predicted")):
            here = np.flatnonzero((objects["side"] == side) & objects["matched"])
            order = np.argsort(distances[labelled])
            place = np.searchsorted(distances[labelled], objects["label"][here], sorter=order)
            objects[name][here] = distances[name][order[place]]
    return found, objects
