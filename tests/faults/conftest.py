"""A run that can be watched and killed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from bioagree import guardian

BLOCK = re.compile(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", re.MULTILINE)
FINISHED = re.compile(r"^Finished jobid: (\d+) ", re.MULTILINE)


@dataclass
class Run:
    """Snakemake at work in a session of its own.

    Jobs are named by rule and wildcards, as ``("measure", "tiny-2d.otsu")``.
    """

    process: subprocess.Popen
    folder: Path
    said: Path
    name: str = field(default="", init=False)

    @property
    def output(self) -> str:
        return self.said.read_text()

    @property
    def blocks(self) -> dict[str, tuple[str, str]]:
        """Return the jobs that were started, by job number."""
        found = {}
        for rule, block in BLOCK.findall(self.output):
            if number := re.search(r"^    jobid: (\d+)$", block, re.MULTILINE):
                wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
                values = re.findall(r"\w+=([^,\n]+)", wildcards[1]) if wildcards else []
                found[number[1]] = rule, ".".join(values)
        return found

    @property
    def started(self) -> set[tuple[str, str]]:
        return {job for job in self.blocks.values() if job[0] not in ("default", "all")}

    @property
    def finished(self) -> set[tuple[str, str]]:
        """Return what the controller has logged as complete."""
        return {self.blocks[n] for n in FINISHED.findall(self.output) if n in self.blocks}

    @property
    def running(self) -> list[int]:
        """Return the processes of jobs."""
        if not self.name:
            self.name = self._read_name()
        return guardian.processes_of(self.name) if self.name else []

    def _read_name(self) -> str:
        """Return the name of this run, once the lock says that it is this one's."""
        marks = self.folder / ".snakemake" / "bioagree"
        try:
            mine = f"process {self.process.pid} " in (marks / "controller").read_text()
            return (marks / "run").read_text().strip() if mine else ""
        except OSError:
            return ""

    def guardian(self) -> list[int]:
        """Return the process that ends what is left of this run."""
        self.running  # noqa: B018 (learns the name)
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if self.name and self.name.encode() in words:
                found.append(int(path.parent.name))
        return found

    def kill(self, *processes: int, sign=signal.SIGKILL) -> bool:
        """Send a signal to processes, or to the controller; return whether any was there."""
        there = False
        for process in processes or [self.process.pid]:
            try:
                os.kill(process, sign)
                there = True
            except ProcessLookupError:
                continue
        return there

    def kill_everything(self) -> None:
        """Kill the guardian, the controller and all jobs, as when the power fails."""
        guards = self.guardian()
        if guards:
            self.kill(*guards)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        guardian.end(self.name)

    def wait_for_jobs(self, seconds: float = 300) -> list[int]:
        """Wait until jobs run, and return their processes."""
        return until(lambda: self.running, seconds)

    def wait(self, seconds: float = 1800) -> int:
        return self.process.wait(seconds)


def until(condition, seconds: float = 300):
    """Wait until a condition holds, and return what it says."""
    deadline = time.monotonic() + seconds
    while not (met := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
    return met


def heed_interrupts() -> None:
    """Undo that a shell lets what it starts in the background ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def start(tmp_path):
    """Start Snakemake in a study and return at once; nothing of it survives the test."""
    runs = []

    def begin(study, *arguments: str) -> Run:
        said = tmp_path / f"said-{len(runs)}.txt"
        with open(said, "w") as output:
            process = subprocess.Popen(
                study.command(*arguments),
                cwd=study.folder,
                env=os.environ | {"BIOAGREE_CACHE": str(study.folder / "cache")},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=heed_interrupts,
            )
        runs.append(Run(process, study.folder, said))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.kill_everything()


@pytest.fixture
def until_true():
    return until


@pytest.fixture
def private_mounts(tmp_path):
    """Words before a command that give it file systems of its own, or a skip."""
    words = ["unshare", "--map-root-user", "--mount"]
    probe = [*words, "mount", "-t", "tmpfs", "none", str(tmp_path)]
    linux = sys.platform == "linux" and shutil.which("unshare")
    if not linux or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("this machine does not let users mount a file system")
    return words
