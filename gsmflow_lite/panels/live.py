"""A live figure of plotly that arrives on slow pages and on pages that are loaded again."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from importlib.resources import files

import plotly
import plotly.graph_objects as go
from traitlets import Unicode, default

BUTTONS = ["zoom2d", "pan2d", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]


@cache
def _javascript_of_plotly() -> str:
    """The JavaScript of plotly's figures, 5 MB."""
    return str(go.FigureWidget._esm)


def _our_javascript(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


class LiveFigure(go.FigureWidget):
    """A :class:`plotly.graph_objects.FigureWidget` whose page never shows an old picture.

    - A page needs some time to load plotly. Changes that Python sends before that are kept in the
      page and shown afterwards (see ``figure.js``).
    - A page that is loaded again asks for the whole figure. It gets the figure as it is at that
      moment, with all changes since it was made.
    - A figure without a width of its own is always as wide as its place on the page.
    - Points glide from where they were to where they are sent (see ``glide.js``).
    """

    _esm = _our_javascript("glide.js") + _our_javascript("figure.js")
    _plotly = Unicode().tag(sync=True)
    _plotly_version = Unicode(plotly.__version__).tag(sync=True)

    def __init__(self, figure: go.Figure | None = None) -> None:
        super().__init__(figure)
        self._config = {
            "displaylogo": False,
            "modeBarButtons": [BUTTONS],  # plotly's other buttons upload the data
            "responsive": True,
        }

    def forget_lasso(self) -> None:
        """Take the outline of a lasso or a box off the page, whatever Python knows of it.

        A second lasso that begins inside an outline would move that one instead.
        """
        self._send_relayout_msg({"selections": []})

    @default("_plotly")
    def _default_plotly(self) -> str:
        return _javascript_of_plotly()

    def get_state(self, key=None, drop_defaults=False):
        """Return the state that a page asks for. ``key`` None means the whole figure."""
        if key is None and hasattr(self, "_layout_obj"):
            self._trait_values |= {
                "_widget_data": deepcopy(self._data),
                "_widget_layout": deepcopy(self._layout_obj._props),
            }
        return super().get_state(key, drop_defaults)
