"""Sliders for attributes: a few sliders for any number of attributes, with search and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np
from jaxtyping import Float

from ..figures.style import short
from .controls import LABELLED, WIDE, CompositeControl, button, label, slider

POOL = 8  # sliders, whatever the number of attributes
ROUNDING = 1e-5  # relative: a value that was written down has six digits
SAME = 1e-6  # of the range: a slider that is so near to the description stands on it


class AttributeSliders(CompositeControl):
    """Changes of single attributes.

    ``value`` is a tuple of texts ``name=number``, one for each changed attribute. An attribute that
    is moved back to its value in the description is no change any more.

    :data:`POOL` sliders show some of the attributes. The search field and the page say which ones;
    changes of the others are kept. ``low`` and ``high`` are the ends of each slider.
    """

    def __init__(
        self, names: Sequence[str], low: Float[np.ndarray, " A"], high: Float[np.ndarray, " A"]
    ) -> None:
        super().__init__()
        self.names = tuple(names)
        self.low = low.astype(float)
        self.high = high.astype(float)
        self._described = self.low.copy()  # what the description says before changes
        self._changes: dict[str, str] = {}  # texts of numbers by name, as they were written
        self._order = list(range(len(self.names)))  # those that the class has most of come first
        self._matching = self._order  # those that the search has found
        self._page = 0
        self._make_sliders()
        self.widget = widgets.VBox([self._make_search(), self._make_pages(), *self.sliders])
        self.turn(0)

    # --- The widgets, made once --------------------------------------------------------------

    def _make_sliders(self) -> None:
        self.sliders = [slider("", 0.0, 0.0, 1.0, 0.05, "") for _ in range(POOL)]
        for one in self.sliders:
            one.step = None  # with a step the page would move descriptions onto it by itself
        for place, one in enumerate(self.sliders):
            one.style.description_width = "146px"  # attributes have long names
            self._follow(place, one)

    def _follow(self, place: int, one: widgets.FloatSlider) -> None:
        one.observe(lambda change: self._slider_moved(place, change["new"]), names="value")

    def _make_search(self) -> widgets.Text:
        self.search = widgets.Text(
            description="Search",
            placeholder=f"among {len(self.names)} attributes",
            tooltip="Show attributes that contain this",
            style=LABELLED,
            layout=widgets.Layout(width=WIDE),
        )
        self.search.observe(lambda _: self.turn(0), names="value")
        return self.search

    def _make_pages(self) -> widgets.HBox:
        self.before = button(
            "", "arrow-left", "Attributes before these", lambda: self.turn(-1), width="44px"
        )
        self.after = button(
            "", "arrow-right", "Attributes after these", lambda: self.turn(1), width="44px"
        )
        self.clear = button(
            "Clear", "eraser", "Take all changes of attributes back", self._clear, width="98px"
        )
        self.place = widgets.HTML(layout=widgets.Layout(margin="0 6px"))
        return widgets.HBox(
            [self.before, self.after, self.place, self.clear],
            layout=widgets.Layout(align_items="center"),
        )

    # --- The setting -------------------------------------------------------------------------

    @property
    def value(self) -> tuple[str, ...]:
        """The changes. Raises ``ValueError`` for a text that is no change of an attribute."""
        return tuple(f"{name}={text}" for name, text in self._changes.items())

    @value.setter
    def value(self, texts: Sequence[str]) -> None:
        pairs = [_name_and_number(text) for text in texts]
        changes = dict(pairs)
        for name, number in changes.items():
            self._check(name, number)
        if len(changes) != len(pairs):
            raise ValueError("each attribute can be changed once")

        before = self.value
        self._changes = changes
        self._draw()
        if self.value != before:
            self.tell()

    def _check(self, name: str, text: str) -> None:
        if name not in self.names:
            raise ValueError(f"there is no attribute {short(name, 40)!r}: write name=value")
        k = self.names.index(name)
        low = self.low[k]
        high = self.high[k]
        number = float(text)
        margin = ROUNDING * max(abs(low), abs(high))
        if not low - margin <= number <= high + margin:
            raise ValueError(f"{short(name)} goes from {low:g} to {high:g}")

    def _slider_moved(self, place: int, number: float) -> None:
        """Note the change that a hand has made."""
        if self.muted or place >= len(self._on_page):
            return
        before = self.value
        k = self._on_page[place]
        margin = SAME * (self.high[k] - self.low[k])
        if abs(number - self._now(k)) <= margin:
            return  # the page has rounded what it was given
        if abs(number - self._described[k]) <= margin:
            self._changes.pop(self.names[k], None)
        else:
            self._changes[self.names[k]] = f"{number:.6g}"

        self._count()
        if self.value != before:
            self.tell()

    def _clear(self) -> None:
        self.value = ()

    # --- What the sliders show ---------------------------------------------------------------

    @property
    def _last_page(self) -> int:
        return max(0, (len(self._matching) - 1) // POOL)

    @property
    def _on_page(self) -> list[int]:
        """Numbers of the attributes that the sliders show."""
        return self._matching[self._page * POOL : (self._page + 1) * POOL]

    def turn(self, pages: int) -> None:
        """Go on by so many pages of the attributes that are found; 0 goes to the first page."""
        self._search()
        wanted = self._page + pages if pages else 0
        self._page = min(max(0, wanted), self._last_page)
        self.before.disabled = self._page == 0
        self.after.disabled = self._page == self._last_page
        self._draw()

    def _search(self) -> None:
        wanted = self.search.value.casefold()
        self._matching = [k for k in self._order if wanted in self.names[k].casefold()]

    def describe(self, attributes: Float[np.ndarray, " A"]) -> None:
        """Say what the attributes are before changes; those with high values come first."""
        self._described = np.asarray(attributes, float)
        lengths = np.where(self.high > self.low, self.high - self.low, 1.0)
        shares = (self._described - self.low) / lengths
        self._order = np.argsort(-shares, kind="stable").tolist()
        self._search()
        self._draw()

    def _draw(self) -> None:
        """Give each slider the attribute of its place on the page, and hide the others."""
        self.muted = True
        shown = self._on_page
        for one in self.sliders[len(shown) :]:
            one.layout.display = "none"
        for one, k in zip(self.sliders, shown, strict=False):
            one.layout.display = "flex"
            self._show_attribute(one, k)
        self.muted = False
        self._count()

    def _now(self, k: int) -> float:
        """The value of an attribute with its change."""
        return float(self._changes.get(self.names[k], self._described[k]))

    def _show_attribute(self, one: widgets.FloatSlider, k: int) -> None:
        name = label(self.names[k])
        low = self.low[k]
        high = self.high[k]
        constant = bool(high <= low)
        top = low + 1.0 if constant else high  # a slider without length cannot be drawn
        now = self._now(k)
        with one.hold_trait_notifications():  # or one of low and high would be refused
            one.min = low
            one.max = top
            one.value = min(max(now, low), top)

        one.readout_format = _number_format(top - low)
        one.description = name
        one.disabled = constant
        if constant:
            one.tooltip = f"{name} is {low:g} in every class"
        else:
            one.tooltip = f"{name} from {low:g} to {high:g}, as in the data"

    def _count(self) -> None:
        """Say which of the found attributes are shown, and how many are changed."""
        count = len(self._on_page)
        start = self._page * POOL
        first = start + 1 if count else start
        self.place.value = f"{first} to {start + count} of {len(self._matching)}"
        self.clear.description = f"Clear {len(self._changes)}" if self._changes else "Clear"
        self.clear.disabled = not self._changes


def _number_format(length: float) -> str:
    """How the number beside a slider is written, by the length of the slider."""
    if length > 20:
        return ".0f"
    return ".2f" if length > 0.2 else ".3g"


def changed_attributes(texts: Sequence[str]) -> Mapping[str, float]:
    """The changed attributes by name, from texts ``name=number``."""
    pairs = [_name_and_number(text) for text in texts]
    return {name: float(number) for name, number in pairs}


def _name_and_number(text: str) -> tuple[str, str]:
    """What is before and after the last equals sign: a name may hold one itself."""
    name, _, number = text.rpartition("=")
    return name, number
