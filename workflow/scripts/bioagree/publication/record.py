"""What a record says of a package, in the words of InvenioRDM."""

import html
import re
from collections.abc import Callable

from bioagree.publication import licences
from bioagree.publication.contents import Agent, Package, Publication

# https://inveniordm.docs.cern.ch/reference/metadata/ has the fields.


def draft_metadata(publication: Publication, publisher: str) -> dict:
    """Return what is known before there is a package; what is not known is left out.

    Licences and affiliations have both identifier and name; :func:`known` keeps the one that a
    service can use.

    Parameters
    ----------
    publication : Publication
        Its DOI is no part of the metadata.
    publisher : str
        The archive.
    """
    related = [(_bare(one["identifier"]), one["relation"]) for one in publication.related]
    about = {
        "resource_type": {"id": "dataset"},
        "title": publication.title,
        "description": _paragraphs(publication.description),
        "publication_date": publication.date,
        "version": publication.version,
        "publisher": publisher,
        "creators": [_named(agent) for agent in publication.creators],
        "contributors": [_named(publication.contact) | {"role": {"id": "contactperson"}}],
        "languages": [{"id": publication.language}],
        "subjects": [{"subject": keyword} for keyword in publication.keywords],
        "related_identifiers": _related(related),
        "funding": [_grant(grant) for grant in publication.funding],
    }
    return {key: value for key, value in about.items() if value}


def record_metadata(package: Package, publisher: str) -> dict:
    """Return the metadata of the record of a package: its licences, sources and dates, too."""
    about = draft_metadata(package.publication, publisher)
    sources = sorted({one["doi"] for one in package.datasets.values() if one.get("doi")})
    derived = _related([(doi, "IsDerivedFrom") for doi in sources])
    related = [*derived, *about.get("related_identifiers", [])]
    more = {
        "rights": [_right(licence) for licence in licences.ids(package.licence)],
        "related_identifiers": [one for n, one in enumerate(related) if one not in related[:n]],
        "dates": [{"date": _interval(package), "type": {"id": "created"}}],
    }
    return about | {key: value for key, value in more.items() if value}


def known(metadata: dict, knows: Callable[[str, str], bool]) -> dict:
    """Return metadata with identifiers where the service knows them, and names where not.

    Parameters
    ----------
    metadata : dict
        Of :func:`draft_metadata` or :func:`record_metadata`.
    knows : callable
        Takes a vocabulary (``licenses``, ``affiliations``) and an identifier.
    """
    usable = {
        "creators": [_placed(one, knows) for one in metadata["creators"]],
        "contributors": [_placed(one, knows) for one in metadata["contributors"]],
        "rights": [_one_of(right, "licenses", knows) for right in metadata.get("rights", [])],
    }
    return metadata | {key: value for key, value in usable.items() if key in metadata}


def _placed(agent: dict, knows) -> dict:
    if "affiliations" not in agent:
        return agent
    return agent | {
        "affiliations": [_one_of(one, "affiliations", knows) for one in agent["affiliations"]]
    }


def _one_of(entry: dict, vocabulary: str, knows) -> dict:
    if "id" in entry and knows(vocabulary, entry["id"]):
        return {"id": entry["id"]}
    return {key: value for key, value in entry.items() if key != "id"}


def _named(agent: Agent) -> dict:
    if agent.family:
        who = {"type": "personal", "family_name": agent.family, "given_name": agent.given}
        schemes = {"orcid": agent.orcid}
    else:
        who = {"type": "organizational", "name": agent.name}
        schemes = {"ror": agent.ror}
    who["identifiers"] = [{"scheme": s, "identifier": text} for s, text in schemes.items() if text]
    named = {"person_or_org": {key: value for key, value in who.items() if value}}
    if agent.affiliation:
        place = {"name": agent.affiliation}
        named["affiliations"] = [{"id": agent.ror} | place if agent.ror else place]
    return named


def _right(licence: str) -> dict:
    link = f"https://spdx.org/licenses/{licence}.html"
    return {"id": licence.lower(), "title": {"en": licence}, "link": link}


def _related(pairs: list[tuple[str, str]]) -> list[dict]:
    return [
        {
            "identifier": identifier,
            "scheme": "url" if identifier.startswith("http") else "doi",
            "relation_type": {"id": relation.lower()},
        }
        for identifier, relation in pairs
    ]


def _bare(identifier: str) -> str:
    return re.sub(r"^(https?://(dx\.)?doi\.org/|doi:)", "", identifier)


def _grant(grant) -> dict:
    found = {"funder": {"name": grant["funder"]}}
    if grant.get("award"):
        title = grant.get("title") or grant["award"]
        found["award"] = {"number": str(grant["award"]), "title": {"en": title}}
    return found


def _interval(package: Package) -> str:
    return "/".join(dict.fromkeys((package.started[:10], package.ended[:10])))


def _paragraphs(text: str) -> str:
    parts = re.split(r"\n\s*\n", text.strip())
    return "".join(f"<p>{html.escape(' '.join(part.split()), quote=False)}</p>" for part in parts)
