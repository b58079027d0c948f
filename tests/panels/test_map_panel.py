"""The base of panels with a map, tried on the least that a subclass must give."""

import numpy as np
import pytest
from explorers import xy
from live_widgets import live_widgets

from gsmflow_lite import RidgeGaussian
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.generators.zoo import Mechanisms, glyph_zoo
from gsmflow_lite.panels.map_panel import MapPanel, class_chooser, distance

NAMES = ["a", "b", "twin", "c", "d", "twin"]


class LittlePanel(MapPanel):
    """Shows the real points of the chosen classes."""

    kind = "little"

    def __init__(self, scene: Scene, generators) -> None:
        controls = {"classes": class_chooser(scene.dataset)}
        super().__init__(scene, generators, controls, zoo=glyph_zoo(), name="little")
        self.arrange([self.controls["classes"].widget], [self.map.figure])
        self.redraw()

    def refresh(self) -> None:
        self.focus(self.classes)
        self.map.draw()


@pytest.fixture
def little(make_dataset):
    dataset = make_dataset(rows=20, class_names=NAMES)
    generators = {"mine": RidgeGaussian.fit(dataset), "shipped": Mechanisms(start=False)}
    panel = LittlePanel(Scene.first(dataset), generators)
    yield panel
    panel.close()


def real_places(panel: MapPanel, k: int) -> np.ndarray:
    return panel.scene.real.pca[panel.scene.real.labels == k]


def test_at_the_start_the_unseen_classes_are_chosen_by_their_unique_names(little):
    assert little.settings["classes"] == ("d", "twin (class 5)")
    assert little.classes == [4, 5]


def test_the_chosen_classes_are_drawn_in_colour(little):
    little.set(classes=("twin (class 2)",))
    np.testing.assert_array_equal(xy(little, "real"), real_places(little, 2))


def test_it_is_a_panel_like_any_other(little):
    little.set(classes=("a",))
    little.undo()
    assert little.classes == [4, 5]
    assert little.state() == "little"


def test_a_class_keeps_its_colour_while_others_come_and_go(little):
    before = little.class_colours[4]
    little.set(classes=("a", "d"))
    assert little.class_colours[4] == before
    assert set(little.class_colours) == {0, 4}


def test_every_real_point_says_its_class_status_and_row(little):
    texts = little.real_texts()
    first = little.scene.rows[0]
    assert len(texts) == little.scene.real.count
    assert texts[0] == f"<b>a</b>, real, seen<br>row {first}"
    assert texts[-1].startswith("<b>twin (class 5)</b>, real, unseen<br>")


def test_mechanisms_stand_for_the_flow_that_was_trained_with_them(little):
    flow = little.source("shipped")
    expected = glyph_zoo().model(Mechanisms(start=False))
    parameters = zip(flow.parameters(), expected.parameters(), strict=True)
    assert all((one == other).all() for one, other in parameters)


def test_a_generator_is_found_by_its_name(little):
    assert little.source("mine") is little.generators["mine"]
    assert little.source_code("mine") == "generators['mine']"


@pytest.mark.parametrize(
    ("far", "words"),
    [(0.5, "0.5 x the usual distance"), (1.2, "1.2 x the usual distance: off the map")],
)
def test_how_far_a_point_is_from_real_ones_is_said_in_words(far, words):
    assert distance(far) == words


def test_closing_frees_every_widget(make_dataset):
    before = set(live_widgets())
    LittlePanel(Scene.first(make_dataset(rows=20)), {}).close()
    assert set(live_widgets()) == before
