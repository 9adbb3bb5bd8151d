"""Whether the tables of a package hold what its datapackage.json says, value by value.

Frictionless does that too, row by row. Here whole columns are checked, a batch at a time, and
Frictionless sees the schema and the first rows of every table.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Protocol

import numpy as np

from bioagree.errors import InputError
from bioagree.publication.contents import DATAPACKAGE

SAMPLE = 100  # rows of each table that Frictionless sees
BLOCK = 2**20  # bytes that are read at a time
SHOWN = 5  # faults of one kind that are named; the others are counted
PATTERNS = {
    "integer": r"^[+-]?[0-9]+$",
    "number": r"^([+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?|NaN|-?INF)$",
    "boolean": r"^(true|True|TRUE|1|false|False|FALSE|0)$",
}
ALLOWED = {
    "integer": "a whole number is needed",
    "number": "a number is needed",
    "boolean": "true or false is needed",
}
NOTHING = "\0"  # a missing value within a key
BETWEEN = "\x1f"  # two values of a key

# What reading a schema raises that somebody wrote by hand.
SENSELESS = (KeyError, TypeError, AttributeError, ValueError, NotImplementedError)


class Readable(Protocol):
    """What holds the files of a package, such as :class:`bioagree.publication.opened.Opened`."""

    def open(self, name: str):
        """Return a context manager that gives the bytes of a file."""


def check_values(package: Readable, described: Mapping | None = None) -> list[str]:
    """Check all rows of all tables of a package: types, limits, primary and foreign keys.

    Row 1 is the header, so numbers are those of a spreadsheet. Memory does not grow with a table
    but for 8 bytes for each row of a key.

    Parameters
    ----------
    package : Readable
        The package.
    described : mapping, optional
        Its datapackage.json; read from the package without.

    Returns
    -------
    list of str
        A sentence on each fault: file, row, column, what there is and what is allowed.
    """
    if described is None:
        with package.open(DATAPACKAGE) as file:
            described = json.loads(file.read())
    try:
        tables = {
            one["name"]: _Table(package, one) for one in described["resources"] if "schema" in one
        }
    except (KeyError, TypeError, AttributeError) as error:
        return [f"{DATAPACKAGE}, resources: {error!r} where a table with its columns is needed"]
    faults = []
    for table in tables.values():
        try:
            faults += table.faults(tables) or _of_frictionless(table)
        except InputError as error:
            faults.append(f"{table.path}: {error}")
        except SENSELESS as error:
            faults += _of_frictionless(table) or [_senseless(table, error)]
    return faults


class _Unreadable(Exception):
    """A table that cannot be read further, in one sentence."""


class _Table:
    def __init__(self, package: Readable, resource: Mapping):
        self._package = package
        self.path = resource["path"]
        self.schema = resource["schema"]
        self.kinds = {one["name"]: one.get("type", "string") for one in self.schema["fields"]}
        self.targets = cache(self._target)

    def open(self):
        return self._package.open(self.path)

    def faults(self, tables: Mapping[str, "_Table"]) -> list[str]:
        """Return a sentence on each fault; the first ones of a kind, and how many more."""
        found: dict[tuple, list[str]] = {}
        counts: dict[tuple, int] = {}
        try:
            for kind, sentence in self._faults(tables):
                counts[kind] = counts.get(kind, 0) + 1
                if counts[kind] <= SHOWN:
                    found.setdefault(kind, []).append(f"{self.path}, {sentence}")
        except _Unreadable as error:
            found["unreadable",] = [f"{self.path}, {error}"]
        for kind, sentences in found.items():
            if counts.get(kind, 0) > SHOWN:
                sentences[-1] += f" (and {counts[kind] - SHOWN:,} more of this kind)"
        return [sentence for sentences in found.values() for sentence in sentences]

    def _faults(self, tables: Mapping[str, "_Table"]) -> Iterator[tuple[tuple, str]]:
        primary = _listed(self.schema.get("primaryKey", []))
        unique = [
            [one["name"]]
            for one in self.schema["fields"]
            if one.get("constraints", {}).get("unique") and [one["name"]] != primary
        ]
        keys = [key for key in (primary, *unique) if key]
        foreign = self.schema.get("foreignKeys", [])
        hashes: list[list[np.ndarray]] = [[] for _ in keys]
        for start, batch in self.batches():
            valid = {}
            for field in self.schema["fields"]:
                column = batch[field["name"]]
                valid[field["name"]], sentences = _checked(column, field, start)
                yield from sentences
            for parts, key in zip(hashes, keys, strict=True):
                texts = _together(valid, key)
                parts.append(_known(texts))
                for row in _rows(_is(texts, None)) if key == primary else ():
                    yield ("empty",), f"row {start + row}: the key {', '.join(key)} is empty"
            for one in foreign:
                yield from self._strangers(one, valid, start, tables)
        for parts, key in zip(hashes, keys, strict=True):
            yield from self._twice(key, np.concatenate([np.empty(0, np.int64), *parts]))

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[tuple[int, object]]:
        """Yield the number of the first row of a batch, and its columns as text."""
        import pyarrow
        from pyarrow import csv as arrow

        names = list(self.kinds)
        ragged = []

        def keep(row):
            ragged.append((row.actual_columns, row.expected_columns))
            return "skip"

        options = {
            "read_options": arrow.ReadOptions(use_threads=False, block_size=BLOCK),
            "parse_options": arrow.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=keep
            ),
            "convert_options": arrow.ConvertOptions(
                column_types=dict.fromkeys(names, pyarrow.string()),
                strings_can_be_null=True,
                null_values=self.schema.get("missingValues", [""]),
                include_columns=list(columns or []),
            ),
        }
        row = 2
        try:
            with self.open() as file:
                self._check_header(file)
            with (
                self.open() as file,
                arrow.open_csv(pyarrow.PythonFile(file, "r"), **options) as reader,
            ):
                for batch in reader:
                    yield row, batch
                    row += batch.num_rows
        except pyarrow.ArrowInvalid as error:
            # Without rows there is no first block; the header was found right.
            if "Empty CSV" not in str(error):
                raise _Unreadable(f"after row {row - 1}: it is no CSV ({error})") from None
        if ragged:
            found, expected = ragged[0]
            raise _Unreadable(
                f"{len(ragged):,} rows have another number of cells than the header, which has "
                f"{expected}; the first of them has {found}"
            )

    def _check_header(self, file) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        try:
            header = next(csv.reader(text), [])
        except UnicodeDecodeError:
            raise _Unreadable("which is not in UTF-8") from None
        finally:
            text.detach()
        if header != list(self.kinds):
            raise _Unreadable(
                f"row 1: the columns are {', '.join(header) or 'none'}; declared are "
                f"{', '.join(self.kinds)}"
            )

    def _keyed(self, key: Sequence[str]) -> Iterator[tuple[int, object]]:
        """Yield the number of the first row of a batch, and what columns hold together."""
        fields = [one for one in self.schema["fields"] if one["name"] in key]
        for start, batch in self.batches(key):
            valid = {one["name"]: _checked(batch[one["name"]], one, start)[0] for one in fields}
            yield start, _together(valid, key)

    def _target(self, key: tuple[str, ...]) -> np.ndarray:
        """Return the sorted hashes of what columns hold together."""
        try:
            parts = [_known(texts) for _, texts in self._keyed(key)]
        except _Unreadable:
            parts = []  # which is told where the table itself is checked
        return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))

    def _strangers(
        self, foreign: Mapping, valid: Mapping, start: int, tables: Mapping[str, "_Table"]
    ) -> Iterator[tuple[tuple, str]]:
        key, reference = _listed(foreign["fields"]), foreign["reference"]
        other = tables.get(reference["resource"]) if reference["resource"] else self
        kind = ("foreign", *key)
        if other is None:
            if start == 2:
                yield kind, f"a key refers to {reference['resource']!r}, which is no table"
            return
        texts = _together(valid, key)
        known = other.targets(tuple(_listed(reference["fields"])))
        hashes = _hashes(texts)
        if len(known):
            found = known[np.searchsorted(known, hashes).clip(max=len(known) - 1)] == hashes
        else:
            found = np.zeros(len(hashes), bool)
        place = f"{', '.join(_listed(reference['fields']))} of {other.path}"
        for row in _rows(~found & ~_is(texts, None)):
            shown = _shown(texts[row].as_py())
            yield kind, f"row {start + row}, column {', '.join(key)}: {shown} is not in {place}"

    def _twice(self, key: Sequence[str], hashes: np.ndarray) -> Iterator[tuple[tuple, str]]:
        """Yield rows that hold what an earlier one holds; equal hashes are looked at again."""
        hashes.sort()
        suspects = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        if not len(suspects):
            return
        first: dict[str, int] = {}
        for start, texts in self._keyed(key):
            for row in _rows(np.isin(_hashes(texts), suspects) & ~_is(texts, None)):
                text = texts[row].as_py()
                if text in first:
                    yield (
                        ("twice", *key),
                        (
                            f"row {start + row}, column {', '.join(key)}: {_shown(text)} stands in "
                            f"row {first[text]} already; every row needs one of its own"
                        ),
                    )
                first.setdefault(text, start + row)


def _checked(column, field: Mapping, start: int):
    """Return a column's values, missing where they are none, and the faults of its cells."""
    from pyarrow import compute

    name, kind = field["name"], field.get("type", "string")
    limits = field.get("constraints", {})
    faults: list[tuple[tuple, str]] = []

    def tell(bad, what: str) -> None:
        for row in _rows(_is(bad, True)):
            shown = _shown(column[row].as_py())
            faults.append(((name, what), f"row {start + row}, column {name}: {shown}, but {what}"))

    if limits.get("required"):
        tell(compute.is_null(column), "a value is needed")
    values = column
    if kind in PATTERNS:
        good = compute.match_substring_regex(column, PATTERNS[kind])
        tell(compute.invert(good), ALLOWED[kind])
        values = _typed(compute.if_else(good, column, None), kind)
    if "minimum" in limits:
        low = limits["minimum"]
        tell(compute.less(values, low), f"at least {low} is needed")
    if "maximum" in limits:
        high = limits["maximum"]
        tell(compute.greater(values, high), f"at most {high} is allowed")
    if "enum" in limits:
        import pyarrow

        listed = pyarrow.array(limits["enum"], values.type)
        bad = compute.and_(compute.is_valid(values), compute.invert(compute.is_in(values, listed)))
        tell(bad, f"only {', '.join(map(str, limits['enum']))} are allowed")
    return values, faults


def _typed(texts, kind: str):
    import pyarrow
    from pyarrow import compute

    if kind == "boolean":
        lower = compute.utf8_lower(texts)
        return compute.if_else(compute.equal(lower, "1"), True, compute.equal(lower, "true"))
    if kind == "number":
        return texts.cast(pyarrow.float64())
    try:
        return texts.cast(pyarrow.int64())
    except pyarrow.ArrowInvalid:  # beyond 64 bits with a sign
        return texts.cast(pyarrow.decimal256(76))


def _together(valid: Mapping, key: Sequence[str]):
    """Return what columns hold together as text; missing where all of them are."""
    import pyarrow
    from pyarrow import compute

    texts = [valid[name].cast(pyarrow.string()) for name in key]
    if len(texts) == 1:
        return texts[0]
    joined = compute.binary_join_element_wise(
        *(compute.fill_null(text, NOTHING) for text in texts), BETWEEN
    )
    nothing = BETWEEN.join([NOTHING] * len(texts))
    return compute.if_else(compute.equal(joined, nothing), None, joined)


def _hashes(texts) -> np.ndarray:
    """Return a number for each text, the same for equal ones."""
    return np.fromiter(map(hash, texts.to_pylist()), np.int64, len(texts))


def _known(texts) -> np.ndarray:
    """Return the numbers of what is there: missing values are equal to nothing."""
    return _hashes(texts)[~_is(texts, None)]


def _is(values, what) -> np.ndarray:
    """Return where an array holds True, or (for None) nothing."""
    from pyarrow import compute

    found = compute.is_null(values) if what is None else compute.fill_null(values, False)
    return found.to_numpy(zero_copy_only=False)


def _rows(chosen: np.ndarray) -> list[int]:
    return np.flatnonzero(chosen).tolist()


def _shown(text: str | None) -> str:
    if text is None:
        return "nothing"
    return " | ".join(repr(part) if part != NOTHING else "nothing" for part in text.split(BETWEEN))


def _listed(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _of_frictionless(table: _Table) -> list[str]:
    """Return what Frictionless says of a table's schema and its first rows."""
    from frictionless import FrictionlessException, Resource, Schema

    plain = {key: value for key, value in table.schema.items() if key != "foreignKeys"}
    try:
        schema = Schema.from_descriptor(plain)
        with table.open() as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            rows = list(islice(csv.reader(text), SAMPLE + 1))
            text.detach()
        report = Resource(data=rows, schema=schema).validate()
    except FrictionlessException as error:
        return [f"{table.path}: {error.error.note}"]
    except SENSELESS as error:
        return [_senseless(table, error)]
    return [f"{table.path}: {error.message}" for task in report.tasks for error in task.errors]


def _senseless(table: _Table, error: Exception) -> str:
    return f"{table.path}: its schema cannot be followed ({type(error).__name__}: {error})"
