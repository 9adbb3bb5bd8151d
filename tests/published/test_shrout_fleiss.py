"""Shrout & Fleiss, Intraclass correlations: uses in assessing rater reliability, Psychological
Bulletin 1979;86:420-428: ratings of six targets by four judges (table 2), their mean squares (table
3) and coefficients (table 4)."""

import pytest
from bioagree.statistics.intraclass import icc

RATINGS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


@pytest.fixture(scope="module")
def table():
    return icc(RATINGS)


def test_mean_squares_are_as_printed(table):
    squares = (table.between_subjects, table.within_subjects, table.between_raters, table.residual)
    assert [round(square, 2) for square in squares] == [11.24, 6.26, 32.49, 1.02]


@pytest.mark.parametrize(
    ("form", "printed"),
    [
        ("ICC(1,1)", 0.17),
        ("ICC(2,1)", 0.29),
        ("ICC(3,1)", 0.71),
        ("ICC(1,k)", 0.44),
        ("ICC(2,k)", 0.62),
        ("ICC(3,k)", 0.91),
    ],
)
def test_coefficients_are_as_printed(table, form, printed):
    assert round(table.forms[form].icc, 2) == printed


def test_interval_of_the_second_form_is_as_in_the_text(table):
    """The paper's worked example of ICC(2,1): .019 to .761."""
    interval = table.forms["ICC(2,1)"]
    assert (round(interval.low, 3), round(interval.high, 3)) == (0.019, 0.761)
