"""What methods start from, and whose labels are compared.

Needs: STUDY, METHODS and helpers of common.smk
Makes: functions from wildcards to inputs and parameters
"""


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
