"""A recorded training as a figure to play where no kernel runs, and as a still one."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from ..figures.lenses import LENSES
from ..figures.style import (
    CONTEXT,
    INK,
    PALETTE,
    QUIET,
    dataset_colours,
    legible,
    plain,
    plain_still,
    still_figure,
    whole_ticks,
)
from ..seeds import stream
from .pictures_still import draw_pictures
from .replay import HOW_H, Frame, Recording, extent

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY_POINTS = 600  # of other classes, in an exported replay: each is stored
LOSS_COLOUR = PALETTE[0]
H_COLOUR = PALETTE[1]


def _lenses(recording: Recording) -> list[str]:
    """The lenses of which there is a map."""
    return list(LENSES) if recording.view.scene.has_map else ["pca"]


# --- To play -------------------------------------------------------------------------------------


def replay_figure(recording: Recording, *, milliseconds: int = 700) -> go.Figure:
    """Draw the training as one plotly figure to play and to step through, without a kernel.

    ``write_html(path, auto_play=False)`` makes a page of it. ``milliseconds`` says how long a frame
    stays.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    lenses = _lenses(recording)
    figure = make_subplots(
        1,
        1 + len(lenses),
        specs=[[{"secondary_y": True}, *[{}] * len(lenses)]],
        horizontal_spacing=0.07,
        subplot_titles=["training", *(LENSES[lens] for lens in lenses)],
    )
    moving = [_add_curves(figure, recording)]
    for column, lens in enumerate(lenses, start=2):
        moving.append(_add_map(figure, recording, lens, column))

    figure.frames = [
        go.Frame(name=str(frame.epoch), traces=moving, data=_moved(recording, frame))
        for frame in recording.frames
    ]
    _add_words(figure, recording)
    return figure.update_layout(updatemenus=[_buttons(milliseconds)], sliders=[_slider(recording)])


def _moved(recording: Recording, frame: Frame) -> list[go.Scatter]:
    """What a frame changes, in the order of the traces that move."""
    diamonds = [_diamonds(recording, frame, lens) for lens in _lenses(recording)]
    return [_ring(recording, frame), *diamonds]


def _add_curves(figure: go.Figure, recording: Recording) -> int:
    """Add the loss, the score if any, and the ring that marks the frame.

    Returns the number of the ring's trace.
    """
    likelihood = recording.curve("likelihood")
    score = recording.curve("score")
    if likelihood[0]:
        _add_curve(figure, likelihood, "negative log-likelihood", LOSS_COLOUR, right=False)
    if score[0]:
        _add_curve(figure, score, "validation H (%)", H_COLOUR, right=True)
        per_cent = {"range": [0, 100], "tickmode": "linear", "dtick": 20, "showgrid": False}
        figure.update_yaxes(**per_cent, secondary_y=True, row=1, col=1)

    figure.add_trace(_ring(recording, recording.frames[0]), 1, 1, secondary_y=False)
    epochs = recording.config.training.epochs
    figure.update_xaxes(
        title="epoch",
        range=[-0.5, epochs + 0.5],
        row=1,
        col=1,
    )
    return len(figure.data) - 1


def _add_curve(
    figure: go.Figure,
    curve: tuple[list[int], list[float]],
    name: str,
    colour: str,
    *,
    right: bool,
) -> None:
    """Add a curve whose axis is on the left or on the right, in its colour."""
    import plotly.graph_objects as go

    x, y = curve
    line = {"color": colour, "width": 3}
    trace = go.Scatter(
        x=x,
        y=y,
        name=name,
        mode="lines+markers",
        line=line,
    )
    figure.add_trace(trace, 1, 1, secondary_y=right)
    figure.update_yaxes(
        title=name,
        title_font_color=colour,
        secondary_y=right,
        row=1,
        col=1,
    )


def _ring(recording: Recording, frame: Frame) -> go.Scatter:
    """The ring around the loss of a frame.

    The untrained model has no loss; its ring stands before the first.
    """
    import plotly.graph_objects as go

    losses = recording.curve("likelihood")[1]
    loss = losses[max(0, frame.epoch - 1)] if losses else None
    return go.Scatter(
        x=[frame.epoch],
        y=[loss],
        mode="markers",
        marker={"symbol": "circle-open", "size": 16, "color": INK, "line": {"width": 3}},
        name="this frame",
        hoverinfo="skip",
    )


def _add_map(
    figure: go.Figure,
    recording: Recording,
    lens: str,
    column: int,
) -> int:
    """Add real points, and the synthesized points of the first frame.

    Returns the number of the trace of the synthesized points.
    """
    real = recording.view.scene.real
    shown = recording.view.shown
    colours = dataset_colours(recording.view.scene.dataset)

    others = real.without(shown)
    some = stream(0, "context points").permutation(others.count)[:GREY_POINTS]
    figure.add_trace(_dots(others.through(lens)[some], CONTEXT, 4, 0.5), 1, column)
    for k in shown.tolist():
        places = real.of(k).through(lens)
        figure.add_trace(_dots(places, colours[k], 6, 0.55), 1, column)
        if len(places):
            _name_class(figure, recording, k, places, column)
    figure.add_trace(_diamonds(recording, recording.frames[0], lens), 1, column)
    _frame_map(figure, real.through(lens), column)
    return len(figure.data) - 1


def _frame_map(figure: go.Figure, places: Float[np.ndarray, "n 2"], column: int) -> None:
    """Give a map the ranges of its real points, and axes without numbers, which mean nothing."""
    x, y = extent(places)
    bare = {"showticklabels": False, "zeroline": False, "showgrid": False}
    figure.update_xaxes(range=x, row=1, col=column, **bare)
    figure.update_yaxes(range=y, row=1, col=column, **bare)


def _name_class(
    figure: go.Figure,
    recording: Recording,
    number: int,
    places: Float[np.ndarray, "n 2"],
    column: int,
) -> None:
    x, y = np.median(places, axis=0)
    name = plain(legible(recording.view.scene.dataset.class_names)[number])
    figure.add_annotation(
        x=x,
        y=y,
        text=f"<b>{name}</b>",
        showarrow=False,
        row=1,
        col=column,
        bgcolor="rgba(255,255,255,0.7)",
        font={"size": 15},
    )


def _dots(
    places: Float[np.ndarray, "n 2"],
    colour: str,
    size: int,
    opacity: float,
) -> go.Scatter:
    import plotly.graph_objects as go

    x, y = places.T
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"color": colour, "size": size, "opacity": opacity},
        showlegend=False,
        hoverinfo="skip",
    )


def _diamonds(recording: Recording, frame: Frame, lens: str) -> go.Scatter:
    """The synthesized points of a frame."""
    import plotly.graph_objects as go

    colours = dataset_colours(recording.view.scene.dataset)
    points = frame.synthesized.points
    x, y = points.through(lens).T
    marker = {
        "symbol": "diamond-open",
        "size": 8,
        "line": {"width": 1.6},
        "color": [colours[k] for k in points.labels.tolist()],
    }
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker=marker,
        showlegend=False,
        hoverinfo="skip",
    )


_AT_ONCE = {
    "mode": "immediate",
    "frame": {"duration": 0, "redraw": True},
    "transition": {"duration": 0},
}


def _buttons(milliseconds: int) -> dict[str, Any]:
    """The buttons that play and pause."""
    steadily = {
        "frame": {"duration": milliseconds, "redraw": True},
        "fromcurrent": True,
        "transition": {"duration": 0},
    }
    play = {"label": "▶ Play", "method": "animate", "args": [None, steadily]}
    pause = {"label": "❚❚ Pause", "method": "animate", "args": [[None], _AT_ONCE]}
    return {
        "type": "buttons",
        "direction": "left",
        "x": 0,
        "y": -0.27,
        "xanchor": "left",
        "yanchor": "top",
        "buttons": [play, pause],
        "showactive": False,
    }


def _slider(recording: Recording) -> dict[str, Any]:
    """The slider that steps through the frames."""
    steps = []
    for frame in recording.frames:
        name = str(frame.epoch)
        steps.append({"label": name, "method": "animate", "args": [[name], _AT_ONCE]})
    return {
        "steps": steps,
        "x": 0.2,
        "len": 0.8,
        "y": -0.2,
        "currentvalue": {"prefix": "after epoch "},
    }


def _add_words(figure: go.Figure, recording: Recording) -> None:
    """Write the title and the caption, and set fonts and margins."""
    figure.update_layout(
        template="plotly_white",
        height=600,
        font={"size": 14, "color": INK},
        title={"text": plain(recording.title, most=None), "x": 0.01, "y": 0.98},
        legend={"orientation": "h", "x": 0, "y": -0.14, "yanchor": "top"},
        margin={"l": 60, "r": 20, "t": 80, "b": 200},
    )
    figure.add_annotation(
        text=plain(recording.caption, most=None),
        x=0,
        y=0,
        yshift=-196,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"size": 12, "color": QUIET},
    )


# --- Still ---------------------------------------------------------------------------------------


def replay_still(recording: Recording) -> Figure:
    """Draw the curve, and maps and pictures of the first and the last frame, in matplotlib."""
    lenses = _lenses(recording)
    ends = [recording.frames[0], recording.frames[-1]] if recording.frames else []
    pictures = [recording.pictures(frame) for frame in ends]
    width = 5 + 4.2 * len(ends)
    heights = [4.2] * len(lenses) + ([2.0] if any(pictures) else [])

    figure = still_figure(width, sum(heights) + 0.5, recording.title, "")
    caption = _wrapped([recording.caption, HOW_H], letters=int(13 * width))
    figure.supxlabel(
        caption,
        fontsize=10.5,
        x=0.01,
        ha="left",
        color=QUIET,
    )

    layout: list[Any] = [["curve", *(f"{lens}{j}" for j in range(len(ends)))] for lens in lenses]
    if any(pictures):
        layout.append([".", *(f"pictures{j}" for j in range(len(ends)))])
    axes = figure.subplot_mosaic(layout, height_ratios=heights)
    _still_curve(axes["curve"], recording)
    for lens in lenses:
        for j, frame in enumerate(ends):
            _still_map(axes[f"{lens}{j}"], recording, frame, lens)
    names = recording.view.scene.dataset.unique_names
    for j, rows in enumerate(pictures):
        if rows:
            draw_pictures(axes[f"pictures{j}"], rows, names, f"epoch {ends[j].epoch}")
    return figure


def _wrapped(texts: list[str], letters: int) -> str:
    """Each text on lines of its own, none longer than so many letters."""
    lines = [line for text in texts for line in textwrap.wrap(text, letters)]
    return "\n".join(plain_still(line, most=None) for line in lines)


def _still_curve(axes: Axes, recording: Recording) -> None:
    axes.plot(*recording.curve("likelihood"), marker="o", color=LOSS_COLOUR, linewidth=2)
    axes.set_xlabel("epoch", fontsize=13)
    axes.set_ylabel("negative log-likelihood\nper dimension (nats)", fontsize=13, color=LOSS_COLOUR)
    axes.set_xlim(0, recording.config.training.epochs + 0.5)
    whole_ticks(axes)

    epochs, scores = recording.curve("score")
    if epochs:
        right = axes.twinx()
        right.plot(
            epochs,
            scores,
            marker="s",
            linestyle="--",
            color=H_COLOUR,
            linewidth=2,
        )
        right.set_ylim(0, 100)
        right.set_ylabel("validation H (%)", fontsize=13, color=H_COLOUR)


def _still_map(
    axes: Axes,
    recording: Recording,
    frame: Frame,
    lens: str,
) -> None:
    real = recording.view.scene.real
    shown = recording.view.shown
    colours = dataset_colours(recording.view.scene.dataset)

    x, y = real.without(shown).through(lens).T
    axes.scatter(
        x,
        y,
        s=5,
        color=CONTEXT,
        alpha=0.5,
        linewidths=0,
    )
    for k in shown.tolist():
        _still_class(axes, recording, frame, lens, k, colours[k])

    x_range, y_range = extent(real.through(lens))
    axes.set(
        xlim=x_range,
        ylim=y_range,
        xticks=[],
        yticks=[],
    )
    title = f"{LENSES[lens].split(':')[0]}, epoch {frame.epoch}"
    axes.set_title(title, fontsize=13, loc="left")


def _still_class(
    axes: Axes,
    recording: Recording,
    frame: Frame,
    lens: str,
    number: int,
    colour: str,
) -> None:
    """Draw the real and the synthesized points of a class, and its name in the middle."""
    scene = recording.view.scene
    places = scene.real.of(number).through(lens)
    x, y = places.T
    axes.scatter(x, y, s=13, color=colour, alpha=0.55, linewidths=0)

    x, y = frame.synthesized.points.of(number).through(lens).T
    open_diamond: dict[str, Any] = {"marker": "D", "facecolors": "none", "linewidths": 0.9}
    axes.scatter(x, y, s=20, edgecolors=colour, **open_diamond)
    if len(places):
        _still_name(axes, legible(scene.dataset.class_names)[number], places)


def _still_name(axes: Axes, name: str, places: Float[np.ndarray, "n 2"]) -> None:
    x, y = np.median(places, axis=0)
    axes.annotate(
        plain_still(name),
        (x, y),
        ha="center",
        va="center",
        fontsize=13,
        weight="bold",
        bbox={"fc": "white", "ec": "none", "alpha": 0.75, "pad": 1},
    )
