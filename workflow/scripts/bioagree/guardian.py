"""Nothing outlives its run: what ends the processes of a run whose controller is gone.

Runs beside the controller as ``python -I -S guardian.py RUN``, in a session of its own, and needs
nothing but the standard library. Its standard input is a pipe that only the controller holds, so
the pipe ends when the controller does, however that died. A thread or a signal inside the jobs
would not do: neither comes through while a kernel runs or compiles.
"""

import os
import signal
import sys
import time

VARIABLE = "BIOAGREE_RUN"  # in the environment of every process that a run starts
QUIET_SCANS, PAUSE_S, PATIENCE_S = 3, 0.02, 60.0


def processes_of(run: str) -> list[int]:
    """Return the processes, on this host, that were started with this run in their environment.

    Children, and those that lost their parent, have it too, since environments are inherited.
    """
    token = f"{VARIABLE}={run}:".encode()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    variables = file.read().split(b"\0")
            except OSError:  # has ended, or is somebody else's
                continue
            if any(each.startswith(token) for each in variables):
                found.append(int(name))
    return found


def end(run: str) -> None:
    """Kill every process of a run on this host, until there is none left."""
    quiet, deadline = 0, time.monotonic() + PATIENCE_S
    while quiet < QUIET_SCANS and time.monotonic() < deadline:
        found = processes_of(run)
        for process in found:
            try:
                os.kill(process, signal.SIGKILL)
            except OSError:
                continue
        quiet = 0 if found else quiet + 1
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    end(sys.argv[1])
