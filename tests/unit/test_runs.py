"""May only the latest run write into a folder, and do its processes end with it?"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bioagree import guardian, runs
from bioagree.errors import InputError

LIBRARY = Path(runs.__file__).parents[1]
CONTROLLER = "from bioagree import runs; import subprocess, sys, time; runs.begin()"
READY = "print('ready', flush=True)"


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Every test in a folder of its own, and no run left behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOAGREE_RUN", "")
    yield
    runs._let_go()


@pytest.fixture
def script():
    """Start a Python script that says when it is ready."""
    started = []

    def start(text, **environment):
        process = subprocess.Popen(
            [sys.executable, "-c", text],
            env=os.environ | {"PYTHONPATH": str(LIBRARY)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ready(process):
    assert process.stdout.readline() == "ready\n", process.communicate()
    return process


def within(seconds, condition):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def abandon():
    """Leave the jobs of this test's run as on another host: the controller dies, they do not."""
    lock, guard = runs._held
    guard.process.kill()
    guard.process.wait()
    lock.close()
    runs._held.clear()


def name_of_run():
    return Path(".snakemake", "bioagree", "run").read_text().strip()


# Who may write


def test_a_run_has_a_name_that_its_jobs_inherit():
    runs.begin()
    assert runs.current() == name_of_run()
    assert os.environ["BIOAGREE_RUN"] == f"{name_of_run()}:{Path.cwd()}/.snakemake/bioagree/run"


def test_jobs_without_a_shared_folder_are_not_told_of_the_run(monkeypatch):
    monkeypatch.setenv("BIOAGREE_RUN", "of an outer workflow:/elsewhere")
    runs.begin(shared=False)
    assert runs.current() is None
    with runs.publishing():
        pass


def test_a_job_of_an_earlier_run_may_not_publish(monkeypatch):
    runs.begin()
    earlier = os.environ["BIOAGREE_RUN"]
    runs.begin()
    with runs.publishing():
        pass
    monkeypatch.setenv("BIOAGREE_RUN", earlier)
    with pytest.raises(runs.Replaced, match="a later run has begun"):
        runs.current()
    with pytest.raises(runs.Replaced), runs.publishing():
        pytest.fail("has published")


@pytest.mark.parametrize("content", [None, "", "torn"])
def test_a_job_may_not_publish_where_the_name_cannot_be_read(content):
    runs.begin()
    path = Path(".snakemake", "bioagree", "run")
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises(runs.Replaced), runs.publishing():
        pytest.fail("has published")


def test_a_run_does_not_begin_while_a_job_of_an_earlier_one_publishes(script):
    runs.begin()
    abandon()
    with runs.publishing():
        later = script(f"{READY};{CONTROLLER};{READY}")
        ready(later)
        earlier = name_of_run()
        time.sleep(1)
        assert name_of_run() == earlier
        assert later.poll() is None
    ready(later)
    assert name_of_run() != earlier


def test_a_job_that_holds_the_fence_for_ever_is_told(script, monkeypatch):
    runs.begin()
    holds = "from bioagree import runs; import time\nwith runs.publishing():"
    ready(script(f"{holds}\n {READY}\n time.sleep(60)"))
    abandon()
    monkeypatch.setattr(runs, "PATIENCE_S", 0.2)
    with pytest.raises(InputError, match="a job of an earlier run holds .*; end that job"):
        runs.begin()
    monkeypatch.undo()


def test_a_second_controller_is_refused_and_changes_nothing(script):
    ready(script(f"{CONTROLLER};{READY};time.sleep(60)"))
    before = name_of_run()
    with pytest.raises(InputError, match=r"another run is at work in .* \(process \d+ on .*since"):
        runs.begin()
    assert name_of_run() == before


def test_a_killed_controller_is_in_nobodys_way(script):
    controller = ready(script(f"{CONTROLLER};{READY};time.sleep(60)"))
    controller.kill()
    controller.wait()
    runs.begin()


def test_a_folder_that_cannot_be_written_to_is_one_sentence():
    Path(".snakemake").write_text("a file in the way")
    with pytest.raises(InputError, match=r"cannot write to .*\.snakemake.*; free or allow space"):
        runs.begin()


# Who ends with it

HOLDS_THE_LOCK_OF_PYTHON = "import ctypes; print(flush=True); ctypes.PyDLL(None).sleep(60)"
LOSES_ITS_PARENT = (
    "import subprocess, sys;"
    "words = [sys.executable, '-c', 'import time; time.sleep(60)'];"
    "subprocess.Popen(words, start_new_session=True)"
)
WORKERS = (
    "from multiprocessing import get_context; import time\n"
    "if __name__ == '__main__':\n"
    "    for kind in ('fork', 'spawn', 'forkserver'):\n"
    "        get_context(kind).Process(target=time.sleep, args=(60,)).start()\n"
)


def test_jobs_end_with_their_controller_whatever_they_do(script, tmp_path):
    """Kernels that hold the interpreter's lock, lost grandchildren, and workers of any kind."""
    (tmp_path / "workers.py").write_text(WORKERS)
    jobs = [["-c", HOLDS_THE_LOCK_OF_PYTHON], ["-c", LOSES_ITS_PARENT], ["workers.py"]]
    start = f"[subprocess.Popen([sys.executable, *words]) for words in {jobs}]"
    controller = ready(script(f"{CONTROLLER};{READY};{start};time.sleep(60)"))
    run = name_of_run()
    # one, one that lost its parent, and a script with three workers and their helpers
    assert within(30, lambda: len(guardian.processes_of(run)) >= 7)
    controller.kill()
    assert within(2, lambda: not guardian.processes_of(run))


def test_only_the_run_itself_ends(script):
    lives = "import time; time.sleep(60)"
    other = script(lives, BIOAGREE_RUN=f"{'0' * 32}:/elsewhere")
    mentions = script(lives, NOTE=f"BIOAGREE_RUN={'1' * 32}:/elsewhere")
    mine = script(lives, BIOAGREE_RUN=f"{'1' * 32}:/elsewhere")
    assert within(10, lambda: guardian.processes_of("1" * 32))
    guardian.end("1" * 32)
    assert mine.wait(5) == -signal.SIGKILL
    assert other.poll() is None
    assert mentions.poll() is None


def test_the_guardian_ends_with_an_orderly_run_and_is_no_zombie(script):
    done = script(f"{CONTROLLER}; print(runs._held[1].process.pid)")
    said, _ = done.communicate(timeout=60)
    assert not Path("/proc", said.strip()).exists()


def test_a_terminal_that_closes_does_not_end_the_guardian():
    runs.begin()
    assert os.getsid(runs._held[1].process.pid) != os.getsid(0)


def test_processes_that_follow_a_run_end_when_a_later_one_begins(script):
    runs.begin()
    follows = (
        f"from bioagree import runs; import time; runs.LOOK_EVERY_S = 0.1; runs.follow();{READY}"
    )
    inner = ready(script(f"{follows}; time.sleep(60)"))
    its_job = script(HOLDS_THE_LOCK_OF_PYTHON)
    its_job.stdout.readline()
    time.sleep(0.5)
    assert inner.poll() is None
    abandon()
    ready(script(f"{CONTROLLER};{READY};time.sleep(60)", BIOAGREE_RUN=""))
    assert inner.wait(5) == 1
    assert its_job.wait(5) == -signal.SIGKILL


def test_a_process_that_follows_a_replaced_run_stops_at_once(monkeypatch):
    runs.begin()
    earlier = os.environ["BIOAGREE_RUN"]
    runs.begin()
    monkeypatch.setenv("BIOAGREE_RUN", earlier)
    with pytest.raises(runs.Replaced):
        runs.follow()


def test_a_replaced_job_publishes_nothing_and_ends_its_run(script, tmp_path):
    runs.begin()
    text = (
        "from test_job import stand_in, job\n"
        f"with job(stand_in({str(tmp_path)!r}, log=True)) as this:\n"
        "    this.output.labels.write_text('stale')\n"
        f"    {READY}\n"
        "    input()\n"
    )
    paths = os.pathsep.join([str(LIBRARY), str(Path(__file__).parent)])
    process = subprocess.Popen(
        [sys.executable, "-c", text],
        env=os.environ | {"PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    inner = script("import time; time.sleep(60)")  # Snakemake inside the job, say
    ready(process)
    (tmp_path / "labels.tif").write_text("of the later run")
    abandon()
    runs.begin()
    _, said = process.communicate("\n", timeout=60)
    assert process.returncode == 1
    (line,) = said.splitlines()
    assert "segment_cpu A01 otsu: a later run has begun in this folder" in line
    assert (tmp_path / "labels.tif").read_text() == "of the later run"
    assert not list(tmp_path.rglob(".partial-*"))
    assert inner.wait(5) == -signal.SIGKILL
