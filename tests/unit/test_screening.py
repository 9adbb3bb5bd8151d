"""What a screening over features and segmentations must get right."""

import math
import warnings

import numpy as np
import pytest
from bioagree.statistics import effects
from bioagree.statistics.hypotheses import compare_groups, false_discovery_rates
from bioagree.statistics.screening import screen, sensitivity, survival
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

FEATURES = ["everywhere", "one method", "turned", "nothing"]


def study(seed=0, images=12, objects=30):
    """A truth and two methods: the same nuclei, measured with noise, and with errors."""
    random = np.random.default_rng(seed)
    clusters = np.repeat([f"image {i:02d}" for i in range(images)], objects)
    blocks = np.repeat([f"session {i // 4}" for i in range(images)], objects)
    groups = random.random(clusters.size) < 0.5
    base = random.normal(size=(clusters.size, 4)) + np.repeat(
        random.normal(0, 2, (images, 4)), objects, axis=0
    )
    truth = base + groups[:, None] * [1.0, 0.0, 1.0, 0.0]
    bad = base + groups[:, None] * [1.0, 1.0, -1.0, 0.0]
    noise = random.normal(0, 0.1, base.shape)
    return {
        "truth": (truth, groups, clusters, blocks),
        "good": (truth + noise, groups, clusters, blocks),
        "bad": (bad, groups, clusters, blocks),
    }


def screened(sources, names=FEATURES, **options):
    columns = screen(sources, names, **options)
    return columns | {"q": false_discovery_rates(columns["p"])}


def row(columns, source, feature):
    i = np.flatnonzero((columns["source"] == source) & (columns["feature"] == feature))
    return {name: column[i[0]] for name, column in columns.items()}


def answers(columns, **options):
    found = survival(columns, **options)
    return {
        feature: {name: column[i] for name, column in found.items()}
        for i, feature in enumerate(found["feature"])
    }


def test_every_row_is_the_primary_test_of_that_comparison():
    sources = study()
    values, groups, clusters, blocks = sources["bad"]
    values[3, 1] = np.nan
    columns = screened(sources)
    for i, feature in enumerate(FEATURES):
        one = compare_groups(values[:, i], groups, clusters, blocks=blocks).primary
        many = row(columns, "bad", feature)
        for name in ("effect", "standardised", "statistic", "freedom", "p", "n_first", "clusters"):
            assert many[name] == pytest.approx(getattr(one, name)), name
        assert (many["effect_low"], many["low"]) == pytest.approx((one.low, one.standardised_low))
        assert many["missing"] == (i == 1)


def test_survival_tells_the_four_answers_apart():
    found = answers(screened(study()))
    assert {name: entry["category"] for name, entry in found.items()} == {
        "everywhere": "all methods",
        "one method": "some methods",
        "turned": "opposite signs",
        "nothing": "none",
    }
    assert found["one method"]["answer"] == "only under bad"
    assert found["everywhere"]["answer"] == "holds under every method"
    assert found["turned"]["answer"] == "larger under truth and good, smaller under bad"
    assert not found["one method"]["reference_evidence"]


def test_a_feature_that_most_methods_show_names_the_others():
    columns = screened(study())
    columns["q"] = np.where(
        (columns["feature"] == "everywhere") & (columns["source"] == "good"), 0.5, columns["q"]
    )
    assert answers(columns)["everywhere"]["answer"] == "not under good"


def test_significant_here_and_not_there_is_not_yet_a_difference():
    columns = screened(study())
    here = (columns["feature"] == "everywhere") & (columns["source"] == "good")
    columns["q"] = np.where(here, 0.051, columns["q"])
    found = answers(columns)
    assert found["everywhere"]["category"] == "some methods"
    assert found["everywhere"]["changed"] == ""
    assert "bad" in found["turned"]["changed"]
    assert found["turned"]["changed_most"] == "bad"


def test_error_of_a_change_is_that_of_leaving_out_images():
    sources = study(3, images=14, objects=40)
    columns = screened(sources)

    def changes(kept):
        part = {
            name: (values[kept(clusters)], groups[kept(clusters)], clusters[kept(clusters)], None)
            for name, (values, groups, clusters, _) in sources.items()
        }
        return screen(part, FEATURES)["change"][len(FEATURES) :]

    images = np.unique(sources["truth"][2])
    without = np.array([changes(lambda clusters, i=i: clusters != i) for i in images])
    jackknife = np.sqrt(13 / 14 * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    half = (columns["change_high"] - columns["change"])[len(FEATURES) :]
    assert half == pytest.approx(stats.t.ppf(0.975, 13) * jackknife, rel=0.1)
    assert columns["change"][len(FEATURES) :] == pytest.approx(
        columns["standardised"][len(FEATURES) :] - np.tile(columns["standardised"][:4], 2)
    )


def test_what_two_sources_share_cancels_in_their_comparison():
    found = row(screened(study()), "good", "everywhere")
    alone = found["high"] - found["low"]
    assert found["change_high"] - found["change_low"] < alone / 3


def test_identical_sources_do_not_differ():
    sources = study()
    columns = screened(sources | {"copy": sources["truth"]})
    for feature in FEATURES:
        found = row(columns, "copy", feature)
        assert found["change"] == found["change_low"] == found["change_high"] == 0
        assert math.isnan(found["change_p"])
    assert all("copy" not in entry["changed"] for entry in answers(columns).values())


def test_a_confounding_session_is_seen():
    sources = study()
    values, groups, clusters, blocks = sources["truth"]
    values[:, 3] += 4 * (groups & (blocks == "session 2"))
    columns = screened({"truth": sources["truth"]})
    found = row(columns, "truth", "nothing")
    assert found["block_most"] == "session 2"
    assert found["block_low"] < 0.3 < found["standardised"]
    assert found["block_p"] > 0.05
    assert found["blocks"] == 3
    columns["q"][columns["feature"] == "nothing"] = 0.01
    assert answers(columns)["nothing"]["one_block"] == "truth (session 2)"
    assert answers(columns)["everywhere"]["one_block"] == ""


def test_evidence_that_vanishes_without_one_session_is_named():
    columns = screened({"truth": study()["truth"]})
    here = columns["feature"] == "everywhere"
    assert columns["block_low"][here][0] > 0
    columns["block_p"][here] = 0.2
    most = columns["block_most"][here][0]
    assert answers(columns)["everywhere"]["one_block"] == f"truth ({most})"


def test_influences_of_images_add_up_to_the_variance():
    random = np.random.default_rng(5)
    clusters, groups = np.repeat(np.arange(6), 20), np.tile([True, False], 60)
    values = random.normal(size=(120, 3)) + 2 * groups[:, None]
    found = effects.difference(effects.cells(values, ~groups, clusters, 6), effects.WITHIN, 0.95)
    error = (found.high - found.standardised) / stats.t.ppf(0.975, 5)
    assert np.sqrt((found.influence**2).sum(axis=0)) == pytest.approx(error)


def test_a_number_is_related_within_images():
    random = np.random.default_rng(1)
    clusters = np.repeat(np.arange(15), 40)
    x = random.normal(size=600) + np.repeat(random.normal(0, 5, 15), 40)
    # falls with x between images, rises within them
    values = 2 * x - np.repeat(random.normal(0, 1, 15), 40) + random.normal(size=600)
    values = (values - 5 * np.array([x[clusters == c].mean() for c in range(15)])[clusters])[
        :, None
    ]
    found = row(screen({"truth": (values, x, clusters, None)}, ["y"]), "truth", "y")
    inside = [a - np.array([a[clusters == c].mean() for c in range(15)])[clusters]
              for a in (x, values[:, 0])]  # fmt: skip
    line = stats.linregress(*inside)
    assert found["effect"] == pytest.approx(line.slope)
    assert found["standardised"] == pytest.approx(line.rvalue)
    assert found["low"] < found["standardised"] < found["high"] <= 1
    assert found["freedom"] == 14
    assert (found["n_first"], found["n_second"]) == (600, 0)


def test_clustered_errors_of_a_slope_are_those_of_statsmodels():
    import statsmodels.api as sm

    random = np.random.default_rng(2)
    clusters = np.repeat(np.arange(12), 25)
    x = random.normal(size=300)
    values = 0.2 * x + random.normal(size=300) + random.normal(0, 0.4, 12)[clusters] * x
    found = row(screen({"a": (values[:, None], x, clusters, None)}, ["y"]), "a", "y")
    centred = [a - (np.bincount(clusters, a) / 25)[clusters] for a in (values, x)]
    fit = sm.OLS(*centred).fit(
        cov_type="cluster",
        cov_kwds={"groups": clusters, "use_correction": False},
    )
    error = fit.bse[0] * math.sqrt(12 / 11)
    assert found["statistic"] == pytest.approx(fit.params[0] / error)
    assert found["p"] == pytest.approx(2 * stats.t.sf(abs(found["statistic"]), 11))


def test_a_number_of_the_image_is_related_to_image_means():
    random = np.random.default_rng(4)
    clusters = np.repeat(np.arange(9), 10)
    x = random.normal(size=9)
    values = random.normal(size=90) + 2 * x[clusters]
    found = row(screen({"a": (values[:, None], x[clusters], clusters, None)}, ["y"]), "a", "y")
    expected = stats.linregress(x, [values[clusters == c].mean() for c in range(9)])
    assert found["effect"] == pytest.approx(expected.slope)
    assert found["p"] == pytest.approx(expected.pvalue)
    assert found["standardised"] == pytest.approx(expected.rvalue)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_swapping_shifting_and_scaling_do_what_algebra_says(seed, shift, scale):
    sources = study(seed, images=6, objects=12)
    plain = screened(sources)
    swapped = screened({n: (v, ~g, c, b) for n, (v, g, c, b) in sources.items()})
    moved = screened({n: (shift + scale * v, g, c, b) for n, (v, g, c, b) in sources.items()})
    for name in ("effect", "standardised", "change"):
        assert swapped[name] == pytest.approx(-plain[name], nan_ok=True)
    assert swapped["low"] == pytest.approx(-plain["high"])
    assert moved["effect"] == pytest.approx(scale * plain["effect"], abs=1e-9)
    for name in ("standardised", "low", "p", "block_low", "change", "change_p"):
        assert moved[name] == pytest.approx(plain[name], nan_ok=True, rel=1e-6, abs=1e-9), name
        if name not in ("standardised", "low", "block_low", "change"):
            assert swapped[name] == pytest.approx(plain[name], nan_ok=True)


def test_undefined_values_leave_no_silent_nan():
    sources = study(images=6)
    values, groups, clusters, blocks = sources["truth"]
    values[:, 0] = 5.0
    values[:, 1] = np.nan
    values[:2, 2] = np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        columns = screened(sources)
        found = answers(columns)
    for i in np.flatnonzero(np.isnan(columns["p"])):
        assert columns["note"][i]
    assert row(columns, "truth", "everywhere")["effect"] == 0
    assert row(columns, "truth", "one method")["missing"] == len(values)
    assert row(columns, "truth", "turned")["missing"] == 2
    assert math.isnan(row(columns, "good", "everywhere")["change"])
    assert found["everywhere"]["category"] == "some methods"


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_objects_give_sentences(n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for x in (np.arange(n) % 2 == 0, np.arange(n, dtype=float)):
            values = np.arange(n, dtype=float)[:, None]
            columns = screened({"truth": (values, x, np.zeros(n, int), np.zeros(n, int))}, ["y"])
            assert math.isnan(columns["p"][0])
            assert columns["note"][0]
            assert survival(columns)["category"][0] == "none"


def test_wrong_shapes_and_clusters_in_two_blocks_are_refused():
    values, groups, clusters = np.zeros((4, 1)), np.array([True, False] * 2), np.zeros(4, int)
    with pytest.raises(ValueError, match="values of a must have the shape"):
        screen({"a": (values, groups, clusters, None)}, ["x", "y"])
    with pytest.raises(ValueError, match="groups of a must have one entry"):
        screen({"a": (values, groups[:3], clusters, None)}, ["x"])
    with pytest.raises(ValueError, match="two blocks"):
        screen({"a": (values, groups, clusters, np.arange(4))}, ["x"])
    with pytest.raises(ValueError, match="true or false"):
        screen({"a": (values, np.array(list("abab")), clusters, None)}, ["x"])
    with pytest.raises(ValueError, match="column q"):
        survival(screen({"a": (values, groups, clusters, None)}, ["x"]))


def test_sensitivity_counts_what_another_choice_changes():
    first = screened(study())
    second = {name: column.copy() for name, column in first.items()}
    here = (second["source"] == "bad") & (second["feature"] == "one method")
    second["standardised"][here] -= 3
    found = sensitivity(first, second)
    bad = found["source"].tolist().index("bad")
    assert found["reversed"].tolist() == [0, 0, 1]
    assert found["feature"][bad] == "one method"
    assert found["largest_difference"][bad] == pytest.approx(-3)
    assert found["kept"].tolist() == [2, 2, 2]


def test_redundant_features_are_marked():
    found = survival(screened(study()), represented_by={"turned": "everywhere"})
    assert found["represented_by"].tolist() == ["everywhere", "one method", "everywhere", "nothing"]


@pytest.mark.slow
def test_without_any_effect_discoveries_are_as_rare_as_promised():
    random = np.random.default_rng(0)
    discoveries, changes, runs = 0, [], 300
    for _ in range(runs):
        clusters = np.repeat(np.arange(12), random.integers(5, 30, 12))
        groups = random.random(clusters.size) < 0.5
        truth = random.normal(size=(clusters.size, 15))
        truth += random.normal(0, 0.3, (12, 15))[clusters] * groups[:, None]
        sources = {"truth": (truth, groups, clusters, None)}
        for method in "ab":
            error = random.normal(0, 0.5, truth.shape)
            error += random.normal(0, 0.2, (12, 15))[clusters] * groups[:, None]
            sources[method] = (truth + error, groups, clusters, None)
        columns = screened(sources, [str(i) for i in range(15)])
        discoveries += bool((columns["q"] < 0.05).any())
        changes.append(columns["change_p"][columns["source"] != "truth"])
    assert discoveries / runs <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)
    assert 0.035 < np.mean(np.concatenate(changes) < 0.05) < 0.065
