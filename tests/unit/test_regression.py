"""Deming and Passing-Bablok regression."""

import itertools
import math

import numpy as np
import pytest
from bioagree.statistics import regression
from bioagree.statistics.regression import deming, passing_bablok
from bioagree.statistics.slopes import Counted, Listed, inversions
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize, stats

SEEDS = st.integers(0, 2**32 - 1)


def methods(seed=0, n=31, slope=1.1, intercept=0.5):
    random = np.random.default_rng(seed)
    truth = random.uniform(5, 20, n)
    return truth + random.normal(0, 0.5, n), intercept + slope * truth + random.normal(0, 0.7, n)


# -- Deming ----------------------------------------------------------------------------------------


@given(SEEDS, st.floats(0.1, 10))
def test_deming_is_the_line_of_least_distance_in_units_of_the_errors(seed, ratio):
    x, y = methods(seed)

    def distance(slope):
        residuals = (y - y.mean()) - slope * (x - x.mean())
        return (residuals**2).sum() / (1 + ratio * slope**2)

    best = optimize.minimize_scalar(distance, (0.5, 1.0, 2.0), tol=1e-12).x
    line = deming(x, y, ratio=ratio)
    assert line.slope == pytest.approx(best, rel=1e-6)
    assert line.intercept == pytest.approx(y.mean() - line.slope * x.mean())


def test_jackknife_leaves_out_one_object_at_a_time():
    x, y = methods()
    slopes = np.array([deming(np.delete(x, i), np.delete(y, i)).slope for i in range(31)])
    line = deming(x, y)
    error = math.sqrt(30 / 31 * ((slopes - slopes.mean()) ** 2).sum())
    assert line.slope_error == pytest.approx(error)
    half = stats.t.ppf(0.975, 29) * error
    assert (line.slope_low, line.slope_high) == pytest.approx(
        (line.slope - half, line.slope + half)
    )


def test_jackknife_leaves_out_one_cluster_at_a_time():
    x, y = methods()
    images = np.arange(31) // 5
    slopes = np.array([deming(x[images != i], y[images != i]).slope for i in range(7)])
    line = deming(x, y, clusters=images)
    error = math.sqrt(6 / 7 * ((slopes - slopes.mean()) ** 2).sum())
    assert line.slope_error == pytest.approx(error)
    half = stats.t.ppf(0.975, 6) * error
    assert line.slope_high == pytest.approx(line.slope + half)
    assert line.clusters == 7


@given(SEEDS, st.floats(0.1, 10))
def test_swapping_methods_inverts_the_line_of_deming(seed, ratio):
    x, y = methods(seed)
    one, other = deming(x, y, ratio=ratio), deming(y, x, ratio=1 / ratio)
    assert other.slope == pytest.approx(1 / one.slope)
    assert other.intercept == pytest.approx(-one.intercept / one.slope)


@pytest.mark.parametrize("fit", [deming, passing_bablok])
@given(SEEDS, st.floats(-100, 100), st.floats(0.1, 10))
def test_shifts_move_the_intercept_and_a_common_scale_scales_it(fit, seed, shift, scale):
    x, y = methods(seed)
    line, moved = fit(x, y), fit(scale * x, scale * (y + shift))
    assert moved.slope == pytest.approx(line.slope, rel=1e-6)
    assert moved.intercept == pytest.approx(scale * (line.intercept + shift), rel=1e-6, abs=1e-6)
    assert moved.slope_low == pytest.approx(line.slope_low, rel=1e-6)


def test_ratio_is_estimated_from_replicates():
    random = np.random.default_rng(7)
    truth = random.uniform(5, 20, (400, 1))
    x = truth + random.normal(0, 1.0, (400, 3))
    y = truth + random.normal(0, 0.5, (400, 2))
    line = deming(x, y, ratio=None)
    within = x.var(axis=1, ddof=1).mean() / 3, y.var(axis=1, ddof=1).mean() / 2
    assert line.ratio == pytest.approx(within[0] / within[1])
    assert line.slope == deming(x.mean(1), y.mean(1), ratio=line.ratio).slope
    assert line.slope == pytest.approx(1, abs=0.05)


def test_missing_replicates_are_left_out():
    x = np.array([[1.0, 1.2], [2.0, np.nan], [3.1, 3.0], [4.0, 4.3], [np.nan, np.nan]])
    line = deming(x, x[:, ::-1] + 0.1 * np.arange(5)[:, np.newaxis], ratio=None)
    assert (line.n, line.missing) == (4, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"ratio": 0}, "positive"),
        ({"ratio": np.inf}, "positive"),
        ({"ratio": None}, "needs replicates"),
        ({"confidence": 1}, "confidence"),
    ],
)
def test_unusable_arguments_of_deming_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        deming(*methods(), **arguments)


# -- Passing-Bablok --------------------------------------------------------------------------------


def by_the_paper(x, y, confidence=0.95):
    """Passing & Bablok 1983, loop by loop, with vertical slopes of the sign of the difference."""
    slopes = []
    for i, j in itertools.combinations(range(len(x)), 2):
        dx, dy = x[i] - x[j], y[i] - y[j]
        if dx == 0 and dy == 0:
            continue
        slope = math.copysign(math.inf, dy) if dx == 0 else dy / dx
        if slope != -1:
            slopes.append(slope)
    slopes.sort()
    total, shift = len(slopes), sum(slope < -1 for slope in slopes)

    def at(rank):
        return slopes[rank + shift - 1]

    middle = total // 2
    b = at(middle + 1) if total % 2 else (at(middle) + at(middle + 1)) / 2
    n = len(x)
    c = stats.norm.ppf((1 + confidence) / 2) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    first = math.floor((total - c) / 2 + 0.5)
    low, high = at(first), at(total - first + 1)
    a = [float(np.median(y - slope * x)) for slope in (b, high, low)]
    return [b, low, high, *a]


def found(line):
    names = ("slope", "slope_low", "slope_high", "intercept", "intercept_low", "intercept_high")
    return [getattr(line, name) for name in names]


@given(SEEDS, st.integers(10, 40))
def test_passing_bablok_is_that_of_the_paper(seed, n):
    x, y = methods(seed, n)
    assert found(passing_bablok(x, y)) == pytest.approx(by_the_paper(x, y))


@given(SEEDS)
def test_ties_vertical_and_identical_points_are_treated_as_in_the_paper(seed):
    random = np.random.default_rng(seed)
    truth = random.integers(0, 12, 40)
    x, y = truth + random.integers(-1, 2, 40), truth + random.integers(-1, 2, 40)
    line = passing_bablok(x, y)
    assume(np.isfinite(line.slope_high))
    assert found(line) == pytest.approx(by_the_paper(x, y))
    order = random.permutation(40)
    assert found(passing_bablok(x[order], y[order])) == pytest.approx(found(line))


def test_slopes_by_hand():
    # slopes 1, 1.5, 3, -1 (left out), vertical, identical (left out) and so on
    x, y = [1, 2, 3, 3, 1], [1, 2, 4, 5, 1]
    line = passing_bablok(x, y)
    # pairs: (1,2) 1; (1,3) 1.5; (1,4) 2; (1,5) none; (2,3) 2; (2,4) 3; (2,5) 1; (3,4) inf;
    # (3,5) 1.5; (4,5) 2; sorted 1 1 1.5 1.5 2 2 2 3 inf
    assert (line.slopes, line.shift) == (9, 0)
    assert line.slope == 2
    assert line.intercept == -1


@given(SEEDS, st.sampled_from([22, 25, 30]))
def test_swapping_methods_inverts_the_line_of_passing_and_bablok(seed, n):
    x, y = methods(seed, n)
    one, other = passing_bablok(x, y), passing_bablok(y, x)
    # 22 points have an odd number of slopes; otherwise the median is the mean of the middle two
    assert other.slope == pytest.approx(1 / one.slope, rel=1e-12 if n == 22 else 1e-2)
    assert other.slope_low == pytest.approx(1 / one.slope_high)
    assert other.slope_high == pytest.approx(1 / one.slope_low)
    assert other.slopes == one.slopes


def test_outliers_do_not_turn_the_line():
    x, y = methods(n=60)
    y[:5] += 100
    assert passing_bablok(x, y).slope == pytest.approx(1.1, abs=0.15)
    assert deming(x, y).slope != pytest.approx(1.1, abs=0.5)


def test_linearity_test_finds_a_bend_and_leaves_a_line():
    random = np.random.default_rng(3)
    x = np.linspace(0, 10, 80)
    noise = random.normal(0, 0.2, 80)
    assert passing_bablok(x, x + noise).linearity_p > 0.05
    assert passing_bablok(x, x**2 / 10 + noise).linearity_p < 0.01


def test_linearity_statistic_by_hand():
    x, y = methods(n=21)
    line = passing_bablok(x, y)
    residual = y - line.intercept - line.slope * x
    above, below = (residual > 1e-12).sum(), (residual < -1e-12).sum()
    scores = np.where(residual > 0, math.sqrt(below / above), -math.sqrt(above / below))
    scores[np.abs(residual) <= 1e-12] = 0
    along = (y + x / line.slope - line.intercept) / math.sqrt(1 + 1 / line.slope**2)
    largest = np.abs(scores[np.argsort(along)].cumsum()).max()
    assert line.cusum == pytest.approx(largest / math.sqrt(below + 1))
    assert line.linearity_p == pytest.approx(stats.kstwobign.sf(line.cusum))


def test_clusters_widen_the_interval_of_passing_and_bablok():
    random = np.random.default_rng(5)
    images = np.repeat(np.arange(10), 20)
    truth = 10 + random.normal(0, 1, 10)[images] + random.normal(0, 1, 200)
    x = truth + random.normal(0, 0.5, 10)[images]
    y = truth + random.normal(0, 0.5, 10)[images]
    clustered, independent = passing_bablok(x, y, clusters=images), passing_bablok(x, y)
    assert clustered.slope == independent.slope
    width = independent.slope_high - independent.slope_low
    assert clustered.slope_high - clustered.slope_low > 1.5 * width
    assert np.isnan(clustered.linearity_p)


def test_leaving_out_a_cluster_ranks_the_remaining_slopes():
    x, y = methods()
    codes = np.arange(31) % 4
    for code, rest in enumerate(Listed(x, y, codes).without_each()):
        again = Listed(x[codes != code], y[codes != code])
        assert [rest.at(k) for k in (1, 50, rest.total)] == [
            again.at(k) for k in (1, 50, rest.total)
        ]


# -- counting --------------------------------------------------------------------------------------


@given(st.integers(0, 300), SEEDS)
def test_inversions_are_counted(n, seed):
    ranks = np.random.default_rng(seed).permutation(n)
    assert inversions(ranks) == sum(a > b for a, b in itertools.combinations(ranks, 2))


@pytest.mark.parametrize("decimals", [0, 1, 15])
@pytest.mark.parametrize("sign", [1, -1])
def test_counted_slopes_are_the_listed_ones(decimals, sign):
    x, y = methods(4, 60)
    x, y = np.round(x, decimals), np.round(sign * y, decimals)
    listed, counted = Listed(x, y), Counted(x, y)
    assert (listed.total, listed.shift) == (counted.total, counted.shift)
    for rank in range(1, listed.total + 1, 57):
        assert counted.at(rank) == pytest.approx(listed.at(rank), rel=1e-9, abs=1e-12)


def test_many_points_give_the_line_of_all_slopes(monkeypatch):
    x, y = methods(6, 400)
    expected = found(passing_bablok(x, y))
    clustered = found(passing_bablok(x, y, clusters=np.arange(400) // 50))
    monkeypatch.setattr(regression, "MOST_PAIRWISE", 100)
    assert found(passing_bablok(x, y)) == pytest.approx(expected, rel=1e-9)
    again = found(passing_bablok(x, y, clusters=np.arange(400) // 50))
    assert again == pytest.approx(clustered, rel=1e-6)


# -- edges -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fit", [deming, passing_bablok])
@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([], []),
        ([1.0], [2.0]),
        ([1.0, 2.0], [1.0, 2.0]),
        ([np.nan, 2.0], [1.0, 2.0]),
        ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]),
        ([1.0, 1.0, 2.0, 2.0], [1.0, 2.0, 1.0, 2.0]),
    ],
)
def test_what_is_undefined_is_said(fit, clustered, first, second):
    line = fit(first, second, clusters=np.arange(len(first)) if clustered else None)
    assert np.isnan(line.slope_low)
    assert line.note.endswith(".")


@pytest.mark.parametrize("fit", [deming, passing_bablok])
@pytest.mark.parametrize("clusters", [None, np.arange(12) // 2])
def test_identical_methods_lie_on_the_line_of_equality(fit, clusters):
    x = np.array([0.1, 0.7, 1.3, 2.2, 3.1, 4.7, 5.2, 6.6, 7.4, 8.1, 9.3, 10.9])
    assert found(fit(x, x, clusters=clusters)) == pytest.approx([1, 1, 1, 0, 0, 0], abs=1e-12)


@pytest.mark.parametrize("fit", [deming, passing_bablok])
def test_missing_values_are_counted_and_infinite_ones_refused(fit):
    x, y = methods()
    assert fit(np.append(x, np.nan), np.append(y, 1)).missing == 1
    assert fit(np.append(x, np.nan), np.append(y, 1)).slope == fit(x, y).slope
    with pytest.raises(ValueError, match="inf"):
        fit(np.append(x, np.inf), np.append(y, 1))


@pytest.mark.parametrize("fit", [deming, passing_bablok])
def test_few_clusters_are_warned_of(fit):
    x, y = methods()
    assert "too few to trust" in fit(x, y, clusters=np.arange(31) % 3).note
    assert "fewer than two clusters" in fit(x, y, clusters=np.zeros(31)).note


def test_negative_relation_has_no_passing_bablok_line():
    x, _ = methods()
    line = passing_bablok(x, 30 - 2 * x)
    assert np.isnan(line.slope)
    assert "no positive relation" in line.note
