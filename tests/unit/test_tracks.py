"""Are objects followed as they moved, whatever their labels, and are the scores what they say?"""

import warnings

import numpy as np
import pytest
from bioagree.errors import InputError
from bioagree.images import Image
from bioagree.tables import Table
from bioagree.tracks.drift import correct, estimate_drift
from bioagree.tracks.forest import forest
from bioagree.tracks.lineage import check, read_lineage, true_tracks
from bioagree.tracks.linking import link, nearest_neighbour_um
from bioagree.tracks.scores import SCORES, match_objects, score_tracks
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def objects_of(rows, frames=None, images=("a",)):
    """Return a table from rows (frame, label, diameter, *centroid) or (image, frame, …)."""
    rows = [row if isinstance(row[0], str) else (images[0], *row) for row in rows]
    image, frame, label, diameter, *place = zip(*rows, strict=True) if rows else [()] * 6
    axes = "zyx"[-len(place) :]
    columns = {
        "image": np.array(image, dtype=str),
        "frame": np.array(frame, np.int32),
        "label": np.array(label, np.int64),
        "equivalent_diameter_um": np.array(diameter, float),
    }
    columns |= {f"centroid_{a}_um": np.array(p, float) for a, p in zip(axes, place, strict=True)}
    count = frames if frames is not None else max(frame, default=-1) + 1
    return Table(columns, {}, {"images": [{"image": name, "frames": count} for name in images]})


def crowd(seed=0, n=30, frames=8, step=1.0, ndim=2, side=100.0):
    """Return objects on a jittered grid that walk at random; their labels are who they are."""
    rng = np.random.default_rng(seed)
    across = int(np.ceil(n ** (1 / ndim)))
    grid = np.stack(np.meshgrid(*[np.arange(across)] * ndim), -1).reshape(-1, ndim)[:n]
    place = (grid + rng.uniform(-0.2, 0.2, grid.shape)) * side / across
    rows = []
    for frame in range(frames):
        rows += [(frame, label + 1, 5.0, *p) for label, p in enumerate(place)]
        place = place + rng.normal(0, step, place.shape)
    return objects_of(rows)


def relabelled(objects, seed=1):
    """Return the objects with other labels in every frame, and which label each had."""
    rng = np.random.default_rng(seed)
    frames, labels = objects.columns["frame"], objects.columns["label"].copy()
    for frame in np.unique(frames):
        here = np.flatnonzero(frames == frame)
        labels[here] = rng.choice(70_000, len(here), replace=False) + 1
    order = np.lexsort((labels, frames))
    columns = {name: values[order] for name, values in objects.columns.items()}
    matches = {"image": columns["image"], "frame": columns["frame"], "label": labels[order]}
    matches["truth"] = columns["label"]
    return Table(columns | {"label": labels[order]}, {}, objects.about), matches


def founders(objects):
    """Return the branches of objects whose labels are who they are, none of which divides."""
    labels = np.unique(objects.columns["label"])
    return true_tracks(objects, {"branch": labels, "parent": np.zeros_like(labels)})


def family():
    """A mother at 20 that becomes two daughters, and a bystander at 60."""
    rows = [(t, 1, 8.0, 20.0, 20.0) for t in range(3)]
    rows += [(t, label, 6.0, 20.0, x) for t in range(3, 6) for label, x in ((2, 16.0), (3, 24.0))]
    rows += [(t, 4, 8.0, 20.0, 60.0) for t in range(6)]
    return objects_of(sorted(rows))


FAMILY = {"branch": np.arange(1, 5), "parent": np.array([0, 1, 1, 0])}


# Linking


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_crowd_that_moves_less_than_its_spacing_is_followed_without_error(ndim):
    objects = crowd(ndim=ndim, n=30 if ndim == 2 else 64)
    scores = score_tracks(link(objects), founders(objects))
    assert scores["links_precision"] == scores["links_recall"] == scores["branches_followed"] == 1


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**20), st.floats(0.5, 12))
def test_links_do_not_depend_on_the_labels(seed, step):
    objects = crowd(seed % 7, step=step, frames=4)
    other, matches = relabelled(objects, seed)
    expected = link(objects).columns
    found = link(other).columns
    keys = zip(expected["frame"], expected["label"], strict=True)
    before = {key: row for row, key in enumerate(keys)}
    rows = [before[key] for key in zip(matches["frame"], matches["truth"], strict=True)]
    assert np.array_equal(found["track"], expected["track"][rows])
    assert np.array_equal(found["parent"], expected["parent"][rows])


def test_links_do_not_depend_on_the_labels_where_objects_lie_at_equal_distances():
    # Half a step along a square lattice: every object has two places to go, equally far.
    lattice = [
        (t, 1 + i, 5, 10 * (i // 4), 10 * (i % 4) + 5 * t) for t in (0, 1) for i in range(16)
    ]
    objects = objects_of(lattice)
    other, matches = relabelled(objects)
    keys = zip(objects.columns["frame"], objects.columns["label"], strict=True)
    expected = dict(zip(keys, link(objects).columns["track"], strict=True))
    found = link(other).columns["track"]
    keys = zip(matches["frame"], matches["truth"], strict=True)
    assert found.tolist() == [expected[key] for key in keys]


def test_links_are_the_same_in_any_unit_of_length():
    objects = crowd(3, step=4.0)
    scaled = {n: v * 1e-3 if n.endswith("_um") else v for n, v in objects.columns.items()}
    expected, found = link(objects), link(Table(scaled, {}, objects.about))
    assert np.array_equal(found.columns["track"], expected.columns["track"])


def test_tracks_are_numbered_by_first_frame_then_position():
    objects = objects_of(
        [(0, 9, 5, 30, 0), (0, 3, 5, 10, 0), (1, 7, 5, 30, 0), (1, 8, 5, 90, 0), (1, 2, 5, 10, 0)]
    )
    found = link(objects, max_distance_um=5, division_distance_um=5).columns
    assert found["track"].tolist() == [2, 1, 2, 3, 1]
    assert found["label"].tolist() == [9, 3, 7, 8, 2]


@pytest.mark.parametrize(
    ("missing", "allowed", "tracks"), [(1, 1, 1), (2, 1, 2), (2, 2, 1), (1, 0, 2)]
)
def test_an_object_may_be_missing_for_so_many_frames_and_no_more(missing, allowed, tracks):
    frames = [t for t in range(8) if not 3 <= t < 3 + missing]
    objects = objects_of([(t, 1, 5, 0, 0) for t in frames] + [(t, 2, 5, 0, 50) for t in range(8)])
    found = link(objects, max_gap_frames=allowed, divisions=False).columns
    assert len(np.unique(found["track"][objects.columns["label"] == 1])) == tracks


@pytest.mark.parametrize(("distance", "tracks"), [(4.9, 2), (5.1, 1)])
def test_an_object_is_not_looked_for_beyond_the_distance(distance, tracks):
    objects = objects_of([(0, 1, 5, 0, 0), (1, 1, 5, 3, 4)])
    assert link(objects, max_distance_um=distance).columns["track"].max() == tracks


def test_a_division_ends_the_mother_and_begins_two_daughters():
    objects = family()
    found = link(objects)
    scores = score_tracks(found, true_tracks(objects, FAMILY))
    assert scores["divisions_true_positive"] == 1
    assert scores["links_f1"] == scores["divisions_f1"] == 1
    children = found.columns["parent"] > 0
    assert np.unique(found.columns["label"][children]).tolist() == [2, 3]
    assert np.unique(found.columns["parent"][children]).tolist() == [1]


def test_without_divisions_every_new_object_is_a_founder():
    found = link(family(), divisions=False)
    assert (found.columns["parent"] == 0).all()
    assert len(np.unique(found.columns["track"])) == 3


def test_of_two_mothers_the_one_whose_extent_reaches_the_daughter_is_chosen():
    big, small, new = 30.0, 6.0, 26.0  # the new object is 14 from the small one, 16 from the big
    rows = [(t, 1, big, 0.0, 10.0) for t in (0, 1)] + [(t, 2, small, 0.0, 40.0) for t in (0, 1)]
    objects = objects_of([*rows, (1, 3, 6.0, 0.0, new)])
    found = link(objects, max_distance_um=10, division_distance_um=20).columns
    of = dict(zip(zip(found["frame"], found["label"], strict=True), found["track"], strict=True))
    parent = found["parent"][(found["frame"] == 1) & (found["label"] == 3)]
    assert parent.tolist() == [of[0, 1]]


def test_the_default_distance_is_that_of_the_nearest_neighbour_of_each_movie():
    rows = [
        (name, t, i, 5.0, 0.0, i * gap)
        for name, gap in (("a", 10), ("b", 30))
        for t in (0, 1)
        for i in (1, 2, 3)
    ]
    limits = link(objects_of(rows, images=("a", "b"))).about["limits"]
    assert limits["a"] == {"max_distance_um": 10, "division_distance_um": 15}
    assert limits["b"] == {"max_distance_um": 30, "division_distance_um": 45}


def test_each_image_is_a_movie_of_its_own():
    one, two = crowd(1, n=5), crowd(2, n=7)
    columns = {n: np.concatenate([one.columns[n], two.columns[n]]) for n in one.columns}
    columns["image"] = np.repeat(["a", "b"], [len(one), len(two)])
    found = link(Table(columns)).columns["track"]
    assert np.array_equal(found[: len(one)], link(one).columns["track"])
    assert np.array_equal(found[len(one) :], link(two).columns["track"])


@pytest.mark.parametrize(
    ("rows", "frames", "tracks"),
    [
        ([], 0, []),
        ([], 5, []),
        ([(0, 7, 5, 1, 1)], 1, [1]),
        ([(0, 7, 5, 1, 1), (0, 9, 5, 1, 5)], 1, [1, 2]),
        ([(4, 7, 5, 1, 1)], 9, [1]),
        ([(0, 7, 5, 1, 1), (5, 7, 5, 1, 1)], 6, [1, 2]),
        ([(2, 7, 5, 1, 1), (3, 7, 5, 900, 1)], 6, [1, 1]),
        ([(0, 7, 5, 1, 1), (0, 8, 5, 1, 1), (1, 7, 5, 1, 1)], 2, [1, 2, 1]),
    ],
)
def test_movies_with_little_or_nothing_in_them_are_linked(rows, frames, tracks):
    found = link(objects_of(rows, frames))
    assert sorted(found.columns["track"].tolist()) == sorted(tracks)
    assert found.columns["track"].dtype == found.columns["parent"].dtype == np.int64


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_distance_um": 0}, "max_distance_um is 0"),
        ({"max_distance_um": float("nan")}, "max_distance_um is nan"),
        ({"division_distance_um": -1}, "division_distance_um is -1"),
        ({"max_gap_frames": -1}, "max_gap_frames is -1"),
        ({"max_gap_frames": 1.5}, "max_gap_frames is 1.5"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        link(family(), **parameters)


def test_missing_columns_are_named():
    columns = family().columns
    with pytest.raises(InputError, match="equivalent_diameter_um"):
        link(Table({n: v for n, v in columns.items() if n != "equivalent_diameter_um"}))
    with pytest.raises(InputError, match="centroid_y_um and centroid_x_um"):
        link(Table({n: v for n, v in columns.items() if n != "centroid_y_um"}))


def test_the_typical_distance_is_measured_within_frames():
    place = np.array([[0.0, 0.0], [0.0, 8.0], [0.0, 1.0], [0.0, 11.0]])
    assert nearest_neighbour_um(place, np.array([0, 0, 1, 1])) == 9


# Drift


def drifting(drift, seed=0, still=30, movers=0, noise=0.3, ndim=2):
    """Return a crowd whose frames are shifted by `drift`; `movers` of them go their own way."""
    rng = np.random.default_rng(seed)
    place = crowd(seed, n=still, frames=1, ndim=ndim)
    place = np.stack([place.columns[n] for n in place.columns if n.startswith("centroid")], 1)
    own = np.zeros_like(place)
    own[:movers, -1] = 3.0
    rows = []
    for frame, shift in enumerate(drift):
        here = place + frame * own + shift + rng.normal(0, noise, place.shape)
        rows += [(frame, label + 1, 5.0, *p) for label, p in enumerate(here)]
    return objects_of(rows)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("movers", [0, 8])
def test_drift_is_recovered_also_where_some_cells_go_their_own_way(ndim, movers):
    rng = np.random.default_rng(5)
    drift = np.cumsum(rng.normal(0, 4, (12, ndim)), axis=0)
    drift -= drift[0]
    n = 36 if ndim == 2 else 64
    objects = drifting(drift, still=n, movers=movers, ndim=ndim)
    found = estimate_drift(objects)
    estimate = np.stack([found.columns[f"drift_{a}_um"] for a in "zyx"[-ndim:]], 1)
    # Errors of a step: 1.25 √2 noise/√n, adding up over 11 steps; five of them are allowed.
    error = 1.25 * np.sqrt(2 * 11 / n) * 0.3
    assert np.abs(estimate - drift).max() < 5 * error
    assert found.units["drift_x_um"] == "µm"


def test_a_step_larger_than_the_spacing_is_recovered():
    drift = np.array([[0, 0], [30.0, -20.0], [30.0, -20.0]])
    found = estimate_drift(drifting(drift)).columns
    assert np.allclose(found["drift_y_um"], drift[:, 0], atol=0.5)
    assert np.allclose(found["drift_x_um"], drift[:, 1], atol=0.5)


def test_corrected_objects_lie_where_they_would_without_drift():
    drift = np.array([[0, 0], [2.0, 5.0], [3.0, 9.0]])
    moved, still = drifting(drift, noise=0.0), drifting(0 * drift, noise=0.0)
    corrected = correct(moved, estimate_drift(moved))
    for name in ("centroid_y_um", "centroid_x_um"):
        assert np.allclose(corrected.columns[name], still.columns[name], atol=1e-9)
    assert corrected.columns["label"] is moved.columns["label"]


def test_linking_succeeds_after_correction_where_it_fails_before():
    drift = np.arange(6)[:, None] * np.array([0.0, 18.0])
    objects = drifting(drift)
    truth = founders(objects)
    assert score_tracks(link(objects), truth)["links_recall"] < 0.5
    assert score_tracks(link(correct(objects, estimate_drift(objects))), truth)["links_f1"] == 1


def test_drift_without_objects_is_that_of_the_frame_before():
    objects = drifting(np.array([[0, 0], [0, 0], [4.0, 0], [4.0, 0]]), noise=0)
    keep = objects.columns["frame"] != 1
    columns = {n: v[keep] for n, v in objects.columns.items()}
    found = estimate_drift(Table(columns, {}, {"images": [{"image": "a", "frames": 6}]}))
    assert np.allclose(found.columns["drift_y_um"], [0, 0, 4, 4, 4, 4], atol=1e-9)


@pytest.mark.parametrize(
    ("rows", "frames"),
    [([], 0), ([], 3), ([(1, 1, 5, 0, 0)], 3), ([(0, 1, 5, 0, 0), (1, 1, 5, 9, 9)], 2)],
)
def test_the_move_of_single_objects_is_no_drift(rows, frames):
    objects = objects_of(rows, frames)
    found = estimate_drift(objects)
    assert found.columns["drift_y_um"].tolist() == [0.0] * frames
    assert correct(objects, found).columns["centroid_x_um"].tolist() == [row[-1] for row in rows]


def test_drift_of_other_images_is_refused():
    with pytest.raises(InputError, match="frame 3"):
        correct(crowd(frames=4), estimate_drift(crowd(frames=3)))
    with pytest.raises(InputError, match="max_drift_um is 0"):
        estimate_drift(crowd(), max_drift_um=0)


# Lineages


def test_a_track_file_of_the_cell_tracking_challenge_is_read(tmp_path):
    path = tmp_path / "man_track.txt"
    path.write_text("1 0 2 0\n2 3 5 1\n3 3 5 1\n4 0 5 0\n")
    branches = read_lineage(path, format="man_track")
    assert branches["parent"].tolist() == [0, 1, 1, 0]
    assert branches["end"].tolist() == [2, 5, 5, 5]
    check(branches, family().columns, path)
    made = forest(true_tracks(family(), branches))
    assert [(mother, list(daughters)) for mother, daughters in made.divisions()] == [(0, [1, 2])]


def test_a_table_of_branches_is_read_by_the_names_of_its_columns(tmp_path):
    path = tmp_path / "branches.csv"
    path.write_text("cell,born,mother\n1,x,\n2,x,1\n3,x,1\n4,x,0\n")
    branches = read_lineage(path, format="branches", branch="cell", parent="mother")
    assert branches["parent"].tolist() == FAMILY["parent"].tolist()
    check(branches, family().columns, path)


SPOTS = """Branch spot ID,Spot track ID,frame,Spot N links incoming,Spot N links outgoing,\
Spot position Z,Spot position Y,Spot position X
,,,,,,,
,,,,,,,
"""


def spots(rows):
    return SPOTS + "".join(",".join(map(str, row)) + "\n" for row in rows)


def test_the_parents_of_a_table_of_spots_follow_from_its_links(tmp_path):
    path = tmp_path / "spots.csv"
    rows = [(0, 0, 0, 0, 1, 0, 20, 20), (0, 0, 1, 1, 2, 0, 20, 20)]
    rows += [(1, 0, 2, 1, 0, 0, 20, 16), (2, 0, 2, 1, 0, 0, 20, 24), (3, 1, 2, 0, 0, 0, 20, 60)]
    path.write_text(spots(rows))
    branches = read_lineage(path, format="spots")
    assert branches["branch"].tolist() == [1, 2, 3, 4]
    assert branches["parent"].tolist() == [0, 1, 1, 0]
    assert branches["begin"].tolist() == [0, 2, 2, 2]
    assert branches["line"].tolist() == [4, 6, 7, 8]


def test_cousins_born_at_once_go_to_the_nearest_mothers(tmp_path):
    path = tmp_path / "spots.csv"
    rows = [(0, 0, 0, 0, 2, 0, 0, 50), (1, 0, 1, 1, 2, 0, 0, 20), (2, 0, 1, 1, 2, 0, 0, 80)]
    # The daughter at 48 is nearer to 20 than to 80, but so are two others.
    rows += [(3 + i, 0, 2, 1, 0, 0, 0, x) for i, x in enumerate((10, 48, 30, 95))]
    path.write_text(spots(rows))
    assert read_lineage(path, format="spots")["parent"].tolist() == [0, 1, 1, 2, 3, 2, 3]


@pytest.mark.parametrize(
    ("format", "text", "message"),
    [
        ("man_track", "1 0 2 0\n2 3 5\n", "line 2 is '2 3 5'"),
        ("man_track", "1 0 2 0\n2 3 5 7\n", "line 2: branch 2 has the parent 7"),
        ("man_track", "1 0 2 1\n", "line 1: branch 1 has the parent 1"),
        ("man_track", "1 0 2 0\n\n1 3 5 0\n", "line 3: branch 1 .* line 1 already"),
        ("man_track", "0 0 2 0\n", "line 1: branch 0"),
        ("branches", "branch,mother\n1,0\n", "no column 'parent'; it has branch, mother"),
        ("branches", "branch,parent\n1,0\nx,1\n", "line 3: 'x' is no whole number"),
        ("branches", "branch,parent\n1\n", "line 2 has 1 of 2 cells"),
        ("spots", spots([(0, 0, 1, 1, 0, 0, 0, 0)]), "line 4: 1 branches of tree 0 .* 0 links"),
        ("spots", spots([(0, 0, 1, 0, 0, 0, "y", 0)]), "line 4: 'y' is no number"),
        ("xml", "", "allowed are man_track, branches, spots"),
    ],
)
def test_a_lineage_that_cannot_be_read_names_file_and_line(tmp_path, format, text, message):
    path = tmp_path / "lineage.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=f"lineage.txt.*{message}"):
        read_lineage(path, format=format)


def test_a_missing_lineage_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_lineage(tmp_path / "none.txt", format="man_track")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0 2 0\n2 3 5 1\n3 3 5 1\n4 0 5 0\n9 0 5 0\n", "line 5: branch 9 is in no label image"),
        ("1 0 2 0\n2 3 5 1\n3 3 5 1\n", "no branch 4, which is a label in frame 0"),
        (
            "1 0 2 0\n2 3 4 1\n3 3 5 1\n4 0 5 0\n",
            "line 2: branch 2 has the frames 3 to 4, .* 3 to 5",
        ),
        ("1 0 2 0\n2 3 5 4\n3 3 5 4\n4 0 5 0\n", "line 2: branch 2 begins in frame 3, .* frame 5"),
    ],
)
def test_a_lineage_of_other_labels_is_refused(tmp_path, text, message):
    path = tmp_path / "man_track.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        check(read_lineage(path, format="man_track"), family().columns, path)


def test_branches_of_several_images_are_told_apart():
    one = family()
    columns = {n: np.concatenate([v, v]) for n, v in one.columns.items()}
    columns["image"] = np.repeat(["a", "b"], len(one))
    branches = {n: np.concatenate([v, v]) for n, v in FAMILY.items()}
    branches["image"] = np.repeat(["a", "b"], 4)
    branches["parent"] = np.array([0, 1, 1, 0, 0, 0, 0, 0])
    made = forest(true_tracks(Table(columns), branches))
    assert made.parent.tolist() == [-1, 0, 0, -1, -1, -1, -1, -1]


def test_tracks_whose_parent_is_missing_or_goes_on_are_refused():
    for parent in (9, 4):
        with pytest.raises(InputError, match=f"names track {parent} as its parent"):
            forest(true_tracks(family(), FAMILY | {"parent": np.array([0, parent, 0, 0])}))


# Scores


def tracks_of(objects, **tracks):
    """Return the true tracks of the family, some rows changed: {column}={(frame, label): value}."""
    table = true_tracks(objects, FAMILY)
    columns = {n: v.copy() for n, v in table.columns.items()}
    for name, changes in tracks.items():
        for (frame, label), value in changes.items():
            columns[name][(columns["frame"] == frame) & (columns["label"] == label)] = value
    return Table(columns)


def test_the_truth_scores_perfectly_against_itself():
    truth = true_tracks(family(), FAMILY)
    scores = score_tracks(truth, truth)
    assert scores.keys() == SCORES.keys()
    # 2 + 2 + 2 + 5 within the branches, and 2 from mother to daughter.
    assert scores["links_true_positive"] == 13
    assert scores["branches"] == 4
    assert all(
        scores[f"{of}_{s}"] == 1
        for of in ("links", "divisions")
        for s in ("precision", "recall", "f1")
    )


def test_a_missed_division_costs_one_link_and_the_division():
    truth = true_tracks(family(), FAMILY)
    # The daughter 2 goes on as its mother, and 3 is a founder.
    changes = {(t, 2): 1 for t in (3, 4, 5)}
    found = tracks_of(
        family(), track=changes, parent={(t, i): 0 for t in (3, 4, 5) for i in (2, 3)}
    )
    scores = score_tracks(found, truth)
    assert scores["links_true_positive"], scores["links_false_positive"] == (12, 0)
    assert scores["links_false_negative"] == 1
    assert (scores["divisions_recall"], scores["divisions_false_negative"]) == (0, 1)
    assert np.isnan(scores["divisions_precision"])
    assert scores["branches_followed"] == 1


def test_swapped_tracks_cost_precision_and_recall():
    truth = true_tracks(family(), FAMILY)
    swap = {(t, 2): 3 for t in (4, 5)} | {(t, 3): 2 for t in (4, 5)}
    scores = score_tracks(tracks_of(family(), track=swap), truth)
    assert scores["links_true_positive"] == 11
    assert scores["links_false_positive"] == scores["links_false_negative"] == 2
    assert scores["divisions_true_positive"] == 1
    assert scores["branches_followed"] == 0.5


def test_a_link_over_a_gap_that_the_truth_does_not_have_is_false():
    objects = family()
    keep = ~((objects.columns["label"] == 4) & (objects.columns["frame"] == 2))
    truth = true_tracks(objects, FAMILY)
    found = Table({n: v[keep] for n, v in truth.columns.items()})
    scores = score_tracks(found, truth)
    assert (scores["links_false_positive"], scores["links_false_negative"]) == (1, 2)
    assert score_tracks(found, found)["links_f1"] == 1


@pytest.mark.parametrize("late", [1, 2])
def test_a_late_division_is_right_within_the_tolerance(late):
    truth = true_tracks(family(), FAMILY)
    # For `late` frames daughter 2 is taken for the mother, and 3 for nobody.
    early = [3 + k for k in range(late)]
    found = tracks_of(
        family(),
        track={(t, 2): 1 for t in early} | {(t, 3): 99 for t in early},
        parent={(t, i): 0 for t in early for i in (2, 3)},
    )
    scores = [score_tracks(found, truth, tolerance_frames=t) for t in range(3)]
    assert [s["divisions_true_positive"] for s in scores] == [int(t >= late) for t in range(3)]


def test_an_early_division_is_right_within_the_tolerance():
    found, truth = (
        true_tracks(family(), FAMILY),
        tracks_of(family(), track={(3, 2): 1, (3, 3): 99}, parent={(3, 2): 0, (3, 3): 0}),
    )
    scores = [score_tracks(found, truth, tolerance_frames=t) for t in range(2)]
    assert [s["divisions_true_positive"] for s in scores] == [0, 1]


def test_a_division_of_the_wrong_mother_is_false_at_any_tolerance():
    objects = family()
    columns = {n: v.copy() for n, v in true_tracks(objects, FAMILY).columns.items()}
    wrong = np.isin(columns["label"], (2, 3)) & (columns["frame"] >= 3)
    columns["parent"][wrong] = 4
    cut = (columns["label"] == 4) & (columns["frame"] >= 3)
    columns["track"][cut] = 5
    scores = score_tracks(Table(columns), true_tracks(objects, FAMILY), tolerance_frames=5)
    assert scores["divisions_false_positive"] == scores["divisions_false_negative"] == 1


def test_tracks_of_a_segmentation_are_scored_by_the_objects_that_match():
    labels = np.zeros((6, 40, 80), np.uint32)
    for t, i, _, y, x in zip(*list(family().columns.values())[1:], strict=True):
        labels[t, int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4] = i
    truth = Image(labels, "TYX", (1.0, 1.0), "a", time_step=1.0)
    other = np.where(labels > 0, 100 - labels, 0).astype(np.uint32)
    other[5][labels[5] == 4] = 0  # not found in the last frame
    other[2, 35:, 35:] = 50  # an object that is none
    found = truth.with_array(other)
    matches = match_objects(truth, found)
    assert len(matches["label"]) == len(family()) - 1
    assert np.array_equal(matches["label"], 100 - matches["truth"])
    columns = {n: matches[n] for n in ("image", "frame", "label")}
    columns |= {
        "track": matches["label"],
        "parent": np.where(np.isin(matches["truth"], (2, 3)), 99, 0),
    }
    scores = score_tracks(Table(columns), true_tracks(family(), FAMILY), matches)
    assert scores["links_precision"] == 1
    assert scores["links_false_negative"] == 1
    assert scores["divisions_f1"] == 1


def test_images_on_other_grids_do_not_match():
    image = Image(np.zeros((2, 3, 3), np.uint32), "TYX", (1.0, 1.0), "a", time_step=1.0)
    with pytest.raises(InputError, match="same grid"):
        match_objects(image, image.with_array(np.zeros((2, 3, 4), np.uint32)))


def test_nothing_scores_nan_and_not_zero():
    empty = founders(objects_of([], 3))
    scores = score_tracks(empty, empty)
    assert scores["links_true_positive"] == 0
    assert all(np.isnan(scores[name]) for name in ("links_precision", "links_recall", "links_f1"))
    assert np.isnan(scores["branches_followed"])
