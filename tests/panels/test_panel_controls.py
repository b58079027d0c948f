"""Controls follow, keep whole numbers whole, and show names as text; a search keeps the choice."""

import ipywidgets as widgets
import pytest

from gsmflow_lite.panels.controls import (
    Chooser,
    button,
    choice,
    heading,
    label,
    rows,
    slider,
    switch,
)
from gsmflow_lite.panels.explore import explore
from gsmflow_lite.panels.hints import Hints
from gsmflow_lite.panels.stage import CLOSED, Groups, placed, text_in

NAMES = ("Black_footed_Albatross", "Cardinal", "cardamom", "<b>bold</b>", "$x^2$\nline", "a&b=c?")


@pytest.fixture
def chooser():
    return Chooser("classes", NAMES, ["Cardinal"])


def names(chooser) -> list[str]:
    return [name for _, name in chooser.list.options]


def test_a_slider_of_whole_numbers_gives_whole_numbers():
    assert isinstance(slider("n", 3, 1, 9, 1, ""), widgets.IntSlider)
    assert isinstance(slider("n", 3, 1, 9, 0.5, ""), widgets.FloatSlider)


def test_a_slider_is_followed_while_it_moves_unless_told_otherwise():
    assert slider("n", 3, 1, 9, 1, "").continuous_update
    assert not slider("n", 3, 1, 9, 1, "", live=False).continuous_update


def test_every_control_says_what_it_does():
    for control in (
        slider("a", 1, 0, 2, 1, "why"),
        switch("a", True, "why"),
        choice("a", ["x"], "x", "why"),
    ):
        assert (control.description, control.tooltip) == ("a", "why")


def test_a_label_is_one_line_without_mathematics():
    assert "$" not in label("$x$")
    assert "\\(" not in label(r"\(x\) \[y\]")
    assert label("a\n b\tc") == "a b c"


def test_labels_never_become_markup():
    for control in (
        switch("<b>", True, ""),
        choice("<b>", ["x"], "x", ""),
        slider("<b>", 1, 0, 2, 1, ""),
    ):
        assert control.description_allow_html is False


def test_the_search_shows_names_that_contain_it_in_any_case(chooser):
    chooser.value = ()
    chooser.search.value = "CARD"
    assert names(chooser) == ["Cardinal", "cardamom"]


def test_what_is_chosen_stays_in_the_list_whatever_is_searched_for(chooser):
    chooser.search.value = "albatross"
    assert chooser.value == ("Cardinal",)
    assert names(chooser) == ["Cardinal", "Black_footed_Albatross"]


def test_searching_is_no_change_of_the_choice(chooser):
    heard = []
    chooser.observe(lambda change: heard.append(chooser.value))
    for search in ("albatross", "zzz", ""):
        chooser.search.value = search
    assert heard == []


def test_a_click_in_the_list_is_told_once(chooser):
    heard = []
    chooser.observe(lambda change: heard.append(chooser.value))
    chooser.list.value = ("Cardinal", "cardamom")
    assert heard == [("Cardinal", "cardamom")]


def test_a_choice_by_value_is_told_once_and_the_same_again_not_at_all(chooser):
    heard = []
    chooser.observe(lambda change: heard.append(chooser.value))
    chooser.value = ("cardamom", "a&b=c?")
    chooser.value = ("cardamom", "a&b=c?")
    assert heard == [("cardamom", "a&b=c?")]


def test_a_name_can_be_chosen_that_the_search_does_not_show(chooser):
    chooser.search.value = "zzz"
    chooser.value = ("cardamom",)
    assert (chooser.value, names(chooser)) == (("cardamom",), ["cardamom"])


def test_a_name_that_is_none_is_refused_and_the_choice_stays(chooser):
    with pytest.raises(ValueError, match="there is no class 'dodo'"):
        chooser.value = ("cardamom", "dodo")
    assert chooser.value == ("Cardinal",)


def test_hostile_names_are_labels_of_text_and_come_back_as_they_are(chooser):
    chooser.value = NAMES[3:]
    assert chooser.value == NAMES[3:]
    labels = dict((name, text) for text, name in chooser.list.options)
    assert labels["<b>bold</b>"] == "<b>bold</b>"  # an option of a list is text, not markup
    assert all("$" not in text and "\n" not in text for text in labels.values())


def test_names_with_one_label_stay_two_names():
    long = [f"{'x' * 40}{i}" for i in range(2)]
    chooser = Chooser("classes", long, [])
    chooser.value = (long[1],)
    assert chooser.value == (long[1],)


# --- Sliders ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "step", "by_itself", "by_hand"),
    [(1 / 3, 0.05, 0.333333, 0.4), (0.05, 0.05, 0.05, 0.1), (7, 5, 7, 10), (20, 5, 20, 15)],
)
def test_a_slider_is_moved_by_a_hand_alone(value, step, by_itself, by_hand):
    made = slider("dose", value, 0 if step == 5 else 0.0, 20 if step == 5 else 2.0, step, "")
    heard = []
    made.observe(lambda change: heard.append(change["new"]), names="value")
    made.set_state({"value": by_itself})  # the page puts it onto a step
    assert made.value == value
    made.set_state({"value": by_hand})
    assert heard == [by_hand]
    made.close()


# --- Tooltips ---------------------------------------------------------------------------------


def test_the_page_is_told_what_each_control_is_for_also_later():
    hints = Hints()
    one = switch("a", True, "what a does")
    two = choice("b", ["x"], "x", "what b does")
    push = button("c", "stop", "a button shows it itself", list)
    hints.follow([heading("all"), *rows([one, two, push])])
    assert list(hints.texts.values()) == ["what a does", "what b does"]
    classes = [name for control in (one, two) for name in control._dom_classes]
    assert list(hints.texts) == classes
    two.tooltip = "another thing"
    assert list(hints.texts.values()) == ["what a does", "another thing"]


# --- Groups and areas -------------------------------------------------------------------------


def seen(groups: Groups) -> list[str]:
    return [title for title, box in groups.boxes.items() if box.layout.display != "none"]


def opened(groups: Groups) -> list[str]:
    return [title for title, box in groups.boxes.items() if CLOSED not in box._dom_classes]


def test_each_heading_begins_a_group_and_one_of_them_is_open():
    a, b, c = (switch(text, True, "") for text in "abc")
    groups = Groups([heading("One thing", "One"), a, heading("Two"), *rows([b, c])])
    assert [len(box.children) for box in groups.boxes.values()] == [1, 1]
    assert list(groups.tabs.options) == ["One", "Two"]
    assert list(groups.tabs.tooltips) == ["One thing", "Two"]
    assert opened(groups) == ["One"]
    groups.open("Two")
    assert opened(groups) == ["Two"]


def test_a_group_stays_as_long_as_one_control_in_it_can_be_seen():
    a, b, c = (switch(text, True, "") for text in "abc")
    first = [heading("one"), widgets.HTML("about a"), a]
    groups = Groups([*first, heading("the second", "two"), *rows([b, c]), heading("three"), c])
    a.layout.display = b.layout.display = "none"
    groups.hide_empty()
    assert seen(groups) == list(groups.tabs.options) == ["two", "three"]
    assert list(groups.tabs.tooltips) == ["the second", "three"]
    assert opened(groups) == ["two"]  # the one that was open is gone
    groups.open("three")
    a.layout.display = None
    groups.hide_empty()
    assert seen(groups) == ["one", "two", "three"]
    assert opened(groups) == ["three"]
    for one in (a, b, c):
        one.layout.display = "none"
    groups.hide_empty()
    assert seen(groups) == []
    assert groups.tabs.layout.display == "none"


def test_what_a_panel_hides_takes_its_group_along():
    hidden = ["temperature", "samples", "seed", "generator"]
    panel = explore(hide=hidden, name="groups")
    groups = panel.tools.groups
    panel.close()
    assert "Generator" not in seen(groups)
    assert {"Classes", "Training", "Shifts", "Share"} <= set(seen(groups))


def test_views_stand_in_their_areas_in_the_order_in_which_they_are_read():
    kinds = ["card", "other", "map", "under", "meters", "words"]
    parts = {kind: text_in(kind) for kind in kinds}
    second = text_in("map")
    groups = Groups([heading("one"), switch("a", True, "")])
    left, tour, words, picture, side, rest = placed(groups, [*parts.values(), second])
    assert left.children[0] is groups.widget
    assert left.children[1].children == (parts["under"],)
    assert tour.layout.display == "none"
    assert words.children == (parts["words"],)
    assert picture.children == (parts["map"], second)
    assert [box.children for box in side.children] == [(parts["meters"],), (parts["card"],)]
    assert rest.children == (parts["other"],)
