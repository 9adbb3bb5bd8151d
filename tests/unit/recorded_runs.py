"""A small run with one artefact of each kind, as its jobs would have left it on record."""

import json
from copy import deepcopy
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import trimesh
from bioagree import images, tables
from bioagree.verification import recordings, verdict
from bioagree.verification.provenance import read_run
from bioagree.verification.recordings import Recording

SIZE = 192
INTEL = {"backend": "opencl", "kind": "cpu", "name": "a processor", "driver": "1.0"}
CARD = {"backend": "cuda", "kind": "gpu", "name": "a card", "driver": "12.8"}
IMAGE, TRUTH, LABELS = "images/s.ome.tif", "truth/s.ome.tif", "labels/s.m.ome.tif"
FEATURES, TRUE_FEATURES = "features/s.m.parquet", "features/s.truth.parquet"
PAIRS, ABOUT = "comparison/agreement/pairs.csv", "comparison/agreement/datapackage.json"
SCENE, MODEL, FIGURE = "surfaces/s.m.glb", "models/m.d.npz", "comparison/agreement/pairs.svg"
PAGE = "report/index.html"
GPU = (LABELS, FEATURES, PAIRS, ABOUT, SCENE, MODEL, FIGURE, PAGE)
# Rule, what it made, what it read.
JOBS = [
    ("import_images", [IMAGE], []),
    ("import_truth", [TRUTH], [IMAGE]),
    ("filter", ["filtered/s.f.ome.tif"], [IMAGE]),
    ("train", [MODEL], ["filtered/s.f.ome.tif"]),
    ("segment_gpu", [LABELS], ["filtered/s.f.ome.tif", MODEL]),
    ("measure", [FEATURES], [LABELS, IMAGE]),
    ("measure_truth", [TRUE_FEATURES], [TRUTH, IMAGE]),
    ("surface", [SCENE], [LABELS]),
    ("compare_agreement", [PAIRS, ABOUT, FIGURE], [FEATURES, TRUE_FEATURES]),
    ("report", [PAGE], [PAIRS, FIGURE]),
]
DEVICES = ("filter", "train", "segment_gpu")


def squares():
    """Two squares of 6,400 pixels each."""
    labels = np.zeros((SIZE, SIZE), np.uint32)
    labels[5:85, 10:90], labels[100:180, 90:170] = 1, 2
    return labels


def write_labels(path, *arrays, name="field", spacing=(0.5, 0.5)):
    axes = "ZYX"[-arrays[0].ndim :]
    fields = [images.Image(a, axes, spacing, f"{name}-{i}") for i, a in enumerate(arrays)]
    images.write_labels(path, fields)


def write_image(path, array, **more):
    image = images.Image(array, "YX", (0.5, 0.5), "field-0", ("nuclei",))
    images.write(path, [replace(image, **more)])


def features_table():
    columns = {
        "image": np.array(["field-0"] * 3),
        "label": np.array([1, 2, 3]),
        "area_um2": np.array([1600.0, 1600.25, 0.1 + 0.2]),
        "bias": np.array([1e-9, np.nan, 250.0]),
    }
    return tables.Table(columns, {"area_um2": "µm²"}, {"images": ["field-0"]})


ROWS = [
    ["first", "second", "n", "bias", "p"],
    ["otsu", "truth", "3", "0.30000000000000004", ""],
    ["voronoi", "truth", "3", "-12.5", "0.04"],
    ["otsu", "voronoi", "2", "1e-17", "not shown"],
]


def write_csv(path, rows):
    path.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")


def write_scene(path, size=4.0, move=0.0):
    scene = trimesh.Scene()
    box = trimesh.creation.box((size, size, size))
    box.apply_translation((move, 0, 0))
    scene.add_geometry(box, geom_name="label-1", node_name="label-1")
    scene.add_geometry(trimesh.creation.icosphere(2, 3.0), geom_name="label-2", node_name="label-2")
    path.write_bytes(scene.export(file_type="glb"))


def write_products(results):
    for path in (*GPU, IMAGE, TRUTH, TRUE_FEATURES, "filtered/s.f.ome.tif"):
        (results / path).parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 4000, (SIZE, SIZE)).astype(np.uint16)
    write_image(results / IMAGE, noise)
    write_image(results / "filtered/s.f.ome.tif", noise.astype(np.float32))
    write_labels(results / TRUTH, squares())
    write_labels(results / LABELS, squares(), squares()[::-1])
    tables.write(results / FEATURES, features_table())
    tables.write(results / TRUE_FEATURES, features_table())
    write_csv(results / PAIRS, ROWS)
    descriptor = {"resources": [{"name": "pairs", "rows": 3, "mean": 0.5, "path": "pairs.csv"}]}
    (results / ABOUT).write_text(json.dumps(descriptor, indent=1))
    write_scene(results / SCENE)
    np.savez(results / MODEL, trees=np.arange(30))
    (results / FIGURE).write_text("<svg>a figure</svg>\n")
    (results / PAGE).write_text("<html>a page</html>\n")


class Made:
    """A run: its results, and the records of its jobs, which can be changed and written anew."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.results = folder / "results"
        self.device = INTEL
        self.imported = {"numpy": "2.4.6", "scipy": "1.17.1"}
        self.host = {
            "machine": "x86_64",
            "name": "secret-host",
            "system": "Linux-6-with-glibc2.36",
            "vectors": ["avx", "avx2"],
        }
        self.codes: dict[str, str] = {}
        self.parameters: dict[str, dict] = {}
        self.title, self.samples = "A study", ["s"]

    def write_records(self):
        for rule, made, read in JOBS:
            record = {
                "rule": rule,
                "wildcards": {"sample": "s"},
                "code": self.codes.get(rule, "0123456789abcdef"),
                "parameters": {"device": "auto"} | self.parameters.get(rule, {}),
                "host": self.host,
                "environment": {"python": "3.11.7", "imported": self.imported, "digest": "x"},
                "inputs": {f"{self.results}/{path}": "" for path in read},
                "outputs": {
                    f"{self.results}/{path}": {
                        "sha256": sha256((self.results / path).read_bytes()).hexdigest(),
                        "bytes": (self.results / path).stat().st_size,
                    }
                    for path in made
                },
                "started": "2026-01-01T00:00:00+00:00",
                "warnings": [],
            }
            if rule in DEVICES:
                record["device"] = self.device
            path = self.results / "provenance" / rule / "s.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record))
        return self

    @property
    def run(self):
        records = [self.results / "provenance" / rule / "s.json" for rule, _, _ in JOBS]
        return read_run(self.title, self.samples, self.results, records)

    def record(self, name="recorded.zip"):
        path = self.folder / name
        recordings.record(path, self.run, self.results)
        return Recording(path)

    def verdict(self, recording):
        return verdict.verify(self.run, recording, self.results)

    def table(self, recording):
        return verdict.table(self.verdict(recording), recording, self.results)


def with_cell(row, column, value):
    rows = deepcopy(ROWS)
    rows[row][column] = value
    return rows
