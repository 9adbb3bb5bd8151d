"""Time agreement on many features against calling a library for every pair of methods and feature.

Run from the root of the repository::

    uv run python benchmarks/agreement.py [--objects 100000] [--features 200] [--pairs 10]

Values of two methods on matched objects are made for every pair of methods, in images of unequal
size. Our side computes all columns of all pairs. The others compute, of `--calls` features of one
pair, only what they have, one call for each result; their time is scaled up to all features and
pairs. Each side runs in a process of its own, so that its peak memory is its own too.

Columns: the time of the others over ours, seconds of CPU for all (on one thread), and the memory
that the process took beyond that of the values, in MB. What both sides have is compared: bias and
slopes are the same estimates; errors are too if images are equally large, which `--equal` asks for.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

LIBRARY = str(Path(__file__).parents[1] / "workflow/scripts")
PEERS = {
    "statsmodels": "OLS with clustered covariance: bias and slope, as measured and in logarithms,\n"
    "                  and the slope of the absolute residuals",
    "pingouin": "intraclass correlations",
    "scipy": "orthogonal regression (ODR)",
}


def make(objects, features, equal):
    """Return the values of two methods, and the image of each object."""
    import numpy as np

    rng = np.random.default_rng(0)
    total = max(2, objects // 200)
    shares = np.ones(total) if equal else rng.gamma(4, 1, total)
    edges = np.round(np.cumsum(shares) / shares.sum() * objects).astype(int)
    images = np.searchsorted(edges, np.arange(objects), side="right")
    first = np.empty((objects, features))
    second = np.empty((objects, features))
    for feature in range(features):  # one by one, so that making them takes no memory of its own
        truth = rng.lognormal(3, 0.4, objects)
        for values, spread in ((first, 0.1), (second, 0.08)):
            offset = rng.normal(0, 0.03, total)[images]
            values[:, feature] = truth * np.exp(offset + rng.normal(0, spread, objects))
    return first, second, images


def ours(first, second, images, pairs):
    """Return seconds, and the columns of a pair."""
    sys.path.insert(0, LIBRARY)
    from bioagree.statistics.object_agreement import agree

    agree(first[:100], second[:100], images[:100])
    start = time.process_time()
    for _ in range(pairs):
        columns = agree(first, second, images)
    return time.process_time() - start, columns


def statsmodels(first, second, images, calls):
    import numpy as np
    from statsmodels.api import OLS, add_constant

    def fit(y, x):
        fitted = OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": images}, use_t=True)
        fitted.conf_int()
        return fitted

    def all_of(x, y):
        one = np.ones(len(x))
        found = {}
        for name, a, b in (("", x, y), ("ratio_", np.log(x), np.log(y))):
            bias = fit(a - b, one)
            line = fit(a - b, add_constant((a + b) / 2))
            found |= {f"{name}bias": bias.params[0], f"{name}slope": line.params[1]}
            if not name:
                found |= {"bias_error": bias.bse[0]}
                found["spread_slope"] = fit(np.abs(line.resid), line.model.exog).params[1]
        return found

    all_of(first[:, 0], second[:, 0])
    start = time.process_time()
    columns = [all_of(first[:, i], second[:, i]) for i in range(calls)]
    return time.process_time() - start, columns


def pingouin(first, second, images, calls):
    import numpy as np
    import pandas as pd
    from pingouin import intraclass_corr

    n = len(first)

    def all_of(x, y):
        table = pd.DataFrame(
            {"object": np.tile(np.arange(n), 2), "method": np.repeat([0, 1], n), "value": [*x, *y]}
        )
        start = time.process_time()
        result = intraclass_corr(table, targets="object", raters="method", ratings="value")
        return time.process_time() - start, {"ccc": float(result["ICC"].iloc[1])}

    results = [all_of(first[:, i], second[:, i]) for i in range(calls)]
    return sum(seconds for seconds, _ in results), [found for _, found in results]


def scipy(first, second, images, calls):
    from scipy import odr

    start = time.process_time()
    columns = []
    for i in range(calls):
        data = odr.RealData(first[:, i], second[:, i])
        slope, intercept = odr.ODR(data, odr.unilinear, beta0=[1, 0]).run().beta
        columns.append({"deming_slope": slope, "deming_intercept": intercept})
    return time.process_time() - start, columns


def peak():
    """Return the highest memory of this process so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def work(given):
    """Print seconds, memory and values of one side as JSON."""
    import numpy as np

    warnings.simplefilter("ignore")
    features = given.features if given.worker == "bioagree" else given.calls
    first, second, images = make(given.objects, features, given.equal)
    if given.worker == "bioagree":
        before = peak()
        seconds, columns = ours(first, second, images, given.pairs)
        error = (columns["bias_high"] - columns["bias"]) / quantile(columns["bias_freedom"])
        columns |= {"bias_error": error}
        columns |= {"ratio_bias": np.log(columns["ratio"])}
        rows = [
            {name: float(values[i]) for name, values in columns.items() if values.dtype == float}
            for i in range(given.calls)
        ]
    else:
        before = peak()
        seconds, rows = globals()[given.worker](first, second, images, given.calls)
        seconds *= given.features * given.pairs / given.calls
    print(json.dumps({"seconds": seconds, "memory": peak() - before, "rows": rows}))


def quantile(freedom):
    from scipy.stats import t

    return t.ppf(0.975, freedom)


def run(worker, given):
    """Call `work` in a process of its own, and return what it prints."""
    command = [sys.executable, __file__, "--worker", worker]
    for name in ("objects", "features", "pairs", "calls"):
        command += [f"--{name}", str(getattr(given, name))]
    command += ["--equal"] * given.equal
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--objects", type=int, default=100_000, help="matched objects of a pair")
    parser.add_argument("--features", type=int, default=200, help="features of an object")
    parser.add_argument("--pairs", type=int, default=10, help="pairs of methods")
    parser.add_argument("--calls", type=int, default=5, help="features that libraries are timed on")
    parser.add_argument("--equal", action="store_true", help="as many objects in every image")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        return work(given)
    mine = run("bioagree", given)
    print(f"{given.features} features x {given.pairs} pairs x {given.objects} objects")
    print(f"{'':16}{'ratio':>8}{'seconds':>10}{'MB':>8}")
    print(f"{'bioagree':16}{1:8.1f}{mine['seconds']:10.1f}{mine['memory']:8.0f}  all columns")
    total = 0.0
    for peer, what in PEERS.items():
        theirs = run(peer, given)
        total += theirs["seconds"]
        ratio = theirs["seconds"] / mine["seconds"]
        print(f"{peer:16}{ratio:8.1f}{theirs['seconds']:10.1f}{theirs['memory']:8.0f}  {what}")
        shared = theirs["rows"][0].keys() & mine["rows"][0].keys()
        for name in sorted(shared - (set() if given.equal else {"bias_error"})):
            apart = max(
                abs(one[name] - two[name]) / max(abs(two[name]), 1e-3)
                for one, two in zip(mine["rows"], theirs["rows"], strict=True)
            )
            print(f"{'':18}{name}: relative difference at most {apart:.0e}", flush=True)
    print(f"{'together':16}{total / mine['seconds']:8.1f}{total:10.1f}")


if __name__ == "__main__":
    main()
