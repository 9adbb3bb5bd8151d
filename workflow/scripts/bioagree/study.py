"""A study as its config describes it: read, checked, and asked what belongs to what."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bioagree import comparison, configuration, sources
from bioagree.errors import InputError
from bioagree.features import registry as features
from bioagree.segmentation.registry import FAMILIES, GPU_FAMILIES
from bioagree.truth import TRUTH


@dataclass(frozen=True)
class Study:
    """Samples, datasets, methods and questions, all valid.

    Attributes
    ----------
    config : mapping
        The merged config.
    datasets, filters, methods : dict
        Descriptions by name; only the methods that the study uses.
    samples : dict
        Rows of the sheet by sample.
    """

    config: Mapping
    datasets: dict[str, dict]
    filters: dict[str, list]
    methods: dict[str, dict]
    samples: dict[str, dict[str, str]]

    @classmethod
    def read(cls, config: Mapping, schemas: Path, where: str) -> "Study":
        """Read and check everything that a config names.

        Parameters
        ----------
        config : mapping
            The merged config.
        schemas : Path
            Folder of the JSON Schemas.
        where : str
            The config's files, for messages.

        Raises
        ------
        InputError
            One sentence on the first fault: where it is and what is allowed.
        """
        configuration.validate(config, schemas / "config.schema.yaml", where)
        asked = {name: ask for name, ask in config["questions"].items() if ask is not None}
        config = {**config, "questions": asked}
        datasets = configuration.read_yaml(config["datasets"])
        configuration.validate(datasets, schemas / "datasets.schema.yaml", config["datasets"])
        configuration.check_datasets(datasets, config["datasets"])
        for name, dataset in datasets.items():
            if "files" in dataset:
                sources.check(name, dataset, config["datasets"])
        described = configuration.read_yaml(config["methods"])
        configuration.validate(described, schemas / "methods.schema.yaml", config["methods"])
        configuration.check_methods(described, config["use_methods"], config["methods"])
        methods = {name: described["methods"][name] for name in config["use_methods"]}
        features.check(config["features"], f"{where}: features")
        samples = configuration.read_samples(config["samples"], datasets)
        configuration.check_truth(samples, datasets, config["samples"])
        chains = {n: described["filters"][method["filter"]] for n, method in methods.items()}
        configuration.check_channels(samples, datasets, chains, config["methods"])
        configuration.check_questions(config["questions"], methods, samples, datasets, where)
        study = cls(config, datasets, described["filters"], methods, samples)
        if study.segmented and not methods:
            raise InputError(
                f"{where}: use_methods is empty, but sample {study.segmented[0]!r} has intensities "
                "to segment; name at least one method"
            )
        return study

    def dataset(self, sample: str) -> dict:
        """Return the description of a sample's dataset."""
        return self.datasets[self.samples[sample]["dataset"]]

    @cached_property
    def used(self) -> list[str]:
        """Datasets that a sample comes from."""
        return sorted({row["dataset"] for row in self.samples.values()})

    @cached_property
    def fetched(self) -> list[str]:
        """Datasets that are fetched; the others are read where they lie."""
        return [name for name in self.used if "files" in self.datasets[name]]

    @cached_property
    def segmented(self) -> list[str]:
        """Samples with intensities; the others are labels already."""
        return [name for name in self.samples if self.dataset(name)["channels"]]

    @cached_property
    def scored(self) -> list[str]:
        """Samples whose segmentations can be scored, since they have a ground truth."""
        return [name for name in self.segmented if self.samples[name]["truth"]]

    @cached_property
    def annotated(self) -> list[str]:
        """Samples with a ground truth."""
        return [name for name, row in self.samples.items() if row["truth"]]

    @cached_property
    def movies(self) -> list[str]:
        """Samples with a time axis."""
        return [name for name in self.samples if "T" in self.dataset(name)["axes"]]

    @cached_property
    def volumes(self) -> list[str]:
        """Samples in 3D, whose objects have surfaces."""
        return [name for name in self.samples if "Z" in self.dataset(name)["axes"]]

    def measured(self, sample: str) -> list[str]:
        """Return whose labels are measured on a sample: every method, and the truth."""
        methods = list(self.methods) if sample in self.segmented else []
        return [*methods, *([TRUTH] if self.samples[sample]["truth"] else [])]

    def pairs(self, samples) -> list[tuple[str, str]]:
        """Return samples with each of those whose labels are measured on them."""
        return [(sample, method) for sample in samples for method in self.measured(sample)]

    def methods_of_kind(self, gpu: bool) -> list[str]:
        """Return the methods that run on a device, or those that do not."""
        return [
            name
            for name, method in self.methods.items()
            if (FAMILIES[method["segmenter"]] in GPU_FAMILIES) == gpu
        ]

    @cached_property
    def questions(self) -> dict[str, dict]:
        """The questions that this study's samples can answer."""
        needs = {"quality": self.scored, "agreement": self.segmented, "tracking": self.tracked}
        return {
            name: question
            for name, question in self.config["questions"].items()
            if needs.get(question["type"], True)
        }

    def with_channels(self, name: str) -> list[str]:
        """Return the samples that have the channels that a question asks of."""
        wanted = set(self.config["questions"][name]["channels"])
        return [
            sample for sample in self.segmented if wanted <= set(self.dataset(sample)["channels"])
        ]

    @cached_property
    def colocalised(self) -> list[tuple[str, str]]:
        """Questions of colocalisation with each of the samples that can answer them."""
        names = self.questions_of_type("colocalisation")
        return [(name, sample) for name in names for sample in self.with_channels(name)]

    @cached_property
    def tracked(self) -> list[str]:
        """Movies whose truth has a lineage, against which tracks are scored."""
        return [
            name
            for name in self.movies
            if self.samples[name]["truth"] and "lineage" in self.dataset(name)["truth"]
        ]

    def questions_of_type(self, kind: str) -> list[str]:
        """Return the names of the study's questions of one type."""
        return [name for name, question in self.questions.items() if question["type"] == kind]

    def agreement_figures(self) -> list[str]:
        """Return the names of the agreement figures that this study gives."""
        kinds = {
            (self.dataset(name)["axes"].count("Z") + 2, bool(self.samples[name]["truth"]))
            for name in self.segmented
        }
        return comparison.figure_names(kinds, len(self.methods))

    def jobs(self) -> dict[str, list[str]]:
        """Return the records of all jobs before the report: names by rule."""
        chains = sorted({method["filter"] for method in self.methods.values()})
        by_kind = {
            gpu: [f"{s}.{m}" for s in self.segmented for m in self.methods_of_kind(gpu)]
            for gpu in (True, False)
        }
        return {
            "fetch": self.fetched,
            "import_images": list(self.samples),
            "import_truth": self.annotated,
            "filter": [f"{sample}.{chain}" for sample in self.segmented for chain in chains],
            "segment_gpu": by_kind[True],
            "segment_cpu": by_kind[False],
            "measure": _dotted(self.pairs(self.samples)),
            "surface": _dotted(self.pairs(self.volumes)),
            "score": [f"{sample}.{method}" for sample in self.scored for method in self.methods],
            "track": _dotted(self.pairs(self.movies)),
            "draw_tracks": _dotted(self.pairs(self.movies)),
            "score_tracks": _dotted(self.pairs(self.tracked)),
            "draw_track_errors": _dotted(self.pairs(self.tracked)),
            "colocalise": _dotted(self.colocalised),
            **{
                f"compare_{kind}": self.questions_of_type(kind)
                for kind in ("quality", "agreement", "tracking", "colocalisation")
            },
            "draw_examples": ["all"],
            "draw_surfaces": ["all"] if self.volumes else [],
        }


def _dotted(pairs: list[tuple[str, str]]) -> list[str]:
    return [".".join(pair) for pair in pairs]
