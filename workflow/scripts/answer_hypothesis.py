"""Say what the comparison of groups shows, with false discoveries controlled over the study."""

import pandas as pd
from bioagree import glossary
from bioagree.job import job
from bioagree.questions import hypothesis

with job(snakemake) as this:
    answers = hypothesis.load(snakemake.input.answers)
    tests = glossary.read_parquet(snakemake.input.tests)
    results = hypothesis.with_q(answers, tests, snakemake.wildcards.question)
    glossary.write(
        this.output,
        {
            "results": results,
            "checks": pd.DataFrame([row for answer in answers for row in answer.check_rows()]),
            "sentences": hypothesis.sentences(answers, results),
        },
    )
