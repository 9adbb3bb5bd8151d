"""Measure every object of every label image, the truth's too.

Needs: results/labels/{sample}.{method}.ome.tif, results/images/{sample}.ome.tif
Makes: results/features/{sample}.{method}.parquet, one row per object
"""


rule measure:
    """Measure the objects of one sample as one method found them."""
    input:
        labels=labels_of,
        images="<results>/images/{sample}.ome.tif",
    output:
        features="<results>/features/{sample}.{method}.parquet",
        record="<results>/provenance/measure/{sample}.{method}.json",
    log:
        "<logs>/measure/{sample}.{method}.log",
    benchmark:
        "<benchmarks>/measure/{sample}.{method}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: threads_of_sample
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        dataset=optics_of,
        features=parameters_of_features(),
        code=code_of_measure(),
    script:
        "../scripts/measure.py"
