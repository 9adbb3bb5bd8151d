"""Score every method against the ground truth.

Needs: results/labels/{sample}.{method}.ome.tif, results/truth/{sample}.ome.tif
Makes: results/scores/{sample}.{method}.parquet, one row per image
       .objects.parquet, one row per object of truth and segmentation
"""


rule score:
    """Score one method on the images of one sample."""
    input:
        labels=labels_of,
        truth="<results>/truth/{sample}.ome.tif",
    output:
        scores="<results>/scores/{sample}.{method}.parquet",
        objects="<results>/scores/{sample}.{method}.objects.parquet",
        record="<results>/provenance/score/{sample}.{method}.json",
    log:
        "<logs>/score/{sample}.{method}.log",
    benchmark:
        "<benchmarks>/score/{sample}.{method}.tsv"
    wildcard_constraints:
        method=one_of(METHODS),
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        tolerance_um=config["scores"]["tolerance_um"],
        code=code_of("score.py"),
    script:
        "../scripts/score.py"
