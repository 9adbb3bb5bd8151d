"""Within-subject spread of repeated measurements, and their distance from exact values."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from bioagree.statistics.clusters import cluster_mean
from bioagree.statistics.repeatability import Repeatability, repeatabilities, repeatability
from bioagree.statistics.trueness import trueness
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.anova import anova_lm

SEEDS = st.integers(0, 2**32 - 1)
SPREADS = ("sd", "sd_low", "sd_high", "coefficient_1979", "coefficient_1999")


def readings(seed=0, n=15, sd=1.0):
    """Two to four readings of each subject."""
    random = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(n), random.integers(2, 5, n))
    return random.normal(50, 10, n)[subjects] + random.normal(0, sd, subjects.size), subjects


def numbers(result, names=SPREADS):
    return np.array([getattr(result, name) for name in names])


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_variance_is_the_mean_square_of_the_analysis_of_variance(seed):
    values, subjects = readings(seed)
    table = pd.DataFrame({"value": values, "subject": subjects})
    oracle = anova_lm(smf.ols("value ~ C(subject)", table).fit()).loc["Residual"]
    result = repeatability(values, subjects)
    assert result.sd**2 == pytest.approx(oracle["mean_sq"])
    assert result.freedom == oracle["df"] == result.n - result.subjects


def test_interval_is_that_of_chi_square_and_coefficients_are_multiples():
    values, subjects = readings()
    result = repeatability(values, subjects, confidence=0.9)
    freedom = result.freedom
    ends = result.sd * np.sqrt(freedom / stats.chi2.ppf([0.95, 0.05], freedom))
    assert (result.sd_low, result.sd_high) == pytest.approx(tuple(ends))
    assert result.coefficient_1979 == pytest.approx(2 * math.sqrt(2) * result.sd)
    assert result.coefficient_1979_high == pytest.approx(2 * math.sqrt(2) * result.sd_high)
    assert result.coefficient_1999_low == pytest.approx(1.96 * math.sqrt(2) * result.sd_low)
    assert result.cv == pytest.approx(result.sd / result.mean)


@given(SEEDS, st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_shifts_change_nothing_and_scales_scale(seed, shift, scale):
    values, subjects = readings(seed)
    moved = repeatability(scale * (values + shift), subjects)
    expected = scale * numbers(repeatability(values, subjects))
    assert numbers(moved) == pytest.approx(expected, rel=1e-6)


@given(SEEDS)
def test_order_and_names_of_subjects_do_not_matter(seed):
    values, subjects = readings(seed)
    order = np.random.default_rng(seed).permutation(values.size)
    named = np.array([f"s{s}" for s in subjects])[order]
    one, other = repeatability(values, subjects), repeatability(values[order], named)
    assert numbers(other) == pytest.approx(numbers(one))


def test_single_and_missing_measurements_are_dropped_and_counted():
    values, subjects = readings()
    more = np.append(values, [1e6, np.nan, 3]), np.append(subjects, [99, 98, 98])
    result = repeatability(*more)
    assert (result.single, result.missing) == (2, 1)
    assert result.sd == pytest.approx(repeatability(values, subjects).sd)


def test_spread_that_grows_with_the_mean_is_noticed_and_its_logarithm_advised():
    random = np.random.default_rng(1)
    subjects = np.repeat(np.arange(40), 3)
    truth = np.exp(random.normal(3, 1, 40))
    values = truth[subjects] * np.exp(random.normal(0, 0.1, 120))
    result = repeatability(values, subjects)
    sd = np.array([values[subjects == s].std(ddof=1) for s in range(40)])
    tau = stats.kendalltau(sd, [values[subjects == s].mean() for s in range(40)])
    assert (result.rank_correlation, result.rank_p) == pytest.approx((tau.statistic, tau.pvalue))
    assert "grows with the mean: use log_cv" in result.note
    assert result.log_cv == pytest.approx(math.expm1(0.1), rel=0.15)
    assert result.log_cv_low < result.log_cv < result.log_cv_high
    clustered = repeatability(values, subjects, clusters=subjects // 4)
    assert clustered.rank_statistic == "Spearman rho"
    assert "grows with the mean" in clustered.note


def test_a_constant_spread_is_left_alone():
    assert repeatability(*readings(n=40)).note == ""


def test_clusters_of_unlike_noise_widen_the_interval():
    random = np.random.default_rng(2)
    clusters = np.repeat(np.arange(8), 60)
    subjects = np.arange(480) // 2
    values = random.normal(50, 5, 240)[subjects] + random.normal(0, 1 + clusters / 4)
    clustered = repeatability(values, subjects, clusters=clusters)
    independent = repeatability(values, subjects)
    assert clustered.sd == pytest.approx(independent.sd)
    assert clustered.clusters == 8
    assert clustered.sd_low < independent.sd_low < independent.sd_high < clustered.sd_high


def test_jackknife_leaves_out_one_cluster_at_a_time():
    values, subjects = readings()
    clusters = subjects % 5
    logs = [
        math.log(repeatability(values[clusters != c], subjects[clusters != c]).sd ** 2)
        for c in range(5)
    ]
    error = math.sqrt(4 / 5 * ((logs - np.mean(logs)) ** 2).sum())
    result = repeatability(values, subjects, clusters=clusters)
    half = stats.t.ppf(0.975, 4) * error
    assert result.sd_high == pytest.approx(result.sd * math.exp(half / 2))
    assert result.sd_low == pytest.approx(result.sd * math.exp(-half / 2))


def test_equal_numbers_in_two_images_are_two_objects():
    values = [1.0, 1.2, 9.0, 9.4]
    assert repeatability(values, [1, 1, 1, 1], clusters=["a", "a", "b", "b"]).subjects == 2
    assert repeatability(values, [1, 1, 1, 1]).subjects == 1


def test_many_features_are_those_of_one_by_one():
    random = np.random.default_rng(4)
    values = random.normal(10, 1, (60, 5))
    values[3, 1] = np.nan
    subjects, clusters = np.arange(60) // 3, np.arange(60) // 12
    for groups in (None, clusters):
        table = repeatabilities(values, subjects, clusters=groups)
        for i in range(5):
            one = repeatability(values[:, i], subjects, clusters=groups)
            for name in Repeatability.__dataclass_fields__:
                expected = getattr(one, name)
                assert table[name][i] == expected or np.isnan(expected)


def test_infinite_values_are_refused_for_one_feature_and_counted_for_many():
    with pytest.raises(ValueError, match=r"values\[0\] is inf"):
        repeatability([np.inf, 1], [1, 1])
    table = repeatabilities([[np.inf], [1], [2]], [1, 1, 1])
    assert table["infinite"][0] == table["missing"][0] == 1
    assert "infinite values were left out" in table["note"][0].lower()


@pytest.mark.parametrize(
    ("values", "subjects", "clusters", "said"),
    [
        ([], [], None, "no subject was measured twice"),
        ([1], [1], None, "no subject was measured twice"),
        ([1, 2], [1, 2], None, "no subject was measured twice"),
        ([1, 1, 2, 2], [1, 1, 2, 2], None, "all equal"),
        ([0.1 + 0.2, 0.3, 5, 5], [1, 1, 2, 2], None, "all equal"),
        ([1, 2, 3, 5], [1, 1, 2, 2], [0, 0, 0, 0], "fewer than two clusters"),
        ([1, 2, 3, 5], [1, 1, 2, 2], [0, 0, 1, 1], "too few to trust"),
        ([1, 2, 3, 3], [1, 1, 2, 2], [0, 0, 1, 1], "one cluster holds all"),
        ([-1, -2, -3, -5], [1, 1, 2, 2], None, "mean is not positive"),
    ],
)
def test_what_is_undefined_is_said(values, subjects, clusters, said):
    assert said in repeatability(values, subjects, clusters=clusters).note.lower()


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="2 subjects for 3 measurements"):
        repeatability([1, 2, 3], [1, 1])
    with pytest.raises(ValueError, match="clusters"):
        repeatability([1, 2, 3], [1, 1, 1], clusters=[1, 2])
    with pytest.raises(ValueError, match="one-dimensional"):
        repeatability([[1, 2]], [1])


# -- trueness --------------------------------------------------------------------------------------


def phantoms(seed=0, bias=0.5, n=12):
    random = np.random.default_rng(seed)
    exact = np.repeat(random.uniform(5, 20, n), 3)
    return exact + bias + random.normal(0, 0.3, 3 * n), exact, np.repeat(np.arange(n), 3)


@given(SEEDS)
def test_mean_squared_error_is_that_of_bias_and_spread(seed):
    values, exact, subjects = phantoms(seed)
    result = trueness(values, exact, subjects)
    errors = values - exact
    assert result.mean_squared_error == pytest.approx((errors**2).mean())
    assert result.bias_squared + result.variance == pytest.approx(result.mean_squared_error)
    assert result.bias == pytest.approx(errors.mean())
    assert result.variance == pytest.approx(errors.var())
    assert result.percent == pytest.approx((100 * errors / exact).mean())
    assert result.repeatability_sd == pytest.approx(repeatability(values, subjects).sd)


def test_interval_of_the_bias_takes_subjects_or_images_as_units():
    values, exact, subjects = phantoms()
    for units, clusters in ((subjects, None), (subjects // 2, subjects // 2)):
        result = trueness(values, exact, subjects, clusters=clusters)
        mean = cluster_mean(values - exact, units)
        assert (result.bias_low, result.bias_high) == pytest.approx((mean.low, mean.high))
        assert result.clusters == mean.clusters


def test_one_phantom_measured_again_and_again_speaks_of_itself():
    result = trueness([10.1, 10.3, 10.2, 9.9, 10.4], 10, [1] * 5)
    oracle = stats.ttest_1samp([0.1, 0.3, 0.2, -0.1, 0.4], 0).confidence_interval()
    assert (result.bias_low, result.bias_high) == pytest.approx((oracle.low, oracle.high))
    assert "speaks of it only" in result.note


@given(SEEDS, st.floats(0.1, 10))
def test_percent_is_free_of_scale(seed, scale):
    values, exact, subjects = phantoms(seed)
    one, other = (
        trueness(values, exact, subjects),
        trueness(scale * values, scale * exact, subjects),
    )
    assert one.percent == pytest.approx(other.percent)
    assert other.bias == pytest.approx(scale * one.bias)


def test_exact_measurements_have_no_error_at_all():
    _, exact, subjects = phantoms()
    result = trueness(exact, exact, subjects)
    assert result.bias == result.mean_squared_error == result.repeatability_sd == 0
    assert (result.bias_low, result.bias_high) == (0, 0)


@pytest.mark.parametrize(
    ("values", "exact", "subjects", "said"),
    [
        ([], [], [], "no measurement with an exact value"),
        ([1.0], [np.nan], [1], "no measurement with an exact value"),
        ([1.0], [2.0], [1], "no subject was measured twice"),
        ([1.0, 2.0], [0.0, 1.0], [1, 1], "not all exact values are positive"),
    ],
)
def test_what_is_unknown_about_trueness_is_said(values, exact, subjects, said):
    assert said in trueness(values, exact, subjects).note.lower()


def test_missing_exact_values_are_counted():
    values, exact, subjects = phantoms()
    gap = trueness(np.append(values, 3), np.append(exact, np.nan), np.append(subjects, 77))
    assert gap.missing == 1
    assert gap.bias == pytest.approx(trueness(values, exact, subjects).bias)
