"""dmp.json and dmp.html: the data management plan, by the RDA's common standard (maDMP) 1.2.

What a run knows (data, formats, volumes, quality, licences) is taken from it; what only people know
(backup, costs, ethics) from the config's `publication: plan`. What neither says is "unknown".

The standard: https://github.com/RDA-DMP-Common/RDA-DMP-Common-Standard. Whoever reads versions 1.0
and 1.1 can read this, too: identifiers have types that these know.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from bioagree.publication import licences, metadata, pages, people
from bioagree.publication.contents import Agent, File, Package

UNKNOWN = "unknown"
# What roles of files are called, in the order in which people look for them.
KINDS = {
    "Label images": ("labels", "truth"),
    "Images": ("images",),
    "Tables": ("table", "parquet", "description"),
    "Surfaces": ("surface",),
    "Figures and report": ("figure", "report"),
    "Models": ("model",),
    "Provenance": ("record", "recording"),
    "Workflow and licences": ("workflow", "licence"),
}
STANDARDS = {
    "https://datapackage.org": "Data Package 2.0: datapackage.json, with a schema of every table.",
    "https://w3id.org/ro/wfrun/provenance/0.5": (
        "Provenance Run Crate 0.5, on RO-Crate 1.1: ro-crate-metadata.json, how every file came to "
        "be."
    ),
    "https://doi.org/10.1038/s41592-021-01166-8": "REMBI: rembi.json, what was imaged and how.",
    "https://docs.openmicroscopy.org/ome-model/": (
        "OME-TIFF: label images with voxel sizes and axes in the file."
    ),
    "https://citation-file-format.github.io": "Citation File Format 1.2.0: CITATION.cff.",
    "https://w3id.org/codemeta/3.0": "CodeMeta 3.0: codemeta.json, of the workflow.",
}
HOSTS = {
    "production": {
        "title": "Zenodo",
        "url": "https://zenodo.org",
        "geo_location": "CH",
        "pid_system": ["doi"],
        "support_versioning": "yes",
        "description": "Repository for research of all fields, run by CERN.",
    },
    "sandbox": {
        "title": "Zenodo Sandbox",
        "url": "https://sandbox.zenodo.org",
        "support_versioning": "yes",
        "description": "For trials: it may be emptied at any time, and its DOIs do not resolve.",
    },
}


def document(package: Package) -> dict:
    """Return the plan; the first dataset is the package, the others are those that it reuses."""
    said, plan = package.publication, package.publication.plan
    found = {
        "title": f"Data management plan: {said.title}",
        "description": (
            "What data this study made, how they are described, checked, kept and shared. Written "
            f"from the records of {len(package.records)} jobs and from the study's config."
        ),
        "language": said.language,
        "created": package.started,
        "modified": package.ended,
        "dmp_id": _identifier(package, "#dmp.json"),
        "contact": {
            "name": said.contact.name,
            "mbox": said.contact.email,
            "contact_id": _agent_id(said.contact),
        },
        "contributor": _contributors(package),
        "cost": _costs(plan),
        "ethical_issues_exist": plan.get("ethical_issues", UNKNOWN),
    }
    if "ethics" in plan:
        found["ethical_issues_description"] = plan["ethics"]
    found["project"] = [_project(package)]
    if said.related:
        found["related_identifier"] = [
            {
                "identifier": one["identifier"],
                "type": "url" if one["identifier"].startswith("http") else "doi",
                "relation_type": one["relation"],
            }
            for one in said.related
        ]
    found["dataset"] = [_made(package)] + [
        _reused(name, package.datasets[name]) for name in sorted(package.datasets)
    ]
    return {"dmp": found}


def text(package: Package) -> str:
    """Return the plan as a file holds it."""
    return json.dumps(document(package), indent=2, ensure_ascii=False) + "\n"


def page(package: Package) -> str:
    """Return the plan as an HTML page that people read."""
    plan = document(package)["dmp"]
    made, *reused = plan["dataset"]
    return pages.render(
        "dmp.html.j2",
        {"volume": volume},
        escape=True,
        package=package,
        facts=metadata.facts(package),
        plan=plan,
        made=made,
        reused=reused,
    )


def kinds(files: Iterable[File]) -> dict[str, list[File]]:
    """Return the payload by kind; kinds that it lacks are left out."""
    files = list(files)
    found = {name: [file for file in files if file.role in roles] for name, roles in KINDS.items()}
    return {name: members for name, members in found.items() if members}


def volume(size: int) -> str:
    """Return a number of bytes as people say it."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def _made(package: Package) -> dict:
    """Return the package as a dataset of the plan."""
    said, plan = package.publication, package.publication.plan
    found = {
        "title": said.title,
        "description": said.description,
        "type": "dataset",
        "dataset_id": _identifier(package),
        "creator": [
            {"name": agent.name, "creator_id": _agent_id(agent)} for agent in said.creators
        ],
        "is_reused": False,
        "issued": said.date,
        "language": said.language,
        "personal_data": _personal(package, "personal_data"),
        "sensitive_data": _personal(package, "sensitive_data"),
        "data_quality_assurance": _quality(package),
        "preservation_statement": plan.get("preservation", UNKNOWN),
        "rights": f"Licences: {package.licence}; REUSE.toml has that of each file.",
        "security_and_privacy": _security(plan),
        "technical_resource": _resources(package),
        "metadata": [
            {
                "description": text,
                "language": "eng",
                "metadata_standard_id": {"identifier": url, "type": "url"},
            }
            for url, text in STANDARDS.items()
        ],
        "distribution": [
            _distribution(package, name, files) for name, files in kinds(package.files).items()
        ],
    }
    return found | ({"keyword": list(said.keywords)} if said.keywords else {})


def _distribution(package: Package, kind: str, files: list[File]) -> dict:
    """Return one kind of files, with formats, volume, licences, and where they will be."""
    said = package.publication
    counted = Counter(file.media_type for file in files)
    found = {
        "title": kind,
        "description": "; ".join(f"{n} × {name}" for name, n in sorted(counted.items())),
        "format": sorted(counted),
        "byte_size": sum(file.size for file in files),
        "data_access": "open",
        "issued": said.date,
        "license": [
            {"license_ref": metadata.SPDX + name, "start_date": said.date}
            for name in licences.ids(licences.collection(file.licence for file in files))
        ],
        "host": _host(package),
    }
    if not found["host"]:
        del found["host"]
    if said.doi:
        found["access_url"] = metadata.DOI + said.doi
    years = said.plan.get("retention_years")
    if years:
        found["available_until"] = _years_later(said.date, years)
    return found


def _reused(name: str, dataset: Mapping) -> dict:
    """Return a dataset of others (or of one's own, from before) that the study took."""
    source = dataset.get("doi")
    urls = [file["url"] for file in dataset.get("files", ()) if file["url"].startswith("https://")]
    if source:
        identifier = {"identifier": source, "type": "doi"}
    elif urls:
        identifier = {"identifier": urls[0], "type": "url"}
    else:
        identifier = {"identifier": name, "type": "other"}
    generated = metadata.is_generated(dataset)
    calibration = f"Voxel size {dataset['calibration']}"
    if "calibration_source" in dataset:
        calibration += f": {dataset['calibration_source']}"
    agents = [people.of_dataset(creator) for creator in dataset["creators"]]
    return {
        "title": dataset["title"],
        "description": f"{dataset.get('licence_note', 'Licence')}: {dataset['licence']}.",
        "type": "dataset",
        "dataset_id": identifier,
        "creator": [{"name": agent.name, "creator_id": _agent_id(agent)} for agent in agents],
        "is_reused": True,
        "personal_data": "no" if generated else UNKNOWN,
        "sensitive_data": "no" if generated else UNKNOWN,
        "data_quality_assurance": [f"{calibration}."],
        "rights": dataset["licence"],
    }


def _quality(package: Package) -> list[str]:
    """Return what speaks for the quality of the data, each with its evidence."""
    products = sum(len(record["outputs"]) for record in package.records.values())
    found = [
        f"Every file that a job wrote is on record with its sha256: {products} files of "
        f"{len(package.records)} jobs, in provenance/."
    ]
    if any(file.role == "recording" for file in package.files):
        found.append(
            "The run can be repeated from workflow/ and compared with recording/: snakemake verify."
        )
    for name, one in sorted(package.datasets.items()):
        source = f" ({one['calibration_source']})" if "calibration_source" in one else ""
        found.append(f"Voxel size of {name}: {one['calibration']}{source}.")
    for kind, ask in sorted((one["type"], one["ask"]) for one in package.questions.values()):
        found.append(f"Asked of the data ({kind}): {ask}")
    warnings = sum(len(record["warnings"]) for record in package.records.values())
    found.append(f"Warnings that jobs left on record: {warnings}.")
    if package.software.changed:
        found.append(
            "The workflow was not as committed: changed were "
            f"{', '.join(package.software.changed)}."
        )
    return found


def _security(plan: Mapping) -> list[dict]:
    said = {
        "Storage during the work": plan.get("storage", UNKNOWN),
        "Backup": plan.get("backup", UNKNOWN),
        "Security": plan.get("security", UNKNOWN),
        "Integrity": "sha256 of every file in manifest-sha256.txt.",
    }
    if "privacy" in plan:
        said["Privacy"] = plan["privacy"]
    return [{"title": title, "description": text} for title, text in said.items()]


def _resources(package: Package) -> list[dict]:
    """Return what the study was computed with."""
    devices = {
        f"{one['device']['name']} ({one['device']['backend']})"
        for one in package.records.values()
        if one.get("device")
    }
    machines = {f"{one['host']['machine']} processor" for one in package.records.values()}
    resources = [{"name": name} for name in sorted(machines) + sorted(devices)]
    software = f"bioagree {package.software.version}"
    return [{"name": software, "description": "The workflow, in workflow/."}, *resources]


def _contributors(package: Package) -> list[dict]:
    """Return everybody with a role, each once."""
    said = package.publication
    holders = [(agent, ["data creator"]) for agent in said.creators]
    holders.append((said.contact, ["contact person"]))
    holders += [
        (metadata.contributor(one), list(one["roles"])) for one in said.plan.get("contributors", ())
    ]
    found: dict[str, dict] = {}
    for agent, roles in holders:
        one = found.setdefault(
            agent.name, {"name": agent.name, "contributor_id": _agent_id(agent), "role": []}
        )
        if one["contributor_id"]["type"] == "other":
            one["contributor_id"] = _agent_id(agent)
        one["role"] += [role for role in roles if role not in one["role"]]
        if agent.email:
            one["mbox"] = agent.email
    return list(found.values())


def _costs(plan: Mapping) -> list[dict]:
    named = [
        {{"currency": "currency_code"}.get(key, key): value for key, value in one.items()}
        for one in plan.get("costs", ())
    ]
    return named or [{"title": "Costs", "description": f"{UNKNOWN}: the config names none"}]


def _project(package: Package) -> dict:
    said = package.publication
    found = {
        "title": said.title,
        "description": said.description,
        "start": package.started[:10],
        "end": package.ended[:10],
    }
    funding = []
    for one in said.funding:
        known = "ror" in one
        grant = {
            "funder_id": {
                "identifier": people.ROR + one["ror"] if known else one["funder"],
                "type": "url" if known else "other",
            },
            "funding_status": "granted",
            "grant_id": {"identifier": one.get("award", UNKNOWN), "type": "other"},
        }
        funding.append(grant)
    return found | ({"funding": funding} if funding else {})


def _personal(package: Package, key: str) -> str:
    """Return what the config says; generated images show nobody, whoever says nothing."""
    generated = all(metadata.is_generated(one) for one in package.datasets.values())
    return package.publication.plan.get(key, "no" if generated else UNKNOWN)


def _host(package: Package) -> dict:
    """Return where the package is to be kept; nothing while nobody has said."""
    if "host" in package.publication.plan:
        return dict(package.publication.plan["host"])
    service = package.config.get("archive", {}).get("service")
    if isinstance(service, Mapping):
        return {"title": service["url"], "url": service["url"], "pid_system": ["doi"]}
    return dict(HOSTS.get(service, {}))


def _identifier(package: Package, fragment: str = "") -> dict:
    """Return what the package is known by: its DOI, or its title and version before it has one."""
    said = package.publication
    if said.doi and fragment:
        return {"identifier": f"{metadata.DOI}{said.doi}{fragment}", "type": "url"}
    if said.doi:
        return {"identifier": said.doi, "type": "doi"}
    return {"identifier": f"{said.title}, version {said.version}{fragment}", "type": "other"}


def _agent_id(agent: Agent) -> dict:
    if agent.orcid:
        return {"identifier": agent.orcid, "type": "orcid"}
    if agent.ror and not people.is_person(agent):
        return {"identifier": people.ROR + agent.ror, "type": "other"}
    return {"identifier": agent.email or agent.name, "type": "other"}


def _years_later(day: str, years: int) -> str:
    """Return the day so many years later; the last of February stays the last."""
    year, rest = int(day[:4]) + years, day[4:]
    return f"{year:04}-02-28" if rest == "-02-29" else f"{year:04}{rest}"
