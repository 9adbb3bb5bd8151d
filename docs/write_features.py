"""Write docs/features.md from the feature dictionary, or check that it is up to date.

uv run python docs/write_features.py
uv run python docs/write_features.py --check   # exit with 1 when the page is out of date
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from bioagree.features.dictionary import GROUPS, Feature, features_of  # noqa: E402

PAGE = ROOT / "docs/features.md"
OF = {"object": "an object", "track": "a track", "image": "an image"}
NEEDS = {
    "intensity": "an intensity image",
    "channels": "two channels",
    "time": "a movie",
}
HEAD = """# Every feature, defined

Written by `docs/write_features.py` from the feature dictionary, `bioagree.features.dictionary`, as
are the units of the tables and the explanations in the report. A study chooses groups, or single
features by their names, under `features: use:` in its config.

Lengths are physical (µm); voxels may be anisotropic. In the names, `{axis}` stands for z, y and x,
`{channel}` and `{other}` for names of channels, `{percent}`, `{distance}` and `{count}` for numbers
from the config. What is undefined is NaN (an empty cell in CSV files), never 0.
"""


def page() -> str:
    """Return the page as Markdown."""
    parts = [HEAD]
    for group in GROUPS:
        module = __import__(f"bioagree.features.dictionary.{group}", fromlist=["FEATURES"])
        parts.append(f"\n## {group}\n\n{module.__doc__.strip()}\n")
        parts += [_entry(feature) for feature in features_of(group)]
    return "".join(parts)


def _entry(feature: Feature) -> str:
    facts = [feature.unit or "no unit", f"of {OF[feature.of]}"]
    if len(feature.dimensions) == 1:
        facts.append(f"{feature.dimensions[0]}D only")
    if feature.needs:
        facts.append(f"needs {NEEDS[feature.needs]}")
    text = f"\n**`{feature.name}`** ({', '.join(facts)})  \n{feature.definition}"
    if feature.source:
        text += f" *Source:* {feature.source.rstrip('.')}."
    if feature.elsewhere:
        text += f" *Elsewhere:* {feature.elsewhere}"
    return text + "\n"


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE} is out of date; run python docs/write_features.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
