"""Do outputs appear together or not at all, and does the record say how they came to be?"""

import errno
import json
import os
import platform
import subprocess
import sys
import types
import warnings
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from bioagree import job as job_module
from bioagree.errors import InputError
from bioagree.job import environment, job
from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params, ResourceList, Wildcards
from snakemake.script import Snakemake

LIBRARY = Path(job_module.__file__).parents[1]


def named(kind, items):
    """Return one of Snakemake's lists with names, as a script gets it."""
    found = kind()
    for name, value in items.items():
        start = len(found)
        if isinstance(value, list):
            found.extend(value)
            found._set_name(name, start, end=len(found))
        else:
            found.append(value)
            found._add_name(name)
    return found


def stand_in(folder, outputs=None, inputs=None, params=None, log=False):
    """Return what Snakemake hands to a script, with files in `folder`."""
    folder = Path(folder)
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    outputs = {"labels": "labels.tif"} if outputs is None else outputs
    outputs = {**outputs, "record": "provenance/segment_cpu/job.json"}

    def inside(value):
        return [inside(v) for v in value] if isinstance(value, list) else str(folder / value)

    outputs = {name: inside(value) for name, value in outputs.items()}
    inputs = {name: inside(value) for name, value in (inputs or {}).items()}
    for path in [*outputs.values(), *inputs.values()]:
        for one in path if isinstance(path, list) else [path]:
            Path(one).parent.mkdir(parents=True, exist_ok=True)
    return Snakemake(
        named(InputFiles, inputs),
        named(OutputFiles, outputs),
        named(Params, params or {}),
        named(Wildcards, {"sample": "A01", "method": "otsu"}),
        2,
        named(ResourceList, {}),
        named(Log, {"log": str(folder / "logs" / "job.log")} if log else {}),
        {},
        "segment_cpu",
        None,
    )


def work(given, *steps):
    """Run a script whose work are these steps, functions of the job."""
    with job(given) as this:
        for step in steps:
            step(this)


def fail(failure):
    """Return a step that fails."""

    def step(this):
        raise failure

    return step


def write_half(this):
    this.output.labels.write_text("half")


def files(folder):
    """Return the files below a folder but for logs."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in Path(folder).rglob("*")
        if path.is_file() and path.parent.name != "logs"
    )


def record_of(folder):
    return json.loads((folder / "provenance" / "segment_cpu" / "job.json").read_text())


def digest(path):
    return sha256(Path(path).read_bytes()).hexdigest()


# Outputs


def test_outputs_appear_together_and_only_at_the_end(tmp_path):
    with job(stand_in(tmp_path, {"labels": "a/labels.tif", "table": "b/table.csv"})) as this:
        this.output.labels.write_text("labels")
        this.output.table.write_text("table")
        assert not (tmp_path / "a" / "labels.tif").exists()
        assert not (tmp_path / "b" / "table.csv").exists()
        assert this.output.labels.is_relative_to(tmp_path / "a")  # so that renaming is one step
        assert this.output.labels.suffix == ".tif"
    assert files(tmp_path) == ["a/labels.tif", "b/table.csv", "provenance/segment_cpu/job.json"]
    assert (tmp_path / "a" / "labels.tif").read_text() == "labels"


@pytest.mark.parametrize("failure", [InputError("bad"), ValueError("odd"), KeyboardInterrupt()])
def test_a_failure_leaves_nothing(tmp_path, failure):
    outputs = {"labels": "labels.tif", "folder": "meshes", "figures": ["a.svg", "b.svg"]}
    expected = ValueError if type(failure) is ValueError else SystemExit

    def write_others(this):
        this.output.folder.mkdir()
        (this.output.folder / "one.glb").write_text("half")
        this.output.figures[1].write_text("half")
        assert len(files(tmp_path)) == 3

    with pytest.raises(expected):
        work(stand_in(tmp_path, outputs), write_half, write_others, fail(failure))
    assert files(tmp_path) == []
    assert not (tmp_path / "meshes").exists()


def test_a_failure_does_not_touch_what_an_earlier_run_made(tmp_path):
    (tmp_path / "labels.tif").write_text("earlier")
    with pytest.raises(ValueError, match="odd"):
        work(stand_in(tmp_path), write_half, fail(ValueError("odd")))
    assert files(tmp_path) == ["labels.tif"]
    assert (tmp_path / "labels.tif").read_text() == "earlier"


def test_an_output_that_was_not_written_is_a_defect_and_nothing_is_published(tmp_path):
    outputs = {"labels": "labels.tif", "table": "table.csv"}
    with pytest.raises(RuntimeError, match=r"table\.csv was promised, but not written"):
        work(stand_in(tmp_path, outputs), write_half)
    assert files(tmp_path) == []


def test_outputs_without_a_record_are_not_published(tmp_path):
    def make_the_record_unwritable(this):
        (folder,) = (tmp_path / "provenance" / "segment_cpu" / ".partial-job.json").iterdir()
        (folder / "job.json").mkdir()

    with pytest.raises(OSError, match="directory"):
        work(stand_in(tmp_path), write_half, make_the_record_unwritable)
    assert files(tmp_path) == []


def test_lists_of_outputs_keep_their_order(tmp_path):
    outputs = {"figures": ["b.svg", "a.svg"], "none": [], "page": "index.html"}
    with job(stand_in(tmp_path, outputs)) as this:
        assert this.output.none == []
        assert len(this.output.files) == 3
        for target, text in zip(this.output.figures, ("first", "second"), strict=True):
            target.write_text(text)
        this.output.page.write_text("page")
    assert (tmp_path / "b.svg").read_text() == "first"
    assert (tmp_path / "a.svg").read_text() == "second"
    assert len(record_of(tmp_path)["outputs"]) == 3


def test_folders_are_outputs_too(tmp_path):
    with job(stand_in(tmp_path, {"folder": "meshes"})) as this:
        (this.output.folder / "deep").mkdir(parents=True)
        (this.output.folder / "one.glb").write_text("1")
        (this.output.folder / "deep" / "two.glb").write_text("22")
    assert files(tmp_path) == [
        "meshes/deep/two.glb",
        "meshes/one.glb",
        "provenance/segment_cpu/job.json",
    ]
    assert record_of(tmp_path)["outputs"] == {
        str(tmp_path / "meshes" / "one.glb"): {"sha256": sha256(b"1").hexdigest(), "bytes": 1},
        str(tmp_path / "meshes" / "deep" / "two.glb"): {
            "sha256": sha256(b"22").hexdigest(),
            "bytes": 2,
        },
    }


def test_leftovers_of_a_killed_job_are_replaced(tmp_path):
    script = (
        "import os, sys\n"
        "from test_job import stand_in\n"
        "from bioagree.job import job\n"
        "outputs = {'labels': 'labels.tif', 'folder': 'meshes'}\n"
        "with job(stand_in(sys.argv[1], outputs)) as this:\n"
        "    this.output.labels.write_text('from the killed job')\n"
        "    this.output.folder.mkdir()\n"
        "    (this.output.folder / 'stale.glb').write_text('stale')\n"
        "    os._exit(9)\n"
    )
    assert run(script, tmp_path).returncode == 9
    assert len(files(tmp_path)) == 2
    assert not (tmp_path / "labels.tif").exists()
    with job(stand_in(tmp_path, {"labels": "labels.tif", "folder": "meshes"})) as this:
        assert not this.output.labels.exists()
        this.output.folder.mkdir()
        (this.output.folder / "new.glb").write_text("new")
        this.output.labels.write_text("new")
    assert files(tmp_path) == ["labels.tif", "meshes/new.glb", "provenance/segment_cpu/job.json"]


def test_processes_of_one_job_never_share_a_file(tmp_path):
    """An earlier process may still be at work where none can end it, as on another host."""
    outputs = {"labels": "labels.tif", "folder": "meshes"}
    earlier = job_module.Job(stand_in(tmp_path, outputs))
    earlier.prepare()
    earlier.output.labels.write_text("earlier")
    with job(stand_in(tmp_path, outputs)) as this:
        assert not set(this.output.files) & set(earlier.output.files)
        this.output.labels.write_text("later")
        this.output.folder.mkdir()
        earlier.discard()
    assert (tmp_path / "labels.tif").read_text() == "later"
    assert not list(tmp_path.rglob(".partial-*"))


def test_a_log_is_not_shared_with_an_earlier_process(tmp_path):
    path = tmp_path / "logs" / "job.log"
    path.parent.mkdir()
    with open(path, "w") as earlier:
        done = run(failing("this.log.info('new')"), tmp_path)
        assert done.returncode == 0
        earlier.write("from a killed run")
    assert "killed run" not in path.read_text()
    assert "INFO new" in path.read_text()


def test_files_are_on_the_disk_before_they_get_their_names_and_names_before_the_job_is_done(
    tmp_path, monkeypatch
):
    done, fsync, replace = [], os.fsync, os.replace

    def noted_fsync(descriptor):
        done.append(("sync", Path(f"/proc/self/fd/{descriptor}").resolve()))
        fsync(descriptor)

    def noted_replace(source, target):
        done.append(("name", Path(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    with job(stand_in(tmp_path, {"labels": "a/labels.tif", "folder": "meshes"})) as this:
        this.output.labels.write_text("labels")
        (this.output.folder / "deep").mkdir(parents=True)
        (this.output.folder / "deep" / "one.glb").write_text("1")
        temporary = [this.output.labels, this.output.folder / "deep" / "one.glb"]
        folders = [this.output.folder, this.output.folder / "deep"]
    names = [
        tmp_path / "a" / "labels.tif",
        tmp_path / "meshes",
        tmp_path / "provenance" / "segment_cpu" / "job.json",
    ]
    first = done.index(("name", names[0]))
    assert [path for what, path in done if what == "name"] == names  # the record last
    assert {("sync", path) for path in [*temporary, *folders]} <= set(done[:first])
    places = {
        ("sync", path)
        for path in (tmp_path / "a", tmp_path, tmp_path / "provenance" / "segment_cpu")
    }
    assert places <= set(done[done.index(("name", names[2])) :])


# What the user sees


def run(script, folder, *arguments):
    """Run a script in a process of its own."""
    paths = os.pathsep.join([str(LIBRARY), str(Path(__file__).parent)])
    return subprocess.run(
        [sys.executable, "-c", script, str(folder), *arguments],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )


def failing(statement):
    return (
        "import sys, errno\n"
        "from test_job import stand_in\n"
        "from bioagree.errors import InputError\n"
        "from bioagree.job import job\n"
        "with job(stand_in(sys.argv[1], log=True)) as this:\n"
        "    this.output.labels.write_text('half')\n"
        f"    {statement}\n"
    )


def test_a_wrong_input_is_one_sentence_without_traceback(tmp_path):
    done = run(failing("raise InputError('A01.tif is truncated')"), tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.endswith("ERROR segment_cpu A01 otsu: A01.tif is truncated")
    assert (tmp_path / "logs" / "job.log").read_text() == done.stderr
    assert files(tmp_path) == []


def test_an_interruption_is_one_sentence_without_traceback(tmp_path):
    done = run(failing("raise KeyboardInterrupt"), tmp_path)
    assert done.returncode == 130
    (line,) = done.stderr.splitlines()
    assert line.endswith("ERROR segment_cpu A01 otsu: interrupted; nothing of it is kept")
    assert files(tmp_path) == []


def test_a_defect_keeps_its_traceback_in_the_log_too(tmp_path):
    done = run(failing("raise ZeroDivisionError('odd')"), tmp_path)
    assert done.returncode == 1
    assert "ZeroDivisionError: odd" in done.stderr
    log = (tmp_path / "logs" / "job.log").read_text()
    assert "segment_cpu A01 otsu failed" in log
    assert "Traceback" in log
    assert "ZeroDivisionError: odd" in log
    assert files(tmp_path) == []


def test_warnings_are_shown_logged_and_recorded_and_news_are_logged_only(tmp_path):
    script = failing("this.warn('pixels are coarse'); this.log.info('half-way')")
    done = run(script, tmp_path)
    assert done.returncode == 0
    assert "WARNING pixels are coarse" in done.stderr
    assert "half-way" not in done.stderr
    log = (tmp_path / "logs" / "job.log").read_text()
    assert "WARNING pixels are coarse" in log
    assert "INFO half-way" in log
    assert record_of(tmp_path)["warnings"] == ["pixels are coarse"]


WRITERS = {
    "bytes": "this.output.labels.write_bytes(bytes(400_000))",
    "image": "images.write(this.output.labels, [Image(noise, 'YX', (1, 1))])",
    "labels": "images.write_labels(this.output.labels, [Image(noise, 'YX', (1, 1))])",
    "parquet": "tables.write(this.output.labels, tables.Table({'x': noise.ravel()}))",
    "csv": "tables.write_csv(this.output.labels, {'x': noise.ravel()})",
    "figure": "canvas.save(figure(), this.output.labels.with_suffix('.svg'))",
}


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are POSIX")
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_one_sentence_whoever_writes(tmp_path, writer):
    """A limit of file size fails like a full disk: at the first byte that does not fit."""
    script = (
        "import resource, sys\n"
        "import numpy as np\n"
        "from test_job import stand_in\n"
        "from bioagree import images, tables\n"
        "from bioagree.figures import canvas\n"
        "from bioagree.images import Image\n"
        "from bioagree.job import job\n"
        "noise = np.random.default_rng(0).integers(0, 2**31, (512, 512)).astype('uint32')\n"
        "def figure():\n"
        "    made, (axes,) = canvas.grid(1, 1)\n"
        "    axes.plot(noise.ravel()[:20000])\n"
        "    return made\n"
        "outputs = {'labels': 'a.svg'} if 'figure' in WRITE else None\n"
        "with job(stand_in(sys.argv[1], outputs)) as this:\n"
        "    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limit))\n"
        f"    {WRITERS[writer]}\n"
    ).replace("WRITE", repr(writer))
    done = run(script, tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert "segment_cpu A01 otsu: cannot write to " in line
    assert str(tmp_path) in line
    assert os.strerror(errno.EFBIG) in line
    assert "free or allow space" in line
    assert files(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_other_ways_of_a_full_disk_are_one_sentence_too(tmp_path, code, caplog):
    with pytest.raises(SystemExit) as caught:
        work(stand_in(tmp_path), write_half, fail(OSError(code, os.strerror(code), "/data/x.tif")))
    assert caught.value.code == 1
    assert f"cannot write to /data/x.tif: {os.strerror(code)}; free" in caplog.text
    assert files(tmp_path) == []


def test_other_failures_of_the_system_are_defects(tmp_path):
    with pytest.raises(FileNotFoundError):
        work(stand_in(tmp_path), lambda this: (tmp_path / "gone.tif").read_bytes())


# The record


def test_the_record_says_how_the_outputs_came_to_be(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.tif").write_text("a")
    (tmp_path / "image.tif").write_text("image")
    params = {"method": {"segmenter": "otsu", "parameters": {"sigma_um": 1.5}}, "code": "0123abcd"}
    before = datetime.now(UTC).replace(microsecond=0)
    given = stand_in(tmp_path, inputs={"image": "image.tif", "raw": ["raw/a.tif"]}, params=params)
    with job(given) as this:
        this.output.labels.write_text("labels")
        this.warn("first")
        this.warn("second")
        this.note(device={"name": "A100"}, shapes=[np.zeros((2, 3)).shape])
    record = record_of(tmp_path)
    assert record["rule"] == "segment_cpu"
    assert record["wildcards"] == {"sample": "A01", "method": "otsu"}
    assert record["code"] == "0123abcd"
    assert record["parameters"] == {"method": params["method"]}
    assert record["threads"] == 2
    assert record["inputs"] == {
        str(tmp_path / "image.tif"): sha256(b"image").hexdigest(),
        str(tmp_path / "raw" / "a.tif"): sha256(b"a").hexdigest(),
    }
    labels = tmp_path / "labels.tif"
    assert record["outputs"] == {str(labels): {"sha256": digest(labels), "bytes": 6}}
    assert record["warnings"] == ["first", "second"]
    assert record["device"] == {"name": "A100"}
    assert record["shapes"] == [[2, 3]]
    started, ended = (datetime.fromisoformat(record[key]) for key in ("started", "ended"))
    assert before <= started <= ended <= datetime.now(UTC)
    assert set(record["host"]) == {"system", "machine", "vectors", "cores"}  # but not its name
    assert record["environment"]["python"] == platform.python_version()
    assert record["environment"]["imported"]["numpy"] == np.__version__
    assert len(record["environment"]["digest"]) == 64


def test_a_folder_among_the_inputs_counts_with_its_files_unless_the_used_ones_are_named(tmp_path):
    for name in ("a.tif", "b.tif"):
        (tmp_path / "raw").mkdir(exist_ok=True)
        (tmp_path / "raw" / name).write_text(name)
    (tmp_path / "list.txt").write_text("list")
    inputs = {"raw": "raw", "list": "list.txt"}
    with job(stand_in(tmp_path, inputs=inputs)) as this:
        this.output.labels.write_text("labels")
    names = [Path(path).name for path in record_of(tmp_path)["inputs"]]
    assert names == ["list.txt", "a.tif", "b.tif"]
    with job(stand_in(tmp_path, inputs=inputs)) as this:
        this.used([tmp_path / "raw" / "b.tif"])
        this.output.labels.write_text("labels")
    assert [Path(path).name for path in record_of(tmp_path)["inputs"]] == ["list.txt", "b.tif"]


def test_the_record_is_no_output_of_the_script(tmp_path):
    with job(stand_in(tmp_path)) as this:
        assert len(this.output.files) == 1
        this.output.labels.write_text("labels")
    assert list(record_of(tmp_path)["outputs"]) == [str(tmp_path / "labels.tif")]


def test_the_digest_of_the_environment_is_that_of_its_distributions(tmp_path, monkeypatch):
    monkeypatch.setattr(job_module.sysconfig, "get_path", lambda _: str(tmp_path))
    (tmp_path / "numpy-2.4.6.dist-info").mkdir()
    (tmp_path / "numpy").mkdir()
    once = environment()["digest"]
    assert once == sha256(b"numpy-2.4.6").hexdigest()
    (tmp_path / "scipy").mkdir()
    assert environment()["digest"] == once
    (tmp_path / "scipy-1.17.1.dist-info").mkdir()
    assert environment()["digest"] == sha256(b"numpy-2.4.6\nscipy-1.17.1").hexdigest()


def test_versions_are_those_that_modules_state_even_with_a_warning(monkeypatch):
    def version(name):
        if name != "__version__":
            raise AttributeError(name)
        warnings.warn("ask importlib.metadata", DeprecationWarning, stacklevel=2)
        return "1.2"

    lazy = types.ModuleType("lazy")
    lazy.__getattr__ = version
    monkeypatch.setitem(sys.modules, "lazy", lazy)
    monkeypatch.setitem(sys.modules, "blocked", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        imported = environment()["imported"]
    assert imported["lazy"] == "1.2"
    assert "blocked" not in imported


def test_progress_gives_every_item_and_says_where_it_is(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(job_module, "LINE_EVERY_S", -1.0)
    with caplog.at_level("INFO"), job(stand_in(tmp_path)) as this:
        assert list(this.progress("abc")) == ["a", "b", "c"]
        assert list(this.progress(iter(range(2)))) == [0, 1]
        this.output.labels.write_text("labels")
    assert [r.getMessage() for r in caplog.records] == [
        "1 of 3 done",
        "2 of 3 done",
        "3 of 3 done",
        "1 of ? done",
        "2 of ? done",
    ]
