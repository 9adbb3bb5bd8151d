"""What the rules share: the config and sheets, read and checked, and small named helpers.

Needs: config (see config/README.md).
Makes: SAMPLES, DATASETS, FILTERS, METHODS, QUESTIONS, and functions from wildcards to inputs.
"""

import os
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

WORKFLOW = Path(workflow.current_basedir).parent
sys.path.insert(0, str(WORKFLOW / "scripts"))

from bioagree import comparison, configuration, sources
from bioagree.digest import code_digest
from bioagree.errors import InputError
from bioagree.segmentation.registry import FAMILIES, GPU_FAMILIES
from bioagree.truth import TRUTH


def read_checked(key, schema):
    """Read the YAML file that a config key names and check it against its schema."""
    content = configuration.read_yaml(config[key])
    configuration.validate(content, WORKFLOW / "schemas" / schema, config[key])
    return content


def read_study():
    """Read and check everything that the config names."""
    where = ", ".join(map(str, workflow.configfiles)) or "config"
    configuration.validate(config, WORKFLOW / "schemas" / "config.schema.yaml", where)
    datasets = read_checked("datasets", "datasets.schema.yaml")
    configuration.check_datasets(datasets, config["datasets"])
    for name, dataset in datasets.items():
        if "files" in dataset:
            sources.check(name, dataset, config["datasets"])
    methods = read_checked("methods", "methods.schema.yaml")
    chosen = config["use_methods"]
    configuration.check_methods(methods, chosen, config["methods"])
    samples = configuration.read_samples(config["samples"], datasets)
    configuration.check_truth(samples, datasets, config["samples"])
    return datasets, methods["filters"], {n: methods["methods"][n] for n in chosen}, samples


try:
    DATASETS, FILTERS, METHODS, SAMPLES = read_study()
except InputError as error:
    raise WorkflowError(str(error))

SCORED = [name for name, row in SAMPLES.items() if row["truth"]]
QUESTIONS = {n: q for n, q in config["questions"].items() if SCORED or q["type"] != "quality"}
USED = sorted({row["dataset"] for row in SAMPLES.values()})
FETCHED = [name for name in USED if "files" in DATASETS[name]]


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
    dataset = DATASETS[SAMPLES[wildcards.sample]["dataset"]]
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


def dataset_named(wildcards):
    """Return the description of a dataset."""
    return DATASETS[wildcards.dataset]


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


def filtered_of_method(wildcards):
    """Return the filtered images that a method starts from."""
    chain = METHODS[wildcards.method]["filter"]
    return f"<results>/filtered/{wildcards.sample}.{chain}.ome.tif"


def steps_of(wildcards):
    """Return the steps of a filter chain."""
    return FILTERS[wildcards.filter]


def channel_of(wildcards):
    """Return the channel that is segmented; the first unless the dataset names one."""
    return dataset_of(wildcards, ("segment_channel",)).get("segment_channel")


def method_of(wildcards):
    """Return a method's segmenter, parameters and post-processing."""
    return METHODS[wildcards.method]


def family_of(wildcards):
    """Return the module that holds a method's segmenter."""
    return FAMILIES[METHODS[wildcards.method]["segmenter"]]


def code_of_segmenter(wildcards):
    """Return the digest of the segment script with the family of one method only."""
    return code_of("segment.py", f"bioagree.segmentation.{family_of(wildcards)}")


def methods_of_kind(gpu):
    """Return the methods that run on a device, or those that do not."""
    return [n for n, m in METHODS.items() if (FAMILIES[m["segmenter"]] in GPU_FAMILIES) == gpu]


def path_of_labels(sample, method):
    """Return where a method's label images are; the ground truth counts as a method."""
    folder = f"truth/{sample}" if method == TRUTH else f"labels/{sample}.{method}"
    return f"<results>/{folder}.ome.tif"


def labels_of(wildcards):
    """Return a method's label images."""
    return path_of_labels(wildcards.sample, wildcards.method)


def measured(sample):
    """Return whose labels are measured on a sample: every method, and the truth where it is."""
    return [*METHODS, *([TRUTH] if SAMPLES[sample]["truth"] else [])]


def agreement_figures():
    """Return the names of the agreement figures that this study gives."""
    kinds = {
        (DATASETS[row["dataset"]]["axes"].count("Z") + 2, bool(row["truth"]))
        for row in SAMPLES.values()
    }
    return comparison.figure_names(kinds, len(METHODS))


def questions_of_type(kind):
    """Return the names of the study's questions of one type."""
    return [name for name, question in QUESTIONS.items() if question["type"] == kind]


def records_of_jobs():
    """Return the records of all jobs before the report."""
    kinds = {name: "gpu" if name in methods_of_kind(gpu=True) else "cpu" for name in METHODS}
    chains = sorted({method["filter"] for method in METHODS.values()})
    names = {
        "fetch": FETCHED,
        "import_images": SAMPLES,
        "import_truth": SCORED,
        "filter": [f"{sample}.{chain}" for sample in SAMPLES for chain in chains],
        "segment_gpu": [f"{s}.{m}" for s in SAMPLES for m in METHODS if kinds[m] == "gpu"],
        "segment_cpu": [f"{s}.{m}" for s in SAMPLES for m in METHODS if kinds[m] == "cpu"],
        "measure": [f"{sample}.{method}" for sample in SAMPLES for method in measured(sample)],
        "score": [f"{sample}.{method}" for sample in SCORED for method in METHODS],
        "compare_quality": questions_of_type("quality"),
        "compare_agreement": questions_of_type("agreement"),
        "draw_examples": ["all"],
    }
    return [f"<results>/provenance/{rule}/{name}.json" for rule in names for name in names[rule]]
