"""The objects of one label image: numbered without gaps, counted, and boxed, in one pass.

Everything that is measured starts here. Labels may have gaps and may be larger than the image has
voxels; the kernels of all groups see runs of voxels, or the numbers 1 … n, instead. What several
groups need is computed when it is first asked for, and kept.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from bioagree.features.runs import Moments, Runs, Scan, by_object, encode, moments, paint


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects of one time point, on which every group of features is measured.

    Parameters
    ----------
    labels : numpy.ndarray of int
        Label image, 2D or 3D; 0 is background. Gaps in the numbering are no objects.
    spacing : tuple of float
        Voxel size in µm, one for each axis.
    channels : dict of str to numpy.ndarray, optional
        Raw intensities on the same grid.

    Attributes
    ----------
    ids : numpy.ndarray of int64, shape (n,)
        The labels that occur, ascending. Rows of every table are in this order.
    """

    labels: np.ndarray
    spacing: tuple[float, ...]
    channels: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def ndim(self) -> int:
        """Number of axes, 2 or 3."""
        return self.labels.ndim

    @property
    def axes(self) -> str:
        """Names of the axes, as columns carry them."""
        return "zyx"[-self.ndim :]

    @property
    def ids(self) -> np.ndarray:
        """The labels that occur, ascending."""
        return self._encoded[0]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (z, y, x) of the image, z being 1 in 2D."""
        return (1, *self.labels.shape)[-3:]

    @cached_property
    def numbers(self) -> np.ndarray:
        """Label image with the shape (z, y, x) and object i of `ids` as i + 1, in 32 bits."""
        labels = _plain(self.labels).reshape(self.shape)
        numbered = len(self) == labels.max(initial=0) and labels.min(initial=0) >= 0
        if numbered and labels.dtype in (np.int32, np.uint32):
            return labels.view(np.int32)
        return paint(self.scan)

    @property
    def spacing_zyx(self) -> tuple[float, float, float]:
        """Voxel size that goes with `numbers`; in 2D the first one is 1 and means nothing."""
        return (1.0, *self.spacing)[-3:]

    def channel(self, name: str) -> np.ndarray:
        """Return a channel with the shape of `numbers`."""
        return self.channels[name].reshape(self.shape)

    @property
    def scan(self) -> Scan:
        """Runs of voxels along x, in the order of the image."""
        return self._encoded[1]

    @cached_property
    def runs(self) -> Runs:
        """Runs of voxels along x, object by object."""
        return by_object(self.scan)

    @cached_property
    def moments(self) -> Moments:
        """Count, bounding box, mean position and covariance of the voxels of each object."""
        return moments(self.scan)

    @cached_property
    def _encoded(self) -> tuple[np.ndarray, Scan]:
        return encode(_plain(self.labels).reshape(self.shape))


def _plain(labels: np.ndarray) -> np.ndarray:
    """Return labels as a contiguous array of one of the five types that kernels know."""
    kinds = (np.uint8, np.uint16, np.uint32, np.int32)
    kind = next((kind for kind in kinds if np.can_cast(labels.dtype, kind)), np.int64)
    return np.ascontiguousarray(labels, kind)
