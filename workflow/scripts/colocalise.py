"""Compare two channels of one sample, beside what chance gives."""

from bioagree import colocalisation, images, tables
from bioagree.features.dictionary import unit_of
from bioagree.figures import colocalisation as figure
from bioagree.job import job

with job(snakemake) as this:
    question = snakemake.params.question
    stacks = zip(
        this.progress(images.read(snakemake.input.images)),
        *map(images.read, snakemake.input.labels),
        strict=True,
    )
    rows, drawn = [], None
    for image, *labels in stacks:
        found = list(colocalisation.compare(image, labels, question))
        rows += [comparison.row for comparison in found]
        drawn = drawn or found[0]
    for sentence in colocalisation.doubts(rows):
        this.warn(sentence)
    figure.draw(this.output.figure, drawn, question["channels"])
    columns = tables.from_rows(rows, {name: type(value) for name, value in rows[0].items()})
    tables.write(this.output.table, tables.Table(columns, {n: unit_of(n) for n in columns}))
