"""One training in the background: what its thread does, what it says, and what there is of it."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ..events import Epoch, Event, Stage, Step
from ..explorer.replay import Frame, Recording, View, frame_epochs, quick_harmonic
from ..explorer.scene import Scene, Synthesized
from ..method.model import GSMFlow
from ..method.training import fit, new_model
from .worker import Task

BEAT = 0.2  # seconds: a kernel that is told more often has no time for anything else
PATIENCE = 5.0  # seconds for a page to draw: there may be no page that answers

State = Literal["training", "stopping", "ended"]


def seconds_between_drawings(page_has_drawn: bool) -> float:
    """The time to leave between two drawings. A page that is sent more answers no click."""
    return BEAT if page_has_drawn else PATIENCE


@dataclass(frozen=True, eq=False)
class HasNews:
    """There is news of a training, for :meth:`TrainingRun.take_in`.

    The thread says so a few times a second, however fast it trains.
    """

    run: TrainingRun


@dataclass(eq=False)
class News:
    """What the thread has done since the panel last took it in.

    ``batches`` are pairs of the epochs that are done, with the part of this one, and the loss.
    ``model`` is a copy after the last whole epoch; ``frames`` are what such copies synthesize.
    """

    epochs: list[Epoch] = field(default_factory=list)
    batches: list[tuple[float, float]] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    model: GSMFlow | None = None


Message = HasNews | Event


@dataclass(eq=False)
class TrainingRun:
    """One training: what it was started with, and what there is of it so far.

    :meth:`work` runs in a thread, and gives away copies of its model only. All other methods are
    for the thread of the kernel. A training is ``training``, maybe ``stopping``, then ``ended``,
    for whatever reason.
    """

    recording: Recording
    settings: dict[str, Any]
    delay: float = 0.0  # seconds before it begins, in which another may take its place
    state: State = "training"
    task: Task | None = None
    model: GSMFlow | None = None  # as of the last whole epoch
    seconds: float | None = None  # that it took; None unless it came to its end
    _news: News = field(default_factory=News)
    _news_waits: bool = False  # the panel was told of it, and has not taken it in yet
    _lock: threading.Lock = field(default_factory=threading.Lock)  # held while the news changes
    _epochs_done: int = 0  # in the thread; the recording hears of them later
    _told: dict[type, float] = field(default_factory=dict)  # when, by kind of event

    # --- In the thread -----------------------------------------------------------------------

    def work(self, task: Task) -> None:
        """Train. At every event the task may wait, or end the work with an exception."""
        task.rest(self.delay)
        begun = time.monotonic()
        for message in self._messages():
            task(message)
        self.seconds = time.monotonic() - begun

    def _messages(self) -> Iterator[Message | None]:
        """Train, and say what is done. None says nothing, but is a place to wait or to end."""
        problem = self.recording.view.problem
        config = self.recording.config
        seed = self.recording.seed

        yield Stage("a new model", 1)
        model = new_model(problem, config.model, seed=seed)
        self._keep(model, None)
        yield self._tell()

        for event in fit(model, problem, config.training, seed=seed, validate=self._validation()):
            if isinstance(event, Epoch):
                self._epochs_done = event.epoch
                self._keep(model, event)
            yield self._what_to_say(event)

    def _validation(self) -> Callable[[GSMFlow, int], float] | None:
        if not self.settings["watch"]:
            return None
        fold = self.recording.view.problem
        return lambda model, epoch: quick_harmonic(model, fold, seed=self.recording.seed)

    def _keep(self, model: GSMFlow, epoch: Epoch | None) -> None:
        """Keep a copy of the model after an epoch, or before the first one, when it is None."""
        number = epoch.epoch if epoch else 0
        frozen = copy.deepcopy(model).eval()
        frames = []
        if number in self._frame_epochs:
            synthesized = self.recording.view.ask(frozen, seed=self.recording.seed)
            frames = [Frame(number, synthesized)]
        with self._lock:
            self._news.model = frozen
            self._news.frames += frames
            self._news.epochs += [epoch] if epoch else []

    @cached_property
    def _frame_epochs(self) -> set[int]:
        """Epochs after which a frame is kept."""
        return frame_epochs(self.epochs, self.settings["every"])

    def _what_to_say(self, event: Event) -> Message | None:
        """What to say of an event: nothing if a moment ago something was said of its kind."""
        if isinstance(event, Stage):
            return event
        now = time.monotonic()
        if now - self._told.get(type(event), -BEAT) < BEAT:
            return None
        self._told[type(event)] = now
        if isinstance(event, Step):
            if event.loss is None:
                return event
            epochs = self._epochs_done + event.done / event.total
            loss = float(event.loss)
            with self._lock:
                self._news.batches.append((epochs, loss))
        return self._tell()

    def _tell(self) -> HasNews | None:
        """Say that there is news, if nothing waits that says so."""
        with self._lock:
            says_so_already = self._news_waits
            self._news_waits = True
        return None if says_so_already else HasNews(self)

    # --- In the thread of the kernel ---------------------------------------------------------

    @property
    def live(self) -> bool:
        """Whether the training has not ended; it may be paused, or about to stop."""
        return self.state != "ended"

    @property
    def paused(self) -> bool:
        """Whether the training waits."""
        return self.live and self.task is not None and self.task.paused

    @property
    def can_be_replayed(self) -> bool:
        """Whether there are frames to move between, and no training that adds to them."""
        return len(self.recording.frames) > 1 and (self.paused or not self.live)

    @property
    def epochs(self) -> int:
        """How many epochs the training is to have."""
        return self.recording.config.training.epochs

    def take_in(self) -> None:
        """Note in the recording, and in ``model``, what the thread has done."""
        with self._lock:
            news = self._news
            self._news = News()
            self._news_waits = False
        recording = self.recording
        recording.history += news.epochs
        recording.batches += news.batches
        recording.frames += [moved_frame(frame, recording.view.scene) for frame in news.frames]
        if news.model is not None:
            self.model = news.model

    @property
    def epochs_done(self) -> float:
        """How many epochs are done, with the part of the next one."""
        batches = self.recording.batches
        return max(len(self.recording.history), batches[-1][0] if batches else 0)

    def move_to(self, view: View) -> None:
        """Put all frames on the map of another view of the same data."""
        self.recording.view = view
        self.recording.frames = [moved_frame(frame, view.scene) for frame in self.recording.frames]

    def end(self) -> None:
        """Note that the training has ended. The last model is given a frame in any case."""
        self.state = "ended"
        self.take_in()
        recording = self.recording
        done = len(recording.history)
        has_last_frame = bool(recording.frames) and recording.frames[-1].epoch == done
        if self.model is not None and not has_last_frame:
            synthesized = recording.view.ask(self.model, seed=recording.seed)
            recording.frames.append(Frame(done, synthesized))

    @property
    def length(self) -> str:
        """How long the training was, in words."""
        history = self.recording.history
        seconds = sum(epoch.seconds for epoch in history)
        return f"{len(history)} of {self.epochs} epochs in {seconds:.1f} s"

    @property
    def scores(self) -> dict[str, float]:
        """Loss of the last epoch, and H if it was watched; empty without any epoch."""
        if not self.recording.history:
            return {}
        last = self.recording.history[-1]
        loss = {"loss": last.likelihood}
        return loss if last.score is None else loss | {"H": last.score}


def moved_frame(frame: Frame, scene: Scene) -> Frame:
    """The same frame on the map of a scene, which may have become ready in the meantime."""
    return replace(frame, synthesized=_placed(frame.synthesized, scene))


def _placed(synthesized: Synthesized, scene: Scene) -> Synthesized:
    points = synthesized.points
    has_places = np.isfinite(points.umap).all()
    if has_places or not scene.has_map:
        return synthesized
    return scene.place(synthesized.features, points.labels)
