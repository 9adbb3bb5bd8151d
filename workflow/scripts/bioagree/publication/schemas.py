"""The schema of every table of a package: what its columns hold, and what must hold in them."""

import json
from collections.abc import Mapping
from pathlib import Path

from bioagree.publication.keys import table_of, with_keys
from bioagree.publication.study_tables import COLUMNS
from bioagree.table_schema import table_schema
from bioagree.tracks.scores import SCORES


def schemas_of(
    sources: Mapping[str, Path], samples: Mapping[str, Mapping], datasets: Mapping[str, Mapping]
) -> dict[str, dict]:
    """Return the schemas of all tables of a package, those of the study itself among them.

    Parameters
    ----------
    sources : mapping of str to Path
        By the path of a CSV table in the package: the Parquet table that it is exported from, or
        the CSV file that a job wrote, with its descriptor beside it where there is one.
    samples, datasets : mapping
        As in :class:`bioagree.publication.contents.Package`.

    Returns
    -------
    dict of str to dict
        Table schemas by path. Foreign keys name the other table by its path. A file without any
        column has none: it is no table.

    Raises
    ------
    KeyError
        When nobody says what a column holds.
    """
    known = SCORES | _groups(datasets)
    found = {path: _described(columns) for path, columns in COLUMNS.items()}
    for path, source in sorted(sources.items()):
        if source.suffix == ".parquet":
            schema = table_schema(_stored(source), table_of(path), known)
        else:
            schema = _left(source) or table_schema(_guessed(source), table_of(path), known)
        if schema["fields"]:
            found[path] = schema
    return with_keys(found, samples)


def _groups(datasets: Mapping[str, Mapping]) -> dict[str, str]:
    """Return what the groups of true objects mean, which each study names for itself."""
    return {
        name: group.get("meaning", f"Whether the object belongs to the group {name}.")
        for dataset in datasets.values()
        for name, group in dataset.get("truth", {}).get("groups", {}).items()
    }


def _described(columns: Mapping[str, tuple[str, str]]) -> dict:
    kinds = {name: kind for name, (kind, _) in columns.items()}
    return table_schema(kinds, known={name: text for name, (_, text) in columns.items()})


def _stored(path: Path) -> dict[str, str]:
    """Return the types of a Parquet table's columns."""
    from pyarrow import parquet

    return {one.name: _kind(one.type) for one in parquet.read_schema(path)}


def _left(path: Path) -> dict | None:
    """Return the schema that a job left beside its CSV file."""
    descriptor = path.with_name("datapackage.json")
    if not descriptor.exists():
        return None
    resources = json.loads(descriptor.read_text(encoding="utf-8"))["resources"]
    return next((one["schema"] for one in resources if one["path"] == path.name), None)


def _guessed(path: Path) -> dict[str, str]:
    """Return the types that the values of a CSV file have."""
    from pyarrow import csv

    options = csv.ConvertOptions(strings_can_be_null=True)
    with open(path, "rb") as file:
        if not file.readline().strip():
            return {}
    schema = csv.read_csv(path, convert_options=options).schema
    return {one.name: _kind(one.type) for one in schema}


def _kind(kind) -> str:
    from pyarrow import types

    if types.is_boolean(kind):
        return "boolean"
    if types.is_integer(kind):
        return "integer"
    return "number" if types.is_floating(kind) else "string"
