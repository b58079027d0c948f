"""Two generators on one map, without a browser: set a value, read the figure's arrays."""

import ipywidgets
import numpy as np
import pytest

from gsmflow_lite import ConfigError, RidgeGaussian
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.panels import compare


@pytest.fixture(scope="module")
def panel():
    one = compare(name="compare in tests").wait()
    yield one
    one.close()


@pytest.fixture(autouse=True)
def fresh(panel):
    panel.reset()
    panel.wait()


def test_each_generator_has_its_own_symbol_and_points(panel):
    first, second = (panel.map.trace(kind, "pca") for kind in ("synthesized", "synthesized 2"))
    assert first.marker.symbol != second.marker.symbol
    for trace, side in ((first, "first"), (second, "second")):
        made = panel.scene.ask(panel.generator(side), panel.classes, 25).points.pca
        np.testing.assert_allclose(np.column_stack([trace.x, trace.y]), made)


def test_choosing_another_generator_moves_its_points_alone(panel):
    before = (
        np.array(panel.map.trace("synthesized", "pca").x),
        np.array(panel.map.trace("synthesized 2", "pca").x),
    )
    panel.set(second="ridge-Gaussian")
    np.testing.assert_array_equal(panel.map.trace("synthesized", "pca").x, before[0])
    assert not np.allclose(panel.map.trace("synthesized 2", "pca").x, before[1])


def test_the_same_generator_on_both_sides_does_not_differ(panel):
    panel.set(second=panel.settings["first"])
    panel.wait()
    assert (panel.table["difference"] == 0).all()
    assert "no difference beyond chance" in panel._sentence.value


def test_arrows_lead_from_the_middle_of_the_first_to_that_of_the_second(panel):
    panel.set(classes=("Q", "M"))
    arrows = panel.map.trace("moved", "pca")
    ends = [panel.synthesized[side].points for side in ("first", "second")]
    wanted = [np.mean(points.pca[points.labels == panel.classes[0]], axis=0) for points in ends]
    np.testing.assert_allclose(np.column_stack([arrows.x, arrows.y])[:2], wanted)
    panel.set(prototypes=False)
    assert len(panel.map.trace("moved", "pca").x) == 0


@pytest.mark.parametrize(
    "settings",
    [{}, {"temperature": 0.5, "second": "ridge-Gaussian", "first": "GSMFlow on a ridge start"}],
)
def test_the_code_of_the_view_makes_the_same_table(panel, settings):
    panel.set(**settings)
    panel.wait()
    names: dict = {}
    exec(panel.code(), names)
    np.testing.assert_allclose(
        names["synthesized_first"].features, panel.synthesized["first"].features, rtol=0, atol=1e-4
    )
    np.testing.assert_allclose(names["table"]["difference"], panel.table["difference"], atol=1e-5)


def test_the_page_says_every_difference(panel):
    panel.wait()
    for value in panel.table[panel.table["metric"] == "spread"]["difference"]:
        assert f"{value:+.2f}" in panel._table.value


def test_moves_leave_no_widgets_behind(panel):
    live = ipywidgets.widgets.widget._instances
    before = len(live)
    for seed in range(1, 15):
        panel.set(seed=seed, second=("ridge-Gaussian", "GSMFlow")[seed % 2])
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
    assert "have no temperature" in panel._frame.line.value


def test_where_imagining_fails_the_real_points_in_colour_stay(panel):
    before = list(panel.map.trace("real", "pca").x)
    panel.set(first="real features", temperature=0.5, classes=("Q",))
    panel.map.draw()
    assert list(panel.map.trace("real", "pca").x) == before


def test_where_a_move_is_refused_no_measurement_is_said_of_others(panel):
    panel.set(first="ridge-Gaussian", second="real features")
    panel.set(classes=())  # refused, before that measurement is done
    panel.set(first="GSMFlow", second="GSMFlow minus semantics")
    panel.wait()
    assert "choose at least one class" in panel._frame.line.value
    assert "GSMFlow minus semantics" not in panel._sentence.value
    assert not any("minus" in state for state in panel.log.get("state", []))
    assert "first: ridge-Gaussian, second: real features" in panel.caption  # as is shown
