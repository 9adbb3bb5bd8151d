"""A real Slurm of one node, started by slurm.sh, and the tiny study."""

import os
import shutil

import pytest
from slurm_runs import Run, Slurm, missing


@pytest.fixture(scope="session")
def slurm():
    """The Slurm of the tests."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        pytest.skip("the tests with Slurm share one: pytest -n 0 tests/cluster")
    if lacking := missing():
        if os.environ.get("REQUIRE_HEAVY"):
            pytest.fail(f"{lacking}, but heavy tests were required")
        pytest.skip(lacking)
    slurm = Slurm()
    yield slurm
    clear(slurm)


def clear(slurm):
    """End what a failed test left, here and in Slurm, and start the daemons that it killed."""
    folders = Run.kill_all()
    slurm.up()
    for folder in folders:
        slurm.cancel(folder)


@pytest.fixture(autouse=True)
def _leave_nothing_behind(request):
    if "slurm" not in request.fixturenames:
        yield
        return
    slurm = request.getfixturevalue("slurm")
    yield
    clear(slurm)


@pytest.fixture(scope="session")
def here(slurm, make, tmp_path_factory):
    """The tiny study, run on this machine without Slurm; only to be read."""
    folder = make.tree(tmp_path_factory.mktemp("here") / "study")
    study = make.study(folder, folder)
    Run(study).succeeded()
    return study


@pytest.fixture
def copy_without(here, make, tmp_path):
    """Return a function that copies the finished study, without what matches these patterns."""

    def copy(*patterns):
        folder = tmp_path / "study"
        shutil.copytree(here.folder, folder, symlinks=True)
        for pattern in patterns:
            gone = list(folder.glob(pattern))
            assert gone, pattern
            for path in gone:
                path.unlink()
        return make.study(folder, folder)

    return copy
