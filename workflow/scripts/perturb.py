"""Make one sample once more, under the change that a question of repeatability asks for."""

from bioagree import images, replicates
from bioagree.job import job

with job(snakemake) as this:
    params = snakemake.params
    again = replicates.again(params.dataset, params.seed) if params.change == "noise" else None
    raw = this.progress(images.read(snakemake.input.images))
    found = [again] if again else replicates.perturb(raw, params.change, params.seed, params.amount)
    made, facts = zip(*found, strict=True)
    images.write(this.output.images, made)
    this.note(seed=params.seed, changes=facts)
