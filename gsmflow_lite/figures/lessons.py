"""Figures of the lessons on semantic inconsistency and variance collapse: tables side by side, and views against the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from ..scores.evaluation import GZSLScores
from ..scores.trade_off import TradeOff
from .style import (
    CONTEXT,
    INK,
    PALETTE,
    QUIET,
    class_colours,
    diverging,
    plain_still,
    quiet_axes,
    still_figure,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKS = "oDsXP"
TICKS = (0.1, 0.2, 0.4, 0.7, 1, 2, 5)


def heat_row(
    tables: Mapping[str, pd.DataFrame], *, label: str = "", title: str = "", caption: str = ""
) -> Figure:
    """Tables with the same rows and columns as heat maps side by side, on one scale: orange above 0, blue below.

    Colours end at the 98th percentile of all sizes. ``label`` says what the numbers are. Raises ``DataError`` for tables that
    are not alike.
    """
    first = next(iter(tables.values()))
    if any(
        not (t.index.equals(first.index) and t.columns.equals(first.columns))
        for t in tables.values()
    ):
        raise DataError("tables to compare must have the same rows and columns, in the same order")
    rows, columns = first.shape
    most = (
        float(np.nanpercentile(np.abs(np.stack([t.to_numpy() for t in tables.values()])), 98))
        or 1.0
    )
    figure = still_figure(
        1.8 + len(tables) * (0.6 + 0.24 * columns), 3.1 + 0.3 * rows, title, caption
    )
    grid = np.ravel(figure.subplots(1, len(tables), sharey=True))
    for axes, (name, table) in zip(grid, tables.items(), strict=True):
        image = axes.imshow(
            table.to_numpy(), cmap=diverging(), vmin=-most, vmax=most, aspect="auto"
        )
        axes.set_title(plain_still(name), fontsize=14, loc="left")
        axes.set_xticks(
            range(columns), [plain_still(c, 24) for c in table.columns], rotation=90, fontsize=11
        )
        axes.set_yticks(range(rows), [plain_still(r, 24) for r in table.index], fontsize=13)
        axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="white", linewidth=0.8)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=grid, shrink=0.8, pad=0.01).set_label(
        plain_still(label, most=None), fontsize=12
    )
    return figure


def views_against_truth(
    panels: Mapping[str, pd.DataFrame], *, title: str = "", caption: str = ""
) -> Figure:
    """What each view displays of a quantity, against its true value; on the grey diagonal a view tells the truth.

    ``panels`` maps a name to a table with columns ``true``, ``view``, ``value`` and one row for each class: the line is the
    median over classes, the band runs from the lowest to the highest class. Both axes are logarithmic: twice is as far as half.
    """
    figure = still_figure(6.2 * len(panels), 5.4, title, caption)
    for axes, (name, table) in zip(
        np.ravel(figure.subplots(1, len(panels), sharey=True)), panels.items(), strict=True
    ):
        ends = np.array([table["true"].min() / 1.15, table["true"].max() * 1.15])
        axes.plot(ends, ends, color="#C8C8C8", linewidth=7, zorder=0, solid_capstyle="round")
        axes.axhline(1, color=QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        for i, (view, own) in enumerate(table.groupby("view", sort=False)):
            by_truth = own.groupby("true")["value"]
            middle, low, high = by_truth.median(), by_truth.min(), by_truth.max()
            colour = PALETTE[i % len(PALETTE)]
            axes.fill_between(middle.index, low, high, color=colour, alpha=0.1, linewidth=0)
            style = {
                "marker": MARKS[i % len(MARKS)],
                "markersize": 8,
                "linewidth": 2,
                "label": plain_still(view),
            }
            axes.plot(middle.index, middle, color=colour, **style)
        axes.set(xscale="log", yscale="log", xlim=ends)
        ticks = sorted({round(float(t), 2) for t in table["true"]})
        axes.set_xticks(ticks, [f"{t:g}" for t in ticks], fontsize=12)
        axes.set_yticks(TICKS, [f"{t:g}" for t in TICKS], fontsize=12)
        axes.minorticks_off()
        axes.set_title(plain_still(name, most=None), fontsize=14, loc="left")
        axes.set_xlabel("true width, synthesized over real", fontsize=13)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=12, loc="lower right")
    figure.axes[0].set_ylabel("width that the view displays", fontsize=13, color=INK)
    return figure


ISO_HARMONIC = (20, 40, 60, 80)  # per cent; the grey curves of equal harmonic mean


TRADE_OFF_MARKS = "oD*s^"  # of the marks on trade-off curves, in the order of their words


def walk_curves(
    panels: Mapping[str, Mapping[str, np.ndarray]],
    *,
    goals: Mapping[str, Mapping[str, float]] | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    title: str = "",
    caption: str = "",
) -> Figure:
    """What happens to samples step by step: a panel for each quantity, in it a line for each setting.

    ``panels`` maps a quantity to values (steps + 1, N) by the name of the setting: the line is the median of the N samples,
    the band the middle half of them. ``goals``: levels of a quantity, drawn dotted, in the colour of a setting if its name is
    one. ``limits``: the range of a quantity's axis. Every panel must have the same settings. Raises ``DataError``.
    """
    settings = list(next(iter(panels.values()), {}))
    if not settings or any(list(lines) != settings for lines in panels.values()):
        raise DataError(
            f"every panel must have the same settings, at least one, got {[list(lines) for lines in panels.values()]}"
        )
    colours = dict(zip(settings, class_colours(range(len(settings))).values(), strict=True))
    figure = still_figure(5.6 * len(panels) + 0.6, 4.8, title, caption)
    for axes, (quantity, lines) in zip(
        np.ravel(figure.subplots(1, len(panels))), panels.items(), strict=True
    ):
        for name, values in lines.items():
            _median(axes, np.asarray(values), colours[name], plain_still(name))
        for name, level in (goals or {}).get(quantity, {}).items():
            axes.axhline(
                level, color=colours.get(name, INK), linewidth=1.6, linestyle=(0, (1, 2)), zorder=1
            )
            if name not in colours:
                axes.annotate(
                    plain_still(name), (0.99, level), xycoords=axes.get_yaxis_transform(), xytext=(0, 3), fontsize=11,
                    textcoords="offset points", ha="right", color=QUIET,
                )  # fmt: skip
        axes.set_title(plain_still(quantity, most=None), fontsize=13, loc="left")
        axes.set_xlabel("steps", fontsize=13)
        axes.set_ylim((limits or {}).get(quantity))
        axes.xaxis.get_major_locator().set_params(integer=True)
        quiet_axes(axes)
    handles, texts = axes.get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside right upper", frameon=False, fontsize=13)
    return figure


def _median(axes: Axes, values: np.ndarray, colour: str, label: str) -> None:
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=1)
    steps = np.arange(len(values))
    axes.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(steps, middle, color=colour, linewidth=2.2, label=label)


def trade_off_curves(
    curves: Mapping[str, TradeOff],
    marks: Mapping[str, Mapping[str, GZSLScores]] | None = None,
    *,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Seen against unseen accuracy, a curve for each classifier with its area; grey curves have the same harmonic mean.

    ``marks`` puts symbols on the curve of a classifier: a word, such as *not calibrated*, and the scores there.
    """
    figure = still_figure(9.6, 6.4, title, caption)
    axes = figure.subplots()
    _iso_harmonic(axes)
    words = list(dict.fromkeys(word for own in (marks or {}).values() for word in own))
    for (name, curve), colour in zip(curves.items(), PALETTE, strict=False):
        axes.plot(
            curve.unseen,
            curve.seen,
            color=colour,
            linewidth=2.4,
            label=f"{plain_still(name)}, area {curve.area:.2f}",
        )
        for word, scores in (marks or {}).get(name, {}).items():
            axes.plot(
                [scores.unseen], [scores.seen], TRADE_OFF_MARKS[words.index(word)], color=colour, markersize=11,
                markeredgecolor="white", zorder=4, clip_on=False,
            )  # fmt: skip
    for symbol, word in zip(TRADE_OFF_MARKS, words, strict=False):
        axes.plot([], [], symbol, color=INK, markersize=10, linestyle="", label=plain_still(word))
    axes.set(xlim=(0, 100), ylim=(0, 100))
    axes.set_aspect("equal")
    axes.set_xlabel("U: unseen classes right (%)", fontsize=13)
    axes.set_ylabel("S: seen classes right (%)", fontsize=13)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=12)
    figure.legend(loc="outside right upper", frameon=False, fontsize=13)
    return figure


def _iso_harmonic(axes: Axes) -> None:
    """Where 2SU / (S + U) is the same: S = HU / (2U - H)."""
    for h in ISO_HARMONIC:
        unseen = np.linspace(h / 2 + 1e-6, 100, 400)
        seen = h * unseen / (2 * unseen - h)
        inside = seen <= 100
        axes.plot(unseen[inside], seen[inside], color=CONTEXT, linewidth=1, zorder=0)
        axes.annotate(
            f"H {h}", (h, h), fontsize=11, color=QUIET, ha="center", va="center", rotation=-45,
            bbox={"fc": "white", "ec": "none", "pad": 1}, zorder=0.5,
        )  # fmt: skip
