"""Figures of the lessons on semantic inconsistency and variance collapse: tables side by side, and views against the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .errors import DataError
from .figures import INK, PALETTE, QUIET, _diverging, plain_still, still_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MARKS = "oDsXP"
TICKS = (0.1, 0.2, 0.4, 0.7, 1, 2, 5)


def heat_row(tables: Mapping[str, pd.DataFrame], *, label: str = "", title: str = "", caption: str = "") -> Figure:
    """Tables with the same rows and columns as heat maps side by side, on one scale: orange above 0, blue below.

    Colours end at the 98th percentile of all sizes. ``label`` says what the numbers are. Raises ``DataError`` for tables that
    are not alike.
    """
    first = next(iter(tables.values()))
    if any(not (t.index.equals(first.index) and t.columns.equals(first.columns)) for t in tables.values()):
        raise DataError("tables to compare must have the same rows and columns, in the same order")
    rows, columns = first.shape
    most = float(np.nanpercentile(np.abs(np.stack([t.to_numpy() for t in tables.values()])), 98)) or 1.0
    figure = still_figure(1.8 + len(tables) * (0.6 + 0.24 * columns), 3.1 + 0.3 * rows, title, caption)
    grid = np.ravel(figure.subplots(1, len(tables), sharey=True))
    for axes, (name, table) in zip(grid, tables.items(), strict=True):
        image = axes.imshow(table.to_numpy(), cmap=_diverging(), vmin=-most, vmax=most, aspect="auto")
        axes.set_title(plain_still(name), fontsize=14, loc="left")
        axes.set_xticks(range(columns), [plain_still(c, 24) for c in table.columns], rotation=90, fontsize=11)
        axes.set_yticks(range(rows), [plain_still(r, 24) for r in table.index], fontsize=13)
        axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="white", linewidth=0.8)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=grid, shrink=0.8, pad=0.01).set_label(plain_still(label, most=None), fontsize=12)
    return figure


def views_against_truth(panels: Mapping[str, pd.DataFrame], *, title: str = "", caption: str = "") -> Figure:
    """What each view displays of a quantity, against its true value; on the grey diagonal a view tells the truth.

    ``panels`` maps a name to a table with columns ``true``, ``view``, ``value`` and one row for each class: the line is the
    median over classes, the band runs from the lowest to the highest class. Both axes are logarithmic: twice is as far as half.
    """
    figure = still_figure(6.2 * len(panels), 5.4, title, caption)
    for axes, (name, table) in zip(np.ravel(figure.subplots(1, len(panels), sharey=True)), panels.items(), strict=True):
        ends = np.array([table["true"].min() / 1.15, table["true"].max() * 1.15])
        axes.plot(ends, ends, color="#C8C8C8", linewidth=7, zorder=0, solid_capstyle="round")
        axes.axhline(1, color=QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        for i, (view, own) in enumerate(table.groupby("view", sort=False)):
            by_truth = own.groupby("true")["value"]
            middle, low, high = by_truth.median(), by_truth.min(), by_truth.max()
            colour = PALETTE[i % len(PALETTE)]
            axes.fill_between(middle.index, low, high, color=colour, alpha=0.1, linewidth=0)
            style = {"marker": MARKS[i % len(MARKS)], "markersize": 8, "linewidth": 2, "label": plain_still(view)}
            axes.plot(middle.index, middle, color=colour, **style)
        axes.set(xscale="log", yscale="log", xlim=ends)
        ticks = sorted({round(float(t), 2) for t in table["true"]})
        axes.set_xticks(ticks, [f"{t:g}" for t in ticks], fontsize=12)
        axes.set_yticks(TICKS, [f"{t:g}" for t in TICKS], fontsize=12)
        axes.minorticks_off()
        axes.set_title(plain_still(name, most=None), fontsize=14, loc="left")
        axes.set_xlabel("true width, imagined over real", fontsize=13)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=12, loc="lower right")
    figure.axes[0].set_ylabel("width that the view displays", fontsize=13, color=INK)
    return figure
