"""Every rule says what it needs; what it says follows the size of its input, and is enough."""

import csv
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = {
    name: text
    for path in sorted((REPOSITORY / "workflow/rules").glob("*.smk"))
    for name, text in zip(
        *[iter(re.split(r"^rule (\w+):\n", path.read_text(), flags=re.MULTILINE)[1:])] * 2,
        strict=True,
    )
    if "localrule: True" not in text
}
ON_GPU = {"filter", "segment_gpu", "train"}
PHANTOM = {
    "title": "Generated nuclei",
    "licence": "CC0-1.0",
    "creators": [{"name": "Curie, Marie"}],
    "axes": "YX",
    "voxel_um": [0.5, 0.5],
    "calibration": "measured",
    "channels": ["nuclei"],
    "truth": {"kind": "exact", "values": "objects.csv"},
}


def phantom(edge):
    """Return a dataset of one generated image, which a dry run does not draw."""
    parameters = {"seed": 1, "shape_y": edge, "shape_x": edge, "voxel_xy_um": 0.5}
    parameters |= {"count": 9, "radius_um": 7.0}
    return PHANTOM | {"files": [{"url": "phantom:nuclei", "parameters": parameters}]}


def asked(output):
    """Return the resources of each job that a run or a dry run announced, in order."""
    found = []
    for rule, block in re.findall(
        r"^ *(?:local)?rule (\w+):\n((?: {4}.*\n)*)", output, re.MULTILINE
    ):
        wildcards = re.search(r"wildcards: (.*)", block)
        values = ".".join(re.findall(r"=([^,\n]+)", wildcards[1])) if wildcards else ""
        line = re.search(r"resources: (.*)", block)
        resources = dict(item.split("=", 1) for item in line[1].split(", ")) if line else {}
        threads = re.search(r"threads: (\d+)", block)
        found.append(((rule, values), resources | {"threads": int(threads[1]) if threads else 1}))
    return found


@pytest.mark.parametrize("name", RULES)
def test_a_rule_declares_threads_memory_time_and_gpu(name):
    text = RULES[name]
    assert re.search(r"^    threads: (1|threads_of_\w+)$", text, re.MULTILINE)
    assert re.search(r"^        mem_mb=memory,$", text, re.MULTILINE)
    assert re.search(r"^        runtime=minutes,$", text, re.MULTILINE)
    assert bool(re.search(r"^        gpu=1,$", text, re.MULTILINE)) == (name in ON_GPU)
    assert ("device=" in text) == (name in ON_GPU)


def test_the_table_of_costs_has_every_rule_once():
    with open(REPOSITORY / "workflow/rules/costs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["rule"] for row in rows) == sorted(RULES)
    units = set(re.findall(r'unit == "(.*?)"', RULES_SMK)) | {"Mvoxel of sample"}
    assert {row["per"] for row in rows} <= units
    for row in rows:
        assert float(row["mb"]) > 0, row
        assert float(row["s"]) > 0, row
        assert min(float(row["mb_per_unit"]), float(row["s_per_unit"])) >= 0, row


RULES_SMK = (REPOSITORY / "workflow/rules/resources.smk").read_text()


def test_a_larger_sample_asks_for_more_before_anything_exists(make, tmp_path):
    study = make.study(tmp_path)
    for name, edge in (("small", 200), ("large", 6000)):
        study.add(name, phantom(edge), "image.ome.tif", "truth.ome.tif")
    jobs = dict(asked(study.write().run("--dry-run").output))
    grown = set()
    for (rule, values), resources in jobs.items():
        if not values.startswith("small"):
            continue
        larger = jobs[rule, values.replace("small", "large", 1)]
        for key in ("mem_mb", "runtime"):
            assert int(larger[key]) >= int(resources[key]), (rule, key)
        if int(larger["mem_mb"]) > int(resources["mem_mb"]):
            grown.add(rule)
    assert {"import_images", "filter", "segment_gpu", "segment_cpu", "measure", "score"} <= grown
    assert jobs["measure", "small.truth"]["threads"] == 1


def test_raw_files_and_imported_images_say_how_large_a_sample_is(plate):
    before = dict(asked(plate.write().run("--dry-run").output))
    with open(plate.path("raw/plate/A01_1.tif"), "ab") as file:
        file.truncate(200_000_000)
    after = dict(asked(plate.run("--dry-run").output))
    job = ("filter", "plate.smooth")
    assert int(after[job]["mem_mb"]) > int(before[job]["mem_mb"])
    assert int(after[job]["runtime"]) > int(before[job]["runtime"])
    plate.path("results/images").mkdir(parents=True)
    with open(plate.path("results/images/plate.ome.tif"), "wb") as file:
        file.truncate(400_000_000)
    known = dict(asked(plate.run("--dry-run").output))
    assert int(known[job]["mem_mb"]) > int(after[job]["mem_mb"])


def test_a_sample_that_is_not_fetched_yet_asks_for_what_a_camera_frame_needs(make, tmp_path):
    study = make.tiny(tmp_path).write()
    jobs = dict(asked(study.run("--dry-run").output))
    small, unknown = jobs["filter", "plate.smooth"], jobs["filter", "stack.smooth"]
    assert int(unknown["mem_mb"]) >= int(small["mem_mb"])
    assert unknown["mem_mb"].isdecimal()


def test_a_job_that_failed_asks_for_twice_as_much(plate):
    plate.write().path("raw/plate/A01_1.tif").write_bytes(b"no image")
    outcome = plate.snakemake("--retries", "2", "results/images/plate.ome.tif")
    assert outcome.code != 0
    attempts = [said for (rule, _), said in asked(outcome.output) if rule == "import_images"]
    memory, minutes = ([int(said[key]) for said in attempts] for key in ("mem_mb", "runtime"))
    assert memory == [memory[0], 2 * memory[0], 4 * memory[0]]
    assert minutes == [minutes[0], 2 * minutes[0], 4 * minutes[0]]


def test_jobs_that_together_ask_for_too_much_wait_and_one_that_does_alone_is_tried(make, tmp_path):
    study = make.plate(tmp_path)
    study.samples += [study.samples[0] | {"sample": f"plate-{number}"} for number in (2, 3)]
    images = [f"results/images/{row['sample']}.ome.tif" for row in study.samples]
    study.write()
    together = study.run("--cores", "3", "--resources", "mem_mb=100000", "--", *images)
    assert "Execute 3 jobs" in together.output
    apart = study.run("--cores", "3", "--resources", "mem_mb=50", "--forceall", "--", *images)
    assert {said["mem_mb"] for _, said in asked(apart.output)} == {"50"}
    assert "Execute 2 jobs" not in apart.output
    assert "Execute 3 jobs" not in apart.output


def test_no_job_of_a_whole_study_used_more_memory_than_it_declared(tiny):
    declared = dict(asked(tiny.study.run("--dry-run", "--forceall").output))
    used = {}
    for path in sorted(tiny.study.path("results/benchmarks").rglob("*.tsv")):
        with open(path, newline="") as file:
            row = next(csv.DictReader(file, delimiter="\t"))
        place = path.relative_to(tiny.study.path("results/benchmarks")).with_suffix("")
        job = (place.parts[0], place.parts[1] if len(place.parts) > 1 else "")
        if row["max_rss"] != "NA":
            used[job] = float(row["max_rss"]) * 1.048576
    assert len(used) > 30
    for job, mb in used.items():
        assert mb <= int(declared[job]["mem_mb"]), job
