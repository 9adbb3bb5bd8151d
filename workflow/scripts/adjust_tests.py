"""Control false discoveries over the tests of all questions together."""

from bioagree import glossary
from bioagree.job import job
from bioagree.questions import testing

with job(snakemake) as this:
    tests = testing.adjust(map(glossary.read_parquet, snakemake.input.tests))
    glossary.write(this.output, {"tests": tests})
    glossary.write_parquet(this.output.table, tests)
