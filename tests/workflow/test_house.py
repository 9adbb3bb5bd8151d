"""What the README says of the house holds, and every rule is furnished."""

import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = sorted((REPOSITORY / "workflow" / "rules").glob("*.smk"))
CONFIGS = sorted(
    path.name
    for path in (REPOSITORY / "config").glob("*.yaml")
    if "samples" in yaml.safe_load(path.read_text())
)


def rules_of(path):
    """Return the text of each rule of a file by its name."""
    parts = re.split(r"^rule (\w+):\n", path.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("config", CONFIGS)
def test_every_shipped_config_plans(make, tmp_path, config):
    study = make.plate(tmp_path / "drawn")
    study.folder = study.repository = make.tree(tmp_path / "clone")
    outcome = study.run("-n", "--configfile", f"config/{config}")
    assert ("report", "") in outcome.planned


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param(path, name, id=name)
        for path in RULES
        for name, text in rules_of(path).items()
        if "localrule: True" not in text
    ],
)
def test_every_rule_is_furnished(path, name):
    text = rules_of(path)[name]
    assert re.match(r'\s+"""[A-Z].*\.', text), "docstring"
    for directive in ("output", "log", "benchmark", "conda", "script"):
        assert re.search(rf"^    {directive}:", text, re.MULTILINE), directive
    environment = re.search(r'conda:\s+"(.*)"', text)[1]
    assert (path.parent / environment).resolve().is_file()
    assert (path.parent / re.search(r'script:\s+"(.*)"', text)[1]).resolve().is_file()
    assert "record=" in text


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_rule_file_says_what_it_needs_and_makes(path):
    assert re.match(r'""".+?\n\nNeeds: .+?\nMakes: .+?"""', path.read_text(), re.DOTALL)


def test_the_readme_names_the_rule_file_of_each_path():
    table = re.findall(
        r"^\| `(.+?)` \| `(\w+\.smk)` \|", (REPOSITORY / "README.md").read_text(), re.M
    )
    assert len(table) >= 8
    for path, file in table:
        stage = path.split("{")[0].split("…")[0].replace("resources/", "<resources>/")
        stage = stage.replace("results/", "<results>/")
        assert stage in (REPOSITORY / "workflow" / "rules" / file).read_text(), path


def test_snakemake_lists_the_rules_of_the_files(plate):
    listed = re.findall(r"^(\w+)", plate.write().run("--list-rules").output, re.MULTILINE)
    assert {name for path in RULES for name in rules_of(path)} <= set(listed)
