"""Draw the tracks of a sample's first movie in space, and its lineages over time."""

from bioagree import tables
from bioagree.figures import tracks as figure
from bioagree.job import job

with job(snakemake) as this:
    dataset = snakemake.params.dataset
    objects, tracks = (tables.read(snakemake.input[name]) for name in ("features", "tracks"))
    image = objects.about["images"][0]["image"]
    step = dataset["time_step_s"]
    note = "nominal" if dataset["calibration"] == "nominal" else ""
    figure.draw_paths(this.output.paths, objects, tracks, image, time_step_s=step, note=note)
    figure.draw_tree(this.output.tree, tracks, image, time_step_s=step)
