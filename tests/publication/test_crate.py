"""The crate: valid offline, complete, and with a way back from every result."""

import json
from dataclasses import replace
from urllib.parse import unquote

import crate_contexts
import example
import pytest
from bioagree.publication.contents import CRATE, DESCRIPTORS, File
from bioagree.publication.crate import crate
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import URIRef

SCRIPTS = {rule: f"workflow/workflow/scripts/{name}" for rule, name in example.SCRIPTS.items()}
PACKAGE = example.package()  # a fixture would be part of every example that Hypothesis shows
PREFIXES = """
PREFIX schema: <http://schema.org/>
PREFIX run: <https://w3id.org/ro/terms/workflow-run#>
"""
BACK = PREFIXES + "SELECT ?found WHERE { <%s> (^schema:result/schema:object)* ?file . %s }"


def described(package) -> dict:
    return crate(package, SCRIPTS, dict.fromkeys(SCRIPTS, "What it is for."))


def entities_of(package) -> dict[str, dict]:
    return {one["@id"]: one for one in described(package)["@graph"]}


def listed(value) -> list:
    return value if isinstance(value, list) else [value]


def ids(entity, key) -> set[str]:
    return {one["@id"] for one in listed(entity.get(key, []))}


def references(value):
    if isinstance(value, dict):
        yield value["@id"]
    for one in value if isinstance(value, list) else ():
        yield from references(one)


def dangling(entities) -> set[str]:
    meant = {
        target
        for one in entities.values()
        for value in one.values()
        for target in references(value)
    }
    return meant - set(entities) - {"https://w3id.org/ro/crate/1.1"}


@pytest.fixture(scope="module")
def entities(package):
    return entities_of(package)


@pytest.fixture(scope="module")
def graph(package):
    return jobs_of(described(package))


def jobs_of(content):
    """Return a crate as RDF without the run as a whole, which makes all of all."""
    graph = crate_contexts.graph_of(content)
    graph.remove((URIRef("https://crate.test/#run"), None, None))
    return graph


def found(graph, path, pattern) -> set[str]:
    start = f"https://crate.test/{path}"
    return {str(row[0]) for row in graph.query(BACK % (start, pattern))}


@pytest.mark.slow
@pytest.mark.parametrize(
    "profile", ["provenance-run-crate-0.5", "process-run-crate-0.5", "workflow-ro-crate-1.0"]
)
def test_validator_finds_nothing_required_amiss_without_network(package, tmp_path, profile):
    issues = validate(described(package), package, tmp_path, profile)
    assert issues == []


@pytest.mark.slow
def test_validator_sees_a_missing_workflow_type(package, tmp_path):
    content = described(package)
    main = next(one for one in content["@graph"] if one["@id"] == "workflow/Snakefile")
    main["@type"].remove("HowTo")
    assert validate(content, package, tmp_path, "provenance-run-crate-0.5")


def validate(content, package, folder, profile) -> list[str]:
    root = folder / "crate"
    names = [file.path for file in package.files] + list(DESCRIPTORS)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("content")
    (root / CRATE).write_text(json.dumps(content))
    return crate_contexts.issues(root, folder / "cache", profile)


def test_every_result_leads_back_to_its_dataset_and_how_it_was_made(graph, package):
    results = [file for file in package.files if file.path.startswith("results/")]
    assert results
    for file in results:
        assert found(graph, file.path, "?file a schema:Dataset . ?file schema:name ?found"), file
        for fact in ("code", "machine", "software environment"):
            pattern = (
                "?job schema:result ?file ; run:environment ?v . "
                f"?v schema:name '{fact}' ; schema:value ?found"
            )
            assert found(graph, file.path, pattern), (file.path, fact)


def test_result_of_a_kernel_leads_back_to_its_device_parameters_and_versions(graph):
    labels = "results/labels/plate-1.gauss-otsu.ome.tif"
    job = "?job schema:result ?file . "
    device = job + "?job run:environment ?v . ?v schema:name 'device' ; schema:value ?found"
    assert found(graph, labels, device) == {"opencl cpu: A processor, OpenCL 3.0"}
    asked = job + "?job schema:object ?v . ?v schema:name 'some_um' ; schema:value ?found"
    assert found(graph, labels, asked) == {"1.5"}
    version = job + (
        "?job run:environment/schema:softwareRequirements ?s . "
        "?s schema:name 'numpy' ; schema:softwareVersion ?found"
    )
    assert found(graph, labels, version) == {"2.4.6"}


def test_way_back_ends_where_a_link_is_cut(package):
    content = described(package)
    job = next(one for one in content["@graph"] if one["@id"] == "#job/filter/plate-1.smooth")
    del job["object"]
    graph = jobs_of(content)
    labels = "results/labels/plate-1.gauss-otsu.ome.tif"
    assert not found(graph, labels, "?file a schema:Dataset . ?file schema:name ?found")


def test_files_of_the_package_are_all_parts_with_hash_size_and_licence(entities, package):
    parts = ids(entities["./"], "hasPart")
    assert {unquote(part) for part in parts} == {file.path for file in package.files} | (
        set(DESCRIPTORS) - {CRATE}
    )
    for file in package.files:
        about = entities[file.path]
        assert (about["sha256"], about["contentSize"]) == (file.sha256, str(file.size))
        assert ids(about, "license") == {f"https://spdx.org/licenses/{file.licence}"}
    assert not any("sha256" in entities[name] for name in DESCRIPTORS)


def test_licences_that_apply_together_are_a_list(entities):
    assert ids(entities["./"], "license") == {
        "https://spdx.org/licenses/BSD-3-Clause",
        "https://spdx.org/licenses/CC-BY-4.0",
    }


def test_exported_table_is_based_on_its_parquet_table(entities):
    table = "features/plate-1.gauss-otsu"
    assert ids(entities[f"tables/{table}.csv"], "isBasedOn") == {f"results/{table}.parquet"}


def test_steps_follow_what_they_need(entities):
    order = {
        one["name"]: int(one["position"])
        for one in entities.values()
        if one["@type"] == "HowToStep"
    }
    assert order["fetch"] < order["import_images"] < order["filter"] < order["segment_gpu"]
    assert order["segment_gpu"] < order["measure"] < order["compare_agreement"] < order["report"]


def test_warnings_are_told_and_jobs_are_no_failures(entities):
    job = entities["#job/compare_agreement/agreement"]
    assert "Warning: Only one image has a truth." in job["description"]
    assert job["actionStatus"].endswith("CompletedActionStatus")
    assert "error" not in job


def test_names_and_paths_of_machines_stay_out(package):
    records = json.loads(json.dumps(dict(package.records)))
    one = records["provenance/import_images/stack-1.json"]
    one["inputs"] = {"/home/curie/raw/b.tif": "ab" * 32}
    one["parameters"]["folder"] = "/home/curie/raw"
    one["warnings"] = ["no scale in /home/curie/raw, so 1 µm/s is assumed"]
    text = json.dumps(described(replace(package, records=records)))
    assert "private-host" not in text
    assert "curie/raw" not in text
    assert "b.tif" in text


def test_same_package_gives_same_bytes_whatever_the_order_of_records(package):
    turned = replace(package, records=dict(reversed(package.records.items())))
    assert json.dumps(described(turned)) == json.dumps(described(package))


def test_dirty_tree_and_missing_doi_are_told(package):
    software = replace(package.software, changed=("workflow/rules/measure.smk",))
    entities = entities_of(replace(example.without_doi(package), software=software))
    assert "workflow/rules/measure.smk" in entities["#commit"]["description"]
    assert "identifier" not in entities["./"]


def test_file_that_changed_between_jobs_is_two_files(package):
    records = json.loads(json.dumps(dict(package.records)))
    image = "results/filtered/plate-1.smooth.ome.tif"
    records["provenance/segment_gpu/plate-1.gauss-otsu.json"]["inputs"][image] = "ef" * 32
    entities = entities_of(replace(package, records=records))
    read = ids(entities["#job/segment_gpu/plate-1.gauss-otsu"], "object")
    assert f"#{image}" not in read
    assert any(entities[one].get("sha256") == "ef" * 32 for one in read)


@st.composite
def runs(draw):
    """Jobs that read what earlier ones wrote or nobody did, with unusual names."""
    names = st.text("ab /#ü%?", min_size=1, max_size=4).map("x{}".format)
    jobs, made = [], []
    for number in range(draw(st.integers(1, 8))):
        known = st.sampled_from(made) if made else st.nothing()
        read = draw(st.lists(known | names.map("raw/{}".format), max_size=3, unique=True))
        wrote = [f"results/tables/{number}-{draw(names)}" for _ in range(draw(st.integers(1, 3)))]
        made += wrote
        rule = draw(st.sampled_from(["one", "two", "three"]))
        jobs.append((rule, f"{number}", read, sorted(set(wrote))))
    return jobs


@settings(max_examples=60, deadline=None)
@given(runs())
def test_any_run_has_no_loose_ends(jobs):
    package = PACKAGE
    records, files = {}, [file for file in package.files if file.role == "workflow"]
    for minute, (rule, name, read, wrote) in enumerate(jobs):
        contents = {path: path.encode() for path in read}
        record = example.record(
            rule, {"name": name}, contents, {path: path.encode() for path in wrote}, minute
        )
        records[f"provenance/{rule}/{name}.json"] = record
        for path in wrote[:1]:  # the others are not packaged
            about = record["outputs"][path]
            files.append(
                File(
                    path, "table", "text/csv", about["bytes"], about["sha256"], "MIT", product=path
                )
            )
    entities = entities_of(replace(package, records=records, files=tuple(files)))
    assert dangling(entities) == set()
    for path, record in records.items():
        job = entities[f"#job/{path.removeprefix('provenance/').removesuffix('.json')}"]
        known = {entities[one].get("sha256") for one in ids(job, "result")}
        assert known >= {about["sha256"] for about in record["outputs"].values()}
        known = {entities[one].get("sha256") for one in ids(job, "object")}
        assert known >= set(record["inputs"].values())


def test_example_has_no_loose_ends(entities):
    assert dangling(entities) == set()


@pytest.mark.parametrize(
    ("service", "doi", "publisher"),
    [
        ("sandbox", "", "https://sandbox.zenodo.org"),
        ({"url": "https://data.example.org", "prefix": "10.1234"}, "", "https://data.example.org"),
        (None, "10.5281/zenodo.1", "https://zenodo.org"),
        (None, "10.1234/x", None),
    ],
)
def test_publisher_is_the_archive(package, service, doi, publisher):
    config = dict(package.config) | ({"archive": {"service": service}} if service else {})
    publication = replace(package.publication, doi=doi)
    content = described(replace(package, config=config, publication=publication))
    root = next(one for one in content["@graph"] if one["@id"] == "./")
    assert root.get("publisher", {}).get("@id") == publisher
