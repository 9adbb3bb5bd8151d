"""How near each method is to the ground truth: image by image, object by object, and in rank."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from bioagree.scores import AP_KEYS
from bioagree.statistics.ranking import Ranking, rank
from bioagree.tables import Table

RANKED = "ap_50_95"  # finds objects and draws their outlines: neither is enough alone
FRIEDMAN = {name: f"friedman_{name}" for name in ("chi2", "f", "p", "chi2_ties", "p_ties")}
KEYS = ("sample", "session", "method", "image", "frame", "dimensions")


def gather(
    tables: Iterable[tuple[str, str, Table]], sheet: dict[str, dict[str, str]]
) -> pd.DataFrame:
    """Put the scores of all samples and methods one below the other.

    Parameters
    ----------
    tables : iterable of (sample, method, Table)
        Of images, or of objects.
    sheet : dict
        Rows of the sample sheet by sample.
    """
    parts = []
    for sample, method, table in tables:
        frame = pd.DataFrame(table.columns)
        frame["image"] = frame["image"].astype(str)
        frame.insert(0, "sample", sample)
        frame.insert(1, "session", sheet[sample]["session"] or sample)
        frame.insert(2, "method", method)
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def summarise(images: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """Describe the distribution of every score over images, per dimension and method.

    Parameters
    ----------
    images : pandas.DataFrame
        From :func:`gather`.
    methods : sequence of str
        In the order of the rows.

    Returns
    -------
    pandas.DataFrame
        `n` images with a defined value, `undefined` others; mean, standard deviation (n - 1),
        least, median and largest value.
    """
    rows = []
    names = [name for name in images.columns if name not in KEYS]
    for dimensions, part in images.groupby("dimensions"):
        for method in [name for name in methods if name in set(part["method"])]:
            here = part[part["method"] == method]
            for score in names:
                values = here[score].to_numpy(float)
                known = values[~np.isnan(values)]
                rows.append(
                    {
                        "dimensions": dimensions,
                        "method": method,
                        "score": score,
                        "n": len(known),
                        "undefined": len(values) - len(known),
                        "mean": known.mean() if len(known) else np.nan,
                        "sd": known.std(ddof=1) if len(known) > 1 else np.nan,
                        "minimum": known.min() if len(known) else np.nan,
                        "median": np.median(known) if len(known) else np.nan,
                        "maximum": known.max() if len(known) else np.nan,
                    }
                )
    return pd.DataFrame(rows)


def curve(images: pd.DataFrame) -> pd.DataFrame:
    """Return the average precision of every image at every IoU that a match may need."""
    keys = list(KEYS)
    table = images.melt(keys, list(AP_KEYS), "iou", "average_precision")
    table["iou"] = table["iou"].str.removeprefix("ap_").astype(int) / 100
    return table


def rankings(
    images: pd.DataFrame, methods: Sequence[str], *, draws: int, seed: int
) -> dict[int, tuple[list[str], Ranking]]:
    """Rank the methods by :data:`RANKED`, for each dimension: names and ranking."""
    found = {}
    for dimensions, part in images.groupby("dimensions"):
        keys = ["sample", "image", "frame"]
        table = part.pivot(index=[*keys, "session"], columns="method", values=RANKED)
        names = [name for name in methods if name in table]
        sessions = table.index.get_level_values("session").to_numpy()
        scores = table[names].to_numpy(float)
        found[dimensions] = names, rank(scores, blocks=sessions, draws=draws, seed=seed)
    return found


def ranking_tables(found: dict[int, tuple[list[str], Ranking]]) -> dict[str, pd.DataFrame]:
    """Return rankings as tables: a row a method, and a row a pair of methods."""
    by_method, by_pair = [], []
    for dimensions, (names, ranking) in found.items():
        keys = {"dimensions": dimensions, "score": RANKED}
        table = pd.DataFrame(ranking.by_method(names)).rename(columns=FRIEDMAN)
        by_method.append(table.assign(**keys))
        by_pair.append(pd.DataFrame(ranking.by_pair(names)).assign(**keys))
    return {
        "ranking": pd.concat(by_method, ignore_index=True),
        "ranking_pairs": pd.concat(by_pair, ignore_index=True),
    }


def to_rank(found: dict[int, tuple[list[str], Ranking]]) -> tuple[dict[str, Ranking], list[str]]:
    """Return the ranking that a figure shows: that of the dimension with the most images."""
    dimensions = max(found, key=lambda one: found[one][1].n)
    names, ranking = found[dimensions]
    title = f"Average precision over IoU 0.50 to 0.95, {dimensions}D images"
    return {title: ranking}, names
