"""A tiny study in a folder of its own, and Snakemake as its user would call it."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
TREE = ("CITATION.cff", "Snakefile", "config", "envs", "profiles", "workflow")
PIXEL_UM = 0.5
STACK_UM = (1.0, 0.5, 0.5)

CONFIG = {
    "title": "A tiny study",
    "samples": "config/samples.tsv",
    "datasets": "config/datasets.yaml",
    "methods": "config/methods.yaml",
    "use_methods": ["gauss-otsu", "voronoi-otsu", "distance-watershed", "local-watershed"],
    "device": "auto",
    "features": {"use": ["intensity", "shape"]},
    "surfaces": {"smoothing_iterations": 5, "faces": 0.2},
    "tracks": {"max_gap_frames": 1},
    "annotations": {"share": 0.05, "seed": 0},
    "scores": {"tolerance_um": 1.0},
    "questions": {
        "quality": {"type": "quality", "ask": "How good is each method?"},
        "agreement": {"type": "agreement", "ask": "Do the methods agree?"},
    },
    "report": {"examples": 2},
}
METHODS = {
    "filters": {
        "smooth": [{"gaussian": {"sigma_um": 0.5}}],
        "flat": [{"top_hat": {"radius_um": 8}}, {"gaussian": {"sigma_um": 0.5}}],
    },
    "methods": {
        "gauss-otsu": {
            "filter": "smooth",
            "segmenter": "gauss_otsu",
            "parameters": {"sigma_um": 0.5},
            "postprocess": [{"fill_holes": {}}, {"remove_small": {"min_diameter_um": 2}}],
        },
        "voronoi-otsu": {
            "filter": "flat",
            "segmenter": "voronoi_otsu",
            "parameters": {"spot_sigma_um": 1.5, "outline_sigma_um": 0.5},
        },
        "distance-watershed": {
            "filter": "smooth",
            "segmenter": "distance_watershed",
            "parameters": {"seed_distance_um": 2.5},
        },
        "local-watershed": {
            "filter": "smooth",
            "segmenter": "local_threshold_watershed",
            "parameters": {"window_um": 6.0, "seed_distance_um": 2.5},
        },
    },
}
PLATE = {
    "title": "Discs on two fields",
    "folder": "raw/plate",
    "licence": "CC-BY-4.0",
    "creators": [{"name": "Curie, Marie"}],
    "axes": "YX",
    "voxel_um": [PIXEL_UM, PIXEL_UM],
    "calibration": "measured",
    "channels": ["nuclei"],
    "optics": {"numerical_aperture": 0.8, "emission_nm": 600},
    "truth": {"kind": "manual", "repair": [{"fill_holes": {}}]},
}
STACK = {
    "title": "Balls in a stack",
    "licence": "CC0-1.0",
    "creators": [{"name": "Franklin, Rosalind"}],
    "axes": "ZYX",
    "voxel_um": list(STACK_UM),
    "calibration": "nominal",
    "channels": ["nuclei"],
    "truth": {"kind": "manual"},
}


@dataclass(frozen=True)
class Outcome:
    """How a call of Snakemake ended, and everything that it said."""

    code: int
    output: str

    @property
    def planned(self) -> set[tuple[str, str]]:
        """Rule and wildcards of the jobs that a dry run announced, without targets."""
        blocks = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", self.output, re.MULTILINE)
        jobs = set()
        for rule, block in blocks:
            wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
            values = re.findall(r"\w+=([^,\n]+)", wildcards[1]) if wildcards else []
            if "output:" in block:
                jobs.add((rule, ".".join(values)))
        return jobs

    @property
    def nothing_to_do(self) -> bool:
        return self.code == 0 and "Nothing to be done" in self.output


@dataclass
class Study:
    """A folder with config and images, written by :meth:`write`, and run in place."""

    folder: Path
    repository: Path = REPOSITORY
    config: dict = field(default_factory=lambda: deepcopy(CONFIG))
    methods: dict = field(default_factory=lambda: deepcopy(METHODS))
    datasets: dict = field(default_factory=dict)
    samples: list[dict] = field(default_factory=list)

    def write(self) -> "Study":
        """Write the config files; whatever was changed before is in them."""
        (self.folder / "config").mkdir(parents=True, exist_ok=True)
        for name in ("config", "methods", "datasets"):
            text = yaml.safe_dump(getattr(self, name), sort_keys=False, allow_unicode=True)
            (self.folder / "config" / f"{name}.yaml").write_text(text)
        header = list(dict.fromkeys(key for row in self.samples for key in row))
        rows = [header, *([row.get(key, "") for key in header] for row in self.samples)]
        lines = ["\t".join(row) for row in rows]
        (self.folder / "config" / "samples.tsv").write_text("\n".join(lines) + "\n")
        return self

    def add(self, name: str, dataset: dict, images: str, truth: str = "", **more) -> "Study":
        """Add a dataset with one sample of the same name."""
        self.datasets[name] = deepcopy(dataset)
        row = {"sample": name, "dataset": name, "images": images, "truth": truth}
        self.samples.append(row | more)
        return self

    def use(self, *methods: str) -> "Study":
        self.config["use_methods"] = list(methods)
        return self

    def command(self, *arguments: str) -> list[str]:
        snakefile = ["--snakefile", str(self.repository / "Snakefile")]
        place = ["--directory", str(self.folder)]
        return [sys.executable, "-m", "snakemake", *snakefile, *place, *arguments]

    def snakemake(self, *arguments: str, before=(), env=None, **options) -> Outcome:
        """Run Snakemake and wait; `before` stands in front of the command."""
        done = subprocess.run(
            [*before, *self.command(*arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=self.folder,
            env=os.environ | {"BIOAGREE_CACHE": str(self.folder / "cache")} | (env or {}),
            timeout=1200,
            check=False,
            **options,
        )
        return Outcome(done.returncode, done.stdout)

    def run(self, *arguments: str, **options) -> Outcome:
        """Run Snakemake, which must succeed."""
        outcome = self.snakemake(*arguments, **options)
        assert outcome.code == 0, outcome.output
        return outcome

    def path(self, *parts: str) -> Path:
        return self.folder.joinpath(*parts)

    def records(self) -> list[dict]:
        paths = sorted(self.path("results", "provenance").rglob("*.json"))
        return [json.loads(path.read_text()) for path in paths]

    def products(self) -> dict[str, bytes]:
        """Return everything below results that must be the same wherever it is made."""
        results, varying = self.path("results"), {"logs", "benchmarks", "provenance"}
        return {
            str(path.relative_to(results)): path.read_bytes()
            for path in sorted(results.rglob("*"))
            if path.is_file() and path.relative_to(results).parts[0] not in varying
        }


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def draw(shape, spacing, centres_um, radius_um):
    """Draw balls or discs of one radius: 16-bit intensities with noise, and their labels."""
    grid = np.stack(np.indices(shape), -1) * spacing
    labels = np.zeros(shape, np.uint16)
    for number, centre in enumerate(centres_um, start=1):
        labels[np.linalg.norm(grid - centre, axis=-1) <= radius_um] = number
    noise = np.random.default_rng(len(centres_um)).normal(0, 8, shape)
    return np.clip(100 + 900 * (labels > 0) + noise, 0, 65535).astype(np.uint16), labels


def draw_plate(folder: Path) -> None:
    """Write two fields of discs; two discs of the second field touch."""
    (folder / "labels").mkdir(parents=True)
    first = [(9, 9), (11, 30), (28, 12), (30, 34)]
    second = [(10, 10), (10, 17), (26, 30)]
    for name, shape, centres in (("A01_1", (72, 88), first), ("A01_2", (64, 80), second)):
        image, labels = draw(shape, (PIXEL_UM, PIXEL_UM), centres, 4.0)
        tifffile.imwrite(folder / f"{name}.tif", image)
        tifffile.imwrite(folder / "labels" / f"{name}.tif", labels)


def draw_stack(folder: Path) -> None:
    """Write an anisotropic stack; ImageJ's metadata claim another distance between planes."""
    folder.mkdir(parents=True)
    image, labels = draw((12, 48, 48), STACK_UM, [(5, 7, 7), (6, 16, 17)], 3.5)
    calibration = {"spacing": 2.0, "unit": "um", "axes": "ZYX"}
    pixels = (1 / STACK_UM[1], 1 / STACK_UM[2])
    path = folder / "stack.tif"
    tifffile.imwrite(path, image, imagej=True, resolution=pixels, metadata=calibration)
    tifffile.imwrite(folder / "stack-labels.tif", labels)


def new_plate(folder: Path, repository: Path = REPOSITORY) -> Study:
    """Return a study of the plate alone, not yet written."""
    draw_plate(folder / "raw" / "plate")
    study = Study(folder, repository)
    return study.add("plate", PLATE, "A01_*.tif", "labels/{name}.tif", session="day-1")


def new_tiny(folder: Path, repository: Path = REPOSITORY) -> Study:
    """Return a study of a plate in a local folder and a fetched stack, not yet written."""
    study = new_plate(folder, repository)
    draw_stack(folder / "raw" / "stack")
    files = [
        {"url": f"file:raw/stack/{name}", "sha256": sha256(folder / "raw" / "stack" / name)}
        for name in ("stack.tif", "stack-labels.tif")
    ]
    return study.add("stack", STACK | {"files": files}, "stack.tif", "stack-labels.tif")


def copy_tree(folder: Path) -> Path:
    """Copy what a run needs of the repository, so that a test may edit it.

    Kernels that were compiled already come along, since that takes a minute.
    """
    folder.mkdir(parents=True)
    left_behind = shutil.ignore_patterns("*.pyc", "*.pyc.*", "*.tmp.*")
    for name in TREE:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=left_behind)
        else:
            shutil.copy2(source, folder / name)
    return folder


@pytest.fixture
def plate(tmp_path) -> Study:
    """A study of one sample with two fields and their truth; write it before it runs."""
    return new_plate(tmp_path / "study")


@pytest.fixture(scope="session")
def make():
    """The makers of studies, for fixtures that share a run."""

    class Make:
        study = Study
        plate = staticmethod(new_plate)
        tiny = staticmethod(new_tiny)
        tree = staticmethod(copy_tree)

    return Make
