"""Rows of pictures in matplotlib, for where no kernel runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..figures.ink import as_light, height_and_width
from ..figures.style import legible, plain_still
from .pictures import PictureRow, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

def draw_pictures(axes: Axes, rows: Sequence[PictureRow], names: Sequence[str], title: str) -> None:
    """Draw rows of pictures as one sheet: a class a row, with its name, the real picture first.

    ``names`` are those of all classes. Where nearest real images stand for features, the title
    says so, and how many of them are of the right class.
    """
    pixels = sheet(rows)
    axes.imshow(as_light(pixels), cmap="gray", vmin=0, vmax=255)
    if rows[0].nearest is not None:
        title = f"{title}: {in_words(rows)}" if title else in_words(rows)
    axes.set_title(plain_still(title, most=None), fontsize=13, loc="left")
    lines = pixels.shape[0] / len(rows)
    labels = legible(names)
    axes.set_yticks(
        (np.arange(len(rows)) + 0.5) * lines - 1,
        [plain_still(labels[row.number]) for row in rows],
        fontsize=13,
    )
    half = height_and_width(rows[0].synthesized)[1] / 2
    axes.set_xticks([half], ["real"], fontsize=12)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def in_words(rows: Sequence[PictureRow]) -> str:
    """Say how many of the nearest real images are of the class that was asked for."""
    labels = [row.nearest for row in rows if row.nearest is not None]
    asked = [row.number for row in rows if row.nearest is not None]
    right = sum(int((one == k).sum()) for one, k in zip(labels, asked, strict=True))
    count = sum(one.size for one in labels)
    return f"nearest real images, {right} of {count} of the class that was asked for"
