"""`snakemake package` makes what validators accept, and what others can check and run again."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import crate_contexts
import madmpy
import pytest
from bioagree.publication.checking import check
from bioagree.publication.contents import DESCRIPTORS, MANIFEST
from bioagree.publication.opened import Opened
from rembi_mifa.rembi import RembiStudy

TINY = ("--configfile", "config/tiny.yaml")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tmp_path_factory, make):
    """The smallest study, run and packaged in a copy of the repository; only to be read."""
    folder = make.tree(tmp_path_factory.mktemp("packaged") / "clone")
    study = make.study(folder, folder)
    study.run("package", *TINY)
    return study


@pytest.fixture(scope="module")
def packed(study):
    return study.path("results", "package.zip")


@pytest.fixture
def unpacked(tmp_path, packed):
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "package")
    return tmp_path / "package"


def test_folder_and_archive_are_in_order(study, packed):
    for path in (study.path("results", "package"), packed):
        with Opened(path) as package:
            found = check(package)
        assert found.faults == ()
        assert found.files > 400
        assert set(DESCRIPTORS) <= set(package.names)


def test_the_manifest_is_what_sha256sum_checks(unpacked):
    done = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", MANIFEST], cwd=unpacked)
    assert done.returncode == 0
    listed = {line.split("  ", 1)[1] for line in (unpacked / MANIFEST).read_text().splitlines()}
    there = {
        path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()
    }
    assert listed == there - {MANIFEST}


@pytest.mark.parametrize(
    "command",
    [
        ["frictionless", "validate", "datapackage.json"],
        ["check-jsonschema", "--builtin-schema", "vendor.citation-file-format", "CITATION.cff"],
        ["reuse", "lint"],
    ],
    ids=lambda command: command[0],
)
def test_what_others_validate_with_accepts_it(unpacked, command):
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], cwd=unpacked, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_validator_of_crates_finds_nothing_required_amiss(unpacked, tmp_path):
    found = crate_contexts.issues(unpacked, tmp_path / "cache", "provenance-run-crate-0.5")
    assert found == []


def test_the_readers_of_plans_and_of_rembi_accept_it(unpacked):
    assert madmpy.validate_DMP(unpacked / "dmp.json")
    text = (unpacked / "rembi.json").read_text()
    RembiStudy.model_validate_json(text)


def test_the_same_results_give_the_same_bytes_elsewhere_and_later(study, packed, make, tmp_path):
    shutil.copytree(study.folder, tmp_path / "else" / "where", symlinks=True)
    other = make.study(tmp_path / "else" / "where", tmp_path / "else" / "where")
    again = other.path("results", "package.zip")
    again.unlink()
    other.run("package", *TINY)
    assert again.read_bytes() == packed.read_bytes()


def test_a_finished_package_is_not_made_again(study):
    assert study.snakemake("package", *TINY).nothing_to_do


def test_another_doi_makes_another_package(study, make, tmp_path):
    shutil.copytree(study.folder, tmp_path / "doi", symlinks=True)
    other = make.study(tmp_path / "doi", tmp_path / "doi")
    other.run("package", *TINY, "--config", "publication={doi: 10.5072/zenodo.42}")
    with Opened(other.path("results", "package.zip")) as package:
        assert check(package).faults == ()
        texts = {name: package.read(name).decode() for name in DESCRIPTORS}
    # Neither the rights nor the hashes of the files depend on it.
    assert [name for name in DESCRIPTORS if "10.5072/zenodo.42" not in texts[name]] == [
        MANIFEST,
        "REUSE.toml",
    ]


def test_no_path_of_this_machine_is_in_it(study, packed):
    with Opened(packed) as package:
        for name in package.names:
            content = package.read(name)
            assert str(study.folder).encode() not in content, name
            assert os.path.expanduser("~").encode() + b"/" not in content, name


def test_someone_with_only_the_archive_reproduces_the_study(unpacked, make):
    command = re.search(r"snakemake (verify .*)", (unpacked / "README.md").read_text())[1]
    place = unpacked / "workflow"
    mine = make.study(place, place)
    outcome = mine.run(*command.strip("`").split())
    assert re.search(r"(\d+) of \1 artefacts reproduced", outcome.output), outcome.output


def test_the_check_within_the_package_needs_nothing_else(unpacked, packed):
    command = [sys.executable, "workflow/scripts/check_package.py"]
    environment = {key: os.environ[key] for key in os.environ if key != "PYTHONPATH"}
    options = {"cwd": unpacked / "workflow", "env": environment, "text": True}
    whole = subprocess.run([*command, packed], capture_output=True, **options)
    assert (whole.returncode, whole.stderr) == (0, "")
    assert whole.stdout.strip().endswith("all agree")
    table = unpacked / "tables" / "features" / "tiny-2d.truth.csv"
    table.write_text(table.read_text().replace("1", "2", 1))
    harmed = subprocess.run([*command, unpacked], capture_output=True, **options)
    assert harmed.returncode == 1
    assert table.relative_to(unpacked).as_posix() in harmed.stdout


def test_a_product_that_was_edited_is_not_packaged(study, make, tmp_path):
    shutil.copytree(study.folder, tmp_path / "edited", symlinks=True)
    other = make.study(tmp_path / "edited", tmp_path / "edited")
    shutil.rmtree(other.path("results", "package"))
    labels = next(other.path("results", "labels").glob("*.tif"))
    stamp = labels.stat()
    labels.write_bytes(labels.read_bytes() + b"\0")
    os.utime(labels, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    outcome = other.snakemake("package", *TINY)
    assert outcome.code != 0
    assert f"{labels.relative_to(other.folder)} was changed after its job had written it" in (
        outcome.output
    )
    assert not other.path("results", "package").exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("{version: '1'}", r"publication\.version: '1' is no semantic version"),
        ("{doi: '10.52/x'}", r"publication\.doi: '10\.52/x' is no DOI"),
        (
            "{creators: [{family: Curie, given: Marie, orcid: 0000-0002-1825-0098}]}",
            r"publication\.creators\[0\]\.orcid: the checksum .* does not hold",
        ),
        ("{creators: []}", r"publication\.creators"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(make, tmp_path, said, told):
    folder = make.tree(tmp_path / "clone")
    study = make.study(folder, folder)
    outcome = study.snakemake("-n", "package", *TINY, "--config", f"publication={said}")
    assert outcome.code != 0
    assert re.search(told, outcome.output), outcome.output
    assert "Traceback" not in outcome.output


def test_a_study_that_names_nobody_is_not_packaged(plate):
    outcome = plate.write().snakemake("package")
    assert outcome.code != 0
    assert "publication is missing, so nobody knows who made the package" in outcome.output
