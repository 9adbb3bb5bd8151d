"""A random forest that tells the pixels of objects from background, trained from a few strokes.

What is trained with :func:`train` is applied with :func:`pixel_forest`, a segmenter like any
other. The features are pyclesperanto's (GPU rules).
"""

import io
import json
import math
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bioagree import annotations, device
from bioagree.errors import InputError
from bioagree.images import Image
from bioagree.parameters import in_voxels
from bioagree.segmentation.watershed import _apart

if TYPE_CHECKING:
    from bioagree.trees import Trees

BLOCK = 1 << 21  # voxels whose features are in memory at once: about 200 MB
REACH = 4  # of a Gaussian, in standard deviations, as in pyclesperanto
STEPS = 2  # voxels that two derivatives reach
MAD_TO_SD = 1.4826  # of a normal distribution
LINEAR_SD = 3  # up to here intensities count as they are, beyond by their logarithm
FORMAT = 1
LEAF = 5  # least pixels in a leaf
TINY = 1e-10  # below: all eigenvalues are equal


@dataclass(frozen=True)
class Model:
    """A trained pixel classifier, and the record of its training.

    Parameters
    ----------
    trees : bioagree.trees.Trees
        The forest.
    sigmas_um : tuple of float
        Scales of its features, in µm.
    features : tuple of str
        Their names, in order.
    classes : tuple of int
        The classes that were annotated, in the order of the forest's probabilities.
    ndim : int
        2 or 3, as the images that it was trained on.
    annotated : dict of str to int
        Annotated voxels per class.
    out_of_bag_accuracy : float
        Share of the annotated voxels that the trees which were not trained on them classify as
        annotated. Neighbours in one stroke resemble each other, so it flatters: only scores on
        other images say how good the model is.
    importances : tuple of float
        Share of each feature in the decrease of Gini impurity.
    """

    trees: "Trees"
    sigmas_um: tuple[float, ...]
    features: tuple[str, ...]
    classes: tuple[int, ...]
    ndim: int
    annotated: dict[str, int]
    out_of_bag_accuracy: float
    importances: tuple[float, ...]


def train(
    pairs: Iterable[tuple[Image, Image]],
    *,
    sigmas_um: Sequence[float],
    trees: int = 100,
    seed: int = 0,
) -> Model:
    """Train a pixel classifier.

    Parameters
    ----------
    pairs : iterable of (Image, Image)
        Images of one channel, and their annotations; see :mod:`bioagree.annotations`. Taken one
        at a time. Both may have a time axis.
    sigmas_um : sequence of float
        Standard deviations of the Gaussians that the features are made of, in µm: from the width
        of an edge to about the radius of an object, each about twice the one before.
    trees : int
        More are smoother and slower; beyond 100 little changes.
    seed : int
        Of the samples and features that each tree is given.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        When the annotations do not fit the images, lack objects or background, or when there are
        images in 2D and in 3D.

    Notes
    -----
    Classes weigh the same however many voxels were annotated of each. The same images,
    annotations, seed and device give the same model, byte by byte in its file.

    References
    ----------
    Breiman L. Random forests. Machine Learning 45, 5-32 (2001), doi:10.1023/A:1010933404324
    """
    from sklearn.ensemble import RandomForestClassifier

    from bioagree.trees import from_sklearn

    sigmas = tuple(sorted(float(sigma) for sigma in sigmas_um))
    if not sigmas or sigmas[0] <= 0:
        raise InputError(f"sigmas_um must hold lengths above 0, not {list(sigmas_um)}")
    values, classes, dimensions = [], [], set()
    for image, strokes in pairs:
        annotations.check_fits(strokes, image)
        dimensions.add(image.ndim)
        for frame, drawn in zip(_frames(image), strokes.stack, strict=True):
            known = drawn > 0
            classes.append(drawn[known])
            values.append(_features_where(frame, known, sigmas))
    if len(dimensions) > 1:
        raise InputError("a pixel classifier learns from 2D or from 3D images, not from both")
    classes = np.concatenate(classes) if classes else np.array([], int)
    annotations.check_classes(classes)
    forest = RandomForestClassifier(
        n_estimators=trees,
        min_samples_leaf=LEAF,
        class_weight="balanced_subsample",
        oob_score=True,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # With a handful of trees, some voxels were given to all of them; these count as background.
        warnings.filterwarnings("ignore", message="Some inputs do not have OOB scores")
        forest.fit(np.concatenate(values), classes)
    return Model(
        trees=from_sklearn(forest),
        sigmas_um=sigmas,
        features=feature_names(sigmas),
        classes=tuple(int(number) for number in forest.classes_),
        ndim=dimensions.pop(),
        annotated=annotations.count(classes),
        out_of_bag_accuracy=float(forest.oob_score_),
        importances=tuple(float(share) for share in forest.feature_importances_),
    )


def save(path: str | Path, model: Model) -> None:
    """Write a model as .npz of plain arrays; equal models give equal bytes."""
    record = {name: value for name, value in vars(model).items() if name != "trees"} | {
        "format": FORMAT
    }
    text = json.dumps(record, sort_keys=True).encode()
    arrays = {**vars(model.trees), "record": np.frombuffer(text, np.uint8)}
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))  # no date
            archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=6)


def load(path: str | Path) -> Model:
    """Read a model that :func:`save` wrote; runs no code from the file.

    Raises
    ------
    InputError
        When it is not such a file.
    """
    from bioagree.trees import Trees

    try:
        with np.load(path, allow_pickle=False) as arrays:
            record = json.loads(arrays["record"].tobytes())
            trees = Trees(**{name: arrays[name] for name in arrays.files if name != "record"})
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged files raise whatever the damage leads to
        raise InputError(f"{path} is not a pixel classifier ({error})") from error
    if record.pop("format") != FORMAT:
        raise InputError(f"{path} was written by another version; train the pixel classifier anew")
    lists = {name: tuple(value) for name, value in record.items() if isinstance(value, list)}
    return Model(trees, **(record | lists))


def pixel_forest(
    image: Image, *, model: Path, seed_distance_um: float, min_probability: float = 0.5
) -> np.ndarray:
    """Classify every voxel with a trained forest, and split the foreground into objects.

    Parameters
    ----------
    image : Image
        One channel, one time point, filtered as the images that the model was trained on.
    model : Path
        A file of :func:`save`.
    seed_distance_um : float
        Least distance between two seeds, in µm; about an object's radius. Larger joins
        neighbours, smaller splits objects.
    min_probability : float
        Voxels are foreground when they are an object, or the boundary between two, with more than
        this probability.

    Returns
    -------
    numpy.ndarray
        Labels.

    Notes
    -----
    Seeds are where the depth in what is more likely object than boundary, blurred with half of
    `seed_distance_um`, is greatest: without the blur, long or rough objects would be split. The
    foreground is flooded from them and divided where the floods meet.
    """
    trained = load(model)
    if image.ndim != trained.ndim:
        raise InputError(
            f"image {image.name!r} is {image.ndim}D, but {model} was trained on "
            f"{trained.ndim}D images"
        )
    chances = probabilities(image, trained)
    inside = chances[trained.classes.index(annotations.OBJECT)]
    between = np.zeros_like(inside)
    if annotations.BOUNDARY in trained.classes:
        between = chances[trained.classes.index(annotations.BOUNDARY)]
    foreground = inside + between > min_probability
    return _split(foreground, foreground & (inside > between), image.spacing, seed_distance_um)


def probabilities(image: Image, model: Model) -> np.ndarray:
    """Return the probability of each class in each voxel of one channel and time point.

    Works block by block, so that memory holds few features of a large image; the result does not
    depend on the blocks.

    Returns
    -------
    numpy.ndarray of float32, shape (classes, ...)
        In the order of ``model.classes``.
    """
    from bioagree import trees

    result = np.empty((len(model.classes), *image.array.shape), np.float32)
    for block, values in _blocks(image, model.sigmas_um):
        chances = trees.probabilities(model.trees, values)
        result[:, *block] = chances.T.reshape(-1, *result[0][block].shape)
    return result


def features_of(image: Image, *, sigmas_um: Sequence[float]) -> np.ndarray:
    """Describe each voxel of one channel and time point by its neighbourhood.

    Parameters
    ----------
    image : Image
        Intensities.
    sigmas_um : sequence of float
        Standard deviations of the Gaussians, in µm, ascending.

    Returns
    -------
    numpy.ndarray of float32, shape (voxels, features)
        Columns as named by :func:`feature_names`; rows in the array's (C) order.

    Notes
    -----
    Intensities are first centred on the image's median, divided by three standard deviations
    (estimated by the median absolute deviation), and their inverse hyperbolic sine is taken: it is
    linear near zero and logarithmic beyond (Lupton RH, Gunn JE, Szalay AS, Astron J 118, 1406-1410
    (1999), doi:10.1086/301004). Where most of an image is background, that is its level and noise:
    gain and offset of the camera then change nothing, and the edge of a dim object counts as much
    as that of a bright one. Where objects stand out from the noise much more or less than in the
    images trained on, outlines shift: annotate both kinds.

    Every Gaussian has the same width in µm along each axis. Derivatives are multiplied by their
    sigma once per order (Lindeberg, Int J Comput Vis 30, 79-116 (1998),
    doi:10.1023/A:1008045108935), so that they compare between scales and voxel sizes; those of
    second order are summed up in the trace (Laplacian) and in the largest and the smallest
    eigenvalue of the Hessian matrix: a dark line between two objects has a large one.
    """
    values = np.empty((image.array.size, len(feature_names(sigmas_um))), np.float32)
    rows = np.arange(image.array.size).reshape(image.array.shape)
    for block, found in _blocks(image, sigmas_um):
        values[rows[block].ravel()] = found
    return values


def feature_names(sigmas_um: Sequence[float]) -> tuple[str, ...]:
    """Name the columns of :func:`features_of`."""
    names = ["intensity"]
    for sigma in sigmas_um:
        names += [f"{feature}, {sigma:g} µm" for feature in PER_SCALE]
    names += [f"difference of Gaussians, {a:g} - {b:g} µm" for a, b in pairwise(sigmas_um)]
    return tuple(names)


PER_SCALE = (
    "Gaussian",
    "gradient magnitude",
    "Laplacian",
    "largest Hessian eigenvalue",
    "smallest Hessian eigenvalue",
)


def _frames(image: Image) -> list[Image]:
    """Return the image of each time point."""
    frames: list[Image] = []
    image.map_frames(lambda frame: frames.append(frame) or frame.array)
    return frames


def _features_where(image: Image, wanted: np.ndarray, sigmas_um) -> np.ndarray:
    """Return the features of the wanted voxels only, in the array's order."""
    values = np.empty((np.count_nonzero(wanted), len(feature_names(sigmas_um))), np.float32)
    rows = np.cumsum(wanted).reshape(wanted.shape) - 1
    for block, found in _blocks(image, sigmas_um):
        here = wanted[block]
        values[rows[block][here]] = found[here.ravel()]
    return values


def _blocks(image: Image, sigmas_um):
    """Yield slabs of the image as slices, and the features of their voxels.

    Each is computed with as much around it as the widest Gaussian sees.
    """
    array = _normalise(image.array)
    axis = int(np.argmax(array.shape))
    length = array.shape[axis]
    size = max(1, min(length, BLOCK * length // array.size))
    margin = math.ceil(REACH * max(sigmas_um) / image.spacing[axis]) + STEPS
    for start in range(0, length, size):
        stop = min(start + size, length)
        # Kernels are compiled for every new shape, so all slabs but small images' are equal.
        first = min(max(0, start - margin), max(0, length - size - 2 * margin))
        last = min(length, first + size + 2 * margin)
        before = (slice(None),) * axis
        stack = _stack(array[*before, first:last], image.spacing, sigmas_um)
        found = stack[:, *before, start - first : stop - first]
        yield (*before, slice(start, stop)), found.reshape(len(stack), -1).T


def _normalise(array: np.ndarray) -> np.ndarray:
    array = array.astype(np.float32, copy=False)
    middle = np.median(array)
    spread = MAD_TO_SD * np.median(np.abs(array - middle)) or array.std() or 1
    return np.arcsinh((array - middle) / np.float32(LINEAR_SD * spread))


def _stack(array: np.ndarray, spacing, sigmas_um) -> np.ndarray:
    """Return the features of an array as images."""
    cle = device.kernels()
    pushed = cle.push(np.ascontiguousarray(array))
    axes = "xyz"[: array.ndim]
    steps = dict(zip(axes, reversed(spacing), strict=True))
    images, blurs = [array], []
    for sigma_um in sigmas_um:
        voxels = zip(axes, reversed(in_voxels(sigma_um, spacing)), strict=True)
        blurred = cle.gaussian_blur(pushed, **{f"sigma_{a}": sigma for a, sigma in voxels})
        gradient = {a: getattr(cle, f"gradient_{a}")(blurred) for a in axes}
        unit = {a: np.float32(sigma_um / steps[a]) for a in axes}
        hessian = {
            a + b: cle.pull(getattr(cle, f"gradient_{b}")(gradient[a])) * unit[a] * unit[b]
            for i, a in enumerate(axes)
            for b in axes[i:]
        }
        squares = [(cle.pull(gradient[a]) * unit[a]) ** 2 for a in axes]
        largest, smallest = _eigenvalues(hessian)
        blurs.append(cle.pull(blurred))
        trace = sum(hessian[a + a] for a in axes)
        images += [blurs[-1], np.sqrt(sum(squares)), trace, largest, smallest]
    images += [fine - coarse for fine, coarse in pairwise(blurs)]
    return np.stack(images)


def _eigenvalues(hessian: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest and the smallest eigenvalue of symmetric 2 x 2 or 3 x 3 matrices.

    In 3D by the trigonometric solution of the characteristic equation (Smith OK, Commun ACM 4,
    168 (1961), doi:10.1145/355578.366316).
    """
    if len(hessian) == 3:
        middle = (hessian["xx"] + hessian["yy"]) / 2
        reach = np.hypot((hessian["xx"] - hessian["yy"]) / 2, hessian["xy"])
        return middle + reach, middle - reach
    xx, yy, zz = hessian["xx"], hessian["yy"], hessian["zz"]
    xy, xz, yz = hessian["xy"], hessian["xz"], hessian["yz"]
    middle = (xx + yy + zz) / 3
    xx, yy, zz = xx - middle, yy - middle, zz - middle
    reach = np.sqrt((xx**2 + yy**2 + zz**2 + 2 * (xy**2 + xz**2 + yz**2)) / 6)
    half = (xx * (yy * zz - yz**2) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)) / 2
    cosine = np.divide(half, reach**3, out=np.zeros_like(half), where=reach > TINY)
    angle = np.arccos(np.clip(cosine, -1, 1)) / 3
    third = np.float32(2 * np.pi / 3)
    return middle + 2 * reach * np.cos(angle), middle + 2 * reach * np.cos(angle + third)


def _split(foreground: np.ndarray, core: np.ndarray, spacing, seed_distance_um: float):
    """Flood the foreground from the maxima of the core's blurred depth in µm."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter, maximum_filter
    from skimage.segmentation import watershed

    depth = distance_transform_edt(core, sampling=spacing).astype(np.float32)
    depth = gaussian_filter(depth, in_voxels(seed_distance_um / 2, spacing))
    peaks = np.argwhere((depth == maximum_filter(depth, 3)) & foreground)
    peaks = peaks[np.argsort(-depth[tuple(peaks.T)], kind="stable")]
    peaks = peaks[_apart(peaks * spacing, seed_distance_um)]
    seeds = np.zeros(foreground.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return watershed(-depth, seeds, mask=foreground)
