"""Whatever is changed in a package, anywhere, is found and named."""

import io
import json
import re
from contextlib import contextmanager
from pathlib import Path

import example
import pytest
from bioagree.errors import InputError
from bioagree.publication import checking
from bioagree.publication.building import manifest
from bioagree.publication.contents import (
    CITATION,
    CODEMETA,
    CRATE,
    DATAPACKAGE,
    DESCRIPTORS,
    FAIR,
    MANIFEST,
    PLAN,
    PLAN_PAGE,
    README,
    REMBI,
    REUSE,
)
from bioagree.publication.opened import Opened
from hypothesis import given, settings
from hypothesis import strategies as st

LABELS = "results/labels/plate-1.gauss-otsu.ome.tif"
PUBLICATION = example.PUBLICATION
FILES = example.packed()


class InMemory(Opened):
    """A package that is nowhere but in memory."""

    def __init__(self, files):
        self.path, self.files = Path("package"), files
        self.names = tuple(sorted(files))

    @contextmanager
    def open(self, name):
        yield io.BytesIO(self.files[name])


@pytest.fixture
def files():
    return dict(FILES)


def faults(files):
    return checking.check(InMemory(files)).faults


def signed(files):
    """Return the files with a manifest that fits them, as a careful forger would leave them."""
    hashes = {name: example._hash(one) for name, one in files.items() if name != MANIFEST}
    return files | {MANIFEST: manifest(hashes)}


def replaced(files, name, old, new):
    assert old.encode() in files[name], (name, old)
    return signed(files | {name: files[name].replace(old.encode(), new.encode())})


def test_a_package_in_order_has_no_faults(files):
    found = checking.check(InMemory(files))
    assert found.faults == ()
    assert found.files == len(files)
    assert found.size == sum(map(len, files.values()))
    assert found.summary.endswith("all agree")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_changed_byte_is_found_and_its_file_named(data):
    files = FILES
    name = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[name])
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    try:
        told = faults(files | {name: bytes(content)})
    except InputError as error:  # it says no longer what it is
        told = [str(error)]
    assert any(name in fault for fault in told), name


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_a_missing_description_is_named(files, name):
    rest = {one: files[one] for one in files if one != name}
    if name == DATAPACKAGE:
        with pytest.raises(InputError, match="holds no datapackage.json"):
            faults(rest)
    else:
        assert f"{name} is missing" in faults(rest)


def test_a_missing_file_is_named_with_who_declares_it(files):
    told = faults({name: files[name] for name in files if name != LABELS})
    assert f"{LABELS} is declared by {DATAPACKAGE}, {MANIFEST}, {CRATE}, but missing" in told


@pytest.mark.parametrize("name", ["added.txt", "results/labels/added.ome.tif", "workflow/.hidden"])
def test_an_added_file_is_named(files, name):
    told = faults(files | {name: b"added"})
    for file in (DATAPACKAGE, MANIFEST, CRATE):
        assert f"{name} is in the package, but {file} does not declare it" in told


def test_a_changed_file_with_all_hashes_forged_is_betrayed_by_its_job(files):
    old, new = (example._hash(files[LABELS] + more) for more in (b"", b"!"))
    harmed = files | {LABELS: files[LABELS] + b"!"}
    for name in (DATAPACKAGE, CRATE):
        harmed[name] = harmed[name].replace(old.encode(), new.encode())
    told = faults(signed(harmed))
    assert any(
        fault.startswith(f"{LABELS}: different sha256") and "provenance/segment_gpu" in fault
        for fault in told
    )


ELSEWHERE = {
    "title": (PUBLICATION.title, "Another title of the very same thing"),
    "doi": (PUBLICATION.doi, "10.5072/zenodo.9999"),
    "version": ("1.0.0", "1.0.1"),
    "date": ("2026-11-22", "2026-11-23"),
    "creators": ("Marie", "Maria"),
    "orcids": ("0000-0002-1825-0097", "0000-0001-5109-3700"),
}
WHERE = {
    "title": (DATAPACKAGE, CRATE, CITATION, CODEMETA, PLAN, PLAN_PAGE, REMBI, FAIR, README),
    "doi": (DATAPACKAGE, CRATE, CITATION, CODEMETA, PLAN, PLAN_PAGE, REMBI, FAIR, README),
    "version": (DATAPACKAGE, CRATE, CITATION, CODEMETA, PLAN_PAGE, FAIR, README),
    "date": (DATAPACKAGE, CRATE, CITATION, CODEMETA, PLAN, PLAN_PAGE, REMBI, FAIR, README),
    "creators": (DATAPACKAGE, CRATE, CITATION, CODEMETA, PLAN, REMBI, FAIR),
    "orcids": (DATAPACKAGE, CRATE, CITATION, CODEMETA, PLAN, REMBI),
}


@pytest.mark.parametrize(("fact", "name"), [(fact, one) for fact in WHERE for one in WHERE[fact]])
def test_a_fact_that_differs_in_one_description_is_found_and_named(files, fact, name):
    told = faults(replaced(files, name, *ELSEWHERE[fact]))
    assert any(
        name in fault and (f"different {fact}" in fault or f"the {fact} of the package" in fault)
        for fault in told
    ), told


@pytest.mark.parametrize("name", [DATAPACKAGE, CRATE, REUSE])
def test_a_licence_that_differs_for_one_file_is_found_and_named(files, name):
    text = files[name].decode()
    if name == DATAPACKAGE:
        content = json.loads(text)
        one = next(one for one in content["resources"] if one["path"] == LABELS)
        one["licenses"] = [{"name": "CC0-1.0"}]
        text = json.dumps(content)
    elif name == CRATE:
        content = json.loads(text)
        one = next(one for one in content["@graph"] if one["@id"] == LABELS)
        one["license"] = {"@id": "https://spdx.org/licenses/CC0-1.0"}
        text = json.dumps(content)
    else:
        text = text.replace(f'  "{LABELS}",\n', "")
        text += f'\n[[annotations]]\npath = "{LABELS}"\nSPDX-License-Identifier = "CC0-1.0"\n'
    told = faults(signed(files | {name: text.encode()}))
    assert any(f"{LABELS}: different licence" in fault and name in fault for fault in told), told


@pytest.mark.parametrize("name", [DATAPACKAGE, CRATE, CITATION, CODEMETA, PLAN, REMBI, FAIR])
def test_a_licence_of_the_package_that_differs_is_found_and_named(files, name):
    text = files[name].decode()
    changed = re.sub(r"CC-BY-4\.0", "CC-BY-NC-4.0", text)
    assert changed != text
    told = faults(signed(files | {name: changed.encode()}))
    assert any("licence" in fault and name in fault for fault in told), told


def test_the_licence_of_a_source_that_differs_is_found_and_named(files):
    content = json.loads(files[DATAPACKAGE])
    content["sources"][0]["licenses"] = [{"name": "CC0-1.0"}]
    told = faults(signed(files | {DATAPACKAGE: json.dumps(content).encode()}))
    assert any("the source" in fault and "different licence" in fault for fault in told), told


@pytest.mark.parametrize("name", [name for name in DESCRIPTORS if name.endswith(".json")])
@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"null", b"<html>", b'{"@graph": 1}', b"\xff"]
)
def test_a_description_that_is_something_else_is_named(files, name, content):
    try:
        told = faults(signed(files | {name: content}))
    except InputError as error:
        told = [str(error)]
    assert any(name in fault for fault in told)


def test_a_package_of_another_version_is_refused(files):
    content = json.loads(files[DATAPACKAGE])
    content["bioagree"]["format"] = 2
    with pytest.raises(
        InputError, match="has the format 2 by its datapackage.json, and .* of format 1"
    ):
        faults(files | {DATAPACKAGE: json.dumps(content).encode()})


def test_the_zip_of_someone_else_is_refused():
    with pytest.raises(InputError, match="is no package of bioagree"):
        faults({"data.csv": b"1\n"})
