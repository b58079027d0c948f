"""Figures of the walk to the class boundary, and of what a classifier trades between seen and unseen classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import DataError
from .figures import CONTEXT, INK, PALETTE, QUIET, class_colours, plain_still, still_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .evaluation import GZSLScores, TestLogits

ISO_HARMONIC = (20, 40, 60, 80)  # per cent; the grey curves of equal harmonic mean
SYMBOLS = "oD*s^"  # of the marks on trade-off curves, in the order of their words


# --- The walk --------------------------------------------------------------------------------------------------------


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
    for axes, (quantity, lines) in zip(np.ravel(figure.subplots(1, len(panels))), panels.items(), strict=True):
        for name, values in lines.items():
            _median(axes, np.asarray(values), colours[name], plain_still(name))
        for name, level in (goals or {}).get(quantity, {}).items():
            axes.axhline(level, color=colours.get(name, INK), linewidth=1.6, linestyle=(0, (1, 2)), zorder=1)
            if name not in colours:
                axes.annotate(
                    plain_still(name), (0.99, level), xycoords=axes.get_yaxis_transform(), xytext=(0, 3), fontsize=11,
                    textcoords="offset points", ha="right", color=QUIET,
                )  # fmt: skip
        axes.set_title(plain_still(quantity, most=None), fontsize=13, loc="left")
        axes.set_xlabel("steps", fontsize=13)
        axes.set_ylim((limits or {}).get(quantity))
        axes.xaxis.get_major_locator().set_params(integer=True)
        _quiet(axes)
    handles, texts = axes.get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside right upper", frameon=False, fontsize=13)
    return figure


def _median(axes: Axes, values: np.ndarray, colour: str, label: str) -> None:
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=1)
    steps = np.arange(len(values))
    axes.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(steps, middle, color=colour, linewidth=2.2, label=label)


# --- Seen against unseen ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class TradeOff:
    """Accuracies at every calibration: ``calibration``, ``seen`` and ``unseen``, (m,) each, the latter two in per cent.

    Calibration rises, and with it the unseen accuracy, while the seen one falls; the first point answers with seen classes
    only, the last with unseen ones only. ``area`` under the curve, 0 to 1: a score without any choice of calibration.
    Reference: Chao et al. (2016), sec. 4.
    """

    calibration: np.ndarray
    seen: np.ndarray
    unseen: np.ndarray

    @property
    def area(self) -> float:
        """Under the curve of seen over unseen accuracy, 0 to 1."""
        return float((np.diff(self.unseen) * (self.seen[1:] + self.seen[:-1])).sum() / 2e4)  # NumPy 1 has no trapezoid


def trade_off(logits: TestLogits, most: int = 200) -> TradeOff:
    """Scores of a classifier at ``most`` calibrations, spread over the leads of its best seen over its best unseen class."""
    d = logits.dataset
    both = np.concatenate([logits.joint_seen, logits.joint_unseen])
    leads = both[:, d.seen_classes].max(1) - both[:, d.unseen_classes].max(1)
    inner = np.quantile(leads, np.linspace(0, 1, most))
    calibration = np.concatenate([[inner[0] - 1], inner, [inner[-1] + 1]])
    scores = [logits.scores(c) for c in calibration]
    return TradeOff(calibration, np.array([s.seen for s in scores]), np.array([s.unseen for s in scores]))


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
        axes.plot(curve.unseen, curve.seen, color=colour, linewidth=2.4, label=f"{plain_still(name)}, area {curve.area:.2f}")
        for word, scores in (marks or {}).get(name, {}).items():
            axes.plot(
                [scores.unseen], [scores.seen], SYMBOLS[words.index(word)], color=colour, markersize=11,
                markeredgecolor="white", zorder=4, clip_on=False,
            )  # fmt: skip
    for symbol, word in zip(SYMBOLS, words, strict=False):
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


def _quiet(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#E6E6E6")
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=12)
