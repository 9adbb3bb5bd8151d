"""codemeta.json: the workflow that made a package, and that package, in CodeMeta 3.0."""

import json
from collections.abc import Iterable

from bioagree.publication import licences, metadata, people
from bioagree.publication.contents import Package, Software

CONTEXT = "https://w3id.org/codemeta/3.0"
LICENCE = "BSD-3-Clause"
TITLE = "bioagree: do our measurement methods agree, and can anybody check it?"
DESCRIPTION = (
    "A Snakemake-managed, reproducible research repository for bio-image analysis: it fetches "
    "licensed microscopy data, segments them with several methods on GPU rules, measures objects, "
    "scores the methods against ground truth, and says how far they agree."
)
KEYWORDS = (
    "bio-image analysis",
    "method comparison",
    "reproducible research",
    "segmentation",
    "snakemake",
)


def of_software(software: Software, released: str = "") -> dict:
    """Return the workflow as CodeMeta has it.

    Parameters
    ----------
    software : Software
        The workflow.
    released : str, optional
        The ISO day of its release, where known.
    """
    found = {
        "@context": CONTEXT,
        "@type": "SoftwareSourceCode",
        "name": TITLE,
        "description": DESCRIPTION,
        "version": software.version,
        "license": metadata.SPDX + LICENCE,
        "author": [people.in_schema_org(metadata.DEVELOPERS)],
        "programmingLanguage": ["Python", "Snakemake"],
        "runtimePlatform": "Python 3.11 or later, Snakemake 9.25 or later",
        "operatingSystem": "Linux",
        "applicationCategory": "Bio-image analysis",
        "keywords": list(KEYWORDS),
    }
    if released:
        found["dateModified"] = released
    if software.repository:
        found["codeRepository"] = software.repository
    return found


def document(package: Package) -> dict:
    """Return the workflow at the commit that ran, with what it needed and the package it made."""
    said, software = package.publication, package.software
    found = of_software(software)
    if software.changed:  # the identifier of a commit would name other code
        found["releaseNotes"] = (
            f"Not as committed in {software.commit}: changed were {', '.join(software.changed)}."
        )
    elif software.commit:
        found["identifier"] = f"swh:1:rev:{software.commit}"
    found["softwareRequirements"] = [
        {"@type": "SoftwareApplication", "name": name, "version": version}
        for name, version in versions(package.records.values())
    ]
    made = {
        "@type": "Dataset",
        "name": said.title,
        "description": said.description,
        "version": said.version,
        "datePublished": said.date,
        "license": [metadata.SPDX + name for name in licences.ids(package.licence)],
        "creator": [people.in_schema_org(agent) for agent in said.creators],
    }
    if said.doi:
        made = {"@id": metadata.DOI + said.doi, **made, "identifier": metadata.DOI + said.doi}
    if said.keywords:
        made["keywords"] = list(said.keywords)
    found["isPartOf"] = made
    funders = [{"@type": "Organization", "name": one["funder"]} for one in said.funding]
    return found | ({"funder": funders} if funders else {})


def text(package: Package) -> str:
    """Return the description as a file holds it."""
    return json.dumps(document(package), indent=2, ensure_ascii=False) + "\n"


def versions(records: Iterable[dict]) -> list[tuple[str, str]]:
    """Return name and version of all that jobs imported, and of Python, in order of the names."""
    found = set()
    for record in records:
        found.add(("Python", record["environment"]["python"]))
        imported = record["environment"]["imported"].items()
        found |= {(name, version) for name, version in imported if not name.startswith("_")}
    return sorted(found, key=lambda pair: (pair[0].lower(), pair[1]))
