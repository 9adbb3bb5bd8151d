"""A recorded run: one small ZIP file with hashes of all products and the contents of most.

`manifest.json` describes the run and every product. Beside it lies, under `content/`, what
comparing within tolerances needs: label images, tables, descriptions and surfaces as they are,
images as means of blocks. Figures, pages and models are known by their hashes only. Recording the
same run twice gives the same bytes; no name or path of a machine is in it.
"""

import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from bioagree.errors import InputError
from bioagree.hashing import sha256_of
from bioagree.verification.provenance import Artefact, Run, kind_of

FORMAT = 1
MANIFEST = "manifest.json"
WHOLE = ("labels", "table", "json", "surfaces")  # kinds that are kept as they are
BEGINNING = (1980, 1, 1, 0, 0, 0)  # of a ZIP file's calendar: times would make bytes differ


def record(
    path: Path,
    run: Run,
    results: Path,
    progress: Callable[[Sequence[str]], Iterable[str]] = iter,
) -> None:
    """Record a run; a recording that was there before is replaced when all is written.

    Parameters
    ----------
    path : Path
        The ZIP file to write.
    run : Run
        What the study's jobs left on record.
    results : Path
        The folder that holds the products.
    progress : callable, optional
        Takes the paths of the products, yields them, and shows how far one has come.

    Raises
    ------
    InputError
        When a product is missing, or is not what its job wrote.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".partial-{path.name}")
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            _add(archive, MANIFEST, manifest_of(run))
            for name in progress(list(run.artefacts)):
                _check(results / name, run.artefacts[name])
                if kind_of(name) in WHOLE:
                    _add(archive, f"content/{name}", (results / name).read_bytes())
                elif kind_of(name) == "images":
                    _add(archive, f"content/{name}.json", summary_of(results / name))
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def manifest_of(run: Run) -> bytes:
    """Return what `manifest.json` says of a run."""
    return _text_of(asdict(run) | {"format": FORMAT})


def summary_of(path: Path) -> bytes:
    """Return what is kept of an image file."""
    from bioagree.verification.pixels import summary

    return _text_of(summary(path))


class Recording:
    """A recorded run, opened to be compared with.

    Parameters
    ----------
    path : Path
        The ZIP file; or the folder `recording` of a package, whose `results` lie beside it.

    Raises
    ------
    InputError
        When it is missing, damaged, or of another format.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        try:
            manifest = json.loads(self._read(MANIFEST))
            if manifest.pop("format") != FORMAT:
                raise InputError(
                    f"the recorded run {path} has another format than this version of bioagree "
                    "reads; take the version that recorded it, or record the run again"
                )
            artefacts = {
                name: Artefact(**about | {k: tuple(about[k]) for k in ("devices", "sources")})
                for name, about in manifest.pop("artefacts").items()
            }
            lists = {key: tuple(manifest.pop(key)) for key in ("samples", "machines")}
            software = {name: tuple(found) for name, found in manifest.pop("software").items()}
            self.run = Run(artefacts=artefacts, software=software, **lists, **manifest)
        except InputError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._damaged(f"its {MANIFEST} is not what was recorded") from error

    def check_study(self, title: str, samples: Iterable[str]) -> None:
        """Refuse to be compared with another study, which shares no sample with this one.

        Raises
        ------
        InputError
            One sentence that names both.
        """
        if not set(samples) & set(self.run.samples):
            raise InputError(
                f"the recorded run {self.path} is of another study, {self.run.title!r} with the "
                f"samples {', '.join(self.run.samples)}; this one, {title!r}, has none of them"
            )

    def content(self, name: str) -> bytes:
        """Return what was kept of a product: itself, or of images the summary."""
        images = kind_of(name) == "images"
        content = self._read(f"content/{name}{'.json' if images else ''}")
        if not images and sha256(content).hexdigest() != self.run.artefacts[name].sha256:
            raise self._damaged(f"{name} in it does not have the hash that its manifest says")
        return content

    def _read(self, member: str) -> bytes:
        try:
            if self.path.is_dir():
                return self._file(member).read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(member)
        except FileNotFoundError:
            raise InputError(
                f"there is no recorded run {self.path}; `snakemake record` makes it from the "
                "results that are here, or name another one: `--config recorded_run=PATH`"
            ) from None
        except KeyError:
            raise self._damaged(f"it holds no {member}") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise self._damaged(str(error)) from error

    def _file(self, member: str) -> Path:
        file = self.path / member
        beside = self.path.parent / "results" / member.removeprefix("content/")
        if not file.exists() and not beside.exists():
            raise KeyError(member)
        return file if file.exists() else beside

    def _damaged(self, why: str) -> InputError:
        return InputError(f"the recorded run {self.path} is damaged ({why}); fetch it again")


def _check(path: Path, artefact: Artefact) -> None:
    if not path.is_file():
        raise InputError(f"{path} is missing, so the run is not recorded; run the study again")
    if sha256_of(path) != artefact.sha256:
        raise InputError(
            f"{path} was changed after its job had written it, so the run is not recorded; "
            "remove the file, run the study again, then record it"
        )


def _text_of(content) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name, BEGINNING)
    member.create_system = 3  # Unix, wherever it is written
    member.external_attr = 0o644 << 16
    archive.writestr(member, content, zipfile.ZIP_DEFLATED, compresslevel=9)
