"""Maps of all objects, their division into clusters, and whether their group can be predicted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bioagree import population
from bioagree.questions.groups import Grouped
from bioagree.statistics import learning, partitions
from bioagree.statistics.prediction import Prediction, predict


@dataclass(frozen=True)
class Maps:
    """What the features of all objects of one source look like together.

    Parameters
    ----------
    source : str
    objects : pandas.DataFrame
        The objects that have all features.
    prepared : Prepared
    components : PrincipalComponents
    places : Map
        By UMAP.
    divided : tuple of Partition
        By k-means and HDBSCAN.
    """

    source: str
    objects: pd.DataFrame
    prepared: learning.Prepared
    components: learning.PrincipalComponents
    places: learning.Map
    divided: tuple[partitions.Partition, ...]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return places of objects, loadings of features, clusters, and what these consist of."""
        keys = [*population.PLACE, "group", "block"]
        found = self.objects[keys].reset_index(drop=True)
        for index in range(self.components.scores.shape[1]):
            found[f"pc{index + 1}"] = self.components.scores[:, index]
        found["umap_1"], found["umap_2"] = self.places.places.T
        for one in self.divided:
            found[_short(one)] = one.labels
        loadings = pd.DataFrame({"feature": self.prepared.names})
        for index, share in enumerate(self.components.share):
            loadings[f"pc{index + 1}"] = self.components.loadings[:, index]
            loadings[f"pc{index + 1}_share"] = share
        names = ("k", "silhouette", "stability", "stability_low", "stability_high", "draws")
        names += ("noise", "n", "images", "seed", "note")
        rows = [
            {"partition": one.method} | {name: getattr(one, name) for name in names}
            for one in self.divided
        ]
        made_of = [
            pd.DataFrame(
                partitions.composition(
                    one.labels,
                    self.objects["group"].to_numpy(),
                    self.objects["block"].to_numpy(),
                    self.objects["cluster"].to_numpy(),
                )
            ).assign(partition=one.method)
            for one in self.divided
        ]
        return {
            "components": found.assign(source=self.source),
            "loadings": loadings.assign(source=self.source),
            "partitions": pd.DataFrame(rows).assign(source=self.source),
            "composition": pd.concat(made_of, ignore_index=True).assign(source=self.source),
        }


def maps(frame: pd.DataFrame, source: str, features: Sequence[str], seed: int) -> Maps:
    """Map and divide the objects of one source by all features."""
    prepared = learning.prepare(frame.reindex(columns=features).to_numpy(float), features)
    objects = frame.iloc[prepared.rows]
    images = objects["cluster"].to_numpy()
    return Maps(
        source,
        objects,
        prepared,
        learning.pca(prepared.values, prepared.names, 3),
        learning.umap(prepared.values, seed),
        (
            partitions.kmeans(prepared.values, images, seed),
            partitions.hdbscan(prepared.values, images, seed),
        ),
    )


def predictions(
    grouped: Grouped, features: Sequence[str], shown: str, *, seed: int, folds: int, trees: int
) -> dict[str, tuple[Prediction, ...]]:
    """Predict the group of objects from their features, source by source.

    Images are left out of the training for every source, whole sessions for the one that is shown.
    """
    return {
        source: predict(
            frame.reindex(columns=features).to_numpy(float),
            features,
            frame["group"].to_numpy(),
            frame["cluster"].to_numpy(),
            blocks=frame["block"].to_numpy() if source == shown else None,
            seed=seed,
            folds=folds,
            trees=trees,
        )
        for source, frame in grouped.choose().items()
    }


def prediction_tables(
    found: Mapping[str, Sequence[Prediction]],
) -> dict[str, pd.DataFrame]:
    """Return scores, importance of features and calibration, by source and what was left out."""
    parts: dict[str, list[pd.DataFrame]] = {"prediction": [], "importance": [], "calibration": []}
    for source, several in found.items():
        for one in several:
            keys = {"source": source, "left_out": one.left_out}
            about = {"trees": one.trees, "seed": one.seed, "folds": one.folds}
            for name, columns, more in (
                ("prediction", one.scores, about | {"missing": one.missing, "about": one.note}),
                ("importance", one.importance, {}),
                ("calibration", one.calibration, {}),
            ):
                parts[name].append(pd.DataFrame(columns).assign(**keys, **more))
    return {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}


def _short(one: partitions.Partition) -> str:
    return {"k-means": "kmeans_cluster", "HDBSCAN": "hdbscan_cluster"}[one.method]
