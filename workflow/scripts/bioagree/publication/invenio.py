"""InvenioRDM's REST API over HTTP: what was asked, answered, refused, or is not known.

Addresses are made here from the configured host and never taken from answers, and redirects are
not followed; so the token goes to that host and to no other. What may be asked twice is; of a POST
whose answer was lost the caller must find out whether it took place (:class:`Uncertain`).
"""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import requests
from urllib3.exceptions import InvalidHeader, NewConnectionError
from urllib3.util import Retry

from bioagree.errors import InputError
from bioagree.publication.services import Service, Token

LOG = logging.getLogger("bioagree")
TRIES = 5
LONGEST_WAIT_S = 900.0  # that a service may ask for
CHUNK = 2**20
WAIT_AND_SEE = (500, 502, 503, 504)


class Refused(InputError):
    """The service answered, and it was not what was asked for.

    Parameters
    ----------
    sentence : str
        What went wrong, where.
    status : int, optional
        Of HTTP.
    """

    def __init__(self, sentence: str, status: int | None = None):
        super().__init__(sentence)
        self.status = status


class Uncertain(Refused):
    """No answer came, or one of an overburdened server: the request may have been carried out."""


class Content:
    """The content of a file on its way: counted, shown and hashed while it is read."""

    def __init__(self, path: Path, show: Callable[[int], None]):
        self.size = path.stat().st_size
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.sent = 0
        self._file = path.open("rb")
        self._show = show

    def __enter__(self) -> "Content":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self.size

    def read(self, size: int = CHUNK) -> bytes:
        """Return the next bytes; larger pieces than HTTP's 16 KiB cost less."""
        chunk = self._file.read(max(size, CHUNK))
        self.md5.update(chunk)
        self.sent += len(chunk)
        self._show(len(chunk))
        return chunk


class _Bearer(requests.auth.AuthBase):
    """Puts the token on requests to one host; given explicitly, .netrc is not read."""

    def __init__(self, url: str, token: Token):
        self._url, self._token = url, token

    def __call__(self, request):
        if request.url.startswith(f"{self._url}/"):
            request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return request


class Client:
    """Who talks to a service.

    Parameters
    ----------
    service : Service
    token : Token
    pause : float
        Seconds before the first repetition; every further one waits twice as long.
    timeout : float
        Seconds without a byte after which an answer is given up.
    """

    def __init__(self, service: Service, token: Token, pause: float = 1.0, timeout: float = 120.0):
        self.service = service
        self._token, self._pause, self._timeout = token, pause, timeout
        self._session = requests.Session()
        self._session.auth = _Bearer(service.url, token)
        self._session.headers["Accept"] = "application/json"
        # A proxy of the environment would read what is sent without encryption.
        self._session.trust_env = not service.loopback
        self.now = datetime.now(UTC)  # by the service's clock, at its last answer

    def get(self, path: str) -> dict:
        """Return what is at a path below /api."""
        return self.send("GET", path)

    def found(self, path: str) -> dict | None:
        """Return what is at a path, or None where nothing is, or nothing any more."""
        try:
            return self.get(path)
        except Refused as error:
            if error.status in (404, 410):
                return None
            raise

    def send(self, method: str, path: str, body: object = None) -> dict:
        """Send a request with a JSON body.

        Raises
        ------
        Refused
            When the service says no, or something that is no answer.
        Uncertain
            When it is not known whether a POST was carried out, or when nothing else came through
            however often it was sent.
        """
        return self._repeat(lambda: self._once(method, path, json=body), safe=method != "POST")

    def upload(self, path: str, source: Path, show: Callable[[int], None]) -> str:
        """Send a file, and return the MD5 of what was sent.

        It is not sent again where the answer was lost, since all of it may have arrived.

        Raises
        ------
        Refused, Uncertain
            As :meth:`send` of a POST.
        """

        def once():
            with Content(source, show) as content:
                try:
                    self._once(
                        "PUT",
                        path,
                        data=content if content.size else b"",
                        headers={"Content-Type": "application/octet-stream"},
                    )
                except Refused:
                    show(-content.sent)
                    raise
                return content.md5.hexdigest()

        return self._repeat(once, safe=False)

    def wait(self, attempt: int) -> None:
        """Wait before a repetition."""
        time.sleep(min(self._pause * 2**attempt, 60.0))

    def _repeat(self, once, *, safe):
        waited = 0.0
        for attempt in range(TRIES):
            try:
                return once()
            except Refused as error:
                asked = getattr(error, "wait", None)
                again = error.status == 429 or (isinstance(error, Uncertain) and safe)
                if not again or attempt == TRIES - 1:
                    raise
                pause = min(self._pause * 2**attempt, 60.0) if asked is None else asked
                if waited + pause > LONGEST_WAIT_S:
                    raise Refused(
                        f"{self.service.name} asks to wait {pause:,.0f} s; run it again then",
                        error.status,
                    ) from None
                LOG.warning("%s; trying again in %.0f s", error, pause)
                waited += pause
            time.sleep(pause)
        raise AssertionError("unreachable")

    def _once(self, method, path, **what):
        # No exception of requests goes further: it has the request, which has the token.
        answer, sentence = None, ""
        try:
            answer = self._session.request(
                method,
                f"{self.service.url}/api{path}",
                timeout=(min(10.0, self._timeout), self._timeout),
                allow_redirects=False,
                **what,
            )
        except requests.Timeout:
            sentence = f"did not answer within {self._timeout:g} s"
        except requests.exceptions.SSLError:
            sentence = "has no certificate that this machine trusts"
        except requests.RequestException as error:
            reason = getattr(error.args[0], "reason", None) if error.args else None
            new = isinstance(reason, NewConnectionError)
            sentence = "cannot be reached" if new else "broke the connection off"
        if answer is None:
            raise Uncertain(f"{self.service.name} {sentence} ({method} {path})")
        return self._read(method, path, answer)

    def _read(self, method, path, answer):
        if "Date" in answer.headers:
            self.now = _moment(answer.headers["Date"]) or self.now
        what, name, status = f"{method} {path}", self.service.name, answer.status_code
        if 300 <= status < 400:
            host = urlsplit(answer.headers.get("Location", "")).hostname or "another page"
            raise Refused(
                f"{name} redirects {what} to {host} instead of answering, as pages do that ask "
                "to log in; nothing was sent there: check the address of the service",
                status,
            )
        said = self._said(answer)
        if status == 429 or status in WAIT_AND_SEE:
            error = Refused if status == 429 else Uncertain
            why = "too many requests" if status == 429 else "the server is in trouble"
            error = error(f"{name} answered {what} with {status}: {why}", status)
            error.wait = _retry_after(answer.headers)
            raise error
        if status in (401, 403):
            raise Refused(
                f"{name} does not permit {what} ({status}): the token in {self.service.variable} "
                "is wrong, expired, without the scopes deposit:write and deposit:actions, or of "
                "somebody else than the record",
                status,
            )
        if status == 413:
            raise Refused(f"{name} takes no file as large as that of {what} (413)", status)
        if status >= 400:
            reason = explained(said or {}) or answer.reason or "no reason"
            reason = self._token.removed_from(reason)
            raise Refused(f"{name} refused {what} with {status}: {reason}", status)
        if said is None:
            raise Refused(
                f"{name} answered {what} with a page instead of JSON, as login and maintenance "
                "pages do; look at the service in a browser, and run it again"
            )
        return said

    @staticmethod
    def _said(answer):
        if answer.status_code == 204:
            return {}
        try:
            said = answer.json()
        except ValueError:
            return None
        return said if isinstance(said, dict) else None


def until_known(client: Client, tell: Callable, look: Callable, act: Callable, lost: bool = False):
    """Return what `act` gives; where its answer was lost, first look whether it took place."""
    for attempt in range(TRIES):
        if lost:
            # A draft is listed a second or two after it was created.
            client.wait(attempt)
            if (found := look()) is not None:
                return found
        try:
            return act()
        except Uncertain as error:
            lost, last = True, error
            tell(f"{error}; looking whether it took place")
    client.wait(TRIES)
    if (found := look()) is not None:
        return found
    raise last


def explained(said: Mapping) -> str:
    """Return the messages of an answer, field by field."""
    fields = [
        f"{error.get('field', '?')}: {' '.join(map(str, error.get('messages', [])))}"
        for error in said.get("errors") or []
    ]
    return "; ".join([str(said[key]) for key in ("message",) if key in said] + fields)


def path_of(*parts: str) -> str:
    """Return a path below /api; parts may hold any characters."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a service asks to wait, given as such or as a date."""
    try:
        return Retry().parse_retry_after(headers["Retry-After"])
    except (KeyError, InvalidHeader):
        return None


def _moment(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None
