"""Rows of pictures in HTML: a class a row, a real picture, and what was synthesized of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from ..explorer.pictures import PictureRow
from . import show

PICTURE_HEIGHT = 46  # pixels of a picture on the page


def picture_table(
    rows: Sequence[PictureRow],
    names: Sequence[str],
    colours: Mapping[int, str],
    origins: Sequence[str],
    caption: str,
) -> str:
    """Make a table of the pictures, empty without any.

    ``names`` are those of all classes, and may hold anything. ``origins`` says who made the
    pictures of a group, from left to right. ``caption`` must be markup.
    """
    if not rows:
        return ""
    lines = "".join(_line(row, names[row.number], colours, origins) for row in rows)
    groups = len(rows[0].synthesized)
    head = show.headings(["class", "real"])
    over = escape(" | ".join(origins)) if len(origins) > 1 else "synthesized"
    return (
        f"<table><caption>{caption}</caption><thead><tr>{head}"
        f'<th scope="colgroup" colspan="{groups}" class="group">{over}</th></tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )


def _line(row: PictureRow, name: str, colours: Mapping[int, str], origins: Sequence[str]) -> str:
    dot = show.swatch(colours.get(row.number, "transparent"))
    real = "" if row.real is None else show.image(row.real, f"{name}, real", PICTURE_HEIGHT)
    cells = [f"<td>{real}</td>"]
    for number, group in enumerate(row.synthesized, start=1):
        text = f"{name}, sample {number}: {', '.join(origins)}"
        picture = show.image_sheet(
            np.asarray(group), text, columns=len(group), height=PICTURE_HEIGHT
        )
        cells.append(f"<td>{picture}</td>")
    return f'<tr><th scope="row">{dot}{show.name(name)}</th>{"".join(cells)}</tr>'
