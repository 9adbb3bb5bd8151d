"""Shape: boundary, axes, hull, and topology of each object."""

from bioagree.features.dictionary import Feature

LEGLAND = "Legland, Kiêu & Devaux, Image Anal. Stereol. 26 (2007) 83"
MOMENTS = (
    "From the variances of the voxel centres, divided by their number, along the principal axes; "
    "the extent of a single voxel is left out, so that one voxel has length 0."
)
GRID = "Hull of the voxel centres."

FEATURES = (
    Feature(
        "perimeter_um",
        "µm",
        "Length of the boundary, of holes too: π/2 Σ c n a / d over 4 directions, with n crossings "
        "between pixels a step d apart, pixel area a, and the share c of all directions that is "
        "closest, for the real pixel size.",
        f"Crofton's formula; {LEGLAND}",
        (2,),
        elsewhere="scikit-image: perimeter_crofton(directions=4), square pixels only; ITK: "
        "perimeter, the same for square pixels. scikit-image's perimeter weights border pixels "
        "instead: discs then have a circularity from 1.21 (radius 3) to 0.91 (radius 50).",
    ),
    Feature(
        "surface_area_um2",
        "µm²",
        "Area of the boundary, of cavities too: 2 Σ c n v / d over 13 directions, with n "
        "crossings between voxels a step d apart, voxel volume v, and the share c of the sphere "
        "that is closest (Voronoi cells), for the real voxel size.",
        f"Crofton's formula; {LEGLAND}",
        (3,),
        elsewhere="MorphoLibJ: SurfaceArea; ITK: perimeter, the same for cubic voxels. IBSI "
        "[C0JK], pyradiomics and CellProfiler take a mesh, which is 9 to 49 % larger for balls.",
    ),
    Feature(
        "circularity",
        "",
        "4π area / perimeter²: 1 for a circle. Single pixels exceed 1, since so few directions "
        "see them too short.",
        "Cox, J. Paleontol. 1 (1927) 179",
        (2,),
        elsewhere="CellProfiler: FormFactor; ImageJ: Circ., both with other perimeters.",
    ),
    Feature(
        "sphericity",
        "",
        "Surface of the ball of the same volume / surface area: 1 for a ball, and up to 2 % more "
        "for digital balls.",
        "Wadell, J. Geol. 43 (1935) 250; IBSI sphericity [QCFX] with Crofton's surface",
        (3,),
        elsewhere="MorphoLibJ's sphericity is the third power of this one.",
    ),
    Feature(
        "axis_major_um",
        "µm",
        "Longest full axis of the ellipse (4 √λ₁) or ellipsoid (2 √(5 λ₁)) with the object's "
        f"second moments. {MOMENTS}",
        elsewhere="scikit-image: axis_major_length; CellProfiler: MajorAxisLength. IBSI [TDIC] "
        "takes 4 √λ in 3D too, and divides by n − 1.",
    ),
    Feature(
        "axis_middle_um",
        "µm",
        f"Middle full axis 2 √(5 λ₂) of the ellipsoid with the object's second moments. {MOMENTS}",
        dimensions=(3,),
        elsewhere="scikit-image: none in 3D. IBSI's minor axis [P9VJ].",
    ),
    Feature(
        "axis_minor_um",
        "µm",
        "Shortest full axis of the ellipse (4 √λ₂) or ellipsoid (2 √(5 λ₃)) with the object's "
        f"second moments; 0 for a line or plane of voxels. {MOMENTS}",
        elsewhere="scikit-image: axis_minor_length. IBSI's least axis [7J51] in 3D.",
    ),
    Feature(
        "elongation_major_minor",
        "",
        "Major / minor axis, at least 1. NaN when the minor axis is 0.",
        elsewhere="2D: ITK's elongation; ImageJ: AR.",
    ),
    Feature(
        "elongation_major_middle",
        "",
        "Major / middle axis, at least 1. NaN when the middle axis is 0.",
        dimensions=(3,),
        elsewhere="ITK: elongation. IBSI's [Q3CK] is the inverse.",
    ),
    Feature(
        "flatness_middle_minor",
        "",
        "Middle / minor axis, at least 1. NaN when the minor axis is 0.",
        dimensions=(3,),
        elsewhere="ITK: flatness. IBSI's [N17B] is minor / major.",
    ),
    Feature(
        "axis_major_along_{axis}",
        "",
        "Absolute component of the major axis' unit vector along an axis of the image: 1 when "
        "parallel, 0 when perpendicular. NaN when the major and the middle axis are equal.",
        dimensions=(3,),
        place=True,
    ),
    Feature(
        "radius_of_gyration_um",
        "µm",
        "Root of the mean square distance of voxel centres from the centroid: √(λ₁ + λ₂ (+ λ₃)).",
    ),
    Feature(
        "eccentricity",
        "",
        "√(1 − minor² / major²): 0 for a circle. NaN for a single pixel.",
        dimensions=(2,),
        elsewhere="scikit-image: eccentricity, which is 0 for a single pixel.",
    ),
    Feature(
        "roundness",
        "",
        "4 area / (π major axis²): 1 for a circle, and less for an elongated object whatever its "
        "boundary. NaN for a single pixel.",
        "ImageJ",
        (2,),
        elsewhere="ImageJ: Round. Not circularity, and not ITK's roundness (equal circle's "
        "perimeter / perimeter).",
    ),
    Feature(
        "orientation_y_to_x_deg",
        "°",
        "Angle of the major axis with the y axis, towards the x axis, above −90° and up to 90°, "
        "in µm, not in pixels. NaN when both axes are equal.",
        dimensions=(2,),
        elsewhere="scikit-image: orientation, in radians, ±π/4 when both axes are equal.",
        place=True,
    ),
    Feature(
        "hull_area_um2",
        "µm²",
        f"Number of pixel centres in the convex hull × pixel area. {GRID} NaN when the pixels "
        "are in a line.",
        dimensions=(2,),
        elsewhere="scikit-image: area_convex, the hull of the middles of pixel sides, which "
        "contains further pixels.",
    ),
    Feature(
        "hull_volume_um3",
        "µm³",
        f"Number of voxel centres in the convex hull × voxel volume. {GRID} NaN when the voxels "
        "are in a plane.",
        dimensions=(3,),
        elsewhere="scikit-image: area_convex, the hull of the middles of voxel sides, which "
        "contains further voxels.",
    ),
    Feature(
        "solidity",
        "",
        "Number of voxels / number of voxel centres in their convex hull: exactly 1 for whatever "
        "is digitised from a convex body, at any voxel size. NaN when the voxels are in a line "
        "(2D) or plane (3D).",
        "",
        elsewhere="scikit-image: solidity, 0.91 for a ball of radius 10 voxels. IBSI's volume "
        "density of the hull [R3ER] is that of a mesh.",
    ),
    Feature(
        "feret_max_um",
        "µm",
        "Largest distance between two voxel centres; 0 for a single voxel.",
        elsewhere="ITK: Feret diameter. scikit-image's feret_diameter_max is between middles of "
        "voxel sides and ImageJ's between corners: up to a voxel more, which for balls is less "
        "right.",
    ),
    Feature(
        "feret_min_um",
        "µm",
        "Smallest distance between two parallel lines with the middles of all pixel sides in "
        "between.",
        dimensions=(2,),
        elsewhere="ImageJ: MinFeret, around the corners of pixels.",
    ),
    Feature(
        "extent",
        "",
        "Number of voxels / number of voxels in the bounding box.",
        elsewhere="scikit-image: extent. IBSI's volume density [PBX1] takes a mesh.",
    ),
    Feature(
        "euler_number",
        "",
        "Pieces minus holes (2D), pieces minus tunnels plus cavities (3D); voxels that share a "
        "corner hang together.",
        kind="integer",
        elsewhere="scikit-image: euler_number.",
    ),
    Feature(
        "n_pieces",
        "",
        "Pieces of the object; voxels that share a corner hang together.",
        kind="integer",
    ),
    Feature(
        "n_holes",
        "",
        "Holes (2D) or cavities (3D): pieces of background, of voxels that share sides, without a "
        "way out. Beyond the edge of the image everything is background.",
        kind="integer",
    ),
    Feature(
        "filled_fraction",
        "",
        "Number of voxels / number of voxels with the holes filled: 1 without holes.",
        elsewhere="scikit-image: area / area_filled, whose holes leak through corners.",
    ),
)
