"""Two generators on one map: the same real points, classes and noise, and how the meters differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from ..datasets.base import GZSLDataset
from ..errors import ConfigError
from ..explorer.scene import Scene, Synthesized
from ..figures import overlays
from ..figures.lenses import LENSES, two_lenses_on
from ..figures.style import number, plain_still, still_figure
from ..generators.base import AtTemperature, Generator
from ..generators.mechanisms import SWITCHES
from ..generators.zoo import Zoo
from ..shifts.comparison import differences
from ..shifts.measuring import measure
from ..shifts.meters import HEADLINES, SHIFTS
from ..shifts.report import ShiftReport
from . import show
from .controls import choice, heading, rows, slider, switch
from .map_panel import (
    MEASURED,
    Sources,
    check_generators,
    class_chooser,
    reader,
    source_of,
    stage,
    zoo_code,
)
from .panel import drawn
from .point_panel import PointPanel
from .tidy_code import tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMPARE_KEY = (
    "Dots are real, diamonds the first, triangles the second; arrows lead from first to second."
)
SIDES = ("first", "second")
KINDS_OF_SIDES = dict(
    zip(SIDES, ("synthesized", "synthesized 2"), strict=True)
)  # of points on the map


class ComparePanel(PointPanel):
    """The panel of :func:`compare`."""

    kind = "compare"
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
        super().__init__(
            scene, generators, controls, zoo=zoo, sets=2, name=name, hide=hide, start=state
        )
        self._synthesized: dict[str, Synthesized] | None = None
        self._differences: pd.DataFrame | None = None
        self.sentence = widgets.HTML()
        self.page_table = widgets.HTML(layout=widgets.Layout(width="100%"))
        self.meters = (self.sentence, self.page_table)
        card = widgets.VBox([self.walk, self.card], layout=widgets.Layout(width="420px"))
        views = [self.sentence, self.map.figure, card, self.gallery, self.page_table]
        self.arrange(_in_order(self.controls), views)
        self.redraw()

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
        self.focus(classes)  # not before: if synthesizing fails, the view must stay as it is
        for side in SIDES:
            synthesized = self.synthesized[side]
            texts = self.synthesized_texts(synthesized, self.shown[side])
            self.map.show_synthesized(synthesized.points, texts, KINDS_OF_SIDES[side])
        self._show_arrows(classes)
        self.map.mark({})
        self.follow_points()
        self.map.draw()
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

    def _show_arrows(self, classes: Sequence[int]) -> None:
        """Arrows from the middle of a class on the first side to its middle on the second."""
        if not self.shown["prototypes"]:
            self.map.show_lines({})
            return
        arrows = {}
        for lens in LENSES:
            start, end = (
                overlays.centres(self.synthesized[side].points, classes, lens) for side in SIDES
            )
            arrows[lens] = overlays.arrows(start, end)
        self.map.show_lines({"moved": arrows})

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
        headlines = _headlines(table, None)
        sentences = [_sentence(meter, row, self.shown) for meter, row in headlines.items()]
        self.sentence.value = (
            f'<p class="card">{escape("; ".join(sentences))}.<br>'
            f'<span class="calm">{COMPARE_KEY}</span></p>'
        )
        self.page_table.value = _page_table(table, reports["first"].names, self.caption)
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
        """Return both generators in matplotlib, one row of lenses each."""
        synthesized = self.synthesized
        figure = still_figure(13, 12.6, "", self.caption)
        parts = figure.subfigures(2, 1, squeeze=False)
        for part, side in zip(parts[:, 0], SIDES, strict=True):
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
        "first": choice("First  ◇", sources, sources[0], "Open diamonds on the map"),
        "second": choice("Second  △", sources, sources[1], "Open triangles on the map"),
        "temperature": slider(
            "Temperature", 1.0, 0.0, 2.0, 0.05, "Scale of the latent noise: 0 typical samples only"
        ),
        "samples": slider(
            "Samples",
            25,
            5,
            100,
            5,
            "Synthesized features of each class and generator that are drawn",
        ),
        "seed": slider("Seed", 0, 0, 20, 1, "Of the noise"),
        "prototypes": switch(
            "prototype arrows",
            True,
            "From the middle of a class as the first synthesizes it to the second's",
        ),
    }


def _in_order(controls: Mapping[str, Any]) -> list[widgets.Widget]:
    """The controls with their headings, from top to bottom."""
    return [
        controls["classes"].widget,
        controls["first"],
        controls["second"],
        heading("Sampling, the same for both"),
        controls["temperature"],
        controls["samples"],
        controls["seed"],
        heading("Drawn over the points"),
        *rows([controls["prototypes"]]),
    ]


# --- Words -----------------------------------------------------------------------------------


def _headlines(table: pd.DataFrame, name: str | None) -> dict[str, pd.Series]:
    """The row of each meter's headline, for a class by name or for all together (None)."""
    chosen = table["class"].isna() if name is None else table["class"] == name
    by_metric = table[chosen].set_index("metric")
    return {meter: by_metric.loc[HEADLINES[meter]] for meter in SHIFTS}


def _sentence(meter: str, row: pd.Series, settings: Mapping[str, Any]) -> str:
    """Which generator is nearer to real data by a meter."""
    if row["nearer"] in SIDES:
        values = f"{number(row['first'])} against {number(row['second'])}"
        return f"{meter}: {settings[row['nearer']]} is nearer to real data ({values})"
    if row["nearer"] == "chance":
        return f"{meter}: no difference beyond chance"
    return f"{meter}: not measured"


def _page_table(table: pd.DataFrame, names: Sequence[str], caption: str) -> str:
    """The differences in HTML: three columns for each meter, a line for each class."""
    meters = "".join(
        f'<th scope="colgroup" colspan="3" class="group">{meter}</th>' for meter in SHIFTS
    )
    columns = show.headings([*SIDES, "difference"] * len(SHIFTS))
    lines = [_line("all together", _headlines(table, None))]
    lines += [_line(show.name(name), _headlines(table, name)) for name in names]
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr><td></td>{meters}</tr><tr><td></td>{columns}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _line(heading: str, headlines: Mapping[str, pd.Series]) -> str:
    cells = "".join(_cells(row) for row in headlines.values())
    return f'<tr><th scope="row">{heading}</th>{cells}</tr>'


def _cells(row: pd.Series) -> str:
    """Both values and their difference; the nearer one to real data is bold."""
    if row["nearer"] not in (*SIDES, "chance"):
        return '<td colspan="3"><span class="calm">not measured</span></td>'

    values = {side: number(row[side]) for side in SIDES}
    if row["nearer"] in SIDES:
        values[row["nearer"]] = f"<b>{values[row['nearer']]}</b>"
    interval = escape(f"95 % interval {number(row['low'])} to {number(row['high'])}")
    cells = "".join(f"<td>{value}</td>" for value in values.values())
    return f'{cells}<td title="{interval}">{row["difference"]:+.2f}</td>'


def shipped(zoo: Zoo) -> Sources:
    """The flows that come trained, by name: the best one, and that one minus a mechanism."""
    best = zoo.choices[0]
    minus = {
        f"GSMFlow minus {mechanism.label}": replace(best, **{name: False})
        for name, mechanism in SWITCHES.items()
    }
    named = {"GSMFlow": best} | minus
    return {name: chosen for name, chosen in named.items() if chosen.effective in zoo.choices}


def compare_code(panel: ComparePanel) -> str:
    """The library calls that make the view of a comparison."""
    s = panel.shown
    lines = [
        "from gsmflow_lite import RidgeGaussian, measure",
        "from gsmflow_lite.shifts import differences",
        "from gsmflow_lite.generators import AtTemperature",
        "from gsmflow_lite.explorer import Scene",
    ]
    if panel.zoo:
        lines.append(f"from gsmflow_lite.generators import Mechanisms, {reader(panel.zoo)}")
        lines += ["", *zoo_code(panel.zoo)]
    else:
        lines += ["", f"scene = Scene.of(dataset, seed={panel.map_seed})"]

    sampled = f"{s['samples']}, temperature={s['temperature']:g}, seed={s['seed']}"
    for side in SIDES:
        lines.append(f"{side} = {panel.source_code(s[side])}")
        lines.append(f"synthesized_{side} = scene.ask({side}, {panel.classes}, {sampled})")

    reports = ", ".join(_measure_code(panel, side) for side in SIDES)
    lines.append(f"table = differences({reports})")
    return "\n".join(lines) + "\n"


def _measure_code(panel: ComparePanel, side: str) -> str:
    s = panel.shown
    warm = side
    if s["temperature"] != 1:
        warm = f"AtTemperature({side}, {s['temperature']:g})"
    classes = sorted(panel.classes)
    options = f"n={MEASURED}, seed={s['seed']}, classes={classes}, metrics={SHIFTS}"
    return f"measure(scene.dataset, {warm}, {options})"


def compare(
    dataset: GZSLDataset | str | None = None,
    generators: Mapping[str, Generator] | Generator | None = None,
    *,
    state: str = "",
    hide: Sequence[str] = (),
    seed: int = 0,
    name: str = "compare",
) -> ComparePanel:
    """Open two generators side by side on one map, as the last line of a notebook cell.

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
