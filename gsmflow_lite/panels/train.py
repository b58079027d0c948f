"""The training panel: choose data and settings, start, pause, stop; loss, validation H and a map live; then the replay."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
import plotly.graph_objects as go

from ..config import Config, ModelConfig, TrainingConfig, check_seed, lite
from ..datasets import GZSLDataset, available, load
from ..errors import ConfigError, GSMFlowError
from ..events import Epoch, Stage, Step
from ..explorer import replay
from ..explorer.replay import Frame, Recording, View, frame_epochs, quick_harmonic
from ..explorer.scene import Scene, Synthesized
from ..figures.points import NO_POINTS
from ..figures.style import MIDDLE_GREY, PALETTE, class_colours, plain, short
from ..generators.zoo import MINING, Mechanisms, glyph_zoo
from ..method.model import GSMFlow
from ..method.training import fit, new_model
from .controls import WIDE, choice, heading, rows, slider, switch
from .lensmap import NO_MAP, LensMap
from .live import LiveFigure
from .panel import Panel, button
from .worker import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRAINING, MAP = "training", "map"  # jobs
OWN = "own"
BEAT = 0.2  # seconds: a kernel that is told more often has no time for anything else
PATIENCE = 5.0  # seconds that a page gets for one drawing: there may be none that answers
PACES = {"slow": 1500, "normal": 700, "fast": 200}  # milliseconds a frame of the replay
PRESETS = {
    "lite/glyphs": lite("glyphs"),
    "lite/features": lite("features"),
    "as published, laptop size": Mechanisms().config(),
    "two dimensions": Config(
        name="two dimensions", source="this library, to draw with: chosen on nothing",
        model=ModelConfig(blocks=4, hidden=64, embedding=32),
        training=TrainingConfig(epochs=40, batch=64, lr=2e-3, prototype_weight=0.0, perturbation=0.0, mining=None),
    ),
}  # fmt: skip
USUAL_PRESETS = {
    "glyphs": "lite/glyphs",
    "gaussian_world_2d": "two dimensions",
}  # preset of a data set, else lite/features


def train(
    dataset: GZSLDataset | str | Path | None = None,
    *,
    config: Config | None = None,
    seed: int = 0,
    state: str = "",
    hide: Sequence[str] = (),
    name: str = "train",
) -> TrainPanel:
    """Train a flow and watch what it synthesizes: press Start.

    ``dataset``: a data set, or what :func:`gsmflow_lite.datasets.load` knows; the embedded glyphs where None. ``config``:
    settings to begin with, beside the presets. ``state``: what :meth:`Panel.state` gave. ``hide``: names of controls that are
    not shown. A second panel of a ``name`` closes the first. ``panel.model`` is the model as of the last whole epoch.
    """
    check_seed(seed)
    return TrainPanel(dataset, config=config, seed=seed, state=state, hide=hide, name=name)


# --- What the thread that trains tells the kernel's thread ------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Beat:
    """A batch is done, told a few times a second."""

    run: Run
    done: float  # epochs, with the part of this one
    loss: float


@dataclass(frozen=True, eq=False)
class Shot:
    """The model as of a whole epoch, a copy; ``epoch`` is None before the first one, ``frame`` where none is kept."""

    run: Run
    epoch: Epoch | None
    model: GSMFlow
    frame: Frame | None


@dataclass(eq=False)
class Run:
    """One training: what is asked for, and what is there of it."""

    recording: Recording
    settings: dict[str, Any]
    every: int  # epochs between two frames
    task: Task | None = None
    model: GSMFlow | None = None
    live: bool = True  # begun and neither done, stopped nor failed
    stopping: bool = False

    def work(self, task: Task) -> None:
        """Train in the thread of ``task``; every event is a place where it can wait or end. Nothing live leaves it."""
        view, config, seed = self.recording.view, self.recording.config, self.recording.seed
        marks, last, whole = frame_epochs(config.training.epochs, self.every), 0.0, 0
        task(Stage("a new model", 1))
        model = new_model(view.problem, config.model, seed=seed)
        task(self._shot(model, None, marks))
        for event in fit(
            model, view.problem, config.training, seed=seed, validate=self._validate()
        ):
            if isinstance(event, Epoch):
                whole = event.epoch
                task(self._shot(model, event, marks))
            elif isinstance(event, Stage):
                task(event)
            elif time.monotonic() - last < BEAT:
                task()
            else:
                last = time.monotonic()
                task(
                    event
                    if event.loss is None
                    else Beat(self, whole + event.done / event.total, float(event.loss))
                )

    def _validate(self):
        if not self.settings["watch"]:
            return None
        return lambda model, epoch: quick_harmonic(
            model, self.recording.view.problem, seed=self.recording.seed
        )

    def _shot(self, model: GSMFlow, epoch: Epoch | None, marks: set[int]) -> Shot:
        number = epoch.epoch if epoch else 0
        frozen = copy.deepcopy(model).eval()
        frame = None
        if number in marks:
            frame = Frame(number, self.recording.view.ask(frozen, seed=self.recording.seed))
        return Shot(self, epoch, frozen, frame)


# --- The panel --------------------------------------------------------------------------------------------------------


class TrainPanel(Panel):
    """See :func:`train`."""

    kind = "train"
    help = "Choose data and settings, then press Start"

    def __init__(
        self, dataset: GZSLDataset | str | Path | None, *, config: Config | None, seed: int, state: str, hide: Sequence[str],
        name: str,
    ) -> None:  # fmt: skip
        self.run: Run | None = None
        self._source = dataset
        self._given = (
            load(dataset)
            if isinstance(dataset, str | Path) and str(dataset) not in available()
            else dataset
        )
        self.presets = {**PRESETS, **({} if config is None else {OWN: config})}
        self._view_of: tuple = ()  # what `view` was made for
        self.view: View | None = None
        self._scenes: dict[tuple, Scene] = {}
        self._following = False
        self._seen = True  # the page has drawn what it was sent last
        controls = self._make_controls(seed)
        controls["preset"].observe(self._preset_picked, names="value")
        self._make_views()
        super().__init__(controls, name=name, hide=hide, start=state)
        self._arrange()
        self._redraw()

    # --- Controls and views, made once -------------------------------------------------------------------------------

    def _make_controls(self, seed: int) -> dict[str, Any]:
        given = self._given
        embedded = given if isinstance(given, str) else "glyphs" if given is None else OWN
        data = [(text, text) for text in available()]
        if embedded == OWN:
            data.append((f"your own: {short(given.name)}", OWN))
        preset = OWN if OWN in self.presets else USUAL_PRESETS.get(embedded, "lite/features")
        v = _as_settings(self.presets[preset])
        top = max
        return {
            "data": choice("Data", data, embedded, "What is trained on"),
            "preset": choice("Preset", list(self.presets), preset, "Fills in the settings below"),
            "blocks": slider("Layers", v["blocks"], 1, top(8, v["blocks"]), 1, "Coupling layers: more bend further"),
            "hidden": slider("Width", v["hidden"], 8, top(1024, v["hidden"]), 8, "Of the coupling networks"),
            "semantics": choice("Semantics", ["every", "first", "none"], v["semantics"], "Layers that read the description"),
            "positioning": switch("relative positioning", v["positioning"], "Descriptions are seen from three anchors"),
            "start": switch("ridge start", v["start"], "Not of the papers: the flow starts from a ridge-Gaussian"),
            "perturbation": slider("Perturbation", v["perturbation"], 0.0, 1.0, 0.01, "Noise on features in training"),
            "prototype": slider("Prototype", v["prototype"], 0.0, top(10.0, v["prototype"]), 0.5, "Weight of that loss"),
            "mining": slider("Mining steps", v["mining"], 0, top(30, v["mining"]), 1, "Of boundary samples; 0: no mining"),
            "strength": slider("Strength", v["strength"], 0, top(30, v["strength"]), 1, "How far mining draws samples"),
            "lr": widgets.SelectionSlider(
                options=_rates(v["lr"], *(preset.training.lr for preset in self.presets.values())), value=v["lr"],
                description="Learning rate", tooltip="Larger learns faster, until the loss bursts",
                style={"description_width": "104px"}, layout=widgets.Layout(width=WIDE),
            ),
            "epochs": slider("Epochs", v["epochs"], 1, top(200, v["epochs"]), 1, "Passes over the training rows"),
            "watch": switch("watch H", True, "On validation classes, which are then left out of training"),
            "umap": switch("UMAP map", False, "Lay out the second map: a minute the first time (glyphs bring theirs)"),
            "every": slider("Map every", 1, 1, 20, 1, "Epochs between two maps"),
            "seed": slider("Seed", seed, 0, top(20, seed), 1, "Of the weights, the order of batches and the noise"),
        }  # fmt: skip

    def _make_views(self) -> None:
        self.curve = _Curve()
        self.map = LensMap([], height=430)
        self.map.figure.update_layout(dragmode="pan")  # nothing is selected here
        self.note, self.caption = (
            widgets.HTML(layout=widgets.Layout(width="100%", margin="0")) for _ in range(2)
        )
        self.go = button(
            "Start", "play", "Train with these settings, from a new model", self.start, "104px"
        )
        self.hold = button("Pause", "pause", "Wait, and go on where it was", self.pause, "104px")
        self.halt = button(
            "Stop", "stop", "End the training; the model stays usable", self.stop, "104px"
        )
        self.play = widgets.Play(
            min=0, max=0, interval=PACES["normal"], show_repeat=False, layout=widgets.Layout(width="auto"), tooltip="Play",
        )  # fmt: skip
        self.back = button("Back", "step-backward", "One frame back", lambda: self._step(-1))
        self.forth = button("Step", "step-forward", "One frame on", lambda: self._step(1))
        self.frame = widgets.IntSlider(
            min=0, max=0, description="Frame", tooltip="Arrow keys step through the training", readout=False,
            style={"description_width": "46px"}, layout=widgets.Layout(width="270px"),
        )  # fmt: skip
        self.pace = widgets.Dropdown(
            options=list(PACES.items()), value=PACES["normal"], description="Pace", tooltip="Of the replay",
            style={"description_width": "40px"}, layout=widgets.Layout(width="140px"),
        )  # fmt: skip
        self.moment = widgets.HTML(layout=widgets.Layout(margin="0 0 0 8px"))
        self.frame.observe(lambda change: self._show_frame(change["new"]), names="value")
        self.play.observe(lambda change: self._go_to(change["new"]), names="value")
        self.pace.observe(
            lambda change: setattr(self.play, "interval", change["new"]), names="value"
        )

    def _arrange(self) -> None:
        c = self.controls
        left = [
            c["data"], c["preset"], heading("Model"), c["blocks"], c["hidden"], c["semantics"],
            *rows([c["positioning"], c["start"]]), heading("Training"),
            *(c[key] for key in ("perturbation", "prototype", "mining", "strength", "lr", "epochs", "seed")),
            heading("What is watched"), *rows([c["watch"], c["umap"]]), c["every"],
        ]  # fmt: skip
        line = {"flex_flow": "row wrap", "align_items": "center"}
        buttons = widgets.HBox([self.go, self.hold, self.halt], layout=widgets.Layout(**line))
        player = widgets.HBox(
            [self.play, self.back, self.forth, self.frame, self.pace, self.moment],
            layout=widgets.Layout(**line),
        )
        self.arrange(
            left, [self.note, buttons, self.curve.figure, self.map.figure, player, self.caption]
        )
        self._enable()

    # --- Settings ----------------------------------------------------------------------------------------------------

    @property
    def config(self) -> Config:
        """The settings of a training that is started now."""
        s, base = self.settings, self.presets[self.settings["preset"]]
        start = base.model.start if base.model.start != "none" else "ridge-gaussian"
        model = replace(
            base.model, blocks=s["blocks"], hidden=s["hidden"], semantics=s["semantics"],
            relative_positioning=s["positioning"], start=start if s["start"] else "none",
        )  # fmt: skip
        usual = base.training.mining or MINING
        beta = usual.beta if s["strength"] == round(usual.beta) else float(s["strength"])
        mining = replace(usual, loops=s["mining"], beta=beta) if s["mining"] else None
        training = replace(
            base.training, epochs=s["epochs"], lr=s["lr"], prototype_weight=s["prototype"], perturbation=s["perturbation"],
            mining=mining,
        )  # fmt: skip
        changed = any(s[key] != value for key, value in _as_settings(base).items())
        return replace(
            base,
            model=model,
            training=training,
            name=f"{base.name}, changed" if changed else base.name,
        )

    def set(self, **values: Any) -> None:
        """As of every panel; a preset brings the settings that are not named beside it."""
        preset = self.presets.get(values.get("preset"))
        super().set(**({} if preset is None else _as_settings(preset)) | values)

    def _preset_picked(self, change: Mapping[str, Any]) -> None:
        """Runs before the panel follows the change, so that preset and sliders are one move."""
        if not self._quiet:
            with self.quietly():
                for key, value in _as_settings(self.presets[change["new"]]).items():
                    self.controls[key].value = value

    def refresh(self) -> None:
        """Another data set or another way to watch needs another view; all else waits for the next start."""
        s, preset = self.settings, self.presets[self.settings["preset"]]
        wanted = (s["data"], preset.preprocessing, preset.components, s["watch"])
        if wanted != self._view_of:
            self._forget()
            self._view_of, self.view = wanted, None
            self.view = self._new_view()
            self._show_view()
        elif self.run is not None and self.run.live:
            self.say("these settings are for the next training: this one goes on with its own")
        if s["umap"] and self.view is not None and not self.view.scene.has_map:
            self._lay_out()

    # --- Data and maps -----------------------------------------------------------------------------------------------

    def _dataset(self) -> GZSLDataset:
        s, preset = self.settings, self.presets[self.settings["preset"]]
        dataset = self._given if s["data"] == OWN else load(s["data"])
        if s["data"] == OWN and dataset.preprocessing is not None:  # its owner has decided
            return dataset
        return dataset.preprocessed(preset.preprocessing, preset.components)

    def _new_view(self) -> View:
        dataset, key = self._dataset(), self._view_of[:3]
        if key not in self._scenes:
            zoo = self.settings["data"] == "glyphs"
            self._scenes[key] = Scene.of_zoo(glyph_zoo()) if zoo else Scene.first(dataset)
        return View.of(dataset, self._scenes[key], fold=self.settings["watch"])

    def _show_view(self) -> None:
        """Put the real points on the map, and its frame around them: it stays whatever is synthesized."""
        view, names = self.view, self.view.scene.dataset.class_names
        self.map.names = [plain(name) for name in names]
        real, figure = view.scene.real, self.map.figure
        texts = [f"{plain(names[k])}, real" for k in real.labels]
        self.map.show_real(real, view.shown, texts, class_colours(view.shown))
        if not view.scene.has_map and not self.settings["umap"]:  # nobody is making it
            asked = {**NO_MAP, "text": "switch on “UMAP map” for this lens"}
            self.map._notes = [
                asked if note["text"] == NO_MAP["text"] else note for note in self.map._notes
            ]
        figure.plotly_relayout(_frame_of(view))
        self.map.draw()
        self.note.value = f'<span class="calm">{_who(view, self.settings["watch"])}</span>'
        self._show_synthesized(None)
        self.caption.value = _caption(Recording(view, self.config, self.settings["seed"]).caption)

    def _lay_out(self) -> None:
        """The UMAP map of the data, in the background; what is there of a recording moves onto it."""
        dataset, key = self._dataset(), self._view_of[:3]

        def job(task: Task) -> Scene:
            return Scene.of(dataset, watch=task)

        def deliver(scene: Scene) -> None:
            self._scenes[key] = scene
            if key == self._view_of[:3]:
                self._change_scene(scene)

        self.submit(MAP, job, deliver)

    def _change_scene(self, scene: Scene) -> None:
        self.view = replace(self.view, scene=scene)
        if self.run is not None:
            recording = self.run.recording
            recording.view = self.view
            recording.frames = [
                Frame(f.epoch, _placed(scene, f.synthesized)) for f in recording.frames
            ]
        self._show_view()
        self._show_frame(self.frame.value)

    # --- Start, pause, stop ------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a training has begun and has neither ended nor been stopped; it may be paused."""
        return self.run is not None and self.run.live

    @property
    def model(self) -> GSMFlow | None:
        """The model as of the last whole epoch, also after a stop; None before anything was trained."""
        return None if self.run is None else self.run.model

    @property
    def history(self) -> list[Epoch]:
        """The epochs of the training that is shown."""
        return [] if self.run is None else list(self.run.recording.history)

    def start(self) -> None:
        """Begin a training in the background; one that runs is ended."""
        try:
            self._forget()
            if self.view is None:
                self.view = self._new_view()
                self._show_view()
            config, s = self.config, self.settings
        except GSMFlowError as error:
            self.say(str(error), bad=True)
            return
        self.run = Run(Recording(self.view, config, s["seed"]), s, s["every"])
        self.curve.begin(config.training)
        self.run.task = self.submit(
            TRAINING, self.run.work, lambda _, run=self.run: self._end(run, "trained")
        )
        self._enable()

    def pause(self) -> None:
        """Wait at the next batch; once more: go on."""
        if self.running and not self.run.stopping:
            self.run.task.pause(not self.run.task.paused)
            if self.run.task.paused:
                self.say(
                    f"paused after {len(self.history)} whole epochs: Resume goes on, and the replay is open"
                )
            self._draw()
            self._enable()

    def stop(self) -> None:
        """End the training at the next batch; ``model`` is that of the last whole epoch."""
        if self.running:
            self.run.stopping = True
            self.worker.cancel(TRAINING)
            self.say("stopping at the next batch ...")
            self._enable()
            if self.worker.idle:  # it was stopped before it began, and no thread will tell
                self.worker.wait()
                self._end(self.run, "stopped by you")

    def cancel(self) -> None:
        """Stop whatever runs: the training keeps what it has learnt."""
        self.stop()
        self.worker.cancel(MAP)

    def _forget(self) -> None:
        """Leave the training that is shown, and end it if it runs."""
        if self.running:
            self.worker.cancel(TRAINING)
            self.run.live = False
        self.run = None
        self._enable()
        self.curve.draw(None)
        self._show_synthesized(None)

    def _busy(self, name: str | None, event: Any) -> None:
        """What comes from the thread: what a training tells, or a stage that the panel shows."""
        if isinstance(event, Beat | Shot):
            if event.run is self.run:
                self._hear(event)
            return
        if not (name == TRAINING and isinstance(event, Step) and event.stage == "flow"):
            super()._busy(name, event)
        if name != TRAINING and self.running and self.run.stopping:
            self._end(self.run, "stopped by you")

    def _failed(self, name: str, error: Exception) -> None:
        super()._failed(name, error)
        if name == TRAINING and self.running:
            self._end(self.run, "")

    def _hear(self, event: Beat | Shot) -> None:
        run, recording = self.run, self.run.recording
        epochs = recording.config.training.epochs
        if isinstance(event, Beat):
            recording.batches.append((event.done, event.loss))
            done = event.done
        else:
            run.model, done = event.model, event.epoch.epoch if event.epoch else 0
            recording.history += [event.epoch] if event.epoch else []
            if event.frame:
                recording.frames.append(
                    replace(
                        event.frame,
                        synthesized=_placed(recording.view.scene, event.frame.synthesized),
                    )
                )
        paused = run.task is not None and run.task.paused
        since = time.monotonic() - self.curve.drawn
        if paused or since > (
            BEAT if self._seen else PATIENCE
        ):  # a slow page that is sent more would answer no click
            self._draw()
        if run.live and not run.stopping and not paused:
            self._frame.progress(
                f"epoch {min(epochs, int(done) + 1)} of {epochs}", done / epochs, busy=True
            )

    def _end(self, run: Run, how: str) -> None:
        """Done, stopped or failed: draw all that is there, and give the controls back."""
        if run is not self.run or not run.live:
            return
        run.live = False
        recording = run.recording
        done = len(recording.history)
        if run.model is not None and (not recording.frames or recording.frames[-1].epoch != done):
            recording.frames.append(Frame(done, recording.view.ask(run.model, seed=recording.seed)))
        self._draw()
        self._enable()
        if how:
            seconds = sum(one.seconds for one in recording.history)
            self.say(
                f"{how}: {done} of {recording.config.training.epochs} epochs in {seconds:.1f} s; now replay it with Frame"
            )
        if recording.history and run.settings == self.settings:
            last = recording.history[-1]
            self.remember(
                {"loss": last.likelihood, **({} if last.score is None else {"H": last.score})}
            )

    # --- Showing -----------------------------------------------------------------------------------------------------

    def _enable(self) -> None:
        """What can be pressed now."""
        running = self.running
        paused = running and self.run.task is not None and self.run.task.paused
        for control in self.controls.values():
            control.disabled = running
        self._frame.lock(running)  # settings that were undone or pasted would end the training
        self.go.disabled = running
        self.hold.disabled = self.halt.disabled = not running or self.run.stopping
        self.hold.description, self.hold.icon = ("Resume", "play") if paused else ("Pause", "pause")
        replayed = (
            self.run is not None and len(self.run.recording.frames) > 1 and (paused or not running)
        )
        for one in (self.play, self.back, self.forth, self.frame):
            one.disabled = not replayed
        if not replayed:
            self.play.playing = False

    def _draw(self) -> None:
        """The curve and the latest frame."""
        if self.run is None:
            return
        recording = self.run.recording
        self.curve.draw(recording)
        self._following = True
        last = max(0, len(recording.frames) - 1)
        for one in (self.frame, self.play):
            one.max = last
            one.value = last
        self._following = False
        self._show_frame(last)
        self._enable()
        self.caption.value = _caption(recording.caption)
        self._seen = False
        self.map.figure.on_edits_completed(lambda: setattr(self, "_seen", True))

    def _step(self, by: int) -> None:
        self.frame.value = min(self.frame.max, max(0, self.frame.value + by))

    def _go_to(self, number: int) -> None:
        """The replay has come to a frame."""
        if not self._following:
            self.frame.value = number

    def _show_frame(self, number: int) -> None:
        """One frame: the map, and where on the curve it is."""
        if self._following or self.run is None or number >= len(self.run.recording.frames):
            return
        self._following = True
        self.play.value = number  # so that playing goes on from here
        self._following = False
        recording = self.run.recording
        one = recording.frames[number]
        self._show_synthesized(one.synthesized)
        self.curve.mark(recording, one)
        away = _outside(recording.view.scene, one.synthesized)
        off = f"; {away} synthesized points lie outside the left map" if away else ""
        self.moment.value = f'<span role="status">{escape(recording.said(one.epoch))}{off}</span>'

    def _show_synthesized(self, synthesized: Synthesized | None) -> None:
        if synthesized is None:
            self.map.show_synthesized(NO_POINTS, [])
            self.moment.value = ""
        else:
            names = self.map.names
            self.map.show_synthesized(
                synthesized.points, [f"{names[k]}, synthesized" for k in synthesized.points.labels]
            )
        self.map.draw()

    # --- What stays --------------------------------------------------------------------------------------------------

    @property
    def recording(self) -> Recording:
        """The training that is shown. Raises ``ConfigError`` where there is none yet."""
        if self.run is None or not self.run.recording.frames:
            raise ConfigError(
                "there must be a training to replay, but none was started: press Start, or call start()"
            )
        return self.run.recording

    def replay_figure(self) -> go.Figure:
        """The training as a plotly figure with frames: ``write_html(path, auto_play=False)`` on it makes a page."""
        return replay.replay_figure(self.recording)

    def still(self) -> Figure:
        """The curve, and the first and the last map; before a training, the real points alone."""
        empty = self.run is None or not self.run.recording.frames
        if not empty:
            return replay.still(self.run.recording)
        if self.view is None:
            self.view = self._new_view()
        width = self.view.scene.dataset.features.shape[1]
        nothing = Synthesized(np.empty((0, width)), NO_POINTS, np.empty(0, int), np.empty(0))
        return replay.still(
            Recording(self.view, self.config, self.settings["seed"], frames=[Frame(0, nothing)])
        )

    def code(self) -> str:
        return "\n".join(_code_lines(self))


# --- Small parts ------------------------------------------------------------------------------------------------------


class _Curve:
    """Loss by epoch on the left axis, validation H on the right; made once, filled in place."""

    PARTS = ("batches", "likelihood", "prototype", "score", "here")

    def __init__(self) -> None:
        self.drawn = 0.0  # the moment of the last drawing
        loss, other, score = PALETTE[0], PALETTE[2], PALETTE[1]
        ring = {"symbol": "circle-open", "size": 17, "color": MIDDLE_GREY, "line": {"width": 3}}
        figure = go.Figure([
            go.Scatter(name="single batches", mode="markers", marker={"color": MIDDLE_GREY, "size": 4, "opacity": 0.6}),
            go.Scatter(name="negative log-likelihood", mode="lines+markers", line={"color": loss, "width": 3}),
            go.Scatter(name="prototype loss", mode="lines+markers", line={"color": other, "width": 2, "dash": "dot"}),
            go.Scatter(name="validation H", mode="lines+markers", yaxis="y2", marker={"symbol": "square"},
                       line={"color": score, "width": 3, "dash": "dash"}),
            go.Scatter(name="this frame", mode="markers", marker=ring, hoverinfo="skip"),
        ])  # fmt: skip
        axis = {"zeroline": False, "linecolor": MIDDLE_GREY, "gridcolor": "rgba(127,127,127,0.25)"}
        figure.update_layout(
            template="none", autosize=True, height=270, showlegend=True, font={"size": 14, "color": MIDDLE_GREY},
            margin={"l": 66, "r": 62, "t": 34, "b": 42},
            xaxis={**axis, "title": {"text": "epoch", "standoff": 4}, "showgrid": False, "rangemode": "tozero"},
            yaxis={**axis, "title": "loss, nats a dimension"},
            yaxis2={**axis, "title": "H (%)", "overlaying": "y", "side": "right", "showgrid": False, "range": [0, 100],
                    "tickmode": "linear", "dtick": 20},
            legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}, hovermode="x",
            paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        )  # fmt: skip
        for trace in figure.data:
            trace.x, trace.y = [], []
        self.figure = LiveFigure(figure)

    def trace(self, part: str) -> go.Scatter:
        return self.figure.data[self.PARTS.index(part)]

    def begin(self, training: TrainingConfig) -> None:
        self.figure.plotly_relayout(
            {"xaxis.range": [-0.02 * training.epochs, training.epochs * 1.02]}
        )

    def draw(self, recording: Recording | None) -> None:
        self.drawn = time.monotonic()
        if recording is None:
            self._fill(**dict.fromkeys(self.PARTS, ([], [])))
            return
        batches = [x for x, _ in recording.batches], [y for _, y in recording.batches]
        prototype = (
            recording.curve("prototype") if recording.config.training.prototype_weight else ([], [])
        )
        score = recording.curve("score")
        self._fill(
            batches=batches,
            likelihood=recording.curve("likelihood"),
            prototype=prototype,
            score=score,
        )

    def mark(self, recording: Recording, one: Frame) -> None:
        """A ring at the frame that is shown."""
        y = recording.curve("likelihood")[1]
        self._fill(here=([one.epoch], [y[max(0, one.epoch - 1)]]) if y else ([], []))

    def _fill(self, **parts: tuple[list, list]) -> None:
        """New x and y of some traces, in one message."""
        numbers = [self.PARTS.index(part) for part in parts]
        self.figure.plotly_restyle(
            {"x": [x for x, _ in parts.values()], "y": [y for _, y in parts.values()]}, numbers
        )


def _as_settings(config: Config) -> dict[str, Any]:
    """What a preset puts into the controls."""
    model, training = config.model, config.training
    mining = training.mining
    return {
        "blocks": model.blocks,
        "hidden": model.hidden,
        "semantics": model.semantics,
        "positioning": model.relative_positioning,
        "start": model.start != "none",
        "perturbation": float(training.perturbation),
        "prototype": float(training.prototype_weight),
        "mining": mining.loops if mining else 0,
        "strength": round((mining or MINING).beta),
        "lr": training.lr,
        "epochs": training.epochs,
    }


def _rates(*needed: float) -> list[tuple[str, float]]:
    """Learning rates to choose from, evenly spread to the eye: a slider of logarithms would bend a preset's 3e-4 to 3.2e-4."""
    usual = [digit * 10.0**power for power in range(-5, -1) for digit in (1, 2, 3, 5)]
    return [
        (f"{rate:g}", rate)
        for rate in sorted({float(f"{rate:g}") for rate in [*usual, 0.1, 1.0]} | {*needed})
    ]


def _frame_of(view: View) -> dict[str, list[float]]:
    """Ranges of all axes of the map, from its real points alone."""
    ranges = {}
    for lens, number in (("pca", ""), ("umap", "2")):
        places = getattr(view.scene.real, lens)
        if np.isfinite(places).all():
            ranges[f"xaxis{number}.range"], ranges[f"yaxis{number}.range"] = replay.extent(places)
    return ranges


def _who(view: View, watched: bool) -> str:
    """Which classes play the unseen, as markup."""
    names = [short(name, 24) for name in view.names]
    some = escape(
        ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    )
    if not watched:
        return f"Trained on all seen classes, without H. On the map: unseen classes ({some}); nothing is chosen by them."
    return (
        f"<b>{some}</b> play the unseen: seen classes that are left out of this training. Nothing is chosen on the test set."
        f"<br>{escape(replay.HOW_H)}."
    )


def _caption(text: str) -> str:
    dots = "Dots are real, open diamonds synthesized; grey are real features of other classes."
    return f'<span class="calm">{escape(text)}. {dots}</span>'


def _outside(scene: Scene, synthesized: Synthesized) -> int:
    """How many synthesized points the frame of the linear map cuts off."""
    ranges = replay.extent(scene.real.pca)
    inside = [
        (low <= column) & (column <= high)
        for (low, high), column in zip(ranges, synthesized.points.pca.T, strict=True)
    ]
    return int((~np.all(inside, axis=0)).sum())


def _placed(scene: Scene, synthesized: Synthesized) -> Synthesized:
    """The same features on the map as it is now: a layout may have come in the meantime."""
    known = np.isfinite(synthesized.points.umap).all()
    return (
        synthesized
        if known or not scene.has_map
        else scene.place(synthesized.features, synthesized.points.labels)
    )


def _code_lines(panel: TrainPanel) -> Iterator[str]:
    s, config, view = panel.settings, panel.config, panel.view
    yield "from gsmflow_lite import MiningConfig, ModelConfig, TrainingConfig, fit, follow, load, new_model"
    yield "from gsmflow_lite.explorer.replay import quick_harmonic" if s["watch"] else ""
    yield ""
    own = s["data"] == OWN
    if not own:
        yield f"dataset = load({s['data']!r})"
    elif isinstance(panel._source, str | Path):
        yield f"dataset = load({str(panel._source)!r})"
    else:
        yield f"# dataset: the one that was given to train(), {short(panel._given.name)!r}"
    if not own or panel._given.preprocessing is None:
        yield f"dataset = dataset.preprocessed({config.preprocessing!r}, {config.components!r})"
    problem = "dataset"
    if s["watch"]:
        problem = "fold"
        who = (
            short(", ".join(short(name) for name in view.names), 70)
            if view
            else "validation classes"
        )
        yield f"fold = dataset.validation_fold()  # {who} play the unseen"
    yield f"model = new_model({problem}, {_spelled(config.model)}, seed={s['seed']})"
    yield f"training = {_spelled(config.training)}"
    validate = ""
    if s["watch"]:
        yield f"validate = lambda model, epoch: quick_harmonic(model, fold, seed={s['seed']})"
        validate = ", validate=validate"
    yield f"history = follow(fit(model, {problem}, training, seed={s['seed']}{validate}))"


def _spelled(config: Any) -> str:
    """A dataclass of settings as the call that makes it, without what is as usual."""
    parts = []
    for one in fields(config):
        value = getattr(config, one.name)
        usual = one.default if one.default is not MISSING else one.default_factory()
        if value != usual:
            parts.append(f"{one.name}={_spelled(value) if is_dataclass(value) else repr(value)}")
    return f"{type(config).__name__}({', '.join(parts)})"
