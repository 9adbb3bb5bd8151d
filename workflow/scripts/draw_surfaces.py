"""Draw the surfaces of several samples, as the truth and every method have them."""

from bioagree.figures import surfaces
from bioagree.job import job
from bioagree.truth import TRUTH

with job(snakemake) as this:
    scenes = iter(snakemake.input.scenes)
    samples = snakemake.params.methods.items()
    for (sample, methods), target in this.progress(zip(samples, this.output.figures, strict=True)):
        found = {method: next(scenes) for method in methods}
        ordered = {TRUTH: found.pop(TRUTH)} | found if TRUTH in found else found
        surfaces.draw(target, ordered, f"sample {sample}")
