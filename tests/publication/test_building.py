"""What is told to somebody who packages, before it is public."""

import json
from dataclasses import replace
from pathlib import Path

import example
import pytest
from bioagree.publication import building, metadata
from bioagree.publication.contents import Software


@pytest.fixture
def request_of(tmp_path):
    """A request to package the example's run, whose licences sources may change."""
    _, records = example.run()
    paths = []
    for (rule, name), record in records.items():
        sample = record["wildcards"].get("sample")
        if rule.startswith("import"):
            record["parameters"]["row"] = example.SAMPLES[sample]
        paths.append(tmp_path / f"{rule}.{name}.json")
        paths[-1].write_text(json.dumps(record))
    datasets = {name: dict(one) for name, one in example.DATASETS.items()}
    datasets["stack"]["copyright"] = ["Copyright 2020 Somebody"]
    return building.Request(
        example.PUBLICATION,
        {"title": "Example", "datasets": "config/datasets.yaml"},
        example.SAMPLES,
        datasets,
        example.METHODS,
        example.QUESTIONS,
        paths,
        Path("results"),
        tmp_path,
        Software("0.1.0", "", "12ab" * 10),
        {},
        {},
        include_images=True,
    )


def test_a_package_without_surprises_has_no_remarks(request_of):
    assert building.remarks(request_of) == []


def test_a_dirty_tree_is_told(request_of):
    software = replace(request_of.software, changed=("workflow/Snakefile",))
    (told,) = building.remarks(replace(request_of, software=software))
    assert "differs from commit 12ab12ab12ab in 1 files, such as workflow/Snakefile" in told


def test_a_licence_that_was_not_asked_for_is_told_with_its_reason(request_of):
    request_of.datasets["plate"]["licence"] = "CC-BY-SA-4.0"
    (told, *_) = building.remarks(request_of)
    assert "CC-BY-SA-4.0" in told
    assert "instead of CC-BY-4.0, as the licence of plate requires" in told


def test_paths_of_this_machine_are_told(request_of):
    record = json.loads(request_of.records[0].read_text())
    record["inputs"]["/home/jane/plate.tif"] = "0" * 64
    request_of.records[0].write_text(json.dumps(record))
    (told,) = building.remarks(request_of)
    assert "by their place on this machine, such as /home/jane/plate.tif" in told


def test_images_that_nobody_can_fetch_are_told(request_of):
    (told,) = building.remarks(replace(request_of, include_images=False))
    assert "the images of dataset stack are not in the package" in told


def test_own_data_in_the_name_of_others_are_told(request_of):
    publication = replace(request_of.publication, creators=(metadata.DEVELOPERS,))
    (told,) = building.remarks(replace(request_of, publication=publication))
    assert "name yourself under `publication: creators`" in told
