"""Compare the methods: how good each is, whether they agree, and whether the answer depends on them.

Needs: results/features/..., results/scores/..., results/matches/..., results/truth/...
Makes: results/comparison/{question}/..., tables with their descriptor (datapackage.json), figures
"""


rule compare_quality:
    """Summarise the scores of every method over all images, and rank the methods."""
    input:
        scores=scores_of_question,
        objects=scores_of_objects,
    output:
        summary=report(
            "<results>/comparison/{question}/summary.csv",
            caption="../report/quality.rst",
            category="How good is each method?",
            labels={"content": "summary"},
        ),
        images="<results>/comparison/{question}/images.csv",
        objects="<results>/comparison/{question}/objects.csv",
        curve="<results>/comparison/{question}/curve.csv",
        ranking="<results>/comparison/{question}/ranking.csv",
        ranking_pairs="<results>/comparison/{question}/ranking_pairs.csv",
        figure=report(
            "<results>/comparison/{question}/scores.svg",
            caption="../report/quality.rst",
            category="How good is each method?",
            labels={"content": "scores of every image"},
        ),
        precision=report(
            "<results>/comparison/{question}/precision.svg",
            caption="../report/quality.rst",
            category="How good is each method?",
            labels={"content": "average precision over IoU"},
        ),
        distances=[
            report(
                f"<results>/comparison/{{question}}/{d}d-distances.svg",
                caption="../report/quality.rst",
                category="How good is each method?",
                labels={"content": f"surface distances, {d}D"},
            )
            for d in STUDY.dimensions_of_type("quality")
        ],
        ranks=report(
            "<results>/comparison/{question}/ranking.svg",
            caption="../report/ranking.rst",
            category="How good is each method?",
            labels={"content": "ranking of the methods"},
        ),
        descriptor="<results>/comparison/{question}/datapackage.json",
        record="<results>/provenance/compare_quality/{question}.json",
    log:
        "<logs>/compare_quality/{question}.log",
    benchmark:
        "<benchmarks>/compare_quality/{question}.tsv"
    wildcard_constraints:
        question=one_of(STUDY.questions_of_type("quality")),
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        question=question_of,
        pairs=segmentations_of_question,
        sheet=sheet_of_question,
        methods=list(METHODS),
        dimensions=STUDY.dimensions_of_type("quality"),
        code=code_of("compare_quality.py"),
    script:
        "../scripts/compare_quality.py"


rule compare_agreement:
    """Compare what each pair of methods says of every image and object, the truth among them."""
    input:
        features=features_of_question,
        matches=matches_of_question,
    output:
        pairs=report(
            "<results>/comparison/{question}/pairs.csv",
            caption="../report/agreement.rst",
            category="Do the methods agree?",
            labels={"content": "pairs"},
        ),
        statistics="<results>/comparison/{question}/statistics.csv",
        images="<results>/comparison/{question}/images.csv",
        objects="<results>/comparison/{question}/objects.csv",
        overview=report(
            "<results>/comparison/{question}/overview.svg",
            caption="../report/agreement.rst",
            category="Do the methods agree?",
            labels={"content": "every feature at a glance"},
        ),
        figures=[
            report(
                f"<results>/comparison/{{question}}/{name}.svg",
                caption="../report/agreement.rst",
                category="Do the methods agree?",
                labels={"content": f"Bland-Altman plots, {name}"},
            )
            for name in STUDY.agreement_figures()
        ],
        descriptor="<results>/comparison/{question}/datapackage.json",
        tests="<results>/comparison/{question}/tests.parquet",
        record="<results>/provenance/compare_agreement/{question}.json",
    log:
        "<logs>/compare_agreement/{question}.log",
    benchmark:
        "<benchmarks>/compare_agreement/{question}.tsv"
    wildcard_constraints:
        question=one_of(STUDY.questions_of_type("agreement")),
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        question=question_of,
        pairs=sources_of_question,
        sheet=sheet_of_question,
        methods=list(METHODS),
        code=code_of("compare_agreement.py"),
    script:
        "../scripts/compare_agreement.py"


rule compare_repeatability:
    """Compare every method with itself, on images that were taken again under a change."""
    input:
        features=features_of_question,
        matches=matches_of_question,
        truths=truths_of_originals,
    output:
        repeatability=report(
            "<results>/comparison/{question}/repeatability.csv",
            caption="../report/repeatability.rst",
            category="Does a method agree with itself?",
            labels={"content": "repeatability"},
        ),
        trueness="<results>/comparison/{question}/trueness.csv",
        figure=report(
            "<results>/comparison/{question}/repeatability.svg",
            caption="../report/repeatability.rst",
            category="Does a method agree with itself?",
            labels={"content": "repeatability of every method"},
        ),
        descriptor="<results>/comparison/{question}/datapackage.json",
        record="<results>/provenance/compare_repeatability/{question}.json",
    log:
        "<logs>/compare_repeatability/{question}.log",
    benchmark:
        "<benchmarks>/compare_repeatability/{question}.tsv"
    wildcard_constraints:
        question=one_of(STUDY.questions_of_type("repeatability")),
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        question=question_of,
        pairs=sources_of_question,
        sheet=sheet_of_question,
        originals=originals_of_question,
        annotated=annotated_originals,
        code=code_of("compare_repeatability.py"),
    script:
        "../scripts/compare_repeatability.py"


rule compare_hypothesis:
    """Compare groups by the features that were named beforehand, under every segmentation."""
    input:
        features=features_of_question,
        matches=matches_of_question,
        groups=groups_of_question,
    output:
        answers="<results>/comparison/{question}/answers.json",
        figure=report(
            "<results>/comparison/{question}/groups.svg",
            caption="../report/hypothesis.rst",
            category="Does the answer depend on the method?",
            labels={"content": "groups compared, image by image"},
        ),
        tests="<results>/comparison/{question}/tests.parquet",
        record="<results>/provenance/compare_hypothesis/{question}.json",
    log:
        "<logs>/compare_hypothesis/{question}.log",
    benchmark:
        "<benchmarks>/compare_hypothesis/{question}.tsv"
    wildcard_constraints:
        question=one_of(STUDY.questions_of_type("hypothesis")),
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        question=question_of,
        pairs=sources_of_question,
        sheet=sheet_of_question,
        titles=titles_of_groups,
        shown=shown_of_question,
        code=code_of("compare_hypothesis.py"),
    script:
        "../scripts/compare_hypothesis.py"


rule compare_screening:
    """Relate every feature to a group, or to another feature, under every segmentation."""
    input:
        features=features_of_question,
        matches=matches_of_question,
        groups=groups_of_question,
        outcomes=outcomes_of_question,
    output:
        effects="<results>/comparison/{question}/effects.parquet",
        redundant="<results>/comparison/{question}/redundant.parquet",
        fates="<results>/comparison/{question}/fates.parquet",
        tests="<results>/comparison/{question}/tests.parquet",
        record="<results>/provenance/compare_screening/{question}.json",
    log:
        "<logs>/compare_screening/{question}.log",
    benchmark:
        "<benchmarks>/compare_screening/{question}.tsv"
    wildcard_constraints:
        question=one_of(STUDY.questions_of_type("screening")),
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        question=question_of,
        pairs=sources_of_question,
        sheet=sheet_of_question,
        scored=scored_of_question,
        code=code_of("compare_screening.py"),
    script:
        "../scripts/compare_screening.py"


rule adjust_tests:
    """Control false discoveries over the tests of all questions together."""
    input:
        tests=expand("<results>/comparison/{question}/tests.parquet", question=STUDY.tested),
    output:
        tests="<results>/comparison/tests.csv",
        descriptor="<results>/comparison/datapackage.json",
        table="<results>/comparison/tests.parquet",
        record="<results>/provenance/adjust_tests/all.json",
    log:
        "<logs>/adjust_tests.log",
    benchmark:
        "<benchmarks>/adjust_tests.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code_of("adjust_tests.py"),
    script:
        "../scripts/adjust_tests.py"


rule answer_hypothesis:
    """Say what the comparison of groups shows, with false discoveries controlled over the study."""
    input:
        answers="<results>/comparison/{question}/answers.json",
        tests="<results>/comparison/tests.parquet",
    output:
        results=report(
            "<results>/comparison/{question}/results.csv",
            caption="../report/hypothesis.rst",
            category="Does the answer depend on the method?",
            labels={"content": "results"},
        ),
        checks="<results>/comparison/{question}/checks.csv",
        sentences="<results>/comparison/{question}/sentences.csv",
        descriptor="<results>/comparison/{question}/datapackage.json",
        record="<results>/provenance/answer_hypothesis/{question}.json",
    log:
        "<logs>/answer_hypothesis/{question}.log",
    benchmark:
        "<benchmarks>/answer_hypothesis/{question}.tsv"
    wildcard_constraints:
        question=one_of(STUDY.questions_of_type("hypothesis")),
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code_of("answer_hypothesis.py"),
    script:
        "../scripts/answer_hypothesis.py"


rule answer_screening:
    """Say which features differ, and whether the answer survives a change of segmentation."""
    input:
        effects="<results>/comparison/{question}/effects.parquet",
        redundant="<results>/comparison/{question}/redundant.parquet",
        fates="<results>/comparison/{question}/fates.parquet",
        tests="<results>/comparison/tests.parquet",
    output:
        effects="<results>/comparison/{question}/effects.csv",
        survival=report(
            "<results>/comparison/{question}/survival.csv",
            caption="../report/screening.rst",
            category="Does the answer depend on the method?",
            labels={"content": "survival"},
        ),
        sensitivity="<results>/comparison/{question}/sensitivity.csv",
        fates="<results>/comparison/{question}/fates.csv",
        headlines=[
            report(
                f"<results>/comparison/{{question}}/{d}d-headline.svg",
                caption="../report/screening.rst",
                category="Does the answer depend on the method?",
                labels={"content": f"the answer, {d}D"},
            )
            for d in STUDY.dimensions_of_type("screening")
        ],
        every=[
            report(
                f"<results>/comparison/{{question}}/{d}d-every-feature.svg",
                caption="../report/screening.rst",
                category="Does the answer depend on the method?",
                labels={"content": f"every feature, {d}D"},
            )
            for d in STUDY.dimensions_of_type("screening")
        ],
        descriptor="<results>/comparison/{question}/datapackage.json",
        record="<results>/provenance/answer_screening/{question}.json",
    log:
        "<logs>/answer_screening/{question}.log",
    benchmark:
        "<benchmarks>/answer_screening/{question}.tsv"
    wildcard_constraints:
        question=one_of(STUDY.questions_of_type("screening")),
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        question=question_of,
        dimensions=STUDY.dimensions_of_type("screening"),
        titles=titles_of_groups,
        code=code_of("answer_screening.py"),
    script:
        "../scripts/answer_screening.py"


rule compare_correlation:
    """Correlate all features with each other, under every segmentation."""
    input:
        features=features_of_question,
    output:
        correlations="<results>/comparison/{question}/correlations.csv",
        redundant=report(
            "<results>/comparison/{question}/redundant.csv",
            caption="../report/correlation.rst",
            category="Which features say the same?",
            labels={"content": "redundant"},
        ),
        differences="<results>/comparison/{question}/differences.csv",
        matrices=[
            report(
                f"<results>/comparison/{{question}}/{d}d-matrix.svg",
                caption="../report/correlation.rst",
                category="Which features say the same?",
                labels={"content": f"correlation matrix, {d}D"},
            )
            for d in STUDY.dimensions_of_type("correlation")
        ],
        differing=[
            report(
                f"<results>/comparison/{{question}}/{d}d-differences.svg",
                caption="../report/correlation.rst",
                category="Which features say the same?",
                labels={"content": f"differences to the truth, {d}D"},
            )
            for d in STUDY.dimensions_of_type("correlation")
        ],
        descriptor="<results>/comparison/{question}/datapackage.json",
        record="<results>/provenance/compare_correlation/{question}.json",
    log:
        "<logs>/compare_correlation/{question}.log",
    benchmark:
        "<benchmarks>/compare_correlation/{question}.tsv"
    wildcard_constraints:
        question=one_of(STUDY.questions_of_type("correlation")),
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        question=question_of,
        pairs=sources_of_question,
        sheet=sheet_of_question,
        dimensions=STUDY.dimensions_of_type("correlation"),
        code=code_of("compare_correlation.py"),
    script:
        "../scripts/compare_correlation.py"


rule compare_learning:
    """Map the objects by their features, divide them, and predict their group in images not seen."""
    input:
        features=features_of_question,
        matches=matches_of_question,
        groups=groups_of_question,
    output:
        components="<results>/comparison/{question}/components.csv",
        loadings="<results>/comparison/{question}/loadings.csv",
        partitions="<results>/comparison/{question}/partitions.csv",
        composition="<results>/comparison/{question}/composition.csv",
        prediction=report(
            "<results>/comparison/{question}/prediction.csv",
            caption="../report/learning.rst",
            category="Can groups be told from features?",
            labels={"content": "prediction"},
        ),
        importance="<results>/comparison/{question}/importance.csv",
        calibration="<results>/comparison/{question}/calibration.csv",
        maps=[
            report(
                f"<results>/comparison/{{question}}/{d}d-maps.png",
                caption="../report/learning.rst",
                category="Can groups be told from features?",
                labels={"content": f"maps of all objects, {d}D"},
            )
            for d in STUDY.dimensions_of_type("learning")
        ],
        divided=[
            report(
                f"<results>/comparison/{{question}}/{d}d-partitions.svg",
                caption="../report/learning.rst",
                category="Can groups be told from features?",
                labels={"content": f"clusters, {d}D"},
            )
            for d in STUDY.dimensions_of_type("learning")
        ],
        predicted=[
            report(
                f"<results>/comparison/{{question}}/{d}d-prediction.svg",
                caption="../report/learning.rst",
                category="Can groups be told from features?",
                labels={"content": f"prediction of the group, {d}D"},
            )
            for d in STUDY.dimensions_of_type("learning")
        ],
        descriptor="<results>/comparison/{question}/datapackage.json",
        record="<results>/provenance/compare_learning/{question}.json",
    log:
        "<logs>/compare_learning/{question}.log",
    benchmark:
        "<benchmarks>/compare_learning/{question}.tsv"
    wildcard_constraints:
        question=one_of(STUDY.questions_of_type("learning")),
    conda:
        "../../envs/learning.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        question=question_of,
        pairs=sources_of_question,
        sheet=sheet_of_question,
        titles=titles_of_groups,
        shown=shown_of_question,
        dimensions=STUDY.dimensions_of_type("learning"),
        code=code_of("compare_learning.py"),
    script:
        "../scripts/compare_learning.py"


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
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
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
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        pairs=STUDY.pairs(STUDY.tracked),
        code=code_of("compare_tracking.py"),
    script:
        "../scripts/compare_tracking.py"
