"""ro-crate-metadata.json: how every file of a package came to be, as a Provenance Run Crate.

RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) with the profiles of Workflow Run RO-Crate 0.5
(https://w3id.org/ro/wfrun). The terms that RO-Crate 1.1 lacks are defined in the crate itself, so
that one context is all that a reader must know.
"""

from collections.abc import Mapping
from urllib.parse import quote

from bioagree.publication.contents import CRATE, Package
from bioagree.publication.crate_files import DOI, Files
from bioagree.publication.crate_graph import Graph, references
from bioagree.publication.crate_jobs import WORKFLOW_LANGUAGE, Jobs
from bioagree.publication.services import PRODUCTION, service_of

SPECIFICATION = "https://w3id.org/ro/crate/1.1"
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
_RUN_TERMS = (
    "ParameterConnection",
    "connection",
    "environment",
    "sha256",
    "sourceParameter",
    "targetParameter",
)
CONTEXT = [
    f"{SPECIFICATION}/context",
    {name: f"https://w3id.org/ro/terms/workflow-run#{name}" for name in _RUN_TERMS}
    | {
        "buildInstructions": "https://codemeta.github.io/terms/buildInstructions",
        "copyrightNotice": "http://schema.org/copyrightNotice",
    },
]
MAIN = "workflow/Snakefile"
DIAGRAM = "results/report/rulegraph.svg"
RELATIONS = {  # DataCite's to schema.org's; the others are citations
    "IsDerivedFrom": "isBasedOn",
    "IsPartOf": "isPartOf",
    "IsDocumentedBy": "subjectOf",
    "IsDescribedBy": "subjectOf",
}


def crate(package: Package, scripts: Mapping[str, str], purposes: Mapping[str, str]) -> dict:
    """Return the crate of a package; equal packages give equal crates.

    Parameters
    ----------
    package : Package
        What there is to describe.
    scripts : mapping
        The script of each rule, by its path in the package.
    purposes : mapping
        What each rule is for.

    Returns
    -------
    dict
        JSON-LD, flat, without names and paths of machines.

    Raises
    ------
    ValueError
        When the package holds no workflow.
    """
    graph = Graph()
    files = Files(graph, package, scripts)
    if MAIN not in graph:
        raise ValueError(f"the package holds no {MAIN}, which its jobs ran")
    jobs = Jobs(graph, files, package, scripts, purposes)
    jobs.workflow(MAIN)
    jobs.connect_results(MAIN)
    _add_root(graph, package, files.parts, jobs.actions)
    for name in package.datasets:
        graph.link("./", "isBasedOn", files.dataset(name))
    graph.update(MAIN, **_workflow(graph, package))
    return {"@context": CONTEXT, "@graph": graph.entities()}


def _add_root(graph: Graph, package: Package, parts: list[str], actions: list[str]) -> None:
    said = package.publication
    graph.add(
        CRATE,
        "CreativeWork",
        about={"@id": "./"},
        conformsTo=references([SPECIFICATION, WORKFLOW_CRATE]),
    )
    for identifier, (name, version) in PROFILES.items():
        graph.add(identifier, "CreativeWork", name=name, version=version)
    creators = [graph.agent(agent) for agent in said.creators]
    graph.add(
        "./",
        "Dataset",
        name=said.title,
        description=said.description,
        datePublished=said.date,
        version=said.version,
        inLanguage=said.language,
        keywords=list(said.keywords),
        license=graph.licences(package.licence),
        creator=creators,
        author=creators,
        publisher=_publisher(graph, package),
        identifier=DOI + said.doi if said.doi else "",
        conformsTo=references(PROFILES),
        mainEntity={"@id": MAIN},
        hasPart=references(sorted(parts)),
        mentions=references(sorted(actions)),
    )
    for one in said.related:
        address = _address(one["identifier"])
        text = f"Related to this package: {one['relation']}."
        graph.add(address, "CreativeWork", name=one["identifier"], description=text)
        graph.link("./", RELATIONS.get(one["relation"], "citation"), address)
    for number, one in enumerate(said.funding, start=1):
        _add_funding(graph, one, f"#grant/{number}")


def _add_funding(graph: Graph, one: Mapping, identifier: str) -> None:
    ror = f"https://ror.org/{one['ror']}" if one.get("ror") else ""
    address = ror or f"#organisation/{quote(one['funder'])}"
    funder = graph.add(address, "Organization", name=one["funder"], url=ror)
    graph.link("./", "funder", address)
    if one.get("award"):
        graph.add(
            identifier,
            "Grant",
            name=one.get("title") or f"Grant {one['award']}",
            identifier=str(one["award"]),
            funder=funder,
        )
        graph.link("./", "funding", identifier)


def _publisher(graph: Graph, package: Package) -> dict | None:
    """Return who is to publish it: the archive in the config, or Zenodo if its DOI says so."""
    setting = package.config.get("archive", {}).get("service")
    if setting:
        service = service_of(setting)
    elif package.publication.doi.startswith(f"{PRODUCTION.prefix}/zenodo."):
        service = PRODUCTION
    else:
        return None
    return graph.add(service.url, "Organization", name=service.publisher, url=service.url)


def _workflow(graph: Graph, package: Package) -> dict:
    """Return what else is said of the Snakefile: that it is the workflow, and at which commit."""
    software = package.software
    changed = ", ".join(software.changed)
    state = f"These files differed from it: {changed}." if changed else "No file differed from it."
    commit = graph.add(
        "#commit",
        "PropertyValue",
        name="Git commit",
        value=software.commit or "unknown",
        description=state if software.commit else "The workflow was in no Git repository.",
    )
    graph.add(BIOSCHEMAS, "CreativeWork", name="Bioschemas ComputationalWorkflow", version="1.0")
    return {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": "bioagree",
        "version": software.version,
        "programmingLanguage": {"@id": WORKFLOW_LANGUAGE},
        "conformsTo": {"@id": BIOSCHEMAS},
        "identifier": commit,
        "codeRepository": software.repository,
        "url": software.repository,
        "image": {"@id": DIAGRAM} if DIAGRAM in graph else None,
    }


def _address(identifier: str) -> str:
    """Return a DOI or an address as an address."""
    return DOI + quote(identifier) if identifier.startswith("10.") else identifier
