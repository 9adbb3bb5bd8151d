"""Where the stand-in for conda lies, and what tests need to take turns with it."""

import fcntl
import os
import shlex
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import local_channel
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
STAND_IN = Path(__file__).with_name("conda_stand_in.py")


@dataclass(frozen=True)
class Conda:
    """The stand-in for conda, and the folder in which Snakemake keeps its environments."""

    folder: Path
    prefixes: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables under which it is found."""
        return {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}

    def prefix_of(self, environment: Path) -> Path:
        """Return where Snakemake put the environment of a YAML file."""
        same = [p for p in self.prefixes.glob("*.yaml") if p.read_text() == environment.read_text()]
        (once,) = same
        return once.with_suffix("")


def need(there: object, what: str) -> None:
    """Skip a test that lacks something, or fail it where heavy tests were required."""
    if not there:
        if os.environ.get("REQUIRE_HEAVY"):
            pytest.fail(f"{what}, but heavy tests were required")
        pytest.skip(what)


@contextmanager
def alone(place: Path):
    """Let one worker at a time in; say whether the others were here before."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = place.with_suffix(".done")
        yield done.exists()
        done.touch()


def install(conda: Conda, place: Path, interpreter: Path, pip: str) -> None:
    """Build the local channel, and put the stand-in where Snakemake looks for conda."""
    shutil.rmtree(place, ignore_errors=True)
    channel = place / "conda-forge"
    local_channel.build(channel, interpreter, pip)
    folder = conda.folder / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    command = shlex.join(map(str, [sys.executable, STAND_IN, conda.folder, channel]))
    (folder / "conda").write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    (folder / "conda").chmod(0o755)
    path = shlex.quote(str(folder / "conda"))
    (folder / "activate").write_text(f'eval "$({path} shell.posix activate "$1")"\n')
