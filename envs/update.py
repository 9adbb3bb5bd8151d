"""Write the conda environments from uv.lock, or check that they agree with it.

    uv run python envs/update.py          # write envs/*.yaml
    uv run python envs/update.py --check  # exit with 1 when a file is out of date

Each environment is one dependency group of pyproject.toml, pinned to the versions and hashes of the
lock. conda gives Python and pip; the packages come from PyPI, as in the environment of uv, because
only then both hold the very same files. docs/environments.md says more.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
GROUPS = ("fetch", "gpu", "image", "learning", "package", "report", "statistics", "track")
# The lock says nothing of these two, so that they are chosen here: builds of both are listed in
# environments that others exported from conda-forge, which removes no build.
PYTHON = "3.11.13"
PIP = "25.1.1"


def requirements(group: str) -> list[str]:
    """Return the pinned packages of a group, each with the hashes of its files, one a line."""
    exported = subprocess.run(
        [
            os.environ.get("UV", "uv"),
            "export",
            "--locked",
            "--only-group",
            group,
            "--no-emit-project",
            "--no-annotate",
            "--no-header",
        ],
        cwd=FOLDER.parent,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return exported.replace("\\\n", " ").splitlines()


def environment(group: str) -> str:
    """Return the YAML of a group's conda environment."""
    lines = [
        "# Written by envs/update.py from uv.lock; edit pyproject.toml instead.",
        f"name: bioagree-{group}",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "variables:",
        '  PYTHONNOUSERSITE: "1"  # packages in ~/.local are not part of the environment',
        "dependencies:",
        f"  - python={PYTHON}",
        f"  - pip={PIP}",
        "  - pip:",
        '      - "--require-hashes"',
    ]
    lines += [f'      - "{" ".join(line.split())}"' for line in requirements(group)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check all environments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    check = parser.parse_args().check
    stale = []
    for group in GROUPS:
        path, text = FOLDER / f"{group}.yaml", environment(group)
        if path.exists() and path.read_text() == text:
            continue
        stale.append(path.name)
        if not check:
            path.write_text(text)
    if check and stale:
        print(f"{', '.join(stale)} differ from uv.lock; run: uv run python envs/update.py")
        return 1
    print(f"{len(GROUPS)} environments agree with uv.lock")
    return 0


if __name__ == "__main__":
    sys.exit(main())
