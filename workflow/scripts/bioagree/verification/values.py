"""Tables and JSON compared value by value: text and whole numbers exactly, others by tolerance."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bioagree import tables
from bioagree.verification.difference import Difference

# Where the labels are the same. Values come from float64 sums of up to some 1e7 voxels, whose
# rounding errors are below 1e7 × 1.1e-16 ≈ 1e-9 of the sum (N. Higham, Accuracy and Stability of
# Numerical Algorithms, 2002, ch. 4), and pass through differences and quotients of such sums.
TOLERANCE = 1e-6
# Where labels differ within theirs: a voxel of a small object, of some hundred voxels.
LOOSE = 1e-2
NOTHING = object()


def compare_tables(recorded: Path, found: Path, loose: bool = False) -> Difference:
    """Compare two tables, Parquet or CSV.

    Parameters
    ----------
    recorded, found : Path
        The files.
    loose : bool, optional
        Whether they come from labels that differ within tolerance.
    """
    (old, about_old), (new, about_new) = _read_table(recorded), _read_table(found)
    if list(old) != list(new):
        return Difference(_other_columns(list(old), list(new)))
    cells = _Cells(loose)
    lengths = [len(next(iter(columns.values()), ())) for columns in (old, new)]
    if lengths[0] != lengths[1]:
        return Difference(f"{lengths[0]:,} rows recorded, {lengths[1]:,} found")
    for name in old:
        cells.compare_columns(name, old[name], new[name])
    if cells.differing and _same_rows(old, new):
        row = cells.first[0] if cells.first else 0
        return Difference(f"the same rows in another order, from row {row + 1} on")
    if cells.differing:
        row, column, before, after = cells.first
        named = ", ".join(str(old[key][row]) for key in list(old)[:3] if key != column)
        return Difference(
            f"row {row + 1} ({named}), column {column}: {before} recorded, {after} found; "
            + cells.amount(),
            within=cells.within,
        )
    if about_old != about_new:
        key = next(k for k in {**about_old, **about_new} if about_old.get(k) != about_new.get(k))
        return Difference(f"{key}: {about_old.get(key)} recorded, {about_new.get(key)} found")
    return Difference("", same=True)


def compare_json(recorded: Path, found: Path, loose: bool = False) -> Difference:
    """Compare two JSON files, key by key in their order."""
    old, new = (dict(_leaves(json.loads(path.read_text("utf-8")))) for path in (recorded, found))
    cells = _Cells(loose)
    for place in {**old, **new}:
        cells.compare(0, place, old.get(place, NOTHING), new.get(place, NOTHING))
    if cells.differing:
        _, place, before, after = cells.first
        return Difference(
            f"at {place}: {before} recorded, {after} found; {cells.amount()}", within=cells.within
        )
    if list(old) != list(new):
        return Difference("the same values in another order")
    return Difference("", same=True)


class _Cells:
    """The values that differ: how many, by how much at most, and the first of them."""

    def __init__(self, loose: bool):
        self.tolerance = LOOSE if loose else TOLERANCE
        self.loose = loose
        self.differing = 0
        self.compared = 0
        self.largest = 0.0  # of the differences between numbers, in parts of what they measure
        self.exact = True  # whether all that must be equal is
        self.first: tuple | None = None

    @property
    def within(self) -> bool:
        return self.exact and self.largest <= self.tolerance

    def amount(self) -> str:
        size = f", numbers by at most {self.largest:.1g} of their size" if self.largest else ""
        differ = "differs" if self.differing == 1 else "differ"
        return f"{self.differing:,} of {self.compared:,} values {differ}{size}"

    def compare_columns(self, name: str, old: Sequence, new: Sequence) -> None:
        """Compare a column; numbers count relative to the largest of the column, if that is more.

        A bias near zero is the difference of values that are not.
        """
        if _is_float(old) and _is_float(new):
            different = ~((old == new) | (np.isnan(old) & np.isnan(new)))
            finite = np.abs(old[np.isfinite(old)])
            scale = float(finite.max()) if finite.size else 0.0
        else:
            pairs = zip(map(_plain, old), map(_plain, new), strict=True)
            different = np.array([a != b for a, b in pairs], bool)
            scale = max((abs(x) for x in map(_number, old) if x and math.isfinite(x)), default=0.0)
        self.compared += len(old) - np.count_nonzero(different)
        for row in np.flatnonzero(different):
            self.compare(int(row), name, _plain(old[row]), _plain(new[row]), scale)

    def compare(self, row: int, column: str, old, new, scale: float = 0.0) -> None:
        self.compared += 1
        if old == new and type(old) is type(new):
            return
        self.differing += 1
        if self.first is None or row < self.first[0]:
            self.first = (row, column, _shown(old), _shown(new))
        before, after = _number(old), _number(new)
        whole = _is_whole(old) and _is_whole(new) and not self.loose
        if before is None or after is None or whole:
            self.exact = False
            return
        scale = max(scale, abs(before), abs(after))
        off = abs(after - before) / scale if scale and math.isfinite(scale) else 0.0
        if not math.isfinite(off) or math.isfinite(before) != math.isfinite(after):
            self.exact = False
        self.largest = max(self.largest, off)


def _read_table(path: Path) -> tuple[dict[str, Sequence], dict]:
    """Return columns, and what is said of them."""
    if path.suffix == ".parquet":
        table = tables.read(path)
        said = {f"unit of {name}": unit for name, unit in table.units.items()}
        said |= {f"type of {name}": str(v.dtype) for name, v in table.columns.items()}
        return dict(table.columns), said | {f"about {k}": v for k, v in table.about.items()}
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = [*csv.reader(file)] or [[]]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} values, the header {len(header)}")
    return {name: [row[i] for row in rows] for i, name in enumerate(header)}, {}


def _other_columns(old: list[str], new: list[str]) -> str:
    said = [
        f"column{'s' if len(names) > 1 else ''} {', '.join(names)} {what}"
        for names, what in (
            ([name for name in new if name not in old], "not recorded"),
            ([name for name in old if name not in new], "recorded, not found"),
        )
        if names
    ]
    return "; ".join(said) or f"columns in another order: {', '.join(new)}"


def _same_rows(old: Mapping, new: Mapping) -> bool:
    before, after = (
        sorted(repr([_plain(value) for value in row]) for row in zip(*t.values(), strict=True))
        for t in (old, new)
    )
    return before == after


def _leaves(value, place: str = "") -> list[tuple[str, object]]:
    if isinstance(value, dict) and value:
        return [leaf for key, item in value.items() for leaf in _leaves(item, f"{place}/{key}")]
    if isinstance(value, list) and value:
        return [leaf for i, item in enumerate(value) for leaf in _leaves(item, f"{place}/{i}")]
    return [(place or "/", value)]


def _is_float(column) -> bool:
    return isinstance(column, np.ndarray) and column.dtype.kind == "f"


def _plain(value):
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _number(value) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _is_whole(value) -> bool:
    if isinstance(value, str):
        return value.lstrip("+-").isdecimal()
    return isinstance(value, int)


def _shown(value) -> str:
    if value is NOTHING:
        return "nothing"
    text = repr(value) if isinstance(value, float) else str(value)
    return (text if len(text) <= 60 else f"{text[:57]}…") or "an empty value"
