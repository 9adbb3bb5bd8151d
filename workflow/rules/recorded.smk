"""What a run is compared with, and what is known of how it came to be.

Needs: the config's recorded_run; STUDY and SAMPLES of common.smk
Makes: functions from wildcards to inputs and parameters of verify.smk
"""

from bioagree.verification.recordings import Recording


def recording_path(wildcards):
    """Return where the config has the recorded run."""
    if "recorded_run" not in config:
        raise WorkflowError(
            "the config names no recorded run; add `recorded_run: config/recorded/NAME.zip`, or "
            "name one for once: `--config recorded_run=PATH`"
        )
    return config["recorded_run"]


def page_to_verify(wildcards):
    """Return the report, once the recorded run is there and of this study."""
    try:
        Recording(recording_path(wildcards)).check_study(config["title"], SAMPLES)
    except InputError as error:
        raise WorkflowError(str(error))
    return "<results>/report/index.html"


def page_to_record(wildcards):
    """Return the report, once the config says where the run is to be recorded."""
    recording_path(wildcards)
    return "<results>/report/index.html"


def records_of_run(wildcards, input):
    """Return the records of all jobs, the report's too; they lie beside that one."""
    provenance = os.path.dirname(os.path.dirname(input.record))
    jobs = STUDY.jobs()
    paths = [f"{provenance}/{rule}/{name}.json" for rule in jobs for name in jobs[rule]]
    return [*paths, input.record]
