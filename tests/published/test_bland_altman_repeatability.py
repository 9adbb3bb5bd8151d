"""Repeatability as Bland & Altman print it: two readings of peak expiratory flow rate with each of
two meters, l/min (Lancet 1986;327:307-310), and four readings of 20 schoolchildren, l/min (BMJ
1996;313:744, the corrected Statistics Note 21)."""

import math

import numpy as np
import pytest
from bioagree.statistics.repeatability import repeatability

WRIGHT = [
    [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427],
    [490, 397, 512, 401, 470, 611, 415, 431, 638, 429, 420, 633, 275, 492, 165, 372, 421],
]
MINI = [
    [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451],
    [525, 415, 508, 444, 500, 625, 460, 390, 642, 432, 420, 605, 227, 467, 268, 370, 443],
]
CHILDREN = np.array(
    [
        [190, 220, 200, 200],
        [220, 200, 240, 230],
        [260, 260, 240, 280],
        [210, 300, 280, 265],
        [270, 265, 280, 270],
        [280, 280, 270, 275],
        [260, 280, 280, 300],
        [275, 275, 275, 305],
        [280, 290, 300, 290],
        [320, 290, 300, 290],
        [300, 300, 310, 300],
        [270, 250, 330, 370],
        [320, 330, 330, 330],
        [335, 320, 335, 375],
        [350, 320, 340, 365],
        [360, 320, 350, 345],
        [330, 340, 380, 390],
        [335, 385, 360, 370],
        [400, 420, 425, 420],
        [430, 460, 480, 470],
    ]
)


@pytest.mark.parametrize(
    ("readings", "printed", "unrounded"), [(WRIGHT, 43.2, 43.29), (MINI, 56.4, 56.32)]
)
def test_coefficients_of_1986_are_as_printed(readings, printed, unrounded):
    # the paper doubles the rounded standard deviation of the differences, sqrt(2) s_w
    result = repeatability(np.ravel(readings), np.tile(np.arange(17), 2))
    assert 2 * round(math.sqrt(2) * result.sd, 1) == pytest.approx(printed)
    assert round(result.coefficient_1979, 2) == unrounded


def test_within_subject_standard_deviation_of_1996_is_as_printed():
    result = repeatability(CHILDREN.ravel(), np.repeat(np.arange(20), 4))
    assert round(result.sd**2, 2) == 460.52
    assert round(result.sd, 1) == 21.5
    assert result.freedom == 60
    # the note multiplies the rounded standard deviation: 2.77 x 21.5 = 60
    assert round(2.77 * round(result.sd, 1)) == 60
    assert result.coefficient_1999 == pytest.approx(60, abs=0.6)


def test_spread_does_not_depend_on_the_mean_as_printed():
    result = repeatability(CHILDREN.ravel(), np.repeat(np.arange(20), 4))
    assert result.rank_statistic == "Kendall tau"
    assert round(result.rank_correlation, 2) == 0.16
    assert round(result.rank_p, 1) == 0.3
