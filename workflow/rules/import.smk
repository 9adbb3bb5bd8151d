"""Import raw files as OME-TIFF with physical voxel sizes; mend truth by the written rules.

Needs: resources/{dataset}/... or the folder that the dataset names
Makes: results/images/{sample}.ome.tif, results/truth/{sample}.ome.tif, .objects.parquet;
       results/images/{sample}-r{k}.ome.tif, the sample once more under a change
"""


rule import_images:
    """Bring the images of one sample into one multi-series OME-TIFF."""
    input:
        files=files_of,
    output:
        images="<results>/images/{sample}.ome.tif",
        record="<results>/provenance/import_images/{sample}.json",
    log:
        "<logs>/import_images/{sample}.log",
    benchmark:
        "<benchmarks>/import_images/{sample}.tsv"
    wildcard_constraints:
        sample=one_of(SAMPLES),
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        row=sheet_row,
        dataset=pixels_of,
        code=code_of("import_images.py"),
    script:
        "../scripts/import_images.py"


rule import_truth:
    """Bring the ground truth of one sample onto its images' grid, mended and with its groups."""
    input:
        files=files_with_truth,
        images="<results>/images/{sample}.ome.tif",
    output:
        labels="<results>/truth/{sample}.ome.tif",
        objects="<results>/truth/{sample}.objects.parquet",
        record="<results>/provenance/import_truth/{sample}.json",
    log:
        "<logs>/import_truth/{sample}.log",
    benchmark:
        "<benchmarks>/import_truth/{sample}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        row=sheet_row,
        dataset=truth_of,
        code=code_of("import_truth.py"),
    script:
        "../scripts/import_truth.py"


rule perturb:
    """Make one sample once more, for a question of repeatability."""
    input:
        images=images_of_original,
    output:
        images="<results>/images/{sample}.ome.tif",
        record="<results>/provenance/perturb/{sample}.json",
    log:
        "<logs>/perturb/{sample}.log",
    benchmark:
        "<benchmarks>/perturb/{sample}.tsv"
    wildcard_constraints:
        sample=one_of(STUDY.replicates),
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        dataset=files_of_dataset,
        change=change_of,
        seed=seed_of,
        amount=amount_of,
        code=code_of("perturb.py"),
    script:
        "../scripts/perturb.py"
