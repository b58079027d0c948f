"""Tooltips that the page shows: what each control is for, where one points at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files

import anywidget
import ipywidgets as widgets
from traitlets import Dict

HINT = "gsmflow-hint"


class Hints(anywidget.AnyWidget):
    """Shows the ``tooltip`` of all controls of a panel, which ipywidgets shows of few.

    It stands anywhere inside the frame of the panel, and cannot be seen itself.
    """

    _esm = files(__package__).joinpath("hints.js").read_text(encoding="utf-8")
    texts = Dict().tag(sync=True)  # tooltips by the class of a control on the page

    def follow(self, column: Sequence[widgets.Widget]) -> None:
        """Show the tooltips of these widgets and all that is inside them, also later ones."""
        for number, control in enumerate(_described(column)):
            name = f"{HINT}-{number}"
            control.add_class(name)
            self._show(name, control.tooltip)
            self._watch(name, control)

    def _watch(self, name: str, control: widgets.DOMWidget) -> None:
        control.observe(lambda change: self._show(name, change["new"]), names="tooltip")

    def _show(self, name: str, text: str) -> None:
        self.texts = {**self.texts, name: text}


def _described(column: Sequence[widgets.Widget]) -> Iterator[widgets.DOMWidget]:
    """All widgets with a tooltip, but for buttons: those show it themselves."""
    for widget in column:
        if not isinstance(widget, widgets.Button) and getattr(widget, "tooltip", None):
            yield widget
        yield from _described(getattr(widget, "children", ()))
