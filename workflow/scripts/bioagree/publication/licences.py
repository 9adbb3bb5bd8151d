"""Which licence may stand on what is made from licensed data, by Creative Commons' rules.

An adaptation is made from its sources (labels, tables, figures), so it must obey the licences of
all of them at once; a collection (a report, a package) only holds its items, and each keeps its
own. docs/licences.md has the rule behind each decision, with its source.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from bioagree.errors import InputError

PUBLIC_DOMAIN = ("CC0-1.0", "CC-PDM-1.0", "PDDL-1.0")
# They ask that their notices are kept, and leave the licence of what is made to its makers.
NOTICE = ("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT")
ASKING_FOR_COPYRIGHT = ("BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT")  # of whoever holds it
VERSIONS = ("1.0", "2.0", "2.5", "3.0", "4.0")
NEWEST = VERSIONS[-1]  # the only one with which Creative Commons advises to license new work
# The national versions that SPDX knows; there are none of version 4.0.
PORTS = {
    "BY": ("2.5-AU", "3.0-AT", "3.0-AU", "3.0-DE", "3.0-IGO", "3.0-NL", "3.0-US"),
    "BY-NC": ("3.0-DE",),
    "BY-NC-ND": ("3.0-DE", "3.0-IGO"),
    "BY-NC-SA": ("2.0-DE", "2.0-FR", "2.0-UK", "3.0-DE", "3.0-IGO"),
    "BY-ND": ("3.0-DE",),
    "BY-SA": ("2.0-UK", "2.1-JP", "3.0-AT", "3.0-DE", "3.0-IGO"),
}
_CC = {
    f"CC-{elements}-{version}": (frozenset(elements.split("-")), version)
    for elements, ports in PORTS.items()
    for version in (*VERSIONS, *ports)
}
NO_DERIVATIVES = tuple(sorted(name for name, (elements, _) in _CC.items() if "ND" in elements))
ACCEPTED = tuple(sorted({*PUBLIC_DOMAIN, *NOTICE, *_CC} - set(NO_DERIVATIVES)))
# What a study may ask for.
WANTED = ("CC0-1.0", *(f"CC-{e}-{NEWEST}" for e in ("BY", "BY-NC", "BY-NC-SA", "BY-SA")))
ACCEPTED_IN_WORDS = (
    f"{', '.join((*PUBLIC_DOMAIN, *NOTICE))}, and CC-BY, CC-BY-SA, CC-BY-NC and CC-BY-NC-SA, each "
    f"with one of the versions {', '.join(VERSIONS)} or a national version such as 3.0-DE"
)


@dataclass(frozen=True)
class Adaptation:
    """What may stand on what is made from licensed sources.

    Parameters
    ----------
    licence : str
        SPDX expression: the licence of what was added, and of all notices that are kept.
    because : tuple of str
        Names of the sources that forbid the licence that was asked for; empty where they allow it.
    """

    licence: str
    because: tuple[str, ...] = ()


def parse(expression: str, where: str) -> tuple[str, ...]:
    """Return the licences that apply together, by an expression such as ``CC0-1.0 AND MIT``.

    Parameters
    ----------
    expression : str
        SPDX identifiers joined by AND.
    where : str
        What states it, for the message.

    Raises
    ------
    InputError
        Names what is not accepted, and what is.
    """
    names = tuple(dict.fromkeys(re.split(r" +AND +", expression.strip())))
    for name in names:
        if name in _CC or name in ACCEPTED:
            continue
        if re.search(r"(?i)\bOR\b", name):
            raise InputError(
                f"{where} states the licence {expression!r}, which is a choice; write the one that "
                "you take"
            )
        raise InputError(
            f"{where} states the licence {name!r}, which is not accepted{_meant(name)}; allowed "
            f"are SPDX identifiers, several joined by AND: {ACCEPTED_IN_WORDS}"
        )
    return names


def adapt(sources: Mapping[str, str], wanted: str, made: str) -> Adaptation:
    """Return the licence of what is made from sources.

    Parameters
    ----------
    sources : mapping
        Licence expressions by the names of the sources.
    wanted : str
        One of :data:`WANTED`, taken where the sources allow it; else the nearest that they require.
    made : str
        What combines them, for the message, such as ``question 'quality'``.

    Raises
    ------
    InputError
        When no licence obeys all sources: names two that conflict, and why.

    Examples
    --------
    >>> adapt({"a": "CC-BY-3.0", "b": "MIT"}, "CC-BY-4.0", "a table").licence
    'CC-BY-4.0 AND MIT'
    >>> adapt({"a": "CC-BY-4.0", "b": "CC-BY-SA-3.0"}, "CC-BY-4.0", "a table")
    Adaptation(licence='CC-BY-SA-4.0', because=('b',))
    """
    check_wanted(wanted, "publication.licence")
    stated = _stated(sources)
    check(sources, made)
    required = frozenset().union(*(_elements(licence) for _, licence in stated))
    asked = _elements(wanted)
    if any("SA" in _elements(licence) for _, licence in stated):
        old = [licence for _, licence in stated if _is_closed(licence)]
        base = old[0] if old else _newest(required)
    else:
        base = _newest(required | asked) if required | asked else wanted
    because = ()
    if base != wanted:
        because = tuple(sorted({name for name, licence in stated if not _allows(licence, wanted)}))
    kept = {licence for _, licence in stated if licence in NOTICE}
    return Adaptation(_joined({base} | kept), because)


def check(sources: Mapping[str, str], made: str) -> None:
    """Check that something may be made from all sources together.

    Parameters
    ----------
    sources, made
        As for :func:`adapt`.

    Raises
    ------
    InputError
        Names the sources that conflict, their licences, and why.
    """
    stated = _stated(sources)
    for name, licence in stated:
        if "ND" in _elements(licence):
            raise InputError(
                f"{name} is {licence}, which forbids to share what is made from it, and {made} is "
                "made from it; leave it out, or ask its creators for another licence"
            )
    shared = [(name, licence) for name, licence in stated if "SA" in _elements(licence)]
    for name, licence in shared:
        for other, second in stated:
            if reason := _conflict(licence, second):
                named = (
                    f"{name} states {licence} and {second}, which"
                    if name == other
                    else f"{name} ({licence}) and {other} ({second})"
                )
                raise InputError(
                    f"{named} cannot be combined as {made} does: {reason}; keep them apart, or ask "
                    "the creators of one for another licence (docs/licences.md)"
                )


def check_wanted(licence: str, where: str) -> None:
    """Check the licence that a study asks for.

    Raises
    ------
    InputError
        Names what is allowed.
    """
    if licence not in WANTED:
        close = difflib.get_close_matches(licence.upper(), WANTED, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise InputError(
            f"{where} is {licence!r}; allowed are {', '.join(WANTED)}{hint}: licences of new data "
            "from which others may make something in turn"
        )


def collection(expressions: Iterable[str]) -> str:
    """Return the expression of things that lie side by side, each under its own licence.

    Examples
    --------
    >>> collection(["CC-BY-4.0 AND MIT", "CC0-1.0", "MIT"])
    'CC-BY-4.0 AND CC0-1.0 AND MIT'
    """
    return _joined({name for text in set(expressions) for name in ids(text)})


def ids(expression: str) -> tuple[str, ...]:
    """Return the identifiers of an expression that was checked before."""
    return tuple(expression.split(" AND "))


def is_commercial(expression: str) -> bool:
    """Say whether all of it may be used commercially; one non-commercial item forbids that."""
    return not any("NC" in _elements(name) for name in ids(expression))


def asks_for_copyright(expression: str) -> list[str]:
    """Return the licences of an expression that ask for the copyright notice of the source."""
    return [name for name in ids(expression) if name in ASKING_FOR_COPYRIGHT]


def url(licence: str) -> str:
    """Return the address of a licence: its publisher's, as Creative Commons wants to be cited."""
    if licence == "CC0-1.0":
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    if licence == "CC-PDM-1.0":
        return "https://creativecommons.org/publicdomain/mark/1.0/"
    if licence in _CC:
        elements = re.sub(r"^CC-|-\d.*", "", licence).lower()
        version = _CC[licence][1].lower().replace("-", "/")
        # Its first version has the elements in another order.
        elements = "by-nd-nc" if licence == "CC-BY-NC-ND-1.0" else elements
        return f"https://creativecommons.org/licenses/{elements}/{version}/"
    return f"https://spdx.org/licenses/{licence}.html"


def _stated(sources: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return every source with each of its licences, in an order that is always the same."""
    return sorted((name, licence) for name in sources for licence in parse(sources[name], name))


def _elements(licence: str) -> frozenset[str]:
    """Return the elements of a Creative Commons licence; none for others."""
    return _CC[licence][0] if licence in _CC else frozenset()


def _is_closed(licence: str) -> bool:
    """Say whether adaptations may have no other licence, not even a later version."""
    return "SA" in _elements(licence) and _CC[licence][1] == "1.0"


@cache
def _newest(elements: frozenset[str]) -> str:
    order = ("BY", "NC", "SA")
    return "-".join(["CC", *(one for one in order if one in elements), NEWEST])


def _conflict(shared: str, other: str) -> str:
    """Return why something cannot be made from both; empty when it can."""
    if _elements(other) - _elements(shared):  # NC
        return (
            f"what is made from {shared} must be shared under the same terms, which allow "
            f"commercial use, and {other} forbids that"
        )
    if "SA" not in _elements(other):
        return ""
    if _elements(other) != _elements(shared):
        return _conflict(other, shared)
    if shared != other and (_is_closed(shared) or _is_closed(other)):
        closed, later = (shared, other) if _is_closed(shared) else (other, shared)
        return (
            f"what is made from {closed} must be under that very version, and what is made from "
            f"{later} under that or a later one"
        )
    return ""


def _allows(licence: str, result: str) -> bool:
    """Say whether what is made from one source may be under a licence of :data:`WANTED`."""
    elements = _elements(licence)
    if "SA" in elements:
        return _elements(result) == elements and not _is_closed(licence)
    return elements <= _elements(result)


def _joined(names: Collection[str]) -> str:
    return " AND ".join(sorted(names))


def _meant(name: str) -> str:
    """Return a hint at what was meant, such as another case or an old name."""
    every = {one.lower(): one for one in (*ACCEPTED, *NO_DERIVATIVES)}
    plain = re.sub(r"[\s_]+", "-", name.strip().lower())
    plain = re.sub(r"^cc-0\b|^cc0$", "cc0-1.0", plain)
    plain = {"bsd-2": "bsd-2-clause", "bsd-3": "bsd-3-clause", "bsd": "bsd-3-clause"}.get(
        plain, plain
    )
    plain = plain.removesuffix("-international")
    close = [plain] if plain in every else difflib.get_close_matches(plain, every, n=1)
    return f" (did you mean {every[close[0]]!r}?)" if close else ""
