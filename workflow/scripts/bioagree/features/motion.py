"""How objects move: steps of each object, and what each track did as a whole.

Positions are centroids in µm, with drift subtracted by :mod:`bioagree.tracks.drift` where that is
wanted. What the errors of the positions do to each feature stands in its definition.
"""

import numpy as np

from bioagree.errors import InputError
from bioagree.tables import Columns, Table
from bioagree.tracks.forest import Forest, centroid_names, centroids, forest, same_order

LAGS = (1, 2, 4, 8)
SHARE_OF_TRACK = 4  # lags up to a quarter of the track: longer ones are means of few, related pairs
FEWEST_LAGS = 3


def measure_objects(objects: Table, tracks: Table, *, time_step_s: float) -> Columns:
    """Measure the step that led to each object.

    Parameters
    ----------
    objects : Table
        `image`, `frame`, `label` and `centroid_{axis}_um`.
    tracks : Table
        One row for each object, as :func:`bioagree.tracks.linking.link` returns them.
    time_step_s : float
        Seconds between frames.

    Returns
    -------
    dict of str to numpy.ndarray
        One row for each object, in the order of `objects`.

    Raises
    ------
    InputError
        When the time step is not positive, or the tracks are of other objects.
    """
    place, frames, made = _read(objects, tracks, time_step_s)
    earlier, later = made.steps()
    step, velocity = np.full((2, *place.shape), np.nan)
    step[later] = place[later] - place[earlier]
    elapsed = np.full(len(place), np.nan)
    elapsed[later] = (frames[later] - frames[earlier]) * time_step_s
    velocity = step / elapsed[:, None]
    acceleration, angle = np.full((2, len(place)), np.nan)
    # Velocities belong to the middle of their steps, so gaps lengthen the time between them.
    between = (elapsed[earlier] + elapsed[later]) / 2
    acceleration[earlier] = _length(velocity[later] - velocity[earlier]) / between
    angle[earlier] = _angle(step[earlier], step[later])
    columns = {"displacement_um": _length(step), "speed_um_per_s": _length(velocity)}
    for name, component in zip(centroid_names(objects.columns), step.T, strict=True):
        columns[name.replace("centroid", "displacement")] = component
    return columns | {"acceleration_um_per_s2": acceleration, "turning_angle_deg": angle}


def measure_tracks(
    objects: Table, tracks: Table, *, time_step_s: float, lags: tuple[int, ...] = LAGS
) -> Columns:
    """Measure every track.

    Parameters
    ----------
    objects, tracks, time_step_s
        As for :func:`measure_objects`.
    lags : tuple of int
        Numbers of frames for which the mean squared displacement is given.

    Returns
    -------
    dict of str to numpy.ndarray
        One row for each track, sorted by image and track: `image`, `track`, `parent`, and the
        features.

    Raises
    ------
    InputError
        As :func:`measure_objects`, and when a lag is not a whole number from 1 on.
    """
    if any(lag != int(lag) or lag < 1 for lag in lags):
        raise InputError(f"lags are {lags}; each is a whole number of frames from 1 on")
    tracks = same_order(tracks, objects)
    place, frames, made = _read(objects, tracks, time_step_s)
    steps = measure_objects(objects, tracks, time_step_s=time_step_s)
    duration = (frames[made.last] - frames[made.first]) * time_step_s
    path = _sums(steps["displacement_um"], made)
    net = _length(place[made.last] - place[made.first])
    single = made.lengths == 1
    path[single] = net[single] = np.nan
    names = ("image", "track", "parent")
    columns: Columns = {name: tracks.columns[name][made.first] for name in names} | {
        "first_frame": frames[made.first].astype(np.int32),
        "last_frame": frames[made.last].astype(np.int32),
        "track_objects": made.lengths.astype(np.int32),
        "duration_s": duration,
        "path_length_um": path,
        "net_displacement_um": net,
        "straightness": _ratio(net, path),
        "mean_speed_um_per_s": _ratio(path, duration),
        "mean_turning_angle_deg": _means(steps["turning_angle_deg"], made),
        "divides": made.divides,
        "time_to_division_s": _time_to_division(frames, made) * time_step_s,
    }
    for lag in lags:
        columns[f"msd_lag_{lag}_um2"] = _squared_displacement(place, frames, made, lag)
    columns |= _diffusion(place, frames, made, time_step_s)
    return columns | {"msd_exponent": _exponent(place, frames, made)}


def _read(
    objects: Table, tracks: Table, time_step_s: float
) -> tuple[np.ndarray, np.ndarray, Forest]:
    """Return centroids, frames, and the tracks in order."""
    if not 0 < time_step_s < np.inf:
        raise InputError(f"the time step is {time_step_s} s; motion needs one greater than 0")
    made = forest(same_order(tracks, objects))
    return centroids(objects.columns), objects.columns["frame"].astype(np.int64), made


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors**2).sum(axis=1))


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide, giving NaN where the denominator is 0."""
    defined = denominator > 0
    return np.divide(numerator, denominator, out=np.full(len(defined), np.nan), where=defined)


def _sums(values: np.ndarray, made: Forest) -> np.ndarray:
    """Add up the values that are defined, track by track."""
    return np.bincount(made.owner, np.nan_to_num(values), minlength=len(made)).astype(float)


def _means(values: np.ndarray, made: Forest) -> np.ndarray:
    return _ratio(_sums(values, made), _sums(np.isfinite(values), made))


def _angle(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the angle between vectors in degrees, NaN where one is 0."""
    a, b = first / _nonzero(_length(first)), second / _nonzero(_length(second))
    # Exact also for angles near 0 and 180 degrees, where the arc cosine loses half the digits.
    return np.degrees(2 * np.arctan2(_length(a - b), _length(a + b)))


def _nonzero(length: np.ndarray) -> np.ndarray:
    return np.where(length > 0, length, np.nan)[:, None]


def _time_to_division(frames: np.ndarray, made: Forest) -> np.ndarray:
    """Return the frames from the first object of each track to its first daughter."""
    times = np.full(len(made), np.nan)
    for mother, daughters in made.divisions():
        times[mother] = frames[made.first[daughters]].min() - frames[made.first[mother]]
    return times


def _squared_displacement(place, frames, made: Forest, lag: int) -> np.ndarray:
    """Return the mean squared displacement of each track over a lag."""
    span = int(frames.max(initial=0)) + lag + 1
    key = (made.owner * span + frames)[made.order]
    later = np.searchsorted(key, key + lag)
    there = later < len(key)
    there[there] = key[later[there]] == key[there] + lag
    start, stop = made.order[there], made.order[later[there]]
    squares = ((place[stop] - place[start]) ** 2).sum(axis=1)
    owner = made.owner[start]
    pairs = np.bincount(owner, minlength=len(made))
    return _ratio(np.bincount(owner, squares, minlength=len(made)), pairs)


def _diffusion(place, frames, made: Forest, time_step_s: float) -> Columns:
    """Estimate diffusion and localisation error from the covariance of successive steps."""
    earlier, later = made.steps()
    step = np.full(place.shape, np.nan)
    regular = frames[later] - frames[earlier] == 1
    step[later[regular]] = (place[later] - place[earlier])[regular]
    product = np.full(len(place), np.nan)
    product[earlier] = (step[earlier] * step[later]).mean(axis=1)
    square = _means((step**2).mean(axis=1), made)
    covariance = _means(product, made)
    variance = -covariance
    return {
        "diffusion_um2_per_s": (square / 2 + covariance) / time_step_s,
        "localisation_error_um": np.sqrt(np.where(variance >= 0, variance, np.nan)),
    }


def _exponent(place, frames, made: Forest) -> np.ndarray:
    """Return the slope of the logarithm of the mean squared displacement over that of the lag."""
    longest = (frames[made.last] - frames[made.first] + 1) // SHARE_OF_TRACK
    n, x, y, xx, xy = np.zeros((5, len(made)))
    for lag in 2 ** np.arange(int(longest.max(initial=0)).bit_length()):
        squares = _squared_displacement(place, frames, made, lag)
        used = (lag <= longest) & (squares > 0)
        log_lag, log_square = np.log(lag), np.log(squares, out=np.zeros(len(made)), where=used)
        n += used
        x += used * log_lag
        y += used * log_square
        xx += used * log_lag**2
        xy += used * log_lag * log_square
    enough = n >= FEWEST_LAGS
    return _ratio(np.where(enough, n * xy - x * y, np.nan), np.where(enough, n * xx - x * x, 0))
