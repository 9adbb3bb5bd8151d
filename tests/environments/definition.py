"""The sections of an Apptainer definition file."""

import re
from pathlib import Path

# Those of Apptainer 1.4's documentation, "Definition Files", that may follow the header.
SECTIONS = {
    "setup", "files", "environment", "post", "runscript", "startscript", "test", "labels", "help",
    "arguments",
}  # fmt: skip


def read(path: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the header, and the lines of every section, without comments and empty lines."""
    header: dict[str, str] = {}
    sections: dict[str, list[str]] = {}
    current = None
    for line in path.read_text().splitlines():
        if line.startswith("%"):
            current = line[1:].strip()
            if current not in SECTIONS or current in sections:
                raise ValueError(f"{path.name}: section %{current} is unknown or stands twice")
            sections[current] = []
        elif not line.strip() or line.lstrip().startswith("#"):
            continue
        elif current:
            sections[current].append(line.strip())
        else:
            key, value = re.fullmatch(r"(\w+): (\S+)", line).groups()
            header[key.lower()] = value
    return header, sections
