"""Colocalisation: two channels in the same object, or two label images in the same places."""

from bioagree.features.dictionary import Feature

MANDERS = "Manders, Verbeek & Aten, J. Microsc. 169 (1993) 375"
COSTES = "Costes et al., Biophys. J. 86 (2004) 3993"
BOLTE = "Bolte & Cordelières, J. Microsc. 224 (2006) 213"
LI = "Li et al., J. Neurosci. 24 (2004) 4070"


def _of_channels(name: str, definition: str, source: str = "", elsewhere: str = "") -> Feature:
    return Feature(
        f"{name}_{{channel}}_{{other}}",
        "",
        definition,
        source,
        elsewhere=elsewhere,
        needs="channels",
    )


def _of_image(name: str, unit: str, definition: str, source: str = "", kind: str = "number"):
    return Feature(name, unit, definition, source, kind=kind, needs="channels", of="image")


FEATURES = (
    _of_channels(
        "pearson",
        "Pearson's correlation of two channels over the object's voxels. NaN when a channel is "
        "constant there.",
        MANDERS,
        "scikit-image: pearson_corr_coeff; CellProfiler: Correlation_Correlation.",
    ),
    _of_channels(
        "overlap_coefficient",
        "Σ ab / √(Σ a² Σ b²) over the object's voxels, background removed. NaN when a channel is "
        "zero there.",
        MANDERS,
        "scikit-image: manders_overlap_coeff, without removing the background; its sums overflow "
        "for integer images, so give it floats.",
    ),
    _of_channels(
        "manders_m1",
        "Share of the first channel's intensity in the object that lies where the second exceeds "
        "its Costes threshold; background removed, thresholds from all objects of the image. NaN "
        "when the channels do not rise together.",
        f"{MANDERS}; {COSTES}",
        "scikit-image: manders_coloc_coeff, with a mask of your own.",
    ),
    _of_channels(
        "manders_m2",
        "Share of the second channel's intensity in the object that lies where the first exceeds "
        "its Costes threshold; otherwise as manders_m1.",
        f"{MANDERS}; {COSTES}",
    ),
    _of_channels(
        "correlation_quotient",
        "Share of the object's voxels where both channels lie on the same side of their means in "
        "the object, less 0.5: from −0.5 (exclusion) over 0 (no relation) to 0.5.",
        LI,
        "Known as ICQ.",
    ),
    _of_image("voxels", "", "Number of voxels in the region of interest.", kind="integer"),
    _of_image(
        "background_first",
        "",
        "Intensity of the first channel that counts as none: a low percentile of the whole image.",
    ),
    _of_image("background_second", "", "The same for the second channel."),
    _of_image("pearson", "", "Pearson's correlation over the region of interest.", MANDERS),
    _of_image(
        "pearson_random",
        "",
        "Mean correlation when blocks as wide as the point-spread function change places.",
        COSTES,
    ),
    _of_image(
        "pearson_p",
        "",
        "(1 + draws that correlate at least as much) / (1 + draws). NaN when the region holds "
        "fewer than two blocks.",
        COSTES,
    ),
    _of_image("blocks", "", "Blocks that lie wholly in the region.", COSTES, "integer"),
    _of_image(
        "overlap_coefficient",
        "",
        "Σ ab / √(Σ a² Σ b²) over the region, background removed.",
        MANDERS,
    ),
    _of_image("correlation_quotient", "", "Li's ICQ over the region.", LI),
    _of_image(
        "threshold_first",
        "",
        "Costes threshold of the first channel, background removed: below both thresholds nothing "
        "correlates. NaN when the channels do not rise together.",
        COSTES,
    ),
    _of_image("threshold_second", "", "Costes threshold of the second channel.", COSTES),
    _of_image(
        "present_first",
        "",
        "Share of the region's voxels that exceed the first channel's threshold. Near 1 the "
        "threshold separates nothing, and Manders' coefficients say little.",
        COSTES,
    ),
    _of_image("present_second", "", "The same for the second channel.", COSTES),
    _of_image(
        "manders_m1",
        "",
        "Share of the first channel's intensity that lies where the second exceeds its threshold.",
        MANDERS,
    ),
    _of_image(
        "manders_m2",
        "",
        "Share of the second channel's intensity that lies where the first exceeds its threshold.",
        MANDERS,
    ),
    _of_image("objects_first", "", "Objects found in the first channel.", kind="integer"),
    _of_image("objects_second", "", "Objects found in the second channel.", kind="integer"),
    _of_image(
        "first_in_second",
        "",
        "Share of the first channel's objects whose centroid lies in an object of the second. NaN "
        "without objects.",
        BOLTE,
    ),
    _of_image(
        "first_in_second_random",
        "",
        "The same share when every centroid may lie anywhere in the region.",
        BOLTE,
    ),
    _of_image(
        "first_in_second_p", "", "(1 + draws with at least that share) / (1 + draws).", BOLTE
    ),
    _of_image("second_in_first", "", "The same share the other way round.", BOLTE),
    _of_image("second_in_first_random", "", "What chance gives for it.", BOLTE),
    _of_image(
        "second_in_first_p", "", "(1 + draws with at least that share) / (1 + draws).", BOLTE
    ),
    _of_image(
        "objects_iou",
        "",
        "Voxels in objects of both channels over voxels in objects of either. NaN without objects.",
    ),
    _of_image(
        "share_of_first", "", "Voxels in objects of both over voxels in objects of the first."
    ),
    _of_image(
        "share_of_second", "", "Voxels in objects of both over voxels in objects of the second."
    ),
    _of_image(
        "nearest_first_um",
        "µm",
        "Median distance from a centroid of the first channel's objects to the nearest centroid of "
        "the second's. NaN when either has none.",
        BOLTE,
    ),
    _of_image("nearest_second_um", "µm", "The same from the second to the first.", BOLTE),
)
