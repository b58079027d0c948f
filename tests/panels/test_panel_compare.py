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


PLACES = {"first": "pca", "second": "umap"}  # what the map calls its left and its right half


def drawn(panel, side: str) -> np.ndarray:
    """Places of the synthesized points on the map of a side, (N, 2)."""
    return xy(panel, KINDS[side], PLACES[side])


@pytest.mark.parametrize("lens", ["pca", "umap"])
@pytest.mark.parametrize("side", ["first", "second"])
def test_each_generator_has_a_map_of_its_own_through_the_chosen_lens(panel, side, lens):
    panel.set(lens=lens)
    points = panel.scene.ask(panel.generator(side), panel.classes, 20).points
    np.testing.assert_allclose(drawn(panel, side), getattr(points, lens), rtol=1e-6)
    other = xy(panel, KINDS[side], next(one for one in PLACES.values() if one != PLACES[side]))
    assert np.isnan(other).all()


@pytest.mark.parametrize("lens", ["pca", "umap"])
def test_both_maps_have_the_same_real_points_axes_and_lens(panel, lens):
    panel.set(lens=lens)
    real = panel.scene.real
    expected = getattr(real, lens)[np.isin(real.labels, panel.classes)]
    for place in PLACES.values():
        np.testing.assert_allclose(xy(panel, "real", place), expected, rtol=1e-6)
    layout = panel.map.figure.layout
    assert (layout.xaxis2.matches, layout.yaxis2.matches) == ("x", "y")
    headings = [note.text for note in layout.annotations[:2]]
    assert [lens.upper() in heading for heading in headings] == [True, True]
    assert headings[0].startswith("GSMFlow")
    assert headings[1] != headings[0]


def test_each_generator_has_its_own_symbol(panel):
    symbols = [panel.map.trace(kind, "pca").marker.symbol for kind in KINDS.values()]
    assert symbols[0] != symbols[1]


def test_choosing_another_generator_moves_its_points_alone(panel):
    first = drawn(panel, "first").copy()
    second = drawn(panel, "second").copy()
    panel.set(second="ridge-Gaussian")
    np.testing.assert_array_equal(drawn(panel, "first"), first)
    assert not np.allclose(drawn(panel, "second"), second)


def test_the_same_generator_on_both_sides_does_not_differ(panel):
    panel.set(second=panel.settings["first"])
    panel.wait()
    assert (panel.table["difference"] == 0).all()
    assert "no difference beyond chance" in panel.sentence.value


def test_a_lasso_on_one_map_marks_the_same_noise_on_the_other(panel):
    panel.set(classes=("Q", "M"))
    panel.map.selected({"synthesized": [0, 21], "synthesized 2": [1, 39]})
    for side in KINDS:
        said = Page(panel.gallery.value).said
        assert f"4 synthesized by the {side} points selected: M 2, Q 2" in said
        assert panel.map.trace(KINDS[side], PLACES[side]).selectedpoints == (0, 1, 21, 39)
    table = panel.selection()
    assert list(table["origin"]) == [
        f"synthesized by the {side}" for side in KINDS for _ in range(4)
    ]
    points = panel.synthesized["second"].points
    np.testing.assert_allclose(table[["umap_x", "umap_y"]][4:], points.umap[[0, 1, 21, 39]])


def test_real_points_in_a_lasso_are_selected_alone(panel):
    panel.map.selected({"real": [3, 5]})
    assert set(panel.selection()["origin"]) == {"real"}
    assert panel.map.trace("synthesized", "pca").selectedpoints == ()


@pytest.mark.parametrize("side", ["first", "second"])
def test_pointing_at_a_point_of_a_side_shows_its_card(panel, side):
    panel.set(classes=("Q", "M"))
    panel.map.pointed(KINDS[side], [30])
    page = Page(panel.card.value)
    assert f"M, synthesized by the {side}, unseen class" in page.said
    assert page.tag_names.count("img") == 2
    for one, place in PLACES.items():  # the same noise, on both maps
        np.testing.assert_allclose(xy(panel, "ring", place)[-1], drawn(panel, one)[30], atol=1e-5)


def test_arrows_lead_from_the_middle_of_real_points_to_that_of_each_side(panel):
    panel.set(classes=("Q", "M"))
    k = panel.classes[0]
    start = panel.scene.real.of(k).pca.mean(axis=0)
    for side, place in PLACES.items():
        end = panel.synthesized[side].points.of(k).pca.mean(axis=0)
        np.testing.assert_allclose(xy(panel, "moved", place)[:2], [start, end], rtol=1e-6)
    panel.set(prototypes=False)
    assert len(xy(panel, "moved")) == 0


def test_pictures_of_the_same_noise_stand_beside_each_other_and_a_real_one(panel):
    panel.set(classes=("Q", "M"), second="ridge-Gaussian")
    rows = panel.picture_rows(panel.classes)
    decode = panel.scene.dataset.decode
    assert [row.number for row in rows] == panel.classes
    for i, row in enumerate(rows):
        for g, side in enumerate(KINDS):
            features = panel.synthesized[side].features[20 * i : 20 * i + 5]
            np.testing.assert_allclose(row.synthesized[:, g], decode(features), atol=1e-6)
    page = Page(panel.pairs.value)
    assert page.tag_names.count("img") == 2 * (1 + 1 + 5)  # real, what features keep of it, pairs
    assert "GSMFlow is on the left and ridge-Gaussian on the right" in page.said


def test_pictures_of_real_features_are_not_said_to_come_from_the_same_noise(panel):
    panel.set(second="real features")
    assert "same latent noise" not in panel.pairs.value
    assert "come from no noise" in panel.pairs.value


def test_many_classes_have_a_few_rows_of_pictures_and_the_rest_is_said(panel):
    names = panel.scene.dataset.unique_names
    panel.set(classes=tuple(names[:9]))
    assert Page(panel.pairs.value).tag_names.count("tr") == 1 + 6
    assert "3 more classes" in panel.pairs.value


@pytest.fixture
def own(make_dataset, no_layout):
    """Two generators of small data without pictures, whose map comes later."""
    opened = compare(make_dataset(rows=40), name="own", state="compare?lens=umap")
    yield opened
    opened.close()


def test_data_without_a_decoder_have_no_pictures(own):
    assert own.pairs.value == ""
    assert len(own.still().subfigs) == 2


def test_until_the_umap_map_is_made_pca_is_shown_and_the_heading_says_so(own):
    titles = [own.map.figure.layout.annotations[i].text for i in range(2)]
    assert all("PCA" in title and "is being made" in title for title in titles)
    own.wait()
    titles = [own.map.figure.layout.annotations[i].text for i in range(2)]
    assert all("UMAP" in title and "is being made" not in title for title in titles)
    expected = own.synthesized["first"].points.umap
    np.testing.assert_allclose(drawn(own, "first"), expected, rtol=1e-6)


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
    assert len(figure.subfigs) == 3  # two maps of each, and the pictures
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
