"""Measure how often the intervals of the statistics hold the true value.

Run from the root of the repository::

    uv run python benchmarks/coverage.py [--runs 10000] [--output docs/coverage]

Data with known true values are drawn again and again: 10, 20 and 50 independent subjects, and 5, 10
and 20 images of 40 objects, 20 % of whose variance is shared within the image. What is counted is
the share of runs in which the interval of 95 % holds the true value, or a test at the level of 5 %
does not reject what is true.

Prints a Markdown table, and writes it with all numbers as CSV and a figure into the folder, and the
table that `bioagree.statistics.known_coverage` reads beside that module.
"""

import argparse
import csv
import importlib.util
import math
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

OBJECTS = 40
SUBJECTS_ALONE = "independent subjects"
IMAGES_OF_40 = f"images of {OBJECTS} objects"
GROUPS = "two groups of objects in images of 5 to 40 objects"
DESIGNS = {SUBJECTS_ALONE: (10, 20, 50), IMAGES_OF_40: (5, 10, 20), GROUPS: (5, 10, 20)}
SHARED = 0.2  # of the variance of objects, within their image
ENOUGH, TOO_MUCH = 93.5, 96.5  # percent
# What must cover between these two; everything else is only reported.
ASSERTED = (
    *("bias", "upper", "lower", "clustered bias"),
    *("bias, clustered, CR2", "bias, clustered, CR2, unequal"),
)
SPREAD, ERROR, SHIFT, MIDDLE = 1.0, 0.3, 0.1, 5.0
# Runs of slow cases, as a share of the others'.
FEWER = {
    "repeats": 0.5,
    "clustered_concordance": 0.3,
    "clustered_repeats": 0.4,
    "clustered_passing_bablok": 0.05,
}


# Cases of the files beside this one that are the same as "bias", "upper", "upper, 1986", "slope".
MEASURED_HERE = (
    "bias, Student t",
    "limit of agreement, exact",
    "limit of agreement, approximation of 1986",
    "proportional bias, least squares",
)


def holds(low, value, high):
    return low <= value <= high


def many(case, rng, n, runs):
    """Run a case that returns a dict of booleans, and return a dict of arrays."""
    rows = [case(rng, n) for _ in range(runs)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


# -- independent subjects --------------------------------------------------------------------------


def pairs(rng, n):
    """Two methods with equal errors, the second shifted."""
    truth = rng.normal(MIDDLE, SPREAD, n)
    return truth + rng.normal(0, ERROR, n), truth + SHIFT + rng.normal(0, ERROR, n)


def agreement(rng, n):
    from bioagree.statistics.agreement import approximate_limits_interval, bland_altman

    first, second = pairs(rng, n)
    found = bland_altman(first, second)
    sd = ERROR * math.sqrt(2)
    lower, upper = -SHIFT - 1.959964 * sd, -SHIFT + 1.959964 * sd
    lower_1986, upper_1986 = approximate_limits_interval(found)
    return {
        "bias": holds(found.bias_low, -SHIFT, found.bias_high),
        "upper": holds(found.upper_low, upper, found.upper_high),
        "lower": holds(found.lower_low, lower, found.lower_high),
        "upper, 1986": holds(upper_1986[0], upper, upper_1986[1]),
        "lower, 1986": holds(lower_1986[0], lower, lower_1986[1]),
        "slope": holds(found.slope_low, 0, found.slope_high),
    }


def concordance(rng, n):
    from bioagree.statistics.concordance import lins_ccc

    found = lins_ccc(*pairs(rng, n))
    return {"lins_ccc": holds(found.low, true_ccc(), found.high)}


def true_ccc():
    return 2 * SPREAD**2 / (2 * (SPREAD**2 + ERROR**2) + SHIFT**2)


def intraclass(rng, n):
    """Three raters: of each subject its own (form 1), or a sample of raters (forms 2 and 3)."""
    from bioagree.statistics.intraclass import icc

    k, error, rater = 3, 0.5, 0.3
    truth = rng.normal(0, SPREAD, (n, 1))
    own = truth + rng.normal(0, math.hypot(error, rater), (n, k))
    shared = truth + rng.normal(0, rater, (1, k)) + rng.normal(0, error, (n, k))
    agree = 1 / (1 + rater**2 + error**2)
    true = {1: agree, 2: agree, 3: 1 / (1 + error**2)}
    found = icc(own).forms, icc(shared).forms
    result = {}
    for form, single in true.items():
        for size, value in (("1", single), ("k", k * single / (1 + (k - 1) * single))):
            name = f"ICC({form},{size})"
            interval = found[form > 1][name]
            result[name] = holds(interval.low, value, interval.high)
    return result


def lines(rng, n):
    from bioagree.statistics.regression import deming, passing_bablok

    first, second = pairs(rng, n)
    result = {}
    for name, found in (
        ("deming", deming(first, second)),
        ("passing_bablok", passing_bablok(first, second)),
    ):
        result[f"{name}_slope"] = holds(found.slope_low, 1, found.slope_high)
        result[f"{name}_intercept"] = holds(found.intercept_low, SHIFT, found.intercept_high)
    result["linearity_cusum"] = found.linearity_p >= 0.05
    return result


def equivalence(rng, n):
    from bioagree.statistics.equivalence import tost, tost_independent

    first, second = rng.normal(1, 1, n), rng.normal(0, 1.5, n)
    return {
        "tost": not tost(first, 1).equivalent,
        "tost_independent": not tost_independent(first, second, 1).equivalent,
        "tost_independent, pooled": not tost_independent(
            first, rng.normal(0, 1, n), 1, equal_variances=True
        ).equivalent,
    }


def repeats(rng, n):
    """Two measurements of each subject: the spread constant, and proportional to the mean."""
    from bioagree.statistics.repeatability import repeatability
    from bioagree.statistics.trueness import trueness

    truth, subjects = rng.normal(10, 2, n), np.repeat(np.arange(n), 2)
    values = np.repeat(truth, 2) + rng.normal(0, 0.5, 2 * n)
    constant = repeatability(values, subjects)
    proportional = repeatability(
        np.exp(np.repeat(rng.normal(2, 0.5, n), 2) + rng.normal(0, 0.1, 2 * n)), subjects
    )
    true = trueness(values + rng.normal(0.2, 0.3, n)[subjects], np.repeat(truth, 2), subjects)
    return {
        "repeatability_sd": holds(constant.sd_low, 0.5, constant.sd_high),
        "repeatability_cv": holds(constant.cv_low, 0.05, constant.cv_high),
        "repeatability_log_cv": holds(
            proportional.log_cv_low, math.expm1(0.1), proportional.log_cv_high
        ),
        "repeatability_rank_p": not constant.rank_p < 0.05,
        "trueness_bias": holds(true.bias_low, 0.2, true.bias_high),
    }


# -- objects of images -----------------------------------------------------------------------------


def objects(rng, images):
    """Deviations with unit variance that share a part within the image."""
    common = rng.normal(0, math.sqrt(SHARED), images)
    return np.repeat(common, OBJECTS) + rng.normal(0, math.sqrt(1 - SHARED), images * OBJECTS)


def image_of(images):
    return np.repeat(np.arange(images), OBJECTS)


def clustered_pairs(rng, images):
    truth = MIDDLE + SPREAD * objects(rng, images)
    return truth + ERROR * objects(rng, images), truth + SHIFT + ERROR * objects(rng, images)


def clustered_agreement(rng, images):
    from bioagree.statistics.agreement import bland_altman
    from bioagree.statistics.clusters import cluster_mean
    from bioagree.statistics.equivalence import tost

    clusters, values = image_of(images), objects(rng, images)
    independent = bland_altman(values, np.zeros_like(values))
    robust = cluster_mean(values, clusters)
    means = values.reshape(images, OBJECTS).mean(1)
    resampled = rng.multinomial(images, np.full(images, 1 / images), 1000) @ means / images
    low, high = np.quantile(resampled, [0.025, 0.975])
    return {
        "clustered bias": holds(robust.low, 0, robust.high),
        "clustered bias, cluster percentile bootstrap": holds(low, 0, high),
        "clustered bias, objects as independent": holds(
            independent.bias_low, 0, independent.bias_high
        ),
        "clustered tost": not tost(values + 1, 1, clusters=clusters).equivalent,
    }


def clustered_concordance(rng, images):
    from bioagree.statistics.concordance import lins_ccc
    from bioagree.statistics.intraclass import icc

    clusters = image_of(images)
    first, second = clustered_pairs(rng, images)
    ccc = lins_ccc(first, second, clusters=clusters)
    independent = lins_ccc(first, second)
    result = {
        "clustered lins_ccc": holds(ccc.low, true_ccc(), ccc.high),
        "clustered lins_ccc, objects as independent": holds(
            independent.low, true_ccc(), independent.high
        ),
    }
    error, shifts = 0.5, np.array([-0.3, 0, 0.3])
    truth = objects(rng, images)[:, np.newaxis]
    ratings = truth + shifts + error * np.stack([objects(rng, images) for _ in shifts], 1)
    agree = 1 / (1 + shifts.var(ddof=1) + error**2)
    true = {"ICC(2,1)": agree, "ICC(3,1)": 1 / (1 + error**2)}
    found = icc(ratings, clusters=clusters).forms
    for name, value in true.items():
        result[f"clustered {name}"] = holds(found[name].low, value, found[name].high)
    return result


def clustered_line(rng, images):
    from bioagree.statistics.regression import deming

    found = deming(*clustered_pairs(rng, images), clusters=image_of(images))
    return {
        "clustered deming_slope": holds(found.slope_low, 1, found.slope_high),
        "clustered deming_intercept": holds(found.intercept_low, SHIFT, found.intercept_high),
    }


def clustered_passing_bablok(rng, images):
    from bioagree.statistics.regression import passing_bablok

    found = passing_bablok(*clustered_pairs(rng, images), clusters=image_of(images))
    return {
        "clustered passing_bablok_slope": holds(found.slope_low, 1, found.slope_high),
        "clustered passing_bablok_intercept": holds(
            found.intercept_low, SHIFT, found.intercept_high
        ),
    }


def clustered_repeats(rng, images):
    """Two measurements of each object; images differ in noise."""
    from bioagree.statistics.repeatability import repeatability

    n = images * OBJECTS
    variances = rng.gamma(10, 0.1, images)  # mean 1
    values = np.repeat(rng.normal(20, 4, n), 2)
    values += rng.normal(0, np.sqrt(np.repeat(variances, 2 * OBJECTS)))
    numbers, clusters = np.repeat(np.arange(n), 2), np.repeat(image_of(images), 2)
    found = repeatability(values, numbers, clusters=clusters)
    independent = repeatability(values, numbers)
    return {
        "clustered repeatability_sd": holds(found.sd_low, 1, found.sd_high),
        "clustered repeatability_sd, objects as independent": holds(
            independent.sd_low, 1, independent.sd_high
        ),
        "clustered repeatability_rank_p": not found.rank_p < 0.05,
    }


INDEPENDENT = (agreement, concordance, intraclass, lines, equivalence, repeats)
CLUSTERED = (
    clustered_agreement,
    clustered_concordance,
    clustered_line,
    clustered_passing_bablok,
    clustered_repeats,
)


# -- running ---------------------------------------------------------------------------------------


def others():
    """Yield cases of the benchmarks beside this one: name, case, design, share of the runs."""
    agreement_cases = load("coverage_agreement")
    for name, case in agreement_cases.CASES.items():
        if name not in MEASURED_HERE:
            clustered = "clustered" in name
            yield name, case, *((IMAGES_OF_40, 1) if clustered else (SUBJECTS_ALONE, 0.3))
    hypotheses = load("coverage_hypotheses")
    for name, case in hypotheses.CASES.items():
        yield name, case, GROUPS, 0.1 if name in hypotheses.SLOW else 0.5

    def no_false_discovery(rng, n, runs):
        return np.arange(runs) >= round(runs * hypotheses.FALSE_DISCOVERIES(rng, n, runs))

    yield "no false discovery among 40 features", no_false_discovery, GROUPS, 1


def load(name):
    """Import a script of this folder."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measure(runs, chosen=None):
    """Yield one row for each interval and number of subjects or images.

    `chosen` limits the cases to those with these names.
    """
    jobs = [(case, SUBJECTS_ALONE) for case in INDEPENDENT]
    jobs += [(case, IMAGES_OF_40) for case in CLUSTERED]
    for number, (case, design) in enumerate(jobs):
        if chosen is None or case.__name__ in chosen:
            few = max(1, round(runs * FEWER.get(case.__name__, 1)))
            for n in DESIGNS[design]:
                rng = np.random.default_rng([number, n])
                for interval, right in many(case, rng, n, few).items():
                    yield row(interval, design, n, right)
    for number, (name, case, design, share) in enumerate(others()):
        if chosen is None or name in chosen:
            few = max(1, round(runs * share))
            for n in DESIGNS[design]:
                right = np.asarray(case(np.random.default_rng([99, number, n]), n, few))
                if right.size:  # some have no interval of 95 % from 5 images
                    yield row(name, design, n, right)


def remember_factors():
    """Compute the factors of the limits of agreement, which depend on n only, once for each n."""
    from bioagree.statistics import agreement

    for name in ("limit_factors", "tolerance_factor"):
        setattr(agreement, name, cache(getattr(agreement, name)))


def row(interval, design, n, right):
    share = float(right.mean())
    error = math.sqrt(share * (1 - share) / right.size)
    return {
        "interval": interval,
        "design": design,
        "n": n,
        "coverage_percent": round(100 * share, 2),
        "error_percent": round(100 * error, 2),
        "runs": right.size,
        "below": str(100 * share < ENOUGH).lower(),
    }


def table(rows):
    """Return Markdown tables of the coverage, values below the limit in bold."""
    text = []
    for design, sizes in DESIGNS.items():
        part = [r for r in rows if r["design"] == design]
        if not part:
            continue
        of = unit(design)
        text += [f"\n### {design.capitalize()}\n"]
        text += [f"| | {' | '.join(f'{n} {of}' for n in sizes)} | runs |"]
        text += ["|---|" + " ---: |" * (len(sizes) + 1)]
        for name in dict.fromkeys(r["interval"] for r in part):
            found = {r["n"]: r for r in part if r["interval"] == name}
            cells = []
            for n in sizes:
                cell = f"{found[n]['coverage_percent']:.1f}" if n in found else "–"
                below = n in found and found[n]["below"] == "true"
                cells.append(f"**{cell}**" if below else cell)
            runs = max(r["runs"] for r in found.values())
            text += [f"| {name.removeprefix('clustered ')} | {' | '.join(cells)} | {runs} |"]
    return "\n".join(text) + "\n"


def unit(design):
    return "subjects" if design == SUBJECTS_ALONE else "images"


def draw(rows, path):
    """Draw the coverage of every interval, one panel for each design."""
    from bioagree.figures.canvas import COLOURS, save
    from matplotlib.figure import Figure

    counts = [len({r["interval"] for r in rows if r["design"] == design}) for design in DESIGNS]
    figure = Figure(figsize=(8, 0.24 * sum(counts) + 3), layout="constrained")
    panels = figure.subplots(len(DESIGNS), height_ratios=counts)
    free = ("upper right", "center left", "upper left")
    for panel, (design, sizes), where in zip(panels, DESIGNS.items(), free, strict=True):
        part = [r for r in rows if r["design"] == design]
        names = list(dict.fromkeys(r["interval"] for r in part))
        panel.axvspan(ENOUGH, TOO_MUCH, color="0.9", linewidth=0)
        panel.axvline(95, color="0.5", linewidth=0.8)
        for i, (n, colour, marker) in enumerate(zip(sizes, COLOURS, "osD", strict=False)):
            chosen = [r for r in part if r["n"] == n]
            panel.errorbar(
                [r["coverage_percent"] for r in chosen],
                [names.index(r["interval"]) + 0.2 * (i - 1) for r in chosen],
                xerr=[1.96 * r["error_percent"] for r in chosen],
                fmt=marker,
                color=colour,
                markersize=4,
                linewidth=0.8,
                label=f"{n} {unit(design)}",
            )
        labels = [name.removeprefix("clustered ").replace("_", " ") for name in names]
        panel.set_yticks(range(len(names)), labels, fontsize=8)
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.set_title(design, fontsize=9, loc="left")
        panel.legend(fontsize=8, loc=where)
    panels[-1].set_xlabel("Coverage of the 95 % interval (%); grey: 93.5 to 96.5")
    save(figure, path)


def write(rows, path):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10000, help="simulations of each case")
    parser.add_argument("--output", type=Path, help="folder for table, numbers and figure")
    given = parser.parse_args()
    start = time.process_time()
    remember_factors()
    rows = []
    for found in measure(given.runs):
        rows.append(found)
        print(f"{found['interval']}, {found['n']}: {found['coverage_percent']} %", file=sys.stderr)
    text = table(rows)
    print(text)
    print(f"{time.process_time() - start:.0f} s of CPU", file=sys.stderr)
    if given.output:
        from bioagree.statistics.known_coverage import TABLE

        given.output.mkdir(parents=True, exist_ok=True)
        title = "# Coverage of intervals of 95 %, in percent; below 93.5 in bold\n"
        (given.output / "coverage.md").write_text(title + text, encoding="utf-8")
        write(rows, given.output / "coverage.csv")
        write(rows, TABLE)
        draw(rows, given.output / "coverage.svg")


if __name__ == "__main__":
    main()
