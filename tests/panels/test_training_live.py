"""The training panel as an experiment with sliders: trained anew at each move, however fast.

Most tests put a training of their own in the place of ``fit``. Its losses are the perturbation of
its settings, so a curve says which training drew it.
"""

import re
import sys
import threading
import time

import numpy as np
import pytest
import torch

from gsmflow_lite.config import Config, ModelConfig, TrainingConfig
from gsmflow_lite.errors import DataError, TrainingError
from gsmflow_lite.events import Epoch, Stage, Step
from gsmflow_lite.panels import training_run
from gsmflow_lite.panels.train import TrainPanel, train

SMALL = Config(
    name="small",
    model=ModelConfig(blocks=2, hidden=16, embedding=8),
    training=TrainingConfig(
        epochs=4, batch=64, lr=1e-3, prototype_weight=0.0, perturbation=0.0, mining=None
    ),
)
module = sys.modules[TrainPanel.__module__]  # the package has a function of this name
FOR_EVER = 10**6
LOSS = torch.tensor(1.0)


class Trainings(list):
    """The trainings that began, as the settings of each; ``ended`` counts those that were left."""

    steps = 1  # an epoch
    pause = 0.002  # seconds, of a step
    epochs: int | None = None  # instead of those of the settings
    error: Exception | None = None  # after the first epoch
    ended = 0

    def fit(self, model, problem, config, *, seed, validate):
        """Stands in the place of the library's ``fit``."""
        self.append(config)
        try:
            yield from self.events(config)
        finally:
            self.ended += 1

    def events(self, config):
        epochs = self.epochs or config.epochs
        yield Stage("flow", epochs)
        for epoch in range(1, epochs + 1):
            for step in range(1, self.steps + 1):
                time.sleep(self.pause)
                yield Step("flow", step, self.steps, LOSS)
            yield Epoch(epoch, epochs, config.perturbation, 0.0, config.lr, 0.001)
            if self.error:
                raise self.error


@pytest.fixture
def panel(monkeypatch):
    monkeypatch.setattr(module, "REST", 0.05)
    panel = train("gaussian_world_2d", config=SMALL, name="live")
    panel.set(live=True)
    yield panel
    panel.close()


@pytest.fixture
def trainings(monkeypatch) -> Trainings:
    made = Trainings()
    monkeypatch.setattr(training_run, "fit", made.fit)
    return made


def until(holds, panel, seconds: float = 30.0) -> None:
    """Wait for something that the thread says, as the loop of the kernel would."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "this should have happened by now"
        panel.worker.hand_over()
        time.sleep(0.005)


def drag(panel, values) -> None:
    """Move a slider as a page does, with no time to rest."""
    for value in values:
        panel.controls["perturbation"].value = value
        panel.worker.hand_over()


def drawn_losses(panel) -> set[float]:
    return set(panel.pictures.curve.trace("likelihood").y)


# --- A move trains anew ---------------------------------------------------------------------------


def test_a_drag_begins_one_training_with_the_last_settings(panel, trainings):
    drag(panel, np.linspace(0.01, 0.3, 30))
    panel.wait()
    assert [config.perturbation for config in trainings] == [0.3]
    assert drawn_losses(panel) == {0.3}


def test_a_slider_that_moves_again_before_it_rests_begins_nothing(panel, trainings, monkeypatch):
    monkeypatch.setattr(module, "REST", 0.4)
    for value in (0.1, 0.2, 0.3):
        drag(panel, [value])
        time.sleep(0.15)
    assert trainings == []
    panel.wait()
    assert len(trainings) == 1


@pytest.mark.parametrize(
    "move",
    [
        {"lr": 0.002},
        {"prototype": 1.0},
        {"epochs": 3},
        {"blocks": 3},
        {"seed": 5},
        {"watch": False},
        {"data": "gaussian_world"},
        {"preset": "two dimensions"},
    ],
    ids=lambda move: next(iter(move)),
)
def test_each_setting_of_a_training_trains_anew(panel, trainings, move):
    panel.set(**move)
    panel.wait()
    assert trainings == [panel.config.training]
    assert panel.recording.config == panel.config
    assert panel.recording.seed == panel.settings["seed"]


def test_what_no_training_reads_begins_none(panel, trainings, monkeypatch):
    monkeypatch.setattr(TrainPanel, "_lay_out", lambda panel: None)
    panel.set(umap=True)
    panel.set(live=False)
    panel.set(live=True)
    panel.wait()
    assert trainings == []


def test_undo_and_a_pasted_state_train_anew_while_one_runs(panel, trainings):
    trainings.epochs = FOR_EVER
    drag(panel, [0.1])
    until(lambda: panel.history, panel)
    assert not panel.tools.text.disabled
    panel.set(epochs=3)
    until(lambda: len(trainings) == 2, panel)
    panel.tools.undo.click()
    until(lambda: len(trainings) == 3, panel)
    assert [config.epochs for config in trainings] == [4, 3, 4]


def test_a_move_ends_the_training_that_runs_and_nothing_of_it_is_drawn_afterwards(
    panel, trainings, monkeypatch
):
    monkeypatch.setattr(training_run, "BEAT", 0.0)  # all that it says would be drawn
    monkeypatch.setattr(training_run, "PATIENCE", 0.0)
    trainings.epochs = FOR_EVER
    drag(panel, [0.1])
    until(lambda: drawn_losses(panel) == {0.1}, panel)
    until(lambda: panel.worker._calls, panel)  # something more of it is on its way

    drawn = []
    panel.pictures.curve.figure.observe(
        lambda _: drawn.append(drawn_losses(panel)), "_py2js_restyle"
    )
    trainings.epochs = 20
    drag(panel, [0.2])
    assert drawn_losses(panel) == set()
    panel.wait()
    assert trainings.ended == 2
    assert set().union(*drawn) == {0.2}
    assert len(panel.history) == 20


def test_the_map_the_model_the_code_and_the_log_are_of_the_last_settings(panel):
    """With true trainings; the oracle is the code, run alone."""
    drag(panel, [0.1, 0.3, 0.2])
    panel.set(epochs=2, seed=3)
    panel.wait()
    names = {}
    exec(panel.code(), names)
    expected = [epoch.likelihood for epoch in names["history"]]
    assert [epoch.likelihood for epoch in panel.history] == pytest.approx(expected, rel=1e-6)
    assert list(panel.pictures.curve.trace("likelihood").y) == pytest.approx(expected, rel=1e-6)

    attributes = torch.from_numpy(panel.view.problem.attributes[panel.view.classes])
    features = names["model"].synthesize(attributes, 40, seed=3).flatten(0, 1).numpy()
    trace = panel.pictures.map.trace("synthesized", "pca")
    places = panel.view.scene.place(features, np.zeros(len(features), int)).points.pca
    np.testing.assert_allclose(np.stack([trace.x, trace.y], 1), places, rtol=1e-3, atol=1e-4)

    assert panel.shown == panel.settings
    assert panel.log["state"].tolist() == [panel.state()]
    assert panel.log["loss"].iloc[-1] == pytest.approx(expected[-1], abs=1e-3)


def test_a_move_that_is_refused_leaves_the_training_that_runs(panel, trainings, monkeypatch):
    def refuse(*args, **options):
        raise DataError("no such data")

    trainings.epochs = FOR_EVER
    drag(panel, [0.1])
    until(lambda: panel.history, panel)
    run = panel.run
    code = panel.code()
    monkeypatch.setattr(panel.data, "view", refuse)
    panel.set(data="gaussian_world")
    assert "no such data" in panel.tools.line.value
    time.sleep(0.1)
    panel.worker.hand_over()
    assert panel.run is run
    assert panel.running
    assert panel.shown == run.settings
    assert panel.code() == code


def test_the_line_says_how_long_the_last_training_took(panel, trainings):
    trainings.pause = 0.05
    drag(panel, [0.1])
    panel.wait()
    trainings.epochs = FOR_EVER
    drag(panel, [0.2])
    until(lambda: "epoch" in panel.tools.line.value, panel)
    seconds = re.search(r"the last training took ([\d.]+) s", panel.tools.line.value)
    assert 0.2 <= float(seconds[1]) < 1


# --- Stop, pause, errors, and off -----------------------------------------------------------------


def test_stop_while_the_slider_rests_trains_nothing_and_the_next_move_does(panel, trainings):
    drag(panel, [0.1])
    panel.buttons.stop.click()
    panel.wait()
    assert not panel.running
    assert trainings == []
    drag(panel, [0.2])
    panel.wait()
    assert [config.perturbation for config in trainings] == [0.2]


def test_stop_keeps_the_last_whole_epoch(panel, trainings):
    trainings.epochs = FOR_EVER
    drag(panel, [0.1])
    until(lambda: panel.history, panel)
    panel.buttons.stop.click()
    panel.wait()
    assert trainings.ended == 1
    assert "stopped by you" in panel.tools.line.value
    assert panel.pictures.curve.trace("likelihood").x[-1] == len(panel.history)


def test_a_pause_holds_and_a_move_trains_anew_without_it(panel, trainings):
    trainings.epochs = FOR_EVER
    drag(panel, [0.1])
    until(lambda: panel.history, panel)
    panel.buttons.pause.click()
    time.sleep(0.1)  # the batch that was under way
    panel.worker.hand_over()
    done = len(panel.history)
    time.sleep(0.1)
    panel.worker.hand_over()
    assert len(panel.history) == done
    trainings.epochs = None
    drag(panel, [0.2])
    assert panel.buttons.pause.description == "Pause"
    panel.wait()
    assert drawn_losses(panel) == {0.2}


def test_an_error_is_said_and_the_next_move_trains_again(panel, trainings):
    trainings.error = TrainingError("the loss must stay finite, got nan")
    drag(panel, [0.1])
    panel.wait()
    assert "the loss must stay finite" in panel.tools.line.value
    assert not panel.running
    trainings.error = None
    drag(panel, [0.2])
    panel.wait()
    assert "trained: 4 of 4 epochs" in panel.tools.line.value
    assert drawn_losses(panel) == {0.2}


def test_off_a_move_begins_nothing_and_the_controls_rest_while_it_trains(panel, trainings):
    trainings.epochs = FOR_EVER
    drag(panel, [0.1])
    until(lambda: panel.history, panel)
    resting = {name for name, control in panel.controls.items() if control.disabled}
    assert resting == {"strength"}  # nothing is mined
    panel.controls["live"].value = False
    assert all(control.disabled for control in panel.controls.values())
    assert panel.tools.text.disabled

    panel.set(perturbation=0.2)
    assert "for the next training" in panel.tools.line.value
    time.sleep(0.1)
    panel.worker.hand_over()
    assert panel.running
    panel.stop()
    panel.wait()
    panel.set(perturbation=0.3)
    panel.wait()
    assert len(trainings) == 1


def test_it_is_off_at_the_start():
    panel = train("gaussian_world_2d", config=SMALL, name="at the start")
    assert panel.settings["live"] is False
    panel.close()


# --- A page is sent no more than it can draw ------------------------------------------------------


def changes_of(widget, name):
    """Count how often a widget sends a trait."""
    counted = []
    widget.observe(lambda change: counted.append(change["new"]), name)
    return counted


@pytest.mark.parametrize("steps", [1, 1000], ids=lambda steps: f"{steps} steps an epoch")
def test_steps_of_a_tenth_of_a_millisecond_send_a_few_messages_a_second(panel, trainings, steps):
    figure, curve = panel.pictures.map.figure, panel.pictures.curve.figure

    def answer(change):
        """As a page does that draws at once."""
        if change["new"]:
            trace, layout = change["new"]["trace_edit_id"], change["new"]["layout_edit_id"]
            figure._js2py_traceDeltas = {"trace_deltas": [], "trace_edit_id": trace}
            figure._js2py_layoutDelta = {"layout_delta": {}, "layout_edit_id": layout}

    trainings.steps, trainings.pause, trainings.epochs = steps, 0.0, FOR_EVER
    figure.observe(answer, "_py2js_update")
    drag(panel, [0.1])
    until(lambda: panel.history, panel)
    sent = {
        "map": changes_of(figure, "_py2js_update"),
        "curve": changes_of(curve, "_py2js_restyle"),
        "line": changes_of(panel.tools.line, "value"),
        "bar": changes_of(panel.tools.bar, "value"),
        "caption": changes_of(panel.pictures.caption, "value"),
    }
    begun, seconds = time.monotonic(), 1.0
    until(lambda: time.monotonic() - begun > seconds, panel)
    numbers = {name: sum(one is not None for one in many) for name, many in sent.items()}
    assert max(numbers.values()) <= 10 * seconds + 1, numbers
    assert numbers["map"] >= 1  # frames of so long a training are far apart, and only they are sent


def test_nothing_queues_up_while_the_kernel_is_busy(trainings, monkeypatch):
    told = []
    show = TrainPanel.show_progress
    monkeypatch.setattr(TrainPanel, "show_progress", lambda *args: (told.append(args), show(*args)))
    monkeypatch.setattr(training_run, "BEAT", 0.0)  # the thread would tell of every event
    panel = train("gaussian_world_2d", config=SMALL, name="busy")
    trainings.epochs, trainings.pause = FOR_EVER, 0.0
    panel.start()
    until(lambda: panel.history, panel)
    told.clear()
    time.sleep(0.3)
    done = len(panel.history)
    panel.worker.hand_over()
    assert len(told) <= 3
    assert len(panel.history) > done + 10  # none of them is lost
    epochs = [epoch.epoch for epoch in panel.history]
    assert epochs == list(range(1, len(epochs) + 1))
    panel.close()


def test_the_last_state_is_drawn_also_where_no_page_answers(panel, trainings):
    trainings.epochs, trainings.pause = 1200, 0.0
    drag(panel, [0.1])
    panel.wait()
    curve = panel.pictures.curve.trace("likelihood")
    assert len(panel.history) == 1200
    assert curve.x[-1] == 1200
    assert len(curve.x) <= 500
    assert panel.pictures.player.frame.value == len(panel.recording.frames) - 1
    assert "epoch 1200" in panel.pictures.player.moment.value


def test_a_step_tells_its_loss_only_when_it_is_asked_for():
    """A loss that is read waits for the device."""
    read = []

    class Loss:
        def __float__(self):
            read.append(threading.current_thread())
            return 1.0

    run = training_run.TrainingRun(recording=None, settings={})
    told = [run._what_to_say(Step("flow", number, 500, Loss())) for number in range(500)]
    assert len(read) == 1
    assert sum(message is not None for message in told) == 1


def test_a_pause_shows_all_epochs_so_far(panel, trainings, monkeypatch):
    """Also those that the thread has not told of: it tells a few times a second."""
    monkeypatch.setattr(training_run, "BEAT", 600.0)
    trainings.epochs = FOR_EVER
    drag(panel, [0.1])
    until(lambda: trainings, panel)
    time.sleep(0.2)
    panel.buttons.pause.click()
    assert len(panel.history) > 10
    assert panel.pictures.curve.trace("likelihood").x[-1] == len(panel.history)
    assert f"paused after {len(panel.history)} whole epochs" in panel.tools.line.value
