"""The files of a crate: those in the package, and those that jobs read or wrote beside it."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import quote

from bioagree.publication import people
from bioagree.publication.contents import DESCRIPTORS, README, File, Package
from bioagree.publication.crate_graph import OF_A_MACHINE, Graph, text_of
from bioagree.publication.gathering import media_type
from bioagree.publication.rights import METADATA

DOI = "https://doi.org/"
DESCRIBED = {
    "CITATION.cff": "How to cite the package.",
    "datapackage.json": "All files with hashes, and the columns of all tables.",
    "dmp.html": "The data management plan, to be read.",
    "dmp.json": "The data management plan, to be read by machines.",
    "fair_score.json": "How FAIR the package is, by its own account.",
    "manifest-sha256.txt": "The SHA-256 of every file but this one.",
    "README.md": "What the package holds and how to use it.",
    "rembi.json": "The images, by the recommended metadata for biological images.",
    "REUSE.toml": "Licence and copyright of every file.",
    "codemeta.json": "The software that made the results.",
}


class Files:
    """Finds the entity of a file by the path under which jobs' records name it."""

    def __init__(self, graph: Graph, package: Package, scripts: Mapping[str, str]):
        self._graph, self._package = graph, package
        self._packaged = {file.path: file for file in package.files}
        self._workflow = {
            (PurePosixPath(file.path).name, file.sha256): file.path
            for file in package.files
            if file.role == "workflow"
        }
        self._hashes: dict[str, str] = {}
        self._written = {
            path: about
            for record in package.records.values()
            for path, about in record["outputs"].items()
        }
        self.parts: list[str] = []
        programs = set(scripts.values())
        for file in package.files:
            self._add(file, file.path in programs)
        for name in DESCRIPTORS:
            if name != "ro-crate-metadata.json":
                self._add_descriptor(name)

    def of(self, path: str, sha256: str, size: int | None = None) -> str:
        """Return the identifier of a file that a record names; describe it where nobody did.

        A file that was another one when it was read or written is an entity of its own.
        """
        name = self._name(path, sha256)
        packaged = self._packaged.get(name)
        if packaged:
            if packaged.role == "record" or packaged.sha256 == sha256:
                return quote(name)
        else:
            known = self._hashes.setdefault(name, sha256)
            if known == sha256:
                return self._beside(f"#{quote(name)}", name, sha256, size)
        return self._beside(f"#other/{sha256[:16]}/{quote(name)}", name, sha256, size)

    def wrote(self, path: str, sha256: str) -> None:
        """Take note of what a job wrote, so that readers of something else are told apart."""
        self._hashes.setdefault(self._name(path, sha256), sha256)

    def dataset(self, name: str) -> str:
        """Return the identifier of a dataset that the study used."""
        about = self._package.datasets[name]
        doi = about.get("doi")
        sources = [
            self._graph.add(
                f"#dataset/{quote(name)}/file/{number}",
                "DataDownload",
                name=f"File {number} of dataset {name}",
                contentUrl=source["url"],
                sha256=source.get("sha256", ""),
                description=text_of(source.get("parameters", {})).replace("{}", ""),
            )
            for number, source in enumerate(about.get("files", ()), start=1)
        ]
        identifier = f"#dataset/{quote(name)}"
        self._graph.add(
            identifier,
            "Dataset",
            name=about["title"],
            description=f"Dataset {name} of the study.",
            identifier=DOI + doi if doi else "",
            url=DOI + doi if doi else "",
            license=self._graph.licences(about["licence"]),
            creator=[self._graph.agent(people.of_dataset(one)) for one in about["creators"]],
            distribution=sources,
        )
        return identifier

    def _name(self, path: str, sha256: str) -> str:
        """Return the path of a file in the package, or where it would stand in it."""
        try:
            below = PurePosixPath(path).relative_to(self._package.results).as_posix()
        except ValueError:
            same = self._workflow.get((PurePosixPath(path).name, sha256))
            if same:
                return same
            if OF_A_MACHINE.match(path) or ".." in PurePosixPath(path).parts:
                return f"elsewhere/{sha256[:16]}/{PurePosixPath(path).name}"
            return path
        return below if below in self._package.records else f"results/{below}"

    def _beside(self, identifier: str, name: str, sha256: str, size: int | None) -> str:
        self._graph.add(
            identifier,
            "File",
            name=name,
            description="A file of the run that is not part of the package.",
            encodingFormat=media_type(name),
            contentSize=str(size) if size is not None else "",
            sha256=sha256,
        )
        return identifier

    def _add(self, file: File, is_program: bool) -> None:
        identifier = quote(file.path)
        derived = file.product and self._name(file.product, "") != file.path
        kinds = ["File", "SoftwareSourceCode"] if is_program else "File"
        software = self._package.software
        self._graph.add(
            identifier,
            ["File", "ImageObject"] if file.path == "results/report/rulegraph.svg" else kinds,
            name=file.path,
            description=file.description,
            encodingFormat=file.media_type,
            contentSize=str(file.size),
            sha256=file.sha256,
            license=self._graph.licences(file.licence),
            copyrightNotice=list(file.copyright),
            version=software.version if is_program else "",
            url=software.repository if is_program else "",
        )
        self.parts.append(identifier)
        if derived:
            source = self._name(file.product, "")
            if source in self._packaged:
                self._graph.link(identifier, "isBasedOn", quote(source))
            elif about := self._written.get(file.product):
                self.wrote(file.product, about["sha256"])
                source = self.of(file.product, about["sha256"], about["bytes"])
                self._graph.link(identifier, "isBasedOn", source)

    def _add_descriptor(self, name: str) -> None:
        self._graph.add(
            name,
            "File",
            name=name,
            description=DESCRIBED[name],
            encodingFormat=media_type(name),
            license=self._graph.licences(METADATA),
            about={"@id": "./"} if name == README else None,
        )
        self.parts.append(name)
