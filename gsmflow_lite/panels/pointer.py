"""The picture beside the pointer: what a point of the map is, where one points at it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import anywidget
from traitlets import Unicode


class Pointer(anywidget.AnyWidget):
    """Shows a few words and a picture beside the point that the pointer rests on.

    It stands anywhere inside the frame of a panel, and follows the one figure in it that has the
    class ``map``. The words are there at once: they are the text of the point. The picture comes
    when Python has made it; until then, and where another point is meant, it does not show.

    ``on_alone(name)`` is called when a class name on the map has been clicked twice; the name is
    that of the annotation. ``on_cleared()`` is called when a double click has cleared a selection,
    and ``on_lasso(inside)`` some time after a lasso or box was drawn, with places in each trace by
    its number: plotly's own messages are lost where one of a click or of the pointer follows at
    once.
    """

    _esm = files(__package__).joinpath("pointer.js").read_text(encoding="utf-8")
    about = Unicode().tag(sync=True)  # the kind and number of the point that ``content`` shows
    content = Unicode().tag(sync=True)  # HTML, in which every name is escaped

    def __init__(self) -> None:
        super().__init__()
        self.on_alone: Callable[[str], None] = lambda name: None
        self.on_cleared: Callable[[], None] = lambda: None
        self.on_lasso: Callable[[dict[int, list[int]]], None] = lambda inside: None
        self.on_msg(self._heard)

    def show(self, kind: str, number: int, content: str) -> None:
        """Show HTML beside a point, as long as the pointer rests on that one."""
        with self.hold_sync():
            self.about = f"{kind} {number}"
            self.content = content

    def forget(self) -> None:
        """Show nothing that was made before: the points are others now."""
        self.about = ""

    def _heard(self, _: object, message: Any, buffers: object) -> None:
        if not isinstance(message, dict):
            return
        if isinstance(message.get("alone"), str):
            self.on_alone(message["alone"])
        if isinstance(message.get("inside"), dict):
            self.on_lasso({int(trace): list(at) for trace, at in message["inside"].items()})
        if message.get("cleared"):
            self.on_cleared()
