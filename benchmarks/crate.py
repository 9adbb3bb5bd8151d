"""Time the provenance crate of many jobs, against `rocrate` adding as many actions.

Run from the root of the repository::

    uv run python benchmarks/crate.py [--jobs 1000] [--files 20]

Jobs are made up: each reads what the one before it wrote, one in fifty writes and reads `--files`
files, and all imported 30 modules. Ours builds and writes the whole crate; `rocrate` adds a file
and an action a job and writes its metadata, nothing else.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from bioagree.publication.contents import Agent, File, Package, Publication, Software  # noqa: E402
from bioagree.publication.crate import crate  # noqa: E402

TIMES = {"started": "2026-11-20T10:00:00+00:00", "ended": "2026-11-20T10:00:30+00:00"}


def package_of(jobs: int, many: int) -> Package:
    imported = {f"module{number}": f"1.{number}" for number in range(30)}
    records, files, before = {}, [_file("workflow/Snakefile", "workflow")], {}
    for number in range(jobs):
        count = many if number % 50 == 49 else 1
        wrote = [f"results/features/{number}-{one}.parquet" for one in range(count)]
        name = f"provenance/rule{number % 20}/{number}.json"
        records[name] = TIMES | {
            "rule": f"rule{number % 20}",
            "wildcards": {"sample": f"sample-{number}"},
            "code": _hash(str(number % 20))[:16],
            "parameters": {"method": {"filter": "smooth", "sigma_um": 1.5}, "device": "auto"},
            "threads": 1,
            "host": {"machine": "x86_64", "vectors": ["avx", "avx2"], "name": "host"},
            "environment": {"python": "3.11.7", "digest": "ab" * 32, "imported": imported},
            "inputs": before,
            "outputs": {path: {"sha256": _hash(path), "bytes": 1000} for path in wrote},
            "warnings": [],
        }
        before = {path: _hash(path) for path in wrote}
        files += [_file(path, "parquet", path) for path in wrote] + [_file(name, "record")]
    said = Publication("Title", "Text", "1.0.0", "2026-11-20", "", "MIT", (), Agent("A group"))
    software = Software("0.1.0", "", "ab" * 20)
    rest = (tuple(files), records, "results", TIMES["started"], TIMES["ended"])
    return Package(said, software, "MIT", {}, {}, {}, {}, {}, *rest)


def with_rocrate(jobs: int, place: Path) -> None:
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    made = ROCrate(version="1.1")
    for number in range(jobs):
        path = f"results/features/{number}.parquet"
        file = made.add_file(dest_path=path, properties={"sha256": _hash(path)})
        action = made.add(
            ContextEntity(made, f"#job/{number}", {"@type": "CreateAction", "name": f"{number}"})
        )
        action["result"] = file
    made.metadata.write(place)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--files", type=int, default=20)
    asked = parser.parse_args()
    package = package_of(asked.jobs, asked.files)
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "crate.json")
        start = time.perf_counter()
        content = crate(package, {}, {})
        written.write_text(json.dumps(content, indent=1, ensure_ascii=False))
        ours = time.perf_counter() - start
        size = written.stat().st_size
        start = time.perf_counter()
        with_rocrate(asked.jobs, Path(folder))
        theirs = time.perf_counter() - start
    tracemalloc.start()
    crate(package, {}, {})
    peak = tracemalloc.get_traced_memory()[1]
    print(f"{asked.jobs:,} jobs, {len(package.files):,} files, {len(content['@graph']):,} entities")
    print(f"ours     {ours:.2f} s, {ours / asked.jobs * 1000:.2f} ms a job")
    print(f"size     {size / 1e6:.1f} MB, {size / asked.jobs / 1e3:.1f} kB a job")
    print(f"memory   {peak / 1e6:.0f} MB beyond the records")
    print(f"rocrate  {theirs:.2f} s, {theirs / ours:.1f} times as long, for a part of it")


def _file(path: str, role: str, product: str | None = None) -> File:
    return File(path, role, "text/plain", 1000, _hash(path), "MIT", product=product)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
