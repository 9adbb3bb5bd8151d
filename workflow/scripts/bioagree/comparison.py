"""From tables of objects to what two methods say of the same image."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import combinations, product

import numpy as np

from bioagree.features.dictionary import unit_of
from bioagree.statistics.agreement import BlandAltman, bland_altman
from bioagree.tables import Columns, Table
from bioagree.truth import TRUTH


@dataclass(frozen=True)
class Quantity:
    """Something that every method says once of every image.

    Parameters
    ----------
    key : str
        Column name, with unit.
    title : str
        What people read.
    unit : str
        What people read.
    """

    key: str
    title: str
    unit: str


COUNT = Quantity("count", "Object count", "per image")
SIZES = {
    2: Quantity("mean_area_um2", "Mean area", "µm²"),
    3: Quantity("mean_volume_um3", "Mean volume", "µm³"),
}


MEAN = "mean_"
PAIR_KEYS = ("dimensions", "quantity", "unit", "first", "second")
PAIR_COLUMNS = (*PAIR_KEYS, *(field.name for field in fields(BlandAltman)))


@dataclass(frozen=True)
class Pair:
    """Two methods compared over the images of one dimension."""

    dimensions: int
    quantity: Quantity
    first: str
    second: str
    first_values: np.ndarray
    second_values: np.ndarray
    sessions: tuple[str, ...]
    clusters: tuple[str, ...]
    result: BlandAltman

    @property
    def repeated(self) -> bool:
        """Whether a subject has several images, so that these do not count as independent."""
        return len(set(self.clusters)) < len(self.clusters)

    @property
    def figure(self) -> str:
        """Name of the figure that shows this pair."""
        other = "truth" if self.second == TRUTH else "methods"
        return f"{self.dimensions}d-{self.quantity.key}-{other}"

    def margin(self, margins: Mapping[str, float]) -> float | None:
        """Return the largest difference that does not matter, if one was given."""
        return margins.get(self.quantity.key.removeprefix(MEAN))

    def as_row(self) -> dict:
        """Return the pair as a row of a table, `n` images first."""
        what = (self.dimensions, self.quantity.key, self.quantity.unit, self.first, self.second)
        return dict(zip(PAIR_KEYS, what, strict=True)) | asdict(self.result)


def figure_names(kinds: Iterable[tuple[int, bool]], methods: int) -> list[str]:
    """Return the names of a study's agreement figures.

    Parameters
    ----------
    kinds : iterable of (int, bool)
        Of each sample: its dimensions, and whether it has a ground truth.
    methods : int
        Number of methods.
    """
    names = []
    kinds = sorted(set(kinds))
    for dimensions in sorted({dimension for dimension, _ in kinds}):
        against = ["truth"] if (dimensions, True) in kinds else []
        against += ["methods"] if methods > 1 else []
        for quantity, other in product((COUNT, SIZES[dimensions]), against):
            names.append(f"{dimensions}d-{quantity.key}-{other}")
    return names


def per_image(
    tables: Iterable[tuple[str, Mapping[str, str], str, Table]], chosen: Sequence[str]
) -> Columns:
    """Summarise tables of objects: how many objects an image has, and the mean of each feature.

    Parameters
    ----------
    tables : iterable of (sample, row, method, Table)
        Feature tables with the rows of the sample sheet.
    chosen : sequence of str
        Features to average.

    Returns
    -------
    dict of str to numpy.ndarray
        One row per sample, image, time point and method; the mean over no object is NaN, as is
        that of a feature which the image does not have. `cluster` is the image, or its subject
        where the sheet names one.
    """
    rows = []
    for sample, row, method, table in tables:
        dimensions = table.about["dimensions"]
        place = table.columns["image"], table.columns["frame"]
        for entry in table.about["images"]:
            of_image = place[0] == entry["image"]
            for frame in range(entry["frames"]):
                here = np.flatnonzero(of_image & (place[1] == frame))
                movie = f"{sample}/{entry['image']}"
                rows.append(
                    {
                        "sample": sample,
                        "session": row["session"] or sample,
                        "cluster": row["subject"] or movie,
                        "image": entry["image"],
                        "frame": frame,
                        "dimensions": dimensions,
                        "method": method,
                        "count": len(here),
                    }
                    | {f"{MEAN}{name}": _mean(table.columns.get(name), here) for name in chosen}
                )
    columns = rows[0].keys()
    return {name: np.array([row[name] for row in rows]) for name in columns}


def pairs(columns: Columns, methods: Sequence[str]) -> Iterator[Pair]:
    """Compare every method with the truth, then every two methods, image by image.

    Parameters
    ----------
    columns : dict of str to numpy.ndarray
        From :func:`per_image`.
    methods : sequence of str
        In the order to compare; the first of two is the minuend.
    """
    for dimensions in sorted(set(columns["dimensions"].tolist())):
        here = columns["dimensions"] == dimensions
        images = _images(columns, here)
        there = set(columns["method"][here].tolist())
        used = [method for method in methods if method in there]
        against_truth = [(method, TRUTH) for method in used if TRUTH in there]
        for quantity in quantities(columns, here, dimensions):
            values = {
                method: _values(columns, here, method, quantity.key, images)
                for method in (*used, TRUTH)
            }
            for first, second in [*against_truth, *combinations(used, 2)]:
                clusters = tuple(cluster for _, cluster in images.values())
                yield Pair(
                    dimensions,
                    quantity,
                    first,
                    second,
                    values[first],
                    values[second],
                    tuple(session for session, _ in images.values()),
                    clusters,
                    _compare(values[first], values[second], clusters),
                )


def quantities(columns: Columns, here: np.ndarray, dimensions: int) -> list[Quantity]:
    """Return what the images of one dimension say: the count, the size, and other means."""
    size = SIZES[dimensions]
    named = [name for name in columns if name.startswith(MEAN) and name != size.key]
    known = [name for name in named if np.isfinite(columns[name][here].astype(float)).any()]
    others = [Quantity(n, f"Mean {n[len(MEAN) :]}", unit_of(n[len(MEAN) :])) for n in known]
    return [COUNT, *([size] if size.key in columns else []), *others]


def _compare(first: np.ndarray, second: np.ndarray, clusters: Sequence[str]) -> BlandAltman:
    """Compare image by image; where subjects have several images, each as one of its subject."""
    result = bland_altman(first, second)
    if len(set(clusters)) == len(clusters):
        return result
    from bioagree.statistics.object_agreement import agree

    found = agree(first[:, None], second[:, None], np.array(clusters))
    names = {field.name for field in fields(BlandAltman)} & found.keys()
    known = {name: found[name][0].item() for name in names}
    no_pair = dict.fromkeys(("pair_factor", "pair_lower", "pair_upper"), np.nan)
    note = f"{len(set(clusters))} subjects with several images each. {known['note']}".strip()
    return BlandAltman(**(asdict(result) | known | no_pair | {"note": note}))


def _mean(values: np.ndarray | None, here: np.ndarray) -> float:
    if values is None or not len(here):
        return np.nan
    known = values[here].astype(float)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else np.nan


def _images(columns: Columns, here: np.ndarray) -> dict[tuple, tuple[str, str]]:
    """Return the session and the cluster of every image, in order."""
    names = ("sample", "image", "frame", "session", "cluster")
    rows = zip(*(columns[name][here].tolist() for name in names), strict=True)
    return {tuple(row[:3]): tuple(row[3:]) for row in rows}


def _values(columns: Columns, here, method: str, key: str, images) -> np.ndarray:
    """Return one method's value of every image, NaN where it has none."""
    mine = here & (columns["method"] == method)
    keys = zip(*(columns[name][mine] for name in ("sample", "image", "frame")), strict=True)
    found = dict(zip(map(tuple, keys), columns[key][mine].astype(float), strict=True))
    return np.array([found.get(image, np.nan) for image in images])
