"""Agreement of many features at once, clustered by image."""

import math

import numpy as np
import pytest
from bioagree.statistics.agreement import bland_altman
from bioagree.statistics.clusters import cluster_mean
from bioagree.statistics.magnitude import recommended_scale
from bioagree.statistics.object_agreement import agree
from bioagree.statistics.replicates import replicated_varying
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

quick = settings(max_examples=40, deadline=None)
COUNTS = {"n", "clusters", "missing", "infinite"}
TEXTS = {"scale", "verdict", "note"}
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
    "slope": "slope",
    "slope_low": "slope_high",
}


@pytest.fixture
def data():
    """Four features of two methods on 221 objects of 12 images: first, second, image."""
    random = np.random.default_rng(0)
    images = np.repeat(np.arange(12), random.integers(3, 40, 12))
    n = images.size
    truth = random.lognormal(3, 0.4, n)
    offset = random.normal(0, 0.5, 12)[images]
    first = np.stack(
        [
            1.1 * truth + offset + random.normal(0, 1, n),
            truth * np.exp(0.1 * offset + random.normal(0, 0.1, n)),
            truth - 20 + offset,
            random.normal(0, 1, n),
        ],
        axis=1,
    )
    second = np.stack(
        [truth + random.normal(0, 1, n), truth, truth - 20.5, random.normal(0, 1, n)], axis=1
    )
    order = random.permutation(n)
    return first[order], second[order], images[order]


def column(columns, names, feature=0):
    return np.array([columns[name][feature] for name in names])


def assert_same(left, right, **given):
    """Assert that two results agree."""
    assert left.keys() == right.keys()
    for name in left:
        if name in TEXTS | COUNTS:
            assert left[name].tolist() == right[name].tolist()
        else:
            assert left[name] == pytest.approx(right[name], nan_ok=True, **given)


# -- against one feature at a time -----------------------------------------------------------------


def test_bias_is_the_clustered_mean_of_the_differences(data):
    columns = agree(*data, confidence=0.9)
    for i in range(4):
        alone = cluster_mean(data[0][:, i] - data[1][:, i], data[2], confidence=0.9)
        for ours, theirs in (
            *((f"bias_{part}", part) for part in ("low", "high", "p", "freedom")),
            *(("bias", "mean"), ("n", "n"), ("clusters", "clusters")),
        ):
            assert columns[ours][i] == pytest.approx(getattr(alone, theirs))


def test_limits_are_those_of_replicates_with_a_varying_true_value(data):
    columns = agree(*data, coverage=0.9, confidence=0.8)
    for i in range(4):
        alone = replicated_varying(
            data[0][:, i], data[1][:, i], data[2], coverage=0.9, confidence=0.8
        )
        for name in ("sd", *BOUNDS):
            assert columns[name][i] == pytest.approx(getattr(alone, name))
        assert columns["sd_within"][i] ** 2 == pytest.approx(alone.variance_within, abs=1e-12)
        assert columns["sd_between"][i] ** 2 == pytest.approx(alone.variance_between)


def test_slopes_are_least_squares_with_clustered_tests(data):
    from statsmodels.api import OLS, add_constant

    columns = agree(*data)
    for i in range(4):
        means = (data[0][:, i] + data[1][:, i]) / 2
        differences = data[0][:, i] - data[1][:, i]
        line = stats.linregress(means, differences)
        residuals = np.abs(differences - line.intercept - line.slope * means)
        assert columns["slope"][i] == pytest.approx(line.slope)
        spread = stats.linregress(means, residuals).slope
        assert columns["spread_slope"][i] == pytest.approx(spread)
        # CR1 of statsmodels, which CR2 is close to and wider than
        fit = OLS(differences, add_constant(means)).fit(
            cov_type="cluster", cov_kwds={"groups": data[2]}, use_t=True
        )
        half = (columns["slope_high"][i] - columns["slope_low"][i]) / 2
        theirs = np.diff(fit.conf_int()[1])[0] / 2
        assert theirs < half < 1.6 * theirs


def test_slope_of_objects_that_are_their_own_images_has_the_error_hc2(data):
    """CR2 is then HC2, which statsmodels has; the degrees of freedom make it a little wider."""
    from statsmodels.api import OLS, add_constant

    first, second, _ = data
    columns = agree(first, second, np.arange(len(first)))
    for i in range(4):
        means = (first[:, i] + second[:, i]) / 2
        fit = OLS(first[:, i] - second[:, i], add_constant(means)).fit(cov_type="HC2")
        half = (columns["slope_high"][i] - columns["slope_low"][i]) / 2
        assert half == pytest.approx(1.97 * fit.bse[1], rel=0.03)


def test_ratios_are_the_same_analysis_of_logarithms(data):
    first, second, images = data
    columns = agree(first, second, images)
    logs = agree(np.log(first[:, :2]), np.log(second[:, :2]), images)
    names = {"ratio": "bias", "ratio_low": "bias_low", "ratio_upper_high": "upper_high"}
    for ours, theirs in (names | {"ratio_lower": "lower"}).items():
        assert columns[ours][:2] == pytest.approx(np.exp(logs[theirs]))
    assert columns["ratio_slope_p"][:2] == pytest.approx(logs["slope_p"])
    assert np.isnan(
        [columns[name][2:] for name in ("ratio", "ratio_upper_high", "ratio_slope")]
    ).all()
    assert "no ratio scale" in columns["note"][2]
    assert columns["note"][:2].tolist() == ["", ""]


def test_scale_is_recommended_as_for_one_comparison(data):
    first, second, _ = data
    columns = agree(first, second, np.arange(len(first)))
    expected = [recommended_scale(first[:, i], second[:, i]) for i in range(4)]
    assert columns["scale"].tolist() == expected
    assert expected[1:] == ["ratio", "difference", "difference"]


def test_concordance_and_deming_equal_the_functions_of_one_feature(data):
    from bioagree.statistics.concordance import lins_ccc
    from bioagree.statistics.regression import deming

    columns = agree(*data, confidence=0.9)
    for i in range(4):
        pair = data[0][:, i], data[1][:, i]
        ccc = lins_ccc(*pair, clusters=data[2], confidence=0.9)
        line = deming(*pair, clusters=data[2], confidence=0.9)
        expected = (ccc.ccc, ccc.low, ccc.high, line.slope, line.intercept)
        expected += (line.slope_low, line.slope_high, line.intercept_low, line.intercept_high)
        names = ("ccc", "ccc_low", "ccc_high", "deming_slope", "deming_intercept")
        names += ("deming_slope_low", "deming_slope_high")
        names += ("deming_intercept_low", "deming_intercept_high")
        assert column(columns, names, i) == pytest.approx(expected)


def test_equivalence_is_two_one_sided_t_tests(data):
    first, second, images = data
    margins = [3, math.nan, 0.1, 0.6]
    columns = agree(first, second, images, margins=margins)
    for i in (0, 2, 3):
        mean = cluster_mean(first[:, i] - second[:, i], images)
        sides = [(mean.mean + margins[i]) / mean.error, (margins[i] - mean.mean) / mean.error]
        p = max(stats.t.sf(side, mean.freedom) for side in sides)
        assert columns["equivalence_p"][i] == pytest.approx(p)
    assert columns["verdict"].tolist() == ["equivalent", "", "not shown", "equivalent"]
    assert math.isnan(columns["equivalence_p"][1])
    assert columns["margin"] == pytest.approx(np.array(margins), nan_ok=True)


def test_equivalence_follows_from_the_interval_at_twice_the_level(data):
    first, second, images = data
    narrow = agree(first, second, images, confidence=0.9)
    edge = np.maximum(np.abs(narrow["bias_low"]), np.abs(narrow["bias_high"]))
    inside = agree(first, second, images, margins=edge * 1.001)
    outside = agree(first, second, images, margins=edge * 0.999)
    assert (inside["verdict"] == "equivalent").all()
    assert (outside["verdict"] == "not shown").all()


def test_single_object_images_are_the_analysis_of_independent_pairs():
    random = np.random.default_rng(5)
    first, second = random.normal(10, 1, (2, 30, 1))
    columns = agree(first, second, np.arange(30))
    plain = bland_altman(first[:, 0], second[:, 0])
    for name in ("bias", "bias_low", "bias_high", "sd", "lower", "upper", "slope"):
        assert columns[name][0] == pytest.approx(getattr(plain, name))
    assert "No image has two objects" in columns["note"][0]
    assert math.isnan(columns["sd_within"][0])


# -- form ------------------------------------------------------------------------------------------


def test_features_are_independent_of_their_neighbours_and_of_the_blocks(data, monkeypatch):
    first, second, images = data
    first, second = np.tile(first, (1, 7)), np.tile(second, (1, 7))
    first[3, 5] = math.nan
    margins = np.linspace(0.1, 3, 28)
    columns = agree(first, second, images, margins=margins)
    monkeypatch.setattr("bioagree.statistics.object_agreement.VALUES_AT_ONCE", 100)
    assert_same(agree(first, second, images, margins=margins), columns, rel=1e-9, abs=1e-9)
    for i in (0, 5, 27):
        alone = agree(first[:, [i]], second[:, [i]], images, margins=margins[[i]])
        assert_same(alone, {k: v[[i]] for k, v in columns.items()}, rel=1e-9, abs=1e-9)


def test_order_of_the_objects_and_kind_of_the_numbers_do_not_matter(data):
    first, second, images = data
    order = np.argsort(images, kind="stable")
    named = np.array([f"image {i:02}" for i in images])
    expected = agree(first, second, images)
    assert_same(agree(first[order], second[order], named[order]), expected, rel=1e-9, abs=1e-9)
    fortran = np.asfortranarray(first)
    assert_same(agree(fortran, second, images), expected)
    single = agree(first.astype(np.float32), second.astype(np.float32), images)
    assert single["bias"] == pytest.approx(expected["bias"], abs=1e-5)


def test_input_is_left_as_it_was(data):
    copies = [values.copy() for values in data]
    agree(*data)
    for values, copy in zip(data, copies, strict=True):
        np.testing.assert_array_equal(values, copy)


def test_large_offsets_do_not_cost_digits(data):
    first, second, images = data
    plain, far = agree(first, second, images), agree(first + 2.0**20, second + 2.0**20, images)
    for name in (*BOUNDS, "sd", "slope", "slope_p", "deming_slope", "deming_slope_low"):
        assert far[name] == pytest.approx(plain[name], rel=1e-6, abs=1e-6)


# -- properties ------------------------------------------------------------------------------------

rows = st.lists(
    st.tuples(st.integers(-800, 800), st.integers(-800, 800), st.integers(0, 5)),
    min_size=8,
    max_size=40,
)


@quick
@given(rows, st.integers(-80, 80))
def test_swap_shift_and_scale_are_as_algebra_says(rows, shift):
    first, second, images = np.transpose(rows)
    first, second = first[:, np.newaxis] / 8, second[:, np.newaxis] / 8
    result, swapped = agree(first, second, images), agree(second, first, images)
    close = {"rel": 1e-7, "abs": 1e-7, "nan_ok": True}
    assert column(swapped, MIRRORED.values()) == pytest.approx(-column(result, MIRRORED), **close)
    same = ("sd", "bias_p", "slope_p", "spread_slope", "ccc", "ccc_low", "ccc_high")
    assert column(swapped, same) == pytest.approx(column(result, same), **close)
    shifted = agree(first + shift, second, images)
    assert column(shifted, BOUNDS) == pytest.approx(column(result, BOUNDS) + shift, **close)
    free = ("sd", "slope", "slope_low", "deming_slope", "deming_slope_low")
    assert column(shifted, free) == pytest.approx(column(result, free), **close)
    scaled = agree(first * 4, second * 4, images)
    assert column(scaled, BOUNDS) == pytest.approx(4 * column(result, BOUNDS), **close)
    unitless = ("slope", "slope_p", "ccc", "ccc_low", "deming_slope", "deming_slope_high")
    assert column(scaled, unitless) == pytest.approx(column(result, unitless), **close)


@quick
@given(rows)
def test_a_method_agrees_with_itself(rows):
    first, _, images = np.transpose(rows)
    values = first[:, np.newaxis] / 8
    result = agree(values, values, images, margins=[0.5])
    known = column(result, BOUNDS)
    assert (known[~np.isnan(known)] == 0).all()
    assert result["bias"][0] == 0
    assert "All differences are equal: limits equal the bias" in result["note"][0]
    if np.ptp(first):
        assert result["ccc"][0] == pytest.approx(1)
        assert result["slope"][0] == 0
    if len(set(images.tolist())) > 1:
        assert result["verdict"][0] == "equivalent"


# -- what cannot be computed -----------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
def test_missing_and_infinite_pairs_are_left_out_of_their_feature_only(data):
    first, second, images = data
    whole = agree(first, second, images)
    rows = np.zeros((3, 4)) + 5
    rows[:, 1] = math.nan, math.inf, 5
    other = np.zeros((3, 4)) + 4
    other[2, 1] = -math.inf
    columns = agree(
        np.append(first, rows, axis=0), np.append(second, other, axis=0), np.append(images, [0] * 3)
    )
    for name in ("bias", "bias_low", "upper_high", "slope_p", "ccc_low", "ratio_upper"):
        assert columns[name][1] == pytest.approx(whole[name][1])
        assert columns[name][0] != pytest.approx(whole[name][0], rel=1e-9)
    assert columns["missing"].tolist() == [0, 3, 0, 0]
    assert columns["infinite"].tolist() == [0, 2, 0, 0]
    assert columns["note"][1] == "Infinite values were left out."


@pytest.mark.filterwarnings("error")
def test_an_image_that_only_one_feature_lacks_does_not_count_there(data):
    first, second, images = data
    first = first.copy()
    first[images == 3, 0] = math.nan
    columns = agree(first, second, images)
    assert columns["clusters"].tolist() == [11, 12, 12, 12]
    kept = images != 3
    alone = agree(first[kept], second[kept], images[kept])
    for name in (*BOUNDS, "slope_low", "spread_slope_p", "ccc_low", "deming_intercept_high"):
        assert columns[name][0] == pytest.approx(alone[name][0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("objects", [0, 3])
def test_no_pair_gives_nan_and_says_so(objects):
    columns = agree(np.full((objects, 2), math.nan), np.ones((objects, 2)), [1] * objects)
    numbers = set(columns) - COUNTS - TEXTS - {"confidence", "coverage"}
    assert np.isnan([columns[name] for name in numbers]).all()
    assert columns["n"].tolist() == [0, 0]
    assert set(columns["note"]) == {"There is no complete pair, hence nothing to compute."}
    assert columns["scale"].tolist() == ["", ""]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [1, 2, 6])
def test_one_image_has_no_intervals(n):
    random = np.random.default_rng(n)
    first, second = random.normal(10, 1, (2, n, 1))
    columns = agree(first, second, ["only"] * n, margins=[1])
    assert columns["bias"][0] == pytest.approx((first - second).mean())
    for name in columns:
        if name.endswith(("_low", "_high", "_p")):
            assert np.isnan(columns[name]).all(), name
    assert "fewer than two clusters" in columns["note"][0]
    assert columns["verdict"][0] == "not shown"


@pytest.mark.filterwarnings("error")
def test_few_images_are_flagged(data):
    first, second, images = data
    columns = agree(first, second, images % 4)
    assert all("rests on 4 clusters only" in note for note in columns["note"])
    assert np.isfinite(columns["upper_high"]).all()


@pytest.mark.filterwarnings("error")
def test_constant_features_say_what_is_undefined(data):
    images = data[2]
    n = images.size
    level = np.arange(n) / 7.0
    first = np.stack([np.full(n, 2.0), level + 0.1, np.full(n, 3.0)], axis=1)
    second = np.stack([np.full(n, 1.0), level, level], axis=1)
    columns = agree(first, second, images)
    assert columns["sd"][:2].tolist() == [0, 0]
    assert column(columns, BOUNDS, 1) == pytest.approx(0.1)
    assert "All differences are equal" in columns["note"][0]
    assert "All means are equal, so slopes are undefined." in columns["note"][0]
    assert columns["slope"][1] == 0
    assert math.isnan(columns["slope"][0])
    assert columns["ccc"][2] == pytest.approx(0, abs=1e-12)
    assert math.isnan(columns["ccc_low"][2])
    assert "a method does not vary" in columns["note"][2]


@pytest.mark.filterwarnings("error")
def test_exactly_proportional_methods_have_a_certain_slope():
    level = np.arange(1, 33.0)[:, np.newaxis]
    columns = agree(3 * level, level, np.arange(32) // 4)
    assert columns["slope"][0] == columns["slope_low"][0] == pytest.approx(1)
    assert columns["slope_p"][0] == pytest.approx(0, abs=1e-12)
    assert columns["deming_slope_high"][0] == pytest.approx(1 / 3)
    assert (columns["scale"][0], columns["ratio"][0]) == ("ratio", pytest.approx(3))
    assert "spread about the line does not vary" in columns["note"][0]


@pytest.mark.filterwarnings("error")
def test_two_objects_of_two_images_have_a_slope_without_interval():
    columns = agree([[1.0], [4.0]], [[1.0], [2.0]], ["a", "b"])
    assert columns["slope"][0] == pytest.approx(1)
    assert math.isnan(columns["slope_low"][0])
    assert math.isfinite(columns["upper_high"][0])
    assert "Without one image no slope is left" in columns["note"][0]


@pytest.mark.filterwarnings("error")
def test_no_feature_gives_empty_columns():
    columns = agree(np.empty((5, 0)), np.empty((5, 0)), [1, 1, 2, 2, 3])
    assert all(len(values) == 0 for values in columns.values())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([[1]], [[1, 2]], [1]), r"first has the shape \(1, 1\) and second \(1, 2\)"),
        (([1], [1], [1]), r"first has the shape \(1,\)"),
        (([[1]], [[1]], [1, 2]), "There are 2 clusters for 1 objects"),
        (([[1]], [[1]], [math.nan]), r"clusters\[0\] is missing"),
    ],
)
def test_unusable_input_is_refused_in_one_sentence(given, message):
    with pytest.raises(ValueError, match=message) as caught:
        agree(*given)
    assert str(caught.value).count(". ") == 0


@pytest.mark.parametrize(
    ("margins", "message"),
    [([1, 2], "there are 1 features"), ([0], r"margins\[0\] is 0"), ([-1], "give a positive")],
)
def test_margins_are_positive_and_one_for_each_feature(margins, message):
    with pytest.raises(ValueError, match=message):
        agree([[1.0]], [[1.0]], [1], margins=margins)
