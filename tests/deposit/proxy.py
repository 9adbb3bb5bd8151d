"""A proxy on loopback between a client and a server, which spoils what it is told to spoil."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# What may happen to a request. Those of the first line never reach the server.
LOST, REFUSED, PAGE, REDIRECT = "lost", "refused", "page", "redirect"
UNANSWERED, KILLING, CUT, HALF, LATE, FLIPPED_UP, FLIPPED_DOWN, ERRORS = (
    "unanswered",
    "killing",
    "cut",
    "half",
    "late",
    "flipped_up",
    "flipped_down",
    "errors",
)


@dataclass
class Fault:
    """What happens to which requests.

    Parameters
    ----------
    kind : str
        One of those above.
    meets : callable
        Takes the number (from 1), method and path of a request.
    times : int
        How often.
    status, headers : int, dict
        Of the answer of a refused request.
    wait : float
        Seconds that a late answer takes.
    kill : callable
        Kills the client, once the server has done what was asked.
    """

    kind: str
    meets: Callable[[int, str, str], bool]
    times: int = 1
    status: int = 503
    headers: dict = field(default_factory=dict)
    wait: float = 3.0
    kill: Callable[[], None] | None = None


@dataclass
class Seen:
    """A request that came through the proxy."""

    method: str
    path: str
    body: bytes
    token: str | None
    status: int | None = None


class Proxy:
    """Listens on a port of its own choice while it is used in a `with` block."""

    def __init__(self, server: str):
        self._server = urlsplit(server)
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def pass_on(self):
                with suppress(OSError):
                    proxy._pass_on(self)

            do_GET = do_POST = do_PUT = do_DELETE = pass_on

        self._listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._listener.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._listener.server_port}"

    def __enter__(self):
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown()
        self._listener.server_close()

    def fault(self, kind: str, method: str = "", part: str = "", **more) -> Fault:
        """Spoil requests of a method whose path has a part."""

        def meets(_, of, path):
            return of == (method or of) and part in path

        return self._add(Fault(kind, meets, **more))

    def fault_at(self, kind: str, number: int, **more) -> Fault:
        """Spoil the request of this number."""
        return self._add(Fault(kind, lambda one, *_: one == number, **more))

    def fault_after(self, kind: str, number: int) -> Fault:
        """Spoil every request after that of this number."""
        return self._add(Fault(kind, lambda one, *_: one > number, times=9999))

    def calm(self) -> None:
        """Spoil nothing from now on, and forget what was seen."""
        self.faults, self.seen = [], []

    def asked(self, method: str, end: str = "") -> list[Seen]:
        """Return the requests of a method whose path ends so."""
        return [one for one in self.seen if one.method == method and one.path.endswith(end)]

    def _add(self, fault):
        self.faults.append(fault)
        return fault

    def _pass_on(self, request):
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length)
        if len(body) < length:
            return  # the client died
        with self._lock:
            token = request.headers.get("Authorization")
            seen = Seen(request.command, request.path, body, token)
            self.seen.append(seen)
            number = len(self.seen)
            fault = next(
                (f for f in self.faults if f.times and f.meets(number, seen.method, seen.path)),
                None,
            )
            if fault:
                fault.times -= 1
        kind = fault.kind if fault else None
        if kind == LOST:
            return _reset(request)
        if kind == REFUSED:
            return _reply(request, fault.status, fault.headers, b'{"message": "spoilt"}')
        if kind == PAGE:
            html = {"Content-Type": "text/html"}
            return _reply(request, 200, html, b"<html>Please log in</html>")
        if kind == REDIRECT:
            return _reply(request, 302, {"Location": "https://login.example.org/"}, b"")
        if kind == FLIPPED_UP:
            body = body[:-1] + bytes([body[-1] ^ 1])
        if kind == CUT:
            self._cut(request, body)
            return _reset(request)
        status, headers, answer = self._ask(request, body)
        seen.status = status
        if kind == KILLING:
            fault.kill()
        if kind in (UNANSWERED, KILLING):
            return _reset(request)
        if kind == LATE:
            threading.Event().wait(fault.wait)
        if kind == FLIPPED_DOWN:
            answer = answer.replace(b'"md5:', b'"md5:0')
        if kind == ERRORS:
            errors = b'{"errors": [{"field": "metadata.title", "messages": ["Spoilt."]}], '
            answer = errors + answer[1:]
        if kind == HALF:
            headers["Content-Length"] = str(len(answer))
            answer = answer[: len(answer) // 2]
        return _reply(request, status, {"Content-Length": str(len(answer))} | headers, answer)

    def _cut(self, request, body):
        """Give the server half of a request, and hang up."""
        connection, headers = self._connect(request)
        connection.putrequest(request.command, request.path)
        for key, value in (headers | {"Content-Length": str(len(body))}).items():
            connection.putheader(key, value)
        connection.endheaders()
        connection.send(body[: len(body) // 2])
        connection.close()

    def _connect(self, request):
        connection = HTTPConnection(self._server.hostname, self._server.port, timeout=120)
        kept = ("authorization", "content-type", "accept")
        headers = {key: value for key, value in request.headers.items() if key.lower() in kept}
        return connection, headers

    def _ask(self, request, body):
        connection, headers = self._connect(request)
        connection.request(request.command, request.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        kept = ("content-type", "date", "retry-after")
        headers = {key: value for key, value in answer.getheaders() if key.lower() in kept}
        connection.close()
        return answer.status, headers, content


def _reply(request, status, headers, body):
    request.send_response_only(status)
    for key, value in headers.items():
        request.send_header(key, value)
    request.end_headers()
    request.wfile.write(body)


def _reset(request):
    """Close the connection so that the other side gets a reset, not an end."""
    linger = struct.pack("ii", 1, 0)
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    request.connection.close()
    request.rfile.close()
