"""Two channels of one image: where they are, how they go together, and what chance gives."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bioagree.colocalisation import Comparison
from bioagree.figures import canvas
from bioagree.figures.outlines import scale_bar

CONTRAST = (1.0, 99.7)  # percentiles of the region shown as black and as full colour
BINS = 128


def draw(path: str | Path, comparison: Comparison, names: Sequence[str]) -> None:
    """Draw the merged image, the joint histogram with its thresholds, and scrambled images.

    Parameters
    ----------
    path : str or Path
        Where to write.
    comparison : Comparison
        Of a volume the slice with most of the region is shown.
    names : sequence of str
        The two channels; the first is drawn in magenta, the second in green.
    """
    figure, (picture, joint, chance) = canvas.grid(3, columns=3, panel=(4.6, 4.6))
    _picture(picture, comparison, names)
    _joint(joint, comparison, names)
    _chance(chance, comparison)
    row = comparison.row
    figure.suptitle(f"image {row['image']}, n = {row['voxels']} voxels in the region", fontsize=10)
    canvas.save(figure, path, dpi=110)


def _picture(axes, comparison: Comparison, names) -> None:
    region = comparison.region
    index = int(region.sum(axis=(1, 2)).argmax()) if region.ndim == 3 else None
    plane, *channels = (
        array if index is None else array[index] for array in (region, *comparison.channels)
    )
    window = _around(plane)
    plane, channels = plane[window], [channel[window] for channel in channels]
    shown, limits = [], []
    for channel in channels:
        low, high = np.percentile(channel[plane] if plane.any() else channel, CONTRAST)
        shown.append(np.clip((channel - low) / max(high - low, 1e-9), 0, 1))
        limits.append(f"{low:.0f} to {high:.0f}")
    spacing = comparison.spacing[-2:]
    axes.imshow(
        np.stack([shown[0], shown[1], shown[0]], axis=-1),
        aspect=spacing[0] / spacing[1],
        interpolation="nearest",
    )
    if plane.any() and not plane.all():
        axes.contour(plane, [0.5], colors="white", linewidths=0.7)
    scale_bar(axes, plane.shape, spacing)
    axes.set_axis_off()
    axes.set_title(
        f"magenta: {names[0]} ({limits[0]})\ngreen: {names[1]} ({limits[1]}), white: both",
        fontsize=9,
    )


def _around(plane: np.ndarray) -> tuple[slice, slice]:
    """Return the box around a region, with a margin of a tenth; everything where it is empty."""
    if not plane.any():
        return slice(None), slice(None)
    window = []
    for axis in (1, 0):
        inside = np.flatnonzero(plane.any(axis=axis))
        margin = (np.ptp(inside) + 1) // 10
        window.append(slice(max(inside[0] - margin, 0), inside[-1] + margin + 1))
    return window[0], window[1]


def _joint(axes, comparison: Comparison, names) -> None:
    row = comparison.row
    first, second = (
        channel[comparison.region] - row[f"background_{key}"]
        for channel, key in zip(comparison.channels, ("first", "second"), strict=True)
    )
    if not len(first):
        canvas.say(axes, "the region is empty")
        return
    axes.hist2d(first, second, bins=BINS, norm="log", cmap="viridis", rasterized=True)
    for threshold, line in (
        (row["threshold_first"], axes.axvline),
        (row["threshold_second"], axes.axhline),
    ):
        if np.isfinite(threshold):
            line(threshold, color="black", lw=1.2, ls="--")
    axes.set_xlabel(f"{names[0]} (intensity above background)")
    axes.set_ylabel(f"{names[1]} (intensity above background)")
    axes.set_title(
        f"voxels of the region; dashed: Costes thresholds\n"
        f"Pearson {row['pearson']:.2f}, "
        f"Manders M1 {row['manders_m1']:.2f}, M2 {row['manders_m2']:.2f}",
        fontsize=9,
    )
    axes.spines[["top", "right"]].set_visible(False)


def _chance(axes, comparison: Comparison) -> None:
    chance, row = comparison.chance, comparison.row
    if not len(chance.random):
        canvas.say(axes, "the region holds fewer than two blocks as wide as the blur")
        return
    axes.hist(chance.random, bins=30, color="0.7")
    axes.axvline(chance.observed, color=canvas.COLOURS[1], lw=2)
    axes.set_xlim(min(-0.05, chance.random.min()) - 0.02, max(1.0, chance.observed + 0.05))
    axes.set_xlabel("Pearson correlation of blocks")
    axes.set_ylabel("scrambled images")
    axes.set_title(
        f"grey: {len(chance.random)} scrambled images, line: observed\n"
        f"p = {chance.p_value:.2g} (n = {row['blocks']} blocks)",
        fontsize=9,
    )
    axes.spines[["top", "right"]].set_visible(False)
