"""The empty figure of a live map: all traces of both lenses, before there is anything to show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..figures.lenses import CURVES, LENSES
from ..figures.style import MIDDLE_GREY, PALETTE

HOVER = "%{text}<extra></extra>"
SET_SYMBOLS = (  # of the synthesized sets: told apart without colour
    "diamond-open",
    "triangle-up-open",
)
SIZES = {"context": 4, "real": 6, "synthesized": 8, "synthesized 2": 8}  # in pixels
# Grey that is quieter than any class, on white and on black.
OPACITIES = {"context": 0.3, "real": 0.6, "synthesized": 0.95, "synthesized 2": 0.95}
RING = {"symbol": "circle-open", "size": 20, "color": MIDDLE_GREY, "line": {"width": 3}}


def empty_lenses(kinds: Sequence[str]) -> tuple[go.Figure, dict[tuple[str, str], int]]:
    """Make the figure, and say at which number the trace of each part and lens stands in it.

    ``kinds`` are the sets of points that can be pointed at: ``real``, then one or two synthesized.
    """
    figure = make_subplots(1, 2, subplot_titles=list(LENSES.values()), horizontal_spacing=0.03)
    places: dict[tuple[str, str], int] = {}
    for column, lens in enumerate(LENSES, start=1):
        for part, trace in _traces(kinds):
            places[part, lens] = len(figure.data)
            figure.add_trace(trace, 1, column)
    return _dressed(figure), places


def _traces(kinds: Sequence[str]) -> Iterator[tuple[str, go.Scattergl]]:
    """What is drawn through one lens, from back to front."""
    yield "context", _points("context", color=MIDDLE_GREY)
    yield "real", _points("real")
    for kind, symbol in zip(kinds[1:], SET_SYMBOLS, strict=False):
        yield kind, _points(kind, symbol=symbol, line={"width": 1.6})
    for part in CURVES:
        yield part, _curve(part)
    yield "ring", _rings(opacity=1)
    # Invisible rings at the corners of all points: they keep room for a ring that is drawn at the
    # edge. Without them the map would move under the pointer that asks for a ring.
    yield "room", _rings(opacity=0)


def _points(kind: str, **marker: object) -> go.Scattergl:
    return go.Scattergl(
        name="real" if kind == "context" else kind,  # what the page calls its points
        x=[],
        y=[],
        mode="markers",
        marker={"size": SIZES[kind], **marker},
        opacity=OPACITIES[kind],
        hovertemplate=HOVER,
        text=[],
        customdata=[],
        unselected={"marker": {"opacity": 0.25}},
    )


def _curve(part: str) -> go.Scattergl:
    """A line, or for ``moved`` an arrow: its head is a marker, of size 0 where there is none."""
    colour, width, dash = CURVES[part]
    line = {"color": colour, "width": width, "dash": dash}
    if part != "moved":
        return go.Scattergl(x=[], y=[], mode="lines", line=line, hoverinfo="skip")
    head = {"symbol": "arrow", "color": colour, "size": [], "angle": [], "opacity": 1}
    return go.Scattergl(
        x=[],
        y=[],
        mode="lines+markers",
        line=line,
        marker=head,
        hoverinfo="skip",
        **_untouched(1),
    )


def _rings(*, opacity: float) -> go.Scattergl:
    return go.Scattergl(
        x=[],
        y=[],
        mode="markers",
        marker=RING,
        hoverinfo="skip",
        opacity=opacity,
        **_untouched(opacity),
    )


def _untouched(opacity: float) -> dict[str, dict]:
    """Looks the same whether a lasso has found it or not: it is no point of the data."""
    return {state: {"marker": {"opacity": opacity}} for state in ("selected", "unselected")}


def _dressed(figure: go.Figure) -> go.Figure:
    """Axes without numbers, one scale for both axes of a lens, and a page that shows through."""
    axis = {
        "showticklabels": False,
        "zeroline": False,
        "showgrid": False,
        "linecolor": MIDDLE_GREY,
        "mirror": True,
    }
    figure.update_xaxes(axis)
    figure.update_yaxes(axis)
    figure.layout.yaxis.scaleanchor = "x"
    figure.layout.yaxis2.scaleanchor = "x2"
    for heading, lens_axis in zip(
        figure.layout.annotations, (figure.layout.xaxis, figure.layout.xaxis2), strict=True
    ):  # on the left, since the tool bar is on the right; moved, or its edge would cut the frame
        heading.update(x=lens_axis.domain[0], xanchor="left", yshift=3)
    return figure.update_layout(
        template="none",
        autosize=True,
        showlegend=False,
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": MIDDLE_GREY, "activecolor": PALETTE[0]},
        dragmode="lasso",
        hovermode="closest",
        uirevision="kept",  # zoom and pan stay when the points change
        margin={"l": 4, "r": 4, "t": 34, "b": 4},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 14, "color": MIDDLE_GREY},
        hoverlabel={"bgcolor": "#262626", "font": {"color": "#FFFFFF", "size": 13}},
    )
