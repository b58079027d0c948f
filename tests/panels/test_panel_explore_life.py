"""The shift explorer as a panel: what goes wrong, states, stills, your own data, nothing left."""

import base64
import gc
import time
import tracemalloc
from dataclasses import replace

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from explorers import LETTERS, said, xy
from live_widgets import live_widgets
from matplotlib.figure import Figure

from gsmflow_lite import Injected, RidgeGaussian
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.figures.lenses import CURVES
from gsmflow_lite.generators.zoo import glyph_zoo
from gsmflow_lite.panels.explore import ExplorePanel, explore
from gsmflow_lite.panels.map_panel import REAL_NAME, RIDGE_NAME

VIEW = "application/vnd.jupyter.widget-view+json"

pytestmark = pytest.mark.usefixtures("no_layout")


# --- What goes wrong -------------------------------------------------------------------------


class TooWide:
    """A generator whose features have a wrong width."""

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        return torch.zeros(len(attributes), n, 99)


class WithoutTemperature:
    """A generator that has no temperature."""

    def __init__(self, dataset) -> None:
        self.source = RidgeGaussian.fit(dataset)

    def synthesize(self, attributes, n, *, seed=0):
        return self.source.synthesize(attributes, n, seed=seed)


def test_no_class_chosen_is_said_and_the_picture_stays(explorer):
    before = xy(explorer, "synthesized").copy()
    explorer.set(classes=())
    assert "choose at least one class" in said(explorer)
    np.testing.assert_array_equal(xy(explorer, "synthesized"), before)


def test_real_features_with_a_temperature_are_refused_and_the_picture_stays(explorer):
    explorer.set(generator=REAL_NAME)
    before = {part: xy(explorer, part).copy() for part in ("synthesized", "real", "context")}
    explorer.set(temperature=0.5, classes=("A", "B"))
    assert "have no temperature: it must be 1" in said(explorer)
    explorer.look_at("synthesized", 0)  # draws
    for part, places in before.items():
        np.testing.assert_array_equal(xy(explorer, part), places)


@pytest.mark.parametrize(
    "refused", [{"classes": ()}, {"generator": REAL_NAME, "temperature": 0.5}, {"semantic": 0.4}]
)
def test_after_a_refusal_controls_state_and_undo_are_those_of_the_view(
    explorer, monkeypatch, refused
):
    explorer.set(variance=0.5)
    explorer.wait()
    before = (explorer.settings, explorer.state(), explorer.code())
    monkeypatch.setattr(Injected, "synthesize", None)  # an error that is not of this library
    explorer.set(**refused)
    assert 'role="alert"' in explorer.tools.line.value
    assert (explorer.settings, explorer.state(), explorer.code()) == before
    assert explorer.shown == explorer.settings
    assert explorer.tools.text.value == explorer.state()
    monkeypatch.undo()
    explorer.undo()
    assert explorer.state() == "explore"


def test_the_alert_stands_on_top_of_the_panel(explorer):
    assert explorer.tools.line in explorer.tools.box.children[1].children
    assert explorer.tools.undo in explorer.tools.box.children[1].children


def test_meters_are_faded_while_they_are_those_of_an_earlier_view(explorer):
    explorer.wait()
    views = (explorer.sentence, explorer.table)
    assert not any("stale" in view._dom_classes for view in views)
    explorer.set(variance=0.3)
    assert all("stale" in view._dom_classes for view in views)
    explorer.wait()
    assert not any("stale" in view._dom_classes for view in views)


def test_after_a_refusal_the_next_good_move_is_drawn(explorer):
    explorer.set(generator=REAL_NAME)
    explorer.set(temperature=0.5)
    explorer.set(classes=("A", "B"))
    assert said(explorer) == "" or "measuring" in said(explorer)
    assert len(xy(explorer, "synthesized")) == 50


def test_a_generator_without_a_temperature_says_so_and_the_picture_stays(explore_own, make_dataset):
    dataset = make_dataset(rows=20)
    panel = explore_own(dataset, WithoutTemperature(dataset))
    before = xy(panel, "synthesized").copy()
    for doses in ({}, {"variance": 0.5}):
        panel.set(temperature=0.5, **doses)
        wanted = "WithoutTemperature features have no temperature: it must be 1, got 0.5"
        assert wanted in said(panel)
        np.testing.assert_array_equal(xy(panel, "synthesized"), before)


def test_features_of_the_wrong_shape_are_said_plainly(explore_own, make_dataset):
    panel = explore_own(make_dataset(rows=20), TooWide())
    assert "must give shape" in said(panel)
    assert "got (2, 25, 99)" in said(panel)
    panel.set(generator=RIDGE_NAME)
    assert xy(panel, "synthesized").shape == (50, 2)


def test_a_panel_without_a_picture_can_be_shown(explore_own, make_dataset):
    bundle = explore_own(make_dataset(rows=20), TooWide())._repr_mimebundle_()
    assert VIEW in bundle
    assert "image/png" not in bundle


def test_generators_without_their_data_are_refused():
    with pytest.raises(ConfigError, match="generators need the data"):
        explore(generators=RidgeGaussian.fit(glyph_zoo().dataset))


def test_what_cannot_synthesize_is_refused(make_dataset):
    with pytest.raises(DataError, match="generator 'one': a generator must have a method"):
        explore(make_dataset(), {"one": 3})


def test_names_may_come_as_a_list(explorer):
    explorer.set(classes=["Q", "A"])
    assert explorer.settings["classes"] == ("Q", "A")


def test_a_value_out_of_range_is_refused_and_all_settings_stay(explorer):
    before = explorer.settings
    with pytest.raises(ConfigError, match=r"temperature cannot be '9\.0'"):
        explorer.set(seed=3, temperature=9.0)
    assert explorer.settings == before


def test_where_a_move_is_refused_what_is_shown_is_described_as_it_is(explorer):
    explorer.wait()
    explorer.set(variance=0.9)
    explorer.set(classes=(), variance=0.0, generator=REAL_NAME)  # refused, while it measures
    assert "choose at least one class" in said(explorer)
    explorer.wait()
    assert explorer.log["state"].tolist()[-1] == "explore?variance=0.9"
    assert not any("real+features" in state for state in explorer.log["state"])
    assert "as shipped" in explorer.caption
    assert "variance=0.9" in explorer.still()._supxlabel.get_text()
    assert "variance=0.9" in explorer.code()
    assert "choose at least one class" not in explorer.code()


def test_code_before_anything_is_drawn_says_what_is_missing(explore_own, make_dataset):
    panel = explore_own(make_dataset(rows=20), state="explore?classes=")
    panel.tools.show.value = True
    assert "choose at least one class" in panel.tools.code.value


# --- State, still and the panel itself -------------------------------------------------------


def test_the_state_brings_the_same_view_back(explorer):
    explorer.set(classes=LETTERS, generator=RIDGE_NAME, temperature=0.55, seed=4)
    explorer.set(variance=-0.35, positioning=False, graph=True)
    text = explorer.state()
    settings = explorer.settings
    places = xy(explorer, "synthesized").copy()
    explorer.reset()
    assert not np.array_equal(xy(explorer, "synthesized"), places)
    explorer.restore(text)
    assert explorer.settings == settings
    np.testing.assert_array_equal(xy(explorer, "synthesized"), places)


def test_a_panel_starts_from_a_state():
    text = "explore?classes=A&classes=Q&samples=10&temperature=0.5"
    panel = explore(state=text, name="from a state")
    try:
        assert panel.settings["classes"] == ("A", "Q")
        assert panel.settings["temperature"] == 0.5
        assert xy(panel, "synthesized").shape == (20, 2)
    finally:
        panel.close()


def test_undo_brings_the_view_before_back(explorer):
    explorer.set(seed=1)
    before = xy(explorer, "synthesized").copy()
    explorer.set(seed=2)
    explorer.undo()
    assert explorer.settings["seed"] == 1
    np.testing.assert_array_equal(xy(explorer, "synthesized"), before)


def test_the_still_is_a_figure_with_both_lenses(explorer):
    figure = explorer.still()
    assert isinstance(figure, Figure)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert any("PCA" in title for title in titles)
    assert any("UMAP" in title for title in titles)


def lines_of_still(axes) -> list[bytes]:
    return [np.stack(line.get_data()).tobytes() for line in axes.lines if len(line.get_xdata())]


def lines_of_map(explorer, lens: str) -> list[bytes]:
    traces = [explorer.map.trace(part, lens) for part in CURVES]
    return [np.stack([trace.x, trace.y]).tobytes() for trace in traces if len(trace.x)]


def test_the_still_says_the_spread_of_the_table_once_it_is_measured(explorer):
    explorer.set(classes=LETTERS, samples=10)
    explorer.wait()
    numbers = explorer._spreads(explorer.classes)
    table = [explorer.report.reading("variance", name).value for name in LETTERS]
    assert list(numbers.values()) == table
    explorer.set(temperature=0.5)
    explorer.cancel()
    assert all(
        now < before
        for now, before in zip(explorer._spreads(explorer.classes).values(), table, strict=True)
    )


@pytest.mark.parametrize("place", [0, 1])
def test_the_still_has_the_curves_that_are_on_the_map(explorer, place):
    explorer.set(classes=LETTERS, prototypes=False)
    bare = lines_of_still(explorer.still().axes[place])
    explorer.set(ellipses=True, graph=True)
    drawn = lines_of_still(explorer.still().axes[place])[len(bare) :]
    assert drawn
    assert sorted(drawn) == sorted(lines_of_map(explorer, ("pca", "umap")[place]))


def test_the_still_has_an_arrow_for_each_class_that_moved(explorer):
    explorer.set(classes=LETTERS, prototypes=True)
    for axes in explorer.still().axes:
        arrows = [text for text in axes.texts if not text.get_text()]  # names have lines, too
        assert len(arrows) == len(LETTERS)


def test_a_panel_that_is_shown_has_a_picture_for_where_no_kernel_runs(explorer):
    bundle = explorer._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert VIEW in bundle


def test_hidden_controls_are_left_out(make_dataset, explore_own):
    panel = explore_own(make_dataset(rows=20), hide=("semantic", "seed"))
    assert panel.controls["semantic"].layout.display == "none"
    assert panel.controls["variance"].layout.display is None


def test_a_second_panel_of_a_name_closes_the_first_and_frees_its_widgets(make_dataset, explorer):
    explorer.wait()
    dataset = make_dataset(rows=20)
    before = len(live_widgets())
    first = explore(dataset, name="twice").wait()
    alone = len(live_widgets())
    second = explore(dataset, name="twice").wait()
    frame = len(live_widgets()) - alone  # what is left of the first one: a sentence
    assert frame < 10
    assert "was closed, because another one named" in first.widget.children[0].value
    assert second.widget.model_id in live_widgets()
    second.close()
    assert len(live_widgets()) == before + frame


# --- Many moves ------------------------------------------------------------------------------


def move(control, names, rng) -> None:
    """Give a control another value, as a hand does."""
    if isinstance(control, widgets.Dropdown):
        values = [value for _, value in control._options_full]
        control.value = values[rng.integers(len(values))]
    elif isinstance(control, widgets.Checkbox):
        control.value = not control.value
    elif hasattr(control, "max"):
        steps = int(rng.integers((control.max - control.min) / control.step))
        control.value = control.min + control.step * steps
    else:
        control.value = tuple(rng.choice(names, 3, replace=False).tolist())


def look_around(panel: ExplorePanel, number: int) -> None:
    panel.wait()
    panel.look_at("synthesized", number)
    panel.select({"synthesized": np.arange(5)})
    if panel.ranked.options:
        panel.ranked.value = panel.ranked.options[1][1]


def moves(panel: ExplorePanel, count: int) -> None:
    """So many moves over every control."""
    rng = np.random.default_rng(0)
    names = panel.scene.dataset.class_names
    controls = list(panel.controls.values())
    for i in range(count):
        move(controls[i % len(controls)], names, rng)
        if i % 25 == 0:
            look_around(panel, i % 10)
    panel.wait()
    gc.collect()


@pytest.mark.long
def test_500_moves_leave_no_widget_and_no_memory_behind(explorer):
    explorer.set(classes=("Q", "A"), samples=10)
    # The first moves read the flows, and fill the log and the steps of undo, which keep 200.
    moves(explorer, 220)
    live = len(live_widgets())
    tracemalloc.start()
    moves(explorer, 250)
    early = tracemalloc.get_traced_memory()[0]
    moves(explorer, 250)
    late = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(live_widgets()) == live
    assert late - early < 1.5e6  # one picture kept at each move would be 250 x 10 kB at least


# --- Your own data ---------------------------------------------------------------------------


def test_of_own_data_the_linear_lens_is_there_at_once_and_the_map_comes(
    explore_own, make_dataset, monkeypatch, tmp_path
):
    monkeypatch.undo()
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path))
    panel = explore_own(make_dataset(rows=20), seed=1)
    assert np.isfinite(xy(panel, "synthesized")).all()
    assert np.isnan(xy(panel, "synthesized", "umap")).all()
    linear = xy(panel, "synthesized").copy()
    panel.wait(300)
    assert panel.scene.has_map
    assert np.isfinite(xy(panel, "synthesized", "umap")).all()
    assert np.isfinite(xy(panel, "real", "umap")).all()
    np.testing.assert_array_equal(xy(panel, "synthesized"), linear)


def test_before_the_map_is_there_a_still_can_be_made(explore_own, make_dataset, monkeypatch):
    monkeypatch.setattr(Scene, "of", lambda *_, **__: time.sleep(60))
    panel = explore_own(make_dataset(rows=20))
    assert not panel.scene.has_map
    assert isinstance(panel.still(), Figure)


def test_a_map_that_cannot_be_made_is_said_and_the_linear_lens_stays(
    explore_own, make_dataset, monkeypatch
):
    def refuse(*_, **__):
        raise DataError("no map of this")

    monkeypatch.setattr(Scene, "of", refuse)
    panel = explore_own(make_dataset(rows=40)).wait()
    assert "map: no map of this" in said(panel)
    assert np.isfinite(xy(panel, "synthesized")).all()


def test_own_generators_stand_first_and_keep_their_names(explore_own, make_dataset):
    dataset = make_dataset(rows=20)
    generators = {"one": RidgeGaussian.fit(dataset), "two": RidgeGaussian.fit(dataset)}
    panel = explore_own(dataset, generators)
    assert list(panel.controls["generator"].options) == ["one", "two", RIDGE_NAME, REAL_NAME]
    assert "semantics" not in panel.controls


def test_data_that_cannot_be_held_back_offer_no_real_features(explore_own, make_dataset):
    dataset = make_dataset(rows=20)
    panel = explore_own(replace(dataset, groups=dataset.labels)).wait()
    assert list(panel.controls["generator"].options) == [RIDGE_NAME]
    assert panel.report.names
