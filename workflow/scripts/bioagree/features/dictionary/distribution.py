"""Distribution: where in and around each object the intensity is."""

from bioagree.features.dictionary import Feature

NO_TOTAL = "NaN when the object's total intensity is not above 0."
PEAKS = (
    "peak_height, which is in units of intensity, or three standard deviations of the noise unless "
    "given. The noise is estimated inside all objects of the image, from the median absolute "
    "second difference along x. Neighbours are the 8 (2D) or 26 (3D) adjacent voxels; voxels "
    "outside the object play no part. Each connected piece has one at least."
)
RING = (
    "the background voxels whose distance to the object is above gap_um (0) and at most gap_um + "
    "ring_um (2), between voxel centres. Voxels of other objects do not belong to it, and rings of "
    "neighbours may overlap."
)
SHELLS = (
    "The shell of a voxel is that of its depth, the distance to the nearest voxel centre outside "
    "the object, relative to the object's deepest voxel: shells have equal steps of depth, 1 is "
    "the innermost. Touching objects and the edge of the image are outside."
)

FEATURES = (
    Feature(
        "centre_of_mass_{axis}_um_{channel}",
        "µm",
        f"Mean position of the voxel centres weighted with their intensity. {NO_TOTAL}",
        elsewhere="scikit-image: centroid_weighted; CellProfiler: Location_CenterMassIntensity, in "
        "pixels. A constant background in the intensity draws it to the centroid.",
        needs="intensity",
        place=True,
    ),
    Feature(
        "centre_of_mass_shift_um_{channel}",
        "µm",
        f"Distance between centroid and centre of mass. {NO_TOTAL}",
        "IBSI centre of mass shift [KLMA]",
        elsewhere="CellProfiler: Intensity_MassDisplacement, in pixels.",
        needs="intensity",
    ),
    Feature(
        "maxima_count_{channel}",
        "",
        "Number of local maxima: connected plateaus that one cannot leave for a higher one without "
        f"going down by at least {PEAKS}",
        "Soille, Morphological Image Analysis (2003), chapter 6: h-maxima",
        kind="integer",
        elsewhere="scikit-image: h_maxima, which marks several voxels for equally high maxima that "
        "are no further apart than h; peak_local_max has a least distance instead of a height.",
        needs="intensity",
    ),
    Feature(
        "minima_count_{channel}",
        "",
        "Number of local minima: connected plateaus that one cannot leave for a lower one without "
        f"going up by at least {PEAKS}",
        "Soille, Morphological Image Analysis (2003), chapter 6: h-minima",
        kind="integer",
        elsewhere="scikit-image: h_minima.",
        needs="intensity",
    ),
    Feature(
        "ring_mean_{channel}",
        "",
        f"Mean intensity of {RING} NaN when the ring has no voxel.",
        elsewhere="scikit-image: expand_labels, which gives each voxel to the nearest object only.",
        needs="intensity",
    ),
    Feature(
        "ring_contrast_{channel}",
        "",
        "(a - b) / (a + b), with a the mean intensity of the object and b that of the ring around "
        f"it: {RING} NaN when the ring has no voxel or a + b is not above 0.",
        "Michelson, Studies in Optics (1927)",
        needs="intensity",
    ),
    Feature(
        "radial_fraction_{count}of{count}_{channel}",
        "",
        f"Share of the object's total intensity in one of several shells. {SHELLS} {NO_TOTAL}",
        elsewhere="CellProfiler: RadialDistribution_FracAtD, whose depth is relative to the "
        "sum of the distances to centre and border.",
        needs="intensity",
    ),
    Feature(
        "radial_mean_ratio_{count}of{count}_{channel}",
        "",
        "Mean intensity of one of several shells over that of the object: 1 everywhere when the "
        f"object is uniform. {SHELLS} {NO_TOTAL} NaN in shells without voxels, which small "
        "objects have.",
        elsewhere="CellProfiler: RadialDistribution_MeanFrac.",
        needs="intensity",
    ),
)
