"""From a study to a published record, and back from its ZIP file to the study, by somebody else."""

import io
import json
import re
import zipfile
from urllib.request import urlopen

import pytest
from bioagree.publication.checking import check
from bioagree.publication.opened import Opened

pytestmark = [pytest.mark.invenio, pytest.mark.slow]
SERVER = "http://127.0.0.1:15600"
SETTING = ("--configfile", "config/tiny.yaml", "config/archive.yaml")
ARCHIVE = {"service": {"url": SERVER, "prefix": "10.5072"}, "publish": True}


@pytest.fixture(scope="module")
def published(make, tmp_path_factory, tokens):
    """The smallest study, archived and published from a copy of the repository."""
    folder = make.tree(tmp_path_factory.mktemp("published") / "clone")
    study = make.study(folder, folder)
    (folder / "config" / "archive.yaml").write_text(json.dumps({"archive": ARCHIVE}))
    study.run("archive", *SETTING, env={"INVENIO_TOKEN": tokens["steward"]})
    return study


@pytest.fixture(scope="module")
def downloaded(published, tmp_path_factory):
    """The ZIP file as anybody gets it, without a token."""
    noted = json.loads(published.path("results", "archive", "deposit.json").read_text())
    assert noted["published"]
    record = f"{SERVER}/api/records/{noted['record']}"
    with urlopen(record) as answer:
        assert json.load(answer)["pids"]["doi"]["identifier"] == noted["doi"]
    path = tmp_path_factory.mktemp("downloaded") / "package.zip"
    with urlopen(f"{record}/files/package.zip/content") as answer:
        path.write_bytes(answer.read())
    return path, noted["doi"]


def test_the_downloaded_package_is_in_order_and_has_its_doi_everywhere(downloaded):
    path, doi = downloaded
    with Opened(path) as package:
        found = check(package)
        descriptor = json.loads(package.read("datapackage.json"))
    assert found.faults == ()
    assert descriptor["id"] == f"https://doi.org/{doi}"


def test_the_results_folder_gives_the_same_package_for_the_same_doi(published, downloaded):
    path, doi = downloaded
    published.run("package", *SETTING, "--config", f"publication={{doi: {doi}}}")
    assert published.path("results", "package.zip").read_bytes() == path.read_bytes()


def test_somebody_with_only_the_archive_reproduces_the_study(downloaded, make, tmp_path):
    path, _ = downloaded
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        archive.extractall(tmp_path)
    command = re.search(r"snakemake (verify .*)", (tmp_path / "README.md").read_text())[1]
    outcome = make.study(tmp_path / "workflow", tmp_path / "workflow").run(*command.split())
    assert re.search(r"(\d+) of \1 artefacts reproduced", outcome.output), outcome.output
