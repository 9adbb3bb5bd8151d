"""Memory and time of every rule against what it declares, on phantoms of growing size.

    uv run python benchmarks/resources.py measure benchmarks/costs   # an hour; --sizes for some
    uv run python benchmarks/resources.py fit benchmarks/costs > costs.csv # for workflow/rules/
    uv run python benchmarks/resources.py compare benchmarks/costs

`measure` runs a study of each size in a folder of its own, and the shipped studies that need
samples of another kind. Peak memory is the kernel's own (VmHWM of each job's process), since
Snakemake samples and misses peaks of short jobs; time is that of the processors, since a machine
may be busy. `fit` prints, per rule, a line above all points. `compare` prints what a dry run
declares beside what was measured, and fails where less is declared.
"""

import argparse
import csv
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
TREE = ("Snakefile", "config", "envs", "profiles", "workflow")
DENSITY_2D = 9 / (128 * 144)  # objects per pixel, as in tiny-2d
DENSITY_3D = 6 / (20 * 72 * 80)  # of tiny-3d when costs.csv was measured
SIZES = {  # z, y, x
    "flat-256": (1, 256, 256),
    "flat-2048": (1, 2048, 2048),
    "flat-4096": (1, 4096, 4096),
    "deep-16": (16, 96, 96),
    "deep-64": (64, 256, 256),
    "deep-128": (128, 384, 384),
}
# Of large images every kind of job once; the jobs on tables see no difference.
LARGE_VOXELS = 1e6
ONCE = (
    "results/matches/b.parquet",
    "results/scores/b.gauss-otsu.parquet",
    "results/features/b.truth.parquet",
    "results/features/b.gauss-otsu.parquet",
    "results/images/c-r1.ome.tif",
)
ONCE_DEEP = ("results/surfaces/b.gauss-otsu.glb", "results/surfaces/b.gauss-otsu.ply")
COSTS = ROOT / "workflow/rules/costs.csv"
SAME = 1.5  # times larger counts as another size
IDLE_MB, IDLE_S = 43, 0.3  # of the least job there is: Python, NumPy and the library
SHIPPED = ("tracks", "colocalisation")
FEATURES = {
    "use": ["intensity", "shape", "surface", "topology", "distribution", "texture"],
    "texture": {"bin_size": 10},
}
# Runs when Python starts, in every job's process; a script's `snakemake` says which job it is.
SPY = """
import atexit, json, os, sys, time
start = time.time()
def note():
    snakemake = getattr(sys.modules.get("__main__"), "snakemake", None)
    if snakemake is None or not hasattr(snakemake, "rule"):
        return
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            peak = int(line.split()[1]) * 1024 / 1e6
    sizes = [os.path.getsize(p) for p in map(str, snakemake.input) if os.path.isfile(p)]
    job = {"rule": snakemake.rule, "wildcards": dict(snakemake.wildcards.items()),
           "mb": peak, "s": time.time() - start, "cpu_s": sum(os.times()[:4]),
           "input_mb": sum(sizes) / 1e6}
    with open(os.environ["BIOAGREE_MEASURED"], "a") as file:
        file.write(json.dumps(job) + "\\n")
atexit.register(note)
"""


def phantom(shape: tuple[int, int, int], seed: int) -> dict:
    """Return the dataset of one phantom."""
    z, y, x = shape
    flat = z == 1
    parameters = {"seed": seed, "shape_y": y, "shape_x": x, "voxel_xy_um": 0.5}
    if flat:
        parameters |= {"count": round(DENSITY_2D * y * x), "radius_um": 7.0, "blur_xy_um": 0.6}
    else:
        count = round(DENSITY_3D * z * y * x)
        parameters |= {"shape_z": z, "voxel_z_um": 1.0, "count": count, "radius_um": 4.5}
    return {
        "title": "Generated nuclei",
        "files": [{"url": "phantom:nuclei", "parameters": parameters}],
        "licence": "CC0-1.0",
        "creators": [{"name": "The bioagree developers"}],
        "axes": "YX" if flat else "ZYX",
        "voxel_um": [0.5, 0.5] if flat else [1.0, 0.5, 0.5],
        "calibration": "measured",
        "channels": ["nuclei"],
        "truth": {"kind": "exact", "values": "objects.csv"},
    }


def write_study(folder: Path, shape: tuple[int, int, int]) -> None:
    """Write a study of one training sample and two others, all of one size."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config |= {"samples": "config/sized.tsv", "datasets": "config/sized-datasets.yaml"}
    config["features"] = FEATURES
    rows = ["sample\tdataset\timages\ttruth\tsession\tcondition\tsplit"]
    # One dataset would hold one phantom; a learned method needs training images of its own dataset,
    # so the phantoms are drawn into a folder, and fetched once more to measure fetching.
    raw = folder / "raw"
    sys.path.insert(0, str(ROOT / "workflow/scripts"))
    from bioagree import phantoms

    dataset = phantom(shape, 1)
    parameters = dataset["files"][0]["parameters"]
    drawn = [("a", "", "train"), ("b", "one", "test")]
    for number, (name, group, split) in enumerate(drawn, 1):
        (raw / name).mkdir(parents=True)
        phantoms.generate("nuclei", raw / name, **parameters | {"seed": number})
        (raw / name / "image.ome.tif").rename(raw / name / f"{name}.ome.tif")
        rows.append(
            f"{name}\tlocal\t{name}/{name}.ome.tif\ttruth.ome.tif\t{name}\t{group}\t{split}"
        )
    rows.append("c\tfetched\timage.ome.tif\ttruth.ome.tif\tc\ttwo\ttest")
    local = {key: value for key, value in dataset.items() if key != "files"}
    local |= {"folder": "raw", "truth": {"kind": "exact"}}
    (folder / "config/sized.tsv").write_text("\n".join(rows) + "\n")
    datasets = {"local": local, "fetched": dataset}
    (folder / "config/sized-datasets.yaml").write_text(yaml.safe_dump(datasets, sort_keys=False))
    for question in config["questions"].values():
        if "group" in question:
            question["group"] = "condition"
    config["questions"]["noise"] |= {"samples": ["c"], "replicates": 2}
    (folder / "config/sized.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def measure(folder: Path, sizes: list[str]) -> None:
    """Run the studies that are not measured yet, one after the other."""
    folder.mkdir(parents=True, exist_ok=True)
    spy = folder.resolve() / "spy"
    spy.mkdir(exist_ok=True)
    (spy / "sitecustomize.py").write_text(SPY)
    for name in sizes:
        table = folder.resolve() / f"{name}.jsonl"
        if table.exists():
            continue
        place = folder.resolve() / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for part in TREE:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copy(ROOT / part, place / part)
        config = "sized"
        if name in SIZES:
            write_study(place, SIZES[name])
        else:
            config = name
        part = table.with_suffix(".part")
        part.unlink(missing_ok=True)
        command = [sys.executable, "-m", "snakemake", "--configfile", f"config/{config}.yaml"]
        command += ["--quiet", "rules", "--keep-going"]
        if math.prod(SIZES.get(name, ())) > LARGE_VOXELS:
            command += ["--", *ONCE, *(ONCE_DEEP if SIZES[name][0] > 1 else ())]
        environment = os.environ | {"PYTHONPATH": str(spy), "BIOAGREE_MEASURED": str(part)}
        print(name, flush=True)
        done = subprocess.run(command, cwd=place, env=environment, check=False)
        if done.returncode:
            raise SystemExit(f"the study {name} failed in {place}")
        part.rename(table)


def read_points(folder: Path) -> list[dict]:
    """Return the measured jobs with the size of what they worked on, in each possible unit."""
    points = []
    for table in sorted(folder.glob("*.jsonl")):
        place = table.with_suffix("")
        mvoxel = {
            path.name.removesuffix(".ome.tif"): path.stat().st_size / 2e6
            for path in sorted((place / "results/images").glob("*.ome.tif"))
        }
        examples = sum(size for name, size in mvoxel.items() if "-r" not in name)
        for line in table.read_text().splitlines():
            job = json.loads(line)
            sample = mvoxel.get(job["wildcards"].get("sample"))
            sizes = {
                "Mvoxel of sample": sample,
                "Mvoxel of dataset": mvoxel.get("c"),  # the one that is fetched
                "Mvoxel of training": mvoxel.get("a"),
                "Mvoxel of examples": examples,
                "MB of input": job["input_mb"],
            }
            points.append(job | {"study": place.name, "sizes": sizes})
    return points


def line_above(points: list[tuple[float, float]], idle: float) -> tuple[float, float]:
    """Return base and slope of a line above all points, through the highest of the least size.

    What was measured at one size only is taken to grow in proportion, from an idle job on.
    """
    least = min(x for x, _ in points)
    base = max(y for x, y in points if x < SAME * least)
    larger = [(x, y) for x, y in points if x >= SAME * least]
    if not larger:
        return base, max(base - idle, 0.0) / max(least, 1.0)
    slope = max(0.0, *((y - base) / (x - least) for x, y in larger))
    return max(base - slope * least, idle), slope


def fit(folder: Path) -> None:
    """Print the table of costs; rules that were not measured keep their row."""
    measured = defaultdict(list)
    for point in read_points(folder):
        measured[point["rule"]].append(point)
    out = csv.writer(sys.stdout, lineterminator="\n")
    with open(COSTS, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    out.writerow(rows[0])
    for row in rows:
        jobs = measured.get(row["rule"], [])
        # Movies are worked on frame by frame, so they say little of one image of their size.
        if jobs := [job for job in jobs if job["study"] != "tracks"] or jobs:
            for name, key, idle in (("mb", "mb", IDLE_MB), ("s", "cpu_s", IDLE_S)):
                sized = [(job["sizes"][row["per"]], job[key]) for job in jobs]
                lines = line_above([point for point in sized if point[0]], idle)
                row[name], row[f"{name}_per_unit"] = (f"{value:.3g}" for value in lines)
        out.writerow(row.values())


def declared(place: Path) -> dict[tuple, tuple[int, int]]:
    """Return the MB and minutes that each job of a study declares, from a dry run of it."""
    for part in ("workflow", "profiles"):
        shutil.rmtree(place / part)
        shutil.copytree(ROOT / part, place / part)
    name = place.name if place.name in SHIPPED else "sized"
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--forceall"]
    command += ["--configfile", f"config/{name}.yaml"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    found = {}
    blocks = re.findall(r"^rule (\w+):\n((?:    .*\n)*)", done.stdout + done.stderr, re.MULTILINE)
    for rule, block in blocks:
        wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
        values = tuple(re.findall(r"=([^,\n]+)", wildcards[1])) if wildcards else ()
        mb, minutes = (re.search(rf"\b{key}=(\d+)", block) for key in ("mem_mb", "runtime"))
        if mb and minutes:
            found[rule, values] = int(mb[1]), int(minutes[1])
    return found


def compare(folder: Path) -> None:
    """Print the job of each rule and study that comes nearest to what it declares."""
    nearest: dict[tuple, dict] = {}
    said = {}
    for point in read_points(folder):
        study = point["study"]
        if study not in said:
            said[study] = declared(folder / study)
        key = point["rule"], tuple(point["wildcards"].values())
        if key not in said[study]:
            continue
        mb, minutes = said[study][key]
        point |= {"mb_declared": mb, "minutes": minutes}
        point |= {"memory": mb / point["mb"], "time": 60 * minutes / point["cpu_s"]}
        kept = nearest.get((point["rule"], study))
        if kept is None or point["memory"] < kept["memory"]:
            nearest[point["rule"], study] = point
    print("rule                   study          MB  declared  ratio     CPU s  declared  ratio")
    for (rule, study), job in sorted(nearest.items()):
        print(
            f"{rule:22} {study:10} {job['mb']:6.0f} {job['mb_declared']:9} {job['memory']:6.1f}"
            f" {job['cpu_s']:9.1f} {60 * job['minutes']:9} {job['time']:6.1f}"
        )
    short = [job for job in nearest.values() if min(job["memory"], job["time"]) < 1]
    if short:
        raise SystemExit(f"{len(short)} of {len(nearest)} declare less than was measured")
    print(f"all {len(nearest)} declare more than was measured")


def main() -> None:
    """Measure, fit or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=("measure", "fit", "compare"))
    parser.add_argument("folder", type=Path, help="of the studies and what was measured")
    known = [*SIZES, *SHIPPED]
    parser.add_argument("--sizes", nargs="+", choices=known, default=known)
    arguments = parser.parse_args()
    if arguments.step == "measure":
        measure(arguments.folder, arguments.sizes)
    elif arguments.step == "fit":
        fit(arguments.folder)
    else:
        compare(arguments.folder)


if __name__ == "__main__":
    main()
