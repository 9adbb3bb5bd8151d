"""Grey level co-occurrence on the digital phantom of the Image Biomarker Standardisation
Initiative: all 25 features in all 6 ways of aggregation that the standard knows.

Voxels and reference values: IBSI digital phantom, theibsi/data_sets, CC BY 4.0. The references have
no tolerance of their own; they are given with three significant figures."""

import numpy as np
import pytest
from bioagree.features import texture
from bioagree.features.objects import Objects

# Planes z = 0 to 3, rows y, columns x; 0 is not in the region of interest.
PHANTOM = np.array(
    [
        [
            [1, 4, 4, 1, 1],
            [1, 4, 6, 1, 1],
            [4, 1, 6, 4, 1],
            [4, 4, 6, 4, 1],
        ],
        [
            [1, 4, 4, 1, 1],
            [1, 1, 6, 1, 1],
            [0, 1, 3, 1, 1],
            [4, 4, 6, 1, 1],
        ],
        [
            [1, 4, 4, 0, 0],
            [1, 1, 1, 1, 1],
            [1, 1, 0, 1, 1],
            [1, 1, 6, 1, 1],
        ],
        [
            [1, 4, 4, 0, 0],
            [1, 1, 1, 1, 1],
            [1, 1, 1, 1, 1],
            [1, 1, 6, 1, 1],
        ],
    ]
)
WAYS = ("2D averaged", "2D merged", "2.5D averaged", "2.5D merged", "3D averaged", "3D merged")
REFERENCE = """
joint_maximum                            0.519   0.512   0.489   0.492   0.503   0.509
joint_average                             2.14    2.14     2.2     2.2    2.14    2.15
joint_variance                            2.69    2.71    3.22    3.24     3.1    3.13
joint_entropy                             2.05    2.24    2.48    2.61     2.4    2.57
difference_average                        1.42     1.4    1.46    1.44    1.43    1.38
difference_variance                        2.9    3.06    3.11    3.23    3.06    3.21
difference_entropy                         1.4    1.49    1.61    1.67    1.56    1.64
sum_average                               4.28    4.29    4.41    4.41    4.29     4.3
sum_variance                              5.47    5.66    7.48    7.65    7.07    7.41
sum_entropy                                1.6    1.79    2.01    2.14    1.92    2.11
angular_second_moment                    0.368   0.352   0.286   0.277   0.303   0.291
contrast                                  5.28    5.19    5.39    5.29    5.32    5.12
dissimilarity                             1.42     1.4    1.46    1.44    1.43    1.38
inverse_absolute_difference              0.678   0.683   0.668   0.673   0.677   0.688
normalised_inverse_absolute_difference   0.851   0.854   0.847    0.85   0.851   0.856
inverse_difference_moment                0.619   0.625   0.606   0.613   0.618   0.631
normalised_inverse_difference_moment     0.899   0.901   0.897   0.899   0.898   0.902
inverse_variance                        0.0567  0.0553  0.0597  0.0582  0.0604  0.0574
correlation                            -0.0121  0.0173   0.178   0.182   0.157   0.183
autocorrelation                           5.09    5.14     5.4    5.45    5.06    5.19
cluster_tendency                          5.47    5.66    7.48    7.65    7.07    7.41
cluster_shade                                7    6.98    16.6    16.4    16.6    17.4
cluster_prominence                        79.1    80.4     147     142     145     147
information_correlation_1               -0.155 -0.0341  -0.124 -0.0334  -0.157 -0.0288
information_correlation_2                0.487   0.263   0.487   0.291    0.52   0.269
"""
ROWS = [line.split() for line in REFERENCE.strip().splitlines()]


def measure(voxels, spacing):
    labels = (voxels > 0).astype(np.uint8)
    objects = Objects(labels, spacing, {"dose": voxels})
    return texture.measure(objects, bin_size=1, bin_start=1)


@pytest.fixture(scope="module")
def measured():
    """Columns by aggregation; in 2D, the mean over slices."""
    slices = [measure(plane, (2.0, 2.0)) for plane in PHANTOM]
    flat = {name: np.mean([columns[name] for columns in slices]) for name in slices[0]}
    thick = measure(PHANTOM, (4.0, 2.0, 2.0))
    return {"2D": flat, "2.5D": thick, "3D": measure(PHANTOM, (2.0, 2.0, 2.0))}


def test_all_25_features_are_compared(measured):
    assert len(measured["3D"]) == 2 * len(ROWS) == 50


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
@pytest.mark.parametrize("way", WAYS)
def test_feature_equals_the_reference(measured, way, row):
    dimension, aggregation = way.split()
    prefix = "glcm_merged" if aggregation == "merged" else "glcm"
    value = float(np.squeeze(measured[dimension][f"{prefix}_{row[0]}_dose"]))
    assert f"{value:.3g}" == f"{float(row[1 + WAYS.index(way)]):.3g}"
