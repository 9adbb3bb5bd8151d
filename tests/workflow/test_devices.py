"""The same images on both CPU runtimes: do the labels agree, and does a study say so?"""

import csv
import os
import subprocess
import sys

import pytest
from bioagree import device

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        device._intel_driver() is None or device._pocl_driver() is None,
        reason="needs both CPU runtimes that come as wheels, and the linker `ld` for PoCL",
    ),
]


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_study_asks_whether_methods_repeat_on_another_device(plate):
    methods = ("gauss-otsu", "voronoi-otsu")
    plate.config["questions"] = {
        "devices": {
            "type": "repeatability",
            "ask": "Does a method give the same numbers on another device?",
            "change": "device",
            "devices": ["intel", "pocl"],
        }
    }
    plate.use(*methods).write().run()

    used = {}
    for record in plate.records():
        if record["rule"] == "segment_gpu":
            used[record["wildcards"]["sample"]] = record["device"]["driver"]
    assert "Intel" in used["plate-r1"]
    assert "PoCL" in used["plate-r2"]
    for method in methods:
        one, other = (plate.path("results/labels", f"plate-r{k}.{method}.ome.tif") for k in (1, 2))
        assert one.read_bytes() == other.read_bytes()

    found = rows(plate.path("results/comparison/devices/repeatability.csv"))
    assert {row["method"] for row in found} == set(methods)
    spreads = {(row["level"], row["feature"]): float(row["sd"]) for row in found if row["sd"]}
    assert ("image", "count") in spreads
    assert ("object", "area_um2") in spreads
    assert set(spreads.values()) == {0.0}


def test_the_benchmark_finds_equal_labels_on_both_runtimes_and_a_stand_in_that_differs(
    make, tmp_path
):
    tree = make.tree(tmp_path / "tree")
    output = tmp_path / "tables"
    script = make.study(tree).repository / "benchmarks/devices.py"
    done = subprocess.run(
        [sys.executable, str(script), "--config", "config/tiny.yaml"]
        + ["--devices", "cuda", "intel", "pocl", "--noise", "0.02", "--output", str(output)],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("labels of two devices are identical in 4 of 4 images\n")
    assert {row["device"] for row in rows(output / "devices.csv")} >= {"intel", "pocl"}

    images = rows(output / "images.csv")
    pair = [row for row in images if (row["first"], row["second"]) == ("intel", "pocl")]
    assert {(row["sample"], row["method"]) for row in pair} == {
        (sample, method)
        for sample in ("tiny-2d", "tiny-3d")
        for method in ("gauss-otsu", "voronoi-otsu")
    }
    assert all(int(row["matched_objects"]) > 3 for row in pair)
    assert {row["differing_voxels"] for row in pair} == {"0"}
    noisy = [row for row in images if row["second"] == "intel with noise of 0.02"]
    assert sum(int(row["differing_voxels"]) for row in noisy) > 0


def test_the_benchmark_stops_where_no_device_is_there(make, tmp_path):
    tree = make.tree(tmp_path / "tree")
    script = make.study(tree).repository / "benchmarks/devices.py"
    done = subprocess.run(
        [sys.executable, str(script), "--config", "config/tiny.yaml", "--devices", "cuda"],
        cwd=tree,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "left out: device 'cuda' is not available here; found: " in done.stderr
    assert done.stderr.endswith("none of these devices is here: cuda\n")
