"""Compare groups by the features that were named beforehand, under every segmentation."""

import pandas as pd
from bioagree.figures import hypotheses as figures
from bioagree.job import job
from bioagree.questions import groups, hypothesis, testing

with job(snakemake) as this:
    params, question = snakemake.params, snakemake.params.question
    found = groups.read(question, params.pairs, params.sheet, snakemake.input)
    answers = []
    for dimensions, grouped in found.items():
        titles = dict(zip(grouped.names, params.titles or grouped.names, strict=True))
        chosen = question["features"]
        answers += this.progress(hypothesis.answers(grouped, dimensions, chosen, titles))
    reference = [(answer, objects) for answer, objects in answers if answer.source == params.shown]
    figures.draw(this.output.figure, [hypothesis.to_draw(*one) for one in reference])
    hypothesis.save(this.output.answers, [answer for answer, _ in answers])
    rows = [row for answer, _ in answers for row in answer.rows()]
    tests = testing.of_hypotheses(pd.DataFrame(rows)) if rows else testing.none()
    testing.write(this.output.tests, tests, snakemake.wildcards.question)
