"""How often the intervals of agreement hold what they are to hold, in simulated experiments.

Run from the root of the repository::

    uv run python benchmarks/coverage_agreement.py [--runs 2000] [NAME ...]

Each case simulates experiments and calls the function that a study calls. Cases named "clustered"
have n images, others n subjects or pairs. Images hold 40 objects each, or, where named unequal, 40
on average with a coefficient of variation of 1; differences within an image correlate with 0.2.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from bioagree.statistics import agreement, magnitude, rank_limits, replicates
from bioagree.statistics.object_agreement import agree

CORRELATION = 0.2
OBJECTS = 40
BIAS = 0.5
SPREAD = 3.0
Z = 1.959963984540054
Case = Callable[[np.random.Generator, int, int], np.ndarray]


def pairs(rng, n):
    """Two methods with the bias BIAS, and differences of standard deviation 1."""
    mean, difference = rng.normal(10, SPREAD, n), rng.normal(BIAS, 1, n)
    return mean + difference / 2, mean - difference / 2


def holds(result, name, truth):
    return getattr(result, f"{name}_low") <= truth <= getattr(result, f"{name}_high")


def independent(rng, n, runs, *, name, truth):
    results = (agreement.bland_altman(*pairs(rng, n)) for _ in range(runs))
    return np.array([holds(result, name, truth) for result in results])


def approximate(rng, n, runs):
    results = (agreement.bland_altman(*pairs(rng, n)) for _ in range(runs))
    ends = np.array([agreement.approximate_limits_interval(result)[1] for result in results])
    return (ends[:, 0] <= BIAS + Z) & (ends[:, 1] >= BIAS + Z)


def tolerance(rng, n, runs):
    from scipy.special import ndtr

    results = [agreement.bland_altman(*pairs(rng, n)) for _ in range(runs)]
    ends = np.array([(result.pair_lower, result.pair_upper) for result in results]) - BIAS
    return ndtr(ends[:, 1]) - ndtr(ends[:, 0]) >= 0.95


def ratio(rng, n, runs, *, name, truth):
    results = (magnitude.ratio_agreement(*np.exp(pairs(rng, n))) for _ in range(runs))
    return np.array([holds(result, name, truth) for result in results])


def spread_line(rng, n, runs):
    covered = np.empty(runs, bool)
    for run in range(runs):
        mean = rng.uniform(5, 15, n)
        difference = rng.normal(0, 0.1 * mean)
        result = magnitude.regression_limits(mean + difference / 2, mean - difference / 2)
        covered[run] = holds(result, "spread_slope", 0.1)
    return covered


def median(rng, n, runs):
    results = (rank_limits.rank_limits(*pairs(rng, n)) for _ in range(runs))
    return np.array([holds(result, "median", BIAS) for result in results])


def replicated(rng, n, runs, *, design, unequal, name, truth):
    """Components of the difference: 0.4 between subjects, 0.6 within."""
    covered = np.empty(runs, bool)
    for run in range(runs):
        sizes = rng.integers(1, 6, n) if unequal else np.full(n, 3)
        subjects = np.repeat(np.arange(n), sizes)
        offset = rng.normal(BIAS, math.sqrt(0.4), n)[subjects]
        level = rng.normal(10, SPREAD, n)[subjects]
        first, second = rng.normal(0, math.sqrt(0.3), (2, subjects.size))
        if design == "varying":
            level = rng.normal(level, 2)
            values = level + offset + first, level + second
            result = replicates.replicated_varying(*values, subjects)
        else:
            values = level + offset + first, subjects, level + second, subjects
            result = replicates.replicated_constant(*values)
        covered[run] = holds(result, name, truth)
    return covered


def images(rng, n, unequal):
    """Return the image of each object."""
    shares = rng.gamma(1, 1, n) if unequal else np.ones(n)
    sizes = np.maximum(np.round(shares * OBJECTS), 1).astype(int)
    return np.repeat(np.arange(n), sizes)


def correlated(rng, codes, n, runs):
    """Standard normal values, one column per experiment, correlated within images."""
    between = rng.normal(0, math.sqrt(CORRELATION), (n, runs))[codes]
    return between + rng.normal(0, math.sqrt(1 - CORRELATION), (codes.size, runs))


def clustered(rng, n, runs, *, unequal, name, truth, bias=BIAS):
    """Every experiment is a feature; sizes of the images change every 50 experiments."""
    covered = []
    for start in range(0, runs, 50):
        few = min(50, runs - start)
        codes = images(rng, n, unequal)
        level = 10 + SPREAD * correlated(rng, codes, n, few)
        first, second = (correlated(rng, codes, n, few) / math.sqrt(2) for _ in range(2))
        columns = agree(level + bias + first, level + second, codes)
        if name == "slope":
            difference = bias + correlated(rng, codes, n, few) + truth * level
            columns = agree(level + difference / 2, level - difference / 2, codes)
        covered.append((columns[f"{name}_low"] <= truth) & (truth <= columns[f"{name}_high"]))
    return np.concatenate(covered)


def not_equivalent(rng, n, runs, *, unequal):
    """Share of experiments at the margin that do not claim equivalence."""
    refused = []
    for start in range(0, runs, 50):
        few = min(50, runs - start)
        codes = images(rng, n, unequal)
        level, difference = (correlated(rng, codes, n, few) for _ in range(2))
        columns = agree(level + difference + 1, level, codes, margins=np.ones(few))
        refused.append(columns["verdict"] != "equivalent")
    return np.concatenate(refused)


def cases() -> dict[str, Case]:
    """Return every interval by its name."""
    found: dict[str, Case] = {
        "bias, Student t": partial(independent, name="bias", truth=BIAS),
        "limit of agreement, exact": partial(independent, name="upper", truth=BIAS + Z),
        "limit of agreement, approximation of 1986": approximate,
        "both limits, tolerance factor": tolerance,
        "proportional bias, least squares": partial(independent, name="slope", truth=0),
        "mean ratio, Student t": partial(ratio, name="ratio", truth=math.exp(BIAS)),
        "limit of the ratio, exact": partial(ratio, name="upper", truth=math.exp(BIAS + Z)),
        "slope of the spread, least squares": spread_line,
        "median difference, order statistics": median,
    }
    for design in ("constant", "varying"):
        for unequal in (False, True):
            for name, truth in (("bias", BIAS), ("upper", BIAS + Z)):
                interval = "Student t" if name == "bias" else "MOVER"
                what = "bias" if name == "bias" else "limit of agreement"
                key = f"{what}, true value {design}, {interval}{', unequal' * unequal}"
                found[key] = partial(
                    replicated, design=design, unequal=unequal, name=name, truth=truth
                )
    total = 2 * SPREAD**2 + 1 + BIAS**2
    lines = {
        "bias, clustered, CR2": {"name": "bias", "truth": BIAS},
        "limit of agreement, clustered, MOVER": {"name": "upper", "truth": BIAS + Z},
        "proportional bias, clustered, CR2": {"name": "slope", "truth": 0.2},
        "concordance, clustered, jackknife": {"name": "ccc", "truth": 2 * SPREAD**2 / total},
        "Deming slope, clustered, jackknife": {"name": "deming_slope", "truth": 1},
        "Deming intercept, clustered, jackknife": {"name": "deming_intercept", "truth": -BIAS},
    }
    for name, given in lines.items():
        for unequal in (False, True):
            found[name + ", unequal" * unequal] = partial(clustered, unequal=unequal, **given)
    for unequal in (False, True):
        name = "equivalence at the margin, clustered" + ", unequal" * unequal
        found[name] = partial(not_equivalent, unequal=unequal)
    return found


CASES = cases()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="cases whose names contain one of these")
    parser.add_argument("--runs", type=int, default=2000, help="experiments of each case")
    given = parser.parse_args()
    for name, case in CASES.items():
        if given.names and not any(part in name for part in given.names):
            continue
        sizes = (5, 10, 20) if "clustered" in name else (10, 20, 50)
        start = time.perf_counter()
        shares = [case(np.random.default_rng(1), n, given.runs).mean() for n in sizes]
        seconds = time.perf_counter() - start
        text = "  ".join(f"n={n}: {100 * s:5.1f} %" for n, s in zip(sizes, shares, strict=True))
        print(f"{name:58}{text}  ({seconds:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
