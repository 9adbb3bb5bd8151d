"""A run that was killed is finished by the next one, and nobody can tell the difference."""

import os
import signal
import subprocess
import time

import pytest


@pytest.mark.slow
def test_a_killed_run_is_finished_by_the_next(make, tmp_path):
    """The whole group of processes dies at once, as when the power fails."""
    methods = ("gauss-otsu", "distance-watershed")
    killed = make.plate(tmp_path / "killed").use(*methods).write()
    process = subprocess.Popen(
        killed.command(),
        cwd=killed.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(killed.folder.glob("results/labels/*.tif")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not killed.path("results", "report", "index.html").exists()

    locked = killed.snakemake()
    assert locked.code != 0
    assert "--unlock" in locked.output
    killed.run("--unlock")
    killed.run()

    whole = make.plate(tmp_path / "whole").use(*methods).write()
    whole.run()
    first, second = killed.products(), whole.products()
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []
    assert not [path for path in killed.folder.rglob(".partial-*")]
