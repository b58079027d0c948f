"""The views of the class designer: rows of pictures, the table of near classes, two charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int, Shaped

from ..explorer.invention import PICTURES, Invented, Sweep, bars
from ..explorer.row_pictures import imagined_pictures, shows_nearest
from ..explorer.scene import Scene
from ..figures.ink import height_and_width
from ..figures.style import CONTEXT, MIDDLE_GREY, PALETTE, legible, plain, short
from ..shifts.readout import AttributeReadout
from . import show
from .live import LiveFigure

INVENTED = "#E6007E"  # the colour of the invented class; no real one has it
TALL = 84  # pixels, at most, of the pictures in a row
BAND = (0.1, 0.9)  # quantiles between which the band of the response lies
ARROW = "\N{RIGHTWARDS ARROW}"
GRID = "rgba(127,127,127,.25)"


# --- Pictures --------------------------------------------------------------------------------


def picture_row(
    title: str,
    images: Shaped[np.ndarray, "n H W ..."],
    words: Sequence[str],
    alts: Sequence[str],
) -> str:
    """Pictures side by side, each with a word under it; they shrink where the page is narrow."""
    tall, wide = height_and_width(images)
    width = round(TALL * wide / tall)
    cells = "".join(
        f'<span style="text-align:center;font-size:12px">'
        f"{show.image(image, alt, TALL, shrinks=True)}{escape(word)}</span>"
        for image, word, alt in zip(images, words, alts, strict=False)
    )
    grid = (
        "display:grid;gap:2px 6px;line-height:1.3;"
        f"grid-template-columns:repeat({len(images)},minmax(0,{width}px))"
    )
    heading = f'<div class="calm" style="margin-top:6px">{escape(title)}</div>'
    return f'{heading}<div style="{grid}">{cells}</div>'


def _row_of(
    scene: Scene,
    title: str,
    features: Float[np.ndarray, "n D"],
    words: Sequence[str],
    alts: Sequence[str],
) -> str:
    """A row of imagined features: their pictures, or the nearest real images and their classes."""
    shown = imagined_pictures(scene, features)
    if shown.rows is None:
        return picture_row(title, shown.pixels, words, alts)
    names = [scene.dataset.unique_names[k] for k in scene.dataset.labels[shown.rows]]
    under = [
        f"{word}: {short(name, show.CAPTION)}" if word else short(name, show.CAPTION)
        for word, name in zip(words, names, strict=False)
    ]
    alts = [f"{alt}; nearest real image: {name}" for alt, name in zip(alts, names, strict=False)]
    return picture_row(f"{title}: nearest real images", shown.pixels, under, alts)


def sample_row(invented: Invented, scene: Scene) -> str:
    """The typical sample, where there is one, and some samples with noise."""
    first = [] if invented.typical is None else ["typical"]
    words = first + [""] * PICTURES
    alts = ["the typical sample" for _ in first]
    alts += [f"synthesized sample {i + 1}" for i in range(len(first), len(words))]
    return _row_of(scene, "What is synthesized", invented.shown, words, alts)


def sweep_rows(swept: Sweep, scene: Scene) -> str:
    """The sweep in pictures: the typical sample, and one with noise and what is read off it."""
    return "".join([*_typical_row(swept, scene), _noisy_row(swept, scene)])


def _typical_row(swept: Sweep, scene: Scene) -> Iterator[str]:
    if swept.typical is None:
        return
    name = short(swept.name)
    alts = [f"typical sample at {name} {value:.3g}" for value in swept.values]
    title = f"{name} from low to high: the typical sample"
    yield _row_of(scene, title, swept.typical, [""] * len(alts), alts)


def _noisy_row(swept: Sweep, scene: Scene) -> str:
    pairs = zip(swept.values, swept.read[:, 0], strict=True)
    words = [f"{asked:.3g} {ARROW} {read:.2g}" for asked, read in pairs]
    alts = [f"one sample at {short(swept.name)} {value:.3g}" for value in swept.values]
    what = "features" if shows_nearest(scene.dataset) else "the picture"
    title = f"one sample, its noise the same: asked {ARROW} read off {what}"
    return _row_of(scene, title, swept.features[:, 0], words, alts)


# --- The table of near classes ---------------------------------------------------------------


def near_table(invented: Invented, colours: Mapping[int, str], caption: str) -> str:
    """The nearest classes by description, beside the nearest by what is synthesized."""
    by_description = _near_cells(invented, "cosine", colours)
    by_features = _near_cells(invented, "distance", colours)
    lines = [f"<tr>{a}{b}</tr>" for a, b in zip(by_description, by_features, strict=True)]
    head = _near_heading("nearest by description", "cosine")
    head += _near_heading("nearest by what is synthesized", "distance")
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _near_heading(text: str, unit: str) -> str:
    return f'<th scope="col" style="text-align:left">{text}</th><th scope="col">{unit}</th>'


def _near_cells(invented: Invented, by: str, colours: Mapping[int, str]) -> Iterator[str]:
    """Two cells for each of the nearest classes: its name and kind, and how near it is."""
    for number, row in invented.nearest(by).iterrows():
        dot = show.swatch(colours.get(int(number), CONTEXT))
        kind = "seen" if row["seen"] else "<b>unseen</b>"
        name = f"{dot}{show.name(row['class'])}, {kind}"
        yield f'<td style="text-align:left">{name}</td><td>{row[by]:.2f}</td>'


# --- Charts ----------------------------------------------------------------------------------


def empty_response() -> go.Figure:
    """The response: what is read off against what is asked, before there is anything to show."""
    figure = go.Figure()
    figure.add_scatter(
        name=f"8 of 10 of {PICTURES} samples",
        mode="lines",
        fill="toself",
        fillcolor="rgba(0,114,178,.18)",
        line={"width": 0},
        hoverinfo="skip",
    )
    figure.add_scatter(name="as asked", mode="lines", line={"color": MIDDLE_GREY, "dash": "dash"})
    figure.add_scatter(
        name="read, mean", mode="lines+markers", line={"color": PALETTE[0], "width": 3}
    )
    figure.add_scatter(name="read, pictured", mode="markers", marker=_PICTURED)
    figure.update_traces(x=[], y=[])
    figure.update_yaxes(title={"text": "read off"})
    _dress(figure)
    return figure.update_layout(legend={"font": {"size": 12}, "y": 1.3})


_PICTURED = {"color": INVENTED, "symbol": "diamond-open", "size": 9, "line": {"width": 2}}


def show_response(figure: LiveFigure, swept: Sweep) -> None:
    """Put a sweep into the traces of the response."""
    low, high = np.quantile(swept.read, BAND, axis=1)
    there_and_back = np.concatenate([swept.values, swept.values[::-1]])
    band = np.concatenate([high, low[::-1]])
    _put(
        figure,
        [
            (there_and_back, band),
            (swept.values, swept.values),
            (swept.values, swept.read.mean(1)),
            (swept.values, swept.read[:, 0]),
        ],
    )
    with figure.batch_update():
        figure.layout.xaxis.title.text = f"{plain(swept.name)}, asked"


def empty_bars() -> go.Figure:
    """Attributes as asked and as read off, for features without pictures; nothing is in it yet."""
    figure = go.Figure()
    figure.add_bar(name="asked", x=[], y=[], marker={"color": MIDDLE_GREY})
    figure.add_bar(
        name="read off what is synthesized, mean", x=[], y=[], marker={"color": INVENTED}
    )
    _dress(figure)
    figure.update_yaxes(title={"text": "standardised"}, zeroline=True)
    figure.update_xaxes(tickangle=-30, tickfont={"size": 11}, ticklabeloverflow="allow")
    return figure.update_layout(margin={"b": 90}, barmode="group")


def show_bars(
    figure: LiveFigure,
    readout: AttributeReadout,
    invented: Invented,
    chosen: Int[np.ndarray, " m"],
    names: Sequence[str],
) -> None:
    """Put some attributes, by number, into the bars; ``names`` are those of all attributes."""
    asked, read = bars(readout, invented, chosen)
    places = np.arange(len(chosen))
    _put(figure, [(places, asked), (places, read)])
    with figure.batch_update():
        figure.layout.xaxis.tickvals = places
        figure.layout.xaxis.ticktext = [
            plain(label, 18) for label in legible([names[k] for k in chosen], "attribute", chosen)
        ]


def _put(figure: LiveFigure, places: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
    """Put new places into each trace, with a message for each.

    In one message for all, the page would lose what changes in some of the traces only.
    """
    for trace, (x, y) in zip(figure.data, places, strict=True):
        with figure.batch_update():
            trace.x = x
            trace.y = y


def _dress(figure: go.Figure) -> None:
    """Colours that can be seen on white and on black; text that can be read from afar."""
    figure.update_xaxes(gridcolor=GRID, zeroline=False, linecolor=MIDDLE_GREY)
    figure.update_yaxes(gridcolor=GRID, zerolinecolor=MIDDLE_GREY)
    clear: dict[str, Any] = dict.fromkeys(("paper_bgcolor", "plot_bgcolor"), "rgba(0,0,0,0)")
    figure.update_layout(
        template="none",
        margin={"l": 56, "r": 8, "t": 30, "b": 46},
        font={"size": 13, "color": MIDDLE_GREY},
        legend={"orientation": "h", "y": 1.16, "x": 0},
        hoverlabel={"bgcolor": "#262626", "font": {"color": "#FFFFFF"}},
        **clear,
    )
