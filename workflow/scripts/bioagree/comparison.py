"""From tables of objects to what two methods say of the same image."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import combinations, product

import numpy as np

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


PAIR_KEYS = ("dimensions", "quantity", "unit", "first", "second")
PAIR_COLUMNS = (*PAIR_KEYS, *(field.name for field in fields(BlandAltman)))
SCORE_KEYS = ("sample", "method", "image", "frame", "dimensions")


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
    result: BlandAltman

    @property
    def figure(self) -> str:
        """Name of the figure that shows this pair."""
        other = "truth" if self.second == TRUTH else "methods"
        return f"{self.dimensions}d-{self.quantity.key}-{other}"

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


def per_image(tables: Iterable[tuple[str, str, str, Table]]) -> Columns:
    """Summarise tables of objects: how many objects an image has, and their mean size.

    Parameters
    ----------
    tables : iterable of (sample, session, method, Table)
        Feature tables.

    Returns
    -------
    dict of str to numpy.ndarray
        One row per sample, image, time point and method; the mean size of no object is NaN.
    """
    rows = []
    for sample, session, method, table in tables:
        dimensions = table.about["dimensions"]
        size = table.columns["area_um2" if dimensions == 2 else "volume_um3"]
        for entry in table.about["images"]:
            of_image = table.columns["image"] == entry["image"]
            for frame in range(entry["frames"]):
                chosen = size[of_image & (table.columns["frame"] == frame)]
                mean = float(chosen.mean()) if len(chosen) else np.nan
                rows.append(
                    {
                        "sample": sample,
                        "session": session or sample,
                        "image": entry["image"],
                        "frame": frame,
                        "dimensions": dimensions,
                        "method": method,
                        "count": len(chosen),
                        "mean_area_um2": mean if dimensions == 2 else np.nan,
                        "mean_volume_um3": mean if dimensions == 3 else np.nan,
                    }
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
    against_truth = [(method, TRUTH) for method in methods]
    for dimensions in sorted(set(columns["dimensions"].tolist())):
        here = columns["dimensions"] == dimensions
        images = _images(columns, here)
        annotated = TRUTH in columns["method"][here]
        for quantity in (COUNT, SIZES[dimensions]):
            values = {
                method: _values(columns, here, method, quantity.key, images)
                for method in (*methods, TRUTH)
            }
            for first, second in [*(against_truth if annotated else ()), *combinations(methods, 2)]:
                yield Pair(
                    dimensions,
                    quantity,
                    first,
                    second,
                    values[first],
                    values[second],
                    tuple(images.values()),
                    bland_altman(values[first], values[second]),
                )


def scores_of_images(tables: Iterable[tuple[str, str, Table]]) -> Columns:
    """Put the score tables of all samples and methods one below the other.

    Parameters
    ----------
    tables : iterable of (sample, method, Table)
        Score tables.
    """
    parts = []
    for sample, method, table in tables:
        keys = {"sample": np.full(len(table), sample), "method": np.full(len(table), method)}
        parts.append(keys | table.columns)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def summarise_scores(columns: Columns, methods: Sequence[str]) -> Columns:
    """Describe the distribution of every score over images, per dimension and method.

    Parameters
    ----------
    columns : dict of str to numpy.ndarray
        From :func:`scores_of_images`.
    methods : sequence of str
        In the order of the rows.

    Returns
    -------
    dict of str to numpy.ndarray
        `n` images with a defined value, `undefined` others; mean, standard deviation (ddof=1),
        least, median and largest value.
    """
    rows = []
    names = [name for name in columns if name not in SCORE_KEYS]
    for dimensions, method, score in product(
        sorted(set(columns["dimensions"].tolist())), methods, names
    ):
        here = (columns["dimensions"] == dimensions) & (columns["method"] == method)
        values = columns[score][here].astype(float)
        known = values[~np.isnan(values)]
        statistics = {
            "mean": known.mean() if len(known) else np.nan,
            "sd": known.std(ddof=1) if len(known) > 1 else np.nan,
            "minimum": known.min(initial=np.inf) if len(known) else np.nan,
            "median": np.median(known) if len(known) else np.nan,
            "maximum": known.max(initial=-np.inf) if len(known) else np.nan,
        }
        rows.append(
            {"dimensions": dimensions, "method": method, "score": score, "n": len(known)}
            | {"undefined": len(values) - len(known)}
            | statistics
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _images(columns: Columns, here: np.ndarray) -> dict[tuple, str]:
    """Return the session of every image, in order."""
    keys = zip(*(columns[name][here] for name in ("sample", "image", "frame")), strict=True)
    return dict(zip(map(tuple, keys), columns["session"][here].tolist(), strict=True))


def _values(columns: Columns, here, method: str, key: str, images) -> np.ndarray:
    """Return one method's value of every image, NaN where it has none."""
    mine = here & (columns["method"] == method)
    keys = zip(*(columns[name][mine] for name in ("sample", "image", "frame")), strict=True)
    found = dict(zip(map(tuple, keys), columns[key][mine].astype(float), strict=True))
    return np.array([found.get(image, np.nan) for image in images])
