"""Track: link the objects of movies over time, and score the links where a lineage is known.

Needs: results/features/{sample}.{method}.parquet, results/truth/{sample}.objects.parquet
Makes: results/tracks/{sample}.{method}.parquet (objects), .tracks.parquet, .scores.parquet,
       and pictures: .paths.png, .tree.png, .errors.png
"""


rule track:
    """Link the objects of one movie over time, and measure how they move."""
    input:
        features="<results>/features/{sample}.{method}.parquet",
    output:
        objects="<results>/tracks/{sample}.{method}.parquet",
        tracks="<results>/tracks/{sample}.{method}.tracks.parquet",
        record="<results>/provenance/track/{sample}.{method}.json",
    log:
        "<logs>/track/{sample}.{method}.log",
    benchmark:
        "<benchmarks>/track/{sample}.{method}.tsv"
    wildcard_constraints:
        sample=one_of(STUDY.movies),
    conda:
        "../../envs/track.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        tracks=config["tracks"],
        dataset=time_of,
        code=code_of("track.py"),
    script:
        "../scripts/track.py"


rule score_tracks:
    """Score the links and divisions of one movie against the lineage that is known."""
    input:
        tracks="<results>/tracks/{sample}.{method}.parquet",
        labels=labels_of,
        truth="<results>/truth/{sample}.ome.tif",
        lineage="<results>/truth/{sample}.objects.parquet",
    output:
        scores="<results>/tracks/{sample}.{method}.scores.parquet",
        matches="<results>/tracks/{sample}.{method}.matches.parquet",
        record="<results>/provenance/score_tracks/{sample}.{method}.json",
    log:
        "<logs>/score_tracks/{sample}.{method}.log",
    benchmark:
        "<benchmarks>/score_tracks/{sample}.{method}.tsv"
    wildcard_constraints:
        sample=one_of(STUDY.tracked),
    conda:
        "../../envs/track.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code_of("score_tracks.py"),
    script:
        "../scripts/score_tracks.py"


rule draw_tracks:
    """Draw the tracks of a sample's first movie in space, and its lineages over time."""
    input:
        features="<results>/features/{sample}.{method}.parquet",
        tracks="<results>/tracks/{sample}.{method}.parquet",
    output:
        paths=report(
            "<results>/tracks/{sample}.{method}.paths.png",
            caption="../report/tracks.rst",
            category="How do the objects move?",
        ),
        tree=report(
            "<results>/tracks/{sample}.{method}.tree.png",
            caption="../report/tracks.rst",
            category="How do the objects move?",
        ),
        record="<results>/provenance/draw_tracks/{sample}.{method}.json",
    log:
        "<logs>/draw_tracks/{sample}.{method}.log",
    benchmark:
        "<benchmarks>/draw_tracks/{sample}.{method}.tsv"
    wildcard_constraints:
        sample=one_of(STUDY.movies),
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        dataset=time_of,
        code=code_of("draw_tracks.py"),
    script:
        "../scripts/draw_tracks.py"


rule draw_track_errors:
    """Draw which links of a sample's first movie are right, false, and missed."""
    input:
        features="<results>/features/{sample}.{method}.parquet",
        tracks="<results>/tracks/{sample}.{method}.parquet",
        matches="<results>/tracks/{sample}.{method}.matches.parquet",
        truth="<results>/features/{sample}.truth.parquet",
        lineage="<results>/truth/{sample}.objects.parquet",
    output:
        figure=report(
            "<results>/tracks/{sample}.{method}.errors.png",
            caption="../report/tracking.rst",
            category="Are the tracks right?",
        ),
        record="<results>/provenance/draw_track_errors/{sample}.{method}.json",
    log:
        "<logs>/draw_track_errors/{sample}.{method}.log",
    benchmark:
        "<benchmarks>/draw_track_errors/{sample}.{method}.tsv"
    wildcard_constraints:
        sample=one_of(STUDY.tracked),
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        dataset=time_of,
        code=code_of("draw_track_errors.py"),
    script:
        "../scripts/draw_track_errors.py"
