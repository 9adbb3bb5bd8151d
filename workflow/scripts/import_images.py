"""Bring the images of one sample into one multi-series OME-TIFF."""

from bioagree import acquisition, images
from bioagree.job import job

with job(snakemake) as this:
    row, dataset = snakemake.params.row, snakemake.params.dataset
    files = acquisition.files(snakemake.input.files, row["images"])
    this.used(files)
    for sentence in acquisition.sampling_warnings(dataset):
        this.warn(sentence)
    found = [
        image
        for path in this.progress(files)
        for image in acquisition.read(path, dataset, this.warn)
    ]
    acquisition.check_names(found)
    images.write(this.output.images, found)
    this.note(images=[image.name for image in found], shapes=[i.array.shape for i in found])
