"""The digital phantom of the Image Biomarker Standardisation Initiative: 80 voxels of 2 mm, of
which 74 are in the region of interest. Voxels, reference values and their tolerances: IBSI digital
phantom, theibsi/data_sets, CC BY 4.0; A. Zwanenburg et al., Radiology 295 (2020) 328."""

import numpy as np
import pytest
from bioagree.features import ibsi, size
from bioagree.features.objects import Objects

INTENSITY = """
14411 14611 41641 44641
14411 11611 11311 44611
14411 11111 11911 11611
14411 11111 11111 11611
"""
REGION = """
11111 11111 11111 11111
11111 11111 01111 11111
11100 11111 11011 11111
11100 11111 11111 11111
"""
# Value and tolerance; without a tolerance three digits are right.
MORPHOLOGY = {
    "ibsi_volume_mesh_um3": (556, 4),
    "volume_um3": (592, 4),
    "ibsi_surface_area_mesh_um2": (388, 3),
    "ibsi_surface_to_volume_ratio_per_um": (0.698, 0.004),
    "ibsi_compactness_1": (0.0411, 0.0003),
    "ibsi_compactness_2": (0.599, 0.004),
    "ibsi_spherical_disproportion": (1.19, 0.01),
    "ibsi_sphericity": (0.843, 0.005),
    "ibsi_asphericity": (0.186, 0.001),
    "ibsi_centre_of_mass_shift_um_ct": (0.672, 0.004),
    "ibsi_maximum_diameter_um": (13.1, 0.1),
    "ibsi_axis_major_um": (11.4, 0.1),
    "ibsi_axis_minor_um": (9.31, 0.06),
    "ibsi_axis_least_um": (8.54, 0.05),
    "ibsi_elongation_minor_major": (0.816, 0.005),
    "ibsi_flatness_least_major": (0.749, 0.005),
    "ibsi_volume_density_box": (0.869, 0.005),
    "ibsi_area_density_box": (0.866, 0.005),
    "ibsi_volume_density_ellipsoid": (1.17, 0.01),
    "ibsi_area_density_ellipsoid": (1.36, 0.01),
    "ibsi_volume_density_hull": (0.961, 0.006),
    "ibsi_area_density_hull": (1.03, 0.01),
    "ibsi_integrated_intensity_ct": (1200, 10),
    "ibsi_morans_i_ct": (0.0397, 0.0003),
    "ibsi_gearys_c_ct": (0.974, 0.006),
}
STATISTICS = {
    "mean": 2.15,
    "variance": 3.05,
    "skewness": 1.08,
    "kurtosis": -0.355,
    "median": 1,
    "min": 1,
    "p10": 1,
    "p90": 4,
    "max": 6,
    "interquartile_range": 3,
    "range": 5,
    "mean_absolute_deviation": 1.55,
    "robust_mean_absolute_deviation": 1.11,
    "median_absolute_deviation": 1.15,
    "coefficient_of_variation": 0.812,
    "quartile_coefficient_of_dispersion": 0.6,
    "energy": 567,
    "root_mean_square": 2.77,
}


def volume(text):
    return np.array([[list(row) for row in line.split()] for line in text.split("\n") if line], int)


@pytest.fixture(scope="module")
def found():
    """All features of the phantom, whose unit is mm here."""
    region, image = volume(REGION).astype(np.uint8), volume(INTENSITY).astype(np.uint8)
    assert region.sum() == 74
    objects = Objects(region, (2.0, 2.0, 2.0), {"ct": image})
    return size.measure(objects) | ibsi.measure(objects)


@pytest.mark.parametrize("name", MORPHOLOGY)
def test_morphology_is_within_the_tolerance(found, name):
    value, tolerance = MORPHOLOGY[name]
    assert found[name].tolist() == [pytest.approx(value, abs=tolerance)]


@pytest.mark.parametrize("name", STATISTICS)
def test_intensity_statistics_are_right_to_three_digits(found, name):
    assert float(f"{found[f'ibsi_{name}_ct'].item():.3g}") == STATISTICS[name]


def test_all_features_of_both_families_are_checked():
    assert len(MORPHOLOGY) == 25
    assert len(STATISTICS) == 18
