"""Jobs die in Slurm, and Slurm dies around them: right results after a retry, or one clear error.

A script is stopped where it runs, so that what happens to it does not depend on how fast it is.
"""

import os
import signal

import pytest
from slurm_runs import SOON, USUAL, Run

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

TARGET = "results/filtered/tiny-2d.smooth.ome.tif"
ENOUGH_MB = 4000  # of one `filter` job, with the Snakemake that starts it
TOO_LITTLE_MB = 200  # the Snakemake in the job alone takes about 280


@pytest.fixture
def study(copy_without):
    """The finished study without one filtered image."""
    return copy_without(TARGET)


def start(study, *arguments):
    return Run(study, *USUAL, *SOON, *arguments, "--", TARGET)


def states(slurm, study):
    return [job.state for job in slurm.jobs(study.folder)]


def test_a_cancelled_job_is_submitted_again(slurm, here, study):
    run = start(study)
    run.script()
    (job,) = slurm.jobs(study.folder, "RUNNING")
    slurm.say("scancel", job.id)
    run.succeeded()
    assert states(slurm, study) == ["CANCELLED", "COMPLETED"]
    assert study.products() == here.products()


def test_a_job_that_takes_too_much_memory_gets_more(slurm, here, study):
    grows = f"filter:mem_mb={TOO_LITTLE_MB} if attempt == 1 else {ENOUGH_MB}"
    start(study, "--set-resources", grows).succeeded()
    first, second = slurm.jobs(study.folder)
    assert first.state in ("OUT_OF_MEMORY", "FAILED", "CANCELLED")
    assert (first.memory_mb, second.memory_mb) == (TOO_LITTLE_MB, ENOUGH_MB)
    assert second.state == "COMPLETED"
    assert study.products() == here.products()


def test_a_job_that_takes_too_long_gets_more_time_and_memory(slurm, here, study):
    """Its time limit is brought near, since Slurm counts in minutes."""
    run = start(study)
    run.script()
    (job,) = slurm.jobs(study.folder, "RUNNING")
    slurm.say("scontrol", "update", f"JobId={job.id}", "EndTime=now+1")
    run.succeeded()
    first, second = slurm.jobs(study.folder)
    assert (first.state, second.state) == ("TIMEOUT", "COMPLETED")
    assert second.memory_mb == 2 * first.memory_mb
    assert second.minutes > job.minutes
    assert study.products() == here.products()


def test_a_job_that_never_has_enough_memory_ends_in_an_error_that_says_what_to_do(slurm, study):
    run = start(study, "--retries", "0", "--set-resources", f"filter:mem_mb={TOO_LITTLE_MB}")
    assert run.ended() != 0
    assert not study.path(TARGET).exists()
    (job,) = slurm.jobs(study.folder)
    (log,) = study.folder.glob(f".snakemake/slurm_logs/**/{job.id}.log")
    assert (
        "filter: Slurm ended a job that took more memory than it asked for; "
        f"give it more: --set-resources filter:mem_mb={2 * TOO_LITTLE_MB}; "
        f"the log of Slurm is {log.relative_to(study.folder)}"
    ) in run.output


def test_a_killed_slurmd_loses_nothing(slurm, here, study):
    run = start(study)
    script = run.script()
    slurm.kill("slurmd")
    slurm.up()
    os.kill(script, signal.SIGCONT)
    run.succeeded()
    assert states(slurm, study) == ["COMPLETED"]
    assert study.products() == here.products()
