"""The widgets that every panel has around its own: status line, undo, code, state and log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from html import escape
from importlib.resources import files
from typing import Any, Protocol

import ipywidgets as widgets

from ..errors import ConfigError, GSMFlowError
from ..figures.style import short
from .controls import LABELLED, WIDE, button, heading, rows
from .hints import Hints
from .present import Present
from .stage import Groups, placed
from .worker import plainly

CSS = files(__package__).joinpath("panel.css").read_text(encoding="utf-8")


class Framed(Protocol):
    """What the frame needs of the panel that it is around."""

    kind: str
    quiet: bool

    @property
    def can_undo(self) -> bool: ...

    def cancel(self) -> None: ...

    def code(self) -> str: ...

    def quietly(self) -> AbstractContextManager[None]: ...

    def reset(self) -> None: ...

    def restore(self, text: str) -> None: ...

    def state(self) -> str: ...

    def undo(self) -> None: ...


class Tools:
    """The frame of a panel: all its widgets are in ``box``.

    On top are Undo and a line of words, with a progress bar and Cancel. Then follow the controls
    and views of the panel itself (see :meth:`arrange`). The last group of controls is *Share*:
    Reset, Code, the state as text and the list of settings that were tried, and what ``shared``
    holds. The code of the view opens below the line of words.
    """

    def __init__(self, panel: Framed) -> None:
        self.panel = panel
        self.locked = False
        self.body = widgets.Box()
        self.body.add_class("stage")
        style = widgets.HTML(f"<style>{CSS}</style>", layout=widgets.Layout(height="0", margin="0"))
        status = self._make_status()
        self._make_tools()
        self.shared: Sequence[widgets.Widget] = ()  # what a panel adds to Share
        self.groups: Groups | None = None  # until `arrange`
        self.code = widgets.HTML(layout=widgets.Layout(display="none"))
        self.hints = Hints()
        self.box = widgets.VBox([style, status, self.code, self.body, self.hints])
        self.box.add_class("gsmflow")
        self.box.add_class(f"gsmflow-{panel.kind}")

    # --- The widgets, made once --------------------------------------------------------------

    def _make_status(self) -> widgets.HBox:
        """Undo, the line of words, the progress bar and Cancel."""
        self.undo = button("Undo", "undo", "Back by one move", self.panel.undo)
        self.line = widgets.HTML(layout=widgets.Layout(margin="0", flex="1 1 auto"))
        self.bar = widgets.FloatProgress(
            min=0, max=1, layout=widgets.Layout(width="160px", visibility="hidden")
        )
        panel = self.panel
        self.stop = button("Cancel", "stop", "Stop what is being computed", lambda: panel.cancel())
        self.stop.layout.visibility = "hidden"
        self.present = Present()
        status = widgets.HBox(
            [self.undo, self.line, self.bar, self.stop, self.present],
            layout=widgets.Layout(min_height="34px", align_items="center"),
        )
        status.add_class("status")
        return status

    def _make_tools(self) -> None:
        """Reset, Code, and the fields for state and log."""
        self.reset = button("Reset", "refresh", "All settings as at the start", self.panel.reset)
        self._make_code_switch()
        self._make_state_field()
        self._make_log_list()

    @property
    def _share(self) -> list[widgets.Widget]:
        """The last group of controls."""
        tools = rows([self.reset, self.show])
        return [heading("Share"), self.text, self.tried, *tools, *self.shared]

    def _make_code_switch(self) -> None:
        self.show = widgets.ToggleButton(
            description="Code",
            icon="code",
            tooltip="The library calls that make this view",
            layout=widgets.Layout(width="92px"),
        )
        self.show.observe(lambda _: self.show_code(), names="value")

    def _make_state_field(self) -> None:
        self.text = widgets.Text(
            description="State",
            continuous_update=False,
            style=LABELLED,
            layout=widgets.Layout(width=WIDE),
            tooltip="Copy it to share these settings; paste one and press Enter to take it over",
        )
        self.text.observe(lambda _: self._state_typed(), names="value")

    def _make_log_list(self) -> None:
        self.tried = widgets.Dropdown(
            description="Tried",
            options=[("settings that were tried", "")],
            tooltip="Choose one to go back to it",
            style=LABELLED,
            layout=widgets.Layout(width=WIDE),
        )
        self.tried.observe(lambda _: self._line_picked(), names="value")

    def arrange(self, left: Sequence[widgets.Widget], right: Sequence[widgets.Widget]) -> None:
        """Put controls into groups, one for each heading, and views into their areas.

        Views with a class of :data:`.stage.AREAS` stand where that says, the others below.
        """
        column = [*left, *self._share]
        self.groups = Groups(column)
        self.body.children = placed(self.groups, right)
        self.hints.follow([*column, *right])
        self.follow()

    def leave(self, text: str) -> None:
        """Free every widget but the box, which says a sentence from now on."""
        parts = self.box.children
        self.box.children = [widgets.HTML(f'<span role="status">{escape(text)}</span>')]
        for part in parts:
            close_all(part)

    # --- What they show ----------------------------------------------------------------------

    def follow(self) -> None:
        """Show the settings as they are now."""
        with self.panel.quietly():
            self.text.value = self.panel.state()
        self.undo.disabled = self.locked or not self.panel.can_undo

    def conceal(self, sealed: bool) -> None:
        """Hide what would tell the settings, or show it again."""
        if sealed:
            self.show.value = False
        for widget in (self.show, self.text, self.tried, self.reset):
            widget.layout.display = "none" if sealed else None
        if self.groups is not None:
            self.groups.hide_empty()
        self.follow()

    def lock(self, locked: bool) -> None:
        """Lock the settings, or let them be changed again."""
        self.locked = locked
        for widget in (self.reset, self.text, self.tried):
            widget.disabled = locked
        self.follow()

    def show_code(self) -> None:
        """Show the code of the view if the button Code is pressed, and hide it if not."""
        if self.show.value:
            self.code.value = (
                '<pre class="code" tabindex="0" aria-label="code of this view">'
                f"{escape(self._code_or_reason())}</pre>"
            )
        self.code.layout.display = "block" if self.show.value else "none"

    def _code_or_reason(self) -> str:
        """The code of the view; where there is no view yet, the reason as a comment."""
        try:
            return self.panel.code()
        except GSMFlowError as error:
            return f"# {plainly(error)}"

    def list_log(self, log: Sequence[Mapping[str, Any]]) -> None:
        """Offer the settings that were tried, the latest first."""
        lines = [(_log_line(entry), entry["state"]) for entry in reversed(log)]
        with self.panel.quietly():
            self.tried.options = [(f"settings that were tried: {len(lines)}", ""), *lines]
            self.tried.value = ""

    def progress(self, stage: str, share: float | None, *, busy: bool) -> None:
        """Show the stage of background work, and the share of it that is done, 0 to 1.

        An error stays in the line until the next move.
        """
        for widget in (self.bar, self.stop):
            widget.layout.visibility = "visible" if busy else "hidden"
        self.bar.value = share or 0.0

        if self.tells_error:
            return
        if busy:
            self.say(f"{stage} ...", bad=False)
        elif self.line.value.endswith(" ...</span>"):
            self.say("", bad=False)

    def say(self, text: str, *, bad: bool) -> None:
        """Write a line on top of the panel; a bad one stands out as an error."""
        role = "alert" if bad else "status"
        look = "bad" if bad else "calm"
        self.line.value = f'<span role="{role}" class="{look}">{escape(short(text, 400))}</span>'

    def forgive(self) -> None:
        """Take an error message away: the next move is made."""
        if self.tells_error:
            self.say("", bad=False)

    @property
    def tells_error(self) -> bool:
        """Whether the line on top is an error."""
        return 'role="alert"' in self.line.value

    # --- What is done with them --------------------------------------------------------------

    def _state_typed(self) -> None:
        """Take over a state that was typed or pasted."""
        if self.panel.quiet or self.text.value.strip() == self.panel.state():
            return
        try:
            self.panel.restore(self.text.value)
        except ConfigError as error:
            self.say(plainly(error), bad=True)

    def _line_picked(self) -> None:
        """Go back to settings that were tried."""
        if self.panel.quiet or not self.tried.value:
            return
        self.panel.restore(self.tried.value)
        with self.panel.quietly():
            self.tried.value = ""


def _log_line(entry: Mapping[str, Any]) -> str:
    """One line of the log: the state, cut, and its scores."""
    scores = [f"{name} {value:.2f}" for name, value in entry.items() if name != "state"]
    return f"{short(entry['state'], 60)}   {'  '.join(scores)}"


def close_all(widget: widgets.Widget) -> None:
    """Close a widget, its children, layout and style, so that none stays in the kernel."""
    for child in getattr(widget, "children", ()):
        close_all(child)
    for name in ("layout", "style"):
        part = getattr(widget, name, None)
        if isinstance(part, widgets.Widget):
            part.close()
    widget.unobserve_all()
    widget.close()
