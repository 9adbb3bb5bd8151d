"""The JSON-LD context of RO-Crate 1.1, for readers without network.

The `rocrate` package ships the context of RO-Crate 1.3. It gives the terms of Bioschemas other
addresses than 1.1, under which validators of 1.1 would not find the workflow, and it knows terms
that 1.1 lacks, which would hide that a crate does not define them itself.
"""

import io
import json
from importlib.resources import files
from pathlib import Path

from requests.adapters import HTTPAdapter
from urllib3.response import HTTPResponse

ADDRESS = "https://w3id.org/ro/crate/1.1/context"
# As 1.1 has them: https://www.researchobject.org/ro-crate/specification/1.1/context.jsonld
BIOSCHEMAS = {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}
LATER = ("sha256", "copyrightNotice")  # of schema.org, but not in 1.1


def context() -> dict:
    """Return the terms of RO-Crate 1.1."""
    shipped = json.loads(files("rocrate").joinpath("data/ro-crate.jsonld").read_text())["@context"]
    kept = {
        name: meaning
        for name, meaning in shipped.items()
        if name not in LATER and not str(meaning).startswith("https://codemeta.github.io/")
    }
    return kept | BIOSCHEMAS


def issues(crate: Path, cache: Path, profile: str) -> list[str]:
    """Return what roc-validator finds amiss in a folder of what a profile requires, offline."""
    from rocrate_validator import models, services

    seed(cache)
    result = services.validate(
        models.ValidationSettings(
            rocrate_uri=crate,
            profile_identifier=profile,
            requirement_severity=models.Severity.REQUIRED,
            offline=True,
            cache_path=str(cache),
            cache_max_age=-1,
        )
    )
    return [issue.message for issue in result.get_issues()]


class _Shelf(HTTPAdapter):
    """Answers for w3id.org from what is installed."""

    def send(self, request, **options):
        body = json.dumps({"@context": context()}).encode()
        raw = HTTPResponse(
            io.BytesIO(body),
            {"Content-Type": "application/ld+json"},
            200,
            preload_content=False,
            request_url=request.url,
        )
        return self.build_response(request, raw)


def seed(cache: Path) -> None:
    """Fill the cache of roc-validator's HTTP client, which then needs no network."""
    from rocrate_validator.utils.http import HttpRequester

    HttpRequester.initialize_cache(cache_path=str(cache), cache_max_age=-1)
    requester = HttpRequester()
    requester.session.mount("https://w3id.org/", _Shelf())
    for accept in (
        "application/ld+json, application/json",
        "application/ld+json, application/json, */*;q=0.1",
    ):
        requester.get(ADDRESS, headers={"Accept": accept}).raise_for_status()


def graph_of(crate: dict):
    """Return a crate as RDF."""
    from rdflib import Graph

    inline = [context(), *crate["@context"][1:]]
    graph = Graph()
    graph.parse(
        data=json.dumps(crate | {"@context": inline}), format="json-ld", base="https://crate.test/"
    )
    return graph
