"""Which features say the same: correlation matrices, pooled and within clusters, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics import effects


@dataclass(frozen=True)
class Correlations:
    """Matrices of shape (features, features), from objects where both features are known.

    Attributes
    ----------
    pearson, spearman : numpy.ndarray
        Over all objects. Differences between clusters (staining, cell line) count.
    pearson_within, spearman_within : numpy.ndarray
        Within clusters: values less the mean of their cluster; ranks within their cluster, as
        shares of its size.
    n : numpy.ndarray of int
        Objects of each pair.
    missing : numpy.ndarray of int, shape (features,)
        Values that are NaN or infinite.
    clusters : int
    note : str
        What has no correlation and why.
    """

    pearson: np.ndarray
    spearman: np.ndarray
    pearson_within: np.ndarray
    spearman_within: np.ndarray
    n: np.ndarray
    missing: np.ndarray
    clusters: int
    note: str


@dataclass(frozen=True)
class Group:
    """Features that say the same.

    Attributes
    ----------
    name : str
        The member that is most alike to all others (the medoid); it stands for the group.
    members : tuple of str
        In the order of the features, `name` among them.
    least : float
        Smallest absolute correlation of two members.
    """

    name: str
    members: tuple[str, ...]
    least: float


@dataclass(frozen=True)
class Difference:
    """Correlations within clusters, of a method minus those of the truth.

    Attributes
    ----------
    first, second, difference : numpy.ndarray, shape (features, features)
    error : numpy.ndarray
        Standard error from leaving out one cluster in turn.
    p : numpy.ndarray
        Of "no difference": Student t on (clusters - 1).
    clusters : int
    note : str
    """

    first: np.ndarray
    second: np.ndarray
    difference: np.ndarray
    error: np.ndarray
    p: np.ndarray
    clusters: int
    note: str

    def largest(self, names: Sequence[str], count: int = 10) -> list[dict]:
        """Return a row for each of the largest differences of two features.

        `exceeds_error` says whether the difference is larger than chance between clusters explains,
        at a false-discovery rate of 5 % over all pairs of the matrix.
        """
        from bioagree.statistics.hypotheses import false_discovery_rates

        i, j = np.triu_indices(len(names), 1)
        q = false_discovery_rates(self.p[i, j])
        size = np.abs(self.difference[i, j])
        order = np.argsort(-np.nan_to_num(size, nan=-1.0), kind="stable")
        return [
            {
                "first": names[i[k]],
                "second": names[j[k]],
                "method": float(self.first[i[k], j[k]]),
                "truth": float(self.second[i[k], j[k]]),
                "difference": float(self.difference[i[k], j[k]]),
                "error": float(self.error[i[k], j[k]]),
                "p": float(self.p[i[k], j[k]]),
                "q": float(q[k]),
                "clusters": self.clusters,
                "exceeds_error": bool(q[k] < 0.05),
            }
            for k in order[:count]
            if not np.isnan(size[k])
        ]


def correlations(values: ArrayLike, clusters: ArrayLike) -> Correlations:
    """Correlate all features with each other, pooled and within clusters.

    Parameters
    ----------
    values : array_like, shape (objects, features)
        NaN and infinite values are missing: each pair of features uses the objects that have both.
    clusters : array_like, shape (objects,)

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Pearson's product-moment correlation and Spearman's, which is Pearson's of ranks (ties get their
    mean rank). Pooled correlations mix what varies between objects with what varies between
    clusters (Bland & Altman, BMJ 1995;310:446, :doi:`10.1136/bmj.310.6977.446`).
    """
    x, index, count = _read(values, clusters)
    known = ~np.isnan(x)
    every = np.zeros(len(x), dtype=int)
    constant = _spread(x) == 0
    notes = [f"{constant.sum()} features are constant or missing"] if constant.any() else []
    return Correlations(
        _pearson(x, every, 1),
        _by_pattern(x, every, 1),
        _pearson(x, index, count),
        _by_pattern(x, index, count),
        known.T.astype(int) @ known.astype(int),
        (~known).sum(axis=0),
        count,
        effects.sentence([*notes, "their correlations are NaN"] if notes else []),
    )


def difference(
    first: ArrayLike, first_clusters: ArrayLike, second: ArrayLike, second_clusters: ArrayLike
) -> Difference:
    """Subtract the correlations (Pearson, within clusters) of one segmentation from another's.

    Parameters
    ----------
    first, second : array_like, shape (objects, features)
        E.g. of a method and of the truth: the same features, not necessarily the same objects.
    first_clusters, second_clusters : array_like
        The same names for the same images; those of one side only are not used.

    Notes
    -----
    The jackknife leaves out a cluster on both sides at once (Efron & Stein, Annals of Statistics
    1981;9:586-596, :doi:`10.1214/aos/1176345462`).
    """
    shared = sorted(
        {str(c) for c in np.asarray(first_clusters).tolist()}
        & {str(c) for c in np.asarray(second_clusters).tolist()}
    )
    whole, without = [], []
    for values, clusters in ((first, first_clusters), (second, second_clusters)):
        values, clusters = np.asarray(values, dtype=float), np.asarray(clusters).astype(str)
        here = np.isin(clusters, shared)
        x, _, _ = _read(values[here], clusters[here])
        index = np.searchsorted(shared, clusters[here])
        sums = _products(x, index, len(shared))
        total = sums.sum(axis=1)
        whole.append(_correlate(total))
        without.append(np.array([_correlate(total - sums[:, i]) for i in range(len(shared))]))
    gap = whole[0] - whole[1]
    number = len(shared)
    if number < 2:
        empty = np.full(gap.shape, np.nan)
        return Difference(*whole, gap, empty, empty, number, "Fewer than two shared clusters.")
    moved = without[0] - without[1]
    error = np.sqrt((number - 1) / number * ((moved - moved.mean(axis=0)) ** 2).sum(axis=0))
    level = 1e-12
    gap = np.where(np.abs(gap) <= level, 0.0, gap)
    error = np.where(error <= level, 0.0, error)
    _, p = effects.student(gap, error, np.full(gap.shape, number - 1.0))
    few = number < effects.FEWEST_CLUSTERS
    note = f"Only {number} clusters: errors rest on too few." if few else ""
    return Difference(*whole, gap, error, p, number, note)


def cluster_order(matrix: np.ndarray) -> np.ndarray:
    """Return an order of the features in which those that say the same stand together.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (features, features)
        Correlations; features without any (NaN) come last.

    Notes
    -----
    Average linkage of 1 - |r|, then the order of leaves in which neighbours are most alike
    (Bar-Joseph et al., Bioinformatics 2001;17:S22-S29,
    :doi:`10.1093/bioinformatics/17.suppl_1.S22`).
    """
    from scipy.cluster.hierarchy import leaves_list, optimal_leaf_ordering

    defined = np.flatnonzero(~np.isnan(np.diag(matrix)))
    rest = np.flatnonzero(np.isnan(np.diag(matrix)))
    if len(defined) < 3:
        return np.concatenate([defined, rest])
    distances = _distances(matrix[np.ix_(defined, defined)])
    leaves = leaves_list(optimal_leaf_ordering(_linkage(distances), distances))
    if leaves[0] > leaves[-1]:  # of the two directions, one is chosen
        leaves = leaves[::-1]
    return np.concatenate([defined[leaves], rest])


def redundant_groups(
    matrix: np.ndarray, names: Sequence[str], threshold: float = 0.9
) -> list[Group]:
    """Name the features that say the same.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (features, features)
        Correlations, e.g. within clusters.
    names : sequence of str
    threshold : float
        Smallest average absolute correlation at which two groups are still joined.

    Returns
    -------
    list of Group
        Those of two members or more, in the order of their first member.

    Raises
    ------
    ValueError
        If `threshold` is not between 0 and 1.
    """
    from scipy.cluster.hierarchy import fcluster

    if not 0 < threshold < 1:
        raise ValueError(f"threshold must lie between 0 and 1, both excluded, but is {threshold}.")
    defined = np.flatnonzero(~np.isnan(np.diag(matrix)))
    if len(defined) < 2:
        return []
    part = matrix[np.ix_(defined, defined)]
    of_feature = fcluster(_linkage(_distances(part)), 1 - threshold, "distance")
    groups = []
    for number in dict.fromkeys(of_feature.tolist()):
        here = np.flatnonzero(of_feature == number)
        if len(here) < 2:
            continue
        alike = np.abs(np.nan_to_num(part[np.ix_(here, here)]))
        # rounded, so that of equally good ones the first is taken on every machine
        medoid = here[np.argmax(alike.sum(axis=1).round(9))]
        groups.append(
            Group(
                names[defined[medoid]],
                tuple(names[i] for i in defined[here]),
                float(alike.min()),
            )
        )
    return groups


def represented_by(groups: Sequence[Group]) -> dict[str, str]:
    """Return for every member of a group the feature that stands for it."""
    return {member: group.name for group in groups for member in group.members}


def _read(values, clusters):
    x = np.array(values, dtype=float)
    clusters = np.asarray(clusters)
    if x.ndim != 2 or clusters.shape != x.shape[:1]:
        raise ValueError(
            "values must have the shape (objects, features) and clusters (objects,), "
            f"but they have {x.shape} and {clusters.shape}."
        )
    x[np.isinf(x)] = np.nan
    names, index = np.unique(clusters.astype(str), return_inverse=True)
    return _scale(x), index, len(names)


def _spread(x):
    """Return the standard deviation of each column, 0 at the level of rounding."""
    known = ~np.isnan(x)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, x, 0).sum(axis=0) / n
    sd = np.sqrt(np.where(known, (x - mean) ** 2, 0).sum(axis=0) / n)
    largest = np.abs(np.where(known, x, 0)).max(axis=0, initial=0)
    return np.where(sd > 8 * np.finfo(float).eps * largest, sd, 0.0)


def _scale(x):
    """Centre and scale columns, so that sums of products do not cancel; constant ones become 0."""
    known = ~np.isnan(x)
    sd = _spread(x)
    mean = np.where(known, x, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    scaled = (x - mean) / np.where(sd > 0, sd, 1.0)
    return np.where(known & (sd == 0), 0.0, scaled)


def _products(x, index, count):
    """Return, per cluster, the centred sums of x x, x y and y y over objects that have both."""
    sums = np.zeros((3, count, x.shape[1], x.shape[1]))
    for i in range(count):
        part = x[index == i]
        known = (~np.isnan(part)).astype(float)
        part = np.nan_to_num(part)
        n = np.maximum(known.T @ known, 1)
        of_x = part.T @ known  # of the row's feature where the column's is known
        squares = (part**2).T @ known
        sums[0, i] = part.T @ part - of_x * of_x.T / n
        sums[1, i] = squares - of_x**2 / n
        sums[2, i] = sums[1, i].T
    return sums


def _correlate(sums):
    xy, xx, yy = sums
    defined = (xx > 1e-12) & (yy > 1e-12)
    r = xy / np.sqrt(np.where(defined, xx * yy, 1.0))
    return np.where(defined, np.clip(r, -1, 1), np.nan)


def _pearson(x, index, count):
    return _correlate(_products(x, index, count).sum(axis=1))


def _by_pattern(x, index, count):
    """Return Spearman's correlation; columns known in the same objects are ranked together."""
    known = ~np.isnan(x)
    patterns, of_column = np.unique(known, axis=1, return_inverse=True)
    of_column = of_column.ravel()
    result = np.full((x.shape[1],) * 2, np.nan)
    for i in range(patterns.shape[1]):
        for j in range(i, patterns.shape[1]):
            rows = patterns[:, i] & patterns[:, j]
            columns = np.flatnonzero((of_column == i) | (of_column == j))
            if not rows.any():
                continue
            block = _complete(_ranks(x[np.ix_(rows, columns)], index[rows]), index[rows], count)
            mine, other = of_column[columns] == i, of_column[columns] == j
            result[np.ix_(columns[mine], columns[other])] = block[np.ix_(mine, other)]
            result[np.ix_(columns[other], columns[mine])] = block[np.ix_(other, mine)]
    return result


def _complete(x, index, count):
    """Return the correlation within clusters of columns without missing values."""
    n = np.maximum(np.bincount(index, minlength=count), 1)
    means = np.column_stack([np.bincount(index, column, count) / n for column in x.T])
    centred = x - means[index]
    products = centred.T @ centred
    squares = np.diag(products)
    return _correlate((products, squares[:, None], squares))


def _ranks(x, index):
    """Rank columns within clusters, as shares of the size of the cluster; ties share their mean."""
    sizes = np.bincount(index)
    starts = np.cumsum(sizes) - sizes
    ranked = np.empty_like(x)
    for column, out in zip(x.T, ranked.T, strict=True):
        order = np.lexsort((column, index))
        clusters = index[order]
        new = np.empty(len(order), dtype=bool)
        new[:1] = True
        new[1:] = (np.diff(column[order]) != 0) | (np.diff(clusters) != 0)
        first = np.flatnonzero(new)
        last = np.append(first[1:], len(order))
        tie = np.cumsum(new) - 1
        out[order] = ((first + last + 1) / 2)[tie] - starts[clusters]
    return ranked / sizes[index][:, None]


def _distances(matrix):
    from scipy.spatial.distance import squareform

    distances = 1 - np.abs(np.nan_to_num(matrix))
    np.fill_diagonal(distances, 0.0)
    return squareform(np.maximum((distances + distances.T) / 2, 0.0), checks=False)


def _linkage(distances):
    from scipy.cluster.hierarchy import linkage

    return linkage(distances, "average")
