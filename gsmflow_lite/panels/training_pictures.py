"""All that shows a training: the note, the curve, the map, pictures, the player, the caption."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

import ipywidgets as widgets
import numpy as np

from ..explorer.replay import Frame, Recording, View
from ..explorer.replay_figures import replay_still
from ..explorer.scene import Synthesized
from ..figures.points import NO_POINTS
from ..figures.style import dataset_colours
from .picture_table import picture_table
from .stage import text_in
from .training_curve import TrainingCurve
from .training_map import TrainingMap, classes_note, count_outside, map_caption
from .training_replay import ReplayPlayer
from .training_run import seconds_between_drawings

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class TrainingPictures:
    """The views of the training panel, made once.

    They show the real points of a view and, after :meth:`draw`, a training: its curve, and the
    frame that the player is at.

    ``telling`` makes a block in which errors are said in words: a decoder may be anybody's.
    """

    def __init__(self, telling: Callable[[], AbstractContextManager[None]]) -> None:
        self._telling = telling
        self.note = text_in("words")
        self.curve = TrainingCurve()
        self.map = TrainingMap()
        self.samples = text_in("under")  # pictures of what is synthesized
        self.samples.add_class("pictures")
        self.player = ReplayPlayer(self.show_frame)
        self.caption = _wide_text()
        self._recording: Recording | None = None
        self._drawn_at = 0.0
        self._page_has_drawn = True  # what it was sent last

    def show_view(self, empty: Recording, *, watched: bool, map_is_coming: bool) -> None:
        """Show the view of a training that has not begun.

        ``watched`` says whether H will be, ``map_is_coming`` whether the UMAP map is being made.
        """
        view = empty.view
        self.map.show_view(view, map_is_coming=map_is_coming)
        self.note.value = classes_note(view, watched=watched)
        self._show_features(None)
        self.caption.value = map_caption(empty.caption)

    def clear(self) -> None:
        """Take the training that is shown away."""
        self._drawn_at = time.monotonic()
        if self._recording is None:
            return
        self._recording = None
        self.curve.clear()
        self._show_features(None)

    def draw(self, recording: Recording) -> None:
        """Draw a training as far as it is recorded, with its latest frame."""
        last = max(0, len(recording.frames) - 1)
        self._recording = recording
        self._drawn_at = time.monotonic()
        self.curve.draw(recording)
        self.player.go_to_last(last)
        if recording.frames:
            self._show(recording.frames[-1])
        self.caption.value = map_caption(recording.caption)
        self._page_has_drawn = False
        self.map.figure.on_edits_completed(self._note_drawn)

    def _note_drawn(self) -> None:
        self._page_has_drawn = True

    @property
    def may_draw(self) -> bool:
        """Whether enough time has gone since the last drawing."""
        since = time.monotonic() - self._drawn_at
        return since > seconds_between_drawings(self._page_has_drawn)

    def show_frame(self, number: int) -> None:
        """Show one frame: on the map, on the curve, and in words."""
        recording = self._recording
        if recording is None or number >= len(recording.frames):
            return
        self.curve.mark(recording, recording.frames[number])
        self._show(recording.frames[number])

    def _show(self, frame: Frame) -> None:
        assert self._recording is not None
        self._show_features(frame.synthesized)
        with self._telling():
            self.samples.value = _pictures(self._recording, frame)
        words = self._recording.in_words(frame.epoch)
        self.player.say(words + _outside(self._recording.view, frame))

    def _show_features(self, synthesized: Synthesized | None) -> None:
        if synthesized is None:
            self.player.say("")
            self.samples.value = ""
        self.map.show_features(synthesized)


def _wide_text() -> widgets.HTML:
    return widgets.HTML(layout=widgets.Layout(width="100%", margin="0"))


def _pictures(recording: Recording, frame: Frame) -> str:
    """The pictures of a frame in HTML; empty where features have none."""
    dataset = recording.view.scene.dataset
    return picture_table(
        recording.pictures(frame),
        dataset.unique_names,
        dataset_colours(dataset),
        ["synthesized"],
        "Each picture comes from the same latent noise in every epoch",
    )


def _outside(view: View, frame: Frame) -> str:
    outside = count_outside(view.scene, frame.synthesized)
    return f"; {outside} synthesized points lie outside the left map" if outside else ""


def still_of(recording: Recording) -> Figure:
    """Draw the curve, the first and the last map. Without any frame: the real points alone."""
    if not recording.frames:
        recording = replace(recording, frames=[Frame(0, _nothing(recording.view))])
    return replay_still(recording)


def _nothing(view: View) -> Synthesized:
    """No features at all, on the map of a view."""
    width = view.scene.dataset.features.shape[1]
    return Synthesized(np.empty((0, width)), NO_POINTS, np.empty(0, int), np.empty(0))
