"""Size and place: always measured, since everything else refers to them."""

from bioagree.features.dictionary import Feature

FEATURES = (
    Feature(
        "area_um2",
        "µm²",
        "Number of pixels times the pixel's area.",
        dimensions=(2,),
        elsewhere="scikit-image: area (with spacing); CellProfiler: AreaShape_Area, in pixels.",
    ),
    Feature(
        "volume_um3",
        "µm³",
        "Number of voxels times the voxel's volume.",
        "IBSI voxel counting volume [YEKZ]",
        (3,),
        elsewhere="scikit-image: area. CellProfiler's Volume ignores the voxel size.",
    ),
    Feature(
        "equivalent_diameter_um",
        "µm",
        "Diameter of the circle (2D) or ball (3D) of the same area or volume.",
        elsewhere="scikit-image: equivalent_diameter_area.",
    ),
    Feature(
        "centroid_{axis}_um",
        "µm",
        "Mean position of the voxel centres; the centre of the image's first voxel is 0.",
        elsewhere="scikit-image: centroid.",
        place=True,
    ),
    Feature(
        "bbox_{axis}_start",
        "",
        "First voxel index of the bounding box.",
        kind="integer",
        elsewhere="scikit-image: bbox, in voxels whatever the spacing.",
        place=True,
    ),
    Feature(
        "bbox_{axis}_stop",
        "",
        "Last voxel index of the bounding box plus one.",
        kind="integer",
        place=True,
    ),
    Feature(
        "touches_border",
        "",
        "True when the object has a voxel on the edge of the image, so that part of it may be "
        "missing and its size and shape are those of what is seen. A stack of a single slice has "
        "no inner voxels: all its objects touch the border.",
        kind="boolean",
        place=True,
    ),
)
