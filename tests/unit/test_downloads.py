"""Downloading: what is survived, what is refused, and what is said about it."""

import io
import json
import os
import socket
import stat
import subprocess
import sys
import tarfile
import textwrap
import threading
import zipfile
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from bioagree import downloads, sources
from bioagree.errors import InputError

BODY = b"area_um2\n81.5\n" * 20_000
RIGHTS = {
    "licence": "CC-BY-4.0",
    "creators": [{"name": "Ada Müller", "orcid": "0000-0002-1825-0097"}],
    "title": "Nuclei",
}
LIBRARY = Path(sources.__file__).parents[1]


def digest(data):
    return sha256(data).hexdigest()


def dataset(*files, **more):
    return {"files": list(files), **RIGHTS, **more}


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


class Server(ThreadingHTTPServer):
    """Answers each path with its list of answers in turn, the last one for ever."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {}
        self.hits = Counter()

    def url(self, path, user=""):
        return f"http://{user}127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        self.server.hits[path] += 1
        answers = self.server.answers[path]
        answer = {"status": 200, "body": b""} | answers[
            min(self.server.hits[path], len(answers)) - 1
        ]
        if "together" in answer:
            answer["together"].wait(timeout=60)
        self.send_response(answer["status"])
        self.send_header("Content-Length", str(answer.get("length", len(answer["body"]))))
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer["body"])

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def quick_and_alone(monkeypatch, tmp_path):
    """Retries do not wait, and no setting of the machine reaches the tests."""
    monkeypatch.setattr(downloads, "BACKOFF_S", (0, 0, 0))
    for name in list(os.environ):
        if name.startswith("PIP_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("BIOAGREE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def server():
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield free.getsockname()[1]  # bound, but nobody listens


@pytest.fixture
def served(server):
    """Serve one good file; return its entry."""
    server.answers["/nuclei.csv"] = [{"body": BODY}]
    return {"url": server.url("/nuclei.csv"), "sha256": digest(BODY)}


def fetch(folder, *files, **more):
    return sources.fetch("mine", dataset(*files, **more), folder)


def refusal(folder, *files, **more):
    with pytest.raises(InputError) as caught:
        fetch(folder, *files, **more)
    message = str(caught.value)
    assert message.startswith("dataset 'mine': ")
    assert "\n" not in message
    return message


# -- the web ---------------------------------------------------------------------------------------


def test_file_is_fetched_with_its_rights(tmp_path, served):
    before = datetime.now(UTC).replace(microsecond=0)
    paths = fetch(tmp_path / "new", served)
    assert [path.read_bytes() for path in paths] == [BODY]
    assert names(tmp_path / "new") == ["nuclei.csv", "nuclei.csv.source.json"]
    facts = json.loads((tmp_path / "new/nuclei.csv.source.json").read_text(encoding="utf-8"))
    retrieved = datetime.fromisoformat(facts.pop("retrieved"))
    assert before <= retrieved <= datetime.now(UTC)
    assert facts == served | {"bytes": len(BODY)} | RIGHTS


def test_file_can_get_a_name_that_its_url_lacks(tmp_path, server):
    server.answers["/records/1/content"] = [{"body": BODY}]
    entry = {"url": server.url("/records/1/content"), "sha256": digest(BODY), "name": "a.csv"}
    assert fetch(tmp_path / "new", entry)[0].read_bytes() == BODY
    assert names(tmp_path / "new") == ["a.csv", "a.csv.source.json"]


def test_name_in_url_is_decoded(tmp_path, server):
    server.answers["/a%20b.csv"] = [{"body": BODY}]
    entry = {"url": server.url("/a%20b.csv?download=1"), "sha256": digest(BODY)}
    assert fetch(tmp_path / "new", entry) == [tmp_path / "new" / "a b.csv"]


def test_altered_download_is_refused_and_not_kept(tmp_path, server, served):
    server.answers["/nuclei.csv"] = [{"body": b"other"}]
    message = refusal(tmp_path / "new", served)
    for part in (served["url"], digest(BODY), digest(b"other"), "nothing of it was kept"):
        assert part in message
    assert server.hits["/nuclei.csv"] == 1
    assert names(tmp_path) == []


def test_login_page_is_recognised(tmp_path, server, served):
    server.answers["/nuclei.csv"] = [
        {"status": 302, "headers": {"Location": "/login"}},
    ]
    server.answers["/login"] = [{"body": b"\n<!DOCTYPE html><html>Who are you?</html>"}]
    assert "as a web page" in refusal(tmp_path / "new", served)
    assert names(tmp_path) == []


def test_truncated_download_is_refused_after_retries_and_not_kept(tmp_path, server, served):
    server.answers["/nuclei.csv"] = [{"body": BODY[:1000], "length": len(BODY)}]
    message = refusal(tmp_path / "new", served)
    for part in (
        served["url"],
        f"broke off after 1000 of {len(BODY)} bytes",
        digest(BODY),
        "what could be read of it has the sha256",
        "nothing of it was kept",
    ):
        assert part in message
    assert server.hits["/nuclei.csv"] == 4
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "bad", [{"status": 500}, {"status": 429}, {"body": BODY[:9], "length": len(BODY)}]
)
def test_passing_trouble_is_survived(tmp_path, server, served, bad):
    server.answers["/nuclei.csv"] = [bad, bad, {"body": BODY}]
    assert fetch(tmp_path / "new", served)[0].read_bytes() == BODY
    assert server.hits["/nuclei.csv"] == 3


def test_missing_file_is_said_at_once(tmp_path, server, served):
    server.answers["/nuclei.csv"] = [{"status": 404}]
    message = refusal(tmp_path / "new", served)
    assert f"{served['url']} could not be fetched: 127.0.0.1 answered 404 Not Found" in message
    assert server.hits["/nuclei.csv"] == 1


def test_no_network_is_said(tmp_path, closed_port):
    entry = {"url": f"http://127.0.0.1:{closed_port}/a.tif", "sha256": digest(BODY)}
    message = refusal(tmp_path / "new", entry)
    assert f"{entry['url']} could not be fetched: the network or its host" in message


def test_servers_are_asked_not_to_compress(tmp_path, server, served, monkeypatch):
    seen = []
    answer = Handler.do_GET
    monkeypatch.setattr(
        Handler, "do_GET", lambda self: (seen.append(self.headers["Accept-Encoding"]), answer(self))
    )
    fetch(tmp_path / "new", served)
    assert seen == ["identity"]


def test_secrets_stay_secret(tmp_path, server, monkeypatch, capfd):
    server.answers |= {"/a.csv": [{"status": 500}, {"body": BODY}], "/b.csv": [{"status": 500}]}
    server.answers["/c.csv"] = [{"body": BODY[:9], "length": len(BODY)}]
    server.answers["/d.csv"] = [{"body": b"other"}]
    lines = []
    messages = []
    for name in "abcd":
        monkeypatch.setenv("BIOAGREE_CACHE", str(tmp_path / f"cache-{name}"))
        url = server.url(f"/{name}.csv?v=2&access_token=hush1", user="me:hush2@")
        entry = dataset({"url": url, "sha256": digest(BODY)})
        try:
            sources.fetch(name, entry, tmp_path / name, log=lines.append)
        except InputError as error:
            messages.append(str(error))
    assert len(messages) == 3
    sidecar = (tmp_path / "a/a.csv.source.json").read_text()
    told = "\n".join([*lines, *messages, sidecar, *capfd.readouterr()])
    assert "hush" not in told
    assert f"http://***@127.0.0.1:{server.server_port}/a.csv?v=2&access_token=***" in sidecar


# -- progress --------------------------------------------------------------------------------------


def test_without_terminal_there_are_lines_and_no_bar(tmp_path, served, monkeypatch, capfd):
    monkeypatch.setattr(downloads, "LINE_EVERY_S", -1)
    lines = []
    sources.fetch("mine", dataset(served), tmp_path / "new", log=lines.append)
    assert lines[0] == f"downloading {served['url']}"
    assert any(line.endswith("of 0.3 MB") for line in lines)
    assert capfd.readouterr() == ("", "")


def test_progress_can_be_switched_off(tmp_path, served, monkeypatch):
    monkeypatch.setattr(downloads, "LINE_EVERY_S", -1)
    lines = []
    sources.fetch("mine", dataset(served), tmp_path / "new", progress=False, log=lines.append)
    assert not any(" of " in line for line in lines)


def test_on_a_terminal_there_is_a_bar(tmp_path, served, monkeypatch, capfd):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fetch(tmp_path / "new", served)
    assert "100%" in capfd.readouterr().err


# -- the cache -------------------------------------------------------------------------------------


def test_cache_is_shared_by_content_and_keeps_the_time(tmp_path, server, served):
    fetch(tmp_path / "first", served)
    os.utime(tmp_path / "cache" / digest(BODY), (1e9, 1e9))
    elsewhere = {"url": server.url("/elsewhere.csv"), "sha256": digest(BODY)}
    fetch(tmp_path / "second", elsewhere)
    assert server.hits == {"/nuclei.csv": 1}
    facts = json.loads((tmp_path / "second/elsewhere.csv.source.json").read_text())
    assert facts["retrieved"] == "2001-09-09T01:46:40+00:00"


def test_cache_argument_goes_before_the_environment(tmp_path, served):
    sources.fetch("mine", dataset(served), tmp_path / "new", cache=tmp_path / "other")
    assert names(tmp_path / "other") == [digest(BODY)]
    assert not (tmp_path / "cache").exists()


def test_altered_cache_is_noticed_and_mended(tmp_path, server, served):
    fetch(tmp_path / "first", served)
    (tmp_path / "cache" / digest(BODY)).write_bytes(BODY[:-1] + b"!")
    assert fetch(tmp_path / "second", served)[0].read_bytes() == BODY
    assert server.hits["/nuclei.csv"] == 2
    assert (tmp_path / "cache" / digest(BODY)).read_bytes() == BODY


def test_changing_a_fetched_file_leaves_the_cache_alone(tmp_path, served):
    fetch(tmp_path / "first", served)[0].write_bytes(b"edited")
    assert fetch(tmp_path / "second", served)[0].read_bytes() == BODY


def test_cached_file_can_be_read_by_whom_the_umask_allows(tmp_path, served):
    old = os.umask(0o027)
    try:
        fetch(tmp_path / "new", served)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "cache" / digest(BODY)).stat().st_mode) == 0o640


def run(code, *arguments):
    code = f"from bioagree import sources\nfrom bioagree.errors import InputError\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(LIBRARY), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_processes_may_fetch_the_same(tmp_path, server, served):
    server.answers["/nuclei.csv"] = [{"body": BODY, "together": threading.Barrier(2)}]
    code = """
import sys
files = [{"url": sys.argv[1], "sha256": sys.argv[2]}]
print(sources.fetch("mine", {"files": files}, sys.argv[3])[0].stat().st_size)
"""
    both = [run(code, *served.values(), tmp_path / name) for name in ("one", "two")]
    assert [process.communicate()[0].split() for process in both] == [[str(len(BODY))]] * 2
    assert names(tmp_path / "cache") == [digest(BODY)]


def test_full_cache_is_said(tmp_path, served):
    code = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
try:
    sources.fetch("mine", {"files": [{"url": sys.argv[1], "sha256": sys.argv[2]}]}, sys.argv[3])
except InputError as error:
    print(error)
"""
    said = run(code, *served.values(), tmp_path / "new").communicate()[0]
    assert f"the cache {tmp_path / 'cache'} cannot be used (File too large)" in said
    assert "BIOAGREE_CACHE" in said
    assert names(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_cache_that_may_only_be_read_serves_what_it_holds(tmp_path, served):
    fetch(tmp_path / "first", served)
    (tmp_path / "cache").chmod(0o555)
    assert fetch(tmp_path / "second", served)
    (tmp_path / "cache" / digest(BODY)).write_bytes(b"altered")
    message = refusal(tmp_path / "third", served)
    assert f"the cache {tmp_path / 'cache'} cannot be used ([Errno 13] Permission denied" in message


def test_unusable_cache_is_said(tmp_path, served):
    (tmp_path / "cache").write_text("a file, not a folder")
    message = refusal(tmp_path / "new", served)
    assert f"the cache {tmp_path / 'cache'} cannot be used (" in message


# -- repositories ----------------------------------------------------------------------------------


def test_doi_without_network_is_said(tmp_path, closed_port, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port}")
    entry = {"url": "doi:10.5281/zenodo.4924875/tiny-data.txt", "sha256": digest(BODY)}
    message = refusal(tmp_path / "new", entry)
    assert f"{entry['url']} could not be fetched: the network or its host" in message


class Record:
    """Stands for a repository's record, since tests reach no repository."""

    def __init__(self, urls):
        self._urls = urls

    def download_url(self, name):
        if name not in self._urls:
            raise ValueError(f"File '{name}' not found in data archive")
        return self._urls[name]


def test_doi_leads_to_a_file(tmp_path, server, served, monkeypatch):
    record = Record({"nuclei.csv": served["url"]})
    monkeypatch.setattr("pooch.downloaders.doi_to_repository", lambda *_, **__: record)
    entry = served | {"url": "doi:10.6084/m9.figshare.1.v2/nuclei.csv"}
    assert fetch(tmp_path / "new", entry)[0].read_bytes() == BODY
    entry = {"url": "doi:10.6084/m9.figshare.1.v2/other.csv", "sha256": 64 * "0"}
    assert "File 'other.csv' not found in data archive" in refusal(tmp_path / "two", entry)


def test_strange_answer_of_a_repository_is_said(tmp_path, monkeypatch):
    def answer(*_, **__):
        return [][0]

    monkeypatch.setattr("pooch.downloaders.doi_to_repository", answer)
    entry = {"url": "doi:10.6084/m9.figshare.1.v2/a.csv", "sha256": digest(BODY)}
    assert "its answer was not understood" in refusal(tmp_path / "new", entry)


# -- packages --------------------------------------------------------------------------------------

BACKEND = """
import os
def _metadata(folder):
    os.makedirs(folder + "/tinydata-2.0.dist-info")
    with open(folder + "/tinydata-2.0.dist-info/METADATA", "w") as file:
        file.write("Metadata-Version: 2.1\\nName: tinydata\\nVersion: 2.0\\n")
    return "tinydata-2.0.dist-info"
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    return _metadata(folder)
def build_wheel(*args, **kwargs):
    raise NotImplementedError
"""


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder of packages that stands for the index: a wheel 1.0 and a source package 2.0."""
    index = tmp_path / "index"
    index.mkdir()
    with zipfile.ZipFile(index / "tinydata-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tinydata/one/a.csv", BODY)
        wheel.writestr("tinydata/two/a.csv", b"2")
        wheel.writestr("tinydata/my image.csv", b"3")
        wheel.writestr(
            "tinydata-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: tinydata\nVersion: 1.0\nRequires-Python: >=99\n",
        )
        wheel.writestr(
            "tinydata-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("tinydata-1.0.dist-info/RECORD", "")
    with tarfile.open(index / "tinydata-2.0.tar.gz", "w:gz") as source:
        for name, text in {
            "pyproject.toml": (
                "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
                "[project]\nname = 'tinydata'\nversion = '2.0'\n"
            ),
            "backend.py": BACKEND,
            "PKG-INFO": "Metadata-Version: 2.1\nName: tinydata\nVersion: 2.0\n",
            "data/a.csv": BODY.decode(),
        }.items():
            info = tarfile.TarInfo(f"tinydata-2.0/{name}")
            info.size = len(text.encode())
            source.addfile(info, io.BytesIO(text.encode()))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return index


@pytest.mark.parametrize("path", ["1.0/one/a.csv", "2.0/data/a.csv"])
def test_file_in_a_package_arrives(tmp_path, packages, path):
    entry = {"url": f"pypi:tinydata=={path}", "sha256": digest(BODY)}
    (arrived,) = fetch(tmp_path / "new", entry)
    assert arrived == tmp_path / "new" / "a.csv"
    assert arrived.read_bytes() == BODY
    assert names(tmp_path / "new") == ["a.csv", "a.csv.source.json"]
    assert json.loads((tmp_path / "new/a.csv.source.json").read_text())["url"] == entry["url"]
    packages.rename(tmp_path / "gone")
    assert fetch(tmp_path / "again", entry)[0].read_bytes() == BODY


def test_package_is_downloaded_once_for_many_files(tmp_path, packages, monkeypatch):
    calls = []
    download = downloads._pip_download
    monkeypatch.setattr(
        downloads, "_pip_download", lambda *args: (calls.append(args[0]), download(*args))
    )
    files = [
        {"url": "pypi:tinydata==1.0/one/a.csv", "sha256": digest(BODY)},
        {"url": "pypi:tinydata==1.0/my image.csv", "sha256": digest(b"3")},
    ]
    assert [path.name for path in fetch(tmp_path / "new", *files)] == ["a.csv", "my image.csv"]
    assert calls == ["tinydata==1.0"]


@pytest.mark.parametrize(("version", "suffix"), [("1.0", "whl"), ("2.0", "tar.gz")])
def test_whole_package_has_the_same_name_from_index_and_cache(tmp_path, packages, version, suffix):
    (package,) = packages.glob(f"tinydata-{version}*")
    data = package.read_bytes()
    entry = {"url": f"pypi:tinydata=={version}", "sha256": digest(data)}
    for folder in (tmp_path / "first", tmp_path / "second"):
        (arrived,) = fetch(folder, entry)
        assert arrived.name == f"tinydata-{version}.{suffix}"
        assert arrived.read_bytes() == data
        package.unlink(missing_ok=True)


def test_package_is_unpacked(tmp_path, packages):
    data = (packages / "tinydata-1.0-py3-none-any.whl").read_bytes()
    entry = {"url": "pypi:tinydata==1.0", "sha256": digest(data), "unpack": ["*.csv"], "strip": 1}
    paths = fetch(tmp_path / "new", entry)
    assert [path.relative_to(tmp_path / "new").as_posix() for path in paths] == [
        "one/a.csv",
        "two/a.csv",
        "my image.csv",
    ]
    facts = json.loads((tmp_path / "new/tinydata-1.0.whl.source.json").read_text())
    assert (facts["sha256"], facts["bytes"]) == (digest(data), len(data))
    assert facts["members"]["one/a.csv"] == {"sha256": digest(BODY), "bytes": len(BODY)}
    assert len(facts["members"]) == 3


def test_altered_member_is_refused(tmp_path, packages):
    message = refusal(tmp_path / "new", {"url": "pypi:tinydata==1.0/two/a.csv", "sha256": 64 * "0"})
    assert 64 * "0" in message
    assert digest(b"2") in message
    assert names(tmp_path / "cache") == names(tmp_path / "new") == []


def test_absent_version_is_refused_with_those_there_are(tmp_path, packages):
    message = refusal(tmp_path / "new", {"url": "pypi:tinydata==3.0", "sha256": digest(BODY)})
    assert "the package index has only the versions 1.0, 2.0 for this platform" in message


def test_unreachable_index_is_said_without_its_credentials(tmp_path, closed_port, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", f"https://me:hush@127.0.0.1:{closed_port}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    message = refusal(tmp_path / "new", {"url": "pypi:tinydata==1.0", "sha256": digest(BODY)})
    assert "pypi:tinydata==1.0 could not be fetched: the network or the package index" in message
    assert "No matching distribution found for tinydata==1.0" in message
    assert "hush" not in message


def test_error_of_pip_is_passed_on_without_credentials(tmp_path, server, monkeypatch):
    link = (
        f'<a href="{server.url("/t/tinydata-1.0-py3-none-any.whl?token=hush1", "me:hush2@")}">x</a>'
    )
    server.answers["/simple/tinydata/"] = [
        {"body": link.encode(), "headers": {"Content-Type": "text/html"}}
    ]
    server.answers["/t/tinydata-1.0-py3-none-any.whl"] = [{"status": 404}]
    server.answers["/t/tinydata-1.0-py3-none-any.whl.metadata"] = [{"status": 404}]
    monkeypatch.setenv("PIP_INDEX_URL", server.url("/simple", "me:hush3@"))
    message = refusal(tmp_path / "new", {"url": "pypi:tinydata==1.0", "sha256": digest(BODY)})
    assert "404" in message
    assert "hush" not in message


def test_progress_of_pip_becomes_lines_or_a_bar(tmp_path, server, packages, monkeypatch, capfd):
    name = "tinydata-1.0-py3-none-any.whl"
    with zipfile.ZipFile(packages / name, "a") as wheel:
        wheel.writestr("tinydata/large.bin", bytes(10**6))  # pip is silent about small ones
    data = (packages / name).read_bytes()
    server.answers["/simple/tinydata/"] = [
        {"body": f'<a href="/{name}">{name}</a>'.encode(), "headers": {"Content-Type": "text/html"}}
    ]
    server.answers[f"/{name}"] = [{"body": data}]
    monkeypatch.setattr(downloads, "LINE_EVERY_S", -1)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", server.url("/simple"))
    lines = []
    entry = {"url": "pypi:tinydata==1.0", "sha256": digest(data)}
    sources.fetch("mine", dataset(entry), tmp_path / "new", log=lines.append)
    assert "1.3 of 1.3 MB" in lines
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    sources.fetch("mine", dataset(entry), tmp_path / "two", cache=tmp_path / "other")
    assert "100%" in capfd.readouterr().err
