"""Figures: the arrays in them are the arrays that were handed in, and names are text whatever they contain."""

import base64
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from gsmflow_lite import figures
from gsmflow_lite.errors import DataError
from gsmflow_lite.events import Epoch
from gsmflow_lite.figures.points import Points
from gsmflow_lite.scores.evaluation import GZSLScores

NAMES = ["a", "b", "c", "d"]
NASTY = "<b>x</b><a href='javascript:1'>%{x} $y$</a>"


def points(labels, seed: int = 0) -> Points:
    rng = np.random.default_rng(seed)
    n = len(labels)
    return Points(
        rng.standard_normal((n, 2)),
        rng.standard_normal((n, 2)),
        np.array(labels),
        100 + np.arange(n),
    )


@pytest.fixture
def real() -> Points:
    return points([0, 1, 2, 3, 0, 1, 2, 3, 0])


@pytest.fixture
def synthesized() -> Points:
    return points([1, 2, 1, 2, 2], seed=1)


def traces(figure, *, lens: int, symbol: str, group: str):
    axis = "x" if lens == 0 else "x2"
    return [
        t
        for t in figure.data
        if (t.xaxis or "x") == axis
        and t.marker.symbol == symbol
        and t.legendgroup == group
        and t.x[0] is not None
    ]


@pytest.mark.parametrize(("lens", "name"), [(0, "pca"), (1, "umap")])
def test_each_class_is_drawn_at_its_places_with_its_rows(real, synthesized, lens, name):
    figure = figures.two_lenses(real, synthesized, names=NAMES)
    for source, symbol in ((real, "circle"), (synthesized, "diamond-open")):
        (trace,) = traces(figure, lens=lens, symbol=symbol, group="class 2")
        own = source.of(2)
        np.testing.assert_array_equal(np.column_stack([trace.x, trace.y]), getattr(own, name))
        np.testing.assert_array_equal(np.ravel(trace.customdata), own.rows)


@pytest.mark.parametrize("lens", [0, 1])
def test_classes_out_of_focus_are_grey(real, synthesized, lens):
    figure = figures.two_lenses(real, synthesized, names=NAMES)
    (context,) = traces(figure, lens=lens, symbol="circle", group="context")
    assert context.marker.color == figures.CONTEXT
    assert sorted(context.text) == ["a", "a", "a", "d", "d"]


def test_the_spread_of_each_class_stands_in_the_legend(real, synthesized):
    figure = figures.two_lenses(real, synthesized, names=NAMES, spread={1: 0.41, 2: 1.07})
    shown = [t.name for t in figure.data if t.showlegend is not False]
    assert {"b   0.41", "c   1.07"} <= set(shown)


def test_caption_and_title_stand_on_the_figure(real):
    figure = figures.two_lenses(real, names=NAMES, title="Letters", caption="glyphs, seed 7")
    assert figure.layout.title.text == "Letters"
    assert "glyphs, seed 7" in [a.text for a in figure.layout.annotations]


def test_markup_in_names_titles_and_captions_is_escaped(real, synthesized):
    figure = figures.two_lenses(
        real, synthesized, names=[NASTY] * 4, spread={1: 1.0}, title=NASTY, caption=NASTY
    )
    drawn = figure.to_json().replace("<b>spread, synthesized / real</b>", "")
    for forbidden in ("<b>x", "<a ", "%{x}", "$y$"):
        assert forbidden not in drawn.replace("\\u003c", "<")
    assert "&lt;b&gt;x" in drawn.replace("\\u003c", "<").replace("\\u0026", "&").replace(
        "\\u003e", ">"
    )


def test_a_name_with_tex_is_drawn_as_text_in_stills(real, synthesized):
    figure = figures.two_lenses_still(
        real, synthesized, names=[r"$\broken{$"] * 4, title=r"$\frac$", caption="$x$"
    )
    figure.canvas.draw()  # matplotlib would raise on broken TeX
    assert r"\$\broken{\$" in [t.get_text() for axes in figure.axes for t in axes.texts]


def test_a_name_that_begins_with_an_underscore_stays_in_the_legend(real):
    figure = figures.two_lenses_still(real, names=["_a", "_b", "_c", "_d"])
    assert [t.get_text().strip() for t in figure.legends[0].texts] == [
        "real",
        "_a",
        "_b",
        "_c",
        "_d",
    ]


def test_many_points_are_drawn_with_webgl_and_few_without(real):
    many = points(np.arange(figures.SVG_POINTS + 1) % 4)
    assert {t.type for t in figures.two_lenses(many, names=NAMES).data if t.x[0] is not None} == {
        "scattergl"
    }
    assert {t.type for t in figures.two_lenses(real, names=NAMES).data} == {"scatter"}


def test_a_class_in_focus_without_real_points_is_refused(real):
    with pytest.raises(DataError, match="class 9 has none"):
        figures.two_lenses(real, names=NAMES, focus=[9])


def test_the_still_draws_the_same_points(real, synthesized):
    figure = figures.two_lenses_still(real, synthesized, names=NAMES)
    for axes, lens in zip(figure.axes, ("pca", "umap"), strict=True):
        drawn = np.concatenate([c.get_offsets() for c in axes.collections])
        given = np.concatenate([getattr(real, lens), getattr(synthesized, lens)])
        np.testing.assert_allclose(drawn[np.lexsort(drawn.T)], given[np.lexsort(given.T)])


def test_a_class_keeps_its_colour_when_others_are_added():
    few, many = figures.class_colours([5, 3]), figures.class_colours([5, 3, *range(10, 16), 1])
    assert few == {k: many[k] for k in few}
    assert len(set(many.values())) == 9
    assert len(set(figures.class_colours(range(27)).values())) == 27


def test_both_libraries_use_the_same_colours(real):
    from matplotlib.colors import to_rgba

    still, interactive = (
        figures.two_lenses_still(real, names=NAMES),
        figures.two_lenses(real, names=NAMES),
    )
    drawn = {tuple(c.get_facecolor()[0][:3]) for c in still.axes[0].collections}
    assert drawn == {to_rgba(t.marker.color)[:3] for t in interactive.data if t.x[0] is not None}


def test_a_figure_becomes_a_notebook_output_of_its_own_kind(real):
    interactive = figures.output(figures.two_lenses(real, names=NAMES))
    still = figures.output(figures.two_lenses_still(real, names=NAMES))
    assert len(interactive[figures.PLOTLY_TYPE]["data"]) > 8
    assert base64.b64decode(still["image/png"]).startswith(b"\x89PNG")


def test_a_picture_grid_shows_every_picture_in_its_place(rng):
    real, made = rng.random((2, 3, 4, 5)), rng.random((3, 4, 5)) * 3 - 1
    canvas = np.asarray(
        figures.picture_grid({"real": real, "made": made}).axes[0].images[0].get_array()
    )
    gap = figures.charts._GAP
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
    scores = {"flow": GZSLScores.of(80, 60, 70.0), "<oracle>": GZSLScores.of(90, 95, 97.0)}
    figure = figures.score_bars(scores)
    heights = [[bar.get_height() for bar in container] for container in figure.axes[0].containers]
    np.testing.assert_allclose(
        heights, [[s.seen, s.unseen, s.harmonic, s.zsl] for s in scores.values()]
    )
    assert [t.get_text() for t in figure.axes[0].get_legend().texts] == ["flow", "<oracle>"]


# --- Shifts ----------------------------------------------------------------------------------------------------------


@dataclass
class FakeReading:
    metric: str
    value: float
    low: float
    high: float
    floor: float
    ceiling: float
    word: str


class FakeShifts:
    """Readings by meter, the same for each class but ``apart`` further along."""

    names = ("a", NASTY)

    def __init__(self, readings, apart=(0.0, 0.0)):
        self.readings, self.apart = readings, dict(zip(self.names, apart, strict=True))

    def reading(self, metric, label=None):
        whole = self.readings[metric]
        return replace(whole, value=whole.value + self.apart.get(label, 0.0))


NAN = float("nan")


def shifts(word="watch", *, start=0.0, apart=(-0.1, 0.1)):
    common = FakeReading("agreement", 0.5 + start, 0.4 + start, 0.6 + start, 0.0, 0.9, word)
    lower = FakeReading("Frechet", 20 + start, 18 + start, 22 + start, 60.0, 5.0, "shifted")
    none = FakeReading("spread", NAN, NAN, NAN, NAN, NAN, "not measured")
    return FakeShifts(
        {"semantic": common, "variance": none, "structure": common, "overall": lower}, apart
    )


def test_each_meter_shows_value_interval_classes_floor_and_ceiling():
    figure = figures.shift_meters({"mine": shifts(), "rival": shifts("fine", start=0.2)})
    semantic = figure.axes[0]
    lines = {
        (line.get_marker(), *np.round(line.get_xdata(), 6))
        for line in semantic.lines
        if len(line.get_xdata()) < 3
    }
    assert {("^", 0.5), ("o", 0.7), ("|", 0.4, 0.6), ("|", 0.6, 0.8)} <= lines
    assert {("None", 0.4, 0.6), ("None", 0.6, 0.8), ("None", 0.0, 0.0), ("None", 0.9, 0.9)} <= lines


def test_each_meter_says_number_and_word_for_each_generator():
    figure = figures.shift_meters({"mine": shifts(), "rival": shifts("fine", start=0.2)})
    texts = {t.get_text() for t in figure.axes[0].texts}
    assert {"0.50  watch", "0.70  fine", "floor 0.00", "real data 0.90"} <= texts
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["mine", "rival"]


def test_better_is_always_to_the_right():
    semantic, _, _, overall = figures.shift_meters({"mine": shifts()}).axes
    assert semantic.get_xlim()[0] < semantic.get_xlim()[1]
    assert overall.get_xlim()[0] > overall.get_xlim()[1]  # of a distance less is better


def test_a_meter_that_was_not_measured_says_so():
    assert [t.get_text() for t in figures.shift_meters({"mine": shifts()}).axes[1].texts] == [
        "not measured"
    ]


def test_one_odd_class_does_not_squeeze_a_meter():
    semantic = figures.shift_meters({"mine": shifts(apart=(0.0, 1000.0))}).axes[0]
    assert semantic.get_xlim()[1] < 2


def test_hostile_names_of_generators_are_text_on_the_meters():
    figure = figures.shift_meters({r"$\broken{$": shifts()})
    figure.canvas.draw()
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == [r"\$\broken{\$"]


def test_words_differ_in_symbol_as_well_as_in_colour():
    colours, symbols = zip(*figures.VERDICTS.values(), strict=True)
    assert len(set(colours)) == len(set(symbols)) == 4


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


@pytest.mark.parametrize(
    ("value", "text"), [(0.126, "0.13"), (-0.001, "0.00"), (12.34, "12.3"), (-0.5, "-0.50")]
)
def test_numbers_are_short(value, text):
    assert figures.number(value) == text


@dataclass
class Fake:
    seen: float = 1.0
    unseen: float = 2.0
    harmonic: float = 3.0
    zsl: float = 4.0


def test_figures_need_no_class_of_this_library():
    assert figures.score_bars({"mine": Fake()}).axes


def test_drawing_leaves_nothing_behind_in_pyplot(real):
    import matplotlib.pyplot as plt

    figures.two_lenses_still(real, names=NAMES)
    assert plt.get_fignums() == []
