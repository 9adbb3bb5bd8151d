"""Scribble on the truth of one training sample as a person would, with few strokes."""

from bioagree import annotations, images
from bioagree.job import job

with job(snakemake) as this:
    seed, share = snakemake.params.seed, snakemake.params.share
    found = [
        annotations.scribbles(truth, seed=seed + index, share=share)
        for index, truth in enumerate(this.progress(images.read(snakemake.input.truth)))
    ]
    images.write_labels(this.output.annotations, found)
    this.note(kind="simulated", annotated=[annotations.describe(image) for image in found])
