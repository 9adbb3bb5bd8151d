"""Can the group of an object be told from its features, in images not seen before?"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import _check_probability
from bioagree.statistics.clusters import cluster_mean, encode
from bioagree.statistics.learning import _table
from bioagree.tables import Columns, from_rows

LEAF = 5
"""Least objects in a leaf: smaller ones make probabilities extreme, not better."""
REPEATS = 5
"""How often each feature is shuffled in each fold."""
BINS = 10
"""Of predicted probability, in the calibration curve."""
CORRELATED = 0.8
"""Features with at least this Spearman correlation stand in for each other."""
TOO_NARROW = (
    "The interval is somewhat too narrow, since the forests of the folds share training images "
    "(88 % coverage in a simulation of 12 images)."
)
SCORES = {
    "accuracy": "accuracy",
    "majority": "accuracy of guessing the majority",
    "gain": "accuracy above guessing the majority",
    "balanced_accuracy": "balanced accuracy",
    "auc": "ROC AUC",
    "brier": "Brier score",
}


@dataclass(frozen=True)
class Prediction:
    """How well a random forest predicts the group of objects, as `predict` measures it.

    What could not be computed is NaN, and a note says why.

    Attributes
    ----------
    left_out : {"images", "blocks"}
        What was left out of the training at a time: images, or whole imaging sessions.
    classes : tuple of str
        The groups, sorted.
    counts : tuple of int
        Objects of each.
    n, clusters, folds : int
        Objects used, images that hold them, and rounds of training.
    missing : int
        Objects dropped since their group is missing or all their features are.
    imputed : int
        Missing values (infinite ones too) that were replaced by the training objects' median.
    scores : dict of str to numpy.ndarray
        One row per score of `SCORES`: ``score``, ``estimate``, ``low``, ``high``, ``freedom``
        (degrees of freedom), ``n``, ``clusters``, ``confidence``, ``note``.
    importance : dict of str to numpy.ndarray
        One row per feature, most important first: ``feature``; ``mean``, the loss of ROC AUC when
        the feature is shuffled among the objects left out; ``sd``, ``least``, ``most`` over the
        folds (n - 1 in the denominator); ``folds``, those that gave a value; ``correlated_with``,
        the features that stand in for it.
    fold_importance : numpy.ndarray, shape (features, folds)
        The loss in each fold, in the order of `importance`.
    calibration : dict of str to numpy.ndarray
        One row per class and bin of its predicted probability that holds objects: ``group``,
        ``low``, ``high`` (of the bin), ``predicted`` (mean), ``observed`` (share that is of the
        class), ``observed_low``, ``observed_high`` (clustered interval), ``n``, ``clusters``.
    confusion : numpy.ndarray of int, shape (classes, classes)
        Objects by true (rows) and predicted class.
    probabilities : numpy.ndarray, shape (objects, classes)
        Of every object given, by the forest that had not seen it; NaN where it was dropped.
    fold : numpy.ndarray of int, shape (objects,)
        In which round it was left out; -1 where it was dropped.
    trees, seed : int
        As given.
    confidence : float
        As given.
    note : str
        Empty, or what could not be computed and why.
    """

    left_out: str
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    n: int
    clusters: int
    folds: int
    missing: int
    imputed: int
    scores: Columns
    importance: Columns
    fold_importance: np.ndarray
    calibration: Columns
    confusion: np.ndarray
    probabilities: np.ndarray
    fold: np.ndarray
    trees: int
    seed: int
    confidence: float
    note: str


def predict(
    values: ArrayLike,
    names: Sequence[str],
    groups: ArrayLike,
    clusters: ArrayLike,
    *,
    blocks: ArrayLike | None = None,
    seed: int,
    folds: int = 5,
    trees: int = 300,
    confidence: float = 0.95,
) -> tuple[Prediction, ...]:
    """Predict the group of objects from their features, in images not trained on.

    Parameters
    ----------
    values : array_like, shape (objects, features)
        As measured. NaN and infinite values are missing.
    names : sequence of str
        Of the features.
    groups : array_like, shape (objects,)
        What to predict; None, NaN or "" where it is not known.
    clusters : array_like, shape (objects,)
        Image of each object: all objects of an image are left out together.
    blocks : array_like, shape (objects,), optional
        Imaging session of each object.
    seed : int
        Of everything random.
    folds : int
        Rounds; in each, another share of the images is left out. Fewer where a group occurs in
        fewer images.
    trees : int
        Of each forest.
    confidence : float
        Of the intervals.

    Returns
    -------
    tuple of Prediction
        With images left out and, if `blocks` are given, with one session left out at a time. The
        second is usually lower; only it says how the forest does on a new session.

    Raises
    ------
    ValueError
        If the shapes do not fit, or `folds`, `trees` or `confidence` is out of range.

    Notes
    -----
    Random forests [1]_ on raw values need no scaling; missing values are replaced by the median of
    the training objects, fold by fold. Folds keep the share of each group as equal as whole images
    allow (StratifiedGroupKFold). An object counts as its most probable class.

    - accuracy: share that is predicted rightly; majority: the same for guessing the training
      objects' most frequent group every time, which is all that accuracy has to beat; gain: the
      difference of the two.
    - balanced accuracy: mean over the groups of the share predicted rightly; guessing gives
      1 / groups.
    - ROC AUC: chance that an object of the group has a higher probability than one of another, in
      the same fold (models of different folds are not on one scale); the mean over the groups
      where there are more than two. Guessing gives 0.5.
    - Brier score [2]_: mean squared difference of probability and truth, for two groups that of
      one of them, for more the sum over all; 0 is perfect.

    Intervals are those of `bioagree.statistics.clusters.cluster_mean` over images (over sessions
    where these are left out), of the values themselves or, for balanced accuracy and ROC AUC, of
    their contributions by object ([3]_ for the AUC), cut at what is possible. They say how far
    other images would change the score, not how far a forest trained on other images would; no
    unbiased estimate of that exists [4]_, and so they are somewhat too narrow: with groups at
    random, 12 images and 5 folds, 95 % intervals of AUC and accuracy held the right value in 88 %
    and 87 % of 60 simulations. Every score's note says so.

    References
    ----------
    .. [1] Breiman, Machine Learning 2001;45:5-32, :doi:`10.1023/A:1010933404324`
    .. [2] Brier, Mon Weather Rev 1950;78:1-3,
       :doi:`10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2`
    .. [3] Obuchowski, Biometrics 1997;53:567-578, :doi:`10.2307/2533958`
    .. [4] Bengio & Grandvalet, J Mach Learn Res 2004;5:1089-1105
    """
    _check_probability(confidence, "confidence")
    values, names = _table(values, names)
    if folds < 2 or trees < 1:
        raise ValueError(f"folds must be at least 2 and trees 1, but they are {folds} and {trees}.")
    groups = _texts(groups)
    images, _ = encode(clusters)
    sessions = images if blocks is None else encode(blocks)[0]
    for name, one in (("groups", groups), ("clusters", images), ("blocks", sessions)):
        if len(one) != len(values):
            raise ValueError(f"values holds {len(values)} objects and {name} {len(one)}.")
    values = np.where(np.isfinite(values), values, np.nan)
    used = np.flatnonzero((groups != "") & ~np.isnan(values).all(axis=1))
    study = _Study(
        values[used], names, *np.unique(groups[used], return_inverse=True), images[used], used
    )
    schemes = {"images": _image_folds(study, folds, seed)}
    if blocks is not None:
        schemes["blocks"] = _block_folds(study, sessions[used])
    units = {"images": images[used], "blocks": sessions[used]}
    return tuple(
        _run(study, kind, fold, note, units[kind], len(values), trees, seed, confidence)
        for kind, (fold, note) in schemes.items()
    )


@dataclass(frozen=True)
class _Study:
    """The objects that are used, and where they stood in the input."""

    values: np.ndarray
    names: tuple[str, ...]
    classes: np.ndarray
    truth: np.ndarray
    images: np.ndarray
    rows: np.ndarray


def _texts(groups: ArrayLike) -> np.ndarray:
    groups = np.asarray(groups)
    if groups.ndim != 1:
        raise ValueError(f"groups must be one-dimensional, but its shape is {groups.shape}.")
    return np.array(
        ["" if group is None or group != group else str(group) for group in groups.tolist()], str
    )


def _image_folds(study: _Study, folds: int, seed: int) -> tuple[np.ndarray | None, str]:
    """Return the fold of each object, or why there are none."""
    from sklearn.model_selection import StratifiedGroupKFold

    if len(study.classes) < 2:
        found = study.classes[0] if len(study.classes) else "no group"
        return None, f"All objects are of one group ({found}), so there is nothing to predict."
    images = {
        str(name): len(np.unique(study.images[study.truth == k]))
        for k, name in enumerate(study.classes)
    }
    rarest = min(images, key=images.get)
    if images[rarest] < 2:
        return None, f"Group {rarest} occurs in one image only: none is left to test it on."
    count = min(folds, images[rarest])
    note = ""
    if count < folds:
        note = f"{count} folds instead of {folds}, since {rarest} occurs in {count} images only."
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    fold = np.full(len(study.truth), -1)
    for number, (_, test) in enumerate(splitter.split(study.values, study.truth, study.images)):
        fold[test] = number
    return _with_classes(fold, study, note)


def _block_folds(study: _Study, blocks: np.ndarray) -> tuple[np.ndarray | None, str]:
    if len(study.classes) < 2:
        return None, "All objects are of one group, so there is nothing to predict."
    distinct, fold = np.unique(blocks, return_inverse=True)
    if len(distinct) < 2:
        return None, "All objects are of one session: none is left to test on."
    return _with_classes(fold, study, "")


def _with_classes(fold: np.ndarray, study: _Study, note: str) -> tuple[np.ndarray | None, str]:
    """Say where a group is absent from a training set."""
    absent = {
        str(study.classes[k])
        for number in np.unique(fold)
        for k in range(len(study.classes))
        if not np.any(study.truth[fold != number] == k)
    }
    if absent:
        names = ", ".join(sorted(absent))
        note = f"{note} In a fold, no training object was of the group {names}.".strip()
    if any(len(np.unique(study.truth[fold != number])) < 2 for number in np.unique(fold)):
        return None, f"{note} A forest cannot be trained on one group."
    return fold, note


def _run(study, kind, fold, note, units, total, trees, seed, confidence) -> Prediction:
    import numba

    size = len(study.classes)
    number = 0 if fold is None else int(fold.max()) + 1
    chances = np.full((len(study.truth), size), np.nan)
    guesses = np.zeros(len(study.truth), int)
    losses = np.full((len(study.names), number), np.nan)
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        done = [pool.submit(_one_fold, study, fold == k, trees, [seed, k]) for k in range(number)]
        for this, task in enumerate(done):
            test = fold == this
            guesses[test] = np.bincount(study.truth[~test]).argmax()
            chances[test], losses[:, this] = task.result()
    correlated = _correlated(study) if number else [""] * len(study.names)
    if any(correlated):
        note = (
            f"{note} Features that stand in for each other (Spearman correlation of {CORRELATED} "
            "or more) each look less important than they are."
        ).strip()
    importance, order = _importance(study.names, losses, correlated)
    predicted = chances.argmax(axis=1) if number else np.zeros(0, int)
    confusion = np.zeros((size, size), int)
    if number:
        np.add.at(confusion, (study.truth, predicted), 1)
    everywhere = np.full((total, size), np.nan)
    everywhere[study.rows] = chances
    folds = np.full(total, -1)
    folds[study.rows] = -1 if fold is None else fold
    return Prediction(
        left_out=kind,
        classes=tuple(map(str, study.classes)),
        counts=tuple(np.bincount(study.truth, minlength=size).tolist()),
        n=len(study.truth),
        clusters=len(np.unique(study.images)),
        folds=number,
        missing=total - len(study.truth),
        imputed=int(np.isnan(study.values).sum()),
        scores=_scores(study, chances, guesses, fold, units, confidence, note),
        importance=importance,
        fold_importance=losses[order],
        calibration=_calibration(study, chances if number else chances[:0], units, confidence),
        confusion=confusion,
        probabilities=everywhere,
        fold=folds,
        trees=trees,
        seed=seed,
        confidence=confidence,
        note=note,
    )


def _one_fold(study: _Study, test: np.ndarray, trees: int, seed: list[int]):
    """Return the test objects' probabilities, and the loss of AUC by each shuffled feature."""
    from sklearn.ensemble import RandomForestClassifier

    from bioagree.trees import from_sklearn, permuted, probabilities

    middle = _medians(study.values[~test])
    values = np.where(np.isnan(study.values), middle, study.values)
    train, held = values[~test], values[test]
    random = np.random.default_rng(seed)
    forest = RandomForestClassifier(
        trees, min_samples_leaf=LEAF, random_state=int(random.integers(2**31))
    ).fit(train, study.truth[~test])
    arrays = from_sklearn(forest)

    def spread(chances):
        result = np.zeros((len(held), len(study.classes)))
        result[:, forest.classes_] = chances
        return result

    found, truth = spread(probabilities(arrays, held)), study.truth[test]
    full = _mean_auc(found, truth)
    losses = np.full(held.shape[1], np.nan)
    if math.isfinite(full):
        shape = (held.shape[1], REPEATS, len(held))
        orders = random.permuted(np.broadcast_to(np.arange(len(held)), shape), axis=-1)
        for column, repeats in enumerate(permuted(arrays, held, orders)):
            losses[column] = full - np.mean([_mean_auc(spread(one), truth) for one in repeats])
    return found, losses


def _medians(values: np.ndarray) -> np.ndarray:
    """Return the median of each column's known values, zero where none is known."""
    middle = np.zeros(values.shape[1])
    known = ~np.isnan(values).all(axis=0)
    middle[known] = np.nanmedian(values[:, known], axis=0)
    return middle


def _judged(classes: int) -> Sequence[int]:
    """Return the classes whose AUC counts: with two groups, that of one is that of the other."""
    return [1] if classes == 2 else range(classes)


def _mean_auc(chances: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean over the classes of the AUC of each against the rest."""
    from scipy.stats import rankdata

    areas = []
    for k in _judged(chances.shape[1]):
        inside = truth == k
        m, n = np.count_nonzero(inside), np.count_nonzero(~inside)
        if m and n:
            ranks = rankdata(chances[:, k])[inside].sum()
            areas.append((ranks - m * (m + 1) / 2) / (m * n))
    return float(np.mean(areas)) if areas else math.nan


def _scores(study, chances, guesses, fold, units, confidence, note) -> Columns:
    rows = []
    hot = np.eye(len(study.classes))[study.truth] if len(study.truth) else np.zeros((0, 1))
    if fold is not None:
        right = (chances.argmax(axis=1) == study.truth).astype(float)
        guessed = (guesses == study.truth).astype(float)
        squares = ((chances - hot) ** 2).sum(axis=1)
        contributions = {
            "accuracy": right,
            "majority": guessed,
            "gain": right - guessed,
            "balanced_accuracy": _balanced(right, study.truth, len(study.classes)),
            "auc": _auc(chances, hot, fold),
            "brier": squares / 2 if len(study.classes) == 2 else squares,
        }
    for score in SCORES:
        row = dict.fromkeys(("estimate", "low", "high", "freedom"), math.nan)
        row |= {"n": len(study.truth), "clusters": len(np.unique(units)), "note": note}
        if fold is not None:
            parts = contributions[score]
            used = np.isfinite(parts)
            if used.any():
                result = cluster_mean(parts[used], units[used], confidence=confidence)
                least = -1.0 if score == "gain" else 0.0
                most = 2.0 if score == "brier" and len(study.classes) > 2 else 1.0
                row |= {
                    "estimate": result.mean,
                    "low": max(least, result.low) if math.isfinite(result.low) else math.nan,
                    "high": min(most, result.high) if math.isfinite(result.high) else math.nan,
                    "freedom": result.freedom,
                    "n": result.n,
                    "clusters": result.clusters,
                    "note": " ".join(filter(None, (result.note, TOO_NARROW))),
                }
            else:
                row["note"] = f"{note} No fold holds objects of two groups.".strip()
        rows.append({"score": score, **row, "confidence": confidence})
    return from_rows(rows)


def _balanced(right: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """Return values whose mean is the balanced accuracy, and whose spread is its influence."""
    sizes = np.bincount(truth, minlength=classes)
    recalls = np.bincount(truth, right, minlength=classes) / sizes
    influence = (right - recalls[truth]) * len(truth) / (classes * sizes[truth])
    return recalls.mean() + influence


def _auc(chances: np.ndarray, hot: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return values whose mean is the AUC, and whose spread is its influence.

    Pairs lie in one fold. With two groups both give the same; objects of folds with one group
    have no pair, and NaN.
    """
    from scipy.stats import rankdata

    parts = []
    for k in _judged(hot.shape[1]):
        wins = np.full(len(hot), np.nan)  # pairs that an object wins, less those it is expected to
        pairs = won = 0.0
        partners = np.zeros(len(hot))
        for number in np.unique(fold):
            here = np.flatnonzero(fold == number)
            inside = hot[here, k] == 1
            m, n = np.count_nonzero(inside), np.count_nonzero(~inside)
            if not m or not n:
                continue
            scores = chances[here, k]
            everyone = rankdata(scores)
            own = np.empty(len(here))
            own[inside], own[~inside] = rankdata(scores[inside]), rankdata(scores[~inside])
            # of an object of the group: pairs it wins; of another: pairs that are won against it
            beaten = everyone - own
            wins[here] = np.where(inside, beaten, m - beaten)
            partners[here] = np.where(inside, n, m)
            pairs += m * n
            won += beaten[inside].sum()
        used = np.isfinite(wins)
        area = won / pairs if pairs else math.nan
        influence = (wins - area * partners) * np.count_nonzero(used) / (pairs or 1)
        parts.append(area + influence)
    return np.mean(parts, axis=0)


def _correlated(study: _Study) -> list[str]:
    """Name for each feature those that stand in for it."""
    from scipy.stats import rankdata

    middle = _medians(study.values)
    ranks = rankdata(np.where(np.isnan(study.values), middle, study.values), axis=0)
    ranks = ranks - ranks.mean(axis=0)
    lengths = np.sqrt((ranks**2).sum(axis=0))
    lengths[lengths == 0] = np.inf
    rho = np.abs((ranks / lengths).T @ (ranks / lengths))
    np.fill_diagonal(rho, 0)
    return [
        "; ".join(study.names[other] for other in np.flatnonzero(row >= CORRELATED)) for row in rho
    ]


def _importance(names, losses: np.ndarray, correlated) -> tuple[Columns, np.ndarray]:
    rows = []
    for name, row, others in zip(names, losses, correlated, strict=True):
        known = row[np.isfinite(row)]
        rows.append(
            {
                "feature": name,
                "mean": float(known.mean()) if known.size else math.nan,
                "sd": float(known.std(ddof=1)) if known.size > 1 else math.nan,
                "least": float(known.min()) if known.size else math.nan,
                "most": float(known.max()) if known.size else math.nan,
                "folds": known.size,
                "correlated_with": others,
            }
        )
    kinds = {"feature": str, "mean": float, "sd": float, "least": float, "most": float}
    columns = from_rows(rows, kinds | {"folds": int, "correlated_with": str})
    order = np.argsort(-columns["mean"], kind="stable")
    return {name: column[order] for name, column in columns.items()}, order


def _calibration(study, chances: np.ndarray, units, confidence: float) -> Columns:
    rows = []
    edges = np.linspace(0, 1, BINS + 1)
    for k in range(chances.shape[1]):
        bins = np.clip(np.digitize(chances[:, k], edges[1:-1]), 0, BINS - 1)
        for one in np.unique(bins):
            here = bins == one
            share = cluster_mean(study.truth[here] == k, units[here], confidence=confidence)
            rows.append(
                {
                    "group": str(study.classes[k]),
                    "low": edges[one],
                    "high": edges[one + 1],
                    "predicted": float(chances[here, k].mean()),
                    "observed": share.mean,
                    "observed_low": max(0.0, share.low) if share.clusters > 1 else math.nan,
                    "observed_high": min(1.0, share.high) if share.clusters > 1 else math.nan,
                    "n": share.n,
                    "clusters": share.clusters,
                }
            )
    names = ("low", "high", "predicted", "observed", "observed_low", "observed_high")
    kinds = {"group": str} | dict.fromkeys(names, float) | {"n": int, "clusters": int}
    return from_rows(rows, kinds)
