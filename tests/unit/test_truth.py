"""Is a ground truth mended by its rules, with every change counted?"""

import numpy as np
import pytest
from bioagree import truth
from bioagree.images import Image
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def drawn(text):
    """Return a label image from lines of digits."""
    return np.array([list(map(int, line)) for line in text.split()], np.uint32)


def labels(array, spacing=(1.0, 1.0), axes="YX", name="A01"):
    return Image(np.asarray(array), axes, spacing, name, (), 1.0 if "T" in axes else None)


def count(array):
    return len(np.setdiff1d(array, 0))


def test_without_rules_nothing_changes():
    image = labels(drawn("110 022"))
    mended, report = truth.repair(image, [])
    assert mended is image
    assert report == []


def test_what_each_rule_changed_is_counted():
    image = labels(drawn("1111000 1010011 1110000 0000200 0000000"))
    rules = [
        {"split_fragments": {}},
        {"fill_holes": {}},
        {"remove_small": {"min_diameter_um": 1.5}},
    ]
    mended, report = truth.repair(image, rules)
    assert report == [
        {"rule": "split_fragments", "objects_before": 2, "objects_after": 3, "changed_voxels": 2},
        {"rule": "fill_holes", "objects_before": 3, "objects_after": 3, "changed_voxels": 1},
        {"rule": "remove_small", "objects_before": 3, "objects_after": 2, "changed_voxels": 1},
    ]
    assert mended.array.tolist() == drawn("1111000 1110033 1110000 0000000 0000000").tolist()


def test_labels_that_are_not_touched_keep_their_number():
    array = drawn("5500900 5500000 0000333 0000333 0000333")
    mended, _ = truth.repair(labels(array), [{"remove_small": {"min_diameter_um": 2}}])
    assert np.unique(mended.array).tolist() == [0, 3, 5]
    assert (mended.array[array != 9] == array[array != 9]).all()


@given(arrays(np.uint32, (2, 6, 6), elements=st.sampled_from([0, 0, 1, 2, 7])))
def test_counts_of_the_report_add_up(array):
    movie = labels(array, axes="TYX")
    rules = [
        {"split_fragments": {}},
        {"fill_holes": {}},
        {"remove_small": {"min_diameter_um": 1.3}},
        {"remove_border": {}},
    ]
    mended, report = truth.repair(movie, rules)
    assert [entry["rule"] for entry in report] == [next(iter(rule)) for rule in rules]
    assert report[0]["objects_before"] == sum(map(count, array))
    assert report[-1]["objects_after"] == sum(map(count, mended.array))
    for before, after in zip(report, report[1:], strict=False):
        assert before["objects_after"] == after["objects_before"]
    changed = sum(entry["changed_voxels"] for entry in report)
    assert changed >= np.count_nonzero(mended.array != array)


def test_time_points_are_mended_one_by_one():
    """What is one object in the first frame does not join with what lies there in the second."""
    frames = np.stack([drawn("100 000 001"), drawn("111 000 000")])
    mended, report = truth.repair(labels(frames, axes="TYX"), [{"split_fragments": {}}])
    assert mended.array.tolist() == [drawn("100 000 002").tolist(), frames[1].tolist()]
    assert (report[0]["objects_before"], report[0]["objects_after"]) == (2, 3)


@pytest.mark.parametrize("background", [True, False])
def test_numbers_beyond_the_size_of_the_image_are_renumbered_and_none_is_lost(background):
    array = np.array([[0 if background else 9, 4_000_000_000], [70_000, 70_000]], np.uint32)
    mended, report = truth.repair(labels(array), [])
    assert mended.array.dtype == np.uint32
    expected = [[0, 2], [1, 1]] if background else [[1, 3], [2, 2]]
    assert mended.array.tolist() == expected
    objects = count(array)
    assert report == [
        {
            "rule": "renumber",
            "objects_before": objects,
            "objects_after": objects,
            "changed_voxels": 0,
        }
    ]


def test_numbers_up_to_the_size_of_the_image_stay():
    array = np.array([[0, 4], [1, 1]], np.uint32)
    mended, report = truth.repair(labels(array), [])
    assert (mended.array == array).all()
    assert report == []


def test_an_image_without_object_is_mended_too():
    rules = [{"split_fragments": {}}, {"fill_holes": {}}]
    mended, report = truth.repair(labels(np.zeros((3, 4), np.uint32)), rules)
    assert not mended.array.any()
    assert {entry["objects_after"] + entry["changed_voxels"] for entry in report} == {0}


# Groups


def test_objects_are_listed_with_their_groups():
    image = labels(drawn("110 022 330"))
    marks = {"mitotic": labels(drawn("000 002 000")), "dead": labels(drawn("101 000 000"))}
    assert truth.objects(image, image, marks) == [
        {"image": "A01", "frame": 0, "label": 1, "mitotic": False, "dead": True},
        {"image": "A01", "frame": 0, "label": 2, "mitotic": True, "dead": False},
        {"image": "A01", "frame": 0, "label": 3, "mitotic": False, "dead": False},
    ]
    assert truth.objects(labels(np.zeros((2, 2), np.uint32)), labels(np.zeros((2, 2))), {}) == []


def test_a_mark_belongs_to_the_nearest_of_the_objects_that_had_its_number():
    original = drawn("110000011 110000011 000000000")
    mended = drawn("110000033 110000033 000000000")
    for marks, expected in (
        ("000100000 000000000 000000000", {1}),
        ("000001000 000000000 000000000", {3}),
        ("001000100 000000000 000000000", {1, 3}),  # two marks
        ("000000000 000000000 111000000", {1}),  # one mark, its nearest end decides
        ("000000000 000000000 000000000", set()),
    ):
        assert truth.objects_with(drawn(marks), original, mended, (1, 1)) == expected, marks


def test_nearest_is_meant_in_micrometres():
    original = np.zeros((7, 7), np.uint32)
    original[0, 3] = original[3, 6] = 1
    mended = original.copy()
    mended[3, 6] = 2
    marks = np.zeros((7, 7), np.uint32)
    marks[3, 2] = 1  # 3 rows and 1 column from the first, 4 columns from the second
    assert truth.objects_with(marks, original, mended, (1.0, 1.0)) == {1}
    assert truth.objects_with(marks, original, mended, (2.0, 1.0)) == {2}
    original[3, 6] = mended[3, 6] = 0
    original[3, 5], mended[3, 5] = 1, 2  # now 3 columns away
    assert truth.objects_with(marks, original, mended, (1.0, 1.0)) == {2}
    assert truth.objects_with(marks, original, mended, (1.0, 2.0)) == {1}


def test_a_mark_far_off_belongs_to_its_only_object_and_one_of_a_lost_object_to_none():
    original = drawn("100000 000002")
    mended = drawn("100000 000000")
    marks = drawn("000001 200300")
    assert truth.objects_with(marks, original, mended, (1, 1)) == {1}


def test_marks_follow_the_original_number_after_renumbering():
    original = np.array([[4_000_000_000, 0, 0], [0, 0, 70_000]], np.uint32)
    mended, _ = truth.repair(labels(original), [])
    marks = np.array([[0, 0, 70_000], [0, 0, 0]], np.uint32)
    rows = truth.objects(mended, labels(original), {"mitotic": labels(marks)})
    assert [(row["label"], row["mitotic"]) for row in rows] == [(1, True), (2, False)]


def test_marks_of_one_time_point_do_not_reach_another():
    frames = labels(np.stack([drawn("110"), drawn("110")]), axes="TYX")
    marks = labels(np.stack([drawn("000"), drawn("001")]), axes="TYX")
    rows = truth.objects(frames, frames, {"mitotic": marks})
    assert [(row["frame"], row["mitotic"]) for row in rows] == [(0, False), (1, True)]
