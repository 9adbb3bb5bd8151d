"""What archiving would send, request by request, without network and without a token.

The steps are those of a deposit itself; only its client is another, which shows each request and
answers as a service does that has accepted everything so far.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bioagree.publication.deposit import Deposit
from bioagree.publication.notes import State
from bioagree.publication.services import Service

RECORD = "RECORD"  # stands for the identifier that the service gives


class Rehearsal:
    """Shows requests instead of sending them.

    Parameters
    ----------
    service : Service
    noted : State or None
        Of a deposit that has begun: its record and DOI are known.
    show : callable
        Takes a line of text.
    """

    def __init__(self, service: Service, noted: State | None, show: Callable[[str], None]):
        self.service = service
        self.now = datetime(1970, 1, 1, tzinfo=UTC)
        self._record = (noted and noted.record) or RECORD
        self._doi = (noted and noted.doi) or ""
        self._show = show
        self._entries = {
            name: {"key": name, "status": "completed"} | facts
            for name, facts in (noted.files if noted else {}).items()
        }
        self._metadata: dict = {}

    @property
    def _answer(self) -> dict:
        pids = {"doi": {"identifier": self._doi}} if self._doi else {}
        page = f"{self.service.url}/uploads/{self._record}"
        return {
            "id": self._record,
            "created": self.now.isoformat(),
            "links": {"self_html": page},
            "pids": pids,
            "metadata": self._metadata,
            "is_published": True,
            "entries": list(self._entries.values()),
            "hits": {"hits": []},
        }

    def get(self, path: str) -> dict:
        """Show a question, and answer it; what would be published is only asked for."""
        return self.send("GET", path)

    def found(self, path: str) -> dict | None:
        """Show a question, and answer it."""
        return self.send("GET", path)

    def send(self, method: str, path: str, body: object = None) -> dict:
        """Show a request, and answer it."""
        self._show(f"{method} {self.service.url}/api{path}")
        if body is not None:
            self._show(json.dumps(body, indent=2, ensure_ascii=False))
        if isinstance(body, dict):
            self._metadata = body["metadata"]
        if path.endswith("/pids/doi"):
            self._doi = self._doi or f"{self.service.prefix}/{RECORD}"
        if method == "DELETE":
            del self._entries[path.rpartition("/")[2]]
        if path.endswith("/commit"):
            return self._entries[path.split("/")[-2]]
        return self._answer

    def upload(self, path: str, source: Path, show: Callable[[int], None]) -> str:
        """Show what would be sent of a file."""
        with open(source, "rb") as file:
            md5 = hashlib.file_digest(file, "md5").hexdigest()
        size = source.stat().st_size
        self._show(f"PUT {self.service.url}/api{path}\n  {size:,} bytes, MD5 {md5}")
        facts = {"checksum": f"md5:{md5}", "size": size, "status": "completed"}
        key = path.split("/")[-2]
        self._entries[key] = {"key": key} | facts
        return md5

    def wait(self, attempt: int) -> None:
        """Do not wait."""


class Rehearsed(Deposit):
    """A deposit that notes nothing."""

    def _note(self, **known_now) -> None:
        for name, value in known_now.items():
            setattr(self._state, name, value)
