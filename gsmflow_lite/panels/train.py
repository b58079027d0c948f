"""The training panel: start, pause and stop a training, watch it, and replay it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import plotly.graph_objects as go

from ..arguments import check_seed
from ..config import Config, of_kind
from ..errors import ConfigError
from ..events import Epoch, Step
from ..explorer.replay import Recording, View
from ..explorer.replay_figures import replay_figure
from ..explorer.scene import Scene
from ..method.model import GSMFlow
from ..progress import burst_in_words
from .controls import button, heading, rows
from .exports import Exports
from .preset_panel import PresetPanel
from .tidy_code import tidy
from .training_code import training_code
from .training_data import DataSource, Prepared, TrainingData
from .training_pictures import TrainingPictures, still_of
from .training_replay import IN_A_ROW
from .training_run import HasNews, TrainingRun
from .training_settings import OWN, PRESETS, config_of, for_training, training_controls

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRAINING_JOB = "training"
MAP_JOB = "map"
WIDTH = "104px"  # of the three buttons
REST = 0.3  # seconds that a slider must rest before a move trains anew


def train(
    dataset: DataSource = None,
    *,
    config: Config | None = None,
    seed: int = 0,
    state: str = "",
    hide: Sequence[str] = (),
    name: str = "train",
) -> TrainPanel:
    """Train a flow and watch what it synthesizes: press Start.

    With *Train anew at each move*, each move of a control that a training reads ends the training
    and starts a new one, from a new model, as soon as the control rests.

    - ``dataset`` is a data set, or a name or path for :func:`gsmflow_lite.datasets.load`. Without
      one it is the embedded glyphs.
    - ``config`` are settings to begin with; they stand among the presets.
    - ``state`` is a text of :meth:`Panel.state`.
    - ``hide`` names controls that are not shown.
    - A second panel of the same ``name`` closes the first.

    ``panel.model`` is the model as of the last whole epoch. Raises ``ConfigError`` for a seed that
    no random generator takes, for a ``config`` of another kind, or a state or hidden control that
    the panel does not have, and ``DataError`` for what is no data set.
    """
    seed = check_seed(seed)
    config = None if config is None else of_kind(config, Config)
    return TrainPanel(dataset, config=config, seed=seed, state=state, hide=hide, name=name)


class TrainPanel(PresetPanel):
    """The panel of :func:`train`.

    Its parts are the controls (``training_settings``), the data (``training_data``), the training
    in the background (``training_run``), and the ``pictures`` of it (``training_pictures``).
    """

    kind = "train"
    help = "Choose data and settings, then press Start"

    def __init__(
        self,
        dataset: DataSource,
        *,
        config: Config | None,
        seed: int,
        state: str,
        hide: Sequence[str],
        name: str,
    ) -> None:
        self.data = TrainingData(dataset)
        self.run: TrainingRun | None = None
        self.view: View | None = None
        self._view_of: tuple[Prepared, bool] | None = None  # what `view` was made for
        self._last_took: float | None = None  # seconds, of the last training that was not stopped
        self.pictures = TrainingPictures(self.telling)
        self.buttons = TrainingButtons(self.start, self.pause, self.stop)

        presets = PRESETS if config is None else {**PRESETS, OWN: config}
        controls = training_controls(self.data.options, self.data.first, presets, seed)
        super().__init__(controls, presets, name=name, hide=hide, start=state)
        self.exports = Exports(self, lambda: str(self.settings["data"])).box
        self.tools.shared = [self.exports]
        self.arrange(_left(controls), _right(self.pictures, self.buttons))
        self._followed = for_training(self.settings)  # what the last move led to
        self._enable()
        self.redraw()

    # --- Settings ----------------------------------------------------------------------------

    @property
    def choice(self) -> Prepared:
        """The data that are chosen, prepared as the preset asks for."""
        return Prepared.by(self.preset, self.settings["data"])

    def refresh(self) -> None:
        """Make another view for other data or another way to watch.

        All else waits for a start, or trains anew.
        """
        live = self.settings["live"]
        if self._wanted != self._view_of:
            self._current_view()
        elif self.running and not live:
            self.say("these settings are for the next training: this one goes on with its own")

        lacks_map = self.view is not None and not self.view.scene.has_map
        if self.settings["umap"] and lacks_map:
            self._lay_out()

        wanted = for_training(self.settings)
        if live and wanted != self._followed:
            self._begin(delay=REST)
        self._followed = wanted
        self._enable()

    def reset(self) -> None:
        """Set every control as at the start; the curve of the previous training goes."""
        self.pictures.curve.forget()
        super().reset()

    # --- View and map ------------------------------------------------------------------------

    @property
    def _wanted(self) -> tuple[Prepared, bool]:
        """What the settings ask a view for."""
        return self.choice, self.settings["watch"]

    def _current_view(self) -> View:
        """The view of the data that are chosen. It is made and shown where there is none."""
        if self.view is None or self._wanted != self._view_of:
            view = self.data.view(self.choice, fold=self.settings["watch"])
            self._new_recording(view)  # if it fails, what is shown must stay as it is
            self._forget()
            self.view = view
            self._view_of = self._wanted
            self._show_view(view)
        return self.view

    def _show_view(self, view: View) -> None:
        settings = self.settings
        self.pictures.show_view(
            self._new_recording(view), watched=settings["watch"], map_is_coming=settings["umap"]
        )

    def _new_recording(self, view: View) -> Recording:
        return Recording(view, self.config, self.settings["seed"])

    def _lay_out(self) -> None:
        """Make the UMAP map of the data in the background."""
        choice = self.choice
        dataset = self.data.dataset(choice)

        def deliver(scene: Scene) -> None:
            self.data.scenes[choice] = scene
            if choice == self.choice:
                self.change_scene(scene)

        self.submit(MAP_JOB, lambda task: Scene.of(dataset, watch=task), deliver)

    def change_scene(self, scene: Scene) -> None:
        """Show another map of the same data; the frames of a training move onto it."""
        self.view = replace(self._current_view(), scene=scene)
        if self.run is not None:
            self.run.move_to(self.view)
        self._show_view(self.view)
        self.pictures.show_frame(self.pictures.player.frame.value)

    # --- Start, pause, stop ------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a training has begun and has not ended; it may be paused."""
        return self.run is not None and self.run.live

    @property
    def model(self) -> GSMFlow | None:
        """The model as of the last whole epoch, also after a stop. None before any training."""
        return None if self.run is None else self.run.model

    @property
    def history(self) -> list[Epoch]:
        """The epochs of the training that is shown."""
        return [] if self.run is None else list(self.run.recording.history)

    def start(self) -> None:
        """Begin a training in the background. A training that runs is ended."""
        self.tools.forgive()
        with self.telling():
            self._begin()

    def _begin(self, delay: float = 0.0) -> None:
        """Begin a training instead of the one that is shown, after ``delay`` seconds."""
        recording = self._new_recording(self._current_view())
        self.pictures.clear()
        run = TrainingRun(recording, self.settings, delay)
        self.run = run
        self.shown = run.settings
        self.pictures.curve.make_room(run.epochs)
        self.tools.progress("starting", None, busy=True)
        run.task = self.submit(TRAINING_JOB, run.work, lambda _: self._end(run, "trained"))
        self._enable()

    def pause(self) -> None:
        """Wait at the next batch. Pressed once more: go on."""
        run = self.run
        if run is None or run.task is None or run.state != "training":
            return
        run.task.pause(not run.paused)
        run.take_in()
        if run.paused:
            epochs = f"paused after {len(self.history)} whole epochs"
            self.say(f"{epochs}: Resume goes on, and the replay is open")
        self._draw(run)

    def stop(self) -> None:
        """End the training at the next batch. ``model`` is that of the last whole epoch."""
        if self.run is None or not self.run.live:
            return
        self.run.state = "stopping"
        self.say("stopping at the next batch ...")
        self._enable()
        self.worker.cancel(TRAINING_JOB)
        if self.worker.idle:  # stopped before it began: the thread will not say so
            self.worker.wait()
            self._end(self.run, "stopped by you")

    def cancel(self) -> None:
        """Stop all work in the background. A training keeps what it has learnt."""
        self.stop()
        self.worker.cancel(MAP_JOB)

    def _forget(self) -> None:
        """Take the training that is shown away, and end it if it runs."""
        if self.running:
            self.worker.cancel(TRAINING_JOB)
        self.run = None
        self._enable()
        self.pictures.clear()
        self.pictures.curve.forget()  # losses of other data cannot be compared

    # --- What the thread says ----------------------------------------------------------------

    def show_progress(self, name: str | None, event: Any) -> None:
        """Show what a training says, or the stage of other work."""
        if isinstance(event, HasNews):
            if event.run is self.run:
                self._record(event.run)
            return
        if name == TRAINING_JOB and event is None:
            self.tools.progress("starting", None, busy=True)
            return
        is_batch = name == TRAINING_JOB and isinstance(event, Step) and event.stage == "flow"
        if not is_batch:
            super().show_progress(name, event)
        if name != TRAINING_JOB and self.run is not None and self.run.state == "stopping":
            self._end(self.run, "stopped by you")

    def show_failure(self, name: str, error: BaseException) -> None:
        """Say why a job has failed. A training that has failed is ended."""
        super().show_failure(name, error)
        if name == TRAINING_JOB and self.run is not None:
            self._end(self.run, "")

    def _record(self, run: TrainingRun) -> None:
        """Take in what a training has done, and draw it if the page is ready for more."""
        run.take_in()
        if run.paused or self.pictures.may_draw:
            self._draw(run)
        if run.state == "training" and not run.paused:
            share = run.epochs_done / run.epochs
            self.tools.progress(self._where(run), share, busy=True)

    def _where(self, run: TrainingRun) -> str:
        """Say in which epoch a training is."""
        epoch = min(run.epochs, int(run.epochs_done) + 1)
        text = f"epoch {epoch} of {run.epochs}"
        if self.settings["live"] and self._last_took is not None:
            text += f"; the last training took {self._last_took:.1f} s"
        return text

    def _end(self, run: TrainingRun, how: str) -> None:
        """Show all of a training that has ended, and let the controls be used again.

        ``how`` it ended is said in words; an empty text says nothing.
        """
        if run is not self.run or not run.live:
            return
        run.end()
        self._draw(run)
        self._last_took = run.seconds or self._last_took
        if how:
            self._tell_end(run, how)
        if run.scores and for_training(run.settings) == for_training(self.settings):
            self.remember(run.scores)

    def _tell_end(self, run: TrainingRun, how: str) -> None:
        """Say how long a training was, or that its loss has burst."""
        last = run.recording.history[-1:]
        if last and last[0].has_burst:
            self.say(f"{burst_in_words(last[0])}; {how} all the same: {run.length}", bad=True)
        else:
            self.say(f"{how}: {run.length}; now replay it with Frame")

    def _draw(self, run: TrainingRun) -> None:
        self.pictures.draw(run.recording)
        self._enable()

    def _enable(self) -> None:
        """Enable what can be used now."""
        run = self.run
        # With other settings, also undone or pasted ones, a training would not be what is shown.
        locked = self.running and not self.settings["live"]
        for control in self.controls.values():
            control.disabled = locked
        self.controls["strength"].disabled = locked or not self.settings["mining"]
        self.tools.lock(locked)
        self.buttons.enable(run)
        self.pictures.player.enable(run is not None and run.can_be_replayed)

    # --- What stays --------------------------------------------------------------------------

    @property
    def recording(self) -> Recording:
        """The training that is shown. Raises ``ConfigError`` where there is none yet."""
        if self.run is None or not self.run.recording.frames:
            raise ConfigError(
                "there must be a training to replay, but none was started: press Start, "
                "or call start()"
            )
        return self.run.recording

    def replay_figure(self) -> go.Figure:
        """Return the training as a plotly figure with frames.

        Its method ``write_html(path, auto_play=False)`` makes a page. Raises ``ConfigError`` where
        there is no training yet.
        """
        return replay_figure(self.recording)

    def still(self) -> Figure:
        """Return the curve, and the first and the last map. Without a training: the real points."""
        if self.run is not None and self.run.recording.frames:
            return still_of(self.run.recording)
        return still_of(self._new_recording(self._current_view()))

    def code(self) -> str:
        """Return the library calls that repeat the training."""
        shown = self.shown
        preset = self.presets[shown["preset"]]
        names = [] if self.view is None else self.view.names
        loading = self.data.code(Prepared.by(preset, shown["data"]))
        return tidy(training_code(shown, config_of(shown, preset), loading, names))


class TrainingButtons:
    """Start, Pause or Resume, and Stop."""

    def __init__(
        self, start: Callable[[], None], pause: Callable[[], None], stop: Callable[[], None]
    ) -> None:
        self.start = button(
            "Start", "play", "Train with these settings, from a new model", start, WIDTH
        )
        self.pause = button("Pause", "pause", "Wait, and go on where it was", pause, WIDTH)
        self.stop = button("Stop", "stop", "End the training; the model stays usable", stop, WIDTH)
        self.widget = widgets.HBox(
            [self.start, self.pause, self.stop], layout=widgets.Layout(**IN_A_ROW)
        )
        self.widget.add_class("words")

    def enable(self, run: TrainingRun | None) -> None:
        """Enable what can be pressed while a training is in its state; None: there is none."""
        running = run is not None and run.live
        paused = run is not None and run.paused
        can_stop = run is not None and run.state == "training"
        self.start.disabled = running
        self.pause.disabled = not can_stop
        self.stop.disabled = not can_stop
        self.stop.description = (
            "Stopping" if run is not None and run.state == "stopping" else "Stop"
        )
        self.pause.description = "Resume" if paused else "Pause"
        self.pause.icon = "play" if paused else "pause"


def _left(controls: Mapping[str, widgets.Widget]) -> list[widgets.Widget]:
    """The controls in their place, under headings."""
    return [
        heading("Data and settings", "Data"),
        *_some(controls, "data", "preset"),
        heading("Model"),
        *_some(controls, "blocks", "hidden", "semantics"),
        *rows(_some(controls, "positioning", "start")),
        heading("Training"),
        *_some(controls, "perturbation", "prototype", "mining", "strength"),
        *_some(controls, "lr", "epochs", "seed", "live"),
        heading("What is watched", "Watch"),
        *rows(_some(controls, "watch", "umap")),
        controls["every"],
    ]


def _right(pictures: TrainingPictures, buttons: TrainingButtons) -> list[widgets.Widget]:
    """The pictures in their place, the buttons above them."""
    figures = [pictures.map.figure, pictures.player.widget, pictures.curve.figure]
    return [buttons.widget, pictures.note, *figures, pictures.samples, pictures.caption]


def _some(controls: Mapping[str, widgets.Widget], *names: str) -> list[widgets.Widget]:
    return [controls[name] for name in names]
