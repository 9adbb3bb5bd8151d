"""A study as its config describes it: read, checked, and asked what belongs to what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bioagree import comparison, configuration, sources
from bioagree.errors import InputError
from bioagree.features import registry as features
from bioagree.publication import rights
from bioagree.segmentation.registry import FAMILIES, GPU_FAMILIES, LEARNED_FAMILIES
from bioagree.truth import TRUTH

KINDS = tuple(configuration.QUESTION_KEYS)  # of questions
ANSWERED = ("hypothesis", "screening")  # whose answers wait for the other tests of the study
# What the report shows of the answers: tables and pictures, and pictures of each dimension.
SHOWN = {
    "quality": (
        "summary.csv",
        "ranking.csv",
        "scores.svg",
        "precision.svg",
        "ranking.svg",
    ),
    "agreement": ("pairs.csv", "objects.csv", "overview.svg"),
    "repeatability": ("repeatability.csv", "trueness.csv", "repeatability.svg"),
    "hypothesis": ("results.csv", "checks.csv", "sentences.csv", "groups.svg"),
    "screening": ("survival.csv", "sensitivity.csv", "fates.csv"),
    "correlation": ("redundant.csv", "differences.csv"),
    "learning": ("prediction.csv", "partitions.csv", "composition.csv"),
    "tracking": ("summary.csv",),
    "colocalisation": ("images.csv",),
}
PICTURES = {
    "quality": ("distances.svg",),
    "screening": ("headline.svg", "every-feature.svg"),
    "correlation": ("matrix.svg", "differences.svg"),
    "learning": ("maps.png", "partitions.svg", "prediction.svg"),
}
# Of a dataset, what only packages tell: no result depends on it, so no job runs again for it.
FOR_PACKAGES = ("copyright", "biosample", "acquisition")
REPLICATES = 5  # of a sample, unless a question of repeatability says how many


@dataclass(frozen=True)
class Replicate:
    """A sample that is another one, measured once more under a change.

    Parameters
    ----------
    question : str
        Name of the question of repeatability that asks for it.
    sample : str
        The sample that it comes from.
    change : {"noise", "shift", "device"}
        What differs.
    seed : int
        Of everything random in the change.
    amount : float, optional
        Standard deviation of the noise in grey values, or largest shift in voxels.
    device : str, optional
        The device that works on it, where that is what differs.
    """

    question: str
    sample: str
    change: str
    seed: int
    amount: float | None = None
    device: str | None = None


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
        configuration.check_split(samples, config["samples"])
        chains = {n: described["filters"][method["filter"]] for n, method in methods.items()}
        configuration.check_channels(samples, datasets, chains, config["methods"])
        configuration.check_questions(
            config["questions"], methods, samples, datasets, config["features"]["use"], where
        )
        study = cls(config, datasets, described["filters"], methods, samples)
        study._check_rights()
        study._check_training(where)
        study._check_replicates(config["samples"])
        if study.segmented and not methods:
            raise InputError(
                f"{where}: use_methods is empty, but sample {study.segmented[0]!r} has intensities "
                "to segment; name at least one method"
            )
        return study

    def row(self, sample: str) -> dict[str, str]:
        """Return the sheet's row of a sample, or of the sample that a replicate comes from."""
        return self.samples.get(sample) or self.samples[self.replicates[sample].sample]

    def dataset(self, sample: str) -> dict:
        """Return the description of a sample's dataset."""
        return self.datasets[self.row(sample)["dataset"]]

    def described(self, name: str) -> dict:
        """Return the description of a dataset as jobs may depend on it."""
        dataset = self.datasets[name]
        return {key: dataset[key] for key in dataset if key not in FOR_PACKAGES}

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

    @cached_property
    def learned(self) -> list[str]:
        """Methods that learn from annotated samples."""
        return [
            name
            for name, method in self.methods.items()
            if FAMILIES[method["segmenter"]] in LEARNED_FAMILIES
        ]

    @cached_property
    def training(self) -> list[str]:
        """Samples that learned methods learn from; empty when no method learns."""
        rows = self.samples.items() if self.learned else ()
        return [name for name, row in rows if row["split"] == "train"]

    @cached_property
    def compared(self) -> list[str]:
        """Samples that no method has learned from, so that all are compared on equal terms."""
        return [name for name in self.samples if name not in self.training]

    def training_of(self, dataset: str) -> list[str]:
        """Return the samples of a dataset that methods learn from."""
        return [name for name in self.training if self.samples[name]["dataset"] == dataset]

    def methods_on(self, sample: str) -> list[str]:
        """Return the methods that can segment a sample.

        A learned method segments only datasets that it has learned from, since images of another
        kind, or another dimension, are nothing that it knows.
        """
        if not self.dataset(sample)["channels"]:
            return []
        learns = bool(self.training_of(self.row(sample)["dataset"]))
        return [name for name in self.methods if learns or name not in self.learned]

    def segmentations(self, samples) -> list[tuple[str, str]]:
        """Return samples with each of the methods that segment them."""
        return [(sample, method) for sample in samples for method in self.methods_on(sample)]

    def measured(self, sample: str) -> list[str]:
        """Return whose labels are measured on a sample: every method, and the truth."""
        truth = sample in self.samples and self.samples[sample]["truth"]
        return [*self.methods_on(sample), *([TRUTH] if truth else [])]

    def pairs(self, samples) -> list[tuple[str, str]]:
        """Return samples with each of those whose labels are measured on them."""
        return [(sample, method) for sample in samples for method in self.measured(sample)]

    @cached_property
    def replicates(self) -> dict[str, Replicate]:
        """Derived samples ``{sample}-r{k}``, which questions of repeatability ask for."""
        found: dict[str, Replicate] = {}
        count: dict[str, int] = {}
        for name, question in self.config["questions"].items():
            if question["type"] != "repeatability":
                continue
            devices = question.get("devices")
            number = len(devices) if devices else question.get("replicates", REPLICATES)
            for sample in question.get("samples", self.repeatable):
                for k in range(number):
                    count[sample] = count.get(sample, 0) + 1
                    found[f"{sample}-r{count[sample]}"] = Replicate(
                        name,
                        sample,
                        question["change"],
                        question.get("seed", 0) + k,
                        question.get("amount"),
                        devices[k] if devices else None,
                    )
        return found

    @cached_property
    def repeatable(self) -> list[str]:
        """Samples taken again unless a question names them: of each dataset one, with truth first.

        A dataset is one microscope with one kind of sample; more samples would tell little more.
        """
        found: dict[str, str] = {}
        able = [name for name in self.compared if self.methods_on(name)]
        for name in sorted(able, key=lambda name: not self.samples[name]["truth"]):
            found.setdefault(self.samples[name]["dataset"], name)
        return [name for name in self.samples if name in found.values()]

    def replicates_of(self, question: str) -> list[str]:
        """Return the derived samples that a question of repeatability asks for."""
        return [name for name, one in self.replicates.items() if one.question == question]

    def device_for(self, sample: str) -> str:
        """Return the device that works on a sample."""
        one = self.replicates.get(sample)
        return one.device if one and one.device else self.config["device"]

    @cached_property
    def grouped(self) -> dict[str, list[str]]:
        """Samples whose objects, or which themselves, belong to groups that can be compared."""
        found = {}
        for group in configuration.groups_of(self.datasets):
            if group == configuration.CONDITION:
                found[group] = [name for name in self.compared if self.samples[name][group]]
            else:
                found[group] = [
                    name
                    for name in self.compared
                    if self.samples[name]["truth"]
                    and group in self.dataset(name)["truth"].get("groups", {})
                ]
        return found

    @cached_property
    def matched(self) -> list[str]:
        """Samples on which two or more label images can be matched object by object."""
        return [name for name in self.compared if len(self.measured(name)) > 1]

    @property
    def combinations(self) -> Iterator[tuple[str, set[str]]]:
        """What is made from several samples, as sentences call it, and the datasets of these.

        Everything else is made from one sample, or, the models of methods that learn, from samples
        of one dataset; the report only shows what is there.
        """
        found = {name: self._datasets_of(name) for name in self.questions}
        yield from ((f"question {name!r}", datasets) for name, datasets in found.items())
        tested = [found[name] for name in self.tested]
        yield "the adjustment for the tests of all questions", set().union(*tested)

    def _datasets_of(self, question: str) -> set[str]:
        kind = self.questions[question]["type"]
        if kind == "tracking":
            samples = self.tracked
        elif kind == "colocalisation":
            samples = self.with_channels(question)
        else:
            samples = self.asked(question)
        return {self.row(sample)["dataset"] for sample in samples}

    def _check_rights(self) -> None:
        where = self.config["datasets"]
        rights.check_study(self.datasets, self.used, self.combinations, where)

    def _check_training(self, where: str) -> None:
        for name in self.learned:
            if not self.training:
                raise InputError(
                    f"{where}: method {name!r} learns from annotated samples, but no sample has "
                    "the split 'train'; set it in the sample sheet, or leave the method out"
                )
        for name in self.training:
            row = self.samples[name]
            if not (row["truth"] or row["annotations"]):
                raise InputError(
                    f"{self.config['samples']}: sample {name!r} has the split 'train', but neither "
                    "annotations to learn from nor a truth to draw them from"
                )

    def _check_replicates(self, where: str) -> None:
        for name in self.replicates:
            if name in self.samples:
                raise InputError(
                    f"{where}: the sample name {name!r} is that of a replicate which a question of "
                    "repeatability makes; rename the sample"
                )

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
        return {
            name: question
            for name, question in self.config["questions"].items()
            if self._can_answer(name, question)
        }

    def _can_answer(self, name: str, question: Mapping) -> bool:
        if question["type"] == "tracking":
            return bool(self.tracked)
        if question["type"] == "colocalisation":
            return True
        return bool(self.samples_for(name, question))

    def samples_for(self, name: str, question: Mapping) -> list[str]:
        """Return the samples that can answer a question."""
        kind = question["type"]
        if kind == "quality":
            return [sample for sample in self.scored if sample in self.compared]
        if kind == "agreement":
            return self.matched
        if kind == "repeatability":
            return self.replicates_of(name)
        return self.grouped[question["group"]] if "group" in question else self.compared

    def asked(self, name: str) -> list[str]:
        """Return the samples that a question is asked of."""
        return self.samples_for(name, self.questions[name])

    def dimensions(self, name: str) -> list[int]:
        """Return whether a question is asked of images in 2D, in 3D, or both."""
        return sorted({2 + self.dataset(sample)["axes"].count("Z") for sample in self.asked(name)})

    def dimensions_of_type(self, kind: str) -> list[int]:
        """Return the dimensions of the images that questions of one type are asked of."""
        return sorted({d for name in self.questions_of_type(kind) for d in self.dimensions(name)})

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
            for name in self.matched
        }
        return comparison.figure_names(kinds, len(self.methods))

    @cached_property
    def answers(self) -> list[str]:
        """Tables and figures that the report shows of every question."""
        found = []
        for name, question in self.questions.items():
            kind = question["type"]
            dimensions = self.dimensions_of_type(kind) if kind in PICTURES else ()
            pictures = [f"{d}d-{p}" for p in PICTURES.get(kind, ()) for d in dimensions]
            if kind == "agreement":
                pictures += [f"{figure}.svg" for figure in self.agreement_figures()]
            found += [f"{name}/{file}" for file in (*SHOWN[kind], *pictures)]
        return found

    def jobs(self) -> dict[str, list[str]]:
        """Return the records of all jobs before the report: names by rule."""
        chains = {
            sample: sorted({self.methods[name]["filter"] for name in self.methods_on(sample)})
            for sample in self.worked
        }
        segmented = {
            gpu: [(s, m) for s, m in self.segmentations(self.worked) if (m in on_gpu) == gpu]
            for on_gpu in [self.methods_of_kind(gpu=True)]
            for gpu in (True, False)
        }
        annotated = {
            own: [n for n in self.training if bool(self.samples[n]["annotations"]) == own]
            for own in (True, False)
        }
        return {
            "fetch": self.fetched,
            "import_images": list(self.samples),
            "import_truth": self.annotated,
            "perturb": list(self.replicates),
            "import_annotations": annotated[True],
            "simulate_annotations": annotated[False],
            "train": _dotted(self.models),
            "filter": _dotted([(sample, c) for sample in self.worked for c in chains[sample]]),
            "segment_gpu": _dotted(segmented[True]),
            "segment_cpu": _dotted(segmented[False]),
            "measure": _dotted(self.pairs([*self.samples, *self.replicates])),
            "match": self.matched,
            "match_replicate": list(self.replicates),
            "surface": _dotted(self.pairs(self.volumes)),
            "score": _dotted(self.segmentations(self.scored)),
            "track": _dotted(self.pairs(self.movies)),
            "draw_tracks": _dotted(self.pairs(self.movies)),
            "score_tracks": _dotted(self.pairs(self.tracked)),
            "draw_track_errors": _dotted(self.pairs(self.tracked)),
            "colocalise": _dotted(self.colocalised),
            **{f"compare_{kind}": self.questions_of_type(kind) for kind in KINDS},
            "adjust_tests": ["all"] if self.tested else [],
            **{f"answer_{kind}": self.questions_of_type(kind) for kind in ANSWERED},
            "draw_examples": ["all"],
            "draw_surfaces": ["all"] if self.volumes else [],
        }

    @cached_property
    def worked(self) -> list[str]:
        """Samples that are filtered and segmented: those with intensities, and all replicates."""
        return [*self.segmented, *self.replicates]

    @cached_property
    def models(self) -> list[tuple[str, str]]:
        """Learned methods, each with the datasets that it learns from."""
        datasets = sorted({self.samples[name]["dataset"] for name in self.training})
        return [(method, dataset) for method in self.learned for dataset in datasets]

    @cached_property
    def tested(self) -> list[str]:
        """Questions whose answers are tests, over all of which false discoveries are controlled."""
        return [
            name
            for name, question in self.questions.items()
            if question["type"] in ANSWERED or question.get("margins")
        ]


def _dotted(pairs: list[tuple[str, str]]) -> list[str]:
    return [".".join(pair) for pair in pairs]
