"""Verify: whether the results are those of a recorded run; record: a run to compare others with.

Needs: results/..., results/provenance/..., the config's recorded_run
Makes: results/verification/verdict.csv; on request the recorded run

Neither rule declares what it writes. A rule without outputs runs whenever it is asked for, so a
verdict is never older than the question; a verdict against a run is kept, although its job fails;
and nobody who verifies makes the record to compare with by the way.
"""


rule verify:
    """Say artefact by artefact whether the results are those of the recorded run."""
    input:
        page=page_to_verify,
        record="<results>/provenance/report/all.json",
    log:
        "<logs>/verify.log",
    retries: 0
    localrule: True
    conda:
        "../../envs/image.yaml"
    params:
        title=config["title"],
        samples=list(SAMPLES),
        records=records_of_run,
        recording=recording_path,
    script:
        "../scripts/verify.py"


rule record:
    """Record the results: hashes of all, contents of most, and what they were made with."""
    input:
        page=page_to_record,
        record="<results>/provenance/report/all.json",
    log:
        "<logs>/record.log",
    retries: 0
    localrule: True
    conda:
        "../../envs/image.yaml"
    params:
        title=config["title"],
        samples=list(SAMPLES),
        records=records_of_run,
        recording=recording_path,
    script:
        "../scripts/record.py"
