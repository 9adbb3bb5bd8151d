"""Without room to write, one sentence says so, nothing is damaged, and the next run completes.

Every test has file systems of its own, which are too small, full, or may only be read.
"""

import hashlib
import http.server
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile

PLATE = "results/images/plate.ome.tif"
LABELS = "results/labels/plate.distance-watershed.ome.tif"
FILL = 'fill() { head -c 64M /dev/zero > "$1"/fill 2>/dev/null || :; }; '


def said(outcome, *words):
    """Check that one line says it, and that no traceback stands beside it."""
    assert outcome.code != 0, outcome.output
    lines = [line for line in outcome.output.splitlines() if all(word in line for word in words)]
    assert len(lines) == 1, outcome.output
    assert "Traceback" not in outcome.output


def shell(mounts, script):
    """Return words that run a shell script on private file systems, then the command as "$@"."""
    return [*mounts, "sh", "-c", FILL + script, "sh"]


def test_results_that_may_only_be_read(plate, private_mounts):
    plate.write().path("results").mkdir()
    before = shell(private_mounts, 'mount -t tmpfs -o ro none results; "$@"')
    said(plate.snakemake("--", PLATE, before=before), "Read-only file system", "results/images")
    assert plate.run("--", PLATE)


def test_a_working_folder_that_may_only_be_read(plate, private_mounts):
    before = shell(private_mounts, 'mount --bind . . && mount -o remount,bind,ro . && cd . && "$@"')
    folder = plate.write().folder
    outcome = plate.snakemake("--", PLATE, before=before)
    said(outcome, f"cannot write to {folder}/.snakemake", "free or allow space")
    plate.run("--", PLATE)


def test_no_room_for_what_snakemake_notes(plate, private_mounts):
    plate.write().path(".snakemake").mkdir()
    before = shell(
        private_mounts, 'mount -t tmpfs -o size=64k none .snakemake; fill .snakemake; "$@"'
    )
    outcome = plate.snakemake("--", PLATE, before=before)
    assert f"cannot write to {plate.folder}/.snakemake: No space left on device" in outcome.output
    assert outcome.code != 0
    assert not plate.path("results", "images").exists()
    plate.run("--", PLATE)


@pytest.mark.slow
def test_a_disk_that_fills_up_during_a_run(make, tmp_path, private_mounts):
    """Results and what Snakemake notes lie on one disk, which is too small, and then grows."""
    whole, small = make.plate(tmp_path / "whole"), make.plate(tmp_path / "small")
    noise = np.random.default_rng(0).integers(0, 999, (700, 700), np.uint16)
    for study in (whole, small):
        tifffile.imwrite(study.path("raw", "plate", "A01_2.tif"), noise)
        study.samples[0]["truth"] = ""
        study.write()
    whole.run("--", LABELS)
    kept = tmp_path / "kept"
    script = (
        f'cp -r . "{kept}"; mount -t tmpfs -o size=5M none "$PWD"; cd "$PWD"; cp -r "{kept}"/. .; '
        'first=0; "$@" || first=$?; find results; mount -o remount,size=500M "$PWD"; '
        f'"$@" --unlock; "$@"; echo "codes $first $?"; rm -r "{kept}"; cp -r . "{kept}"'
    )
    # Options come before targets, and `--unlock` is appended, so the target goes without "--".
    outcome = small.snakemake(LABELS, before=shell(private_mounts, script))
    assert "codes 1 0" in outcome.output, outcome.output
    assert "cannot write to results" in outcome.output
    assert "No space left on device; free or allow space" in outcome.output
    first, second = whole.products(), make.study(kept).products()
    assert first == second
    between = outcome.output.partition("codes")[0]
    assert LABELS not in between.splitlines()
    assert not list(kept.rglob(".partial-*"))


def test_no_room_for_temporary_files(make, tmp_path, private_mounts):
    """Where /tmp is full, work goes on in the working folder."""
    study = make.plate(tmp_path / "study").write()
    probe = [sys.executable, "-c", "import snakemake, sys; print(sys.path)"]
    seen = subprocess.run(probe, capture_output=True, text=True).stdout
    if "'/tmp/" in seen or sys.executable.startswith("/tmp/"):
        pytest.skip("the environment itself lies in /tmp")
    script = (
        f'mount --bind "{study.folder}" /mnt; mount --bind "{study.repository}" /srv; '
        "for place in /tmp /var/tmp; do mount -t tmpfs -o size=4k none $place; fill $place; done; "
        'cd /mnt; "$@"'
    )
    moved = make.study(Path("/mnt"), Path("/srv"))
    done = subprocess.run(
        [*shell(private_mounts, script), *moved.command("--", LABELS)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert study.path(LABELS).exists()


KERNELS = {
    "NUMBA_CACHE_DIR": "import numba\n"
    "@numba.njit(cache=True)\n"
    "def kernel(): return 1\n"
    "WORK = kernel",
    "POCL_CACHE_DIR": "import numpy as np\n"
    "from bioagree import device\n"
    "def work():\n"
    "    device.choose('pocl')\n"
    "    cle = device.kernels()\n"
    "    cle.gaussian_blur(cle.push(np.zeros((9, 9), 'f4')), sigma_x=1, sigma_y=1)\n"
    "WORK = work",
}


@pytest.mark.parametrize("variable", KERNELS)
def test_a_full_cache_of_kernels(tmp_path, private_mounts, variable):
    (tmp_path / "full").mkdir()
    (tmp_path / "kernels.py").write_text(
        f"{KERNELS[variable]}\n"
        "from test_job import stand_in\n"
        "from bioagree.job import job\n"
        f"with job(stand_in({str(tmp_path)!r})) as this:\n"
        "    WORK()\n"
        "    this.output.labels.write_text('labels')\n"
    )
    tests = Path(__file__).parents[1]
    paths = f"{tests.parent / 'workflow' / 'scripts'}:{tests / 'unit'}"
    script = (
        f'mount -t tmpfs -o size=64k none full; fill full; export {variable}="$PWD"/full; '
        f'export PYTHONPATH={paths}; "$@"'
    )
    call = [sys.executable, str(tmp_path / "kernels.py")]
    full = subprocess.run(
        [*shell(private_mounts, script), *call],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    if "is not available" in full.stderr:
        pytest.skip("this machine has no PoCL")
    assert full.returncode == 1
    assert "Traceback" not in full.stderr
    (line,) = [line for line in full.stderr.splitlines() if "cannot write to" in line]
    assert f"{tmp_path}/full" in line
    assert "No space left on device" in line
    assert f"name another folder in {variable}" in line
    assert not (tmp_path / "labels.tif").exists()
    assert not list(tmp_path.glob(".partial-*"))


def test_a_full_cache_of_downloads(plate, private_mounts):
    folder, path = plate.path("raw", "plate"), plate.path("raw", "plate", "A01_2.tif")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        del plate.datasets["plate"]["folder"]
        url = f"http://127.0.0.1:{server.server_port}/A01_2.tif"
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        plate.datasets["plate"]["files"] = [{"url": url, "sha256": digest}]
        plate.write().path("cache").mkdir()
        before = shell(private_mounts, 'mount -t tmpfs -o size=64k none cache; fill cache; "$@"')
        outcome = plate.snakemake("fetched", before=before)
        said(outcome, f"the cache {plate.folder}/cache cannot be used", "BIOAGREE_CACHE")
        assert not plate.path("resources", "plate").exists()
        plate.run("fetched")
        server.shutdown()
    assert plate.path("resources", "plate", "A01_2.tif").read_bytes() == path.read_bytes()
