"""Where the parts of a panel stand: controls in groups, views in areas. The sizes are in panel.css.

On a wide and tall page all groups are seen at once. On others one of them is, under a row of
buttons, so that the control that moves and what it changes are on the screen together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from .controls import Heading

AREAS = ("tour", "words", "map", "meters", "card", "under")  # a view has the class of its own
CLOSED = "closed"  # class of the groups that a small page does not show


class Groups:
    """Controls in groups: each heading of a column begins one."""

    def __init__(self, column: Sequence[widgets.Widget]) -> None:
        self.boxes: dict[str, widgets.VBox] = {}
        for title, members in _split(column):
            self.boxes[title] = widgets.VBox(members)
            self.boxes[title].add_class("group")
        self.tabs = widgets.ToggleButtons(options=list(self.boxes), tooltips=list(self.boxes))
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
            self.tabs.value = opened if opened in seen else next(iter(seen), None)
        self.tabs.layout.display = None if len(seen) > 1 else "none"


def _split(column: Sequence[widgets.Widget]) -> list[tuple[str, list[widgets.Widget]]]:
    """Titles of groups, with the heading and the controls of each."""
    groups: list[tuple[str, list[widgets.Widget]]] = []
    for widget in column:
        if isinstance(widget, Heading):
            groups.append((widget.short, []))
        elif not groups:
            groups.append(("Settings", []))
        groups[-1][1].append(widget)
    return groups


def _shows_something(widget: Any) -> bool:
    """Whether a widget can be seen, and is more than a heading."""
    if isinstance(widget, Heading) or widget.layout.display == "none":
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
