"""What every script starts with: a log, progress, atomic outputs, and the record of the job.

    with job(snakemake) as this:
        write(this.output.labels, ...)

Outputs are written to a temporary folder beside each final path and renamed together when the
block ends without error, if no later run has begun in the meantime; so a half-written file never
stands at a final path, and a job that outlived its run changes nothing. The record says how the
outputs came to be: parameters, code digest, device, versions, and hashes of everything read and
written.
"""

import json
import logging
import os
import platform
import shutil
import signal
import sys
import sysconfig
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

from bioagree import machine, room, runs
from bioagree.errors import InputError
from bioagree.hashing import sha256_of

LINE_EVERY_S = 10.0  # between two progress lines in a log


class Job:
    """One running job; made by :func:`job`.

    Attributes
    ----------
    output : types.SimpleNamespace
        Temporary paths, by the names of the rule's outputs; all but the record under `files`.
    place : Path
        The folder of the first output.
    """

    def __init__(self, snakemake):
        self._snakemake = snakemake
        self._started = datetime.now(UTC)
        self._inputs = [Path(path) for path in snakemake.input]
        self._finals = [Path(path) for path in snakemake.output]
        record = snakemake.output.get("record")  # a package is its own
        self._record = Path(record) if record else None
        self.place = self._finals[0].parent
        if self._record:
            self._finals.remove(self._record)
        # Of this process alone, so that a job of a killed run never shares a file with this one.
        self._token = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._warnings: list[str] = []
        self._notes: dict = {}
        self._wildcards = dict(snakemake.wildcards.items())
        self.label = " ".join([snakemake.rule, *self._wildcards.values()])
        self.output = SimpleNamespace(
            **{name: self._temporaries(paths) for name, paths in snakemake.output.items()},
            files=[self._temporary(path) for path in self._finals],
        )
        self.log = logging.getLogger("bioagree")

    def warn(self, sentence: str) -> None:
        """Tell the user something that the report repeats."""
        self._warnings.append(sentence)
        self.log.warning(sentence)

    def note(self, **facts) -> None:
        """Add facts to the record, such as the device or what a repair changed."""
        self._notes.update(facts)

    def used(self, paths: Iterable[str | Path]) -> None:
        """Name files that were read although Snakemake knows only their folder."""
        self._inputs = [path for path in self._inputs if not path.is_dir()]
        self._inputs += [Path(path) for path in paths]

    def progress(self, items: Iterable) -> Iterator:
        """Yield `items`, with a bar on a terminal and plain lines in the log."""
        total = len(items) if hasattr(items, "__len__") else None
        if sys.stderr.isatty():
            from tqdm import tqdm

            items = tqdm(items, desc=self.label, total=total, unit="image", leave=False)
        last = time.monotonic()
        for done, item in enumerate(items, start=1):
            yield item
            if time.monotonic() - last > LINE_EVERY_S:
                last = time.monotonic()
                self.log.info("%d of %s done", done, total or "?")

    def prepare(self) -> None:
        """Clear what killed runs of this job left, and make room for this one."""
        for temporary in self._unfinished:
            shutil.rmtree(_partial(temporary), ignore_errors=True)
            temporary.parent.mkdir(parents=True)

    def publish(self) -> None:
        """Move the outputs to their final names, the record last.

        What is written is on the disk before it gets its name, and the names are before Snakemake
        takes note that the job is done.

        Raises
        ------
        bioagree.runs.Replaced
            When a later run has begun.
        """
        written = list(zip(self.output.files, self._finals, strict=True))
        for temporary, final in written:
            if not temporary.exists():
                raise RuntimeError(f"{final} was promised, but not written")
            _sync(temporary)
        if self._record:
            record = self._temporary(self._record)
            facts = self._describe(written)
            record.write_text(json.dumps(facts, indent=1, sort_keys=True, default=str) + "\n")
            _sync(record)
            written.append((record, self._record))
        with runs.publishing():
            for temporary, final in written:
                os.replace(temporary, final)
        for folder in dict.fromkeys(final.parent for _, final in written):
            _sync_entries(folder)
        self.discard()

    def discard(self) -> None:
        """Remove everything unfinished of this process."""
        for temporary in self._unfinished:
            shutil.rmtree(temporary.parent, ignore_errors=True)
            with suppress(OSError):  # another process of this job is at work there
                _partial(temporary).rmdir()

    @property
    def _unfinished(self) -> list[Path]:
        return [*self.output.files, *([self._temporary(self._record)] if self._record else [])]

    def _temporary(self, path: str | Path) -> Path:
        path = Path(path)
        return path.with_name(f".partial-{path.name}") / self._token / path.name

    def _temporaries(self, paths) -> Path | list[Path]:
        if isinstance(paths, str):
            return self._temporary(paths)
        return [self._temporary(path) for path in paths]

    def _describe(self, written) -> dict:
        parameters = dict(self._snakemake.params.items())
        return {
            # Its folder: the rule's name has a prefix where another workflow imports this one.
            "rule": self._record.parent.name,
            "wildcards": self._wildcards,
            "code": parameters.pop("code", None),
            "parameters": parameters,
            "started": self._started.isoformat(timespec="seconds"),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "threads": self._snakemake.threads,
            "host": {
                "system": platform.platform(),
                "machine": platform.machine(),
                "vectors": machine.vector_instructions(),
                "cores": os.cpu_count(),
            },
            "environment": environment(),
            "inputs": {
                str(file): sha256_of(file) for path in self._inputs for file in _files_of(path)
            },
            "outputs": {
                str(final / file.relative_to(temporary)): {
                    "sha256": sha256_of(file),
                    "bytes": file.stat().st_size,
                }
                for temporary, final in written
                for file in _files_of(temporary)
            },
            "warnings": self._warnings,
            **self._notes,
        }


@contextmanager
def job(snakemake) -> Iterator[Job]:
    """Run a script's work: log, catch what users can mend, publish outputs, write the record.

    An :class:`InputError`, a full disk or an interruption ends the process with one sentence;
    so does a later run in the same folder. Anything else is a defect and keeps its traceback, in
    the log too.
    """
    this = Job(snakemake)
    try:
        runs.current()  # before the log is touched
        _log_to(snakemake.log)
        this.prepare()
        yield this
        this.publish()
    except BaseException as error:
        this.discard()
        _explain(this, error)
        raise


def environment() -> dict:
    """Describe the software of this process: versions of what it imported, and a digest.

    The digest covers the names and versions of all distributions installed beside this one, so
    two jobs with equal digests saw the same environment.
    """
    installed = sorted(
        entry.name.removesuffix(".dist-info")
        for entry in os.scandir(sysconfig.get_path("purelib"))
        if entry.name.endswith(".dist-info")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some modules deprecate being asked
        imported = {
            name: str(module.__version__)
            for name, module in sorted(sys.modules.items())
            if "." not in name and isinstance(getattr(module, "__version__", None), str)
        }
    return {
        "python": platform.python_version(),
        "digest": sha256("\n".join(installed).encode()).hexdigest(),
        "imported": imported,
    }


def _partial(temporary: Path) -> Path:
    """Return the folder of all temporary files of one output, whoever wrote them."""
    return temporary.parents[1]


def _files_of(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _sync(path: Path) -> None:
    for file in _files_of(path):
        with open(file, "rb") as opened:
            os.fsync(opened.fileno())
    if path.is_dir():
        for folder in [path, *(p for p in path.rglob("*") if p.is_dir())]:
            _sync_entries(folder)


def _sync_entries(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _log_to(paths) -> None:
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    handlers[0].setLevel(logging.WARNING)
    handlers[0].addFilter(lambda record: not record.exc_info)  # Python prints those itself
    if paths:
        Path(paths[0]).unlink(missing_ok=True)  # a killed run may still write to it
        handlers.append(logging.FileHandler(paths[0], mode="w"))
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=handlers
    )


def _explain(this: Job, error: BaseException) -> None:
    """End the process with one sentence where users can mend it; else log the failure."""
    if runs.is_replaced():  # which is also why files may have gone
        this.log.error("%s: %s", this.label, runs.Replaced())
        runs.leave()
    if isinstance(error, InputError):
        _stop(this, str(error))
    if isinstance(error, KeyboardInterrupt):
        _stop(this, "interrupted; nothing of it is kept", 128 + signal.SIGINT)
    if told := room.sentence_on_kernels(error):
        _stop(this, told)
    if isinstance(error, OSError) and error.errno in room.NO_ROOM:
        _stop(this, room.sentence(error.filename or this.place, error.strerror))
    this.log.exception("%s failed", this.label)


def _stop(this: Job, sentence: str, code: int = 1) -> None:
    this.log.error("%s: %s", this.label, sentence)
    raise SystemExit(code) from None
