"""Bring the ground truth of one sample onto its images' grid, mended and with its groups."""

from bioagree import acquisition, images, tables, truth
from bioagree.job import job

with job(snakemake) as this:
    row, dataset = snakemake.params.row, snakemake.params.dataset
    rules = dataset["truth"].get("repair", [])
    groups = dataset["truth"].get("groups", {})
    grids = images.read(snakemake.input.images)
    files = acquisition.files(snakemake.input.files, row["images"])
    mended, objects, repairs = [], [], []
    for labels, marks, paths in acquisition.read_truths(files, row["truth"], dataset, grids):
        this.used(paths)
        image, report = truth.repair(labels, rules)
        mended.append(image)
        repairs += [{"image": image.name, **entry} for entry in report]
        objects += truth.objects(image, labels, marks)
    images.write_labels(this.output.labels, mended)
    types = {"image": str, "frame": int, "label": int} | dict.fromkeys(groups, bool)
    columns = tables.from_rows(objects, types)
    about = {"images": [image.name for image in mended], "kind": dataset["truth"]["kind"]}
    tables.write(this.output.objects, tables.Table(columns, about=about))
    this.note(repairs=repairs)
