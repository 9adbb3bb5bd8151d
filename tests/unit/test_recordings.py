"""A run is recorded in one file, which is refused where it is not what was recorded."""

import json
import zipfile

import pytest
from bioagree.errors import InputError
from bioagree.verification.recordings import Recording
from recorded_runs import PAIRS, Made, with_cell, write_csv, write_products


@pytest.fixture
def made(tmp_path):
    """A run, free to be changed."""
    made = Made(tmp_path)
    write_products(made.results)
    return made.write_records()


@pytest.fixture
def recorded(made):
    """A run with its recording."""
    return made, made.record()


def test_recording_twice_gives_the_same_bytes(recorded):
    made, recording = recorded
    assert made.record("again.zip").path.read_bytes() == recording.path.read_bytes()


def test_a_recording_names_no_machine_and_no_folder(recorded):
    with zipfile.ZipFile(recorded[1].path) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"secret-host" not in everything
    assert str(recorded[0].folder).encode() not in everything
    assert b"2026-01-01" not in everything


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(b"edited"), "was changed after its job had written it"),
    ],
)
def test_a_run_that_is_not_whole_is_not_recorded(made, change, words):
    before = made.record().path.read_bytes()
    change(made.results / PAIRS)
    with pytest.raises(InputError, match=words):
        made.record()
    assert [path.name for path in made.folder.iterdir() if path.is_file()] == ["recorded.zip"]
    assert (made.folder / "recorded.zip").read_bytes() == before


def rewritten(path, change):
    """Rewrite the members of a recording, each as `change` has it."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, change(name, content))


def without_key(key):
    def change(name, content):
        if name != "manifest.json":
            return content
        manifest = json.loads(content)
        del manifest[key]
        return json.dumps(manifest)

    return change


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(lambda path: path.unlink(), "there is no recorded run", id="none"),
        pytest.param(lambda path: path.write_bytes(b""), "is damaged", id="empty"),
        pytest.param(
            lambda path: path.write_bytes(path.read_bytes()[:-100]), "is damaged", id="truncated"
        ),
        pytest.param(
            lambda path: rewritten(path, without_key("artefacts")), "is damaged", id="no artefacts"
        ),
        pytest.param(
            lambda path: rewritten(path, without_key("format")), "is damaged", id="no format"
        ),
        pytest.param(
            lambda path: rewritten(path, lambda name, content: content[:-9]),
            "is damaged",
            id="no JSON",
        ),
        pytest.param(
            lambda path: rewritten(
                path, lambda _, content: content.replace(b'"format": 1', b'"format": 2')
            ),
            "has another format",
            id="format",
        ),
    ],
)
def test_a_recording_that_cannot_be_used_is_refused(made, damage, words):
    path = made.record().path
    damage(path)
    with pytest.raises(InputError, match=words) as caught:
        Recording(path)
    assert str(path) in str(caught.value)


def test_a_recording_whose_content_was_changed_is_refused(made):
    path = made.record().path

    def other(name, content):
        return content.replace(b"-12.5", b"-12.4") if name.endswith("pairs.csv") else content

    rewritten(path, other)
    write_csv(made.results / PAIRS, with_cell(2, 3, "-12.4"))
    with pytest.raises(InputError, match="is damaged .*pairs.csv in it does not have the hash"):
        made.verdict(Recording(path))
