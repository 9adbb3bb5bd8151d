"""Match: which objects of the label images of one sample are the same.

Needs: results/labels/{sample}.{method}.ome.tif, results/truth/{sample}.ome.tif
Makes: results/matches/{sample}.parquet, one row for two objects that overlap
"""


rule match:
    """Find which objects of each two label images of one sample overlap."""
    input:
        labels=labels_of_sample,
    output:
        matches="<results>/matches/{sample}.parquet",
        record="<results>/provenance/match/{sample}.json",
    log:
        "<logs>/match/{sample}.log",
    benchmark:
        "<benchmarks>/match/{sample}.tsv"
    wildcard_constraints:
        sample=one_of(STUDY.matched),
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        sources=sources_of,
        pairs=pairs_of_sources,
        code=code_of("match.py"),
    script:
        "../scripts/match.py"


rule match_replicate:
    """Find which objects of one replicate overlap the truth, or else those of its original."""
    input:
        labels=labels_of_replicate,
    output:
        matches="<results>/matches/{sample}.parquet",
        record="<results>/provenance/match_replicate/{sample}.json",
    log:
        "<logs>/match_replicate/{sample}.log",
    benchmark:
        "<benchmarks>/match_replicate/{sample}.tsv"
    wildcard_constraints:
        sample=one_of(STUDY.replicates),
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        sources=sources_of_replicate,
        pairs=pairs_of_replicate,
        code=code_of("match.py"),
    script:
        "../scripts/match.py"
