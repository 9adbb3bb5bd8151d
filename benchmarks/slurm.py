"""What a job costs more through Slurm: each submitted alone, and all in one submission.

    tests/cluster/slurm.sh up
    uv run --group slurm python benchmarks/slurm.py

Runs the tiny study here once, in a copy of the checkout, then measures the objects of its eight
label images anew: here, through Slurm one job a submission, and through Slurm with the groups of
profiles/slurm. Prints the seconds of a run without those that planning takes, and, of jobs that
were submitted alone, the seconds that Slurm held a processor for them while no script ran. With the
Slurm of the tests, whose node is this machine, all three have the same processors.
"""

import argparse
import csv
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("Snakefile", "config", "envs", "profiles", "workflow")
MADE = "results/features/*.parquet"
SLURM = ("--workflow-profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1")
WAYS = {
    "here": ("--cores", "2"),
    "Slurm, each alone": (*SLURM, "--groups", "fetch=fetch"),
    "Slurm, grouped": SLURM,
}


def snakemake(*options: str) -> float:
    """Run the tiny study in the working directory; return the seconds."""
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/tiny.yaml", *options]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - started


def held_idle(targets: list[str], known: set[str]) -> tuple[int, float]:
    """Return how many jobs Slurm ran since the last call, and the seconds when no script ran.

    Scripts that share a submission may run side by side, so those seconds are told only of jobs
    that were submitted alone.
    """
    said = subprocess.run(
        ["scontrol", "show", "job", "--oneliner"], check=True, capture_output=True, text=True
    ).stdout
    jobs = [line for line in said.splitlines() if f" WorkDir={Path.cwd()} " in line]
    jobs = [job for job in jobs if job.split()[0] not in known]
    known.update(job.split()[0] for job in jobs)
    held = 0.0
    for job in jobs:
        started, ended = (
            datetime.fromisoformat(re.search(rf" {name}=(\S+)", job)[1])
            for name in ("StartTime", "EndTime")
        )
        held += (ended - started).total_seconds()
    if len(jobs) != len(targets):
        return len(jobs), math.nan
    worked = 0.0
    for target in targets:
        name = Path(target).stem
        with open(f"results/benchmarks/measure/{name}.tsv", newline="") as file:
            worked += sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
    return len(jobs), (held - worked) / len(jobs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    if shutil.which("sbatch") is None:
        raise SystemExit("Slurm is not installed; see tests/install-heavy.sh")
    with tempfile.TemporaryDirectory() as folder:
        for name in NEEDED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(folder, name))
        os.chdir(folder)
        snakemake()
        targets = sorted(map(str, Path().glob(MADE)))
        walls, submissions, idle = ({way: [] for way in WAYS} for _ in range(3))
        known: set[str] = set()
        for _ in range(arguments.repeat):
            for way, options in WAYS.items():
                for target in targets:
                    Path(target).unlink()
                planning = snakemake(*options, "--dry-run", "--", *targets)
                walls[way].append(snakemake(*options, "--", *targets) - planning)
                count, seconds = held_idle(targets, known)
                submissions[way].append(count)
                idle[way].append(seconds)
    print(f"{len(targets)} jobs, {os.cpu_count()} cores, median of {arguments.repeat}")
    print("way                 submissions     s  s a job   × here  s held idle, a job")
    base = statistics.median(walls["here"])
    for way in WAYS:
        wall, held = statistics.median(walls[way]), statistics.median(idle[way])
        print(
            f"{way:20}{submissions[way][0]:11}{wall:6.1f}{wall / len(targets):9.1f}"
            f"{wall / base:9.1f}" + ("" if math.isnan(held) else f"{held:12.1f}")
        )


if __name__ == "__main__":
    main()
