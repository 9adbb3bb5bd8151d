"""Link the objects of one movie over time, and measure how they move."""

from bioagree import tables
from bioagree.job import job
from bioagree.tracks.table import drift_facts, track

with job(snakemake) as this:
    objects, tracks, drift = track(
        tables.read(snakemake.input.features),
        time_step_s=snakemake.params.dataset["time_step_s"],
        **snakemake.params.tracks,
    )
    this.note(limits=objects.about["limits"], drift=drift_facts(drift))
    tables.write(this.output.objects, objects)
    tables.write(this.output.tracks, tracks)
