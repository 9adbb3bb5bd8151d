"""The self-assessment: what is there earns its score, what is taken away loses it."""

import copy
import json
from dataclasses import replace

import example
import pytest
from bioagree.publication import datapackage, fair
from bioagree.publication.contents import CRATE, DATAPACKAGE

# Metrics and totals of F-UJI's metrics_v0.8.yaml.
TOTALS = {
    "FsF-F1-01MD": 1,
    "FsF-F1-02MD": 1,
    "FsF-F2-01M": 2,
    "FsF-F3-01M": 1,
    "FsF-F4-01M": 2,
    "FsF-A1-01M": 1,
    "FsF-A1-02MD": 2,
    "FsF-A1.1-01MD": 2,
    "FsF-A1.2-01MD": 2,
    "FsF-I1-01M": 2,
    "FsF-I2-01M": 2,
    "FsF-I3-01M": 2,
    "FsF-R1-01M": 2,
    "FsF-R1.1-01M": 1,
    "FsF-R1.2-01M": 1,
    "FsF-R1.3-01M": 1,
    "FsF-R1.3-02D": 1,
}
ROOT = {
    "@id": "./",
    "@type": "Dataset",
    "name": "A title",
    "description": "A summary",
    "identifier": "https://doi.org/10.5072/zenodo.1234",
    "datePublished": "2026-11-22",
    "publisher": {"@id": "https://zenodo.org"},
    "creator": {"@id": "#curie"},
    "keywords": ["nuclei"],
    "license": {"@id": "https://spdx.org/licenses/MIT"},
    "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
}


@pytest.fixture
def documents(package):
    context = ["https://w3id.org/ro/crate/1.1/context", {"prov": "http://www.w3.org/ns/prov#"}]
    return {
        DATAPACKAGE: datapackage.describe(package, {}),
        CRATE: {"@context": context, "@graph": [dict(ROOT)]},
    }


def scores(package, documents):
    return {one["metric"]: one["score"] for one in fair.document(package, documents)["results"]}


def test_the_metrics_are_the_17_with_26_points(package, documents):
    found = fair.document(package, documents)
    assert {one["metric"]: one["total"] for one in found["results"]} == TOTALS
    assert found["total"] == sum(TOTALS.values()) == 26


def test_a_described_package_earns_what_it_can_before_publication(package, documents):
    found = fair.document(package, documents)
    lost = {
        one["metric"]: one["total"] - one["score"]
        for one in found["results"]
        if one["score"] < one["total"]
    }
    assert lost == {"FsF-F1-02MD": 0.5, "FsF-F4-01M": 2, "FsF-A1-02MD": 2}
    assert found["score"] == 21.5
    assert sum(one["score"] for one in found["principles"].values()) == 21.5


def test_every_test_has_evidence_or_says_what_is_missing(package, documents):
    for one in fair.document(package, documents)["results"]:
        for test in one["tests"]:
            assert bool(test.get("evidence")) == test["passed"]
            assert bool(test.get("missing")) != test["passed"]


def test_without_a_doi_what_rests_on_it_is_lost(package, documents):
    bare = example.without_doi(package)
    del documents[CRATE]["@graph"][0]["identifier"]
    found = scores(bare, documents | {DATAPACKAGE: datapackage.describe(bare, {})})
    for metric in (
        "FsF-F1-01MD",
        "FsF-F1-02MD",
        "FsF-F2-01M",
        "FsF-F3-01M",
        "FsF-A1.1-01MD",
        "FsF-A1.2-01MD",
    ):
        assert found[metric] == 0


def without(keys):
    def take(package, documents):
        for key in keys:
            documents[CRATE]["@graph"][0].pop(key)
        return package, documents

    return take


def without_prov(package, documents):
    documents[CRATE]["@context"].pop()
    return package, documents


def without_crate(package, documents):
    del documents[CRATE]
    return package, documents


def without_relations(package, documents):
    del documents[DATAPACKAGE]["sources"]
    return replace(package, publication=replace(package.publication, related=())), documents


def without_sizes(package, documents):
    del documents[DATAPACKAGE]["resources"][0]["bytes"]
    return package, documents


def without_licences(package, documents):
    del documents[DATAPACKAGE]["licenses"]
    return package, documents


def with_a_closed_format(package, documents):
    files = list(package.files)
    files[0] = replace(files[0], media_type="application/vnd.ms-excel")
    return replace(package, files=tuple(files)), documents


def without_files(package, documents):
    return replace(package, files=()), documents


@pytest.mark.parametrize(
    ("take", "metric", "left"),
    [
        (without(["keywords"]), "FsF-F2-01M", 1),
        (without(["publisher"]), "FsF-F2-01M", 0),
        (without(["@type"]), "FsF-R1-01M", 1),
        (without(["license"]), "FsF-R1.1-01M", 0),
        (without(["conformsTo"]), "FsF-R1.3-01M", 1),
        (without_crate, "FsF-I1-01M", 0),
        (without_crate, "FsF-R1.2-01M", 0),
        (without_crate, "FsF-R1.3-01M", 0),
        (without_prov, "FsF-I2-01M", 0),
        (without_relations, "FsF-I3-01M", 0),
        (without_sizes, "FsF-R1-01M", 1),
        (without_licences, "FsF-R1.1-01M", 0),
        (with_a_closed_format, "FsF-R1.3-02D", 0),
        (without_files, "FsF-A1-01M", 0),
        (without_files, "FsF-A1.1-01MD", 1),
        (without_files, "FsF-R1.3-02D", 0),
    ],
)
def test_evidence_that_is_taken_away_lowers_the_score(package, documents, take, metric, left):
    before = scores(package, documents)[metric]
    after = scores(*take(package, copy.deepcopy(documents)))[metric]
    assert after == left
    assert after < before or (metric, left) == ("FsF-R1.3-01M", 1)


def test_known_organisms_make_it_a_standard_of_the_community(package, documents):
    datasets = {
        name: one | {"biosample": {"organism": "Homo sapiens", "ncbi_taxon": "9606"}}
        for name, one in package.datasets.items()
    }

    def maturity(of):
        results = fair.document(of, documents)["results"]
        return next(one["maturity"] for one in results if one["metric"] == "FsF-R1.3-01M")

    assert (maturity(package), maturity(replace(package, datasets=datasets))) == (1, 3)


def test_the_file_says_of_what_it_speaks(package, documents):
    found = json.loads(fair.text(package, documents))["package"]
    assert found == {
        "title": package.publication.title,
        "version": "1.0.0",
        "date": "2026-11-22",
        "doi": "10.5072/zenodo.1234",
        "licence": package.licence,
        "creators": ["Curie, Marie", "Image Analysis Facility"],
    }
