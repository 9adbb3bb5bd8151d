"""Images that know their voxel size, and OME-TIFF in and out.

Axes follow tifffile's letters: ``T`` time, ``C`` channel, ``Z``, ``Y``, ``X``. The last two or
three are spatial; ``spacing`` gives their step in micrometres in the same order, so a 3D image
has ``(z, y, x)`` and a 2D image ``(y, x)``.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from bioagree.errors import InputError

AXES = ("YX", "ZYX", "CYX", "CZYX", "TYX", "TZYX", "TCYX", "TCZYX")
MICROMETRES = {"nm": 1e-3, "µm": 1.0, "um": 1.0, "micron": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}
SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
LARGE_FILE = 2**32 - 2**25  # tifffile's own limit for classic TIFF


@dataclass(frozen=True)
class Image:
    """An array that did not lose its calibration.

    Parameters
    ----------
    array : numpy.ndarray
        Intensities or labels; its axes are named by `axes`.
    axes : str
        One of :data:`AXES`.
    spacing : tuple of float
        Voxel size in µm for each spatial axis, in the order of `axes`.
    name : str
        What the user calls this image: the field of view, usually the file's stem.
    channels : tuple of str
        One name per channel; a single one when there is no ``C`` axis; empty for labels.
    time_step : float, optional
        Seconds between frames: needed with a ``T`` axis, not allowed without.
    """

    array: np.ndarray
    axes: str
    spacing: tuple[float, ...]
    name: str = "image"
    channels: tuple[str, ...] = ()
    time_step: float | None = None

    def __post_init__(self):
        if self.axes not in AXES:
            raise InputError(f"axes {self.axes!r} are unknown; allowed are {', '.join(AXES)}")
        if self.array.ndim != len(self.axes):
            raise InputError(
                f"image {self.name!r} has {self.array.ndim} dimensions {self.array.shape}, "
                f"but its axes {self.axes!r} name {len(self.axes)}"
            )
        if len(self.spacing) != self.ndim:
            raise InputError(
                f"image {self.name!r} has {self.ndim} spatial axes, "
                f"but {len(self.spacing)} voxel sizes were given"
            )
        if ("T" in self.axes) != (self.time_step is not None):
            raise InputError(
                f"image {self.name!r} has the axes {self.axes!r} and the time step "
                f"{self.time_step}; a time step belongs to images with T, and to no others"
            )

    @property
    def ndim(self) -> int:
        """Number of spatial dimensions, 2 or 3."""
        return 3 if "Z" in self.axes else 2

    @property
    def stack(self) -> np.ndarray:
        """The array with a leading time axis, of length one when the image has none."""
        return self.array if "T" in self.axes else self.array[np.newaxis]

    def with_array(self, array, channels=()) -> "Image":
        """Return `array`, which lies on the same grid, with this image's calibration."""
        axes = self.axes if channels else self.axes.replace("C", "")
        return replace(self, array=array, axes=axes, channels=tuple(channels))

    def channel(self, name: str | None = None) -> "Image":
        """Return one channel as an image without ``C`` axis; the first unless named."""
        if name is None:
            name = self.channels[0] if self.channels else None
        elif name not in self.channels:
            allowed = ", ".join(self.channels) or "none"
            raise InputError(f"image {self.name!r} has no channel {name!r}; it has {allowed}")
        if "C" not in self.axes:
            return self
        array = np.take(self.array, self.channels.index(name), axis=self.axes.index("C"))
        return replace(self, array=array, axes=self.axes.replace("C", ""), channels=(name,))

    def map_frames(self, function) -> np.ndarray:
        """Apply `function` to the image of each time point and stack the arrays it returns."""
        if "C" in self.axes:
            raise InputError(f"image {self.name!r} has several channels; choose one first")
        if "T" not in self.axes:
            return function(self)
        axes = self.axes.replace("T", "")
        frames = (replace(self, array=frame, axes=axes, time_step=None) for frame in self.array)
        return np.stack([function(frame) for frame in frames])


def read(path: str | Path) -> Iterator[Image]:
    """Yield the images of an OME-TIFF that :func:`write` made, one series at a time.

    Only one series is in memory at a time when the caller lets go of the last one.

    Raises
    ------
    InputError
        When the file is not an OME-TIFF or is cut off.
    """
    import tifffile

    try:
        with tifffile.TiffFile(path) as tif:
            if tif.ome_metadata is None:
                raise InputError(f"{path} is not an OME-TIFF")
            pixels = parse_ome(tif.ome_metadata)
            for series, (name, metadata) in zip(tif.series, pixels, strict=True):
                yield _from_series(series, name, metadata)
    except InputError:
        raise
    except Exception as error:  # damaged files raise whatever the damage leads to
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path} cannot be read as OME-TIFF ({reason})") from error


def _from_series(series, name: str, metadata: dict) -> Image:
    """Restore the axes of length one that TIFF readers squeeze away."""
    wanted = "TZYX" if "TimeIncrement" in metadata else "ZYX"
    if "PhysicalSizeZ" not in metadata:
        wanted = wanted.replace("Z", "")
    channels = tuple(metadata["channels"])
    if len(channels) > 1:
        wanted = wanted.replace("T", "TC") if "T" in wanted else f"C{wanted}"
    sizes = dict(zip(series.get_axes(squeeze=False), series.get_shape(squeeze=False), strict=True))
    array = series.asarray().reshape([sizes[axis] for axis in wanted])
    spacing = tuple(metadata[f"PhysicalSize{axis}"] for axis in wanted if axis in "ZYX")
    return Image(array, wanted, spacing, name, channels, metadata.get("TimeIncrement"))


def parse_ome(xml: str) -> list[tuple[str, dict]]:
    """Return name and calibration (µm, s, channel names) of each image in an OME-XML text."""
    from xml.etree import ElementTree

    images = []
    for image in ElementTree.fromstring(xml).iterfind("{*}Image"):
        pixels = image.find("{*}Pixels")
        calibration = {"channels": [c.get("Name", "") for c in pixels.iterfind("{*}Channel")]}
        calibration["channels"] = [name for name in calibration["channels"] if name]
        for axis in "XYZ":
            if size := pixels.get(f"PhysicalSize{axis}"):
                unit = pixels.get(f"PhysicalSize{axis}Unit", "µm")
                calibration[f"PhysicalSize{axis}"] = float(size) * MICROMETRES.get(unit, np.nan)
        if step := pixels.get("TimeIncrement"):
            unit = pixels.get("TimeIncrementUnit", "s")
            calibration["TimeIncrement"] = float(step) * SECONDS.get(unit, np.nan)
        images.append((image.get("Name", ""), calibration))
    return images


def write(path: str | Path, images: Iterable[Image], compression: str | None = None) -> None:
    """Write images as the series of one OME-TIFF, byte-identical for identical images.

    Parameters
    ----------
    path : str or Path
        Where to write.
    images : iterable of Image
        At least one.
    compression : str, optional
        A tifffile compression; None leaves the pixels as they are, which for noisy intensities
        costs little space and reads fastest.
    """
    import tifffile

    images = list(images)
    if not images:
        raise InputError(f"{path}: there is no image to write")
    identity = _identity(images)
    size = sum(image.array.nbytes for image in images)
    try:
        with tifffile.TiffWriter(path, ome=True, bigtiff=size > LARGE_FILE) as tif:
            for image in images:
                tif.write(
                    image.array,
                    photometric="minisblack",
                    tile=(256, 256),
                    compression=compression,
                    metadata=_ome_metadata(image) | {"UUID": identity},
                )
    except OSError as error:
        if error.errno is None:
            _raise_reason(path)
        raise


def _raise_reason(path: str | Path) -> None:
    """Write on, since NumPy says that an array was cut off, but not why (full disk, quota)."""
    with open(path, "ab") as file:
        file.write(bytes(2**20))


def write_labels(path: str | Path, images: Iterable[Image]) -> None:
    """Write label images as 32-bit unsigned integers, losslessly compressed."""
    # tifffile compresses with it where it is, and with Python's zlib elsewhere: other bytes.
    import imagecodecs  # noqa: F401

    labels = (image.with_array(image.array.astype(np.uint32, copy=False)) for image in images)
    write(path, labels, compression="adobe_deflate")


def _ome_metadata(image: Image) -> dict:
    metadata = {"axes": image.axes, "Name": image.name}
    for axis, step in zip(image.axes[-image.ndim :], image.spacing, strict=True):
        metadata |= {f"PhysicalSize{axis}": step, f"PhysicalSize{axis}Unit": "µm"}
    if image.time_step is not None:
        metadata |= {"TimeIncrement": image.time_step, "TimeIncrementUnit": "s"}
    if image.channels:
        metadata["Channel"] = {"Name": list(image.channels)}
    return metadata


def _identity(images: list[Image]) -> str:
    """Return a UUID that depends on nothing but the content, so that bytes can be compared."""
    digest = sha256()
    for image in images:
        digest.update(repr((_ome_metadata(image), image.array.shape, image.array.dtype)).encode())
        digest.update(np.ascontiguousarray(image.array))
    return str(uuid.UUID(bytes=digest.digest()[:16], version=4))
