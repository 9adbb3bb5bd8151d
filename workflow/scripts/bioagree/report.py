"""The report page: one HTML file that works offline, made from tables, figures and records."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from bioagree.features.dictionary import features_of
from bioagree.features.registry import groups_of, is_chosen
from bioagree.report_answers import answer, definition, embed, number


def render(
    template: Path,
    *,
    title: str,
    questions: Mapping[str, Mapping],
    datasets: Mapping[str, Mapping],
    samples: Mapping[str, Mapping],
    methods: Mapping[str, Mapping],
    examples: Sequence[str],
    surfaces: Sequence[str],
    features: Mapping,
    files: Sequence[Path],
    rulegraph: Path,
    records: Sequence[Mapping],
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    template : Path
        Jinja template.
    title, questions, datasets, samples, methods
        Of the study, as the config gives them.
    examples : sequence of str
        Samples of which a picture is shown.
    surfaces : sequence of str
        Samples of which surfaces are shown.
    features : mapping
        What was measured, as the config gives it.
    files : sequence of Path
        Tables and figures of all questions, and the pictures.
    rulegraph : Path
        Picture of the rules.
    records : sequence of mapping
        Provenance records of all jobs.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FileSystemLoader(template.parent),
    )
    environment.filters["number"] = number
    environment.filters["definition"] = definition
    by_name = {f"{path.parent.name}/{path.name}": path for path in files}
    return environment.get_template(template.name).render(
        title=title,
        datasets=datasets,
        samples=samples,
        methods=methods,
        answers=[answer(name, question, by_name) for name, question in questions.items()],
        tracks=_tracks(by_name),
        features=_features(features["use"]),
        examples={name: embed(by_name[f"examples/{name}.png"]) for name in examples},
        surfaces={name: embed(by_name[f"surfaces/{name}.png"]) for name in surfaces},
        rulegraph=embed(rulegraph),
        warnings=_warnings(records),
        repairs=_repairs(records),
        devices=_devices(records),
        software=_software(records),
        jobs=len(records),
        images=_image_counts(records),
        nominal=[name for name, data in datasets.items() if data["calibration"] == "nominal"],
    )


def _tracks(files: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """Return the pictures of each movie's tracks: in space and over time."""
    shown: dict[str, dict[str, str]] = {}
    for key, path in files.items():
        folder, _, name = key.partition("/")
        pair, _, kind = name.removesuffix(".png").rpartition(".")
        if folder == "tracks" and kind in ("paths", "tree"):
            shown.setdefault(pair.replace(".", ", labels of "), {})[kind] = embed(path)
    return shown


def _features(chosen: Sequence[str]) -> dict[str, list]:
    """Return what was measured on objects, by group, for the table of definitions."""
    return {
        group: [
            feature
            for feature in features_of(group)
            if feature.of == "object" and is_chosen(feature.name, chosen)
        ]
        for group in groups_of(chosen)
    }


def _warnings(records) -> list[tuple[str, str, int]]:
    """Return every warning once, with the jobs that gave it."""
    counted: dict[tuple[str, str], list[str]] = {}
    for record in records:
        for sentence in record["warnings"]:
            counted.setdefault((record["rule"], sentence), []).append(
                " ".join(record["wildcards"].values())
            )
    return [(rule, sentence, ", ".join(jobs)) for (rule, sentence), jobs in counted.items()]


def _repairs(records) -> list[dict]:
    """Sum what each rule changed in the truth, sample by sample."""
    rows = []
    for record in records:
        totals: dict[str, Counter] = {}
        for entry in record.get("repairs", []):
            total = totals.setdefault(entry["rule"], Counter())
            total["added"] += max(0, entry["objects_after"] - entry["objects_before"])
            total["removed"] += max(0, entry["objects_before"] - entry["objects_after"])
            total["voxels"] += entry["changed_voxels"]
        rows += [
            {"sample": record["wildcards"]["sample"], "rule": rule, **total}
            for rule, total in totals.items()
        ]
    return rows


def _devices(records) -> list[tuple[str, int]]:
    used = Counter(
        "{name} ({backend} {kind}; {driver})".format(**record["device"])
        for record in records
        if "device" in record
    )
    return used.most_common()


def _software(records) -> dict[str, str]:
    """Return the versions of what the jobs imported; several where jobs differ."""
    versions: dict[str, set[str]] = {}
    for record in records:
        found = record["environment"]["imported"] | {"Python": record["environment"]["python"]}
        for name, version in found.items():
            versions.setdefault(name, set()).add(version)
    names = ("Python", "snakemake", "numpy", "scipy", "skimage", "pyclesperanto", "tifffile")
    names += ("pyarrow", "matplotlib", "pooch")
    return {name: ", ".join(sorted(versions[name])) for name in names if name in versions}


def _image_counts(records) -> dict[str, int]:
    return {
        record["wildcards"]["sample"]: len(record["images"])
        for record in records
        if record["rule"] == "import_images"
    }
