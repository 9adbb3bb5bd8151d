"""Own images, own methods, own segmenters: each is the one edit that the docs describe."""

import re
from pathlib import Path

import pyarrow.parquet
import pytest
import tifffile
import yaml
from bioagree import filters

REPOSITORY = Path(__file__).resolve().parents[2]


def examples(text):
    """Return the fenced blocks of a Markdown text."""
    return re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def add_percentile(repository):
    """Follow docs/add-a-method.md: one module and one line of the registry."""
    module, registry = examples((REPOSITORY / "docs" / "add-a-method.md").read_text())
    library = repository / "workflow" / "scripts" / "bioagree"
    (library / "segmentation" / "percentile.py").write_text(module)
    line = next(line for line in registry.splitlines() if "percentile" in line)
    path = library / "segmentation" / "registry.py"
    text = path.read_text()
    assert text.count("FAMILIES = {\n") == 1
    path.write_text(text.replace("FAMILIES = {\n", f"FAMILIES = {{\n{line}\n"))


@pytest.mark.slow
def test_the_readmes_images_and_method(make, tmp_path):
    """The examples of config/README.md are pasted into the shipped config, and run."""
    folder = make.tree(tmp_path / "clone")
    shown = examples((folder / "config" / "README.md").read_text())
    described, sheet, added, chain, learning, measured, *_ = shown
    filters.check(yaml.safe_load(chain)["filters"]["actin"], "config/README.md")
    plate7 = tmp_path / "plate7"
    study = make.plate(tmp_path / "drawn")
    (plate7 / "labels").mkdir(parents=True)
    for drawn in sorted(study.path("raw", "plate").rglob("A01_*.tif")):
        place = plate7 / drawn.relative_to(study.path("raw", "plate"))
        for sample in ("A01", "A02"):
            tifffile.imwrite(
                place.with_name(drawn.name.replace("A01", sample)), tifffile.imread(drawn)
            )

    with open(folder / "config" / "datasets.yaml", "a") as file:
        file.write("\n" + described.replace("/data/plate7", str(plate7)))
    (folder / "config" / "samples.tsv").write_text(sheet)
    added, learning = yaml.safe_load(added), yaml.safe_load(learning)
    path = folder / "config" / "methods.yaml"
    methods = yaml.safe_load(path.read_text())
    for key in ("filters", "methods"):
        methods[key] |= added[key] | learning.get(key, {})
    path.write_text(yaml.safe_dump(methods))
    config = yaml.safe_load((folder / "config" / "config.yaml").read_text())
    config["use_methods"] = ["my-otsu", "distance-watershed"]
    config |= yaml.safe_load(measured)
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(config))

    study.folder = study.repository = folder
    study.run()
    for sample in ("plate7-A01", "plate7-A02"):
        table = pyarrow.parquet.read_table(
            folder / "results" / "features" / f"{sample}.my-otsu.parquet"
        )
        assert {"intensity_p95_nuclei", "nearest_distance_um"} <= set(table.column_names)
        assert "touching_neighbours" not in table.column_names
        assert set(table.column("image").to_pylist()) <= {f"{sample[-3:]}_1", f"{sample[-3:]}_2"}
    page = (folder / "results" / "report" / "index.html").read_text()
    assert "HeLa nuclei, plate 7" in page
    assert "my-otsu" in page


@pytest.mark.slow
def test_a_segmenter_is_a_function_and_a_line(make, tmp_path):
    repository = make.tree(tmp_path / "clone")
    add_percentile(repository)
    study = make.plate(tmp_path / "study", repository).use("brightest")
    method = {"filter": "smooth", "segmenter": "percentile", "parameters": {"percent": 88.0}}
    study.methods["methods"]["brightest"] = method
    study.write().run("--", "results/scores/plate.brightest.parquet")
    table = pyarrow.parquet.read_table(study.path("results", "scores", "plate.brightest.parquet"))
    assert min(table.column("jaccard").to_pylist()) > 0.9
    (record,) = [r for r in study.records() if r["rule"].startswith("segment")]
    assert record["rule"] == "segment_cpu"
    assert record["parameters"]["method"] == method


def test_parameters_of_an_added_segmenter_are_checked(make, tmp_path):
    repository = make.tree(tmp_path / "clone")
    add_percentile(repository)
    study = make.plate(tmp_path / "study", repository).use("brightest")
    study.methods["methods"]["brightest"] = {"filter": "smooth", "segmenter": "percentile"}
    outcome = study.write().snakemake("-n")
    assert outcome.code != 0
    assert "method 'brightest': percentile lacks the parameter 'percent'" in outcome.output
