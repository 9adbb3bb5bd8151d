"""Score one method on the images of one sample, time point by time point and object by object."""

import numpy as np
from bioagree import images, tables
from bioagree.job import job
from bioagree.object_scores import score_image

with job(snakemake) as this:
    pairs = zip(
        images.read(snakemake.input.truth), images.read(snakemake.input.labels), strict=True
    )
    tolerance = snakemake.params.tolerance_um
    rows, parts = [], []
    for truth, labels in this.progress(pairs):
        for frame, (expected, found) in enumerate(zip(truth.stack, labels.stack, strict=True)):
            scores, objects = score_image(expected, found, truth.spacing, tolerance)
            place = {"image": truth.name, "frame": frame}
            rows.append(place | {"dimensions": truth.ndim} | scores)
            repeated = {k: np.full(len(objects["label"]), v) for k, v in place.items()}
            parts.append(repeated | objects)
    objects = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    tables.write(this.output.scores, tables.Table(tables.from_rows(rows)))
    tables.write(this.output.objects, tables.Table(objects))
