"""Time the check of a package's values against Frictionless alone, and compare their memory.

Run from the root of the repository, in the project's environment::

    uv run python benchmarks/validation.py [--rows 1000000]

A table of 8 columns (a unique number, a foreign key, numbers, a flag, text) is made once in a
temporary folder, with its hash in a datapackage.json. Both sides then check it, each in a process
of its own: hash and size, types, limits, the primary and the foreign key of every row. Ours is what
`snakemake package` does: hashes as the cross-check takes them, and `check_values`, which hands the
schema and the first rows to Frictionless too. Afterwards one cell is spoilt in the last row, and
both must say so.

The exit status is 1 when a side accepts the spoilt table, or refuses the good one.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "workflow" / "scripts"
FIELDS = {
    "label": ("integer", {"required": True, "unique": True}),
    "image": ("string", {"required": True}),
    "area_um2": ("number", {"minimum": 0}),
    "circularity": ("number", {"minimum": 0, "maximum": 1}),
    "intensity": ("number", {}),
    "holes": ("integer", {"minimum": 0}),
    "touches_border": ("boolean", {}),
    "outcome": ("string", {"enum": ["matched", "missed"]}),
}


def make(folder: Path, rows: int) -> None:
    """Write the tables and their descriptor."""
    import numpy as np
    from bioagree import tables

    rng = np.random.default_rng(0)
    images = np.array([f"image-{i}" for i in range(1000)])
    tables.write_csv(folder / "images.csv", {"image": images})
    columns = {
        "label": np.arange(1, rows + 1),
        "image": images[rng.integers(len(images), size=rows)],
        "area_um2": rng.lognormal(4, 1, rows),
        "circularity": rng.random(rows),
        "intensity": rng.normal(1000, 300, rows),
        "holes": rng.poisson(0.2, rows),
        "touches_border": rng.random(rows) < 0.1,
        "outcome": np.array(["matched", "missed"])[rng.integers(2, size=rows)],
    }
    tables.write_csv(folder / "objects.csv", columns)
    describe(folder)


def describe(folder: Path) -> None:
    """Write the descriptor, with hashes of the tables as they are."""
    fields = [
        {"name": name, "type": kind, "constraints": limits}
        for name, (kind, limits) in FIELDS.items()
    ]
    foreign = {"fields": ["image"], "reference": {"resource": "images", "fields": ["image"]}}
    schemas = {
        "images": {"fields": [{"name": "image", "type": "string"}], "primaryKey": ["image"]},
        "objects": {"fields": fields, "primaryKey": ["label"], "foreignKeys": [foreign]},
    }
    resources = []
    for name, schema in schemas.items():
        content = (folder / f"{name}.csv").read_bytes()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        about = {"name": name, "path": f"{name}.csv", "type": "table", "format": "csv"}
        resources.append(about | {"bytes": len(content), "hash": digest, "schema": schema})
    (folder / "datapackage.json").write_text(json.dumps({"name": "a", "resources": resources}))


def ours(folder: Path) -> list[str]:
    """Check as the end of `snakemake package` does."""
    from bioagree.publication.opened import Opened
    from bioagree.publication.values import check_values

    with Opened(folder) as package:
        described = json.loads(package.read("datapackage.json"))
        faults = []
        for one in described["resources"]:
            found = package.measure(one["path"])
            if (f"sha256:{found.sha256}", found.size) != (one["hash"], one["bytes"]):
                faults.append(f"{one['path']} was changed")
        return faults + check_values(package, described)


def frictionless(folder: Path) -> list[str]:
    """Check with Frictionless alone."""
    from frictionless import Package, system

    with system.use_context(trusted=True):
        report = Package(str(folder / "datapackage.json")).validate()
    return [message for (message,) in report.flatten(["message"])]


def run_alone(side: str, folder: Path) -> dict:
    """Run one side in a process of its own; return what it printed."""
    command = [sys.executable, __file__, "--side", side, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(side: str, folder: Path) -> None:
    """Print seconds, memory above the imports and faults of one side."""
    import frictionless as _  # noqa: F401, both sides need it
    from pyarrow import csv as _csv  # noqa: F401

    before, start = peak_mb(), time.perf_counter()
    faults = {"ours": ours, "frictionless": frictionless}[side](folder)
    seconds = time.perf_counter() - start
    print(json.dumps({"s": seconds, "mb": peak_mb(), "imports_mb": before, "faults": faults[:3]}))


def peak_mb() -> float:
    """Return the highest memory of this process alone."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def main() -> None:
    """Run the benchmark, or one side of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--side", choices=["ours", "frictionless"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path.insert(0, str(SCRIPTS))
    if options.side:
        measure(options.side, options.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, options.rows)
        size = (folder / "objects.csv").stat().st_size / 1e6
        found = {side: run_alone(side, folder) for side in ("ours", "frictionless")}
        print(f"{options.rows:,} rows x {len(FIELDS)} columns, {size:.0f} MB")
        print(f"{'':14}{'s':>9}{'ratio':>8}{'peak MB':>10}{'imports MB':>12}")
        for side, one in found.items():
            ratio = one["s"] / found["ours"]["s"]
            print(f"{side:14}{one['s']:9.2f}{ratio:8.1f}{one['mb']:10.0f}{one['imports_mb']:12.0f}")
        accepted = {side: not one["faults"] for side, one in found.items()}
        content = (folder / "objects.csv").read_bytes()
        (folder / "objects.csv").write_bytes(content[: content.rindex(b",")] + b",lost\n")
        describe(folder)
        spoilt = {side: run_alone(side, folder)["faults"] for side in found}
    for side, faults in spoilt.items():
        print(f"{side} on a spoilt last row: {faults[0] if faults else 'nothing'}")
    sys.exit(0 if all(accepted.values()) and all(spoilt.values()) else 1)


if __name__ == "__main__":
    main()
