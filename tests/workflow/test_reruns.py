"""An edit reruns what depends on it, and nothing else."""

import os
from contextlib import contextmanager
from itertools import product

import pytest

SAMPLES = ("plate", "stack")
GPU, CPU = ("gauss-otsu", "voronoi-otsu"), ("distance-watershed", "local-watershed")
END = {
    ("compare_quality", "quality"),
    ("compare_agreement", "agreement"),
    ("draw_examples", ""),
    ("report", ""),
}


def jobs(rules, samples=SAMPLES, methods=GPU + CPU):
    """Return the jobs of some rules over samples and methods; `segment` stands for both kinds."""
    named = {(rule, s, m) for rule, s, m in product(rules, samples, methods)}
    kinds = {m: "segment_gpu" if m in GPU else "segment_cpu" for m in methods}
    return {(kinds[m] if rule == "segment" else rule, f"{s}.{m}") for rule, s, m in named}


def filters(samples=SAMPLES):
    return jobs(["filter"], samples, ("smooth", "flat"))


def after_labels(samples=SAMPLES, methods=GPU + CPU):
    volumes = [sample for sample in samples if sample == "stack"]
    drawn = {("draw_surfaces", "")} if volumes else set()
    surfaces = jobs(["surface"], volumes, methods) | drawn
    matched = {("match", sample) for sample in samples}
    return jobs(["measure", "score"], samples, methods) | matched | surfaces | END


@contextmanager
def edited(path, change):
    """Change a text for a while; afterwards not even the time stamp shows it."""
    before, times = path.read_text(), path.stat()
    after = change(before)
    assert after != before
    path.write_text(after)
    try:
        yield
    finally:
        path.write_text(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.fixture(scope="module")
def library(copied):
    return copied.repository / "workflow" / "scripts" / "bioagree"


@pytest.fixture(scope="module")
def scripts(copied):
    return copied.repository / "workflow" / "scripts"


def statement(text):
    return f"{text}\n\n_EDITED = True\n"


def replaced(old, new):
    return lambda text: text.replace(old, new)


@pytest.mark.parametrize(("family", "methods"), [("clesperanto", GPU), ("watershed", CPU)])
def test_a_segmenters_code_reruns_its_family(copied, library, family, methods):
    with edited(library / "segmentation" / f"{family}.py", statement):
        planned = copied.run("-n").planned
    assert planned == jobs(["segment"], methods=methods) | after_labels(methods=methods)


def test_the_filters_code_reruns_what_was_filtered(copied, library):
    with edited(library / "filters.py", statement):
        planned = copied.run("-n").planned
    assert planned == filters() | jobs(["segment"]) | after_labels()


def test_the_code_of_scores_reruns_no_segmentation(copied, library):
    with edited(library / "scores.py", statement):
        planned = copied.run("-n").planned
    assert planned == jobs(["score"]) | {("compare_quality", "quality"), ("report", "")}


def test_a_scripts_code_reruns_its_rule(copied, scripts):
    with edited(scripts / "compare_agreement.py", statement):
        planned = copied.run("-n").planned
    assert planned == {("compare_agreement", "agreement"), ("report", "")}


def test_comments_and_docstrings_rerun_nothing(copied, library, scripts):
    def comment(text):
        return "\n# A comment.\n".join(
            text.replace('"""', '"""Said otherwise. ', 1).split("\n\n\n")
        )

    changed = [*library.rglob("*.py"), *scripts.glob("*.py")]
    times = {path: path.stat() for path in changed}
    before = {path: path.read_text() for path in changed}
    try:
        for path, text in before.items():
            path.write_text(comment(text))
        assert copied.snakemake().nothing_to_do
    finally:
        for path, text in before.items():
            path.write_text(text)
            os.utime(path, ns=(times[path].st_atime_ns, times[path].st_mtime_ns))


def test_a_methods_parameter_reruns_that_method(copied):
    change = replaced("window_um: 6.0", "window_um: 6.5")
    with edited(copied.path("config", "methods.yaml"), change):
        planned = copied.run("-n").planned
    only = ("local-watershed",)
    assert planned == jobs(["segment"], methods=only) | after_labels(methods=only)


def test_a_filters_parameter_reruns_its_chain(copied):
    change = replaced("radius_um: 8", "radius_um: 9")
    with edited(copied.path("config", "methods.yaml"), change):
        planned = copied.run("-n").planned
    only = ("voronoi-otsu",)
    chain = jobs(["filter"], methods=("flat",))
    assert planned == chain | jobs(["segment"], methods=only) | after_labels(methods=only)


def test_the_voxel_size_reruns_its_dataset(copied):
    change = replaced(
        "- 0.5\n  - 0.5\n  calibration: measured", "- 0.5\n  - 0.6\n  calibration: measured"
    )
    with edited(copied.path("config", "datasets.yaml"), change):
        planned = copied.run("-n").planned
    only = ("plate",)
    imported = {("import_images", "plate"), ("import_truth", "plate"), ("measure", "plate.truth")}
    labelled = filters(only) | jobs(["segment"], only)
    assert planned == imported | labelled | after_labels(only)


def test_a_raw_file_reruns_its_sample(copied):
    path = copied.path("raw", "plate", "A01_1.tif")
    before, times = path.read_bytes(), path.stat()
    path.write_bytes(before + b"\0")
    try:
        planned = copied.run("-n").planned
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert {("import_images", "plate"), ("measure", "plate.truth"), ("report", "")} <= planned
    assert not {job for job in planned if job[1].startswith("stack")}


def test_the_template_reruns_the_report(copied):
    template = copied.repository / "workflow" / "report" / "index.html.j2"
    with edited(template, lambda text: text + "\n"):
        planned = copied.run("-n").planned
    assert planned == {("report", "")}


def test_in_the_end_nothing_was_edited(copied):
    assert copied.snakemake().nothing_to_do
