"""Tracks against true tracks: links and divisions, right, false, and missed."""

import numpy as np

from bioagree.errors import InputError
from bioagree.images import Image
from bioagree.scores import contingency, match
from bioagree.tables import Columns, Table
from bioagree.tracks.forest import Forest, forest, partners

SCORES = {
    "links_true_positive": "Found links that are true. A link joins an object with its next "
    "appearance, or a mother's last object with a daughter's first.",
    "links_false_positive": "Found links that are not true.",
    "links_false_negative": "True links that were not found.",
    "links_precision": "Found links that are true / found links; NaN when none was found.",
    "links_recall": "True links that were found / true links; NaN when there is none.",
    "links_f1": "Harmonic mean of precision and recall of links; NaN without any link.",
    "divisions_true_positive": "Divisions found with the right mother and the right daughters, at "
    "the right frame within the tolerance.",
    "divisions_false_positive": "Found divisions that are not true.",
    "divisions_false_negative": "True divisions that were not found.",
    "divisions_precision": "Found divisions that are true / found divisions; NaN when none was "
    "found.",
    "divisions_recall": "True divisions that were found / true divisions; NaN when there is none.",
    "divisions_f1": "Harmonic mean of precision and recall of divisions; NaN without any division.",
    "branches": "True branches that have at least one link of their own, divisions left out.",
    "branches_followed": "Share of these of which every link was found; NaN when there is none.",
}


def match_objects(truth: Image, labels: Image) -> Columns:
    """Match the objects of each frame of a segmentation with true ones, at IoU > 0.5.

    Parameters
    ----------
    truth, labels : Image
        Label images of the same shape.

    Returns
    -------
    dict of str to numpy.ndarray
        `image`, `frame`, `label` and `truth` (label of the true object), one row for each match.

    Raises
    ------
    InputError
        When the shapes differ.
    """
    if truth.stack.shape != labels.stack.shape:
        raise InputError(
            f"image {labels.name!r}: the truth has shape {truth.stack.shape} and the labels "
            f"{labels.stack.shape}; frame by frame they must lie on the same grid"
        )
    parts = [match(contingency(*frames)) for frames in zip(truth.stack, labels.stack, strict=True)]
    frames = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
    return {
        "image": np.full(len(frames), labels.name),
        "frame": frames,
        "label": np.concatenate([part["predicted"] for part in parts]).astype(np.int64),
        "truth": np.concatenate([part["truth"] for part in parts]).astype(np.int64),
    }


def score_tracks(
    found: Table, truth: Table, matches: Columns | None = None, *, tolerance_frames: int = 0
) -> dict[str, float]:
    """Score found tracks against true ones.

    Parameters
    ----------
    found, truth : Table
        Tracks as :func:`bioagree.tracks.linking.link` and
        :func:`bioagree.tracks.lineage.true_tracks` return them, of the same images.
    matches : dict of str to numpy.ndarray, optional
        Which found object is which true one, see :func:`match_objects`. Unless given, objects are
        the same when image, frame and label are: the truth's own labels were linked.
    tolerance_frames : int
        By so many frames a division may be found too early or too late.

    Returns
    -------
    dict of int or float
        Keys and meanings are those of :data:`SCORES`. Links of objects that match no true one are
        false; true links of objects that were not found are missed. A link over a gap is true only
        where the truth has the same gap.

    Notes
    -----
    A division is right when the mother's last object and the first objects of all daughters are.
    Within a tolerance, the objects compared are those at the earlier of the two ends of the
    mother, and at the later of the two beginnings of the daughters.
    """
    found_forest, true_forest = forest(found), forest(truth)
    true_row = partners(found.columns, truth.columns, matches)
    earlier, later = true_forest.links()
    true_links = set(zip(earlier.tolist(), later.tolist(), strict=True))
    earlier, later = (true_row[rows].tolist() for rows in found_forest.links())
    hits = {pair for pair in zip(earlier, later, strict=True) if pair in true_links}
    own = _own_links(true_forest)
    followed = [all(pair in hits for pair in pairs) for pairs in own]
    n_found, n_true = (int(made.divides.sum()) for made in (found_forest, true_forest))
    right = _right_divisions(
        (found, found_forest), (truth, true_forest), true_row, tolerance_frames
    )
    return (
        _counts("links", len(hits), len(earlier), len(true_links))
        | _counts("divisions", right, n_found, n_true)
        | {
            "branches": len(own),
            "branches_followed": sum(followed) / len(own) if own else float("nan"),
        }
    )


def _counts(what: str, right: int, found: int, true: int) -> dict[str, float]:
    nan = float("nan")
    return {
        f"{what}_true_positive": right,
        f"{what}_false_positive": found - right,
        f"{what}_false_negative": true - right,
        f"{what}_precision": right / found if found else nan,
        f"{what}_recall": right / true if true else nan,
        f"{what}_f1": 2 * right / (found + true) if found + true else nan,
    }


def _own_links(made: Forest) -> list[list[tuple[int, int]]]:
    """Return the links within each track that has any."""
    rows = [made.rows(track).tolist() for track in np.flatnonzero(made.lengths > 1)]
    return [list(zip(track, track[1:], strict=False)) for track in rows]


def _right_divisions(found, truth, true_row: np.ndarray, tolerance: int) -> int:
    """Count the divisions that are the same in both, each used once."""
    true_objects = np.arange(len(truth[0]))
    candidates = []
    true_divisions = [_Division(*truth, true_objects, *one) for one in truth[1].divisions()]
    for number, one in enumerate(found[1].divisions()):
        division = _Division(*found, true_row, *one)
        candidates += [
            (abs(division.frame - other.frame), number, other_number)
            for other_number, other in enumerate(true_divisions)
            if abs(division.frame - other.frame) <= tolerance and division.equals(other)
        ]
    used: tuple[set, set] = (set(), set())
    for _, number, other in sorted(candidates):
        if number not in used[0] and other not in used[1]:
            used[0].add(number)
            used[1].add(other)
    return len(used[0])


class _Division:
    """A division, and the true objects of mother and daughters around it."""

    def __init__(self, tracks: Table, made: Forest, true_row: np.ndarray, mother, daughters):
        frames = tracks.columns["frame"]
        self.mother = made.rows(mother)
        self.daughters = [made.rows(daughter) for daughter in daughters]
        self.frame = int(frames[self.mother[-1]])
        self.birth = int(max(frames[rows[0]] for rows in self.daughters))
        self._frames, self._true_row = frames, true_row

    def equals(self, other: "_Division") -> bool:
        """Whether mothers and daughters are the same true objects."""
        end, birth = min(self.frame, other.frame), max(self.birth, other.birth)
        return (
            len(self.daughters) == len(other.daughters)
            and self._mother_at(end) == other._mother_at(end) >= 0
            and self._daughters_at(birth) == other._daughters_at(birth)
            and -1 not in self._daughters_at(birth)
        )

    def _mother_at(self, frame: int) -> int:
        until = self.mother[self._frames[self.mother] <= frame]
        return int(self._true_row[until[-1]]) if len(until) else -1

    def _daughters_at(self, frame: int) -> set[int]:
        places = set()
        for rows in self.daughters:
            since = rows[self._frames[rows] >= frame]
            places.add(int(self._true_row[since[0]]) if len(since) else -1)
        return places
