"""Label images that several tests measure."""

import numpy as np
from scipy import ndimage

GRIDS = (
    ((40, 50), (1.0, 1.0)),
    ((40, 50), (0.7, 0.3)),
    ((14, 20, 22), (1.0, 1.0, 1.0)),
    ((14, 20, 22), (1.1, 0.4, 0.3)),
)


def scattered(shape, seed):
    """Return labels with gaps, fragments and holes, some beyond 16 bits."""
    rng = np.random.default_rng(seed)
    coarse = rng.choice([0, 0, 0, 2, 3, 9, 40, 70_000], [size // 2 + 1 for size in shape])
    for axis in range(len(shape)):
        coarse = coarse.repeat(2, axis)
    return coarse[tuple(slice(size) for size in shape)].astype(np.uint32)


def blobs(shape, seed):
    """Return connected objects of all sizes, as a segmentation gives them."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5)
    return ndimage.label(noise > 0.06)[0].astype(np.uint16)


def solids(semi_axes, spacing, n, seed, turn=False):
    """Return `n` digitised ellipsoids side by side in one image, at random offsets.

    A voxel belongs to an ellipsoid when its centre does. `semi_axes` and `spacing` are (z, y, x)
    in µm; `turn` rotates each of them at random.
    """
    rng = np.random.default_rng(seed)
    semi_axes, spacing = np.array(semi_axes, float), np.array(spacing)
    reach = np.full(len(spacing), semi_axes.max()) if turn else semi_axes
    shape = np.floor(2 * reach / spacing).astype(int) + 4
    grid = np.stack(np.indices(shape), -1) * spacing
    images = []
    for label in range(1, n + 1):
        centre = (rng.random(len(shape)) - 0.5) * spacing + (shape // 2) * spacing
        axes = np.eye(len(shape))
        if turn:
            axes = np.linalg.qr(rng.normal(size=axes.shape))[0]
        inside = (((grid - centre) @ axes / semi_axes) ** 2).sum(-1) <= 1
        images.append(np.where(inside, label, 0).astype(np.uint16))
    return np.concatenate(images, axis=-1)
