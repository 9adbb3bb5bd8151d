"""Segment: label the objects of every sample with every method.

Needs: results/filtered/{sample}.{filter}.ome.tif
Makes: results/labels/{sample}.{method}.ome.tif, 32-bit labels
"""


rule segment_gpu:
    """Label one sample with one method of the GPU families."""
    input:
        images=filtered_of_method,
        model=model_of,
    output:
        labels="<results>/labels/{sample}.{method}.ome.tif",
        record="<results>/provenance/segment_gpu/{sample}.{method}.json",
    log:
        "<logs>/segment_gpu/{sample}.{method}.log",
    benchmark:
        "<benchmarks>/segment_gpu/{sample}.{method}.tsv"
    wildcard_constraints:
        method=one_of(STUDY.methods_of_kind(gpu=True)),
    conda:
        "../../envs/gpu.yaml"
    threads: threads_of_sample
    resources:
        mem_mb=memory,
        runtime=minutes,
        gpu=1,
    params:
        method=method_of,
        family=family_of,
        device=device_of,
        code=code_of_segmenter,
    script:
        "../scripts/segment.py"


rule segment_cpu:
    """Label one sample with one method of the CPU families."""
    input:
        images=filtered_of_method,
    output:
        labels="<results>/labels/{sample}.{method}.ome.tif",
        record="<results>/provenance/segment_cpu/{sample}.{method}.json",
    log:
        "<logs>/segment_cpu/{sample}.{method}.log",
    benchmark:
        "<benchmarks>/segment_cpu/{sample}.{method}.tsv"
    wildcard_constraints:
        method=one_of(STUDY.methods_of_kind(gpu=False)),
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        method=method_of,
        family=family_of,
        code=code_of_segmenter,
    script:
        "../scripts/segment.py"
