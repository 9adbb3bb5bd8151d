"""All objects of a study, source by source: from many small tables to what a question compares.

A source is a segmentation method, or the truth. Images of two and of three dimensions are never
mixed. The cluster of an object is its image, or its subject where the sheet names one; the block is
its imaging session.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from bioagree import correspondence
from bioagree.features import registry
from bioagree.features.dictionary import feature_of
from bioagree.tables import Table
from bioagree.truth import TRUTH

PLACE = ("sample", "image", "frame", "label")
KEYS = (*PLACE, "cluster", "block", "condition")
Populations = dict[int, dict[str, pd.DataFrame]]


def gather(
    tables: Iterable[tuple[str, str, Table]], sheet: Mapping[str, Mapping[str, str]]
) -> Populations:
    """Put the tables of objects of every sample together.

    Parameters
    ----------
    tables : iterable of (sample, source, Table)
        Feature tables.
    sheet : mapping
        Row of the sample sheet by sample.

    Returns
    -------
    dict
        By dimension, then source, the truth first: a data frame with one row an object, the
        columns :data:`KEYS`, and the features. A feature that some images do not have is NaN
        there.
    """
    parts: dict[int, dict[str, list[pd.DataFrame]]] = {}
    for sample, source, table in tables:
        frame = pd.DataFrame(table.columns)
        row = sheet[sample]
        frame["image"] = frame["image"].astype(str)
        frame.insert(0, "sample", sample)
        frame["cluster"] = row["subject"] or f"{sample}/" + frame["image"]
        frame["block"] = row["session"] or sample
        frame["condition"] = row["condition"]
        by_source = parts.setdefault(table.about["dimensions"], {})
        by_source.setdefault(source, []).append(frame)
    return {
        dimensions: {
            source: pd.concat(frames, ignore_index=True)
            for source, frames in sorted(by_source.items(), key=lambda item: item[0] != TRUTH)
        }
        for dimensions, by_source in sorted(parts.items())
    }


def features_in(frame: pd.DataFrame, chosen: Sequence[str] | None = None) -> list[str]:
    """Return the columns by which objects can be compared: measured values, but not places.

    Parameters
    ----------
    frame : pandas.DataFrame
        From :func:`gather`.
    chosen : sequence of str, optional
        Groups and features that a question asks of; all unless given.
    """
    found = []
    for column in frame.columns.drop([key for key in KEYS if key in frame]):
        feature = feature_of(column)
        if feature is None or feature.place or feature.kind not in ("number", "integer"):
            continue
        if chosen is None or registry.is_chosen(column, chosen, always=()):
            found.append(column)
    return found


def features_of(
    objects: Mapping[str, pd.DataFrame], chosen: Sequence[str] | None = None
) -> list[str]:
    """Return the features that any source of one dimension has, as :func:`features_in`."""
    every = [features_in(frame, chosen) for frame in objects.values()]
    return list(dict.fromkeys(name for names in every for name in names))


def stack_overlaps(tables: Iterable[tuple[str, Table]]) -> pd.DataFrame:
    """Put the tables of overlapping objects of every sample together.

    Parameters
    ----------
    tables : iterable of (sample, Table)
        From :func:`bioagree.correspondence.overlaps`.
    """
    parts = [pd.DataFrame(table.columns).assign(sample=sample) for sample, table in tables]
    return pd.concat(parts, ignore_index=True).astype({"image": str})


def partners(
    overlaps: pd.DataFrame, first: str, second: str, threshold: float = correspondence.SAME
) -> pd.DataFrame:
    """Return which objects of two sources are one to one the same.

    Parameters
    ----------
    overlaps : pandas.DataFrame
        From :func:`stack_overlaps`.
    first, second : str
        Two sources, in the order of the table.
    threshold : float
        Least intersection over union, from 0.5 on.

    Returns
    -------
    pandas.DataFrame
        `sample`, `image`, `frame`, `first_label`, `second_label`, `iou`.
    """
    here = overlaps[(overlaps["first"] == first) & (overlaps["second"] == second)]
    chosen = correspondence.one_to_one({n: here[n].to_numpy() for n in here.columns}, threshold)
    return here.loc[chosen, ["sample", "image", "frame", "first_label", "second_label", "iou"]]


def side_by_side(
    population: Mapping[str, pd.DataFrame], same: pd.DataFrame, first: str, second: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the objects that two sources share, as each has them, in the same order."""
    sides = []
    for source, side in ((first, "first_label"), (second, "second_label")):
        keys = same.rename(columns={side: "label"})[list(PLACE)]
        sides.append(keys.merge(population[source], on=list(PLACE), how="left", validate="1:1"))
    return sides[0], sides[1]


def groups_in(tables: Iterable[tuple[str, Table]], group: str) -> pd.DataFrame:
    """List the true objects, and whether each belongs to a group.

    Parameters
    ----------
    tables : iterable of (sample, Table)
        Objects of the truth, with a column of true and false named as the group.
    group : str
        Name of the group.

    Returns
    -------
    pandas.DataFrame
        `sample`, `image`, `frame`, `label`, and `group`: :func:`names_of` a group.
    """
    inside, outside = names_of(group)
    parts = [pd.DataFrame(table.columns).assign(sample=sample) for sample, table in tables]
    stacked = pd.concat(parts, ignore_index=True).astype({"image": str})
    stacked["group"] = np.where(stacked[group].astype(bool), inside, outside)
    return stacked[[*PLACE, "group"]]


def names_of(group: str) -> tuple[str, str]:
    """Return how objects inside and outside of a group are called; the first minus the second."""
    return group, f"no {group}"


def with_conditions(
    population: Mapping[str, pd.DataFrame], border: bool
) -> dict[str, pd.DataFrame]:
    """Give all objects the condition of their sample as group."""
    found = {}
    for source, frame in population.items():
        known = frame[frame["condition"] != ""]
        found[source] = (known if border else inside(known)).assign(group=known["condition"])
    return found


def with_groups(
    population: Mapping[str, pd.DataFrame],
    groups: pd.DataFrame,
    overlaps: pd.DataFrame | None,
    *,
    threshold: float = correspondence.SAME,
    border: bool = False,
) -> dict[str, pd.DataFrame]:
    """Give the objects of every source the group of the true object that they are.

    Parameters
    ----------
    population : mapping of str to pandas.DataFrame
        Objects of one dimension by source.
    groups : pandas.DataFrame
        `sample`, `image`, `frame`, `label` and `group` of true objects.
    overlaps : pandas.DataFrame, optional
        From :func:`stack_overlaps`; not needed when only the truth is asked.
    threshold : float
        A segmented object inherits the group of the true object that it matches one to one at
        this IoU or above.
    border : bool
        Whether objects that touch the image's border, as segmented or in the truth, so that part of
        them may be missing, stay.

    Returns
    -------
    dict of str to pandas.DataFrame
        By source, the objects that have a group, with a column `group`.
    """
    found = {}
    if not border:
        groups = inside(population[TRUTH])[list(PLACE)].merge(groups, on=list(PLACE))
    for source, frame in population.items():
        if source == TRUTH:
            known = groups
        else:
            same = partners(overlaps, TRUTH, source, threshold)
            known = same.merge(
                groups.rename(columns={"label": "first_label"}),
                on=["sample", "image", "frame", "first_label"],
            )
            known = known.rename(columns={"second_label": "label"})[[*PLACE, "group"]]
        joined = frame.merge(known, on=list(PLACE))
        found[source] = joined if border else inside(joined)
    return found


def inside(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the objects that do not touch the border of the image, so that all of each is seen."""
    return frame[~frame["touches_border"].astype(bool)]
