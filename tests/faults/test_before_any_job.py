"""A config that cannot work stops the workflow before any job, with one sentence that says why."""

import pytest

NO_HASH = "0" * 63


def change_config(key, value):
    return lambda study: study.config.update({key: value})


def change_dataset(**changes):
    return lambda study: study.datasets["plate"].update(changes)


def change_method(**changes):
    return lambda study: study.methods["methods"]["voronoi-otsu"].update(changes)


def change_filter(*steps):
    return lambda study: study.methods["filters"].update(smooth=list(steps))


def change_row(**cells):
    return lambda study: study.samples[0].update(cells)


def rename_column(old, new):
    def change(study):
        study.samples[0] = {new if k == old else k: v for k, v in study.samples[0].items()}

    return change


def without(key):
    return lambda study: study.datasets["plate"].pop(key)


def fetched(**entry):
    def change(study):
        del study.datasets["plate"]["folder"]
        study.datasets["plate"]["files"] = [entry]

    return change


def fault(name, change, *words):
    return pytest.param(change, words, id=name)


CONFIG = [
    fault(
        "unknown key",
        change_config("metods", "x"),
        "config.yaml",
        "unknown key 'metods'",
        "methods",
    ),
    fault("device", change_config("device", "gpu9"), "config.yaml", "'gpu9'", "auto, cuda"),
    fault("method", change_config("use_methods", ["otsu"]), "'otsu'", "allowed are", "gauss-otsu"),
    fault("no methods", change_config("use_methods", []), "use_methods", "at least one method"),
    fault(
        "question",
        change_config("questions", {"q": {"type": "equality", "ask": "?"}}),
        "questions.q.type",
        "repeatability, screening or tracking",
    ),
    fault(
        "no sheet", change_config("samples", "config/none.tsv"), "config/none.tsv does not exist"
    ),
    fault("no methods file", change_config("methods", "m.yaml"), "m.yaml does not exist"),
]
SHEET = [
    fault(
        "no column", rename_column("images", "imges"), "samples.tsv", "lacks the column 'images'"
    ),
    fault(
        "misspelt column",
        rename_column("truth", "thruth"),
        "samples.tsv",
        "unknown column 'thruth'",
        "did you mean 'truth'?",
    ),
    fault(
        "duplicate sample",
        lambda study: study.samples.append(study.samples[0]),
        "samples.tsv, row 3",
        "repeats the sample 'plate'",
    ),
    fault("name", change_row(sample="a.b"), "row 2", "'a.b'", "only letters, digits, '_' and '-'"),
    fault("no name", change_row(sample=""), "row 2", "empty cell in the column 'sample'"),
    fault("dataset", change_row(dataset="plat"), "row 2", "'plat'", "did you mean 'plate'?"),
    fault("no sample", lambda study: study.samples.clear(), "samples.tsv", "lacks the column"),
    fault(
        "pattern", change_row(images="B*.tif"), "'plate'", "no file matches 'B*.tif' in raw/plate"
    ),
    fault("file", change_row(images="A01_9.tif"), "'plate'", "no file matches 'A01_9.tif'"),
    fault("truth unknown", without("truth"), "sample 'plate' names truth files", "manual, silver"),
]
DATASETS = [
    fault("unknown key", change_dataset(voxels=1), "plate has an unknown key 'voxels'", "voxel_um"),
    fault("no voxel size", without("voxel_um"), "datasets.yaml", "plate lacks the key 'voxel_um'"),
    fault("zero", change_dataset(voxel_um=[0, 0.5]), "plate.voxel_um.0", "a number above 0"),
    fault("negative", change_dataset(voxel_um=[0.5, -1]), "plate.voxel_um.1", "a number above 0"),
    fault(
        "not finite", change_dataset(voxel_um=[0.5, float("nan")]), "plate", "voxel_um", "number"
    ),
    fault("text", change_dataset(voxel_um=["a", 0.5]), "plate.voxel_um.0", "a number above 0"),
    fault("three", change_dataset(voxel_um=[1, 1, 1]), "'plate'", "3 numbers", "need 2 (Y, X)"),
    fault("axes", change_dataset(axes="XY"), "plate.axes", "YX"),
    fault("calibration", change_dataset(calibration="guess"), "plate.calibration", "nominal"),
    fault("channels", change_dataset(channels=["a", "b"]), "'plate'", "one channel"),
    fault("channel", change_dataset(segment_channel="red"), "'plate'", "'red'", "nuclei"),
    fault("folder", change_dataset(folder="raw/plat"), "raw/plat"),
    fault("neither", without("folder"), "plate", "either files (to fetch) or folder"),
    fault(
        "repair",
        change_dataset(truth={"kind": "manual", "repair": [{"mend": {}}]}),
        "'plate': truth.repair",
        "'mend'",
        "fill_holes",
    ),
    fault("no hash", fetched(url="file:raw/a.tif"), "'plate'", "file:raw/a.tif needs a sha256"),
    fault("hash", fetched(url="file:a.tif", sha256=NO_HASH), "sha256", "64 hexadecimal digits"),
    fault("scheme", fetched(url="ftp://h/a.tif", sha256=NO_HASH + "0"), "ftp://h/a.tif", "https"),
    fault("phantom", fetched(url="phantom:cells"), "phantom:cells", "allowed are nuclei"),
]
METHODS = [
    fault("filter", change_method(filter="smoth"), "'voronoi-otsu'", "'smoth'", "'smooth'"),
    fault("segmenter", change_method(segmenter="otsu"), "'voronoi-otsu'", "'otsu'", "voronoi_otsu"),
    fault(
        "parameter",
        change_method(parameters={"spot_sigma": 1}),
        "'voronoi-otsu'",
        "no parameter 'spot_sigma'",
        "spot_sigma_um, outline_sigma_um",
    ),
    fault(
        "no parameter",
        change_method(parameters={"spot_sigma_um": 1}),
        "'voronoi-otsu'",
        "lacks the parameter 'outline_sigma_um'",
    ),
    fault(
        "value",
        change_method(parameters={"spot_sigma_um": -1, "outline_sigma_um": 1}),
        "'voronoi-otsu'",
        "spot_sigma_um must be above 0",
    ),
    fault(
        "postprocess",
        change_method(postprocess=[{"fill": {}}]),
        "'voronoi-otsu', step 1",
        "'fill'",
        "fill_holes",
    ),
    fault("unknown key", change_method(filters="smooth"), "voronoi-otsu", "'filters'", "filter"),
    fault("step", change_filter({"blur": {}}), "'smooth', step 1", "'blur'", "gaussian"),
    fault("step value", change_filter({"gaussian": {"sigma_um": "a"}}), "'smooth'", "a number"),
    fault("two in one", change_filter({"sobel": {}, "laplace": {}}), "'smooth'", "one name"),
]


def check_stopped(study, outcome, words):
    """Check that one line says it, that nothing ran, and that nothing is left behind."""
    assert outcome.code != 0, outcome.output
    lines = [line for line in outcome.output.splitlines() if all(word in line for word in words)]
    assert len(lines) == 1, outcome.output
    assert "Traceback" not in outcome.output
    assert "jobid" not in outcome.output
    assert not study.path("results").exists()
    assert not study.path("resources").exists()


@pytest.mark.parametrize(("change", "words"), CONFIG)
def test_config(plate, change, words):
    change(plate)
    check_stopped(plate, plate.write().snakemake(), words)


@pytest.mark.parametrize(("change", "words"), SHEET)
def test_sheet(plate, change, words):
    change(plate)
    check_stopped(plate, plate.write().snakemake(), words)


@pytest.mark.parametrize(("change", "words"), DATASETS)
def test_datasets(plate, change, words):
    change(plate)
    check_stopped(plate, plate.write().snakemake(), words)


@pytest.mark.parametrize(("change", "words"), METHODS)
def test_methods(plate, change, words):
    change(plate)
    check_stopped(plate, plate.write().snakemake(), words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            "plate: {a: 1, a: 2}\n", ("datasets.yaml", "'a' occurs twice"), id="key twice"
        ),
        pytest.param("plate: [1\n", ("datasets.yaml", "not valid YAML"), id="not YAML"),
        pytest.param("- plate\n", ("datasets.yaml", "mapping"), id="a list"),
    ],
)
def test_unreadable_yaml(plate, text, words):
    plate.write().path("config", "datasets.yaml").write_text(text)
    check_stopped(plate, plate.snakemake(), words)
