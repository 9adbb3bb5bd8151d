"""A study that asks every kind of question: do its answers say what was drawn?"""

import csv
import json
import re

import numpy as np
import pytest
import tifffile
from scipy.stats import false_discovery_control

pytestmark = pytest.mark.slow

PIXEL_UM = 0.5
SESSIONS = {"monday": 2, "tuesday": 3, "friday": 3}  # fields of each; the first one trains
METHODS = ("gauss-otsu", "distance-watershed", "pixel-forest")
QUESTIONS = {
    "size": {"type": "screening", "ask": "Do big and small discs differ?", "group": "big"},
    "related": {"type": "screening", "ask": "What goes with area?", "relate_to": "area_um2"},
    "drug": {"type": "screening", "ask": "Does the drug matter?", "group": "condition"},
    "area": {
        "type": "hypothesis",
        "ask": "Are big discs larger?",
        "group": "big",
        "features": ["area_um2", "solidity"],
    },
    "quality": {"type": "quality", "ask": "How good is each method?", "draws": 50},
    "agreement": {"type": "agreement", "ask": "Do they agree?", "margins": {"area_um2": 2.0}},
    "noise": {"type": "repeatability", "ask": "?", "change": "noise", "replicates": 2, "seed": 4},
    "shift": {
        "type": "repeatability",
        "ask": "?",
        "change": "shift",
        "replicates": 2,
        "samples": ["tuesday"],
        "features": ["area_um2"],
    },
    "redundancy": {"type": "correlation", "ask": "Which features say the same?"},
    "prediction": {
        "type": "learning",
        "ask": "Can one tell big discs?",
        "group": "big",
        "trees": 20,
        "folds": 3,
    },
}


def draw_fields(folder, session, fields):
    """Write fields of twelve discs each, half of them big, with labels and marks of the big."""
    (folder / session).mkdir(parents=True)
    random = np.random.default_rng([*session.encode(), fields])
    grid = np.stack(np.indices((84, 108)), -1) * PIXEL_UM
    for field in range(fields):
        labels = np.zeros(grid.shape[:2], np.uint16)
        big = random.permutation(12) < 6
        for number in range(12):
            centre = np.array([number // 4, number % 4]) * (13.5, 13) + 7.5
            centre += random.uniform(-0.8, 0.8, 2)
            radius = random.normal(4.3 if big[number] else 3.4, 0.15)
            labels[np.linalg.norm(grid - centre, axis=-1) <= radius] = number + 1
        marks = np.where(np.isin(labels, 1 + np.flatnonzero(big)), labels, 0)
        image = 100 + 900 * (labels > 0) + random.normal(0, 15, labels.shape)
        for kind, array in (("", image.astype(np.uint16)), ("-labels", labels), ("-big", marks)):
            tifffile.imwrite(folder / session / f"f{field}{kind}.tif", array)


@pytest.fixture(scope="session")
def asked(tmp_path_factory, make):
    """A study of eight fields in three sessions, with every question; only to be read."""
    study = make.study(tmp_path_factory.mktemp("questions"))
    for session, fields in SESSIONS.items():
        draw_fields(study.folder / "raw", session, fields)
    study.datasets["discs"] = {
        "title": "Big and small discs",
        "folder": "raw",
        "licence": "CC0-1.0",
        "creators": [{"name": "Curie, Marie"}],
        "axes": "YX",
        "voxel_um": [PIXEL_UM, PIXEL_UM],
        "calibration": "measured",
        "channels": ["discs"],
        "truth": {
            "kind": "manual",
            "groups": {
                "big": {"marks": "{name}-big.tif", "meaning": "Drawn with a larger radius."}
            },
        },
    }
    study.samples = [
        {
            "sample": session,
            "dataset": "discs",
            "images": f"{session}/f?.tif",
            "truth": "{name}-labels.tif",
            "session": session,
            "condition": "drug" if session == "friday" else "none",
            "split": "train" if session == "monday" else "",
        }
        for session in SESSIONS
    ]
    study.methods["filters"]["raw"] = []
    study.methods["methods"]["pixel-forest"] = {
        "filter": "raw",
        "segmenter": "pixel_forest",
        "training": {"sigmas_um": [0.5, 1.0, 2.0], "trees": 20},
        "parameters": {"seed_distance_um": 2.5},
        "postprocess": [{"remove_small": {"min_diameter_um": 2}}],
    }
    study.config["questions"] = QUESTIONS
    study.config["features"] = {"use": ["intensity", "shape"]}
    study.use(*METHODS).write().run()
    return study


def rows(study, question, table):
    path = study.path("results", "comparison", question, f"{table}.csv")
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_differs_is_found_under_every_method_and_the_truth(asked):
    main = [row for row in rows(asked, "size", "survival") if row["choice"].startswith("IoU ≥ 0.5")]
    answers = {row["feature"]: row for row in main if "without" in row["choice"]}
    assert answers["area_um2"]["category"] == "all methods"
    assert answers["area_um2"]["with_evidence"] == "4"
    effects = rows(asked, "size", "effects")
    truth = [r for r in effects if r["source"] == "truth" and r["feature"] == "area_um2"]
    expected = np.pi * (4.3**2 - 3.4**2)
    assert float(truth[0]["effect"]) == pytest.approx(expected, rel=0.15)
    assert float(truth[0]["effect_low"]) < expected < float(truth[0]["effect_high"])
    assert truth[0]["clusters"] == "6"
    assert truth[0]["design"] == "within clusters"


def test_every_true_object_of_a_group_has_one_fate(asked):
    fates = rows(asked, "size", "fates")
    for method in METHODS:
        for group in ("big", "no big"):
            mine = [r for r in fates if (r["source"], r["group"]) == (method, group)]
            assert sum(int(row["n"]) for row in mine) == 36
            assert int(next(r["n"] for r in mine if r["fate"] == "matched")) > 30


def test_groups_are_compared_in_words(asked):
    sentences = rows(asked, "area", "sentences")
    assert len(sentences) == 2 * 4
    truth = next(r for r in sentences if (r["source"], r["feature"]) == ("truth", "area_um2"))
    assert "area" in truth["hypothesis"]
    assert "6 images" in truth["sentence"]
    results = rows(asked, "area", "results")
    mixed = [row["coverage_warning"] for row in results if row["test"].startswith("mixed")]
    assert any("covered" in warning for warning in mixed)
    assert not any(row["coverage_warning"] for row in results if row["primary"] == "true")
    checks = rows(asked, "area", "checks")
    assert {row["source"] for row in checks} == {*METHODS, "truth"}


def test_false_discoveries_are_controlled_over_all_tests_of_the_study(asked):
    path = asked.path("results", "comparison", "tests.csv")
    with open(path, newline="", encoding="utf-8") as file:
        tests = [row for row in csv.DictReader(file) if row["p"]]
    asking = {row["question"] for row in tests}
    assert asking == {"size", "related", "drug", "area", "agreement"}
    q = false_discovery_control([float(row["p"]) for row in tests])
    np.testing.assert_allclose([float(row["q"]) for row in tests], q, rtol=1e-12)
    assert {int(row["tests"]) for row in tests} == {len(tests)}
    used = {
        (row["source"], row["feature"]): float(row["q"])
        for row in rows(asked, "size", "effects")
        if row["q"] and row["choice"].startswith("IoU ≥ 0.5, without")
    }
    listed = [r for r in tests if (r["question"], r["test"]) == ("size", "difference")]
    assert listed
    for row in listed:
        assert used[row["source"], row["quantity"]] == float(row["q"])


def test_a_condition_of_one_session_is_told(asked):
    records = [r for r in asked.records() if r["rule"] == "compare_screening"]
    told = {r["wildcards"]["question"]: r["warnings"] for r in records}
    assert any("drug comes from a single imaging session (friday)" in s for s in told["drug"])
    (row,) = [
        r
        for r in rows(asked, "drug", "effects")
        if (r["source"], r["feature"]) == ("truth", "area_um2") and "without" in r["choice"]
    ]
    assert (row["design"], row["clusters"]) == ("between clusters", "6")


def test_what_goes_with_a_feature_is_found(asked):
    effects = rows(asked, "related", "effects")
    diameter = [r for r in effects if r["feature"] == "equivalent_diameter_um"]
    assert len(diameter) == 4
    assert all(float(row["standardised"]) > 0.98 for row in diameter)
    assert not [row for row in effects if row["feature"] == "area_um2"]


def test_what_a_method_learned_from_is_in_no_comparison(asked):
    for question, table in (
        ("quality", "images"),
        ("agreement", "images"),
        ("prediction", "components"),
    ):
        assert {row["sample"] for row in rows(asked, question, table)} == {"tuesday", "friday"}
    assert asked.path("results", "labels", "monday.pixel-forest.ome.tif").exists()
    (record,) = [r for r in asked.records() if r["rule"] == "simulate_annotations"]
    assert record["kind"] == "simulated"
    with tifffile.TiffFile(asked.path("results", "annotations", "monday.ome.tif")) as file:
        drawn = [series.asarray() for series in file.series]
    assert all(0 < (image > 0).mean() <= 0.05 for image in drawn)
    assert set(np.unique(drawn)) <= {0, 1, 2, 3}


def test_a_method_that_learned_finds_the_discs(asked):
    summary = rows(asked, "quality", "summary")
    f1 = {r["method"]: float(r["mean"]) for r in summary if r["score"] == "f1_50"}
    assert f1["pixel-forest"] > 0.9
    ranking = rows(asked, "quality", "ranking")
    assert {row["method"] for row in ranking} == set(METHODS)
    objects = rows(asked, "quality", "objects")
    matched = [r for r in objects if r["side"] == "truth" and r["matched"] == "true"]
    assert len(matched) > 3 * 60
    assert all(0 <= float(row["assd_um"]) < 1 for row in matched)


def test_objects_are_compared_one_by_one(asked):
    table = rows(asked, "agreement", "objects")
    pairs = {(row["first"], row["second"]) for row in table}
    assert len(pairs) == 3 + 3
    area = next(
        row
        for row in table
        if (row["first"], row["second"], row["feature"]) == ("pixel-forest", "truth", "area_um2")
    )
    assert (int(area["n"]) > 60, area["clusters"], area["margin"]) == (True, "6", "2.0")
    assert float(area["ccc"]) > 0.8
    assert abs(float(area["bias"])) < 6
    statistics = rows(asked, "agreement", "statistics")
    counted = {r["statistic"] for r in statistics if r["quantity"] == "mean_area_um2"}
    expected = {"lins_ccc", "ICC(1,1)", "ICC(3,2)", "deming_slope", "passing_bablok_slope", "tost"}
    assert expected <= counted


def test_samples_are_taken_again(asked):
    made = {r["wildcards"]["sample"]: r for r in asked.records() if r["rule"] == "perturb"}
    assert list(made) == ["tuesday-r1", "tuesday-r2", "tuesday-r3", "tuesday-r4"]
    assert [record["seed"] for record in made.values()] == [4, 5, 0, 1]
    assert "noise_sd" in made["tuesday-r1"]["changes"][0]
    assert "shift_voxels" in made["tuesday-r3"]["changes"][0]
    table = {
        (r["method"], r["level"], r["feature"]): r for r in rows(asked, "noise", "repeatability")
    }
    row = table["gauss-otsu", "object", "area_um2"]
    assert 0 < float(row["sd"]) < 5
    assert int(row["subjects"]) <= 36
    assert float(row["coefficient_1999"]) == pytest.approx(1.96 * 2**0.5 * float(row["sd"]))
    assert float(table["gauss-otsu", "image", "count"]["mean"]) == pytest.approx(12, abs=1)
    shifted = rows(asked, "shift", "repeatability")
    assert {row["feature"] for row in shifted} == {"count", "mean_area_um2", "area_um2"}


def test_redundant_features_are_named(asked):
    groups = [
        r["members"] for r in rows(asked, "redundancy", "redundant") if r["source"] == "truth"
    ]
    assert any("area_um2" in group and "equivalent_diameter_um" in group for group in groups)


def test_the_group_is_predicted_better_than_by_guessing(asked):
    scores = {
        (r["source"], r["left_out"], r["score"]): r for r in rows(asked, "prediction", "prediction")
    }
    for source in (*METHODS, "truth"):
        assert float(scores[source, "images", "gain"]["low"]) > 0.2
    assert float(scores["truth", "images", "majority"]["estimate"]) <= 0.55
    importance = rows(asked, "prediction", "importance")
    assert len({row["feature"] for row in importance}) > 10


def test_every_column_of_every_table_is_described(asked):
    folders = [asked.path("results", "comparison", name) for name in QUESTIONS]
    for folder in [*folders, asked.path("results", "comparison")]:
        package = json.loads((folder / "datapackage.json").read_text())
        described = {
            r["path"]: [f["name"] for f in r["schema"]["fields"]] for r in package["resources"]
        }
        assert set(described) == {path.name for path in folder.glob("*.csv")}
        for name, fields in described.items():
            with open(folder / name, newline="", encoding="utf-8") as file:
                assert next(csv.reader(file)) == fields, name
        for resource in package["resources"]:
            for field in resource["schema"]["fields"]:
                assert field["description"], (folder.name, field)


def test_the_report_answers_every_question(asked):
    page = asked.path("results", "report", "index.html").read_text()
    for question in QUESTIONS.values():
        assert f"<h2>{question['ask']}</h2>" in page
    assert "under every segmentation" in page
    assert "finding nothing would already score as much" in page
    assert not re.search(r"[>(]\s*nan\b", page)


def test_nothing_is_left_to_do(asked):
    assert asked.run("-n").nothing_to_do
