"""Parameters that come from a config file, checked against the function they are for.

A step or a segmenter declares its parameters once, in its signature: the keyword-only arguments
with their types. What the config gives is checked against that before any job starts.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from bioagree.errors import InputError

KINDS = {float: "a number", int: "a whole number", bool: "true or false", str: "a word"}
NUMBERS = Sequence[float]
POSITIVE_SUFFIXES = ("_um", "_s")


def check(function: Callable, given: Mapping, where: str, later: Iterable[str] = ()) -> None:
    """Check that `given` fits the keyword-only arguments of `function`.

    Arguments whose names end in a unit (``_um``, ``_s``) must be positive, each of them where there
    are several; those named in `later` are not the user's to give.

    Raises
    ------
    InputError
        Names the place, the parameter, and what is allowed.
    """
    declared = {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name not in later
    }
    names = ", ".join(declared) or "none"
    for name, value in given.items():
        if name not in declared:
            raise InputError(f"{where} has no parameter {name!r}; allowed are {names}")
        _check_value(value, declared[name].annotation, name, where)
    for name, parameter in declared.items():
        if name not in given and parameter.default is parameter.empty:
            raise InputError(f"{where} lacks the parameter {name!r}; it takes {names}")


def check_steps(steps: list, registry: Mapping[str, Callable], where: str) -> None:
    """Check a chain of steps, each a one-key mapping from a registered name to its parameters.

    Raises
    ------
    InputError
        Names the place, the step, and what is allowed.
    """
    for index, step in enumerate(steps, start=1):
        place = f"{where}, step {index}"
        if not isinstance(step, Mapping) or len(step) != 1:
            raise InputError(f"{place} must be one name with its parameters, not {step!r}")
        ((name, parameters),) = step.items()
        if name not in registry:
            allowed = ", ".join(registry)
            raise InputError(f"{place} names {name!r}, which is unknown; allowed are {allowed}")
        if not isinstance(parameters, Mapping):
            raise InputError(f"{place}: {name} takes a mapping of parameters, not {parameters!r}")
        check(registry[name], parameters, f"{place} ({name})")


def in_voxels(length_um: float, spacing, whole: bool = False) -> tuple[float, ...]:
    """Return a length in voxels along each axis, at least one voxel where it must be `whole`."""
    voxels = tuple(length_um / step for step in spacing)
    return tuple(float(max(1, round(step))) for step in voxels) if whole else voxels


def _check_value(value, kind: type, name: str, where: str) -> None:
    if kind == NUMBERS:
        if not isinstance(value, list) or not value:
            raise InputError(f"{where}: {name} must be a list of numbers, not {value!r}")
        for one in value:
            _check_value(one, float, name, where)
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = number if kind is float else isinstance(value, kind)
    if kind is int:
        fits = fits and not isinstance(value, bool)
    if not fits:
        raise InputError(f"{where}: {name} must be {KINDS[kind]}, not {value!r}")
    if number and not math.isfinite(value):
        raise InputError(f"{where}: {name} must be finite, not {value!r}")
    if name.endswith(POSITIVE_SUFFIXES) and value <= 0:
        raise InputError(f"{where}: {name} must be above 0, not {value!r}")
