"""Samples, datasets and methods of a study as tables, which the other tables refer to."""

import json
from collections.abc import Mapping

from bioagree import tables
from bioagree.truth import TRUTH

SAMPLES = "tables/samples.csv"
DATASETS = "tables/datasets.csv"
METHODS = "tables/methods.csv"
CALIBRATIONS = ("measured", "documented", "nominal")

# Columns in order: type and meaning.
OF_SAMPLES = {
    "sample": ("string", "Name of the sample: one acquisition, of one image or many."),
    "dataset": ("string", "Dataset that it belongs to."),
    "images": ("string", "Files of its images within the dataset, as a pattern."),
    "truth": ("string", "Files of its ground truth, as a pattern; empty where there is none."),
    "session": ("string", "Imaging session; empty where the sheet names none."),
    "subject": ("string", "Subject (animal, patient, well) that it comes from, if known."),
    "condition": ("string", "Experimental condition, if any."),
    "split": ("string", "`train` where methods learn from it, `test` where they are judged."),
    "annotations": ("string", "Files of annotations that methods learn from, as a pattern."),
}
OF_DATASETS = {
    "dataset": ("string", "Name of the dataset."),
    "title": ("string", "What it shows."),
    "licence": ("string", "SPDX licence expression."),
    "doi": ("string", "DOI; empty where it has none."),
    "creators": ("string", "Who made it, separated by semicolons."),
    "sources": ("string", "Where its files come from, separated by spaces."),
    "axes": ("string", "Axes of its images, slowest first."),
    "voxel_z_um": ("number", "Distance of the slices; empty for flat images."),
    "voxel_y_um": ("number", "Distance of the rows of pixels."),
    "voxel_x_um": ("number", "Distance of the columns of pixels."),
    "time_step_s": ("number", "Time between time points; empty where there is one only."),
    "calibration": ("string", "How these distances are known."),
    "calibration_source": ("string", "Where they are known from."),
    "channels": ("string", "Channels, separated by spaces; empty for label images."),
    "truth_kind": ("string", "Kind of its ground truth: manual, silver or exact."),
}
OF_METHODS = {
    "method": ("string", "Name of the method; `truth` is the ground truth."),
    "filter": ("string", "Chain of filters before it, as config/methods.yaml defines it."),
    "segmenter": ("string", "Algorithm, as docs/add-a-method.md lists them."),
    "parameters": ("string", "Parameters of the segmenter, as JSON; lengths in µm."),
    "postprocess": ("string", "Steps after it in their order, as JSON; lengths in µm."),
    "training": ("string", "What a learned method learns with, as JSON; else empty."),
}
COLUMNS = {SAMPLES: OF_SAMPLES, DATASETS: OF_DATASETS, METHODS: OF_METHODS}
TITLES = {
    SAMPLES: "The samples of the study, and the dataset of each.",
    DATASETS: "The datasets of the study: rights and calibration.",
    METHODS: "The methods of the study, the ground truth among them.",
}


def study_tables(
    samples: Mapping[str, Mapping], datasets: Mapping[str, Mapping], methods: Mapping[str, Mapping]
) -> dict[str, bytes]:
    """Return the tables of samples, datasets and methods as CSV, by their path in a package.

    Parameters
    ----------
    samples, datasets, methods : mapping
        As in :class:`bioagree.publication.contents.Package`.
    """
    rows = {
        SAMPLES: [{"sample": name, **row} for name, row in samples.items()],
        DATASETS: [_dataset(name, one) for name, one in datasets.items()],
        METHODS: [{"method": TRUTH}, *(_method(name, one) for name, one in methods.items())],
    }
    return {path: b"".join(_csv(COLUMNS[path], found)) for path, found in rows.items()}


def _dataset(name: str, described: Mapping) -> dict:
    spacing = dict(zip("xyz", reversed(described["voxel_um"]), strict=False))
    addresses = [file["url"] for file in described.get("files", [])]
    return {
        "dataset": name,
        **{key: described.get(key) for key in ("title", "licence", "doi", "axes", "time_step_s")},
        "creators": "; ".join(creator["name"] for creator in described.get("creators", [])),
        "sources": " ".join(addresses),
        **{f"voxel_{axis}_um": length for axis, length in spacing.items()},
        "calibration": described.get("calibration"),
        "calibration_source": described.get("calibration_source"),
        "channels": " ".join(described.get("channels", [])),
        "truth_kind": described.get("truth", {}).get("kind"),
    }


def _method(name: str, described: Mapping) -> dict:
    return {
        "method": name,
        "filter": described.get("filter"),
        "segmenter": described.get("segmenter"),
        **{
            key: json.dumps(described[key], sort_keys=True, ensure_ascii=False)
            for key in ("parameters", "postprocess", "training")
            if described.get(key)
        },
    }


def _csv(columns: Mapping, rows: list[Mapping]):
    import pyarrow

    arrays = {
        name: pyarrow.array([row.get(name) for row in rows], pyarrow.float64())
        if kind == "number"
        else pyarrow.array([row.get(name) or "" for row in rows], pyarrow.string())
        for name, (kind, _) in columns.items()
    }
    return tables.to_csv(columns, pyarrow.table(arrays).to_batches())
