"""Zou, Confidence interval estimation for the Bland-Altman limits of agreement with multiple
observations per individual, Statistical Methods in Medical Research 2013;22:630-642: cardiac output
of four subjects (l/min) by radionuclide ventriculography and impedance cardiography, from Bland &
Altman 1999. Printed values as the tests of the R package SimplyAgree 0.2 carry them."""

import numpy as np
import pytest
from bioagree.statistics.replicates import replicated_constant, replicated_varying

SUBJECTS = np.repeat([1, 2, 3, 4], [5, 4, 6, 5])
RV = [
    *(7.83, 7.42, 7.89, 7.12, 7.88),
    *(6.16, 7.26, 6.71, 6.54),
    *(4.75, 5.24, 4.86, 4.78, 6.05, 5.42),
    *(4.21, 3.61, 3.72, 3.87, 3.92),
]
IC = [
    *(6.57, 5.62, 6.90, 6.57, 6.35),
    *(4.06, 4.29, 4.26, 4.09),
    *(4.71, 5.50, 5.08, 5.02, 6.01, 5.67),
    *(4.14, 4.20, 4.61, 4.68, 5.04),
]


def test_limits_and_intervals_with_a_constant_true_value_are_as_printed():
    unpaired = np.array(IC)
    unpaired[[4, 8]] = np.nan
    result = replicated_constant(RV, SUBJECTS, unpaired, SUBJECTS)
    assert result.bias == pytest.approx(0.7125, abs=0.003)
    assert (round(result.lower, 2), round(result.upper, 2)) == (-2.23, 3.66)
    assert (result.lower_low, result.lower_high) == pytest.approx((-9.76, -0.48), abs=0.01)
    assert (result.upper_low, result.upper_high) == pytest.approx((1.91, 11.20), abs=0.01)
    assert "rests on 4 subjects only" in result.note


def test_intervals_with_a_varying_true_value_are_as_printed():
    result = replicated_varying(RV, IC, SUBJECTS)
    assert (result.lower_low, result.lower_high) == pytest.approx((-9.83, -0.33), abs=0.01)
    assert (result.upper_low, result.upper_high) == pytest.approx((1.77, 11.27), abs=0.011)


def test_zou_weighs_subjects_alike_and_bland_and_altman_pairs_alike():
    """Zou prints the limits -2.14 and 3.59 about 0.7255, the mean of the subjects' means."""
    result = replicated_varying(RV, IC, SUBJECTS)
    differences = np.subtract(RV, IC)
    means = np.array([differences[subject == SUBJECTS].mean() for subject in (1, 2, 3, 4)])
    share = 1 - (1 / np.array([5, 4, 6, 5])).mean()
    sd = np.sqrt(means.var(ddof=1) + share * result.variance_within)
    assert means.mean() == pytest.approx(0.7255, abs=0.0001)
    assert means.mean() - 1.96 * sd == pytest.approx(-2.14, abs=0.005)
    assert result.bias == pytest.approx(differences.mean())
