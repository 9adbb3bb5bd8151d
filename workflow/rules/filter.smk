"""Filter images on the GPU, or the CPU runtime that stands in for it.

Needs: results/images/{sample}.ome.tif
Makes: results/filtered/{sample}.{filter}.ome.tif (can be made again)
"""


rule filter:
    """Run one filter chain on the images of one sample."""
    input:
        images="<results>/images/{sample}.ome.tif",
    output:
        images=temp("<results>/filtered/{sample}.{filter}.ome.tif"),
        record="<results>/provenance/filter/{sample}.{filter}.json",
    log:
        "<logs>/filter/{sample}.{filter}.log",
    benchmark:
        "<benchmarks>/filter/{sample}.{filter}.tsv"
    wildcard_constraints:
        filter=one_of(STUDY.filters),
    conda:
        "../../envs/gpu.yaml"
    threads: threads_of_sample
    resources:
        mem_mb=memory,
        runtime=minutes,
        gpu=1,
    params:
        steps=steps_of,
        channel=channel_of,
        device=device_of,
        code=code_of("filter.py"),
    script:
        "../scripts/filter.py"
