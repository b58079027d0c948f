"""The meters of shifts: each value on a scale that runs from its floor to its ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from jaxtyping import Float

from .style import INK, PALE, QUIET, VERDICTS, bare_axes, number, plain_still, still_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUESTIONS = {
    "semantic": "Do they say what was asked for?",
    "variance": "Are they as varied as real ones?",
    "structure": "Do the classes stand to each other as in reality?",
    "overall": "How far are they from real ones, all in all?",
}


TIGHT = 0.2  # of the scale: names of floor and ceiling would overlap


class ReadingLike(Protocol):
    """What a meter needs to know of one reading."""

    @property
    def metric(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def floor(self) -> float: ...
    @property
    def ceiling(self) -> float: ...
    @property
    def word(self) -> str: ...
    @property
    def beside(self) -> float | None: ...


class ShiftsLike(Protocol):
    """What the meters need to know of a report: the names of its classes, and its readings."""

    @property
    def names(self) -> Sequence[str]: ...

    def reading(
        self,
        metric: str,
        label: str | None = None,
    ) -> ReadingLike:
        """A metric by its name, of a class or of all."""
        ...


def shift_meters(
    reports: Mapping[str, ShiftsLike],
    *,
    beside: str = "ridge-Gaussian",
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw each meter from its floor (left) to its ceiling (right), a line for each generator.

    ``reports`` maps the name of a generator to its
    :class:`gsmflow_lite.shifts.report.ShiftReport`. The large symbol is the value of all classes
    together, with its 95 % interval. Small strokes are single classes. Floor and ceiling are those
    of the first report. So is what stands beside it: a small mark, with ``beside`` as its word.
    """
    height = len(QUESTIONS) * (1.0 + 0.34 * len(reports)) + 0.5 * bool(title)
    figure = still_figure(12, height, title, caption)
    generators = [plain_still(name) for name in reports]

    panels = figure.subplots(len(QUESTIONS), 1)
    for axes, (meter, question) in zip(panels, QUESTIONS.items(), strict=True):
        lines = [_Line.of(report, meter) for report in reports.values()]
        heading = f"{question}  ({meter}: {lines[0].whole.metric})"
        axes.set_title(heading, fontsize=13, loc="left", pad=24)
        axes.set_yticks(range(len(lines)), generators, fontsize=12)
        _draw_meter(axes, lines, beside)
    return figure


@dataclass(frozen=True, eq=False)
class _Line:
    """One generator on one meter: the reading of all classes, and the values of single classes."""

    whole: ReadingLike
    classes: Float[np.ndarray, " M"]

    @classmethod
    def of(cls, report: ShiftsLike, meter: str) -> _Line:
        values = [report.reading(meter, name).value for name in report.names]
        return cls(report.reading(meter), np.array(values))

    @property
    def numbers(self) -> list[float]:
        """The numbers that the scale must hold."""
        r = self.whole
        return [r.low, r.value, r.high, r.floor, r.ceiling]


def _draw_meter(axes: Axes, lines: Sequence[_Line], beside: str) -> None:
    axes.set(ylim=(len(lines) - 0.4, -0.6), xticks=[])
    bare_axes(axes)
    if not np.isfinite(lines[0].numbers).all():
        _say_not_measured(axes)
        return

    first = lines[0].whole
    left, right = _limits(lines)
    _set_limits(axes, left, right, first)
    is_tight = abs(first.ceiling - first.floor) < TIGHT * (right - left)
    _mark(axes, "floor", first.floor, (0, (4, 3)), "right" if is_tight else "center")
    _mark(axes, "real data", first.ceiling, "solid", "left" if is_tight else "center")
    if first.beside is not None and np.isfinite(first.beside):
        _mark_beside(axes, beside, min(max(first.beside, left), right))
    for i, line in enumerate(lines):
        axes.axhline(
            i,
            color=PALE,
            linewidth=5,
            zorder=0,
            solid_capstyle="round",
        )
        _draw_line(axes, i, line, left, right)


def _say_not_measured(axes: Axes) -> None:
    axes.text(
        0.01,
        0.5,
        "not measured",
        transform=axes.transAxes,
        va="center",
        fontsize=13,
        color=QUIET,
    )


def _limits(lines: Sequence[_Line]) -> tuple[float, float]:
    """The two ends of the scale, the smaller first.

    It holds floor, ceiling and values. It also holds the single classes, except that they may
    lengthen it by at most half of its length on each side.
    """
    shown = [line.numbers for line in lines]
    low = np.nanmin(shown)
    high = np.nanmax(shown)
    room = 0.5 * (high - low)

    everyone = np.concatenate([[low, high], *(line.classes for line in lines)])
    low = max(low - room, np.nanmin(everyone))
    high = min(high + room, np.nanmax(everyone))
    edge = 0.06 * (high - low) or 1.0
    return low - edge, high + edge


def _set_limits(
    axes: Axes,
    left: float,
    right: float,
    first: ReadingLike,
) -> None:
    """Set the ends of the scale so that the floor is on the left, also where less is better."""
    if first.floor <= first.ceiling:
        axes.set_xlim(left, right)
    else:
        axes.set_xlim(right, left)


def _mark(
    axes: Axes,
    name: str,
    place: float,
    style: str | tuple,
    side: str,
) -> None:
    """Draw the upright line of floor or ceiling, with its name and value above it."""
    axes.axvline(
        place,
        color=INK,
        linewidth=1.4,
        linestyle=style,
        zorder=1,
    )
    axes.annotate(
        f"{name} {number(place)}",
        (place, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 4),
        textcoords="offset points",
        ha=side,
        fontsize=11,
        color=INK,
    )


def _mark_beside(axes: Axes, name: str, place: float) -> None:
    """Draw a small arrowhead under the lines, with its name."""
    low = axes.get_xaxis_transform()
    axes.plot([place], [0], "^", color=INK, markersize=6, transform=low, clip_on=False)
    axes.annotate(
        plain_still(name),
        (place, 0),
        xycoords=low,
        xytext=(0, -6),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=11,
        color=INK,
    )


def _draw_line(
    axes: Axes,
    place: int,
    line: _Line,
    left: float,
    right: float,
) -> None:
    """Draw strokes for classes and the value with its interval; write number and word beside it."""
    reading = line.whole
    text = reading.word
    if np.isfinite(reading.value):
        classes = np.clip(line.classes, left, right)
        _draw_strokes(axes, place, classes)
        _draw_value(axes, place, reading)
        text = f"{number(reading.value)}  {reading.word}"
    axes.annotate(
        text,
        (1.01, place),
        xycoords=axes.get_yaxis_transform(),
        va="center",
        fontsize=13,
        weight="bold",
        color=INK,
        annotation_clip=False,
    )


def _draw_strokes(
    axes: Axes,
    place: int,
    classes: Float[np.ndarray, " M"],
) -> None:
    axes.plot(
        classes,
        np.full(len(classes), place),
        "|",
        color=QUIET,
        markersize=9,
        alpha=0.7,
        zorder=2,
    )


def _draw_value(axes: Axes, place: int, reading: ReadingLike) -> None:
    verdict = VERDICTS[reading.word]
    axes.plot(
        [reading.low, reading.high],
        [place, place],
        color=verdict.colour,
        linewidth=4,
        zorder=3,
        solid_capstyle="butt",
    )
    axes.plot(
        [reading.value],
        [place],
        verdict.marker,
        color=verdict.colour,
        markersize=12,
        markeredgecolor="white",
        zorder=4,
    )
