"""Surfaces: what is measured on the mesh of each object, in 3D."""

from bioagree.features.dictionary import Feature

MESH = (
    "Mesh: marching cubes at the level 0.5 of the object's binary mask with the real voxel size, "
    "closed at the image's border too, not smoothed."
)
SMOOTHED = (
    "On the mesh smoothed by Taubin's filter (20 iterations unless the study says otherwise), "
    "averaged over about three voxels around each vertex, and weighted by area. Positive is "
    "convex; next to a sharp rim so is the average. What is less than five voxels wide tells of "
    "the voxel grid more than of the object."
)
NORMAL_CYCLE = "Cohen-Steiner & Morvan, SoCG 2003, 312; Taubin, SIGGRAPH 1995, 351"
CUBES = "Lorensen & Cline, SIGGRAPH 1987, 163"
SAMPLES = {
    "sd": ("Standard deviation", "over the surface"),
    "p5": ("5th percentile", "over the surface"),
    "median": ("Median", "over the surface"),
    "p95": ("95th percentile", "over the surface"),
}


def _summaries(name: str, unit: str, suffix: str, what: str) -> tuple[Feature, ...]:
    return tuple(
        Feature(
            f"{name}_{key}_{suffix}",
            unit,
            f"{statistic} of the {what} {where}. {SMOOTHED}",
            NORMAL_CYCLE,
            (3,),
        )
        for key, (statistic, where) in SAMPLES.items()
    )


FEATURES = (
    Feature(
        "mesh_area_um2",
        "µm²",
        f"Area of the mesh's triangles, of cavities too. {MESH} The steps between voxels make it "
        "9 % (cubic voxels) to 16 % (three times as high) larger than the area of a ball.",
        f"IBSI surface area (mesh) [C0JK]; {CUBES}",
        (3,),
        elsewhere="scikit-image: mesh_surface_area of marching_cubes on the padded mask, the same "
        "unless that bores holes where voxels touch at edges. CellProfiler takes the level 0: 13 "
        "to 49 % larger for balls. surface_area_um2 is the estimate to use.",
    ),
    Feature(
        "mesh_volume_um3",
        "µm³",
        f"Volume that the mesh encloses, without cavities. {MESH} Corners of voxels are cut off: "
        "5 % less than the voxels' volume for a ball of radius 3 voxels, 1 % from 6 on; a single "
        "voxel has a sixth.",
        f"IBSI volume (mesh) [RNU0]; {CUBES}",
        (3,),
        elsewhere="pyradiomics: MeshVolume.",
    ),
    Feature(
        "mesh_sphericity",
        "",
        "Surface of the ball with the mesh's volume / area of the mesh: at most 1, and about 0.92 "
        f"for digital balls. {MESH}",
        "IBSI sphericity [QCFX]",
        (3,),
        elsewhere="pyradiomics: Sphericity. sphericity is the same of unbiased estimates.",
    ),
    Feature(
        "mesh_euler_number",
        "",
        "Vertices minus edges plus faces of the mesh: every closed piece of surface, cavities "
        "too, adds 2, and every tunnel takes 2 away. A ball has 2, a torus 0. Voxels that share "
        f"an edge are joined, those that share only a corner are not. {MESH}",
        "Euler's polyhedron formula",
        (3,),
        "integer",
        elsewhere="euler_number counts voxels that share a corner as joined, and is half as large.",
    ),
    Feature(
        "mesh_solidity",
        "",
        "Volume of the mesh / volume of its convex hull: 1 when convex, and about 0.95 for "
        f"digital balls of radius 10 voxels. {MESH}",
        "IBSI volume density (convex hull) [R3ER]",
        (3,),
        elsewhere="solidity counts voxel centres in their hull and is unbiased; scikit-image's "
        "hulls hold voxel corners.",
    ),
    Feature(
        "mean_curvature_integral_um",
        "µm",
        "Integral of the mean curvature over the surface: half the sum over the edges of length "
        "times exterior angle; 4π times the radius for a ball, and 2π times the mean width of "
        "a convex body. On the mesh smoothed by Taubin's filter.",
        f"Minkowski functional; {NORMAL_CYCLE}",
        (3,),
        elsewhere="Half of it, or a third, where Minkowski functionals are normalised (MorphoLibJ: "
        "mean breadth, which is this by 2π).",
    ),
    Feature(
        "concave_fraction",
        "",
        f"Part of the surface where the mean curvature is negative. {SMOOTHED}",
        NORMAL_CYCLE,
        (3,),
    ),
    Feature(
        "mean_curvature_mean_per_um",
        "1/µm",
        "Integral of the mean curvature / area of the smoothed mesh: 1 / radius for a ball. "
        f"{SMOOTHED}",
        NORMAL_CYCLE,
        (3,),
        elsewhere="Some add the two principal curvatures instead of taking their mean, which is "
        "twice as much (Meyer et al. 2003: mean, with cotangent weights).",
    ),
    *_summaries("mean_curvature", "1/µm", "per_um", "mean curvature"),
    *_summaries("gaussian_curvature", "1/µm²", "per_um2", "Gaussian curvature"),
)
