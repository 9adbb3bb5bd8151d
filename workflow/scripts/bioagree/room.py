"""Whether there is room to write, and which place it is that has none."""

import errno
import os
import traceback
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
ENOUGH = 2**18  # bytes; what Snakemake notes of a run, or a compiled kernel


def check(folder: str | Path) -> None:
    """Write a little to a folder, and remove it again.

    Raises
    ------
    OSError
        When that is not possible.
    """
    path = Path(folder, f".room-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        path.write_bytes(os.urandom(ENOUGH))  # zeros might take no space
    finally:
        path.unlink(missing_ok=True)


def sentence(place: str | Path, reason: str) -> str:
    """Return what to tell users of a place without room."""
    return f"cannot write to {place}: {reason}; free or allow space, then rerun"


def sentence_on_kernels(error: Exception) -> str | None:
    """Return what to tell users when compiled code had no room in its cache, else None.

    Numba's failures do not name the file, and PoCL's not even the reason.
    """
    place, variable, reason = _numba(error) or _pocl(error) or (None, None, None)
    if not place:
        return None
    return (
        f"cannot write to {place}, where compiled code is kept: {reason}; free or allow space "
        f"there, or name another folder in {variable}, then rerun"
    )


def _numba(error: Exception) -> tuple[Path, str, str] | None:
    if not isinstance(error, OSError) or error.errno not in NO_ROOM:
        return None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if code.co_name == "_open_for_write" and code.co_filename.endswith("caching.py"):
            return Path(frame.f_locals["filepath"]).parent, "NUMBA_CACHE_DIR", error.strerror
    return None


def _pocl(error: Exception) -> tuple[Path, str, str] | None:
    if not isinstance(error, RuntimeError) or "OpenCL" not in str(error):
        return None
    given = os.environ.get("POCL_CACHE_DIR")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(given) if given else Path(base, "pocl", "kcache")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check(folder)
    except OSError as reason:
        return folder, "POCL_CACHE_DIR", reason.strerror
    return None
