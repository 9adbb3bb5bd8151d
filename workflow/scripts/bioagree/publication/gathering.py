"""Which files of a run go into a package, under which names, and what each of them is."""

import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bioagree.verification.provenance import LABELS, Artefact

MEDIA_TYPES = {
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".def": "text/plain",
    ".glb": "model/gltf-binary",
    ".html": "text/html",
    ".j2": "text/plain",
    ".json": "application/json",
    ".lock": "application/toml",
    ".md": "text/markdown",
    ".npz": "application/zip",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".py": "text/x-python",
    ".rst": "text/x-rst",
    ".smk": "text/x-python",
    ".svg": "image/svg+xml",
    ".tif": "image/tiff",
    ".toml": "application/toml",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
    ".zip": "application/zip",
}
FIGURES = (".svg", ".png", ".pdf")

# What the tables of a stage hold, as it is said of one sample and one method.
TABLES = {
    "features": "Features of the objects",
    "scores": "Scores against the ground truth",
    "matches": "Overlapping objects of every two label images",
    "tracks": "Tracks of the objects over time",
    "truth": "What is known of the true objects",
    "colocalisation": "Colocalisation of two channels",
    "comparison": "Answer",
}


@dataclass(frozen=True)
class Item:
    """A file that is to go into a package.

    Parameters
    ----------
    path : str
        In the package.
    role, description : str
        As in :class:`bioagree.publication.contents.File`.
    source : Path or bytes or iterable of bytes
        Where it lies, what it holds, or the pieces of what it holds.
    product : str, optional
        As in :class:`bioagree.publication.contents.File`.
    sha256 : str, optional
        What it must have, since its job wrote that.
    """

    path: str
    role: str
    description: str
    source: Path | bytes | Iterable[bytes]
    product: str | None = None
    sha256: str | None = None

    def __str__(self) -> str:
        return self.path


def products(
    artefacts: Mapping[str, Artefact], results: Path, include_images: bool
) -> Iterator[Item]:
    """Yield the products of a run; the images only where they are asked for."""
    for name in sorted(artefacts):
        role = role_of(name)
        if role != "images" or include_images:
            yield Item(
                f"results/{name}",
                role,
                describe(name, role),
                results / name,
                str(results / name),
                artefacts[name].sha256,
            )


def role_of(name: str) -> str:
    """Return the role of a product by its path below the results."""
    path = PurePosixPath(name)
    stage = path.parts[0]
    if name.endswith(".ome.tif"):
        return "images" if stage not in LABELS else "truth" if stage == "truth" else "labels"
    if path.suffix in FIGURES:
        return "figure"
    roles = {
        ".parquet": "parquet",
        ".csv": "table",
        ".json": "description",
        ".glb": "surface",
        ".npz": "model",
        ".html": "report",
    }
    return roles[path.suffix]


def describe(name: str, role: str) -> str:
    """Return one sentence on a product."""
    path = PurePosixPath(name)
    stage, *parts = path.parts[0], *path.name.split(".")
    sample, maker = parts[0], parts[1]
    by = {"truth": "the ground truth"}.get(maker, f"method {maker}")
    if role == "report":
        return "The report: every answer with its figures and tables, to be read in a browser."
    if role == "images":
        return f"Images of sample {sample}, calibrated, in one format."
    if role == "truth":
        return f"Ground truth of sample {sample}, as label images."
    if role == "labels":
        made = f"as {by} found them" if stage == "labels" else "that methods learn from"
        return f"Label images of sample {sample}, {made}."
    if role == "surface":
        return f"Surfaces of the objects of sample {sample}, of {by}."
    if role == "model":
        return f"What method {sample} learned from the annotations of dataset {maker}."
    if role == "description":
        return f"What the columns of the tables in {path.parent} mean."
    if role == "figure":
        return f"Figure {path.stem.replace('.', ', ')}, {_place(path)}."
    text = TABLES[stage]
    if stage == "comparison":
        return f"{text}: table {path.stem}, {_place(path)}."
    named = f" of sample {sample}" if stage != "colocalisation" else f", question {sample}"
    kind = ", object by object" if "objects" in parts[2:] else ""
    return f"{text}{named}{f', {by}' if len(parts) > 2 and maker != 'objects' else ''}{kind}."


def media_type(path: str) -> str:
    """Return the media type of a file by its name."""
    suffix = PurePosixPath(path).suffix
    known = MEDIA_TYPES.get(suffix) or mimetypes.guess_type(path)[0]
    return known or ("text/plain" if not suffix else "application/octet-stream")


def _place(path: PurePosixPath) -> str:
    stage = path.parts[0]
    if stage == "comparison" and len(path.parts) > 2:
        return f"question {path.parts[1]}"
    return {"comparison": "all questions", "report": "report"}.get(stage, stage)
