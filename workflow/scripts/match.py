"""Find which objects of the label images of one sample overlap."""

from bioagree import correspondence, images, tables
from bioagree.job import job

with job(snakemake) as this:
    named = dict(zip(snakemake.params.sources, snakemake.input.labels, strict=True))
    columns = correspondence.overlaps(
        (first, second, one, other)
        for first, second in this.progress(snakemake.params.pairs)
        for one, other in zip(images.read(named[first]), images.read(named[second]), strict=True)
    )
    tables.write(this.output.matches, tables.Table(columns))
