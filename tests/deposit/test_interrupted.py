"""Archiving is cut off at every request, and goes on: one draft, one DOI, nothing sent twice."""

import os
import signal
from functools import partial

import pytest
from bioagree.errors import InputError
from proxy import KILLING, LOST, UNANSWERED

# All requests where there is time; else one of three, always those that send and publish.
STEP = 1 if os.environ.get("BIOAGREE_ALL_CUTS") else 3

pytestmark = [pytest.mark.invenio, pytest.mark.slow]


def whole(desk, state):
    """Check that a published record is one, whole, and that nothing complete was sent again."""
    proxy = desk.proxy
    assert state.published
    assert desk.drafts(state.mark) == 1
    assert sum(one.status == 201 for one in proxy.asked("POST", "/pids/doi")) == 1
    assert sum(one.status == 202 for one in proxy.asked("POST", "/publish")) == 1
    assert set(desk.built) <= {state.doi}  # by this process
    there = desk.files(state.record, draft=False)
    assert set(there) == {"package.zip", "report.html"}
    for name in there:
        sent = proxy.asked("PUT", f"{name}/content")
        assert sum(one.status == 200 for one in sent) == 1, name


def requests_of_a_whole_run(desk):
    """Return the numbers of the requests to cut at."""
    desk.bulk, desk.wish = 2000, {"beside": {"report.html": "results/report/index.html"}}
    desk.archive(publish=True)
    number = len(desk.proxy.seen)
    assert number > 15
    changing = [i for i, one in enumerate(desk.proxy.seen, start=1) if one.method != "GET"]
    return sorted({*changing, *range(1, number + 1, STEP)})


def begin_again(desk):
    """Forget everything of the last deposit."""
    desk.notes.unlink(missing_ok=True)
    desk.built.clear()
    desk.proxy.calm()


@pytest.mark.parametrize("kind", [LOST, UNANSWERED])
def test_a_connection_lost_at_any_request_is_got_over(desk, kind):
    for number in requests_of_a_whole_run(desk):
        begin_again(desk)
        desk.proxy.fault_at(kind, number)
        whole(desk, desk.archive(publish=True))


def test_a_network_that_fails_from_any_request_on_is_gone_on_with(desk):
    for first in requests_of_a_whole_run(desk):
        begin_again(desk)
        desk.proxy.fault_at(UNANSWERED, first)
        desk.proxy.fault_after(LOST, first)
        try:
            state = desk.archive(publish=True)
        except InputError:
            desk.proxy.faults = []
            state = desk.archive(publish=True)
        whole(desk, state)


def test_a_process_killed_at_any_request_is_gone_on_with(desk):
    for number in requests_of_a_whole_run(desk):
        begin_again(desk)
        start, begin = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.read(start, 1)
                desk.archive(publish=True)
            finally:
                os._exit(0)
        desk.proxy.fault_at(KILLING, number, kill=partial(os.kill, child, signal.SIGKILL))
        os.write(begin, b"!")
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        os.close(start)
        os.close(begin)
        whole(desk, desk.archive(publish=True))
