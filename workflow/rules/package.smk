"""Package: the results with all that others need to check, cite and use them again, in one place.

Needs: results/report/index.html, results/provenance/..., the config's publication, the workflow
Makes: results/package/..., results/package.zip
"""


rule package:
    """Gather, describe and check the results as a FAIR data package: a folder and its ZIP file."""
    input:
        page="<results>/report/index.html",
        record="<results>/provenance/report/all.json",
    output:
        folder=directory("<results>/package"),
        archive="<results>/package.zip",
    log:
        "<logs>/package.log",
    benchmark:
        "<benchmarks>/package.tsv"
    localrule: True
    conda:
        "../../envs/package.yaml"
    params:
        request=what_to_package,
        records=records_of_run,
        code=code_of("package.py"),
    script:
        "../scripts/package.py"
