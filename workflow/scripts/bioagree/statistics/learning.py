"""Many features at once: what varies together, drawn as maps of the objects.

Clustering is in :mod:`bioagree.statistics.partitions`, prediction in
:mod:`bioagree.statistics.prediction`.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

MOSTLY_MISSING = 0.5
"""Features with a larger share of missing values are dropped."""
FEWEST_OBJECTS = 15
"""UMAP's default neighbourhood; with fewer objects its map means nothing."""
_MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class Prepared:
    """Features made comparable, as `prepare` does it.

    Attributes
    ----------
    values : numpy.ndarray, shape (n, features)
        Standardised values of the complete objects: no unit, nothing missing.
    names : tuple of str
        The features that are left.
    rows : numpy.ndarray of int, shape (n,)
        Where the complete objects stood in the input.
    centre, scale : numpy.ndarray, shape (features,)
        What was subtracted, and then divided by, in the feature's unit.
    constant, mostly_missing : tuple of str
        Features that were dropped.
    n : int
        Objects left.
    missing : int
        Objects dropped because a value is missing.
    note : str
        Empty, or sentences on what was dropped.
    """

    values: np.ndarray
    names: tuple[str, ...]
    rows: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    constant: tuple[str, ...]
    mostly_missing: tuple[str, ...]
    n: int
    missing: int
    note: str


@dataclass(frozen=True)
class PrincipalComponents:
    """Principal components, as `pca` computes them.

    Attributes
    ----------
    scores : numpy.ndarray, shape (n, components)
        Coordinates of the objects.
    loadings : numpy.ndarray, shape (features, components)
        Unit vectors of weights; the largest one of each component is positive.
    variance : numpy.ndarray, shape (components,)
        Variance of the scores (n - 1 in the denominator).
    share : numpy.ndarray, shape (components,)
        Share of the total variance, between 0 and 1.
    names : tuple of str
        The features.
    n : int
        Objects.
    note : str
        Empty, or why there are fewer components than asked for.
    """

    scores: np.ndarray
    loadings: np.ndarray
    variance: np.ndarray
    share: np.ndarray
    names: tuple[str, ...]
    n: int
    note: str


@dataclass(frozen=True)
class Map:
    """A two-dimensional map of the objects, as `umap` draws it.

    Attributes
    ----------
    places : numpy.ndarray, shape (n, 2)
        No unit. Near means similar; distances between far objects, sizes and densities of groups
        mean nothing. NaN where there is no map.
    n : int
        Objects.
    neighbours : int
        Objects that each is compared with.
    seed : int
        As given.
    note : str
        Empty, or why there is no map.
    """

    places: np.ndarray
    n: int
    neighbours: int
    seed: int
    note: str


def prepare(values: ArrayLike, names: Sequence[str]) -> Prepared:
    """Standardise features robustly, and leave out what cannot be compared.

    Parameters
    ----------
    values : array_like, shape (objects, features)
        One row per object. NaN marks a missing value; infinite values are treated like missing
        ones, and the note says so.
    names : sequence of str
        Of the features.

    Returns
    -------
    Prepared

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    Features that are missing in more than half of the objects are dropped first, then objects with
    a missing value, then features that do not vary. Each is centred on its median and divided by
    1.4826 times the median absolute deviation, which equals the standard deviation where values
    are normal and does not follow outliers; by the standard deviation (n - 1 in the denominator)
    where more than half of the values are equal.

    Examples
    --------
    >>> prepared = prepare([[1, 5, 2], [2, 5, 4], [3, 5, 9]], ["area", "planes", "length"])
    >>> prepared.names, prepared.note
    (('area', 'length'), 'Dropped since all values are equal: planes.')
    """
    values, names = _table(values, names)
    finite = np.isfinite(values)
    infinite = int(np.isinf(values).sum())
    known = finite.mean(axis=0) >= 1 - MOSTLY_MISSING if len(values) else np.ones(len(names), bool)
    rows = np.flatnonzero(finite[:, known].all(axis=1))
    kept = values[np.ix_(rows, known)]
    centre = np.median(kept, axis=0) if len(kept) else np.zeros(kept.shape[1])
    scale = _scales(kept, centre)
    varies = scale > 0
    remaining = np.array(names, object)[known]
    result = {
        "constant": tuple(remaining[~varies]) if len(kept) else (),
        "mostly_missing": tuple(np.array(names, object)[~known]),
        "missing": len(values) - len(rows),
    }
    return Prepared(
        values=(kept[:, varies] - centre[varies]) / scale[varies],
        names=tuple(remaining[varies]) if len(kept) else tuple(remaining[:0]),
        rows=rows,
        centre=centre[varies],
        scale=scale[varies],
        n=len(rows),
        note=_note(result, len(rows), infinite),
        **result,
    )


def pca(values: ArrayLike, names: Sequence[str], components: int = 2) -> PrincipalComponents:
    """Principal components of standardised features.

    Parameters
    ----------
    values : array_like, shape (n, features)
        As `prepare` returns them; centred on their means here.
    names : sequence of str
        Of the features.
    components : int
        How many to return; fewer where there are fewer objects or features.

    Returns
    -------
    PrincipalComponents

    Raises
    ------
    ValueError
        If the shapes do not fit, a value is missing, or `components` is below 1.

    Notes
    -----
    Singular value decomposition of the centred values: Jolliffe & Cadima, Phil Trans R Soc A
    2016;374:20150202, :doi:`10.1098/rsta.2015.0202`. The sign of a component has no meaning; it is
    fixed so that the largest weight is positive.

    Examples
    --------
    >>> result = pca([[1, 1], [2, 2], [3, 3.0]], ["width", "length"], 1)
    >>> print(result.share.round(2), result.loadings.ravel().round(2))
    [1.] [0.71 0.71]
    """
    values, names = _complete(values, names)
    if components < 1:
        raise ValueError(f"components must be at least 1, but is {components}.")
    n = len(values)
    most = max(0, min(n - 1, len(names)))
    count = min(components, most)
    note = ""
    if count < components:
        note = f"{n} objects and {len(names)} features have {most} components, not {components}."
    if not count:
        empty = np.zeros((n, 0)), np.zeros((len(names), 0)), np.zeros(0), np.zeros(0)
        return PrincipalComponents(*empty, names, n, note)
    centred = values - values.mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
    loadings = (directions * signs[:, np.newaxis])[:count].T
    total = (lengths**2).sum()
    if total <= len(centred) * (np.finfo(float).eps * max(np.abs(values).max(), 1)) ** 2:
        note = "All objects are equal, so that no direction explains anything."
        share = np.full(count, np.nan)
    else:
        share = lengths[:count] ** 2 / total
    return PrincipalComponents(
        scores=centred @ loadings,
        loadings=loadings,
        variance=lengths[:count] ** 2 / (n - 1),
        share=share,
        names=names,
        n=n,
        note=note,
    )


def umap(values: ArrayLike, seed: int, neighbours: int = FEWEST_OBJECTS) -> Map:
    """Map objects so that similar ones lie near each other.

    Parameters
    ----------
    values : array_like, shape (n, features)
        As `prepare` returns them, or principal components.
    seed : int
        Of everything random.
    neighbours : int
        How many objects each is compared with: more show the large groups, fewer the small ones.

    Returns
    -------
    Map

    Raises
    ------
    ValueError
        If `values` is not two-dimensional or a value is missing.

    Notes
    -----
    McInnes, Healy & Melville, arXiv:1802.03426 (2018), by umap-learn on one thread, which makes it
    repeatable on one machine; another processor may give another map. A picture to look at: no test
    is made on it.
    """
    values, _ = _complete(values, None)
    n = len(values)
    note = ""
    if n < FEWEST_OBJECTS:
        note = f"With {n} objects there is no map: {FEWEST_OBJECTS} are the fewest."
    elif not values.shape[1] or not np.ptp(values, axis=0).any():
        note = "All objects are equal, so that there is no map."
    if note:
        return Map(np.full((n, 2), np.nan), n, neighbours, seed, note)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        places = UMAP(
            n_neighbors=min(neighbours, n - 1),
            random_state=seed,
            n_jobs=1,
            # the spectral start fails for few objects
            init="spectral" if n > 4 * FEWEST_OBJECTS else "random",
        ).fit_transform(values)
    return Map(places.astype(float), n, min(neighbours, n - 1), seed, note)


def _table(values: ArrayLike, names: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    values = np.asarray(values, dtype=float)
    if values.ndim != 2:
        raise ValueError(f"values must be two-dimensional, but its shape is {values.shape}.")
    names = tuple(map(str, range(values.shape[1]) if names is None else names))
    if len(names) != values.shape[1]:
        raise ValueError(f"values has {values.shape[1]} columns, but names {len(names)}.")
    return values, names


def _complete(values: ArrayLike, names: Sequence[str] | None):
    values, names = _table(values, names)
    if not np.isfinite(values).all():
        raise ValueError("values holds missing or infinite ones: prepare them first.")
    return values, names


def _scales(values: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the robust standard deviation of each column, zero where it does not vary."""
    if not len(values):
        return np.zeros(values.shape[1])
    deviations = np.abs(values - centre)
    scale = _MAD_TO_SD * np.median(deviations, axis=0)
    rounding = 4 * np.finfo(float).eps * np.abs(values).max(axis=0)
    if len(values) > 1:
        flat = scale <= rounding
        scale[flat] = values[:, flat].std(axis=0, ddof=1)
    scale[np.ptp(values, axis=0) <= rounding] = 0
    return scale


def _note(dropped: dict, n: int, infinite: int) -> str:
    sentences = []
    if infinite:
        sentences.append(f"{infinite} infinite values were treated as missing.")
    if dropped["mostly_missing"]:
        missing = ", ".join(dropped["mostly_missing"])
        sentences.append(f"Dropped since more than half of the values are missing: {missing}.")
    if dropped["constant"]:
        sentences.append(f"Dropped since all values are equal: {', '.join(dropped['constant'])}.")
    if dropped["missing"]:
        sentences.append(f"{dropped['missing']} objects were dropped for a missing value.")
    if not n:
        sentences.append("No object is complete, hence nothing to compute.")
    return " ".join(sentences)
