"""Which features say the same, and does that depend on the segmentation?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bioagree import population
from bioagree.statistics import correlation
from bioagree.truth import TRUTH

LARGEST = 20  # differences of a method to the truth that are listed


@dataclass(frozen=True)
class Answer:
    """Correlations of all features of one dimension, under every source.

    Parameters
    ----------
    features : list of str
    found : dict of str to Correlations
        By source.
    reference : str
        The truth, or the first method where there is none; its matrix gives the order.
    order : numpy.ndarray of int
    groups : dict of str to list of Group
        Redundant features by source.
    differences : dict of str to Difference
        Each method minus the reference.
    """

    features: list[str]
    found: dict[str, correlation.Correlations]
    reference: str
    order: np.ndarray
    groups: dict[str, list[correlation.Group]]
    differences: dict[str, correlation.Difference]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return all pairs of features, the redundant groups, and the largest differences."""
        i, j = np.triu_indices(len(self.features), 1)
        names = np.array(self.features, dtype=object)
        kinds = ("pearson", "spearman", "pearson_within", "spearman_within", "n")
        pairs = [
            pd.DataFrame(
                {"source": source, "first": names[i], "second": names[j]}
                | {kind: getattr(one, kind)[i, j] for kind in kinds}
            )
            for source, one in self.found.items()
        ]
        groups = [
            {
                "source": source,
                "represented_by": group.name,
                "members": ", ".join(group.members),
                "least_correlation": group.least,
            }
            for source, listed in self.groups.items()
            for group in listed
        ]
        gaps = [
            {"source": source, **row}
            for source, one in self.differences.items()
            for row in one.largest(self.features, LARGEST)
        ]
        return {
            "correlations": pd.concat(pairs, ignore_index=True),
            "redundant": pd.DataFrame(groups),
            "differences": pd.DataFrame(gaps),
        }


def answer(
    objects: Mapping[str, pd.DataFrame], chosen: Sequence[str] | None, redundant_above: float
) -> Answer:
    """Correlate the features of one dimension under every source.

    Parameters
    ----------
    objects : mapping of str to pandas.DataFrame
        By source; objects on the border of the image are left out.
    chosen : sequence of str, optional
        Groups of features, or features; all unless given.
    redundant_above : float
        Least average correlation (absolute, within images) of features that say the same.
    """
    inner = {source: population.inside(frame) for source, frame in objects.items()}
    reference = TRUTH if TRUTH in inner else next(iter(inner))
    features = population.features_of(inner, chosen)
    values = {s: frame.reindex(columns=features).to_numpy(float) for s, frame in inner.items()}
    clusters = {source: frame["cluster"].to_numpy() for source, frame in inner.items()}
    found = {s: correlation.correlations(values[s], clusters[s]) for s in inner}
    return Answer(
        features,
        found,
        reference,
        correlation.cluster_order(found[reference].pearson_within),
        {
            s: correlation.redundant_groups(one.pearson_within, features, redundant_above)
            for s, one in found.items()
        },
        {
            s: correlation.difference(
                values[s], clusters[s], values[reference], clusters[reference]
            )
            for s in inner
            if s != reference
        },
    )
