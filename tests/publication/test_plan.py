"""The data management plan: valid by the standard and beyond it, honest, and the same as a page."""

import json
import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

import example
import madmpy
import pytest
from bioagree.publication import plan

FULL = {
    "storage": "Group share",
    "backup": "Daily to tape",
    "security": "Group only",
    "preservation": "As long as the repository exists",
    "retention_years": 10,
    "personal_data": "yes",
    "privacy": "Consent was given",
    "sensitive_data": "no",
    "ethical_issues": "yes",
    "ethics": "Approved as 42/2026",
    "costs": [{"title": "Storage", "value": 120, "currency": "EUR", "description": "Ten years"}],
    "host": {
        "title": "Our repository",
        "url": "https://repository.example.org",
        "certified_with": "coretrustseal",
    },
    "contributors": [{"family": "Franklin", "given": "Rosalind", "roles": ["data steward"]}],
}


def told(package, **said):
    return replace(package, publication=replace(package.publication, **said))


def dmp(package):
    return plan.document(package)["dmp"]


@pytest.fixture(params=["bare", "full", "without DOI"])
def some(request, package):
    if request.param == "full":
        return told(package, plan=FULL, funding=({"funder": "EC", "ror": "00k4n6c32"},))
    return example.without_doi(package) if request.param == "without DOI" else package


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_madmpy_reads_it_as_every_version_of_the_standard(some, tmp_path, version):
    path = tmp_path / "dmp.json"
    path.write_text(plan.text(some))
    madmpy.set_version(version)
    try:
        assert madmpy.validate_DMP(path)
        path.write_text(plan.text(some).replace('"mbox": "', '"mbox": "at ', 1))
        assert not madmpy.validate_DMP(path)
    finally:
        madmpy.set_version()


def test_it_holds_what_the_schema_leaves_loose(some):
    found = dmp(some)
    for key in ("created", "modified"):
        assert datetime.fromisoformat(found[key]).tzinfo
    assert re.fullmatch("[a-z]{3}", found["language"])
    for dataset in found["dataset"]:
        for kind in dataset.get("distribution", ()):
            assert kind["byte_size"] > 0
            assert kind["format"]
            for licence in kind["license"]:
                assert licence["license_ref"].startswith("https://spdx.org/licenses/")
                assert licence["start_date"] == some.publication.date


def test_volumes_and_formats_are_those_of_the_files(package):
    made = dmp(package)["dataset"][0]
    assert sum(kind["byte_size"] for kind in made["distribution"]) == sum(
        file.size for file in package.files
    )
    labels = next(kind for kind in made["distribution"] if kind["title"] == "Label images")
    assert labels["format"] == ["image/tiff"]
    assert labels["description"] == "5 × image/tiff"


def test_every_role_of_a_file_belongs_to_one_kind():
    from bioagree.publication.contents import File

    roles = [role for roles in plan.KINDS.values() for role in roles]
    assert len(roles) == len(set(roles))
    assert set(roles) == set(re.findall(r"``(\w+)``", File.__doc__))


def test_what_nobody_said_is_unknown(package):
    found = dmp(package)
    made = found["dataset"][0]
    assert found["ethical_issues_exist"] == "unknown"
    assert made["personal_data"] == made["sensitive_data"] == "unknown"
    said = {one["title"]: one["description"] for one in made["security_and_privacy"]}
    assert said["Backup"] == said["Security"] == "unknown"
    assert found["cost"][0]["description"].startswith("unknown")
    assert all("host" not in kind for kind in made["distribution"])
    assert all("available_until" not in kind for kind in made["distribution"])


def test_what_the_config_says_arrives(package):
    found = dmp(told(package, plan=FULL))
    made = found["dataset"][0]
    assert found["cost"] == [
        {"title": "Storage", "value": 120, "currency_code": "EUR", "description": "Ten years"}
    ]
    assert (made["personal_data"], found["ethical_issues_exist"]) == ("yes", "yes")
    assert {one["available_until"] for one in made["distribution"]} == {"2036-11-22"}
    assert {one["host"]["title"] for one in made["distribution"]} == {"Our repository"}
    roles = {one["name"]: one["role"] for one in found["contributor"]}
    assert roles == {
        "Curie, Marie": ["data creator", "contact person"],
        "Image Analysis Facility": ["data creator"],
        "Franklin, Rosalind": ["data steward"],
    }


def test_generated_images_show_nobody(package):
    phantom = {"files": [{"url": "phantom:nuclei"}]}
    datasets = {name: one | phantom for name, one in package.datasets.items()}
    found = dmp(replace(package, datasets=datasets))
    assert {one["personal_data"] for one in found["dataset"]} == {"no"}
    mixed = dmp(replace(package, datasets=datasets | {"plate": package.datasets["plate"]}))
    assert mixed["dataset"][0]["personal_data"] == "unknown"


@pytest.mark.parametrize(
    ("service", "title"),
    [
        ("production", "Zenodo"),
        ("sandbox", "Zenodo Sandbox"),
        ({"url": "https://own.example.org", "prefix": "10.1234"}, "https://own.example.org"),
    ],
)
def test_the_host_is_where_the_package_is_archived(package, service, title):
    config = dict(package.config) | {"archive": {"service": service}}
    found = dmp(replace(package, config=config))["dataset"][0]["distribution"]
    assert {kind["host"]["title"] for kind in found} == {title}


def test_quality_is_that_of_the_run(package):
    said = " ".join(dmp(package)["dataset"][0]["data_quality_assurance"])
    assert f"of {len(package.records)} jobs" in said
    assert "Voxel size of stack: nominal." in said
    assert "Warnings that jobs left on record: 1." in said
    assert "recording/" not in said
    dirty = replace(package, software=replace(package.software, changed=("workflow/a.py",)))
    assert "workflow/a.py" in " ".join(dmp(dirty)["dataset"][0]["data_quality_assurance"])


class Words(HTMLParser):
    """What stands on a page, and what it would fetch from elsewhere."""

    def __init__(self):
        super().__init__()
        self.text, self.fetched, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.fetched += [value for key, value in attrs if key == "src" or tag == "link"]
        if tag not in ("br", "meta", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_says_what_the_file_says(some):
    page = Words()
    page.feed(plan.page(some))
    assert (page.open, page.fetched) == ([], [])
    text = " ".join(" ".join(page.text).split())
    found = dmp(some)
    made = found["dataset"][0]
    said = [found["title"], found["contact"]["mbox"], made["description"], made["personal_data"]]
    said += [one["description"] for one in made["security_and_privacy"]]
    said += made["data_quality_assurance"]
    said += [one["title"] for one in found["dataset"]]
    for value in said:
        assert " ".join(value.split()) in text


def test_the_page_shows_markup_in_a_title_as_text(package):
    title = "Nuclei <script>alert(1)</script> & others"
    page = plan.page(told(package, title=title))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_same_package_gives_the_same_bytes(package):
    assert plan.text(package) == plan.text(example.package())
    assert plan.page(package) == plan.page(example.package())
    assert json.loads(plan.text(package))


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (24_300_000, "24.3 MB")],
)
def test_volumes_are_said_as_people_say_them(size, words):
    assert plan.volume(size) == words
