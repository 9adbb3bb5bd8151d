"""Another repository imports the workflow as a module, as docs/use-as-a-module.md says."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def outer(make, tmp_path, tiny):
    """A repository of someone else's, with the documented Snakefile, a submodule and a config."""
    study = make.tiny(tmp_path / "outer").write()
    study.repository = study.folder
    page = (REPOSITORY / "docs" / "use-as-a-module.md").read_text()
    study.path("Snakefile").write_text(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1])
    config = study.path("config", "config.yaml")
    below = {"bioagree": yaml.safe_load(config.read_text())}
    config.write_text(yaml.safe_dump(below, sort_keys=False))
    shutil.copytree(tiny.study.repository, study.path("bioagree"))
    return study


@pytest.mark.slow
def test_a_module_gives_what_the_workflow_itself_gives(outer, tiny):
    outer.run("--cores", "2")
    counts = outer.path("results", "counts.txt").read_text().splitlines()
    assert counts[0] == "sample,image,method,count"
    assert "plate,A01_1,distance-watershed,4" in counts

    shutil.move(outer.path("results", "nuclei"), outer.path("moved"))
    shutil.rmtree(outer.path("results"))
    outer.path("moved").rename(outer.path("results"))
    theirs, ours = outer.products(), tiny.study.products()
    # A module brings no profile, so what is temporary is gone.
    ours = {name: made for name, made in ours.items() if not name.startswith("filtered/")}
    assert list(theirs) == list(ours)
    assert [name for name in ours if theirs[name] != ours[name]] == []


def test_two_studies_in_one_workflow(outer):
    """Two modules with results and resources of their own plan each its own jobs."""
    text = outer.path("Snakefile").read_text()
    module = text[text.index("module") : text.index("rule all")]
    second = module.replace("bioagree:", "again:").replace(
        "from bioagree as bioagree_", "from again as again_"
    )
    second = second.replace(
        'results="results/nuclei"', 'results="results/again",\n        resources="resources/again"'
    )
    outer.path("Snakefile").write_text(text.replace("rule all", second + "rule all", 1))
    outcome = outer.run("--dry-run", "--cores", "1", "--", "bioagree_all", "again_all")
    rules = [rule for rule, _ in outcome.planned]
    assert rules.count("bioagree_segment_gpu") == rules.count("again_segment_gpu") > 0
    assert "results/again/labels/plate.gauss-otsu.ome.tif" in outcome.output


def test_a_module_without_its_library_says_what_to_do(outer):
    shutil.rmtree(outer.path("bioagree", "workflow", "scripts"))
    outcome = outer.snakemake("--dry-run", "--cores", "1")
    assert outcome.code != 0
    assert (
        "needs the folder scripts/bioagree beside its rules; clone the whole repository"
        in outcome.output
    )
