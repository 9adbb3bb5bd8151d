"""Wall time of a study through Snakemake against the same work in one process.

    uv run python benchmarks/workflow.py                                # the default study
    uv run python benchmarks/workflow.py --configfile config/phantom.yaml --repeat 1

A first run fetches the data, compiles the kernels, and keeps the scripts that Snakemake generates,
each with its inputs, outputs and parameters. Then the two sides take turns: Snakemake from fetched
data, and one process that runs the very same scripts one after the other in their order, with
their reads, writes and hashes. Both may use all cores. Needs git; works on a copy of the checkout.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = Path(".snakemake/scripts")
REPLAY = """
import sys, time
started = time.perf_counter()
for path in sys.argv[1:]:
    exec(compile(open(path).read(), path, "exec"), {"__name__": "__main__", "__file__": path})
print(f"work {time.perf_counter() - started:.2f}")
"""


def snakemake(*options: str) -> tuple[float, str]:
    """Run the workflow in the working directory; return seconds and its log."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *options],
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return time.perf_counter() - started, done.stdout


def one_process(scripts: list[Path]) -> float:
    """Run the scripts in one process; return seconds."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", REPLAY, *map(str, scripts)], check=True)
    return time.perf_counter() - started


def start_up(scripts: list[Path]) -> float:
    """Return the seconds that the scripts need before their first line, summed over all jobs."""
    total = 0.0
    for kind in {script.name.partition(".")[2] for script in scripts}:
        same = [script for script in scripts if script.name.endswith(f".{kind}")]
        text = same[0].read_text()
        before = re.split(r"^with job\(snakemake\)", text, maxsplit=1, flags=re.M)[0]
        probe = same[0].with_name("probe.py")
        probe.write_text(before)
        started = time.perf_counter()
        subprocess.run([sys.executable, str(probe)], check=True)
        total += (time.perf_counter() - started) * len(same)
    return total


def clear_results() -> None:
    """Remove what the workflow made, but not the record of the fetched data; keep folders."""
    for path in Path("results").rglob("*"):
        if path.is_file() and path.parts[:3] != ("results", "provenance", "fetch"):
            path.unlink()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", default="config/config.yaml")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    study = ("--configfile", arguments.configfile)
    with tempfile.TemporaryDirectory() as folder:
        files = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\n")
        for name in filter(None, files):
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
        os.chdir(folder)
        print("first run: fetch, compile, keep the scripts", flush=True)
        snakemake("--skip-script-cleanup", *study)
        scripts = sorted(KEPT.glob("*.py"), key=lambda path: path.stat().st_mtime_ns)
        scripts = [script for script in scripts if not script.name.endswith(".fetch.py")]
        pairs = []
        for number in range(arguments.repeat):
            clear_results()
            through, _ = snakemake(*study)
            clear_results()
            straight = one_process(scripts)
            pairs.append((through, straight))
            print(
                f"{number + 1}: snakemake {through:.1f} s, one process {straight:.1f} s, "
                f"ratio {through / straight:.2f}",
                flush=True,
            )
        through, straight = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        cores = len(os.sched_getaffinity(0))
        spent = start_up(scripts)
        nothing, _ = snakemake(*study)
        print(
            f"\n{len(scripts)} jobs on {cores} cores, median of {arguments.repeat}: "
            f"snakemake {through:.1f} s, one process {straight:.1f} s, ratio {ratio:.2f}\n"
            f"start-up of all jobs: {spent:.1f} core-seconds, "
            f"{100 * spent / (through * cores):.0f} % of the cores' time in the snakemake run\n"
            f"finding out that nothing is to be done: {nothing:.1f} s"
        )


if __name__ == "__main__":
    main()
