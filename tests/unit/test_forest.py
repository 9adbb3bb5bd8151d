"""Does a pixel classifier trained on strokes segment other images, and is its file safe?"""

import io
import zipfile

import numpy as np
import pytest
from bioagree import annotations, phantoms, segmentation, trees
from bioagree.errors import InputError
from bioagree.images import Image
from bioagree.segmentation import forest
from scipy.ndimage import gaussian_filter
from skimage.feature import hessian_matrix_eigvals
from sklearn.ensemble import RandomForestClassifier

SIGMAS = (0.5, 1.0, 2.0)
FLAT = {"shape_y": 120, "shape_x": 120, "voxel_xy_um": 0.5, "count": 10, "radius_um": 5}
DEEP = {"shape_z": 16, "shape_y": 70, "shape_x": 70, "voxel_z_um": 1.5, "voxel_xy_um": 0.5}
DEEP |= {"count": 6, "radius_um": 5}


def pair(seed, share=0.03, **shape):
    image, truth, _ = phantoms.nuclei(seed=seed, **shape)
    return image, annotations.scribbles(truth, seed=seed, share=share)


@pytest.fixture(scope="module", params=[FLAT, DEEP], ids=["2D", "3D anisotropic"])
def trained(request, tmp_path_factory):
    """A file with a model that was trained on one phantom, and the shape of that."""
    path = tmp_path_factory.mktemp("model") / "model.npz"
    model = forest.train([pair(0, **request.param)], sigmas_um=SIGMAS, trees=30)
    forest.save(path, model)
    return path, model, request.param


@pytest.fixture(scope="module")
def image():
    return phantoms.nuclei(seed=3, **FLAT)[0]


def matched(truth, labels):
    """Return the share of true objects that one label covers with an IoU above one half."""
    found = 0
    for number in range(1, truth.max() + 1):
        inside = truth == number
        best = np.bincount(labels[inside])[1:]
        if best.size:
            other = labels == best.argmax() + 1
            found += (inside & other).sum() > 0.5 * (inside | other).sum()
    return found / truth.max()


def test_a_model_of_one_image_segments_another(trained):
    path, _, shape = trained
    image, truth, _ = phantoms.nuclei(seed=7, **shape)
    labels = segmentation.label(
        image, forest.pixel_forest, {"model": path, "seed_distance_um": 4.0}
    ).array
    assert matched(truth.array, labels) >= 0.8
    assert abs(int(labels.max()) - int(truth.array.max())) <= 2
    inside, outside = labels > 0, truth.array > 0
    assert (inside & outside).sum() > 0.9 * (inside | outside).sum()


def test_gain_and_offset_of_the_camera_change_nothing(trained):
    _, model, shape = trained
    image, _, _ = phantoms.nuclei(seed=7, **shape)
    other = image.with_array(3.0 * image.array + 500)
    np.testing.assert_allclose(
        forest.probabilities(image, model), forest.probabilities(other, model), atol=0.05
    )


def test_equal_training_gives_equal_bytes_and_another_seed_does_not(tmp_path):
    files = []
    for number, seed in enumerate((0, 0, 1)):
        path = tmp_path / f"{number}.npz"
        forest.save(path, forest.train([pair(0, **FLAT)], sigmas_um=SIGMAS, trees=5, seed=seed))
        files.append(path.read_bytes())
    assert files[0] == files[1] != files[2]


def test_the_file_holds_the_model_and_no_code(trained):
    path, model, shape = trained
    loaded = forest.load(path)
    assert {name: value for name, value in vars(loaded).items() if name != "trees"} == {
        name: value for name, value in vars(model).items() if name != "trees"
    }
    image = phantoms.nuclei(seed=7, **shape)[0]
    np.testing.assert_array_equal(
        forest.probabilities(image, loaded), forest.probabilities(image, model)
    )
    with zipfile.ZipFile(path) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        for entry in archive.namelist():
            array = np.load(io.BytesIO(archive.read(entry)), allow_pickle=False)
            assert array.dtype != object


def test_the_record_says_what_was_learned_from(trained):
    _, model, shape = trained
    _, drawn = pair(0, **shape)
    assert model.annotated == annotations.count(drawn.array)
    assert model.features == forest.feature_names(SIGMAS)
    assert len(model.importances) == len(model.features)
    assert sum(model.importances) == pytest.approx(1)
    assert 0.8 < model.out_of_bag_accuracy <= 1
    assert set(model.classes) == set(np.unique(drawn.array)) - {0}


def test_probabilities_are_scikit_learns_to_rounding():
    random = np.random.default_rng(0)
    values = random.normal(size=(800, 6)).astype(np.float32)
    truth = (values[:, 0] > 0).astype(int) + (values[:, 1] * values[:, 2] > 0.5)
    grown = RandomForestClassifier(20, random_state=0, class_weight="balanced_subsample")
    grown.fit(values[:400], truth[:400])
    arrays = trees.from_sklearn(grown)
    np.testing.assert_allclose(
        trees.probabilities(arrays, values), grown.predict_proba(values), atol=1e-6
    )


def test_permuted_columns_give_what_a_new_prediction_gives():
    random = np.random.default_rng(0)
    values = random.normal(size=(150, 4)).astype(np.float32)
    truth = (values[:, 0] + values[:, 1] > 0).astype(int)
    arrays = trees.from_sklearn(RandomForestClassifier(8, random_state=0).fit(values, truth))
    orders = random.permuted(np.broadcast_to(np.arange(150), (4, 3, 150)), axis=-1)
    found = trees.permuted(arrays, values, orders)
    for column in range(4):
        for repeat in range(3):
            shuffled = values.copy()
            shuffled[:, column] = values[orders[column, repeat], column]
            expected = trees.probabilities(arrays, shuffled)
            np.testing.assert_allclose(found[column, repeat], expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(61, 40), (9, 31, 20)])
def test_blocks_leave_no_seams(shape, monkeypatch):
    array = np.random.default_rng(0).poisson(50, shape).astype(np.uint16)
    image = Image(array, "ZYX"[-len(shape) :], (0.8, 0.5, 0.5)[-len(shape) :])
    whole = forest.features_of(image, sigmas_um=(0.5, 1.0))
    monkeypatch.setattr(forest, "BLOCK", array.size // 5)
    assert len(list(forest._blocks(image, (0.5, 1.0)))) > 4
    np.testing.assert_allclose(forest.features_of(image, sigmas_um=(0.5, 1.0)), whole, atol=1e-5)


@pytest.mark.parametrize("spacing", [(0.5, 0.25), (1.5, 0.5, 0.4)])
def test_features_are_those_of_their_definition_in_micrometres(spacing):
    shape = (30, 34) if len(spacing) == 2 else (14, 30, 34)
    array = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    image = Image(array, "ZYX"[-len(shape) :], spacing)
    found = dict(
        zip(
            forest.feature_names((1.0, 2.0)),
            forest.features_of(image, sigmas_um=(1.0, 2.0)).T.reshape(-1, *shape),
            strict=True,
        )
    )
    scaled = forest._normalise(array)
    blurred = gaussian_filter(scaled, [2.0 / step for step in spacing], mode="nearest")
    gradient = np.gradient(blurred, *(step / 2.0 for step in spacing))
    second = [np.gradient(one, *(step / 2.0 for step in spacing)) for one in gradient]
    entries = [second[i][j] for i in range(len(shape)) for j in range(i, len(shape))]
    eigen = hessian_matrix_eigvals(entries)
    inner = (slice(3, -3),) * len(shape)
    expected = {
        "Gaussian, 2 µm": blurred,
        "gradient magnitude, 2 µm": np.sqrt(sum(one**2 for one in gradient)),
        "Laplacian, 2 µm": sum(second[i][i] for i in range(len(shape))),
        "largest Hessian eigenvalue, 2 µm": eigen[0],
        "smallest Hessian eigenvalue, 2 µm": eigen[-1],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name][inner], values[inner], atol=2e-4, err_msg=name)
    np.testing.assert_allclose(
        found["difference of Gaussians, 1 - 2 µm"],
        found["Gaussian, 1 µm"] - found["Gaussian, 2 µm"],
        atol=1e-6,
    )


def test_boundaries_divide_where_the_outline_does_not(tmp_path):
    """Two squares that share a side: one object by outline, two by the dark line between."""
    truth = np.zeros((80, 80), np.uint32)
    truth[20:60, 10:40], truth[20:60, 40:70] = 1, 2
    array = 20.0 + 200 * (truth > 0)
    array[:, 39:41] *= 0.5
    noisy = np.random.default_rng(0).poisson(gaussian_filter(array, 1.0))
    image = Image(noisy, "YX", (0.5, 0.5), "squares", ("n",))
    drawn = np.zeros(truth.shape, np.uint8)
    drawn[5:8, :], drawn[30, 12:37], drawn[45, 43:68] = 1, 2, 2
    counts = []
    for boundary in (0, 3):
        drawn[25:55, 39:41] = boundary
        path = tmp_path / f"{boundary}.npz"
        pairs = [(image, image.with_array(drawn))]
        forest.save(path, forest.train(pairs, sigmas_um=(0.5, 1.0), trees=20))
        counts.append(forest.pixel_forest(image, model=path, seed_distance_um=6.0).max())
    assert counts == [1, 2]


def test_a_higher_probability_keeps_less(trained):
    path, _, shape = trained
    image, _, _ = phantoms.nuclei(seed=7, **shape)
    sizes = [
        np.count_nonzero(
            forest.pixel_forest(image, model=path, seed_distance_um=4.0, min_probability=share)
        )
        for share in (0.2, 0.5, 0.9)
    ]
    assert sizes[0] > sizes[1] > sizes[2] > 0


def test_several_images_and_time_points_are_learned_from(image):
    one, two = pair(0, **FLAT), pair(1, **FLAT)
    movie, strokes = (
        Image(np.stack([first.array, second.array]), "TYX", first.spacing, time_step=1.0)
        for first, second in zip(one, two, strict=True)
    )
    apart = forest.train([one, two], sigmas_um=SIGMAS, trees=5)
    together = forest.train([(movie, strokes)], sigmas_um=SIGMAS, trees=5)
    assert apart.annotated == together.annotated
    np.testing.assert_array_equal(
        forest.probabilities(image, apart), forest.probabilities(image, together)
    )


def test_a_constant_image_has_features_and_no_warning(recwarn):
    image = Image(np.full((20, 20), 7, np.uint16), "YX", (1.0, 1.0))
    assert not forest.features_of(image, sigmas_um=(1.0,)).any()
    assert not recwarn


def test_training_that_cannot_be_done_is_refused(image):
    strokes = image.with_array(np.zeros(image.array.shape, np.uint8))
    with pytest.raises(InputError, match="must mark both background"):
        forest.train([(image, strokes)], sigmas_um=SIGMAS)
    with pytest.raises(InputError, match="must mark both background"):
        forest.train([], sigmas_um=SIGMAS)
    with pytest.raises(InputError, match="from 2D or from 3D"):
        forest.train([pair(0, **FLAT), pair(0, **DEEP)], sigmas_um=SIGMAS)
    with pytest.raises(InputError, match="lengths above 0"):
        forest.train([pair(0, **FLAT)], sigmas_um=[])


def test_a_wrong_file_or_image_is_refused(trained, tmp_path):
    path, _, shape = trained
    other = phantoms.nuclei(seed=1, **(DEEP if shape is FLAT else FLAT))[0]
    with pytest.raises(InputError, match="was trained on"):
        forest.pixel_forest(other, model=path, seed_distance_um=4.0)
    broken = tmp_path / "broken.npz"
    broken.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="is not a pixel classifier"):
        forest.load(broken)
    with pytest.raises(FileNotFoundError):
        forest.load(tmp_path / "none.npz")
