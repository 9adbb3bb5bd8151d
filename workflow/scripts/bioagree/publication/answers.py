"""What is read from a service's answer about a record: its DOI, its errors, what it kept."""

from collections.abc import Iterable, Mapping

from bioagree.errors import InputError
from bioagree.publication.invenio import explained


def differences(ours: object, theirs: object, where: str) -> Iterable[str]:
    """Yield where a service's metadata are not ours; what it adds does not count."""
    if isinstance(ours, Mapping):
        theirs = theirs if isinstance(theirs, Mapping) else {}
        for key, value in ours.items():
            yield from differences(value, theirs.get(key), f"{where}.{key}")
    elif isinstance(ours, list):
        theirs = theirs if isinstance(theirs, list) else []
        if len(ours) != len(theirs):
            yield where
        else:
            for number, pair in enumerate(zip(ours, theirs, strict=True)):
                yield from differences(*pair, f"{where}.{number}")
    elif ours != theirs:
        yield where


def doi_of(record: Mapping) -> str | None:
    """Return the DOI of a record or draft, if it has one."""
    return (record.get("pids") or {}).get("doi", {}).get("identifier")


def no_errors(answer: Mapping, page: str, metadata: Mapping, *, files_too: bool = False) -> None:
    """Refuse a draft with errors: a service answers 200 or 201 and lists them.

    A draft lacks its files at first, and what only its package will say.
    """
    errors = []
    for error in answer.get("errors") or []:
        kind, *rest = str(error.get("field", "")).split(".")
        late = kind == "files" or (kind == "metadata" and rest and rest[0] not in metadata)
        if files_too or not late:
            errors.append(error)
    if errors:
        raise InputError(f"the draft {page} has errors: {explained({'errors': errors})}")
