"""Does a study know what belongs to what, and refuse what does not fit together?"""

from pathlib import Path

import pytest
import yaml
from bioagree.configuration import read_yaml
from bioagree.errors import InputError
from bioagree.study import Study

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "workflow/schemas"
DATASET = {
    "title": "A plate",
    "folder": "raw",
    "licence": "CC-BY-4.0",
    "creators": [{"name": "Curie, Marie"}],
    "axes": "CYX",
    "voxel_um": [0.5, 0.5],
    "calibration": "measured",
    "channels": ["nuclei", "actin"],
    "truth": {"kind": "manual"},
}
MOVIE = DATASET | {
    "axes": "TZYX",
    "voxel_um": [2.0, 0.5, 0.5],
    "time_step_s": 60,
    "channels": [],
    "truth": {"kind": "silver", "lineage": {"file": "l.csv", "format": "spots"}},
}
METHODS = {
    "filters": {
        "first": [{"gaussian": {"sigma_um": 1.0}}],
        "actin": [{"channel": {"name": "actin"}}, {"gaussian": {"sigma_um": 1.0}}],
    },
    "methods": {
        name: {"filter": chain, "segmenter": segmenter, "parameters": parameters}
        for name, chain, segmenter, parameters in (
            ("otsu", "first", "gauss_otsu", {"sigma_um": 1.0}),
            ("cells", "actin", "distance_watershed", {"seed_distance_um": 3.0}),
        )
    },
}
COLOCALISATION = {
    "type": "colocalisation",
    "ask": "?",
    "channels": ["nuclei", "actin"],
    "objects": ["otsu", "cells"],
    "psf_um": 0.3,
}
SHEET = (
    "plate\tplate\t*.tif\t{name}.tif",
    "bare\tplate\t*.tif\t",
    "film\tmovie\tm.tif\t{name}.tif",
)


@pytest.fixture
def read(tmp_path):
    """Return a function that writes a study's files, with changes, and reads it."""

    def run(rows=SHEET, datasets=None, methods=METHODS, **changes):
        named = {
            "datasets": datasets or {"plate": DATASET, "movie": MOVIE},
            "methods": methods,
        }
        for name, content in named.items():
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
        sheet = tmp_path / "samples.tsv"
        sheet.write_text("\n".join(("sample\tdataset\timages\ttruth", *rows)) + "\n")
        files = {name: str(tmp_path / f"{name}.yaml") for name in named}
        config = read_yaml(ROOT / "config/config.yaml") | files | {"samples": str(sheet)}
        config["use_methods"] = ["otsu", "cells"]
        return Study.read(config | changes, SCHEMAS, "config.yaml")

    return run


def test_samples_are_sorted_by_what_they_hold(read):
    study = read()
    assert study.segmented == ["plate", "bare"]
    assert study.scored == ["plate"]
    assert study.annotated == ["plate", "film"]
    assert study.movies == study.volumes == study.tracked == ["film"]
    assert study.measured("plate") == ["otsu", "cells", "truth"]
    assert study.measured("bare") == ["otsu", "cells"]
    assert study.measured("film") == ["truth"]


def test_every_job_of_a_mixed_study_has_a_record(read):
    tracking = {"type": "tracking", "ask": "?"}
    jobs = read(
        rows=SHEET[:2] + SHEET[2:],
        questions={"agreement": {"type": "agreement", "ask": "?"}, "tracking": tracking},
    ).jobs()
    assert jobs["filter"] == ["plate.actin", "plate.first", "bare.actin", "bare.first"]
    assert jobs["segment_gpu"] == ["plate.otsu", "bare.otsu"]
    assert jobs["segment_cpu"] == ["plate.cells", "bare.cells"]
    assert jobs["surface"] == jobs["track"] == jobs["score_tracks"] == ["film.truth"]
    assert jobs["score"] == ["plate.otsu", "plate.cells"]
    assert jobs["compare_tracking"] == ["tracking"]
    assert jobs["compare_quality"] == []


@pytest.mark.parametrize(("rows", "questions"), [(SHEET[1:2], {"agreement"}), (SHEET[2:], set())])
def test_questions_that_the_samples_cannot_answer_are_not_asked(read, rows, questions):
    assert set(read(rows).questions) == questions


def test_a_question_can_be_taken_out(read):
    questions = {"quality": None, "agreement": {"type": "agreement", "ask": "?"}}
    assert set(read(questions=questions).questions) == {"agreement"}


def test_gpu_and_cpu_methods_are_told_apart(read):
    study = read()
    assert study.methods_of_kind(gpu=True) == ["otsu"]
    assert study.methods_of_kind(gpu=False) == ["cells"]


def test_colocalisation_is_asked_of_every_sample_with_both_channels(read):
    study = read(questions={"near": COLOCALISATION})
    assert study.jobs()["colocalise"] == ["near.plate", "near.bare"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"use_methods": []}, ["use_methods", "'plate'", "at least one method"]),
        ({"features": {"use": ["shapes"]}}, ["features.use", "'shapes'", "shape"]),
        ({"features": {"use": ["motion"]}}, ["'motion'"]),
        ({"rows": ("film\tmovie\tm.tif\t",)}, ["'film'", "'movie'", "truth"]),
        (
            {"datasets": {"plate": DATASET | {"channels": []}, "movie": MOVIE}},
            ["'plate'", "C", "names"],
        ),
        (
            {"datasets": {"plate": DATASET | {"channels": ["a", "b"]}, "movie": MOVIE}},
            ["'cells'", "'actin'", "'plate'", "a, b"],
        ),
        (
            {
                "methods": METHODS
                | {"filters": METHODS["filters"] | {"actin": METHODS["filters"]["actin"][::-1]}}
            },
            ["'actin'", "step 2", "first"],
        ),
        (
            {"rows": SHEET[:1], "questions": {"near": COLOCALISATION | {"objects": ["otsu", "x"]}}},
            ["'near'", "'x'", "cells"],
        ),
        (
            {
                "rows": SHEET[:1],
                "questions": {"near": COLOCALISATION | {"channels": ["actin", "x"]}},
            },
            ["'near'", "'plate'", "actin, x", "nuclei"],
        ),
        (
            {"rows": SHEET[:1], "questions": {"near": COLOCALISATION | {"region": "x"}}},
            ["'near'", "'x'"],
        ),
        (
            {"questions": {"near": {k: v for k, v in COLOCALISATION.items() if k != "psf_um"}}},
            ["'near'", "'psf_um'"],
        ),
        ({"questions": {"q": {"type": "quality", "ask": "?", "psf_um": 1}}}, ["'q'", "'psf_um'"]),
    ],
)
def test_what_does_not_fit_together_is_told(read, changes, words):
    with pytest.raises(InputError) as raised:
        read(**changes)
    for word in words:
        assert word in str(raised.value)
