"""IBSI: definitions of the image biomarker standard where they differ from ours."""

from bioagree.features.dictionary import Feature

STATISTICS = (
    ("mean", "Mean", "Q4LE"),
    ("variance", "Variance, divided by the number of voxels", "ECT3"),
    ("skewness", "Third central moment / variance^1.5; 0 when constant", "KE2A"),
    ("kurtosis", "Fourth central moment / variance² − 3; 0 when constant", "IPH6"),
    ("median", "Median", "Y12H"),
    ("min", "Minimum", "1GSF"),
    ("p10", "10th percentile, interpolated linearly", "QG58"),
    ("p90", "90th percentile, interpolated linearly", "8DWT"),
    ("max", "Maximum", "84IY"),
    ("interquartile_range", "75th − 25th percentile", "SALO"),
    ("range", "Maximum − minimum", "2OJQ"),
    ("mean_absolute_deviation", "Mean absolute deviation from the mean", "4FUA"),
    (
        "robust_mean_absolute_deviation",
        "Mean absolute deviation from their mean, of the intensities from the 10th to the 90th "
        "percentile; NaN when there are none",
        "1128",
    ),
    ("median_absolute_deviation", "Mean absolute deviation from the median", "N72L"),
    ("coefficient_of_variation", "√variance / mean; NaN when the mean is 0", "7TET"),
    (
        "quartile_coefficient_of_dispersion",
        "(75th − 25th) / (75th + 25th percentile); NaN when the sum is 0",
        "9S40",
    ),
    ("energy", "Sum of squares", "N8CA"),
    ("root_mean_square", "Root of the mean square", "5ZWQ"),
)


def _solid(name: str, unit: str, definition: str, code: str) -> Feature:
    return Feature(f"ibsi_{name}", unit, definition, f"IBSI [{code}]", (3,))


def _of_channel(name: str, definition: str, code: str, unit: str = "") -> Feature:
    return Feature(
        f"ibsi_{name}_{{channel}}", unit, definition, f"IBSI [{code}]", (3,), needs="intensity"
    )


FEATURES = (
    _solid(
        "volume_mesh_um3",
        "µm³",
        "Volume within the marching-cubes mesh: corners of voxels are cut off, so that it is "
        "smaller than volume_um3.",
        "RNU0",
    ),
    _solid("surface_area_mesh_um2", "µm²", "Area of the marching-cubes mesh.", "C0JK"),
    _solid("surface_to_volume_ratio_per_um", "1/µm", "Area / volume of the mesh.", "2PR5"),
    _solid("compactness_1", "", "V / √(π A³), of the mesh.", "SKGS"),
    _solid("compactness_2", "", "36 π V² / A³, of the mesh.", "BQWJ"),
    _solid("spherical_disproportion", "", "1 / sphericity, of the mesh.", "KRCK"),
    _solid("sphericity", "", "∛(36 π V²) / A, of the mesh.", "QCFX"),
    _solid("asphericity", "", "Spherical disproportion − 1, of the mesh.", "25C7"),
    _solid(
        "maximum_diameter_um", "µm", "Largest distance between two vertices of the mesh.", "L0JK"
    ),
    _solid(
        "axis_major_um",
        "µm",
        "4 √λ₁; the variances λ are divided by n − 1. NaN for a single voxel.",
        "TDIC",
    ),
    _solid("axis_minor_um", "µm", "4 √λ₂; otherwise as the major axis.", "P9VJ"),
    _solid("axis_least_um", "µm", "4 √λ₃; otherwise as the major axis.", "7J51"),
    _solid("elongation_minor_major", "", "Minor / major axis. NaN for a single voxel.", "Q3CK"),
    _solid("flatness_least_major", "", "Least / major axis. NaN for a single voxel.", "N17B"),
    _solid("volume_density_box", "", "Volume of the mesh / of the bounding box.", "PBX1"),
    _solid("area_density_box", "", "Area of the mesh / of the bounding box.", "R59B"),
    _solid(
        "volume_density_ellipsoid",
        "",
        "Volume of the mesh / of the ellipsoid with these axes. NaN when an axis is 0.",
        "6BDE",
    ),
    _solid(
        "area_density_ellipsoid",
        "",
        "Area of the mesh / the manual's series for the ellipsoid's area, which is a few percent "
        "smaller than that area. NaN when the minor axis is 0.",
        "RDD2",
    ),
    _solid("volume_density_hull", "", "Volume of the mesh / of its convex hull.", "R3ER"),
    _solid("area_density_hull", "", "Area of the mesh / of its convex hull.", "7T7F"),
    _of_channel("integrated_intensity", "Mean intensity × volume of the mesh.", "99N0"),
    _of_channel(
        "centre_of_mass_shift_um",
        "Distance between the centroid and the centre of mass. NaN when the total is 0.",
        "KLMA",
        "µm",
    ),
    _of_channel(
        "morans_i",
        "Moran's I with weights of one over the distance: 1 when near voxels are alike. NaN for a "
        "single voxel, and when constant.",
        "N365",
    ),
    _of_channel(
        "gearys_c",
        "Geary's C with weights of one over the distance: 0 when near voxels are alike, 1 without "
        "order. NaN for a single voxel, and when constant.",
        "NPT7",
    ),
) + tuple(
    Feature(
        f"ibsi_{name}_{{channel}}",
        "",
        f"{definition}, of the raw intensities. NaN where a voxel is NaN or infinite.",
        f"IBSI [{code}]",
        needs="intensity",
    )
    for name, definition, code in STATISTICS
)
