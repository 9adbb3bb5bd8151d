"""Movies become tracks with scores, and two channels a comparison with chance, in one command."""

import csv
import re

import numpy as np
import pyarrow.parquet
import pytest
import tifffile
import trimesh

PIXEL_UM = 0.5
STEP_S = 30
MOVIE = {
    "title": "Labels over time",
    "folder": "raw/movie",
    "licence": "CC0-1.0",
    "creators": [{"name": "Curie, Marie"}],
    "axes": "TYX",
    "voxel_um": [PIXEL_UM, PIXEL_UM],
    "time_step_s": STEP_S,
    "calibration": "nominal",
    "channels": [],
    "truth": {"kind": "exact", "lineage": {"file": "man_track.txt", "format": "man_track"}},
}
PAIR = MOVIE | {
    "title": "Two channels",
    "folder": "raw/pair",
    "axes": "CYX",
    "calibration": "measured",
    "channels": ["red", "green"],
}
PAIR = {key: value for key, value in PAIR.items() if key not in ("time_step_s", "truth")}


def draw_movie(folder):
    """Write six frames: one cell moves by 1 µm a frame, the other divides."""
    folder.mkdir(parents=True)
    frames = np.zeros((6, 48, 96), np.uint16)
    for t, frame in enumerate(frames):
        frame[30:38, 10 + 2 * t : 18 + 2 * t] = 7
        if t < 3:
            frame[8:18, 60:70] = 2
        else:
            frame[9:16, 54 - t : 61 - t] = 4
            frame[9:16, 69 + t : 76 + t] = 9
    tifffile.imwrite(folder / "movie.tif", frames)
    (folder / "man_track.txt").write_text("2 0 2 0\n4 3 5 2\n7 0 5 0\n9 3 5 2\n")


def draw_pair(folder):
    """Write two channels: four discs in both of them, and one more in each."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(4)
    pixels = rng.normal(100, 5, (2, 96, 96))
    y, x = np.indices((96, 96))
    for channels, centre in (
        ((0, 1), (20, 20)),
        ((0, 1), (20, 70)),
        ((0, 1), (70, 20)),
        ((0, 1), (70, 70)),
        ((0,), (45, 20)),
        ((1,), (45, 70)),
    ):
        disc = np.hypot(y - centre[0], x - centre[1]) <= 7
        for channel in channels:
            pixels[channel][disc] += 500 + rng.normal(0, 60)
    tifffile.imwrite(folder / "pair.tif", pixels.astype(np.uint16))


@pytest.fixture(scope="module")
def study(tmp_path_factory, make):
    folder = tmp_path_factory.mktemp("mixed")
    draw_movie(folder / "raw" / "movie")
    draw_pair(folder / "raw" / "pair")
    study = make.study(folder)
    study.add("movie", MOVIE, "movie.tif", "{name}.tif").add("pair", PAIR, "pair.tif")
    for name in ("red", "green"):
        study.methods["filters"][name] = [
            {"channel": {"name": name}},
            {"gaussian": {"sigma_um": 0.5}},
        ]
        study.methods["methods"][name] = {
            "filter": name,
            "segmenter": "gauss_otsu",
            "parameters": {"sigma_um": 0.5},
        }
    study.use("red", "green")
    study.config["features"] = {"use": ["intensity", "colocalisation", "nearest_distance_um"]}
    study.config["questions"] = {
        "tracking": {"type": "tracking", "ask": "Are the tracks right?"},
        "near": {
            "type": "colocalisation",
            "ask": "Does red lie where green is?",
            "channels": ["red", "green"],
            "objects": ["red", "green"],
            "psf_um": 2.0,
            "draws": 99,
        },
    }
    study.write().run()
    return study


def table(study, *parts):
    return pyarrow.parquet.read_table(study.path("results", *parts)).to_pydict()


def rows(study, *parts):
    with open(study.path("results", *parts), newline="") as file:
        return list(csv.DictReader(file))


def test_links_and_the_division_are_found(study):
    (row,) = rows(study, "comparison", "tracking", "summary.csv")
    assert (row["sample"], row["method"]) == ("movie", "truth")
    assert (row["links_true_positive"], row["links_false_negative"]) == ("13", "0")
    assert float(row["links_precision"]) == float(row["links_recall"]) == 1
    assert float(row["divisions_precision"]) == float(row["divisions_recall"]) == 1


def test_motion_is_in_µm_and_seconds(study):
    found = table(study, "tracks", "movie.truth.parquet")
    speeds = [
        s for s, label in zip(found["speed_um_per_s"], found["label"], strict=True) if label == 7
    ]
    assert np.isnan(speeds[0])
    assert speeds[1:] == pytest.approx([1 / STEP_S] * 5)
    assert found["image"] == ["movie"] * 15
    schema = pyarrow.parquet.read_schema(study.path("results/tracks/movie.truth.parquet"))
    assert schema.field("speed_um_per_s").metadata[b"unit"] == "µm/s".encode()


def test_labels_alone_have_no_intensities(study):
    found = table(study, "features", "movie.truth.parquet")
    assert "nearest_distance_um" in found
    assert not [name for name in found if "intensity" in name or "pearson" in name]


def test_each_method_segments_its_own_channel(study):
    for method, present, absent in (("red", (45, 20), (45, 70)), ("green", (45, 70), (45, 20))):
        labels = tifffile.imread(study.path("results", "labels", f"pair.{method}.ome.tif"))
        assert labels.max() == 5
        assert labels[present] > 0
        assert labels[absent] == 0


def test_channels_and_objects_are_compared_with_chance(study):
    (row,) = rows(study, "comparison", "near", "images.csv")
    assert (row["objects_first"], row["objects_second"]) == ("5", "5")
    assert float(row["first_in_second"]) == float(row["second_in_first"]) == 0.8
    assert float(row["first_in_second_random"]) < 0.2
    assert float(row["first_in_second_p"]) == float(row["pearson_p"]) == 1 / 100
    assert 0.6 < float(row["pearson"]) < 0.95
    assert float(row["manders_m1"]) == pytest.approx(0.8, abs=0.1)


def test_objects_know_how_their_channels_go_together(study):
    found = table(study, "features", "pair.red.parquet")
    assert {"pearson_red_green", "manders_m1_red_green", "intensity_mean_green"} <= set(found)
    assert all(-1 <= value <= 1 for value in found["pearson_red_green"])


def test_the_report_shows_tracks_and_channels(study):
    page = study.path("results/report/index.html").read_text()
    for words in (
        "Are the tracks right?",
        "Does red lie where green is?",
        "How do the objects move?",
    ):
        assert words in page
    assert len(re.findall(r'<img src="data:image/png', page)) >= 5
    assert "nominal" in page


def test_nothing_is_left_to_do(study):
    assert study.snakemake("-n").nothing_to_do


def test_a_lineage_of_other_labels_is_told(study, make, tmp_path):
    draw_movie(tmp_path / "raw" / "movie")
    (tmp_path / "raw" / "movie" / "man_track.txt").write_text("2 0 2 0\n4 3 5 2\n7 0 5 0\n")
    other = make.study(tmp_path).add("movie", MOVIE, "movie.tif", "{name}.tif").use()
    outcome = other.write().snakemake("results/truth/movie.ome.tif")
    assert outcome.code != 0
    assert re.search(r"man_track\.txt has no branch 9", outcome.output)
    assert not other.path("results", "truth", "movie.ome.tif").exists()


def test_single_meshes_are_written_on_request(tmp_path, make):
    study = make.tiny(tmp_path).use("distance-watershed").write()
    study.run("results/surfaces/stack.truth.ply", "results/surfaces/stack.truth.stl")
    for kind in ("ply", "stl"):
        folder = study.path("results", "surfaces", f"stack.truth.{kind}")
        assert sorted(path.name for path in folder.glob(f"*.{kind}")) == [
            f"stack.label-{label}.{kind}" for label in (1, 2)
        ]
        mesh = trimesh.load(folder / f"stack.label-1.{kind}")
        assert mesh.is_watertight
        # A ball of radius 3.5 µm, around x = y = 7 and z = 5 µm.
        assert mesh.volume == pytest.approx(4 / 3 * np.pi * 3.5**3, rel=0.1)
        assert mesh.centroid == pytest.approx([7, 7, 5], abs=0.2)
