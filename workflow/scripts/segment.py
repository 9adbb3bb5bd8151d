"""Label the objects of one filtered sample with one method."""

from dataclasses import asdict
from pathlib import Path

from bioagree import images, segmentation
from bioagree.job import job

with job(snakemake) as this:
    method = snakemake.params.method
    segmenter = segmentation.load(snakemake.params.family, method["segmenter"])
    if wanted := snakemake.params.get("device"):
        from bioagree import device

        this.note(device=asdict(device.choose(wanted)))
    parameters = dict(method.get("parameters", {}))
    if snakemake.input.get("model"):
        parameters["model"] = Path(snakemake.input.model)
    labels = [
        segmentation.label(image, segmenter, parameters, method.get("postprocess", []))
        for image in this.progress(images.read(snakemake.input.images))
    ]
    for image in labels:
        if not image.array.any():
            this.warn(f"{image.name}: {snakemake.wildcards.method} found no object")
    images.write_labels(this.output.labels, labels)
