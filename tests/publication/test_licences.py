"""Are licences combined as Creative Commons says, and are conflicts refused with both names?"""

import hashlib
import itertools
import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from bioagree.errors import InputError
from bioagree.publication import licences, reuse
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]

# Creative Commons' charts, written down from its FAQ ("Combining and adapting CC material") and
# independent of the code. Which licence may stand on an adaptation (rows: the source), and which
# two may be remixed.
ADAPTERS = {
    "CC0-1.0": "CC0-1.0 CC-BY-4.0 CC-BY-SA-4.0 CC-BY-NC-4.0 CC-BY-NC-SA-4.0",
    "CC-BY-4.0": "CC-BY-4.0 CC-BY-SA-4.0 CC-BY-NC-4.0 CC-BY-NC-SA-4.0",
    "CC-BY-SA-4.0": "CC-BY-SA-4.0",
    "CC-BY-NC-4.0": "CC-BY-NC-4.0 CC-BY-NC-SA-4.0",
    "CC-BY-NC-SA-4.0": "CC-BY-NC-SA-4.0",
}
REMIX = """
            PD  BY  SA  NC  NCSA ND  NCND
PD          +   +   +   +   +    -   -
BY          +   +   +   +   +    -   -
SA          +   +   +   -   -    -   -
NC          +   +   -   +   +    -   -
NCSA        +   +   -   +   +    -   -
ND          -   -   -   -   -    -   -
NCND        -   -   -   -   -    -   -
"""
IDS = {
    "PD": "CC0-1.0",
    "BY": "CC-BY-4.0",
    "SA": "CC-BY-SA-4.0",
    "NC": "CC-BY-NC-4.0",
    "NCSA": "CC-BY-NC-SA-4.0",
    "ND": "CC-BY-ND-4.0",
    "NCND": "CC-BY-NC-ND-4.0",
}
ANY = st.sampled_from([*licences.ACCEPTED, *licences.NO_DERIVATIVES])
SOURCES = st.dictionaries(st.sampled_from("abcdefg"), ANY, min_size=1)
WANTED = st.sampled_from(licences.WANTED)


def adapted(sources, wanted="CC-BY-4.0"):
    """Return the licence of an adaptation, or nothing where there is none."""
    try:
        return licences.adapt(sources, wanted, "a table").licence
    except InputError:
        return None


def allowed(sources):
    """Return all that a study may choose from."""
    return {w for w in licences.WANTED if (adapted(sources, w) or "").split(" AND ")[0] == w}


def remixes():
    header, *rows = [line.split() for line in REMIX.strip().splitlines()]
    return [
        (row[0], name, cell == "+")
        for row in rows
        for name, cell in zip(header, row[1:], strict=True)
    ]


@pytest.mark.parametrize(("one", "other", "possible"), remixes())
def test_two_licences_go_together_as_in_the_chart(one, other, possible):
    assert (adapted({"a": IDS[one], "b": IDS[other]}) is not None) == possible


@pytest.mark.parametrize("source", ADAPTERS)
@pytest.mark.parametrize("wanted", licences.WANTED)
def test_what_was_asked_for_stands_where_the_chart_allows_it(source, wanted):
    result = licences.adapt({"a": source}, wanted, "a table")
    assert (result.licence == wanted) == (wanted in ADAPTERS[source].split())
    assert result.licence in ADAPTERS[source].split()  # what stands instead is allowed, too
    assert result.because == (() if result.licence == wanted else ("a",))


@pytest.mark.parametrize(
    ("sources", "wanted", "expected"),
    [
        (["CC-BY-4.0", "CC-BY-SA-4.0"], "CC-BY-4.0", "CC-BY-SA-4.0"),
        (["CC-BY-NC-4.0", "CC-BY-NC-SA-3.0"], "CC-BY-4.0", "CC-BY-NC-SA-4.0"),
        (["CC-BY-NC-3.0"], "CC-BY-4.0", "CC-BY-NC-4.0"),
        (["CC-BY-NC-3.0"], "CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"),
        (["CC-BY-3.0"], "CC0-1.0", "CC-BY-4.0"),
        (["CC0-1.0", "PDDL-1.0", "CC-PDM-1.0"], "CC0-1.0", "CC0-1.0"),
        (["MIT", "BSD-3-Clause"], "CC-BY-4.0", "BSD-3-Clause AND CC-BY-4.0 AND MIT"),
        (["CC0-1.0 AND BSD-3-Clause"], "CC0-1.0", "BSD-3-Clause AND CC0-1.0"),
        (["CC-BY-SA-3.0-DE", "CC-BY-SA-2.1-JP"], "CC-BY-4.0", "CC-BY-SA-4.0"),
        (["CC-BY-SA-1.0", "CC-BY-4.0"], "CC-BY-4.0", "CC-BY-SA-1.0"),
        (["CC-BY-SA-4.0"], "CC-BY-NC-4.0", "CC-BY-SA-4.0"),
    ],
)
def test_known_combinations(sources, wanted, expected):
    assert adapted(dict(enumerate_names(sources)), wanted) == expected


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("CC-BY-SA-4.0", "CC-BY-NC-4.0", "commercial"),
        ("CC-BY-NC-SA-4.0", "CC-BY-SA-4.0", "commercial"),
        ("CC-BY-SA-1.0", "CC-BY-SA-2.0", "later"),
        ("CC0-1.0", "CC-BY-ND-3.0", "forbids"),
    ],
)
@pytest.mark.parametrize("swap", [False, True])
def test_a_conflict_names_both_sources_their_licences_and_why(first, second, reason, swap):
    sources = {"dataset 'plate'": first, "dataset 'film'": second}
    if swap:
        sources = dict(reversed(sources.items()))
    with pytest.raises(InputError) as caught:
        licences.adapt(sources, "CC-BY-4.0", "question 'quality'")
    words = ["dataset 'film'", second, "question 'quality'", reason]
    if "ND" not in second:
        words += ["dataset 'plate'", first]
    assert all(word in str(caught.value) for word in words), caught.value


def test_one_dataset_can_conflict_with_itself():
    with pytest.raises(InputError, match="states CC-BY-SA-4.0 and CC-BY-NC-4.0"):
        licences.check({"plate": "CC-BY-NC-4.0 AND CC-BY-SA-4.0"}, "a table")


# Algebra


@given(SOURCES, WANTED, st.randoms())
def test_order_does_not_matter_not_even_for_the_error(sources, wanted, random):
    def outcome(given):
        try:
            return licences.adapt(given, wanted, "a table")
        except InputError as error:
            return str(error)

    shuffled = list(sources.items())
    random.shuffle(shuffled)
    assert outcome(sources) == outcome(dict(shuffled))


@given(st.lists(ANY, min_size=1, max_size=4), st.lists(ANY, max_size=4))
def test_the_same_licence_twice_is_the_same_as_once(one, more):
    once = dict(enumerate_names(dict.fromkeys(one + more)))
    twice = dict(enumerate_names(one + more + one))
    assert adapted(once) == adapted(twice)


def enumerate_names(values):
    return [(f"s{number}", value) for number, value in enumerate(values)]


@given(SOURCES, SOURCES, WANTED)
def test_steps_in_between_make_no_difference(one, other, wanted):
    # What is made in a first step has the least restrictive licence that its sources allow, and
    # notices; then this is combined with the rest.
    other = {name.upper(): licence for name, licence in other.items()}
    first = adapted(one, "CC0-1.0")
    stepwise = adapted({"first": first} | other, wanted) if first else None
    assert stepwise == adapted(one | other, wanted)


@given(SOURCES, ANY)
def test_another_source_never_frees(sources, licence):
    assert allowed(sources | {"z": licence}) <= allowed(sources)


@given(SOURCES, WANTED)
def test_every_source_allows_the_result(sources, wanted):
    result = adapted(sources, wanted)
    for name, licence in sources.items():
        single = adapted({name: licence}, wanted)
        if single is None:
            assert result is None
        elif result:
            base = {one for one in result.split(" AND ") if one.startswith("CC")}
            kept = {one for one in result.split(" AND ") if not one.startswith("CC")}
            assert licence in kept or licence not in licences.NOTICE
            # Combined with its source once more, it stays what it is.
            assert adapted({"a": base.pop(), "b": licence}, "CC0-1.0")
            assert ("-NC" in result) >= ("-NC" in licence)
            assert ("-SA" in result) >= ("-SA" in licence)


# Collections


@given(st.lists(st.sampled_from(licences.ACCEPTED), min_size=1))
def test_a_collection_keeps_every_licence_once(names):
    expression = licences.collection(names)
    assert expression.split(" AND ") == sorted(set(names))
    assert licences.is_commercial(expression) == (not any("-NC" in name for name in names))


# What is written


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("cc-by-4.0", "CC-BY-4.0"),
        ("CC BY 4.0", "CC-BY-4.0"),
        ("CC0", "CC0-1.0"),
        ("CC-BY-SA", "CC-BY-SA-4.0"),
        ("mit", "MIT"),
        ("BSD", "BSD-3-Clause"),
        ("CC-BY-4.0 and MIT", None),
        ("GPL-3.0-only", None),
        ("proprietary", None),
        ("", None),
    ],
)
def test_unknown_licences_are_refused_with_those_that_are_accepted(given, meant):
    with pytest.raises(InputError) as caught:
        licences.parse(given, "config/datasets.yaml: dataset 'plate'")
    said = str(caught.value)
    assert "config/datasets.yaml: dataset 'plate'" in said
    assert licences.ACCEPTED_IN_WORDS in said
    if meant and meant != "CC-BY-SA-4.0":
        assert f"did you mean {meant!r}" in said
    elif meant:
        assert "did you mean 'CC-BY-SA-" in said


def test_a_choice_is_left_to_people():
    with pytest.raises(InputError, match="write the one that you take"):
        licences.parse("MIT OR Apache-2.0", "plate")


@pytest.mark.parametrize("wanted", ["CC-BY-3.0", "CC-BY-ND-4.0", "MIT", "cc-by-4.0"])
def test_what_is_asked_for_is_a_licence_for_new_data(wanted):
    with pytest.raises(InputError, match=r"publication\.licence .*CC0-1.0"):
        licences.adapt({}, wanted, "a table")


def test_the_schema_names_what_the_code_accepts():
    text = (ROOT / "workflow/schemas/datasets.schema.yaml").read_text()
    described = yaml.safe_load(text)["additionalProperties"]["properties"]["licence"]
    assert licences.ACCEPTED_IN_WORDS in described["description"]


def test_all_identifiers_are_those_of_spdx():
    import json

    listed = Path(distribution("reuse").locate_file("reuse/resources/licenses.json"))
    known = {one["licenseId"] for one in json.loads(listed.read_text())["licenses"]}
    assert {*licences.ACCEPTED, *licences.NO_DERIVATIVES} <= known
    ours = re.compile(r"CC-BY(-NC)?(-ND|-SA)?-\d.*")
    assert {one for one in known if ours.fullmatch(one)} <= {
        *licences.ACCEPTED,
        *licences.NO_DERIVATIVES,
    }


@pytest.mark.parametrize(
    ("licence", "address"),
    [
        ("CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
        ("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/"),
        ("CC-BY-NC-SA-3.0-DE", "https://creativecommons.org/licenses/by-nc-sa/3.0/de/"),
        ("MIT", "https://spdx.org/licenses/MIT.html"),
    ],
)
def test_addresses_of_licences(licence, address):
    assert licences.url(licence) == address


# Texts


def words(text):
    return re.sub(r"[\W_]+", " ", text).lower().split()


@pytest.mark.parametrize("licence", licences.ACCEPTED)
def test_every_licence_that_can_come_out_has_its_whole_text(licence):
    text = reuse.licence_texts([licence])[licence]
    last_words = {
        "Apache": "limitations under the License.",
        "BSD": "POSSIBILITY OF SUCH DAMAGE.",
        "CC-BY": "creativecommons.",
        "CC-PDM": "person who identified the work.",
        "CC0": "this CC0 or use of the Work.",
        "ISC": "PERFORMANCE OF THIS SOFTWARE.",
        "MIT": "OTHER DEALINGS IN THE SOFTWARE.",
        "PDDL": "meet the intent of this Document.",
    }
    ending = next(last for start, last in last_words.items() if licence.startswith(start))
    assert ending.lower() in text.strip()[-90:].lower()
    if licence.startswith("CC-BY"):
        numbers = re.findall(r"(?m)^\s*(?:(?:Section |Article |第)?)(\d)(?:[.条]| [–—-])", text)
        assert [str(n) for n in range(1, 8)] == sorted(set(numbers) & set("1234567")), licence


def test_texts_are_those_that_were_taken_over():
    # Of all texts, in order; made once, from what the npm package ships.
    texts = reuse.licence_texts(licences.ACCEPTED)
    digest = hashlib.sha256("".join(texts[name] for name in sorted(texts)).encode()).hexdigest()
    assert set(texts) == set(licences.ACCEPTED)
    assert digest == "3e832b962bc47c716c3ba8e7cde4e9521bfff4f2485df3aa6cca3a7d739dcc91"


@pytest.mark.parametrize(
    ("package", "path", "licence"),
    [
        ("reuse", "LICENSES/CC-BY-SA-4.0.txt", "CC-BY-SA-4.0"),
        ("reuse", "LICENSES/CC0-1.0.txt", "CC0-1.0"),
        ("reuse", "LICENSES/Apache-2.0.txt", "Apache-2.0"),
        ("license-expression", "data/cc-by-4.0.LICENSE", "CC-BY-4.0"),
    ],
)
def test_texts_are_the_same_as_those_of_others(package, path, licence):
    found = next((file for file in distribution(package).files if str(file).endswith(path)), None)
    assert found, f"{package} no longer ships {path}"
    theirs = words(distribution(package).locate_file(found).read_text())
    assert words(reuse.licence_texts([licence])[licence]) == theirs


def test_the_table_of_the_docs_is_what_the_code_does():
    text = (ROOT / "docs/licences.md").read_text()
    rows = [
        [cell.strip(" `*") for cell in line.strip("|").split("|")]
        for line in text.split("<!-- table -->")[1].strip().splitlines()
    ]
    header, _, *body = rows
    sources = header[1:]
    assert [row[0] for row in body] == sources
    for row, column in itertools.product(body, range(len(sources))):
        expected = adapted({"a": row[0], "b": sources[column]}) or "conflict"
        assert row[column + 1] == expected, (row[0], sources[column])
