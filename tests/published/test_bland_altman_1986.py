"""Bland & Altman, Statistical methods for assessing agreement between two methods of clinical
measurement, Lancet 1986;327:307-310: peak expiratory flow rate of 17 subjects in l/min, measured
with a Wright meter and a mini Wright meter, each twice (the paper's table)."""

import math

import numpy as np
import pytest
from bioagree.statistics.agreement import approximate_limits_interval, bland_altman
from bioagree.statistics.replicates import replicated_constant
from scipy import stats

WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
WRIGHT_AGAIN = [
    *(490, 397, 512, 401, 470, 611, 415, 431, 638),
    *(429, 420, 633, 275, 492, 165, 372, 421),
]
MINI_AGAIN = [
    *(525, 415, 508, 444, 500, 625, 460, 390, 642),
    *(432, 420, 605, 227, 467, 268, 370, 443),
]
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


def test_approximate_intervals_of_1986_are_as_printed(result):
    """The paper rounds the standard error, t and the limits; that explains 0.2 l/min."""
    lower, upper = approximate_limits_interval(result)
    assert lower == pytest.approx((-114.3, -45.1), abs=0.2)
    assert upper == pytest.approx((40.9, 110.1), abs=0.2)
    # the standard error that the paper prints, before rounding
    half = (lower[1] - lower[0]) / 2
    assert round(half / stats.t.ppf(0.975, 16), 1) == 16.3


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


def test_limits_corrected_for_replicates_are_as_printed():
    subjects = np.tile(np.arange(17), 2)
    result = replicated_constant(
        [*WRIGHT, *WRIGHT_AGAIN], subjects, [*MINI, *MINI_AGAIN], subjects, coverage=TWO_SD
    )
    assert round(result.sd, 1) == 37.7
    # the paper adds twice the rounded SD to the rounded bias: -6.0 - 75.4 and -6.0 + 75.4
    bias, sd = round(result.bias, 1), round(result.sd, 1)
    assert (round(bias - 2 * sd, 1), round(bias + 2 * sd, 1)) == (-81.4, 69.4)
    assert (result.lower, result.upper) == pytest.approx((-81.4, 69.4), abs=0.15)
    assert result.lower_low < result.lower < result.lower_high
