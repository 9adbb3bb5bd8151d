"""A preview shows what is sent: request by request, file by file."""

import hashlib
import json
import re

import pytest
from bioagree.publication.notes import State
from bioagree.publication.rehearsal import Rehearsal, Rehearsed
from bioagree.publication.services import SANDBOX, service_of
from desk import Desk, metadata, quiet


def rehearse(desk, service, **changes):
    """Return the lines of a preview."""
    lines = []
    rehearsal = Rehearsal(service, State.read(desk.notes), lines.append)
    wish = desk.asked_for(**changes)
    Rehearsed(rehearsal, wish, desk.notes, lambda sentence: None, quiet).make()
    return lines


def requests_in(lines, url):
    """Return method and path of each request shown."""
    return re.findall(rf"^(GET|POST|PUT|DELETE) {re.escape(url)}(\S+)", "\n".join(lines), re.M)


def bodies_in(lines):
    return [json.loads(line) for line in lines if line.startswith(("{", "["))]


def test_it_needs_neither_a_token_nor_notes_and_leaves_none(tmp_path):
    desk = Desk(tmp_path, None, "")
    lines = rehearse(desk, SANDBOX)
    assert ("POST", "/api/records") in requests_in(lines, SANDBOX.url)
    assert not any(path.endswith("publish") for _, path in requests_in(lines, SANDBOX.url))
    assert not desk.notes.exists()
    assert ("POST", "/api/records/RECORD/draft/actions/publish") in requests_in(
        rehearse(desk, SANDBOX, publish=True), SANDBOX.url
    )


def test_it_shows_size_and_checksum_of_every_file(tmp_path):
    desk = Desk(tmp_path, None, "")
    text = "\n".join(rehearse(desk, SANDBOX))
    content = (tmp_path / "package.zip").read_bytes()
    md5 = hashlib.md5(content).hexdigest()
    assert re.search(rf"package.zip/content\n  {len(content):,} bytes, MD5 {md5}", text)


@pytest.mark.invenio
def test_it_shows_exactly_the_requests_that_are_made(desk):
    service = service_of({"url": desk.proxy.url, "prefix": "10.5072"})
    about = metadata()
    for creator in about["creators"]:
        creator.pop("affiliations", None)  # that InvenioRDM knows none; a preview supposes it does
    for publish in (False, True):  # a first time, and going on to publication
        lines = rehearse(desk, service, publish=publish, metadata=about)
        desk.proxy.calm()
        state = desk.archive(publish=publish, metadata=about)
        made = [(one.method, one.path) for one in desk.proxy.seen]
        shown = [
            (method, path.replace("RECORD", state.record))
            for method, path in requests_in(lines, service.url)
        ]
        assert shown == made
        sent = [
            json.loads(one.body)
            for one in desk.proxy.seen
            if one.body and not one.path.endswith("/content")
        ]
        shown = json.dumps(bodies_in(lines))
        marks = r"urn:uuid:[0-9a-f-]{36}"
        assert re.sub(marks, "", shown) == re.sub(marks, "", json.dumps(sent))


@pytest.mark.invenio
def test_of_a_deposit_that_has_begun_it_shows_what_is_left(desk):
    state = desk.archive()
    service = service_of({"url": desk.proxy.url, "prefix": "10.5072"})
    lines = rehearse(desk, service, metadata=metadata(title="Another title"))
    assert not any("/content" in line for line in lines)
    assert state.record in "".join(lines)
    assert bodies_in(lines)[0]["metadata"]["title"] == "Another title"
