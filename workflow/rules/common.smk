"""What the rules share: the config and sheets, read and checked, and small named helpers.

Needs: config (see config/README.md).
Makes: STUDY, with its SAMPLES, DATASETS and METHODS, and functions from wildcards to inputs.
"""

import os
import sys
from functools import cache
from itertools import combinations
from pathlib import Path

from snakemake.exceptions import WorkflowError

WORKFLOW = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
if not (WORKFLOW / "scripts" / "bioagree").is_dir():
    raise WorkflowError(
        f"{WORKFLOW} needs the folder scripts/bioagree beside its rules; clone the whole "
        "repository and name its workflow/Snakefile"
    )
sys.path.insert(0, str(WORKFLOW / "scripts"))

from bioagree import configuration
from bioagree.configuration import CONDITION
from bioagree.digest import code_digest
from bioagree.errors import InputError
from bioagree.features import registry as features
from bioagree.segmentation.registry import FAMILIES
from bioagree.study import Study
from bioagree.truth import TRUTH

try:
    STUDY = Study.read(
        config, WORKFLOW / "schemas", ", ".join(map(str, workflow.configfiles)) or "config"
    )
except InputError as error:
    raise WorkflowError(str(error))

SAMPLES, DATASETS, METHODS = STUDY.samples, STUDY.datasets, STUDY.methods


wildcard_constraints:
    sample=configuration.NAME.pattern,
    method=configuration.NAME.pattern,


def one_of(names):
    """Return a wildcard constraint that admits these names and nothing else."""
    return "|".join(names) or "(?!)"


@cache
def code_of(script, *modules):
    """Return the digest of a script with all the library code it reaches."""
    return code_digest(WORKFLOW / "scripts" / script, *modules)


def dataset_of(wildcards, keys):
    """Return what matters of a sample's dataset, so that nothing else makes a job run again."""
    dataset = STUDY.dataset(wildcards.sample)
    return {key: dataset[key] for key in keys if key in dataset}


def pixels_of(wildcards):
    """Return what is known of the pixels of a sample's dataset."""
    return dataset_of(wildcards, ("axes", "voxel_um", "channels", "time_step_s", "optics"))


def optics_of(wildcards):
    """Return the optics of a sample's dataset, if they are known."""
    return dataset_of(wildcards, ("optics",))


def truth_of(wildcards):
    """Return what is known of the ground truth of a sample's dataset."""
    return dataset_of(wildcards, ("truth",))


def time_of(wildcards):
    """Return the time step of a sample's dataset, and how its calibration is known."""
    return dataset_of(wildcards, ("time_step_s", "calibration"))


def files_of_dataset(wildcards):
    """Return where the files of a sample's dataset come from: a phantom can be taken again."""
    return dataset_of(wildcards, ("files",))


def dataset_named(wildcards):
    """Return the description of a dataset."""
    return STUDY.described(wildcards.dataset)


def dataset_folder(name):
    """Return where a dataset's files are: fetched ones in resources, others where they lie."""
    return DATASETS[name].get("folder", f"<resources>/{name}")


@cache
def raw_files(sample):
    """Return a sample's raw files, or the fetched folder that will hold them."""
    row = SAMPLES[sample]
    if "files" in DATASETS[row["dataset"]]:
        return dataset_folder(row["dataset"])
    try:
        return configuration.match_files(dataset_folder(row["dataset"]), row["images"])
    except InputError as error:
        raise WorkflowError(f"{config['samples']}, sample {sample!r}: {error}")


# Asked before Snakemake does, which would show a traceback. Jobs on a cluster need not.
if workflow.is_main_process:
    for name in SAMPLES:
        raw_files(name)


def files_of(wildcards):
    """Return a sample's raw files, or the fetched folder that will hold them."""
    return raw_files(wildcards.sample)


def files_with_truth(wildcards):
    """Return the raw files of a sample that has a ground truth."""
    if not SAMPLES[wildcards.sample]["truth"]:
        raise WorkflowError(f"{config['samples']}: sample {wildcards.sample!r} names no truth")
    return files_of(wildcards)


def sheet_row(wildcards):
    """Return a sample's row of the sheet."""
    return SAMPLES[wildcards.sample]


def path_of_labels(sample, method):
    """Return where a method's label images are; the ground truth counts as a method."""
    folder = f"truth/{sample}" if method == TRUTH else f"labels/{sample}.{method}"
    return f"<results>/{folder}.ome.tif"


def code_of_measure():
    """Return the digest of the measure script with the groups of features that were chosen."""
    return code_of("measure.py", *features.modules_of(config["features"]["use"]))


def parameters_of_features():
    """Return what the study measures, without parameters of groups that it does not measure."""
    groups = features.groups_of(config["features"]["use"])
    return {k: v for k, v in config["features"].items() if k == "use" or k in groups}


def per_pair(pattern, samples):
    """Return a path for each of these samples and each of those measured on it."""
    return [pattern.format(sample=s, method=m) for s, m in STUDY.pairs(samples)]


def records_of_jobs():
    """Return the records of all jobs before the report."""
    jobs = STUDY.jobs()
    return [f"<results>/provenance/{rule}/{name}.json" for rule in jobs for name in jobs[rule]]
