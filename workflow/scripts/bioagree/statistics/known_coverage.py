"""Which intervals hold the true value less often than they say, as simulations measured it."""

import csv
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_suffix(".csv")
"""Written by `benchmarks/coverage.py`; equal to `docs/coverage/coverage.csv`."""

ENOUGH = 93.5
"""Percent; an interval of 95 % that covers less is flagged."""

ALIASES = {
    "ratio": "mean ratio, Student t",
    "ratio_lower": "limit of the ratio, exact",
    "ratio_upper": "limit of the ratio, exact",
    # multiples of the standard deviation hold their true value when it does
    "coefficient_1979": "repeatability_sd",
    "coefficient_1999": "repeatability_sd",
}
"""Names in results for what is measured under another name."""


def coverage_note(interval: str, n: int, *, clustered: bool = False) -> str:
    """Say when an interval of 95 % covers less than 93.5 % at this number of subjects or clusters.

    Parameters
    ----------
    interval : str
        "bias", "upper", "slope", "lins_ccc", "ICC(2,1)", "deming_slope", "passing_bablok_slope",
        "repeatability_sd" and so on: `intervals` lists all. Of "ICC(2,3)", the 3 stands for k. Of
        a test, the share of true hypotheses that it leaves alone is meant.
    n : int
        Number of independent subjects, or of clusters.
    clustered : bool
        The interval respects clusters, of which there are n.

    Returns
    -------
    str
        One sentence where the interval covers too little or was never measured, else nothing.

    Notes
    -----
    Between measured numbers, the next smaller one speaks; below the smallest, the smallest. Normal
    data were simulated; others may be worse.

    Examples
    --------
    >>> coverage_note("bias", 10)
    ''
    """
    name = ALIASES.get(interval, re.sub(r"^(ICC\(\d),(?!1\))\d+\)$", r"\1,k)", interval))
    measured = _table().get(f"clustered {name}" if clustered else name)
    if measured is None:
        return "How often this interval covers the true value was not measured."
    at = max((size for size in measured if size <= n), default=min(measured))
    percent, of = measured[at]
    if percent >= ENOUGH:
        return ""
    return f"In simulations with {at} {of}, this 95 % interval covered {percent:.1f} % only."


def warnings(names: Mapping[str, str], n: int) -> str:
    """Say of several intervals of one row which of them cover too little.

    Parameters
    ----------
    names : mapping of str to str
        What the reader calls an interval, and its name in the table of measured coverage.
    n : int
        Number of independent subjects, or of clusters.

    Examples
    --------
    >>> warnings({"bias": "clustered bias", "ICC": "ICC(2,1)"}, 20)
    ''
    """
    notes = ((name, coverage_note(interval, n)) for name, interval in names.items())
    return " ".join(f"{name}: {note}" for name, note in notes if note)


def intervals() -> list[str]:
    """Return the names of the intervals whose coverage was measured."""
    return sorted(_table())


@cache
def _table() -> dict[str, dict[int, tuple[float, str]]]:
    table: dict[str, dict[int, tuple[float, str]]] = {}
    with TABLE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            of = "images" if "images" in row["design"] else row["design"]
            found = float(row["coverage_percent"]), of
            table.setdefault(row["interval"], {})[int(row["n"])] = found
    return table
