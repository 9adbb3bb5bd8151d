"""Licence texts and REUSE.toml of a package, by REUSE 3.3: every file says its licence and notices.

The texts are those of the SPDX License List, as the npm package spdx-license-list 6.12.0 ships
them; of Creative Commons' version 4.0 and of CC-BY-3.0-AT those of scancode-toolkit-mini 32.5.0,
since the list has other numbers of paragraphs than the original, and lacks its last words. They lie
in one archive, since they resemble each other: 60 kB instead of 660 kB and 46 files.
"""

import json
import tarfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bioagree.publication import licences
from bioagree.publication.contents import DESCRIPTORS, Agent, File, Package
from bioagree.publication.rights import METADATA

FOLDER = "LICENSES"  # REUSE wants the texts there, and nothing said of them
TEXTS = Path(__file__).with_name("licence_texts.tar.xz")
OTHERS = ("images", "workflow")  # roles of files to which the study adds nothing


def licence_texts(expressions: Iterable[str]) -> dict[str, str]:
    """Return the texts of all licences of some files, and of the descriptors, by SPDX identifier.

    A package has each of them as ``LICENSES/{identifier}.txt``.
    """
    named = licences.collection([*expressions, METADATA])
    texts = _texts()
    return {name: texts[name] for name in licences.ids(named)}


def reuse_toml(package: Package) -> str:
    """Return REUSE.toml of a package: one annotation for all files of equal licence and notices."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    own = f"{package.publication.date[:4]} {_named(package.publication.creators)}"
    for file in package.files:
        if not file.path.startswith(f"{FOLDER}/"):
            groups.setdefault((file.licence, _notices(file, own)), []).append(file.path)
    groups.setdefault((METADATA, (own,)), []).extend(DESCRIPTORS)
    parts = ["version = 1"]
    for (licence, notices), paths in sorted(groups.items()):
        parts.append(
            "[[annotations]]\n"
            f"path = {_strings(map(_literal, sorted(paths)))}\n"
            # What files say inside is of their parts, such as pieces of other files' headers.
            'precedence = "override"\n'
            f"SPDX-FileCopyrightText = {_strings(notices)}\n"
            f"SPDX-License-Identifier = {_string(licence)}"
        )
    return "\n\n".join(parts) + "\n"


@cache
def _texts() -> dict[str, str]:
    with tarfile.open(TEXTS) as archive:
        return {
            member.name.removesuffix(".txt"): archive.extractfile(member).read().decode()
            for member in archive
        }


def _notices(file: File, own: str) -> tuple[str, ...]:
    """Return whom to name for a file: its sources, and the study where it added something."""
    if file.copyright and file.role in OTHERS:
        return file.copyright
    return (*file.copyright, own)


def _named(agents: Iterable[Agent]) -> str:
    return "; ".join(agent.name for agent in agents)


def _literal(path: str) -> str:
    """Return a path as REUSE.toml has it, in which a star stands for anything."""
    return path.replace("\\", "\\\\").replace("*", "\\*")


def _strings(texts: Iterable[str]) -> str:
    lines = [f"  {_string(text)},\n" for text in texts]
    return f"[\n{''.join(lines)}]"


def _string(text: str) -> str:
    """Return a TOML string; JSON escapes the same way, but leaves the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
