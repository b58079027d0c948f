"""What panels say in HTML: tables, cards and pictures. Names are text here, whatever they hold."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from jaxtyping import Float, Shaped

from ..figures.ink import as_light, height_and_width, is_coloured, paper
from ..figures.style import LONGEST_NAME, VERDICTS, number, short
from ..shifts.report import Reading, ShiftReport

MOST_PICTURES = 24
MOST_ATTRIBUTES = 8
LONGEST_QUOTE = 160  # characters of a text that describes a class
CAPTION = 10  # letters of a class name under a picture
MARGIN = 2  # pixels between pictures on a sheet
BAR = 40  # pixels of a bar from the middle to either end
LONGEST_BAR = 3.0  # spreads that fill a bar


def name(text: object, most: int = LONGEST_NAME) -> str:
    """Show a name from a file as text, cut if it is long."""
    return escape(short(text, most))


def swatch(colour: str) -> str:
    """A dot in a colour, to stand before a class name."""
    return f'<span class="swatch" style="background:{colour}"></span>'


def plain_sentence(text: str) -> str:
    """A sentence whose first words, up to the first full stop, stand out."""
    verdict, stop, rest = text.partition(".")
    return f'<span class="verdict">{escape(verdict)}{stop}</span>{escape(rest)}'


def headings(texts: Sequence[str], scope: str = "col") -> str:
    """The cells of the first line of a table."""
    return "".join(f'<th scope="{scope}">{text}</th>' for text in texts)


# --- Verdicts --------------------------------------------------------------------------------


def verdict_cell(reading: Reading) -> str:
    """A cell with the value of a reading, its word, a sign and a colour: never colour alone."""
    if not reading.measured:
        return '<td><span class="calm">not measured</span></td>'

    look = VERDICTS[reading.word]
    sign = f'<span style="color:{look.colour}" aria-hidden="true">{look.symbol}</span>'
    interval = f"{number(reading.low)} to {number(reading.high)}"
    scale = f"real data {number(reading.ceiling)}, floor {number(reading.floor)}"
    if reading.advice:
        scale += f"; {reading.advice}"
    value = number(reading.value)
    return f'<td title="{escape(f"{interval}; {scale}")}">{value} {sign} {reading.word}</td>'


def verdict_table(report: ShiftReport, colours: Mapping[str, str], meters: Sequence[str]) -> str:
    """A table of the headline of each meter: for all classes together, then for some by name.

    ``colours`` are those of the classes that have a line, by name.
    """
    count = len(report.names)
    every = f"all {count} classes" if count > 1 else "all classes"
    lines = [_verdict_line(report, meters, None, every), _beside_line(report, meters)]
    for one, colour in colours.items():
        lines.append(_verdict_line(report, meters, one, swatch(colour) + name(one)))
    return (
        f"<table><thead><tr>{headings(['class', *meters])}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _verdict_line(
    report: ShiftReport, meters: Sequence[str], label: str | None, heading: str
) -> str:
    cells = "".join(verdict_cell(report.reading(meter, label)) for meter in meters)
    return f'<tr><th scope="row">{heading}</th>{cells}</tr>'


def _beside_line(report: ShiftReport, meters: Sequence[str]) -> str:
    """What the ridge-Gaussian reaches of all classes; nothing where it was not measured."""
    values = [report.reading(meter).beside for meter in meters]
    if all(value is None for value in values):
        return ""
    cells = "".join("<td>-</td>" if x is None else f"<td>{number(x)}</td>" for x in values)
    return f'<tr class="calm"><th scope="row">ridge-Gaussian</th>{cells}</tr>'


# --- Pictures --------------------------------------------------------------------------------


def image(
    pixels: Shaped[np.ndarray, "H W ..."], alt: str, height: int = 84, *, shrinks: bool = False
) -> str:
    """One picture as an image, grey or coloured (see ``figures.ink``); ``alt`` is its text.

    One that ``shrinks`` fills its place, however narrow that is.
    """
    tall, wide = height_and_width(pixels)
    width = max(1, round(height * wide / tall))
    style = "width:100%;height:auto;box-sizing:border-box" if shrinks else ""
    if is_coloured(pixels):  # a photograph has no hard pixels
        style = f"{style};image-rendering:auto".lstrip(";")
    style = f' style="{style}"' if style else ""
    size = f'width="{width}" height="{height}"'
    return f'<img{style} src="{_data_uri(pixels)}" alt="{escape(alt)}" {size}>'


def image_sheet(
    many: Shaped[np.ndarray, "n H W ..."], alt: str, *, columns: int = 12, height: int = 52
) -> str:
    """Several pictures in lines, as one image; each is ``height`` pixels tall."""
    n = len(many)
    tall, wide = height_and_width(many)
    columns = min(columns, max(1, n))
    lines = -(-n // columns)

    cell_height = tall + MARGIN
    cell_width = wide + MARGIN
    cells = paper((lines * columns, cell_height, cell_width), many)
    cells[:n, 1:-1, 1:-1] = many

    colours = cells.shape[3:]
    grid = cells.reshape(lines, columns, cell_height, cell_width, *colours).swapaxes(1, 2)
    sheet = grid.reshape(lines * cell_height, columns * cell_width, *colours)
    return image(sheet, alt, height=lines * height)


def captioned(picture: str, words: str) -> str:
    """An image with small words under it; both must be markup."""
    look = "display:inline-block;text-align:center;font-size:12px;vertical-align:top"
    return f'<span style="{look}">{picture}<br>{words}</span>'


def _data_uri(pixels: Shaped[np.ndarray, "H W ..."]) -> str:
    """The address of an image that holds the image itself, as PNG."""
    from PIL import Image  # comes with matplotlib

    content = io.BytesIO()
    Image.fromarray(as_light(pixels)).save(content, format="png")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


# --- Attributes ------------------------------------------------------------------------------


def in_quotes(text: str, most: int = LONGEST_QUOTE) -> str:
    """A text on one line of at most ``most`` characters, in quotation marks; no markup."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{short(text, most)}\N{RIGHT DOUBLE QUOTATION MARK}"


def attribute_table(
    names: Sequence[str],
    asked: Float[np.ndarray, " A"],
    read: Float[np.ndarray, " A"],
    *,
    most: int = MOST_ATTRIBUTES,
) -> str:
    """A table of what a description asks for and what is read off features.

    Both are in units of spread. The ``most`` unusual attributes of the description stand in it.
    """
    unusual = np.argsort(-np.abs(asked), kind="stable")[:most]
    lines = [_attribute_line(names[i], asked[i], read[i]) for i in unusual]
    head = headings(["attribute", "asked", "read", ""])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _attribute_line(text: str, asked: float, read: float) -> str:
    cells = f"<td>{asked:+.1f}</td><td>{read:+.1f}</td><td>{_bar(read)}</td>"
    return f'<tr><th scope="row">{name(text)}</th>{cells}</tr>'


def _bar(value: float) -> str:
    """A bar from the middle: to the right for more than is typical, to the left for less."""
    length = min(1.0, abs(value) / LONGEST_BAR) * BAR
    side = "left" if value >= 0 else "right"
    box = f"position:relative;display:inline-block;width:{2 * BAR}px;height:9px;border-left:0"
    bar = f"position:absolute;{side}:{BAR}px;width:{length:.0f}px;height:9px;background:#56B4E9"
    return f'<span aria-hidden="true" style="{box}"><span style="{bar}"></span></span>'
