"""A folder and its ZIP file hold the same, read once, and have the same bytes every time."""

import hashlib
import tracemalloc
import zipfile

import pytest
from bioagree.publication import writing
from bioagree.publication.opened import Opened
from bioagree.publication.writing import Writer
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.text("abü -_.", min_size=1, max_size=8).filter(lambda name: name.strip(". "))
CONTENTS = st.dictionaries(NAMES.map(lambda name: f"x/{name}.csv"), st.binary(max_size=100))


def written(place, files):
    with Writer(place / "package", place / "package.zip") as writer:
        return {name: writer.write(name, [content]) for name, content in files.items()}


@given(files=CONTENTS)
def test_folder_and_archive_hold_the_same(tmp_path_factory, files):
    place = tmp_path_factory.mktemp("written")
    said = written(place, files)
    for path in (place / "package", place / "package.zip"):
        with Opened(path) as package:
            assert {name: package.read(name) for name in package.names} == files
            assert {name: package.measure(name) for name in package.names} == said
    for name, content in files.items():
        assert said[name].sha256 == hashlib.sha256(content).hexdigest()
        assert said[name].size == len(content)


def test_the_same_contents_give_the_same_bytes(tmp_path):
    files = {"a.csv": b"1\n" * 5000, "b.tif": bytes(range(256)), "c/d.json": b"{}"}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        written(tmp_path / name, files)
    one, two = (tmp_path / name / "package.zip" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_only_what_gets_smaller_is_compressed(tmp_path):
    written(tmp_path, {"a.csv": b"1\n" * 5000, "b.tif": b"1\n" * 5000})
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        kinds = {info.filename: info.compress_type for info in archive.infolist()}
    assert kinds == {"a.csv": zipfile.ZIP_DEFLATED, "b.tif": zipfile.ZIP_STORED}


def test_a_file_is_read_once_and_never_whole(tmp_path, monkeypatch):
    size = 64 * writing.CHUNK
    source = tmp_path / "large.tif"
    with open(source, "wb") as file:
        file.truncate(size)
    read = []
    chunks = writing._chunks
    monkeypatch.setattr(
        writing, "_chunks", lambda file: (read.append(len(c)) or c for c in chunks(file))
    )
    tracemalloc.start()
    with Writer(tmp_path / "package", tmp_path / "package.zip") as writer:
        said = writer.copy("large.tif", source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(read) == said.size == size
    assert peak < 8 * writing.CHUNK


def test_a_file_beyond_the_old_limits_of_zip_is_written_and_read(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "LARGE", 10)
    (tmp_path / "a.csv").write_bytes(b"0123456789")
    with Writer(tmp_path / "package", tmp_path / "package.zip") as writer:
        writer.copy("a.csv", tmp_path / "a.csv")
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        assert archive.getinfo("a.csv").extract_version >= zipfile.ZIP64_VERSION
        assert archive.testzip() is None


def test_what_fails_leaves_no_archive(tmp_path):
    def fail():
        with Writer(tmp_path / "package", tmp_path / "package.zip") as writer:
            writer.write("a.csv", [b"1"])
            writer.copy("b.csv", tmp_path / "missing.csv")

    with pytest.raises(FileNotFoundError):
        fail()
    assert not (tmp_path / "package.zip").exists()
