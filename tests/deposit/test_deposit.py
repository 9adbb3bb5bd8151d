"""A package becomes a draft, a published record, and a new version, on a real InvenioRDM."""

import hashlib
import json
import time

import pytest
from bioagree.errors import InputError
from desk import metadata

pytestmark = pytest.mark.invenio


def test_a_package_becomes_a_draft_with_its_doi_in_it(desk):
    state = desk.archive()
    assert state.doi.startswith("10.5072/")
    assert desk.built == [state.doi]
    assert state.doi in (desk.folder / "package" / "README.md").read_text()
    there = desk.files(state.record)
    assert set(there) == {"package.zip", "README.md", "report.html"}
    for name, path in {"package.zip": "package.zip", "README.md": "package/README.md"}.items():
        content = (desk.folder / path).read_bytes()
        assert there[name]["checksum"] == f"md5:{hashlib.md5(content).hexdigest()}"
    assert desk.client().found(f"/records/{state.record}") is None  # not published
    assert not desk.proxy.asked("POST", "publish")
    assert state.page in desk.said[-1]


def test_the_record_says_what_the_package_says(desk):
    state = desk.archive()
    record = desk.client().get(f"/records/{state.record}/draft")
    about = record["metadata"]
    assert about["title"] == "Do two methods count the same nuclei?"
    assert [right.get("id") for right in about["rights"]] == ["bsd-3-clause", "cc-by-4.0"]
    assert about["creators"][0]["person_or_org"]["identifiers"][0] == {
        "scheme": "orcid",
        "identifier": "0000-0002-1825-0097",
    }
    relations = {
        (one["identifier"], one["relation_type"]["id"]) for one in about["related_identifiers"]
    }
    assert relations == {("10.1234/plate", "isderivedfrom"), ("10.1234/paper.5", "issupplementto")}
    assert "identifiers" not in about  # the mark of its creation is gone
    assert record["files"]["default_preview"] == "README.md"


def test_awkward_texts_arrive_as_they_are(desk):
    about = metadata(
        title='Größe < 5 µm & "mehr"', description="A < b & c > d.\n\n'Zwei' \"Absätze\" – 你好"
    )
    state = desk.archive(metadata=about)
    kept = desk.client().get(f"/records/{state.record}/draft")["metadata"]
    assert (kept["title"], kept["description"]) == (about["title"], about["description"])


def test_a_licence_unknown_to_the_service_becomes_one_of_its_own(desk):
    rights = [{"id": "cc-by-9.9", "title": {"en": "CC-BY-9.9"}, "link": "https://example.org/9"}]
    state = desk.archive(metadata=metadata() | {"rights": rights})
    kept = desk.client().get(f"/records/{state.record}/draft")["metadata"]["rights"]
    assert kept == [{"title": {"en": "CC-BY-9.9"}, "link": "https://example.org/9"}]


def test_run_again_it_sends_no_file_again(desk):
    first = desk.archive()
    desk.proxy.calm()
    again = desk.archive()
    assert (again.record, again.doi) == (first.record, first.doi)
    assert not desk.proxy.asked("PUT", "/content")
    assert not desk.proxy.asked("POST")


def test_only_what_changed_is_sent_and_what_is_not_wanted_goes(desk):
    state = desk.archive()
    desk.bulk *= 2
    desk.proxy.calm()
    desk.archive(beside={"README.md": "README.md"})
    sent = [one.path.split("/")[-2] for one in desk.proxy.asked("PUT", "/content")]
    assert sent == ["package.zip"]
    assert set(desk.files(state.record)) == {"package.zip", "README.md"}


def test_it_is_published_only_when_that_is_asked_for(desk):
    draft = desk.archive()
    published = desk.archive(publish=True)
    assert published.published
    assert published.doi == draft.doi
    record = desk.client().get(f"/records/{published.record}")
    assert record["is_published"]
    assert record["pids"]["doi"]["identifier"] == draft.doi
    with pytest.raises(InputError, match="is published already.*version_of"):
        desk.archive(publish=True)


def test_a_package_that_fails_its_check_is_neither_sent_nor_published(desk):
    def check(folder, archive):
        raise InputError(f"{archive.name} is wrong")

    with pytest.raises(InputError, match="package.zip is wrong"):
        desk.archive(check=check, publish=True)
    assert not desk.files(desk.state.record)
    assert not desk.proxy.asked("POST", "publish")


def test_a_new_version_sends_what_differs_and_says_again_what_the_service_forgets(desk):
    first = desk.archive(publish=True)
    desk.proxy.calm()
    about = metadata(version="2.0.0", date="2026-12-24")
    second = desk.archive(version_of=first.record, metadata=about, publish=True)
    assert second.record != first.record
    assert second.doi != first.doi
    sent = {one.path.split("/")[-2] for one in desk.proxy.asked("PUT", "/content")}
    assert sent == {"package.zip", "README.md"}  # the report is the same
    client = desk.client()
    old, new = (client.get(f"/records/{record}") for record in (first.record, second.record))
    assert (new["metadata"]["version"], new["metadata"]["publication_date"]) == (
        "2.0.0",
        "2026-12-24",
    )
    assert new["parent"]["id"] == old["parent"]["id"]
    assert set(desk.files(second.record, draft=False)) == {
        "package.zip",
        "README.md",
        "report.html",
    }
    kept = json.loads((desk.notes.parent / f"deposit-{first.record}.json").read_text())
    assert kept["doi"] == first.doi


def test_a_new_version_begun_elsewhere_is_not_taken_over(desk, monkeypatch):
    first = desk.archive(publish=True)
    client = desk.client()
    begun = client.send("POST", f"/records/{first.record}/versions")
    monkeypatch.setattr("bioagree.publication.deposit.SECONDS_TO_BEGIN", 1)
    time.sleep(3)
    with pytest.raises(InputError, match="unfinished new version already"):
        desk.archive(version_of=first.record)
    assert not client.get(f"/records/{begun['id']}/draft/files")["entries"]


def test_a_new_version_of_nothing_is_refused(desk):
    with pytest.raises(InputError, match="no published record zzzzz-zzz99"):
        desk.archive(version_of="zzzzz-zzz99")
    assert not desk.proxy.asked("POST")
