"""Run one filter chain on the images of one sample."""

from dataclasses import asdict

from bioagree import device, filters, images
from bioagree.job import job

with job(snakemake) as this:
    this.note(device=asdict(device.choose(snakemake.params.device)))
    channel, steps = snakemake.params.channel, snakemake.params.steps
    raw = this.progress(images.read(snakemake.input.images))
    images.write(this.output.images, [filters.apply(image, steps, channel) for image in raw])
