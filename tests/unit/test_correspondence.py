"""Which objects of two label images are the same?"""

import numpy as np
import pytest
from bioagree.correspondence import one_to_one, overlaps
from bioagree.images import Image


def image(array, axes="YX"):
    spacing = (1.0,) * (3 if "Z" in axes else 2)
    return Image(np.array(array, np.uint32), axes, spacing, "a", (), 1.0 if "T" in axes else None)


def rows(columns):
    return list(zip(*(values.tolist() for values in columns.values()), strict=True))


def test_overlapping_objects_are_listed_with_their_iou():
    truth = image([[1, 1, 1, 1, 0, 7, 7]])
    found = image([[0, 2, 2, 2, 2, 0, 9]])
    columns = overlaps([("truth", "otsu", truth, found)])
    assert rows(columns) == [
        ("a", 0, "truth", "otsu", 1, 2, pytest.approx(3 / 5)),
        ("a", 0, "truth", "otsu", 7, 9, pytest.approx(1 / 2)),
    ]
    assert one_to_one(columns).tolist() == [True, True]
    assert one_to_one(columns, 0.75).tolist() == [False, False]


def test_an_object_with_two_equal_halves_has_no_partner():
    columns = overlaps([("x", "y", image([[1, 1, 1, 1]]), image([[2, 2, 3, 3]]))])
    assert columns["iou"].tolist() == [0.5, 0.5]
    assert one_to_one(columns).tolist() == [False, False]


def test_time_points_and_pairs_of_sources_are_told_apart():
    one = image([[[1, 1]], [[1, 0]]], "TYX")
    other = image([[[1, 1]], [[1, 1]]], "TYX")
    columns = overlaps([("x", "y", one, other), ("x", "z", one, one)])
    assert columns["frame"].tolist() == [0, 1, 0, 1]
    assert columns["iou"].tolist() == [1.0, 0.5, 1.0, 1.0]
    assert one_to_one(columns).all()


def test_images_without_objects_give_a_table_without_rows():
    empty = image(np.zeros((3, 3)))
    columns = overlaps([("x", "y", empty, empty)])
    assert all(len(values) == 0 for values in columns.values())
    assert one_to_one(columns).tolist() == []


def test_the_same_labels_in_two_samples_are_two_objects():
    columns = overlaps([("x", "y", image([[1]]), image([[1]]))] * 2)
    columns["sample"] = np.array(["s", "t"])
    assert one_to_one(columns).all()
    columns["sample"] = np.array(["s", "s"])
    assert not one_to_one(columns).any()
