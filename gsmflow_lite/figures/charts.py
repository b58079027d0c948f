"""Pictures in rows, the curve of a training, bars of scores, and a heat map of attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from jaxtyping import Float, Int, Shaped

from ..errors import DataError
from .ink import WHITE, alike, is_coloured
from .style import (
    PALETTE,
    bare_axes,
    class_colours,
    diverging,
    legible,
    plain_still,
    quiet_axes,
    still_figure,
    whole_ticks,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURE_GAP = 2  # pixels between pictures; four times as many between rows with different labels
SCORE_LABELS = {
    "seen": "S\nseen",
    "unseen": "U\nunseen",
    "harmonic": "H\nharmonic mean",
    "zsl": "T1\nunseen only",
}


# --- Pictures ------------------------------------------------------------------------------------


def picture_grid(
    rows: Mapping[str, Shaped[np.ndarray, "... n height width"]],
    *,
    columns: Sequence[str] | None = None,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw pictures in labelled rows, to compare them by eye.

    ``rows`` maps a label to grey pictures (n, height, width), or to several lines of them
    (lines, n, height, width). All rows have n pictures of one size. Values run from 0 (paper) to 1
    (ink); values outside are clipped. Coloured pictures are of uint8, and have a last axis of 3;
    beside them, ink becomes grey, and smaller pictures become larger. ``columns`` gives each column
    a heading. Raises ``DataError`` where the rows differ in number or size.
    """
    mosaic = _Mosaic.of(rows)
    side = min(1.15, 11.5 / mosaic.n)  # inches of a picture
    margin = 0.3 + 0.11 * max(map(len, rows))  # inches for the longest label
    inches = side * mosaic.canvas.shape[0] / mosaic.height + 0.3
    words = 0.45 * bool(title) + 0.3 * bool(caption)

    figure = still_figure(side * mosaic.n + margin, inches + words, title, caption)
    axes = figure.subplots()
    axes.imshow(mosaic.canvas, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")

    labels = [plain_still(label) for label in rows]
    axes.set_yticks(mosaic.label_places, labels, fontsize=14)
    _write_headings(axes, mosaic, [""] * mosaic.n if columns is None else columns, side)
    bare_axes(axes)
    return figure


def _write_headings(
    axes: Axes,
    mosaic: _Mosaic,
    columns: Sequence[str],
    side: float,
) -> None:
    """Write a heading over each column of pictures that are ``side`` inches wide."""
    headings = [plain_still(heading) for heading in columns]
    longest = max(1, *map(len, headings))
    size = min(16, 100 * side / longest)  # in points: long names must not run into each other
    axes.set_xticks(mosaic.column_places, headings, fontsize=size)
    axes.xaxis.tick_top()


@dataclass(frozen=True, eq=False)
class _Mosaic:
    """All pictures on one canvas; the gaps are NaN, which is drawn as nothing."""

    canvas: Float[np.ndarray, "*shape"]
    label_places: list[float]  # the middle of the rows of each label, in pixels
    n: int  # pictures in a line
    height: int
    width: int

    @classmethod
    def of(cls, rows: Mapping[str, np.ndarray]) -> _Mosaic:
        blocks = _blocks(rows)
        n, height, width = blocks[0].shape[1:4]

        strips = []
        places = []
        top = 0
        for block in blocks:
            lines = _joined([_joined(list(line), axis=1) for line in block], axis=0)
            places.append(top + len(lines) / 2)
            top += len(lines) + 4 * PICTURE_GAP
            strips.append(lines)

        canvas = _joined(strips, axis=0, gap=4 * PICTURE_GAP)
        if canvas.ndim == 3:  # NaN has no colour
            canvas = np.nan_to_num(canvas, nan=1.0)
        return cls(canvas.clip(0, 1), places, n, height, width)

    @property
    def column_places(self) -> Float[np.ndarray, " n"]:
        """The middle of each column, in pixels."""
        return np.arange(self.n) * (self.width + PICTURE_GAP) + self.width / 2


def _blocks(rows: Mapping[str, np.ndarray]) -> list[Float[np.ndarray, "lines n height width ..."]]:
    """Check the rows of pictures. Raises ``DataError`` where they differ in number or size."""
    given = [np.asarray(pictures) for pictures in rows.values()]
    coloured = any(is_coloured(pictures) for pictures in given)
    if coloured and all(pictures.ndim >= 3 for pictures in given):
        # On the canvas light runs from 0 to 1.
        given = [pictures / np.float32(WHITE) for pictures in alike(given)]
    axes = 3 + coloured
    blocks = []
    for pictures in given:
        block = np.asarray(pictures, np.float32)
        blocks.append(block[None] if block.ndim == axes else block)

    same = len({block.shape[1:] for block in blocks}) == 1
    if not same or blocks[0].ndim != axes + 1:
        shapes = {label: np.shape(pictures) for label, pictures in rows.items()}
        raise DataError(
            "rows must hold as many pictures (n, height, width) each, of one size, "
            f"got shapes {shapes}"
        )
    return blocks


def _joined(
    parts: Sequence[np.ndarray],
    axis: int,
    gap: int = PICTURE_GAP,
) -> np.ndarray:
    """Put parts beside or beneath each other, with a gap of NaN between two of them."""
    shape = list(parts[0].shape)
    shape[axis] = gap
    blank = np.full(shape, np.nan, np.float32)

    pieces = [parts[0]]
    for part in parts[1:]:
        pieces += [blank, part]
    return np.concatenate(pieces, axis=axis)


# --- A training ----------------------------------------------------------------------------------


class EpochLike(Protocol):
    """What a loss curve needs to know of an epoch."""

    @property
    def epoch(self) -> int: ...
    @property
    def epochs(self) -> int: ...
    @property
    def likelihood(self) -> float: ...
    @property
    def score(self) -> float | None: ...


def loss_curve(
    history: Sequence[EpochLike],
    *,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw the negative log-likelihood by epoch, and beneath it the validation score, if any.

    A lower likelihood curve is better, and a higher score. The axis spans all epochs that were
    asked for from the beginning, so a curve that grows while training does not jump.
    """
    scores = {e.epoch: e.score for e in history if e.score is not None}
    losses = {e.epoch: e.likelihood for e in history}

    figure = still_figure(9, 6.5 if scores else 4.2, title, caption)
    panels = list(figure.subplots(2 if scores else 1, 1, sharex=True, squeeze=False)[:, 0])
    _curve(panels[0], losses, "negative log-likelihood\nper dimension (nats)")
    if scores:
        _curve(panels[1], scores, "validation score (%)")

    epochs = history[-1].epochs if history else 1
    panels[-1].set_xlabel("epoch", fontsize=14)
    panels[-1].set_xlim(0.5, epochs + 0.5)
    whole_ticks(panels[-1])
    return figure


def _curve(
    axes: Axes,
    values: Mapping[int, float],
    label: str,
) -> None:
    """Draw values by epoch, and write the last one."""
    epochs = list(values)
    heights = list(values.values())
    axes.plot(epochs, heights, marker="o", color=PALETTE[0], linewidth=2)
    axes.set_ylabel(label, fontsize=13)
    if heights:
        axes.annotate(
            f"{heights[-1]:.3g}",
            (epochs[-1], heights[-1]),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center",
            fontsize=12,
        )
    axes.margins(y=0.2)
    quiet_axes(axes)


# --- Scores --------------------------------------------------------------------------------------


class ScoresLike(Protocol):
    """What bars of scores need to know of a method, in per cent."""

    @property
    def seen(self) -> float: ...
    @property
    def unseen(self) -> float: ...
    @property
    def harmonic(self) -> float: ...
    @property
    def zsl(self) -> float: ...


def score_bars(
    scores: Mapping[str, ScoresLike],
    *,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw S, U, H and T1 of each method as bars with their numbers.

    ``scores`` maps the name of a method to its scores.
    """
    figure = still_figure(12, 5.2, title, caption)
    axes = figure.subplots()
    width = 0.84 / max(1, len(scores))
    colours = class_colours(range(len(scores)))

    for i, (method, values) in enumerate(scores.items()):
        offset = (i - (len(scores) - 1) / 2) * width
        bars = axes.bar(
            np.arange(len(SCORE_LABELS)) + offset,
            [getattr(values, name) for name in SCORE_LABELS],
            0.92 * width,
            color=colours[i],
            label=plain_still(method),
        )
        axes.bar_label(bars, fmt="%.0f", fontsize=12, padding=2)

    axes.set_xticks(range(len(SCORE_LABELS)), list(SCORE_LABELS.values()), fontsize=14)
    axes.set_ylabel("mean of per-class accuracies (%)", fontsize=13)
    axes.set_ylim(0, 100)
    axes.legend(
        frameon=False,
        fontsize=13,
        ncols=len(scores),
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),  # above the axes
    )
    quiet_axes(axes)
    return figure


# --- Attributes ----------------------------------------------------------------------------------


def telling_attributes(
    differences: Float[np.ndarray, "*shape"],
    readability: Float[np.ndarray, " A"],
    most: int = 25,
) -> Int[np.ndarray, " m"]:
    """Number the attributes that differ most, at most ``most`` of them, in ascending order.

    An attribute counts by the mean size of its ``differences`` times its ``readability``. An
    attribute whose product is 0 is left out.
    """
    weight = np.abs(differences).mean(0) * readability
    chosen = np.argsort(-weight, kind="stable")[:most]
    return np.sort(chosen[weight[chosen] > 0])


def attribute_heatmap(
    differences: pd.DataFrame,
    *,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw attributes (columns) of classes (rows), synthesized minus real, in colour.

    Orange is more than in reality, blue is less. The colours end at the 98th percentile of all
    sizes, so that one odd cell does not fade the others.
    """
    import seaborn as sns

    rows, columns = differences.shape
    width = max(6, 3 + 0.42 * columns)
    figure = still_figure(width, 2.4 + 0.34 * rows + 0.4 * bool(title), title, caption)
    axes = figure.subplots()

    values = differences.to_numpy()
    most = largest_size(values)
    sns.heatmap(
        values,
        ax=axes,
        cmap=diverging(),
        vmin=-most,
        vmax=most,
        linewidths=0.5,
        linecolor="white",
        xticklabels=[plain_still(name, 24) for name in legible(differences.columns, "column")],
        yticklabels=[plain_still(name, 24) for name in legible(differences.index, "row")],
        cbar_kws={"label": "synthesized minus real", "shrink": 0.8},
    )
    axes.tick_params(length=0, labelsize=12)
    axes.tick_params(axis="x", rotation=90)
    axes.tick_params(axis="y", rotation=0)
    return figure


def largest_size(values: Float[np.ndarray, " ..."]) -> float:
    """Where the colours of a heat map end: the 98th percentile of all sizes, or 1 if that is 0."""
    return float(np.nanpercentile(np.abs(values), 98)) or 1.0
