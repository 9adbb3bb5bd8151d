"""Train: the models of methods that learn from sparsely annotated samples.

Needs: results/images/{sample}.ome.tif, results/filtered/..., annotations or results/truth/...
Makes: results/annotations/{sample}.ome.tif, results/models/{method}.{dataset}.npz
"""


rule import_annotations:
    """Bring the annotations that people drew on one training sample onto its images' grid."""
    input:
        files=files_of,
        images="<results>/images/{sample}.ome.tif",
    output:
        annotations="<results>/annotations/{sample}.ome.tif",
        record="<results>/provenance/import_annotations/{sample}.json",
    log:
        "<logs>/import_annotations/{sample}.log",
    benchmark:
        "<benchmarks>/import_annotations/{sample}.tsv"
    wildcard_constraints:
        sample=one_of([name for name in STUDY.training if SAMPLES[name]["annotations"]]),
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        row=sheet_row,
        code=code_of("import_annotations.py"),
    script:
        "../scripts/import_annotations.py"


rule simulate_annotations:
    """Scribble on the truth of one training sample, where nobody drew annotations."""
    input:
        truth="<results>/truth/{sample}.ome.tif",
    output:
        annotations="<results>/annotations/{sample}.ome.tif",
        record="<results>/provenance/simulate_annotations/{sample}.json",
    log:
        "<logs>/simulate_annotations/{sample}.log",
    benchmark:
        "<benchmarks>/simulate_annotations/{sample}.tsv"
    wildcard_constraints:
        sample=one_of([name for name in STUDY.training if not SAMPLES[name]["annotations"]]),
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        share=config["annotations"]["share"],
        seed=config["annotations"]["seed"],
        code=code_of("simulate_annotations.py"),
    script:
        "../scripts/simulate_annotations.py"


rule train:
    """Train one method on all annotated samples of one dataset."""
    input:
        images=filtered_for_training,
        annotations=annotations_of_dataset,
    output:
        model="<results>/models/{method}.{dataset}.npz",
        record="<results>/provenance/train/{method}.{dataset}.json",
    log:
        "<logs>/train/{method}.{dataset}.log",
    benchmark:
        "<benchmarks>/train/{method}.{dataset}.tsv"
    wildcard_constraints:
        method=one_of(STUDY.learned),
    conda:
        "../../envs/gpu.yaml"
    threads: threads_of_training
    resources:
        mem_mb=memory,
        runtime=minutes,
        gpu=1,
    params:
        training=training_of_method,
        family=family_of,
        device=config["device"],
        code=code_of_trainer,
    script:
        "../scripts/train.py"
