"""What every script starts with: a log, progress, atomic outputs, and the record of the job.

    with job(snakemake) as this:
        write(this.output.labels, ...)

Outputs are written under temporary names beside their final ones and renamed together when the
block ends without error, so a half-written file never stands at a final path. The record says
how the outputs came to be: parameters, code digest, device, versions, and hashes of everything
read and written.
"""

import errno
import json
import logging
import os
import platform
import shutil
import sys
import sysconfig
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import file_digest, sha256
from pathlib import Path
from types import SimpleNamespace

from bioagree.errors import InputError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
LINE_EVERY_S = 10.0  # between two progress lines in a log


class Job:
    """One running job; made by :func:`job`.

    Attributes
    ----------
    output : types.SimpleNamespace
        Temporary paths, by the names of the rule's outputs; all but the record under `files`.
    """

    def __init__(self, snakemake):
        self._snakemake = snakemake
        self._started = datetime.now(UTC)
        self._inputs = [Path(path) for path in snakemake.input]
        self._finals = [Path(path) for path in snakemake.output]
        self._record = Path(snakemake.output.record)
        self._finals.remove(self._record)
        self._warnings: list[str] = []
        self._notes: dict = {}
        self._wildcards = dict(snakemake.wildcards.items())
        self.label = " ".join([snakemake.rule, *self._wildcards.values()])
        self.output = SimpleNamespace(
            **{name: _temporaries(paths) for name, paths in snakemake.output.items()},
            files=[_temporary(path) for path in self._finals],
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
        """Clear what an interrupted run of this job left under the temporary names."""
        for path in self.output.files:
            _remove(path)

    def publish(self) -> None:
        """Move the outputs to their final names, the record last."""
        written = list(zip(self.output.files, self._finals, strict=True))
        for temporary, final in written:
            if not temporary.exists():
                raise RuntimeError(f"{final} was promised, but not written")
            _sync(temporary)
        record = _temporary(self._record)
        facts = self._describe(written)
        record.write_text(json.dumps(facts, indent=1, sort_keys=True, default=str) + "\n")
        _sync(record)
        for temporary, final in [*written, (record, self._record)]:
            os.replace(temporary, final)

    def discard(self) -> None:
        """Remove everything unfinished."""
        for path in [*self.output.files, _temporary(self._record)]:
            _remove(path)

    def _describe(self, written) -> dict:
        parameters = dict(self._snakemake.params.items())
        return {
            "rule": self._snakemake.rule,
            "wildcards": self._wildcards,
            "code": parameters.pop("code", None),
            "parameters": parameters,
            "started": self._started.isoformat(timespec="seconds"),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "threads": self._snakemake.threads,
            "host": {
                "name": platform.node(),
                "system": platform.platform(),
                "machine": platform.machine(),
                "cores": os.cpu_count(),
            },
            "environment": environment(),
            "inputs": {
                str(file): _sha256(file) for path in self._inputs for file in _files_of(path)
            },
            "outputs": {
                str(final / file.relative_to(temporary)): {
                    "sha256": _sha256(file),
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

    An :class:`InputError` or a full disk ends the process with one sentence and exit code 1;
    anything else is a defect and keeps its traceback, in the log too.
    """
    _log_to(snakemake.log)
    this = Job(snakemake)
    try:
        this.prepare()
        yield this
        this.publish()
    except InputError as error:
        this.discard()
        _stop(this, str(error))
    except OSError as error:
        this.discard()
        if error.errno not in NO_ROOM:
            this.log.exception("%s failed", this.label)
            raise
        where = error.filename or Path(snakemake.output[0]).parent
        _stop(this, f"cannot write to {where}: {error.strerror}; free or allow space, then rerun")
    except BaseException:
        this.discard()
        this.log.exception("%s failed", this.label)
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


def _temporary(path: str | Path) -> Path:
    path = Path(path)
    return path.with_name(f".partial-{path.name}")


def _temporaries(paths) -> Path | list[Path]:
    return _temporary(paths) if isinstance(paths, str) else [_temporary(path) for path in paths]


def _files_of(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    for file in _files_of(path):
        with open(file, "rb") as opened:
            os.fsync(opened.fileno())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _log_to(paths) -> None:
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    handlers[0].setLevel(logging.WARNING)
    handlers[0].addFilter(lambda record: not record.exc_info)  # Python prints those itself
    if paths:
        handlers.append(logging.FileHandler(paths[0], mode="w"))
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=handlers
    )


def _stop(this: Job, sentence: str) -> None:
    this.log.error("%s: %s", this.label, sentence)
    raise SystemExit(1) from None
