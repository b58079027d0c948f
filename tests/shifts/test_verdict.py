"""Words and scores follow their rule."""

import numpy as np
import pytest
from shift_worlds import poor_report, true_halves, true_report

from gsmflow_lite.figures.style import VERDICTS
from gsmflow_lite.shifts.estimates import Bounded
from gsmflow_lite.shifts.meters import BY_NAME
from gsmflow_lite.shifts.report import Reading
from gsmflow_lite.shifts.variance import spread
from gsmflow_lite.shifts.verdict import FINE, SHIFTED, WORDS, judge


@pytest.fixture(scope="module")
def readings():
    return true_report().readings + poor_report().readings


def test_each_word_has_a_colour_and_a_symbol():
    assert tuple(VERDICTS) == WORDS


def test_every_word_occurs_in_the_reports_of_these_tests(readings):
    assert {reading.word for reading in readings} == set(WORDS)


def test_words_follow_their_rule_in_every_reading(readings):
    for reading in readings:
        if reading.measured:
            assert reading.word != "fine" or reading.score >= FINE, reading
            assert reading.word != "watch" or reading.metric != "spread" or reading.score < FINE
            assert reading.word != "shifted" or reading.score < SHIFTED, reading
        else:
            assert np.isnan(reading.score)


@pytest.mark.parametrize(
    ("value", "wobble", "word"),
    [
        (0.81, 0.01, "fine"),
        (0.79, 0.01, "watch"),
        (0.51, 0.01, "watch"),
        (0.49, 0.01, "shifted"),
        (0.49, 0.3, "watch"),  # its interval overlaps that of the ceiling: it may be chance
        (1.2, 0.01, "fine"),
        (-0.3, 0.01, "shifted"),
    ],
)
def test_a_word_depends_on_the_score_and_on_whether_the_intervals_overlap(value, wobble, word):
    around = np.array([-1, 1, 0])
    verdict = judge(Bounded(value + wobble * around, 0.0, 1 + 0.01 * around))
    assert verdict.word == word
    assert verdict.score == pytest.approx(np.clip(value, 0, 1))


BORDERS = [  # value, its deviation, that of the ceiling; the floor is 0 and the ceiling is 1
    (0.8, 0.0, 0.0, "fine"),
    (0.5, 0.0, 0.0, "watch"),
    (0.4999, 0.0, 0.0, "shifted"),
    (0.25, 0.0, 0.76 / 1.96, "watch"),  # the intervals overlap
    (0.25, 0.76 / 1.96, 0.0, "watch"),
    (0.25, 0.0, 0.74 / 1.96, "shifted"),
]


@pytest.mark.parametrize(("value", "deviation", "ceiling_deviation", "word"), BORDERS)
def test_the_borders_of_the_words(value, deviation, ceiling_deviation, word):
    around = np.array([-1.0, 1.0]) / np.sqrt(2)  # of standard deviation 1
    goodness = Bounded(value + deviation * around, 0.0, 1 + ceiling_deviation * around)
    assert judge(goodness).word == word


def test_a_value_below_the_floor_has_the_score_0():
    low = judge(Bounded(np.array([-9.0, -9.0]), -9.0, np.array([-1.0, -1.0])))
    assert low == (0, "shifted")


@pytest.mark.parametrize(("value", "score"), [(0.1, 0.0), (0.2, 1.0), (0.9, 1.0)])
def test_where_real_features_are_no_better_than_the_floor_nothing_can_be_told(value, score):
    ceiling = np.array([0.1, 0.2, 0.3])
    assert judge(Bounded(ceiling - 0.2 + value, 0.2, ceiling)) == (score, "cannot tell")


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(
    ("value", "ceiling", "score", "word"),
    [
        (-1.4, -1.0, 0.6, "watch"),
        (-2.0, -2.0, 1, "cannot tell"),
        (-2.1, -2.0, 0, "cannot tell"),
        (-1.0, -(2 - 1e-8), 1, "fine"),
    ],
)
def test_the_room_between_floor_and_ceiling_is_judged_in_its_own_units(
    size, value, ceiling, score, word
):
    one = size * np.ones(2)
    verdict = judge(Bounded(value * one, -2 * size, ceiling * one))
    assert verdict.score == pytest.approx(score)
    assert verdict.word == word


def test_scores_are_the_place_between_floor_and_ceiling(readings):
    for reading in readings:
        is_linear = BY_NAME[reading.metric].better in ("higher", "lower")
        if is_linear and reading.measured:
            share = (reading.value - reading.floor) / (reading.ceiling - reading.floor)
            assert reading.score == pytest.approx(np.clip(share, 0, 1)), reading


def test_scores_of_ratios_count_twice_as_much_like_half_as_much():
    (estimate,) = spread(true_halves())
    value = estimate.by_class.value[:, 1]
    ceiling = estimate.by_class.ceiling[:, 1]
    share = np.minimum(value, 1 / value).mean() / np.minimum(ceiling, 1 / ceiling).mean()
    assert Reading.of_class(estimate, 1, "x").score == pytest.approx(min(share, 1))


@pytest.mark.parametrize("ratio", [0.25, 4.0])
def test_a_ratio_of_four_is_as_good_as_a_quarter(ratio):
    assert BY_NAME["spread"].goodness(np.array(ratio)) == 0.25


def test_scores_of_a_chance_of_telling_apart_fall_on_either_side_of_a_half():
    goodness = BY_NAME["quadratic test"].goodness(np.array([0.5, 0.3, 0.7, 1.0]))
    np.testing.assert_allclose(goodness, [0, -0.2, -0.2, -0.5])


@pytest.mark.parametrize(
    ("value", "p", "expected"),
    [
        (0.9, 0.2, "cannot tell"),
        (0.9, 0.05, "cannot tell"),
        (0.9, 0.0499, "fine"),
        (0.9, None, "fine"),
        (0.6, 0.2, "watch"),
        (0.2, 0.2, "shifted"),
    ],
)
def test_a_fine_distance_order_that_chance_explains_cannot_be_told(value, p, expected):
    one = np.ones(2)
    assert judge(Bounded(value * one, 0.0, one), p).word == expected


AROUND = np.array([-1.0, 1.0]) / np.sqrt(2)  # of standard deviation 1
FAULTS = [  # the half width of the ceiling at 1; how far chance takes the floor or fault up from 0
    (0.9, 0.4, "fine"),
    (0.95, 0.4, "cannot tell"),  # sqrt(0.95^2 + 0.4^2) > 1
    (0.4, 0.9, "fine"),
    (0.4, 0.95, "cannot tell"),
]


@pytest.mark.parametrize("faulty", [False, True])
@pytest.mark.parametrize(("of_real", "of_fault", "word"), FAULTS)
def test_what_real_features_do_not_surely_surpass_cannot_tell(of_real, of_fault, word, faulty):
    ceiling = 1 + of_real / 1.96 * AROUND
    fault = np.array([-of_fault, of_fault]) / 0.9  # the 95th percentile is at 0.9 of the way
    bounded = Bounded(np.ones(2), -9.0, ceiling, fault) if faulty else None
    assert judge(bounded or Bounded(np.ones(2), fault, ceiling)).word == word


@pytest.mark.parametrize(("value", "word"), [(0.86, "watch"), (0.94, "fine")])
def test_what_is_no_better_than_a_fault_is_not_fine(value, word):
    one = np.ones(2)
    assert judge(Bounded(value * one, 0.0, one, 0.9 * one)).word == word


def test_what_is_worse_than_real_features_beyond_chance_is_shifted_though_the_floor_is_too():
    goodness = Bounded(-9 + AROUND, np.array([-1.5, -0.5]), -0.9 + 0.2 * AROUND)
    assert judge(goodness).word == "shifted"
