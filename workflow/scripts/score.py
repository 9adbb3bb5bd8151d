"""Score one method on the images of one sample, time point by time point."""

from bioagree import images, scores, tables
from bioagree.job import job

with job(snakemake) as this:
    pairs = zip(
        images.read(snakemake.input.truth), images.read(snakemake.input.labels), strict=True
    )
    rows = [
        {"image": truth.name, "frame": frame, "dimensions": truth.ndim}
        | scores.score(expected, found)
        for truth, labels in this.progress(pairs)
        for frame, (expected, found) in enumerate(zip(truth.stack, labels.stack, strict=True))
    ]
    tables.write(this.output.scores, tables.Table(tables.from_rows(rows)))
