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

WORKFLOW = Path(workflow.current_basedir).parent
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
    return STUDY.filters[wildcards.filter]


def channel_of(wildcards):
    """Return the channel that is segmented; the first unless the dataset names one."""
    return dataset_of(wildcards, ("segment_channel",)).get("segment_channel")


def method_of(wildcards):
    """Return a method's segmenter, parameters and post-processing."""
    return METHODS[wildcards.method]


def family_of(wildcards):
    """Return the module that holds a method's segmenter."""
    return FAMILIES[METHODS[wildcards.method]["segmenter"]]


def training_of_method(wildcards):
    """Return the parameters that a learned method is trained with."""
    return METHODS[wildcards.method].get("training", {})


def filtered_for_training(wildcards):
    """Return the filtered images that a method learns from."""
    chain = METHODS[wildcards.method]["filter"]
    samples = STUDY.training_of(wildcards.dataset)
    return [f"<results>/filtered/{sample}.{chain}.ome.tif" for sample in samples]


def annotations_of_dataset(wildcards):
    """Return the annotations that a method learns from."""
    samples = STUDY.training_of(wildcards.dataset)
    return [f"<results>/annotations/{sample}.ome.tif" for sample in samples]


def model_of(wildcards):
    """Return the model of a learned method; others need none."""
    if wildcards.method not in STUDY.learned:
        return []
    dataset = STUDY.row(wildcards.sample)["dataset"]
    return f"<results>/models/{wildcards.method}.{dataset}.npz"


def device_of(wildcards):
    """Return the device that works on a sample."""
    return STUDY.device_for(wildcards.sample)


def code_of_trainer(wildcards):
    """Return the digest of the train script with the family of one method only."""
    return code_of("train.py", f"bioagree.segmentation.{family_of(wildcards)}")


def code_of_segmenter(wildcards):
    """Return the digest of the segment script with the family of one method only."""
    return code_of("segment.py", f"bioagree.segmentation.{family_of(wildcards)}")


def path_of_labels(sample, method):
    """Return where a method's label images are; the ground truth counts as a method."""
    folder = f"truth/{sample}" if method == TRUTH else f"labels/{sample}.{method}"
    return f"<results>/{folder}.ome.tif"


def labels_of(wildcards):
    """Return a method's label images."""
    return path_of_labels(wildcards.sample, wildcards.method)


def sources_of(wildcards):
    """Return the names of those whose labels of a sample are compared."""
    return STUDY.measured(wildcards.sample)


def labels_of_sample(wildcards):
    """Return all label images of a sample."""
    return [path_of_labels(wildcards.sample, name) for name in STUDY.measured(wildcards.sample)]


def pairs_of_sources(wildcards):
    """Return each two of those whose labels of a sample are compared; the truth stands first."""
    methods = STUDY.methods_on(wildcards.sample)
    truth = [TRUTH] if SAMPLES[wildcards.sample]["truth"] else []
    return list(combinations([*truth, *methods], 2))


def original_of(wildcards):
    """Return the sample that a replicate comes from."""
    return STUDY.replicates[wildcards.sample].sample


def images_of_original(wildcards):
    """Return the images that a replicate comes from."""
    return f"<results>/images/{original_of(wildcards)}.ome.tif"


def change_of(wildcards):
    """Return what differs in a replicate."""
    return STUDY.replicates[wildcards.sample].change


def seed_of(wildcards):
    """Return the seed of a replicate."""
    return STUDY.replicates[wildcards.sample].seed


def amount_of(wildcards):
    """Return by how much a replicate is changed; None where the images say so themselves."""
    return STUDY.replicates[wildcards.sample].amount


def pairs_of_replicate(wildcards):
    """Return what the labels of a replicate are compared with: the truth, else the original's."""
    return [(f"of-{name}", name) for name in STUDY.methods_on(wildcards.sample)]


def sources_of_replicate(wildcards):
    """Return the names of the label images of :func:`labels_of_replicate`."""
    methods = STUDY.methods_on(wildcards.sample)
    return [*(f"of-{name}" for name in methods), *methods]


def labels_of_replicate(wildcards):
    """Return the labels that every method's labels of a replicate are compared with, and these."""
    original, methods = original_of(wildcards), STUDY.methods_on(wildcards.sample)
    truth = SAMPLES[original]["truth"]
    reference = [path_of_labels(original, TRUTH if truth else name) for name in methods]
    return reference + [path_of_labels(wildcards.sample, name) for name in methods]


def code_of_measure():
    """Return the digest of the measure script with the groups of features that were chosen."""
    return code_of("measure.py", *features.modules_of(config["features"]["use"]))


def parameters_of_features():
    """Return what the study measures, without parameters of groups that it does not measure."""
    groups = features.groups_of(config["features"]["use"])
    return {k: v for k, v in config["features"].items() if k == "use" or k in groups}


def question_of(wildcards):
    """Return what the config says of a question."""
    return STUDY.questions[wildcards.question]


def labels_in_question(wildcards):
    """Return the label images that a question of colocalisation names: two, and its region."""
    question = question_of(wildcards)
    names = [*question["objects"], *([question["region"]] if "region" in question else [])]
    return [path_of_labels(wildcards.sample, name) for name in names]


def samples_of_question(wildcards):
    """Return the samples that a question of colocalisation is asked of."""
    return STUDY.with_channels(wildcards.question)


def tables_of_colocalisation(wildcards):
    """Return what was found in the samples that a question of colocalisation is asked of."""
    name = wildcards.question
    return [f"<results>/colocalisation/{name}.{s}.parquet" for s in STUDY.with_channels(name)]


def sheet_of_question(wildcards):
    """Return the rows of the samples that a question is asked of, or that they come from."""
    keys = ("session", "subject", "condition")
    asked = STUDY.asked(wildcards.question)
    return {sample: {key: STUDY.row(sample)[key] for key in keys} for sample in asked}


def sources_of_question(wildcards):
    """Return the samples of a question with those whose labels are measured on them."""
    return STUDY.pairs(STUDY.asked(wildcards.question))


def segmentations_of_question(wildcards):
    """Return the samples of a question with the methods that segmented them."""
    return STUDY.segmentations(STUDY.asked(wildcards.question))


def scores_of_question(wildcards):
    """Return the scores that a question is asked of."""
    return [f"<results>/scores/{s}.{m}.parquet" for s, m in segmentations_of_question(wildcards)]


def scores_of_objects(wildcards):
    """Return the scores of single objects that a question is asked of."""
    pairs = segmentations_of_question(wildcards)
    return [f"<results>/scores/{s}.{m}.objects.parquet" for s, m in pairs]


def scored_of_question(wildcards):
    """Return the samples of a question about true objects, with the methods that were scored."""
    by_truth = STUDY.questions[wildcards.question].get("group") not in (None, CONDITION)
    return segmentations_of_question(wildcards) if by_truth else []


def outcomes_of_question(wildcards):
    """Return what became of the true objects that a question is asked of."""
    pairs = scored_of_question(wildcards)
    return [f"<results>/scores/{s}.{m}.objects.parquet" for s, m in pairs]


def shown_of_question(wildcards):
    """Return whose objects the figures of a question show: those named, the truth, or the first."""
    sources = {source for _, source in sources_of_question(wildcards)}
    named = STUDY.questions[wildcards.question].get("labels")
    return named or (TRUTH if TRUTH in sources else next(iter(METHODS)))


def originals_of_question(wildcards):
    """Return the samples that the replicates of a question come from."""
    replicates = STUDY.replicates_of(wildcards.question)
    return {name: STUDY.replicates[name].sample for name in replicates}


def annotated_originals(wildcards):
    """Return those of the samples that replicates come from that have a truth."""
    originals = dict.fromkeys(originals_of_question(wildcards).values())
    return [sample for sample in originals if SAMPLES[sample]["truth"]]


def truths_of_originals(wildcards):
    """Return what is known of the true objects of the samples that replicates come from."""
    return [f"<results>/truth/{s}.objects.parquet" for s in annotated_originals(wildcards)]


def features_of_question(wildcards):
    """Return the measured objects that a question is asked of."""
    return per_pair("<results>/features/{sample}.{method}.parquet", STUDY.asked(wildcards.question))


def matches_of_question(wildcards):
    """Return the overlapping objects of the samples of a question, where several have labels."""
    asked = [*STUDY.matched, *STUDY.replicates]
    return [
        f"<results>/matches/{sample}.parquet"
        for sample in STUDY.asked(wildcards.question)
        if sample in asked
    ]


def groups_of_question(wildcards):
    """Return the true objects with their groups, where a question compares these."""
    if STUDY.questions[wildcards.question].get("group") in (None, CONDITION):
        return []
    asked = STUDY.asked(wildcards.question)
    return [f"<results>/truth/{sample}.objects.parquet" for sample in asked]


def titles_of_groups(wildcards):
    """Return what figures and sentences call the objects of the groups of a question."""
    group = STUDY.questions[wildcards.question].get("group")
    if group == CONDITION:
        asked = STUDY.asked(wildcards.question)
        return [f"objects of {name}" for name in sorted({SAMPLES[s][CONDITION] for s in asked})]
    for dataset in DATASETS.values():
        described = dataset.get("truth", {}).get("groups", {}).get(group)
        if described:
            members = described.get("members", f"objects with {group}")
            return [members, described.get("others", "objects without")]
    return []


def per_pair(pattern, samples):
    """Return a path for each of these samples and each of those measured on it."""
    return [pattern.format(sample=s, method=m) for s, m in STUDY.pairs(samples)]


def records_of_jobs():
    """Return the records of all jobs before the report."""
    jobs = STUDY.jobs()
    return [f"<results>/provenance/{rule}/{name}.json" for rule in jobs for name in jobs[rule]]
