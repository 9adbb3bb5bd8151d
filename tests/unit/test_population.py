"""Do objects of many tables come together, find their partners, and inherit the right group?"""

import numpy as np
import pandas as pd
import pytest
from bioagree import population
from bioagree.questions import groups
from bioagree.tables import Table
from bioagree.truth import TRUTH

SHEET = {
    "s1": {"session": "monday", "subject": "", "condition": "drug"},
    "s2": {"session": "", "subject": "mouse", "condition": ""},
}


def table(labels, image="a", area=None, border=(), dimensions=2, **more):
    labels = np.array(labels, np.int64)
    columns = {
        "image": np.full(len(labels), image),
        "frame": np.zeros(len(labels), np.int32),
        "label": labels,
        "area_um2": np.array(labels * 10.0 if area is None else area, float),
        "centroid_y_um": np.zeros(len(labels)),
        "touches_border": np.isin(labels, list(border)),
    }
    images = [{"image": image, "frames": 1}]
    return Table(columns | more, about={"dimensions": dimensions, "images": images})


def overlaps(rows):
    names = ["first", "second", "first_label", "second_label", "iou"]
    return pd.DataFrame(rows, columns=names).assign(sample="s1", image="a", frame=0)


def members(**labels):
    rows = [(label, group) for group, listed in labels.items() for label in listed]
    frame = pd.DataFrame(rows, columns=["label", "group"])
    return frame.assign(sample="s1", image="a", frame=0)[[*population.PLACE, "group"]]


def test_the_cluster_is_the_image_or_the_subject():
    found = population.gather(
        [("s1", "otsu", table([1, 2])), ("s2", "otsu", table([3], image="b"))], SHEET
    )
    frame = found[2]["otsu"]
    assert frame["cluster"].tolist() == ["s1/a", "s1/a", "mouse"]
    assert frame["block"].tolist() == ["monday", "monday", "s2"]
    assert frame["condition"].tolist() == ["drug", "drug", ""]


def test_dimensions_and_sources_are_kept_apart():
    found = population.gather(
        [("s1", "x", table([1])), ("s1", "y", table([1])), ("s2", "x", table([1], dimensions=3))],
        SHEET,
    )
    assert {d: list(sources) for d, sources in found.items()} == {2: ["x", "y"], 3: ["x"]}


def test_places_and_flags_are_no_features_to_compare():
    frame = population.gather([("s1", "x", table([1], solidity=np.ones(1)))], SHEET)[2]["x"]
    assert population.features_in(frame) == ["area_um2", "solidity"]
    assert population.features_in(frame, ["shape"]) == ["solidity"]
    assert population.features_in(frame, ["area_um2"]) == ["area_um2"]


def test_partners_stand_side_by_side_in_the_same_order():
    objects = population.gather(
        [("s1", TRUTH, table([1, 2, 3])), ("s1", "otsu", table([9, 8, 7]))], SHEET
    )[2]
    shared = overlaps(
        [(TRUTH, "otsu", 1, 7, 0.9), (TRUTH, "otsu", 3, 9, 0.6), (TRUTH, "otsu", 2, 8, 0.4)]
    )
    same = population.partners(shared, TRUTH, "otsu")
    one, other = population.side_by_side(objects, same, TRUTH, "otsu")
    assert list(zip(one["label"], other["label"], strict=True)) == [(1, 7), (3, 9)]


@pytest.fixture
def grouped():
    """Five true objects: 1 and 2 match, 3 is at the border, 4 is missed, 5 is cut there."""
    objects = population.gather(
        [
            ("s1", TRUTH, table([1, 2, 3, 4, 5], border=[3])),
            ("s1", "otsu", table([11, 12, 13, 15, 16], border=[15])),
        ],
        SHEET,
    )[2]
    shared = overlaps(
        [
            (TRUTH, "otsu", 1, 11, 0.9),
            (TRUTH, "otsu", 2, 12, 0.6),
            (TRUTH, "otsu", 3, 13, 0.8),
            (TRUTH, "otsu", 5, 15, 0.7),
        ]
    )
    inside = members(sick=[1, 3, 5], **{"no sick": [2, 4]})
    return groups.Grouped(objects, "sick", inside, shared)


def labels_by_group(frame):
    return {g: part["label"].tolist() for g, part in frame.groupby("group")}


def test_segmented_objects_inherit_the_group_of_the_object_that_they_are(grouped):
    found = grouped.choose()
    assert labels_by_group(found[TRUTH]) == {"sick": [1, 5], "no sick": [2, 4]}
    assert labels_by_group(found["otsu"]) == {"sick": [11], "no sick": [12]}


def test_other_choices_of_objects_change_who_counts(grouped):
    strict, border = grouped.choices[1:]
    assert labels_by_group(grouped.choose(strict)["otsu"]) == {"sick": [11]}
    assert labels_by_group(grouped.choose(border)["otsu"]) == {
        "sick": [11, 13, 15],
        "no sick": [12],
    }


def test_what_became_of_each_group_is_counted(grouped):
    outcomes = pd.DataFrame(
        {
            "side": ["truth"] * 5 + ["prediction"] * 5,
            "label": [1, 2, 3, 4, 5, 11, 12, 13, 15, 16],
            "best": [11, 12, 13, 0, 15, 1, 2, 3, 5, 0],
            "matched": [True, True, True, False, True, True, True, True, True, False],
            "outcome": ["matched"] * 3 + ["missed"] + ["matched"] * 5 + ["spurious"],
        }
    ).assign(sample="s1", image="a", frame=0)
    found = groups.fates(grouped, {"otsu": outcomes}).set_index(["group", "fate"])["n"]
    assert found["sick", "matched"] == 1
    assert found["sick", "border"] == 2  # one in the truth, one only as segmented
    assert found["no sick", "matched"] == 1
    assert found["no sick", "missed"] == 1
    assert found["", "spurious"] == 1
    assert found.sum() == 6


def test_samples_belong_to_conditions_without_any_match():
    objects = population.gather(
        [("s1", "x", table([1, 2], border=[2])), ("s2", "x", table([3]))], SHEET
    )[2]
    found = groups.Grouped(objects, "condition").choose()["x"]
    assert found["group"].tolist() == ["drug"]
    assert groups.Grouped(objects, "condition").names == ("drug",)
