"""What Slurm 22.05 wrote into the logs of jobs that it ended, and what we make of it."""

import os

import pytest
from bioagree import slurm

START = """[Sun Nov 22 16:50:40 2026]
rule filter:
    input: results/images/tiny-2d.ome.tif
    wildcards: sample=tiny-2d, filter=smooth
    resources: tmpdir=/tmp, mem_mb=320, mem=320 MB, mem_mib=306, disk_mb=1000, runtime=2, gpu=1
"""
STEPD = "slurmstepd-node1: error: "
MEMORY = STEPD + "StepId=6.0 exceeded memory limit (367714304 > 335544320), being killed\n"
CGROUP = STEPD + "Detected 1 oom-kill event(s) in StepId=6.0. Some of the step tasks died.\n"
CANCELLED = STEPD + "*** JOB 8 ON node1 CANCELLED AT 2026-11-22T16:55:02 ***\n"
TIME = CANCELLED.replace(" ***\n", " DUE TO TIME LIMIT ***\n")
NODE = CANCELLED.replace(" ***\n", " DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***\n")


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        (MEMORY + CANCELLED, "--set-resources filter:mem_mb=640"),
        (CGROUP, "--set-resources filter:mem_mb=640"),
        (TIME, "--set-resources filter:runtime=4"),
        (NODE, "filter: the node of a job failed; run again"),
        (CANCELLED, "filter: a job was cancelled in Slurm; run again"),
    ],
    ids=["memory", "memory in a cgroup", "time", "node", "cancelled"],
)
def test_the_reason_says_what_to_do(said, advice):
    assert slurm.reason(START + said, "rule_filter").endswith(advice)


def test_a_job_that_failed_by_itself_is_left_to_its_own_words():
    said = START + "Error in rule filter:\n    message: None\n"
    assert slurm.reason(said, "rule_filter") is None
    assert slurm.reason("srun: error: Unable to contact slurm controller\n", "rule_filter") is None


@pytest.mark.parametrize("submitted", ["rule_segment_gpu", "group_segment_gpu_segment_gpu"])
def test_a_job_that_died_before_its_rule_was_named(submitted):
    assert slurm.reason(MEMORY, submitted).endswith("--set-resources segment_gpu:mem_mb=640")
    assert slurm.reason(CGROUP, submitted).endswith("--set-resources segment_gpu:mem_mb=MORE")


def test_only_the_last_attempt_of_this_run_counts(tmp_path):
    logs = tmp_path / "rule_filter" / "tiny-2d_smooth"
    logs.mkdir(parents=True)
    for name, time, text in (("3", 100, TIME), ("12", 300, MEMORY), ("7", 200, CANCELLED)):
        (logs / f"{name}.log").write_text(START + text)
        os.utime(logs / f"{name}.log", (time, time))
    (sentence,) = slurm.reasons(tmp_path, since=150)
    assert "mem_mb=640" in sentence
    assert sentence.endswith(f"the log of Slurm is {logs / '12.log'}")
    assert list(slurm.reasons(tmp_path, since=301)) == []


def test_without_logs_there_is_nothing_to_say(tmp_path):
    assert list(slurm.reasons(tmp_path / "nowhere")) == []
