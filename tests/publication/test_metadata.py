"""What a study says of itself as a publication: good answers are taken, bad ones named."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from bioagree import configuration
from bioagree.errors import InputError
from bioagree.publication import metadata, people

SCHEMAS = Path(__file__).parents[2] / "workflow/schemas"
TITLE = "Do two methods count the same nuclei?"
PERSON = {"family": "Curie", "given": "Marie", "email": "marie.curie@lab.fr"}


@dataclass
class Study:
    """As much of a study as a publication asks of it."""

    config: dict
    datasets: dict = field(default_factory=lambda: {"plate": {"title": "Nuclei on a plate"}})
    used: tuple = ("plate",)
    samples: tuple = ("a", "b")
    methods: tuple = ("otsu",)
    questions: dict = field(default_factory=lambda: {"q": {"ask": "Do they agree?"}})


def read(**said):
    return metadata.read(Study({"title": TITLE, "publication": {"creators": [PERSON]} | said}))


def test_what_is_not_said_is_filled_in_and_nothing_is_invented():
    found = read()
    assert (found.title, found.version, found.licence) == (TITLE, "1.0.0", "CC-BY-4.0")
    assert "2 samples of Nuclei on a plate, segmented with otsu. Do they" in found.description
    assert (found.date, found.doi, found.keywords, found.plan) == ("", "", (), {})
    assert found.contact == found.creators[0]


def test_identifiers_are_taken_with_and_without_their_address():
    person = PERSON | {
        "orcid": "https://orcid.org/0000-0002-1825-0097",
        "ror": "https://ror.org/05f82e368",
    }
    found = read(creators=[person], doi="https://doi.org/10.5281/zenodo.12", version="1.2.0-rc.1")
    assert found.creators[0].orcid == "0000-0002-1825-0097"
    assert found.creators[0].ror == "05f82e368"
    assert found.doi == "10.5281/zenodo.12"
    related = [{"identifier": "doi:10.1234/a", "relation": "Cites"}]
    assert read(related=related).related == ({"identifier": "10.1234/a", "relation": "Cites"},)


@pytest.mark.parametrize(
    "orcid", ["0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X"]
)
def test_orcid_ids_of_orcids_own_documentation_hold(orcid):
    assert people.orcid(orcid, "here") == orcid


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            {"creators": [PERSON | {"orcid": "0000-0002-1825-0098"}]},
            r"creators\[0\].orcid.*checksum",
        ),
        ({"creators": [PERSON | {"orcid": "0000-0002-1825"}]}, "four groups of four digits"),
        ({"creators": [PERSON | {"ror": "05f82e369"}]}, r"ror: the checksum .* 05f82e369"),
        ({"creators": [PERSON | {"ror": "Sorbonne"}]}, "no ROR iD"),
        ({"creators": [PERSON | {"email": "marie"}]}, "no email address"),
        ({"creators": [{"family": "Curie"}]}, "either family and given"),
        ({"creators": [PERSON | {"name": "Curie"}]}, "either family and given"),
        ({"creators": [{"name": "A lab", "orcid": "0000-0002-1825-0097"}]}, "only persons"),
        ({"creators": []}, "creators is missing"),
        ({"creators": [{"name": "A lab"}]}, "contact is missing"),
        ({"title": "Nuclei"}, "title: 'Nuclei' has 6 characters; REMBI asks for 25"),
        ({"version": "1.0"}, "version: '1.0' is no semantic version, such as 1.0.0"),
        ({"version": "01.0.0"}, "no semantic version"),
        ({"date": "22.11.2026"}, "no day of the calendar"),
        ({"date": "2026-02-30"}, "no day of the calendar"),
        ({"doi": "zenodo.12"}, "no DOI; one looks like 10.5281"),
        ({"licence": "CC-BY"}, "licence is 'CC-BY'; allowed are"),
        ({"language": "en"}, "language: 'en' is no ISO 639-3 code"),
        ({"related": [{"identifier": "10.1/a", "relation": "Cites"}]}, r"related\[0\].identifier"),
        ({"related": [{"identifier": "10.1234/a", "relation": "cites"}]}, "relation: 'cites'"),
        ({"funding": [{"funder": "EC", "ror": "00k4n6c33"}]}, r"funding\[0\].ror"),
        ({"plan": {"ethical_issues": True}}, "plan.ethics is missing"),
        ({"plan": {"personal_data": True}}, "plan.privacy is missing"),
        (
            {"plan": {"contributors": [{"family": "Franklin", "roles": ["steward"]}]}},
            r"plan.contributors\[0\] needs",
        ),
    ],
)
def test_a_bad_answer_is_named_with_what_is_allowed(said, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        read(**said)
    assert str(caught.value).startswith("config: publication")


def test_a_study_without_the_section_is_told_what_to_write():
    with pytest.raises(InputError, match="publication is missing.*creators and contact"):
        metadata.read(Study({"title": TITLE}))


def test_a_contact_who_is_a_creator_brings_the_orcid():
    creator = {"family": "Curie", "given": "Marie", "orcid": "0000-0002-1825-0097"}
    contact = read(creators=[creator], contact=PERSON).contact
    assert (contact.orcid, contact.email) == ("0000-0002-1825-0097", "marie.curie@lab.fr")


def test_an_address_that_reaches_nobody_does_not_go_to_production():
    said = {"creators": [PERSON | {"email": "a@mail.example.org"}]}
    for service, passes in (("sandbox", True), ("production", False)):
        study = Study({"title": TITLE, "publication": said, "archive": {"service": service}})
        if passes:
            assert metadata.read(study)
        else:
            with pytest.raises(InputError, match="an example that reaches nobody"):
                metadata.read(study)


def test_yes_and_no_are_words_though_yaml_reads_them_as_true_and_false():
    plan = yaml.safe_load("{personal_data: no, sensitive_data: unknown, ethical_issues: no}")
    assert read(plan=plan).plan == {
        "personal_data": "no",
        "sensitive_data": "unknown",
        "ethical_issues": "no",
    }


def shipped(**more):
    root = SCHEMAS.parents[1]
    return yaml.safe_load((root / "config/config.yaml").read_text()) | more


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{date: 2026-11-22}", "publication.date is wrong.*in quotes"),
        ("{version: 1.0}", "publication.version is wrong.*in quotes"),
        ("{creator: []}", "unknown key 'creator'.*did you mean 'creators'"),
        ("{creators: [{nam: A}]}", "unknown key 'nam'"),
        ("{plan: {backups: tape}}", "unknown key 'backups'.*did you mean 'backup'"),
        ("{plan: {personal_data: perhaps}}", "personal_data is wrong.*yes, no or unknown"),
    ],
)
def test_the_schema_refuses_what_yaml_reads_as_something_else_and_unknown_keys(text, sentence):
    with pytest.raises(InputError, match=sentence):
        configuration.validate(
            shipped(publication=yaml.safe_load(text)), SCHEMAS / "config.schema.yaml", "config"
        )


@pytest.mark.parametrize(
    "archive",
    [
        {"service": "zenodo"},
        {"service": {"url": "https://a.org"}},
        {"service": {"url": "https://a.org", "prefix": "11.1"}},
        {"publish": True},
        {"service": "sandbox", "version_of": 12},
        {"service": "sandbox", "publish": "yes"},
        {"service": "sandbox", "token": "secret"},
    ],
)
def test_the_schema_refuses_an_archive_that_is_not_clear(archive):
    with pytest.raises(InputError, match="archive"):
        configuration.validate(shipped(archive=archive), SCHEMAS / "config.schema.yaml", "config")


def test_every_answer_of_the_page_on_the_config_is_accepted():
    page = (SCHEMAS.parents[1] / "config/README.md").read_text()
    blocks = [block.partition("```")[0] for block in page.split("```yaml")[1:]]
    said, plans = {}, 0
    for block in blocks:
        if block.lstrip().startswith(("publication:", "archive:")):
            content = yaml.safe_load(block.replace("https://…", "https://a.org"))
            plans += "plan" in content.get("publication", {})
            for key, value in content.items():
                said[key] = said.get(key, {}) | value
    assert plans == 1
    assert set(said) == {"publication", "archive"}
    configuration.validate(shipped(**said), SCHEMAS / "config.schema.yaml", "config")
    assert metadata.read(Study({"title": TITLE} | said)).funding[0]["ror"] == "00k4n6c32"


def test_a_dataset_whose_creator_has_a_wrong_orcid_is_refused():
    datasets = yaml.safe_load((SCHEMAS.parents[1] / "config/datasets.yaml").read_text())
    datasets["neuron"]["creators"] = [{"name": "Monko, Tim", "orcid": "0000-0002-1825-0098"}]
    with pytest.raises(InputError, match="dataset 'neuron': creator 'Monko, Tim'.*checksum"):
        configuration.check_datasets(datasets, "datasets.yaml")
