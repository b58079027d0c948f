"""Two maps side by side: PCA shows how wide classes are, UMAP which of them are neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from .contours import density_contours
from .looks import Looks, Tints
from .names import PlacedName, place_names, text_size
from .points import Points
from .style import (
    CONTEXT,
    INK,
    MIDDLE_GREY,
    PALETTE,
    class_colours,
    dress,
    legible,
    plain,
    plain_still,
    still_figure,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from jaxtyping import Bool, Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

SVG_POINTS = 1500  # plotly draws more than these with WebGL, of which a page has little
SPREAD_HEADING = "spread, synthesized / real"
LENSES = {"pca": "PCA: shows spread", "umap": "UMAP: shows neighbours, not spread"}
CURVES = {  # what is drawn over the points: colour, width, dash
    "real ellipse": (MIDDLE_GREY, 2, "solid"),
    "synthesized ellipse": (MIDDLE_GREY, 2, "dash"),
    "both": (MIDDLE_GREY, 1.5, "solid"),
    "lost": (PALETTE[0], 3, "solid"),
    "added": (PALETTE[1], 3, "dash"),
    "moved": (MIDDLE_GREY, 2.5, "solid"),  # an arrow
}


# --- The two maps --------------------------------------------------------------------------------


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
    """Draw PCA beside UMAP in plotly; real points are dots, synthesized ones are open diamonds.

    ``names`` are those of all classes. The classes in ``focus`` are coloured and the others grey;
    by default the synthesized classes are in focus. ``spread`` gives for each class the
    :func:`gsmflow_lite.shifts.metrics.spread_ratio`, which is printed in the legend. ``caption``
    should say the seed and the method. Each point carries its row number in ``customdata``. Raises
    ``DataError`` where a class in focus has no real points.
    """
    from plotly.subplots import make_subplots

    contents = _contents(real, synthesized, names, focus, colours, spread)
    groups = contents.groups()
    total = sum(group.points.count for group in groups)

    figure = make_subplots(1, 2, subplot_titles=list(LENSES.values()), horizontal_spacing=0.05)
    for column, lens in enumerate(LENSES, start=1):
        figure.add_traces([_trace(group, lens, total) for group in groups], 1, column)
        texts = {k: plain(contents.names[k]) for k in contents.focus}
        for k, place in contents.name_places(texts, lens, FONT, AREA).items():
            figure.add_annotation(
                x=place.anchor[0],
                y=place.anchor[1],
                ax=place.offset[0],
                ay=-place.offset[1],
                text=f"<b>{texts[k]}</b>",
                arrowcolor=contents.colours[k],
                row=1,
                col=column,
                **_LABEL,
            )

    figure.add_traces(_legend(contents))
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
    """Draw the picture of :func:`two_lenses` in matplotlib: for paper, and where no kernel runs."""
    figure = still_figure(13, 6.4, title, caption)
    two_lenses_on(
        figure,
        real,
        synthesized,
        names=names,
        focus=focus,
        colours=colours,
        spread=spread,
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
    over: Mapping[str, Mapping[str, Float[np.ndarray, "n 2"]]] | None = None,
    looks: Looks | None = None,
    tints: Tints | None = None,
) -> None:
    """Draw :func:`two_lenses_still` on a figure, or on a part of one, and curves over the points.

    ``over`` gives the curves by kind and lens. A kind is one of ``CURVES``. A row of NaN is a gap
    in a curve. Of the kind ``moved``, each three rows are the two ends of an arrow and a gap.
    ``looks`` say what is drawn of the points, and how. ``tints`` are colours of all ``real`` and
    ``synthesized`` points, in the place of those of their classes.
    Raises ``DataError`` where a class in focus has no real points.
    """
    contents = _contents(real, synthesized, names, focus, colours, spread)
    contents = replace(contents, looks=looks or Looks(), tints=tints or {})
    for axes, lens in zip(figure.subplots(1, 2), LENSES, strict=True):
        _still_points(axes, contents, lens)
        _still_contours(axes, contents, lens)
        for kind, by_lens in (over or {}).items():
            if lens in by_lens:
                _still_curve(axes, kind, by_lens[lens])
        _still_names(axes, contents, lens)

    handles = _still_legend(contents)
    texts = [str(handle.get_label()) for handle in handles]
    figure.legend(handles, texts, loc="outside right upper", frameon=False, fontsize=13)


# --- What both libraries draw --------------------------------------------------------------------


@dataclass(frozen=True)
class _Group:
    """Points that are drawn alike."""

    points: Points
    colour: str | list[str]
    real: bool
    number: int | None  # of the class; None for the grey points
    texts: list[str]  # the class name of each point


@dataclass(frozen=True)
class _Contents:
    """What a picture shows, whichever library draws it."""

    real: Points
    synthesized: Points | None
    names: Sequence[str]
    focus: list[int]
    colours: Mapping[int, str]
    spread: Mapping[int, float]
    looks: Looks = field(default_factory=Looks)
    tints: Tints = field(default_factory=dict)

    @property
    def origins(self) -> list[tuple[Points, bool]]:
        """The real points, then the synthesized ones where there are any; True says real."""
        if self.synthesized is None:
            return [(self.real, True)]
        return [(self.real, True), (self.synthesized, False)]

    def groups(self) -> list[_Group]:
        """From back to front: grey points, then real points by class, then synthesized ones."""
        groups = []
        for points, is_real in self.origins:
            others = ~np.isin(points.labels, [*self.focus, *self.looks.off])
            drawn = self.looks.drawn("others", points.labels)
            groups.append(self._group(points, others & drawn, is_real, None))
        for points, is_real in self.origins:
            drawn = self.looks.drawn(_layer(is_real), points.labels)
            for k in self.focus:
                groups.append(self._group(points, (points.labels == k) & drawn, is_real, k))
        return [group for group in groups if group.points.count]

    def _group(
        self, points: Points, which: Bool[np.ndarray, " n"], real: bool, number: int | None
    ) -> _Group:
        colour: str | list[str] = CONTEXT if number is None else self.colours[number]
        tints = self.tints.get(_layer(real))
        if number is not None and tints is not None:
            colour = [tints[i] for i in np.flatnonzero(which).tolist()]
        chosen = points.only(which)
        return _Group(chosen, colour, real, number, [str(self.names[k]) for k in chosen.labels])

    def name_places(
        self, texts: Mapping[int, str], lens: str, size: float, area: tuple[float, float]
    ) -> dict[int, PlacedName]:
        """Where the names of classes stand through a lens: beside their real points.

        ``size`` of the letters and ``area`` of the lens are in dots. A name for which there is no
        place is left out.
        """
        clouds = [self.real.of(k).through(lens).astype(np.float64) for k in texts]
        rest = self.real.without(list(texts)).through(lens).astype(np.float64)
        sizes = [text_size(text, size) for text in texts.values()]
        places = place_names(sizes, clouds, rest, area)
        return {k: place for k, place in zip(texts, places, strict=True) if place is not None}

    def entry(self, number: int, name: str) -> str:
        """The text of a class in the legend: its name and its spread."""
        return f"{name}   {self.spread[number]:.2f}" if number in self.spread else name


def _layer(real: bool) -> str:
    return "real" if real else "synthesized"


def _contents(
    real: Points,
    synthesized: Points | None,
    names: Sequence[str],
    focus: Sequence[int] | None,
    colours: Mapping[int, str] | None,
    spread: Mapping[int, float] | None,
) -> _Contents:
    """Fill in the classes in focus and their colours. Raises ``DataError`` as the callers say."""
    if focus is None:
        focus = np.unique((synthesized or real).labels).tolist()
    chosen = [int(k) for k in focus]

    missing = [k for k in chosen if not (real.labels == k).any()]
    if missing:
        raise DataError(
            "every class in focus needs real points to compare with, "
            f"but class {missing[0]} has none"
        )
    if colours is None:
        colours = class_colours(chosen)
    return _Contents(real, synthesized, legible(names), chosen, colours, spread or {})


# --- In plotly -----------------------------------------------------------------------------------

FONT = 18
AREA = (430.0, 400.0)  # dots of a lens
_LABEL = {
    "arrowhead": 0,
    "arrowwidth": 1.2,
    "font": {"size": FONT, "color": INK},
    "bgcolor": "rgba(255,255,255,0.75)",
    "borderpad": 1,
}


def _trace(
    group: _Group,
    lens: str,
    total: int,
) -> go.Scatter | go.Scattergl:
    """Make one trace. Its hover text says the name, the origin and the row."""
    import plotly.graph_objects as go

    origin = "real" if group.real else "synthesized"
    scatter = go.Scattergl if total > SVG_POINTS else go.Scatter
    x, y = group.points.through(lens).T
    return scatter(
        x=x,
        y=y,
        mode="markers",
        marker=_marker(group),
        customdata=group.points.rows[:, None],
        text=[plain(text) for text in group.texts],
        hovertemplate=f"<b>%{{text}}</b>, {origin}<br>row %{{customdata[0]}}<extra></extra>",
        legendgroup=_legend_group(group.number),
        showlegend=False,
    )


def _marker(group: _Group) -> dict[str, Any]:
    marker: dict[str, Any] = {"color": group.colour, "size": 6, "opacity": 0.65, "symbol": "circle"}
    if not group.real:
        marker |= {"size": 8, "opacity": 0.95, "symbol": "diamond-open", "line": {"width": 1.6}}
    if group.number is None:
        marker |= {"size": 4, "opacity": 0.5}
    return marker


def _legend_group(number: int | None) -> str:
    """Name the traces that a click in the legend hides together, in both lenses."""
    return "context" if number is None else f"class {number}"


def _legend(contents: _Contents) -> list[go.Scatter]:
    """Make traces without points, for the legend alone: what the symbols mean, then the classes."""
    entries = [_entry("real", INK, "circle")]
    if contents.synthesized is not None:
        entries.append(_entry("synthesized", INK, "diamond-open"))
    if contents.spread:
        entries.append(_entry(f"<b>{SPREAD_HEADING}</b>", "rgba(0,0,0,0)", "circle"))
    for k in contents.focus:
        text = contents.entry(k, plain(contents.names[k]))
        entries.append(_entry(text, contents.colours[k], "circle", _legend_group(k)))
    return entries


def _entry(
    name: str,
    colour: str,
    symbol: str,
    group: str | None = None,
) -> go.Scatter:
    import plotly.graph_objects as go

    marker = {"color": colour, "symbol": symbol, "size": 11}
    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        name=name,
        legendgroup=group,
        marker=marker,
    )


def _dressed(
    figure: go.Figure,
    title: str,
    caption: str,
) -> go.Figure:
    """Set the fonts, the caption and one scale for both axes of a lens.

    The axes have no numbers, because those of a UMAP map mean nothing.
    """
    figure.update_xaxes(showticklabels=False, zeroline=False)
    figure.update_yaxes(showticklabels=False, zeroline=False)
    figure.layout.yaxis.scaleanchor = "x"
    figure.layout.yaxis2.scaleanchor = "x2"

    dress(figure, title, caption, caption_at=-0.02)
    return figure.update_layout(legend={"itemsizing": "constant"})


# --- In matplotlib -------------------------------------------------------------------------------

STILL_FONT = 15
STILL_AREA = (340.0, 330.0)  # dots of a lens, 72 an inch
_STILL_LABEL: dict[str, Any] = {
    "fontsize": STILL_FONT,
    "weight": "bold",
    "color": INK,
    "bbox": {"fc": "white", "ec": "none", "alpha": 0.75, "pad": 1},
}
_DASHES = {"solid": "-", "dash": "--"}


def _still_points(axes: Axes, contents: _Contents, lens: str) -> None:
    for group in contents.groups():
        x, y = group.points.through(lens).T
        axes.scatter(x, y, **_still_marker(group, contents.looks))
    axes.set_title(LENSES[lens], fontsize=14, loc="left")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set(xticks=[], yticks=[])


def _still_contours(axes: Axes, contents: _Contents, lens: str) -> None:
    """Curves around where points of a class are dense: solid real, dashed synthesized."""
    if not contents.looks.contours:
        return
    for points, is_real in contents.origins:
        if not contents.looks.shows(_layer(is_real)):
            continue
        for k in contents.focus:
            curve = density_contours(points.of(k).through(lens))
            dash = _DASHES["solid" if is_real else "dash"]
            axes.plot(*curve.T, color=contents.colours[k], linewidth=1.6, linestyle=dash)


def _still_names(axes: Axes, contents: _Contents, lens: str) -> None:
    texts = {k: plain_still(contents.names[k]) for k in contents.focus}
    for k, place in contents.name_places(texts, lens, STILL_FONT, STILL_AREA).items():
        axes.annotate(
            texts[k],
            (place.anchor[0], place.anchor[1]),
            xytext=(place.offset[0], place.offset[1]),
            textcoords="offset points",
            ha="center",
            va="center",
            arrowprops={"arrowstyle": "-", "color": contents.colours[k], "linewidth": 0.9},
            **_STILL_LABEL,
        )


def _still_marker(group: _Group, looks: Looks) -> dict[str, Any]:
    marker = _usual_still_marker(group)
    marker["s"] *= looks.size**2
    marker["alpha"] = min(1.0, marker["alpha"] * looks.opacity)
    return marker


def _usual_still_marker(group: _Group) -> dict[str, Any]:
    if group.real:
        size = 8 if group.number is None else 16
        alpha = 0.5 if group.number is None else 0.55
        return {"s": size, "color": group.colour, "alpha": alpha, "linewidths": 0}
    return {
        "s": 8 if group.number is None else 26,
        "marker": "D",
        "facecolors": "none",
        "edgecolors": group.colour,
        "alpha": 0.5 if group.number is None else 0.95,
        "linewidths": 1.1,
    }


def _still_curve(
    axes: Axes,
    kind: str,
    curve: Float[np.ndarray, "n 2"],
) -> None:
    colour, width, dash = CURVES[kind]
    if kind != "moved":
        axes.plot(*curve.T, color=colour, linewidth=width, linestyle=_DASHES[dash])
        return

    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
    for start, end in zip(curve[::3], curve[1::3], strict=True):
        axes.annotate("", end, start, arrowprops=arrow)


def _still_legend(contents: _Contents) -> list[Line2D]:
    """Make the handles of the legend, each with its text as label."""
    from matplotlib.lines import Line2D

    dot: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 8}
    diamond = dot | {"marker": "D", "fillstyle": "none"}

    handles = [Line2D([], [], color=INK, label="real", **dot)]
    if contents.synthesized is not None:
        handles.append(Line2D([], [], color=INK, label="synthesized", **diamond))
    if contents.spread:
        handles.append(Line2D([], [], linestyle="", label=SPREAD_HEADING))
    for k in contents.focus:
        text = contents.entry(k, plain_still(contents.names[k]))
        handles.append(Line2D([], [], color=contents.colours[k], label=text, **dot))
    return handles
