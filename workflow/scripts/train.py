"""Train the model of one learned method on the annotated samples of one dataset."""

from dataclasses import asdict
from itertools import chain

from bioagree import device, images, segmentation
from bioagree.job import job

with job(snakemake) as this:
    this.note(device=asdict(device.choose(snakemake.params.device)))
    family, training = snakemake.params.family, snakemake.params.training
    paths = zip(snakemake.input.images, snakemake.input.annotations, strict=True)
    pairs = chain.from_iterable(
        zip(images.read(image), images.read(drawn), strict=True) for image, drawn in paths
    )
    model = segmentation.load(family, "train")(this.progress(pairs), **training)
    segmentation.load(family, "save")(this.output.model, model)
    this.note(
        annotated=model.annotated,
        out_of_bag_accuracy=model.out_of_bag_accuracy,
        importances=dict(zip(model.features, model.importances, strict=True)),
    )
