"""A folder and its ZIP file, written together: every file is read once, whatever its size."""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from types import TracebackType

CHUNK = 2**20
BEGINNING = (1980, 1, 1, 0, 0, 0)  # of a ZIP file's calendar: times would make bytes differ
LARGE = 2**31 - 1  # from here on a member needs the 64-bit format
# Compressed already, or (label images, meshes) hardly smaller for much time.
STORED = frozenset(
    [".tif", ".png", ".parquet", ".npz", ".zip", ".jpg", ".gz", ".woff2", ".pdf", ".webp"]
)


@dataclass(frozen=True)
class Written:
    """What was written: bytes and SHA-256."""

    size: int
    sha256: str


class Writer:
    """Writes files to a folder and to a ZIP file at once; use it in a ``with`` block.

    Equal contents in equal order give equal bytes. What fails leaves no ZIP file that opens.

    Parameters
    ----------
    folder : Path
        Made here; must not exist.
    archive : Path
        The ZIP file.
    """

    def __init__(self, folder: Path, archive: Path):
        self._folder = folder
        self._path = archive

    def __enter__(self) -> "Writer":
        self._folder.mkdir(parents=True)
        self._zip = zipfile.ZipFile(self._path, "w", allowZip64=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()
        if error:
            self._path.unlink(missing_ok=True)

    def copy(self, name: str, source: Path) -> Written:
        """Add a file."""
        with open(source, "rb") as file:
            return self.write(name, _chunks(file), source.stat().st_size)

    def write(self, name: str, chunks: Iterable[bytes], size: int | None = None) -> Written:
        """Add what comes in pieces; without its size it is taken to be large."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        digest, count = sha256(), 0
        member = zipfile.ZipInfo(name, BEGINNING)
        member.create_system = 3  # Unix, wherever it is written
        member.external_attr = 0o644 << 16
        stored = PurePosixPath(name).suffix in STORED
        member.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
        large = size is None or size >= LARGE
        with open(path, "wb") as file, self._zip.open(member, "w", force_zip64=large) as packed:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
                packed.write(chunk)
                count += len(chunk)
        return Written(count, digest.hexdigest())


def _chunks(file) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
