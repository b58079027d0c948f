"""Two generators side by side: the same lens, classes and noise, and how the meters differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import numpy as np
import pandas as pd
from jaxtyping import Float

from ..datasets.base import GZSLDataset
from ..errors import ConfigError
from ..explorer.pictures import PictureRow, picture_rows
from ..explorer.pictures_still import draw_pictures
from ..explorer.row_pictures import shows_nearest
from ..explorer.scene import Scene, Synthesized
from ..figures import overlays
from ..figures.lenses import LENSES, two_lenses_on
from ..figures.style import plain_still, short, still_figure
from ..generators.base import AtTemperature, Generator
from ..generators.mechanisms import SWITCHES
from ..generators.zoo import Zoo
from ..shifts.comparison import differences
from ..shifts.measuring import measure
from ..shifts.meters import SHIFTS
from ..shifts.report import ShiftReport
from . import show
from .compare_code import compare_code
from .compare_words import SIDES, compare_headlines, compare_sentence, differences_table
from .controls import choice, heading, rows, slider, switch
from .map_panel import (
    MEASURED,
    REAL_NAME,
    Sources,
    check_generators,
    class_chooser,
    source_of,
    stage,
)
from .pair_map import PLACE_OF_KIND, PairMap
from .panel import drawn
from .picture_table import picture_table
from .point_panel import PointPanel, Selection
from .stage import text_in
from .tidy_code import tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMPARE_KEY = (
    "Dots are real, the same on both maps. Diamonds and triangles are synthesized; arrows lead "
    "to their middle from that of the real points."
)
PAIRS_EACH = 5  # of pictures from the same noise, of each class
ROWS_OF_PAIRS = 6  # of pictures: more are not looked at
KINDS_OF_SIDES = dict(
    zip(SIDES, ("synthesized", "synthesized 2"), strict=True)
)  # of points on the map


class ComparePanel(PointPanel):
    """The panel of :func:`compare`."""

    kind = "compare"
    map: PairMap
    origins: ClassVar = {
        "synthesized": "synthesized by the first",
        "synthesized 2": "synthesized by the second",
    }

    def __init__(
        self,
        scene: Scene,
        generators: Sources,
        *,
        zoo: Zoo | None,
        name: str,
        hide: Sequence[str] = (),
        state: str = "",
    ) -> None:
        controls = compare_controls(scene.dataset, list(generators))
        super().__init__(scene, generators, controls, zoo=zoo, name=name, hide=hide, start=state)
        self._synthesized: dict[str, Synthesized] | None = None
        self._differences: pd.DataFrame | None = None
        self.sentence = text_in("words")
        self.pairs = text_in("meters")  # under the maps, for they are what one looks at
        self.pairs.add_class("pictures")
        self.page_table = text_in("meters")
        self.meters = (self.sentence, self.page_table)
        points = [self.walk, self.card, self.gallery]
        views = [self.sentence, self.map.figure, self.pairs, self.page_table, *points]
        self.arrange(_in_order(self.controls), views)
        self.redraw()

    def make_map(self) -> PairMap:
        """Make the two maps of one lens."""
        return PairMap(self.scene.dataset.unique_names)

    @property
    def synthesized(self) -> dict[str, Synthesized]:
        """The features of both sides. Raises ``DataError`` if none were synthesized yet."""
        return drawn(self._synthesized)

    @property
    def sets(self) -> dict[str, Synthesized]:
        """The synthesized features by the kind of their points."""
        if self._synthesized is None:
            return {}
        return {KINDS_OF_SIDES[side]: self._synthesized[side] for side in SIDES}

    @property
    def table(self) -> pd.DataFrame:
        """The differences of the meters. Raises ``DataError`` if nothing was measured yet."""
        return drawn(self._differences, "wait until the meters are read")

    def generator(self, side: str) -> Generator:
        """The first or the second generator."""
        return self.source(self.shown[side])

    # --- From settings to the view -----------------------------------------------------------

    def refresh(self) -> None:
        """Synthesize on both sides, draw, and begin to measure."""
        classes = self.classes
        self._synthesized = {side: self._ask(side, classes) for side in SIDES}
        # What is being measured now would be noted under the new settings.
        self.worker.cancel("measuring")
        # Not before: if synthesizing fails, the view must stay as it is.
        self.map.look_through(self.lens, [self._heading(side) for side in SIDES])
        self.focus(classes)
        for side in SIDES:
            synthesized = self.synthesized[side]
            texts = self.synthesized_texts(synthesized, self.shown[side])
            self.map.show_synthesized(synthesized.points, texts, KINDS_OF_SIDES[side])
        self._show_arrows(self.classes_on_map)
        self.follow_points()
        self.map.draw()
        self._show_pairs(classes)
        self._measure(sorted(classes))

    def _ask(self, side: str, classes: Sequence[int]) -> Synthesized:
        s = self.shown
        return self.scene.ask(
            self.generator(side),
            classes,
            s["samples"],
            temperature=s["temperature"],
            seed=s["seed"],
        )

    @property
    def lens(self) -> str:
        """The lens of both maps: the one that is chosen, but PCA as long as there is no other."""
        return self.shown["lens"] if self.scene.has_map else "pca"

    def _heading(self, side: str) -> str:
        """What stands above the map of a side."""
        coming = "" if self.lens == self.shown["lens"] else ", the UMAP map is being made"
        return f"{short(self.shown[side])}   ({LENSES[self.lens]}{coming})"

    def _show_arrows(self, classes: Sequence[int]) -> None:
        """Arrows from the middle of the real points of a class to that of the synthesized ones."""
        if not self.shown["prototypes"]:
            self.map.show_lines({})
            return
        start = overlays.centres(self.scene.real, classes, self.lens)
        arrows = {}
        for kind, place in PLACE_OF_KIND.items():
            end = overlays.centres(self.sets[kind].points, classes, self.lens)
            arrows[place] = overlays.arrows(start, end)
        self.map.show_lines({"moved": arrows})

    # --- The same noise on both sides --------------------------------------------------------

    def picture_rows(self, classes: Sequence[int]) -> list[PictureRow]:
        """Pictures of the first few features of each class: of both sides, beside a real one."""
        sets = [self.synthesized[side] for side in SIDES]
        each = min(PAIRS_EACH, self.shown["samples"])
        return picture_rows(self.scene, sets, list(classes)[:ROWS_OF_PAIRS], each)

    def _show_pairs(self, classes: Sequence[int]) -> None:
        """Show pictures of the same noise beside each other, where features have pictures."""
        origins = [self.shown[side] for side in SIDES]
        rest = len(classes) - ROWS_OF_PAIRS
        caption = f"{self._about_pairs}{f'; {rest} more classes are chosen' if rest > 0 else ''}"
        with self.telling():  # the decoder of the data is not ours
            self.pairs.value = picture_table(
                self.picture_rows(classes),
                self.scene.dataset.unique_names,
                self.class_colours,
                origins,
                escape(caption),
            )

    @property
    def _about_pairs(self) -> str:
        first, second = (self.shown[side] for side in SIDES)
        same = "made from the same latent noise"
        if REAL_NAME in (first, second):
            same = f"by number alone: {REAL_NAME} come from no noise"
        about = f"In each pair {first} is on the left and {second} on the right, {same}"
        if shows_nearest(self.scene.dataset):
            return f"{about}; shown is the real image that is nearest to what was synthesized"
        return about

    def rings(self, kind: str, number: int, lens: str) -> Float[np.ndarray, "n 2"]:
        """The places of the rings on the map that is called ``lens``.

        A synthesized point has its ring on both maps: it is the same noise.
        """
        real = self.scene.real.through(self.lens)
        if kind == "real":
            return real[[number]]
        shown = next(kind for kind, place in PLACE_OF_KIND.items() if place == lens)
        synthesized = self.sets[shown]
        place = synthesized.points.through(self.lens)[[number]]
        return np.concatenate([real[[synthesized.near[number]]], place])

    def select(self, selection: Selection) -> None:
        """Mark points, and those of the other side that come from the same noise."""
        sides = [selection[kind] for kind in PLACE_OF_KIND if kind in selection]
        both = np.unique(np.concatenate(sides)) if sides else None
        others = {kind: which for kind, which in selection.items() if kind not in PLACE_OF_KIND}
        super().select(others if both is None else others | dict.fromkeys(PLACE_OF_KIND, both))

    # --- Meters ------------------------------------------------------------------------------

    def _measure(self, classes: Sequence[int]) -> None:
        """Measure both sides in the background; what was asked for last counts."""
        seed = self.shown["seed"]
        dataset = self.scene.dataset
        generators = {side: self._warm(side) for side in SIDES}

        def measure_side(side: str) -> ShiftReport:
            return measure(
                dataset, generators[side], n=MEASURED, seed=seed, classes=classes, metrics=SHIFTS
            )

        self.fade_meters(True)
        self.submit(
            "measuring",
            lambda task: {side: measure_side(side) for side in SIDES},
            self._show_reports,
        )

    def _warm(self, side: str) -> Generator:
        """The generator of a side at the temperature that is shown."""
        generator = self.generator(side)
        temperature = self.shown["temperature"]
        return generator if temperature == 1 else AtTemperature(generator, temperature)

    def _show_reports(self, reports: dict[str, ShiftReport]) -> None:
        table = differences(reports["first"], reports["second"])
        self._differences = table
        headlines = compare_headlines(table, None)
        sentences = [compare_sentence(meter, row, self.shown) for meter, row in headlines.items()]
        self.sentence.value = (
            f"<p>{'<br>'.join(map(show.plain_sentence, sentences))}<br>"
            f'<span class="calm">{COMPARE_KEY}</span></p>'
        )
        self.page_table.value = differences_table(table, reports["first"].names, self.caption)
        self.fade_meters(False)
        self.look_again()
        self.remember({meter: row["difference"] for meter, row in headlines.items()})

    @property
    def caption(self) -> str:
        """Where the numbers come from."""
        s = self.shown
        return (
            f"{self.scene.dataset.name}; first: {s['first']}, second: {s['second']}; "
            f"temperature {s['temperature']:g}, seed {s['seed']}; {MEASURED} synthesized features "
            "a class; bold: nearer to real data, beyond chance (95 %); "
            f"{self.scene.projection.describe}"
        )

    # --- Code and still ----------------------------------------------------------------------

    def code(self) -> str:
        """Return the library calls that make this view."""
        return tidy(compare_code(self))

    def still(self) -> Figure:
        """Return both generators in matplotlib: a row of lenses each, then pairs of pictures."""
        synthesized = self.synthesized
        rows = self.picture_rows(self.classes)
        heights = [6.0, 6.0, 0.6 + 0.6 * len(rows)] if rows else [6.0, 6.0]
        figure = still_figure(13, sum(heights) + 0.6, "", self.caption)
        parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)
        if rows:
            names = self.scene.dataset.unique_names
            draw_pictures(parts[-1, 0].subplots(), rows, names, self._about_pairs)
        for part, side in zip(parts[:2, 0], SIDES, strict=True):
            title = plain_still(f"{side}: {self.shown[side]}")
            part.suptitle(title, fontsize=16, x=0.01, ha="left")
            two_lenses_on(
                part,
                self.scene.real,
                synthesized[side].points,
                names=self.scene.dataset.unique_names,
                focus=self.classes_on_map,
                colours=self.class_colours,
            )
        return figure


# --- Controls --------------------------------------------------------------------------------


def compare_controls(dataset: GZSLDataset, sources: Sequence[str]) -> dict[str, Any]:
    """Make the controls by name of their setting; ``sources`` are the names of the generators.

    Raises ``ConfigError`` for fewer than two generators.
    """
    if len(sources) < 2:
        raise ConfigError(
            f"to compare, at least 2 generators are needed, got {sources}: give another one"
        )
    return {
        "classes": class_chooser(dataset),
        "first": choice("First  ◇", sources, sources[0], "Open diamonds on the left map"),
        "second": choice("Second  △", sources, sources[1], "Open triangles on the right map"),
        "temperature": slider(
            "Temperature", 1.0, 0.0, 2.0, 0.05, "Scale of the latent noise: 0 typical samples only"
        ),
        "samples": slider(
            "Samples",
            20,
            5,
            100,
            5,
            "Synthesized features of each class and generator that are drawn",
        ),
        "seed": slider("Seed", 0, 0, 20, 1, "Of the noise"),
        "lens": choice(
            "Lens",
            [(title, lens) for lens, title in LENSES.items()],
            "pca",
            "What both maps are drawn through",
        ),
        "prototypes": switch(
            "prototype arrows",
            True,
            "From the middle of the real points of a class to that of the synthesized ones",
        ),
    }


def _in_order(controls: Mapping[str, Any]) -> list[widgets.Widget]:
    """The controls with their headings, from top to bottom."""
    return [
        heading("What is compared", "Generators"),
        controls["first"],
        controls["second"],
        controls["lens"],
        heading("Classes"),
        controls["classes"].widget,
        heading("Sampling, the same for both", "Sampling"),
        controls["temperature"],
        controls["samples"],
        controls["seed"],
        heading("Drawn over the points", "View"),
        *rows([controls["prototypes"]]),
    ]


def shipped(zoo: Zoo) -> Sources:
    """The flows that come trained, by name: the best one, and that one minus a mechanism."""
    best = zoo.choices[0]
    minus = {
        f"GSMFlow minus {mechanism.label}": replace(best, **{name: False})
        for name, mechanism in SWITCHES.items()
    }
    named = {"GSMFlow": best} | minus
    return {name: chosen for name, chosen in named.items() if chosen.effective in zoo.choices}


def compare(
    dataset: GZSLDataset | str | None = None,
    generators: Mapping[str, Generator] | Generator | None = None,
    *,
    state: str = "",
    hide: Sequence[str] = (),
    seed: int = 0,
    name: str = "compare",
) -> ComparePanel:
    """Open two generators side by side, as the last line of a notebook cell.

    Each has a map of the same lens and real points, and pictures from the same latent noise.

    Without arguments it shows the flows that come trained with the package, a ridge-Gaussian and
    real features, on embedded letters; with ``"hangul"``, on Korean syllables. For a ``dataset`` of
    your own, give ``generators`` by name; :class:`~gsmflow_lite.generators.stored.FromFile` reads
    features of other programs. ``state``, ``hide``, ``seed`` and ``name`` are as in
    :func:`gsmflow_lite.panels.explore`.
    """
    check_generators(dataset, generators)
    source = source_of(dataset)
    scene, sources = stage(source, generators, seed)
    if isinstance(source, Zoo):
        flows: Sources = {**shipped(source), **sources}
        return ComparePanel(scene, flows, zoo=source, name=name, hide=hide, state=state)

    panel = ComparePanel(scene, sources, zoo=None, name=name, hide=hide, state=state)
    if not scene.has_map:
        panel.lay_out(source, seed)
    return panel
