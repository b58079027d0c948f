"""Journeys and densities as pictures: data space beside noise space, and strips of panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from ..errors import ConfigError, DataError
from ..figures.style import (
    CONTEXT,
    INK,
    PALE,
    PALETTE,
    QUIET,
    colour_ramp,
    dress,
    plain,
    plain_still,
    still_figure,
)
from .anatomy import Box, Density, Journey, box_around, normal_circles

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# From one end of the cloud to the other, so that an eye can follow single points.
RAMP = (PALETTE[0], "#A0A0A8", PALETTE[1])
SPACES = ("data", "noise")
DENSITY_COLOUR = PALETTE[2]
OUTLINE_COLOURS = {"data": DENSITY_COLOUR, "noise": INK}
UNDRAWN = np.full((1, 2), np.nan)  # a curve that is not drawn
TRACES_A_SIDE = 3  # grid, outline, points


# --- What is shown -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """What one of the two spaces shows.

    The space where the points begin shows them as they begin. The other space shows them as they
    are at this step. ``grid`` and ``outline`` are curves with gaps.
    """

    title: str
    dots: Float[np.ndarray, "N 2"]
    grid: Float[np.ndarray, "G 2"]
    outline: Float[np.ndarray, "M 2"]
    box: Box


def sides(
    points: Journey,
    grid: Journey,
    step: int,
    target: Density | None = None,
) -> list[Side]:
    """Say what data space and noise space show after ``step`` moves.

    Raises ``DataError`` where points and grid made different journeys, and ``ConfigError`` for a
    step that is not there.
    """
    _check_same_journey(points, grid, step)
    return [_side(space, points, grid, step, _outline(space, target)) for space in SPACES]


def _side(
    space: str,
    points: Journey,
    grid: Journey,
    step: int,
    outline: Float[np.ndarray, "M 2"],
) -> Side:
    if space == points.towards:
        title = _heading(points.names, step)
        box = view(points.points, outline)
        return Side(title, points.points[step], grid.points[step], outline, box)

    title = f"{space}, where they begin"
    box = view(points.points[:1], outline)
    return Side(title, points.points[0], grid.points[0], outline, box)


def _outline(
    space: str,
    target: Density | None,
) -> Float[np.ndarray, "M 2"]:
    """The curves of the density in data space, or the circles in noise space."""
    if space == "noise":
        return normal_circles()
    return UNDRAWN if target is None else target.lines()


def _heading(names: Sequence[str], step: int) -> str:
    return f"after {step} of {len(names) - 1} moves ({names[step]})"


def view(
    clouds: Float[np.ndarray, "S N 2"],
    outline: Float[np.ndarray, "M 2"],
) -> Box:
    """Make a square that shows the outline and each cloud but for a few of its outermost points."""
    edges = np.quantile(clouds, [0.01, 0.99], axis=1)
    return box_around(np.concatenate([edges.reshape(-1, 2), outline]), 0.04)


def _check_same_journey(points: Journey, grid: Journey, step: int) -> None:
    if points.names != grid.names:
        raise DataError(
            "points and grid must have made the same journey: "
            "use the same model and direction for both"
        )
    if not 0 <= step < len(points):
        raise ConfigError(f"step must be from 0 to {len(points) - 1}, got {step}")


def along(cloud: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, " N"]:
    """Rank points along the longest axis of their cloud, from 0 to 1."""
    centred = cloud - cloud.mean(0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    rank = (centred @ axis * np.sign(axis[0] or 1)).argsort().argsort()
    return rank / max(1, len(cloud) - 1)


# --- In plotly -----------------------------------------------------------------------------------


def anatomy_figure(
    points: Journey,
    grid: Journey,
    step: int,
    *,
    target: Density | None = None,
    title: str = "",
    caption: str = "",
) -> go.Figure:
    """Draw data space beside noise space after ``step`` moves.

    One space shows where the points begin, the other the points and the grid after the moves.
    ``points`` and ``grid`` (of :func:`grid_lines`) must both come from :func:`to_noise` or both
    from :func:`to_data`. Curves of the density ``target`` in data space, and circles in noise
    space, hold 50, 90 and 99 % of the probability. Points on their way to noise should come to fill
    the circles as they fill the curves. The traces on each side are grid, outline and points.
    Raises ``DataError`` or ``ConfigError`` as :func:`sides` does.
    """
    from plotly.subplots import make_subplots

    both = sides(points, grid, step, target)
    shade = along(points.points[0])

    titles = [plain(side.title, most=None) for side in both]
    figure = make_subplots(1, 2, subplot_titles=titles, horizontal_spacing=0.05)
    for column, (space, side) in enumerate(zip(SPACES, both, strict=True), start=1):
        figure.add_traces(_traces(space, side, shade), 1, column)
        _frame_side(figure, side, column)
    dress(figure, title, caption, caption_at=-0.08)
    return figure.update_layout(showlegend=False, margin={"b": 60})


def _frame_side(figure: go.Figure, side: Side, column: int) -> None:
    """Show the box of a side, with one scale for both axes."""
    plain_axis = {"constrain": "domain", "showgrid": False, "zeroline": False}
    figure.update_xaxes(range=side.box[:2], row=1, col=column, **plain_axis)
    figure.update_yaxes(range=side.box[2:], row=1, col=column, **plain_axis)
    figure.update_yaxes(scaleanchor=f"x{column}", row=1, col=column)


def _traces(
    space: str,
    side: Side,
    shade: Float[np.ndarray, " N"],
) -> list[go.Scatter]:
    """Make the grid, the outline and the points of one side, in this order."""
    import plotly.graph_objects as go

    grid = go.Scatter(
        **_xy(side.grid),
        mode="lines",
        line={"color": CONTEXT, "width": 1},
        name="grid",
        hoverinfo="skip",
    )
    outline = go.Scatter(
        **_xy(side.outline),
        mode="lines",
        line={"color": OUTLINE_COLOURS[space], "width": 1.5},
        name=space,
        hoverinfo="skip",
    )
    dots = go.Scatter(
        **_xy(side.dots),
        mode="markers",
        marker=_marker(shade),
        name="points",
        customdata=np.arange(len(shade))[:, None],
        hovertemplate="point %{customdata[0]}<extra></extra>",
    )
    return [grid, outline, dots]


def _xy(curve: Float[np.ndarray, "n 2"]) -> dict[str, Float[np.ndarray, " n"]]:
    x, y = curve.astype(np.float32).T
    return {"x": x, "y": y}


def _marker(shade: Float[np.ndarray, " N"]) -> dict[str, Any]:
    scale = [[0, RAMP[0]], [0.5, RAMP[1]], [1, RAMP[2]]]
    return {"color": shade, "colorscale": scale, "size": 5, "opacity": 0.85}


def anatomy_replay(
    points: Journey,
    grid: Journey,
    *,
    target: Density | None = None,
    title: str = "",
    caption: str = "",
) -> go.Figure:
    """Draw :func:`anatomy_figure` for every step, with a slider and a button to play.

    It needs no kernel. Raises ``DataError`` as :func:`sides` does.
    """
    import plotly.graph_objects as go

    figure = anatomy_figure(points, grid, 0, target=target, title=title, caption=caption)
    moving = SPACES.index(points.towards)
    figure.layout.annotations[moving].text = f"on the way to {points.towards}"
    figure.update_traces(line_simplify=False)  # or lines lose their shape between two frames

    traces = list(range(2 * TRACES_A_SIDE))
    frames = []
    for i in range(len(points)):
        data = _changes(moving, grid.points[i], points.points[i])
        frames.append(go.Frame(data=data, traces=traces, name=str(i)))
    figure.frames = frames
    return figure.update_layout(**_player(points.names), height=670, margin={"b": 160})


def _changes(
    moving: int,
    grid: Float[np.ndarray, "G 2"],
    dots: Float[np.ndarray, "N 2"],
) -> list[dict[str, Any]]:
    """The six traces of a frame, of which two change.

    Plotly would lose the others if a frame did not name them.
    """
    changes: list[dict[str, Any]] = [{} for _ in range(2 * TRACES_A_SIDE)]
    first = TRACES_A_SIDE * moving
    changes[first] = _xy(grid)
    changes[first + 2] = _xy(dots)
    return changes


def _player(names: Sequence[str]) -> dict[str, Any]:
    """Make a button and a slider for frames that are numbered from 0."""
    smooth = {
        "frame": {"duration": 1300, "redraw": False},
        "transition": {"duration": 900, "easing": "cubic-in-out"},
    }
    return {"updatemenus": [_play_button(smooth)], "sliders": [_slider(names, smooth)]}


def _play_button(smooth: Mapping[str, Any]) -> dict[str, Any]:
    play = {"label": "play", "method": "animate", "args": [None, {**smooth, "fromcurrent": True}]}
    place = {"x": 0, "y": -0.19, "xanchor": "left", "yanchor": "top"}
    return {"type": "buttons", "buttons": [play], **place}


def _slider(
    names: Sequence[str],
    smooth: Mapping[str, Any],
) -> dict[str, Any]:
    at_once = {**smooth, "mode": "immediate"}
    steps = []
    for i in range(len(names)):
        label = plain(_heading(names, i), most=None)
        steps.append({"label": label, "method": "animate", "args": [[str(i)], at_once]})
    return {
        "steps": steps,
        "x": 0.1,
        "len": 0.9,
        "y": -0.14,
        "font": {"color": "rgba(0,0,0,0)"},  # no labels at the ticks
        "currentvalue": {"font": {"color": INK, "size": 15}},
    }


# --- In matplotlib -------------------------------------------------------------------------------


def anatomy_still(
    points: Journey,
    grid: Journey,
    *,
    target: Density | None = None,
    columns: int = 4,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw a strip of small panels, one for each place of a journey between data and noise.

    Beneath each panel stands what its move did to the density: the mean log-determinant over the
    points. The data have a scale of their own, all other panels have one in common. Curves and
    circles are those of :func:`anatomy_figure`. Raises ``DataError`` or ``ConfigError`` as
    :func:`sides` does.
    """
    _check_same_journey(points, grid, 0)
    rows = -(-len(points) // columns)
    words = 0.4 * bool(title) + 0.3 * bool(caption)
    figure = still_figure(3.1 * columns, 3.5 * rows + words, title, caption)

    panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
    boxes = _still_boxes(points, target)
    for step, box in enumerate(boxes):
        axes = panels[step]
        _draw_place(axes, points, grid, step, box)
        space = _space_at(points, step)
        if space is not None:
            curve = _outline(space, target)
            axes.plot(*curve.T, color=OUTLINE_COLOURS[space], linewidth=1.2, zorder=3)
    for axes in panels[len(boxes) :]:
        axes.remove()
    return figure


def _space_at(points: Journey, step: int) -> str | None:
    """The space that a step of the journey is in, data or noise; None on the way."""
    if step == len(points) - 1:
        return points.towards
    if step == 0:
        return "data" if points.towards == "noise" else "noise"
    return None


def _still_boxes(points: Journey, target: Density | None) -> list[Box]:
    """The part of the plane that each panel shows."""
    steps = range(len(points))
    in_data = [_space_at(points, step) == "data" for step in steps]
    others = points.points[[step for step in steps if not in_data[step]]]
    common = view(others, _outline("noise", target))
    curves = _outline("data", target)
    return [view(points.points[[step]], curves) if in_data[step] else common for step in steps]


def _draw_place(
    axes: Axes,
    points: Journey,
    grid: Journey,
    step: int,
    box: Box,
) -> None:
    """Draw grid and points at one step, and write what the move did to the density."""
    lines_x, lines_y = grid.points[step].T
    axes.plot(lines_x, lines_y, color=CONTEXT, linewidth=0.6, zorder=1)

    x, y = points.points[step].T
    shade = along(points.points[0])
    axes.scatter(
        x,
        y,
        c=shade,
        cmap=colour_ramp(*RAMP),
        s=9,
        linewidths=0,
        zorder=2,
    )
    axes.set(xticks=[], yticks=[])
    _show_box(axes, box)
    axes.set_title(plain_still(points.names[step]), fontsize=13, loc="left")
    if step:
        text = f"log-det {points.log_dets[step].mean():+.2f}"
        axes.set_xlabel(text, fontsize=12, color=QUIET)
    axes.spines[:].set_color(PALE)


def _show_box(axes: Axes, box: Box) -> None:
    """Show this part of the plane, with one scale for both axes."""
    axes.set(xlim=box[:2], ylim=box[2:], aspect="equal")


def density_strip(
    densities: Mapping[str, Density],
    points: Mapping[str, Float[np.ndarray, "N 2"]] | None = None,
    *,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw densities side by side in one scale of colour, with their curves of 50, 90 and 99 %.

    Darker is higher. ``points`` maps some of the names to points, which are drawn over that
    density. Raises ``DataError`` where there is no density, or no density of that name.
    """
    over = points or {}
    _check_names(over, densities)
    words = 0.4 * bool(title) + 0.3 * bool(caption)
    figure = still_figure(3.6 * len(densities), 3.9 + words, title, caption)
    most = max(float(d.values.max()) for d in densities.values())
    panels = figure.subplots(1, len(densities), squeeze=False)[0]
    for axes, (name, d) in zip(panels, densities.items(), strict=True):
        _draw_density(axes, d, most)
        if name in over:
            x, y = over[name].T
            axes.scatter(x, y, color=INK, s=6, linewidths=0)
        axes.set_title(plain_still(name, most=None), fontsize=13, loc="left")
    return figure


def _check_names(points: Mapping[str, np.ndarray], densities: Mapping[str, Density]) -> None:
    strange = set(points) - set(densities)
    if not densities or strange:
        names = ", ".join(densities) or "none"
        raise DataError(f"points must have the names of densities ({names}), got {sorted(strange)}")


def _draw_density(axes: Axes, d: Density, most: float) -> None:
    axes.imshow(
        d.values,
        origin="lower",
        extent=d.box,
        cmap=colour_ramp("#FFFFFF", DENSITY_COLOUR),
        vmin=0,
        vmax=most,
        alpha=0.8,
    )
    x, y = d.lines().T
    axes.plot(x, y, color=DENSITY_COLOUR, linewidth=1)
    _show_box(axes, d.box)
    axes.tick_params(labelsize=10, color=QUIET, labelcolor=QUIET)
    axes.spines[:].set_color(PALE)
