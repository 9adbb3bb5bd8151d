"""By how much do two methods differ: image by image, and object by object."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from bioagree import population
from bioagree.comparison import PAIR_KEYS, Pair
from bioagree.features.dictionary import unit_of
from bioagree.statistics.concordance import icc, lins_ccc
from bioagree.statistics.equivalence import tost
from bioagree.statistics.known_coverage import coverage_note, warnings
from bioagree.statistics.magnitude import ratio_agreement, recommended_scale
from bioagree.statistics.object_agreement import agree
from bioagree.statistics.regression import deming, passing_bablok
from bioagree.truth import TRUTH

# What simulations call the intervals of objects in images of unlike size.
OF_OBJECTS = {
    "bias": "bias, clustered, CR2, unequal",
    "limits": "limit of agreement, clustered, MOVER, unequal",
    "slope": "proportional bias, clustered, CR2, unequal",
    "ccc": "concordance, clustered, jackknife, unequal",
    "deming_slope": "Deming slope, clustered, jackknife, unequal",
    "deming_intercept": "Deming intercept, clustered, jackknife, unequal",
}
FEWEST = 3  # images, below which nothing more than their difference is told


def further(pair: Pair, margin: float | None = None) -> list[dict]:
    """Return what else is known of two methods, a row a statistic.

    Parameters
    ----------
    pair : Pair
        Two methods over the images of one dimension.
    margin : float, optional
        Largest difference that does not matter.

    Returns
    -------
    list of dict
        `statistic`, `value`, `low`, `high`, `p`, `n`, `clusters`, `confidence`, `definition`,
        `coverage_warning` (where the interval is known to cover less than it says) and `note`,
        behind what the pair is.
    """
    if np.count_nonzero(~np.isnan(pair.first_values - pair.second_values)) < FEWEST:
        return []
    keys = pair.as_row()
    keys = {name: keys[name] for name in PAIR_KEYS}
    return [keys | row for row in _statistics(pair, margin)]


def _statistics(pair: Pair, margin: float | None) -> Iterator[dict]:
    first, second = pair.first_values, pair.second_values
    clusters = np.array(pair.clusters) if pair.repeated else None
    ccc = lins_ccc(first, second, clusters=clusters)
    about = f"variances divided by n - {ccc.ddof}; {ccc.interval}"
    yield _row("lins_ccc", ccc.ccc, ccc.low, ccc.high, ccc, about)
    table = icc(np.column_stack([first, second]), clusters=clusters)
    for form in table.forms.values():
        about = (
            f"{form.form} of Shrout & Fleiss, {form.mcgraw_wong} of McGraw & Wong; {table.interval}"
        )
        name = form.form.replace("k", str(table.raters))
        yield _row(name, form.icc, form.low, form.high, table, about, form.p)
    for name, line in (
        ("deming", deming(first, second, clusters=clusters)),
        ("passing_bablok", passing_bablok(first, second, clusters=clusters)),
    ):
        about = f"second on first; {line.interval}"
        for what in ("slope", "intercept"):
            values = (getattr(line, f"{what}{end}") for end in ("", "_low", "_high"))
            yield _row(f"{name}_{what}", *values, line, about)
        if name == "passing_bablok":
            test = "cusum test of linearity; p below 0.05 speaks against a line"
            yield _row("linearity_cusum", line.cusum, np.nan, np.nan, line, test, line.linearity_p)
    if not pair.repeated:
        ratio = ratio_agreement(first, second)
        scale = recommended_scale(first, second)
        about = f"first / second, from logarithms; recommended scale: {scale}"
        for name, key in (("ratio", "ratio"), ("ratio_lower", "lower"), ("ratio_upper", "upper")):
            values = (getattr(ratio, f"{key}{end}") for end in ("", "_low", "_high"))
            yield _row(name, *values, ratio, about)
    if margin is not None:
        test = tost(first - second, margin, clusters=clusters)
        about = f"two one-sided t tests against ±{margin:g}; interval at 90 %. {test.verdict}"
        yield _row("tost", test.mean, test.low, test.high, test, about, test.p) | {
            "confidence": 1 - 2 * test.alpha
        }


def _row(statistic, value, low, high, result, definition, p=np.nan) -> dict:
    clusters = getattr(result, "clusters", result.n)
    return {
        "statistic": statistic,
        "value": value,
        "low": low,
        "high": high,
        "p": p,
        "n": result.n,
        "clusters": clusters,
        "confidence": getattr(result, "confidence", 0.95),
        "definition": definition,
        "coverage_warning": coverage_note(statistic, clusters, clustered=clusters < result.n),
        "note": result.note,
    }


def of_objects(
    objects: Mapping[str, pd.DataFrame],
    overlaps: pd.DataFrame,
    methods: Sequence[str],
    features: Sequence[str],
    margins: Mapping[str, float],
) -> pd.DataFrame:
    """Compare every two sources on the objects that both found, feature by feature.

    Parameters
    ----------
    objects : mapping of str to pandas.DataFrame
        Objects of one dimension by source.
    overlaps : pandas.DataFrame
        From :func:`bioagree.population.stack_overlaps`.
    methods : sequence of str
        In the order to compare; the first of two is the minuend.
    features : sequence of str
    margins : mapping of str to float
        Largest difference of a feature that does not matter.

    Returns
    -------
    pandas.DataFrame
        Columns of :func:`bioagree.statistics.object_agreement.agree`, behind `first`, `second`,
        `feature` and `unit`; `coverage_warning` names intervals that are known to cover less than
        they say. Objects that touch the border of the image are left out.
    """
    used = [method for method in methods if method in objects]
    wanted = [(method, TRUTH) for method in used if TRUTH in objects]
    limits = np.array([margins.get(name, np.nan) for name in features])
    parts = []
    for first, second in [*wanted, *combinations(used, 2)]:
        one, other = matched(objects, overlaps, first, second)
        values = [side.reindex(columns=features).to_numpy(float) for side in (one, other)]
        found = agree(*values, one["cluster"].to_numpy(), margins=limits)
        table = pd.DataFrame(found)
        table["coverage_warning"] = [warnings(OF_OBJECTS, n) for n in table["clusters"]]
        for place, (name, value) in enumerate(
            {
                "first": first,
                "second": second,
                "feature": list(features),
                "unit": [unit_of(name) for name in features],
            }.items()
        ):
            table.insert(place, name, value)
        parts.append(table)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def matched(
    objects: Mapping[str, pd.DataFrame], overlaps: pd.DataFrame, first: str, second: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the objects that two sources share, without those on the border of the image.

    Overlaps name the truth first, methods in the study's order; either order may be asked.
    """
    order = (second, first) if second == TRUTH else (first, second)
    same = population.partners(overlaps, *order)
    sides = dict(zip(order, population.side_by_side(objects, same, *order), strict=True))
    inner = ~sides[first]["touches_border"].astype(bool)
    inner &= ~sides[second]["touches_border"].astype(bool)
    return sides[first][inner], sides[second][inner]
