"""What must hold in the tables of a study: which columns name a row, and which refer to others.

Keys and limits stand here and not where the tables are made: only packages state them, and a table
does not change when one of them is added. Every key was tried on whole studies.
"""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from bioagree.publication.study_tables import (
    CALIBRATIONS,
    DATASETS,
    METHODS,
    SAMPLES,
)
from bioagree.truth import TRUTH

_PLACE = ("image", "frame")
_OBJECT = (*_PLACE, "label")
_MEASURED = ("sample", "method", *_PLACE)
_PAIR = ("first", "second")

# Columns that name a row; of several keys the first whose columns are all there.
PRIMARY = {
    "samples": [("sample",)],
    "datasets": [("dataset",)],
    "methods": [("method",)],
    "features": [_OBJECT],
    "scores": [_PLACE],
    "scores.objects": [(*_PLACE, "side", "label")],
    "matches": [(*_PLACE, *_PAIR, "first_label", "second_label")],
    "truth": [_OBJECT],
    "tracks": [_OBJECT],
    "tracks.tracks": [("image", "track")],
    "tracks.matches": [_OBJECT],
    "colocalisation": [_PLACE],
    "images": [_MEASURED, ("sample", *_PLACE)],
    "objects": [(*_MEASURED, "side", "label"), ("dimensions", "feature", *_PAIR)],
    "curve": [(*_MEASURED, "iou")],
    "summary": [("dimensions", "method", "score"), ("sample", "method")],
    "ranking": [("dimensions", "score", "method")],
    "ranking_pairs": [("dimensions", "score", *_PAIR)],
    "pairs": [("dimensions", "quantity", *_PAIR)],
    "statistics": [("dimensions", "quantity", *_PAIR, "statistic")],
    "repeatability": [("sample", "method", "level", "feature")],
    "trueness": [("sample", "method", "feature")],
    "results": [("dimensions", "source", "feature", "test")],
    "checks": [("dimensions", "source", "feature", "assumption", "how")],
    "sentences": [("dimensions", "source", "feature")],
    "effects": [("dimensions", "choice", "source", "feature")],
    "survival": [("dimensions", "choice", "feature")],
    "sensitivity": [("dimensions", "choice", "source")],
    "tests": [("question", "dimensions", "source", "quantity", "test")],
    "correlations": [("dimensions", "source", *_PAIR)],
    "differences": [("dimensions", "source", *_PAIR)],
    "redundant": [("dimensions", "source", "represented_by"), ("dimensions", "feature")],
    "components": [("sample", *_OBJECT, "source")],
    "loadings": [("dimensions", "source", "feature")],
    "partitions": [("dimensions", "source", "partition")],
    "prediction": [("dimensions", "source", "left_out", "score")],
    "importance": [("dimensions", "source", "left_out", "feature")],
    "calibration": [("dimensions", "source", "left_out", "group", "low")],
}
# Tables of comparisons whose columns name methods, the truth among them.
OF_METHODS = {
    "source": (
        "results",
        "checks",
        "sentences",
        "effects",
        "sensitivity",
        "fates",
        "correlations",
        "differences",
        "redundant",
        "components",
        "loadings",
        "partitions",
        "composition",
        "prediction",
        "importance",
        "calibration",
    ),
    "first": ("pairs", "statistics", "objects", "ranking_pairs", "matches"),
    "second": ("pairs", "statistics", "objects", "ranking_pairs", "matches"),
}
_LENGTHS = (
    r"(mean_)?(area_um2|volume_um3|surface_area_um2|perimeter_um|equivalent_diameter_um"
    r"|axis_(major|middle|minor)_um|feret_(max|min)_um|hull_(area_um2|volume_um3)"
    r"|radius_of_gyration_um|n_pieces|n_holes)|(mean_)?(hausdorff|hd95|assd)_um|voxel_[zyx]_um"
    r"|duration_s|time_step_s|path_length_um|net_displacement_um"
)
_COUNTS = (
    r"n|n_\w+|count|pixels|voxels|best|parts|siblings|clusters|blocks|missing|infinite|undefined"
    r"|draws|ties|single|subjects|folds|trees|tests|features|track_objects|branches|frame"
    r"|(first|last)_frame|parent|(links_|divisions_)?(true|false)_(positive|negative)"
)
_LABELS = r"label|first_label|second_label|track"
_SHARES = (
    r"p|q|\w+_p|\w+_q|share|expected|accuracy|accuracy_of_nothing|(precision|recall|f1)(_50)?"
    r"|jaccard|ap_\d\d(_95)?|average_precision|iou|dice|nsd|pq|sq|rq|seg|det|sparse_jaccard"
    r"|mean_(nsd|matched_iou|matched_dice)|coverage|confidence|predicted|observed|best_share"
    r"|(links|divisions)_(precision|recall|f1)|branches_followed"
)
LIMITS = (
    (re.compile(f"{_LENGTHS}|{_COUNTS}"), {"minimum": 0}),
    (re.compile(_LABELS), {"minimum": 1}),
    (re.compile(_SHARES), {"minimum": 0, "maximum": 1}),
)
CHOICES = {
    "calibration": list(CALIBRATIONS),
    "side": [TRUTH, "prediction"],
    "outcome": ["matched", "split", "merged", "poorly outlined", "missed", "spurious"],
}


def table_of(path: str) -> str:
    """Return which table a CSV file of a package is: a key of :data:`PRIMARY` where it has one."""
    folders, name = PurePosixPath(path).parts[1:-1], PurePosixPath(path).stem
    if not folders or folders[0] == "comparison":
        return name
    if folders[0] == "truth":
        return "truth"
    more = name.split(".")[2:] if folders[0] in ("scores", "tracks") else []
    return ".".join([folders[0], *more])


def with_keys(schemas: Mapping[str, dict], samples: Mapping) -> dict[str, dict]:
    """Add limits, primary and foreign keys to the schemas of all tables of a package.

    Parameters
    ----------
    schemas : mapping of str to dict
        Table schemas by path in the package.
    samples : mapping
        The study's samples by name.

    Returns
    -------
    dict of str to dict
        Schemas by path. Foreign keys name the other table by its path.
    """
    return {path: _with_keys(path, schema, schemas, samples) for path, schema in schemas.items()}


def _with_keys(path: str, schema: dict, schemas: Mapping[str, dict], samples: Mapping) -> dict:
    table = table_of(path)
    kinds = _kinds(schema)
    keys = [key for key in PRIMARY.get(table, []) if kinds.keys() >= set(key)]
    primary = keys[0] if keys else ()
    fields = []
    for field in schema["fields"]:
        limits = _limits(field["name"], field["type"])
        if field["name"] in primary:
            limits["required"] = True
        fields.append(field | ({"constraints": limits} if limits else {}))
    found = schema | {"fields": fields}
    if primary:
        found["primaryKey"] = list(primary)
    foreign = [
        {"fields": list(columns), "reference": {"resource": other, "fields": list(target)}}
        for columns, other, target in _references(path, table, samples)
        if other in schemas
        and None not in (types := [kinds.get(name) for name in columns])
        and types == [_kinds(schemas[other]).get(name) for name in target]
    ]
    return found | ({"foreignKeys": foreign} if foreign else {})


def _kinds(schema: dict) -> dict[str, str]:
    return {field["name"]: field["type"] for field in schema["fields"]}


def _references(path: str, table: str, samples: Mapping):
    """Yield what may refer to other tables: columns, path of the other, its columns."""
    stem = str(PurePosixPath(path).parent / PurePosixPath(path).name.partition(".")[0])
    sample, *rest = PurePosixPath(path).stem.split(".")
    if table == "samples":
        yield ("dataset",), DATASETS, ("dataset",)
    if "/comparison/" in path:
        yield ("sample",), SAMPLES, ("sample",)
        yield ("method",), METHODS, ("method",)
    # In a replicate's table, one of the two is the original sample.
    if "/comparison/" in path or (table == "matches" and sample in samples):
        for column, naming in OF_METHODS.items():
            if table in naming:
                yield (column,), METHODS, ("method",)
    if table in ("objects", "curve"):
        images = str(PurePosixPath(path).with_name("images.csv"))
        yield _MEASURED, images, _MEASURED
    if table == "scores.objects":
        yield _PLACE, f"{stem}.{rest[0]}.csv", _PLACE
    if table == "features" and rest == [TRUTH]:
        yield _OBJECT, f"tables/truth/{sample}.objects.csv", _OBJECT
    if table in ("tracks", "tracks.matches"):
        yield _OBJECT, f"tables/features/{sample}.{rest[0]}.csv", _OBJECT
    if table == "tracks":
        yield ("image", "track"), f"{stem}.{rest[0]}.tracks.csv", ("image", "track")


def _limits(name: str, kind: str) -> dict:
    if name in CHOICES and kind == "string":
        return {"enum": CHOICES[name]}
    if kind in ("integer", "number"):
        for pattern, limits in LIMITS:
            if pattern.fullmatch(name):
                return dict(limits)
    return {}
