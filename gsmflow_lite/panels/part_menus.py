"""Menus for attributes that come in groups: of each group, such as the vowels, a class has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np
from jaxtyping import Float

from ..figures.style import short
from .controls import LABELLED, WIDE, CompositeControl, button, label


class PartMenus(CompositeControl):
    """A menu for each group of attributes.

    ``value`` is a tuple of texts ``name=1``, one for each group whose attribute was changed. A menu
    that goes back to what the description says is no change any more.
    """

    def __init__(self, names: Sequence[str], groups: Mapping[str, Sequence[int]]) -> None:
        super().__init__()
        self.names = tuple(names)
        self.groups = groups
        self._described = {group: self.names[numbers[0]] for group, numbers in groups.items()}
        self._chosen: dict[str, str] = {}  # the changed attribute of a group
        self.menus = {group: self._make_menu(group) for group in groups}
        self.clear = button(
            "Clear", "eraser", "Take all changes of attributes back", self._clear, width="98px"
        )
        self.widget = widgets.VBox([*self.menus.values(), self.clear])
        self._draw()

    def _make_menu(self, group: str) -> widgets.Dropdown:
        names = [self.names[k] for k in self.groups[group]]
        menu = widgets.Dropdown(
            options=[(label(name.removeprefix(f"{group} ")), name) for name in names],
            description=label(group),
            tooltip=f"The {short(group)} of the class",
            style=LABELLED,
            layout=widgets.Layout(width=WIDE),
        )
        menu.observe(lambda change: self._menu_moved(group, change["new"]), names="value")
        return menu

    @property
    def value(self) -> tuple[str, ...]:
        """The changes. Raises ``ValueError`` for a text that is no change of a group."""
        return tuple(f"{name}=1" for name in self._chosen.values())

    @value.setter
    def value(self, texts: Sequence[str]) -> None:
        chosen = {}
        for text in texts:
            name, _, number = text.rpartition("=")
            group = self._group_of(name)
            if float(number) != 1 or group in chosen:
                raise ValueError(f"of each group choose one attribute, as {short(name)}=1")
            chosen[group] = name

        before = self.value
        self._chosen = chosen
        self._draw()
        if self.value != before:
            self.tell()

    def _group_of(self, name: str) -> str:
        for group, numbers in self.groups.items():
            if name in [self.names[k] for k in numbers]:
                return group
        raise ValueError(f"there is no attribute {short(name, 40)!r}: write name=1")

    def _menu_moved(self, group: str, name: str) -> None:
        if self.muted:
            return
        before = self.value
        if name == self._described[group]:
            self._chosen.pop(group, None)
        else:
            self._chosen[group] = name
        self._draw()
        if self.value != before:
            self.tell()

    def _clear(self) -> None:
        self.value = ()

    def describe(self, attributes: Float[np.ndarray, " A"]) -> None:
        """Say what the attributes are before changes."""
        for group, numbers in self.groups.items():
            self._described[group] = self.names[max(numbers, key=lambda k: attributes[k])]
        self._draw()

    def _draw(self) -> None:
        self.muted = True
        for group, menu in self.menus.items():
            menu.value = self._chosen.get(group, self._described[group])
        self.muted = False
        self.clear.disabled = not self._chosen
