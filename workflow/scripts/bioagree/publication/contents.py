"""What a package holds: its files, who made it, with what; the source of all its descriptions.

Every description of a package (datapackage.json, the crate, the plan, …) is a function of one
:class:`Package` and nothing else: no clock, no network, no other file. So they agree, and the same
results give the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

FORMAT = 1  # of the package's layout; another one is refused by the check

# Files at the root that describe the others. They name each other without hashes, since each
# would change the others'; the manifest has the hashes of all but itself.
DATAPACKAGE = "datapackage.json"
CRATE = "ro-crate-metadata.json"
PLAN = "dmp.json"
PLAN_PAGE = "dmp.html"
CITATION = "CITATION.cff"
CODEMETA = "codemeta.json"
REMBI = "rembi.json"
FAIR = "fair_score.json"
README = "README.md"
REUSE = "REUSE.toml"
MANIFEST = "manifest-sha256.txt"
DESCRIPTORS = (
    CITATION,
    DATAPACKAGE,
    PLAN_PAGE,
    PLAN,
    FAIR,
    MANIFEST,
    README,
    REMBI,
    REUSE,
    CODEMETA,
    CRATE,
)


@dataclass(frozen=True)
class File:
    """One file of the payload.

    Parameters
    ----------
    path : str
        In the package, with slashes.
    role : str
        ``table`` (CSV with a schema), ``parquet``, ``labels``, ``truth``, ``images``, ``surface``,
        ``figure``, ``report``, ``model``, ``description`` (JSON beside tables), ``record`` (what
        a job left), ``recording`` (what a run is compared with), ``workflow`` or ``licence``.
    media_type : str
        IANA media type.
    size : int
        Bytes.
    sha256 : str
        64 hexadecimal digits.
    licence : str
        SPDX licence expression.
    copyright : tuple of str
        Copyright notices that must be kept.
    datasets : tuple of str
        Names of the datasets that it derives from; empty for what derives from none.
    description : str
        One sentence: what it holds.
    product : str, optional
        The path under which jobs' records name it or, of a CSV table, the Parquet table that it was
        exported from.
    """

    path: str
    role: str
    media_type: str
    size: int
    sha256: str
    licence: str
    copyright: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    description: str = ""
    product: str | None = None


@dataclass(frozen=True)
class Agent:
    """A person (`family`, `given`) or an organisation (`name` only).

    Parameters
    ----------
    name : str
        Of an organisation; of a person "Family, Given".
    family, given : str
        Of a person.
    orcid : str
        Four groups of four digits, checked; no address.
    affiliation, ror, email : str
        Where known; ror without address (`03yrm5c26`).
    """

    name: str
    family: str = ""
    given: str = ""
    orcid: str = ""
    affiliation: str = ""
    ror: str = ""
    email: str = ""


@dataclass(frozen=True)
class Publication:
    """What the config says of the package as a publication, all defaults filled in.

    Parameters
    ----------
    title, description, version : str
        Version by semantic versioning.
    date : str
        ISO day of publication.
    doi : str
        Without address; empty while there is none.
    licence : str
        SPDX id asked for what the study adds (labels, tables, figures), where sources allow it.
    creators : tuple of Agent
        In the order of citation.
    contact : Agent
        With an email address.
    keywords : tuple of str
    related : tuple of dict
        `identifier` (DOI or URL) and `relation` (DataCite's relation types, such as
        ``IsSupplementTo``).
    funding : tuple of dict
        `funder`, and where known `ror`, `award`, `title`.
    language : str
        ISO 639-3.
    plan : mapping
        What the data management plan needs beyond the run: the config's `publication: plan`.
    """

    title: str
    description: str
    version: str
    date: str
    doi: str
    licence: str
    creators: tuple[Agent, ...]
    contact: Agent
    keywords: tuple[str, ...] = ()
    related: tuple[Mapping, ...] = ()
    funding: tuple[Mapping, ...] = ()
    language: str = "eng"
    plan: Mapping = field(default_factory=dict)


@dataclass(frozen=True)
class Software:
    """The workflow that made the results.

    Parameters
    ----------
    version : str
        Of bioagree.
    repository : str
        Address of its source code; empty when unknown.
    commit : str
        40 hexadecimal digits; empty outside a repository.
    changed : tuple of str
        Files that differ from the commit; empty for a clean tree.
    """

    version: str
    repository: str
    commit: str
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Package:
    """Everything that descriptions are written from.

    Parameters
    ----------
    publication, software : Publication, Software
    licence : str
        SPDX expression of the package as a collection, computed from its files.
    config : mapping
        The merged config of the study.
    samples, datasets, methods, questions : mapping
        Of the study, as the sheets and config have them; only those that it uses.
    files : tuple of File
        The payload, by path.
    records : mapping
        Records of all jobs by their path in the package (`provenance/{rule}/{job}.json`). Products
        are named in them below `results`.
    results : str
        The folder of the results, as the records name it.
    started, ended : str
        ISO time of the first job's start and the last one's end, from the records.
    """

    publication: Publication
    software: Software
    licence: str
    config: Mapping
    samples: Mapping[str, Mapping]
    datasets: Mapping[str, Mapping]
    methods: Mapping[str, Mapping]
    questions: Mapping[str, Mapping]
    files: tuple[File, ...]
    records: Mapping[str, Mapping]
    results: str
    started: str
    ended: str
