"""Which segmenters there are.

A new one is one function in a module of this package, and one line here. The jobs themselves do
not read this list, so that a new line makes no job run again.
"""

from collections.abc import Callable

from bioagree.segmentation import load

FAMILIES = {
    "gauss_otsu": "clesperanto",
    "voronoi_otsu": "clesperanto",
    "distance_watershed": "watershed",
    "local_threshold_watershed": "watershed",
    "pixel_forest": "forest",
}
GPU_FAMILIES = ("clesperanto", "forest")
LEARNED_FAMILIES = ("forest",)  # their segmenters take a `model` that a job has trained before


def segmenter(name: str) -> Callable:
    """Return the function registered as `name`."""
    return load(FAMILIES[name], name)


def trainer(name: str) -> Callable:
    """Return the function that trains the model of a learned segmenter."""
    return load(FAMILIES[name], "train")
