"""The same images measured again and again: by how much does each method differ from itself?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

import pandas as pd

from bioagree import population
from bioagree.comparison import COUNT, MEAN
from bioagree.features.dictionary import unit_of
from bioagree.statistics.known_coverage import coverage_note
from bioagree.statistics.repeatability import Trueness, repeatabilities, trueness


def gather(
    objects: Mapping[str, pd.DataFrame], overlaps: pd.DataFrame, originals: Mapping[str, str]
) -> dict[str, pd.DataFrame]:
    """Name the object that each measured object is, so that its repeats can be found.

    Parameters
    ----------
    objects : mapping of str to pandas.DataFrame
        Objects of all replicates, of one dimension, by method.
    overlaps : pandas.DataFrame
        Of each method's labels with those of the original (the truth, where there is one).
    originals : mapping of str to str
        The sample that a replicate comes from.

    Returns
    -------
    dict of str to pandas.DataFrame
        By method, the objects that are one to one the same as an object of the original and touch
        no border; with `original`, `reference` (that object's label), `subject`, and `cluster`.
    """
    found = {}
    for method, frame in objects.items():
        same = population.partners(overlaps, f"of-{method}", method)
        same = same.rename(columns={"second_label": "label", "first_label": "reference"})
        joined = frame.merge(same, on=list(population.PLACE))
        joined = population.inside(joined)
        original = joined["sample"].map(originals)
        image = original + "/" + joined["image"]
        place = image + "/" + joined["frame"].astype(str)
        found[method] = joined.assign(
            original=original,
            cluster=image,
            subject=place + "/" + joined["reference"].astype(str),
        )
    return found


def of_objects(objects: Mapping[str, pd.DataFrame], features: Sequence[str]) -> pd.DataFrame:
    """Return the repeatability of every feature of single objects, by sample and method."""
    parts = []
    for method, every in objects.items():
        for sample, frame in every.groupby("original"):
            found = repeatabilities(
                frame.reindex(columns=features).to_numpy(float),
                frame["subject"].to_numpy(),
                clusters=frame["cluster"].to_numpy(),
            )
            parts.append(_named(found, sample, method, "object", features))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def of_images(images: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """Return the repeatability of counts and of means over an image, by sample and method.

    Parameters
    ----------
    images : pandas.DataFrame
        From :func:`bioagree.comparison.per_image`, with a column `original`.
    features : sequence of str
    """
    parts = []
    columns = [COUNT.key, *(f"{MEAN}{name}" for name in features)]
    for (sample, method), here in images.groupby(["original", "method"], sort=False):
        subjects = here["image"] + "/" + here["frame"].astype(str)
        values = here.reindex(columns=columns).to_numpy(float)
        found = repeatabilities(values, subjects.to_numpy())
        parts.append(_named(found, sample, method, "image", columns))
    return pd.concat(parts, ignore_index=True)


def against_exact(objects: Mapping[str, pd.DataFrame], exact: pd.DataFrame) -> pd.DataFrame:
    """Compare measured objects with values that are known exactly, by sample and method.

    Parameters
    ----------
    objects : mapping of str to pandas.DataFrame
        From :func:`gather`.
    exact : pandas.DataFrame
        `sample`, `image`, `frame`, `label` of true objects, and what is known of them.
    """
    keys = ["original", "image", "frame", "reference"]
    known = exact.rename(columns={"sample": "original", "label": "reference"})
    features = [name for name in known.columns if name not in keys]
    rows = []
    for method, every in objects.items():
        joined = every.merge(known, on=keys, suffixes=("", " exact"))
        for sample, frame in joined.groupby("original"):
            for feature in [name for name in features if f"{name} exact" in frame]:
                found = trueness(
                    frame[feature].to_numpy(float),
                    frame[f"{feature} exact"].to_numpy(float),
                    frame["subject"].to_numpy(),
                    clusters=frame["cluster"].to_numpy(),
                )
                named = {"sample": sample, "method": method, "feature": feature}
                rows.append(named | {"unit": unit_of(feature)} | asdict(found))
    names = ["sample", "method", "feature", "unit", *(field.name for field in fields(Trueness))]
    return pd.DataFrame(rows, columns=names)


def exact_values(tables, samples: Sequence[str]) -> pd.DataFrame:
    """Return what is known exactly of true objects: numbers in the tables of the truth."""
    parts = []
    for sample, table in zip(samples, tables, strict=True):
        frame = pd.DataFrame(table.columns)
        if table.about["kind"] == "exact":
            numbers = [name for name in frame.columns if unit_of(name)]
            place = [name for name in population.PLACE if name in frame]
            parts.append(frame[[*place, *numbers]].assign(sample=sample))
    if not parts:
        return pd.DataFrame(columns=list(population.PLACE))
    return pd.concat(parts, ignore_index=True).astype({"image": str})


def _named(found: Mapping, sample: str, method: str, level: str, features) -> pd.DataFrame:
    keys = {
        "sample": sample,
        "method": method,
        "level": level,
        "feature": list(features),
        "unit": [unit_of(name.removeprefix(MEAN)) for name in features],
    }
    table = pd.DataFrame(keys | dict(found))
    table["coverage_warning"] = [
        coverage_note("repeatability_sd", n, clustered=level == "object") for n in table["clusters"]
    ]
    return table
