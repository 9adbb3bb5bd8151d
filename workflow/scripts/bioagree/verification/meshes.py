"""Scenes of surfaces compared: object by object, by place, area and volume."""

from pathlib import Path

import numpy as np

from bioagree.verification.difference import Difference

# Where labels differ at a voxel, other edges are taken away when triangles are thinned out, so
# vertices cannot be compared one by one. A hundredth of an object's diagonal is less than half a
# voxel for objects of up to 40 voxels across.
TOLERANCE = 1e-2


def compare_surfaces(recorded: Path, found: Path) -> Difference:
    """Compare the scenes of two GLB files."""
    old, new = _read(recorded), _read(found)
    if other := [*(old.keys() - new.keys()), *(new.keys() - old.keys())]:
        name = sorted(other)[0]
        was = "recorded, not found" if name in old else "not recorded"
        return Difference(f"{len(other)} objects are not in both: {name} was {was}")
    worst, sentence, within = 0.0, "", True
    for name in old:
        a, b = old[name], new[name]
        if np.array_equal(a.vertices, b.vertices) and np.array_equal(a.faces, b.faces):
            continue
        corners = np.abs(a.bounds - b.bounds).max()
        volumes = abs(a.volume - b.volume) / abs(a.volume) if a.volume else abs(b.volume)
        offs = np.array([corners / a.scale, abs(a.area - b.area) / a.area, volumes])
        within = within and bool((offs <= TOLERANCE).all())  # false for NaN of a broken mesh too
        if not sentence or offs.max() > worst:
            worst = float(offs.max())
            sentence = (
                f"{name}: corners of its box by at most {corners:.2g} µm; area {a.area:.7g} µm² "
                f"recorded, {b.area:.7g} found; volume {a.volume:.7g} µm³ recorded, "
                f"{b.volume:.7g} found"
            )
    if not sentence:
        return Difference("same surfaces, other normals, colours or names beside them", within=True)
    return Difference(sentence, within=within)


def _read(path: Path) -> dict:
    import trimesh

    return dict(trimesh.load_scene(path, process=False).geometry)
