"""How every figure looks: colours, the symbols of the verdicts, short names and plain axes."""

from __future__ import annotations

import base64
import colorsys
import html
import io
import json
import string
import textwrap
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    from ..datasets.base import GZSLDataset

# Readers with any of the usual colour deficiencies can tell these apart: Okabe and Ito (2008)
# without yellow and black, and Paul Tol's purple. All are seen on white and on a dark page. A class
# has a colour, and its name stands on the map. The symbol says whether a point is synthesized.
PALETTE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#AA3377",
    "#6955C9",
    "#8A6A3F",
)
CONTEXT = "#C8C8C8"  # points and bars that are only there to compare with
INK = "#262626"
QUIET = "#6B6B6B"  # captions; their contrast on white is 5.3 : 1
PALE = "#E6E6E6"  # grid lines and tracks
MIDDLE_GREY = "#7F7F7F"  # lines and frames that are seen on white and on black

PLOTLY_TYPE = "application/vnd.plotly.v1+json"
LONGEST_NAME = 32  # characters
SPELLED = ("HANGUL SYLLABLE", "HIRAGANA LETTER", "KATAKANA LETTER")  # names that end in a sound


@dataclass(frozen=True)
class VerdictStyle:
    """How one word of the meters is shown: never by colour alone."""

    colour: str
    marker: str  # in matplotlib
    symbol: str  # in text; the same shape as the marker


VERDICTS = {
    "fine": VerdictStyle(PALETTE[0], "o", "●"),
    "watch": VerdictStyle(PALETTE[4], "^", "▲"),
    "shifted": VerdictStyle(PALETTE[1], "X", "✖"),
    "cannot tell": VerdictStyle(QUIET, "D", "◆"),
    "not measured": VerdictStyle(QUIET, "_", "-"),
}


# --- Colours -------------------------------------------------------------------------------------


def class_colours(classes: Iterable[int]) -> dict[int, str]:
    """Give each class a colour, in the order given.

    Classes that are added at the end leave the colours of the others as they are. Nine colours are
    easy to tell apart. Further classes get darker shades of them, then lighter shades, and then the
    colours repeat.
    """
    shades = [shade(colour, factor) for factor in (1.0, 0.6, 1.5) for colour in PALETTE]
    different = dict.fromkeys(classes)
    return {int(k): shades[i % len(shades)] for i, k in enumerate(different)}


def dataset_colours(dataset: GZSLDataset) -> dict[int, str]:
    """Give each class of a data set the colour that it has in all panels, notebooks and reports.

    The unseen classes come first: they are shown most, and their colours are easy to tell apart.
    """
    return class_colours([*dataset.unseen_classes, *dataset.seen_classes])


def shade(colour: str, factor: float) -> str:
    """Multiply the lightness of a colour ``#RRGGBB``; a larger factor makes it lighter."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)

    rgb = colorsys.hls_to_rgb(hue, min(0.85, light * factor), saturation)
    return "#" + "".join(f"{round(255 * part):02X}" for part in rgb)


def diverging() -> LinearSegmentedColormap:
    """Make the colour map from blue (less) over white to vermillion (more)."""
    return colour_ramp(PALETTE[0], "#FFFFFF", PALETTE[1])


def colour_ramp(*colours: str) -> LinearSegmentedColormap:
    """Make a colour map of matplotlib that passes through the colours at equal distances."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("ramp", list(colours))


# --- Words and numbers ---------------------------------------------------------------------------


def short(text: object, most: int | None = LONGEST_NAME) -> str:
    """Put text on one line, and cut it after ``most`` characters."""
    line = " ".join(str(text).split())
    if most is None or len(line) <= most:
        return line
    return line[: most - 1] + "…"


def legible(
    names: Iterable[object], what: str = "class", numbers: Iterable[int] | None = None
) -> list[str]:
    """Write names so that figures can draw them and nobody takes one for another.

    A name of which nothing can be drawn becomes its number, such as *class 7*. The number also
    stands behind names that differ only in what cannot be drawn. ``numbers`` are 0, 1, ... by
    default.

    >>> legible(["wolf", "大熊猫", "한", "fox 狐", "fox 狸"])
    ['wolf', 'class 1', 'han', 'fox (class 3)', 'fox (class 4)']
    """
    whole = [str(name) for name in names]
    drawn = [name if name.isascii() else _kept(name) or _romanised(name) for name in whole]
    places = range(len(whole)) if numbers is None else numbers
    texts: dict[str, set[str]] = {}
    for name, text in zip(whole, drawn, strict=True):
        texts.setdefault(text, set()).add(name)

    labels = []
    for text, k in zip(drawn, places, strict=True):
        if not text:
            labels.append(f"{what} {k}")
        else:
            labels.append(text if len(texts[text]) == 1 else f"{text} ({what} {k})")
    return labels


def drawable(text: object) -> str:
    """Leave out what the font of still figures cannot draw, and the space before it.

    A text of which nothing would be left is romanised. Where its script has no simple way to do
    that, it becomes the names of its characters in Unicode: :func:`legible` does better for names
    that have a number.

    >>> drawable("han 한"), drawable("한"), drawable("雀")
    ('han', 'han', 'CJK UNIFIED IDEOGRAPH-96C0')
    """
    whole = str(text)
    if whole.isascii():
        return whole
    names = [unicodedata.name(character, f"U+{ord(character):04X}") for character in whole]
    return _kept(whole) or _romanised(whole) or ", ".join(names)


def _kept(whole: str) -> str:
    """What the font can draw of a text, empty if these are spaces and punctuation only."""
    kept = ""
    for character in whole:
        if character.isspace() or ord(character) in _codes_of_the_font():
            kept += character
        else:
            kept = kept.rstrip()
    has_words = kept.strip(string.whitespace + string.punctuation)
    return kept.lstrip() if has_words else ""


def _romanised(whole: str) -> str:
    """Spell Korean syllables and Japanese kana by their names in Unicode.

    Empty if there is anything else in the text that the font cannot draw.
    """
    spelled = ""
    for character in unicodedata.normalize("NFC", whole):
        name = unicodedata.name(character, "")
        script, _, sound = name.rpartition(" ")
        if character.isspace() or ord(character) in _codes_of_the_font():
            spelled += character
        elif script.removesuffix(" SMALL") in SPELLED:
            spelled += sound.lower()
        elif name == "KATAKANA-HIRAGANA PROLONGED SOUND MARK":
            spelled += "-"
        else:
            return ""
    return spelled.strip()


@cache
def _codes_of_the_font() -> frozenset[int]:
    """Return the characters that DejaVu Sans has, which comes with matplotlib."""
    from matplotlib import get_data_path
    from matplotlib.ft2font import FT2Font

    file = Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return frozenset(FT2Font(str(file)).get_charmap())


def plain(text: object, most: int | None = LONGEST_NAME) -> str:
    """Escape text for plotly, which would otherwise read tags, templates and TeX in it.

    What has no glyph in the font of still figures is left out: it may have none in a browser.
    """
    escaped = html.escape(short(drawable(text), most), quote=False)
    return escaped.replace("%{", "%&#123;").replace("$", "&#36;")


def plain_still(text: object, most: int | None = LONGEST_NAME) -> str:
    """Escape text for matplotlib, and leave out what it cannot draw.

    Matplotlib reads TeX between dollars, and hides labels that begin with an underscore.
    """
    escaped = short(drawable(text), most).replace("$", r"\$")
    return f" {escaped}" if escaped.startswith("_") else escaped


def number(value: float) -> str:
    """Write two digits after the point, or one digit from 10 on."""
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{round(value, 2) + 0.0:.2f}"  # adding 0.0 turns -0.0 into 0.0


# --- Figures as files and as outputs of a notebook -----------------------------------------------


def output(figure: go.Figure | Figure) -> dict[str, str | dict[str, Any]]:
    """Make one small notebook output of a figure.

    Show both kinds: ``display(output(still), output(interactive), raw=True)``. An interactive
    figure is drawn only where plotly is at home, a still figure wherever the file is read. They
    cannot be one output with two forms, because JupyterLab would always take the still one.
    """
    to_json = getattr(figure, "to_json", None)  # only figures of plotly have it
    if to_json is not None:
        note = "an interactive figure is here where the notebook is open in JupyterLab or VS Code"
        return {PLOTLY_TYPE: json.loads(to_json()), "text/plain": note}

    content = base64.b64encode(png(figure)).decode()
    return {"image/png": content, "text/plain": "a figure"}


def png(figure: Figure, dpi: float | None = None) -> bytes:
    """Draw a matplotlib figure as a small PNG file; 128 colours make it a third of the size."""
    from PIL import Image  # comes with matplotlib

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi or figure.dpi)

    picture = io.BytesIO()
    few_colours = Image.open(drawn).convert("RGB").quantize(128)
    few_colours.save(picture, format="png", optimize=True)
    return picture.getvalue()


# --- Figures of plotly ---------------------------------------------------------------------------


def dress(
    figure: go.Figure,
    title: str,
    caption: str,
    caption_at: float,
) -> go.Figure:
    """Write title and caption on a figure of plotly, and set its fonts and margins.

    The top of the caption is at ``caption_at``, in heights of the axes; below 0 is under them.
    """
    figure.add_annotation(
        text=plain(caption, most=None),
        x=0,
        y=caption_at,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="top",
        showarrow=False,
        font={"size": 12, "color": QUIET},
    )
    return figure.update_layout(
        template="plotly_white",
        title={"text": plain(title, most=None), "x": 0, "xref": "paper", "font": {"size": 20}},
        font={"size": 14, "color": INK},
        height=560,
        margin={"l": 10, "r": 10, "t": 90, "b": 50},
    )


# --- Still figures -------------------------------------------------------------------------------


def still_figure(
    width: float,
    height: float,
    title: str,
    caption: str,
) -> Figure:
    """Make an empty figure of matplotlib, of that many inches, that pyplot does not know.

    Pyplot would keep the figure alive, and show it a second time in a notebook.
    """
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(width, height),
        dpi=90,
        layout="constrained",
        facecolor="white",
    )
    if title:
        figure.suptitle(plain_still(title, most=None), fontsize=17, x=0.01, ha="left")
    if caption:
        letters = max(30, int(12.5 * width))  # that fit in a line
        lines = textwrap.fill(plain_still(caption, most=None), letters)
        figure.supxlabel(
            lines,
            fontsize=11,
            x=0.01,
            ha="left",
            color=QUIET,
        )
    return figure


def quiet_axes(axes: Axes) -> None:
    """Leave of the frame only the left and the lower line, and add a pale grid behind the data."""
    open_axes(axes)
    axes.grid(axis="y", color=PALE)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=12)


def open_axes(axes: Axes) -> None:
    """Take away the upper and the right line of the frame."""
    axes.spines[["top", "right"]].set_visible(False)


def bare_axes(axes: Axes) -> None:
    """Take away the whole frame and the strokes of the ticks; their labels stay."""
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def whole_ticks(axes: Axes) -> None:
    """Put the ticks of the horizontal axis at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 2.5, 5, 10]))
