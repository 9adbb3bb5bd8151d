"""The files of a draft: sent once, compared, and those that are not wanted taken away."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from bioagree.errors import InputError
from bioagree.publication.invenio import TRIES, Client, Refused, Uncertain, path_of, until_known


class Shipment:
    """Files on their way to a draft.

    Parameters
    ----------
    client : Client
    path : str
        Of the draft, below /api.
    tell, progress : callable
        As in :class:`bioagree.publication.deposit.Deposit`.
    """

    def __init__(self, client: Client, path: str, tell: Callable, progress: Callable):
        self._client, self._path = client, path
        self._tell, self._progress = tell, progress
        self._sums: dict[tuple[Path, str], str] = {}  # so that a large file is read once

    def check_limits(self, files: Mapping[str, Path]) -> None:
        """Refuse what is known to be too much, before anything is sent."""
        total, limits = sum(path.stat().st_size for path in files.values()), self._client.service
        if limits.max_files and len(files) > limits.max_files:
            raise InputError(
                f"{len(files)} files are too many for {limits.name}, which takes "
                f"{limits.max_files} in a record; nothing was sent"
            )
        if limits.max_bytes and total > limits.max_bytes:
            raise InputError(
                f"the files have {total:,} bytes, but {limits.name} takes {limits.max_bytes:,} in "
                "a record; nothing was sent"
            )

    def there(self) -> dict[str, dict]:
        """Return what the service has of each file, by name."""
        entries = self._client.get(f"{self._path}/files").get("entries", [])
        return {entry["key"]: entry for entry in entries}

    def send(self, files: Mapping[str, Path], earlier: str) -> dict[str, dict]:
        """Make the draft have these files and no others; what it has already is not sent.

        Parameters
        ----------
        files : mapping
            By name there.
        earlier : str
            The record whose files can be taken over, or empty.

        Returns
        -------
        dict
            Checksum and size of each, as the service states them.
        """
        there = self.there()
        if earlier and not there and self._share(files, earlier):
            there = self.there()
        for name in there.keys() - files.keys():
            self._remove(name)
        return {name: self._send_one(name, path, there.get(name)) for name, path in files.items()}

    def wrong(self, files: Mapping[str, Path]) -> list[str]:
        """Say what the draft has too much, or not as it was sent."""
        there = self.there()
        wrong = [f"{name} is there, too" for name in sorted(there.keys() - files.keys())]
        for name, path in files.items():
            entry = there.get(name, {})
            if entry.get("status") != "completed" or not self._equal(path, entry):
                wrong.append(f"{name} is not there as it was sent")
        return wrong

    def _share(self, files: Mapping[str, Path], earlier: str) -> bool:
        """Take over the files of the earlier version, if any is wanted again."""
        listed = self._client.get(f"{path_of('records', earlier)}/files")
        theirs = {entry["key"]: entry for entry in listed.get("entries", [])}
        if not any(self._equal(path, theirs.get(name)) for name, path in files.items()):
            return False

        def take():
            self._client.send("POST", f"{self._path}/actions/files-import")
            return True

        return until_known(self._client, self._tell, lambda: bool(self.there()) or None, take)

    def _send_one(self, name: str, path: Path, entry: dict | None) -> dict:
        for attempt in range(TRIES):
            if self._complete(name, path, entry):
                return _facts(entry)
            try:
                if entry:
                    self._remove(name)
                entry = self._transfer(name, path)
                if entry and not self._equal(path, entry):
                    self._tell(f"{name} arrived damaged; it is sent again")
            except Uncertain as error:
                if attempt == TRIES - 1:
                    raise
                self._tell(f"{error}; looking what arrived")
                self._client.wait(attempt)
                entry = self.there().get(name)
        if not self._complete(name, path, entry):
            raise InputError(
                f"{name} arrived damaged {TRIES} times: {self._client.service.name} states "
                f"{entry.get('checksum')} and {entry.get('size')} bytes, which is not what was "
                "sent; try another network"
            )
        return _facts(entry)

    def _complete(self, name: str, path: Path, entry: dict | None) -> bool:
        """Say whether a file is there as it should be; finish what only lacks its end."""
        if not entry:
            return False
        if entry.get("status") != "completed":
            try:
                entry |= self._client.send("POST", f"{self._file(name)}/commit")
            except Refused:
                return False
        return self._equal(path, entry)

    def _transfer(self, name: str, path: Path) -> dict:
        self._client.send("POST", f"{self._path}/files", [{"key": name}])
        with self._progress(name, path.stat().st_size) as show:
            sent = self._client.upload(f"{self._file(name)}/content", path, show)
            self._sums[path, "md5"] = sent
        return self._client.send("POST", f"{self._file(name)}/commit")

    def _remove(self, name: str) -> None:
        try:
            self._client.send("DELETE", self._file(name))
        except Refused as error:
            if error.status != 404:  # gone at the first of two attempts
                raise

    def _file(self, name: str) -> str:
        return f"{self._path}/files{path_of(name)}"

    def _equal(self, path: Path, entry: Mapping | None) -> bool:
        """Say whether a file is what the service states: its size, and its checksum."""
        if not entry or entry.get("size") != path.stat().st_size:
            return False
        algorithm, _, stated = str(entry.get("checksum", "")).partition(":")
        if algorithm not in hashlib.algorithms_available:
            return False
        if (path, algorithm) not in self._sums:
            with open(path, "rb") as file:
                self._sums[path, algorithm] = hashlib.file_digest(file, algorithm).hexdigest()
        return self._sums[path, algorithm] == stated


def _facts(entry: Mapping) -> dict:
    return {"checksum": entry["checksum"], "size": entry["size"]}
