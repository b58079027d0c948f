"""The player of a replay: the widgets that choose which frame of a training is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape

import ipywidgets as widgets

from .controls import button

PACES = {"slow": 1500, "normal": 700, "fast": 200}  # milliseconds for a frame
IN_A_ROW = {"flex_flow": "row wrap", "align_items": "center"}


class ReplayPlayer:
    """Buttons and a slider that choose the frame to show, and a line of words about it.

    ``show(number)`` is called when somebody, or the playing itself, has moved to another frame.
    """

    def __init__(self, show: Callable[[int], None]) -> None:
        self._show = show
        self.quiet = False  # while the player moves its own widgets
        self.back = button(
            "Back", "step-backward", "One frame back", lambda: self._step(-1), "82px"
        )
        self.forth = button("Step", "step-forward", "One frame on", lambda: self._step(1), "82px")
        self.play = _play()
        self.frame = _frame_slider()
        self.pace = _pace()
        self.moment = widgets.HTML(layout=widgets.Layout(margin="0 0 0 8px"))
        parts = [self.play, self.back, self.forth, self.frame, self.pace, self.moment]
        self.widget = widgets.HBox(parts, layout=widgets.Layout(**IN_A_ROW))
        self.widget.add_class("map")
        self._follow()

    def _follow(self) -> None:
        self.frame.observe(lambda change: self._frame_moved(change["new"]), names="value")
        self.play.observe(lambda change: self._played(change["new"]), names="value")
        self.pace.observe(lambda change: self._set_pace(change["new"]), names="value")

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        self.quiet = True
        try:
            yield
        finally:
            self.quiet = False

    def go_to_last(self, last: int) -> None:
        """Let the frames be numbered up to ``last``, and stand there. ``show`` is not called."""
        with self._quietly():
            for widget in (self.frame, self.play):
                widget.max = last
                widget.value = last

    def enable(self, on: bool) -> None:
        """Let the player be used or not; one that is not used does not play."""
        for widget in (self.play, self.back, self.forth, self.frame):
            widget.disabled = not on
        if not on:
            self.play.playing = False

    def say(self, text: str) -> None:
        """Write a line about the frame; an empty text takes it away."""
        self.moment.value = f'<span role="status">{escape(text)}</span>' if text else ""

    def _step(self, by: int) -> None:
        self.frame.value = min(self.frame.max, max(0, self.frame.value + by))

    def _played(self, number: int) -> None:
        if not self.quiet:
            self.frame.value = number

    def _frame_moved(self, number: int) -> None:
        if self.quiet:
            return
        with self._quietly():
            self.play.value = number  # so that playing goes on from here
        self._show(number)

    def _set_pace(self, milliseconds: int) -> None:
        self.play.interval = milliseconds


def _play() -> widgets.Play:
    return widgets.Play(
        min=0,
        max=0,
        interval=PACES["normal"],
        show_repeat=False,
        layout=widgets.Layout(width="auto"),
        tooltip="Play",
    )


def _frame_slider() -> widgets.IntSlider:
    return widgets.IntSlider(
        min=0,
        max=0,
        description="Frame",
        tooltip="Arrow keys step through the training",
        readout=False,
        style={"description_width": "46px"},
        layout=widgets.Layout(width="174px"),
    )


def _pace() -> widgets.Dropdown:
    return widgets.Dropdown(
        options=list(PACES.items()),
        value=PACES["normal"],
        description="Pace",
        tooltip="Of the replay",
        style={"description_width": "40px"},
        layout=widgets.Layout(width="122px"),
    )
