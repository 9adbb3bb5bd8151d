"""Conda environments for tests: a local channel, a stand-in for conda, a minimal controller."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from local_conda import REPOSITORY, Conda, alone, install, need


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id) -> Path:
    """A folder that all workers of the session share."""
    base = tmp_path_factory.getbasetemp()
    return (base if worker_id == "master" else base.parent) / "environments"


@pytest.fixture(scope="session")
def conda(shared) -> Conda:
    """The stand-in for conda, ready to be put on PATH."""
    needed = find_spec("rattler") and find_spec("rattler_build")
    need(needed, "py-rattler is not installed: uv run --group conda-channel pytest")
    described = yaml.safe_load((REPOSITORY / "envs" / "image.yaml").read_text())["dependencies"]
    python, pip = (spec.split("=")[1] for spec in described if isinstance(spec, str))
    minor = ".".join(python.split(".")[:2])
    interpreter = Path(sys.base_prefix) / "bin" / f"python{minor}"
    need(
        interpreter.exists(), f"the environments hold Python {minor}, these tests do not run on it"
    )
    place = Conda(shared / "conda", shared / "prefixes")
    with alone(shared / "conda") as ready:
        if not ready:
            install(place, shared / "channel", interpreter.resolve(), pip)
    return place


@pytest.fixture(scope="session")
def controller(shared) -> Path:
    """The Python of an environment that has what pyproject.toml calls dependencies, no group."""
    uv = os.environ.get("UV") or shutil.which("uv")
    need(uv, "uv is not there: uv run pytest")
    folder = shared / "controller"
    with alone(folder) as ready:
        if not ready:
            subprocess.run(
                [uv, "sync", "--quiet", "--locked", "--no-default-groups"],
                cwd=REPOSITORY,
                env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(folder)},
                check=True,
            )
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def in_environments(conda, make):
    """Return a function that runs Snakemake with conda: a Python, a copy of the tree, arguments."""

    def run(python: Path, tree: Path, *arguments: str, env=None, cores=2):
        study = make.study(tree, tree)
        command = [python, "-m", "snakemake", "--directory", tree, "--cores", str(cores)]
        command += ["--snakefile", tree / "Snakefile", "--configfile", tree / "config/tiny.yaml"]
        command += ["--sdm", "conda", "--conda-prefix", conda.prefixes, *arguments]
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tree,
            env=os.environ
            | conda.environment
            | {"BIOAGREE_CACHE": str(tree / "cache")}
            | (env or {}),
            timeout=3000,
            check=False,
        )
        study.code, study.output = done.returncode, done.stdout
        return study

    return run
