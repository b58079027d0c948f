"""How the map looks is a setting, and changes nothing of what is synthesized or measured."""

import numpy as np
import pytest
from explorers import LETTERS, xy
from traitlets import TraitError

from gsmflow_lite.errors import ConfigError
from gsmflow_lite.figures.looks import VIRIDIS
from gsmflow_lite.figures.style import MIDDLE_GREY
from gsmflow_lite.panels.legend import Legend

pytestmark = pytest.mark.usefixtures("no_layout")

LOOKS = {
    "size": 2.0,
    "opacity": 0.5,
    "layers": "both",
    "colour": "distance",
    "hidden": ("layer others", "Q"),
    "ellipses": True,
}


def shapes(panel) -> list[dict]:
    return panel.map.figure.to_dict()["layout"].get("shapes", [])


def names(panel, lens: str = "") -> set[str]:
    """The class names that stand on the map of a lens: "" or "2"."""
    notes = panel.map.figure.to_dict()["layout"]["annotations"]
    named = [note for note in notes if note["text"].startswith("<b>")]
    return {note["text"][3:-4] for note in named if note["xref"] == f"x{lens}"}


def drawn(panel, part: str) -> int:
    counts = {len(xy(panel, part, lens)) for lens in ("pca", "umap")}
    assert len(counts) == 1
    return counts.pop()


@pytest.fixture
def panel(explorer):
    explorer.set(classes=LETTERS, samples=10)
    explorer.cancel()  # the meters are not looked at here
    return explorer


# --- They are settings like others, and of the view alone ------------------------------------


def test_looks_are_kept_in_the_state_and_undone(panel):
    before = panel.state()
    panel.set(**LOOKS)
    text = panel.state()
    panel.undo()
    assert panel.state() == before
    panel.restore(text)
    assert {key: panel.settings[key] for key in LOOKS} == LOOKS


def test_looks_neither_synthesize_nor_measure_nor_change_the_code(panel, monkeypatch):
    code, log, features = panel.code(), len(panel.log), panel.synthesized.features

    def fail(*arguments, **options):
        raise AssertionError("a look must not do this")

    monkeypatch.setattr(type(panel.scene), "ask", fail)
    monkeypatch.setattr(panel, "_measure", fail)
    for key, value in LOOKS.items():
        panel.set(**{key: value})
        assert panel.shown[key] == value
    assert panel.code() == code
    assert len(panel.log) == log
    assert panel.synthesized.features is features


def test_another_setting_after_a_look_synthesizes_anew(panel):
    panel.set(size=2.0)
    before = panel.synthesized.features
    panel.set(seed=3)
    assert not np.array_equal(panel.synthesized.features, before)
    assert panel.map.trace("synthesized", "pca").marker.size == 16


def test_size_and_opacity_are_times_the_usual_ones(panel):
    usual = {
        part: (panel.map.trace(part, "umap").marker.size, panel.map.trace(part, "umap").opacity)
        for part in ("context", "real", "synthesized")
    }
    panel.set(size=1.5, opacity=0.5)
    for part, (size, opacity) in usual.items():
        trace = panel.map.trace(part, "umap")
        assert trace.marker.size == pytest.approx(1.5 * size)
        assert trace.opacity == pytest.approx(0.5 * opacity)
    panel.set(opacity=1.6)
    assert panel.map.trace("synthesized", "pca").opacity == 1


# --- What is hidden --------------------------------------------------------------------------


def test_hidden_layers_are_gone_from_both_lenses_and_come_back(panel):
    for layer, part in (
        ("real", "real"),
        ("synthesized", "synthesized"),
        ("others", "context"),
        ("arrows", "moved"),
    ):
        count = drawn(panel, part)
        panel.set(hidden=(f"layer {layer}",))
        assert drawn(panel, part) == 0 < count
        panel.set(hidden=())
        assert drawn(panel, part) == count


def test_a_hidden_class_is_gone_with_its_name_and_its_arrow(panel):
    panel.set(hidden=("Q",))
    assert names(panel) == names(panel, "2") == set(LETTERS) - {"Q"}
    assert drawn(panel, "synthesized") == 30
    assert drawn(panel, "moved") == 9
    labels = panel.scene.real.labels
    others = [k for k, name in enumerate(panel.scene.dataset.class_names) if name in LETTERS]
    assert drawn(panel, "context") == (~np.isin(labels, others)).sum()


def test_pointing_finds_the_right_point_where_others_are_hidden(panel):
    heard = []
    panel.map.on_point, before = lambda *point: heard.append(point), panel.map.on_point
    panel.set(hidden=("A", "B"))
    panel.map.pointed("synthesized", [0])
    panel.map.on_point = before
    assert heard == [("synthesized", 20)]


def test_what_is_hidden_is_not_selected(panel):
    panel.map.selected({"synthesized": [3, 12, 35]})
    panel.set(hidden=("B",))
    assert panel.selection()["class"].tolist() == ["A", "Q"]
    assert "2 synthesized points selected: A 1, Q 1" in panel.gallery.value
    panel.set(hidden=("A", "B", "Q"))
    assert panel.selection().empty


def test_a_double_click_shows_a_class_alone_and_another_one_all(panel):
    number = str(panel.scene.dataset.class_names.index("I"))
    panel.set(hidden=("layer others",))
    panel.pointer._heard(None, {"alone": number}, [])  # on its name on the map
    assert names(panel) == {"I"}
    assert "layer others" in panel.settings["hidden"]
    panel.legend._heard(None, {"alone": "I"}, [])  # in the legend
    assert names(panel) == set(LETTERS)
    assert panel.settings["hidden"] == ("layer others",)


@pytest.mark.parametrize(
    "message", [{}, {"alone": 3}, {"alone": "no such"}, "alone", {"alone": "-1"}]
)
def test_messages_that_name_no_class_do_nothing(panel, message):
    panel.pointer._heard(None, message, [])
    panel.legend._heard(None, message, [])
    assert panel.settings["hidden"] == ()


def test_the_names_on_the_map_tell_the_page_which_class_they_are(panel):
    notes = panel.map.figure.to_dict()["layout"]["annotations"]
    for note in notes:
        if note["text"].startswith("<b>"):
            assert note["captureevents"]
            assert panel.scene.dataset.class_names[int(note["name"])] == note["text"][3:-4]


def test_nothing_that_is_not_on_the_map_can_be_hidden(panel):
    with pytest.raises(ConfigError, match="hidden cannot be 'no such'"):
        panel.set(hidden=("no such",))
    assert panel.settings["hidden"] == ()


def test_a_class_may_be_called_as_a_layer():
    legend = Legend({"real": ("real", "●")}, ["real", "fox"])
    legend.show([("real", "#000000"), ("fox", "#111111")], {})
    legend.alone("fox")
    assert legend.value == ("real",)
    assert legend.hidden_layers == frozenset()
    with pytest.raises(TraitError):
        legend.value = ("wolf",)
    legend.close()


# --- Contours --------------------------------------------------------------------------------


def test_contours_are_solid_for_real_and_dashed_for_synthesized_points(panel):
    panel.set(samples=50, layers="contours")
    assert drawn(panel, "real") == drawn(panel, "synthesized") == 0
    assert drawn(panel, "context") > 0
    by_look = {(one["line"]["color"], one["line"]["dash"], one["xref"]) for one in shapes(panel)}
    assert by_look == {
        (colour, dash, lens)
        for colour in panel.class_colours.values()
        for dash in ("solid", "dash")
        for lens in ("x", "x2")
    }
    panel.set(layers="both")
    assert drawn(panel, "real") > 0
    assert len(shapes(panel)) == len(by_look)
    panel.set(hidden=("Q", "layer synthesized"))
    assert len(shapes(panel)) == 2 * 3
    panel.set(layers="points")
    assert shapes(panel) == []


def test_contours_alone_need_no_key_of_colours(panel):
    panel.set(colour="distance", layers="both")
    assert panel.legend.key["ramp"] == VIRIDIS
    panel.set(layers="contours")
    assert panel.legend.key == {}


def test_contours_follow_the_points(panel):
    panel.set(samples=50, layers="contours", hidden=("layer real",))
    before = shapes(panel)
    panel.set(variance=0.5)
    assert len(shapes(panel)) == len(before)
    assert shapes(panel) != before


# --- What colours say ------------------------------------------------------------------------


def test_colour_by_distance_is_lightest_for_the_farthest_point(panel):
    panel.set(colour="distance")
    colours = np.array(panel.map.trace("synthesized", "pca").marker.color)
    far = panel.synthesized.far
    assert colours[far.argmax()] == VIRIDIS[-1]
    real = np.isin(panel.scene.real.labels, panel.classes)
    near = np.array(panel.map.trace("real", "umap").marker.color)
    assert near[panel.scene.real_far[real].argmin()] == VIRIDIS[0]
    assert panel.legend.key["text"] == "times the usual distance"
    assert {one["colour"] for one in panel.legend.classes} == {MIDDLE_GREY}
    panel.set(colour="class")
    assert panel.legend.key == {}
    assert set(panel.map.trace("real", "pca").marker.color) == set(panel.class_colours.values())


@pytest.mark.parametrize("how", ["described", "read"])
def test_colour_by_an_attribute_orders_the_points_by_it(panel, how):
    attribute = panel.scene.dataset.attribute_names[3]
    panel.set(colour=how, attribute=attribute)
    readout = panel.scene.readout
    labels = panel.synthesized.points.labels
    values = {
        "described": readout.standardise(panel.scene.dataset.attributes[labels]),
        "read": readout.read(panel.synthesized.features),
    }[how][:, 3]
    green = [int(colour[3:5], 16) for colour in panel.map.trace("synthesized", "pca").marker.color]
    assert (np.diff(np.array(green)[values.argsort()]) >= 0).all()
    assert panel.legend.key["text"].startswith(attribute)
    assert not panel.controls["attribute"].disabled


# --- Zoom, stills ----------------------------------------------------------------------------


def test_zoom_shows_the_selection_in_both_lenses_and_back_the_whole_map(panel):
    assert panel.zoom.disabled
    panel.map.selected({"synthesized": [3, 12]})
    assert not panel.zoom.disabled
    panel.zoom.click()
    layout = panel.map.figure.layout
    for lens, axis in (("pca", layout.xaxis), ("umap", layout.xaxis2)):
        low, high = axis.range
        inside = xy(panel, "synthesized", lens)[[3, 12], 0]
        assert low < inside.min() <= inside.max() < high
    panel.map.zoom({})
    assert layout.xaxis.autorange is True
    assert layout.yaxis2.autorange is True


def test_the_still_shows_the_looks(panel):
    before = [len(axes.collections) for axes in panel.still().axes]
    panel.set(hidden=("Q", "layer others"), colour="distance", layers="both", samples=50)
    still = panel.still()
    for axes, count in zip(still.axes, before, strict=True):
        assert len(axes.collections) == count - 3  # Q's real and synthesized points, and the grey
        assert {text.get_text() for text in axes.texts} - {""} == set(LETTERS) - {"Q"}
        assert len(axes.lines) == 2 * 3
    assert "times the usual distance" in still._supxlabel.get_text().replace("\n", " ")


def test_a_still_without_any_class_can_be_drawn(panel):
    panel.set(hidden=LETTERS)
    assert panel.still().axes
    assert panel.has_view
