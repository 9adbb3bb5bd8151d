"""CITATION.cff: how to cite a package, in the Citation File Format 1.2.0."""

from collections.abc import Mapping

from bioagree.publication import licences, metadata, people
from bioagree.publication.contents import Package

# Accepted licences that the format's list of 2021 lacks.
NEWER = (
    "CC-BY-2.5-AU",
    "CC-BY-3.0-AU",
    "CC-BY-3.0-DE",
    "CC-BY-3.0-IGO",
    "CC-BY-3.0-NL",
    "CC-BY-NC-3.0-DE",
    "CC-BY-NC-SA-2.0-DE",
    "CC-BY-NC-SA-2.0-FR",
    "CC-BY-NC-SA-2.0-UK",
    "CC-BY-NC-SA-3.0-DE",
    "CC-BY-NC-SA-3.0-IGO",
    "CC-BY-SA-3.0-DE",
    "CC-BY-SA-3.0-IGO",
    "CC-PDM-1.0",
)
MESSAGE = "If you use these data, please cite them with these metadata."


def document(package: Package) -> dict:
    """Return the citation of a package, with references to the datasets that it derives from.

    The format reads a list of licences as "any of these". Files under several licences need all of
    them, so that they are then named in the message only.
    """
    said = package.publication
    message, licence = MESSAGE, {}
    if _has_word_for(package.licence):
        licence = {"license": package.licence}
    else:
        message += f" Licences: {package.licence}; REUSE.toml has that of each file."
    found = {
        "cff-version": "1.2.0",
        "message": message,
        "type": "dataset",
        "title": said.title,
        "abstract": said.description,
        "version": said.version,
        "date-released": said.date,
        "authors": [people.in_cff(agent) for agent in said.creators],
        "contact": [people.in_cff(said.contact)],
    }
    if said.doi:
        found["doi"] = said.doi
        text = "The DOI of this version of the package."
        found["identifiers"] = [{"type": "doi", "value": said.doi, "description": text}]
    found |= licence
    if said.keywords:
        found["keywords"] = list(said.keywords)
    if package.software.repository:
        found["repository-code"] = package.software.repository
    if package.software.commit:
        found["commit"] = package.software.commit
    references = [_reference(dataset) for _, dataset in sorted(package.datasets.items())]
    return found | ({"references": references} if references else {})


def text(package: Package) -> str:
    """Return the citation as a file holds it."""
    import yaml

    return yaml.safe_dump(
        document(package), sort_keys=False, allow_unicode=True, default_flow_style=False, width=100
    )


def reference(package: Package) -> str:
    """Return the citation in one line, as DataCite recommends: creators, year, title, version."""
    said = package.publication
    names = "; ".join(agent.name for agent in said.creators)
    address = f" {metadata.DOI}{said.doi}" if said.doi else ""
    title = said.title if said.title[-1] in ".?!" else f"{said.title}."
    return f"{names} ({said.date[:4]}): {title} Version {said.version}. Dataset.{address}"


def _has_word_for(licence: str) -> bool:
    """Say whether the format can name a licence; it cannot say that several apply together."""
    return len(licences.ids(licence)) == 1 and licence not in NEWER


def _reference(dataset: Mapping) -> dict:
    creators = [people.of_dataset(creator) for creator in dataset["creators"]]
    found = {
        "type": "data",
        "title": dataset["title"],
        "authors": [people.in_cff(agent) for agent in creators],
    }
    if _has_word_for(dataset["licence"]):
        found["license"] = dataset["licence"]
    else:
        found["notes"] = f"Licences: {dataset['licence']}"
    if "doi" in dataset:
        found["doi"] = dataset["doi"]
    urls = [f["url"] for f in dataset.get("files", ()) if f["url"].startswith("https://")]
    return found | ({"url": urls[0]} if urls else {})
