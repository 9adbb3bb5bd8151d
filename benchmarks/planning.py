"""Time of a dry run against the number of jobs, which must grow in proportion.

    uv run python benchmarks/planning.py

Plans sheets of 625 to 5,000 samples, all in one folder and found by patterns, and prints seconds
per thousand jobs and the exponent of a power law through the points (1 is proportional).
"""

import argparse
import math
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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


def plan(samples: int, folder: Path) -> tuple[int, float]:
    """Dry-run a sheet; return the number of jobs and the seconds."""
    (folder / "images").mkdir()
    rows = ["sample\tdataset\timages\ttruth"]
    for number in range(samples):
        (folder / f"images/well{number:05}_f1.tif").touch()
        rows.append(f"well{number:05}\twells\twell{number:05}_*.tif\t{{name}}.png")
    (folder / "samples.tsv").write_text("\n".join(rows))
    (folder / "datasets.yaml").write_text(DATASET)
    (folder / "study.yaml").write_text("samples: samples.tsv\ndatasets: datasets.yaml\n")
    (folder / "config").symlink_to(ROOT / "config")
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, nargs="+", default=[625, 1250, 2500, 5000])
    points = []
    for samples in parser.parse_args().samples:
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
