"""Raw files: what is accepted, what is refused, and where the user is told."""

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from bioagree import acquisition, images
from bioagree.errors import InputError
from bioagree.images import Image
from bioagree.tables import Table

GREY = {"axes": "YX", "voxel_um": [0.5, 0.25], "channels": ["nuclei"]}
VOLUME = {"axes": "ZYX", "voxel_um": [0.7, 0.5, 0.25], "channels": ["nuclei"]}
METAMORPH = """<MetaData><prop id="Description" type="string" value=""/><PlaneInfo>
<prop id="plane-type" type="string" value="plane"/>
<prop id="spatial-calibration-state" type="bool" value="on"/>
<prop id="spatial-calibration-x" type="float" value="{x}"/>
<prop id="spatial-calibration-y" type="float" value="{y}"/>
<prop id="spatial-calibration-units" type="string" value="{unit}"/>
</PlaneInfo></MetaData>"""


def pixels(*shape, dtype="uint16"):
    """Return an array with every value different."""
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def tiff(path, array, **options):
    tifffile.imwrite(path, array, **({"photometric": "minisblack"} | options))
    return path


def read(path, dataset=GREY):
    """Return the images of a file and the warnings."""
    said = []
    return acquisition.read(path, dataset, said.append), said


def refused(path, dataset=GREY):
    with pytest.raises(InputError) as caught:
        read(path, dataset)
    sentence = str(caught.value)
    assert path.name in sentence
    assert "\n" not in sentence
    return sentence


# What is accepted


def test_a_plain_file_gets_the_calibration_of_its_dataset(tmp_path):
    found, said = read(tiff(tmp_path / "A01.tif", pixels(4, 6)))
    (image,) = found
    np.testing.assert_array_equal(image.array, pixels(4, 6), strict=True)
    assert (image.axes, image.spacing, image.name) == ("YX", (0.5, 0.25), "A01")
    assert image.channels == ("nuclei",)
    assert said == []


def test_a_movie_gets_its_time_step(tmp_path):
    dataset = GREY | {"axes": "TYX", "time_step_s": 30}
    ((image,), _) = read(tiff(tmp_path / "a.tif", pixels(3, 5, 6)), dataset)
    assert image.time_step == 30


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_other_formats_are_read_too(tmp_path, suffix):
    imageio.imwrite(tmp_path / f"a{suffix}", pixels(4, 8, dtype="uint8"))
    ((image,), said) = read(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(image.array, pixels(4, 8, dtype="uint8"))
    assert image.name == "a"
    assert said == []


def test_an_upper_case_suffix_is_a_tiff_as_well(tmp_path):
    ((image,), _) = read(tiff(tmp_path / "a.b.TIF", pixels(4, 6)))
    assert image.name == "a.b"


def test_several_series_are_several_images_with_names_of_their_own(tmp_path):
    series = [Image(pixels(4, 6) + index, "YX", (0.5, 0.25)) for index in range(3)]
    images.write(tmp_path / "plate.ome.tif", series)
    found, said = read(tmp_path / "plate.ome.tif")
    assert [image.name for image in found] == ["plate-0", "plate-1", "plate-2"]
    for image, expected in zip(found, series, strict=True):
        np.testing.assert_array_equal(image.array, expected.array)
    assert said == []


def test_images_are_told_apart_by_name():
    def named(*names):
        return [Image(np.zeros((2, 2)), "YX", (1, 1), name) for name in names]

    acquisition.check_names(named("a", "b"))
    with pytest.raises(InputError, match="2 images of one sample are called 'a'"):
        acquisition.check_names(named("a", "b", "a"))


# What is refused


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_counted_and_refused(tmp_path, value):
    array = pixels(4, 6, dtype="float32")
    array[1, 2:4] = value
    assert "2 NaN or infinite values" in refused(tiff(tmp_path / "a.tif", array))


def test_a_constant_image_is_a_result_and_the_user_is_told(tmp_path):
    ((image,), said) = read(tiff(tmp_path / "a.tif", np.full((4, 6), 7, "uint8")))
    assert image.array.shape == (4, 6)
    assert said == ["a.tif: every pixel has the value 7, so nothing can be found"]


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
@pytest.mark.parametrize("content", [b"", b"hello, I am text"])
def test_what_is_no_image_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert "cannot be read as an image" in refused(tmp_path / name)


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert "does not exist" in refused(tmp_path / "gone.tif")


@pytest.mark.filterwarnings("ignore:.*zero-size")
def test_an_image_without_pixels_is_refused(tmp_path):
    refused(tiff(tmp_path / "a.tif", np.zeros((0, 6), "uint8")))
    with pytest.raises(InputError, match=r"is empty: its shape is \(0, 6\)"):
        acquisition._check_shape(tmp_path / "a.tif", np.zeros((0, 6)), "YX", ("a",))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", [{}, {"imagej": True}, {"metadata": None}, {"tile": (16, 16)}])
def test_a_truncated_tiff_is_refused_or_whole(tmp_path, options):
    """Only bytes that hold neither pixels nor pages may be missing."""
    array = pixels(5, 20, 30)
    whole = tiff(tmp_path / "a.tif", array, **options).read_bytes()
    accepted = 0
    for end in range(0, len(whole), max(1, len(whole) // 60)):
        (tmp_path / "cut.tif").write_bytes(whole[:end])
        try:
            ((image,), _) = read(tmp_path / "cut.tif", VOLUME)
        except InputError:
            continue
        np.testing.assert_array_equal(image.array, array)
        accepted += 1
    assert accepted <= 20
    ((image,), _) = read(tmp_path / "a.tif", VOLUME)
    np.testing.assert_array_equal(image.array, array)


def test_pixels_that_are_cut_off_are_told_as_such(tmp_path):
    path = tiff(tmp_path / "a.tif", pixels(4, 6))
    path.write_bytes(path.read_bytes()[:-1])
    assert "is truncated: pixels are missing at its end" in refused(path)


def test_pages_that_are_cut_off_do_not_pass_as_a_shorter_stack(tmp_path):
    """A reader sees two whole pages and says nothing of the third."""
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        for index in range(3):
            tif.write(pixels(4, 6) + index, metadata=None, photometric="minisblack")
    with tifffile.TiffFile(path) as tif:
        end = tif.pages[2].offset
    path.write_bytes(path.read_bytes()[:end])
    assert "truncated: pages are missing" in refused(path, VOLUME)


@pytest.mark.parametrize(
    ("shape", "axes"), [((4, 6), "ZYX"), ((5, 4, 6), "YX"), ((2, 5, 4, 6), "ZYX"), ((4, 6), "CYX")]
)
def test_another_number_of_dimensions_is_refused(tmp_path, shape, axes):
    dataset = VOLUME | {"axes": axes, "voxel_um": [1.0] * (axes.count("Z") + 2)}
    sentence = refused(tiff(tmp_path / "a.tif", pixels(*shape)), dataset)
    assert f"{len(shape)} dimensions {shape}" in sentence
    assert f"{axes!r} in datasets.yaml promise {len(axes)}" in sentence


@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.parametrize("axes", ["YX", "ZYX", "TYX"])
def test_colour_is_refused_where_grey_was_promised(tmp_path, axes, count):
    """A colour image has as many dimensions as a stack, and must not pass as one."""
    dataset = {"axes": axes, "voxel_um": [1.0] * (axes.count("Z") + 2), "channels": ["a"]}
    dataset |= {"time_step_s": 1} if "T" in axes else {}
    colour = pixels(16, 20, count, dtype="uint8")
    for path in (tmp_path / "a.png", tmp_path / "a.tif"):
        if path.suffix == ".png":
            imageio.imwrite(path, colour)
        else:
            tiff(path, colour, photometric="rgb")
        assert "is a colour image" in refused(path, dataset)


def test_another_number_of_channels_is_refused(tmp_path):
    dataset = GREY | {"axes": "CYX", "channels": ["a", "b"]}
    path = tiff(tmp_path / "a.tif", pixels(3, 5, 6))
    assert "has 3 channels, but datasets.yaml names 2: a, b" in refused(path, dataset)
    ((image,), _) = read(path, dataset | {"channels": ["a", "b", "c"]})
    assert image.channels == ("a", "b", "c")


@pytest.mark.parametrize("dtype", ["int64", "uint64", "complex64", "float16", "bool"])
def test_pixels_that_ome_tiff_cannot_hold_are_refused(tmp_path, dtype):
    path = tiff(tmp_path / "a.tif", pixels(4, 6, dtype=dtype))
    assert f"holds {dtype} values; allowed are uint8" in refused(path)


# Where the file says something else


def calibrated(path, kind, x, y, z=0.7):
    """Write a file of some kind that states its own voxel size in µm."""
    flat, deep = pixels(4, 6), pixels(3, 4, 6)
    if kind in ("um", "micron", "\\u00B5m"):
        metadata = {"unit": kind, "spacing": z, "axes": "ZYX"}
        tiff(path, deep, imagej=True, resolution=(1 / x, 1 / y), metadata=metadata)
    elif kind == "nm":
        metadata = {"unit": kind, "spacing": z * 1000, "axes": "ZYX"}
        resolution = (1 / (1000 * x), 1 / (1000 * y))
        tiff(path, deep, imagej=True, resolution=resolution, metadata=metadata)
    elif kind in ("INCH", "CENTIMETER"):
        per = {"INCH": 25_400, "CENTIMETER": 10_000}[kind]
        tiff(path, flat, resolution=(per / x, per / y), resolutionunit=kind)
    elif kind == "OME":
        images.write(path, [Image(deep, "ZYX", (z, y, x), channels=("nuclei",))])
    elif kind == "MetaMorph":
        description = METAMORPH.format(x=x, y=y, unit="um")
        tiff(path, flat, description=description, metadata=None, software="MetaSeries")
    return path, VOLUME if kind in ("um", "micron", "\\u00B5m", "nm", "OME") else GREY


KINDS = ["um", "micron", "\\u00B5m", "nm", "INCH", "CENTIMETER", "OME", "MetaMorph"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_agrees_says_nothing(tmp_path, kind):
    path, dataset = calibrated(tmp_path / "a.tif", kind, x=0.25, y=0.5)
    assert read(path, dataset)[1] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_disagrees_is_told_and_the_dataset_wins(tmp_path, kind):
    path, dataset = calibrated(tmp_path / "a.tif", kind, x=0.32, y=0.5)
    ((image,), said) = read(path, dataset)
    assert said == [
        "a.tif: the file says 0.32 µm along X, datasets.yaml says 0.25 µm; the latter is used"
    ]
    assert image.spacing == tuple(dataset["voxel_um"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_axes_of_a_file_are_not_mixed_up(tmp_path, kind):
    path, dataset = calibrated(tmp_path / "a.tif", kind, x=0.5, y=0.25, z=1.4)
    said = read(path, dataset)[1]
    stated = {sentence.split(" along ")[1][0]: sentence.split()[4] for sentence in said}
    assert stated == {"X": "0.5", "Y": "0.25"} | ({"Z": "1.4"} if dataset is VOLUME else {})


def test_rounding_in_the_file_is_no_disagreement(tmp_path):
    for x, told in ((0.2524, 0), (0.2526, 1), (0.2474, 1), (0.2476, 0)):
        path, dataset = calibrated(tmp_path / "a.tif", "MetaMorph", x=x, y=0.5)
        assert len(read(path, dataset)[1]) == told, x


def test_units_that_nobody_knows_say_nothing(tmp_path):
    path = tiff(tmp_path / "a.tif", pixels(4, 6), resolution=(72, 72), resolutionunit="NONE")
    assert read(path)[1] == []
    description = METAMORPH.format(x=1, y=1, unit="pixel")
    tiff(path, pixels(4, 6), description=description, metadata=None, software="MetaSeries")
    assert read(path)[1] == []


# Truth


def truth_of(tmp_path, array, image=None, pattern="labels/{name}.tif", **truth):
    """Return the first labels that belong to an image, from a file with `array`."""
    image = Image(pixels(4, 6), "YX", (0.5, 0.25), "A01", ("n",)) if image is None else image
    folder = tmp_path / "labels"
    folder.mkdir(exist_ok=True)
    tiff(folder / "A01.tif", array, photometric="rgb" if "channel" in truth else "minisblack")
    dataset = GREY | {"truth": {"kind": "manual"} | truth}
    found = acquisition.read_truths([tmp_path / "A01.tif"], pattern, dataset, [image])
    return next(found)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "int64", "float32", "bool"])
def test_truth_of_any_type_becomes_32_bit_labels_on_the_grid_of_its_image(tmp_path, dtype):
    array = (pixels(4, 6) % 5).astype(dtype)
    labels, marks, used = truth_of(tmp_path, array)
    assert labels.array.dtype == np.uint32
    np.testing.assert_array_equal(labels.array, array)
    assert (labels.spacing, labels.name, labels.channels) == ((0.5, 0.25), "A01", ())
    assert marks == {}
    assert used == [tmp_path / "labels" / "A01.tif"]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((4, 5), "uint8"), r"shape \(4, 5\), but image 'A01' has \(4, 6\)"),
        (np.zeros((3, 4, 6), "uint8"), r"shape \(3, 4, 6\), but"),
        (np.full((4, 6), 1.5, "float32"), "holds fractions"),
        (np.full((4, 6), np.nan, "float32"), "holds fractions"),
        (np.full((4, 6), -1, "int16"), "labels outside 0 to 4294967295"),
        (np.full((4, 6), 2**32, "int64"), "labels outside 0 to 4294967295"),
    ],
)
def test_truth_that_does_not_fit_is_refused(tmp_path, array, said):
    with pytest.raises(InputError, match=said) as caught:
        truth_of(tmp_path, array)
    assert "A01.tif" in str(caught.value)


def test_truth_of_a_multichannel_image_has_no_channels(tmp_path):
    image = Image(pixels(2, 4, 6), "CYX", (0.5, 0.25), "A01", ("a", "b"))
    labels, _, _ = truth_of(tmp_path, np.ones((4, 6), "uint8"), image)
    assert labels.axes == "YX"
    with pytest.raises(InputError, match="must be equal"):
        truth_of(tmp_path, np.ones((2, 4, 6), "uint8"), image)


@pytest.mark.parametrize(("channel", "index"), [("red", 0), ("green", 1), ("blue", 2)])
def test_labels_are_taken_from_the_named_channel_of_a_colour_image(tmp_path, channel, index):
    colour = np.random.default_rng(2).integers(0, 255, (4, 6, 3)).astype("uint8")
    labels, _, _ = truth_of(tmp_path, colour, channel=channel)
    np.testing.assert_array_equal(labels.array, colour[..., index])


def test_a_channel_of_what_is_no_colour_image_is_refused(tmp_path):
    tiff(tmp_path / "grey.tif", pixels(4, 6))
    with pytest.raises(InputError, match="blue channel of a colour image was promised"):
        truth_of(tmp_path, np.ones((4, 6, 3), "uint8"), channel="blue", pattern="grey.tif")


def test_truth_and_marks_are_found_by_the_name_of_the_image(tmp_path):
    grids, raw = [], []
    for number, name in enumerate(("A01.tif", "B.2.ome.tif"), start=1):
        stem = name.removesuffix(".tif").removesuffix(".ome")
        (tmp_path / "images").mkdir(exist_ok=True)
        for folder, factor in (("truth", 1), ("marks", 10)):
            (tmp_path / folder).mkdir(exist_ok=True)
            tiff(tmp_path / folder / f"{stem}_m.tif", np.full((4, 6), number * factor, "uint8"))
        raw.append(tmp_path / "images" / name)
        grids.append(Image(pixels(4, 6), "YX", (0.5, 0.25), stem, ("n",)))
    truth = {
        "kind": "manual",
        "groups": {"mitotic": {"marks": "../marks/{name}_m.tif", "meaning": "dividing"}},
    }
    found = list(
        acquisition.read_truths(raw, "../truth/{name}_m.tif", GREY | {"truth": truth}, grids)
    )
    assert [labels.name for labels, _, _ in found] == ["A01", "B.2"]
    assert [labels.array.max() for labels, _, _ in found] == [1, 2]
    assert [marks["mitotic"].array.max() for _, marks, _ in found] == [10, 20]
    assert [path.name for path in found[1][2]] == ["B.2_m.tif"] * 2
    assert {path.parent for path in found[0][2]} == {tmp_path / "truth", tmp_path / "marks"}


def multi_series(path, count):
    images.write_labels(
        path, [Image(np.full((4, 6), index + 1), "YX", (1, 1)) for index in range(count)]
    )


def test_series_of_a_truth_file_go_with_the_series_of_its_image(tmp_path):
    multi_series(tmp_path / "t.ome.tif", 3)
    grids = [Image(pixels(4, 6), "YX", (1, 1), f"a-{index}") for index in range(3)]
    dataset = GREY | {"truth": {"kind": "manual"}}

    def read_truths(grids):
        return list(acquisition.read_truths([tmp_path / "a.tif"], "t.ome.tif", dataset, grids))

    found = read_truths(grids)
    assert [(t.name, t.array.max()) for t, _, _ in found] == [("a-0", 1), ("a-1", 2), ("a-2", 3)]
    assert [len(used) for _, _, used in found] == [1, 0, 0]
    with pytest.raises(InputError, match="holds more images than"):
        read_truths(grids[:2])
    with pytest.raises(InputError, match="fewer label images than the sample has images"):
        read_truths([*grids, grids[0]])


def test_marks_with_another_number_of_series_are_refused(tmp_path):
    multi_series(tmp_path / "t.ome.tif", 2)
    multi_series(tmp_path / "m.ome.tif", 1)
    groups = {"mitotic": {"marks": "m.ome.tif", "meaning": "dividing"}}
    dataset = GREY | {"truth": {"kind": "manual", "groups": groups}}
    grids = [Image(pixels(4, 6), "YX", (1, 1), f"a-{index}") for index in range(2)]
    with pytest.raises(InputError, match=r"m\.ome\.tif holds 1 images, but 2 belong to it"):
        list(acquisition.read_truths([tmp_path / "a.tif"], "t.ome.tif", dataset, grids))


def test_a_truth_file_that_is_not_there_is_named(tmp_path):
    dataset = GREY | {"truth": {"kind": "manual"}}
    grid = Image(pixels(4, 6), "YX", (1, 1))
    with pytest.raises(InputError, match=r"a_labels\.tif does not exist"):
        list(acquisition.read_truths([tmp_path / "a.tif"], "{name}_labels.tif", dataset, [grid]))


# Which files are a sample


def test_files_of_a_fetched_folder_are_matched_and_sorted(tmp_path):
    for name in ("b.tif", "a.tif", "c.png"):
        (tmp_path / name).touch()
    (tmp_path / "d.tif").mkdir()
    found = acquisition.files(str(tmp_path), "*.tif")
    assert [path.name for path in found] == ["a.tif", "b.tif"]
    with pytest.raises(InputError, match=r"no file matches '\*\.czi' in .*images in the sheet"):
        acquisition.files([tmp_path], "*.czi")


def test_files_that_are_given_stay_as_they_are(tmp_path):
    given = [str(tmp_path / name) for name in ("b.tif", "a.tif")]
    assert acquisition.files(given, "*.tif") == [tmp_path / "b.tif", tmp_path / "a.tif"]
    assert acquisition.files(given[0], "b.tif") == [tmp_path / "b.tif"]


# Optics


OPTICS = {"numerical_aperture": 0.8, "emission_nm": 700}


def test_the_resolution_is_rayleighs():
    # 0.61 * 0.7 µm / 0.8
    assert acquisition.resolution_um(OPTICS) == pytest.approx(0.53375)


@pytest.mark.parametrize(("pixel", "told"), [(0.2668, False), (0.2669, True), (0.645, True)])
def test_pixels_above_half_the_resolution_are_told(pixel, told):
    said = acquisition.sampling_warnings(GREY | {"voxel_um": [0.1, pixel], "optics": OPTICS})
    assert len(said) == told
    if told:
        assert f"pixels of {pixel:g} µm undersample a resolution of 0.53 µm" in said[0]
        assert "at most 0.27 µm" in said[0]


def test_focus_steps_are_not_measured_by_the_lateral_resolution():
    dataset = VOLUME | {"voxel_um": [5.0, 0.2, 0.2], "optics": OPTICS}
    assert acquisition.sampling_warnings(dataset) == []


def test_objects_below_the_resolution_are_counted():
    table = Table({"equivalent_diameter_um": np.array([0.1, 0.5337, 0.5338, 9.0])})
    (sentence,) = acquisition.resolution_warnings(GREY | {"optics": OPTICS}, table)
    assert sentence.startswith("2 of 4 objects are smaller than the resolution of 0.53 µm")
    large = Table({"equivalent_diameter_um": np.array([0.5338])})
    assert acquisition.resolution_warnings(GREY | {"optics": OPTICS}, large) == []


@pytest.mark.parametrize("optics", [{}, {"numerical_aperture": 0.8}, {"emission_nm": 700}])
def test_nothing_is_said_of_resolution_without_optics(optics):
    table = Table({"equivalent_diameter_um": np.array([0.001])})
    dataset = GREY | {"voxel_um": [9.0, 9.0], "optics": optics}
    assert acquisition.sampling_warnings(dataset) == []
    assert acquisition.resolution_warnings(dataset, table) == []
    assert acquisition.sampling_warnings(GREY) == []
