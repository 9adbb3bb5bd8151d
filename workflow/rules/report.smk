"""Report: the page that people look at, with the pictures behind it.

Needs: results/comparison/..., results/images, results/labels, results/truth, results/provenance
Makes: results/report/index.html, results/report/rulegraph.svg, results/report/examples/{sample}.png
"""

EXAMPLES = list(SAMPLES)[: config["report"]["examples"]]
SHOWN_SURFACES = [sample for sample in STUDY.volumes if sample in EXAMPLES]


rule draw_examples:
    """Draw one image of several samples with the outlines of the truth and of every method."""
    input:
        images=expand("<results>/images/{sample}.ome.tif", sample=EXAMPLES),
        labels=[path_of_labels(s, m) for s, m in STUDY.pairs(EXAMPLES)],
    output:
        figures=report(
            expand("<results>/report/examples/{sample}.png", sample=EXAMPLES),
            caption="../report/examples.rst",
            category="What was found?",
        ),
        record="<results>/provenance/draw_examples/all.json",
    log:
        "<logs>/draw_examples.log",
    benchmark:
        "<benchmarks>/draw_examples.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        methods={sample: STUDY.measured(sample) for sample in EXAMPLES},
        code=code_of("draw_examples.py"),
    script:
        "../scripts/draw_examples.py"


rule draw_surfaces:
    """Draw the surfaces of several samples, as the truth and every method have them."""
    input:
        scenes=per_pair("<results>/surfaces/{sample}.{method}.glb", SHOWN_SURFACES),
    output:
        figures=expand("<results>/report/surfaces/{sample}.png", sample=SHOWN_SURFACES),
        record="<results>/provenance/draw_surfaces/all.json",
    log:
        "<logs>/draw_surfaces.log",
    benchmark:
        "<benchmarks>/draw_surfaces.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        methods={sample: STUDY.measured(sample) for sample in SHOWN_SURFACES},
        code=code_of("draw_surfaces.py"),
    script:
        "../scripts/draw_surfaces.py"


rule report:
    """Write the report page from the tables, figures and records of the whole study."""
    input:
        records=[record for record in records_of_jobs()],
        answers=[f"<results>/comparison/{file}" for file in STUDY.answers],
        colocalisation=[
            f"<results>/colocalisation/{question}.{sample}.png"
            for question, sample in STUDY.colocalised
        ],
        scenes=per_pair("<results>/surfaces/{sample}.{method}.glb", STUDY.volumes),
        tracks=[
            path
            for kind in ("paths", "tree")
            for path in per_pair(
                f"<results>/tracks/{{sample}}.{{method}}.{kind}.png", STUDY.movies
            )
        ],
        errors=per_pair("<results>/tracks/{sample}.{method}.errors.png", STUDY.tracked),
        surfaces=expand("<results>/report/surfaces/{sample}.png", sample=SHOWN_SURFACES),
        examples=expand("<results>/report/examples/{sample}.png", sample=EXAMPLES),
        template=local(os.path.relpath(WORKFLOW / "report/index.html.j2")),
        sections=[
            local(os.path.relpath(path)) for path in sorted(WORKFLOW.glob("report/answers/*.j2"))
        ],
    output:
        page=report(
            "<results>/report/index.html",
            caption="../report/page.rst",
            category="The whole report",
        ),
        rulegraph=report(
            "<results>/report/rulegraph.svg",
            caption="../report/rulegraph.rst",
            category="How was it made?",
        ),
        record="<results>/provenance/report/all.json",
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        title=config["title"],
        questions=STUDY.questions,
        datasets={name: STUDY.described(name) for name in STUDY.used},
        samples=SAMPLES,
        methods=METHODS,
        examples=EXAMPLES,
        surfaces=SHOWN_SURFACES,
        features=parameters_of_features(),
        code=code_of("report.py"),
    script:
        "../scripts/report.py"
