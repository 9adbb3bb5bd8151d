"""Somebody with a package to archive, and what the proxy saw of it."""

import sys
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "publication"))

import example
from bioagree.publication.deposit import Deposit, Wish
from bioagree.publication.invenio import Client
from bioagree.publication.notes import State
from bioagree.publication.record import record_metadata
from bioagree.publication.services import service_of, token_of
from proxy import Proxy

BESIDE = {"README.md": "README.md", "report.html": "results/report/index.html"}
LATER = ("dates", "rights", "publication_date")  # as only the package says them


def metadata(**changes) -> dict:
    """Return the metadata of the example's record."""
    package = example.package()
    publication = replace(package.publication, **changes)
    return record_metadata(replace(package, publication=publication), "Somewhere")


@dataclass
class Desk:
    """Somebody with a package, a token, and a folder for notes."""

    folder: Path
    proxy: Proxy
    token: str
    said: list[str] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    bulk: int = 300_000
    wish: dict = field(default_factory=dict)
    metadata: dict = field(default_factory=dict)
    clients: dict = field(default_factory=dict)

    @property
    def notes(self) -> Path:
        return self.folder / "archive" / "deposit.json"

    @property
    def state(self) -> State:
        return State.read(self.notes)

    def build(self, doi):
        """Write a small package that has the DOI in it: the same bytes for the same DOI."""
        self.built.append(doi)
        folder, archive = self.folder / "package", self.folder / "package.zip"
        (folder / "results" / "report").mkdir(parents=True, exist_ok=True)
        (folder / "README.md").write_text(f"# Package\n\nhttps://doi.org/{doi}\n")
        (folder / "results" / "report" / "index.html").write_text("<p>The report</p>")
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(zipfile.ZipInfo("README.md"), doi)
            file.writestr(zipfile.ZipInfo("data.bin"), bytes(range(256)) * (self.bulk // 256))
        return folder, archive, self.metadata

    def client(self, **more):
        service = service_of({"url": self.proxy.url, "prefix": "10.5072"})
        token = token_of(service, {"INVENIO_TOKEN": self.token})
        return Client(service, token, **{"pause": 0.05, "timeout": 60.0} | self.clients | more)

    def asked_for(self, **changes) -> Wish:
        self.metadata = changes.pop("metadata", None) or metadata()
        first = {key: value for key, value in self.metadata.items() if key not in LATER}
        wish = {
            "metadata": first,
            "build": self.build,
            "check": lambda folder, archive: None,
            "beside": BESIDE,
        }
        return Wish(**wish | self.wish | changes)

    def archive(self, **changes) -> State:
        """Archive the package, or go on with it."""
        client = self.client()
        deposit = Deposit(client, self.asked_for(**changes), self.notes, self.said.append, quiet)
        return deposit.make()

    def files(self, record: str, draft: bool = True) -> dict[str, dict]:
        """Return what the server has of a record's files."""
        client = Desk.client(self)
        path = f"/records/{record}{'/draft' * draft}/files"
        return {entry["key"]: entry for entry in client.get(path)["entries"]}

    def drafts(self, mark: str) -> int:
        """Count the records that were ever created with a mark, by what the proxy passed on."""
        return sum(
            mark.encode() in one.body and one.status == 201
            for one in self.proxy.asked("POST", "/records")
        )


@contextmanager
def quiet(name, size):
    yield lambda count: None
