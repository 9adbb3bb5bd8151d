"""The workflow in a package is the one that ran, and says at which commit."""

import subprocess

import pytest
from bioagree.errors import InputError
from bioagree.publication import snapshot


@pytest.fixture
def repository(tmp_path):
    for name in ("Snakefile", "workflow/rules/a.smk", "config/config.yaml", "notes/private.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / ".gitignore").write_text("ignored*\n")
    (tmp_path / "workflow/__pycache__").mkdir()
    (tmp_path / "workflow/__pycache__/a.pyc").write_text("compiled")
    return tmp_path


def git(folder, *arguments):
    name = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", "-C", folder, *name, *arguments], check=True, capture_output=True)


def committed(folder):
    git(folder, "init")
    git(folder, "add", "--all")
    git(folder, "commit", "--message", "first")
    return folder


FILES = ["Snakefile", "config/config.yaml", "workflow/rules/a.smk"]


def test_a_clean_tree_has_its_commit(repository):
    commit, changed = snapshot.commit_of(committed(repository))
    assert len(commit) == 40
    assert changed == ()
    assert snapshot.files_of(repository) == FILES


def test_every_kind_of_change_is_recorded(repository):
    committed(repository)
    (repository / "Snakefile").unlink()
    (repository / "workflow/rules/a.smk").write_text("edited")
    (repository / "workflow/rules/a file.smk").write_text("new")
    (repository / "notes/private.txt").write_text("no part of the workflow")
    _, changed = snapshot.commit_of(repository)
    assert changed == ("Snakefile", "workflow/rules/a file.smk", "workflow/rules/a.smk")
    assert snapshot.files_of(repository) == [
        "config/config.yaml",
        "workflow/rules/a file.smk",
        "workflow/rules/a.smk",
    ]


def test_what_is_ignored_stays_private(repository):
    (repository / "config/ignored-token.txt").write_text("secret")
    assert snapshot.files_of(committed(repository)) == FILES


def test_outside_of_a_repository_there_is_no_commit(repository):
    assert snapshot.commit_of(repository) == ("", ())
    assert snapshot.files_of(repository) == FILES


def test_a_folder_of_another_repository_has_no_commit(repository):
    committed(repository)
    assert snapshot.commit_of(repository / "workflow") == ("", ())


def test_the_workflow_has_the_version_that_its_citation_says(repository):
    with pytest.raises(InputError, match=r"holds no CITATION\.cff"):
        snapshot.software_of(repository)
    (repository / "CITATION.cff").write_text("version: 1.2.3\nrepository-code: https://x.org/y\n")
    found = snapshot.software_of(committed(repository))
    assert (found.version, found.repository, found.changed) == ("1.2.3", "https://x.org/y", ())
    assert len(found.commit) == 40


def test_the_digest_follows_what_the_files_hold(repository):
    before = snapshot.digest_of(repository)
    assert snapshot.digest_of(repository) == before
    (repository / "notes/private.txt").write_text("edited")
    assert snapshot.digest_of(repository) == before
    (repository / "Snakefile").write_text("edited")
    assert snapshot.digest_of(repository) != before
