"""Write containers/Dockerfile with `snakemake --containerize`, or check that it is current.

    uv run python containers/update.py          # write it
    uv run python containers/update.py --check  # exit with 1 when it is out of date

Snakemake's output is changed in three ways. Its base image has the tag `latest`, so another build
would be another image: here it has a version. The linker is added that PoCL needs. And every
environment, which Snakemake repeats in comments, 200 kB of hashes, is left out there, since the
files themselves are copied into the image.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DOCKERFILE = REPOSITORY / "containers" / "Dockerfile"
NEEDED = ("Snakefile", "config", "envs", "profiles", "workflow")
# A tag can be moved and a digest cannot, but only who can reach the registry may vouch for one.
BASE = "condaforge/miniforge3:25.3.1-0"
HEAD = f"""\
# Written by containers/update.py from `snakemake --containerize`; edit envs/ or that script.
# An image with all conda environments, for `snakemake --sdm conda apptainer`:
#   docker build --file containers/Dockerfile --tag bioagree .
# See docs/environments.md.
FROM {BASE}
# The linker that PoCL calls.
RUN apt-get update && apt-get install --yes --no-install-recommends binutils \\
    && rm -rf /var/lib/apt/lists/*
"""
# Snakemake asks conda for its platform before it looks for pin files; there are none here. What it
# writes does not depend on the answers, so this stands in for conda where there is none.
CONDA = """\
#!/bin/sh
case "$1" in
  --version) echo "conda 24.7.1" ;;
  info) echo '{"conda_prefix": "/opt/conda", "platform": "linux-64"}' ;;
  config) echo '{"get": {"channel_priority": "strict"}}' ;;
  *) exit 2 ;;
esac
"""


def dockerfile() -> str:
    """Return the Dockerfile of the workflow as it is now."""
    with tempfile.TemporaryDirectory() as place:
        tree, conda = Path(place, "tree"), Path(place, "bin", "conda")
        for name in NEEDED:  # a copy, so that a run in the repository is not disturbed
            copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy2
            tree.mkdir(exist_ok=True)
            copy(REPOSITORY / name, tree / name)
        conda.parent.mkdir()
        conda.write_text(CONDA)
        conda.chmod(0o755)
        made = subprocess.run(
            [sys.executable, "-m", "snakemake", "--containerize", "dockerfile"],
            cwd=tree,
            env=os.environ | {"PATH": f"{conda.parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
    if made.returncode:
        sys.exit(f"snakemake --containerize failed:\n{made.stderr}")
    first, rest = made.stdout.split("\n", 1)
    if not first.startswith("FROM condaforge/miniforge3:"):
        sys.exit(f"snakemake --containerize starts with {first!r}; adapt {Path(__file__).name}")
    return HEAD + re.sub(r"^#   (?!source:|prefix:).*\n", "", rest, flags=re.MULTILINE)


def main() -> int:
    """Write or check the Dockerfile."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing, say whether it differs"
    )
    check = parser.parse_args().check
    text = dockerfile()
    if not DOCKERFILE.exists() or DOCKERFILE.read_text() != text:
        if check:
            print(
                "containers/Dockerfile differs from what Snakemake would write; "
                "run: uv run python containers/update.py"
            )
            return 1
        DOCKERFILE.write_text(text)
    print("containers/Dockerfile agrees with the environments")
    return 0


if __name__ == "__main__":
    sys.exit(main())
