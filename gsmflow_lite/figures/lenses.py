"""figures.lenses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from .points import Points
from .style import CONTEXT, INK, PALETTE, QUIET, class_colours, plain, plain_still, still_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


SVG_POINTS = 1500  # plotly draws more than these with WebGL, of which a page has little


SPREAD_HEADING = "spread, synthesized / real"


LENSES = {"pca": "PCA: shows spread", "umap": "UMAP: shows neighbours, not spread"}


CURVES = {  # what is drawn over the points: colour, width, dash
    "real ellipse": ("#7F7F7F", 2, "solid"),
    "synthesized ellipse": (PALETTE[1], 2, "dash"),
    "both": ("#7F7F7F", 1.5, "solid"),
    "lost": (PALETTE[0], 3, "solid"),
    "added": (PALETTE[1], 3, "dash"),
    "moved": ("#555555", 2.5, "solid"),  # an arrow
}


@dataclass(frozen=True)
class _Group:
    """Points that are drawn alike."""

    points: Points
    colour: str
    real: bool
    number: int | None  # of the class; None for the grey ones
    texts: list[str]  # the class name of each point


def two_lenses(
    real: Points,
    synthesized: Points | None = None,
    *,
    names: Sequence[str],
    focus: Sequence[int] | None = None,
    colours: Mapping[int, str] | None = None,
    spread: Mapping[int, float] | None = None,
    title: str = "",
    caption: str = "",
) -> go.Figure:
    """PCA beside UMAP: classes in ``focus`` in colour, the others grey; real ones are dots, synthesized ones open diamonds.

    ``names`` (K,) of all classes. ``focus``: class numbers, by default those synthesized. ``spread``: the
    :func:`gsmflow_lite.shifts.metrics.spread_ratio` of each class, printed in the legend. ``caption`` should give seed and
    method. Row numbers are in ``customdata``. Raises ``DataError`` if a class in focus has no real points.
    """
    from plotly.subplots import make_subplots

    focus, colours = _focused(real, synthesized, focus, colours)
    groups = _groups(real, synthesized, names, focus, colours)
    figure = make_subplots(1, 2, subplot_titles=list(LENSES.values()), horizontal_spacing=0.05)
    for column, lens in enumerate(LENSES, start=1):
        figure.add_traces(
            [_trace(group, lens, sum(g.points.count for g in groups)) for group in groups],
            1,
            column,
        )
        for k in focus:
            x, y = np.median(getattr(real.of(k), lens), axis=0)
            figure.add_annotation(
                x=x, y=y, text=f"<b>{plain(names[k])}</b>", row=1, col=column, **_LABEL
            )
    figure.add_traces(_legend(names, focus, colours, spread, synthesized is not None))
    return _dressed(figure, title, caption)


def two_lenses_still(
    real: Points,
    synthesized: Points | None = None,
    *,
    names: Sequence[str],
    focus: Sequence[int] | None = None,
    colours: Mapping[int, str] | None = None,
    spread: Mapping[int, float] | None = None,
    title: str = "",
    caption: str = "",
) -> Figure:
    """The same picture as :func:`two_lenses` in matplotlib, for paper and for where no kernel runs."""
    figure = still_figure(13, 6.4, title, caption)
    two_lenses_on(
        figure, real, synthesized, names=names, focus=focus, colours=colours, spread=spread
    )
    return figure


def two_lenses_on(
    figure: Figure | SubFigure,
    real: Points,
    synthesized: Points | None = None,
    *,
    names: Sequence[str],
    focus: Sequence[int] | None = None,
    colours: Mapping[int, str] | None = None,
    spread: Mapping[int, float] | None = None,
    over: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> None:
    """Draw :func:`two_lenses_still` on a figure that is there, or on a part of one; ``over`` it curves by kind and lens.

    A curve is (n, 2) with gaps, its kind one of ``CURVES``; of ``moved``, each three rows are an arrow and a gap. Raises
    ``DataError`` for rows of unequal number or a focus that is not there.
    """
    focus, colours = _focused(real, synthesized, focus, colours)
    for axes, lens in zip(figure.subplots(1, 2), LENSES, strict=True):
        for group in _groups(real, synthesized, names, focus, colours):
            axes.scatter(*getattr(group.points, lens).T, **_still_marker(group))
        for kind, curves in (over or {}).items():
            _still_curve(axes, kind, curves.get(lens, np.empty((0, 2))))
        for k in focus:
            x, y = np.median(getattr(real.of(k), lens), axis=0)
            axes.annotate(plain_still(names[k]), (x, y), ha="center", va="center", **_STILL_LABEL)
        axes.set_title(LENSES[lens], fontsize=14, loc="left")
        axes.set_aspect("equal", adjustable="datalim")
        axes.set(xticks=[], yticks=[])
    handles, texts = _still_legend(names, focus, colours, spread, synthesized is not None)
    figure.legend(handles, texts, loc="outside right upper", frameon=False, fontsize=13)


def _still_curve(axes: Axes, kind: str, curve: np.ndarray) -> None:
    colour, width, dash = CURVES[kind]
    if kind == "moved":
        arrow = {
            "arrowstyle": "-|>",
            "color": colour,
            "linewidth": width,
            "shrinkA": 0,
            "shrinkB": 0,
        }
        for start, end in zip(curve[::3], curve[1::3], strict=True):
            axes.annotate("", end, start, arrowprops=arrow)
    else:
        axes.plot(
            *curve.T, color=colour, linewidth=width, linestyle={"solid": "-", "dash": "--"}[dash]
        )


_LABEL = {
    "showarrow": False,
    "font": {"size": 18, "color": INK},
    "bgcolor": "rgba(255,255,255,0.75)",
    "borderpad": 1,
}


_STILL_LABEL = {
    "fontsize": 15,
    "weight": "bold",
    "color": INK,
    "bbox": {"fc": "white", "ec": "none", "alpha": 0.75, "pad": 1},
}


def _focused(real, synthesized, focus, colours) -> tuple[list[int], Mapping[int, str]]:
    """Classes in focus, by default the synthesized ones, and their colours."""
    if focus is None:
        focus = np.unique((synthesized or real).labels)
    focus = [int(k) for k in focus]
    missing = [k for k in focus if not (real.labels == k).any()]
    if missing:
        raise DataError(
            f"every class in focus needs real points to compare with, but class {missing[0]} has none"
        )
    return focus, class_colours(focus) if colours is None else colours


def _groups(real, synthesized, names, focus, colours) -> list[_Group]:
    """From back to front: grey ones, then real ones by class, then synthesized ones by class."""
    origins = [(real, True)] + ([(synthesized, False)] if synthesized is not None else [])
    parts = [(points.without(focus), CONTEXT, is_real, None) for points, is_real in origins]
    parts += [(points.of(k), colours[k], is_real, k) for points, is_real in origins for k in focus]
    return [
        _Group(*part, [str(names[i]) for i in part[0].labels]) for part in parts if part[0].count
    ]


def _trace(group: _Group, lens: str, total: int):
    """One plotly trace. Its hover text is the name, the origin and the row."""
    import plotly.graph_objects as go

    x, y = getattr(group.points, lens).T
    origin = "real" if group.real else "synthesized"
    marker = {"color": group.colour, "size": 6, "opacity": 0.65, "symbol": "circle"}
    if not group.real:
        marker |= {"size": 8, "opacity": 0.95, "symbol": "diamond-open", "line": {"width": 1.6}}
    if group.number is None:
        marker |= {"size": 4, "opacity": 0.5}
    return (go.Scattergl if total > SVG_POINTS else go.Scatter)(
        x=x,
        y=y,
        mode="markers",
        marker=marker,
        customdata=group.points.rows[:, None],
        text=[plain(text) for text in group.texts],
        hovertemplate=f"<b>%{{text}}</b>, {origin}<br>row %{{customdata[0]}}<extra></extra>",
        legendgroup=_legend_group(group.number),
        showlegend=False,
    )


def _legend_group(number: int | None) -> str:
    return (
        "context" if number is None else f"class {number}"
    )  # a click on a class hides it in both lenses


def _legend(names, focus, colours, spread, synthesized: bool) -> list:
    """Traces without points, for the legend alone: what the symbols mean, then the classes with their spread."""
    import plotly.graph_objects as go

    entries = [("real", INK, "circle", None)] + [
        ("synthesized", INK, "diamond-open", None)
    ] * synthesized
    entries += [(f"<b>{SPREAD_HEADING}</b>", "rgba(0,0,0,0)", "circle", None)] * bool(spread)
    entries += [
        (_class_entry(plain(names[k]), k, spread), colours[k], "circle", _legend_group(k))
        for k in focus
    ]
    return [
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=name,
            legendgroup=group,
            marker={"color": c, "symbol": s, "size": 11},
        )
        for name, c, s, group in entries
    ]


def _class_entry(name: str, number: int, spread: Mapping[int, float] | None) -> str:
    return f"{name}   {spread[number]:.2f}" if spread and number in spread else name


def _dressed(figure: go.Figure, title: str, caption: str) -> go.Figure:
    """Fonts, one scale for both axes of a lens, the caption, and words for what UMAP's axes are: nothing."""
    figure.update_xaxes(showticklabels=False, zeroline=False)
    figure.update_yaxes(showticklabels=False, zeroline=False)
    for axis, anchor in ((figure.layout.yaxis, "x"), (figure.layout.yaxis2, "x2")):
        axis.update(scaleanchor=anchor)
    figure.add_annotation(
        text=plain(caption, most=None),
        x=0,
        y=-0.02,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="top",
        showarrow=False,
        font={"size": 12, "color": QUIET},
    )
    return figure.update_layout(
        template="plotly_white",
        title={"text": plain(title, most=None), "x": 0, "xref": "paper", "font": {"size": 20}},
        font={"size": 14, "color": INK},
        legend={"itemsizing": "constant"},
        height=560,
        margin={"l": 10, "r": 10, "t": 90, "b": 50},
    )


def _still_marker(group: _Group) -> dict[str, Any]:
    size, alpha = (8, 0.5) if group.number is None else (16, 0.55) if group.real else (26, 0.95)
    if group.real:
        return {"s": size, "color": group.colour, "alpha": alpha, "linewidths": 0}
    return {
        "s": size,
        "marker": "D",
        "facecolors": "none",
        "edgecolors": group.colour,
        "alpha": alpha,
        "linewidths": 1.1,
    }


def _still_legend(names, focus, colours, spread, synthesized: bool) -> tuple[list, list[str]]:
    from matplotlib.lines import Line2D

    dot = {"linestyle": "", "marker": "o", "markersize": 8}
    entries = [(Line2D([], [], color=INK, **dot), "real")]
    if synthesized:
        entries.append(
            (Line2D([], [], color=INK, **dot | {"marker": "D", "fillstyle": "none"}), "synthesized")
        )
    if spread:
        entries.append((Line2D([], [], linestyle=""), SPREAD_HEADING))
    entries += [
        (Line2D([], [], color=colours[k], **dot), _class_entry(plain_still(names[k]), k, spread))
        for k in focus
    ]
    handles, texts = zip(*entries, strict=True)
    return list(handles), list(texts)
