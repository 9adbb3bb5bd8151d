"""Relate every feature to a group, or to another feature, under every segmentation."""

import pandas as pd
from bioagree import glossary, tables
from bioagree.job import job
from bioagree.questions import groups, screening, testing

with job(snakemake) as this:
    params, question = snakemake.params, snakemake.params.question
    asked = question.get("features")
    found = groups.read(question, params.pairs, params.sheet, snakemake.input)
    scored = zip(params.scored, map(tables.read, snakemake.input.outcomes), strict=True)
    outcomes = groups.outcomes_of(scored)
    effects, fates, redundant = [], [groups.no_fates()], []
    for dimensions, grouped in this.progress(found.items()):
        if "relate_to" in question:
            part = screening.of_feature(grouped, question["relate_to"], asked)
        else:
            part = screening.of_groups(grouped, asked)
        effects.append(part.assign(dimensions=dimensions))
        redundant.append(screening.redundant(grouped, asked).assign(dimensions=dimensions))
        if grouped.members is not None:
            fates.append(groups.fates(grouped, outcomes).assign(dimensions=dimensions))
        for sentence in screening.confounders(grouped.any()):
            this.warn(sentence)
    effects = pd.concat(effects, ignore_index=True)
    glossary.write_parquet(this.output.effects, effects)
    glossary.write_parquet(this.output.redundant, pd.concat(redundant, ignore_index=True))
    glossary.write_parquet(this.output.fates, pd.concat(fates, ignore_index=True))
    tests = testing.of_screening(effects, groups.MAIN.name)
    testing.write(this.output.tests, tests, snakemake.wildcards.question)
