"""`snakemake record` keeps a run, and `snakemake verify` says whether another one is the same."""

import csv
import os
import shutil
from collections import Counter
from dataclasses import replace

import pytest
from bioagree import images
from bioagree.verification.recordings import Recording

RECORDED = ("--config", "recorded_run=recorded.zip")
LABELS = "results/labels/plate.gauss-otsu.ome.tif"
FEATURES = "results/features/plate.gauss-otsu.parquet"
TABLE = "results/comparison/quality/summary.csv"


def verify(study, *arguments):
    """Ask for the verdict with nothing but it on the terminal."""
    return study.snakemake("--quiet", "all", *RECORDED, *arguments, "--", "verify")


def verdicts(study):
    """Return what became of each artefact."""
    with open(study.path("results", "verification", "verdict.csv"), newline="") as file:
        return {f"results/{row['artefact']}": row for row in csv.DictReader(file)}


def not_reproduced(study):
    return {p: row["found"] for p, row in verdicts(study).items() if row["reproduced"] == "false"}


def last_line(outcome):
    return outcome.output.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, make, tiny):
    """A copy of the shared run that was recorded; only to be read."""
    place = tmp_path_factory.mktemp("recorded")
    shutil.copytree(tiny.study.folder.parent, place, dirs_exist_ok=True, symlinks=True)
    study = make.study(place / "study", place / "repository")
    outcome = study.run("--quiet", "all", *RECORDED, "--", "record")
    assert "artefacts recorded in recorded.zip" in last_line(outcome)
    return study


@pytest.fixture
def recorded(tmp_path, make, whole):
    """The recorded run and its copy, with all time stamps, free to be changed."""
    shutil.copytree(whole.folder.parent, tmp_path / "mine", symlinks=True)
    return make.study(tmp_path / "mine" / "study", tmp_path / "mine" / "repository")


def change_one_label(study, path=LABELS):
    """Take one voxel off the first object; return where that was."""
    file = study.path(path)
    fields = list(images.read(file))
    pixels = fields[0].array.copy()
    place = tuple(int(axis[0]) for axis in pixels.nonzero())
    pixels[place] = 0
    images.write_labels(file, [replace(fields[0], array=pixels), *fields[1:]])
    return place


def restore_times(path, times):
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.slow
def test_a_recorded_run_is_reproduced_and_asking_again_looks_again(recorded):
    before = recorded.path("recorded.zip").read_bytes()
    passing = list(recorded.path("results", "filtered").iterdir())
    count = len(recorded.products()) - len(passing)
    for _ in range(2):
        outcome = verify(recorded)
        assert outcome.code == 0, outcome.output
        assert last_line(outcome) == f"{count} of {count} artefacts reproduced"
        shutil.rmtree(recorded.path("results", "verification"))
    recorded.run("--quiet", "all", *RECORDED, "--", "record")
    assert recorded.path("recorded.zip").read_bytes() == before


@pytest.mark.slow
def test_one_changed_label_is_found_although_its_time_says_nothing(recorded):
    times = recorded.path(LABELS).stat()
    y, x = change_one_label(recorded)
    restore_times(recorded.path(LABELS), times)
    # Without the trigger for parameters and with a profile that tries failed jobs again.
    outcome = verify(recorded, "--rerun-triggers", "mtime", "--retries", "2")
    assert outcome.code != 0
    assert not_reproduced(recorded) == {LABELS: "changed by hand"}
    total = len(verdicts(recorded))
    assert last_line(outcome) == f"{total - 1} of {total} artefacts reproduced"
    assert outcome.output.count("artefacts reproduced") == 1
    said = " ".join(outcome.output.split())
    assert f"voxels of objects differs, first at y {y}, x {x} (label " in said


@pytest.mark.slow
def test_an_edited_label_image_is_kept_and_what_follows_from_it_is_told_apart(recorded):
    change_one_label(recorded)
    edited = recorded.path(LABELS).read_bytes()
    outcome = verify(recorded)
    assert outcome.code != 0
    assert recorded.path(LABELS).read_bytes() == edited
    found = not_reproduced(recorded)
    assert found[LABELS] == "changed by hand"
    assert found[FEATURES] == "different"
    assert f"The difference begins with {LABELS}." in outcome.output


@pytest.mark.slow
def test_a_changed_last_digit_a_lost_file_and_a_new_one_are_found(recorded):
    table = recorded.path(TABLE)
    times, text = table.stat(), table.read_text()
    digit = max(i for i, letter in enumerate(text) if letter.isdigit())
    table.write_text(text[:digit] + str((int(text[digit]) + 1) % 10) + text[digit + 1 :])
    restore_times(table, times)
    recorded.path(FEATURES).unlink()
    recorded.path("results/labels/more.ome.tif").write_bytes(b"added")
    outcome = verify(recorded)
    assert outcome.code != 0
    assert not_reproduced(recorded) == {
        TABLE: "changed by hand",
        FEATURES: "missing",
        "results/labels/more.ome.tif": "unexpected",
    }
    assert f"row {len(text.splitlines()) - 1} (" in outcome.output


@pytest.mark.slow
def test_verifying_runs_what_was_not_run_yet(recorded):
    shutil.rmtree(recorded.path("results"))
    shutil.rmtree(recorded.path(".snakemake"))
    outcome = verify(recorded)
    assert outcome.code == 0, outcome.output
    assert set(Counter(row["found"] for row in verdicts(recorded).values())) == {"identical"}


def test_the_verdict_is_no_part_of_a_study(whole):
    assert whole.run("-n", *RECORDED).nothing_to_do


def refused(study, *arguments, target="verify"):
    """Check that nothing runs, and return what is said."""
    outcome = study.snakemake(*arguments, "--", target)
    assert outcome.code != 0
    assert "verify:" not in outcome.output.replace("rule verify", "")
    assert not study.path("results").exists()
    return " ".join(outcome.output.split())


@pytest.mark.parametrize("target", ["verify", "record"])
def test_a_study_without_a_recorded_run_says_how_to_name_one(plate, target):
    said = refused(plate.write(), target=target)
    assert "the config names no recorded run; add `recorded_run:" in said


def test_a_recorded_run_that_is_missing_or_damaged_is_refused_before_anything_runs(plate):
    plate.config["recorded_run"] = "mine.zip"
    assert "there is no recorded run mine.zip; `snakemake record`" in refused(plate.write())
    plate.path("mine.zip").write_bytes(b"PK but no more")
    assert "the recorded run mine.zip is damaged" in refused(plate)


def test_the_recorded_run_of_another_study_is_refused_before_anything_runs(plate, whole):
    shutil.copy(whole.path("recorded.zip"), plate.path("theirs.zip"))
    plate.samples[0]["sample"] = "other"
    said = refused(plate.write(), "--config", "recorded_run=theirs.zip")
    assert "is of another study" in said
    assert "the samples plate, stack; this one" in said


@pytest.mark.slow
def test_what_cannot_be_recorded_leaves_the_recorded_run_as_it_was(recorded):
    before = recorded.path("recorded.zip").read_bytes()
    times = recorded.path(LABELS).stat()
    change_one_label(recorded)
    restore_times(recorded.path(LABELS), times)
    outcome = recorded.snakemake("--quiet", "all", *RECORDED, "--", "record")
    assert outcome.code != 0
    assert f"record: {LABELS} was changed after its job had written it" in outcome.output
    assert "Traceback" not in outcome.output
    assert recorded.path("recorded.zip").read_bytes() == before
    assert not list(recorded.folder.glob(".partial*"))


@pytest.mark.slow
def test_the_shipped_study_gives_the_shipped_results(make, tmp_path):
    study = make.plate(tmp_path / "drawn")
    study.folder = study.repository = make.tree(tmp_path / "clone")
    tiny = ("--configfile", "config/tiny.yaml")
    outcome = study.snakemake("--quiet", "all", *tiny, "--", "verify")
    assert outcome.code == 0, outcome.output
    artefacts = Recording(study.path("config/recorded/tiny.zip")).run.artefacts
    assert last_line(outcome) == f"{len(artefacts)} of {len(artefacts)} artefacts reproduced"
    assert study.path("config/recorded/tiny.zip").stat().st_size < 1e6
    assert study.run("-n", *tiny).nothing_to_do
