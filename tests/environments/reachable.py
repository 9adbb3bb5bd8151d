"""Which third-party modules a script can import, function by function.

A script imports library modules; what it uses of them is followed by name, through imports at the
top and inside functions, so that a module that two kinds of work share does not burden the one
with what only the other needs. Classes count as a whole. What is imported by a computed name
is not seen and must be named as another start.
"""

import ast
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
WHOLE = "*"  # stands for all that a file defines


@dataclass(frozen=True)
class Source:
    """A file, cut at its definitions."""

    top: tuple[ast.AST, ...]  # what runs when the file is imported
    definitions: dict[str, ast.AST]  # functions, classes and values, by name
    bound: dict[str, tuple[str, str | None]]  # names that imports at the top bind


@cache
def third_party(script: Path, *modules: str) -> dict[str, str]:
    """Return the third-party modules that can be imported, each with the file that does it.

    Parameters
    ----------
    script : Path
        A file below workflow/scripts; all of it counts.
    *modules : str
        Library modules that it imports by a computed name; all of them counts.
    """
    found: dict[str, str] = {}
    waiting = [(script, WHOLE), *((file_of(name), WHOLE) for name in modules)]
    seen = set()
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        path, name = place
        for module, used in _uses(path, name):
            file = file_of(module)
            if file:
                waiting += [(file, ""), *((parent, "") for parent in _parents(module))]
                submodule = file_of(f"{module}.{used}") if used else None
                waiting.append((submodule, "") if submodule else (file, used or ""))
            elif module.split(".")[0] not in {*sys.stdlib_module_names, SCRIPTS.name, "bioagree"}:
                found.setdefault(module.split(".")[0], str(path.relative_to(SCRIPTS)))
    return found


def file_of(module: str) -> Path | None:
    """Return the file of a library module."""
    base = SCRIPTS.joinpath(*module.split("."))
    candidates = (base / "__init__.py", base.with_suffix(".py"))
    return next((p for p in candidates if module.startswith("bioagree") and p.is_file()), None)


def _parents(module: str) -> list[Path]:
    parts = module.split(".")
    return [file_of(".".join(parts[:n])) for n in range(1, len(parts))]


@cache
def _read(path: Path) -> Source:
    top, definitions, bound = [], {}, {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            definitions[node.name] = node
            top += [*node.decorator_list, *getattr(node, "bases", [])]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            # A table of functions calls none of them before somebody uses the table.
            targets = getattr(node, "targets", None) or [node.target]
            names = [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            definitions |= dict.fromkeys(names, node.value)
            top += [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
        else:
            top.append(node)
            bound |= _bindings(node)
    return Source(tuple(top), definitions, bound)


def _bindings(node: ast.AST) -> dict[str, tuple[str, str | None]]:
    """Return what the imports inside a node bind: name to module and, perhaps, a name in it."""
    bound = {}
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            for alias in part.names:
                bound[alias.asname or alias.name.split(".")[0]] = (alias.name, None)
        elif isinstance(part, ast.ImportFrom):
            for alias in part.names:
                bound[alias.asname or alias.name] = (part.module, alias.name)
    return bound


@cache
def _uses(path: Path, name: str) -> tuple[tuple[str, str | None], ...]:
    return tuple(_walk(path, name))


def _walk(path: Path, name: str):
    """Yield the modules, with names in them, that a definition uses; '' is the top of the file."""
    source = _read(path)
    if name == WHOLE:
        nodes = [*source.top, *source.definitions.values()]
    elif name:
        nodes = [source.definitions[name]] if name in source.definitions else []
        if name in source.bound:  # imported there from elsewhere
            yield source.bound[name]
    else:
        nodes = source.top
    own = ".".join(path.relative_to(SCRIPTS).with_suffix("").parts).removesuffix(".__init__")
    for node in nodes:
        bound = source.bound | _bindings(node)
        for part in ast.walk(node):
            if isinstance(part, ast.Import | ast.ImportFrom):
                for module, attribute in _bindings(part).values():
                    # An imported module runs its top; what is used of it comes below.
                    yield module, attribute if file_of(f"{module}.{attribute}") else None
            elif isinstance(part, ast.Name):
                if part.id in bound:
                    yield bound[part.id]
                elif part.id in source.definitions and name not in (WHOLE, part.id):
                    yield own, part.id
            elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
                module, inside = bound.get(part.value.id, (None, None))
                whole = f"{module}.{inside}" if inside else module
                if module and file_of(whole):
                    yield whole, part.attr
