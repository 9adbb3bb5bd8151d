"""All descriptions of a package, by their names at its root."""

import json
from collections.abc import Mapping

from bioagree.publication import citation, codemeta, datapackage, fair, plan, readme, rembi
from bioagree.publication.contents import (
    CITATION,
    CODEMETA,
    CRATE,
    DATAPACKAGE,
    FAIR,
    PLAN,
    PLAN_PAGE,
    README,
    REMBI,
    REUSE,
    Package,
)
from bioagree.publication.crate import crate
from bioagree.publication.reuse import reuse_toml


def describe(
    package: Package,
    schemas: Mapping[str, dict],
    scripts: Mapping[str, str],
    purposes: Mapping[str, str],
) -> dict[str, bytes]:
    """Return every description but the manifest.

    Parameters
    ----------
    package : Package
        What there is to describe.
    schemas : mapping
        Of its tables, as :func:`bioagree.publication.schemas.schemas_of` returns them.
    scripts, purposes : mapping
        The script of each rule, by its path in the package, and what the rule is for.
    """
    described = {
        DATAPACKAGE: datapackage.describe(package, schemas),
        CRATE: crate(package, scripts, purposes),
    }
    found = {
        **{
            name: json.dumps(one, indent=1, ensure_ascii=False) + "\n"
            for name, one in described.items()
        },
        CITATION: citation.text(package),
        CODEMETA: codemeta.text(package),
        PLAN: plan.text(package),
        PLAN_PAGE: plan.page(package),
        README: readme.text(package),
        REMBI: rembi.text(package),
        REUSE: reuse_toml(package),
    }
    found[FAIR] = fair.text(package, {name: described[name] for name in described})
    return {name: found[name].encode() for name in sorted(found)}
