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
    types = {"image": str, "frame": int, "label": int} | dict.fromkeys(groups, bool)
    columns = tables.from_rows(objects, types)
    if "lineage" in dataset["truth"]:
        pattern = dataset["truth"]["lineage"]["file"]
        paths = acquisition.files_beside(files, mended, pattern, "truth.lineage")
        columns["parent"] = truth.parents(columns, paths, dataset["truth"]["lineage"])
        this.used(set(paths.values()))
    if "values" in dataset["truth"]:
        pattern = dataset["truth"]["values"]
        paths = acquisition.files_beside(files, mended, pattern, "truth.values")
        columns = truth.add_values(columns, paths)
        this.used(set(paths.values()))
    images.write_labels(this.output.labels, mended)
    listed = [{"image": image.name, "frames": len(image.stack)} for image in mended]
    about = {"images": listed, "kind": dataset["truth"]["kind"]}
    tables.write(this.output.objects, tables.Table(columns, about=about))
    this.note(repairs=repairs)
