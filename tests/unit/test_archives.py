"""Archives: what is taken out of them, and what is refused."""

import io
import os
import stat
import tarfile
import zipfile
from hashlib import sha256
from random import Random

import pytest
from bioagree import archives
from bioagree.errors import InputError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def tar_of(*members, mode="w"):
    """Pack (name, content or TarInfo type or TarInfo) into a tar archive."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.linkname, info.type = "/etc/hostname", getattr(tarfile, content)
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def zip_of(*members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo("replaced")
            info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED
            if isinstance(content, str):
                info.external_attr = getattr(stat, content) << 16
                content = b"/etc/hostname"
            archive.writestr(info, content)
    return packed.getvalue()


def unpack(tmp_path, packed, patterns=("*",), strip=0):
    (tmp_path / "packed").write_bytes(packed)
    return archives.unpack(tmp_path / "packed", patterns, strip, tmp_path / "new", "file:packed")


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


PACKERS = [
    pytest.param(zip_of, id="zip"),
    pytest.param(tar_of, id="tar"),
    pytest.param(lambda *members: tar_of(*members, mode="w:gz"), id="tar.gz"),
    pytest.param(lambda *members: tar_of(*members, mode="w:xz"), id="tar.xz"),
]


@pytest.mark.parametrize("pack", PACKERS)
def test_only_what_matches_is_unpacked(tmp_path, pack):
    packed = pack(("./a/1.tif", b"1"), ("a/b/2.tif", b"2"), ("a/3.png", b"3"), ("c/4.tif", b"4"))
    written = unpack(tmp_path, packed, ["a/*.tif", "c/?.tif"])
    assert names(tmp_path / "new") == list(written) == ["a/1.tif", "a/b/2.tif", "c/4.tif"]
    assert (tmp_path / "new/a/b/2.tif").read_bytes() == b"2"
    assert written["a/b/2.tif"] == {"sha256": sha256(b"2").hexdigest(), "bytes": 1}


@pytest.mark.parametrize("pack", PACKERS)
def test_leading_folders_can_be_stripped(tmp_path, pack):
    unpack(tmp_path, pack(("top/a/1.tif", b"1")), strip=2)
    assert names(tmp_path / "new") == ["1.tif"]


def test_stripping_everything_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"nothing is left of 'a/1\.tif' without its first 2"):
        unpack(tmp_path, zip_of(("a/1.tif", b"1")), strip=2)


@pytest.mark.parametrize("pack", PACKERS)
def test_pattern_without_match_is_refused(tmp_path, pack):
    with pytest.raises(InputError, match=r"no file in it matches 'b/1\.tif'; it holds 'a/1\.tif'"):
        unpack(tmp_path, pack(("a/1.tif", b"1")), ["a/*", "b/1.tif"])


def test_pattern_that_matches_only_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="matches 'a'"):
        unpack(tmp_path, tar_of(("a", "DIRTYPE"), ("a/1.tif", b"1")), ["a"])


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize(
    ("evil", "fault"),
    [
        ("../x", "leaves the folder"),
        ("a/../../x", "leaves the folder"),
        ("/tmp/x", "is an absolute path"),
        ("//host/x", "is an absolute path"),
        ("C:/x", "has a drive letter"),
        ("a/C:/x", "has a drive letter"),
        ("..\\x", "has a backslash"),
        ("a\nb", "control character"),
        (300 * "x", "longer than 255 bytes"),
    ],
)
def test_member_that_would_lie_elsewhere_is_refused(tmp_path, pack, evil, fault):
    with pytest.raises(InputError, match=fault) as caught:
        unpack(tmp_path, pack(("good", b"1"), (evil, b"2")))
    assert repr(evil) in str(caught.value)
    assert names(tmp_path) == ["packed"]


def test_stripping_does_not_hide_where_a_member_goes(tmp_path):
    with pytest.raises(InputError, match="leaves the folder"):
        unpack(tmp_path, zip_of(("../x", b"2")), strip=1)


@pytest.mark.parametrize(
    ("packed", "fault"),
    [
        (zip_of(("evil", "S_IFLNK")), "a link"),
        (zip_of(("evil", "S_IFIFO")), "a device"),
        (tar_of(("evil", "SYMTYPE")), "a link"),
        (tar_of(("evil", "LNKTYPE")), "a link"),
        (tar_of(("evil", "CHRTYPE")), "a device"),
        (tar_of(("evil", "FIFOTYPE")), "a device"),
    ],
)
def test_links_and_devices_are_refused(tmp_path, packed, fault):
    with pytest.raises(InputError, match=f"member 'evil' is {fault}"):
        unpack(tmp_path, packed)
    assert names(tmp_path / "new") == []


def test_what_is_not_wanted_is_not_judged(tmp_path):
    packed = tar_of(("latest", "SYMTYPE"), ("../x", b"2"), ("a.tif", b"1"))
    assert list(unpack(tmp_path, packed, ["*.tif"])) == ["a.tif"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("pack", PACKERS)
def test_duplicate_members_are_refused(tmp_path, pack):
    with pytest.raises(InputError, match="two files for one path, 'a'"):
        unpack(tmp_path, pack(("a", b"1"), ("./a", b"2")))
    with pytest.raises(InputError, match="two files for one path, 'a'"):
        unpack(tmp_path, pack(("x/a", b"1"), ("y/a", b"2")), strip=1)


@pytest.mark.parametrize("pack", PACKERS)
def test_file_below_a_file_is_refused(tmp_path, pack):
    with pytest.raises(InputError, match="another file of the dataset lies at 'a/b'"):
        unpack(tmp_path, pack(("a", b"1"), ("a/b", b"2")))


@pytest.mark.parametrize("pack", PACKERS[:3:2])
def test_bomb_is_refused_before_anything_is_written(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(archives, "BOMB_BYTES", 10**5)
    monkeypatch.setattr(archives, "BOMB_RATIO", 100)
    with pytest.raises(InputError, match="at 'bomb', although it has"):
        unpack(tmp_path, pack(("a", b"1"), ("bomb", bytes(10**6))))
    assert names(tmp_path / "new") == []


def test_much_compressed_but_small_is_no_bomb(tmp_path):
    assert unpack(tmp_path, tar_of(("a", bytes(10**6)), mode="w:xz"))


def test_encrypted_member_is_refused(tmp_path):
    packed = bytearray(zip_of(("a", b"1")))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(InputError, match="'a' is encrypted"):
        unpack(tmp_path, bytes(packed))


@pytest.mark.parametrize("packed", [b"", b"no archive", b"PK no archive"])
def test_what_is_no_archive_is_refused(tmp_path, packed):
    with pytest.raises(InputError, match="cannot be unpacked .*allowed are zip, wheel, tar"):
        unpack(tmp_path, packed)


@pytest.mark.parametrize("pack", PACKERS)
def test_archive_that_is_cut_off_is_refused(tmp_path, pack):
    packed = pack(("a", Random(1).randbytes(20_000)))
    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack(tmp_path, packed[:10_000])


def test_corrupt_member_is_refused(tmp_path):
    packed = zip_of(("a", Random(1).randbytes(1000)))
    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack(tmp_path, packed.replace(packed[400:410], bytes(10)))


def test_tar_that_ends_in_a_zip_is_a_tar(tmp_path):
    unpack(tmp_path, tar_of(("inner.zip", zip_of(("a", b"1")))))
    assert names(tmp_path / "new") == ["inner.zip"]


@pytest.mark.parametrize("wanted", ["top/one/a.csv", "one/a.csv", "b.csv"])
@pytest.mark.parametrize("pack", PACKERS)
def test_one_member_is_found_also_below_folders(tmp_path, pack, wanted):
    path = tmp_path / "packed"
    path.write_bytes(
        pack(("top/one/a.csv", b"1"), ("x/top/one/a.csv", b"2"), ("x/b.csv", b"1"))
        if wanted.startswith("top")
        else pack(("top/one/a.csv", b"1"), ("top/two/a.csv", b"2"), ("top/b.csv", b"1"))
    )
    output = io.BytesIO()
    archives.copy_member(path, wanted, output, "url")
    assert output.getvalue() == b"1"


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ("a.csv", "url is ambiguous; allowed are 'top/one/a.csv', 'top/two/a.csv'"),
        ("three/a.csv", "url is not in its package; it holds 'top/one/a.csv'"),
        ("one/b.csv", "url is not in its package; it holds 'top/one/a.csv'"),
        ("ne/a.csv", "url is not in its package"),
    ],
)
def test_member_that_is_not_clear_is_refused_with_close_names(tmp_path, wanted, fault):
    path = tmp_path / "packed"
    path.write_bytes(zip_of(("top/one/a.csv", b"1"), ("top/two/a.csv", b"2")))
    with pytest.raises(InputError, match=fault):
        archives.copy_member(path, wanted, io.BytesIO(), "url")


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.one_of(
        st.lists(
            st.sampled_from(["..", ".", "", "a", "C:", "con", "\\", "~", "é", "..."]), min_size=1
        ).map("/".join),
        st.text(min_size=1, max_size=300),
    ),
    pack=st.sampled_from([zip_of, tar_of]),
    strip=st.integers(0, 3),
)
def test_any_member_lands_inside_the_folder_or_is_refused(tmp_path, name, pack, strip):
    base = tmp_path / os.urandom(8).hex()
    base.mkdir()
    try:
        packed = pack((name, b"content"))
    except (UnicodeError, ValueError):
        return  # the packer itself refuses it
    try:
        unpack(base, packed, strip=strip)
    except InputError:
        assert names(base) == ["packed"]
    else:
        assert len(names(base / "new")) == 1
        assert len(names(base)) == 2
        assert all(path.resolve().is_relative_to(base) for path in base.rglob("*"))
