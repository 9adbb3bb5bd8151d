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
from bioagree.features.dictionary import feature_of
from bioagree.glossary_terms import TERMS, TITLES
from bioagree.tables import Columns

KINDS = {"b": "boolean", "i": "integer", "u": "integer", "f": "number"}


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
    fields = [
        {
            "name": column,
            "type": KINDS.get(values.dtype.kind, "string"),
            "description": meaning(column),
        }
        for column, values in columns.items()
    ]
    dialect = {"delimiter": ",", "header": True}
    missing = {"missingValues": [""]}
    return {
        "name": name.replace("_", "-"),
        "path": f"{name}.csv",
        "title": TITLES[name],
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": dialect,
        "schema": {"fields": fields} | missing,
    }


def meaning(column: str) -> str:
    """Say what a column of any table holds.

    Raises
    ------
    KeyError
        When it is neither in the glossary nor a feature.
    """
    if column in TERMS:
        return TERMS[column]
    feature = feature_of(column.removeprefix("mean_"))
    if feature is None:
        raise KeyError(f"{column!r} is not in the glossary (bioagree.glossary_terms)")
    mean = "Mean over the objects of the image. " if column.startswith("mean_") else ""
    unit = f" Unit: {feature.unit}." if feature.unit else ""
    return f"{mean}{feature.definition}{unit}"


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
