"""codemeta.json of a package: the workflow that ran, and the package that it made."""

import json
from dataclasses import replace
from importlib.resources import files

import example
from bioagree.publication import codemeta

# Terms of https://w3id.org/codemeta/3.0 that are CodeMeta's own; all others are schema.org's.
OWN = {"developmentStatus", "funding", "issueTracker", "maintainer", "readme"}


def schema_org_terms():
    context = json.loads((files("rocrate") / "data/ro-crate.jsonld").read_text())["@context"]
    return {name for name, url in context.items() if str(url).startswith("http://schema.org/")}


def names_in(value):
    if isinstance(value, dict):
        return {key for key in value if key[0] != "@"}.union(*map(names_in, value.values()))
    if isinstance(value, list):
        return set().union(*map(names_in, value))
    return set()


def test_all_its_terms_are_those_of_schema_org(package):
    assert names_in(codemeta.document(package)) - OWN <= schema_org_terms()


def test_it_names_the_workflow_and_the_package(package):
    found = json.loads(codemeta.text(package))
    assert found["@context"] == "https://w3id.org/codemeta/3.0"
    assert found["version"] == "0.1.0"
    assert found["identifier"] == f"swh:1:rev:{package.software.commit}"
    made = found["isPartOf"]
    assert made["@id"] == made["identifier"] == "https://doi.org/10.5072/zenodo.1234"
    assert (made["name"], made["version"]) == (package.publication.title, "1.0.0")
    assert made["license"] == [
        "https://spdx.org/licenses/BSD-3-Clause",
        "https://spdx.org/licenses/CC-BY-4.0",
    ]
    assert [one["name"] for one in made["creator"]] == ["Curie, Marie", "Image Analysis Facility"]
    assert "@id" not in codemeta.document(example.without_doi(package))["isPartOf"]


def test_what_was_changed_since_the_commit_is_not_called_by_its_name(package):
    dirty = replace(package, software=replace(package.software, changed=("workflow/Snakefile",)))
    found = codemeta.document(dirty)
    assert "identifier" not in found
    assert "workflow/Snakefile" in found["releaseNotes"]


def test_software_is_that_of_the_records(package):
    found = codemeta.document(package)["softwareRequirements"]
    assert [(one["name"], one["version"]) for one in found] == [
        ("numpy", "2.4.6"),
        ("Python", "3.11.7"),
        ("snakemake", "9.27.1"),
    ]
