"""Compare the methods: how good each is, and whether they agree.

Needs: results/features/..., results/scores/...
Makes: results/comparison/{question}/...
"""


rule compare_quality:
    """Summarise the scores of every method over all images."""
    input:
        scores=expand(
            "<results>/scores/{sample}.{method}.parquet", sample=STUDY.scored, method=METHODS
        ),
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
        question=one_of(STUDY.questions_of_type("quality")),
    conda:
        "../../envs/statistics.yaml"
    params:
        methods=list(METHODS),
        samples=STUDY.scored,
        code=code_of("compare_quality.py"),
    script:
        "../scripts/compare_quality.py"


rule compare_agreement:
    """Compare what each pair of methods says of every image, the truth among them."""
    input:
        features=per_pair("<results>/features/{sample}.{method}.parquet", STUDY.segmented),
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
            for name in STUDY.agreement_figures()
        ],
        record="<results>/provenance/compare_agreement/{question}.json",
    log:
        "<logs>/compare_agreement/{question}.log",
    benchmark:
        "<benchmarks>/compare_agreement/{question}.tsv"
    wildcard_constraints:
        question=one_of(STUDY.questions_of_type("agreement")),
    conda:
        "../../envs/statistics.yaml"
    params:
        methods=list(METHODS),
        measured={name: STUDY.measured(name) for name in STUDY.segmented},
        sessions={name: row["session"] for name, row in SAMPLES.items()},
        code=code_of("compare_agreement.py"),
    script:
        "../scripts/compare_agreement.py"


rule compare_colocalisation:
    """Gather what was found in the images of all samples."""
    input:
        tables=tables_of_colocalisation,
    output:
        images=report(
            "<results>/comparison/{question}/images.csv",
            caption="../report/colocalisation.rst",
            category="Do the channels colocalise?",
            labels={"content": "every image"},
        ),
        record="<results>/provenance/compare_colocalisation/{question}.json",
    log:
        "<logs>/compare_colocalisation/{question}.log",
    benchmark:
        "<benchmarks>/compare_colocalisation/{question}.tsv"
    wildcard_constraints:
        question=one_of(STUDY.questions_of_type("colocalisation")),
    conda:
        "../../envs/statistics.yaml"
    params:
        samples=samples_of_question,
        code=code_of("compare_colocalisation.py"),
    script:
        "../scripts/compare_colocalisation.py"


rule compare_tracking:
    """Gather the scores of the tracks of all movies."""
    input:
        scores=per_pair("<results>/tracks/{sample}.{method}.scores.parquet", STUDY.tracked),
    output:
        summary=report(
            "<results>/comparison/{question}/summary.csv",
            caption="../report/tracking.rst",
            category="Are the tracks right?",
            labels={"content": "links and divisions"},
        ),
        record="<results>/provenance/compare_tracking/{question}.json",
    log:
        "<logs>/compare_tracking/{question}.log",
    benchmark:
        "<benchmarks>/compare_tracking/{question}.tsv"
    wildcard_constraints:
        question=one_of(STUDY.questions_of_type("tracking")),
    conda:
        "../../envs/statistics.yaml"
    params:
        pairs=STUDY.pairs(STUDY.tracked),
        code=code_of("compare_tracking.py"),
    script:
        "../scripts/compare_tracking.py"
