"""What the report says and shows of each question, from its tables and figures."""

import csv
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bioagree.features.dictionary import feature_of, features_of, title_of
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
SIZES = ("area_um2", "volume_um3")

Files = Mapping[str, Path]


def answer(name: str, question: Mapping, files: Files) -> dict:
    """Return what a template needs to show the answer to a question.

    Parameters
    ----------
    name : str
        Of the question.
    question : mapping
        As the config has it.
    files : mapping of str to Path
        Tables and figures by folder and name.
    """
    found = ANSWERS[question["type"]](name, question, files)
    return {"name": name, "type": question["type"], "ask": question["ask"]} | found


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


def definition(quantity: str) -> str:
    """Return what a quantity of an image means: a count, or the mean of a feature."""
    if quantity == "count":
        return "Number of objects in the image."
    feature = feature_of(quantity.removeprefix("mean_"))
    return f"Mean over the objects of the image. {feature.definition}"


def _quality(name: str, question: Mapping, files: Files) -> dict:
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
    ranking = _read_csv(files[f"{name}/ranking.csv"])
    most = max((row["n"] for row in ranking), key=int, default="")
    nothing = [float(r["median"]) for r in rows if r["score"] == "accuracy_of_nothing"]
    return {
        "tables": tables,
        "scores": HEADLINE_SCORES,
        "figure": embed(files[f"{name}/scores.svg"]),
        "precision": embed(files[f"{name}/precision.svg"]),
        "ranks": embed(files[f"{name}/ranking.svg"]),
        "distances": _pictures(name, files, "distances"),
        "background": f"{min(nothing):.0%} to {max(nothing):.0%}" if nothing else "",
        "notes": sorted({row["note"] for row in ranking if row["note"] and row["n"] == most}),
    }


def _agreement(name, question: Mapping, files: Files) -> dict:
    shown = []
    for path in [path for key, path in files.items() if _is_plot(key, name)]:
        dimensions, key, other = path.stem.split("-")
        against = "every method against the truth" if other == "truth" else "every two methods"
        shown.append(
            {
                "title": f"{FIGURE_TITLES[key]}, {dimensions.upper()} images: {against}",
                "picture": embed(path),
                "folded": other != "truth",
            }
        )
    rows = _read_csv(files[f"{name}/pairs.csv"])
    rows = [row for row in rows if row["quantity"] in FIGURE_TITLES]
    return {
        "rows": rows,
        "overview": embed(files[f"{name}/overview.svg"]),
        "equivalence": _equivalence(name, files),
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


def _tracking(name: str, question: Mapping, files: Files) -> dict:
    rows = _read_csv(files[f"{name}/summary.csv"])
    pictures = {
        f"{row['sample']}, {row['method']}": embed(
            files[f"tracks/{row['sample']}.{row['method']}.errors.png"]
        )
        for row in rows
    }
    return {"rows": rows, "pictures": pictures}


def _colocalisation(name: str, question: Mapping, files: Files) -> dict:
    rows = _read_csv(files[f"{name}/images.csv"])
    pictures = {
        path.stem.partition(".")[2]: embed(path)
        for key, path in files.items()
        if key.startswith(f"colocalisation/{name}.")
    }
    declared = [feature for feature in features_of("colocalisation") if feature.of == "image"]
    return {**question, "rows": rows, "pictures": pictures, "columns": declared}


def _is_plot(key: str, name: str) -> bool:
    """Say whether a file is one of the Bland-Altman plots of a question of agreement."""
    return key.startswith(f"{name}/") and key.count("-") == 2 and key.endswith(".svg")


def _equivalence(name: str, files: Files) -> list[str]:
    """Say where two methods are equivalent, object by object, within the margins of the config."""
    sentences = []
    for row in _read_csv(files[f"{name}/objects.csv"]):
        if row["margin"] and row["verdict"]:
            what = f"{title_of(row['feature'])} of matched objects, {row['dimensions']}D"
            told = "equivalent" if row["verdict"] == "equivalent" else "not shown to be equivalent"
            sentences.append(
                f"{row['first']} and {row['second']} are {told} within ±{number(row['margin'])} "
                f"{row['unit']} ({what}): difference {number(row['bias'])} "
                f"({number(row['bias_low'])} to {number(row['bias_high'])}), "
                f"p = {number(row['equivalence_p'], 2)}, {row['clusters']} images."
            )
    return sentences


def _screening(name: str, question: Mapping, files: Files) -> dict:
    survival = _read_csv(files[f"{name}/survival.csv"])
    choices = list(dict.fromkeys(row["choice"] for row in survival))
    main = [row for row in survival if row["choice"] == choices[0]] if choices else []
    fates = _read_csv(files[f"{name}/fates.csv"])
    sources = list(dict.fromkeys(row["source"] for row in fates))
    groups = list(dict.fromkeys(row["group"] for row in fates if row["group"]))
    kinds = list(dict.fromkeys(row["fate"] for row in fates if row["group"]))
    return {
        "sentence": _survival_sentence(main),
        "choice": choices[0] if choices else "",
        "headlines": _pictures(name, files, "headline"),
        "every": _pictures(name, files, "every-feature"),
        "hanging": [row for row in main if row["one_block"]],
        "sensitivity": _read_csv(files[f"{name}/sensitivity.csv"]),
        "fates": {(r["source"], r["group"], r["fate"]): r for r in fates},
        "sources": sources,
        "groups": groups,
        "kinds": kinds,
    }


def _survival_sentence(rows: list[dict[str, str]]) -> str:
    """Say for how many features the answer holds, and for which it depends on the method."""
    count = Counter(row["category"] for row in rows)
    told = (
        f"Of {len(rows)} features, {count['all methods']} differ between the groups under every "
        f"segmentation, with the same sign (q < 0.05, clustered by image); {count['none']} under "
        "none."
    )
    some = [row for row in rows if row["category"] in ("some methods", "opposite signs")]
    if not some:
        return f"{told} For no feature does the answer depend on the segmentation."
    listed = "; ".join(f"{title_of(row['feature'])} ({row['answer']})" for row in some[:5])
    more = f"; and {len(some) - 5} more" if len(some) > 5 else ""
    return f"{told} For {len(some)} the answer depends on the segmentation: {listed}{more}."


def _hypothesis(name: str, question: Mapping, files: Files) -> dict:
    sentences = _read_csv(files[f"{name}/sentences.csv"])
    features = list(dict.fromkeys(row["feature"] for row in sentences))
    return {
        "figure": embed(files[f"{name}/groups.svg"]),
        "features": {
            feature: [row for row in sentences if row["feature"] == feature] for feature in features
        },
        "rows": [row for row in _read_csv(files[f"{name}/results.csv"]) if row["p"]],
        "checks": _read_csv(files[f"{name}/checks.csv"]),
    }


def _repeatability(name: str, question: Mapping, files: Files) -> dict:
    rows = _read_csv(files[f"{name}/repeatability.csv"])
    shown = [row for row in rows if row["feature"] in (*FIGURE_TITLES, *SIZES)]
    return {
        "change": question["change"],
        "figure": embed(files[f"{name}/repeatability.svg"]),
        "rows": shown,
        "trueness": _read_csv(files[f"{name}/trueness.csv"]),
    }


def _correlation(name: str, question: Mapping, files: Files) -> dict:
    redundant = _read_csv(files[f"{name}/redundant.csv"])
    reference = TRUTH if any(row["source"] == TRUTH for row in redundant) else None
    return {
        "matrices": _pictures(name, files, "matrix"),
        "differing": _pictures(name, files, "differences"),
        "redundant": [row for row in redundant if reference in (None, row["source"])],
        "differences": [
            row
            for row in _read_csv(files[f"{name}/differences.csv"])
            if row["exceeds_error"] == "true"
        ],
    }


def _learning(name: str, question: Mapping, files: Files) -> dict:
    scores = _read_csv(files[f"{name}/prediction.csv"])
    cells = {(r["source"], r["left_out"], r["score"]): r for r in scores}
    return {
        "maps": _pictures(name, files, "maps"),
        "divided": _pictures(name, files, "partitions"),
        "figures": _pictures(name, files, "prediction"),
        "cells": cells,
        "tried": list(dict.fromkeys((r["source"], r["left_out"]) for r in scores)),
        "partitions": _read_csv(files[f"{name}/partitions.csv"]),
        "composition": [row for row in _read_csv(files[f"{name}/composition.csv"]) if row["note"]],
    }


def _pictures(name: str, files: Files, kind: str) -> list[str]:
    """Return the pictures of one kind, one for each dimension."""
    ends = (f"d-{kind}.svg", f"d-{kind}.png")
    return [embed(p) for k, p in files.items() if k.startswith(f"{name}/") and k.endswith(ends)]


def _read_csv(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ANSWERS = {
    "quality": _quality,
    "agreement": _agreement,
    "repeatability": _repeatability,
    "hypothesis": _hypothesis,
    "screening": _screening,
    "correlation": _correlation,
    "learning": _learning,
    "tracking": _tracking,
    "colocalisation": _colocalisation,
}
