"""Limits of agreement from ranks."""

import math

import numpy as np
import pytest
from bioagree.statistics.rank_limits import rank_limits
from scipy import stats

NAMES = (
    *("median", "median_low", "median_high", "lower", "lower_low", "lower_high"),
    *("upper", "upper_low", "upper_high"),
)


def values(result):
    return np.array([getattr(result, name) for name in NAMES])


def test_centiles_are_order_statistics_at_q_times_n_plus_one():
    result = rank_limits(np.arange(1, 200.0), np.zeros(199))
    assert (result.median, result.lower, result.upper) == pytest.approx((100, 5, 195))


@pytest.mark.parametrize("n", [20, 199, 500])
def test_intervals_are_those_of_scipys_quantile_test(n):
    differences = np.random.default_rng(n).normal(size=n)
    result = rank_limits(differences, np.zeros(n))
    for q, name in ((0.5, "median"), (0.025, "lower"), (0.975, "upper")):
        expected = stats.quantile_test(differences, p=q).confidence_interval()
        assert getattr(result, f"{name}_low") == pytest.approx(expected.low, nan_ok=True)
        assert getattr(result, f"{name}_high") == pytest.approx(expected.high, nan_ok=True)


def test_share_within_the_margin_has_the_interval_of_clopper_and_pearson():
    differences = np.array([-3, -1, -0.5, 0, 0.2, 0.8, 1, 1.5, 2, 4])
    result = rank_limits(differences, np.zeros(10), margin=1)
    expected = stats.binomtest(6, 10).proportion_ci()
    assert (result.within, result.within_low, result.within_high) == pytest.approx((0.6, *expected))
    everything = rank_limits(differences, np.zeros(10), margin=5)
    nothing = rank_limits(differences + 10, np.zeros(10), margin=5)
    assert (everything.within, everything.within_high) == (1, 1)
    assert (nothing.within, nothing.within_low) == (0, 0)
    assert everything.within_low == pytest.approx(1 - nothing.within_high)


def test_swapping_the_methods_mirrors_the_limits():
    first, second = np.random.default_rng(1).normal(size=(2, 150))
    result, swapped = rank_limits(first, second), rank_limits(second, first)
    order = [0, 2, 1, 6, 8, 7, 3, 5, 4]
    assert values(swapped)[order] == pytest.approx(-values(result), nan_ok=True)


@pytest.mark.filterwarnings("error")
def test_few_pairs_say_what_they_do_not_reach():
    result = rank_limits(np.arange(10.0), np.zeros(10))
    assert (result.lower, result.upper) == (0, 9)
    assert math.isnan(result.lower_low)
    assert "do not reach the outer centiles" in result.note
    assert "beyond the data" in result.note


@pytest.mark.filterwarnings("error")
def test_no_pair_gives_nan_and_says_so():
    result = rank_limits([math.nan], [1], margin=2)
    assert (result.n, result.missing) == (0, 1)
    assert np.isnan(values(result)).all()
    assert math.isnan(result.within)
    assert result.note == "There is no complete pair, hence nothing to compute."


@pytest.mark.parametrize("margin", [0, -1, math.nan])
def test_margin_must_be_positive(margin):
    with pytest.raises(ValueError, match="margin must be positive"):
        rank_limits([1, 2], [1, 2], margin=margin)
