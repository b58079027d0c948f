"""Where the parts of a panel stand: controls in groups, views in areas. The sizes are in panel.css.

One group of controls is seen at a time, under a row of buttons, so that the control that moves and
what it changes are on the screen together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from .controls import Heading, heading

Column = Sequence[widgets.Widget | Heading]

AREAS = ("tour", "words", "map", "meters", "card", "under")  # a view has the class of its own
CLOSED = "closed"  # class of the groups that are not shown


class Groups:
    """Controls in groups: each heading of a column begins one."""

    def __init__(self, column: Column) -> None:
        self._texts: dict[str, str] = {}  # what is in a group, by its title
        self.boxes: dict[str, widgets.VBox] = {}
        for head, members in _split(column):
            self._texts[head.short] = head.text
            self.boxes[head.short] = widgets.VBox(members)
        self.tabs = widgets.ToggleButtons(
            options=list(self.boxes), tooltips=list(self._texts.values())
        )
        self.tabs.add_class("tabs")
        self.tabs.observe(lambda _: self._open(), names="value")
        self.widget = widgets.VBox([self.tabs, *self.boxes.values()])
        self.widget.add_class("controls")
        self._open()

    def open(self, title: str) -> None:
        """Show the group of this title."""
        self.tabs.value = title

    def _open(self) -> None:
        for title, box in self.boxes.items():
            if title == self.tabs.value:
                box.remove_class(CLOSED)
            else:
                box.add_class(CLOSED)

    def hide_empty(self) -> None:
        """Take away the groups in which there is nothing to see."""
        seen = [
            title for title, box in self.boxes.items() if any(map(_shows_something, box.children))
        ]
        for title, box in self.boxes.items():
            box.layout.display = None if title in seen else "none"
        opened = self.tabs.value
        if list(self.tabs.options) != seen:
            self.tabs.options = seen
            self.tabs.tooltips = [self._texts[title] for title in seen]
            self.tabs.value = opened if opened in seen else next(iter(seen), None)
        self.tabs.layout.display = None if len(seen) > 1 else "none"


def _split(column: Column) -> list[tuple[Heading, list[widgets.Widget]]]:
    """The headings of a column, with the controls under each."""
    groups: list[tuple[Heading, list[widgets.Widget]]] = []
    for part in column:
        if isinstance(part, Heading):
            groups.append((part, []))
            continue
        if not groups:
            groups.append((heading("Settings"), []))
        groups[-1][1].append(part)
    return groups


def _shows_something(widget: Any) -> bool:
    """Whether anything of a widget can be seen but words, which are about what is beside them."""
    if widget.layout.display == "none" or isinstance(widget, widgets.HTML):
        return False
    children = getattr(widget, "children", None)
    return True if children is None else any(map(_shows_something, children))


def text_in(area: str) -> widgets.HTML:
    """Make a text that stands in an area."""
    made = widgets.HTML(layout=widgets.Layout(width="100%", margin="0"))
    made.add_class(area)
    return made


def placed(groups: Groups, right: Sequence[widgets.Widget]) -> list[widgets.VBox]:
    """Put views into their areas: ``under`` the controls, and what has no area below all."""
    members: dict[str, list[widgets.Widget]] = {area: [] for area in (*AREAS, "rest")}
    for one in right:
        area = next((area for area in AREAS if area in one._dom_classes), "rest")
        members[area].append(one)
    left = widgets.VBox([groups.widget, _area("under", members["under"])])
    left.add_class("left")
    side = widgets.VBox([_area(area, members[area]) for area in ("meters", "card")])
    side.add_class("area-side")
    top = [_area(area, members[area]) for area in ("tour", "words", "map")]
    return [left, *top, side, _area("rest", members["rest"])]


def _area(name: str, members: Sequence[widgets.Widget]) -> widgets.VBox:
    box = widgets.VBox(list(members))
    box.add_class(f"area-{name}")
    if not members:
        box.layout.display = "none"
    return box
