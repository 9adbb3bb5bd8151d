"""A run that is killed at any moment is finished by the next, and nobody can tell the difference.

Kills come at random moments, seeded. Each waits for a random number of further jobs to finish,
from none to what spreads the kills over the study, and then for a random part of a second; so
they fall into planning and start-up, into jobs, and between them. A study that is done before
its kills are used up is begun anew. The suite has 8 kills; ``BIOAGREE_KILLS=30`` asks for 30.
"""

import json
import os
import random
import shutil
import signal
import time

import pytest

KILLS = int(os.environ.get("BIOAGREE_KILLS", "8"))
TINY = ("--configfile", "config/tiny.yaml")
JOBS = 42
VARYING = ("started", "ended", "host")
WAYS = ("controller", "job", "everything")
SOON_S = 2.0  # after which no job outlives its controller


@pytest.fixture
def new_study(make, tmp_path):
    """The makers of studies of config/tiny.yaml, in folders of their own."""

    def make_tiny(name):
        folder = tmp_path / name
        shutil.copytree(make.study.repository / "config", folder / "config")
        return make.study(folder)

    return make_tiny


def results(study):
    """Return all that must not depend on how often a run was killed."""
    resources = study.path("resources")
    fetched = {
        str(path.relative_to(study.folder)): path.read_bytes()
        for path in sorted(resources.rglob("*"))
        if path.is_file() and path.name != ".snakemake_timestamp"
    }
    return study.products() | fetched


def records(study):
    """Return what the records say but for when and where, which also changes their own hashes."""
    place = study.path("results", "provenance")
    found = {}
    for path in sorted(place.rglob("*.json")):
        said = {k: v for k, v in json.loads(path.read_text()).items() if k not in VARYING}
        for name in said["inputs"]:
            if "/provenance/" in name:
                said["inputs"][name] = "a record"
        found[str(path.relative_to(place))] = said
    return found


def partials(study):
    return [str(path) for path in study.folder.rglob(".partial-*")]


def kill_one_job(run, chance):
    """Kill one job's process; return whether one was there in time."""
    while run.process.poll() is None:
        running = run.running
        if running and run.kill(chance.choice(running)):
            return True
        time.sleep(0.02)
    return False


def kill(run, way, chance, until):
    """Kill in one of the three ways; return how long jobs outlived their controller."""
    if way == "job":
        return 0.0 if kill_one_job(run, chance) else None
    if run.process.poll() is not None:
        return None
    run.running  # noqa: B018 (learns the run's name while it is alive)
    if way == "everything":
        run.kill_everything()
        return 0.0
    run.kill()
    run.process.wait()
    since = time.monotonic()
    until(lambda: not run.running, 60)
    return time.monotonic() - since


@pytest.mark.slow
def test_killed_at_random_moments(new_study, start, until_true, capsys):
    whole = new_study("whole")
    undisturbed = start(whole, *TINY)
    assert undisturbed.wait() == 0, undisturbed.output
    chance = random.Random(KILLS)
    ways = [way for _ in range(KILLS) for way in chance.sample(WAYS, 3)][:KILLS]
    fell, count = [], 0
    while len(fell) < KILLS:
        count += 1
        study, finished = new_study(f"killed-{count}"), set()
        while len(fell) < KILLS:
            way, pause = ways[len(fell)], chance.uniform(0, 1.5)
            target = len(finished) + chance.randint(0, 2 * JOBS // (KILLS + 1))
            run = start(study, *TINY)
            until_true(
                lambda run=run, target=target, before=frozenset(finished): (
                    len(before | run.finished) >= target or run.process.poll() is not None
                )
            )
            time.sleep(pause)
            outlived = kill(run, way, chance, until_true)
            code = run.wait()
            assert not run.started & finished, "finished work was done again"
            finished |= run.finished
            if outlived is None:
                assert code == 0, run.output
                break
            assert code != 0, run.output
            assert outlived < SOON_S
            fell.append((way, len(finished)))
            study.run("--unlock", *TINY)
        last = start(study, *TINY)
        assert last.wait() == 0, last.output
        assert not last.started & finished, "finished work was done again"
        assert partials(study) == []
        first, second = results(whole), results(study)
        assert list(first) == list(second)
        assert [name for name in first if first[name] != second[name]] == []
        assert records(study) == records(whole)
    with capsys.disabled():
        print(f"\n{KILLS} kills in {count} studies, after so many of {JOBS} jobs:", fell)


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_end(new_study, start, until_true, sign):
    """Ctrl-C in a terminal reaches all processes; a scheduler's SIGTERM the controller alone."""
    study = new_study("asked")
    run = start(study, *TINY)
    until_true(lambda: run.finished)
    run.wait_for_jobs()
    if sign == signal.SIGINT:
        os.killpg(run.process.pid, sign)
    else:
        run.kill(sign=sign)
    assert run.wait(120) != 0
    assert run.running == []
    assert "Traceback" not in run.output
    if sign == signal.SIGTERM:  # what ran may finish, nothing new begins
        assert partials(study) == []
    planned = study.run("-n", *TINY).planned  # needs no --unlock
    assert planned
    assert not planned & run.finished
