"""Surface: a mesh for every object of a volume, to look at.

Needs: results/labels/{sample}.{method}.ome.tif
Makes: results/surfaces/{sample}.{method}.glb, one scene a sample; on request
       results/surfaces/{sample}.{method}.ply/ or .stl/, one file an object
"""


rule surface:
    """Mesh the objects of one sample as one method found them: one scene, a colour an object."""
    input:
        labels=labels_of,
    output:
        scene="<results>/surfaces/{sample}.{method}.glb",
        record="<results>/provenance/surface/{sample}.{method}.json",
    log:
        "<logs>/surface/{sample}.{method}.log",
    benchmark:
        "<benchmarks>/surface/{sample}.{method}.tsv"
    wildcard_constraints:
        sample=one_of(STUDY.volumes),
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        surfaces=config["surfaces"],
        code=code_of("surface.py"),
    script:
        "../scripts/surface.py"


rule export_surfaces:
    """Write one mesh file an object, for programs that read no scenes: ply or stl."""
    input:
        labels=labels_of,
    output:
        folder=directory("<results>/surfaces/{sample}.{method}.{format}"),
        record="<results>/provenance/export_surfaces/{sample}.{method}.{format}.json",
    log:
        "<logs>/export_surfaces/{sample}.{method}.{format}.log",
    benchmark:
        "<benchmarks>/export_surfaces/{sample}.{method}.{format}.tsv"
    wildcard_constraints:
        sample=one_of(STUDY.volumes),
        format="ply|stl",
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        surfaces=config["surfaces"],
        code=code_of("export_surfaces.py"),
    script:
        "../scripts/export_surfaces.py"
