"""The run in a crate: what was to be done (rules), and what was done (jobs), from the records."""

from collections import defaultdict
from collections.abc import Mapping
from math import isfinite
from pathlib import PurePosixPath
from urllib.parse import quote

from bioagree.publication.contents import Package
from bioagree.publication.crate_files import Files
from bioagree.publication.crate_graph import Graph, public, references, short, text_of

COMPLETED = "http://schema.org/CompletedActionStatus"
PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
LOCKFILE = "https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile"
WORKFLOW_LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
RUN, ENGINE_RUN, ENGINE = "#run", "#run/engine", "#engine"
INPUTS, OUTPUTS = "#workflow/inputs", "#workflow/outputs"
# Of a record; whatever else is in it are facts that the job noted.
KEYS = frozenset(
    {
        *("rule", "wildcards", "parameters", "code", "started", "ended", "threads", "host"),
        *("environment", "device", "inputs", "outputs", "warnings"),
    }
)
KINDS = {bool: "Boolean", int: "Integer", float: "Float", str: "Text"}


class Jobs:
    """Adds the rules and jobs of a package to a graph.

    Attributes
    ----------
    actions : list of str
        Identifiers of all actions, for the root to mention.
    """

    def __init__(
        self,
        graph: Graph,
        files: Files,
        package: Package,
        scripts: Mapping[str, str],
        purposes: Mapping[str, str],
    ):
        self._graph, self._files, self._package = graph, files, package
        self._scripts, self._purposes = scripts, purposes
        self._agent = graph.agent(package.publication.contact)
        self._kinds: dict[str, set[str]] = defaultdict(set)
        self._jobs: dict[str, list[str]] = defaultdict(list)
        self._software: dict[str, set[str]] = defaultdict(set)
        self.actions: list[str] = []
        records = sorted(package.records.items())
        self._makers = {
            path: (about["sha256"], record["rule"])
            for _, record in records
            for path, about in record["outputs"].items()
        }
        for path, (sha256, _) in self._makers.items():
            files.wrote(path, sha256)
        self._before: dict[str, set[str]] = defaultdict(set)
        for path, record in records:
            self._add(path, record)

    def workflow(self, identifier: str) -> None:
        """Add rules, steps, the run as a whole and its engine."""
        order = self._order()
        for position, rule in enumerate(order, start=1):
            self._add_rule(rule, position)
        for parameter, kinds in self._kinds.items():
            several = kinds == {"File"}
            kind = kinds.pop() if len(kinds) == 1 else "PropertyValue"
            self._graph.add(
                parameter,
                "FormalParameter",
                name=parameter.removeprefix("#"),
                additionalType=kind,
                multipleValues="True" if several else "",
                conformsTo={"@id": PARAMETER},
            )
        self._graph.add(PARAMETER, "CreativeWork", name="Bioschemas FormalParameter", version="1.0")
        versions = {
            record["environment"]["imported"].get("snakemake", "")
            for record in self._package.records.values()
        }
        engines = ", ".join(sorted(versions - {""})) or "unknown"
        self._graph.add(
            ENGINE,
            "SoftwareApplication",
            name="Snakemake",
            url="https://snakemake.readthedocs.io",
            softwareVersion=engines,
        )
        self._graph.add(
            WORKFLOW_LANGUAGE,
            "ComputerLanguage",
            name="Snakemake",
            alternateName="Snakemake",
            identifier="https://doi.org/10.12688/f1000research.29032.2",
            url="https://snakemake.readthedocs.io",
            version=engines,
        )
        for rule in order:
            self._graph.link(identifier, "hasPart", _rule(rule))
            self._graph.link(identifier, "step", _step(rule))
        if INPUTS in self._kinds:
            self._graph.link(identifier, "input", INPUTS)
        if OUTPUTS in self._kinds:
            self._graph.link(identifier, "output", OUTPUTS)
        lock = "workflow/uv.lock"
        if lock in self._graph:
            self._graph.link(identifier, "buildInstructions", lock)
            self._graph.link(lock, "conformsTo", LOCKFILE)
            self._graph.add(LOCKFILE, "WebPageElement", name="Lockfile of uv")
        self._graph.add(
            RUN,
            "CreateAction",
            name=f"Run of the study: {self._package.publication.title}",
            description=f"{len(self._package.records):,} jobs of {len(order)} rules.",
            instrument={"@id": identifier},
            startTime=self._package.started,
            endTime=self._package.ended,
            agent=self._agent,
            actionStatus=COMPLETED,
        )
        self._graph.add(
            ENGINE_RUN,
            "OrganizeAction",
            name=f"Run of Snakemake {engines}",
            instrument={"@id": ENGINE},
            object=references(map(_control, order)),
            result={"@id": RUN},
            startTime=self._package.started,
            endTime=self._package.ended,
            agent=self._agent,
            actionStatus=COMPLETED,
        )
        self.actions += [RUN, ENGINE_RUN, *map(_control, order)]

    def _add(self, path: str, record: Mapping) -> None:
        rule, job = record["rule"], _job(path)
        name = ", ".join(f"{key} {value}" for key, value in record["wildcards"].items())
        said = [public(str(one)) for one in record["warnings"]]
        self._graph.add(
            job,
            "CreateAction",
            name=f"{rule}: {name}" if name else rule,
            description=" ".join([f"Job of the rule {rule}.", *(f"Warning: {s}" for s in said)]),
            instrument={"@id": _rule(rule)},
            startTime=record["started"],
            endTime=record["ended"],
            agent=self._agent,
            actionStatus=COMPLETED,
            subjectOf={"@id": quote(path)} if quote(path) in self._graph else None,
        )
        self.actions.append(job)
        self._jobs[rule].append(job)
        self._add_inputs(job, record)
        self._add_outputs(job, path, record)
        self._add_environment(job, record)
        for kind in ("wildcards", "parameters"):
            for key, value in record[kind].items():
                self._graph.link(job, "object", self._value(rule, kind[:-1], key, value))
        for key in sorted(set(record) - KEYS):
            self._graph.link(job, "result", self._value(rule, "note", key, record[key]))

    def _add_inputs(self, job: str, record: Mapping) -> None:
        rule = record["rule"]
        dataset = self._dataset_of(record["wildcards"])
        made = False
        for path, sha256 in record["inputs"].items():
            file = self._files.of(path, sha256)
            self._graph.link(job, "object", file)
            self._example(file, f"{_rule(rule)}/inputs", "File")
            maker = self._maker(path)
            if maker:
                self._before[rule].add(maker)
                made = True
            else:
                self._example(file, INPUTS, "File")
                self._graph.link(RUN, "object", file)
                self._before[rule].add("")
                if dataset and file.startswith("#"):
                    self._graph.link(file, "isPartOf", self._files.dataset(dataset))
        if dataset and not made:
            self._graph.link(job, "object", self._files.dataset(dataset))
            self._graph.link(RUN, "object", self._files.dataset(dataset))

    def _add_outputs(self, job: str, path: str, record: Mapping) -> None:
        rule = record["rule"]
        for output, about in record["outputs"].items():
            file = self._files.of(output, about["sha256"], about["bytes"])
            self._graph.link(job, "result", file)
            self._example(file, f"{_rule(rule)}/outputs", "File")
            if not file.startswith("#"):
                self._example(file, OUTPUTS, "File")
                self._graph.link(RUN, "result", file)
                self._before[OUTPUTS].add(rule)
        if quote(path) in self._graph:
            self._graph.link(job, "result", quote(path))
            self._example(quote(path), f"{_rule(rule)}/outputs", "File")

    def _add_environment(self, job: str, record: Mapping) -> None:
        """Say with which code, software, machine and device a job worked."""
        rule, host, software = record["rule"], record["host"], record["environment"]
        machine = " ".join([host["machine"], *host.get("vectors", ())])
        facts = {"machine": machine, "threads": record["threads"]}
        if record.get("device"):
            facts["device"] = "{backend} {kind}: {name}, {driver}".format(**record["device"])
        if record["code"]:
            facts["code"] = record["code"]
        for key, value in facts.items():
            self._graph.link(job, "environment", self._value("", "environment", key, value))
        self._graph.link(job, "environment", self._environment(software))
        self._software[rule].add(self._environment(software))

    def _environment(self, software: Mapping) -> str:
        """Return the entity of the software that a job saw, shared by all that saw the same."""
        imported = sorted({"Python": software["python"], **software["imported"]}.items())
        digest = software["digest"]
        identifier = f"#software-environment/{digest[:16]}-{short(*map(' '.join, imported))}"
        if identifier not in self._graph:
            self._graph.add(
                identifier,
                ["PropertyValue", "SoftwareApplication"],
                name="software environment",
                description="What was installed, by digest, and what of it the job imported.",
                value=digest,
                softwareVersion=digest,
                softwareRequirements=[
                    self._graph.add(
                        f"#software/{quote(name)}/{quote(version)}",
                        "SoftwareApplication",
                        name=name,
                        softwareVersion=version,
                    )
                    for name, version in imported
                ],
            )
        return identifier

    def _value(self, rule: str, kind: str, key: str, value) -> str:
        """Return the entity of a value, shared by all jobs of the rule that had the same."""
        value = public(value)
        whole = text_of(value)
        place = f"{_rule(rule)}/{kind}" if rule else f"#{kind}"
        identifier = f"{place}/{quote(key)}/{short(whole)}"
        plain = type(value) in KINDS and (not isinstance(value, float) or isfinite(value))
        self._graph.add(
            identifier, "PropertyValue", name=key, value=value if plain and value != "" else whole
        )
        if kind in ("wildcard", "parameter"):
            kind_of_value = KINDS[type(value)] if plain else "Text"
            self._example(identifier, f"{place}/{quote(key)}", kind_of_value)
        return identifier

    def _example(self, entity: str, parameter: str, kind: str) -> None:
        self._graph.link(entity, "exampleOfWork", parameter)
        self._kinds[parameter].add(kind)

    def _dataset_of(self, wildcards: Mapping) -> str | None:
        sample = self._package.samples.get(wildcards.get("sample"), {})
        name = wildcards.get("dataset") or sample.get("dataset")
        return name if name in self._package.datasets else None

    def _maker(self, path: str) -> str | None:
        if path in self._makers:
            return self._makers[path][1]
        parts = PurePosixPath(path).parts[-3:]
        found = self._package.records.get("/".join(parts))
        return found["rule"] if found else None

    def _order(self) -> list[str]:
        """Return the rules, each after those whose outputs it reads; in a circle by name."""
        left, order = sorted(self._jobs), []
        while left:
            free = [rule for rule in left if not self._before[rule] & set(left) - {rule}]
            order.append((free or left)[0])
            left.remove(order[-1])
        return order

    def _add_rule(self, rule: str, position: int) -> None:
        script, purpose = self._scripts.get(rule), self._purposes.get(rule)
        software = self._package.software
        identifier = _rule(rule)
        purpose = " ".join((purpose or f"The rule {rule} of the workflow.").split())
        program = quote(script) if script and quote(script) in self._graph else None
        self._graph.add(
            identifier,
            "SoftwareApplication",
            name=rule,
            description=purpose,
            softwareVersion=software.version,
            url=software.repository,
            mainEntity={"@id": program} if program else None,
            softwareRequirements=[
                *references([program] if program else []),
                *references(sorted(self._software[rule])),
            ],
        )
        for parameter in [name for name in self._kinds if name.startswith(f"{identifier}/")]:
            key = "output" if parameter == f"{identifier}/outputs" else "input"
            self._graph.link(identifier, key, parameter)
        self._graph.add(
            _step(rule),
            "HowToStep",
            name=rule,
            description=purpose,
            position=str(position),
            workExample={"@id": identifier},
        )
        for before in sorted(self._before[rule]):
            source = f"{_rule(before)}/outputs" if before else INPUTS
            self._connect(_step(rule), source, f"{identifier}/inputs")
        self._graph.add(
            _control(rule),
            "ControlAction",
            name=f"Jobs of the rule {rule}",
            instrument={"@id": _step(rule)},
            object=references(self._jobs[rule]),
            actionStatus=COMPLETED,
        )

    def connect_results(self, workflow: str) -> None:
        """Connect what rules make to what the workflow gives."""
        for rule in sorted(self._before[OUTPUTS]):
            self._connect(workflow, f"{_rule(rule)}/outputs", OUTPUTS)

    def _connect(self, receiver: str, source: str, target: str) -> None:
        identifier = f"#connection/{source.removeprefix('#')}/{target.removeprefix('#')}"
        self._graph.add(
            identifier,
            "ParameterConnection",
            sourceParameter={"@id": source},
            targetParameter={"@id": target},
        )
        self._graph.link(receiver, "connection", identifier)


def _rule(rule: str) -> str:
    return f"#rule/{quote(rule)}"


def _step(rule: str) -> str:
    return f"#step/{quote(rule)}"


def _control(rule: str) -> str:
    return f"#control/{quote(rule)}"


def _job(path: str) -> str:
    return f"#job/{quote(path.removeprefix('provenance/').removesuffix('.json'))}"
