"""Nothing found, nothing to compare with, one of everything: results, no crashes."""

import csv

import numpy as np
import pyarrow.parquet
import pytest
import tifffile

METHODS = ("gauss-otsu", "voronoi-otsu", "distance-watershed", "local-watershed")


def features(study, sample, method):
    table = pyarrow.parquet.read_table(
        study.path("results", "features", f"{sample}.{method}.parquet")
    )
    return table.to_pydict()


def rows(study, *parts):
    with open(study.path("results", "comparison", *parts), newline="") as file:
        return list(csv.DictReader(file))


def page(study):
    return study.path("results", "report", "index.html").read_text()


@pytest.mark.slow
def test_images_without_objects(plate):
    """One field is constant, in the other every method's objects are removed as too small."""
    raw = plate.path("raw", "plate")
    tifffile.imwrite(raw / "A01_1.tif", np.full((72, 88), 7, np.uint16))
    tifffile.imwrite(raw / "labels" / "A01_1.tif", np.zeros((72, 88), np.uint16))
    for method in plate.methods["methods"].values():
        method["postprocess"] = [{"remove_small": {"min_diameter_um": 30}}]
    outcome = plate.write().run()
    assert "A01_1.tif: every pixel has the value 7" in outcome.output
    for method in METHODS:
        found = features(plate, "plate", method)
        assert found["label"] == []
        assert {"image", "area_um2", "intensity_mean_nuclei"} <= set(found)
    scores = {(r["image"], r["method"]): r for r in rows(plate, "quality", "images.csv")}
    assert len(scores) == 2 * 4
    assert all(float(scores["A01_2", method]["f1_50"]) == 0 for method in METHODS)
    counts = {
        (row["image"], row["method"]): (int(row["count"]), row["mean_area_um2"])
        for row in rows(plate, "agreement", "images.csv")
    }
    assert counts["A01_1", "truth"] == (0, "")
    assert counts["A01_2", "truth"][0] == 3
    assert all(counts["A01_2", method] == (0, "") for method in METHODS)
    html = page(plate)
    assert "every pixel has the value 7, so nothing can be found" in html
    assert all(f"{method} found no object" in html for method in METHODS)


@pytest.mark.slow
def test_a_study_without_truth(plate):
    plate.samples[0] |= {"truth": ""}
    del plate.datasets["plate"]["truth"]
    plate.use("gauss-otsu", "distance-watershed").write().run()
    assert not plate.path("results", "scores").exists()
    assert not plate.path("results", "comparison", "quality").exists()
    pairs = rows(plate, "agreement", "pairs.csv")
    assert {(row["first"], row["second"]) for row in pairs} == {
        ("gauss-otsu", "distance-watershed")
    }
    assert "No sample has a ground truth" in page(plate)


@pytest.mark.slow
def test_one_method_without_truth_on_one_image(plate):
    plate.samples[0] |= {"truth": "", "images": "A01_1.tif"}
    plate.use("distance-watershed").write().run()
    assert features(plate, "plate", "distance-watershed")["label"] == [1, 2, 3, 4]
    assert not plate.path("results", "comparison", "agreement").exists()
    assert "there is nothing to compare it with" in page(plate)


@pytest.mark.slow
def test_one_method_with_truth_on_one_image(plate):
    """One difference has a bias, and neither limits nor a slope."""
    plate.samples[0] |= {"images": "A01_1.tif"}
    plate.use("distance-watershed").write().run()
    (count,) = [r for r in rows(plate, "agreement", "pairs.csv") if r["quantity"] == "count"]
    assert (count["n"], float(count["bias"])) == ("1", 0.0)
    assert (count["lower"], count["upper"], count["slope"]) == ("", "", "")
    summary = rows(plate, "quality", "summary.csv")
    (f1,) = [row for row in summary if row["score"] == "f1_50"]
    assert (f1["n"], float(f1["mean"]), f1["sd"]) == ("1", 1.0, "")
    assert "nan" not in page(plate).split("<h2>The data")[1].split("data:")[0]
