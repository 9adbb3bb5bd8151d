"""Objects linked over time: by a linear assignment of centroids in µm, with gaps and divisions."""

import math

import numpy as np
from scipy.spatial import cKDTree

from bioagree.errors import InputError
from bioagree.tables import Columns, Table
from bioagree.tracks.forest import KEYS, centroids, movies

# The linker passes nothing but coordinates to its cost functions, so the radius goes as a further
# coordinate that is too small to change any distance.
NEGLIGIBLE = 1e-9


def link(
    objects: Table,
    *,
    max_distance_um: float | None = None,
    max_gap_frames: int = 1,
    divisions: bool = True,
    division_distance_um: float | None = None,
    seed: int = 0,
) -> Table:
    """Link the objects of each movie over time.

    Parameters
    ----------
    objects : Table
        One row for each object and frame: `image`, `frame`, `label`, `centroid_{axis}_um`, and,
        for divisions, `equivalent_diameter_um`; several images are several movies. Subtract drift
        before, see :mod:`bioagree.tracks.drift`.
    max_distance_um : float, optional
        An object is not looked for further than this from where it was. Unless given, the median
        distance of an object to its nearest neighbour in the same frame, movie by movie: whatever
        moves further than that between two frames cannot be told from its neighbours. Choose a
        smaller value when the fastest object is known to move less, and record more often when the
        usual displacement exceeds half of it.
    max_gap_frames : int
        For so many frames in a row an object may be missing, as segmentation loses it.
    divisions : bool
        Whether a track may begin at another one. Without, every new object is a new founder.
    division_distance_um : float, optional
        How far from its mother's last centroid a new object may appear. It holds for a mother of
        median diameter and grows in proportion to the mother's, since daughters emerge from its
        whole extent, not from its centre. Unless given, half the median distance to the nearest
        neighbour, which is where two neighbours lie about the point between them, and
        `max_distance_um`, by which they may have moved since.
    seed : int
        Of the permutation, see Notes.

    Returns
    -------
    Table
        In the order of `objects`: `image`, `frame`, `label`, `track` (1, 2, … in each image, by
        first frame, then position) and `parent` (the track it came from, 0 for none). A track that
        divides ends, and its two daughters begin. `about` has the `limits` that
        were used for each movie, None for no limit or no divisions.

    Raises
    ------
    InputError
        When a parameter cannot be meant, or a column is missing.

    Notes
    -----
    Linear assignment in two steps as in [1]_, computed by laptrack [2]_: consecutive frames with
    the squared distance as cost, then ends and beginnings of these pieces, which closes gaps and
    finds divisions. Nothing merges. Labels never reach the linker: the objects of a frame are put
    in the order of their position, and then permuted at random, so that ties are not broken by
    place.

    Memory grows with the square of the number of objects in a frame (0.2 GB for 3,000).

    References
    ----------
    .. [1] K. Jaqaman et al. Robust single-particle tracking in live-cell time-lapse sequences.
       Nat. Methods 5, 695-702 (2008). :doi:`10.1038/nmeth.1237`
    .. [2] Y. T. Fukai, K. Kawaguchi. LapTrack: linear assignment particle tracking with tunable
       metrics. Bioinformatics 39, btac799 (2023). :doi:`10.1093/bioinformatics/btac799`
    """
    _check("max_distance_um", max_distance_um)
    _check("division_distance_um", division_distance_um)
    if max_gap_frames != int(max_gap_frames) or max_gap_frames < 0:
        raise InputError(f"max_gap_frames is {max_gap_frames}; it is a whole number from 0 on")
    if divisions and "equivalent_diameter_um" not in objects.columns:
        raise InputError(
            "divisions need the column equivalent_diameter_um; measure it, or set divisions to "
            "false"
        )
    place, frames = centroids(objects.columns), objects.columns["frame"]
    radii = objects.columns["equivalent_diameter_um"] / 2 if divisions else np.ones(len(objects))
    track, parent = np.zeros((2, len(objects)), np.int64)
    limits = {}
    for name, rows in movies(objects):
        movie = (place[rows], radii[rows], frames[rows])
        limits[name] = _limits(place[rows], frames[rows], max_distance_um, division_distance_um)
        if not divisions:
            limits[name]["division_distance_um"] = None
        generator = np.random.default_rng(seed)
        track[rows], parent[rows] = _link_movie(
            *movie, max_gap_frames=int(max_gap_frames), generator=generator, **limits[name]
        )
    columns: Columns = {name: objects.columns[name] for name in KEYS}
    about = {"images": objects.about.get("images", []), "limits": limits}
    return Table(columns | {"track": track, "parent": parent}, {}, about)


def nearest_neighbour_um(place: np.ndarray, frames: np.ndarray) -> float:
    """Return the median distance of an object to the nearest one in its frame.

    Parameters
    ----------
    place : (n, d) float array
        Centroids in µm.
    frames : (n,) integer array
        Frame of each.

    Returns
    -------
    float
        In µm; NaN when no frame has two objects at different places.
    """
    distances = [np.array([])]
    for frame in np.unique(frames):
        here = place[frames == frame]
        if len(here) > 1:
            distances.append(cKDTree(here).query(here, k=2)[0][:, 1])
    every = np.concatenate(distances)
    return float(np.median(every[every > 0])) if (every > 0).any() else float("nan")


def _check(name: str, value: float | None) -> None:
    if value is not None and not 0 < value < np.inf:
        raise InputError(f"{name} is {value}; it is a distance in µm greater than 0, or left out")


def _limits(place, frames, max_distance_um, division_distance_um) -> dict[str, float | None]:
    """Return the two distances of a movie.

    Where no frame has two objects, nothing can be confused and nothing divides: there is no limit
    to the one, and no room for the other.
    """
    spacing = nearest_neighbour_um(place, frames)
    if np.isnan(spacing):
        return {"max_distance_um": max_distance_um, "division_distance_um": division_distance_um}
    distance = max_distance_um or spacing
    return {
        "max_distance_um": distance,
        "division_distance_um": division_distance_um or spacing / 2 + distance,
    }


def _link_movie(
    place: np.ndarray,
    radii: np.ndarray,
    frames: np.ndarray,
    *,
    max_distance_um: float | None,
    max_gap_frames: int,
    division_distance_um: float | None,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return track and parent of each object of one movie."""
    ranked = np.lexsort((radii, *place.T[::-1], frames))
    rows_of = [
        generator.permutation(ranked[frames[ranked] == frame])
        for frame in range(frames.max(initial=-1) + 1)
    ]
    pairs = _successors(
        [place[rows] for rows in rows_of],
        [radii[rows] for rows in rows_of],
        max_distance_um,
        max_gap_frames,
        division_distance_um,
    )
    following: dict[int, list[int]] = {}
    for (frame, index), (later_frame, later_index) in pairs:
        row, later = rows_of[frame][index], rows_of[later_frame][later_index]
        following.setdefault(int(row), []).append(int(later))
    return _number(following, ranked)


def _successors(place, radii, max_distance_um, max_gap_frames, division_distance_um) -> list:
    """Return pairs of (frame, index), each an object and what follows it."""
    if sum(len(here) > 0 for here in place) < 2:
        return []
    from laptrack import LapTrack

    everywhere = np.concatenate(place)
    farthest = 1 + 2 * np.linalg.norm(np.ptp(everywhere, axis=0))
    cutoff = (max_distance_um or farthest) ** 2
    typical = np.median(np.concatenate(radii))
    points = [
        np.column_stack([here, radius / typical * NEGLIGIBLE])
        for here, radius in zip(place, radii, strict=True)
    ]
    tracker = LapTrack(
        metric="sqeuclidean",
        cutoff=cutoff,
        gap_closing_metric="sqeuclidean",
        gap_closing_cutoff=cutoff if max_gap_frames else False,
        gap_closing_max_frame_count=max_gap_frames + 1,
        splitting_metric=_division_cost,
        splitting_cutoff=division_distance_um**2 if division_distance_um else False,
    )
    return list(tracker.predict(points).edges)


def _division_cost(daughter: np.ndarray, mother: np.ndarray) -> float:
    """Return the squared distance, relative to the mother's radius."""
    # Called for millions of pairs: plain floats are three times as fast as short arrays.
    *there, _ = daughter.tolist()
    *here, radius = mother.tolist()
    return (math.dist(there, here) / (radius / NEGLIGIBLE)) ** 2


def _number(following: dict[int, list[int]], ranked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the tracks in the order of `ranked`, which is that of time, then place."""
    before = {later: row for row, after in following.items() for later in after}
    track, parent = np.zeros((2, len(ranked)), np.int64)
    count = 0
    for row in ranked.tolist():
        earlier = before.get(row)
        if earlier is not None and len(following[earlier]) == 1:
            track[row], parent[row] = track[earlier], parent[earlier]
            continue
        count += 1
        track[row] = count
        parent[row] = 0 if earlier is None else track[earlier]
    return track, parent
