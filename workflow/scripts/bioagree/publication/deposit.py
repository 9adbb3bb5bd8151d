"""One deposit: a draft with a reserved DOI, the package that carries it, and all files compared.

Whatever interrupts it, the next call goes on: what was done is noted in a small file after each
step, and what the service has is asked of it. A draft is found again by its identifier; one whose
identifier was lost with an answer by a random mark that it was created with.
"""

import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bioagree.errors import InputError
from bioagree.publication.answers import differences, doi_of, no_errors
from bioagree.publication.invenio import Client, path_of, until_known
from bioagree.publication.notes import State
from bioagree.publication.record import known
from bioagree.publication.shipment import Shipment

SECONDS_TO_BEGIN = 5  # between two answers, for an older draft is somebody else's
PREVIEWED = "README.md"


@dataclass(frozen=True)
class Wish:
    """What is to be archived.

    Parameters
    ----------
    metadata : dict
        For the draft, of :func:`bioagree.publication.record.draft_metadata`.
    build : callable
        Takes the reserved DOI, and returns the folder and the ZIP file of the package, the same
        bytes for the same DOI, and the metadata of its record, of
        :func:`bioagree.publication.record.record_metadata`.
    check : callable
        Takes both, and raises :class:`InputError` when they must not be archived.
    beside : mapping of str to str
        Files of the folder that are shown beside the ZIP file: path in the folder by name there.
    doi : str
        What the config says; empty to have one reserved.
    version_of : str
        Identifier of an earlier record, or empty.
    publish : bool
        Whether to publish, or to stop at the draft.
    """

    metadata: dict
    build: Callable[[str], tuple[Path, Path, dict]]
    check: Callable[[Path, Path], None]
    beside: Mapping[str, str]
    doi: str = ""
    version_of: str = ""
    publish: bool = False


class Deposit:
    """A deposit in the making.

    Parameters
    ----------
    client : Client
    wish : Wish
    notes : Path
        Where its state is noted.
    tell : callable
        Takes a sentence for who waits.
    progress : callable
        Takes a name and a size in bytes; gives a context of a function that takes counts of bytes.
    """

    def __init__(self, client: Client, wish: Wish, notes: Path, tell: Callable, progress: Callable):
        self._client, self._wish, self._notes = client, wish, notes
        self._tell, self._progress = tell, progress
        self._service = client.service
        self._metadata: dict = {}
        self._vocabulary: dict[str, bool] = {}

    def make(self) -> State:
        """Make the deposit, or go on with it, up to a draft or a published record.

        Raises
        ------
        InputError
            When something is wrong; the draft stays as it is, and is gone on with another time.
        """
        self._state = self._begun()
        if self._state.publishing and self._is_out():
            return self._state
        draft = self._draft()
        self._reserve(draft)
        self._tell(f"Reserved: https://doi.org/{self._state.doi}")
        folder, archive, metadata = self._wish.build(self._state.doi)
        self._wish.check(folder, archive)
        files = {archive.name: archive}
        files |= {name: folder / path for name, path in self._wish.beside.items()}
        shipment = Shipment(self._client, f"{self._path}/draft", self._tell, self._progress)
        shipment.check_limits(files)
        self._metadata = known(metadata, self._knows)
        self._describe(None)
        self._note(files=shipment.send(files, self._state.version_of))
        self._describe(PREVIEWED if PREVIEWED in files else None)
        self._compare(shipment, files)
        if self._wish.publish:
            self._publish()
        else:
            self._tell(
                f"A draft, not published: look at it and publish it at {self._state.page}, or set "
                "archive: publish: true and run this again"
            )
        return self._state

    # what was noted

    def _begun(self) -> State:
        wish, service = self._wish, self._service
        if wish.doi and not wish.doi.startswith(f"{service.prefix}/"):
            raise InputError(
                f"publication: doi: {wish.doi} cannot be a DOI of {service.name}, whose DOIs begin "
                f"with {service.prefix}/; leave it empty to have one reserved"
            )
        state = State.read(self._notes)
        if state and state.published and wish.version_of == state.record:
            os.replace(self._notes, self._notes.with_name(f"deposit-{state.record}.json"))
            state = None
        if state is None:
            return State(service.name, service.url, wish.version_of)
        if (state.service, state.url) != (service.name, service.url):
            raise InputError(
                f"{self._notes} is of a deposit on {state.service} ({state.url}), but archive: "
                f"service says {service.name}; move it away to begin one there"
            )
        if state.published:
            raise InputError(
                f"{state.doi} is published already, and cannot be changed: {state.page}; for a new "
                f"version set archive: version_of: {state.record}"
            )
        if state.version_of != wish.version_of:
            raise InputError(
                f"{self._notes} is of a deposit with archive: version_of: "
                f"{state.version_of or 'nothing'}, but it is {wish.version_of or 'nothing'} now; "
                "set it back, or move the file away to begin another"
            )
        return state

    def _note(self, **known_now) -> None:
        for name, value in known_now.items():
            setattr(self._state, name, value)
        self._state.write(self._notes)

    # the draft and its DOI

    @property
    def _path(self) -> str:
        return path_of("records", self._state.record)

    def _draft(self) -> dict:
        self._metadata = known(self._wish.metadata, self._knows)
        if self._state.record:
            draft = self._client.found(f"{self._path}/draft")
            if draft is None:
                self._explain_absence()
            self._note(page=draft["links"]["self_html"])
            return draft
        lost = bool(self._state.mark)
        self._note(mark=self._state.mark or f"urn:uuid:{uuid.uuid4()}")
        draft = self._new_version(lost) if self._state.version_of else self._new(lost)
        self._note(record=draft["id"], page=draft["links"]["self_html"])
        self._tell(f"A draft: {self._state.page}")
        if not self._state.version_of:
            no_errors(draft, self._state.page, self._metadata)
        return draft

    def _knows(self, vocabulary: str, identifier: str) -> bool:
        parts = [vocabulary] if vocabulary == "affiliations" else ["vocabularies", vocabulary]
        path = path_of(*parts, identifier)
        if path not in self._vocabulary:
            self._vocabulary[path] = self._client.found(path) is not None
        return self._vocabulary[path]

    def _explain_absence(self) -> None:
        record = self._client.found(self._path)
        if record is not None and record.get("is_published", True):
            raise InputError(
                f"{self._state.doi or self._state.record} was published elsewhere than here: "
                f"{record['links']['self_html']}; for a new version set archive: version_of: "
                f"{self._state.record} and move {self._notes} away"
            )
        raise InputError(
            f"{self._service.name} has no record {self._state.record} any more, of which "
            f"{self._notes} speaks: the draft was deleted, or the sandbox emptied; remove that "
            "file to begin a new draft, which gets another DOI"
        )

    def _body(self, metadata: dict, preview: str | None = None) -> dict:
        files = {"enabled": True} | ({"default_preview": preview} if preview else {})
        access = {"record": "public", "files": "public"}
        return {"access": access, "files": files, "metadata": metadata}

    def _new(self, lost: bool) -> dict:
        marked = {"identifiers": [{"scheme": "urn", "identifier": self._state.mark}]}
        body = self._body(self._metadata | marked)
        return until_known(
            self._client,
            self._tell,
            self._marked,
            lambda: self._client.send("POST", "/records", body),
            lost,
        )

    def _marked(self) -> dict | None:
        """Return the user's draft with the mark, if there is one: the newest records are read."""
        listed = self._client.get("/user/records?size=25&sort=newest")
        for record in listed["hits"]["hits"]:
            marks = record.get("metadata", {}).get("identifiers", [])
            if any(mark.get("identifier") == self._state.mark for mark in marks):
                return self._client.found(f"{path_of('records', record['id'])}/draft")
        return None

    def _new_version(self, lost: bool) -> dict:
        earlier = path_of("records", self._state.version_of)
        if self._client.found(earlier) is None:
            raise InputError(
                f"archive: version_of: {self._service.name} has no published record "
                f"{self._state.version_of}"
            )
        asked = self._client.now

        def ask():
            return self._client.send("POST", f"{earlier}/versions")

        # The service gives the same draft to whoever asks again.
        draft = until_known(self._client, self._tell, _nothing, ask, False)
        if not lost and datetime.fromisoformat(draft["created"]) < asked - timedelta(
            seconds=SECONDS_TO_BEGIN
        ):
            self._note(mark="")
            raise InputError(
                f"{self._state.version_of} has an unfinished new version already, which was not "
                f"begun here: {draft['links']['self_html']}; publish or discard it there first"
            )
        return draft

    def _reserve(self, draft: dict) -> None:
        def reserved():
            return doi_of(self._client.get(f"{self._path}/draft"))

        doi = doi_of(draft) or until_known(
            self._client,
            self._tell,
            reserved,
            lambda: doi_of(self._client.send("POST", f"{self._path}/draft/pids/doi")),
        )
        if not str(doi).startswith(f"{self._service.prefix}/"):
            raise InputError(
                f"{self._service.name} reserved {doi}, but its DOIs should begin with "
                f"{self._service.prefix}/: check archive: service: prefix"
            )
        if self._state.doi and self._state.doi != doi:
            raise InputError(
                f"the draft has the DOI {doi}, but {self._notes} says {self._state.doi}: somebody "
                f"changed it at {self._state.page}; remove that file to begin a new draft"
            )
        if self._wish.doi and self._wish.doi != doi:
            raise InputError(
                f"publication: doi: {self._wish.doi} is not that of the draft, {doi}; leave it "
                "empty to have that one stamped into the package"
            )
        self._note(doi=doi)

    # its metadata, the comparison, the end

    def _describe(self, preview: str | None) -> None:
        body = self._body(self._metadata, preview)
        answer = self._client.send("PUT", f"{self._path}/draft", body)
        no_errors(answer, self._state.page, self._metadata, files_too=preview is not None)

    def _compare(self, shipment: Shipment, files: Mapping[str, Path]) -> None:
        draft, wrong = self._client.get(f"{self._path}/draft"), shipment.wrong(files)
        if doi_of(draft) != self._state.doi:
            wrong.append(f"its DOI is {doi_of(draft)}, not {self._state.doi}")
        for part in differences(self._metadata, draft["metadata"], "metadata"):
            wrong.append(f"{part} is not what was sent")
        if wrong:
            raise InputError(f"the draft {self._state.page} is not as it should be: {_list(wrong)}")
        no_errors(draft, self._state.page, self._metadata, files_too=True)
        self._tell(f"{len(files)} files are there, and all checksums agree")

    def _publish(self) -> None:
        self._note(publishing=True)

        def publish():
            self._client.send("POST", f"{self._path}/draft/actions/publish")
            return self._client.get(self._path)

        until_known(self._client, self._tell, lambda: self._client.found(self._path), publish)
        if not self._is_out():
            raise InputError(
                f"{self._service.name} accepted the publication of {self._state.record}, but does "
                f"not show it; look at {self._state.page}, and run this again"
            )

    def _is_out(self) -> bool:
        record = self._client.found(self._path)
        if record is None or not record.get("is_published"):
            return False
        if doi_of(record) != self._state.doi:
            raise InputError(
                f"{record['links']['self_html']} was published with the DOI {doi_of(record)}, "
                f"not {self._state.doi} as its files say"
            )
        self._note(published=True, page=record["links"]["self_html"])
        self._tell(f"Published: https://doi.org/{self._state.doi} at {self._state.page}")
        return True


def _nothing() -> None:
    return None


def _list(wrong: list[str]) -> str:
    return "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
