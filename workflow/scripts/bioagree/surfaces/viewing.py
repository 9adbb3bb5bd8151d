"""Meshes to look at: smooth, and with few triangles."""

from bioagree.features.objects import Objects
from bioagree.surfaces.decimation import decimate
from bioagree.surfaces.marching_cubes import marching_cubes
from bioagree.surfaces.mesh import Meshes
from bioagree.surfaces.smoothing import smooth


def for_viewing(objects: Objects, *, smoothing_iterations: int, faces: float) -> Meshes:
    """Return the surfaces of all objects of a 3D label image, smoothed and thinned.

    Parameters
    ----------
    objects : Objects
        3D.
    smoothing_iterations : int
        0 keeps the steps of the voxels; measurements are made on other meshes.
    faces : float
        Fraction of the triangles to keep, above 0; 1 keeps all.
    """
    meshes = marching_cubes(objects)
    if smoothing_iterations:
        meshes = smooth(meshes, smoothing_iterations)
    return meshes if faces == 1 else decimate(meshes, faces)
