"""Limits of agreement that depend on the magnitude."""

import math

import numpy as np
import pytest
from bioagree.statistics.agreement import bland_altman
from bioagree.statistics.magnitude import (
    ratio_agreement,
    recommended_scale,
    regression_limits,
)
from scipy import stats

RATIOS = (
    *("ratio", "ratio_low", "ratio_high", "lower", "lower_low", "lower_high"),
    *("upper", "upper_low", "upper_high"),
)


@pytest.fixture
def proportional():
    """Two methods whose ratio scatters about 1.1 by 10 %."""
    random = np.random.default_rng(2)
    truth = random.uniform(10, 100, 60)
    return truth * 1.1 * np.exp(random.normal(0, 0.1, 60)), truth


def values(result, names):
    return np.array([getattr(result, name) for name in names])


# -- ratios ----------------------------------------------------------------------------------------


def test_ratios_are_the_exponentials_of_log_differences(proportional):
    result = ratio_agreement(*proportional)
    logs = bland_altman(*np.log(proportional))
    names = ("bias", "bias_low", "bias_high", *RATIOS[3:])
    assert values(result, RATIOS) == pytest.approx(np.exp(values(logs, names)))
    assert result.ratio == pytest.approx(stats.gmean(proportional[0] / proportional[1]))
    assert (result.sd, result.slope, result.slope_p) == (logs.sd, logs.slope, logs.slope_p)
    assert (result.n, result.missing, result.not_positive, result.note) == (60, 0, 0, "")


def test_swapping_inverts_and_scaling_one_method_scales_the_ratio(proportional):
    first, second = proportional
    result, swapped = ratio_agreement(first, second), ratio_agreement(second, first)
    assert (swapped.ratio, swapped.lower, swapped.lower_low) == pytest.approx(
        (1 / result.ratio, 1 / result.upper, 1 / result.upper_high)
    )
    scaled = ratio_agreement(3 * first, second)
    assert values(scaled, RATIOS) == pytest.approx(3 * values(result, RATIOS))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0, -1])
def test_a_value_that_is_not_positive_leaves_no_ratio_scale(value):
    result = ratio_agreement([1, 2, 3, math.nan], [1, value, 3, 1])
    assert (result.n, result.missing, result.not_positive) == (3, 1, 1)
    assert np.isnan(values(result, (*RATIOS, "sd", "slope", "slope_p"))).all()
    assert result.note == (
        "Of 3 pairs 1 hold a value that is zero or negative, so there is no ratio scale."
    )


@pytest.mark.filterwarnings("error")
def test_identical_methods_have_the_ratio_one():
    result = ratio_agreement([1, 2, 3], [1, 2, 3])
    assert (values(result, RATIOS) == 1).all()
    assert result.note.startswith("All ratios are equal, so the limits equal the mean ratio")


# -- lines -----------------------------------------------------------------------------------------


def test_lines_are_two_least_squares_regressions(proportional):
    first, second = proportional
    result = regression_limits(first, second)
    means, differences = (first + second) / 2, first - second
    bias = stats.linregress(means, differences)
    residuals = differences - bias.intercept - bias.slope * means
    spread = stats.linregress(means, np.abs(residuals))
    root = math.sqrt(math.pi / 2)
    assert (result.intercept, result.slope) == pytest.approx((bias.intercept, bias.slope))
    assert result.slope_p == pytest.approx(bias.pvalue)
    assert result.residual_sd == pytest.approx(math.sqrt(residuals @ residuals / 58))
    assert result.spread_intercept == pytest.approx(root * spread.intercept)
    assert result.spread_slope == pytest.approx(root * spread.slope)
    assert result.spread_slope_p == pytest.approx(spread.pvalue)
    assert result.spread == "line"
    for sign, limit in ((-1, "lower"), (1, "upper")):
        line = np.array([getattr(result, f"{limit}_{part}") for part in ("intercept", "slope")])
        expected = np.array([bias.intercept, bias.slope]) + sign * 1.959964 * root * np.array(
            [spread.intercept, spread.slope]
        )
        assert line == pytest.approx(expected)


def test_lines_find_the_bias_and_the_spread_that_were_put_in():
    random = np.random.default_rng(6)
    means = random.uniform(10, 100, 20_000)
    differences = 1 + 0.1 * means + random.normal(0, 0.5 + 0.05 * means)
    result = regression_limits(means + differences / 2, means - differences / 2)
    assert (result.intercept, result.slope) == pytest.approx((1, 0.1), abs=0.15)
    assert (result.spread_intercept, result.spread_slope) == pytest.approx((0.5, 0.05), abs=0.15)
    assert result.slope == pytest.approx(0.1, abs=0.005)
    assert result.spread_slope == pytest.approx(0.05, abs=0.003)


def test_a_spread_without_slope_gives_limits_parallel_to_the_bias():
    random = np.random.default_rng(0)
    means, differences = random.uniform(10, 100, 50), random.normal(0, 1, 50)
    result = regression_limits(means + differences / 2, means - differences / 2)
    assert result.spread == "constant"
    assert result.upper_slope == result.lower_slope == result.slope
    assert result.upper_intercept - result.intercept == pytest.approx(1.959964 * result.residual_sd)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("first", "second", "note"),
    [
        ([], [], "no complete pair"),
        ([1], [2], "With one pair"),
        ([1, 2], [1, 3], "Two pairs give a line but no spread about it"),
        ([2, 2, 2], [1, 1, 1], "All means are equal, so there is no line"),
        ([1, 2, 3], [1, 2, 3], "All differences are equal"),
    ],
)
def test_lines_say_what_is_missing(first, second, note):
    result = regression_limits(first, second)
    assert note in result.note
    assert math.isnan(result.spread_slope_p)


@pytest.mark.filterwarnings("error")
def test_exactly_proportional_methods_have_no_spread():
    result = regression_limits([2, 4, 6, 8], [1, 2, 3, 4])
    assert (result.slope, result.residual_sd, result.spread_slope) == pytest.approx((2 / 3, 0, 0))
    assert result.intercept == pytest.approx(0)


# -- which scale -----------------------------------------------------------------------------------


def test_ratios_are_recommended_where_differences_grow_and_ratios_do_not(proportional):
    assert recommended_scale(*proportional) == "ratio"
    assert recommended_scale(*proportional[::-1]) == "ratio"


def test_ratios_are_recommended_where_only_the_spread_grows():
    random = np.random.default_rng(3)
    truth = random.uniform(10, 100, 400)
    first, second = truth * np.exp(random.normal(0, 0.1, (2, 400)))
    assert bland_altman(first, second).slope_p > 0.05
    assert recommended_scale(first, second) == "ratio"


@pytest.mark.filterwarnings("error")
def test_differences_stay_where_nothing_grows_or_logarithms_do_not_help(proportional):
    random = np.random.default_rng(4)
    truth = random.uniform(10, 100, 60)
    assert recommended_scale(truth + random.normal(0, 1, 60), truth) == "difference"
    first, second = proportional
    assert recommended_scale(first - second.max(), second) == "difference"
    assert recommended_scale([], []) == "difference"
    assert recommended_scale(truth, truth) == "difference"
    # a bias that is constant on the original scale looks proportional only after logarithms
    assert recommended_scale(truth + 5 + random.normal(0, 0.1, 60), truth) == "difference"
