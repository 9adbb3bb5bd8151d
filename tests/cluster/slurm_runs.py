"""Slurm's own word on its jobs, and runs of Snakemake that a test can look into and disturb."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import pytest

SCRIPT = Path(__file__).with_name("slurm.sh")
STATE = Path("/run/bioagree-slurm")
CONFIG = ("--configfile", "config/tiny.yaml")
USUAL = ("--workflow-profile", "profiles/slurm")
GRES = ("--profile", "profiles/slurm", "--workflow-profile", "profiles/slurm-gres")
# The first question after each job that ended comes so early that tests need not wait for it.
SOON = ("--slurm-init-seconds-before-status-checks", "3")
ALONE = ("--groups", "fetch=fetch")  # replaces the groups of the profile: none shares a submission
PATIENCE_S = 600


def eventually(question, what, patience_s=PATIENCE_S, every_s=0.05):
    """Return the first answer to a question that is not empty; fail when none comes."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(every_s)
    pytest.fail(f"waited {patience_s} s in vain for {what}")


@dataclass(frozen=True)
class SlurmJob:
    """What Slurm itself says of a job, running or ended within the hour."""

    fields: dict[str, str]

    @property
    def id(self) -> str:
        return self.fields["JobId"]

    @property
    def state(self) -> str:
        return self.fields["JobState"]

    @property
    def rule(self) -> str:
        """The rule or group, whose comment is `rule_NAME_wildcards_…` or `rule_NAME_NAME`."""
        name = self.fields["Comment"].removeprefix("rule_").partition("_wildcards_")[0]
        half = name[: len(name) // 2]
        return half if name == f"{half}_{half}" else name

    @property
    def memory_mb(self) -> int:
        return int(self.fields["MinMemoryNode"].removesuffix("M"))

    @property
    def minutes(self) -> float:
        """Its time limit, of less than a day."""
        hours, minutes, seconds = map(int, self.fields["TimeLimit"].split(":"))
        return 60 * hours + minutes + seconds / 60

    @property
    def times(self) -> list[datetime]:
        """Submitted, started, ended."""
        names = ("SubmitTime", "StartTime", "EndTime")
        return [datetime.fromisoformat(self.fields[name]) for name in names]


class Slurm:
    """The daemons and the jobs of the Slurm of the tests; not those of earlier sessions."""

    def __init__(self):
        self._earlier = {fields["JobId"] for fields in self._ask()}

    def _ask(self) -> list[dict[str, str]]:
        lines = self.say("scontrol", "show", "job", "--oneliner").splitlines()
        split = [dict(part.partition("=")[::2] for part in line.split()) for line in lines]
        return [fields for fields in split if "JobId" in fields]

    def up(self) -> None:
        """Start whichever daemon is not running."""
        subprocess.run([SCRIPT, "up"], check=True, stdout=subprocess.DEVNULL)

    def kill(self, daemon: str) -> None:
        """Kill a daemon; what it started lives on."""
        process = int((STATE / f"{daemon}.pid").read_text())
        os.kill(process, signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{process}").exists(), f"the end of {daemon}")

    def say(self, *command: str) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def jobs(self, folder: Path, *states: str) -> list[SlurmJob]:
        """Return the jobs that were submitted from a folder, in their order."""
        jobs = [
            SlurmJob(fields)
            for fields in self._ask()
            if fields["WorkDir"] == str(folder) and fields["JobId"] not in self._earlier
        ]
        found = [job for job in jobs if not states or job.state in states]
        return sorted(found, key=lambda job: int(job.id))

    def cancel(self, folder: Path) -> None:
        """Cancel what is left of a folder's jobs, and wait until it is gone."""
        active = ("PENDING", "RUNNING", "COMPLETING")
        if left := self.jobs(folder, *active):
            self.say("scancel", *(job.id for job in left))
            eventually(lambda: not self.jobs(folder, *active), "the end of cancelled jobs")


class Run:
    """A run of Snakemake in the background."""

    begun: ClassVar[list["Run"]] = []

    def __init__(self, study, *arguments: str):
        self.study = study
        self._said = study.folder / "said.txt"
        with open(self._said, "w") as file:
            self.process = subprocess.Popen(
                study.command(*CONFIG, *arguments),
                cwd=study.folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.begun.append(self)

    @classmethod
    def kill_all(cls) -> set[Path]:
        """Kill the runs that a failed test left; return the folders of all runs."""
        folders = set()
        while cls.begun:
            run = cls.begun.pop()
            folders.add(run.study.folder)
            with suppress(ProcessLookupError):
                os.killpg(run.process.pid, signal.SIGKILL)
            run.process.wait()
        return folders

    @property
    def output(self) -> str:
        return self._said.read_text()

    def ended(self) -> int:
        """Wait for the end and return the exit code."""
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"Snakemake did not end within {PATIENCE_S} s:\n{self.output[-3000:]}")

    def succeeded(self) -> "Run":
        code = self.ended()
        assert code == 0, self.output
        return self

    def script(self) -> int:
        """Wait until a script of this study runs in Slurm; stop it there and return its process.

        So nothing depends on how fast it is.
        """
        scripts = eventually(lambda: scripts_of(self.study.folder), "a running script")
        process = min(scripts.values())
        os.kill(process, signal.SIGSTOP)
        return process


def processes() -> list[tuple[int, list[str]]]:
    """Return number and arguments of every process, parents before what they forked."""
    found = []
    for number in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        with suppress(OSError):
            arguments = Path(f"/proc/{number}/cmdline").read_bytes()
            found.append((number, arguments.decode(errors="replace").split("\0")))
    return found


def scripts_of(folder: Path) -> dict[str, int]:
    """Return the scripts of a study that run, and the process of each."""
    begin, found = f"{folder}/.snakemake/scripts/", {}
    for number, arguments in processes():
        if arguments[1:] and arguments[1].startswith(begin):
            found.setdefault(arguments[1], number)
    return found


def guardians_of(run: str) -> list[int]:
    """Return the processes that end the jobs of a run when its controller is gone."""
    return [number for number, arguments in processes() if run in arguments]


def missing() -> str:
    """Say what a test with Slurm lacks, if anything."""
    if shutil.which("sinfo") is None:
        return "Slurm is not installed (tests/install-heavy.sh)"
    if not STATE.is_dir():
        return "the Slurm of the tests is not running (tests/cluster/slurm.sh up)"
    if find_spec("snakemake_executor_plugin_slurm") is None:
        return "the Slurm plugin is not installed (uv run --group slurm)"
    answer = subprocess.run(["sinfo", "--noheader"], capture_output=True, text=True, check=False)
    return answer.stderr.strip()
