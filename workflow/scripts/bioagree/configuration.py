"""Config files and the sample sheet: read, checked, and refused with one clear sentence."""

import csv
import difflib
import math
import os
import re
from bisect import bisect_left
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from glob import glob
from pathlib import Path

import yaml

from bioagree import filters, parameters
from bioagree.errors import InputError
from bioagree.features import registry as features
from bioagree.features.dictionary import feature_of
from bioagree.publication import people
from bioagree.segmentation import postprocess, registry
from bioagree.tracks.lineage import READERS
from bioagree.truth import CONDITION, TRUTH

REQUIRED_COLUMNS = ("sample", "dataset", "images")
OPTIONAL_COLUMNS = ("truth", "session", "subject", "condition", "split", "annotations")
SPLITS = ("train", "test")
NAME = re.compile(r"[A-Za-z0-9_-]+")


def read_yaml(path: str | Path) -> dict:
    """Read a YAML mapping whose keys are text, each once: a repeated key would be a silent loss."""
    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.load(file, _UniqueKeys)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold a mapping of keys to values")
    return content


def validate(content: dict, schema_path: str | Path, where: str) -> None:
    """Check a mapping against a closed JSON Schema.

    Raises
    ------
    InputError
        One sentence on the first fault: the place, the key, and what is allowed.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    types = Draft202012Validator.TYPE_CHECKER.redefine("number", _is_finite)
    validator = extend(Draft202012Validator, type_checker=types)(_load_schema(str(schema_path)))
    errors = sorted(validator.iter_errors(content), key=lambda error: list(map(str, error.path)))
    if errors:
        raise InputError(f"{where}: {_sentence(errors[0])}")


def read_samples(path: str | Path, datasets: Iterable[str]) -> dict[str, dict[str, str]]:
    """Read the sample sheet, a tab-separated table with one row per acquisition.

    Parameters
    ----------
    path : str or Path
        The sheet; its columns are :data:`REQUIRED_COLUMNS` and :data:`OPTIONAL_COLUMNS`.
    datasets : iterable of str
        Names that the column `dataset` may hold.

    Returns
    -------
    dict
        Row by sample, in the order of the sheet; optional columns that are absent are empty.
    """
    datasets = set(datasets)
    allowed = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file, delimiter="\t"))
    except FileNotFoundError:
        raise InputError(f"sample sheet {path} does not exist") from None
    except UnicodeDecodeError:
        raise InputError(f"sample sheet {path} is not UTF-8 text; save it as UTF-8") from None
    header = [name.strip() for name in lines[0]] if lines else []
    while header and not header[-1]:  # spreadsheets end rows with empty cells
        header.pop()
    _check_header(path, header, allowed)
    samples: dict[str, dict[str, str]] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        line = line[: len(header)] + [cell for cell in line[len(header) :] if cell.strip()]
        if len(line) != len(header):
            raise InputError(
                f"{path}, row {number} has {len(line)} cells, but the header names {len(header)} "
                "columns; cells are separated by tabs"
            )
        row = dict.fromkeys(allowed, "") | dict(zip(header, map(str.strip, line), strict=True))
        _check_row(f"{path}, row {number}", row, datasets)
        if row["sample"] in samples:
            raise InputError(f"{path}, row {number} repeats the sample {row['sample']!r}")
        samples[row["sample"]] = row
    if not samples:
        raise InputError(f"{path} names no sample; at least one row is needed")
    return samples


def check_methods(content: dict, chosen: Iterable[str], where: str) -> None:
    """Check that filter chains and methods name functions and parameters that exist."""
    for name, steps in content["filters"].items():
        filters.check(steps, f"{where}: filter {name!r}")
    for name, method in content["methods"].items():
        place = f"{where}: method {name!r}"
        if name == TRUTH:
            raise InputError(f"{place}: the name {TRUTH!r} is kept for the ground truth")
        _check_choice(method["filter"], content["filters"], f"{place} names the filter")
        _check_choice(method["segmenter"], registry.FAMILIES, f"{place} names the segmenter")
        function = registry.segmenter(method["segmenter"])
        learned = registry.FAMILIES[method["segmenter"]] in registry.LEARNED_FAMILIES
        called = f"{place}: {function.__name__}"
        parameters.check(function, method.get("parameters", {}), called, ["model"] * learned)
        if learned:
            train = registry.trainer(method["segmenter"])
            parameters.check(train, method.get("training", {}), f"{place}: training")
        elif "training" in method:
            raise InputError(f"{called} is not trained, so the key 'training' has no meaning")
        parameters.check_steps(method.get("postprocess", []), postprocess.STEPS, place)
    for name in chosen:
        _check_choice(name, content["methods"], "config: use_methods names")


def check_datasets(content: dict, where: str) -> None:
    """Check what the schema of datasets cannot say: axes against voxels, repair steps, URLs."""
    for name, dataset in content.items():
        place = f"{where}: dataset {name!r}"
        spatial = [axis for axis in dataset["axes"] if axis in "ZYX"]
        if len(dataset["voxel_um"]) != len(spatial):
            raise InputError(
                f"{place}: voxel_um has {len(dataset['voxel_um'])} numbers, but the axes "
                f"{dataset['axes']!r} need {len(spatial)} ({', '.join(spatial)})"
            )
        if "C" not in dataset["axes"] and len(dataset["channels"]) > 1:
            raise InputError(
                f"{place}: axes without C have one channel; name exactly one, or none ([]) when "
                "the images are labels without intensities"
            )
        if "C" in dataset["axes"] and not dataset["channels"]:
            raise InputError(f"{place}: axes with C need the names of their channels")
        if "segment_channel" in dataset:
            chosen = dataset["segment_channel"]
            _check_choice(chosen, dataset["channels"], f"{place}: segment_channel names")
        if ("T" in dataset["axes"]) != ("time_step_s" in dataset):
            raise InputError(f"{place}: axes with T need time_step_s, others must not have it")
        if lineage := dataset.get("truth", {}).get("lineage"):
            if "T" not in dataset["axes"]:
                raise InputError(f"{place}: a lineage needs axes with T, not {dataset['axes']!r}")
            reader = READERS[lineage["format"]]
            parameters.check(reader, lineage.get("columns", {}), f"{place}: truth.lineage.columns")
        repair = dataset.get("truth", {}).get("repair", [])
        parameters.check_steps(repair, postprocess.STEPS, f"{place}: truth.repair")
        for creator in dataset["creators"]:
            if "orcid" in creator:
                people.orcid(creator["orcid"], f"{place}: creator {creator['name']!r}")


def check_truth(samples: dict[str, dict[str, str]], datasets: dict, where: str) -> None:
    """Check that whoever names truth files says of which kind that truth is.

    Samples that are labels without intensities must name them as truth, since nothing else says
    whose labels they are.
    """
    for name, row in samples.items():
        if row["truth"] and "truth" not in datasets[row["dataset"]]:
            raise InputError(
                f"{where}: sample {name!r} names truth files, but dataset {row['dataset']!r} has "
                "no key 'truth'; give its kind there: manual, silver or exact"
            )
        if not row["truth"] and not datasets[row["dataset"]]["channels"]:
            raise InputError(
                f"{where}: sample {name!r} has no intensities (dataset {row['dataset']!r} names no "
                "channels) and no truth, so nothing can be measured; name its labels in the column "
                "'truth', which may be the same file"
            )


def check_split(samples: dict[str, dict[str, str]], where: str) -> None:
    """Check that what a method learns from is not what it is tested on.

    Images of one session, or of one subject, resemble each other: a method that learned from some
    of them knows the others already.

    Raises
    ------
    InputError
        Names two samples and what they share.
    """
    for key in ("session", "subject"):
        learned = {r[key]: name for name, r in samples.items() if r["split"] == "train" and r[key]}
        for name, row in samples.items():
            if row["split"] != "train" and row[key] in learned:
                raise InputError(
                    f"{where}: samples {learned[row[key]]!r} (split train) and {name!r} (split "
                    f"{row['split'] or 'test'}) share the {key} {row[key]!r}; training and test "
                    f"samples must not share a {key}"
                )


def check_channels(samples: dict, datasets: dict, filters_of: dict[str, list], where: str) -> None:
    """Check that every channel that a filter chain chooses is there in every sample.

    Parameters
    ----------
    samples, datasets : dict
        As read from the sheet and the datasets' file.
    filters_of : dict of str to list
        The steps of the filter chain of each method that the study uses.
    where : str
        The file that holds the methods.

    Raises
    ------
    InputError
        Names the method, the channel, the dataset and its channels.
    """
    for name in {row["dataset"]: None for row in samples.values()}:
        there = datasets[name]["channels"]
        for method, steps in filters_of.items():
            chosen = filters.channel_of(steps)
            if there and chosen not in (None, *there):
                raise InputError(
                    f"{where}: method {method!r} filters the channel {chosen!r}, but dataset "
                    f"{name!r} has {', '.join(there)}"
                )


# What a question of each type may say besides `type` and `ask`; the first ones must be there.
QUESTION_KEYS = {
    "quality": ((), ("draws", "seed")),
    "agreement": ((), ("features", "margins")),
    "repeatability": (
        ("change",),
        ("samples", "replicates", "features", "amount", "devices", "seed"),
    ),
    "hypothesis": (("group", "features"), ()),
    "screening": ((), ("group", "relate_to", "features")),
    "correlation": ((), ("features", "redundant_above")),
    "learning": (("group",), ("features", "labels", "trees", "folds", "seed")),
    "tracking": ((), ()),
    "colocalisation": (
        ("channels", "objects", "psf_um"),
        ("region", "background_percent", "draws", "seed"),
    ),
}
COUNT = "count"  # of objects in an image, beside their features


def check_questions(
    questions: dict,
    methods: Iterable[str],
    samples: dict,
    datasets: dict,
    measured: Iterable[str],
    where: str,
) -> None:
    """Check what the schema of the config cannot say of the questions.

    `measured` are the groups and features that the study measures.

    Raises
    ------
    InputError
        Names the question, the key, and what is allowed.
    """
    groups = groups_of(datasets)
    for name, question in questions.items():
        place = f"{where}: question {name!r}"
        required, optional = QUESTION_KEYS[question["type"]]
        for key in required:
            if key not in question:
                raise InputError(f"{place} lacks the key {key!r}, which its type needs")
        for key in question:
            if key not in (allowed := ("type", "ask", *required, *optional)):
                raise InputError(f"{place} has an {_unknown('key', key, allowed)}")
        for method in (*question.get("objects", ()), *filter(None, [question.get("region")])):
            _check_choice(method, methods, f"{place} names the method")
        if "labels" in question:
            _check_choice(question["labels"], [*methods, TRUTH], f"{place} names the labels")
        for sample in question.get("samples", ()):
            _check_choice(sample, samples, f"{place} names the sample")
        if "group" in question:
            _check_choice(question["group"], groups, f"{place} names the group")
        if question["type"] == "screening" and ("group" in question) == ("relate_to" in question):
            raise InputError(f"{place} needs one of the keys 'group' and 'relate_to', not both")
        asked = (*question.get("features", ()), *question.get("margins", ()))
        asked += tuple(filter(None, [question.get("relate_to")]))
        _check_features([f for f in asked if f != COUNT], measured, place)
        if question["type"] == "repeatability":
            _check_change(question, place)
        conditions = {row[CONDITION] for row in samples.values() if row[CONDITION]}
        screened = (question["type"], question.get("group")) == ("screening", CONDITION)
        if screened and len(conditions) != 2:
            raise InputError(
                f"{place} compares two conditions, but the sample sheet has {len(conditions)} "
                f"({', '.join(sorted(conditions)) or 'none'})"
            )
        wanted = question.get("channels", ())
        there = {row["dataset"]: datasets[row["dataset"]]["channels"] for row in samples.values()}
        if not any(set(wanted) <= set(channels) for channels in there.values()):
            named = "; ".join(f"{n!r} has {', '.join(c) or 'none'}" for n, c in there.items())
            raise InputError(
                f"{place} asks of {', '.join(wanted)}, but no dataset has these channels: {named}"
            )


def groups_of(datasets: dict) -> list[str]:
    """Return the groups that a question can compare.

    Groups of objects come from the truth of a dataset; `condition`, a column of the sheet, divides
    the samples.
    """
    named = {g for dataset in datasets.values() for g in dataset.get("truth", {}).get("groups", {})}
    return [*sorted(named), CONDITION]


def _check_features(names: Iterable[str], measured: Iterable[str], where: str) -> None:
    """Check that a question asks of groups and features that the study measures."""
    chosen = features.groups_of(measured)
    for name in names:
        if name in features.OF_OBJECTS:
            known, there = True, name in chosen
        else:
            known = feature_of(name) is not None
            there = known and features.is_chosen(name, measured)
        if not known:
            raise InputError(
                f"{where} names the feature {name!r}, which is unknown; docs/features.md lists all"
            )
        if not there:
            raise InputError(
                f"{where} asks of {name!r}, which this study does not measure; name it under "
                "features.use"
            )


def _check_change(question: dict, where: str) -> None:
    """Check what the samples of a repeatability question are changed by."""
    for key, change in (("devices", "device"), ("amount", "noise or shift")):
        if key in question and question["change"] not in change.split(" or "):
            raise InputError(
                f"{where}: {key!r} belongs to the change {change}, not to {question['change']!r}"
            )
    if question["change"] == "device":
        if "devices" not in question:
            raise InputError(f"{where} lacks the key 'devices', which the change 'device' needs")
        if "replicates" in question:
            raise InputError(f"{where}: the number of 'devices' is that of the replicates")


def match_files(folder: str | Path, pattern: str) -> list[str]:
    """Return the files below `folder` that match a glob pattern, sorted.

    Folders are listed once a process, so that a sheet with thousands of samples in one folder is
    read in time proportional to its length.

    Raises
    ------
    InputError
        When nothing matches.
    """
    between, last = os.path.split(pattern)
    parent = os.path.join(folder, between)
    if glob_magic(between):
        found = [os.path.join(folder, name) for name in glob(pattern, root_dir=folder)]
    elif not glob_magic(last):
        found = [os.path.join(parent, last)]
    else:
        names = _listing(parent)
        literal = re.split(r"[*?\[]", last, maxsplit=1)[0]
        start, end = bisect_left(names, literal), bisect_left(names, literal + "\U0010ffff")
        found = [os.path.join(parent, n) for n in names[start:end] if fnmatchcase(n, last)]
    found = [path for path in found if os.path.isfile(path)]
    if not found:
        raise InputError(f"no file matches {pattern!r} in {folder}")
    return sorted(found)


def glob_magic(text: str) -> bool:
    """Say whether a path holds wildcard characters."""
    return any(character in text for character in "*?[")


@cache
def _listing(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


@cache
def _load_schema(path: str) -> dict:
    return read_yaml(path)


def _check_header(path, header: list[str], allowed: tuple[str, ...]) -> None:
    for name in REQUIRED_COLUMNS:
        if name not in header:
            raise InputError(
                f"{path} lacks the column {name!r}; its header is {', '.join(header) or 'empty'}; "
                f"needed are {', '.join(REQUIRED_COLUMNS)}, separated by tabs"
            )
    for name in header:
        if name not in allowed:
            raise InputError(f"{path} has an {_unknown('column', name, allowed)}")
    if len(set(header)) != len(header):
        raise InputError(f"{path} repeats a column in its header: {', '.join(header)}")


def _check_row(where: str, row: dict[str, str], datasets: set[str]) -> None:
    for name in REQUIRED_COLUMNS:
        if not row[name]:
            raise InputError(f"{where} has an empty cell in the column {name!r}")
    if not NAME.fullmatch(row["sample"]):
        raise InputError(
            f"{where}: sample {row['sample']!r} may hold only letters, digits, '_' and '-'"
        )
    _check_choice(row["dataset"], datasets, f"{where} names the dataset")
    if row["split"]:
        _check_choice(row["split"], SPLITS, f"{where} has the split")


def _check_choice(name: str, allowed: Iterable[str], where: str) -> None:
    if name not in (allowed := list(allowed)):
        raise InputError(f"{where} {name!r}, which is unknown; {_allowed(name, allowed)}")


def _is_finite(_, value) -> bool:
    """Say whether a value is a number; YAML knows `.nan` and `.inf`, which no schema refuses."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _unknown(kind: str, name: str, allowed: Iterable[str]) -> str:
    return f"unknown {kind} {name!r}; {_allowed(name, allowed)}"


def _allowed(name: str, allowed: Iterable[str]) -> str:
    allowed = sorted(allowed)
    close = difflib.get_close_matches(str(name), allowed, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"allowed are {', '.join(allowed) or 'none'}{hint}"


def _sentence(error) -> str:
    place = ".".join(str(part) for part in error.path)
    where = f"{place} " if place else ""
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        name = next(key for key in error.instance if key not in known)
        return (
            f"{where}has an {_unknown('key', name, known)}"
            if where
            else _unknown("key", name, known)
        )
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        hint = error.schema.get("properties", {}).get(missing, {}).get("description", "")
        return f"{where}lacks the key {missing!r}" + (f"; allowed: {hint}" if hint else "")
    hint = error.schema.get("description", "")
    return f"{where}is wrong: {error.message}" + (f"; allowed: {hint}" if hint else "")


class _UniqueKeys(yaml.SafeLoader):
    def compose_mapping_node(self, anchor):
        node = super().compose_mapping_node(anchor)
        keys = [key.value for key, _ in node.value]
        for (name, _), key in zip(node.value, keys, strict=True):
            if not name.tag.endswith((":str", ":merge")):
                raise yaml.composer.ComposerError(
                    None, None, f"the key {key!r} needs quotes to be text", name.start_mark
                )
            if keys.count(key) > 1:
                raise yaml.composer.ComposerError(
                    None, None, f"the key {key!r} occurs twice", node.start_mark
                )
        return node
