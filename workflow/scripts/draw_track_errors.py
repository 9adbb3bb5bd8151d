"""Draw which links of a sample's first movie are right, false, and missed."""

from bioagree import tables
from bioagree.figures import tracks as figure
from bioagree.job import job

with job(snakemake) as this:
    read = {name: tables.read(path) for name, path in snakemake.input.items()}
    lineage = read["lineage"]
    truth = tables.Table(lineage.columns | {"track": lineage.columns["label"]}, about=lineage.about)
    figure.draw_errors(
        this.output.figure,
        read["features"],
        read["tracks"],
        (read["truth"], truth),
        read["features"].about["images"][0]["image"],
        matches=read["matches"].columns,
        note="nominal" if snakemake.params.dataset["calibration"] == "nominal" else "",
    )
