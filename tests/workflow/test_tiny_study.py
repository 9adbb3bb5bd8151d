"""One command makes everything that the README promises, and every number in it is right."""

import csv
import hashlib
import re
import zipfile
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import tifffile
from ome_types import from_xml
from skimage.measure import regionprops

METHODS = ("gauss-otsu", "voronoi-otsu", "distance-watershed", "local-watershed")
SAMPLES = {"plate": (0.5, 0.5), "stack": (1.0, 0.5, 0.5)}
IMAGES = {"plate": ["A01_1", "A01_2"], "stack": ["stack"]}


def series(path):
    with tifffile.TiffFile(path) as file:
        return [one.asarray() for one in file.series]


def pixels_of(path):
    with tifffile.TiffFile(path) as file:
        return [image.pixels for image in from_xml(file.ome_metadata).images]


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class Page(HTMLParser):
    """What a page loads, its headings, and its words."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.headings, self.words, self._inside = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self._inside = tag
        self.loads += [value for name, value in attributes if name in ("src", "href", "srcset")]

    def handle_data(self, data):
        self.words.append(data)
        if self._inside in ("h1", "h2") and data.strip():
            self.headings.append(data.strip())


@pytest.fixture(scope="module")
def page(tiny):
    return Page(tiny.study.path("results", "report", "index.html").read_text())


def test_every_file_of_the_readme_is_there(tiny):
    made = {
        str(path.relative_to(tiny.study.folder))
        for path in tiny.study.folder.rglob("*")
        if path.is_file() and path.stat().st_size
    }
    pairs = [f"{sample}.{method}" for sample, method in product(SAMPLES, METHODS)]
    expected = [
        "resources/stack/stack.tif",
        "resources/stack/stack.tif.source.json",
        *(f"results/{kind}/{s}.ome.tif" for kind in ("images", "truth") for s in SAMPLES),
        *(f"results/labels/{pair}.ome.tif" for pair in pairs),
        *(f"results/features/{pair}.parquet" for pair in pairs),
        *(f"results/features/{sample}.truth.parquet" for sample in SAMPLES),
        *(f"results/surfaces/stack.{method}.glb" for method in (*METHODS, "truth")),
        "results/report/surfaces/stack.png",
        *(f"results/scores/{pair}.parquet" for pair in pairs),
        *(f"results/scores/{pair}.objects.parquet" for pair in pairs),
        *(f"results/matches/{sample}.parquet" for sample in SAMPLES),
        *(f"results/comparison/quality/{name}" for name in ("summary.csv", "scores.svg")),
        *(f"results/comparison/agreement/{n}.csv" for n in ("pairs", "images", "objects")),
        *(f"results/comparison/{name}/datapackage.json" for name in ("quality", "agreement")),
        "results/comparison/agreement/2d-count-truth.svg",
        "results/comparison/agreement/3d-mean_volume_um3-methods.svg",
        "results/report/index.html",
        "results/report/examples/plate.png",
        "results/report/rulegraph.svg",
    ]
    assert not set(expected) - made
    assert not [name for name in made if ".partial-" in name]
    empty = [
        p for p in tiny.study.path("results").rglob("*") if p.is_file() and not p.stat().st_size
    ]
    assert all("logs" in path.parts for path in empty)


@pytest.mark.parametrize(("sample", "spacing"), SAMPLES.items())
def test_images_and_labels_carry_the_voxel_size(tiny, sample, spacing):
    results = tiny.study.path("results")
    labels = [results / "labels" / f"{sample}.{method}.ome.tif" for method in METHODS]
    for path in [results / "images" / f"{sample}.ome.tif", *labels]:
        found = pixels_of(path)
        assert len(found) == len(IMAGES[sample])
        for pixels in found:
            sizes = (pixels.physical_size_z, pixels.physical_size_y, pixels.physical_size_x)
            assert sizes[-len(spacing) :] == pytest.approx(spacing)
            assert pixels.physical_size_x_unit.value == "µm"


def test_pixels_are_those_of_the_raw_files(tiny):
    imported = series(tiny.study.path("results", "images", "plate.ome.tif"))
    for name, array in zip(IMAGES["plate"], imported, strict=True):
        np.testing.assert_array_equal(
            array, tifffile.imread(tiny.study.path("raw", "plate", f"{name}.tif"))
        )


@pytest.mark.parametrize(("sample", "method"), [*product(SAMPLES, METHODS)])
def test_labels_are_32_bit_and_numbered_without_gaps(tiny, sample, method):
    for labels in series(tiny.study.path("results", "labels", f"{sample}.{method}.ome.tif")):
        assert labels.dtype == np.uint32
        assert labels.max() > 0
        np.testing.assert_array_equal(np.unique(labels), np.arange(labels.max() + 1))


@pytest.mark.parametrize(("sample", "method"), [*product(SAMPLES, (*METHODS, "truth"))])
def test_features_are_those_of_the_label_images(tiny, sample, method):
    results = tiny.study.path("results")
    stem = f"truth/{sample}" if method == "truth" else f"labels/{sample}.{method}"
    table = pyarrow.parquet.read_table(results / "features" / f"{sample}.{method}.parquet")
    found = table.to_pydict()
    spacing = SAMPLES[sample]
    size = "area_um2" if len(spacing) == 2 else "volume_um3"
    expected = {
        (name, one.label): one
        for name, labels, image in zip(
            IMAGES[sample],
            series(results / f"{stem}.ome.tif"),
            series(results / "images" / f"{sample}.ome.tif"),
            strict=True,
        )
        for one in regionprops(labels.astype(int), image)
    }
    assert list(zip(found["image"], found["label"], strict=True)) == list(expected)
    for index, one in enumerate(expected.values()):
        volume = one.num_pixels * np.prod(spacing)
        assert found[size][index] == pytest.approx(volume)
        assert found["intensity_mean_nuclei"][index] == pytest.approx(one.intensity_mean)
        assert found["intensity_total_nuclei"][index] == one.image_intensity.sum()
        for axis, centre, step in zip("zyx"[-len(spacing) :], one.centroid, spacing, strict=True):
            assert found[f"centroid_{axis}_um"][index] == pytest.approx(centre * step)
    assert table.schema.field(size).metadata[b"unit"].decode() in ("µm²", "µm³")


@pytest.mark.parametrize(("sample", "method"), [*product(SAMPLES, METHODS)])
def test_scores_are_those_of_the_label_images(tiny, sample, method):
    results = tiny.study.path("results")
    scores = pyarrow.parquet.read_table(results / "scores" / f"{sample}.{method}.parquet")
    pairs = zip(
        scores.to_pylist(),
        series(results / "truth" / f"{sample}.ome.tif"),
        series(results / "labels" / f"{sample}.{method}.ome.tif"),
        strict=True,
    )
    for row, truth, found in pairs:
        matched = [
            (a, b)
            for a in range(1, int(truth.max()) + 1)
            for b in range(1, int(found.max()) + 1)
            if 2 * ((truth == a) & (found == b)).sum() > ((truth == a) | (found == b)).sum()
        ]
        objects = len(np.setdiff1d(truth, 0)) + len(np.setdiff1d(found, 0))
        assert row["f1_50"] == pytest.approx(2 * len(matched) / objects)
        both, either = (truth > 0) & (found > 0), (truth > 0) | (found > 0)
        assert row["jaccard"] == pytest.approx(both.sum() / either.sum())
        assert row["accuracy"] == pytest.approx(((truth > 0) == (found > 0)).mean())


def test_drawn_discs_are_found(tiny):
    """Only plain thresholding takes the two touching discs of a field for one."""
    summary = rows(tiny.study.path("results", "comparison", "quality", "summary.csv"))
    found = {
        (row["dimensions"], row["method"]): float(row["mean"])
        for row in summary
        if row["score"] == "f1_50"
    }
    merged = (1 + 2 * 2 / (3 + 2)) / 2
    expected = {(d, m): 1.0 for d in "23" for m in METHODS} | {("2", "gauss-otsu"): merged}
    assert found == pytest.approx(expected)


def test_agreement_is_that_of_the_feature_tables(tiny):
    results = tiny.study.path("results")
    counts = {
        method: np.array([table["image"].count(name) for name in IMAGES["plate"]], float)
        for method in (*METHODS, "truth")
        for table in [
            pyarrow.parquet.read_table(results / f"features/plate.{method}.parquet").to_pydict()
        ]
    }
    pairs = [
        row
        for row in rows(results / "comparison" / "agreement" / "pairs.csv")
        if row["quantity"] == "count" and row["dimensions"] == "2"
    ]
    assert len(pairs) == 4 + 6
    for row in pairs:
        difference = counts[row["first"]] - counts[row["second"]]
        assert int(row["n"]) == 2
        assert float(row["bias"]) == pytest.approx(difference.mean())
        spread = 1.96 * difference.std(ddof=1)
        assert float(row["lower"]) == pytest.approx(difference.mean() - spread, abs=1e-3)
        assert float(row["upper"]) == pytest.approx(difference.mean() + spread, abs=1e-3)


def test_records_name_every_file_with_its_hash(tiny):
    records = tiny.study.records()
    made = {path: facts for record in records for path, facts in record["outputs"].items()}
    for path, facts in made.items():
        file = tiny.study.path(path)
        assert (sha256(file), file.stat().st_size) == (facts["sha256"], facts["bytes"]), path
    results = tiny.study.path("results")
    products = {
        str(path.relative_to(tiny.study.folder))
        for path in results.rglob("*")
        if path.is_file() and not {"logs", "benchmarks", "provenance"} & set(path.parts)
    }
    assert products <= set(made)


def test_what_a_job_read_is_what_another_wrote(tiny):
    records = tiny.study.records()
    made = {path: facts for record in records for path, facts in record["outputs"].items()}
    linked = set()
    for record in records:
        for path, found in record["inputs"].items():
            if path in made:
                assert found == made[path]["sha256"], (record["rule"], path)
                linked.add((record["rule"], path.split("/")[1]))
            elif not path.startswith("results/provenance/"):
                assert found == sha256(tiny.study.path(path)), path
    assert {("segment_gpu", "filtered"), ("segment_cpu", "filtered")} <= linked
    assert {("import_images", "stack"), ("measure", "labels"), ("score", "truth")} <= linked


def test_records_say_how_it_was_made(tiny):
    records = tiny.study.records()
    assert len(records) == tiny.outcome.count("Finished jobid") - 1  # less the target
    for record in records:
        gpu = record["rule"] in ("filter", "segment_gpu")
        assert gpu == ("device" in record)
        assert re.fullmatch("[0-9a-f]{16}", record["code"])
        assert len(record["environment"]["digest"]) == 64
        assert record["started"] <= record["ended"]
        if gpu:
            assert all(record["device"][key] for key in ("backend", "kind", "name", "driver"))


def test_report_answers_the_questions_in_sections(page):
    assert page.headings == [
        "A tiny study",
        "The data",
        "How good is each method?",
        "Do the methods agree?",
        "What do the objects look like?",
        "What was found?",
        "What you should know before you trust it",
        "What was measured",
        "How it was made",
    ]
    words = " ".join(page.words)
    assert "3 images in 2 samples" in words
    assert "is nominal" in words
    for expected in ("CC-BY-4.0", "Curie, Marie", *METHODS):
        assert expected in words


def test_report_loads_nothing_from_elsewhere(page):
    assert page.loads
    assert all(url.startswith(("data:", "#")) for url in page.loads)


def test_report_repeats_the_warnings(page):
    words = " ".join(page.words)
    assert "undersample" in words
    assert "stack.tif: the file says 2 µm along Z, datasets.yaml says 1 µm" in words


def test_a_second_run_has_nothing_to_do(copied):
    assert copied.snakemake().nothing_to_do


def test_snakemakes_own_report_holds_the_figures(copied):
    target = copied.path("report.zip")
    copied.run("--report", str(target))
    with zipfile.ZipFile(target) as archive:
        names = {Path(name).name for name in archive.namelist()}
    assert {"scores.svg", "2d-count-truth.svg", "plate.png", "rulegraph.svg"} <= names
    assert {"summary.csv", "pairs.csv", "index.html"} <= names


@pytest.mark.slow
def test_another_run_elsewhere_gives_the_same_bytes(tiny, make, tmp_path):
    study = make.tiny(tmp_path / "elsewhere", tiny.study.repository).write()
    study.run("--cores", "1")
    first, second = tiny.study.products(), study.products()
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []
