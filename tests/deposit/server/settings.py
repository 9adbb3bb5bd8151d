"""How the InvenioRDM of the tests is set up: everything on loopback, below one folder."""

import os
from pathlib import Path

from invenio_rdm_records.services.pids import providers

INSTANCE = Path(os.environ["INVENIO_INSTANCE_PATH"])
TOKENS = INSTANCE / "tokens.json"
PORT, SEARCH_PORT, REDIS_PORT = (
    int(os.environ[f"BIOAGREE_INVENIO_{name}"]) for name in ("PORT", "SEARCH_PORT", "REDIS_PORT")
)
PREFIX = "10.5072"  # DataCite's for tests; Zenodo's sandbox has it too
ADDRESS = f"http://127.0.0.1:{PORT}"
REDIS = f"redis://127.0.0.1:{REDIS_PORT}"
MIB = 2**20
# By user: all files of a record, and one file. The second user's limits are easily met.
QUOTAS = {"steward": (200 * MIB, 100 * MIB), "pauper": (3000, 2000)}


class UnregisteredDataCite(providers.DataCiteClient):
    """Makes DOIs as DataCite's client does, and registers them nowhere."""

    class Nothing:
        """Accepts whatever is asked of DataCite."""

        def __getattr__(self, name):
            return lambda *positional, **named: None

    @property
    def api(self):
        """What would talk to DataCite."""
        return self.Nothing()


def _datacite(label):
    client = UnregisteredDataCite("datacite", config_prefix="DATACITE")
    return providers.DataCitePIDProvider("datacite", client=client, label=label)


def _crossref():
    client = providers.CrossrefClient("crossref", config_prefix="CROSSREF")
    return providers.CrossrefPIDProvider("crossref", client=client, label="DOI")


def _external():
    check = providers.BlockedPrefixes(config_names=["DATACITE_PREFIX"])
    return providers.ExternalPIDProvider("external", "doi", validators=[check], label="DOI")


CONFIG = {
    "SECRET_KEY": "of the tests: tokens are stored with it, by one process for another",
    "TESTING": True,
    "SQLALCHEMY_DATABASE_URI": f"sqlite:///{INSTANCE}/records.db",
    "SQLALCHEMY_ENGINE_OPTIONS": {},
    "SEARCH_HOSTS": [{"host": "127.0.0.1", "port": SEARCH_PORT}],
    "SEARCH_CLIENT_CONFIG": {},
    "BROKER_URL": "memory://",
    "CELERY_BROKER_URL": "memory://",
    "CELERY_RESULT_BACKEND": "cache",
    "CELERY_CACHE_BACKEND": "memory",
    "CELERY_TASK_ALWAYS_EAGER": True,
    "CELERY_TASK_EAGER_PROPAGATES": True,
    "CACHE_TYPE": "SimpleCache",
    "CACHE_REDIS_URL": f"{REDIS}/0",
    "ACCOUNTS_SESSION_REDIS_URL": f"{REDIS}/1",
    "COMMUNITIES_IDENTITIES_CACHE_REDIS_URL": f"{REDIS}/2",
    "ACCOUNTS_SESSION_ACTIVITY_ENABLED": False,
    "RATELIMIT_ENABLED": False,
    "RATELIMIT_STORAGE_URI": "memory://",
    "APP_DEFAULT_SECURE_HEADERS": {
        "force_https": False,
        "content_security_policy": {"default-src": ["'self'"]},
    },
    "SITE_HOSTNAME": "127.0.0.1",
    "SITE_UI_URL": ADDRESS,
    "SITE_API_URL": f"{ADDRESS}/api",
    "THEME_FRONTPAGE": False,
    "MAIL_SUPPRESS_SEND": True,
    "FILES_REST_DEFAULT_STORAGE_CLASS": "L",
    "DATACITE_ENABLED": True,
    "DATACITE_USERNAME": "nobody",
    "DATACITE_PASSWORD": "nothing",
    "DATACITE_PREFIX": PREFIX,
    "DATACITE_TEST_MODE": True,
    "RDM_RECORDS_MAX_FILES_COUNT": 100,
    "RDM_PERSISTENT_IDENTIFIER_PROVIDERS": [
        _datacite("DOI"),
        _crossref(),
        _external(),
        providers.OAIPIDProvider("oai", label="OAI ID"),
    ],
    "RDM_PARENT_PERSISTENT_IDENTIFIER_PROVIDERS": [_datacite("Concept DOI"), _crossref()],
}
