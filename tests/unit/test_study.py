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
QUESTIONS = {
    "quality": {"type": "quality", "ask": "?"},
    "agreement": {"type": "agreement", "ask": "?"},
}
FOREST = {
    "filters": METHODS["filters"],
    "methods": METHODS["methods"]
    | {
        "forest": {
            "filter": "first",
            "segmenter": "pixel_forest",
            "training": {"sigmas_um": [1.0, 2.0]},
            "parameters": {"seed_distance_um": 3.0},
        }
    },
}
COLOCALISATION = {
    "type": "colocalisation",
    "ask": "?",
    "channels": ["nuclei", "actin"],
    "objects": ["otsu", "cells"],
    "psf_um": 0.3,
}
HEADER = "sample\tdataset\timages\ttruth"
SHEET = (
    "plate\tplate\t*.tif\t{name}.tif",
    "bare\tplate\t*.tif\t",
    "film\tmovie\tm.tif\t{name}.tif",
)


@pytest.fixture
def read(tmp_path):
    """Return a function that writes a study's files, with changes, and reads it."""

    def run(rows=SHEET, datasets=None, methods=METHODS, header=HEADER, **changes):
        named = {
            "datasets": datasets or {"plate": DATASET, "movie": MOVIE},
            "methods": methods,
        }
        for name, content in named.items():
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
        sheet = tmp_path / "samples.tsv"
        sheet.write_text("\n".join((header, *rows)) + "\n")
        files = {name: str(tmp_path / f"{name}.yaml") for name in named}
        config = read_yaml(ROOT / "config/config.yaml") | files | {"samples": str(sheet)}
        config["use_methods"] = ["otsu", "cells"]
        config["questions"] = QUESTIONS
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


# Methods that learn

LEARNING = HEADER + "\tsession\tsubject\tsplit\tannotations"
SPLIT = (
    "one\tplate\t1.tif\t{name}.tif\tmonday\t\ttrain\t",
    "two\tplate\t2.tif\t{name}.tif\ttuesday\t\ttest\t",
    "three\tother\t3.tif\t{name}.tif\ttuesday\t\t\t",
)
BOTH = {"plate": DATASET, "other": DATASET | {"channels": ["nuclei", "actin"]}}


def learn(read, rows=SPLIT, **changes):
    return read(
        rows=rows,
        datasets=BOTH,
        methods=FOREST,
        header=LEARNING,
        use_methods=["otsu", "forest"],
        **changes,
    )


def test_a_learned_method_segments_the_datasets_that_it_learned_from(read):
    study = learn(read)
    assert study.methods_on("one") == study.methods_on("two") == ["otsu", "forest"]
    assert study.methods_on("three") == ["otsu"]
    assert study.models == [("forest", "plate")]
    assert study.jobs()["train"] == ["forest.plate"]
    assert study.jobs()["simulate_annotations"] == ["one"]


def test_what_a_method_learned_from_is_compared_for_no_method(read):
    study = learn(read)
    assert study.compared == study.matched == ["two", "three"]
    assert study.asked("quality") == ["two", "three"]
    assert "one.otsu" in study.jobs()["measure"]


def test_without_a_learned_method_every_sample_is_compared(read):
    study = read(rows=SPLIT, datasets=BOTH, methods=FOREST, header=LEARNING, use_methods=["otsu"])
    assert study.compared == ["one", "two", "three"]
    assert study.models == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (SPLIT[1:], ["'forest'", "'train'", "leave the method out"]),
        ([SPLIT[0], SPLIT[1].replace("tuesday", "monday")], ["'one'", "'two'", "session 'monday'"]),
        (
            [row.replace("day\t\t", "day\tmouse\t") for row in SPLIT[:2]],
            ["'one'", "'two'", "subject 'mouse'"],
        ),
        ([SPLIT[0].replace("{name}.tif", ""), SPLIT[1]], ["'one'", "neither annotations"]),
        ([SPLIT[0].replace("train", "training")], ["row 2", "'training'", "test, train"]),
    ],
)
def test_splits_that_would_flatter_a_method_are_refused(read, rows, words):
    with pytest.raises(InputError) as caught:
        learn(read, rows)
    assert all(word in str(caught.value) for word in words), caught.value


def test_annotations_that_people_drew_are_imported_instead_of_simulated(read):
    study = learn(read, [SPLIT[0] + "strokes/{name}.tif", *SPLIT[1:]])
    assert study.jobs()["import_annotations"] == ["one"]
    assert study.jobs()["simulate_annotations"] == []


def test_parameters_of_training_are_checked(read):
    methods = {"filters": FOREST["filters"], "methods": dict(FOREST["methods"])}
    methods["methods"]["forest"] = methods["methods"]["forest"] | {"training": {"sigmas_um": 1.0}}
    with pytest.raises(InputError, match="sigmas_um must be a list of numbers"):
        read(rows=SPLIT, datasets=BOTH, methods=methods, header=LEARNING)
    methods["methods"]["otsu"] = methods["methods"]["otsu"] | {"training": {"trees": 3}}
    methods["methods"].pop("forest")
    with pytest.raises(InputError, match="'training' has no meaning"):
        read(rows=SPLIT, datasets=BOTH, methods=methods, header=LEARNING)


# Samples taken again

NOISE = {"type": "repeatability", "ask": "?", "change": "noise", "replicates": 2, "seed": 5}


def test_one_sample_of_each_dataset_is_taken_again(read):
    study = read(rows=SHEET[:2], questions={"noise": NOISE})
    assert list(study.replicates) == ["plate-r1", "plate-r2"]
    assert [one.seed for one in study.replicates.values()] == [5, 6]
    assert study.jobs()["measure"][-4:] == [
        "plate-r1.otsu",
        "plate-r1.cells",
        "plate-r2.otsu",
        "plate-r2.cells",
    ]
    assert study.asked("noise") == ["plate-r1", "plate-r2"]
    assert study.dataset("plate-r1") == study.dataset("plate")


def test_two_questions_number_their_replicates_on(read):
    shift = NOISE | {"change": "shift", "samples": ["bare", "plate"]}
    study = read(rows=SHEET[:2], questions={"noise": NOISE, "shift": shift})
    assert study.replicates_of("shift") == ["bare-r1", "bare-r2", "plate-r3", "plate-r4"]


def test_devices_make_replicates(read):
    asked = {"type": "repeatability", "ask": "?", "change": "device", "devices": ["pocl", "intel"]}
    study = read(rows=SHEET[:2], questions={"device": asked})
    assert [study.device_for(name) for name in study.replicates] == ["pocl", "intel"]
    assert study.device_for("plate") == "auto"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (NOISE | {"devices": ["pocl", "intel"]}, ["'devices'", "change device", "'noise'"]),
        (NOISE | {"change": "device"}, ["'devices'", "needs"]),
        (NOISE | {"samples": ["plat"]}, ["'plat'", "did you mean 'plate'"]),
        ({"type": "screening", "ask": "?"}, ["'group' and 'relate_to'"]),
        ({"type": "screening", "ask": "?", "group": "tall"}, ["'tall'", "condition"]),
        ({"type": "screening", "ask": "?", "relate_to": "aera_um2"}, ["'aera_um2'", "features.md"]),
        ({"type": "agreement", "ask": "?", "margins": {"volume_of": 1}}, ["'volume_of'"]),
        (
            {"type": "correlation", "ask": "?", "features": ["ibsi"]},
            ["'ibsi'", "does not measure", "features.use"],
        ),
        ({"type": "hypothesis", "ask": "?", "group": "condition"}, ["'features'", "needs"]),
        ({"type": "screening", "ask": "?", "group": "condition"}, ["two conditions", "has 0"]),
    ],
)
def test_questions_that_cannot_be_meant_are_refused(read, question, words):
    with pytest.raises(InputError) as caught:
        read(rows=SHEET[:2], questions={"q": question})
    assert all(word in str(caught.value) for word in ["'q'", *words]), caught.value


def test_the_name_of_a_replicate_is_not_free(read):
    row = SHEET[0].replace("plate\t", "plate-r1\t", 1)
    with pytest.raises(InputError, match="'plate-r1'"):
        read(rows=[SHEET[0], row], questions={"noise": NOISE | {"samples": ["plate"]}})


# Groups


def test_groups_come_from_the_truth_or_from_the_sheet(read):
    groups = {"big": {"marks": "m.png", "meaning": "big"}}
    datasets = {"plate": DATASET | {"truth": {"kind": "manual", "groups": groups}}}
    rows = ["a\tplate\t1.tif\t{name}.tif\tdrug", "b\tplate\t2.tif\t\tnone"]
    ask = {"type": "screening", "ask": "?"}
    study = read(
        rows=rows,
        datasets=datasets,
        header=HEADER + "\tcondition",
        questions={"size": ask | {"group": "big"}, "drug": ask | {"group": "condition"}},
    )
    assert study.asked("size") == ["a"]
    assert study.asked("drug") == ["a", "b"]
    assert study.dimensions("drug") == [2]
    assert study.tested == ["size", "drug"]
    assert study.jobs()["adjust_tests"] == ["all"]
