"""Make one sample once more, under the change that a question of repeatability asks for."""

from bioagree import images, replicates
from bioagree.job import job

with job(snakemake) as this:
    params = snakemake.params
    found = []
    for image in this.progress(images.read(snakemake.input.images)):
        fresh = None
        if params.change == "noise":
            fresh = replicates.again(params.dataset, params.seed, image.name)
        found.append(fresh or replicates.perturb(image, params.change, params.seed, params.amount))
    made, facts = zip(*found, strict=True)
    images.write(this.output.images, made)
    this.note(seed=params.seed, changes=facts)
