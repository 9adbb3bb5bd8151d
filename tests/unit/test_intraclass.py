"""The intraclass correlations."""

import warnings

import numpy as np
import pandas as pd
import pingouin
import pytest
from bioagree.statistics.intraclass import _mean_squares, icc
from hypothesis import given, settings
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)


def ratings(seed=0, n=12, k=3, shift=0.4):
    random = np.random.default_rng(seed)
    truth = random.normal(0, 2, (n, 1))
    return truth + shift * np.arange(k) + random.normal(0, 1, (n, k))


@settings(deadline=None, max_examples=15)
@given(SEEDS, st.integers(2, 5), st.integers(3, 30))
def test_all_forms_are_those_of_pingouin(seed, k, n):
    values = ratings(seed, n, k)
    long = pd.DataFrame(
        [(i, j, values[i, j]) for i in range(n) for j in range(k)], columns=["s", "r", "v"]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = pingouin.intraclass_corr(long, "s", "r", "v")
    ours = list(icc(values).forms.values())
    for form, row in zip(ours, oracle.itertuples(), strict=True):
        if np.isnan(form.icc):  # beyond the pole of the Spearman-Brown formula
            assert row.ICC > 1
            continue
        assert form.icc == pytest.approx(row.ICC, rel=1e-8, abs=1e-10)
        assert form.f == pytest.approx(row.F)
        assert form.p == pytest.approx(row.pval, rel=1e-6, abs=1e-12)
        assert form.high == pytest.approx(row.CI95[1], abs=0.00501)  # it rounds
        if np.isnan(form.low):
            # ratings may correlate so negatively that their mean has no reliability
            assert form.form.endswith("k)")
            assert not row.CI95[0] < row.ICC
        else:
            assert form.low == pytest.approx(row.CI95[0], abs=0.00501, rel=1e-2)


@given(SEEDS, st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_moving_and_scaling_all_ratings_changes_nothing(seed, shift, scale):
    values = ratings(seed)
    moved = icc(scale * (values + shift)).forms
    for name, form in icc(values).forms.items():
        assert moved[name].icc == pytest.approx(form.icc, rel=1e-6, abs=1e-9)
        assert moved[name].low == pytest.approx(form.low, rel=1e-6, abs=1e-9)


def test_only_consistency_ignores_a_constant_offset_of_a_rater():
    values = ratings()
    moved = icc(values + [0, 0, 5]).forms
    same = icc(values).forms
    assert moved["ICC(3,1)"].icc == pytest.approx(same["ICC(3,1)"].icc)
    assert moved["ICC(2,1)"].icc < same["ICC(2,1)"].icc - 0.1


def test_the_order_of_raters_does_not_matter():
    values = ratings()
    for name, form in icc(values[:, ::-1]).forms.items():
        assert form.low == pytest.approx(icc(values).forms[name].low)


def test_constant_offset_gives_perfect_consistency():
    base = np.array([0.1, 0.4, 0.7, 1.3])
    table = icc(np.column_stack([base, base + 3]))
    assert table.forms["ICC(3,1)"].icc == 1
    assert table.forms["ICC(2,1)"].icc < 0.2
    assert "no width" in icc(np.column_stack([base, base])).note


def test_leaving_out_clusters_gives_the_same_mean_squares_as_computing_again():
    values, codes = ratings(n=20), np.arange(20) % 4
    *_, left_out = _mean_squares(values, codes)
    for code in range(4):
        again = icc(values[codes != code])
        squares = [again.between_subjects, again.within_subjects]
        assert list(left_out[:2, code]) == pytest.approx(squares)
        squares = [again.between_raters, again.residual]
        assert list(left_out[2:, code]) == pytest.approx(squares)


def test_clustered_subjects_have_no_f_test_and_a_jackknifed_interval():
    values = ratings(n=60)
    clustered = icc(values, clusters=np.arange(60) // 6).forms["ICC(3,1)"]
    independent = icc(values).forms["ICC(3,1)"]
    assert np.isnan(clustered.p)
    assert clustered.low < clustered.icc < clustered.high
    width = independent.high - independent.low
    assert clustered.high - clustered.low == pytest.approx(width, rel=0.5)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.empty((0, 2)), "fewer than two"),
        ([[1, 2]], "fewer than two"),
        ([[1, np.nan], [2, 3]], "fewer than two"),
        (np.ones((4, 3)), "all ratings are equal"),
        ([[1, 2], [2, 1]], "same mean"),
        ([[1, 1], [2, 2]], "no width"),
    ],
)
def test_undefined_coefficients_are_said(values, said):
    for clusters in (None, np.arange(len(values))):
        assert said in icc(values, clusters=clusters).note.lower()


def test_subjects_with_missing_ratings_are_dropped_and_counted():
    values = ratings()
    gap = np.vstack([values, [1, np.nan, 2]])
    assert icc(gap).missing == 1
    assert icc(gap).forms == icc(values).forms


@pytest.mark.parametrize("bad", [[1, 2, 3], [[1], [2]], [[1, np.inf], [2, 3]]])
def test_unusable_ratings_are_refused(bad):
    with pytest.raises(ValueError, match="ratings"):
        icc(bad)
