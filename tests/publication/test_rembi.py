"""rembi.json of a package: what rembi-mifa reads, and honest about what nobody knows."""

import json
from dataclasses import replace

import example
import pytest
from bioagree.publication import rembi
from pydantic import ValidationError
from rembi_mifa.rembi import RembiStudy


def with_dataset(package, name, **more):
    datasets = dict(package.datasets) | {name: package.datasets[name] | more}
    return replace(package, datasets=datasets)


def test_rembi_mifa_reads_it_and_loses_nothing(package):
    found = json.loads(rembi.text(package))
    read = RembiStudy.model_validate(found).model_dump_json()
    assert json.loads(read.replace('Z"', '+00:00"')) == found


def test_rembi_mifa_reads_it_before_there_is_a_doi(package):
    RembiStudy.model_validate(rembi.document(example.without_doi(package)))


def test_rembi_mifa_would_refuse_a_short_title_and_a_wrong_orcid(package):
    found = rembi.document(package)
    found["study"]["title"] = "Short"
    with pytest.raises(ValidationError, match="title"):
        RembiStudy.model_validate(found)
    found = rembi.document(package)
    found["study"]["authors"][0]["orcid"] = "https://orcid.org/0000-0002-1825-0098"
    with pytest.raises(ValidationError, match="checksum"):
        RembiStudy.model_validate(found)


def test_what_nobody_knows_is_unknown_and_generated_images_show_nothing_that_lives(package):
    organism = rembi.document(package)["sample"][0]["organism"]
    assert set(organism.values()) == {"unknown"}
    phantom = with_dataset(package, "plate", files=[{"url": "phantom:nuclei"}])
    found = rembi.document(phantom)
    assert found["sample"][0]["organism"]["scientific_name"] == rembi.NONE
    assert found["specimen"][0]["sample_preparation"] == rembi.NONE
    assert found["sample"][1]["organism"]["scientific_name"] == "unknown"


def test_what_the_datasets_say_arrives(package):
    told = with_dataset(
        package,
        "plate",
        biosample={"organism": "Homo sapiens", "ncbi_taxon": "9606", "entity": "HeLa cells"},
        acquisition={"method": "confocal microscopy", "method_id": "FBbi_00000251"},
        optics={"numerical_aperture": 0.8},
        truth={"kind": "manual", "note": "Two people drew."},
    )
    found = rembi.document(told)
    organism = found["sample"][0]["organism"]
    assert organism["ncbi_taxon"] == "http://purl.obolibrary.org/obo/NCBITaxon_9606"
    method = found["image_acquisition"][0]["imaging_method"]
    assert method["ontology_id"] == "http://purl.obolibrary.org/obo/FBbi_00000251"
    parameters = found["image_acquisition"][0]["image_acquisition_parameters"]
    assert "voxel size 0.5 × 0.5 µm (y, x), measured" in parameters
    assert "numerical aperture 0.8" in parameters
    assert "plate: drawn by people (Two people drew)." in found["annotations"]["annotation_method"]


def test_every_label_image_says_when_and_by_which_method_it_was_made(package):
    made = {
        one["annotation_id"]: one for one in rembi.document(package)["annotations"]["file_metadata"]
    }
    labels = [file.path for file in package.files if file.role == "labels"]
    assert sorted(made) == labels
    one = made["results/labels/stack-1.gauss-otsu.ome.tif"]
    record = package.records["provenance/segment_gpu/stack-1.gauss-otsu.json"]
    assert one["annotation_creation_time"] == record["ended"]
    assert one["transformations"] == "method gauss-otsu"
    assert one["source_image_id"] == "results/images/stack-1.ome.tif"


def test_a_package_without_label_images_has_no_annotations(package):
    bare = tuple(file for file in package.files if file.role not in ("labels", "truth"))
    found = rembi.document(replace(package, files=bare))
    assert "annotations" not in found
    RembiStudy.model_validate(found)
