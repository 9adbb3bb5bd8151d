"""Score the links and divisions of one movie against the lineage that is known."""

import numpy as np
from bioagree import images, tables
from bioagree.job import job
from bioagree.tracks.scores import match_objects, score_tracks

with job(snakemake) as this:
    lineage = tables.read(snakemake.input.lineage)
    truth = tables.Table(lineage.columns | {"track": lineage.columns["label"]}, about=lineage.about)
    files = snakemake.input.truth, snakemake.input.labels
    movies = this.progress(zip(*map(images.read, files), strict=True))
    parts = [match_objects(*movie) for movie in movies]
    matches = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    scores = score_tracks(tables.read(snakemake.input.tracks), truth, matches)
    tables.write(this.output.matches, tables.Table(matches))
    tables.write(this.output.scores, tables.Table({n: np.array([v]) for n, v in scores.items()}))
