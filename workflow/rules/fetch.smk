"""Fetch the data: verified by sha256, with licence and source recorded beside each file.

Needs: config/datasets.yaml; the network, unless the cache or `file:` and `phantom:` give all.
Makes: resources/{dataset}/...
"""


rule fetch:
    """Fetch or generate all files of one dataset."""
    output:
        folder=directory("<resources>/{dataset}"),
        record="<results>/provenance/fetch/{dataset}.json",
    log:
        "<logs>/fetch/{dataset}.log",
    benchmark:
        "<benchmarks>/fetch/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(STUDY.fetched),
    conda:
        "../../envs/fetch.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        dataset=dataset_named,
        code=code_of("fetch.py"),
    script:
        "../scripts/fetch.py"
