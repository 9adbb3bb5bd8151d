"""Raw microscopy files, checked against what their dataset promises.

A dataset declares axes, channels and voxel size in ``datasets.yaml``. The file may say something
else; then the declaration wins and the user is told.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from bioagree import images
from bioagree.errors import InputError
from bioagree.images import Image
from bioagree.tables import Table

TIFF_SUFFIXES = (".tif", ".tiff")
PIXEL_TYPES = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64")  # OME's
DISAGREEMENT = 0.01  # relative; smaller differences are rounding in the file
RESOLUTION_FACTOR = 0.61  # Rayleigh: 0.61 λ / NA


def read(path: str | Path, dataset: dict, warn: Callable[[str], None]) -> list[Image]:
    """Read the images of one raw file with the calibration that its dataset declares.

    Parameters
    ----------
    path : str or Path
        TIFF (plain, ImageJ, OME, MetaMorph) or anything else that imageio opens, such as PNG.
    dataset : dict
        An entry of ``datasets.yaml``: `axes`, `voxel_um`, `channels` (none for labels),
        optionally `time_step_s` and `optics`.
    warn : callable
        Told, in one sentence each, what the user should know: a calibration that disagrees,
        undersampling, an image of one constant value.

    Raises
    ------
    InputError
        When the file cannot be read, its dimensions are not the promised ones, it is empty, or
        it holds NaN or infinite values.
    """
    path = Path(path)
    axes, channels = dataset["axes"], tuple(dataset["channels"])
    spacing = tuple(float(step) for step in dataset["voxel_um"])
    found = []
    for name, array, calibration in _read_series(path):
        _check_pixels(path, array, axes, channels, warn)
        _compare_calibration(path, spacing, calibration, warn)
        found.append(Image(array, axes, spacing, name, channels, dataset.get("time_step_s")))
    return found


def files(inputs: Sequence[str | Path], pattern: str) -> list[Path]:
    """Return a sample's raw files: those given, or those that match in a fetched folder."""
    inputs = [Path(path) for path in ([inputs] if isinstance(inputs, str) else inputs)]
    if len(inputs) == 1 and inputs[0].is_dir():
        found = sorted(path for path in inputs[0].glob(pattern) if path.is_file())
        if not found:
            raise InputError(f"no file matches {pattern!r} in {inputs[0]} (images in the sheet)")
        return found
    return inputs


def check_names(found: list[Image]) -> None:
    """Check that the images of a sample can be told apart by name."""
    names = Counter(image.name for image in found)
    for name, count in names.items():
        if count > 1:
            raise InputError(f"{count} images of one sample are called {name!r}; rename files")


def read_truths(
    raw: list[Path], pattern: str, dataset: dict, grids: Iterable[Image]
) -> Iterator[tuple[Image, dict[str, Image], list[Path]]]:
    """Yield the annotated labels of each image, and the marks that assign groups.

    Parameters
    ----------
    raw : list of Path
        The sample's raw files.
    pattern : str
        Where the labels of a raw file are, from its folder; ``{name}`` stands for its name.
    dataset : dict
        Entry of ``datasets.yaml``; its `truth` may name a colour `channel` and `groups`.
    grids : iterable of Image
        The imported images, in order.

    Yields
    ------
    labels : Image
    marks : dict of str to Image
        By group.
    paths : list of Path
        Files that were read; empty but for the first image of a file.
    """
    described, grids = dataset["truth"], iter(grids)
    groups = described.get("groups", {})
    for path in raw:
        source = beside(path, pattern)
        series = list(_read_series(source))
        like = list(islice(grids, len(series)))
        if len(like) < len(series):
            raise InputError(f"truth {source} holds more images than {path}")
        marks = {
            group: _read_labels(beside(path, mark["marks"]), like, mark.get("channel"))
            for group, mark in groups.items()
        }
        used = [source, *(beside(path, mark["marks"]) for mark in groups.values())]
        for index, ((_, array, _), grid) in enumerate(zip(series, like, strict=True)):
            labels = _as_labels(source, array, grid, described.get("channel"))
            yield labels, {group: found[index] for group, found in marks.items()}, used
            used = []
    if next(grids, None) is not None:
        raise InputError(f"truth {pattern!r} gives fewer label images than the sample has images")


def beside(path: Path, pattern: str) -> Path:
    """Return the file that belongs to `path`: a pattern from its folder, with its ``{name}``."""
    return Path(os.path.normpath(path.parent / pattern.replace("{name}", name_of(path))))


def files_beside(raw: list[Path], truths: list[Image], pattern: str, key: str) -> dict[str, Path]:
    """Return the file that belongs to each image: a pattern as for the truth.

    Parameters
    ----------
    raw : list of Path
        The sample's raw files.
    truths : list of Image
        Its true labels.
    pattern : str
        Where the file of an image is, from its folder.
    key : str
        Key of ``datasets.yaml`` that holds the pattern, for messages.

    Raises
    ------
    InputError
        When a file holds several images, so that nobody knows whose it is.
    """
    found = {name_of(path): beside(path, pattern) for path in raw}
    for image in truths:
        if image.name not in found:
            raise InputError(
                f"image {image.name!r} is one of several in its file; {key} in datasets.yaml needs "
                "one image in a file"
            )
    return {image.name: found[image.name] for image in truths}


def _read_labels(path: Path, like: list[Image], channel: str | None) -> list[Image]:
    series = list(_read_series(path))
    if len(series) != len(like):
        raise InputError(f"{path} holds {len(series)} images, but {len(like)} belong to it")
    return [
        _as_labels(path, array, grid, channel)
        for (_, array, _), grid in zip(series, like, strict=True)
    ]


def _as_labels(path: Path, array: np.ndarray, like: Image, channel: str | None) -> Image:
    if channel is not None:
        if array.ndim != like.array.ndim + 1 or array.shape[-1] not in (3, 4):
            raise InputError(
                f"{path} has the shape {array.shape}, but the {channel} channel of a colour image "
                "was promised (truth: channel in datasets.yaml)"
            )
        array = array[..., ("red", "green", "blue").index(channel)]
    expected = tuple(
        size for size, axis in zip(like.array.shape, like.axes, strict=True) if axis != "C"
    )
    if array.shape != expected:
        raise InputError(
            f"truth {path} has the shape {array.shape}, but image {like.name!r} has {expected}; "
            "they must be equal"
        )
    if array.dtype.kind == "f" and not np.array_equal(array, np.round(array)):
        raise InputError(f"truth {path} holds fractions; allowed are whole label numbers")
    if array.min(initial=0) < 0 or array.max(initial=0) > np.iinfo(np.uint32).max:
        raise InputError(f"truth {path} holds labels outside 0 to {np.iinfo(np.uint32).max}")
    return like.with_array(array.astype(np.uint32))


def name_of(path: Path) -> str:
    """Return a file's name without the suffix, also for double ones such as ``.ome.tif``."""
    return path.name.removesuffix(path.suffix).removesuffix(".ome")


def sampling_warnings(dataset: dict) -> list[str]:
    """Say where the pixels are too coarse for the optics, since pixel size is not resolution.

    Nyquist asks for at least two pixels per resolvable distance, here the Rayleigh distance
    0.61 λ/NA; without `optics` in the dataset nothing can be said.
    """
    optics = dataset.get("optics", {})
    if not {"numerical_aperture", "emission_nm"} <= optics.keys():
        return []
    resolution = resolution_um(optics)
    pixel = max(dataset["voxel_um"][-2:])
    if pixel <= resolution / 2:
        return []
    return [
        f"pixels of {pixel:g} µm undersample a resolution of {resolution:.2f} µm "
        f"(0.61 λ/NA); at most {resolution / 2:.2f} µm would be needed, so shapes near that size "
        "are not trustworthy"
    ]


def resolution_warnings(dataset: dict, table: Table) -> list[str]:
    """Say how many objects are smaller than what the optics resolve; nothing without `optics`."""
    optics = dataset.get("optics", {})
    if not {"numerical_aperture", "emission_nm"} <= optics.keys():
        return []
    resolution = resolution_um(optics)
    small = int(np.count_nonzero(table.columns["equivalent_diameter_um"] < resolution))
    if not small:
        return []
    return [
        f"{small} of {len(table)} objects are smaller than the resolution of {resolution:.2f} µm "
        "(0.61 λ/NA), so their sizes say more about the optics than about them"
    ]


def resolution_um(optics: dict) -> float:
    """Return the lateral Rayleigh distance 0.61 λ/NA in µm."""
    return RESOLUTION_FACTOR * optics["emission_nm"] / 1000 / optics["numerical_aperture"]


def _read_series(path: Path) -> Iterator[tuple[str, np.ndarray, dict]]:
    """Yield name, pixels and the file's own word on its voxel size (µm by axis) of each series."""
    if not path.exists():
        raise InputError(f"{path} does not exist")
    try:
        if path.suffix.lower() in TIFF_SUFFIXES:
            yield from _read_tiff(path)
        else:
            from imageio.v3 import imread

            yield name_of(path), imread(path), {}
    except InputError:
        raise
    except Exception as error:  # every reader has exceptions of its own
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path} cannot be read as an image ({reason})") from error


def _read_tiff(path: Path) -> Iterator[tuple[str, np.ndarray, dict]]:
    import tifffile

    end = path.stat().st_size
    with tifffile.TiffFile(path) as tif:
        if not tif.series:
            raise InputError(f"{path} holds no image")
        for page in tif.pages:
            segments = zip(page.dataoffsets, page.databytecounts, strict=True)
            if any(offset + count > end for offset, count in segments):
                raise InputError(f"{path} is truncated: pixels are missing at its end")
        if _leads_beyond(tif):
            raise InputError(f"{path} is truncated: pages are missing at its end")
        for index, series in enumerate(tif.series):
            name = name_of(path) if len(tif.series) == 1 else f"{name_of(path)}-{index}"
            yield name, series.asarray(), _tiff_calibration(tif, index)


def _leads_beyond(tif) -> bool:
    """Say whether the last page points to another one; readers keep silent about that."""
    tif.filehandle.seek(tif.pages.next_page_offset)
    pointer = tif.filehandle.read(tif.tiff.offsetsize)
    return len(pointer) < tif.tiff.offsetsize or any(pointer)


def _tiff_calibration(tif, index: int) -> dict:
    if tif.ome_metadata is not None:
        sizes = images.parse_ome(tif.ome_metadata)[index][1]
        return {a: sizes[f"PhysicalSize{a}"] for a in "XYZ" if f"PhysicalSize{a}" in sizes}
    if tif.metaseries_metadata is not None:
        plane = tif.metaseries_metadata.get("PlaneInfo", {})
        unit = images.MICROMETRES.get(plane.get("spatial-calibration-units"), np.nan)
        keys = {"X": "spatial-calibration-x", "Y": "spatial-calibration-y"}
        return {axis: plane[key] * unit for axis, key in keys.items() if key in plane}
    page, calibration = tif.pages[0], {}
    imagej = tif.imagej_metadata or {}
    unit = images.MICROMETRES.get(imagej.get("unit", "").replace("\\u00B5", "µ"), np.nan)
    if np.isnan(unit):
        unit = {2: 25400.0, 3: 10000.0}.get(page.tags.valueof("ResolutionUnit", 1), np.nan)
    for axis in "XY":
        numerator, denominator = page.tags.valueof(f"{axis}Resolution", (0, 1))
        if numerator:
            calibration[axis] = denominator / numerator * unit
    if "spacing" in imagej:
        calibration["Z"] = imagej["spacing"] * unit
    return {axis: size for axis, size in calibration.items() if np.isfinite(size)}


def _check_pixels(path, array, axes, channels, warn) -> None:
    _check_shape(path, array, axes, channels)
    if array.dtype.name not in PIXEL_TYPES:
        raise InputError(f"{path} holds {array.dtype} values; allowed are {', '.join(PIXEL_TYPES)}")
    if not np.isfinite(array).all():
        count = np.count_nonzero(~np.isfinite(array))
        raise InputError(f"{path} holds {count} NaN or infinite values; allowed are finite numbers")
    if array.min() == array.max():
        warn(f"{path.name}: every pixel has the value {array.flat[0]}, so nothing can be found")


def _check_shape(path: Path, array: np.ndarray, axes: str, channels: tuple[str, ...]) -> None:
    if array.size == 0:
        raise InputError(f"{path} is empty: its shape is {array.shape}")
    colour = array.ndim > 2 and array.shape[-1] in (3, 4) and array.ndim - len(axes) in (0, 1)
    if colour and "C" not in axes:
        raise InputError(
            f"{path} is a colour image of the shape {array.shape}, but axes {axes!r} promise grey "
            "values; convert it, or export the channel that holds the signal"
        )
    if array.ndim != len(axes):
        raise InputError(
            f"{path} has {array.ndim} dimensions {array.shape}, "
            f"but axes {axes!r} in datasets.yaml promise {len(axes)}"
        )
    count = array.shape[axes.index("C")] if "C" in axes else 1
    if channels and count != len(channels):
        raise InputError(
            f"{path} has {count} channels, but datasets.yaml names {len(channels)}: "
            f"{', '.join(channels)}"
        )


def _compare_calibration(path, spacing, calibration, warn) -> None:
    for axis, declared in zip("ZYX"[-len(spacing) :], spacing, strict=True):
        stated = calibration.get(axis)
        if stated is not None and abs(stated - declared) > DISAGREEMENT * declared:
            warn(
                f"{path.name}: the file says {stated:g} µm along {axis}, datasets.yaml says "
                f"{declared:g} µm; the latter is used"
            )
