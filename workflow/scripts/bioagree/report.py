"""The report page: one HTML file that works offline, made from tables, figures and records."""

import csv
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from bioagree.features.dictionary import feature_of, features_of
from bioagree.features.registry import groups_of, is_chosen
from bioagree.truth import TRUTH

FEWEST_IMAGES = 3  # of two, the interval of a limit is 16 times as wide as the limits lie apart
MIME = {".svg": "image/svg+xml", ".png": "image/png"}
HEADLINE_SCORES = {
    "f1_50": "F1 of objects (IoU > 0.5)",
    "ap_50_95": "Average precision (IoU 0.50 to 0.95)",
    "pq": "Panoptic quality",
    "seg": "SEG",
    "jaccard": "Jaccard index of pixels",
    "accuracy": "Pixel accuracy",
    "n_splits": "Split objects per image",
    "n_merges": "Merged objects per image",
}
FIGURE_TITLES = {
    "count": "Number of objects",
    "mean_area_um2": "Mean area of the objects",
    "mean_volume_um3": "Mean volume of the objects",
}


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
    figures: Sequence[str],
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
    figures : sequence of str
        Names of the agreement figures.
    files : sequence of Path
        Tables and figures of all questions, and the pictures.
    rulegraph : Path
        Picture of the rules.
    records : sequence of mapping
        Provenance records of all jobs.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = number
    environment.filters["definition"] = definition
    by_name = {f"{path.parent.name}/{path.name}": path for path in files}
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        title=title,
        datasets=datasets,
        samples=samples,
        methods=methods,
        quality=[
            _quality(name, question, by_name)
            for name, question in questions.items()
            if question["type"] == "quality"
        ],
        agreement=[
            _agreement(name, question, by_name, figures)
            for name, question in questions.items()
            if question["type"] == "agreement"
        ],
        tracking=[
            _tracking(name, question, by_name)
            for name, question in questions.items()
            if question["type"] == "tracking"
        ],
        colocalisation=[
            _colocalisation(name, question, by_name)
            for name, question in questions.items()
            if question["type"] == "colocalisation"
        ],
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


def embed(path: Path) -> str:
    """Return a picture as a data URL."""
    return f"data:{MIME[path.suffix]};base64,{b64encode(path.read_bytes()).decode()}"


def number(text: str, digits: int = 3) -> str:
    """Write a number of a CSV cell with `digits` significant digits; an empty cell as a dash."""
    if text in ("", None):
        return "–"
    value = float(text)
    if value == int(value) and abs(value) < 1e6:
        return str(int(value)).replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")


def _quality(name: str, question: Mapping, files: Mapping[str, Path]) -> dict:
    rows = _read_csv(files[f"{name}/summary.csv"])
    dimensions = sorted({row["dimensions"] for row in rows})
    tables = []
    for dimension in dimensions:
        here = [row for row in rows if row["dimensions"] == dimension]
        cells = {(row["method"], row["score"]): row for row in here}
        tables.append(
            {
                "dimensions": dimension,
                "n": max(int(row["n"]) + int(row["undefined"]) for row in here),
                "methods": list(dict.fromkeys(row["method"] for row in here)),
                "cells": cells,
            }
        )
    figure = embed(files[f"{name}/scores.svg"])
    return {"ask": question["ask"], "tables": tables, "scores": HEADLINE_SCORES, "figure": figure}


def _agreement(name, question: Mapping, files: Mapping[str, Path], figures) -> dict:
    shown = []
    for figure in figures:
        dimensions, key, other = figure.split("-")
        against = "every method against the truth" if other == "truth" else "every two methods"
        shown.append(
            {
                "title": f"{FIGURE_TITLES[key]}, {dimensions.upper()} images: {against}",
                "picture": embed(files[f"{name}/{figure}.svg"]),
            }
        )
    rows = _read_csv(files[f"{name}/pairs.csv"])
    return {
        "ask": question["ask"],
        "rows": rows,
        "figures": shown,
        "titles": FIGURE_TITLES,
        "verdicts": [
            _verdict(row)
            for row in rows
            if row["second"] == TRUTH and int(row["n"]) >= FEWEST_IMAGES
        ],
    }


def _verdict(row: Mapping[str, str]) -> str:
    """Say in one sentence how a method differs from the truth."""
    bias, lower, upper = (float(row[key]) for key in ("bias", "lower", "upper"))
    low, high = float(row["bias_low"]), float(row["bias_high"])
    unit = "objects" if row["quantity"] == "count" else row["unit"]
    what = "" if row["quantity"] == "count" else " per object"
    side = "more" if bias > 0 else "less" if what else "fewer"
    if low == high == 0:
        return f"{row['dimensions']}D, {row['first']}: equal to the truth in all {row['n']} images."
    sure = "" if low > 0 or high < 0 else ", which may be chance: the interval includes 0"
    return (
        f"{row['dimensions']}D, {row['first']}: on average {number(str(abs(bias)))} {unit}{what} "
        f"{side} than the truth (95 % CI {number(row['bias_low'])} to {number(row['bias_high'])}"
        f"{sure}); in 95 % of images the difference is expected between {number(str(lower))} "
        f"and {number(str(upper))} (n = {row['n']} images)."
    )


def _tracking(name: str, question: Mapping, files: Mapping[str, Path]) -> dict:
    rows = _read_csv(files[f"{name}/summary.csv"])
    pictures = {
        f"{row['sample']}, {row['method']}": embed(
            files[f"tracks/{row['sample']}.{row['method']}.errors.png"]
        )
        for row in rows
    }
    return {"ask": question["ask"], "rows": rows, "pictures": pictures}


def _tracks(files: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """Return the pictures of each movie's tracks: in space and over time."""
    shown: dict[str, dict[str, str]] = {}
    for key, path in files.items():
        folder, _, name = key.partition("/")
        pair, _, kind = name.removesuffix(".png").rpartition(".")
        if folder == "tracks" and kind in ("paths", "tree"):
            shown.setdefault(pair.replace(".", ", labels of "), {})[kind] = embed(path)
    return shown


def _colocalisation(name: str, question: Mapping, files: Mapping[str, Path]) -> dict:
    rows = _read_csv(files[f"{name}/images.csv"])
    pictures = {
        path.stem.partition(".")[2]: embed(path)
        for key, path in files.items()
        if key.startswith(f"colocalisation/{name}.")
    }
    declared = [feature for feature in features_of("colocalisation") if feature.of == "image"]
    return {**question, "rows": rows, "pictures": pictures, "columns": declared}


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


def definition(quantity: str) -> str:
    """Return what a quantity of an image means: a count, or the mean of a feature."""
    if quantity == "count":
        return "Number of objects in the image."
    feature = feature_of(quantity.removeprefix("mean_"))
    return f"Mean over the objects of the image. {feature.definition}"


def _read_csv(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


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
