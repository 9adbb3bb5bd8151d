"""Profiles hold real options, agree with the rules, and plan the smallest study."""

import importlib.util
import math
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jsonschema
import pytest
import yaml
import yte

REPOSITORY = Path(__file__).resolve().parents[2]
PROFILES = sorted(path.parent.name for path in REPOSITORY.glob("profiles/*/config.yaml"))
SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/profile.schema.yaml").read_text())
RULES = {
    name: text
    for path in sorted((REPOSITORY / "workflow/rules").glob("*.smk"))
    for name, text in zip(
        *[iter(re.split(r"^rule (\w+):\n", path.read_text(), flags=re.MULTILINE)[1:])] * 2,
        strict=True,
    )
}
ON_GPU = {name for name, text in RULES.items() if re.search(r"^ +gpu=1,", text, re.MULTILINE)}
GROUPED = [
    name
    for name in PROFILES
    if "groups:" in (REPOSITORY / f"profiles/{name}/config.yaml").read_text()
]
PLUGINS = ("htcondor", "kubernetes", "lsf", "slurm")


def read(name):
    """Return a profile as Snakemake reads it."""
    with open(REPOSITORY / "profiles" / name / "config.yaml") as file:
        return yte.process_yaml(file, require_use_yte=True)


def faults(profile):
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(profile)]


def need(plugin):
    """Skip a test, or fail it in CI, when the executor plugin is not installed."""
    if importlib.util.find_spec(f"snakemake_executor_plugin_{plugin}"):
        return
    reason = f"needs the executor plugin (uv run --group {plugin} pytest)"
    if os.environ.get("REQUIRE_HEAVY"):
        pytest.fail(reason)
    pytest.skip(reason)


def test_there_are_profiles_for_all_machines():
    assert {"default", *PLUGINS} <= set(PROFILES)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_fits_the_schema(name):
    assert faults(read(name)) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rerun-trigers": ["mtime"]}, "'rerun-trigers' does not match"),
        ({"rerun-triggers": ["mtime"]}, "was expected"),
        ({"jobs": "many"}, "is not of type 'integer'"),
        ({"group-components": {"filter": 0}}, "less than the minimum"),
        ({"storage-s3-secret-key": "abc"}, "False schema"),
        ({"resources": {"gpu": "one"}}, "is not of type 'integer'"),
    ],
)
def test_the_schema_refuses(change, sentence):
    assert any(sentence in fault for fault in faults(read("lsf") | change))


@pytest.mark.parametrize("key", ["retries", "rerun-triggers"])
def test_the_schema_asks_of_a_cluster_what_a_resumed_run_needs(key):
    profile = read("lsf")
    del profile[key]
    assert any(repr(key) in fault for fault in faults(profile))


@pytest.mark.clusters
def test_every_key_is_an_option_of_snakemake_or_of_the_plugin():
    for plugin in PLUGINS:
        need(plugin)
    # In a process of its own, since Snakemake's registries are global.
    listed = "\n".join(
        [
            "from snakemake.cli import get_argument_parser",
            "from snakemake_interface_storage_plugins.registry import StoragePluginRegistry",
            "for action in get_argument_parser()._actions:",
            "    print(*action.option_strings, sep='\\n')",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", listed], capture_output=True, text=True, check=True
    )
    options = set(done.stdout.split())
    for name in PROFILES:
        assert {f"--{key}" for key in read(name)} <= options, name
    assert {f"--{key}" for key in SCHEMA["properties"]} <= options


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_names_rules_that_there_are(name):
    profile = read(name)
    for key in ("groups", "set-resources", "set-threads"):
        assert set(profile.get(key, {})) <= set(RULES), key


@pytest.mark.parametrize("name", GROUPED)
def test_a_group_holds_jobs_of_one_rule_so_that_none_waits_for_itself(name):
    profile = read(name)
    assert all(rule == group for rule, group in profile["groups"].items())
    assert set(profile["group-components"]) == set(profile["groups"])
    assert profile["resources"]["gpu"] == 1
    assert profile["set-resource-scopes"]["gpu"] == "local"


@pytest.mark.parametrize(
    ("name", "resource"),
    [("lsf", "lsf_extra"), ("htcondor", "request_gpus"), ("slurm-gres", "gres")],
)
def test_where_a_plugin_does_not_read_gpu_every_gpu_rule_is_named(name, resource):
    told = {rule for rule, asked in read(name)["set-resources"].items() if resource in asked}
    assert ON_GPU
    assert told == ON_GPU


def test_profiles_agree_on_what_makes_jobs_run_again():
    kept = [{k: read(n)[k] for k in ("rerun-triggers", "notemp")} for n in ("default", *PLUGINS)]
    assert all(one == kept[0] for one in kept)


def test_a_workstation_gives_jobs_no_more_memory_than_it_has():
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
    resources = read("default")["resources"]
    assert 0 < resources["mem_mb"] < total
    assert resources["gpu"] == 1


@contextmanager
def empty_bucket():
    """Serve a bucket without any object, as far as a dry run asks; yield the address."""

    class Bucket(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path = self.path.partition("?")[0].strip("/")
            of_bucket = "/" not in path
            listing = b"<ListBucketResult/>" if of_bucket and self.command == "GET" else b""
            self.send_response(200 if of_bucket else 404)
            self.send_header("Content-Length", str(len(listing)))
            self.end_headers()
            self.wfile.write(listing)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def dry_run(make, folder, profile, *more, **env):
    """Plan the smallest study from a copy of the repository, as a user calls it."""
    make.tree(folder)
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--configfile", "config/tiny.yaml"]
    done = subprocess.run(
        [*command, "--workflow-profile", f"profiles/{profile}", *more],
        cwd=folder,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=600,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


@pytest.mark.clusters
@pytest.mark.slow
@pytest.mark.parametrize("profile", PLUGINS)
def test_a_cluster_profile_plans_the_smallest_study(make, tmp_path, profile):
    need(profile)
    if profile == "kubernetes":
        with empty_bucket() as address:
            output = dry_run(
                make,
                tmp_path / "tree",
                profile,
                *("--default-storage-prefix", "s3://bucket/study"),
                *("--storage-s3-endpoint-url", address),
                SNAKEMAKE_STORAGE_S3_ACCESS_KEY="nobody",
                SNAKEMAKE_STORAGE_S3_SECRET_KEY="nothing",
            )
        assert "s3://bucket/study/results/report/index.html" in output
        assert "s3://bucket/study/workflow" not in output  # sources travel with the job
    else:
        output = dry_run(make, tmp_path / "tree", profile)
    groups = re.findall(r"^\S.* Group job (\w+)", output, re.MULTILINE)
    assert groups.count("filter") == groups.count("measure") == 1
    resources = dict(re.findall(r"rule (\w+):\n(?: .*\n)*? +resources: (.*)", output))
    asked = {
        "slurm": r"gpu=1\b",
        "lsf": r"lsf_extra=-gpu num=1",
        "kubernetes": r"gpu=1\b",
        "htcondor": r"request_gpus=1",
    }[profile]
    for rule in ("filter", "segment_gpu"):
        assert re.search(asked, resources[rule]), resources[rule]
        assert re.search(r"\bmem_mb=\d+", resources[rule])
        assert re.search(r"\bruntime=\d+", resources[rule])
    assert not re.search(r"\bgpu=|gpu num|request_gpus", resources["measure"])
    if profile == "kubernetes":
        assert "scale=0" in resources["filter"]
        assert "gpu_manufacturer=" in resources["filter"]


@pytest.mark.slow
def test_a_thousand_small_samples_are_fewer_than_200_submissions():
    """Planned with 40 samples, and counted on: benchmarks/grouping.py plans all 1,000."""
    place = REPOSITORY / "benchmarks/grouping.py"
    spec = importlib.util.spec_from_file_location("grouping", place)
    grouping = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(grouping)
    samples, wanted = 40, 1000
    jobs, submissions = grouping.plan(samples, REPOSITORY / "profiles/slurm")
    for name in GROUPED:
        components = read(name)["group-components"]
        total = 0
        for rule, number in jobs.items():
            if rule in components:
                total += math.ceil(number * wanted / samples / components[rule])
                assert submissions[rule] == math.ceil(number / components[rule]), rule
            else:
                assert number <= 3, f"{rule} grows with the samples, but {name} does not group it"
                total += number
        assert total < 200, (name, total)


@pytest.mark.clusters
@pytest.mark.slow
def test_kubernetes_needs_credentials_and_says_so(make, tmp_path):
    need("kubernetes")
    with pytest.raises(AssertionError, match="Unable to locate credentials"):
        dry_run(make, tmp_path / "tree", "kubernetes", AWS_EC2_METADATA_DISABLED="true")
