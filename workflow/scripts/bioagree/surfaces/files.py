"""Meshes as files: a GLB scene for many objects, PLY and STL for one.

Coordinates are x, y, z in µm, and the centre of the image's first voxel is the origin, as in the
tables. glTF wants metres, in which cells are too small for the precision of most viewers: one unit
is one µm, and the file says so. Axes are those of the image as well: where a viewer has y upwards,
images are upside down.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numba
import numpy as np

from bioagree.errors import InputError
from bioagree.surfaces.mesh import Meshes, normal

ABOUT = {"unit": "micrometre", "axes": "x, y, z of the image, z through the slices"}
LARGEST = 2**32 - 1  # bytes of a GLB file
# M. Okabe & K. Ito, Color Universal Design (2008), without black: seven colours that people with
# any colour vision tell apart.
OKABE_ITO = ("E69F00", "56B4E9", "009E73", "F0E442", "0072B2", "D55E00", "CC79A7")
VECTORS = {"componentType": 5126, "type": "VEC3"}
INDICES = {
    2: {"componentType": 5123, "type": "SCALAR"},
    4: {"componentType": 5125, "type": "SCALAR"},
}
# What the buffer holds, one after the other: positions, normals, indices.
VIEWS = (
    {"byteStride": 12, "target": 34962},
    {"byteStride": 12, "target": 34962},
    {"target": 34963},
)


def colours() -> np.ndarray:
    """Return the 14 colours that objects have in turn, by label, as sRGB from 0 to 1.

    The second half is the first, halfway to white. Labels that follow each other, as those of
    neighbours mostly do, have different colours, and a label has one colour in all images.
    """
    strong = np.array([[int(c[k : k + 2], 16) for k in (0, 2, 4)] for c in OKABE_ITO]) / 255
    return np.concatenate([strong, (strong + 1) / 2])


def write_glb(path: str | Path, images: Mapping[str, Meshes | Sequence[Meshes]]) -> None:
    """Write the meshes of one or more images as a glTF 2.0 scene.

    Parameters
    ----------
    path : str or Path
        Where to write, usually ``….glb``.
    images : mapping of str to Meshes or sequence of Meshes
        By name of the image: its meshes or, when it has a time axis, those of each frame. There
        is a node for each image, below it one for each frame (``frame-0`` …) if there are frames,
        and below these one for each object: ``label-17`` with the extras ``{"label": 17}``.

    Raises
    ------
    InputError
        If the file would exceed the 4 GiB that the format allows.

    Notes
    -----
    Khronos Group. glTF 2.0 Specification. ISO/IEC 12113:2022. Equal meshes give equal bytes.
    Positions are 32-bit floats. Normals are those of the faces around, weighted by area, so that
    few faces look smooth. A viewer shows all frames at once until told otherwise.
    """
    scene = _Scene()
    for name, frames in images.items():
        node = scene.add_node(scene.roots, name, {"image": name})
        if isinstance(frames, Meshes):
            scene.add_objects(node, frames, name)
            continue
        for index, meshes in enumerate(frames):
            frame = scene.add_node(node["children"], f"frame-{index}", {"frame": index})
            scene.add_objects(frame, meshes, f"{name}/frame-{index}")
    text = json.dumps(_without_empty(scene.description()), separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = [(b"JSON", len(text), [text])]
    if sum(scene.sizes):
        chunks.append((b"BIN\0", sum(scene.sizes), [data for part in scene.parts for data in part]))
    size = 12 + sum(8 + length for _, length, _ in chunks)
    if size > LARGEST:
        raise InputError(
            f"{path} would have {size / 2**30:.1f} GiB, and GLB allows 4: keep a smaller fraction "
            "of the faces, or make samples of fewer images"
        )
    with open(path, "wb") as file:
        file.write(b"glTF" + np.array([2, size], "<u4").tobytes())
        for kind, length, data in chunks:
            file.write(np.array(length, "<u4").tobytes() + kind)
            file.writelines(data)


def write_mesh(path: str | Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Write one mesh, as :meth:`Meshes.mesh` gives it, as PLY or STL (both binary).

    Raises
    ------
    InputError
        If the path ends with neither ``.ply`` nor ``.stl``.
    """
    import trimesh

    kind = Path(path).suffix.lower().lstrip(".")
    if kind not in ("ply", "stl"):
        raise InputError(f"{path}: single meshes are written as .ply or .stl")
    mesh = trimesh.Trimesh(vertices[:, ::-1], faces, process=False)
    Path(path).write_bytes(mesh.export(file_type=kind))


class _Scene:
    """What a GLB file describes, and its binary parts, while objects are added."""

    def __init__(self):
        self.roots: list[int] = []
        self.nodes: list[dict] = []
        self.meshes: list[dict] = []
        self.accessors: list[dict] = []
        self.parts: tuple[list[bytes], ...] = ([], [], [])
        self.sizes = [0, 0, 0]
        self.n_colours = len(colours())

    def add_node(self, siblings: list[int], name: str, extras: dict) -> dict:
        node = {"name": name, "children": [], "extras": extras}
        siblings.append(len(self.nodes))
        self.nodes.append(node)
        return node

    def add_objects(self, parent: dict, meshes: Meshes, path: str) -> None:
        normals = np.empty_like(meshes.vertices)
        _find_normals(meshes.vertices, meshes.faces, *meshes.offsets, normals)
        normals = normals[:, ::-1].astype("<f4")
        positions = meshes.vertices[:, ::-1].astype("<f4")
        for i, label in enumerate(meshes.ids.tolist()):
            vertices = slice(meshes.vertex_offsets[i], meshes.vertex_offsets[i + 1])
            place, faces = positions[vertices], meshes.mesh(i)[1]
            limits = {"min": place.min(axis=0).tolist(), "max": place.max(axis=0).tolist()}
            # The highest number of each type is reserved.
            indices = faces.ravel().astype("<u2" if len(place) < 2**16 else "<u4")
            primitive = {
                "attributes": {
                    "POSITION": self._add_data(0, place, VECTORS | limits),
                    "NORMAL": self._add_data(1, normals[vertices], VECTORS),
                },
                "indices": self._add_data(2, indices, INDICES[indices.itemsize]),
                "material": label % self.n_colours,
            }
            node = self.add_node(parent["children"], f"label-{label}", {"label": label})
            node["mesh"] = len(self.meshes)
            self.meshes.append({"name": f"{path}/label-{label}", "primitives": [primitive]})

    def _add_data(self, view: int, array: np.ndarray, about: dict) -> int:
        data = array.tobytes()
        data += bytes(-len(data) % 4)
        place = {"bufferView": view, "byteOffset": self.sizes[view], "count": len(array)}
        self.accessors.append(place | about)
        self.parts[view].append(data)
        self.sizes[view] += len(data)
        return len(self.accessors) - 1

    def description(self) -> dict:
        """Return the scene as glTF describes it."""
        used = bool(self.meshes)
        starts = np.cumsum([0, *self.sizes]).tolist()
        views = [
            {"buffer": 0, "byteOffset": start, "byteLength": size} | view
            for start, size, view in zip(starts, self.sizes, VIEWS, strict=False)
        ]
        return {
            "asset": {"version": "2.0", "generator": "bioagree", "extras": ABOUT},
            "scene": 0,
            "scenes": [{"nodes": self.roots}],
            "nodes": self.nodes,
            "meshes": self.meshes,
            "materials": [_material(colour) for colour in colours()] if used else [],
            "accessors": self.accessors,
            "bufferViews": views if used else [],
            "buffers": [{"byteLength": starts[-1]}] if used else [],
        }


def _material(colour: np.ndarray) -> dict:
    # glTF has linear light; IEC 61966-2-1 says how sRGB encodes it.
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    factor = [*linear.round(6).tolist(), 1.0]
    surface = {"baseColorFactor": factor, "metallicFactor": 0.0, "roughnessFactor": 0.8}
    return {"pbrMetallicRoughness": surface}


def _without_empty(value):
    """Leave out empty lists, which glTF forbids."""
    if isinstance(value, dict):
        return {key: _without_empty(item) for key, item in value.items() if item != []}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value


@numba.njit(cache=True, nogil=True, parallel=True)
def _find_normals(vertices, faces, vertex_offsets, face_offsets, normals):
    for i in numba.prange(len(vertex_offsets) - 1):
        first = vertex_offsets[i]
        points, found = (
            vertices[first : vertex_offsets[i + 1]],
            normals[first : vertex_offsets[i + 1]],
        )
        found[:] = 0
        for f in range(face_offsets[i], face_offsets[i + 1]):
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            across = normal(points[a], points[b], points[c])
            for axis in range(3):
                found[a, axis] += across[axis]
                found[b, axis] += across[axis]
                found[c, axis] += across[axis]
        for v in range(len(found)):
            length = np.sqrt((found[v] ** 2).sum())
            if length > 0:
                found[v] /= length
            else:
                found[v, 0] = 1.0
