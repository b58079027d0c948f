"""Rows of pictures in matplotlib, for where no kernel runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..figures.ink import WHITE, as_light, height_and_width
from ..figures.style import legible, plain_still
from .pictures import PictureRow, nearest_in_words, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_pictures(axes: Axes, rows: Sequence[PictureRow], names: Sequence[str], title: str) -> None:
    """Draw rows of pictures as one sheet: a class a row, with its name, the real picture first.

    ``names`` are those of all classes. Where nearest real images stand for features, the title
    says so, and how many of them are of the right class.
    """
    pixels = sheet(rows)
    axes.imshow(as_light(pixels), cmap="gray", vmin=0, vmax=WHITE)
    if rows[0].nearest is not None:
        title = f"{title}: {nearest_in_words(rows)}"
    axes.set_title(plain_still(title, most=None), fontsize=13, loc="left")
    lines = pixels.shape[0] / len(rows)
    labels = legible(names)
    axes.set_yticks(
        (np.arange(len(rows)) + 0.5) * lines - 1,
        [plain_still(labels[row.number]) for row in rows],
        fontsize=13,
    )
    given = [
        one for row in rows for one in (row.synthesized, row.real, row.kept) if one is not None
    ]
    width = max(height_and_width(one)[1] for one in given)
    under = ["real", "decoded"] if any(row.kept is not None for row in rows) else ["real"]
    axes.set_xticks((np.arange(len(under)) + 0.5) * width, under, fontsize=12)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
