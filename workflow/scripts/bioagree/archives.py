"""What may be taken out of an archive: zip, wheel, tar, tar.gz or tar.xz, from anybody.

No archive is extracted as a whole. The members that are wanted are judged before the first is
written, and copied one by one to new files below a folder. Links, devices, encrypted members,
names that lead elsewhere, and archives that claim to be absurdly large are refused.
"""

import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from gzip import BadGzipFile
from hashlib import file_digest
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO

from bioagree.errors import InputError

BOMB_BYTES, BOMB_RATIO = 10**9, 1000  # what an archive may unpack to; deflate's limit is 1032
FOLDER = "a folder"
BROKEN = (zipfile.BadZipFile, tarfile.TarError, BadGzipFile, lzma.LZMAError, zlib.error)
BROKEN += (EOFError, NotImplementedError, UnicodeDecodeError)


def unpack(path: Path, patterns: list[str], strip: int, folder: Path, url: str) -> dict[str, dict]:
    """Copy the members of an archive that match a pattern to new files below a folder.

    Parameters
    ----------
    path : Path
        The archive; `url` names it in messages.
    patterns : list of str
        As for :mod:`fnmatch`, for whole paths, so ``*`` crosses ``/``. Each must match a file.
    strip : int
        How many leading folders of a member's path to drop.
    folder : Path
        Where to write.

    Returns
    -------
    dict
        The `sha256` and `bytes` of each file, by its path below the folder.

    Raises
    ------
    InputError
        When the archive is broken, or what is wanted of it is absent or not safe.
    """
    written = {}
    with _opened(path, url) as members:
        for target, member in _choose(members, patterns, strip, url).items():
            with member.open() as source:
                written[target] = write_new(source, folder, target, url)
    return written


def copy_member(path: Path, wanted: str, output: BinaryIO, url: str) -> None:
    """Copy the one file at the path `wanted` of an archive, or below its folders, to `output`."""
    with _opened(path, url) as members:
        files = {_clean(member.name): member for member in members if not member.kind}
        below = [name for name in files if name.endswith(f"/{wanted}")]
        found = [wanted] if wanted in files else below
        if not found:
            raise InputError(f"{url} is not in its package{_close(wanted, list(files))}")
        if len(found) > 1:
            names = ", ".join(sorted(map(repr, found[:5])))
            raise InputError(f"{url} is ambiguous; allowed are {names}")
        with files[found[0]].open() as source:
            copyfileobj(source, output)


def write_new(source: BinaryIO, folder: Path, relative: str, url: str) -> dict:
    """Copy a stream to a new file below a folder; return its `sha256` and `bytes`.

    Raises
    ------
    InputError
        When something lies there already; nothing is ever overwritten.
    """
    path = folder / relative
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{url}: another file of the dataset lies at {relative!r}") from None
    with open(path, "w+b") as file:
        copyfileobj(source, file)
        size = file.tell()
        file.seek(0)
        return {"sha256": file_digest(file, "sha256").hexdigest(), "bytes": size}


def fault_of(name: str) -> str | None:
    """Say why a name cannot stand for a file below a folder, on any system.

    Examples
    --------
    >>> fault_of("../a.tif")
    'leaves the folder'
    >>> fault_of("a/b.tif")
    """
    parts = _parts(name)
    if name.startswith("/"):
        return "is an absolute path"
    if not parts or ".." in parts:
        return "leaves the folder"
    if any(re.match(r"[A-Za-z]:", part) for part in parts):
        return "has a drive letter"
    if re.search(r"[\\\x00-\x1f\x7f]", name):
        return "has a backslash or control character"
    if re.search(r"[\ud800-\udfff]", name):
        return "is not valid Unicode"
    if max(len(part.encode()) for part in parts) > 255:
        return "has a name longer than 255 bytes"
    return None


def is_zip(path: Path) -> bool:
    """Judge by the first bytes: a tar archive may end in a zip file."""
    with open(path, "rb") as file:
        return file.read(2) == b"PK"


@dataclass(frozen=True)
class _Member:
    """A member of an archive; `kind` says what it is if not a regular file."""

    name: str
    bytes: int
    kind: str
    open: Callable[[], BinaryIO]


@contextmanager
def _opened(path: Path, url: str) -> Iterator[Iterator[_Member]]:
    """Open an archive and yield its members, for as long as they can be opened."""
    kind, members = (zipfile.ZipFile, _zip) if is_zip(path) else (tarfile.open, _tar)
    try:
        with kind(path) as archive:
            yield _within_reason(members(archive), path.stat().st_size, url)
    except BROKEN as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise InputError(
            f"{url} cannot be unpacked ({reason}); allowed are zip, wheel, tar, tar.gz and tar.xz"
        ) from None


def _zip(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for info in archive.infolist():
        mode = stat.S_IFMT(info.external_attr >> 16)
        if info.filename.endswith("/"):
            kind = FOLDER
        elif mode not in (0, stat.S_IFREG):
            kind = "a link" if mode == stat.S_IFLNK else "a device"
        else:
            kind = "encrypted" if info.flag_bits & 1 else ""
        yield _Member(info.filename, info.file_size, kind, partial(archive.open, info))


def _tar(archive: tarfile.TarFile) -> Iterator[_Member]:
    for info in archive:
        if info.isreg() or info.isdir():
            kind = FOLDER if info.isdir() else ""
        else:
            kind = "a link" if info.issym() or info.islnk() else "a device"
        yield _Member(info.name, info.size, kind, partial(archive.extractfile, info))


def _within_reason(members: Iterable[_Member], packed: int, url: str) -> Iterator[_Member]:
    """Yield members until what they claim to hold is absurd for the size of the archive."""
    total = 0
    for member in members:
        total += member.bytes
        if total > max(BOMB_BYTES, BOMB_RATIO * packed):
            raise InputError(
                f"{url} claims to hold more than {total} bytes at {member.name!r}, although it "
                f"has {packed}; more than {BOMB_RATIO} times its size is not unpacked"
            )
        yield member


def _choose(
    members: Iterable[_Member], patterns: list[str], strip: int, url: str
) -> dict[str, _Member]:
    """Return the files that match a pattern, by the path below the folder that they will get."""
    files = [(_clean(member.name), member) for member in members if member.kind != FOLDER]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name, _ in files):
            hint = _close(pattern, [name for name, _ in files])
            raise InputError(f"{url}: no file in it matches {pattern!r}{hint}")
    chosen: dict[str, _Member] = {}
    for name, member in files:
        if not any(fnmatchcase(name, pattern) for pattern in patterns):
            continue
        if fault := f"is {member.kind}" if member.kind else fault_of(member.name):
            raise InputError(f"{url} is refused, since its member {member.name!r} {fault}")
        target = "/".join(_parts(name)[strip:])
        if not target:
            raise InputError(f"{url}: nothing is left of {name!r} without its first {strip}")
        if target in chosen:
            raise InputError(f"{url} holds two files for one path, {target!r}")
        chosen[target] = member
    return chosen


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in ("", ".")]


def _clean(name: str) -> str:
    return "/".join(_parts(name))


def _close(wanted: str, names: list[str]) -> str:
    """Return a hint at names that resemble a path, best by their last part."""
    last = wanted.rpartition("/")[2]
    close = [name for name in names if name.rpartition("/")[2] == last]
    close = close or get_close_matches(wanted, names, cutoff=0.4) or names
    shown = ", ".join(map(repr, close[:3]))
    return f"; it holds {shown or 'no file'}"
