"""Figures of the lessons: tables side by side, views against the truth, walks and trade-offs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from .charts import largest_size
from .style import (
    CONTEXT,
    INK,
    PALETTE,
    QUIET,
    bare_axes,
    class_colours,
    diverging,
    open_axes,
    plain_still,
    quiet_axes,
    still_figure,
    whole_ticks,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..scores.evaluation import GZSLScores
    from ..scores.trade_off import TradeOff

VIEW_MARKS = "oDsXP"  # of the views, in their order
TRUTH_TICKS = (0.1, 0.2, 0.4, 0.7, 1, 2, 5)
TRADE_OFF_MARKS = "oD*s^"  # of the words on trade-off curves, in their order
ISO_HARMONIC = (20, 40, 60, 80)  # per cent; the grey curves of equal harmonic mean


# --- Tables side by side -------------------------------------------------------------------------


def heat_row(
    tables: Mapping[str, pd.DataFrame],
    *,
    label: str = "",
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw tables with the same rows and columns as heat maps side by side, on one scale.

    Orange is above 0, blue is below. The colours end at the 98th percentile of all sizes. ``label``
    says what the numbers are. Raises ``DataError`` for tables that are not alike.
    """
    first = next(iter(tables.values()))
    _check_alike(first, tables.values())
    rows, columns = first.shape
    most = largest_size(np.stack([table.to_numpy() for table in tables.values()]))

    width = 1.8 + len(tables) * (0.6 + 0.24 * columns)
    figure = still_figure(width, 3.1 + 0.3 * rows, title, caption)
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for axes, (name, table) in zip(panels, tables.items(), strict=True):
        image = axes.imshow(
            table.to_numpy(),
            cmap=diverging(),
            vmin=-most,
            vmax=most,
            aspect="auto",
        )
        axes.set_title(plain_still(name), fontsize=14, loc="left")
        _label_cells(axes, table)

    bar = figure.colorbar(image, ax=panels, shrink=0.8, pad=0.01)
    bar.set_label(plain_still(label, most=None), fontsize=12)
    return figure


def _check_alike(
    first: pd.DataFrame,
    tables: Iterable[pd.DataFrame],
) -> None:
    for table in tables:
        if not (table.index.equals(first.index) and table.columns.equals(first.columns)):
            raise DataError(
                "tables to compare must have the same rows and columns, in the same order"
            )


def _label_cells(axes: Axes, table: pd.DataFrame) -> None:
    """Write the names of rows and columns, and draw white lines between the cells."""
    rows, columns = table.shape
    column_names = [plain_still(name, 24) for name in table.columns]
    row_names = [plain_still(name, 24) for name in table.index]
    axes.set_xticks(range(columns), column_names, rotation=90, fontsize=11)
    axes.set_yticks(range(rows), row_names, fontsize=13)

    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=0.8)
    bare_axes(axes)


# --- Views against the truth ---------------------------------------------------------------------


def views_against_truth(
    panels: Mapping[str, pd.DataFrame],
    *,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw the width that each view displays against the true width.

    On the grey diagonal a view tells the truth. ``panels`` maps a name to a table with the columns
    ``true``, ``view`` and ``value``, and one row for each class. The line is the median over the
    classes, the band runs from the lowest to the highest class. Both axes are logarithmic, so twice
    is as far from 1 as half.
    """
    figure = still_figure(6.2 * len(panels), 5.4, title, caption)
    all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (name, table) in zip(all_axes, panels.items(), strict=True):
        ends = (table["true"].min() / 1.15, table["true"].max() * 1.15)
        _draw_truth(axes, ends)
        for i, (view, rows) in enumerate(table.groupby("view", sort=False)):
            _draw_view(axes, i, str(view), rows)
        axes.set(xscale="log", yscale="log", xlim=ends)
        _set_width_ticks(axes, table)
        axes.set_title(plain_still(name, most=None), fontsize=14, loc="left")
        axes.set_xlabel("true width, synthesized over real", fontsize=13)
        axes.legend(frameon=False, fontsize=12, loc="lower right")
        open_axes(axes)
    all_axes[0].set_ylabel("width that the view displays", fontsize=13, color=INK)
    return figure


def _draw_truth(axes: Axes, ends: tuple[float, float]) -> None:
    """Draw the diagonal between two true widths, and the level of 1."""
    axes.plot(
        ends,
        ends,
        color=CONTEXT,
        linewidth=7,
        zorder=0,
        solid_capstyle="round",
    )
    axes.axhline(
        1,
        color=QUIET,
        linewidth=1,
        linestyle=(0, (4, 3)),
        zorder=0,
    )


def _set_width_ticks(axes: Axes, table: pd.DataFrame) -> None:
    """Put ticks at the true widths, and at round widths that a view may display."""
    true = sorted({round(float(value), 2) for value in table["true"]})
    axes.set_xticks(true, [f"{value:g}" for value in true], fontsize=12)
    axes.set_yticks(TRUTH_TICKS, [f"{value:g}" for value in TRUTH_TICKS], fontsize=12)
    axes.minorticks_off()


def _draw_view(
    axes: Axes,
    place: int,
    view: str,
    rows: pd.DataFrame,
) -> None:
    by_truth = rows.groupby("true")["value"]
    middle = by_truth.median()
    true = middle.index.to_numpy()
    colour = PALETTE[place % len(PALETTE)]

    axes.fill_between(true, by_truth.min(), by_truth.max(), color=colour, alpha=0.1, linewidth=0)
    axes.plot(
        true,
        middle,
        color=colour,
        marker=VIEW_MARKS[place % len(VIEW_MARKS)],
        markersize=8,
        linewidth=2,
        label=plain_still(view),
    )


# --- Walks ---------------------------------------------------------------------------------------


def walk_curves(
    panels: Mapping[str, Mapping[str, Float[np.ndarray, "steps N"]]],
    *,
    goals: Mapping[str, Mapping[str, float]] | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw what happens to samples step by step: a panel for each quantity, in it a line a setting.

    ``panels`` maps a quantity to the values of N samples at every step, by the name of the setting.
    The line is the median of the samples, the band their middle half. ``goals`` are levels of a
    quantity, drawn as dotted lines; a goal with the name of a setting has its colour. ``limits``
    gives the range of a quantity's axis. Raises ``DataError`` unless every panel has the same
    settings.
    """
    settings = _common_settings(panels)
    colours = dict(zip(settings, class_colours(range(len(settings))).values(), strict=True))

    figure = still_figure(5.6 * len(panels) + 0.6, 4.8, title, caption)
    all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (quantity, lines) in zip(all_axes, panels.items(), strict=True):
        for name, values in lines.items():
            _draw_median(axes, np.asarray(values), colours[name], plain_still(name))
        for name, level in (goals or {}).get(quantity, {}).items():
            _draw_goal(axes, name, level, colours)
        axes.set_ylim((limits or {}).get(quantity))
        _label_steps(axes, quantity)

    handles, texts = all_axes[-1].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside right upper", frameon=False, fontsize=13)
    return figure


def _common_settings(panels: Mapping[str, Mapping[str, np.ndarray]]) -> list[str]:
    by_panel = [list(lines) for lines in panels.values()]
    settings = by_panel[0] if by_panel else []
    if not settings or any(other != settings for other in by_panel):
        raise DataError(f"every panel must have the same settings, at least one, got {by_panel}")
    return settings


def _label_steps(axes: Axes, quantity: str) -> None:
    axes.set_title(plain_still(quantity, most=None), fontsize=13, loc="left")
    axes.set_xlabel("steps", fontsize=13)
    whole_ticks(axes)
    quiet_axes(axes)


def _draw_median(
    axes: Axes,
    values: Float[np.ndarray, "steps N"],
    colour: str,
    label: str,
) -> None:
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=1)
    steps = np.arange(len(values))
    axes.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(steps, middle, color=colour, linewidth=2.2, label=label)


def _draw_goal(
    axes: Axes,
    name: str,
    level: float,
    colours: Mapping[str, str],
) -> None:
    """Draw the level of a goal, and write its name unless it is that of a setting."""
    colour = colours.get(name, INK)
    axes.axhline(
        level,
        color=colour,
        linewidth=1.6,
        linestyle=(0, (1, 2)),
        zorder=1,
    )
    if name in colours:
        return
    axes.annotate(
        plain_still(name),
        (0.99, level),
        xycoords=axes.get_yaxis_transform(),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        fontsize=11,
        color=QUIET,
    )


# --- Trade-offs ----------------------------------------------------------------------------------


def trade_off_curves(
    curves: Mapping[str, TradeOff],
    marks: Mapping[str, Mapping[str, GZSLScores]] | None = None,
    *,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw seen against unseen accuracy, a curve for each classifier with its area.

    On a grey curve the harmonic mean is the same everywhere. ``marks`` puts symbols on the curve of
    a classifier: a word, such as *not calibrated*, and the scores there.
    """
    figure = still_figure(9.6, 6.4, title, caption)
    axes = figure.subplots()
    _draw_iso_harmonic(axes)

    marked = marks or {}
    words = list(dict.fromkeys(word for scores in marked.values() for word in scores))
    symbols = dict(zip(words, TRADE_OFF_MARKS, strict=False))
    for (name, curve), colour in zip(curves.items(), PALETTE, strict=False):
        label = f"{plain_still(name)}, area {curve.area:.2f}"
        axes.plot(curve.unseen, curve.seen, color=colour, linewidth=2.4, label=label)
        for word, scores in marked.get(name, {}).items():
            _draw_mark(axes, scores, symbols[word], colour)

    _explain_marks(axes, symbols)
    _label_accuracies(axes)
    figure.legend(loc="outside right upper", frameon=False, fontsize=13)
    return figure


def _draw_mark(
    axes: Axes,
    scores: GZSLScores,
    symbol: str,
    colour: str,
) -> None:
    axes.plot(
        [scores.unseen],
        [scores.seen],
        symbol,
        color=colour,
        markersize=11,
        markeredgecolor="white",
        zorder=4,
        clip_on=False,
    )


def _explain_marks(axes: Axes, symbols: Mapping[str, str]) -> None:
    """Add each symbol and its word to the legend."""
    for word, symbol in symbols.items():
        axes.plot(
            [],
            [],
            symbol,
            color=INK,
            markersize=10,
            linestyle="",
            label=plain_still(word),
        )


def _draw_iso_harmonic(axes: Axes) -> None:
    """Draw the curves on which H = 2 S U / (S + U) is the same, that is S = H U / (2 U - H)."""
    for h in ISO_HARMONIC:
        unseen = np.linspace(h / 2 + 1e-6, 100, 400)
        seen = h * unseen / (2 * unseen - h)
        inside = seen <= 100
        axes.plot(unseen[inside], seen[inside], color=CONTEXT, linewidth=1, zorder=0)
        axes.annotate(
            f"H {h}",
            (h, h),
            fontsize=11,
            color=QUIET,
            ha="center",
            va="center",
            rotation=-45,
            bbox={"fc": "white", "ec": "none", "pad": 1},
            zorder=0.5,
        )


def _label_accuracies(axes: Axes) -> None:
    axes.set(xlim=(0, 100), ylim=(0, 100))
    axes.set_aspect("equal")
    axes.set_xlabel("U: unseen classes right (%)", fontsize=13)
    axes.set_ylabel("S: seen classes right (%)", fontsize=13)
    axes.tick_params(labelsize=12)
    open_axes(axes)
