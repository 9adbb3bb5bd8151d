"""Measure the objects of one sample as one method found them."""

from bioagree import acquisition, images, tables
from bioagree.features.table import measure_images
from bioagree.job import job

with job(snakemake) as this:
    pairs = zip(
        images.read(snakemake.input.labels), images.read(snakemake.input.images), strict=True
    )
    table = measure_images(this.progress(pairs), snakemake.params.features)
    for sentence in acquisition.resolution_warnings(snakemake.params.dataset, table):
        this.warn(sentence)
    tables.write(this.output.features, table)
