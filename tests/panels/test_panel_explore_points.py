"""Looking at points in the shift explorer: cards, galleries, rings; names from files are text."""

import re
from dataclasses import replace

import numpy as np
import pytest
from explorers import LETTERS, xy
from pages import Page

from gsmflow_lite import RidgeGaussian
from gsmflow_lite.panels.point_cards import point_card

HOSTILE = '<b>x</b>"><script>alert(1)</script>'
OUR_TAGS = {
    *("p", "br", "table", "caption", "thead", "tbody", "tr", "th", "td", "span", "img", "pre"),
}

pytestmark = pytest.mark.usefixtures("no_layout")


# --- One point -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 17, 39])
def test_a_card_has_the_synthesized_point_and_its_nearest_real_one_by_a_search_through_all(
    explorer, number
):
    explorer.set(classes=LETTERS, samples=10)
    explorer.look_at("synthesized", number)
    dataset = explorer.scene.dataset
    rows = explorer.scene.rows
    real = dataset.decode(dataset.features[rows]).reshape(len(rows), -1)
    pixels = dataset.decode(explorer.synthesized.features[[number]]).reshape(-1)
    place = int(np.square(real - pixels).sum(1).argmin())
    nearest = dataset.class_names[dataset.labels[rows[place]]]

    page = Page(explorer.card.value)
    assert f"{LETTERS[number // 10]}, synthesized" in page.said
    assert f"nearest real point: {nearest}, row {rows[place]}" in page.said
    assert page.tag_names.count("img") == 2
    rings = [explorer.scene.real.pca[place], xy(explorer, "synthesized")[number]]
    np.testing.assert_allclose(xy(explorer, "ring"), rings, atol=1e-5)


@pytest.mark.parametrize("place", [0, -1])
def test_the_card_of_a_real_point_has_its_class_and_status(explorer, place):
    dataset = explorer.scene.dataset
    rows = explorer.scene.rows
    number = range(len(rows))[place]
    explorer.look_at("real", number)
    k = dataset.labels[rows[number]]
    status = "unseen" if k in dataset.unseen_classes else "seen"
    page = Page(explorer.card.value)
    assert f"{dataset.class_names[k]}, real, {status} class" in page.said
    assert page.tag_names.count("img") == 1
    np.testing.assert_allclose(xy(explorer, "ring"), explorer.scene.real.pca[[number]], atol=1e-5)


@pytest.mark.parametrize("hidden", ["Q", "layer synthesized"])
def test_a_point_that_the_map_does_not_show_has_no_ring(explorer, hidden):
    explorer.set(classes=("A", "Q"), samples=10)
    explorer.look_at("synthesized", 12)
    assert len(xy(explorer, "ring")) == 2
    explorer.set(hidden=(hidden,))
    assert len(xy(explorer, "ring")) == 0
    explorer.look_at("synthesized", 13)
    assert len(xy(explorer, "ring")) == 0
    explorer.set(hidden=())
    assert len(xy(explorer, "ring")) == 2


def test_points_of_both_kinds_are_counted_in_one_line_first(explorer):
    explorer.set(classes=("A", "Q"), samples=10)
    explorer.select({"real": np.arange(30), "synthesized": np.arange(7)})
    assert Page(explorer.gallery.value).said.startswith("Selected: 30 real and 7 synthesized")
    explorer.select({"real": np.arange(30)})
    assert "Selected" not in Page(explorer.gallery.value).said


@pytest.mark.parametrize(
    ("kind", "number"), [("synthesized", 10**6), ("synthesized", -1), ("real", 10**6)]
)
def test_a_point_that_is_not_there_leaves_the_card(explorer, kind, number):
    explorer.look_at("synthesized", 3)
    before = explorer.card.value
    explorer.look_at(kind, number)
    assert explorer.card.value == before


def test_points_can_be_walked_through_without_a_pointer(explorer):
    explorer.set(classes=("A", "Q"), samples=10)
    assert explorer.walk.max == 19
    explorer.walk.value = 12
    assert "Q, synthesized" in Page(explorer.card.value).said


def test_pointing_at_a_synthesized_point_shows_its_card(explorer):
    explorer.set(classes=LETTERS, samples=10)
    explorer.map.pointed("synthesized", [25])
    assert "I, synthesized" in Page(explorer.card.value).said


def test_pointing_at_a_grey_point_shows_its_card(explorer):
    explorer.set(classes=LETTERS, samples=10)
    explorer.map.pointed("context", [0])
    labels = explorer.scene.real.labels
    number = np.flatnonzero(~np.isin(labels, explorer.classes))[0]
    name = explorer.scene.dataset.class_names[labels[number]]
    assert f"{name}, real" in Page(explorer.card.value).said


def test_the_card_follows_the_picture(explorer):
    explorer.set(classes=LETTERS, samples=10)
    explorer.wait()
    explorer.look_at("synthesized", 29)
    explorer.set(classes=LETTERS[:1], seed=3)
    explorer.wait()
    last = point_card(explorer.scene, explorer.synthesized, 9, origin="synthesized")  # of ten now
    assert explorer.card.value == last


# --- Several points --------------------------------------------------------------------------


def test_a_selection_is_counted_class_by_class(explorer):
    explorer.set(classes=LETTERS, samples=10)
    explorer.map.selected({"synthesized": [0, 1, 2, 15, 39]})
    page = Page(explorer.gallery.value)
    assert "5 synthesized points selected: A 3, B 1, Q 1" in page.said
    assert page.tag_names.count("img") == 1


def test_what_is_read_off_a_selection_is_the_mean_of_its_points(explorer):
    explorer.set(classes=("Q",), samples=10)
    explorer.select({"synthesized": np.array([2, 5, 6])})
    dataset = explorer.scene.dataset
    readout = explorer.scene.readout
    features = explorer.synthesized.features
    read = np.mean([readout.read(features[i]) for i in (2, 5, 6)], axis=0)
    asked = readout.standardise(dataset.attributes[explorer.classes[0]])
    first = int(np.abs(asked).argmax())

    line = r"<tbody><tr><th[^>]*>(.*?)</th><td>(.*?)</td><td>(.*?)</td>"
    name, asked_text, read_text = re.search(line, explorer.gallery.value).groups()
    assert name == dataset.attribute_names[first]
    assert asked_text == f"{asked[first]:+.1f}"
    assert read_text == f"{read[first]:+.1f}"


def test_a_selection_is_shown_as_its_points_are_after_a_move_of_a_slider(explorer):
    explorer.set(classes=LETTERS, samples=10)
    explorer.map.selected({"synthesized": [3, 12], "real": [0]})
    before = explorer.gallery.value
    explorer.set(variance=0.5)
    after = explorer.gallery.value
    assert Page(after).said != Page(before).said  # what is read off them is another number
    assert "2 synthesized points selected: A 1, B 1" in Page(after).said
    assert explorer.map.trace("synthesized", "umap").selectedpoints == (3, 12)


@pytest.mark.parametrize("change", [{"classes": LETTERS[:2]}, {"samples": 15}])
def test_a_selection_ends_where_other_points_take_the_places(explorer, change):
    explorer.set(classes=LETTERS, samples=10)
    explorer.map.selected({"synthesized": [3, 12], "real": [0]})
    explorer.set(**change)
    assert explorer.gallery.value == ""
    assert explorer.selection().empty
    assert explorer.map.trace("synthesized", "pca").selectedpoints is None
    assert explorer.map.trace("real", "umap").selectedpoints is None


def test_a_selection_is_a_table_of_its_points(explorer):
    explorer.set(classes=LETTERS, samples=10)
    explorer.select({"real": np.array([7]), "synthesized": np.array([12])})
    table = explorer.selection()
    dataset = explorer.scene.dataset
    row = explorer.scene.rows[7]
    assert table["class"].tolist() == [dataset.class_names[dataset.labels[row]], "B"]
    assert table["origin"].tolist() == ["real", "synthesized"]
    assert table["row"].tolist() == [row, -1]
    assert table["pca_x"].iloc[1] == xy(explorer, "synthesized")[12, 0]
    assert table["umap_y"].iloc[1] == xy(explorer, "synthesized", "umap")[12, 1]


def test_the_slider_follows_the_point_that_is_looked_at(explorer):
    explorer.set(classes=LETTERS, samples=10)
    explorer.map.pointed("synthesized", [25])
    assert explorer.walk.value == 25
    explorer.walk.value = 26
    assert explorer._looked_at == ("synthesized", 26)


@pytest.mark.parametrize(
    ("settings", "off"),
    [
        ({}, set()),
        ({"generator": "ridge-Gaussian"}, {"semantics", "positioning", "perturbation", "start"}),
        ({"semantics": False}, {"positioning"}),
    ],
)
def test_switches_that_change_nothing_are_disabled(explorer, settings, off):
    explorer.set(**settings)
    names = ("semantics", "positioning", "perturbation", "start")
    assert {name for name in names if explorer.controls[name].disabled} == off


# --- Names from files ------------------------------------------------------------------------


@pytest.fixture
def hostile(explore_own, make_dataset):
    """An explorer of data whose every name is markup, with all its views filled."""
    names = [HOSTILE, "$x$", "%{y}", "<i>three</i>", "<img src=x onerror=alert(1)>", "</td><td>"]
    dataset = make_dataset(
        rows=40,
        class_names=names,
        attribute_names=[f"<u>{k}</u>" for k in range(5)],
        name="<s>data</s>",
    )
    dataset = replace(dataset, decode=lambda x: np.zeros((len(x), 4, 4)))
    panel = explore_own(dataset, {"<em>mine</em>": RidgeGaussian.fit(dataset)})
    panel.set(classes=tuple(names))
    panel.wait()
    panel.look_at("synthesized", 0)
    panel.select({"synthesized": np.arange(75)})
    panel.tools.show.value = True
    return panel


def test_hostile_names_are_text_on_the_page(hostile):
    views = (hostile.card, hostile.table, hostile.gallery, hostile.sentence, hostile.tools.code)
    for view in views:
        page = Page(view.value)
        assert set(page.tag_names) <= OUR_TAGS
        assert not any("onerror" in attributes for _, attributes in page.tags)
    assert HOSTILE[:20] in Page(hostile.table.value).said
    assert "<u>" in Page(hostile.card.value).said


def test_hostile_names_are_text_on_the_map(hostile):
    hostile.map.show_real(hostile.scene.real, [0, 1, 2], hostile.real_texts(), {})
    traces = [trace for trace in hostile.map.figure.data if trace.text is not None]
    texts = [text for trace in traces for text in trace.text]
    assert len(texts) > 400
    for text in texts:
        inside = text.replace("<b>", "").replace("</b>", "").replace("<br>", "")
        assert not re.search(r"[<$]|%\{", inside), text


def test_two_classes_of_one_name_are_told_apart(explore_own, make_dataset):
    dataset = make_dataset(rows=40, class_names=["a", "b", "twin", "c", "d", "twin"])
    panel = explore_own(dataset).wait()
    assert panel.settings["classes"] == ("d", "twin (class 5)")
    assert len(re.findall("<tr>", panel.table.value)) == 4
    panel.set(classes=("twin (class 2)",))
    panel.wait()
    assert panel.classes == [2]
    panel.ranked.value = "twin (class 5)"
    assert panel.classes == [2, 5]


def test_two_classes_of_one_name_are_told_apart_in_every_text(explore_own, make_dataset):
    dataset = make_dataset(rows=40, class_names=["a", "b", "twin", "c", "d", "twin"])
    panel = explore_own(dataset).wait()
    panel.set(classes=("twin (class 2)",))
    panel.look_at("synthesized", 0)
    panel.select({"synthesized": np.arange(3)})
    assert "twin (class 2), synthesized" in Page(panel.card.value).said
    assert "selected: twin (class 2) 3" in Page(panel.gallery.value).said
    assert panel.map.trace("synthesized", "pca").text[0].startswith("<b>twin (class 2)</b>")
