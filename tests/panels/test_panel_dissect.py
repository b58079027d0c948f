"""The flow anatomy draws the arrays of its journeys, gives a true account, frees its widgets."""

import base64
import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from flows import random_model
from live_widgets import live_widgets

from gsmflow_lite.datasets import crescent_world, gaussian_world
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.explorer.anatomy import (
    box_around,
    density,
    grid_lines,
    normal_circles,
    small_flow,
    to_data,
    to_noise,
)
from gsmflow_lite.explorer.anatomy_figures import DENSITY_COLOUR, RAMP
from gsmflow_lite.panels.dissect import dissect
from gsmflow_lite.panels.dissect_text import MINUS
from gsmflow_lite.panels.dissection import DISSECT_SEED, ROWS_SHOWN, latent_noise
from gsmflow_lite.seeds import stream

# The package has the function under this name.
panel_module = importlib.import_module("gsmflow_lite.panels.dissect")


@pytest.fixture(scope="module")
def world():
    return crescent_world(samples=50)


@pytest.fixture(scope="module")
def model(world):
    return small_flow(world.dataset, epochs=3)


@pytest.fixture
def panel(world, model):
    panel = dissect(world, model)
    yield panel
    panel.close()


@pytest.fixture
def short_training(monkeypatch):
    """Let the panel train for 3 epochs instead of 100."""

    def quick(*arguments, epochs=3, **options):
        return small_flow(*arguments, epochs=epochs, **options)

    monkeypatch.setattr(panel_module, "small_flow", quick)


def xy(trace) -> np.ndarray:
    return np.stack([trace.x, trace.y], axis=1)


def drawn(panel) -> dict[str, np.ndarray]:
    return {trace.meta: xy(trace) for trace in panel.figure.data}


def test_towards_noise_the_right_side_is_at_the_step_of_the_journey(panel, world, model):
    panel.set(number=3, points=100, step=4)
    x = world.sample(3, ROWS_SHOWN, seed=DISSECT_SEED)
    attributes = world.dataset.attributes[3:4]
    journeys = {
        "points": to_noise(model, x[:100], attributes),
        "grid": to_noise(model, grid_lines(box_around(x, 0.2)), attributes),
        "middle": to_noise(model, x[:100].mean(0, keepdims=True), attributes),
    }
    for side, step in (("data", 0), ("noise", 4)):
        for part, journey in journeys.items():
            shown = drawn(panel)[f"{side} {part}"]
            np.testing.assert_allclose(shown, journey.points[step], rtol=1e-5, atol=1e-5)


def test_towards_data_the_left_side_is_at_the_step_and_temperature_scales_the_noise(
    panel, world, model
):
    panel.set(number=5, towards="data", temperature=0.5, points=50, step=7)
    noise = 0.5 * stream(DISSECT_SEED, "latent noise").standard_normal((50, 2))
    points = to_data(model, noise, world.dataset.attributes[5:6])
    np.testing.assert_allclose(drawn(panel)["data points"], points.points[7], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(drawn(panel)["noise points"], noise, rtol=1e-5)


def test_curves_are_those_of_the_density_of_the_flow_and_of_the_truth(panel, world, model):
    panel.set(number=2)
    box = box_around(world.sample(2, ROWS_SHOWN, seed=DISSECT_SEED), 0.2)
    curves = {
        "data outline": density(model, world.dataset.attributes[2:3], box).lines(),
        "data truth": density(world, 2, box).lines(),
        "noise outline": normal_circles(),
    }
    for name, curve in curves.items():
        np.testing.assert_allclose(drawn(panel)[name], curve, rtol=1e-4, atol=1e-5)


def test_the_picture_of_the_data_is_the_box_of_the_integral(panel, world):
    panel.set(number=2)
    box = box_around(world.sample(2, ROWS_SHOWN, seed=DISSECT_SEED), 0.2)
    panel.set(step=3)
    layout = panel.figure.layout
    assert (*layout.xaxis.range, *layout.yaxis.range) == pytest.approx(box)


@pytest.mark.parametrize(("towards", "suffix"), [("noise", "2"), ("data", "")])
def test_the_axes_stay_from_step_to_step_and_leave_out_almost_no_point(panel, towards, suffix):
    panel.set(towards=towards)
    ranges = set()
    for step in range(8):
        panel.set(step=step)
        layout = panel.figure.layout
        x, y = (layout[f"{axis}axis{suffix}"].range for axis in "xy")
        ranges.add((*x, *y))
        points = panel.scene.points.points[step]
        inside = ((points >= (x[0], y[0])) & (points <= (x[1], y[1]))).all(axis=1)
        assert inside.mean() >= 0.95
    assert len(ranges) == 1


def test_each_colour_that_is_shown_stands_in_the_key(panel):
    key = panel.key.value
    for colour in (*RAMP, DENSITY_COLOUR):
        assert colour in key
    assert "true density" not in key
    assert "place in the data where they begin" in key
    panel.set(truth=True, density=False, towards="data")
    key = panel.key.value
    assert "true density" in key
    assert DENSITY_COLOUR not in key
    assert "place in the noise where they begin" in key


@pytest.mark.parametrize("towards", ["noise", "data"])
def test_the_account_ends_with_the_exact_density_at_the_other_end(panel, model, world, towards):
    panel.set(number=3, towards=towards)
    scene = panel.scene
    attributes = world.dataset.attributes[3:4]

    def of_data(x):
        return model.log_prob(x, attributes).item()

    def of_noise(z):
        normal = torch.distributions.Normal(0, 1)
        return normal.log_prob(torch.from_numpy(z)).sum().item()

    first, last = (of_data, of_noise) if towards == "noise" else (of_noise, of_data)
    places = scene.middle.points
    assert scene.log_densities[0] == pytest.approx(first(places[0]), abs=1e-4)
    assert scene.log_densities[-1] == pytest.approx(last(places[-1]), abs=1e-4)


def test_the_words_give_the_step_the_account_and_the_integral(panel):
    panel.set(step=2)
    scene = panel.scene
    text = panel.readout.value.replace(MINUS, "-")
    assert f"Step 2 of 7: {scene.points.names[2]}." in text
    log_det = scene.points.log_dets[:3].mean(1).sum()
    for value in (log_det, scene.first_log_density, scene.log_densities[2]):
        assert f"{value:.2f} nats" in text
    assert f"integrates to <b>{scene.learned.mass:.3f}</b>" in text


def test_attributes_below_zero_are_written_with_a_minus_sign(panel, world):
    number = int(world.dataset.attributes[:, 0].argmin())
    panel.set(number=number)
    lowest = world.dataset.attributes[number, 0]
    assert lowest < 0
    assert f"east {MINUS}{-lowest:.2f}" in panel.described.value


def test_switches_hide_what_they_name(panel):
    panel.set(grid=False, density=False, truth=True)
    visible = {trace.meta: trace.visible for trace in panel.figure.data}
    assert not visible["data grid"]
    assert not visible["noise grid"]
    assert not visible["data outline"]
    assert visible["data truth"]


def test_play_and_step_move_each_other(panel):
    panel.play.value = 3
    assert panel.settings["step"] == 3
    panel.set(step=5)
    assert panel.play.value == 5


def test_what_was_played_is_undone_at_once(panel, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: next(clock) * panel_module.PACE / 1000)
    panel.set(number=2)
    for step in range(1, 8):
        panel.play.value = step
    panel.undo()
    assert panel.settings["step"] == 0
    assert panel.settings["number"] == 2


def test_undo_draws_what_was_before(panel):
    before = drawn(panel)
    panel.set(number=4, step=3)
    panel.undo()
    for name, curve in drawn(panel).items():
        np.testing.assert_array_equal(curve, before[name])


def test_a_state_shows_the_same_in_another_panel(panel, world, model):
    panel.set(number=9, towards="data", temperature=0.35, step=6, truth=True)
    other = dissect(world, model, state=panel.state(), name="other")
    assert other.settings == panel.settings
    for name, curve in drawn(other).items():
        np.testing.assert_array_equal(curve, drawn(panel)[name])
    other.close()


@pytest.mark.parametrize("towards", ["noise", "data"])
def test_its_code_makes_the_arrays_that_it_shows(panel, world, model, towards):
    panel.set(number=3, towards=towards, temperature=0.15, points=150, step=5)
    names = {"world": world, "model": model}
    exec(panel.code(), names)
    for part in ("points", "grid"):
        np.testing.assert_array_equal(names[part].points, getattr(panel.scene, part).points)
    for part in ("learned", "truth"):
        np.testing.assert_array_equal(names[part].values, getattr(panel.scene, part).values)


@pytest.mark.parametrize("towards", ["noise", "data"])
def test_its_code_runs_as_it_stands_where_nothing_was_given(monkeypatch, towards):
    monkeypatch.setattr(panel_module, "TRAINED_FLOWS", {})
    panel = dissect()
    panel.cancel()  # the flow stays untrained
    panel.wait()
    panel.set(number=3, towards=towards, temperature=0.4, points=100)
    names = {}
    exec(panel.code(), names)
    for part in ("points", "grid"):
        shown = getattr(panel.scene, part).points
        np.testing.assert_array_equal(names[part].points, shown)
    panel.close()


def test_its_code_draws_the_noise_of_the_view(panel):
    panel.set(towards="data", temperature=0.4, points=100)
    names = {"world": panel.world, "model": panel.model}
    exec(panel.code(), names)
    np.testing.assert_array_equal(names["noise"], latent_noise(100, 0.4))


def test_without_a_model_it_shows_an_untrained_flow_and_then_the_trained_one(
    world, model, short_training
):
    panel = dissect(world)
    early = drawn(panel)
    assert "untrained" in panel.readout.value
    assert "epochs=0" in panel.code()

    panel.wait()
    assert panel.trained
    assert "untrained" not in panel.readout.value
    assert panel.again.layout.display == "none"
    assert not np.array_equal(early["data outline"], drawn(panel)["data outline"])
    expected = model.state_dict()
    for name, weight in panel.model.state_dict().items():
        assert torch.equal(weight, expected[name])
    panel.close()


def test_training_is_a_named_stage_with_a_share(world, monkeypatch, short_training):
    events = []
    monkeypatch.setattr(
        panel_module.DissectPanel,
        "show_progress",
        lambda self, name, event: events.append(event),
    )
    panel = dissect(world).wait()
    steps = [(step.stage, step.done, step.total) for step in events if step is not None]
    assert steps == [(panel_module.FLOW_JOB, done, 3) for done in (1, 2, 3)]
    panel.close()


def test_cancelled_training_can_be_started_again(world, short_training):
    panel = dissect(world)
    panel.cancel()
    panel.wait()
    assert not panel.trained
    assert panel.again.layout.display != "none"
    panel.again.click()
    assert panel.wait().trained
    panel.close()


def test_the_flow_of_the_built_in_world_is_trained_once_in_a_process(monkeypatch):
    runs = []

    def quick(*arguments, epochs=1, **options):
        runs.append(epochs)
        return small_flow(*arguments, epochs=epochs, **options)

    monkeypatch.setattr(panel_module, "small_flow", quick)
    monkeypatch.setattr(panel_module, "TRAINED_FLOWS", {})
    first = dissect().wait().model
    again = dissect()
    assert again.trained
    assert again.model is first
    assert runs == [0, 1]
    again.close()


def test_any_world_of_two_features_will_do(model):
    world = gaussian_world(2, samples=20)
    panel = dissect(world, small_flow(world.dataset, epochs=0))
    assert panel.scene.truth.mass == pytest.approx(1, abs=0.02)
    panel.close()


def test_a_model_without_its_world_is_refused(model):
    with pytest.raises(DataError, match="a model must come with the world whose classes it knows"):
        dissect(None, model)


def test_a_model_of_more_features_is_refused_before_a_widget_is_made(world):
    before = len(live_widgets())
    with pytest.raises(DataError, match=r"a model of 4 features and 3 attributes must get"):
        dissect(world, random_model(features=4))
    assert len(live_widgets()) == before


def test_a_step_beyond_the_end_is_refused_and_nothing_moves(panel):
    before = panel.settings
    assert before["number"] != 2
    with pytest.raises(ConfigError, match=r"step cannot be '8': .*from 0 to 7"):
        panel.set(number=2, step=8)
    assert panel.settings == before


def test_no_widget_is_made_by_two_hundred_moves(panel, rng):
    panel.set(step=1)
    before = set(live_widgets())
    traces = len(panel.figure.data)
    for _ in range(200):
        panel.set(
            number=int(rng.integers(16)),
            step=int(rng.integers(8)),
            towards=str(rng.choice(["noise", "data"])),
            points=50,
        )
    assert set(live_widgets()) == before
    assert len(panel.figure.data) == traces


def test_close_frees_every_widget(world, model):
    before = set(live_widgets())
    dissect(world, model, name="closed").close()
    assert set(live_widgets()) <= before


def test_it_shows_a_still_beside_the_live_panel(panel):
    bundle = panel._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert [axes.get_title(loc="left") for axes in panel.still().axes] == list(
        panel.scene.points.names
    )


def test_names_from_a_file_are_text(world, model):
    names = ["<b>x</b>", *world.dataset.class_names[1:]]
    dataset = replace(world.dataset, class_names=names, attribute_names=["<i>", "b", "c"])
    panel = dissect(replace(world, dataset=dataset), model)
    assert "<i>" not in panel.described.value
    assert "&lt;i&gt;" in panel.described.value
    panel.close()
