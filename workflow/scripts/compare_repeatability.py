"""Compare every method with itself, on images that were measured again under a change."""

import pandas as pd
from bioagree import comparison, glossary, population, tables
from bioagree.figures import repeatability as figures
from bioagree.job import job
from bioagree.questions import repeatability

with job(snakemake) as this:
    params = snakemake.params
    paths = zip(params.pairs, this.progress(snakemake.input.features), strict=True)
    measured = [(*pair, tables.read(path)) for pair, path in paths]
    matches = zip(params.sheet, map(tables.read, snakemake.input.matches), strict=True)
    overlaps = population.stack_overlaps(matches)
    truths = [tables.read(path) for path in snakemake.input.truths]
    exact = repeatability.exact_values(truths, params.annotated)
    repeated, known = [], []
    for dimensions, found in population.gather(measured, params.sheet).items():
        chosen = population.features_of(found, params.question.get("features"))
        objects = repeatability.gather(found, overlaps, params.originals)
        rows = [row for row in measured if row[2].about["dimensions"] == dimensions]
        images = pd.DataFrame(
            comparison.per_image([(s, params.sheet[s], m, t) for s, m, t in rows], chosen)
        )
        images["original"] = images["sample"].map(params.originals)
        repeated += [
            part.assign(dimensions=dimensions)
            for part in (
                repeatability.of_images(images, chosen),
                repeatability.of_objects(objects, chosen),
            )
        ]
        known.append(repeatability.against_exact(objects, exact).assign(dimensions=dimensions))
    tables_found = {
        "repeatability": pd.concat(repeated, ignore_index=True),
        "trueness": pd.concat(known, ignore_index=True),
    }
    glossary.write(this.output, tables_found)
    figures.draw(this.output.figure, tables_found["repeatability"], params.question["change"])
