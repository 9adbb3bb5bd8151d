"""Report: the page that people look at, with the pictures behind it.

Needs: results/comparison/..., results/images, results/labels, results/truth, results/provenance
Makes: results/report/index.html, results/report/rulegraph.svg, results/report/examples/{sample}.png
"""

EXAMPLES = list(SAMPLES)[: config["report"]["examples"]]


rule draw_examples:
    """Draw one image of several samples with the outlines of the truth and of every method."""
    input:
        images=expand("<results>/images/{sample}.ome.tif", sample=EXAMPLES),
        labels=[path_of_labels(s, m) for s in EXAMPLES for m in measured(s)],
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
    params:
        methods={sample: measured(sample) for sample in EXAMPLES},
        code=code_of("draw_examples.py"),
    script:
        "../scripts/draw_examples.py"


rule report:
    """Write the report page from the tables, figures and records of the whole study."""
    input:
        records=[record for record in records_of_jobs()],
        quality=expand(
            "<results>/comparison/{question}/{file}",
            question=questions_of_type("quality"),
            file=["summary.csv", "scores.svg"],
        ),
        agreement=expand(
            "<results>/comparison/{question}/{file}",
            question=questions_of_type("agreement"),
            file=["pairs.csv", *(f"{name}.svg" for name in agreement_figures())],
        ),
        examples=expand("<results>/report/examples/{sample}.png", sample=EXAMPLES),
        template=os.path.relpath(WORKFLOW / "report/index.html.j2"),
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
    params:
        title=config["title"],
        questions=QUESTIONS,
        datasets={name: DATASETS[name] for name in USED},
        samples=SAMPLES,
        methods=METHODS,
        examples=EXAMPLES,
        figures=agreement_figures(),
        code=code_of("report.py"),
    script:
        "../scripts/report.py"
