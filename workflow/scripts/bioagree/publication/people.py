"""People and organisations: their identifiers checked, their names as each standard has them."""

import re
from collections.abc import Mapping

from bioagree.errors import InputError
from bioagree.publication.contents import Agent

ORCID = "https://orcid.org/"
ROR = "https://ror.org/"
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"  # base 32, as ROR counts


def orcid(text: str, where: str) -> str:
    """Return an ORCID iD as four groups of four digits, with or without its address.

    The last digit is a checksum by ISO 7064, mod 11-2 (https://support.orcid.org/hc/en-us/articles/
    360006897674-Structure-of-the-ORCID-Identifier).

    Raises
    ------
    InputError
        When it has another form, or the checksum does not hold.
    """
    bare = re.sub(r"^https?://(www\.)?orcid\.org/", "", str(text).strip())
    if not re.fullmatch(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", bare):
        raise InputError(
            f"{where}: {text!r} is no ORCID iD; it has four groups of four digits, such as "
            "0000-0002-1825-0097"
        )
    digits = bare.replace("-", "")
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    last = "0123456789X"[(12 - total % 11) % 11]
    if digits[-1] != last:
        raise InputError(
            f"{where}: the checksum of the ORCID iD {bare} does not hold, so a digit is wrong; "
            "copy it from orcid.org again"
        )
    return bare


def ror(text: str, where: str) -> str:
    """Return a ROR iD without its address.

    The last two digits are a checksum by ISO/IEC 7064, mod 97-10, over the others as a number of
    base 32 (https://ror.readme.io/docs/identifier).

    Raises
    ------
    InputError
        When it has another form, or the checksum does not hold.
    """
    bare = re.sub(r"^(https?://)?ror\.org/", "", str(text).strip()).lower()
    if not re.fullmatch(rf"0[{CROCKFORD}]{{6}}\d\d", bare):
        raise InputError(
            f"{where}: {text!r} is no ROR iD; it has nine characters, such as 05f82e368 "
            "(https://ror.org)"
        )
    number = 0
    for character in bare[:7]:
        number = number * 32 + CROCKFORD.index(character)
    if int(bare[7:]) != 98 - number * 100 % 97:
        raise InputError(
            f"{where}: the checksum of the ROR iD {bare} does not hold, so a character is wrong; "
            "copy it from ror.org again"
        )
    return bare


def email(text: str, where: str) -> str:
    """Return an email address that has the form of one.

    Raises
    ------
    InputError
        When it has not.
    """
    if not EMAIL.fullmatch(str(text)):
        raise InputError(f"{where}: {text!r} is no email address, such as name@example.org")
    return str(text)


def read(entry: Mapping, where: str) -> Agent:
    """Return a person or an organisation of the config, checked.

    Parameters
    ----------
    entry : mapping
        `family` and `given` of a person, or `name` of an organisation; optional `orcid`,
        `affiliation`, `ror` and `email`.
    where : str
        The place in the config, for messages.

    Raises
    ------
    InputError
        One sentence: what is wrong, and what is allowed.
    """
    person = "family" in entry or "given" in entry
    if person == ("name" in entry) or (person and not ("family" in entry and "given" in entry)):
        raise InputError(
            f"{where} needs either family and given (a person) or name (an organisation)"
        )
    if not person and "orcid" in entry:
        raise InputError(
            f"{where} has an ORCID iD, which only persons have; say family and given, not name"
        )
    name = f"{entry['family']}, {entry['given']}" if person else entry["name"]
    return Agent(
        name,
        entry.get("family", ""),
        entry.get("given", ""),
        orcid(entry["orcid"], f"{where}.orcid") if "orcid" in entry else "",
        entry.get("affiliation", ""),
        ror(entry["ror"], f"{where}.ror") if "ror" in entry else "",
        email(entry["email"], f"{where}.email") if "email" in entry else "",
    )


def of_dataset(creator: Mapping) -> Agent:
    """Return a creator of a dataset; "Family, Given" is a person, anything else an organisation."""
    family, comma, given = creator["name"].partition(", ")
    names = (family, given) if comma else ("", "")
    return Agent(creator["name"], *names, orcid=creator.get("orcid", ""))


def is_person(agent: Agent) -> bool:
    """Say whether it is a person."""
    return bool(agent.family)


def in_cff(agent: Agent) -> dict:
    """Return an agent as the Citation File Format has it."""
    known = {"email": agent.email, "affiliation": agent.affiliation}
    if is_person(agent):
        names = {"family-names": agent.family, "given-names": agent.given}
        known["orcid"] = ORCID + agent.orcid if agent.orcid else ""
    else:
        names = {"name": agent.name}
        known = {"email": agent.email, "website": ROR + agent.ror if agent.ror else ""}
    return names | {key: value for key, value in known.items() if value}


def in_schema_org(agent: Agent) -> dict:
    """Return an agent as schema.org has it."""
    if not is_person(agent):
        found = {"@type": "Organization", "name": agent.name}
        if agent.ror:
            found = {"@id": ROR + agent.ror, **found}
    else:
        found = {
            "@type": "Person",
            "name": agent.name,
            "familyName": agent.family,
            "givenName": agent.given,
        }
        if agent.orcid:
            found = {"@id": ORCID + agent.orcid, **found}
        if agent.affiliation:
            of = {"@id": ROR + agent.ror} if agent.ror else {}
            found["affiliation"] = {**of, "@type": "Organization", "name": agent.affiliation}
    if agent.email:
        found["email"] = agent.email
    return found
