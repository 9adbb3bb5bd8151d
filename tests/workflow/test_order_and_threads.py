"""Threads, the order of jobs and the surroundings of a run change no byte of its results."""

import fcntl
import os
import random
import shutil
import subprocess
import sys

import pytest
import yaml

pytestmark = pytest.mark.slow

# Of config/tiny.yaml one volume, one method on the GPU and one on the processor.
OVERLAY = {"samples": "config/volume.tsv", "use_methods": ["gauss-otsu", "distance-watershed"]}
SHEET = "sample\tdataset\timages\ttruth\nvolume\ttiny-3d\timage.ome.tif\ttruth.ome.tif\n"
STAGES = ("images", "filtered", "labels", "surfaces", "features", "matches", "scores")


def new(make, folder):
    """Return a study of a generated volume in a folder of its own."""
    study = make.study(folder)
    shutil.copytree(study.repository / "config", folder / "config")
    study.path("config/volume.tsv").write_text(SHEET)
    study.path("config/volume.yaml").write_text(yaml.safe_dump(OVERLAY))
    return study


def run(study, *arguments, **options):
    configs = ("--configfile", "config/tiny.yaml", "config/volume.yaml")
    return study.run(*configs, *arguments, **options)


@pytest.fixture(scope="session")
def usual(tmp_path_factory, worker_id, make):
    """The study run on one core; run once, by the worker that comes first."""
    place = tmp_path_factory.getbasetemp()
    place = (place if worker_id == "master" else place.parent) / "usual"
    done = place.with_suffix(".done")
    with open(place.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(place, ignore_errors=True)
            run(new(make, place), "--cores", "1")
            done.touch()
    return make.study(place, place)


def assert_same(study, usual):
    """Assert that both gave the same files with the same bytes."""
    first, second = usual.products(), study.products()
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_two_threads_a_job_and_two_jobs_at_once_change_nothing(usual, make, tmp_path):
    rules = sorted({record["rule"] for record in usual.records()})
    study = new(make, tmp_path / "tree")
    run(study, "--cores", "2", "--set-threads", *(f"{rule}=2" for rule in rules))
    assert {record["threads"] for record in usual.records()} == {1}
    assert {record["threads"] for record in study.records()} == {2}
    assert_same(study, usual)


def test_order_of_jobs_language_time_zone_hash_seed_umask_and_folder_change_nothing(
    usual, make, tmp_path
):
    """Files in between are asked for one by one, in an order that nobody would choose.

    A C locale without Python's detour to UTF-8 stands for the settings of old clusters.
    """
    surroundings = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "TZ": "Pacific/Chatham",
        "PYTHONHASHSEED": "20221122",
        "USER": "somebody",
    }
    targets = [f"results/{name}" for name in usual.products() if name.split("/")[0] in STAGES]
    random.Random(20221122).shuffle(targets)
    study = new(make, tmp_path / "another folder" / "with a long name")
    umask = os.umask(0o077)
    try:
        for target in targets[:4]:
            run(study, "--cores", "2", "--", target, env=surroundings)
        run(study, "--cores", "2", env=surroundings)
    finally:
        os.umask(umask)
    assert order_of(study) != order_of(usual)
    assert sorted(order_of(study)) == sorted(order_of(usual))
    assert_same(study, usual)


def order_of(study):
    """Return rule and wildcards of all jobs in the order in which they began."""
    records = sorted(study.records(), key=lambda record: record["started"])
    return [(record["rule"], *record["wildcards"].values()) for record in records]


def test_the_c_locale_is_one_that_python_cannot_write_micrometres_in():
    """Else the test above would not notice text that is written in the locale's encoding."""
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", "print('\\xb5m')"], env=environment, capture_output=True, check=False
    )
    assert b"UnicodeEncodeError" in done.stderr
