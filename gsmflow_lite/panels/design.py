"""The class designer: attribute sliders invent a class; what is synthesized of it appears at once, among the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
import plotly.graph_objects as go

from ..datasets.base import GZSLDataset
from ..errors import DataError
from ..explorer.invention import (
    PICTURES,
    SAMPLES,
    STEPS,
    Invented,
    RealClasses,
    Sweep,
    bars,
    describe,
    design_figure,
    invent,
    ranges,
    sweep,
    telling,
)
from ..explorer.scene import Scene, proportions
from ..figures.points import Points
from ..figures.style import CONTEXT, MIDDLE_GREY, PALETTE, plain, short
from ..generators.base import Generator
from ..generators.ridge_gaussian import RidgeGaussian
from ..generators.zoo import glyph_zoo
from . import show
from .controls import WIDE, choice, heading, label, slider
from .lensmap import LensMap, focus_colours
from .live import LiveFigure
from .panel import Panel, button, close_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POOL = 8  # sliders, whatever the number of attributes
NEAREST_COLOURED = 3  # nearest classes of each kind that stand out on the map
INVENTED = PALETTE[1]  # the colour of the invented class; no real one has it
NONE = [("none", "")]


class AttributeSliders:
    """Changes of single attributes. ``value`` is a tuple of ``name=value``; :data:`POOL` sliders show some of the attributes.

    Which ones they show follows the search field and the page; changes of the others are kept. An attribute that is moved back
    to where the description has it is no change any more.
    """

    def __init__(self, names: Sequence[str], low: np.ndarray, high: np.ndarray) -> None:
        self.names, self.low, self.high = tuple(names), low.astype(float), high.astype(float)
        self._base = self.low.copy()  # what the description says before changes
        self._texts: dict[str, str] = {}
        self._shown: list[int] = []
        self._page, self._muted, self._handlers = 0, False, []
        self.search = widgets.Text(
            description="Search", placeholder=f"among {len(names)} attributes", tooltip="Show attributes that contain this",
            style={"description_width": "104px"}, layout=widgets.Layout(width=WIDE),
        )  # fmt: skip
        self.before = button(
            "", "arrow-left", "Attributes before these", lambda: self.turn(-1), width="44px"
        )
        self.after = button(
            "", "arrow-right", "Attributes after these", lambda: self.turn(1), width="44px"
        )
        self.clear = button(
            "Clear", "eraser", "Take all changes of attributes back", self._clear, width="98px"
        )
        self.place = widgets.HTML(layout=widgets.Layout(margin="0 6px"))
        self.sliders = [slider("", 0.0, 0.0, 1.0, 0.05, "") for _ in range(POOL)]
        for i, one in enumerate(self.sliders):
            one.style.description_width = "146px"  # attributes have long names
            one.observe(lambda change, i=i: self._moved(i, change["new"]), names="value")
        pages = widgets.HBox(
            [self.before, self.after, self.place, self.clear],
            layout=widgets.Layout(align_items="center"),
        )
        self.widget = widgets.VBox([self.search, pages, *self.sliders])
        self.search.observe(lambda _: self.turn(0), names="value")
        self.turn(0)

    # --- The setting -------------------------------------------------------------------------------------------------

    @property
    def value(self) -> tuple[str, ...]:
        return tuple(f"{name}={text}" for name, text in self._texts.items())

    @value.setter
    def value(self, texts: Sequence[str]) -> None:
        pairs = [_pair(text) for text in texts]
        found = dict(pairs)
        for name, number in found.items():
            self._check(name, number)
        if len(found) != len(pairs):
            raise ValueError("each attribute can be changed once")
        before, self._texts = self.value, found
        self._draw()
        if self.value != before:
            self._tell()

    def _check(self, name: str, text: str) -> None:
        if name not in self.names:
            raise ValueError(f"there is no attribute {short(name, 40)!r}: write name=value")
        k, number = self.names.index(name), float(text)
        room = 1e-5 * max(abs(self.low[k]), abs(self.high[k]))
        if not self.low[k] - room <= number <= self.high[k] + room:
            raise ValueError(f"{short(name)} goes from {self.low[k]:g} to {self.high[k]:g}")

    @property
    def layout(self) -> widgets.Layout:
        return self.widget.layout

    def observe(self, handler: Callable, names: str = "value") -> None:
        """Call ``handler`` after each change."""
        self._handlers.append(handler)

    def _tell(self) -> None:
        for handler in self._handlers:
            handler(self)

    def _moved(self, i: int, number: float) -> None:
        if self._muted or i >= len(self._shown):
            return
        k = self._shown[i]
        name, room = self.names[k], 1e-6 * (self.high[k] - self.low[k])
        before = self.value
        if abs(number - self._base[k]) <= room:
            self._texts.pop(name, None)
        else:
            self._texts[name] = f"{number:.6g}"
        self._count()
        if self.value != before:
            self._tell()

    def _clear(self) -> None:
        self.value = ()

    # --- What the sliders show ---------------------------------------------------------------------------------------

    def turn(self, pages: int) -> None:
        """Go on by so many pages of the attributes that are found; 0 after another search."""
        found = [
            k
            for k, name in enumerate(self.names)
            if self.search.value.casefold() in name.casefold()
        ]
        last = max(0, (len(found) - 1) // POOL)
        self._page = min(max(0, self._page + pages), last) if pages else 0
        self._shown = found[self._page * POOL : (self._page + 1) * POOL]
        self.before.disabled, self.after.disabled = self._page == 0, self._page == last
        self._found = len(found)
        self._draw()

    def describe(self, base: np.ndarray) -> None:
        """What the attributes are before changes, (A,)."""
        self._base = np.asarray(base, float)
        self._draw()

    def _draw(self) -> None:
        self._muted = True
        for i, one in enumerate(self.sliders):
            one.layout.display = "flex" if i < len(self._shown) else "none"
            if i < len(self._shown):
                self._set(one, self._shown[i])
        self._muted = False
        self._count()

    def _set(self, one: widgets.FloatSlider, k: int) -> None:
        low, high = self.low[k], self.high[k]
        constant = bool(high <= low)
        top = low + 1.0 if constant else high  # a slider without length cannot be drawn
        now = float(self._texts.get(self.names[k], self._base[k]))
        with (
            one.hold_trait_notifications()
        ):  # low and high change together, or one of them is refused
            one.min, one.max, one.step = low, top, (top - low) / 20
            one.value = min(max(now, low), top)
        one.readout_format = ".0f" if top - low > 20 else ".2f" if top - low > 0.2 else ".3g"
        one.description, one.disabled = label(self.names[k]), constant
        span = (
            f"is {low:g} in every class"
            if constant
            else f"from {low:g} to {high:g}, as in the data"
        )
        one.tooltip = f"{label(self.names[k])} {span}"

    def _count(self) -> None:
        first = self._page * POOL + bool(self._shown)
        self.place.value = f"{first} to {self._page * POOL + len(self._shown)} of {self._found}"
        self.clear.description = f"Clear {len(self._texts)}" if self._texts else "Clear"
        self.clear.disabled = not self._texts


def changed(texts: Sequence[str]) -> dict[str, float]:
    """Changed attributes by name, from texts ``name=value``."""
    return {name: float(number) for name, number in map(_pair, texts)}


def _pair(text: str) -> tuple[str, str]:
    """What is before and after the last sign: a name may hold one itself."""
    name, _, number = text.rpartition("=")
    return name, number


class DesignPanel(Panel):
    """See :func:`design`. ``ready`` is the code that makes ``dataset``, ``generator`` and ``scene``, as :meth:`code` begins."""

    kind = "design"
    help = "Start from O and raise diagonal_lower_right: is that a Q? Then sweep the attribute."

    def __init__(
        self, scene: Scene, generator: Generator, ready: str = "", *, name: str = "design", hide: Sequence[str] = (),
        state: str = "",
    ) -> None:  # fmt: skip
        self.scene, self.generator, self.ready = scene, generator, ready
        self.real = RealClasses(scene)
        self.names = self.real.names
        self.traits = scene.dataset.unique_attribute_names
        self.invented: Invented | None = None
        self.swept: Sweep | None = None
        self._colours: dict[int, str] = {}
        self._views()
        super().__init__(self._controls(), name=name, hide=hide, start=state)
        self._arrange()
        self._redraw()

    # --- Controls and views, made once -------------------------------------------------------------------------------

    def _controls(self) -> dict[str, Any]:
        named = [(label(name), name) for name in self.names]
        traits = [(label(name), name) for name in self.traits]
        first = self.names[int(self.scene.dataset.unseen_classes[0])]
        varied = int(np.argmax(self.scene.readout.readability))
        return {
            "start": choice(
                "Start from", named, first, "The class whose description you begin with"
            ),
            "less": choice("minus", NONE + named, "", "Its attributes are subtracted"),
            "more": choice(
                "plus",
                NONE + named,
                "",
                "Its attributes are added; sums stay within what the data have",
            ),
            "changes": AttributeSliders(self.traits, *ranges(self.scene.dataset)),
            "temperature": slider(
                "Temperature",
                1.0,
                0.0,
                1.5,
                0.05,
                "How far samples stray; 0 gives the typical one alone",
            ),
            "seed": slider("Seed", 0, 0, 99, 1, "Of the noise"),
            "sweep": choice(
                "Sweep",
                traits,
                self.traits[varied],
                "The attribute that goes from low to high below",
            ),
        }

    def _views(self) -> None:
        html = [widgets.HTML(layout=widgets.Layout(width="100%", margin="0")) for _ in range(5)]
        self.sentence, self.pictures, self.table, self.strip, self.answer = html
        for one in (self.pictures, self.strip):
            one.add_class("pictures")
            one.layout.display = "block" if self.scene.dataset.decode else "none"
        self.map = LensMap([*self.names, "invented"], height=430)
        self.bars, self.response = LiveFigure(_bars()), LiveFigure(_response())
        self.keep = button(
            "Keep",
            "bookmark",
            "Put these settings on the list of those that were tried",
            self._keep,
        )
        self._real_texts()

    def _arrange(self) -> None:
        c = self.controls
        left = [
            heading("A description"), c["start"], c["less"], c["more"],
            heading("Its attributes"), c["changes"].widget,
            heading("What is synthesized"), c["temperature"], c["seed"], c["sweep"], self.keep,
        ]  # fmt: skip
        apart = widgets.Layout(flex_flow="row wrap", align_items="flex-start")
        self.table.layout.flex, self.table.layout.min_width = "1 1 390px", "380px"
        plot = widgets.VBox([self.answer, self.response], layout=widgets.Layout(width="440px"))
        under = widgets.HBox([self.table, plot], layout=apart)
        first, spare = (
            self.pictures,
            self.bars,
        )  # one of them is not shown for these data, and freed with the rest
        if not self.scene.dataset.decode:
            first, spare = spare, first
        self.spare = spare
        self.arrange(left, [self.sentence, first, self.strip, self.map.figure, under])

    def _real_texts(self) -> None:
        """The hover text of each real point: they are many, and change only with the scene."""
        both = zip(self.names, self.real.seen, strict=True)
        kinds = [
            f"<b>{plain(name)}</b>, real, {'seen' if seen else 'unseen'}" for name, seen in both
        ]
        self._texts = [kinds[k] for k in self.scene.real.labels]

    # --- From settings to the view -----------------------------------------------------------------------------------

    @property
    def description(self) -> np.ndarray:
        """The invented class's attributes, (A,)."""
        return describe(self.scene.dataset, **self._base(), changes=changed(self.shown["changes"]))

    def _base(self) -> dict[str, str]:
        return {key: self.shown[key] for key in ("start", "less", "more")}

    def _noise(self) -> dict[str, float]:
        """Temperature and seed, to as many digits as are written in a state and in code."""
        return {"temperature": float(f"{self.shown['temperature']:g}"), "seed": self.shown["seed"]}

    def refresh(self) -> None:
        """Synthesize the class and show it everywhere."""
        description, noise = self.description, self._noise()
        self.controls["changes"].describe(describe(self.scene.dataset, **self._base()))
        invented = invent(self.real, self.generator, description, **noise)
        self.swept = sweep(self.scene, self.generator, description, self.shown["sweep"], **noise)
        self.invented = invented  # not before: where the sweep fails, all that is shown stays
        self._show_words()
        self._show_samples()
        self._show_map()
        self._show_sweep()
        self.say("")

    def follow_map(self, scene: Scene) -> None:
        """Take another scene of the same data, whose UMAP map is there."""
        self.scene, self.real, self._colours = scene, RealClasses(scene), {}
        self._real_texts()
        self._redraw()

    def _show_words(self) -> None:
        reach = self.invented.reach
        self.sentence.value = (
            f'<span role="status" class="{"bad" if reach.extrapolates else ""}" style="font-size:15px">'
            f"<b>{escape(self.title)}</b>&ensp;{escape(reach.sentence)}</span>"
        )
        off = int((self.invented.synthesized.far > 1).sum())
        caption = (
            "cosine of standardised attributes; distance of mean features, where 1 is usual between two real classes. "
            f"{off} of {SAMPLES} samples are off the map: no real point as near as 95 % of the real points have one."
        )
        self.table.value = _near_table(self.invented, self._colours_of(), caption)

    @property
    def title(self) -> str:
        """The description in words, on one line."""
        s = self.shown
        signs = (("less", "\N{MINUS SIGN}"), ("more", "+"))
        sums = [short(s["start"]), *[f"{sign} {short(s[key])}" for key, sign in signs if s[key]]]
        changes = [f"{short(name)} {number:g}" for name, number in changed(s["changes"]).items()]
        more = f", and {len(changes) - 3} more" if len(changes) > 3 else ""
        return " ".join(sums) + (f" with {', '.join(changes[:3])}{more}" if changes else "")

    def _show_samples(self) -> None:
        decode, invented = self.scene.dataset.decode, self.invented
        if decode:
            words = ["typical"] * (invented.typical is not None) + [""] * PICTURES
            images = decode(invented.shown)
            alts = [
                "the typical sample" if word else f"synthesized sample {i + 1}"
                for i, word in enumerate(words)
            ]
            self.pictures.value = _row("What is synthesized", images, words, alts, tall=84)
            return
        chosen = telling(self.scene.readout, invented.description, self._changed_numbers())
        names = [plain(self.traits[k], 18) for k in chosen]
        asked, read = bars(self.scene.readout, invented, chosen)
        place = np.arange(len(chosen))
        _put(self.bars, [(place, asked), (place, read)])
        with self.bars.batch_update():
            self.bars.layout.xaxis.tickvals, self.bars.layout.xaxis.ticktext = place, names

    def _changed_numbers(self) -> list[int]:
        return [self.traits.index(name) for name in changed(self.shown["changes"])]

    def _colours_of(self) -> dict[int, str]:
        """Colours of the nearest classes by number; those that stay near keep theirs."""
        near = [
            k
            for by in ("cosine", "distance")
            for k in self.invented.nearest(by, NEAREST_COLOURED).index
        ]
        invented = len(self.names)
        return focus_colours(
            [invented, *dict.fromkeys(map(int, near))], {invented: INVENTED} | self._colours
        )

    def _show_map(self) -> None:
        synthesized, colours = self.invented.synthesized, self._colours_of()
        number = len(self.names)
        if colours != self._colours:  # two thousand points: only when other classes are near
            self._colours = colours
            self.map.show_real(
                self.scene.real, [k for k in colours if k != number], self._texts, colours
            )
        points = Points(
            synthesized.points.pca,
            synthesized.points.umap,
            np.full(len(synthesized.near), number),
            synthesized.points.rows,
        )
        nearest = [plain(self.names[self.scene.real.labels[i]]) for i in synthesized.near]
        self.map.show_synthesized(
            points,
            [f"<b>invented</b>, synthesized<br>nearest real point: {name}" for name in nearest],
        )
        if self.invented.typical is not None:
            space = proportions(self.scene.dataset, self.invented.typical[None])
            self.map.mark(
                {
                    "pca": self.scene.projection.pca(space),
                    "umap": self.scene.projection.place(space),
                }
            )
        self.map.draw()

    def _show_sweep(self) -> None:
        swept, decode = self.swept, self.scene.dataset.decode
        if decode:
            self.strip.value = self._strips(decode)
        self.answer.value = f"<b>Response</b> {escape(swept.sentence)}"
        low, high = np.quantile(swept.read, [0.1, 0.9], axis=1)
        ends = np.concatenate([swept.asked, swept.asked[::-1]])
        band, line = (ends, np.concatenate([high, low[::-1]])), (swept.asked, swept.asked)
        _put(
            self.response,
            [band, line, (swept.asked, swept.read.mean(1)), (swept.asked, swept.read[:, 0])],
        )
        with self.response.batch_update():
            self.response.layout.xaxis.title.text = f"{plain(swept.name)}, asked"

    def _strips(self, decode: Callable) -> str:
        """The sweep in pictures: the typical sample, and one with noise with what is read off it."""
        swept, name = self.swept, short(self.swept.name)
        asked = [f"{value:.3g}" for value in swept.asked]
        read = [
            f"{one} \N{RIGHTWARDS ARROW} {value:.2g}"
            for one, value in zip(asked, swept.read[:, 0], strict=True)
        ]
        rows = []
        if swept.typical is not None:
            alts = [f"typical sample at {name} {one}" for one in asked]
            rows.append(
                _row(
                    f"{name} from low to high: the typical sample",
                    decode(swept.typical),
                    [""] * STEPS,
                    alts,
                    tall=84,
                )
            )
        alts = [f"one sample at {name} {one}" for one in asked]
        title = "one sample, its noise the same: asked \N{RIGHTWARDS ARROW} read off the picture"
        return "".join([*rows, _row(title, decode(swept.features[:, 0]), read, alts, tall=84)])

    # --- What stays --------------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        if self.invented is not None:
            first = self.invented.nearest("cosine", 1)
            scores = {
                "cosine": first["cosine"].iloc[0],
                "distance": self.invented.near["distance"].min(),
            }
            self.remember({**scores, "away": self.invented.reach.distance})

    def code(self) -> str:
        """The library calls that make this view."""
        s, changes = self.shown, changed(self.shown["changes"])
        sums = "".join(f", {key}={s[key]!r}" for key in ("less", "more") if s[key])
        sums += f", changes={changes!r}" if changes else ""
        noise = f"temperature={s['temperature']:g}, seed={s['seed']}"
        return (
            "from gsmflow_lite.explorer.invention import RealClasses, describe, design_figure, invent, sweep\n"
            f"{self.ready}\n"
            f"description = describe(dataset, {s['start']!r}{sums})\n"
            f"invented = invent(RealClasses(scene), generator, description, {noise})\n"
            "features, nearest = invented.features, invented.near  # an array, a table\n"
            f"swept = sweep(scene, generator, description, {s['sweep']!r}, {noise})\n"
            "figure = design_figure(scene, invented, swept)\n"
        )

    def still(self) -> Figure:
        """Pictures, sweep and nearest classes in matplotlib."""
        if self.invented is None:
            raise DataError("there is nothing to draw yet: choose another description")
        s = self.shown
        source = type(self.generator).__name__
        noise = f"{SAMPLES} samples of {source}, temperature {s['temperature']:g}, seed {s['seed']}"
        recipe = (
            self.scene.projection.describe
            if self.scene.has_map
            else "its UMAP map is not there yet"
        )
        return design_figure(
            self.scene, self.invented, self.swept, changed=self._changed_numbers(), title=f"Invented: {self.title}",
            caption=f"{noise}; {recipe}",
        )  # fmt: skip

    def close(self) -> None:
        """End background work and free every widget of the panel."""
        super().close()
        close_all(self.spare)


def _put(figure: LiveFigure, places: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
    """New places for each trace. A message each: of what changes in some traces only, the page loses the others."""
    for trace, (x, y) in zip(figure.data, places, strict=True):
        with figure.batch_update():
            trace.x, trace.y = x, y


def _row(
    title: str, images: np.ndarray, words: Sequence[str], alts: Sequence[str], *, tall: int
) -> str:
    """Pictures side by side, as tall as fits but at most so many pixels, each with a word under it."""
    wide = round(tall * images.shape[2] / images.shape[1])
    cells = "".join(
        f'<span style="text-align:center;font-size:12px">{_filling(show.picture(image, alt, tall))}{escape(word)}</span>'
        for image, word, alt in zip(images, words, alts, strict=False)
    )
    grid = f"display:grid;gap:2px 6px;grid-template-columns:repeat({len(images)},minmax(0,{wide}px));line-height:1.3"
    return f'<div class="calm" style="margin-top:6px">{escape(title)}</div><div style="{grid}">{cells}</div>'


def _filling(image: str) -> str:
    """An image that gives way where the page is narrow."""
    return image.replace("<img ", '<img style="width:100%;height:auto;box-sizing:border-box" ', 1)


def _near_table(invented: Invented, colours: Mapping[int, str], caption: str) -> str:
    """The nearest classes by description beside those by what is synthesized."""
    both = zip(
        invented.nearest("cosine").iterrows(), invented.nearest("distance").iterrows(), strict=True
    )
    lines = "".join(
        f"<tr>{_cells(*a, 'cosine', colours)}{_cells(*b, 'distance', colours)}</tr>"
        for a, b in both
    )
    head = "".join(
        f'<th scope="col" style="text-align:left">{text}</th><th scope="col">{unit}</th>'
        for text, unit in (
            ("nearest by description", "cosine"),
            ("nearest by what is synthesized", "distance"),
        )
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _cells(number: int, one: Mapping[str, Any], by: str, colours: Mapping[int, str]) -> str:
    swatch = f'<span class="swatch" style="background:{colours.get(int(number), CONTEXT)}"></span>'
    kind = "seen" if one["seen"] else "<b>unseen</b>"
    return f'<td style="text-align:left">{swatch}{show.name(one["class"])}, {kind}</td><td>{one[by]:.2f}</td>'


def _dress(figure: go.Figure, height: int) -> go.Figure:
    """Colours that are seen on white and on black; sizes that are read from the back row."""
    figure.update_xaxes(gridcolor="rgba(127,127,127,.25)", zeroline=False, linecolor=MIDDLE_GREY)
    figure.update_yaxes(gridcolor="rgba(127,127,127,.25)", zerolinecolor=MIDDLE_GREY)
    return figure.update_layout(
        template="none", height=height, margin={"l": 56, "r": 8, "t": 30, "b": 46}, font={"size": 13, "color": MIDDLE_GREY},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", legend={"orientation": "h", "y": 1.16, "x": 0},
        hoverlabel={"bgcolor": "#262626", "font": {"color": "#FFFFFF"}},
    )  # fmt: skip


def _response() -> go.Figure:
    """What is read against what is asked, empty."""
    band = {
        "fill": "toself",
        "fillcolor": "rgba(0,114,178,.18)",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "mode": "lines",
    }
    figure = go.Figure([
        go.Scatter(name=f"8 of 10 of {PICTURES} samples", x=[], y=[], **band),
        go.Scatter(name="as asked", x=[], y=[], mode="lines", line={"color": MIDDLE_GREY, "dash": "dash"}),
        go.Scatter(name="read, mean", x=[], y=[], mode="lines+markers", line={"color": PALETTE[0], "width": 3}),
        go.Scatter(
            name="read, pictured", x=[], y=[], mode="markers",
            marker={"color": INVENTED, "symbol": "diamond-open", "size": 9, "line": {"width": 2}},
        ),
    ])  # fmt: skip
    figure.update_yaxes(title={"text": "read off"})
    return _dress(figure, 300).update_layout(width=430, legend={"font": {"size": 12}, "y": 1.3})


def _bars() -> go.Figure:
    """Attributes asked and read, empty: for features without pictures."""
    asked, read = (
        go.Bar(name=name, x=[], y=[], marker={"color": colour})
        for name, colour in (
            ("asked", MIDDLE_GREY),
            ("read off what is synthesized, mean", INVENTED),
        )
    )
    figure = _dress(go.Figure([asked, read]), 270)
    figure.update_yaxes(title={"text": "standardised"}, zeroline=True)
    figure.update_xaxes(tickangle=-30, tickfont={"size": 11}, ticklabeloverflow="allow")
    return figure.update_layout(margin={"b": 90}, barmode="group")


def design(
    dataset: GZSLDataset | None = None,
    generator: Generator | None = None,
    *,
    state: str = "",
    hide: Sequence[str] = (),
    name: str = "design",
) -> DesignPanel:
    """Invent a class: glyphs and the flow that comes with the package, or your data and generator (else a ridge-Gaussian).

    ``state`` is a text of :meth:`Panel.state`; ``hide`` names controls not to show; a second panel of a ``name`` closes the
    first. The UMAP map of your own data is fitted in the background. Raises ``ConfigError``.
    """
    if dataset is None:
        zoo = glyph_zoo()
        ready = "from gsmflow_lite.explorer.scene import Scene\nfrom gsmflow_lite.generators.zoo import glyph_zoo\n\nzoo = glyph_zoo()\n"
        ready += "dataset, scene = zoo.dataset, Scene.of_zoo(zoo)\n"
        ready += (
            "generator = zoo.model()\n"
            if generator is None
            else "# generator: the one you gave to design\n"
        )
        return DesignPanel(
            Scene.of_zoo(zoo), generator or zoo.model(), ready, name=name, hide=hide, state=state
        )
    ready = "from gsmflow_lite import RidgeGaussian\n" if generator is None else ""
    ready += "from gsmflow_lite.explorer.scene import Scene\n\n# dataset: the one you gave to design\nscene = Scene.of(dataset)\n"
    ready += (
        "generator = RidgeGaussian.fit(dataset)\n"
        if generator is None
        else "# generator: the one you gave to design\n"
    )
    generator = generator or RidgeGaussian.fit(dataset)
    panel = DesignPanel(Scene.first(dataset), generator, ready, name=name, hide=hide, state=state)
    panel.submit("UMAP map", lambda task: Scene.of(dataset, watch=task), panel.follow_map)
    return panel
