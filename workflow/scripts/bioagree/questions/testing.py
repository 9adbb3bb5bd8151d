"""The tests of all questions of a study, over which false discoveries are controlled together."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from bioagree import glossary
from bioagree.statistics.hypotheses import false_discovery_rates
from bioagree.truth import TRUTH

KEYS = ("dimensions", "source", "quantity", "test")


def write(path: str | Path, tests: pd.DataFrame, question: str) -> None:
    """Write the tests of one question: :data:`KEYS` and `p`; there may be none."""
    glossary.write_parquet(path, tests.assign(question=question)[["question", *KEYS, "p"]])


def none() -> pd.DataFrame:
    """Return the table of no test."""
    kinds = {"dimensions": int, "p": float}
    return pd.DataFrame({n: np.array([], kinds.get(n, str)) for n in (*KEYS, "p")})


def of_agreement(found: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the tests of equivalence of a question of agreement, per image and per object."""
    parts = [none()]
    if len(statistics := found["statistics"]):
        here = statistics[statistics["statistic"] == "tost"]
        parts.append(_named(here, here["quantity"], "equivalence per image", here["p"]))
    if len(objects := found["objects"]):
        here = objects[objects["margin"].notna()]
        parts.append(_named(here, here["feature"], "equivalence per object", here["equivalence_p"]))
    return pd.concat(parts, ignore_index=True)


def of_screening(effects: pd.DataFrame, choice: str) -> pd.DataFrame:
    """Return the tests of a screening: one a source and feature, and its change to the truth."""
    main = effects[effects["choice"] == choice].rename(columns={"feature": "quantity"})
    change = main.assign(p=main["change_p"], test="change against the truth")
    found = pd.concat([main.assign(test="difference"), change[change["source"] != TRUTH]])
    return found[[*KEYS, "p"]]


def of_hypotheses(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the tests of a question of hypotheses."""
    found = tests.assign(test=name_of_test(tests), quantity=tests["feature"])
    return found[[*KEYS, "p"]]


def name_of_test(tests: pd.DataFrame) -> pd.Series:
    """Return what a test is called when there are several pairs of groups."""
    pair = ": " + tests["first"] + " - " + tests["second"]
    return tests["test"] + pair.where(tests["first"] != "", "")


def adjust(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put the tests of all questions together and adjust their p values.

    Returns
    -------
    pandas.DataFrame
        `question`, :data:`KEYS`, `p`, `q` (Benjamini & Hochberg, over all tests that gave a p), and
        `tests`, how many these are.
    """
    found = pd.concat(list(parts), ignore_index=True)
    found["q"] = false_discovery_rates(found["p"].to_numpy(float))
    return found.assign(tests=int(found["p"].notna().sum()))


def with_q(
    table: pd.DataFrame, tests: pd.DataFrame, question: str, keys: dict, column: str = "q"
) -> pd.DataFrame:
    """Return a table with the q values of its tests.

    Parameters
    ----------
    table : pandas.DataFrame
        Results of one question.
    tests : pandas.DataFrame
        From :func:`adjust`.
    question : str
        Name of the question.
    keys : dict of str to str
        Which column of the table holds which of :data:`KEYS`.
    column : str
        Name of the new column.
    """
    mine = tests[tests["question"] == question]
    mine = mine.rename(columns={key: name for name, key in keys.items()} | {"q": column})
    return table.merge(mine[[*keys, column]], on=list(keys), how="left", validate="m:1")


def _named(rows: pd.DataFrame, quantity, test: str, p) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "dimensions": rows["dimensions"],
            "source": rows["first"] + " - " + rows["second"],
            "quantity": quantity,
            "test": test,
            "p": p,
        }
    )
