"""Gather, describe and check the results as a data package."""

from pathlib import Path

from bioagree.job import job
from bioagree.publication import building, checking
from bioagree.publication.opened import Opened

with job(snakemake) as this:
    results = Path(snakemake.input.page).parents[1]
    request = building.Request.read(snakemake.params.request, snakemake.params.records, results)
    for sentence in building.remarks(request):
        this.warn(sentence)
    archive = this.output.archive
    building.build(request, this.output.folder, archive, progress=this.progress)
    with Opened(archive) as package:
        found = checking.check(package, this.progress)
    checking.refuse(found)
    this.log.info("%s", found.summary)
