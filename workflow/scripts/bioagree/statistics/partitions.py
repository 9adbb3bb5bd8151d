"""Clustering of objects by their features, and whether it can be trusted."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.clusters import encode
from bioagree.statistics.learning import _complete
from bioagree.tables import Columns, from_rows

CHOICES = range(2, 9)
"""Numbers of clusters that k-means is tried with."""
DRAWS = 50
"""Bootstrap samples of images."""
IMAGE_EFFECT = 0.8
"""A cluster with this share of its objects in one block shows that block, if all objects do not."""
OBJECTS_FOR_SILHOUETTE = 4000  # at random; every distance between them is computed
STARTS = 10  # of k-means, of which the best is kept


@dataclass(frozen=True)
class Partition:
    """Objects divided into clusters by their features.

    "Cluster" means a group of similar objects here, and "image" what the bootstrap draws.

    Attributes
    ----------
    method : {"k-means", "HDBSCAN"}
        How.
    labels : numpy.ndarray of int, shape (n,)
        Cluster of each object, 0 is the largest; -1 for an object in none (HDBSCAN's noise).
    k : int
        Number of clusters.
    silhouette : float
        Mean silhouette of the objects in a cluster: 1 far apart, 0 overlapping.
    choices : dict of str to numpy.ndarray
        Columns ``k`` and ``silhouette``: all numbers of clusters that were tried.
    stability, stability_low, stability_high : float
        Adjusted Rand index between the clustering of bootstrap samples of images and this one:
        mean, and 2.5 and 97.5 % of the draws. 1 is the same clustering, 0 is chance.
    draws : int
        Bootstrap samples that gave an index.
    noise : int
        Objects in no cluster.
    n, images : int
        Objects, and images that hold them.
    seed : int
        As given.
    note : str
        Empty, or what could not be computed and why.
    """

    method: str
    labels: np.ndarray
    k: int
    silhouette: float
    choices: Columns
    stability: float
    stability_low: float
    stability_high: float
    draws: int
    noise: int
    n: int
    images: int
    seed: int
    note: str


def kmeans(values: ArrayLike, images: ArrayLike, seed: int, *, draws: int = DRAWS) -> Partition:
    """k-means, with the number of clusters that separates them best.

    Parameters
    ----------
    values : array_like, shape (n, features)
        As `bioagree.statistics.learning.prepare` returns them, or principal components.
    images : array_like, shape (n,)
        Image of each object.
    seed : int
        Of everything random.
    draws : int
        Bootstrap samples.

    Returns
    -------
    Partition

    Raises
    ------
    ValueError
        If the shapes do not fit or a value is missing.

    Notes
    -----
    2 to 8 clusters are tried; the largest mean silhouette [1]_ decides. k-means always finds
    clusters: a silhouette near zero or an unstable clustering says that there are none.

    For the stability [2]_, images are drawn with replacement, the objects of the drawn images
    (each once: copies would be clusters of their own) are clustered anew with the same number of
    clusters, and compared with the clustering of all by the adjusted Rand index [3]_.

    References
    ----------
    .. [1] Rousseeuw, J Comput Appl Math 1987;20:53-65, :doi:`10.1016/0377-0427(87)90125-7`
    .. [2] Hennig, Comput Stat Data Anal 2007;52:258-271, :doi:`10.1016/j.csda.2006.11.025`
    .. [3] Hubert & Arabie, J Classification 1985;2:193-218, :doi:`10.1007/BF01908075`
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    values, codes, total = _checked(values, images)
    distinct = len(np.unique(values, axis=0)) if values.shape[1] else min(1, len(values))
    tried = [k for k in CHOICES if k < distinct]
    if not tried:
        note = f"{distinct} distinct objects cannot be divided: three are the fewest."
        return _nothing("k-means", len(values), total, seed, note)

    def fit(rows: np.ndarray, k: int, starts: int) -> np.ndarray:
        return KMeans(k, n_init=starts, random_state=seed).fit_predict(values[rows])

    everything = np.arange(len(values))
    # Several threads are slower for so few objects, and add up in an order that may change.
    with threadpool_limits(1):
        found = {k: fit(everything, k, STARTS) for k in tried}
        silhouettes = [_silhouette(values, found[k], seed) for k in tried]
        best = tried[int(np.argmax(silhouettes))]
        choices = {"k": np.array(tried), "silhouette": np.array(silhouettes)}
        indices = _bootstrap(
            lambda rows: fit(rows, best, 1), found[best], codes, total, seed, draws, best
        )
        return _describe("k-means", values, found[best], choices, indices, total, seed)


def hdbscan(
    values: ArrayLike,
    images: ArrayLike,
    seed: int,
    *,
    fewest: int | None = None,
    draws: int = DRAWS,
) -> Partition:
    """HDBSCAN: clusters are dense places; objects between them belong to none.

    Parameters
    ----------
    values : array_like, shape (n, features)
        As `bioagree.statistics.learning.prepare` returns them, or, since density means little in
        many dimensions, their first principal components.
    images : array_like, shape (n,)
        Image of each object.
    seed : int
        Of the bootstrap; HDBSCAN itself has nothing random.
    fewest : int, optional
        Objects that make a cluster; unless given, 2 % of them and at least 5.
    draws : int
        Bootstrap samples.

    Returns
    -------
    Partition

    Raises
    ------
    ValueError
        If the shapes do not fit, a value is missing, or `fewest` is below 2.

    Notes
    -----
    Campello, Moulavi & Sander, PAKDD 2013, :doi:`10.1007/978-3-642-37456-2_14`. Stability as for
    `kmeans`, where the objects in no cluster count as one more cluster.
    """
    from sklearn.cluster import HDBSCAN

    values, codes, total = _checked(values, images)
    if fewest is None:
        fewest = max(5, round(0.02 * len(values)))
    if fewest < 2:
        raise ValueError(f"fewest must be at least 2, but is {fewest}.")
    if len(values) <= fewest or not values.shape[1]:
        note = f"{len(values)} objects are too few where a cluster needs {fewest}."
        return _nothing("HDBSCAN", len(values), total, seed, note)

    def fit(rows: np.ndarray) -> np.ndarray:
        # copy: unless told, scikit-learn may sort in place (and warns that this will change)
        return HDBSCAN(min_cluster_size=fewest, copy=True).fit_predict(values[rows])

    labels = fit(np.arange(len(values)))
    return _describe(
        "HDBSCAN",
        values,
        labels,
        {"k": np.array([], int), "silhouette": np.array([])},
        _bootstrap(fit, labels, codes, total, seed, draws, fewest),
        total,
        seed,
    )


def composition(
    labels: ArrayLike, groups: ArrayLike, blocks: ArrayLike, images: ArrayLike
) -> Columns:
    """Which groups, imaging sessions and images the objects of each cluster come from.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        As in `Partition`.
    groups, blocks, images : array_like, shape (n,)
        Of each object.

    Returns
    -------
    dict of str to numpy.ndarray
        One row per cluster, kind of origin and origin. ``cluster``; ``kind`` ("group", "block" or
        "image"); ``origin``, its name; ``n``, objects of the cluster from it; ``cluster_n``,
        objects of the cluster; ``share``, n / cluster_n; ``expected``, the origin's share among all
        objects; ``note``, which says where a cluster is little more than one block or image.

    Notes
    -----
    A cluster that is one block or image says how that was taken, not what the objects are. It is
    called so where at least 80 % of its objects come from there, and at least 1.5 times as many as
    from a random choice of objects.
    """
    labels = np.asarray(labels)
    rows = []
    for cluster in np.unique(labels[labels >= 0]):
        inside = labels == cluster
        for kind, origins in (("group", groups), ("block", blocks), ("image", images)):
            origins = np.asarray(origins).astype(str)
            for origin in np.unique(origins):
                here = origins == origin
                share, expected = float(here[inside].mean()), float(here.mean())
                effect = kind != "group" and share >= max(IMAGE_EFFECT, 1.5 * expected)
                rows.append(
                    {
                        "cluster": int(cluster),
                        "kind": kind,
                        "origin": origin,
                        "n": int(np.count_nonzero(here & inside)),
                        "cluster_n": int(np.count_nonzero(inside)),
                        "share": share,
                        "expected": expected,
                        "note": f"{share:.0%} of this cluster come from one {kind}, which holds "
                        f"{expected:.0%} of all objects: it shows the {kind}, not a kind of object."
                        if effect
                        else "",
                    }
                )
    kinds = {"cluster": int, "kind": str, "origin": str, "n": int, "cluster_n": int}
    return from_rows(rows, kinds | {"share": float, "expected": float, "note": str})


def _checked(values: ArrayLike, images: ArrayLike) -> tuple[np.ndarray, np.ndarray, int]:
    values, _ = _complete(values, None)
    codes, total = encode(images)
    if codes.size != len(values):
        raise ValueError(
            f"values holds {len(values)} objects and images {codes.size}: give one image each."
        )
    return values, codes, total


def _silhouette(values: np.ndarray, labels: np.ndarray, seed: int) -> float:
    from sklearn.metrics import silhouette_score

    inside = labels >= 0
    count = np.unique(labels[inside]).size
    if not 2 <= count < np.count_nonzero(inside):
        return math.nan
    most = min(OBJECTS_FOR_SILHOUETTE, np.count_nonzero(inside))
    sample = np.sort(np.random.default_rng(seed).permutation(np.flatnonzero(inside))[:most])
    if not 2 <= np.unique(labels[sample]).size < most:
        return math.nan
    return float(silhouette_score(values[sample], labels[sample]))


def _bootstrap(fit, labels, codes, total: int, seed: int, draws: int, fewest: int) -> np.ndarray:
    """Return the adjusted Rand index of each sample of images that can be clustered."""
    from sklearn.metrics import adjusted_rand_score

    random = np.random.default_rng(seed)
    indices = []
    for _ in range(draws if total > 1 else 0):
        rows = np.flatnonzero(np.isin(codes, random.integers(total, size=total)))
        if len(rows) > fewest:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # fewer distinct objects than clusters
                indices.append(adjusted_rand_score(labels[rows], fit(rows)))
    return np.array(indices)


def _describe(method, values, labels, choices, indices, images: int, seed: int) -> Partition:
    labels = _by_size(labels)
    k = int(labels.max(initial=-1)) + 1
    notes = []
    if k < 2:
        found = "no dense place" if k == 0 else "a single dense place"
        notes.append(f"{method} found {found}: the objects form no separate clusters.")
        indices = indices[:0]  # nothing found twice is no stability
    elif images < 2:
        notes.append("With fewer than two images there is no stability.")
    low, high = np.quantile(indices, [0.025, 0.975]) if indices.size else (math.nan, math.nan)
    return Partition(
        method=method,
        labels=labels,
        k=k,
        silhouette=_silhouette(values, labels, seed),
        choices=choices,
        stability=float(indices.mean()) if indices.size else math.nan,
        stability_low=float(low),
        stability_high=float(high),
        draws=indices.size,
        noise=int(np.count_nonzero(labels < 0)),
        n=len(labels),
        images=images,
        seed=seed,
        note=" ".join(notes),
    )


def _by_size(labels: np.ndarray) -> np.ndarray:
    """Number clusters from the largest to the smallest."""
    numbers, sizes = np.unique(labels[labels >= 0], return_counts=True)
    new = np.full(labels.max(initial=-1) + 2, -1)  # the last entry is that of -1
    new[numbers[np.argsort(-sizes, kind="stable")]] = np.arange(len(numbers))
    return new[labels]


def _nothing(method: str, n: int, images: int, seed: int, note: str) -> Partition:
    nan = math.nan
    choices = {"k": np.array([], int), "silhouette": np.array([])}
    labels = np.full(n, -1)
    return Partition(method, labels, 0, nan, choices, nan, nan, nan, 0, n, n, images, seed, note)
