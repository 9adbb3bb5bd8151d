"""Colocalise: ask whether two channels, and the objects found in them, lie in the same places.

Needs: results/images/{sample}.ome.tif, results/labels/{sample}.{method}.ome.tif
Makes: results/colocalisation/{question}.{sample}.parquet and .png
"""


rule colocalise:
    """Compare two channels of one sample, beside what chance gives."""
    input:
        images="<results>/images/{sample}.ome.tif",
        labels=labels_in_question,
    output:
        table="<results>/colocalisation/{question}.{sample}.parquet",
        figure=report(
            "<results>/colocalisation/{question}.{sample}.png",
            caption="../report/colocalisation.rst",
            category="Do the channels colocalise?",
        ),
        record="<results>/provenance/colocalise/{question}.{sample}.json",
    log:
        "<logs>/colocalise/{question}.{sample}.log",
    benchmark:
        "<benchmarks>/colocalise/{question}.{sample}.tsv"
    wildcard_constraints:
        sample=one_of(STUDY.segmented),
        question=one_of(STUDY.questions_of_type("colocalisation")),
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        question=question_of,
        code=code_of("colocalise.py"),
    script:
        "../scripts/colocalise.py"
