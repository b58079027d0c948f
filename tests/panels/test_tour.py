"""The tour says what to do, notices when it is done, and never stands in the way."""

import numpy as np
import pytest
from pages import Page

from gsmflow_lite.errors import ConfigError
from gsmflow_lite.panels.explore import explore
from gsmflow_lite.panels.map_panel import RIDGE_NAME
from gsmflow_lite.panels.tour import TOUR

pytestmark = pytest.mark.usefixtures("no_layout")


@pytest.fixture(scope="module")
def guided():
    panel = explore(tour=True, name="guided")
    yield panel
    panel.close()


@pytest.fixture
def tour(guided):
    guided.reset()
    guided.select({})
    guided.tour.widget.layout.display = None
    guided.tour.go(-len(TOUR))
    return guided.tour


def said(tour) -> str:
    return Page(tour.words.value).said


def is_done(tour) -> bool:
    return "Done." in said(tour)


def press(button):
    button.click()


def test_every_step_is_noticed_when_it_is_done_and_not_before(guided, tour):
    flow = guided.settings["generator"]
    numbers = {"synthesized": np.arange(3)}
    deeds = [
        lambda: guided.set(classes=("Q",)),
        lambda: guided.select(numbers),
        lambda: guided.set(variance=0.6),
        lambda: guided.wait(),
        lambda: guided.set(generator=RIDGE_NAME),
        lambda: guided.undo(),
    ]
    for number, do in enumerate(deeds, start=1):
        assert f"step {number} of {len(deeds)}" in said(tour)
        assert not is_done(tour)
        do()
        assert is_done(tour), said(tour)
        press(tour.next)
    assert guided.settings["generator"] == flow


def test_what_is_undone_is_no_longer_done(guided, tour):
    guided.set(classes=("Q",))
    assert is_done(tour)
    guided.undo()
    assert not is_done(tour)


def test_meters_of_an_earlier_view_are_not_taken_for_those_of_the_collapse(guided, tour):
    guided.wait()
    tour.go(3)
    assert not is_done(tour)
    guided.set(variance=0.7)
    assert not is_done(tour)
    guided.wait()
    assert "variance shifted" in said(tour)
    guided.set(variance=0.8)
    assert not is_done(tour)
    guided.wait()


def test_its_buttons_lead_forth_and_back_and_stop_at_the_ends(tour):
    assert tour.back.disabled
    assert not tour.next.disabled
    for _ in TOUR:
        press(tour.next)
    assert f"step {len(TOUR)} of" in said(tour)
    assert tour.next.disabled
    press(tour.back)
    assert f"step {len(TOUR) - 1} of" in said(tour)


def test_a_step_opens_the_controls_that_it_speaks_of(guided, tour):
    for step in TOUR:
        assert guided.tools.groups.tabs.value == step.group
        press(tour.next)


def test_it_changes_no_setting(guided, tour):
    before = guided.settings
    for _ in TOUR:
        press(tour.next)
    press(tour.stop)
    assert guided.settings == before
    assert tour.widget.layout.display == "none"


def test_its_words_are_a_status_that_stays_as_it_is_while_nothing_is_done(guided, tour):
    assert Page(tour.words.value).of("p") == [{"role": "status"}]
    changes = []
    tour.words.observe(changes.append, names="value")
    guided.set(seed=3)
    assert changes == []  # a reader of the screen says each change
    guided.set(classes=("Q",))
    assert len(changes) == 1


def test_it_stands_first_and_only_where_it_was_asked_for(guided, explorer):
    assert guided.tour.widget in guided.tools.body.children[1].children
    assert explorer.tour is None


def test_steps_whose_control_is_hidden_are_left_out(guided):
    needed = {step.control for step in TOUR}
    panel = explore(tour=True, hide=["variance"], name="hidden")
    assert len(panel.tour.steps) == len([s for s in TOUR if s.control != "variance"]) == 4
    panel.close()
    with pytest.raises(ConfigError, match="a tour must"):
        explore(tour=True, hide=sorted(needed), name="all hidden")
