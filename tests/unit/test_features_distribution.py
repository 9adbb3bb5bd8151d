"""Centres of mass, local extrema, rings and shells, against SciPy and scikit-image."""

import numba
import numpy as np
import pytest
from bioagree.errors import InputError
from bioagree.features import distribution, extrema
from bioagree.features.dictionary import features_of
from bioagree.features.distances import squared_depths
from bioagree.features.objects import Objects
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.morphology import h_maxima, local_maxima, reconstruction

SPACING = (1.5, 0.5, 0.25)
SHAPES = [(50, 60), (12, 30, 40)]


def measure(labels, image, spacing=None, **parameters):
    labels = np.asarray(labels)
    spacing = spacing or SPACING[-labels.ndim :]
    return distribution.measure(Objects(labels, spacing, {"dna": image}), **parameters)


def scene(shape, seed=0, n=4, levels=1000):
    """Blobs that touch each other, the background and the edge, with a gap in the labels."""
    random = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(random.normal(size=shape), 4, mode="wrap")
    edges = np.quantile(field, np.linspace(0.3, 1, n))
    labels = np.digitize(field, edges[:-1]).astype(np.uint32) * 7
    return labels, random.integers(0, levels, shape).astype(np.uint16)


def each(labels):
    return [labels == label for label in np.unique(labels[labels > 0])]


@pytest.mark.parametrize("shape", SHAPES)
def test_centre_of_mass_equals_that_of_scipy(shape):
    labels, image = scene(shape)
    spacing = SPACING[-len(shape) :]
    index = np.unique(labels[labels > 0])
    expected = np.array(ndimage.center_of_mass(image, labels, index)) * spacing
    middle = np.array(ndimage.center_of_mass(labels > 0, labels, index)) * spacing
    found = measure(labels, image)
    for i, axis in enumerate("zyx"[-len(shape) :]):
        np.testing.assert_allclose(found[f"centre_of_mass_{axis}_um_dna"], expected[:, i])
    shift = np.linalg.norm(expected - middle, axis=1)
    np.testing.assert_allclose(found["centre_of_mass_shift_um_dna"], shift)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("touching", [True, False])
def test_depths_equal_those_of_scipy(shape, touching):
    labels, _ = scene(shape)
    if not touching:
        labels[labels > 7] = 0
    spacing = SPACING[-len(shape) :]
    found = squared_depths(Objects(labels, spacing)).reshape(shape)
    expected = np.zeros(shape)
    for inside in each(labels):
        padded = np.pad(inside, 1)
        depth = ndimage.distance_transform_edt(padded, spacing)[(np.s_[1:-1],) * len(shape)]
        expected += depth**2
    assert expected.max() > 1
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def raised(image, inside):
    """Return an image in which the object lies high above everything else."""
    return np.where(inside, image.astype(np.int64) + 10**6, 0)


def n_pieces(mask):
    return ndimage.label(mask, np.ones((3,) * mask.ndim))[1]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("levels", [1000, 4])
def test_without_a_height_all_plateaus_count_that_scikit_image_finds(shape, levels):
    labels, image = scene(shape, levels=levels)
    found = measure(labels, image, peak_height=0.0)
    for name, picture in (("maxima", image), ("minima", levels - image)):
        expected = [
            n_pieces(local_maxima(np.pad(raised(picture, inside), 1))) for inside in each(labels)
        ]
        np.testing.assert_array_equal(found[f"{name}_count_dna"], expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("height", [1, 100, 600])
def test_counts_equal_those_of_h_maxima_when_no_two_voxels_are_equal(shape, height):
    labels, _ = scene(shape)
    image = np.random.default_rng(1).permutation(labels.size).reshape(shape)
    found = measure(labels, image, peak_height=height)
    for name, picture in (("maxima", image), ("minima", labels.size - image)):
        expected = [n_pieces(h_maxima(raised(picture, inside), height)) for inside in each(labels)]
        np.testing.assert_array_equal(found[f"{name}_count_dna"], expected)


@pytest.mark.parametrize("height", [1, 2, 3, 7])
def test_equally_high_maxima_count_as_extended_maxima(height):
    labels, image = scene((60, 60), levels=8)
    found = measure(labels, image, peak_height=height)["maxima_count_dna"]
    expected = []
    for inside in each(labels):
        picture = np.pad(raised(image, inside), 1)
        # half a level less: this flattens maxima that are just as high as it is asked to
        flattened = reconstruction(picture - height + 0.5, picture, footprint=np.ones((3, 3)))
        expected.append(n_pieces(local_maxima(flattened)))
    np.testing.assert_array_equal(found, expected)


def test_two_spots_on_a_slope_are_two_maxima_when_the_height_allows():
    profile = np.array([[0, 5, 9, 6, 8, 3, 1]])
    for height, expected in ((0, 2), (2, 2), (2.1, 1), (100, 1)):
        found = measure(np.ones((1, 7), int), profile, peak_height=height)
        assert found["maxima_count_dna"] == expected


def test_noise_is_estimated_from_noise_and_not_from_structure():
    random = np.random.default_rng(0)
    slope = np.add.outer(np.arange(200.0), 3 * np.arange(300.0))
    image = slope + random.normal(0, 25, slope.shape)
    objects = Objects(np.ones(slope.shape, int), (1, 1), {"dna": image})
    assert extrema.noise(objects, image[np.newaxis]) == pytest.approx(25, rel=0.02)


def test_noise_of_large_images_is_estimated_from_a_sample(monkeypatch):
    image = np.random.default_rng(0).normal(0, 25, (1, 200, 300))
    objects = Objects(np.ones((200, 300), int), (1, 1))
    monkeypatch.setattr(extrema, "SAMPLES", 7000)
    assert extrema.noise(objects, image) == pytest.approx(25, rel=0.05)


def test_spots_are_counted_in_noise():
    y, x = np.mgrid[:60, :60]
    image = np.random.default_rng(0).normal(100, 1, (60, 60))
    for cy, cx in ((15, 15), (15, 45), (45, 30)):
        image += 50 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 40)
    # five more standard deviations: three alone still let a few peaks of noise pass
    labels = np.ones((60, 60), int)
    assert measure(labels, image, peak_height=8.0)["maxima_count_dna"] == 3
    assert measure(labels, image, peak_height=0.0)["maxima_count_dna"] > 100
    assert 3 <= measure(labels, image)["maxima_count_dna"] < 30


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("gap", "ring"), [(0.0, 1.0), (0.5, 0.75), (0.1, 3.0), (2.0, 0.4)])
def test_rings_equal_those_of_a_distance_transform(shape, gap, ring):
    labels, image = scene(shape)
    labels[labels == 7] = 0
    labels[tuple(s // 2 for s in shape)] = 99
    spacing = SPACING[-len(shape) :]
    found = measure(labels, image, ring_um=ring, gap_um=gap)
    for row, inside in enumerate(each(labels)):
        away = ndimage.distance_transform_edt(~inside, spacing)
        around = (away > gap + 1e-9) & (away <= gap + ring + 1e-9) & (labels == 0)
        expected = image[around].mean() if around.any() else np.nan
        np.testing.assert_allclose(found["ring_mean_dna"][row], expected)
        mean = image[inside].mean()
        contrast = (mean - expected) / (mean + expected)
        np.testing.assert_allclose(found["ring_contrast_dna"][row], contrast)


def test_the_rings_of_neighbours_overlap():
    labels = np.array([[1, 0, 0, 2]])
    image = np.array([[100, 3, 5, 100]])
    found = measure(labels, image, (1, 1), ring_um=2.0)
    assert found["ring_mean_dna"].tolist() == [4, 4]
    found = measure(labels, image, (1, 1), ring_um=1.0)
    assert found["ring_mean_dna"].tolist() == [3, 5]


def test_without_background_in_reach_there_is_no_ring():
    labels = np.array([[1, 2, 2, 0]])
    found = measure(labels, np.ones((1, 4)), (1, 1), ring_um=1.0)
    np.testing.assert_array_equal(found["ring_mean_dna"], [np.nan, 1])
    np.testing.assert_array_equal(found["ring_contrast_dna"], [np.nan, 0])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bins", [1, 3, 4])
def test_shells_equal_those_of_a_distance_transform(shape, bins):
    labels, image = scene(shape)
    found = measure(labels, image, bins=bins)
    for row, inside in enumerate(each(labels)):
        padded = np.pad(inside, 1)
        depth = ndimage.distance_transform_edt(padded, SPACING[-len(shape) :])[padded]
        shell = np.minimum((1 - depth / depth.max()) * bins + 1e-5, bins - 1).astype(int)
        values = image[inside].astype(float)
        for i in range(bins):
            name = f"{i + 1}of{bins}_dna"
            share = values[shell == i].sum() / values.sum()
            np.testing.assert_allclose(found[f"radial_fraction_{name}"][row], share)
            ratio = values[shell == i].mean() / values.mean() if (shell == i).any() else np.nan
            np.testing.assert_allclose(found[f"radial_mean_ratio_{name}"][row], ratio)


def test_shells_of_a_uniform_disc_hold_what_their_area_says():
    y, x = np.mgrid[:420, :420] - 210
    labels = (y**2 + x**2 <= 200**2).astype(int)
    found = measure(labels, labels, (0.1, 0.1))
    for i in range(4):
        share = found[f"radial_fraction_{i + 1}of4_dna"]
        assert share == pytest.approx((2 * i + 1) / 16, rel=0.02)
        assert found[f"radial_mean_ratio_{i + 1}of4_dna"] == 1


def test_signal_at_the_border_and_in_the_centre_is_told_apart():
    y, x = np.mgrid[:41, :41] - 20
    radius = np.hypot(y, x)
    labels = (radius <= 18).astype(int)
    border = measure(labels, (radius > 15).astype(float), (0.2, 0.2))
    centre = measure(labels, (radius < 4).astype(float), (0.2, 0.2))
    assert border["radial_fraction_4of4_dna"] > 0.9
    assert centre["radial_fraction_1of4_dna"] > 0.9


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([(9, 11), (5, 6, 7)]), st.data())
def test_flips_and_turns_change_nothing(seed, shape, data):
    labels, image = scene(shape, seed)
    spacing = np.array(SPACING[-len(shape) :])
    axes = list(data.draw(st.permutations(range(len(shape)))))
    flipped = tuple(data.draw(st.sets(st.integers(0, len(shape) - 1))))
    turned = [np.flip(a.transpose(axes), flipped) for a in (labels, image)]
    before = measure(labels, image, tuple(spacing), peak_height=300)
    after = measure(*turned, tuple(spacing[axes]), peak_height=300)
    for name in before:
        if not name.startswith(("centre_of_mass_z", "centre_of_mass_y", "centre_of_mass_x")):
            np.testing.assert_allclose(after[name], before[name], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_brighter_objects_are_distributed_alike(shape):
    labels, image = scene(shape)
    before, after = measure(labels, image), measure(labels, image * np.uint32(8))
    for name in before:
        factor = 8 if name == "ring_mean_dna" else 1
        np.testing.assert_allclose(after[name], factor * before[name], rtol=1e-12)


def test_finer_pixels_of_the_same_values_change_neither_extrema_nor_centre():
    labels, image = scene((30, 40))
    fine = [np.kron(a, np.ones((3, 3), int)) for a in (labels, image)]
    before = measure(labels, image, (0.6, 0.3), peak_height=300)
    after = measure(*fine, (0.2, 0.1), peak_height=300)
    for name in ("maxima_count_dna", "minima_count_dna", "centre_of_mass_shift_um_dna"):
        np.testing.assert_allclose(after[name], before[name], rtol=1e-9)


def test_an_object_without_signal_has_no_centre_of_mass():
    found = measure([[1, 1, 0], [1, 1, 0]], np.zeros((2, 3)))
    for name in ("centre_of_mass_x_um", "centre_of_mass_shift_um", "ring_contrast"):
        assert np.isnan(found[f"{name}_dna"])
    assert np.isnan(found["radial_fraction_1of4_dna"])
    assert np.isnan(found["radial_mean_ratio_1of4_dna"])
    assert found["ring_mean_dna"] == 0
    assert found["maxima_count_dna"] == found["minima_count_dna"] == 1


def test_every_type_of_intensity_gives_the_same():
    labels, image = scene((30, 40), levels=200)
    before = measure(labels, image)
    for kind in (np.uint8, np.int32, np.float32, np.float64, np.dtype(">u2")):
        after = measure(labels, image.astype(kind))
        for name in before:
            np.testing.assert_allclose(after[name], before[name], rtol=1e-12)


def test_values_do_not_depend_on_the_number_of_threads():
    labels, image = scene((60, 60), n=40)
    threads = numba.get_num_threads()
    both = []
    for n in (1, threads):
        numba.set_num_threads(n)
        both.append(measure(labels, image))
    for name in both[0]:
        np.testing.assert_array_equal(both[0][name], both[1][name])


@pytest.mark.parametrize("ndim", [2, 3])
def test_columns_are_those_declared(ndim):
    labels, image = scene((9,) * ndim)
    objects = Objects(labels, (1.0,) * ndim, {"a": image, "b_2": image})
    columns = distribution.measure(objects, bins=2)
    declared = [f.pattern for f in features_of("distribution") if ndim in f.dimensions]
    found = [[bool(pattern.fullmatch(name)) for pattern in declared] for name in columns]
    assert (np.sum(found, axis=1) == 1).all()
    assert (np.sum(found, axis=0) > 0).all()


@pytest.mark.parametrize("shape", [(6, 9), (4, 6, 9), (1, 6, 9), (0, 5)])
def test_unusual_objects_have_values_or_nan(shape):
    single, line, plane, pieces = (np.zeros(shape, np.uint32) for _ in range(4))
    if single.size:
        single[(0,) * len(shape)] = 70000
        line[..., 2, :] = 5
        plane[..., 0] = 4_000_000_000
        pieces[..., 1:4, 1:4] = 3
        pieces[..., 2, 2] = 0
        pieces[..., -1, -1] = 3
    image = np.arange(single.size).reshape(shape) % 7 + 1
    for labels in (single, line, plane, pieces, np.ones_like(single), np.zeros_like(single)):
        found = measure(labels, image)
        n = len(np.unique(labels[labels > 0]))
        for name, values in found.items():
            assert values.shape == (n,)
            assert not np.isinf(values).any()
            if not name.startswith(("ring", "radial_mean_ratio")):
                assert not np.isnan(values).any()
        total = sum(found[f"radial_fraction_{i}of4_dna"] for i in range(1, 5))
        np.testing.assert_allclose(total, 1)


def test_pieces_of_an_object_have_a_maximum_each():
    labels = np.array([[1, 1, 0, 1, 0, 2]])
    found = measure(labels, np.array([[3, 4, 9, 2, 9, 1]]), peak_height=100)
    assert found["maxima_count_dna"].tolist() == found["minima_count_dna"].tolist() == [2, 1]


@pytest.mark.parametrize(
    "parameters", [{"ring_um": 0}, {"gap_um": -1}, {"bins": 0}, {"bins": 256}, {"peak_height": -1}]
)
def test_unusable_parameters_are_refused(parameters):
    with pytest.raises(InputError, match=next(iter(parameters))):
        measure([[1]], np.ones((1, 1)), **parameters)
