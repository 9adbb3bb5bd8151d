"""Write the report page from the tables, figures and records of the whole study."""

import json
from pathlib import Path

from bioagree import report
from bioagree.figures import rulegraph
from bioagree.job import job

with job(snakemake) as this:
    params = snakemake.params
    records = [json.loads(Path(path).read_text()) for path in snakemake.input.records]
    rulegraph.draw(this.output.rulegraph, records)
    kinds = (
        "answers",
        "colocalisation",
        "examples",
        "surfaces",
        "tracks",
        "errors",
    )
    files = [path for kind in kinds for path in snakemake.input[kind]]
    page = report.render(
        Path(snakemake.input.template),
        title=params.title,
        questions=params.questions,
        datasets=params.datasets,
        samples=params.samples,
        methods=params.methods,
        examples=params.examples,
        surfaces=params.surfaces,
        features=params.features,
        files=[Path(path) for path in files],
        rulegraph=this.output.rulegraph,
        records=records,
    )
    this.output.page.write_text(page, encoding="utf-8")
