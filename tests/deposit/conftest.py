"""A real InvenioRDM, a proxy before it, and a small package to put there."""

import json
import os
from pathlib import Path
from urllib.request import urlopen

import pytest
from desk import Desk
from proxy import Proxy

ADDRESS = "http://127.0.0.1:15600"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
TOKENS = CACHE / "bioagree-invenio" / "instance" / "tokens.json"


@pytest.fixture(scope="session")
def tokens() -> dict:
    """Tokens of the users of a running InvenioRDM."""
    try:
        with urlopen(f"{ADDRESS}/api/vocabularies/licenses/cc-by-4.0", timeout=60):
            return json.loads(TOKENS.read_text())
    except OSError:
        reason = "InvenioRDM is not up; tests/deposit/invenio.sh starts it"
        (pytest.fail if os.environ.get("REQUIRE_HEAVY") else pytest.skip)(reason)


@pytest.fixture
def proxy(tokens):
    """A proxy before InvenioRDM."""
    with Proxy(ADDRESS) as running:
        yield running


@pytest.fixture
def desk(tmp_path, proxy, tokens) -> Desk:
    return Desk(tmp_path, proxy, tokens["steward"])
