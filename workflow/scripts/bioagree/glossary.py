"""Tables for people: CSV, with a descriptor that says what every column means.

The descriptor of a question's tables is a Frictionless Data Package, ``datapackage.json``, beside
them: https://datapackage.org/standard/table-schema/.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from bioagree import tables
from bioagree.glossary_terms import TITLES
from bioagree.table_schema import DIALECT, kind_of, table_schema
from bioagree.tables import Columns


def write(output: SimpleNamespace, found: Mapping[str, Columns | pd.DataFrame]) -> None:
    """Write tables as CSV, and what their columns mean.

    Parameters
    ----------
    output : types.SimpleNamespace
        Paths: one by the name of each table, and `descriptor`.
    found : mapping of str to columns or pandas.DataFrame
        Tables by name; they stand in the descriptor as ``{name}.csv``.

    Raises
    ------
    KeyError
        When a column is not in the glossary: no table leaves without its meaning.
    """
    resources = []
    for name, table in found.items():
        columns = to_columns(table)
        tables.write_csv(getattr(output, name), columns)
        resources.append(describe(name, columns))
    descriptor = {"$schema": "https://datapackage.org/profiles/2.0/datapackage.json"}
    text = json.dumps(descriptor | {"resources": resources}, indent=1, ensure_ascii=False)
    Path(output.descriptor).write_text(text + "\n", encoding="utf-8")


def describe(name: str, columns: Columns) -> dict:
    """Return the Frictionless resource of a table: its path and the meaning of its columns."""
    kinds = {column: kind_of(values.dtype.kind) for column, values in columns.items()}
    return {
        "name": name.replace("_", "-"),
        "path": f"{name}.csv",
        "title": TITLES[name],
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": DIALECT,
        "schema": table_schema(kinds, name),
    }


def to_columns(table: Columns | pd.DataFrame) -> Columns:
    """Return a table as plain columns; text where a data frame has objects."""
    found = {}
    for name in table if isinstance(table, Mapping) else table.columns:
        values = np.asarray(table[name])
        if values.dtype.kind == "O":
            values = np.array(["" if value is None else value for value in values], str)
        found[name] = values
    return found


def write_parquet(path: str | Path, table: pd.DataFrame) -> None:
    """Write a data frame that another job reads."""
    tables.write(path, tables.Table(to_columns(table)))


def read_parquet(path: str | Path) -> pd.DataFrame:
    """Read a data frame that :func:`write_parquet` wrote."""
    return pd.DataFrame(tables.read(path).columns)
