"""Bland & Altman, Measuring agreement in method comparison studies, Statistical Methods in Medical
Research 1999;8:135-160: systolic blood pressure by an observer and a machine, 85 subjects.

The table of readings is not repeated here: the intervals of section 2.2 follow from n, mean and
standard deviation, which the paper prints."""

import numpy as np
import pytest
from bioagree.statistics.agreement import approximate_limits_interval, bland_altman


@pytest.fixture
def result():
    """85 differences of the printed mean and standard deviation."""
    differences = np.random.default_rng(0).normal(size=85)
    differences = (differences - differences.mean()) / differences.std(ddof=1) * 19.61 - 16.29
    return bland_altman(differences + 140, np.full(85, 140.0))


def test_limits_are_as_printed(result):
    assert (round(result.lower, 1), round(result.upper, 1)) == (-54.7, 22.1)


def test_interval_of_the_bias_is_as_printed(result):
    assert (round(result.bias_low, 1), round(result.bias_high, 1)) == (-20.5, -12.1)


def test_approximate_intervals_of_the_limits_are_as_printed(result):
    """The paper adds a rounded 7.2 to the rounded limits."""
    lower, upper = approximate_limits_interval(result)
    assert lower == pytest.approx((-61.9, -47.5), abs=0.1)
    assert upper == pytest.approx((14.9, 29.3), abs=0.1)
