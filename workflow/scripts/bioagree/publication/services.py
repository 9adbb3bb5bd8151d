"""Where records are archived, and the secrets that open the doors there."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bioagree.errors import InputError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
PREFIX = re.compile(r"10\.\d{4,9}")


@dataclass(frozen=True)
class Service:
    """An InvenioRDM.

    Parameters
    ----------
    name : str
        As the config has it, or the host of an own one.
    url : str
        Scheme and host, without a path.
    prefix : str
        Of the DOIs that it reserves.
    variable : str
        The environment variable that holds its token.
    publisher : str
        As records name it.
    max_files, max_bytes : int, optional
        Limits of a record, where known before anything is sent.
    """

    name: str
    url: str
    prefix: str
    variable: str
    publisher: str
    max_files: int | None = None
    max_bytes: int | None = None

    @property
    def loopback(self) -> bool:
        """Whether it runs on this machine."""
        return urlsplit(self.url).hostname in LOOPBACK


# https://help.zenodo.org/docs/deposit/manage-files/: 100 files and 50 GB for each record.
ZENODO = {"publisher": "Zenodo", "max_files": 100, "max_bytes": 50 * 10**9}
SANDBOX = Service(
    "sandbox", "https://sandbox.zenodo.org", "10.5072", "ZENODO_SANDBOX_TOKEN", **ZENODO
)
PRODUCTION = Service("production", "https://zenodo.org", "10.5281", "ZENODO_TOKEN", **ZENODO)
NAMED = {service.name: service for service in (SANDBOX, PRODUCTION)}


def service_of(setting: str | Mapping) -> Service:
    """Return the service that the config's `archive: service` asks for.

    Raises
    ------
    InputError
        When it is no known name, or an address that a token must not be sent to.
    """
    if isinstance(setting, str):
        if setting in NAMED:
            return NAMED[setting]
        raise InputError(
            f"archive: service: {setting!r} is unknown; allowed are sandbox, production, and the "
            "url and prefix of another InvenioRDM"
        )
    address, prefix = str(setting.get("url", "")), str(setting.get("prefix", ""))
    try:
        parts = urlsplit(address)
        plain = (parts.username, parts.path.strip("/"), parts.query, parts.fragment, parts.port)
    except ValueError:
        parts, plain = urlsplit(""), ()
    if not parts.hostname or parts.scheme not in ("http", "https") or any(plain[:4]):
        raise InputError(
            "archive: service: url must be the address of a server and nothing else, such as "
            "https://data.example.org"
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise InputError(
            f"archive: service: url: {parts.hostname} must be addressed with https, since a token "
            "is sent to it"
        )
    if parts.hostname.endswith("zenodo.org"):
        raise InputError(
            "archive: service: url: say sandbox or production instead of Zenodo's address, so "
            "that they cannot be mixed up"
        )
    if not PREFIX.fullmatch(prefix):
        raise InputError(
            f"archive: service: prefix: {prefix!r} is no prefix of DOIs; it looks like 10.5072"
        )
    url = f"{parts.scheme}://{parts.netloc}"
    return Service(parts.hostname, url, prefix, "INVENIO_TOKEN", parts.hostname)


class Token:
    """A secret that shows itself only to who asks for it by name."""

    def __init__(self, text: str):
        self._text = text

    def __repr__(self) -> str:
        return "Token(…)"

    def __reduce__(self):
        raise TypeError("a token is not written anywhere")

    def reveal(self) -> str:
        """Return the secret."""
        return self._text

    def removed_from(self, text: str) -> str:
        """Return a text without the secret."""
        return text.replace(self._text, "…")


def token_of(service: Service, environment: Mapping[str, str] = os.environ) -> Token:
    """Return the token of a service from the environment.

    Raises
    ------
    InputError
        When there is none, or it cannot be one; its text is not repeated.
    """
    text = environment.get(service.variable, "").strip()
    where = f"{service.url}/account/settings/applications/"
    if not text:
        others = {one.variable for one in NAMED.values()} | {"INVENIO_TOKEN"}
        found = sorted(name for name in others - {service.variable} if environment.get(name))
        aside = f"; {' and '.join(found)} is for another service" if found else ""
        raise InputError(
            f"the environment variable {service.variable} with a token of {service.name} is not "
            f"set{aside}; make a token at {where}"
        )
    if not re.fullmatch(r"[!-~]{8,}", text):
        raise InputError(
            f"the environment variable {service.variable} holds no token: a token has at least 8 "
            f"letters and digits and no spaces; make one at {where}"
        )
    return Token(text)
