"""Correlate all features with each other, under every segmentation."""

import pandas as pd
from bioagree import glossary, population, tables
from bioagree.features.dictionary import title_of
from bioagree.figures import canvas
from bioagree.figures import correlation as figures
from bioagree.job import job
from bioagree.questions import correlation

with job(snakemake) as this:
    params, question = snakemake.params, snakemake.params.question
    paths = zip(params.pairs, this.progress(snakemake.input.features), strict=True)
    measured = ((*pair, tables.read(path)) for pair, path in paths)
    answers = {
        dimensions: correlation.answer(
            found, question.get("features"), question.get("redundant_above", 0.9)
        )
        for dimensions, found in population.gather(measured, params.sheet).items()
    }
    parts = [
        {name: table.assign(dimensions=dimensions) for name, table in found.tables().items()}
        for dimensions, found in answers.items()
    ]
    gathered = {name: pd.concat([part[name] for part in parts]) for name in parts[0]}
    glossary.write(this.output, gathered)
    for index, dimensions in enumerate(params.dimensions):
        if not (found := answers.get(dimensions)):
            for targets in (this.output.matrices, this.output.differing):
                canvas.write_sentence(targets[index], f"No {dimensions}D images were asked of.")
            continue
        labels = {name: title_of(name) for name in found.features}
        figures.draw(
            this.output.matrices[index],
            found.found[found.reference],
            found.features,
            order=found.order,
            groups=found.groups[found.reference],
            labels=labels,
            source=found.reference,
        )
        figures.draw_differences(
            this.output.differing[index],
            found.differences,
            found.features,
            order=found.order,
            titles={},
            labels=labels,
        )
