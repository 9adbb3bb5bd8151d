"""README.md of a package: true for this package, and whole."""

import re
from dataclasses import replace

import example
from bioagree.publication import citation, readme
from bioagree.publication.contents import DESCRIPTORS, README


def rows(text, first):
    """Return the cells of the rows of the table whose header starts so."""
    lines = text.split(f"| {first} |", 1)[1].splitlines()[2:]
    found = []
    for line in lines:
        if not line.startswith("|"):
            return found
        found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def test_every_file_is_counted_once(package):
    folders = rows(readme.text(package), "folder")
    assert sum(int(cells[2]) for cells in folders) == len(package.files)
    for path, *_ in folders:
        assert any(file.path.startswith(path.strip("`")) for file in package.files)


def test_every_description_is_explained(package):
    text = readme.text(package)
    for name in DESCRIPTORS:
        assert name == README or f"`{name}`" in text


def test_licences_and_sources_are_listed(package):
    text = readme.text(package)
    assert [cells[:2] for cells in rows(text, "licence")] == [
        ["BSD-3-Clause", "15"],
        ["CC-BY-4.0", "37"],
    ]
    assert rows(text, "dataset")[0] == [
        "Discs on two fields",
        "Franklin, Rosalind",
        "CC-BY-4.0",
        "https://doi.org/10.1234/plate",
    ]


def test_it_says_how_to_cite_and_whom_to_ask(package):
    text = readme.text(package)
    assert citation.reference(package) in text
    assert "<marie.curie@example.org>" in text
    assert "https://orcid.org/0000-0002-1825-0097" in text
    assert "| DOI | none yet |" in readme.text(example.without_doi(package))


def test_a_workflow_that_was_changed_is_called_so(package):
    assert "not as committed" not in readme.text(package)
    dirty = replace(package, software=replace(package.software, changed=("workflow/a.py",)))
    assert "**not as committed**; changed were: workflow/a.py" in readme.text(dirty)


def test_a_bar_in_a_title_does_not_break_a_table(package):
    datasets = {"plate": dict(package.datasets["plate"]) | {"title": "This | that"}}
    text = readme.text(replace(package, datasets=datasets))
    assert "| This \\| that | Franklin, Rosalind |" in text


def test_nothing_is_left_of_the_template(package):
    assert not re.search(r"\{[{%]|None|Undefined", readme.text(package))
