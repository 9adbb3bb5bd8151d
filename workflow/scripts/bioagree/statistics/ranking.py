"""Which of several methods is best, judged by a score of each on the same images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.clusters import FEWEST_CLUSTERS
from bioagree.statistics.rank_tests import (
    FRIEDMAN,
    compare_pairs,
    critical_difference,
    friedman,
    rank_within_images,
)
from bioagree.tables import Columns


@dataclass(frozen=True, eq=False)
class Ranking:
    """Ranks of k methods over the same images, as `rank` computes them.

    What could not be computed is NaN, and `note` says why.

    Attributes
    ----------
    n : int
        Images used: those on which every method has a score.
    missing : int
        Images dropped because a method has none.
    blocks : int
        Imaging sessions within which images were drawn, 1 where none were given.
    largest_is_best : bool
        As given.
    mean_score : (k,) float array
        Mean over the images, in the unit of the score.
    mean_rank, rank_low, rank_high : (k,) float array
        Mean over the images of the rank, 1 for the best, and its bootstrap interval.
    best_share : (k,) float array
        Share of the bootstrap draws in which the method has the best mean rank; draws that several
        methods lead are divided among them.
    chi2, f, p : float
        Friedman's statistic as Demšar prints it, without a correction for ties; Iman and
        Davenport's F from it; and the p value of F. The hypothesis is that all methods are alike.
    chi2_ties, p_ties : float
        Friedman's statistic corrected for ties, and its p value from chi-squared.
    critical_difference : float
        Nemenyi's: two methods whose mean ranks differ by more are told apart, at the level
        1 - confidence over all pairs.
    pairs : (k (k - 1) / 2,) structured array
        Of each two methods, as positions ``first`` < ``second``: ``rank_difference`` (mean rank
        first - second) with ``nemenyi_p``; ``difference`` (mean score first - second) with its
        Student t interval; ``ties``, images on which both score alike; ``wilcoxon_t``, the smaller
        sum of signed ranks; ``wilcoxon_p``; and ``holm_p``, that p value corrected for the number
        of pairs.
    draws, seed, confidence
        As given.
    note : str
        Empty, or what limits the result.
    """

    n: int
    missing: int
    blocks: int
    largest_is_best: bool
    mean_score: np.ndarray
    mean_rank: np.ndarray
    rank_low: np.ndarray
    rank_high: np.ndarray
    best_share: np.ndarray
    chi2: float
    f: float
    p: float
    chi2_ties: float
    p_ties: float
    critical_difference: float
    pairs: np.ndarray
    draws: int
    seed: int
    confidence: float
    note: str

    def by_method(self, methods: Sequence[str]) -> Columns:
        """Return a table of the methods, best mean rank first, with what holds for all of them."""
        order = np.argsort(self.mean_rank, kind="stable")
        columns = {"method": np.array(list(methods), dtype=str)[order]}
        for name in ("mean_rank", "rank_low", "rank_high", "best_share", "mean_score"):
            columns[name] = getattr(self, name)[order]
        names = (*FRIEDMAN, "critical_difference")
        return columns | self._common(order.size, names)

    def by_pair(self, methods: Sequence[str]) -> Columns:
        """Return a table of the pairs of methods, with what holds for all of them."""
        names = np.array(list(methods), dtype=str)
        columns = {name: self.pairs[name] for name in self.pairs.dtype.names}
        columns |= {name: names[self.pairs[name]] for name in ("first", "second")}
        return columns | self._common(self.pairs.size, ("critical_difference",))

    def _common(self, rows: int, names: Sequence[str]) -> Columns:
        names = (*names, "n", "missing", "blocks", "draws", "seed", "confidence", "note")
        return {name: np.full(rows, getattr(self, name)) for name in names}


def rank(
    scores: ArrayLike,
    *,
    blocks: ArrayLike | None = None,
    draws: int = 2000,
    seed: int = 0,
    largest_is_best: bool = True,
    confidence: float = 0.95,
) -> Ranking:
    """Rank methods by their scores on the same images.

    Parameters
    ----------
    scores : array_like, shape (n_images, n_methods)
        One score per image and method. NaN marks a missing one: its image is dropped and counted.
    blocks : array_like, shape (n_images,), optional
        Imaging session of each image. Bootstrap samples then hold as many images of each session
        as there are, and the intervals of the ranks speak of more images of these sessions.
    draws : int
        Bootstrap samples.
    seed : int
        Of the random numbers.
    largest_is_best : bool
        False for distances and counts of errors.
    confidence : float
        Confidence level of every interval; 1 - confidence is the level of Nemenyi's test.

    Returns
    -------
    Ranking

    Raises
    ------
    ValueError
        If the shapes do not fit, a score is infinite, `draws` is below 1, or `confidence` is not
        between 0 and 1.

    Notes
    -----
    On each image the methods get ranks 1 (best) to k, equal scores the mean of their ranks; scores
    that differ by rounding (a few units in the last place of the image's largest) are equal.
    Friedman's test, Iman and Davenport's F, Nemenyi's critical difference and Wilcoxon's test, in
    which the ranks of ties are shared between both signs, follow Demšar [1]_. They take images to
    be independent, and know nothing of sessions.

    Wilcoxon's p value is exact, ties and zeros included, up to 100 images that differ, and from the
    normal distribution above; Holm's correction allows for the number of pairs.

    The bootstrap resamples images with all their methods. A percentile interval of few images is
    too narrow; here its percentiles are those that give a mean the width of Student's t
    interval [2]_. In simulations of four methods with normal scores, the nominal 95 % interval
    covered the mean rank in 90, 94, 95 and 96 % of studies of 5, 10, 20 and 50 images, the plain
    percentiles in 83, 90, 93 and 95 %. `best_share` says how stable the order is, and is not the
    probability of a hypothesis.

    References
    ----------
    .. [1] Demšar, Journal of Machine Learning Research 2006;7:1-30,
       https://www.jmlr.org/papers/v7/demsar06a.html
    .. [2] Hesterberg, The American Statistician 2015;69:371-386,
       :doi:`10.1080/00031305.2015.1089789`

    Examples
    --------
    >>> result = rank([[0.8, 0.7, 0.7], [0.9, 0.6, 0.8], [0.7, 0.5, 0.6], [0.9, 0.8, 0.7]])
    >>> result.mean_rank.tolist()
    [1.0, 2.625, 2.375]
    >>> f"{result.chi2:.2f} {result.critical_difference:.2f}"
    '6.12 1.66'
    """
    if not 0 < confidence < 1:
        raise ValueError(
            f"confidence must lie between 0 and 1, both excluded, but is {confidence}."
        )
    if draws < 1:
        raise ValueError(f"draws must be at least 1, but is {draws}.")
    scores, block, missing = _complete(scores, blocks)
    n, k = scores.shape
    ranks = rank_within_images(scores, largest_is_best=largest_is_best)
    mean_rank = ranks.mean(axis=0) if n else np.full(k, math.nan)
    sizes = np.bincount(block)
    samples = _bootstrap(ranks, block, draws, seed) if n > 1 and k > 1 else None
    low, high = _interval(samples, k, n, n - sizes.size, confidence)
    together = friedman(ranks) if n > 1 and k > 1 else dict.fromkeys(FRIEDMAN, math.nan)
    difference = critical_difference(k, n, 1 - confidence) if n > 1 and k > 1 else math.nan
    return Ranking(
        n=n,
        missing=missing,
        blocks=sizes.size,
        largest_is_best=largest_is_best,
        mean_score=scores.mean(axis=0) if n else np.full(k, math.nan),
        mean_rank=mean_rank,
        rank_low=low,
        rank_high=high,
        best_share=_best_share(samples if n > sizes.size else None, k),
        **together,
        critical_difference=difference,
        pairs=compare_pairs(scores, mean_rank, confidence),
        draws=draws,
        seed=seed,
        confidence=confidence,
        note=_note(ranks, sizes),
    )


def _complete(scores: ArrayLike, blocks: ArrayLike | None) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the images without NaN, the block of each as a number, and how many were dropped."""
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 2:
        raise ValueError(
            f"scores must have one row per image and one column per method, but the shape is "
            f"{scores.shape}."
        )
    infinite = np.argwhere(np.isinf(scores))
    if infinite.size:
        raise ValueError(
            f"scores[{infinite[0][0]}, {infinite[0][1]}] is {scores[tuple(infinite[0])]}: "
            "give finite scores, or NaN for a missing one."
        )
    names = np.zeros(len(scores), int) if blocks is None else np.asarray(blocks)
    if names.shape != (len(scores),):
        raise ValueError(f"There are {names.size} blocks for {len(scores)} images: give one each.")
    complete = ~np.isnan(scores).any(axis=1)
    block = np.unique(names[complete], return_inverse=True)[1]
    return scores[complete], block, int(np.count_nonzero(~complete))


def _bootstrap(ranks: np.ndarray, block: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Return the mean ranks of samples of images, drawn within blocks, shape (draws, k)."""
    random = np.random.default_rng(seed)
    n = len(ranks)
    total = np.zeros((draws, ranks.shape[1]))
    for each in np.unique(block):
        members = np.flatnonzero(block == each)
        times = random.multinomial(members.size, np.full(members.size, 1 / members.size), draws)
        total += times @ ranks[members]
    return total / n


def _interval(
    samples: np.ndarray | None, k: int, n: int, freedom: int, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the percentile interval of each mean rank, as wide as Student's t asks for."""
    if samples is None or freedom < 1:
        return np.full(k, math.nan), np.full(k, math.nan)
    from scipy.special import ndtr, stdtrit

    tail = ndtr(-math.sqrt(n / freedom) * stdtrit(freedom, (1 + confidence) / 2))
    low, high = np.quantile(samples, [tail, 1 - tail], axis=0)
    return low, high


def _best_share(samples: np.ndarray | None, k: int) -> np.ndarray:
    """Return the share of the samples that each method leads."""
    if samples is None:
        return np.full(k, math.nan)
    leads = samples <= samples.min(axis=1, keepdims=True) + 1e-9
    return (leads / leads.sum(axis=1, keepdims=True)).mean(axis=0)


def _note(ranks: np.ndarray, sizes: np.ndarray) -> str:
    """Say what limits the result."""
    n, k = ranks.shape
    if k < 2:
        return "There are fewer than two methods, hence nothing to rank."
    if n == 0:
        return "No image has a score of every method, hence nothing to rank."
    if n == 1:
        return "One image gives an order, but no interval and no test."
    reasons = []
    if sizes.size == n:
        reasons.append(
            "Each block holds one image, so that all draws are alike: the mean ranks have no "
            "interval."
        )
    elif (sizes == 1).any():
        reasons.append(
            f"{np.count_nonzero(sizes == 1)} of {sizes.size} blocks hold one image, which is in "
            "every draw, so that the intervals of the mean ranks are too narrow."
        )
    if n < FEWEST_CLUSTERS:
        reasons.append(f"{n} images are too few for intervals and tests to be relied on.")
    if (ranks == ranks[0, 0]).all():
        reasons.append("All methods score alike on every image.")
    elif (ranks == ranks[0]).all():
        reasons.append(
            "All images rank the methods alike, so that the intervals of the mean ranks have no "
            "width; F is infinite, and its p value is that of so many equal orders by chance."
        )
    return " ".join(reasons)
