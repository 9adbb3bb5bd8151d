"""Summarise the scores of every method over all images, and rank the methods."""

from bioagree import glossary, tables
from bioagree.figures import quality as figures
from bioagree.figures import ranking as ranks
from bioagree.job import job
from bioagree.questions import quality

with job(snakemake) as this:
    params, question = snakemake.params, snakemake.params.question
    methods, pairs = params.methods, params.pairs
    images, objects = (
        quality.gather(
            ((*pair, tables.read(path)) for pair, path in zip(pairs, paths, strict=True)),
            params.sheet,
        )
        for paths in (snakemake.input.scores, snakemake.input.objects)
    )
    rankings = quality.rankings(
        images, methods, draws=question.get("draws", 2000), seed=question.get("seed", 0)
    )
    found = {
        "summary": quality.summarise(images, methods),
        "images": images,
        "objects": objects,
        "curve": quality.curve(images),
        **quality.ranking_tables(rankings),
    }
    glossary.write(this.output, found)
    columns = glossary.to_columns(images)
    figures.draw(this.output.figure, columns, methods)
    figures.draw_ap(this.output.precision, columns, methods)
    for target, dimensions in zip(this.output.distances, params.dimensions, strict=True):
        figures.draw_distances(target, columns, methods, dimensions=dimensions)
    ranks.draw(this.output.ranks, *quality.to_rank(rankings))
