"""The training panel without a browser: press buttons, set values, read arrays of figures."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from live_widgets import live_widgets

from gsmflow_lite import fit, new_model
from gsmflow_lite.config import Config, ModelConfig, TrainingConfig
from gsmflow_lite.datasets import load
from gsmflow_lite.errors import ConfigError
from gsmflow_lite.events import Epoch
from gsmflow_lite.panels import training_run
from gsmflow_lite.panels.train import train

SMALL = Config(
    name="small",
    model=ModelConfig(blocks=2, hidden=16, embedding=8),
    training=TrainingConfig(
        epochs=4, batch=64, lr=1e-3, prototype_weight=0.0, perturbation=0.0, mining=None
    ),
)
LONG = {"epochs": 200, "hidden": 256}


@pytest.fixture
def panel():
    panel = train("gaussian_world_2d", config=SMALL, name="test")
    yield panel
    panel.close()


def trained_alike(panel, epochs: int):
    """The oracle: the same training by calls of the library, without a panel."""
    model = new_model(panel.view.problem, panel.config.model, seed=panel.settings["seed"])
    for event in fit(model, panel.view.problem, panel.config.training, seed=panel.settings["seed"]):
        if isinstance(event, Epoch) and event.epoch == epochs:
            break
    return model.eval()


def until(holds, panel, seconds: float = 30.0) -> None:
    """Wait for something that the thread says, as the loop of the kernel would."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "this should have happened by now"
        panel.worker.hand_over()
        time.sleep(0.01)


def line(panel) -> str:
    return panel.tools.line.value


def test_the_curve_shows_the_losses_of_the_same_training_without_a_panel(panel):
    panel.buttons.start.click()
    panel.wait()
    model = new_model(panel.view.problem, SMALL.model, seed=0)
    events = fit(model, panel.view.problem, SMALL.training, seed=0)
    losses = [event.likelihood for event in events if isinstance(event, Epoch)]
    assert list(panel.pictures.curve.trace("likelihood").x) == [1, 2, 3, 4]
    np.testing.assert_allclose(panel.pictures.curve.trace("likelihood").y, losses, rtol=1e-6)


def test_h_of_the_curve_is_that_of_a_nearest_mean_classifier_written_as_a_loop(panel):
    panel.start()
    panel.wait()
    fold = panel.view.problem
    means = class_means_by_hand(fold, panel.model)

    def harmonic(handicap):
        shares = [share_right(fold, rows, means, handicap) for rows in test_rows]
        return 200 * shares[0] * shares[1] / sum(shares)

    test_rows = (fold.test_seen, fold.test_unseen)
    shown = panel.pictures.curve.trace("score").y[-1]
    best = max(harmonic(handicap) for handicap in np.linspace(-4, 4, 161))
    assert shown == pytest.approx(best, abs=1.5)  # both search a grid of calibrations


def class_means_by_hand(fold, model):
    """Means of real rows for seen classes, of 50 synthesized ones for the unseen."""
    train_labels = fold.labels[fold.train]
    train_features = fold.features[fold.train]
    means = {k: train_features[train_labels == k].mean(0) for k in fold.seen_classes}
    attributes = torch.from_numpy(fold.attributes[fold.unseen_classes])
    synthesized = model.synthesize(attributes, 50, seed=0).numpy()
    for k, features in zip(fold.unseen_classes, synthesized, strict=True):
        means[k] = features.mean(0)
    return means


def share_right(fold, rows, means, handicap):
    """The mean over classes of the share of rows whose nearest mean is that of their class."""
    right = {k: [] for k in np.unique(fold.labels[rows])}
    for x, label in zip(fold.features[rows], fold.labels[rows], strict=True):
        cost = {
            k: ((x - mean) ** 2).sum() + handicap * (k in fold.seen_classes)
            for k, mean in means.items()
        }
        right[label].append(min(cost, key=cost.get) == label)
    return np.mean([np.mean(hits) for hits in right.values()])


def test_the_model_never_sees_the_classes_that_play_the_unseen(panel):
    full = load("gaussian_world_2d")
    problem = panel.view.problem
    names = [problem.class_names[k] for k in problem.unseen_classes]
    trained_on = {problem.class_names[k] for k in np.unique(problem.labels[problem.train])}
    seen = {full.class_names[k] for k in full.seen_classes}
    assert set(names) == {full.class_names[k] for k in full.validation_classes}
    assert trained_on == seen - set(names)
    assert all(name in panel.pictures.note.value for name in names)
    assert "Nothing is chosen on the test set" in panel.pictures.note.value


def test_without_h_all_seen_classes_are_trained_on(panel):
    panel.set(watch=False, epochs=1)
    panel.start()
    panel.wait()
    full = load("gaussian_world_2d")
    problem = panel.view.problem
    assert set(np.unique(problem.labels[problem.train])) == set(full.seen_classes)
    assert len(panel.pictures.curve.trace("score").y) == 0
    assert list(panel.view.shown) == list(full.unseen_classes)


def test_start_returns_before_the_training_is_done(panel):
    panel.set(**LONG)
    panel.start()
    assert panel.running
    assert len(panel.history) < LONG["epochs"]


@pytest.mark.parametrize("answers", [True, False])
def test_a_page_that_is_still_drawing_is_sent_nothing_more(panel, monkeypatch, answers):
    drawings = []
    figure = panel.pictures.map.figure

    def page(change):
        if change["new"]:
            drawings.append(change["new"])
        if change["new"] and answers:
            say_that_it_is_drawn(figure, change["new"])

    def waiting(*args, **options):
        """A training that waits after each epoch until the panel has heard of it."""
        for event in fit(*args, **options):
            yield event
            if isinstance(event, Epoch):
                until_heard(lambda done=event.epoch: len(panel.history) == done)

    monkeypatch.setattr(training_run, "fit", waiting)
    monkeypatch.setattr(training_run, "BEAT", 0)  # it may draw at every event
    monkeypatch.setattr(training_run, "PATIENCE", 600)
    panel.set(epochs=12)
    figure.observe(page, "_py2js_update")
    panel.start()
    panel.wait()
    assert len(panel.history) == 12
    assert (len(drawings) > 12) == answers
    assert len(drawings) > 1  # the last one is drawn anyhow


def until_heard(holds, seconds: float = 30.0) -> None:
    """Wait in the thread of a training for what the kernel does."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "this should have happened by now"
        time.sleep(0.001)


def say_that_it_is_drawn(figure, update) -> None:
    """Answer as a page does."""
    figure._js2py_traceDeltas = {"trace_deltas": [], "trace_edit_id": update["trace_edit_id"]}
    figure._js2py_layoutDelta = {"layout_delta": {}, "layout_edit_id": update["layout_edit_id"]}


def test_stop_ends_the_thread_and_leaves_a_model_of_the_last_whole_epoch(panel):
    panel.set(**LONG)
    panel.start()
    until(lambda: len(panel.history) >= 2, panel)
    panel.buttons.stop.click()
    panel.wait(20)
    assert panel.worker.idle
    assert not panel.running
    done = len(panel.history)
    assert 2 <= done < LONG["epochs"]
    assert f"stopped by you: {done} of 200" in line(panel)
    attributes = torch.from_numpy(panel.view.problem.attributes[:2])
    expected = trained_alike(panel, done).synthesize(attributes, 5, seed=3)
    torch.testing.assert_close(panel.model.synthesize(attributes, 5, seed=3), expected)


def test_stop_answers_at_once(panel, monkeypatch):
    panel.set(**LONG)
    panel.start()
    until(lambda: panel.history, panel)
    said = []
    panel.tools.line.observe(lambda change: said.append(change["new"]), names="value")
    monkeypatch.setattr(panel.worker, "cancel", lambda name=None: said.append("cancelled"))
    panel.buttons.stop.click()
    assert "stopping at the next batch" in said[0]
    assert panel.buttons.stop.description == "Stopping"
    monkeypatch.undo()
    panel.stop()
    panel.worker.cancel()
    panel.wait(20)
    assert panel.buttons.stop.description == "Stop"


def test_a_training_that_is_stopped_before_it_began_gives_the_controls_back(panel):
    panel.start()
    panel.stop()
    panel.wait(20)
    assert not panel.running
    assert not panel.buttons.start.disabled


def test_nothing_more_is_trained_after_a_stop(panel):
    panel.set(**LONG)
    panel.start()
    until(lambda: panel.history, panel)
    panel.stop()
    panel.wait(20)
    done = len(panel.history)
    time.sleep(0.3)
    panel.wait()
    assert len(panel.history) == done


def test_a_paused_training_does_no_epoch_and_then_goes_on(panel):
    panel.set(epochs=30, hidden=128)
    panel.start()
    until(lambda: panel.history, panel)
    panel.buttons.pause.click()
    time.sleep(0.3)  # the batch that was under way
    panel.worker.hand_over()
    done = len(panel.history)
    time.sleep(0.5)
    panel.worker.hand_over()
    assert len(panel.history) == done < 30
    assert panel.buttons.pause.description == "Resume"
    assert not panel.pictures.player.frame.disabled
    panel.buttons.pause.click()
    panel.wait()
    assert len(panel.history) == 30


def test_a_paused_training_can_be_stopped(panel):
    panel.set(**LONG)
    panel.start()
    until(lambda: panel.history, panel)
    panel.pause()
    panel.stop()
    panel.wait(20)
    assert not panel.running
    assert panel.worker.idle


def test_a_frame_is_what_a_model_trained_for_as_many_epochs_synthesizes(panel):
    panel.start()
    panel.wait()
    assert [frame.epoch for frame in panel.recording.frames] == [0, 1, 2, 3, 4]
    attributes = torch.from_numpy(panel.view.problem.attributes[panel.view.classes])
    for k in (1, 3):
        expected = trained_alike(panel, k).synthesize(attributes, 40, seed=0).flatten(0, 1)
        np.testing.assert_allclose(
            panel.recording.frames[k].synthesized.features, expected, rtol=1e-4, atol=1e-5
        )


def test_scrubbing_puts_the_frame_on_the_map_and_the_ring_on_the_curve(panel):
    panel.start()
    panel.wait()
    panel.pictures.player.frame.value = 2
    trace = panel.pictures.map.trace("synthesized", "pca")
    shown = np.stack([trace.x, trace.y], axis=1)
    np.testing.assert_allclose(shown, panel.recording.frames[2].synthesized.points.pca)
    assert list(panel.pictures.curve.trace("here").x) == [2]
    assert "epoch 2" in panel.pictures.player.moment.value
    panel.pictures.player.forth.click()
    assert panel.pictures.player.frame.value == 3


def test_playing_moves_the_frame(panel):
    panel.start()
    panel.wait()
    panel.pictures.player.play.value = 1  # what the page does while it plays
    assert panel.pictures.player.frame.value == 1
    panel.pictures.player.pace.value = 1500
    assert panel.pictures.player.play.interval == 1500


def test_the_map_does_not_move(panel):
    def frame():
        layout = panel.pictures.map.figure.layout
        return [tuple(layout[axis].range) for axis in ("xaxis", "yaxis")]

    before = frame()
    panel.start()
    panel.wait()
    panel.pictures.player.frame.value = 0
    assert frame() == before


def test_controls_reach_the_training(panel):
    panel.controls["blocks"].value = 3
    panel.controls["lr"].value = 0.002
    panel.controls["mining"].value = 5
    panel.controls["strength"].value = 7
    panel.controls["start"].value = True
    config = panel.config
    assert (config.model.blocks, config.training.lr) == (3, 0.002)
    assert (config.training.mining.loops, config.training.mining.beta) == (5, 7.0)
    assert config.model.start == "ridge-gaussian"
    panel.set(epochs=1)
    panel.start()
    panel.wait()
    assert len(panel.model.flow.blocks) == 3


def test_a_preset_fills_the_sliders_and_one_undo_takes_it_back(panel):
    before = panel.settings
    panel.controls["preset"].value = "as published, laptop size"
    published = panel.presets["as published, laptop size"]
    assert panel.config == published
    assert panel.settings["mining"] == published.training.mining.loops
    panel.undo()
    assert panel.settings == before


def test_a_state_brings_back_settings_that_differ_from_their_preset(panel):
    panel.set(preset="two dimensions", blocks=7)
    text = panel.state()
    panel.reset()
    panel.restore(text)
    restored = [panel.settings[name] for name in ("preset", "blocks", "hidden")]
    assert restored == ["two dimensions", 7, 64]


def test_the_code_repeats_the_training(panel):
    panel.set(epochs=2, prototype=1.0, perturbation=0.1, seed=3)
    panel.start()
    panel.wait()
    names = {}
    exec(panel.code(), names)
    for field in ("likelihood", "score"):
        by_code = [getattr(epoch, field) for epoch in names["history"]]
        by_panel = [getattr(epoch, field) for epoch in panel.history]
        assert by_code == pytest.approx(by_panel, rel=1e-6)


def test_the_code_for_ones_own_data_uses_the_name_dataset(make_dataset):
    dataset = make_dataset(seen=6, rows=20)
    panel = train(dataset, config=SMALL, name="own")
    panel.set(epochs=1, watch=False)
    panel.start()
    panel.wait()
    names = {"dataset": dataset}
    exec(panel.code(), names)
    by_code = names["history"][0].likelihood
    assert by_code == pytest.approx(panel.history[0].likelihood, rel=1e-6)
    panel.close()


def test_a_path_may_name_a_data_set_that_comes_with_the_library():
    panel = train(Path("gaussian_world_2d"), config=SMALL, name="path")
    assert panel.settings["data"] == "gaussian_world_2d"
    panel.close()


def test_a_loss_that_bursts_is_said_in_a_line_and_the_controls_come_back(make_dataset):
    calm = make_dataset(seen=6, rows=20)
    large = make_dataset(seen=6, rows=20, features=calm.features * 1e25)
    panel = train(large, config=SMALL, name="bursting")
    panel.start()
    assert panel.buttons.start.disabled
    panel.wait()
    assert "the loss must stay finite" in line(panel)
    assert 'role="alert"' in line(panel)
    assert not panel.buttons.start.disabled
    assert not panel.controls["lr"].disabled
    panel.close()


def test_a_loss_that_is_finite_and_of_no_use_is_said_in_words(panel):
    panel.set(lr=1.0)
    panel.start()
    panel.wait()
    loss = panel.history[-1].likelihood
    assert loss > 1e6
    assert f"the loss has burst: {loss:.3g} nats a dimension after epoch 4" in line(panel)
    assert 'role="alert"' in line(panel)
    assert f"{loss:.3g} (it has burst)" in panel.recording.in_words(4)


def test_controls_rest_while_it_trains(panel):
    panel.set(**LONG)
    panel.start()
    assert all(control.disabled for control in panel.controls.values())
    panel.stop()
    panel.wait(20)
    resting = {name for name, control in panel.controls.items() if control.disabled}
    assert resting == {"strength"}  # nothing is mined


def test_another_data_set_ends_the_training_and_clears_its_picture(panel):
    panel.set(**LONG)
    panel.start()
    until(lambda: panel.history, panel)
    panel.set(data="gaussian_world")
    panel.wait(20)
    assert not panel.running
    assert panel.model is None
    assert len(panel.pictures.curve.trace("likelihood").x) == 0
    assert panel.view.problem.features.shape[1] == 64


def test_a_second_start_ends_the_first_training(panel):
    panel.set(**LONG)
    panel.start()
    until(lambda: panel.history, panel)
    with panel.quietly():
        panel.set(epochs=2)
    panel.start()
    panel.wait()
    assert [e.epoch for e in panel.history] == [1, 2]
    assert "TrainingConfig(epochs=2," in panel.code()


def test_the_log_keeps_what_was_trained_with_its_scores(panel):
    panel.start()
    panel.wait()
    assert list(panel.log.columns) == ["state", "loss", "H"]
    assert panel.log["loss"].iloc[0] == pytest.approx(panel.history[-1].likelihood, abs=1e-3)


def test_no_widget_is_made_after_the_first_view(panel):
    live = live_widgets()
    before = set(live)
    for _ in range(2):
        panel.set(epochs=2)
        panel.start()
        panel.wait()
        panel.pictures.player.frame.value = 0
    panel.set(data="gaussian_world")
    assert set(live) == before


def test_closing_frees_every_widget():
    live = live_widgets()
    before = set(live)
    panel = train("gaussian_world_2d", config=SMALL, name="short-lived")
    assert len(live) > len(before)
    panel.close()
    assert set(live) == before


def test_it_makes_two_figures():
    live = live_widgets()
    before = set(live)  # other files may have left theirs
    panel = train("gaussian_world_2d", config=SMALL, name="test")
    panel.wait()
    new = [live[key] for key in set(live) - before]
    figures = [widget for widget in new if isinstance(widget, go.FigureWidget)]
    assert len(figures) == 2
    assert panel.pictures.curve.figure in figures
    assert panel.pictures.map.figure in figures
    panel.close()


def test_every_control_has_a_description(panel):
    player = panel.pictures.player
    pressed = [panel.buttons.start, panel.buttons.pause, panel.buttons.stop]
    for control in (*panel.controls.values(), *pressed, player.frame, player.pace):
        assert control.description
    assert all(button.icon for button in (*pressed, player.back, player.forth))


def test_a_map_that_comes_later_takes_the_frames_along(panel):
    """With a layout that is ready; only the panel's own part is tested here."""
    from gsmflow_lite.explorer.scene import Scene
    from gsmflow_lite.figures.projection import Projection

    panel.start()
    panel.wait()
    ready = Scene.through(
        panel.data.dataset(panel.choice),
        lambda space: Projection.ready(space, space[:, ::-1].copy(), neighbours=5, seed=0),
    )
    panel.change_scene(ready)
    panel.pictures.player.frame.value = 1
    assert np.isfinite(panel.pictures.map.trace("synthesized", "umap").x).all()
    np.testing.assert_allclose(
        panel.pictures.map.trace("synthesized", "pca").x,
        panel.recording.frames[1].synthesized.points.pca[:, 0],
    )


def test_glyphs_come_with_their_map_and_a_model_of_another_whitening_lands_on_it():
    panel = train(config=None, name="glyphs")
    panel.set(epochs=1, hidden=16)
    panel.start()
    panel.wait()
    view = panel.view
    assert view.scene.has_map

    attributes = torch.from_numpy(view.problem.attributes[view.classes])
    synthesized = panel.model.synthesize(attributes, 40, seed=0).numpy().reshape(-1, 64)
    pixels = view.problem.preprocessing.inverse(synthesized)
    expected = view.scene.dataset.preprocessing.transform(pixels)
    shown = panel.recording.frames[-1].synthesized.features
    np.testing.assert_allclose(shown, expected, rtol=1e-3, atol=1e-3)
    panel.close()


def test_a_lens_that_was_not_laid_out_says_how_to_get_it(panel):
    notes = panel.pictures.map.figure.to_dict()["layout"]["annotations"]
    texts = [note["text"] for note in notes]
    assert any("switch on" in text for text in texts)
    assert not any("being made" in text for text in texts)


def test_replaying_before_a_training_says_what_to_do(panel):
    with pytest.raises(ConfigError, match="press Start"):
        panel.replay_figure()


def test_a_still_is_there_before_and_after(panel):
    assert panel.still().axes
    panel.start()
    panel.wait()
    assert len(panel.still().axes) == 4  # loss, H, first map, last map
    assert "image/png" in panel._repr_mimebundle_()


def test_while_it_trains_nothing_pressed_or_pasted_ends_it(panel):
    panel.set(data="gaussian_world")
    panel.set(**LONG)
    tools = panel.tools
    ways_to_change = (tools.undo, tools.reset, tools.text, tools.tried)
    panel.start()
    until(lambda: panel.history, panel)
    assert all(widget.disabled for widget in ways_to_change)
    panel.stop()
    panel.wait()
    assert not any(widget.disabled for widget in ways_to_change)


def test_a_learning_rate_of_many_digits_is_kept_to_the_last(panel):
    rate = 3e-4 * 0.8**3
    assert rate != float(f"{rate:.12g}")
    config = replace(SMALL, training=replace(SMALL.training, lr=rate))
    other = train("gaussian_world_2d", config=config, name="digits")
    other.set(epochs=7)
    assert (other.config.training.lr, other.settings["lr"]) == (rate, rate)
    other.restore(other.state())
    other.undo()
    other.reset()
    assert other.config.name == "small"
    with pytest.raises(ConfigError, match="epochs cannot be"):
        other.set(epochs=10**6)
    other.close()
