"""Summarise the scores of every method over all images."""

from bioagree import comparison, tables
from bioagree.figures import quality
from bioagree.job import job

with job(snakemake) as this:
    params = snakemake.params
    scored = [(sample, method) for sample in params.samples for method in params.methods]
    read = zip(scored, this.progress(snakemake.input.scores), strict=True)
    columns = comparison.scores_of_images((*key, tables.read(path)) for key, path in read)
    tables.write_csv(this.output.images, columns)
    tables.write_csv(this.output.summary, comparison.summarise_scores(columns, params.methods))
    quality.draw(this.output.figure, columns, params.methods)
