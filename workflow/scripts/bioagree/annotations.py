"""Sparse annotations: a few strokes that say what is object and what is background.

An annotation is an image on the grid of the image that it was drawn on, of whole numbers: 0 not
annotated, 1 background, 2 object, and, where wanted, 3 boundary between touching objects. napari
(a labels layer) and Fiji (any brush with a grey value) can draw and save it as TIFF.
"""

import numpy as np

from bioagree.errors import InputError
from bioagree.images import Image

BACKGROUND, OBJECT, BOUNDARY = 1, 2, 3
CLASSES = {BACKGROUND: "background", OBJECT: "object", BOUNDARY: "boundary"}
ALLOWED = "0 (not annotated), 1 (background), 2 (object) and 3 (boundary between objects)"


def check(annotation: Image, image: Image) -> None:
    """Check that an annotation alone suffices to train on `image`.

    Raises
    ------
    InputError
        When it lies on another grid, holds other values than 0 to 3, or lacks background or
        objects.
    """
    check_fits(annotation, image)
    check_classes(annotation.array[annotation.array > 0], annotation.name)


def check_fits(annotation: Image, image: Image) -> None:
    """Check grid and values of an annotation, which may lack a class that others have."""
    where = f"the annotation of image {image.name!r}"
    if annotation.axes != image.axes.replace("C", "") or "C" in image.axes:
        raise InputError(
            f"{where} has the axes {annotation.axes}, and the image {image.axes}; they must be "
            "equal, without channels"
        )
    if annotation.array.shape != image.array.shape:
        raise InputError(
            f"{where} has the shape {annotation.array.shape}, but the image {image.array.shape}"
        )
    values = np.unique(annotation.array)
    unknown = values[~np.isin(values, [0, *CLASSES])]
    if unknown.size:
        raise InputError(f"{where} holds the value {unknown[0]}; allowed are {ALLOWED}")


def check_classes(classes: np.ndarray, name: str | None = None) -> None:
    """Check that both background and objects are among the annotated voxels."""
    for number in (BACKGROUND, OBJECT):
        if not np.any(classes == number):
            where = f"the annotation of image {name!r}" if name else "the annotations"
            raise InputError(
                f"{where} must mark both background (1) and objects (2), "
                f"but marks no {CLASSES[number]}"
            )


def count(classes: np.ndarray) -> dict[str, int]:
    """Count annotated voxels by the name of their class."""
    return {name: int(np.count_nonzero(classes == number)) for number, name in CLASSES.items()}


def describe(annotation: Image) -> dict[str, int | float]:
    """Count the annotated voxels of each class, and say which share of all voxels they are."""
    counts = count(annotation.array)
    return counts | {"share": sum(counts.values()) / annotation.array.size}


# Of the annotated pixels of a plane; what one kind cannot use is left over.
SHARES = {"object": 0.4, "near": 0.25, "background": 0.2, "boundary": 0.15}
LENGTH = (12, 45)  # pixels, a stroke's
NEAR = (1, 6)  # pixels from the next object
PLANES = 6  # in a stack, one in so many is drawn on
WOBBLE = 0.2  # radians a step
TURNS = (0, 0.3, -0.3, 0.7, -0.7, 1.2, -1.2, 1.8, -1.8)  # radians, tried in this order
ATTEMPTS = 200  # strokes without a new pixel before giving up
BRUSHES = {
    1: [(0, 0)],
    2: [(0, 0), (0, 1), (1, 0), (1, 1)],
    3: [(0, 0), (0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)],
}


def scribbles(truth: Image, *, seed: int, share: float = 0.01) -> Image:
    """Simulate annotations: draw strokes into a truth as a person would.

    Parameters
    ----------
    truth : Image
        Labels.
    seed : int
        Of everything random.
    share : float
        At most this share of the voxels is annotated.

    Returns
    -------
    Image
        8-bit annotation on the same grid.

    Notes
    -----
    Curved strokes, 1 to 3 pixels wide and tens of pixels long, lie inside some of the objects, in
    the background near objects and far from them, and along the lines where two objects touch.
    Unlike a person's, they never err. In a stack, about one plane in six is drawn on. Pixels next
    to two objects are boundary, all others are what the truth says.
    """
    random = np.random.default_rng(seed)
    drawn = np.zeros(truth.array.shape, np.uint8)
    planes = truth.array.reshape(-1, *truth.array.shape[-2:])
    canvases = drawn.reshape(planes.shape)
    budget = int(share * planes[0].size)
    for index in _chosen(truth, random):
        _draw(planes[index], canvases[index], budget, random)
    return truth.with_array(drawn)


def _chosen(truth: Image, random) -> list[int]:
    """Choose the planes to draw on: in stacks those with objects, evenly spaced."""
    if truth.ndim == 2:
        return list(range(len(truth.stack)))
    chosen = []
    for frame, stack in enumerate(truth.stack):
        used = np.flatnonzero(stack.any(axis=(1, 2)))
        every = max(1, min(PLANES, len(used) // 2))
        chosen += [frame * len(stack) + int(z) for z in used[random.integers(every) :: every]]
    return chosen


def _draw(labels: np.ndarray, drawn: np.ndarray, budget: int, random) -> None:
    """Draw on one plane, in place."""
    from scipy.ndimage import distance_transform_edt

    touching = _between(labels)
    distance = distance_transform_edt(labels == 0) if labels.any() else np.full(labels.shape, 1e9)
    near, far = NEAR
    places = {
        "object": np.where(touching, 0, labels),
        "near": (distance >= near) & (distance <= far) & ~touching,
        "background": (distance > far) & ~touching,
        "boundary": touching,
    }
    for kind, part in SHARES.items():
        number = {"object": OBJECT, "boundary": BOUNDARY}.get(kind, BACKGROUND)
        starts = np.argwhere(places[kind])
        left = int(part * budget)
        failed = 0
        while left > 0 and len(starts) and failed < ATTEMPTS:
            start = starts[random.integers(len(starts))]
            # A stroke stays in the object that it began in.
            allowed = places[kind] == places[kind][tuple(start)]
            new = 0
            for pixel in _stroke(start, allowed, random):
                if new < left and not drawn[pixel]:
                    drawn[pixel] = number
                    new += 1
            left -= new
            failed = 0 if new else failed + 1


def _between(labels: np.ndarray) -> np.ndarray:
    """Return the pixels that have two objects among themselves and their eight neighbours."""
    from scipy.ndimage import maximum_filter, minimum_filter

    labels = labels.astype(np.int64)
    least = minimum_filter(np.where(labels == 0, labels.max() + 1, labels), 3)
    most = maximum_filter(labels, 3)
    return (most > 0) & (most != least)


def _stroke(start: np.ndarray, allowed: np.ndarray, random):
    """Yield the pixels of a curved stroke that does not leave the allowed ones."""
    place = start.astype(float)
    direction = random.uniform(0, 2 * np.pi)
    brush = BRUSHES[int(random.integers(1, 4))]
    for _ in range(random.integers(*LENGTH)):
        y, x = np.rint(place).astype(int)
        for dy, dx in brush:
            pixel = (int(y + dy), int(x + dx))
            if _is(allowed, pixel):
                yield pixel
        direction += random.normal(0, WOBBLE)
        for turn in TURNS:
            step = (np.sin(direction + turn), np.cos(direction + turn))
            if _is(allowed, tuple(np.rint(place + step).astype(int))):
                place, direction = place + step, direction + turn
                break
        else:
            return


def _is(allowed: np.ndarray, pixel: tuple[int, int]) -> bool:
    return all(0 <= at < size for at, size in zip(pixel, allowed.shape, strict=True)) and bool(
        allowed[pixel]
    )
