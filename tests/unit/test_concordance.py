"""Lin's concordance correlation coefficient."""

import math

import numpy as np
import pytest
from bioagree.statistics.concordance import lins_ccc
from hypothesis import given
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)


def methods(seed=0, n=30, shift=0.3):
    random = np.random.default_rng(seed)
    truth = random.normal(10, 2, n)
    return truth + random.normal(0, 0.7, n), 1.1 * truth + shift + random.normal(0, 0.5, n)


def numbers(result):
    return np.array([result.ccc, result.low, result.high, result.precision, result.accuracy])


# -- Lin -------------------------------------------------------------------------------------------


def test_estimate_and_interval_are_those_of_lins_formulas():
    """Lin 1989 with the variance of 2000, as the paper writes it with powers of the precision."""
    x, y = methods()
    n, r = x.size, np.corrcoef(x, y)[0, 1]
    sx, sy = x.std(), y.std()
    c = 2 * r * sx * sy / (sx**2 + sy**2 + (x.mean() - y.mean()) ** 2)
    u = (x.mean() - y.mean()) / math.sqrt(sx * sy)
    variance = (
        (1 - r**2) * c**2 / ((1 - c**2) * r**2)
        + 2 * c**3 * (1 - c) * u**2 / (r * (1 - c**2) ** 2)
        - c**4 * u**4 / (2 * r**2 * (1 - c**2) ** 2)
    ) / (n - 2)
    z = math.atanh(c)
    result = lins_ccc(x, y)
    assert result.ccc == pytest.approx(c, rel=1e-12)
    ends = [math.tanh(z - 1.959963984540054 * s * math.sqrt(variance)) for s in (1, -1)]
    assert [result.low, result.high] == pytest.approx(ends, rel=1e-12)
    assert result.ccc == pytest.approx(result.precision * result.accuracy)
    assert (result.location_shift, result.scale_shift) == pytest.approx((u, sx / sy))


def test_denominator_of_the_variance_can_be_chosen():
    x, y = methods()
    c = 2 * np.cov(x, y)[0, 1] / (x.var(ddof=1) + y.var(ddof=1) + (x.mean() - y.mean()) ** 2)
    assert lins_ccc(x, y, ddof=1).ccc == pytest.approx(c)
    assert lins_ccc(x, y).ccc < c


@given(SEEDS)
def test_swapping_methods_only_turns_the_shifts(seed):
    x, y = methods(seed)
    one, other = lins_ccc(x, y), lins_ccc(y, x)
    assert numbers(one) == pytest.approx(numbers(other))
    assert one.location_shift == pytest.approx(-other.location_shift)
    assert one.scale_shift == pytest.approx(1 / other.scale_shift)


@given(SEEDS, st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_moving_and_scaling_both_methods_changes_nothing(seed, shift, scale):
    x, y = methods(seed)
    moved = lins_ccc(scale * (x + shift), scale * (y + shift))
    assert numbers(moved) == pytest.approx(numbers(lins_ccc(x, y)), rel=1e-6)


def test_moving_one_method_lowers_accuracy_but_not_precision():
    x, y = methods()
    moved = lins_ccc(x, y + 5)
    assert moved.precision == pytest.approx(lins_ccc(x, y).precision)
    assert moved.accuracy < lins_ccc(x, y).accuracy


def test_uncorrelated_methods_have_an_interval_around_zero():
    result = lins_ccc([1, 2, 1, 2, 1, 2, 1, 2], [1, 1, 2, 2, 1, 1, 2, 2])
    assert result.ccc == 0
    assert result.low == pytest.approx(-result.high)
    assert 0.5 < result.high < 0.9


def test_clusters_widen_the_interval_as_far_as_objects_share_their_error():
    random = np.random.default_rng(3)
    images = np.repeat(np.arange(12), 25)
    truth = random.normal(0, 1, 300) + random.normal(0, 1, 12)[images]
    first = truth + random.normal(0, 0.3, 300) + random.normal(0, 0.3, 12)[images]
    second = truth + random.normal(0, 0.3, 300)
    clustered, independent = lins_ccc(first, second, clusters=images), lins_ccc(first, second)
    assert clustered.ccc == pytest.approx(independent.ccc)
    assert clustered.clusters == 12
    assert clustered.high - clustered.low > 1.5 * (independent.high - independent.low)
    alone = lins_ccc(first, second, clusters=np.arange(300))
    assert alone.high - alone.low == pytest.approx(independent.high - independent.low, rel=0.2)


@pytest.mark.parametrize("clusters", [False, True])
@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([], [], "fewer than two"),
        ([1.0], [2.0], "fewer than two"),
        ([1.0, np.nan], [2.0, 3.0], "fewer than two"),
        ([1, 1, 1], [1, 1, 1], "one and the same value"),
        ([1, 1, 1], [1, 2, 3], "same value everywhere"),
        ([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], "no width"),
    ],
)
def test_what_is_undefined_is_said(first, second, said, clusters):
    result = lins_ccc(first, second, clusters=np.arange(len(first)) if clusters else None)
    assert said in result.note.lower()
    if np.isnan(result.ccc):
        assert np.isnan(result.low)


def test_identical_methods_agree_completely():
    x, _ = methods()
    result = lins_ccc(x, x)
    assert (result.ccc, result.low, result.high) == pytest.approx((1, 1, 1))
    assert (result.location_shift, result.scale_shift) == (0, 1)


def test_missing_values_are_counted_and_infinite_ones_refused():
    x, y = methods()
    gap = np.append(x, np.nan), np.append(y, 1)
    assert lins_ccc(*gap).missing == 1
    assert lins_ccc(*gap).ccc == lins_ccc(x, y).ccc
    with pytest.raises(ValueError, match=r"first\[30\] is inf"):
        lins_ccc(np.append(x, np.inf), np.append(y, 1))
    with pytest.raises(ValueError, match="ddof must be 0 or 1"):
        lins_ccc(x, y, ddof=2)


def test_one_cluster_gives_no_interval_and_few_a_warning():
    x, y = methods()
    alone = lins_ccc(x, y, clusters=np.zeros(30))
    assert np.isnan(alone.low)
    assert "fewer than two clusters" in alone.note
    few = lins_ccc(x, y, clusters=np.arange(30) % 3)
    assert few.low < few.ccc < few.high
    assert "too few to trust" in few.note
