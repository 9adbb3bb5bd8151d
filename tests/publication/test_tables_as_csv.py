"""Do tables leave a study as CSV with every row and number as it was?"""

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bioagree import tables
from bioagree.tables import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pyarrow import parquet

SPECIAL = ("", "INF", "-INF")
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@st.composite
def columns(draw):
    rows = draw(st.integers(0, 30))
    kinds = ("bool", "int32", "int64", "uint64", "float32", "float64")
    found = {kind: draw(arrays(kind, rows)) for kind in kinds}
    texts = draw(st.lists(TEXT, min_size=rows, max_size=rows))
    return found | {'text, "quoted"': np.array(texts, dtype=object)}


def as_csv(path):
    return b"".join(tables.read_as_csv(path))


def read_rows(content):
    """Read with Python's own reader, which shares no code with what writes."""
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
    return {name: [row[i] for row in rows] for i, name in enumerate(header)}


def number(cell):
    return {"": np.nan, "INF": np.inf, "-INF": -np.inf}[cell] if cell in SPECIAL else float(cell)


@settings(max_examples=60, deadline=None)
@given(columns())
def test_every_cell_reads_back_as_it_was(tmp_path_factory, made):
    path = tmp_path_factory.mktemp("t") / "a.parquet"
    tables.write(path, Table(made))
    content = as_csv(path)
    found = read_rows(content)
    assert list(found) == list(made)
    for name, values in made.items():
        cells = found[name]
        assert len(cells) == len(values)
        if values.dtype.kind == "f":
            wide = values.astype(float)
            np.testing.assert_array_equal([number(cell) for cell in cells], wide)
            np.testing.assert_array_equal(
                np.signbit([number(c) for c in cells if c]), np.signbit(wide[~np.isnan(wide)])
            )
        elif values.dtype.kind == "b":
            assert cells == ["true" if value else "false" for value in values]
        else:
            assert cells == [str(value) for value in values]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (1.0, "1.0"),
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        (np.nan, ""),
        (np.inf, "INF"),
        (-np.inf, "-INF"),
        (np.float32(0.1), "0.10000000149011612"),
        (2**53 + 1, "9007199254740993"),
        (True, "true"),
        ("a, b", '"a, b"'),
        ('say "c"', '"say ""c"""'),
        ("one\ntwo", '"one\ntwo"'),
        ("one\rtwo", '"one\rtwo"'),
        ("INF", "INF"),
        ("µm²", "µm²"),
    ],
)
def test_cells_are_written_as_table_schema_has_them(tmp_path, value, cell):
    tables.write(tmp_path / "a.parquet", Table({"x": np.array([value]), "y": np.array([1])}))
    assert as_csv(tmp_path / "a.parquet").decode() == f"x,y\n{cell},1\n"


def test_a_row_of_nothing_is_still_a_row(tmp_path):
    tables.write(tmp_path / "a.parquet", Table({"note": np.array(["", "b"])}))
    assert as_csv(tmp_path / "a.parquet") == b'note\n""\nb\n'


def test_a_table_without_rows_is_its_header(tmp_path):
    tables.write(tmp_path / "a.parquet", Table({"a": np.array([], int), "b": np.array([], str)}))
    assert as_csv(tmp_path / "a.parquet") == b"a,b\n"


def test_pieces_are_small_and_make_up_the_whole(tmp_path):
    rows = 3 * tables.ROWS + 7
    made = {"label": np.arange(rows), "x": np.linspace(0, 1, rows)}
    tables.write(tmp_path / "a.parquet", Table(made))
    pieces = list(tables.read_as_csv(tmp_path / "a.parquet"))
    assert max(map(len, pieces)) < 40 * tables.ROWS
    found = read_rows(b"".join(pieces))
    np.testing.assert_array_equal(np.array(found["label"], int), made["label"])
    np.testing.assert_array_equal(np.array(found["x"], float), made["x"])


def test_both_ways_of_writing_csv_give_the_same_bytes(tmp_path):
    made = {"a": np.array(["x, y", ""]), "b": np.array([1.0, np.nan]), "c": np.array([True, False])}
    tables.write(tmp_path / "a.parquet", Table(made))
    tables.write_csv(tmp_path / "a.csv", made)
    assert (tmp_path / "a.csv").read_bytes() == as_csv(tmp_path / "a.parquet")


@pytest.mark.slow
def test_a_large_table_needs_little_memory(tmp_path):
    rows = 2_000_000
    rng = np.random.default_rng(0)
    made = {f"x{i}": rng.random(rows) for i in range(7)} | {"label": np.arange(rows)}
    tables.write(tmp_path / "a.parquet", Table(made))
    assert parquet.ParquetFile(tmp_path / "a.parquet").metadata.num_rows == rows
    # The peak of this process alone: rusage would hand down that of the process that started it.
    code = (
        "import re, sys\nfrom bioagree import tables\n"
        "size = sum(map(len, tables.read_as_csv(sys.argv[1])))\n"
        "status = open('/proc/self/status').read()\n"
        "print(size, int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) // 1024)"
    )
    scripts = Path(tables.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.parquet")],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(scripts)},
    )
    size, memory = map(int, done.stdout.split())
    assert size > 250_000_000
    assert memory < 300
