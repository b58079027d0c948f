"""One training in the background: what its thread does, what it says, and what there is of it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
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
class BatchDone:
    """A batch is done. The thread says so a few times a second, not for every batch."""

    run: TrainingRun
    epochs: float  # that are done, with the part of this one
    loss: float


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A copy of the model after a whole epoch, or before the first one, when ``epoch`` is None.

    ``frame`` is what this model synthesizes, after those epochs for which a frame is kept.
    """

    run: TrainingRun
    epoch: Epoch | None
    model: GSMFlow
    frame: Frame | None


Message = BatchDone | Snapshot | Event


@dataclass(eq=False)
class TrainingRun:
    """One training: what it was started with, and what there is of it so far.

    :meth:`work` runs in a thread, and gives away copies of its model only. All other methods are
    for the thread of the kernel. A training is ``training``, maybe ``stopping``, then ``ended``,
    for whatever reason.
    """

    recording: Recording
    settings: dict[str, Any]
    state: State = "training"
    task: Task | None = None
    model: GSMFlow | None = None  # as of the last whole epoch
    _epochs_done: int = 0  # in the thread; the recording hears of them later
    _last_told: float = 0.0  # the moment when the thread last told of a batch

    # --- In the thread -----------------------------------------------------------------------

    def work(self, task: Task) -> None:
        """Train. At every event the task may wait, or end the work with an exception."""
        for message in self._messages():
            task(message)

    def _messages(self) -> Iterator[Message | None]:
        """Train, and say what is done. None says nothing, but is a place to wait or to end."""
        problem = self.recording.view.problem
        config = self.recording.config
        seed = self.recording.seed

        yield Stage("a new model", 1)
        model = new_model(problem, config.model, seed=seed)
        yield self._snapshot(model, None)

        for event in fit(model, problem, config.training, seed=seed, validate=self._validation()):
            if isinstance(event, Epoch):
                self._epochs_done = event.epoch
                yield self._snapshot(model, event)
            elif isinstance(event, Step):
                yield self._batch_done(event)
            else:
                yield event

    def _validation(self) -> Callable[[GSMFlow, int], float] | None:
        if not self.settings["watch"]:
            return None
        fold = self.recording.view.problem
        return lambda model, epoch: quick_harmonic(model, fold, seed=self.recording.seed)

    def _snapshot(self, model: GSMFlow, epoch: Epoch | None) -> Snapshot:
        number = epoch.epoch if epoch else 0
        frozen = copy.deepcopy(model).eval()
        frame = None
        if number in self._frame_epochs:
            frame = Frame(number, self.recording.view.ask(frozen, seed=self.recording.seed))
        return Snapshot(self, epoch, frozen, frame)

    @cached_property
    def _frame_epochs(self) -> set[int]:
        """Epochs after which a frame is kept."""
        return frame_epochs(self.epochs, self.settings["every"])

    def _batch_done(self, step: Step) -> BatchDone | Step | None:
        """What to say of a step: nothing if something was said a moment ago."""
        if time.monotonic() - self._last_told < BEAT:
            return None
        self._last_told = time.monotonic()
        if step.loss is None:
            return step
        epochs = self._epochs_done + step.done / step.total
        return BatchDone(self, epochs, float(step.loss))

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

    def record(self, message: BatchDone | Snapshot) -> float:
        """Note what the thread says. Returns how many epochs are done, with a part of the next."""
        if isinstance(message, BatchDone):
            self.recording.batches.append((message.epochs, message.loss))
            return message.epochs

        self.model = message.model
        if message.frame:
            self.recording.frames.append(moved_frame(message.frame, self.recording.view.scene))
        if message.epoch is None:
            return 0
        self.recording.history.append(message.epoch)
        return message.epoch.epoch

    def move_to(self, view: View) -> None:
        """Put all frames on the map of another view of the same data."""
        self.recording.view = view
        self.recording.frames = [moved_frame(frame, view.scene) for frame in self.recording.frames]

    def end(self) -> None:
        """Note that the training has ended. The last model is given a frame in any case."""
        self.state = "ended"
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
