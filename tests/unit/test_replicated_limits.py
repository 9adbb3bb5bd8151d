"""Limits of agreement with replicates."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from bioagree.statistics.agreement import bland_altman
from bioagree.statistics.clusters import cluster_mean
from bioagree.statistics.replicates import mover_limits, replicated_constant, replicated_varying
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

quick = settings(max_examples=60, deadline=None)
BOUNDS = (
    *("bias", "bias_low", "bias_high", "lower", "lower_low", "lower_high"),
    *("upper", "upper_low", "upper_high"),
)
MIRRORED = {
    "bias": "bias",
    "bias_low": "bias_high",
    "lower": "upper",
    "lower_low": "upper_high",
    "lower_high": "upper_low",
}


@pytest.fixture
def data():
    """Pairs of 9 subjects, 1 to 5 each: first, second, subject."""
    random = np.random.default_rng(4)
    subjects = np.repeat(np.arange(9), [1, 2, 3, 4, 5, 5, 2, 1, 3])
    level = random.normal(50, 10, 9)[subjects]
    offset = random.normal(2, 3, 9)[subjects]
    return level + offset + random.normal(0, 2, 26), level + random.normal(0, 1, 26), subjects


def values(result, names):
    return np.array([getattr(result, name) for name in names])


def test_constant_adds_what_the_means_of_replicates_hide(data):
    """The formula of Bland & Altman 1999, section 5.2, spelled out with loops."""
    first, second, subjects = data
    second, second_subjects = second[:-2], subjects[:-2]
    result = replicated_constant(first, subjects, second, second_subjects)
    means, within, inverse = [], [], []
    for measured, labels in ((first, subjects), (second, second_subjects)):
        groups = [measured[labels == subject] for subject in range(9)]
        means.append([group.mean() for group in groups])
        squares = sum(((group - group.mean()) ** 2).sum() for group in groups)
        within.append(squares / (measured.size - 9))
        inverse.append(np.mean([1 / group.size for group in groups]))
    differences = np.subtract(*means)
    expected = differences.var(ddof=1)
    expected += (1 - inverse[0]) * within[0] + (1 - inverse[1]) * within[1]
    assert result.bias == pytest.approx(differences.mean())
    assert (result.variance_first, result.variance_second) == pytest.approx(tuple(within))
    assert result.sd == pytest.approx(math.sqrt(expected))
    assert result.upper == pytest.approx(result.bias + 1.959964 * result.sd)
    interval = stats.ttest_1samp(differences, 0).confidence_interval()
    assert (result.bias_low, result.bias_high) == pytest.approx(tuple(interval))
    assert (result.subjects, result.measurements_first, result.measurements_second) == (9, 26, 24)


def test_varying_adds_the_components_of_the_analysis_of_variance(data):
    first, second, subjects = data
    result = replicated_varying(first, second, subjects)
    differences = first - second
    groups = [differences[subjects == subject] for subject in range(9)]
    sizes = np.array([group.size for group in groups])
    f = stats.f_oneway(*groups).statistic
    within = sum(((group - group.mean()) ** 2).sum() for group in groups) / (26 - 9)
    between = (f * within - within) * 8 * 26 / (26**2 - (sizes**2).sum())
    assert result.bias == pytest.approx(differences.mean())
    assert result.variance_within == pytest.approx(within)
    assert result.variance_between == pytest.approx(between)
    assert result.sd == pytest.approx(math.sqrt(between + within))
    expected = cluster_mean(differences, subjects)
    assert (result.bias_low, result.bias_high) == pytest.approx((expected.low, expected.high))


def test_with_equal_numbers_the_variance_is_that_of_means_plus_what_means_hide():
    random = np.random.default_rng(8)
    subjects = np.repeat(np.arange(10), 4)
    offset = random.normal(0, 5, 10)[subjects]
    first, second = offset + random.normal(0, 1, 40), random.normal(0, 1, 40)
    result = replicated_varying(first, second, subjects)
    mean_differences = (first - second).reshape(10, 4).mean(axis=1)
    expected = mean_differences.var(ddof=1) + 0.75 * result.variance_within
    assert result.sd**2 == pytest.approx(expected)
    constant = replicated_constant(first, subjects, second, subjects)
    assert constant.bias == pytest.approx(result.bias)
    assert constant.variance_means == pytest.approx(result.variance_means)


def test_single_measurements_are_the_analysis_of_1986():
    random = np.random.default_rng(9)
    first, second = random.normal(10, 1, 15), random.normal(9, 1, 15)
    plain = bland_altman(first, second)
    for result in (
        replicated_constant(first, range(15), second, range(15)),
        replicated_varying(first, second, range(15)),
    ):
        for name in ("bias", "bias_low", "bias_high", "sd", "lower", "upper"):
            assert getattr(result, name) == pytest.approx(getattr(plain, name))
        assert result.note == (
            "No subject has replicates, so the variance within subjects is unknown."
        )
        assert result.lower_low < plain.lower < result.lower_high


def test_interval_of_one_variance_is_that_of_chi_square():
    """Without an error of the bias, the limit moves as its standard deviation does."""
    ends = mover_limits(0.0, 0.0, [(4.0, 9)], 0.95, 0.95)
    chi = stats.chi2.ppf([0.025, 0.975], 9)
    expected = 1.959964 * 2 * np.sqrt(9 / chi)
    assert (ends[3], ends[2]) == pytest.approx(tuple(expected))
    assert (ends[0], ends[1]) == pytest.approx(tuple(-expected))


def test_a_negative_component_between_subjects_counts_as_zero():
    subjects = np.repeat(np.arange(6), 2)
    first = np.tile([1.0, -1.0], 6)
    result = replicated_varying(first, np.zeros(12), subjects)
    assert result.variance_between == 0
    assert result.sd == pytest.approx(math.sqrt(result.variance_within))


def test_order_does_not_matter_and_labels_may_be_text(data):
    first, second, subjects = data
    order = np.random.default_rng(1).permutation(26)
    names = np.array([f"subject {s}" for s in subjects])
    assert asdict(replicated_varying(first[order], second[order], names[order])) == pytest.approx(
        asdict(replicated_varying(first, second, subjects)), nan_ok=True
    )
    assert asdict(replicated_constant(first[order], names[order], second, names)) == pytest.approx(
        asdict(replicated_constant(first, subjects, second, subjects))
    )


def test_missing_measurements_are_dropped_and_counted(data):
    first, second, subjects = data
    gap = np.append(first, math.nan)
    whole = replicated_varying(first, second, subjects)
    with_gap = replicated_varying(gap, np.append(second, 1), np.append(subjects, 3))
    assert with_gap.missing == 1
    assert values(with_gap, BOUNDS) == pytest.approx(values(whole, BOUNDS))
    constant = replicated_constant(gap, np.append(subjects, 3), second, subjects)
    assert constant.missing == 1
    assert constant.measurements_first == 26


def test_subjects_of_one_method_are_left_out_with_a_note(data):
    first, second, subjects = data
    whole = replicated_constant(first, subjects, second, subjects)
    more = replicated_constant(np.append(first, 99), np.append(subjects, 99), second, subjects)
    assert values(more, BOUNDS) == pytest.approx(values(whole, BOUNDS))
    assert more.note == "1 of the subjects were measured by one method only and left out."


@quick
@given(
    st.lists(
        st.tuples(st.integers(-800, 800), st.integers(-800, 800), st.integers(0, 4)),
        min_size=6,
        max_size=24,
    ),
    st.integers(-80, 80),
)
def test_swap_shift_and_identity_are_as_algebra_says(rows, shift):
    first, second, subjects = np.transpose(rows) / [[8], [8], [1]]
    functions = {
        "varying": lambda a, b: replicated_varying(a, b, subjects),
        "constant": lambda a, b: replicated_constant(a, subjects, b, subjects),
    }
    for function in functions.values():
        result, swapped = function(first, second), function(second, first)
        assert values(swapped, MIRRORED.values()) == pytest.approx(
            -values(result, MIRRORED), rel=1e-9, abs=1e-9, nan_ok=True
        )
        shifted = function(first + shift, second)
        assert values(shifted, BOUNDS) == pytest.approx(
            values(result, BOUNDS) + shift, rel=1e-9, abs=1e-9, nan_ok=True
        )
        scaled = function(first * 4, second * 4)
        assert values(scaled, BOUNDS) == pytest.approx(
            values(result, BOUNDS) * 4, rel=1e-9, abs=1e-9, nan_ok=True
        )
    same = functions["varying"](first, first)
    assert same.bias == 0
    assert same.sd == 0 or len(set(subjects)) == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [0, 1])
def test_without_two_subjects_there_are_no_limits(n):
    for result in (
        replicated_varying([2.0] * n, [1.0] * n, [7] * n),
        replicated_constant([2.0] * n, [7] * n, [1.0, math.nan][:n], [7] * n),
    ):
        assert result.subjects == n
        assert np.isnan(values(result, BOUNDS[1:])).all()
        assert math.isnan(result.sd)
        assert ("With one subject" if n else "There is no subject") in result.note


@pytest.mark.filterwarnings("error")
def test_a_constant_offset_gives_limits_equal_to_the_bias():
    second = np.array([0.1, 0.7, 1.3, 2.9, 5.5, 7.1])
    result = replicated_varying(second + 0.1, second, [0, 0, 1, 1, 2, 2])
    assert result.sd == 0
    assert values(result, BOUNDS) == pytest.approx(0.1)
    assert "All differences are equal" in result.note
    assert "rests on 3 subjects only" in result.note


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: replicated_varying([1, 2], [1, 2], [1]), "There are 1 subjects for 2 pairs"),
        (lambda: replicated_varying([1, math.inf], [1, 2], [1, 2]), r"first\[1\] is inf"),
        (lambda: replicated_varying([1, 2], [1, 2], [1, math.nan]), r"\[1\] is missing"),
        (lambda: replicated_constant([1, 2], [1], [1], [1]), r"give one subject per measurement"),
        (lambda: replicated_constant([1], [1], [-math.inf], [1]), r"second\[0\] is -inf"),
        (lambda: replicated_varying([1], [1], [1], coverage=95), "coverage must lie between"),
    ],
)
def test_unusable_input_is_refused_in_one_sentence(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert str(caught.value).count(". ") == 0
