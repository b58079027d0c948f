"""A trade-off agrees with the scores at each calibration, and its area with closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from gsmflow_lite.scores.evaluation import TestLogits
from gsmflow_lite.scores.trade_off import TradeOff, trade_off

TestLogits.__test__ = False  # a class of ours, not a test


def logits_of(dataset, rng, lead: float) -> TestLogits:
    """Random logits; the right class of every row is ahead by ``lead`` standard deviations."""
    tables = []
    for rows in (dataset.test_seen, dataset.test_unseen):
        table = rng.standard_normal((len(rows), len(dataset.attributes)))
        table[np.arange(len(rows)), dataset.labels[rows]] += lead
        tables.append(table)
    seen, unseen = tables
    return TestLogits(dataset, seen, unseen, unseen[:, dataset.unseen_classes])


@pytest.fixture
def logits(make_dataset, rng):
    whole = make_dataset()
    uneven = replace(whole, test_seen=whole.test_seen[1:], test_unseen=whole.test_unseen[1:])
    return logits_of(uneven, rng, lead=1.0)


def test_every_point_of_a_trade_off_is_the_score_at_its_calibration(logits):
    curve = trade_off(logits, most=7)
    assert len(curve.calibration) == 9
    for c, seen, unseen in zip(curve.calibration, curve.seen, curve.unseen, strict=True):
        assert (logits.scores(c).seen, logits.scores(c).unseen) == (seen, unseen)


def test_the_first_point_answers_with_seen_classes_only_and_the_last_with_unseen_ones(logits):
    curve = trade_off(logits, most=7)
    assert curve.unseen[0] == 0
    assert curve.seen[-1] == 0


def test_the_unseen_accuracy_rises_while_the_seen_one_falls(logits):
    curve = trade_off(logits, most=7)
    assert (np.diff(curve.unseen) >= 0).all()
    assert (np.diff(curve.seen) <= 0).all()


def test_the_last_point_is_T1_of_the_same_logits(logits):
    assert trade_off(logits).unseen[-1] == pytest.approx(logits.scores().zsl)


@pytest.mark.parametrize("digits", [0, 9])  # with whole numbers, seen and unseen rows tie
def test_ausuc_is_the_area_under_the_steps_of_all_calibrations(logits, digits):
    tables = (logits.joint_seen, logits.joint_unseen, logits.zsl)
    logits = TestLogits(logits.dataset, *(table.round(digits) for table in tables))
    area = 0.0
    before = 0.0
    for calibration in np.unique(logits.leads):  # at every other calibration nothing changes
        scores = logits.scores(calibration)
        area += (scores.unseen - before) * scores.seen / 100
        before = scores.unseen
    assert logits.scores().ausuc == pytest.approx(area)


def test_a_classifier_that_is_always_right_has_the_area_1(make_dataset, rng):
    assert trade_off(logits_of(make_dataset(), rng, lead=100.0)).area == pytest.approx(1.0)


def test_the_area_under_a_straight_trade_off_is_half():
    along = np.linspace(0, 100, 11)
    assert TradeOff(along, along[::-1], along).area == pytest.approx(0.5)
