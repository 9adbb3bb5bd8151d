"""Tables as plain columns: Parquet with units between rules, CSV for people.

A table is a dict of equally long NumPy arrays. pandas is not needed for that, and leaving it out
halves the start-up of every small job.
"""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

Columns = dict[str, np.ndarray]


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
    """Write columns as CSV: header, comma, point, empty for NaN, full precision."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow([_text(value) for value in row])


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


def _text(value):
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else repr(float(value))
    return str(value)
