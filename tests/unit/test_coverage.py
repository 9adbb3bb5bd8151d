"""How often intervals hold the true value, and the notes on those that do not often enough."""

import csv
import importlib.util
import math
import os
from pathlib import Path

import numpy as np
import pytest
from bioagree.statistics import known_coverage
from bioagree.statistics.known_coverage import coverage_note, intervals

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "docs/coverage/coverage.csv"
LOW, HIGH = 93.5, 96.5
FALSE_DISCOVERIES = "no false discovery among 40 features"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("coverage", ROOT / "benchmarks/coverage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.remember_factors()
    return module


@pytest.fixture(scope="module")
def committed():
    with COMMITTED.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# -- what was measured -----------------------------------------------------------------------------


def test_asserted_intervals_cover_what_they_say_in_the_committed_table(benchmark, committed):
    rows = [row for row in committed if row["interval"] in benchmark.ASSERTED]
    assert len(rows) == 3 * len(benchmark.ASSERTED)
    for row in rows:
        assert int(row["runs"]) >= 4000
        assert LOW <= float(row["coverage_percent"]) <= HIGH, row


def test_no_more_false_discoveries_than_allowed_in_the_committed_table(committed):
    rows = [row for row in committed if row["interval"] == FALSE_DISCOVERIES]
    assert len(rows) == 3
    for row in rows:
        assert float(row["coverage_percent"]) >= 95 - 3 * float(row["error_percent"])


def test_table_of_the_library_is_the_one_of_the_page(committed):
    assert known_coverage.TABLE.read_bytes() == COMMITTED.read_bytes()


def test_every_interval_is_measured_at_each_number_of_its_design(benchmark, committed):
    sizes = {}
    for row in committed:
        sizes.setdefault((row["interval"], row["design"]), []).append(int(row["n"]))
    assert {design for _, design in sizes} == set(benchmark.DESIGNS)
    for (interval, design), found in sizes.items():
        # five images are too few for a rank interval of 95 %
        without = 5 if "Hodges-Lehmann" in interval else None
        assert found == [n for n in benchmark.DESIGNS[design] if n != without]


def test_intervals_that_take_objects_as_independent_fail_on_clustered_data(committed):
    for row in committed:
        if "objects as independent" in row["interval"]:
            assert float(row["coverage_percent"]) < 85


# -- notes -----------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text(
        "interval,design,n,coverage_percent\n"
        "lins_ccc,independent subjects,10,92.1\n"
        "lins_ccc,independent subjects,20,94.0\n"
        '"ICC(2,k)",independent subjects,10,90.0\n'
        "clustered lins_ccc,images of 40 objects,5,91.26\n"
    )
    monkeypatch.setattr(known_coverage, "TABLE", path)
    known_coverage._table.cache_clear()
    yield
    known_coverage._table.cache_clear()


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("n", [3, 10, 19])
def test_low_coverage_is_said_with_the_number_it_was_measured_at(n):
    said = "In simulations with 10 independent subjects, this 95 % interval covered 92.1 % only."
    assert coverage_note("lins_ccc", n) == said


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("n", [20, 1000])
def test_enough_coverage_needs_no_note(n):
    assert coverage_note("lins_ccc", n) == ""


@pytest.mark.usefixtures("table")
def test_clustered_intervals_have_their_own_coverage():
    assert "5 images, this 95 % interval covered 91.3 %" in coverage_note(
        "lins_ccc", 7, clustered=True
    )


@pytest.mark.usefixtures("table")
def test_form_of_any_number_of_raters_is_that_of_k():
    assert "90.0 %" in coverage_note("ICC(2,3)", 10)
    assert coverage_note("ICC(2,1)", 10).endswith("was not measured.")


def test_names_in_results_are_known():
    for name in (
        *("bias", "lower", "upper", "slope", "lins_ccc", "ratio", "ratio_lower", "tost"),
        *("deming_slope", "deming_intercept", "passing_bablok_slope", "passing_bablok_intercept"),
        *("linearity_cusum", "repeatability_sd", "repeatability_cv", "coefficient_1979"),
        *(f"ICC({form},{size})" for form in (1, 2, 3) for size in (1, 2, 5)),
    ):
        assert "not measured" not in coverage_note(name, 20)
    for name in ("bias", "lins_ccc", "ICC(2,1)", "deming_slope", "passing_bablok_slope", "tost"):
        assert f"clustered {name}" in intervals()


# -- measuring again -------------------------------------------------------------------------------


@pytest.mark.slow
def test_asserted_intervals_cover_what_they_say(benchmark):
    runs = int(os.environ.get("BIOAGREE_SIMULATIONS", "2000"))
    chosen = ("agreement", "clustered_agreement", *benchmark.ASSERTED)
    rows = benchmark.measure(runs, chosen=chosen)
    found = [row for row in rows if row["interval"] in benchmark.ASSERTED]
    assert len(found) == 3 * len(benchmark.ASSERTED)
    # three binomial standard errors of a share at the edge of what is allowed
    slack = 300 * math.sqrt(0.035 * 0.965 / runs)
    for row in found:
        assert row["runs"] == runs
        assert LOW - slack <= row["coverage_percent"] <= HIGH + slack, row


@pytest.mark.slow
def test_committed_coverage_is_what_is_measured(benchmark, committed):
    table = {(row["interval"], int(row["n"])): row for row in committed}
    # the committed numbers come from the same seeds, but from more runs
    rows = list(
        benchmark.measure(500, chosen=("concordance", "intraclass", "lines", "equivalence"))
    )
    assert len(rows) >= 40
    off = []
    for row in rows:
        old = table[row["interval"], row["n"]]
        share = float(old["coverage_percent"]) / 100
        error = math.sqrt(max(share * (1 - share), 0.001) / row["runs"])
        off.append((row["coverage_percent"] / 100 - share) / error)
    assert np.abs(off).max() < 4.5


@pytest.mark.slow
def test_objects_of_an_image_are_not_independent(benchmark):
    rows = benchmark.measure(400, chosen=("clustered_agreement",))
    found = {(row["interval"], row["n"]): row["coverage_percent"] for row in rows}
    for images in (5, 10, 20):
        assert found["clustered bias, objects as independent", images] < 65
    assert found["clustered bias, cluster percentile bootstrap", 5] < 90
