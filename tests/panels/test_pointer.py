"""The picture beside the pointer is that of the point, made for that one alone."""

from dataclasses import replace

import numpy as np
import pytest
from explorers import LETTERS
from pages import Page

pytestmark = pytest.mark.usefixtures("no_layout")


@pytest.fixture
def panel(explorer):
    explorer.set(classes=LETTERS, samples=10)
    return explorer


def test_pointing_at_a_synthesized_point_shows_it_beside_its_nearest_real_one(panel):
    panel.map.pointed("synthesized", [25])
    page = Page(panel.pointer.content)
    assert panel.pointer.about == "synthesized 25"
    assert "I, synthesized, unseen class" in page.said
    assert page.tag_names.count("img") == 2


def test_pointing_at_a_grey_point_shows_it_alone(panel):
    panel.map.pointed("context", [0])
    number = int(panel.map.trace("context", "pca").customdata[0])
    assert panel.pointer.about == f"real {number}"
    assert Page(panel.pointer.content).tag_names.count("img") == 1


def test_the_page_knows_each_point_by_the_same_words(panel):
    for part, kind in (("context", "real"), ("real", "real"), ("synthesized", "synthesized")):
        for lens in ("pca", "umap"):
            assert panel.map.trace(part, lens).name == kind


def test_plotly_shows_no_tooltip_of_its_own_but_tells_of_points(panel):
    for part in ("context", "real", "synthesized"):
        trace = panel.map.trace(part, "umap")
        assert (trace.hoverinfo, trace.hovertemplate) == ("none", None)
        assert len(trace.text) == len(trace.x)  # the pointer's first words


def test_after_a_move_of_a_slider_nothing_older_is_shown(panel):
    panel.map.pointed("synthesized", [25])
    panel.set(variance=0.5)
    assert panel.pointer.about == ""


def test_only_the_point_itself_and_its_nearest_real_one_are_decoded(panel, monkeypatch):
    decoded = []
    decode = panel.scene.dataset.decode

    def counting(features):
        decoded.append(len(features))
        return decode(features)

    dataset = replace(panel.scene.dataset, decode=counting)
    monkeypatch.setattr(panel, "scene", replace(panel.scene, dataset=dataset))
    panel.map.pointed("synthesized", [25])
    assert sum(decoded) <= 4  # for the pointer, and for the card


def test_where_features_have_no_pictures_there_are_words(explore_own, make_dataset):
    panel = explore_own(make_dataset(rows=40, class_names=["a", "b", "<i>c</i>", "d", "e", "f"]))
    panel.set(classes=("<i>c</i>",))
    panel.map.pointed("synthesized", [0])
    page = Page(panel.pointer.content)
    assert "<i>c</i>, synthesized" in page.said
    assert set(page.tag_names) == {"br"}
    assert panel.pointer.content[:3] == "&lt"


def test_walking_by_key_shows_nothing_at_the_pointer(panel):
    panel.pointer.forget()
    panel.walk.value = 12
    assert panel.pointer.about == ""
    assert "B, synthesized" in Page(panel.card.value).said


def test_a_decoder_that_fails_is_said_in_words(panel, monkeypatch):
    def broken(features):
        raise RuntimeError("no ink")

    dataset = replace(panel.scene.dataset, decode=broken)
    monkeypatch.setattr(panel, "scene", replace(panel.scene, dataset=dataset))
    panel.map.pointed("synthesized", [5])
    assert "no ink" in Page(panel.tools.line.value).said
    assert np.isfinite(panel.map.trace("ring", "pca").x).all()


def test_a_double_click_clears_what_is_selected_though_plotly_s_own_message_may_be_lost(panel):
    panel.select({"synthesized": np.arange(3)})
    panel.pointer._handle_custom_msg({"cleared": True}, [])
    assert panel.selection().empty
    assert panel.gallery.value == ""


def test_what_a_lasso_has_found_is_taken_over_where_plotly_s_own_message_was_lost(panel):
    parts = [panel.map.trace(part, "umap") for part in ("real", "synthesized")]
    numbers = [panel.map.figure.data.index(trace) for trace in parts]
    inside = {str(numbers[0]): [2], str(numbers[1]): [0, 5]}
    panel.pointer._handle_custom_msg({"inside": inside}, [])
    table = panel.selection()
    assert sorted(table["origin"]) == ["real", "synthesized", "synthesized"]
    assert table["row"].max() == panel.scene.rows[int(parts[0].customdata[2])]
    told = []
    panel.map.on_select = told.append
    panel.pointer._handle_custom_msg({"inside": inside}, [])
    assert told == []  # these points are marked already
    panel.select({})
    panel.pointer._handle_custom_msg({"inside": inside}, [])
    assert len(told) == 1


@pytest.mark.parametrize("moved", [{}, {"variance": 0.5}])
def test_reset_clears_the_selection_and_looks_at_the_first_point(explorer, moved):
    panel = explorer
    panel.set(**moved)
    panel.select({"synthesized": np.arange(3)})
    panel.walk.value = 7
    panel.reset()
    assert panel.selection().empty
    assert panel.walk.value == 0
