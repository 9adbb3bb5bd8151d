"""Compare devices as measurement methods, on the images of one or several studies.

Run from the root of the repository; every device that is not here is left out, and said to be::

    uv run python benchmarks/devices.py --output docs/devices
    uv run python benchmarks/devices.py --devices cuda intel --config config/phantom.yaml

Each device filters the images and labels them with every GPU method, and trains those methods that
learn, in a process of its own, since a process chooses its device once. What two devices made of
the same images is then compared like two methods: differing voxels, Bland-Altman analysis of
counts by image, and of the sizes of matched objects clustered by image.

Snakemake imports what is not imported yet. The first device is done once more with noise on its
filtered images, relative to their values (`--noise`): this is no device, but shows what rounding
errors of that size would do, and that the comparison finds them.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from hashlib import sha256
from itertools import combinations, islice
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

DEVICES = ("cuda", "opencl-gpu", "intel", "pocl")
CONFIGS = ("config/config.yaml", "config/phantom.yaml", "config/tiny.yaml")
PLACE = ("sample", "image", "frame", "dimensions", "method")
AGREEMENT = (  # of bioagree.statistics, with its interval where it has one
    *("n", "bias", "bias_low", "bias_high", "lower", "lower_low", "lower_high"),
    *("upper", "upper_low", "upper_high", "note"),
)


# -- what a device makes of the images -------------------------------------------------------------


def read_study(path):
    """Return the study that a config describes, laid over config/config.yaml."""
    from bioagree.configuration import read_yaml
    from bioagree.study import Study
    from snakemake.utils import update_config

    config = read_yaml("config/config.yaml")
    update_config(config, read_yaml(path))
    return Study.read(config, ROOT / "workflow/schemas", str(path))


def work_of(configs, samples):
    """Yield study, sample and the GPU methods on it; what several studies share comes once."""
    seen = set()
    for path in configs:
        study = read_study(path)
        for sample in chosen(study, samples):
            on_gpu = study.methods_of_kind(gpu=True)
            methods = [name for name in study.methods_on(sample) if name in on_gpu]
            methods = [name for name in methods if (sample, name) not in seen]
            seen.update((sample, name) for name in methods)
            if methods:
                yield study, sample, methods


def chosen(study, samples):
    """Return the samples of a study that are compared."""
    return [name for name in study.segmented if not samples or name in samples]


def import_images(configs, samples):
    """Have Snakemake make the images and annotations that are missing."""
    for path in configs:
        study = read_study(path)
        compared = chosen(study, samples)
        wanted = [f"results/images/{sample}.ome.tif" for sample in [*compared, *study.training]]
        wanted += [f"results/annotations/{sample}.ome.tif" for sample in study.training]
        if not compared:
            continue
        command = [sys.executable, "-m", "snakemake", "--configfile", str(path), "--", *wanted]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{done.stdout}\nthe images of {path} cannot be imported")


class Worker:
    """Filters and labels images, and trains on them, on one device."""

    def __init__(self, wanted: str, folder: Path, most: int | None, noise: float):
        from bioagree import device

        self.device = device.choose(wanted)
        self.folder, self.most, self.noise = folder, most, noise
        self.random = np.random.default_rng(0)
        self.models: dict[str, str] = {}

    def filter(self, study, sample, method):
        """Yield the images of a sample as a method's filter chain leaves them."""
        from bioagree import filters, images

        chain = study.methods[method]["filter"]
        channel = study.dataset(sample).get("segment_channel")
        for image in islice(images.read(f"results/images/{sample}.ome.tif"), self.most):
            filtered = filters.apply(image, study.filters[chain], channel)
            if self.noise:
                errors = self.random.normal(0, self.noise, filtered.array.shape)
                noisy = (filtered.array * (1 + errors)).astype(np.float32)
                filtered = filtered.with_array(noisy, filtered.channels)
            yield filtered

    def train(self, study, method, dataset):
        """Return the file of a learned method's model, trained on this device."""
        from bioagree import images, segmentation
        from bioagree.segmentation.registry import FAMILIES

        path = self.folder / f"{method}.{dataset}.npz"
        if not path.exists():
            described = study.methods[method]
            family = FAMILIES[described["segmenter"]]
            pairs = []
            for sample in study.training_of(dataset):
                drawn = images.read(f"results/annotations/{sample}.ome.tif")
                filtered = self.filter(study, sample, method)
                pairs += zip(filtered, islice(drawn, self.most), strict=True)
            model = segmentation.load(family, "train")(pairs, **described.get("training", {}))
            segmentation.load(family, "save")(path, model)
            self.models[f"{method}.{dataset}"] = sha256(path.read_bytes()).hexdigest()
        return path

    def label(self, study, sample, method):
        """Write filtered images and labels of a sample, a file an image."""
        from bioagree import segmentation
        from bioagree.segmentation.registry import FAMILIES

        described = study.methods[method]
        segmenter = segmentation.load(FAMILIES[described["segmenter"]], described["segmenter"])
        parameters = dict(described.get("parameters", {}))
        if method in study.learned:
            parameters["model"] = self.train(study, method, study.row(sample)["dataset"])
        steps = described.get("postprocess", [])
        for number, image in enumerate(self.filter(study, sample, method)):
            labels = segmentation.label(image, segmenter, parameters, steps)
            np.savez(
                self.folder / f"{sample}.{method}.{number}.npz",
                filtered=image.stack,
                labels=labels.stack,
                spacing=image.spacing,
                name=image.name,
            )


def work(wanted, folder, given):
    """Do a device's work; its facts are written last."""
    from bioagree.errors import InputError

    try:
        worker = Worker(wanted, folder, given.images, given.noise[0])
    except InputError as error:
        sys.exit(str(error))
    for study, sample, methods in work_of(given.config, given.samples):
        for method in methods:
            worker.label(study, sample, method)
            print(f"{wanted}: {sample} {method}", file=sys.stderr, flush=True)
    facts = asdict(worker.device) | {"models": worker.models}
    (folder / "facts.json").write_text(json.dumps(facts))


def run(wanted, folder, given, noise=0.0):
    """Call `work` in a process of its own; return the device's facts, or None where it is not."""
    folder.mkdir(parents=True)
    # -P: Numba imports the package `coverage`, and must not find the file beside this one.
    command = [sys.executable, "-P", __file__, "--worker", wanted, str(folder)]
    command += ["--noise", str(noise), "--config", *given.config]
    command += ["--images", str(given.images)] if given.images else []
    command += ["--samples", *given.samples] if given.samples else []
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if "is not available here" in done.stderr or "driver can be loaded" in done.stderr:
        print(f"left out: {done.stderr.splitlines()[-1]}", file=sys.stderr)
        return None
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads((folder / "facts.json").read_text())


# -- what two devices' images have in common -------------------------------------------------------


def compare_labels(first: np.ndarray, second: np.ndarray):
    """Compare two label images of one frame.

    Parameters
    ----------
    first, second : numpy.ndarray of int
        Of one shape.

    Returns
    -------
    dict
        `voxels`, `differing_voxels`, `first_objects`, `second_objects`, `matched_objects`,
        `identical` (whether every number is the same). A voxel differs when it is background in
        one image only, or belongs to objects that are not one to one the same (intersection over
        union of half or more), so that other numbers for the same objects count for nothing.
    numpy.ndarray of int, shape (matched objects, 2)
        Voxels of each matched object.
    """
    from bioagree import correspondence
    from bioagree.images import Image

    axes = "ZYX"[-first.ndim :]
    one, other = (Image(labels, axes, (1.0,) * first.ndim) for labels in (first, second))
    rows = correspondence.overlaps([("first", "second", one, other)])
    same = correspondence.one_to_one(rows)
    pairs = [rows[f"{side}_label"][same].astype(int) for side in ("first", "second")]
    partner = np.full(int(first.max()) + 1, -1)
    partner[0] = 0
    partner[pairs[0]] = pairs[1]
    sizes = [np.bincount(labels.ravel()) for labels in (first, second)]
    found = {
        "voxels": first.size,
        "differing_voxels": int(np.count_nonzero(partner[first] != second)),
        "first_objects": int(np.count_nonzero(sizes[0][1:])),
        "second_objects": int(np.count_nonzero(sizes[1][1:])),
        "matched_objects": len(pairs[0]),
        "identical": bool(np.array_equal(first, second)),
    }
    return found, np.stack([s[labels] for s, labels in zip(sizes, pairs, strict=True)], axis=1)


def filtered_difference(first: np.ndarray, second: np.ndarray) -> float:
    """Return the largest difference of two filtered images, over the range of the first."""
    span = float(np.ptp(first))
    largest = float(np.abs(first.astype(float) - second).max())
    return largest / span if span else largest


def compare_folders(first: Path, second: Path) -> Iterator[tuple[dict, np.ndarray]]:
    """Yield what is found on each frame, and the sizes of its matched objects in µm² or µm³."""
    for path in sorted(first.glob("*.*.*.npz")):
        sample, method, _ = path.name.split(".", 2)
        with np.load(path) as one, np.load(second / path.name) as other:
            spacing, name = one["spacing"], str(one["name"])
            frames = [zip(one[k], other[k], strict=True) for k in ("labels", "filtered")]
            for frame, (labels, filtered) in enumerate(zip(*frames, strict=True)):
                found, sizes = compare_labels(*labels)
                place = dict(zip(PLACE, (sample, name, frame, len(spacing), method), strict=True))
                difference = filtered_difference(*filtered)
                yield (
                    place | found | {"filtered_difference": difference},
                    sizes * float(np.prod(spacing)),
                )


def agreement(rows: Sequence[dict], sizes: Sequence[np.ndarray]) -> Iterator[dict]:
    """Yield the Bland-Altman analysis of counts and sizes, by dimension and method.

    Parameters
    ----------
    rows, sizes : sequence
        From :func:`compare_folders`.
    """
    from bioagree.statistics.agreement import bland_altman
    from bioagree.statistics.object_agreement import agree

    for key in dict.fromkeys((row["dimensions"], row["method"]) for row in rows):
        chosen = [i for i, row in enumerate(rows) if (row["dimensions"], row["method"]) == key]
        about = dict(zip(("dimensions", "method"), key, strict=True)) | {"images": len(chosen)}
        counts = [[rows[i][f"{side}_objects"] for i in chosen] for side in ("first", "second")]
        found = asdict(bland_altman(*counts))
        yield about | {"measured": "objects"} | {name: found[name] for name in AGREEMENT}
        matched = np.concatenate([sizes[i] for i in chosen])
        clusters = np.repeat(chosen, [len(sizes[i]) for i in chosen])
        columns = agree(matched[:, :1], matched[:, 1:], clusters)
        what = "area_um2" if key[0] == 2 else "volume_um3"
        yield about | {"measured": what} | {name: columns[name][0] for name in AGREEMENT}


# -- tables ----------------------------------------------------------------------------------------


def device_rows(facts: dict[str, dict]) -> list[dict]:
    """Return a row a device; models that were trained on it are told by their sha256."""
    return [
        {"device": name}
        | {key: one[key] for key in ("backend", "kind", "name", "driver")}
        | {"models": " ".join(f"{model}:{sha}" for model, sha in sorted(one["models"].items()))}
        for name, one in facts.items()
    ]


def write(path: Path, rows: Sequence[dict]) -> None:
    """Write rows as CSV; columns that only some rows have are empty in the others."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({n: f"{v:.6g}" if isinstance(v, float) else v for n, v in row.items()})


def read(path: Path) -> list[dict]:
    """Read what :func:`write` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def tables(folder: Path) -> str:
    """Return the tables of a folder as text for people."""
    devices, images, results = (
        read(folder / f"{name}.csv") for name in ("devices", "images", "agreement")
    )
    lines = ["# What the devices made of the same images", ""]
    lines += ["Made by `benchmarks/devices.py` from the tables in this folder.", ""]
    lines += table(
        ["device", "backend", "name", "driver"],
        [[row["device"], row["backend"], row["name"], row["driver"]] for row in devices],
    )
    absent = [name for name in DEVICES if name not in {row["device"] for row in devices}]
    lines += ["", f"Not measured yet: {', '.join(absent)}." if absent else "All were measured."]
    for first, second in dict.fromkeys((row["first"], row["second"]) for row in images):
        lines += ["", f"## {first} and {second}", ""]
        lines += table(HEADER, _pair(first, second, images, results))
    return "\n".join(lines) + "\n"


HEADER = [
    *("method", "images", "objects", "identical images", "differing voxels"),
    *("count: bias (limits)", "size: bias (limits)", "filtered images differ by"),
]


def _pair(first: str, second: str, images, results) -> Iterator[list]:
    mine = [row for row in images if (row["first"], row["second"]) == (first, second)]
    for key in dict.fromkeys((row["dimensions"], row["method"]) for row in mine):
        rows = [row for row in mine if (row["dimensions"], row["method"]) == key]
        count, size = (
            row
            for row in results
            if (row["first"], row["second"], row["dimensions"], row["method"])
            == (first, second, *key)
        )
        unit = {"area_um2": "µm²", "volume_um3": "µm³"}[size["measured"]]
        total, differing, objects, largest = (
            [float(row[name]) for row in rows]
            for name in ("voxels", "differing_voxels", "matched_objects", "filtered_difference")
        )
        identical = sum(row["identical"] == "True" for row in rows)
        yield [
            f"{key[1]}, {key[0]}D",
            len(rows),
            f"{sum(objects):.0f}",
            f"{identical} of {len(rows)}",
            f"{sum(differing):.0f} of {sum(total):.3g}",
            _limits(count),
            f"{_limits(size)} {unit}",
            f"{max(largest):.1e}" if max(largest) else "0",
        ]


def _limits(row) -> str:
    bias, lower, upper = (float(row[name]) for name in ("bias", "lower", "upper"))
    if np.isnan(lower):
        return f"{bias:.3g}"
    return f"{bias:.3g} ({lower:.3g} to {upper:.3g})"


def table(header, rows) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


# -- all of it -------------------------------------------------------------------------------------


def measure(given, place: Path):
    """Return facts by device, and rows of images and of agreement of every two."""
    facts = {}
    for name in given.devices:
        if found := run(name, place / name, given):
            facts[name] = found
    if not facts:
        sys.exit("none of these devices is here: " + ", ".join(given.devices))
    pairs = list(combinations(facts, 2))
    first = next(iter(facts))
    for amount in given.noise:
        name = f"{first} with noise of {amount:g}"
        facts[name] = run(first, place / name, given, amount)
        pairs.append((first, name))
    images, results = [], []
    for first, second in pairs:
        found = list(compare_folders(place / first, place / second))
        rows, sizes = [row for row, _ in found], [values for _, values in found]
        names = {"first": first, "second": second}
        images += [names | row for row in rows]
        results += [names | row for row in agreement(rows, sizes)]
    return facts, images, results


def main():
    """Measure, print, and write where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--devices", nargs="+", choices=DEVICES, default=DEVICES)
    parser.add_argument("--config", nargs="+", default=CONFIGS, help="studies to take images of")
    parser.add_argument("--samples", nargs="+", help="names; all unless given")
    parser.add_argument("--images", type=int, help="of each sample at most; all unless given")
    parser.add_argument("--noise", nargs="*", type=float, default=(1e-6, 1e-3), help="none: none")
    parser.add_argument("--output", type=Path, help="folder for the tables")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        return work(given.worker[0], Path(given.worker[1]), given)
    import_images(given.config, given.samples)
    with tempfile.TemporaryDirectory() as place:
        facts, images, results = measure(given, Path(place))
        output = given.output or Path(place, "tables")
        output.mkdir(parents=True, exist_ok=True)
        write(output / "devices.csv", device_rows(facts))
        write(output / "images.csv", images)
        write(output / "agreement.csv", results)
        text = tables(output)
        (output / "devices.md").write_text(text, encoding="utf-8")
        print(text)
        identical = [row["identical"] for row in images if row["second"] in DEVICES]
        print(f"labels of two devices are identical in {sum(identical)} of {len(identical)} images")


if __name__ == "__main__":
    main()
