"""Figures from arrays, in plotly to move in and in matplotlib to keep; they know no model and no widget.

Plotly and matplotlib are imported by the functions that draw with them, so importing this module costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..errors import DataError
from .style import (
    INK,
    PALETTE,
    QUIET,
    VERDICTS,
    class_colours,
    diverging,
    number,
    plain_still,
    quiet_axes,
    still_figure,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCORES = {
    "seen": "S\nseen",
    "unseen": "U\nunseen",
    "harmonic": "H\nharmonic mean",
    "zsl": "T1\nunseen only",
}


# --- Two lenses ------------------------------------------------------------------------------------------------------


# --- Pictures, curves, bars ------------------------------------------------------------------------------------------


def picture_grid(
    rows: Mapping[str, np.ndarray],
    *,
    columns: Sequence[str] | None = None,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Pictures in labelled rows, to compare by eye: ``rows`` maps a label to grey pictures (n, H, W) or (lines, n, H, W).

    All rows have n pictures of one size, 0 (paper) to 1 (ink); what lies outside is clipped. ``columns``: a heading for each.
    Raises ``DataError`` where the rows differ in number or size.
    """
    blocks = {label: np.asarray(pictures, np.float32) for label, pictures in rows.items()}
    blocks = {label: block[None] if block.ndim == 3 else block for label, block in blocks.items()}
    if (
        not blocks
        or len({block.shape[1:] for block in blocks.values()}) != 1
        or next(iter(blocks.values())).ndim != 4
    ):
        shapes = {label: np.shape(pictures) for label, pictures in rows.items()}
        raise DataError(
            f"rows must hold as many pictures (n, height, width) each, of one size, got shapes {shapes}"
        )
    _, n, height, width = next(iter(blocks.values())).shape
    canvas, places = _mosaic(blocks)
    side = min(1.15, 11.5 / n)  # inches a picture
    margin = 0.3 + 0.11 * max(map(len, blocks))  # inches for the longest label
    inches = side * canvas.shape[0] / height
    figure = still_figure(
        side * n + margin, inches + 0.3 + 0.45 * bool(title) + 0.3 * bool(caption), title, caption
    )
    axes = figure.subplots()
    axes.imshow(canvas, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set_yticks(list(places.values()), [plain_still(label) for label in places], fontsize=14)
    centres = np.arange(n) * (width + _GAP) + width / 2
    headings = [plain_still(c) for c in columns] if columns is not None else [""] * n
    size = min(
        16, 100 * side / max(1, *map(len, headings))
    )  # in points: long names must not run into each other
    axes.set_xticks(centres, headings, fontsize=size)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


_GAP = 2  # pixels between pictures; between rows with different labels four times as many


def _mosaic(blocks: Mapping[str, np.ndarray]) -> tuple[np.ndarray, dict[str, float]]:
    """All pictures on one canvas with gaps (NaN, drawn as nothing), and the middle of each label's rows, in pixels."""
    _, n, height, width = next(iter(blocks.values())).shape
    tall = (
        sum(len(block) * (height + _GAP) for block in blocks.values())
        + (len(blocks) - 1) * 3 * _GAP
        - _GAP
    )
    canvas = np.full((tall, n * (width + _GAP) - _GAP), np.nan, np.float32)
    places, top = {}, 0
    for label, block in blocks.items():
        places[label] = top + (len(block) * (height + _GAP) - _GAP) / 2
        for line in block:
            for i, picture in enumerate(line):
                canvas[top : top + height, i * (width + _GAP) : i * (width + _GAP) + width] = (
                    picture.clip(0, 1)
                )
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
    _curve(
        upper,
        [e.epoch for e in history],
        [e.likelihood for e in history],
        "negative log-likelihood\nper dimension (nats)",
    )
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
        axes.annotate(
            f"{y[-1]:.3g}",
            (x[-1], y[-1]),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center",
            fontsize=12,
        )
    axes.margins(y=0.2)
    quiet_axes(axes)


class _Scores(Protocol):
    seen: float
    unseen: float
    harmonic: float
    zsl: float


def score_bars(scores: Mapping[str, _Scores], *, title: str = "", caption: str = "") -> Figure:
    """S, U, H and T1 of each method as bars with their numbers. ``scores`` maps the name of a method to its scores."""
    figure = still_figure(12, 5.2, title, caption)
    axes, width = figure.subplots(), 0.84 / max(1, len(scores))
    for i, ((method, one), colour) in enumerate(
        zip(scores.items(), class_colours(range(len(scores))).values(), strict=True)
    ):
        values = [getattr(one, name) for name in SCORES]
        x = np.arange(len(SCORES)) + (i - (len(scores) - 1) / 2) * width
        bars = axes.bar(x, values, 0.92 * width, color=colour, label=plain_still(method))
        axes.bar_label(bars, fmt="%.0f", fontsize=12, padding=2)
    axes.set_xticks(range(len(SCORES)), list(SCORES.values()), fontsize=14)
    axes.set_ylabel("mean of per-class accuracies (%)", fontsize=13)
    axes.set_ylim(0, 100)
    axes.legend(
        frameon=False, fontsize=13, ncols=len(scores), loc="lower center", bbox_to_anchor=(0.5, 1.0)
    )
    quiet_axes(axes)
    return figure


# --- Shifts ----------------------------------------------------------------------------------------------------------

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

    ``reports`` maps the name of a generator to its :class:`gsmflow_lite.shifts.report.ShiftReport`. The large symbol is the value of
    all classes together with its 95 % interval, small strokes are the classes; floor and ceiling are those of the first report.
    """
    figure = still_figure(
        12, len(QUESTIONS) * (1.0 + 0.34 * len(reports)) + 0.5 * bool(title), title, caption
    )
    for axes, (meter, question) in zip(
        figure.subplots(len(QUESTIONS), 1), QUESTIONS.items(), strict=True
    ):
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
        axes.text(
            0.01,
            0.5,
            "not measured",
            transform=axes.transAxes,
            va="center",
            fontsize=13,
            color=QUIET,
        )
        return
    classes = [
        np.array([report.reading(meter, name).value for name in report.names])
        for report in reports.values()
    ]
    left, right = _limits(axes, shown, classes)
    for what, place, style in (
        ("floor", whole[0].floor, (0, (4, 3))),
        ("real data", whole[0].ceiling, "solid"),
    ):
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
    colour, symbol = VERDICTS[reading.word]
    if np.isfinite(reading.value):
        axes.plot(
            classes,
            np.full(len(classes), line),
            "|",
            color=QUIET,
            markersize=9,
            alpha=0.7,
            zorder=2,
        )
        axes.plot(
            [reading.low, reading.high],
            [line, line],
            color=colour,
            linewidth=4,
            zorder=3,
            solid_capstyle="butt",
        )
        axes.plot(
            [reading.value],
            [line],
            symbol,
            color=colour,
            markersize=12,
            markeredgecolor="white",
            zorder=4,
        )
    text = (
        f"{number(reading.value)}  {reading.word}" if np.isfinite(reading.value) else reading.word
    )
    axes.annotate(
        text, (1.01, line), xycoords=axes.get_yaxis_transform(), va="center", fontsize=13, weight="bold", color=INK,
        annotation_clip=False,
    )  # fmt: skip


def telling_attributes(
    differences: np.ndarray, readability: np.ndarray, most: int = 25
) -> np.ndarray:
    """Numbers of the attributes that differ most, (m,) in their own order: ``differences`` (U, A) by mean size, times
    ``readability`` (A,).
    """
    weight = np.abs(differences).mean(0) * readability
    chosen = np.argsort(-weight, kind="stable")[:most]
    return np.sort(chosen[weight[chosen] > 0])


def attribute_heatmap(differences: pd.DataFrame, *, title: str = "", caption: str = "") -> Figure:
    """What classes (rows) say of attributes (columns), synthesized minus real, in units of the attribute's spread.

    Orange: more than in reality; blue: less. Colours end at the 98th percentile, so that one odd cell does not fade the others.
    """
    import seaborn as sns

    rows, columns = differences.shape
    figure = still_figure(
        max(6, 3 + 0.42 * columns), 2.4 + 0.34 * rows + 0.4 * bool(title), title, caption
    )
    values = differences.to_numpy()
    most = float(np.nanpercentile(np.abs(values), 98)) or 1.0
    axes = figure.subplots()
    sns.heatmap(
        values, ax=axes, cmap=diverging(), vmin=-most, vmax=most, linewidths=0.5, linecolor="white",
        xticklabels=[plain_still(name, 24) for name in differences.columns],
        yticklabels=[plain_still(name, 24) for name in differences.index],
        cbar_kws={"label": "synthesized minus real", "shrink": 0.8},
    )  # fmt: skip
    axes.tick_params(length=0, labelsize=12)
    axes.tick_params(axis="x", rotation=90)
    axes.tick_params(axis="y", rotation=0)
    return figure
