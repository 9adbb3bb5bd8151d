"""Whether a package is whole and agrees with itself, whoever made it and wherever it was.

Every description is taken apart into statements: *this file says that that fact of this subject
has this value*. Statements on one fact of one subject must have one value, whoever makes them, and
whoever should state a fact must. Validators look at one description at a time and cannot see that.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import yaml

from bioagree.errors import InputError
from bioagree.publication import stated
from bioagree.publication.contents import (
    CRATE,
    DATAPACKAGE,
    DESCRIPTORS,
    FORMAT,
    MANIFEST,
    REUSE,
)
from bioagree.publication.opened import Opened
from bioagree.publication.reuse import FOLDER
from bioagree.publication.stated import ITSELF, PACKAGE, Statement
from bioagree.publication.values import check_values

# What other content than expected makes of the readers.
UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    StopIteration,
    RecursionError,
    yaml.YAMLError,
)
SHOWN = 5  # faults of a package that was just made
OF_A_FILE = {
    "sha256": (MANIFEST, DATAPACKAGE, CRATE),
    "size": (DATAPACKAGE, CRATE),
    "licence": (DATAPACKAGE, CRATE, REUSE),
}


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Parameters
    ----------
    files, size : int
        How many files the package has, and their bytes.
    statements : int
        How many statements were compared.
    faults : tuple of str
        One sentence each; empty for a package that is in order.
    """

    files: int
    size: int
    statements: int
    faults: tuple[str, ...]

    @property
    def summary(self) -> str:
        """One sentence on the whole."""
        seen = f"{self.files:,} files, {self.size / 1e6:,.1f} MB, {self.statements:,} statements"
        if self.faults:
            return f"{seen}: {len(self.faults):,} do not hold"
        return f"{seen}: all agree"


def check(package: Opened, progress: Callable[[Sequence[str]], Iterable[str]] = iter) -> Checked:
    """Check a package: whole, unchanged, and of one voice.

    Parameters
    ----------
    package : Opened
        The package.
    progress : callable, optional
        Takes the names of the files, yields them, and shows how far one has come.

    Raises
    ------
    InputError
        When it is no package, or one of another format.
    """
    check_format(package)
    missing = [name for name in DESCRIPTORS if name not in package.names]
    faults = [f"{name} is missing" for name in missing]
    statements: list[Statement] = []
    size = 0
    for name in progress(package.names):
        measured = package.measure(name)
        size += measured.size
        statements.append(Statement("sha256", name, measured.sha256, ITSELF))
        statements.append(Statement("size", name, str(measured.size), ITSELF))
    for name, read in stated.READERS.items():
        if name in missing:
            continue
        try:
            statements += read(package)
        except UNREADABLE as error:
            faults.append(f"{name} cannot be read as what it should be ({_reason(error)})")
            missing.append(name)
    faults += _undeclared(package.names, statements, missing)
    faults += _unequal(statements)
    faults += _unsaid(statements, package.names, missing)
    if DATAPACKAGE not in missing:
        faults += check_values(package)
    return Checked(len(package.names), size, len(statements), tuple(faults))


def refuse(found: Checked) -> None:
    """Refuse a package with faults.

    Raises
    ------
    InputError
        Names the first of them.
    """
    if found.faults:
        more = len(found.faults) - SHOWN
        told = "; ".join(found.faults[:SHOWN]) + (f"; and {more} more" if more > 0 else "")
        raise InputError(f"the package does not agree with itself, so it is not kept: {told}")


def check_format(package: Opened) -> None:
    """Refuse what is no package, and packages that other versions made.

    Raises
    ------
    InputError
        One sentence.
    """
    if DATAPACKAGE not in package.names:
        raise InputError(
            f"{package.path} is no package of bioagree: it holds no {DATAPACKAGE} at its root"
        )
    found = stated.format_of(package)
    if found != FORMAT:
        raise InputError(
            f"{package.path} has the format {found} by its {DATAPACKAGE}, and this version of "
            f"bioagree checks packages of format {FORMAT}; take the one in its own folder workflow"
        )


def _undeclared(
    names: Sequence[str], statements: Iterable[Statement], missing: Sequence[str]
) -> Iterator[str]:
    """Yield files that no description declares, and declared ones that are not there."""
    declared: dict[str, set[str]] = defaultdict(set)
    for one in statements:
        if one.fact == "file":
            declared[one.file].add(one.subject)
    for file, subjects in declared.items():
        if file not in missing:
            for name in sorted(set(names) - subjects - {file}):
                yield f"{name} is in the package, but {file} does not declare it"
    everywhere = set().union(*declared.values()) - set(names)
    for name in sorted(everywhere):
        by = ", ".join(sorted(file for file in declared if name in declared[file]))
        yield f"{name} is declared by {by}, but missing"


def _unequal(statements: Iterable[Statement]) -> Iterator[str]:
    """Yield facts on which statements differ."""
    groups: dict[tuple[str, str], list[Statement]] = defaultdict(list)
    for one in statements:
        if one.fact != "file":
            groups[one.subject, one.fact].append(one)
    for (subject, fact), said in sorted(groups.items()):
        by_value: dict[str, list[str]] = defaultdict(list)
        for one in said:
            if one.place not in by_value[one.value]:
                by_value[one.value].append(one.place)
        if len(by_value) > 1:
            told = "; ".join(f"{value} in {', '.join(by)}" for value, by in by_value.items())
            yield f"{subject}: different {fact}: {told}"


def _unsaid(
    statements: Sequence[Statement], names: Sequence[str], missing: Sequence[str]
) -> Iterator[str]:
    """Yield facts that a description should state and does not."""
    said = {(one.file, one.fact, one.subject) for one in statements}
    known = {one.fact for one in statements if one.subject == PACKAGE}
    for fact, files in stated.EXPECTED.items():
        for file in files:
            if fact in known and file not in missing and (file, fact, PACKAGE) not in said:
                yield f"{file} does not state the {fact} of the package, as others do"
    for fact, files in OF_A_FILE.items():
        for file in files:
            for name in names if file not in missing else ():
                if _must_say(file, fact, name) and (file, fact, name) not in said:
                    yield f"{file} does not state the {fact} of {name}"


def _must_say(file: str, fact: str, name: str) -> bool:
    if file == REUSE:
        return not name.startswith(f"{FOLDER}/")  # the texts of licences have none themselves
    return name not in DESCRIPTORS or (file == MANIFEST and name != MANIFEST)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"no {text}" if isinstance(error, KeyError) else text or type(error).__name__
