"""Gather what was found in the images of all samples."""

import numpy as np
from bioagree import tables
from bioagree.job import job

with job(snakemake) as this:
    parts = []
    for sample, path in zip(snakemake.params.samples, snakemake.input.tables, strict=True):
        columns = tables.read(path).columns
        length = len(columns["image"])
        parts.append({"sample": np.full(length, sample)} | columns)
    gathered = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    tables.write_csv(this.output.images, gathered)
