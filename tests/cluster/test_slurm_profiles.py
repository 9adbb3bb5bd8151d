"""What the two profiles for Slurm say of the rules; needs no Slurm."""

import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
USUAL = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text())
GRES = yaml.safe_load((REPOSITORY / "profiles/slurm-gres/config.yaml").read_text())


def rules():
    """Return the text of every rule by its name."""
    texts = {}
    for path in (REPOSITORY / "workflow" / "rules").glob("*.smk"):
        parts = re.split(r"^rule (\w+):\n", path.read_text(), flags=re.MULTILINE)
        texts |= dict(zip(parts[1::2], parts[2::2], strict=True))
    return texts


def test_the_gres_variant_names_every_gpu_rule():
    gpu = {name for name, text in rules().items() if re.search(r"^ +gpu=1,$", text, re.M)}
    assert len(gpu) >= 3
    assert set(GRES["set-resources"]) == gpu
    for asked in GRES["set-resources"].values():
        assert asked == {"gpu": 0, "gres": "gpu:1", "gpu_gres": 1}


def test_a_group_never_mixes_rules():
    """So GPU jobs and others never meet in one, and groups cannot wait for each other."""
    assert set(USUAL["groups"]) <= set(rules())
    assert all(rule == group for rule, group in USUAL["groups"].items())
    assert set(USUAL["group-components"]) == set(USUAL["groups"])


@pytest.mark.parametrize("resource", ["gpu", "gpu_gres"])
def test_gpu_jobs_of_one_submission_ask_for_one_gpu(resource):
    assert USUAL["resources"][resource] == 1
    assert USUAL["set-resource-scopes"][resource] == "local"


def test_rules_run_again_for_the_same_reasons_as_on_a_workstation():
    default = yaml.safe_load((REPOSITORY / "profiles/default/config.yaml").read_text())
    for key in ("rerun-triggers", "rerun-incomplete", "notemp", "scheduler"):
        assert USUAL[key] == default[key]
