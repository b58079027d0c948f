"""How much descriptions explain, as bars: which attributes carry it, and of which classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from .style import CONTEXT, INK, PALETTE, legible, open_axes, plain_still, still_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BARS = 12  # in a column
LOWEST = -1.0  # where the axis of classes ends: far below 0 all is as bad


class ExplainedLike(Protocol):
    """What the figure needs to know of an explained share."""

    @property
    def share(self) -> float: ...
    @property
    def classes(self) -> pd.DataFrame: ...
    @property
    def attributes(self) -> pd.DataFrame: ...


def explained_bars(found: ExplainedLike, *, title: str = "", caption: str = "") -> Figure:
    """Draw what the share falls without each attribute, and the share of each class.

    ``found`` is what :func:`gsmflow_lite.datasets.explained_share` gives. Of many attributes those
    that carry most are drawn, of many classes both ends. A class whose share is below -100 % has a
    bar that leaves the axes.
    """
    attributes = found.attributes.head(MOST_BARS)
    classes = _both_ends(found.classes)
    columns = 1 + bool(len(attributes))
    height = 1.3 + 0.3 * max(len(attributes), len(classes), 4)
    words = 0.45 * bool(title) + 0.5 * bool(caption)
    figure = still_figure(5.6 * columns, height + words, title, caption)
    panels = list(figure.subplots(1, columns, squeeze=False)[0])
    if len(attributes):
        _draw_attributes(panels[0], attributes)
    _draw_classes(panels[-1], classes, found.share)
    return figure


def _both_ends(classes: pd.DataFrame) -> pd.DataFrame:
    if len(classes) <= MOST_BARS:
        return classes
    half = MOST_BARS // 2
    return classes.iloc[np.r_[:half, len(classes) - half : len(classes)]]


def _draw_attributes(axes: Axes, table: pd.DataFrame) -> None:
    lost = 100 * table["lost"].to_numpy()
    low = lost - 100 * table["low"].to_numpy()
    high = 100 * table["high"].to_numpy() - lost
    axes.barh(
        range(len(lost)), lost, color=PALETTE[0], xerr=[low, high], ecolor=INK, error_kw={"lw": 1}
    )
    _label(axes, legible(table.index, "attribute"))
    axes.set_xlabel("points of the share that are lost without it", fontsize=12)
    axes.set_title("What carries it", fontsize=13, loc="left")


def _draw_classes(axes: Axes, table: pd.DataFrame, share: float) -> None:
    values = np.nan_to_num(table["share"].to_numpy(), nan=LOWEST, neginf=LOWEST)
    colours = [PALETTE[0] if value >= 0 else PALETTE[1] for value in values]
    axes.barh(range(len(values)), 100 * values, color=colours)
    axes.axvline(100 * share, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    axes.axvline(0, color=CONTEXT, linewidth=1)
    axes.set_xlim(100 * max(min(values.min(), 0), LOWEST), 100)
    _label(axes, legible(table.index, "class"))
    axes.set_xlabel("explained share of the class, left out (%)", fontsize=12)
    axes.set_title("Best and worst described", fontsize=13, loc="left")


def _label(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), [plain_still(name, 24) for name in names], fontsize=11)
    axes.invert_yaxis()
    open_axes(axes)
