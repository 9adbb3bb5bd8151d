"""Every environment pins what uv.lock pins, and gives its rules what their scripts import."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from bioagree.features import registry as features
from bioagree.features.dictionary import GROUPS
from bioagree.segmentation import registry as segmentation
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from reachable import SCRIPTS, third_party

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENTS = {path.stem: path for path in sorted((REPOSITORY / "envs").glob("*.yaml"))}
LOCK = tomllib.loads((REPOSITORY / "uv.lock").read_text())["package"]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())

# What a script imports by a computed name, by rule.
COMPUTED = {
    "segment_gpu": [f"bioagree.segmentation.{f}" for f in segmentation.GPU_FAMILIES],
    "segment_cpu": [
        f"bioagree.segmentation.{family}"
        for family in sorted(set(segmentation.FAMILIES.values()))
        if family not in segmentation.GPU_FAMILIES
    ],
    "train": [f"bioagree.segmentation.{f}" for f in segmentation.LEARNED_FAMILIES],
    "measure": features.modules_of(features.OF_OBJECTS),
}
EVERYWHERE = [f"bioagree.features.dictionary.{group}" for group in GROUPS]
# Imports in a branch that a rule never takes.
NEVER = {("segment_cpu", "pyclesperanto"): "segment.py chooses a device for GPU rules only"}
# Requirements that no script imports itself.
INDIRECT = {
    ("fetch", "pip"): "downloads what a source `pypi:` names",
    ("gpu", "pocl-binary-distribution"): "is an OpenCL driver",
}


@dataclass(frozen=True)
class Rule:
    """What a rule says of its software."""

    name: str
    environment: Path
    script: Path


def rules() -> list[Rule]:
    found = []
    for path in sorted((REPOSITORY / "workflow" / "rules").glob("*.smk")):
        parts = re.split(r"^rule (\w+):\n", path.read_text(), flags=re.MULTILINE)
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            said = {
                key: re.search(rf'^    {key}:\s+"(.*)"', text, re.MULTILINE)
                for key in ("conda", "script")
            }
            if said["script"]:
                assert said["conda"], f"rule {name} of {path.name} names no environment"
                places = [(path.parent / said[key][1]).resolve() for key in ("conda", "script")]
                found.append(Rule(name, *places))
    return found


RULES = rules()


def pins(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes of each package that a YAML file pins for this machine's kind."""
    listed = yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
    assert listed[0] == "--require-hashes"
    pinned = {}
    for line in listed[1:]:
        requirement, *hashes = re.split(r"\s--hash=", line)
        name, version, marker = re.fullmatch(r"(\S+)==(\S+)(?: ; (.*))?", requirement).groups()
        if marker is None or Marker(marker).evaluate():
            pinned[canonicalize_name(name)] = (version, frozenset(hashes))
    return pinned


def requirements(group: str) -> set[str]:
    """Return the packages that a group of pyproject.toml names, those of included groups too."""
    named = set()
    for entry in PROJECT["dependency-groups"][group]:
        included = isinstance(entry, dict)
        named |= requirements(entry["include-group"]) if included else {Requirement(entry).name}
    return named


def importable(rule: Rule) -> dict[str, str]:
    """Return the third-party modules that a rule's script can import, with who does."""
    return third_party(rule.script, *COMPUTED.get(rule.name, []), *EVERYWHERE)


def missing(rule: Rule, environment: Path) -> list[str]:
    """Name the modules that a rule can import and an environment does not have."""
    distributions, pinned = packages_distributions(), pins(environment)
    return [
        f"rule {rule.name}: {file} imports {module}, which {environment.name} does not have"
        for module, file in sorted(importable(rule).items())
        if (rule.name, module) not in NEVER
        and not {canonicalize_name(d) for d in distributions.get(module, [])} & set(pinned)
    ]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_pins_are_those_of_the_lock(name):
    locked = {package["name"]: package for package in LOCK}
    pinned = pins(ENVIRONMENTS[name])
    assert pinned
    for package, (version, hashes) in pinned.items():
        entry = locked[package]
        files = [*entry.get("wheels", []), *filter(None, [entry.get("sdist")])]
        assert version == entry["version"], package
        assert hashes == {file["hash"] for file in files}, package


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_environment_is_one_group_with_all_that_it_needs(name):
    pinned, waiting = pins(ENVIRONMENTS[name]), sorted(requirements(name))
    locked = {package["name"]: package for package in LOCK}
    reached = set()
    while waiting:
        package = canonicalize_name(waiting.pop())
        if package not in reached:
            reached.add(package)
            needs = locked[package].get("dependencies", [])
            here = [n for n in needs if "marker" not in n or Marker(n["marker"]).evaluate()]
            waiting += [need["name"] for need in here]
    assert reached <= set(pinned)
    indirect = {package for group, package in INDIRECT if group == name}
    assert set(pinned) - reached <= indirect


def test_python_and_pip_are_exact_and_the_same_everywhere():
    said = {name: yaml.safe_load(path.read_text()) for name, path in ENVIRONMENTS.items()}
    assert {tuple(s["channels"]) for s in said.values()} == {("conda-forge", "nodefaults")}
    exact = {tuple(d for d in s["dependencies"] if isinstance(d, str)) for s in said.values()}
    (once,) = exact
    assert [bool(re.fullmatch(r"(python|pip)=\d+\.\d+\.\d+", spec)) for spec in once] == [True] * 2
    supported = Requirement(f"python{PROJECT['project']['requires-python']}").specifier
    assert once[0].split("=")[1] in supported
    assert all(s["variables"] == {"PYTHONNOUSERSITE": "1"} for s in said.values())


@pytest.fixture
def update(tmp_path):
    """A copy of what update.py reads, and a function that runs it there."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not there; run the tests with `uv run pytest`")
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy2(REPOSITORY / name, tmp_path / name)
    shutil.copytree(REPOSITORY / "envs", tmp_path / "envs")

    def run(*arguments):
        return subprocess.run(
            [sys.executable, tmp_path / "envs" / "update.py", *arguments],
            capture_output=True,
            text=True,
            env=os.environ | {"UV": uv},
        )

    run.folder = tmp_path
    return run


@pytest.mark.slow
def test_one_command_brings_environments_and_lock_together(update):
    assert update("--check").returncode == 0
    image, report = (update.folder / "envs" / f"{name}.yaml" for name in ("image", "report"))
    before = image.read_text()
    image.write_text(re.sub(r"scipy==[\d.]+", "scipy==1.0.0", before))
    report.unlink()
    found = update("--check")
    assert found.returncode == 1
    assert "image.yaml, report.yaml differ from uv.lock; run: uv run" in found.stdout
    assert not report.exists()
    assert update().returncode == 0
    assert image.read_text() == before
    assert update("--check").returncode == 0


def test_every_environment_is_some_rules_and_every_rule_has_one():
    used = {rule.environment for rule in RULES}
    assert used == set(ENVIRONMENTS.values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rules_environment_has_what_its_script_can_import(rule):
    assert missing(rule, rule.environment) == []


@pytest.mark.parametrize(
    ("rule", "package", "module"),
    [
        ("measure", "numba", "numba"),  # in a group of features, imported by a computed name
        ("filter", "pyclesperanto", "pyclesperanto"),  # inside a function
        ("compare_learning", "umap-learn", "umap"),  # another name than its package
        ("track", "laptrack", "laptrack"),
        ("draw_examples", "matplotlib", "matplotlib"),
        ("match", "tqdm", "tqdm"),  # what every job imports
    ],
)
def test_a_package_taken_away_is_missed(tmp_path, rule, package, module):
    (chosen,) = [r for r in RULES if r.name == rule]
    poorer = tmp_path / chosen.environment.name
    lines = chosen.environment.read_text().splitlines(keepends=True)
    poorer.write_text("".join(line for line in lines if f'- "{package}==' not in line))
    (said,) = missing(chosen, poorer)
    assert said.startswith(f"rule {rule}: bioagree/")
    assert said.endswith(f"imports {module}, which {poorer.name} does not have")


def test_an_environment_has_only_what_its_rules_import():
    distributions, imported = packages_distributions(), defaultdict(set)
    for rule in RULES:
        modules = importable(rule)
        names = {d for m in modules if (rule.name, m) not in NEVER for d in distributions[m]}
        imported[rule.environment.stem] |= {canonicalize_name(name) for name in names}
    for name in ENVIRONMENTS:
        unused = {p for p in requirements(name) - imported[name] if (name, p) not in INDIRECT}
        assert not unused, f"no rule of {name} imports these"


def test_no_exception_is_left_over():
    reached = {rule.name: importable(rule) for rule in RULES}
    assert [key for key in NEVER if key[1] not in reached[key[0]]] == []
    modules = {module for found in reached.values() for module in found}
    distributions = {d for m in modules for d in packages_distributions().get(m, [])}
    assert {package for _, package in INDIRECT} & distributions == set()
    files = [p for p in SCRIPTS.rglob("*.py") if "import_module(" in p.read_text()]
    assert {p.relative_to(SCRIPTS).as_posix() for p in files} == {
        "bioagree/features/dictionary/__init__.py",  # all in EVERYWHERE
        "bioagree/features/registry.py",  # in COMPUTED
        "bioagree/segmentation/__init__.py",
    }
