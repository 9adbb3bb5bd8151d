"""How long Snakemake takes to plan: many jobs, and a finished study with nothing to do.

    uv run python benchmarks/planning.py
    uv run python benchmarks/planning.py --finished

Plans sheets of 625 to 5,000 samples, all in one folder and found by patterns, and prints seconds
per thousand jobs and the exponent of a power law through the points (1 is proportional). With
`--finished`, asks instead the finished study of this repository whether anything is to be done,
in turn with a workflow of one empty rule, and prints the ratio of the two.
"""

import argparse
import math
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grouping import write_sheet

ROOT = Path(__file__).resolve().parent.parent


def plan(samples: int, folder: Path) -> tuple[int, float]:
    """Dry-run a sheet; return the number of jobs and the seconds."""
    write_sheet(folder, samples)
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--configfile", str(folder / "study.yaml")]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    jobs = re.search(r"^total\s+(\d+)", done.stdout + done.stderr, re.M)
    return int(jobs[1]), seconds


def ask(folder: Path) -> tuple[float, float]:
    """Run Snakemake where nothing is to be done; return the seconds and those of CPU."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if "Nothing to be done" not in done.stdout + done.stderr:
        raise SystemExit(f"{folder}: run `snakemake` to the end first\n{done.stderr}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare_finished(repeat: int = 7) -> None:
    """Print how long a finished study takes, against an empty workflow."""
    with tempfile.TemporaryDirectory() as empty:
        Path(empty, "Snakefile").write_text(
            'rule all:\n    output: "done"\n    shell: "touch done"\n'
        )
        first = [sys.executable, "-m", "snakemake", "-c1"]
        subprocess.run(first, cwd=empty, check=True, capture_output=True)
        pairs = [(ask(Path(empty)), ask(ROOT)) for _ in range(repeat)]
    for name, kind in (("wall", 0), ("CPU", 1)):
        nothing, study = (statistics.median(pair[side][kind] for pair in pairs) for side in (0, 1))
        ratios = sorted(pair[1][kind] / pair[0][kind] for pair in pairs)
        print(
            f"{name}: empty workflow {nothing:.2f} s, finished study {study:.2f} s, ratio "
            f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f} of {repeat})"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, nargs="+", default=[625, 1250, 2500, 5000])
    parser.add_argument("--finished", action="store_true", help="a study with nothing to do")
    arguments = parser.parse_args()
    if arguments.finished:
        compare_finished()
        return
    points = []
    for samples in arguments.samples:
        with tempfile.TemporaryDirectory() as folder:
            jobs, seconds = plan(samples, Path(folder))
        points.append((math.log(jobs), math.log(seconds)))
        print(
            f"{samples:6} samples, {jobs:6} jobs: {seconds:6.1f} s, "
            f"{1000 * seconds / jobs:.2f} s per 1000 jobs",
            flush=True,
        )
    (x0, y0), (x1, y1) = points[0], points[-1]
    if x1 > x0:
        print(f"exponent between the first and the last: {(y1 - y0) / (x1 - x0):.2f}")


if __name__ == "__main__":
    main()
