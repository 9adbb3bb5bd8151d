"""What differs between two devices' images is found, counted and written down."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "docs/devices"
PIXEL_UM = 0.5


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("devices", ROOT / "benchmarks/devices.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def squares(*sides):
    """Return labels of squares in a row."""
    labels = np.zeros((20, 20 * len(sides)), np.uint32)
    for number, side in enumerate(sides):
        labels[2 : 2 + side, 20 * number + 2 : 20 * number + 2 + side] = number + 1
    return labels


def test_equal_labels_agree_in_everything(benchmark):
    found, sizes = benchmark.compare_labels(squares(4, 6), squares(4, 6))
    assert found == {
        "voxels": 800,
        "differing_voxels": 0,
        "first_objects": 2,
        "second_objects": 2,
        "matched_objects": 2,
        "identical": True,
    }
    assert sizes.tolist() == [[16, 16], [36, 36]]


def test_other_numbers_for_the_same_objects_are_no_differing_voxels(benchmark):
    numbered = squares(4, 6)
    found, sizes = benchmark.compare_labels(numbered, np.array([0, 9, 3], np.uint32)[numbered])
    assert found["differing_voxels"] == 0
    assert found["matched_objects"] == 2
    assert not found["identical"]
    assert sorted(sizes.tolist()) == [[16, 16], [36, 36]]


def test_differing_outlines_are_counted_voxel_by_voxel(benchmark):
    found, sizes = benchmark.compare_labels(squares(4, 6), squares(5, 6))
    assert found["differing_voxels"] == 25 - 16
    assert found["matched_objects"] == 2
    assert sizes.tolist() == [[16, 25], [36, 36]]


def test_an_object_that_one_device_misses_differs_with_all_its_voxels(benchmark):
    found, sizes = benchmark.compare_labels(squares(4, 6), squares(4, 0))
    assert (found["first_objects"], found["second_objects"]) == (2, 1)
    assert found["differing_voxels"] == 36
    assert sizes.tolist() == [[16, 16]]


def test_one_object_where_the_other_device_sees_two_differs(benchmark):
    whole = np.zeros((6, 12), np.uint32)
    whole[1:5, 1:11] = 1
    halves = whole.copy()
    halves[1:5, 6:11] = 2
    found, sizes = benchmark.compare_labels(whole, halves)
    assert found["matched_objects"] == 0  # both halves overlap with it by half: neither is the same
    assert found["differing_voxels"] == 40
    assert sizes.shape == (0, 2)


def test_nothing_found_on_either_device_agrees(benchmark):
    found, sizes = benchmark.compare_labels(squares(0), squares(0))
    assert (found["differing_voxels"], found["matched_objects"]) == (0, 0)
    assert sizes.shape == (0, 2)


@pytest.fixture
def folders(benchmark, tmp_path):
    """Return a function that compares what two devices made of as many images as given."""

    def compare(first, second, filtered=0.0):
        for side, images in (("first", first), ("second", second)):
            (tmp_path / side).mkdir()
            for number, labels in enumerate(images):
                values = np.linspace(0, 10, labels.size, dtype=np.float32).reshape(labels.shape)
                np.savez(
                    tmp_path / side / f"plate.gauss-otsu.{number}.npz",
                    filtered=values[None] + filtered * (side == "second"),
                    labels=labels[None],
                    spacing=(PIXEL_UM, PIXEL_UM),
                    name=f"field-{number}",
                )
        found = list(benchmark.compare_folders(tmp_path / "first", tmp_path / "second"))
        rows = [row for row, _ in found]
        return rows, list(benchmark.agreement(rows, [sizes for _, sizes in found]))

    return compare


def test_identical_devices_have_no_bias_and_no_limits(folders):
    images = [squares(4, 6, 5), squares(5, 5), squares(7, 3, 4, 6)]
    rows, (count, area) = folders(images, images)
    assert [row["identical"] for row in rows] == [True] * 3
    assert [row["filtered_difference"] for row in rows] == [0] * 3
    assert (count["measured"], count["images"], count["n"]) == ("objects", 3, 3)
    assert (area["measured"], area["images"], area["n"]) == ("area_um2", 3, 9)
    for result in (count, area):
        assert [result[name] for name in ("bias", "lower", "upper")] == [0, 0, 0]


def test_a_device_with_another_threshold_has_a_bias_in_physical_units(folders):
    """A stand-in whose objects are one pixel wider, and which misses one object."""
    first = [squares(4, 6, 5), squares(5, 8), squares(7, 6, 4, 6)]
    second = [squares(5, 7, 6), squares(6, 9), squares(8, 7, 5, 0)]
    rows, (count, area) = folders(first, second, filtered=0.5)
    assert not any(row["identical"] for row in rows)
    assert [row["filtered_difference"] for row in rows] == pytest.approx([0.05] * 3)
    assert count["bias"] == pytest.approx(1 / 3)
    assert count["lower"] < count["bias"] < count["upper"]
    sides = np.array([4, 6, 5, 5, 8, 7, 6, 4])
    expected = -np.mean(2 * sides + 1) * PIXEL_UM**2
    assert area["bias"] == pytest.approx(expected)
    assert area["lower"] < expected < area["upper"]
    assert area["n"] == 8


def test_the_first_objects_of_every_image_are_not_taken_for_one(folders):
    """Sizes are clustered by image: what one image shares widens the interval of the bias."""
    first = [squares(6, 6, 6, 6), squares(6, 6, 6, 6), squares(6, 6, 6, 6)]
    second = [squares(6, 6, 6, 6), squares(7, 7, 7, 7), squares(8, 8, 8, 8)]
    _, (_, area) = folders(first, second)
    differences = np.array([0, -13, -28]) * PIXEL_UM**2
    error = 4.302653 * differences.std(ddof=1) / np.sqrt(3)  # t, two degrees of freedom
    assert area["bias_low"] == pytest.approx(differences.mean() - error, rel=1e-5)


def test_filtered_images_differ_relative_to_their_range(benchmark):
    image = np.array([10.0, 20.0, 30.0])
    assert benchmark.filtered_difference(image, image + 0.2) == pytest.approx(0.01)
    assert benchmark.filtered_difference(np.ones(3), np.ones(3)) == 0


# -- what was measured -----------------------------------------------------------------------------


def test_the_committed_page_of_tables_is_that_of_the_committed_numbers(benchmark):
    assert (COMMITTED / "devices.md").read_text(encoding="utf-8") == benchmark.tables(COMMITTED)


def test_measured_cpu_runtimes_gave_identical_labels_where_nothing_is_learned(benchmark):
    rows = benchmark.read(COMMITTED / "images.csv")
    pair = [row for row in rows if (row["first"], row["second"]) == ("intel", "pocl")]
    for method in ("gauss-otsu", "voronoi-otsu"):
        mine = [row for row in pair if row["method"] == method]
        assert {row["dimensions"] for row in mine} == {"2", "3"}
        assert [row for row in mine if row["identical"] != "True"] == []


def test_measured_cpu_runtimes_agree_to_a_few_voxels_where_a_model_is_learned(benchmark):
    rows = benchmark.read(COMMITTED / "images.csv")
    pair = [row for row in rows if (row["first"], row["second"]) == ("intel", "pocl")]
    learned = [row for row in pair if row["method"] == "pixel-forest"]
    assert learned
    for row in learned:
        assert int(row["differing_voxels"]) <= 1e-5 * int(row["voxels"])
        assert row["first_objects"] == row["second_objects"] == row["matched_objects"]


def test_the_committed_comparison_found_a_stand_in_that_differs(benchmark):
    rows = benchmark.read(COMMITTED / "images.csv")
    noisy = [row for row in rows if row["second"].endswith("0.001")]
    assert sum(int(row["differing_voxels"]) for row in noisy) > 0
