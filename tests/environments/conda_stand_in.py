"""A stand-in for conda in tests, on py-rattler: it understands what Snakemake 9 calls, no more.

    python conda_stand_in.py ROOT CHANNEL ARGUMENTS...

ROOT is the folder whose bin/ holds `conda` and `activate`; CHANNEL is the local channel that
stands for conda-forge. What the real conda does otherwise: it has more than one Python to choose
from, so here `python=3.11.13` is satisfied by any 3.11, and that is printed.
"""

import argparse
import asyncio
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

VERSION = "24.7.1"  # the lowest that Snakemake 9 takes
CHANNELS = ["conda-forge", "nodefaults"]  # the second is conda's word for: no others


def main(root: Path, channel: Path, arguments: list[str]) -> int:
    """Do what the arguments ask, or end with 2 when conda is called in an unforeseen way."""
    parser = argparse.ArgumentParser(prog="conda (a stand-in for tests)", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"conda {VERSION}, a stand-in")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info").add_argument("--json", action="store_true", required=True)
    config = commands.add_parser("config")
    config.add_argument("--get", choices=["channel_priority"], required=True)
    config.add_argument("--json", action="store_true", required=True)
    create = commands.add_parser("env").add_subparsers(required=True).add_parser("create")
    create.add_argument("--quiet", action="store_true")
    create.add_argument("--no-default-packages", action="store_true")
    create.add_argument("--file", type=Path, required=True)
    create.add_argument("--prefix", type=Path, required=True)
    clean = commands.add_parser("clean")
    clean.add_argument("-y", action="store_true", required=True)
    clean.add_argument("--tarballs", action="store_true", required=True)
    activate = commands.add_parser("shell.posix").add_subparsers(required=True)
    activate.add_parser("activate").add_argument("prefix", type=Path)
    asked = parser.parse_args(arguments)
    if asked.command == "info":
        print(json.dumps({"conda_prefix": str(root), "platform": f"linux-{bits()}"}))
    elif asked.command == "config":
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif asked.command == "env":
        return create_environment(asked.file, asked.prefix, channel)
    elif asked.command == "shell.posix":
        print(activation(asked.prefix))
    return 0  # nothing to clean: py-rattler keeps no archives


def bits() -> str:
    """Return the second half of conda's name of this platform."""
    return {"x86_64": "64"}.get(platform.machine(), platform.machine())


def create_environment(file: Path, prefix: Path, channel: Path) -> int:
    """Install the packages of a YAML file from the channel, then its pip section from PyPI."""
    described = yaml.safe_load(file.read_text())
    if described["channels"] != CHANNELS:
        print(f"{file} asks for {described['channels']}; allowed are {CHANNELS}", file=sys.stderr)
        return 1
    specs = [spec for spec in described["dependencies"] if isinstance(spec, str)]
    asyncio.run(install(specs, channel, prefix))
    state = {"env_vars": described.get("variables", {})}
    (prefix / "conda-meta" / "state").write_text(json.dumps(state))
    sections = [spec["pip"] for spec in described["dependencies"] if isinstance(spec, dict)]
    with tempfile.NamedTemporaryFile("w", suffix=".requirements.txt") as requirements:
        requirements.write("\n".join(line for section in sections for line in section))
        requirements.flush()
        install_pip = ["-m", "pip", "install", "-U", "-r", requirements.name]
        return subprocess.call([prefix / "bin" / "python", *install_pip])


async def install(specs: list[str], channel: Path, prefix: Path) -> None:
    """Solve the specs with the one channel there is, and link what was found into the prefix."""
    import rattler

    def minor(spec):
        """Loosen a Python of three numbers to two: the channel holds this machine's Python."""
        if not spec.startswith("python="):
            return spec
        loose = f"python={'.'.join(spec.removeprefix('python=').split('.')[:2])}"
        print(f"The stand-in for conda takes any {loose} for {spec}.")
        return loose

    cache = channel.with_name("cache")
    records = await rattler.solve(
        sources=[channel.as_uri()],
        specs=[minor(spec) for spec in specs],
        gateway=rattler.Gateway(cache_dir=cache / "repodata"),
        platforms=[rattler.Subdir.current(), "noarch"],
        virtual_packages=rattler.VirtualPackage.detect(),
    )
    await rattler.install(records, prefix, cache_dir=cache / "packages", show_progress=False)


def activation(prefix: Path) -> str:
    """Return the shell code that activates an environment, as the real `activate` evaluates it."""
    state = json.loads((prefix / "conda-meta" / "state").read_text())
    variables = {
        "CONDA_PREFIX": str(prefix),
        "PATH": f"{prefix / 'bin'}:{os.environ['PATH']}",
        **state["env_vars"],
    }
    return "\n".join(f"export {name}={shlex.quote(str(v))}" for name, v in variables.items())


if __name__ == "__main__":
    code = main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
    sys.stdout.flush()
    os._exit(code)  # the threads of py-rattler would hold the process back
