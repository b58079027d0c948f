"""plotly's live figure, made to arrive: on a slow page, and on one that is loaded anew."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from importlib.resources import files

import plotly
import plotly.graph_objects as go
from traitlets import Unicode, default

BUTTONS = ["zoom2d", "pan2d", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]


@cache
def _plotly() -> str:
    """The JavaScript of plotly's figures, 5 MB."""
    return str(go.FigureWidget._esm)


class LiveFigure(go.FigureWidget):
    """A :class:`plotly.graph_objects.FigureWidget` that shows what it holds however late the page gets to it.

    What Python says before the page has loaded plotly is kept there and said again (``page/figure.js``), and a page that asks
    for the whole figure, as one that is loaded anew does, is given it as it is by then, not as it was made. A figure
    without a width of its own is as wide as its place, at any time.
    """

    _esm = files(__package__).joinpath("figure.js").read_text(encoding="utf-8")
    _plotly = Unicode().tag(sync=True)
    _plotly_version = Unicode(plotly.__version__).tag(sync=True)

    def __init__(self, figure: go.Figure | None = None) -> None:
        super().__init__(figure)
        self._config = {
            "displaylogo": False,
            "modeBarButtons": [BUTTONS],
            "responsive": True,
        }  # other buttons upload the data

    @default("_plotly")
    def _javascript(self) -> str:
        return _plotly()

    def get_state(self, key=None, drop_defaults=False):
        if key is None and hasattr(self, "_layout_obj"):
            self._trait_values |= {
                "_widget_data": deepcopy(self._data),
                "_widget_layout": deepcopy(self._layout_obj._props),
            }
        return super().get_state(key, drop_defaults)
