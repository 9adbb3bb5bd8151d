"""Draw one image of several samples with the outlines of the truth and of every method."""

from bioagree import images
from bioagree.figures import outlines
from bioagree.job import job
from bioagree.truth import TRUTH

with job(snakemake) as this:
    labels = iter(snakemake.input.labels)
    examples = zip(
        snakemake.params.methods.items(),
        snakemake.input.images,
        this.output.figures,
        strict=True,
    )
    for (sample, methods), source, target in this.progress(examples):
        found = {method: next(images.read(next(labels))) for method in methods}
        ordered = {TRUTH: found.pop(TRUTH)} | found if TRUTH in found else found
        image = next(images.read(source)).channel()
        if not image.channels:  # labels only: show where they are
            image = image.with_array((image.array > 0).astype("uint8"))
        outlines.draw(target, image, ordered, f"sample {sample}, image {image.name}")
