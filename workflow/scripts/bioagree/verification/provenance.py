"""What a run made, on what, and from what: read from the records that its jobs left."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path, PurePosixPath

from bioagree.errors import InputError

# Below results, but no products: they can be made again, or differ from run to run.
PASSING = ("benchmarks", "filtered", "logs", "provenance", "verification")
KINDS = {".parquet": "table", ".csv": "table", ".json": "json", ".glb": "surfaces"}
LABELS = ("labels", "truth", "annotations")


@dataclass(frozen=True)
class Artefact:
    """One product of a run, as the job that made it left it.

    Parameters
    ----------
    rule, job : str
        What made it.
    sha256 : str
        Of the file, when its job had written it.
    size : int
        Bytes.
    code, parameters : str
        Digests of what the job ran and of what it was asked for.
    devices : tuple of str
        What the kernels ran on, of this job and of all before it; empty when none needed a device.
    sources : tuple of str
        Paths of the products that it was made from, through intermediate files.
    """

    rule: str
    job: str
    sha256: str
    size: int
    code: str
    parameters: str
    devices: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """A whole run of a study.

    Parameters
    ----------
    title : str
        Of the study.
    samples : tuple of str
        Its samples.
    artefacts : dict
        By path below the results.
    software : dict
        Versions of Python and of all that the jobs imported, by name.
    machines : tuple of str
        Architecture, C library and vector instructions of the machines that jobs ran on.
    """

    title: str
    samples: tuple[str, ...]
    artefacts: dict[str, Artefact]
    software: dict[str, tuple[str, ...]]
    machines: tuple[str, ...]


def kind_of(path: str) -> str:
    """Return what kind of content a product has, which decides how it is compared."""
    parts = PurePosixPath(path)
    if path.endswith(".ome.tif"):
        return "labels" if parts.parts[0] in LABELS else "images"
    if parts.suffix == ".npz":
        return "model"
    return KINDS.get(parts.suffix, "rendered")


def read_run(title: str, samples: Iterable[str], results: Path, records: Iterable[Path]) -> Run:
    """Describe a run by the records of its jobs.

    Parameters
    ----------
    title : str
        Of the study.
    samples : iterable of str
        Its samples.
    results : Path
        The folder that holds the products, as the records name it.
    records : iterable of Path
        Records of all jobs of this study.

    Raises
    ------
    InputError
        When a record is missing or cannot be read.
    """
    jobs = _Jobs([_read(path) for path in records], results)
    return Run(
        title,
        tuple(sorted(samples)),
        {path: jobs.describe(path) for path in sorted(jobs.makers) if _is_product(path)},
        jobs.software(),
        jobs.machines(),
    )


def strays(results: Path, folders: Iterable[str]) -> list[str]:
    """Return files below these folders of the results that no job on record made.

    Files that jobs of another study made, or that somebody asked for, are on record.
    """
    known: set[str] = set()
    for path in sorted(results.glob("provenance/*/*.json")):
        known |= set(_Jobs([_read(path)], results).makers)
    return sorted(
        name
        for folder in sorted(set(folders))
        for path in (results / folder).rglob("*")
        if path.is_file()
        and (name := path.relative_to(results).as_posix()) not in known
        and not any(part.startswith(".") for part in Path(name).parts)
    )


class _Jobs:
    """The records of jobs, linked by the files that they read and wrote."""

    def __init__(self, records: list[dict], results: Path):
        self.records = records
        self.results = results
        self._devices: dict[int, frozenset[str]] = {}

    @cached_property
    def makers(self) -> dict[str, int]:
        """Number of the record that names a file below the results as its output."""
        return {
            name: number
            for number, record in enumerate(self.records)
            for path in record["outputs"]
            if (name := self._below_results(path))
        }

    def describe(self, path: str) -> Artefact:
        number = self.makers[path]
        record = self.records[number]
        about = record["outputs"][str(self.results / path)]
        # Where it was to run is no part of what was asked for: devices are compared themselves.
        asked = {k: v for k, v in record["parameters"].items() if k != "device"}
        return Artefact(
            record["rule"],
            ".".join(record["wildcards"].values()),
            about["sha256"],
            about["bytes"],
            record["code"] or "",
            sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16],
            tuple(sorted(self._devices_of(number))),
            tuple(sorted(self._sources(number))),
        )

    def software(self) -> dict[str, tuple[str, ...]]:
        versions: dict[str, set[str]] = {}
        for record in self.records:
            environment = record["environment"]
            for name, version in (
                environment["imported"] | {"Python": environment["python"]}
            ).items():
                versions.setdefault(name, set()).add(version)
        return {name: tuple(sorted(versions[name])) for name in sorted(versions)}

    def machines(self) -> tuple[str, ...]:
        return tuple(sorted({_machine(record["host"]) for record in self.records}))

    def _below_results(self, path: str) -> str | None:
        try:
            return Path(path).relative_to(self.results).as_posix()
        except ValueError:
            return None

    def _before(self, number: int) -> list[tuple[str, int]]:
        """Return the files that a job read and other jobs made, with these jobs."""
        read = map(self._below_results, self.records[number]["inputs"])
        return [(name, self.makers[name]) for name in read if name in self.makers]

    def _devices_of(self, number: int) -> frozenset[str]:
        if number not in self._devices:
            self._devices[number] = frozenset()  # no job precedes itself
            own = self.records[number].get("device")
            names = {"{backend} {kind}: {name}, {driver}".format(**own)} if own else set()
            before = (self._devices_of(maker) for _, maker in self._before(number))
            self._devices[number] = frozenset(names).union(*before)
        return self._devices[number]

    def _sources(self, number: int) -> set[str]:
        found: set[str] = set()
        for name, maker in self._before(number):
            found |= {name} if _is_product(name) else self._sources(maker)
        return found


def _is_product(path: str) -> bool:
    return PurePosixPath(path).parts[0] not in PASSING


def _machine(host: Mapping) -> str:
    library = re.search(r"glibc[\d.]+|musl[\d.]*", host["system"])
    parts = [host["machine"], library[0] if library else "", *host.get("vectors", [])]
    return " ".join(part for part in parts if part)


def _read(path: Path) -> dict:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"the record {path} cannot be read ({error}); make it again: "
            f"`snakemake --force {path}`, with the same config"
        ) from error
