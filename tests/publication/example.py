"""A small run with job records, and the package that it gives, without running a workflow."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from bioagree.publication.contents import (
    MANIFEST,
    Agent,
    File,
    Package,
    Publication,
    Software,
)

CREATOR = Agent(
    "Curie, Marie",
    "Curie",
    "Marie",
    orcid="0000-0002-1825-0097",
    affiliation="University of Paris",
    ror="05f82e368",
)
CONTACT = Agent("Curie, Marie", "Curie", "Marie", email="marie.curie@example.org")
PUBLICATION = Publication(
    title="Do two methods count the same nuclei?",
    description="Nuclei segmented with two methods, compared with what a person drew.",
    version="1.0.0",
    date="2026-11-22",
    doi="10.5072/zenodo.1234",
    licence="CC-BY-4.0",
    creators=(CREATOR, Agent("Image Analysis Facility")),
    contact=CONTACT,
    keywords=("nuclei", "segmentation"),
    related=({"identifier": "10.1234/paper.5", "relation": "IsSupplementTo"},),
    funding=({"funder": "Research Council", "award": "42"},),
)
DATASETS = {
    "plate": {
        "title": "Discs on two fields",
        "files": [{"url": "https://example.org/plate.zip", "sha256": "ab" * 32}],
        "licence": "CC-BY-4.0",
        "creators": [{"name": "Franklin, Rosalind", "orcid": "0000-0001-5109-3700"}],
        "doi": "10.1234/plate",
        "axes": "YX",
        "voxel_um": [0.5, 0.5],
        "calibration": "measured",
        "channels": ["nuclei"],
        "truth": {"kind": "manual"},
    },
    "stack": {
        "title": "Balls in a stack",
        "folder": "raw/stack",
        "licence": "MIT",
        "creators": [{"name": "Allen Institute for Cell Science"}],
        "axes": "ZYX",
        "voxel_um": [1.0, 0.5, 0.5],
        "calibration": "nominal",
        "channels": ["nuclei"],
    },
}
BLANK = ("truth", "session", "subject", "condition", "split", "annotations")
SAMPLES = {
    "plate-1": {"dataset": "plate", "images": "*.tif"} | dict.fromkeys(BLANK, "") | {"truth": "t"},
    "stack-1": {"dataset": "stack", "images": "*.tif"} | dict.fromkeys(BLANK, ""),
}
METHODS = {
    "gauss-otsu": {
        "filter": "smooth",
        "segmenter": "gauss_otsu",
        "parameters": {"sigma_um": 0.5},
    },
    "distance-watershed": {
        "filter": "smooth",
        "segmenter": "distance_watershed",
        "parameters": {"seed_distance_um": 2.5},
    },
}
QUESTIONS = {"agreement": {"type": "agreement", "ask": "Do the methods agree?"}}
CONFIG = {"title": PUBLICATION.title, "questions": QUESTIONS, "device": "auto"}
SCRIPTS = {
    "fetch": "fetch.py",
    "import_images": "import_images.py",
    "import_truth": "import_truth.py",
    "filter": "filter.py",
    "segment_gpu": "segment.py",
    "segment_cpu": "segment.py",
    "measure": "measure.py",
    "surface": "surface.py",
    "compare_agreement": "compare_agreement.py",
    "report": "report.py",
}
DEVICE = {"backend": "opencl", "driver": "OpenCL 3.0", "kind": "cpu", "name": "A processor"}


def record(rule, wildcards, inputs, outputs, minute, **more):
    """Return what a job leaves on record; `inputs` and `outputs` are contents by path."""
    return {
        "rule": rule,
        "wildcards": wildcards,
        "code": hashlib.sha256(rule.encode()).hexdigest()[:16],
        "parameters": {"some_um": 1.5, "nested": {"of": ["ü", None, True]}},
        "started": f"2026-11-20T10:{minute:02}:00+00:00",
        "ended": f"2026-11-20T10:{minute:02}:30+00:00",
        "threads": 1,
        "host": {
            "name": "private-host",
            "system": "Linux-6.1-x86_64-with-glibc2.36",
            "machine": "x86_64",
            "vectors": ["avx", "avx2"],
            "cores": 2,
        },
        "environment": {
            "python": "3.11.7",
            "digest": "cd" * 32,
            "imported": {"numpy": "2.4.6", "snakemake": "9.27.1"},
        },
        "inputs": {path: _hash(content) for path, content in inputs.items()},
        "outputs": {
            path: {"sha256": _hash(content), "bytes": len(content)}
            for path, content in outputs.items()
        },
        "warnings": [],
        **more,
    }


def run():
    """Return the contents of all files of the run by path, and the records by (rule, name)."""
    raw = {
        "plate": {"resources/plate/a.tif": b"raw plate", "resources/plate/t.tif": b"drawn"},
        "stack": {"raw/stack/b.tif": b"raw stack"},
    }
    files, records = {}, {}

    def job(rule, name, wildcards, inputs, outputs, **more):
        outputs = {path: f"{path}\n".encode() for path in outputs}
        files.update(outputs)
        known = raw["plate"] | raw["stack"] | files
        read = {path: known[path] for path in inputs}
        records[rule, name] = record(rule, wildcards, read, outputs, len(records), **more)

    records["fetch", "plate"] = record("fetch", {"dataset": "plate"}, {}, raw["plate"], 0)
    for sample in SAMPLES:
        one = {"sample": sample}
        image = f"results/images/{sample}.ome.tif"
        job("import_images", sample, one, sorted(raw[sample.split("-")[0]])[:1], [image])
        smooth = f"results/filtered/{sample}.smooth.ome.tif"
        job("filter", f"{sample}.smooth", one | {"filter": "smooth"}, [image], [smooth])
        for method in METHODS:
            name, wildcards = f"{sample}.{method}", one | {"method": method}
            labels = f"results/labels/{name}.ome.tif"
            gpu = method == "gauss-otsu"
            rule, more = ("segment_gpu", {"device": DEVICE}) if gpu else ("segment_cpu", {})
            job(rule, name, wildcards, [smooth], [labels], **more)
            features = f"results/features/{name}.parquet"
            job("measure", name, wildcards, [labels, image], [features])
            if sample == "stack-1":
                job("surface", name, wildcards, [labels], [f"results/surfaces/{name}.glb"])
    job(
        "import_truth",
        "plate-1",
        {"sample": "plate-1"},
        ["resources/plate/t.tif"],
        ["results/truth/plate-1.ome.tif"],
    )
    measured = [path for path in files if path.startswith("results/features/")]
    answer = "results/comparison/agreement/"
    job(
        "compare_agreement",
        "agreement",
        {"question": "agreement"},
        measured,
        [f"{answer}{name}" for name in ("pairs.csv", "overview.svg", "datapackage.json")],
        warnings=["Only one image has a truth."],
    )
    job(
        "report",
        "all",
        {},
        [f"{answer}pairs.csv", f"{answer}overview.svg"],
        ["results/report/index.html"],
    )
    return files, records


def package(contents=None) -> Package:
    """Return the package of the run, as it is before any description is written.

    What its files hold is added to `contents`, by their path.
    """
    from bioagree.publication.gathering import describe, media_type, role_of

    files, records = run()
    entries = []
    contents = {} if contents is None else contents

    def add(path, content, role, datasets=(), **more):
        mine = role in ("workflow", "licence")
        contents[path] = content
        entries.append(
            File(
                path,
                role,
                media_type(path),
                len(content),
                _hash(content),
                "BSD-3-Clause" if mine else "CC-BY-4.0",
                ("2026 the bioagree developers",) if mine else ("Franklin, Rosalind",),
                datasets,
                **more,
            )
        )

    for path, content in files.items():
        name = path.removeprefix("results/")
        if name.split("/")[0] in ("filtered", "images"):
            continue
        datasets = tuple(d for d in DATASETS if d in name) or tuple(DATASETS)
        role = role_of(name)
        about = {"description": describe(name, role), "product": path}
        add(path, content, role, datasets, **about)
        if role == "parquet":
            table = f"tables/{name.removesuffix('.parquet')}.csv"
            add(table, b"object,area_um2\n1,2.5\n", "table", datasets, **about)
    named = {f"provenance/{rule}/{name}.json": one for (rule, name), one in records.items()}
    for path, one in named.items():
        add(path, json.dumps(one).encode(), "record", description="What a job left on record.")
    for path in ("workflow/Snakefile", "workflow/workflow/Snakefile", "workflow/uv.lock"):
        add(path, path.encode(), "workflow", description="The workflow.")
    for script in sorted(set(SCRIPTS.values())):
        add(f"workflow/workflow/scripts/{script}", script.encode(), "workflow")
    for licence in ("BSD-3-Clause", "CC-BY-4.0", "MIT"):
        add(f"LICENSES/{licence}.txt", licence.encode(), "licence")
    return Package(
        PUBLICATION,
        Software("0.1.0", "https://example.org/bioagree", "12ab" * 10),
        "BSD-3-Clause AND CC-BY-4.0",
        CONFIG,
        SAMPLES,
        DATASETS,
        METHODS,
        QUESTIONS,
        tuple(sorted(entries, key=lambda entry: entry.path)),
        named,
        "results",
        min(one["started"] for one in named.values()),
        max(one["ended"] for one in named.values()),
    )


def without_doi(of: Package) -> Package:
    """Return a package as it is before a DOI was reserved."""
    return replace(of, publication=replace(of.publication, doi=""))


def packed() -> dict[str, bytes]:
    """Return what all files of the package hold, with descriptions and manifest, by their path."""
    from bioagree.publication.building import manifest
    from bioagree.publication.descriptions import describe

    files: dict[str, bytes] = {}
    whole = package(files)
    scripts = {rule: f"workflow/workflow/scripts/{name}" for rule, name in SCRIPTS.items()}
    files |= describe(whole, {}, scripts, dict.fromkeys(SCRIPTS, "What it is for."))
    return files | {MANIFEST: manifest({name: _hash(one) for name, one in files.items()})}


def write_run(folder: Path) -> None:
    """Write the products and records of the run below a folder."""
    files, records = run()
    contents = {Path(path): content for path, content in files.items()}
    for (rule, name), one in records.items():
        contents[Path(f"results/provenance/{rule}/{name}.json")] = json.dumps(one).encode()
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
