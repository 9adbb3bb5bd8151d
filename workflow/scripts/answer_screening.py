"""Say which features differ, and whether the answer survives a change of segmentation."""

from bioagree import glossary
from bioagree.figures import canvas
from bioagree.figures import screening as figures
from bioagree.job import job
from bioagree.questions import screening

with job(snakemake) as this:
    params, files = snakemake.params, snakemake.input
    effects = glossary.read_parquet(files.effects)
    tests, redundant = map(glossary.read_parquet, (files.tests, files.redundant))
    effects = screening.with_q(effects, tests, snakemake.wildcards.question)
    survival = screening.survivals(effects, redundant)
    found = {
        "effects": effects,
        "survival": survival,
        "sensitivity": screening.sensitivity(effects, redundant),
        "fates": glossary.read_parquet(files.fates),
    }
    glossary.write(this.output, found)
    objects, groups = screening.short(params.question, params.titles)
    for index, dimensions in enumerate(params.dimensions):
        *drawn, words = screening.to_draw(effects, survival, dimensions)
        if not words["labels"]:
            for targets in (this.output.headlines, this.output.every):
                canvas.write_sentence(targets[index], f"No {dimensions}D images were asked of.")
            continue
        words |= {"titles": {}, "groups": groups}
        units = {"units": words.pop("units"), "objects": objects}
        figures.draw(this.output.headlines[index], *drawn, **words, **units)
        figures.draw_all(this.output.every[index], *drawn, **words)
