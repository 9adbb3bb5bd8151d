"""Is every fault of config and sheet told in one sentence that says where, and what is allowed?"""

import re
from pathlib import Path

import pytest
import yaml
from bioagree import configuration
from bioagree.configuration import (
    check_datasets,
    check_methods,
    check_truth,
    match_files,
    read_samples,
    read_yaml,
    validate,
)
from bioagree.errors import InputError

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "workflow" / "schemas"
HEADER = "sample\tdataset\timages\ttruth\tsession"
DATASETS = ["plate7", "plate8"]


def sentence_of(function, *arguments):
    """Return the one sentence with which arguments are refused."""
    with pytest.raises(InputError) as caught:
        function(*arguments)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


# YAML


def yaml_of(tmp_path, text):
    (tmp_path / "a.yaml").write_bytes(text.encode())
    return read_yaml(tmp_path / "a.yaml")


def test_a_mapping_is_read(tmp_path):
    assert yaml_of(tmp_path, "a: 1\nb: {c: [µ, 2]}\n") == {"a": 1, "b": {"c": ["µ", 2]}}


@pytest.mark.parametrize("text", ["\ufeffa: 1\nb: 2\n", "a: 1\r\nb: 2\r\n", "\n\na: 1\n\n\nb: 2"])
def test_marks_and_line_ends_of_other_systems_do_not_matter(tmp_path, text):
    assert yaml_of(tmp_path, text) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "the key 'a' occurs twice"),
        ("a:\n  - {b: 1, c: 2, b: 3}\n", "the key 'b' occurs twice"),
        ("a: [1, 2\n", "is not valid YAML"),
        ("a: 1\n\tb: 2\n", "is not valid YAML"),
        ("- a\n- b\n", "must hold a mapping"),
        ("", "must hold a mapping"),
        ("a text\n", "must hold a mapping"),
        ("2022-03-18: 1\n", "the key '2022-03-18' needs quotes"),
        ("a: {7: 1}\n", "the key '7' needs quotes"),
        ("no: 1\n", "the key 'no' needs quotes"),
        ("? [a, b]\n: 1\n", "needs quotes"),
    ],
)
def test_yaml_that_cannot_be_used_is_refused(tmp_path, text, said):
    sentence = sentence_of(yaml_of, tmp_path, text)
    assert said in sentence
    assert "a.yaml" in sentence


def test_the_place_of_a_repeated_key_is_told(tmp_path):
    assert "line 3" in sentence_of(yaml_of, tmp_path, "x: 1\ny:\n  a: 2\n  a: 3\n")


def test_files_that_are_not_there_or_no_text_are_refused(tmp_path):
    assert "gone.yaml does not exist" in sentence_of(read_yaml, tmp_path / "gone.yaml")
    (tmp_path / "a.yaml").write_bytes("a: Müller".encode("latin-1"))
    assert "is not UTF-8 text" in sentence_of(read_yaml, tmp_path / "a.yaml")


def test_merged_keys_may_be_replaced(tmp_path):
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: *a}\n"
    assert yaml_of(tmp_path, text) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": {"x": 1, "y": 2},
    }


def test_merged_mappings_may_be_merged_again(tmp_path):
    text = (
        "base: &base {x: 1}\n"
        "list:\n  - deep:\n      deeper: &inner {<<: *base, x: 2, y: 3}\n"
        "again: {<<: *inner, z: 4}\n"
    )
    found = yaml_of(tmp_path, text)
    assert found["again"] == {"x": 2, "y": 3, "z": 4}
    assert found["list"][0]["deep"]["deeper"] == {"x": 2, "y": 3}


# Schemas


def config(**changes):
    content = read_yaml(ROOT / "config" / "config.yaml") | changes
    return {key: value for key, value in content.items() if value is not ...}


def dataset(**changes):
    content = {
        "title": "HeLa nuclei",
        "folder": "/data/plate7",
        "licence": "CC-BY-4.0",
        "creators": [{"name": "Curie, Marie"}],
        "axes": "YX",
        "voxel_um": [0.3, 0.3],
        "calibration": "measured",
        "channels": ["nuclei"],
    } | changes
    return {"plate7": {key: value for key, value in content.items() if value is not ...}}


def methods(**changes):
    method = {
        "filter": "smooth",
        "segmenter": "gauss_otsu",
        "parameters": {"sigma_um": 1.0},
        "postprocess": [{"fill_holes": {}}],
    } | changes
    method = {key: value for key, value in method.items() if value is not ...}
    return {"filters": {"smooth": [{"gaussian": {"sigma_um": 0.7}}]}, "methods": {"mine": method}}


def check(content, schema):
    validate(content, SCHEMAS / f"{schema}.schema.yaml", f"{schema}.yaml")


@pytest.mark.parametrize("name", ["config", "datasets", "methods"])
def test_the_shipped_config_is_accepted(name):
    check(read_yaml(ROOT / "config" / f"{name}.yaml"), name)


def test_what_the_tests_change_is_accepted_unchanged():
    check(config(), "config")
    check(dataset(), "datasets")
    check(methods(), "methods")
    check_datasets(dataset(), "datasets.yaml")
    check_methods(methods(), ["mine"], "methods.yaml")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"divice": "auto"}, "unknown key 'divice'; allowed are .*did you mean 'device'"),
        ({"device": ...}, "lacks the key 'device'"),
        ({"device": "gpu"}, "device is wrong.*auto, cuda, opencl-gpu, opencl-cpu, intel or pocl"),
        ({"use_methods": ["a", "a"]}, "use_methods is wrong.*each once"),
        ({"use_methods": "a"}, "use_methods is wrong.*a list of methods, each once"),
        ({"features": {"use": "shape"}}, "features.use is wrong.*a list of groups or features"),
        ({"features": {"use": [], "ring": {}}}, "features has an unknown key 'ring'"),
        (
            {"features": {"use": [], "intensity": {"percentiles": [101]}}},
            "features.intensity.percentiles.0 is wrong.*from 0 to 100",
        ),
        ({"surfaces": {"smoothing_iterations": 3, "faces": 0}}, "surfaces.faces is wrong.*above 0"),
        ({"tracks": {"max_distance_um": 0}}, "tracks.max_distance_um is wrong.*above 0"),
        ({"report": {"examples": -1}}, "report.examples is wrong.*0 or more"),
        ({"report": {"examples": 1, "extra": 2}}, "report has an unknown key 'extra'"),
        (
            {"questions": {"a": {"type": "agree", "ask": "x"}}},
            "questions.a.type.*screening or tracking",
        ),
        ({"questions": {"a": {"type": "quality"}}}, "questions.a lacks the key 'ask'"),
        ({"questions": {"a b": {"type": "quality", "ask": "x"}}}, "'a b' does not match"),
        ({"samples": 3}, "samples is wrong.*tab-separated sample sheet"),
    ],
)
def test_a_fault_of_the_study_is_told(changes, said):
    sentence = sentence_of(check, config(**changes), "config")
    assert sentence.startswith("config.yaml: ")
    assert re.search(said, sentence), sentence


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"voxel_um": [0.3, 0]}, "plate7.voxel_um.1 is wrong.*above 0"),
        ({"voxel_um": [-0.3, 0.3]}, "plate7.voxel_um.0 is wrong.*above 0"),
        ({"voxel_um": ...}, "plate7 lacks the key 'voxel_um'"),
        ({"voxel_um": ["0.3", 0.3]}, "plate7.voxel_um.0 is wrong.*above 0"),
        ({"voxel_um": 0.3}, "plate7.voxel_um is wrong"),
        ({"voxel_um": [0.3]}, "plate7.voxel_um is wrong"),
        ({"pixel_um": [1, 1]}, "plate7 has an unknown key 'pixel_um'.*did you mean 'voxel_um'"),
        ({"axes": "XY"}, "plate7.axes is wrong"),
        ({"calibration": "guessed"}, "plate7.calibration is wrong.*documented or nominal"),
        ({"licence": ...}, "plate7 lacks the key 'licence'"),
        ({"creators": []}, "plate7.creators is wrong"),
        ({"creators": [{"name": "A", "orcid": "12"}]}, "plate7.creators.0.orcid.*four groups"),
        ({"channels": ["a b"]}, "plate7.channels.0.*letters, digits"),
        ({"channels": ["a", "a"]}, "plate7.channels is wrong"),
        ({"truth": {"kind": "gold"}}, "plate7.truth.kind.*manual, silver or exact"),
        ({"truth": {}}, "plate7.truth lacks the key 'kind'"),
        ({"optics": {"numerical_aperture": 0}}, "plate7.optics.numerical_aperture.*above 0"),
        ({"folder": ...}, "plate7 is wrong.*either files .* or folder"),
        ({"files": [{"url": "x"}]}, "plate7 is wrong.*not both"),
        ({"time_step_s": 0}, "plate7.time_step_s.*above 0"),
    ],
)
def test_a_fault_of_a_dataset_is_told(changes, said):
    sentence = sentence_of(check, dataset(**changes), "datasets")
    assert re.search(said, sentence), sentence


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"voxel_um": [1, 1, 1]}, "voxel_um has 3 numbers, but the axes 'YX' need 2 (Y, X)"),
        ({"axes": "CZYX", "channels": ["a"]}, "voxel_um has 2 numbers, but the axes 'CZYX' need 3"),
        ({"channels": ["a", "b"]}, "axes without C have one channel"),
        ({"axes": "TYX"}, "axes with T need time_step_s"),
        ({"time_step_s": 3.0}, "others must not have it"),
        (
            {"truth": {"kind": "exact", "repair": [{"fill_hole": {}}]}},
            "truth.repair, step 1 names 'fill_hole', which is unknown; allowed are split_fragments",
        ),
    ],
)
def test_parts_of_a_dataset_that_disagree_are_told(changes, said):
    content = dataset(**changes)
    check(content, "datasets")
    sentence = sentence_of(check_datasets, content, "datasets.yaml")
    assert sentence.startswith("datasets.yaml: dataset 'plate7'")
    assert said in sentence


def test_datasets_with_every_kind_of_axes_are_accepted():
    check_datasets(dataset(axes="TYX", time_step_s=3), "here")
    check_datasets(dataset(axes="CYX", channels=["a", "b"]), "here")
    check_datasets(dataset(axes="ZYX", voxel_um=[1, 1, 1]), "here")
    repair = [{"remove_small": {"min_diameter_um": 3}}]
    check_datasets(dataset(truth={"kind": "manual", "repair": repair}), "here")


# Methods


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"filter": "smoth"}, "names the filter 'smoth', which is unknown; .*mean 'smooth'"),
        ({"segmenter": "gaus_otsu"}, "names the segmenter 'gaus_otsu'.*mean 'gauss_otsu'"),
        ({"parameters": {"sigma": 1}}, "gauss_otsu has no parameter 'sigma'; allowed are sigma_um"),
        ({"parameters": ...}, "gauss_otsu lacks the parameter 'sigma_um'"),
        ({"parameters": {"sigma_um": "1"}}, "gauss_otsu: sigma_um must be a number"),
        ({"parameters": {"sigma_um": -1}}, "gauss_otsu: sigma_um must be above 0"),
        ({"postprocess": [{"fill": {}}]}, "step 1 names 'fill', which is unknown"),
        ({"postprocess": [{"remove_small": {}}]}, "lacks the parameter 'min_diameter_um'"),
    ],
)
def test_a_method_that_names_what_does_not_exist_is_told(changes, said):
    content = methods(**changes)
    check(content, "methods")
    sentence = sentence_of(check_methods, content, ["mine"], "methods.yaml")
    assert sentence.startswith("methods.yaml: method 'mine'")
    assert re.search(said, sentence), sentence


def test_a_filter_that_names_what_does_not_exist_is_told():
    content = methods()
    content["filters"]["smooth"] = [{"gaussian": {"sigma_um": 1}}, {"blur": {}}]
    sentence = sentence_of(check_methods, content, ["mine"], "methods.yaml")
    assert sentence.startswith("methods.yaml: filter 'smooth', step 2 names 'blur'")


def test_filters_and_methods_that_are_not_used_are_checked_too():
    content = methods()
    content["methods"]["other"] = {"filter": "gone", "segmenter": "gauss_otsu"}
    assert "method 'other'" in sentence_of(check_methods, content, ["mine"], "m")


def test_a_chosen_method_must_exist():
    sentence = sentence_of(check_methods, methods(), ["mine", "mime"], "methods.yaml")
    assert "names 'mime', which is unknown; allowed are mine" in sentence


def test_no_method_is_called_truth():
    content = methods()
    content["methods"]["truth"] = content["methods"].pop("mine")
    assert "kept for the ground truth" in sentence_of(check_methods, content, [], "methods.yaml")


@pytest.mark.parametrize("changes", [{"segmenters": "x"}, {"filter": ...}, {"parameters": 3}])
def test_methods_are_closed(changes):
    assert "methods.mine" in sentence_of(check, methods(**changes), "methods")


# The sheet

NOTHING = dict.fromkeys(("truth", "session", "subject", "condition", "split", "annotations"), "")


def sheet(tmp_path, *lines, encoding="utf-8", end="\n"):
    (tmp_path / "samples.tsv").write_bytes(end.join(lines).encode(encoding))
    return read_samples(tmp_path / "samples.tsv", DATASETS)


def test_a_sheet_is_read_in_its_order(tmp_path):
    found = sheet(
        tmp_path, HEADER, "b-2\tplate7\t*.tif\t{name}.png\t2022", "a_1\tplate8\tx.tif\t\t", ""
    )
    assert list(found) == ["b-2", "a_1"]
    assert found["b-2"] == NOTHING | {
        "sample": "b-2",
        "dataset": "plate7",
        "images": "*.tif",
        "truth": "{name}.png",
        "session": "2022",
    }
    assert found["a_1"]["truth"] == found["a_1"]["session"] == ""


def test_optional_columns_may_be_left_out_and_columns_may_change_places(tmp_path):
    found = sheet(tmp_path, "images\tsample\tdataset", "x.tif\ta\tplate7")
    row = NOTHING | {"sample": "a", "dataset": "plate7", "images": "x.tif"}
    assert found == {"a": row}


@pytest.mark.parametrize(
    "options",
    [
        {"encoding": "utf-8-sig"},
        {"end": "\r\n"},
        {"encoding": "utf-8-sig", "end": "\r\n"},
    ],
)
def test_what_spreadsheets_add_does_not_matter(tmp_path, options):
    lines = [HEADER, "a\tplate7\tx.tif\t\t", "b\tplate7\tÜ.tif\t\t"]
    plain = sheet(tmp_path, *lines)
    assert sheet(tmp_path, *lines, **options) == plain
    assert plain["b"]["images"] == "Ü.tif"


def test_blank_lines_spaces_and_trailing_tabs_do_not_matter(tmp_path):
    plain = sheet(tmp_path, HEADER, "a\tplate7\tx.tif\t\t", "b\tplate7\ty.tif\t\t2022")
    padded = sheet(
        tmp_path,
        HEADER + "\t\t",
        "",
        " a \tplate7\tx.tif \t\t\t\t",
        "\t\t\t",
        "b\tplate7\ty.tif\t\t2022\t \t",
        "\t",
    )
    assert padded == plain
    without_end = sheet(tmp_path, HEADER, "a\tplate7\tx.tif\t\t\t", "b\tplate7\ty.tif\t\t2022")
    assert without_end == plain


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "lacks the column 'sample'; its header is empty"),
        (["sample,dataset,images", "a,plate7,x"], "lacks the column 'sample'.*separated by tabs"),
        (["sample\tdataset\timage", "a\tplate7\tx"], "lacks the column 'images'"),
        ([HEADER + "\tsesion", "a\tplate7\tx\t\t\t"], "unknown column 'sesion'.*mean 'session'"),
        ([HEADER + "\ttruth", "a\tplate7\tx\t\t\t"], "repeats a column"),
        ([HEADER], "names no sample"),
        ([HEADER, "", "\t\t\t\t"], "names no sample"),
        ([HEADER, "a\tplate7\tx"], "row 2 has 3 cells, but the header names 5"),
        ([HEADER, "a\tplate7\tx\t\t\textra"], "row 2 has 6 cells"),
        ([HEADER, "a\tplate7\tx\t\t", "a\tplate8\ty\t\t"], "row 3 repeats the sample 'a'"),
        ([HEADER, "", "a\tplate9\tx\t\t"], "row 3 names the dataset 'plate9'.*mean 'plate[78]'"),
        ([HEADER, "\tplate7\tx\t\t"], "row 2 has an empty cell in the column 'sample'"),
        ([HEADER, "a\tplate7\t \t\t"], "row 2 has an empty cell in the column 'images'"),
        ([HEADER, "a.1\tplate7\tx\t\t"], "row 2: sample 'a.1' may hold only letters"),
        ([HEADER, "a b\tplate7\tx\t\t"], "row 2: sample 'a b' may hold only letters"),
        ([HEADER, "é\tplate7\tx\t\t"], "sample 'é' may hold only letters"),
        ([HEADER, "../a\tplate7\tx\t\t"], "may hold only letters"),
    ],
)
def test_a_fault_of_the_sheet_is_told(tmp_path, lines, said):
    sentence = sentence_of(sheet, tmp_path, *lines)
    assert "samples.tsv" in sentence
    assert re.search(said, sentence), sentence


def test_a_sheet_that_is_not_there_or_no_text_is_refused(tmp_path):
    assert "does not exist" in sentence_of(read_samples, tmp_path / "gone.tsv", DATASETS)
    line = "a\tplate7\tMüller.tif\t\t"
    for encoding in ("latin-1", "utf-16"):
        with pytest.raises(InputError, match="is not UTF-8 text"):
            sheet(tmp_path, HEADER, line, encoding=encoding)


def test_the_shipped_sheets_are_accepted():
    datasets = read_yaml(ROOT / "config" / "datasets.yaml")
    for path in (ROOT / "config").glob("*.tsv"):
        assert read_samples(path, datasets)


def test_truth_files_need_a_kind_of_truth(tmp_path):
    samples = sheet(tmp_path, HEADER, "a\tplate7\tx.tif\ty.tif\t", "b\tplate8\tx.tif\t\t")
    there, plain = {"truth": {"kind": "manual"}, "channels": ["n"]}, {"channels": ["n"]}
    check_truth(samples, {"plate7": there, "plate8": plain}, "samples.tsv")
    sentence = sentence_of(check_truth, samples, {"plate7": {}, "plate8": plain}, "samples.tsv")
    assert "samples.tsv: sample 'a' names truth files, but dataset 'plate7'" in sentence
    bare = {"plate7": there, "plate8": {"channels": []}}
    sentence = sentence_of(check_truth, samples, bare, "samples.tsv")
    assert "samples.tsv: sample 'b' has no intensities" in sentence


# Files


@pytest.fixture
def folder(tmp_path):
    for name in (
        "A01_1.tif",
        "A01_2.tif",
        "A02_1.tif",
        "a01_1.tif",
        "B[1].tif",
        "day1/A01.tif",
        "day2/A01.tif",
        "day2/labels/A01.tif",
    ):
        path = tmp_path / "plate[7]" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "plate[7]" / "A01_3.tif").mkdir()
    return tmp_path / "plate[7]"  # wildcard characters in the folder's own name are no wildcards


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("A01_2.tif", ["A01_2.tif"]),
        ("day1/A01.tif", ["day1/A01.tif"]),
        ("day2/../A02_1.tif", ["day2/../A02_1.tif"]),
        ("A01_*.tif", ["A01_1.tif", "A01_2.tif"]),
        ("A0?_1.tif", ["A01_1.tif", "A02_1.tif"]),
        ("[Aa]01_1.tif", ["A01_1.tif", "a01_1.tif"]),
        ("*2*", ["A01_2.tif", "A02_1.tif"]),
        ("day1/*.tif", ["day1/A01.tif"]),
        ("day*/A01.tif", ["day1/A01.tif", "day2/A01.tif"]),
        ("day[12]/*.tif", ["day1/A01.tif", "day2/A01.tif"]),
        ("*/labels/A*.tif", ["day2/labels/A01.tif"]),
    ],
)
def test_files_are_matched_and_sorted(folder, pattern, expected):
    assert match_files(folder, pattern) == [str(folder / name) for name in expected]


@pytest.mark.parametrize(
    "pattern", ["gone.tif", "*.czi", "day3/*.tif", "day*/gone.tif", "A01_3.tif", "day1", "labels*"]
)
def test_a_pattern_without_match_is_refused(folder, pattern):
    sentence = sentence_of(match_files, folder, pattern)
    assert sentence == f"no file matches {pattern!r} in {folder}"


def test_a_folder_that_is_not_there_has_no_match(tmp_path):
    assert "no file matches" in sentence_of(match_files, tmp_path / "gone", "*.tif")


def test_a_folder_is_listed_once_for_many_samples(tmp_path, monkeypatch):
    for index in range(50):
        (tmp_path / f"s{index:02}_1.tif").touch()
    calls = []
    listdir = configuration.os.listdir
    monkeypatch.setattr(
        configuration.os, "listdir", lambda path: calls.append(path) or listdir(path)
    )
    for index in range(50):
        found = match_files(tmp_path, f"s{index:02}_*.tif")
        assert found == [str(tmp_path / f"s{index:02}_1.tif")]
    assert len(calls) == 1


def test_the_schemas_are_closed_everywhere():
    """A mapping that names its keys must refuse all others."""

    def mappings(schema, place):
        if isinstance(schema, dict):
            if "properties" in schema and isinstance(schema["properties"], dict):
                yield place, schema
            for key, value in schema.items():
                yield from mappings(value, f"{place}.{key}")

    for path in SCHEMAS.glob("*.yaml"):
        schema = yaml.safe_load(path.read_text())
        for place, mapping in mappings(schema, path.stem):
            assert mapping.get("additionalProperties") is False, place
