"""Journeys and densities of ``anatomy`` as pictures: data space beside noise space, step by step, and densities in a strip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConfigError, DataError
from ..figures.style import CONTEXT, INK, PALETTE, QUIET, plain, plain_still, still_figure
from .anatomy import Box, Density, Journey, box_around, normal_circles

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RAMP = (
    PALETTE[0],
    "#A0A0A8",
    PALETTE[1],
)  # from one end of the cloud to the other, to follow points by
SPACES = ("data", "noise")
DENSITY = PALETTE[2]
NOTHING = np.full((1, 2), np.nan)  # a curve that is not drawn


@dataclass(frozen=True)
class Side:
    """What one of the two spaces shows: at home the points as they start, in the other space as they are at this step.

    ``dots`` (N, 2) are the points; ``grid`` (G, 2) and ``outline`` (M, 2) are curves with gaps.
    """

    title: str
    dots: np.ndarray
    grid: np.ndarray
    outline: np.ndarray
    box: Box


def sides(points: Journey, grid: Journey, step: int, target: Density | None = None) -> list[Side]:
    """What data space and noise space show after ``step`` moves.

    Raises ``DataError`` where points and grid travelled differently, ``ConfigError`` for a step that is not there.
    """
    _agree(points, grid, step)
    outlines = [NOTHING if target is None else target.lines(), normal_circles()]
    both = []
    for space, outline in zip(SPACES, outlines, strict=True):
        moving = space == points.towards
        at = step if moving else 0
        box = view(points.points if moving else points.points[:1], outline)
        title = _heading(points.names, at) if moving else f"{space}, where they begin"
        both.append(Side(title, points.points[at], grid.points[at], outline, box))
    return both


def _heading(names: Sequence[str], step: int) -> str:
    return f"after {step} of {len(names) - 1} moves ({names[step]})"


def view(clouds: np.ndarray, outline: np.ndarray) -> Box:
    """A square that shows the outline and each of the clouds (S, N, 2) but for a few of its outermost points."""
    edges = np.quantile(clouds, [0.01, 0.99], axis=1)
    return box_around(np.concatenate([edges.reshape(-1, 2), outline]), 0.04)


def _agree(points: Journey, grid: Journey, step: int) -> None:
    if points.names != grid.names:
        raise DataError(
            "points and grid must have made the same journey: use the same model and direction for both"
        )
    if not 0 <= step < len(points):
        raise ConfigError(f"step must be from 0 to {len(points) - 1}, got {step}")


def along(cloud: np.ndarray) -> np.ndarray:
    """The place of each point along the longest axis of the ``cloud`` (N, 2), by rank: (N,), 0 to 1."""
    centred = cloud - cloud.mean(0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    rank = (centred @ axis * np.sign(axis[0] or 1)).argsort().argsort()
    return rank / max(1, len(cloud) - 1)


def anatomy_figure(
    points: Journey,
    grid: Journey,
    step: int,
    *,
    target: Density | None = None,
    title: str = "",
    caption: str = "",
) -> go.Figure:
    """Data space beside noise space. One shows the start, the other points and grid after ``step`` moves.

    ``points`` and ``grid`` (of :func:`grid_lines`) must come from :func:`to_noise` or both from :func:`to_data`. Curves in data
    space, of the density ``target``, and circles in noise space hold 50, 90 and 99 % of the probability: points on their
    way to noise should come to fill the circles as they fill the curves. Traces, on each side: grid, outline, points.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    both = sides(points, grid, step, target)
    figure = make_subplots(
        1,
        2,
        subplot_titles=[plain(side.title, most=None) for side in both],
        horizontal_spacing=0.05,
    )
    shade = along(points.points[0])
    for column, (side, colour) in enumerate(zip(both, (DENSITY, INK), strict=True), start=1):
        line = {"mode": "lines", "hoverinfo": "skip"}
        figure.add_traces(
            [
                go.Scatter(
                    **_xy(side.grid), line={"color": CONTEXT, "width": 1}, name="grid", **line
                ),
                go.Scatter(
                    **_xy(side.outline),
                    line={"color": colour, "width": 1.5},
                    name=SPACES[column - 1],
                    **line,
                ),
                go.Scatter(
                    **_xy(side.dots),
                    mode="markers",
                    marker=_marker(shade),
                    name="points",
                    **_rows(len(shade)),
                ),
            ],
            1,
            column,
        )
        figure.update_xaxes(range=side.box[:2], constrain="domain", row=1, col=column)
        figure.update_yaxes(
            range=side.box[2:], scaleanchor=f"x{column}", constrain="domain", row=1, col=column
        )
    return _framed(figure, title, caption)


def _xy(curve: np.ndarray) -> dict[str, np.ndarray]:
    return {"x": curve[:, 0].astype(np.float32), "y": curve[:, 1].astype(np.float32)}


def _marker(shade: np.ndarray) -> dict[str, Any]:
    scale = [[place, colour] for place, colour in zip((0, 0.5, 1), RAMP, strict=True)]
    return {"color": shade, "colorscale": scale, "size": 5, "opacity": 0.85}


def _rows(n: int) -> dict[str, Any]:
    """Each point says which row it is, on both sides, when it is pointed at."""
    return {
        "customdata": np.arange(n)[:, None],
        "hovertemplate": "point %{customdata[0]}<extra></extra>",
    }


def _framed(figure: go.Figure, title: str, caption: str) -> go.Figure:
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(showgrid=False, zeroline=False)
    figure.add_annotation(
        text=plain(caption, most=None), x=0, y=-0.08, xref="paper", yref="paper", xanchor="left", yanchor="top",
        showarrow=False, font={"size": 12, "color": QUIET},
    )  # fmt: skip
    return figure.update_layout(
        template="plotly_white",
        title={"text": plain(title, most=None), "x": 0, "xref": "paper", "font": {"size": 20}},
        font={"size": 14, "color": INK},
        showlegend=False,
        height=560,
        margin={"l": 10, "r": 10, "t": 90, "b": 60},
    )


def anatomy_replay(
    points: Journey,
    grid: Journey,
    *,
    target: Density | None = None,
    title: str = "",
    caption: str = "",
) -> go.Figure:
    """:func:`anatomy_figure` for every step, with a slider and a button to play; it needs no kernel."""
    import plotly.graph_objects as go

    figure = anatomy_figure(points, grid, 0, target=target, title=title, caption=caption)
    moving = SPACES.index(points.towards)
    figure.layout.annotations[moving].text = f"on the way to {points.towards}"
    figure.update_traces(line_simplify=False)  # or lines lose their shape between two frames
    figure.frames = [
        go.Frame(
            data=_changes(moving, grid.points[i], points.points[i]),
            traces=list(range(6)),
            name=str(i),
        )
        for i in range(len(points))
    ]
    return figure.update_layout(**_player(points.names), height=670, margin={"b": 160})


def _changes(moving: int, grid: np.ndarray, dots: np.ndarray) -> list[dict[str, Any]]:
    """Of the six traces the two that change; plotly would lose the others if a frame did not name them."""
    changes: list[dict[str, Any]] = [{}] * 6
    changes[3 * moving], changes[3 * moving + 2] = _xy(grid), _xy(dots)
    return changes


def _player(names: Sequence[str]) -> dict[str, Any]:
    """A button and a slider for frames that are numbered from 0."""
    smooth = {
        "frame": {"duration": 1300, "redraw": False},
        "transition": {"duration": 900, "easing": "cubic-in-out"},
    }
    play = {"label": "play", "method": "animate", "args": [None, smooth | {"fromcurrent": True}]}
    at_once = smooth | {"mode": "immediate"}
    steps = [
        {
            "label": plain(_heading(names, i), most=None),
            "method": "animate",
            "args": [[str(i)], at_once],
        }
        for i in range(len(names))
    ]
    slider = {
        "steps": steps,
        "x": 0.1,
        "len": 0.9,
        "y": -0.14,
        "font": {"color": "rgba(0,0,0,0)"},
    }  # no labels at the ticks
    slider["currentvalue"] = {"font": {"color": INK, "size": 15}}
    return {
        "updatemenus": [
            {
                "type": "buttons",
                "buttons": [play],
                "x": 0,
                "y": -0.19,
                "xanchor": "left",
                "yanchor": "top",
            }
        ],
        "sliders": [slider],
    }


def anatomy_still(
    points: Journey,
    grid: Journey,
    *,
    target: Density | None = None,
    columns: int = 4,
    title: str = "",
    caption: str = "",
) -> Figure:
    """A strip of small panels, one for each place of a journey: how data become noise, or noise data.

    Beneath each is what its move did to the density: the mean log-determinant over the points. The data have a scale of
    their own, all others have one in common. Curves and circles as in :func:`anatomy_figure`. Raises as :func:`sides` does:
    ``DataError`` or ``ConfigError``.
    """
    _agree(points, grid, 0)
    rows = -(-len(points) // columns)
    figure = still_figure(
        3.1 * columns, 3.5 * rows + 0.4 * bool(title) + 0.3 * bool(caption), title, caption
    )
    outlines = {"data": NOTHING if target is None else target.lines(), "noise": normal_circles()}
    ends = {0: "data" if points.towards == "noise" else "noise", len(points) - 1: points.towards}
    between = [step for step in range(len(points)) if ends.get(step) != "data"]
    common = view(points.points[between], outlines["noise"])
    panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for step, axes in enumerate(panels[: len(points)]):
        space = ends.get(step)
        _still_panel(
            axes,
            points,
            grid,
            step,
            view(points.points[[step]], outlines["data"]) if space == "data" else common,
        )
        if space:
            axes.plot(
                *outlines[space].T,
                color=DENSITY if space == "data" else INK,
                linewidth=1.2,
                zorder=3,
            )
    for axes in panels[len(points) :]:
        axes.remove()
    return figure


def _still_panel(axes: Axes, points: Journey, grid: Journey, step: int, box: Box) -> None:
    axes.plot(*grid.points[step].T, color=CONTEXT, linewidth=0.6, zorder=1)
    axes.scatter(
        *points.points[step].T,
        c=along(points.points[0]),
        cmap=_ramp(*RAMP),
        s=9,
        linewidths=0,
        zorder=2,
    )
    axes.set(xlim=box[:2], ylim=box[2:], xticks=[], yticks=[], aspect="equal")
    axes.set_title(plain_still(points.names[step]), fontsize=13, loc="left")
    if step:
        axes.set_xlabel(f"log-det {points.log_dets[step].mean():+.2f}", fontsize=12, color=QUIET)
    axes.spines[:].set_color("#E6E6E6")


def density_strip(
    densities: Mapping[str, Density],
    points: Mapping[str, np.ndarray] | None = None,
    *,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Densities side by side in one scale of colour, darker where they are higher, with their curves of 50, 90 and 99 %.

    ``points`` maps some of the names to points (N, 2), which are drawn over that density. Raises ``DataError`` for want of any
    density.
    """
    strange = set(points or ()) - set(densities)
    if not densities or strange:
        raise DataError(
            f"points must have the names of densities ({', '.join(densities) or 'none'}), got {sorted(strange)}"
        )
    figure = still_figure(
        3.6 * len(densities), 3.9 + 0.4 * bool(title) + 0.3 * bool(caption), title, caption
    )
    most = max(float(d.values.max()) for d in densities.values())
    for axes, (name, d) in zip(
        np.ravel(figure.subplots(1, len(densities))), densities.items(), strict=True
    ):
        axes.imshow(
            d.values,
            origin="lower",
            extent=d.box,
            cmap=_ramp("#FFFFFF", DENSITY),
            vmin=0,
            vmax=most,
            alpha=0.8,
        )
        axes.plot(*d.lines().T, color=DENSITY, linewidth=1)
        if points and name in points:
            axes.scatter(*points[name].T, color=INK, s=6, linewidths=0)
        axes.set(xlim=d.box[:2], ylim=d.box[2:], aspect="equal")
        axes.set_title(plain_still(name, most=None), fontsize=13, loc="left")
        axes.tick_params(labelsize=10, color=QUIET, labelcolor=QUIET)
        axes.spines[:].set_color("#E6E6E6")
    return figure


def _ramp(*colours: str):
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("ramp", colours)
