"""What each description of a package says, fact by fact, in words that can be compared.

Nothing here asks the code that wrote the descriptions: a package is read as others would read it.
"""

import html
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import yaml

from bioagree.publication.contents import (
    CITATION,
    CODEMETA,
    CRATE,
    DATAPACKAGE,
    FAIR,
    MANIFEST,
    PLAN,
    PLAN_PAGE,
    README,
    REMBI,
    REUSE,
)
from bioagree.publication.opened import Opened

REPORTED, PAGE = "provenance/report/all.json", "report/index.html"
ITSELF = "the file itself"
PACKAGE = "the package"
SPDX = "https://spdx.org/licenses/"
ON_PAGES = ("title", "version", "date", "doi")
DESCRIBED = (DATAPACKAGE, CRATE, CITATION, CODEMETA, PLAN, REMBI)
# Which descriptions must state what of the package, where any of them does.
EXPECTED = {
    "title": (*DESCRIBED, FAIR, README, PLAN_PAGE),
    "description": DESCRIBED,
    "version": (DATAPACKAGE, CRATE, CITATION, CODEMETA, FAIR, README, PLAN_PAGE),
    "date": (*DESCRIBED, FAIR, README, PLAN_PAGE),
    "doi": (*DESCRIBED, FAIR, README, PLAN_PAGE),
    "licence": (*DESCRIBED, FAIR),
    "creators": (*DESCRIBED, FAIR),
    "orcids": DESCRIBED,
    "commit": (DATAPACKAGE, CITATION),
}


@dataclass(frozen=True)
class Statement:
    """What a description says of something.

    Parameters
    ----------
    fact : str
        Such as ``sha256``, ``licence`` or ``title``; ``file`` says no more than that it is there.
    subject : str
        A file of the package, or the package.
    value : str
        In one spelling, whoever says it.
    file : str
        Who says it.
    where : str, optional
        The place in that file.
    """

    fact: str
    subject: str
    value: str
    file: str
    where: str = ""

    @property
    def place(self) -> str:
        """Who says it, and where."""
        return f"{self.file} ({self.where})" if self.where else self.file


def format_of(package: Opened) -> object:
    """Return the format of a package, as it says itself; None when it does not."""
    try:
        return json.loads(package.read(DATAPACKAGE))["bioagree"]["format"]
    except (ValueError, TypeError, KeyError):
        return None


def _manifest(package: Opened) -> Iterator[Statement]:
    for number, line in enumerate(_text(package, MANIFEST).splitlines(), start=1):
        found = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if not found:
            raise ValueError(f"line {number} is not a hash, two spaces and a path")
        yield Statement("file", found[2], "", MANIFEST)
        yield Statement("sha256", found[2], found[1], MANIFEST, f"line {number}")


def _datapackage(package: Opened) -> Iterator[Statement]:
    content = _json(package, DATAPACKAGE)
    yield from _of_package(
        DATAPACKAGE,
        title=content["title"],
        description=content["description"],
        version=content["version"],
        date=content["created"][:10],
        doi=_doi(content.get("id", "")),
        licence=_all_of(licence["name"] for licence in content["licenses"]),
        creators=_list(
            one["title"] for one in content["contributors"] if "creator" in one["roles"]
        ),
        orcids=_orcids(
            one.get("path", "") for one in content["contributors"] if "creator" in one["roles"]
        ),
        commit=content["bioagree"].get("commit", ""),
    )
    payload = 0
    for number, one in enumerate(content["resources"]):
        name, where = one["path"], f"resources[{number}]"
        yield Statement("file", name, "", DATAPACKAGE)
        if "hash" in one:
            yield Statement("sha256", name, _sha256(one["hash"]), DATAPACKAGE, where)
        if "bytes" in one:
            payload += one["bytes"]
            yield Statement("size", name, str(one["bytes"]), DATAPACKAGE, where)
        if "licenses" in one:
            licence = _all_of(licence["name"] for licence in one["licenses"])
            yield Statement("licence", name, licence, DATAPACKAGE, where)
    yield Statement("bytes of the payload", PACKAGE, str(payload), DATAPACKAGE)
    for number, one in enumerate(content.get("sources", ())):
        licence = _all_of(licence["name"] for licence in one["licenses"])
        yield Statement(
            "licence", _source(one["title"]), licence, DATAPACKAGE, f"sources[{number}]"
        )


def _crate(package: Opened) -> Iterator[Statement]:
    entities = {one["@id"]: one for one in _json(package, CRATE)["@graph"]}
    root = entities["./"]
    creators = [entities[one["@id"]] for one in _listed(root["creator"])]
    yield from _of_package(
        CRATE,
        title=root["name"],
        description=root["description"],
        version=root["version"],
        date=root["datePublished"][:10],
        doi=_doi(_text_of(root.get("identifier", ""))),
        licence=_all_of(_spdx(one["@id"]) for one in _listed(root["license"])),
        creators=_list(_person(one) for one in creators),
        orcids=_orcids(one["@id"] for one in creators),
    )
    for one in _listed(root["hasPart"]):
        about, name = entities[one["@id"]], unquote(one["@id"])
        yield Statement("file", name, "", CRATE)
        if "sha256" in about:
            yield Statement("sha256", name, about["sha256"], CRATE)
        if "contentSize" in about:
            yield Statement("size", name, str(about["contentSize"]), CRATE)
        if "license" in about:
            licence = _all_of(_spdx(one["@id"]) for one in _listed(about["license"]))
            yield Statement("licence", name, licence, CRATE)


def _citation(package: Opened) -> Iterator[Statement]:
    content = yaml.load(package.read(CITATION), Loader=yaml.BaseLoader)
    message = re.search(r"Licences: (.+?); ", content["message"])
    licences = _listed(content["license"]) if "license" in content else message[1].split(" AND ")
    authors = content["authors"]
    identifiers = [one["value"] for one in content.get("identifiers", ()) if one["type"] == "doi"]
    for doi in dict.fromkeys([content.get("doi", ""), *identifiers]):
        yield from _of_package(CITATION, doi=_doi(doi))
    yield from _of_package(
        CITATION,
        title=content["title"],
        description=content["abstract"],
        version=content["version"],
        date=content["date-released"],
        licence=_all_of(licences),
        creators=_list(
            one["name"] if "name" in one else f"{one['family-names']}, {one['given-names']}"
            for one in authors
        ),
        orcids=_orcids(one.get("orcid", "") for one in authors),
        commit=content.get("commit", ""),
    )
    for number, one in enumerate(content.get("references", ())):
        # Licences that the format does not know, or several, stand in words.
        noted = re.search(r"Licences?: (.+?)[.;]?$", one.get("notes", ""))
        licences = _listed(one.get("license", noted[1] if noted else []))
        if licences:
            where = f"references[{number}]"
            yield Statement("licence", _source(one["title"]), _all_of(licences), CITATION, where)


def _codemeta(package: Opened) -> Iterator[Statement]:
    content = _json(package, CODEMETA)["isPartOf"]
    creators = content["creator"]
    for doi in dict.fromkeys([content.get("@id", ""), content.get("identifier", "")]):
        yield from _of_package(CODEMETA, doi=_doi(doi))
    yield from _of_package(
        CODEMETA,
        title=content["name"],
        description=content["description"],
        version=content["version"],
        date=content["datePublished"],
        licence=_all_of(_spdx(one) for one in _listed(content["license"])),
        creators=_list(_person(one) for one in creators),
        orcids=_orcids(one.get("@id", "") for one in creators),
    )


def _plan(package: Opened) -> Iterator[Statement]:
    content = _json(package, PLAN)["dmp"]
    made, *reused = content["dataset"]
    kinds = made["distribution"]
    days = [one["issued"] for one in kinds] + [
        licence["start_date"] for one in kinds for licence in one["license"]
    ]
    for day in dict.fromkeys([made["issued"], *days]):
        yield from _of_package(PLAN, date=day)
    own = made["dataset_id"]
    stated = [own["identifier"] if own["type"] == "doi" else ""]
    stated += [one.get("access_url", "") for one in kinds]
    stated.append(content["dmp_id"]["identifier"].partition("#")[0])
    for doi in dict.fromkeys(map(_doi, stated)):
        yield from _of_package(PLAN, doi=doi)
    yield from _of_package(
        PLAN,
        title=made["title"],
        description=made["description"],
        licence=_all_of(_spdx(one["license_ref"]) for kind in kinds for one in kind["license"]),
        creators=_list(one["name"] for one in made["creator"]),
        orcids=_orcids(one["creator_id"]["identifier"] for one in made["creator"]),
    )
    payload = str(sum(one["byte_size"] for one in kinds))
    yield Statement("bytes of the payload", PACKAGE, payload, PLAN)
    for number, one in enumerate(reused, start=1):
        yield Statement(
            "licence", _source(one["title"]), _all_of([one["rights"]]), PLAN, f"dataset[{number}]"
        )


def _rembi(package: Opened) -> Iterator[Statement]:
    study = _json(package, REMBI)["study"]
    authors = study["authors"]
    own = [
        one["link_url"]
        for one in study.get("links", ())
        if one.get("link_description") == "This package."
    ]
    yield from _of_package(
        REMBI,
        title=study["title"],
        description=study["description"],
        date=study["private_until_date"],
        doi=_doi(own[0]) if own else "",
        licence=_all_of([study["license"]]),
        creators=_list(
            ", ".join(filter(None, (one["last_name"], one.get("first_name")))) for one in authors
        ),
        orcids=_orcids(one.get("orcid", "") for one in authors),
    )


def _fair(package: Opened) -> Iterator[Statement]:
    content = _json(package, FAIR)["package"]
    yield from _of_package(
        FAIR,
        title=content["title"],
        version=content["version"],
        date=content["date"],
        doi=content.get("doi", ""),
        licence=_all_of([content["licence"]]),
        creators=_list(content["creators"]),
    )


def _page(name: str):
    """Return a reader of a page for people: what stands somewhere in it, it states."""

    def read(package: Opened) -> Iterator[Statement]:
        text = html.unescape(_text(package, name))
        for one in _datapackage(package):
            words = f"https://doi.org/{one.value}" if one.fact == "doi" else one.value
            if one.subject == PACKAGE and one.fact in ON_PAGES and words in text:
                yield Statement(one.fact, PACKAGE, one.value, name)

    return read


def _rights(package: Opened) -> Iterator[Statement]:
    for number, one in enumerate(tomllib.loads(_text(package, REUSE))["annotations"]):
        licence = _all_of([one["SPDX-License-Identifier"]])
        for path in _listed(one["path"]):
            name = re.sub(r"\\(.)", r"\1", path)
            yield Statement("licence", name, licence, REUSE, f"annotations[{number}]")


def _sheet(package: Opened) -> Iterator[Statement]:
    """Yield the licences of the sources, as the study itself has them."""
    for name in package.names:
        if name.startswith("workflow/config/packaged/datasets."):
            for dataset in yaml.safe_load(package.read(name)).values():
                licence = _all_of([dataset["licence"]])
                yield Statement("licence", _source(dataset["title"]), licence, name)


def _records(package: Opened) -> Iterator[Statement]:
    """Yield the hashes that products had when their jobs had written them."""
    records = {
        name: json.loads(package.read(name))
        for name in package.names
        if name.startswith("provenance/")
    }
    page = next(path for path in records[REPORTED]["outputs"] if path.endswith(PAGE))
    results = page.removesuffix(PAGE)  # as the records name the folder
    for name, record in records.items():
        for path, about in record["outputs"].items():
            product = f"results/{path.removeprefix(results)}"
            if path.startswith(results) and product in package.names:
                yield Statement("sha256", product, about["sha256"], name)
                yield Statement("size", product, str(about["bytes"]), name)


READERS: dict[str, Callable[[Opened], Iterator[Statement]]] = {
    MANIFEST: _manifest,
    DATAPACKAGE: _datapackage,
    CRATE: _crate,
    CITATION: _citation,
    CODEMETA: _codemeta,
    PLAN: _plan,
    PLAN_PAGE: _page(PLAN_PAGE),
    REMBI: _rembi,
    FAIR: _fair,
    README: _page(README),
    REUSE: _rights,
    "the study's datasets": _sheet,
    "the records of jobs": _records,
}


def _of_package(file: str, **facts: str) -> Iterator[Statement]:
    for fact, value in facts.items():
        if value:
            yield Statement(fact, PACKAGE, " ".join(str(value).split()), file)


def _text(package: Opened, name: str) -> str:
    return package.read(name).decode("utf-8")


def _json(package: Opened, name: str) -> dict:
    return json.loads(_text(package, name))


def _listed(value) -> list:
    return list(value) if isinstance(value, list) else [value]


def _source(title: str) -> str:
    return f"the source {title!r}"


def _doi(text: str) -> str:
    """Return the DOI in an address; nothing where it is none."""
    found = re.sub(r"^(https?://(dx\.)?doi\.org/|doi:)", "", text)
    return found if found.startswith("10.") else ""


def _sha256(text: str) -> str:
    return text.removeprefix("sha256:")


def _spdx(address: str) -> str:
    return address.removeprefix(SPDX).removesuffix(".html")


def _all_of(expressions: Iterable[str]) -> str:
    """Return licences that all apply in one order, each once."""
    parts = {part for one in expressions for part in one.split(" AND ")}
    return " AND ".join(sorted(parts))


def _list(names: Iterable[str]) -> str:
    return "; ".join(names)


def _orcids(addresses: Iterable[str]) -> str:
    found = [re.search(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", one) for one in addresses]
    return _list(one[0] for one in found if one)


def _person(entity: Mapping) -> str:
    """Return the name of an agent of schema.org as others have it."""
    if "familyName" in entity:
        return f"{entity['familyName']}, {entity['givenName']}"
    return entity["name"]


def _text_of(value) -> str:
    return value.get("@id", "") if isinstance(value, Mapping) else value
