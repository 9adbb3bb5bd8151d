"""A package from elsewhere is read with care."""

import zipfile

import pytest
from bioagree.errors import InputError
from bioagree.publication.opened import Opened


def zipped(path, *members):
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    return path


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no package .*gone.zip; name its folder or its ZIP file"):
        Opened(tmp_path / "gone.zip")


def test_what_is_no_archive_is_named(tmp_path):
    (tmp_path / "page.zip").write_text("<html>")
    with pytest.raises(InputError, match=r"page.zip is no ZIP file, or damaged"):
        Opened(tmp_path / "page.zip")


def test_an_archive_cut_short_is_damaged(tmp_path):
    whole = zipped(tmp_path / "whole.zip", "a", "b").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        Opened(tmp_path / "cut.zip")


def test_a_damaged_member_is_named(tmp_path):
    path = tmp_path / "flipped.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "0123456789")
    path.write_bytes(path.read_bytes().replace(b"0123456789", b"0123456780"))
    with Opened(path) as package, pytest.raises(InputError, match=r"a\.csv in .* is damaged"):
        package.measure("a.csv")


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../evil", "a\\b"])
def test_what_would_be_unpacked_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="unpacked outside"):
        Opened(zipped(tmp_path / "evil.zip", name))


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with pytest.raises(InputError, match="link"):
        Opened(zipped(tmp_path / "links.zip", link))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="link"):
        Opened(tmp_path / "folder")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds a\.csv twice"):
        Opened(zipped(tmp_path / "twice.zip", "a.csv", "a.csv"))
