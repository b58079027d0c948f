"""The buttons that save what a panel shows: as a picture, and as tables."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

import ipywidgets as widgets

from .controls import button
from .saver import Saver, as_csv, file_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PRINTED = 200  # dots per inch of a PNG


class Saved(Protocol):
    """What the buttons need of a panel."""

    kind: str

    @property
    def log(self) -> pd.DataFrame: ...

    def still(self) -> Figure: ...

    def telling(self) -> AbstractContextManager[None]: ...


class Exports:
    """The buttons PNG, SVG, Points (where a panel has some) and Log; all are in ``box``.

    ``data`` says what the data set is called: it stands in the names of the files. ``points`` makes
    the table of what is selected or, where nothing is, of all that is shown.
    """

    def __init__(
        self,
        panel: Saved,
        data: Callable[[], str],
        points: Callable[[], pd.DataFrame] | None = None,
        beside: Sequence[widgets.Widget] = (),
    ) -> None:
        self.panel = panel
        self.data = data
        self.saver = Saver()
        self.buttons = {
            "PNG": self._button("PNG", "A picture of the view, for slides", self.png),
            "SVG": self._button("SVG", "A drawing of the view, for print", self.svg),
        }
        if points is not None:
            table = points
            self.buttons["Points"] = self._button(
                "Points",
                "CSV of what is selected; of all points that are shown where nothing is",
                lambda: self.table("points", table()),
            )
        self.buttons["Log"] = self._button(
            "Log",
            "CSV of the settings that were tried, with their scores",
            lambda: self.table("log", self.panel.log),
        )
        self.box = widgets.HBox(
            [*beside, *self.buttons.values(), self.saver],
            layout=widgets.Layout(flex_flow="row wrap"),
        )
        self.box.add_class("exports")

    def _button(self, text: str, tooltip: str, save: Callable[[], None]) -> widgets.Button:
        def told() -> None:
            with self.panel.telling():
                save()

        return button(text, "download", f"Save: {tooltip}", told, width="86px")

    def png(self) -> None:
        """Save the still figure as PNG."""
        self._save("", "png", "image/png", self._drawn("png"))

    def svg(self) -> None:
        """Save the still figure as SVG; its words can be edited."""
        from matplotlib import rc_context

        with rc_context({"svg.fonttype": "none", "svg.hashsalt": "gsmflow"}):
            self._save("", "svg", "image/svg+xml", self._drawn("svg"))

    def table(self, what: str, table: pd.DataFrame) -> None:
        """Save a table as CSV."""
        self._save(what, "csv", "text/csv", as_csv(table))

    def _drawn(self, kind: str) -> bytes:
        content = io.BytesIO()
        self.panel.still().savefig(content, format=kind, dpi=PRINTED)
        return content.getvalue()

    def _save(self, what: str, suffix: str, kind: str, content: bytes) -> None:
        name = file_name(self.data(), self.panel.kind, what, suffix=suffix)
        self.saver.save(name, kind, content)
