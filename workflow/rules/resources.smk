"""Resources: the memory, time and threads that a job asks for, from costs that were measured.

Needs: workflow/rules/costs.csv (benchmarks/resources.py measures it), STUDY, helpers of common.smk
Makes: functions from a job's rule, wildcards and inputs to mem_mb, runtime and threads

Groups of jobs are planned before their inputs exist. So jobs on samples ask for what the size of
their sample needs, which is known from the phantom's parameters, from the raw files, or from the
imported images; jobs on tables ask for what their inputs' size needs.
"""

import csv
import math

MEMORY_SAFETY = 1.5  # declared over measured
TIME_SAFETY = 4  # disks, processors and neighbours differ more than memory does
STEP_MB = 100
RAW_BYTES = 2  # of a voxel in a file: 16 bit, or 8 bit uncompressed and a safety factor less
KEPT_MB = 8  # of one million voxels that wait while another image of the sample is worked on
UNKNOWN_MVOXEL = 4.2  # one frame of a camera with 2048 x 2048 pixels
THREADS = 4  # of what works in parallel, where an image is large enough to divide
LARGE_MVOXEL = 4

# In a submission Snakemake is told of no limit but cores, so the GPU jobs that share one would meet.
# `gpu_gres` counts them where the scheduler wants `gres` instead (profiles/slurm-gres).
if not workflow.is_main_process:
    for name in ("gpu", "gpu_gres"):
        workflow.register_resource(name, 1)

with open(WORKFLOW / "rules/costs.csv", newline="", encoding="utf-8") as file:
    COSTS = {row["rule"]: row for row in csv.DictReader(file)}


def memory(wildcards, input, attempt, rulename):
    """Return the MB that a job asks for; twice as much at each new attempt."""
    cost = cost_of(rulename)
    total, largest = size_of_job(cost["per"], wildcards, input)
    mb = float(cost["mb"]) + float(cost["mb_per_unit"]) * largest + KEPT_MB * (total - largest)
    mb = MEMORY_SAFETY * mb + starter()[0]
    return STEP_MB * math.ceil(mb / STEP_MB) * 2 ** (attempt - 1)


def minutes(wildcards, input, attempt, rulename):
    """Return the minutes that a job asks for; twice as many at each new attempt."""
    cost = cost_of(rulename)
    total, _ = size_of_job(cost["per"], wildcards, input)
    seconds = TIME_SAFETY * (float(cost["s"]) + float(cost["s_per_unit"]) * total)
    return (math.ceil(seconds / 60) + starter()[1]) * 2 ** (attempt - 1)


def starter():
    """Return the MB and minutes that a submitted job needs for a Snakemake of its own.

    Not a constant: rules are read before Snakemake knows where their jobs will run.
    """
    return (0, 0) if workflow.local_exec else (300, 1)


@cache
def cost_of(rulename):
    """Return the cost of a rule, by the folder of its records.

    The name itself has a prefix where another workflow imports this one.
    """
    return COSTS[Path(workflow.get_rule(rulename).output.record).parent.name]


def threads_of_sample(wildcards):
    """Return the threads of work that is divided, since small images are not worth it."""
    return THREADS if size_of_sample(wildcards.sample)[1] > LARGE_MVOXEL else 1


def threads_of_training(wildcards):
    """Return the threads that a learned method is trained with."""
    return THREADS if size_of_job("Mvoxel of training", wildcards, None)[1] > LARGE_MVOXEL else 1


def size_of_job(unit, wildcards, input):
    """Return how much a job works on, and the most at a time, in the unit that its cost is in."""
    if unit == "MB of input":
        return (input.size_mb,) * 2
    if unit == "Mvoxel of dataset":
        size = mvoxel_of_phantom(wildcards.dataset) or UNKNOWN_MVOXEL
        return size, size
    if unit == "Mvoxel of training":
        sizes = [size_of_sample(name) for name in STUDY.training_of(wildcards.dataset)]
        return (sum(total for total, _ in sizes),) * 2
    if unit == "Mvoxel of examples":
        sizes = [size_of_sample(name) for name in EXAMPLES]
        return sum(total for total, _ in sizes), max((largest for _, largest in sizes), default=0)
    return size_of_sample(wildcards.sample)


def size_of_sample(sample):
    """Return the size of all images of a sample and of its largest, in Mvoxel, as far as known."""
    if sample in STUDY.replicates:
        sample = STUDY.replicates[sample].sample
    if phantom := mvoxel_of_phantom(SAMPLES[sample]["dataset"]):
        return phantom, phantom
    sizes = [os.path.getsize(path) / RAW_BYTES / 1e6 for path in raw_paths(sample)]
    total = sum(sizes)
    imported = workflow.pathvars.apply(f"<results>/images/{sample}.ome.tif")
    if os.path.isfile(imported):  # written by us without compression
        total = os.path.getsize(imported) / RAW_BYTES / 1e6
    if not total:
        return UNKNOWN_MVOXEL, UNKNOWN_MVOXEL
    return total, total * max(sizes, default=1) / (sum(sizes) or 1)


@cache
def mvoxel_of_phantom(dataset):
    """Return the size of a generated dataset in Mvoxel; None for others."""
    shapes = [
        [length for key, length in file["parameters"].items() if key.startswith("shape_")]
        for file in DATASETS[dataset].get("files", [])
        if file["url"].startswith("phantom:")
    ]
    return sum(map(math.prod, shapes)) / 1e6 or None


def raw_paths(sample):
    """Return those of a sample's raw files that are here; none before its dataset is fetched."""
    folder = workflow.pathvars.apply(dataset_folder(SAMPLES[sample]["dataset"]))
    try:
        is_here = os.path.isdir(folder)  # else its listing, which is kept, would be empty for good
        return configuration.match_files(folder, SAMPLES[sample]["images"]) if is_here else []
    except InputError:
        return []
