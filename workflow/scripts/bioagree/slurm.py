"""Why jobs died in Slurm: from the logs that it left, what to change."""

import re
from collections.abc import Iterator
from pathlib import Path

LOGS = Path(".snakemake", "slurm_logs")
# Slurm 22.05's slurmstepd says the first of these without cgroups, the second with them.
MEMORY = re.compile(r"exceeded memory limit|oom[-_ ]kill", re.IGNORECASE)
TIME = re.compile(r"DUE TO TIME LIMIT")
NODE = re.compile(r"DUE TO NODE FAILURE")
CANCELLED = re.compile(r"\*\*\* (?:JOB|STEP) \S+ ON \S+ CANCELLED AT")


def reasons(folder: Path = LOGS, since: float = 0.0) -> Iterator[str]:
    """Say of each job that Slurm ended what it took too much of, and how to give it more.

    Logs of jobs that succeeded are removed by Snakemake's plugin; of several attempts of one job
    the last is taken.

    Parameters
    ----------
    folder : Path
        Where the plugin keeps the logs, a folder for each rule or group and its wildcards.
    since : float
        Logs that were not written to since then, in seconds of the epoch, are of earlier runs.
    """
    last: dict[Path, Path] = {}
    for path in sorted(folder.rglob("*.log"), key=lambda path: path.stat().st_mtime):
        if path.stat().st_mtime >= since:
            last[path.parent] = path
    for path in last.values():
        if sentence := reason(path.read_text(errors="replace")):
            yield f"{sentence}; the log of Slurm is {path}"


def reason(log: str) -> str | None:
    """Say why Slurm ended the job of a log, or None if it did not."""
    rules = re.findall(r"^rule (\w+):$", log, re.MULTILINE)
    if not rules:
        return None
    rule = rules[-1]
    if MEMORY.search(log):
        return (
            f"{rule}: Slurm ended a job that took more memory than it asked for; "
            f"give it more: --set-resources {rule}:mem_mb={_twice(log, 'mem_mb')}"
        )
    if TIME.search(log):
        return (
            f"{rule}: Slurm ended a job that took longer than it asked for; "
            f"give it more minutes: --set-resources {rule}:runtime={_twice(log, 'runtime')}"
        )
    if NODE.search(log):
        return f"{rule}: the node of a job failed; run again"
    if CANCELLED.search(log):
        return f"{rule}: a job was cancelled in Slurm; run again"
    return None


def _twice(log: str, resource: str) -> str:
    """Return twice what the job was given, which Snakemake writes at its start."""
    found = re.findall(rf"^    resources: .*\b{resource}=(\d+)", log, re.MULTILINE)
    return str(2 * int(found[-1])) if found else "MORE"
