"""What is published, by whom, and with which workflow.

Needs: the config's publication, STUDY of common.smk, records_of_run of recorded.smk
Makes: functions from wildcards to parameters of package.smk and archive.smk
"""

from dataclasses import asdict

from bioagree.publication import metadata, snapshot

REPOSITORY = WORKFLOW.parent

# What a study says of itself is looked at before anything runs; only a package needs it.
if workflow.is_main_process and config.get("publication"):
    try:
        metadata.read(STUDY)
    except InputError as error:
        raise WorkflowError(str(error))


def what_to_package(wildcards):
    """Return what is to be packaged, as bioagree.publication.building.Request.read takes it.

    Neither the records nor the folder of the results: parameters that depend on inputs are no
    reason for Snakemake to run a job again.
    """
    try:
        publication = metadata.read(STUDY)
        software = snapshot.software_of(REPOSITORY)
    except InputError as error:
        raise WorkflowError(str(error))
    rules = {
        Path(rule.output.record).parent.name: rule
        for rule in workflow.rules
        if rule.script and "record" in rule.output.keys()
    }
    return {
        "publication": asdict(publication),
        "config": config,
        "samples": SAMPLES,
        "datasets": {name: DATASETS[name] for name in STUDY.used},
        "methods": METHODS,
        "questions": STUDY.questions,
        "repository": str(REPOSITORY),
        "software": asdict(software),
        # Read by nobody: a package is made again when the workflow in it has changed.
        "tree": snapshot.digest_of(REPOSITORY),
        "scripts": {name: script_of(rule) for name, rule in rules.items()},
        "purposes": {name: rule.docstring for name, rule in rules.items()},
    }


def script_of(rule):
    """Return the script of a rule, as a path below the repository."""
    folder = rule.basedir.get_path_or_uri(secret_free=True)
    return os.path.relpath(os.path.join(folder, rule.script), REPOSITORY)
