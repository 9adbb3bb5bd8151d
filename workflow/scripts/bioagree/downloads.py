"""How files come over the network: patiently, with progress, and checked to the last byte.

:func:`retrieve` goes through pooch and its cache, with one of the downloaders :func:`web`,
:func:`repository` and :func:`package`. Failures are said in own words, since those of the
libraries repeat URLs with their secrets.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http.client import responses
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory, mkdtemp
from urllib.parse import urlsplit

from bioagree import archives
from bioagree.errors import InputError
from bioagree.hashing import sha256_of

BACKOFF_S = (1, 2, 4)  # waits before the retries of a download
LINE_EVERY_S = 10.0  # between two progress lines in a log
CHUNK = 2**20
BROKE_OFF = "the transfer broke off"
TRANSIENT_STATUS = (408, 425, 429)  # and all from 500 on
# Identity, since some servers compress what is compressed already, which changes its hash.
HEADERS = {"User-Agent": "bioagree (through pooch)", "Accept-Encoding": "identity"}
_USER = re.compile(r"(?<=//)[^/\s?#]*@")
_TOKEN = re.compile(
    r"([?&;#][^=&;#\s]*(?:token|key|sig|secret|pass|pwd|auth|cred|session|jwt)[^=&;#\s]*=)[^&;#\s]+",
    re.IGNORECASE,
)


@dataclass
class Session:
    """What the downloads of one dataset share."""

    cache: Path
    workspace: Path  # for temporary files
    progress: bool
    log: Callable[[str], None]
    packages: dict[str, Path] = field(default_factory=dict)  # by requirement

    def bar(self) -> "bool | Lines":
        """Return what pooch takes as `progressbar`: a bar on a terminal, else lines in the log."""
        if not self.progress:
            return False
        return True if sys.stderr.isatty() else Lines(self.log)


class Lines:
    """A progress bar in plain lines."""

    def __init__(self, log: Callable[[str], None]):
        self._log = log
        self._last = time.monotonic()
        self.total = 0
        self.n = 0

    def update(self, count: int) -> None:
        """Count bytes, and write a line if the last is some time ago."""
        self.n += count
        if time.monotonic() - self._last > LINE_EVERY_S:
            self._last = time.monotonic()
            total = f"{self.total / 1e6:.1f}" if self.total else "?"
            self._log(f"{self.n / 1e6:.1f} of {total} MB")

    def reset(self) -> None:
        """Count from zero."""
        self.n = 0

    def close(self) -> None:
        """Do nothing: lines need no end."""


def retrieve(url: str, digest: str, make: Callable[[Session], Callable], session: Session) -> Path:
    """Return the cached file of that sha256, which is verified at every use, or download it.

    Parameters
    ----------
    url, digest : str
        Where it is, and its sha256 in small letters.
    make : callable
        :func:`web`, :func:`repository` or :func:`package`.
    session : Session
        Of the dataset.

    Raises
    ------
    InputError
        When it cannot be had, or has another sha256. Nothing of it is kept.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")  # its lines show URLs with their secrets
    downloader = partial(_download, make=make, digest=digest, session=session)
    try:
        path = pooch.retrieve(url, digest, digest, session.cache, downloader=downloader)
    except OSError as error:
        reason = error.strerror or str(error).partition(" | ")[0]
        raise InputError(
            f"{without_secrets(url)}: the cache {session.cache} cannot be used ({reason}); free or "
            "allow space there, or name another folder in BIOAGREE_CACHE"
        ) from None
    return Path(path)


def cache_folder(cache: str | Path | None) -> Path:
    """Return where downloads are kept: as given, ``BIOAGREE_CACHE``, or the system's cache."""
    import pooch

    cache = cache or os.environ.get("BIOAGREE_CACHE") or pooch.os_cache("bioagree")
    return Path(cache).expanduser()


def verify(path: Path, digest: str, what: str) -> None:
    """Raise an InputError that names both hashes unless a file has the given sha256."""
    found = sha256_of(path)
    if found != digest:
        with open(path, "rb") as file:
            page = re.match(rb"\s*<(!doctype )?html", file.read(64), re.IGNORECASE)
        raise InputError(
            f"{what} should have the sha256 {digest}, but came with {found}"
            f"{', as a web page' if page else ''}; nothing of it was kept"
        )


def without_secrets(text: str) -> str:
    """Blank user names, passwords and tokens in the URLs of a text.

    Examples
    --------
    >>> without_secrets("https://me:pw@host/a.tif?version=2&token=abc")
    'https://***@host/a.tif?version=2&token=***'
    """
    return _TOKEN.sub(r"\1***", _USER.sub("***@", text))


# -- downloaders for pooch -------------------------------------------------------------------------


def web(session: Session) -> Callable:
    """Return a downloader for ``https:`` and ``http:``."""
    from pooch import HTTPDownloader

    return HTTPDownloader(progressbar=session.bar(), chunk_size=CHUNK, headers=HEADERS)


def repository(session: Session) -> Callable:
    """Return a downloader for ``doi:``, a file of a Zenodo, Figshare or Dataverse record."""
    from pooch import DOIDownloader
    from requests import RequestException

    inner = DOIDownloader(progressbar=session.bar(), chunk_size=CHUNK, headers=HEADERS)

    def download(url, output_file, pooch):
        try:
            inner(url, output_file, pooch)
        except RequestException:
            raise  # also a ValueError, at times
        except (LookupError, TypeError, ValueError) as error:
            reason = error if isinstance(error, ValueError) else "its answer was not understood"
            raise InputError(f"{url} was not found in its repository ({reason})") from None

    return download


def package(session: Session) -> Callable:
    """Return a downloader for ``pypi:NAME==VERSION``, or a file inside with ``/PATH``.

    The package is downloaded once a session, however many of its files are wanted, and whatever
    Python it is made for: its files are read, never run.

    Notes
    -----
    pip prefers wheels. To download a source distribution, it asks the package for its metadata,
    which runs the package's own build code before any hash can be checked.
    """

    def download(url, output_file, pooch):
        requirement, _, wanted = url.removeprefix("pypi:").partition("/")
        if requirement not in session.packages:
            folder = Path(mkdtemp(dir=session.workspace))
            _pip_download(requirement, folder, session.bar(), url)
            (session.packages[requirement],) = folder.iterdir()
        path = session.packages[requirement]
        if wanted:
            archives.copy_member(path, wanted, output_file, url)
        else:
            with open(path, "rb") as source:
                copyfileobj(source, output_file)

    return download


# -- retries and reasons ---------------------------------------------------------------------------


def _download(url, output_file, pooch, *, make, digest: str, session: Session) -> None:
    """Download to a path that pooch made, and removes when this raises."""
    from requests import RequestException

    shown, path = without_secrets(url), Path(output_file)
    session.log(f"downloading {shown}")
    for pause in (*BACKOFF_S, None):
        path.unlink()  # made private by pooch, but a group may share the cache
        try:
            with open(path, "xb") as file:
                make(session)(url, file, pooch)
            break
        except (RequestException, ConnectionError, TimeoutError) as error:
            reason, may_pass = _judge(error)
        if pause is None or not may_pass:
            sentence = f"{shown} could not be fetched: {reason}"
            if path.stat().st_size or reason.startswith(BROKE_OFF):
                sentence += (
                    f"; what could be read of it has the sha256 {sha256_of(path)} instead of "
                    f"{digest}; nothing of it was kept"
                )
            raise InputError(sentence)
        session.log(f"{shown}: {reason}; trying again in {pause} s")
        time.sleep(pause)
    verify(path, digest, shown)


def _judge(error: Exception) -> tuple[str, bool]:
    """Say what went wrong, and whether it may pass."""
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError):
        host, status = urlsplit(error.response.url).hostname, error.response.status_code
        sentence = f"{host} answered {status} {responses.get(status, '')}".rstrip()
        return sentence, status in TRANSIENT_STATUS or status >= 500
    if isinstance(error, exceptions.ChunkedEncodingError):
        counts = re.search(r"(\d+) bytes read, (\d+) more", str(error))
        after = f" after {counts[1]} of {int(counts[1]) + int(counts[2])} bytes" if counts else ""
        return f"{BROKE_OFF}{after}", True
    if isinstance(error, exceptions.SSLError):
        return "the certificate of its host was not accepted", False
    if isinstance(error, exceptions.Timeout | TimeoutError):
        return "its host did not answer in time", True
    if isinstance(error, exceptions.ConnectionError | ConnectionError):
        return "the network or its host could not be reached", True
    return f"the request failed ({type(error).__name__})", False


# -- pip -------------------------------------------------------------------------------------------


def _pip_download(requirement: str, folder: Path, bar: bool | Lines, url: str) -> None:
    """Download one package into a folder, or raise one sentence instead of pip's output."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--no-color"]
    command += ["--no-cache-dir", "--disable-pip-version-check", "--ignore-requires-python"]
    command += ["--progress-bar", "raw", "--dest", str(folder), requirement]
    if bar is True:
        from tqdm import tqdm

        bar = tqdm(total=1, ncols=79, unit="B", unit_scale=True)  # pip says the total later
    lines = []
    with (
        TemporaryDirectory(dir=folder) as scratch,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"TMPDIR": scratch},  # packages can exceed a small /tmp
        ) as process,
    ):
        for line in process.stdout:
            if not (counts := re.match(r"Progress (\d+) of (\d+)", line)):
                lines.append(line.strip())
            elif bar:
                done, bar.total = map(int, counts.groups())
                bar.update(done - bar.n)
    if bar:
        bar.close()
    if process.returncode:
        raise InputError(f"{url} could not be fetched: {_pip_reason(lines)}")


def _pip_reason(lines: list[str]) -> str:
    versions = re.search(r"from versions: ([^)]+)\)", "\n".join(lines))
    if versions and versions[1] != "none":
        latest = ", ".join(versions[1].split(", ")[-5:])
        return f"the package index has only the versions {latest} for this platform (pip)"
    errors = [line for line in lines if line.startswith("ERROR:")] or lines[-1:] or ["no message"]
    reason = without_secrets(errors[-1].removeprefix("ERROR:").strip())
    if versions:
        reason = f"the network or the package index could not be reached, or lacks it; {reason}"
    return f"{reason} (pip)"
