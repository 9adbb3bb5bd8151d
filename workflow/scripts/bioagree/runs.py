"""Which run may write into a folder: the latest, and no other.

A run has a random name. The controller writes it into ``.snakemake/bioagree/run`` when it begins
(:func:`begin`) and hands it to its jobs in the environment, on a cluster too. A job publishes its
outputs only while the file still says that name, and holds a lock on the file meanwhile
(:func:`publishing`), so what is left of a killed run never writes into the one that resumed it.
This is a fencing token (M. Kleppmann, *How to do distributed locking*, 2016).

Where the variable is absent (a workflow that imports this one as a module and begins no run, a
cluster without a shared file system) nothing is checked.
"""

import atexit
import errno
import fcntl
import os
import platform
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from bioagree import guardian, room
from bioagree.errors import InputError

FOLDER = Path(".snakemake", "bioagree")  # beside Snakemake's own locks, and as long-lived
PATIENCE_S = 60.0  # for a job that publishes while a run begins
LOOK_EVERY_S = 5.0
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)

_held: list = []  # what the controller keeps until it ends


class Replaced(Exception):
    """A later run has begun in the folder, so outputs of this one are not wanted any more."""

    def __init__(self):
        super().__init__(
            "a later run has begun in this folder, so this job of an earlier one ends, and nothing "
            "of it is kept"
        )


def begin(shared: bool = True) -> None:
    """Make this process the controller of the one run in the current folder.

    From here on the jobs of earlier runs cannot publish, and those of this one end with it.

    Parameters
    ----------
    shared : bool
        Whether jobs see this folder. Otherwise they are not told of the run.

    Raises
    ------
    InputError
        When the controller of another run is at work here.
    """
    _let_go()
    os.environ.pop(guardian.VARIABLE, None)
    try:
        FOLDER.mkdir(parents=True, exist_ok=True)
        _held.append(_only_controller(FOLDER / "controller"))
        run, fence = os.urandom(16).hex(), (FOLDER / "run").absolute()
        _replace(fence, run)
    except OSError as error:
        raise InputError(room.sentence(error.filename or FOLDER, error.strerror)) from None
    if shared:
        os.environ[guardian.VARIABLE] = f"{run}:{fence}"
        _held.append(_Guard(run))


def check_folder() -> None:
    """Check that a run in the current folder can take notes; Snakemake would show a traceback.

    Raises
    ------
    InputError
        When it cannot.
    """
    notes = FOLDER.parent
    try:
        if notes.is_dir():
            room.check(notes)
        elif not os.access(".", os.W_OK):
            raise OSError(errno.EROFS, "it may only be read")
    except OSError as error:
        raise InputError(room.sentence(notes.absolute(), error.strerror)) from None


def current() -> str | None:
    """Return the name of the run that this process belongs to, or None where runs are not told.

    Raises
    ------
    Replaced
        When a later run has begun.
    """
    known = _known()
    if known and _read(known[1]) != known[0]:
        raise Replaced
    return known[0] if known else None


def is_replaced() -> bool:
    """Return whether a later run has begun."""
    try:
        current()
    except Replaced:
        return True
    return False


@contextmanager
def publishing() -> Iterator[None]:
    """Hold off later runs while outputs get their final names.

    Raises
    ------
    Replaced
        When a later run has begun.
    """
    known = _known()
    if not known:
        yield
        return
    try:
        opened = os.open(known[1], os.O_RDONLY)
    except OSError:
        raise Replaced from None
    with os.fdopen(opened) as fence:
        _lock(fence, fcntl.LOCK_SH)
        if fence.read().strip() != known[0]:
            raise Replaced
        yield


def follow() -> None:
    """End this process, and all of its run on this host, soon after a later run has begun.

    For Snakemake inside a job of a cluster, which would otherwise remove the outputs of a job
    that fails, though they may be those of the later run by then.

    Raises
    ------
    Replaced
        When one has begun already.
    """
    run = current()
    if run:
        threading.Thread(target=_watch, args=(run,), daemon=True).start()


def leave() -> None:
    """End all of a replaced run on this host, this process at last."""
    run, _ = _known()
    guardian.end(run)
    os._exit(1)


def _watch(run: str) -> None:
    while True:
        time.sleep(LOOK_EVERY_S)
        if is_replaced():
            leave()


def _known() -> tuple[str, str] | None:
    run, _, fence = os.environ.get(guardian.VARIABLE, "").partition(":")
    return (run, fence) if fence else None


def _read(fence: str) -> str | None:
    try:
        return Path(fence).read_text().strip()
    except OSError:
        return None


def _lock(file, kind: int) -> bool:
    """Lock a file; where the file system has no locks, go on without."""
    try:
        fcntl.flock(file, kind)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    return True


def _only_controller(path: Path):
    """Return an open file whose lock says that a controller lives; the kernel drops it."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+")
    if not _lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
        raise InputError(
            f"another run is at work in {Path.cwd()} ({file.read().strip() or 'just begun'}); "
            "let it finish or end it, then run this again"
        )
    file.truncate(0)
    now = datetime.now().astimezone().isoformat(" ", timespec="seconds")
    file.write(f"process {os.getpid()} on {platform.node()}, since {now}\n")
    file.flush()
    return file


def _replace(fence: Path, run: str) -> None:
    """Write a new name, once no job is publishing under the old one."""
    deadline = time.monotonic() + PATIENCE_S
    with open(fence, "a") as file:
        while not _lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
            if time.monotonic() > deadline:
                raise InputError(
                    f"a job of an earlier run holds {fence}, though the run has ended; end that "
                    "job, then run this again"
                )
            time.sleep(0.05)
        file.truncate(0)
        file.write(run + "\n")
        file.flush()
        os.fsync(file.fileno())


@atexit.register
def _let_go() -> None:
    while _held:
        _held.pop().close()


class _Guard:
    """What ends the jobs of a run on this host when this process is gone, however it went."""

    def __init__(self, run: str):
        import subprocess

        inherited = {k: v for k, v in os.environ.items() if k != guardian.VARIABLE}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__, run],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=inherited,
            start_new_session=True,
        )

    def close(self) -> None:
        """End what is left of the run, and wait until that is done."""
        self.process.communicate(timeout=PATIENCE_S)
