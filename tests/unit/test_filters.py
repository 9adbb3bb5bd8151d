"""Do the filters compute what their names say, in µm, on every axis?"""

import numpy as np
import pytest
from bioagree import filters
from bioagree.errors import InputError
from bioagree.images import Image
from scipy import ndimage

GRIDS = [
    ((23, 31), (0.5, 0.5)),
    ((23, 31), (0.5, 0.2)),
    ((9, 21, 25), (0.3, 0.3, 0.3)),
    ((9, 21, 25), (0.9, 0.3, 0.2)),
]
ALL_STEPS = [
    {"gaussian": {"sigma_um": 0.8}},
    {"median": {"radius_um": 0.6}},
    {"difference_of_gaussians": {"small_sigma_um": 0.5, "large_sigma_um": 1.5}},
    {"top_hat": {"radius_um": 1.0}},
    {"sobel": {}},
    {"laplace": {}},
]


def image(array, spacing, axes=None):
    array = np.asarray(array)
    return Image(array, axes or "ZYX"[-array.ndim :], spacing, "a", ("n",))


def noise(shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, shape).astype("float32")


def run(array, spacing, name, **parameters):
    return filters.apply(image(array, spacing), [{name: parameters}]).array


def blurred(array, spacing, sigma_um):
    """Return SciPy's blur, whose standard deviation is counted in voxels."""
    sigma = [sigma_um / step for step in spacing]
    return ndimage.gaussian_filter(array.astype(float), sigma, mode="nearest", truncate=4)


def box(spacing, radius_um):
    """Return the edges, in voxels, of the box that reaches a radius along each axis."""
    return [2 * max(1, round(radius_um / step)) + 1 for step in spacing]


def inside(array, size):
    """Return the part whose neighbourhood lies inside the image, for two passes of a box."""
    return array[tuple(slice(edge - 1, 1 - edge) for edge in size)]


def test_every_step_is_tested_here():
    assert [next(iter(step)) for step in ALL_STEPS] == list(filters.STEPS)


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
@pytest.mark.parametrize("sigma_um", [0.1, 0.4, 1.1])
def test_gaussian_is_scipys_with_the_edge_repeated(shape, spacing, sigma_um):
    array = noise(shape)
    np.testing.assert_allclose(
        run(array, spacing, "gaussian", sigma_um=sigma_um),
        blurred(array, spacing, sigma_um),
        atol=1e-4,
    )


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
def test_difference_of_gaussians_is_the_narrow_blur_minus_the_wide_one(shape, spacing):
    array = noise(shape)
    np.testing.assert_allclose(
        run(array, spacing, "difference_of_gaussians", small_sigma_um=0.3, large_sigma_um=0.9),
        blurred(array, spacing, 0.3) - blurred(array, spacing, 0.9),
        atol=1e-4,
    )


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
@pytest.mark.parametrize("radius_um", [0.1, 0.5])
def test_median_is_scipys_over_the_box(shape, spacing, radius_um):
    array, size = noise(shape), box(spacing, radius_um)
    actual = run(array, spacing, "median", radius_um=radius_um)
    expected = ndimage.median_filter(array, size=size)
    assert inside(expected, size).size
    np.testing.assert_array_equal(inside(actual, size), inside(expected, size))


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
@pytest.mark.parametrize("radius_um", [0.1, 0.5])
def test_top_hat_is_scipys_over_the_box(shape, spacing, radius_um):
    array, size = noise(shape), box(spacing, radius_um)
    actual = run(array, spacing, "top_hat", radius_um=radius_um)
    expected = ndimage.white_tophat(array, size=size)
    assert inside(expected, size).size
    np.testing.assert_allclose(inside(actual, size), inside(expected, size), atol=1e-6)


def test_top_hat_removes_what_is_wider_than_its_box_and_keeps_what_is_narrower():
    array = np.zeros((40, 40), "float32")
    array[2:6, 2:6] = 5  # 2 µm wide
    array[12:38, 12:38] = 7  # 13 µm wide
    found = run(array, (0.5, 0.5), "top_hat", radius_um=2.0)
    assert found[3, 3] == 5
    assert not found[12:38, 12:38].any()


@pytest.mark.parametrize(("ndim", "factor"), [(2, 8), (3, 32)])
@pytest.mark.parametrize("slope", [1, -3])
def test_sobel_of_a_ramp_is_the_slope_per_voxel_times_the_weights_of_its_kernel(
    ndim, factor, slope
):
    """The kernel [-1 0 1] spans two voxels; [1 2 1] smooths along each other axis."""
    for axis in range(ndim):
        ramp = slope * np.indices((7,) * ndim)[axis].astype("float32")
        found = run(ramp, (0.3,) * ndim, "sobel")
        assert (found[(slice(1, -1),) * ndim] == factor * abs(slope)).all()


def test_sobel_is_the_length_of_scipys_gradient():
    array = noise((23, 31))
    expected = np.hypot(ndimage.sobel(array, 0), ndimage.sobel(array, 1))
    found = run(array, (0.3, 0.3), "sobel")
    np.testing.assert_allclose(found[1:-1, 1:-1], expected[1:-1, 1:-1], atol=1e-5)


@pytest.mark.parametrize(("ndim", "neighbours"), [(2, 8), (3, 26)])
def test_laplace_is_positive_at_a_bright_spot_and_sums_to_zero(ndim, neighbours):
    spot = np.zeros((7,) * ndim, "float32")
    spot[(3,) * ndim] = 2
    found = run(spot, (0.3,) * ndim, "laplace")
    assert found[(3,) * ndim] == 2 * neighbours
    assert (found == -2).sum() == neighbours
    assert found.sum() == 0


def test_laplace_of_a_ramp_is_zero():
    ramp = np.indices((7, 7))[1].astype("float32")
    assert not run(ramp, (0.3, 0.3), "laplace")[1:-1, 1:-1].any()


def test_a_chain_equals_its_steps():
    start = image(noise((9, 21, 25)), (0.9, 0.3, 0.2))
    one_by_one = start
    for step in ALL_STEPS:
        one_by_one = filters.apply(one_by_one, [step])
    np.testing.assert_array_equal(filters.apply(start, ALL_STEPS).array, one_by_one.array)


def test_the_order_of_a_chain_matters():
    start = image(noise((23, 31)), (0.5, 0.5))
    forwards = filters.apply(start, ALL_STEPS[:2]).array
    assert not np.array_equal(forwards, filters.apply(start, ALL_STEPS[1::-1]).array)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64"])
def test_an_empty_chain_copies_the_values(dtype):
    array = np.arange(30).reshape(5, 6).astype(dtype)
    found = filters.apply(image(array, (1.0, 1.0)), [])
    assert found.array.dtype == np.float32
    np.testing.assert_array_equal(found.array, array)


@pytest.mark.parametrize("step", ALL_STEPS, ids=list(filters.STEPS))
@pytest.mark.parametrize("axes", ["YX", "ZYX", "TYX", "TZYX"])
def test_calibration_is_kept_and_the_input_is_not_changed(step, axes):
    shape = (2,) * ("T" in axes) + GRIDS[2 if "Z" in axes else 0][0]
    spacing = (0.9, 0.3, 0.2)[-(axes.count("Z") + 2) :]
    array = noise(shape)
    before = Image(array.copy(), axes, spacing, "field", ("n",), 3.0 if "T" in axes else None)
    after = filters.apply(before, [step])
    np.testing.assert_array_equal(before.array, array)
    assert after.array.dtype == np.float32
    assert after.array.shape == shape
    for field in ("axes", "spacing", "name", "channels", "time_step"):
        assert getattr(after, field) == getattr(before, field)


@pytest.mark.parametrize("shape", [(1, 23, 31), (5, 1, 8), (1, 8)])
@pytest.mark.parametrize("step", ALL_STEPS, ids=list(filters.STEPS))
def test_axes_of_length_one_stay(shape, step):
    start = image(noise(shape), (0.5,) * len(shape))
    assert filters.apply(start, [step]).array.shape == shape


@pytest.mark.parametrize("step", ALL_STEPS, ids=list(filters.STEPS))
def test_time_points_do_not_mix(step):
    frames = noise((3, 23, 31))
    frames[1] = 0
    movie = Image(frames, "TYX", (0.5, 0.5), "a", ("n",), 1.0)
    found = filters.apply(movie, [step]).array
    for index in range(3):
        alone = filters.apply(image(frames[index], (0.5, 0.5)), [step]).array
        np.testing.assert_array_equal(found[index], alone)
    assert not found[1].any()


@pytest.mark.parametrize(
    ("steps", "default", "taken"),
    [
        (ALL_STEPS[:1], None, 0),
        (ALL_STEPS[:1], "n", 1),
        ([{"channel": {"name": "n"}}, *ALL_STEPS[:1]], None, 1),
        ([{"channel": {"name": "m"}}, *ALL_STEPS[:1]], "n", 0),
    ],
    ids=["first", "the dataset's", "the chain's", "the chain's before the dataset's"],
)
def test_of_several_channels_one_is_filtered(steps, default, taken):
    pixels = noise((2, 8, 9))
    several = Image(pixels, "CYX", (0.5, 0.5), "a", ("m", "n"))
    found = filters.apply(several, steps, default)
    alone = filters.apply(image(pixels[taken], (0.5, 0.5)), ALL_STEPS[:1])
    np.testing.assert_array_equal(found.array, alone.array)
    assert found.channels == ("mn"[taken],)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([*ALL_STEPS[:1], {"channel": {"name": "n"}}], "step 2: only the first"),
        ([{"channel": {}}], "lacks the parameter 'name'"),
        ([{"channel": {"name": 3}}], "name must be a word"),
        ([{"chanel": {"name": "n"}}], "allowed are channel, gaussian"),
    ],
)
def test_a_wrong_choice_of_channel_is_told(steps, words):
    with pytest.raises(InputError, match=words):
        filters.check(steps, "filter 'x'")
