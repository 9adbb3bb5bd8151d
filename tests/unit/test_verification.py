"""A run is compared with a recorded one: what is the same, what differs, and where."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from bioagree import images, tables
from bioagree.errors import InputError
from bioagree.verification import progress, values, verdict
from bioagree.verification.verdict import Found
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded_runs import (
    ABOUT,
    CARD,
    FEATURES,
    FIGURE,
    GPU,
    IMAGE,
    INTEL,
    JOBS,
    LABELS,
    MODEL,
    PAGE,
    PAIRS,
    ROWS,
    SCENE,
    TRUE_FEATURES,
    TRUTH,
    Made,
    features_table,
    squares,
    with_cell,
    write_csv,
    write_image,
    write_labels,
    write_products,
    write_scene,
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A run that was recorded; only to be read."""
    made = Made(tmp_path_factory.mktemp("recorded"))
    write_products(made.results)
    made.write_records()
    return made, made.record()


@pytest.fixture
def made(recorded, tmp_path):
    """The same run made by somebody else, free to be changed."""
    mine = Made(tmp_path)
    shutil.copytree(recorded[0].results, mine.results)
    return mine.write_records()


@pytest.fixture
def recording(recorded):
    return recorded[1]


def row_of(found, path):
    return next(row for row in found.rows if row.path == path)


def not_reproduced(found):
    return {row.path: row.found for row in found.rows if not row.reproduced}


def test_what_did_not_change_is_reproduced(made, recording):
    found = made.verdict(recording)
    assert found.complete
    assert {row.found for row in found.rows} == {Found.IDENTICAL}
    assert {row.promised for row in found.rows} == {"bytes"}
    assert found.notes == []
    text = made.table(recording)
    assert text.splitlines()[-1] == "11 of 11 artefacts reproduced"


def test_intermediate_files_records_and_logs_are_no_artefacts(made, recording):
    made.results.joinpath("filtered/s.f.ome.tif").unlink()
    for folder in ("logs", "benchmarks", "verification"):
        made.results.joinpath(folder).mkdir()
        made.results.joinpath(folder, "anything").touch()
    assert made.verdict(recording).complete
    assert not [row for row in made.verdict(recording).rows if row.path.startswith("filtered")]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), same_device=st.booleans())
def test_any_byte_that_flips_is_detected(made, recording, data, same_device):
    path = data.draw(st.sampled_from(sorted([*GPU, IMAGE, TRUTH, TRUE_FEATURES])))
    file = made.results / path
    before = file.read_bytes()
    place = data.draw(st.integers(0, len(before) - 1))
    flipped = data.draw(st.integers(1, 255))
    changed = bytearray(before)
    changed[place] ^= flipped
    if not same_device:
        made.device = CARD
        made.write_records()
    file.write_bytes(changed)
    try:
        found = made.verdict(recording)
        assert not_reproduced(found).keys() == {path}
        assert found.reproduced == len(found.rows) - 1
        assert found.begins == [path]
    finally:
        file.write_bytes(before)
        made.device = INTEL
        made.write_records()


def changed_labels(made, count=1, value=0):
    """Change labels of the second image, from the corner of its second object on."""
    second = squares()[::-1].copy()
    row, column = np.argwhere(second == 2)[0]
    second[row, column : column + count] = value
    write_labels(made.results / LABELS, squares(), second)
    return row, column


def test_a_single_changed_label_is_found_and_named(made, recording):
    row, column = changed_labels(made)
    found = row_of(made.verdict(recording), LABELS)
    assert found.found is Found.EDITED
    assert found.difference == (
        f"image field-1: 1 of 12,800 voxels of objects differs, first at y {row}, x {column} "
        "(label 2 recorded, 0 found), in label 2; 2 objects, as recorded"
    )
    made.write_records()  # as if the job had written it
    found = row_of(made.verdict(recording), LABELS)
    assert (found.found, found.reproduced) == (Found.DIFFERENT, False)


def test_a_lost_object_is_counted(made, recording):
    labels = squares()
    labels[labels == 2] = 0
    write_labels(made.results / LABELS, labels, squares()[::-1])
    made.device = CARD
    made.write_records()
    found = row_of(made.verdict(recording), LABELS)
    assert (found.found, found.reproduced) == (Found.DIFFERENT, False)
    assert "2 objects recorded, 1 found" in found.difference


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "other"}, "image field-0: name field-0 recorded, other-0 found"),
        ({"spacing": (0.5, 0.25)}, "voxel size (µm) [0.5, 0.5] recorded, [0.5, 0.25] found"),
    ],
)
def test_other_metadata_of_labels_are_found(made, recording, change, words):
    write_labels(made.results / LABELS, squares(), squares()[::-1], **change)
    made.device = CARD
    found = row_of(made.write_records().verdict(recording), LABELS)
    assert words in found.difference
    assert (found.found, found.reproduced) == (Found.DIFFERENT, False)


def test_another_unit_in_the_ome_metadata_is_found(made, recording):
    for path in (LABELS, IMAGE):
        file = made.results / path
        before = file.read_bytes()
        after = before.replace('PhysicalSizeXUnit="µm"'.encode(), b'PhysicalSizeXUnit="nm" ', 1)
        assert len(before) == len(after) != after.count(before)
        file.write_bytes(after)
        found = row_of(made.verdict(recording), path)
        assert "voxel size (µm) [0.5, 0.5] recorded, [0.5, 0.0005] found" in found.difference


def test_images_that_are_missing_from_a_file_are_named(made, recording):
    write_labels(made.results / LABELS, squares())
    assert "image field-1 was recorded" in row_of(made.verdict(recording), LABELS).difference


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        pytest.param(
            with_cell(1, 3, "0.30000000000000001"),
            "row 1 (otsu, truth, 3), column bias: 0.30000000000000004 recorded, "
            "0.30000000000000001 found; 1 of 15 values differs",
            id="last digit",
        ),
        pytest.param(with_cell(2, 2, "4"), "column n: 3 recorded, 4 found", id="whole number"),
        pytest.param(with_cell(3, 4, "shown"), "not shown recorded, shown found", id="text"),
        pytest.param(with_cell(1, 4, "0.5"), "column p: an empty value recorded", id="empty"),
        pytest.param(
            [ROWS[0], ROWS[2], ROWS[1], ROWS[3]],
            "the same rows in another order, from row 1 on",
            id="rows swapped",
        ),
        pytest.param(ROWS[:3], "3 rows recorded, 2 found", id="row missing"),
        pytest.param([[*row, "x"] for row in ROWS], "column x not recorded", id="column added"),
        pytest.param([row[:4] for row in ROWS], "column p recorded, not found", id="column gone"),
        pytest.param(
            [[r[1], r[0], *r[2:]] for r in ROWS], "columns in another order", id="columns swapped"
        ),
    ],
)
def test_what_differs_in_a_csv_is_named(made, recording, rows, words):
    write_csv(made.results / PAIRS, rows)
    found = row_of(made.write_records().verdict(recording), PAIRS)
    assert words in found.difference
    assert (found.found, found.reproduced) == (Found.DIFFERENT, False)


def changed_features(made, column, row, value, path=FEATURES):
    table = features_table()
    table.columns[column][row] = value
    tables.write(made.results / path, table)


def test_a_changed_last_digit_of_a_parquet_table_is_named(made, recording):
    changed_features(made, "area_um2", 2, 0.3)
    found = row_of(made.write_records().verdict(recording), FEATURES)
    assert found.difference.startswith(
        "row 3 (field-0, 3), column area_um2: 0.30000000000000004 recorded, 0.3 found; 1 of 12"
    )
    assert not found.reproduced


def test_another_unit_or_type_of_a_column_is_named(made, recording):
    table = features_table()
    tables.write(made.results / FEATURES, replace(table, units={"area_um2": "nm²"}))
    found = row_of(made.write_records().verdict(recording), FEATURES)
    assert found.difference == "unit of area_um2: µm² recorded, nm² found"
    table.columns["label"] = table.columns["label"].astype(np.int32)
    tables.write(made.results / FEATURES, table)
    found = row_of(made.write_records().verdict(recording), FEATURES)
    assert found.difference == "type of label: int64 recorded, int32 found"


def test_another_writer_of_tables_gives_the_same_content(made, recording):
    path = made.results / FEATURES
    stored = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(stored, path, compression="gzip")
    found = row_of(made.write_records().verdict(recording), FEATURES)
    assert (found.found, found.reproduced) == (Found.EQUAL, False)  # bytes were promised
    made.imported["pyarrow"] = made.imported["numpy"] = "99"
    found = made.write_records().verdict(recording)
    assert row_of(found, FEATURES).found is Found.EQUAL
    assert found.complete


def test_what_differs_in_json_is_named(made, recording):
    path = made.results / ABOUT
    path.write_text(path.read_text().replace("0.5", "0.75"))
    found = row_of(made.write_records().verdict(recording), ABOUT)
    assert found.difference.startswith("at /resources/0/mean: 0.5 recorded, 0.75 found")
    assert not found.reproduced


def test_missing_and_unexpected_files_are_named(made, recording):
    made.results.joinpath(TRUTH).unlink()
    made.results.joinpath("labels/more.ome.tif").write_bytes(b"?")
    found = made.verdict(recording)
    assert not_reproduced(found) == {
        TRUTH: Found.MISSING,
        "labels/more.ome.tif": Found.UNEXPECTED,
    }
    assert made.table(recording).splitlines()[-1] == "10 of 12 artefacts reproduced"


def test_files_that_jobs_of_other_studies_made_are_left_alone(made, recording):
    made.results.joinpath("labels/t.m.ome.tif").write_bytes(b"of another study")
    record = json.loads(made.results.joinpath("provenance/surface/s.json").read_text())
    record["outputs"] = {f"{made.results}/labels/t.m.ome.tif": {"sha256": "", "bytes": 16}}
    made.results.joinpath("provenance/surface/t.json").write_text(json.dumps(record))
    assert made.verdict(recording).complete


def test_an_artefact_that_was_not_recorded_is_unexpected(made, recording, monkeypatch):
    more = "tracks/s.m.parquet"
    made.results.joinpath("tracks").mkdir()
    shutil.copy(made.results / FEATURES, made.results / more)
    monkeypatch.setattr("recorded_runs.JOBS", [*JOBS, ("track", [more], [LABELS])])
    found = made.write_records().verdict(recording)
    assert not_reproduced(found) == {more: Found.UNEXPECTED}


def test_a_file_that_cannot_be_read_any_more_is_called_so(made, recording):
    path = made.results / LABELS
    path.write_bytes(path.read_bytes()[:400])
    found = row_of(made.write_records().verdict(recording), LABELS)
    assert (found.found, found.reproduced) == (Found.UNREADABLE, False)


class TestOnAnotherDevice:
    """Contents within tolerance are reproduced; what no device touched is still held to bytes."""

    @pytest.fixture
    def made(self, made):
        made.device = CARD
        return made.write_records()

    def test_bytes_are_promised_of_what_no_device_touched(self, made, recording):
        promised = {row.path: row.promised for row in made.verdict(recording).rows}
        assert [p for p, what in promised.items() if what == "bytes"] == sorted(
            [IMAGE, TRUTH, TRUE_FEATURES]
        )
        assert {promised[path] for path in (MODEL, FIGURE, PAGE)} == {"presence"}
        assert {promised[path] for path in (LABELS, FEATURES, PAIRS, ABOUT, SCENE)} == {"tolerance"}

    def test_the_devices_are_named(self, made, recording):
        assert made.verdict(recording).notes == [
            "Other devices than recorded: cuda gpu: a card, 12.8; "
            "recorded: opencl cpu: a processor, 1.0."
        ]

    def test_a_voxel_of_ten_thousand_may_differ(self, made, recording):
        changed_labels(made)
        found = row_of(made.write_records().verdict(recording), LABELS)
        assert (found.found, found.reproduced) == (Found.CLOSE, True)
        assert "1 of 12,800 voxels" in found.difference
        changed_labels(made, count=2)
        found = row_of(made.write_records().verdict(recording), LABELS)
        assert (found.found, found.reproduced) == (Found.DIFFERENT, False)

    def test_an_object_of_one_voxel_may_not_be_added(self, made, recording):
        changed_labels(made, value=3)
        found = row_of(made.write_records().verdict(recording), LABELS)
        assert (found.found, found.reproduced) == (Found.DIFFERENT, False)
        assert "2 objects recorded, 3 found" in found.difference

    def test_every_image_of_a_file_must_be_within(self, made, recording):
        first, second = squares(), squares()[::-1].copy()
        first[5, 10:12] = 0
        second[tuple(np.argwhere(second == 2)[0])] = 0
        write_labels(made.results / LABELS, first, second)
        found = row_of(made.write_records().verdict(recording), LABELS)
        assert (found.found, found.reproduced) == (Found.DIFFERENT, False)

    def test_the_truth_may_not(self, made, recording):
        labels = squares()
        labels[5, 10] = 0
        write_labels(made.results / TRUTH, labels)
        assert not_reproduced(made.write_records().verdict(recording)) == {TRUTH: Found.DIFFERENT}

    @pytest.mark.parametrize(
        ("column", "value", "reproduced"),
        [
            ("area_um2", 1600.25 * (1 + 5e-7), True),
            ("area_um2", 1600.25 * (1 + 2e-6), False),
            ("bias", 1.0, False),  # was NaN
            ("label", 4, False),
            ("image", "field-9", False),
        ],
    )
    def test_numbers_may_differ_a_little_and_nothing_else(
        self, made, recording, column, value, reproduced
    ):
        changed_features(made, column, 1, value)
        found = row_of(made.write_records().verdict(recording), FEATURES)
        assert found.reproduced == reproduced
        assert found.found is (Found.CLOSE if reproduced else Found.DIFFERENT)

    def test_values_near_zero_are_judged_by_their_column(self, made, recording):
        changed_features(made, "bias", 0, 2e-9)
        assert row_of(made.write_records().verdict(recording), FEATURES).reproduced
        write_csv(made.results / PAIRS, with_cell(3, 3, "-3e-17"))
        assert row_of(made.write_records().verdict(recording), PAIRS).reproduced
        write_csv(made.results / PAIRS, with_cell(3, 3, "-3e-4"))
        assert not row_of(made.write_records().verdict(recording), PAIRS).reproduced

    def test_tables_of_labels_that_differ_may_differ_as_a_voxel_does(self, made, recording):
        changed_features(made, "area_um2", 1, 1600.0)
        changed_features(made, "area_um2", 1, 1600.0, TRUE_FEATURES)
        assert not row_of(made.write_records().verdict(recording), FEATURES).reproduced
        changed_labels(made)
        found = made.write_records().verdict(recording)
        assert row_of(found, FEATURES).found is Found.CLOSE
        assert not_reproduced(found) == {TRUE_FEATURES: Found.DIFFERENT}

    def test_a_change_by_hand_is_within_no_tolerance(self, made, recording):
        changed_features(made, "area_um2", 1, 1600.25 * (1 + 1e-12))
        made.results.joinpath(FIGURE).write_text("<svg>another figure</svg>\n")
        found = made.verdict(recording)
        assert not_reproduced(found) == {FEATURES: Found.EDITED, FIGURE: Found.EDITED}

    def test_figures_need_only_be_there(self, made, recording):
        made.results.joinpath(FIGURE).write_text("<svg>the same, drawn otherwise</svg>\n")
        found = made.write_records().verdict(recording)
        assert (row_of(found, FIGURE).found, found.complete) == (Found.THERE, True)

    @pytest.mark.parametrize(("size", "reproduced"), [(4.01, True), (4.2, False)])
    def test_surfaces_may_differ_by_a_part_of_a_voxel(self, made, recording, size, reproduced):
        write_scene(made.results / SCENE, size)
        found = row_of(made.write_records().verdict(recording), SCENE)
        assert found.reproduced == reproduced
        assert f"label-1: corners of its box by at most {(size - 4) / 2:.2g} µm" in found.difference

    def test_surfaces_may_not_lie_elsewhere(self, made, recording):
        write_scene(made.results / SCENE, move=0.5)
        assert not row_of(made.write_records().verdict(recording), SCENE).reproduced


class TestOnAnotherProcessor:
    @pytest.fixture
    def made(self, made):
        made.host["vectors"] = ["avx", "avx512f"]
        return made.write_records()

    def test_it_is_named_and_nothing_is_held_to_bytes(self, made, recording):
        found = made.verdict(recording)
        assert found.notes == ["Other processors than recorded: avx512f; recorded: avx2."]
        assert {row.promised for row in found.rows} == {"tolerance", "presence"}
        assert found.complete

    def test_images_may_differ_by_a_few_roundings(self, made, recording):
        pixels = next(images.read(made.results / IMAGE)).array.copy()
        pixels[0, 0] += 1
        write_image(made.results / IMAGE, pixels)
        found = row_of(made.write_records().verdict(recording), IMAGE)
        assert (found.found, found.reproduced) == (Found.CLOSE, True)
        pixels[:48, :48] += 1
        write_image(made.results / IMAGE, pixels)
        found = row_of(made.write_records().verdict(recording), IMAGE)
        assert not found.reproduced
        assert "found in block y 1, x 1 (of 4 along an axis)" in found.difference

    def test_other_channels_are_named(self, made, recording):
        pixels = next(images.read(made.results / IMAGE)).array
        write_image(made.results / IMAGE, pixels, channels=("cytoplasm",))
        found = row_of(made.write_records().verdict(recording), IMAGE)
        assert "channels ['nuclei'] recorded, ['cytoplasm'] found" in found.difference
        assert not found.reproduced


def test_other_software_code_and_parameters_are_said_first(made, recording):
    made.imported["numpy"] = "2.5.0"
    made.imported["tqdm"] = "4"  # imported on a terminal only
    made.codes["measure"] = "f" * 16
    made.parameters["report"] = {"title": "other"}
    made.parameters["train"] = {"device": "cuda"}  # devices themselves are compared
    found = made.write_records().verdict(recording)
    assert found.notes == [
        "Other code than recorded: measure.",
        "Other parameters than recorded: report.",
        "Other software than recorded: numpy 2.5.0 (recorded 2.4.6).",
    ]
    assert made.table(recording).splitlines()[1:4] == found.notes
    assert found.complete


def test_what_differs_first_is_told_from_what_follows(made, recording):
    changed_labels(made)
    changed_features(made, "area_um2", 1, 1600.0)
    write_csv(made.results / PAIRS, with_cell(2, 3, "-12.6"))
    made.results.joinpath(PAGE).write_text("<html>another page</html>\n")
    found = made.write_records().verdict(recording)
    assert not_reproduced(found).keys() == {LABELS, FEATURES, PAIRS, PAGE}
    assert found.begins == [LABELS]
    last = made.table(recording).splitlines()[-5:]
    assert f"The difference begins with {made.results / LABELS}." in " ".join(last)
    assert last[-1] == "7 of 11 artefacts reproduced"


def test_the_table_fits_a_terminal(made, recording):
    changed_labels(made, count=30)
    changed_features(made, "area_um2", 1, 1.0)
    named = Path("results")
    text = verdict.table(made.verdict(recording), recording, named)
    assert max(map(len, text.splitlines()[1:])) <= 100
    assert len(text.splitlines()) > 15


def test_the_verdict_as_a_table_says_the_same(made, recording):
    changed_labels(made)
    found = made.verdict(recording)
    columns = verdict.columns(found, made.run, recording)
    assert len({len(values) for values in columns.values()}) == 1
    row = columns["artefact"].index(LABELS)
    assert [columns[key][row] for key in ("rule", "promised", "found", "reproduced")] == [
        "segment_gpu",
        "bytes",
        "changed by hand",
        False,
    ]
    assert columns["recorded_sha256"][row] != columns["found_sha256"][row]


def test_a_recording_of_another_study_is_refused(made, recording):
    made.title, made.samples = "Another study", ["a", "b"]
    with pytest.raises(InputError, match="another study, 'A study' with the samples s; this one"):
        made.verdict(recording)


def test_a_record_that_is_missing_is_named(made):
    made.results.joinpath("provenance/measure/s.json").unlink()
    with pytest.raises(InputError, match="measure/s.json cannot be read .*make it again"):
        _ = made.run


def test_who_waits_is_told(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS", -1.0)
    assert list(progress.told(["a", "b"])) == ["a", "b"]
    assert "1 of 2 read, now b" in capsys.readouterr().err


def test_whole_numbers_are_compared_exactly_unless_labels_differ(tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    write_csv(old, [["voxels"], ["10000000"]])
    write_csv(new, [["voxels"], ["10000001"]])
    assert not values.compare_tables(old, new).within
    assert values.compare_tables(old, new, loose=True).within
    write_csv(new, [["voxels"], ["10000000.0"]])
    assert values.compare_tables(old, new).sentence.startswith("row 1 (")


def test_tolerances_are_above_rounding_and_below_a_voxel():
    """A sum of 1e7 values is off by less; a voxel of an object of 1,000 is more."""
    assert 1e7 * np.finfo(np.float64).eps < values.TOLERANCE < 1e-3
