"""`snakemake archive` from a finished study: a draft, no secret anywhere, never by default."""

import json

import pytest

pytestmark = [pytest.mark.invenio, pytest.mark.slow]
VERBOSE = ("--verbose", "--printshellcmds", "--show-failed-logs")


@pytest.fixture(scope="module")
def finished(make, tmp_path_factory):
    """A study of a plate, run to its report."""
    folder = tmp_path_factory.mktemp("archive")
    study = make.plate(folder / "study").use("gauss-otsu", "distance-watershed")
    study.config["publication"] = {
        "title": "Do two methods count the same discs on a plate?",
        "version": "1.0.0",
        "licence": "CC-BY-4.0",
        "creators": [{"family": "Curie", "given": "Marie"}],
        "contact": {"family": "Curie", "given": "Marie", "email": "marie@curie.example.net"},
    }
    study.config["archive"] = {"service": {"url": "http://127.0.0.1:15600", "prefix": "10.5072"}}
    study.write().run()
    return study


def everything_written(study):
    """Return path and content of every file of a study, Snakemake's own included."""
    return {path: path.read_bytes() for path in study.folder.rglob("*") if path.is_file()}


def test_the_default_target_neither_packages_nor_archives(finished):
    planned = {rule for rule, _ in finished.run("--dry-run", "--forceall").planned}
    assert "report" in planned
    assert not planned & {"package", "archive", "archive_preview"}


def test_a_dry_run_of_archiving_changes_nothing(finished):
    before = set(everything_written(finished))
    finished.run("--dry-run", "archive")
    assert not {path for path in everything_written(finished) if "archive" in path.name} - before


def test_without_a_token_it_ends_with_a_sentence(finished):
    outcome = finished.snakemake("archive", env={"INVENIO_TOKEN": ""})
    assert outcome.code
    assert "archive: the environment variable INVENIO_TOKEN with a token of" in outcome.output
    assert "Traceback" not in outcome.output


def test_a_preview_needs_no_token_and_makes_no_deposit(finished):
    outcome = finished.run("archive_preview", env={"INVENIO_TOKEN": ""})
    assert "POST http://127.0.0.1:15600/api/records\n" in outcome.output
    assert "package.zip/content" in outcome.output
    assert "Nothing was sent." in outcome.output
    assert not finished.path("results", "archive").exists()


def test_a_draft_is_made_and_the_token_is_nowhere(finished, tokens):
    for token, works in (("wrong-but-long-enough", False), (tokens["steward"], True)):
        outcome = finished.snakemake("archive", *VERBOSE, env={"INVENIO_TOKEN": token})
        assert (outcome.code == 0) == works, outcome.output
        assert token not in outcome.output
        for path, content in everything_written(finished).items():
            assert token.encode() not in content, path
    noted = json.loads(finished.path("results", "archive", "deposit.json").read_text())
    assert not noted["published"]
    assert noted["page"] in outcome.output
    assert "package.zip" in noted["files"]
    assert noted["doi"] in finished.path("results", "archive", "package", "README.md").read_text()


def test_an_invented_service_is_refused_while_planning_or_before_anything_is_sent(finished):
    finished.config["archive"]["service"] = {"url": "http://data.example.org", "prefix": "10.1"}
    outcome = finished.write().snakemake("archive", env={"INVENIO_TOKEN": "long-enough-token"})
    assert outcome.code
    assert "archive" in outcome.output
    assert "Traceback" not in outcome.output
