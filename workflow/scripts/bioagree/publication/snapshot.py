"""The workflow itself: which of its files go into a package, and at which commit they stand."""

import re
import subprocess
from hashlib import sha256
from pathlib import Path

import yaml

from bioagree.errors import InputError
from bioagree.hashing import sha256_of
from bioagree.publication.contents import CITATION, Software

# What one needs to run it again, below the folder of the repository.
PARTS = (
    "CITATION.cff",
    "LICENSE",
    "LICENSES",
    "README.md",
    "Snakefile",
    "codemeta.json",
    "config",
    "containers",
    "envs",
    "profiles",
    "pyproject.toml",
    "uv.lock",
    "workflow",
)
HIDDEN = re.compile(r"\.|__pycache__$")


def files_of(repository: Path) -> list[str]:
    """Return the workflow's files as paths below its folder.

    In a Git repository these are the files that it holds, or would take in: what its users told it
    to ignore may be private. Elsewhere all but hidden and compiled ones.
    """
    listed = _git(
        repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard", *PARTS
    )
    found = [Path(name) for name in listed.split("\0") if name]
    if not found:
        inside = [[part, *part.rglob("*")] for part in (repository / part for part in PARTS)]
        found = [file.relative_to(repository) for files in inside for file in files]
    return sorted(
        file.as_posix() for file in found if (repository / file).is_file() and not _hidden(file)
    )


def commit_of(repository: Path) -> tuple[str, tuple[str, ...]]:
    """Return the commit that the workflow stands at, and the files that differ from it.

    Returns
    -------
    commit : str
        40 hexadecimal digits; empty where the folder is not the root of a Git repository.
    changed : tuple of str
        Paths below the folder that were edited, added, moved or removed since.
    """
    commit = _git(repository, "rev-parse", "--verify", "--quiet", "HEAD").strip()
    entries = _git(
        repository,
        "status",
        "--porcelain",
        "-z",
        "--no-renames",
        "--untracked-files=all",
        "--",
        *PARTS,
    )
    changed = {entry[3:] for entry in entries.split("\0") if entry}
    return commit, tuple(sorted(path for path in changed if not _hidden(Path(path))))


def software_of(repository: Path) -> Software:
    """Return what the workflow is, where its code is, and at which commit it stands.

    Raises
    ------
    InputError
        When the folder does not hold the whole workflow.
    """
    try:
        citation = yaml.safe_load((repository / CITATION).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{repository} holds no {CITATION}, so nobody knows which version of the workflow this "
            "is; take the whole repository"
        ) from None
    address = citation.get("repository-code", "")
    return Software(citation["version"], address, *commit_of(repository))


def digest_of(repository: Path) -> str:
    """Return a digest over the names and contents of the workflow's files."""
    digest = sha256()
    for name in files_of(repository):
        digest.update(f"{sha256_of(repository / name)}  {name}\n".encode())
    return digest.hexdigest()


def _hidden(path: Path) -> bool:
    return any(HIDDEN.match(name) for name in path.parts)


def _git(repository: Path, *arguments: str) -> str:
    """Return what Git says of a repository's root; nothing where there is none, or no Git."""
    if not (repository / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(repository), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
