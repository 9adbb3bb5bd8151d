"""What a study says of itself as a publication: read from its config, checked, defaults filled in.

Snakemake plans with this, so it imports nothing heavy.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from bioagree.errors import InputError
from bioagree.publication import licences, people
from bioagree.publication.contents import Agent, Package, Publication
from bioagree.study import Study

DEVELOPERS = Agent("The bioagree developers")
SPDX = "https://spdx.org/licenses/"
DOI = "https://doi.org/"
LICENCE = "CC-BY-4.0"
VERSION = "1.0.0"
SHORTEST = 25  # characters of a title and of a description, by REMBI's own schema
# RFC 2606 keeps these for examples; nobody can be reached there.
EXAMPLES = re.compile(r"@(.+\.)?example\.(com|net|org)$|\.(example|invalid|localhost|test)$")
SEMANTIC_VERSION = re.compile(
    r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z.-]+)?"
)
# relationType of the DataCite Metadata Schema 4.6.
RELATIONS = (
    "Cites",
    "Collects",
    "Compiles",
    "Continues",
    "Describes",
    "Documents",
    "HasMetadata",
    "HasPart",
    "HasTranslation",
    "HasVersion",
    "IsCitedBy",
    "IsCollectedBy",
    "IsCompiledBy",
    "IsContinuedBy",
    "IsDerivedFrom",
    "IsDescribedBy",
    "IsDocumentedBy",
    "IsIdenticalTo",
    "IsMetadataFor",
    "IsNewVersionOf",
    "IsObsoletedBy",
    "IsOriginalFormOf",
    "IsPartOf",
    "IsPreviousVersionOf",
    "IsPublishedIn",
    "IsReferencedBy",
    "IsRequiredBy",
    "IsReviewedBy",
    "IsSourceOf",
    "IsSupplementTo",
    "IsSupplementedBy",
    "IsTranslationOf",
    "IsVariantFormOf",
    "IsVersionOf",
    "Obsoletes",
    "References",
    "Requires",
    "Reviews",
)


def read(study: Study) -> Publication:
    """Return what a study says of itself as a publication.

    Without a date in the config it has none: that is the day when the last job ended, which only
    the records say.

    Raises
    ------
    InputError
        One sentence: the key, what is wrong with it, and what is allowed.
    """
    where = "config: publication"
    said = study.config.get("publication")
    if said is None:
        raise InputError(
            f"{where} is missing, so nobody knows who made the package; name at least creators and "
            "contact (config/README.md)"
        )
    if not said.get("creators"):
        raise InputError(f"{where}.creators is missing: who made this, in the order of citation")
    creators = tuple(
        people.read(entry, f"{where}.creators[{number}]")
        for number, entry in enumerate(said["creators"])
    )
    contact = _contact(said, creators, where)
    if _is_public(study.config.get("archive", {})) and EXAMPLES.search(contact.email):
        raise InputError(
            f"{where}.contact.email is {contact.email}, an example that reaches nobody; give an "
            "address that does before you archive"
        )
    return Publication(
        _long(said.get("title") or _titled(study), f"{where}.title"),
        _long(said.get("description", _describe(study)), f"{where}.description"),
        _version(said.get("version", VERSION), f"{where}.version"),
        _day(said["date"], f"{where}.date") if "date" in said else "",
        doi(said["doi"], f"{where}.doi") if "doi" in said else "",
        _licence(said.get("licence", LICENCE), f"{where}.licence"),
        creators,
        contact,
        tuple(said.get("keywords", ())),
        tuple(
            _related(entry, f"{where}.related[{number}]")
            for number, entry in enumerate(said.get("related", ()))
        ),
        tuple(
            _funding(entry, f"{where}.funding[{number}]")
            for number, entry in enumerate(said.get("funding", ()))
        ),
        _language(said.get("language", "eng"), f"{where}.language"),
        _plan(said.get("plan", {}), f"{where}.plan"),
    )


def doi(text: str, where: str) -> str:
    """Return a DOI without its address.

    Raises
    ------
    InputError
        When it has another form (https://www.crossref.org/blog/dois-and-matching-regular-expressions).
    """
    bare = re.sub(r"^(https?://(dx\.)?doi\.org/|doi:)", "", str(text).strip(), flags=re.IGNORECASE)
    if not re.fullmatch(r"10\.\d{4,9}/[-._;()/:A-Za-z0-9]+", bare):
        raise InputError(f"{where}: {text!r} is no DOI; one looks like 10.5281/zenodo.1234567")
    return bare


def contributor(entry: Mapping, where: str = "contributor") -> Agent:
    """Return who an entry of the plan's contributors is, without the roles, checked."""
    return people.read({key: value for key, value in entry.items() if key != "roles"}, where)


def is_generated(dataset: Mapping) -> bool:
    """Say whether a dataset was generated, so that it shows nothing that lives."""
    urls = [file["url"] for file in dataset.get("files", ())]
    return bool(urls) and all(url.startswith("phantom:") for url in urls)


def facts(package: Package) -> dict:
    """Return what every description must say alike of a package as a whole."""
    said = package.publication
    found = {
        "title": said.title,
        "version": said.version,
        "date": said.date,
        "doi": said.doi,
        "licence": package.licence,
        "creators": [agent.name for agent in said.creators],
    }
    return {key: value for key, value in found.items() if value}


def _contact(said: Mapping, creators: Sequence[Agent], where: str) -> Agent:
    """Return the contact: the one named, else the first creator with an address."""
    if "contact" in said:
        contact = people.read(said["contact"], f"{where}.contact")
        same = next((one for one in creators if one.name == contact.name), None)
        if same:
            contact = replace(same, email=contact.email or same.email)
    else:
        contact = next((one for one in creators if one.email), None)
    if contact is None or not contact.email:
        raise InputError(
            f"{where}.contact is missing: whom to ask, with an email address that is published"
        )
    return contact


def _is_public(archive: Mapping) -> bool:
    return archive.get("service") == "production"


def _titled(study: Study) -> str:
    """Return a title for a study that gives none for its package: its own, if that says enough."""
    title = study.config["title"]
    more = "label images, measurements and comparisons"
    return title if len(title) >= SHORTEST else f"{title}: {more}"


def _describe(study: Study) -> str:
    """Return a description of a study that gives none."""
    titles = dict.fromkeys(study.datasets[name]["title"] for name in study.used)
    samples = f"{len(study.samples)} sample{'s' * (len(study.samples) > 1)}"
    methods = f", segmented with {', '.join(study.methods)}" if study.methods else ""
    questions = " ".join(question["ask"] for question in study.questions.values())
    return (
        f"Label images, measurements, comparisons and their provenance: {samples} "
        f"of {'; '.join(titles)}{methods}. {questions}"
    ).strip()


def _long(text: str, where: str) -> str:
    clean = " ".join(text.split())
    if len(clean) < SHORTEST:
        raise InputError(
            f"{where}: {clean!r} has {len(clean)} characters; REMBI asks for {SHORTEST} or more, "
            "that others find it: say what was imaged and what was asked"
        )
    return clean


def _licence(text: str, where: str) -> str:
    licences.check_wanted(text, where)
    return text


def _version(text: str, where: str) -> str:
    if not SEMANTIC_VERSION.fullmatch(str(text)):
        raise InputError(f"{where}: {text!r} is no semantic version, such as 1.0.0 (semver.org)")
    return str(text)


def _day(text: str, where: str) -> str:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", str(text)):
            return date.fromisoformat(str(text)).isoformat()
    except ValueError:
        pass
    raise InputError(f"{where}: {text!r} is no day of the calendar, such as '2026-11-22'")


def _related(entry: Mapping, where: str) -> dict[str, str]:
    identifier, relation = entry["identifier"], entry["relation"]
    if not re.match(r"https?://(?!(dx\.)?doi\.org/)", identifier):
        identifier = doi(identifier, f"{where}.identifier (a DOI, or an address with https://)")
    if relation not in RELATIONS:
        raise InputError(
            f"{where}.relation: {relation!r} is no relation of DataCite; allowed are "
            f"{', '.join(RELATIONS)}"
        )
    return {"identifier": identifier, "relation": relation}


def _funding(entry: Mapping, where: str) -> dict[str, str]:
    found = dict(entry)
    if "ror" in entry:
        found["ror"] = people.ror(entry["ror"], f"{where}.ror")
    return found


def _language(text: str, where: str) -> str:
    if not re.fullmatch(r"[a-z]{3}", text):
        raise InputError(f"{where}: {text!r} is no ISO 639-3 code: three letters, such as eng")
    return text


def _plan(said: Mapping, where: str) -> dict:
    """Return the plan's answers, with yes and no as words: YAML reads them as true and false."""
    found = dict(said)
    for key in ("personal_data", "sensitive_data", "ethical_issues"):
        if isinstance(found.get(key), bool):
            found[key] = "yes" if found[key] else "no"
    if found.get("ethical_issues") == "yes" and "ethics" not in found:
        raise InputError(f"{where}.ethics is missing: say which ethical issues there are")
    if found.get("personal_data") == "yes" and "privacy" not in found:
        raise InputError(
            f"{where}.privacy is missing: say on what ground personal data are published, and how "
            "the people are protected"
        )
    for number, one in enumerate(said.get("contributors", ())):
        contributor(one, f"{where}.contributors[{number}]")
    return found
