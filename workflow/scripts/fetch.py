"""Fetch or generate all files of one dataset."""

from bioagree import sources
from bioagree.job import job

with job(snakemake) as this:
    sources.fetch(
        snakemake.wildcards.dataset,
        snakemake.params.dataset,
        this.output.folder,
        log=this.log.info,
    )
