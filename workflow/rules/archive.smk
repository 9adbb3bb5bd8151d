"""Archive: the package goes to Zenodo or another InvenioRDM, as a draft with a reserved DOI.

Needs: results/..., the config's publication and archive, a token in the environment
Makes: on request a draft or a record, results/archive/deposit.json, the package with its DOI

Neither rule declares what it writes, so both run whenever they are asked for, and nothing else asks
for them. The package of the results folder stays as it is; the one with the DOI is beside the notes.
"""


rule archive:
    """Reserve a DOI, stamp the package with it, upload it, and stop at the draft or publish it."""
    input:
        page="<results>/report/index.html",
        record="<results>/provenance/report/all.json",
    log:
        "<logs>/archive.log",
    retries: 0
    localrule: True
    conda:
        "../../envs/package.yaml"
    params:
        request=what_to_package,
        records=records_of_run,
        archive=config.get("archive", {}),
        preview=False,
    script:
        "../scripts/archive.py"


rule archive_preview:
    """Print what archive would send, request by request; needs neither a token nor a network."""
    input:
        page="<results>/report/index.html",
        record="<results>/provenance/report/all.json",
    log:
        "<logs>/archive_preview.log",
    retries: 0
    localrule: True
    conda:
        "../../envs/package.yaml"
    params:
        request=what_to_package,
        records=records_of_run,
        archive=config.get("archive", {}),
        preview=True,
    script:
        "../scripts/archive.py"
