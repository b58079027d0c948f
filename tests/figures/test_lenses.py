"""Two maps show the points that were handed in, and names are text whatever they contain."""

import numpy as np
import pytest

from gsmflow_lite import figures
from gsmflow_lite.errors import DataError
from gsmflow_lite.figures.points import Points

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


def test_both_libraries_use_the_same_colours(real):
    from matplotlib.colors import to_rgba

    still, interactive = (
        figures.two_lenses_still(real, names=NAMES),
        figures.two_lenses(real, names=NAMES),
    )
    drawn = {tuple(c.get_facecolor()[0][:3]) for c in still.axes[0].collections}
    assert drawn == {to_rgba(t.marker.color)[:3] for t in interactive.data if t.x[0] is not None}
