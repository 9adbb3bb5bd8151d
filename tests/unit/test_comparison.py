"""Are objects summarised per image, and images paired, as by hand?"""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from bioagree import comparison
from bioagree.comparison import figure_names, pairs
from bioagree.questions import quality
from bioagree.tables import Table

SIZES = ("area_um2", "volume_um3")


def table(sizes, dimensions=2, frames=1):
    """Return a feature table from lists of sizes by image, or by (image, frame)."""
    size = "area_um2" if dimensions == 2 else "volume_um3"
    rows = [
        (*(key if isinstance(key, tuple) else (key, 0)), value)
        for key, values in sizes.items()
        for value in values
    ]
    names = dict.fromkeys(key[0] if isinstance(key, tuple) else key for key in sizes)
    return Table(
        {
            "image": np.array([row[0] for row in rows], str),
            "frame": np.array([row[1] for row in rows], np.int32),
            size: np.array([row[2] for row in rows], float),
        },
        about={
            "images": [{"image": name, "frames": frames} for name in names],
            "dimensions": dimensions,
        },
    )


def per_image(tables, chosen=SIZES, subjects=None):
    """Summarise tables whose samples have a session, and perhaps a subject."""
    rows = (
        (sample, {"session": session, "subject": (subjects or {}).get(sample, "")}, *rest)
        for sample, session, *rest in tables
    )
    return comparison.per_image(rows, chosen)


def rows_of(columns):
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def study(**measured):
    """Return the columns of one sample from feature tables by method."""
    return per_image(("s", "day1", method, found) for method, found in measured.items())


def test_objects_are_counted_and_averaged_per_image():
    columns = per_image(
        [
            ("s1", "day1", "otsu", table({"a": [10, 20, 60], "b": [7]})),
            ("s1", "day1", "truth", table({"a": [30], "b": [5, 6]})),
            ("s2", "", "otsu", table({"a": [100, 300]}, dimensions=3)),
        ]
    )
    keys = ("sample", "session", "image", "frame", "dimensions", "method", "count")
    assert [tuple(row[key] for key in keys) for row in rows_of(columns)] == [
        ("s1", "day1", "a", 0, 2, "otsu", 3),
        ("s1", "day1", "b", 0, 2, "otsu", 1),
        ("s1", "day1", "a", 0, 2, "truth", 1),
        ("s1", "day1", "b", 0, 2, "truth", 2),
        ("s2", "s2", "a", 0, 3, "otsu", 2),  # without a session, the sample is one
    ]
    np.testing.assert_array_equal(columns["mean_area_um2"], [30, 7, 30, 5.5, np.nan])
    np.testing.assert_array_equal(columns["mean_volume_um3"], [np.nan] * 4 + [200])


def test_an_image_without_objects_has_count_zero_and_no_mean():
    (row,) = rows_of(study(otsu=table({"a": []})))
    assert row["count"] == 0
    assert np.isnan(row["mean_area_um2"])


def test_time_points_are_counted_one_by_one():
    columns = study(otsu=table({("a", 0): [1, 3], ("a", 2): [5]}, frames=3))
    assert columns["frame"].tolist() == [0, 1, 2]
    assert columns["count"].tolist() == [2, 0, 1]
    np.testing.assert_array_equal(columns["mean_area_um2"], [2, np.nan, 5])


def test_every_method_meets_the_truth_then_every_other_method():
    tables = {name: table({"a": [1], "b": [2, 2]}) for name in ("x", "y", "z", "truth")}
    found = list(pairs(study(**tables), ["z", "x", "y"]))
    expected = [("z", "truth"), ("x", "truth"), ("y", "truth"), ("z", "x"), ("z", "y"), ("x", "y")]
    assert [(p.first, p.second) for p in found] == expected * 2
    assert [p.quantity.key for p in found] == ["count"] * 6 + ["mean_area_um2"] * 6


def test_a_comparison_by_hand():
    columns = study(
        otsu=table({"a": [1, 1, 1, 1], "b": [2, 4], "c": [9]}),
        truth=table({"a": [1, 1], "b": [1, 1, 1], "c": [4]}),
    )
    count, area = pairs(columns, ["otsu"])
    assert (count.first_values.tolist(), count.second_values.tolist()) == ([4, 2, 1], [2, 3, 1])
    # differences 2, -1, 0: mean 1/3, variance (25 + 16 + 1) / 9 / 2
    assert count.result.bias == pytest.approx(1 / 3)
    assert count.result.sd == pytest.approx(np.sqrt(7 / 3))
    assert count.result.n == 3
    assert area.result.bias == pytest.approx((0 + 2 + 5) / 3)
    assert count.sessions == ("day1",) * 3
    row = count.as_row()
    assert (row["first"], row["second"], row["n"]) == ("otsu", "truth", 3)
    assert row["bias"] == count.result.bias


def test_an_image_without_objects_is_left_out_of_sizes_and_counted():
    columns = study(
        x=table({"a": [1], "b": [], "c": [3], "d": [4]}),
        y=table({"a": [2], "b": [5], "c": [], "d": [6]}),
    )
    count, area = pairs(columns, ["x", "y"])
    assert (count.result.n, count.result.missing) == (4, 0)
    assert (area.result.n, area.result.missing) == (2, 2)
    assert area.result.bias == pytest.approx(-1.5)


def test_values_are_paired_by_image_whatever_their_order():
    columns = per_image(
        [
            ("s1", "day1", "x", table({"a": [1], "b": [1, 1]})),
            ("s2", "day2", "x", table({"a": [1, 1, 1]})),
            ("s2", "day2", "y", table({"a": [1, 1, 1]})),
            ("s1", "day1", "y", table({"b": [1, 1], "a": [1]})),
        ]
    )
    count, _ = pairs(columns, ["x", "y"])
    assert count.first_values.tolist() == count.second_values.tolist() == [1, 2, 3]
    assert count.sessions == ("day1", "day1", "day2")


def test_samples_without_truth_are_missing_where_the_truth_is_compared():
    columns = per_image(
        [
            ("s1", "", "x", table({"a": [1], "b": [2]})),
            ("s2", "", "x", table({"a": [1, 1]})),
            ("s1", "", "truth", table({"a": [1], "b": [2, 2]})),
        ]
    )
    count, _ = pairs(columns, ["x"])
    assert (count.result.n, count.result.missing) == (2, 1)


def test_2d_and_3d_are_never_compared_with_each_other():
    columns = per_image(
        [
            ("flat", "", "x", table({"a": [1]})),
            ("flat", "", "y", table({"a": [1]})),
            ("deep", "", "x", table({"a": [1, 2]}, dimensions=3)),
            ("deep", "", "y", table({"a": [1, 2]}, dimensions=3)),
        ]
    )
    found = [(p.dimensions, p.quantity.key, p.result.n) for p in pairs(columns, ["x", "y"])]
    assert found == [
        (2, "count", 1),
        (2, "mean_area_um2", 1),
        (3, "count", 1),
        (3, "mean_volume_um3", 1),
    ]


def test_a_truth_without_any_object_is_compared_all_the_same():
    columns = study(x=table({"a": [1], "b": []}), truth=table({"a": [], "b": []}))
    count, area = pairs(columns, ["x"])
    assert (count.result.n, count.result.bias) == (2, 0.5)
    assert (area.result.n, area.result.missing) == (0, 2)


@pytest.mark.parametrize("methods", [["x"], ["x", "y"], ["x", "y", "z"]])
@pytest.mark.parametrize(
    "kinds",
    [
        [(2, True)],
        [(2, False)],
        [(2, True), (2, False), (3, False)],
        [(3, True), (2, True), (3, True)],
        [(3, False), (2, True)],
    ],
)
def test_the_names_of_figures_are_those_of_the_pairs(kinds, methods):
    measured = [
        (f"s{index}", "", method, table({"a": [1, 2]}, dimensions))
        for index, (dimensions, annotated) in enumerate(kinds)
        for method in [*methods, *(["truth"] if annotated else [])]
    ]
    found = dict.fromkeys(pair.figure for pair in pairs(per_image(measured), methods))
    assert figure_names(kinds, len(methods)) == list(found)


def test_the_name_of_a_figure_says_what_it_shows():
    names = ["2d-count-truth", "2d-count-methods", "2d-mean_area_um2-truth"]
    assert figure_names([(2, True)], 2) == [*names, "2d-mean_area_um2-methods"]


def test_means_of_every_feature_that_was_asked_for_are_compared():
    one, other = (table({"a": [1, 3], "b": [5], "c": [7, 9]}) for _ in range(2))
    one.columns["solidity"] = np.array([0.5, 0.7, np.nan, 0.9, 0.8])
    columns = per_image(
        [("s", "", "x", one), ("s", "", "y", other)], ["area_um2", "solidity", "volume_um3"]
    )
    np.testing.assert_allclose(columns["mean_solidity"][:3], [0.6, np.nan, 0.85])
    count, area, solidity = pairs(columns, ["x", "y"])  # nobody has a volume
    assert (solidity.quantity.key, solidity.result.n) == ("mean_solidity", 0)
    assert area.result.n == count.result.n == 3


def test_images_of_one_subject_count_as_one_subject():
    random = np.random.default_rng(0)
    subjects = {f"s{i}": f"mouse{i // 4}" for i in range(24)}
    shift = dict.fromkeys(subjects.values())
    shift = {mouse: random.normal(0, 5) for mouse in shift}
    tables = []
    for sample, mouse in subjects.items():
        size = 100 + random.normal(0, 1)
        tables.append((sample, "", "x", table({"a": [size + shift[mouse]]})))
        tables.append((sample, "", "y", table({"a": [size]})))
    alone = list(pairs(per_image(tables), ["x", "y"]))[1]
    nested = list(pairs(per_image(tables, subjects=subjects), ["x", "y"]))[1]
    assert nested.repeated
    assert not alone.repeated
    assert nested.result.bias == pytest.approx(alone.result.bias)

    def width(pair):
        return pair.result.bias_high - pair.result.bias_low

    assert width(nested) > 2 * width(alone)
    assert "6 subjects" in nested.result.note
    assert np.isnan(nested.result.pair_factor)


# Scores


def scores(values, dimensions=2):
    return Table(
        {
            "image": np.array([f"i{index}" for index in range(len(values))]),
            "frame": np.zeros(len(values), int),
            "dimensions": np.full(len(values), dimensions),
            "f1_50": np.array(values, float),
            "n_splits": np.arange(len(values)),
        }
    )


def gathered(*tables):
    sheet = {sample: {"session": ""} for sample, _, _ in tables}
    return quality.gather(tables, sheet)


def test_score_tables_stand_one_below_the_other():
    images = gathered(("s1", "otsu", scores([0.5, 0.7])), ("a longer name", "x", scores([0.1])))
    assert images["sample"].tolist() == ["s1", "s1", "a longer name"]
    assert images["method"].tolist() == ["otsu", "otsu", "x"]
    assert images["f1_50"].tolist() == [0.5, 0.7, 0.1]


def test_scores_are_summarised_per_dimension_and_method():
    images = gathered(
        ("s1", "x", scores([0.2, 0.4, np.nan])),
        ("s2", "x", scores([0.9])),
        ("s1", "y", scores([np.nan, np.nan, np.nan])),
        ("s3", "x", scores([0.3], dimensions=3)),
    )
    summary = quality.summarise(images, ["y", "x"])
    found = {
        (row["dimensions"], row["method"], row["score"]): row for row in summary.to_dict("records")
    }
    assert list(found) == [
        *product((2,), ("y", "x"), ("f1_50", "n_splits")),
        *product((3,), ("x",), ("f1_50", "n_splits")),
    ]
    row = found[2, "x", "f1_50"]
    assert (row["n"], row["undefined"]) == (3, 1)
    assert row["mean"] == pytest.approx(0.5)
    assert row["sd"] == pytest.approx(np.sqrt((0.09 + 0.01 + 0.16) / 2))
    assert (row["minimum"], row["median"], row["maximum"]) == (0.2, 0.4, 0.9)
    nothing = found[2, "y", "f1_50"]
    assert (nothing["n"], nothing["undefined"]) == (0, 3)
    assert all(np.isnan(nothing[name]) for name in ("mean", "sd", "minimum", "median", "maximum"))
    alone = found[3, "x", "f1_50"]
    assert (alone["n"], alone["mean"], alone["median"]) == (1, 0.3, 0.3)
    assert np.isnan(alone["sd"])
    assert found[2, "x", "n_splits"]["mean"] == pytest.approx((0 + 1 + 2 + 0) / 4)


def test_methods_are_ranked_on_the_images_that_they_share():
    values = {"best": [0.9, 0.8, 0.9, 0.7, 0.9], "worst": [0.1, 0.2, 0.3, 0.1, 0.2]}
    parts = []
    for name, numbers in values.items():
        part = pd.DataFrame({quality.RANKED: numbers, "image": [f"i{i}" for i in range(5)]})
        parts.append(part.assign(sample="s", session="d", method=name, dimensions=2, frame=0))
    found = quality.rankings(pd.concat(parts), ["worst", "best"], draws=100, seed=1)
    names, ranking = found[2]
    assert names == ["worst", "best"]
    assert ranking.mean_rank.tolist() == [2.0, 1.0]
    tables = quality.ranking_tables(found)
    assert tables["ranking"]["method"].tolist() == ["best", "worst"]
