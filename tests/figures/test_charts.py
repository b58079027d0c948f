"""Charts show the arrays that were handed in."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from gsmflow_lite import figures
from gsmflow_lite.errors import DataError
from gsmflow_lite.events import Epoch
from gsmflow_lite.figures.charts import PICTURE_GAP
from gsmflow_lite.scores.evaluation import GZSLScores


def test_a_picture_grid_shows_every_picture_in_its_place(rng):
    real, made = rng.random((2, 3, 4, 5)), rng.random((3, 4, 5)) * 3 - 1
    canvas = np.asarray(
        figures.picture_grid({"real": real, "made": made}).axes[0].images[0].get_array()
    )
    gap = PICTURE_GAP
    np.testing.assert_allclose(canvas[4 + gap : 8 + gap, 5 + gap : 10 + gap], real[1, 1], rtol=1e-6)
    np.testing.assert_allclose(canvas[-4:, -5:], made[2].clip(0, 1), rtol=1e-6)


@pytest.mark.parametrize(
    "rows", [{}, {"a": np.ones((2, 4, 4)), "b": np.ones((3, 4, 4))}, {"a": np.ones((4, 4))}]
)
def test_pictures_that_do_not_match_are_refused(rows):
    with pytest.raises(DataError, match="as many pictures"):
        figures.picture_grid(rows)


def history(scores):
    return [Epoch(i + 1, 10, 2.0 - i, 0.0, 1e-3, 1.0, score) for i, score in enumerate(scores)]


def test_a_loss_curve_shows_the_losses_and_spans_all_epochs():
    (axes,) = figures.loss_curve(history([None, None])).axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 2.0], [2, 1.0]])
    assert axes.get_xlim() == (0.5, 10.5)


def test_validation_scores_get_a_panel_of_their_own():
    _, lower = figures.loss_curve(history([30.0, 40.0])).axes
    np.testing.assert_array_equal(lower.lines[0].get_ydata(), [30.0, 40.0])


def test_a_loss_curve_can_be_drawn_before_the_first_epoch():
    assert len(figures.loss_curve([]).axes) == 1


def test_score_bars_are_as_high_as_the_scores():
    scores = {
        "flow": GZSLScores.of(80, 60, 70.0, 50.0),
        "<oracle>": GZSLScores.of(90, 95, 97.0, 85.0),
    }
    figure = figures.score_bars(scores)
    heights = [[bar.get_height() for bar in container] for container in figure.axes[0].containers]
    np.testing.assert_allclose(
        heights, [[s.seen, s.unseen, s.harmonic, s.zsl] for s in scores.values()]
    )
    assert [t.get_text() for t in figure.axes[0].get_legend().texts] == ["flow", "<oracle>"]


def test_the_heat_map_shows_the_differences(rng):
    values = rng.standard_normal((3, 4))
    table = pd.DataFrame(values, index=["a", r"$\b{$", "_c"], columns=list("wxyz"))
    figure = figures.attribute_heatmap(table)
    figure.canvas.draw()
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.collections[0].get_array().reshape(3, 4), values)
    assert [t.get_text() for t in axes.get_xticklabels()] == list("wxyz")
    low, high = axes.collections[0].get_clim()
    assert low == -high


def test_a_heat_map_without_differences_can_be_drawn():
    figures.attribute_heatmap(pd.DataFrame(np.zeros((2, 2)))).canvas.draw()


def test_telling_attributes_are_those_with_the_largest_readable_difference(rng):
    differences, readability = rng.standard_normal((5, 30)), rng.random(30)
    readability[:4] = 0
    weight = [
        np.mean([abs(differences[k, j]) for k in range(5)]) * readability[j] for j in range(30)
    ]
    expected = sorted(range(30), key=lambda j: -weight[j])[:7]
    assert figures.telling_attributes(differences, readability, 7).tolist() == sorted(expected)
    assert figures.telling_attributes(differences, readability, 30).tolist() == list(range(4, 30))


@dataclass
class Fake:
    seen: float = 1.0
    unseen: float = 2.0
    harmonic: float = 3.0
    zsl: float = 4.0


def test_figures_need_no_class_of_this_library():
    assert figures.score_bars({"mine": Fake()}).axes
