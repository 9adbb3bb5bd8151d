"""Is Crofton's perimeter and surface area right, and how biased?"""

import math

import numpy as np
import pytest
import SimpleITK as sitk
from bioagree.features import configurations, crofton, shape
from bioagree.features.objects import Objects
from label_images import GRIDS, blobs, scattered, solids
from scipy.special import elliprg
from skimage.measure import euler_number, perimeter_crofton

STEPS = (1.0, 3.0)  # distance of planes, in pixels


def areas(labels, spacing):
    objects = Objects(labels, spacing)
    function = crofton.area_values if labels.ndim == 3 else crofton.perimeter_values
    return configurations.add_up(objects.runs, function(spacing)[:, np.newaxis])[:, 0]


def test_shares_of_the_13_directions_are_the_published_ones():
    """D. Legland et al. (2007), table of Voronoi weights, each for one of two opposite ways."""
    shares = crofton.sphere_shares(crofton.DIRECTIONS * 1.0) / 2
    published = {1: 0.04577789, 2: 0.03698063, 3: 0.03519564}
    expected = [published[int(abs(step).sum())] for step in crofton.DIRECTIONS]
    np.testing.assert_allclose(shares, expected, atol=5e-9)


@pytest.mark.parametrize("spacing", [(1, 1, 1), (3, 1, 1), (0.2, 0.5, 0.7), (10, 1, 1)])
def test_shares_are_parts_of_all_directions(spacing):
    shares = crofton.sphere_shares(crofton.DIRECTIONS * spacing)
    assert shares.sum() == pytest.approx(1)
    random = np.random.default_rng(0).normal(size=(200_000, 3))
    units = crofton.DIRECTIONS * spacing
    units = units / np.linalg.norm(units, axis=1, keepdims=True)
    nearest = np.bincount(np.abs(random @ units.T).argmax(axis=1), minlength=13) / len(random)
    np.testing.assert_allclose(shares, nearest, atol=0.004)


@pytest.mark.parametrize("spacing", [(1, 1), (3, 1), (0.2, 0.7)])
def test_shares_in_the_plane_are_parts_of_all_directions(spacing):
    shares = crofton.circle_shares(crofton.PLANAR[:, 1:] * spacing)
    assert shares.sum() == pytest.approx(1)
    random = np.random.default_rng(0).normal(size=(200_000, 2))
    units = crofton.PLANAR[:, 1:] * spacing
    units = units / np.linalg.norm(units, axis=1, keepdims=True)
    nearest = np.bincount(np.abs(random @ units.T).argmax(axis=1), minlength=4) / len(random)
    np.testing.assert_allclose(shares, nearest, atol=0.005)


@pytest.mark.parametrize("image", [scattered, blobs])
@pytest.mark.parametrize("pixel", [1.0, 0.3])
def test_perimeter_of_square_pixels_is_scikit_images(image, pixel):
    labels = image((40, 50), 0)
    expected = [perimeter_crofton(labels == i, directions=4) for i in np.unique(labels[labels > 0])]
    np.testing.assert_allclose(areas(labels, (pixel, pixel)) / pixel, expected, rtol=1e-9)


@pytest.mark.parametrize("shape_", [(40, 50), (14, 20, 22)])
def test_boundary_of_cubic_voxels_is_that_of_simpleitk(shape_):
    labels = blobs(shape_, 0)
    image = sitk.GetImageFromArray(labels)
    itk = sitk.LabelShapeStatisticsImageFilter()
    itk.Execute(image)
    expected = [itk.GetPerimeter(int(i)) for i in np.unique(labels[labels > 0])]
    np.testing.assert_allclose(areas(labels, (1.0,) * len(shape_)), expected, rtol=1e-6)


@pytest.mark.parametrize(("shape_", "spacing"), GRIDS)
def test_boundary_is_the_sum_over_pairs_of_voxels(shape_, spacing):
    """Crofton's formula as it is written, with the whole image shifted along each direction."""
    labels = scattered(shape_, 1)
    found = areas(labels, spacing)
    steps = crofton.DIRECTIONS if labels.ndim == 3 else crofton.PLANAR[:, 1:]
    if labels.ndim == 3:
        shares, factor = crofton.sphere_shares(steps * spacing), 2
    else:
        shares, factor = crofton.circle_shares(steps * spacing), math.pi / 2
    for label, area in zip(np.unique(labels[labels > 0]), found, strict=True):
        inside = np.pad(labels == label, 1)
        expected = 0
        for step, share in zip(steps, shares, strict=True):
            crossed = inside != np.roll(inside, step, range(labels.ndim))
            distance = np.linalg.norm(step * spacing)
            expected += factor * share * crossed.sum() * math.prod(spacing) / distance
        assert area == pytest.approx(expected)


@pytest.mark.parametrize("shape_", [(40, 50), (14, 20, 22)])
def test_euler_number_is_scikit_images(shape_):
    labels = scattered(shape_, 2)
    objects = Objects(labels, (1.0,) * labels.ndim)
    found = configurations.add_up(objects.runs, crofton.euler_values()[:, np.newaxis])[:, 0]
    expected = [euler_number(np.pad(labels == i, 1), connectivity=labels.ndim) for i in objects.ids]
    assert len(set(expected)) > 2
    np.testing.assert_allclose(found, expected, atol=1e-9)


def bias(estimates, truth):
    return np.mean(estimates) / truth - 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("radius", [5, 6, 7, 8, 10, 12, 14, 17, 20])
def test_balls_are_measured_without_bias(radius, step):
    spacing = (step, 1.0, 1.0)
    objects = Objects(solids((radius,) * 3, spacing, 200, seed=radius), spacing)
    assert len(objects) == 200
    found = shape.measure(objects)
    volumes = objects.moments.count * step
    limit = {1.0: 0.01, 3.0: 0.03}[step]
    assert abs(bias(found["surface_area_um2"], 4 * math.pi * radius**2)) <= limit
    assert abs(bias(volumes, 4 / 3 * math.pi * radius**3)) <= 0.01
    assert 0.97 <= found["sphericity"].mean() <= 1.03
    # A single ball may be further off: the spread is part of the documented result.
    assert found["surface_area_um2"].std() / (4 * math.pi * radius**2) < limit
    assert (found["solidity"] == 1).all()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("semi_axes", [(5, 5, 10), (5, 10, 10), (5, 7, 10), (5, 5, 5)])
def test_turned_ellipsoids_are_measured_without_bias(semi_axes, step):
    spacing = (step, 1.0, 1.0)
    labels = solids(semi_axes, spacing, 200, seed=1, turn=True)
    found = shape.measure(Objects(labels, spacing))
    a, b, c = semi_axes
    truth = 4 * math.pi * elliprg((a * b) ** 2, (b * c) ** 2, (c * a) ** 2)
    assert abs(bias(found["surface_area_um2"], truth)) <= {1.0: 0.025, 3.0: 0.03}[step]
    volumes = np.bincount(labels.ravel())[1:] * step
    assert abs(bias(volumes, 4 / 3 * math.pi * a * b * c)) <= 0.01
    assert (found["solidity"] == 1).all()


@pytest.mark.parametrize("radius", [5, 10, 20])
def test_circles_are_measured_without_bias(radius):
    found = areas(solids((radius, radius), (1.0, 1.0), 200, seed=2), (1.0, 1.0))
    assert abs(bias(found, 2 * math.pi * radius)) <= 0.01


@pytest.mark.parametrize("radius", [10, 20])
def test_circles_of_oblong_pixels_are_measured_without_bias(radius):
    found = areas(solids((radius, radius), (3.0, 1.0), 200, seed=3), (3.0, 1.0))
    assert abs(bias(found, 2 * math.pi * radius)) <= 0.02
