"""Groups compared by a few features that were named beforehand, source by source."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bioagree import population
from bioagree.features.dictionary import title_of, unit_of
from bioagree.questions import testing
from bioagree.questions.groups import Grouped
from bioagree.statistics.assumptions import Check
from bioagree.statistics.hypotheses import GroupComparison, GroupTest, compare_groups
from bioagree.statistics.known_coverage import coverage_note

# What simulations call the intervals of tests, by how these begin: within and between images.
INTERVALS = {
    "t test of the differences": ("difference within images",) * 2,
    "Welch's t test": ("difference between images",) * 2,
    "probability of superiority": (
        "probability of superiority within images",
        "probability of superiority between images",
    ),
    "Wilcoxon": ("Hodges-Lehmann shift of image differences",) * 2,
    "mixed model": ("mixed model, difference varies", "mixed model, groups of images"),
}


@dataclass(frozen=True)
class Answer:
    """Groups compared by one feature, as one source has measured it.

    Parameters
    ----------
    dimensions : int
    source, feature : str
    comparison : GroupComparison
    labels : tuple of str
        The groups as tables have them, in the order of the comparison.
    """

    dimensions: int
    source: str
    feature: str
    comparison: GroupComparison
    labels: tuple[str, ...]

    def rows(self) -> list[dict]:
        """Return a row a test."""
        keys = {"dimensions": self.dimensions, "source": self.source, "feature": self.feature}
        hypothesis = {"hypothesis": self.comparison.hypothesis}
        rows = [keys | row | hypothesis for row in self.comparison.as_rows()]
        for row in rows:
            row["coverage_warning"] = _coverage(row)
        return rows

    def check_rows(self) -> list[dict]:
        """Return a row a checked assumption."""
        keys = {"dimensions": self.dimensions, "source": self.source, "feature": self.feature}
        rows = []
        for check in self.comparison.check_rows():
            check.pop("quantity")
            named = {"assumption": check.pop("check"), "how": check.pop("method")}
            rows.append(keys | named | check)
        return rows


def answers(
    grouped: Grouped, dimensions: int, chosen: Sequence[str], titles: Mapping[str, str]
) -> Iterator[tuple[Answer, pd.DataFrame]]:
    """Compare the groups by every feature that was named, source by source.

    Parameters
    ----------
    grouped : Grouped
        Objects of one dimension.
    dimensions : int
    chosen : sequence of str
        Groups of features, or features.
    titles : mapping of str to str
        What sentences call the objects of each group.

    Yields
    ------
    Answer
    pandas.DataFrame
        The objects that were compared.
    """
    objects = grouped.choose()
    names = {name: titles.get(name, name) for name in grouped.names}
    for feature in population.features_of(objects, chosen):
        for source, frame in objects.items():
            if feature not in frame:
                continue
            known = frame[frame["group"].isin(list(names))]
            there = {name: title for name, title in names.items() if name in set(known["group"])}
            if len(there) < 2:
                continue
            found = compare_groups(
                known[feature].to_numpy(float),
                known["group"].to_numpy(),
                known["cluster"].to_numpy(),
                blocks=known["block"].to_numpy(),
                names=there,
                quantity=title_of(feature),
                quantity_unit=unit_of(feature),
            )
            yield Answer(dimensions, source, feature, found, tuple(there)), known


def to_draw(
    answer: Answer, objects: pd.DataFrame
) -> tuple[GroupComparison, np.ndarray, np.ndarray]:
    """Return what a figure shows of an answer: the comparison, values, and index of groups."""
    order = {name: index for index, name in enumerate(answer.labels)}
    return (
        answer.comparison,
        objects[answer.feature].to_numpy(float),
        objects["group"].map(order).fillna(-1).to_numpy(int),
    )


def save(path: str | Path, found: Sequence[Answer]) -> None:
    """Write answers as JSON, from which :func:`load` restores them."""
    Path(path).write_text(json.dumps([asdict(answer) for answer in found], default=_plain))


def load(path: str | Path) -> list[Answer]:
    """Read answers that :func:`save` wrote."""
    return [_restore(entry) for entry in json.loads(Path(path).read_text())]


def _coverage(row: Mapping) -> str:
    """Say when the interval of a test is known to cover less than it says."""
    between = row["design"].startswith("between")
    for start, names in INTERVALS.items():
        if row["test"].startswith(start) and np.isfinite(row["low"]):
            return coverage_note(names[between], row["clusters"])
    return ""


def _plain(value):
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)


def _restore(entry: dict) -> Answer:
    kept = entry["comparison"]
    kept["tests"] = tuple(GroupTest(**test) for test in kept["tests"])
    kept["checks"] = tuple(Check(**check) for check in kept["checks"])
    for name in ("groups", "n_of_groups", "cluster_names"):
        kept[name] = tuple(kept[name])
    for name in ("cluster_means", "cluster_n"):
        kept[name] = np.array(kept[name], float)
    labels = tuple(entry["labels"])
    return Answer(**(entry | {"comparison": GroupComparison(**kept), "labels": labels}))


def with_q(answers: Sequence[Answer], tests: pd.DataFrame, question: str) -> pd.DataFrame:
    """Return a row a test, with q over all tests of the study."""
    rows = pd.DataFrame([row for answer in answers for row in answer.rows()])
    rows["named"] = testing.name_of_test(rows)
    rows = rows.drop(columns="quantity")
    keys = {
        "dimensions": "dimensions",
        "source": "source",
        "feature": "quantity",
        "named": "test",
    }
    return testing.with_q(rows, tests, question, keys).drop(columns="named")


def sentences(answers: Sequence[Answer], results: pd.DataFrame) -> pd.DataFrame:
    """Return what each comparison shows in words: a row a source and feature."""
    rows = []
    for answer in answers:
        keys = {
            "dimensions": answer.dimensions,
            "source": answer.source,
            "feature": answer.feature,
        }
        mine = (results[list(keys)] == list(keys.values())).all(axis=1) & results["primary"]
        q = results.loc[mine, "q"]
        found = answer.comparison.sentence(None if q.isna().all() else float(q.iloc[0]))
        rows.append(keys | {"hypothesis": answer.comparison.hypothesis, "sentence": found})
    return pd.DataFrame(rows)
