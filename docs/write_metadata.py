"""Write CITATION.cff and codemeta.json of the repository, or check that they are up to date.

The version is that of pyproject.toml, the day of release that of CITATION.cff; what the workflow is
called stands in bioagree.publication.codemeta. Everything else follows from these.

uv run python docs/write_metadata.py
uv run python docs/write_metadata.py --released 2027-01-31   # with a new day of release
uv run python docs/write_metadata.py --check                 # exit with 1 when out of date
"""

import argparse
import json
import sys
import tomllib
from datetime import date
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from bioagree.publication import codemeta, metadata, people  # noqa: E402
from bioagree.publication.contents import CITATION, CODEMETA, Software  # noqa: E402


def files(root: Path, released: str = "") -> dict[str, str]:
    """Return what the files of a repository should hold, by name."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    if not released:
        released = str(yaml.safe_load((root / CITATION).read_text())["date-released"])
    citation = {
        "cff-version": "1.2.0",
        "message": "If you use bioagree, please cite it with these metadata.",
        "title": codemeta.TITLE,
        "abstract": codemeta.DESCRIPTION,
        "type": "software",
        "authors": [people.in_cff(metadata.DEVELOPERS)],
        "license": project["license"],
        "version": project["version"],
        "date-released": released,
        "keywords": list(codemeta.KEYWORDS),
    }
    software = Software(project["version"], "", "")
    described = codemeta.of_software(software, released)
    return {
        CITATION: yaml.safe_dump(citation, sort_keys=False, allow_unicode=True, width=100),
        CODEMETA: json.dumps(described, indent=2, ensure_ascii=False) + "\n",
    }


def main() -> int:
    """Write or check the files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--released", type=lambda text: date.fromisoformat(text).isoformat())
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    wanted = files(chosen.root, chosen.released or "")
    if not chosen.check:
        for name, text in wanted.items():
            (chosen.root / name).write_text(text, encoding="utf-8")
        return 0
    late = [
        name
        for name, text in wanted.items()
        if not (chosen.root / name).exists()
        or (chosen.root / name).read_text(encoding="utf-8") != text
    ]
    for name in late:
        print(f"{name} is out of date; run python docs/write_metadata.py", file=sys.stderr)
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
