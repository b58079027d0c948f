"""Figures from arrays, in plotly to move in and in matplotlib to keep; they know no model and no widget.

Plotly and matplotlib are imported by the functions that draw with them, so importing this module costs nothing.
"""

from __future__ import annotations

import base64
import colorsys
import html
import io
import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .errors import DataError
from .projection import Points

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# Told apart by readers with any of the usual colour deficiencies: Okabe and Ito (2008) without yellow, and two of Paul
# Tol's. Class is colour, real or imagined is the symbol, and the name stands on the map.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#332288", "#111111")
CONTEXT = "#C8C8C8"  # points and bars that are only there to compare with
INK = "#262626"
QUIET = "#6B6B6B"  # captions; 5.3 : 1 on white
SVG_POINTS = 1500  # plotly draws more than these with WebGL, of which a page has little
PLOTLY_TYPE = "application/vnd.plotly.v1+json"
LONGEST_NAME = 32  # characters
SCORES = {"seen": "S\nseen", "unseen": "U\nunseen", "harmonic": "H\nharmonic mean", "zsl": "T1\nunseen only"}
SPREAD_HEADING = "spread, imagined / real"
LENSES = {"pca": "PCA: shows spread", "umap": "UMAP: shows neighbours, not spread"}
CURVES = {  # what is drawn over the points: colour, width, dash
    "real ellipse": ("#7F7F7F", 2, "solid"),
    "imagined ellipse": (PALETTE[1], 2, "dash"),
    "both": ("#7F7F7F", 1.5, "solid"),
    "lost": (PALETTE[0], 3, "solid"),
    "added": (PALETTE[1], 3, "dash"),
    "moved": ("#555555", 2.5, "solid"),  # an arrow
}


def class_colours(classes: Iterable[int]) -> dict[int, str]:
    """A colour for each class in the order given. Classes added at the end leave the colours of the others as they are.

    Nine are easy to tell apart; further ones are darker, then lighter, shades of those, then they repeat.
    """
    shades = [_shade(colour, factor) for factor in (1.0, 0.6, 1.5) for colour in PALETTE]
    return {int(k): shades[i % len(shades)] for i, k in enumerate(dict.fromkeys(classes))}


def _shade(colour: str, factor: float) -> str:
    hue, light, saturation = colorsys.rgb_to_hls(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))
    rgb = colorsys.hls_to_rgb(hue, min(0.85, light * factor), saturation)
    return "#" + "".join(f"{round(255 * part):02X}" for part in rgb)


def plain(text: object, most: int | None = LONGEST_NAME) -> str:
    """Text from a file as plotly must be given it: names are text, but plotly reads tags, templates and TeX in them."""
    escaped = html.escape(short(text, most), quote=False)
    return escaped.replace("%{", "%&#123;").replace("$", "&#36;")


def plain_still(text: object, most: int | None = LONGEST_NAME) -> str:
    """The same for matplotlib, which reads TeX between dollars and hides labels that begin with an underscore."""
    text = short(text, most).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def short(text: object, most: int | None = LONGEST_NAME) -> str:
    """Text on one line, cut after ``most`` characters."""
    line = " ".join(str(text).split())
    return line if most is None or len(line) <= most else line[: most - 1] + "…"


# --- Two lenses ------------------------------------------------------------------------------------------------------


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
    synthesised: Points | None = None,
    *,
    names: Sequence[str],
    focus: Sequence[int] | None = None,
    colours: Mapping[int, str] | None = None,
    spread: Mapping[int, float] | None = None,
    title: str = "",
    caption: str = "",
) -> go.Figure:
    """PCA beside UMAP: classes in ``focus`` in colour, the others grey; real ones are dots, imagined ones open diamonds.

    ``names`` (K,) of all classes. ``focus``: class numbers, by default those synthesised. ``spread``: the
    :func:`gsmflow_lite.metrics.spread_ratio` of each class, printed in the legend. ``caption`` should give seed and
    method. Row numbers are in ``customdata``. Raises ``DataError`` if a class in focus has no real points.
    """
    from plotly.subplots import make_subplots

    focus, colours = _focused(real, synthesised, focus, colours)
    groups = _groups(real, synthesised, names, focus, colours)
    figure = make_subplots(1, 2, subplot_titles=list(LENSES.values()), horizontal_spacing=0.05)
    for column, lens in enumerate(LENSES, start=1):
        figure.add_traces([_trace(group, lens, sum(g.points.count for g in groups)) for group in groups], 1, column)
        for k in focus:
            x, y = np.median(getattr(real.of(k), lens), axis=0)
            figure.add_annotation(x=x, y=y, text=f"<b>{plain(names[k])}</b>", row=1, col=column, **_LABEL)
    figure.add_traces(_legend(names, focus, colours, spread, synthesised is not None))
    return _dressed(figure, title, caption)


def two_lenses_still(
    real: Points,
    synthesised: Points | None = None,
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
    two_lenses_on(figure, real, synthesised, names=names, focus=focus, colours=colours, spread=spread)
    return figure


def two_lenses_on(
    figure: Figure | SubFigure,
    real: Points,
    synthesised: Points | None = None,
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
    focus, colours = _focused(real, synthesised, focus, colours)
    for axes, lens in zip(figure.subplots(1, 2), LENSES, strict=True):
        for group in _groups(real, synthesised, names, focus, colours):
            axes.scatter(*getattr(group.points, lens).T, **_still_marker(group))
        for kind, curves in (over or {}).items():
            _still_curve(axes, kind, curves.get(lens, np.empty((0, 2))))
        for k in focus:
            x, y = np.median(getattr(real.of(k), lens), axis=0)
            axes.annotate(plain_still(names[k]), (x, y), ha="center", va="center", **_STILL_LABEL)
        axes.set_title(LENSES[lens], fontsize=14, loc="left")
        axes.set_aspect("equal", adjustable="datalim")
        axes.set(xticks=[], yticks=[])
    handles, texts = _still_legend(names, focus, colours, spread, synthesised is not None)
    figure.legend(handles, texts, loc="outside right upper", frameon=False, fontsize=13)


def _still_curve(axes: Axes, kind: str, curve: np.ndarray) -> None:
    colour, width, dash = CURVES[kind]
    if kind == "moved":
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
        for start, end in zip(curve[::3], curve[1::3], strict=True):
            axes.annotate("", end, start, arrowprops=arrow)
    else:
        axes.plot(*curve.T, color=colour, linewidth=width, linestyle={"solid": "-", "dash": "--"}[dash])


_LABEL = {"showarrow": False, "font": {"size": 18, "color": INK}, "bgcolor": "rgba(255,255,255,0.75)", "borderpad": 1}
_STILL_LABEL = {"fontsize": 15, "weight": "bold", "color": INK, "bbox": {"fc": "white", "ec": "none", "alpha": 0.75, "pad": 1}}


def _focused(real, synthesised, focus, colours) -> tuple[list[int], Mapping[int, str]]:
    """Classes in focus, by default the synthesised ones, and their colours."""
    if focus is None:
        focus = np.unique((synthesised or real).labels)
    focus = [int(k) for k in focus]
    missing = [k for k in focus if not (real.labels == k).any()]
    if missing:
        raise DataError(f"every class in focus needs real points to compare with, but class {missing[0]} has none")
    return focus, class_colours(focus) if colours is None else colours


def _groups(real, synthesised, names, focus, colours) -> list[_Group]:
    """From back to front: grey ones, then real ones by class, then imagined ones by class."""
    origins = [(real, True)] + ([(synthesised, False)] if synthesised is not None else [])
    parts = [(points.without(focus), CONTEXT, is_real, None) for points, is_real in origins]
    parts += [(points.of(k), colours[k], is_real, k) for points, is_real in origins for k in focus]
    return [_Group(*part, [str(names[i]) for i in part[0].labels]) for part in parts if part[0].count]


def _trace(group: _Group, lens: str, total: int):
    """One plotly trace. Its hover text is the name, the origin and the row."""
    import plotly.graph_objects as go

    x, y = getattr(group.points, lens).T
    origin = "real" if group.real else "imagined"
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
    return "context" if number is None else f"class {number}"  # a click on a class hides it in both lenses


def _legend(names, focus, colours, spread, synthesised: bool) -> list:
    """Traces without points, for the legend alone: what the symbols mean, then the classes with their spread."""
    import plotly.graph_objects as go

    entries = [("real", INK, "circle", None)] + [("imagined", INK, "diamond-open", None)] * synthesised
    entries += [(f"<b>{SPREAD_HEADING}</b>", "rgba(0,0,0,0)", "circle", None)] * bool(spread)
    entries += [(_class_entry(plain(names[k]), k, spread), colours[k], "circle", _legend_group(k)) for k in focus]
    return [
        go.Scatter(
            x=[None], y=[None], mode="markers", name=name, legendgroup=group, marker={"color": c, "symbol": s, "size": 11}
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
    return {"s": size, "marker": "D", "facecolors": "none", "edgecolors": group.colour, "alpha": alpha, "linewidths": 1.1}


def _still_legend(names, focus, colours, spread, synthesised: bool) -> tuple[list, list[str]]:
    from matplotlib.lines import Line2D

    dot = {"linestyle": "", "marker": "o", "markersize": 8}
    entries = [(Line2D([], [], color=INK, **dot), "real")]
    if synthesised:
        entries.append((Line2D([], [], color=INK, **dot | {"marker": "D", "fillstyle": "none"}), "imagined"))
    if spread:
        entries.append((Line2D([], [], linestyle=""), SPREAD_HEADING))
    entries += [(Line2D([], [], color=colours[k], **dot), _class_entry(plain_still(names[k]), k, spread)) for k in focus]
    handles, texts = zip(*entries, strict=True)
    return list(handles), list(texts)


def output(figure: go.Figure | Figure) -> dict[str, str | dict]:
    """A figure as one small notebook output: ``display(output(still), output(interactive), raw=True)``.

    Show both: an interactive figure is drawn only where plotly is at home, a still one wherever the file is read. They cannot
    be one output with two forms, for JupyterLab would always take the still.
    """
    if hasattr(figure, "to_plotly_json"):
        note = "an interactive figure is here where the notebook is open in JupyterLab or VS Code"
        return {PLOTLY_TYPE: json.loads(figure.to_json()), "text/plain": note}
    return {"image/png": base64.b64encode(png(figure)).decode(), "text/plain": "a figure"}


def png(figure: Figure, dpi: float | None = None) -> bytes:
    """A matplotlib figure as a small PNG file."""
    from PIL import Image  # comes with matplotlib

    drawn, picture = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi or figure.dpi)
    Image.open(drawn).convert("RGB").quantize(128).save(picture, format="png", optimize=True)  # a third of the size
    return picture.getvalue()


# --- Pictures, curves, bars ------------------------------------------------------------------------------------------


def picture_grid(
    rows: Mapping[str, np.ndarray], *, columns: Sequence[str] | None = None, title: str = "", caption: str = ""
) -> Figure:
    """Pictures in labelled rows, to compare by eye: ``rows`` maps a label to grey pictures (n, H, W) or (lines, n, H, W).

    All rows have n pictures of one size, 0 (paper) to 1 (ink); what lies outside is clipped. ``columns``: a heading for each.
    Raises ``DataError`` where the rows differ in number or size.
    """
    blocks = {label: np.asarray(pictures, np.float32) for label, pictures in rows.items()}
    blocks = {label: block[None] if block.ndim == 3 else block for label, block in blocks.items()}
    if not blocks or len({block.shape[1:] for block in blocks.values()}) != 1 or next(iter(blocks.values())).ndim != 4:
        shapes = {label: np.shape(pictures) for label, pictures in rows.items()}
        raise DataError(f"rows must hold as many pictures (n, height, width) each, of one size, got shapes {shapes}")
    _, n, height, width = next(iter(blocks.values())).shape
    canvas, places = _mosaic(blocks)
    side = min(1.15, 11.5 / n)  # inches a picture
    margin = 0.3 + 0.11 * max(map(len, blocks))  # inches for the longest label
    inches = side * canvas.shape[0] / height
    figure = still_figure(side * n + margin, inches + 0.3 + 0.45 * bool(title) + 0.3 * bool(caption), title, caption)
    axes = figure.subplots()
    axes.imshow(canvas, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set_yticks(list(places.values()), [plain_still(label) for label in places], fontsize=14)
    centres = np.arange(n) * (width + _GAP) + width / 2
    headings = [plain_still(c) for c in columns] if columns is not None else [""] * n
    size = min(16, 100 * side / max(1, *map(len, headings)))  # in points: long names must not run into each other
    axes.set_xticks(centres, headings, fontsize=size)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


_GAP = 2  # pixels between pictures; between rows with different labels four times as many


def _mosaic(blocks: Mapping[str, np.ndarray]) -> tuple[np.ndarray, dict[str, float]]:
    """All pictures on one canvas with gaps (NaN, drawn as nothing), and the middle of each label's rows, in pixels."""
    _, n, height, width = next(iter(blocks.values())).shape
    tall = sum(len(block) * (height + _GAP) for block in blocks.values()) + (len(blocks) - 1) * 3 * _GAP - _GAP
    canvas = np.full((tall, n * (width + _GAP) - _GAP), np.nan, np.float32)
    places, top = {}, 0
    for label, block in blocks.items():
        places[label] = top + (len(block) * (height + _GAP) - _GAP) / 2
        for line in block:
            for i, picture in enumerate(line):
                canvas[top : top + height, i * (width + _GAP) : i * (width + _GAP) + width] = picture.clip(0, 1)
            top += height + _GAP
        top += 3 * _GAP
    return canvas, places


class _Epoch(Protocol):
    epoch: int
    epochs: int
    likelihood: float
    score: float | None


def loss_curve(history: Sequence[_Epoch], *, title: str = "", caption: str = "") -> Figure:
    """Negative log-likelihood by epoch, and the validation score beneath where there is one. Lower is better, then higher.

    The axis already spans all epochs that were asked for, so a curve that grows while training does not jump.
    """
    scored = [e for e in history if e.score is not None]
    figure = still_figure(9, 6.5 if scored else 4.2, title, caption)
    upper, *lower = np.ravel(figure.subplots(2 if scored else 1, 1, sharex=True))
    _curve(upper, [e.epoch for e in history], [e.likelihood for e in history], "negative log-likelihood\nper dimension (nats)")
    for axes in lower:
        _curve(axes, [e.epoch for e in scored], [e.score for e in scored], "validation score (%)")
    last = lower[0] if lower else upper
    last.set_xlabel("epoch", fontsize=14)
    last.set_xlim(0.5, (history[-1].epochs if history else 1) + 0.5)
    last.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _curve(axes: Axes, x: Sequence[float], y: Sequence[float], label: str) -> None:
    axes.plot(x, y, marker="o", color=PALETTE[0], linewidth=2)
    axes.set_ylabel(label, fontsize=13)
    if y:
        axes.annotate(f"{y[-1]:.3g}", (x[-1], y[-1]), xytext=(0, 9), textcoords="offset points", ha="center", fontsize=12)
    axes.margins(y=0.2)
    _quiet(axes)


class _Scores(Protocol):
    seen: float
    unseen: float
    harmonic: float
    zsl: float


def score_bars(scores: Mapping[str, _Scores], *, title: str = "", caption: str = "") -> Figure:
    """S, U, H and T1 of each method as bars with their numbers. ``scores`` maps the name of a method to its scores."""
    figure = still_figure(12, 5.2, title, caption)
    axes, width = figure.subplots(), 0.84 / max(1, len(scores))
    for i, ((method, one), colour) in enumerate(zip(scores.items(), class_colours(range(len(scores))).values(), strict=True)):
        values = [getattr(one, name) for name in SCORES]
        x = np.arange(len(SCORES)) + (i - (len(scores) - 1) / 2) * width
        bars = axes.bar(x, values, 0.92 * width, color=colour, label=plain_still(method))
        axes.bar_label(bars, fmt="%.0f", fontsize=12, padding=2)
    axes.set_xticks(range(len(SCORES)), list(SCORES.values()), fontsize=14)
    axes.set_ylabel("mean of per-class accuracies (%)", fontsize=13)
    axes.set_ylim(0, 100)
    axes.legend(frameon=False, fontsize=13, ncols=len(scores), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    _quiet(axes)
    return figure


# --- Shifts ----------------------------------------------------------------------------------------------------------

# Okabe and Ito's colours, and a symbol each: a word must not hang on colour alone.
WORDS = {"fine": ("#0072B2", "o"), "watch": ("#E69F00", "^"), "shifted": ("#D55E00", "X"), "not measured": (QUIET, "_")}
QUESTIONS = {
    "semantic": "Do they say what was asked for?",
    "variance": "Are they as varied as real ones?",
    "structure": "Do the classes stand to each other as in reality?",
    "overall": "How far are they from real ones, all in all?",
}


class _Reading(Protocol):
    metric: str
    value: float
    low: float
    high: float
    floor: float
    ceiling: float
    word: str


class _Shifts(Protocol):
    names: Sequence[str]

    def reading(self, metric: str, label: str | None = None) -> _Reading: ...


def shift_meters(reports: Mapping[str, _Shifts], *, title: str = "", caption: str = "") -> Figure:
    """Each meter on a scale from its floor (left) to its ceiling (right), with a line for each generator.

    ``reports`` maps the name of a generator to its :class:`gsmflow_lite.shifts.ShiftReport`. The large symbol is the value of
    all classes together with its 95 % interval, small strokes are the classes; floor and ceiling are those of the first report.
    """
    figure = still_figure(12, len(QUESTIONS) * (1.0 + 0.34 * len(reports)) + 0.5 * bool(title), title, caption)
    for axes, (meter, question) in zip(figure.subplots(len(QUESTIONS), 1), QUESTIONS.items(), strict=True):
        own = next(iter(reports.values())).reading(meter)
        axes.set_title(f"{question}  ({meter}: {own.metric})", fontsize=13, loc="left", pad=24)
        _meter(axes, meter, reports)
    return figure


def _meter(axes: Axes, meter: str, reports: Mapping[str, _Shifts]) -> None:
    whole = [report.reading(meter) for report in reports.values()]
    shown = np.array([[r.low, r.value, r.high, r.floor, r.ceiling] for r in whole])
    axes.set_yticks(range(len(reports)), [plain_still(name) for name in reports], fontsize=12)
    axes.set(ylim=(len(reports) - 0.4, -0.6), xticks=[])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if not np.isfinite(shown[0]).all():
        axes.text(0.01, 0.5, "not measured", transform=axes.transAxes, va="center", fontsize=13, color=QUIET)
        return
    classes = [np.array([report.reading(meter, name).value for name in report.names]) for report in reports.values()]
    left, right = _limits(axes, shown, classes)
    for what, place, style in (("floor", whole[0].floor, (0, (4, 3))), ("real data", whole[0].ceiling, "solid")):
        axes.axvline(place, color=INK, linewidth=1.4, linestyle=style, zorder=1)
        axes.annotate(
            f"{what} {number(place)}", (place, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 4),
            textcoords="offset points", ha="center", fontsize=11, color=INK,
        )  # fmt: skip
    for line, (r, values) in enumerate(zip(whole, classes, strict=True)):
        axes.axhline(line, color="#E6E6E6", linewidth=5, zorder=0, solid_capstyle="round")
        _needle(axes, line, r, np.clip(values, left, right))


def _limits(axes: Axes, shown: np.ndarray, classes: Sequence[np.ndarray]) -> tuple[float, float]:
    """The scale spans floor, ceiling, values and classes (none by more than half its length); returns its two ends."""
    low, high = np.nanmin(shown), np.nanmax(shown)
    room = 0.5 * (high - low)
    everyone = np.concatenate([[low, high], *classes])
    low, high = max(low - room, np.nanmin(everyone)), min(high + room, np.nanmax(everyone))
    edge = 0.06 * (high - low) or 1.0
    floor, ceiling = shown[0, 3:]
    axes.set_xlim(*((low - edge, high + edge) if floor <= ceiling else (high + edge, low - edge)))
    return low - edge, high + edge


def _needle(axes: Axes, line: int, reading: _Reading, classes: np.ndarray) -> None:
    """One generator on one meter: strokes for classes, the value with its interval, and in the margin number and word."""
    colour, symbol = WORDS[reading.word]
    if np.isfinite(reading.value):
        axes.plot(classes, np.full(len(classes), line), "|", color=QUIET, markersize=9, alpha=0.7, zorder=2)
        axes.plot([reading.low, reading.high], [line, line], color=colour, linewidth=4, zorder=3, solid_capstyle="butt")
        axes.plot([reading.value], [line], symbol, color=colour, markersize=12, markeredgecolor="white", zorder=4)
    text = f"{number(reading.value)}  {reading.word}" if np.isfinite(reading.value) else reading.word
    axes.annotate(
        text, (1.01, line), xycoords=axes.get_yaxis_transform(), va="center", fontsize=13, weight="bold", color=INK,
        annotation_clip=False,
    )  # fmt: skip


def number(value: float) -> str:
    """Two digits after the point, or one from 10 on."""
    return f"{value:.1f}" if abs(value) >= 10 else f"{round(value, 2) + 0.0:.2f}"  # no -0.00


def telling_attributes(differences: np.ndarray, readability: np.ndarray, most: int = 25) -> np.ndarray:
    """Numbers of the attributes that differ most, (m,) in their own order: ``differences`` (U, A) by mean size, times
    ``readability`` (A,).
    """
    weight = np.abs(differences).mean(0) * readability
    chosen = np.argsort(-weight, kind="stable")[:most]
    return np.sort(chosen[weight[chosen] > 0])


def attribute_heatmap(differences: pd.DataFrame, *, title: str = "", caption: str = "") -> Figure:
    """What classes (rows) say of attributes (columns), imagined minus real, in units of the attribute's spread.

    Orange: more than in reality; blue: less. Colours end at the 98th percentile, so that one odd cell does not fade the others.
    """
    import seaborn as sns

    rows, columns = differences.shape
    figure = still_figure(max(6, 3 + 0.42 * columns), 2.4 + 0.34 * rows + 0.4 * bool(title), title, caption)
    values = differences.to_numpy()
    most = float(np.nanpercentile(np.abs(values), 98)) or 1.0
    axes = figure.subplots()
    sns.heatmap(
        values, ax=axes, cmap=_diverging(), vmin=-most, vmax=most, linewidths=0.5, linecolor="white",
        xticklabels=[plain_still(name, 24) for name in differences.columns],
        yticklabels=[plain_still(name, 24) for name in differences.index],
        cbar_kws={"label": "imagined minus real", "shrink": 0.8},
    )  # fmt: skip
    axes.tick_params(length=0, labelsize=12)
    axes.tick_params(axis="x", rotation=90)
    axes.tick_params(axis="y", rotation=0)
    return figure


def _diverging():
    """Blue over white to vermillion: told apart by readers with any of the usual colour deficiencies."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("less to more", [PALETTE[0], "#FFFFFF", PALETTE[1]])


def _quiet(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#E6E6E6")
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=12)


def still_figure(width: float, height: float, title: str, caption: str) -> Figure:
    """An empty figure that belongs to nobody: pyplot would keep it alive, and show it a second time in a notebook."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=90, layout="constrained", facecolor="white")
    if title:
        figure.suptitle(plain_still(title, most=None), fontsize=17, x=0.01, ha="left")
    if caption:
        lines = textwrap.fill(plain_still(caption, most=None), max(30, int(12.5 * width)))  # letters that fit in a line
        figure.supxlabel(lines, fontsize=11, x=0.01, ha="left", color=QUIET)
    return figure
