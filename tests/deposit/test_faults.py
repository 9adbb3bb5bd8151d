"""What goes wrong on the way or at the service ends in a sentence, and never in half a record."""

import json
import time
from email.utils import formatdate

import pytest
from bioagree.errors import InputError
from bioagree.publication import services
from bioagree.publication.answers import differences
from desk import metadata
from proxy import (
    CUT,
    ERRORS,
    FLIPPED_DOWN,
    FLIPPED_UP,
    HALF,
    LATE,
    LOST,
    PAGE,
    REDIRECT,
    REFUSED,
    UNANSWERED,
)

pytestmark = pytest.mark.invenio


def fails(desk, sentence, **changes):
    """Archive, which must end with this sentence, without the token and nothing published."""
    with pytest.raises(InputError, match=sentence) as caught:
        desk.archive(publish=True, **changes)
    said = "\n".join([str(caught.value), *desk.said])
    assert desk.token not in said
    assert not any(one.status == 202 for one in desk.proxy.asked("POST", "publish"))
    if desk.notes.exists():
        assert not desk.state.published
        assert desk.token not in desk.notes.read_text()
    return caught.value


def goes_on(desk):
    """Archive without faults: one draft, whole."""
    desk.proxy.faults = []
    state = desk.archive()
    assert set(desk.files(state.record)) == {"package.zip", "README.md", "report.html"}
    assert desk.drafts(state.mark) == 1
    return state


def test_a_wrong_token_is_refused_and_not_repeated(desk):
    desk.token = "wrong-but-long-enough"
    fails(desk, "does not permit POST /records.*INVENIO_TOKEN is wrong, expired")


def test_a_token_that_may_not_publish_leaves_a_draft(desk):
    desk.proxy.fault(REFUSED, "POST", "publish", status=403)
    fails(desk, "deposit:actions")
    goes_on(desk)


def test_wrong_metadata_are_named_field_by_field_before_files_are_sent(desk):
    about = metadata()
    for number, orcid in enumerate(["0000-0002-1825-0098", "0000"]):
        person = {"type": "personal", "family_name": "Doe"}
        person["identifiers"] = [{"scheme": "orcid", "identifier": orcid}]
        about["creators"][number] = {"person_or_org": person}
    error = fails(desk, "has errors", metadata=about)
    for number in range(2):
        field = f"metadata.creators.{number}.person_or_org.identifiers.0.identifier"
        assert f"{field}: Invalid ORCID identifier" in str(error)
    assert not desk.proxy.asked("PUT", "/content")
    goes_on(desk)


def test_a_wrong_date_is_named_before_files_are_sent(desk):
    fails(desk, "publication_date: Please provide a valid date", metadata=metadata(date="soon"))
    assert not desk.proxy.asked("PUT", "/content")


def test_metadata_that_become_wrong_are_found_when_the_draft_is_there(desk):
    desk.archive()
    fails(desk, "metadata.publication_date", metadata=metadata(date="soon"))
    goes_on(desk)


def test_an_unknown_word_is_refused_with_the_words_of_the_service(desk):
    fails(
        desk, "refused POST /records with 400: Invalid value xxx", metadata=metadata(language="xxx")
    )


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(desk, status):
    desk.proxy.fault(REFUSED, "GET", "/draft/files", status=status, times=2)
    goes_on_as_it_is(desk)


def goes_on_as_it_is(desk):
    state = desk.archive()
    assert set(desk.files(state.record)) == {"package.zip", "README.md", "report.html"}
    assert desk.drafts(state.mark) == 1


def test_a_server_that_stays_in_trouble_ends_it_and_it_is_gone_on_with(desk):
    desk.proxy.fault(REFUSED, "PUT", "/content", status=502, times=99)
    fails(desk, "answered PUT .*/content with 502")
    goes_on(desk)


def test_too_many_requests_are_repeated_when_the_service_says(desk):
    soon = formatdate(time.time() + 2, usegmt=True)
    for method, part, headers in [
        ("POST", "/records", {"Retry-After": "1"}),
        ("POST", "/pids/doi", {"Retry-After": soon}),
        ("GET", "/files", {}),
    ]:
        desk.proxy.fault(REFUSED, method, part, status=429, headers=headers)
    begun = time.monotonic()
    goes_on_as_it_is(desk)
    assert time.monotonic() - begun > 1
    assert len(desk.proxy.asked("POST", "/records")) == 2


def test_a_service_that_asks_for_hours_is_not_waited_for(desk):
    desk.proxy.fault(REFUSED, "GET", "/files", status=429, headers={"Retry-After": "7200"})
    fails(desk, "asks to wait 7,200 s")
    goes_on(desk)


def test_an_answer_that_does_not_come_is_given_up(desk):
    desk.clients = {"timeout": 1.0}
    desk.proxy.fault(LATE, "GET", "/draft/files", times=99, wait=2.0)
    fails(desk, "did not answer within 1 s")
    desk.clients = {}
    goes_on(desk)


def test_an_unreachable_service_is_named(desk):
    desk.proxy.__exit__()
    with pytest.raises(InputError, match="127.0.0.1 cannot be reached"):
        desk.archive()


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [(PAGE, "a page instead of JSON"), (REDIRECT, "redirects .* to login.example.org")],
)
@pytest.mark.parametrize(
    ("method", "part"),
    [("POST", "/records"), ("GET", "/files"), ("PUT", "/content"), ("POST", "/publish")],
)
def test_a_page_in_place_of_an_answer_ends_it(desk, kind, sentence, method, part):
    desk.proxy.fault(kind, method, part, times=99)
    fails(desk, sentence)
    goes_on(desk)


def test_errors_in_an_answer_that_says_all_is_well_end_it(desk):
    desk.proxy.fault(ERRORS, "PUT", "/draft")
    desk.archive()
    desk.proxy.fault(ERRORS, "PUT", "/draft")
    fails(desk, "has errors: metadata.title: Spoilt")


def test_a_file_that_arrives_damaged_is_sent_again(desk):
    fault = desk.proxy.fault(FLIPPED_UP, "PUT", "package.zip/content")
    goes_on_as_it_is(desk)
    assert not fault.times
    assert len(desk.proxy.asked("PUT", "package.zip/content")) == 2


def test_half_a_file_that_arrived_is_not_taken_for_the_whole(desk):
    fault = desk.proxy.fault(CUT, "PUT", "package.zip/content")
    goes_on_as_it_is(desk)
    assert not fault.times
    desk.bulk *= 2
    desk.proxy.fault(CUT, "PUT", "package.zip/content", times=99)
    fails(desk, "broke the connection off .*package.zip/content")
    goes_on(desk)


def test_a_file_that_always_arrives_damaged_ends_it(desk):
    desk.proxy.fault(FLIPPED_UP, "PUT", "package.zip/content", times=99)
    fails(desk, "package.zip arrived damaged 5 times")
    goes_on(desk)


def test_a_file_that_was_changed_at_the_service_is_found_before_the_end(desk):
    desk.archive()
    desk.proxy.fault(FLIPPED_DOWN, "GET", "/draft/files", times=99)
    fails(desk, "arrived damaged|is not there as it was sent")


def test_a_field_that_the_service_does_not_know_is_named(desk):
    about = metadata() | {"no_such_field": "x"}
    fails(desk, "metadata.no_such_field: Unknown field", metadata=about)


@pytest.mark.parametrize(
    ("theirs", "where"),
    [
        ({"title": "a", "more": 1, "creators": [{"name": "x", "id": 3}]}, []),
        ({"title": "b", "creators": [{"name": "x"}]}, ["metadata.title"]),
        ({"creators": [{"name": "x"}]}, ["metadata.title"]),
        ({"title": "a", "creators": []}, ["metadata.creators"]),
        ({"title": "a", "creators": [{"name": "y"}]}, ["metadata.creators.0.name"]),
    ],
)
def test_metadata_that_are_not_kept_are_found(theirs, where):
    ours = {"title": "a", "creators": [{"name": "x"}]}
    assert list(differences(ours, theirs, "metadata")) == where


def test_a_file_larger_than_the_service_takes_is_refused(desk, tokens):
    desk.token = tokens["pauper"]
    fails(desk, "Maximum file size exceeded")


def test_a_record_larger_than_the_service_takes_is_refused(desk, tokens):
    desk.token, desk.bulk = tokens["pauper"], 1024
    (desk.folder / "package").mkdir()
    (desk.folder / "package" / "more.txt").write_bytes(b"x" * 1900)
    fails(desk, "Bucket quota exceeded", beside={"more.txt": "more.txt"})


def test_a_proxy_that_takes_no_large_files_is_named(desk):
    desk.proxy.fault(REFUSED, "PUT", "package.zip/content", status=413)
    fails(desk, "takes no file as large as that of PUT .*package.zip")
    goes_on(desk)


def test_limits_known_beforehand_are_checked_before_anything_is_sent(desk, monkeypatch):
    for limit, sentence in [("max_files", "3 files are too many"), ("max_bytes", "takes 2 in")]:
        client = desk.client()
        limits = vars(client.service) | {limit: 2}
        client.service = services.Service(**limits)
        monkeypatch.setattr(desk, "client", lambda client=client: client)
        fails(desk, sentence)
        assert not desk.proxy.asked("PUT", "/content")
        monkeypatch.undo()


def test_the_101st_file_is_refused(desk):
    (desk.folder / "package").mkdir()
    for number in range(100):
        (desk.folder / "package" / f"{number}").write_text("x")
    client = desk.client()
    service = services.Service(**vars(client.service) | {"max_files": 100})
    assert service.max_files == services.SANDBOX.max_files
    client.service = service
    desk.client = lambda: client
    beside = {str(number): str(number) for number in range(100)}
    fails(desk, "101 files are too many", beside=beside)


def test_a_record_that_is_gone_is_not_replaced_silently(desk):
    state = desk.archive()
    desk.proxy.calm()
    desk.proxy.fault(REFUSED, "GET", f"/records/{state.record}", status=404, times=99)
    fails(desk, f"no record {state.record} any more.*sandbox emptied; remove that file")
    desk.proxy.calm()
    desk.proxy.fault(REFUSED, "GET", f"/records/{state.record}", status=410, times=99)
    fails(desk, f"no record {state.record} any more")
    assert not desk.proxy.asked("POST")


def test_a_draft_that_was_discarded_elsewhere_is_not_replaced_silently(desk):
    state = desk.archive()
    try:
        desk.client().send("DELETE", f"/records/{state.record}/draft")
    except InputError:
        assert desk.client().found(f"/records/{state.record}/draft") is None
    desk.proxy.calm()
    fails(desk, f"no record {state.record} any more")
    assert not desk.proxy.asked("POST")


def test_a_draft_that_was_published_elsewhere_is_left_alone(desk):
    state = desk.archive()
    desk.client().send("POST", f"/records/{state.record}/draft/actions/publish")
    desk.proxy.calm()
    fails(desk, "was published elsewhere")
    assert not desk.proxy.asked("POST")


def test_a_publication_whose_answer_is_lost_is_found_out(desk):
    for kind in (UNANSWERED, HALF):
        desk.proxy.fault(kind, "POST", "/publish", times=1)
    state = desk.archive(publish=True)
    assert state.published
    assert sum(one.status == 202 for one in desk.proxy.asked("POST", "/publish")) == 1


def test_a_draft_whose_answer_is_lost_is_found_by_its_mark(desk):
    desk.proxy.fault(UNANSWERED, "POST", "/records")
    desk.proxy.fault(LOST, "GET", "/user/records", times=99)
    fails(desk, "broke the connection off")
    assert not desk.state.record
    goes_on(desk)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}', '{"format": 1, "record": 7}'])
def test_damaged_notes_are_refused_and_kept(desk, text):
    desk.notes.parent.mkdir()
    desk.notes.write_text(text)
    with pytest.raises(InputError, match="deposit.json is damaged or of another version"):
        desk.archive()
    assert desk.notes.read_text() == text
    assert not desk.proxy.seen


def test_notes_of_another_service_are_refused(desk):
    desk.archive()
    noted = json.loads(desk.notes.read_text())
    desk.notes.write_text(
        json.dumps(noted | {"service": "production", "url": "https://zenodo.org"})
    )
    desk.proxy.calm()
    with pytest.raises(InputError, match="is of a deposit on production"):
        desk.archive()
    assert not desk.proxy.seen


def test_a_doi_of_another_service_or_draft_is_refused(desk):
    with pytest.raises(InputError, match="10.5281/zenodo.1 cannot be a DOI of 127.0.0.1"):
        desk.archive(doi="10.5281/zenodo.1")
    assert not desk.proxy.seen
    fails(desk, "is not that of the draft", doi="10.5072/other")
    desk.archive(doi=desk.state.doi or desk.archive().doi)


def test_notes_of_another_earlier_record_are_refused(desk):
    desk.archive()
    with pytest.raises(InputError, match="set it back, or move the file away"):
        desk.archive(version_of="abcde-fghij")
