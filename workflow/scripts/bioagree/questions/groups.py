"""Objects with the groups that a question compares, and what the choice of objects does to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bioagree import correspondence, population, tables
from bioagree.tables import Table
from bioagree.truth import CONDITION, TRUTH


@dataclass(frozen=True)
class Choice:
    """Which objects of a segmentation count as objects of a group.

    Parameters
    ----------
    name : str
        What people read.
    threshold : float
        Least intersection over union at which a segmented object is the true object.
    border : bool
        Whether objects on the border of the image count.
    """

    name: str
    threshold: float = correspondence.SAME
    border: bool = False


MAIN = Choice("IoU ≥ 0.5, without border objects")
CHOICES = (
    MAIN,
    Choice("IoU ≥ 0.75, without border objects", threshold=0.75),
    Choice("IoU ≥ 0.5, with border objects", border=True),
)
MATCHED, BORDER = "matched", "border"
FATES = (MATCHED, BORDER, "split", "merged", "poorly outlined", "missed")


@dataclass(frozen=True)
class Grouped:
    """All that is needed to give the objects of one dimension their groups.

    Parameters
    ----------
    objects : dict of str to pandas.DataFrame
        By source.
    group : str
        What the question names.
    members : pandas.DataFrame, optional
        Groups of true objects; None when samples belong to conditions.
    overlaps : pandas.DataFrame, optional
        Overlapping objects of truth and methods.
    """

    objects: Mapping[str, pd.DataFrame]
    group: str
    members: pd.DataFrame | None = None
    overlaps: pd.DataFrame | None = None

    def choose(self, choice: Choice = MAIN) -> dict[str, pd.DataFrame]:
        """Return the objects of every source that have a group, in the column `group`."""
        if self.members is None:
            return population.with_conditions(self.objects, choice.border)
        return population.with_groups(
            self.objects,
            self.members,
            self.overlaps,
            threshold=choice.threshold,
            border=choice.border,
        )

    def any(self) -> pd.DataFrame:
        """Return the objects of the truth, or of the first method where there is none."""
        return self.objects[TRUTH if TRUTH in self.objects else next(iter(self.objects))]

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The choices that differ: where samples have conditions, nothing needs to be matched."""
        return CHOICES if self.members is not None else (MAIN, CHOICES[2])

    @property
    def names(self) -> tuple[str, ...]:
        """The groups; effects are those of the first minus the second."""
        if self.group == CONDITION:
            every = pd.concat([frame["condition"] for frame in self.objects.values()])
            return tuple(sorted(set(every) - {""}))
        return population.names_of(self.group)


def read(
    question: Mapping,
    pairs: Iterable[tuple[str, str]],
    sheet: Mapping[str, Mapping[str, str]],
    files: Mapping[str, Sequence[str]],
) -> dict[int, Grouped]:
    """Read the objects that a question of groups is asked of.

    Parameters
    ----------
    question : mapping
        As the config has it.
    pairs : iterable of (sample, source)
        In the order of the feature tables.
    sheet : mapping
        Rows of the sample sheet by sample, in the order of the other tables.
    files : mapping of str to sequence of str
        Paths: `features`, `matches` and `groups`; the latter two may be empty.

    Returns
    -------
    dict of int to Grouped
        By dimension.
    """
    measured = (
        (*pair, tables.read(path)) for pair, path in zip(pairs, files["features"], strict=True)
    )
    found = population.gather(measured, sheet)
    group = question.get("group", "")
    overlaps = members = None
    if files["matches"]:
        matches = zip(sheet, map(tables.read, files["matches"]), strict=True)
        overlaps = population.stack_overlaps(matches)
    if files["groups"]:
        truths = zip(sheet, map(tables.read, files["groups"]), strict=True)
        members = population.groups_in(truths, group)
    return {d: Grouped(objects, group, members, overlaps) for d, objects in found.items()}


def outcomes_of(
    tables: Iterable[tuple[tuple[str, str], Table]],
) -> dict[str, pd.DataFrame]:
    """Return what became of every object, by method, from the tables of samples and methods."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for (sample, method), table in tables:
        frame = pd.DataFrame(table.columns).assign(sample=sample).astype({"image": str})
        parts.setdefault(method, []).append(frame)
    return {name: pd.concat(found, ignore_index=True) for name, found in parts.items()}


def fates(grouped: Grouped, outcomes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Count what became of the true objects of each group under every method.

    Parameters
    ----------
    grouped : Grouped
        With `members`.
    outcomes : mapping of str to pandas.DataFrame
        By method: every object of truth and segmentation with its `outcome`, see
        :func:`bioagree.matching.per_object`.

    Returns
    -------
    pandas.DataFrame
        `source`, `group`, `fate`, `n` and `share` (of the group's true objects). The fate is
        `border` for true objects that touch the border of the image, or whose match does, since
        they are left out; `matched` for those with one partner at IoU ≥ 0.5; else the outcome.
        Spurious objects have no group.
    """
    keys = list(population.PLACE)
    members = grouped.members.merge(grouped.objects[TRUTH][[*keys, "touches_border"]])
    rows = []
    for source, table in outcomes.items():
        objects = grouped.objects[source][[*keys, "touches_border"]]
        at_border = objects.rename(columns={"label": "best", "touches_border": "match_at_border"})
        known = members.merge(table[table["side"] == "truth"], on=keys, validate="1:1")
        known = known.merge(at_border, on=["sample", "image", "frame", "best"], how="left")
        left_out = known["touches_border"].astype(bool)
        left_out |= known["match_at_border"].eq(True) & known["matched"].astype(bool)
        # With IoU of exactly 0.5, which scores do not count, an object can have one partner too.
        same = pd.MultiIndex.from_frame(_partners(grouped, source))
        matched = pd.MultiIndex.from_frame(known[keys]).isin(same)
        known["fate"] = np.select([left_out, matched], [BORDER, MATCHED], known["outcome"])
        for group in grouped.names:
            here = known.loc[known["group"] == group, "fate"]
            rows += [
                {"source": source, "group": group, "fate": fate, "n": n, "share": n / len(here)}
                for fate, n in ((fate, int((here == fate).sum())) for fate in FATES)
                if len(here)
            ]
        spurious = table[(table["side"] == "prediction") & (table["outcome"] == "spurious")]
        rows.append(
            {
                "source": source,
                "group": "",
                "fate": "spurious",
                "n": len(spurious),
                "share": np.nan,
            }
        )
    return pd.DataFrame(rows)


def _partners(grouped: Grouped, source: str) -> pd.DataFrame:
    """Return the true objects that one object of a source is."""
    same = population.partners(grouped.overlaps, TRUTH, source)
    return same.rename(columns={"first_label": "label"})[list(population.PLACE)]


def no_fates() -> pd.DataFrame:
    """Return the table of :func:`fates` where nothing has to be matched."""
    return pd.DataFrame(columns=["source", "group", "fate", "n", "share", "dimensions"])
