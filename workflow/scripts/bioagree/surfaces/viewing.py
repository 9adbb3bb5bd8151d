"""Meshes to look at: smooth, and with few triangles."""

from bioagree.features.objects import Objects
from bioagree.surfaces.decimation import decimate
from bioagree.surfaces.marching_cubes import in_batches
from bioagree.surfaces.mesh import Meshes, concatenate
from bioagree.surfaces.smoothing import smooth


def for_viewing(objects: Objects, *, smoothing_iterations: int, faces: float) -> Meshes:
    """Return the surfaces of all objects of a 3D label image, smoothed and thinned.

    Full meshes exist for a few objects at a time only.

    Parameters
    ----------
    objects : Objects
        3D.
    smoothing_iterations : int
        0 keeps the steps of the voxels; measurements are made on other meshes.
    faces : float
        Fraction of the triangles to keep, above 0; 1 keeps all.
    """
    return concatenate(
        decimate(smooth(meshes, smoothing_iterations), faces) for meshes in in_batches(objects)
    )
