"""Rows of pictures in matplotlib, for where no kernel runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..figures.style import legible, plain_still
from .pictures import PictureRow, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_pictures(axes: Axes, rows: Sequence[PictureRow], names: Sequence[str], title: str) -> None:
    """Draw rows of pictures as one sheet: a class a row, with its name, the real picture first.

    ``names`` are those of all classes.
    """
    pixels = sheet(rows)
    axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=1)
    axes.set_title(plain_still(title, most=None), fontsize=13, loc="left")
    lines = pixels.shape[0] / len(rows)
    labels = legible(names)
    axes.set_yticks(
        (np.arange(len(rows)) + 0.5) * lines - 1,
        [plain_still(labels[row.number]) for row in rows],
        fontsize=13,
    )
    half = rows[0].synthesized.shape[-1] / 2
    axes.set_xticks([half], ["real"], fontsize=12)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
