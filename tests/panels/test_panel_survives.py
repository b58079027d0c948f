"""Whatever a generator, a decoder or a world raises, a panel tells it and shows what it says."""

from dataclasses import replace

import numpy as np
import pytest
from explorers import said, xy

from gsmflow_lite import RidgeGaussian
from gsmflow_lite.datasets import crescent_world
from gsmflow_lite.explorer.anatomy import small_flow
from gsmflow_lite.panels import compare, design, dissect, explore, train
from gsmflow_lite.panels.map_panel import MEASURED
from gsmflow_lite.panels.panel import Panel
from gsmflow_lite.panels.worker import Worker

pytestmark = pytest.mark.usefixtures("no_layout")


class Fragile:
    """A generator that raises an error of its own once it is broken."""

    def __init__(self, dataset) -> None:
        self.source = RidgeGaussian.fit(dataset)
        self.broken = False
        self.broken_at = 0

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        if self.broken or n == self.broken_at:
            raise RuntimeError("out of memory <b>")
        return self.source.synthesize(attributes, n, temperature=temperature, seed=seed)


@pytest.fixture
def data(make_dataset):
    return make_dataset(rows=20)


@pytest.fixture
def fragile(data):
    return Fragile(data)


@pytest.fixture
def opened():
    """Takes panels, and closes them after the test."""
    panels: list[Panel] = []

    def take(panel: Panel) -> Panel:
        panels.append(panel)
        return panel.wait(60)

    yield take
    for panel in panels:
        panel.close()


TOLD = "Fragile.synthesize raised RuntimeError: out of memory <b>"


def test_an_explorer_tells_what_a_generator_raised_and_shows_what_it_says(
    explore_own, data, fragile
):
    panel = explore_own(data, fragile).wait(60)
    panel.set(variance=0.25)
    before = {part: xy(panel, part).copy() for part in ("synthesized", "real")}
    words = (panel.code(), panel.caption, dict(panel.shown))

    fragile.broken_at = 150  # not always: what is shown is being measured
    panel.controls["samples"].value = 150
    assert TOLD in said(panel)
    assert (panel.code(), panel.caption, panel.shown) == words
    assert len(panel.synthesized.features) == words[2]["samples"] * len(panel.classes)
    panel.map.draw()
    for part, places in before.items():
        np.testing.assert_array_equal(xy(panel, part), places)
    panel.still()

    panel.wait(60)  # what is shown is measured to its end
    assert panel.log["state"].iloc[-1] == "explore?variance=0.25"
    assert TOLD in said(panel)

    panel.controls["samples"].value = 145
    assert panel.shown["samples"] == 145
    assert TOLD not in said(panel)


MOVES = {
    explore: {"samples": 21},
    compare: {"temperature": 0.5},
    design: {"seed": 3},
    dissect: {"points": 100},
    train: {"seed": 3},
}


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("make", [explore, compare, design, dissect, train])
def test_an_interrupt_of_a_move_is_passed_on_and_code_says_what_is_shown(
    make, interrupt, opened, data, monkeypatch
):
    sources = {"a": RidgeGaussian.fit(data), "b": RidgeGaussian.fit(data)}
    arguments = {
        explore: (data, sources["a"]),
        compare: (data, sources),
        design: (data, sources["a"]),
        dissect: (),
        train: (data,),
    }
    panel = opened(make(*arguments[make]))
    shown, code = dict(panel.shown), panel.code()

    def interrupted():
        raise interrupt

    monkeypatch.setattr(panel, "refresh", interrupted)
    with pytest.raises(interrupt):
        panel.set(**MOVES[make])
    assert panel.shown == shown
    if make is not train:  # its code is that of the next training
        assert panel.code() == code


def test_an_explorer_opens_with_a_generator_that_fails(explore_own, data, fragile):
    fragile.broken = True
    panel = explore_own(data, fragile)
    assert TOLD in said(panel)
    fragile.broken = False
    panel.wait(60)
    panel.set(samples=20)
    assert len(panel.synthesized.features) == 20 * len(panel.classes)


def test_a_measurement_that_fails_is_told(explore_own, data, fragile):
    fragile.broken_at = MEASURED
    panel = explore_own(data, fragile).wait(60)
    assert "measuring: " in said(panel)
    assert TOLD in said(panel)


def test_a_map_that_comes_while_a_generator_fails_leaves_the_view_whole(explore_own, data, fragile):
    panel = explore_own(data, fragile)
    scene, places = panel.scene, panel.synthesized.points.pca.copy()
    fragile.broken = True
    panel.wait(60)
    assert panel.scene is scene
    np.testing.assert_array_equal(panel.synthesized.points.pca, places)
    panel.still()


def test_a_map_is_taken_where_the_settings_were_refused(explore_own, data, fragile):
    panel = explore_own(data, fragile)
    panel.set(classes=())
    panel.wait(60)
    assert panel.scene.has_map
    assert np.isfinite(panel.synthesized.points.umap).all()
    assert "choose at least one class" in said(panel)


def test_a_comparison_tells_what_a_generator_raised(opened, data, fragile):
    panel = opened(compare(data, {"fragile": fragile, "ridge": RidgeGaussian.fit(data)}))
    words = (panel.code(), panel.caption, dict(panel.shown))
    fragile.broken = True
    panel.controls["temperature"].value = 0.5
    assert TOLD in said(panel)
    assert (panel.code(), panel.caption, panel.shown) == words


def test_a_designer_tells_what_a_generator_raised(opened, data, fragile):
    panel = opened(design(data, fragile))
    invented, words = panel.invented, (panel.code(), panel.title, dict(panel.shown))
    fragile.broken = True
    panel.controls["seed"].value = 3
    assert TOLD in said(panel)
    assert panel.invented is invented
    assert (panel.code(), panel.title, panel.shown) == words


def test_a_designer_whose_decoder_fails_goes_back_to_the_view_before(opened, data):
    broken = []

    def decode(features):
        if broken:
            broken.pop()
            raise ZeroDivisionError("no picture")
        return np.zeros((len(features), 4, 4))

    panel = opened(design(replace(data, decode=decode)))
    features, pictures = panel.invented.features.copy(), panel.pictures.value
    broken.append(True)
    panel.controls["seed"].value = 3
    assert "ZeroDivisionError: no picture" in said(panel)
    assert panel.shown["seed"] == 0
    np.testing.assert_array_equal(panel.invented.features, features)
    assert panel.pictures.value == pictures
    broken.append(True)
    assert "image/png" not in panel._repr_mimebundle_()  # and the live view is shown


def test_an_explorer_whose_decoder_fails_tells_it_when_a_point_is_looked_at(explore_own, data):
    def decode(features):
        raise ZeroDivisionError("no picture")

    panel = explore_own(replace(data, decode=decode)).wait(60)
    panel.walk.value = 3
    assert "ZeroDivisionError: no picture" in said(panel)
    panel.select({"synthesized": np.arange(3)})


def test_an_anatomy_tells_what_a_world_raised(opened):
    class Fading:
        def __init__(self) -> None:
            self.world = crescent_world(samples=50)
            self.dataset = self.world.dataset
            self.log_prob = self.world.log_prob
            self.broken = False

        def sample(self, number, n, *, seed=0):
            if self.broken:
                raise OSError("the world is gone")
            return self.world.sample(number, n, seed=seed)

    world = Fading()
    panel = opened(dissect(world, small_flow(world.dataset, epochs=0)))
    words = (panel.code(), dict(panel.shown), panel.readout.value)
    world.broken = True
    panel.controls["points"].value = 100
    assert "OSError: the world is gone" in said(panel)
    assert (panel.code(), panel.shown, panel.readout.value) == words
    assert panel.scene.points.points.shape[1] == words[1]["points"]


def test_a_training_panel_tells_what_its_data_raised_and_keeps_its_view(opened, data, monkeypatch):
    panel = opened(train(data))
    view = panel.view

    def failing(choice, *, fold):
        raise RuntimeError("no view")

    monkeypatch.setattr(panel.data, "view", failing)
    watched = panel.settings["watch"]
    panel.controls["watch"].value = not watched
    assert "RuntimeError: no view" in said(panel)
    assert panel.view is view
    assert panel.settings["watch"] == watched  # what is shown


def test_an_error_in_the_delivery_of_a_job_is_told_and_the_others_are_delivered():
    told, delivered = [], []
    worker = Worker(lambda name, event: None, lambda name, error: told.append((name, str(error))))

    def refuse(result):
        raise LookupError("no place for it")

    worker.submit("first", lambda task: 1, refuse)
    worker.submit("second", lambda task: 2, delivered.append)
    worker.wait(10)
    worker.close()
    assert told == [("first", "no place for it")]
    assert delivered == [2]


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt])
def test_a_job_that_ends_its_thread_is_told_and_the_next_is_done(end):
    told, delivered = [], []
    worker = Worker(lambda name, event: None, lambda name, error: told.append((name, type(error))))

    def job(task):
        raise end

    worker.submit("first", job, delivered.append)
    worker.submit("second", lambda task: 2, delivered.append)
    worker.wait(10)
    worker.close()
    assert told == [("first", end)]
    assert delivered == [2]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"samples": 20.5}, "samples cannot be '20.5': it must be a whole number, got 20.5"),
        ({"samples": "20"}, "samples cannot be '20': it must be a whole number, got '20'"),
        ({"samples": None}, "samples cannot be 'None': it must be a whole number, got None"),
        ({"temperature": "hot"}, "temperature cannot be 'hot': it must be a number, got 'hot'"),
        ({"temperature": np.nan}, "temperature cannot be 'nan': it must be finite, got nan"),
    ],
)
def test_a_slider_takes_numbers_only(explore_own, data, setting, words):
    panel = explore_own(data)
    before = panel.settings
    with pytest.raises(ValueError, match=words):
        panel.set(**setting)
    assert panel.settings == before


def test_a_slider_takes_numbers_of_numpy(explore_own, data):
    panel = explore_own(data)
    panel.set(samples=np.int64(20), temperature=np.float32(0.5))
    assert (panel.shown["samples"], panel.shown["temperature"]) == (20, 0.5)
    assert "samples=20" in panel.state()


def test_a_designer_keeps_the_scene_of_its_view_where_a_map_cannot_be_drawn(opened, data, fragile):
    panel = design(data, fragile)
    scene = panel.scene
    fragile.broken = True
    opened(panel)
    assert panel.scene is scene
    panel.still()
