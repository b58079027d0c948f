"""A still figure of an invented class: what is synthesized, the sweep, the nearest real classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Shaped

from ..figures.charts import PICTURE_GAP
from ..figures.ink import WHITE, as_light, height_and_width, paper
from ..figures.style import (
    CONTEXT,
    INK,
    PALETTE,
    QUIET,
    bare_axes,
    legible,
    open_axes,
    plain_still,
    still_figure,
)
from .invention import Invented, Sweep, bars, telling
from .row_pictures import has_pictures, imagined_pictures
from .scene import Scene

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LISTS = {"cosine": "nearest by description", "distance": "nearest by what is synthesized"}
LISTED = 3  # real classes in each list
COSINES_DRAWN = 8  # real classes that have a bar


def design_figure(
    scene: Scene,
    invented: Invented,
    swept: Sweep | None = None,
    *,
    changed: Sequence[int] = (),
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw what is synthesized, the sweep beneath it, and the nearest real classes.

    Where data have no pictures, bars of attributes take the place of pictures; the ``changed``
    attributes come first among them. Without a sweep, as for a sentence, there are neither bars of
    attributes nor a response: bars say how near the sentence is to the texts of the nearest
    classes.
    """
    strips = _strips(scene, invented, swept)
    lines = max(1, len(strips))
    height = 4.6 + (1.1 * len(strips) if strips else 0.9)
    heights = [1] * lines + [2.6 if strips else 1]
    if not strips and swept is None:  # nothing but a heading stands on top
        height = 4.2
        heights = [0.04, 1]

    figure = still_figure(12.5, height, title, caption)
    grid = figure.add_gridspec(lines + 1, 2, width_ratios=(2.6, 1), height_ratios=heights)
    tops = [figure.add_subplot(grid[i, :]) for i in range(lines)]
    heading = plain_still(invented.reach.sentence, most=None)
    tops[0].set_title(heading, fontsize=12, loc="left", pad=22 if strips else 8)

    for axes, strip in zip(tops, strips, strict=False):
        _draw_strip(axes, strip)
    if not strips and swept is not None:
        _draw_bars(tops[0], scene, invented, changed)
    elif not strips:
        tops[0].axis("off")
    below = figure.add_subplot(grid[-1, 0])
    if swept is None:
        _draw_cosines(below, invented)
    else:
        _draw_response(below, swept)
    _write_nearest(figure.add_subplot(grid[-1, 1]), invented)
    return figure


# --- Pictures ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Strip:
    """Pictures in a row, a word above each, and a label before them."""

    pictures: Shaped[np.ndarray, "n height width ..."]
    words: list[str]
    label: str


def _strips(
    scene: Scene,
    invented: Invented,
    swept: Sweep | None,
) -> list[_Strip]:
    """The rows of pictures; none where the data have no pictures."""
    if not has_pictures(scene.dataset):
        return []

    words = [""] * len(invented.shown)
    if invented.typical is not None:
        words[0] = "typical"
    strips = [_strip(scene, invented.shown, words, "synthesized")]
    if swept is None:
        return strips

    values = [f"{value:.3g}" for value in swept.values]
    name = plain_still(swept.name, 18)
    if swept.typical is not None:
        strips.append(_strip(scene, swept.typical, values, f"{name}\ntypical"))
    strips.append(_strip(scene, swept.features[:, 0], values, f"{name}\none sample"))
    return strips


def _strip(
    scene: Scene, features: Float[np.ndarray, "n D"], words: list[str], label: str
) -> _Strip:
    """Pictures of imagined features; nearest real images say so, and name their classes."""
    shown = imagined_pictures(scene, features)
    if shown.rows is None:
        return _Strip(shown.pixels, words, label)
    labels = legible(scene.dataset.class_names)
    names = [plain_still(labels[k], 9) for k in scene.dataset.labels[shown.rows]]
    under = [f"{word}\n{name}" for word, name in zip(words, names, strict=True)]
    return _Strip(shown.pixels, under, f"{label}:\nnearest real\nimages")


def _draw_strip(axes: Axes, strip: _Strip) -> None:
    n = len(strip.pictures)
    height, width = height_and_width(strip.pictures)
    pitch = width + PICTURE_GAP
    canvas = paper((height, n, pitch), strip.pictures)
    canvas[:, :, :width] = strip.pictures.swapaxes(0, 1)
    row = canvas.reshape(height, n * pitch, *canvas.shape[3:])[:, :-PICTURE_GAP]

    axes.imshow(as_light(row), cmap="gray", vmin=0, vmax=WHITE, interpolation="nearest")
    axes.set_xticks(np.arange(n) * pitch + width / 2, strip.words, fontsize=11)
    axes.set_yticks([height / 2], [strip.label], fontsize=12)
    axes.xaxis.tick_top()
    axes.set_anchor("W")
    bare_axes(axes)


# --- Attributes ----------------------------------------------------------------------------------


def _draw_bars(
    axes: Axes,
    scene: Scene,
    invented: Invented,
    changed: Sequence[int],
) -> None:
    """Draw attributes as asked for beside attributes as read off."""
    chosen = telling(scene.readout, invented.description, changed)
    wanted, read = bars(scene.readout, invented, chosen)
    places = np.arange(len(chosen))
    axes.bar(places - 0.2, wanted, 0.38, color=CONTEXT, label="asked")
    axes.bar(places + 0.2, read, 0.38, color=PALETTE[1], label="read off what is synthesized")

    legible_names = legible(scene.dataset.attribute_names, "attribute")
    names = [plain_still(legible_names[k], 18) for k in chosen]
    axes.set_xticks(places, names, fontsize=10, rotation=30, ha="right")
    _label_bars(axes)


def _label_bars(axes: Axes) -> None:
    axes.set_ylabel("standardised", fontsize=12)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.legend(
        frameon=False,
        fontsize=11,
        ncols=2,
        loc="lower right",
        bbox_to_anchor=(1, 1),
    )
    open_axes(axes)


def _draw_response(axes: Axes, swept: Sweep) -> None:
    """Draw the attribute as read off against the attribute as asked for."""
    values = swept.values
    low, high = np.quantile(swept.read, [0.1, 0.9], axis=1)
    axes.plot(values, values, color=QUIET, linestyle=(0, (4, 3)), label="as asked")
    axes.fill_between(values, low, high, color=PALETTE[0], alpha=0.15, linewidth=0)

    mean = f"read, mean of {swept.read.shape[1]}"
    axes.plot(values, swept.read.mean(1), color=PALETTE[0], marker="o", label=mean)
    axes.plot(
        values,
        swept.read[:, 0],
        "D",
        color=PALETTE[1],
        fillstyle="none",
        label="read, pictured one",
    )
    _label_response(axes, swept.name)


def _label_response(axes: Axes, attribute: str) -> None:
    axes.set_xlabel(f"{plain_still(attribute)}, asked", fontsize=12)
    axes.set_ylabel("read off", fontsize=12)
    axes.legend(
        frameon=False,
        fontsize=11,
        loc="center left",
        bbox_to_anchor=(1, 0.5),
    )
    open_axes(axes)


def _draw_cosines(axes: Axes, invented: Invented) -> None:
    """Draw how near a sentence is to the texts of the nearest classes."""
    nearest = invented.nearest("cosine", COSINES_DRAWN)
    places = np.arange(len(nearest))[::-1]
    colours = [PALETTE[0] if seen else PALETTE[1] for seen in nearest["seen"]]
    axes.barh(places, nearest["cosine"], 0.7, color=colours)
    axes.set_yticks(places, [plain_still(name, 22) for name in nearest["class"]], fontsize=11)
    axes.set_xlabel(
        "cosine to the texts of a class: seen blue, unseen orange",
        fontsize=12,
    )
    open_axes(axes)


# --- The nearest real classes --------------------------------------------------------------------


def _write_nearest(axes: Axes, invented: Invented) -> None:
    """Write the nearest real classes as two lists, each under its heading."""
    lines = []
    for by, heading in LISTS.items():
        lines.append((heading, "bold"))
        for text in _nearest_in_words(invented.nearest(by, LISTED), by):
            lines.append((text, "normal"))

    axes.axis("off")
    for i, (text, weight) in enumerate(lines):
        axes.text(
            0,
            1 - i / len(lines),
            text,
            transform=axes.transAxes,
            va="top",
            fontsize=12,
            weight=weight,
            color=INK,
        )


def _nearest_in_words(nearest: pd.DataFrame, by: str) -> list[str]:
    texts = []
    for name, seen, value in zip(nearest["class"], nearest["seen"], nearest[by], strict=True):
        kind = "seen" if seen else "unseen"
        texts.append(f"{plain_still(name, 22)}  {value:.2f}  {kind}")
    return texts
