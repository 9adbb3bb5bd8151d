"""Why jobs died in Slurm: from the logs that it left, what to change."""

import re
from collections.abc import Iterator
from pathlib import Path

LOGS = Path(".snakemake", "slurm_logs")
# Slurm 22.05's slurmstepd says the first of these without cgroups, the second with them.
MEMORY = re.compile(r"exceeded memory limit(?: \(\d+ > (\d+)\))?|oom[-_ ]kill", re.IGNORECASE)
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
        submitted = path.relative_to(folder).parts[0]
        if sentence := reason(path.read_text(errors="replace"), submitted):
            yield f"{sentence}; the log of Slurm is {path}"


def reason(log: str, submitted: str) -> str | None:
    """Say why Slurm ended a job, or None if it did not.

    Parameters
    ----------
    log : str
        What was written; before Snakemake named a rule in it, a job may have died already.
    submitted : str
        The folder of its logs, ``rule_NAME`` or ``group_NAME_NAME``, since groups are named after
        their rule.
    """
    rules = re.findall(r"^rule (\w+):$", log, re.MULTILINE)
    kind, _, name = submitted.partition("_")
    rule = rules[-1] if rules else name[: len(name) // 2] if kind == "group" else name
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
    """Return twice what the job was given, as Snakemake wrote at its start, or else Slurm."""
    found = re.findall(rf"^    resources: .*\b{resource}=(\d+)", log, re.MULTILINE)
    if not found and resource == "mem_mb":
        found = [int(limit) // 2**20 for limit in MEMORY.findall(log) if limit]
    return str(2 * int(found[-1])) if found else "MORE"
