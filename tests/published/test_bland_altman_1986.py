"""Bland & Altman, Statistical methods for assessing agreement between two methods of clinical
measurement, Lancet 1986;327:307-310: peak expiratory flow rate of 17 subjects in l/min, measured
with a Wright meter and a mini Wright meter (first readings of the paper's table)."""

import math

import pytest
from bioagree.statistics.agreement import bland_altman
from scipy import stats

WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
TWO_SD = math.erf(math.sqrt(2))


@pytest.fixture
def result():
    """The analysis with limits at 2 SD, as in the paper."""
    return bland_altman(WRIGHT, MINI, coverage=TWO_SD)


def test_bias_and_standard_deviation_are_as_printed(result):
    assert result.n == 17
    assert round(result.bias, 1) == -2.1
    assert round(result.sd, 1) == 38.8


def test_interval_of_the_bias_is_as_printed(result):
    assert (round(result.bias_low, 1), round(result.bias_high, 1)) == (-22.0, 17.8)


def test_limits_are_as_printed(result):
    # the paper doubles the rounded SD: its upper limit, 75.5, is 75.4 without rounding
    bias, sd = round(result.bias, 1), round(result.sd, 1)
    assert (round(bias - 2 * sd, 1), round(bias + 2 * sd, 1)) == (-79.7, 75.5)
    assert (result.lower, result.upper) == pytest.approx((-79.7, 75.5), abs=0.1)


def test_approximate_intervals_of_1986_follow_from_our_numbers(result):
    # standard error sqrt(3 s^2 / n), rounded at every step as in the paper
    sd = round(result.sd, 1)
    error = round(math.sqrt(3 * sd**2 / result.n), 1)
    half = round(round(stats.t.ppf(0.975, result.n - 1), 2) * error, 1)
    assert (error, half) == (16.3, 34.6)
    assert (round(-79.7 - half, 1), round(-79.7 + half, 1)) == (-114.3, -45.1)
    assert (round(75.5 - half, 1), round(75.5 + half, 1)) == (40.9, 110.1)


def test_exact_intervals_are_close_to_the_approximation_and_lie_further_out(result):
    """The paper's intervals are symmetric; the exact ones are shifted outwards at both ends."""
    exact = (result.lower_low, result.lower_high, result.upper_low, result.upper_high)
    assert exact == pytest.approx((-114.3, -45.1, 40.9, 110.1), abs=15)
    assert result.lower_low < -114.3 < result.lower_high < -45.1
    assert 40.9 < result.upper_low < 110.1 < result.upper_high
    assert result.upper_high - result.upper > 1.5 * (result.upper - result.upper_low)


def test_usual_limits_use_1_96_instead_of_2():
    usual = bland_altman(WRIGHT, MINI)
    assert usual.upper - usual.bias == pytest.approx(1.959964 * usual.sd)
    assert usual.pair_factor == pytest.approx(2.8683, abs=5e-5)  # 16 degrees of freedom


def test_there_is_no_proportional_bias(result):
    assert result.slope_low < 0 < result.slope_high
    assert result.slope_p > 0.05
