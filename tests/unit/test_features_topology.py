"""Contacts, distances and densities: drawn cases, brute force, and formulas."""

import numpy as np
import pytest
from bioagree.errors import InputError
from bioagree.features import topology
from bioagree.features.dictionary import features_of
from bioagree.features.objects import Objects
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist


def measure(labels, spacing=None, **parameters):
    labels = np.asarray(labels)
    objects = Objects(labels, spacing or (1.0,) * labels.ndim)
    return topology.measure(objects, **parameters)


def points(shape, n, seed=0):
    """Single voxels at random places, and their places."""
    random = np.random.default_rng(seed)
    places = random.permutation(np.prod(shape))[:n]
    labels = np.zeros(shape, np.uint32)
    labels.flat[places] = np.arange(1, n + 1)
    return labels, np.argwhere(labels)[np.argsort(labels[labels > 0])]


def test_contacts_of_drawn_cells():
    labels = [
        [1, 1, 2, 2, 0],
        [1, 1, 2, 2, 0],
        [3, 3, 3, 3, 0],
        [0, 0, 0, 0, 9],
    ]
    found = measure(labels, (2.0, 0.5))
    np.testing.assert_array_equal(found["touching_neighbours"], [2, 2, 2, 0])
    # vertical faces are 2 µm long, horizontal ones 0.5 µm
    np.testing.assert_allclose(found["contact_length_um"], [4 + 1, 4 + 1, 2, 0])
    # 1 lies in the corner of the image; 2 and 3 touch background on 2 + 0 and 1 + 4 faces
    np.testing.assert_allclose(found["contact_fraction"], [1, 5 / 9, 2 / 6, 0])


def test_the_image_edge_is_no_surface():
    assert np.isnan(measure([[1, 1], [1, 1]])["contact_fraction"])
    assert measure([[1, 2]])["contact_fraction"].tolist() == [1, 1]
    assert measure([[1, 2, 0]])["contact_fraction"].tolist() == [1, 0.5]


def test_objects_that_meet_at_corners_or_leave_a_line_between_them_do_not_touch():
    for labels in ([[1, 0], [0, 2]], [[1, 0, 2]]):
        found = measure(labels)
        assert found["touching_neighbours"].tolist() == [0, 0]
        assert found["contact_length_um"].tolist() == [0, 0]


def test_contact_areas_respect_the_voxel_size():
    labels = np.zeros((3, 4, 5), int)
    labels[:, :, :2], labels[0, :, 2:], labels[1:, :, 2:] = 1, 2, 3
    found = measure(labels, (3.0, 0.5, 0.25))
    one_two, one_three = 4 * 3 * 0.5, 2 * 4 * 3 * 0.5
    two_three = 12 * 0.5 * 0.25
    expected = [one_two + one_three, one_two + two_three, one_three + two_three]
    np.testing.assert_allclose(found["contact_area_um2"], expected)


@pytest.mark.parametrize("shape", [(60, 70), (20, 24, 22)])
def test_contacts_equal_those_of_cc3d(shape):
    import cc3d

    labels = np.random.default_rng(0).integers(0, 500, shape).astype(np.uint32)
    spacing = (3.0, 0.5, 0.25)[-len(shape) :]
    found = measure(labels, spacing)
    connectivity = 4 if len(shape) == 2 else 6
    # cc3d takes and returns x first
    contacts = cc3d.contacts(labels.T, connectivity=connectivity, anisotropy=spacing[::-1])
    neighbours, area = np.zeros(500, int), np.zeros(500)
    for pair, contact in contacts.items():
        for label in pair:
            neighbours[label] += 1
            area[label] += contact
    np.testing.assert_array_equal(found["touching_neighbours"], neighbours[1:])
    name = "contact_length_um" if len(shape) == 2 else "contact_area_um2"
    np.testing.assert_allclose(found[name], area[1:], rtol=1e-5)


@pytest.mark.parametrize(("shape", "spacing"), [((80, 90), (0.5, 0.25)), ((9, 30, 40), (3, 1, 1))])
def test_distances_equal_brute_force(shape, spacing):
    labels, places = points(shape, 60)
    distances = cdist(places * spacing, places * spacing)
    np.fill_diagonal(distances, np.inf)
    ordered = np.sort(distances, axis=1)
    found = measure(labels, spacing, distance_um=7.5, nearest=4)
    np.testing.assert_allclose(found["nearest_distance_um"], ordered[:, 0])
    np.testing.assert_allclose(found["nearest_4_mean_distance_um"], ordered[:, :4].mean(axis=1))
    within = (distances <= 7.5).sum(axis=1)
    assert within.max() > 2
    np.testing.assert_array_equal(found["neighbours_within_7.5um"], within)


def test_distances_are_between_centroids():
    labels = np.zeros((9, 20), int)
    labels[2:5, 1:6], labels[4, 13] = 1, 2
    found = measure(labels, (2.0, 0.5))
    np.testing.assert_allclose(found["nearest_distance_um"], np.hypot(2, 5))


def test_rings_around_one_centre_are_at_distance_0():
    labels = np.zeros((9, 9), int)
    labels[1:-1, 1:-1], labels[2:-2, 2:-2], labels[4, 4] = 1, 2, 3
    found = measure(labels, nearest=2)
    for name in ("nearest_distance_um", "nearest_2_mean_distance_um"):
        np.testing.assert_allclose(found[name], 0, atol=1e-12)
    np.testing.assert_array_equal(found["neighbours_within_20um"], 2)
    np.testing.assert_array_equal(found["touching_neighbours"], [1, 2, 1])


def test_too_few_others_for_the_mean_of_the_nearest_give_nan():
    found = measure([[1, 0, 2, 0, 3]], nearest=3)
    assert np.isnan(found["nearest_3_mean_distance_um"]).all()
    found = measure([[1, 0, 2, 0, 3]], nearest=2)
    np.testing.assert_allclose(found["nearest_2_mean_distance_um"], [3, 2, 3])


def test_an_object_alone_has_no_distance_and_no_neighbour():
    found = measure([[0, 7, 7]])
    assert np.isnan(found["nearest_distance_um"])
    assert np.isnan(found["nearest_3_mean_distance_um"])
    for name in ("touching_neighbours", "neighbours_within_20um", "density_within_20um_per_um2"):
        assert found[name].tolist() == [0]


def test_density_in_the_open_is_over_the_whole_disc_or_ball():
    labels = np.zeros((41, 41), int)
    labels[20, 20], labels[20, 26], labels[20, 35] = 1, 2, 3
    found = measure(labels, (0.5, 0.5), distance_um=4)
    assert found["density_within_4um_per_um2"][0] == pytest.approx(1 / (np.pi * 16))
    ball = np.zeros((41, 41, 41), int)
    ball[20] = labels
    found = measure(ball, (0.5, 0.5, 0.5), distance_um=4)
    assert found["density_within_4um_per_um3"][0] == pytest.approx(1 / (4 / 3 * np.pi * 64))


def test_density_at_the_edge_is_over_what_is_seen():
    labels = np.zeros((101, 101), int)
    labels[0, 0], labels[0, 5] = 1, 2
    found = measure(labels, (0.001, 0.001), distance_um=0.05)
    # the centroid is half a pixel inside the corner
    quarter = np.pi * 0.05**2 / 4 + 2 * 0.05 * 0.0005 + 0.0005**2
    assert found["density_within_0.05um_per_um2"][0] == pytest.approx(1 / quarter, rel=1e-4)


def test_density_is_over_the_whole_image_when_the_distance_exceeds_it():
    found = measure(np.array([[[1, 0, 2, 3]]]), (2, 0.5, 0.5), distance_um=50)
    np.testing.assert_allclose(found["density_within_50um_per_um3"], 2 / (4 * 2 * 0.5 * 0.5))


@settings(max_examples=30, deadline=None)
@given(
    st.integers(2, 3),
    st.lists(st.floats(0.02, 1.4), min_size=6, max_size=6),
)
def test_part_of_a_ball_in_a_box_equals_what_a_fine_grid_counts(ndim, sides):
    low, high = np.array(sides).reshape(2, 3)[:, :ndim]
    n = 900 if ndim == 2 else 120
    edges = [np.linspace(-a, b, n + 1) for a, b in zip(low, high, strict=True)]
    centres = np.meshgrid(*[(e[1:] + e[:-1]) / 2 for e in edges], indexing="ij", sparse=True)
    inside = sum(c**2 for c in centres) <= 1
    expected = inside.mean() * np.prod(low + high)
    found = topology._part_of_ball(1.0, low[np.newaxis], high[np.newaxis])
    assert found == pytest.approx(expected, rel=2e-3)


def test_cut_balls_have_the_volume_of_the_formula():
    depth = np.linspace(0, 1, 11)
    far, near = np.full((11, 3), 5.0), np.full((11, 3), 5.0)
    near[:, 1] = depth
    cap = np.pi / 3 * (2 + depth) * (1 - depth) ** 2
    found = topology._part_of_ball(1.0, far, near)
    np.testing.assert_allclose(found, 4 / 3 * np.pi - cap, rtol=1e-7)


def test_density_of_random_places_is_the_same_at_the_edge_and_in_the_middle():
    n, size = 4000, 400
    labels, places = points((size, size), n)
    found = measure(labels, distance_um=30.0)
    density = found["density_within_30um_per_um2"]
    margin = np.minimum(places, size - 1 - places).min(axis=1)
    error = 3 * np.sqrt(n) / size**2  # three Poisson standard deviations of the whole
    assert density[margin < 10].mean() == pytest.approx(n / size**2, abs=error)
    assert density[margin > 40].mean() == pytest.approx(n / size**2, abs=error)
    count = found["neighbours_within_30um"]
    assert count[margin < 10].mean() < 0.7 * count[margin > 40].mean()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([(6, 7), (4, 5, 6)]), st.data())
def test_flips_and_turns_change_nothing(seed, shape, data):
    labels = np.random.default_rng(seed).integers(0, 12, shape)
    spacing = np.array((1.5, 1.0, 0.5)[-len(shape) :])
    axes = list(data.draw(st.permutations(range(len(shape)))))
    flipped = data.draw(st.sets(st.integers(0, len(shape) - 1)))
    before = measure(labels, tuple(spacing), distance_um=2.05)
    turned = np.flip(labels.transpose(axes), tuple(flipped))
    after = measure(turned, tuple(spacing[axes]), distance_um=2.05)
    for name in before:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-6)


def test_the_table_of_pairs_grows():
    labels = np.random.default_rng(0).permutation(100 * 120).reshape(100, 120) + 1
    found = measure(labels)
    assert found["touching_neighbours"].sum() == 2 * (99 * 120 + 100 * 119)
    assert found["contact_length_um"].sum() == 2 * (99 * 120 + 100 * 119)


@pytest.mark.parametrize("ndim", [2, 3])
def test_columns_are_those_declared(ndim):
    columns = measure(np.arange(4**ndim).reshape((4,) * ndim), distance_um=2.5, nearest=2)
    declared = [f.pattern for f in features_of("topology") if ndim in f.dimensions]
    assert len(columns) == len(declared)
    for name in columns:
        assert sum(bool(pattern.fullmatch(name)) for pattern in declared) == 1


@pytest.mark.parametrize("shape", [(6, 9), (4, 6, 9), (1, 6, 9), (0, 5)])
def test_unusual_objects_have_values_or_nan(shape):
    empty, single, line, many = (np.zeros(shape, np.uint32) for _ in range(4))
    if single.size:
        single[(0,) * len(shape)] = 70000
        line[..., 2, :] = 5
        many[..., 0], many[..., 1:4], many[..., -1, -1] = 4_000_000_000, 3, 3
    for labels in (empty, single, line, many, np.ones_like(empty)):
        found = measure(labels)
        n = len(np.unique(labels[labels > 0]))
        for name, values in found.items():
            assert values.shape == (n,)
            assert not np.isinf(values).any()
            if name.startswith(("touching", "neighbours", "density")):
                assert (values == 0).all() == (n < 2)


@pytest.mark.parametrize("parameters", [{"distance_um": 0}, {"nearest": 0}])
def test_unusable_parameters_are_refused(parameters):
    with pytest.raises(InputError, match="at least 1"):
        measure([[1]], **parameters)
