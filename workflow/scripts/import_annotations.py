"""Bring the sparse annotations of one training sample onto its images' grid."""

from bioagree import acquisition, annotations, images
from bioagree.job import job

with job(snakemake) as this:
    row = snakemake.params.row
    files = acquisition.files(snakemake.input.files, row["images"])
    grids = list(images.read(snakemake.input.images))
    found = []
    drawn = acquisition.read_truths(files, row["annotations"], {"truth": {}}, grids)
    for (labels, _, paths), grid in zip(drawn, grids, strict=True):
        this.used(paths)
        annotations.check(labels, grid)
        found.append(labels)
    images.write_labels(this.output.annotations, found)
    this.note(kind="drawn", annotated=[annotations.describe(image) for image in found])
