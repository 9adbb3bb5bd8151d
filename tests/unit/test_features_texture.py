"""Co-occurrence features against scikit-image, and what must and must not change them."""

import numba
import numpy as np
import pytest
from bioagree.errors import InputError
from bioagree.features import glcm, texture
from bioagree.features.dictionary import features_of
from bioagree.features.objects import Objects
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import graycomatrix, graycoprops

LEVELS = 8
IN_SCIKIT_IMAGE = {
    "contrast": "contrast",
    "dissimilarity": "dissimilarity",
    "inverse_difference_moment": "homogeneity",
    "angular_second_moment": "ASM",
    "correlation": "correlation",
    "joint_variance": "variance",
}
ANGLES = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]


def measure(labels, image, spacing=None, bin_size=1.0, **parameters):
    objects = Objects(labels, spacing or (1.0,) * labels.ndim, {"dna": image})
    return texture.measure(objects, bin_size=bin_size, **parameters)


def scene(shape, seed=0):
    """Two scattered objects with a gap in their labels, and random grey levels."""
    random = np.random.default_rng(seed)
    labels = random.choice([0, 3, 3, 3, 90000], shape).astype(np.uint32)
    return labels, random.integers(0, LEVELS, shape).astype(np.uint16)


def matrices(labels, image, label):
    """Return scikit-image's symmetric counts inside one object, one for each angle."""
    inside = np.where(labels == label, image, LEVELS).astype(np.uint8)
    counts = graycomatrix(inside, [1], ANGLES, LEVELS + 1, symmetric=True)
    return counts[:LEVELS, :LEVELS]


@pytest.mark.parametrize("name", IN_SCIKIT_IMAGE)
def test_features_equal_those_of_scikit_image(name):
    labels, image = scene((40, 50))
    columns = measure(labels, image)
    for row, label in enumerate((3, 90000)):
        counts = matrices(labels, image, label)
        expected = graycoprops(counts, IN_SCIKIT_IMAGE[name]).mean()
        assert columns[f"glcm_{name}_dna"][row] == pytest.approx(expected, rel=1e-12)
        merged = counts.sum(axis=3, keepdims=True)
        expected = graycoprops(merged, IN_SCIKIT_IMAGE[name]).item()
        assert columns[f"glcm_merged_{name}_dna"][row] == pytest.approx(expected, rel=1e-12)


def test_entropy_is_in_bits():
    labels, image = scene((40, 50))
    nats = graycoprops(matrices(labels, image, 3), "entropy").mean()
    found = measure(labels, image)["glcm_joint_entropy_dna"][0]
    assert found == pytest.approx(nats / np.log(2), rel=1e-12)


def test_steps_of_two_voxels_are_two_voxels_along_each_axis():
    labels, image = scene((40, 50))
    # not scikit-image's matrices: it rounds 2 cos 45° to 1
    counts = np.zeros((LEVELS, LEVELS), int)
    inside = labels == 3
    for y, x in ((0, 2), (2, 0), (2, 2), (2, -2)):
        here = np.s_[: 40 - y, max(0, -x) : 50 - max(0, x)]
        there = np.s_[y:, max(0, x) : 50 + min(0, x)]
        pair = inside[here] & inside[there]
        i, j = image[here][pair], image[there][pair]
        np.add.at(counts, (i, j), 1)
        np.add.at(counts, (j, i), 1)
    expected = graycoprops(counts[:, :, None, None], "contrast").item()
    found = measure(labels, image, distance_voxels=2)["glcm_merged_contrast_dna"][0]
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("spacing", "flat"), [((1.5, 1, 1), False), ((1.6, 1, 1), True)])
def test_steps_between_slices_are_left_out_when_voxels_are_too_long(spacing, flat):
    labels, image = scene((5, 20, 20))
    slices = sum(matrices(*planes, 3) for planes in zip(labels, image, strict=True))
    expected = graycoprops(slices, "contrast").mean()
    found = measure(labels, image, spacing)["glcm_contrast_dna"][0]
    assert (found == pytest.approx(expected, rel=1e-12)) == flat


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([(6, 7), (4, 5, 6)]), st.data())
def test_flips_and_quarter_turns_change_nothing(seed, shape, data):
    labels, image = scene(shape, seed)
    axes = data.draw(st.permutations(range(len(shape))))
    flipped = data.draw(st.sets(st.integers(0, len(shape) - 1)))
    turned = [np.flip(a.transpose(axes), tuple(flipped)) for a in (labels, image)]
    before, after = measure(labels, image), measure(*turned)
    for name in before:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-9, atol=1e-12)


def test_voxels_outside_of_an_object_play_no_part():
    labels, image = scene((20, 20))
    before = measure(labels, image)
    image[labels != 3] = 0
    labels[labels != 3] = 0
    after = measure(labels, image)
    for name in before:
        assert after[name][0] == before[name][0]


def test_what_a_level_is_worth_does_not_depend_on_its_unit():
    labels, image = scene((20, 20))
    before = measure(labels, image)
    after = measure(labels, 100 + 7.5 * image, bin_size=7.5, bin_start=100)
    for name in before:
        np.testing.assert_array_equal(after[name], before[name])


def test_brighter_images_have_higher_levels_and_the_same_contrast():
    labels, image = scene((20, 20))
    before, after = measure(labels, image), measure(labels, image + 3)
    np.testing.assert_allclose(
        after["glcm_joint_average_dna"], before["glcm_joint_average_dna"] + 3
    )
    for name in ("contrast", "correlation", "cluster_shade", "joint_entropy"):
        name = f"glcm_merged_{name}_dna"
        np.testing.assert_allclose(after[name], before[name], rtol=1e-9)


def test_a_level_holds_its_lower_limit():
    image = np.array([[0.0, 9.99, 10.0, 10.0]])
    found = measure(np.ones((1, 4), int), image, bin_size=10)
    # pairs (1, 1), (1, 2), (2, 2)
    assert found["glcm_joint_average_dna"] == pytest.approx(1.5)


def test_a_constant_object_has_no_correlation():
    found = measure(np.ones((4, 4), int), np.full((4, 4), 5))
    for prefix in ("glcm", "glcm_merged"):
        assert np.isnan(found[f"{prefix}_correlation_dna"])
        assert np.isnan(found[f"{prefix}_information_correlation_1_dna"])
        assert found[f"{prefix}_information_correlation_2_dna"] == 0
        assert found[f"{prefix}_angular_second_moment_dna"] == 1
        assert found[f"{prefix}_contrast_dna"] == 0
        assert found[f"{prefix}_joint_average_dna"] == 6


def test_a_chessboard_goes_against_itself_along_its_sides():
    board = np.indices((6, 6)).sum(axis=0) % 2
    found = measure(np.ones((6, 6), int), board)
    # two directions with -1, and two in which each field has only its own colour
    assert found["glcm_correlation_dna"] == pytest.approx(0)
    found = measure(np.ones((1, 6), int), board[:1])
    assert found["glcm_correlation_dna"] == pytest.approx(-1)


def test_directions_without_pairs_do_not_count():
    image = np.array([[0, 1, 2, 3]])
    line = measure(np.ones((1, 4), int), image)
    padded = measure(np.pad(np.ones((1, 4), int), 3), np.pad(image, 3))
    assert line["glcm_contrast_dna"] == padded["glcm_contrast_dna"] == 1


def test_values_do_not_depend_on_the_number_of_threads():
    labels = np.repeat(np.arange(1, 301), 30).reshape(90, 100)
    image = np.random.default_rng(0).integers(0, 200, labels.shape)
    threads = numba.get_num_threads()
    both = []
    for n in (1, threads):
        numba.set_num_threads(n)
        both.append(measure(labels, image))
    for name in both[0]:
        np.testing.assert_array_equal(both[0][name], both[1][name])


@pytest.mark.parametrize("ndim", [2, 3])
def test_columns_are_those_declared(ndim):
    labels, image = scene((5,) * ndim)
    objects = Objects(labels, (1.0,) * ndim, {"a": image, "b_2": image})
    columns = texture.measure(objects, bin_size=1)
    declared = [feature.pattern for feature in features_of("texture")]
    assert len(columns) == 2 * len(declared) == 4 * len(glcm.NAMES)
    for name in columns:
        assert sum(bool(pattern.fullmatch(name)) for pattern in declared) == 1


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
    image = np.arange(single.size).reshape(shape) % 7
    for labels in (single, line, plane, pieces, np.ones_like(single), np.zeros_like(single)):
        found = measure(labels, image)
        n = len(np.unique(labels[labels > 0]))
        assert all(values.shape == (n,) for values in found.values())
        assert not any(np.isinf(values).any() for values in found.values())
        if labels is single:
            assert all(np.isnan(values).all() for values in found.values())
        else:
            assert not np.isnan(found["glcm_contrast_dna"]).any()


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"bin_size": None}, "bin_size"),
        ({"bin_size": 0}, "bin_size"),
        ({"bin_size": 1 / 40}, "beyond grey level 256"),
        ({"bin_start": 2}, "bin_start"),
        ({"distance_voxels": 0}, "distance_voxels"),
    ],
)
def test_unusable_parameters_are_refused(parameters, reason):
    with pytest.raises(InputError, match=reason):
        measure(*scene((20, 20)), **parameters)


def test_the_bin_size_that_is_said_to_be_allowed_is():
    labels, image = scene((20, 20))
    image[labels == 3] += 993
    with pytest.raises(InputError, match=r"above 3\.90625 is allowed"):
        measure(labels, image, bin_size=3.9)
    measure(labels, image, bin_size=3.90626)


def test_intensities_that_are_no_numbers_are_refused_in_objects_only():
    labels, image = scene((20, 20))
    image = np.where(labels > 0, image, np.nan)
    measure(labels, image)
    image[labels == 3] = np.nan
    with pytest.raises(InputError, match="NaN"):
        measure(labels, image)
