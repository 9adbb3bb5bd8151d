"""Images with the outlines of what was found, so that anyone can judge with their own eyes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bioagree.figures import canvas
from bioagree.images import Image

CROP_UM = 120.0  # a region this wide shows single objects at print size
CONTRAST = (0.5, 99.8)  # percentiles shown as black and white
BAR_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def draw(path: str | Path, image: Image, labels: Mapping[str, Image]) -> None:
    """Draw the same crop once a method, with that method's outlines.

    Parameters
    ----------
    path : str or Path
        Where to write.
    image : Image
        Intensities of one channel; of a volume the middle slice, of a movie the first frame.
    labels : mapping of str to Image
        Label images by the name of the method, drawn in this order.
    """
    plane = _middle(image)
    spacing = image.spacing[-2:]
    window = _crop(plane.shape, spacing)
    low, high = np.percentile(plane, CONTRAST)
    figure, panels = canvas.grid(len(labels), columns=5, panel=(3.0, 3.2))
    for index, (axes, (name, found)) in enumerate(zip(panels, labels.items(), strict=True)):
        outline = _middle(found)[window]
        axes.imshow(
            plane[window],
            cmap="gray",
            vmin=low,
            vmax=max(high, low + 1e-9),
            aspect=spacing[0] / spacing[1],
            interpolation="nearest",
        )
        axes.set_axis_off()
        for label in np.setdiff1d(np.unique(outline), 0):
            axes.contour(outline == label, [0.5], colors=canvas.COLOURS[4], linewidths=0.9)
        count = len(np.setdiff1d(np.unique(_middle(found)), 0))
        axes.set_title(f"{name}\n{count} objects in this plane", fontsize=9)
        if index == 0:
            _scale_bar(axes, plane[window].shape, spacing)
    title = f"{image.name}, contrast {low:.4g} to {high:.4g}"
    figure.suptitle(title, fontsize=9)
    canvas.save(figure, path, dpi=110)


def _middle(image: Image) -> np.ndarray:
    array = image.stack[0]
    return array[array.shape[0] // 2] if image.ndim == 3 else array


def _crop(shape, spacing) -> tuple[slice, slice]:
    """Return the central window of at most CROP_UM."""
    window = []
    for size, step in zip(shape, spacing, strict=True):
        wanted = min(size, round(CROP_UM / step))
        start = (size - wanted) // 2
        window.append(slice(start, start + wanted))
    return tuple(window)


def _scale_bar(axes, shape, spacing) -> None:
    width = shape[1] * spacing[1]
    length = max((bar for bar in BAR_UM if bar <= width / 4), default=BAR_UM[0])
    pixels = length / spacing[1]
    y, x = shape[0] * 0.94, shape[1] * 0.05
    axes.plot([x, x + pixels], [y, y], color="white", lw=3, solid_capstyle="butt")
    axes.text(
        x + pixels / 2, y - shape[0] * 0.03, f"{length} µm", color="white", ha="center", fontsize=8
    )
