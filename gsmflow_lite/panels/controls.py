"""Controls with labels: sliders that follow while they move, switches, and a chooser of classes with a search field."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets

from ..figures.style import short

WIDE = "318px"
_LABELLED = {"description_width": "104px"}


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
    """A slider, of whole numbers where all its numbers are. ``live``: it is followed while it moves."""
    whole = all(isinstance(x, int) for x in (value, low, high, step))
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    return kind(
        value=value, min=low, max=high, step=step, description=label(text), tooltip=tooltip, continuous_update=live,
        readout_format="d" if whole else ".2f", style=_LABELLED, layout=widgets.Layout(width=WIDE),
    )  # fmt: skip


def switch(text: str, value: bool, tooltip: str) -> widgets.Checkbox:
    return widgets.Checkbox(
        value=value,
        description=label(text),
        tooltip=tooltip,
        indent=False,
        layout=widgets.Layout(width="156px"),
    )


def choice(text: str, options: Sequence, value, tooltip: str) -> widgets.Dropdown:
    """One of several; options are texts or pairs of text and value."""
    return widgets.Dropdown(
        options=options, value=value, description=label(text), tooltip=tooltip, style=_LABELLED,
        layout=widgets.Layout(width=WIDE),
    )  # fmt: skip


def label(text: str) -> str:
    """Text from a file as a label: on one line, without what a page takes for mathematics; a wide dollar sign is none."""
    return short(text).replace("$", "\uff04").replace("\\(", "( ").replace("\\[", "[ ")


def heading(text: str) -> widgets.HTML:
    return widgets.HTML(f"<b>{text}</b>", layout=widgets.Layout(margin="6px 0 0 0"))


def rows(*parts: Sequence[widgets.Widget]) -> list[widgets.HBox]:
    """Switches two by two."""
    return [widgets.HBox(part) for part in parts]


class Chooser:
    """A list of names to choose several of, with a field to search in it. ``value`` is a tuple of names, as they stand in it.

    What is chosen stays in the list whatever is searched for. Names must differ.
    """

    def __init__(
        self, text: str, names: Sequence[str], value: Sequence[str], *, lines: int = 7
    ) -> None:
        self.names = tuple(names)
        self.search = widgets.Text(
            description=label(text), placeholder="search", continuous_update=True, style=_LABELLED,
            layout=widgets.Layout(width=WIDE), tooltip="Show only names that contain this",
        )  # fmt: skip
        self.list = widgets.SelectMultiple(
            options=self._options(value, ""), value=tuple(value), rows=lines, description="chosen", style=_LABELLED,
            layout=widgets.Layout(width=WIDE), tooltip="Ctrl or Shift and a click choose several",
        )  # fmt: skip
        self.widget = widgets.VBox([self.search, self.list])
        self._muted, self._handlers = False, []
        self.search.observe(lambda _: self._offer(self.list.value), names="value")
        self.list.observe(lambda _: self._tell(), names="value")

    def _options(self, chosen: Sequence[str], search: str) -> list[tuple[str, str]]:
        """Pairs of label and name: what is chosen first, then what is found."""
        found = [name for name in self.names if search.casefold() in name.casefold()]
        return [(label(name), name) for name in dict.fromkeys([*chosen, *found])]

    def _offer(self, chosen: Sequence[str]) -> None:
        """New options forget what was chosen: choose it again before anybody hears of it."""
        self._muted = True
        self.list.options = self._options(chosen, self.search.value)
        self.list.value = tuple(chosen)
        self._muted = False

    @property
    def value(self) -> tuple[str, ...]:
        return self.list.value

    @value.setter
    def value(self, names: Sequence[str]) -> None:
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise ValueError(f"there is no class {unknown[0][:40]!r}")
        before = self.list.value
        self._offer(names)
        if self.list.value != before:
            self._tell()

    @property
    def layout(self) -> widgets.Layout:
        return self.widget.layout

    def observe(self, handler: Callable, names: str = "value") -> None:
        """Call ``handler`` after each change of the choice."""
        self._handlers.append(handler)

    def _tell(self) -> None:
        if not self._muted:
            for handler in self._handlers:
                handler(self)
