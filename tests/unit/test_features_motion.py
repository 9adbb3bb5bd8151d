"""Is motion what it is known to be: on lines, circles, and random walks?"""

import warnings

import numpy as np
import pytest
from bioagree.errors import InputError
from bioagree.features.dictionary import features_of
from bioagree.features.motion import measure_objects, measure_tracks
from bioagree.tables import Table
from hypothesis import given, settings
from hypothesis import strategies as st

KEYS = ("image", "track", "parent")


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def movie(paths, frames=None, parents=None):
    """Return objects and tracks of paths, arrays (time, axis); labels are the tracks."""
    frames = frames or [np.arange(len(path)) for path in paths]
    track = np.repeat(np.arange(1, len(paths) + 1), [len(path) for path in paths])
    place = np.concatenate(paths)
    keys = {
        "image": np.full(len(track), "a"),
        "frame": np.concatenate(frames).astype(np.int32),
        "label": track,
    }
    axes = "zyx"[-place.shape[1] :]
    objects = keys | {f"centroid_{a}_um": p for a, p in zip(axes, place.T, strict=True)}
    parent = np.array(parents or [0] * len(paths))[track - 1]
    return Table(objects), Table(keys | {"track": track, "parent": parent})


def both(paths, time_step_s=1.0, **more):
    tables = movie(paths, **more)
    return (
        measure_objects(*tables, time_step_s=time_step_s),
        measure_tracks(*tables, time_step_s=time_step_s),
    )


def walks(n, steps, diffusion, dt, ndim=2, error=0.0, seed=0):
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, np.sqrt(2 * diffusion * dt), (n, steps, ndim))
    return list(np.cumsum(moves, axis=1) + rng.normal(0, error, moves.shape))


def test_a_straight_line_has_constant_speed_and_no_acceleration():
    path = np.arange(10)[:, None] * np.array([3.0, 0.0, 4.0])
    objects, tracks = both([path], time_step_s=2.0)
    assert np.isnan(objects["displacement_um"][0])
    assert np.allclose(objects["displacement_um"][1:], 5)
    assert np.allclose(objects["displacement_z_um"][1:], 3)
    assert np.allclose(objects["speed_um_per_s"][1:], 2.5)
    assert np.isnan(objects["acceleration_um_per_s2"][[0, 9]]).all()
    assert np.allclose(objects["acceleration_um_per_s2"][1:9], 0)
    assert np.allclose(objects["turning_angle_deg"][1:9], 0)
    assert tracks["duration_s"].tolist() == [18]
    assert tracks["path_length_um"][0] == pytest.approx(45)
    assert tracks["straightness"][0] == pytest.approx(1)
    assert tracks["mean_speed_um_per_s"][0] == pytest.approx(2.5)
    assert tracks["msd_lag_4_um2"][0] == pytest.approx(400)


def test_a_long_straight_line_has_the_exponent_of_directed_motion():
    _, tracks = both([np.arange(40)[:, None] * np.array([1.0, 2.0])])
    assert tracks["msd_exponent"][0] == pytest.approx(2)
    assert np.isnan(tracks["localisation_error_um"][0])


def test_a_circle_returns_and_accelerates_towards_its_centre():
    angle = np.linspace(0, 2 * np.pi, 361)
    radius, dt = 7.0, 0.5
    path = radius * np.stack([np.sin(angle), np.cos(angle)], 1)
    objects, tracks = both([path], time_step_s=dt)
    speed = 2 * np.pi * radius / (360 * dt)
    assert np.allclose(objects["speed_um_per_s"][1:], speed, rtol=1e-4)
    assert np.allclose(objects["acceleration_um_per_s2"][1:-1], speed**2 / radius, rtol=1e-4)
    assert np.allclose(objects["turning_angle_deg"][1:-1], 1)
    assert tracks["path_length_um"][0] == pytest.approx(2 * np.pi * radius, rel=1e-4)
    assert tracks["net_displacement_um"][0] == pytest.approx(0, abs=1e-9)
    assert tracks["straightness"][0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_random_walk_spreads_as_its_diffusion_coefficient_says(ndim):
    diffusion, dt, n = 0.3, 5.0, 4000
    _, tracks = both(walks(n, 13, diffusion, dt, ndim), time_step_s=dt)
    for lag in (1, 2, 4, 8):
        squares = tracks[f"msd_lag_{lag}_um2"]
        assert squares.mean() == pytest.approx(
            2 * ndim * diffusion * lag * dt, abs=4 * squares.std() / np.sqrt(n)
        )
    estimate = tracks["diffusion_um2_per_s"]
    assert estimate.mean() == pytest.approx(diffusion, abs=4 * estimate.std() / np.sqrt(n))
    angles = tracks["mean_turning_angle_deg"]
    assert angles.mean() == pytest.approx(90, abs=4 * angles.std() / np.sqrt(n))


def test_a_random_walk_has_the_exponent_one():
    _, tracks = both(walks(20, 4000, 1.0, 1.0), time_step_s=1.0)
    early = both([path[:400] for path in walks(200, 400, 1.0, 1.0)])[1]["msd_exponent"]
    assert early.mean() == pytest.approx(1, abs=0.1)
    assert np.abs(tracks["msd_exponent"] - 1).mean() < 0.3


def test_errors_of_positions_bias_displacements_as_stated_but_not_diffusion():
    diffusion, dt, error, n = 0.1, 2.0, 0.5, 4000
    _, tracks = both(walks(n, 20, diffusion, dt, 2, error), time_step_s=dt)
    squares, estimate = tracks["msd_lag_1_um2"], tracks["diffusion_um2_per_s"]
    expected = 4 * diffusion * dt + 4 * error**2
    assert squares.mean() == pytest.approx(expected, abs=4 * squares.std() / np.sqrt(n))
    assert estimate.mean() == pytest.approx(diffusion, abs=4 * estimate.std() / np.sqrt(n))
    assert np.nanmedian(tracks["localisation_error_um"]) == pytest.approx(error, rel=0.05)


def test_an_object_at_rest_seems_to_accelerate_and_turn_back_by_the_error_of_its_positions():
    error, dt = 0.2, 3.0
    objects, _ = both(walks(1, 40_000, 0.0, dt, 2, error), time_step_s=dt)
    squares = objects["acceleration_um_per_s2"][1:-1] ** 2
    assert np.sqrt(squares.mean() / 2) == pytest.approx(np.sqrt(6) * error / dt**2, rel=0.03)
    assert np.nanmean(objects["turning_angle_deg"]) > 100


def test_a_gap_spreads_the_step_over_the_frames_it_took():
    frames = np.array([0, 1, 4, 5])
    path = frames[:, None] * np.array([0.0, 2.0])
    objects, tracks = both([path], time_step_s=10.0, frames=[frames])
    assert objects["displacement_um"][1:].tolist() == [2, 6, 2]
    assert np.allclose(objects["speed_um_per_s"][1:], 0.2)
    assert np.allclose(objects["acceleration_um_per_s2"][1:3], 0)
    assert tracks["duration_s"].tolist() == [50]
    assert tracks["track_objects"].tolist() == [4]
    # Pairs that are one frame apart: (0, 1) and (4, 5); four apart: (0, 4) and (1, 5).
    assert tracks["msd_lag_1_um2"].tolist() == [4]
    assert tracks["msd_lag_4_um2"].tolist() == [64]
    assert np.isnan(tracks["msd_lag_2_um2"]).all()
    assert np.isnan(tracks["diffusion_um2_per_s"]).all()  # no two steps in a row


def test_a_change_of_speed_over_a_gap_is_divided_by_the_time_between_the_steps():
    frames = np.array([0, 2, 3])
    objects, _ = both([np.array([[0, 0], [0, 4], [0, 9.0]])], frames=[frames], time_step_s=2.0)
    # Velocities 1 and 2.5, in the middle of steps that lie 3 s apart.
    assert objects["acceleration_um_per_s2"][1] == pytest.approx(0.5)


@pytest.mark.parametrize(("frames", "defined"), [(15, False), (16, True)])
def test_the_exponent_needs_three_lags(frames, defined):
    _, tracks = both([np.arange(frames)[:, None] * np.ones(2)])
    assert np.isfinite(tracks["msd_exponent"][0]) == defined


def test_a_division_ends_a_path_and_sets_the_time_to_division():
    mother = np.array([[0, 0], [0, 1.0], [0, 2.0]])
    daughters = [np.array([[0, 9.0], [0, 10.0]]), np.array([[0, -9.0], [0, -10.0]])]
    frames = [np.arange(3), np.array([3, 4]), np.array([4, 5])]
    objects, tracks = both([mother, *daughters], 60.0, frames=frames, parents=[0, 1, 1])
    assert np.isnan(objects["displacement_um"][[0, 3, 5]]).all()
    assert tracks["divides"].tolist() == [True, False, False]
    assert tracks["time_to_division_s"][0] == 180
    assert np.isnan(tracks["time_to_division_s"][1:]).all()
    assert tracks["path_length_um"].tolist() == [2, 1, 1]


def test_a_track_with_one_daughter_does_not_divide():
    _, tracks = both([np.zeros((2, 2)), np.zeros((2, 2))], frames=[[0, 1], [2, 3]], parents=[0, 1])
    assert tracks["divides"].tolist() == [False, False]
    assert np.isnan(tracks["time_to_division_s"]).all()


def test_what_needs_more_objects_is_nan():
    objects, tracks = both([np.zeros((1, 3)), np.ones((2, 3))])
    assert np.isnan(objects["speed_um_per_s"][:2]).all()
    for name in ("path_length_um", "net_displacement_um", "straightness", "mean_speed_um_per_s"):
        assert np.isnan(tracks[name][0]), name
    assert tracks["duration_s"].tolist() == [0, 1]
    assert tracks["path_length_um"][1] == 0
    assert np.isnan(tracks["straightness"][1])  # it did not move


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_movie_without_objects_has_all_columns(ndim):
    objects, tracks = both([np.zeros((0, ndim))])
    assert {len(values) for values in (objects | tracks).values()} == {0}


@pytest.mark.parametrize("ndim", [2, 3])
def test_every_column_is_declared_and_every_feature_returned(ndim):
    objects, tracks = both([np.random.default_rng(0).normal(size=(20, ndim))])
    columns = [name for name in [*objects, *tracks] if name not in KEYS]
    for name in columns:
        assert sum(bool(f.pattern.fullmatch(name)) for f in features_of("motion")) == 1, name
    for feature in features_of("motion"):
        assert any(feature.pattern.fullmatch(name) for name in columns), feature.name
        per_track = feature.of == "track"
        assert any(feature.pattern.fullmatch(name) for name in (tracks if per_track else objects))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([2, 3]))
def test_turning_and_moving_the_whole_movie_changes_nothing_but_components(seed, ndim):
    rng = np.random.default_rng(seed)
    paths = [rng.normal(size=(n, ndim)) for n in (1, 2, 9, 25)]
    turn = np.linalg.qr(rng.normal(size=(ndim, ndim)))[0]
    shift = rng.uniform(-50, 50, ndim)
    for here, there in zip(both(paths), both([p @ turn + shift for p in paths]), strict=True):
        for name in here:
            if name not in ("image", *(f"displacement_{a}_um" for a in "zyx")):
                assert np.allclose(here[name], there[name], atol=1e-6, equal_nan=True), name


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.01, 1e4))
def test_a_longer_time_step_scales_each_feature_by_its_unit(seed, dt):
    paths = [np.random.default_rng(seed).normal(size=(n, 2)) for n in (1, 2, 25)]
    power = {"s": 1, "µm/s": -1, "µm/s²": -2, "µm²/s": -1}
    units = {f.name: f.unit for f in features_of("motion")}
    for one, scaled in zip(both(paths), both(paths, time_step_s=dt), strict=True):
        for name in one:
            if name in units:
                factor = dt ** power.get(units[name], 0)
                assert np.allclose(one[name] * factor, scaled[name], rtol=1e-9, equal_nan=True), (
                    name
                )


def test_tracks_may_be_listed_in_another_order():
    objects, tracks = movie([np.cumsum(np.ones((4, 2)), 0), np.zeros((3, 2))])
    order = np.random.default_rng(0).permutation(7)
    other = Table({name: values[order] for name, values in tracks.columns.items()})
    expected = measure_objects(objects, tracks, time_step_s=1)
    found = measure_objects(objects, other, time_step_s=1)
    assert np.array_equal(expected["displacement_um"], found["displacement_um"], equal_nan=True)


def test_what_cannot_be_measured_is_refused():
    objects, tracks = movie([np.zeros((4, 2))])
    with pytest.raises(InputError, match="time step is 0"):
        measure_objects(objects, tracks, time_step_s=0)
    with pytest.raises(InputError, match="every object needs exactly one row"):
        measure_tracks(objects, movie([np.zeros((3, 2))])[1], time_step_s=1)
    with pytest.raises(InputError, match="lags are"):
        measure_tracks(objects, tracks, time_step_s=1, lags=(0,))
