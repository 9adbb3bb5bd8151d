"""Every feature, declared once: name with unit, definition, source.

The table schema, the docs and the report take names, units and definitions from here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """One column of a feature table.

    Parameters
    ----------
    name : str
        Column name; carries the unit. ``{channel}`` and ``{axis}`` stand for each of them.
    unit : str
        Unit, empty for counts and flags.
    definition : str
        One sentence with the formula.
    dimensions : tuple of int
        Which images have it: 2, 3, or both.
    source : str
        Where the definition comes from; an IBSI code in brackets where there is one.
    """

    name: str
    unit: str
    definition: str
    dimensions: tuple[int, ...] = (2, 3)
    source: str = ""


FEATURES = (
    Feature("area_um2", "µm²", "Number of pixels times the pixel's area.", (2,)),
    Feature("volume_um3", "µm³", "Number of voxels times the voxel's volume.", (3,), "IBSI [YEKZ]"),
    Feature(
        "equivalent_diameter_um",
        "µm",
        "Diameter of the circle (2D) or ball (3D) of the same area or volume.",
    ),
    Feature("centroid_{axis}_um", "µm", "Mean voxel centre; the first voxel's centre is 0."),
    Feature("bbox_{axis}_start", "", "First voxel index of the bounding box."),
    Feature("bbox_{axis}_stop", "", "Last voxel index of the bounding box plus one."),
    Feature("touches_border", "", "True when the object has a voxel on the edge of the image."),
    Feature(
        "intensity_mean_{channel}", "", "Mean raw intensity over the object.", (2, 3), "IBSI [Q4LE]"
    ),
    Feature("intensity_total_{channel}", "", "Sum of raw intensities over the object."),
)


def unit_of(column: str) -> str:
    """Return the unit of a feature table's column, empty when it has none."""
    for suffix, unit in (("_um3", "µm³"), ("_um2", "µm²"), ("_um", "µm")):
        if column.endswith(suffix):
            return unit
    return ""
