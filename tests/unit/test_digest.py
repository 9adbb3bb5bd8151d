"""Does the digest of the code change when what runs changes, and only then?"""

import shutil
from pathlib import Path

import pytest
from bioagree import digest
from bioagree.segmentation.registry import FAMILIES

USES = {"forest": ["watershed"]}  # it divides its foreground in the same way
LIBRARY = Path(digest.__file__).parent

HELPER = '''"""Add things."""


def add(a, b):
    """Return the sum."""
    return a + b  # exact
'''
SCRIPT = "from bioagree.helper import add\n\nprint(add(1, 2))\n"


@pytest.fixture
def code(tmp_path, monkeypatch):
    """Return a function that writes files of a small library and digests its script."""
    package = tmp_path / "bioagree"
    monkeypatch.setattr(digest, "PACKAGE", package)

    def of(*modules, **files):
        shutil.rmtree(package, ignore_errors=True)
        for name, text in ({"helper": HELPER, "script": SCRIPT} | files).items():
            path = (tmp_path if name == "script" else package) / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        digest._normalise.cache_clear()
        return digest.code_digest(tmp_path / "script.py", *modules)

    yield of
    digest._normalise.cache_clear()


def test_a_digest_is_16_hexadecimal_digits_and_repeats(code):
    once = code()
    assert len(once) == 16
    int(once, 16)
    assert once == code()


@pytest.mark.parametrize(
    "other",
    [
        HELPER.replace("# exact", "# an integer"),
        HELPER.replace("  # exact", ""),
        HELPER.replace("Return the sum.", "Return a + b."),
        HELPER.replace("Add things.", "Subtract nothing.\n\nOr so.\n"),
        HELPER.replace('    """Return the sum."""\n', ""),
        HELPER.replace('"""Add things."""\n', ""),
        HELPER.replace("a + b", "(\n        a\n        + b\n    )"),
        "\n\n" + HELPER.replace("(a, b)", "(a,b)"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(code, other):
    assert other != HELPER
    assert code() == code(helper=other)


def test_the_docstring_of_a_class_does_not_count(code):
    plain = "class A:\n    x = 1\n"
    assert code(helper=plain) == code(helper=plain.replace("A:", 'A:\n    """It."""\n'))
    bare = 'class A:\n    """One."""\n'
    assert code(helper=bare) == code(helper=bare.replace("One", "Another"))
    assert code(helper=bare) == code(helper="class A:\n    pass\n")


@pytest.mark.parametrize(
    "other",
    [
        HELPER.replace("a + b", "b + a"),
        HELPER.replace("a + b", "a - b"),
        HELPER.replace("(a, b)", "(a, b=2)"),
        HELPER + "\nadd(1, 2)\n",
        HELPER.replace("return", 'text = "Return the sum."\n    return'),
    ],
)
def test_code_counts(code, other):
    assert code() != code(helper=other)


def test_the_script_itself_counts(code):
    assert code() != code(script=SCRIPT.replace("1", "3"))
    assert code() == code(script=SCRIPT + "# done\n")


def test_texts_that_are_no_docstrings_count(code):
    first = 'MESSAGE = "one"\n'
    assert code(helper=first) != code(helper=first.replace("one", "two"))


@pytest.mark.parametrize(
    "script",
    [
        "import bioagree.deep\n",
        "from bioagree import deep\n",
        "from bioagree.deep import x\n",
        "def f():\n    from bioagree import deep\n",
        "class A:\n    def f(self):\n        if self:\n            import bioagree.deep as d\n",
        "try:\n    from bioagree import helper, deep as d\nexcept ImportError:\n    pass\n",
    ],
)
def test_a_module_counts_wherever_it_is_imported(code, script):
    assert code(script=script, deep="x = 1\n") != code(script=script, deep="x = 2\n")


def test_what_an_imported_module_imports_counts_too(code):
    helper = "def add(a, b):\n    from bioagree.deep import x\n    return a + b + x\n"
    before = code(helper=helper, deep="x = 1\n")
    assert before != code(helper=helper, deep="x = 2\n")
    assert before == code(helper=helper, deep="x = 1  # one\n")


def test_modules_that_import_each_other_are_digested_once(code):
    circle = {"helper": "from bioagree import deep\n", "deep": "from bioagree import helper\n"}
    assert code(**circle) == code(**circle)


def test_what_is_not_reached_does_not_count(code):
    assert code(other="x = 1\n") == code(other="x = 2\n")
    assert code(script="import numpy\n") == code(script="import numpy\n", helper="x = 2\n")


def test_a_named_module_counts(code):
    assert code("bioagree.other", other="x = 1\n") != code("bioagree.other", other="x = 2\n")
    helper = "from bioagree import deep\n"
    digests = {code("bioagree.other", other=helper, deep=deep) for deep in ("x = 1\n", "x = 2\n")}
    assert len(digests) == 2


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Return a function that edits a module of a copy of the library, and digests a script."""
    package = tmp_path / "bioagree"

    def edited(module, script, *modules):
        shutil.rmtree(package, ignore_errors=True)
        shutil.copytree(LIBRARY, package, ignore=shutil.ignore_patterns("__pycache__"))
        if module:
            with open(package / f"{module}.py", "a", encoding="utf-8") as file:
                file.write("\nEDITED = True\n")
        monkeypatch.setattr(digest, "PACKAGE", package)
        digest._normalise.cache_clear()
        return digest.code_digest(LIBRARY.parent / script, *modules)

    yield edited
    digest._normalise.cache_clear()


def test_of_the_segmenters_only_the_named_family_counts(library):
    families = sorted(set(FAMILIES.values()))
    for family in families:
        named = f"bioagree.segmentation.{family}"
        untouched = library(None, "segment.py", named)
        for other in families:
            changed = library(f"segmentation/{other}", "segment.py", named) != untouched
            reached = {family, *USES.get(family, ())}
            assert changed == (other in reached), (family, other)


def test_a_table_beside_a_module_counts(library):
    untouched = library(None, "compare_agreement.py")
    path = digest.PACKAGE / "statistics" / "known_coverage.csv"
    path.write_text(path.read_text() + "\n")
    digest._normalise.cache_clear()
    assert digest.code_digest(LIBRARY.parent / "compare_agreement.py") != untouched


@pytest.mark.parametrize(
    ("script", "counts", "does_not"),
    [
        ("segment.py", ["images", "segmentation/postprocess", "job"], ["filters", "scores"]),
        ("filter.py", ["images", "filters", "device"], ["segmentation/watershed", "scores"]),
        ("score.py", ["scores", "images", "tables"], ["filters", "features/table"]),
        ("measure.py", ["features/table", "features/objects"], ["scores", "features/texture"]),
        ("import_truth.py", ["truth", "acquisition"], ["scores", "segmentation/clesperanto"]),
    ],
)
def test_each_script_depends_on_what_it_uses(library, script, counts, does_not):
    untouched = library(None, script)
    for module in counts:
        assert library(module, script) != untouched, module
    for module in does_not:
        assert library(module, script) == untouched, module


def test_of_the_groups_of_features_only_the_chosen_ones_count(library):
    named = "bioagree.features.topology"
    untouched = library(None, "measure.py", named)
    assert library("features/topology", "measure.py", named) != untouched
    assert library("features/texture", "measure.py", named) == untouched
