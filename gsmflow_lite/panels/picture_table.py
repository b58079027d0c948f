"""Rows of pictures in HTML: a class a row, a real picture, and what was synthesized of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from ..explorer.pictures import PictureRow, nearest_in_words
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
    pictures of a group, from left to right. ``caption`` must be markup. Where nearest real images
    stand for features, the class of each stands under it. Where a real image is more than features
    keep, what they keep of it stands beside it, as *decoded*.
    """
    if not rows:
        return ""
    nearest = rows[0].nearest is not None
    groups = 1 if nearest and len(origins) == 1 else len(rows[0].synthesized)
    has_kept = any(row.kept is not None for row in rows)
    head = show.headings(["class", "real", "decoded"] if has_kept else ["class", "real"])
    over = escape(" | ".join(origins)) if len(origins) > 1 else "synthesized"
    lines = "".join(_line(row, names, colours, origins, has_kept=has_kept) for row in rows)
    if nearest:
        caption = f"{caption}; a class in bold is another one"
        over = nearest_in_words(rows) if len(origins) == 1 else f"{over}: {nearest_in_words(rows)}"
    return (
        f"<table><caption>{caption}</caption><thead><tr>{head}"
        f'<th scope="colgroup" colspan="{groups}" class="group">{over}</th></tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )


def _line(
    row: PictureRow,
    names: Sequence[str],
    colours: Mapping[int, str],
    origins: Sequence[str],
    *,
    has_kept: bool,
) -> str:
    name = names[row.number]
    dot = show.swatch(colours.get(row.number, "transparent"))
    real = "" if row.real is None else show.image(row.real, f"{name}, real", PICTURE_HEIGHT)
    cells = [f"<td>{real}</td>"]
    if has_kept:
        what = f"{name}, what features keep of the real image"
        kept = "" if row.kept is None else show.image(row.kept, what, PICTURE_HEIGHT)
        cells.append(f"<td>{kept}</td>")
    texts = [
        f"{name}, sample {number}: {', '.join(origins)}"
        for number in range(1, len(row.synthesized) + 1)
    ]
    if row.nearest is None:
        groups = [
            show.image_sheet(np.asarray(group), text, columns=len(group), height=PICTURE_HEIGHT)
            for group, text in zip(row.synthesized, texts, strict=True)
        ]
    else:
        groups = [_nearest_images(row, i, names, text) for i, text in enumerate(texts)]
        if len(origins) == 1:  # no pairs that must stay together: one cell, which may be narrow
            groups = [" ".join(groups)]
    cells += [f"<td>{group}</td>" for group in groups]
    return f'<tr><th scope="row">{dot}{show.name(name)}</th>{"".join(cells)}</tr>'


def _nearest_images(row: PictureRow, sample: int, names: Sequence[str], text: str) -> str:
    """The nearest real images of a sample, with their classes; another class stands out."""
    assert row.nearest is not None
    images = []
    for picture, k in zip(row.synthesized[sample], row.nearest[sample], strict=True):
        image = show.image(picture, f"{text}; nearest real image: {names[k]}", PICTURE_HEIGHT)
        words = show.name(names[k], show.CAPTION)
        images.append(show.captioned(image, words if k == row.number else f"<b>{words}</b>"))
    return " ".join(images)
