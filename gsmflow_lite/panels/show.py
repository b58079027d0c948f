"""What panels say in HTML: tables, cards, pictures. Names are text here, whatever they hold."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from ..figures.style import VERDICTS, number, short

SIGNS = {"fine": "●", "watch": "▲", "shifted": "✖", "not measured": "-"}
MOST_PICTURES = 24


def name(text: object) -> str:
    return escape(short(text))


def verdict(reading) -> str:
    """The value of a reading with its word, a sign and a colour: never by colour alone."""
    if reading.word == "not measured":
        return '<td><span class="calm">not measured</span></td>'
    colour = VERDICTS[reading.word][0]
    sign = f'<span style="color:{colour}" aria-hidden="true">{SIGNS[reading.word]}</span>'
    interval = f"{number(reading.low)} to {number(reading.high)}; real data {number(reading.ceiling)}, floor {number(reading.floor)}"
    return f'<td title="{escape(interval)}">{number(reading.value)} {sign} {reading.word}</td>'


def verdicts(
    report, names: Sequence[str], colours: Mapping[str, str], meters: Sequence[str], note: str
) -> str:
    """A table of the headline of each meter: all classes together, then those of ``names``."""
    head = "".join(f'<th scope="col">{meter}</th>' for meter in meters)
    lines = [
        f'<tr><th scope="row">all measured</th>{"".join(verdict(report.reading(m)) for m in meters)}</tr>'
    ]
    for one in names:
        swatch = (
            f'<span class="swatch" style="background:{colours.get(one, "transparent")}"></span>'
        )
        cells = "".join(verdict(report.reading(m, one)) for m in meters)
        lines.append(f'<tr><th scope="row">{swatch}{name(one)}</th>{cells}</tr>')
    return (
        f'<table><caption>{escape(note)}</caption><thead><tr><th scope="col">class</th>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def picture(pixels: np.ndarray, alt: str, height: int = 84) -> str:
    """One grey picture (H, W), 0 paper to 1 ink, as an image with its text."""
    wide = max(1, round(height * pixels.shape[1] / pixels.shape[0]))
    return f'<img src="{_uri(pixels)}" alt="{escape(alt)}" width="{wide}" height="{height}">'


def pictures(many: np.ndarray, alt: str, *, columns: int = 12, height: int = 52) -> str:
    """Pictures (n, H, W) in lines, as one image."""
    n, tall, wide = many.shape
    columns = min(columns, max(1, n))
    lines = -(-n // columns)
    canvas = np.zeros((lines * columns, tall + 2, wide + 2), np.float32)
    canvas[:n, 1:-1, 1:-1] = many
    sheet = (
        canvas.reshape(lines, columns, tall + 2, wide + 2)
        .swapaxes(1, 2)
        .reshape(lines * (tall + 2), columns * (wide + 2))
    )
    return picture(sheet, alt, height=lines * height)


def _uri(pixels: np.ndarray) -> str:
    from PIL import Image  # comes with matplotlib

    content = io.BytesIO()
    Image.fromarray((255 * (1 - np.nan_to_num(pixels).clip(0, 1))).astype(np.uint8)).save(
        content, format="png"
    )
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def attributes(names: Sequence[str], asked: np.ndarray, read: np.ndarray, *, most: int = 8) -> str:
    """What a description asks for (A,) and what is read off (A,), in units of spread: the most unusual attributes first."""
    order = np.argsort(-np.abs(asked), kind="stable")[:most]
    lines = "".join(
        f'<tr><th scope="row">{name(names[i])}</th><td>{asked[i]:+.1f}</td><td>{read[i]:+.1f}</td><td>{_bar(read[i])}</td></tr>'
        for i in order
    )
    head = "".join(f'<th scope="col">{one}</th>' for one in ("attribute", "asked", "read", ""))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _bar(value: float) -> str:
    """From the middle, to the right for more than is typical."""
    length = min(1.0, abs(value) / 3) * 40
    side = "left" if value >= 0 else "right"
    return (
        '<span aria-hidden="true" style="position:relative;display:inline-block;width:80px;height:9px;border-left:0">'
        f'<span style="position:absolute;{side}:40px;width:{length:.0f}px;height:9px;background:#56B4E9"></span></span>'
    )
