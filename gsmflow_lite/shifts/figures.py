"""Figures of what the meters say: dose by dose, and which metric sees which shift.

Seaborn draws them; they are still pictures, to keep.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from ..figures.style import CONTEXT, INK, PALETTE, QUIET, still_figure
from .dose_response import PURE
from .meters import HEADLINES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def dose_grid(frame: pd.DataFrame, *, title: str = "", caption: str = "") -> Figure:
    """Draw the three meters (rows) against the doses of the three pure shifts (columns).

    ``frame`` comes from :func:`.dose_response`. There is a line for each seed; the band is the
    interval at dose 0. Where a meter meets its own shift the line is in colour.
    """
    figure = still_figure(11, 8, title, caption)
    grid = figure.subplots(len(PURE), len(PURE), sharex="col", sharey="row")

    for row, meter in zip(grid, PURE, strict=True):
        for axes, shift in zip(row, PURE, strict=True):
            chosen = (frame["shift"] == shift) & (frame["metric"] == HEADLINES[meter])
            _draw_responses(axes, frame[chosen], PALETTE[0] if meter == shift else QUIET)
        row[0].set_ylabel(f"{meter}\n{HEADLINES[meter]}", fontsize=13)

    for axes, shift in zip(grid[0], PURE, strict=True):
        axes.set_title(f"inject a {shift} shift", fontsize=13)
    for axes in grid[-1]:
        axes.set_xlabel("dose", fontsize=12)
    return figure


def _draw_responses(axes: Axes, responses: pd.DataFrame, colour: str) -> None:
    import seaborn as sns

    for _, ladder in responses.groupby("seed"):
        start = ladder[ladder["dose"] == 0].iloc[0]
        axes.axhspan(start["low"], start["high"], color=CONTEXT, alpha=0.5, linewidth=0)

    sns.lineplot(
        responses,
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
    """Draw the dose from which on each metric (row) sees each shift (column).

    ``table`` comes from :func:`.first_seen`. Dark: the metric sees the shift at its smallest dose;
    light: late; blank: it is blind. Orange and *better*: it takes the shift for an improvement.
    """
    meters = table.drop_duplicates("metric").set_index("metric")["meter"]
    shifts = list(dict.fromkeys(table["shift"]))
    doses = table.pivot(index="metric", columns="shift", values="dose").loc[meters.index, shifts]
    worse = table.pivot(index="metric", columns="shift", values="worse").loc[meters.index, shifts]

    figure = still_figure(9.5, 0.42 * len(meters) + 2.2, title, caption)
    axes = figure.subplots()
    _draw_cells(axes, doses, worse, PALETTE[0])
    _draw_cells(axes, doses, ~worse, PALETTE[1])  # these mislead
    _draw_blanks(axes, doses.isna().to_numpy())
    _draw_borders(axes, list(meters))

    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0, labelsize=12)
    axes.xaxis.tick_top()
    return figure


def _draw_cells(axes: Axes, doses: pd.DataFrame, drawn: pd.DataFrame, colour: str) -> None:
    """Draw the cells in which ``drawn`` is true, darker the smaller the dose is in its column.

    Doses of different shifts cannot be compared.
    """
    import seaborn as sns

    words = "" if colour == PALETTE[0] else "\nbetter"
    sns.heatmap(
        1 - 0.8 * doses.div(doses.max()),
        annot=doses.map(lambda dose: f"{dose:g}{words}"),
        fmt="",
        mask=~drawn | doses.isna(),
        cmap=sns.light_palette(colour, as_cmap=True),
        vmin=0,
        vmax=1.4,
        cbar=False,
        linewidths=1,
        linecolor="white",
        ax=axes,
        annot_kws={"fontsize": 10},
    )


def _draw_blanks(axes: Axes, blind: Bool[np.ndarray, "metrics shifts"]) -> None:
    """Write into cells without a value, where seaborn writes nothing."""
    for row, column in np.argwhere(blind):
        text = axes.text(column + 0.5, row + 0.5, "blind", ha="center", va="center")
        text.set(fontsize=10, color=QUIET)


def _draw_borders(axes: Axes, meters: list[str]) -> None:
    """Draw a line where one meter ends and the next begins."""
    for row, (above, below) in enumerate(pairwise(meters), 1):
        if above != below:
            axes.axhline(row, color=INK, linewidth=1)
