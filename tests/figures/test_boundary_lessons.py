"""Walks and trade-offs show what the arrays say."""

import numpy as np
import pytest

from gsmflow_lite.errors import DataError
from gsmflow_lite.figures.lessons import trade_off_curves, walk_curves
from gsmflow_lite.scores.evaluation import GZSLScores, TestLogits
from gsmflow_lite.scores.trade_off import trade_off

TestLogits.__test__ = False  # a class of ours, not a test


def logits_of(dataset, rng, lead: float = 0.0) -> TestLogits:
    """Random logits; the right class of every row is ahead by ``lead`` standard deviations."""
    tables = []
    for rows in (dataset.test_seen, dataset.test_unseen):
        table = rng.standard_normal((len(rows), len(dataset.attributes)))
        table[np.arange(len(rows)), dataset.labels[rows]] += lead
        tables.append(table)
    return TestLogits(dataset, *tables, tables[1][:, dataset.unseen_classes])


@pytest.fixture
def walks(rng) -> dict[str, dict[str, np.ndarray]]:
    return {
        quantity: {beta: rng.random((6, 9)) for beta in ("beta 1", "beta 10")}
        for quantity in ("entropy", "score")
    }


def test_a_walk_is_a_panel_for_each_quantity_with_the_median_of_each_setting(walks):
    panels = walk_curves(walks).axes
    assert [axes.get_title(loc="left") for axes in panels] == list(walks)
    for axes, lines in zip(panels, walks.values(), strict=True):
        for line, values in zip(axes.lines, lines.values(), strict=True):
            np.testing.assert_allclose(line.get_ydata(), np.median(values, axis=1))


def test_a_setting_has_one_colour_in_all_panels_and_its_goal_has_it_too(walks):
    score = walk_curves(walks, goals={"score": {"beta 10": 0.2, "guessing": 0.5}}).axes[1]
    entropy = walk_curves(walks).axes[0]
    assert [line.get_color() for line in score.lines[:2]] == [
        line.get_color() for line in entropy.lines
    ]
    goal, other = score.lines[2:]
    assert set(goal.get_ydata()) == {0.2}
    assert goal.get_color() == score.lines[1].get_color()
    assert other.get_color() not in {line.get_color() for line in score.lines[:3]}
    assert [text.get_text() for text in score.texts] == ["guessing"]


def test_a_quantity_keeps_the_limits_that_it_is_given(walks):
    entropy, score = walk_curves(walks, limits={"score": (0, 2)}).axes
    assert score.get_ylim() == (0, 2)
    assert entropy.get_ylim() != (0, 2)


def test_panels_with_different_settings_are_refused(walks):
    del walks["score"]["beta 1"]
    with pytest.raises(DataError, match="same settings"):
        walk_curves(walks)


def test_trade_off_curves_draw_the_curves_with_their_areas_and_a_mark_where_it_belongs(
    make_dataset, rng
):
    curves = {
        name: trade_off(logits_of(make_dataset(), rng, lead))
        for name, lead in (("good", 3.0), ("poor", 0.5))
    }
    figure = trade_off_curves(curves, {"poor": {"not calibrated": GZSLScores.of(40, 20, 30, 25)}})
    lines = {
        line.get_label(): line
        for line in figure.axes[0].lines
        if not line.get_label().startswith("_")
    }
    for name, curve in curves.items():
        line = lines[f"{name}, area {curve.area:.2f}"]
        np.testing.assert_array_equal(line.get_xdata(), curve.unseen)
        np.testing.assert_array_equal(line.get_ydata(), curve.seen)
    marks = [
        line for line in figure.axes[0].lines if line.get_marker() == "o" and len(line.get_xdata())
    ]
    assert [(m.get_xdata()[0], m.get_ydata()[0]) for m in marks] == [(20, 40)]


def test_a_grey_curve_goes_through_points_of_its_harmonic_mean(make_dataset, rng):
    figure = trade_off_curves({"good": trade_off(logits_of(make_dataset(), rng, 3.0))})
    grey = figure.axes[0].lines[1]  # the second, H 40
    for unseen, seen in zip(grey.get_xdata(), grey.get_ydata(), strict=True):
        assert GZSLScores.of(seen, unseen, 0, 0).harmonic == pytest.approx(40)
