"""Mesh the objects of one sample as one method found them: one scene, a colour an object."""

from bioagree import images
from bioagree.features.objects import Objects
from bioagree.job import job
from bioagree.surfaces.files import write_glb
from bioagree.surfaces.viewing import for_viewing

with job(snakemake) as this:
    scene = {}
    for labels in this.progress(images.read(snakemake.input.labels)):
        frames = [
            for_viewing(Objects(array, labels.spacing), **snakemake.params.surfaces)
            for array in labels.stack
        ]
        scene[labels.name] = frames if "T" in labels.axes else frames[0]
    write_glb(this.output.scene, scene)
