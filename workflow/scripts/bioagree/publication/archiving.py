"""From a study's results to a deposit: what is asked for in the config, built, checked and sent."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bioagree.errors import InputError
from bioagree.publication import contents
from bioagree.publication.building import Request, build, remarks
from bioagree.publication.checking import check, refuse
from bioagree.publication.deposit import Deposit, Wish
from bioagree.publication.invenio import Client
from bioagree.publication.notes import State
from bioagree.publication.opened import Opened
from bioagree.publication.record import draft_metadata, record_metadata
from bioagree.publication.rehearsal import Rehearsal, Rehearsed
from bioagree.publication.services import Service, service_of, token_of
from bioagree.publication.shown import shown
from bioagree.verification.progress import told

ARCHIVE = "package.zip"
# For who looks at the record and has not fetched the ZIP file: path in the package by name there.
BESIDE = {
    contents.README: contents.README,
    contents.DATAPACKAGE: contents.DATAPACKAGE,
    contents.CRATE: contents.CRATE,
    contents.CITATION: contents.CITATION,
    contents.PLAN: contents.PLAN,
    contents.MANIFEST: contents.MANIFEST,
    "report.html": "results/report/index.html",
}


def archive(request: Request, setting: Mapping, log: Path, *, preview: bool = False) -> None:
    """Archive the package of a study, or show what would be sent.

    Parameters
    ----------
    request : Request
        What is to be packaged.
    setting : mapping
        The config's `archive`.
    log : Path
        Gets every sentence that is said.
    preview : bool
        Whether to show requests instead of sending them.

    Raises
    ------
    InputError
        When something is wrong; the deposit can be gone on with.
    """
    if not setting.get("service"):
        raise InputError(
            "config: archive: service is missing: say sandbox to try it, production to mean it, or "
            "the url and prefix of another InvenioRDM"
        )
    service = service_of(setting["service"])
    folder = request.results / "archive"
    with _telling(log) as tell:
        for remark in remarks(request):
            tell(remark)
        if preview:
            with tempfile.TemporaryDirectory(prefix="bioagree-") as scratch:
                wish = _wish(request, setting, service, Path(scratch), iter)
                _rehearse(service, wish, folder / "deposit.json", tell)
        else:
            client = Client(service, token_of(service))
            wish = _wish(request, setting, service, folder, told)
            Deposit(client, wish, folder / "deposit.json", tell, shown).make()


def _rehearse(service: Service, wish: Wish, notes: Path, tell: Callable[[str], None]) -> None:
    noted = State.read(notes)
    tell(f"What would be sent to {service.name}, with the token of {service.variable}:")
    if not (noted and noted.doi):
        tell("(RECORD stands for what the service gives; files with the DOI will differ in it.)")
    tell("(Supposed is that the service knows all licences and affiliations by their identifiers.)")
    rehearsal = Rehearsal(service, noted, tell)
    Rehearsed(rehearsal, wish, notes, lambda sentence: None, _silent).make()
    tell("Nothing was sent.")


def _wish(
    request: Request, setting: Mapping, service: Service, folder: Path, progress: Callable
) -> Wish:
    return Wish(
        draft_metadata(request.publication, service.publisher),
        partial(_build, request, service, folder, progress),
        partial(_check, progress),
        BESIDE,
        request.publication.doi,
        str(setting.get("version_of") or ""),
        bool(setting.get("publish")),
    )


def _build(
    request: Request, service: Service, folder: Path, progress: Callable, doi: str
) -> tuple[Path, Path, dict]:
    """Build the package with its DOI; what an interrupted run left is replaced."""
    place, packed = folder / "package", folder / ARCHIVE
    shutil.rmtree(place, ignore_errors=True)
    packed.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    package = build(request, place, packed, doi, progress)
    return place, packed, record_metadata(package, service.publisher)


def _check(progress: Callable, folder: Path, archive: Path) -> None:
    with Opened(archive) as package:
        refuse(check(package, progress))


@contextmanager
def _telling(log: Path) -> Iterator[Callable[[str], None]]:
    with open(log, "w", encoding="utf-8") as file:

        def tell(sentence: str) -> None:
            print(sentence, flush=True)
            print(sentence, file=file, flush=True)

        try:
            yield tell
        except InputError as error:
            print(error, file=file)
            raise


@contextmanager
def _silent(name: str, size: int) -> Iterator[Callable[[int], None]]:
    yield lambda count: None
