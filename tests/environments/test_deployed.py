"""`snakemake --sdm conda` for real: the shipped environments from a local channel, and PyPI."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from local_conda import alone
from test_pins import ENVIRONMENTS, RULES, importable, pins

pytestmark = [pytest.mark.conda, pytest.mark.slow]


@pytest.fixture(scope="session")
def deployed(shared, conda, controller, make, in_environments):
    """The tiny study, run in its environments by a controller that has nothing else."""
    tree = shared / "deployed"
    with alone(tree) as ready:
        if not ready:
            shutil.rmtree(tree, ignore_errors=True)
            study = in_environments(controller, make.tree(tree))
            assert study.code == 0, study.output
    return make.study(tree, tree)


@pytest.fixture
def fetching(deployed, make, tmp_path, in_environments):
    """Return a function that fetches the tiny study's data with the fat Python of the tests."""
    tree = make.tree(tmp_path / "tree")

    def run(*arguments, **options):
        fat = Path(sys.executable)
        return in_environments(fat, tree, "fetched", *arguments, cores=1, **options)

    run.tree = tree
    return run


def without(package: str, environment: Path) -> None:
    """Take a package out of an environment."""
    lines = environment.read_text().splitlines(keepends=True)
    kept = [line for line in lines if f'- "{package}==' not in line]
    assert len(kept) == len(lines) - 1
    environment.write_text("".join(kept))


def test_the_tiny_study_gives_the_same_bytes_as_without_conda(deployed, make, tmp_path):
    plain = make.study(make.tree(tmp_path / "plain"), tmp_path / "plain")
    plain.run("--configfile", "config/tiny.yaml")
    first, second = plain.products(), deployed.products()
    assert list(first) == list(second)
    page = "report/index.html"  # names the device and the Python
    assert [name for name in first if first[name] != second[name] and name != page] == []
    assert page in second


def test_every_job_ran_with_the_versions_that_its_environment_pins(deployed):
    environments = {rule.name: pins(rule.environment) for rule in RULES}
    records = deployed.records()
    assert len(records) > 30
    for record in records:
        imported = record["environment"]["imported"]
        pinned = environments[record["rule"]]
        compared = {name for name in imported if name in pinned}
        assert "numpy" in compared
        assert {n: imported[n].removeprefix("v") for n in compared} == {
            n: pinned[n][0] for n in compared
        }, record["rule"]


def test_a_package_that_an_environment_lacks_is_not_taken_from_the_controller(fetching):
    """Nor from PYTHONPATH, nor from the user's own packages; the controller here has everything."""
    without("tifffile", fetching.tree / "envs" / "fetch.yaml")
    home = fetching.tree / "home"
    own = home / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    own.mkdir(parents=True)
    (own / "tifffile.py").write_text("raise SystemExit('the user site leaks')\n")
    leaks = {
        "PYTHONUSERBASE": str(home),
        "PYTHONPATH": str(Path(tifffile_of_controller()).parents[1]),
    }
    created = fetching("--conda-create-envs-only")  # pip does take what it sees there as installed
    assert created.code == 0, created.output
    study = fetching(env=leaks)
    assert study.code != 0
    assert "ModuleNotFoundError: No module named 'tifffile'" in study.output
    assert re.search(r"Error in rule fetch:\n(.*\n)*?    conda-env: ", study.output)
    assert not list(study.path("resources").rglob("*.tif"))

    # The very same tree, with the library's precaution taken out: the package does leak.
    (fetching.tree / "workflow/scripts/bioagree/__init__.py").write_text('"""No precaution."""\n')
    assert fetching().code == 0


def tifffile_of_controller() -> str:
    import tifffile

    return tifffile.__file__


def test_a_file_with_another_hash_is_not_installed(fetching, conda):
    environment = fetching.tree / "envs" / "fetch.yaml"
    text = environment.read_text()
    line = re.search(r'- "certifi==.*"', text)[0]
    wrong = re.sub(r"--hash=sha256:\w+", f"--hash=sha256:{'0' * 64}", line)
    environment.write_text(text.replace(line, wrong))
    study = fetching()
    assert study.code != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in study.output
    assert "Could not create conda environment from" in study.output
    assert not [
        p
        for p in conda.prefixes.glob("*.yaml")
        if p.with_suffix("").exists() and wrong in p.read_text()
    ]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_installs_what_it_pins_and_its_rules_can_import_it(
    name, shared, conda, deployed
):
    """Those that the tiny study does not use are created here."""
    environment = ENVIRONMENTS[name]
    prefix = shared / "alone" / name
    if any(p.read_text() == environment.read_text() for p in conda.prefixes.glob("*.yaml")):
        prefix = conda.prefix_of(environment)
    else:
        create = ["conda", "env", "create", "--file", str(environment), "--prefix", str(prefix)]
        path = conda.environment["PATH"]
        subprocess.run(create, check=True, env={"PATH": path, "HOME": str(Path.home())})
    python = [str(prefix / "bin" / "python"), "-s"]
    listed = subprocess.run(
        [*python, "-m", "pip", "list", "--format=freeze"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = dict(line.lower().replace("_", "-").split("==") for line in listed.splitlines())
    found = {re.sub(r"[-.]+", "-", package): version for package, version in found.items()}
    pinned = {package: version for package, (version, _) in pins(environment).items()}
    assert found == {"pip": found["pip"]} | pinned
    modules = {m for rule in RULES if rule.environment == environment for m in importable(rule)}
    modules -= (
        {"pyclesperanto"} if name != "gpu" else set()
    )  # in branches never taken, see test_pins
    subprocess.run([*python, "-c", f"import {', '.join(sorted(modules))}"], check=True)
