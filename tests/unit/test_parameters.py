"""Are parameters from a config file checked against the function they are for?"""

import math
from collections.abc import Sequence

import pytest
from bioagree import filters
from bioagree.errors import InputError
from bioagree.parameters import check, check_steps, in_voxels
from bioagree.segmentation import postprocess, registry
from hypothesis import given
from hypothesis import strategies as st


def step(
    image, spacing, *, radius_um: float, count: int = 3, mode: str = "box", dark: bool = False
):
    """Stand for a step with one parameter of each type."""


def refused(given, function=step):
    with pytest.raises(InputError) as caught:
        check(function, given, "methods.yaml: filter 'a', step 1")
    sentence = str(caught.value)
    assert sentence.startswith("methods.yaml: filter 'a', step 1")
    return sentence


@pytest.mark.parametrize(
    "given",
    [
        {"radius_um": 0.5},
        {"radius_um": 2},
        {"radius_um": 1e-9, "count": -4, "mode": "sphere", "dark": True},
    ],
)
def test_what_fits_is_accepted(given):
    check(step, given, "here")


def test_an_unknown_parameter_is_named_with_those_that_are_known():
    sentence = refused({"radius_um": 1, "raduis": 2})
    assert "no parameter 'raduis'; allowed are radius_um, count, mode, dark" in sentence
    assert "no parameter 'image'" in refused({"radius_um": 1, "image": 2})
    assert "allowed are none" in refused({"radius_um": 1}, filters.sobel)


def test_a_missing_parameter_is_named_and_defaults_may_be_left_out():
    assert "lacks the parameter 'radius_um'" in refused({"count": 1})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("radius_um", "1", "a number"),
        ("radius_um", True, "a number"),
        ("radius_um", None, "a number"),
        ("radius_um", [1.0], "a number"),
        ("count", 1.5, "a whole number"),
        ("count", True, "a whole number"),
        ("count", "1", "a whole number"),
        ("mode", 1, "a word"),
        ("dark", 1, "true or false"),
        ("dark", "yes", "true or false"),
    ],
)
def test_another_type_is_refused(name, value, wanted):
    assert f"{name} must be {wanted}, not {value!r}" in refused({"radius_um": 1.0} | {name: value})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_are_finite(value):
    assert "must be finite" in refused({"radius_um": value})


@pytest.mark.parametrize("value", [0, -1, -0.5, 0.0])
def test_lengths_are_positive(value):
    assert f"radius_um must be above 0, not {value}" in refused({"radius_um": value})


def test_times_are_positive():
    def wait(image, *, pause_s: float):
        """Stand for a step with a time."""

    assert "pause_s must be above 0" in refused({"pause_s": 0}, wait)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (["gaussian"], "step 1 must be one name with its parameters, not 'gaussian'"),
        ([{"sobel": {}}, {"a": {}, "b": {}}], "step 2 must be one name"),
        ([{}], "step 1 must be one name"),
        ([{"gausian": {}}], "step 1 names 'gausian', which is unknown; allowed are gaussian, med"),
        ([{"sobel": None}], "step 1: sobel takes a mapping of parameters, not None"),
        ([{"gaussian": 0.7}], "step 1: gaussian takes a mapping of parameters, not 0.7"),
        ([{"sobel": {}}, {"gaussian": {}}], r"step 2 \(gaussian\) lacks the parameter 'sigma_um'"),
    ],
)
def test_a_step_that_does_not_fit_is_named_by_its_place(steps, said):
    with pytest.raises(InputError, match=f"here, {said}"):
        check_steps(steps, filters.STEPS, "here")


def test_a_chain_that_fits_is_accepted():
    check_steps([], filters.STEPS, "here")
    check_steps([{"gaussian": {"sigma_um": 1}}, {"sobel": {}}], filters.STEPS, "here")


def test_every_registered_function_declares_types_that_can_be_checked():
    functions = [*filters.STEPS.values(), *postprocess.STEPS.values()]
    functions += [registry.segmenter(name) for name in registry.FAMILIES]
    for function in functions:
        with pytest.raises(InputError, match="no parameter 'nonsense'"):
            check(function, {"nonsense": 1}, "here")
        annotations = {k: v for k, v in function.__annotations__.items() if k != "return"}
        for name in annotations:
            if name not in ("image", "labels", "model"):  # a job gives the model
                with pytest.raises(InputError, match=f"{name} must be a number"):
                    check(function, {name: "wrong"}, "here")


def train(pairs, *, sigmas_um: Sequence[float], trees: int = 100):
    """Stand for a function that takes a list."""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1.0, "must be a list of numbers, not 1.0"),
        ([], "must be a list of numbers"),
        (["a"], "must be a number, not 'a'"),
        ([1.0, -2], "must be above 0, not -2"),
        ([float("inf")], "must be finite"),
    ],
)
def test_lists_of_numbers_are_checked_one_by_one(value, words):
    with pytest.raises(InputError, match=f"here: sigmas_um {words}"):
        check(train, {"sigmas_um": value}, "here")
    check(train, {"sigmas_um": [0.5, 1]}, "here")


def test_what_a_job_gives_is_not_the_users_to_give():
    check(train, {"trees": 3}, "here", later=["sigmas_um"])
    with pytest.raises(InputError, match="no parameter 'sigmas_um'; allowed are trees"):
        check(train, {"sigmas_um": [1.0]}, "here", later=["sigmas_um"])


def test_lengths_are_divided_by_the_voxel_along_each_axis():
    assert in_voxels(3.0, (1.5, 0.5, 0.25)) == (2.0, 6.0, 12.0)


def test_whole_voxels_are_rounded_and_at_least_one():
    assert in_voxels(1.0, (4.0, 0.4, 0.6), whole=True) == (1.0, 2.0, 2.0)
    assert in_voxels(1.0, (100.0, 0.28), whole=True) == (1.0, 4.0)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-2, 1e2))
def test_the_unit_of_length_does_not_matter(length, spacing, scale):
    (voxels,) = in_voxels(length, (spacing,))
    assert in_voxels(length * scale, (spacing * scale,))[0] == pytest.approx(voxels)
