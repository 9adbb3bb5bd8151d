"""What a comparison of groups within clusters must get right."""

import math
import warnings

import numpy as np
import pingouin
import pytest
from bioagree.statistics import effects, mixed, omnibus, ranks
from bioagree.statistics.effects import BETWEEN, WITHIN
from bioagree.statistics.hypotheses import compare_groups, false_discovery_rates
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec
from statsmodels.stats.anova import AnovaRM

# Student, Biometrika 1908;6:1-25: hours of sleep gained with two drugs by the same ten patients,
# as printed by Cushny & Peebles 1905. Paired t 4.0621 on 9 degrees of freedom, p 0.00283.
SLEEP_FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def images(seed=0, number=8, objects=(6, 30), effect=1.0, between=2.0):
    """Objects of two groups in images of different size."""
    random = np.random.default_rng(seed)
    sizes = random.integers(*objects, number)
    clusters = np.repeat(np.arange(number), sizes)
    groups = random.random(clusters.size) < 0.4
    for cluster in range(number):  # every image holds both groups
        groups[np.flatnonzero(clusters == cluster)[:4]] = [True, True, False, False]
    values = random.normal(0, between, number)[clusters] + random.normal(10, 1, clusters.size)
    return values + effect * groups, groups, clusters


def between(seed=0, number=12, objects=9, effect=1.0):
    """Images of one group each."""
    random = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(number), objects)
    groups = clusters % 2 == 0
    values = random.normal(0, 1, number)[clusters] + random.normal(10, 1, clusters.size)
    return values + effect * groups, groups, clusters


def by_name(result, part):
    return next(test for test in result.tests if part in test.test)


def test_one_value_a_group_and_patient_is_students_paired_t_test():
    values = SLEEP_SECOND + SLEEP_FIRST
    result = compare_groups(
        values,
        ["second"] * 10 + ["first"] * 10,
        [*range(10)] * 2,
        names={"second": "second drug", "first": "first drug"},
    )
    assert result.design == WITHIN
    assert result.primary.effect == pytest.approx(1.58)
    assert result.primary.statistic == pytest.approx(4.0621, abs=5e-5)
    assert result.primary.freedom == 9
    assert result.primary.p == pytest.approx(0.00283, abs=5e-6)
    model = by_name(result, "mixed")
    assert (model.statistic, model.p) == pytest.approx((4.0621, 0.00283), abs=1e-4)
    assert model.freedom == 9


def test_groups_within_images_are_compared_with_the_paired_t_test_of_image_means():
    values, groups, clusters = images(seed=2, effect=0.3)
    result = compare_groups(values, groups, clusters).primary
    means = [[values[(clusters == c) & (groups == g)].mean() for c in range(8)] for g in (1, 0)]
    expected = stats.ttest_rel(*means)
    interval = expected.confidence_interval()
    assert result.statistic == pytest.approx(expected.statistic)
    assert result.p == pytest.approx(expected.pvalue)
    assert (result.low, result.high) == pytest.approx((interval.low, interval.high))


def test_images_of_one_group_are_compared_with_welchs_test_of_their_means():
    values, groups, clusters = between()
    result = compare_groups(values, groups, clusters)
    means = [[values[clusters == c].mean() for c in range(12) if (c % 2 == 0) == g] for g in (1, 0)]
    expected = stats.ttest_ind(*means, equal_var=False)
    assert result.design == BETWEEN
    assert result.primary.statistic == pytest.approx(expected.statistic)
    assert (result.primary.freedom, result.primary.p) == pytest.approx(
        (expected.df, expected.pvalue)
    )
    rank = by_name(result, "Mann-Whitney test")
    assert rank.p == pytest.approx(stats.mannwhitneyu(*means).pvalue)


def test_independent_objects_give_hedges_g():
    random = np.random.default_rng(3)
    first, second = random.normal(1, 1, 14), random.normal(0, 2, 11)
    result = compare_groups([*first, *second], [True] * 14 + [False] * 11, np.arange(25)).primary
    expected = pingouin.compute_effsize(first, second, eftype="hedges")
    assert result.standardised == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("pure", [False, True])
def test_interval_of_a_large_standardised_effect_is_that_of_leaving_out_images(pure):
    make = between if pure else images
    values, groups, clusters = make(seed=12, number=40, objects=12 if pure else (8, 30), effect=4)
    # images of larger spread have larger effects, so that errors of the two depend on each other
    values = 10 + (values - 10) * np.random.default_rng(0).uniform(0.5, 1.5, 40)[clusters]
    result = compare_groups(values, groups, clusters).primary

    def without(cluster):
        rest = clusters != cluster
        return compare_groups(values[rest], groups[rest], clusters[rest]).primary.standardised

    moved = np.array([without(cluster) for cluster in range(40)])
    error = math.sqrt(39 / 40 * ((moved - moved.mean()) ** 2).sum())
    half = result.standardised_high - result.standardised
    assert half == pytest.approx(stats.t.ppf(0.975, result.freedom) * error, rel=0.1)


def test_independent_objects_give_the_area_under_the_roc_curve_with_delongs_error():
    random = np.random.default_rng(4)
    first, second = random.normal(1, 1, 12), random.normal(0, 1, 15)
    values, groups = np.concatenate([first, second]), np.repeat([False, True], [12, 15])
    probability, error, freedom = ranks.superiority_between(values, groups, np.arange(27))
    assert probability == pytest.approx(stats.mannwhitneyu(first, second).statistic / (12 * 15))
    above = first[:, None] > second
    variance = above.mean(1).var(ddof=1) / 12 + above.mean(0).var(ddof=1) / 15
    assert error == pytest.approx(math.sqrt(variance))
    expected = stats.brunnermunzel(second, first)
    statistic = (probability - 0.5) / error
    assert statistic == pytest.approx(expected.statistic)
    assert 2 * stats.t.sf(abs(statistic), freedom) == pytest.approx(expected.pvalue)


def test_probability_of_superiority_is_that_of_every_image_averaged():
    values, groups, clusters = images(seed=6)
    result = by_name(compare_groups(values, groups, clusters), "superiority")
    each = []
    for cluster in np.unique(clusters):
        first, second = (values[(clusters == cluster) & (groups == g)] for g in (True, False))
        each.append(stats.mannwhitneyu(first, second).statistic / first.size / second.size)
    expected = stats.ttest_1samp(each, 0.5)
    assert (result.effect, result.p) == pytest.approx((np.mean(each), expected.pvalue))
    assert result.freedom == len(each) - 1


@pytest.mark.parametrize("n", [6, 10, 25])
def test_signed_rank_interval_agrees_with_the_test(n):
    random = np.random.default_rng(n)
    differences = random.normal(0.5, 1, n)
    result = ranks.signed_rank(differences, 0.95)
    assert result["p"] == pytest.approx(stats.wilcoxon(differences).pvalue)

    def p(shift):
        return stats.wilcoxon(differences - shift).pvalue

    tiny = 1e-9  # the interval holds the shifts that the exact test at 5 % does not reject
    assert p(result["low"] + tiny) > 0.05 >= p(result["low"] - tiny)
    assert p(result["high"] - tiny) > 0.05 >= p(result["high"] + tiny)


def test_rank_sum_interval_agrees_with_the_test():
    random = np.random.default_rng(1)
    first, second = random.normal(1, 1, 7), random.normal(0, 1, 9)
    result = ranks.rank_sum(first, second, 0.95)

    def p(shift):
        return stats.mannwhitneyu(first - shift, second, method="exact").pvalue

    tiny = 1e-9
    assert p(result["low"] + tiny) > 0.05 >= p(result["low"] - tiny)
    assert p(result["high"] - tiny) > 0.05 >= p(result["high"] + tiny)


def test_few_differences_have_no_rank_interval():
    assert math.isnan(ranks.signed_rank([1, 2, 3, 4, 5], 0.95)["low"])
    assert ranks.signed_rank([1, 2, 3, 4, 5, 6], 0.95)["low"] == 1
    assert math.isnan(ranks.rank_sum([1, 2, 3], [4, 5, 6], 0.95)["low"])


def test_mixed_model_is_that_of_statsmodels():
    values, groups, clusters = images(seed=8, number=9)
    mine = mixed.random_intercepts(values, (~groups).astype(int), clusters, within=True)
    design = np.column_stack([np.ones(values.size), groups]).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = MixedLM(values, design, clusters).fit(reml=True)
    assert mine.effect == pytest.approx(fit.params[1], rel=1e-4)
    # statsmodels inverts the information on coefficients and variances together
    assert mine.error == pytest.approx(fit.bse[1], rel=5e-4)
    share = fit.cov_re[0, 0] / (fit.cov_re[0, 0] + fit.scale)
    assert mine.share_clusters == pytest.approx(share, rel=1e-3)


def test_mixed_model_nested_in_sessions_is_that_of_statsmodels():
    random = np.random.default_rng(11)
    clusters = np.repeat(np.arange(24), 10)
    blocks = clusters // 4
    groups = random.random(240) < 0.5
    values = random.normal(0, 1, 24)[clusters] + random.normal(0, 2, 6)[blocks]
    values = values + groups + random.normal(0, 1, 240)
    mine = mixed.random_intercepts(values, (~groups).astype(int), clusters, blocks, within=True)
    names, matrices = [], []
    for block in range(6):
        here = clusters[blocks == block]
        inside = np.unique(here)
        names.append([str(cluster) for cluster in inside])
        matrices.append((here[:, None] == inside).astype(float))
    design = np.column_stack([np.ones(240), groups]).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MixedLM(
            values, design, blocks, exog_re=np.ones(240),
            exog_vc=VCSpec(["cluster"], [names], [matrices]),
        )  # fmt: skip
        fit = model.fit(reml=True)
    total = fit.cov_re[0, 0] + fit.vcomp[0] + fit.scale
    assert mine.effect == pytest.approx(fit.params[1], rel=1e-3)
    assert mine.error == pytest.approx(fit.bse_fe[1], rel=1e-3)
    assert mine.share_blocks == pytest.approx(fit.cov_re[0, 0] / total, rel=0.01)
    assert mine.share_clusters == pytest.approx(fit.vcomp[0] / total, rel=0.01)


def three_groups(seed=0, number=9):
    random = np.random.default_rng(seed)
    table = random.normal(0, 1, (number, 3)) * [1, 2, 3] + random.normal(0, 2, (number, 1))
    clusters, groups = np.indices(table.shape)
    return table, table.ravel(), groups.ravel(), clusters.ravel()


def test_three_groups_within_images_are_repeated_measures():
    import pandas

    table, values, groups, clusters = three_groups()
    result = compare_groups(values, groups, clusters)
    frame = pandas.DataFrame({"y": values, "g": groups, "c": clusters})
    classic = AnovaRM(frame, "y", "c", within=["g"]).fit().anova_table
    corrected = pingouin.rm_anova(frame, dv="y", within="g", subject="c", correction=True)
    assert result.primary.statistic == pytest.approx(classic["F Value"].iloc[0])
    column = "p_GG_corr" if "p_GG_corr" in corrected else "p-GG-corr"
    assert result.primary.p == pytest.approx(corrected[column].iloc[0], rel=1e-3)
    friedman = by_name(result, "Friedman")
    assert friedman.p == pytest.approx(stats.friedmanchisquare(*table.T).pvalue)
    pairs = [test for test in result.tests if test.first]
    assert [(test.first[-1], test.second[-1]) for test in pairs] == [
        ("0", "1"), ("0", "2"), ("1", "2"),
    ]  # fmt: skip
    expected = stats.ttest_rel(table[:, 0], table[:, 2])
    assert pairs[1].p == pytest.approx(expected.pvalue)


def test_three_groups_of_images_are_welchs_analysis_of_variance():
    import pandas

    random = np.random.default_rng(1)
    sides = [random.normal(i, 1 + i, 6 + i) for i in range(3)]
    frame = pandas.DataFrame({"y": np.concatenate(sides), "g": np.repeat(range(3), [6, 7, 8])})
    expected = pingouin.welch_anova(frame, dv="y", between="g")
    column = "p_unc" if "p_unc" in expected else "p-unc"
    f, freedom, _, p, _ = omnibus.welch(sides)
    assert (f, freedom, p) == pytest.approx(
        (expected["F"].iloc[0], expected["ddof2"].iloc[0], expected[column].iloc[0])
    )
    result = compare_groups(frame["y"], frame["g"], np.arange(21))
    assert by_name(result, "Kruskal").p == pytest.approx(stats.kruskal(*sides).pvalue)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1e3, 1e3), st.floats(0.1, 100), st.booleans())
def test_swapping_shifting_and_scaling_do_what_algebra_says(seed, shift, scale, pure):
    values, groups, clusters = between(seed) if pure else images(seed)
    plain = compare_groups(values, groups, clusters)
    swapped = compare_groups(values, ~groups, clusters)
    moved = compare_groups(shift + scale * values, groups, clusters)
    for test, other, far in zip(plain.tests, swapped.tests, moved.tests, strict=True):
        tolerance = {"rel": 1e-5, "abs": 1e-9}
        if "superiority" in test.test:
            assert other.effect == pytest.approx(1 - test.effect)
            assert far.effect == pytest.approx(test.effect)
        else:
            assert other.effect == pytest.approx(-test.effect, **tolerance)
            assert (other.low, other.high) == pytest.approx((-test.high, -test.low), **tolerance)
            assert far.effect == pytest.approx(scale * test.effect, rel=1e-5, abs=1e-7 * scale)
        assert (other.p, far.p) == pytest.approx((test.p, test.p), rel=1e-4)
        assert (other.n_first, other.n_second) == (test.n_second, test.n_first)
    assert moved.primary.standardised == pytest.approx(plain.primary.standardised, rel=1e-6)
    assert (
        plain.primary.standardised_low
        < plain.primary.standardised
        < plain.primary.standardised_high
    )


def test_what_differs_between_images_cancels_within_them():
    values, groups, clusters = images()
    shifts = np.random.default_rng(0).normal(0, 1000, 8)
    near, far = (
        compare_groups(v, groups, clusters).primary for v in (values, values + shifts[clusters])
    )
    assert far.effect == pytest.approx(near.effect)
    assert far.p == pytest.approx(near.p)
    assert far.standardised == pytest.approx(near.standardised)


def test_identical_groups_differ_by_zero():
    values = np.tile([3.0, 3.0, 5.0, 5.0, 0.1, 0.1], 6)
    groups = np.tile([True, False], 18)
    clusters = np.repeat(np.arange(6), 6)
    result = compare_groups(values, groups, clusters)
    assert result.primary.effect == 0
    assert (result.primary.low, result.primary.high) == (0, 0)
    assert math.isnan(result.primary.p)
    assert "nothing to test" in result.primary.note
    assert by_name(result, "superiority").effect == pytest.approx(0.5)


def test_images_that_lack_a_group_are_left_out_and_counted():
    values, groups, clusters = images()
    more = compare_groups(
        np.append(values, [1e6] * 5), np.append(groups, [False] * 5), np.append(clusters, [99] * 5)
    )
    assert more.primary.effect == pytest.approx(
        compare_groups(values, groups, clusters).primary.effect
    )
    assert more.note == "1 of 9 images lack a group and are left out."
    assert more.primary.clusters == 8


def test_missing_values_are_dropped_and_counted():
    values, groups, clusters = images()
    clean = compare_groups(values, groups, clusters)
    dirty = compare_groups(
        np.append(values, [np.nan, 3, 4]), [*groups.tolist(), True, None, False],
        [*clusters.tolist(), 0, 0, None],
    )  # fmt: skip
    assert dirty.missing == 3
    assert dirty.primary == clean.primary


@pytest.mark.parametrize(
    ("values", "groups", "clusters", "says"),
    [
        ([], [], [], "no group"),
        ([1.0], [True], [0], "one group"),
        ([1.0, 2.0], [True, True], [0, 1], "one group"),
        ([1.0, 2.0], [True, False], [0, 0], "1 cluster"),
        ([1.0, 2.0], [True, False], [0, 1], "1 cluster in one group"),
        ([np.nan] * 4, [True, False] * 2, [0, 0, 1, 1], "no cluster allows"),
        ([7.0] * 8, [True, False] * 4, [0, 0, 1, 1, 2, 2, 3, 3], "nothing to test"),
        ([7.0] * 8, [True, False] * 4, range(8), "are equal"),
        ([1.0, 2.0, 4.0, 3.0], [True, False] * 2, [0, 0, 1, 1], "only 2 clusters"),
    ],
)
def test_too_little_data_gives_a_sentence_and_no_crash(values, groups, clusters, says):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compare_groups(values, groups, list(clusters))
        rows = result.as_rows()
        sentence = result.sentence()
    assert says.lower() in result.primary.note.lower()
    assert math.isnan(result.primary.p) or says == "only 2 clusters"
    assert sentence.strip()
    for row in rows:
        assert row["note"] or not math.isnan(row["p"])
    assert all(check.note or check.holds != "unknown" for check in result.checks)


def test_infinite_values_clusters_in_two_blocks_and_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match=r"values\[1\] is inf"):
        compare_groups([1, np.inf], [True, False], [0, 0])
    with pytest.raises(ValueError, match="two blocks"):
        compare_groups([1, 2], [True, False], ["a", "a"], blocks=["x", "y"])
    with pytest.raises(ValueError, match="one entry an object"):
        compare_groups([1, 2], [True], [0, 0])
    with pytest.raises(ValueError, match="name groups that exist"):
        compare_groups([1, 2], ["a", "b"], [0, 0], names={"c": "cells", "d": "dust"})
    with pytest.raises(ValueError, match="confidence"):
        compare_groups([1, 2], [True, False], [0, 0], confidence=95)


def test_a_session_that_carries_the_effect_is_named():
    values, groups, clusters = images(number=9, objects=(30, 31), effect=-0.3)
    blocks = np.array(["usual", "other", "U2OS"])[clusters // 3]
    values = values + 4 * (groups & (blocks == "U2OS"))
    result = compare_groups(values, groups, clusters, blocks=blocks)
    check = next(check for check in result.checks if "session" in check.check)
    assert check.holds == "no"
    assert "U2OS" in check.note
    assert check.low < 0 < result.primary.effect
    rest = blocks != "U2OS"
    without = compare_groups(values[rest], groups[rest], clusters[rest]).primary
    assert check.low == pytest.approx(without.effect)
    sessions = by_name(result, "sessions instead of images")
    assert sessions.clusters == 3
    assert sessions.p > result.primary.p


def test_sentence_says_direction_size_and_n_and_follows_q():
    values, groups, clusters = images(effect=2)
    names = {True: "nuclei with micronuclei", False: "nuclei without"}
    words = {"quantity": "area", "quantity_unit": "µm²", "unit": "nuclei"}
    result = compare_groups(values, groups, clusters, names=names, **words)
    assert result.sentence().startswith(
        "Nuclei with micronuclei have on average a larger area than nuclei without: by "
    )
    assert "8 images" in result.sentence()
    assert result.sentence(q=0.2).startswith("No evidence that nuclei with micronuclei")
    assert "q = 0.2" in result.sentence(q=0.2)
    assert result.hypothesis == (
        "Within the images of the population, nuclei with micronuclei and nuclei without have on "
        "average the same area."
    )


def test_false_discovery_rates_are_scipys_and_leave_out_what_has_no_test():
    p = np.array([0.01, np.nan, 0.04, 0.03, np.nan])
    q = false_discovery_rates(p)
    assert np.isnan(q[[1, 4]]).all()
    assert q[[0, 2, 3]] == pytest.approx(stats.false_discovery_control([0.01, 0.04, 0.03]))
    assert np.isnan(false_discovery_rates([np.nan])).all()
    assert false_discovery_rates([]).size == 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        false_discovery_rates([1.2])


# Benjamini & Hochberg 1995, section 3.2: 15 p values, of which 4 are below alpha = 0.05
BENJAMINI = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
             0.4262, 0.5719, 0.6528, 0.7590, 1.0000]  # fmt: skip


def test_benjamini_and_hochbergs_example_rejects_four_hypotheses():
    assert np.count_nonzero(false_discovery_rates(BENJAMINI) < 0.05) == 4


def test_clusters_decide_whether_groups_are_compared_within_or_between():
    design = effects.find_design
    assert design(np.array([[3, 2], [1, 4], [0, 5]])) == WITHIN
    assert design(np.array([[3, 0], [0, 4], [2, 0]])) == BETWEEN
    assert design(np.array([[3, 0]] * 9 + [[0, 4]] * 9 + [[2, 1]])) == BETWEEN
    assert design(np.array([[3, 0]] * 9 + [[2, 1]] * 3)) == WITHIN  # a rare phenotype


@pytest.mark.slow
@pytest.mark.parametrize("number", [10, 20])
def test_without_an_effect_five_percent_of_primary_tests_reject(number):
    random = np.random.default_rng(number)
    runs = 2000
    p = []
    for _ in range(runs // 100):
        clusters = np.repeat(np.arange(number), random.integers(5, 40, number))
        groups = random.random(clusters.size) < 0.4
        noise = random.normal(0, 1, (clusters.size, 100))
        slopes = random.normal(0, 0.5, (number, 100))[clusters] * groups[:, None]
        values = noise + slopes + random.normal(0, 2, (number, 100))[clusters]
        table = effects.cells(values, ~groups, clusters, number)
        p.append(effects.difference(table, WITHIN, 0.95).p)
    rejected = np.mean(np.concatenate(p) < 0.05)
    assert 0.035 < rejected < 0.065
