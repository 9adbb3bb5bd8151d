"""Is the truth of a generated image as exact as it claims?"""

import csv
from hashlib import sha256
from itertools import combinations

import numpy as np
import pytest
from bioagree import images, phantoms
from bioagree.errors import InputError

FLAT = {"seed": 5, "shape_y": 96, "shape_x": 120, "voxel_xy_um": 0.25, "count": 5, "radius_um": 2}
DEEP = FLAT | {"shape_z": 30, "voxel_z_um": 0.7, "count": 6}


def inside(objects, shape, spacing, reach):
    """Return the objects that do not leave the image."""
    size = np.array(shape) * spacing
    axes = "zyx"[-len(shape) :]
    centres = [np.array([o[f"centre_{axis}_um"] for axis in axes]) for o in objects]
    last = size - np.array(spacing)
    return [
        (o, c)
        for o, c in zip(objects, centres, strict=True)
        if (c > reach).all() and (c < last - reach).all()
    ]


@pytest.mark.parametrize(("parameters", "size"), [(FLAT, "area_um2"), (DEEP, "volume_um3")])
@pytest.mark.parametrize("seed", range(4))
def test_voxels_add_up_to_the_exact_size(parameters, size, seed):
    image, truth, objects = phantoms.nuclei(**parameters | {"seed": seed})
    voxel = np.prod(image.spacing)
    whole = inside(objects, truth.array.shape, image.spacing, reach=3.2)
    for described, _ in whole:
        counted = np.count_nonzero(truth.array == described["label"]) * voxel
        assert counted == pytest.approx(described[size], rel=0.1)


def test_the_error_of_the_volume_shrinks_with_the_voxel():
    """One ball in the middle: the exact volume is 4/3 π r³, whatever the seed."""
    ball = {"count": 1, "radius_spread": 0.0, "radius_um": 3.0}
    errors = []
    for refine in (1, 2, 4):
        grid = {
            "shape_z": 12 * refine,
            "shape_y": 12 * refine,
            "shape_x": 12 * refine,
            "voxel_z_um": 1 / refine,
            "voxel_xy_um": 1 / refine,
        }
        for seed in range(200):
            image, truth, objects = phantoms.nuclei(**ball | grid, seed=seed)
            if inside(objects, truth.array.shape, image.spacing, reach=3.0):
                break
        exact = 4 / 3 * np.pi * 27
        assert objects[0]["volume_um3"] == pytest.approx(exact)
        errors.append(abs(np.count_nonzero(truth.array) / refine**3 / exact - 1))
    assert errors[-1] < 0.005
    assert errors[-1] < errors[0]


def test_the_centre_of_an_object_is_where_the_table_says():
    image, truth, objects = phantoms.nuclei(**DEEP)
    whole = inside(objects, truth.array.shape, image.spacing, reach=3.2)
    assert whole
    for described, centre in whole:
        places = np.argwhere(truth.array == described["label"]) * image.spacing
        np.testing.assert_allclose(places.mean(0), centre, atol=0.15)


@pytest.mark.parametrize("parameters", [FLAT, DEEP])
def test_no_two_objects_overlap(parameters):
    """Each object drawn alone covers exactly the voxels that it has among the others."""
    parameters = parameters | {"count": 8, "gap_um": 0.1, "radius_spread": 0.3}
    _, together, objects = phantoms.nuclei(**parameters)
    assert np.unique(together.array).tolist() == list(range(9))
    assert [o["label"] for o in objects] == list(range(1, 9))
    for count in range(1, 8):
        _, fewer, _ = phantoms.nuclei(**parameters | {"count": count})
        np.testing.assert_array_equal(
            fewer.array, np.where(together.array <= count, together.array, 0)
        )


@pytest.mark.parametrize("seed", range(10))
def test_the_gap_between_bounding_balls_is_kept(seed):
    ball = FLAT | {"radius_spread": 0.0, "gap_um": 3.0, "count": 7, "seed": seed}
    _, _, objects = phantoms.nuclei(**ball)
    for first, second in combinations(objects, 2):
        distance = np.hypot(*(first[f"centre_{a}_um"] - second[f"centre_{a}_um"] for a in "yx"))
        assert distance >= 2 * 2 + 3


@pytest.mark.parametrize("parameters", [FLAT, DEEP])
def test_the_same_seed_gives_the_same_bytes_and_another_others(tmp_path, parameters):
    def digests(folder, seed):
        (tmp_path / folder).mkdir()
        paths = phantoms.generate("nuclei", tmp_path / folder, **parameters | {"seed": seed})
        assert [path.name for path in paths] == ["image.ome.tif", "truth.ome.tif", "objects.csv"]
        return [sha256(path.read_bytes()).hexdigest() for path in paths]

    once, again, other = digests("a", 5), digests("b", 5), digests("c", 6)
    assert once == again
    assert not set(once) & set(other)


def test_what_is_written_is_what_was_drawn(tmp_path):
    phantoms.generate("nuclei", tmp_path, **DEEP)
    image, truth, objects = phantoms.nuclei(**DEEP)
    (read,) = images.read(tmp_path / "image.ome.tif")
    (labels,) = images.read(tmp_path / "truth.ome.tif")
    np.testing.assert_array_equal(read.array, image.array)
    np.testing.assert_array_equal(labels.array, truth.array)
    assert read.spacing == labels.spacing == (0.7, 0.25, 0.25)
    assert read.channels == ("nuclei",)
    with open(tmp_path / "objects.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{key: float(value) for key, value in row.items()} for row in rows] == objects


def test_too_many_objects_are_refused():
    with pytest.raises(InputError, match="object [0-9]+ finds no room .*fewer or smaller"):
        phantoms.nuclei(**FLAT | {"count": 1000})


def test_no_object_is_an_image_of_background(tmp_path):
    image, truth, objects = phantoms.nuclei(**FLAT | {"count": 0})
    assert not truth.array.any()
    assert objects == []
    assert image.array.mean() == pytest.approx(20, rel=0.02)
    phantoms.generate("nuclei", tmp_path, **FLAT | {"count": 0})
    assert (tmp_path / "objects.csv").read_text() == "label\n"


def test_signal_noise_and_background_are_as_asked():
    """Photon noise has the variance of its mean; the camera adds its own."""
    asked = FLAT | {
        "count": 0,
        "background": 100.0,
        "read_noise": 7.0,
        "shape_y": 400,
        "shape_x": 400,
    }
    image, _, _ = phantoms.nuclei(**asked)
    # 1/12 is the variance of rounding; 160,000 pixels give the variance to 0.35 %.
    assert image.array.var() == pytest.approx(100 + 49 + 1 / 12, rel=0.02)
    asked = FLAT | {"count": 1, "radius_um": 8, "photons": 1000.0, "background": 50.0}
    bright = [phantoms.nuclei(**asked | {"seed": seed}) for seed in range(12)]
    means = [image.array[truth.array == 1].mean() - 50 for image, truth, _ in bright]
    # Objects differ in brightness by 15 %, and the blur takes some from their edges.
    assert np.mean(means) == pytest.approx(1000 * 0.97, rel=0.15)


def test_the_blur_is_in_micrometres_along_each_axis():
    point = {
        "seed": 0,
        "count": 1,
        "radius_um": 0.4,
        "radius_spread": 0.0,
        "photons": 50_000.0,
        "background": 0.0,
        "read_noise": 0.0,
        "shape_z": 40,
        "shape_y": 80,
        "shape_x": 80,
        "voxel_z_um": 0.4,
        "voxel_xy_um": 0.2,
        "blur_xy_um": 0.6,
        "blur_z_um": 1.6,
    }
    for seed in range(200):
        image, _, objects = phantoms.nuclei(**point | {"seed": seed})
        if inside(objects, image.array.shape, image.spacing, reach=5.0):
            break
    weights = image.array.astype(float)
    places = np.indices(weights.shape).reshape(3, -1) * np.array(image.spacing)[:, None]
    spread = np.sqrt(np.cov(places, aweights=weights.ravel()).diagonal())
    # A ball of radius r has the variance r²/5 along each axis.
    expected = np.sqrt(np.array([1.6, 0.6, 0.6]) ** 2 + 0.4**2 / 5)
    np.testing.assert_allclose(spread, expected, rtol=0.04)
