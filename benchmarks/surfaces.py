"""Time meshing and thinning against what people use, and measure how close thin meshes stay.

Run from the root of the repository, in the project's environment::

    uv run --group benchmark python benchmarks/surfaces.py [--size 256] [--repeat 3]

A volume of touching objects (55 % foreground, 2,000 of them in 256³ voxels) is made once, in a
temporary folder, and each side works on it in a process of its own.

*Meshing* is every object's surface in arrays: scikit-image's marching cubes on the padded crop of
one label after the other, and zmesh with the fetching of its meshes. *GLB* is from labels to a
file with every object thinned to 10 % of its triangles: for the others by scikit-image,
fast-simplification and trimesh. Nothing is smoothed, so that both thin the same surface.

Columns: median of the timed calls, after one untimed; its ratio to ours; the first call with the
imports before it, and with compilation where nothing is in the cache; the highest memory of the
process, and how much of that came after the image was loaded.

The files are then read by trimesh: triangles, how many meshes are closed, and the symmetric
Hausdorff distance to the full surface in voxels, mean and maximum over 400 objects. It is sampled
at all vertices and 2,000 random points of either surface, and exact from these to the other's
faces.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from scores import peak_mb, run

SPACING = (1.0, 1.0, 1.0)
KEPT = 0.1
SAMPLES, COMPARED = 2000, 400
MESHERS = ("bioagree", "scikit-image", "zmesh")
WRITERS = ("bioagree GLB", "others GLB")


def make_labels(folder, size):
    """Save a volume of touching objects."""
    import numpy as np
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(0)
    seeds = rng.uniform(0, size, (round(2000 * (size / 256) ** 3), 3))
    tree, volume = cKDTree(seeds), np.zeros((size,) * 3, np.uint32)
    radius = np.quantile(tree.query(rng.uniform(0, size, (100_000, 3)))[0], 0.55)
    plane = np.indices((size, size)).reshape(2, -1).T
    for z in range(size):
        points = np.insert(plane, 0, z, axis=1)
        nearest = tree.query(points, distance_upper_bound=radius, workers=-1)[1]
        volume[z].flat = (nearest + 1) % (len(seeds) + 1)  # len(seeds) means none
    np.save(folder / "labels.npy", volume)


def use_library():
    sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))


def cubes_of_scikit_image(labels):
    """Yield label, vertices and faces, one label after the other."""
    import numpy as np
    from scipy.ndimage import find_objects
    from skimage.measure import marching_cubes

    for label, box in enumerate(find_objects(labels.astype(np.int32)), start=1):
        if box is not None:
            crop = np.pad(labels[box] == label, 1)
            vertices, faces, *_ = marching_cubes(crop, 0.5, spacing=SPACING)
            corner = [side.start - 1 for side in box]
            yield label, vertices + np.multiply(corner, SPACING, dtype=np.float32), faces


def worker(name, folder):
    """Import what a side needs and return its function of the labels."""
    if name == "bioagree":
        use_library()
        from bioagree.features.objects import Objects
        from bioagree.surfaces.marching_cubes import marching_cubes

        return lambda labels: len(marching_cubes(Objects(labels, SPACING)).faces)
    if name == "scikit-image":
        return lambda labels: sum(len(f) for *_, f in list(cubes_of_scikit_image(labels)))
    if name == "zmesh":
        import zmesh

        def mesh(labels):
            mesher = zmesh.Mesher(SPACING)
            mesher.mesh(labels, close=True)
            return sum(len(found.faces) for found in [mesher.get(id_) for id_ in mesher.ids()])

        return mesh
    if name == "bioagree GLB":
        use_library()
        from bioagree.features.objects import Objects
        from bioagree.surfaces.files import write_glb
        from bioagree.surfaces.viewing import for_viewing

        def write(labels):
            thin = for_viewing(Objects(labels, SPACING), smoothing_iterations=0, faces=KEPT)
            write_glb(folder / f"{name}.glb", {"sample": thin})
            return len(thin.faces)

        return write

    import fast_simplification
    import trimesh

    def write_as_others(labels):
        scene, n = trimesh.Scene(), 0
        for label, vertices, faces in cubes_of_scikit_image(labels):
            thin = fast_simplification.simplify(vertices, faces, target_reduction=1 - KEPT)
            mesh = trimesh.Trimesh(thin[0][:, ::-1], thin[1], process=False)
            scene.add_geometry(mesh, node_name=f"label-{label}", geom_name=f"label-{label}")
            n += len(thin[1])
        (folder / f"{name}.glb").write_bytes(scene.export(file_type="glb"))
        return n

    return write_as_others


def measure(name, folder, repeat):
    """Print time, memory and triangles of one side as JSON."""
    start = time.perf_counter()
    function = worker(name, folder)
    imported = time.perf_counter() - start
    import numpy as np

    labels = np.load(folder / "labels.npy")
    loaded, seconds = peak_mb(), []
    for _ in range(repeat + 1):
        start = time.perf_counter()
        triangles = function(labels)
        seconds.append(time.perf_counter() - start)
    report = {"seconds": statistics.median(seconds[1:]), "first": imported + seconds[0]}
    report |= {"peak": peak_mb(), "added": peak_mb() - loaded, "triangles": triangles}
    print(json.dumps(report))


def assess(folder):
    """Print what both files are worth."""
    import numpy as np
    import trimesh

    use_library()
    from bioagree.features.objects import Objects
    from bioagree.surfaces.marching_cubes import marching_cubes

    farthest = compile_farthest()
    full = marching_cubes(Objects(np.load(folder / "labels.npy"), SPACING))
    for name in WRITERS:
        scene = trimesh.load_scene(folder / f"{name}.glb")
        closed, triangles, distances = 0, 0, []
        for i, label in enumerate(full.ids):
            thin = scene.geometry[scene.graph.get(f"label-{label}")[1]]
            closed += thin.is_watertight and thin.is_winding_consistent
            triangles += len(thin.faces)
            if i % max(1, len(full) // COMPARED) == 0:
                vertices, faces = full.mesh(i)
                surface = trimesh.Trimesh(vertices[:, ::-1], faces, process=False)
                distances.append(hausdorff(surface, thin, farthest))
        print(
            f"{name:14}{triangles:11,}{closed:8,} of {len(full):,}"
            f"{np.mean(distances):10.4f}{max(distances):9.4f}",
            flush=True,
        )


def hausdorff(one, two, farthest):
    """Return the symmetric Hausdorff distance of two surfaces, sampled."""
    import numpy as np

    distances = []
    for source, target in ((one, two), (two, one)):
        points = np.concatenate([source.vertices, source.sample(SAMPLES, seed=0)])
        corners = np.ascontiguousarray(target.triangles.reshape(-1, 9), dtype=float)
        distances.append(farthest(np.ascontiguousarray(points, dtype=float), corners))
    return max(distances)


def compile_farthest():
    """Return a function: the largest distance of points from the nearest triangle."""
    import numba
    import numpy as np

    @numba.njit
    def minus(p, q):
        return p[0] - q[0], p[1] - q[1], p[2] - q[2]

    @numba.njit
    def dot(p, q):
        return p[0] * q[0] + p[1] * q[1] + p[2] * q[2]

    @numba.njit
    def cross(p, q):
        return p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]

    @numba.njit
    def to_segment(p, a, b):
        """Squared distance."""
        along, away = minus(b, a), minus(p, a)
        length = dot(along, along)
        t = min(max(dot(away, along) / length, 0.0), 1.0) if length > 0 else 0.0
        rest = minus(away, (t * along[0], t * along[1], t * along[2]))
        return dot(rest, rest)

    @numba.njit
    def to_triangle(p, a, b, c):
        """Squared distance: inside the prism over the triangle that of the plane, else an edge."""
        normal = cross(minus(b, a), minus(c, a))
        size = dot(normal, normal)
        if (
            size > 0
            and dot(cross(minus(b, a), minus(p, a)), normal) >= 0
            and dot(cross(minus(c, b), minus(p, b)), normal) >= 0
            and dot(cross(minus(a, c), minus(p, c)), normal) >= 0
        ):
            return dot(minus(p, a), normal) ** 2 / size
        return min(to_segment(p, a, b), to_segment(p, b, c), to_segment(p, c, a))

    @numba.njit(parallel=True)
    def farthest(points, corners):
        n = len(corners)
        centres, radii = np.empty((n, 3)), np.zeros(n)
        for t in range(n):
            for axis in range(3):
                centres[t, axis] = corners[t, axis::3].mean()
            for k in range(0, 9, 3):
                radii[t] = max(radii[t], np.sqrt(((corners[t, k : k + 3] - centres[t]) ** 2).sum()))
        found = np.empty(len(points))
        for i in numba.prange(len(points)):
            best, p = np.inf, (points[i, 0], points[i, 1], points[i, 2])
            for t in range(n):
                away = minus(p, (centres[t, 0], centres[t, 1], centres[t, 2]))
                if dot(away, away) < (best + radii[t]) ** 2:
                    a = (corners[t, 0], corners[t, 1], corners[t, 2])
                    b = (corners[t, 3], corners[t, 4], corners[t, 5])
                    c = (corners[t, 6], corners[t, 7], corners[t, 8])
                    best = min(best, np.sqrt(to_triangle(p, a, b, c)))
            found[i] = best
        return found.max()

    return farthest


def compare(folder, size, repeat):
    """Print one row for each side, and what the files are worth."""
    command = [sys.executable, __file__, "--folder", str(folder), "--repeat", str(repeat)]
    # In its own process: on Linux the peak memory of a child starts at that of its parent.
    run([*command, "--worker", "make", "--size", str(size)])
    row = "{:14}{seconds:9.3f}{:7.1f}{first:9.2f}{peak:9.0f}{added:10.0f}{triangles:12,}"
    for group in (MESHERS, WRITERS):
        print(f"{'':14} median s  ratio  first s  peak MB  added MB   triangles")
        ours = None
        for name in group:
            found = json.loads(run([*command, "--worker", name]).splitlines()[-1])
            ours = ours or found["seconds"]
            print(row.format(name, found["seconds"] / ours, **found), flush=True)
        print()
    print(f"{'':14}  triangles    closed meshes  distance  largest")
    print(run([*command, "--worker", "assess"]), end="")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=256, help="voxels along each of three axes")
    parser.add_argument("--repeat", type=int, default=3, help="timed calls of each side")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker == "make":
        return make_labels(given.folder, given.size)
    if given.worker == "assess":
        return assess(given.folder)
    if given.worker:
        return measure(given.worker, given.folder, given.repeat)
    with tempfile.TemporaryDirectory() as folder:
        return compare(Path(folder), given.size, given.repeat)


if __name__ == "__main__":
    sys.exit(main())
