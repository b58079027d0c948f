"""The button that gives a panel the whole screen, with type that is read from the last row."""

from __future__ import annotations

from importlib.resources import files

import anywidget


class Present(anywidget.AnyWidget):
    """A button: it shows the panel around it alone, and large. Escape ends that."""

    _esm = files(__package__).joinpath("present.js").read_text(encoding="utf-8")
