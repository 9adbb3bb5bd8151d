"""Time feature tables against scikit-image, a memory copy, and meshers.

Run from the root of the repository::

    uv run --group benchmark python benchmarks/features.py [--size 256] [--side 4096] [--repeat 5]

A volume of touching objects (55 % foreground, 2,000 of them in 256³ voxels), a plane of 10,000
(4096² pixels), and 16-bit intensities are made once, in a temporary folder. Each side then
measures the same arrays in a process of its own, scikit-image once (its shapes take minutes).

Columns: the time of the others over ours; median of the timed calls, after one untimed; the memory
that the process took beyond what it had before the arrays were read, as a multiple of the arrays'
bytes (1 when nothing but the arrays is in memory). Compiling comes first, with an empty cache; all
later processes read that cache, as a user's second job does. Values that are defined alike are
compared, and the largest difference is printed, relative where a value exceeds 1.

Last, the sizes from 128³ to 512³, and the exponent with which time and memory grow.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIBRARY = str(Path(__file__).parents[1] / "workflow/scripts")
PLACE = ["area", "bbox", "centroid", "inertia_tensor_eigvals"]
INTENSITIES = ["intensity_mean", "intensity_min", "intensity_max", "intensity_std"]
SHAPE = [
    "extent",
    "axis_major_length",
    "axis_minor_length",
    "euler_number",
    "area_filled",
    "solidity",
    "feret_diameter_max",
]
SHAPE_2D = ["perimeter_crofton", "eccentricity", "orientation"]
ALIKE = {  # ours: theirs
    "area_um2": "area",
    "volume_um3": "area",
    "centroid_x_um": "centroid-{last}",
    "intensity_mean_n": "intensity_mean",
    "intensity_sd_n": "intensity_std",
    "extent": "extent",
    "axis_major_um": "axis_major_length",
    "axis_minor_um": "axis_minor_length",
    "euler_number": "euler_number",
    "perimeter_um": "perimeter_crofton",
    "eccentricity": "eccentricity",
}
TASKS = {
    "cheap": "area, box, centroid, second moments, mean, sd, total, min, max",
    "intensity": "the same statistics, median, 10th and 90th percentile",
    "shape": "boundary, axes, hull, Feret, topology",
    "crofton": "surface area only",
}
PEERS = {
    "cheap": ["copy", "scikit-image"],
    "intensity": [],
    "shape": ["scikit-image"],
    "crofton": ["zmesh", "marching cubes"],
}


def make(folder, size, side):
    """Save label images and intensities in three and in two dimensions."""
    import numpy as np

    rng = np.random.default_rng(0)
    for name, shape, n in (
        ("3d", (size,) * 3, round(2000 * (size / 256) ** 3)),
        ("2d", (side,) * 2, round(10_000 * (side / 4096) ** 2)),
    ):
        labels = touching(shape, n, rng)
        np.save(folder / f"{name}.labels.npy", labels)
        np.save(folder / f"{name}.image.npy", noisy(labels, rng))
    block = touching((128,) * 3, 250, rng)
    for times in (1, 2, 3, 4):
        labels = np.zeros((128 * times,) * 3, np.uint16)
        for index, corner in enumerate(np.ndindex((times,) * 3)):
            place = tuple(slice(128 * c, 128 * (c + 1)) for c in corner)
            labels[place] = np.where(block, block + 250 * index, 0)
        np.save(folder / f"growth{times}.labels.npy", labels)
        np.save(folder / f"growth{times}.image.npy", noisy(labels, rng))


def touching(shape, n, rng):
    """Return the cells of random seeds, cut off at a radius that leaves 55 % foreground."""
    import numpy as np
    from scipy.spatial import cKDTree

    seeds = rng.uniform(0, shape, (n, len(shape)))
    tree = cKDTree(seeds)
    radius = np.quantile(tree.query(rng.uniform(0, shape, (100_000, len(shape))))[0], 0.55)
    labels = np.zeros(shape, np.uint16)
    for first in range(shape[0]):
        points = np.indices((1, *shape[1:])).reshape(len(shape), -1).T + 0.0
        points[:, 0] = first
        nearest = tree.query(points, distance_upper_bound=radius, workers=-1)[1]
        labels[first].flat = (nearest + 1) % (n + 1)  # n means none
    return labels


def noisy(labels, rng):
    """Return bright objects on a dark background; made plane by plane, to save memory."""
    import numpy as np

    image = np.empty(labels.shape, np.uint16)
    for plane, values in zip(labels, image, strict=True):
        values[:] = rng.poisson(np.where(plane, 1000 + plane % 500, 100))
    return image


def measurer(library, task):
    """Return a function of labels and intensities that gives a dict of columns."""
    if library == "copy":
        return lambda labels, image: {"copies": (labels.copy(), image.copy())}
    if library == "scikit-image":
        from skimage.measure import regionprops_table

        def table(labels, image):
            names = PLACE + INTENSITIES if task == "cheap" else list(SHAPE)
            names += SHAPE_2D if task == "shape" and labels.ndim == 2 else []
            return regionprops_table(labels, image, properties=names)

        return table
    if library == "zmesh":
        from zmesh import Mesher

        return lambda labels, image: {"none": Mesher((1, 1, 1)).mesh(labels)}
    sys.path.insert(0, LIBRARY)
    import numpy as np
    from bioagree.features import configurations, crofton, intensity, shape, size
    from bioagree.features.objects import Objects

    if library == "marching cubes":
        from bioagree.surfaces.marching_cubes import in_batches

        return lambda labels, image: {
            "none": [len(meshes) for meshes in in_batches(Objects(labels, (1.0,) * labels.ndim))]
        }

    def ours(labels, image):
        objects = Objects(labels, (1.0,) * labels.ndim, {"n": image})
        if task == "cheap":
            statistics = intensity.summarise(objects, "n")
            names = (f"intensity_{name}_n" for name in intensity.STATISTICS)
            return size.measure(objects) | dict(zip(names, statistics, strict=True))
        if task == "intensity":
            return intensity.measure(objects)
        if task == "shape":
            return shape.measure(objects)
        if task == "crofton":
            values = crofton.area_values(objects.spacing)[:, np.newaxis]
            return {"surface_area_um2": configurations.add_up(objects.runs, values)[:, 0]}
        return size.measure(objects) | intensity.measure(objects) | shape.measure(objects)

    return ours


def peak_bytes():
    """Return the highest memory of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def work(folder, library, task, name, repeat):
    """Print time, memory and values of one side as JSON."""
    measure = measurer(library, task)
    import numpy as np

    tiny = np.zeros((4, 5, 6) if name != "2d" else (5, 6), np.uint16)
    tiny[1:3, 1:3] = 1
    start = time.perf_counter()
    if library != "zmesh":
        measure(tiny, tiny)
    first = time.perf_counter() - start
    before = peak_bytes()
    labels, image = (np.load(folder / f"{name}.{kind}.npy") for kind in ("labels", "image"))
    seconds = []
    for _ in range(repeat + (repeat > 1)):
        start = time.perf_counter()
        columns = measure(labels, image)
        seconds.append(time.perf_counter() - start)
    report = {
        "seconds": statistics.median(seconds[repeat > 1 :]),
        "first": first,
        "bytes": labels.nbytes + image.nbytes,
        "memory": (peak_bytes() - before) / (labels.nbytes + image.nbytes),
    }
    values = {}
    for ours, theirs in ALIKE.items():
        for column in (ours, theirs.format(last=labels.ndim - 1)):
            if column in columns:
                values[ours] = np.asarray(columns[column], float).tolist()
    print(json.dumps(report | {"values": values}))


def run(folder, library, task, name, repeat):
    """Call `work` in a process of its own, and return what it prints."""
    command = [sys.executable, __file__, "--folder", folder, "--worker", library]
    command += ["--task", task, "--image", name, "--repeat", str(repeat)]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().split("\n")[-1])
    return json.loads(done.stdout.splitlines()[-1])


def difference(ours, theirs):
    """Return the largest relative difference of what both sides have."""
    import numpy as np

    largest = 0
    for name in ours.keys() & theirs.keys():
        a, b = np.array(ours[name]), np.array(theirs[name])
        scale = np.maximum(np.abs(b), 1)
        largest = max(largest, np.nanmax(np.abs(a - b) / scale, initial=0))
    return f"{len(ours.keys() & theirs.keys())} columns differ by at most {largest:.0e}"


def compare(folder, tasks, repeat):
    """Print one block for each task and kind of image, and return the exit status."""
    status = 0
    for task in tasks:
        for name in ("3d", "2d"):
            if task == "crofton" and name == "2d":
                continue
            ours = run(folder, "bioagree", task, name, repeat)
            print(f"\n{task}, {name}: {TASKS[task]}")
            print(f"{'':16}{'ratio':>8}{'median s':>10}{'memory':>8}")
            row = "{:16}{:8.2f}{:10.3f}{:8.2f}  {}"
            print(row.format("bioagree", 1, ours["seconds"], ours["memory"], ""), flush=True)
            for peer in PEERS[task]:
                try:
                    theirs = run(folder, peer, task, name, 1 if peer == "scikit-image" else repeat)
                except RuntimeError as reason:
                    print(f"{peer:16} failed: {reason}", flush=True)
                    status = 1
                    continue
                ratio = theirs["seconds"] / ours["seconds"]
                note = difference(ours["values"], theirs["values"]) if theirs["values"] else ""
                text = row.format(peer, ratio, theirs["seconds"], theirs["memory"], note)
                print(text, flush=True)
    return status


def compile_times(folder):
    """Print how long the first call takes with an empty cache, and with a full one."""
    for text in ("compiling", "reading the compiled code"):
        times = [run(folder, "bioagree", "all", name, 1)["first"] for name in ("3d", "2d")]
        print(f"{text}: {times[0]:.1f} s in 3D, then {times[1]:.1f} s in 2D", flush=True)


def growth(folder, repeat):
    """Print time and memory of all groups against size, and the exponents."""
    import numpy as np

    print(f"\nall groups, 128³ to 512³ voxels\n{'':16}{'s':>8}{'MB':>10}{'memory':>8}")
    rows = []
    for times in (1, 2, 3, 4):
        report = run(folder, "bioagree", "all", f"growth{times}", repeat)
        taken = report["memory"] * report["bytes"]
        rows.append((report["bytes"], report["seconds"], taken))
        print(f"{128 * times:13}³  {rows[-1][1]:8.3f}{taken / 1e6:10.0f}{report['memory']:8.2f}")
    size, *results = np.log(np.array(rows)).T
    for name, values in zip(("time", "memory"), results, strict=True):
        print(f"{name} grows with the power {np.polyfit(size, values, 1)[0]:.2f} of the size")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=256, help="voxels along each of three axes")
    parser.add_argument("--side", type=int, default=4096, help="pixels along each of two axes")
    parser.add_argument("--repeat", type=int, default=5, help="timed calls")
    parser.add_argument(
        "--tasks", nargs="*", choices=[*TASKS, "growth"], default=[*TASKS, "growth"]
    )
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--image", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker == "make":
        return make(given.folder, given.size, given.side)
    if given.worker:
        return work(given.folder, given.worker, given.task, given.image, given.repeat)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, __file__, "--folder", folder, "--worker", "make"]
        # In its own process: on Linux the peak memory of a child starts at that of its parent.
        subprocess.run([*command, "--size", str(given.size), "--side", str(given.side)], check=True)
        compile_times(folder)
        status = compare(folder, [task for task in given.tasks if task != "growth"], given.repeat)
        if "growth" in given.tasks:
            growth(folder, given.repeat)
        return status


if __name__ == "__main__":
    sys.exit(main())
