"""The curve of a training: loss by epoch on the left axis, validation H on the right."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import plotly.graph_objects as go

from ..explorer.replay import Frame, Recording
from ..explorer.replay_figures import H_COLOUR, LOSS_COLOUR
from ..figures.style import MIDDLE_GREY, PALETTE
from .live import LiveFigure

Curve = tuple[Sequence[float], Sequence[float]]  # x and y

EMPTY_CURVE: Curve = ([], [])
PROTOTYPE_COLOUR = PALETTE[2]
AXIS = {"zeroline": False, "linecolor": MIDDLE_GREY, "gridcolor": "rgba(127,127,127,0.25)"}
EPOCH_AXIS = AXIS | {
    "title": {"text": "epoch", "standoff": 4},
    "showgrid": False,
    "rangemode": "tozero",
}
LOSS_AXIS = AXIS | {"title": {"text": "loss, nats<br>a dimension", "font": {"size": 12}}}
SCORE_AXIS = AXIS | {
    "title": "H (%)",
    "overlaying": "y",
    "side": "right",
    "showgrid": False,
    "range": [0, 100],
    "tickmode": "linear",
    "dtick": 20,
}
FADED = 0.4  # opacity of the previous training
TRACES: dict[str, dict[str, Any]] = {
    "likelihood before": {
        "name": "previous run",
        "mode": "lines",
        "opacity": FADED,
        "line": {"color": LOSS_COLOUR, "width": 3},
        "hoverinfo": "skip",
    },
    "score before": {
        "name": "previous run",
        "mode": "lines",
        "opacity": FADED,
        "yaxis": "y2",
        "line": {"color": H_COLOUR, "width": 3, "dash": "dash"},
        "hoverinfo": "skip",
        "showlegend": False,
    },
    "batches": {
        "name": "single batches",
        "mode": "markers",
        "marker": {"color": MIDDLE_GREY, "size": 4, "opacity": 0.6},
        "showlegend": False,  # a page has room for one line of names
    },
    "likelihood": {
        "name": "negative log-likelihood",
        "mode": "lines+markers",
        "line": {"color": LOSS_COLOUR, "width": 3},
    },
    "prototype": {
        "name": "prototype loss",
        "mode": "lines+markers",
        "line": {"color": PROTOTYPE_COLOUR, "width": 2, "dash": "dot"},
    },
    "score": {
        "name": "validation H",
        "mode": "lines+markers",
        "yaxis": "y2",
        "marker": {"symbol": "square"},
        "line": {"color": H_COLOUR, "width": 3, "dash": "dash"},
    },
    "here": {
        "name": "this frame",
        "mode": "markers",
        "marker": {
            "symbol": "circle-open",
            "size": 17,
            "color": MIDDLE_GREY,
            "line": {"width": 3},
        },
        "hoverinfo": "skip",
        "showlegend": False,
    },
}
CURVE_PARTS = tuple(TRACES)
FADED_PARTS = {
    "likelihood": "likelihood before",
    "score": "score before",
}  # of the previous training
NEW_PARTS = tuple(part for part in CURVE_PARTS if part not in FADED_PARTS.values())
CURVE_POINTS = 500  # of a curve that are sent: a page draws all of them anew each time


class TrainingCurve:
    """The losses and H of a training, and under them, faded, those of the one before.

    The figure is made once, and every change fills it.
    """

    def __init__(self) -> None:
        self.figure = LiveFigure(_empty_figure())
        self.figure.add_class("meters")

    def trace(self, part: str) -> go.Scatter:
        """Return a trace by its part, one of ``CURVE_PARTS``."""
        return self.figure.data[CURVE_PARTS.index(part)]

    def make_room(self, epochs: int) -> None:
        """Set the axis of epochs to the length of a training."""
        self.figure.plotly_relayout({"xaxis.range": [-0.02 * epochs, 1.02 * epochs]})

    def clear(self) -> None:
        """Take the curves of the training away; they stay, faded, as those of the previous one.

        A training of less than two epochs leaves no curve, and the one before it stays.
        """
        kept: dict[str, Curve] = {}
        if len(self.trace("likelihood").x) > 1:
            traces = {before: self.trace(part) for part, before in FADED_PARTS.items()}
            kept = {before: (trace.x, trace.y) for before, trace in traces.items()}
        self._fill(**dict.fromkeys(NEW_PARTS, EMPTY_CURVE), **kept)

    def forget(self) -> None:
        """Take the curves of the previous training away."""
        self._fill(**dict.fromkeys(FADED_PARTS.values(), EMPTY_CURVE))

    def draw(self, recording: Recording) -> None:
        """Draw a training as far as it is recorded, with a ring at the last frame."""
        has_prototype = bool(recording.config.training.prototype_weight)
        self._fill(
            batches=_batches(recording),
            likelihood=recording.curve("likelihood"),
            prototype=recording.curve("prototype") if has_prototype else EMPTY_CURVE,
            score=recording.curve("score"),
            here=_ring(recording, recording.frames[-1]) if recording.frames else EMPTY_CURVE,
        )

    def mark(self, recording: Recording, frame: Frame) -> None:
        """Draw the ring at another frame."""
        self._fill(here=_ring(recording, frame))

    def _fill(self, **curves: Curve) -> None:
        """Send new x and y of some traces in one message."""
        traces = [CURVE_PARTS.index(part) for part in curves]
        x = [thinned(curve[0]) for curve in curves.values()]
        y = [thinned(curve[1]) for curve in curves.values()]
        self.figure.plotly_restyle({"x": x, "y": y}, traces)


def thinned(values: Sequence[float]) -> Sequence[float]:
    """At most ``CURVE_POINTS`` of the values, evenly spread, with the last one."""
    step = ceil(len(values) / CURVE_POINTS)
    return values if step <= 1 else values[(len(values) - 1) % step :: step]


def _ring(recording: Recording, frame: Frame) -> Curve:
    """The place of a frame. The untrained model has no loss: its ring is at the first one."""
    losses = recording.curve("likelihood")[1]
    return ([frame.epoch], [losses[max(0, frame.epoch - 1)]]) if losses else EMPTY_CURVE


def _batches(recording: Recording) -> Curve:
    epochs = [epoch for epoch, _ in recording.batches]
    losses = [loss for _, loss in recording.batches]
    return epochs, losses


def _empty_figure() -> go.Figure:
    figure = go.Figure([go.Scatter(x=[], y=[], **trace) for trace in TRACES.values()])
    figure.update_layout(xaxis=EPOCH_AXIS, yaxis=LOSS_AXIS, yaxis2=SCORE_AXIS)
    return figure.update_layout(
        template="none",
        autosize=True,
        showlegend=True,
        font={"size": 14, "color": MIDDLE_GREY},
        margin={"l": 66, "r": 62, "t": 34, "b": 42},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
        hovermode="x",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
