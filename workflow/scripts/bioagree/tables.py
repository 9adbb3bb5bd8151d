"""Tables as plain columns: Parquet with units between rules, CSV for people.

A table is a dict of equally long NumPy arrays. pandas is not needed for that, and leaving it out
halves the start-up of every small job.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

Columns = dict[str, np.ndarray]
ROWS = 10_000  # whose text is held in memory at a time


@dataclass(frozen=True)
class Table:
    """Columns with what describes them.

    Parameters
    ----------
    columns : dict of str to numpy.ndarray
        One-dimensional, equally long.
    units : dict of str to str
        Unit of a column, where it has one.
    about : dict
        Facts on the whole table, e.g. which images were measured, also those without objects.
    """

    columns: Columns
    units: Mapping[str, str] = field(default_factory=dict)
    about: Mapping = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def write(path: str | Path, table: Table) -> None:
    """Write a table as Parquet; equal tables give equal bytes."""
    pyarrow, parquet = _pyarrow()
    arrays = {name: pyarrow.array(values) for name, values in table.columns.items()}
    fields = [
        pyarrow.field(name, array.type, metadata={"unit": table.units.get(name, "")})
        for name, array in arrays.items()
    ]
    schema = pyarrow.schema(fields, metadata={"about": json.dumps(table.about, sort_keys=True)})
    parquet.write_table(pyarrow.table(arrays, schema=schema), path)


def read(path: str | Path) -> Table:
    """Read a table that :func:`write` made."""
    _, parquet = _pyarrow()
    stored = parquet.read_table(path)
    columns = {name: stored[name].to_numpy() for name in stored.column_names}
    units = {f.name: f.metadata[b"unit"].decode() for f in stored.schema if f.metadata[b"unit"]}
    return Table(columns, units, json.loads(stored.schema.metadata[b"about"]))


def from_rows(rows: Sequence[Mapping], types: Mapping[str, type] | None = None) -> Columns:
    """Turn rows with the same keys into columns; `types` by name are needed when no row may be."""
    if not rows:
        return {name: np.array([], dtype=kind) for name, kind in (types or {}).items()}
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def write_csv(path: str | Path, columns: Columns) -> None:
    """Write columns as CSV, see :func:`to_csv`.

    Raises
    ------
    ValueError
        When columns differ in length.
    """
    pyarrow, _ = _pyarrow()
    table = pyarrow.table({name: pyarrow.array(values) for name, values in columns.items()})
    with open(path, "wb") as file:
        file.writelines(to_csv(columns, table.to_batches(max_chunksize=ROWS)))


def read_as_csv(path: str | Path) -> Iterator[bytes]:
    """Yield the table of a Parquet file as CSV, a few thousand rows at a time."""
    _, parquet = _pyarrow()
    with parquet.ParquetFile(path, buffer_size=2**20, pre_buffer=False) as file:
        yield from to_csv(file.schema_arrow.names, file.iter_batches(ROWS))


def to_csv(names: Iterable[str], batches: Iterable) -> Iterator[bytes]:
    """Yield rows as CSV, as RFC 4180 and Table Schema have it: UTF-8, comma, point, line feed.

    Numbers are the shortest that read back as the same; real ones have a point or an exponent,
    infinite ones are ``INF`` and ``-INF``. What is missing or not a number is empty, flags are
    ``true`` and ``false``, and text stands in quotes where it must.

    Parameters
    ----------
    names : iterable of str
        Of the columns.
    batches : iterable of pyarrow.RecordBatch
        Rows; the text of one batch is held in memory.

    References
    ----------
    https://www.rfc-editor.org/rfc/rfc4180, https://datapackage.org/standard/table-schema/
    """
    pyarrow, _ = _pyarrow()
    from pyarrow import compute

    names = list(names)
    yield (",".join(_quote(pyarrow.array(names, pyarrow.string())).to_pylist()) + "\n").encode()
    for batch in batches:
        columns = [_text(column) for column in batch.columns]
        if len(columns) == 1:  # an empty line would be no row
            columns = [compute.if_else(compute.equal(columns[0], ""), '""', columns[0])]
        cells = [part for column in columns for part in (column, ",")][:-1]
        lines = compute.binary_join_element_wise(*cells, "\n", "")
        size = compute.sum(compute.binary_length(lines)).as_py() or 0
        yield lines.buffers()[2].slice(0, size).to_pybytes() if size else b""


@cache
def _pyarrow():
    """Import pyarrow, but not pandas, which it loads at first use wherever that is installed.

    Nothing here needs pandas, and it would double the start-up of every job that has a table.
    """
    sys.meta_path.insert(0, _NoPandas)
    try:
        import pyarrow
        from pyarrow import parquet

        pyarrow.array([0])  # looks for pandas, once and for all
    finally:
        sys.meta_path.remove(_NoPandas)
    return pyarrow, parquet


class _NoPandas:
    """An import hook that finds pandas missing."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not needed here", name=name)


def _text(column):
    """Return the cells of a column as CSV has them."""
    pyarrow, _ = _pyarrow()
    from pyarrow import compute, types

    if types.is_string(column.type) or types.is_large_string(column.type):
        text = _quote(column)
    elif types.is_floating(column.type):
        values = column.cast(pyarrow.float64())
        text = values.cast(pyarrow.string())
        whole = compute.match_substring_regex(text, "^-?[0-9]+$")
        text = compute.if_else(whole, compute.binary_join_element_wise(text, ".0", ""), text)
        infinite = compute.if_else(compute.greater(values, 0), "INF", "-INF")
        text = compute.if_else(compute.is_inf(values), infinite, text)
        text = compute.if_else(compute.is_nan(values), "", text)
    else:
        text = column.cast(pyarrow.string())
    return compute.fill_null(text, "")


def _quote(text):
    from pyarrow import compute

    doubled = compute.replace_substring(text, '"', '""')
    quoted = compute.binary_join_element_wise('"', doubled, '"', "")
    return compute.if_else(compute.match_substring_regex(text, '[",\r\n]'), quoted, text)
