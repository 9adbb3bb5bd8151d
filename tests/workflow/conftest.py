"""The run that the tests of the whole workflow share."""

import fcntl
import shutil
from collections import namedtuple

import pytest

TinyRun = namedtuple("TinyRun", "study outcome")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory, worker_id, make):
    """A plate and a stack, four methods, run to the report from a copy of the repository.

    Run once, by the worker that comes first; only to be read.
    """
    place = tmp_path_factory.getbasetemp()
    place = (place if worker_id == "master" else place.parent) / "tiny"
    said = place / "said.txt"
    with open(place.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            shutil.rmtree(place, ignore_errors=True)
            study = make.tiny(place / "study", make.tree(place / "repository")).write()
            said.write_text(study.run().output)
    study = make.study(place / "study", place / "repository")
    return TinyRun(study, said.read_text())


@pytest.fixture(scope="session")
def copied(tmp_path_factory, make, tiny):
    """A copy of the shared run, with its time stamps, for tests that edit it or run it again."""
    place = tmp_path_factory.mktemp("copied")
    shutil.copytree(tiny.study.folder.parent, place, dirs_exist_ok=True, symlinks=True)
    return make.study(place / "study", place / "repository")
