"""The controller dies, its jobs are in Slurm: they end with it, or cannot write any more."""

import os
import signal

import pytest
from slurm_runs import ALONE, SOON, USUAL, Run, eventually, guardians_of, scripts_of

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

TARGETS = [f"results/filtered/tiny-2d.{name}.ome.tif" for name in ("flat", "smooth")]


@pytest.fixture
def study(copy_without):
    """The finished study without two images that are filtered by a GPU job each."""
    return copy_without(*TARGETS)


def start(study):
    return Run(study, *USUAL, *SOON, *ALONE, "--", *TARGETS)


def test_interrupting_the_run_cancels_its_jobs(slurm, here, study):
    run = start(study)
    script = run.script()
    os.kill(run.process.pid, signal.SIGINT)
    os.kill(script, signal.SIGCONT)
    assert run.ended() != 0
    eventually(lambda: not slurm.jobs(study.folder, "RUNNING", "PENDING", "COMPLETING"), "no jobs")
    Run(study, *USUAL, *SOON, "--", *TARGETS).succeeded()
    assert study.products() == here.products()


def test_what_is_left_of_a_killed_run_cannot_write_into_the_next(slurm, here, study):
    """On a cluster the jobs are on other machines, where nothing can end them with their run.

    So what ends them on this one is killed first. One job is stopped in the midst of its script,
    the other waits for the GPU.
    """
    run = start(study)
    orphan = run.script()
    fence = study.path(".snakemake", "bioagree", "run")
    token = fence.read_text().strip()
    (guardian,) = guardians_of(token)
    os.kill(guardian, signal.SIGKILL)
    os.kill(run.process.pid, signal.SIGKILL)
    run.ended()
    assert list(scripts_of(study.folder).values()) == [orphan]
    left = {job.id for job in slurm.jobs(study.folder)}
    assert len(left) == 2

    Run(study, "--unlock").succeeded()
    resumed = start(study)
    eventually(lambda: fence.read_text().strip() != token, "the next run")
    os.kill(orphan, signal.SIGCONT)
    resumed.succeeded()
    assert {job.state for job in slurm.jobs(study.folder) if job.id in left} == {"FAILED"}
    logs = [path.read_text() for path in study.folder.glob(".snakemake/slurm_logs/**/*.log")]
    assert len([log for log in logs if "a later run has begun in this folder" in log]) >= 1
    assert study.products() == here.products()
    assert not list(study.folder.glob("results/**/.partial-*"))
