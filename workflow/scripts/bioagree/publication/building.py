"""A package, built: files gathered, described, and written to a folder and a ZIP file."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import yaml

from bioagree import tables
from bioagree.errors import InputError
from bioagree.publication import (
    gathering,
    licences,
    metadata,
    rights,
    snapshot,
    study_tables,
)
from bioagree.publication.contents import MANIFEST, Agent, File, Package, Publication, Software
from bioagree.publication.descriptions import describe
from bioagree.publication.gathering import Item
from bioagree.publication.reuse import FOLDER, licence_texts
from bioagree.publication.rights import Rights
from bioagree.publication.schemas import schemas_of
from bioagree.publication.writing import Writer, Written
from bioagree.verification.provenance import Run, kind_of, read_run
from bioagree.verification.recordings import manifest_of, summary_of

PACKAGED = "config/packaged"  # where the packaged workflow has the study's own sheets
AUTHORS = "2026 the bioagree developers"  # of the workflow
METADATA = Rights(rights.METADATA)
SHEETS = ("samples", "datasets", "methods")


@dataclass(frozen=True)
class Request:
    """What is to be packaged.

    Parameters
    ----------
    publication : Publication
        As the config has it; without a date it is that of the day when the last job ended.
    config : mapping
        The merged config, as Snakemake has it.
    samples, datasets, methods, questions : mapping
        As in :class:`bioagree.publication.contents.Package`.
    records : sequence of Path
        The records of all jobs.
    results : Path
        The folder of the results, as the records name it.
    repository : Path
        The folder of the workflow.
    software : Software
        What the workflow is.
    scripts, purposes : mapping
        The script of each rule, below the repository, and what the rule is for.
    include_images : bool
        Whether the calibrated images go into the package too.
    """

    publication: Publication
    config: Mapping
    samples: Mapping[str, Mapping]
    datasets: Mapping[str, Mapping]
    methods: Mapping[str, Mapping]
    questions: Mapping[str, Mapping]
    records: Sequence[Path]
    results: Path
    repository: Path
    software: Software
    scripts: Mapping[str, str]
    purposes: Mapping[str, str]
    include_images: bool = False

    @cached_property
    def jobs(self) -> dict[str, dict]:
        """The records by their path in the package."""
        return {_packaged(path): json.loads(path.read_text()) for path in self.records}

    @cached_property
    def rights(self) -> dict[str, Rights]:
        """The rights in every file that jobs left, by its path in the records."""
        return rights.rights_of(
            self.jobs.values(),
            self.datasets,
            self.publication.licence,
            str(self.results),
            self.config["datasets"],
        )

    @classmethod
    def read(cls, plain: Mapping, records: Iterable[str], results: Path) -> "Request":
        """Return the request that a rule passes as plain values."""
        publication, software = dict(plain["publication"]), dict(plain["software"])
        plan = dict(publication["plan"])
        plan["contributors"] = [
            (Agent(**agent), tuple(roles)) for agent, roles in plan.get("contributors", ())
        ]
        publication |= {
            "plan": plan,
            "creators": tuple(Agent(**agent) for agent in publication["creators"]),
            "contact": Agent(**publication["contact"]),
        }
        return cls(
            Publication(**publication),
            *(plain[key] for key in ("config", "samples", "datasets", "methods", "questions")),
            [Path(path) for path in records],
            results,
            Path(plain["repository"]),
            Software(**software | {"changed": tuple(software["changed"])}),
            plain["scripts"],
            plain["purposes"],
            plain["config"]["publication"].get("include_images", False),
        )


def build(
    request: Request,
    folder: Path,
    archive: Path,
    doi: str = "",
    progress: Callable[[Sequence[Item]], Iterable[Item]] = iter,
) -> Package:
    """Write a package to a folder and a ZIP file; equal results and DOI give equal bytes.

    Parameters
    ----------
    request : Request
        What is to be packaged.
    folder, archive : Path
        Where to; neither may exist.
    doi : str, optional
        The DOI that was reserved for it, in place of the one in the config.
    progress : callable, optional
        Takes the files, yields them, and shows how far one has come.

    Raises
    ------
    InputError
        When a product is missing or not what its job wrote, or a licence forbids the package.
    """
    title, results = request.config["title"], request.results
    run = read_run(title, request.samples, results, request.records)
    records = request.jobs
    items = sorted(_items(request, run, doi), key=lambda item: item.path)
    ended = max(record["ended"] for record in records.values())
    publication = replace(
        request.publication,
        date=request.publication.date or ended[:10],
        doi=doi or request.publication.doi,
    )
    settled = {item.path: _rights(item, request.rights) for item in items}
    licence = licences.collection(one.licence for one in settled.values())
    items += _licence_texts(licence)
    schemas = schemas_of(_tables(items), request.samples, request.datasets)
    with Writer(folder, archive) as writer:
        files = [
            _file(item, _write(writer, item), settled.get(item.path, METADATA))
            for item in progress(items)
        ]
        package = Package(
            publication,
            request.software,
            licence,
            request.config,
            request.samples,
            request.datasets,
            request.methods,
            request.questions,
            tuple(sorted(files, key=lambda file: file.path)),
            records,
            str(results),
            min(record["started"] for record in records.values()),
            ended,
        )
        hashes = {file.path: file.sha256 for file in files}
        scripts = {rule: f"workflow/{script}" for rule, script in request.scripts.items()}
        for name, content in describe(package, schemas, scripts, request.purposes).items():
            hashes[name] = writer.write(name, [content], len(content)).sha256
        writer.write(MANIFEST, [manifest(hashes)])
    return package


def remarks(request: Request) -> list[str]:
    """Return what to tell who packages: nothing of it is wrong, and all of it will be public."""
    found = []
    commit, changed = request.software.commit, request.software.changed
    if changed:
        found.append(
            f"the workflow differs from commit {commit[:12]} in {len(changed)} files, such as "
            f"{changed[0]}; the package has them as they are now, and says so"
        )
    absolute = sorted(
        {
            path
            for record in request.jobs.values()
            for path in record["inputs"]
            if Path(path).is_absolute()
        }
    )
    if absolute:
        found.append(
            f"the records name {len(absolute)} files by their place on this machine, such as "
            f"{absolute[0]}, and will be public; give the dataset's folder relative to the study"
        )
    wanted = request.publication.licence
    other: dict[tuple[str, tuple[str, ...]], int] = Counter()
    other.update((one.licence, one.because) for one in request.rights.values() if one.because)
    for (licence, because), count in sorted(other.items()):
        found.append(
            f"{count} files are under {licence} instead of {wanted}, as the licence of "
            f"{', '.join(because)} requires"
        )
    by = [agent.name for agent in request.publication.creators]
    if by == [metadata.DEVELOPERS.name] and any("folder" in d for d in request.datasets.values()):
        found.append(
            f"the package says that {by[0]} made it, since the config names nobody else; name "
            "yourself under `publication: creators`"
        )
    kept = [name for name, one in request.datasets.items() if "folder" in one]
    if kept and not request.include_images:
        found.append(
            f"the images of dataset {', '.join(kept)} are not in the package and cannot be fetched "
            "by others, who then cannot repeat the study; `publication: include_images: true` adds "
            "them"
        )
    return found


def _items(request: Request, run: Run, doi: str) -> Iterator[Item]:
    for item in gathering.products(run.artefacts, request.results, request.include_images):
        yield item
        exported = f"{item.path.removesuffix('.parquet')}.csv"
        # Comparisons leave the tables that people read as CSV themselves.
        if item.role == "parquet" and exported.removeprefix("results/") not in run.artefacts:
            path = exported.replace("results", "tables", 1)
            rows = tables.read_as_csv(item.source)
            yield Item(path, "table", item.description, rows, item.product)
    written = study_tables.study_tables(request.samples, request.datasets, request.methods)
    for path, content in written.items():
        yield Item(path, "table", study_tables.TITLES[path], content)
    yield from _recording(request, run)
    yield from _workflow(request, doi)
    for path in request.records:
        rule, job = path.parent.name, path.stem
        yield Item(_packaged(path), "record", f"What the job {rule} {job} left on record.", path)


def _recording(request: Request, run: Run) -> Iterator[Item]:
    """Yield what `snakemake verify` compares with, beyond the products themselves."""
    text = "What the run was, and what it made, for snakemake verify to compare with."
    yield Item("recording/manifest.json", "recording", text, manifest_of(run))
    for name in sorted(run.artefacts):
        if kind_of(name) == "images":
            yield Item(
                f"recording/content/{name}.json",
                "recording",
                "Means of blocks of an image, for snakemake verify to compare with.",
                summary_of(request.results / name),
                str(request.results / name),
            )


def _workflow(request: Request, doi: str) -> Iterator[Item]:
    """Yield the workflow, and the study's config and sheets in one place of it."""
    for name in snapshot.files_of(request.repository):
        if not name.startswith(f"{PACKAGED}"):
            text = f"The workflow: {name}."
            yield Item(f"workflow/{name}", "workflow", text, request.repository / name)
    config = {**request.config, "recorded_run": "../recording"}
    said = {**config["publication"], "doi": doi or request.publication.doi}
    config["publication"] = {key: said[key] for key in sorted(said) if said[key]}
    for key in SHEETS:
        source = Path(request.config[key])
        config[key] = f"{PACKAGED}/{key}{source.suffix}"
        text = f"The study's {key}, as they were when it ran."
        yield Item(f"workflow/{config[key]}", "workflow", text, source)
    yield Item(
        f"workflow/{PACKAGED}.yaml",
        "workflow",
        "The study's config, as it was when it ran.",
        yaml.safe_dump(config, sort_keys=False, allow_unicode=True).encode(),
    )


def _write(writer: Writer, item: Item) -> Written:
    if isinstance(item.source, bytes):
        return writer.write(item.path, [item.source], len(item.source))
    if not isinstance(item.source, Path):
        return writer.write(item.path, item.source)
    try:
        written = writer.copy(item.path, item.source)
    except FileNotFoundError:
        raise InputError(
            f"{item.source} is missing, so nothing was packaged; run the study again"
        ) from None
    if item.sha256 and written.sha256 != item.sha256:
        raise InputError(
            f"{item.source} was changed after its job had written it, so nothing was packaged; "
            "remove the file and run the study again"
        )
    return written


def _rights(item: Item, known: Mapping[str, Rights]) -> Rights:
    if item.product:
        return known[item.product]
    if item.role == "workflow" and not item.path.startswith(f"workflow/{PACKAGED}"):
        return Rights(rights.CODE, (AUTHORS,))
    return METADATA


def _licence_texts(expression: str) -> list[Item]:
    return [
        Item(f"{FOLDER}/{name}.txt", "licence", f"The text of the licence {name}.", text.encode())
        for name, text in licence_texts([expression]).items()
    ]


def _tables(items: Iterable[Item]) -> dict[str, Path]:
    """Return where each table comes from that jobs left, by its path in the package."""
    return {
        item.path: Path(item.product) for item in items if item.role == "table" and item.product
    }


def _file(item: Item, written: Written, of: Rights) -> File:
    return File(
        item.path,
        item.role,
        gathering.media_type(item.path),
        written.size,
        written.sha256,
        of.licence,
        of.copyright,
        of.datasets,
        item.description,
        item.product,
    )


def _packaged(record: Path) -> str:
    return "/".join(["provenance", *record.parts[-2:]])


def manifest(hashes: Mapping[str, str]) -> bytes:
    """Return hashes as ``sha256sum --check`` reads them."""
    return "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)).encode()
