"""The tiny study through a real Slurm, as profiles/slurm and its variant send it there."""

import re

import pytest
from slurm_runs import ALONE, GRES, SOON, USUAL, Run, scripts_of

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

GPU = ("filter", "segment_gpu", "train")
FILTERED = [
    f"results/filtered/tiny-{sample}.{name}.ome.tif"
    for sample in ("2d", "3d")
    for name in ("flat", "smooth")
]


@pytest.fixture(scope="module")
def there(slurm, make, tmp_path_factory):
    """The tiny study with the shipped profile, and what Slurm says of its jobs."""
    folder = make.tree(tmp_path_factory.mktemp("there") / "study")
    study = make.study(folder, folder)
    run = Run(study, *USUAL, *SOON).succeeded()
    return study, run, slurm.jobs(folder)


def test_results_are_byte_identical_to_those_without_slurm(here, there):
    study, _, _ = there
    first, second = here.products(), study.products()
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_small_jobs_share_submissions(there):
    study, run, jobs = there
    done = int(re.search(r"^total +(\d+)$", run.output, re.M)[1])
    assert done == 43
    assert len([job for job in jobs if job.state == "COMPLETED"]) < done / 2


def test_jobs_ask_for_what_they_and_their_snakemake_need(there):
    """The first attempt is enough, but for time on a machine that is busy with other things."""
    _, _, jobs = there
    assert min(job.memory_mb for job in jobs) >= 400
    assert min(job.minutes for job in jobs) >= 2
    assert {job.state for job in jobs} <= {"COMPLETED", "TIMEOUT"}


def test_gpu_jobs_and_no_others_ask_for_the_gpu(there):
    _, _, jobs = there
    asked = {job.rule: job.fields.get("TresPerJob") for job in jobs}
    assert {rule for rule, tres in asked.items() if tres} == {"filter", "segment_gpu"}
    assert {tres for tres in asked.values() if tres} == {"gres:gpu:1"}
    assert {job.fields["Partition"] for job in jobs if job.rule in GPU} == {"gpu"}
    assert {job.fields["Partition"] for job in jobs if job.rule not in GPU} == {"cpu"}


def test_logs_of_jobs_that_succeeded_are_removed(there):
    study, _, jobs = there
    left = {path.stem for path in study.folder.glob(".snakemake/slurm_logs/**/*.log")}
    assert left == {job.id for job in jobs if job.state != "COMPLETED"}


@pytest.mark.parametrize(
    ("profile", "asked"),
    [
        pytest.param(USUAL, {"TresPerJob": "gres:gpu:1"}, id="gpus"),
        pytest.param(GRES, {"TresPerNode": "gres:gpu:1"}, id="gres"),
    ],
)
def test_gpu_jobs_never_run_two_at_a_time(here, slurm, copy_without, profile, asked):
    """Each in a submission of its own, all submitted before the first has ended."""
    study = copy_without("results/filtered/*.tif")
    Run(study, *profile, *SOON, *ALONE, "--", *FILTERED).succeeded()
    jobs = slurm.jobs(study.folder)
    assert len(jobs) == 4
    for job in jobs:
        assert {k: v for k, v in job.fields.items() if k.startswith("TresPer")} == asked
        assert job.fields["Partition"] == "gpu"
    times = sorted((job.times for job in jobs), key=lambda each: each[1])
    assert max(submitted for submitted, _, _ in times) < min(ended for _, _, ended in times)
    for (_, _, ended), (_, started, _) in zip(times, times[1:], strict=False):
        assert started >= ended
    assert study.products() == here.products()


@pytest.mark.parametrize("profile", [pytest.param(USUAL, id="gpus"), pytest.param(GRES, id="gres")])
def test_gpu_jobs_of_one_submission_take_turns(slurm, copy_without, profile):
    study = copy_without("results/filtered/*.tif")
    run = Run(study, *profile, *SOON, "--", *FILTERED)
    at_once = set()
    while run.process.poll() is None:
        at_once.add(len(scripts_of(study.folder)))
    run.succeeded()
    (job,) = slurm.jobs(study.folder)
    assert job.fields["TRES"].startswith("cpu=1,")
    assert at_once == {0, 1}
