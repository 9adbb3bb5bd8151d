"""Compare what each pair of methods says of every image, the truth among them."""

from pathlib import Path

from bioagree import comparison, tables
from bioagree.figures import agreement
from bioagree.job import job

with job(snakemake) as this:
    params = snakemake.params
    measured = [(sample, method) for sample, names in params.measured.items() for method in names]
    read = zip(measured, this.progress(snakemake.input.features), strict=True)
    columns = comparison.per_image(
        (sample, params.sessions[sample], method, tables.read(path))
        for (sample, method), path in read
    )
    tables.write_csv(this.output.images, columns)
    pairs = list(comparison.pairs(columns, params.methods))
    types = dict.fromkeys(comparison.PAIR_COLUMNS, str)
    rows = tables.from_rows([pair.as_row() for pair in pairs], types)
    tables.write_csv(this.output.pairs, rows)
    for target, final in zip(this.output.figures, snakemake.output.figures, strict=True):
        agreement.draw(target, [pair for pair in pairs if pair.figure == Path(final).stem])
