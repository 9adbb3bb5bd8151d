"""Segmenters: one module per family; :mod:`bioagree.segmentation.registry` lists them.

A segmenter is one function ``segment(image, *, ...)`` from a single-channel image of one time
point to an integer label array on the same grid; its keyword-only arguments are its parameters.
"""

from collections.abc import Callable
from importlib import import_module

import numpy as np

from bioagree.images import Image
from bioagree.segmentation import postprocess


def load(family: str, name: str) -> Callable:
    """Return the function `name` of the module `family` in this package."""
    return getattr(import_module(f"bioagree.segmentation.{family}"), name)


def label(image: Image, segmenter: Callable, parameters: dict, steps: list[dict] = ()) -> Image:
    """Label the objects of a single-channel image, time point by time point.

    Parameters
    ----------
    image : Image
        Filtered intensities without channel axis.
    segmenter : callable
        From :func:`load`.
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

    def run(frame: Image) -> np.ndarray:
        if frame.array.min() == frame.array.max():
            return np.zeros(frame.array.shape, np.uint32)
        labels = frame.with_array(segmenter(frame, **parameters))
        return postprocess.renumber(postprocess.apply(labels, steps).array)

    return image.with_array(image.map_frames(run))
