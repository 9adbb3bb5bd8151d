"""Do two channels, or the objects of two label images, lie in the same places?

Intensities are compared voxel by voxel inside a region of interest, after the caller removed the
background; objects are compared by where their centroids lie and by the voxels they share. Every
observed value stands beside what chance gives.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bioagree.images import Image

DRAWS = 1000
BACKGROUND_PERCENT = 1.0
NOTHING_ABSENT = 0.95  # a channel that is present in more of the region is present everywhere


def pearson(first: np.ndarray, second: np.ndarray) -> float:
    """Return Pearson's correlation of two equally long arrays; NaN when one is constant."""
    first, second = _centred(first), _centred(second)
    norm = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / norm) if norm > 0 else np.nan


def overlap_coefficient(first: np.ndarray, second: np.ndarray) -> float:
    """Return Manders' overlap coefficient, Σ ab / √(Σ a² Σ b²); NaN when one is zero everywhere."""
    first, second = first.astype(float), second.astype(float)
    norm = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / norm) if norm > 0 else np.nan


def correlation_quotient(first: np.ndarray, second: np.ndarray) -> float:
    """Return Li's intensity correlation quotient, from -0.5 to 0.5 (0 is no relation).

    The share of voxels where both channels lie on the same side of their means, less one half;
    voxels that equal a mean count as not on the same side. NaN without voxels.

    References
    ----------
    Li et al., J. Neurosci. 24 (2004) 4070.
    """
    if not len(first):
        return np.nan
    return float(np.mean(_centred(first) * _centred(second) > 0) - 0.5)


def manders(first: np.ndarray, second: np.ndarray, thresholds) -> tuple[float, float]:
    """Return Manders' M1 and M2: the share of each channel's intensity where the other is present.

    Parameters
    ----------
    first, second : numpy.ndarray, shape (n,)
        Intensities, background removed; negative ones count as 0.
    thresholds : (float, float)
        A channel is present where it exceeds its threshold.

    Returns
    -------
    (float, float)
        M1 = Σ a[b > t_b] / Σ a and M2 = Σ b[a > t_a] / Σ b; NaN where a threshold is NaN or a
        channel is zero everywhere.

    References
    ----------
    Manders, Verbeek & Aten, J. Microsc. 169 (1993) 375.
    """
    first, second = np.maximum(first, 0.0), np.maximum(second, 0.0)

    def share(values, other, threshold):
        total = values.sum()
        if np.isnan(threshold) or total == 0:
            return np.nan
        return float(values[other > threshold].sum() / total)

    return share(first, second, thresholds[1]), share(second, first, thresholds[0])


def costes_thresholds(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Return the automatic thresholds of Costes: below both of them nothing correlates any more.

    The pair of thresholds slides down the line of orthogonal regression, second = a·first + b,
    from the brightest voxel, until Pearson's correlation of the voxels below both thresholds is
    not above 0.

    Parameters
    ----------
    first, second : numpy.ndarray, shape (n,)
        Intensities.

    Returns
    -------
    (float, float)
        Thresholds of the first and the second channel; a voxel is present when it exceeds them.
        NaN when the channels do not rise together: then no threshold separates anything.

    Notes
    -----
    Every position on the line is tried, in one pass over the sorted voxels. Coloc 2 and
    CellProfiler take the voxels below either threshold, and search by bisection or in steps, so
    that their thresholds differ.

    References
    ----------
    Costes et al., Biophys. J. 86 (2004) 3993.
    """
    x, y = first.astype(float), second.astype(float)
    slope, intercept = orthogonal_line(x, y)
    if not slope > 0:
        return np.nan, np.nan
    position = np.maximum(x, (y - intercept) / slope)  # below both: threshold above this
    order = np.argsort(position, kind="stable")
    position, x, y = position[order], x[order] - x.mean(), y[order] - y.mean()
    count = np.arange(1, len(x) + 1)
    covariance = np.cumsum(x * y) - np.cumsum(x) * np.cumsum(y) / count
    last = np.append(position[1:] > position[:-1], True)  # equal voxels go together
    rounding = 1e-12 * np.cumsum(np.abs(x * y))
    silent = np.flatnonzero(last & (covariance <= rounding))
    if not len(silent):
        return float(position[0]), float(slope * position[0] + intercept)
    above = position[silent[-1] + 1 :]
    threshold = float(above[0] if len(above) else position[-1])
    # A voxel at the threshold is not below it; half a step down makes it exceed it.
    threshold = (threshold + position[silent[-1]]) / 2 if len(above) else threshold
    return threshold, slope * threshold + intercept


def orthogonal_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept of the line with the least squared orthogonal distance.

    Deming regression for equal errors in both; NaN when the values do not vary together.
    """
    if len(x) < 2:
        return np.nan, np.nan
    (xx, xy), (_, yy) = np.cov(x, y, ddof=0)
    if xy == 0:
        return np.nan, np.nan
    slope = (yy - xx + np.hypot(yy - xx, 2 * xy)) / (2 * xy)
    return float(slope), float(y.mean() - slope * x.mean())


@dataclass(frozen=True)
class Chance:
    """An observed value beside those that chance gave.

    Attributes
    ----------
    observed : float
    random : numpy.ndarray
        One value for each draw.
    """

    observed: float
    random: np.ndarray

    @property
    def p_value(self) -> float:
        """Share of draws at least as large, the observed one counted in: (1 + k) / (1 + n)."""
        if np.isnan(self.observed) or not len(self.random):
            return np.nan
        return float((1 + np.sum(self.random >= self.observed)) / (1 + len(self.random)))

    @property
    def expected(self) -> float:
        """Mean of the draws."""
        return float(self.random.mean()) if len(self.random) else np.nan


@dataclass(frozen=True)
class Comparison:
    """Two channels of one image at one time point, compared.

    Attributes
    ----------
    row : dict
        `image`, `frame`, and the columns that the feature dictionary declares for images.
    chance : Chance
        The correlations of scrambled images.
    channels : tuple of numpy.ndarray
        Raw intensities.
    region : numpy.ndarray of bool
    spacing : tuple of float
        Voxel size in µm.
    """

    row: dict
    chance: Chance
    channels: tuple[np.ndarray, np.ndarray]
    region: np.ndarray
    spacing: tuple[float, ...]


def compare(image: Image, labels: list[Image], question: dict) -> Iterator[Comparison]:
    """Compare two channels of an image, time point by time point.

    Parameters
    ----------
    image : Image
        With the channels that the question names.
    labels : list of Image
        Objects of the first and of the second channel, then, if the question names a region, the
        objects that bound it; the whole image is the region otherwise.
    question : dict
        As in the config.
    """
    names = question["channels"]
    seed = question.get("seed", 0)
    draws = question.get("draws", DRAWS)
    stacks = [image.channel(name).stack for name in names] + [found.stack for found in labels]
    for frame, (first, second, *found) in enumerate(zip(*stacks, strict=True)):
        region = found[2] > 0 if len(found) > 2 else np.ones(first.shape, bool)
        row, chance = compare_channels(
            first,
            second,
            region,
            image.spacing,
            psf_um=question["psf_um"],
            background_percent=question.get("background_percent", BACKGROUND_PERCENT),
            draws=draws,
            seed=seed,
        )
        row |= compare_objects(*found[:2], region, image.spacing, draws=draws, seed=seed)
        row = {"image": image.name, "frame": frame} | row
        yield Comparison(row, chance, (first, second), region, image.spacing)


def doubts(rows: list[dict]) -> list[str]:
    """Say where Manders' coefficients mean little, since a threshold separates nothing."""
    where = [
        f"{row['image']} (frame {row['frame']})"
        for row in rows
        if not (row["present_first"] < NOTHING_ABSENT and row["present_second"] < NOTHING_ABSENT)
    ]
    if not where:
        return []
    return [
        f"a Costes threshold is missing or below {NOTHING_ABSENT:.0%} of the region's voxels, so "
        f"that Manders' coefficients say little, in {', '.join(where)}"
    ]


def compare_channels(
    first: np.ndarray,
    second: np.ndarray,
    region: np.ndarray,
    spacing: tuple[float, ...],
    *,
    psf_um: float,
    background_percent: float,
    draws: int,
    seed: int,
) -> tuple[dict[str, float], Chance]:
    """Compare two channels of an image inside a region.

    Parameters
    ----------
    first, second : numpy.ndarray
        Raw intensities of one time point, 2D or 3D.
    region : numpy.ndarray of bool
        Where they are compared.
    spacing : tuple of float
        Voxel size in µm.
    psf_um : float
        Width of the point-spread function: how far neighbouring voxels resemble each other.
    background_percent : float
        Percentile of the whole image that is taken off as background.
    draws, seed : int
        How many scrambled images are drawn for the significance, and from which seed.

    Returns
    -------
    row : dict of str to float
        Columns that the feature dictionary declares for images; NaN where the region is empty.
    chance : Chance
        The correlations of the scrambled images.
    """
    none = background(first, background_percent), background(second, background_percent)
    a, b = first[region] - none[0], second[region] - none[1]
    thresholds = costes_thresholds(a, b)
    m1, m2 = manders(a, b, thresholds)
    block = tuple(max(1, round(psf_um / step)) for step in spacing)
    chance = scrambled(first, second, region, block, draws=draws, seed=seed)
    row = {
        "voxels": len(a),
        "background_first": none[0],
        "background_second": none[1],
        "pearson": pearson(a, b),
        "pearson_random": chance.expected,
        "pearson_p": chance.p_value,
        "blocks": int(_blocks(region, block).all(axis=1).sum()),
        "overlap_coefficient": overlap_coefficient(np.maximum(a, 0), np.maximum(b, 0)),
        "correlation_quotient": correlation_quotient(a, b),
        "threshold_first": thresholds[0],
        "threshold_second": thresholds[1],
        "present_first": _share_above(a, thresholds[0]),
        "present_second": _share_above(b, thresholds[1]),
        "manders_m1": m1,
        "manders_m2": m2,
    }
    return row, chance


def compare_objects(
    first: np.ndarray,
    second: np.ndarray,
    region: np.ndarray,
    spacing: tuple[float, ...],
    *,
    draws: int,
    seed: int,
) -> dict[str, float]:
    """Compare the objects of two label images, found in two channels, inside a region.

    Parameters
    ----------
    first, second : numpy.ndarray of int
        Labels of one time point; what lies outside the region does not count.
    region, spacing, draws, seed
        As for :func:`compare_channels`.

    Returns
    -------
    dict of str to float
        Columns that the feature dictionary declares for images.
    """
    first, second = np.where(region, first, 0), np.where(region, second, 0)
    centroids = [_centroids(labels) for labels in (first, second)]
    ahead = centroids_inside(centroids[0], second, region, draws=draws, seed=seed)
    back = centroids_inside(centroids[1], first, region, draws=draws, seed=seed + 1)
    both, a, b = shared_voxels(first, second)
    distances = _nearest(centroids[0] * spacing, centroids[1] * spacing)
    return {
        "objects_first": len(centroids[0]),
        "objects_second": len(centroids[1]),
        "first_in_second": ahead.observed,
        "first_in_second_random": ahead.expected,
        "first_in_second_p": ahead.p_value,
        "second_in_first": back.observed,
        "second_in_first_random": back.expected,
        "second_in_first_p": back.p_value,
        "objects_iou": both / (a + b - both) if a + b else np.nan,
        "share_of_first": both / a if a else np.nan,
        "share_of_second": both / b if b else np.nan,
        "nearest_first_um": distances[0],
        "nearest_second_um": distances[1],
    }


def background(image: np.ndarray, percent: float) -> float:
    """Return the intensity that counts as none: a low percentile of the whole image."""
    return float(np.percentile(image, percent))


def scrambled(
    first: np.ndarray, second: np.ndarray, region: np.ndarray, block, *, draws: int, seed: int
) -> Chance:
    """Compare Pearson's correlation with that of channels whose blocks changed places.

    Neighbouring voxels resemble each other as far as the point-spread function reaches, so blocks
    of that size are moved and not single voxels.

    Parameters
    ----------
    first, second : numpy.ndarray
        Intensities of an image, 2D or 3D.
    region : numpy.ndarray of bool
        Only blocks that lie wholly inside it are taken.
    block : tuple of int
        Size of a block in voxels, along each axis.
    draws : int
        How many times the blocks of the first channel are permuted.
    seed : int
        Of the permutations.

    Returns
    -------
    Chance
        `observed` is the correlation over the same blocks; NaN with fewer than two of them.

    References
    ----------
    Costes et al., Biophys. J. 86 (2004) 3993.
    """
    inside = _blocks(region, block).all(axis=1)
    a, b = (_blocks(image, block)[inside].astype(float) for image in (first, second))
    a, b = a - a.mean() if a.size else a, b - b.mean() if b.size else b
    norm = np.sqrt((a**2).sum() * (b**2).sum())
    if len(a) < 2 or norm == 0:
        return Chance(np.nan, np.empty(0))
    rng = np.random.default_rng(seed)
    random = [np.vdot(a[rng.permutation(len(a))], b) / norm for _ in range(draws)]
    return Chance(float(np.vdot(a, b) / norm), np.array(random))


def centroids_inside(
    centroids: np.ndarray, labels: np.ndarray, region: np.ndarray, *, draws: int, seed: int
) -> Chance:
    """Compare the share of centroids inside the objects of another label image with chance.

    Chance places every centroid anywhere in the region, each place being equally likely.

    Parameters
    ----------
    centroids : numpy.ndarray, shape (n, ndim)
        In voxels.
    labels : numpy.ndarray of int
        The other label image.
    region : numpy.ndarray of bool
        Where objects could be.

    Returns
    -------
    Chance
        NaN without centroids.

    References
    ----------
    Bolte & Cordelières, J. Microsc. 224 (2006) 213, "centre-particle coincidence".
    """
    if not len(centroids):
        return Chance(np.nan, np.empty(0))
    nearest = np.rint(centroids).astype(int).clip(0, np.array(labels.shape) - 1)
    observed = np.mean(labels[tuple(nearest.T)] > 0)
    share = np.mean(labels[region] > 0) if region.any() else 0.0
    # Independent and uniform places: the number inside is binomial.
    random = np.random.default_rng(seed).binomial(len(centroids), share, draws) / len(centroids)
    return Chance(float(observed), random)


def shared_voxels(first: np.ndarray, second: np.ndarray) -> tuple[int, int, int]:
    """Return how many voxels are foreground in both label images, in the first, in the second."""
    a, b = first > 0, second > 0
    return int(np.count_nonzero(a & b)), int(np.count_nonzero(a)), int(np.count_nonzero(b))


def _share_above(values: np.ndarray, threshold: float) -> float:
    return np.nan if np.isnan(threshold) else float(np.mean(values > threshold))


def _centroids(labels: np.ndarray) -> np.ndarray:
    """Return the centroids of a label image in voxels, in the order of the labels."""
    places = np.argwhere(labels)
    owner = np.unique(labels[labels > 0], return_inverse=True)[1]
    count = np.bincount(owner)
    sums = [np.bincount(owner, axis.astype(float)) for axis in places.T]
    return (np.array(sums) / count).T if len(count) else np.empty((0, labels.ndim))


def _nearest(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Return the median distance of each set's points to the nearest point of the other."""
    from scipy.spatial import cKDTree

    if not len(first) or not len(second):
        return np.nan, np.nan
    return (
        float(np.median(cKDTree(second).query(first)[0])),
        float(np.median(cKDTree(first).query(second)[0])),
    )


def _centred(values: np.ndarray) -> np.ndarray:
    values = values.astype(float)
    return values - values.mean() if len(values) else values


def _blocks(image: np.ndarray, block) -> np.ndarray:
    """Return the whole blocks of an image, one a row; what is left at its far edges is dropped."""
    counts = [size // step for size, step in zip(image.shape, block, strict=True)]
    image = image[tuple(slice(n * step) for n, step in zip(counts, block, strict=True))]
    split = [part for n, step in zip(counts, block, strict=True) for part in (n, step)]
    axes = [*range(0, 2 * image.ndim, 2), *range(1, 2 * image.ndim, 2)]
    size = int(np.prod(block))
    return image.reshape(split).transpose(axes).reshape(int(np.prod(counts)), size)
