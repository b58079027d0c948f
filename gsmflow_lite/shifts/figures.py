"""Figures of what the meters say: dose by dose, and which metric sees which shift. Drawn with seaborn, to keep."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..figures.style import CONTEXT, INK, PALETTE, QUIET, still_figure
from .dose_response import PURE
from .report import HEADLINES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "semantic": "semantic shift",
    "variance": "variance shift",
    "structure": "structure shift",
}


def dose_grid(frame: pd.DataFrame, *, title: str = "", caption: str = "") -> Figure:
    """Three meters (rows) against the dose of three pure shifts (columns), from :func:`.dose_response`.

    A line for each seed; the band is the interval at dose 0. A meter's own shift is in colour.
    """
    figure = still_figure(11, 8, title, caption)
    grid = figure.subplots(len(PURE), len(PURE), sharex="col", sharey="row")
    for row, meter in zip(grid, PURE, strict=True):
        for axes, shift in zip(row, PURE, strict=True):
            own = frame[(frame["shift"] == shift) & (frame["metric"] == HEADLINES[meter])]
            _responses(axes, own, PALETTE[0] if meter == shift else QUIET)
        row[0].set_ylabel(f"{meter}\n{HEADLINES[meter]}", fontsize=13)
    for axes, shift in zip(grid[0], PURE, strict=True):
        axes.set_title(f"inject a {TITLES[shift]}", fontsize=13)
    for axes in grid[-1]:
        axes.set_xlabel("dose", fontsize=12)
    return figure


def _responses(axes: Axes, own: pd.DataFrame, colour: str) -> None:
    import seaborn as sns

    for _, ladder in own.groupby("seed"):
        start = ladder[ladder["dose"] == 0].iloc[0]
        axes.axhspan(start["low"], start["high"], color=CONTEXT, alpha=0.5, linewidth=0)
    sns.lineplot(
        own,
        x="dose",
        y="value",
        units="seed",
        estimator=None,
        marker="o",
        color=colour,
        ax=axes,
        legend=False,
    )
    axes.set(xlabel="", ylabel="")
    axes.spines[["top", "right"]].set_visible(False)


def sight_map(table: pd.DataFrame, *, title: str = "", caption: str = "") -> Figure:
    """Metrics (rows) by shifts (columns): the dose from which on the metric sees it, from :func:`first_seen`.

    Dark: at the smallest dose; light: late; blank: blind. Orange, *better*: the metric takes the shift for an improvement.
    """
    import seaborn as sns

    order = list(dict.fromkeys(zip(table["meter"], table["metric"], strict=True)))
    shifts = list(dict.fromkeys(table["shift"]))
    dose = table.pivot(index="metric", columns="shift", values="dose").loc[
        [m for _, m in order], shifts
    ]
    worse = table.pivot(index="metric", columns="shift", values="worse").loc[dose.index, shifts]
    shade = 1 - 0.8 * dose.div(
        dose.max()
    )  # by column: doses of different shifts cannot be compared
    text = dose.map(lambda x: f"{x:g}") + np.where(worse, "", "\nbetter")
    figure = still_figure(9.5, 0.42 * len(order) + 2.2, title, caption)
    axes = figure.subplots()
    for colour, shown in ((PALETTE[0], worse), (PALETTE[1], ~worse)):  # orange misleads
        sns.heatmap(
            shade, annot=text, fmt="", mask=~shown | dose.isna(), cmap=sns.light_palette(colour, as_cmap=True), vmin=0,
            vmax=1.4, cbar=False, linewidths=1, linecolor="white", ax=axes, annot_kws={"fontsize": 10},
        )  # fmt: skip
    _blanks(axes, dose.isna().to_numpy())
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0, labelsize=12)
    axes.xaxis.tick_top()
    for place in np.flatnonzero([a[0] != b[0] for a, b in pairwise(order)]) + 1:
        axes.axhline(place, color=INK, linewidth=1)
    return figure


def _blanks(axes: Axes, blind: np.ndarray) -> None:
    """Seaborn writes nothing into cells without a value."""
    for row, column in np.argwhere(blind):
        axes.text(
            column + 0.5, row + 0.5, "blind", ha="center", va="center", fontsize=10, color=QUIET
        )
