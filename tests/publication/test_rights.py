"""Is it known what every file derives from, and is what must not be combined refused early?"""

import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml
from bioagree.configuration import read_yaml
from bioagree.errors import InputError
from bioagree.publication import reuse, rights
from bioagree.publication.contents import (
    DESCRIPTORS,
    Agent,
    File,
    Package,
    Publication,
    Software,
)
from bioagree.study import Study
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
DATASET = {
    "title": "A plate",
    "folder": "raw",
    "licence": "CC-BY-4.0",
    "creators": [{"name": "Curie, Marie"}],
    "axes": "YX",
    "voxel_um": [0.5, 0.5],
    "calibration": "measured",
    "channels": ["nuclei"],
    "truth": {"kind": "manual"},
}
METHODS = {
    "filters": {"smooth": [{"gaussian": {"sigma_um": 1.0}}]},
    "methods": {
        "otsu": {"filter": "smooth", "segmenter": "gauss_otsu", "parameters": {"sigma_um": 1.0}},
        "cells": {"filter": "smooth", "segmenter": "gauss_otsu", "parameters": {"sigma_um": 2.0}},
        "forest": {
            "filter": "smooth",
            "segmenter": "pixel_forest",
            "training": {"sigmas_um": [1.0, 2.0]},
            "parameters": {"seed_distance_um": 3.0},
        },
    },
}
QUALITY = {"quality": {"type": "quality", "ask": "?"}}
SHEET = ("one\tplate\t1.tif\t{name}.tif\t", "two\tfilm\t2.tif\t{name}.tif\t")


# Before anything runs


@pytest.fixture
def read(tmp_path):
    """Return a function that writes a study of two datasets with these licences, and reads it."""

    def run(
        first,
        second,
        questions=QUALITY,
        rows=SHEET,
        methods=("otsu",),
        both=None,
        each=None,
        **more,
    ):
        licences = {"plate": first, "film": second} | more
        datasets = {
            name: DATASET | {"licence": one} | (both or {}) | (each or {}).get(name, {})
            for name, one in licences.items()
        }
        files = {"datasets": datasets, "methods": METHODS}
        for name, content in files.items():
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
        sheet = tmp_path / "samples.tsv"
        sheet.write_text("\n".join(["sample\tdataset\timages\ttruth\tsplit", *rows]) + "\n")
        config = read_yaml(ROOT / "config/config.yaml")
        config |= {name: str(tmp_path / f"{name}.yaml") for name in files}
        config |= {"samples": str(sheet), "use_methods": list(methods), "questions": questions}
        return Study.read(config, ROOT / "workflow/schemas", "config.yaml")

    return run


@pytest.mark.parametrize("licence", ["CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"])
def test_a_question_cannot_combine_what_conflicts(read, licence):
    with pytest.raises(InputError) as caught:
        read("CC-BY-SA-4.0", licence)
    said = str(caught.value)
    words = ["datasets.yaml", "'plate' (CC-BY-SA-4.0)", f"'film' ({licence})", "question 'quality'"]
    assert all(word in said for word in words), said


def test_what_no_job_combines_may_conflict(read):
    assert read("CC-BY-SA-4.0", "CC-BY-NC-4.0", questions={}).used == ["film", "plate"]


def test_only_datasets_that_are_used_count(read):
    study = read("CC-BY-4.0", "CC-BY-NC-4.0", idle="CC-BY-ND-4.0")
    assert "idle" not in study.used


def test_only_samples_that_a_question_is_asked_of_count(read):
    # No truth, so the question of quality is not asked of it.
    rows = (SHEET[0], "two\tfilm\t2.tif\t\t")
    read("CC-BY-SA-4.0", "CC-BY-NC-4.0", rows=rows)
    with pytest.raises(InputError, match="question 'same'"):
        read(
            "CC-BY-SA-4.0",
            "CC-BY-NC-4.0",
            questions={"same": {"type": "correlation", "ask": "?"}} | QUALITY,
            rows=rows,
        )


def test_a_question_of_colocalisation_combines_all_samples_with_its_channels(read):
    ask = {"type": "colocalisation", "ask": "?", "psf_um": 0.3}
    ask |= {"channels": ["nuclei", "actin"], "objects": ["otsu", "cells"]}
    two = {"axes": "CYX", "channels": ["nuclei", "actin"]}
    with pytest.raises(InputError, match="question 'near'"):
        read("CC-BY-SA-4.0", "CC-BY-NC-4.0", {"near": ask}, SHEET, ("otsu", "cells"), both=two)
    read("CC-BY-SA-4.0", "CC-BY-4.0", {"near": ask}, SHEET, ("otsu", "cells"), both=two)


def test_a_question_of_tracking_combines_all_movies_with_a_lineage(read):
    movie = {
        "axes": "TYX",
        "time_step_s": 60,
        "truth": {"kind": "silver", "lineage": {"file": "l.csv", "format": "spots"}},
    }
    questions = {"links": {"type": "tracking", "ask": "?"}}
    with pytest.raises(InputError, match="question 'links'"):
        read("CC-BY-SA-4.0", "CC-BY-NC-4.0", questions=questions, both=movie)


def test_tests_of_several_questions_are_adjusted_together(read):
    # Each is asked of one dataset alone, but their p-values are adjusted together.
    def grouped(name):
        groups = {name: {"marks": "../marks/{name}.png", "meaning": name}}
        return {"truth": {"kind": "manual", "groups": groups}}

    questions = {
        name: {"type": "hypothesis", "ask": "?", "group": name, "features": ["area_um2"]}
        for name in ("round", "big")
    }
    each = {"plate": grouped("round"), "film": grouped("big")}
    with pytest.raises(InputError, match="as the adjustment for the tests of all questions does"):
        read("CC-BY-SA-4.0", "CC-BY-NC-4.0", questions, each=each)
    study = read("CC-BY-SA-4.0", "CC-BY-4.0", questions, each=each)
    assert dict(study.combinations)["question 'round'"] == {"plate"}


def test_what_learns_from_one_dataset_segments_that_dataset_only(read):
    rows = ("t\tplate\t0.tif\t{name}.tif\ttrain", *SHEET)
    study = read("CC-BY-SA-4.0", "CC-BY-NC-4.0", {}, rows, methods=("otsu", "forest"))
    assert study.models == [("forest", "plate")]
    assert study.methods_on("two") == ["otsu"]


def test_data_without_derivatives_are_refused(read):
    with pytest.raises(InputError, match=r"datasets\.yaml: dataset 'film' is CC-BY-NC-ND-4\.0"):
        read("CC0-1.0", "CC-BY-NC-ND-4.0", questions={})


def test_unknown_and_missing_licences_are_refused_with_those_that_are_allowed(read):
    with pytest.raises(InputError, match=r"dataset 'film' states .*'CC-BY-5\.0'.*PDDL-1\.0"):
        read("CC0-1.0", "CC-BY-5.0")
    with pytest.raises(InputError, match=r"film.* is wrong.*PDDL-1\.0"):
        read("CC0-1.0", None)


def test_a_missing_licence_is_an_error_that_lists_those_that_are_allowed(read, tmp_path):
    read("CC0-1.0", "CC0-1.0")
    datasets = yaml.safe_load((tmp_path / "datasets.yaml").read_text())
    del datasets["film"]["licence"]
    config = {"datasets": str(tmp_path / "datasets.yaml")}
    (tmp_path / "datasets.yaml").write_text(yaml.safe_dump(datasets))
    config = read_yaml(ROOT / "config/config.yaml") | config
    with pytest.raises(InputError, match=r"film lacks the key 'licence'.*CC0-1\.0.*PDDL-1\.0"):
        Study.read(config, ROOT / "workflow/schemas", "config.yaml")


def test_a_notice_makes_no_job_run_again(read):
    study = read("MIT", "CC0-1.0")
    bare = study.described("plate")
    study.datasets["plate"]["copyright"] = ["Copyright 2026 Marie Curie"]
    assert study.described("plate") == bare == DATASET | {"licence": "MIT"}


def test_checking_a_large_study_takes_milliseconds(read):
    rows = [f"s{n}\t{['plate', 'film'][n % 2]}\t{n}.tif\t{{name}}.tif\t" for n in range(10_000)]
    study = read("CC-BY-4.0", "CC-BY-NC-4.0", rows=rows)
    assert study.used
    started = time.perf_counter()
    study._check_rights()
    assert time.perf_counter() - started < 0.005


# Afterwards


def record(rule, inputs, outputs, dataset=None, **wildcards):
    parameters = {"row": {"dataset": dataset}} if dataset and rule != "fetch" else {}
    return {
        "rule": rule,
        "wildcards": wildcards | ({"dataset": dataset} if rule == "fetch" else {}),
        "parameters": parameters,
        "inputs": dict.fromkeys(inputs, ""),
        "outputs": {path: {} for path in outputs},
    }


def of(records, licences, wanted="CC-BY-4.0", **more):
    datasets = {
        name: {"licence": licence, "creators": [{"name": name.upper()}]} | more.get(name, {})
        for name, licence in licences.items()
    }
    return rights.rights_of(records, datasets, wanted, "results")


RUN = [
    record("fetch", [], ["resources/a/1.tif", "resources/a/t.tif"], "a"),
    record("import_images", ["resources/a/1.tif"], ["results/images/s1.ome.tif"], "a"),
    record("import_images", ["/data/2.tif"], ["results/images/s2.ome.tif"], "b"),
    record("filter", ["results/images/s1.ome.tif"], ["results/filtered/s1.f.ome.tif"]),
    record("segment_cpu", ["results/filtered/s1.f.ome.tif"], ["results/labels/s1.m.ome.tif"]),
    record("segment_cpu", ["results/images/s2.ome.tif"], ["results/labels/s2.m.ome.tif"]),
    record(
        "draw_examples",
        ["results/labels/s1.m.ome.tif", "results/labels/s2.m.ome.tif"],
        ["results/report/examples/s1.png", "results/report/examples/s2.png"],
    ),
    record(
        "report",
        [
            "results/provenance/filter/s1.f.json",
            "results/report/examples/s1.png",
            "results/report/examples/s2.png",
            "workflow/report/index.html.j2",
        ],
        ["results/report/index.html", "results/report/rulegraph.svg"],
    ),
]
COMPARE = record(
    "compare_quality",
    ["results/labels/s1.m.ome.tif", "results/labels/s2.m.ome.tif"],
    ["results/comparison/q/summary.csv"],
)


def test_rights_follow_the_files_from_their_sources():
    found = of(RUN, {"a": "CC-BY-SA-3.0", "b": "CC0-1.0"})
    labels = found["results/labels/s1.m.ome.tif"]
    assert labels == rights.Rights("CC-BY-SA-4.0", ("A",), ("a",), ("a",))
    assert found["results/labels/s2.m.ome.tif"] == rights.Rights("CC-BY-4.0", ("B",), ("b",))


def test_what_is_only_brought_into_another_format_keeps_its_licence():
    found = of(RUN, {"a": "CC-BY-SA-3.0", "b": "CC-BY-2.5"})
    assert found["results/images/s1.ome.tif"].licence == "CC-BY-SA-3.0"
    assert found["results/images/s2.ome.tif"].licence == "CC-BY-2.5"
    assert found["results/filtered/s1.f.ome.tif"].licence == "CC-BY-SA-4.0"


def test_a_picture_of_one_sample_derives_from_that_sample_and_the_report_is_a_collection():
    found = of(RUN, {"a": "CC-BY-SA-4.0", "b": "CC-BY-NC-4.0"})
    assert found["results/report/examples/s1.png"].licence == "CC-BY-SA-4.0"
    assert found["results/report/examples/s2.png"].licence == "CC-BY-NC-4.0"
    page = found["results/report/index.html"]
    assert page.licence == "CC-BY-NC-4.0 AND CC-BY-SA-4.0"
    assert page.datasets == ("a", "b")
    assert found["results/report/rulegraph.svg"] == rights.Rights("BSD-3-Clause")


def test_records_of_what_must_not_be_combined_are_refused():
    of([*RUN, COMPARE], {"a": "CC-BY-SA-4.0", "b": "CC-BY-4.0"})
    with pytest.raises(InputError) as caught:
        of([*RUN, COMPARE], {"a": "CC-BY-SA-4.0", "b": "CC-BY-NC-4.0"})
    words = ["'a' (CC-BY-SA-4.0)", "'b' (CC-BY-NC-4.0)", "results/comparison/q/summary.csv"]
    assert all(word in str(caught.value) for word in words), caught.value


def test_notices_go_with_everything_that_was_made():
    notice = "Copyright 2023 Lucian DiPeso"
    licences = {"a": "MIT", "b": "CC-BY-4.0"}
    found = of([*RUN, COMPARE], licences, a={"copyright": [notice]})
    summary = found["results/comparison/q/summary.csv"]
    assert summary.licence == "CC-BY-4.0 AND MIT"
    assert summary.copyright == ("B", notice)
    assert found["results/images/s1.ome.tif"].licence == "MIT"


def test_a_notice_that_must_be_kept_has_to_be_known():
    with pytest.raises(InputError, match="'a' is under MIT, which asks .*'copyright'"):
        of(RUN, {"a": "MIT", "b": "CC0-1.0"})


def test_a_record_that_is_missing_is_named():
    with pytest.raises(InputError, match=r"results/filtered/s1\.f\.ome\.tif"):
        of([one for one in RUN if one["rule"] != "filter"], {"a": "CC0-1.0", "b": "CC0-1.0"})


def test_a_dataset_that_nobody_describes_is_named():
    with pytest.raises(InputError, match="dataset 'b'.*allowed are a"):
        of(RUN, {"a": "CC0-1.0"})


@given(st.data())
def test_every_file_derives_from_the_datasets_of_all_its_ancestors(data):
    names = [f"d{number}" for number in range(data.draw(st.integers(1, 5)))]
    records = [record("fetch", [], [f"resources/{name}/x"], name) for name in names]
    files = [f"resources/{name}/x" for name in names]
    ancestors = {f"resources/{name}/x": {name} for name in names}
    for number in range(data.draw(st.integers(1, 12))):
        read = data.draw(st.lists(st.sampled_from(files), max_size=3, unique=True))
        outputs = [f"results/x/{number}-{k}" for k in range(data.draw(st.integers(1, 2)))]
        records.append(record("work", read, outputs))
        files += outputs
        for path in outputs:
            ancestors[path] = set().union(*(ancestors[one] for one in read))
    found = of(data.draw(st.permutations(records)), dict.fromkeys(names, "CC-BY-4.0"))
    assert {path: set(one.datasets) for path, one in found.items()} == ancestors


def test_ten_thousand_jobs_take_seconds():
    names = [f"d{number}" for number in range(50)]
    records = [record("fetch", [], [f"resources/{name}/x"], name) for name in names]
    last = [f"resources/{name}/x" for name in names]
    for step in range(200):  # and chains longer than Python recurses
        now = [f"results/{step}/{n}" for n in range(50)]
        records += [record("work", [last[n], last[n - 1]], [now[n]]) for n in range(50)]
        last = now
    started = time.perf_counter()
    found = of(records, dict.fromkeys(names, "CC-BY-4.0"))
    assert len(found[last[0]].datasets) == 50
    assert time.perf_counter() - started < 5


# REUSE


def package_of(files):
    person = Agent("Curie, Marie", "Curie", "Marie")
    publication = Publication("T", "D", "1.0.0", "2026-11-22", "", "CC-BY-4.0", (person,), person)
    software = Software("0.1.0", "", "")
    empty = {}
    return Package(
        publication, software, "", empty, empty, empty, empty, empty, tuple(files), empty,
        "results", "", "",
    )  # fmt: skip


def file_of(path, licence, *notices, role="labels"):
    return File(path, role, "text/plain", 0, "", licence, notices)


def lay_out(package, folder):
    """Write a package's files, empty, with its licences and its REUSE.toml."""
    texts = reuse.licence_texts(file.licence for file in package.files)
    for name in [*DESCRIPTORS, *(file.path for file in package.files)]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        tag = "-".join(["SPDX", "License", "Identifier"])  # else this line would be read as one
        (folder / name).write_text(f"{tag}: GPL-3.0-only\n")
    for name, text in texts.items():
        path = folder / "LICENSES" / f"{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (folder / "REUSE.toml").write_text(reuse.reuse_toml(package))


def ask_reuse(folder, *arguments):
    command = [sys.executable, "-m", "reuse", "--root", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


PATHS = [
    ("results/labels/s1.ome.tif", "CC-BY-4.0 AND MIT", "labels"),
    ("results/images/s1.ome.tif", "MIT", "images"),
    ("results/a b/ä*.csv", "CC-BY-SA-4.0", "table"),
    ("results/a b/ä-other.csv", "CC-BY-NC-4.0", "table"),
    ('results/quo"te.csv', "CC0-1.0", "table"),
    ("workflow/Snakefile", "BSD-3-Clause", "workflow"),
]


@pytest.fixture
def laid_out(tmp_path):
    files = [file_of(path, licence, "Copyright 2023 X", role=role) for path, licence, role in PATHS]
    package = package_of(files)
    lay_out(package, tmp_path)
    return tmp_path, package


def test_reuse_finds_a_licence_and_a_notice_for_every_file(laid_out):
    done = ask_reuse(laid_out[0], "lint")
    assert done.returncode == 0, done.stdout + done.stderr
    (laid_out[0] / "results/more.csv").write_text("1")
    assert ask_reuse(laid_out[0], "lint").returncode != 0


def test_reuse_reads_the_licence_and_notices_that_were_meant(laid_out):
    said = ask_reuse(laid_out[0], "spdx").stdout
    for path, licence, role in PATHS:
        block = said.split(f"FileName: ./{path}\n")[1].split("FileName:")[0]
        found = re.findall(r"LicenseInfoInFile: (.*)", block)
        assert sorted(found) == sorted(licence.split(" AND ")), path
        notices = re.search(r"(?s)FileCopyrightText: <text>(.*?)</text>", block)[1]
        assert "2023 X" in notices
        assert ("2026 Curie, Marie" in notices) == (role not in ("images", "workflow")), path


def test_the_same_files_give_the_same_reuse_toml(laid_out):
    package = laid_out[1]
    other = package_of(reversed(package.files))
    assert reuse.reuse_toml(package) == reuse.reuse_toml(other)
    content = tomllib.loads(reuse.reuse_toml(package))
    paths = [path for one in content["annotations"] for path in one["path"]]
    assert len(paths) == len(set(paths)) == len(PATHS) + len(DESCRIPTORS)


@pytest.mark.slow
def test_reuse_copes_with_thousands_of_files(tmp_path):
    licences = ["CC-BY-4.0", "MIT", "CC0-1.0"]
    package = package_of([file_of(f"results/x/{n}.csv", licences[n % 3], "X") for n in range(2000)])
    lay_out(package, tmp_path)
    done = ask_reuse(tmp_path, "lint")
    assert done.returncode == 0, done.stdout[-2000:]
