"""Compare what each pair of methods says of every image and object, the truth among them."""

from pathlib import Path

import pandas as pd
from bioagree import comparison, glossary, population, tables
from bioagree.figures import agreement as figures
from bioagree.job import job
from bioagree.questions import agreement, testing

with job(snakemake) as this:
    params, question = snakemake.params, snakemake.params.question
    asked, margins = question.get("features"), question.get("margins", {})
    paths = zip(params.pairs, this.progress(snakemake.input.features), strict=True)
    measured = [(*pair, tables.read(path)) for pair, path in paths]
    matches = zip(params.sheet, map(tables.read, snakemake.input.matches), strict=True)
    overlaps = population.stack_overlaps(matches)
    populations = population.gather(measured, params.sheet)
    chosen = {dim: population.features_of(found, asked) for dim, found in populations.items()}

    rows = ((sample, params.sheet[sample], method, table) for sample, method, table in measured)
    images = comparison.per_image(rows, sorted(set().union(*chosen.values())))
    pairs = list(comparison.pairs(images, params.methods))
    statistics = [row for pair in pairs for row in agreement.further(pair, pair.margin(margins))]
    objects = [
        agreement.of_objects(found, overlaps, params.methods, chosen[dim], margins).assign(
            dimensions=dim
        )
        for dim, found in populations.items()
    ]
    found = {
        "images": images,
        "pairs": pd.DataFrame([pair.as_row() for pair in pairs]),
        "statistics": pd.DataFrame(statistics),
        "objects": pd.concat(objects, ignore_index=True),
    }
    glossary.write(this.output, found)
    testing.write(this.output.tests, testing.of_agreement(found), snakemake.wildcards.question)
    figures.draw_overview(this.output.overview, found["objects"])
    for target, final in zip(this.output.figures, snakemake.output.figures, strict=True):
        figures.draw(target, [pair for pair in pairs if pair.figure == Path(final).stem])
