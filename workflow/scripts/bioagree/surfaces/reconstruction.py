"""From labels to surfaces that people look at."""

from bioagree.features.objects import Objects
from bioagree.images import Image
from bioagree.surfaces.decimation import decimate
from bioagree.surfaces.marching_cubes import in_batches
from bioagree.surfaces.mesh import Meshes, concatenate
from bioagree.surfaces.smoothing import smooth


def reconstruct(
    labels: Image, *, smoothing_iterations: int = 10, kept_fraction: float = 0.1
) -> list[Meshes]:
    """Mesh, smooth and thin the objects of a 3D label image, for viewing.

    Parameters
    ----------
    labels : Image
        With or without time axis.
    smoothing_iterations : int, optional
        See :func:`bioagree.surfaces.smoothing.smooth`; 0 leaves the steps of the voxels.
    kept_fraction : float, optional
        See :func:`bioagree.surfaces.decimation.decimate`; 1 keeps all faces.

    Returns
    -------
    list of Meshes
        One for each time point. Full meshes exist for a few objects at a time only.
    """
    return [
        concatenate(
            decimate(smooth(batch, smoothing_iterations), kept_fraction)
            for batch in in_batches(Objects(frame, labels.spacing))
        )
        for frame in labels.stack
    ]
