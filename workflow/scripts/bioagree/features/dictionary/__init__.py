"""Every feature, declared once: name with unit, definition, source, and what others call it.

The table schema, the docs, the report's tooltips and the choice of features in the config all
come from these declarations; one module for each group. Nothing here computes anything, so that
whoever only needs names and units imports no numerical package.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module

GROUPS = (
    "size",
    "intensity",
    "texture",
    "shape",
    "surface",
    "topology",
    "colocalisation",
    "distribution",
    "motion",
    "ibsi",
)
KINDS = ("number", "integer", "boolean", "string")
# What may stand for a placeholder in a name, as a regular expression.
PLACEHOLDERS = {
    "axis": "[zyx]",
    "channel": "[A-Za-z0-9_-]+?",
    "other": "[A-Za-z0-9_-]+?",
    "percent": "[0-9]+(?:[.][0-9]+)?",
    "distance": "[0-9]+(?:[.][0-9]+)?",
    "count": "[0-9]+",
}


@dataclass(frozen=True)
class Feature:
    """One column of a feature table, or several that differ in an axis or a channel.

    Parameters
    ----------
    name : str
        Column name; carries the unit, and the direction of a ratio where the field disagrees.
        ``{axis}``, ``{channel}``, … stand for each of them, see :data:`PLACEHOLDERS`.
    unit : str
        Unit as people write it (µm², s); empty for ratios, counts and flags.
    definition : str
        What it is, with the formula, in one or two sentences, and when it is NaN.
    source : str
        Paper or standard; an IBSI code in brackets where there is one.
    dimensions : tuple of int
        Which images have it: 2, 3, or both.
    kind : str
        One of :data:`KINDS`.
    elsewhere : str
        Under which name, and with what other definition, people know it from other tools.
    needs : str
        What must be there: ``""``, ``"intensity"``, ``"channels"`` (two), or ``"time"``.
    of : str
        What has one row in the table that holds it: ``"object"``, ``"track"`` or ``"image"``.
    place : bool
        Whether it only says where the object is, or how it is turned: nothing by which objects of
        different images could be compared.
    """

    name: str
    unit: str
    definition: str
    source: str = ""
    dimensions: tuple[int, ...] = (2, 3)
    kind: str = "number"
    elsewhere: str = ""
    needs: str = ""
    of: str = "object"
    place: bool = False

    @property
    def pattern(self) -> re.Pattern:
        """Matches the columns that this feature gives."""
        parts = re.split(r"\{(\w+)\}", self.name)
        texts = [re.escape(t) if i % 2 == 0 else PLACEHOLDERS[t] for i, t in enumerate(parts)]
        return re.compile("".join(texts))


@cache
def features_of(group: str) -> tuple[Feature, ...]:
    """Return the features of one of :data:`GROUPS`."""
    return import_module(f"bioagree.features.dictionary.{group}").FEATURES


def group_of(name: str) -> str | None:
    """Return the group that declares a feature by this name, placeholders included."""
    for group in GROUPS:
        if any(feature.name == name for feature in features_of(group)):
            return group
    return None


@cache
def feature_of(column: str) -> Feature | None:
    """Return the feature that a column of a table holds; None for names such as ``label``.

    Of several that fit, it is the one with the longest name: ``ibsi_mean_absolute_deviation_a`` is
    not the mean of a channel called ``absolute_deviation_a``.
    """
    every = (feature for group in GROUPS for feature in features_of(group))
    fitting = (feature for feature in every if feature.pattern.fullmatch(column))
    return max(fitting, key=lambda feature: len(feature.name), default=None)


def unit_of(column: str) -> str:
    """Return the unit of a feature table's column, empty when it has none."""
    feature = feature_of(column)
    return feature.unit if feature else ""


def title_of(column: str) -> str:
    """Return a feature table's column as people read it: without underscores and unit."""
    return re.sub(r"_(per_)?(um[23]?|deg|s|bits)(?=$|_)", "", column).replace("_", " ")
