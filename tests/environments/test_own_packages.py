"""A job in a conda environment sees the packages of that environment; any other job sees all.

Two environments are made as conda and venv lay them out; what Snakemake puts before a script
is written here as Snakemake 9 writes it. test_deployed.py has the same with Snakemake itself.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
PREAMBLE = "import sys; sys.path.extend({paths}); import snakemake\n"
SCRIPT = """
import bioagree.errors
from importlib.util import find_spec
import snakemake.later
print(*(name for name in ("own", "of_controller") if find_spec(name)))
"""


@pytest.fixture
def places(tmp_path):
    """An environment with the package `own`, and a controller's with Snakemake and another."""

    def make(name: str, *modules: str) -> tuple[Path, Path]:
        prefix = tmp_path / name
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", prefix], check=True)
        variables = {"base": str(prefix), "platbase": str(prefix)}
        packages = Path(sysconfig.get_path("purelib", "venv", variables))
        for module in modules:
            path = packages / module
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        return prefix / "bin" / "python", packages

    job = make("job", "own.py")
    controller = make(
        "controller", "snakemake/__init__.py", "snakemake/later.py", "of_controller.py"
    )
    return job, controller


def visible(python: Path, paths: list, folder: Path, **env: str) -> list[str]:
    """Run a script as Snakemake does, and return which of the two packages it finds."""
    script = folder / "script.py"
    script.write_text(PREAMBLE.format(paths=[str(path) for path in [*paths, SCRIPTS]]) + SCRIPT)
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "CONDA_PREFIX")}
    done = subprocess.run(
        [python, script], capture_output=True, text=True, check=False, env=kept | env
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_job_in_an_environment_sees_only_its_own_packages(places, tmp_path):
    (python, _), (_, controller) = places
    paths = [controller, tmp_path, Path(os.__file__).parent, controller]
    here = str(python.parents[1])
    assert visible(python, paths, tmp_path, CONDA_PREFIX=here) == ["own"]
    # Without the precaution it sees the controller's too: this is what is prevented.
    assert visible(python, paths, tmp_path) == ["own", "of_controller"]


def test_a_job_in_the_controllers_own_environment_sees_all_of_it(places, tmp_path):
    _, (python, controller) = places
    paths = [controller, tmp_path, controller]
    for env in ({}, {"CONDA_PREFIX": str(python.parents[1])}, {"CONDA_PREFIX": str(tmp_path)}):
        assert visible(python, paths, tmp_path, **env) == ["of_controller"]


def test_an_overlay_that_finds_snakemake_by_a_path_file_is_left_alone(places, tmp_path):
    """As `uv run --with` makes one; a conda environment is active around it."""
    (python, own), (_, controller) = places
    (own / "overlay.pth").write_text(f"{controller}\n")
    paths = [controller, own, controller]
    found = visible(python, paths, tmp_path, CONDA_PREFIX=str(tmp_path))
    assert found == ["own", "of_controller"]


def test_snakemake_that_pythonpath_names_is_left_alone(places, tmp_path):
    """Snakemake hides PYTHONPATH from jobs in environments; who turns that off wants it seen."""
    (python, own), (_, controller) = places
    env = {"CONDA_PREFIX": str(python.parents[1]), "PYTHONPATH": str(controller)}
    assert visible(python, [controller, own], tmp_path, **env) == ["own", "of_controller"]
