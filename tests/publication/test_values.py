"""Does the fast check of values find every fault, and name it, as Frictionless finds it too?"""

import csv
import io
from contextlib import contextmanager

import pytest
from bioagree.publication.opened import Opened
from bioagree.publication.values import check_values
from frictionless import Package, system
from hypothesis import given, settings
from hypothesis import strategies as st

FIELDS = [
    {"name": "label", "type": "integer", "constraints": {"required": True, "minimum": 1}},
    {"name": "image", "type": "string", "constraints": {"required": True}},
    {"name": "area_um2", "type": "number", "constraints": {"minimum": 0, "maximum": 1000}},
    {"name": "matched", "type": "boolean"},
    {"name": "side", "type": "string", "constraints": {"enum": ["truth", "prediction"]}},
    {"name": "parent", "type": "integer"},
    {"name": "barcode", "type": "string", "constraints": {"unique": True}},
]
OBJECTS = {
    "fields": FIELDS,
    "missingValues": [""],
    "primaryKey": ["image", "label"],
    "foreignKeys": [
        {"fields": ["image"], "reference": {"resource": "images", "fields": ["image"]}}
    ],
}
IMAGES = {
    "fields": [{"name": "image", "type": "string", "constraints": {"required": True}}],
    "missingValues": [""],
    "primaryKey": ["image"],
}
COLUMNS = [field["name"] for field in FIELDS]
GOOD = [
    ["1", "a", "2.5", "true", "truth", "", "x"],
    ["2", "a", "1e-3", "false", "prediction", "1", "y"],
    ["1", "b", "", "", "", "", ""],
    ["2", "b", "INF", "true", "truth", "2", ""],
]
GOOD[3][2] = "1000"


class Files(dict):
    """Files by name, read as those of a package are."""

    @contextmanager
    def open(self, name):
        yield io.BytesIO(self[name])


def as_csv(rows):
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode("utf-8", "surrogateescape")


def package(rows, images=("a", "b"), objects=OBJECTS):
    described = {
        "name": "a",
        "resources": [
            {"name": "images", "path": "images.csv", "type": "table", "schema": IMAGES},
            {"name": "objects", "path": "objects.csv", "type": "table", "schema": objects},
        ],
    }
    content = {
        "images.csv": as_csv([["image"], *([name] for name in images)]),
        "objects.csv": as_csv([COLUMNS, *rows]),
    }
    return Files(content), described


def faults(*arguments, **more):
    return check_values(*package(*arguments, **more))


def changed(row, column, value):
    rows = [list(cells) for cells in GOOD]
    rows[row][COLUMNS.index(column)] = value
    return rows


def test_a_table_that_keeps_its_promises_has_no_fault():
    assert faults(GOOD) == []
    assert faults([]) == []


@pytest.mark.parametrize("value", ["+2.5", ".5", "5.", "1E2", "0", "1e-300"])
def test_numbers_may_be_written_in_every_way_that_table_schema_knows(value):
    assert faults(changed(2, "area_um2", value)) == []


@pytest.mark.parametrize(
    ("row", "column", "value", "said"),
    [
        (1, "label", "1.5", "'1.5', but a whole number is needed"),
        (1, "label", "x", "'x', but a whole number is needed"),
        (1, "label", "0x1F", "'0x1F', but a whole number is needed"),
        (1, "label", "", "nothing, but a value is needed"),
        (1, "label", "0", "'0', but at least 1 is needed"),
        (2, "area_um2", "1,5", "'1,5', but a number is needed"),
        (2, "area_um2", "inf", "'inf', but a number is needed"),
        (2, "area_um2", "-0.1", "'-0.1', but at least 0 is needed"),
        (2, "area_um2", "1000.5", "'1000.5', but at most 1000 is allowed"),
        (2, "area_um2", "INF", "'INF', but at most 1000 is allowed"),
        (0, "matched", "yes", "'yes', but true or false is needed"),
        (0, "side", "left", "'left', but only truth, prediction are allowed"),
        (3, "image", "c", "'c' is not in image of images.csv"),
        (1, "barcode", "x", "'x' stands in row 2 already"),
    ],
)
def test_a_wrong_cell_is_named_with_what_is_allowed(row, column, value, said):
    (found,) = faults(changed(row, column, value))
    assert found.startswith(f"objects.csv, row {row + 2}, column {column}: ")
    assert said in found


def test_a_key_that_stands_twice_is_named_with_both_rows():
    (found,) = faults(changed(1, "label", "1"))
    assert found == (
        "objects.csv, row 3, column image, label: 'a' | '1' stands in row 2 already; every row "
        "needs one of its own"
    )


def test_the_same_number_written_otherwise_is_the_same_key():
    assert "stands in row 2 already" in faults(changed(1, "label", "+01"))[0]


def test_a_table_that_others_refer_to_is_checked_too():
    found = faults(GOOD, images=("a", "a", "b"))
    assert found == [
        "images.csv, row 3, column image: 'a' stands in row 2 already; every row needs one of its "
        "own"
    ]


def test_faults_beyond_the_first_of_a_kind_are_counted():
    rows = [[str(i + 1), "a", "-1", "", "", "", ""] for i in range(1200)]
    found = faults(rows)
    assert len(found) == 5
    assert found[-1].endswith("at least 0 is needed (and 1,195 more of this kind)")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"label,image\n1,a\n", "row 1: the columns are label, image; declared are label, image, "),
        (b"", "row 1: the columns are none"),
        (as_csv([COLUMNS, [*GOOD[0], "more"]]), "1 rows have another number of cells"),
        (as_csv([COLUMNS, GOOD[0]]).replace(b"truth", b"tr\xffth"), "which is not in UTF-8"),
        (as_csv([COLUMNS, *[GOOD[0]] * 9_000, ["\udcff"] * 7]), "it is no CSV"),
    ],
)
def test_what_is_no_such_table_is_told_in_one_sentence(content, said):
    files, described = package(GOOD)
    files["objects.csv"] = content
    (found,) = check_values(files, described)
    assert said in found


def test_a_blank_line_is_a_row_of_nothing():
    files, described = package(GOOD)
    files["objects.csv"] += b"\n"
    assert "objects.csv, row 6, column label: nothing, but a value is needed" in check_values(
        files, described
    )


def test_a_fault_of_the_schema_is_told():
    broken = OBJECTS | {"fields": [*FIELDS[:-1], {"name": "barcode", "type": "wording"}]}
    (found,) = faults(GOOD, objects=broken)
    assert "wording" in found


def test_a_key_that_refers_to_no_table_is_told():
    foreign = {"fields": ["image"], "reference": {"resource": "pictures", "fields": ["image"]}}
    (found,) = faults(GOOD, objects=OBJECTS | {"foreignKeys": [foreign]})
    assert "refers to 'pictures', which is no table" in found


@pytest.mark.parametrize(
    "spoil",
    [
        {"primaryKey": ["nobody"]},
        {"foreignKeys": [{"fields": ["nobody"], "reference": {"resource": "", "fields": ["x"]}}]},
        {
            "foreignKeys": [
                {"fields": ["image"], "reference": {"resource": "images", "fields": "x"}}
            ]
        },
        {"foreignKeys": ["image"]},
        {"fields": [{"type": "integer"}]},
        {"fields": None},
        {"fields": [FIELDS[0] | {"constraints": {"minimum": "low"}}, *FIELDS[1:]]},
        {"fields": [FIELDS[0] | {"constraints": "none"}, *FIELDS[1:]]},
    ],
)
def test_a_descriptor_that_makes_no_sense_is_a_fault_and_no_crash(spoil):
    assert faults(GOOD, objects=OBJECTS | spoil)


def test_a_table_that_is_missing_is_told(tmp_path):
    files, described = package(GOOD)
    (tmp_path / "images.csv").write_bytes(files["images.csv"])
    found = check_values(Opened(tmp_path), described)
    assert found == [f"objects.csv: {tmp_path} holds no objects.csv"]


def test_keys_are_compared_over_many_batches(monkeypatch):
    monkeypatch.setattr("bioagree.publication.values.BLOCK", 2_000)
    rows = [[str(i + 1), "ab"[i % 2], "", "", "", "", str(i)] for i in range(2_000)]
    assert faults(rows) == []
    rows[1_999] = [*rows[3][:6], "new"]
    rows[1_500][1] = "c"
    found = faults(rows)
    assert len(found) == 2
    assert any("row 1502, column image: 'c'" in one for one in found)
    assert any("row 2001" in one and "row 5 already" in one for one in found)


CELLS = {
    "label": ["1", "2", "3", "4", "0", "x", "", "1.5"],
    "image": ["a", "b", "a", "b", "c", ""],
    "area_um2": ["0.5", "", "12", "1e2", "-1", "1001", "x"],
    "matched": ["true", "false", "", "yes"],
    "side": ["truth", "prediction", "", "left"],
    "parent": ["", "1", "7", "y"],
    "barcode": ["", "p", "q", "r", "s"],
}
# Mostly what is right, so that tables without a fault are among them.
ROW = st.tuples(
    *(
        st.one_of(st.sampled_from(cells[:3]), st.sampled_from(cells[:3]), st.sampled_from(cells))
        for cells in CELLS.values()
    )
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ROW, max_size=4).map(lambda rows: [list(row) for row in rows]))
def test_frictionless_gives_the_same_verdict(tmp_path_factory, rows):
    files, described = package(rows)
    folder = tmp_path_factory.mktemp("p")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with system.use_context(trusted=True):
        report = Package(described, basepath=str(folder)).validate()
    mine = check_values(files, described)
    assert bool(mine) != report.valid, (mine, report.flatten(["message"]))
