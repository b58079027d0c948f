"""The coverage of a density: what its regions hold of real rows, against what they should."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from jaxtyping import Float

from .style import INK, PALETTE, QUIET, open_axes, plain_still, still_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS = {"seen": (PALETTE[0], "solid"), "unseen": (PALETTE[1], (0, (5, 2)))}


class HeldLike(Protocol):
    """What a curve needs to know of the regions of one kind of classes."""

    @property
    def kind(self) -> str: ...
    @property
    def shares(self) -> Float[np.ndarray, " Q"]: ...
    @property
    def held(self) -> Float[np.ndarray, " Q"]: ...
    @property
    def low(self) -> Float[np.ndarray, " Q"]: ...
    @property
    def high(self) -> Float[np.ndarray, " Q"]: ...
    @property
    def gap(self) -> float: ...


class CoverageLike(Protocol):
    """What the figure needs to know of a coverage."""

    @property
    def curves(self) -> Sequence[HeldLike]: ...


def coverage_curves(
    coverages: Mapping[str, CoverageLike],
    *,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw what the regions of each generator hold of real rows, seen and unseen classes apart.

    ``coverages`` maps the name of a generator to its
    :class:`gsmflow_lite.shifts.coverage.Coverage`. Bands are 95 % intervals. A curve above the
    diagonal is of regions that are too wide.
    """
    words = 0.45 * bool(title) + 0.5 * bool(caption)
    figure = still_figure(max(5.2 * len(coverages), 7), 6.1 + words, title, caption)
    panels = figure.subplots(1, len(coverages), sharey=True, squeeze=False)[0]
    for axes, (name, coverage) in zip(panels, coverages.items(), strict=True):
        _draw_diagonal(axes)
        for curve in coverage.curves:
            _draw_curve(axes, curve)
        axes.legend(fontsize=11, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14))
        axes.set_title(plain_still(name), fontsize=13, loc="left")
        axes.set_xlabel("share of what it synthesizes in the region", fontsize=12)
    panels[0].set_ylabel("share of the real rows in it", fontsize=12)
    return figure


def _draw_diagonal(axes: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.set(xlim=(0, 1), ylim=(0, 1), box_aspect=1)
    open_axes(axes)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, zorder=1)
    axes.text(0.03, 0.94, "too wide", fontsize=11, color=QUIET)
    axes.text(0.97, 0.03, "too narrow, or elsewhere", fontsize=11, color=QUIET, ha="right")


def _draw_curve(axes: Axes, curve: HeldLike) -> None:
    colour, style = LOOKS[curve.kind]
    axes.fill_between(curve.shares, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(
        curve.shares,
        curve.held,
        color=colour,
        linestyle=style,
        linewidth=2.2,
        label=f"{curve.kind} classes: gap {curve.gap:.2f}",
    )
