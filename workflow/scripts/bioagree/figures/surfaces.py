"""Surfaces of objects as a microscope's user sees them: shaded, each in its colour."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bioagree.figures import canvas

LIGHT = np.array([-0.4, -0.6, 0.7])  # from the upper left, towards the viewer
AMBIENT = 0.35
ELEVATION_DEG, AZIMUTH_DEG = 35, -60
ZOOM = 1.2  # axes are not drawn, so their margin can be cut


def draw(path: str | Path, scenes: Mapping[str, str | Path], title: str) -> None:
    """Draw scenes side by side, from the same direction and to the same scale.

    Parameters
    ----------
    path : str or Path
        Where to write.
    scenes : mapping of str to str or Path
        GLB files by the name of the method; of several images or time points the first is drawn.
    title : str
        What is shown; the extent is added.
    """
    drawn = {name: _triangles(file) for name, file in scenes.items()}
    corners = np.concatenate([triangles.reshape(-1, 3) for triangles, _, _ in drawn.values()])
    figure, panels = _panels(len(drawn))
    low, high = (
        (corners.min(axis=0), corners.max(axis=0)) if len(corners) else (np.zeros(3), np.ones(3))
    )
    for axes, (name, (triangles, colours, count)) in zip(panels, drawn.items(), strict=True):
        _scene(axes, triangles, colours, low, high)
        axes.set_title(f"{name}\n{count} objects", fontsize=9)
    extent = " × ".join(f"{length:.0f}" for length in high - low)
    figure.suptitle(f"{title}; the box is {extent} µm (x × y × z)", fontsize=10)
    canvas.save(figure, path, dpi=110)


def _panels(count: int):
    from matplotlib.figure import Figure

    columns = min(5, max(1, count))
    rows = -(-count // columns)
    figure = Figure(figsize=(3.4 * columns, 3.4 * rows), layout="constrained")
    axes = figure.subplots(
        rows, columns, squeeze=False, subplot_kw={"projection": "3d", "computed_zorder": False}
    ).ravel()
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, axes[:count]


def _triangles(file: str | Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Return corners (n, 3, 3) in µm, colours (n, 3) and the number of objects of a scene."""
    import trimesh

    scene = trimesh.load_scene(file)
    corners, colours = [np.empty((0, 3, 3))], [np.empty((0, 3))]
    for node in scene.graph.nodes_geometry:
        transform, geometry = scene.graph[node]
        mesh = scene.geometry[geometry]
        places = trimesh.transform_points(mesh.vertices, transform)
        corners.append(places[mesh.faces])
        light = np.asarray(mesh.visual.material.baseColorFactor[:3]) / 255
        # glTF has linear light; IEC 61966-2-1 says how screens encode it.
        colour = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        colours.append(np.tile(colour, (len(mesh.faces), 1)))
    return np.concatenate(corners), np.concatenate(colours), len(corners) - 1


def _scene(axes, triangles, colours, low, high) -> None:
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
    light = AMBIENT + (1 - AMBIENT) * np.clip(normals @ (LIGHT / np.linalg.norm(LIGHT)), 0, 1)
    axes.add_collection3d(
        Poly3DCollection(triangles, facecolors=colours * light[:, None], edgecolors="none")
    )
    for axis, start, stop in zip("xyz", low, high, strict=True):
        getattr(axes, f"set_{axis}lim")(start, stop)
    axes.set_box_aspect(np.maximum(high - low, 1e-6), zoom=ZOOM)
    axes.view_init(elev=ELEVATION_DEG, azim=AZIMUTH_DEG)
    axes.set_axis_off()
