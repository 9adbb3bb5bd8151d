"""Who derives from what, and under which licence: of a study before it runs, of files after it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

from bioagree.errors import InputError
from bioagree.publication import licences

CODE = "BSD-3-Clause"  # of the workflow, and of what it draws of itself
# Of records and of files that describe others: catalogues copy them without asking, as they do
# with what DataCite and Zenodo know of a deposit.
METADATA = "CC0-1.0"
UNCHANGED = ("fetch", "import_images")  # rules that copy data, or only bring them into one format
SINGLE = ("draw_examples", "draw_surfaces")  # rules of which each output is of one sample
REPORT = "report"
RECORDS = "provenance"  # folder of the results; records are metadata


@dataclass(frozen=True)
class Rights:
    """The rights in one file.

    Parameters
    ----------
    licence : str
        SPDX expression.
    copyright : tuple of str
        Notices of its sources, to be kept.
    datasets : tuple of str
        Names of the datasets that it derives from.
    because : tuple of str
        Datasets for which it has not the licence that was asked for.
    """

    licence: str
    copyright: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    because: tuple[str, ...] = ()


def check_study(
    datasets: Mapping[str, Mapping],
    used: Iterable[str],
    combinations: Iterable[tuple[str, Iterable[str]]],
    where: str,
) -> None:
    """Check before anything runs that jobs combine only what may be combined.

    Parameters
    ----------
    datasets : mapping
        Descriptions by name.
    used : iterable of str
        Those that samples come from; the others do not count.
    combinations : iterable of (str, iterable of str)
        What combines datasets, as messages call it, and which. Not asked for where all datasets
        go together.
    where : str
        The file that describes them.

    Raises
    ------
    InputError
        One sentence: the file, both datasets with their licences, what combines them, and why not.
    """
    named = {name: f"dataset {name!r}" for name in used}
    stated = {named[name]: datasets[name]["licence"] for name in named}
    try:
        for name in stated:
            licences.check({name: stated[name]}, "the segmentation or measurement of its samples")
        try:
            licences.check(stated, "the study")
        except InputError:
            for made, several in combinations:
                licences.check({named[one]: stated[named[one]] for one in several}, made)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def rights_of(
    records: Iterable[Mapping],
    datasets: Mapping[str, Mapping],
    wanted: str,
    results: str,
    where: str = "datasets",
) -> dict[str, Rights]:
    """Return the rights in every file that jobs left, followed from outputs to inputs.

    Parameters
    ----------
    records : iterable of mapping
        Records of all jobs.
    datasets : mapping
        Descriptions by name: `licence`, `creators`, and `copyright` where there are notices.
    wanted : str
        The licence asked for what the study adds, one of :data:`licences.WANTED`.
    results : str
        The folder of the results, as the records name it.
    where : str
        The file that describes the datasets, for messages.

    Returns
    -------
    dict
        By path, as the records have it.

    Raises
    ------
    InputError
        When a record is missing, licences conflict, or a notice that must be kept is not known.
    """
    origins, shown = _origins(list(records), results)
    settled: dict[frozenset[str], Rights] = {}

    def adapted(names: frozenset[str], path: str) -> Rights:
        if names not in settled:
            settled[names] = _adapted(names, datasets, wanted, path, where)
        return settled[names]

    found = {}
    for path, (names, rule) in origins.items():
        if not names:
            found[path] = Rights(CODE)
        elif rule in UNCHANGED:
            found[path] = _as_it_is(names, datasets, path, where)
        elif path not in shown:
            found[path] = adapted(names, path)
    for path, items in shown.items():
        if items:
            found[path] = together(found[item] for item in items)
    return found


def together(several: Iterable[Rights]) -> Rights:
    """Return the rights in a collection: each of its items keeps its own."""
    several = set(several)
    return Rights(
        licences.collection(one.licence for one in several),
        tuple(sorted({notice for one in several for notice in one.copyright})),
        tuple(sorted({name for one in several for name in one.datasets})),
        tuple(sorted({name for one in several for name in one.because})),
    )


def notices_of(dataset: Mapping) -> tuple[str, ...]:
    """Return the notices to keep of a dataset; where it has none, its creators are credited."""
    return tuple(
        dataset.get("copyright") or ["; ".join(one["name"] for one in dataset["creators"])]
    )


def _origins(
    records: list[Mapping], results: str
) -> tuple[dict[str, tuple[frozenset[str], str]], dict[str, list[str]]]:
    """Return of every output its datasets and rule, and of pages the outputs that they show."""
    maker = {path: number for number, one in enumerate(records) for path in one["outputs"]}
    graph = {
        number: {maker[path] for path in one["inputs"] if path in maker}
        for number, one in enumerate(records)
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError:
        raise InputError(
            "the records of the jobs go round in a circle; run the study again"
        ) from None
    origins: dict[str, tuple[frozenset[str], str]] = {}
    shown: dict[str, list[str]] = {}
    for number in order:
        record = records[number]
        rule = record["rule"]
        inputs = [path for path in record["inputs"] if path in origins]
        _check_complete(record, maker, results)
        own = _own_dataset(record)
        for path in record["outputs"]:
            read = inputs
            if rule in SINGLE:
                read = [one for one in inputs if _sample_of(one) == _sample_of(path)]
            if rule == REPORT:
                if path.endswith(".html"):
                    shown[path] = read
                else:  # the graph of the rules
                    read = []
            origins[path] = (own.union(*(origins[one][0] for one in read)), rule)
    return origins, shown


def _own_dataset(record: Mapping) -> frozenset[str]:
    """Return the dataset whose files a job fetched, or read where they lie."""
    if record["rule"] == "fetch":
        return frozenset([record["wildcards"]["dataset"]])
    row = record["parameters"].get("row")
    return frozenset([row["dataset"]] if row else [])


def _check_complete(record: Mapping, makers: Mapping[str, int], results: str) -> None:
    folder, kept = f"{results}/", f"{results}/{RECORDS}/"
    for path in record["inputs"]:
        if path not in makers and path.startswith(folder) and not path.startswith(kept):
            raise InputError(
                f"no record says how {path} was made, which the job {record['rule']} read, so its "
                "licence is not known; run the study again"
            )


def _sample_of(path: str) -> str:
    return PurePosixPath(path).name.partition(".")[0]


def _described(names: Iterable[str], datasets: Mapping[str, Mapping], path: str, where: str):
    """Return the descriptions of datasets by name, after a look at what a package needs of them."""
    for name in sorted(names):
        if name not in datasets:
            raise InputError(
                f"{path} derives from the dataset {name!r}, which {where} does not describe; "
                f"allowed are {', '.join(sorted(datasets)) or 'none'}"
            )
        if "licence" not in datasets[name]:
            raise InputError(
                f"{where}: dataset {name!r} lacks the key 'licence'; allowed are "
                f"{licences.ACCEPTED_IN_WORDS}"
            )
        place = f"{where}: dataset {name!r}"
        stated = licences.parse(datasets[name]["licence"], place)
        asking = licences.asks_for_copyright(" AND ".join(stated))
        if asking and not datasets[name].get("copyright"):
            raise InputError(
                f"{place} is under {asking[0]}, which asks that its copyright notice is kept; "
                "write the notice as the source has it under the key 'copyright', a list of lines"
            )
    return {name: datasets[name] for name in sorted(names)}


def _adapted(
    names: frozenset[str], datasets: Mapping[str, Mapping], wanted: str, path: str, where: str
) -> Rights:
    used = _described(names, datasets, path, where)
    stated = {f"dataset {name!r}": one["licence"] for name, one in used.items()}
    try:
        adaptation = licences.adapt(stated, wanted, path)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    forced = [name for name in used if f"dataset {name!r}" in adaptation.because]
    return Rights(adaptation.licence, _notices(used), tuple(used), tuple(forced))


def _as_it_is(
    names: frozenset[str], datasets: Mapping[str, Mapping], path: str, where: str
) -> Rights:
    used = _described(names, datasets, path, where)
    expression = licences.collection(
        " AND ".join(licences.parse(one["licence"], name)) for name, one in used.items()
    )
    return Rights(expression, _notices(used), tuple(used))


def _notices(used: Mapping[str, Mapping]) -> tuple[str, ...]:
    return tuple(sorted({notice for one in used.values() for notice in notices_of(one)}))
