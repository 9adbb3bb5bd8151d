"""Texture: how grey levels of neighbouring voxels go together, in each object."""

from bioagree.features.dictionary import Feature

IBSI = "IBSI"
CONSTANT = "NaN in directions with one grey level only."
# Name, what it is, name and code in the standard, and what others do.
CO_OCCURRENCE = (
    (
        "joint_maximum",
        "Largest p(i, j).",
        "joint maximum [GYBY]",
        "pyradiomics: MaximumProbability.",
    ),
    (
        "joint_average",
        "μ = Σ i p(i, j).",
        "joint average [60VM]",
        "scikit-image: mean, of levels that begin at 0.",
    ),
    (
        "joint_variance",
        "Σ (i - μ)² p(i, j) with μ = Σ i p(i, j).",
        "joint variance [UR99]",
        "pyradiomics: SumSquares; CellProfiler, mahotas: Variance; scikit-image: variance.",
    ),
    (
        "joint_entropy",
        "-Σ p(i, j) log₂ p(i, j).",
        "joint entropy [TU9B]",
        "CellProfiler, mahotas: Entropy. scikit-image's entropy has the natural logarithm.",
    ),
    (
        "difference_average",
        "Σ k d(k), with d(k) the share of pairs with |i - j| = k.",
        "difference average [TF7R]",
        "",
    ),
    (
        "difference_variance",
        "Σ (k - m)² d(k), with d(k) the share of pairs with |i - j| = k, and m = Σ k d(k).",
        "difference variance [D3YU]",
        "mahotas and CellProfiler: DifferenceVariance is the variance of the numbers d(k), which "
        "is another thing: 0.0395 instead of 3.06 on the digital phantom of IBSI.",
    ),
    (
        "difference_entropy",
        "-Σ d(k) log₂ d(k), with d(k) the share of pairs with |i - j| = k.",
        "difference entropy [NTRS]",
        "",
    ),
    (
        "sum_average",
        "Σ k s(k), with s(k) the share of pairs with i + j = k.",
        "sum average [ZGXS]",
        "",
    ),
    (
        "sum_variance",
        "Σ (k - m)² s(k), with s(k) the share of pairs with i + j = k, and m = Σ k s(k).",
        "sum variance [OEEB]",
        "The same number as cluster tendency.",
    ),
    (
        "sum_entropy",
        "-Σ s(k) log₂ s(k), with s(k) the share of pairs with i + j = k.",
        "sum entropy [P6QZ]",
        "",
    ),
    (
        "angular_second_moment",
        "Σ p(i, j)².",
        "angular second moment [8ZQL]",
        "pyradiomics: JointEnergy; scikit-image: ASM, and energy is its square root.",
    ),
    ("contrast", "Σ (i - j)² p(i, j).", "contrast [ACUI]", "scikit-image: contrast."),
    (
        "dissimilarity",
        "Σ |i - j| p(i, j).",
        "dissimilarity [8S9J]",
        "The same number as difference average; scikit-image: dissimilarity.",
    ),
    (
        "inverse_absolute_difference",
        "Σ p(i, j) / (1 + |i - j|).",
        "inverse difference [IB1Z]",
        "pyradiomics: Id; MATLAB: Homogeneity.",
    ),
    (
        "normalised_inverse_absolute_difference",
        "Σ p(i, j) / (1 + |i - j| / n), n being the object's highest grey level.",
        "normalised inverse difference [NDRX]",
        "pyradiomics: Idn.",
    ),
    (
        "inverse_difference_moment",
        "Σ p(i, j) / (1 + (i - j)²).",
        "inverse difference moment [WF0Z]",
        "pyradiomics: Idm; scikit-image: homogeneity.",
    ),
    (
        "normalised_inverse_difference_moment",
        "Σ p(i, j) / (1 + (i - j)² / n²), n being the object's highest grey level.",
        "normalised inverse difference moment [1QCO]",
        "pyradiomics: Idmn.",
    ),
    ("inverse_variance", "Σ p(i, j) / (i - j)² over i ≠ j.", "inverse variance [E8JP]", ""),
    (
        "correlation",
        "(Σ i j p(i, j) - μ²) / Σ (i - μ)² p(i, j) with μ = Σ i p(i, j). " + CONSTANT,
        "correlation [NI2N]",
        "pyradiomics and scikit-image give 1 where there is only one grey level.",
    ),
    ("autocorrelation", "Σ i j p(i, j).", "autocorrelation [QWB0]", ""),
    (
        "cluster_tendency",
        "Σ (i + j - 2μ)² p(i, j) with μ = Σ i p(i, j).",
        "cluster tendency [DG8W]",
        "The same number as sum variance.",
    ),
    ("cluster_shade", "Σ (i + j - 2μ)³ p(i, j) with μ = Σ i p(i, j).", "cluster shade [7NFM]", ""),
    (
        "cluster_prominence",
        "Σ (i + j - 2μ)⁴ p(i, j) with μ = Σ i p(i, j).",
        "cluster prominence [AE86]",
        "",
    ),
    (
        "information_correlation_1",
        "(h - 2e) / e with h = -Σ p(i, j) log₂ p(i, j), e = -Σ p(i) log₂ p(i) and p(i) = Σ p(i, j) "
        "over j. " + CONSTANT,
        "information correlation 1 [R8DG]",
        "pyradiomics: Imc1; mahotas, CellProfiler: InfoMeas1.",
    ),
    (
        "information_correlation_2",
        "√(1 - exp(2h - 4e)) with h = -Σ p(i, j) log₂ p(i, j), e = -Σ p(i) log₂ p(i) and p(i) = "
        "Σ p(i, j) over j; 0 where there is only one grey level.",
        "information correlation 2 [JN9H]",
        "pyradiomics: Imc2; mahotas, CellProfiler: InfoMeas2.",
    ),
)
PAIRS = (
    "p(i, j) is the share of pairs of voxels with grey levels i and j, in either order, one step "
    "apart inside the object. Grey levels have a fixed width for the whole study (bin_size)."
)
ANISOTROPY = (
    "Steps are in voxels: in stacks whose longest voxel edge is more than max_anisotropy (1.5) "
    "times the shortest, only the 4 directions within slices count, each with the pairs of all "
    "slices (2.5D in IBSI)."
)
AVERAGED = (
    "The mean over the 4 (2D) or 13 (3D) directions, leaving out those in which it is undefined; "
    "NaN when none is left, as in an object of one voxel."
)
MERGED = "Of the pairs of all 4 (2D) or 13 (3D) directions together; NaN without any pair."
SCALING = (
    "Tools that fit grey levels to each object or image (mahotas and CellProfiler as usually "
    "called) give values that cannot be compared between them."
)


def _features(prefix: str, aggregation: str, ibsi: str) -> tuple[Feature, ...]:
    return tuple(
        Feature(
            f"{prefix}_{name}_{{channel}}",
            "",
            f"{what} {PAIRS} {aggregation} {ANISOTROPY}",
            f"Haralick features in IBSI: {code}, {ibsi}",
            elsewhere=f"{elsewhere} {SCALING}".strip(),
            needs="intensity",
        )
        for name, what, code, elsewhere in CO_OCCURRENCE
    )


FEATURES = (
    *_features("glcm", AVERAGED, "3D averaged (2D averaged in 2D)"),
    *_features("glcm_merged", MERGED, "3D merged (2D slice-merged in 2D)"),
)
