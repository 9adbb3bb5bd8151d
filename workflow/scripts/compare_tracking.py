"""Gather the scores of the tracks of all movies."""

from bioagree import tables
from bioagree.job import job

with job(snakemake) as this:
    rows = []
    for (sample, method), path in zip(snakemake.params.pairs, snakemake.input.scores, strict=True):
        scores = {name: values[0] for name, values in tables.read(path).columns.items()}
        rows.append({"sample": sample, "method": method} | scores)
    columns = tables.from_rows(rows, {name: type(value) for name, value in rows[0].items()})
    tables.write_csv(this.output.summary, columns)
