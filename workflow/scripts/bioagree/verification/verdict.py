"""The verdict on a run, product by product, against a run that was recorded.

Bytes are promised where software, processors and devices are those of the recorded run. Where they
are not, contents are promised within the tolerances of :mod:`pixels`, :mod:`values` and
:mod:`meshes`; of pictures, pages and models then only that they are there, since a picture of
numbers within tolerance need not have the same bytes. A file that is not what its own job wrote is
never reproduced.
"""

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from bioagree.hashing import sha256_of
from bioagree.verification import meshes, pixels, values
from bioagree.verification.difference import Difference
from bioagree.verification.provenance import Run, kind_of, strays
from bioagree.verification.recordings import Recording


class Found(StrEnum):
    """What became of a product."""

    IDENTICAL = "identical"
    EQUAL = "same content, other bytes"
    CLOSE = "within tolerance"
    THERE = "there, not compared"
    DIFFERENT = "DIFFERENT"
    EDITED = "CHANGED BY HAND"
    UNREADABLE = "UNREADABLE"
    MISSING = "MISSING"
    UNEXPECTED = "UNEXPECTED"


PROMISES = {"rendered": "presence", "model": "presence"}
WIDTH = 100  # of a terminal
LISTED = 5  # names in a sentence


@dataclass(frozen=True)
class Row:
    """The verdict on one product.

    Parameters
    ----------
    path : str
        Below the results.
    promised : str
        ``bytes``, ``tolerance`` or ``presence``; empty for what was not recorded.
    found : Found
        What became of it.
    difference : str
        By how much, and where; empty if there is none.
    reproduced : bool
        Whether the promise was kept.
    sha256 : str
        Of the file that was found; empty if there is none.
    """

    path: str
    promised: str
    found: Found
    difference: str = ""
    reproduced: bool = True
    sha256: str = ""


@dataclass(frozen=True)
class Verdict:
    """The verdict on a run.

    Parameters
    ----------
    rows : list of Row
        By path.
    notes : list of str
        What else differs between the runs: code, parameters, software, machines.
    begins : list of str
        Products that differ although all that they were made from is as recorded.
    """

    rows: list[Row]
    notes: list[str]
    begins: list[str] = field(default_factory=list)

    @property
    def reproduced(self) -> int:
        """How many products were reproduced."""
        return sum(row.reproduced for row in self.rows)

    @property
    def complete(self) -> bool:
        """Whether everything was reproduced, and nothing was added."""
        return self.reproduced == len(self.rows)


def verify(
    run: Run,
    recording: Recording,
    results: Path,
    progress: Callable[[Sequence[str]], Iterable[str]] = iter,
) -> Verdict:
    """Compare a run with a recorded one.

    Parameters
    ----------
    run : Run
        What this study's jobs left on record.
    recording : Recording
        What to compare with.
    results : Path
        The folder that holds the products.
    progress : callable, optional
        Takes the paths that will be compared, yields them, and shows how far one has come.

    Raises
    ------
    InputError
        When the recorded run is of another study, or damaged.
    """
    recording.check_study(run.title, run.samples)
    recorded = recording.run.artefacts
    comparing = _Comparing(run, recording, results)
    # Labels first: whether they are the same decides how near the tables must be.
    order = sorted(recorded, key=lambda name: (kind_of(name) != "labels", name))
    rows = {name: comparing.row(name) for name in progress(order)}
    folders = {name.partition("/")[0] for name in recorded if "/" in name}
    for name in {*(run.artefacts.keys() - recorded.keys()), *strays(results, folders)}:
        if (results / name).is_file() and name not in rows:
            rows[name] = Row(name, "", Found.UNEXPECTED, "was not recorded", False)
    notes = _notes(run, recording.run, comparing)
    return Verdict([rows[name] for name in sorted(rows)], notes, _beginnings(rows, run))


class _Comparing:
    """Two runs side by side, and which label images turned out to differ within tolerance."""

    def __init__(self, run: Run, recording: Recording, results: Path):
        self.run, self.recording, self.results = run, recording, results
        self.other_software = _other_versions(recording.run.software, run.software)
        self.other_machines = recording.run.machines != run.machines
        self.loosened: set[str] = set()

    def row(self, name: str) -> Row:
        recorded, made = self.recording.run.artefacts[name], self.run.artefacts.get(name)
        path, promised = self.results / name, self._promise(name)
        if not path.is_file():
            why = "" if made else "no job of this study makes it"
            return Row(name, promised, Found.MISSING, why, False)
        found = sha256_of(path)
        if found == recorded.sha256:
            return Row(name, promised, Found.IDENTICAL, sha256=found)
        difference, status = self._difference(name), Found.DIFFERENT
        if difference is None:
            status, sentence = Found.UNREADABLE, "its content cannot be read"
        else:
            sentence = difference.sentence
        if made and found != made.sha256:
            return Row(name, promised, Found.EDITED, sentence or Found.EQUAL, False, found)
        if difference and difference.same:
            status = Found.EQUAL
        elif promised == "presence":
            status = Found.THERE
        elif difference and difference.within and promised == "tolerance":
            status = Found.CLOSE
            if kind_of(name) == "labels":
                self.loosened.add(name)
        kept = promised != "bytes" and status in (Found.EQUAL, Found.CLOSE, Found.THERE)
        return Row(name, promised, status, sentence, kept, found)

    def _promise(self, name: str) -> str:
        made = self.run.artefacts.get(name)
        same_device = made is None or made.devices == self.recording.run.artefacts[name].devices
        if same_device and not self.other_software and not self.other_machines:
            return "bytes"
        return PROMISES.get(kind_of(name), "tolerance")

    def _difference(self, name: str) -> Difference | None:
        """Return in what contents differ, or None when the file cannot be read any more."""
        kind, path = kind_of(name), self.results / name
        if kind in PROMISES:
            return Difference("bytes differ; of such files only the hash is recorded")
        content = self.recording.content(name)
        with TemporaryDirectory() as folder:
            recorded = Path(folder) / f"recorded{path.suffix}"
            recorded.write_bytes(content)
            try:
                if kind == "images":
                    return pixels.compare_images(json.loads(content), path)
                if kind == "labels":
                    return pixels.compare_labels(recorded, path)
                if kind == "surfaces":
                    return meshes.compare_surfaces(recorded, path)
                compare = values.compare_json if kind == "json" else values.compare_tables
                return compare(recorded, path, self._is_loose(name))
            except Exception:  # damaged files raise whatever the damage leads to
                return None

    def _is_loose(self, name: str) -> bool:
        """Return whether a product comes from labels that differ within tolerance."""
        made = self.run.artefacts.get(name)
        sources = made.sources if made else ()
        return bool(self.loosened) and any(
            source in self.loosened or self._is_loose(source) for source in sources
        )


def _beginnings(rows: Mapping[str, Row], run: Run) -> list[str]:
    """Return what differs first: not because of what it was made from."""
    failed = {name for name, row in rows.items() if not row.reproduced}
    return [
        name
        for name in sorted(failed)
        if name not in run.artefacts or not failed & set(run.artefacts[name].sources)
    ]


def _notes(run: Run, recorded: Run, comparing: _Comparing) -> list[str]:
    both = run.artefacts.keys() & recorded.artefacts.keys()
    notes = []
    for what in ("code", "parameters"):
        pairs = [(run.artefacts[name], recorded.artefacts[name]) for name in both]
        rules = {a.rule for a, b in pairs if getattr(a, what) != getattr(b, what)}
        if rules:
            notes.append(f"Other {what} than recorded: {_list(sorted(rules))}.")
    if comparing.other_software:
        notes.append(f"Other software than recorded: {_list(comparing.other_software)}.")
    if comparing.other_machines:
        there, here = (" / ".join(one.machines) for one in (recorded, run))
        only = " ".join(sorted(set(there.split()) - set(here.split()))) or "nothing more"
        new = " ".join(sorted(set(here.split()) - set(there.split()))) or "nothing more"
        notes.append(f"Other processors than recorded: {new}; recorded: {only}.")
    there, here = (
        {device for artefact in one.artefacts.values() for device in artefact.devices}
        for one in (recorded, run)
    )
    if there != here:
        notes.append(
            f"Other devices than recorded: {_list(sorted(here))}; recorded: {_list(sorted(there))}."
        )
    return notes


def _other_versions(recorded: Mapping, found: Mapping) -> list[str]:
    return [
        f"{name} {', '.join(found[name])} (recorded {', '.join(recorded[name])})"
        for name in sorted(recorded.keys() & found.keys())
        if recorded[name] != found[name]
    ]


def table(verdict: Verdict, recording: Recording, results: Path) -> str:
    """Return the verdict as text for a terminal, the last line of which sums it up."""
    heads = ("product", "promised", "found")
    paths = [str(results / row.path) for row in verdict.rows]
    first = min(max(map(len, [*paths, heads[0]])), WIDTH - 40)
    lines = [f"Recorded run: {recording.path} ({recording.run.title})", *verdict.notes, ""]
    lines = [part for line in lines for part in _wrap(line) or [""]]
    lines.append(f"{heads[0]:<{first}}  {heads[1]:<9}  {heads[2]}")
    for path, row in zip(paths, verdict.rows, strict=True):
        if len(path) > first:
            lines.append(path)
            path = ""
        lines.append(f"{path:<{first}}  {row.promised:<9}  {row.found}".rstrip())
        if row.difference and row.found != Found.THERE:
            lines += _wrap(row.difference, "    ")
    return "\n".join([*lines, "", *_sum_up(verdict, results)])


def _sum_up(verdict: Verdict, results: Path) -> list[str]:
    counts = Counter(row.found for row in verdict.rows)
    lines = ["; ".join(f"{count} {found}" for found, count in counts.most_common())]
    if verdict.begins:
        plural = (
            "Differences begin with" if len(verdict.begins) > 1 else "The difference begins with"
        )
        lines.append(f"{plural} {_list([str(results / name) for name in verdict.begins])}.")
    lines.append(f"{verdict.reproduced} of {len(verdict.rows)} artefacts reproduced")
    return [part for line in lines for part in _wrap(line)]


def columns(verdict: Verdict, run: Run, recording: Recording) -> dict[str, list]:
    """Return the verdict as the columns of a table."""
    recorded = recording.run.artefacts
    makers = {**recorded, **run.artefacts}
    return {
        "artefact": [row.path for row in verdict.rows],
        "rule": [makers[row.path].rule if row.path in makers else "" for row in verdict.rows],
        "promised": [row.promised for row in verdict.rows],
        "found": [row.found.lower() for row in verdict.rows],
        "reproduced": [row.reproduced for row in verdict.rows],
        "difference": [row.difference for row in verdict.rows],
        "recorded_sha256": [
            recorded[row.path].sha256 if row.path in recorded else "" for row in verdict.rows
        ],
        "found_sha256": [row.sha256 for row in verdict.rows],
    }


def _wrap(text: str, indent: str = "") -> list[str]:
    """Break lines between words, but not within paths."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _list(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return (", ".join(names[:LISTED]) or "none") + more
