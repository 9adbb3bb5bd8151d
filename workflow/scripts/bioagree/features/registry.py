"""Which groups of features there are, and how a study chooses among them.

A new group is a module with a function ``measure(objects, *, ...)`` in this package, its
declarations in :mod:`bioagree.features.dictionary`, and its name there. Jobs import the groups
that their study chose, and no others.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

from bioagree.errors import InputError
from bioagree.features.dictionary import GROUPS, feature_of, group_of

ALWAYS = "size"
NOT_OF_OBJECTS = ("motion",)  # measured on tracks, see bioagree.tracks
OF_OBJECTS = tuple(group for group in GROUPS if group not in NOT_OF_OBJECTS)
REQUIRED = {"texture": "bin_size"}  # no value suits all cameras


def load(group: str) -> Callable:
    """Return the function that measures a group."""
    return import_module(f"bioagree.features.{group}").measure


def check(features: Mapping, where: str) -> None:
    """Check what a study chooses to measure.

    Parameters
    ----------
    features : mapping
        `use`: groups, declared features, or columns of theirs; parameters by group.
    where : str
        Place in the config, for messages.

    Raises
    ------
    InputError
        Names what is unknown and what is allowed, or the parameter that is missing.
    """
    for name in features["use"]:
        if name not in OF_OBJECTS and _group(name) not in OF_OBJECTS:
            raise InputError(
                f"{where}.use names {name!r}, which is neither a group nor a feature; allowed are "
                f"the groups {', '.join(OF_OBJECTS)}, and the features listed in docs/features.md"
            )
    for group in groups_of(features["use"]):
        needed = REQUIRED.get(group)
        if needed and needed not in features.get(group, {}):
            raise InputError(
                f"{where} measures {group}, which needs {group}.{needed}; config/README.md says "
                "how to choose it"
            )


def groups_of(chosen: Iterable[str]) -> list[str]:
    """Return the groups that must be measured to get what a study chooses, in their order."""
    wanted = {ALWAYS} | {name if name in OF_OBJECTS else _group(name) for name in chosen}
    return [group for group in OF_OBJECTS if group in wanted]


def is_chosen(column: str, chosen: Iterable[str], always: Iterable[str] = (ALWAYS,)) -> bool:
    """Say whether a column that was measured is one that was chosen, or that always is."""
    group = group_of(column)
    name = column if group else feature_of(column).name
    return bool({*always, *chosen} & {column, name, group or group_of(name)})


def modules_of(chosen: Iterable[str]) -> list[str]:
    """Return the library modules that measure what a study chooses."""
    return [f"bioagree.features.{group}" for group in groups_of(chosen)]


def _group(name: str) -> str | None:
    """Return the group of a declared feature, or of a column that one gives."""
    group = group_of(name)
    if group is None and not re.search(r"[{}]", name):
        feature = feature_of(name)
        group = group_of(feature.name) if feature else None
    return group
