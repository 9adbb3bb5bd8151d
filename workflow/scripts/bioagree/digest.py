"""A digest of the code that a script runs, blind to comments, docstrings and layout.

Snakemake sees when a rule's parameters change, but not when a module changes that its script
imports. A rule that has this digest among its parameters reruns exactly then.
"""

import ast
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

PACKAGE = Path(__file__).parent


def code_digest(script: str | Path, *modules: str) -> str:
    """Digest a script, the library modules it reaches, and `modules` with what they reach.

    Imports inside functions count. Modules that are imported by a computed name, such as the
    families of segmenters, do not; name the one that matters in `modules`.

    Parameters
    ----------
    script : str or Path
        A Python file.
    *modules : str
        Dotted names inside the library, e.g. ``bioagree.segmentation.watershed``.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    waiting = [Path(script), *(_file_of(name) for name in modules)]
    reached: dict[Path, str] = {}
    while waiting:
        path = waiting.pop()
        if path is None or path in reached:
            continue
        reached[path], imported = _normalise(path)
        waiting += imported
    texts = sorted((path.name, text) for path, text in reached.items())
    return sha256(repr(texts).encode()).hexdigest()[:16]


@cache
def _normalise(path: Path) -> tuple[str, tuple[Path, ...]]:
    """Return the code of a file without comments and docstrings, and what it imports of ours."""
    with _no_collection():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        text, imported = _without_texts(tree)
    table = path.with_suffix(".csv")  # a table that the module reads
    data = table.read_text(encoding="utf-8") if table.is_file() else ""
    files = (_file_of(name) for name in dict.fromkeys(imported))
    return text + data, tuple(file for file in files if file)


def _without_texts(tree: ast.Module) -> tuple[str, list[str]]:
    imported = []
    for node in list(_statements(tree)):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            body[:1] = [] if len(body) > 1 else [ast.Pass()]
    return ast.unparse(tree), imported


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all statements in it; expressions hold neither imports nor docstrings."""
    yield node
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, name, ()):
            yield from _statements(child)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hold the garbage collector back: among many new nodes it triples the time of parsing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _file_of(name: str) -> Path | None:
    parts = name.split(".")
    if parts[0] != PACKAGE.name:
        return None
    base = PACKAGE.joinpath(*parts[1:])
    candidates = (base / "__init__.py", base.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None)
