"""The live picture of the flow anatomy: data space beside noise space, each with its traces."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from ..explorer.anatomy import Box
from ..explorer.anatomy_figures import (
    DENSITY_COLOUR,
    RAMP,
    SPACES,
    Side,
    along,
    anatomy_figure,
    sides,
)
from ..figures.style import MIDDLE_GREY, PALETTE, plain
from .dissection import FlowScene, Pairs
from .live import LiveFigure
from .state import Settings

OUTLINE_FILL = "rgba(0, 158, 115, 0.12)"
GRID_COLOUR = "rgba(127, 127, 127, 0.45)"
TRUTH_LINE = {"color": PALETTE[1], "width": 2, "dash": "dash"}
MIDDLE_HOVER = "the point that began in the middle<extra></extra>"
CROSS = {
    "symbol": "x",
    "size": 13,
    "color": MIDDLE_GREY,
    "line": {"width": 1.5, "color": "#FFFFFF"},
}


def colour_key(settings: Settings, towards: str) -> str:
    """Say what the colours mean that are shown, as markup: each beside its colour."""
    start = "data" if towards == "noise" else "noise"
    ramp = f"linear-gradient(90deg, {', '.join(RAMP)})"
    entries = [(ramp, f"points, coloured by their place in the {start} where they begin")]
    if settings["grid"]:
        entries.append((GRID_COLOUR, f"a grid that is straight in the {start}"))
    if settings["density"]:
        entries.append((DENSITY_COLOUR, "curves that hold 50, 90, 99 % of the flow's density"))
    if settings["truth"]:
        entries.append((PALETTE[1], "the same of the true density, dashed"))
    entries.append((MIDDLE_GREY, "circles that hold 50, 90, 99 % of the noise"))
    parts = [
        f'<span class="swatch" style="background:{look}"></span>{text}' for look, text in entries
    ]
    return f'<p class="calm">{" &nbsp; ".join(parts)}; ✕ the point that began in the middle</p>'


class DissectFigure:
    """The figure of the panel. It is made once; :meth:`fill` shows a scene at a step.

    Each space has the traces ``grid``, ``outline``, ``points`` and ``middle``; the data also have
    ``truth``.
    """

    def __init__(self, scene: FlowScene) -> None:
        self.figure = LiveFigure(_first_figure(scene))

    def trace(self, space: str, part: str) -> go.Scatter:
        """Return the trace of a part in a space, ``data`` or ``noise``."""
        return next(self.figure.select_traces({"meta": f"{space} {part}"}))

    def fill(self, scene: FlowScene, settings: Settings) -> None:
        """Show a scene as the settings say, in one message to the page."""
        step = settings["step"]
        with self.figure.batch_update():
            both = sides(scene.points, scene.grid, step, scene.learned)
            for space, side in zip(SPACES, both, strict=True):
                self._fill_side(space, side)
                self._shade(space, scene)
                self._head(space, side.title, scene.box(space))
                _put(self.trace(space, "middle"), scene.middle.points[scene.place(space, step)])
                self.trace(space, "grid").visible = settings["grid"]
            _put(self.trace("data", "truth"), scene.truth.lines())
            self.trace("data", "outline").visible = settings["density"]
            self.trace("data", "truth").visible = settings["truth"]

    def _fill_side(self, space: str, side: Side) -> None:
        _put(self.trace(space, "grid"), side.grid)
        _put(self.trace(space, "outline"), side.outline)
        _put(self.trace(space, "points"), side.dots)

    def _shade(self, space: str, scene: FlowScene) -> None:
        """Colour the points by their place at the start, and number them."""
        start = scene.points.points[0]
        points = self.trace(space, "points")
        points.marker.color = along(start)
        points.customdata = np.arange(len(start))[:, None]

    def _head(self, space: str, title: str, box: Box) -> None:
        """Write the title of a space, and show this part of it."""
        number = SPACES.index(space)
        suffix = ("", "2")[number]
        self.figure.layout.annotations[number].text = plain(title, most=None)
        self.figure.layout[f"xaxis{suffix}"].range = box[:2]
        self.figure.layout[f"yaxis{suffix}"].range = box[2:]


def _put(trace: go.Scatter, curve: Pairs) -> None:
    trace.x = np.ascontiguousarray(curve[:, 0], np.float32)
    trace.y = np.ascontiguousarray(curve[:, 1], np.float32)


def _first_figure(scene: FlowScene) -> go.Figure:
    """The figure with all its traces, at the first step."""
    figure = anatomy_figure(scene.points, scene.grid, 0)
    for trace, space in zip(figure.data, np.repeat(SPACES, 3), strict=True):
        part = trace.name if trace.name in ("grid", "points") else "outline"
        trace.meta = f"{space} {part}"
    _add_middles_and_truth(figure)
    _style(figure)
    return figure.update_layout(**_layout())


def _add_middles_and_truth(figure: go.Figure) -> None:
    figure.add_trace(_truth(), 1, 1)
    for column, space in enumerate(SPACES, start=1):
        figure.add_trace(_middle(space), 1, column)


def _style(figure: go.Figure) -> None:
    figure.update_traces(line_color=MIDDLE_GREY, selector={"meta": "noise outline"})
    figure.update_traces(fill="toself", fillcolor=OUTLINE_FILL, selector={"meta": "data outline"})
    figure.update_traces(line_color=GRID_COLOUR, selector={"name": "grid"})
    figure.update_annotations(yshift=6)
    figure.update_xaxes(linecolor=MIDDLE_GREY, mirror=True)
    figure.update_yaxes(linecolor=MIDDLE_GREY, mirror=True)


def _truth() -> go.Scatter:
    return go.Scatter(mode="lines", line=TRUTH_LINE, hoverinfo="skip", meta="data truth")


def _middle(space: str) -> go.Scatter:
    return go.Scatter(
        mode="markers", marker=CROSS, hovertemplate=MIDDLE_HOVER, meta=f"{space} middle"
    )


def _layout() -> dict[str, Any]:
    return {
        "template": "none",
        "autosize": True,
        "title": None,
        "margin": {"l": 34, "r": 8, "t": 42, "b": 28},
        "font": {"size": 13, "color": MIDDLE_GREY},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "uirevision": "kept",
        "dragmode": "pan",
    }
