"""Do tables keep values, units and facts, and come out the same every time?"""

import csv

import numpy as np
import pytest
from bioagree import tables
from bioagree.tables import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pyarrow import parquet

COLUMNS = {
    "image": np.array(["Feld ü", "b", ""]),
    "label": np.array([1, 70_000, 2**40]),
    "frame": np.array([0, 0, 1], np.int32),
    "volume_um3": np.array([0.1, np.nan, 1e-300]),
    "touches_border": np.array([True, False, True]),
}
UNITS = {"volume_um3": "µm³", "label": ""}
ABOUT = {"images": [{"image": "Feld ü", "frames": 2}], "dimensions": 3}


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_a_table_comes_back_with_its_types_units_and_facts(tmp_path):
    tables.write(tmp_path / "a.parquet", Table(COLUMNS, UNITS, ABOUT))
    back = tables.read(tmp_path / "a.parquet")
    assert list(back.columns) == list(COLUMNS)
    for name, column in COLUMNS.items():
        np.testing.assert_array_equal(back.columns[name], column)
        if name != "image":
            assert back.columns[name].dtype == column.dtype
    assert back.units == {"volume_um3": "µm³"}
    assert back.about == ABOUT
    assert len(back) == 3


def test_units_stand_in_the_schema_for_any_reader(tmp_path):
    tables.write(tmp_path / "a.parquet", Table(COLUMNS, UNITS, ABOUT))
    schema = parquet.read_schema(tmp_path / "a.parquet")
    assert schema.field("volume_um3").metadata[b"unit"].decode() == "µm³"
    assert str(schema.field("image").type) == "string"
    assert str(schema.field("touches_border").type) == "bool"


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    empty = {name: column[:0] for name, column in COLUMNS.items()}
    tables.write(tmp_path / "a.parquet", Table(empty, UNITS, ABOUT))
    back = tables.read(tmp_path / "a.parquet")
    assert list(back.columns) == list(COLUMNS)
    assert len(back) == 0
    assert back.about == ABOUT
    assert str(parquet.read_schema(tmp_path / "a.parquet").field("image").type) == "string"


def test_equal_tables_are_equal_files_and_others_are_not(tmp_path):
    def written(columns=COLUMNS, units=UNITS, about=ABOUT):
        tables.write(tmp_path / "a.parquet", Table(columns, units, about))
        return (tmp_path / "a.parquet").read_bytes()

    once = written()
    assert once == written()
    assert once == written(about=dict(reversed(ABOUT.items())))
    assert once != written(COLUMNS | {"label": np.array([1, 70_000, 3])})
    assert once != written(units={})
    assert once != written(about={})


@settings(max_examples=30, deadline=None)
@given(arrays(np.float64, st.integers(0, 20), elements=st.floats()))
def test_numbers_come_back_to_the_last_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("t")
    tables.write(path / "a.parquet", Table({"x": values}))
    np.testing.assert_array_equal(tables.read(path / "a.parquet").columns["x"], values)
    tables.write_csv(path / "a.csv", {"x": values, "one": np.ones(len(values))})
    written = [float(row[0] or "nan") for row in read_csv(path / "a.csv")[1:]]
    np.testing.assert_array_equal(written, values)


def test_csv_is_plain_text_for_people(tmp_path):
    tables.write_csv(tmp_path / "a.csv", COLUMNS | {"note": np.array(["a, b", 'say "c"', "x\ny"])})
    assert (tmp_path / "a.csv").read_bytes().decode() == (
        "image,label,frame,volume_um3,touches_border,note\n"
        'Feld ü,1,0,0.1,true,"a, b"\n'
        'b,70000,0,,false,"say ""c"""\n'
        ',1099511627776,1,1e-300,true,"x\ny"\n'
    )
    assert read_csv(tmp_path / "a.csv")[3][-1] == "x\ny"


def test_32_bit_numbers_are_written_in_full(tmp_path):
    tables.write_csv(tmp_path / "a.csv", {"x": np.array([0.1], np.float32)})
    assert float(read_csv(tmp_path / "a.csv")[1][0]) == np.float32(0.1)


def test_csv_refuses_columns_of_different_length(tmp_path):
    with pytest.raises(ValueError, match="expected length 2"):
        tables.write_csv(tmp_path / "a.csv", {"x": np.ones(2), "y": np.ones(1)})


def test_rows_become_columns():
    columns = tables.from_rows([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
    assert {name: column.tolist() for name, column in columns.items()} == {
        "a": [1, 2],
        "b": ["x", "y"],
    }
    empty = tables.from_rows([], {"a": int, "b": str})
    assert [(name, column.size, column.dtype.kind) for name, column in empty.items()] == [
        ("a", 0, "i"),
        ("b", 0, "U"),
    ]
    assert tables.from_rows([]) == {}


def test_the_length_of_a_table_is_its_rows():
    assert len(Table({})) == 0
    assert len(Table({"a": np.ones(4)})) == 4
