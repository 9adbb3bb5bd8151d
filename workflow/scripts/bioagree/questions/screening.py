"""Which features differ between groups, under which segmentation, and does the answer survive?"""

from collections.abc import Mapping, Sequence

import pandas as pd

from bioagree import population
from bioagree.features.dictionary import title_of, unit_of
from bioagree.questions import testing
from bioagree.questions.groups import MAIN, Choice, Grouped
from bioagree.statistics import correlation, screening
from bioagree.statistics.hypotheses import false_discovery_rates
from bioagree.tables import Columns

REDUNDANT_ABOVE = 0.9  # correlation within images at which one feature stands for another


def of_groups(grouped: Grouped, chosen: Sequence[str] | None) -> pd.DataFrame:
    """Compare the groups by every feature, source by source, for every choice of objects.

    Parameters
    ----------
    grouped : Grouped
        Objects of one dimension.
    chosen : sequence of str, optional
        Groups of features, or features; all unless given.

    Returns
    -------
    pandas.DataFrame
        The columns of :func:`bioagree.statistics.screening.screen`, behind `choice`.
    """
    parts = []
    for choice in grouped.choices:
        objects = grouped.choose(choice)
        related = {
            source: (frame["group"] == grouped.names[0]).to_numpy()
            for source, frame in objects.items()
        }
        parts.append(_screen(objects, related, population.features_of(objects, chosen), choice))
    return pd.concat(parts, ignore_index=True)


def of_feature(grouped: Grouped, relate_to: str, chosen: Sequence[str] | None) -> pd.DataFrame:
    """Relate every feature to one of them, source by source, as :func:`of_groups`.

    Each source measures both features; objects on the border of the image are left out.
    """
    objects = {
        source: population.inside(frame)
        for source, frame in grouped.objects.items()
        if relate_to in frame
    }
    related = {source: frame[relate_to].to_numpy(float) for source, frame in objects.items()}
    features = population.features_of(objects, chosen)
    return _screen(objects, related, [name for name in features if name != relate_to], MAIN)


def redundant(grouped: Grouped, chosen: Sequence[str] | None) -> pd.DataFrame:
    """Say which features say the same as another, which then stands for them in the picture.

    Returns
    -------
    pandas.DataFrame
        `feature` and `represented_by`, from correlations within images, in the truth if there is
        one, else in the first method.
    """
    frame = grouped.any()
    features = population.features_in(frame, chosen)
    found = correlation.correlations(frame[features].to_numpy(float), frame["cluster"].to_numpy())
    groups = correlation.redundant_groups(found.pearson_within, features, REDUNDANT_ABOVE)
    stands = correlation.represented_by(groups)
    return pd.DataFrame(
        {"feature": features, "represented_by": [stands.get(name, name) for name in features]}
    )


def with_q(effects: pd.DataFrame, tests: pd.DataFrame, question: str) -> pd.DataFrame:
    """Return effects with q: over all tests of the study, of other choices within each of these."""
    main = effects[effects["choice"] == MAIN.name]
    keys = {"dimensions": "dimensions", "source": "source", "feature": "quantity"}
    for test, column in (("difference", "q"), ("change against the truth", "change_q")):
        of_test = tests[tests["test"] == test]
        main = testing.with_q(main, of_test, question, keys, column)
    others = _with_own_q(effects[effects["choice"] != MAIN.name])
    return pd.concat([main, others], ignore_index=True)


def _with_own_q(effects: pd.DataFrame) -> pd.DataFrame:
    """Return effects with q over the tests of the same choice of objects only."""
    by_choice = effects.groupby(["choice", "dimensions"], sort=False)
    adjusted = {
        column: by_choice[p].transform(lambda p: false_discovery_rates(p.to_numpy()))
        for column, p in (("q", "p"), ("change_q", "change_p"))
    }
    return effects.assign(**adjusted)


def survivals(effects: pd.DataFrame, stands: pd.DataFrame) -> pd.DataFrame:
    """Say of every feature, and of every choice of objects, whether its answer survives.

    Parameters
    ----------
    effects : pandas.DataFrame
        From :func:`with_q`.
    stands : pandas.DataFrame
        `dimensions`, `feature` and `represented_by`.

    Returns
    -------
    pandas.DataFrame
        The columns of :func:`bioagree.statistics.screening.survival`, behind `dimensions` and
        `choice`.
    """
    parts = []
    for (dimensions, choice), part in effects.groupby(["dimensions", "choice"], sort=False):
        here = stands[stands["dimensions"] == dimensions]
        names = dict(zip(here["feature"], here["represented_by"], strict=True))
        found = screening.survival(columns_of(part), represented_by=names)
        parts.append(pd.DataFrame(found).assign(dimensions=dimensions, choice=choice))
    table = pd.concat(parts, ignore_index=True)
    first = ["dimensions", "choice"]
    return table[[*first, *table.columns.drop(first)]]


def sensitivity(effects: pd.DataFrame, stands: pd.DataFrame) -> pd.DataFrame:
    """Say what each other choice of objects changes in the answer, source by source.

    So that choices differ in their objects only, q is taken within each of them here.

    Parameters
    ----------
    effects, stands : pandas.DataFrame
        As for :func:`survivals`.

    Returns
    -------
    pandas.DataFrame
        The columns of :func:`bioagree.statistics.screening.sensitivity`, behind `dimensions` and
        `choice`; and `other_category`: features whose answer under all sources together changes.
    """
    parts = []
    keys = ["dimensions", "choice"]
    effects = _with_own_q(effects)
    answers = survivals(effects, stands).set_index([*keys, "feature"])["category"]
    for (dimensions, choice), part in effects.groupby(keys, sort=False):
        if choice == MAIN.name:
            continue
        main = effects[(effects["dimensions"] == dimensions) & (effects["choice"] == MAIN.name)]
        found = pd.DataFrame(screening.sensitivity(columns_of(main), columns_of(part)))
        before, after = (answers[dimensions][name] for name in (MAIN.name, choice))
        other = int((before.reindex(after.index) != after).sum())
        parts.append(found.assign(dimensions=dimensions, choice=choice, other_category=other))
    if not parts:
        return pd.DataFrame(columns=[*keys, "source", "features", "other_category"])
    table = pd.concat(parts, ignore_index=True)
    return table[[*keys, *table.columns.drop(keys)]]


def confounders(objects: pd.DataFrame) -> list[str]:
    """Say in sentences which conditions come from a single imaging session.

    Parameters
    ----------
    objects : pandas.DataFrame
        Objects of one source, with `block` and `condition`.
    """
    sentences = []
    conditions = [name for name in objects["condition"].unique() if name]
    for condition in conditions if len(conditions) > 1 else ():
        blocks = objects.loc[objects["condition"] == condition, "block"].unique()
        if len(blocks) == 1 and objects["block"].nunique() > 1:
            sentences.append(
                f"{condition} comes from a single imaging session ({blocks[0]}): what is "
                f"particular to {condition} cannot be told from what is particular to that session."
            )
    return sentences


def to_draw(
    effects: pd.DataFrame, survival: pd.DataFrame, dimensions: int
) -> tuple[Columns, Columns, dict]:
    """Return what a figure shows of one dimension: effects, survival, and units and labels."""
    effects, survival = (
        columns_of(table[(table["dimensions"] == dimensions) & (table["choice"] == MAIN.name)])
        for table in (effects, survival)
    )
    features = survival.get("feature", ())
    words = {
        "units": {name: unit_of(name) for name in features},
        "labels": {name: title_of(name) for name in features},
    }
    return effects, survival, words


def short(question: Mapping, titles: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return what objects are called, and the groups without that: nuclei, with and without.

    Where features are related to one of them, that one stands in the place of the groups.
    """
    if "relate_to" in question:
        return "objects", (title_of(question["relate_to"]),)
    first, second = titles
    objects, _, rest = first.partition(" ")
    other, _, others = second.partition(" ")
    if rest and others and objects == other:
        return objects, (rest, others)
    return "objects", (first, second)


def columns_of(table: pd.DataFrame) -> Columns:
    """Return a data frame as plain columns."""
    return {name: table[name].to_numpy() for name in table.columns}


def _screen(
    objects: Mapping[str, pd.DataFrame], related: Mapping, features: list[str], choice: Choice
) -> pd.DataFrame:
    sources = {
        source: (
            frame.reindex(columns=features).to_numpy(float),
            related[source],
            frame["cluster"].to_numpy(),
            frame["block"].to_numpy(),
        )
        for source, frame in objects.items()
    }
    table = pd.DataFrame(screening.screen(sources, features))
    table.insert(0, "choice", choice.name)
    return table
