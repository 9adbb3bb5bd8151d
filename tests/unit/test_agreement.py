"""Bias, limits of agreement and their intervals."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from bioagree.statistics.agreement import (
    approximate_limits_interval,
    bland_altman,
    limit_factors,
    tolerance_factor,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

BIAS = ("bias", "bias_low", "bias_high")
LIMITS = ("lower", "lower_low", "lower_high", "upper", "upper_low", "upper_high")
BOUNDS = (*BIAS, *LIMITS, "pair_lower", "pair_upper")
SLOPE = ("slope", "slope_low", "slope_high")
INTERVALS = ("bias_low", "bias_high", "lower_low", "upper_high", "pair_lower", "pair_upper")


@pytest.fixture
def methods():
    """Values of two methods on 25 objects, with a proportional bias."""
    random = np.random.default_rng(1)
    truth = random.uniform(50, 150, 25)
    return 1.1 * truth + random.normal(0, 3, 25), truth + random.normal(0, 4, 25)


def values(result, names):
    return np.array([getattr(result, name) for name in names])


# -- factors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "coverage", "printed"),
    [
        (4, 0.90, 5.37),
        (4, 0.95, 6.34),
        (4, 0.99, 8.22),
        (10, 0.90, 2.86),
        (10, 0.95, 3.39),
        (10, 0.99, 4.44),
        (20, 0.90, 2.32),
        (20, 0.95, 2.76),
        (20, 0.99, 3.62),
        (60, 0.90, 1.96),
        (60, 0.95, 2.34),
        (60, 0.99, 3.07),
    ],
)
def test_pair_factor_is_the_published_two_sided_tolerance_factor(n, coverage, printed):
    # Berthouex & Brown, Statistics for Environmental Engineers, table 21.1
    assert tolerance_factor(n, coverage) == pytest.approx(printed, abs=0.00501)


@pytest.mark.parametrize(
    ("n", "confidence", "printed"),
    [
        (2, 0.95, 36.5192),
        (2, 0.975, 73.0772),
        (10, 0.025, 1.3915),
        (10, 0.95, 3.3934),
        (10, 0.975, 3.7706),
        (20, 0.025, 1.5175),
        (20, 0.95, 2.7603),
        (20, 0.975, 2.9445),
        (75, 0.95, 2.2862),
    ],
)
def test_pair_factor_has_four_exact_digits(n, confidence, printed):
    # the table of Carkeet 2015 for a pair of limits, as the tests of pyCompare carry it
    assert tolerance_factor(n, confidence=confidence) == pytest.approx(printed, abs=6e-5)


@pytest.mark.parametrize(("n", "printed"), [(5, 4.203), (10, 2.911), (20, 2.396), (100, 1.927)])
def test_outer_factor_is_the_published_one_sided_tolerance_factor(n, printed):
    # Odeh & Owen 1980, 95 % of the population at 95 % confidence: one side of 90 % limits at 90 %
    assert limit_factors(n, coverage=0.90, confidence=0.90)[1] == pytest.approx(printed, abs=6e-4)


@pytest.mark.parametrize("coverage", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("n", [2, 3, 5, 10, 20, 100, 1000, 10_000, 1_000_000])
def test_limit_factors_solve_an_independent_integral(n, coverage):
    """P(limit < mean + k sd), integrated over the distribution of sd, gives back the tail."""
    z = special.ndtri((1 + coverage) / 2)
    sd = stats.chi(n - 1, scale=1 / math.sqrt(n - 1))
    low, high = sd.ppf(1e-15), sd.isf(1e-15)
    for factor, tail in zip(limit_factors(n, coverage), (0.025, 0.975), strict=True):
        step = z / factor + np.array([-8, 0, 8]) / (factor * math.sqrt(n))
        breaks = np.unique(np.clip([low, *step, high], low, high))
        probability = sum(
            integrate.quad(
                lambda s, k=factor: special.ndtr(math.sqrt(n) * (k * s - z)) * sd.pdf(s),
                *piece,
                epsabs=1e-10,
            )[0]
            for piece in zip(breaks, breaks[1:], strict=False)
        )
        assert probability == pytest.approx(tail, abs=1e-9)


@pytest.mark.parametrize("n", [2, 10, 20])
def test_factors_cover_what_they_promise_in_simulated_experiments(n):
    random = np.random.default_rng(n)
    sample = random.normal(size=(4000, n))
    mean, sd = sample.mean(axis=1), sample.std(axis=1, ddof=1)
    z = stats.norm.ppf(0.975)

    inner, outer = limit_factors(n)
    covered = (mean + inner * sd < z) & (z < mean + outer * sd)
    assert covered.mean() == pytest.approx(0.95, abs=0.012)

    half = tolerance_factor(n) * sd
    content = stats.norm.cdf(mean + half) - stats.norm.cdf(mean - half)
    assert (content >= 0.95).mean() == pytest.approx(0.95, abs=0.012)


def test_factors_close_in_on_the_normal_quantile():
    inner, outer = limit_factors(1_000_000)
    assert inner == pytest.approx(1.959964, abs=0.004)
    assert outer == pytest.approx(1.959964, abs=0.004)
    assert tolerance_factor(1_000_000) == pytest.approx(1.959964, abs=0.004)


@pytest.mark.parametrize("factor", [limit_factors, tolerance_factor])
def test_factors_need_two_values(factor):
    with pytest.raises(ValueError, match="n must be at least 2, but is 1"):
        factor(1)


# -- bias, limits, slope ---------------------------------------------------------------------------


def test_bias_has_the_student_t_interval(methods):
    result = bland_altman(*methods, confidence=0.9)
    expected = stats.ttest_1samp(methods[0] - methods[1], 0).confidence_interval(0.9)
    assert (result.bias_low, result.bias_high) == pytest.approx(tuple(expected))


def test_limits_follow_from_bias_and_sample_standard_deviation(methods):
    result = bland_altman(*methods)
    differences = methods[0] - methods[1]
    assert result.sd == pytest.approx(stats.tstd(differences))
    assert result.lower == pytest.approx(differences.mean() - 1.959964 * stats.tstd(differences))
    assert result.upper == pytest.approx(differences.mean() + 1.959964 * stats.tstd(differences))


def test_approximate_intervals_lie_symmetrically_and_near_the_exact_ones(methods):
    result = bland_altman(*methods, coverage=0.9, confidence=0.8)
    lower, upper = approximate_limits_interval(result)
    z = stats.norm.ppf(0.95)
    half = stats.t.ppf(0.9, 24) * result.sd * math.sqrt((1 + z**2 / 2) / 25)
    assert lower == pytest.approx((result.lower - half, result.lower + half))
    assert upper == pytest.approx((result.upper - half, result.upper + half))
    assert upper == pytest.approx((result.upper_low, result.upper_high), rel=0.1)


def test_one_pair_has_no_approximate_intervals():
    assert np.isnan(approximate_limits_interval(bland_altman([1], [2]))).all()


def test_intervals_of_the_limits_enclose_them_and_reach_further_outwards(methods):
    result = bland_altman(*methods)
    assert 0 < result.lower_high - result.lower < result.lower - result.lower_low
    assert 0 < result.upper - result.upper_low < result.upper_high - result.upper


def test_coverage_moves_the_limits_and_confidence_only_the_intervals(methods):
    usual = bland_altman(*methods)
    wide = bland_altman(*methods, coverage=0.99)
    sure = bland_altman(*methods, confidence=0.99)
    assert wide.upper - wide.bias == pytest.approx(2.575829 * usual.sd)
    assert (wide.bias_low, wide.bias_high) == (usual.bias_low, usual.bias_high)
    assert (sure.lower, sure.upper) == (usual.lower, usual.upper)
    assert sure.upper_low < usual.upper_low < usual.upper_high < sure.upper_high


def test_slope_is_the_regression_of_difference_on_mean(methods):
    first, second = methods
    result = bland_altman(first, second)
    line = stats.linregress((first + second) / 2, first - second)
    half = stats.t.ppf(0.975, 23) * line.stderr
    assert result.slope == pytest.approx(line.slope)
    assert (result.slope_low, result.slope_high) == pytest.approx(
        (line.slope - half, line.slope + half)
    )
    assert result.slope_p == pytest.approx(line.pvalue)
    assert result.slope_p < 0.01


def test_exactly_proportional_methods_have_a_certain_slope():
    result = bland_altman([2, 4, 6, 8], [1, 2, 3, 4])
    assert result.slope == pytest.approx(2 / 3)
    assert result.slope_p == pytest.approx(0, abs=1e-12)


def test_result_is_a_flat_record_of_plain_numbers(methods):
    record = asdict(bland_altman(*methods))
    assert {type(value) for value in record.values()} == {int, float, str}
    assert (record["n"], record["missing"], record["note"]) == (25, 0, "")
    assert (record["coverage"], record["confidence"]) == (0.95, 0.95)


def test_unsigned_counts_do_not_wrap_around():
    counts = np.array([3, 5, 9], dtype=np.uint8), np.array([4, 7, 250], dtype=np.uint8)
    assert bland_altman(*counts).bias == pytest.approx(-244 / 3)


# -- what cannot be computed -----------------------------------------------------------------------


def test_pairs_with_a_missing_value_are_dropped_and_counted(methods):
    first, second = (np.append(values, [np.nan, 7, np.nan]) for values in methods)
    second[-1] = 3
    second[-2] = np.nan
    result = bland_altman(first, second)
    assert result.missing == 3
    assert asdict(result) == asdict(bland_altman(*methods)) | {"missing": 3}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("pairs", [([], []), ([math.nan, 1], [2, math.nan])])
def test_no_pair_gives_nan_and_says_so(pairs):
    result = bland_altman(*pairs)
    assert (result.n, result.missing) == (0, len(pairs[0]))
    assert np.isnan(values(result, (*BOUNDS, *SLOPE, "sd", "pair_factor", "slope_p"))).all()
    assert result.note == "There is no complete pair, hence nothing to compute."


@pytest.mark.filterwarnings("error")
def test_one_pair_gives_only_its_difference():
    result = bland_altman([3.0, math.nan], [1.0, 1.0])
    assert (result.n, result.missing, result.bias) == (1, 1, 2.0)
    assert np.isnan(values(result, (*BOUNDS[1:], *SLOPE, "sd", "pair_factor", "slope_p"))).all()
    assert "no standard deviation" in result.note


@pytest.mark.filterwarnings("error")
def test_two_pairs_have_limits_but_no_interval_of_the_slope():
    result = bland_altman([1, 4], [1, 2])
    assert np.isfinite(values(result, BOUNDS)).all()
    assert result.slope == pytest.approx(1)
    assert np.isnan(values(result, ("slope_low", "slope_high", "slope_p"))).all()
    assert result.note == "Two pairs give a slope but no interval for it."


@pytest.mark.filterwarnings("error")
def test_equal_means_leave_the_slope_undefined():
    result = bland_altman([1.1, 1.7, 0.6], [0.9, 0.3, 1.4])
    assert np.isfinite(values(result, BOUNDS)).all()
    assert np.isnan(values(result, (*SLOPE, "slope_p"))).all()
    assert result.note == "All means are equal, so the slope is undefined."


@pytest.mark.filterwarnings("error")
def test_constant_offset_gives_limits_equal_to_the_bias():
    second = np.array([0.1, 0.7, 1.3, 2.9])
    result = bland_altman(second + 0.1, second)
    assert result.sd == 0
    assert values(result, BOUNDS) == pytest.approx(0.1)
    assert np.ptp(values(result, BOUNDS)) == 0
    assert (result.slope, result.slope_low, result.slope_high) == (0, 0, 0)
    assert math.isnan(result.slope_p)
    assert result.note == (
        "All differences are equal, so the limits equal the bias; "
        "the slope is zero and cannot be tested."
    )


@pytest.mark.filterwarnings("error")
def test_one_pair_measured_again_and_again_names_both_reasons():
    result = bland_altman([2, 2, 2], [1, 1, 1])
    assert result.note == (
        "All differences are equal, so the limits equal the bias; "
        "all means are equal, so the slope is undefined."
    )


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1, 2], [1, 2, 3], "first holds 2 values and second 3: give one value of each method"),
        ([[1, 2]], [1, 2], r"first must be one-dimensional, but its shape is \(1, 2\)"),
        ([1, 2], 3, r"second must be one-dimensional, but its shape is \(\)"),
        ([1, math.inf], [math.nan, 2], r"first\[1\] is inf: give finite values, or NaN"),
        ([1, math.nan], [2, -math.inf], r"second\[1\] is -inf: give finite values, or NaN"),
    ],
)
def test_unusable_values_are_refused_in_one_sentence(first, second, message):
    with pytest.raises(ValueError, match=message) as caught:
        bland_altman(first, second)
    assert str(caught.value).count(". ") == 0


@pytest.mark.parametrize("option", ["coverage", "confidence"])
@pytest.mark.parametrize("value", [0, 1, 95, math.nan])
def test_percentages_are_not_probabilities(option, value):
    with pytest.raises(ValueError, match=f"{option} must lie between 0 and 1"):
        bland_altman([1, 2, 3], [1, 3, 2], **{option: value})


# -- properties ------------------------------------------------------------------------------------

# eighths add without rounding, so that the properties hold to the last digits
eighths = st.integers(-8000, 8000).map(lambda k: k / 8)
pairs = st.lists(st.tuples(eighths, eighths), min_size=3, max_size=30).map(np.transpose)
quick = settings(max_examples=60, deadline=None)


@quick
@given(pairs)
def test_swapping_the_methods_mirrors_everything(pair):
    result, swapped = bland_altman(*pair), bland_altman(*pair[::-1])
    mirrored = {
        "bias": "bias",
        "bias_low": "bias_high",
        "lower": "upper",
        "lower_low": "upper_high",
        "lower_high": "upper_low",
        "pair_lower": "pair_upper",
        "slope": "slope",
        "slope_low": "slope_high",
    }
    assert values(swapped, mirrored.values()) == pytest.approx(
        -values(result, mirrored), rel=1e-9, abs=1e-9, nan_ok=True
    )
    assert swapped.slope_p == pytest.approx(result.slope_p, nan_ok=True)
    assert (swapped.sd, swapped.note) == (result.sd, result.note)


@quick
@given(pairs, eighths)
def test_adding_a_constant_to_one_method_shifts_bias_and_limits(pair, constant):
    result, shifted = bland_altman(*pair), bland_altman(pair[0] + constant, pair[1])
    assert values(shifted, BOUNDS) == pytest.approx(values(result, BOUNDS) + constant, abs=1e-8)
    assert shifted.sd == pytest.approx(result.sd)
    assert shifted.slope == pytest.approx(result.slope, nan_ok=True)


@quick
@given(pairs, st.floats(1e-6, 1e6))
def test_scaling_both_methods_scales_all_but_the_slope(pair, scale):
    result, scaled = bland_altman(*pair), bland_altman(*(scale * pair))
    expected = scale * values(result, BOUNDS)
    assert values(scaled, BOUNDS) == pytest.approx(expected, rel=1e-8, abs=1e-8 * scale)
    assert values(scaled, SLOPE) == pytest.approx(
        values(result, SLOPE), rel=1e-6, abs=1e-8, nan_ok=True
    )
    assert scaled.note == result.note


@quick
@given(pairs)
def test_a_method_agrees_with_itself(pair):
    result = bland_altman(pair[0], pair[0])
    assert (values(result, BOUNDS) == 0).all()
    assert result.note.startswith("All differences are equal, so the limits equal the bias")


@quick
@given(pairs)
def test_order_of_the_pairs_does_not_matter(pair):
    assume(np.ptp(pair[0] - pair[1]) > 0)
    result, reversed_ = bland_altman(*pair), bland_altman(*pair[:, ::-1])
    assert values(reversed_, BOUNDS) == pytest.approx(values(result, BOUNDS))


@quick
@given(pairs)
def test_more_confidence_widens_every_interval(pair):
    assume(np.ptp(pair[0] - pair[1]) > 0)
    usual, sure = bland_altman(*pair), bland_altman(*pair, confidence=0.99)
    width_usual, width_sure = (abs(values(r, INTERVALS) - r.bias) for r in (usual, sure))
    assert (width_sure > width_usual).all()
