"""How often intervals of group comparisons hold the true value, and how often nothing is found.

Run from the root of the repository::

    uv run python benchmarks/coverage_hypotheses.py [--runs 2000]

Prints a Markdown table. Objects of two groups in images of 5 to 40 objects (40 % of the first
group); standard deviation 1 of objects, 1 between images, 0.3 between images of the difference
itself, which is 0.5 on average.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

EFFECT, VARYING, BETWEEN_IMAGES = 0.5, 0.3, 1.0
FEATURES = 40  # of one simulated study; they share images and groups, but no noise

Draw = tuple[np.ndarray, np.ndarray, np.ndarray]


def simulate(rng, images, columns, effect=EFFECT, varying=VARYING, pure=False) -> Draw:
    """Return values (objects, columns), the mask of the first group, and clusters."""
    clusters = np.repeat(np.arange(images), rng.integers(5, 41, images))
    first = clusters % 2 == 0 if pure else rng.random(clusters.size) < 0.4
    values = rng.normal(size=(clusters.size, columns))
    values += rng.normal(0, BETWEEN_IMAGES, (images, columns))[clusters]
    values += first[:, None] * (effect + rng.normal(0, varying, (images, columns))[clusters])
    return values, first, clusters


def studies(rng, images, runs, **options):
    """Yield simulated studies until there are `runs` features."""
    for start in range(0, runs, FEATURES):
        yield simulate(rng, images, min(FEATURES, runs - start), **options)


def effects_of(rng, images, runs, **options):
    """Yield the effects of simulated studies."""
    from bioagree.statistics import effects

    design = effects.BETWEEN if options.get("pure") else effects.WITHIN
    for values, first, clusters in studies(rng, images, runs, **options):
        table = effects.cells(values, ~first, clusters, images)
        yield effects.difference(table, design, 0.95)


def within_effect(rng, images, runs):
    return np.concatenate(
        [
            (found.effect_low <= EFFECT) & (found.effect_high >= EFFECT)
            for found in effects_of(rng, images, runs)
        ]
    )


def within_standardised(rng, images, runs):
    # the standard deviation within group and image is 1
    return np.concatenate(
        [(found.low <= EFFECT) & (found.high >= EFFECT) for found in effects_of(rng, images, runs)]
    )


def between_effect(rng, images, runs):
    return np.concatenate(
        [
            (found.effect_low <= EFFECT) & (found.effect_high >= EFFECT)
            for found in effects_of(rng, images, runs, pure=True)
        ]
    )


def between_standardised(rng, images, runs):
    # within a group, variances of objects, images and of the difference (half of it) add up
    variance = 1 + BETWEEN_IMAGES**2 + VARYING**2 / 2
    true = EFFECT / np.sqrt(variance)
    return np.concatenate(
        [
            (found.low <= true) & (found.high >= true)
            for found in effects_of(rng, images, runs, pure=True)
        ]
    )


def _superiority(rng, images, runs, pure):
    from bioagree.statistics.effects import quantile
    from bioagree.statistics.ranks import superiority_between, superiority_within
    from scipy.special import ndtr

    variance = 2 + VARYING**2 + (2 * BETWEEN_IMAGES**2 if pure else 0)
    true = ndtr(EFFECT / np.sqrt(variance))
    hits = []
    for values, first, clusters in studies(rng, images, runs, pure=pure):
        for column in values.T:
            if pure:
                found, error, freedom = superiority_between(column, ~first, clusters)
            else:
                found, error, freedom, _ = superiority_within(column, ~first, clusters)
            half = quantile(np.array(freedom), 0.95) * error
            hits.append(abs(found - true) <= half)
    return np.array(hits)


def within_superiority(rng, images, runs):
    return _superiority(rng, images, runs, pure=False)


def between_superiority(rng, images, runs):
    return _superiority(rng, images, runs, pure=True)


def _mixed(rng, images, runs, **options):
    from bioagree.statistics import effects
    from bioagree.statistics.mixed import random_intercepts

    pure = options.get("pure", False)
    hits = []
    for values, first, clusters in studies(rng, images, runs, **options):
        for column in values.T:
            fit = random_intercepts(column, (~first).astype(int), clusters, within=not pure)
            half = effects.quantile(np.array(fit.freedom), 0.95) * fit.error
            hits.append(abs(fit.effect - EFFECT) <= half)
    return np.array(hits)


def mixed_same_difference(rng, images, runs):
    return _mixed(rng, images, runs, varying=0.0)


def mixed_varying_difference(rng, images, runs):
    return _mixed(rng, images, runs)


def mixed_between(rng, images, runs):
    return _mixed(rng, images, runs, pure=True)


def rank_shift(rng, images, runs):
    from bioagree.statistics.ranks import signed_rank

    hits = []
    for values, first, clusters in studies(rng, images, runs):
        sums = np.zeros((images, 2, values.shape[1]))
        np.add.at(sums, (clusters, (~first).astype(int)), values)
        counts = np.zeros((images, 2))
        np.add.at(counts, (clusters, (~first).astype(int)), 1)
        both = (counts > 0).all(axis=1)
        means = sums[both] / counts[both][:, :, None]
        for differences in (means[:, 0] - means[:, 1]).T:
            found = signed_rank(differences, 0.95)
            if np.isnan(found["low"]):
                continue  # so few images have no interval of 95 %
            hits.append(found["low"] <= EFFECT <= found["high"])
    return np.array(hits)


CASES: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "difference within images": within_effect,
    "standardised difference within images": within_standardised,
    "difference between images": between_effect,
    "standardised difference between images": between_standardised,
    "probability of superiority within images": within_superiority,
    "probability of superiority between images": between_superiority,
    "Hodges-Lehmann shift of image differences": rank_shift,
    "mixed model, same difference in every image": mixed_same_difference,
    "mixed model, difference varies": mixed_varying_difference,
    "mixed model, groups of images": mixed_between,
}
SLOW = {name for name in CASES if "mixed" in name or "superiority" in name}  # fewer runs will do


def FALSE_DISCOVERIES(rng, images, runs) -> float:
    """Return the share of studies without any effect in which some feature has q < 0.05.

    That share is the false-discovery rate where every discovery is false. Each study has 40
    features, half of them the sum of two others, so that tests depend on each other.
    """
    from bioagree.statistics import effects
    from bioagree.statistics.hypotheses import false_discovery_rates

    found = 0
    for _ in range(runs):
        values, first, clusters = simulate(rng, images, FEATURES // 2, effect=0.0)
        values = np.column_stack([values, values + np.roll(values, 1, axis=1)])
        table = effects.cells(values, ~first, clusters, images)
        p = effects.difference(table, effects.WITHIN, 0.95).p
        found += bool((false_discovery_rates(p) < 0.05).any())
    return found / runs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--images", type=int, nargs="+", default=[5, 10, 20, 50])
    options = parser.parse_args()
    print("| interval, nominal 95 % |", " | ".join(f"{n} images" for n in options.images), "|")
    print("|---|" + "---|" * len(options.images))
    for name, case in CASES.items():
        runs = max(200, options.runs // 5) if name in SLOW else options.runs
        hits = [case(np.random.default_rng(n), n, runs) for n in options.images]
        cells = [f"{100 * part.mean():.1f}" if part.size else "none" for part in hits]
        print(f"| {name} ({runs} runs) | {' | '.join(cells)} |", flush=True)
    runs = max(200, options.runs // 2)
    rates = [
        f"{100 * FALSE_DISCOVERIES(np.random.default_rng(n), n, runs):.1f}" for n in options.images
    ]
    print(f"| false discoveries without any effect, q < 5 % ({runs} runs) | {' | '.join(rates)} |")


if __name__ == "__main__":
    main()
