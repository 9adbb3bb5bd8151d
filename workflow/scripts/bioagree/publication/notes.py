"""What is noted of a deposit, so that it is found again and gone on with."""

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from bioagree.errors import InputError

FORMAT = 1  # of the notes; others are refused


@dataclass
class State:
    """What is noted of a deposit; never a token.

    Parameters
    ----------
    service, url : str
        Where it is.
    version_of : str
        The record that this is a new version of; empty for a first one.
    mark : str
        What the draft was created with.
    record, doi, page : str
        Its identifier, reserved DOI and address for people; empty until known.
    files : dict
        MD5 and size of what was sent and compared, by name.
    publishing, published : bool
        Whether publication was asked for, and whether it took place.
    """

    service: str
    url: str
    version_of: str = ""
    mark: str = ""
    record: str = ""
    doi: str = ""
    page: str = ""
    files: dict = field(default_factory=dict)
    publishing: bool = False
    published: bool = False

    @classmethod
    def read(cls, path: Path) -> "State | None":
        """Return what was noted, or None where nothing was."""
        try:
            noted = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            noted = {}
        form = noted.pop("format", None) if isinstance(noted, dict) else None
        expected = {one.name: one.type for one in fields(cls)}
        if form != FORMAT or any(
            type(noted.get(name)) is not kind for name, kind in expected.items()
        ):
            raise InputError(
                f"{path} is damaged or of another version of bioagree; put back what it was, or "
                "remove it to begin a new draft"
            )
        return cls(**{name: noted[name] for name in expected})

    def write(self, path: Path) -> None:
        """Note it, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".partial-{path.name}")
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"format": FORMAT} | asdict(self), file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
