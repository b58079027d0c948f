"""Two generators on one map, without a browser: set a value, read the figure's arrays."""

import numpy as np
import pytest
from explorers import xy
from live_widgets import live_widgets
from pages import Page

from gsmflow_lite import ConfigError, RidgeGaussian
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.panels import compare


@pytest.fixture(scope="module")
def panel():
    panel = compare(name="compare in tests").wait()
    yield panel
    panel.close()


@pytest.fixture(autouse=True)
def fresh(panel):
    panel.reset()
    panel.wait()


KINDS = {"first": "synthesized", "second": "synthesized 2"}


@pytest.mark.parametrize("side", ["first", "second"])
def test_each_generator_has_its_own_points(panel, side):
    expected = panel.scene.ask(panel.generator(side), panel.classes, 25).points.pca
    np.testing.assert_allclose(xy(panel, KINDS[side]), expected)


def test_each_generator_has_its_own_symbol(panel):
    symbols = [panel.map.trace(kind, "pca").marker.symbol for kind in KINDS.values()]
    assert symbols[0] != symbols[1]


def test_choosing_another_generator_moves_its_points_alone(panel):
    first = xy(panel, "synthesized").copy()
    second = xy(panel, "synthesized 2").copy()
    panel.set(second="ridge-Gaussian")
    np.testing.assert_array_equal(xy(panel, "synthesized"), first)
    assert not np.allclose(xy(panel, "synthesized 2"), second)


def test_the_same_generator_on_both_sides_does_not_differ(panel):
    panel.set(second=panel.settings["first"])
    panel.wait()
    assert (panel.table["difference"] == 0).all()
    assert "no difference beyond chance" in panel.sentence.value


def test_a_lasso_is_counted_on_each_side_and_marked_through_both_lenses(panel):
    panel.set(classes=("Q", "M"))
    numbers = {"first": [0, 26], "second": [1, 2, 49]}
    panel.map.selected({KINDS[side]: which for side, which in numbers.items()})
    said = Page(panel.gallery.value).said
    assert "2 synthesized by the first points selected: M 1, Q 1" in said
    assert "3 synthesized by the second points selected: M 1, Q 2" in said
    for side, which in numbers.items():
        for lens in ("pca", "umap"):
            assert panel.map.trace(KINDS[side], lens).selectedpoints == tuple(which)


@pytest.mark.parametrize("side", ["first", "second"])
def test_pointing_at_a_point_of_a_side_shows_its_card(panel, side):
    panel.set(classes=("Q", "M"))
    panel.map.pointed(KINDS[side], [30])
    page = Page(panel.card.value)
    assert f"M, synthesized by the {side}, unseen class" in page.said
    assert page.tag_names.count("img") == 2
    np.testing.assert_allclose(xy(panel, "ring")[-1], xy(panel, KINDS[side])[30], atol=1e-5)


def test_arrows_lead_from_the_middle_of_the_first_to_that_of_the_second(panel):
    panel.set(classes=("Q", "M"))
    sides = [panel.synthesized[side].points for side in ("first", "second")]
    middles = [points.of(panel.classes[0]).pca.mean(axis=0) for points in sides]
    np.testing.assert_allclose(xy(panel, "moved")[:2], middles)
    panel.set(prototypes=False)
    assert len(xy(panel, "moved")) == 0


@pytest.mark.parametrize(
    "settings",
    [{}, {"temperature": 0.5, "second": "ridge-Gaussian", "first": "GSMFlow minus ridge start"}],
)
def test_the_code_of_the_view_makes_the_same_table(panel, settings):
    panel.set(**settings)
    panel.wait()
    names: dict = {}
    exec(panel.code(), names)
    features = names["synthesized_first"].features
    differences = names["table"]["difference"]
    np.testing.assert_allclose(features, panel.synthesized["first"].features, rtol=0, atol=1e-4)
    np.testing.assert_allclose(differences, panel.table["difference"], atol=1e-5)


def test_the_page_says_every_difference(panel):
    panel.wait()
    spread = panel.table[panel.table["metric"] == "spread"]
    for value in spread["difference"]:
        assert f"{value:+.2f}" in panel.page_table.value


def test_moves_leave_no_widgets_behind(panel):
    live = live_widgets()
    before = len(live)
    for seed in range(1, 15):
        second = "GSMFlow" if seed % 2 else "ridge-Gaussian"
        panel.set(seed=seed, second=second)
    panel.wait()
    assert len(live) == before


def test_one_generator_alone_is_refused(make_dataset, monkeypatch):
    dataset = make_dataset()
    monkeypatch.setattr(Scene, "oracle", None)
    with pytest.raises(ConfigError, match="at least 2 generators"):
        compare(dataset, {"ridge-Gaussian": RidgeGaussian.fit(dataset)})


def test_its_still_has_both_generators_and_the_recipe(panel):
    figure = panel.still()
    assert len(figure.subfigs) == 2
    assert "neighbours" in figure._supxlabel.get_text()


def test_real_features_have_no_temperature_and_the_panel_says_so(panel):
    panel.set(first="real features", temperature=0.5)
    assert "have no temperature" in panel.tools.line.value


def test_where_synthesizing_fails_the_real_points_in_colour_stay(panel):
    before = xy(panel, "real").copy()
    panel.set(first="real features", temperature=0.5, classes=("Q",))
    panel.map.draw()
    np.testing.assert_array_equal(xy(panel, "real"), before)


def test_where_a_move_is_refused_no_measurement_is_said_of_others(panel):
    panel.set(first="ridge-Gaussian", second="real features")
    # Refused, before that measurement is done:
    panel.set(classes=(), first="GSMFlow", second="GSMFlow minus semantics")
    panel.wait()
    assert "choose at least one class" in panel.tools.line.value
    assert "GSMFlow minus semantics" not in panel.sentence.value
    assert not any("minus+semantics" in state for state in panel.log.get("state", []))
    assert "first: ridge-Gaussian, second: real features" in panel.caption  # as is shown
