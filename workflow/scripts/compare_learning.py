"""Map the objects by their features, divide them, and predict their group in images not seen."""

import pandas as pd
from bioagree import glossary, population
from bioagree.figures import canvas
from bioagree.figures import learning as figures
from bioagree.job import job
from bioagree.questions import groups, learning

with job(snakemake) as this:
    params, question = snakemake.params, snakemake.params.question
    seed = question.get("seed", 0)
    tables, answers = [], {}
    asked = groups.read(question, params.pairs, params.sheet, snakemake.input)
    for dimensions, grouped in this.progress(asked.items()):
        objects = grouped.choose()
        features = population.features_of(objects, question.get("features"))
        maps = learning.maps(objects[params.shown], params.shown, features, seed)
        predicted = learning.predictions(
            grouped,
            features,
            params.shown,
            seed=seed,
            folds=question.get("folds", 5),
            trees=question.get("trees", 300),
        )
        found = maps.tables() | learning.prediction_tables(predicted)
        tables.append({n: table.assign(dimensions=dimensions) for n, table in found.items()})
        answers[dimensions] = maps, predicted
    gathered = {n: pd.concat([t[n] for t in tables], ignore_index=True) for n in tables[0]}
    glossary.write(this.output, gathered)
    for index, dimensions in enumerate(params.dimensions):
        targets = [paths[index] for paths in (this.output.maps, this.output.divided)]
        if dimensions not in answers:
            for target in (*targets, this.output.predicted[index]):
                canvas.write_sentence(target, f"No {dimensions}D images were asked of.")
            continue
        maps, predicted = answers[dimensions]
        whence = [maps.objects[name].to_numpy() for name in ("group", "block", "cluster")]
        figures.draw_maps(targets[0], maps.components, maps.places, *whence[:2])
        figures.draw_partitions(targets[1], maps.divided, *whence)
        figures.draw_prediction(this.output.predicted[index], predicted, params.shown)
