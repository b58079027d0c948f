"""The legend of a map: what is drawn and which classes, each a button that hides or shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

LAYER = "layer "  # stands before the name of a layer, so that no class is taken for it


class Legend(anywidget.AnyWidget):
    """Buttons for layers and classes. ``value`` names what is hidden.

    A click hides one or shows it again. A double click on a class, or Enter with Shift, shows it
    alone; another one brings all back. ``key`` says what the colours mean where they do not stand
    for classes.
    """

    _esm = files(__package__).joinpath("legend.js").read_text(encoding="utf-8")
    value = traitlets.Tuple().tag(sync=True)
    layers: Any = traitlets.List().tag(sync=True)  # of {"name", "text", "sign"}
    classes: Any = traitlets.List().tag(sync=True)  # of {"name", "text", "colour"}
    key = traitlets.Dict().tag(sync=True)  # {"text", "low", "high", "ramp"}, or nothing

    def __init__(self, layers: Mapping[str, tuple[str, str]], known: Sequence[str]) -> None:
        """Offer ``layers``, a text and a sign for each by name; ``known`` are all classes."""
        self._known = {*known, *(LAYER + name for name in layers)}
        super().__init__()
        self.layers = [
            {"name": LAYER + name, "text": text, "sign": sign}
            for name, (text, sign) in layers.items()
        ]
        self.layout.height = "auto"
        self.layout.width = "100%"
        self.on_msg(self._heard)

    @traitlets.validate("value")
    def _check(self, proposal: dict[str, Any]) -> tuple[str, ...]:
        names = proposal["value"]
        unknown = [name for name in names if name not in self._known]
        if unknown:
            raise traitlets.TraitError(f"nothing on the map is called {str(unknown[0])[:40]!r}")
        return tuple(dict.fromkeys(names))

    @property
    def hidden_layers(self) -> frozenset[str]:
        """The layers that are hidden."""
        return hidden_layers(self.value)

    def show(self, classes: Sequence[tuple[str, str]], key: Mapping[str, Any]) -> None:
        """Offer classes, each with its colour, and say what the colours of points mean."""
        with self.hold_sync():
            self.classes = [
                {"name": name, "text": name, "colour": colour} for name, colour in classes
            ]
            self.key = dict(key)

    def alone(self, name: str) -> None:
        """Show a class alone; all of them again where it is alone already."""
        offered = [one["name"] for one in self.classes]
        if name not in offered:
            return
        others = {one for one in offered if one != name}
        rest = [one for one in self.value if one not in offered]
        hidden = {*self.value} & {*offered}
        self.value = (*rest, *(() if hidden == others else (o for o in offered if o != name)))

    def _heard(self, _: object, message: Any, buffers: object) -> None:
        name = message.get("alone") if isinstance(message, dict) else None
        if isinstance(name, str):
            self.alone(name)


def hidden_layers(value: Sequence[str]) -> frozenset[str]:
    """The layers among what is hidden."""
    return frozenset(name.removeprefix(LAYER) for name in value if name.startswith(LAYER))
