"""Of two runs in one folder only one writes, even where the other could not be ended."""

import signal
from textwrap import dedent

import numpy as np
import pytest
import tifffile

PLATE = "results/images/plate.ome.tif"


@pytest.fixture
def slow_plate(plate):
    """A plate whose import takes long enough to be met at work."""
    noise = np.random.default_rng(0).integers(0, 999, (2000, 2000), np.uint16)
    tifffile.imwrite(plate.path("raw", "plate", "A01_2.tif"), noise)
    plate.samples[0]["truth"] = ""
    return plate.write()


@pytest.mark.slow
def test_a_second_run_is_refused_and_the_first_completes(slow_plate, start, until_true):
    first = start(slow_plate, "--", PLATE)
    job = first.wait_for_jobs()
    first.kill(*job, sign=signal.SIGSTOP)
    again = slow_plate.snakemake("--", PLATE)
    assert again.code != 0
    assert "no other Snakemake process" in again.output
    slow_plate.run("--unlock")  # too early, as the first is alive
    again = slow_plate.snakemake("--", PLATE)
    assert again.code != 0
    (line,) = [line for line in again.output.splitlines() if "another run is at work" in line]
    assert f"{slow_plate.folder} (process {first.process.pid} on" in line
    assert "Traceback" not in again.output
    first.kill(*job, sign=signal.SIGCONT)
    assert first.wait() == 0, first.output
    assert slow_plate.path(PLATE).exists()
    assert slow_plate.run("-n", "--", PLATE).nothing_to_do


@pytest.mark.slow
def test_a_job_that_outlived_its_run_writes_nothing_into_the_next(slow_plate, start, until_true):
    """As on another host of a cluster, where nobody can end it."""
    first = start(slow_plate, "--", PLATE)
    (job,) = first.wait_for_jobs()
    log = slow_plate.path("results", "logs", "import_images", "plate.log")
    until_true(log.exists)
    first.kill(job, sign=signal.SIGSTOP)
    assert not slow_plate.path(PLATE).exists()
    first.kill(*first.guardian())
    first.kill()
    first.process.wait()
    assert first.running == [job]

    slow_plate.run("--unlock")
    slow_plate.run("--", PLATE)
    made = {
        path: (path.stat().st_ino, path.read_bytes())
        for path in slow_plate.path("results").rglob("*")
        if path.is_file()
    }
    first.kill(job, sign=signal.SIGCONT)
    until_true(lambda: not first.running, 60)
    assert "a later run has begun in this folder" in first.output
    assert made == {
        path: (path.stat().st_ino, path.read_bytes())
        for path in slow_plate.path("results").rglob("*")
        if path.is_file()
    }
    assert not list(slow_plate.folder.rglob(".partial-*"))
    assert slow_plate.run("-n", "--", PLATE).nothing_to_do


SNAKEFILE = """
    rule all:
        input: "a.txt"

    rule make:
        output: a="a.txt", b="b.txt", folder=directory("folder"), record="record.json"
        script: "make.py"
"""
SCRIPT = """
    import os, signal, sys
    sys.path.insert(0, {library!r})
    from bioagree.job import job

    {fault}
    with job(snakemake) as this:
        this.output.a.write_text("{text}")
        this.output.b.write_text("{text}")
        this.output.folder.mkdir()
        (this.output.folder / "c.txt").write_text("{text}")
"""
DIES = """
    replace, renamed = os.replace, []
    def replace_or_die(*paths):
        if len(renamed) == {after}:
            os.kill(os.getppid(), signal.SIGKILL)  # the controller, first of all
            os.kill(os.getpid(), signal.SIGKILL)
        renamed.append(paths)
        replace(*paths)
    os.replace = replace_or_die
"""


@pytest.mark.parametrize("after", range(4))
def test_death_between_the_outputs_of_one_job(make, tmp_path, start, after):
    """Some outputs have got their names already; the next run makes all of them anew."""
    study = make.study(tmp_path / "study", tmp_path / "study")
    library = str(make.study.repository / "workflow" / "scripts")

    def write(text, fault):
        words = {"library": library, "text": text, "fault": fault}
        study.path("make.py").write_text(dedent(SCRIPT).format(**words))

    study.folder.mkdir()
    study.path("Snakefile").write_text(dedent(SNAKEFILE))
    write("first", dedent(DIES).format(after=after).strip())
    dying = start(study, "--cores", "1")
    assert dying.wait() == -signal.SIGKILL, dying.output
    names = ["a.txt", "b.txt", "folder/c.txt", "record.json"]
    assert [study.path(name).exists() for name in names] == [n < after for n in range(4)]

    write("second", "")
    study.run("--unlock")
    study.run("--cores", "1", "--rerun-incomplete")
    assert {study.path(name).read_text() for name in names[:3]} == {"second"}
    assert study.path("record.json").exists()
    assert not list(study.folder.rglob(".partial-*"))
