"""True lineages: which branch came from which, read from the files that people deposit.

A branch is one cell from its appearance, or its mother's division, to its own division or end. In
the label images of a truth, the label of an object is the number of its branch.
"""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bioagree.errors import InputError
from bioagree.tables import Columns, Table, from_rows
from bioagree.tracks.forest import KEYS

TYPES = {"branch": int, "parent": int, "begin": int, "end": int, "line": int}
POSITION = ("Spot position Z", "Spot position Y", "Spot position X")


def read_man_track(path: str | Path) -> Columns:
    """Read the ``man_track.txt`` of the Cell Tracking Challenge.

    Each line has four whole numbers: label, first frame, last frame, label of the parent or 0 [1]_.

    Returns
    -------
    dict of str to numpy.ndarray
        `branch`, `parent` (0 for none), `begin`, `end` (first and last frame), and `line`, where
        the file says so.

    Raises
    ------
    InputError
        With file and line.

    References
    ----------
    .. [1] Cell Tracking Challenge: naming and file content conventions, annotations.
    """
    rows = []
    for line, text in enumerate(_open(path).splitlines(), start=1):
        if not text.strip():
            continue
        try:
            branch, begin, end, parent = (int(value) for value in text.split())
        except ValueError:
            raise InputError(
                f"{path}, line {line} is {text!r}; four whole numbers are expected: label, first "
                "frame, last frame, label of the parent or 0"
            ) from None
        rows.append(dict(zip(TYPES, (branch, parent, begin, end, line), strict=True)))
    return _checked(rows, path)


def read_branches(
    path: str | Path, *, branch: str = "branch", parent: str = "parent", header_lines: int = 1
) -> Columns:
    """Read a CSV with one line for each branch.

    Parameters
    ----------
    path : str or Path
        The file.
    branch, parent : str
        Names of the columns; an empty parent, or 0, is none.
    header_lines : int
        Lines before the first branch; the first of them has the names.

    Returns
    -------
    dict of str to numpy.ndarray
        As :func:`read_man_track`; `begin` and `end` are -1, since the file does not say.

    Raises
    ------
    InputError
        With file and line.
    """
    rows = []
    for line, cells in _cells(path, (branch, parent), header_lines):
        numbers = [_whole(cell or "0", path, line) for cell in cells]
        rows.append(dict(zip(TYPES, (*numbers, -1, -1, line), strict=True)))
    return _checked(rows, path)


def read_spots(
    path: str | Path,
    *,
    branch: str = "Branch spot ID",
    tree: str = "Spot track ID",
    frame: str = "frame",
    incoming: str = "Spot N links incoming",
    outgoing: str = "Spot N links outgoing",
    position: tuple[str, ...] = POSITION,
    header_lines: int = 3,
    first_label: int = 1,
) -> Columns:
    """Read a table of spots that names branches and trees, but no parents, as Mastodon exports.

    Parameters
    ----------
    path : str or Path
        A CSV with one line for each object and frame.
    branch, tree, frame : str
        Names of the columns with the number of the branch (from 0 on), the number of the connected
        tree it belongs to, and the frame.
    incoming, outgoing : str
        Names of the columns that count the links to earlier and later spots.
    position : tuple of str
        Names of the columns with the position, all in one unit of length.
    header_lines : int
        Lines before the first spot; the first of them has the names.
    first_label : int
        Label of branch 0 in the label images.

    Returns
    -------
    dict of str to numpy.ndarray
        As :func:`read_man_track`, one row for each branch; `line` is that of its first spot.

    Raises
    ------
    InputError
        With file and line, also where a branch that begins with a link has no possible parent.

    Notes
    -----
    The parent of a branch that begins with an incoming link is the branch of the same tree that
    ends in the frame before with at least two outgoing links. Where several do, daughters are
    shared out so that the sum of the squared distances from mother to daughter is least, each
    mother getting as many as it has links.
    """
    spots = []
    for line, cells in _cells(
        path, (branch, tree, frame, incoming, outgoing, *position), header_lines
    ):
        numbers = [_whole(cell, path, line) for cell in cells[:5]]
        place = [_real(cell, path, line) for cell in cells[5:]]
        spots.append((*numbers, line, place))
    spots.sort(key=lambda spot: (spot[0], spot[2]))
    begins = {spot[0]: spot for spot in reversed(spots)}
    ends = {spot[0]: spot for spot in spots}
    parents = _parents(begins, ends, path)
    return _checked(
        [
            {
                "branch": number + first_label,
                "parent": parents[number] + first_label if number in parents else 0,
                "begin": begins[number][2],
                "end": ends[number][2],
                "line": begins[number][5],
            }
            for number in ends
        ],
        path,
    )


READERS: dict[str, Callable[..., Columns]] = {
    "man_track": read_man_track,
    "branches": read_branches,
    "spots": read_spots,
}


def read_lineage(path: str | Path, *, format: str, **columns) -> Columns:
    """Read a lineage in one of the formats of :data:`READERS`, whose parameters are `columns`.

    Raises
    ------
    InputError
        When the format is unknown, or as the reader says.
    """
    if format not in READERS:
        raise InputError(
            f"{path}: lineage format {format!r} is unknown; allowed are {', '.join(READERS)}"
        )
    return READERS[format](path, **columns)


def check(branches: Columns, objects: Columns, where: str | Path) -> None:
    """Check that lineage and labels are of each other.

    Parameters
    ----------
    branches : dict of str to numpy.ndarray
        What :func:`read_lineage` returned.
    objects : dict of str to numpy.ndarray
        `frame` and `label` of every object of the movie.
    where : str or Path
        The file of the lineage, for the message.

    Raises
    ------
    InputError
        When a branch is not in the labels or in other frames than stated, a label is no branch,
        or a parent does not end before its daughter begins; with the line of the file.
    """
    labels, index = np.unique(objects["label"], return_inverse=True)
    begin = np.full(len(labels), np.iinfo(np.int64).max)
    end = np.full(len(labels), -1)
    np.minimum.at(begin, index, objects["frame"])
    np.maximum.at(end, index, objects["frame"])
    frames = {int(b): (int(s), int(e)) for b, s, e in zip(labels, begin, end, strict=True)}
    for row in _rows(branches):
        here = f"{where}, line {row['line']}: branch {row['branch']}"
        if row["branch"] not in frames:
            raise InputError(
                f"{here} is in no label image; every branch must be the label of an object"
            )
        first, last = frames[row["branch"]]
        if row["begin"] >= 0 and (first, last) != (row["begin"], row["end"]):
            raise InputError(
                f"{here} has the frames {row['begin']} to {row['end']}, but its label occurs in "
                f"{first} to {last}"
            )
        if row["parent"] and frames[row["parent"]][1] >= first:
            raise InputError(
                f"{here} begins in frame {first}, but its parent {row['parent']} is there until "
                f"frame {frames[row['parent']][1]}; a parent ends before"
            )
    for label in np.setdiff1d(labels, branches["branch"])[:1]:
        raise InputError(
            f"{where} has no branch {label}, which is a label in frame {frames[int(label)][0]}; "
            "every label must be a branch"
        )


def true_tracks(objects: Table, branches: Columns) -> Table:
    """Return the tracks that the labels of a truth are, in the form that `link` returns.

    Parameters
    ----------
    objects : Table
        `image`, `frame` and `label`, the label being the branch.
    branches : dict of str to numpy.ndarray
        `branch` and `parent`; and `image`, when the branches of several images are listed.

    Returns
    -------
    Table
        In the order of `objects`.
    """
    columns = {name: objects.columns[name] for name in KEYS}
    everywhere = "image" not in branches
    images = [None] * len(branches["branch"]) if everywhere else branches["image"].tolist()
    keys = zip(images, branches["branch"].tolist(), strict=True)
    parents = dict(zip(keys, branches["parent"].tolist(), strict=True))
    parent = [
        parents.get((None if everywhere else image, label), 0)
        for image, label in zip(columns["image"].tolist(), columns["label"].tolist(), strict=True)
    ]
    columns |= {"track": columns["label"], "parent": np.array(parent, dtype=np.int64)}
    return Table(columns, {}, {"images": objects.about.get("images", [])})


def _parents(begins: dict, ends: dict, path) -> dict[int, int]:
    """Return the parent of each branch that has one."""
    from scipy.optimize import linear_sum_assignment

    mothers: dict[tuple, list[int]] = {}
    daughters: dict[tuple, list[int]] = {}
    for number, (_, tree, frame, _, outgoing, *_) in ends.items():
        if outgoing >= 2:
            mothers.setdefault((tree, frame + 1), []).extend([number] * outgoing)
    for number, (_, tree, frame, incoming, *_) in begins.items():
        if incoming:
            daughters.setdefault((tree, frame), []).append(number)
    parents = {}
    for key, young in daughters.items():
        places = mothers.get(key, [])
        if len(places) != len(young):
            raise InputError(
                f"{path}, line {begins[young[0]][5]}: {len(young)} branches of tree {key[0]} begin "
                f"in frame {key[1]} with a link, but {len(places)} links lead there from the "
                "divisions in the frame before"
            )
        start = np.array([ends[number][6] for number in places])
        stop = np.array([begins[number][6] for number in young])
        cost = ((stop[:, None] - start) ** 2).sum(axis=-1)
        for child, mother in zip(*linear_sum_assignment(cost), strict=True):
            parents[young[child]] = places[mother]
    return parents


def _checked(rows: list[dict], path) -> Columns:
    """Turn the rows into columns once every branch is named once, and every parent is a branch."""
    lines: dict[int, int] = {}
    for row in rows:
        if row["branch"] < 1 or row["branch"] in lines:
            raise InputError(
                f"{path}, line {row['line']}: branch {row['branch']} is not a whole number from 1 "
                f"on that occurs once{_first(lines, row['branch'])}"
            )
        lines[row["branch"]] = row["line"]
    for row in rows:
        if row["parent"] and row["parent"] not in lines or row["parent"] == row["branch"]:
            raise InputError(
                f"{path}, line {row['line']}: branch {row['branch']} has the parent "
                f"{row['parent']}, which is no other branch of this file; 0 is none"
            )
    return from_rows(rows, TYPES)


def _first(lines: dict[int, int], branch: int) -> str:
    return f"; it is in line {lines[branch]} already" if branch in lines else ""


def _rows(columns: Columns) -> Iterator[dict]:
    for values in zip(*(columns[name].tolist() for name in TYPES), strict=True):
        yield dict(zip(TYPES, values, strict=True))


def _cells(path, names: tuple[str, ...], header_lines: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the named cells of each line of a CSV."""
    lines = csv.reader(_open(path).splitlines())
    header = next(lines, [])
    for name in names:
        if name not in header:
            raise InputError(f"{path} has no column {name!r}; it has {', '.join(header)}")
    places = [header.index(name) for name in names]
    for line, cells in enumerate(lines, start=2):
        if line <= header_lines or not cells:
            continue
        if len(cells) <= max(places):
            raise InputError(f"{path}, line {line} has {len(cells)} of {len(header)} cells")
        yield line, [cells[place].strip() for place in places]


def _open(path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text ({error})") from error


def _whole(cell: str, path, line: int) -> int:
    try:
        return int(cell)
    except ValueError:
        raise InputError(f"{path}, line {line}: {cell!r} is no whole number") from None


def _real(cell: str, path, line: int) -> float:
    try:
        return float(cell)
    except ValueError:
        raise InputError(f"{path}, line {line}: {cell!r} is no number") from None
