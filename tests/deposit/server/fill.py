"""Makes the database of the InvenioRDM of the tests: tables, vocabularies, users, their tokens."""

import csv
import json
from datetime import UTC, datetime
from importlib.resources import files

import yaml
from flask_security.utils import hash_password
from invenio_access.permissions import system_identity
from invenio_accounts.proxies import current_datastore
from invenio_app.factory import create_api
from invenio_db import db
from invenio_files_rest.models import Location
from invenio_oauth2server.models import Token
from invenio_rdm_records.records.models import RDMUserQuota
from invenio_vocabularies.proxies import current_service as vocabularies
from settings import CONFIG, INSTANCE, QUOTAS, TOKENS

SHIPPED = files("invenio_rdm_records") / "fixtures" / "data" / "vocabularies"
# Type, its prefix for identifiers, and what is wanted of the vocabulary that InvenioRDM ships; all
# of it where nothing is said.
VOCABULARIES = {
    "licenses": ("lic", None),
    "resourcetypes": ("rsrct", ["dataset", "software", "publication-article"]),
    "languages": ("lng", ["eng", "deu", "fra", "spa"]),
    "relationtypes": ("rlt", None),
    "descriptiontypes": ("dty", None),
    "titletypes": ("ttyp", None),
    "datetypes": ("dat", None),
    "creatorsroles": ("crr", None),
    "contributorsroles": ("cor", None),
}
FILES = {"creatorsroles": "roles", "contributorsroles": "roles"} | {
    name: f"{name.removesuffix('types')}_types"
    for name in ("resourcetypes", "relationtypes", "descriptiontypes", "titletypes", "datetypes")
}


def licences():
    """Yield the licences that InvenioRDM ships, which are those of Zenodo."""
    with (SHIPPED / "licenses.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {
                "id": row["id"],
                "title": {"en": row["title__en"]},
                "tags": row["tags"].split(","),
                "props": {
                    key.removeprefix("props__"): text
                    for key, text in row.items()
                    if key.startswith("props__")
                },
            }


def entries(name):
    """Yield the entries of one vocabulary."""
    if name == "licenses":
        yield from licences()
    else:
        path = SHIPPED / f"{FILES.get(name, name)}.yaml"
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        yield from yaml.load(path.read_bytes(), loader)


def fill_vocabularies():
    """Store the vocabularies that records refer to."""
    for name, (prefix, wanted) in VOCABULARIES.items():
        vocabularies.create_type(system_identity, name, prefix)
        for entry in entries(name):
            if wanted is None or entry["id"] in wanted:
                vocabularies.create(system_identity, entry | {"type": name})


def add_user(name, quota_size, max_file_size):
    """Add a user, and return a token of theirs."""
    user = current_datastore.create_user(
        email=f"{name}@example.org", password=hash_password("not used"), active=True
    )
    current_datastore.commit()
    user.confirmed_at = datetime.now(UTC).replace(tzinfo=None)
    db.session.add(
        RDMUserQuota(user_id=user.id, quota_size=quota_size, max_file_size=max_file_size)
    )
    token = Token.create_personal(name, user.id, scopes=["user:email"], is_internal=False)
    db.session.commit()
    return token.access_token


with create_api(**CONFIG).app_context():
    db.create_all()
    (INSTANCE / "data").mkdir(exist_ok=True)
    db.session.add(Location(name="default", uri=str(INSTANCE / "data"), default=True))
    db.session.commit()
    fill_vocabularies()
    TOKENS.touch(mode=0o600)
    TOKENS.write_text(json.dumps({name: add_user(name, *of) for name, of in QUOTAS.items()}))
