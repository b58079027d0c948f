"""figures.style."""

from __future__ import annotations

import base64
import colorsys
import html
import io
import json
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# Told apart by readers with any of the usual colour deficiencies: Okabe and Ito (2008) without yellow, and two of Paul
# Tol's. Class is colour, real or synthesized is the symbol, and the name stands on the map.
PALETTE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#882255",
    "#332288",
    "#111111",
)


CONTEXT = "#C8C8C8"  # points and bars that are only there to compare with


INK = "#262626"


QUIET = "#6B6B6B"  # captions; 5.3 : 1 on white


PLOTLY_TYPE = "application/vnd.plotly.v1+json"


LONGEST_NAME = 32  # characters


def class_colours(classes: Iterable[int]) -> dict[int, str]:
    """A colour for each class in the order given. Classes added at the end leave the colours of the others as they are.

    Nine are easy to tell apart; further ones are darker, then lighter, shades of those, then they repeat.
    """
    shades = [shade(colour, factor) for factor in (1.0, 0.6, 1.5) for colour in PALETTE]
    return {int(k): shades[i % len(shades)] for i, k in enumerate(dict.fromkeys(classes))}


def shade(colour: str, factor: float) -> str:
    hue, light, saturation = colorsys.rgb_to_hls(
        *(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    )
    rgb = colorsys.hls_to_rgb(hue, min(0.85, light * factor), saturation)
    return "#" + "".join(f"{round(255 * part):02X}" for part in rgb)


def plain(text: object, most: int | None = LONGEST_NAME) -> str:
    """Text from a file as plotly must be given it: names are text, but plotly reads tags, templates and TeX in them."""
    escaped = html.escape(short(text, most), quote=False)
    return escaped.replace("%{", "%&#123;").replace("$", "&#36;")


def plain_still(text: object, most: int | None = LONGEST_NAME) -> str:
    """The same for matplotlib, which reads TeX between dollars and hides labels that begin with an underscore."""
    text = short(text, most).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def short(text: object, most: int | None = LONGEST_NAME) -> str:
    """Text on one line, cut after ``most`` characters."""
    line = " ".join(str(text).split())
    return line if most is None or len(line) <= most else line[: most - 1] + "…"


def output(figure: go.Figure | Figure) -> dict[str, str | dict]:
    """A figure as one small notebook output: ``display(output(still), output(interactive), raw=True)``.

    Show both: an interactive figure is drawn only where plotly is at home, a still one wherever the file is read. They cannot
    be one output with two forms, for JupyterLab would always take the still.
    """
    if hasattr(figure, "to_plotly_json"):
        note = "an interactive figure is here where the notebook is open in JupyterLab or VS Code"
        return {PLOTLY_TYPE: json.loads(figure.to_json()), "text/plain": note}
    return {"image/png": base64.b64encode(png(figure)).decode(), "text/plain": "a figure"}


def png(figure: Figure, dpi: float | None = None) -> bytes:
    """A matplotlib figure as a small PNG file."""
    from PIL import Image  # comes with matplotlib

    drawn, picture = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi or figure.dpi)
    Image.open(drawn).convert("RGB").quantize(128).save(
        picture, format="png", optimize=True
    )  # a third of the size
    return picture.getvalue()


# Okabe and Ito's colours, and a symbol each: a word must not hang on colour alone.
VERDICTS = {
    "fine": ("#0072B2", "o"),
    "watch": ("#E69F00", "^"),
    "shifted": ("#D55E00", "X"),
    "not measured": (QUIET, "_"),
}


def number(value: float) -> str:
    """Two digits after the point, or one from 10 on."""
    return f"{value:.1f}" if abs(value) >= 10 else f"{round(value, 2) + 0.0:.2f}"  # no -0.00


def diverging():
    """Blue over white to vermillion: told apart by readers with any of the usual colour deficiencies."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("less to more", [PALETTE[0], "#FFFFFF", PALETTE[1]])


def quiet_axes(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#E6E6E6")
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=12)


def still_figure(width: float, height: float, title: str, caption: str) -> Figure:
    """An empty figure that belongs to nobody: pyplot would keep it alive, and show it a second time in a notebook."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=90, layout="constrained", facecolor="white")
    if title:
        figure.suptitle(plain_still(title, most=None), fontsize=17, x=0.01, ha="left")
    if caption:
        lines = textwrap.fill(
            plain_still(caption, most=None), max(30, int(12.5 * width))
        )  # letters that fit in a line
        figure.supxlabel(lines, fontsize=11, x=0.01, ha="left", color=QUIET)
    return figure


MIDDLE_GREY = "#7F7F7F"  # lines and frames: seen on white and on black
