"""How many jobs a cluster sees of a sheet of many small samples, counted in a dry run.

    uv run python benchmarks/grouping.py --profile profiles/lsf

Plans 1,000 samples, five methods and their truth, all questions of the default study, under a
profile's groups, and prints jobs and submissions by rule. No executor plugin is needed: only
`groups:` and `group-components:` of the profile are taken.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
MOST = 200  # submissions of 1,000 samples
DATASET = """
wells:
  title: Empty files, for planning only
  folder: images
  licence: CC0-1.0
  creators: [{name: Nobody}]
  axes: YX
  voxel_um: [0.5, 0.5]
  calibration: nominal
  channels: [nuclei]
  truth: {kind: manual}
"""
QUESTIONS = ("micronuclei", "shape", "prediction")  # of groups: here conditions


def write_sheet(folder: Path, samples: int) -> None:
    """Write a study of empty files, the first of them to train on."""
    (folder / "images").mkdir()
    rows = ["sample\tdataset\timages\ttruth\tsession\tcondition\tsplit"]
    for number in range(samples):
        name = f"well{number:05}"
        (folder / f"images/{name}_f1.tif").write_bytes(bytes(1000))
        split, condition = ("test", "AB"[number % 2]) if number else ("train", "")
        rows.append(f"{name}\twells\t{name}_*.tif\t{{name}}.png\t\t{condition}\t{split}")
    (folder / "samples.tsv").write_text("\n".join(rows))
    (folder / "datasets.yaml").write_text(DATASET)
    config = {"samples": "samples.tsv", "datasets": "datasets.yaml"}
    config["questions"] = {name: {"group": "condition"} for name in QUESTIONS}
    (folder / "study.yaml").write_text(yaml.safe_dump(config))
    (folder / "config").symlink_to(ROOT / "config")


def count(output: str) -> tuple[Counter, Counter]:
    """Return the jobs by rule and the submissions by group or rule that a dry run announced."""
    blocks = re.findall(r"^( *)(?:\[[^\]\n]*\] )?(Group job|rule) (\w+)", output, re.M)
    jobs = Counter(name for _, kind, name in blocks if kind == "rule")
    submissions = Counter(name for indent, _, name in blocks if not indent)
    return jobs, submissions


def plan(samples: int, profile: Path) -> tuple[Counter, Counter]:
    """Dry-run a sheet under the groups of a profile; return jobs and submissions."""
    said = yaml.safe_load((profile / "config.yaml").read_text())
    options = []
    for key in ("groups", "group-components"):
        options += [f"--{key}", *(f"{name}={value}" for name, value in said[key].items())]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sheet(folder, samples)
        command = [sys.executable, "-m", "snakemake", "--dry-run", *options]
        command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
        command += ["--configfile", str(folder / "study.yaml")]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return count(done.stdout + done.stderr)


def main() -> None:
    """Count and print; fail where there are too many."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--profile", type=Path, default=ROOT / "profiles/slurm")
    arguments = parser.parse_args()
    jobs, submissions = plan(arguments.samples, arguments.profile)
    for rule, number in jobs.most_common():
        print(f"{rule:24} {number:6} jobs {submissions[rule]:4} submissions")
    print(f"{'all':24} {jobs.total():6} jobs {submissions.total():4} submissions")
    if submissions.total() >= MOST:
        raise SystemExit(f"{MOST} or more submissions")


if __name__ == "__main__":
    main()
