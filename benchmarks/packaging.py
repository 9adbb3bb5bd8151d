"""How fast a package is built, against `sha256sum` and `zip` on the same files.

    uv run python benchmarks/packaging.py --gigabytes 10

Makes label images of random bytes (as compressed ones are) and tables of random numbers, with the
records of the jobs that would have made them; then builds the package from them, checks it, and
runs `sha256sum` and `zip` over the folder of the package, which stores the same kinds of files
without compression as we do. Needs four times the space, and zip.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from bioagree.publication import building, checking  # noqa: E402
from bioagree.publication.contents import Agent, Publication, Software  # noqa: E402
from bioagree.publication.opened import Opened  # noqa: E402
from bioagree.publication.writing import STORED  # noqa: E402
from bioagree.table_schema import table_schema  # noqa: E402

FILE = 256 * 10**6  # bytes of a label image
TABLES = 0.1  # share of the bytes
WHO = Agent("The bioagree developers", email="bioagree@example.org")
DATASET = {
    "title": "Random bytes",
    "folder": "raw",
    "licence": "CC0-1.0",
    "creators": [{"name": WHO.name}],
    "axes": "YX",
    "voxel_um": [0.5, 0.5],
    "calibration": "nominal",
    "channels": ["nuclei"],
}


def make(folder: Path, size: int) -> building.Request:
    """Write results of about so many bytes, with records, and return what is to be packaged."""
    random = np.random.default_rng(0)
    samples = {f"s{number}": {} for number in range(max(1, int(size * (1 - TABLES)) // FILE))}
    records = []

    def job(rule: str, name: str, path: str, chunks, inputs=()):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, count = sha256(), 0
        with open(target, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                count += len(chunk)
        record = {
            "rule": rule,
            "wildcards": {"sample": name, "method": "otsu"},
            "code": "0" * 16,
            "parameters": {"row": {"dataset": "random"}} if not inputs else {},
            "started": "2026-11-22T00:00:00+00:00",
            "ended": "2026-11-22T00:00:01+00:00",
            "threads": 1,
            "host": {"system": "Linux", "machine": "x86_64", "vectors": [], "cores": 2},
            "environment": {"python": "3.11", "digest": "0" * 64, "imported": {"numpy": "2"}},
            "inputs": dict.fromkeys(inputs, "0" * 64),
            "outputs": {path: {"sha256": digest.hexdigest(), "bytes": count}},
            "warnings": [],
        }
        written = folder / "results" / "provenance" / rule / f"{name}.json"
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(json.dumps(record))
        records.append(written.relative_to(folder))

    for name in samples:
        samples[name] = {"dataset": "random", "images": "*.tif", "truth": ""}
        chunks = (random.bytes(10**6) for _ in range(FILE // 10**6))
        job("segment_cpu", name, f"results/labels/{name}.otsu.ome.tif", chunks)
    labels = [f"results/labels/{name}.otsu.ome.tif" for name in samples]
    rows = (
        "".join(f"{x!r},{y!r}\n" for x, y in random.random((20_000, 2)).tolist()).encode()
        for _ in range(int(size * TABLES) // 780_000)
    )
    table = "results/comparison/agreement/pairs.csv"
    job("compare_agreement", "agreement", table, [b"value,area_um2\n", *rows], labels)
    schema = table_schema({"value": "number", "area_um2": "number"}, "pairs")
    described = {"resources": [{"path": "pairs.csv", "schema": schema}]}
    (folder / table).with_name("datapackage.json").write_text(json.dumps(described))
    job("report", "all", "results/report/index.html", [b"<html></html>"], [table])
    sheet = folder / "sheet.yaml"
    sheet.write_text(json.dumps({"random": DATASET}))
    config = {
        "title": "Random bytes",
        "publication": {},
        **dict.fromkeys(building.SHEETS, str(sheet)),
    }
    return building.Request(
        Publication(
            "Random bytes in random files",
            "What a package of many gigabytes takes to be built, and nothing else.",
            "1.0.0",
            "2026-11-22",
            "",
            "CC-BY-4.0",
            (WHO,),
            WHO,
        ),
        config,
        samples,
        {"random": DATASET},
        {},
        {},
        records,
        Path("results"),
        ROOT,
        Software("0.1.0", "", ""),
        dict.fromkeys(("segment_cpu", "compare_agreement", "report"), "workflow/scripts/report.py"),
        dict.fromkeys(("segment_cpu", "compare_agreement", "report"), "Something."),
    )


def peak_mb() -> float:
    """Return the largest memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--folder", type=Path, help="where there is space (default: a temporary)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        os.chdir(place)
        with get_context("spawn").Pool(1) as pool:  # whose memory does not count
            request = pool.apply(make, (Path(place), int(options.gigabytes * 1e9)))
        os.sync()
        before, begin = peak_mb(), time.perf_counter()
        package = building.build(request, Path("package"), Path("package.zip"))
        os.sync()
        built = time.perf_counter() - begin
        memory = peak_mb()
        begin = time.perf_counter()
        with Opened(Path("package.zip")) as opened:
            found = checking.check(opened)
        checked = time.perf_counter() - begin
        begin = time.perf_counter()
        subprocess.run(
            "find . -type f -print0 | xargs -0 sha256sum > ../hashes; "
            f"zip -q -r -n {':'.join(sorted(STORED))} ../plain.zip .",
            shell=True,
            cwd="package",
            check=True,
        )
        os.sync()
        plain = time.perf_counter() - begin
        size = sum(file.size for file in package.files) / 1e9
        ours, theirs = (Path(n).stat().st_size / 1e9 for n in ("package.zip", "plain.zip"))
    print(f"{len(package.files)} files, {size:.2f} GB; {found.summary}")
    print(f"building folder and ZIP: {built:.1f} s, {size / built * 1e3:.0f} MB/s, {ours:.2f} GB")
    print(f"sha256sum and zip:       {plain:.1f} s, {size / plain * 1e3:.0f} MB/s, {theirs:.2f} GB")
    print(f"ratio {built / plain:.2f}; the check afterwards takes {checked / plain:.2f}")
    print(
        f"peak memory {memory:.0f} MB, of which {before:.0f} MB before it began; with the check "
        f"{peak_mb():.0f} MB"
    )


if __name__ == "__main__":
    main()
