"""The hash by which files are known."""

from hashlib import file_digest
from pathlib import Path


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file, which need not fit into memory: 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()
