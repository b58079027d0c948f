"""Controls with labels: sliders, switches, buttons, and a chooser of names with search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

from ..figures.style import short

WIDE = "318px"
LABELLED = {"description_width": "104px"}  # every label of a control is this wide
FULLWIDTH_DOLLAR = "\uff04"  # looks like a dollar sign, but does not begin mathematics

Handler = Callable[[Any], None]


class Steady:
    """A slider that a page does not move by itself, and that reads what it stands for.

    The page moves a value from between two steps onto the nearer one, and sends that back as if a
    hand had done it: a state with 0.33 would turn into 0.35 by being shown. So the steps are finer
    while Python has put the slider between two of its ``usual_step``.
    """

    step: float | None
    value: float
    min: float
    readout_format: str
    usual_step: float | None = None
    _from_page = False

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take over what the page sends, but for a value that is nearer than the next step."""
        sent = sync_data.get("value")
        if sent is not None and self.step and abs(sent - self.value) < 0.501 * self.step:
            sync_data = {key: value for key, value in sync_data.items() if key != "value"}
        self._from_page = True  # a slider does not change its steps under a hand
        try:
            super().set_state(sync_data)  # type: ignore[misc]
        finally:
            self._from_page = False

    def notify_change(self, change: Any) -> None:
        """Tell the page and all others; a value between two steps comes after finer steps."""
        has_steps = self.usual_step and self.step
        follows = bool(change["name"] == "value" and has_steps and not self._from_page)
        is_between = follows and self._is_between()
        if is_between:
            self._make_finer()
        super().notify_change(change)  # type: ignore[misc]
        if follows and not is_between:
            self.step = self.usual_step  # now that the page has the value

    def _is_between(self) -> bool:
        """Whether the value stands between two usual steps."""
        assert self.usual_step is not None
        steps = (self.value - self.min) / self.usual_step
        return abs(steps - round(steps)) > 1e-6

    def start_with(self, step: float) -> None:
        """Take a step as the usual one."""
        self.usual_step = step
        if self._is_between():
            self._make_finer()

    def _make_finer(self) -> None:
        """Make the steps so fine that the value stands on one, and show all of its digits."""
        digits = max(_digits(self.value), _digits(self.min))
        if isinstance(self, widgets.IntSlider):
            self.step = 1
        else:
            self.readout_format = f".{max(2, digits)}f"
            self.step = 10.0**-digits


def _digits(value: float) -> int:
    """How many digits a number has after the point, at most 6."""
    return next((n for n in range(6) if abs(round(value, n) - value) < 1e-9), 6)


class SteadyIntSlider(Steady, widgets.IntSlider):
    """A slider of whole numbers that a page does not move by itself."""


class SteadyFloatSlider(Steady, widgets.FloatSlider):
    """A slider that a page does not move by itself."""


def slider(
    text: str,
    value: float,
    low: float,
    high: float,
    step: float,
    tooltip: str,
    *,
    live: bool = True,
) -> widgets.FloatSlider | widgets.IntSlider:
    """Make a slider, of whole numbers if all its numbers are whole.

    ``live`` says whether the panel follows the slider while it moves, or only when it is let go.
    """
    whole = all(isinstance(number, int) for number in (value, low, high, step))
    kind = SteadyIntSlider if whole else SteadyFloatSlider
    made = kind(
        value=value,
        min=low,
        max=high,
        step=step,
        description=label(text),
        tooltip=tooltip,
        continuous_update=live,
        readout_format="d" if whole else ".2f",
        style=LABELLED,
        layout=widgets.Layout(width=WIDE),
    )
    made.start_with(step)
    return made


def switch(text: str, value: bool, tooltip: str) -> widgets.Checkbox:
    """Make a box that is ticked or not."""
    return widgets.Checkbox(
        value=value,
        description=label(text),
        tooltip=tooltip,
        indent=False,
        layout=widgets.Layout(width="156px"),
    )


def choice(text: str, options: Sequence, value: object, tooltip: str) -> widgets.Dropdown:
    """Make a list to choose one of several options from: texts, or pairs of text and value."""
    return widgets.Dropdown(
        options=options,
        value=value,
        description=label(text),
        tooltip=tooltip,
        style=LABELLED,
        layout=widgets.Layout(width=WIDE),
    )


def button(
    text: str, icon: str, tooltip: str, act: Callable[[], None], width: str = "92px"
) -> widgets.Button:
    """Make a button that calls ``act`` when it is pressed."""
    made = widgets.Button(
        description=text, icon=icon, tooltip=tooltip, layout=widgets.Layout(width=width)
    )
    made.on_click(lambda _: act())
    return made


def label(text: str) -> str:
    """Make a label from a text that may come from a file.

    The label is one short line. A page takes text between dollar signs, or after ``\\(`` or
    ``\\[``, for mathematics. So dollar signs become full-width ones, and brackets lose their
    backslash.
    """
    line = short(text).replace("$", FULLWIDTH_DOLLAR)
    return line.replace("\\(", "( ").replace("\\[", "[ ")


@dataclass(frozen=True)
class Heading:
    """Begins a group of controls: ``short`` stands on the button that opens it, ``text`` beside."""

    text: str
    short: str


def heading(text: str, short: str = "") -> Heading:
    """Begin a group of controls, with a word for it."""
    return Heading(text, short or text)


def rows(*parts: Sequence[widgets.Widget]) -> list[widgets.HBox]:
    """Put the widgets of each part side by side, one row for each part."""
    return [widgets.HBox(part) for part in parts]


class CompositeControl:
    """A control that is made of several widgets: it looks to a panel like one widget.

    A subclass makes ``widget``, defines ``value`` with a setter, and calls :meth:`tell` after each
    change of ``value``.
    """

    widget: widgets.VBox

    def __init__(self) -> None:
        self.muted = False  # while the control changes its own widgets
        self._handlers: list[Handler] = []

    @property
    def layout(self) -> widgets.Layout:
        """The layout of the whole control."""
        return self.widget.layout

    def observe(self, handler: Handler, names: str = "value") -> None:
        """Call ``handler`` after each change of the value."""
        self._handlers.append(handler)

    def tell(self) -> None:
        """Call all handlers."""
        for handler in self._handlers:
            handler(self)


class Chooser(CompositeControl):
    """A list to choose several names from, with a field to search in it.

    ``value`` is a tuple of names. Chosen names stay in the list whatever is searched for. The names
    must differ.
    """

    def __init__(
        self, text: str, names: Sequence[str], value: Sequence[str], *, lines: int = 7
    ) -> None:
        super().__init__()
        self.names = tuple(names)
        self.search = widgets.Text(
            description=label(text),
            placeholder="search",
            continuous_update=True,
            style=LABELLED,
            layout=widgets.Layout(width=WIDE),
            tooltip="Show only names that contain this",
        )
        self.list = widgets.SelectMultiple(
            options=self._options(value, ""),
            value=tuple(value),
            rows=lines,
            description="chosen",
            style=LABELLED,
            layout=widgets.Layout(width=WIDE),
            tooltip="Ctrl or Shift and a click choose several",
        )
        self.widget = widgets.VBox([self.search, self.list])
        self.search.observe(lambda _: self._offer(self.list.value), names="value")
        self.list.observe(lambda _: self._list_changed(), names="value")

    def _options(self, chosen: Sequence[str], search: str) -> list[tuple[str, str]]:
        """Pairs of label and name: first the chosen names, then those that contain the search."""
        matching = [name for name in self.names if search.casefold() in name.casefold()]
        return [(label(name), name) for name in dict.fromkeys([*chosen, *matching])]

    def _offer(self, chosen: Sequence[str]) -> None:
        """Show new options; they forget the choice, so choose again before anybody is told."""
        self.muted = True
        self.list.options = self._options(chosen, self.search.value)
        self.list.value = tuple(chosen)
        self.muted = False

    @property
    def value(self) -> tuple[str, ...]:
        """The chosen names. Raises ``ValueError`` for a name that is not in the list."""
        return self.list.value

    @value.setter
    def value(self, names: Sequence[str]) -> None:
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise ValueError(f"there is no class {unknown[0][:40]!r}")

        before = self.list.value
        self._offer(names)
        if self.list.value != before:
            self.tell()

    def _list_changed(self) -> None:
        if not self.muted:
            self.tell()
