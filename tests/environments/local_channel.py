"""A conda channel in a folder: this machine's Python, and pip as it is on PyPI.

Packages are built by py-rattler-build and indexed by py-rattler. The package `python` holds links
to the machine's interpreter and a `pyvenv.cfg`, so that what pip installs goes into the prefix.
"""

import asyncio
import subprocess
import sys
import zipfile
from pathlib import Path


def build(channel: Path, interpreter: Path, pip: str) -> None:
    """Write and index a channel.

    Parameters
    ----------
    channel : Path
        A folder that does not exist yet; its name is the channel's.
    interpreter : Path
        The Python that environments are made from.
    pip : str
        The version of pip.
    """
    import rattler
    from rattler.index import index_fs
    from rattler_build import assemble_package

    staged = channel.with_name("staged")
    subdir = str(rattler.Subdir.current())
    version = _ask(interpreter, "import platform; print(platform.python_version())")
    minor = ".".join(version.split(".")[:2])
    for place in (subdir, "noarch"):
        (channel / place).mkdir(parents=True)

    def package(name, number, depends, licence):
        assemble_package(
            name,
            number,
            subdir,
            "local_0",
            channel / subdir,
            files_dir=staged / name,
            depends=depends,
            license=licence,
            summary="Of this machine, for tests only",
            compression_level=1,
        )

    _stage_python(staged / "python", interpreter, minor)
    package("python", version, [], "PSF-2.0")
    _stage_pip(staged / "pip", staged, pip, minor)
    package("pip", pip, [f"python {minor}.*"], "MIT")
    asyncio.run(index_fs(channel, write_zst=False, write_shards=False))


def _stage_python(folder: Path, interpreter: Path, minor: str) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / f"python{minor}").symlink_to(interpreter)
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(f"python{minor}")
    (folder / "pyvenv.cfg").write_text(
        f"home = {interpreter.parent}\ninclude-system-site-packages = false\n"
    )


def _stage_pip(folder: Path, downloads: Path, version: str, minor: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", downloads, f"pip=={version}"]
    subprocess.run(command, check=True)
    packages = folder / "lib" / f"python{minor}" / "site-packages"
    (wheel,) = downloads.glob("pip-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)


def _ask(interpreter: Path, code: str) -> str:
    command = [interpreter, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
