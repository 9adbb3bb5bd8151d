"""What the columns of tables mean, as a Table Schema of Frictionless says it: the one writer of it.

https://datapackage.org/standard/table-schema/
"""

import re
from collections.abc import Mapping

from bioagree.features.dictionary import feature_of
from bioagree.glossary_terms import OF_TABLE, TERMS

KINDS = {"b": "boolean", "i": "integer", "u": "integer", "f": "number"}  # by NumPy's kinds
DIALECT = {"delimiter": ",", "lineTerminator": "\n", "quoteChar": '"', "header": True}
# How names of columns say their unit, and how people write it.
UNITS = {"um3": "µm³", "um2": "µm²", "um": "µm", "deg": "°", "s": "s", "bits": "bit"}


def kind_of(dtype: str) -> str:
    """Return the type of a column by the kind of its NumPy type (``b``, ``i``, ``f``, …)."""
    return KINDS.get(dtype, "string")


def table_schema(
    kinds: Mapping[str, str], table: str = "", known: Mapping[str, str] | None = None
) -> dict:
    """Return the schema of a table: type, meaning and unit of every column.

    Parameters
    ----------
    kinds : mapping of str to str
        Type of each column: ``boolean``, ``integer``, ``number`` or ``string``.
    table : str, optional
        Name of the table, for columns that mean something of their own in it.
    known : mapping of str to str, optional
        Meanings of columns that only the study knows.

    Raises
    ------
    KeyError
        When a column is neither known, nor in the glossary, nor a feature.
    """
    fields = []
    for name, kind in kinds.items():
        text = (known or {}).get(name) or meaning(name, table)
        unit = unit_of(name)
        fields.append(
            {"name": name, "type": kind, "description": text} | ({"unit": unit} if unit else {})
        )
    return {"fields": fields, "missingValues": [""]}


def meaning(column: str, table: str = "") -> str:
    """Say what a column holds.

    Raises
    ------
    KeyError
        When it is neither in the glossary nor a feature.
    """
    if column in OF_TABLE.get(table, {}):
        return OF_TABLE[table][column]
    if column in TERMS:
        return TERMS[column]
    feature = feature_of(column.removeprefix("mean_")) or feature_of(column)
    if feature is None:
        raise KeyError(f"{column!r} is not in the glossary (bioagree.glossary_terms)")
    of_objects = column.startswith("mean_") and feature_of(column) is None
    return f"{'Mean over the objects of the image. ' if of_objects else ''}{feature.definition}"


def unit_of(column: str) -> str:
    """Return the unit of a column, empty when it has none."""
    feature = feature_of(column) or feature_of(column.removeprefix("mean_"))
    if feature:
        return feature.unit
    found = re.search(r"_(um3|um2|um|deg|s|bits)$", column)
    return UNITS[found[1]] if found else ""
