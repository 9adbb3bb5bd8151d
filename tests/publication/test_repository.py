"""The repository itself is FAIR: cited, licensed, described, with versions from one place."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs/write_metadata.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path):
    for name in ("pyproject.toml", "CITATION.cff", "codemeta.json"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_citation_and_codemeta_are_up_to_date():
    done = run(SCRIPT, "--check")
    assert done.returncode == 0, done.stderr


def test_the_citation_is_valid():
    done = run(
        *("-m", "check_jsonschema", "--builtin-schema", "vendor.citation-file-format"),
        ROOT / "CITATION.cff",
    )
    assert done.returncode == 0, done.stdout


def test_version_and_licence_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    described = json.loads((ROOT / "codemeta.json").read_text())
    assert citation["version"] == described["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert described["license"] == f"https://spdx.org/licenses/{project['license']}"
    assert described["dateModified"] == str(citation["date-released"])


def test_a_version_that_was_raised_is_found_and_written(copy):
    project = copy / "pyproject.toml"
    version = tomllib.loads(project.read_text())["project"]["version"]
    project.write_text(project.read_text().replace(f'version = "{version}"', 'version = "9.8.7"'))
    done = run(SCRIPT, "--root", copy, "--check")
    assert done.returncode == 1
    assert "CITATION.cff is out of date; run" in done.stderr
    assert "codemeta.json is out of date" in done.stderr
    assert run(SCRIPT, "--root", copy, "--released", "2027-01-31").returncode == 0
    assert run(SCRIPT, "--root", copy, "--check").returncode == 0
    citation = yaml.safe_load((copy / "CITATION.cff").read_text())
    assert (citation["version"], citation["date-released"]) == ("9.8.7", "2027-01-31")


def test_a_day_of_release_that_is_none_is_refused(copy):
    done = run(SCRIPT, "--root", copy, "--released", "2027-02-30")
    assert done.returncode == 2
    assert "--released" in done.stderr


def test_every_file_has_a_licence_and_each_licence_its_text():
    done = run("-m", "reuse", "--root", ROOT, "lint", "--lines")
    assert done.returncode == 0, done.stdout


def test_the_texts_of_the_licence_are_one():
    licence = (ROOT / "LICENSE").read_text().split("Redistribution", 1)[1]
    text = (ROOT / "LICENSES/BSD-3-Clause.txt").read_text().split("Redistribution", 1)[1]
    assert " ".join(licence.split()).casefold() == " ".join(text.split()).casefold()


def test_the_catalogue_of_workflows_finds_what_it_needs():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert "software-stack-deployment" in usage
    assert (ROOT / "config/README.md").is_file()
