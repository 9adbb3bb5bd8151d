"""The entities of a crate: each described once, referred to by its identifier, in one order."""

import json
import re
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import quote

from bioagree.publication import licences, people
from bioagree.publication.contents import Agent

SPDX = "https://spdx.org/licenses/"
# Starts with the root of a file system, of a drive, or of somebody's home.
OF_A_MACHINE = re.compile(r"(file:)?/|~|[A-Za-z]:[\\/]|\\\\")
# The same with at least two parts in a sentence; not the end of an address or a pattern.
WITHIN_A_TEXT = re.compile(r"(?<![\w.:/*>})\]])~?(?:/[^\s/'\",;]+)+/([^\s/'\",;]+)")


class Graph:
    """Entities by identifier; what is added twice is one entity, whose lists are joined."""

    def __init__(self):
        self._entities: dict[str, dict] = {}
        self._lists: dict[tuple[str, str], dict[str, None]] = {}

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._entities

    def add(self, identifier: str, kind: str | list[str], /, **properties) -> dict:
        """Describe an entity, unless it is already, and return the reference to it."""
        if identifier not in self._entities:
            known = {key: _one(value) for key, value in properties.items() if _is_said(value)}
            self._entities[identifier] = {"@id": identifier, "@type": kind} | known
        return {"@id": identifier}

    def update(self, identifier: str, /, **properties) -> None:
        """Say more of an entity."""
        known = {key: _one(value) for key, value in properties.items() if _is_said(value)}
        self._entities[identifier] |= known

    def link(self, subject: str, key: str, target: str) -> None:
        """Add one reference to a property of an entity that is described sooner or later."""
        self._lists.setdefault((subject, key), {})[target] = None

    def agent(self, agent: Agent) -> dict:
        """Describe a person or an organisation, without the email address."""
        if not people.is_person(agent):
            return self._organisation(agent.name, agent.ror)
        address = people.ORCID + agent.orcid if agent.orcid else f"#person/{quote(agent.name)}"
        affiliation = agent.affiliation and self._organisation(agent.affiliation, agent.ror)
        return self.add(
            address,
            "Person",
            name=f"{agent.given} {agent.family}",
            familyName=agent.family,
            givenName=agent.given,
            affiliation=affiliation,
        )

    def licences(self, expression: str) -> list[dict]:
        """Describe all licences of an SPDX expression, which apply together."""
        return [
            self.add(
                SPDX + quote(name),
                "CreativeWork",
                name=name,
                description=f"The licence with the SPDX identifier {name}.",
                url=licences.url(name),
            )
            for name in licences.ids(expression)
        ]

    def entities(self) -> list[dict]:
        """Return all entities: the descriptor and the root first, the others by identifier."""
        for (subject, key), targets in self._lists.items():
            references = [{"@id": target} for target in sorted(targets)]
            self._entities[subject][key] = _one(references)
        first = ("ro-crate-metadata.json", "./")
        others = sorted(set(self._entities) - set(first))
        return [self._entities[name] for name in (*first, *others)]

    def _organisation(self, name: str, ror: str) -> dict:
        address = people.ROR + ror if ror else f"#organisation/{quote(name)}"
        return self.add(address, "Organization", name=name, url=people.ROR + ror if ror else "")


def text_of(value) -> str:
    """Return a value as JSON in one spelling, without paths of a machine."""
    return json.dumps(public(value), sort_keys=True, ensure_ascii=False)


def public(value):
    """Return a value with paths of a machine shortened to their last part."""
    if isinstance(value, dict):
        return {public(str(key)): public(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [public(one) for one in value]
    if isinstance(value, str) and OF_A_MACHINE.match(value):
        return re.split(r"[\\/]", value.rstrip("\\/"))[-1] or "/"
    if isinstance(value, str):
        return WITHIN_A_TEXT.sub(r"\1", value)
    return value


def short(*texts: str) -> str:
    """Return a short name for long texts."""
    return sha256("\n".join(texts).encode()).hexdigest()[:16]


def references(identifiers: Iterable[str]) -> list[dict]:
    """Return references to entities."""
    return [{"@id": identifier} for identifier in identifiers]


def _is_said(value) -> bool:
    return value is not None and value != "" and value != []


def _one(value):
    """RO-Crate 1.1 wants no list around a single value."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value
