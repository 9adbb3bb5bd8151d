"""Segmenters: a registry, and one module per family.

A segmenter is one function ``segment(image, *, ...)`` from a single-channel image of one time
point to an integer label array on the same grid; its keyword-only arguments are its parameters.
To add one, write the function and add a line to :data:`FAMILIES`.
"""

from collections.abc import Callable
from importlib import import_module

import numpy as np

from bioagree.images import Image
from bioagree.segmentation import postprocess

FAMILIES = {
    "gauss_otsu": "clesperanto",
    "voronoi_otsu": "clesperanto",
    "distance_watershed": "watershed",
    "local_threshold_watershed": "watershed",
}
GPU_FAMILIES = ("clesperanto",)


def segmenter(name: str) -> Callable:
    """Return the function registered as `name`."""
    return getattr(import_module(f"bioagree.segmentation.{FAMILIES[name]}"), name)


def label(image: Image, segmenter_name: str, parameters: dict, steps: list[dict] = ()) -> Image:
    """Label the objects of a single-channel image, time point by time point.

    Parameters
    ----------
    image : Image
        Filtered intensities without channel axis.
    segmenter_name : str
        A key of :data:`FAMILIES`.
    parameters : dict
        For the segmenter.
    steps : list of dict, optional
        Post-processing steps, see :mod:`bioagree.segmentation.postprocess`.

    Returns
    -------
    Image
        32-bit labels numbered 1, 2, … without gaps in each time point; 0 is background. An image
        of one constant value has no objects.
    """
    function = segmenter(segmenter_name)

    def run(frame: Image) -> np.ndarray:
        if frame.array.min() == frame.array.max():
            return np.zeros(frame.array.shape, np.uint32)
        labels = frame.with_array(function(frame, **parameters))
        return postprocess.renumber(postprocess.apply(labels, steps).array)

    return image.with_array(image.map_frames(run))
