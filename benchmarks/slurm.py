"""What a job costs more through Slurm: each submitted alone, and all in one submission.

    tests/cluster/slurm.sh up
    uv run --group slurm python benchmarks/slurm.py

Runs the tiny study here once, in a copy of the checkout, then measures the objects of its eight
label images anew: here, through Slurm one job a submission, and through Slurm with the groups of
profiles/slurm. Prints the seconds between start and end of the run without those that planning
takes, and those that a submission held its processors while no script of it ran. With the Slurm of
the tests, whose node is this machine, all three have the same processors.
"""

import argparse
import csv
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


def idle_seconds(targets: list[str], known: set[str]) -> tuple[int, float]:
    """Return how many jobs Slurm ran for us, and the seconds of them in which no script ran."""
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
    worked = 0.0
    for target in targets:
        name = Path(target).stem
        with open(f"results/benchmarks/measure/{name}.tsv", newline="") as file:
            worked += sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
    return len(jobs), held - worked if len(jobs) == len(targets) else float("nan")


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
                count, seconds = idle_seconds(targets, known)
                submissions[way].append(count)
                idle[way].append(seconds)
    print(f"{len(targets)} jobs, {os.cpu_count()} cores, median of {arguments.repeat}")
    print("way                 submissions   s   s a job   × here   s without script, a submission")
    base = statistics.median(walls["here"])
    for way in WAYS:
        wall, count = statistics.median(walls[way]), submissions[way][0]
        spare = statistics.median(idle[way]) / count if count else 0.0
        print(
            f"{way:20}{count:11}{wall:6.1f}{wall / len(targets):8.1f}{wall / base:9.1f}"
            f"{spare:10.1f}"
        )


if __name__ == "__main__":
    main()
