"""Time scores and surface distances against the libraries people score segmentations with.

Run from the root of the repository, in the project's environment, with uv on the PATH::

    uv run python benchmarks/scores.py [--size 256] [--repeat 3]

A volume of touching objects (55 % foreground, 2,000 of them in 256³ voxels) and a perturbed copy
are made once, in a temporary folder. Each library then scores the same two arrays in a process of
its own; uv installs a peer for that process only, so that none is a dependency of the project.
Each peer is asked for a part of what our one call returns, at its cheapest setting.

Below them, the distances between the outlines of all matched objects (Hausdorff, its 95th
percentile, ASSD, NSD) against scipy's distance transforms of a crop around each pair, which is how
most tools compute them.

Columns: median of the timed calls, after one untimed; its ratio to ours; the first call with the
imports before it; the highest memory of the process, and how much of that came after the images
were loaded; what was computed, with one value as both sides give it.

A peer that cannot be installed is named with the reason. The exit status is 1 when one that is
installed fails to run.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

# Name: (requirements, one taken without its own requirements, key of ours, what is computed).
# cellpose imports torch to print its version, nothing else that its metrics need.
LIGHT = ["scipy", "scikit-image", "tqdm", "opencv-python-headless", "fastremap", "fill-voids"]
PEERS = {
    "stardist": (["stardist==0.9.2"], None, "pq", "AP, F1, PQ at one threshold"),
    "scikit-image": (["scikit-image==0.26.0"], None, "vi_split_bits", "variation of information"),
    "cellpose": (LIGHT, "cellpose==4.2.1.1", "ap_50", "AP at one threshold, torch left out"),
    "py-ctcmetrics": (["py-ctcmetrics==1.3.3"], None, "seg", "SEG, from two TIFF files"),
    "panoptica": (["panoptica==2.1.7"], None, "pq", "PQ, SQ, RQ at one threshold"),
}


def make_images(folder, size):
    """Save a volume of touching objects, and a copy with moved, lost and divided ones."""
    import numpy as np
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(0)
    seeds = rng.uniform(0, size, (round(2000 * (size / 256) ** 3), 3))
    radius = np.quantile(cKDTree(seeds).query(rng.uniform(0, size, (100_000, 3)))[0], 0.55)
    moved = np.concatenate([seeds[len(seeds) // 40 :], seeds[: len(seeds) // 20] + radius / 2])
    moved += rng.normal(0, radius / 10, moved.shape)
    plane = np.indices((size, size)).reshape(2, -1).T
    for name, centres in (("truth", seeds), ("prediction", moved)):
        tree, volume = cKDTree(centres), np.zeros((size,) * 3, np.uint16)
        for z in range(size):
            points = np.insert(plane, 0, z, axis=1)
            nearest = tree.query(points, distance_upper_bound=radius, workers=-1)[1]
            volume[z].flat = (nearest + 1) % (len(centres) + 1)  # len(centres) means none
        np.save(folder / f"{name}.npy", volume)


SPACING_UM, TOLERANCE_UM = (0.3, 0.2, 0.2), 0.3


def our_distances(truth, prediction):
    """Return mean distances and the number of pairs."""
    from bioagree.scores import contingency, match
    from bioagree.surface_distances import summarise_surface_distances, surface_distances

    pairs = match(contingency(truth, prediction))
    return summarise_surface_distances(
        surface_distances(truth, prediction, pairs, SPACING_UM, tolerance_um=TOLERANCE_UM)
    )


def distances_by_transforms(truth, prediction):
    """Return the same, from the distance transforms of a crop around each pair."""
    import numpy as np
    from bioagree.scores import contingency, match
    from scipy.ndimage import binary_erosion, distance_transform_edt, find_objects

    boxes = find_objects(truth), find_objects(prediction)
    rows = []
    for first, second, _ in match(contingency(truth, prediction)).tolist():
        crop = tuple(
            slice(min(a.start, b.start), max(a.stop, b.stop))
            for a, b in zip(boxes[0][first - 1], boxes[1][second - 1], strict=True)
        )
        masks = [np.pad(truth[crop] == first, 1), np.pad(prediction[crop] == second, 1)]
        borders = [mask & ~binary_erosion(mask) for mask in masks]
        maps = [distance_transform_edt(~border, sampling=SPACING_UM) for border in borders]
        there, back = maps[1][borders[0]], maps[0][borders[1]]
        both = np.concatenate([there, back])
        percentile = max(np.percentile(there, 95), np.percentile(back, 95))
        near = np.mean(both <= TOLERANCE_UM * (1 + 1e-9))
        rows.append((both.max(), percentile, both.mean(), near))
    names = ("mean_hausdorff_um", "mean_hd95_um", "mean_assd_um", "mean_nsd")
    return {"n_outlines": len(rows)} | dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))


OURS = {"bioagree", "outlines", "transforms"}


def scorer(library, folder):
    """Import a library and return its function of truth and prediction."""
    if library in OURS:
        sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
        from bioagree.scores import score

        return {"outlines": our_distances, "transforms": distances_by_transforms}.get(
            library, score
        )
    if library == "stardist":
        from stardist.matching import matching

        return lambda truth, prediction: matching(truth, prediction).panoptic_quality
    if library == "scikit-image":
        from skimage.metrics import variation_of_information

        return lambda truth, prediction: variation_of_information(truth, prediction)[0]
    if library == "cellpose":
        sys.modules["torch"] = SimpleNamespace(__version__="none")
        from cellpose.metrics import average_precision

        return lambda truth, prediction: average_precision(truth, prediction, [0.5])[0][0]
    if library == "py-ctcmetrics":
        import numpy as np
        import tifffile
        from ctc_metrics.metrics.technical.seg import seg
        from ctc_metrics.utils.representations import match

        files = [folder / f"{name}.npy" for name in ("truth", "prediction")]
        for file in files:
            tifffile.imwrite(file.with_suffix(".tif"), np.load(file))

        def seg_of_files(_truth, _prediction):
            labels, *_, iou = match(*(str(file.with_suffix(".tif")) for file in files))
            return seg([labels], [iou])

        return seg_of_files
    from panoptica import InputType, Metric, NaiveThresholdMatching, Panoptica_Evaluator

    evaluator = Panoptica_Evaluator(
        InputType.UNMATCHED_INSTANCE,
        instance_matcher=NaiveThresholdMatching(),
        instance_metrics=[Metric.IOU],
        global_metrics=[],
    )
    return lambda truth, prediction: evaluator.evaluate(prediction, truth)["ungrouped"].pq


def peak_mb():
    """Return the highest memory of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def measure(library, folder, repeat):
    """Print time, memory and result of one library as JSON."""
    start = time.perf_counter()
    score = scorer(library, folder)
    imported = time.perf_counter() - start
    import numpy as np

    images = [np.load(folder / f"{name}.npy") for name in ("truth", "prediction")]
    loaded, seconds = peak_mb(), []
    for _ in range(repeat + 1):
        start = time.perf_counter()
        result = score(*images)
        seconds.append(time.perf_counter() - start)
    report = {"seconds": statistics.median(seconds[1:]), "first": imported + seconds[0]}
    report |= {"peak": peak_mb(), "added": peak_mb() - loaded}
    print(json.dumps(report | {"result": result if library in OURS else float(result)}))


def run(command, **kwargs):
    """Return what a command prints, or raise RuntimeError with the last line of its error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().split("\n")[-1].strip() or f"exit {done.returncode}")
    return done.stdout


def install(library, folder):
    """Return the start of a command that has the library, and its environment."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if not uv:
        raise RuntimeError("uv is neither on the PATH nor named by UV")
    requirements, alone, *_ = PEERS[library]
    environment = dict(os.environ)
    if alone:
        environment["PYTHONPATH"] = str(folder / library)
        run([uv, "pip", "install", "--no-deps", "--target", folder / library, alone])
    command = [uv, "run", "--isolated", "--no-project", "--python", sys.executable]
    command += [word for name in requirements for word in ("--with", name)] + ["python"]
    run([*command, "--version"], env=environment)
    return command, environment


def compare(folder, size, repeat):
    """Print one row for each library and return the exit status."""
    worker = [__file__, "--folder", str(folder), "--repeat", str(repeat), "--worker"]
    # In its own process: on Linux the peak memory of a child starts at that of its parent.
    run([sys.executable, *worker, "make", "--size", str(size)])
    ours = json.loads(run([sys.executable, *worker, "bioagree"]))
    row = "{:14}{seconds:9.3f}{:7.1f}{first:9.2f}{peak:9.0f}{added:10.0f}  {}"
    print(f"{'':14} median s  ratio  first s  peak MB  added MB  computes")
    print(row.format("bioagree", 1, f"all {len(ours['result'])} scores", **ours), flush=True)
    status = 0
    for library, (*_, key, computes) in PEERS.items():
        try:
            command, environment = install(library, folder)
        except RuntimeError as reason:
            print(f"{library:14} not installable: {reason}", flush=True)
            continue
        try:
            printed = run([*command, *worker, library], env=environment)
            theirs = json.loads(printed.splitlines()[-1])  # some peers print before
        except RuntimeError as reason:
            print(f"{library:14} failed: {reason}", flush=True)
            status = 1
            continue
        computes += f" ({key} {theirs['result']:.6f}, ours {ours['result'][key]:.6f})"
        ratio = theirs["seconds"] / ours["seconds"]
        print(row.format(library, ratio, computes, **theirs), flush=True)
    ours, theirs = (
        json.loads(run([sys.executable, *worker, n])) for n in ("outlines", "transforms")
    )
    for name, report in (("bioagree", ours), ("scipy", theirs)):
        computes = (
            "outlines of {n_outlines} pairs (ASSD {mean_assd_um:.6f}, HD95 {mean_hd95_um:.6f})"
        )
        ratio, computes = report["seconds"] / ours["seconds"], computes.format(**report["result"])
        print(row.format(name, ratio, computes, **report), flush=True)
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=256, help="voxels along each of three axes")
    parser.add_argument("--repeat", type=int, default=3, help="timed calls of each library")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker == "make":
        return make_images(given.folder, given.size)
    if given.worker:
        return measure(given.worker, given.folder, given.repeat)
    with tempfile.TemporaryDirectory() as folder:
        return compare(Path(folder), given.size, given.repeat)


if __name__ == "__main__":
    sys.exit(main())
