"""Does datapackage.json describe every file and table, so that Frictionless sees what is wrong?"""

import hashlib
import json
import re
from dataclasses import replace

import example
import numpy as np
import pytest
from bioagree import tables
from bioagree.publication import contents, datapackage, keys, schemas, study_tables
from bioagree.publication.contents import File
from bioagree.publication.opened import Opened
from bioagree.publication.values import check_values
from bioagree.tables import Table
from frictionless import Package, system

FEATURES = "tables/features/plate-1.gauss-otsu.csv"
TRUE_FEATURES = "tables/features/plate-1.truth.csv"
TRUTH = "tables/truth/plate-1.objects.csv"
SCORES = "tables/scores/plate-1.gauss-otsu.csv"
OBJECTS = "tables/scores/plate-1.gauss-otsu.objects.csv"
MATCHES = "tables/matches/plate-1.csv"
IMAGES = "results/comparison/quality/images.csv"


def objects(**more):
    return {
        "image": np.array(["f1", "f1", "f2"]),
        "frame": np.zeros(3, np.int32),
        "label": np.array([1, 2, 1]),
    } | more


def study():
    """Return tables as jobs write them, by the path of their CSV file in a package."""
    area = {"area_um2": np.array([2.5, np.nan, 1e-3]), "touches_border": np.ones(3, bool)}
    place = {"image": np.array(["f1", "f2"]), "frame": np.zeros(2, int)}
    return {
        FEATURES: objects(**area),
        TRUE_FEATURES: objects(**area),
        TRUTH: objects(micronucleus=np.array([True, False, True])),
        SCORES: place | {"iou": np.array([0.5, 1.0]), "hausdorff_um": np.array([np.inf, 0.1])},
        OBJECTS: objects(side=np.array(["truth", "prediction", "truth"])),
        MATCHES: {
            "image": np.array(["f1", "f2"]),
            "frame": np.zeros(2, int),
            "first": np.array(["truth", "gauss-otsu"]),
            "second": np.array(["gauss-otsu", "distance-watershed"]),
            "first_label": np.array([1, 2]),
            "second_label": np.array([2, 1]),
            "iou": np.array([0.25, 1.0]),
        },
    }


def datasets():
    truth = {"kind": "manual", "groups": {"micronucleus": {"meaning": "Has a micronucleus."}}}
    return example.DATASETS | {"plate": example.DATASETS["plate"] | {"truth": truth}}


@pytest.fixture
def folder(tmp_path, package):
    """A package of tables and their descriptor on disk, without the other descriptions."""
    products, place, sources, files = tmp_path / "results", tmp_path / "package", {}, []
    found = study_tables.study_tables(package.samples, datasets(), package.methods)
    for path, columns in study().items():
        sources[path] = products / path.replace(".csv", ".parquet")
        sources[path].parent.mkdir(parents=True, exist_ok=True)
        tables.write(sources[path], Table(columns))
        found[path] = b"".join(tables.read_as_csv(sources[path]))
        found[path.replace("tables", "results").replace("csv", "parquet")] = sources[
            path
        ].read_bytes()
    found[IMAGES] = b"sample,method,image,frame,n_truth\nplate-1,gauss-otsu,f1,0,3\n"
    sources[IMAGES] = products / "images.csv"
    sources[IMAGES].write_bytes(found[IMAGES])
    found["results/comparison/quality/empty.csv"] = b"\n"
    sources["results/comparison/quality/empty.csv"] = products / "empty.csv"
    (products / "empty.csv").write_bytes(b"\n")
    for path, content in found.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
        role = "parquet" if path.endswith("parquet") else "table"
        media = "text/csv" if role == "table" else "application/vnd.apache.parquet"
        digest = hashlib.sha256(content).hexdigest()
        rights = ("CC-BY-4.0 AND MIT", ("2020 X",), ("plate",), "About.")
        files.append(File(path, role, media, len(content), digest, *rights))
    whole = replace(package, files=tuple(sorted(files, key=lambda file: file.path)))
    described = datapackage.describe(
        whole, schemas.schemas_of(sources, package.samples, datasets())
    )
    for name in contents.DESCRIPTORS:
        (place / name).write_text("to come")
    write(place, described)
    return place


def write(place, described):
    (place / contents.DATAPACKAGE).write_text(json.dumps(described, ensure_ascii=False))


def read(place):
    return json.loads((place / contents.DATAPACKAGE).read_text())


def resource(described, path):
    return next(one for one in described["resources"] if one["path"] == path)


def valid(place):
    """Return whether Frictionless accepts a package, and what it says."""
    with system.use_context(trusted=True):
        report = Package(str(place / contents.DATAPACKAGE)).validate()
    return report.valid, report.flatten(["type", "message"])


def edit(place, path, old, new):
    """Change a table, and its hash and size in the descriptor as whoever made it would."""
    content = (place / path).read_bytes()
    assert old in content
    content = content.replace(old, new, 1)
    (place / path).write_bytes(content)
    described = read(place)
    one = resource(described, path)
    one |= {"bytes": len(content), "hash": f"sha256:{hashlib.sha256(content).hexdigest()}"}
    write(place, described)


def test_frictionless_accepts_a_package(folder):
    ok, said = valid(folder)
    assert ok, said
    assert check_values(Opened(folder)) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "kind"),
    [
        (FEATURES, b"2.5", b"much", "type-error"),
        (FEATURES, b"2.5", b"-2.5", "constraint-error"),
        (FEATURES, b"f1,0,2", b"f1,0,1", "primary-key"),
        (TRUE_FEATURES, b"f2,0,1", b"f2,0,9", "foreign-key"),
        (OBJECTS, b"prediction", b"guess", "constraint-error"),
        (OBJECTS, b"f2,0,1", b"f3,0,1", "foreign-key"),
        (MATCHES, b"distance-watershed", b"by-hand", "foreign-key"),
        (IMAGES, b"plate-1", b"plate-2", "foreign-key"),
        ("tables/samples.csv", b"stack-1,stack", b"stack-1,pile", "foreign-key"),
        ("tables/datasets.csv", b"nominal", b"guessed", "constraint-error"),
    ],
)
def test_frictionless_and_the_fast_check_see_a_wrong_value(folder, path, old, new, kind):
    edit(folder, path, old, new)
    ok, said = valid(folder)
    assert not ok
    assert kind in {found for found, _ in said}
    assert any(fault.startswith(path) for fault in check_values(Opened(folder)))


@pytest.mark.parametrize("path", [FEATURES, FEATURES.replace("tables", "results")[:-3] + "parquet"])
def test_frictionless_sees_a_changed_byte(folder, path):
    content = bytearray((folder / path).read_bytes())
    content[-2] ^= 1
    (folder / path).write_bytes(content)
    ok, said = valid(folder)
    assert not ok
    assert "hash-count" in {found for found, _ in said}


def test_every_file_has_hash_size_and_licence_and_descriptions_have_none(folder):
    described = read(folder)
    on_disk = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {one["path"] for one in described["resources"]} == on_disk - {contents.DATAPACKAGE}
    for one in described["resources"]:
        content = (folder / one["path"]).read_bytes()
        if one["path"] in contents.DESCRIPTORS:
            assert not {"hash", "bytes"} & set(one)
        else:
            assert one["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
            assert one["bytes"] == len(content)
            assert [licence["name"] for licence in one["licenses"]] == ["CC-BY-4.0", "MIT"]
            assert one["sources"] == [
                {"title": "Discs on two fields", "path": "https://doi.org/10.1234/plate"}
            ]


def test_names_of_resources_are_valid_and_no_two_alike(folder):
    names = [one["name"] for one in read(folder)["resources"]]
    assert all(re.fullmatch(r"[a-z0-9._-]+", name) for name in names)
    assert len(set(names)) == len(names)
    assert datapackage.names_of(["a/B.csv", "a/b.csv", "a.b.csv", "ä.csv"]) == {
        "a.b.csv": "a.b.csv",
        "a/B.csv": "a.b.csv-2",
        "a/b.csv": "a.b.csv-3",
        "ä.csv": ".csv",
    }


def test_every_column_says_what_it_holds_and_in_which_unit(folder):
    described = read(folder)
    for one in described["resources"]:
        for field in one.get("schema", {}).get("fields", []):
            assert field["description"].endswith((".", ")"))
            assert field["type"] in ("string", "integer", "number", "boolean")
    fields = {f["name"]: f for f in resource(described, FEATURES)["schema"]["fields"]}
    assert fields["area_um2"]["unit"] == "µm²"
    assert fields["area_um2"]["constraints"] == {"minimum": 0}
    assert fields["label"]["constraints"] == {"minimum": 1, "required": True}
    assert fields["touches_border"]["type"] == "boolean"
    fields = {f["name"]: f for f in resource(described, TRUTH)["schema"]["fields"]}
    assert fields["micronucleus"]["description"] == "Has a micronucleus."
    fields = {f["name"]: f for f in resource(described, SCORES)["schema"]["fields"]}
    assert fields["hausdorff_um"]["unit"] == "µm"


def test_a_column_that_nobody_explains_stops(tmp_path, package):
    tables.write(tmp_path / "a.parquet", Table({"wobble": np.ones(1)}))
    with pytest.raises(KeyError, match="wobble"):
        schemas.schemas_of({FEATURES: tmp_path / "a.parquet"}, package.samples, package.datasets)


def test_a_file_without_columns_is_no_table(folder):
    one = resource(read(folder), "results/comparison/quality/empty.csv")
    assert one["type"] == "file"
    assert "schema" not in one


def test_the_schema_that_a_job_left_beside_its_table_is_taken(tmp_path, package):
    field = {"name": "n", "type": "integer", "description": "Ours.", "unit": "µm"}
    left = {"resources": [{"path": "pairs.csv", "schema": {"fields": [field]}}]}
    (tmp_path / "datapackage.json").write_text(json.dumps(left))
    path = "results/comparison/agreement/pairs.csv"
    found = schemas.schemas_of({path: tmp_path / "pairs.csv"}, package.samples, package.datasets)
    assert found[path]["fields"] == [field | {"constraints": {"minimum": 0}}]


def test_tables_of_replicates_refer_to_no_method(package):
    fields = [{"name": n, "type": "string"} for n in ("first", "second")]
    one = {"fields": fields}
    methods = {"fields": [{"name": "method", "type": "string"}]}
    given = {study_tables.METHODS: methods, MATCHES: one, "tables/matches/plate-1-r1.csv": one}
    found = keys.with_keys(given, package.samples)
    assert len(found[MATCHES]["foreignKeys"]) == 2
    assert "foreignKeys" not in found["tables/matches/plate-1-r1.csv"]


def test_the_package_is_described_as_it_is_published(folder, package):
    described = read(folder)
    assert described["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert described["id"] == f"https://doi.org/{package.publication.doi}"
    assert described["created"] == f"{package.publication.date}T00:00:00Z"
    assert described["version"] == package.publication.version
    assert described["bioagree"]["format"] == contents.FORMAT
    assert described["bioagree"]["commit"] == package.software.commit
    assert [one["name"] for one in described["licenses"]] == ["BSD-3-Clause", "CC-BY-4.0"]
    (person, group) = described["contributors"]
    assert person["title"] == "Curie, Marie"
    assert person["roles"] == ["creator", "ContactPerson"]
    assert person["email"] == "marie.curie@example.org"
    assert person["path"] == "https://orcid.org/0000-0002-1825-0097"
    assert group["roles"] == ["creator"]
    assert [one["licenses"][0]["name"] for one in described["sources"]] == ["CC-BY-4.0", "MIT"]


def test_before_a_doi_is_reserved_there_is_no_id(package):
    assert "id" not in datapackage.describe(example.without_doi(package), {})


def test_equal_packages_are_described_in_equal_words(package):
    once = json.dumps(datapackage.describe(package, {}))
    again = replace(package, datasets=dict(reversed(package.datasets.items())))
    assert json.dumps(datapackage.describe(again, {})) == once


def test_data_from_pypi_lead_to_their_page_and_version(package):
    file = {"url": "pypi:mnfinder==1.2.3", "sha256": "ab" * 32}
    dataset = {"title": "Cells", "licence": "MIT", "files": [file]}
    given = replace(package, datasets={"cells": dataset}, files=())
    (source,) = datapackage.describe(given, {})["sources"]
    assert source["path"] == "https://pypi.org/project/mnfinder/1.2.3/"
    assert source["version"] == "1.2.3"
