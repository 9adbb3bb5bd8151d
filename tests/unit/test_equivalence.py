"""Two one-sided t tests."""

import numpy as np
import pytest
from bioagree.statistics.clusters import cluster_mean
from bioagree.statistics.equivalence import tost, tost_independent
from hypothesis import given
from hypothesis import strategies as st
from pingouin import tost as pingouin_tost
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

SEEDS = st.integers(0, 2**32 - 1)


def differences(seed=0, n=25, mean=0.1):
    return np.random.default_rng(seed).normal(mean, 1, n)


@given(SEEDS, st.floats(0.05, 3), st.integers(2, 60))
def test_paired_test_is_that_of_statsmodels_and_pingouin(seed, margin, n):
    values = differences(seed, n)
    result = tost(values, margin)
    p, lower, upper = ttost_paired(values, np.zeros(n), -margin, margin)
    assert (result.p, result.t_lower, result.t_upper) == pytest.approx((p, lower[0], upper[0]))
    oracle = pingouin_tost(values, np.zeros(n), bound=margin, paired=True)["pval"].iloc[0]
    assert result.p == pytest.approx(oracle, rel=1e-6)


@pytest.mark.parametrize("pooled", [True, False])
@given(SEEDS, st.floats(-2, 0), st.floats(0.1, 2), st.integers(2, 30), st.integers(2, 30))
def test_independent_test_is_that_of_statsmodels(pooled, seed, lower, upper, n, m):
    first, second = differences(seed, n), 2 * differences(seed + 1, m)
    result = tost_independent(first, second, lower=lower, upper=upper, equal_variances=pooled)
    p, *_ = ttost_ind(first, second, lower, upper, usevar="pooled" if pooled else "unequal")
    assert result.p == pytest.approx(p)


@given(SEEDS, st.floats(0.05, 2))
def test_equivalent_is_what_has_its_90_percent_interval_within_the_margins(seed, margin):
    result = tost(differences(seed), margin)
    assert result.equivalent == (-margin < result.low and result.high < margin)
    assert result.verdict.startswith("Equivalent:") == result.equivalent


@given(SEEDS)
def test_swapping_methods_swaps_the_tests(seed):
    values = differences(seed)
    one, other = tost(values, 0.5), tost(-values, 0.5)
    assert (one.p_lower, one.p_upper, one.p) == pytest.approx(
        (other.p_upper, other.p_lower, other.p)
    )
    assert one.low == pytest.approx(-other.high)


def test_margins_need_not_be_symmetric():
    values = differences()
    assert tost(values, lower=-0.2, upper=2).p_lower == tost(values, 0.2).p_lower
    assert tost(values, 0.3, upper=2).p_lower == tost(values, 0.3).p_lower


def test_clusters_bring_their_own_error_and_degrees_of_freedom():
    random = np.random.default_rng(5)
    images = np.repeat(np.arange(8), 20)
    values = random.normal(0, 1, 8)[images] + random.normal(0, 1, 160)
    result, mean = tost(values, 1, clusters=images), cluster_mean(values, images, confidence=0.9)
    assert (result.error, result.freedom, result.clusters) == (mean.error, 7, 8)
    assert (result.low, result.high) == pytest.approx((mean.low, mean.high))
    assert result.p > 10 * tost(values, 1).p


def test_verdict_tells_shown_difference_from_lacking_evidence():
    assert tost([0.9, 1.1, 1.0, 1.05, 0.95], 0.5).verdict.startswith("Not equivalent")
    assert tost(differences(n=3), 0.5).verdict.startswith("Equivalence not shown")


@pytest.mark.parametrize(
    ("values", "clusters", "said"),
    [
        ([], None, "no difference"),
        ([np.nan], None, "no difference"),
        ([1.0], None, "no standard error"),
        ([1.0, 2.0], [0, 0], "fewer than two clusters"),
        ([1.0, 2.0, 3.0], [0, 0, 1], "too few to trust"),
        ([0.1, 0.1, 0.1], None, "do not vary"),
    ],
)
def test_what_is_undefined_is_said(values, clusters, said):
    result = tost(values, 0.5, clusters=clusters)
    assert said in result.note
    if np.isnan(result.p):
        assert result.verdict == "Equivalence could not be tested."
        assert not result.equivalent


def test_identical_methods_are_equivalent():
    result = tost(np.zeros(10), 0.5)
    assert result.equivalent
    assert (result.mean, result.low, result.high) == (0, 0, 0)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [([], [1, 2], "empty"), ([1], [1, 2], "one value"), ([1, 1], [2, 2], "do not vary")],
)
def test_undefined_independent_tests_are_said(first, second, said):
    assert said in tost_independent(first, second, 1).note


def test_missing_values_are_counted():
    values = differences()
    assert tost([*values, np.nan], 0.5).p == tost(values, 0.5).p
    assert tost([*values, np.nan], 0.5).missing == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "Give a margin"),
        ({"lower": -1}, "Give a margin"),
        ({"margin": 0}, "positive"),
        ({"margin": np.nan}, "positive"),
        ({"lower": 1, "upper": -1}, "below upper"),
        ({"margin": 1, "alpha": 0.5}, "alpha"),
    ],
)
def test_margins_must_make_sense(arguments, said):
    with pytest.raises(ValueError, match=said):
        tost(differences(), **arguments)


def test_infinite_values_are_refused():
    with pytest.raises(ValueError, match=r"differences\[1\] is inf"):
        tost([1, np.inf], 1)
