"""Does an image keep its pixels and its calibration on the way to disk and back?"""

import numpy as np
import pytest
import tifffile
from bioagree import images
from bioagree.errors import InputError
from bioagree.images import AXES, Image
from hypothesis import given, settings
from hypothesis import strategies as st
from ome_types import from_xml

SIZES = {"T": 3, "C": 2, "Z": 4, "Y": 5, "X": 7}
STEPS = {"Z": 0.8, "Y": 0.3, "X": 0.1 + 0.2}  # no short decimal


def image(axes, sizes=SIZES, dtype="uint16", name="field 1", first=0):
    """Return an image with every pixel different."""
    shape = [sizes[axis] for axis in axes]
    count = sizes["C"] if "C" in axes else 1
    return Image(
        np.arange(first, first + np.prod(shape)).reshape(shape).astype(dtype),
        axes,
        tuple(STEPS[axis] for axis in axes if axis in STEPS),
        name,
        tuple(f"channel-{index}" for index in range(count)),
        12.5 if "T" in axes else None,
    )


def assert_same(actual, expected):
    np.testing.assert_array_equal(actual.array, expected.array, strict=True)
    for field in ("axes", "spacing", "name", "channels", "time_step"):
        assert getattr(actual, field) == getattr(expected, field), field


def round_trip(path, *written):
    images.write(path, written)
    return list(images.read(path))


@pytest.mark.parametrize("axes", AXES)
def test_every_combination_of_axes_comes_back(tmp_path, axes):
    (back,) = round_trip(tmp_path / "a.ome.tif", image(axes))
    assert_same(back, image(axes))


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("short", ["T", "Z", "Y", "X", "TZ", "TZYX"])
def test_axes_of_length_one_come_back(tmp_path, axes, short):
    expected = image(axes, SIZES | dict.fromkeys(short, 1))
    (back,) = round_trip(tmp_path / "a.ome.tif", expected)
    assert_same(back, expected)


def test_a_channel_axis_of_length_one_is_dropped_with_its_channel_kept(tmp_path):
    single = image("CZYX", SIZES | {"C": 1})
    (back,) = round_trip(tmp_path / "a.ome.tif", single)
    assert_same(back, single.channel("channel-0"))


@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64"]
)
def test_pixel_types_come_back(tmp_path, dtype):
    (back,) = round_trip(tmp_path / "a.ome.tif", image("YX", dtype=dtype))
    assert_same(back, image("YX", dtype=dtype))


def test_images_larger_than_a_tile_come_back(tmp_path):
    large = Image(
        np.random.default_rng(1).integers(0, 60_000, (2, 300, 517)).astype("uint16"),
        "ZYX",
        (1.0, 0.5, 0.5),
        channels=("nuclei",),
    )
    (back,) = round_trip(tmp_path / "a.ome.tif", large)
    assert_same(back, large)


def test_every_series_keeps_its_own_size_name_and_calibration(tmp_path):
    first = image("ZYX", name="A01", first=1)
    second = Image(np.ones((9, 3), "uint16"), "YX", (2.0, 3.0), "B7 µm <&\"'>", ("Kern β",))
    third = image("TCYX", name="C", first=3)
    back = round_trip(tmp_path / "a.ome.tif", first, second, third)
    assert len(back) == 3
    for actual, expected in zip(back, (first, second, third), strict=True):
        assert_same(actual, expected)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.tuples(*[st.floats(1e-4, 1e4)] * 3),
    seconds=st.floats(1e-3, 1e6),
    name=st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1),
)
def test_calibration_comes_back_to_the_last_bit(tmp_path_factory, steps, seconds, name):
    written = Image(np.zeros((2, 2, 3, 4), "uint8"), "TZYX", steps, name, ("a",), seconds)
    (back,) = round_trip(tmp_path_factory.mktemp("p") / "a.ome.tif", written)
    assert_same(back, written)


def test_equal_images_are_equal_files_and_others_are_not(tmp_path):
    def written(*some, write=images.write):
        path = tmp_path / "same-name.ome.tif"
        write(path, some)
        return path.read_bytes()

    for write in (images.write, images.write_labels):
        once = written(image("TZYX"), image("YX"), write=write)
        assert once == written(image("TZYX"), image("YX"), write=write)
        assert once != written(image("TZYX", first=1), image("YX"), write=write)
        assert once != written(image("TZYX"), image("YX", name="other"), write=write)


def test_equal_images_are_equal_files_whatever_the_file_is_called(tmp_path):
    for name in ("a.ome.tif", "b.ome.tif"):
        images.write(tmp_path / name, [image("TZYX")])
    assert (tmp_path / "a.ome.tif").read_bytes() == (tmp_path / "b.ome.tif").read_bytes()


def test_different_pixels_have_different_identities(tmp_path):
    """Bio-Formats takes files with one UUID for one image."""
    identities = []
    for first in (0, 1, 0):
        images.write(tmp_path / "a.ome.tif", [image("YX", first=first)])
        identities.append(from_xml(tifffile.tiffcomment(tmp_path / "a.ome.tif")).uuid)
    assert identities[0] == identities[2] != identities[1]


def test_an_independent_reader_finds_the_same_calibration(tmp_path):
    written = image("TCZYX", name="Feld ü")
    images.write(tmp_path / "a.ome.tif", [written, image("YX", name="second")])
    xml = tifffile.tiffcomment(tmp_path / "a.ome.tif")
    ome = from_xml(xml)
    assert [entry.name for entry in ome.images] == ["Feld ü", "second"]
    pixels = ome.images[0].pixels
    sizes = (pixels.size_t, pixels.size_c, pixels.size_z, pixels.size_y, pixels.size_x)
    assert sizes == tuple(SIZES[axis] for axis in "TCZYX")
    assert [pixels.physical_size_z, pixels.physical_size_y, pixels.physical_size_x] == [
        STEPS[axis] for axis in "ZYX"
    ]
    for axis in "xyz":
        assert getattr(pixels, f"physical_size_{axis}_unit").value == "µm"
    assert (pixels.time_increment, pixels.time_increment_unit.value) == (12.5, "s")
    assert [channel.name for channel in pixels.channels] == ["channel-0", "channel-1"]
    flat = ome.images[1].pixels
    assert flat.physical_size_z is None
    assert flat.time_increment is None
    assert flat.physical_size_x == STEPS["X"]


def test_labels_above_65535_stay_32_bit(tmp_path):
    labels = Image(np.array([[0, 65_536], [70_000, 2**32 - 1]], np.int64), "YX", (1.0, 1.0))
    images.write_labels(tmp_path / "a.ome.tif", [labels])
    (back,) = images.read(tmp_path / "a.ome.tif")
    assert back.array.dtype == np.uint32
    assert back.array.tolist() == labels.array.tolist()
    assert back.channels == ()


def test_labels_are_smaller_on_disk_than_in_memory(tmp_path):
    labels = Image(np.ones((512, 512), np.uint32), "YX", (1.0, 1.0))
    images.write_labels(tmp_path / "a.ome.tif", [labels])
    assert (tmp_path / "a.ome.tif").stat().st_size < labels.array.nbytes / 50


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("write", [images.write, images.write_labels])
def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path, write):
    path = tmp_path / "a.ome.tif"
    write(path, [image("ZYX"), image("YX")])
    whole = path.read_bytes()
    for end in [*range(0, 60), *range(60, len(whole), max(1, len(whole) // 40)), len(whole) - 1]:
        path.write_bytes(whole[:end])
        with pytest.raises(InputError) as caught:
            list(images.read(path))
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_file_that_is_no_ome_tiff_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "plain.tif", np.zeros((4, 4), "uint8"))
    with pytest.raises(InputError, match=r"plain\.tif is not an OME-TIFF"):
        list(images.read(tmp_path / "plain.tif"))
    with pytest.raises(InputError, match=r"gone\.ome\.tif cannot be read"):
        list(images.read(tmp_path / "gone.ome.tif"))


def test_writing_no_image_is_refused(tmp_path):
    with pytest.raises(InputError, match="no image"):
        images.write(tmp_path / "a.ome.tif", [])
    assert not (tmp_path / "a.ome.tif").exists()


@pytest.mark.parametrize(
    ("shape", "axes", "spacing", "time_step", "said"),
    [
        ((2, 3), "XY", (1, 1), None, "unknown; allowed are YX"),
        ((2, 3, 4), "YX", (1, 1), None, "3 dimensions"),
        ((2, 3), "ZYX", (1, 1, 1), None, "2 dimensions"),
        ((2, 3), "YX", (1, 1, 1), None, "3 voxel sizes"),
        ((2, 3, 4), "ZYX", (1, 1), None, "2 voxel sizes"),
        ((2, 3, 4), "TYX", (1, 1), None, "time step"),
        ((2, 3), "YX", (1, 1), 2.0, "time step"),
    ],
)
def test_what_does_not_fit_together_is_no_image(shape, axes, spacing, time_step, said):
    with pytest.raises(InputError, match=said):
        Image(np.zeros(shape), axes, spacing, time_step=time_step)


def test_one_channel_is_taken_by_name_or_the_first():
    stack = image("TCZYX")
    second = stack.channel("channel-1")
    np.testing.assert_array_equal(second.array, stack.array[:, 1])
    assert (second.axes, second.channels) == ("TZYX", ("channel-1",))
    assert (second.spacing, second.time_step) == (stack.spacing, stack.time_step)
    np.testing.assert_array_equal(stack.channel().array, stack.array[:, 0])
    flat = image("YX")
    assert flat.channel() is flat
    assert flat.channel("channel-0") is flat


def test_a_channel_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(InputError, match="no channel 'dapi'; it has channel-0, channel-1"):
        image("CYX").channel("dapi")
    with pytest.raises(InputError, match="it has none"):
        Image(np.zeros((2, 2)), "YX", (1, 1)).channel("dapi")


def test_labels_on_the_grid_of_a_multichannel_image_lose_the_channel_axis():
    stack = image("TCZYX")
    labels = stack.with_array(np.zeros((3, 4, 5, 7), np.uint32))
    assert (labels.axes, labels.channels) == ("TZYX", ())
    assert (labels.spacing, labels.time_step, labels.name) == (stack.spacing, 12.5, "field 1")


def test_frames_are_mapped_one_by_one_and_stacked():
    movie = image("TZYX")
    seen = []

    def brightest(frame):
        seen.append((frame.axes, frame.time_step, frame.spacing))
        return frame.array.max(axis=0)

    np.testing.assert_array_equal(movie.map_frames(brightest), movie.array.max(axis=1))
    assert seen == [("ZYX", None, movie.spacing)] * 3
    still = image("ZYX")
    np.testing.assert_array_equal(still.map_frames(brightest), still.array.max(axis=0))
    with pytest.raises(InputError, match="choose one first"):
        image("CYX").map_frames(brightest)


def test_a_stack_always_has_a_time_axis():
    assert image("TZYX").stack.shape == (3, 4, 5, 7)
    assert image("YX").stack.shape == (1, 5, 7)


@pytest.mark.parametrize(
    ("size", "unit", "expected"),
    [
        ("325", "nm", 0.325),
        ("0.325", "µm", 0.325),
        ("0.000325", "mm", 0.325),
        ("0.325", None, 0.325),
    ],
)
def test_sizes_in_other_units_are_read_in_micrometres(size, unit, expected):
    unit_text = f'PhysicalSizeXUnit="{unit}"' if unit else ""
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image Name="a">'
        f'<Pixels PhysicalSizeX="{size}" {unit_text} TimeIncrement="2" TimeIncrementUnit="min">'
        '<Channel Name="dapi"/></Pixels></Image></OME>'
    )
    ((name, calibration),) = images.parse_ome(xml)
    assert name == "a"
    assert calibration["PhysicalSizeX"] == pytest.approx(expected)
    assert calibration["TimeIncrement"] == 120
    assert calibration["channels"] == ["dapi"]
    assert "PhysicalSizeY" not in calibration
