"""Data that cannot be used stop their job with one sentence; nothing half-written is left."""

import shutil
import socket
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest
import tifffile

PLATE = "results/images/plate.ome.tif"
TRUTH = "results/truth/plate.ome.tif"
FIELD = np.arange(64 * 80, dtype=np.uint16).reshape(64, 80)


def field_of(study, name="A01_2.tif"):
    return study.path("raw", "plate", name)


def image(array, **options):
    """Put another image into the place of the second field."""
    return lambda study: tifffile.imwrite(field_of(study), array, **options)


def bytes_of(content):
    return lambda study: field_of(study).write_bytes(content)


def truncated(study):
    path = field_of(study)
    path.write_bytes(path.read_bytes()[:-2000])


def with_value(value):
    array = FIELD.astype(np.float32)
    array[3, 4] = value
    return image(array)


def labels(array):
    return lambda study: tifffile.imwrite(field_of(study, "labels/A01_2.tif"), array)


def no_labels(study):
    field_of(study, "labels/A01_2.tif").unlink()


def fault(name, change, *words):
    return pytest.param(change, words, id=name)


IMAGES = [
    fault("NaN", with_value(np.nan), "1 NaN or infinite values", "allowed are finite"),
    fault("infinite", with_value(-np.inf), "1 NaN or infinite values", "allowed are finite"),
    fault("stack", image(np.stack([FIELD] * 5)), "has 3 dimensions (5, 64, 80)", "promise 2"),
    fault("colour", image(np.zeros((64, 80, 3), np.uint8)), "colour image", "convert it"),
    fault("channels", image(np.zeros((2, 64, 80), np.uint16)), "3 dimensions (2, 64, 80)"),
    fault("complex", image(FIELD.astype(np.complex64)), "complex64", "allowed are"),
    fault("empty file", bytes_of(b""), "cannot be read as an image"),
    fault("no TIFF", bytes_of(b"II*\0 is how a TIFF starts" * 9), "holds no image"),
    fault("text", bytes_of(b"sample\tdataset\n"), "cannot be read as an image"),
    fault("truncated", truncated, "is truncated", "pixels are missing"),
]
TRUTHS = [
    fault("shape", labels(np.zeros((64, 81), np.uint16)), "(64, 81)", "has (64, 80)", "be equal"),
    fault("fractions", labels(FIELD / 7), "fractions", "whole label numbers"),
    fault("negative", labels(FIELD.astype(np.int32) - 9), "labels outside 0 to"),
    fault("none", no_labels, "does not exist"),
    fault("two", labels(np.zeros((2, 64, 80), np.uint16)), "(2, 64, 80)", "be equal"),
]


def said(outcome, *words):
    """Check that the sentence is there, once, and no traceback beside it."""
    assert outcome.code != 0, outcome.output
    lines = [line for line in outcome.output.splitlines() if all(word in line for word in words)]
    assert len(lines) == 1, outcome.output
    assert "Traceback" not in outcome.output


def nothing_half_written(study):
    kept = [path for path in study.folder.rglob("*") if path.is_file()]
    assert not [path for path in kept if ".partial-" in str(path)]
    products = [
        path
        for path in kept
        if {"results", "resources"} & set(path.parts)
        and not {"logs", "benchmarks", ".snakemake_timestamp"} & set(path.parts)
    ]
    assert all(path.stat().st_size for path in products)
    return {str(path.relative_to(study.folder)) for path in products}


@pytest.mark.parametrize(("change", "words"), IMAGES)
def test_images(plate, change, words):
    change(plate)
    outcome = plate.write().snakemake("--", PLATE)
    said(outcome, "import_images plate: raw/plate/A01_2.tif", *words)
    assert nothing_half_written(plate) == set()


def test_too_few_dimensions(plate):
    plate.datasets["plate"] |= {"axes": "ZYX", "voxel_um": [1, 0.5, 0.5]}
    outcome = plate.write().snakemake("--", PLATE)
    said(outcome, "A01_1.tif has 2 dimensions", "axes 'ZYX' in datasets.yaml promise 3")
    assert nothing_half_written(plate) == set()


@pytest.mark.parametrize(("change", "words"), TRUTHS)
def test_truths(plate, change, words):
    change(plate)
    outcome = plate.write().snakemake("--", TRUTH)
    said(outcome, "import_truth plate", "raw/plate/labels/A01_2.tif", *words)
    made = nothing_half_written(plate)
    assert made == {PLATE, "results/provenance/import_images/plate.json"}


def test_voxel_size_of_the_file_is_compared(plate):
    """A disagreement is told, and is no fault: what the dataset says is used."""
    tifffile.imwrite(field_of(plate), FIELD, resolution=(1e4, 1e4), resolutionunit="CENTIMETER")
    outcome = plate.write().run("--", PLATE)
    assert "A01_2.tif: the file says 1 µm along X, datasets.yaml says 0.5 µm" in outcome.output


def test_two_images_of_one_name(plate):
    shutil.copy(field_of(plate), plate.path("raw", "plate", "A01_2.tiff"))
    plate.samples[0] |= {"images": "A01_2.tif*"}
    said(plate.write().snakemake("--", PLATE), "2 images of one sample", "'A01_2'", "rename")
    assert nothing_half_written(plate) == set()


def test_a_device_that_is_not_there(plate):
    plate.config["device"] = "opencl-gpu"
    probe = "from bioagree import device; device.choose('opencl-gpu')"
    scripts = plate.repository / "workflow" / "scripts"
    if (
        subprocess.run([sys.executable, "-c", probe], cwd=scripts, capture_output=True).returncode
        == 0
    ):
        pytest.skip("this machine has an OpenCL GPU")
    outcome = plate.write().snakemake("--", "results/filtered/plate.smooth.ome.tif")
    said(outcome, "filter plate smooth: device 'opencl-gpu' is not available", "found:", "auto")
    assert "results/filtered/plate.smooth.ome.tif" not in nothing_half_written(plate)


def fetched(study, **entry):
    """Make the plate's dataset one that is fetched."""
    del study.datasets["plate"]["folder"]
    study.datasets["plate"]["files"] = [entry]
    return study.write()


def test_another_hash(plate):
    path, wrong = field_of(plate), sha256(b"another file").hexdigest()
    found = sha256(path.read_bytes()).hexdigest()
    fetched(plate, url="file:raw/plate/A01_2.tif", sha256=wrong)
    outcome = plate.snakemake("fetched")
    said(outcome, "'plate': file:raw/plate/A01_2.tif", wrong, found, "nothing of it was kept")
    assert nothing_half_written(plate) == set()


def test_a_local_file_that_is_not_there(plate):
    fetched(plate, url="file:raw/plate/A01_9.tif", sha256="0" * 64)
    said(plate.snakemake("fetched"), "file:raw/plate/A01_9.tif cannot be read", "No such file")
    assert nothing_half_written(plate) == set()


def test_a_pattern_that_matches_nothing_fetched(plate):
    digest = sha256(field_of(plate).read_bytes()).hexdigest()
    fetched(plate, url="file:raw/plate/A01_2.tif", sha256=digest)
    plate.samples[0]["images"] = "B*.tif"
    said(plate.write().snakemake("--", PLATE), "import_images plate", "'B*.tif'", "resources/plate")
    made = nothing_half_written(plate)
    assert not [name for name in made if "images" in name]


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return port


def test_no_network(plate, closed_port):
    url = f"https://127.0.0.1:{closed_port}/A01.zip"
    fetched(plate, url=url, sha256="0" * 64)
    outcome = plate.snakemake("fetched")
    said(
        outcome, f"'plate': {url} could not be fetched", "network or its host could not be reached"
    )
    assert nothing_half_written(plate) == set()


def test_no_package_index(plate, closed_port):
    url = "pypi:no-such-package-of-bioagree==1.0"
    fetched(plate, url=url, sha256="0" * 64)
    index = {"PIP_INDEX_URL": f"http://127.0.0.1:{closed_port}/simple", "PIP_RETRIES": "0"}
    outcome = plate.snakemake("fetched", env=index | {"PIP_FIND_LINKS": ""})
    said(outcome, f"'plate': {url} could not be fetched", "network or the package index")
    assert nothing_half_written(plate) == set()


def test_a_limit_on_the_size_of_files(plate):
    if not shutil.which("prlimit"):
        pytest.skip("prlimit is not installed")
    image(np.random.default_rng(0).integers(0, 999, (1400, 1400), np.uint16))(plate)
    outcome = plate.write().snakemake("--", PLATE, before=["prlimit", "--fsize=2000000"])
    said(outcome, "import_images plate: cannot write to", "results/images", "free or allow space")
    assert nothing_half_written(plate) == set()


MOUNT = (
    'mount -t tmpfs -o size="$1" none results && shift && "$@"; code=$?; find results; exit $code'
)


@pytest.mark.parametrize(
    ("size", "target", "place"),
    [
        pytest.param("1M", PLATE, "results/images", id="image"),
        pytest.param(
            "8M", "results/labels/plate.distance-watershed.ome.tif", "results", id="labels"
        ),
    ],
)
def test_a_full_disk(plate, size, target, place):
    """Results lie on a file system of their own that is too small."""
    private = ["unshare", "--map-root-user", "--mount"]
    probe = [*private, "mount", "-t", "tmpfs", "none", str(plate.folder)]
    if not shutil.which("unshare") or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("this machine does not let users mount a file system")
    noise = np.random.default_rng(0).integers(0, 999, (1400, 1400), np.uint16)
    image(noise)(plate)
    plate.path("results").mkdir()
    before = [*private, "sh", "-c", MOUNT, "sh", size]
    outcome = plate.write().snakemake("--", target, before=before)
    said(outcome, f": cannot write to {place}", "No space left on device", "free or allow space")
    listed = outcome.output.splitlines()
    assert target not in listed
    assert not [line for line in listed if line.startswith("results") and ".partial-" in line]
