"""What questions are asked of.

Needs: STUDY, SAMPLES, DATASETS and helpers of common.smk
Makes: functions from wildcards to inputs and parameters
"""


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
