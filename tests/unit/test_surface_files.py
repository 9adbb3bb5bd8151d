"""Do files of meshes hold what others read from them?"""

import json

import numpy as np
import pytest
import trimesh
from bioagree.errors import InputError
from bioagree.features.objects import Objects
from bioagree.surfaces import files
from bioagree.surfaces.marching_cubes import marching_cubes

SPACING = (2.0, 0.5, 0.25)
LABELS = (3, 17, 70_000)


@pytest.fixture(scope="module")
def meshes():
    labels = np.zeros((4, 12, 40), np.uint32)
    for place, label in enumerate(LABELS):
        labels[1:3, 3:9, 12 * place + 2 : 12 * place + 9] = label
    return marching_cubes(Objects(labels, SPACING))


@pytest.fixture
def load(tmp_path):
    def load(images):
        files.write_glb(tmp_path / "scene.glb", images)
        return trimesh.load_scene(tmp_path / "scene.glb")

    return load


def described(path):
    """Return the JSON part of a GLB file."""
    data = path.read_bytes()
    size = int.from_bytes(data[12:16], "little")
    assert data[:4] == b"glTF"
    assert int.from_bytes(data[8:12], "little") == len(data)
    return json.loads(data[20 : 20 + size])


def test_a_scene_has_a_node_for_each_object(meshes, load):
    scene = load({"A01": meshes})
    for i, label in enumerate(LABELS):
        transform, geometry = scene.graph.get(f"label-{label}")
        np.testing.assert_array_equal(transform, np.eye(4))
        parent = scene.graph.transforms.parents[f"label-{label}"]
        assert parent == "A01"
        assert scene.graph.transforms.edge_data[parent, f"label-{label}"]["metadata"] == {
            "label": label
        }
        found, (vertices, faces) = scene.geometry[geometry], meshes.mesh(i)
        np.testing.assert_allclose(found.vertices, vertices[:, ::-1], rtol=1e-6)
        np.testing.assert_array_equal(found.faces, faces)
        assert found.is_watertight
        assert found.volume == pytest.approx(meshes.areas_and_volumes()[1][i], rel=1e-5)


def test_normals_point_outwards(meshes, load):
    scene = load({"A01": meshes})
    for found in scene.geometry.values():
        normals = found.vertex_normals
        np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, rtol=1e-5)
        away = found.vertices - found.center_mass
        assert (np.sum(normals * away, axis=1) > 0).all()


def test_images_and_frames_have_nodes_of_their_own(meshes, tmp_path, load):
    load({"still": meshes, "movie": [meshes, meshes]})
    scene = described(tmp_path / "scene.glb")
    nodes = scene["nodes"]

    def children(node):
        return [nodes[i] for i in node.get("children", [])]

    still, movie = (nodes[i] for i in scene["scenes"][0]["nodes"])
    assert (still["name"], still["extras"]) == ("still", {"image": "still"})
    assert [node["name"] for node in children(movie)] == ["frame-0", "frame-1"]
    assert [node["extras"] for node in children(movie)] == [{"frame": 0}, {"frame": 1}]
    for parent in (still, *children(movie)):
        assert [node["name"] for node in children(parent)] == [f"label-{n}" for n in LABELS]
        assert [node["extras"] for node in children(parent)] == [{"label": n} for n in LABELS]
    assert "micrometre" in scene["asset"]["extras"]["unit"]


def test_data_lie_where_the_description_says(meshes, tmp_path, load):
    load({"A01": meshes})
    scene = described(tmp_path / "scene.glb")
    data = (tmp_path / "scene.glb").read_bytes()
    start = 20 + int.from_bytes(data[12:16], "little") + 8
    assert len(data) == start + scene["buffers"][0]["byteLength"]
    for i, mesh in enumerate(scene["meshes"]):
        (primitive,) = mesh["primitives"]
        accessor = scene["accessors"][primitive["attributes"]["POSITION"]]
        view = scene["bufferViews"][accessor["bufferView"]]
        begin = start + view["byteOffset"] + accessor["byteOffset"]
        found = np.frombuffer(data, "<f4", 3 * accessor["count"], begin).reshape(-1, 3)
        np.testing.assert_allclose(found, meshes.mesh(i)[0][:, ::-1], rtol=1e-6)
        np.testing.assert_array_equal(accessor["min"], found.min(axis=0))
        np.testing.assert_array_equal(accessor["max"], found.max(axis=0))


def test_a_large_object_has_long_indices(load):
    labels = np.ones((150, 150, 100), np.uint8)
    large = marching_cubes(Objects(labels, (1.0, 1.0, 1.0)))
    assert len(large.vertices) > 2**16
    (found,) = load({"A01": large}).geometry.values()
    np.testing.assert_array_equal(found.faces, large.faces)


def test_equal_meshes_give_equal_bytes(meshes, tmp_path):
    paths = [tmp_path / name for name in ("one.glb", "two.glb")]
    for path in paths:
        files.write_glb(path, {"A01": meshes, "A02": meshes})
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_an_image_without_objects_is_a_valid_scene(tmp_path, load):
    nothing = marching_cubes(Objects(np.zeros((2, 2, 2), int), (1.0, 1.0, 1.0)))
    assert load({"A01": nothing, "A02": [nothing, nothing]}).is_empty
    scene = described(tmp_path / "scene.glb")
    # The specification forbids empty lists.
    assert "meshes" not in scene
    assert "children" not in scene["nodes"][0]


def test_a_label_has_one_colour_and_the_next_label_another(tmp_path, load):
    labels = np.arange(1, 31).reshape(1, 1, 30)
    many = marching_cubes(Objects(labels, (1.0, 1.0, 1.0)))
    load({"A01": many, "A02": many})
    scene = described(tmp_path / "scene.glb")
    materials = [mesh["primitives"][0]["material"] for mesh in scene["meshes"]]
    assert materials[:30] == materials[30:]
    assert all(len(set(materials[i : i + 14])) == 14 for i in range(17))
    factors = {tuple(m["pbrMetallicRoughness"]["baseColorFactor"]) for m in scene["materials"]}
    assert len(factors) == 14


def test_colours_are_those_of_okabe_and_ito():
    # As printed in B. Wong, Points of view: color blindness, Nat. Methods 8, 441 (2011).
    printed = [(230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66)]
    printed += [(0, 114, 178), (213, 94, 0), (204, 121, 167)]
    np.testing.assert_allclose(files.colours()[:7] * 255, printed)


def test_a_file_beyond_the_limit_of_the_format_is_refused(meshes, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 5000)
    with pytest.raises(InputError, match="fraction"):
        files.write_glb(tmp_path / "scene.glb", {"A01": meshes})
    assert not (tmp_path / "scene.glb").exists()


@pytest.mark.parametrize("kind", ["ply", "stl"])
def test_one_object_is_written_as(kind, meshes, tmp_path):
    path = tmp_path / f"label-17.{kind}"
    files.write_mesh(path, *meshes.mesh(1))
    first = path.read_bytes()
    files.write_mesh(path, *meshes.mesh(1))
    assert path.read_bytes() == first
    found = trimesh.load_mesh(path)
    assert found.is_watertight
    assert found.volume == pytest.approx(meshes.areas_and_volumes()[1][1], rel=1e-5)
    np.testing.assert_allclose(found.bounds[0], meshes.mesh(1)[0][:, ::-1].min(axis=0))


def test_other_formats_are_refused(meshes, tmp_path):
    with pytest.raises(InputError, match=r"\.ply or \.stl"):
        files.write_mesh(tmp_path / "label-17.obj", *meshes.mesh(1))
