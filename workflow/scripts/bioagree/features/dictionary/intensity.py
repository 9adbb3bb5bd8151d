"""Intensity: statistics of the raw values in each object, for each channel."""

from bioagree.features.dictionary import Feature

FINITE = "NaN where a voxel of the object is NaN or infinite."


def _statistic(name: str, definition: str, source: str = "", elsewhere: str = "") -> Feature:
    return Feature(
        f"intensity_{name}_{{channel}}",
        "",
        f"{definition} {FINITE}",
        source,
        elsewhere=elsewhere,
        needs="intensity",
    )


FEATURES = (
    _statistic(
        "mean",
        "Mean of the raw intensities.",
        "IBSI mean intensity [Q4LE]",
        "scikit-image: intensity_mean; CellProfiler: Intensity_MeanIntensity.",
    ),
    _statistic(
        "sd",
        "Standard deviation of the raw intensities, divided by the number of voxels.",
        "IBSI intensity variance [ECT3], its square root",
        "scikit-image: intensity_std. Nyxus divides by the number of voxels minus one.",
    ),
    _statistic(
        "total",
        "Sum of the raw intensities.",
        "",
        "CellProfiler: Intensity_IntegratedIntensity; ImageJ: RawIntDen. IBSI's integrated "
        "intensity [99N0] is the mean times the volume of a mesh.",
    ),
    _statistic(
        "min",
        "Smallest raw intensity.",
        "IBSI minimum intensity [1GSF]",
        "scikit-image: intensity_min.",
    ),
    _statistic(
        "max",
        "Largest raw intensity.",
        "IBSI maximum intensity [84IY]",
        "scikit-image: intensity_max.",
    ),
    _statistic(
        "median",
        "Median of the raw intensities; with an even number of voxels the mean of the middle two.",
        "IBSI median intensity [Y12H]",
        "scikit-image: intensity_median.",
    ),
    _statistic(
        "p{percent}",
        "Percentile of the raw intensities, interpolated linearly between two voxels: the value "
        "at the position percent / 100 × (n − 1) of the sorted voxels, counted from 0.",
        "Definition 7 of Hyndman & Fan, Am. Stat. 50 (1996) 361; IBSI percentiles [QG58], [8DWT]",
        "NumPy: percentile, with its default method.",
    ),
)
