"""A package that somebody has: a folder or a ZIP file, opened to be read, never trusted."""

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from bioagree.errors import InputError
from bioagree.publication.writing import CHUNK, Written

STAMP = ".snakemake_timestamp"  # which Snakemake leaves in every folder that a job made
LEFT = re.compile(r"\.|__pycache__$")


class Opened:
    """A package, opened.

    Parameters
    ----------
    path : Path
        A folder, or a ZIP file with the package at its root.

    Attributes
    ----------
    names : tuple of str
        Of all files, sorted.

    Raises
    ------
    InputError
        When there is no such package, or it holds what no package may.
    """

    def __init__(self, path: Path):
        self.path = path
        if path.is_dir():
            self._zip, found = None, _walk(path)
        elif path.is_file():
            self._zip = _open(path)
            found = [_member(path, info) for info in self._zip.infolist() if not info.is_dir()]
        else:
            raise InputError(f"there is no package {path}; name its folder or its ZIP file")
        self.names = tuple(sorted(found))
        twice = sorted({name for name, other in pairwise(self.names) if name == other})
        if twice:
            raise InputError(f"{path} holds {twice[0]} twice, so nobody knows which one is meant")

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_) -> None:
        if self._zip:
            self._zip.close()

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file to read its bytes.

        Raises
        ------
        InputError
            When it is not there, or is damaged.
        """
        try:
            with self._zip.open(name) if self._zip else open(self.path / name, "rb") as file:
                yield file
        except (FileNotFoundError, KeyError):
            raise InputError(f"{self.path} holds no {name}") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise InputError(f"{name} in {self.path} is damaged ({error}); get it again") from error

    def read(self, name: str) -> bytes:
        """Return the bytes of a file that fits into memory."""
        with self.open(name) as file:
            return file.read()

    def measure(self, name: str) -> Written:
        """Return bytes and SHA-256 of a file, which need not fit into memory."""
        digest, count = sha256(), 0
        with self.open(name) as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                count += len(chunk)
        return Written(count, digest.hexdigest())


def _walk(folder: Path) -> list[str]:
    found = []
    for place, folders, files in os.walk(folder):
        if Path(place).is_relative_to(folder / "workflow"):  # what running it leaves there
            folders[:] = [name for name in folders if not LEFT.match(name)]
        for name in [*folders, *files]:
            path = Path(place, name)
            if path.is_symlink():
                raise InputError(f"{path} is a link; a package holds files only")
        found += [Path(place, name).relative_to(folder).as_posix() for name in files]
    return [name for name in found if name != STAMP]


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is no ZIP file, or damaged ({error}); get it again") from error


def _member(path: Path, info: zipfile.ZipInfo) -> str:
    parts = PurePosixPath(info.filename).parts
    if "\\" in info.filename or info.filename.startswith("/") or ".." in parts:
        raise InputError(f"{path} holds {info.filename!r}, which would be unpacked outside of it")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise InputError(f"{path} holds the link {info.filename}; a package holds files only")
    if info.flag_bits & 1:
        raise InputError(f"{path} is encrypted; a package is open to everybody")
    return info.filename
