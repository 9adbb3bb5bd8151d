"""CITATION.cff of a package: valid, complete, and true about licences."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files

import example
import pytest
import yaml
from bioagree.publication import citation, licences


def validate(path):
    return subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.citation-file-format", str(path)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def with_licences(package, licence, source):
    datasets = {name: one | {"licence": source} for name, one in package.datasets.items()}
    return replace(package, licence=licence, datasets=datasets)


@pytest.mark.parametrize(
    ("licence", "source"),
    [
        ("BSD-3-Clause AND CC-BY-4.0", "MIT"),
        ("CC0-1.0", "CC-PDM-1.0"),
        ("CC-BY-3.0-DE", "CC0-1.0 AND MIT"),
    ],
)
@pytest.mark.parametrize("doi", ["10.5072/zenodo.1234", ""])
def test_it_is_valid(package, tmp_path, licence, source, doi):
    one = with_licences(package, licence, source)
    one = replace(one, publication=replace(one.publication, doi=doi))
    path = tmp_path / "CITATION.cff"
    path.write_text(citation.text(one))
    done = validate(path)
    assert done.returncode == 0, done.stdout
    path.write_text(citation.text(one).replace("type: dataset", "type: data"))
    assert validate(path).returncode == 1


def test_it_is_read_back_as_it_was_said(package):
    found = yaml.safe_load(citation.text(package))
    said = package.publication
    assert (found["title"], found["version"], found["doi"]) == (said.title, said.version, said.doi)
    assert found["date-released"] == said.date
    assert found["commit"] == package.software.commit
    assert found["authors"][0]["orcid"] == f"https://orcid.org/{example.CREATOR.orcid}"
    assert found["authors"][1] == {"name": "Image Analysis Facility"}
    assert [one["title"] for one in found["references"]] == [
        "Discs on two fields",
        "Balls in a stack",
    ]


def test_several_licences_are_not_offered_as_a_choice(package):
    """The format reads a list as "any of these"; here all apply."""
    several = citation.document(package)
    assert "license" not in several
    assert "Licences: BSD-3-Clause AND CC-BY-4.0; " in several["message"]
    one = citation.document(replace(package, licence="CC-BY-4.0"))
    assert one["license"] == "CC-BY-4.0"
    assert one["message"] == citation.MESSAGE


def test_the_licences_that_the_format_does_not_know_are_those_listed():
    schema = files("check_jsonschema") / "builtin_schemas/vendor/citation-file-format.json"
    known = json.loads(schema.read_text())["definitions"]["license-enum"]["enum"]
    assert tuple(name for name in licences.ACCEPTED if name not in known) == citation.NEWER


def test_a_reference_is_one_line_with_who_when_what_which_version_and_where(package):
    assert citation.reference(package) == (
        "Curie, Marie; Image Analysis Facility (2026): Do two methods count the same nuclei? "
        "Version 1.0.0. Dataset. https://doi.org/10.5072/zenodo.1234"
    )
    assert "doi.org" not in citation.reference(example.without_doi(package))
