"""Images with the outlines of what was found, so that anyone can judge with their own eyes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bioagree.figures import canvas
from bioagree.images import Image

CROP_UM = 120.0  # a region this wide shows single objects at print size
CONTRAST = (0.5, 99.8)  # percentiles shown as black and white
BAR_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def draw(path: str | Path, image: Image, labels: Mapping[str, Image], title: str) -> None:
    """Draw the same crop once a method, with that method's outlines.

    Parameters
    ----------
    path : str or Path
        Where to write.
    image : Image
        Intensities of one channel; of a volume the middle slice, of a movie the first frame.
    labels : mapping of str to Image
        Label images by the name of the method, drawn in this order; the crop is where the first
        one has most foreground.
    title : str
        What is shown; the contrast is added.
    """
    plane = _middle(image)
    spacing = image.spacing[-2:]
    window = _fullest(_middle(next(iter(labels.values()))) > 0, spacing)
    crop = plane[window]
    low, high = np.percentile(crop, CONTRAST)
    figure, panels = canvas.grid(len(labels), columns=5, panel=(3.0, 3.2))
    for index, (axes, (name, found)) in enumerate(zip(panels, labels.items(), strict=True)):
        axes.imshow(
            crop,
            cmap="gray",
            vmin=low,
            vmax=max(high, low + 1e-9),
            aspect=spacing[0] / spacing[1],
            interpolation="nearest",
        )
        axes.set_axis_off()
        count = _outline(axes, _middle(found)[window])
        axes.set_title(f"{name}\n{count} objects in view", fontsize=9)
        if index == 0:
            scale_bar(axes, crop.shape, spacing)
    figure.suptitle(f"{title} (grey values {low:.0f} to {high:.0f})", fontsize=9)
    canvas.save(figure, path, dpi=110)


def _middle(image: Image) -> np.ndarray:
    array = image.stack[0]
    return array[array.shape[0] // 2] if image.ndim == 3 else array


def _fullest(foreground: np.ndarray, spacing) -> tuple[slice, slice]:
    """Return the window of at most CROP_UM that holds most foreground; the first of several."""
    size = [
        min(n, round(CROP_UM / step)) for n, step in zip(foreground.shape, spacing, strict=True)
    ]
    total = np.pad(foreground.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    held = (
        total[size[0] :, size[1] :]
        - total[: -size[0], size[1] :]
        - total[size[0] :, : -size[1]]
        + total[: -size[0], : -size[1]]
    )
    start = np.unravel_index(held.argmax(), held.shape)
    return tuple(slice(int(a), int(a) + n) for a, n in zip(start, size, strict=True))


def _outline(axes, labels: np.ndarray) -> int:
    """Draw the outline of every object, and return how many there are."""
    present = np.unique(labels[labels > 0])
    for label in present:
        along = (np.flatnonzero((labels == label).any(axis)) for axis in (1, 0))
        rows, columns = (
            np.arange(max(found[0] - 1, 0), min(found[-1] + 2, n))
            for found, n in zip(along, labels.shape, strict=True)
        )
        inside = labels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] == label
        if min(inside.shape) > 1 and not inside.all():
            axes.contour(columns, rows, inside, [0.5], colors=canvas.COLOURS[4], linewidths=0.9)
    return len(present)


def scale_bar(axes, shape, spacing) -> None:
    """Draw a white bar of a round length, at most a quarter of the image's width."""
    width = shape[1] * spacing[1]
    length = max((bar for bar in BAR_UM if bar <= width / 4), default=BAR_UM[0])
    pixels = length / spacing[1]
    y, x = shape[0] * 0.94, shape[1] * 0.05
    axes.plot([x, x + pixels], [y, y], color="white", lw=3, solid_capstyle="butt")
    axes.text(
        x + pixels / 2, y - shape[0] * 0.03, f"{length} µm", color="white", ha="center", fontsize=8
    )
