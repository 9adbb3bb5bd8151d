"""Mixed model of a group effect with random intercepts of clusters, and of blocks around them."""

import math
from dataclasses import dataclass

import numpy as np

_LARGEST = 1e3  # standard deviation of clusters, in those of objects, beyond which nothing is left


@dataclass(frozen=True)
class MixedModel:
    """Result of :func:`random_intercepts`, NaN where undefined.

    Attributes
    ----------
    statistic : float
        Student's t of one contrast, else F.
    freedom, freedom_groups : float
        Of the denominator, and of the numerator.
    effect, error : float
        First group - second group, in the unit of the values; NaN for three groups or more.
    p : float
    share_clusters, share_blocks : float
        Share of the variance that lies between clusters (of one block), and between blocks.
    note : str
        Why there is no result, or what to doubt.
    """

    statistic: float = math.nan
    freedom: float = math.nan
    freedom_groups: float = math.nan
    effect: float = math.nan
    error: float = math.nan
    p: float = math.nan
    share_clusters: float = math.nan
    share_blocks: float = math.nan
    note: str = ""


def random_intercepts(
    values: np.ndarray,
    groups: np.ndarray,
    clusters: np.ndarray,
    blocks: np.ndarray | None = None,
    *,
    within: bool,
) -> MixedModel:
    """Fit values = group + (block) + cluster + object by restricted maximum likelihood.

    Parameters
    ----------
    values : numpy.ndarray, shape (objects,)
        Without NaN.
    groups, clusters : numpy.ndarray of int, shape (objects,)
    blocks : numpy.ndarray of int, shape (objects,), optional
        Clusters are nested in blocks.
    within : bool
        Whether the groups occur within clusters.

    Notes
    -----
    The difference is taken to be the same in every cluster: where it varies, the interval is too
    narrow (the within-cluster t test is not). Degrees of freedom by containment: objects -
    clusters - groups + 1 within clusters, else clusters - groups, or blocks - groups where each
    block holds one group (Pinheiro & Bates, Mixed-Effects Models in S and S-PLUS, 2000,
    section 2.4.2). The likelihood is that of Patterson & Thompson, Biometrika 1971;58:545-554,
    :doi:`10.1093/biomet/58.3.545`; statsmodels' MixedLM gives the same numbers, but takes a second
    or two where clusters are nested in blocks, and does not always converge.
    """
    from scipy.special import fdtrc, stdtr

    count = np.unique(groups).size
    if count < 2 or values.size - np.unique(clusters).size < count:
        return MixedModel(note="too few objects a cluster for a mixed model")
    spread = values.std()
    if spread <= 8 * np.finfo(float).eps * np.abs(values).max():
        return MixedModel(note="all values are equal: no mixed model")
    freedom = _freedom(groups, clusters, blocks, within, count)
    if freedom < 1:
        return MixedModel(note="too few clusters for a mixed model")
    fit = _Fit((values - values.mean()) / spread, groups, clusters, blocks)
    ratios, converged = fit.optimum()
    contrasts, covariance, scale = fit.solve(ratios)
    contrasts, covariance = contrasts[1:], covariance[1:, 1:]
    if ratios.max() > 0.99 * _LARGEST**2 or not np.isfinite(covariance).all():
        return MixedModel(note="nothing is left to chance: no mixed model")
    doubts = "" if converged else "the mixed model did not converge"
    shares = {
        "share_clusters": float(ratios[0] / (1 + ratios.sum())),
        "share_blocks": float(ratios[1] / (1 + ratios.sum())) if len(ratios) > 1 else math.nan,
    }
    if count == 2:
        error = math.sqrt(float(covariance[0, 0]))
        t = float(contrasts[0] / error)
        return MixedModel(
            statistic=t,
            freedom=freedom,
            freedom_groups=1.0,
            effect=float(contrasts[0] * spread),
            error=float(error * spread),
            p=2 * float(stdtr(freedom, -abs(t))),
            note=doubts,
            **shares,
        )
    f = float(contrasts @ np.linalg.solve(covariance, contrasts)) / (count - 1)
    return MixedModel(
        statistic=f,
        freedom=freedom,
        freedom_groups=count - 1.0,
        p=float(fdtrc(count - 1, freedom, f)),
        note=doubts,
        **shares,
    )


class _Fit:
    """Restricted likelihood of nested random intercepts, from sums over clusters alone.

    Variances of clusters and blocks are given as ratios to that of the objects. The inverse of the
    covariance is known in closed form (Woodbury, cluster by cluster, then block by block), so that
    one evaluation costs as much as there are clusters, not objects.
    """

    def __init__(self, values, groups, clusters, blocks):
        # the last group is the reference, so that of two groups the effect is first - second
        dummies = [groups == group for group in np.unique(groups)[:-1]]
        columns = np.column_stack([np.ones(len(values)), *dummies, values]).astype(float)
        _, first, index, self.sizes = np.unique(
            clusters, return_index=True, return_inverse=True, return_counts=True
        )
        self.sums = np.column_stack([np.bincount(index, column) for column in columns.T])
        self.squares = columns.T @ columns
        self.objects, self.fixed = len(values), columns.shape[1] - 1
        self.blocks = None
        if blocks is not None:
            _, of_cluster = np.unique(blocks[first], return_inverse=True)
            self.blocks = of_cluster == np.arange(of_cluster.max() + 1)[:, None]

    def _reduce(self, ratios):
        """Return [X y]' V^-1 [X y] and log det V, of V in units of the objects' variance."""
        grown = 1 + self.sizes * ratios[0]
        shrunk = self.sums / grown[:, None]
        products = self.squares - ratios[0] * self.sums.T @ shrunk
        logarithm = np.log(grown).sum()
        if self.blocks is not None:
            block_sums = self.blocks @ shrunk
            grown = 1 + ratios[1] * (self.blocks @ (self.sizes / grown))
            products -= ratios[1] * block_sums.T @ (block_sums / grown[:, None])
            logarithm += np.log(grown).sum()
        return products, logarithm

    def solve(self, ratios):
        """Return the coefficients, their covariance, and the variance of the objects."""
        products, _ = self._reduce(ratios)
        inverse = np.linalg.inv(products[:-1, :-1])
        coefficients = inverse @ products[:-1, -1]
        left = max(products[-1, -1] - products[:-1, -1] @ coefficients, 0.0)
        scale = float(left / (self.objects - self.fixed))
        return coefficients, scale * inverse, scale

    def deviance(self, roots):
        """Return -2 restricted log likelihood but for a constant, at square roots of the ratios."""
        products, logarithm = self._reduce(roots**2)
        of_fixed = products[:-1, :-1]
        left = products[-1, -1] - products[:-1, -1] @ np.linalg.solve(of_fixed, products[:-1, -1])
        freedom = self.objects - self.fixed
        return (
            freedom * math.log(max(left, np.finfo(float).tiny))
            + logarithm
            + np.linalg.slogdet(of_fixed)[1]
        )

    def optimum(self):
        """Return the ratios of largest restricted likelihood, and whether the search ended."""
        from scipy.optimize import minimize

        count = 1 if self.blocks is None else 2
        starts = [np.full(count, start) for start in (0.05, 0.3, 1.5)]
        best = min(starts, key=self.deviance)
        found = minimize(
            self.deviance,
            best,
            method="Nelder-Mead",
            bounds=[(0, _LARGEST)] * count,
            options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 1000},
        )
        return found.x**2, bool(found.success)


def _freedom(groups, clusters, blocks, within, count) -> float:
    number = np.unique(clusters).size
    if within:
        return float(groups.size - number - count + 1)
    if blocks is not None:
        pairs = np.unique(np.column_stack([blocks, groups]), axis=0)
        if len(pairs) == np.unique(blocks).size:
            return float(len(pairs) - count)
    return float(number - count)
