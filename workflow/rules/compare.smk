"""Compare the methods: how good each is, and whether they agree.

Needs: results/features/..., results/scores/...
Makes: results/comparison/{question}/...
"""


rule compare_quality:
    """Summarise the scores of every method over all images."""
    input:
        scores=expand("<results>/scores/{sample}.{method}.parquet", sample=SCORED, method=METHODS),
    output:
        summary=report(
            "<results>/comparison/{question}/summary.csv",
            caption="../report/quality.rst",
            category="How good is each method?",
            labels={"content": "summary over images"},
        ),
        images="<results>/comparison/{question}/images.csv",
        figure=report(
            "<results>/comparison/{question}/scores.svg",
            caption="../report/quality.rst",
            category="How good is each method?",
            labels={"content": "scores of every image"},
        ),
        record="<results>/provenance/compare_quality/{question}.json",
    log:
        "<logs>/compare_quality/{question}.log",
    benchmark:
        "<benchmarks>/compare_quality/{question}.tsv"
    wildcard_constraints:
        question=one_of(questions_of_type("quality")),
    conda:
        "../../envs/statistics.yaml"
    params:
        methods=list(METHODS),
        samples=SCORED,
        code=code_of("compare_quality.py"),
    script:
        "../scripts/compare_quality.py"


rule compare_agreement:
    """Compare what each pair of methods says of every image, the truth among them."""
    input:
        features=[
            f"<results>/features/{sample}.{method}.parquet"
            for sample in SAMPLES
            for method in measured(sample)
        ],
    output:
        pairs=report(
            "<results>/comparison/{question}/pairs.csv",
            caption="../report/agreement.rst",
            category="Do the methods agree?",
            labels={"content": "every pair of methods"},
        ),
        images="<results>/comparison/{question}/images.csv",
        figures=[
            report(
                f"<results>/comparison/{{question}}/{name}.svg",
                caption="../report/agreement.rst",
                category="Do the methods agree?",
                labels={"content": f"Bland-Altman plots, {name}"},
            )
            for name in agreement_figures()
        ],
        record="<results>/provenance/compare_agreement/{question}.json",
    log:
        "<logs>/compare_agreement/{question}.log",
    benchmark:
        "<benchmarks>/compare_agreement/{question}.tsv"
    wildcard_constraints:
        question=one_of(questions_of_type("agreement")),
    conda:
        "../../envs/statistics.yaml"
    params:
        methods=list(METHODS),
        measured={name: measured(name) for name in SAMPLES},
        sessions={name: row["session"] for name, row in SAMPLES.items()},
        code=code_of("compare_agreement.py"),
    script:
        "../scripts/compare_agreement.py"
