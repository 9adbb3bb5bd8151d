"""fair_score.json: a package assessed by the F-UJI metrics 0.8, each test with its evidence.

The metrics (https://doi.org/10.5281/zenodo.4081213, with the scores and maturities of F-UJI's
``metrics_v0.8.yaml``) look at a published record. What only a published record can show earns
nothing here: it is for F-UJI itself to say after publication. Tests without a score are left out.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from bioagree.publication import metadata, plan, rembi
from bioagree.publication.contents import CRATE, DATAPACKAGE, PLAN, REMBI, Package

PUBLISHED = "Only a published record can show it; ask F-UJI then."
NO_DOI = "The package has no DOI yet: reserve one (snakemake archive) or name it in the config."
# Namespaces of vocabularies that registries such as BARTOC, LOV or OBO list; schema.org, which
# the crate is written in, does not count for itself.
VOCABULARIES = (
    "http://www.w3.org/ns/prov",
    "http://purl.obolibrary.org/obo/",
    "http://edamontology.org/",
    "https://bioschemas.org/",
    "http://qudt.org/",
)
PROV = ("http://www.w3.org/ns/prov", "http://purl.org/pav")
# Open, long-term or text formats, by media type; all other text formats are open, too.
OPEN = (
    "application/json",
    "application/toml",
    "application/vnd.apache.parquet",
    "application/x-tar",
    "application/yaml",
    "application/zip",
    "image/png",
    "image/svg+xml",
    "image/tiff",
    "model/gltf-binary",
)


@dataclass
class Answer:
    """Whether a test is passed, by what, or what is missing."""

    passed: bool
    evidence: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Test:
    """A test of a metric: its number, what it is worth, its maturity, and how it is answered."""

    number: str
    score: float
    maturity: int
    answer: Callable[["_Seen"], Answer]


@dataclass
class _Seen:
    """What the tests look at."""

    package: Package
    documents: Mapping[str, dict]
    plan: dict = field(init=False)
    rembi: dict = field(init=False)
    root: dict = field(init=False)

    def __post_init__(self):
        self.plan = plan.document(self.package)["dmp"]
        self.rembi = rembi.document(self.package)
        graph = self.documents.get(CRATE, {}).get("@graph", [])
        self.root = next((one for one in graph if one.get("@id") == "./"), {})

    @property
    def table(self) -> dict:
        return self.documents.get(DATAPACKAGE, {})

    def vocabularies(self, names: tuple[str, ...]) -> list[str]:
        text = json.dumps([self.documents.get(CRATE, {}), self.rembi])
        return [name for name in names if name in text]


def document(package: Package, documents: Mapping[str, dict]) -> dict:
    """Return the assessment.

    Parameters
    ----------
    package : Package
        What is assessed.
    documents : mapping of str to dict
        Its datapackage.json and ro-crate-metadata.json, by name.
    """
    seen = _Seen(package, documents)
    results = [_result(metric, tests, seen) for metric, tests in METRICS.items()]
    principles: dict[str, dict] = {}
    for one in results:
        of = principles.setdefault(one["principle"][0], {"score": 0, "total": 0})
        of["score"] += one["score"]
        of["total"] += one["total"]
    return {
        "about": (
            "Self-assessment by the F-UJI metrics, from what the package itself shows. What only a "
            "published record can show earns nothing."
        ),
        "metrics": "https://doi.org/10.5281/zenodo.4081213",
        "metrics_version": "0.8",
        "package": metadata.facts(package),
        "score": sum(one["score"] for one in results),
        "total": sum(one["total"] for one in results),
        "principles": principles,
        "results": results,
    }


def text(package: Package, documents: Mapping[str, dict]) -> str:
    """Return the assessment as a file holds it."""
    return json.dumps(document(package, documents), indent=2, ensure_ascii=False) + "\n"


def _result(metric: str, tests: tuple[int, list[Test]], seen: _Seen) -> dict:
    total, members = tests
    answers = [(test, test.answer(seen)) for test in members]
    earned = sum(test.score for test, answer in answers if answer.passed)
    return {
        "metric": metric,
        "principle": metric.split("-")[1],
        "score": min(earned, total),
        "total": total,
        "maturity": max((test.maturity for test, answer in answers if answer.passed), default=0),
        "tests": [
            {
                "test": f"{metric}-{test.number}",
                "passed": answer.passed,
                "score": test.score if answer.passed else 0,
                **({"evidence": answer.evidence} if answer.passed else {}),
                **({"missing": answer.missing} if not answer.passed else {}),
            }
            for test, answer in answers
        ],
    }


def _if(passed: object, evidence: str, missing: str) -> Answer:
    return Answer(bool(passed), evidence, missing)


def _has_doi(seen: _Seen) -> Answer:
    said = str(seen.table.get("id", ""))
    return _if(said.startswith(metadata.DOI), f"{DATAPACKAGE}: id is {said}", NO_DOI)


def _published(seen: _Seen) -> Answer:
    return Answer(False, missing=PUBLISHED)


def _lacking(seen: _Seen, wanted: Mapping[str, str]) -> Iterator[str]:
    for key, name in wanted.items():
        if not seen.root.get(key):
            yield name


CITED = {
    "creator": "creator",
    "name": "title",
    "identifier": "identifier",
    "datePublished": "date of publication",
    "publisher": "publisher",
    "@type": "type",
}
DESCRIBED = {**CITED, "description": "summary", "keywords": "keywords"}


def _cited(seen: _Seen) -> Answer:
    lacking = list(_lacking(seen, CITED))
    return _if(not lacking, f"{CRATE}: ./", f"{CRATE} says no {', '.join(lacking)}.")


def _described(seen: _Seen) -> Answer:
    lacking = list(_lacking(seen, DESCRIBED))
    return _if(not lacking, f"{CRATE}: ./", f"{CRATE} says no {', '.join(lacking)}.")


def _located(seen: _Seen) -> Answer:
    if not _has_doi(seen).passed:
        return Answer(False, missing=NO_DOI)
    resources = [one["path"] for one in seen.table.get("resources", ()) if one.get("path")]
    evidence = f"{DATAPACKAGE}: id and the paths of {len(resources)} resources"
    return _if(resources, evidence, f"{DATAPACKAGE} names no data.")


def _access(seen: _Seen) -> Answer:
    kinds = [kind for dataset in seen.plan["dataset"][:1] for kind in dataset["distribution"]]
    levels = sorted({kind["data_access"] for kind in kinds if kind.get("data_access")})
    return _if(
        levels, f"{PLAN}: data_access {', '.join(levels)}", "The plan says no level of access."
    )


def _by_https(seen: _Seen) -> Answer:
    said = str(seen.table.get("id", ""))
    return _if(said.startswith("https://"), f"{DATAPACKAGE}: id, by https", NO_DOI)


def _data_by_https(seen: _Seen) -> Answer:
    urls = {one.get("access_url", "") for one in seen.plan["dataset"][0]["distribution"]}
    there = bool(urls) and all(url.startswith("https://") for url in urls)
    return _if(there, f"{PLAN}: access_url of every distribution, by https", NO_DOI)


def _formal(seen: _Seen) -> Answer:
    crate = seen.documents.get(CRATE, {})
    there = crate.get("@context") and crate.get("@graph")
    return _if(there, f"{CRATE}: JSON-LD", f"There is no JSON-LD in {CRATE}.")


def _registered(seen: _Seen) -> Answer:
    found = seen.vocabularies(VOCABULARIES)
    missing = (
        f"Neither {CRATE} nor {REMBI} uses a registered vocabulary; name the organism and the "
        "imaging method of each dataset (biosample, acquisition)."
    )
    return _if(found, f"{CRATE} or {REMBI}: {', '.join(found)}", missing)


def _related(seen: _Seen) -> Answer:
    said = seen.plan.get("related_identifier", [])
    sources = [one for one in seen.table.get("sources", ()) if one.get("title")]
    evidence = f"{PLAN}: {len(said)} related; {DATAPACKAGE}: {len(sources)} sources"
    return _if(said or sources, evidence, "Nothing related is named (publication: related).")


def _linked(seen: _Seen) -> Answer:
    said = [one["identifier"] for one in seen.plan.get("related_identifier", [])]
    paths = [str(one.get("path", "")) for one in seen.table.get("sources", ())]
    found = [*said, *(path for path in paths if path.startswith("https://"))]
    return _if(
        found,
        f"{PLAN} and {DATAPACKAGE}: {', '.join(found)}",
        "What is related has no DOI and no address (publication: related).",
    )


def _typed(seen: _Seen) -> Answer:
    kind = seen.root.get("@type")
    return _if(kind, f"{CRATE}: ./ is a {kind}", f"{CRATE} does not say what the package is.")


def _measured(seen: _Seen) -> Answer:
    listed = {one.get("path"): one for one in seen.table.get("resources", ())}
    bad = [
        file.path
        for file in seen.package.files
        if not {"bytes", "mediatype"} <= set(listed.get(file.path, {}))
    ]
    there = seen.package.files and not bad
    missing = f"{DATAPACKAGE} says no size or type of {len(bad)} files, such as {bad[:1]}."
    return _if(there, f"{DATAPACKAGE}: bytes and mediatype of every file", missing)


def _licensed(seen: _Seen) -> Answer:
    names = [one.get("name", "") for one in seen.table.get("licenses", ())]
    both = all(names) and names and seen.root.get("license")
    missing = f"{DATAPACKAGE} or {CRATE} says no licence."
    return _if(both, f"{DATAPACKAGE}: licenses {', '.join(names)}; {CRATE}: ./", missing)


def _mapped(seen: _Seen) -> Answer:
    there = seen.root.get("creator") and seen.root.get("datePublished")
    missing = f"{CRATE} says neither who made it nor when."
    return _if(there, f"{CRATE}: creator, datePublished", missing)


def _prov(seen: _Seen) -> Answer:
    found = seen.vocabularies(PROV)
    return _if(found, f"{CRATE}: {', '.join(found)}", f"{CRATE} uses no terms of PROV or PAV.")


def _community(seen: _Seen) -> Answer:
    known = [
        one["organism"]["scientific_name"]
        for one in seen.rembi["sample"]
        if one["organism"]["scientific_name"] != rembi.UNKNOWN
    ]
    all_known = known and len(known) == len(seen.rembi["sample"])
    missing = f"{REMBI} does not know the organism of every dataset (biosample)."
    return _if(all_known, f"{REMBI}: REMBI 1.5 of {len(known)} datasets", missing)


def _multidisciplinary(seen: _Seen) -> Answer:
    conforms = json.dumps(seen.documents.get(CRATE, {}))
    there = "https://w3id.org/ro/crate" in conforms
    return _if(there, f"{CRATE}: RO-Crate", f"{CRATE} follows no standard.")


def _open(seen: _Seen) -> Answer:
    types = {file.media_type for file in seen.package.files}
    closed = sorted(t for t in types if not t.startswith("text/") and t not in OPEN)
    missing = f"Not known as open: {', '.join(closed) or 'no data at all'}."
    return _if(types and not closed, f"{DATAPACKAGE}: {', '.join(sorted(types))}", missing)


# Scores, totals and maturities are those of the metrics; the answers are ours.
METRICS: dict[str, tuple[int, list[Test]]] = {
    "FsF-F1-01MD": (1, [Test("1", 1, 3, _has_doi)]),
    "FsF-F1-02MD": (1, [Test("1", 0.5, 1, _has_doi), Test("2", 0.5, 3, _published)]),
    "FsF-F2-01M": (2, [Test("2", 1, 2, _cited), Test("3", 1, 3, _described)]),
    "FsF-F3-01M": (1, [Test("2", 1, 3, _located)]),
    "FsF-F4-01M": (2, [Test("1", 2, 3, _published)]),
    "FsF-A1-01M": (1, [Test("1", 1, 3, _access)]),
    "FsF-A1-02MD": (2, [Test("1", 1, 3, _published), Test("2", 1, 3, _published)]),
    "FsF-A1.1-01MD": (2, [Test("1", 1, 3, _by_https), Test("2", 1, 3, _data_by_https)]),
    "FsF-A1.2-01MD": (2, [Test("1", 1, 3, _by_https), Test("2", 1, 3, _data_by_https)]),
    "FsF-I1-01M": (2, [Test("1", 2, 2, _published), Test("2", 2, 3, _formal)]),
    "FsF-I2-01M": (2, [Test("2", 2, 3, _registered)]),
    "FsF-I3-01M": (2, [Test("1", 2, 2, _related), Test("2", 2, 3, _linked)]),
    "FsF-R1-01M": (2, [Test("1", 1, 1, _typed), Test("2", 1, 3, _measured)]),
    "FsF-R1.1-01M": (1, [Test("1", 1, 3, _licensed)]),
    "FsF-R1.2-01M": (1, [Test("1", 1, 2, _mapped), Test("2", 1, 2, _prov)]),
    "FsF-R1.3-01M": (1, [Test("1", 1, 3, _community), Test("3", 1, 1, _multidisciplinary)]),
    "FsF-R1.3-02D": (1, [Test("1", 1, 3, _open)]),
}
