"""Topology: who touches whom, how far the others are, how crowded it is."""

from bioagree.features.dictionary import Feature

FACES = (
    "Voxels touch when they share a face (4 neighbours in 2D, 6 in 3D), so that objects which meet "
    "at a corner only, or have a line of background between them, do not touch."
)
STAIRS = (
    "The sum of voxel faces: along a plane or line that is oblique to the grid it is up to √3 (3D) "
    "or √2 (2D) times too large."
)
EDGE = "Objects near the edge of the image miss the neighbours beyond it."
DENSITY = (
    "Number of other objects with centroids within the distance, over the part of the {shape} of "
    "that radius around the centroid that lies inside the image. That corrects for the edge of the "
    "image, beyond which nothing is seen."
)

FEATURES = (
    Feature(
        "touching_neighbours",
        "",
        f"Number of objects that touch the object. {FACES} {EDGE}",
        kind="integer",
        elsewhere="CellProfiler: Neighbors_NumberOfNeighbors_Adjacent, the objects in the object "
        "widened by a disc of one pixel; cc3d.contacts counts corners too unless its connectivity "
        "is 4 or 6.",
    ),
    Feature(
        "contact_length_um",
        "µm",
        f"Length of the border with other objects. {STAIRS} 0 without touching neighbours.",
        dimensions=(2,),
        elsewhere="cc3d.contacts, for each pair of objects.",
    ),
    Feature(
        "contact_area_um2",
        "µm²",
        f"Area of the surface shared with other objects. {STAIRS} 0 without touching neighbours.",
        dimensions=(3,),
        elsewhere="cc3d.contacts, for each pair of objects.",
    ),
    Feature(
        "contact_fraction",
        "",
        "Contact length or area over the length or area of all voxel faces between the object and "
        "what is not the object, those on the edge of the image left out. NaN when there are none.",
        elsewhere="CellProfiler: Neighbors_PercentTouching, of border pixels, in per cent.",
    ),
    Feature(
        "nearest_distance_um",
        "µm",
        f"Distance from the centroid to the nearest other centroid. {EDGE} NaN when there is no "
        "other object.",
        "Clark & Evans, Ecology 35 (1954) 445",
        elsewhere="CellProfiler: Neighbors_FirstClosestDistance, in pixels.",
    ),
    Feature(
        "nearest_{count}_mean_distance_um",
        "µm",
        f"Mean distance from the centroid to the so many nearest other centroids. {EDGE} NaN when "
        "there are fewer other objects.",
    ),
    Feature(
        "neighbours_within_{distance}um",
        "",
        f"Number of other objects with centroids at most that far from the centroid. {EDGE}",
        kind="integer",
        elsewhere="CellProfiler: Neighbors_NumberOfNeighbors_{distance} counts objects that touch "
        "once each is widened by so many pixels.",
    ),
    Feature(
        "density_within_{distance}um_per_um2",
        "1/µm²",
        DENSITY.format(shape="disc"),
        "Ripley, J. Appl. Probab. 13 (1976) 255, for one object",
        dimensions=(2,),
    ),
    Feature(
        "density_within_{distance}um_per_um3",
        "1/µm³",
        DENSITY.format(shape="ball"),
        "Ripley, J. Appl. Probab. 13 (1976) 255, for one object",
        dimensions=(3,),
    ),
)
