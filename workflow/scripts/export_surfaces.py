"""Write one mesh file an object, for programs that read no scenes: ply or stl."""

from bioagree import images
from bioagree.features.objects import Objects
from bioagree.job import job
from bioagree.surfaces.files import write_mesh
from bioagree.surfaces.viewing import for_viewing

with job(snakemake) as this:
    this.output.folder.mkdir()
    for labels in this.progress(images.read(snakemake.input.labels)):
        for frame, array in enumerate(labels.stack):
            meshes = for_viewing(Objects(array, labels.spacing), **snakemake.params.surfaces)
            when = f".frame-{frame}" if "T" in labels.axes else ""
            for i, label in enumerate(meshes.ids):
                name = f"{labels.name}{when}.label-{label}.{snakemake.wildcards.format}"
                write_mesh(this.output.folder / name, *meshes.mesh(i))
